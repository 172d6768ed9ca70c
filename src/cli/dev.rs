use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use tracing_subscriber::EnvFilter;
use url::Url;

use super::{Failed, fail, fail_with};
use crate::clock::Clock;
use crate::config::ConfigFile;
use crate::demo;
use crate::entropy::Entropy;
use crate::listen::{listen, local_url, resolve};
use crate::server::{Server, Settings};

#[derive(Args)]
pub struct Dev {
    /// Address and port; port 0 picks a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Serve this issuer at the root path as well
    #[arg(long, value_name = "NAME")]
    issuer: Option<String>,
    /// Declare issuers of your own; one with a built-in's name replaces it
    #[arg(long, value_name = "FILE", env = "LOCUM_CONFIG")]
    config: Option<PathBuf>,
    /// Keep the database in this folder; in memory when absent
    #[arg(long, value_name = "DIR")]
    data: Option<PathBuf>,
    /// What issuers are named after, when something stands in front [default: http://localhost:PORT]
    #[arg(long, value_name = "URL")]
    public_url: Option<String>,
    /// Print one line of JSON on standard output once connections are accepted, and nothing else
    #[arg(long)]
    json: bool,
    /// Listen on other addresses than loopback; everybody who can reach them knows every secret
    #[arg(long)]
    allow_remote: bool,
}

const DEFAULT_LISTEN: &str = "127.0.0.1:8080";
const DATABASE_FILE: &str = "locum.db";
/// One line for each request, and nothing about the machinery below.
const DEFAULT_LOG: &str = "info,actix_server=warn";

impl Dev {
    pub fn run(self) -> Result<(), Failed> {
        let file = match &self.config {
            Some(path) => ConfigFile::read(path).map_err(|mistake| fail_with(&[mistake]))?,
            None => ConfigFile::empty(),
        };
        let (file, unknown) = file.with_environment(std::env::vars());
        log_to_stderr(file.config.log.as_deref())?;
        for hint in unknown {
            tracing::warn!("{hint}");
        }
        let runtime = tokio::runtime::Builder::new_multi_thread()
            .worker_threads(2)
            .enable_all()
            .build()
            .map_err(fail)?;
        runtime.block_on(self.serve(file))
    }

    async fn serve(self, file: ConfigFile) -> Result<(), Failed> {
        let issuers = demo::issuers_with(&file).map_err(|mistakes| fail_with(&mistakes))?;
        let listeners = self.listeners(&file)?;
        let public_url = match self.public_url.as_ref().or(file.config.public_url.as_ref()) {
            Some(url) => parse_public_url(url)?,
            None => local_url(&listeners).map_err(fail)?,
        };
        let secret = match &file.config.secret_key {
            Some(declared) => file
                .read_secret(declared)
                .map_err(|message| fail(format!("secret_key: {message}")))?,
            None => demo::secret_key(),
        };
        let settings = Settings {
            database_url: self.database_url(&file)?,
            local_host_names: public_url.host_str() == Some("localhost"),
            listeners,
            public_url,
            root_issuer: self.issuer.clone(),
            issuers,
            folder: file.folder().to_owned(),
            keyring: demo::keyring(secret).map_err(fail)?,
            clock: Clock::System,
            entropy: Entropy::System,
            workers: std::thread::available_parallelism()
                .map_or(1, usize::from)
                .min(8),
            welcome: true,
        };
        let server = Server::start(settings, true).await.map_err(fail)?;
        let mut stdout = std::io::stdout().lock();
        let printed = if self.json {
            let line = serde_json::to_string(&server.ready).map_err(fail)?;
            writeln!(stdout, "{line}")
        } else {
            writeln!(
                stdout,
                "{}\nThe same as a page: {}/\nStop with Ctrl-C.",
                server.ready, server.ready.url
            )
        };
        // Whoever started us may have closed the pipe; that is no reason not to serve.
        let _ = printed.and_then(|()| stdout.flush());
        drop(stdout);
        server.run().await.map_err(fail)
    }

    fn listeners(&self, file: &ConfigFile) -> Result<Vec<std::net::TcpListener>, Failed> {
        let address = self
            .listen
            .as_deref()
            .or(file.config.listen.as_deref())
            .unwrap_or(DEFAULT_LISTEN);
        let cannot = |error| {
            fail(format!(
                "cannot listen on {address}: {error} (expected ADDRESS:PORT, like {DEFAULT_LISTEN}; port 0 picks a free one)"
            ))
        };
        if !self.allow_remote && !resolve(address).map_err(cannot)?.ip().is_loopback() {
            return Err(fail(format!(
                "{address} can be reached from other machines, and every secret of `locum dev` is public knowledge. Add --allow-remote if that is what you want."
            )));
        }
        listen(address).map_err(cannot)
    }

    fn database_url(&self, file: &ConfigFile) -> Result<String, Failed> {
        let Some(folder) = &self.data else {
            let configured = file.config.database_url.clone();
            return Ok(configured.unwrap_or_else(|| "sqlite::memory:".to_owned()));
        };
        if file.config.database_url.is_some() {
            return Err(fail(
                "--data and database_url (or LOCUM_DATABASE_URL) both say where the database is; use one of them",
            ));
        }
        let cannot = |error| fail(format!("cannot use folder {}: {error}", folder.display()));
        std::fs::create_dir_all(folder).map_err(cannot)?;
        let folder = folder.canonicalize().map_err(cannot)?;
        Url::from_file_path(folder.join(DATABASE_FILE))
            .map(|url| format!("sqlite://{}", url.path()))
            .map_err(|()| fail("the folder's path cannot be used"))
    }
}

fn parse_public_url(url: &str) -> Result<Url, Failed> {
    let refuse = |why: &str| {
        fail(format!(
            "{url:?} cannot be the public URL: {why}; expected something like https://id.example"
        ))
    };
    let parsed = Url::parse(url).map_err(|error| refuse(&error.to_string()))?;
    if !["http", "https"].contains(&parsed.scheme()) || parsed.host_str().is_none() {
        return Err(refuse("it is not an HTTP URL"));
    }
    if parsed.path() != "/" || parsed.query().is_some() || parsed.fragment().is_some() {
        return Err(refuse("it has a path, query or fragment"));
    }
    Ok(parsed)
}

fn log_to_stderr(filter: Option<&str>) -> Result<(), Failed> {
    let filter = filter.unwrap_or(DEFAULT_LOG);
    let filter = EnvFilter::try_new(filter).map_err(|error| {
        fail(format!(
            "log {filter:?} is not understood: {error} (expected error, warn, info, debug or a filter like locum=debug)"
        ))
    })?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .init();
    Ok(())
}
