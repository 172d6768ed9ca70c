use std::collections::BTreeMap;
use std::time::Duration;

use uuid::Uuid;

use crate::dialect::TokenFormat;
use crate::protocol::SigningAlg;

/// A resource server that tokens are for. Auth0 says API, RFC 8707 says resource.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Api {
    pub id: Uuid,
    /// What stands in `aud`, and what a client asks for.
    pub audience: String,
    pub name: String,
    pub scopes: Vec<ApiScope>,
    /// Instead of the dialect's.
    pub token_lifetime: Option<Duration>,
    /// Instead of the dialect's.
    pub token_format: Option<TokenFormat>,
    /// Instead of the issuer's first.
    pub signing_alg: Option<SigningAlg>,
}

/// A scope of an API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ApiScope {
    pub name: String,
    pub description: String,
    /// The description in other languages, by language: `es`.
    pub translations: BTreeMap<String, String>,
    /// Only a person may be granted it; no machine's token ever carries it.
    pub users_only: bool,
    /// A person may be granted it only by a role that holds it.
    pub needs_role: bool,
}

impl Api {
    pub fn has_scope(&self, scope: &str) -> bool {
        self.scopes.iter().any(|own| own.name == scope)
    }

    pub fn find_scope(&self, scope: &str) -> Option<&ApiScope> {
        self.scopes.iter().find(|own| own.name == scope)
    }

    /// Whether a machine's token may carry this scope at all, whatever its client was granted.
    pub fn allows_machine(&self, scope: &str) -> bool {
        self.scopes
            .iter()
            .any(|own| own.name == scope && !own.users_only)
    }
}
