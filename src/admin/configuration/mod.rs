//! What a configuration file declares, and what the database has: the difference, making them the
//! same, and writing the database's side down as a file.
//!
//! A plan is made from what is read, and every step of it is bound to the revision that was read.
//! Applying does all steps in one transaction, or, when somebody was quicker, none, and plans
//! again. It removes only what a configuration created once.

mod apply;
mod export;
mod plan;
mod secrets;

use std::path::Path;

use serde::Serialize;
use serde_json::Value as Json;

use crate::audit::Event;
use crate::keys::UnusableKey;
use crate::secret::HashingFailed;
use crate::source::Mistake;
use crate::store::StoreError;

pub use apply::apply;
pub use export::{Exported, export};
pub use plan::{Plan, plan};

/// A difference between the database and a configuration.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Change {
    pub issuer: String,
    pub kind: ChangedKind,
    pub name: String,
    pub action: ChangeAction,
    /// Which members change, and from what to what; empty where all of it comes or goes.
    pub fields: Vec<FieldChange>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangedKind {
    Issuer,
    Key,
    Api,
    Role,
    Client,
    User,
}

impl ChangedKind {
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Issuer => "issuer",
            Self::Key => "key",
            Self::Api => "api",
            Self::Role => "role",
            Self::Client => "client",
            Self::User => "user",
        }
    }
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum ChangeAction {
    Create,
    /// It is there, and belongs to the configuration from now on.
    Adopt,
    Update,
    /// It is declared no longer. It was there before it was, and stays as it is.
    Release,
    Delete,
}

#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FieldChange {
    pub field: String,
    pub before: Json,
    pub after: Json,
}

/// What somebody loses whom no configuration declares, because a scope is declared no longer.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Loss {
    pub issuer: String,
    /// `client` or `role`.
    pub kind: &'static str,
    pub name: String,
    pub scopes: Vec<String>,
}

#[derive(Debug, thiserror::Error)]
pub enum ApplyError {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Key(#[from] UnusableKey),
    #[error(transparent)]
    Hashing(#[from] HashingFailed),
    #[error("{owner}: {message}")]
    Secret { owner: String, message: String },
    #[error(transparent)]
    Dialect(#[from] Mistake),
    #[error("the database keeps changing while the configuration is being applied; try again")]
    Contended,
}

/// Where secrets and pictures that a configuration names are.
pub type Folder<'a> = &'a Path;

/// The members in which two forms differ.
pub fn differences(before: &impl Serialize, after: &impl Serialize) -> Vec<FieldChange> {
    let members = |form: Json| match form {
        Json::Object(members) => members,
        _ => serde_json::Map::new(),
    };
    // A form is made of strings, numbers and lists: it always has a JSON.
    let before = members(serde_json::to_value(before).unwrap_or_default());
    let after = members(serde_json::to_value(after).unwrap_or_default());
    let mut names: Vec<&String> = before.keys().collect();
    names.extend(after.keys().filter(|name| !before.contains_key(*name)));
    names
        .into_iter()
        .filter(|name| before.get(*name) != after.get(*name))
        .map(|name| FieldChange {
            field: name.clone(),
            before: before.get(name).cloned().unwrap_or_default(),
            after: after.get(name).cloned().unwrap_or_default(),
        })
        .collect()
}

/// An event that also says which fields are different now; not what they are, which may be much.
pub fn changed_fields(event: Event, before: &impl Serialize, after: &impl Serialize) -> Event {
    let fields: Vec<Json> = differences(before, after)
        .into_iter()
        .map(|change| change.field.into())
        .collect();
    event.with("fields", fields)
}
