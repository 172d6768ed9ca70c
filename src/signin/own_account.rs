//! What people do with their own account besides signing in.

use std::sync::Arc;

use crate::account::{User, UserClaims};
use crate::audit::{Action, Event, Target, TargetKind};
use crate::clock::Timestamp;
use crate::issuer::Client;
use crate::oauth::{Authority, Refusal};
use crate::protocol::Scope;

/// An application that has access to an account.
pub struct Application {
    pub client: Arc<Client>,
    pub scope: Scope,
    pub since: Timestamp,
}

impl Authority<'_> {
    /// The applications with access: those that were allowed it, and those of the issuer's own
    /// that never had to ask.
    pub async fn applications(&self, user: &User) -> Result<Vec<Application>, Refusal> {
        let (store, issuer) = (&self.core.store, self.issuer.id);
        let now = self.core.clock.now();
        let consents = store.list_consents(issuer, user.id).await?;
        let grants = store.list_grants(issuer, user.id, now).await?;
        let allowed = consents
            .into_iter()
            .map(|consent| (consent.client_id, consent.scope, consent.created_at));
        let granted = grants
            .into_iter()
            .map(|grant| (grant.client_id, grant.scope, grant.created_at));
        let mut known: Vec<(String, Scope, Timestamp)> = Vec::new();
        for (client_id, scope, since) in allowed.chain(granted) {
            match known.iter_mut().find(|(id, ..)| *id == client_id) {
                Some((_, all, first)) => {
                    all.extend(&scope);
                    *first = (*first).min(since);
                }
                None => known.push((client_id, scope, since)),
            }
        }
        let mut applications = Vec::new();
        for (client_id, scope, since) in known {
            if let Some(client) = store.find_client(issuer, &client_id).await? {
                applications.push(Application {
                    client,
                    scope,
                    since,
                });
            }
        }
        Ok(applications)
    }

    /// Everything the client was granted is worth nothing from now on, and it has to ask again.
    pub async fn withdraw(&self, user: &User, client_id: &str) -> Result<(), Refusal> {
        let issuer = self.issuer.id;
        let now = self.core.clock.now();
        let mut tx = self.core.store.write().await?;
        let consents = tx.delete_consents(issuer, user.id, client_id).await?;
        let grants = tx
            .revoke_grants_of(issuer, user.id, Some(client_id), now)
            .await?;
        // A form may be sent twice, and may name anything.
        if consents + grants > 0 {
            let target = Target::new(TargetKind::Consent, client_id, &user.username);
            let event = Event::new(Action::ConsentWithdrawn, target).with("grants_revoked", grants);
            self.record(&mut tx, &self.by_user(user), event).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Changes the user's own claims.
    pub async fn set_own_claims(&self, user: &User, claims: &UserClaims) -> Result<(), Refusal> {
        let now = self.core.clock.now();
        let mut tx = self.core.store.write().await?;
        tx.set_claims(self.issuer.id, user.id, claims, now).await?;
        let event = Event::new(Action::ProfileChanged, Target::user(user))
            .with("changed", user.claims.names_of_changes(claims));
        self.record(&mut tx, &self.by_user(user), event).await?;
        tx.commit().await?;
        Ok(())
    }

    /// Ends one of the user's own sessions, in another browser, by its identity. Nothing happens
    /// when there is no such one: it may have ended by itself.
    pub async fn end_own_session(&self, user: &User, sid: &str) -> Result<(), Refusal> {
        let (store, issuer) = (&self.core.store, self.issuer.id);
        let now = self.core.clock.now();
        let sessions = store.list_sessions(issuer, user.id, now).await?;
        let found = sessions
            .into_iter()
            .find(|session| session.id.0.to_string() == sid);
        if let Some(session) = &found {
            let mut tx = store.write().await?;
            if tx.end_session(issuer, session.id, now).await? {
                let target = Target::session(session.id, user);
                let event = Event::new(Action::SessionEnded, target);
                self.record(&mut tx, &self.by_user(user), event).await?;
            }
            tx.commit().await?;
            // Its clients' pages cannot be loaded here: it is another browser that is meant.
            self.tell_clients(session.id).await?;
        }
        Ok(())
    }
}
