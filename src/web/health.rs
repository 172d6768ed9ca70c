use actix_web::HttpResponse;
use actix_web::http::header;

use crate::oauth::Core;

/// `/healthz`: the process answers.
pub fn live() -> HttpResponse {
    HttpResponse::Ok()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .body("ok\n")
}

/// `/readyz`: and so does its database.
pub async fn ready(core: &Core) -> HttpResponse {
    match core.store.ping().await {
        Ok(()) => live(),
        Err(error) => {
            tracing::warn!(%error, "not ready");
            HttpResponse::ServiceUnavailable()
                .insert_header((header::CACHE_CONTROL, "no-store"))
                .body("the database does not answer\n")
        }
    }
}
