//! The page `locum dev` shows at `/`: what stands here, and what to paste where.

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use askama::Template;

use super::pages::{Policy, respond};
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
        let policy = Policy::Page {
            form_targets: &[],
            frames: &[],
        };
        respond(StatusCode::OK, self, &policy)
    }
}
