use uuid::Uuid;

use super::{Amr, SessionId, UserId};
use crate::clock::Timestamp;
use crate::protocol::{PkceMethod, Scope};

/// A grant's identity. Every code, access token and refresh token that came of one authorization
/// carries it, so that all of them die together.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct GrantId(pub Uuid);

/// One authorization: what a user granted a client, once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Grant {
    pub id: GrantId,
    pub client_id: String,
    pub user: UserId,
    /// The session it was made in, which may have ended since.
    pub session: SessionId,
    /// What the client calls the user: `sub`.
    pub subject: String,
    /// The most that any of its tokens may carry.
    pub scope: Scope,
    /// Which APIs its tokens are for, as the request named them; empty when it named none.
    pub audience: Vec<String>,
    pub nonce: Option<String>,
    pub auth_time: Timestamp,
    pub amr: Vec<Amr>,
    pub acr: Option<String>,
    /// Whether the client asked to be told `auth_time`: with `max_age`, or by its registration.
    pub wants_auth_time: bool,
    /// The `claims` parameter (OIDC Core §5.5), as it was sent.
    pub claims_request: Option<String>,
    pub created_at: Timestamp,
    pub is_revoked: bool,
}

/// A code as it rests: everything but the code (RFC 6749 §4.1.2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct AuthorizationCode {
    pub grant: GrantId,
    /// As sent in the authorization request; `None` when it was left out.
    pub redirect_uri: Option<String>,
    pub code_challenge: Option<CodeChallenge>,
    /// Dead at this second already.
    pub expires_at: Timestamp,
}

/// RFC 7636 §4.3.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct CodeChallenge {
    pub challenge: String,
    pub method: PkceMethod,
}

/// A refresh token as it rests: everything but the token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RefreshToken {
    pub grant: GrantId,
    pub issued_at: Timestamp,
    /// Dead at this second unless it is used before.
    pub expires_at: Timestamp,
    /// When it was exchanged for its successor.
    pub spent_at: Option<Timestamp>,
}
