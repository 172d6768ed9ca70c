use actix_web::http::Method;
use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse, web};

use super::address::Address;
use super::{App, body, credentials, render, visitor};
use crate::dialect::Endpoint;
use crate::oauth::Refusal;
use crate::oidc::userinfo::Userinfo;
use crate::protocol::{Fault, Parameters, parameter};

/// `GET` or `POST` on an issuer's UserInfo path (OIDC Core §5.3.1).
pub async fn userinfo(
    app: &App,
    address: &Address,
    request: &HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let shape = &address.issuer.dialect.userinfo;
    match run(app, address, request, payload).await {
        Err(refusal) => render::refusal(address, Some(Endpoint::Userinfo), &refusal),
        Ok(userinfo) => {
            let mut response = HttpResponse::Ok();
            render::add_headers(&mut response, &shape.headers, &address.metadata);
            match userinfo {
                Userinfo::Json(json) => response.body(json),
                Userinfo::Jwt(token) => {
                    response.insert_header((
                        header::CONTENT_TYPE,
                        HeaderValue::from_static("application/jwt"),
                    ));
                    response.body(token)
                }
            }
        }
    }
}

async fn run(
    app: &App,
    address: &Address,
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<Userinfo, Refusal> {
    let in_header = credentials::bearer(request, false, &[])?;
    let has_form =
        request.method() == Method::POST && request.headers().get(header::CONTENT_TYPE).is_some();
    let in_body = if has_form {
        let pairs = body::page_form(request, payload).await?;
        let parameters = Parameters::new(pairs)?;
        parameters.find(parameter::ACCESS_TOKEN).map(str::to_owned)
    } else {
        None
    };
    // RFC 6750 §2: one way in each request.
    let token = match (in_header, in_body) {
        (Some(_), Some(_)) => {
            let parameter = parameter::ACCESS_TOKEN;
            return Err(Fault::RepeatedParameter { parameter }.into());
        }
        (in_header, in_body) => in_header.or(in_body),
    };
    let authority = address.authority(&app.core, visitor::of(request));
    Box::pin(authority.userinfo(token.as_deref())).await
}
