//! The flows, pure of HTTP and SQL: what a request must satisfy, and what comes of it.

pub mod access_token;
pub mod authorization;
mod client_auth;
pub mod entitlement;
mod grant;
mod inspection;
mod introspection;
pub mod issuance;
mod metadata;
mod pkce;
mod record;
pub mod registration;
mod revocation;
mod token;

use std::borrow::Cow;
use std::sync::Arc;

use crate::audit::{Activity, AuditKey, Seldom, Visitor};
use crate::clock::Clock;
use crate::dialect::Dialects;
use crate::entropy::Entropy;
use crate::issuer::Issuer;
use crate::keys::{SecretKey, UnusableKey};
use crate::outgoing::Outgoing;
use crate::protocol::{Fault, Parameters};
use crate::secret::{SecretVerifier, VerifierBusy};
use crate::signin::ticket::Tickets;
use crate::store::{Store, StoreError};

pub use access_token::{TokenFacts, TokenUse};
pub use client_auth::PresentedCredentials;
pub use inspection::Seen;
pub use metadata::Metadata;
pub use token::TokenResponse;

/// What every flow needs from outside: the database, the time, randomness, and a way to check
/// secrets. Cheap to clone.
#[derive(Clone)]
pub struct Core {
    pub store: Store,
    pub clock: Clock,
    pub entropy: Entropy,
    pub secrets: SecretVerifier,
    pub tickets: Tickets,
    pub audit: AuditKey,
    pub dialects: Dialects,
    /// What strangers can cause is not remembered each time.
    pub seldom: Seldom,
    /// What is counted only.
    pub activity: Activity,
    pub outgoing: Outgoing,
}

impl Core {
    /// What is derived from the secret key comes from `secret_key`. With `reaches_loopback`,
    /// servers of this machine may be asked: in `locum dev` alone.
    pub fn new(
        store: Store,
        secret_key: &SecretKey,
        clock: Clock,
        entropy: Entropy,
        reaches_loopback: bool,
    ) -> Self {
        Self {
            store,
            clock,
            secrets: SecretVerifier::new(&entropy),
            tickets: Tickets::new(secret_key.tagging()),
            audit: AuditKey::new(secret_key.auditing()),
            dialects: Dialects::default(),
            seldom: Seldom::default(),
            activity: Activity::default(),
            outgoing: Outgoing::new(reaches_loopback),
            entropy,
        }
    }
}

/// An issuer at the address a request came to. The flows are its methods, each in the file of
/// its name.
#[derive(Clone)]
pub struct Authority<'a> {
    pub core: &'a Core,
    pub issuer: &'a Issuer,
    /// The issuer identifier of that address: what becomes `iss`.
    pub identifier: &'a str,
    /// That address, without a slash at the end.
    pub base: &'a str,
    /// Who asks.
    pub visitor: Arc<Visitor>,
}

/// A request of a client to an endpoint that knows its clients: who it is, and what it wants.
#[derive(Debug)]
pub struct ClientRequest {
    /// Why they cannot be read is told when the client's turn comes, not before.
    pub credentials: Result<PresentedCredentials, Fault>,
    pub parameters: Parameters,
}

impl ClientRequest {
    /// Whether it comes from a program that keeps a secret, which no page in a browser does.
    pub fn has_secret(&self) -> bool {
        matches!(
            self.credentials,
            Ok(PresentedCredentials::WithSecret { .. })
        )
    }
}

/// Why a flow did not succeed: the request was at fault, or this server was.
#[derive(Debug, thiserror::Error)]
pub enum Refusal {
    #[error(transparent)]
    Fault(#[from] Fault),
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Busy(#[from] VerifierBusy),
    #[error(transparent)]
    Key(#[from] UnusableKey),
}

impl Refusal {
    /// What the client is told. What went wrong inside stays in the log.
    pub fn fault(&self) -> Cow<'_, Fault> {
        match self {
            Self::Fault(fault) => Cow::Borrowed(fault),
            Self::Store(_) | Self::Key(_) => Cow::Owned(Fault::TemporarilyUnavailable),
            Self::Busy(_) => Cow::Owned(Fault::TooManyRequests),
        }
    }
}
