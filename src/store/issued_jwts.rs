use super::engine::on_engine;
use super::grants::GrantRow;
use super::{Result, Store, Tx};
use crate::account::{Grant, GrantId, UserId};
use crate::clock::Timestamp;
use crate::issuer::IssuerId;
use crate::secret::Digest;

const INSERT: &str = "INSERT INTO issued_jwts (issuer_id, token_hash, grant_id, expires_at)
    VALUES ($1, $2, $3, $4) ON CONFLICT (issuer_id, token_hash, grant_id) DO NOTHING";

const FIND: &str = "SELECT g.id, g.client_id, g.user_id, g.session_id, g.subject, g.scope,
        g.audience, g.nonce, g.auth_time, g.amr, g.acr, g.wants_auth_time, g.claims_request,
        g.created_at, g.revoked_at
    FROM issued_jwts j JOIN grants g ON g.id = j.grant_id AND g.issuer_id = j.issuer_id
    WHERE j.issuer_id = $1 AND j.token_hash = $2
    ORDER BY CASE WHEN g.revoked_at IS NULL THEN 0 ELSE 1 END, g.created_at DESC LIMIT 1";

const REVOKE_OF_USER: &str = "INSERT INTO revoked_jwts (issuer_id, token_hash, expires_at)
    SELECT j.issuer_id, j.token_hash, MAX(j.expires_at)
    FROM issued_jwts j JOIN grants g ON g.id = j.grant_id AND g.issuer_id = j.issuer_id
    WHERE g.issuer_id = $1 AND g.user_id = $2
    GROUP BY j.issuer_id, j.token_hash
    ON CONFLICT (issuer_id, token_hash) DO NOTHING";

const DELETE_EXPIRED: &str = "DELETE FROM issued_jwts WHERE (issuer_id, token_hash, grant_id) IN (
        SELECT issuer_id, token_hash, grant_id FROM issued_jwts
        WHERE expires_at <= $1 LIMIT 1000)";

impl Store {
    /// The grant that a JWT came of; of several, one that is not revoked if there is any. `None`
    /// for a machine's.
    pub async fn find_issued_jwt(&self, issuer: IssuerId, hash: &Digest) -> Result<Option<Grant>> {
        let row: Option<GrantRow> = on_engine!(read self.engine, |db| sqlx::query_as(FIND)
            .bind(issuer.uuid())
            .bind(hash.as_bytes().as_slice())
            .fetch_optional(db)
            .await)?;
        row.map(Grant::try_from).transpose()
    }
}

impl Tx {
    pub async fn insert_issued_jwt(
        &mut self,
        issuer: IssuerId,
        hash: &Digest,
        grant: GrantId,
        expires_at: Timestamp,
    ) -> Result<()> {
        Ok(on_engine!(tx self, |db| sqlx::query(INSERT)
            .bind(issuer.uuid())
            .bind(hash.as_bytes().as_slice())
            .bind(grant.0)
            .bind(expires_at.utc())
            .execute(db)
            .await
            .map(drop))?)
    }

    /// Revokes the JWTs of a user who is about to be deleted with every grant: without a grant, a
    /// JWT would pass for a machine's.
    pub(super) async fn revoke_jwts_of(&mut self, issuer: IssuerId, user: UserId) -> Result<()> {
        Ok(on_engine!(tx self, |db| sqlx::query(REVOKE_OF_USER)
            .bind(issuer.uuid())
            .bind(user.0)
            .execute(db)
            .await
            .map(drop))?)
    }

    pub(super) async fn delete_expired_issued_jwts(&mut self, now: Timestamp) -> Result<u64> {
        Ok(on_engine!(tx self, |db| sqlx::query(DELETE_EXPIRED)
            .bind(now.utc())
            .execute(db)
            .await
            .map(|done| done.rows_affected()))?)
    }
}
