use time::OffsetDateTime;

use super::engine::{on_engine, row};
use super::{DAY, Result, Store, Tx, earlier};
use crate::clock::Timestamp;
use crate::issuer::IssuerId;
use crate::secret::Digest;

row! {
    struct AttemptsRow {
        failures: i64,
        last_at: OffsetDateTime,
    }
}

/// One statement counts, so that attempts made at once are all counted.
const RECORD: &str = "INSERT INTO attempts (issuer_id, subject_hash, failures, last_at)
    VALUES ($1, $2, 1, $3)
    ON CONFLICT (issuer_id, subject_hash) DO UPDATE SET
        failures = CASE WHEN attempts.last_at <= $4 THEN 1 ELSE attempts.failures + 1 END,
        last_at = excluded.last_at
    RETURNING failures, last_at";

const FIND: &str = "SELECT failures, last_at FROM attempts
    WHERE issuer_id = $1 AND subject_hash = $2 AND last_at > $3";

const CLEAR: &str = "DELETE FROM attempts WHERE issuer_id = $1 AND subject_hash = $2";

const DELETE_OLD: &str = "DELETE FROM attempts WHERE (issuer_id, subject_hash) IN (
        SELECT issuer_id, subject_hash FROM attempts WHERE last_at <= $1 LIMIT 1000)";

impl AttemptsRow {
    fn count(&self) -> u64 {
        u64::try_from(self.failures).unwrap_or(0)
    }
}

impl Store {
    /// Counts an attempt against an account or an address. Returns how many there have been,
    /// this one included, without a pause that reaches back to `forget_before`.
    pub async fn record_attempt(
        &self,
        issuer: IssuerId,
        against: &Digest,
        now: Timestamp,
        forget_before: Timestamp,
    ) -> Result<u64> {
        let mut tx = self.write().await?;
        let row: AttemptsRow = on_engine!(tx &mut tx, |db| sqlx::query_as(RECORD)
            .bind(issuer.uuid())
            .bind(against.as_bytes().as_slice())
            .bind(now.utc())
            .bind(forget_before.utc())
            .fetch_one(db)
            .await)?;
        tx.commit().await?;
        Ok(row.count())
    }

    /// How many attempts there have been, and when the last was; `None` when that is not after
    /// `forget_before`.
    pub async fn find_attempts(
        &self,
        issuer: IssuerId,
        against: &Digest,
        forget_before: Timestamp,
    ) -> Result<Option<(u64, Timestamp)>> {
        let row: Option<AttemptsRow> = on_engine!(read self.engine, |db| sqlx::query_as(FIND)
            .bind(issuer.uuid())
            .bind(against.as_bytes().as_slice())
            .bind(forget_before.utc())
            .fetch_optional(db)
            .await)?;
        Ok(row.map(|row| (row.count(), row.last_at.into())))
    }

    pub async fn clear_attempts(&self, issuer: IssuerId, against: &Digest) -> Result<()> {
        let mut tx = self.write().await?;
        on_engine!(tx &mut tx, |db| sqlx::query(CLEAR)
            .bind(issuer.uuid())
            .bind(against.as_bytes().as_slice())
            .execute(db)
            .await
            .map(drop))?;
        tx.commit().await
    }
}

impl Tx {
    pub(super) async fn delete_old_attempts(&mut self, now: Timestamp) -> Result<u64> {
        Ok(on_engine!(tx self, |db| sqlx::query(DELETE_OLD)
            .bind(earlier(now, DAY).utc())
            .execute(db)
            .await
            .map(|done| done.rows_affected()))?)
    }
}
