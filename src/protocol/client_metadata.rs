//! The members of a client's metadata (RFC 7591 §2, OIDC Registration §2, the logout
//! specifications), and what can be wrong with them.

use serde::{Deserialize, Deserializer, de::Error};

/// What a member holds.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MemberKind {
    Text,
    /// An array of strings.
    List,
    Flag,
    /// Zero or more, without fraction.
    Number,
    Object,
}

macro_rules! members {
    ($($(#[$doc:meta])* $variant:ident => $name:literal: $kind:ident,)+) => {
        /// A member of a client's metadata, whatever a vendor calls it.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
        pub enum MetadataMember { $($(#[$doc])* $variant,)+ }

        impl MetadataMember {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            /// Its name in the specifications.
            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $name,)+ }
            }

            pub const fn kind(self) -> MemberKind {
                match self { $(Self::$variant => MemberKind::$kind,)+ }
            }

            pub fn find(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == name)
            }
        }
    };
}

members! {
    ClientId => "client_id": Text,
    ClientSecret => "client_secret": Text,
    ClientName => "client_name": Text,
    RedirectUris => "redirect_uris": List,
    TokenEndpointAuthMethod => "token_endpoint_auth_method": Text,
    GrantTypes => "grant_types": List,
    ResponseTypes => "response_types": List,
    Scope => "scope": Text,
    /// Which APIs it wants tokens for: Ory Hydra's.
    Audience => "audience": List,
    ApplicationType => "application_type": Text,
    Contacts => "contacts": List,
    ClientUri => "client_uri": Text,
    LogoUri => "logo_uri": Text,
    PolicyUri => "policy_uri": Text,
    TosUri => "tos_uri": Text,
    Jwks => "jwks": Object,
    JwksUri => "jwks_uri": Text,
    SectorIdentifierUri => "sector_identifier_uri": Text,
    SubjectType => "subject_type": Text,
    IdTokenSignedResponseAlg => "id_token_signed_response_alg": Text,
    UserinfoSignedResponseAlg => "userinfo_signed_response_alg": Text,
    DefaultMaxAge => "default_max_age": Number,
    RequireAuthTime => "require_auth_time": Flag,
    InitiateLoginUri => "initiate_login_uri": Text,
    PostLogoutRedirectUris => "post_logout_redirect_uris": List,
    FrontchannelLogoutUri => "frontchannel_logout_uri": Text,
    FrontchannelLogoutSessionRequired => "frontchannel_logout_session_required": Flag,
    BackchannelLogoutUri => "backchannel_logout_uri": Text,
    BackchannelLogoutSessionRequired => "backchannel_logout_session_required": Flag,
    SoftwareId => "software_id": Text,
    SoftwareVersion => "software_version": Text,
    SoftwareStatement => "software_statement": Text,
    /// Whose it is: Ory Hydra's.
    Owner => "owner": Text,
    /// What an administrator notes: Ory Hydra's.
    Metadata => "metadata": Object,
    /// Whether users need not be asked: Ory Hydra's.
    SkipConsent => "skip_consent": Flag,
    // What would protect the client more than this server can: refused, because a client that
    // asks for it may rely on it.
    IdTokenEncryptedResponseAlg => "id_token_encrypted_response_alg": Text,
    UserinfoEncryptedResponseAlg => "userinfo_encrypted_response_alg": Text,
    RequestObjectSigningAlg => "request_object_signing_alg": Text,
    RequireSignedRequestObject => "require_signed_request_object": Flag,
    RequirePushedAuthorizationRequests => "require_pushed_authorization_requests": Flag,
    TlsClientCertificateBoundAccessTokens => "tls_client_certificate_bound_access_tokens": Flag,
    DpopBoundAccessTokens => "dpop_bound_access_tokens": Flag,
}

impl<'de> Deserialize<'de> for MetadataMember {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        Self::find(&name).ok_or_else(|| {
            let known = Self::ALL.iter().map(|member| member.as_str());
            D::Error::custom(format!(
                "`{name}` is no member of a client's metadata; {}",
                crate::source::suggest(&name, known)
            ))
        })
    }
}

/// `application_type` (OIDC Registration §2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ApplicationType {
    /// At a server, or in a browser.
    Web,
    /// On a person's device.
    Native,
}

impl ApplicationType {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Web => "web",
            Self::Native => "native",
        }
    }

    pub fn find(name: &str) -> Option<Self> {
        [Self::Web, Self::Native]
            .into_iter()
            .find(|known| known.as_str() == name)
    }
}

/// The error code of a metadata problem (RFC 7591 §3.2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MetadataCode {
    InvalidRedirectUri,
    InvalidClientMetadata,
    InvalidSoftwareStatement,
    UnapprovedSoftwareStatement,
}

impl MetadataCode {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::InvalidRedirectUri => "invalid_redirect_uri",
            Self::InvalidClientMetadata => "invalid_client_metadata",
            Self::InvalidSoftwareStatement => "invalid_software_statement",
            Self::UnapprovedSoftwareStatement => "unapproved_software_statement",
        }
    }
}

/// One thing that is wrong with a client's metadata.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct MetadataProblem {
    pub member: MetadataMember,
    pub code: MetadataCode,
    /// Whether it is not there at all, which a vendor may have words of its own for.
    pub is_missing: bool,
    /// A sentence without its subject, which is the member: "has a fragment".
    pub message: String,
}

impl MetadataProblem {
    pub fn new(member: MetadataMember, message: impl Into<String>) -> Self {
        Self {
            code: match member {
                MetadataMember::RedirectUris => MetadataCode::InvalidRedirectUri,
                _ => MetadataCode::InvalidClientMetadata,
            },
            member,
            is_missing: false,
            message: message.into(),
        }
    }

    pub fn missing(member: MetadataMember) -> Self {
        Self {
            is_missing: true,
            ..Self::new(member, "is missing")
        }
    }

    pub fn with_code(mut self, code: MetadataCode) -> Self {
        self.code = code;
        self
    }
}
