//! The RFCs' vocabulary as types, spelled as on the wire.

mod client_auth_method;
mod client_metadata;
mod fault;
mod grant_type;
mod parameters;
mod pkce;
mod public_keys;
mod redirect_uri;
mod response_mode;
mod scope;
mod signing_alg;

pub use client_auth_method::ClientAuthMethod;
pub use client_metadata::{
    ApplicationType, MemberKind, MetadataCode, MetadataMember, MetadataProblem,
};
pub use fault::{Fault, FaultKind};
pub use grant_type::GrantType;
pub use parameters::Parameters;
pub use pkce::PkceMethod;
pub use public_keys::check_public_keys;
pub use redirect_uri::{
    LoopbackPort, RedirectMatching, have_one_host, host, is_loopback_http, origin, with_parameters,
};
pub use response_mode::ResponseMode;
pub use scope::{MalformedScope, Scope};
pub use signing_alg::SigningAlg;

/// Names of request parameters. Each stands here once; everything else uses the constant.
pub mod parameter {
    pub const ACCESS_TOKEN: &str = "access_token";
    pub const ACR_VALUES: &str = "acr_values";
    pub const AUDIENCE: &str = "audience";
    pub const CLAIMS: &str = "claims";
    pub const CLIENT_ID: &str = "client_id";
    pub const CLIENT_SECRET: &str = "client_secret";
    pub const CODE: &str = "code";
    pub const CODE_CHALLENGE: &str = "code_challenge";
    pub const CODE_CHALLENGE_METHOD: &str = "code_challenge_method";
    pub const CODE_VERIFIER: &str = "code_verifier";
    pub const DISPLAY: &str = "display";
    pub const GRANT_TYPE: &str = "grant_type";
    pub const ID_TOKEN_HINT: &str = "id_token_hint";
    pub const LOGIN_HINT: &str = "login_hint";
    pub const LOGOUT_HINT: &str = "logout_hint";
    pub const MAX_AGE: &str = "max_age";
    pub const NONCE: &str = "nonce";
    pub const POST_LOGOUT_REDIRECT_URI: &str = "post_logout_redirect_uri";
    pub const PROMPT: &str = "prompt";
    pub const REDIRECT_URI: &str = "redirect_uri";
    pub const REFRESH_TOKEN: &str = "refresh_token";
    pub const REGISTRATION: &str = "registration";
    pub const REQUEST: &str = "request";
    pub const REQUEST_URI: &str = "request_uri";
    pub const RESOURCE: &str = "resource";
    pub const RESPONSE_MODE: &str = "response_mode";
    pub const RESPONSE_TYPE: &str = "response_type";
    pub const RETURN_TO: &str = "returnTo";
    pub const SCOPE: &str = "scope";
    pub const STATE: &str = "state";
    pub const TOKEN: &str = "token";
    pub const TOKEN_TYPE_HINT: &str = "token_type_hint";
    pub const UI_LOCALES: &str = "ui_locales";

    /// Every parameter an endpoint reads.
    const KNOWN: [&str; 33] = [
        ACCESS_TOKEN,
        ACR_VALUES,
        AUDIENCE,
        CLAIMS,
        CLIENT_ID,
        CLIENT_SECRET,
        CODE,
        CODE_CHALLENGE,
        CODE_CHALLENGE_METHOD,
        CODE_VERIFIER,
        DISPLAY,
        GRANT_TYPE,
        ID_TOKEN_HINT,
        LOGIN_HINT,
        LOGOUT_HINT,
        MAX_AGE,
        NONCE,
        POST_LOGOUT_REDIRECT_URI,
        PROMPT,
        REDIRECT_URI,
        REFRESH_TOKEN,
        REGISTRATION,
        REQUEST,
        REQUEST_URI,
        RESOURCE,
        RESPONSE_MODE,
        RESPONSE_TYPE,
        RETURN_TO,
        SCOPE,
        STATE,
        TOKEN,
        TOKEN_TYPE_HINT,
        UI_LOCALES,
    ];

    /// The parameter as this server knows it; `None` when nothing reads it.
    pub fn known(name: &str) -> Option<&'static str> {
        KNOWN.into_iter().find(|known| *known == name)
    }

    /// A parameter's name for a message.
    pub(super) fn for_message(name: &str) -> &'static str {
        known(name).unwrap_or("of an unknown name")
    }
}

/// Whether `text` is one or more VSCHAR, which is what `client_id` is made of
/// (RFC 6749 Appendix A.1). Such text is safe in a header, a log line and a claim.
pub fn is_vschar(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|byte| (0x20..=0x7E).contains(&byte))
}

/// Whether it changes in which direction a text is read, or has no width: with such marks a name
/// could dress up as another, or reorder the words around it.
pub fn is_invisible(c: char) -> bool {
    const INVISIBLE: [char; 14] = [
        '\u{200b}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}',
        '\u{202e}', '\u{2060}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}', '\u{feff}',
    ];
    INVISIBLE.contains(&c)
}
