use serde::de::Error;
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;
use toml::Spanned;

use super::{ClaimsDeclaration, GrantDeclaration, SecretDeclaration};
use crate::issuer::{ClientKind, ClientMetadata, SubjectType};
use crate::protocol::{ClientAuthMethod, GrantType, SigningAlg, host};
use crate::secret::SecretHash;

/// `[[issuer.client]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ClientDeclaration {
    pub client_id: Spanned<String>,
    /// For people; the client ID when absent.
    pub client_name: Option<Spanned<String>>,
    pub kind: ClientKind,
    pub client_secret: Option<SecretDeclaration>,
    /// Instead of the secret itself: Argon2id, or SHA-256 of one that Locum made.
    #[serde(default, deserialize_with = "secret_hash")]
    pub client_secret_hash: Option<SecretHash>,
    /// Whether it is refused everywhere; when absent, what an administrator decided holds.
    pub disabled: Option<bool>,
    pub token_endpoint_auth_method: Option<Spanned<ClientAuthMethod>>,
    /// What its kind needs, when absent.
    pub grant_types: Option<Vec<GrantType>>,
    #[serde(default)]
    pub redirect_uris: Vec<Spanned<String>>,
    #[serde(rename = "grant", default)]
    pub grants: Vec<GrantDeclaration>,

    // What follows is explained at `ClientMetadata`.
    #[serde(default)]
    pub first_party: bool,
    #[serde(default)]
    pub any_loopback_uri: bool,
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<Spanned<String>>,
    pub frontchannel_logout_uri: Option<Spanned<String>>,
    #[serde(default)]
    pub frontchannel_logout_session_required: bool,
    pub backchannel_logout_uri: Option<Spanned<String>>,
    #[serde(default)]
    pub backchannel_logout_session_required: bool,
    #[serde(default)]
    pub subject_type: SubjectType,
    pub sector_identifier: Option<Spanned<String>>,
    pub id_token_signed_response_alg: Option<Spanned<SigningAlg>>,
    pub userinfo_signed_response_alg: Option<Spanned<SigningAlg>>,
    pub default_max_age: Option<u64>,
    #[serde(default)]
    pub require_auth_time: bool,
    pub operator: Option<Spanned<String>>,
    pub client_uri: Option<Spanned<String>>,
    pub policy_uri: Option<Spanned<String>>,
    pub tos_uri: Option<Spanned<String>>,
    pub logo_uri: Option<Spanned<String>>,
    #[serde(default)]
    pub contacts: Vec<String>,
    pub jwks: Option<ClaimsDeclaration>,
    pub jwks_uri: Option<Spanned<String>>,
    pub sector_identifier_uri: Option<Spanned<String>>,
    pub initiate_login_uri: Option<Spanned<String>>,
    pub software_id: Option<String>,
    pub software_version: Option<String>,
    pub owner: Option<String>,
    #[serde(default)]
    pub extra: ClaimsDeclaration,
    #[serde(default)]
    pub claims: ClaimsDeclaration,
}

impl ClientDeclaration {
    pub fn grant_types(&self) -> Vec<GrantType> {
        self.grant_types
            .clone()
            .unwrap_or_else(|| self.kind.grant_types().to_vec())
    }

    pub fn metadata(&self) -> ClientMetadata {
        ClientMetadata {
            scope: None, // everything
            first_party: self.first_party,
            any_loopback_uri: self.any_loopback_uri,
            post_logout_redirect_uris: self
                .post_logout_redirect_uris
                .iter()
                .map(|uri| uri.get_ref().clone())
                .collect(),
            frontchannel_logout_uri: value(&self.frontchannel_logout_uri),
            frontchannel_logout_session_required: self.frontchannel_logout_session_required,
            backchannel_logout_uri: value(&self.backchannel_logout_uri),
            backchannel_logout_session_required: self.backchannel_logout_session_required,
            subject_type: self.subject_type,
            // The file's author vouches for what the document says: it is not fetched.
            sector_identifier: match &self.sector_identifier_uri {
                Some(uri) => host(uri.get_ref()),
                None => value(&self.sector_identifier),
            },
            id_token_signed_response_alg: value(&self.id_token_signed_response_alg),
            userinfo_signed_response_alg: value(&self.userinfo_signed_response_alg),
            default_max_age: self.default_max_age,
            require_auth_time: self.require_auth_time,
            operator: value(&self.operator),
            client_uri: value(&self.client_uri),
            policy_uri: value(&self.policy_uri),
            tos_uri: value(&self.tos_uri),
            logo_uri: value(&self.logo_uri),
            contacts: self.contacts.clone(),
            jwks: self.jwks.as_ref().map(|jwks| Json::Object(jwks.json())),
            jwks_uri: value(&self.jwks_uri),
            sector_identifier_uri: value(&self.sector_identifier_uri),
            initiate_login_uri: value(&self.initiate_login_uri),
            software_id: self.software_id.clone(),
            software_version: self.software_version.clone(),
            owner: self.owner.clone(),
            extra: self.extra.json(),
            claims: self.claims.json(),
        }
    }
}

fn value<T: Clone>(declared: &Option<Spanned<T>>) -> Option<T> {
    declared.as_ref().map(|value| value.get_ref().clone())
}

fn secret_hash<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretHash>, D::Error> {
    // Without the text: it may be a secret that somebody mistook this key for.
    let hash = String::deserialize(deserializer)?.parse();
    hash.map(Some).map_err(|_| {
        D::Error::custom("expected a hash, like $argon2id$v=19$m=19456,t=2,p=1$…$… or $sha256$…")
    })
}
