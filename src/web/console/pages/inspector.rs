use askama::Template;

use super::ConsoleFrame;

/// Field `token`; posts to `…/inspector`. Nothing of it is kept.
#[derive(Template)]
#[template(path = "console/inspector.html")]
pub struct InspectorPage<'a> {
    pub frame: ConsoleFrame<'a>,
    /// What was pasted.
    pub token: String,
    pub inspection: Option<Inspection>,
}

#[derive(Debug, Clone)]
pub struct Inspection {
    /// "An access token", "An ID token", "Not a token of any kind known here"
    pub what: String,
    pub is_good: bool,
    /// The outcome in a sentence: "It works.", "It expired 3 minutes ago."
    pub verdict: String,
    pub checks: Vec<Check>,
    pub header: Vec<Claim>,
    pub claims: Vec<Claim>,
}

#[derive(Debug, Clone)]
pub struct Check {
    pub result: CheckResult,
    /// "Signed by a key of this issuer"
    pub title: String,
    /// Why it failed, and what to do.
    pub words: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum CheckResult {
    Passed,
    Failed,
    /// Could not be found out, because another check failed.
    Unknown,
}

impl Check {
    pub fn class(&self) -> &'static str {
        match self.result {
            CheckResult::Passed => "passed",
            CheckResult::Failed => "failed",
            CheckResult::Unknown => "unknown",
        }
    }

    pub fn mark(&self) -> &'static str {
        match self.result {
            CheckResult::Passed => "✓",
            CheckResult::Failed => "✗",
            CheckResult::Unknown => "–",
        }
    }

    pub fn result_words(&self) -> &'static str {
        match self.result {
            CheckResult::Passed => "Passed",
            CheckResult::Failed => "Failed",
            CheckResult::Unknown => "Not known",
        }
    }
}

/// A member of a token's header or payload.
#[derive(Debug, Clone)]
pub struct Claim {
    pub name: String,
    /// JSON, or the text itself.
    pub value: String,
    /// What it says: "22 Nov 2026, 09:30", "Who the token is for".
    pub meaning: String,
}
