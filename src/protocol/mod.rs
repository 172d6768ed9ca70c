//! The RFCs' vocabulary as types, spelled as on the wire.

mod client_auth_method;
mod fault;
mod grant_type;
mod parameters;
mod pkce;
mod scope;
mod signing_alg;

pub use client_auth_method::ClientAuthMethod;
pub use fault::{Fault, FaultKind};
pub use grant_type::GrantType;
pub use parameters::Parameters;
pub use pkce::PkceMethod;
pub use scope::{MalformedScope, Scope};
pub use signing_alg::SigningAlg;

/// Names of request parameters. Each stands here once; everything else uses the constant.
pub mod parameter {
    pub const AUDIENCE: &str = "audience";
    pub const CLIENT_ID: &str = "client_id";
    pub const CLIENT_SECRET: &str = "client_secret";
    pub const GRANT_TYPE: &str = "grant_type";
    pub const RESOURCE: &str = "resource";
    pub const SCOPE: &str = "scope";
    pub const TOKEN: &str = "token";
    pub const TOKEN_TYPE_HINT: &str = "token_type_hint";

    /// Every parameter an endpoint reads.
    const KNOWN: [&str; 8] = [
        AUDIENCE,
        CLIENT_ID,
        CLIENT_SECRET,
        GRANT_TYPE,
        RESOURCE,
        SCOPE,
        TOKEN,
        TOKEN_TYPE_HINT,
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
