use uuid::Uuid;

use super::engine::{on_engine, row};
use super::{Result, Store, StoreError, Tx};
use crate::clock::Timestamp;
use crate::issuer::{IssuerId, IssuerSettings};

/// An issuer as the database keeps it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredIssuer {
    pub id: IssuerId,
    pub name: String,
    /// A built-in dialect's name, or what its file was called.
    pub dialect: String,
    /// The resolved text of a dialect that is not built in.
    pub dialect_source: Option<String>,
    pub settings: IssuerSettings,
    /// Whether a configuration file declares it.
    pub is_declared: bool,
    /// Whether it is one of those of `locum dev`, whose secrets everybody knows.
    pub is_demo: bool,
    /// Counts changes of dialect and settings.
    pub revision: i64,
    /// Counts whatever a running server has prepared and must prepare anew: settings, APIs, keys.
    pub generation: i64,
}

row! {
    struct IssuerRow {
        id: Uuid,
        name: String,
        dialect: String,
        dialect_source: Option<String>,
        settings: String,
        declared: bool,
        is_demo: bool,
        revision: i64,
        generation: i64,
    }
}

const LIST: &str =
    "SELECT id, name, dialect, dialect_source, settings, declared, is_demo, revision,
        generation
    FROM issuers ORDER BY name";

const FIND: &str =
    "SELECT id, name, dialect, dialect_source, settings, declared, is_demo, revision,
        generation
    FROM issuers WHERE name = $1";

const LIST_GENERATIONS: &str = "SELECT id, generation FROM issuers ORDER BY id";

const INSERT: &str = "INSERT INTO issuers
        (id, name, dialect, dialect_source, settings, declared, is_demo, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)
    ON CONFLICT (name) DO NOTHING
    RETURNING revision";

const UPDATE: &str = "UPDATE issuers SET
        dialect = $2, dialect_source = $3, settings = $4, declared = $5, is_demo = $6,
        revision = revision + 1, generation = generation + 1
    WHERE id = $1 AND revision = $7
    RETURNING revision";

const TOUCH: &str = "UPDATE issuers SET generation = generation + 1 WHERE id = $1";

const LOCK: &str = "UPDATE issuers SET revision = revision WHERE id = $1";

const HOLD: &str = "UPDATE issuers SET revision = revision WHERE id = $1 AND generation = $2";

const DELETE: &str = "DELETE FROM issuers WHERE id = $1 AND revision = $2";

impl TryFrom<IssuerRow> for StoredIssuer {
    type Error = StoreError;

    fn try_from(row: IssuerRow) -> Result<Self> {
        Ok(Self {
            id: IssuerId(row.id),
            settings: serde_json::from_str(&row.settings).map_err(|_| {
                StoreError::Unreadable(format!("the settings of issuer {}", row.name))
            })?,
            name: row.name,
            dialect: row.dialect,
            dialect_source: row.dialect_source,
            is_declared: row.declared,
            is_demo: row.is_demo,
            revision: row.revision,
            generation: row.generation,
        })
    }
}

fn text(settings: &IssuerSettings) -> Result<String> {
    serde_json::to_string(settings)
        .map_err(|_| StoreError::Unreadable("an issuer's settings".to_owned()))
}

impl Store {
    /// Every issuer, by name.
    pub async fn list_issuers(&self) -> Result<Vec<StoredIssuer>> {
        let rows: Vec<IssuerRow> = on_engine!(read self.engine, |db| sqlx::query_as(LIST)
            .fetch_all(db)
            .await)?;
        rows.into_iter().map(StoredIssuer::try_from).collect()
    }

    pub async fn find_issuer(&self, name: &str) -> Result<Option<StoredIssuer>> {
        let row: Option<IssuerRow> = on_engine!(read self.engine, |db| sqlx::query_as(FIND)
            .bind(name)
            .fetch_optional(db)
            .await)?;
        row.map(StoredIssuer::try_from).transpose()
    }

    /// Each issuer's generation: what a running server compares with its own.
    pub async fn list_generations(&self) -> Result<Vec<(IssuerId, i64)>> {
        let rows: Vec<(Uuid, i64)> = on_engine!(read self.engine, |db| {
            sqlx::query_as(LIST_GENERATIONS).fetch_all(db).await
        })?;
        Ok(rows
            .into_iter()
            .map(|(id, generation)| (IssuerId(id), generation))
            .collect())
    }
}

const IN_THE_WAY: &str = "SELECT id, name, generation FROM issuers WHERE id = $1 OR name = $2";

const RAISE_GENERATION: &str = "UPDATE issuers SET generation = $2 + 1
    WHERE id = $1 AND generation <= $2";

impl Tx {
    /// The issuers that have this ID or this name: ID, name and generation.
    pub async fn issuers_in_the_way(
        &mut self,
        id: Uuid,
        name: &str,
    ) -> Result<Vec<(Uuid, String, i64)>> {
        Ok(on_engine!(tx self, |db| sqlx::query_as(IN_THE_WAY)
            .bind(id)
            .bind(name)
            .fetch_all(db)
            .await)?)
    }

    /// Makes the issuer's generation a later one than this.
    pub async fn raise_generation(&mut self, id: Uuid, generation: i64) -> Result<()> {
        on_engine!(tx self, |db| sqlx::query(RAISE_GENERATION)
            .bind(id)
            .bind(generation)
            .execute(db)
            .await
            .map(drop))?;
        Ok(())
    }

    /// Creates an issuer. `false`, and nothing done, when there is one of its name.
    pub async fn insert_issuer(&mut self, issuer: &StoredIssuer, now: Timestamp) -> Result<bool> {
        let settings = text(&issuer.settings)?;
        let inserted: Option<(i64,)> = on_engine!(tx self, |db| sqlx::query_as(INSERT)
            .bind(issuer.id.0)
            .bind(&issuer.name)
            .bind(&issuer.dialect)
            .bind(&issuer.dialect_source)
            .bind(settings)
            .bind(issuer.is_declared)
            .bind(issuer.is_demo)
            .bind(now.utc())
            .fetch_optional(db)
            .await)?;
        Ok(inserted.is_some())
    }

    /// Changes an issuer's dialect and settings and gives its new revision; `None`, and nothing
    /// done, when its revision is no longer the one that was read.
    pub async fn update_issuer(&mut self, issuer: &StoredIssuer) -> Result<Option<i64>> {
        let settings = text(&issuer.settings)?;
        let updated: Option<(i64,)> = on_engine!(tx self, |db| sqlx::query_as(UPDATE)
            .bind(issuer.id.0)
            .bind(&issuer.dialect)
            .bind(&issuer.dialect_source)
            .bind(settings)
            .bind(issuer.is_declared)
            .bind(issuer.is_demo)
            .bind(issuer.revision)
            .fetch_optional(db)
            .await)?;
        Ok(updated.map(|(revision,)| revision))
    }

    /// Has every running server prepare the issuer anew.
    pub async fn touch_issuer(&mut self, issuer: IssuerId) -> Result<()> {
        Ok(on_engine!(tx self, |db| sqlx::query(TOUCH)
            .bind(issuer.0)
            .execute(db)
            .await
            .map(drop))?)
    }

    /// Has the issuer's row locked until the transaction ends, so that of two that find something
    /// missing only one makes it.
    pub async fn lock_issuer(&mut self, issuer: IssuerId) -> Result<()> {
        Ok(on_engine!(tx self, |db| sqlx::query(LOCK)
            .bind(issuer.0)
            .execute(db)
            .await
            .map(drop))?)
    }

    /// Locks the issuer's row until the transaction ends, as [`Self::lock_issuer`] does; `false`
    /// when it is not of this generation.
    pub async fn hold_issuer(&mut self, issuer: IssuerId, generation: i64) -> Result<bool> {
        Ok(on_engine!(tx self, |db| sqlx::query(HOLD)
            .bind(issuer.0)
            .bind(generation)
            .execute(db)
            .await
            .map(|done| done.rows_affected() > 0))?)
    }

    /// Deletes an issuer with everything in it but its audit events and counts. `false` when its revision is
    /// no longer `revision`.
    pub async fn delete_issuer(&mut self, issuer: IssuerId, revision: i64) -> Result<bool> {
        Ok(on_engine!(tx self, |db| sqlx::query(DELETE)
            .bind(issuer.0)
            .bind(revision)
            .execute(db)
            .await
            .map(|done| done.rows_affected() > 0))?)
    }
}
