//! The in-process server for test suites: a [`Locum`] that stops when it is dropped.

use std::net::SocketAddr;
use std::path::PathBuf;

use crate::clock::Clock;
use crate::config::ConfigFile;
use crate::demo;
use crate::entropy::Entropy;
use crate::listen::{listen, local_url};
use crate::proxy::TrustedProxies;
use crate::ready::Ready;
use crate::server::{Server, Settings, StartError};
use crate::source::{Mistake, Source};
use crate::store::Store;

/// A running server with the issuers of `locum dev`, on a port of its own.
///
/// ```
/// # #[tokio::main] async fn main() -> Result<(), locum::embedded::CannotStart> {
/// let locum = locum::embedded::Locum::start().await?;
/// println!("{}/photon/oauth/token", locum.url());
/// # Ok(()) }
/// ```
pub struct Locum {
    pub ready: Ready,
    pub store: Store,
    handle: actix_web::dev::ServerHandle,
}

/// What a [`Locum`] is started with.
pub struct Builder {
    config: Option<(String, PathBuf)>,
    database_url: String,
    clock: Clock,
    entropy: Entropy,
    root_issuer: Option<String>,
    trusted_proxies: TrustedProxies,
}

#[derive(Debug, thiserror::Error)]
pub enum CannotStart {
    #[error("{}", .0.iter().map(ToString::to_string).collect::<Vec<_>>().join("\n"))]
    Config(Vec<Mistake>),
    #[error(transparent)]
    Server(#[from] StartError),
    #[error(transparent)]
    Io(#[from] std::io::Error),
}

impl Locum {
    /// Starts with an in-memory database and nothing but the demo issuers.
    pub async fn start() -> Result<Self, CannotStart> {
        Self::builder().start().await
    }

    pub fn builder() -> Builder {
        Builder {
            config: None,
            database_url: "sqlite::memory:".to_owned(),
            clock: Clock::System,
            entropy: Entropy::System,
            root_issuer: None,
            trusted_proxies: TrustedProxies::default(),
        }
    }

    /// `http://localhost:<port>`, no slash at the end.
    pub fn url(&self) -> &str {
        &self.ready.url
    }
}

impl Drop for Locum {
    fn drop(&mut self) {
        // The command is sent by the call; nobody has to wait for what comes back.
        drop(self.handle.stop(false));
    }
}

impl Builder {
    /// A configuration as TOML; paths in it are relative to `folder`.
    pub fn config(mut self, toml: impl Into<String>, folder: impl Into<PathBuf>) -> Self {
        self.config = Some((toml.into(), folder.into()));
        self
    }

    pub fn database_url(mut self, url: impl Into<String>) -> Self {
        self.database_url = url.into();
        self
    }

    pub fn clock(mut self, clock: Clock) -> Self {
        self.clock = clock;
        self
    }

    pub fn entropy(mut self, entropy: Entropy) -> Self {
        self.entropy = entropy;
        self
    }

    /// The issuer that is also served at `/`.
    pub fn root_issuer(mut self, name: impl Into<String>) -> Self {
        self.root_issuer = Some(name.into());
        self
    }

    /// Whose word about a client's address is taken.
    pub fn trusted_proxies(mut self, proxies: TrustedProxies) -> Self {
        self.trusted_proxies = proxies;
        self
    }

    pub async fn start(self) -> Result<Locum, CannotStart> {
        let config = match self.config {
            None => ConfigFile::empty(),
            Some((toml, folder)) => {
                ConfigFile::parse(Source::new("the configuration", toml), folder)
                    .map_err(|mistake| CannotStart::Config(vec![mistake]))?
            }
        };
        let issuers = demo::issuers_with(&config).map_err(CannotStart::Config)?;
        let listeners = listen(SocketAddr::from(([127, 0, 0, 1], 0)))?;
        let public_url = local_url(&listeners)?;
        let settings = Settings {
            database_url: self.database_url,
            listeners,
            public_url,
            local_host_names: true,
            root_issuer: self.root_issuer,
            issuers,
            folder: config.folder().to_owned(),
            keyring: demo::keyring(demo::secret_key()).map_err(StartError::from)?,
            clock: self.clock,
            entropy: self.entropy,
            workers: 2,
            trusted_proxies: self.trusted_proxies,
            is_dev: true,
        };
        let server = Server::start(settings).await?;
        let locum = Locum {
            ready: server.ready.clone(),
            store: server.store.clone(),
            handle: server.handle(),
        };
        tokio::spawn(server.run());
        Ok(locum)
    }
}
