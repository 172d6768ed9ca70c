use super::UserId;
use crate::clock::Timestamp;
use crate::protocol::Scope;

/// What a user allowed a client, to be remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    pub user: UserId,
    pub client_id: String,
    pub scope: Scope,
    /// When it was first given, and last changed.
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}

impl Consent {
    /// Whether nobody needs to be asked again for `scope`.
    pub fn covers(&self, scope: &Scope) -> bool {
        scope
            .tokens()
            .iter()
            .all(|token| self.scope.contains(token))
    }
}
