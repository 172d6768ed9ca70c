//! The authorization endpoint, and the way from there to the client and back.

use std::borrow::Cow;

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse, web};

use super::address::Address;
use super::cookies::browser_state;
use super::pages::{ErrorKind, ErrorPage, FormPostPage, Policy, WebMessagePage, session_state};
use super::visit::{self, PLAIN, Visit, explained};
use super::{App, render};
use crate::dialect::template::{Lookup, Value};
use crate::dialect::{AuthorizationWord, Endpoint};
use crate::oauth::Refusal;
use crate::oauth::authorization::{
    Answer, AuthorizationRequest, Next, Outcome, RefusedRequest, ReplyTo,
};
use crate::protocol::{Fault, Parameters, ResponseMode, Scope, origin, parameter, with_parameters};
use crate::secret::random_text;
use crate::signin::ticket::{Destination, Ticket, Tickets};

/// `GET` or `POST` on an issuer's authorization path (RFC 6749 §3.1, OIDC Core §3.1.2.1).
pub async fn authorize(
    app: &App,
    address: &Address,
    request: &HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let endpoint = Endpoint::Authorization;
    let visiting = Visit::at_endpoint(app, address, endpoint, request, payload);
    let (visit, parameters) = match visiting.await {
        Ok(found) => found,
        Err(response) => return response,
    };
    // What nobody reads need not travel.
    let pairs = parameters
        .iter()
        .filter(|(name, _)| parameter::known(name).is_some())
        .map(|(name, value)| (name.to_owned(), value.to_owned()));
    let ticket = Ticket::new(Destination::Client(pairs.collect()), visit.now);
    proceed(&visit, ticket).await
}

/// A request on its way: read, and what comes next.
pub struct OnTheWay {
    pub request: AuthorizationRequest,
    pub next: Next,
}

impl Visit<'_> {
    /// Reads the request a ticket carries, and decides what comes next.
    ///
    /// # Errors
    /// The answer, when there is nothing more to decide.
    pub async fn on_the_way(&self, ticket: &Ticket) -> Result<OnTheWay, HttpResponse> {
        let Destination::Client(pairs) = &ticket.destination else {
            return Err(self.redirect(&self.path("/account")));
        };
        let parameters = Parameters::new(pairs.iter().cloned())
            .map_err(|fault| error_page(self, Endpoint::Authorization, &fault.into()))?;
        let read = self.authority.authorization_request(&parameters).await;
        let request = read.map_err(|refused| match refused {
            RefusedRequest::Page(refusal) => error_page(self, Endpoint::Authorization, &refusal),
            RefusedRequest::Client(refusal, reply_to) => self.refuse(refusal, reply_to),
        })?;
        let sessions = self.signed_in();
        let deciding = self.authority.decide(&request, ticket.progress, &sessions);
        match deciding.await {
            Ok(next) => Ok(OnTheWay { request, next }),
            Err(refusal) => Err(self.refuse(refusal, request.reply_to)),
        }
    }

    fn refuse(&self, refusal: Refusal, reply_to: ReplyTo) -> HttpResponse {
        let entry = self
            .address
            .issuer
            .dialect
            .error(Some(Endpoint::Authorization), refusal.fault().kind());
        if entry.page {
            return error_page(self, Endpoint::Authorization, &refusal);
        }
        answer(
            self,
            Answer {
                reply_to,
                outcome: Outcome::Refused(refusal),
            },
        )
    }
}

/// The next page on the way, or the answer to the client.
pub async fn proceed(visit: &Visit<'_>, ticket: Ticket) -> HttpResponse {
    let OnTheWay { request, next } = match visit.on_the_way(&ticket).await {
        Ok(on_the_way) => on_the_way,
        Err(response) => return response,
    };
    let page = match next {
        Next::SignIn { .. } => "/sign-in",
        Next::ChooseAccount => "/choose-account",
        Next::Consent(_) => "/consent",
        Next::Grant(_) if visit.is_head => return visit.unchanged(),
        Next::Grant(grantable) => {
            return match visit.authority.grant_all(&request, &grantable).await {
                Ok(granted) => answer(visit, granted),
                Err(refusal) => visit.refuse(refusal, request.reply_to),
            };
        }
    };
    if !visit.fits(&ticket) {
        let limit = Tickets::LONGEST;
        return visit.refuse(Fault::OverlongRequest { limit }.into(), request.reply_to);
    }
    visit.redirect(&visit.page_with(page, &ticket))
}

/// What a client is told, by the response mode it asked for.
pub fn answer(visit: &Visit<'_>, answer: Answer) -> HttpResponse {
    let Answer { reply_to, outcome } = answer;
    let dialect = &visit.address.issuer.dialect;
    let policy = &dialect.authorization;
    let (words, because) = match &outcome {
        Outcome::Granted {
            code,
            scope,
            client_id,
        } => {
            let words = Words {
                code: Some(code.expose()),
                scope: Some(scope),
                session_state: session_state_of(visit, &reply_to, client_id, scope),
                ..Words::of(visit, &reply_to)
            };
            (words, None)
        }
        Outcome::Refused(refusal) => {
            if !matches!(refusal, Refusal::Fault(_)) {
                tracing::error!(error = %refusal, "this server failed");
            }
            let told = render::told(
                visit.address,
                Some(Endpoint::Authorization),
                &refusal.fault(),
            );
            let words = Words {
                error: Some(told.error),
                error_description: told.description,
                error_uri: told.uri,
                ..Words::of(visit, &reply_to)
            };
            (words, Some(refusal.to_string()))
        }
    };
    let template = match outcome {
        Outcome::Granted { .. } => &policy.response,
        Outcome::Refused(_) => &policy.error_response,
    };
    let response = send(visit, &reply_to, template.pairs(&words));
    match because {
        Some(because) => explained(response, &because),
        None => response,
    }
}

fn send(visit: &Visit<'_>, reply_to: &ReplyTo, parameters: Vec<(String, String)>) -> HttpResponse {
    let policy = &visit.address.issuer.dialect.authorization;
    let uri = &reply_to.redirect_uri;
    let status = StatusCode::from_u16(policy.redirect_status).unwrap_or(StatusCode::SEE_OTHER);
    let space = policy.space.as_str();
    match reply_to.response_mode {
        ResponseMode::Query => {
            visit::redirect(status, &with_parameters(uri, &parameters, '?', space))
        }
        ResponseMode::Fragment => {
            visit::redirect(status, &with_parameters(uri, &parameters, '#', space))
        }
        ResponseMode::FormPost => {
            let page = FormPostPage {
                frame: visit.frame(),
                action: uri.clone(),
                fields: parameters,
            };
            let policy = Policy::Page {
                form_targets: &form_targets(uri),
                frames: &[],
            };
            visit.show(StatusCode::OK, &page, &policy)
        }
        ResponseMode::WebMessage => {
            let response: serde_json::Map<String, serde_json::Value> = parameters
                .into_iter()
                .map(|(name, value)| (name, value.into()))
                .collect();
            let message = serde_json::json!({
                "type": "authorization_response",
                "response": response,
            });
            let page = WebMessagePage {
                frame: visit.frame(),
                target_origin: origin(uri).unwrap_or_default(),
                message: message.to_string(),
            };
            visit.show(StatusCode::OK, &page, &Policy::Embeddable)
        }
    }
}

/// Where a form may lead that ends at a client. Chrome holds the whole chain of redirects against
/// `form-action`, and a client's redirect URI may lead on to another of its hosts: so it is the
/// scheme that is named.
pub fn form_targets(redirect_uri: &str) -> Vec<String> {
    let scheme = redirect_uri.split(':').next().unwrap_or_default();
    vec![format!("{scheme}:")]
}

/// OIDC Session Management §2: part of an authentication response, so there is none without
/// `openid`. The salt keeps two clients from comparing.
fn session_state_of(
    visit: &Visit<'_>,
    reply_to: &ReplyTo,
    client_id: &str,
    scope: &Scope,
) -> Option<String> {
    let dialect = &visit.address.issuer.dialect;
    dialect.endpoints.find(Endpoint::CheckSession)?;
    if !scope.contains("openid") {
        return None;
    }
    let current = visit.current()?;
    let salt = random_text(&visit.app.core.entropy);
    let origin = origin(&reply_to.redirect_uri)?;
    Some(session_state(
        client_id,
        &origin,
        &browser_state(current),
        &salt,
    ))
}

/// The words of an authorization response.
struct Words<'a> {
    code: Option<&'a str>,
    scope: Option<&'a Scope>,
    session_state: Option<String>,
    state: Option<&'a str>,
    issuer: &'a str,
    error: Option<String>,
    error_description: Option<String>,
    error_uri: Option<String>,
}

impl<'a> Words<'a> {
    fn of(visit: &'a Visit<'_>, reply_to: &'a ReplyTo) -> Self {
        Self {
            code: None,
            scope: None,
            session_state: None,
            state: reply_to.state.as_deref(),
            issuer: &visit.address.identifier,
            error: None,
            error_description: None,
            error_uri: None,
        }
    }
}

impl Lookup<AuthorizationWord> for Words<'_> {
    fn value(&self, word: AuthorizationWord) -> Value<'_> {
        match word {
            AuthorizationWord::Code => Value::optional(self.code),
            AuthorizationWord::State => Value::optional(self.state),
            AuthorizationWord::Issuer => Value::text(self.issuer),
            AuthorizationWord::Scope => self
                .scope
                .map_or(Value::Absent, |scope| Value::Words(scope.tokens())),
            AuthorizationWord::SessionState => Value::optional(self.session_state.as_deref()),
            AuthorizationWord::Error => Value::optional(self.error.as_deref()),
            AuthorizationWord::ErrorDescription => {
                Value::optional(self.error_description.as_deref())
            }
            AuthorizationWord::ErrorUri => Value::optional(self.error_uri.as_deref()),
        }
    }
}

/// An error that only the user can be told.
pub fn error_page(visit: &Visit<'_>, endpoint: Endpoint, refusal: &Refusal) -> HttpResponse {
    let kind = match refusal {
        Refusal::Fault(_) => ErrorKind::Client,
        Refusal::Store(_) | Refusal::Key(_) | Refusal::Busy(_) => {
            tracing::error!(error = %refusal, "this server failed");
            ErrorKind::Unavailable
        }
    };
    let fault: Cow<'_, _> = refusal.fault();
    let told = render::told(visit.address, Some(endpoint), &fault);
    let page = ErrorPage {
        frame: visit.frame(),
        code: told.error,
        kind,
        description: told.description,
    };
    let status = StatusCode::from_u16(told.status).unwrap_or(StatusCode::BAD_REQUEST);
    explained(visit.show(status, &page, &PLAIN), &refusal.to_string())
}
