//! Reads the settings that are text but must have a form. Errors say what was expected.

use std::net::{SocketAddr, ToSocketAddrs};

use tracing_subscriber::EnvFilter;
use url::Url;

use crate::proxy::TrustedProxies;

/// What issuers are named after: scheme, host, perhaps a port, and nothing else.
pub fn public_url(text: &str) -> Result<Url, String> {
    let refuse = |why: &str| {
        format!(
            "{text:?} cannot be the public URL: {why}; expected something like https://id.example"
        )
    };
    let url = Url::parse(text).map_err(|error| refuse(&error.to_string()))?;
    if !["http", "https"].contains(&url.scheme()) || url.host_str().is_none() {
        return Err(refuse("it is not an HTTP URL"));
    }
    if !url.username().is_empty() || url.password().is_some() {
        return Err(refuse("it has a user name"));
    }
    if url.path() != "/" || url.query().is_some() || url.fragment().is_some() {
        return Err(refuse("it has a path, query or fragment"));
    }
    Ok(url)
}

/// Address and port to listen on. Of a name's addresses an IPv4 one is preferred.
pub fn listen(text: &str) -> Result<SocketAddr, String> {
    let refuse = |why: &str| {
        format!(
            "cannot listen on {text:?}: {why}; expected ADDRESS:PORT, like 127.0.0.1:8080, where port 0 picks a free one"
        )
    };
    let found = text
        .to_socket_addrs()
        .map_err(|error| refuse(&error.to_string()))?;
    found
        .min_by_key(SocketAddr::is_ipv6)
        .ok_or_else(|| refuse("the name has no address"))
}

/// What is logged.
pub fn log(text: &str) -> Result<EnvFilter, String> {
    EnvFilter::try_new(text).map_err(|error| {
        format!(
            "log {text:?} is not understood: {error}; expected error, warn, info, debug, or a filter like locum=debug"
        )
    })
}

/// Whose word about a client's address is taken.
pub fn trusted_proxies(texts: &[String]) -> Result<TrustedProxies, String> {
    TrustedProxies::parse(texts.iter().map(String::as_str))
        .map_err(|message| format!("trusted_proxies: {message}"))
}

/// Which database. The URL itself is not repeated: it may hold a password.
pub fn database_url(text: &str) -> Result<String, String> {
    let is_known = ["postgres://", "postgresql://", "sqlite:"]
        .iter()
        .any(|scheme| text.starts_with(scheme));
    if is_known {
        Ok(text.to_owned())
    } else {
        Err(
            "not a database URL; expected postgres://…, sqlite:///path/locum.db or sqlite::memory:"
                .to_owned(),
        )
    }
}
