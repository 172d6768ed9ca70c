//! What a configuration file declares: issuers, and in them everything else.

mod api;
mod brand;
mod claims;
mod client;
mod grant;
mod person;
mod resource;
mod secret;

use serde::Deserialize;
use toml::Spanned;

use crate::issuer::RegistrationPolicy;
use crate::protocol::SigningAlg;

pub use api::{ApiDeclaration, ScopeDeclaration, is_language_tag};
pub use brand::BrandDeclaration;
pub use claims::ClaimsDeclaration;
pub use client::ClientDeclaration;
pub use grant::{GrantDeclaration, ScopesDeclaration};
pub use person::{RoleDeclaration, UserDeclaration};
pub use resource::{ResourceDeclaration, ResourceMethod};
pub use secret::SecretDeclaration;

/// `[[issuer]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IssuerDeclaration {
    /// Its path is this name: `https://host/name`.
    pub name: Spanned<String>,
    /// A built-in dialect's name, or the path of a file.
    pub dialect: Spanned<String>,
    /// A host name under which it is at the root, besides its path.
    pub host: Option<Spanned<String>>,
    /// One key for each, instead of the dialect's; the first signs.
    pub signing_algs: Option<Spanned<Vec<SigningAlg>>>,
    /// Where any client may send people after they have signed out, besides its own.
    #[serde(default)]
    pub post_logout_redirect_uris: Vec<Spanned<String>>,
    /// Who may register a client.
    #[serde(default)]
    pub registration: RegistrationPolicy,
    /// How long audit events are kept; for ever when absent.
    pub audit_retention_days: Option<Spanned<u32>>,
    #[serde(default)]
    pub brand: BrandDeclaration,
    #[serde(rename = "api", default)]
    pub apis: Vec<ApiDeclaration>,
    #[serde(rename = "role", default)]
    pub roles: Vec<RoleDeclaration>,
    #[serde(rename = "client", default)]
    pub clients: Vec<ClientDeclaration>,
    #[serde(rename = "user", default)]
    pub users: Vec<UserDeclaration>,
    #[serde(rename = "resource", default)]
    pub resources: Vec<ResourceDeclaration>,
}
