//! What a started server has to offer: the ready line of `locum dev --json`, and the same for
//! people.

use serde::Serialize;

use crate::config::{ClientDeclaration, Declared, Origin, SecretDeclaration, UserDeclaration};
use crate::demo;
use crate::dialect::{BodyEncoding, Endpoint, MissingAudience, MissingScope};
use crate::oauth::Metadata;
use crate::protocol::GrantType;

/// Printed as one line of JSON by `locum dev --json`.
#[derive(Debug, Clone, Serialize)]
pub struct Ready {
    pub version: &'static str,
    pub url: String,
    /// The administrators' console.
    pub console: Option<String>,
    pub issuers: Vec<ReadyIssuer>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ReadyIssuer {
    pub name: String,
    pub dialect: String,
    pub issuer: String,
    pub discovery: Option<String>,
    /// `null` as long as the issuer serves no authorization endpoint.
    pub authorization_endpoint: Option<String>,
    pub token_endpoint: String,
    pub clients: Vec<ReadyClient>,
    pub users: Vec<ReadyUser>,
    /// What the dialect is, for people.
    #[serde(skip)]
    pub title: String,
    /// Where its users have their own page; `None` where nobody signs in.
    #[serde(skip)]
    pub account: Option<String>,
    /// A shell command that gets a token.
    #[serde(skip)]
    pub example: Option<String>,
    /// The URL of a sample protected resource.
    #[serde(skip)]
    pub resource: Option<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ReadyClient {
    pub name: String,
    pub client_id: String,
    /// Of demo clients only; `null` for public clients, and for those of a configuration file,
    /// whose author knows.
    pub client_secret: Option<String>,
    pub kind: &'static str,
    pub redirect_uris: Vec<String>,
}

#[derive(Debug, Clone, Serialize)]
pub struct ReadyUser {
    pub username: String,
    /// Of demo users only.
    pub password: Option<String>,
    pub roles: Vec<String>,
}

impl ReadyIssuer {
    pub fn new(declared: &Declared, metadata: &Metadata) -> Self {
        let url = |endpoint| metadata.url(endpoint).map(str::to_owned);
        let declaration = &declared.declaration;
        Self {
            name: declaration.name.get_ref().clone(),
            dialect: declaration.dialect.get_ref().clone(),
            issuer: metadata.identifier().to_owned(),
            discovery: url(Endpoint::Discovery),
            authorization_endpoint: url(Endpoint::Authorization),
            token_endpoint: url(Endpoint::Token).unwrap_or_default(),
            clients: declaration
                .clients
                .iter()
                .map(|client| ReadyClient::new(client, declared.origin))
                .collect(),
            users: declaration
                .users
                .iter()
                .map(|user| ReadyUser::new(user, declared.origin))
                .collect(),
            title: declared.dialect.title.clone(),
            account: declared
                .dialect
                .has_users()
                .then(|| format!("{}/account", metadata.base())),
            example: example(declared, metadata),
            resource: declaration
                .resources
                .first()
                .map(|resource| format!("{}{}", metadata.base(), resource.path.get_ref())),
        }
    }
}

impl ReadyClient {
    fn new(client: &ClientDeclaration, origin: Origin) -> Self {
        let client_id = client.client_id.get_ref().clone();
        Self {
            name: client
                .client_name
                .as_ref()
                .map_or(&client_id, |name| name.get_ref())
                .clone(),
            client_secret: demo_secret(client.client_secret.as_ref(), origin),
            client_id,
            kind: client.kind.as_str(),
            redirect_uris: client
                .redirect_uris
                .iter()
                .map(|uri| uri.get_ref().clone())
                .collect(),
        }
    }
}

impl ReadyUser {
    fn new(user: &UserDeclaration, origin: Origin) -> Self {
        Self {
            username: user.username.get_ref().clone(),
            password: demo_secret(user.password.as_ref(), origin),
            roles: user
                .roles
                .iter()
                .map(|role| role.get_ref().clone())
                .collect(),
        }
    }
}

fn demo_secret(secret: Option<&SecretDeclaration>, origin: Origin) -> Option<String> {
    match origin {
        Origin::Demo => secret?
            .read(std::path::Path::new("."))
            .ok()
            .map(|secret| secret.expose().to_owned()),
        Origin::File => None,
    }
}

/// A shell command that gets a token, in the form the vendor's guide would show it.
fn example(declared: &Declared, metadata: &Metadata) -> Option<String> {
    let client = declared.declaration.clients.iter().find(|client| {
        client.client_secret.is_some()
            && client.grant_types().contains(&GrantType::ClientCredentials)
    })?;
    let id = client.client_id.get_ref();
    let secret = demo_secret(client.client_secret.as_ref(), declared.origin)
        .unwrap_or_else(|| "…".to_owned());
    let url = metadata.url(Endpoint::Token)?;
    let dialect = &declared.dialect;
    let grant = client.grants.first();
    let audience = grant
        .filter(|_| dialect.audience.when_missing == MissingAudience::Refuse)
        .map(|grant| grant.audience.get_ref().as_str());
    let scope = grant
        .filter(|_| dialect.scope.when_missing == MissingScope::Refuse)
        .and_then(|grant| grant.scopes.first_name());
    if dialect.token_request.body.first() == Some(&BodyEncoding::Json) {
        let mut body = serde_json::json!({
            "client_id": id, "client_secret": secret, "grant_type": "client_credentials",
        });
        if let Some(audience) = audience {
            body["audience"] = audience.into();
        }
        return Some(format!(
            "curl {url} \\\n  --header 'content-type: application/json' \\\n  --data '{body}'"
        ));
    }
    let mut command =
        format!("curl {url} \\\n  --user {id}:{secret} \\\n  --data grant_type=client_credentials");
    for (name, value) in [("audience", audience), ("scope", scope)] {
        if let Some(value) = value {
            command.push_str(&format!(" \\\n  --data-urlencode {name}={value}"));
        }
    }
    Some(command)
}

/// The table for a terminal: what to paste where.
impl std::fmt::Display for Ready {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        writeln!(f, "Locum {} at {}", self.version, self.url)?;
        writeln!(
            f,
            "For development only: every secret below is public knowledge."
        )?;
        for issuer in &self.issuers {
            writeln!(f)?;
            writeln!(f, "{}  ({})", issuer.name, issuer.title)?;
            writeln!(f, "  issuer          {}", issuer.issuer)?;
            if let Some(endpoint) = &issuer.authorization_endpoint {
                writeln!(f, "  authorize       {endpoint}")?;
            }
            writeln!(f, "  token endpoint  {}", issuer.token_endpoint)?;
            if let Some(discovery) = &issuer.discovery {
                writeln!(f, "  discovery       {discovery}")?;
            }
            for client in &issuer.clients {
                let secret = match (&client.client_secret, client.kind) {
                    (Some(secret), _) => secret.as_str(),
                    (None, "spa" | "native") => "no secret",
                    (None, _) => "secret as configured",
                };
                writeln!(f, "  {:<14}  {}  {secret}", client.kind, client.client_id)?;
            }
            for user in issuer.users.iter().filter(|_| issuer.account.is_some()) {
                let password = user.password.as_deref();
                let password = password.unwrap_or("password as configured");
                writeln!(f, "  user            {}  {password}", user.username)?;
            }
            if let Some(account) = &issuer.account {
                writeln!(f, "  try to sign in  {account}")?;
            }
            if let Some(resource) = &issuer.resource {
                writeln!(f, "  try a token on  {resource}")?;
            }
        }
        if let Some(console) = &self.console {
            writeln!(f)?;
            writeln!(f, "console  (administers all of them)")?;
            writeln!(f, "  sign in at      {console}")?;
            for (username, role) in demo::ADMINISTRATORS {
                writeln!(f, "  {role:<14}  {username}  {}", demo::PASSWORD)?;
            }
        }
        Ok(())
    }
}
