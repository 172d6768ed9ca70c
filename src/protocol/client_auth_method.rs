use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// `token_endpoint_auth_method` (RFC 7591 §2): how a client proves who it is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum ClientAuthMethod {
    /// ID and secret in the `Authorization` header (RFC 6749 §2.3.1).
    ClientSecretBasic,
    /// ID and secret in the body.
    ClientSecretPost,
    /// A public client: an ID and nothing else.
    None,
}

impl ClientAuthMethod {
    pub const ALL: [Self; 3] = [Self::ClientSecretBasic, Self::ClientSecretPost, Self::None];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ClientSecretBasic => "client_secret_basic",
            Self::ClientSecretPost => "client_secret_post",
            Self::None => "none",
        }
    }

    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|method| method.as_str() == name)
    }
}
