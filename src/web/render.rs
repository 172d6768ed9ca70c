//! The one way out: what a flow answers, in the dialect's shape. Status, headers, members, units.

use std::borrow::Cow;

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpResponse, HttpResponseBuilder};
use serde_json::{Map, Value as Json};

use super::address::Address;
use super::routes::Target;
use crate::dialect::template::{BodyTemplate, Lookup, Value, Vocabulary};
use crate::dialect::{Endpoint, ErrorEntry, FaultWord, Headers, RegistrationShape};
use crate::oauth::Refusal;
use crate::protocol::{Fault, MetadataProblem};

/// Why a request was refused, for the log.
#[derive(Clone)]
pub struct Explanation(pub String);

/// A response with a dialect's status.
pub fn with_status(status: u16) -> HttpResponseBuilder {
    // Reading the dialect has made sure that it is one.
    HttpResponse::build(StatusCode::from_u16(status).unwrap_or(StatusCode::BAD_REQUEST))
}

/// What a dialect says of a fault, whoever is told and however.
pub struct Told {
    pub status: u16,
    pub error: String,
    pub description: Option<String>,
    pub uri: Option<String>,
}

/// What the dialect's error table says of a fault at `endpoint`.
pub fn told(address: &Address, endpoint: Option<Endpoint>, fault: &Fault) -> Told {
    let entry = address.issuer.dialect.entry(endpoint, fault);
    let words = FaultWords {
        address,
        fault,
        entry,
        description: None,
    };
    Told {
        status: entry.status,
        error: entry.error.clone().unwrap_or_default(),
        description: entry
            .error_description
            .as_ref()
            .map(|template| template.render(&words)),
        uri: entry.error_uri.clone(),
    }
}

/// How long to wait, in seconds (RFC 9110 §10.2.3).
pub fn retry_after(response: &mut HttpResponse, seconds: u64) {
    response
        .headers_mut()
        .insert(header::RETRY_AFTER, HeaderValue::from(seconds));
}

/// A refusal, as the dialect's error table has it for `endpoint`.
pub fn refusal(address: &Address, endpoint: Option<Endpoint>, refusal: &Refusal) -> HttpResponse {
    if !matches!(refusal, Refusal::Fault(_)) {
        tracing::error!(error = %refusal, "this server failed");
    }
    let mut response = fault(address, endpoint, &refusal.fault());
    response
        .extensions_mut()
        .insert(Explanation(refusal.to_string()));
    response
}

/// A fault, as the dialect's error table has it for `endpoint`.
pub fn fault(address: &Address, endpoint: Option<Endpoint>, fault: &Fault) -> HttpResponse {
    let dialect = &address.issuer.dialect;
    let kind = fault.kind();
    let entry = dialect.entry(endpoint, fault);
    let shape = dialect.error_shape(endpoint, kind);
    let mut words = FaultWords {
        address,
        fault,
        entry,
        description: None,
    };
    words.description = entry
        .error_description
        .as_ref()
        .map(|template| template.render(&words));
    let body = entry.body.as_ref().unwrap_or(&shape.body);
    let mut response = with_status(entry.status);
    add_headers(&mut response, &shape.headers, &words);
    if let BodyTemplate::Text(_) = body {
        // Not the table's media type; an entry of its own may still name another.
        response.insert_header((header::CONTENT_TYPE, "text/plain; charset=utf-8"));
    }
    add_headers(&mut response, &entry.headers, &words);
    let mut response = match body {
        BodyTemplate::Json(json) => response.body(json.render(&words)),
        BodyTemplate::Text(text) => {
            let text = text.render(&words);
            if text.is_empty() {
                let mut empty = response.finish();
                empty.headers_mut().remove(header::CONTENT_TYPE);
                empty
            } else {
                response.body(text)
            }
        }
    };
    response
        .extensions_mut()
        .insert(Explanation(fault.to_string()));
    response
}

pub fn not_found(address: &Address) -> HttpResponse {
    fault(address, None, &Fault::NotFound)
}

/// 405 with what is allowed instead (RFC 9110 §15.5.6).
pub fn method_not_allowed(address: &Address, method: &Method, target: &Target) -> HttpResponse {
    let fault = Fault::MethodNotAllowed {
        method: method.to_string(),
    };
    let mut response = self::fault(address, target.endpoint(), &fault);
    if let Ok(allowed) = HeaderValue::from_str(&target.methods().join(", ")) {
        response.headers_mut().insert(header::ALLOW, allowed);
    }
    response
}

/// Adds a dialect's headers. Those whose value does not fit into a header are left out: what a
/// client sent has been made harmless already, so this happens to nobody.
pub fn add_headers<W: Vocabulary>(
    response: &mut HttpResponseBuilder,
    headers: &Headers<W>,
    source: &impl Lookup<W>,
) {
    for (name, value) in rendered(headers, source) {
        response.insert_header((name, value));
    }
}

pub fn rendered<W: Vocabulary>(
    headers: &Headers<W>,
    source: &impl Lookup<W>,
) -> Vec<(HeaderName, HeaderValue)> {
    headers
        .iter()
        .filter_map(|(name, value)| {
            let name = HeaderName::from_bytes(name.as_bytes()).ok()?;
            let value = HeaderValue::from_str(&value.render(source)).ok()?;
            Some((name, value))
        })
        .collect()
}

/// The words of an error, filled from a fault.
struct FaultWords<'a> {
    address: &'a Address,
    fault: &'a Fault,
    entry: &'a ErrorEntry,
    description: Option<String>,
}

impl Lookup<FaultWord> for FaultWords<'_> {
    fn value(&self, word: FaultWord) -> Value<'_> {
        let dialect = &self.address.issuer.dialect;
        let code = self.entry.error.as_deref();
        match word {
            FaultWord::Error => Value::optional(code),
            FaultWord::ErrorDescription => Value::optional(self.description.as_deref()),
            FaultWord::ErrorUri => Value::optional(self.entry.error_uri.as_deref()),
            FaultWord::CodeDescription => Value::optional(
                code.and_then(|code| dialect.error_code_descriptions.get(code))
                    .map(String::as_str),
            ),
            FaultWord::Status => Value::Number(self.entry.status.into()),
            FaultWord::Issuer => Value::text(&self.address.identifier),
            FaultWord::IssuerName => Value::text(&self.address.issuer.name),
            FaultWord::Problems => match self.fault {
                Fault::InvalidClientMetadata(problems) => {
                    Value::Members(Cow::Owned(by_member(&dialect.registration, problems)))
                }
                _ => Value::Absent,
            },
            FaultWord::Reason => match self.fault {
                Fault::InvalidClientMetadata(problems) => {
                    let texts: Vec<String> = problems
                        .iter()
                        .map(|problem| problem_text(&dialect.registration, problem))
                        .collect();
                    echo_up_to(LONGEST_REASON, &texts.join("; "))
                }
                other => detail(other, word),
            },
            other => detail(self.fault, other),
        }
    }
}

/// In characters: what is wrong with a client's metadata can be many things at once.
const LONGEST_REASON: usize = 1000;

/// What is wrong with a member, in the dialect's names.
fn problem_text(shape: &RegistrationShape, problem: &MetadataProblem) -> String {
    if problem.is_missing {
        return shape.missing(problem.member);
    }
    let name = shape.request.name_of(problem.member);
    // RFC 6749 §5.2 has no such character in a description.
    format!("{name} {}", problem.message.replace('§', "section "))
}

/// Every problem under its member's name.
fn by_member(shape: &RegistrationShape, problems: &[MetadataProblem]) -> Map<String, Json> {
    let mut members = Map::new();
    for problem in problems {
        let name = shape.request.name_of(problem.member);
        let known = members
            .entry(format!("{}{name}", shape.problem_prefix))
            .or_insert_with(|| Json::Array(Vec::new()));
        if let Json::Array(texts) = known {
            let mut text = problem_text(shape, problem);
            if !text.ends_with('.') {
                text.push('.');
            }
            texts.push(Json::String(text));
        }
    }
    members
}

/// What a fault knows of a word.
fn detail(fault: &Fault, word: FaultWord) -> Value<'_> {
    match (word, fault) {
        (
            FaultWord::Parameter,
            Fault::RepeatedParameter { parameter }
            | Fault::OverlongParameter { parameter, .. }
            | Fault::WrongParameterType { parameter }
            | Fault::MissingParameter { parameter }
            | Fault::MalformedParameter { parameter, .. },
        ) => Value::text(parameter),
        (FaultWord::Reason, Fault::MalformedParameter { reason, .. }) => Value::text(reason),
        (FaultWord::Limit, Fault::WeakState { shortest }) => {
            Value::Number(i64::try_from(*shortest).unwrap_or(i64::MAX))
        }
        (FaultWord::ClientId, Fault::UnknownClient { client_id }) => echo(client_id),
        (
            FaultWord::RedirectUri,
            Fault::RedirectUriNotRegistered { redirect_uri }
            | Fault::RedirectUriDiffers { redirect_uri, .. }
            | Fault::PostLogoutUriNotRegistered { uri: redirect_uri },
        ) => echo(redirect_uri),
        (
            FaultWord::ExpectedRedirectUri,
            Fault::RedirectUriDiffers { expected, .. } | Fault::RedirectUriMissing { expected },
        ) => echo(expected),
        (FaultWord::ResponseType, Fault::UnsupportedResponseType { response_type }) => {
            echo(response_type)
        }
        (FaultWord::ResponseMode, Fault::UnsupportedResponseMode { response_mode }) => {
            echo(response_mode)
        }
        (FaultWord::CodeChallengeMethod, Fault::UnsupportedCodeChallengeMethod { method }) => {
            echo(method)
        }
        (
            FaultWord::Limit,
            Fault::OverlongParameter { limit, .. }
            | Fault::TooManyParameters { limit }
            | Fault::BodyTooLarge { limit }
            | Fault::OverlongRequest { limit },
        ) => Value::Number(i64::try_from(*limit).unwrap_or(i64::MAX)),
        (FaultWord::Reason, Fault::MalformedBody { reason }) => Value::text(reason),
        (FaultWord::Reason, Fault::MalformedPatch { reason }) => echo(reason),
        (FaultWord::Member, Fault::MemberRefused { member }) => echo(member),
        (FaultWord::RetryAfter, Fault::RegistrationThrottled { seconds }) => {
            Value::Number(i64::try_from(*seconds).unwrap_or(i64::MAX))
        }
        (FaultWord::HttpMethod, Fault::MethodNotAllowed { method }) => echo(method),
        (FaultWord::MediaType, Fault::UnsupportedMediaType { media_type }) => echo(media_type),
        (FaultWord::ClientId, Fault::ClientAuthenticationFailed { client_id }) => echo(client_id),
        (
            FaultWord::GrantType,
            Fault::UnsupportedGrantType { grant_type }
            | Fault::GrantTypeNotAllowed { grant_type }
            | Fault::PublicClientNotAllowed { grant_type },
        ) => echo(grant_type),
        (FaultWord::RegisteredMethod, Fault::ClientAuthMethodMismatch { registered, .. }) => {
            Value::text(registered.as_str())
        }
        (
            FaultWord::PresentedMethod,
            Fault::ClientAuthMethodMismatch { presented, .. }
            | Fault::ClientAuthMethodNotAccepted { presented },
        ) => Value::text(presented.as_str()),
        (
            FaultWord::Audience,
            Fault::MalformedAudience { audience }
            | Fault::UnknownAudience { audience }
            | Fault::AudienceNotGranted { audience },
        ) => echo(audience),
        (
            FaultWord::Scope,
            Fault::ScopeNotGranted { scope }
            | Fault::UnknownScope { scope }
            | Fault::InsufficientScope { scope },
        ) => Value::Words(scope.tokens()),
        _ => Value::Absent,
    }
}

/// What the client sent, made harmless: only the characters an `error_description` may have
/// (RFC 6749 §5.2), which are also safe in a header, and not at any length.
fn echo(text: &str) -> Value<'_> {
    const LONGEST: usize = 120;
    match cleaned(LONGEST, text) {
        None => Value::text(text),
        Some(cleaned) => Value::Text(Cow::Owned(cleaned)),
    }
}

fn echo_up_to(longest: usize, text: &str) -> Value<'static> {
    Value::Text(Cow::Owned(
        cleaned(longest, text).unwrap_or_else(|| text.to_owned()),
    ))
}

/// `None` when there is nothing to clean.
fn cleaned(longest: usize, text: &str) -> Option<String> {
    let is_allowed = |byte: u8| matches!(byte, 0x20 | 0x21 | 0x23..=0x5B | 0x5D..=0x7E);
    if text.len() <= longest && text.bytes().all(is_allowed) {
        return None;
    }
    let cleaned = text.chars().take(longest).map(|c| match u8::try_from(c) {
        Ok(byte) if is_allowed(byte) => c,
        _ => '?',
    });
    Some(cleaned.collect())
}
