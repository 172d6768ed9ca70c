use std::path::Path;

use super::ApplyError;
use crate::account::User;
use crate::config::{Declared, Origin, SecretDeclaration};
use crate::issuer::IssuerId;
use crate::oauth::Core;
use crate::secret::{HashingFailed, HashingMemory, Secret, SecretHash};

/// What an issuer's declared secrets are stored as: one for each client, and for each user.
pub(super) struct Hashes {
    pub clients: Vec<Option<SecretHash>>,
    pub users: Vec<Option<SecretHash>>,
}

/// Hashes the secrets. A stored hash that still fits is kept, so that applying the same file again
/// changes nothing.
pub(super) async fn hashes(
    core: &Core,
    issuer: &Declared,
    stored_issuer: Option<IssuerId>,
    folder: &Path,
) -> Result<Hashes, ApplyError> {
    let mut clients = Vec::new();
    for client in &issuer.declaration.clients {
        let Some(declared) = &client.client_secret else {
            clients.push(client.client_secret_hash.clone());
            continue;
        };
        let client_id = client.client_id.get_ref();
        let secret = read(declared, folder, || format!("client {client_id}"))?;
        if issuer.origin == Origin::Demo {
            clients.push(Some(SecretHash::sha256(&secret)));
            continue;
        }
        let stored = match stored_issuer {
            Some(id) => core.store.find_client_uncached(id, client_id).await?,
            None => None,
        };
        let stored = stored.and_then(|client| client.secret_hash);
        clients.push(Some(hash(core, secret, stored).await?));
    }
    let mut users = Vec::new();
    for user in &issuer.declaration.users {
        let declared = match (&user.password_hash, &user.password) {
            (None, Some(declared)) => declared,
            (hash, _) => {
                users.push(hash.clone());
                continue;
            }
        };
        let username = user.username.get_ref();
        let password = read(declared, folder, || format!("user {username}"))?;
        let password = Secret::typed(password.expose());
        let stored = match stored_issuer {
            Some(id) => {
                let canonical = User::canonical_username(username);
                core.store.find_user(id, &canonical).await?
            }
            None => None,
        };
        let stored = stored.and_then(|user| user.password_hash);
        users.push(Some(hash(core, password, stored).await?));
    }
    Ok(Hashes { clients, users })
}

fn read(
    secret: &SecretDeclaration,
    folder: &Path,
    owner: impl Fn() -> String,
) -> Result<Secret, ApplyError> {
    secret.read(folder).map_err(|message| ApplyError::Secret {
        owner: owner(),
        message,
    })
}

async fn hash(
    core: &Core,
    secret: Secret,
    stored: Option<SecretHash>,
) -> Result<SecretHash, ApplyError> {
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
