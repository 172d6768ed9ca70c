use std::path::{Path, PathBuf};

use clap::Args;

use super::{Failed, all_misused, fail, fail_with, misused, running};
use crate::clock::Clock;
use crate::config::{ConfigFile, Declared, Origin, setting};
use crate::entropy::Entropy;
use crate::keys::{Keyring, SecretKey};
use crate::private;
use crate::production;
use crate::ready::Ready;
use crate::secret::Secret;
use crate::server::{Server, Settings};
use crate::store::Store;

#[derive(Args)]
pub struct Serve {
    /// The configuration file; without one, everything comes from the environment
    #[arg(long, value_name = "FILE", env = "LOCUM_CONFIG")]
    config: Option<PathBuf>,
    /// Address and port; port 0 picks a free one [default: 127.0.0.1:8080]
    #[arg(long, value_name = "ADDRESS")]
    listen: Option<String>,
    /// Accept a public URL without TLS; for trying things out
    #[arg(long)]
    allow_http: bool,
    /// Make the file that holds the secret key, if it does not exist
    #[arg(long)]
    create_secret_key: bool,
    /// Print one line of JSON on standard output once connections are accepted, and nothing else
    #[arg(long)]
    json: bool,
}

impl Serve {
    pub(super) fn run(self) -> Result<(), Failed> {
        let file = running::begin(ConfigFile::at(self.config.as_deref())?)?;
        running::wait(self.serve(file))
    }

    async fn serve(self, file: ConfigFile) -> Result<(), Failed> {
        let issuers = file
            .resolve(Origin::File)
            .map_err(|mistakes| fail_with(&mistakes))?;
        if self.create_secret_key {
            create_secret_key(&file).await?;
        }
        let safe = check(&file, &issuers, self.allow_http)?;
        for warning in production::warnings(&file, &issuers) {
            tracing::warn!("{warning}");
        }
        let settings = Settings {
            database_url: safe.database_url,
            listeners: running::listeners(running::address(self.listen.as_ref(), &file)?)?,
            local_host_names: false,
            public_url: safe.public_url,
            root_issuer: None,
            issuers,
            folder: file.folder().to_owned(),
            keyring: Keyring::new(SecretKey::derive(&safe.secret_key).map_err(fail)?),
            clock: Clock::System,
            entropy: Entropy::System,
            workers: running::workers(),
            trusted_proxies: setting::trusted_proxies(file.trusted_proxies()).map_err(misused)?,
            is_dev: false,
        };
        let server = Server::start(settings).await.map_err(fail)?;
        if let Some(token) = &server.set_up_token {
            // On standard error, for whoever reads the log of the first start.
            eprintln!(
                "There is no administrator yet. Whoever opens this link first becomes the owner; it is good once, for a week:\n{}/set-up?token={}",
                server.ready.console.as_deref().unwrap_or_default(),
                token.expose()
            );
        }
        let announcement = if self.json {
            serde_json::to_string(&bare(&server.ready)).map_err(fail)?
        } else {
            announcement(&server.ready)
        };
        running::serve(server, announcement).await
    }
}

fn check(
    file: &ConfigFile,
    issuers: &[Declared],
    allow_http: bool,
) -> Result<production::Settings, Failed> {
    let known = production::known_secrets(file, issuers);
    match production::settings(file, allow_http) {
        Ok(settings) if known.is_empty() => Ok(settings),
        Ok(_) => Err(all_misused(&known)),
        Err(mut refused) => {
            refused.extend(known);
            Err(all_misused(&refused))
        }
    }
}

/// Makes the file that holds the secret key, unless it is there. Not for a database that has keys
/// already, which only the secret they were sealed under can open.
async fn create_secret_key(file: &ConfigFile) -> Result<(), Failed> {
    let declared = file.config.secret_key.as_ref();
    let Some(path) = declared.and_then(|secret| secret.file(file.folder())) else {
        return Err(misused(
            "--create-secret-key needs to know where: name a file in LOCUM_SECRET_KEY_FILE, or write secret_key = { file = \"…\" }",
        ));
    };
    if path.exists() {
        return Ok(());
    }
    let url = production::database_url(file).map_err(misused)?;
    let store = Store::open(&url).await.map_err(fail)?;
    let has_keys = store.has_signing_keys().await;
    store.close().await;
    if has_keys.map_err(fail)? {
        return Err(fail(format!(
            "{} does not exist, and the database holds keys that are sealed under what was in it. Put it back from your backup; a new one would not open them.",
            path.display()
        )));
    }
    let secret = Secret::generate(&Entropy::System);
    match write_private(&path, &secret) {
        // Another process was quicker, and its secret is as good.
        Err(error) if error.kind() == std::io::ErrorKind::AlreadyExists => Ok(()),
        Err(error) => Err(fail(format!("cannot make {}: {error}", path.display()))),
        Ok(()) => {
            tracing::warn!(
                "made {}: keep a copy of it apart from the database, for neither is worth anything without the other",
                path.display()
            );
            Ok(())
        }
    }
}

/// For its owner alone, and whole or not at all: another process may be waiting for it.
fn write_private(path: &Path, secret: &Secret) -> std::io::Result<()> {
    let mut made = private::create(path)?;
    std::io::Write::write_all(&mut made, secret.expose().as_bytes())?;
    made.sync_all()
}

/// Where the server and its issuers are. Whose clients and users they are is nobody's business who
/// reads a service manager's log.
fn bare(ready: &Ready) -> Ready {
    let mut bare = ready.clone();
    for issuer in &mut bare.issuers {
        issuer.clients.clear();
        issuer.users.clear();
    }
    bare
}

/// For whoever looks at the terminal: no secrets, and nothing of clients or users.
fn announcement(ready: &Ready) -> String {
    let mut text = format!("Locum {} at {}", ready.version, ready.url);
    for issuer in &ready.issuers {
        text.push_str(&format!("\n  {:<16}{}", issuer.name, issuer.issuer));
    }
    text.push_str("\nStop with Ctrl-C.");
    text
}
