use serde_json::Value as Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::engine::{on_engine, row};
use super::{Result, Store, StoreError, Tx, amr, amr_text};
use crate::account::{Grant, GrantId, SessionId, UserId};
use crate::clock::Timestamp;
use crate::issuer::IssuerId;

row! {
    pub(super) struct GrantRow {
        id: Uuid,
        client_id: String,
        user_id: Uuid,
        session_id: Uuid,
        subject: String,
        scope: String,
        audience: String,
        nonce: Option<String>,
        auth_time: OffsetDateTime,
        amr: String,
        acr: Option<String>,
        wants_auth_time: bool,
        claims_request: Option<String>,
        created_at: OffsetDateTime,
        revoked_at: Option<OffsetDateTime>,
    }
}

const INSERT: &str = "INSERT INTO grants
        (id, issuer_id, client_id, user_id, session_id, subject, scope, audience, nonce, auth_time,
         amr, acr, wants_auth_time, claims_request, created_at, expires_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";

const FIND: &str = "SELECT id, client_id, user_id, session_id, subject, scope, audience, nonce,
        auth_time, amr, acr, wants_auth_time, claims_request, created_at, revoked_at
    FROM grants WHERE issuer_id = $1 AND id = $2";

const LIST: &str = "SELECT id, client_id, user_id, session_id, subject, scope, audience, nonce,
        auth_time, amr, acr, wants_auth_time, claims_request, created_at, revoked_at
    FROM grants WHERE issuer_id = $1 AND user_id = $2 AND revoked_at IS NULL AND expires_at > $3
    ORDER BY created_at DESC, id";

const LIST_CLIENTS_OF_SESSION: &str = "SELECT client_id, subject FROM session_clients
    WHERE issuer_id = $1 AND session_id = $2 ORDER BY client_id";

const NOTE_CLIENT_OF_SESSION: &str = "INSERT INTO session_clients
        (issuer_id, session_id, client_id, subject) VALUES ($1, $2, $3, $4)
    ON CONFLICT (issuer_id, session_id, client_id) DO NOTHING";

const REVOKE_OF_OTHER_SESSIONS: &str = "UPDATE grants SET revoked_at = $4
    WHERE issuer_id = $1 AND user_id = $2 AND session_id <> $3 AND revoked_at IS NULL";

const REVOKE_OF_SESSION: &str = "UPDATE grants SET revoked_at = $3
    WHERE issuer_id = $1 AND session_id = $2 AND revoked_at IS NULL";

const EXTEND: &str = "UPDATE grants SET expires_at = $3
    WHERE issuer_id = $1 AND id = $2 AND expires_at < $3";

const REVOKE: &str = "UPDATE grants SET revoked_at = $3
    WHERE issuer_id = $1 AND id = $2 AND revoked_at IS NULL";

const REVOKE_OF_USER: &str = "UPDATE grants SET revoked_at = $3
    WHERE issuer_id = $1 AND user_id = $2 AND client_id = COALESCE($4, client_id)
        AND revoked_at IS NULL";

const REVOKE_OF_CLIENT: &str = "UPDATE grants SET revoked_at = $3
    WHERE issuer_id = $1 AND client_id = $2 AND revoked_at IS NULL";

const DELETE_EXPIRED: &str = "DELETE FROM grants WHERE id IN (
        SELECT id FROM grants WHERE expires_at <= $1 LIMIT 1000)";

impl TryFrom<GrantRow> for Grant {
    type Error = StoreError;

    fn try_from(row: GrantRow) -> Result<Self> {
        let unreadable = |what: &str| StoreError::Unreadable(format!("a grant's {what}"));
        Ok(Self {
            id: GrantId(row.id),
            client_id: row.client_id,
            user: UserId(row.user_id),
            session: SessionId(row.session_id),
            subject: row.subject,
            scope: row.scope.parse().map_err(|_| unreadable("scope"))?,
            audience: serde_json::from_str(&row.audience).map_err(|_| unreadable("audience"))?,
            nonce: row.nonce,
            auth_time: row.auth_time.into(),
            amr: amr(&row.amr)?,
            acr: row.acr,
            wants_auth_time: row.wants_auth_time,
            claims_request: row.claims_request,
            created_at: row.created_at.into(),
            is_revoked: row.revoked_at.is_some(),
        })
    }
}

impl Store {
    /// The user's grants that are neither revoked nor expired, the newest first.
    pub async fn list_grants(
        &self,
        issuer: IssuerId,
        user: UserId,
        now: Timestamp,
    ) -> Result<Vec<Grant>> {
        let rows: Vec<GrantRow> = on_engine!(read self.engine, |db| sqlx::query_as(LIST)
            .bind(issuer.uuid())
            .bind(user.0)
            .bind(now.utc())
            .fetch_all(db)
            .await)?;
        rows.into_iter().map(Grant::try_from).collect()
    }

    /// The grant, revoked or not.
    pub async fn find_grant(&self, issuer: IssuerId, grant: GrantId) -> Result<Option<Grant>> {
        let row: Option<GrantRow> = on_engine!(read self.engine, |db| sqlx::query_as(FIND)
            .bind(issuer.uuid())
            .bind(grant.0)
            .fetch_optional(db)
            .await)?;
        row.map(Grant::try_from).transpose()
    }

    /// The clients that were granted something in the session, each with what it calls the user:
    /// who is to be told when the session ends.
    pub async fn list_clients_of_session(
        &self,
        issuer: IssuerId,
        session: SessionId,
    ) -> Result<Vec<(String, String)>> {
        Ok(on_engine!(read self.engine, |db| {
            sqlx::query_as(LIST_CLIENTS_OF_SESSION)
                .bind(issuer.uuid())
                .bind(session.0)
                .fetch_all(db)
                .await
        })?)
    }
}

impl Tx {
    /// The session was used for this client.
    pub async fn note_client_of_session(
        &mut self,
        issuer: IssuerId,
        session: SessionId,
        client_id: &str,
        subject: &str,
    ) -> Result<()> {
        Ok(on_engine!(tx self, |db| {
            sqlx::query(NOTE_CLIENT_OF_SESSION)
                .bind(issuer.uuid())
                .bind(session.0)
                .bind(client_id)
                .bind(subject)
                .execute(db)
                .await
                .map(drop)
        })?)
    }

    /// Revokes everything the user granted in other sessions than this one.
    pub async fn revoke_grants_of_other_sessions(
        &mut self,
        issuer: IssuerId,
        user: UserId,
        keep: SessionId,
        now: Timestamp,
    ) -> Result<()> {
        Ok(on_engine!(tx self, |db| {
            sqlx::query(REVOKE_OF_OTHER_SESSIONS)
                .bind(issuer.uuid())
                .bind(user.0)
                .bind(keep.0)
                .bind(now.utc())
                .execute(db)
                .await
                .map(drop)
        })?)
    }

    /// `expires_at` is when the last of its tokens will have expired: until then the row is kept.
    pub async fn insert_grant(
        &mut self,
        issuer: IssuerId,
        grant: &Grant,
        expires_at: Timestamp,
    ) -> Result<()> {
        Ok(on_engine!(tx self, |db| sqlx::query(INSERT)
            .bind(grant.id.0)
            .bind(issuer.uuid())
            .bind(&grant.client_id)
            .bind(grant.user.0)
            .bind(grant.session.0)
            .bind(&grant.subject)
            .bind(grant.scope.to_string())
            .bind(Json::from(grant.audience.clone()).to_string())
            .bind(&grant.nonce)
            .bind(grant.auth_time.utc())
            .bind(amr_text(&grant.amr))
            .bind(&grant.acr)
            .bind(grant.wants_auth_time)
            .bind(&grant.claims_request)
            .bind(grant.created_at.utc())
            .bind(expires_at.utc())
            .execute(db)
            .await
            .map(drop))?)
    }

    /// The grant, revoked or not.
    pub async fn find_grant(&mut self, issuer: IssuerId, grant: GrantId) -> Result<Option<Grant>> {
        let row: Option<GrantRow> = on_engine!(tx self, |db| sqlx::query_as(FIND)
            .bind(issuer.uuid())
            .bind(grant.0)
            .fetch_optional(db)
            .await)?;
        row.map(Grant::try_from).transpose()
    }

    /// A token of the grant lives until `expires_at`. Never shortens its life.
    pub async fn extend_grant(
        &mut self,
        issuer: IssuerId,
        grant: GrantId,
        expires_at: Timestamp,
    ) -> Result<()> {
        Ok(on_engine!(tx self, |db| sqlx::query(EXTEND)
            .bind(issuer.uuid())
            .bind(grant.0)
            .bind(expires_at.utc())
            .execute(db)
            .await
            .map(drop))?)
    }

    /// Everything that came of the grant is dead from now on. Returns whether it was not before.
    pub async fn revoke_grant(
        &mut self,
        issuer: IssuerId,
        grant: GrantId,
        now: Timestamp,
    ) -> Result<bool> {
        let rows = on_engine!(tx self, |db| sqlx::query(REVOKE)
            .bind(issuer.uuid())
            .bind(grant.0)
            .bind(now.utc())
            .execute(db)
            .await
            .map(|done| done.rows_affected()))?;
        Ok(rows > 0)
    }

    /// Revokes what the user granted one client, or every client. Returns how many grants.
    pub async fn revoke_grants_of(
        &mut self,
        issuer: IssuerId,
        user: UserId,
        client_id: Option<&str>,
        now: Timestamp,
    ) -> Result<u64> {
        Ok(on_engine!(tx self, |db| sqlx::query(REVOKE_OF_USER)
            .bind(issuer.uuid())
            .bind(user.0)
            .bind(now.utc())
            .bind(client_id)
            .execute(db)
            .await
            .map(|done| done.rows_affected()))?)
    }

    /// Revokes what was granted in the session. Returns how many grants.
    pub async fn revoke_grants_of_session(
        &mut self,
        issuer: IssuerId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<u64> {
        Ok(on_engine!(tx self, |db| sqlx::query(REVOKE_OF_SESSION)
            .bind(issuer.uuid())
            .bind(session.0)
            .bind(now.utc())
            .execute(db)
            .await
            .map(|done| done.rows_affected()))?)
    }

    /// Revokes what anybody granted the client.
    pub(super) async fn revoke_grants_to(
        &mut self,
        issuer: IssuerId,
        client_id: &str,
        now: Timestamp,
    ) -> Result<()> {
        Ok(on_engine!(tx self, |db| sqlx::query(REVOKE_OF_CLIENT)
            .bind(issuer.uuid())
            .bind(client_id)
            .bind(now.utc())
            .execute(db)
            .await
            .map(drop))?)
    }

    /// With the codes and tokens of each.
    pub(super) async fn delete_expired_grants(&mut self, now: Timestamp) -> Result<u64> {
        Ok(on_engine!(tx self, |db| sqlx::query(DELETE_EXPIRED)
            .bind(now.utc())
            .execute(db)
            .await
            .map(|done| done.rows_affected()))?)
    }
}
