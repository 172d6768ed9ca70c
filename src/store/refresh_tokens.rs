use time::OffsetDateTime;
use uuid::Uuid;

use super::engine::{on_engine, row};
use super::grants::GrantRow;
use super::{Result, Store, Tx};
use crate::account::{Grant, GrantId, RefreshToken};
use crate::clock::Timestamp;
use crate::issuer::IssuerId;
use crate::secret::Digest;

row! {
    struct TokenRow {
        grant_id: Uuid,
        issued_at: OffsetDateTime,
        expires_at: OffsetDateTime,
        spent_at: Option<OffsetDateTime>,
    }
}

const INSERT: &str = "INSERT INTO refresh_tokens
        (issuer_id, token_hash, grant_id, issued_at, expires_at)
    VALUES ($1, $2, $3, $4, $5)";

const FIND: &str = "SELECT grant_id, issued_at, expires_at, spent_at
    FROM refresh_tokens WHERE issuer_id = $1 AND token_hash = $2";

const FIND_GRANT: &str = "SELECT g.id, g.client_id, g.user_id, g.session_id, g.subject, g.scope,
        g.audience, g.nonce, g.auth_time, g.amr, g.acr, g.wants_auth_time, g.claims_request,
        g.created_at, g.revoked_at
    FROM refresh_tokens t JOIN grants g ON g.id = t.grant_id AND g.issuer_id = t.issuer_id
    WHERE t.issuer_id = $1 AND t.token_hash = $2";

/// The guard is in the statement, so that of any number of requests one wins.
const SPEND: &str = "UPDATE refresh_tokens SET spent_at = $3
    WHERE issuer_id = $1 AND token_hash = $2 AND spent_at IS NULL AND expires_at > $3
        AND EXISTS (SELECT 1 FROM grants g WHERE g.id = refresh_tokens.grant_id
            AND g.issuer_id = refresh_tokens.issuer_id AND g.revoked_at IS NULL)
    RETURNING grant_id, issued_at, expires_at, spent_at";

const PROLONG: &str = "UPDATE refresh_tokens SET expires_at = $4
    WHERE issuer_id = $1 AND token_hash = $2 AND spent_at IS NULL AND expires_at > $3
        AND EXISTS (SELECT 1 FROM grants g WHERE g.id = refresh_tokens.grant_id
            AND g.issuer_id = refresh_tokens.issuer_id AND g.revoked_at IS NULL)";

/// A spent token stays as long as its family: as long as it lives, a second use must be noticed.
const DELETE_EXPIRED: &str = "DELETE FROM refresh_tokens WHERE (issuer_id, token_hash) IN (
        SELECT issuer_id, token_hash FROM refresh_tokens
        WHERE expires_at <= $1 AND spent_at IS NULL LIMIT 1000)";

impl From<TokenRow> for RefreshToken {
    fn from(row: TokenRow) -> Self {
        Self {
            grant: GrantId(row.grant_id),
            issued_at: row.issued_at.into(),
            expires_at: row.expires_at.into(),
            spent_at: row.spent_at.map(Timestamp::from),
        }
    }
}

impl Store {
    /// The token and its grant, dead or alive: whether it has expired, is spent or revoked is for
    /// the caller to see.
    pub async fn find_refresh_token(
        &self,
        issuer: IssuerId,
        hash: &Digest,
    ) -> Result<Option<(RefreshToken, Grant)>> {
        let token: Option<TokenRow> = on_engine!(read self.engine, |db| sqlx::query_as(FIND)
            .bind(issuer.uuid())
            .bind(hash.as_bytes().as_slice())
            .fetch_optional(db)
            .await)?;
        let Some(token) = token else { return Ok(None) };
        let grant: Option<GrantRow> = on_engine!(read self.engine, |db| {
            sqlx::query_as(FIND_GRANT)
                .bind(issuer.uuid())
                .bind(hash.as_bytes().as_slice())
                .fetch_optional(db)
                .await
        })?;
        grant
            .map(|grant| Ok((token.into(), grant.try_into()?)))
            .transpose()
    }
}

impl Tx {
    pub async fn insert_refresh_token(
        &mut self,
        issuer: IssuerId,
        hash: &Digest,
        token: &RefreshToken,
    ) -> Result<()> {
        Ok(on_engine!(tx self, |db| sqlx::query(INSERT)
            .bind(issuer.uuid())
            .bind(hash.as_bytes().as_slice())
            .bind(token.grant.0)
            .bind(token.issued_at.utc())
            .bind(token.expires_at.utc())
            .execute(db)
            .await
            .map(drop))?)
    }

    /// The token, dead or alive.
    pub async fn find_refresh_token(
        &mut self,
        issuer: IssuerId,
        hash: &Digest,
    ) -> Result<Option<RefreshToken>> {
        let row: Option<TokenRow> = on_engine!(tx self, |db| sqlx::query_as(FIND)
            .bind(issuer.uuid())
            .bind(hash.as_bytes().as_slice())
            .fetch_optional(db)
            .await)?;
        Ok(row.map(RefreshToken::from))
    }

    /// `None` when the token is unknown to this issuer, expired, already spent, or its grant is
    /// revoked. A grant that is revoked at this very moment may still get a successor, which is
    /// as dead as the grant.
    pub async fn spend_refresh_token(
        &mut self,
        issuer: IssuerId,
        hash: &Digest,
        now: Timestamp,
    ) -> Result<Option<RefreshToken>> {
        let row: Option<TokenRow> = on_engine!(tx self, |db| sqlx::query_as(SPEND)
            .bind(issuer.uuid())
            .bind(hash.as_bytes().as_slice())
            .bind(now.utc())
            .fetch_optional(db)
            .await)?;
        Ok(row.map(RefreshToken::from))
    }

    /// The use of a token that stays the same. Returns whether it was live.
    pub async fn prolong_refresh_token(
        &mut self,
        issuer: IssuerId,
        hash: &Digest,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<bool> {
        let rows = on_engine!(tx self, |db| sqlx::query(PROLONG)
            .bind(issuer.uuid())
            .bind(hash.as_bytes().as_slice())
            .bind(now.utc())
            .bind(expires_at.utc())
            .execute(db)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(rows > 0)
    }

    /// A grant that is used for years would otherwise keep every token it ever had.
    pub(super) async fn delete_expired_refresh_tokens(&mut self, now: Timestamp) -> Result<u64> {
        Ok(on_engine!(tx self, |db| sqlx::query(DELETE_EXPIRED)
            .bind(now.utc())
            .execute(db)
            .await
            .map(|done| done.rows_affected()))?)
    }
}
