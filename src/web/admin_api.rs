//! The admin API over HTTP: who asks, by their access token, and `admin::api` answers.

use std::sync::Arc;

use actix_web::http::{StatusCode, header};
use actix_web::{HttpRequest, HttpResponse, web};

use super::address::Address;
use super::pages::{self, Policy};
use super::{App, api_reference, body, credentials, visitor};
use crate::account::UserId;
use crate::admin::api::{self, ApiAnswer, ApiRequest, BASE, problem};
use crate::admin::rights::{Appointment, Permission, Rights};
use crate::admin::system::{CONSOLE, SERVER_AUDIENCE, issuer_of_audience};
use crate::admin::{Admin, AdminFault};
use crate::audit::{Actor, ActorKind};
use crate::issuer::{IssuerId, RegisteredBy};
use crate::oauth::access_token::Requirement;
use crate::oauth::{Refusal, TokenFacts};
use crate::protocol::Fault;

/// Anything below [`BASE`].
pub async fn answer(app: &App, request: &HttpRequest, payload: web::Payload) -> HttpResponse {
    let path = request.path().strip_prefix(BASE).unwrap_or_default();
    let is_read = ["GET", "HEAD"].contains(&request.method().as_str());
    match path {
        "/openapi.json" if is_read => {
            let url = app.hosting.public_url.as_str().trim_end_matches('/');
            return respond(ApiAnswer::json(200, &api::openapi(url)));
        }
        "/docs" if is_read => {
            let policy = Policy::Page {
                form_targets: &[],
                frames: &[],
            };
            return pages::respond(StatusCode::OK, &api_reference::Reference::new(app), &policy);
        }
        _ => {}
    }
    let read = match read(request, payload, path).await {
        Ok(read) => read,
        Err(refusal) => return respond(refusal),
    };
    let Some(console) = app.hosting.find(CONSOLE).await else {
        return respond(problem(
            503,
            "unavailable",
            "Unavailable",
            "There is no console yet.",
        ));
    };
    let (actor, rights) = match caller(app, &console, request).await {
        Ok(caller) => caller,
        Err(refusal) => return respond(refusal),
    };
    let keyring = &app.hosting.keyring;
    let admin = Admin::new(&app.core, keyring, actor, rights, RegisteredBy::Api);
    let answer = Box::pin(api::answer(&admin, read)).await;
    settle(app, &admin).await;
    respond(answer)
}

/// What is left to do after something administered has changed: this server serves it as it is
/// now, and clients of sessions that were ended are told.
pub async fn settle(app: &App, admin: &Admin<'_>) {
    if let Err(error) = app.hosting.refresh().await {
        tracing::warn!(%error, "cannot see whether issuers have changed");
    }
    for ended in admin.take_ended() {
        let Some(address) = app.hosting.find_by_id(ended.issuer).await else {
            continue;
        };
        // The pages of their clients cannot be loaded here: it is other browsers that are meant.
        let authority = address.authority(&app.core, Arc::default());
        let told = match &ended.clients {
            Some(clients) => authority.tell_these(ended.session, clients).await,
            None => authority.tell_clients(ended.session).await,
        };
        if let Err(error) = told {
            tracing::warn!(%error, "clients could not be told that a session has ended");
        }
    }
}

async fn read(
    request: &HttpRequest,
    payload: web::Payload,
    path: &str,
) -> Result<ApiRequest, ApiAnswer> {
    let text = |name: header::HeaderName| {
        let value = request.headers().get(name)?;
        value.to_str().ok().map(str::to_owned)
    };
    let query = body::form(request.query_string().as_bytes())
        .map_err(|fault| problem(400, "malformed", "Malformed", &fault.to_string()))?;
    let body = body::bytes(payload).await.map_err(|fault| {
        let status = match fault {
            Fault::BodyTooLarge { .. } => 413,
            Fault::RequestTimeout => 408,
            _ => 400,
        };
        problem(status, "malformed", "Malformed", &fault.to_string())
    })?;
    let media_type = text(header::CONTENT_TYPE).unwrap_or_default();
    let essence = media_type.split(';').next().unwrap_or_default().trim();
    let is_json = ["application/json", "application/merge-patch+json"]
        .iter()
        .any(|known| essence.eq_ignore_ascii_case(known));
    if !body.is_empty() && !is_json {
        return Err(problem(
            415,
            "malformed",
            "Unsupported media type",
            "Expected application/json, or application/merge-patch+json for a PATCH.",
        ));
    }
    let method = request.method().as_str();
    Ok(ApiRequest {
        // Whoever may GET may ask for the headers alone (RFC 9110 §9.3.2).
        method: if method == "HEAD" { "GET" } else { method }.to_owned(),
        path: path.to_owned(),
        query,
        if_match: text(header::IF_MATCH),
        if_none_match: text(header::IF_NONE_MATCH),
        body,
    })
}

/// Who asks, and what they may do: what their token says, as far as they still may.
async fn caller(
    app: &App,
    console: &Address,
    request: &HttpRequest,
) -> Result<(Actor, Rights), ApiAnswer> {
    let authority = console.authority(&app.core, visitor::of(request));
    let token = credentials::bearer(request, false, &[]).map_err(unauthorized)?;
    let facts = authority
        .authorize(token.as_deref(), &Requirement::default())
        .await
        .map_err(|refusal| match refusal {
            Refusal::Fault(fault) => unauthorized(fault),
            other => AdminFault::NotPossible(other.to_string()).into(),
        })?;
    let place = place(&facts)?;
    let permissions = still_held(app, console.issuer.id, &facts, &place).await?;
    let rights = permissions
        .into_iter()
        .map(|permission| (place.clone(), permission))
        .collect();
    let (kind, id, name) = match &facts.user {
        Some(user) => (
            ActorKind::Administrator,
            user.user.0.to_string(),
            user.username.clone(),
        ),
        None => (ActorKind::Client, facts.client_id.clone(), String::new()),
    };
    let actor = Actor::from_afar(kind, &id, &name, &visitor::of(request));
    Ok((actor, Rights::Granted(rights)))
}

/// The issuer that the token is for, or, with `None`, the server. A token for several would have
/// its scopes at each of them, whatever was granted where.
fn place(facts: &TokenFacts) -> Result<Option<String>, ApiAnswer> {
    let [audience] = &facts.audience[..] else {
        return Err(unauthorized(Fault::InvalidAccessToken));
    };
    if audience == SERVER_AUDIENCE {
        return Ok(None);
    }
    issuer_of_audience(audience)
        .map(|issuer| Some(issuer.to_owned()))
        .ok_or_else(|| unauthorized(Fault::InvalidAccessToken))
}

/// The permissions of a token that its user or client has not lost since it was issued.
async fn still_held(
    app: &App,
    console: IssuerId,
    facts: &TokenFacts,
    place: &Option<String>,
) -> Result<Vec<String>, ApiAnswer> {
    let store = &app.core.store;
    let failed = |error| ApiAnswer::from(AdminFault::Store(error));
    let granted = facts.scope.tokens().iter();
    let Some(user) = &facts.user else {
        let client = store.find_client(console, &facts.client_id).await;
        let client = client.map_err(failed)?;
        let apis = store.apis(console).await.map_err(failed)?;
        let held = |scope: &&String| {
            let grants = client.iter().flat_map(|client| &client.grants);
            grants.clone().any(|grant| {
                apis.iter().any(|api| {
                    api.id == grant.api_id
                        && facts.audience.contains(&api.audience)
                        && grant.allows_machine(api, scope)
                })
            })
        };
        return Ok(granted.filter(held).cloned().collect());
    };
    let rights = rights_of(app, console, user.user).await.map_err(failed)?;
    let held = |scope: &&String| {
        Permission::find(scope).is_some_and(|permission| rights.hold(permission, place.as_deref()))
    };
    Ok(granted.filter(held).cloned().collect())
}

/// What an administrator may do, by the roles they have now.
pub async fn rights_of(app: &App, console: IssuerId, user: UserId) -> crate::store::Result<Rights> {
    let user = app.core.store.get_user(console, user).await?;
    let roles = user.map(|user| user.roles).unwrap_or_default();
    let appointments = roles.iter().filter_map(|role| Appointment::parse(role));
    Ok(Rights::Appointments(appointments.collect()))
}

/// RFC 6750 §3.
fn unauthorized(fault: Fault) -> ApiAnswer {
    let (detail, challenge) = match fault {
        Fault::MissingAccessToken => (
            "Send an access token of this server's console in Authorization: Bearer.",
            "Bearer realm=\"Locum\"",
        ),
        Fault::ExpiredAccessToken => (
            "The access token has expired.",
            "Bearer realm=\"Locum\", error=\"invalid_token\", error_description=\"expired\"",
        ),
        _ => (
            "The access token is not good here: expected one of the issuer `console`, for exactly one audience, urn:locum:issuer:NAME or urn:locum:server.",
            "Bearer realm=\"Locum\", error=\"invalid_token\"",
        ),
    };
    problem(401, "unauthorized", "Unauthorized", detail).with_header("WWW-Authenticate", challenge)
}

fn respond(answer: ApiAnswer) -> HttpResponse {
    let status = StatusCode::from_u16(answer.status).unwrap_or(StatusCode::SERVICE_UNAVAILABLE);
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"));
    if let Some(etag) = &answer.etag {
        response.insert_header((header::ETAG, etag.as_str()));
    }
    for (name, value) in &answer.headers {
        response.insert_header((*name, value.as_str()));
    }
    match answer.body {
        None => response.finish(),
        Some(body) => {
            let media_type = if answer.is_problem {
                "application/problem+json"
            } else {
                "application/json"
            };
            response
                .insert_header((header::CONTENT_TYPE, media_type))
                .body(body.to_string())
        }
    }
}
