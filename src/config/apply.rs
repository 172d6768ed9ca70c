//! Makes the database say what the configuration declares: in one transaction, and doing it
//! twice changes nothing.

use std::sync::Arc;
use std::time::Duration;

use super::declaration::{ApiDeclaration, ClientDeclaration, ScopesDeclaration};
use super::{Declared, Origin};
use crate::clock::Timestamp;
use crate::dialect::Dialect;
use crate::issuer::{Api, ApiScope, Client, ClientGrant, GrantedScope, IssuerId};
use crate::keys::{CannotOpen, KeyMaterial, SecretKey, SigningKey, UnusableKey};
use crate::oauth::Core;
use crate::protocol::{Scope, SigningAlg};
use crate::secret::{HashingFailed, Secret, SecretHash};
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
    folder: &std::path::Path,
) -> Result<Vec<Applied>, ApplyError> {
    let now = core.clock.now();
    // Hashing a secret takes long, so it happens before the transaction holds anything up.
    let mut secrets = Vec::new();
    for issuer in declared {
        secrets.push(secret_hashes(core, issuer, folder).await?);
    }
    let mut tx = core.store.write().await?;
    let mut applied = Vec::new();
    for (issuer, secrets) in declared.iter().zip(secrets) {
        let name = issuer.declaration.name.get_ref();
        let dialect = issuer.declaration.dialect.get_ref();
        let id = tx.upsert_issuer(name, dialect, &core.entropy, now).await?;
        let keys = apply_keys(core, keyring, &mut tx, id, issuer, now).await?;
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
    folder: &std::path::Path,
) -> Result<Vec<Option<SecretHash>>, ApplyError> {
    let mut hashes = Vec::new();
    let stored_issuer = core
        .store
        .find_issuer(issuer.declaration.name.get_ref())
        .await?;
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
        Some(stored @ SecretHash::Argon2id(_)) if stored.matches(&secret) => Ok(stored),
        _ => SecretHash::argon2id(&secret, &entropy),
    });
    Ok(hashing.await.map_err(|_| HashingFailed)??)
}

/// The issuer's keys: the newest for each algorithm it needs, in that order, then whatever else
/// it has, which may still verify tokens. Missing ones are made.
async fn apply_keys(
    core: &Core,
    keyring: &Keyring,
    tx: &mut Tx,
    issuer: IssuerId,
    declared: &Declared,
    now: Timestamp,
) -> Result<Vec<KeyMaterial>, ApplyError> {
    let mut stored = tx.list_signing_keys(issuer).await?;
    let mut keys = Vec::new();
    for alg in declared.signing_algs() {
        match stored.iter().rposition(|key| key.alg == *alg) {
            Some(newest) => keys.push(open(keyring, issuer, stored.remove(newest))?),
            None => keys.push(make_key(core, keyring, tx, issuer, declared, *alg, now).await?),
        }
    }
    for other in stored {
        keys.push(open(keyring, issuer, other)?);
    }
    Ok(keys)
}

fn open(keyring: &Keyring, issuer: IssuerId, key: StoredKey) -> Result<KeyMaterial, CannotOpen> {
    let context = context(issuer, &key.kid);
    Ok(KeyMaterial {
        alg: key.alg,
        private_key: keyring.secret_key.open(&key.sealed_private_key, &context)?,
        certificate: key.certificate,
    })
}

async fn make_key(
    core: &Core,
    keyring: &Keyring,
    tx: &mut Tx,
    issuer: IssuerId,
    declared: &Declared,
    alg: SigningAlg,
    now: Timestamp,
) -> Result<KeyMaterial, ApplyError> {
    let name = declared.declaration.name.get_ref();
    let well_known = match declared.origin {
        Origin::Demo => (keyring.well_known)(name, alg),
        Origin::File => None,
    };
    let is_well_known = well_known.is_some();
    let key = match well_known {
        Some(key) => key,
        None => KeyMaterial::generate(alg, name)?,
    };
    let kid = kid(&key, &declared.dialect)?;
    let sealed =
        keyring
            .secret_key
            .seal(&key.private_key, &context(issuer, &kid), &core.entropy)?;
    let row = StoredKey {
        kid,
        alg,
        sealed_private_key: sealed,
        certificate: key.certificate.clone(),
        well_known: is_well_known,
    };
    tx.insert_signing_key(issuer, &row, now).await?;
    Ok(key)
}

fn kid(key: &KeyMaterial, dialect: &Arc<Dialect>) -> Result<String, UnusableKey> {
    Ok(SigningKey::new(key, &dialect.access_token.header)?
        .kid()
        .to_owned())
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
    for api in declared {
        let audience = api.audience.get_ref();
        let scopes = api.scopes.iter().map(|scope| {
            let scope = scope.get_ref();
            ApiScope {
                name: scope.name().to_owned(),
                description: scope.description().to_owned(),
                users_only: scope.users_only(),
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
        api.id = tx.upsert_api(issuer, &api).await?;
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
        };
        tx.upsert_client(issuer, &client, now).await?;
    }
    let ids: Vec<&str> = declared
        .iter()
        .map(|client| client.client_id.get_ref().as_str())
        .collect();
    tx.prune_clients(issuer, &ids).await?;
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
