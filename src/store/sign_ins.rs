use time::OffsetDateTime;
use uuid::Uuid;

use super::engine::{on_engine, row};
use super::{DAY, Result, Store, Tx, earlier};
use crate::account::{SignIn, UserId};
use crate::clock::Timestamp;
use crate::entropy::Entropy;
use crate::issuer::IssuerId;

/// How many days a sign-in is remembered.
const KEPT_DAYS: u32 = 90;

row! {
    struct SignInRow {
        user_id: Uuid,
        at: OffsetDateTime,
        succeeded: bool,
        client_id: Option<String>,
        address: String,
        user_agent: String,
    }
}

const INSERT: &str = "INSERT INTO sign_ins
        (id, issuer_id, user_id, at, succeeded, client_id, address, user_agent)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8)";

const LIST: &str = "SELECT user_id, at, succeeded, client_id, address, user_agent FROM sign_ins
    WHERE issuer_id = $1 AND user_id = $2 ORDER BY at DESC, id DESC LIMIT $3";

const LAST: &str = "SELECT at FROM sign_ins
    WHERE issuer_id = $1 AND user_id = $2 AND succeeded ORDER BY at DESC LIMIT 1";

const DELETE_OLD: &str = "DELETE FROM sign_ins WHERE id IN (
        SELECT id FROM sign_ins WHERE at <= $1 LIMIT 1000)";

impl From<SignInRow> for SignIn {
    fn from(row: SignInRow) -> Self {
        Self {
            user: UserId(row.user_id),
            at: row.at.into(),
            succeeded: row.succeeded,
            client_id: row.client_id,
            address: row.address,
            user_agent: row.user_agent,
        }
    }
}

impl Store {
    pub async fn insert_sign_in(
        &self,
        issuer: IssuerId,
        sign_in: &SignIn,
        entropy: &Entropy,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        on_engine!(tx &mut tx, |db| sqlx::query(INSERT)
            .bind(entropy.uuid_at(sign_in.at))
            .bind(issuer.uuid())
            .bind(sign_in.user.0)
            .bind(sign_in.at.utc())
            .bind(sign_in.succeeded)
            .bind(&sign_in.client_id)
            .bind(&sign_in.address)
            .bind(&sign_in.user_agent)
            .execute(db)
            .await
            .map(drop))?;
        tx.commit().await
    }

    /// The user's last `limit` sign-ins, the newest first.
    pub async fn list_sign_ins(
        &self,
        issuer: IssuerId,
        user: UserId,
        limit: i64,
    ) -> Result<Vec<SignIn>> {
        let rows: Vec<SignInRow> = on_engine!(read self.engine, |db| sqlx::query_as(LIST)
            .bind(issuer.uuid())
            .bind(user.0)
            .bind(limit)
            .fetch_all(db)
            .await)?;
        Ok(rows.into_iter().map(SignIn::from).collect())
    }

    /// When the user last signed in, as far back as that is kept.
    pub async fn find_last_sign_in(
        &self,
        issuer: IssuerId,
        user: UserId,
    ) -> Result<Option<Timestamp>> {
        let at: Option<OffsetDateTime> = on_engine!(read self.engine, |db| sqlx::query_scalar(LAST)
                .bind(issuer.uuid())
                .bind(user.0)
                .fetch_optional(db)
                .await)?;
        Ok(at.map(Timestamp::from))
    }
}

impl Tx {
    pub(super) async fn delete_old_sign_ins(&mut self, now: Timestamp) -> Result<u64> {
        Ok(on_engine!(tx self, |db| sqlx::query(DELETE_OLD)
            .bind(earlier(now, DAY * KEPT_DAYS).utc())
            .execute(db)
            .await
            .map(|done| done.rows_affected()))?)
    }
}
