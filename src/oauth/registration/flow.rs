//! Registration itself (RFC 7591 §3).

use serde_json::{Map, Value as Json};

use super::answer::RegisteredClient;
use super::compose::{Terms, compose};
use super::limit;
use super::offer::{Leave, Offer};
use super::sector::check_sector;
use super::submission::{Sender, Submission};
use crate::audit::{Action, Actor, Counted, Event, Target};
use crate::clock::Timestamp;
use crate::dialect::RandomWord;
use crate::dialect::template::TextTemplate;
use crate::issuer::{Client, ClientRecord, RegisteredBy, RegistrationPolicy};
use crate::oauth::{Authority, Refusal};
use crate::protocol::{Fault, SigningAlg};
use crate::secret::{Digest, Secret, SecretHash};

impl Authority<'_> {
    /// Registers a client.
    ///
    /// # Errors
    /// `RegistrationClosed`, `MissingInitialAccessToken`, `InvalidInitialAccessToken`,
    /// `RegistrationThrottled`, `MemberRefused`, `InvalidClientMetadata`.
    pub async fn register(
        &self,
        body: &Map<String, Json>,
        bearer: Option<&Secret>,
    ) -> Result<RegisteredClient, Refusal> {
        let core = self.core;
        let now = core.clock.now();
        let token = self.initial_access_token(bearer, now).await?;
        let dialect = &*self.issuer.dialect;
        let shape = &dialect.registration;
        let sent = Submission::read(shape, body, Sender::Client)?;
        let apis = core.store.list_apis(self.issuer.id).await?;
        let secret = self.random(&shape.client_secret);
        let terms = Terms {
            offer: Offer {
                leave: match token {
                    Some(_) => Leave::TokenHolders,
                    None => Leave::Nobodys,
                },
                dialect,
                apis: &apis,
                previous: None,
            },
            algs: &self.signing_algs(),
            client_id: self.random(&shape.client_id).expose().to_owned(),
            secret_hash: SecretHash::sha256(&secret),
            is_administrators: false,
        };
        let client = compose(sent, &terms).map_err(Fault::InvalidClientMetadata)?;
        if client.metadata.sector_identifier_uri.is_some() {
            // Whoever can have this server fetch something is counted for that.
            if token.is_none() {
                self.count_registration(now).await?;
            }
            check_sector(&core.outgoing, &client)
                .await
                .map_err(|problem| Fault::InvalidClientMetadata(vec![problem]))?;
        }
        let access_token = shape.managed.then(|| self.random(&shape.access_token));

        let mut tx = core.store.write().await?;
        let mut event = client_event(Action::ClientCreated, &client);
        match &token {
            Some(hash) => {
                let id = tx
                    .spend_initial_access_token(self.issuer.id, hash, now)
                    .await?
                    .ok_or(Fault::InvalidInitialAccessToken)?;
                event = event.with("initial_access_token", id.to_string());
            }
            None => limit::count(&mut tx, self.issuer.id, &self.visitor.address, now).await?,
        }
        let hash = access_token.as_ref().map(Secret::digest);
        let is_new = tx
            .insert_client(
                self.issuer.id,
                &client,
                RegisteredBy::Registration,
                hash.as_ref(),
                now,
            )
            .await?;
        if !is_new {
            // Two random IDs that are the same; whoever tries again gets another.
            return Err(Fault::TemporarilyUnavailable.into());
        }
        self.record(&mut tx, &self.by_nobody(), event).await?;
        tx.commit().await?;
        self.count(Counted::Registrations);

        let has_secret = !client.is_public();
        let mut registered = RegisteredClient::new(self, client, &apis, (now, now));
        registered.secret = has_secret.then_some(secret);
        registered.access_token = access_token;
        Ok(registered)
    }

    /// The initial access token that allows it, when there is one. One that is sent must be good,
    /// also where none is needed: it allows more.
    async fn initial_access_token(
        &self,
        bearer: Option<&Secret>,
        now: Timestamp,
    ) -> Result<Option<Digest>, Refusal> {
        let policy = self.issuer.settings.registration;
        match (policy, bearer) {
            (RegistrationPolicy::Closed, _) => Err(Fault::RegistrationClosed.into()),
            (RegistrationPolicy::Open, None) => Ok(None),
            (RegistrationPolicy::Guarded, None) => Err(Fault::MissingInitialAccessToken.into()),
            (RegistrationPolicy::Open | RegistrationPolicy::Guarded, Some(token)) => {
                let hash = token.digest();
                let store = &self.core.store;
                if store
                    .is_initial_access_token_good(self.issuer.id, &hash, now)
                    .await?
                {
                    Ok(Some(hash))
                } else {
                    Err(Fault::InvalidInitialAccessToken.into())
                }
            }
        }
    }

    pub(super) async fn count_registration(&self, now: Timestamp) -> Result<(), Refusal> {
        let mut tx = self.core.store.write().await?;
        limit::count(&mut tx, self.issuer.id, &self.visitor.address, now).await?;
        tx.commit().await?;
        Ok(())
    }

    /// # Errors
    /// `ClientChanged` when somebody else changed it at the same moment.
    pub(super) async fn save_client(
        &self,
        record: &mut ClientRecord,
        action: Action,
        actor: &Actor,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let core = self.core;
        let mut tx = core.store.write().await?;
        let revision = tx.update_client(self.issuer.id, record, now).await?;
        record.revision = revision.ok_or(Fault::ClientChanged)?;
        record.updated_at = now;
        let event = client_event(action, &record.client);
        self.record(&mut tx, actor, event).await?;
        tx.commit().await?;
        core.store.forget();
        Ok(())
    }

    /// Deletes the client, and with it everything it was granted.
    ///
    /// # Errors
    /// `ClientChanged` when somebody else changed it at the same moment.
    pub(super) async fn delete_client(
        &self,
        record: &ClientRecord,
        actor: &Actor,
    ) -> Result<(), Refusal> {
        let (core, client) = (self.core, &record.client);
        let now = core.clock.now();
        let mut tx = core.store.write().await?;
        let is_deleted = tx
            .delete_client(self.issuer.id, &client.client_id, record.revision, now)
            .await?;
        if !is_deleted {
            return Err(Fault::ClientChanged.into());
        }
        let event = client_event(Action::ClientDeleted, client);
        self.record(&mut tx, actor, event).await?;
        tx.commit().await?;
        core.store.forget();
        Ok(())
    }

    pub(super) fn random(&self, template: &TextTemplate<RandomWord>) -> Secret {
        Secret::new(template.render(&self.core.entropy))
    }

    pub(super) fn signing_algs(&self) -> Vec<SigningAlg> {
        self.issuer.keys.iter().map(|key| key.alg()).collect()
    }
}

/// What is noted of a change to a client.
pub(super) fn client_event(action: Action, client: &Client) -> Event {
    Event::new(action, Target::client(client))
        .with("kind", client.kind.as_str())
        .with("redirect_uris", client.redirect_uris.clone())
}
