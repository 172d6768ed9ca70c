use serde::de::Error;
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use super::{ClaimsDeclaration, GrantDeclaration, SecretDeclaration};
use crate::account::UserClaims;
use crate::secret::SecretHash;

/// `[[issuer.role]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RoleDeclaration {
    pub name: Spanned<String>,
    pub description: Option<Spanned<String>>,
    #[serde(rename = "grant", default)]
    pub grants: Vec<GrantDeclaration>,
}

/// `[[issuer.user]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct UserDeclaration {
    pub username: Spanned<String>,
    pub password: Option<SecretDeclaration>,
    /// Argon2id, instead of the password itself.
    #[serde(default, deserialize_with = "argon2id")]
    pub password_hash: Option<SecretHash>,
    pub name: Option<Spanned<String>>,
    pub given_name: Option<Spanned<String>>,
    pub family_name: Option<Spanned<String>>,
    pub email: Option<Spanned<String>>,
    pub phone_number: Option<Spanned<String>>,
    /// Any others.
    #[serde(default)]
    pub claims: ClaimsDeclaration,
    /// Names of the issuer's roles.
    #[serde(default)]
    pub roles: Vec<Spanned<String>>,
    /// Whether signing in is refused; when absent, what an administrator decided holds.
    pub blocked: Option<bool>,
    /// Whether the person has yet to choose a password, by a link from an administrator.
    #[serde(default)]
    pub has_no_password: bool,
}

impl UserDeclaration {
    /// The claims that are keys of their own.
    pub fn plain_claims(&self) -> impl Iterator<Item = (&'static str, &Spanned<String>)> {
        [
            ("name", &self.name),
            ("given_name", &self.given_name),
            ("family_name", &self.family_name),
            ("email", &self.email),
            ("phone_number", &self.phone_number),
        ]
        .into_iter()
        .filter_map(|(name, value)| Some((name, value.as_ref()?)))
    }

    pub fn claims(&self) -> UserClaims {
        let mut claims = self.claims.json();
        for (name, value) in self.plain_claims() {
            claims.insert(name.to_owned(), value.get_ref().as_str().into());
        }
        UserClaims(claims)
    }
}

fn argon2id<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Option<SecretHash>, D::Error> {
    match String::deserialize(deserializer)?.parse() {
        Ok(hash @ SecretHash::Argon2id(_)) => Ok(Some(hash)),
        // Without the text: it may be a password that somebody mistook this key for.
        _ => Err(D::Error::custom(
            "expected an Argon2id hash, like $argon2id$v=19$m=19456,t=2,p=1$…$…",
        )),
    }
}
