use super::{KeyMaterial, SecretKey};
use crate::protocol::SigningAlg;

/// Where signing keys come from and how they rest.
pub struct Keyring {
    pub secret_key: SecretKey,
    /// Keys that are public knowledge, for an issuer's name: `locum dev` has them ready, because
    /// making an RSA key takes longer than starting the server.
    pub well_known: fn(&str, SigningAlg) -> Option<KeyMaterial>,
}

impl Keyring {
    /// Without keys that anybody knows.
    pub fn new(secret_key: SecretKey) -> Self {
        Self {
            secret_key,
            well_known: |_, _| None,
        }
    }
}
