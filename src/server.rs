//! Puts the parts together and runs them.

use std::collections::HashMap;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use actix_web::{App as ActixApp, HttpServer, web};
use url::Url;

use crate::admin::configuration::{self, ApplyError, Change, ChangeAction};
use crate::admin::rights::Rights;
use crate::admin::system::{self, CONSOLE};
use crate::admin::{Admin, AdminFault, audit};
use crate::audit::{Activity, Actor};
use crate::clock::Clock;
use crate::config::{Declared, Origin};
use crate::entropy::Entropy;
use crate::issuer::RegisteredBy;
use crate::keys::{Keyring, UnusableKey};
use crate::oauth::Core;
use crate::production::{self, Unsafe};
use crate::proxy::TrustedProxies;
use crate::ready::{Ready, ReadyIssuer};
use crate::secret::Secret;
use crate::store::{Store, StoreError};
use crate::web::pages::DemoUser;
use crate::web::{App, Hosting, HostingError, Place, Welcome, answer};

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
    /// Whose word about a client's address is taken.
    pub trusted_proxies: TrustedProxies,
    /// Whether this is `locum dev`: `/` shows what to paste where, demo users sign in with one
    /// click, and servers of this machine may be asked.
    pub is_dev: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum StartError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Unsafe(#[from] Unsafe),
    #[error(transparent)]
    Apply(#[from] ApplyError),
    #[error(transparent)]
    Key(#[from] UnusableKey),
    #[error(transparent)]
    SetUp(#[from] AdminFault),
    #[error(transparent)]
    Hosting(#[from] HostingError),
    #[error("there is no issuer {name:?} to serve at the root; there are: {known}")]
    RootIssuer { name: String, known: String },
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

/// A server that is ready to accept connections.
pub struct Server {
    pub ready: Ready,
    pub store: Store,
    /// What makes the first owner of the console, where there is none: the token of a link that
    /// is good once.
    pub set_up_token: Option<Secret>,
    activity: Activity,
    running: actix_web::dev::Server,
}

const SHUTDOWN_SECONDS: u64 = 10;
const HEADERS_WITHIN: Duration = Duration::from_secs(10);
const KEEP_ALIVE: Duration = Duration::from_secs(75);
const CLEAN_EVERY: Duration = Duration::from_secs(60);
const COUNT_EVERY: Duration = Duration::from_secs(5);
/// How long a change that is made elsewhere may go unnoticed.
const CURRENT_WITHIN: Duration = Duration::from_secs(1);

impl Server {
    /// Opens the database, applies what is declared, and starts to listen.
    pub async fn start(settings: Settings) -> Result<Self, StartError> {
        let store = Store::open(&settings.database_url).await?;
        if settings.is_dev {
            production::check_database_of_dev(&store).await?;
        } else {
            production::check_database(&store).await?;
        }
        let core = Core::new(
            store.clone(),
            &settings.keyring.secret_key,
            settings.clock.clone(),
            settings.entropy.clone(),
            settings.is_dev,
        );
        configure(&core, &settings).await?;
        let set_up_token = if settings.is_dev {
            None
        } else {
            set_up_token(&core, &settings.keyring).await?
        };
        let place = Place {
            demo_users: demo_users(&settings),
            public_url: settings.public_url.clone(),
            local_host_names: settings.local_host_names,
            root_issuer: settings.root_issuer.clone(),
        };
        let hosting = Arc::new(Hosting::new(core.clone(), settings.keyring, place).await?);
        let mut ready = Vec::new();
        for declared in &settings.issuers {
            let name = declared.declaration.name.get_ref();
            if let Some(address) = hosting.find(name).await {
                ready.push(ReadyIssuer::new(declared, &address.metadata));
            }
        }
        if let Some(name) = settings.root_issuer
            && hosting.find(&name).await.is_none()
        {
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
            console: Some(format!(
                "{}/{CONSOLE}",
                settings.public_url.as_str().trim_end_matches('/')
            )),
            issuers: ready,
        };
        tokio::spawn(clean_up(core.clone()));
        tokio::spawn(keep_current(hosting.clone()));
        tokio::spawn(keep_counts(core.clone()));
        let activity = core.activity.clone();
        let app = web::Data::new(App {
            welcome: settings.is_dev.then(|| Welcome {
                ready: ready.clone(),
                database: store.engine_name(),
            }),
            core,
            hosting,
            trusted_proxies: settings.trusted_proxies,
            own_address: own_address(&settings.listeners)?,
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
            set_up_token,
            activity,
            running: server.run(),
        })
    }

    /// Stops the server when called.
    pub fn handle(&self) -> actix_web::dev::ServerHandle {
        self.running.handle()
    }

    /// Stores what has been counted. To be done before the server is stopped: a connection to the
    /// database belongs to the worker that opened it, and may be gone with that afterwards, when
    /// [`Self::run`] stores what the last requests counted.
    pub fn store_counts(&self) -> impl Future<Output = ()> + Send + use<> {
        let (store, activity) = (self.store.clone(), self.activity.clone());
        async move {
            store_counts(&store, &activity).await;
        }
    }

    /// Serves until it is told to stop, then lets running requests finish and closes the
    /// database.
    pub async fn run(self) -> std::io::Result<()> {
        let outcome = self.running.await;
        store_counts(&self.store, &self.activity).await;
        self.store.close().await;
        outcome
    }
}

/// Where a server that listens there reaches itself.
fn own_address(listeners: &[TcpListener]) -> std::io::Result<SocketAddr> {
    let first = listeners
        .first()
        .ok_or(std::io::ErrorKind::AddrNotAvailable)?;
    let mut address = first.local_addr()?;
    match address.ip() {
        IpAddr::V4(ip) if ip.is_unspecified() => address.set_ip(Ipv4Addr::LOCALHOST.into()),
        IpAddr::V6(ip) if ip.is_unspecified() => address.set_ip(Ipv6Addr::LOCALHOST.into()),
        _ => {}
    }
    Ok(address)
}

/// Makes the database say what is declared, and what Locum itself declares: its console.
async fn configure(core: &Core, settings: &Settings) -> Result<(), StartError> {
    for issuer in &settings.issuers {
        let name = issuer.declaration.dialect.get_ref();
        core.dialects.know(name, &issuer.dialect);
    }
    let (keyring, folder) = (&settings.keyring, &settings.folder);
    let declared = &settings.issuers;
    let plan = configuration::apply(core, keyring, declared, folder, &Actor::server()).await?;
    for change in plan.changes {
        let Change { issuer, name, .. } = &change;
        let kind = change.kind.as_str();
        match change.action {
            ChangeAction::Delete => {
                tracing::warn!(issuer, kind, name, "deleted: no file declares it any more");
            }
            ChangeAction::Release => {
                tracing::info!(issuer, kind, name, "let go: no file declares it any more");
            }
            _ => tracing::debug!(issuer, kind, name, "as the file declares it"),
        }
    }
    system::declare_at_start(core, keyring, settings.is_dev).await?;
    Ok(())
}

async fn set_up_token(core: &Core, keyring: &Keyring) -> Result<Option<Secret>, StartError> {
    let (actor, rights) = (Actor::server(), Rights::Everything);
    let admin = Admin::new(core, keyring, actor, rights, RegisteredBy::Console);
    Ok(admin.make_set_up_link().await?)
}

/// The users of `locum dev`, by issuer. In a configuration somebody's passwords are their own.
fn demo_users(settings: &Settings) -> HashMap<String, Vec<DemoUser>> {
    settings
        .issuers
        .iter()
        .filter(|issuer| issuer.origin == Origin::Demo)
        .map(|issuer| {
            let declaration = &issuer.declaration;
            let users = declaration.users.iter().filter_map(|user| {
                let password = user.password.as_ref()?.read(&settings.folder).ok()?;
                Some(DemoUser {
                    username: user.username.get_ref().clone(),
                    password: password.expose().to_owned(),
                    roles: user
                        .roles
                        .iter()
                        .map(|role| role.get_ref().clone())
                        .collect(),
                })
            });
            (declaration.name.get_ref().clone(), users.collect())
        })
        .collect()
}

/// Notices what others change: another node, or the command line.
async fn keep_current(hosting: Arc<Hosting>) {
    let mut every = tokio::time::interval(CURRENT_WITHIN);
    every.tick().await;
    while !hosting.is_closed() {
        every.tick().await;
        if let Err(error) = hosting.refresh().await {
            tracing::warn!(%error, "cannot see whether issuers have changed");
        }
    }
}

/// Stores what has been counted, every few seconds.
async fn keep_counts(core: Core) {
    let mut every = tokio::time::interval(COUNT_EVERY);
    every.tick().await;
    while !core.store.is_closed() {
        every.tick().await;
        store_counts(&core.store, &core.activity).await;
    }
}

async fn store_counts(store: &Store, activity: &Activity) {
    let _storing = activity.storing().await;
    let tallies = activity.take();
    if tallies.is_empty() {
        return;
    }
    if let Err(error) = store.add_activity(&tallies).await {
        tracing::warn!(%error, "what was counted could not be stored; it is tried again");
        for tally in tallies {
            activity.add(tally);
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
        loop {
            match audit::enforce_retention(&core).await {
                Ok(0) => break,
                Ok(events) => tracing::info!(events, "audit events were kept long enough"),
                Err(error) => {
                    tracing::warn!(%error, "old audit events could not be taken away");
                    break;
                }
            }
        }
    }
}
