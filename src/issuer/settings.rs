use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use crate::dialect::Dialect;
use crate::protocol::SigningAlg;

/// What an issuer is set to, beside its dialect: everything a running server needs to know of it
/// that is no row of its own.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct IssuerSettings {
    /// A host name under which it is at the root, besides its path.
    pub host: Option<String>,
    /// One key for each, the first signs; the dialect's when empty.
    pub signing_algs: Vec<SigningAlg>,
    /// Where any client may send people after they have signed out, besides its own.
    pub post_logout_redirect_uris: Vec<String>,
    pub brand: BrandSettings,
    /// Who may register a client (RFC 7591 §3).
    pub registration: RegistrationPolicy,
    /// How long audit events are kept; for ever when absent.
    pub audit_retention_days: Option<u32>,
    /// Things a token can be tried on.
    pub resources: Vec<SampleResource>,
}

impl IssuerSettings {
    /// What the issuer needs a key for; the first is preferred.
    pub fn algs<'a>(&'a self, dialect: &'a Dialect) -> &'a [SigningAlg] {
        if self.signing_algs.is_empty() {
            &dialect.signing.algs
        } else {
            &self.signing_algs
        }
    }
}

/// How an issuer presents itself on its pages.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(default)]
pub struct BrandSettings {
    /// The issuer's name when absent.
    pub name: Option<String>,
    /// `#rrggbb`
    pub color: Option<String>,
    pub logo: Option<Logo>,
    /// Where people get help.
    pub help_uri: Option<String>,
}

/// A picture, and what it is.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct Logo {
    pub media_type: String,
    /// In base64.
    #[serde(with = "base64_bytes")]
    #[schemars(with = "String")]
    pub bytes: Vec<u8>,
}

impl Logo {
    /// The picture in a URL (RFC 2397), for where there is no file.
    pub fn data_url(&self) -> String {
        let bytes = BASE64_STANDARD.encode(&self.bytes);
        format!("data:{};base64,{bytes}", self.media_type)
    }

    /// What [`Self::data_url`] made; `None` for anything else.
    pub fn from_data_url(url: &str) -> Option<Self> {
        let (media_type, bytes) = url.strip_prefix("data:")?.split_once(";base64,")?;
        Some(Self {
            media_type: media_type.to_owned(),
            bytes: BASE64_STANDARD.decode(bytes).ok()?,
        })
    }
}

/// Who may register a client at the registration endpoint.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum RegistrationPolicy {
    /// Nobody: the endpoint is not there.
    #[default]
    Closed,
    /// Whoever has an initial access token.
    Guarded,
    /// Everybody.
    Open,
}

impl RegistrationPolicy {
    pub const ALL: [Self; 3] = [Self::Closed, Self::Guarded, Self::Open];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Closed => "closed",
            Self::Guarded => "guarded",
            Self::Open => "open",
        }
    }

    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|policy| policy.as_str() == name)
    }
}

/// A sample protected resource, so that a token can be tried out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct SampleResource {
    /// Below the issuer's own path.
    pub path: String,
    /// HTTP methods: `GET`, `POST`.
    pub methods: Vec<String>,
    /// What a token needs, all of it, between spaces.
    pub scope: String,
    /// Which audiences a token may be for; any when empty.
    pub audience: Vec<String>,
    /// See `oauth::access_token::Requirement`.
    pub unscoped_means_every_permission: bool,
    /// Whether `Authorization: <token>`, without `Bearer`, is understood as well.
    pub accepts_bare_token: bool,
    /// Headers that may carry the bare token instead of `Authorization`.
    pub token_headers: Vec<String>,
    /// Headers a page may send besides.
    pub allow_headers: Vec<String>,
    pub content_type: String,
    pub body: String,
}

mod base64_bytes {
    use super::{BASE64_STANDARD, Engine};
    use serde::{Deserialize, Deserializer, Serializer, de::Error};

    pub fn serialize<S: Serializer>(bytes: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
        serializer.serialize_str(&BASE64_STANDARD.encode(bytes))
    }

    pub fn deserialize<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Vec<u8>, D::Error> {
        let text = String::deserialize(deserializer)?;
        BASE64_STANDARD.decode(text).map_err(D::Error::custom)
    }
}
