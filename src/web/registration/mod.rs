//! Clients that register themselves, and a vendor's administration of clients: HTTP in, HTTP out.

mod form;
mod help;

use actix_web::http::header::{self, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, HttpResponseBuilder, web};
use serde_json::{Map, Value as Json};

use super::address::Address;
use super::body::{self, Document};
use super::routes::Target;
use super::{App, credentials, render, visitor};
use crate::dialect::{BodyEncoding, ClientAction, Endpoint};
use crate::issuer::RegistrationPolicy;
use crate::oauth::Refusal;
use crate::oauth::registration::RegisteredClient;
use crate::oauth::registration::vendor_admin::ListQuery;
use crate::protocol::{Fault, Parameters};
use crate::secret::Secret;

pub use help::{action_help, help, help_path};

/// Why a target is not there for anybody, whatever the dialect: registration that is closed, and
/// an administration without a lock, which only a stand-in for a vendor's has.
pub fn closed(address: &Address, target: &Target) -> Option<Fault> {
    let issuer = &address.issuer;
    match target {
        Target::Endpoint(Endpoint::Registration | Endpoint::RegistrationHelp)
        | Target::ClientConfiguration
        | Target::RegistrationHelp => (issuer.settings.registration == RegistrationPolicy::Closed)
            .then_some(Fault::RegistrationClosed),
        Target::Endpoint(Endpoint::ClientsAdmin) | Target::AdministeredClient(_) => {
            (!issuer.is_demo).then_some(Fault::NotFound)
        }
        _ => None,
    }
}

/// `POST` on an issuer's registration path (RFC 7591 §3.1).
pub async fn register(
    app: &App,
    address: &Address,
    request: &HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let outcome = async {
        let bearer = bearer(request, Fault::InvalidInitialAccessToken)?;
        let shape = &address.issuer.dialect.registration;
        let body = object(address, request, payload, &shape.body).await?;
        address
            .authority(&app.core, visitor::of(request))
            .register(&body, bearer.as_ref())
            .await
    };
    match outcome.await {
        Ok(client) => created(address, &client),
        Err(refusal) => render::refusal(address, Some(Endpoint::Registration), &refusal),
    }
}

/// `GET`, `PUT` or `DELETE` on a client's configuration endpoint (RFC 7592 §2).
pub async fn configuration(
    app: &App,
    address: &Address,
    request: &HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let outcome = async {
        let bearer = bearer(request, Fault::InvalidRegistrationToken)?;
        let id = client_id(request, "").ok_or(Fault::InvalidRegistrationToken)?;
        let authority = address.authority(&app.core, visitor::of(request));
        let client = match *request.method() {
            Method::DELETE => {
                authority.delete_registration(&id, bearer.as_ref()).await?;
                return Ok(deleted());
            }
            Method::PUT => {
                // Not the body of somebody who may not say anything.
                authority.read_registration(&id, bearer.as_ref()).await?;
                let body = object(address, request, payload, &[BodyEncoding::Json]).await?;
                authority
                    .update_registration(&id, &body, bearer.as_ref())
                    .await?
            }
            _ => authority.read_registration(&id, bearer.as_ref()).await?,
        };
        Ok(shown(address, &client))
    };
    let refused =
        |refusal: Refusal| render::refusal(address, Some(Endpoint::Registration), &refusal);
    outcome.await.unwrap_or_else(refused)
}

/// `GET` and `POST` on a vendor's list of clients.
pub async fn clients(
    app: &App,
    address: &Address,
    request: &HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let outcome = async {
        let authority = address.authority(&app.core, visitor::of(request));
        if request.method() == Method::POST {
            let body = object(address, request, payload, &[BodyEncoding::Json]).await?;
            let client = authority.create_client(&body).await?;
            return Ok(created(address, &client));
        }
        let query = list_query(request)?;
        let page = authority.list_clients(&query).await?;
        let template = &address.issuer.dialect.registration.read;
        let clients = page.clients.iter().map(|client| template.render(client));
        let mut body = clients.collect::<Vec<_>>().join(&b","[..]);
        body.insert(0, b'[');
        body.push(b']');
        let mut response = HttpResponse::Ok();
        response.insert_header((header::CONTENT_TYPE, "application/json; charset=utf-8"));
        response.insert_header((
            header::LINK,
            links(request.path(), &query, page.next.as_deref()),
        ));
        Ok(finished(address, response, body))
    };
    let refused =
        |refusal: Refusal| render::refusal(address, Some(Endpoint::ClientsAdmin), &refusal);
    outcome.await.unwrap_or_else(refused)
}

/// One client in a vendor's administration.
pub async fn client(
    app: &App,
    address: &Address,
    action: Option<ClientAction>,
    request: &HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let outcome = async {
        let actions = &address.issuer.dialect.registration.client_actions;
        let suffix = action.and_then(|action| actions.get(&action));
        let suffix = suffix.map_or("", String::as_str);
        let id = client_id(request, suffix).ok_or(Fault::ClientNotFound)?;
        let authority = address.authority(&app.core, visitor::of(request));
        let json = [BodyEncoding::Json];
        let client = match (action, request.method()) {
            (Some(ClientAction::Lifespans), _) => return Err(Fault::NotSupported.into()),
            (Some(ClientAction::RotateSecret), &Method::DELETE) => {
                authority.remove_previous_secret(&id).await?
            }
            (Some(ClientAction::RotateSecret), _) => authority.rotate_secret(&id).await?,
            (None, &Method::DELETE) => {
                authority.remove_client(&id).await?;
                return Ok(deleted());
            }
            (None, &Method::PUT) => {
                let body = object(address, request, payload, &json).await?;
                authority.replace_client(&id, &body).await?
            }
            (None, &Method::PATCH) => match body::document(request, payload, &json).await? {
                Document::Json(patch) => authority.patch_client(&id, &patch).await?,
                Document::Form(_) => return Err(no_object().into()),
            },
            (None, _) => authority.read_client(&id).await?,
        };
        Ok(shown(address, &client))
    };
    let refused =
        |refusal: Refusal| render::refusal(address, Some(Endpoint::ClientsAdmin), &refusal);
    outcome.await.unwrap_or_else(refused)
}

/// The bearer token it comes with. `unreadable` is what one is that can be none.
fn bearer(request: &HttpRequest, unreadable: Fault) -> Result<Option<Secret>, Fault> {
    let token = credentials::bearer(request, false, &[]).map_err(|_| unreadable)?;
    Ok(token.map(Secret::new))
}

/// The client ID in the path, before what follows it.
fn client_id(request: &HttpRequest, suffix: &str) -> Option<String> {
    let path = request.path();
    // Its case may not count.
    let end = path.len().checked_sub(suffix.len())?;
    let (_, segment) = path.get(..end)?.rsplit_once('/')?;
    // A plus sign is itself in a path.
    body::form_decode(segment.replace('+', "%2B").as_bytes()).ok()
}

/// The members of a registration, whatever the body is encoded as.
async fn object(
    address: &Address,
    request: &HttpRequest,
    payload: web::Payload,
    accepted: &[BodyEncoding],
) -> Result<Map<String, Json>, Fault> {
    match body::document(request, payload, accepted).await? {
        Document::Json(Json::Object(members)) => Ok(members),
        Document::Json(_) => Err(no_object()),
        Document::Form(pairs) => Ok(form::members(&address.issuer.dialect.registration, pairs)),
    }
}

fn no_object() -> Fault {
    Fault::MalformedBody {
        reason: "expected a JSON object".into(),
    }
}

fn created(address: &Address, client: &RegisteredClient) -> HttpResponse {
    let shape = &address.issuer.dialect.registration;
    let mut response = render::with_status(shape.status);
    render::add_headers(&mut response, &shape.headers, client);
    render::add_headers(&mut response, &shape.created_headers, client);
    finished(address, response, shape.created.render(client))
}

fn shown(address: &Address, client: &RegisteredClient) -> HttpResponse {
    let shape = &address.issuer.dialect.registration;
    let mut response = HttpResponse::Ok();
    render::add_headers(&mut response, &shape.headers, client);
    finished(address, response, shape.read.render(client))
}

/// What is said here is said to one caller, and may have a secret in it.
fn finished(
    address: &Address,
    mut response: HttpResponseBuilder,
    mut body: Vec<u8>,
) -> HttpResponse {
    if address.issuer.dialect.registration.ends_with_newline {
        body.push(b'\n');
    }
    let mut response = response.body(body);
    let headers = response.headers_mut();
    if !headers.contains_key(header::CACHE_CONTROL) {
        headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

fn deleted() -> HttpResponse {
    HttpResponse::build(StatusCode::NO_CONTENT)
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .finish()
}

const DEFAULT_PAGE: usize = 250;
const LARGEST_PAGE: usize = 1000;

fn list_query(request: &HttpRequest) -> Result<ListQuery, Fault> {
    let query = Parameters::new(body::form(request.query_string().as_bytes())?)?;
    let text = |name: &str| query.find(name).map(str::to_owned);
    let page_size = match query.find("page_size") {
        None => DEFAULT_PAGE,
        Some(size) => size.parse().map_err(|_| Fault::MalformedParameter {
            parameter: "page_size",
            reason: "expected a number",
        })?,
    };
    Ok(ListQuery {
        client_name: text("client_name"),
        owner: text("owner"),
        page_size: page_size.clamp(1, LARGEST_PAGE),
        page_token: text("page_token"),
    })
}

/// Where the pages are (RFC 8288).
fn links(path: &str, query: &ListQuery, next: Option<&str>) -> String {
    let link = |token: Option<&str>, relation: &str| {
        let mut parameters = url::form_urlencoded::Serializer::new(String::new());
        parameters.append_pair("page_size", &query.page_size.to_string());
        for (name, value) in [
            ("client_name", query.client_name.as_deref()),
            ("owner", query.owner.as_deref()),
            ("page_token", token),
        ] {
            if let Some(value) = value {
                parameters.append_pair(name, value);
            }
        }
        format!("<{path}?{}>; rel=\"{relation}\"", parameters.finish())
    };
    let mut links = vec![link(None, "first")];
    links.extend(next.map(|next| link(Some(next), "next")));
    links.join(",")
}
