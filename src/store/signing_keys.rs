use time::OffsetDateTime;

use super::engine::{on_engine, row};
use super::{Result, Store, Tx, parse_column};
use crate::clock::Timestamp;
use crate::issuer::IssuerId;
use crate::protocol::SigningAlg;

/// A signing key as it rests: its private part sealed.
#[derive(Debug, Clone)]
pub struct StoredKey {
    pub kid: String,
    pub alg: SigningAlg,
    pub sealed_private_key: Vec<u8>,
    pub certificate: Vec<u8>,
    /// Its private key is public knowledge.
    pub well_known: bool,
    pub created_at: Timestamp,
}

row! {
    struct KeyRow {
        kid: String,
        alg: String,
        private_key: Vec<u8>,
        certificate: Vec<u8>,
        well_known: bool,
        created_at: OffsetDateTime,
    }
}

const LIST: &str = "SELECT kid, alg, private_key, certificate, well_known, created_at
    FROM signing_keys WHERE issuer_id = $1 ORDER BY created_at, kid";

const INSERT: &str = "INSERT INTO signing_keys
        (issuer_id, kid, alg, private_key, certificate, well_known, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7)
    ON CONFLICT (issuer_id, kid) DO NOTHING";

const DELETE: &str = "DELETE FROM signing_keys WHERE issuer_id = $1 AND kid = $2";

fn from_rows(rows: Vec<KeyRow>) -> Result<Vec<StoredKey>> {
    rows.into_iter()
        .map(|row| {
            Ok(StoredKey {
                alg: parse_column("signing key alg", &row.alg, SigningAlg::find)?,
                kid: row.kid,
                sealed_private_key: row.private_key,
                certificate: row.certificate,
                well_known: row.well_known,
                created_at: row.created_at.into(),
            })
        })
        .collect()
}

const ANY: &str = "SELECT COUNT(*) FROM (SELECT kid FROM signing_keys LIMIT 1) AS one";

impl Store {
    /// Whether any issuer has a key.
    pub async fn has_signing_keys(&self) -> Result<bool> {
        let (count,): (i64,) = on_engine!(read self.engine, |db| sqlx::query_as(ANY)
            .fetch_one(db)
            .await)?;
        Ok(count > 0)
    }

    /// The issuer's keys, oldest first.
    pub async fn list_signing_keys(&self, issuer: IssuerId) -> Result<Vec<StoredKey>> {
        from_rows(on_engine!(read self.engine, |db| sqlx::query_as(LIST)
            .bind(issuer.uuid())
            .fetch_all(db)
            .await)?)
    }
}

impl Tx {
    pub async fn list_signing_keys(&mut self, issuer: IssuerId) -> Result<Vec<StoredKey>> {
        from_rows(on_engine!(tx self, |db| sqlx::query_as(LIST)
            .bind(issuer.uuid())
            .fetch_all(db)
            .await)?)
    }

    pub async fn insert_signing_key(&mut self, issuer: IssuerId, key: &StoredKey) -> Result<()> {
        on_engine!(tx self, |db| sqlx::query(INSERT)
            .bind(issuer.uuid())
            .bind(&key.kid)
            .bind(key.alg.as_str())
            .bind(&key.sealed_private_key)
            .bind(&key.certificate)
            .bind(key.well_known)
            .bind(key.created_at.utc())
            .execute(db)
            .await
            .map(drop))?;
        Ok(())
    }

    pub async fn delete_signing_key(&mut self, issuer: IssuerId, kid: &str) -> Result<()> {
        on_engine!(tx self, |db| sqlx::query(DELETE)
            .bind(issuer.uuid())
            .bind(kid)
            .execute(db)
            .await
            .map(drop))?;
        Ok(())
    }
}
