use super::Check;
use crate::config::declaration::ClaimsDeclaration;

/// Claims that say what a token is and how somebody signed in (RFC 7519 §4.1, RFC 9068 §2.2, OIDC
/// Core §2 and §3.1.3.6). Whoever could set them could pass for somebody else.
const LOCUMS_OWN: [&str; 18] = [
    "iss",
    "sub",
    "aud",
    "exp",
    "nbf",
    "iat",
    "jti",
    "azp",
    "client_id",
    "scope",
    "nonce",
    "auth_time",
    "acr",
    "amr",
    "sid",
    "at_hash",
    "c_hash",
    "updated_at",
];

impl Check<'_> {
    pub(super) fn claims(&mut self, claims: &ClaimsDeclaration) {
        for name in claims.names() {
            if LOCUMS_OWN.contains(&name.get_ref().as_str()) {
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
