use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;

use clap::Args;
use toml::Spanned;
use url::Url;

use super::{Failed, fail, fail_with, misused};
use crate::clock::Clock;
use crate::config::{ConfigFile, setting};
use crate::demo;
use crate::entropy::Entropy;
use crate::listen::{listen, local_url};
use crate::server::{Server, Settings, StartError};

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
    pub(super) fn run(self) -> Result<(), Failed> {
        let file = match &self.config {
            Some(path) => ConfigFile::read(path).map_err(|mistake| fail_with(&[mistake]))?,
            None => ConfigFile::empty(),
        };
        let (file, unknown) = file.with_environment(std::env::vars());
        log_to_stderr(file.config.log.as_ref().map(|log| log.get_ref().as_str()))?;
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
        let configured = file.config.public_url.as_ref().map(Spanned::get_ref);
        let public_url = match self.public_url.as_ref().or(configured) {
            Some(url) => setting::public_url(url).map_err(misused)?,
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
            is_dev: true,
        };
        let server = Server::start(settings).await.map_err(|error| match error {
            StartError::RootIssuer { .. } => misused(error),
            other => fail(other),
        })?;
        // Before the ready line: whoever reads it may send a signal at once.
        let stop = stop_signal().map_err(fail)?;
        let handle = server.handle();
        tokio::spawn(async move {
            stop.await;
            handle.stop(true).await;
        });
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

    fn listeners(&self, file: &ConfigFile) -> Result<Vec<TcpListener>, Failed> {
        let configured = file.config.listen.as_ref().map(Spanned::get_ref);
        let address = self.listen.as_ref().or(configured);
        let address = address.map_or(DEFAULT_LISTEN, String::as_str);
        let resolved = setting::listen(address).map_err(misused)?;
        if !self.allow_remote && !resolved.ip().is_loopback() {
            return Err(misused(format!(
                "{address} can be reached from other machines, and every secret of `locum dev` is public knowledge. Add --allow-remote if that is what you want."
            )));
        }
        listen(resolved).map_err(|error| {
            fail(format!(
                "cannot listen on {address}: {error}. Another port, like --listen 127.0.0.1:8081, or 0 for any free one, may do."
            ))
        })
    }

    fn database_url(&self, file: &ConfigFile) -> Result<String, Failed> {
        let Some(folder) = &self.data else {
            let configured = file.config.database_url.as_ref().map(Spanned::get_ref);
            let url = configured.map_or("sqlite::memory:", String::as_str);
            return setting::database_url(url).map_err(misused);
        };
        if file.config.database_url.is_some() {
            return Err(misused(
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

/// Resolves when the process is asked to end. Listens from the moment it is called.
#[cfg(unix)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}

fn log_to_stderr(filter: Option<&str>) -> Result<(), Failed> {
    let filter = setting::log(filter.unwrap_or(DEFAULT_LOG)).map_err(misused)?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .init();
    Ok(())
}
