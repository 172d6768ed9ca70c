use actix_web::{HttpRequest, HttpResponse, web};

use super::address::Address;
use super::{App, credentials, render, visitor};
use crate::dialect::Endpoint;

/// `POST` on an issuer's introspection path (RFC 7662 §2).
pub async fn introspect(
    app: &App,
    address: &Address,
    request: &HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let dialect = &address.issuer.dialect;
    let policy = &dialect.token_request;
    let asked = match credentials::client_request(request, payload, policy).await {
        Ok(asked) => asked,
        Err(fault) => return render::fault(address, Some(Endpoint::Introspection), &fault),
    };
    let shape = &dialect.introspection;
    let mut body = match address
        .authority(&app.core, visitor::of(request))
        .introspect(&asked)
        .await
    {
        Err(refusal) => return render::refusal(address, Some(Endpoint::Introspection), &refusal),
        Ok(Some(facts)) => {
            let of_user = shape.user_active.as_ref().filter(|_| facts.user.is_some());
            of_user.unwrap_or(&shape.active).render(&facts)
        }
        Ok(None) => shape.inactive.render(&address.metadata),
    };
    if shape.ends_with_newline {
        body.push(b'\n');
    }
    let mut response = HttpResponse::Ok();
    render::add_headers(&mut response, &shape.headers, &address.metadata);
    response.body(body)
}
