//! Who a request comes from: the client's credentials, or the access token it brings.

use actix_web::http::header::{AUTHORIZATION, HeaderMap};
use actix_web::{HttpRequest, web};
use base64::Engine;
use base64::alphabet::STANDARD;
use base64::engine::{DecodePaddingMode, GeneralPurpose, GeneralPurposeConfig};

use super::body::{self, form_decode};
use crate::dialect::TokenRequestPolicy;
use crate::oauth::{ClientRequest, PresentedCredentials};
use crate::protocol::{ClientAuthMethod, Fault, Parameters, parameter};
use crate::secret::Secret;

/// Some clients leave the padding out; nothing is gained by refusing them.
const BASE64: GeneralPurpose = GeneralPurpose::new(
    &STANDARD,
    GeneralPurposeConfig::new().with_decode_padding_mode(DecodePaddingMode::Indifferent),
);

/// Reads who the client is, and what it wants, from header and body.
///
/// # Errors
/// Those of [`body::parameters`].
pub async fn client_request(
    request: &HttpRequest,
    payload: web::Payload,
    policy: &TokenRequestPolicy,
) -> Result<ClientRequest, Fault> {
    let parameters = body::parameters(request, payload, policy).await?;
    Ok(ClientRequest {
        credentials: credentials(request, &parameters, policy),
        parameters,
    })
}

/// The client's credentials, from the header or the body (RFC 6749 §2.3.1).
///
/// # Errors
/// `MalformedCredentials`, `TwoClientAuthMethods`, and `MissingClientCredentials` for a secret
/// without an ID.
fn credentials(
    request: &HttpRequest,
    parameters: &Parameters,
    policy: &TokenRequestPolicy,
) -> Result<PresentedCredentials, Fault> {
    let id = parameters.find(parameter::CLIENT_ID);
    let secret = parameters.find(parameter::CLIENT_SECRET);
    match (basic(request.headers(), policy)?, id, secret) {
        // RFC 6749 §2.3: no more than one method in each request. The ID alone may stand in the
        // body as well, as long as it is the same one.
        (Some(_), _, Some(_)) => Err(Fault::TwoClientAuthMethods),
        (Some((basic_id, _)), Some(id), None) if id != basic_id => Err(Fault::TwoClientAuthMethods),
        (Some((client_id, client_secret)), _, None) => Ok(PresentedCredentials::WithSecret {
            client_id,
            client_secret,
            method: ClientAuthMethod::ClientSecretBasic,
        }),
        (None, Some(client_id), Some(secret)) => Ok(PresentedCredentials::WithSecret {
            client_id: client_id.to_owned(),
            client_secret: Secret::new(secret),
            method: ClientAuthMethod::ClientSecretPost,
        }),
        (None, Some(client_id), None) => Ok(PresentedCredentials::Public {
            client_id: client_id.to_owned(),
        }),
        (None, None, Some(_)) => Err(Fault::MissingClientCredentials),
        (None, None, None) => Ok(PresentedCredentials::Nobody),
    }
}

/// ID and secret from a Basic header; `None` when there is no `Authorization` header.
fn basic(
    headers: &HeaderMap,
    policy: &TokenRequestPolicy,
) -> Result<Option<(String, Secret)>, Fault> {
    let mut values = headers.get_all(AUTHORIZATION);
    let Some(value) = values.next() else {
        return Ok(None);
    };
    if values.next().is_some() {
        return Err(Fault::MalformedCredentials);
    }
    let decoded = value
        .to_str()
        .ok()
        .and_then(|value| after_scheme(value, "Basic"))
        .and_then(|encoded| BASE64.decode(encoded).ok())
        .and_then(|bytes| String::from_utf8(bytes).ok())
        .ok_or(Fault::MalformedCredentials)?;
    let (id, secret) = decoded.split_once(':').ok_or(Fault::MalformedCredentials)?;
    let decode = |text: &str| {
        if policy.basic_is_form_urlencoded {
            form_decode(text.as_bytes()).map_err(|_| Fault::MalformedCredentials)
        } else {
            Ok(text.to_owned())
        }
    };
    let id = decode(id)?;
    if id.is_empty() {
        return Err(Fault::MalformedCredentials);
    }
    Ok(Some((id, Secret::new(decode(secret)?))))
}

/// What follows the scheme, which is named in any case (RFC 9110 §11.1).
fn after_scheme<'a>(value: &'a str, scheme: &str) -> Option<&'a str> {
    let (named, rest) = value.split_once(' ')?;
    named
        .eq_ignore_ascii_case(scheme)
        .then(|| rest.trim_matches(' '))
}

/// The access token in `Authorization: Bearer` (RFC 6750 §2.1); with `bare`, also without the
/// word `Bearer`, and in the headers named there.
///
/// # Errors
/// `InvalidAccessToken` when there are two, or one that cannot be a token.
pub fn bearer(
    request: &HttpRequest,
    accepts_bare: bool,
    other_headers: &[String],
) -> Result<Option<String>, Fault> {
    let mut found: Option<String> = None;
    let names = std::iter::once("authorization").chain(other_headers.iter().map(String::as_str));
    for name in names {
        for value in request.headers().get_all(name) {
            let value = value.to_str().map_err(|_| Fault::InvalidAccessToken)?;
            let token = match after_scheme(value, "Bearer") {
                Some(token) => token,
                None if (accepts_bare || name != "authorization") && !value.contains(' ') => value,
                // Another scheme is not a bearer token, good or bad.
                None => continue,
            };
            if !is_b64token(token) || found.is_some() {
                return Err(Fault::InvalidAccessToken);
            }
            found = Some(token.to_owned());
        }
    }
    Ok(found)
}

/// RFC 6750 §2.1, and not longer than any token is.
fn is_b64token(token: &str) -> bool {
    !token.is_empty()
        && token.len() <= Parameters::LONGEST_TOKEN
        && token
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._~+/=".contains(&byte))
}
