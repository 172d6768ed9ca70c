//! The page `locum dev` shows at `/`: what stands here, and what to paste where.

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;

use super::static_files;
use crate::ready::Ready;

/// Everything on the page.
#[derive(Template)]
#[template(path = "welcome.html")]
pub struct Welcome {
    pub ready: Ready,
    pub database: &'static str,
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

pub fn stylesheet(request: &HttpRequest) -> HttpResponse {
    match static_files::find("/static/locum.css") {
        Some(document) => document.answer(request),
        None => HttpResponse::NotFound().finish(),
    }
}
