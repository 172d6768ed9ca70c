//! A client as registration and administration show it.

use std::borrow::Cow;

use serde_json::Value as Json;

use super::offer::scope_of;
use crate::clock::Timestamp;
use crate::dialect::template::{Lookup, Value};
use crate::dialect::{ClientWord, Endpoint};
use crate::issuer::{Api, Client, ClientKind};
use crate::oauth::Authority;
use crate::protocol::{ApplicationType, ClientAuthMethod, GrantType, SigningAlg};
use crate::secret::Secret;

/// Everything that can be said of it. Secrets are there only when they have just been made.
pub struct RegisteredClient {
    pub client: Client,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub secret: Option<Secret>,
    pub access_token: Option<Secret>,
    /// Where it is managed (RFC 7592 §3); `None` where it is not.
    pub client_uri: Option<String>,
    /// Of the issuer's address.
    pub path: String,
    auth_method: Option<ClientAuthMethod>,
    scope: Vec<String>,
    audience: Vec<String>,
}

impl RegisteredClient {
    pub fn new(
        authority: &Authority<'_>,
        client: Client,
        apis: &[Api],
        (created_at, updated_at): (Timestamp, Timestamp),
    ) -> Self {
        let dialect = &*authority.issuer.dialect;
        let path = dialect.endpoints.find(Endpoint::Registration);
        let is_managed = dialect.registration.managed;
        let client_uri = path.filter(|_| is_managed).map(|path| {
            let id = encoded(&client.client_id);
            format!("{}{path}/{id}", authority.base)
        });
        let path = url::Url::parse(authority.base)
            .map(|url| url.path().trim_end_matches('/').to_owned())
            .unwrap_or_default();
        let audience = client.grants.iter().filter_map(|grant| {
            let api = apis.iter().find(|api| api.id == grant.api_id)?;
            Some(api.audience.clone())
        });
        Self {
            auth_method: client.usual_auth_method(&dialect.token_request),
            scope: scope_of(&client, dialect, apis),
            audience: audience.collect(),
            client,
            created_at,
            updated_at,
            secret: None,
            access_token: None,
            client_uri,
            path,
        }
    }
}

/// An ID as one segment of a path.
fn encoded(id: &str) -> String {
    let mut out = String::new();
    for byte in id.bytes() {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) {
            out.push(char::from(byte));
        } else {
            out.push_str(&format!("%{byte:02X}"));
        }
    }
    out
}

fn text(text: &Option<String>) -> Value<'_> {
    Value::optional(text.as_deref())
}

fn list(items: &[String]) -> Value<'_> {
    Value::List(Cow::Borrowed(items))
}

fn secret(secret: &Option<Secret>) -> Value<'_> {
    Value::optional(secret.as_ref().map(Secret::expose))
}

/// Left out when it is false, which is what it is when absent.
fn flag(flag: bool) -> Value<'static> {
    if flag {
        Value::json(true)
    } else {
        Value::Absent
    }
}

fn alg(alg: Option<SigningAlg>) -> Value<'static> {
    Value::optional(alg.map(SigningAlg::as_str))
}

impl Lookup<ClientWord> for RegisteredClient {
    fn value(&self, word: ClientWord) -> Value<'_> {
        let (client, metadata) = (&self.client, &self.client.metadata);
        match word {
            ClientWord::ClientId => Value::text(&client.client_id),
            ClientWord::ClientSecret => secret(&self.secret),
            ClientWord::ClientSecretExpiresAt => match client.is_public() {
                true => Value::Absent,
                false => Value::Number(0),
            },
            ClientWord::RegistrationAccessToken => secret(&self.access_token),
            ClientWord::RegistrationClientUri => text(&self.client_uri),
            ClientWord::CreatedAt => Value::Instant(self.created_at),
            ClientWord::UpdatedAt => Value::Instant(self.updated_at),
            // One without a name is called by its ID.
            ClientWord::ClientName if client.client_name == client.client_id => Value::Absent,
            ClientWord::ClientName => Value::text(&client.client_name),
            ClientWord::RedirectUris => list(&client.redirect_uris),
            ClientWord::GrantTypes => Value::List(
                client
                    .grant_types
                    .iter()
                    .map(|grant| grant.as_str().to_owned())
                    .collect(),
            ),
            ClientWord::ResponseTypes => {
                let signs_users_in = client.grant_types.contains(&GrantType::AuthorizationCode);
                let types = signs_users_in.then(|| "code".to_owned());
                Value::List(types.into_iter().collect())
            }
            ClientWord::TokenEndpointAuthMethod => {
                Value::optional(self.auth_method.map(ClientAuthMethod::as_str))
            }
            ClientWord::Scope => Value::Words(&self.scope),
            ClientWord::Audience => list(&self.audience),
            ClientWord::ApplicationType => Value::text(
                match client.kind {
                    ClientKind::Native => ApplicationType::Native,
                    ClientKind::Machine | ClientKind::Web | ClientKind::Spa => ApplicationType::Web,
                }
                .as_str(),
            ),
            ClientWord::Contacts => list(&metadata.contacts),
            ClientWord::ClientUri => text(&metadata.client_uri),
            ClientWord::LogoUri => text(&metadata.logo_uri),
            ClientWord::PolicyUri => text(&metadata.policy_uri),
            ClientWord::TosUri => text(&metadata.tos_uri),
            ClientWord::Jwks => match &metadata.jwks {
                Some(jwks) => Value::Json(Cow::Borrowed(jwks)),
                None => Value::Absent,
            },
            ClientWord::JwksUri => text(&metadata.jwks_uri),
            ClientWord::SectorIdentifierUri => text(&metadata.sector_identifier_uri),
            ClientWord::SubjectType => Value::text(metadata.subject_type.as_str()),
            ClientWord::IdTokenSignedResponseAlg => alg(metadata.id_token_signed_response_alg),
            ClientWord::UserinfoSignedResponseAlg => alg(metadata.userinfo_signed_response_alg),
            ClientWord::DefaultMaxAge => {
                metadata.default_max_age.map_or(Value::Absent, |seconds| {
                    Value::Number(i64::try_from(seconds).unwrap_or(i64::MAX))
                })
            }
            ClientWord::RequireAuthTime => flag(metadata.require_auth_time),
            ClientWord::InitiateLoginUri => text(&metadata.initiate_login_uri),
            ClientWord::PostLogoutRedirectUris => list(&metadata.post_logout_redirect_uris),
            ClientWord::FrontchannelLogoutUri => text(&metadata.frontchannel_logout_uri),
            ClientWord::FrontchannelLogoutSessionRequired => {
                flag(metadata.frontchannel_logout_session_required)
            }
            ClientWord::BackchannelLogoutUri => text(&metadata.backchannel_logout_uri),
            ClientWord::BackchannelLogoutSessionRequired => {
                flag(metadata.backchannel_logout_session_required)
            }
            ClientWord::SoftwareId => text(&metadata.software_id),
            ClientWord::SoftwareVersion => text(&metadata.software_version),
            ClientWord::Owner => text(&metadata.owner),
            ClientWord::Metadata => Value::json(Json::Object(metadata.extra.clone())),
            ClientWord::SkipConsent => Value::json(metadata.first_party),
            ClientWord::Null => Value::json(Json::Null),
            ClientWord::Path => Value::text(&self.path),
        }
    }
}
