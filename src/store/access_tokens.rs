use time::OffsetDateTime;
use uuid::Uuid;

use super::engine::{on_engine, row};
use super::{Result, Store, StoreError, Tx};
use crate::account::GrantId;
use crate::clock::Timestamp;
use crate::issuer::IssuerId;
use crate::protocol::Scope;
use crate::secret::Digest;

/// An opaque access token as it rests: everything but the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredToken {
    pub issuer: IssuerId,
    pub hash: Digest,
    pub client_id: String,
    pub subject: String,
    pub audience: Vec<String>,
    pub scope: Scope,
    /// What it came of; `None` for a machine's.
    pub grant: Option<GrantId>,
    pub issued_at: Timestamp,
    /// The token is dead at this second already.
    pub expires_at: Timestamp,
    /// By itself, or with its grant.
    pub is_revoked: bool,
}

row! {
    struct TokenRow {
        client_id: String,
        subject: String,
        audience: String,
        scope: String,
        issued_at: OffsetDateTime,
        expires_at: OffsetDateTime,
        grant_id: Option<Uuid>,
        is_revoked: bool,
    }
}

const INSERT: &str = "INSERT INTO access_tokens
        (issuer_id, token_hash, client_id, subject, audience, scope, issued_at, expires_at, grant_id)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";

/// Postgres alone: a round trip for each row is what a group commit is there to save.
const INSERT_MANY_POSTGRES: &str = "INSERT INTO access_tokens
        (issuer_id, token_hash, client_id, subject, audience, scope, issued_at, expires_at, grant_id)
    SELECT * FROM UNNEST($1::uuid[], $2::bytea[], $3::text[], $4::text[], $5::text[], $6::text[],
        $7::timestamptz[], $8::timestamptz[], $9::uuid[])";

/// A grant that is gone went with its user, and so did the token.
const FIND: &str = "SELECT t.client_id, t.subject, t.audience, t.scope, t.issued_at, t.expires_at,
        t.grant_id, t.revoked_at IS NOT NULL
            OR t.grant_id IS NOT NULL AND (g.id IS NULL OR g.revoked_at IS NOT NULL) AS is_revoked
    FROM access_tokens t LEFT JOIN grants g ON g.id = t.grant_id AND g.issuer_id = t.issuer_id
    WHERE t.issuer_id = $1 AND t.token_hash = $2";

const REVOKE: &str = "UPDATE access_tokens SET revoked_at = $3
    WHERE issuer_id = $1 AND token_hash = $2 AND client_id = $4 AND revoked_at IS NULL";

const DELETE_EXPIRED: &str = "DELETE FROM access_tokens WHERE (issuer_id, token_hash) IN (
        SELECT issuer_id, token_hash FROM access_tokens WHERE expires_at <= $1 LIMIT 1000)";

impl Store {
    /// Stores a token; when this returns, it is durable. Tokens that are stored at the same
    /// time share a commit.
    pub async fn insert_access_token(&self, token: StoredToken) -> Result<()> {
        self.token_inserts.insert(token).await
    }

    /// The token, dead or alive: whether it has expired or is revoked is for the caller to see.
    pub async fn find_access_token(
        &self,
        issuer: IssuerId,
        hash: &Digest,
    ) -> Result<Option<StoredToken>> {
        let row: Option<TokenRow> = on_engine!(read self.engine, |db| sqlx::query_as(FIND)
            .bind(issuer.uuid())
            .bind(hash.as_bytes().as_slice())
            .fetch_optional(db)
            .await)?;
        let unreadable = |what: &str| StoreError::Unreadable(format!("a token's {what}"));
        row.map(|row| {
            Ok(StoredToken {
                issuer,
                hash: *hash,
                client_id: row.client_id,
                subject: row.subject,
                audience: serde_json::from_str(&row.audience)
                    .map_err(|_| unreadable("audience"))?,
                scope: row.scope.parse().map_err(|_| unreadable("scope"))?,
                grant: row.grant_id.map(GrantId),
                issued_at: row.issued_at.into(),
                expires_at: row.expires_at.into(),
                is_revoked: row.is_revoked,
            })
        })
        .transpose()
    }

    /// Revokes a token of this client. Nothing happens when there is none, or it is revoked.
    pub async fn revoke_access_token(
        &self,
        issuer: IssuerId,
        hash: &Digest,
        client_id: &str,
        now: Timestamp,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        tx.revoke_access_token(issuer, hash, client_id, now).await?;
        tx.commit().await
    }
}

impl Tx {
    /// See [`Store::revoke_access_token`].
    pub async fn revoke_access_token(
        &mut self,
        issuer: IssuerId,
        hash: &Digest,
        client_id: &str,
        now: Timestamp,
    ) -> Result<()> {
        Ok(on_engine!(tx self, |db| sqlx::query(REVOKE)
            .bind(issuer.uuid())
            .bind(hash.as_bytes().as_slice())
            .bind(now.utc())
            .bind(client_id)
            .execute(db)
            .await
            .map(drop))?)
    }

    /// Stores a token together with what else the transaction writes.
    pub async fn insert_access_token(&mut self, token: &StoredToken) -> Result<()> {
        self.insert_access_tokens(std::slice::from_ref(token)).await
    }

    pub(super) async fn insert_access_tokens(&mut self, tokens: &[StoredToken]) -> Result<()> {
        let audience = |token: &StoredToken| serde_json::Value::from(token.audience.clone());
        match self {
            Self::Sqlite(tx) => {
                for token in tokens {
                    sqlx::query(INSERT)
                        .bind(token.issuer.uuid())
                        .bind(token.hash.as_bytes().as_slice())
                        .bind(&token.client_id)
                        .bind(&token.subject)
                        .bind(audience(token).to_string())
                        .bind(token.scope.to_string())
                        .bind(token.issued_at.utc())
                        .bind(token.expires_at.utc())
                        .bind(token.grant.map(|grant| grant.0))
                        .execute(&mut **tx)
                        .await?;
                }
            }
            Self::Postgres(tx) => {
                let column = |get: &dyn Fn(&StoredToken) -> String| -> Vec<String> {
                    tokens.iter().map(get).collect()
                };
                let hashes = tokens.iter().map(|token| token.hash.as_bytes().to_vec());
                sqlx::query(INSERT_MANY_POSTGRES)
                    .bind(tokens.iter().map(|t| t.issuer.uuid()).collect::<Vec<_>>())
                    .bind(hashes.collect::<Vec<_>>())
                    .bind(column(&|token| token.client_id.clone()))
                    .bind(column(&|token| token.subject.clone()))
                    .bind(column(&|token| audience(token).to_string()))
                    .bind(column(&|token| token.scope.to_string()))
                    .bind(tokens.iter().map(|t| t.issued_at.utc()).collect::<Vec<_>>())
                    .bind(
                        tokens
                            .iter()
                            .map(|t| t.expires_at.utc())
                            .collect::<Vec<_>>(),
                    )
                    .bind(
                        tokens
                            .iter()
                            .map(|t| t.grant.map(|grant| grant.0))
                            .collect::<Vec<_>>(),
                    )
                    .execute(&mut **tx)
                    .await?;
            }
        }
        Ok(())
    }

    pub(super) async fn delete_expired_access_tokens(&mut self, now: Timestamp) -> Result<u64> {
        Ok(on_engine!(tx self, |db| sqlx::query(DELETE_EXPIRED)
            .bind(now.utc())
            .execute(db)
            .await
            .map(|done| done.rows_affected()))?)
    }
}
