//! Makes the database say what the configuration declares: in one transaction, and doing it
//! twice changes nothing.

mod keys;
mod secrets;

use std::path::Path;
use std::time::Duration;

use super::Declared;
use super::declaration::{
    ApiDeclaration, ClientDeclaration, GrantDeclaration, RoleDeclaration, ScopesDeclaration,
    UserDeclaration,
};
use crate::account::{Role, RoleGrant, User, UserId};
use crate::clock::Timestamp;
use crate::issuer::{Api, ApiScope, Client, ClientGrant, GrantedScope, IssuerId};
use crate::keys::{CannotOpen, KeyMaterial, SecretKey, UnusableKey};
use crate::oauth::Core;
use crate::protocol::{Scope, SigningAlg};
use crate::secret::{HashingFailed, SecretHash};
use crate::store::{StoreError, Tx};

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
    #[error("{owner}: {message}")]
    Secret { owner: String, message: String },
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
        let hashes = secrets::hashes(core, issuer, stored, folder).await?;
        let keys = keys::new_keys(core, keyring, issuer, stored).await?;
        prepared.push((hashes, keys));
    }
    let mut tx = core.store.write().await?;
    let mut applied = Vec::new();
    for (issuer, (hashes, new_keys)) in declared.iter().zip(prepared) {
        let declaration = &issuer.declaration;
        let (name, dialect) = (declaration.name.get_ref(), declaration.dialect.get_ref());
        let id = tx.upsert_issuer(name, dialect, &core.entropy, now).await?;
        let keys = keys::apply_keys(core, keyring, &mut tx, id, issuer, new_keys).await?;
        let mut applying = Applying {
            core,
            tx: &mut tx,
            issuer: id,
            now,
        };
        let apis = applying.apis(&declaration.apis).await?;
        applying.roles(&declaration.roles, &apis).await?;
        applying
            .clients(&declaration.clients, hashes.clients, &apis)
            .await?;
        applying.users(&declaration.users, hashes.users).await?;
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

/// One issuer being applied. Each method creates or changes what is declared, and removes what
/// was declared once and is no longer.
struct Applying<'a> {
    core: &'a Core,
    tx: &'a mut Tx,
    issuer: IssuerId,
    now: Timestamp,
}

impl Applying<'_> {
    async fn apis(&mut self, declared: &[ApiDeclaration]) -> Result<Vec<Api>, ApplyError> {
        let mut apis = Vec::new();
        for (position, api) in (0..).zip(declared) {
            let audience = api.audience.get_ref();
            let scopes = api.scopes.iter().map(|scope| {
                let scope = scope.get_ref();
                ApiScope {
                    name: scope.name.clone(),
                    description: scope.description.text.clone(),
                    translations: scope.description.translations.clone(),
                    users_only: scope.users_only,
                    needs_role: scope.needs_role,
                }
            });
            let mut api = Api {
                id: self.core.entropy.uuid_at(self.now),
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
            api.id = self.tx.upsert_api(self.issuer, &api, position).await?;
            apis.push(api);
        }
        let ids: Vec<_> = apis.iter().map(|api| api.id).collect();
        self.tx.prune_apis(self.issuer, &ids).await?;
        Ok(apis)
    }

    async fn roles(
        &mut self,
        declared: &[RoleDeclaration],
        apis: &[Api],
    ) -> Result<(), ApplyError> {
        for (position, role) in (0..).zip(declared) {
            let grants = granted(&role.grants, apis);
            let role = Role {
                name: role.name.get_ref().clone(),
                description: role.description.clone(),
                grants: grants
                    .map(|(api, scope)| RoleGrant {
                        api_id: api.id,
                        scope,
                    })
                    .collect(),
            };
            self.tx.upsert_role(self.issuer, &role, position).await?;
        }
        let names: Vec<&str> = declared
            .iter()
            .map(|role| role.name.get_ref().as_str())
            .collect();
        self.tx.prune_roles(self.issuer, &names).await?;
        Ok(())
    }

    async fn clients(
        &mut self,
        declared: &[ClientDeclaration],
        secrets: Vec<Option<SecretHash>>,
        apis: &[Api],
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
                previous_secret: None,
                is_disabled: false,
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
                grants: granted(&client.grants, apis)
                    .map(|(api, scope)| ClientGrant {
                        api_id: api.id,
                        scope,
                    })
                    .collect(),
                metadata: client.metadata(),
            };
            self.tx
                .upsert_client(self.issuer, &client, self.now)
                .await?;
        }
        let ids: Vec<&str> = declared
            .iter()
            .map(|client| client.client_id.get_ref().as_str())
            .collect();
        self.tx.prune_clients(self.issuer, &ids, self.now).await?;
        Ok(())
    }

    async fn users(
        &mut self,
        declared: &[UserDeclaration],
        passwords: Vec<Option<SecretHash>>,
    ) -> Result<(), ApplyError> {
        let mut ids = Vec::new();
        for (user, password_hash) in declared.iter().zip(passwords) {
            let user = User {
                id: UserId(self.core.entropy.uuid_at(self.now)),
                username: user.username.get_ref().clone(),
                password_hash,
                claims: user.claims(),
                roles: user
                    .roles
                    .iter()
                    .map(|role| role.get_ref().clone())
                    .collect(),
                is_blocked: user.blocked,
                created_at: self.now,
                updated_at: self.now,
            };
            let id = self.tx.upsert_user(self.issuer, &user, self.now).await?;
            if user.is_blocked {
                // Whoever is locked out is out everywhere, not only at the next sign-in.
                self.tx
                    .end_other_sessions(self.issuer, id, None, self.now)
                    .await?;
                self.tx
                    .revoke_grants_of(self.issuer, id, None, self.now)
                    .await?;
            }
            ids.push(id);
        }
        self.tx.prune_users(self.issuer, &ids).await?;
        Ok(())
    }
}

/// Each grant's API and scope. The names have been checked.
fn granted<'a>(
    grants: &'a [GrantDeclaration],
    apis: &'a [Api],
) -> impl Iterator<Item = (&'a Api, GrantedScope)> {
    grants.iter().filter_map(|grant| {
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
        Some((api, scope))
    })
}
