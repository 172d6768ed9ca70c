//! The edge: HTTP in, HTTP out. Handlers parse, call `oauth`, render.

mod address;
mod body;
mod cors;
mod credentials;
mod document;
mod forward_auth;
mod health;
mod introspection;
pub mod pages;
mod render;
mod resource;
mod revocation;
mod routes;
pub mod static_files;
mod token;
mod welcome;

use std::time::Instant;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};

use crate::dialect::Endpoint;
use crate::oauth::Core;

pub use address::{Address, Resource};
pub use routes::Routes;
pub use welcome::Welcome;

use render::Explanation;
use routes::{Found, Target};

/// What every handler shares.
pub struct App {
    pub core: Core,
    pub routes: Routes,
    /// The page that says what to paste where; `None` outside `locum dev`.
    pub welcome: Option<Welcome>,
}

/// Answers every request. The table of paths is this server's own, because it depends on the
/// configuration: each issuer's dialect has its own.
pub async fn answer(
    request: HttpRequest,
    payload: web::Payload,
    app: web::Data<App>,
) -> HttpResponse {
    let started = Instant::now();
    let response = route(&request, payload, &app).await;
    let explanation = response.extensions().get::<Explanation>().cloned();
    tracing::info!(
        target: "locum::request",
        method = %request.method(),
        path = loggable(request.path()),
        status = response.status().as_u16(),
        microseconds = started.elapsed().as_micros(),
        because = explanation.as_ref().map(|explanation| explanation.0.as_str()),
    );
    response
}

async fn route(request: &HttpRequest, payload: web::Payload, app: &App) -> HttpResponse {
    let (address, target) = match app.routes.find(request) {
        Found::Page(page) => return Box::pin(page.answer(request, app)).await,
        Found::Issuer(address, Some(target)) => (address, target),
        Found::Issuer(address, None) => return render::not_found(address),
        Found::Nothing => return routes::nothing_here(app),
    };
    if request.method() == Method::OPTIONS {
        return cors::preflight(address, target);
    }
    if !target.methods().contains(&request.method().as_str()) {
        return render::method_not_allowed(address, request.method(), target);
    }
    let response = match target {
        Target::Endpoint(Endpoint::Token) => token::token(app, address, request, payload).await,
        Target::Endpoint(Endpoint::Introspection) => {
            introspection::introspect(app, address, request, payload).await
        }
        Target::Endpoint(Endpoint::Revocation) => {
            revocation::revoke(app, address, request, payload).await
        }
        Target::Endpoint(Endpoint::Discovery) => address.discovery.answer(request),
        Target::Endpoint(Endpoint::Jwks) => address.jwks.answer(request),
        Target::ForwardAuth => forward_auth::check(app, address, request).await,
        Target::Resource(resource) => resource::read(app, address, resource, request).await,
    };
    cors::open(response, target)
}

/// A path in a log line: bounded. It cannot hold control characters, nor a query.
fn loggable(path: &str) -> &str {
    const LONGEST: usize = 200;
    path.get(..LONGEST).unwrap_or(path)
}
