//! What a dialect file may say. Each field is documented with its unit and what it decides.

use std::collections::HashMap;
use std::time::Duration;

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

use super::endpoints::{Endpoint, Endpoints};
use super::registration::RegistrationShape;
use super::sign_in::{
    AuthorizationPolicy, IdTokenPolicy, LogoutPolicy, PkcePolicy, RefreshTokenPolicy,
    SessionPolicy, SubjectPolicy, UserinfoPolicy,
};
use super::template::{BodyTemplate, JsonTemplate, Lookup, TextTemplate, Value};
use super::words::{
    AddressWord, FaultWord, HeaderWord, KeyWord, MetadataWord, RandomWord, ResponseWord, TokenWord,
};
use crate::issuer::ClientKind;
use crate::protocol::{ClientAuthMethod, Fault, FaultKind, GrantType, SigningAlg, parameter};

/// A vendor's way to speak OAuth.
#[expect(
    clippy::manual_non_exhaustive,
    reason = "the unit field is a key of the file, read elsewhere"
)]
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Dialect {
    /// What it is, for people: "An Auth0 tenant".
    pub title: String,
    /// The dialect this one changes; `standard` when absent. Used while loading.
    #[serde(rename = "extends", default, deserialize_with = "nothing")]
    _extends: (),
    /// The issuer identifier (RFC 8414 §2).
    pub issuer: TextTemplate<AddressWord>,
    /// Whether `/Connect/Token` is `/connect/token`, as ASP.NET has it.
    pub ignore_case_of_paths: bool,
    /// Paths under the issuer's own. What is not listed is not served.
    pub endpoints: Endpoints,
    pub authorization: AuthorizationPolicy,
    pub session: SessionPolicy,
    pub subject: SubjectPolicy,
    pub token_request: TokenRequestPolicy,
    pub audience: AudiencePolicy,
    pub scope: ScopePolicy,
    pub token_response: TokenResponse,
    pub access_token: AccessTokenPolicy,
    pub refresh_token: RefreshTokenPolicy,
    pub pkce: PkcePolicy,
    pub id_token: IdTokenPolicy,
    pub userinfo: UserinfoPolicy,
    pub logout: LogoutPolicy,
    pub signing: SigningPolicy,
    pub introspection: IntrospectionPolicy,
    pub revocation: RevocationPolicy,
    pub registration: RegistrationShape,
    pub discovery: Discovery,
    pub jwks: Jwks,
    pub cors: CorsPolicy,
    /// The shape of errors at the token, introspection and revocation endpoints.
    pub error_response: ErrorResponse,
    /// The text a server has for each OAuth error code: the word `{code_description}`.
    #[serde(default)]
    pub error_code_descriptions: HashMap<String, String>,
    /// The shape of errors at a protected resource.
    pub resource_error_response: ErrorResponse,
    /// One entry for every kind of fault.
    pub errors: ErrorTable,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenRequestPolicy {
    /// How the body may be encoded, here and at introspection and revocation.
    pub body: Vec<BodyEncoding>,
    pub client_auth_methods: Vec<ClientAuthMethod>,
    /// The method of a client that was registered without one. When absent, such a client may
    /// use any method that shows a secret.
    pub default_client_auth_method: Option<ClientAuthMethod>,
    /// Whether ID and secret in a Basic header are form-urlencoded before base64, which is what
    /// RFC 6749 §2.3.1 says and not everyone does.
    pub basic_is_form_urlencoded: bool,
    /// Whether the client is checked before anything else. Otherwise a missing `grant_type` is
    /// noticed first. It decides the error that a request with two faults gets.
    pub client_first: bool,
    /// Whether a body without parameters is a fault of its own, and not just one in which
    /// everything is missing.
    pub refuses_empty_form: bool,
    /// Other names of parameters: `clientId = "client_id"`.
    #[serde(default)]
    pub parameter_aliases: HashMap<String, String>,
    pub grant_types: Vec<GrantType>,
}

impl TokenRequestPolicy {
    /// What a Basic header holds before base64, as this dialect reads it (RFC 6749 §2.3.1).
    pub fn basic_pair(&self, client_id: &str, secret: &str) -> String {
        if !self.basic_is_form_urlencoded {
            return format!("{client_id}:{secret}");
        }
        let encoded = |text: &str| -> String {
            url::form_urlencoded::byte_serialize(text.as_bytes()).collect()
        };
        format!("{}:{}", encoded(client_id), encoded(secret))
    }
}

/// How a request body is encoded.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum BodyEncoding {
    /// `application/x-www-form-urlencoded`
    Form,
    /// `application/json`
    Json,
    /// `multipart/form-data`
    Multipart,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AudiencePolicy {
    /// The request parameters that name an audience: `audience`, `resource` (RFC 8707), both or
    /// none of them. Those not listed are ignored.
    pub parameters: Vec<AudienceParameter>,
    /// What a request means that names none.
    pub when_missing: MissingAudience,
    /// How a requested audience is found among the APIs the client was granted.
    pub matching: AudienceMatching,
    /// Whether one token may be for several APIs.
    pub multiple: bool,
    /// Whether an audience must be an absolute URI without fragment (RFC 8707 §2).
    pub must_be_uri: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AudienceParameter {
    Audience,
    Resource,
}

impl AudienceParameter {
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Audience => parameter::AUDIENCE,
            Self::Resource => parameter::RESOURCE,
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingAudience {
    /// It is refused.
    Refuse,
    /// The token has no audience, and its scope may come from every API granted.
    Empty,
    /// The one API that the scope, or else the client's grants, point to; refused when several.
    Single,
    /// All APIs whose scopes the token carries.
    FromScope,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AudienceMatching {
    Exact,
    /// A requested URI below a granted one is granted too: `https://api.example/v1` under
    /// `https://api.example`.
    Prefix,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ScopePolicy {
    /// Whether the request's `scope` is looked at.
    pub is_read: bool,
    /// What a request means that names none.
    pub when_missing: MissingScope,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum MissingScope {
    /// Everything the client was granted.
    All,
    /// Nothing.
    None,
    /// It is refused.
    Refuse,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TokenResponse {
    #[serde(deserialize_with = "status")]
    pub status: u16,
    pub headers: Headers<ResponseWord>,
    /// The members of the answer, in this order.
    pub members: JsonTemplate<ResponseWord>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AccessTokenPolicy {
    /// What a token is when its API doesn't say.
    pub format: TokenFormat,
    /// In seconds; an API may state its own.
    #[serde(deserialize_with = "seconds")]
    pub lifetime: Duration,
    /// What an opaque token looks like: 256 random bits for each `{random}`.
    pub opaque: TextTemplate<RandomWord>,
    /// The header of a JWT, members in this order.
    pub header: JsonTemplate<HeaderWord>,
    /// The claims of a machine's JWT, members in this order.
    pub claims: JsonTemplate<TokenWord>,
    /// The claims of a user's JWT, members in this order.
    pub user_claims: JsonTemplate<TokenWord>,
}

#[derive(
    Debug, Clone, Copy, PartialEq, Eq, Deserialize, serde::Serialize, schemars::JsonSchema,
)]
#[serde(rename_all = "snake_case")]
pub enum TokenFormat {
    Jwt,
    Opaque,
}

impl TokenFormat {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Jwt => "jwt",
            Self::Opaque => "opaque",
        }
    }

    pub fn find(name: &str) -> Option<Self> {
        [Self::Jwt, Self::Opaque]
            .into_iter()
            .find(|format| format.as_str() == name)
    }
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SigningPolicy {
    /// One key for each; the first signs what doesn't ask for another.
    pub algs: Vec<SigningAlg>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct IntrospectionPolicy {
    /// Whether a caller must authenticate (RFC 7662 §2.1).
    pub authenticated: bool,
    pub headers: Headers<MetadataWord>,
    /// Whether a line feed follows the answer.
    pub ends_with_newline: bool,
    /// The answer about a live token, members in this order.
    pub active: JsonTemplate<TokenWord>,
    /// The same about a user's token, where that says more.
    pub user_active: Option<JsonTemplate<TokenWord>>,
    /// The answer about any other: nothing more than that (RFC 7662 §2.2).
    pub inactive: JsonTemplate<MetadataWord>,
    /// Errors that are answered otherwise here than elsewhere.
    #[serde(default)]
    pub errors: HashMap<FaultKind, ErrorEntry>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RevocationPolicy {
    /// Whether JWT access tokens can be revoked, or only what the database keeps anyway.
    pub jwt: bool,
    /// Whether another client's token is left alone without a word, and not refused.
    pub ignores_tokens_of_others: bool,
    /// Whether an unknown `token_type_hint` is refused, and not ignored (RFC 7009 §2.1 allows
    /// both).
    pub refuses_unknown_hints: bool,
    pub headers: Headers<MetadataWord>,
    /// Errors that are answered otherwise here than elsewhere.
    #[serde(default)]
    pub errors: HashMap<FaultKind, ErrorEntry>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Discovery {
    pub headers: Headers<MetadataWord>,
    /// Members in this order; those of endpoints that are not served are left out.
    pub document: JsonTemplate<MetadataWord>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Jwks {
    pub headers: Headers<MetadataWord>,
    /// One key, members in this order.
    pub key: JsonTemplate<KeyWord>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct CorsPolicy {
    /// Request headers a browser may send besides the ones that are always allowed.
    pub allow_headers: Vec<String>,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorResponse {
    pub headers: Headers<FaultWord>,
    pub body: BodyTemplate<FaultWord>,
}

/// How one kind of fault is answered.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ErrorEntry {
    #[serde(deserialize_with = "status")]
    pub status: u16,
    /// The OAuth error code; absent where a server says nothing but a status.
    pub error: Option<String>,
    pub error_description: Option<TextTemplate<FaultWord>>,
    pub error_uri: Option<String>,
    /// Besides those of the error response.
    #[serde(default)]
    pub headers: Headers<FaultWord>,
    /// Instead of that of the error response.
    pub body: Option<BodyTemplate<FaultWord>>,
    /// At the authorization endpoint: whether the user is shown a page, and the client told
    /// nothing.
    #[serde(default)]
    pub page: bool,
}

/// An [`ErrorEntry`] for every [`FaultKind`].
#[derive(Debug, Clone)]
pub struct ErrorTable(Vec<ErrorEntry>);

impl ErrorTable {
    pub fn get(&self, kind: FaultKind) -> &ErrorEntry {
        // Reading the file has made sure that there is one for each kind.
        &self.0[kind as usize]
    }
}

/// HTTP headers, names as written.
#[derive(Debug, Clone)]
pub struct Headers<W>(Vec<(String, TextTemplate<W>)>);

impl<W> Default for Headers<W> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<W> Headers<W> {
    pub fn iter(&self) -> impl Iterator<Item = &(String, TextTemplate<W>)> {
        self.0.iter()
    }
}

pub(super) fn seconds<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Duration, D::Error> {
    const YEAR: u64 = 366 * 24 * 3600;
    let seconds = u64::deserialize(deserializer)?;
    if seconds > 10 * YEAR {
        return Err(D::Error::custom(format!(
            "{seconds} seconds is more than ten years; expected a time span in seconds"
        )));
    }
    Ok(Duration::from_secs(seconds))
}

pub(super) fn status<'de, D: Deserializer<'de>>(deserializer: D) -> Result<u16, D::Error> {
    let status = u16::deserialize(deserializer)?;
    if !(200..=599).contains(&status) {
        return Err(D::Error::custom(format!(
            "{status} is not a status an answer can have; expected 200 to 599"
        )));
    }
    Ok(status)
}

impl<'de, W: super::template::Vocabulary> Deserialize<'de> for Headers<W> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let headers = toml::Table::deserialize(deserializer)?;
        let mut parsed = Vec::new();
        for (name, value) in headers {
            let toml::Value::String(value) = value else {
                return Err(D::Error::custom(format!("header {name} must be a string")));
            };
            if !is_header_name(&name) {
                return Err(D::Error::custom(format!("{name:?} is not a header name")));
            }
            if !is_header_value(&value) {
                return Err(D::Error::custom(format!(
                    "the value of header {name} is not printable ASCII"
                )));
            }
            let value = TextTemplate::parse(&value).map_err(D::Error::custom)?;
            parsed.push((name, value));
        }
        Ok(Self(parsed))
    }
}

/// A key that was read elsewhere.
fn nothing<'de, D: Deserializer<'de>>(deserializer: D) -> Result<(), D::Error> {
    serde::de::IgnoredAny::deserialize(deserializer).map(drop)
}

impl<'de> Deserialize<'de> for ErrorTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let entries = HashMap::<FaultKind, ErrorEntry>::deserialize(deserializer)?;
        let mut table: Vec<Option<ErrorEntry>> = vec![None; FaultKind::COUNT];
        for (kind, entry) in entries {
            table[kind as usize] = Some(entry);
        }
        match table.into_iter().collect::<Option<Vec<_>>>() {
            Some(entries) => Ok(Self(entries)),
            None => Err(D::Error::custom(
                "an error of the standard table is missing",
            )),
        }
    }
}

/// RFC 9110 §5.6.2.
pub fn is_header_name(name: &str) -> bool {
    let is_token = |byte: u8| byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte);
    !name.is_empty() && name.bytes().all(is_token)
}

/// Printable ASCII: less than RFC 9110 §5.5 allows, and nothing that anybody reads differently.
pub fn is_header_value(value: &str) -> bool {
    value.bytes().all(|byte| (0x20..=0x7E).contains(&byte))
}

impl Dialect {
    /// Whether people sign in at an issuer of this dialect.
    pub fn has_users(&self) -> bool {
        self.endpoints.find(Endpoint::Authorization).is_some()
    }

    /// Whether a grant can be exchanged here: those of users need a place where users sign in.
    pub fn serves(&self, grant: GrantType) -> bool {
        let is_for_users = grant != GrantType::ClientCredentials;
        self.token_request.grant_types.contains(&grant) && (self.has_users() || !is_for_users)
    }

    /// Whether a client of this kind gets anything here.
    pub fn suits(&self, kind: ClientKind) -> bool {
        kind.grant_types().iter().any(|grant| self.serves(*grant))
    }

    /// What a path below the issuer is found under.
    pub fn path_key(&self, path: &str) -> String {
        if self.ignore_case_of_paths {
            path.to_ascii_lowercase()
        } else {
            path.to_owned()
        }
    }

    /// How a fault is answered at an endpoint, or anywhere else.
    pub fn entry(&self, endpoint: Option<Endpoint>, fault: &Fault) -> &ErrorEntry {
        let own = match fault {
            Fault::MemberRefused { member } => self.registration.refuses.get(member),
            _ => None,
        };
        own.unwrap_or_else(|| self.error(endpoint, fault.kind()))
    }

    /// The shape of errors at an endpoint, or anywhere else.
    pub fn error_shape(&self, endpoint: Option<Endpoint>, kind: FaultKind) -> &ErrorResponse {
        let own = match endpoint {
            Some(Endpoint::Registration | Endpoint::ClientsAdmin | Endpoint::RegistrationHelp) => {
                self.registration.error_response.as_ref()
            }
            _ => None,
        };
        match own {
            Some(own) => own,
            None if kind.is_of_a_resource() => &self.resource_error_response,
            None => &self.error_response,
        }
    }

    /// The same for a kind of fault, whatever its details.
    pub fn error(&self, endpoint: Option<Endpoint>, kind: FaultKind) -> &ErrorEntry {
        let own = match endpoint {
            Some(Endpoint::Introspection) => self.introspection.errors.get(&kind),
            Some(Endpoint::Revocation) => self.revocation.errors.get(&kind),
            Some(Endpoint::Authorization) => self.authorization.errors.get(&kind),
            Some(Endpoint::Userinfo) => self.userinfo.errors.get(&kind),
            Some(Endpoint::EndSession | Endpoint::ReturnToLogout) => self.logout.errors.get(&kind),
            Some(Endpoint::Registration | Endpoint::ClientsAdmin | Endpoint::RegistrationHelp) => {
                self.registration.errors.get(&kind)
            }
            Some(
                Endpoint::Token | Endpoint::Discovery | Endpoint::Jwks | Endpoint::CheckSession,
            )
            | None => None,
        };
        own.unwrap_or_else(|| self.errors.get(kind))
    }

    /// The issuer identifier of an issuer at `base`, which has no slash at its end.
    pub fn identifier(&self, base: &str) -> String {
        struct Base<'a>(&'a str);
        impl Lookup<AddressWord> for Base<'_> {
            fn value(&self, word: AddressWord) -> Value<'_> {
                match word {
                    AddressWord::Base => Value::text(self.0),
                }
            }
        }
        self.issuer.render(&Base(base))
    }
}
