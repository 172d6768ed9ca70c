//! Where a request comes from, and the ID it is known by: in its answer, in every line of the log
//! that it leaves, and in what is remembered of it.

use std::sync::Arc;

use actix_web::HttpMessage;
use actix_web::HttpRequest;
use actix_web::http::header::{self, HeaderMap, HeaderName};

use super::App;
use crate::audit::Visitor;

pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

const FORWARDED: HeaderName = HeaderName::from_static("forwarded");
const X_FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");

/// Characters that are kept of what a program says it is.
const LONGEST_USER_AGENT: usize = 256;
const LONGEST_REQUEST_ID: usize = 128;

/// Finds out, once for each request, and leaves it with the request.
pub fn arrive(app: &App, request: &HttpRequest) -> Arc<Visitor> {
    let headers = request.headers();
    let peer = request.peer_addr().map(|peer| peer.ip());
    let is_trusted = peer.is_some_and(|peer| app.trusted_proxies.contains(peer));
    let address = peer.map(|peer| {
        if !is_trusted {
            return peer.to_canonical();
        }
        let forwarded = joined(headers, &FORWARDED);
        let x_forwarded_for = joined(headers, &X_FORWARDED_FOR);
        let proxies = &app.trusted_proxies;
        proxies.client(peer, forwarded.as_deref(), x_forwarded_for.as_deref())
    });
    // Whoever comes without a proxy could make two requests look like one.
    let given = text(headers, &REQUEST_ID).filter(|id| is_trusted && is_request_id(id));
    let visitor = Arc::new(Visitor {
        address: address
            .map(|address| address.to_string())
            .unwrap_or_default(),
        user_agent: text(headers, &header::USER_AGENT)
            .unwrap_or_default()
            .chars()
            .take(LONGEST_USER_AGENT)
            .collect(),
        request_id: given.map_or_else(
            || app.core.entropy.uuid_at(app.core.clock.now()).to_string(),
            str::to_owned,
        ),
    });
    request.extensions_mut().insert(visitor.clone());
    visitor
}

/// What [`arrive`] has found out.
pub fn of(request: &HttpRequest) -> Arc<Visitor> {
    request
        .extensions()
        .get::<Arc<Visitor>>()
        .cloned()
        .unwrap_or_default()
}

/// Nothing that could break out of a line of a log, or of a cell.
fn is_request_id(text: &str) -> bool {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
    !text.is_empty() && text.len() <= LONGEST_REQUEST_ID && text.bytes().all(is_plain)
}

fn text<'h>(headers: &'h HeaderMap, name: &HeaderName) -> Option<&'h str> {
    headers.get(name)?.to_str().ok()
}

/// A list that may stand in several lines (RFC 9110 §5.3). Of a line that is no text it is only
/// known that it was there.
fn joined(headers: &HeaderMap, name: &HeaderName) -> Option<String> {
    let lines: Vec<&str> = headers
        .get_all(name)
        .map(|line| line.to_str().unwrap_or_default())
        .collect();
    (!lines.is_empty()).then(|| lines.join(","))
}
