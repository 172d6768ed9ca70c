//! The edge: HTTP in, HTTP out. Handlers parse, call `oauth`, render.

mod account;
mod address;
mod admin_api;
mod api_reference;
mod authorization;
mod body;
mod check_session;
mod consent;
pub mod console;
mod cookies;
mod cors;
mod credentials;
mod document;
mod forward_auth;
mod health;
pub mod hosting;
mod introspection;
mod logout;
#[cfg(test)]
mod markup;
pub mod pages;
mod registration;
mod render;
mod resource;
mod revocation;
mod routes;
mod set_password;
mod sign_in;
pub mod static_files;
mod token;
mod userinfo;
mod visit;
mod visitor;
mod welcome;

use std::net::SocketAddr;
use std::sync::Arc;
use std::time::Instant;

use actix_web::http::Method;
use actix_web::http::header::HeaderValue;
use actix_web::{HttpRequest, HttpResponse, web};
use tracing::Instrument;

use crate::admin::system::CONSOLE;
use crate::audit::Counted;
use crate::dialect::Endpoint;
use crate::oauth::Core;
use crate::proxy::TrustedProxies;

pub use address::{Address, Appearance, Resource};
pub use hosting::{Hosting, HostingError, Place};
pub use routes::Routes;
pub use welcome::Welcome;

use render::Explanation;
use routes::{Found, Target, UserPage};

/// What every handler shares.
pub struct App {
    pub core: Core,
    pub hosting: Arc<Hosting>,
    /// The page that says what to paste where; `None` outside `locum dev`.
    pub welcome: Option<Welcome>,
    pub trusted_proxies: TrustedProxies,
    /// Where this server reaches itself.
    pub own_address: SocketAddr,
}

/// Answers every request. The table of paths is this server's own, because it depends on the
/// configuration: each issuer's dialect has its own.
pub async fn answer(
    request: HttpRequest,
    payload: web::Payload,
    app: web::Data<App>,
) -> HttpResponse {
    let visitor = visitor::arrive(&app, &request);
    // As loud as an error, so that no filter takes the ID from a line that it lets through.
    let span = tracing::error_span!(target: "locum::request", "request", id = visitor.request_id);
    let mut response = logged(&request, payload, &app).instrument(span).await;
    if let Ok(id) = HeaderValue::from_str(&visitor.request_id) {
        response.headers_mut().insert(visitor::REQUEST_ID, id);
    }
    response
}

async fn logged(request: &HttpRequest, payload: web::Payload, app: &App) -> HttpResponse {
    let started = Instant::now();
    let response = route(request, payload, app).await;
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
    if routes::is_admin_api(request.path()) {
        return Box::pin(admin_api::answer(app, request, payload)).await;
    }
    let routes = app.hosting.routes();
    let (address, target) = match routes.find(request) {
        Found::Page(page) => return Box::pin(page.answer(request, app)).await,
        Found::Issuer(address, Some(target)) => (address, target),
        // What the console's issuer does not serve itself is a page of the console.
        Found::Issuer(address, None) if address.issuer.name == CONSOLE => {
            return Box::pin(console::answer(app, address, request, payload)).await;
        }
        Found::Issuer(address, None) => return render::not_found(address),
        Found::Nothing => return routes::nothing_here(app),
    };
    if let Some(fault) = registration::closed(address, target) {
        return render::fault(address, target.endpoint(), &fault);
    }
    if request.method() == Method::OPTIONS {
        return cors::preflight(address, target);
    }
    if !target.allows(request.method().as_str()) {
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
        // Boxed: what people do is large and rare beside what machines do.
        Target::Endpoint(Endpoint::Authorization) => {
            Box::pin(authorization::authorize(app, address, request, payload)).await
        }
        Target::Endpoint(Endpoint::Userinfo) => {
            Box::pin(userinfo::userinfo(app, address, request, payload)).await
        }
        Target::Endpoint(Endpoint::EndSession) => {
            Box::pin(logout::end_session(app, address, request, payload)).await
        }
        Target::Endpoint(Endpoint::ReturnToLogout) => {
            Box::pin(logout::return_to_logout(app, address, request)).await
        }
        Target::Endpoint(Endpoint::CheckSession) => check_session::frame(app, address),
        Target::Endpoint(Endpoint::Registration) => {
            Box::pin(registration::register(app, address, request, payload)).await
        }
        Target::ClientConfiguration => {
            Box::pin(registration::configuration(app, address, request, payload)).await
        }
        Target::Endpoint(Endpoint::ClientsAdmin) => {
            Box::pin(registration::clients(app, address, request, payload)).await
        }
        Target::AdministeredClient(action) => {
            Box::pin(registration::client(
                app, address, *action, request, payload,
            ))
            .await
        }
        Target::Endpoint(Endpoint::RegistrationHelp) => registration::help(address),
        Target::RegistrationHelp => {
            Box::pin(registration::action_help(app, address, request)).await
        }
        Target::Page(page) => Box::pin(show(app, address, *page, request, payload)).await,
        Target::ForwardAuth => forward_auth::check(app, address, request).await,
        Target::Resource(resource) => resource::read(app, address, resource, request).await,
    };
    let has_failed = response.status().is_client_error() || response.status().is_server_error();
    if has_failed && matches!(target, Target::Endpoint(_)) {
        let core = &app.core;
        core.activity
            .count(address.issuer.id, Counted::Errors, core.clock.now());
    }
    cors::open(response, target)
}

/// One of an issuer's pages for people.
async fn show(
    app: &App,
    address: &Address,
    page: UserPage,
    request: &HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    match page {
        UserPage::SignIn => sign_in::sign_in(app, address, request, payload).await,
        UserPage::ChooseAccount => sign_in::choose_account(app, address, request, payload).await,
        UserPage::Consent => consent::consent(app, address, request, payload).await,
        UserPage::SignOut => logout::confirm(app, address, request, payload).await,
        UserPage::SetPassword => set_password::set_password(app, address, request, payload).await,
        UserPage::Account(action) => account::account(app, address, action, request, payload).await,
        UserPage::Stylesheet => address.appearance.stylesheet.answer(request),
        UserPage::Logo => match &address.appearance.logo {
            Some(logo) => logo.answer(request),
            None => render::not_found(address),
        },
    }
}

/// A path in a log line: bounded. It cannot hold control characters, nor a query.
fn loggable(path: &str) -> &str {
    const LONGEST: usize = 200;
    path.get(..LONGEST).unwrap_or(path)
}
