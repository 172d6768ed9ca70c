use time::OffsetDateTime;

use super::engine::{on_engine, row};
use super::{DAY, Result, Store, Tx, earlier, parse_column};
use crate::audit::{Counted, Tally};
use crate::clock::Timestamp;
use crate::issuer::IssuerId;

row! {
    struct ActivityRow {
        hour: OffsetDateTime,
        what: String,
        count: i64,
    }
}

const ADD: &str = "INSERT INTO activity (issuer_id, hour, what, count) VALUES ($1, $2, $3, $4)
    ON CONFLICT (issuer_id, hour, what) DO UPDATE SET count = activity.count + excluded.count";

const LIST: &str = "SELECT hour, what, count FROM activity
    WHERE issuer_id = $1 AND hour >= $2 ORDER BY hour, what";

const DELETE_OLD: &str = "DELETE FROM activity WHERE (issuer_id, hour, what) IN (
        SELECT issuer_id, hour, what FROM activity WHERE hour <= $1 LIMIT 1000)";

/// So long counts are kept: a chart of a year, and the one before to compare.
const KEPT_FOR: u32 = 800;

impl Store {
    /// Adds what was counted to what is there.
    pub async fn add_activity(&self, tallies: &[Tally]) -> Result<()> {
        // In one order, so that two nodes that add at the same time do not wait for each other.
        let mut tallies: Vec<&Tally> = tallies.iter().collect();
        tallies.sort_by_key(|tally| (tally.issuer.0, tally.hour, tally.what.as_str()));
        let mut tx = self.write().await?;
        for tally in tallies {
            on_engine!(tx &mut tx, |db| sqlx::query(ADD)
                .bind(tally.issuer.uuid())
                .bind(tally.hour.utc())
                .bind(tally.what.as_str())
                .bind(tally.count)
                .execute(db)
                .await
                .map(drop))?;
        }
        tx.commit().await
    }

    /// What was counted in this hour and those after it, the oldest first. Hours in which nothing
    /// was are not there.
    pub async fn list_activity(&self, issuer: IssuerId, since: Timestamp) -> Result<Vec<Tally>> {
        let rows: Vec<ActivityRow> = on_engine!(read self.engine, |db| sqlx::query_as(LIST)
            .bind(issuer.uuid())
            .bind(since.utc())
            .fetch_all(db)
            .await)?;
        rows.into_iter()
            .map(|row| {
                Ok(Tally {
                    issuer,
                    hour: row.hour.into(),
                    what: parse_column("what", &row.what, Counted::find)?,
                    count: row.count,
                })
            })
            .collect()
    }
}

impl Tx {
    pub(super) async fn delete_old_activity(&mut self, now: Timestamp) -> Result<u64> {
        Ok(on_engine!(tx self, |db| sqlx::query(DELETE_OLD)
            .bind(earlier(now, DAY * KEPT_FOR).utc())
            .execute(db)
            .await
            .map(|done| done.rows_affected()))?)
    }
}
