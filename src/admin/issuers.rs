use std::collections::HashSet;
use std::sync::Arc;

use super::configuration::{ApplyError, changed_fields};
use super::rights::Permission;
use super::system::{self, CONSOLE};
use super::{Admin, AdminFault, AtIssuer, Problem, Result, rules, signing_keys};
use crate::audit::{Action, Chain, Event, Target, TargetKind};
use crate::config::{is_color, is_host_name, is_issuer_name, is_retention};
use crate::dialect::{BUILT_IN, Dialect, Endpoint};
use crate::issuer::{BrandSettings, IssuerId, IssuerSettings, RegistrationPolicy};
use crate::protocol::SigningAlg;
use crate::store::StoredIssuer;

const WHAT: &str = "issuer";

impl Admin<'_> {
    /// The issuers one may do something at, by name; the console is none of them.
    pub async fn list_issuers(&self) -> Result<Vec<StoredIssuer>> {
        let mut issuers = self.core.store.list_issuers().await?;
        let sees_all = self.rights.hold(Permission::ReadIssuers, None);
        issuers.retain(|issuer| {
            issuer.name != CONSOLE && (sees_all || self.rights.reach(&issuer.name))
        });
        Ok(issuers)
    }

    /// An issuer that one may do something at.
    pub async fn get_issuer(&self, name: &str) -> Result<StoredIssuer> {
        let issuers = self.list_issuers().await?;
        issuers
            .into_iter()
            .find(|issuer| issuer.name == name)
            .ok_or_else(|| AdminFault::not_found(WHAT, name))
    }

    /// What is to be changed or deleted, for somebody who may do that and perhaps not see the rest.
    pub async fn current_issuer(&self, name: &str) -> Result<StoredIssuer> {
        self.require(Permission::WriteIssuers, None)?;
        let found = self.core.store.find_issuer(name).await?;
        found.ok_or_else(|| AdminFault::not_found(WHAT, name))
    }

    /// Makes an issuer of a built-in dialect, with keys, and with its place in the console.
    /// `brand` is what people know it by; its name when absent.
    pub async fn create_issuer(
        &self,
        name: &str,
        dialect: &str,
        brand: Option<String>,
    ) -> Result<StoredIssuer> {
        self.require(Permission::WriteIssuers, None)?;
        let mut problems = Vec::new();
        if let Some(brand) = &brand {
            problems.extend(rules::name("brand.name", brand));
        }
        if let Err(message) = is_issuer_name(name) {
            problems.push(Problem::new("name", message));
        }
        if !BUILT_IN.iter().any(|(known, _)| *known == dialect) {
            problems.push(Problem::new(
                "dialect",
                "there is no built-in dialect of this name",
            ));
        }
        AdminFault::unless(problems)?;
        let now = self.now();
        let dialect_read: Arc<Dialect> = self.core.dialects.get(dialect, None)?;
        let issuer = StoredIssuer {
            id: IssuerId(self.core.entropy.uuid_at(now)),
            name: name.to_owned(),
            dialect: dialect.to_owned(),
            dialect_source: None,
            settings: IssuerSettings {
                brand: BrandSettings {
                    name: brand,
                    ..BrandSettings::default()
                },
                ..IssuerSettings::default()
            },
            is_declared: false,
            is_demo: false,
            revision: 1,
            generation: 1,
        };
        let mut keys = Vec::new();
        for alg in issuer.settings.algs(&dialect_read) {
            let material = signing_keys::generate(*alg, name).await?;
            let (keyring, entropy) = (self.keyring, &self.core.entropy);
            keys.push(signing_keys::seal(
                keyring,
                entropy,
                issuer.id,
                &dialect_read,
                &material,
                now,
            )?);
        }
        let mut tx = self.core.store.write().await?;
        if !tx.insert_issuer(&issuer, now).await? {
            return Err(AdminFault::exists(WHAT, name));
        }
        for key in &keys {
            tx.insert_signing_key(issuer.id, key).await?;
        }
        let event = Event::new(Action::IssuerCreated, target(&issuer)).with("dialect", dialect);
        self.finish(tx, issuer.id.into(), event).await?;
        self.declare_console_or_warn().await;
        Ok(issuer)
    }

    /// Gives an issuer a host name of its own, or takes it away. Which names lead where is the whole
    /// server's matter, and so is which are taken.
    pub async fn set_host(
        &self,
        name: &str,
        revision: i64,
        host: Option<String>,
    ) -> Result<StoredIssuer> {
        let at = self.at_stored(self.current_issuer(name).await?)?;
        let mut settings = at.issuer.settings.clone();
        settings.host = host;
        at.change_settings(revision, settings).await
    }

    /// Deletes an issuer with everything in it but its audit events and its counts.
    ///
    /// # Errors
    /// `InUse` when it has clients or users, unless `anyway`.
    pub async fn delete_issuer(&self, name: &str, revision: i64, anyway: bool) -> Result<()> {
        self.require(Permission::WriteIssuers, None)?;
        if name == CONSOLE {
            return Err(AdminFault::NotPossible(
                "the console is what everything is administered with".to_owned(),
            ));
        }
        let store = &self.core.store;
        let issuer = self.current_issuer(name).await?;
        let clients = store.count_clients(issuer.id).await?;
        let users = store.count_users(issuer.id).await?;
        if clients + users > 0 && !anyway {
            return Err(AdminFault::InUse {
                what: WHAT,
                name: name.to_owned(),
                by: format!("it has {clients} clients and {users} users"),
            });
        }
        let mut tx = store.write().await?;
        if !tx.delete_issuer(issuer.id, revision).await? {
            return Err(AdminFault::changed(WHAT, name));
        }
        let days = issuer.settings.audit_retention_days;
        tx.leave_chain(issuer.id.into(), name, days).await?;
        let event = Event::new(Action::IssuerDeleted, target(&issuer))
            .with("clients", clients)
            .with("users", users);
        self.finish(tx, Chain::SERVER, event).await?;
        self.declare_console_or_warn().await;
        Ok(())
    }

    /// Gives the console an API and roles for every issuer there is. If that fails, the next start
    /// does it.
    pub async fn declare_console(&self) -> Result<()> {
        let declared = system::declare(self.core, self.keyring, &self.actor);
        declared.await.map_err(|error| match error {
            ApplyError::Store(error) => AdminFault::Store(error),
            ApplyError::Key(error) => AdminFault::Key(error),
            other => AdminFault::NotPossible(other.to_string()),
        })
    }

    /// The same after something that has been committed: it has been done, and is not said to have
    /// failed.
    pub(super) async fn declare_console_or_warn(&self) {
        if let Err(error) = self.declare_console().await {
            tracing::warn!(%error, "the console knows its issuers only after the next start");
        }
    }
}

impl AtIssuer<'_> {
    /// Settings and revision, as they are.
    pub fn settings(&self) -> Result<&StoredIssuer> {
        self.require(Permission::ReadSettings)?;
        Ok(&self.issuer)
    }

    /// What cannot be set here stays as it is: sample resources and pictures are a configuration's.
    pub async fn update_settings(
        &self,
        revision: i64,
        settings: IssuerSettings,
    ) -> Result<StoredIssuer> {
        self.require(Permission::WriteSettings)?;
        if settings.host != self.issuer.settings.host {
            // As in `Admin::set_host`.
            self.admin.require(Permission::WriteIssuers, None)?;
        }
        self.change_settings(revision, settings).await
    }

    async fn change_settings(
        &self,
        revision: i64,
        settings: IssuerSettings,
    ) -> Result<StoredIssuer> {
        self.not_the_consoles("the settings of the console are fixed")?;
        let mut problems = self.settings_problems(&settings);
        problems.extend(self.algs_problems(&settings).await?);
        problems.extend(self.host_problem(settings.host.as_deref()).await?);
        AdminFault::unless(problems)?;
        let mut issuer = self.issuer.clone();
        let keys = self.core().store.list_signing_keys(self.id()).await?;
        let algs = settings.algs(&self.dialect);
        let now = self.admin.now();
        let mut new_keys = Vec::new();
        for alg in algs
            .iter()
            .filter(|alg| !keys.iter().any(|key| key.alg == **alg))
        {
            let material = signing_keys::generate(*alg, &issuer.name).await?;
            let (keyring, entropy) = (self.admin.keyring, &self.core().entropy);
            new_keys.push(signing_keys::seal(
                keyring,
                entropy,
                self.id(),
                &self.dialect,
                &material,
                now,
            )?);
        }
        let retention = (
            issuer.settings.audit_retention_days,
            settings.audit_retention_days,
        );
        let mut event = changed_fields(
            Event::new(Action::SettingsChanged, target(&issuer)),
            &issuer.settings,
            &settings,
        );
        if issuer.settings.host != settings.host {
            event = event.with("host", settings.host.clone());
        }
        if issuer.settings.registration != settings.registration {
            event = event.with("registration", settings.registration.as_str());
        }
        issuer.settings = settings;
        issuer.revision = revision;
        let mut tx = self.write_as_checked().await?;
        tx.update_issuer(&issuer)
            .await?
            .ok_or_else(|| AdminFault::changed(WHAT, &issuer.name))?;
        for key in &new_keys {
            tx.insert_signing_key(self.id(), key).await?;
        }
        if retention.0 != retention.1 {
            // Where a shorter retention of this issuer does not take it away.
            let event = Event::new(Action::SettingsChanged, target(&issuer))
                .with("audit_retention_days", retention.1)
                .with("before", retention.0);
            tx.append_audit(
                &self.core().audit,
                Chain::SERVER,
                now,
                &self.admin.actor,
                event,
            )
            .await?;
        }
        self.finish(tx, event).await?;
        let stored = self.core().store.find_issuer(&issuer.name).await?;
        stored.ok_or_else(|| AdminFault::not_found(WHAT, issuer.name))
    }

    /// A host name is one issuer's alone.
    async fn host_problem(&self, host: Option<&str>) -> Result<Option<Problem>> {
        let Some(host) = host else { return Ok(None) };
        if let Err(message) = is_host_name(host) {
            return Ok(Some(Problem::new("host", message)));
        }
        let issuers = self.core().store.list_issuers().await?;
        let has_it = |other: &StoredIssuer| {
            other.id != self.id() && other.settings.host.as_deref() == Some(host)
        };
        let other = issuers.iter().find(|other| has_it(other));
        Ok(other.map(|other| Problem::new("host", format!("is the one of {}", other.name))))
    }

    /// What the issuer signs with, each once, and nothing less than its APIs and clients ask for.
    async fn algs_problems(&self, settings: &IssuerSettings) -> Result<Vec<Problem>> {
        const FIELD: &str = "signing_algs";
        let mut problems = Vec::new();
        let mut known = HashSet::new();
        let algs = settings.signing_algs.iter();
        for twice in algs.filter(|alg| !known.insert(alg.as_str())) {
            let message = format!("{} stands twice", twice.as_str());
            problems.push(Problem::new(FIELD, message));
        }
        let before = self.issuer.settings.algs(&self.dialect).iter();
        let after = settings.algs(&self.dialect);
        let gone: Vec<SigningAlg> = before.filter(|alg| !after.contains(alg)).copied().collect();
        if gone.is_empty() {
            return Ok(problems);
        }
        let store = &self.core().store;
        let needed = |alg: Option<SigningAlg>| alg.filter(|alg| gone.contains(alg));
        for api in store.list_apis(self.id()).await? {
            if let Some(alg) = needed(api.signing_alg) {
                let (alg, audience) = (alg.as_str(), &api.audience);
                let message = format!("tokens for API {audience:?} are to be signed with {alg}");
                problems.push(Problem::new(FIELD, message));
            }
        }
        for record in store.list_all_clients(self.id()).await? {
            let metadata = &record.client.metadata;
            let alg = needed(metadata.id_token_signed_response_alg)
                .or(needed(metadata.userinfo_signed_response_alg));
            if let Some(alg) = alg {
                let (alg, id) = (alg.as_str(), &record.client.client_id);
                let message = format!("what client {id:?} gets is to be signed with {alg}");
                problems.push(Problem::new(FIELD, message));
            }
        }
        Ok(problems)
    }

    fn settings_problems(&self, settings: &IssuerSettings) -> Vec<Problem> {
        let mut problems = Vec::new();
        let has_registration = self
            .dialect
            .endpoints
            .find(Endpoint::Registration)
            .is_some();
        if settings.registration != RegistrationPolicy::Closed && !has_registration {
            problems.push(Problem::new(
                "registration",
                "clients cannot register themselves in this dialect: expected closed",
            ));
        }
        let brand = &settings.brand;
        if let Some(name) = &brand.name {
            problems.extend(rules::name("brand.name", name));
        }
        if let Some(color) = &brand.color
            && !is_color(color)
        {
            problems.push(Problem::new("brand.color", "expected #rrggbb"));
        }
        if let Some(uri) = &brand.help_uri
            && !crate::issuer::is_web_uri(uri)
        {
            problems.push(Problem::new(
                "brand.help_uri",
                "expected an http or https URL",
            ));
        }
        let uris = &settings.post_logout_redirect_uris;
        problems.extend(rules::redirect_uris("post_logout_redirect_uris", uris));
        if let Some(days) = settings.audit_retention_days {
            problems.extend(rules::problem("audit_retention_days", is_retention(days)));
        }
        for (field, is_same) in [
            (
                "resources",
                settings.resources == self.issuer.settings.resources,
            ),
            ("brand.logo", brand.logo == self.issuer.settings.brand.logo),
        ] {
            if !is_same {
                problems.push(Problem::new(
                    field,
                    "is set in the configuration file alone",
                ));
            }
        }
        problems
    }
}

fn target(issuer: &StoredIssuer) -> Target {
    Target::new(TargetKind::Issuer, &issuer.name, "")
}
