use serde::Deserialize;
use toml::Spanned;

use super::{ClaimsDeclaration, GrantDeclaration, SecretDeclaration};
use crate::issuer::{ClientKind, ClientMetadata, SubjectType};
use crate::protocol::{ClientAuthMethod, GrantType, SigningAlg};

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
    pub operator: Option<String>,
    pub client_uri: Option<Spanned<String>>,
    pub policy_uri: Option<Spanned<String>>,
    pub tos_uri: Option<Spanned<String>>,
    #[serde(default)]
    pub claims: ClaimsDeclaration,
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

    pub fn metadata(&self) -> ClientMetadata {
        ClientMetadata {
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
            sector_identifier: value(&self.sector_identifier),
            id_token_signed_response_alg: value(&self.id_token_signed_response_alg),
            userinfo_signed_response_alg: value(&self.userinfo_signed_response_alg),
            default_max_age: self.default_max_age,
            require_auth_time: self.require_auth_time,
            operator: self.operator.clone(),
            client_uri: value(&self.client_uri),
            policy_uri: value(&self.policy_uri),
            tos_uri: value(&self.tos_uri),
            claims: self.claims.json(),
            ..ClientMetadata::default()
        }
    }
}

fn value<T: Clone>(declared: &Option<Spanned<T>>) -> Option<T> {
    declared.as_ref().map(|value| value.get_ref().clone())
}
