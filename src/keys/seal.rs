//! Private keys rest encrypted under `LOCUM_SECRET_KEY`.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use aws_lc_rs::hmac;
use zeroize::Zeroizing;

use super::signing_key::UnusableKey;
use crate::entropy::Entropy;
use crate::secret::Secret;

/// What is derived from `LOCUM_SECRET_KEY`: the key that private keys are sealed with, and those
/// that mark what must be known to come from here.
pub struct SecretKey {
    sealing: LessSafeKey,
    tagging: hmac::Key,
    auditing: hmac::Key,
    exporting: hmac::Key,
}

#[derive(Debug, thiserror::Error)]
#[error(
    "a signing key in the database cannot be opened: LOCUM_SECRET_KEY is not the one it was sealed with"
)]
pub struct CannotOpen;

/// Keeps the keys apart that are derived from the same secret.
const SEALING: &[u8] = b"locum signing keys";
const TAGGING: &[u8] = b"locum tickets";
const AUDITING: &[u8] = b"locum audit log";
const EXPORTING: &[u8] = b"locum exports";

impl SecretKey {
    pub fn derive(secret: &Secret) -> Result<Self, UnusableKey> {
        let failed = |_| UnusableKey("the key it is sealed with cannot be derived");
        let sealing = UnboundKey::new(&AES_256_GCM, expand(secret, SEALING)?.as_slice());
        Ok(Self {
            sealing: LessSafeKey::new(sealing.map_err(failed)?),
            tagging: hmac::Key::new(hmac::HMAC_SHA256, expand(secret, TAGGING)?.as_slice()),
            auditing: hmac::Key::new(hmac::HMAC_SHA256, expand(secret, AUDITING)?.as_slice()),
            exporting: hmac::Key::new(hmac::HMAC_SHA256, expand(secret, EXPORTING)?.as_slice()),
        })
    }

    /// For HMAC-SHA256 over what a browser brings back. The same on every node.
    pub fn tagging(&self) -> hmac::Key {
        self.tagging.clone()
    }

    /// For the chains of audit events.
    pub fn auditing(&self) -> hmac::Key {
        self.auditing.clone()
    }

    /// For HMAC-SHA256 over a full export, which nobody shall have altered on the way.
    pub fn exporting(&self) -> hmac::Key {
        self.exporting.clone()
    }

    /// AES-256-GCM under a random nonce, which stands before the result. `context` (which issuer,
    /// which key) is bound to it, so that a row copied to another place does not open.
    pub fn seal(
        &self,
        plain: &[u8],
        context: &[u8],
        entropy: &Entropy,
    ) -> Result<Vec<u8>, UnusableKey> {
        let nonce = entropy.bytes::<NONCE_LEN>();
        let mut sealed = plain.to_vec();
        let key = Nonce::assume_unique_for_key(nonce);
        self.sealing
            .seal_in_place_append_tag(key, Aad::from(context), &mut sealed)
            .map_err(|_| UnusableKey("it cannot be sealed"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    pub fn open(&self, sealed: &[u8], context: &[u8]) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or(CannotOpen)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| CannotOpen)?;
        let mut buffer = Zeroizing::new(sealed.to_vec());
        let length = self
            .sealing
            .open_in_place(nonce, Aad::from(context), buffer.as_mut_slice())
            .map_err(|_| CannotOpen)?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }
}

fn expand(secret: &Secret, purpose: &[u8]) -> Result<Zeroizing<[u8; 32]>, UnusableKey> {
    let mut bytes = Zeroizing::new([0; 32]);
    Salt::new(HKDF_SHA256, purpose)
        .extract(secret.expose().as_bytes())
        .expand(&[purpose], HKDF_SHA256)
        .and_then(|expanded| expanded.fill(bytes.as_mut_slice()))
        .map_err(|_| UnusableKey("a key of LOCUM_SECRET_KEY cannot be derived"))?;
    Ok(bytes)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn opens_only_with_the_same_key_in_the_same_place() {
        let entropy = Entropy::seeded(3);
        let key = SecretKey::derive(&Secret::new("one")).unwrap();
        let sealed = key.seal(b"private", b"clinic kid", &entropy).unwrap();
        assert_eq!(
            key.open(&sealed, b"clinic kid").unwrap().as_slice(),
            b"private"
        );
        assert!(key.open(&sealed, b"photon kid").is_err());
        assert!(key.open(&sealed[..8], b"clinic kid").is_err());

        let other = SecretKey::derive(&Secret::new("two")).unwrap();
        assert!(other.open(&sealed, b"clinic kid").is_err());
    }
}
