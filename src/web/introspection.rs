use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse, web};

use super::address::Address;
use super::credentials::ClientRequest;
use super::{App, render};
use crate::oauth;

/// `POST` on an issuer's introspection path (RFC 7662 §2).
pub async fn introspect(
    app: &App,
    address: &Address,
    request: &HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let issuer = &address.issuer;
    let policy = &issuer.dialect.token_request;
    let asked = match ClientRequest::read(request, payload, policy).await {
        Ok(asked) => asked,
        Err(fault) => return render::fault(address, &fault),
    };
    let outcome = oauth::introspect(
        &app.core,
        issuer,
        &address.identifier,
        &asked.credentials,
        &asked.parameters,
    )
    .await;
    match outcome {
        Err(refusal) => render::refusal(address, &refusal),
        Ok(Some(facts)) => {
            let shape = &issuer.dialect.introspection;
            let mut response = HttpResponse::Ok();
            render::add_headers(&mut response, &shape.headers, &facts);
            response.body(shape.active.render(&facts))
        }
        // RFC 7662 §2.2: nothing else about a token that is not active.
        Ok(None) => HttpResponse::Ok()
            .insert_header((header::CONTENT_TYPE, "application/json"))
            .insert_header((header::CACHE_CONTROL, "no-store"))
            .body(r#"{"active":false}"#),
    }
}
