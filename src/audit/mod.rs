//! What happened, who did it, and from where: events in a chain that shows when one has been
//! altered or taken out.
//!
//! Each event carries a MAC (HMAC-SHA-256 under a key derived from `LOCUM_SECRET_KEY`) over
//! everything it says and over the MAC of the event before. Whoever can write to the database, and
//! does not have the key, cannot forge one. What no chain can show by itself is that its newest
//! events are gone: for that, its head is noted elsewhere, and `locum audit verify` compares.

mod activity;
mod event;
mod seldom;
mod visitor;

use aws_lc_rs::hmac;
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::clock::Timestamp;
use crate::issuer::IssuerId;

pub use activity::{Activity, Counted, Tally, hour};
pub use event::{Action, Actor, ActorKind, Event, Outcome, Target, TargetKind};
pub use seldom::Seldom;
pub use visitor::Visitor;

/// An issuer's events, or the server's.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct Chain(pub Uuid);

impl Chain {
    /// What belongs to no issuer that stays: issuers that are deleted, what is kept of an issuer's
    /// events, imports and exports.
    pub const SERVER: Self = Self(Uuid::nil());
}

impl From<IssuerId> for Chain {
    fn from(issuer: IssuerId) -> Self {
        Self(issuer.0)
    }
}

/// The MAC of an event, or of what stands before the first.
pub type Mac = [u8; 32];

/// What stands before the first event of a chain.
pub const BEGINNING: Mac = [0; 32];

/// An event as it is kept.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    pub chain: Chain,
    /// From 1, without gaps.
    pub sequence: i64,
    pub at: Timestamp,
    pub actor: Actor,
    /// `client.created`; kept as text, so that events of a later version can be read.
    pub action: String,
    pub outcome: Outcome,
    pub target_kind: String,
    pub target: String,
    pub target_name: String,
    pub details: Map<String, Json>,
    pub mac: Mac,
}

/// Makes and checks the MACs.
#[derive(Clone)]
pub struct AuditKey(hmac::Key);

impl AuditKey {
    pub fn new(key: hmac::Key) -> Self {
        Self(key)
    }

    /// The MAC of an event that follows the one with `previous`. `record.mac` is not looked at.
    pub fn mac(&self, record: &Record, previous: &Mac) -> Mac {
        let actor = &record.actor;
        let details = Json::Object(record.details.clone()).to_string();
        let (sequence, at) = (record.sequence.to_string(), record.at.unix().to_string());
        self.sign(
            "event",
            &[
                record.chain.0.as_bytes(),
                previous,
                sequence.as_bytes(),
                at.as_bytes(),
                record.action.as_bytes(),
                record.outcome.as_str().as_bytes(),
                actor.kind.as_str().as_bytes(),
                actor.id.as_bytes(),
                actor.name.as_bytes(),
                actor.address.as_bytes(),
                actor.user_agent.as_bytes(),
                actor.request_id.as_bytes(),
                record.target_kind.as_bytes(),
                record.target.as_bytes(),
                record.target_name.as_bytes(),
                details.as_bytes(),
            ],
        )
    }

    /// Vouches for where a chain now begins, after retention has taken its oldest events away.
    pub fn anchor_mac(&self, chain: Chain, pruned: i64, anchor: &Mac) -> Mac {
        let pruned = pruned.to_string();
        self.sign("anchor", &[chain.0.as_bytes(), pruned.as_bytes(), anchor])
    }

    /// Vouches for where a chain ends.
    pub fn head_mac(&self, chain: Chain, length: i64, head: &Mac) -> Mac {
        let length = length.to_string();
        self.sign("head", &[chain.0.as_bytes(), length.as_bytes(), head])
    }

    /// Over parts with their lengths, so that no two lists of parts make the same message.
    fn sign(&self, purpose: &str, parts: &[&[u8]]) -> Mac {
        let mut context = hmac::Context::with_key(&self.0);
        context.update(purpose.as_bytes());
        for part in parts {
            context.update(&(part.len() as u64).to_be_bytes());
            context.update(part);
        }
        let mut mac = BEGINNING;
        mac.copy_from_slice(context.sign().as_ref());
        mac
    }
}
