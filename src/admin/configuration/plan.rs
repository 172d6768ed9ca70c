use std::sync::Arc;

use serde::Serialize;

use super::secrets::{self, Hashes};
use super::{
    ApplyError, Change, ChangeAction, ChangedKind, FieldChange, Folder, Loss, differences,
};
use crate::account::{Role, User, UserId};
use crate::admin::forms::All;
use crate::admin::forms::{
    ApiForm, ClientForm, GrantForm, RoleForm, ScopeForm, ScopesForm, UserForm,
};
use crate::admin::system::CONSOLE;
use crate::clock::Timestamp;
use crate::config::{
    ApiDeclaration, ClientDeclaration, Declared, GrantDeclaration, IssuerDeclaration, Origin,
    RoleDeclaration, ScopesDeclaration, UserDeclaration,
};
use crate::dialect::{self, Dialect};
use crate::issuer::{
    Api, BrandSettings, Client, ClientRecord, GrantedScope, IssuerId, IssuerSettings,
    SampleResource,
};
use crate::oauth::Core;
use crate::protocol::SigningAlg;
use crate::store::{Recorded, StoredIssuer, UserRecord};
use uuid::Uuid;

/// What applying a configuration would change, and how.
pub struct Plan {
    pub changes: Vec<Change>,
    /// What others lose by that.
    pub losses: Vec<Loss>,
    /// Issuers that a configuration declared once and this one does not. They stay.
    pub left: Vec<String>,
    pub(super) issuers: Vec<IssuerPlan>,
}

impl Plan {
    pub fn is_empty(&self) -> bool {
        self.changes.is_empty()
    }
}

/// One issuer's part.
pub(super) struct IssuerPlan {
    pub id: IssuerId,
    pub name: String,
    pub origin: Origin,
    /// As it was read, before everything else; `None` for one that is not there yet.
    pub generation: Option<i64>,
    pub dialect: Arc<Dialect>,
    pub missing_keys: Vec<SigningAlg>,
    pub steps: Vec<Step>,
    pub changes: Vec<Change>,
    pub losses: Vec<Loss>,
}

/// One change to the database. What exists is named with the revision that was read.
pub(super) enum Step {
    InsertIssuer(StoredIssuer),
    UpdateIssuer(StoredIssuer),
    InsertApi {
        api: Api,
        position: i64,
    },
    UpdateApi {
        api: Api,
        position: i64,
        is_declared: bool,
        revision: i64,
    },
    DeleteApi {
        id: Uuid,
        revision: i64,
    },
    InsertRole {
        role: Role,
        position: i64,
    },
    UpdateRole {
        role: Role,
        position: i64,
        is_declared: bool,
        revision: i64,
    },
    DeleteRole {
        name: String,
        revision: i64,
    },
    InsertClient(Box<Client>),
    UpdateClient(Box<ClientRecord>),
    DeleteClient {
        client_id: String,
        revision: i64,
    },
    InsertUser(User),
    UpdateUser {
        record: Box<UserRecord>,
        locks_out: bool,
    },
    DeleteUser {
        id: UserId,
        revision: i64,
    },
}

/// Compares what is declared with the database. `folder` is what files in the configuration are
/// relative to.
pub async fn plan(
    core: &Core,
    declared: &[Declared],
    folder: Folder<'_>,
) -> Result<Plan, ApplyError> {
    let stored = core.store.list_issuers().await?;
    let mut plan = Plan {
        changes: Vec::new(),
        losses: Vec::new(),
        left: Vec::new(),
        issuers: Vec::new(),
    };
    for issuer in declared {
        let name = issuer.declaration.name.get_ref();
        let known = stored.iter().find(|stored| stored.name == *name);
        let planned = Planning::of(core, issuer, known, folder).await?;
        plan.changes.extend(planned.changes.iter().cloned());
        plan.losses.extend(planned.losses.iter().cloned());
        plan.issuers.push(planned);
    }
    let is_declared = |name: &str| {
        declared
            .iter()
            .any(|issuer| issuer.declaration.name.get_ref() == name)
    };
    plan.left = stored
        .into_iter()
        .filter(|issuer| {
            // The console is Locum's own.
            issuer.is_declared && issuer.name != CONSOLE && !is_declared(&issuer.name)
        })
        .map(|issuer| issuer.name)
        .collect();
    Ok(plan)
}

/// An issuer being compared.
struct Planning<'a> {
    core: &'a Core,
    now: Timestamp,
    name: &'a str,
    id: IssuerId,
    /// Whether it is in the database already.
    exists: bool,
    steps: Vec<Step>,
    changes: Vec<Change>,
    losses: Vec<Loss>,
    /// What goes, when everything that might refer to it is done.
    deletions: Vec<Step>,
}

impl<'a> Planning<'a> {
    async fn of(
        core: &'a Core,
        issuer: &'a Declared,
        stored: Option<&StoredIssuer>,
        folder: Folder<'_>,
    ) -> Result<IssuerPlan, ApplyError> {
        let now = core.clock.now();
        let declaration = &issuer.declaration;
        let mut planning = Planning {
            core,
            now,
            name: declaration.name.get_ref(),
            id: stored.map_or_else(|| IssuerId(core.entropy.uuid_at(now)), |stored| stored.id),
            exists: stored.is_some(),
            steps: Vec::new(),
            changes: Vec::new(),
            losses: Vec::new(),
            deletions: Vec::new(),
        };
        let hashes = secrets::hashes(core, issuer, stored.map(|stored| stored.id), folder).await?;
        let settings = planning.issuer(issuer, stored, folder)?;
        let missing_keys = planning.keys(issuer, &settings).await?;
        let apis = planning.apis(&declaration.apis).await?;
        planning.roles(&declaration.roles, &apis).await?;
        planning
            .clients(&declaration.clients, &hashes, &apis)
            .await?;
        planning.users(&declaration.users, &hashes).await?;
        planning.steps.append(&mut planning.deletions);
        Ok(IssuerPlan {
            id: planning.id,
            name: planning.name.to_owned(),
            origin: issuer.origin,
            generation: stored.map(|stored| stored.generation),
            dialect: issuer.dialect.clone(),
            missing_keys,
            steps: planning.steps,
            changes: planning.changes,
            losses: planning.losses,
        })
    }

    fn change(
        &mut self,
        kind: ChangedKind,
        name: &str,
        action: ChangeAction,
        fields: Vec<FieldChange>,
    ) {
        self.changes.push(Change {
            issuer: self.name.to_owned(),
            kind,
            name: name.to_owned(),
            action,
            fields,
        });
    }

    fn issuer(
        &mut self,
        issuer: &Declared,
        stored: Option<&StoredIssuer>,
        folder: Folder<'_>,
    ) -> Result<IssuerSettings, ApplyError> {
        let declaration = &issuer.declaration;
        let dialect = declaration.dialect.get_ref();
        let is_built_in = dialect::BUILT_IN.iter().any(|(name, _)| name == dialect);
        let dialect_source = if is_built_in {
            None
        } else {
            Some(dialect::resolved(dialect, folder)?)
        };
        let desired = StoredIssuer {
            id: self.id,
            name: self.name.to_owned(),
            dialect: dialect.clone(),
            dialect_source,
            settings: settings(declaration, folder),
            is_declared: true,
            is_demo: issuer.origin == Origin::Demo,
            revision: stored.map_or(0, |stored| stored.revision),
            generation: stored.map_or(0, |stored| stored.generation),
        };
        let settings = desired.settings.clone();
        match stored {
            None => {
                self.change(
                    ChangedKind::Issuer,
                    self.name,
                    ChangeAction::Create,
                    Vec::new(),
                );
                self.steps.push(Step::InsertIssuer(desired));
            }
            Some(stored) if *stored != desired => {
                let fields = differences(&IssuerForm::of(stored), &IssuerForm::of(&desired));
                let action = action(stored.is_declared);
                self.change(ChangedKind::Issuer, self.name, action, fields);
                self.steps.push(Step::UpdateIssuer(desired));
            }
            Some(_) => {}
        }
        Ok(settings)
    }

    /// The algorithms the issuer signs with and has no key for.
    async fn keys(
        &mut self,
        issuer: &Declared,
        settings: &IssuerSettings,
    ) -> Result<Vec<SigningAlg>, ApplyError> {
        let stored = if self.exists {
            self.core.store.list_signing_keys(self.id).await?
        } else {
            Vec::new()
        };
        let missing: Vec<SigningAlg> = settings
            .algs(&issuer.dialect)
            .iter()
            .copied()
            .filter(|alg| !stored.iter().any(|key| key.alg == *alg))
            .collect();
        for alg in &missing {
            self.change(
                ChangedKind::Key,
                alg.as_str(),
                ChangeAction::Create,
                Vec::new(),
            );
        }
        Ok(missing)
    }

    async fn apis(&mut self, declared: &[ApiDeclaration]) -> Result<Vec<Api>, ApplyError> {
        let mut stored = if self.exists {
            self.core.store.list_api_records(self.id).await?
        } else {
            Vec::new()
        };
        let mut apis = Vec::new();
        let positions = positions(
            declared.iter().map(|api| api.audience.get_ref()),
            &stored,
            |api| &api.audience,
        );
        for (position, declared) in positions.into_iter().zip(declared) {
            let form = api_form(declared);
            let known = take(&mut stored, |api: &Api| api.audience == form.audience);
            let id = known.as_ref().map_or_else(
                || self.core.entropy.uuid_at(self.now),
                |known| known.value.id,
            );
            let api = form.to_api(id);
            match known {
                None => {
                    self.change(
                        ChangedKind::Api,
                        &api.audience,
                        ChangeAction::Create,
                        Vec::new(),
                    );
                    self.steps.push(Step::InsertApi {
                        api: api.clone(),
                        position,
                    });
                }
                Some(known) => {
                    let before = Placed::new(known.position, ApiForm::from(&known.value));
                    let after = Placed::new(position, ApiForm::from(&api));
                    self.scopes_that_end(&known.value, &api).await?;
                    if self.is_changed(ChangedKind::Api, &api.audience, &known, &before, &after) {
                        self.steps.push(Step::UpdateApi {
                            api: api.clone(),
                            position,
                            is_declared: true,
                            revision: known.revision,
                        });
                    }
                }
            }
            apis.push(api);
        }
        for gone in stored.into_iter().filter(|api| api.is_declared) {
            let audience = &gone.value.audience;
            if self.is_released(ChangedKind::Api, audience, gone.is_adopted) {
                self.steps.push(Step::UpdateApi {
                    api: gone.value,
                    position: gone.position,
                    is_declared: false,
                    revision: gone.revision,
                });
            } else {
                self.deletions.push(Step::DeleteApi {
                    id: gone.value.id,
                    revision: gone.revision,
                });
            }
        }
        Ok(apis)
    }

    /// Notes whom a scope that is declared no longer is taken from besides: clients and roles that
    /// somebody made otherwise.
    async fn scopes_that_end(&mut self, before: &Api, after: &Api) -> Result<(), ApplyError> {
        let gone: Vec<&str> = before
            .scopes
            .iter()
            .map(|scope| scope.name.as_str())
            .filter(|name| !after.has_scope(name))
            .collect();
        if gone.is_empty() {
            return Ok(());
        }
        let (api_id, store) = (before.id, &self.core.store);
        let lost = |api: Uuid, scope: &GrantedScope| -> Vec<String> {
            let GrantedScope::Only(scope) = scope else {
                return Vec::new();
            };
            let lost = gone
                .iter()
                .filter(|name| api == api_id && scope.contains(name));
            lost.map(|name| (*name).to_owned()).collect()
        };
        let clients = store.list_all_clients(self.id).await?;
        let clients = clients
            .iter()
            .filter(|record| !record.is_declared)
            .map(|record| {
                let grants = record.client.grants.iter();
                let lost = grants.flat_map(|grant| lost(grant.api_id, &grant.scope));
                ("client", &record.client.client_id, lost.collect::<Vec<_>>())
            });
        let roles = store.list_role_records(self.id).await?;
        let roles = roles.iter().filter(|role| !role.is_declared).map(|role| {
            let grants = role.value.grants.iter();
            let lost = grants.flat_map(|grant| lost(grant.api_id, &grant.scope));
            ("role", &role.value.name, lost.collect::<Vec<_>>())
        });
        let losses = clients.chain(roles).filter(|(_, _, lost)| !lost.is_empty());
        self.losses.extend(losses.map(|(kind, holder, lost)| Loss {
            issuer: self.name.to_owned(),
            kind,
            name: holder.clone(),
            scopes: lost,
        }));
        Ok(())
    }

    async fn roles(
        &mut self,
        declared: &[RoleDeclaration],
        apis: &[Api],
    ) -> Result<(), ApplyError> {
        let (mut stored, stored_apis) = if self.exists {
            let store = &self.core.store;
            (
                store.list_role_records(self.id).await?,
                store.list_apis(self.id).await?,
            )
        } else {
            (Vec::new(), Vec::new())
        };
        let positions = positions(
            declared.iter().map(|role| role.name.get_ref()),
            &stored,
            |role| &role.name,
        );
        for (position, declared) in positions.into_iter().zip(declared) {
            let role = RoleForm {
                name: declared.name.get_ref().clone(),
                description: value(&declared.description).unwrap_or_default(),
                grants: declared.grants.iter().map(grant_form).collect(),
            }
            .to_role(apis);
            let known = take(&mut stored, |known: &Role| known.name == role.name);
            match known {
                None => {
                    self.change(
                        ChangedKind::Role,
                        &role.name,
                        ChangeAction::Create,
                        Vec::new(),
                    );
                    self.steps.push(Step::InsertRole { role, position });
                }
                Some(known) => {
                    let before =
                        Placed::new(known.position, RoleForm::of(&known.value, &stored_apis));
                    let after = Placed::new(position, RoleForm::of(&role, apis));
                    if self.is_changed(ChangedKind::Role, &role.name, &known, &before, &after) {
                        self.steps.push(Step::UpdateRole {
                            role,
                            position,
                            is_declared: true,
                            revision: known.revision,
                        });
                    }
                }
            }
        }
        for gone in stored.into_iter().filter(|role| role.is_declared) {
            if self.is_released(ChangedKind::Role, &gone.value.name, gone.is_adopted) {
                self.steps.push(Step::UpdateRole {
                    role: gone.value,
                    position: gone.position,
                    is_declared: false,
                    revision: gone.revision,
                });
            } else {
                self.deletions.push(Step::DeleteRole {
                    name: gone.value.name,
                    revision: gone.revision,
                });
            }
        }
        Ok(())
    }

    /// Notes what becomes of something that is declared no longer: what somebody had made before is
    /// let go, what a configuration made is deleted (`false`).
    fn is_released(&mut self, kind: ChangedKind, name: &str, is_adopted: bool) -> bool {
        let action = if is_adopted {
            ChangeAction::Release
        } else {
            ChangeAction::Delete
        };
        self.change(kind, name, action, Vec::new());
        is_adopted
    }

    /// Notes the change of something that exists; `false` when there is none.
    fn is_changed<T>(
        &mut self,
        kind: ChangedKind,
        name: &str,
        known: &Recorded<T>,
        before: &impl Serialize,
        after: &impl Serialize,
    ) -> bool {
        let fields = differences(before, after);
        if known.is_declared && fields.is_empty() {
            return false;
        }
        self.change(kind, name, action(known.is_declared), fields);
        true
    }

    async fn clients(
        &mut self,
        declared: &[ClientDeclaration],
        hashes: &Hashes,
        apis: &[Api],
    ) -> Result<(), ApplyError> {
        let store = &self.core.store;
        let stored_apis = if self.exists {
            store.list_apis(self.id).await?
        } else {
            Vec::new()
        };
        for (declared, secret_hash) in declared.iter().zip(&hashes.clients) {
            let mut client = client_form(declared).to_client(apis);
            client.secret_hash.clone_from(secret_hash);
            client.is_disabled = declared.disabled.unwrap_or(false);
            let client_id = client.client_id.clone();
            let known = if self.exists {
                store.find_client_record(self.id, &client_id).await?
            } else {
                None
            };
            let Some(known) = known else {
                self.change(
                    ChangedKind::Client,
                    &client_id,
                    ChangeAction::Create,
                    Vec::new(),
                );
                self.steps.push(Step::InsertClient(Box::new(client)));
                continue;
            };
            let mut fields = differences(
                &ClientForm::of(&known.client, &stored_apis),
                &ClientForm::of(&client, apis),
            );
            if known.client.secret_hash == client.secret_hash {
                client
                    .previous_secret
                    .clone_from(&known.client.previous_secret);
            } else {
                fields.push(of_secret("client_secret"));
            }
            if declared.disabled.is_none() {
                client.is_disabled = known.client.is_disabled;
            } else if known.client.is_disabled != client.is_disabled {
                fields.push(FieldChange {
                    field: "disabled".to_owned(),
                    before: known.client.is_disabled.into(),
                    after: client.is_disabled.into(),
                });
            }
            if known.is_declared && fields.is_empty() {
                continue;
            }
            self.change(
                ChangedKind::Client,
                &client_id,
                action(known.is_declared),
                fields,
            );
            self.steps.push(Step::UpdateClient(Box::new(ClientRecord {
                client,
                is_declared: true,
                ..known
            })));
        }
        if self.exists {
            for client_id in store.list_declared_clients(self.id).await? {
                let is_kept = declared
                    .iter()
                    .any(|declared| *declared.client_id.get_ref() == client_id);
                if is_kept {
                    continue;
                }
                let Some(gone) = store.find_client_record(self.id, &client_id).await? else {
                    continue;
                };
                if self.is_released(ChangedKind::Client, &client_id, gone.is_adopted) {
                    self.steps.push(Step::UpdateClient(Box::new(ClientRecord {
                        is_declared: false,
                        ..gone
                    })));
                } else {
                    self.deletions.push(Step::DeleteClient {
                        client_id,
                        revision: gone.revision,
                    });
                }
            }
        }
        Ok(())
    }

    async fn users(
        &mut self,
        declared: &[UserDeclaration],
        hashes: &Hashes,
    ) -> Result<(), ApplyError> {
        let store = &self.core.store;
        let mut canonical_names = Vec::new();
        for (declared, password_hash) in declared.iter().zip(&hashes.users) {
            let username = declared.username.get_ref();
            let canonical = User::canonical_username(username);
            let known = if self.exists {
                store.find_user_record(self.id, &canonical).await?
            } else {
                None
            };
            canonical_names.push(canonical);
            let mut user = User {
                id: UserId(self.core.entropy.uuid_at(self.now)),
                username: username.clone(),
                password_hash: password_hash.clone(),
                claims: declared.claims(),
                roles: declared
                    .roles
                    .iter()
                    .map(|role| role.get_ref().clone())
                    .collect(),
                is_blocked: declared.blocked.unwrap_or(false),
                created_at: self.now,
                updated_at: self.now,
            };
            let Some(known) = known else {
                self.change(
                    ChangedKind::User,
                    username,
                    ChangeAction::Create,
                    Vec::new(),
                );
                self.steps.push(Step::InsertUser(user));
                continue;
            };
            // What the person, or an administrator, decided is not the file's to change.
            user.id = known.user.id;
            user.created_at = known.user.created_at;
            if known.claims_are_own {
                user.claims = known.user.claims.clone();
            }
            if known.password_is_own || declared.has_no_password {
                user.password_hash.clone_from(&known.user.password_hash);
            }
            if declared.blocked.is_none() {
                user.is_blocked = known.user.is_blocked;
            }
            let mut fields = differences(&sorted(&known.user), &sorted(&user));
            if known.user.password_hash != user.password_hash {
                fields.push(of_secret("password"));
            }
            if known.is_declared && fields.is_empty() {
                continue;
            }
            self.change(
                ChangedKind::User,
                username,
                action(known.is_declared),
                fields,
            );
            self.steps.push(Step::UpdateUser {
                locks_out: user.is_blocked && !known.user.is_blocked,
                record: Box::new(UserRecord {
                    user,
                    is_declared: true,
                    ..known
                }),
            });
        }
        if self.exists {
            for canonical in store.list_declared_users(self.id).await? {
                if canonical_names.contains(&canonical) {
                    continue;
                }
                let Some(gone) = store.find_user_record(self.id, &canonical).await? else {
                    continue;
                };
                if self.is_released(ChangedKind::User, &gone.user.username, gone.is_adopted) {
                    self.steps.push(Step::UpdateUser {
                        locks_out: false,
                        record: Box::new(UserRecord {
                            is_declared: false,
                            ..gone
                        }),
                    });
                } else {
                    self.deletions.push(Step::DeleteUser {
                        id: gone.user.id,
                        revision: gone.revision,
                    });
                }
            }
        }
        Ok(())
    }
}

/// What a plan compares of an issuer.
#[derive(Serialize)]
struct IssuerForm<'a> {
    dialect: &'a str,
    dialect_source: &'a Option<String>,
    #[serde(flatten)]
    settings: &'a IssuerSettings,
}

impl<'a> IssuerForm<'a> {
    fn of(issuer: &'a StoredIssuer) -> Self {
        Self {
            dialect: &issuer.dialect,
            dialect_source: &issuer.dialect_source,
            settings: &issuer.settings,
        }
    }
}

/// A form, and its place among others of its kind.
#[derive(Serialize)]
struct Placed<T> {
    order: i64,
    #[serde(flatten)]
    form: T,
}

impl<T> Placed<T> {
    fn new(order: i64, form: T) -> Self {
        Self { order, form }
    }
}

fn action(is_declared: bool) -> ChangeAction {
    if is_declared {
        ChangeAction::Update
    } else {
        ChangeAction::Adopt
    }
}

/// A secret's change says nothing of the secret.
fn of_secret(field: &str) -> FieldChange {
    FieldChange {
        field: field.to_owned(),
        before: "(a secret)".into(),
        after: "(another secret)".into(),
    }
}

fn sorted(user: &User) -> UserForm {
    let mut form = UserForm::from(user);
    form.roles.sort_unstable();
    form
}

/// Where each of what is declared stands among its kind: where it stands already, if that is the
/// order in which it is declared, whatever is between. `stored` is in order.
fn positions<'a, T>(
    declared: impl Iterator<Item = &'a String>,
    stored: &[Recorded<T>],
    name: impl Fn(&T) -> &String,
) -> Vec<i64> {
    let known: Vec<Option<usize>> = declared
        .map(|wanted| stored.iter().position(|known| name(&known.value) == wanted))
        .collect();
    let (old, new) = known.split_at(known.iter().take_while(|known| known.is_some()).count());
    let is_in_order = old.is_sorted() && new.iter().all(Option::is_none);
    if !is_in_order {
        return (0..).zip(&known).map(|(position, _)| position).collect();
    }
    let mut positions: Vec<i64> = old
        .iter()
        .filter_map(|index| Some(stored.get((*index)?)?.position))
        .collect();
    let next = positions.last().map_or(0, |last| last + 1);
    positions.extend((next..).zip(new).map(|(position, _)| position));
    positions
}

/// Takes the one that fits out of what is there.
fn take<T>(stored: &mut Vec<Recorded<T>>, fits: impl Fn(&T) -> bool) -> Option<Recorded<T>> {
    let at = stored.iter().position(|known| fits(&known.value))?;
    Some(stored.remove(at))
}

fn value(declared: &Option<toml::Spanned<String>>) -> Option<String> {
    declared.as_ref().map(|value| value.get_ref().clone())
}

fn api_form(declared: &ApiDeclaration) -> ApiForm {
    ApiForm {
        audience: declared.audience.get_ref().clone(),
        name: value(&declared.name).unwrap_or_default(),
        scopes: declared
            .scopes
            .iter()
            .map(|scope| {
                let scope = scope.get_ref();
                ScopeForm {
                    name: scope.name.clone(),
                    description: scope.description.text.clone(),
                    translations: scope.description.translations.clone(),
                    users_only: scope.users_only,
                    needs_role: scope.needs_role,
                }
            })
            .collect(),
        token_lifetime: declared
            .token_lifetime
            .as_ref()
            .map(|seconds| *seconds.get_ref()),
        token_format: declared.token_format,
        signing_alg: declared.signing_alg.as_ref().map(|alg| *alg.get_ref()),
    }
}

fn grant_form(declared: &GrantDeclaration) -> GrantForm {
    GrantForm {
        audience: declared.audience.get_ref().clone(),
        scopes: match &declared.scopes {
            ScopesDeclaration::All => ScopesForm::All(All::All),
            ScopesDeclaration::Only(names) => {
                ScopesForm::Only(names.iter().map(|name| name.get_ref().clone()).collect())
            }
        },
    }
}

fn client_form(declared: &ClientDeclaration) -> ClientForm {
    ClientForm {
        client_id: declared.client_id.get_ref().clone(),
        client_name: value(&declared.client_name).unwrap_or_default(),
        kind: declared.kind,
        token_endpoint_auth_method: declared
            .token_endpoint_auth_method
            .as_ref()
            .map(|method| *method.get_ref()),
        grant_types: declared.grant_types.clone(),
        redirect_uris: declared
            .redirect_uris
            .iter()
            .map(|uri| uri.get_ref().clone())
            .collect(),
        grants: declared.grants.iter().map(grant_form).collect(),
        metadata: declared.metadata(),
    }
}

fn settings(declaration: &IssuerDeclaration, folder: Folder<'_>) -> IssuerSettings {
    let brand = &declaration.brand;
    IssuerSettings {
        host: value(&declaration.host),
        signing_algs: declaration
            .signing_algs
            .as_ref()
            .map(|algs| algs.get_ref().clone())
            .unwrap_or_default(),
        post_logout_redirect_uris: declaration
            .post_logout_redirect_uris
            .iter()
            .map(|uri| uri.get_ref().clone())
            .collect(),
        brand: BrandSettings {
            name: value(&brand.name),
            color: value(&brand.color),
            // Read and found good when the configuration was checked. If it has gone since, there
            // is none.
            logo: brand.read_logo(folder).ok().flatten(),
            help_uri: value(&brand.help_uri),
        },
        registration: declaration.registration,
        audit_retention_days: declaration
            .audit_retention_days
            .as_ref()
            .map(|days| *days.get_ref()),
        resources: declaration
            .resources
            .iter()
            .map(|resource| SampleResource {
                path: resource.path.get_ref().clone(),
                methods: resource
                    .methods
                    .iter()
                    .flat_map(|method| method.names())
                    .map(|method| (*method).to_owned())
                    .collect(),
                scope: resource.scope.get_ref().clone(),
                audience: resource.audience.clone(),
                unscoped_means_every_permission: resource.unscoped_means_every_permission,
                accepts_bare_token: resource.accepts_bare_token,
                token_headers: resource.token_headers.clone(),
                allow_headers: resource.allow_headers.clone(),
                content_type: resource.content_type.clone(),
                body: resource.body.clone(),
            })
            .collect(),
    }
}
