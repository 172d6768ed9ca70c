//! Operations on what is administered. The one layer that the console, the admin API and the
//! command line share: each checks the permission and the input, changes everything in one
//! transaction, and appends to the audit log as the last thing before the commit.

pub mod api;
mod apis;
pub mod audit;
mod clients;
pub mod configuration;
mod fault;
pub mod forms;
mod issuers;
mod keys;
mod log;
mod people;
mod registration;
pub mod rights;
mod roles;
mod rules;
mod sessions;
pub mod signing_keys;
pub mod system;
pub mod transfer;

use std::sync::{Arc, Mutex, PoisonError};

use crate::account::SessionId;
use crate::audit::{Actor, Chain, Event};
use crate::clock::Timestamp;
use crate::dialect::Dialect;
use crate::issuer::{IssuerId, RegisteredBy};
use crate::keys::Keyring;
use crate::oauth::Core;
use crate::store::{StoredIssuer, Tx};

pub use clients::{CreatedClient, LONGEST_OVERLAP, NewSecret};
pub use fault::{AdminFault, Problem, Result, ended, sentence};
pub use keys::KeyView;
pub use people::{CreatedUser, LINK_LIFETIME, set_up};
use rights::{Permission, Rights};

/// Somebody at work on what is administered.
pub struct Admin<'a> {
    pub core: &'a Core,
    pub keyring: &'a Keyring,
    pub actor: Actor,
    pub rights: Rights,
    /// How the clients that are made here came into being.
    pub registered_by: RegisteredBy,
    /// Sessions that have been ended, whose clients are still to be told.
    ended: Mutex<Vec<EndedSession>>,
}

/// A session that was ended.
pub struct EndedSession {
    pub issuer: IssuerId,
    pub session: SessionId,
    /// Its clients, and what they call the user, where the database does not know them any more.
    pub clients: Option<Vec<(String, String)>>,
}

/// The same at one issuer.
pub struct AtIssuer<'a> {
    admin: &'a Admin<'a>,
    pub issuer: StoredIssuer,
    pub dialect: Arc<Dialect>,
}

impl<'a> Admin<'a> {
    pub fn new(
        core: &'a Core,
        keyring: &'a Keyring,
        actor: Actor,
        rights: Rights,
        registered_by: RegisteredBy,
    ) -> Self {
        Self {
            core,
            keyring,
            actor,
            rights,
            registered_by,
            ended: Mutex::default(),
        }
    }

    /// # Errors
    /// `Forbidden` without the permission at the issuer, or, with `None`, at the server.
    pub fn require(&self, permission: Permission, issuer: Option<&str>) -> Result<()> {
        if self.rights.hold(permission, issuer) {
            return Ok(());
        }
        Err(AdminFault::Forbidden {
            permission,
            issuer: issuer.map(str::to_owned),
        })
    }

    /// # Errors
    /// `NotFound` when there is no such issuer, and also for somebody who may do nothing at it: who
    /// else is here is not theirs to know.
    pub async fn at(&'a self, issuer: &str) -> Result<AtIssuer<'a>> {
        let missing = || AdminFault::not_found("issuer", issuer);
        if !self.rights.reach(issuer) {
            return Err(missing());
        }
        let stored = self.core.store.find_issuer(issuer).await?;
        self.at_stored(stored.ok_or_else(missing)?)
    }

    fn at_stored(&'a self, issuer: StoredIssuer) -> Result<AtIssuer<'a>> {
        let source = issuer.dialect_source.as_deref();
        Ok(AtIssuer {
            admin: self,
            dialect: self.core.dialects.get(&issuer.dialect, source)?,
            issuer,
        })
    }

    fn now(&self) -> Timestamp {
        self.core.clock.now()
    }

    /// Remembers what happened, and commits.
    async fn finish(&self, mut tx: Tx, chain: Chain, event: Event) -> Result<()> {
        let (key, actor) = (&self.core.audit, &self.actor);
        tx.append_audit(key, chain, self.now(), actor, event)
            .await?;
        tx.commit().await?;
        self.core.store.forget();
        Ok(())
    }

    fn note_ended(&self, issuer: IssuerId, sessions: impl IntoIterator<Item = SessionId>) {
        let ended = sessions.into_iter().map(|session| EndedSession {
            issuer,
            session,
            clients: None,
        });
        self.note(ended);
    }

    fn note(&self, ended: impl IntoIterator<Item = EndedSession>) {
        let mut noted = self.ended.lock().unwrap_or_else(PoisonError::into_inner);
        noted.extend(ended);
    }

    /// The sessions that were ended since this was asked last. Whoever can reach their clients
    /// tells them (OIDC Back-Channel Logout).
    pub fn take_ended(&self) -> Vec<EndedSession> {
        std::mem::take(&mut *self.ended.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

impl AtIssuer<'_> {
    pub fn require(&self, permission: Permission) -> Result<()> {
        self.admin.require(permission, Some(&self.issuer.name))
    }

    /// What the console consists of is Locum's own, and would be made as it was at the next start.
    fn not_the_consoles(&self, why: &str) -> Result<()> {
        if self.issuer.name == system::CONSOLE {
            return Err(AdminFault::NotPossible(why.to_owned()));
        }
        Ok(())
    }

    fn core(&self) -> &Core {
        self.admin.core
    }

    fn id(&self) -> IssuerId {
        self.issuer.id
    }

    async fn finish(&self, tx: Tx, event: Event) -> Result<()> {
        self.admin.finish(tx, self.id().into(), event).await
    }

    /// Begins a change of what has been checked against the issuer's settings, APIs and keys as they
    /// were: it holds the issuer's row, which whoever changes one of those takes first, as applying
    /// a configuration does.
    ///
    /// # Errors
    /// `Contended` when they are others by now.
    async fn write_as_checked(&self) -> Result<Tx> {
        let mut tx = self.core().store.write().await?;
        if !tx.hold_issuer(self.id(), self.issuer.generation).await? {
            return Err(AdminFault::Contended);
        }
        Ok(tx)
    }

    /// The same for a change for which a running server has to prepare the issuer anew.
    async fn write_and_prepare(&self) -> Result<Tx> {
        let mut tx = self.write_as_checked().await?;
        tx.touch_issuer(self.id()).await?;
        Ok(tx)
    }
}
