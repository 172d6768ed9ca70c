//! What OpenID Connect adds to OAuth: ID tokens, claims about people, UserInfo, logout.

pub mod claims;
pub mod claims_request;
pub mod id_token;
pub mod logout;
mod subject;
pub mod userinfo;
