//! The two engines, and the one place that tells them apart.

use std::str::FromStr;
use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqliteJournalMode, SqlitePoolOptions, SqliteSynchronous};
use sqlx::{
    ConnectOptions, Connection, Executor, PgPool, Postgres, Sqlite, SqlitePool, Transaction,
};

use super::{Result, StoreError, migrations};
use crate::private;

/// Connections to one of the two engines.
#[derive(Clone)]
pub enum Engine {
    Sqlite {
        readers: SqlitePool,
        /// One connection: SQLite has one writer at a time, and a queue in front of it is
        /// fairer and quicker than connections that find the file locked. In memory it is the
        /// readers' connection as well.
        writer: SqlitePool,
    },
    Postgres(PgPool),
}

/// A transaction.
pub enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

/// Runs one query on the engine that is there: `on_engine!(read self.engine, |db| …)` on a
/// connection of the pool, `on_engine!(tx self, |db| …)` within a transaction. The body is
/// pasted once for each engine, so each gets sqlx's native driver.
macro_rules! on_engine {
    (read $engine:expr, |$db:ident| $body:expr) => {
        match &$engine {
            $crate::store::Engine::Sqlite { readers: $db, .. } => $body,
            $crate::store::Engine::Postgres($db) => $body,
        }
    };
    (tx $tx:expr, |$db:ident| $body:expr) => {
        match $tx {
            $crate::store::Tx::Sqlite(tx) => {
                let $db = &mut **tx;
                $body
            }
            $crate::store::Tx::Postgres(tx) => {
                let $db = &mut **tx;
                $body
            }
        }
    };
}
pub(super) use on_engine;

/// A row as a struct, its columns found by name, on either engine. sqlx's own derive does the
/// same, but builds both drivers a second time for the compiler's host.
macro_rules! row {
    ($vis:vis struct $name:ident { $($column:ident: $type:ty,)+ }) => {
        $vis struct $name { $($column: $type,)+ }

        impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for $name
        where
            &'static str: sqlx::ColumnIndex<R>,
            $($type: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,)+
        {
            fn from_row(row: &'r R) -> sqlx::Result<Self> {
                Ok(Self { $($column: row.try_get(stringify!($column))?,)+ })
            }
        }
    };
}
pub(super) use row;

const READERS: u32 = 4;
const POSTGRES_CONNECTIONS: u32 = 16;
/// How long a request waits for a connection before it is told that the server is unavailable.
const PATIENCE: Duration = Duration::from_secs(5);
/// A statement that takes longer, most likely because somebody holds a lock, is given up.
const LIMITS: &str = "SET statement_timeout = '5s'; SET lock_timeout = '4s'; \
    SET idle_in_transaction_session_timeout = '10s'";
const HAS_TABLE_SQLITE: &str =
    "SELECT EXISTS (SELECT 1 FROM sqlite_schema WHERE type = 'table' AND name = $1)";
const HAS_TABLE_POSTGRES: &str = "SELECT to_regclass($1) IS NOT NULL";
const NO_LIMITS: &str =
    "SET LOCAL statement_timeout = 0; SET LOCAL idle_in_transaction_session_timeout = 0";
const MIGRATION_TRIES: usize = 5;
const BETWEEN_TRIES: Duration = Duration::from_millis(200);

impl Engine {
    /// Opens the database, with its tables up to date.
    pub async fn open(url: &str) -> Result<Self> {
        if is_postgres(url) {
            return Self::open_postgres(url).await;
        }
        if is_sqlite(url) {
            return Self::open_sqlite(url).await;
        }
        Err(unknown(url))
    }

    /// # Errors
    /// `Missing` when it is a file, and there is none. Whether Postgres has one is found by opening
    /// it, which makes none.
    pub fn require(url: &str) -> Result<()> {
        if !is_sqlite(url) {
            return Ok(());
        }
        let options = sqlite_options(url)?;
        let file = options.get_filename();
        if is_in_memory(url) || file.exists() {
            return Ok(());
        }
        Err(StoreError::Missing(file.display().to_string()))
    }

    /// The steps between a database's tables and this version's. A file that does not exist is
    /// not made.
    pub async fn pending_steps(url: &str) -> Result<Vec<migrations::Step>> {
        if is_postgres(url) {
            let mut connection = postgres_options(url)?.connect().await?;
            let has_table = sqlx::query_scalar(HAS_TABLE_POSTGRES)
                .bind(migrations::TABLE)
                .fetch_one(&mut connection)
                .await?;
            return migrations::pending(&mut connection, has_table).await;
        }
        if !is_sqlite(url) {
            return Err(unknown(url));
        }
        let options = sqlite_options(url)?.read_only(true);
        if is_in_memory(url) || !options.get_filename().exists() {
            return Ok(migrations::steps().collect());
        }
        let mut connection = options.connect().await?;
        let has_table = sqlx::query_scalar(HAS_TABLE_SQLITE)
            .bind(migrations::TABLE)
            .fetch_one(&mut connection)
            .await?;
        migrations::pending(&mut connection, has_table).await
    }

    /// Connects once and brings the tables up to date, so that a wrong URL or a server that is
    /// down is named for what it is; then opens the pool.
    async fn open_postgres(url: &str) -> Result<Self> {
        let options = postgres_options(url)?;
        let mut first = options.connect().await?;
        migrations::migrator().run(&mut first).await?;
        first.close().await?;
        let pool = PgPoolOptions::new()
            .max_connections(POSTGRES_CONNECTIONS)
            .acquire_timeout(PATIENCE)
            // Set by a statement, not in the options: a pooler between would refuse those.
            .after_connect(|connection, _| {
                Box::pin(async move {
                    connection.execute(LIMITS).await?;
                    Ok(())
                })
            })
            .connect_with(options)
            .await?;
        Ok(Self::Postgres(pool))
    }

    async fn open_sqlite(url: &str) -> Result<Self> {
        let options = sqlite_options(url)?
            .create_if_missing(true)
            .foreign_keys(true)
            .busy_timeout(PATIENCE);
        // A connection that is let go takes an in-memory database with it.
        let one = || {
            SqlitePoolOptions::new()
                .min_connections(1)
                .max_connections(1)
                .idle_timeout(None)
                .max_lifetime(None)
                .acquire_timeout(PATIENCE)
        };
        if is_in_memory(url) {
            let writer = one().connect_with(options).await?;
            migrate_sqlite(&writer).await?;
            return Ok(Self::Sqlite {
                readers: writer.clone(),
                writer,
            });
        }
        // If that fails, opening it says why.
        let _ = private::create(options.get_filename());
        // FULL: an acknowledged commit survives a power cut, not only a crash of the process.
        let options = options
            .journal_mode(SqliteJournalMode::Wal)
            .synchronous(SqliteSynchronous::Full);
        let writer = one().connect_with(options.clone()).await?;
        migrate_sqlite(&writer).await?;
        let readers = SqlitePoolOptions::new()
            .max_connections(READERS)
            .acquire_timeout(PATIENCE)
            .connect_lazy_with(options.read_only(true));
        Ok(Self::Sqlite { readers, writer })
    }

    pub async fn write(&self) -> Result<Tx> {
        Ok(match self {
            // A plain BEGIN that reads first fails under load with "database is locked".
            Self::Sqlite { writer, .. } => Tx::Sqlite(writer.begin_with("BEGIN IMMEDIATE").await?),
            Self::Postgres(pool) => Tx::Postgres(pool.begin().await?),
        })
    }

    pub async fn read_consistently(&self) -> Result<Tx> {
        Ok(match self {
            // A snapshot begins with its first query.
            Self::Sqlite { readers, .. } => Tx::Sqlite(readers.begin().await?),
            Self::Postgres(pool) => {
                let begin = "BEGIN ISOLATION LEVEL REPEATABLE READ READ ONLY";
                let mut tx = Tx::Postgres(pool.begin_with(begin).await?);
                tx.take_your_time().await?;
                tx
            }
        })
    }

    pub const fn name(&self) -> &'static str {
        match self {
            Self::Sqlite { .. } => "SQLite",
            Self::Postgres(_) => "Postgres",
        }
    }

    pub async fn ping(&self) -> Result<()> {
        on_engine!(read self, |db| sqlx::query("SELECT 1").execute(db).await.map(drop))?;
        Ok(())
    }

    pub fn is_closed(&self) -> bool {
        match self {
            Self::Sqlite { writer, .. } => writer.is_closed(),
            Self::Postgres(pool) => pool.is_closed(),
        }
    }

    pub async fn close(&self) {
        match self {
            Self::Sqlite { readers, writer } => {
                readers.close().await;
                writer.close().await;
            }
            Self::Postgres(pool) => pool.close().await,
        }
    }
}

/// Two processes may find the same new file. SQLite has no lock for migrations as Postgres has, so
/// one of them fails on a table that exists already; by its next try the other is done.
async fn migrate_sqlite(writer: &SqlitePool) -> Result<()> {
    let migrator = migrations::migrator();
    for _ in 0..MIGRATION_TRIES {
        if migrator.run(writer).await.is_ok() {
            return Ok(());
        }
        tokio::time::sleep(BETWEEN_TRIES).await;
    }
    Ok(migrator.run(writer).await?)
}

impl Tx {
    /// Lets this transaction take longer than a request may: it moves whole tables.
    pub async fn take_your_time(&mut self) -> Result<()> {
        match self {
            Self::Sqlite(_) => {}
            Self::Postgres(tx) => {
                (**tx).execute(NO_LIMITS).await?;
            }
        }
        Ok(())
    }

    pub async fn commit(self) -> Result<()> {
        match self {
            Self::Sqlite(tx) => tx.commit().await?,
            Self::Postgres(tx) => tx.commit().await?,
        }
        Ok(())
    }
}

fn is_postgres(url: &str) -> bool {
    url.starts_with("postgres://") || url.starts_with("postgresql://")
}

fn is_sqlite(url: &str) -> bool {
    url.starts_with("sqlite:")
}

fn is_in_memory(url: &str) -> bool {
    url.contains(":memory:")
}

fn unknown(url: &str) -> StoreError {
    StoreError::Url(
        redact(url),
        "expected postgres://…, sqlite:///path/locum.db or sqlite::memory:".to_owned(),
    )
}

fn sqlite_options(url: &str) -> Result<SqliteConnectOptions> {
    Ok(SqliteConnectOptions::from_str(url)
        .map_err(|error| StoreError::Url(redact(url), error.to_string()))?
        .disable_statement_logging())
}

fn postgres_options(url: &str) -> Result<PgConnectOptions> {
    Ok(PgConnectOptions::from_str(url)
        .map_err(|error| StoreError::Url(redact(url), error.to_string()))?
        .application_name("locum")
        .disable_statement_logging())
}

/// A database URL without what may be a secret in it, for messages: the password, and the query,
/// where it may stand as well.
fn redact(url: &str) -> String {
    match url::Url::parse(url) {
        Ok(mut url) => {
            if url.password().is_some() {
                let _ = url.set_password(Some("…"));
            }
            if url.query().is_some() {
                url.set_query(Some("…"));
            }
            url.to_string()
        }
        // What cannot be parsed cannot be redacted either.
        Err(_) => url.split(':').next().unwrap_or_default().to_owned() + ":…",
    }
}

#[cfg(test)]
mod tests {
    use super::redact;

    #[test]
    fn a_password_is_not_in_a_message() {
        assert!(!redact("postgres://locum:hunter2@db/locum").contains("hunter2"));
        assert!(!redact("postgres//locum:hunter2@db").contains("hunter2"));
        assert!(!redact("postgres://db/locum?password=hunter2").contains("hunter2"));
        assert_eq!(redact("sqlite::memory:"), "sqlite::memory:");
    }
}
