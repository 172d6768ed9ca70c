use askama::Template;

use super::ConsoleFrame;

/// How an issuer speaks OAuth.
#[derive(Template)]
#[template(path = "console/dialect.html")]
pub struct DialectPage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub name: String,
    pub title: String,
    /// The dialects it is made from, nearest first.
    pub extends: Vec<String>,
    pub deviations: Vec<Deviation>,
    /// Name and address of each.
    pub endpoints: Vec<(String, String)>,
}

/// A policy in which a dialect is not as the standard has it.
#[derive(Debug, Clone)]
pub struct Deviation {
    /// "PKCE of public clients"
    pub policy: String,
    pub standard: String,
    pub here: String,
    pub reason: String,
    /// Whether it makes attacks easier, and not only looks different.
    pub is_weaker: bool,
}

impl DialectPage<'_> {
    pub fn number_weaker(&self) -> usize {
        self.deviations
            .iter()
            .filter(|deviation| deviation.is_weaker)
            .count()
    }
}
