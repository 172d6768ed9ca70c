use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use crate::clock::Timestamp;
use crate::issuer::IssuerId;

/// What is counted and not remembered one by one: there is too much of it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Counted {
    Tokens,
    SignIns,
    SignInFailures,
    /// Requests that an endpoint refused, or this server failed at.
    Errors,
    Registrations,
}

impl Counted {
    pub const ALL: [Self; 5] = [
        Self::Tokens,
        Self::SignIns,
        Self::SignInFailures,
        Self::Errors,
        Self::Registrations,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Tokens => "tokens",
            Self::SignIns => "sign_ins",
            Self::SignInFailures => "sign_in_failures",
            Self::Errors => "errors",
            Self::Registrations => "registrations",
        }
    }

    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|known| known.as_str() == name)
    }
}

/// How much of it there was in an hour.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tally {
    pub issuer: IssuerId,
    /// When the hour began.
    pub hour: Timestamp,
    pub what: Counted,
    pub count: i64,
}

/// What has been counted and not been stored yet. Clones share it.
#[derive(Clone, Default)]
pub struct Activity {
    counts: Arc<Mutex<Counts>>,
    storing: Arc<tokio::sync::Mutex<()>>,
}

/// By issuer, hour and what is counted.
type Counts = HashMap<(IssuerId, Timestamp, Counted), i64>;

const HOUR: i64 = 3600;

/// When the hour of a moment began.
pub fn hour(at: Timestamp) -> Timestamp {
    Timestamp::from_unix(at.unix() - at.unix().rem_euclid(HOUR))
}

impl Activity {
    pub fn count(&self, issuer: IssuerId, what: Counted, now: Timestamp) {
        self.add(Tally {
            issuer,
            hour: hour(now),
            what,
            count: 1,
        });
    }

    /// Counts what was taken and could not be stored again.
    pub fn add(&self, tally: Tally) {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let key = (tally.issuer, tally.hour, tally.what);
        *counts.entry(key).or_insert(0) += tally.count;
    }

    /// Held by whoever takes and stores, so that the last to do it, before the database is closed,
    /// waits for the one before.
    pub async fn storing(&self) -> tokio::sync::MutexGuard<'_, ()> {
        self.storing.lock().await
    }

    /// Everything that was counted since the last time.
    pub fn take(&self) -> Vec<Tally> {
        let mut counts = self.counts.lock().unwrap_or_else(PoisonError::into_inner);
        let taken = std::mem::take(&mut *counts);
        let tally = |((issuer, hour, what), count)| Tally {
            issuer,
            hour,
            what,
            count,
        };
        taken.into_iter().map(tally).collect()
    }
}
