//! Who is signed in, and what people allowed clients.

use super::rights::Permission;
use super::{AdminFault, AtIssuer, Result};
use crate::account::{Consent, Session, SessionId, UserId};
use crate::audit::{Action, Event, Target, TargetKind};
use crate::clock::Timestamp;
use crate::store::SessionOfUser;

impl AtIssuer<'_> {
    /// Everybody's live sessions, the one last used first.
    pub async fn list_sessions(
        &self,
        search: &str,
        after: Option<(Timestamp, SessionId)>,
        limit: i64,
    ) -> Result<Vec<SessionOfUser>> {
        self.require(Permission::ReadSessions)?;
        let (store, now) = (&self.core().store, self.admin.now());
        Ok(store
            .list_all_sessions(self.id(), search, after, limit, now)
            .await?)
    }

    pub async fn list_sessions_of(&self, user: UserId) -> Result<Vec<Session>> {
        self.require(Permission::ReadSessions)?;
        let (store, now) = (&self.core().store, self.admin.now());
        Ok(store.list_sessions(self.id(), user, now).await?)
    }

    /// One that lives.
    pub async fn get_session(&self, id: SessionId) -> Result<Session> {
        self.require(Permission::ReadSessions)?;
        let (store, now) = (&self.core().store, self.admin.now());
        let found = store.get_session(self.id(), id, now).await?;
        found.ok_or_else(|| AdminFault::not_found("session", id.0.to_string()))
    }

    /// Signs somebody out in one browser. What their clients were granted in it is revoked too:
    /// somebody who ends a session from outside does not trust it.
    pub async fn end_session(&self, id: SessionId) -> Result<()> {
        self.require(Permission::WriteSessions)?;
        let (store, now) = (&self.core().store, self.admin.now());
        let missing = || AdminFault::not_found("session", id.0.to_string());
        let session = store.get_session(self.id(), id, now).await?;
        let session = session.ok_or_else(missing)?;
        let mut tx = store.write().await?;
        if !tx.end_session(self.id(), id, now).await? {
            return Err(missing());
        }
        let grants = tx.revoke_grants_of_session(self.id(), id, now).await?;
        let event = Event::new(
            Action::SessionEnded,
            Target::new(TargetKind::Session, id.0.to_string(), ""),
        )
        .with("user", session.user.0.to_string())
        .with("grants", grants);
        self.finish(tx, event).await?;
        self.admin.note_ended(self.id(), [id]);
        Ok(())
    }

    /// The same in every browser.
    pub async fn end_sessions_of(&self, user: UserId) -> Result<()> {
        self.require(Permission::WriteSessions)?;
        let now = self.admin.now();
        let mut tx = self.core().store.write().await?;
        let ended = tx.end_other_sessions(self.id(), user, None, now).await?;
        let mut grants = 0;
        for session in &ended {
            grants += tx
                .revoke_grants_of_session(self.id(), *session, now)
                .await?;
        }
        let event = Event::new(
            Action::SessionEnded,
            Target::new(TargetKind::User, user.0.to_string(), ""),
        )
        .with("sessions", ended.len())
        .with("grants", grants);
        self.finish(tx, event).await?;
        self.admin.note_ended(self.id(), ended);
        Ok(())
    }

    pub async fn list_consents_of(&self, user: UserId) -> Result<Vec<Consent>> {
        self.require(Permission::ReadConsents)?;
        Ok(self.core().store.list_consents(self.id(), user).await?)
    }

    /// Everything the user allowed the client is worth nothing from now on.
    pub async fn withdraw_consent(&self, user: UserId, client_id: &str) -> Result<()> {
        self.require(Permission::WriteConsents)?;
        let now = self.admin.now();
        let mut tx = self.core().store.write().await?;
        tx.delete_consents(self.id(), user, client_id).await?;
        let grants = tx
            .revoke_grants_of(self.id(), user, Some(client_id), now)
            .await?;
        let event = Event::new(
            Action::ConsentWithdrawn,
            Target::new(TargetKind::Consent, client_id, ""),
        )
        .with("user", user.0.to_string())
        .with("grants", grants);
        self.finish(tx, event).await
    }
}
