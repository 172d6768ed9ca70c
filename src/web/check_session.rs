use actix_web::HttpResponse;
use actix_web::http::StatusCode;

use super::App;
use super::address::Address;
use super::cookies::Cookie;
use super::pages::{CheckSessionPage, Frame, Language, Policy, respond};

/// `GET` on an issuer's check-session path (OIDC Session Management §3.3): a page that a client's
/// own page embeds and asks whether the session has changed.
pub fn frame(app: &App, address: &Address) -> HttpResponse {
    let page = CheckSessionPage {
        frame: Frame {
            language: Language::default(),
            brand: &address.appearance.brand,
            base: &address.path,
            is_dev: app.welcome.is_some(),
        },
        cookie: Cookie::State.name(address),
    };
    respond(StatusCode::OK, &page, &Policy::Embeddable)
}
