use unicode_normalization::UnicodeNormalization;
use uuid::Uuid;

use super::{Role, UserClaims};
use crate::clock::Timestamp;
use crate::secret::SecretHash;

/// A user's identity in the database. It never changes, and it is not what clients see: that is
/// the subject, which the dialect shapes and which may differ from client to client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub struct UserId(pub Uuid);

/// A person who can sign in at one issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct User {
    pub id: UserId,
    /// What the person types. Compared without regard to case, and unique so within its issuer.
    pub username: String,
    /// Argon2id. `None` for somebody who cannot sign in with a password.
    pub password_hash: Option<SecretHash>,
    /// What is known of the person, by the names of OIDC Core §5.1, and whatever else was declared.
    pub claims: UserClaims,
    /// Names of roles of the same issuer.
    pub roles: Vec<String>,
    pub is_blocked: bool,
    pub created_at: Timestamp,
    /// When the profile last changed: the claim `updated_at`.
    pub updated_at: Timestamp,
}

impl User {
    /// The name to greet with: the claim `name`, or else the username.
    pub fn display_name(&self) -> &str {
        self.claims.text("name").unwrap_or(&self.username)
    }

    /// Those of an issuer's roles that the user has.
    pub fn roles_among<'a>(&self, roles: &'a [Role]) -> Vec<&'a Role> {
        roles
            .iter()
            .filter(|role| self.roles.contains(&role.name))
            .collect()
    }

    /// What a typed username is compared as: without surrounding space, in lower case, and with
    /// characters that look the same made the same (NFKC).
    pub fn canonical_username(typed: &str) -> String {
        let lower = typed.trim().to_lowercase();
        lower.nfkc().collect()
    }
}
