use actix_web::{HttpRequest, HttpResponse, web};

use super::address::Address;
use super::credentials::ClientRequest;
use super::{App, cors, render};
use crate::oauth;

/// `POST` on an issuer's revocation path (RFC 7009 §2): 200 and an empty body.
pub async fn revoke(
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
    let outcome = oauth::revoke(
        &app.core,
        issuer,
        &address.identifier,
        &asked.credentials,
        &asked.parameters,
    )
    .await;
    let response = match outcome {
        Err(refusal) => render::refusal(address, &refusal),
        Ok(()) => {
            let headers = &issuer.dialect.revocation.headers;
            let mut response = HttpResponse::Ok();
            render::add_headers(&mut response, headers, &address.metadata);
            response.finish()
        }
    };
    cors::for_client(&asked, response)
}
