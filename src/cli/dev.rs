use std::net::TcpListener;
use std::path::PathBuf;

use clap::Args;
use toml::Spanned;
use url::Url;

use super::{Failed, fail, fail_with, misused, running};
use crate::clock::Clock;
use crate::config::{ConfigFile, setting};
use crate::demo;
use crate::entropy::Entropy;
use crate::listen::local_url;
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

const DATABASE_FILE: &str = "locum.db";

impl Dev {
    pub(super) fn run(self) -> Result<(), Failed> {
        let file = running::begin(ConfigFile::at(self.config.as_deref())?)?;
        running::wait(self.serve(file))
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
            workers: running::workers(),
            trusted_proxies: setting::trusted_proxies(file.trusted_proxies()).map_err(misused)?,
            is_dev: true,
        };
        let server = Server::start(settings).await.map_err(|error| match error {
            StartError::RootIssuer { .. } => misused(error),
            other => fail(other),
        })?;
        let announcement = if self.json {
            serde_json::to_string(&server.ready).map_err(fail)?
        } else {
            format!(
                "{}\nThe same as a page: {}/\nStop with Ctrl-C.",
                server.ready, server.ready.url
            )
        };
        running::serve(server, announcement).await
    }

    fn listeners(&self, file: &ConfigFile) -> Result<Vec<TcpListener>, Failed> {
        let address = running::address(self.listen.as_ref(), file)?;
        if !self.allow_remote && !address.ip().is_loopback() {
            return Err(misused(format!(
                "{address} can be reached from other machines, and every secret of `locum dev` is public knowledge. Add --allow-remote if that is what you want."
            )));
        }
        running::listeners(address)
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
