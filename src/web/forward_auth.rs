//! For reverse proxies: nginx's `auth_request`, Traefik's `forwardAuth`, Caddy's `forward_auth`.

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};

use super::address::Address;
use super::{App, body, credentials, render, visitor};
use crate::oauth::access_token::Requirement;
use crate::oauth::{Refusal, TokenFacts};
use crate::protocol::{Fault, MalformedScope, Parameters, Scope, parameter};

/// `GET {issuer}/forward-auth?scope=…&audience=…`: 200 with who it is in headers, 401, or 403.
/// The proxy passes on what the client sent, so the token is in `Authorization`.
pub async fn check(app: &App, address: &Address, request: &HttpRequest) -> HttpResponse {
    match run(app, address, request).await {
        Err(refusal) => render::refusal(address, None, &refusal),
        Ok(facts) => identity(&facts),
    }
}

async fn run(app: &App, address: &Address, request: &HttpRequest) -> Result<TokenFacts, Refusal> {
    let query = Parameters::new(body::form(request.query_string().as_bytes())?)?;
    let scope: Scope = query
        .find(parameter::SCOPE)
        .unwrap_or_default()
        .parse()
        .map_err(|malformed: MalformedScope| Fault::MalformedScope { scope: malformed.0 })?;
    let requirement = Requirement {
        scope,
        audience: query.all(parameter::AUDIENCE).map(str::to_owned).collect(),
        unscoped_means_every_permission: false,
    };
    let token = credentials::bearer(request, false, &[])?;
    let authority = address.authority(&app.core, visitor::of(request));
    authority.authorize(token.as_deref(), &requirement).await
}

/// The headers a proxy copies to the application behind it. All are always there, because a
/// proxy that copies a header which is missing may let one through that the client made up; so
/// when one cannot be written, the answer is not 200.
fn identity(facts: &TokenFacts) -> HttpResponse {
    let mut response = HttpResponse::Ok();
    for (name, value) in [
        ("remote-user", facts.subject.clone()),
        ("x-auth-subject", facts.subject.clone()),
        ("x-auth-client-id", facts.client_id.clone()),
        ("x-auth-scope", facts.scope.to_string()),
        ("x-auth-audience", facts.audience.join(" ")),
        ("x-auth-issuer", facts.issuer.clone()),
        ("x-auth-expires-at", facts.expires_at.unix().to_string()),
    ] {
        let Ok(value) = HeaderValue::from_str(&value) else {
            tracing::error!(name, "an identity does not fit into a header");
            return HttpResponse::ServiceUnavailable().finish();
        };
        response.insert_header((name, value));
    }
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}
