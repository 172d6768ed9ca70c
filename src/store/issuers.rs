use super::engine::on_engine;
use super::{Result, Store, Tx};
use crate::clock::Timestamp;
use crate::entropy::Entropy;
use crate::issuer::IssuerId;

const UPSERT: &str = "INSERT INTO issuers (id, name, dialect, created_at)
    VALUES ($1, $2, $3, $4)
    ON CONFLICT (name) DO UPDATE SET dialect = excluded.dialect
    RETURNING id";

impl Tx {
    /// Creates the issuer or updates its dialect. On Postgres this also locks its row until the
    /// end of the transaction, so that of two servers that start at once only one makes keys.
    pub async fn upsert_issuer(
        &mut self,
        name: &str,
        dialect: &str,
        entropy: &Entropy,
        now: Timestamp,
    ) -> Result<IssuerId> {
        let (id,): (uuid::Uuid,) = on_engine!(tx self, |db| sqlx::query_as(UPSERT)
            .bind(entropy.uuid_at(now))
            .bind(name)
            .bind(dialect)
            .bind(now.utc())
            .fetch_one(db)
            .await)?;
        Ok(IssuerId(id))
    }
}

const FIND: &str = "SELECT id FROM issuers WHERE name = $1";

impl Store {
    pub async fn find_issuer(&self, name: &str) -> Result<Option<IssuerId>> {
        let row: Option<(uuid::Uuid,)> = on_engine!(read self.engine, |db| sqlx::query_as(FIND)
            .bind(name)
            .fetch_optional(db)
            .await)?;
        Ok(row.map(|(id,)| IssuerId(id)))
    }
}
