//! Somebody's browser at one of an issuer's pages: who is signed in there, in which language they
//! are spoken to, and proof that a form they send is ours.

use std::collections::HashSet;

use actix_web::http::header::{self, HeaderMap, HeaderValue};
use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};

use super::address::Address;
use super::cookies::{self, Cookie};
use super::pages::{self, ErrorKind, ErrorPage, Form, Frame, Language, Policy};
use super::render::Explanation;
use super::{App, authorization, body, visitor};
use crate::admin::system::CONSOLE;
use crate::clock::Timestamp;
use crate::dialect::Endpoint;
use crate::oauth::authorization::SignedIn;
use crate::oauth::{Authority, Refusal};

use crate::protocol::{Fault, Parameters, parameter, with_parameters};
use crate::secret::{Secret, random_text};
use crate::signin::session::HeldSession;
use crate::signin::ticket::{Destination, Ticket, Tickets};

pub struct Visit<'a> {
    pub app: &'a App,
    pub address: &'a Address,
    pub authority: Authority<'a>,
    pub language: Language,
    pub held: Vec<HeldSession>,
    pub now: Timestamp,
    /// Languages, as `Accept-Language` names them.
    preferred: Option<String>,
    /// What CSRF tokens are bound to.
    browser: String,
    is_new_browser: bool,
    /// Whether the browser says that another site's form was sent.
    is_cross_site: bool,
    /// Whether only the headers are asked for, which must change nothing (RFC 9110 §9.2.1).
    pub is_head: bool,
}

/// The fields of which a form may have several: boxes to tick.
const REPEATED: [&str; 5] = ["scope", "everything", "grant_type", "role", "issuer"];

/// The fields of a form.
pub struct Fields(Vec<(String, String)>);

impl Fields {
    /// The first field of that name, or nothing.
    pub fn text(&self, name: &str) -> &str {
        self.all(name).next().unwrap_or_default()
    }

    pub fn password(&self, name: &str) -> Secret {
        Secret::typed(self.text(name))
    }

    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    pub fn has(&self, name: &str) -> bool {
        self.all(name).next().is_some()
    }
}

impl<'a> Visit<'a> {
    /// `ui_locales` is what the client asks for.
    ///
    /// # Errors
    /// A page that says to come back later, when nobody can tell who is signed in.
    pub async fn of(
        app: &'a App,
        address: &'a Address,
        request: &HttpRequest,
        ui_locales: Option<&str>,
    ) -> Result<Self, HttpResponse> {
        let authority = address.authority(&app.core, visitor::of(request));
        let tokens = cookies::session_tokens(address, request);
        let (held, failure) = match authority.sessions(&tokens).await {
            Ok(held) => (held, None),
            Err(refusal) => (Vec::new(), Some(refusal)),
        };
        let browser = Cookie::Browser.read(address, request);
        // A browser without a preference leaves it to what is known of the person.
        let own = held
            .first()
            .and_then(|held| held.signed_in.user.claims.text("locale"));
        let preferred = text(request.headers(), header::ACCEPT_LANGUAGE.as_str())
            .or(own)
            .map(str::to_owned);
        let visit = Self {
            app,
            address,
            authority,
            language: Language::negotiate(ui_locales, preferred.as_deref()),
            preferred,
            held,
            now: app.core.clock.now(),
            is_cross_site: text(request.headers(), "sec-fetch-site") == Some("cross-site")
                && request.method() == Method::POST,
            is_head: request.method() == Method::HEAD,
            is_new_browser: browser.is_none(),
            browser: browser.unwrap_or_else(|| random_text(&app.core.entropy)),
        };
        match failure {
            None => Ok(visit),
            // Not as if nobody were signed in: they would be asked for a password in vain.
            Some(refusal) => Err(visit.failed(&refusal)),
        }
    }

    /// The same at an endpoint that a client sends people to, by GET or POST, with the parameters
    /// they bring.
    ///
    /// # Errors
    /// A page for what is wrong with the parameters; and, for a request that another site's form
    /// has posted, the same by GET: browsers leave the session out of such a request, and nobody
    /// would seem to be signed in.
    pub async fn at_endpoint(
        app: &'a App,
        address: &'a Address,
        endpoint: Endpoint,
        request: &HttpRequest,
        payload: web::Payload,
    ) -> Result<(Self, Parameters), HttpResponse> {
        let parameters = parameters(request, payload).await;
        let ui_locales = parameters
            .as_ref()
            .ok()
            .and_then(|parameters| parameters.find(parameter::UI_LOCALES));
        let visit = Self::of(app, address, request, ui_locales).await?;
        let parameters = parameters
            .map_err(|fault| authorization::error_page(&visit, endpoint, &fault.into()))?;
        if visit.is_cross_site && visit.held.is_empty() {
            let pairs: Vec<(String, String)> = parameters
                .iter()
                .map(|(name, value)| (name.to_owned(), value.to_owned()))
                .collect();
            let location = with_parameters(request.path(), &pairs, '?', "%20");
            let limit = Tickets::LONGEST;
            return Err(if location.len() <= limit {
                visit.redirect(&location)
            } else {
                authorization::error_page(
                    &visit,
                    endpoint,
                    &Fault::OverlongRequest { limit }.into(),
                )
            });
        }
        Ok((visit, parameters))
    }

    /// Speaks the language that a ticket's client asks for, if it does.
    pub fn speak_as_asked(&mut self, ticket: &Ticket) {
        self.language = Language::negotiate(ui_locales(ticket), self.preferred.as_deref());
    }

    pub fn frame(&self) -> Frame<'a> {
        Frame {
            language: self.language,
            brand: &self.address.appearance.brand,
            base: &self.address.path,
            is_dev: self.app.welcome.is_some(),
        }
    }

    pub fn signed_in(&self) -> Vec<SignedIn> {
        self.held
            .iter()
            .map(|held| held.signed_in.clone())
            .collect()
    }

    /// The person who is signed in now.
    pub fn current(&self) -> Option<&HeldSession> {
        self.held.first()
    }

    /// Where somebody goes who came by themselves: a user to their account, an administrator to
    /// the console.
    pub fn home(&self) -> &'static str {
        if self.is_console() { "" } else { "/account" }
    }

    /// Whether whoever signs in here is an administrator.
    pub fn is_console(&self) -> bool {
        self.address.issuer.name == CONSOLE
    }

    /// A path of this issuer.
    pub fn path(&self, page: &str) -> String {
        format!("{}{page}", self.address.path)
    }

    pub fn csrf(&self) -> String {
        let tickets = &self.app.core.tickets;
        tickets.csrf(self.address.issuer.id, &self.browser)
    }

    pub fn form(&self, page: &str, ticket: Option<&Ticket>) -> Form {
        Form {
            action: self.path(page),
            csrf: self.csrf(),
            ticket: ticket.map(|ticket| self.write_ticket(ticket)),
        }
    }

    /// Whether a ticket is not too long to be read again, with what is written into it later.
    pub fn fits(&self, ticket: &Ticket) -> bool {
        const LATER: usize = 256;
        self.write_ticket(ticket).len() + LATER <= Tickets::LONGEST
    }

    pub fn write_ticket(&self, ticket: &Ticket) -> String {
        let tickets = &self.app.core.tickets;
        tickets.write(self.address.issuer.id, ticket)
    }

    /// # Errors
    /// A page that says to start again.
    #[expect(
        clippy::result_large_err,
        reason = "the answer, which every caller returns at once"
    )]
    pub fn read_ticket(&self, text: &str) -> Result<Ticket, HttpResponse> {
        let tickets = &self.app.core.tickets;
        tickets
            .read(self.address.issuer.id, text, self.now)
            .map_err(|error| self.expired(&error.to_string()))
    }

    /// A page of this issuer, with the ticket in its query.
    pub fn page_with(&self, page: &str, ticket: &Ticket) -> String {
        format!("{}?ticket={}", self.path(page), self.write_ticket(ticket))
    }

    /// A page. The browser gets what its forms are bound to, if it hasn't.
    pub fn show(
        &self,
        status: StatusCode,
        page: &impl askama::Template,
        policy: &Policy<'_>,
    ) -> HttpResponse {
        let mut response = pages::respond(status, page, policy);
        // Another site's form comes without the cookie, and must not have it replaced.
        if self.is_new_browser && !self.is_cross_site {
            Cookie::Browser.set(self.address, &mut response, &self.browser, None);
        }
        response
    }

    /// The browser goes elsewhere, with GET whatever it came with.
    pub fn redirect(&self, location: &str) -> HttpResponse {
        redirect(StatusCode::SEE_OTHER, location)
    }

    /// The answer to HEAD where the one to GET would have changed something.
    pub fn unchanged(&self) -> HttpResponse {
        HttpResponse::Ok()
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .finish()
    }

    /// A page for a failure of this server.
    pub fn failed(&self, refusal: &Refusal) -> HttpResponse {
        authorization::error_page(self, Endpoint::Authorization, refusal)
    }

    /// The page is too old, was sent by somebody else, or cookies are off.
    pub fn expired(&self, because: &str) -> HttpResponse {
        let page = ErrorPage {
            frame: self.frame(),
            code: "invalid_request".to_owned(),
            kind: ErrorKind::Expired,
            description: None,
        };
        explained(self.show(StatusCode::BAD_REQUEST, &page, &PLAIN), because)
    }

    /// Reads a form that this issuer's page made for this browser.
    ///
    /// # Errors
    /// A page that says to start again.
    pub async fn read_form(
        &self,
        request: &HttpRequest,
        payload: web::Payload,
    ) -> Result<Fields, HttpResponse> {
        let pairs = body::page_form(request, payload)
            .await
            .map_err(|fault| match fault {
                Fault::BodyTooLarge { .. } | Fault::RequestTimeout => self.failed(&fault.into()),
                fault => self.expired(&fault.to_string()),
            })?;
        let mut names = HashSet::new();
        let mut is_repeated =
            |name: &str| !REPEATED.contains(&name) && !names.insert(name.to_owned());
        // No page of ours has two fields of a name, but for these.
        if pairs.iter().any(|(name, _)| is_repeated(name)) {
            return Err(self.expired("a field stands more than once"));
        }
        let fields = Fields(pairs);
        // A form of another site is refused by its token already; this refuses it where the
        // browser itself says so.
        let tickets = &self.app.core.tickets;
        let issuer = self.address.issuer.id;
        let is_ours = !self.is_new_browser
            && tickets.is_csrf(issuer, &self.browser, fields.text("csrf"))
            && !self.is_cross_site;
        if is_ours {
            Ok(fields)
        } else {
            Err(self.expired("the form's token is not this browser's"))
        }
    }
}

/// Pages that lead nowhere else.
pub const PLAIN: Policy<'static> = Policy::Page {
    form_targets: &[],
    frames: &[],
};

pub fn redirect(status: StatusCode, location: &str) -> HttpResponse {
    let mut response = HttpResponse::build(status);
    match HeaderValue::from_str(location) {
        Ok(location) => response.insert_header((header::LOCATION, location)),
        // Every part of it has been checked or encoded.
        Err(_) => response.status(StatusCode::BAD_REQUEST),
    };
    response
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::PRAGMA, "no-cache"))
        .insert_header((header::REFERRER_POLICY, "no-referrer"))
        .finish()
}

/// Why, for the log.
pub fn explained(mut response: HttpResponse, because: &str) -> HttpResponse {
    response
        .extensions_mut()
        .insert(Explanation(because.to_owned()));
    response
}

/// The way to a page of the issuer's own.
pub fn to_page(page: &str, now: Timestamp) -> Ticket {
    Ticket::new(Destination::Page(page.to_owned()), now)
}

/// The `ticket` in a request's query.
/// What the query of a page's address says of `name`, or nothing.
pub fn in_query(request: &HttpRequest, name: &str) -> String {
    body::form(request.query_string().as_bytes())
        .unwrap_or_default()
        .into_iter()
        .find(|(known, _)| known == name)
        .map(|(_, value)| value)
        .unwrap_or_default()
}

/// `ui_locales` of the authorization request a ticket carries.
fn ui_locales(ticket: &Ticket) -> Option<&str> {
    match &ticket.destination {
        Destination::Client(parameters) | Destination::SignOut(parameters) => parameters
            .iter()
            .find(|(name, _)| name == parameter::UI_LOCALES)
            .map(|(_, value)| value.as_str()),
        Destination::Page(_) => None,
    }
}

/// The parameters of a request that may come by GET or POST (OIDC Core §3.1.2.1).
pub async fn parameters(request: &HttpRequest, payload: web::Payload) -> Result<Parameters, Fault> {
    if request.method() == Method::POST {
        Parameters::new(body::page_form(request, payload).await?)
    } else {
        query(request)
    }
}

/// The parameters in a request's query.
pub fn query(request: &HttpRequest) -> Result<Parameters, Fault> {
    Parameters::new(body::form(request.query_string().as_bytes())?)
}

fn text<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}
