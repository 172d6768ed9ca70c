//! Puts the parts together and runs them.

use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use actix_web::{App as ActixApp, HttpServer, web};
use toml::Spanned;
use url::Url;

use crate::audit::AuditKey;
use crate::clock::Clock;
use crate::config::{self, Applied, ApplyError, Declared, Keyring, Origin, ResourceDeclaration};
use crate::entropy::Entropy;
use crate::issuer::Issuer;
use crate::keys::{KeySet, UnusableKey};
use crate::oauth::Core;
use crate::oauth::access_token::Requirement;
use crate::outgoing::Outgoing;
use crate::protocol::Scope;
use crate::ready::{Ready, ReadyIssuer};
use crate::secret::SecretVerifier;
use crate::signin::ticket::Tickets;
use crate::store::{Store, StoreError};
use crate::web::pages::{Brand, DemoUser};
use crate::web::{Address, App, Appearance, Resource, Routes, Welcome, answer};

/// Everything a server is started with.
pub struct Settings {
    pub database_url: String,
    pub listeners: Vec<TcpListener>,
    /// What issuers are named after, without a slash at the end.
    pub public_url: Url,
    /// Whether each issuer is also at `http://<name>.localhost`, as in `locum dev`.
    pub local_host_names: bool,
    /// The issuer that is also served at `/`.
    pub root_issuer: Option<String>,
    pub issuers: Vec<Declared>,
    /// What secret files in the configuration are relative to.
    pub folder: PathBuf,
    pub keyring: Keyring,
    pub clock: Clock,
    pub entropy: Entropy,
    pub workers: usize,
    /// Whether this is `locum dev`: `/` shows what to paste where, demo users sign in with one
    /// click, and servers of this machine may be asked.
    pub is_dev: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error(transparent)]
    Key(#[from] UnusableKey),
    #[error("there is no issuer {name:?} to serve at the root; there are: {known}")]
    RootIssuer { name: String, known: String },
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// A server that is ready to accept connections.
pub struct Server {
    pub ready: Ready,
    pub store: Store,
    running: actix_web::dev::Server,
}

const SHUTDOWN_SECONDS: u64 = 10;
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
const KEEP_ALIVE: Duration = Duration::from_secs(75);
const CLEAN_EVERY: Duration = Duration::from_secs(60);

impl Server {
    /// Opens the database, applies what is declared, and starts to listen.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let store = Store::open(&settings.database_url).await?;
        let core = Core {
            store: store.clone(),
            clock: settings.clock,
            secrets: SecretVerifier::new(&settings.entropy),
            tickets: Tickets::new(settings.keyring.secret_key.tagging()),
            audit: AuditKey::new(settings.keyring.secret_key.auditing()),
            outgoing: Outgoing::new(settings.is_dev),
            entropy: settings.entropy,
        };
        let applied = config::apply(
            &core,
            &settings.keyring,
            &settings.issuers,
            &settings.folder,
        )
        .await?;

        let mut routes = Routes::default();
        let mut ready = Vec::new();
        let mut at_root = None;
        for issuer in applied {
            let name = issuer.declared.declaration.name.get_ref().clone();
            let bases = Bases::of(&issuer, &settings.public_url, settings.local_host_names);
            let is_root = settings.root_issuer.as_deref() == Some(&name);
            let appearance = appearance(&issuer, &settings.folder);
            let addresses = addresses(&core, &issuer, &bases, is_root, appearance).await?;
            ready.push(ReadyIssuer::new(
                &issuer.declared,
                &addresses.by_path.metadata,
            ));
            routes.add_path(&name, addresses.by_path);
            for (host, address) in addresses.by_host {
                routes.add_host(&host, address);
            }
            if let Some(root) = addresses.at_root {
                routes.set_root(root);
                at_root = Some(name);
            }
        }
        if let Some(name) = settings.root_issuer.filter(|_| at_root.is_none()) {
            let known: Vec<&str> = ready.iter().map(|issuer| issuer.name.as_str()).collect();
            return Err(StartError::RootIssuer {
                name,
                known: known.join(", "),
            });
        }
        let ready = Ready {
            version: env!("CARGO_PKG_VERSION"),
            url: settings
                .public_url
                .as_str()
                .trim_end_matches('/')
                .to_owned(),
            console: None,
            issuers: ready,
        };
        tokio::spawn(clean_up(core.clone()));
        let app = web::Data::new(App {
            welcome: settings.is_dev.then(|| Welcome {
                ready: ready.clone(),
                database: store.engine_name(),
            }),
            core,
            routes,
        });
        let mut server = HttpServer::new(move || {
            ActixApp::new()
                .app_data(app.clone())
                .default_service(web::to(answer))
        })
        .workers(settings.workers)
        .client_request_timeout(HEADERS_WITHIN)
        .keep_alive(KEEP_ALIVE)
        .shutdown_timeout(SHUTDOWN_SECONDS)
        .disable_signals(); // a fixture must not take its host's; the program has its own
        for listener in settings.listeners {
            server = server.listen(listener)?;
        }
        Ok(Self {
            ready,
            store,
            running: server.run(),
        })
    }

    /// Stops the server when called.
    pub fn handle(&self) -> actix_web::dev::ServerHandle {
        self.running.handle()
    }

    /// Serves until it is told to stop, then lets running requests finish and closes the
    /// database.
    pub async fn run(self) -> std::io::Result<()> {
        let outcome = self.running.await;
        self.store.close().await;
        outcome
    }
}

/// Every base URL of one issuer, without a slash at the end.
struct Bases {
    path: String,
    hosts: Vec<(String, String)>,
    root: String,
}

impl Bases {
    fn of(issuer: &Applied, public_url: &Url, local_host_names: bool) -> Self {
        let declaration = &issuer.declared.declaration;
        let name = declaration.name.get_ref();
        let root = public_url.as_str().trim_end_matches('/').to_owned();
        let at_host = |host: &str| {
            let mut url = public_url.clone();
            let _ = url.set_host(Some(host));
            url.set_path("");
            (
                host.to_owned(),
                url.as_str().trim_end_matches('/').to_owned(),
            )
        };
        let local = local_host_names.then(|| at_host(&format!("{name}.localhost")));
        let own = declaration
            .host
            .as_ref()
            .map(|host| at_host(host.get_ref()));
        Self {
            path: format!("{root}/{name}"),
            hosts: local.into_iter().chain(own).collect(),
            root,
        }
    }
}

struct Addresses {
    by_path: Arc<Address>,
    by_host: Vec<(String, Arc<Address>)>,
    at_root: Option<Arc<Address>>,
}

async fn addresses(
    core: &Core,
    applied: &Applied,
    bases: &Bases,
    is_root: bool,
    appearance: Arc<Appearance>,
) -> Result<Addresses, StartError> {
    let dialect = applied.declared.dialect.clone();
    let declaration = &applied.declared.declaration;
    let everywhere = std::iter::once(&bases.path)
        .chain(bases.hosts.iter().map(|(_, base)| base))
        .chain(is_root.then_some(&bases.root));
    let issuer = Arc::new(Issuer {
        id: applied.id,
        name: applied.declared.declaration.name.get_ref().clone(),
        keys: KeySet::new(&applied.keys, &dialect)?,
        identifiers: everywhere.map(|base| dialect.identifier(base)).collect(),
        post_logout_redirect_uris: declaration
            .post_logout_redirect_uris
            .iter()
            .map(|uri| uri.get_ref().clone())
            .collect(),
        any_loopback_uri: applied.declared.origin == Origin::Demo,
        dialect,
    });
    let apis = core.store.list_apis(applied.id).await?;
    let resources: Vec<Arc<Resource>> = applied
        .declared
        .declaration
        .resources
        .iter()
        .map(|resource| Arc::new(Resource::from(resource)))
        .collect();
    let at = |base: &str| {
        Arc::new(Address::new(
            issuer.clone(),
            base,
            &apis,
            &resources,
            appearance.clone(),
        ))
    };
    Ok(Addresses {
        by_path: at(&bases.path),
        by_host: bases
            .hosts
            .iter()
            .map(|(host, base)| (host.clone(), at(base)))
            .collect(),
        at_root: is_root.then(|| at(&bases.root)),
    })
}

fn appearance(applied: &Applied, folder: &Path) -> Arc<Appearance> {
    let declaration = &applied.declared.declaration;
    let brand = &declaration.brand;
    let text = |text: &Option<Spanned<String>>| text.as_ref().map(|text| text.get_ref().clone());
    // Read and found good when the configuration was checked. If it has gone since, there is none.
    let logo = brand.read_logo(folder).ok().flatten();
    // In a configuration somebody's passwords are their own.
    let demo_users = match applied.declared.origin {
        Origin::Demo => declaration
            .users
            .iter()
            .filter_map(|user| {
                Some(DemoUser {
                    username: user.username.get_ref().clone(),
                    password: user
                        .password
                        .as_ref()?
                        .read(folder)
                        .ok()?
                        .expose()
                        .to_owned(),
                    roles: user
                        .roles
                        .iter()
                        .map(|role| role.get_ref().clone())
                        .collect(),
                })
            })
            .collect(),
        Origin::File => Vec::new(),
    };
    Arc::new(Appearance::new(
        Brand {
            name: text(&brand.name).unwrap_or_else(|| declaration.name.get_ref().clone()),
            color: text(&brand.color),
            has_logo: logo.is_some(),
            help_uri: text(&brand.help_uri),
        },
        logo,
        demo_users,
    ))
}

impl From<&ResourceDeclaration> for Resource {
    fn from(declared: &ResourceDeclaration) -> Self {
        Self {
            path: declared.path.get_ref().clone(),
            methods: declared
                .methods
                .iter()
                .flat_map(|method| method.names())
                .copied()
                .collect(),
            requirement: Requirement {
                // Checked when the configuration was read.
                scope: declared
                    .scope
                    .get_ref()
                    .parse::<Scope>()
                    .unwrap_or_default(),
                audience: declared.audience.clone(),
                unscoped_means_every_permission: declared.unscoped_means_every_permission,
            },
            accepts_bare_token: declared.accepts_bare_token,
            token_headers: declared.token_headers.clone(),
            allow_headers: declared.allow_headers.clone(),
            content_type: declared.content_type.clone(),
            body: declared.body.clone(),
        }
    }
}

/// Deletes what has expired, a bounded number of rows at a time.
async fn clean_up(core: Core) {
    let mut every = tokio::time::interval(CLEAN_EVERY);
    every.tick().await;
    while !core.store.is_closed() {
        every.tick().await;
        loop {
            match core.store.delete_expired(core.clock.now()).await {
                Ok(0) => break,
                Ok(rows) => tracing::debug!(rows, "expired rows deleted"),
                Err(error) => {
                    tracing::warn!(%error, "expired rows could not be deleted");
                    break;
                }
            }
        }
    }
}
