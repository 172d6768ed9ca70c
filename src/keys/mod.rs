//! Signing keys: making them, signing with them, publishing them.

mod key_set;
mod keyring;
mod seal;
mod signing_key;

pub use key_set::{KeySet, TokenRejected};
pub use keyring::Keyring;
pub use seal::{CannotOpen, SecretKey};
pub use signing_key::{JwtKind, KeyMaterial, SigningKey, UnusableKey};
