use super::Check;
use crate::account::ABOUT_TOKENS;
use crate::config::declaration::ClaimsDeclaration;

impl Check<'_> {
    pub(super) fn claims(&mut self, claims: &ClaimsDeclaration) {
        for name in claims.names() {
            let own = name.get_ref().as_str();
            // When a profile changed is known, not declared.
            if ABOUT_TOKENS.contains(&own) || own == "updated_at" {
                self.add(
                    name,
                    format!("claim `{}` is set by Locum alone", name.get_ref()),
                );
            }
        }
        for name in claims.without_json() {
            self.add(
                name,
                format!(
                    "claim `{}` has a number that JSON does not have",
                    name.get_ref()
                ),
            );
        }
    }
}
