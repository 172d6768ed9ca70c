use askama::Template;

use super::{ConsoleFrame, Problems, links};
use crate::issuer::RegistrationPolicy;

/// Initial access tokens (RFC 7591 §3). Fields `note`, `uses`, `lifetime`; posts to
/// `…/registration`; a token is removed at `…/registration/ID/delete`.
#[derive(Template)]
#[template(path = "console/registration.html")]
pub struct InitialTokensPage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub policy: RegistrationPolicy,
    /// The registration endpoint, where the dialect has one.
    pub endpoint: Option<String>,
    pub tokens: Vec<InitialTokenRow>,
    pub fields: InitialTokenFields,
    pub problems: Problems,
    /// The one that has just been made: shown once.
    pub made: Option<String>,
}

#[derive(Debug, Clone)]
pub struct InitialTokenRow {
    pub id: String,
    pub note: String,
    /// Any number when `None`.
    pub uses_left: Option<u32>,
    pub expires_at: Option<String>,
    pub created_at: String,
}

impl InitialTokenRow {
    pub fn segment(&self) -> String {
        links::segment(&self.id)
    }
}

#[derive(Debug, Clone)]
pub struct InitialTokenFields {
    pub note: String,
    pub uses: String,
    /// Seconds.
    pub lifetime: String,
}

impl Default for InitialTokenFields {
    fn default() -> Self {
        Self {
            note: String::new(),
            uses: "1".to_owned(),
            lifetime: "604800".to_owned(),
        }
    }
}

impl InitialTokensPage<'_> {
    const LIFETIMES: [(&'static str, &'static str); 5] = [
        ("3600", "1 hour"),
        ("86400", "1 day"),
        ("604800", "7 days"),
        ("2592000", "30 days"),
        ("31536000", "1 year"),
    ];

    pub fn lifetimes(&self) -> Vec<(&'static str, &'static str, bool)> {
        let lifetimes = Self::LIFETIMES.into_iter();
        lifetimes
            .map(|(value, words)| (value, words, self.fields.lifetime == value))
            .collect()
    }

    pub fn is_closed(&self) -> bool {
        self.policy == RegistrationPolicy::Closed
    }

    pub fn policy_words(&self) -> (&'static str, &'static str) {
        super::words::registration(self.policy)
    }
}
