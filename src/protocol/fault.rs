//! What can be wrong with a request: one value per case, with what a message about it needs.
//!
//! A fault is not yet an answer. Which status, code and words it gets is the dialect's business:
//! every [`FaultKind`] has an entry in the dialect's error table.

use std::borrow::Cow;

use serde::Deserialize;

use super::{ClientAuthMethod, MetadataCode, MetadataProblem, Scope};

/// A refused request. Fields hold what the client sent, never a secret: so parameters are named
/// only if they are known ones, because a body in the wrong encoding has secrets in its names.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Fault {
    // The request as HTTP.
    #[error("there is nothing at this path")]
    NotFound,
    #[error("the method is not allowed here")]
    MethodNotAllowed { method: String },
    #[error("the body is larger than {limit} bytes")]
    BodyTooLarge { limit: usize },
    #[error("the body did not arrive in time")]
    RequestTimeout,
    #[error("media type {media_type:?} is not read here")]
    UnsupportedMediaType { media_type: String },
    #[error("the body has no media type")]
    MissingMediaType,
    #[error("the request has no body")]
    EmptyBody,
    #[error("the body cannot be parsed: {reason}")]
    MalformedBody { reason: Cow<'static, str> },

    // Its parameters.
    #[error("a parameter is not valid UTF-8, or its percent-encoding is broken")]
    InvalidEncoding,
    #[error("{parameter} stands more than once")]
    RepeatedParameter { parameter: &'static str },
    #[error("{parameter} is longer than {limit} bytes")]
    OverlongParameter {
        parameter: &'static str,
        limit: usize,
    },
    #[error("there are more than {limit} parameters")]
    TooManyParameters { limit: usize },
    #[error("{parameter} has the wrong JSON type")]
    WrongParameterType { parameter: &'static str },
    #[error("`scope` has the wrong JSON type")]
    WrongScopeType,
    #[error("`grant_type` is missing")]
    MissingGrantType,
    #[error("`{parameter}` is missing")]
    MissingParameter { parameter: &'static str },
    #[error("`code` is missing")]
    MissingCode,

    // The client (RFC 6749 §2.3).
    #[error("no client identified itself")]
    MissingClientCredentials,
    #[error("the Authorization header cannot be read")]
    MalformedCredentials,
    #[error("two client authentication methods at once")]
    TwoClientAuthMethods,
    #[error("client authentication by {} is not accepted", presented.as_str())]
    ClientAuthMethodNotAccepted { presented: ClientAuthMethod },
    #[error("the client is registered for {}, and used {}", registered.as_str(), presented.as_str())]
    ClientAuthMethodMismatch {
        registered: ClientAuthMethod,
        presented: ClientAuthMethod,
    },
    /// Unknown client, wrong or missing secret: one fault, so that nobody can tell which.
    #[error("client authentication failed")]
    ClientAuthenticationFailed { client_id: String },

    // The grant.
    #[error("grant type {grant_type:?} is not supported")]
    UnsupportedGrantType { grant_type: String },
    #[error("the client may not use grant type {grant_type:?}")]
    GrantTypeNotAllowed { grant_type: String },
    #[error("a public client may not use grant type {grant_type:?}")]
    PublicClientNotAllowed { grant_type: String },

    // What the token is for.
    #[error("no audience")]
    MissingAudience,
    #[error("the audience is not clear from the request")]
    AmbiguousAudience,
    #[error("an audience is not an absolute URI without fragment")]
    MalformedAudience { audience: String },
    #[error("more than one audience")]
    TooManyAudiences,
    #[error("the client was granted no API")]
    NoApiGranted,
    #[error("there is no such API")]
    UnknownAudience { audience: String },
    #[error("the client has no grant for this API")]
    AudienceNotGranted { audience: String },
    #[error("a scope token is malformed")]
    MalformedScope { scope: String },
    #[error("no scope")]
    MissingScope,
    #[error("scope {scope} is not granted to the client")]
    ScopeNotGranted { scope: Scope },
    #[error("there is no scope {scope}")]
    UnknownScope { scope: Scope },

    // The authorization request (RFC 6749 §4.1.1, OIDC Core §3.1.2.1).
    #[error("there is no such client")]
    UnknownClient { client_id: String },
    #[error("no redirect_uri, and not exactly one is registered")]
    MissingRedirectUri,
    #[error("redirect_uri is not registered")]
    RedirectUriNotRegistered { redirect_uri: String },
    #[error("response_type {response_type:?} is not supported")]
    UnsupportedResponseType { response_type: String },
    #[error("response_mode {response_mode:?} is not supported")]
    UnsupportedResponseMode { response_mode: String },
    #[error("state is missing or too short")]
    WeakState { shortest: usize },
    #[error("code_challenge is missing")]
    MissingCodeChallenge,
    #[error("code_challenge is malformed")]
    MalformedCodeChallenge,
    #[error("code_challenge_method {method:?} is not supported")]
    UnsupportedCodeChallengeMethod { method: String },
    #[error("{parameter} cannot be read: {reason}")]
    MalformedParameter {
        parameter: &'static str,
        reason: &'static str,
    },
    #[error("the whole request is longer than {limit} bytes")]
    OverlongRequest { limit: usize },
    #[error("request objects are not supported")]
    RequestNotSupported,
    #[error("request_uri is not supported")]
    RequestUriNotSupported,
    #[error("the registration parameter is not supported")]
    RegistrationNotSupported,
    #[error("nobody is signed in, and the user must not be asked")]
    LoginRequired,
    #[error("consent is needed, and the user must not be asked")]
    ConsentRequired,
    #[error("an account must be chosen, and the user must not be asked")]
    AccountSelectionRequired,
    #[error("the user, or this server, denied the request")]
    AccessDenied,
    #[error("no authentication method here is of the class that was required")]
    UnmetAuthenticationRequirements,

    // What a user's authorization is exchanged for (RFC 6749 §4.1.3, §6).
    #[error("the code is unknown or expired")]
    InvalidCode,
    #[error("the code was used before; what it produced has been revoked")]
    SpentCode,
    #[error("the code was issued to another client")]
    CodeOfAnotherClient,
    #[error("redirect_uri is not the one of the authorization request")]
    RedirectUriDiffers {
        redirect_uri: String,
        expected: String,
    },
    #[error("redirect_uri is missing, and was there in the authorization request")]
    RedirectUriMissing { expected: String },
    #[error("code_verifier is missing")]
    MissingCodeVerifier,
    #[error("code_verifier was sent, and no code_challenge before")]
    UnexpectedCodeVerifier,
    #[error("code_verifier has not the form of one")]
    MalformedCodeVerifier,
    #[error("code_verifier does not fit the code_challenge")]
    WrongCodeVerifier,
    #[error("the refresh token is unknown, revoked, or another client's")]
    InvalidRefreshToken,
    #[error("the refresh token has expired")]
    ExpiredRefreshToken,
    #[error("the refresh token was used before; its family has been revoked")]
    SpentRefreshToken,
    #[error("the user is blocked")]
    UserBlocked,

    // Logout (OIDC RP-Initiated Logout §2).
    #[error("id_token_hint is missing")]
    MissingIdTokenHint,
    #[error("id_token_hint is not an ID token of this issuer")]
    InvalidIdTokenHint,
    #[error("the URI to return to after logout is not registered")]
    PostLogoutUriNotRegistered { uri: String },

    // Revocation (RFC 7009).
    #[error("`token_type_hint` names no type of token there is")]
    UnsupportedTokenType,
    #[error("the token was issued to another client")]
    TokenOfAnotherClient,

    // A protected resource (RFC 6750 §3.1).
    #[error("no access token")]
    MissingAccessToken,
    #[error("the access token is not valid here")]
    InvalidAccessToken,
    #[error("the access token has expired")]
    ExpiredAccessToken,
    #[error("the access token lacks scope {scope}")]
    InsufficientScope { scope: Scope },

    // Registration (RFC 7591 §3.2.2, RFC 7592).
    #[error("nobody may register a client here")]
    RegistrationClosed,
    #[error("no initial access token")]
    MissingInitialAccessToken,
    #[error("the initial access token is unknown, expired or used up")]
    InvalidInitialAccessToken,
    #[error("no registration access token")]
    MissingRegistrationToken,
    /// Or there is no such client: one fault, so that nobody can tell which.
    #[error("the registration access token is not this client's")]
    InvalidRegistrationToken,
    /// Never empty; the code of the first is the answer's.
    #[error("{}", metadata_problems(.0))]
    InvalidClientMetadata(Vec<MetadataProblem>),
    #[error("{member} cannot be set here")]
    MemberRefused { member: String },
    #[error("the client was changed in the meantime")]
    ClientChanged,
    #[error("this network has registered too many clients")]
    RegistrationThrottled { seconds: u64 },

    // A vendor's administration of clients.
    #[error("there is no client of this ID")]
    ClientNotFound,
    #[error("there is a client of this ID already")]
    ClientExists,
    #[error("the patch cannot be applied: {reason}")]
    MalformedPatch { reason: String },
    #[error("this is not supported")]
    NotSupported,

    // This server.
    #[error("too many requests")]
    TooManyRequests,
    /// The database cannot be reached; the details are in the log.
    #[error("temporarily unavailable")]
    TemporarilyUnavailable,
}

/// A [`Fault`] without its details: the name of an entry in a dialect's error table.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum FaultKind {
    NotFound,
    MethodNotAllowed,
    BodyTooLarge,
    RequestTimeout,
    UnsupportedMediaType,
    MissingMediaType,
    EmptyBody,
    MalformedBody,
    InvalidEncoding,
    RepeatedParameter,
    OverlongParameter,
    TooManyParameters,
    WrongParameterType,
    WrongScopeType,
    MissingGrantType,
    MissingParameter,
    MissingCode,
    MissingClientCredentials,
    MalformedCredentials,
    TwoClientAuthMethods,
    ClientAuthMethodNotAccepted,
    ClientAuthMethodMismatch,
    ClientAuthenticationFailed,
    UnsupportedGrantType,
    GrantTypeNotAllowed,
    PublicClientNotAllowed,
    MissingAudience,
    AmbiguousAudience,
    MalformedAudience,
    TooManyAudiences,
    NoApiGranted,
    UnknownAudience,
    AudienceNotGranted,
    MalformedScope,
    MissingScope,
    ScopeNotGranted,
    UnknownScope,
    UnknownClient,
    MissingRedirectUri,
    RedirectUriNotRegistered,
    UnsupportedResponseType,
    UnsupportedResponseMode,
    WeakState,
    MissingCodeChallenge,
    MalformedCodeChallenge,
    UnsupportedCodeChallengeMethod,
    MalformedParameter,
    OverlongRequest,
    RequestNotSupported,
    RequestUriNotSupported,
    RegistrationNotSupported,
    LoginRequired,
    ConsentRequired,
    AccountSelectionRequired,
    AccessDenied,
    UnmetAuthenticationRequirements,
    InvalidCode,
    SpentCode,
    CodeOfAnotherClient,
    RedirectUriDiffers,
    RedirectUriMissing,
    MissingCodeVerifier,
    UnexpectedCodeVerifier,
    MalformedCodeVerifier,
    WrongCodeVerifier,
    InvalidRefreshToken,
    ExpiredRefreshToken,
    SpentRefreshToken,
    UserBlocked,
    MissingIdTokenHint,
    InvalidIdTokenHint,
    PostLogoutUriNotRegistered,
    UnsupportedTokenType,
    TokenOfAnotherClient,
    MissingAccessToken,
    InvalidAccessToken,
    ExpiredAccessToken,
    InsufficientScope,
    RegistrationClosed,
    MissingInitialAccessToken,
    InvalidInitialAccessToken,
    MissingRegistrationToken,
    InvalidRegistrationToken,
    InvalidRedirectUri,
    InvalidClientMetadata,
    InvalidSoftwareStatement,
    UnapprovedSoftwareStatement,
    MemberRefused,
    ClientChanged,
    RegistrationThrottled,
    ClientNotFound,
    ClientExists,
    MalformedPatch,
    NotSupported,
    TooManyRequests,
    TemporarilyUnavailable,
}

impl FaultKind {
    pub const COUNT: usize = Self::TemporarilyUnavailable as usize + 1;

    /// Whether a protected resource says this, in its own shape, and not the token endpoint.
    pub const fn is_of_a_resource(self) -> bool {
        matches!(
            self,
            Self::MissingAccessToken
                | Self::InvalidAccessToken
                | Self::ExpiredAccessToken
                | Self::InsufficientScope
        )
    }
}

impl Fault {
    pub const fn kind(&self) -> FaultKind {
        match self {
            Self::NotFound => FaultKind::NotFound,
            Self::MethodNotAllowed { .. } => FaultKind::MethodNotAllowed,
            Self::BodyTooLarge { .. } => FaultKind::BodyTooLarge,
            Self::RequestTimeout => FaultKind::RequestTimeout,
            Self::UnsupportedMediaType { .. } => FaultKind::UnsupportedMediaType,
            Self::MissingMediaType => FaultKind::MissingMediaType,
            Self::EmptyBody => FaultKind::EmptyBody,
            Self::MalformedBody { .. } => FaultKind::MalformedBody,
            Self::InvalidEncoding => FaultKind::InvalidEncoding,
            Self::RepeatedParameter { .. } => FaultKind::RepeatedParameter,
            Self::OverlongParameter { .. } => FaultKind::OverlongParameter,
            Self::TooManyParameters { .. } => FaultKind::TooManyParameters,
            Self::WrongParameterType { .. } => FaultKind::WrongParameterType,
            Self::WrongScopeType => FaultKind::WrongScopeType,
            Self::MissingGrantType => FaultKind::MissingGrantType,
            Self::MissingParameter { .. } => FaultKind::MissingParameter,
            Self::MissingCode => FaultKind::MissingCode,
            Self::MissingClientCredentials => FaultKind::MissingClientCredentials,
            Self::MalformedCredentials => FaultKind::MalformedCredentials,
            Self::TwoClientAuthMethods => FaultKind::TwoClientAuthMethods,
            Self::ClientAuthMethodNotAccepted { .. } => FaultKind::ClientAuthMethodNotAccepted,
            Self::ClientAuthMethodMismatch { .. } => FaultKind::ClientAuthMethodMismatch,
            Self::ClientAuthenticationFailed { .. } => FaultKind::ClientAuthenticationFailed,
            Self::UnsupportedGrantType { .. } => FaultKind::UnsupportedGrantType,
            Self::GrantTypeNotAllowed { .. } => FaultKind::GrantTypeNotAllowed,
            Self::PublicClientNotAllowed { .. } => FaultKind::PublicClientNotAllowed,
            Self::MissingAudience => FaultKind::MissingAudience,
            Self::AmbiguousAudience => FaultKind::AmbiguousAudience,
            Self::MalformedAudience { .. } => FaultKind::MalformedAudience,
            Self::TooManyAudiences => FaultKind::TooManyAudiences,
            Self::NoApiGranted => FaultKind::NoApiGranted,
            Self::UnknownAudience { .. } => FaultKind::UnknownAudience,
            Self::AudienceNotGranted { .. } => FaultKind::AudienceNotGranted,
            Self::MalformedScope { .. } => FaultKind::MalformedScope,
            Self::MissingScope => FaultKind::MissingScope,
            Self::ScopeNotGranted { .. } => FaultKind::ScopeNotGranted,
            Self::UnknownScope { .. } => FaultKind::UnknownScope,
            Self::UnknownClient { .. } => FaultKind::UnknownClient,
            Self::MissingRedirectUri => FaultKind::MissingRedirectUri,
            Self::RedirectUriNotRegistered { .. } => FaultKind::RedirectUriNotRegistered,
            Self::UnsupportedResponseType { .. } => FaultKind::UnsupportedResponseType,
            Self::UnsupportedResponseMode { .. } => FaultKind::UnsupportedResponseMode,
            Self::WeakState { .. } => FaultKind::WeakState,
            Self::MissingCodeChallenge => FaultKind::MissingCodeChallenge,
            Self::MalformedCodeChallenge => FaultKind::MalformedCodeChallenge,
            Self::UnsupportedCodeChallengeMethod { .. } => {
                FaultKind::UnsupportedCodeChallengeMethod
            }
            Self::MalformedParameter { .. } => FaultKind::MalformedParameter,
            Self::OverlongRequest { .. } => FaultKind::OverlongRequest,
            Self::RequestNotSupported => FaultKind::RequestNotSupported,
            Self::RequestUriNotSupported => FaultKind::RequestUriNotSupported,
            Self::RegistrationNotSupported => FaultKind::RegistrationNotSupported,
            Self::LoginRequired => FaultKind::LoginRequired,
            Self::ConsentRequired => FaultKind::ConsentRequired,
            Self::AccountSelectionRequired => FaultKind::AccountSelectionRequired,
            Self::AccessDenied => FaultKind::AccessDenied,
            Self::UnmetAuthenticationRequirements => FaultKind::UnmetAuthenticationRequirements,
            Self::InvalidCode => FaultKind::InvalidCode,
            Self::SpentCode => FaultKind::SpentCode,
            Self::CodeOfAnotherClient => FaultKind::CodeOfAnotherClient,
            Self::RedirectUriDiffers { .. } => FaultKind::RedirectUriDiffers,
            Self::RedirectUriMissing { .. } => FaultKind::RedirectUriMissing,
            Self::MissingCodeVerifier => FaultKind::MissingCodeVerifier,
            Self::UnexpectedCodeVerifier => FaultKind::UnexpectedCodeVerifier,
            Self::MalformedCodeVerifier => FaultKind::MalformedCodeVerifier,
            Self::WrongCodeVerifier => FaultKind::WrongCodeVerifier,
            Self::InvalidRefreshToken => FaultKind::InvalidRefreshToken,
            Self::ExpiredRefreshToken => FaultKind::ExpiredRefreshToken,
            Self::SpentRefreshToken => FaultKind::SpentRefreshToken,
            Self::UserBlocked => FaultKind::UserBlocked,
            Self::MissingIdTokenHint => FaultKind::MissingIdTokenHint,
            Self::InvalidIdTokenHint => FaultKind::InvalidIdTokenHint,
            Self::PostLogoutUriNotRegistered { .. } => FaultKind::PostLogoutUriNotRegistered,
            Self::UnsupportedTokenType => FaultKind::UnsupportedTokenType,
            Self::TokenOfAnotherClient => FaultKind::TokenOfAnotherClient,
            Self::MissingAccessToken => FaultKind::MissingAccessToken,
            Self::InvalidAccessToken => FaultKind::InvalidAccessToken,
            Self::ExpiredAccessToken => FaultKind::ExpiredAccessToken,
            Self::InsufficientScope { .. } => FaultKind::InsufficientScope,
            Self::RegistrationClosed => FaultKind::RegistrationClosed,
            Self::MissingInitialAccessToken => FaultKind::MissingInitialAccessToken,
            Self::InvalidInitialAccessToken => FaultKind::InvalidInitialAccessToken,
            Self::MissingRegistrationToken => FaultKind::MissingRegistrationToken,
            Self::InvalidRegistrationToken => FaultKind::InvalidRegistrationToken,
            Self::InvalidClientMetadata(problems) => match problems.as_slice() {
                [] => FaultKind::InvalidClientMetadata,
                [first, ..] => match first.code {
                    MetadataCode::InvalidRedirectUri => FaultKind::InvalidRedirectUri,
                    MetadataCode::InvalidClientMetadata => FaultKind::InvalidClientMetadata,
                    MetadataCode::InvalidSoftwareStatement => FaultKind::InvalidSoftwareStatement,
                    MetadataCode::UnapprovedSoftwareStatement => {
                        FaultKind::UnapprovedSoftwareStatement
                    }
                },
            },
            Self::MemberRefused { .. } => FaultKind::MemberRefused,
            Self::ClientChanged => FaultKind::ClientChanged,
            Self::RegistrationThrottled { .. } => FaultKind::RegistrationThrottled,
            Self::ClientNotFound => FaultKind::ClientNotFound,
            Self::ClientExists => FaultKind::ClientExists,
            Self::MalformedPatch { .. } => FaultKind::MalformedPatch,
            Self::NotSupported => FaultKind::NotSupported,
            Self::TooManyRequests => FaultKind::TooManyRequests,
            Self::TemporarilyUnavailable => FaultKind::TemporarilyUnavailable,
        }
    }
}

fn metadata_problems(problems: &[MetadataProblem]) -> String {
    let texts: Vec<String> = problems
        .iter()
        .map(|problem| format!("{} {}", problem.member.as_str(), problem.message))
        .collect();
    texts.join("; ")
}
