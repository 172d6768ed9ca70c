use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};

use super::address::{Address, Resource};
use super::{App, credentials, render, visitor};

/// A sample protected resource: the other end of the vendor's guide, where a token is used.
pub async fn read(
    app: &App,
    address: &Address,
    resource: &Resource,
    request: &HttpRequest,
) -> HttpResponse {
    let token = credentials::bearer(
        request,
        resource.accepts_bare_token,
        &resource.token_headers,
    );
    let token = match token {
        Ok(token) => token,
        Err(fault) => return render::fault(address, None, &fault),
    };
    let outcome = address
        .authority(&app.core, visitor::of(request))
        .authorize(token.as_deref(), &resource.requirement)
        .await;
    match outcome {
        Err(refusal) => render::refusal(address, None, &refusal),
        Ok(_) => HttpResponse::Ok()
            .insert_header((header::CONTENT_TYPE, resource.content_type.as_str()))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(resource.body.clone()),
    }
}
