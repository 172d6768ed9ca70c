//! URIs a client is registered with.

use url::Url;

use crate::issuer::ClientKind;
use crate::protocol::{Parameters, is_loopback_http, origin};

/// More than anybody has a use for; each is compared at every sign-in.
const MOST: usize = 50;
/// In bytes: what a request's `redirect_uri` may be.
const LONGEST: usize = Parameters::LONGEST_VALUE;

/// Where people are sent with what is theirs.
pub fn redirect_uris(uris: &[String], kind: ClientKind) -> Result<(), String> {
    if uris.len() > MOST {
        return Err(format!("are more than {MOST}"));
    }
    uris.iter().try_for_each(|uri| redirect_uri(uri, kind))
}

fn redirect_uri(uri: &str, kind: ClientKind) -> Result<(), String> {
    let url = absolute(uri)?;
    if uri.contains('*') {
        return Err("have a wildcard, and are compared as they are (RFC 9700 §4.1.3)".to_owned());
    }
    match url.scheme() {
        "https" => web_authority(uri, &url),
        "http" if is_loopback_http(uri) => Ok(()),
        "http" => Err(
            "have an http URI that is not of this machine; expected https (RFC 9700 §2.6)"
                .to_owned(),
        ),
        scheme if kind == ClientKind::Native => private_scheme(scheme),
        _ => Err(
            "have a scheme that is not https; one of its own is for application_type native, without a secret (RFC 8252 §7.1)"
                .to_owned(),
        ),
    }
}

/// RFC 8252 §7.1: a domain name its developer owns, in reverse, so that no two applications have
/// the same by accident. It also keeps out `javascript`, `data`, `intent` and their like.
fn private_scheme(scheme: &str) -> Result<(), String> {
    if scheme.contains('.') && !scheme.starts_with('.') && !scheme.ends_with('.') {
        return Ok(());
    }
    Err(
        "have a scheme of their own without a dot; expected a domain name in reverse, com.example.app (RFC 8252 §7.1)"
            .to_owned(),
    )
}

/// Absolute, bounded, without fragment, and of characters that everybody reads alike.
fn absolute(uri: &str) -> Result<Url, String> {
    if uri.len() > LONGEST {
        return Err(format!("have a URI longer than {LONGEST} bytes"));
    }
    if uri.contains('#') {
        return Err("have a fragment (RFC 6749 §3.1.2)".to_owned());
    }
    let is_plain = uri
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && !b"\\\"<>^`{|}".contains(&byte));
    match Url::parse(uri) {
        Ok(url) if is_plain => Ok(url),
        _ => Err("have one that is no absolute URI".to_owned()),
    }
}

/// Text and parsed form must agree on where the host begins and ends, or a browser may see another
/// one; and nobody signs in with a password in a URI.
fn web_authority(uri: &str, url: &Url) -> Result<(), String> {
    let prefix = format!("{}://", url.scheme());
    let has_authority = uri
        .get(..prefix.len())
        .is_some_and(|start| start.eq_ignore_ascii_case(&prefix))
        && !uri
            .get(prefix.len()..)
            .is_some_and(|rest| rest.starts_with('/'));
    if !has_authority || url.host_str().is_none_or(str::is_empty) {
        return Err("have one that names no host".to_owned());
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err("have one with user name or password".to_owned());
    }
    Ok(())
}

/// What is shown to people as a link: an absolute `http` or `https` URI.
pub fn web(uri: &str) -> Result<(), String> {
    let is_web = absolute(uri).is_ok_and(|url| {
        ["http", "https"].contains(&url.scheme()) && web_authority(uri, &url).is_ok()
    });
    if is_web {
        return Ok(());
    }
    Err(format!(
        "must be an absolute http or https URI, without fragment, of at most {LONGEST} bytes"
    ))
}

/// What this server or a browser calls: `https`, or `http` on this machine.
pub fn secure(uri: &str) -> Result<(), String> {
    let is_https =
        absolute(uri).is_ok_and(|url| url.scheme() == "https" && web_authority(uri, &url).is_ok());
    if is_https || (uri.len() <= LONGEST && is_loopback_http(uri)) {
        return Ok(());
    }
    Err(format!(
        "must be an absolute https URI, without fragment, of at most {LONGEST} bytes"
    ))
}

pub fn shares_origin(uri: &str, others: &[String]) -> bool {
    let own = origin(uri);
    own.is_some() && others.iter().any(|other| origin(other) == own)
}
