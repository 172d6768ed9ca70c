use super::{ApplyError, Keyring};
use crate::config::{Declared, Origin};
use crate::dialect::Dialect;
use crate::issuer::IssuerId;
use crate::keys::{CannotOpen, KeyMaterial, SigningKey, UnusableKey};
use crate::oauth::Core;
use crate::protocol::SigningAlg;
use crate::store::{StoredKey, Tx};

/// A key that will be stored if nobody else has stored one first.
pub(super) struct NewKey {
    material: KeyMaterial,
    is_well_known: bool,
}

/// A new key for each algorithm that the issuer needs and has none for.
pub(super) async fn new_keys(
    core: &Core,
    keyring: &Keyring,
    declared: &Declared,
    stored_issuer: Option<IssuerId>,
) -> Result<Vec<NewKey>, ApplyError> {
    let stored = match stored_issuer {
        Some(id) => core.store.list_signing_keys(id).await?,
        None => Vec::new(),
    };
    let name = declared.declaration.name.get_ref();
    let mut keys = Vec::new();
    for alg in declared.signing_algs() {
        if stored.iter().any(|key| key.alg == *alg) {
            continue;
        }
        let well_known = match declared.origin {
            Origin::Demo => (keyring.well_known)(name, *alg),
            Origin::File => None,
        };
        let is_well_known = well_known.is_some();
        let material = match well_known {
            Some(key) => key,
            None => generate(*alg, name.clone()).await?,
        };
        keys.push(NewKey {
            material,
            is_well_known,
        });
    }
    Ok(keys)
}

async fn generate(alg: SigningAlg, name: String) -> Result<KeyMaterial, UnusableKey> {
    tokio::task::spawn_blocking(move || KeyMaterial::generate(alg, &name))
        .await
        .unwrap_or(Err(UnusableKey("making it was interrupted")))
}

/// The issuer's keys: the newest for each algorithm it needs, in that order, then whatever else
/// it has, which may still verify tokens. Stores the new ones that are still missing.
pub(super) async fn apply_keys(
    core: &Core,
    keyring: &Keyring,
    tx: &mut Tx,
    issuer: IssuerId,
    declared: &Declared,
    new_keys: Vec<NewKey>,
) -> Result<Vec<KeyMaterial>, ApplyError> {
    let mut stored = tx.list_signing_keys(issuer).await?;
    for new in new_keys {
        if !stored.iter().any(|key| key.alg == new.material.alg) {
            let key = seal(core, keyring, issuer, &declared.dialect, new)?;
            tx.insert_signing_key(issuer, &key, core.clock.now())
                .await?;
            stored.push(key);
        }
    }
    let mut keys = Vec::new();
    for alg in declared.signing_algs() {
        let newest = stored
            .iter()
            .rposition(|key| key.alg == *alg)
            .ok_or(UnusableKey("it has been removed meanwhile"))?;
        keys.push(open(keyring, issuer, stored.remove(newest))?);
    }
    for other in stored {
        keys.push(open(keyring, issuer, other)?);
    }
    Ok(keys)
}

fn seal(
    core: &Core,
    keyring: &Keyring,
    issuer: IssuerId,
    dialect: &Dialect,
    new: NewKey,
) -> Result<StoredKey, UnusableKey> {
    let kid = SigningKey::new(&new.material, dialect)?.kid().to_owned();
    let context = context(issuer, &kid);
    Ok(StoredKey {
        sealed_private_key: keyring.secret_key.seal(
            &new.material.private_key,
            &context,
            &core.entropy,
        )?,
        kid,
        alg: new.material.alg,
        certificate: new.material.certificate,
        well_known: new.is_well_known,
    })
}

fn open(keyring: &Keyring, issuer: IssuerId, key: StoredKey) -> Result<KeyMaterial, CannotOpen> {
    let context = context(issuer, &key.kid);
    Ok(KeyMaterial {
        alg: key.alg,
        private_key: keyring.secret_key.open(&key.sealed_private_key, &context)?,
        certificate: key.certificate,
    })
}

/// What a sealed key is bound to: its place.
fn context(issuer: IssuerId, kid: &str) -> Vec<u8> {
    [issuer.0.as_bytes().as_slice(), kid.as_bytes()].concat()
}

impl Declared {
    /// What the issuer needs a key for; the first is preferred.
    pub fn signing_algs(&self) -> &[SigningAlg] {
        match &self.declaration.signing_algs {
            Some(algs) => algs.get_ref(),
            None => &self.dialect.signing.algs,
        }
    }
}
