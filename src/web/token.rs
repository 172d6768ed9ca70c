use actix_web::{HttpRequest, HttpResponse, web};

use super::address::Address;
use super::{App, cors, credentials, render, visitor};
use crate::dialect::Endpoint;

/// `POST` on an issuer's token path (RFC 6749 §3.2).
pub async fn token(
    app: &App,
    address: &Address,
    request: &HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let policy = &address.issuer.dialect.token_request;
    let asked = match credentials::client_request(request, payload, policy).await {
        Ok(asked) => asked,
        Err(fault) => return render::fault(address, Some(Endpoint::Token), &fault),
    };
    let response = match address
        .authority(&app.core, visitor::of(request))
        .exchange(&asked)
        .await
    {
        Err(refusal) => render::refusal(address, Some(Endpoint::Token), &refusal),
        Ok(granted) => {
            let shape = &address.issuer.dialect.token_response;
            let mut response = render::with_status(shape.status);
            render::add_headers(&mut response, &shape.headers, &granted);
            response.body(shape.members.render(&granted))
        }
    };
    cors::for_client(&asked, response)
}
