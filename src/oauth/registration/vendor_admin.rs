//! A vendor's own way to administer clients: Ory Hydra's, which stands on a port of its own and
//! asks nobody who they are. So it is there only at the issuers of `locum dev`; everywhere else
//! administrators have the console and the admin API.

use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Map, Value as Json};

use super::answer::RegisteredClient;
use super::compose::{Terms, compose};
use super::flow::client_event;
use super::offer::{Leave, Offer};
use super::sector::check_sector;
use super::submission::{Sender, Submission};
use crate::audit::Action;
use crate::clock::Timestamp;
use crate::issuer::{Api, Client, ClientGrant, ClientRecord, PreviousSecret, RegisteredBy};
use crate::oauth::{Authority, Refusal};
use crate::protocol::{Fault, MetadataMember, MetadataProblem, is_vschar};
use crate::secret::{Secret, SecretHash};
use crate::store::ClientQuery;

/// Which clients are wanted.
#[derive(Debug, Clone, Default)]
pub struct ListQuery {
    pub client_name: Option<String>,
    pub owner: Option<String>,
    pub page_size: usize,
    /// Where the page before ended.
    pub page_token: Option<String>,
}

/// A page of clients, and where the next one begins.
pub struct ClientPage {
    pub clients: Vec<RegisteredClient>,
    pub next: Option<String>,
}

/// How long a rotated secret works that nobody removes: Hydra keeps it for good.
const FOR_GOOD: Duration = Duration::from_secs(10 * 366 * 24 * 3600);

/// In characters, as Hydra has it.
const SHORTEST_CHOSEN_SECRET: usize = 6;
const LONGEST_CHOSEN_SECRET: usize = 1024;
/// Read at once while looking for those that fit a filter.
const BATCH: i64 = 200;
/// A patch can double a document with each operation.
const LARGEST_PATCHED: usize = 256 * 1024;
const MOST_OPERATIONS: usize = 200;

/// A secret to be given to a client, and how it is kept.
struct NewSecret {
    secret: Secret,
    hash: SecretHash,
}

impl Authority<'_> {
    /// Clients by name.
    ///
    /// # Errors
    /// `MalformedParameter` for a page token that nobody gave out.
    pub async fn list_clients(&self, query: &ListQuery) -> Result<ClientPage, Refusal> {
        let store = &self.core.store;
        let mut after = query.page_token.as_deref().map(page_start).transpose()?;
        let mut found: Vec<ClientRecord> = Vec::new();
        let fits = |record: &ClientRecord| {
            let client = &record.client;
            let name = query.client_name.as_ref();
            let owner = query.owner.as_ref();
            name.is_none_or(|name| *name == client.client_name)
                && owner.is_none_or(|owner| Some(owner) == client.metadata.owner.as_ref())
        };
        // One more than is shown tells whether there is a next page.
        while found.len() <= query.page_size {
            let batch = store
                .list_clients(
                    self.issuer.id,
                    &ClientQuery {
                        search: query.client_name.as_deref().unwrap_or_default(),
                        kind: None,
                        is_disabled: None,
                        after: after
                            .as_ref()
                            .map(|(name, id)| (name.as_str(), id.as_str())),
                        limit: BATCH,
                    },
                )
                .await?;
            let Some(last) = batch.last() else { break };
            after = Some((
                last.client.client_name.clone(),
                last.client.client_id.clone(),
            ));
            found.extend(batch.into_iter().filter(fits));
        }
        let is_last = found.len() <= query.page_size;
        found.truncate(query.page_size);
        let next = found.last().filter(|_| !is_last).map(|last| {
            let place = [&last.client.client_name, &last.client.client_id];
            BASE64URL.encode(serde_json::json!(place).to_string())
        });
        let apis = store.list_apis(self.issuer.id).await?;
        Ok(ClientPage {
            clients: found
                .into_iter()
                .map(|record| self.shown(record, &apis))
                .collect(),
            next,
        })
    }

    /// # Errors
    /// `ClientNotFound`.
    pub async fn read_client(&self, client_id: &str) -> Result<RegisteredClient, Refusal> {
        let record = self.client_record(client_id).await?;
        let apis = self.core.store.list_apis(self.issuer.id).await?;
        Ok(self.shown(record, &apis))
    }

    /// # Errors
    /// `InvalidClientMetadata`, `ClientExists`.
    pub async fn create_client(
        &self,
        body: &Map<String, Json>,
    ) -> Result<RegisteredClient, Refusal> {
        let (core, issuer) = (self.core, self.issuer.id);
        let shape = &self.issuer.dialect.registration;
        let sent = Submission::read(shape, body, Sender::Administrator)?;
        let secret = match self.chosen_secret(&sent).await? {
            Some(chosen) => chosen,
            None => self.generated_secret(),
        };
        let client_id = sent
            .owned_text(MetadataMember::ClientId)
            .unwrap_or_else(|| self.random(&shape.client_id).expose().to_owned());
        let apis = core.store.list_apis(issuer).await?;
        let client = self
            .composed(sent, &apis, client_id, secret.hash.clone(), None)
            .await?;
        let access_token = self.random(&shape.access_token);
        let now = core.clock.now();
        let mut tx = core.store.write().await?;
        let is_new = tx
            .insert_client(
                issuer,
                &client,
                RegisteredBy::Api,
                Some(&access_token.digest()),
                now,
            )
            .await?;
        if !is_new {
            return Err(Fault::ClientExists.into());
        }
        let event = client_event(Action::ClientCreated, &client);
        self.record(&mut tx, &self.by_nobody(), event).await?;
        tx.commit().await?;
        core.store.forget();
        let has_secret = !client.is_public();
        let mut created = RegisteredClient::new(self, client, &apis, (now, now));
        created.secret = has_secret.then_some(secret.secret);
        created.access_token = Some(access_token);
        Ok(created)
    }

    /// Replaces everything but the secret, and that as well when there is one.
    ///
    /// # Errors
    /// `ClientNotFound`, `InvalidClientMetadata`, `ClientChanged`.
    pub async fn replace_client(
        &self,
        client_id: &str,
        body: &Map<String, Json>,
    ) -> Result<RegisteredClient, Refusal> {
        let record = self.client_record(client_id).await?;
        self.replace(record, body).await
    }

    /// Applies a JSON Patch (RFC 6902) to what [`Self::read_client`] shows.
    ///
    /// # Errors
    /// Those of [`Self::replace_client`], and `MalformedPatch`.
    pub async fn patch_client(
        &self,
        client_id: &str,
        patch: &Json,
    ) -> Result<RegisteredClient, Refusal> {
        let record = self.client_record(client_id).await?;
        let apis = self.core.store.list_apis(self.issuer.id).await?;
        let shown = self.shown(record.clone(), &apis);
        let shape = &self.issuer.dialect.registration;
        let document = serde_json::from_slice(&shape.read.render(&shown));
        let document = document.map_err(|_| malformed("the client is no JSON"))?;
        match apply(document, patch)? {
            Json::Object(body) => self.replace(record, &body).await,
            _ => Err(malformed("it leaves no object").into()),
        }
    }

    /// # Errors
    /// `ClientNotFound`, `ClientChanged`.
    pub async fn remove_client(&self, client_id: &str) -> Result<(), Refusal> {
        let record = self.client_record(client_id).await?;
        self.delete_client(&record, &self.by_nobody()).await
    }

    /// Gives the client a new secret; the one before works until it is removed.
    ///
    /// # Errors
    /// `ClientNotFound`, `ClientChanged`, and `InvalidClientMetadata` for a public client.
    pub async fn rotate_secret(&self, client_id: &str) -> Result<RegisteredClient, Refusal> {
        let mut record = self.client_record(client_id).await?;
        let now = self.core.clock.now();
        let Some(old) = record.client.secret_hash.take() else {
            let problem = MetadataProblem::new(
                MetadataMember::ClientSecret,
                "cannot be rotated: the client is public and has none",
            );
            return Err(Fault::InvalidClientMetadata(vec![problem]).into());
        };
        let new = self.generated_secret();
        record.client.previous_secret = Some(PreviousSecret {
            hash: old,
            expires_at: now + FOR_GOOD,
        });
        record.client.secret_hash = Some(new.hash);
        let mut changed = self.saved(record, Action::SecretRotated, now).await?;
        changed.secret = Some(new.secret);
        Ok(changed)
    }

    /// # Errors
    /// `ClientNotFound`, `ClientChanged`.
    pub async fn remove_previous_secret(
        &self,
        client_id: &str,
    ) -> Result<RegisteredClient, Refusal> {
        let mut record = self.client_record(client_id).await?;
        record.client.previous_secret = None;
        let now = self.core.clock.now();
        self.saved(record, Action::PreviousSecretRemoved, now).await
    }

    async fn client_record(&self, client_id: &str) -> Result<ClientRecord, Refusal> {
        if !is_vschar(client_id) {
            return Err(Fault::ClientNotFound.into());
        }
        let store = &self.core.store;
        let found = store.find_client_record(self.issuer.id, client_id).await?;
        Ok(found.ok_or(Fault::ClientNotFound)?)
    }

    async fn replace(
        &self,
        mut record: ClientRecord,
        body: &Map<String, Json>,
    ) -> Result<RegisteredClient, Refusal> {
        let shape = &self.issuer.dialect.registration;
        let mut sent = Submission::read(shape, body, Sender::Administrator)?;
        let old = &record.client;
        let named = sent.text(MetadataMember::ClientId);
        if named.is_some_and(|id| id != old.client_id) {
            sent.add(MetadataMember::ClientId, "cannot be changed");
        }
        let chosen = self.chosen_secret(&sent).await?;
        let is_chosen = chosen.is_some();
        let secret = chosen.unwrap_or_else(|| self.generated_secret());
        let hash = match &old.secret_hash {
            Some(hash) if !is_chosen => hash.clone(),
            _ => secret.hash,
        };
        let apis = self.core.store.list_apis(self.issuer.id).await?;
        let mut client = self
            .composed(sent, &apis, old.client_id.clone(), hash, Some(old))
            .await?;
        // A grant for all of an API's scopes, now and later, has no other way to be said.
        if is_same_scope(&client, old, &apis) {
            client.grants.clone_from(&old.grants);
            client.metadata.scope.clone_from(&old.metadata.scope);
        }
        client.previous_secret.clone_from(&old.previous_secret);
        let is_new = is_chosen || (old.is_public() && !client.is_public());
        record.client = client;
        let now = self.core.clock.now();
        let mut changed = self.saved(record, Action::ClientChanged, now).await?;
        let has_secret = !changed.client.is_public();
        changed.secret = (is_new && has_secret).then_some(secret.secret);
        Ok(changed)
    }

    async fn composed(
        &self,
        sent: Submission,
        apis: &[Api],
        client_id: String,
        secret_hash: SecretHash,
        previous: Option<&Client>,
    ) -> Result<Client, Refusal> {
        let terms = Terms {
            offer: Offer {
                leave: Leave::Administrators,
                dialect: &self.issuer.dialect,
                apis,
                previous,
            },
            algs: &self.signing_algs(),
            client_id,
            secret_hash,
            is_administrators: true,
        };
        let client = compose(sent, &terms).map_err(Fault::InvalidClientMetadata)?;
        check_sector(&self.core.outgoing, &client)
            .await
            .map_err(|problem| Fault::InvalidClientMetadata(vec![problem]))?;
        Ok(client)
    }

    async fn saved(
        &self,
        mut record: ClientRecord,
        action: Action,
        now: Timestamp,
    ) -> Result<RegisteredClient, Refusal> {
        self.save_client(&mut record, action, &self.by_nobody(), now)
            .await?;
        let apis = self.core.store.list_apis(self.issuer.id).await?;
        Ok(self.shown(record, &apis))
    }

    fn generated_secret(&self) -> NewSecret {
        let secret = self.random(&self.issuer.dialect.registration.client_secret);
        NewSecret {
            hash: SecretHash::sha256(&secret),
            secret,
        }
    }

    /// The secret somebody chose, which is as good as a password.
    async fn chosen_secret(&self, sent: &Submission) -> Result<Option<NewSecret>, Refusal> {
        let Some(chosen) = sent.text(MetadataMember::ClientSecret) else {
            return Ok(None);
        };
        let length = chosen.chars().count();
        let is_usable = (SHORTEST_CHOSEN_SECRET..=LONGEST_CHOSEN_SECRET).contains(&length);
        if !is_usable || !is_vschar(chosen) {
            let problem = MetadataProblem::new(
                MetadataMember::ClientSecret,
                format!(
                    "must be {SHORTEST_CHOSEN_SECRET} to {LONGEST_CHOSEN_SECRET} printable ASCII characters"
                ),
            );
            return Err(Fault::InvalidClientMetadata(vec![problem]).into());
        }
        let secret = Secret::new(chosen);
        let hashing = self.core.secrets.hash_password(&secret, &self.core.entropy);
        Ok(Some(NewSecret {
            hash: hashing.await?,
            secret,
        }))
    }
}

/// Whether two clients may do the same at every API.
fn is_same_scope(one: &Client, other: &Client, apis: &[Api]) -> bool {
    let of = |client: &Client, api: &Api| {
        let granted = |grant: &&ClientGrant| grant.api_id == api.id;
        let grant = client.grants.iter().find(granted);
        let mut names = match grant {
            Some(grant) => grant.user_scope(api).tokens().to_vec(),
            None => Vec::new(),
        };
        names.sort_unstable();
        names
    };
    apis.iter().all(|api| of(one, api) == of(other, api))
}

fn malformed(reason: &str) -> Fault {
    Fault::MalformedPatch {
        reason: reason.to_owned(),
    }
}

/// One operation after the other, so that none can make the document grow without bounds.
fn apply(mut document: Json, patch: &Json) -> Result<Json, Fault> {
    let operations: json_patch::Patch = serde_json::from_value(patch.clone())
        .map_err(|_| malformed("it is no array of operations (RFC 6902)"))?;
    if operations.0.len() > MOST_OPERATIONS {
        return Err(malformed("it has too many operations"));
    }
    for operation in operations.0 {
        // What is left of it after an error is thrown away.
        json_patch::patch_unsafe(&mut document, &[operation])
            .map_err(|error| malformed(&error.kind.to_string()))?;
        if document.to_string().len() > LARGEST_PATCHED {
            return Err(malformed("it makes the client too large"));
        }
    }
    Ok(document)
}

fn page_start(token: &str) -> Result<(String, String), Fault> {
    let decoded = BASE64URL.decode(token).ok();
    decoded
        .and_then(|bytes| serde_json::from_slice(&bytes).ok())
        .ok_or(Fault::MalformedParameter {
            parameter: "page_token",
            reason: "it is not one of this server's",
        })
}
