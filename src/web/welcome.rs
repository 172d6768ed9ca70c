//! The page `locum dev` shows at `/`: what stands here, and what to paste where.

use std::sync::LazyLock;

use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::document::Document;

/// Everything on the page.
#[derive(Template)]
#[template(path = "welcome.html")]
pub struct Welcome {
    pub version: &'static str,
    pub database: &'static str,
    pub issuers: Vec<WelcomeIssuer>,
}

/// One issuer, in words a newcomer needs.
pub struct WelcomeIssuer {
    pub name: String,
    pub title: String,
    pub dialect: String,
    pub identifier: String,
    pub discovery: Option<String>,
    pub token_endpoint: String,
    pub clients: Vec<WelcomeClient>,
    /// A complete exchange, ready for a shell.
    pub example: Option<String>,
    /// What to try the token on.
    pub resource: Option<String>,
}

pub struct WelcomeClient {
    pub client_id: String,
    pub client_secret: Option<String>,
    pub kind: &'static str,
}

impl Welcome {
    pub fn answer(&self) -> HttpResponse {
        match self.render() {
            Ok(page) => HttpResponse::Ok()
                .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
                .insert_header((header::CACHE_CONTROL, "no-store"))
                .insert_header((
                    header::CONTENT_SECURITY_POLICY,
                    "default-src 'none'; style-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
                ))
                .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
                .insert_header((header::REFERRER_POLICY, "no-referrer"))
                .body(page),
            Err(error) => {
                tracing::error!(%error, "the welcome page could not be rendered");
                HttpResponse::ServiceUnavailable().finish()
            }
        }
    }
}

static STYLESHEET: LazyLock<Document> = LazyLock::new(|| {
    let header = |name: HeaderName, value| (name, HeaderValue::from_static(value));
    Document::new(
        include_bytes!("../../static/locum.css").to_vec(),
        vec![
            header(header::CONTENT_TYPE, "text/css; charset=utf-8"),
            header(header::CACHE_CONTROL, "public, max-age=300"),
            header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ],
    )
});

pub fn stylesheet(request: &HttpRequest) -> HttpResponse {
    STYLESHEET.answer(request)
}
