use super::engine::on_engine;
use super::{Result, Tx};
use crate::account::UserId;
use crate::issuer::IssuerId;

const FIND: &str = "SELECT subject FROM subjects
    WHERE issuer_id = $1 AND user_id = $2 AND sector = $3";

/// No conflict is named, so that both are meant: of two who come with the same candidate at once,
/// the second may meet the first one's primary key before it meets the sector.
const INSERT: &str = "INSERT INTO subjects (issuer_id, user_id, sector, subject)
    VALUES ($1, $2, $3, $4) ON CONFLICT DO NOTHING";

impl Tx {
    /// What clients of `sector` call the user: the stored subject, or else `candidate`, which is
    /// stored. `sector` is empty for a public subject.
    ///
    /// # Errors
    /// When the candidate is somebody else's subject already.
    pub async fn subject(
        &mut self,
        issuer: IssuerId,
        user: UserId,
        sector: &str,
        candidate: &str,
    ) -> Result<String> {
        if let Some(subject) = self.find_subject(issuer, user, sector).await? {
            return Ok(subject);
        }
        on_engine!(tx self, |db| sqlx::query(INSERT)
            .bind(issuer.uuid())
            .bind(user.0)
            .bind(sector)
            .bind(candidate)
            .execute(db)
            .await
            .map(drop))?;
        // Whoever stored another one meanwhile has committed it: the insert waited for that.
        let stored = self.find_subject(issuer, user, sector).await?;
        Ok(stored.ok_or(sqlx::Error::RowNotFound)?)
    }

    async fn find_subject(
        &mut self,
        issuer: IssuerId,
        user: UserId,
        sector: &str,
    ) -> Result<Option<String>> {
        let row: Option<(String,)> = on_engine!(tx self, |db| sqlx::query_as(FIND)
            .bind(issuer.uuid())
            .bind(user.0)
            .bind(sector)
            .fetch_optional(db)
            .await)?;
        Ok(row.map(|(subject,)| subject))
    }
}
