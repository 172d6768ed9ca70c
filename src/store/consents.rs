use time::OffsetDateTime;
use uuid::Uuid;

use super::engine::{on_engine, row};
use super::{Result, Store, StoreError, Tx};
use crate::account::{Consent, UserId};
use crate::issuer::IssuerId;

row! {
    struct ConsentRow {
        user_id: Uuid,
        client_id: String,
        audience: String,
        scope: String,
        created_at: OffsetDateTime,
        updated_at: OffsetDateTime,
    }
}

const FIND: &str =
    "SELECT user_id, client_id, audience, scope, created_at, updated_at FROM consents
    WHERE issuer_id = $1 AND user_id = $2 AND client_id = $3";

const LIST: &str =
    "SELECT user_id, client_id, audience, scope, created_at, updated_at FROM consents
    WHERE issuer_id = $1 AND user_id = $2 ORDER BY updated_at DESC, client_id";

const SAVE: &str = "INSERT INTO consents
        (issuer_id, user_id, client_id, audience, scope, created_at, updated_at)
    VALUES ($1, $2, $3, $7, $4, $5, $6)
    ON CONFLICT (issuer_id, user_id, client_id, audience) DO UPDATE SET
        scope = excluded.scope, updated_at = excluded.updated_at";

const DELETE: &str = "DELETE FROM consents
    WHERE issuer_id = $1 AND user_id = $2 AND client_id = $3";

impl TryFrom<ConsentRow> for Consent {
    type Error = StoreError;

    fn try_from(row: ConsentRow) -> Result<Self> {
        Ok(Self {
            user: UserId(row.user_id),
            client_id: row.client_id,
            audience: row.audience.split_whitespace().map(str::to_owned).collect(),
            scope: row
                .scope
                .parse()
                .map_err(|_| StoreError::Unreadable("a consent's scope".to_owned()))?,
            created_at: row.created_at.into(),
            updated_at: row.updated_at.into(),
        })
    }
}

impl Store {
    /// What the user allowed a client, for each audience.
    pub async fn find_consents(
        &self,
        issuer: IssuerId,
        user: UserId,
        client_id: &str,
    ) -> Result<Vec<Consent>> {
        let rows: Vec<ConsentRow> = on_engine!(read self.engine, |db| sqlx::query_as(FIND)
            .bind(issuer.uuid())
            .bind(user.0)
            .bind(client_id)
            .fetch_all(db)
            .await)?;
        rows.into_iter().map(Consent::try_from).collect()
    }

    /// What the user allowed, what changed last first.
    pub async fn list_consents(&self, issuer: IssuerId, user: UserId) -> Result<Vec<Consent>> {
        let rows: Vec<ConsentRow> = on_engine!(read self.engine, |db| sqlx::query_as(LIST)
            .bind(issuer.uuid())
            .bind(user.0)
            .fetch_all(db)
            .await)?;
        rows.into_iter().map(Consent::try_from).collect()
    }
}

impl Tx {
    /// What the user allowed a client, for each audience.
    pub async fn find_consents(
        &mut self,
        issuer: IssuerId,
        user: UserId,
        client_id: &str,
    ) -> Result<Vec<Consent>> {
        let rows: Vec<ConsentRow> = on_engine!(tx self, |db| sqlx::query_as(FIND)
            .bind(issuer.uuid())
            .bind(user.0)
            .bind(client_id)
            .fetch_all(db)
            .await)?;
        rows.into_iter().map(Consent::try_from).collect()
    }

    /// Remembers a consent. Of one that is there already, the scope is replaced.
    pub async fn save_consent(&mut self, issuer: IssuerId, consent: &Consent) -> Result<()> {
        Ok(on_engine!(tx self, |db| sqlx::query(SAVE)
            .bind(issuer.uuid())
            .bind(consent.user.0)
            .bind(&consent.client_id)
            .bind(consent.scope.to_string())
            .bind(consent.created_at.utc())
            .bind(consent.updated_at.utc())
            .bind(consent.audience.join(" "))
            .execute(db)
            .await
            .map(drop))?)
    }

    /// Forgets what the user allowed a client, for every audience. Returns for how many.
    pub async fn delete_consents(
        &mut self,
        issuer: IssuerId,
        user: UserId,
        client_id: &str,
    ) -> Result<u64> {
        Ok(on_engine!(tx self, |db| sqlx::query(DELETE)
            .bind(issuer.uuid())
            .bind(user.0)
            .bind(client_id)
            .execute(db)
            .await
            .map(|done| done.rows_affected()))?)
    }
}
