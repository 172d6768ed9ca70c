use super::engine::on_engine;
use super::{Result, Store, Tx};
use crate::clock::Timestamp;
use crate::issuer::IssuerId;
use crate::secret::Digest;

const INSERT: &str = "INSERT INTO revoked_jwts (issuer_id, token_hash, expires_at)
    VALUES ($1, $2, $3) ON CONFLICT (issuer_id, token_hash) DO NOTHING";

const FIND: &str = "SELECT 1 FROM revoked_jwts WHERE issuer_id = $1 AND token_hash = $2";

const DELETE_EXPIRED: &str = "DELETE FROM revoked_jwts WHERE (issuer_id, token_hash) IN (
        SELECT issuer_id, token_hash FROM revoked_jwts WHERE expires_at <= $1 LIMIT 1000)";

impl Store {
    /// Remembers a JWT as revoked until it would have expired anyway. Doing so twice is once.
    pub async fn revoke_jwt(
        &self,
        issuer: IssuerId,
        hash: &Digest,
        expires_at: Timestamp,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        tx.revoke_jwt(issuer, hash, expires_at).await?;
        tx.commit().await
    }

    pub async fn is_jwt_revoked(&self, issuer: IssuerId, hash: &Digest) -> Result<bool> {
        let row: Option<(i32,)> = on_engine!(read self.engine, |db| sqlx::query_as(FIND)
            .bind(issuer.uuid())
            .bind(hash.as_bytes().as_slice())
            .fetch_optional(db)
            .await)?;
        Ok(row.is_some())
    }
}

impl Tx {
    /// See [`Store::revoke_jwt`].
    pub async fn revoke_jwt(
        &mut self,
        issuer: IssuerId,
        hash: &Digest,
        expires_at: Timestamp,
    ) -> Result<()> {
        Ok(on_engine!(tx self, |db| sqlx::query(INSERT)
            .bind(issuer.uuid())
            .bind(hash.as_bytes().as_slice())
            .bind(expires_at.utc())
            .execute(db)
            .await
            .map(drop))?)
    }

    pub(super) async fn delete_expired_revocations(&mut self, now: Timestamp) -> Result<u64> {
        Ok(on_engine!(tx self, |db| sqlx::query(DELETE_EXPIRED)
            .bind(now.utc())
            .execute(db)
            .await
            .map(|done| done.rows_affected()))?)
    }
}
