//! The configuration file: settings of the server, and what it declares to exist.
//!
//! One TOML file. Each top-level setting is also an environment variable (`LOCUM_DATABASE_URL`),
//! which wins over the file. Unknown keys are mistakes that name the nearest known one.

mod check;
mod declaration;
pub mod setting;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use serde::Deserialize;
use toml::Spanned;

use crate::dialect::Dialect;
use crate::secret::Secret;
use crate::source::{Mistake, Source, suggest};

pub use check::{
    is_color, is_description, is_host_name, is_issuer_name, is_name, is_retention, is_segment,
    is_username, profile_problems,
};
pub use declaration::{
    ApiDeclaration, BrandDeclaration, ClaimsDeclaration, ClientDeclaration, GrantDeclaration,
    IssuerDeclaration, ResourceDeclaration, ResourceMethod, RoleDeclaration, ScopeDeclaration,
    ScopesDeclaration, SecretDeclaration, UserDeclaration, is_language_tag,
};

/// A configuration file as written, and the environment over it. Not to be printed: it has secrets.
#[derive(Clone, Default, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Config {
    /// `postgres://…`, `sqlite:///path/locum.db` or `sqlite::memory:`.
    pub database_url: Option<Spanned<String>>,
    /// What issuers are named after: scheme, host and perhaps port that clients see.
    pub public_url: Option<Spanned<String>>,
    /// Address and port to listen on.
    pub listen: Option<Spanned<String>>,
    /// Reverse proxies whose word about a client's address is taken.
    pub trusted_proxies: Option<Spanned<Vec<String>>>,
    /// Whether `locum serve` accepts a public URL without TLS.
    pub allow_http: bool,
    /// What private keys are encrypted under, at rest.
    pub secret_key: Option<SecretDeclaration>,
    /// What is logged: `error`, `warn`, `info`, `debug`, or a tracing filter.
    pub log: Option<Spanned<String>>,
    #[serde(rename = "issuer")]
    pub issuers: Vec<IssuerDeclaration>,
}

/// A declared issuer that has been checked and can be made real.
#[derive(Debug, Clone)]
pub struct Declared {
    pub declaration: IssuerDeclaration,
    pub dialect: Arc<Dialect>,
    pub origin: Origin,
}

/// Where a declaration comes from, which decides how its secrets are kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    /// Built into `locum dev`. Its secrets and keys are public knowledge and protect nothing.
    Demo,
    /// Somebody's configuration.
    File,
}

/// The settings that are also environment variables, and the command line's own.
const VARIABLES: [&str; 12] = [
    "LOCUM_CONFIG", // these four are read by the command line
    "LOCUM_SERVER",
    "LOCUM_ISSUER",
    "LOCUM_TOKEN",
    "LOCUM_DATABASE_URL",
    "LOCUM_PUBLIC_URL",
    "LOCUM_LISTEN",
    "LOCUM_TRUSTED_PROXIES",
    "LOCUM_ALLOW_HTTP",
    "LOCUM_SECRET_KEY",
    "LOCUM_SECRET_KEY_FILE",
    "LOCUM_LOG",
];

/// A configuration together with where it was read from.
#[derive(Clone)]
pub struct ConfigFile {
    pub config: Config,
    source: Source,
    /// Paths in the file are relative to this.
    folder: PathBuf,
}

impl ConfigFile {
    /// No file at all.
    pub fn empty() -> Self {
        Self {
            config: Config::default(),
            source: Source::new("the environment", ""),
            folder: PathBuf::from("."),
        }
    }

    /// # Errors
    /// The first mistake in the file's form, with its line.
    pub fn read(path: &Path) -> Result<Self, Mistake> {
        let name = path.display().to_string();
        let text = std::fs::read_to_string(path).map_err(|error| {
            Source::new(&name, "").mistake(None, format!("cannot be read: {error}"))
        })?;
        let folder = path.parent().unwrap_or(Path::new(".")).to_owned();
        Self::parse(Source::new(name, text), folder)
    }

    pub fn parse(source: Source, folder: PathBuf) -> Result<Self, Mistake> {
        Ok(Self {
            config: source.read()?,
            source,
            folder,
        })
    }

    /// Lays environment variables over the file. What is wrong with `LOCUM_…` variables is
    /// returned, for a warning: orchestrators set some of that form themselves for a service that
    /// is called "locum", so unknown ones cannot be errors.
    pub fn with_environment(
        mut self,
        variables: impl IntoIterator<Item = (String, String)>,
    ) -> (Self, Vec<String>) {
        let mut hints = Vec::new();
        let config = &mut self.config;
        let set = |value| Some(Spanned::new(0..0, value));
        let (mut secret_key, mut secret_key_file) = (None, None);
        for (name, value) in variables {
            match name.as_str() {
                "LOCUM_DATABASE_URL" => config.database_url = set(value),
                "LOCUM_PUBLIC_URL" => config.public_url = set(value),
                "LOCUM_LISTEN" => config.listen = set(value),
                "LOCUM_LOG" => config.log = set(value),
                "LOCUM_TRUSTED_PROXIES" => {
                    let networks = value.split(',').map(str::trim);
                    let networks = networks.filter(|text| !text.is_empty());
                    let networks = networks.map(str::to_owned).collect();
                    config.trusted_proxies = Some(Spanned::new(0..0, networks));
                }
                "LOCUM_ALLOW_HTTP" => match value.as_str() {
                    "true" => config.allow_http = true,
                    "false" => config.allow_http = false,
                    _ => hints.push(format!(
                        "LOCUM_ALLOW_HTTP is {value:?}, which says nothing; expected true or false"
                    )),
                },
                "LOCUM_SECRET_KEY" => {
                    secret_key = Some(SecretDeclaration::Literal(Secret::new(value)));
                }
                "LOCUM_SECRET_KEY_FILE" => {
                    secret_key_file = Some(SecretDeclaration::in_file(&value));
                }
                known if VARIABLES.contains(&known) => {}
                other if other.starts_with("LOCUM_") && !other.starts_with("LOCUM_TEST_") => {
                    let hint = suggest(other, VARIABLES.into_iter());
                    hints.push(format!("environment variable {other} is unknown; {hint}"));
                }
                _ => {}
            }
        }
        if secret_key.is_some() && secret_key_file.is_some() {
            hints.push(
                "LOCUM_SECRET_KEY_FILE is not looked at, because LOCUM_SECRET_KEY is set"
                    .to_owned(),
            );
        }
        if let Some(secret) = secret_key.or(secret_key_file) {
            config.secret_key = Some(secret);
        }
        (self, hints)
    }

    /// Checks the settings and everything that is declared, and loads the dialects it names.
    ///
    /// # Errors
    /// All mistakes, not only the first.
    pub fn resolve(&self, origin: Origin) -> Result<Vec<Declared>, Vec<Mistake>> {
        let mut mistakes = check::settings(&self.config, &self.source, &self.folder);
        match check::resolve(&self.config.issuers, &self.source, &self.folder, origin) {
            Ok(declared) if mistakes.is_empty() => Ok(declared),
            Ok(_) => Err(mistakes),
            Err(more) => {
                mistakes.extend(more);
                Err(mistakes)
            }
        }
    }

    /// A secret from wherever the file says it is.
    pub fn read_secret(&self, secret: &SecretDeclaration) -> Result<Secret, String> {
        secret.read(&self.folder)
    }

    /// The networks of reverse proxies that are to be believed, as written.
    pub fn trusted_proxies(&self) -> &[String] {
        let proxies = self.config.trusted_proxies.as_ref();
        proxies.map_or(&[], |proxies| proxies.get_ref().as_slice())
    }

    pub fn folder(&self) -> &Path {
        &self.folder
    }
}
