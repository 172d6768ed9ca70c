//! An authorization server identity, its clients, and the APIs its tokens are for.

mod api;
mod client;
mod settings;
mod uri;

use std::sync::Arc;

use uuid::Uuid;

use crate::dialect::Dialect;
use crate::keys::KeySet;

pub use api::{Api, ApiScope};
pub use client::{
    Client, ClientGrant, ClientKind, ClientMetadata, ClientRecord, GrantedScope,
    InitialAccessToken, PreviousSecret, RegisteredBy, SubjectType,
};
pub use settings::{BrandSettings, IssuerSettings, Logo, RegistrationPolicy, SampleResource};
pub use uri::{check_redirect_uri, is_web_uri};

/// An issuer's identity in the database; every row of an issuer carries it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct IssuerId(pub Uuid);

/// One authorization server identity (RFC 8414 `issuer`), as it runs.
#[derive(Debug)]
pub struct Issuer {
    pub id: IssuerId,
    /// The segment of its path, and its name in the configuration.
    pub name: String,
    pub dialect: Arc<Dialect>,
    pub keys: KeySet,
    /// Every identifier this issuer is reached under: by path, by host, at the root. A token
    /// that names any of them is its own.
    pub identifiers: Vec<String>,
    pub settings: IssuerSettings,
    /// Whether it is one of those of `locum dev`: every `http` URI of this machine is good for
    /// being sent to after a logout.
    pub is_demo: bool,
}
