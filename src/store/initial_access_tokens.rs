use time::OffsetDateTime;
use uuid::Uuid;

use super::engine::{on_engine, row};
use super::{Result, Store, Tx};
use crate::clock::Timestamp;
use crate::issuer::{InitialAccessToken, IssuerId};
use crate::secret::Digest;

row! {
    struct TokenRow {
        id: Uuid,
        note: String,
        created_at: OffsetDateTime,
        expires_at: OffsetDateTime,
        uses_left: i64,
    }
}

const INSERT: &str = "INSERT INTO initial_access_tokens
        (id, issuer_id, token_hash, note, created_at, expires_at, uses_left)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

/// The guard is in the WHERE: of many uses at once, no more succeed than there were left.
const SPEND: &str = "UPDATE initial_access_tokens SET uses_left = uses_left - 1
    WHERE issuer_id = $1 AND token_hash = $2 AND uses_left > 0 AND expires_at > $3
    RETURNING id";

const IS_GOOD: &str = "SELECT id FROM initial_access_tokens
    WHERE issuer_id = $1 AND token_hash = $2 AND uses_left > 0 AND expires_at > $3";

const LIST: &str = "SELECT id, note, created_at, expires_at, uses_left FROM initial_access_tokens
    WHERE issuer_id = $1 ORDER BY created_at, id";

const DELETE: &str = "DELETE FROM initial_access_tokens WHERE issuer_id = $1 AND id = $2
    RETURNING id";

impl From<TokenRow> for InitialAccessToken {
    fn from(row: TokenRow) -> Self {
        Self {
            id: row.id,
            note: row.note,
            created_at: row.created_at.into(),
            expires_at: row.expires_at.into(),
            uses_left: row.uses_left,
        }
    }
}

impl Store {
    /// Whether a registration with this token would be allowed now. What counts is
    /// [`Tx::spend_initial_access_token`]; this spares the work of those that could not succeed.
    pub async fn is_initial_access_token_good(
        &self,
        issuer: IssuerId,
        hash: &Digest,
        now: Timestamp,
    ) -> Result<bool> {
        let found: Option<(Uuid,)> = on_engine!(read self.engine, |db| sqlx::query_as(IS_GOOD)
            .bind(issuer.uuid())
            .bind(hash.as_bytes().as_slice())
            .bind(now.utc())
            .fetch_optional(db)
            .await)?;
        Ok(found.is_some())
    }

    /// Every initial access token, used up or not, the oldest first.
    pub async fn list_initial_access_tokens(
        &self,
        issuer: IssuerId,
    ) -> Result<Vec<InitialAccessToken>> {
        let rows: Vec<TokenRow> = on_engine!(read self.engine, |db| sqlx::query_as(LIST)
            .bind(issuer.uuid())
            .fetch_all(db)
            .await)?;
        Ok(rows.into_iter().map(InitialAccessToken::from).collect())
    }
}

impl Tx {
    pub async fn insert_initial_access_token(
        &mut self,
        issuer: IssuerId,
        token: &InitialAccessToken,
        hash: &Digest,
    ) -> Result<()> {
        Ok(on_engine!(tx self, |db| sqlx::query(INSERT)
            .bind(token.id)
            .bind(issuer.uuid())
            .bind(hash.as_bytes().as_slice())
            .bind(&token.note)
            .bind(token.created_at.utc())
            .bind(token.expires_at.utc())
            .bind(token.uses_left)
            .execute(db)
            .await
            .map(drop))?)
    }

    /// Uses the token once. `None` when it is unknown, expired or used up.
    pub async fn spend_initial_access_token(
        &mut self,
        issuer: IssuerId,
        hash: &Digest,
        now: Timestamp,
    ) -> Result<Option<Uuid>> {
        let spent: Option<(Uuid,)> = on_engine!(tx self, |db| sqlx::query_as(SPEND)
            .bind(issuer.uuid())
            .bind(hash.as_bytes().as_slice())
            .bind(now.utc())
            .fetch_optional(db)
            .await)?;
        Ok(spent.map(|(id,)| id))
    }

    /// Whether there was one to delete.
    pub async fn delete_initial_access_token(
        &mut self,
        issuer: IssuerId,
        id: Uuid,
    ) -> Result<bool> {
        let deleted: Option<(Uuid,)> = on_engine!(tx self, |db| sqlx::query_as(DELETE)
            .bind(issuer.uuid())
            .bind(id)
            .fetch_optional(db)
            .await)?;
        Ok(deleted.is_some())
    }
}
