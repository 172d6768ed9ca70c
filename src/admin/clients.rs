use std::time::Duration;

use super::configuration::changed_fields;
use super::forms::ClientForm;
use super::rights::Permission;
use super::{AdminFault, AtIssuer, Problem, Result, rules};
use crate::audit::{Action, Event, Target, TargetKind};
use crate::dialect::RegistrationShape;
use crate::issuer::{Client, ClientRecord, PreviousSecret};
use crate::oauth::registration::check_sector;
use crate::protocol::host;
use crate::secret::{Secret, SecretHash};
use crate::store::{ClientQuery, ClientUsage};

const WHAT: &str = "client";

/// The longest that two secrets of a client work at once.
pub const LONGEST_OVERLAP: Duration = Duration::from_secs(90 * 24 * 3600);
/// Fewer characters in a secret that a person chose can be guessed.
const SHORTEST_SECRET: usize = 16;

/// A client that has just been made.
pub struct CreatedClient {
    pub record: ClientRecord,
    /// Shown now and never again; `None` for a public client, and for a secret that was brought.
    pub client_secret: Option<Secret>,
}

/// A secret that has just been made.
pub struct NewSecret {
    pub record: ClientRecord,
    /// Shown now and never again.
    pub client_secret: Secret,
}

impl AtIssuer<'_> {
    /// Clients by name.
    pub async fn list_clients(&self, query: &ClientQuery<'_>) -> Result<Vec<ClientRecord>> {
        self.require(Permission::ReadClients)?;
        Ok(self.core().store.list_clients(self.id(), query).await?)
    }

    pub async fn get_client(&self, client_id: &str) -> Result<ClientRecord> {
        self.require(Permission::ReadClients)?;
        self.client(client_id).await
    }

    /// What would end with it.
    pub async fn usage_of_client(&self, client_id: &str) -> Result<ClientUsage> {
        self.require(Permission::ReadClients)?;
        let (store, now) = (&self.core().store, self.admin.now());
        Ok(store.usage_of_client(self.id(), client_id, now).await?)
    }

    /// Makes a client. A confidential one gets a secret, unless it is brought along.
    pub async fn create_client(
        &self,
        form: &ClientForm,
        secret: Option<Secret>,
    ) -> Result<CreatedClient> {
        self.require(Permission::WriteClients)?;
        let now = self.admin.now();
        let mut form = form.clone();
        if form.client_id.is_empty() {
            form.client_id = self.shape().client_id.render(&self.core().entropy);
        }
        let mut client = self.checked_client(&form, None).await?;
        let mut client_secret = None;
        match (secret, client.kind.is_public()) {
            (Some(_), true) => {
                return Err(AdminFault::Invalid(vec![Problem::new(
                    "client_secret",
                    format!("a client of kind {} cannot keep one", client.kind.as_str()),
                )]));
            }
            (None, true) => {}
            (Some(secret), false) => client.secret_hash = Some(self.hashed(&secret).await?),
            (None, false) => {
                let secret = self.new_secret();
                client.secret_hash = Some(SecretHash::sha256(&secret));
                client_secret = Some(secret);
            }
        }
        let mut tx = self.write_as_checked().await?;
        let registered_by = self.admin.registered_by;
        let is_new = tx
            .insert_client(self.id(), &client, registered_by, None, now)
            .await?;
        if !is_new {
            return Err(AdminFault::exists(WHAT, &client.client_id));
        }
        let event =
            Event::new(Action::ClientCreated, target(&client)).with("kind", client.kind.as_str());
        self.finish(tx, event).await?;
        Ok(CreatedClient {
            record: self.client(&client.client_id).await?,
            client_secret,
        })
    }

    /// Changes what the form says of a client. Its ID, its secret, and whether it keeps one, stay.
    pub async fn update_client(
        &self,
        client_id: &str,
        revision: i64,
        form: &ClientForm,
    ) -> Result<ClientRecord> {
        self.require(Permission::WriteClients)?;
        let mut record = self.client(client_id).await?;
        let apis = self.core().store.list_apis(self.id()).await?;
        let before = ClientForm::of(&record.client, &apis);
        let mut form = form.clone();
        form.client_id = client_id.to_owned();
        let mut client = self.checked_client(&form, Some(&record.client)).await?;
        if client.kind.is_public() != record.client.kind.is_public() {
            return Err(AdminFault::Invalid(vec![Problem::new(
                "kind",
                "a client that keeps a secret and one that does not are different things; make another one instead",
            )]));
        }
        client.secret_hash = record.client.secret_hash;
        client.previous_secret = record.client.previous_secret;
        client.is_disabled = record.client.is_disabled;
        let event = Event::new(Action::ClientChanged, target(&client));
        let event = changed_fields(event, &before, &ClientForm::of(&client, &apis));
        record.client = client;
        self.save_client(record, revision, event).await
    }

    /// A disabled client is refused everywhere, and its tokens are worth nothing; enabled again,
    /// it is as before.
    pub async fn set_client_disabled(
        &self,
        client_id: &str,
        revision: i64,
        is_disabled: bool,
    ) -> Result<ClientRecord> {
        self.require(Permission::WriteClients)?;
        let mut record = self.client(client_id).await?;
        record.client.is_disabled = is_disabled;
        let action = if is_disabled {
            Action::ClientDisabled
        } else {
            Action::ClientEnabled
        };
        let event = Event::new(action, target(&record.client));
        self.save_client(record, revision, event).await
    }

    /// Gives the client another secret. The one before works for `overlap`; one before that, no
    /// longer.
    pub async fn rotate_secret(
        &self,
        client_id: &str,
        revision: i64,
        overlap: Duration,
        secret: Option<Secret>,
    ) -> Result<NewSecret> {
        self.require(Permission::WriteClients)?;
        let mut record = self.client(client_id).await?;
        let Some(previous) = record.client.secret_hash.take() else {
            return Err(AdminFault::NotPossible(format!(
                "a client of kind {} has no secret to rotate",
                record.client.kind.as_str()
            )));
        };
        if overlap > LONGEST_OVERLAP {
            return Err(AdminFault::Invalid(vec![Problem::new(
                "overlap",
                format!("is longer than {} seconds", LONGEST_OVERLAP.as_secs()),
            )]));
        }
        let (secret, hash) = match secret {
            Some(secret) => {
                let hash = self.hashed(&secret).await?;
                (secret, hash)
            }
            None => {
                let secret = self.new_secret();
                let hash = SecretHash::sha256(&secret);
                (secret, hash)
            }
        };
        record.client.secret_hash = Some(hash);
        record.client.previous_secret = (!overlap.is_zero()).then(|| PreviousSecret {
            hash: previous,
            expires_at: self.admin.now() + overlap,
        });
        let event = Event::new(Action::SecretRotated, target(&record.client))
            .with("overlap", overlap.as_secs());
        Ok(NewSecret {
            record: self.save_client(record, revision, event).await?,
            client_secret: secret,
        })
    }

    /// The secret before the last rotation is worth nothing from now on.
    pub async fn drop_previous_secret(
        &self,
        client_id: &str,
        revision: i64,
    ) -> Result<ClientRecord> {
        self.require(Permission::WriteClients)?;
        let mut record = self.client(client_id).await?;
        record.client.previous_secret = None;
        let event = Event::new(Action::PreviousSecretRemoved, target(&record.client));
        self.save_client(record, revision, event).await
    }

    /// # Errors
    /// `InUse` when users have allowed it something, or tokens of it live, unless `anyway`: then
    /// that is worth nothing from now on.
    pub async fn delete_client(&self, client_id: &str, revision: i64, anyway: bool) -> Result<()> {
        self.require(Permission::WriteClients)?;
        let record = self.client(client_id).await?;
        let (store, now) = (&self.core().store, self.admin.now());
        let usage = store.usage_of_client(self.id(), client_id, now).await?;
        if usage != ClientUsage::default() && !anyway {
            return Err(AdminFault::InUse {
                what: WHAT,
                name: client_id.to_owned(),
                by: format!(
                    "{} users have allowed it something, {} grants and {} tokens of it live",
                    usage.users, usage.grants, usage.tokens
                ),
            });
        }
        let mut tx = store.write().await?;
        if !tx
            .delete_client(self.id(), client_id, revision, now)
            .await?
        {
            return Err(AdminFault::changed(WHAT, client_id));
        }
        let event =
            Event::new(Action::ClientDeleted, target(&record.client)).with("grants", usage.grants);
        self.finish(tx, event).await
    }

    async fn save_client(
        &self,
        mut record: ClientRecord,
        revision: i64,
        event: Event,
    ) -> Result<ClientRecord> {
        record.revision = revision;
        let mut tx = self.write_as_checked().await?;
        let now = self.admin.now();
        tx.update_client(self.id(), &record, now)
            .await?
            .ok_or_else(|| AdminFault::changed(WHAT, &record.client.client_id))?;
        self.finish(tx, event).await?;
        self.client(&record.client.client_id).await
    }

    async fn client(&self, client_id: &str) -> Result<ClientRecord> {
        let store = &self.core().store;
        store
            .find_client_record(self.id(), client_id)
            .await?
            .ok_or_else(|| AdminFault::not_found(WHAT, client_id))
    }

    async fn checked_client(&self, form: &ClientForm, previous: Option<&Client>) -> Result<Client> {
        let apis = self.core().store.list_apis(self.id()).await?;
        let around = rules::Surroundings {
            dialect: &self.dialect,
            algs: self.issuer.settings.algs(&self.dialect),
            apis: &apis,
        };
        let form = &in_sector(form, previous);
        AdminFault::unless(rules::client(form, &around))?;
        let client = form.to_client(&apis);
        let is_vouched_for = previous.is_some_and(|known| {
            known.redirect_uris == client.redirect_uris
                && known.metadata.sector_identifier_uri == client.metadata.sector_identifier_uri
        });
        if !is_vouched_for {
            check_sector(&self.core().outgoing, &client)
                .await
                .map_err(|problem| {
                    let field = problem.member.as_str();
                    AdminFault::Invalid(vec![Problem::new(field, problem.message)])
                })?;
        }
        Ok(client)
    }

    /// How the dialect's vendor writes IDs and secrets.
    fn shape(&self) -> &RegistrationShape {
        &self.dialect.registration
    }

    fn new_secret(&self) -> Secret {
        Secret::new(self.shape().client_secret.render(&self.core().entropy))
    }

    async fn hashed(&self, secret: &Secret) -> Result<SecretHash> {
        if secret.expose().chars().count() < SHORTEST_SECRET {
            return Err(AdminFault::Invalid(vec![Problem::new(
                "client_secret",
                format!("is shorter than {SHORTEST_SECRET} characters"),
            )]));
        }
        let core = self.core();
        Ok(core.secrets.hash_password(secret, &core.entropy).await?)
    }
}

/// The host of a `sector_identifier_uri` is the sector (OIDC Core §8.1), as long as there is one.
fn in_sector(form: &ClientForm, previous: Option<&Client>) -> ClientForm {
    let mut form = form.clone();
    let metadata = &mut form.metadata;
    if let Some(uri) = &metadata.sector_identifier_uri {
        metadata.sector_identifier = host(uri);
    } else if let Some(previous) = previous
        && previous.metadata.sector_identifier_uri.is_some()
        && previous.metadata.sector_identifier == metadata.sector_identifier
    {
        metadata.sector_identifier = None;
    }
    form
}

fn target(client: &Client) -> Target {
    Target::new(TargetKind::Client, &client.client_id, &client.client_name)
}
