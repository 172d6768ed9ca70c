use uuid::Uuid;

use super::UserId;
use crate::clock::Timestamp;

/// A session's identity: the claim `sid`. Not a secret: what the browser holds is another value,
/// of which the database keeps a hash.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct SessionId(pub Uuid);

/// How somebody proved who they are (RFC 8176).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Amr {
    Password,
}

impl Amr {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Password => "pwd",
        }
    }

    pub fn find(name: &str) -> Option<Self> {
        [Self::Password]
            .into_iter()
            .find(|method| method.as_str() == name)
    }
}

/// A browser's login.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Session {
    pub id: SessionId,
    pub user: UserId,
    /// When the person last proved who they are.
    pub auth_time: Timestamp,
    pub amr: Vec<Amr>,
    /// Whether the person asked to stay signed in when the browser closes.
    pub is_remembered: bool,
    pub created_at: Timestamp,
    pub last_seen_at: Timestamp,
    /// Dead at this second unless it is used before.
    pub idle_expires_at: Timestamp,
    /// Dead at this second whatever happens.
    pub expires_at: Timestamp,
    /// Where it began, as far as a server can tell.
    pub address: String,
    /// What the browser said of itself; bounded.
    pub user_agent: String,
}

/// An attempt to sign in to an account that exists, for its owner to see.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SignIn {
    pub user: UserId,
    pub at: Timestamp,
    pub succeeded: bool,
    /// The client that sent the person here; `None` when they came by themselves.
    pub client_id: Option<String>,
    pub address: String,
    pub user_agent: String,
}
