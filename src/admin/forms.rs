//! What is administered, as it looks from outside: members of the admin API's JSON, and of a
//! configuration file. APIs are named by their audience here, not by an ID.

use std::collections::BTreeMap;
use std::time::Duration;

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::account::{Role, RoleGrant, User};
use crate::dialect::TokenFormat;
use crate::issuer::{Api, ApiScope, Client, ClientGrant, ClientKind, ClientMetadata, GrantedScope};
use crate::protocol::{ClientAuthMethod, GrantType, Scope, SigningAlg};

/// An API: what tokens are for.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ApiForm {
    /// What stands in `aud`, and what a client asks for.
    pub audience: String,
    /// For people; the audience when empty.
    #[serde(default)]
    pub name: String,
    #[serde(default)]
    pub scopes: Vec<ScopeForm>,
    /// Seconds; the dialect's when null.
    #[serde(default)]
    pub token_lifetime: Option<u64>,
    /// The dialect's when null.
    #[serde(default)]
    pub token_format: Option<TokenFormat>,
    /// The issuer's first when null.
    #[serde(default)]
    pub signing_alg: Option<SigningAlg>,
}

/// A scope of an API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct ScopeForm {
    pub name: String,
    /// What a person is told of it when asked for consent.
    #[serde(default)]
    pub description: String,
    /// The same in other languages, by language tag.
    #[serde(default)]
    pub translations: BTreeMap<String, String>,
    /// Only a person may be granted it; no machine's token ever carries it.
    #[serde(default)]
    pub users_only: bool,
    /// A person may be granted it only by a role that holds it.
    #[serde(default)]
    pub needs_role: bool,
}

/// What a client or role is granted at one API.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct GrantForm {
    pub audience: String,
    pub scopes: ScopesForm,
}

/// `"all"`, which is every scope the API has now or gets later, or the names.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(untagged, expecting = "expected \"all\", or a list of scopes' names")]
pub enum ScopesForm {
    All(All),
    Only(Vec<String>),
}

/// The word `"all"`.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum All {
    All,
}

/// A role: a set of scopes a user may be granted.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct RoleForm {
    pub name: String,
    #[serde(default)]
    pub description: String,
    #[serde(default)]
    pub grants: Vec<GrantForm>,
}

/// A client, by the names of RFC 7591 §2 where it has one.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct ClientForm {
    /// Made up by the server when empty.
    #[serde(default)]
    pub client_id: String,
    /// For people; the client ID when empty.
    #[serde(default)]
    pub client_name: String,
    pub kind: ClientKind,
    /// The only method it may use; what the dialect says when null.
    #[serde(default)]
    pub token_endpoint_auth_method: Option<ClientAuthMethod>,
    /// What its kind needs when null.
    #[serde(default)]
    pub grant_types: Option<Vec<GrantType>>,
    #[serde(default)]
    pub redirect_uris: Vec<String>,
    #[serde(default)]
    pub grants: Vec<GrantForm>,
    #[serde(flatten)]
    pub metadata: ClientMetadata,
}

/// A user.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(deny_unknown_fields)]
pub struct UserForm {
    pub username: String,
    /// What is known of the person, by the names of OIDC Core §5.1, and whatever else is wanted.
    #[serde(default)]
    pub claims: Map<String, Json>,
    /// Names of the issuer's roles.
    #[serde(default)]
    pub roles: Vec<String>,
    /// Whether signing in is refused.
    #[serde(default)]
    pub blocked: bool,
}

impl From<&Api> for ApiForm {
    fn from(api: &Api) -> Self {
        Self {
            audience: api.audience.clone(),
            name: api.name.clone(),
            scopes: api.scopes.iter().map(ScopeForm::from).collect(),
            token_lifetime: api.token_lifetime.map(|lifetime| lifetime.as_secs()),
            token_format: api.token_format,
            signing_alg: api.signing_alg,
        }
    }
}

impl From<&ApiScope> for ScopeForm {
    fn from(scope: &ApiScope) -> Self {
        Self {
            name: scope.name.clone(),
            description: scope.description.clone(),
            translations: scope.translations.clone(),
            users_only: scope.users_only,
            needs_role: scope.needs_role,
        }
    }
}

impl ApiForm {
    pub fn to_api(&self, id: Uuid) -> Api {
        Api {
            id,
            audience: self.audience.clone(),
            name: non_empty(&self.name).unwrap_or(&self.audience).to_owned(),
            scopes: self.scopes.iter().map(ScopeForm::to_scope).collect(),
            token_lifetime: self.token_lifetime.map(Duration::from_secs),
            token_format: self.token_format,
            signing_alg: self.signing_alg,
        }
    }
}

impl ScopeForm {
    /// The description is one of the translations, where there are any: the English one, or the
    /// one that was there first.
    fn to_scope(&self) -> ApiScope {
        let mut translations = self.translations.clone();
        let mut description = self.description.clone();
        if let Some(english) = translations.get("en") {
            description.clone_from(english);
        } else if description.is_empty() {
            description = translations.values().next().cloned().unwrap_or_default();
        } else if !translations.is_empty()
            && !translations.values().any(|text| *text == description)
        {
            translations.insert("en".to_owned(), description.clone());
        }
        ApiScope {
            name: self.name.clone(),
            description,
            translations,
            users_only: self.users_only,
            needs_role: self.needs_role,
        }
    }
}

impl ScopesForm {
    /// Names that are worth nothing, because the API has them no longer, are left out.
    fn of(scope: &GrantedScope, is_worth_something: impl Fn(&str) -> bool) -> Self {
        match scope {
            GrantedScope::All => Self::All(All::All),
            GrantedScope::Only(only) => {
                let names = only.tokens().iter();
                Self::Only(
                    names
                        .filter(|name| is_worth_something(name))
                        .cloned()
                        .collect(),
                )
            }
        }
    }

    /// `None` when a name cannot be a scope's.
    fn granted(&self) -> Option<GrantedScope> {
        Some(match self {
            Self::All(All::All) => GrantedScope::All,
            Self::Only(names) => {
                GrantedScope::Only(Scope::from_tokens(names.iter().map(String::as_str)).ok()?)
            }
        })
    }
}

fn grant_form(
    apis: &[Api],
    api_id: Uuid,
    scope: &GrantedScope,
    is_machines: bool,
) -> Option<GrantForm> {
    let api = apis.iter().find(|api| api.id == api_id)?;
    Some(GrantForm {
        audience: api.audience.clone(),
        scopes: ScopesForm::of(scope, |name| {
            if is_machines {
                api.allows_machine(name)
            } else {
                api.has_scope(name)
            }
        }),
    })
}

/// Each grant's API and scope. Grants at APIs that do not exist, or of names that cannot be, are
/// left out: they have been refused before.
fn granted<'a>(
    grants: &'a [GrantForm],
    apis: &'a [Api],
) -> impl Iterator<Item = (Uuid, GrantedScope)> + 'a {
    grants.iter().filter_map(|grant| {
        let api = apis.iter().find(|api| api.audience == grant.audience)?;
        Some((api.id, grant.scopes.granted()?))
    })
}

impl RoleForm {
    pub fn of(role: &Role, apis: &[Api]) -> Self {
        Self {
            name: role.name.clone(),
            description: role.description.clone(),
            grants: role
                .grants
                .iter()
                .filter_map(|grant| grant_form(apis, grant.api_id, &grant.scope, false))
                .collect(),
        }
    }

    pub fn to_role(&self, apis: &[Api]) -> Role {
        Role {
            name: self.name.clone(),
            description: self.description.clone(),
            grants: granted(&self.grants, apis)
                .map(|(api_id, scope)| RoleGrant { api_id, scope })
                .collect(),
        }
    }
}

impl ClientForm {
    pub fn of(client: &Client, apis: &[Api]) -> Self {
        let is_machines = client.kind == ClientKind::Machine;
        Self {
            client_id: client.client_id.clone(),
            client_name: client.client_name.clone(),
            kind: client.kind,
            token_endpoint_auth_method: client.token_endpoint_auth_method,
            grant_types: Some(client.grant_types.clone()),
            redirect_uris: client.redirect_uris.clone(),
            grants: client
                .grants
                .iter()
                .filter_map(|grant| grant_form(apis, grant.api_id, &grant.scope, is_machines))
                .collect(),
            metadata: client.metadata.clone(),
        }
    }

    /// The client it describes, which has no secret yet.
    pub fn to_client(&self, apis: &[Api]) -> Client {
        Client {
            client_id: self.client_id.clone(),
            client_name: non_empty(&self.client_name)
                .unwrap_or(&self.client_id)
                .to_owned(),
            kind: self.kind,
            secret_hash: None,
            previous_secret: None,
            token_endpoint_auth_method: self.token_endpoint_auth_method,
            grant_types: self
                .grant_types
                .clone()
                .unwrap_or_else(|| self.kind.grant_types().to_vec()),
            redirect_uris: self.redirect_uris.clone(),
            grants: granted(&self.grants, apis)
                .map(|(api_id, scope)| ClientGrant { api_id, scope })
                .collect(),
            is_disabled: false,
            metadata: self.metadata.clone(),
        }
    }
}

impl From<&User> for UserForm {
    fn from(user: &User) -> Self {
        Self {
            username: user.username.clone(),
            claims: user.claims.0.clone(),
            roles: user.roles.clone(),
            blocked: user.is_blocked,
        }
    }
}

fn non_empty(text: &str) -> Option<&str> {
    Some(text).filter(|text| !text.is_empty())
}
