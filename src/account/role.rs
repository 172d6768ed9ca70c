use uuid::Uuid;

use crate::issuer::GrantedScope;

/// A set of scopes that a user who has the role may be granted.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Role {
    pub name: String,
    pub description: String,
    pub grants: Vec<RoleGrant>,
}

/// What a role is worth at one API.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RoleGrant {
    pub api_id: Uuid,
    pub scope: GrantedScope,
}

impl Role {
    /// Whether the role holds `scope` of the API.
    pub fn holds(&self, api_id: Uuid, scope: &str) -> bool {
        self.grants
            .iter()
            .any(|grant| grant.api_id == api_id && grant.scope.contains(scope))
    }
}
