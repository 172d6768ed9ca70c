//! Users, and, at the console, administrators.

use std::time::Duration;

use super::configuration::changed_fields;
use super::forms::UserForm;
use super::rights::{AdminRole, Permission};
use super::system::CONSOLE;
use super::{Admin, AdminFault, AtIssuer, EndedSession, Problem, Result, rules};
use crate::account::{SignIn, User, UserClaims, UserId};
use crate::audit::{Action, Actor, ActorKind, Chain, Event, Target, TargetKind};
use crate::clock::Timestamp;
use crate::oauth::Core;
use crate::secret::Secret;
use crate::store::{StoreError, Tx, UserQuery, UserRecord};

const WHAT: &str = "user";

/// How long somebody has to follow a link and choose a password.
pub const LINK_LIFETIME: Duration = Duration::from_secs(7 * 24 * 3600);

/// Somebody who has just been added.
pub struct CreatedUser {
    pub record: UserRecord,
    /// What opens the page where they choose a password: see [`AtIssuer::make_password_link`].
    pub link_token: Option<Secret>,
}

impl AtIssuer<'_> {
    /// Users by username.
    pub async fn list_users(&self, query: &UserQuery<'_>) -> Result<Vec<UserRecord>> {
        self.require(Permission::ReadUsers)?;
        Ok(self.core().store.list_users(self.id(), query).await?)
    }

    pub async fn get_user(&self, id: UserId) -> Result<UserRecord> {
        self.require(Permission::ReadUsers)?;
        self.user(id).await
    }

    pub async fn find_user(&self, username: &str) -> Result<UserRecord> {
        self.require(Permission::ReadUsers)?;
        let canonical = User::canonical_username(username);
        let store = &self.core().store;
        store
            .find_user_record(self.id(), &canonical)
            .await?
            .ok_or_else(|| AdminFault::not_found(WHAT, username))
    }

    /// The user's latest attempts to sign in, the newest first.
    pub async fn list_sign_ins(&self, id: UserId, limit: i64) -> Result<Vec<SignIn>> {
        self.require(Permission::ReadUsers)?;
        Ok(self
            .core()
            .store
            .list_sign_ins(self.id(), id, limit)
            .await?)
    }

    pub async fn find_last_sign_in(&self, id: UserId) -> Result<Option<Timestamp>> {
        self.require(Permission::ReadUsers)?;
        let store = &self.core().store;
        Ok(store.find_last_sign_in(self.id(), id).await?)
    }

    /// Adds somebody: with a password that an administrator knows, or with a link to choose one.
    pub async fn create_user(
        &self,
        form: &UserForm,
        password: Option<&Secret>,
    ) -> Result<CreatedUser> {
        self.require(Permission::WriteUsers)?;
        AdminFault::unless(self.problems_of(form).await?)?;
        let core = self.core();
        let now = self.admin.now();
        let password_hash = match password {
            None => None,
            Some(password) => {
                check_password(&form.username, password)?;
                Some(core.secrets.hash_password(password, &core.entropy).await?)
            }
        };
        let link_token = password_hash
            .is_none()
            .then(|| Secret::generate(&core.entropy));
        let user = User {
            id: UserId(core.entropy.uuid_at(now)),
            username: form.username.clone(),
            password_hash,
            claims: UserClaims(form.claims.clone()),
            roles: form.roles.clone(),
            is_blocked: form.blocked,
            created_at: now,
            updated_at: now,
        };
        let mut tx = core.store.write().await?;
        if !tx.insert_user(self.id(), &user, false).await? {
            return Err(AdminFault::exists(WHAT, &user.username));
        }
        if let Some(token) = &link_token {
            let expires_at = now + LINK_LIFETIME;
            tx.insert_link(self.id(), &token.digest(), Some(user.id), now, expires_at)
                .await?;
        }
        let event =
            Event::new(Action::UserCreated, target(&user)).with("roles", user.roles.clone());
        self.finish(tx, event).await?;
        Ok(CreatedUser {
            record: self.user(user.id).await?,
            link_token,
        })
    }

    /// Changes what the form says of a user. Whoever is blocked by it is signed out everywhere.
    ///
    /// # Errors
    /// `LastOwner` when nobody would be left to administer.
    pub async fn update_user(
        &self,
        id: UserId,
        revision: i64,
        form: &UserForm,
    ) -> Result<UserRecord> {
        self.require(Permission::WriteUsers)?;
        let known = self.user(id).await?;
        let before = UserForm::from(&known.user);
        let mut problems = self.problems_of(form).await?;
        problems.retain(|problem| rules::is_of_change(problem, &before, form));
        AdminFault::unless(problems)?;
        let mut record = known.clone();
        record.revision = revision;
        record.user.username.clone_from(&form.username);
        record.user.claims = UserClaims(form.claims.clone());
        record.user.roles.clone_from(&form.roles);
        record.user.is_blocked = form.blocked;
        // From now on it is the administrator's word that counts, not the file's.
        record.claims_are_own |= known.user.claims != record.user.claims;
        let now = self.admin.now();
        let mut tx = self.core().store.write().await?;
        let owners = self.lock_owners(&mut tx).await?;
        tx.update_user(self.id(), &record, now)
            .await
            .map_err(|error| taken(error, &form.username))?
            .ok_or_else(|| AdminFault::changed(WHAT, &form.username))?;
        let is_locked_out = record.user.is_blocked && !known.user.is_blocked;
        let mut ended = Vec::new();
        if is_locked_out {
            ended = tx.end_other_sessions(self.id(), id, None, now).await?;
            tx.revoke_grants_of(self.id(), id, None, now).await?;
        }
        self.keep_an_owner(&mut tx, owners).await?;
        let event = changed_fields(
            Event::new(change(&known.user, &record.user), target(&record.user)),
            &UserForm::from(&known.user),
            &UserForm::from(&record.user),
        );
        self.finish(tx, event.with("roles", record.user.roles.clone()))
            .await?;
        self.admin.note_ended(self.id(), ended);
        self.user(id).await
    }

    /// Makes a link that lets somebody choose a password, once; older ones for them are worth
    /// nothing from now on. Returns its token; the page is `{issuer}/set-password?token=…`.
    pub async fn make_password_link(&self, id: UserId) -> Result<Secret> {
        self.require(Permission::WriteUsers)?;
        let user = self.user(id).await?.user;
        let (core, now) = (self.core(), self.admin.now());
        let token = Secret::generate(&core.entropy);
        let mut tx = core.store.write().await?;
        tx.insert_link(
            self.id(),
            &token.digest(),
            Some(id),
            now,
            now + LINK_LIFETIME,
        )
        .await?;
        let event = Event::new(Action::PasswordLinkMade, target(&user));
        self.finish(tx, event).await?;
        Ok(token)
    }

    /// Sets a password that an administrator knows. The user is signed out everywhere.
    pub async fn set_user_password(&self, id: UserId, password: &Secret) -> Result<()> {
        self.require(Permission::WriteUsers)?;
        let user = self.user(id).await?.user;
        check_password(&user.username, password)?;
        let core = self.core();
        let hash = core.secrets.hash_password(password, &core.entropy).await?;
        let now = self.admin.now();
        let mut tx = core.store.write().await?;
        // In the order in which a link's use takes them, so that neither waits for the other.
        tx.forget_links(self.id(), Some(id)).await?;
        if !tx.set_password(self.id(), id, &hash, now).await? {
            return Err(AdminFault::not_found(WHAT, user.username));
        }
        let ended = tx.end_other_sessions(self.id(), id, None, now).await?;
        tx.revoke_grants_of(self.id(), id, None, now).await?;
        let event = Event::new(Action::PasswordSet, target(&user));
        self.finish(tx, event).await?;
        self.admin.note_ended(self.id(), ended);
        Ok(())
    }

    /// Deletes a user with everything that came of their signing in.
    ///
    /// # Errors
    /// `LastOwner` when nobody would be left to administer.
    pub async fn delete_user(&self, id: UserId, revision: i64) -> Result<()> {
        self.require(Permission::WriteUsers)?;
        let user = self.user(id).await?.user;
        let (store, now) = (&self.core().store, self.admin.now());
        // Which clients took part in a session is gone with it.
        let mut ended = Vec::new();
        for session in store.list_sessions(self.id(), id, now).await? {
            let clients = store.list_clients_of_session(self.id(), session.id).await?;
            ended.push(EndedSession {
                issuer: self.id(),
                session: session.id,
                clients: Some(clients),
            });
        }
        let mut tx = store.write().await?;
        let owners = self.lock_owners(&mut tx).await?;
        if !tx.delete_user(self.id(), id, revision).await? {
            return Err(AdminFault::changed(WHAT, user.username));
        }
        self.keep_an_owner(&mut tx, owners).await?;
        let event = Event::new(Action::UserDeleted, target(&user));
        self.finish(tx, event).await?;
        self.admin.note(ended);
        Ok(())
    }

    /// Somebody of whom it has been checked what may be done with them.
    pub async fn current_user(&self, id: UserId) -> Result<UserRecord> {
        self.user(id).await
    }

    async fn user(&self, id: UserId) -> Result<UserRecord> {
        let store = &self.core().store;
        store
            .get_user_record(self.id(), id)
            .await?
            .ok_or_else(|| AdminFault::not_found(WHAT, id.0.to_string()))
    }

    async fn problems_of(&self, form: &UserForm) -> Result<Vec<Problem>> {
        let roles = self.core().store.list_roles(self.id()).await?;
        let names: Vec<&str> = roles.iter().map(|role| role.name.as_str()).collect();
        Ok(rules::user(form, &names))
    }

    /// How many owners the console has who can sign in; nobody changes that until the transaction
    /// ends. Two owners who remove each other at the same moment would both see that one is left;
    /// so one waits for the other.
    async fn lock_owners(&self, tx: &mut Tx) -> Result<i64> {
        if self.issuer.name != CONSOLE {
            return Ok(0);
        }
        tx.lock_issuer(self.id()).await?;
        self.count_owners(tx).await
    }

    /// Where there has been none yet, there need not be one now.
    async fn keep_an_owner(&self, tx: &mut Tx, before: i64) -> Result<()> {
        if before > 0 && self.count_owners(tx).await? == 0 {
            return Err(AdminFault::LastOwner);
        }
        Ok(())
    }

    async fn count_owners(&self, tx: &mut Tx) -> Result<i64> {
        let owner = AdminRole::Owner.as_str();
        Ok(tx.count_able_users_of_role(self.id(), owner).await?)
    }
}

impl Admin<'_> {
    /// A link that makes the first owner; `None` when there is one who can sign in. Older ones are
    /// worth nothing from now on. Its page is `/console/set-up?token=…`.
    pub async fn make_set_up_link(&self) -> Result<Option<Secret>> {
        let console = self.at(CONSOLE).await?;
        console.require(Permission::WriteUsers)?;
        let (core, now) = (self.core, self.now());
        let mut tx = core.store.write().await?;
        let owner = AdminRole::Owner.as_str();
        if tx.count_able_users_of_role(console.id(), owner).await? > 0 {
            return Ok(None);
        }
        let token = Secret::generate(&core.entropy);
        let expires_at = now + LINK_LIFETIME;
        tx.insert_link(console.id(), &token.digest(), None, now, expires_at)
            .await?;
        let target = Target::new(TargetKind::User, "", owner);
        let event = Event::new(Action::PasswordLinkMade, target).with("for", "set-up");
        console.finish(tx, event).await?;
        Ok(Some(token))
    }
}

/// Makes the first owner, for whoever has the link of [`Admin::make_set_up_link`].
///
/// # Errors
/// `NotFound` when the link is not good, or no longer; `Invalid` for the rest.
pub async fn set_up(
    core: &Core,
    token: &Secret,
    form: &UserForm,
    password: &Secret,
    actor: &Actor,
) -> Result<User> {
    let expired = || AdminFault::not_found("link", "that is still good");
    let console = core.store.find_issuer(CONSOLE).await?.ok_or_else(expired)?;
    let now = core.clock.now();
    let found = core
        .store
        .find_link(console.id, &token.digest(), now)
        .await?;
    if found != Some(None) {
        return Err(expired());
    }
    let mut problems = rules::user(form, &[]);
    if let Err(AdminFault::Invalid(more)) = check_password(&form.username, password) {
        problems.extend(more);
    }
    AdminFault::unless(problems)?;
    let password_hash = core.secrets.hash_password(password, &core.entropy).await?;
    let user = User {
        id: UserId(core.entropy.uuid_at(now)),
        username: form.username.clone(),
        password_hash: Some(password_hash),
        claims: UserClaims(form.claims.clone()),
        roles: vec![AdminRole::Owner.as_str().to_owned()],
        is_blocked: false,
        created_at: now,
        updated_at: now,
    };
    let mut tx = core.store.write().await?;
    // The link is for the first owner. One who came another way has closed it.
    tx.lock_issuer(console.id).await?;
    let owner = AdminRole::Owner.as_str();
    if tx.count_able_users_of_role(console.id, owner).await? > 0
        || tx.spend_link(console.id, &token.digest(), now).await? != Some(None)
    {
        return Err(expired());
    }
    if !tx.insert_user(console.id, &user, false).await? {
        return Err(AdminFault::exists(WHAT, &user.username));
    }
    let actor = Actor {
        kind: ActorKind::Administrator,
        id: user.id.0.to_string(),
        name: user.username.clone(),
        ..actor.clone()
    };
    let event = Event::new(Action::SetUp, target(&user));
    let chain = Chain::from(console.id);
    tx.append_audit(&core.audit, chain, now, &actor, event)
        .await?;
    tx.commit().await?;
    Ok(user)
}

fn check_password(username: &str, password: &Secret) -> Result<()> {
    use crate::signin::password::{PasswordFault, SHORTEST_PASSWORD, check_new_password};
    let message = match check_new_password(username, &Secret::new(""), password) {
        Ok(()) => return Ok(()),
        Err(PasswordFault::TooShort) => {
            format!("is shorter than {SHORTEST_PASSWORD} characters")
        }
        Err(PasswordFault::TooLong) => "is too long".to_owned(),
        Err(PasswordFault::TooEasy) => {
            "is one that is tried first; a few words in a row are good".to_owned()
        }
    };
    Err(AdminFault::Invalid(vec![Problem::new("password", message)]))
}

fn taken(error: StoreError, username: &str) -> AdminFault {
    if error.is_taken() {
        AdminFault::exists(WHAT, username)
    } else {
        error.into()
    }
}

/// The most telling name for what has changed.
fn change(before: &User, after: &User) -> Action {
    if before.is_blocked != after.is_blocked {
        if after.is_blocked {
            Action::UserBlocked
        } else {
            Action::UserUnblocked
        }
    } else if before.roles != after.roles {
        Action::RolesChanged
    } else {
        Action::UserChanged
    }
}

fn target(user: &User) -> Target {
    Target::new(TargetKind::User, user.id.0.to_string(), &user.username)
}
