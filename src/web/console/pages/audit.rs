use askama::Template;

use super::{ConsoleFrame, EventView, Paging, links, words};

/// Searched by `q`, `group`, `outcome`, `actor`, `from`, `until`, `after`. The same words work for
/// `…/audit.csv` and `…/audit.json`.
#[derive(Template)]
#[template(path = "console/audit.html")]
pub struct AuditPage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub filter: AuditFilter,
    /// The newest first.
    pub events: Vec<EventView>,
    pub paging: Paging,
    /// How long events are kept, in words; for ever when `None`.
    pub retention: Option<String>,
}

#[derive(Debug, Clone, Default)]
pub struct AuditFilter {
    pub q: String,
    /// The part of the action before the dot: `user`.
    pub group: String,
    /// `succeeded`, `failed`, or nothing.
    pub outcome: String,
    pub actor: String,
    /// `2026-11-22`
    pub from: String,
    pub until: String,
}

impl AuditFilter {
    pub fn query(&self, after: &str) -> String {
        links::query(&[
            ("q", &self.q),
            ("group", &self.group),
            ("outcome", &self.outcome),
            ("actor", &self.actor),
            ("from", &self.from),
            ("until", &self.until),
            ("after", after),
        ])
    }

    pub fn is_empty(&self) -> bool {
        self.query("").is_empty()
    }

    pub fn is_outcome(&self, outcome: &str) -> bool {
        self.outcome == outcome
    }
}

impl AuditPage<'_> {
    /// The query of the next page.
    pub fn next(&self) -> Option<String> {
        Some(self.filter.query(self.paging.next.as_deref()?))
    }

    /// Value, words, and whether it is chosen.
    pub fn groups(&self) -> Vec<(&'static str, String, bool)> {
        let groups = words::action_groups().into_iter();
        groups
            .map(|(group, words)| (group, words, self.filter.group == group))
            .collect()
    }

    pub fn export(&self, format: &str) -> String {
        let place = self.frame.place(&self.frame.section);
        format!("{place}.{format}{}", self.filter.query(""))
    }
}
