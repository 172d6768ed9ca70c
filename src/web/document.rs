//! A document that is rendered once and answered from memory: discovery, JWKS, the stylesheet.

use actix_web::http::StatusCode;
use actix_web::http::header::{self, HeaderName, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{HttpRequest, HttpResponse};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;

use crate::secret::Digest;

pub struct Document {
    body: Bytes,
    headers: Vec<(HeaderName, HeaderValue)>,
    etag: HeaderValue,
}

impl Document {
    pub fn new(body: Vec<u8>, headers: Vec<(HeaderName, HeaderValue)>) -> Self {
        let digest = BASE64URL.encode(&Digest::of(&body).as_bytes()[..12]);
        let etag = HeaderValue::from_str(&format!("\"{digest}\""));
        Self {
            body: Bytes::from(body),
            headers,
            etag: etag.unwrap_or(HeaderValue::from_static("\"\"")),
        }
    }

    /// The document, or 304 when the client has it (RFC 9110 §13.1.2).
    pub fn answer(&self, request: &HttpRequest) -> HttpResponse {
        let is_known = request
            .headers()
            .get(header::IF_NONE_MATCH)
            .and_then(|value| value.to_str().ok())
            .is_some_and(|tags| {
                tags.split(',').any(|tag| {
                    let tag = tag.trim();
                    tag == "*" || tag.trim_start_matches("W/").as_bytes() == self.etag.as_bytes()
                })
            });
        let mut response = HttpResponse::build(if is_known {
            StatusCode::NOT_MODIFIED
        } else {
            StatusCode::OK
        });
        for (name, value) in &self.headers {
            response.insert_header((name.clone(), value.clone()));
        }
        response.insert_header((header::ETAG, self.etag.clone()));
        if is_known {
            response.finish()
        } else {
            response.body(self.body.clone())
        }
    }
}
