//! The issuers that this server answers for, as the database has them: prepared once, and anew
//! when something of them changes, here or on another node. Nothing needs a restart.

use std::collections::HashMap;
use std::sync::Arc;

use arc_swap::{ArcSwap, Guard};
use tokio::sync::Mutex;
use url::Url;

use super::address::{Address, Appearance, Resource};
use super::pages::{Brand, DemoUser};
use super::routes::Routes;
use crate::admin::signing_keys;
use crate::dialect::Dialect;
use crate::issuer::{Api, Issuer, IssuerId, SampleResource};
use crate::keys::{CannotOpen, KeySet, Keyring, UnusableKey};
use crate::oauth::Core;
use crate::oauth::access_token::Requirement;
use crate::protocol::Scope;
use crate::source::Mistake;
use crate::store::{StoreError, StoredIssuer};

/// Where issuers stand, and what opens their keys.
pub struct Hosting {
    core: Core,
    pub keyring: Keyring,
    /// What issuers are named after, without a slash at the end.
    pub public_url: Url,
    /// Whether each issuer is also at `http://<name>.localhost`, as in `locum dev`.
    local_host_names: bool,
    /// The issuer that is also served at `/`.
    root_issuer: Option<String>,
    /// Whom one may sign in as with one click, by the issuer's name; in `locum dev` alone.
    demo_users: HashMap<String, Vec<DemoUser>>,
    hosted: Mutex<Hosted>,
    routes: ArcSwap<Routes>,
}

#[derive(Default)]
struct Hosted {
    /// Which generation of each issuer was looked at last. One that could not be prepared is not
    /// tried again until it changes again.
    seen: HashMap<IssuerId, i64>,
    prepared: HashMap<IssuerId, Prepared>,
}

/// An issuer as it is served.
struct Prepared {
    name: String,
    by_path: Arc<Address>,
    by_host: Vec<(String, Arc<Address>)>,
    at_root: Option<Arc<Address>>,
}

#[derive(Debug, thiserror::Error)]
pub enum HostingError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("issuer {name}: {reason}")]
    Issuer { name: String, reason: Unprepared },
}

/// Why an issuer cannot be served.
#[derive(Debug, thiserror::Error)]
pub enum Unprepared {
    #[error(transparent)]
    Dialect(#[from] Mistake),
    #[error(transparent)]
    Sealed(#[from] CannotOpen),
    #[error(transparent)]
    Key(#[from] UnusableKey),
}

/// What [`Hosting::new`] is told.
pub struct Place {
    pub public_url: Url,
    pub local_host_names: bool,
    pub root_issuer: Option<String>,
    pub demo_users: HashMap<String, Vec<DemoUser>>,
}

impl Hosting {
    /// Prepares every issuer of the database.
    ///
    /// # Errors
    /// When one of them cannot be served.
    pub async fn new(core: Core, keyring: Keyring, place: Place) -> Result<Self, HostingError> {
        let hosting = Self {
            core,
            keyring,
            public_url: place.public_url,
            local_host_names: place.local_host_names,
            root_issuer: place.root_issuer,
            demo_users: place.demo_users,
            hosted: Mutex::default(),
            routes: ArcSwap::default(),
        };
        let failed = hosting.prepare_changed().await?;
        match failed.into_iter().next() {
            None => Ok(hosting),
            Some((name, reason)) => Err(HostingError::Issuer { name, reason }),
        }
    }

    /// Whether the database has been closed, so that nothing will change any more.
    pub fn is_closed(&self) -> bool {
        self.core.store.is_closed()
    }

    pub fn routes(&self) -> Guard<Arc<Routes>> {
        self.routes.load()
    }

    /// The issuer's address below its name, as its links and snippets should have it.
    pub async fn find(&self, name: &str) -> Option<Arc<Address>> {
        let hosted = self.hosted.lock().await;
        hosted
            .prepared
            .values()
            .find(|issuer| issuer.name == name)
            .map(|issuer| issuer.by_path.clone())
    }

    pub async fn find_by_id(&self, id: IssuerId) -> Option<Arc<Address>> {
        let hosted = self.hosted.lock().await;
        hosted
            .prepared
            .get(&id)
            .map(|issuer| issuer.by_path.clone())
    }

    /// Sees whether anything has changed, and prepares that anew. An issuer that cannot be served
    /// as it is now is served as it was.
    pub async fn refresh(&self) -> Result<(), StoreError> {
        for (name, reason) in self.prepare_changed().await? {
            tracing::error!(issuer = name, error = %reason, "cannot be served as it is now");
        }
        Ok(())
    }

    async fn prepare_changed(&self) -> Result<Vec<(String, Unprepared)>, StoreError> {
        let mut hosted = self.hosted.lock().await;
        let Hosted { seen, prepared } = &mut *hosted;
        let generations = self.core.store.list_generations().await?;
        let is_seen = |(id, generation): &(IssuerId, i64)| seen.get(id) == Some(generation);
        if generations.len() == seen.len() && generations.iter().all(is_seen) {
            return Ok(Vec::new());
        }
        self.core.store.forget();
        let issuers = self.core.store.list_issuers().await?;
        let exists = |id: &IssuerId| issuers.iter().any(|issuer| issuer.id == *id);
        seen.retain(|id, _| exists(id));
        prepared.retain(|id, _| exists(id));
        let mut failed = Vec::new();
        for issuer in issuers {
            let (id, name, generation) = (issuer.id, issuer.name.clone(), issuer.generation);
            if seen.get(&id) == Some(&generation) {
                continue;
            }
            let apis = self.core.store.list_apis(id).await?;
            let keys = self.core.store.list_signing_keys(id).await?;
            match self.prepare(issuer, &apis, keys) {
                Ok(issuer) => {
                    prepared.insert(id, issuer);
                }
                Err(reason) => failed.push((name, reason)),
            }
            seen.insert(id, generation);
        }
        let mut routes = Routes::default();
        for issuer in prepared.values() {
            routes.add_path(&issuer.name, issuer.by_path.clone());
            for (host, address) in &issuer.by_host {
                routes.add_host(host, address.clone());
            }
            if let Some(address) = &issuer.at_root {
                routes.set_root(address.clone());
            }
        }
        self.routes.store(Arc::new(routes));
        Ok(failed)
    }

    fn prepare(
        &self,
        stored: StoredIssuer,
        apis: &[Api],
        keys: Vec<crate::store::StoredKey>,
    ) -> Result<Prepared, Unprepared> {
        let (name, source) = (&stored.dialect, stored.dialect_source.as_deref());
        let dialect = self.core.dialects.get(name, source)?;
        let settings = &stored.settings;
        let keys = signing_keys::in_order(keys, settings.algs(&dialect))
            .iter()
            .map(|key| signing_keys::open(&self.keyring.secret_key, stored.id, key))
            .collect::<Result<Vec<_>, _>>()?;
        let is_root = self.root_issuer.as_deref() == Some(&stored.name);
        let bases = self.bases(&stored);
        let appearance = Arc::new(self.appearance(&stored));
        let resources: Vec<Arc<Resource>> = settings
            .resources
            .iter()
            .map(|resource| Arc::new(Resource::from(resource)))
            .collect();
        let issuer = Arc::new(issuer(&stored, dialect, &keys, &bases, is_root)?);
        let at = |base: &str| {
            Arc::new(Address::new(
                issuer.clone(),
                base,
                apis,
                &resources,
                appearance.clone(),
            ))
        };
        Ok(Prepared {
            by_path: at(&bases.path),
            by_host: bases
                .hosts
                .iter()
                .map(|(host, base)| (host.clone(), at(base)))
                .collect(),
            at_root: is_root.then(|| at(&bases.root)),
            name: stored.name,
        })
    }

    fn bases(&self, issuer: &StoredIssuer) -> Bases {
        let name = &issuer.name;
        let root = self.public_url.as_str().trim_end_matches('/').to_owned();
        let at_host = |host: &str| {
            let mut url = self.public_url.clone();
            let _ = url.set_host(Some(host));
            url.set_path("");
            (
                host.to_owned(),
                url.as_str().trim_end_matches('/').to_owned(),
            )
        };
        let local = self
            .local_host_names
            .then(|| at_host(&format!("{name}.localhost")));
        // What is everybody's is not given to one issuer, whatever its settings say.
        let own = issuer.settings.host.as_deref();
        let own = own.filter(|host| self.public_url.host_str() != Some(host));
        if own.is_none() && issuer.settings.host.is_some() {
            tracing::error!(
                issuer = name,
                "its host is that of the public URL: it stays without"
            );
        }
        let own = own.map(at_host);
        Bases {
            path: format!("{root}/{name}"),
            hosts: local.into_iter().chain(own).collect(),
            root,
        }
    }

    fn appearance(&self, issuer: &StoredIssuer) -> Appearance {
        let brand = &issuer.settings.brand;
        let demo_users = self.demo_users.get(&issuer.name);
        Appearance::new(
            Brand {
                name: brand.name.clone().unwrap_or_else(|| issuer.name.clone()),
                color: brand.color.clone(),
                has_logo: brand.logo.is_some(),
                help_uri: brand.help_uri.clone(),
            },
            brand.logo.as_ref(),
            demo_users.cloned().unwrap_or_default(),
        )
    }
}

/// Every base URL of one issuer, without a slash at the end.
struct Bases {
    path: String,
    hosts: Vec<(String, String)>,
    root: String,
}

fn issuer(
    stored: &StoredIssuer,
    dialect: Arc<Dialect>,
    keys: &[crate::keys::KeyMaterial],
    bases: &Bases,
    is_root: bool,
) -> Result<Issuer, UnusableKey> {
    let everywhere = std::iter::once(&bases.path)
        .chain(bases.hosts.iter().map(|(_, base)| base))
        .chain(is_root.then_some(&bases.root));
    Ok(Issuer {
        id: stored.id,
        name: stored.name.clone(),
        keys: KeySet::new(keys, &dialect)?,
        identifiers: everywhere.map(|base| dialect.identifier(base)).collect(),
        settings: stored.settings.clone(),
        is_demo: stored.is_demo,
        dialect,
    })
}

impl From<&SampleResource> for Resource {
    fn from(resource: &SampleResource) -> Self {
        Self {
            path: resource.path.clone(),
            methods: resource.methods.clone(),
            requirement: Requirement {
                // Checked when it was declared.
                scope: resource.scope.parse::<Scope>().unwrap_or_default(),
                audience: resource.audience.clone(),
                unscoped_means_every_permission: resource.unscoped_means_every_permission,
            },
            accepts_bare_token: resource.accepts_bare_token,
            token_headers: resource.token_headers.clone(),
            allow_headers: resource.allow_headers.clone(),
            content_type: resource.content_type.clone(),
            body: resource.body.clone(),
        }
    }
}
