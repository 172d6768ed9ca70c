use actix_web::{HttpRequest, HttpResponse, web};

use super::address::Address;
use super::credentials::ClientRequest;
use super::{App, cors, render};
use crate::oauth;

/// `POST` on an issuer's token path (RFC 6749 §3.2).
pub async fn token(
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
    let outcome = oauth::exchange(
        &app.core,
        issuer,
        &address.identifier,
        &asked.credentials,
        &asked.parameters,
    )
    .await;
    cors::for_client(&asked, render::token(address, outcome))
}
