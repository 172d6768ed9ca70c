//! What a browser carries from page to page: the request it came with, and how far it has got.
//!
//! A ticket is signed and not stored: a page can be opened twice, reloaded, or left alone, and
//! strangers cannot fill a table with requests that nobody answers.

use aws_lc_rs::hmac;
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use serde::{Deserialize, Serialize};
use uuid::Uuid;

use crate::account::SessionId;
use crate::clock::Timestamp;
use crate::issuer::IssuerId;
use crate::oauth::authorization::Progress;

/// Seconds a person may take for one request.
const LIFETIME: i64 = 3600;
/// Where a person is on the way, and to what.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Ticket {
    pub destination: Destination,
    pub started_at: Timestamp,
    pub progress: Progress,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub enum Destination {
    /// An authorization request, its parameters as they were sent.
    Client(Vec<(String, String)>),
    /// A page of the issuer's own, below its path: `/account`.
    Page(String),
    /// Out, as a client has asked for: the parameters of its request.
    SignOut(Vec<(String, String)>),
}

/// A ticket as it travels; short names, because it does so in a URL.
#[derive(Serialize, Deserialize)]
struct Written {
    #[serde(rename = "i")]
    issuer: Uuid,
    #[serde(rename = "d")]
    destination: Destination,
    #[serde(rename = "t")]
    started_at: i64,
    #[serde(rename = "a", skip_serializing_if = "Option::is_none")]
    authenticated: Option<Uuid>,
    #[serde(rename = "c", skip_serializing_if = "Option::is_none")]
    chosen: Option<Uuid>,
    #[serde(rename = "o", default, skip_serializing_if = "std::ops::Not::not")]
    wants_other: bool,
}

impl Ticket {
    /// Somebody who has just set out.
    pub fn new(destination: Destination, now: Timestamp) -> Self {
        Self {
            destination,
            started_at: now,
            progress: Progress::default(),
        }
    }
}

/// Marks what browsers bring back, so that it is known to come from here.
#[derive(Clone)]
pub struct Tickets(hmac::Key);

/// A ticket that is not from here, not for this issuer, or too old.
#[derive(Debug, thiserror::Error)]
#[error("the ticket is unreadable or has expired")]
pub struct TicketRejected;

impl Tickets {
    /// Bytes of a ticket; it travels in a URL.
    pub const LONGEST: usize = 16 * 1024;

    pub fn new(key: hmac::Key) -> Self {
        Self(key)
    }

    pub fn write(&self, issuer: IssuerId, ticket: &Ticket) -> String {
        let written = Written {
            issuer: issuer.0,
            destination: ticket.destination.clone(),
            started_at: ticket.started_at.unix(),
            authenticated: ticket.progress.authenticated.map(|id| id.0),
            chosen: ticket.progress.chosen.map(|id| id.0),
            wants_other: ticket.progress.wants_other,
        };
        // Strings and numbers always have a form as JSON.
        let body = BASE64URL.encode(serde_json::to_vec(&written).unwrap_or_default());
        let tag = self.tag("ticket", &[&body]);
        format!("{body}.{tag}")
    }

    pub fn read(
        &self,
        issuer: IssuerId,
        text: &str,
        now: Timestamp,
    ) -> Result<Ticket, TicketRejected> {
        let (body, tag) = text
            .split_once('.')
            .filter(|_| text.len() <= Self::LONGEST)
            .ok_or(TicketRejected)?;
        if !self.is_tag(tag, "ticket", &[body]) {
            return Err(TicketRejected);
        }
        let written: Written = BASE64URL
            .decode(body)
            .ok()
            .and_then(|json| serde_json::from_slice(&json).ok())
            .ok_or(TicketRejected)?;
        let age = now.unix() - written.started_at;
        if written.issuer != issuer.0 || !(0..LIFETIME).contains(&age) {
            return Err(TicketRejected);
        }
        Ok(Ticket {
            destination: written.destination,
            started_at: Timestamp::from_unix(written.started_at),
            progress: Progress {
                authenticated: written.authenticated.map(SessionId),
                chosen: written.chosen.map(SessionId),
                wants_other: written.wants_other,
            },
        })
    }

    /// What a form must bring back for a browser that holds `browser`: proof that the form was
    /// made for it, and that no other site sent it (CSRF).
    pub fn csrf(&self, issuer: IssuerId, browser: &str) -> String {
        self.tag("csrf", &[&issuer.0.to_string(), browser])
    }

    pub fn is_csrf(&self, issuer: IssuerId, browser: &str, token: &str) -> bool {
        self.is_tag(token, "csrf", &[&issuer.0.to_string(), browser])
    }

    fn tag(&self, purpose: &str, parts: &[&str]) -> String {
        BASE64URL.encode(hmac::sign(&self.0, &message(purpose, parts)))
    }

    fn is_tag(&self, tag: &str, purpose: &str, parts: &[&str]) -> bool {
        // In constant time.
        BASE64URL
            .decode(tag)
            .is_ok_and(|tag| hmac::verify(&self.0, &message(purpose, parts), &tag).is_ok())
    }
}

/// Parts with their lengths, so that no two lists of parts make the same message.
fn message(purpose: &str, parts: &[&str]) -> Vec<u8> {
    let mut message = purpose.as_bytes().to_vec();
    for part in parts {
        message.extend_from_slice(format!(" {}:{part}", part.len()).as_bytes());
    }
    message
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn a_ticket_is_good_at_its_issuer_for_an_hour() {
        let tickets = Tickets::new(hmac::Key::new(hmac::HMAC_SHA256, b"key"));
        let others = Tickets::new(hmac::Key::new(hmac::HMAC_SHA256, b"other"));
        let (issuer, other) = (IssuerId(Uuid::from_u128(1)), IssuerId(Uuid::from_u128(2)));
        let now = Timestamp::from_unix(1_000_000);
        let ticket = Ticket {
            destination: Destination::Client(vec![("state".to_owned(), "\u{e9}&=".to_owned())]),
            started_at: now,
            progress: Progress {
                authenticated: Some(SessionId(Uuid::from_u128(3))),
                chosen: None,
                wants_other: true,
            },
        };
        let written = tickets.write(issuer, &ticket);
        assert_eq!(tickets.read(issuer, &written, now).unwrap(), ticket);
        assert!(tickets.read(other, &written, now).is_err());
        assert!(others.read(issuer, &written, now).is_err());
        assert!(
            tickets
                .read(issuer, &written, now + Duration::from_secs(3600))
                .is_err()
        );
        // JSON begins with a brace, and base64 of that with an `e`.
        let forged = written.replacen('e', "f", 1);
        assert!(tickets.read(issuer, &forged, now).is_err());
        for garbage in ["", ".", "a.b", "é.é"] {
            assert!(tickets.read(issuer, garbage, now).is_err());
        }
    }

    #[test]
    fn a_csrf_token_is_for_one_browser_and_issuer() {
        let tickets = Tickets::new(hmac::Key::new(hmac::HMAC_SHA256, b"key"));
        let (issuer, other) = (IssuerId(Uuid::from_u128(1)), IssuerId(Uuid::from_u128(2)));
        let token = tickets.csrf(issuer, "browser");
        assert!(tickets.is_csrf(issuer, "browser", &token));
        assert!(!tickets.is_csrf(issuer, "another", &token));
        assert!(!tickets.is_csrf(other, "browser", &token));
        assert!(!tickets.is_csrf(issuer, "browser", ""));
    }
}
