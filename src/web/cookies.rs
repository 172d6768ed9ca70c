//! Cookies: what a browser holds of an issuer.
//!
//! Over HTTPS each name begins with `__Host-`, which browsers take only from this very host, with
//! `Secure` and for all paths (RFC 6265bis §4.1.3). Without HTTPS, which is `locum dev`, they
//! would not take such a cookie.

use std::time::Duration;

use actix_web::http::header::{self, HeaderValue};
use actix_web::{HttpRequest, HttpResponse};

use super::address::Address;
use crate::dialect::SameSite;
use crate::secret::Secret;
use crate::signin::session::{HeldSession, MOST_SESSIONS};

/// What a browser holds, each by a name of its own for each issuer.
#[derive(Debug, Clone, Copy)]
pub enum Cookie {
    /// The sessions, the current one first, until the browser closes.
    Sessions,
    /// Those of people who asked to stay signed in.
    Remembered,
    /// The sessions once more, in development, for a frame in an application of another site:
    /// `photon.localhost` in one of `localhost`. Without HTTPS the others cannot have
    /// `SameSite=None`, which needs `Secure`; browsers take that from this machine all the same,
    /// but not all of them, and hardly any other program.
    Framed,
    /// What CSRF tokens are bound to.
    Browser,
    /// What a client's page in the same browser can compare (OIDC Session Management §3.2). Its
    /// script reads it, and it is worth nothing else.
    State,
}

impl Cookie {
    pub fn name(self, address: &Address) -> String {
        let prefix = if address.is_https() { "__Host-" } else { "" };
        let what = match self {
            Self::Sessions => "sessions",
            Self::Remembered => "remembered",
            Self::Framed => "framed",
            Self::Browser => "browser",
            Self::State => "state",
        };
        format!("{prefix}locum-{what}-{}", address.issuer.name)
    }

    /// Its value in a request. Of several with the same name, which nobody honest sends, none
    /// counts.
    pub fn read(self, address: &Address, request: &HttpRequest) -> Option<String> {
        let wanted = self.name(address);
        let mut found = request
            .headers()
            .get_all(header::COOKIE)
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(';'))
            .filter_map(|pair| pair.trim().split_once('='))
            .filter(|(name, _)| *name == wanted);
        let (_, value) = found.next()?;
        let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"-_.".contains(&byte);
        let is_only = found.next().is_none() && value.bytes().all(is_plain);
        is_only.then(|| value.to_owned())
    }

    /// Sets it; for `lasts`, or until the browser closes.
    pub fn set(
        self,
        address: &Address,
        response: &mut HttpResponse,
        value: &str,
        lasts: Option<Duration>,
    ) {
        let mut cookie = format!("{}={value}; Path=/", self.name(address));
        if let Some(lasts) = lasts {
            cookie.push_str(&format!("; Max-Age={}", lasts.as_secs()));
        }
        if !matches!(self, Self::State) {
            cookie.push_str("; HttpOnly");
        }
        let is_for_frames = match self {
            // A client's page embeds the one that reads it: it has no other use.
            Self::State | Self::Framed => true,
            Self::Sessions | Self::Remembered => {
                address.issuer.dialect.session.same_site == SameSite::None
            }
            Self::Browser => false,
        };
        let is_secure = address.is_https() || matches!(self, Self::Framed);
        cookie.push_str(match (is_secure, is_for_frames) {
            (true, true) => "; Secure; SameSite=None",
            (true, false) => "; Secure; SameSite=Lax",
            (false, _) => "; SameSite=Lax",
        });
        if let Ok(cookie) = HeaderValue::from_str(&cookie) {
            response.headers_mut().append(header::SET_COOKIE, cookie);
        }
    }

    pub fn remove(self, address: &Address, response: &mut HttpResponse) {
        self.set(address, response, "", Some(Duration::ZERO));
    }
}

/// The tokens of the sessions a browser holds: those of this run of the browser, in order, and
/// those that have outlived the one before.
pub fn session_tokens(address: &Address, request: &HttpRequest) -> Vec<Secret> {
    let mut tokens: Vec<String> = Vec::new();
    for cookie in [Cookie::Sessions, Cookie::Remembered, Cookie::Framed] {
        let value = cookie.read(address, request).unwrap_or_default();
        for token in value.split('.').filter(|token| !token.is_empty()) {
            if tokens.len() < MOST_SESSIONS && !tokens.iter().any(|known| known == token) {
                tokens.push(token.to_owned());
            }
        }
    }
    tokens.into_iter().map(Secret::new).collect()
}

/// Has the browser hold these sessions, the first of which is current. Only those that were asked
/// to be remembered outlive the browser.
pub fn set_sessions(address: &Address, response: &mut HttpResponse, sessions: &[HeldSession]) {
    let lasts = address.issuer.dialect.session.remembered_lifetime;
    let is_remembered = |held: &&HeldSession| held.signed_in.session.is_remembered;
    let all = tokens(sessions.iter());
    if address.issuer.dialect.session.same_site == SameSite::None && !address.is_https() {
        if all.is_empty() {
            Cookie::Framed.remove(address, response);
        } else {
            Cookie::Framed.set(address, response, &all, None);
        }
    }
    let remembered = tokens(sessions.iter().filter(is_remembered));
    for (cookie, value, lasts) in [
        (Cookie::Sessions, all, None),
        (Cookie::Remembered, remembered, Some(lasts)),
        (
            Cookie::State,
            sessions.first().map(browser_state).unwrap_or_default(),
            sessions
                .iter()
                .any(|held| is_remembered(&held))
                .then_some(lasts),
        ),
    ] {
        if value.is_empty() {
            cookie.remove(address, response);
        } else {
            cookie.set(address, response, &value, lasts);
        }
    }
}

fn tokens<'a>(sessions: impl Iterator<Item = &'a HeldSession>) -> String {
    let tokens: Vec<&str> = sessions.map(|held| held.token.expose()).collect();
    tokens.join(".")
}

/// What changes when somebody else is signed in, or nobody is (OIDC Session Management §2).
pub fn browser_state(current: &HeldSession) -> String {
    let session = &current.signed_in.session;
    let text = format!("state {} {}", session.id.0, session.auth_time.unix());
    let digest = crate::secret::Digest::of(text.as_bytes());
    digest.as_bytes().map(|byte| format!("{byte:02x}")).concat()
}
