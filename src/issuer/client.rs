use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::Api;
use crate::clock::Timestamp;
use crate::dialect::TokenRequestPolicy;
use crate::protocol::{ClientAuthMethod, Fault, GrantType, Scope, SigningAlg, host};
use crate::secret::SecretHash;

/// An RFC 6749 client.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Client {
    pub client_id: String,
    pub client_name: String,
    pub kind: ClientKind,
    /// `None` for a public client.
    pub secret_hash: Option<SecretHash>,
    /// The secret before the last rotation, while it still works.
    pub previous_secret: Option<PreviousSecret>,
    /// The only method this client may use; when `None`, the dialect decides.
    pub token_endpoint_auth_method: Option<ClientAuthMethod>,
    pub grant_types: Vec<GrantType>,
    /// Registered byte for byte (RFC 9700 §4.1.3).
    pub redirect_uris: Vec<String>,
    /// Which APIs it may get tokens for.
    pub grants: Vec<ClientGrant>,
    /// Whether it is refused everywhere, until an administrator enables it again.
    pub is_disabled: bool,
    pub metadata: ClientMetadata,
}

/// A secret that has been rotated, and works until a moment its administrator chose.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct PreviousSecret {
    pub hash: SecretHash,
    pub expires_at: Timestamp,
}

/// A client as the database keeps it, with what administrators want to know besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientRecord {
    pub client: Client,
    /// Counts its changes; an editor's copy is compared with it.
    pub revision: i64,
    pub registered_by: RegisteredBy,
    /// Whether a configuration file declares it, and will say so again when it is applied.
    pub is_declared: bool,
    /// Whether it was there before a file declared it, so that no file may remove it.
    pub is_adopted: bool,
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
    pub secret_created_at: Option<Timestamp>,
    /// Of the registration access token (RFC 7592 §3), where there is one.
    pub registration_token_hash: Option<Vec<u8>>,
}

/// What allows somebody to register a client where that is guarded (RFC 7591 §3). The token itself
/// is shown once, and kept as a hash.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct InitialAccessToken {
    pub id: Uuid,
    /// Who got it, or what for.
    pub note: String,
    pub created_at: Timestamp,
    pub expires_at: Timestamp,
    pub uses_left: i64,
}

/// How a client came into being.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegisteredBy {
    Configuration,
    Console,
    /// The admin API.
    Api,
    CommandLine,
    /// Itself, at the registration endpoint (RFC 7591).
    Registration,
}

impl RegisteredBy {
    pub const ALL: [Self; 5] = [
        Self::Configuration,
        Self::Console,
        Self::Api,
        Self::CommandLine,
        Self::Registration,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Configuration => "configuration",
            Self::Console => "console",
            Self::Api => "api",
            Self::CommandLine => "command_line",
            Self::Registration => "registration",
        }
    }

    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|by| by.as_str() == name)
    }
}

/// What else a client is registered with, by the names of RFC 7591 §2, OIDC Registration §2 and
/// the logout specifications, and a few of Locum's own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct ClientMetadata {
    /// Run by the same people as the issuer, so that users need not be asked.
    pub first_party: bool,
    /// Whether every `http` URI of this machine may be redirected to, besides those registered.
    /// For development: see RFC 8252 §7.3 for where the thought comes from.
    pub any_loopback_uri: bool,
    /// What it was registered to ask for, in its own order. Of identity scopes it may ask for no
    /// others; of those of APIs, its grants decide. Everything when absent.
    pub scope: Option<Vec<String>>,
    pub post_logout_redirect_uris: Vec<String>,
    pub frontchannel_logout_uri: Option<String>,
    pub frontchannel_logout_session_required: bool,
    pub backchannel_logout_uri: Option<String>,
    pub backchannel_logout_session_required: bool,
    pub subject_type: SubjectType,
    /// For pairwise subjects: clients with the same one see the same subject. The host of the
    /// redirect URIs when absent.
    pub sector_identifier: Option<String>,
    pub id_token_signed_response_alg: Option<SigningAlg>,
    /// UserInfo is answered as a JWT when set.
    pub userinfo_signed_response_alg: Option<SigningAlg>,
    /// Seconds.
    pub default_max_age: Option<u64>,
    pub require_auth_time: bool,
    /// Who runs it, for people.
    pub operator: Option<String>,
    pub client_uri: Option<String>,
    pub policy_uri: Option<String>,
    pub tos_uri: Option<String>,
    pub logo_uri: Option<String>,
    /// Addresses of the people who run it, mostly of email.
    pub contacts: Vec<String>,
    /// Its public keys: by value, or where to fetch them.
    pub jwks: Option<Json>,
    pub jwks_uri: Option<String>,
    /// Where the list of redirect URIs is that share a pairwise sector (OIDC Core §8.1); its host
    /// is the `sector_identifier`.
    pub sector_identifier_uri: Option<String>,
    /// Where a third party may start a sign-in (OIDC Core §4).
    pub initiate_login_uri: Option<String>,
    pub software_id: Option<String>,
    pub software_version: Option<String>,
    /// Whose it is, as Ory Hydra keeps it. No rule depends on it.
    pub owner: Option<String>,
    /// What its administrator wants to remember of it. No rule depends on it.
    pub extra: Map<String, Json>,
    /// Claims its tokens carry besides. A string `"{name}"` stands for the user's claim of that
    /// name; anything else stands for itself.
    pub claims: Map<String, Json>,
}

/// OIDC Core §8.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum SubjectType {
    /// Every client sees the same.
    #[default]
    Public,
    /// Clients of different sectors see different ones.
    Pairwise,
}

/// The kinds of client, as people think of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientKind {
    /// Acts for itself, with client credentials.
    Machine,
    /// Confidential: has a backend that keeps a secret.
    Web,
    /// Public: runs in a browser.
    Spa,
    /// Public: runs on a person's device.
    Native,
}

impl ClientKind {
    pub const ALL: [Self; 4] = [Self::Machine, Self::Web, Self::Spa, Self::Native];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Machine => "machine",
            Self::Web => "web",
            Self::Spa => "spa",
            Self::Native => "native",
        }
    }

    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|kind| kind.as_str() == name)
    }

    /// What a client of this kind needs.
    pub const fn grant_types(self) -> &'static [GrantType] {
        match self {
            Self::Machine => &[GrantType::ClientCredentials],
            Self::Web | Self::Spa | Self::Native => {
                &[GrantType::AuthorizationCode, GrantType::RefreshToken]
            }
        }
    }

    /// Whether a client of this kind can have any use for it.
    pub const fn may_use(self, grant: GrantType) -> bool {
        match grant {
            // RFC 6749 §4.4
            GrantType::ClientCredentials => !self.is_public(),
            GrantType::AuthorizationCode | GrantType::RefreshToken => {
                !matches!(self, Self::Machine)
            }
        }
    }

    /// Whether it cannot keep a secret (RFC 6749 §2.1).
    pub const fn is_public(self) -> bool {
        matches!(self, Self::Spa | Self::Native)
    }
}

/// What a client may ask for at one API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ClientGrant {
    pub api_id: Uuid,
    pub scope: GrantedScope,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum GrantedScope {
    /// Every scope the API has now or gets later; for a machine, except those for users only.
    All,
    Only(Scope),
}

impl GrantedScope {
    pub fn contains(&self, scope: &str) -> bool {
        match self {
            Self::All => true,
            Self::Only(only) => only.contains(scope),
        }
    }
}

impl ClientGrant {
    /// Whether a token of this client, acting for itself, may carry `scope` for `api`: the
    /// grant has it *and* it is not for users only. This is the one place that decides it.
    pub fn allows_machine(&self, api: &Api, scope: &str) -> bool {
        self.scope.contains(scope) && api.allows_machine(scope)
    }

    /// Everything [`Self::allows_machine`] holds for.
    pub fn machine_scope(&self, api: &Api) -> Scope {
        self.all(api).retain(|scope| api.allows_machine(scope))
    }
}

impl ClientGrant {
    /// Whether a user's token of this client may carry `scope` for `api`, as far as the client is
    /// concerned: the user's roles and consent are another matter.
    pub fn allows_user(&self, api: &Api, scope: &str) -> bool {
        self.scope.contains(scope) && api.has_scope(scope)
    }

    /// Everything [`Self::allows_user`] holds for.
    pub fn user_scope(&self, api: &Api) -> Scope {
        self.all(api).retain(|scope| self.allows_user(api, scope))
    }

    /// The scopes it names, in the order of the grant, or of the API when the grant is for all.
    fn all(&self, api: &Api) -> Scope {
        match &self.scope {
            GrantedScope::Only(only) => only.clone(),
            GrantedScope::All => {
                let all = api.scopes.iter().map(|scope| scope.name.as_str());
                Scope::from_tokens(all).unwrap_or_default()
            }
        }
    }
}

impl SubjectType {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Public => "public",
            Self::Pairwise => "pairwise",
        }
    }

    pub fn find(name: &str) -> Option<Self> {
        [Self::Public, Self::Pairwise]
            .into_iter()
            .find(|known| known.as_str() == name)
    }
}

impl Client {
    /// # Errors
    /// `GrantTypeNotAllowed` when the client is not registered for it.
    pub fn check_grant_type(&self, grant_type: GrantType) -> Result<(), Fault> {
        if self.grant_types.contains(&grant_type) {
            return Ok(());
        }
        Err(Fault::GrantTypeNotAllowed {
            grant_type: grant_type.as_str().to_owned(),
        })
    }

    pub fn is_public(&self) -> bool {
        self.secret_hash.is_none()
    }

    /// Whether it may ask for an identity scope.
    pub fn may_ask_for(&self, scope: &str) -> bool {
        self.metadata
            .scope
            .as_ref()
            .is_none_or(|own| own.iter().any(|known| known == scope))
    }

    /// How it shows who it is, as was registered, or else as the dialect says; `None` when in any
    /// way that shows a secret.
    pub fn auth_method(&self, policy: &TokenRequestPolicy) -> Option<ClientAuthMethod> {
        if self.is_public() {
            return Some(ClientAuthMethod::None);
        }
        self.token_endpoint_auth_method
            .or(policy.default_client_auth_method)
    }

    /// The same, where one has to be named.
    pub fn usual_auth_method(&self, policy: &TokenRequestPolicy) -> Option<ClientAuthMethod> {
        self.auth_method(policy)
            .or_else(|| policy.client_auth_methods.first().copied())
    }

    /// Which clients see the same pairwise subject (OIDC Core §8.1): those with the same sector
    /// identifier, or else the same host of the first redirect URI, or else this one alone.
    pub fn sector(&self) -> String {
        self.metadata
            .sector_identifier
            .clone()
            .or_else(|| self.redirect_uris.first().and_then(|uri| host(uri)))
            .unwrap_or_else(|| self.client_id.clone())
    }

    /// Everything a token of this client, acting for itself, may carry, at any API.
    pub fn machine_permissions(&self, apis: &[Api]) -> Scope {
        let mut all = Scope::default();
        for grant in &self.grants {
            if let Some(api) = apis.iter().find(|api| api.id == grant.api_id) {
                all.extend(&grant.machine_scope(api));
            }
        }
        all
    }

    /// Whether every one of its grants is for everything.
    pub fn has_every_permission(&self) -> bool {
        !self.grants.is_empty()
            && self
                .grants
                .iter()
                .all(|grant| grant.scope == GrantedScope::All)
    }
}
