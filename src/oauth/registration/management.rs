//! What a client may do with its own registration (RFC 7592).

use serde_json::{Map, Value as Json};
use subtle::ConstantTimeEq;

use super::answer::RegisteredClient;
use super::compose::{Terms, compose};
use super::offer::{Leave, Offer};
use super::sector::check_sector;
use super::submission::{Sender, Submission};
use crate::audit::Action;
use crate::issuer::{Api, ClientRecord, RegistrationPolicy};
use crate::oauth::{Authority, Refusal};
use crate::protocol::{Fault, MetadataMember, MetadataProblem, is_vschar};
use crate::secret::{Secret, SecretHash};

impl Authority<'_> {
    /// What is registered (RFC 7592 §2.1).
    ///
    /// # Errors
    /// `RegistrationClosed`, `MissingRegistrationToken`, `InvalidRegistrationToken`.
    pub async fn read_registration(
        &self,
        client_id: &str,
        bearer: Option<&Secret>,
    ) -> Result<RegisteredClient, Refusal> {
        let record = self.own_registration(client_id, bearer).await?;
        let apis = self.core.store.list_apis(self.issuer.id).await?;
        let mut registered = self.shown(record, &apis);
        registered.access_token = self.repeated(bearer);
        Ok(registered)
    }

    /// The registration access token again, which RFC 7592 §3 wants in every answer: the caller
    /// has just shown it.
    fn repeated(&self, bearer: Option<&Secret>) -> Option<Secret> {
        let rotates = self.issuer.dialect.registration.rotates_access_token;
        bearer.cloned().filter(|_| !rotates)
    }

    /// Replaces everything that a client can say of itself (RFC 7592 §2.2). What it leaves out is
    /// as if it had never been said.
    ///
    /// # Errors
    /// Those of [`Self::read_registration`], `MemberRefused`, `InvalidClientMetadata`, and
    /// `ClientChanged` when somebody else changed the client at the same moment.
    pub async fn update_registration(
        &self,
        client_id: &str,
        body: &Map<String, Json>,
        bearer: Option<&Secret>,
    ) -> Result<RegisteredClient, Refusal> {
        let (core, issuer) = (self.core, self.issuer.id);
        let mut record = self.own_registration(client_id, bearer).await?;
        let dialect = &*self.issuer.dialect;
        let shape = &dialect.registration;
        let mut sent = Submission::read(shape, body, Sender::Client)?;
        self.check_names_client(&mut sent, body, &record).await?;
        let apis = core.store.list_apis(issuer).await?;
        let old = record.client.secret_hash.clone();
        let secret = self.random(&shape.client_secret);
        let terms = Terms {
            offer: Offer {
                leave: Leave::Nobodys,
                dialect,
                apis: &apis,
                previous: Some(&record.client),
            },
            algs: &self.signing_algs(),
            client_id: record.client.client_id.clone(),
            secret_hash: old.clone().unwrap_or_else(|| SecretHash::sha256(&secret)),
            is_administrators: false,
        };
        let mut client = compose(sent, &terms).map_err(Fault::InvalidClientMetadata)?;
        let now = core.clock.now();
        let known = &record.client;
        let is_vouched_for = known.redirect_uris == client.redirect_uris
            && known.metadata.sector_identifier_uri == client.metadata.sector_identifier_uri;
        if client.metadata.sector_identifier_uri.is_some() && !is_vouched_for {
            // Whoever can have this server fetch something is counted for that.
            self.count_registration(now).await?;
            check_sector(&core.outgoing, &client)
                .await
                .map_err(|problem| Fault::InvalidClientMetadata(vec![problem]))?;
        }
        let is_new_secret = old.is_none() && client.secret_hash.is_some();
        client.previous_secret = record.client.previous_secret.take();
        let actor = self.by_client(&record.client);
        record.client = client;
        let access_token = shape
            .rotates_access_token
            .then(|| self.random(&shape.access_token));
        if let Some(token) = &access_token {
            record.registration_token_hash = Some(token.digest().as_bytes().to_vec());
        }

        self.save_client(&mut record, Action::ClientChanged, &actor, now)
            .await?;
        let mut registered = self.shown(record, &apis);
        registered.secret = is_new_secret.then_some(secret);
        registered.access_token = access_token.or_else(|| self.repeated(bearer));
        Ok(registered)
    }

    /// Deletes the client, and with it everything it was granted (RFC 7592 §2.3).
    ///
    /// # Errors
    /// Those of [`Self::read_registration`].
    pub async fn delete_registration(
        &self,
        client_id: &str,
        bearer: Option<&Secret>,
    ) -> Result<(), Refusal> {
        let record = self.own_registration(client_id, bearer).await?;
        self.delete_client(&record, &self.by_client(&record.client))
            .await
    }

    /// The client whose registration access token the caller has.
    async fn own_registration(
        &self,
        client_id: &str,
        bearer: Option<&Secret>,
    ) -> Result<ClientRecord, Refusal> {
        if self.issuer.settings.registration == RegistrationPolicy::Closed {
            return Err(Fault::RegistrationClosed.into());
        }
        let token = bearer.ok_or(Fault::MissingRegistrationToken)?;
        if !is_vschar(client_id) {
            return Err(Fault::InvalidRegistrationToken.into());
        }
        let store = &self.core.store;
        let found = store.find_client_record(self.issuer.id, client_id).await?;
        let digest = token.digest();
        let is_own = |record: &ClientRecord| {
            let hash = record.registration_token_hash.as_deref();
            let is_same = hash.is_some_and(|hash| hash.ct_eq(digest.as_bytes()).into());
            is_same && !record.client.is_disabled
        };
        Ok(found
            .filter(is_own)
            .ok_or(Fault::InvalidRegistrationToken)?)
    }

    /// RFC 7592 §2.2: a change names its client, and cannot choose the secret.
    async fn check_names_client(
        &self,
        sent: &mut Submission,
        body: &Map<String, Json>,
        record: &ClientRecord,
    ) -> Result<(), Refusal> {
        let must = self.issuer.dialect.registration.update_names_client;
        let client = &record.client;
        match body.get("client_id") {
            Some(Json::String(id)) if *id == client.client_id => {}
            None | Some(Json::Null) if !must => {}
            None | Some(Json::Null) => sent
                .problems
                .push(MetadataProblem::missing(MetadataMember::ClientId)),
            Some(_) => sent.add(MetadataMember::ClientId, "is not this client's"),
        }
        if let Some(Json::String(secret)) = body.get("client_secret")
            && !secret.is_empty()
        {
            let hash = client.secret_hash.as_ref();
            let secret = Secret::new(secret.as_str());
            let is_current = match hash {
                Some(hash) => self.core.secrets.verify(hash, &secret).await?,
                None => false,
            };
            if !is_current {
                let message = "is not the one that was issued, and no client chooses its own";
                sent.add(MetadataMember::ClientSecret, message);
            }
        }
        Ok(())
    }

    pub(super) fn shown(&self, record: ClientRecord, apis: &[Api]) -> RegisteredClient {
        let times = (record.created_at, record.updated_at);
        let is_managed = record.registration_token_hash.is_some();
        let mut shown = RegisteredClient::new(self, record.client, apis, times);
        if !is_managed {
            shown.client_uri = None;
        }
        shown
    }
}
