//! What several pages show.

use askama::Template;

use super::{ConsoleFrame, links};
use crate::audit::{Action, ActorKind, Outcome, TargetKind};

/// What is being edited, where it is not new.
#[derive(Debug, Clone)]
pub struct Editing {
    /// What its address has: an ID, or a name.
    pub id: String,
    /// What people know it by.
    pub name: String,
    pub revision: i64,
    /// Whether a configuration file declares it, and will say so again when it is applied.
    pub is_declared: bool,
}

/// Something with an address of its own.
#[derive(Debug, Clone)]
pub struct Named {
    pub id: String,
    pub name: String,
}

impl Named {
    pub fn segment(&self) -> String {
        links::segment(&self.id)
    }
}

/// Where a long list goes on.
#[derive(Debug, Clone, Default)]
pub struct Paging {
    /// The parameter `after` of the next page.
    pub next: Option<String>,
    /// Whether there is something before this page.
    pub is_later: bool,
}

/// Something that happened.
#[derive(Debug, Clone)]
pub struct EventView {
    pub at: String,
    pub action: Action,
    pub outcome: Outcome,
    pub actor_kind: ActorKind,
    pub actor_id: String,
    /// Empty when nobody knows.
    pub actor_name: String,
    pub target_kind: TargetKind,
    pub target_id: String,
    pub target_name: String,
    pub address: String,
    /// "Firefox on Linux"
    pub browser: String,
    pub request_id: String,
    pub details: Vec<(String, String)>,
}

impl EventView {
    pub fn has_failed(&self) -> bool {
        self.outcome == Outcome::Failed
    }

    /// Who did it, for people.
    pub fn actor(&self) -> &str {
        [&self.actor_name, &self.actor_id]
            .into_iter()
            .find(|name| !name.is_empty())
            .map_or_else(|| super::words::actor_kind(self.actor_kind), String::as_str)
    }

    /// What it is about, for people.
    pub fn target(&self) -> &str {
        if self.target_name.is_empty() {
            &self.target_id
        } else {
            &self.target_name
        }
    }

    pub fn action_words(&self) -> &'static str {
        super::words::action(self.action)
    }

    pub fn actor_words(&self) -> &'static str {
        super::words::actor_kind(self.actor_kind)
    }

    pub fn target_words(&self) -> &'static str {
        super::words::target_kind(self.target_kind)
    }
}

/// An API in the form of a client or a role. Posts `everything` with the API's ID, and each
/// `scope` as the API's ID, a space and the scope.
#[derive(Debug, Clone)]
pub struct GrantChoice {
    pub api_id: String,
    pub name: String,
    pub audience: String,
    pub is_everything: bool,
    /// Whether it is granted without any scope, as may come of an API that loses scopes.
    pub is_bare: bool,
    pub scopes: Vec<ScopeChoice>,
}

#[derive(Debug, Clone)]
pub struct ScopeChoice {
    pub name: String,
    pub description: String,
    pub is_checked: bool,
    pub users_only: bool,
    pub needs_role: bool,
}

impl GrantChoice {
    pub fn is_used(&self) -> bool {
        self.is_everything || self.scopes.iter().any(|scope| scope.is_checked)
    }

    /// The scopes a machine may be granted, or all.
    pub fn offered(&self, is_machine: &bool) -> Vec<&ScopeChoice> {
        let is_offered = |scope: &&ScopeChoice| !(*is_machine && scope.users_only);
        self.scopes.iter().filter(is_offered).collect()
    }

    pub fn number_withheld(&self, is_machine: &bool) -> usize {
        self.scopes.len() - self.offered(is_machine).len()
    }
}

/// What a client or a role has at one API.
#[derive(Debug, Clone)]
pub struct GrantView {
    pub api_id: String,
    pub api_name: String,
    pub audience: String,
    pub is_everything: bool,
    pub scopes: Vec<String>,
}

impl GrantView {
    pub fn segment(&self) -> String {
        links::segment(&self.api_id)
    }
}

/// A browser that is signed in.
#[derive(Debug, Clone)]
pub struct SessionRow {
    pub id: String,
    pub user_id: String,
    pub username: String,
    pub user_name: String,
    pub browser: String,
    pub address: String,
    pub started_at: String,
    pub last_seen_at: String,
    /// Whether it is the browser that this page is shown in.
    pub is_own: bool,
}

impl SessionRow {
    pub fn segment(&self) -> String {
        links::segment(&self.id)
    }

    pub fn user_segment(&self) -> String {
        links::segment(&self.user_id)
    }

    pub fn browser_words(&self) -> &str {
        match self.browser.as_str() {
            "" => "Unknown browser",
            known => known,
        }
    }
}

/// How to use a client with a tool or a library.
#[derive(Debug, Clone)]
pub struct Snippet {
    /// "curl", "openid-client (Node.js)"
    pub title: String,
    pub code: String,
}

/// A link with which somebody chooses a password. It is shown once.
#[derive(Template)]
#[template(path = "console/one_time_link.html")]
pub struct OneTimeLinkPage<'a> {
    pub frame: ConsoleFrame<'a>,
    /// Whom it is for.
    pub username: String,
    pub name: String,
    pub link: String,
    pub expires_at: String,
    /// Whether the person is new here.
    pub is_new: bool,
    /// Where to go on.
    pub next: String,
}
