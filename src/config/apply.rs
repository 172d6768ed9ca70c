//! Makes the database say what the configuration declares: in one transaction, and doing it
//! twice changes nothing.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use super::declaration::{ApiDeclaration, ClientDeclaration, ScopesDeclaration};
use super::{Declared, Origin};
use crate::clock::Timestamp;
use crate::dialect::Dialect;
use crate::issuer::{Api, ApiScope, Client, ClientGrant, ClientMetadata, GrantedScope, IssuerId};
use crate::keys::{CannotOpen, KeyMaterial, SecretKey, SigningKey, UnusableKey};
use crate::oauth::Core;
use crate::protocol::{Scope, SigningAlg};
use crate::secret::{HashingFailed, HashingMemory, Secret, SecretHash};
use crate::store::{StoreError, StoredKey, Tx};

/// Where signing keys come from and how they rest.
pub struct Keyring {
    pub secret_key: SecretKey,
    /// Keys that are public knowledge, for an issuer's name: `locum dev` has them ready, because
    /// making an RSA key takes longer than starting the server.
    pub well_known: fn(&str, SigningAlg) -> Option<KeyMaterial>,
}

#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Key(#[from] UnusableKey),
    #[error(transparent)]
    Sealed(#[from] CannotOpen),
    #[error(transparent)]
    Hashing(#[from] HashingFailed),
    #[error("client {client_id}: {message}")]
    Secret { client_id: String, message: String },
}

/// An issuer as it stands in the database after applying.
#[derive(Debug)]
pub struct Applied {
    pub id: IssuerId,
    pub declared: Declared,
    /// In the order of its signing algorithms.
    pub keys: Vec<KeyMaterial>,
}

/// Applies everything declared.
///
/// `folder` is what secret files are relative to.
pub async fn apply(
    core: &Core,
    keyring: &Keyring,
    declared: &[Declared],
    folder: &Path,
) -> Result<Vec<Applied>, ApplyError> {
    let now = core.clock.now();
    // Hashing a secret and making a key take long, so they happen before the transaction holds
    // anything up.
    let mut prepared = Vec::new();
    for issuer in declared {
        let name = issuer.declaration.name.get_ref();
        let stored = core.store.find_issuer(name).await?;
        let secrets = secret_hashes(core, issuer, stored, folder).await?;
        let keys = new_keys(core, keyring, issuer, stored).await?;
        prepared.push((secrets, keys));
    }
    let mut tx = core.store.write().await?;
    let mut applied = Vec::new();
    for (issuer, (secrets, new_keys)) in declared.iter().zip(prepared) {
        let name = issuer.declaration.name.get_ref();
        let dialect = issuer.declaration.dialect.get_ref();
        let id = tx.upsert_issuer(name, dialect, &core.entropy, now).await?;
        let keys = apply_keys(core, keyring, &mut tx, id, issuer, new_keys).await?;
        let apis = apply_apis(core, &mut tx, id, &issuer.declaration.apis, now).await?;
        apply_clients(
            &mut tx,
            id,
            &issuer.declaration.clients,
            secrets,
            &apis,
            now,
        )
        .await?;
        applied.push(Applied {
            id,
            declared: issuer.clone(),
            keys,
        });
    }
    tx.commit().await?;
    core.store.forget();
    Ok(applied)
}

/// The hash of each client's secret: the stored one where it still fits, so that applying the
/// same file again changes nothing.
async fn secret_hashes(
    core: &Core,
    issuer: &Declared,
    stored_issuer: Option<IssuerId>,
    folder: &Path,
) -> Result<Vec<Option<SecretHash>>, ApplyError> {
    let mut hashes = Vec::new();
    for client in &issuer.declaration.clients {
        let Some(declared) = &client.client_secret else {
            hashes.push(None);
            continue;
        };
        let client_id = client.client_id.get_ref();
        let secret = declared
            .read(folder)
            .map_err(|message| ApplyError::Secret {
                client_id: client_id.clone(),
                message,
            })?;
        let stored = match stored_issuer {
            Some(id) => core.store.find_client_uncached(id, client_id).await?,
            None => None,
        };
        let stored = stored.and_then(|client| client.secret_hash);
        hashes.push(Some(hash(core, issuer.origin, secret, stored).await?));
    }
    Ok(hashes)
}

async fn hash(
    core: &Core,
    origin: Origin,
    secret: Secret,
    stored: Option<SecretHash>,
) -> Result<SecretHash, ApplyError> {
    if origin == Origin::Demo {
        return Ok(SecretHash::sha256(&secret));
    }
    let entropy = core.entropy.clone();
    let hashing = tokio::task::spawn_blocking(move || match stored {
        Some(stored @ SecretHash::Argon2id(_))
            if stored.matches(&secret, &mut HashingMemory::default()) =>
        {
            Ok(stored)
        }
        _ => SecretHash::argon2id(&secret, &entropy),
    });
    Ok(hashing.await.map_err(|_| HashingFailed)??)
}

/// A key that will be stored if nobody else has stored one first.
struct NewKey {
    material: KeyMaterial,
    is_well_known: bool,
}

/// A new key for each algorithm that the issuer needs and has none for.
async fn new_keys(
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
async fn apply_keys(
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
    let kid = SigningKey::new(&new.material, dialect)?
        .kid()
        .to_owned();
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

async fn apply_apis(
    core: &Core,
    tx: &mut Tx,
    issuer: IssuerId,
    declared: &[ApiDeclaration],
    now: Timestamp,
) -> Result<Vec<Api>, ApplyError> {
    let mut apis = Vec::new();
    for (position, api) in (0..).zip(declared) {
        let audience = api.audience.get_ref();
        let scopes = api.scopes.iter().map(|scope| {
            let scope = scope.get_ref();
            ApiScope {
                name: scope.name().to_owned(),
                description: scope.description().to_owned(),
                users_only: scope.users_only(),
                translations: BTreeMap::new(),
                needs_role: false,
            }
        });
        let mut api = Api {
            id: core.entropy.uuid_at(now),
            audience: audience.clone(),
            name: api.name.clone().unwrap_or_else(|| audience.clone()),
            scopes: scopes.collect(),
            token_lifetime: api
                .token_lifetime
                .as_ref()
                .map(|seconds| Duration::from_secs(*seconds.get_ref())),
            token_format: api.token_format,
            signing_alg: api.signing_alg.as_ref().map(|alg| *alg.get_ref()),
        };
        api.id = tx.upsert_api(issuer, &api, position).await?;
        apis.push(api);
    }
    let ids: Vec<_> = apis.iter().map(|api| api.id).collect();
    tx.prune_apis(issuer, &ids).await?;
    Ok(apis)
}

async fn apply_clients(
    tx: &mut Tx,
    issuer: IssuerId,
    declared: &[ClientDeclaration],
    secrets: Vec<Option<SecretHash>>,
    apis: &[Api],
    now: Timestamp,
) -> Result<(), ApplyError> {
    for (client, secret_hash) in declared.iter().zip(secrets) {
        let client_id = client.client_id.get_ref();
        let client = Client {
            client_id: client_id.clone(),
            client_name: client
                .client_name
                .clone()
                .unwrap_or_else(|| client_id.clone()),
            kind: client.kind,
            secret_hash,
            token_endpoint_auth_method: client
                .token_endpoint_auth_method
                .as_ref()
                .map(|method| *method.get_ref()),
            grant_types: client.grant_types(),
            redirect_uris: client
                .redirect_uris
                .iter()
                .map(|uri| uri.get_ref().clone())
                .collect(),
            grants: client_grants(client, apis),
            metadata: ClientMetadata::default(),
        };
        tx.upsert_client(issuer, &client, now).await?;
    }
    let ids: Vec<&str> = declared
        .iter()
        .map(|client| client.client_id.get_ref().as_str())
        .collect();
    tx.prune_clients(issuer, &ids, now).await?;
    Ok(())
}

fn client_grants(client: &ClientDeclaration, apis: &[Api]) -> Vec<ClientGrant> {
    client
        .grants
        .iter()
        .filter_map(|grant| {
            let api = apis
                .iter()
                .find(|api| api.audience == *grant.audience.get_ref())?;
            let scope = match &grant.scopes {
                ScopesDeclaration::All => GrantedScope::All,
                ScopesDeclaration::Only(names) => {
                    let names = names.iter().map(|name| name.get_ref().as_str());
                    GrantedScope::Only(Scope::from_tokens(names).ok()?)
                }
            };
            Some(ClientGrant {
                api_id: api.id,
                scope,
            })
        })
        .collect()
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
