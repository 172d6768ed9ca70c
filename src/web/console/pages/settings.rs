use askama::Template;

use super::{ConsoleFrame, Problems};
use crate::issuer::RegistrationPolicy;

/// Posts to `…/settings`.
#[derive(Template)]
#[template(path = "console/settings.html")]
pub struct SettingsPage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub revision: i64,
    pub is_declared: bool,
    pub fields: SettingsFields,
    pub problems: Problems,
    /// The issuer identifier.
    pub identifier: String,
}

#[derive(Debug, Clone, Default)]
pub struct SettingsFields {
    pub brand_name: String,
    /// `#rrggbb`, or nothing.
    pub brand_color: String,
    pub help_uri: String,
    /// `closed`, `guarded`, `open`.
    pub registration: String,
    /// Days, or nothing: for ever.
    pub audit_retention_days: String,
    /// One to a line.
    pub post_logout_redirect_uris: String,
    pub host: String,
}

impl SettingsPage<'_> {
    /// Value, title, words, and whether it is chosen.
    pub fn registrations(&self) -> Vec<(&'static str, &'static str, &'static str, bool)> {
        let policies = RegistrationPolicy::ALL.into_iter().map(|policy| {
            let (title, hint) = super::words::registration(policy);
            let is_chosen = self.fields.registration == policy.as_str();
            (policy.as_str(), title, hint, is_chosen)
        });
        policies.collect()
    }
}
