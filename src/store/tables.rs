//! Every table, as moving rows from one database to another needs it: which columns it has, in
//! which order tables refer to each other, and whose a row is. A test compares it with what the
//! migrations make on both engines.

use futures_util::TryStreamExt;
use serde_json::Value as Json;
use sqlx::{AssertSqlSafe, ColumnIndex, Decode, Row, Type};
use time::OffsetDateTime;
use uuid::Uuid;

use base64::Engine;
use base64::prelude::BASE64_STANDARD;

use super::engine::on_engine;
use super::{Result, StoreError, Tx};
use crate::clock::Timestamp;

pub struct Table {
    pub name: &'static str,
    belonging: Belonging,
    pub columns: &'static [Column],
}

pub struct Column {
    pub name: &'static str,
    pub kind: Kind,
    pub is_nullable: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Uuid,
    Text,
    Bigint,
    Boolean,
    Bytes,
    Instant,
}

/// By what a row is known to be an issuer's.
#[derive(Clone, Copy)]
enum Belonging {
    /// A column has the issuer's ID.
    By(&'static str),
    /// It is of one of the issuer's APIs.
    ByApi,
}

/// A column of a row, on its way.
#[derive(Debug, Clone, PartialEq)]
pub enum Cell {
    Uuid(Option<Uuid>),
    Text(Option<String>),
    Bigint(Option<i64>),
    Boolean(Option<bool>),
    Bytes(Option<Vec<u8>>),
    Instant(Option<OffsetDateTime>),
}

macro_rules! tables {
    ($($name:ident by $belonging:expr => { $($column:ident $kind:ident $($null:ident)?,)+ })+) => {
        /// In an order in which each table refers only to those before it.
        pub const TABLES: &[Table] = &[$(Table {
            name: stringify!($name),
            belonging: $belonging,
            columns: &[$(Column {
                name: stringify!($column),
                kind: Kind::$kind,
                is_nullable: tables!(@ $($null)?),
            },)+],
        },)+];
    };
    (@ null) => { true };
    (@) => { false };
}

use Belonging::{By, ByApi};

tables! {
    issuers by By("id") => {
        id Uuid, name Text, dialect Text, created_at Instant, dialect_source Text null, settings Text,
        declared Boolean, is_demo Boolean, revision Bigint, generation Bigint,
    }
    apis by By("issuer_id") => {
        id Uuid, issuer_id Uuid, position Bigint, audience Text, name Text, token_lifetime Bigint null,
        token_format Text null, signing_alg Text null, declared Boolean, revision Bigint,
        adopted Boolean,
    }
    scopes by ByApi => {
        api_id Uuid, name Text, position Bigint, description Text, users_only Boolean, needs_role Boolean,
        translations Text,
    }
    roles by By("issuer_id") => {
        issuer_id Uuid, name Text, position Bigint, description Text, declared Boolean, revision Bigint,
        adopted Boolean,
    }
    role_grants by By("issuer_id") => {
        issuer_id Uuid, role Text, api_id Uuid, position Bigint, scope Text null,
    }
    clients by By("issuer_id") => {
        issuer_id Uuid, client_id Text, client_name Text, kind Text, secret_hash Text null,
        token_endpoint_auth_method Text null, grant_types Text, redirect_uris Text, declared Boolean,
        created_at Instant, metadata Text, adopted Boolean, revision Bigint, updated_at Instant null, registered_by Text,
        disabled_at Instant null, previous_secret_hash Text null, previous_secret_expires_at Instant null,
        secret_created_at Instant null, registration_token_hash Bytes null,
    }
    client_grants by By("issuer_id") => {
        issuer_id Uuid, client_id Text, api_id Uuid, position Bigint, scope Text null,
    }
    signing_keys by By("issuer_id") => {
        issuer_id Uuid, kid Text, alg Text, private_key Bytes, certificate Bytes, well_known Boolean,
        created_at Instant,
    }
    initial_access_tokens by By("issuer_id") => {
        id Uuid, issuer_id Uuid, token_hash Bytes, note Text, created_at Instant, expires_at Instant,
        uses_left Bigint,
    }
    users by By("issuer_id") => {
        id Uuid, issuer_id Uuid, username Text, canonical_username Text, password_hash Text null,
        password_is_own Boolean, claims Text, claims_are_own Boolean, blocked_at Instant null,
        declared Boolean, created_at Instant, updated_at Instant, revision Bigint,
        adopted Boolean,
    }
    user_roles by By("issuer_id") => {
        issuer_id Uuid, user_id Uuid, role Text,
    }
    one_time_links by By("issuer_id") => {
        issuer_id Uuid, token_hash Bytes, user_id Uuid null, created_at Instant, expires_at Instant,
        spent_at Instant null,
    }
    subjects by By("issuer_id") => {
        issuer_id Uuid, subject Text, user_id Uuid, sector Text,
    }
    sessions by By("issuer_id") => {
        id Uuid, issuer_id Uuid, token_hash Bytes, user_id Uuid, auth_time Instant, amr Text,
        is_remembered Boolean, created_at Instant, last_seen_at Instant, idle_expires_at Instant,
        expires_at Instant, ended_at Instant null, address Text, user_agent Text,
    }
    session_clients by By("issuer_id") => {
        issuer_id Uuid, session_id Uuid, client_id Text, subject Text,
    }
    consents by By("issuer_id") => {
        issuer_id Uuid, user_id Uuid, client_id Text, audience Text, scope Text, created_at Instant,
        updated_at Instant,
    }
    grants by By("issuer_id") => {
        id Uuid, issuer_id Uuid, client_id Text, user_id Uuid, session_id Uuid, subject Text, scope Text,
        audience Text, nonce Text null, auth_time Instant, amr Text, acr Text null,
        wants_auth_time Boolean, claims_request Text null, created_at Instant, expires_at Instant,
        revoked_at Instant null,
    }
    authorization_codes by By("issuer_id") => {
        issuer_id Uuid, code_hash Bytes, grant_id Uuid, redirect_uri Text null, code_challenge Text null,
        code_challenge_method Text null, expires_at Instant, spent_at Instant null,
    }
    refresh_tokens by By("issuer_id") => {
        issuer_id Uuid, token_hash Bytes, grant_id Uuid, issued_at Instant, expires_at Instant,
        spent_at Instant null,
    }
    issued_jwts by By("issuer_id") => {
        issuer_id Uuid, token_hash Bytes, grant_id Uuid, expires_at Instant,
    }
    access_tokens by By("issuer_id") => {
        issuer_id Uuid, token_hash Bytes, client_id Text, subject Text, audience Text, scope Text,
        issued_at Instant, expires_at Instant, revoked_at Instant null, grant_id Uuid null,
    }
    revoked_jwts by By("issuer_id") => {
        issuer_id Uuid, token_hash Bytes, expires_at Instant,
    }
    sign_ins by By("issuer_id") => {
        id Uuid, issuer_id Uuid, user_id Uuid, at Instant, succeeded Boolean, client_id Text null,
        address Text, user_agent Text,
    }
    attempts by By("issuer_id") => {
        issuer_id Uuid, subject_hash Bytes, failures Bigint, last_at Instant,
    }
    activity by By("issuer_id") => {
        issuer_id Uuid, hour Instant, what Text, count Bigint,
    }
    audit_chains by By("chain") => {
        chain Uuid, length Bigint, head Bytes, head_mac Bytes, pruned Bigint, anchor Bytes, anchor_mac Bytes,
        former_name Text null, retention_days Bigint null,
    }
    audit_events by By("chain") => {
        chain Uuid, sequence Bigint, at Instant, action Text, outcome Text, actor_kind Text, actor Text,
        actor_name Text, target_kind Text, target Text, target_name Text, address Text, user_agent Text,
        request_id Text, details Text, mac Bytes,
    }
}

impl Table {
    pub fn find(name: &str) -> Option<&'static Self> {
        TABLES.iter().find(|table| table.name == name)
    }

    pub fn column(&self, name: &str) -> Option<usize> {
        self.columns.iter().position(|column| column.name == name)
    }

    /// Whether its rows outlive their issuer.
    pub fn is_of_the_log(&self) -> bool {
        matches!(self.belonging, By("chain"))
    }

    fn belongs(&self) -> String {
        match self.belonging {
            By(column) => format!("{column} = $1"),
            ByApi => "api_id IN (SELECT id FROM apis WHERE issuer_id = $1)".to_owned(),
        }
    }

    fn names(&self) -> Vec<&'static str> {
        self.columns.iter().map(|column| column.name).collect()
    }

    fn select(&self) -> String {
        // The first two columns are enough for an order that is the same each time.
        let names = self.names();
        format!(
            "SELECT {} FROM {} WHERE {} ORDER BY {}",
            names.join(", "),
            self.name,
            self.belongs(),
            names.get(..2).unwrap_or(&names).join(", ")
        )
    }

    fn insert(&self) -> String {
        let places: Vec<String> = (1..=self.columns.len())
            .map(|place| format!("${place}"))
            .collect();
        let (name, names, places) = (self.name, self.names().join(", "), places.join(", "));
        format!("INSERT INTO {name} ({names}) VALUES ({places})")
    }

    fn delete(&self) -> String {
        format!("DELETE FROM {} WHERE {}", self.name, self.belongs())
    }
}

impl Tx {
    /// Hands over every row of a table that is `owner`'s.
    pub async fn read_rows<E: From<StoreError>>(
        &mut self,
        table: &Table,
        owner: Uuid,
        mut each: impl FnMut(Vec<Cell>) -> Result<(), E>,
    ) -> Result<(), E> {
        let sql = AssertSqlSafe(table.select());
        on_engine!(tx self, |db| {
            let mut rows = sqlx::query(sql).bind(owner).fetch(db);
            while let Some(row) = rows.try_next().await.map_err(StoreError::from)? {
                each(cells(&row, table).map_err(StoreError::from)?)?;
            }
        });
        Ok(())
    }

    /// Writes a row that [`Self::read_rows`] has read, here or elsewhere.
    pub async fn insert_row(&mut self, table: &Table, cells: Vec<Cell>) -> Result<()> {
        let sql = AssertSqlSafe(table.insert());
        on_engine!(tx self, |db| {
            let mut query = sqlx::query(sql);
            for cell in cells {
                query = match cell {
                    Cell::Uuid(value) => query.bind(value),
                    Cell::Text(value) => query.bind(value),
                    Cell::Bigint(value) => query.bind(value),
                    Cell::Boolean(value) => query.bind(value),
                    Cell::Bytes(value) => query.bind(value),
                    Cell::Instant(value) => query.bind(value),
                };
            }
            query.execute(db).await.map(drop)
        })?;
        Ok(())
    }

    /// Deletes every row of a table that is `owner`'s.
    pub async fn delete_rows(&mut self, table: &Table, owner: Uuid) -> Result<()> {
        let sql = AssertSqlSafe(table.delete());
        on_engine!(tx self, |db| sqlx::query(sql)
            .bind(owner)
            .execute(db)
            .await
            .map(drop))?;
        Ok(())
    }
}

fn cells<'r, R>(row: &'r R, table: &Table) -> sqlx::Result<Vec<Cell>>
where
    R: Row,
    usize: ColumnIndex<R>,
    Option<Uuid>: Decode<'r, R::Database> + Type<R::Database>,
    Option<String>: Decode<'r, R::Database> + Type<R::Database>,
    Option<i64>: Decode<'r, R::Database> + Type<R::Database>,
    Option<bool>: Decode<'r, R::Database> + Type<R::Database>,
    Option<Vec<u8>>: Decode<'r, R::Database> + Type<R::Database>,
    Option<OffsetDateTime>: Decode<'r, R::Database> + Type<R::Database>,
{
    let columns = table.columns.iter().enumerate();
    columns
        .map(|(index, column)| {
            Ok(match column.kind {
                Kind::Uuid => Cell::Uuid(row.try_get(index)?),
                Kind::Text => Cell::Text(row.try_get(index)?),
                Kind::Bigint => Cell::Bigint(row.try_get(index)?),
                Kind::Boolean => Cell::Boolean(row.try_get(index)?),
                Kind::Bytes => Cell::Bytes(row.try_get(index)?),
                Kind::Instant => Cell::Instant(row.try_get(index)?),
            })
        })
        .collect()
}

impl Cell {
    /// Bytes as Base64, instants as seconds since 1970: every instant here has whole seconds.
    pub fn to_json(&self) -> Json {
        match self {
            Self::Uuid(value) => value.map(|value| value.to_string()).into(),
            Self::Text(value) => value.as_deref().into(),
            Self::Bigint(value) => (*value).into(),
            Self::Boolean(value) => (*value).into(),
            Self::Bytes(value) => value
                .as_ref()
                .map(|bytes| BASE64_STANDARD.encode(bytes))
                .into(),
            Self::Instant(value) => value.map(OffsetDateTime::unix_timestamp).into(),
        }
    }

    /// `None` when it is something else than the column holds.
    pub fn from_json(column: &Column, value: &Json) -> Option<Self> {
        if value.is_null() {
            return column.is_nullable.then_some(match column.kind {
                Kind::Uuid => Self::Uuid(None),
                Kind::Text => Self::Text(None),
                Kind::Bigint => Self::Bigint(None),
                Kind::Boolean => Self::Boolean(None),
                Kind::Bytes => Self::Bytes(None),
                Kind::Instant => Self::Instant(None),
            });
        }
        Some(match column.kind {
            Kind::Uuid => Self::Uuid(Some(value.as_str()?.parse().ok()?)),
            Kind::Text => Self::Text(Some(value.as_str()?.to_owned())),
            Kind::Bigint => Self::Bigint(Some(value.as_i64()?)),
            Kind::Boolean => Self::Boolean(Some(value.as_bool()?)),
            Kind::Bytes => Self::Bytes(Some(BASE64_STANDARD.decode(value.as_str()?).ok()?)),
            Kind::Instant => Self::Instant(Some(Timestamp::from_unix(value.as_i64()?).utc())),
        })
    }
}
