//! What `locum serve` asks before it starts: settings that are safe, and a database without
//! anything in it that everybody knows.

use url::Url;

use crate::admin::system::CONSOLE;
use crate::config::{ConfigFile, Declared, SecretDeclaration, setting};
use crate::demo;
use crate::secret::{HashingMemory, Secret, SecretHash};
use crate::store::{Store, StoreError};

/// Bytes that a secret key has at least: as many as the keys that are derived from it.
pub const SHORTEST_SECRET_KEY: usize = 32;

/// Settings that are there and safe.
#[derive(Debug)]
pub struct Settings {
    pub database_url: String,
    pub public_url: Url,
    pub secret_key: Secret,
}

/// What is in a database that came of `locum dev`.
#[derive(Debug, thiserror::Error)]
pub enum Unsafe {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(
        "the database holds what everybody knows, from `locum dev`: {}. Use an empty database, and keep this one for `locum dev`", .0.join("; ")
    )]
    DemoData(Vec<String>),
    #[error(
        "the database is one of `locum serve`, and `locum dev` would put administrators into it whose password everybody knows. Use another one"
    )]
    InProduction,
}

/// Checks the settings.
///
/// # Errors
/// Everything that is missing or unsafe, each in a sentence that says what would be right.
pub fn settings(file: &ConfigFile, allow_http: bool) -> Result<Settings, Vec<String>> {
    let allow_http = allow_http || file.config.allow_http;
    let settings = (
        database_url(file),
        public_url(file, allow_http),
        secret_key(file),
    );
    match settings {
        (Ok(database_url), Ok(public_url), Ok(secret_key)) => Ok(Settings {
            database_url,
            public_url,
            secret_key,
        }),
        (database_url, public_url, secret_key) => {
            Err([database_url.err(), public_url.err(), secret_key.err()]
                .into_iter()
                .flatten()
                .collect())
        }
    }
}

/// Which database, for every command that needs one that lasts.
pub fn database_url(file: &ConfigFile) -> Result<String, String> {
    const RIGHT: &str = "postgres://user:password@host/database or sqlite:///path/locum.db";
    let Some(url) = &file.config.database_url else {
        return Err(format!(
            "database_url is missing: set it, or LOCUM_DATABASE_URL, to {RIGHT}"
        ));
    };
    let url = setting::database_url(url.get_ref())
        .map_err(|message| format!("database_url: {message}"))?;
    let file = url.strip_prefix("sqlite:").map(|rest| {
        let path = rest.split('?').next().unwrap_or_default();
        path.trim_start_matches("//")
    });
    if file.is_some_and(|file| file.is_empty() || file == ":memory:") || url.contains("mode=memory")
    {
        return Err(format!(
            "database_url is a SQLite database in memory, which is gone when the server stops: use {RIGHT}"
        ));
    }
    Ok(url)
}

fn public_url(file: &ConfigFile, allow_http: bool) -> Result<Url, String> {
    let Some(url) = &file.config.public_url else {
        return Err(
            "public_url is missing: set it, or LOCUM_PUBLIC_URL, to the URL by which browsers and clients reach this server, like https://id.example"
                .to_owned(),
        );
    };
    let url =
        setting::public_url(url.get_ref()).map_err(|message| format!("public_url: {message}"))?;
    if url.scheme() != "https" && !allow_http {
        return Err(format!(
            "public_url is {}, where passwords and tokens travel for everybody to read: use an https:// URL, with a proxy in front that speaks TLS. To try things out without, set allow_http = true, or LOCUM_ALLOW_HTTP=true, or add --allow-http",
            url.as_str().trim_end_matches('/')
        ));
    }
    Ok(url)
}

/// What private keys are sealed under.
pub fn secret_key(file: &ConfigFile) -> Result<Secret, String> {
    let Some(declared) = &file.config.secret_key else {
        return Err(
            "secret_key is missing, under which private keys are encrypted: set LOCUM_SECRET_KEY to 32 random characters or more, as from `openssl rand -base64 32`; or name a file in LOCUM_SECRET_KEY_FILE, which --create-secret-key makes"
                .to_owned(),
        );
    };
    let secret = file
        .read_secret(declared)
        .map_err(|message| format!("secret_key: {message}{}", hint(file, declared)))?;
    let length = secret.expose().len();
    if secret.expose() == demo::secret_key().expose() {
        Err("secret_key is the one of `locum dev`, which everybody knows: use one of your own, as from `openssl rand -base64 32`".to_owned())
    } else if length < SHORTEST_SECRET_KEY {
        Err(format!(
            "secret_key has {length} bytes and can be guessed: use {SHORTEST_SECRET_KEY} or more, as from `openssl rand -base64 32`"
        ))
    } else {
        Ok(secret)
    }
}

fn hint(file: &ConfigFile, declared: &SecretDeclaration) -> &'static str {
    match declared.file(file.folder()) {
        Some(path) if !path.exists() => ". To have it made, add --create-secret-key",
        _ => "",
    }
}

/// Secrets that a configuration declares and everybody knows.
pub fn known_secrets(file: &ConfigFile, declared: &[Declared]) -> Vec<String> {
    let read = |secret: &SecretDeclaration| file.read_secret(secret).ok();
    let demo_clients = demo::client_secrets();
    let mut found = Vec::new();
    for issuer in declared {
        let name = issuer.declaration.name.get_ref();
        for client in &issuer.declaration.clients {
            let (id, secret) = (client.client_id.get_ref(), client.client_secret.as_ref());
            let is_known = secret.and_then(read).is_some_and(|secret| {
                demo_clients
                    .iter()
                    .any(|(known, demo)| known == id && demo.expose() == secret.expose())
            });
            if is_known {
                found.push(format!(
                    "client `{id}` of issuer `{name}` has the secret of a demo client: give it one of its own"
                ));
            }
        }
        for user in &issuer.declaration.users {
            let password = user.password.as_ref().and_then(read);
            let is_known = password.is_some_and(|password| password.expose() == demo::PASSWORD)
                || user.password_hash.as_ref() == Some(&demo::password_hash());
            if is_known {
                found.push(format!(
                    "user `{}` of issuer `{name}` has the password of the demo users: give them one of their own",
                    user.username.get_ref()
                ));
            }
        }
    }
    found
}

/// What is allowed, and seldom meant.
pub fn warnings(file: &ConfigFile, declared: &[Declared]) -> Vec<String> {
    let mut warnings = Vec::new();
    let is_https = file
        .config
        .public_url
        .as_ref()
        .is_some_and(|url| url.get_ref().starts_with("https:"));
    if is_https && file.trusted_proxies().is_empty() {
        warnings.push(
            "trusted_proxies is not set: what comes through the proxy that speaks TLS seems to come from the proxy itself, so that one person's wrong passwords hold up everybody"
                .to_owned(),
        );
    }
    for issuer in declared {
        let name = issuer.declaration.name.get_ref();
        for client in &issuer.declaration.clients {
            let id = client.client_id.get_ref();
            if client.any_loopback_uri {
                warnings.push(format!(
                    "client `{id}` of issuer `{name}` has any_loopback_uri, which is for development: any program on a person's machine may receive their codes"
                ));
            }
        }
    }
    warnings
}

/// Refuses a database that `locum dev` has filled.
///
/// # Errors
/// `DemoData`, with what was found.
pub async fn check_database(store: &Store) -> Result<(), Unsafe> {
    let mut found = Vec::new();
    let issuers = store.demo_issuers().await?;
    if !issuers.is_empty() {
        found.push(format!("the demo issuers {}", issuers.join(", ")));
    }
    let issuers = store.issuers_with_well_known_keys().await?;
    if !issuers.is_empty() {
        found.push(format!(
            "signing keys of {} that are published",
            issuers.join(", ")
        ));
    }
    for (client_id, secret) in demo::client_secrets() {
        for client in store.clients_called(&client_id).await? {
            if matches(client.secrets, secret.clone()).await {
                found.push(format!(
                    "client {client_id} of {} with its demo secret",
                    client.issuer
                ));
            }
        }
    }
    for (issuer, username) in store.users_with_password(&demo::password_hash()).await? {
        found.push(format!(
            "user {username} of {issuer} with the demo password"
        ));
    }
    if found.is_empty() {
        Ok(())
    } else {
        Err(Unsafe::DemoData(found))
    }
}

/// Refuses `locum dev` a database that is somebody's: it would add an administrator everybody
/// knows to a server that may be running on it.
///
/// # Errors
/// `InProduction`
pub async fn check_database_of_dev(store: &Store) -> Result<(), Unsafe> {
    match store.find_issuer(CONSOLE).await? {
        Some(console) if !console.is_demo => Err(Unsafe::InProduction),
        _ => Ok(()),
    }
}

/// Whether a secret is one of those that are stored. It may have to be hashed for that.
async fn matches(stored: Vec<SecretHash>, secret: Secret) -> bool {
    let comparing = tokio::task::spawn_blocking(move || {
        let mut memory = HashingMemory::default();
        stored.iter().any(|hash| hash.matches(&secret, &mut memory))
    });
    comparing.await.unwrap_or(true)
}
