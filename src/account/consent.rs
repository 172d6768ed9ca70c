use super::UserId;
use crate::clock::Timestamp;
use crate::protocol::Scope;

/// What a user allowed a client, to be remembered.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Consent {
    pub user: UserId,
    pub client_id: String,
    /// Which APIs it is for, as the request named them: what is allowed at one is not at another.
    /// Empty for what is of no API, and where requests name none.
    pub audience: Vec<String>,
    pub scope: Scope,
    /// When it was first given, and last changed.
    pub created_at: Timestamp,
    pub updated_at: Timestamp,
}
