//! What a configuration file declares: issuers, and in them APIs and clients.

use std::path::Path;

use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::dialect::TokenFormat;
use crate::issuer::ClientKind;
use crate::protocol::{ClientAuthMethod, GrantType, SigningAlg};
use crate::secret::Secret;

/// `[[issuer]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerDeclaration {
    /// Its path is this name: `https://host/name`.
    pub name: Spanned<String>,
    /// A built-in dialect's name, or the path of a file.
    pub dialect: Spanned<String>,
    /// A host name under which it is at the root, besides its path.
    pub host: Option<Spanned<String>>,
    /// One key for each, instead of the dialect's; the first signs.
    pub signing_algs: Option<Spanned<Vec<SigningAlg>>>,
    #[serde(rename = "api", default)]
    pub apis: Vec<ApiDeclaration>,
    #[serde(rename = "client", default)]
    pub clients: Vec<ClientDeclaration>,
    #[serde(rename = "resource", default)]
    pub resources: Vec<ResourceDeclaration>,
}

/// `[[issuer.api]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiDeclaration {
    pub audience: Spanned<String>,
    pub name: Option<String>,
    #[serde(default)]
    pub scopes: Vec<Spanned<ScopeDeclaration>>,
    /// Seconds.
    pub token_lifetime: Option<Spanned<u64>>,
    pub token_format: Option<TokenFormat>,
    pub signing_alg: Option<Spanned<SigningAlg>>,
}

/// A scope's name, or a table with more about it.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a scope's name, or a table with `name`, `description` and `users_only`"
)]
pub enum ScopeDeclaration {
    Name(String),
    Table(ScopeTable),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopeTable {
    name: String,
    #[serde(default)]
    description: String,
    #[serde(default)]
    users_only: bool,
}

impl ScopeDeclaration {
    pub fn name(&self) -> &str {
        match self {
            Self::Name(name) => name,
            Self::Table(table) => &table.name,
        }
    }

    pub fn description(&self) -> &str {
        match self {
            Self::Name(_) => "",
            Self::Table(table) => &table.description,
        }
    }

    pub fn users_only(&self) -> bool {
        match self {
            Self::Name(_) => false,
            Self::Table(table) => table.users_only,
        }
    }
}

/// `[[issuer.client]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientDeclaration {
    pub client_id: Spanned<String>,
    /// For people; the client ID when absent.
    pub client_name: Option<String>,
    pub kind: ClientKind,
    pub client_secret: Option<SecretDeclaration>,
    pub token_endpoint_auth_method: Option<Spanned<ClientAuthMethod>>,
    /// What its kind needs, when absent.
    pub grant_types: Option<Vec<GrantType>>,
    #[serde(default)]
    pub redirect_uris: Vec<Spanned<String>>,
    #[serde(rename = "grant", default)]
    pub grants: Vec<GrantDeclaration>,
}

impl ClientDeclaration {
    pub fn grant_types(&self) -> Vec<GrantType> {
        self.grant_types.clone().unwrap_or_else(|| match self.kind {
            ClientKind::Machine => vec![GrantType::ClientCredentials],
            ClientKind::Web | ClientKind::Spa | ClientKind::Native => {
                vec![GrantType::AuthorizationCode, GrantType::RefreshToken]
            }
        })
    }
}

/// `[[issuer.client.grant]]`: what a client may ask for at one API.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantDeclaration {
    pub audience: Spanned<String>,
    pub scopes: ScopesDeclaration,
}

/// `"all"`, or the names.
#[derive(Debug, Clone)]
pub enum ScopesDeclaration {
    All,
    Only(Vec<Spanned<String>>),
}

impl ScopesDeclaration {
    /// One of the names, for an example.
    pub fn first_name(&self) -> Option<&str> {
        match self {
            Self::All => None,
            Self::Only(names) => names.first().map(|name| name.get_ref().as_str()),
        }
    }
}

impl<'de> Deserialize<'de> for ScopesDeclaration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AllOrNames;
        impl<'de> serde::de::Visitor<'de> for AllOrNames {
            type Value = ScopesDeclaration;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("\"all\" or an array of scope names")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                if text == "all" {
                    return Ok(ScopesDeclaration::All);
                }
                Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut seq: A,
            ) -> Result<Self::Value, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = seq.next_element()? {
                    names.push(name);
                }
                Ok(ScopesDeclaration::Only(names))
            }
        }
        deserializer.deserialize_any(AllOrNames)
    }
}

/// A secret: itself, or where to find it.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a string, { env = \"NAME\" } or { file = \"path\" }"
)]
pub enum SecretDeclaration {
    #[serde(deserialize_with = "literal")]
    Literal(Secret),
    Env(EnvReference),
    File(FileReference),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvReference {
    env: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileReference {
    file: String,
}

fn literal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

impl SecretDeclaration {
    /// # Errors
    /// Says which variable or file could not be read.
    pub fn read(&self, folder: &Path) -> Result<Secret, String> {
        let secret = match self {
            Self::Literal(secret) => secret.clone(),
            Self::Env(EnvReference { env }) => Secret::new(
                std::env::var(env).map_err(|_| format!("environment variable {env} is not set"))?,
            ),
            Self::File(FileReference { file }) => {
                let text = std::fs::read_to_string(folder.join(file))
                    .map_err(|error| format!("cannot read {file}: {error}"))?;
                // Editors and `echo` end a file with a newline that is not part of the secret.
                Secret::new(text.trim_end_matches(['\r', '\n']))
            }
        };
        if secret.expose().is_empty() {
            return Err("the secret is empty".to_owned());
        }
        Ok(secret)
    }
}

/// `[[issuer.resource]]`: a sample protected resource, so that a token can be tried out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceDeclaration {
    /// Below the issuer's own path.
    pub path: Spanned<String>,
    #[serde(default = "get")]
    pub methods: Vec<ResourceMethod>,
    /// What a token needs, all of it.
    pub scope: Spanned<String>,
    /// Which audiences a token may be for; any when empty.
    #[serde(default)]
    pub audience: Vec<String>,
    /// See `oauth::access_token::Requirement`.
    #[serde(default)]
    pub unscoped_means_every_permission: bool,
    /// Whether `Authorization: <token>`, without `Bearer`, is understood as well.
    #[serde(default)]
    pub accepts_bare_token: bool,
    /// Headers that may carry the bare token instead of `Authorization`.
    #[serde(default)]
    pub token_headers: Vec<String>,
    /// Headers a page may send besides.
    #[serde(default)]
    pub allow_headers: Vec<String>,
    #[serde(default = "json")]
    pub content_type: String,
    pub body: String,
}

/// How a sample resource may be asked for.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ResourceMethod {
    Get,
    Post,
}

impl ResourceMethod {
    /// The HTTP methods that are meant.
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Get => &["GET", "HEAD"],
            Self::Post => &["POST"],
        }
    }
}

fn get() -> Vec<ResourceMethod> {
    vec![ResourceMethod::Get]
}

fn json() -> String {
    "application/json".to_owned()
}
