//! What the flows leave in the audit log: who did something, from where, and what came of it.

use super::{Authority, Refusal};
use crate::account::{GrantId, SessionId, User};
use crate::audit::{Action, Actor, ActorKind, Counted, Event, Target, TargetKind};
use crate::issuer::Client;
use crate::store::Tx;

impl Authority<'_> {
    /// Somebody who has not shown who they are.
    pub fn by_nobody(&self) -> Actor {
        Actor::from_afar(ActorKind::Anonymous, "", "", &self.visitor)
    }

    pub fn by_user(&self, user: &User) -> Actor {
        let id = user.id.0.to_string();
        Actor::from_afar(ActorKind::User, &id, &user.username, &self.visitor)
    }

    pub fn by_client(&self, client: &Client) -> Actor {
        let (id, name) = (&client.client_id, &client.client_name);
        Actor::from_afar(ActorKind::Client, id, name, &self.visitor)
    }

    /// Remembers what the transaction does. It comes last, right before the commit: see
    /// [`Tx::append_audit`].
    pub async fn record(&self, tx: &mut Tx, actor: &Actor, event: Event) -> Result<(), Refusal> {
        let core = self.core;
        tx.append_audit(
            &core.audit,
            self.issuer.id.into(),
            core.clock.now(),
            actor,
            event,
        )
        .await?;
        Ok(())
    }

    /// Remembers what changes nothing, and what a stranger can do over and over: once a minute
    /// for each cause, with how often it happened in between.
    pub(crate) async fn record_seldom(
        &self,
        cause: &[&str],
        actor: &Actor,
        event: impl AsyncFnOnce() -> Result<Event, Refusal>,
    ) -> Result<(), Refusal> {
        let (core, issuer) = (self.core, self.issuer.id);
        let mut whole = vec![issuer.0.to_string()];
        whole.extend(cause.iter().map(|&part| part.to_owned()));
        let whole: Vec<&str> = whole.iter().map(String::as_str).collect();
        let Some(left_out) = core.seldom.admit(&whole, core.clock.now()) else {
            return Ok(());
        };
        let mut event = event().await?;
        if left_out > 0 {
            event = event.with("left_out", left_out);
        }
        let mut tx = core.store.write().await?;
        self.record(&mut tx, actor, event).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Counts what there is too much of to remember.
    pub fn count(&self, what: Counted) {
        let core = self.core;
        core.activity.count(self.issuer.id, what, core.clock.now());
    }
}

impl Target {
    pub fn user(user: &User) -> Self {
        Self::new(TargetKind::User, user.id.0.to_string(), &user.username)
    }

    /// A user whom nobody knows. What was typed instead of a username may be a password.
    pub fn unknown_user() -> Self {
        Self::new(TargetKind::User, "", "")
    }

    pub fn client(client: &Client) -> Self {
        Self::new(TargetKind::Client, &client.client_id, &client.client_name)
    }

    pub fn session(session: SessionId, user: &User) -> Self {
        let id = session.0.to_string();
        Self::new(TargetKind::Session, id, &user.username)
    }

    /// What a user allows a client.
    pub fn consent(client: &Client, user: &User) -> Self {
        Self::new(TargetKind::Consent, &client.client_id, &user.username)
    }

    /// With the client's name, by which people know it.
    pub fn grant(grant: GrantId, client: &Client) -> Self {
        let id = grant.0.to_string();
        Self::new(TargetKind::Grant, id, &client.client_name)
    }
}

/// Somebody used a code or refresh token again that had been used: two have it.
pub(super) fn replay(token: &str, grant: GrantId, client: &Client) -> Event {
    Event::new(Action::ReplayDetected, Target::grant(grant, client))
        .failed()
        .with("token", token)
}

pub(super) fn grant_revoked(because: &str, grant: GrantId, client: &Client) -> Event {
    Event::new(Action::GrantRevoked, Target::grant(grant, client)).with("because", because)
}
