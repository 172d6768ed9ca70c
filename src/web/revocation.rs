use actix_web::{HttpRequest, HttpResponse, web};

use super::address::Address;
use super::{App, cors, credentials, render, visitor};
use crate::dialect::Endpoint;

/// `POST` on an issuer's revocation path (RFC 7009 §2): 200 and an empty body.
pub async fn revoke(
    app: &App,
    address: &Address,
    request: &HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let dialect = &address.issuer.dialect;
    let policy = &dialect.token_request;
    let asked = match credentials::client_request(request, payload, policy).await {
        Ok(asked) => asked,
        Err(fault) => return render::fault(address, Some(Endpoint::Revocation), &fault),
    };
    let response = match address
        .authority(&app.core, visitor::of(request))
        .revoke(&asked)
        .await
    {
        Err(refusal) => render::refusal(address, Some(Endpoint::Revocation), &refusal),
        Ok(()) => {
            let mut response = HttpResponse::Ok();
            let headers = &dialect.revocation.headers;
            render::add_headers(&mut response, headers, &address.metadata);
            response.finish()
        }
    };
    cors::for_client(&asked, response)
}
