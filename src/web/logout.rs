//! Logout: a client's request for it, the person's confirmation, and the page afterwards.

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};

use super::address::Address;
use super::authorization::{error_page, form_targets};
use super::pages::{Policy, SignOutPage, SignedOutPage};
use super::sign_in::view;
use super::visit::{self, Visit, to_page};
use super::{App, cookies};
use crate::dialect::Endpoint;
use crate::oauth::Refusal;
use crate::oidc::logout::EndSessionRequest;
use crate::protocol::Parameters;
use crate::signin::session::HeldSession;
use crate::signin::ticket::{Destination, Ticket};

/// `GET` or `POST` on an issuer's logout path (OIDC RP-Initiated Logout §2).
pub async fn end_session(
    app: &App,
    address: &Address,
    request: &HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let endpoint = Endpoint::EndSession;
    let visiting = Visit::at_endpoint(app, address, endpoint, request, payload);
    let (visit, parameters) = match visiting.await {
        Ok(found) => found,
        Err(response) => return response,
    };
    let asked = match visit.authority.end_session_request(&parameters).await {
        Ok(asked) => asked,
        Err(refusal) => return error_page(&visit, Endpoint::EndSession, &refusal),
    };
    let is_named =
        |held: &HeldSession| asked.sid.as_deref() == Some(&held.signed_in.session.id.0.to_string());
    let meant = match visit.authority.sessions_meant(&asked, &visit.held).await {
        Ok(meant) => meant,
        Err(refusal) => return visit.failed(&refusal),
    };
    // Whoever names a session knows it from an ID token. A hint of somebody who is not here says
    // nothing of who is (OIDC RP-Initiated Logout §2).
    let is_sure = !asked.needs_confirmation || visit.held.iter().any(is_named);
    if visit.current().is_some() && (!is_sure || meant.is_empty()) {
        return ask(&visit, &asked, &parameters);
    }
    finish(&visit, &asked).await
}

/// `GET` on Auth0's own logout path: `returnTo`.
pub async fn return_to_logout(app: &App, address: &Address, request: &HttpRequest) -> HttpResponse {
    let visit = match Visit::of(app, address, request, None).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    let parameters = match visit::query(request) {
        Ok(parameters) => parameters,
        Err(fault) => return error_page(&visit, Endpoint::ReturnToLogout, &fault.into()),
    };
    let reading = visit.authority.return_to_logout_request(&parameters);
    let asked = match reading.await {
        Ok(asked) => asked,
        Err(refusal) => return error_page(&visit, Endpoint::ReturnToLogout, &refusal),
    };
    if visit.is_head && visit.current().is_some() {
        return visit.unchanged();
    }
    match sign_out(&visit, &asked).await {
        // With nowhere to go it says no more than this.
        Ok((pages, rest)) if asked.return_to.is_none() && pages.is_empty() => {
            let mut response = HttpResponse::Ok()
                .content_type("text/plain; charset=utf-8")
                .insert_header(("Cache-Control", "no-store"))
                .body("OK");
            cookies::set_sessions(address, &mut response, &rest);
            response
        }
        Ok((pages, rest)) => gone(&visit, &asked, pages, &rest, StatusCode::FOUND),
        Err(refusal) => visit.failed(&refusal),
    }
}

/// Asks the person, who may have been sent here by anybody.
fn ask(visit: &Visit<'_>, asked: &EndSessionRequest, parameters: &Parameters) -> HttpResponse {
    let username = visit
        .current()
        .map(|held| held.signed_in.user.username.clone())
        .unwrap_or_default();
    let pairs = parameters
        .iter()
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let ticket = Ticket::new(Destination::SignOut(pairs.collect()), visit.now);
    let page = SignOutPage {
        frame: visit.frame(),
        form: visit.form("/sign-out", Some(&ticket)),
        client: client(asked),
        username,
    };
    let targets = asked.return_to.as_deref().map(form_targets);
    let policy = Policy::Page {
        form_targets: targets.as_deref().unwrap_or_default(),
        frames: &[],
    };
    visit.show(StatusCode::OK, &page, &policy)
}

/// `POST {issuer}/sign-out`: the person has confirmed. `GET` asks them, with nowhere to go on to.
pub async fn confirm(
    app: &App,
    address: &Address,
    request: &HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let mut visit = match Visit::of(app, address, request, None).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    if request.method() != Method::POST {
        return if visit.current().is_some() {
            ask(&visit, &EVERYBODY, &Parameters::default())
        } else {
            finish(&visit, &EVERYBODY).await
        };
    }
    let fields = match visit.read_form(request, payload).await {
        Ok(fields) => fields,
        Err(response) => return response,
    };
    // A button of one of our own pages needs no ticket: it leads nowhere else.
    let ticket = match fields.text("ticket") {
        "" => Ok(to_page(visit.home(), visit.now)),
        text => visit.read_ticket(text),
    };
    let ticket = match ticket {
        Ok(ticket) => ticket,
        Err(response) => return response,
    };
    visit.speak_as_asked(&ticket);
    let asked = match ticket.destination {
        Destination::SignOut(pairs) => match Parameters::new(pairs) {
            Ok(parameters) => visit.authority.end_session_request(&parameters).await,
            Err(fault) => Err(fault.into()),
        },
        Destination::Client(_) | Destination::Page(_) => Ok(EVERYBODY),
    };
    match asked {
        Ok(asked) => finish(&visit, &asked.confirmed()).await,
        Err(refusal) => error_page(&visit, Endpoint::EndSession, &refusal),
    }
}

async fn finish(visit: &Visit<'_>, asked: &EndSessionRequest) -> HttpResponse {
    if visit.is_head && visit.current().is_some() {
        return visit.unchanged();
    }
    match sign_out(visit, asked).await {
        Ok((pages, rest)) => gone(visit, asked, pages, &rest, StatusCode::SEE_OTHER),
        Err(refusal) => visit.failed(&refusal),
    }
}

/// Signs everybody out who is signed in in this browser: at a shared computer, whoever leaves does
/// not mean to leave it to the one before.
pub async fn leave(visit: &Visit<'_>) -> HttpResponse {
    finish(visit, &EVERYBODY).await
}

/// Nobody in particular, with nowhere to go on to.
const EVERYBODY: EndSessionRequest = EndSessionRequest {
    hint: None,
    sid: None,
    client: None,
    return_to: None,
    needs_confirmation: true,
};

/// Ends the sessions that are meant. Returns the pages of clients to be told, and what sessions
/// the browser still has.
async fn sign_out(
    visit: &Visit<'_>,
    asked: &EndSessionRequest,
) -> Result<(Vec<String>, Vec<HeldSession>), Refusal> {
    let meant = visit.authority.sessions_meant(asked, &visit.held).await?;
    let mut pages = Vec::new();
    for held in &meant {
        pages.extend(visit.authority.end_session(&held.signed_in).await?);
    }
    let rest = visit.held.iter().filter(|held| {
        let id = held.signed_in.session.id;
        !meant.iter().any(|gone| gone.signed_in.session.id == id)
    });
    Ok((pages, rest.cloned().collect()))
}

/// Back to the client at once, or by way of a page that tells other clients.
fn gone(
    visit: &Visit<'_>,
    asked: &EndSessionRequest,
    frontchannel: Vec<String>,
    rest: &[HeldSession],
    status: StatusCode,
) -> HttpResponse {
    let mut response = match &asked.return_to {
        Some(return_to) if frontchannel.is_empty() => visit::redirect(status, return_to),
        return_to => {
            let frames = frontchannel.clone();
            let page = SignedOutPage {
                frame: visit.frame(),
                continue_to: return_to.clone(),
                client: client(asked),
                frontchannel,
            };
            let policy = Policy::Page {
                form_targets: &[],
                frames: &frames,
            };
            visit.show(StatusCode::OK, &page, &policy)
        }
    };
    // A request of another site's form comes without the cookie, and must not take it away.
    if !visit.held.is_empty() {
        cookies::set_sessions(visit.address, &mut response, rest);
    }
    response
}

fn client(asked: &EndSessionRequest) -> Option<super::pages::ClientView> {
    let client = asked.client.as_deref()?;
    Some(view(client, asked.return_to.as_deref().unwrap_or_default()))
}
