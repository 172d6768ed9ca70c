//! The console: where administrators run the server, under `/console`. The pages are in [`pages`];
//! here is what answers. Each handler asks the admin layer, and shows what it says.

mod administrators;
mod apis;
mod audit;
mod clients;
mod desk;
mod dialect;
mod grants;
mod inspector;
mod issuers;
mod keys;
pub mod pages;
mod registration;
mod roles;
mod sessions;
mod set_up;
mod settings;
mod snippets;
mod try_it;
mod users;
mod views;

use actix_web::http::Method;
use actix_web::{HttpRequest, HttpResponse, web};

use super::address::Address;
use super::visit::{Fields, Visit, to_page};
use super::{App, admin_api, body};
use crate::admin::Admin;
use crate::audit::{Actor, ActorKind};
use crate::issuer::RegisteredBy;

use desk::{Answer, Desk};

/// A request to the console, read.
struct Asked {
    /// Below `/console`, decoded.
    segments: Vec<String>,
    query: Vec<(String, String)>,
    /// What a form sent; `None` for a GET.
    fields: Option<Fields>,
}

impl Asked {
    /// The first parameter of that name, or nothing.
    fn query(&self, name: &str) -> &str {
        let found = self.query.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }
}

/// Anything below `/console` that the issuer of that name does not serve itself.
pub async fn answer(
    app: &App,
    address: &Address,
    request: &HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    if ![Method::GET, Method::HEAD, Method::POST].contains(request.method()) {
        return super::render::not_found(address);
    }
    let path = request
        .path()
        .strip_prefix(&address.path)
        .unwrap_or_default();
    let visit = match Visit::of(app, address, request, None).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    if path == "/set-up" {
        return set_up::set_up(&visit, request, payload).await;
    }
    let Some(current) = visit.current() else {
        return to_sign_in(&visit, request, path);
    };
    let user = &current.signed_in.user;
    let rights = match admin_api::rights_of(app, address.issuer.id, user.id).await {
        Ok(rights) => rights,
        Err(error) => return visit.failed(&error.into()),
    };
    let fields = if request.method() == Method::POST {
        match visit.read_form(request, payload).await {
            Ok(fields) => Some(fields),
            Err(response) => return response,
        }
    } else {
        None
    };
    let asked = Asked {
        segments: segments(path),
        query: body::form(request.query_string().as_bytes()).unwrap_or_default(),
        fields,
    };
    let (id, name) = (user.id.0.to_string(), user.username.as_str());
    let visitor = &visit.authority.visitor;
    let actor = Actor::from_afar(ActorKind::Administrator, &id, name, visitor);
    let keyring = &app.hosting.keyring;
    let admin = Admin::new(&app.core, keyring, actor, rights, RegisteredBy::Console);
    let segments: Vec<&str> = asked.segments.iter().map(String::as_str).collect();
    let at = match segments.as_slice() {
        ["issuers", issuer, ..] => Some(*issuer),
        _ => None,
    };
    let desk = match Desk::new(&visit, &admin, at, asked.query("done")).await {
        Ok(desk) => desk,
        Err(fault) => return visit.failed(&desk::refusal(fault)),
    };
    let response = match Box::pin(route(&desk, &segments, &asked)).await {
        Ok(response) => response,
        Err(fault) => desk.refuse(fault),
    };
    if asked.fields.is_some() {
        admin_api::settle(app, &admin).await;
    }
    response
}

/// Whoever is not signed in comes back to where they were.
fn to_sign_in(visit: &Visit<'_>, request: &HttpRequest, path: &str) -> HttpResponse {
    let mut page = path.to_owned();
    // A form's answer cannot be had by asking for it again.
    if request.method() == Method::POST {
        page.clear();
    } else if !request.query_string().is_empty() {
        page.push('?');
        page.push_str(request.query_string());
    }
    let ticket = to_page(&page, visit.now);
    let ticket = if visit.fits(&ticket) {
        ticket
    } else {
        to_page("", visit.now)
    };
    visit.redirect(&visit.page_with("/sign-in", &ticket))
}

/// The segments of a path, decoded. One that cannot be is nobody's name.
fn segments(path: &str) -> Vec<String> {
    path.split('/')
        .skip(1)
        .filter(|segment| !segment.is_empty())
        .map(|segment| {
            // A plus is itself in a path.
            let segment = segment.replace('+', "%2B");
            body::form_decode(segment.as_bytes()).unwrap_or_else(|_| "\u{fffd}".to_owned())
        })
        .collect()
}

/// The table of pages.
async fn route(desk: &Desk<'_>, segments: &[&str], asked: &Asked) -> Answer {
    let form = asked.fields.as_ref();
    match (segments, form) {
        ([], None) => desk.home(),
        (["issuers"], None) => issuers::list(desk).await,
        (["new-issuer"], form) => issuers::create(desk, form).await,
        (["administrators"], None) => administrators::list(desk).await,
        (["administrators", "audit"], None) => audit::of_console(desk, asked).await,
        (["administrators", "audit.csv"], None) => {
            audit::export_console(desk, asked, audit::Format::Csv).await
        }
        (["administrators", "audit.json"], None) => {
            audit::export_console(desk, asked, audit::Format::Json).await
        }
        (["new-administrator"], form) => administrators::create(desk, form).await,
        (["administrators", id, "edit"], form) => administrators::edit(desk, id, form).await,
        (["administrators", id, "delete"], form) => administrators::delete(desk, id, form).await,
        (["administrators", id, "password-link"], Some(_)) => {
            administrators::password_link(desk, id).await
        }
        (["audit"], None) => audit::of_server(desk, asked).await,
        (["audit.csv"], None) => audit::export_server(desk, asked, audit::Format::Csv).await,
        (["audit.json"], None) => audit::export_server(desk, asked, audit::Format::Json).await,
        (["issuers", _, rest @ ..], form) => at_issuer(desk, rest, form, asked).await,
        _ => desk.nothing_here(),
    }
}

async fn at_issuer(desk: &Desk<'_>, rest: &[&str], form: Option<&Fields>, asked: &Asked) -> Answer {
    match (rest, form) {
        ([], None) => issuers::overview(desk, asked).await,
        (["delete"], form) => issuers::delete(desk, form).await,
        (["settings"], form) => settings::settings(desk, form).await,
        (["dialect"], None) => dialect::show(desk).await,
        (["inspector"], form) => inspector::inspect(desk, form).await,
        (["try-it"], form) => try_it::try_it(desk, asked, form).await,

        (["clients"], None) => clients::list(desk, asked).await,
        (["new-client"], form) => clients::create(desk, asked, form).await,
        (["clients", id], None) => clients::show(desk, id).await,
        (["clients", id, "edit"], form) => clients::edit(desk, id, form).await,
        (["clients", id, "rotate-secret"], form) => clients::rotate_secret(desk, id, form).await,
        (["clients", id, "remove-previous-secret"], form) => {
            clients::remove_previous_secret(desk, id, form).await
        }
        (["clients", id, "disable"], form) => clients::disable(desk, id, form).await,
        (["clients", id, "enable"], Some(form)) => clients::enable(desk, id, form).await,
        (["clients", id, "delete"], form) => clients::delete(desk, id, form).await,

        (["registration"], form) => registration::tokens(desk, form).await,
        (["registration", id, "delete"], form) => registration::delete(desk, id, form).await,

        (["apis"], None) => apis::list(desk).await,
        (["new-api"], form) => apis::create(desk, form).await,
        (["apis", id], None) => apis::show(desk, id).await,
        (["apis", id, "edit"], form) => apis::edit(desk, id, form).await,
        (["apis", id, "delete"], form) => apis::delete(desk, id, form).await,

        (["roles"], None) => roles::list(desk).await,
        (["new-role"], form) => roles::create(desk, form).await,
        (["roles", name], None) => roles::show(desk, name).await,
        (["roles", name, "edit"], form) => roles::edit(desk, name, form).await,
        (["roles", name, "delete"], form) => roles::delete(desk, name, form).await,

        (["users"], None) => users::list(desk, asked).await,
        (["new-user"], form) => users::create(desk, form).await,
        (["users", id], None) => users::show(desk, id).await,
        (["users", id, "edit"], form) => users::edit(desk, id, form).await,
        (["users", id, "block"], form) => users::block(desk, id, form).await,
        (["users", id, "unblock"], Some(form)) => users::unblock(desk, id, form).await,
        (["users", id, "delete"], form) => users::delete(desk, id, form).await,
        (["users", id, "password-link"], Some(_)) => users::password_link(desk, id).await,
        (["users", id, "end-sessions"], form) => users::end_sessions(desk, id, form).await,
        (["users", id, "withdraw"], form) => users::withdraw(desk, id, asked, form).await,

        (["sessions"], None) => sessions::list(desk, asked).await,
        (["sessions", id, "end"], form) => sessions::end(desk, id, asked, form).await,

        (["keys"], None) => keys::list(desk).await,
        (["rotate-keys"], form) => keys::rotate(desk, asked, form).await,
        (["keys", kid, "delete"], form) => keys::delete(desk, kid, form).await,

        (["audit"], None) => audit::of_issuer(desk, asked).await,
        (["audit.csv"], None) => audit::export(desk, asked, audit::Format::Csv).await,
        (["audit.json"], None) => audit::export(desk, asked, audit::Format::Json).await,
        _ => desk.nothing_here(),
    }
}
