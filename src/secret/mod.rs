//! Codes, tokens and client secrets: redacted in `Debug`, compared in constant time, and only
//! ever stored as a hash.

mod verifier;

use std::fmt;
use std::str::FromStr;

use argon2::password_hash::PasswordHasher;
use argon2::password_hash::phc::PasswordHash;
use argon2::{Algorithm, Argon2, Params, Version};
use aws_lc_rs::digest::{SHA256, digest};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use subtle::ConstantTimeEq;
use unicode_normalization::UnicodeNormalization;
use zeroize::Zeroizing;

use crate::entropy::Entropy;

pub use verifier::{SecretVerifier, Turn, VerifierBusy};

/// Something only its holder may know. Never printed; wiped from memory when dropped.
#[derive(Clone)]
pub struct Secret(Zeroizing<String>);

impl Secret {
    pub fn new(value: impl Into<String>) -> Self {
        Self(Zeroizing::new(value.into()))
    }

    /// A password as a person typed it. Keyboards compose accents in different ways; normalized
    /// (NFC, as NIST SP 800-63B §5.1.1.2 asks for), they are the same.
    pub fn typed(value: &str) -> Self {
        Self::new(value.nfc().collect::<String>())
    }

    /// 256 random bits, base64url without padding: 43 characters.
    pub fn generate(entropy: &Entropy) -> Self {
        Self::new(random_text(entropy))
    }

    /// The secret itself. Named so that a search finds every place that looks.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// SHA-256, which is enough for what carries 256 random bits.
    pub fn digest(&self) -> Digest {
        Digest::of(self.0.as_bytes())
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Secret(…)")
    }
}

/// 256 random bits as 43 base64url characters.
pub fn random_text(entropy: &Entropy) -> String {
    BASE64URL.encode(entropy.bytes::<32>())
}

/// A SHA-256 digest; equality takes the same time whatever differs.
#[derive(Clone, Copy)]
pub struct Digest([u8; 32]);

impl Digest {
    pub fn of(bytes: &[u8]) -> Self {
        let mut out = [0; 32];
        out.copy_from_slice(digest(&SHA256, bytes).as_ref());
        Self(out)
    }

    pub fn as_bytes(&self) -> &[u8; 32] {
        &self.0
    }
}

impl PartialEq for Digest {
    fn eq(&self, other: &Self) -> bool {
        self.0.ct_eq(&other.0).into()
    }
}

impl Eq for Digest {}

impl fmt::Debug for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Digest(…)")
    }
}

/// A client secret as the database keeps it.
#[derive(Clone, PartialEq, Eq)]
pub enum SecretHash {
    /// For a secret Locum generated (256 random bits), and for the demo secrets, which protect
    /// nothing: stored as `$sha256$<base64url>`.
    Sha256(Digest),
    /// For a secret a person chose: the PHC string of an Argon2id hash.
    Argon2id(String),
}

const SHA256_PREFIX: &str = "$sha256$";

impl SecretHash {
    pub fn sha256(secret: &Secret) -> Self {
        Self::Sha256(secret.digest())
    }

    /// Takes tens of milliseconds and 19 MiB: not for an async thread.
    pub fn argon2id(secret: &Secret, entropy: &Entropy) -> Result<Self, HashingFailed> {
        let salt = entropy.bytes::<16>();
        let hash: PasswordHash = argon2()
            .hash_password_with_salt(secret.expose().as_bytes(), &salt)
            .map_err(|_| HashingFailed)?;
        Ok(Self::Argon2id(hash.to_string()))
    }

    /// Whether this is the hash of `secret`. Slow for Argon2id: see [`SecretVerifier`].
    pub fn matches(&self, secret: &Secret, memory: &mut HashingMemory) -> bool {
        match self {
            Self::Sha256(digest) => *digest == secret.digest(),
            Self::Argon2id(phc) => argon2id_matches(phc, secret, memory).unwrap_or(false),
        }
    }
}

/// What Argon2 works in: 19 MiB once it has been used. Kept and used again, because blocks of
/// that size which come and go on many threads stay with the allocator of each.
#[derive(Default)]
pub struct HashingMemory(Vec<argon2::Block>);

/// `None` when the stored hash is not one that can be computed.
fn argon2id_matches(phc: &str, secret: &Secret, memory: &mut HashingMemory) -> Option<bool> {
    let stored = PasswordHash::new(phc).ok()?;
    let params = Params::try_from(&stored).ok()?;
    let version = Version::try_from(stored.version?).ok()?;
    let (salt, expected) = (stored.salt?, stored.hash?);
    let blocks = params.block_count();
    if memory.0.len() < blocks {
        memory.0.resize(blocks, argon2::Block::new());
    }
    let mut actual = Zeroizing::new(vec![0; expected.len()]);
    Argon2::new(Algorithm::Argon2id, version, params)
        .hash_password_into_with_memory(
            secret.expose().as_bytes(),
            salt.as_ref(),
            &mut actual,
            memory.0.get_mut(..blocks)?,
        )
        .ok()?;
    Some(actual.ct_eq(expected.as_bytes()).into())
}

/// Argon2id with 19 MiB, two passes, one lane: OWASP's first recommendation.
fn argon2() -> Argon2<'static> {
    Argon2::new(Algorithm::Argon2id, Version::V0x13, Params::default())
}

impl fmt::Display for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Sha256(digest) => {
                write!(f, "{SHA256_PREFIX}{}", BASE64URL.encode(digest.as_bytes()))
            }
            Self::Argon2id(phc) => f.write_str(phc),
        }
    }
}

impl fmt::Debug for SecretHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SecretHash(…)")
    }
}

impl FromStr for SecretHash {
    type Err = UnreadableHash;

    fn from_str(stored: &str) -> Result<Self, UnreadableHash> {
        if let Some(digest) = stored.strip_prefix(SHA256_PREFIX) {
            let bytes = BASE64URL.decode(digest).map_err(|_| UnreadableHash)?;
            let bytes = bytes.try_into().map_err(|_| UnreadableHash)?;
            return Ok(Self::Sha256(Digest(bytes)));
        }
        match PasswordHash::new(stored) {
            // One without salt or hash parses too, and fits no secret.
            Ok(hash)
                if hash.algorithm.as_str() == "argon2id"
                    && hash.salt.is_some()
                    && hash.hash.is_some() =>
            {
                Ok(Self::Argon2id(stored.to_owned()))
            }
            _ => Err(UnreadableHash),
        }
    }
}

#[derive(Debug, thiserror::Error)]
#[error("a stored client secret is neither an Argon2id nor a SHA-256 hash")]
pub struct UnreadableHash;

#[derive(Debug, thiserror::Error)]
#[error("a secret could not be hashed: it is too long, or there was no memory for it")]
pub struct HashingFailed;

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_hash_survives_storage_and_knows_its_secret() {
        let secret = Secret::new("correct horse");
        let argon2id = SecretHash::argon2id(&secret, &Entropy::seeded(1)).unwrap();
        for hash in [SecretHash::sha256(&secret), argon2id] {
            let stored: SecretHash = hash.to_string().parse().unwrap();
            let mut memory = HashingMemory::default();
            assert!(stored.matches(&secret, &mut memory));
            assert!(!stored.matches(&Secret::new("correct horsf"), &mut memory));
        }
        assert!("plain".parse::<SecretHash>().is_err());
        assert!(
            "$argon2id$v=19$m=19456,t=2,p=1"
                .parse::<SecretHash>()
                .is_err()
        );
        assert!("$sha256$c2hvcnQ".parse::<SecretHash>().is_err());
    }

    #[test]
    fn nothing_secret_is_printed() {
        let secret = Secret::new("hunter2");
        let printed = format!(
            "{secret:?} {:?} {:?}",
            secret.digest(),
            SecretHash::sha256(&secret)
        );
        assert_eq!(printed, "Secret(…) Digest(…) SecretHash(…)");
    }
}
