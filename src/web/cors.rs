//! Cross-origin requests (the Fetch standard's CORS).
//!
//! Nothing here depends on cookies, so a page of any origin may read: what protects a token
//! endpoint is what the request brings, not where its page came from. What only servers need
//! stays closed: introspection, forward-auth, and whatever confidential clients are answered.

use actix_web::HttpResponse;
use actix_web::http::header::{self, HeaderValue};

use super::address::Address;
use super::routes::Target;
use crate::dialect::Endpoint;
use crate::oauth::ClientRequest;

/// Headers a page may always send.
const ALLOWED_HEADERS: &str = "authorization, content-type";
/// Seconds a browser may remember a pre-flight.
const MAX_AGE: &str = "600";

fn is_open(target: &Target) -> bool {
    match target {
        // Where a browser is led, not asked from a script.
        Target::Endpoint(
            Endpoint::Introspection
            | Endpoint::Authorization
            | Endpoint::EndSession
            | Endpoint::ReturnToLogout
            | Endpoint::CheckSession
            | Endpoint::ClientsAdmin
            | Endpoint::RegistrationHelp,
        )
        | Target::AdministeredClient(_)
        | Target::RegistrationHelp
        | Target::ForwardAuth
        | Target::Page(_) => false,
        Target::Endpoint(
            Endpoint::Token
            | Endpoint::Revocation
            | Endpoint::Discovery
            | Endpoint::Jwks
            | Endpoint::Userinfo
            // An application in a browser that registers itself.
            | Endpoint::Registration,
        )
        | Target::ClientConfiguration
        | Target::Resource(_) => true,
    }
}

/// Marks an answer that no page may read.
struct Closed;

/// A confidential client has no business in a browser: its secret would be in every visitor's
/// hands. So pages cannot read what it is answered.
pub fn for_client(asked: &ClientRequest, mut response: HttpResponse) -> HttpResponse {
    if asked.has_secret() {
        response.extensions_mut().insert(Closed);
    }
    response
}

/// Lets pages of any origin read the answer, where browsers need it.
pub fn open(mut response: HttpResponse, target: &Target) -> HttpResponse {
    let is_closed = response.extensions().contains::<Closed>();
    if is_open(target) && !is_closed {
        response.headers_mut().insert(
            header::ACCESS_CONTROL_ALLOW_ORIGIN,
            HeaderValue::from_static("*"),
        );
        // Where it says why a token was refused (RFC 6750 §3).
        if response.headers().contains_key(header::WWW_AUTHENTICATE) {
            response.headers_mut().insert(
                header::ACCESS_CONTROL_EXPOSE_HEADERS,
                HeaderValue::from_static("WWW-Authenticate"),
            );
        }
    }
    response
}

/// The answer to `OPTIONS`, pre-flight or not.
pub fn preflight(address: &Address, target: &Target) -> HttpResponse {
    let methods = target.methods().join(", ");
    let mut response = HttpResponse::NoContent();
    response.insert_header((header::ALLOW, methods.as_str()));
    if is_open(target) {
        let mut headers = vec![ALLOWED_HEADERS];
        let own = &address.issuer.dialect.cors.allow_headers;
        headers.extend(own.iter().map(String::as_str));
        if let Target::Resource(resource) = target {
            headers.extend(resource.token_headers.iter().map(String::as_str));
            headers.extend(resource.allow_headers.iter().map(String::as_str));
        }
        response
            .insert_header((header::ACCESS_CONTROL_ALLOW_ORIGIN, "*"))
            .insert_header((header::ACCESS_CONTROL_ALLOW_METHODS, methods.as_str()))
            .insert_header((header::ACCESS_CONTROL_ALLOW_HEADERS, headers.join(", ")))
            .insert_header((header::ACCESS_CONTROL_MAX_AGE, MAX_AGE));
    }
    response.finish()
}
