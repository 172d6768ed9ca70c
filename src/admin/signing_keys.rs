//! Making signing keys, and opening those that rest in the database.

use crate::clock::Timestamp;
use crate::dialect::Dialect;
use crate::entropy::Entropy;
use crate::issuer::IssuerId;
use crate::keys::{CannotOpen, KeyMaterial, Keyring, SecretKey, SigningKey, UnusableKey};
use crate::protocol::SigningAlg;
use crate::store::StoredKey;

/// Makes a key, off the async threads: an RSA key takes a while.
pub async fn generate(alg: SigningAlg, issuer_name: &str) -> Result<KeyMaterial, UnusableKey> {
    let name = issuer_name.to_owned();
    tokio::task::spawn_blocking(move || KeyMaterial::generate(alg, &name))
        .await
        .unwrap_or(Err(UnusableKey("making it was interrupted")))
}

/// A key as it rests, sealed to its place.
pub fn seal(
    keyring: &Keyring,
    entropy: &Entropy,
    issuer: IssuerId,
    dialect: &Dialect,
    material: &KeyMaterial,
    now: Timestamp,
) -> Result<StoredKey, UnusableKey> {
    let kid = SigningKey::new(material, dialect)?.kid().to_owned();
    Ok(StoredKey {
        sealed_private_key: keyring.secret_key.seal(
            &material.private_key,
            &context(issuer, &kid),
            entropy,
        )?,
        kid,
        alg: material.alg,
        certificate: material.certificate.clone(),
        well_known: false,
        created_at: now,
    })
}

pub fn open(
    secret_key: &SecretKey,
    issuer: IssuerId,
    key: &StoredKey,
) -> Result<KeyMaterial, CannotOpen> {
    let context = context(issuer, &key.kid);
    Ok(KeyMaterial {
        alg: key.alg,
        private_key: secret_key.open(&key.sealed_private_key, &context)?,
        certificate: key.certificate.clone(),
    })
}

/// Keys in the order they are used: the newest for each algorithm that the issuer signs with,
/// then whatever else there is, which may still verify tokens. `stored` has the oldest first.
pub fn in_order(mut stored: Vec<StoredKey>, algs: &[SigningAlg]) -> Vec<StoredKey> {
    let mut ordered = Vec::new();
    for alg in algs {
        if let Some(newest) = stored.iter().rposition(|key| key.alg == *alg) {
            ordered.push(stored.remove(newest));
        }
    }
    ordered.extend(stored);
    ordered
}

/// What a sealed key is bound to: its place.
fn context(issuer: IssuerId, kid: &str) -> Vec<u8> {
    [issuer.0.as_bytes().as_slice(), kid.as_bytes()].concat()
}
