use std::time::Duration;

use serde_json::Value as Json;

use super::plan::{IssuerPlan, Step};
use super::{ApplyError, Change, ChangeAction, ChangedKind, Folder, Plan, plan};
use crate::admin::signing_keys;
use crate::admin::system::CONSOLE;
use crate::audit::{Action, Actor, Event, Target, TargetKind};
use crate::clock::Timestamp;
use crate::config::{Declared, Origin};
use crate::issuer::{IssuerId, RegisteredBy};
use crate::keys::{KeyMaterial, Keyring};
use crate::oauth::Core;
use crate::store::Tx;

/// How often a plan is made again, because somebody changed what it was made of.
const TRIES: u32 = 20;
/// More of it before each try.
const PAUSE: Duration = Duration::from_millis(5);

/// Makes the database say what is declared, in one transaction, and returns what that changed.
/// Doing it twice changes nothing the second time.
pub async fn apply(
    core: &Core,
    keyring: &Keyring,
    declared: &[Declared],
    folder: Folder<'_>,
    actor: &Actor,
) -> Result<Plan, ApplyError> {
    for tried in 0..TRIES {
        tokio::time::sleep(PAUSE * tried).await;
        let plan = plan(core, declared, folder).await?;
        if plan.is_empty() {
            return Ok(plan);
        }
        match realize(core, keyring, &plan, actor).await {
            Ok(true) => return Ok(plan),
            Ok(false) => {}
            // Of two that wait for each other the database ends one.
            Err(ApplyError::Store(error)) if error.is_deadlock() => {}
            Err(error) => return Err(error),
        }
    }
    Err(ApplyError::Contended)
}

/// `false`, and nothing done, when somebody has changed what the plan was made of.
async fn realize(
    core: &Core,
    keyring: &Keyring,
    plan: &Plan,
    actor: &Actor,
) -> Result<bool, ApplyError> {
    // Everybody locks issuers in the same order, so that nobody waits for somebody who waits.
    let mut issuers: Vec<&IssuerPlan> = plan.issuers.iter().collect();
    issuers.sort_by(|a, b| a.name.cmp(&b.name));
    // Making a key takes long, so it happens before the transaction holds anything up.
    let mut new_keys = Vec::new();
    for issuer in &issuers {
        new_keys.push(make_keys(issuer, keyring).await?);
    }
    let now = core.clock.now();
    let mut tx = core.store.write().await?;
    for issuer in &issuers {
        // A plan is read bit by bit: of a configuration that was applied meanwhile it may have
        // seen one half.
        if let Some(generation) = issuer.generation
            && !tx.hold_issuer(issuer.id, generation).await?
        {
            return Ok(false);
        }
    }
    for (issuer, keys) in issuers.iter().zip(&new_keys) {
        let mut applying = Applying {
            tx: &mut tx,
            issuer: issuer.id,
            now,
        };
        if !applying.all(&issuer.steps).await? {
            return Ok(false);
        }
        store_keys(core, keyring, &mut tx, issuer, keys, now).await?;
        if !issuer.changes.is_empty() {
            tx.touch_issuer(issuer.id).await?;
        }
    }
    // The chains last, in the order of their IDs: whoever holds one waits for nothing else.
    issuers.retain(|issuer| !issuer.changes.is_empty());
    issuers.sort_by_key(|issuer| issuer.id.0);
    for issuer in issuers {
        for event in events(issuer) {
            tx.append_audit(&core.audit, issuer.id.into(), now, actor, event)
                .await?;
        }
    }
    tx.commit().await?;
    core.store.forget();
    Ok(true)
}

/// A key that will be stored if nobody else has stored one first.
struct NewKey {
    material: KeyMaterial,
    is_well_known: bool,
}

async fn make_keys(issuer: &IssuerPlan, keyring: &Keyring) -> Result<Vec<NewKey>, ApplyError> {
    let mut keys = Vec::new();
    for alg in &issuer.missing_keys {
        let well_known = match issuer.origin {
            Origin::Demo => (keyring.well_known)(&issuer.name, *alg),
            Origin::File => None,
        };
        keys.push(NewKey {
            is_well_known: well_known.is_some(),
            material: match well_known {
                Some(key) => key,
                None => signing_keys::generate(*alg, &issuer.name).await?,
            },
        });
    }
    Ok(keys)
}

/// Stores the keys that are still missing. The issuer's row is locked meanwhile, so that of two
/// servers that start at once only one makes them.
async fn store_keys(
    core: &Core,
    keyring: &Keyring,
    tx: &mut Tx,
    issuer: &IssuerPlan,
    keys: &[NewKey],
    now: Timestamp,
) -> Result<(), ApplyError> {
    if keys.is_empty() {
        return Ok(());
    }
    tx.lock_issuer(issuer.id).await?;
    let stored = tx.list_signing_keys(issuer.id).await?;
    for new in keys {
        if stored.iter().any(|key| key.alg == new.material.alg) {
            continue;
        }
        let (entropy, dialect) = (&core.entropy, &issuer.dialect);
        let mut key = signing_keys::seal(keyring, entropy, issuer.id, dialect, &new.material, now)?;
        key.well_known = new.is_well_known;
        tx.insert_signing_key(issuer.id, &key).await?;
    }
    Ok(())
}

struct Applying<'a> {
    tx: &'a mut Tx,
    issuer: IssuerId,
    now: Timestamp,
}

impl Applying<'_> {
    /// `false` when somebody changed what a step was made of; then nothing may be committed.
    async fn all(&mut self, steps: &[Step]) -> Result<bool, ApplyError> {
        for step in steps {
            if !self.one(step).await? {
                return Ok(false);
            }
        }
        Ok(true)
    }

    async fn one(&mut self, step: &Step) -> Result<bool, ApplyError> {
        let (issuer, now) = (self.issuer, self.now);
        let tx = &mut *self.tx;
        Ok(match step {
            Step::InsertIssuer(issuer) => tx.insert_issuer(issuer, now).await?,
            Step::UpdateIssuer(issuer) => tx.update_issuer(issuer).await?.is_some(),
            Step::InsertApi { api, position } => {
                tx.insert_api(issuer, api, Some(*position), true).await?
            }
            Step::UpdateApi {
                api,
                position,
                is_declared,
                revision,
            } => tx
                .update_api(issuer, api, Some(*position), *is_declared, *revision)
                .await?
                .is_some(),
            Step::DeleteApi { id, revision } => tx.delete_api(issuer, *id, *revision).await?,
            Step::InsertRole { role, position } => {
                tx.insert_role(issuer, role, Some(*position), true).await?
            }
            Step::UpdateRole {
                role,
                position,
                is_declared,
                revision,
            } => tx
                .update_role(issuer, role, Some(*position), *is_declared, *revision)
                .await?
                .is_some(),
            Step::DeleteRole { name, revision } => tx.delete_role(issuer, name, *revision).await?,
            Step::InsertClient(client) => {
                tx.insert_client(issuer, client, RegisteredBy::Configuration, None, now)
                    .await?
            }
            Step::UpdateClient(record) => tx.update_client(issuer, record, now).await?.is_some(),
            Step::DeleteClient {
                client_id,
                revision,
            } => tx.delete_client(issuer, client_id, *revision, now).await?,
            Step::InsertUser(user) => tx.insert_user(issuer, user, true).await?,
            Step::UpdateUser { record, locks_out } => {
                let is_updated = tx.update_user(issuer, record, now).await?.is_some();
                if *locks_out {
                    // Whoever is locked out is out everywhere, not only at the next sign-in.
                    let user = record.user.id;
                    tx.end_other_sessions(issuer, user, None, now).await?;
                    tx.revoke_grants_of(issuer, user, None, now).await?;
                }
                is_updated
            }
            Step::DeleteUser { id, revision } => tx.delete_user(issuer, *id, *revision).await?,
        })
    }
}

/// What is remembered of it: each change of its own, but for the issuers of `locum dev`, which
/// are made anew at every start, and for the console, which is Locum's own.
fn events(issuer: &IssuerPlan) -> Vec<Event> {
    let target = |kind, name: &str| Target::new(kind, name, "");
    let summary = Event::new(
        Action::ConfigurationApplied,
        target(TargetKind::Issuer, &issuer.name),
    )
    .with("changes", issuer.changes.len());
    let details = issuer.changes.iter().map(event);
    if issuer.origin == Origin::Demo || issuer.name == CONSOLE {
        vec![summary]
    } else {
        std::iter::once(summary).chain(details).collect()
    }
}

fn event(change: &Change) -> Event {
    use ChangeAction::{Adopt, Create, Delete, Release, Update};
    let (kind, action) = match (change.kind, change.action) {
        (ChangedKind::Issuer, Create) => (TargetKind::Issuer, Action::IssuerCreated),
        (ChangedKind::Issuer, Adopt | Update | Release) => {
            (TargetKind::Issuer, Action::SettingsChanged)
        }
        (ChangedKind::Issuer, Delete) => (TargetKind::Issuer, Action::IssuerDeleted),
        (ChangedKind::Key, Create | Adopt | Update | Release) => {
            (TargetKind::Key, Action::KeyRotated)
        }
        (ChangedKind::Key, Delete) => (TargetKind::Key, Action::KeyDeleted),
        (ChangedKind::Api, Create) => (TargetKind::Api, Action::ApiCreated),
        (ChangedKind::Api, Adopt | Update | Release) => (TargetKind::Api, Action::ApiChanged),
        (ChangedKind::Api, Delete) => (TargetKind::Api, Action::ApiDeleted),
        (ChangedKind::Role, Create) => (TargetKind::Role, Action::RoleCreated),
        (ChangedKind::Role, Adopt | Update | Release) => (TargetKind::Role, Action::RoleChanged),
        (ChangedKind::Role, Delete) => (TargetKind::Role, Action::RoleDeleted),
        (ChangedKind::Client, Create) => (TargetKind::Client, Action::ClientCreated),
        (ChangedKind::Client, Adopt | Update | Release) => {
            (TargetKind::Client, Action::ClientChanged)
        }
        (ChangedKind::Client, Delete) => (TargetKind::Client, Action::ClientDeleted),
        (ChangedKind::User, Create) => (TargetKind::User, Action::UserCreated),
        (ChangedKind::User, Adopt | Update | Release) => (TargetKind::User, Action::UserChanged),
        (ChangedKind::User, Delete) => (TargetKind::User, Action::UserDeleted),
    };
    let fields: Vec<Json> = change
        .fields
        .iter()
        .map(|field| field.field.as_str().into())
        .collect();
    let event = Event::new(action, Target::new(kind, &change.name, ""));
    let event = event.with("by", "configuration");
    if fields.is_empty() {
        event
    } else {
        event.with("fields", fields)
    }
}
