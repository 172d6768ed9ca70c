//! The facade over both database engines.
//!
//! Each table has a file, and each query stands once, in the SQL both engines speak, beside its
//! function. `on_engine!` runs it on whichever engine is there.

mod access_tokens;
mod activity;
mod apis;
mod attempts;
mod audit;
mod authorization_codes;
mod clients;
mod consents;
mod demo_data;
mod directory;
mod engine;
mod grants;
mod group_commit;
mod initial_access_tokens;
mod issued_jwts;
mod issuers;
mod migrations;
mod one_time_links;
mod refresh_tokens;
mod revoked_jwts;
mod roles;
mod sessions;
mod sign_ins;
mod signing_keys;
mod subjects;
mod tables;
mod usage;
mod users;

use std::sync::Arc;
use std::time::Duration;

use crate::account::Amr;
use crate::clock::Timestamp;
use crate::issuer::{GrantedScope, IssuerId};

pub use access_tokens::StoredToken;
pub use audit::{AuditQuery, ChainEnds};
pub use clients::ClientQuery;
pub use demo_data::KnownClient;
pub use directory::DatedClient;
pub use engine::{Engine, Tx};
pub use issuers::StoredIssuer;
pub use migrations::Step;
pub use sessions::SessionOfUser;
pub use signing_keys::StoredKey;
pub use tables::{Cell, Column, Kind, TABLES, Table};
pub use usage::ClientUsage;
pub use users::{UserQuery, UserRecord};

use directory::Directory;
use group_commit::GroupCommit;

/// The database, and the short-lived caches in front of it. Cheap to clone.
#[derive(Clone)]
pub struct Store {
    engine: Engine,
    directory: Arc<Directory>,
    token_inserts: GroupCommit,
}

/// What is administered, with what editors need to know of it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Recorded<T> {
    pub value: T,
    /// Counts its changes; an editor's copy is compared with it.
    pub revision: i64,
    /// Whether a configuration file declares it, and will say so again when it is applied.
    pub is_declared: bool,
    /// Whether it was there before a file declared it, so that no file may remove it.
    pub is_adopted: bool,
    /// Its place in the order of its kind.
    pub position: i64,
}

/// A failure of the database. What the client is told is that the server is unavailable.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    #[error("the database failed: {0}")]
    Database(#[from] sqlx::Error),
    #[error("the database could not be brought to this version's tables: {0}")]
    Migration(sqlx::migrate::MigrateError),
    #[error(
        "a newer version of Locum has changed the database's tables (step {0}), and this one does not know them: run that version, or go back to a copy of the database from before"
    )]
    Newer(i64),
    #[error("the database holds something this version cannot read: {0}")]
    Unreadable(String),
    #[error("there is no database at {0}; `locum migrate` makes one")]
    Missing(String),
    #[error("{0:?} is not a database URL: {1}")]
    Url(String, String),
    #[error("more is waiting to be written than the database takes")]
    Busy,
}

impl StoreError {
    /// Whether what was to be written names something that is not there.
    pub fn is_about_something_gone(&self) -> bool {
        let Self::Database(error) = self else {
            return false;
        };
        error
            .as_database_error()
            .is_some_and(|error| error.is_foreign_key_violation())
    }

    /// Whether something else has the name already that was to be given.
    pub fn is_taken(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => error.is_unique_violation(),
            _ => false,
        }
    }

    /// Whether the database gave this up because others waited for it, and it for them.
    pub fn is_deadlock(&self) -> bool {
        match self {
            Self::Database(sqlx::Error::Database(error)) => {
                error.code().as_deref() == Some("40P01")
            }
            _ => false,
        }
    }
}

impl From<sqlx::migrate::MigrateError> for StoreError {
    fn from(error: sqlx::migrate::MigrateError) -> Self {
        match error {
            sqlx::migrate::MigrateError::VersionMissing(step) => Self::Newer(step),
            other => Self::Migration(other),
        }
    }
}

pub type Result<T, E = StoreError> = std::result::Result<T, E>;

impl Store {
    /// Opens a database and brings its tables up to date. Must run inside a tokio runtime that
    /// outlives the store: its writer runs there.
    ///
    /// `url` is `postgres://…`, `sqlite:///path/locum.db` or `sqlite::memory:`.
    pub async fn open(url: &str) -> Result<Self> {
        let engine = Engine::open(url).await?;
        Ok(Self {
            directory: Arc::new(Directory::new()),
            token_inserts: GroupCommit::start(engine.clone()),
            engine,
        })
    }

    /// The same, of one that is there: no file is made.
    ///
    /// # Errors
    /// `Missing` when there is none.
    pub async fn open_existing(url: &str) -> Result<Self> {
        Engine::require(url)?;
        Self::open(url).await
    }

    /// What would be done to a database's tables if it were opened. Changes nothing.
    pub async fn pending_steps(url: &str) -> Result<Vec<Step>> {
        Engine::pending_steps(url).await
    }

    /// The newest step of the tables of this version.
    pub fn newest_step() -> i64 {
        migrations::steps()
            .map(|step| step.version)
            .max()
            .unwrap_or_default()
    }

    /// Begins a transaction that only reads, and sees the database as it is at one moment.
    pub async fn read_consistently(&self) -> Result<Tx> {
        self.engine.read_consistently().await
    }

    /// Begins a transaction that writes. Dropping it rolls back.
    pub async fn write(&self) -> Result<Tx> {
        self.engine.write().await
    }

    pub fn engine_name(&self) -> &'static str {
        self.engine.name()
    }

    /// Whether the database answers.
    pub async fn ping(&self) -> Result<()> {
        self.engine.ping().await
    }

    /// Whether [`Self::close`] was called.
    pub fn is_closed(&self) -> bool {
        self.engine.is_closed()
    }

    /// Closes every connection; what was acknowledged is written.
    pub async fn close(&self) {
        self.engine.close().await;
    }

    /// Deletes a bounded number of rows of each kind that have expired. Returns how many went.
    pub async fn delete_expired(&self, now: Timestamp) -> Result<u64> {
        let mut tx = self.write().await?;
        let deleted = tx.delete_expired_access_tokens(now).await?
            + tx.delete_expired_revocations(now).await?
            + tx.delete_expired_issued_jwts(now).await?
            + tx.delete_expired_refresh_tokens(now).await?
            + tx.delete_expired_grants(now).await?
            + tx.delete_old_sessions(now).await?
            + tx.delete_old_sign_ins(now).await?
            + tx.delete_old_attempts(now).await?
            + tx.delete_old_links(now).await?
            + tx.delete_old_activity(now).await?;
        tx.commit().await?;
        Ok(deleted)
    }
}

/// Reads an optional column that names a variant.
fn parse_column<T>(column: &str, value: &str, find: impl Fn(&str) -> Option<T>) -> Result<T> {
    find(value).ok_or_else(|| StoreError::Unreadable(format!("{column} {value:?}")))
}

/// The column of a [`GrantedScope`]: NULL is every scope.
fn granted_scope(column: Option<&str>) -> Result<GrantedScope> {
    let Some(text) = column else {
        return Ok(GrantedScope::All);
    };
    let scope = text.parse();
    Ok(GrantedScope::Only(scope.map_err(|_| {
        StoreError::Unreadable("a grant's scope".to_owned())
    })?))
}

fn granted_scope_text(scope: &GrantedScope) -> Option<String> {
    match scope {
        GrantedScope::All => None,
        GrantedScope::Only(scope) => Some(scope.to_string()),
    }
}

fn amr(column: &str) -> Result<Vec<Amr>> {
    column
        .split_whitespace()
        .map(|method| parse_column("amr", method, Amr::find))
        .collect()
}

fn amr_text(amr: &[Amr]) -> String {
    let methods: Vec<&str> = amr.iter().map(|method| method.as_str()).collect();
    methods.join(" ")
}

/// The longest text that is searched for: SQLite refuses patterns beyond some length.
const LONGEST_SEARCH: usize = 256;

/// A pattern for `LIKE … ESCAPE '!'` that finds `text` anywhere. The engines differ in which
/// letters beyond ASCII `LOWER` knows, so it is the engine that makes both sides lower case.
fn contains(text: &str) -> String {
    let mut pattern = String::from("%");
    for c in text.chars().filter(|c| *c != '\0').take(LONGEST_SEARCH) {
        if matches!(c, '%' | '_' | '!') {
            pattern.push('!');
        }
        pattern.push(c);
    }
    pattern.push('%');
    pattern
}

const DAY: Duration = Duration::from_secs(24 * 3600);

fn earlier(now: Timestamp, by: Duration) -> Timestamp {
    let seconds = i64::try_from(by.as_secs()).unwrap_or(i64::MAX);
    Timestamp::from_unix(now.unix().saturating_sub(seconds))
}

impl IssuerId {
    fn uuid(self) -> uuid::Uuid {
        self.0
    }
}
