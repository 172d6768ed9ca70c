//! Private keys rest encrypted under `LOCUM_SECRET_KEY`.

use aws_lc_rs::aead::{AES_256_GCM, Aad, LessSafeKey, NONCE_LEN, Nonce, UnboundKey};
use aws_lc_rs::hkdf::{HKDF_SHA256, Salt};
use zeroize::Zeroizing;

use super::signing_key::UnusableKey;
use crate::entropy::Entropy;
use crate::secret::Secret;

/// The key that private keys are sealed with, derived from `LOCUM_SECRET_KEY`.
pub struct SecretKey(LessSafeKey);

#[derive(Debug, thiserror::Error)]
#[error(
    "a signing key in the database cannot be opened: LOCUM_SECRET_KEY is not the one it was sealed with"
)]
pub struct CannotOpen;

/// Keeps this key apart from whatever else may one day be derived from the same secret.
const PURPOSE: &[u8] = b"locum signing keys";

impl SecretKey {
    pub fn derive(secret: &Secret) -> Result<Self, UnusableKey> {
        let failed = |_| UnusableKey("the key it is sealed with cannot be derived");
        let pseudo_random = Salt::new(HKDF_SHA256, PURPOSE).extract(secret.expose().as_bytes());
        let mut bytes = Zeroizing::new([0; 32]);
        pseudo_random
            .expand(&[PURPOSE], HKDF_SHA256)
            .and_then(|expanded| expanded.fill(bytes.as_mut_slice()))
            .map_err(failed)?;
        let key = UnboundKey::new(&AES_256_GCM, bytes.as_slice()).map_err(failed)?;
        Ok(Self(LessSafeKey::new(key)))
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
        self.0
            .seal_in_place_append_tag(key, Aad::from(context), &mut sealed)
            .map_err(|_| UnusableKey("it cannot be sealed"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    pub fn open(&self, sealed: &[u8], context: &[u8]) -> Result<Zeroizing<Vec<u8>>, CannotOpen> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_LEN).ok_or(CannotOpen)?;
        let nonce = Nonce::try_assume_unique_for_key(nonce).map_err(|_| CannotOpen)?;
        let mut buffer = Zeroizing::new(sealed.to_vec());
        let length = self
            .0
            .open_in_place(nonce, Aad::from(context), buffer.as_mut_slice())
            .map_err(|_| CannotOpen)?
            .len();
        buffer.truncate(length);
        Ok(buffer)
    }
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
