use uuid::Uuid;

use super::engine::on_engine;
use super::{Result, Store, Tx};
use crate::account::UserId;
use crate::clock::Timestamp;
use crate::issuer::IssuerId;
use crate::secret::Digest;

const INSERT: &str = "INSERT INTO one_time_links
        (issuer_id, token_hash, user_id, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5)";

const FIND: &str = "SELECT user_id FROM one_time_links
    WHERE issuer_id = $1 AND token_hash = $2 AND spent_at IS NULL AND expires_at > $3";

const SPEND: &str = "UPDATE one_time_links SET spent_at = $3
    WHERE issuer_id = $1 AND token_hash = $2 AND spent_at IS NULL AND expires_at > $3
    RETURNING user_id";

/// Those for the same user, or, with NULL, for nobody yet.
const FORGET: &str = "DELETE FROM one_time_links
    WHERE issuer_id = $1 AND user_id IS NOT DISTINCT FROM $2";

const DELETE_OLD: &str = "DELETE FROM one_time_links WHERE token_hash IN (
        SELECT token_hash FROM one_time_links WHERE expires_at <= $1 LIMIT 1000)";

impl Store {
    /// Whom the link is for, `Some(None)` being the first administrator; `None` when it is not
    /// good, or no longer.
    pub async fn find_link(
        &self,
        issuer: IssuerId,
        token: &Digest,
        now: Timestamp,
    ) -> Result<Option<Option<UserId>>> {
        let row: Option<(Option<Uuid>,)> = on_engine!(read self.engine, |db| sqlx::query_as(FIND)
            .bind(issuer.uuid())
            .bind(token.as_bytes().as_slice())
            .bind(now.utc())
            .fetch_optional(db)
            .await)?;
        Ok(row.map(|(user,)| user.map(UserId)))
    }
}

impl Tx {
    /// Makes a link for a user, or for the first administrator. Older ones for the same are worth
    /// nothing from now on.
    pub async fn insert_link(
        &mut self,
        issuer: IssuerId,
        token: &Digest,
        user: Option<UserId>,
        now: Timestamp,
        expires_at: Timestamp,
    ) -> Result<()> {
        self.forget_links(issuer, user).await?;
        Ok(on_engine!(tx self, |db| sqlx::query(INSERT)
            .bind(issuer.uuid())
            .bind(token.as_bytes().as_slice())
            .bind(user.map(|user| user.0))
            .bind(now.utc())
            .bind(expires_at.utc())
            .execute(db)
            .await
            .map(drop))?)
    }

    pub async fn forget_links(&mut self, issuer: IssuerId, user: Option<UserId>) -> Result<()> {
        Ok(on_engine!(tx self, |db| sqlx::query(FORGET)
            .bind(issuer.uuid())
            .bind(user.map(|user| user.0))
            .execute(db)
            .await
            .map(drop))?)
    }

    /// As [`Store::find_link`], and the link is worth nothing from now on: of two at once only one
    /// gets it.
    pub async fn spend_link(
        &mut self,
        issuer: IssuerId,
        token: &Digest,
        now: Timestamp,
    ) -> Result<Option<Option<UserId>>> {
        let row: Option<(Option<Uuid>,)> = on_engine!(tx self, |db| sqlx::query_as(SPEND)
            .bind(issuer.uuid())
            .bind(token.as_bytes().as_slice())
            .bind(now.utc())
            .fetch_optional(db)
            .await)?;
        Ok(row.map(|(user,)| user.map(UserId)))
    }

    pub(super) async fn delete_old_links(&mut self, now: Timestamp) -> Result<u64> {
        Ok(on_engine!(tx self, |db| sqlx::query(DELETE_OLD)
            .bind(now.utc())
            .execute(db)
            .await
            .map(|done| done.rows_affected()))?)
    }
}
