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

/// Changes nothing in a row that is there, but has it locked until the transaction ends, so that
/// of attempts made at once each sees what the one before it made of the row.
const LOCK: &str = "INSERT INTO attempts (issuer_id, subject_hash, failures, last_at)
    VALUES ($1, $2, 0, $3)
    ON CONFLICT (issuer_id, subject_hash) DO UPDATE SET last_at = attempts.last_at
    RETURNING failures, last_at";

const SET: &str = "UPDATE attempts SET failures = $3, last_at = $4
    WHERE issuer_id = $1 AND subject_hash = $2";

const FIND: &str = "SELECT failures, last_at FROM attempts
    WHERE issuer_id = $1 AND subject_hash = $2";

const CLEAR: &str = "DELETE FROM attempts WHERE issuer_id = $1 AND subject_hash = $2";

const DELETE_OLD: &str = "DELETE FROM attempts WHERE (issuer_id, subject_hash) IN (
        SELECT issuer_id, subject_hash FROM attempts WHERE last_at <= $1 LIMIT 1000)";

impl AttemptsRow {
    fn count(&self) -> u64 {
        u64::try_from(self.failures).unwrap_or(0)
    }
}

impl Store {
    /// How many attempts against something have failed, and when the last was made; `None` when
    /// there was none.
    pub async fn find_attempts(
        &self,
        issuer: IssuerId,
        against: &Digest,
    ) -> Result<Option<(u64, Timestamp)>> {
        let row: Option<AttemptsRow> = on_engine!(read self.engine, |db| sqlx::query_as(FIND)
            .bind(issuer.uuid())
            .bind(against.as_bytes().as_slice())
            .fetch_optional(db)
            .await)?;
        Ok(row.map(|row| (row.count(), row.last_at.into())))
    }
}

impl Tx {
    /// How many attempts against something have failed, and when the last was made. Whoever asks
    /// next waits until this transaction has ended.
    pub async fn lock_attempts(
        &mut self,
        issuer: IssuerId,
        against: &Digest,
        now: Timestamp,
    ) -> Result<(u64, Timestamp)> {
        let row: AttemptsRow = on_engine!(tx self, |db| sqlx::query_as(LOCK)
            .bind(issuer.uuid())
            .bind(against.as_bytes().as_slice())
            .bind(now.utc())
            .fetch_one(db)
            .await)?;
        Ok((row.count(), row.last_at.into()))
    }

    pub async fn set_attempts(
        &mut self,
        issuer: IssuerId,
        against: &Digest,
        failures: u64,
        now: Timestamp,
    ) -> Result<()> {
        Ok(on_engine!(tx self, |db| sqlx::query(SET)
            .bind(issuer.uuid())
            .bind(against.as_bytes().as_slice())
            .bind(i64::try_from(failures).unwrap_or(i64::MAX))
            .bind(now.utc())
            .execute(db)
            .await
            .map(drop))?)
    }

    pub async fn clear_attempts(&mut self, issuer: IssuerId, against: &Digest) -> Result<()> {
        Ok(on_engine!(tx self, |db| sqlx::query(CLEAR)
            .bind(issuer.uuid())
            .bind(against.as_bytes().as_slice())
            .execute(db)
            .await
            .map(drop))?)
    }

    pub(super) async fn delete_old_attempts(&mut self, now: Timestamp) -> Result<u64> {
        Ok(on_engine!(tx self, |db| sqlx::query(DELETE_OLD)
            .bind(earlier(now, DAY).utc())
            .execute(db)
            .await
            .map(|done| done.rows_affected()))?)
    }
}
