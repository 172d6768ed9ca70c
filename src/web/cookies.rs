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
    /// The sessions, the current one first.
    Sessions,
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
        let is_for_frames = matches!(self, Self::Sessions | Self::State)
            && address.issuer.dialect.session.same_site == SameSite::None;
        cookie.push_str(match (address.is_https(), is_for_frames) {
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

/// The tokens of the sessions a browser holds.
pub fn session_tokens(address: &Address, request: &HttpRequest) -> Vec<Secret> {
    let value = Cookie::Sessions.read(address, request).unwrap_or_default();
    value
        .split('.')
        .filter(|token| !token.is_empty())
        .take(MOST_SESSIONS)
        .map(Secret::new)
        .collect()
}

/// Has the browser hold these sessions, the first of which is current. If one of them is to
/// outlive the browser, so does the cookie: the server knows when each ends.
pub fn set_sessions(address: &Address, response: &mut HttpResponse, sessions: &[HeldSession]) {
    let sessions = sessions.get(..MOST_SESSIONS).unwrap_or(sessions);
    let Some(current) = sessions.first() else {
        Cookie::Sessions.remove(address, response);
        Cookie::State.remove(address, response);
        return;
    };
    let tokens: Vec<&str> = sessions.iter().map(|held| held.token.expose()).collect();
    let is_remembered = sessions
        .iter()
        .any(|held| held.signed_in.session.is_remembered);
    let lasts = is_remembered.then_some(address.issuer.dialect.session.remembered_lifetime);
    Cookie::Sessions.set(address, response, &tokens.join("."), lasts);
    Cookie::State.set(address, response, &browser_state(current), lasts);
}

/// What changes when somebody else is signed in, or nobody is (OIDC Session Management §2).
pub fn browser_state(current: &HeldSession) -> String {
    let session = &current.signed_in.session;
    let text = format!("state {} {}", session.id.0, session.auth_time.unix());
    let digest = crate::secret::Digest::of(text.as_bytes());
    digest.as_bytes().map(|byte| format!("{byte:02x}")).concat()
}
