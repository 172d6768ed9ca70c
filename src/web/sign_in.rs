//! The sign-in page, and the choice between accounts.

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};

use super::App;
use super::address::Address;
use super::authorization::{OnTheWay, form_targets, proceed};
use super::cookies;
use super::pages::{
    AccountChoice, ChooseAccountPage, ClientView, Policy, SignInPage, SignInProblem,
};
use super::set_password::CHOSEN;
use super::visit::{Fields, Visit, explained, in_query, to_page};
use crate::account::User;
use crate::issuer::Client;
use crate::oauth::Refusal;
use crate::oauth::authorization::{AuthorizationRequest, Next, Progress};
use crate::signin::password::{Attempt, NotSignedIn, Occasion};
use crate::signin::session::MOST_SESSIONS;
use crate::signin::ticket::{Destination, Ticket};

/// A person on one of the pages before the client's: with a ticket, which says whose.
struct Step<'a> {
    visit: Visit<'a>,
    ticket: Ticket,
    fields: Option<Fields>,
    /// Whether they come from choosing a password.
    has_chosen_password: bool,
}

impl<'a> Step<'a> {
    /// Reads the ticket of a page, from the query of a GET or the form of a POST.
    async fn of(
        app: &'a App,
        address: &'a Address,
        request: &HttpRequest,
        payload: web::Payload,
    ) -> Result<Self, HttpResponse> {
        let mut visit = Visit::of(app, address, request, None).await?;
        let (text, fields) = if request.method() == Method::POST {
            let fields = visit.read_form(request, payload).await?;
            (fields.text("ticket").to_owned(), Some(fields))
        } else {
            (in_query(request, "ticket"), None)
        };
        // Somebody who comes to the page by itself is on the way to their own.
        let ticket = match (text.is_empty(), &fields) {
            (true, None) => to_page(visit.home(), visit.now),
            _ => visit.read_ticket(&text)?,
        };
        visit.speak_as_asked(&ticket);
        Ok(Self {
            visit,
            ticket,
            fields,
            has_chosen_password: in_query(request, "done") == CHOSEN,
        })
    }
}

/// What the sign-in page is for.
struct Purpose {
    request: Option<AuthorizationRequest>,
    is_reauthentication: bool,
    username: String,
}

/// `GET` and `POST {issuer}/sign-in`.
pub async fn sign_in(
    app: &App,
    address: &Address,
    request: &HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let step = match Step::of(app, address, request, payload).await {
        Ok(step) => step,
        Err(response) => return response,
    };
    let purpose = match purpose(&step).await {
        Ok(purpose) => purpose,
        Err(response) => return response,
    };
    match &step.fields {
        None => {
            let username = purpose.username.clone();
            show(&step, &purpose, StatusCode::OK, username, false, None)
        }
        Some(fields) => submit(&step, &purpose, fields).await,
    }
}

/// Why somebody is at the sign-in page.
///
/// # Errors
/// Where they belong instead: with the back button one gets to pages that have been answered.
async fn purpose(step: &Step<'_>) -> Result<Purpose, HttpResponse> {
    let visit = &step.visit;
    if let Destination::Page(page) = &step.ticket.destination {
        // Who is signed in may still sign in as somebody else, by a form.
        if step.fields.is_none() && visit.current().is_some() {
            return Err(visit.redirect(&visit.path(page)));
        }
        return Ok(Purpose {
            request: None,
            is_reauthentication: false,
            username: String::new(),
        });
    }
    let OnTheWay { request, next } = visit.on_the_way(&step.ticket).await?;
    match next {
        Next::SignIn {
            is_reauthentication,
            username,
        } => Ok(Purpose {
            request: Some(request),
            is_reauthentication,
            username: username.unwrap_or_default(),
        }),
        // A form that is sent twice, or from a page that was left open: whoever knows the
        // password may sign in.
        _ if step.fields.is_some() => Ok(Purpose {
            request: Some(request),
            is_reauthentication: false,
            username: String::new(),
        }),
        _ => Err(proceed(visit, step.ticket.clone()).await),
    }
}

async fn submit(step: &Step<'_>, purpose: &Purpose, fields: &Fields) -> HttpResponse {
    let visit = &step.visit;
    let username = fields.text("username");
    let remember = fields.has("remember");
    let again = |status, problem| {
        show(
            step,
            purpose,
            status,
            username.to_owned(),
            remember,
            Some(problem),
        )
    };
    if username.trim().is_empty() {
        return again(StatusCode::BAD_REQUEST, SignInProblem::MissingUsername);
    }
    if fields.text("password").is_empty() {
        return again(StatusCode::BAD_REQUEST, SignInProblem::MissingPassword);
    }
    let client = purpose.request.as_ref().map(|request| &request.client);
    let password = fields.password("password");
    let attempt = Attempt {
        username,
        password: &password,
        occasion: Occasion::SignIn {
            client_id: client.map(|client| client.client_id.as_str()),
        },
    };
    match visit.authority.check_password(&attempt).await {
        Ok(Ok(user)) => match enter(step, &user, remember).await {
            Ok(response) => response,
            Err(refusal) => visit.failed(&refusal),
        },
        Ok(Err(refused)) => {
            let (status, problem) = match refused {
                NotSignedIn::WrongCredentials => {
                    (StatusCode::UNAUTHORIZED, SignInProblem::WrongCredentials)
                }
                NotSignedIn::Blocked => (StatusCode::FORBIDDEN, SignInProblem::Blocked),
                NotSignedIn::Throttled { wait } => (
                    StatusCode::TOO_MANY_REQUESTS,
                    SignInProblem::Throttled {
                        seconds: wait.as_secs(),
                    },
                ),
            };
            let retry_after = match problem {
                SignInProblem::Throttled { seconds } => Some(seconds),
                _ => None,
            };
            let mut response = again(status, problem);
            if let Some(seconds) = retry_after {
                super::render::retry_after(&mut response, seconds);
            }
            explained(response, "nobody was signed in")
        }
        Err(Refusal::Busy(_)) => again(StatusCode::SERVICE_UNAVAILABLE, SignInProblem::Busy),
        Err(refusal) => visit.failed(&refusal),
    }
}

/// The person is who they say: the browser holds a session of theirs, and they go on.
async fn enter(step: &Step<'_>, user: &User, remember: bool) -> Result<HttpResponse, Refusal> {
    let visit = &step.visit;
    let opened = visit
        .authority
        .open_session(user, remember, &visit.held)
        .await?;
    let mut ticket = step.ticket.clone();
    ticket.progress = Progress {
        authenticated: Some(opened.signed_in.session.id),
        chosen: None,
        wants_other: false,
    };
    let mut held = vec![opened];
    let others = visit.held.iter();
    held.extend(
        others
            .filter(|other| other.signed_in.user.id != user.id)
            .cloned(),
    );
    let location = match &ticket.destination {
        Destination::Page(page) => visit.path(page),
        Destination::SignOut(_) => visit.path(visit.home()),
        // Not the client's answer yet: the next page is asked for with the new cookie, so that
        // what follows sees the session as every later page will.
        Destination::Client(_) => visit.page_with("/sign-in", &ticket),
    };
    // The browser holds no more than so many; who does not fit is signed out.
    for left_out in held.iter().skip(MOST_SESSIONS) {
        visit.authority.crowd_out(&left_out.signed_in).await?;
    }
    held.truncate(MOST_SESSIONS);
    let mut response = visit.redirect(&location);
    cookies::set_sessions(visit.address, &mut response, &held);
    Ok(response)
}

fn show(
    step: &Step<'_>,
    purpose: &Purpose,
    status: StatusCode,
    username: String,
    remember: bool,
    problem: Option<SignInProblem>,
) -> HttpResponse {
    let visit = &step.visit;
    let request = purpose.request.as_ref();
    let page = SignInPage {
        frame: visit.frame(),
        form: visit.form("/sign-in", Some(&step.ticket)),
        client: request.map(client_view),
        username,
        remember,
        is_reauthentication: purpose.is_reauthentication,
        problem,
        has_chosen_password: step.has_chosen_password,
        demo_users: visit.address.appearance.demo_users.clone(),
    };
    let targets = request.map(|request| form_targets(&request.reply_to.redirect_uri));
    let policy = Policy::Page {
        form_targets: targets.as_deref().unwrap_or_default(),
        frames: &[],
    };
    visit.show(status, &page, &policy)
}

/// `GET` and `POST {issuer}/choose-account`.
pub async fn choose_account(
    app: &App,
    address: &Address,
    request: &HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let step = match Step::of(app, address, request, payload).await {
        Ok(step) => step,
        Err(response) => return response,
    };
    let visit = &step.visit;
    if let Some(fields) = &step.fields {
        return choose(&step, fields.text("account")).await;
    }
    let OnTheWay { request, next } = match visit.on_the_way(&step.ticket).await {
        Ok(on_the_way) => on_the_way,
        Err(response) => return response,
    };
    if !matches!(next, Next::ChooseAccount) {
        return proceed(visit, step.ticket.clone()).await;
    }
    let page = ChooseAccountPage {
        frame: visit.frame(),
        form: visit.form("/choose-account", Some(&step.ticket)),
        client: Some(client_view(&request)),
        accounts: visit
            .held
            .iter()
            .map(|held| AccountChoice {
                value: held.signed_in.session.id.0.to_string(),
                name: held.signed_in.user.display_name().to_owned(),
                username: held.signed_in.user.username.clone(),
            })
            .collect(),
    };
    let policy = Policy::Page {
        form_targets: &form_targets(&request.reply_to.redirect_uri),
        frames: &[],
    };
    visit.show(StatusCode::OK, &page, &policy)
}

async fn choose(step: &Step<'_>, account: &str) -> HttpResponse {
    let visit = &step.visit;
    let mut ticket = step.ticket.clone();
    let chosen = visit
        .held
        .iter()
        .position(|held| held.signed_in.session.id.0.to_string() == account);
    let Some(chosen) = chosen else {
        ticket.progress = Progress {
            wants_other: true,
            ..Progress::default()
        };
        return visit.redirect(&visit.page_with("/sign-in", &ticket));
    };
    let mut held = visit.held.clone();
    if let Some(before) = held.get_mut(..=chosen) {
        before.rotate_right(1);
    }
    let id = held.first().map(|held| held.signed_in.session.id);
    ticket.progress = Progress {
        chosen: id,
        authenticated: step
            .ticket
            .progress
            .authenticated
            .filter(|own| Some(*own) == id),
        wants_other: false,
    };
    let mut response = visit.redirect(&visit.page_with("/sign-in", &ticket));
    cookies::set_sessions(visit.address, &mut response, &held);
    response
}

/// A client as people are told about it.
pub fn client_view(request: &AuthorizationRequest) -> ClientView {
    view(&request.client, &request.reply_to.redirect_uri)
}

pub fn view(client: &Client, uri: &str) -> ClientView {
    let metadata = &client.metadata;
    let host = url::Url::parse(uri).ok().map(|url| match url.host_str() {
        Some(host) => host.to_owned(),
        None => format!("{}:", url.scheme()),
    });
    ClientView {
        name: client.client_name.clone(),
        operator: metadata.operator.clone(),
        client_uri: metadata.client_uri.clone(),
        policy_uri: metadata.policy_uri.clone(),
        tos_uri: metadata.tos_uri.clone(),
        host: host.unwrap_or_default(),
    }
}
