//! What a dialect file may say about people signing in, and the tokens that come of it.

use std::collections::HashMap;
use std::time::Duration;

use serde::Deserialize;

use super::schema::{ErrorEntry, Headers, MissingScope, seconds, status};
use super::template::{JsonTemplate, TextTemplate};
use super::words::{
    AuthorizationWord, HeaderWord, IdTokenWord, LogoutWord, MetadataWord, RandomWord, SubjectWord,
};
use crate::protocol::{FaultKind, LoopbackPort, PkceMethod, ResponseMode};

/// The authorization endpoint (RFC 6749 §4.1).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AuthorizationPolicy {
    pub response_modes: Vec<ResponseMode>,
    /// 302 or 303: how the browser is sent back to the client.
    #[serde(deserialize_with = "status")]
    pub redirect_status: u16,
    /// Whether a client with exactly one redirect URI may leave it out, unless it asks for
    /// `openid` (RFC 6749 §3.1.2.3).
    pub redirect_uri_optional: bool,
    /// Whether the query of the requested redirect URI is left out of the comparison.
    pub ignores_query_of_redirect_uri: bool,
    /// For which `http` URIs of this machine the port may differ.
    pub loopback_port: LoopbackPort,
    /// The fewest characters `state` must have; 0 when it may be left out.
    pub shortest_state: usize,
    /// How a space is written in the query: `%20` or `+`.
    pub space: Space,
    /// What becomes of a requested scope that the client was not granted.
    pub scope_not_granted: ScopeNotGranted,
    /// What a request means that names no scope.
    pub when_scope_missing: MissingScope,
    /// What the tokens are for when the request names no API and its scope means none.
    pub without_api: WithoutApi,
    /// In seconds.
    #[serde(deserialize_with = "seconds")]
    pub code_lifetime: Duration,
    /// What a code looks like: 256 random bits for each `{random}`.
    pub code: TextTemplate<RandomWord>,
    /// Whether consent is asked for again each time `offline_access` is requested.
    pub reasks_for_offline_access: bool,
    /// Whether refusing every scope that can be refused denies the request, and is not just a
    /// sign-in without them.
    pub refusing_all_denies: bool,
    /// Whether the `claims` parameter is looked at (OIDC Core §5.5).
    pub reads_claims: bool,
    /// Whether a public client whose redirect URI is not `https` gets nothing without the user
    /// being asked: another program may listen there (RFC 8252 §8.6).
    pub silent_needs_https: bool,
    /// `acr` of a sign-in with a password, the only way there is.
    pub acr: String,
    /// Parameters of the answer, in this order.
    pub response: JsonTemplate<AuthorizationWord>,
    /// Parameters of an error, in this order.
    pub error_response: JsonTemplate<AuthorizationWord>,
    /// Errors that are answered otherwise here than elsewhere.
    #[serde(default)]
    pub errors: HashMap<FaultKind, ErrorEntry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
pub enum Space {
    #[serde(rename = "%20")]
    Percent,
    #[serde(rename = "+")]
    Plus,
}

impl Space {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Percent => "%20",
            Self::Plus => "+",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ScopeNotGranted {
    /// The request is refused.
    Refuse,
    /// The scope is left out.
    Drop,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum WithoutApi {
    /// The token is for the issuer itself: its UserInfo endpoint.
    Issuer,
    /// The token names no audience.
    Nobody,
    /// The token names no audience and is opaque, whatever others are.
    Opaque,
}

/// A browser's login.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SessionPolicy {
    /// In seconds from the last use.
    #[serde(deserialize_with = "seconds")]
    pub idle_lifetime: Duration,
    /// In seconds from the sign-in.
    #[serde(deserialize_with = "seconds")]
    pub absolute_lifetime: Duration,
    /// In seconds from the sign-in, for somebody who asked to stay signed in; idle or not.
    #[serde(deserialize_with = "seconds")]
    pub remembered_lifetime: Duration,
    /// `SameSite` of its cookie. `none` lets an application of another site renew tokens in a
    /// frame, where browsers still allow that, and needs HTTPS.
    pub same_site: SameSite,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum SameSite {
    Lax,
    None,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SubjectPolicy {
    /// What every client calls a user that has a public subject. Stored at its first use, so a
    /// change here is for new users only.
    pub public: TextTemplate<SubjectWord>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IdTokenPolicy {
    /// In seconds.
    #[serde(deserialize_with = "seconds")]
    pub lifetime: Duration,
    pub header: JsonTemplate<HeaderWord>,
    /// Claims in this order.
    pub claims: JsonTemplate<IdTokenWord>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserinfoPolicy {
    pub headers: Headers<MetadataWord>,
    /// Claims in this order.
    pub claims: JsonTemplate<IdTokenWord>,
    /// How `updated_at` is written, here and in ID tokens.
    pub updated_at: InstantFormat,
    /// Whether a user's JWT names the UserInfo endpoint in its audience besides the API.
    pub is_in_audience: bool,
    /// Errors that are answered otherwise here than elsewhere.
    #[serde(default)]
    pub errors: HashMap<FaultKind, ErrorEntry>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum InstantFormat {
    /// Since 1970, as OIDC Core §5.1 has it.
    Seconds,
    /// `2026-11-22T09:30:00.000Z`
    Iso8601Milliseconds,
}

/// OIDC RP-Initiated Logout, and what tells other clients of it.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct LogoutPolicy {
    /// Whether somebody can be sent back only with an `id_token_hint`.
    pub return_needs_hint: bool,
    /// Whether an `id_token_hint` that is none of this issuer's is ignored, and not refused.
    pub ignores_bad_hint: bool,
    /// Header and claims of a logout token (OIDC Back-Channel Logout §2.4).
    pub token_header: JsonTemplate<HeaderWord>,
    pub token_claims: JsonTemplate<LogoutWord>,
    /// Errors that are answered otherwise here than elsewhere.
    #[serde(default)]
    pub errors: HashMap<FaultKind, ErrorEntry>,
}

/// Refresh tokens (RFC 6749 §6).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RefreshTokenPolicy {
    /// Scopes of which one must be granted for a refresh token to be issued.
    pub scopes: Vec<String>,
    pub rotation: Rotation,
    /// In seconds from the sign-in.
    #[serde(deserialize_with = "seconds")]
    pub absolute_lifetime: Duration,
    /// In seconds from the last use; 0 when there is no such limit.
    #[serde(deserialize_with = "seconds")]
    pub idle_lifetime: Duration,
    /// In seconds: how long a rotated token still works, for a client whose answer was lost.
    #[serde(deserialize_with = "seconds")]
    pub grace: Duration,
    pub opaque: TextTemplate<RandomWord>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Rotation {
    Always,
    /// For public clients only.
    Public,
    Never,
}

/// PKCE (RFC 7636).
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct PkcePolicy {
    pub required: PkceRequirement,
    pub methods: Vec<PkceMethod>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum PkceRequirement {
    Always,
    /// For public clients only.
    Public,
    Never,
}
