use askama::Template;

use super::{ConsoleFrame, Paging, SessionRow, links};

/// Everybody who is signed in. Searched by `q`, `after`; a session is ended at `…/sessions/ID/end`.
#[derive(Template)]
#[template(path = "console/sessions.html")]
pub struct SessionsPage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub q: String,
    pub sessions: Vec<SessionRow>,
    pub paging: Paging,
}

impl SessionsPage<'_> {
    /// The query of the next page.
    pub fn next(&self) -> Option<String> {
        Some(self.query(self.paging.next.as_deref()?))
    }

    pub fn query(&self, after: &str) -> String {
        links::query(&[("q", &self.q), ("after", after)])
    }
}
