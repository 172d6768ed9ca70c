//! The flows, pure of HTTP and SQL: what a request must satisfy, and what comes of it.

pub mod access_token;
mod client_auth;
mod grant;
mod introspection;
mod issuance;
mod metadata;
mod revocation;
mod token;

use std::borrow::Cow;

use crate::clock::Clock;
use crate::entropy::Entropy;
use crate::keys::UnusableKey;
use crate::protocol::Fault;
use crate::secret::{SecretVerifier, VerifierBusy};
use crate::store::{Store, StoreError};

pub use access_token::TokenFacts;
pub use client_auth::PresentedCredentials;
pub use introspection::introspect;
pub use metadata::Metadata;
pub use revocation::revoke;
pub use token::{TokenResponse, exchange};

/// What every flow needs from outside: the database, the time, randomness, and a way to check
/// secrets. Cheap to clone.
#[derive(Clone)]
pub struct Core {
    pub store: Store,
    pub clock: Clock,
    pub entropy: Entropy,
    pub secrets: SecretVerifier,
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
