//! People: users, the roles that decide what they may be granted, their sessions, and what they
//! allowed clients to do. What these are, and their pure rules.

mod claims;
mod consent;
mod grant;
mod profile;
mod role;
mod session;
mod user;

pub use claims::{ABOUT_TOKENS, ClaimKind, StandardScope, UserClaims};
pub use consent::Consent;
pub use grant::{AuthorizationCode, CodeChallenge, Grant, GrantId, RefreshToken};
pub use profile::{Profile, ProfileFault};
pub use role::{Role, RoleGrant};
pub use session::{Amr, Session, SessionId, SignIn};
pub use user::{User, UserId};
