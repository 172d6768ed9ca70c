use askama::Template;

use super::{ConsoleFrame, links};
use crate::protocol::SigningAlg;

/// Leads to `…/rotate-keys?alg=…` and `…/keys/KID/delete`.
#[derive(Template)]
#[template(path = "console/keys.html")]
pub struct KeysPage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub keys: Vec<KeyRow>,
    /// Where the public halves are.
    pub jwks_uri: Option<String>,
}

#[derive(Debug, Clone)]
pub struct KeyRow {
    pub kid: String,
    pub alg: SigningAlg,
    pub created_at: String,
    /// Whether new tokens are signed with it; the others verify those that are still alive.
    pub is_signing: bool,
    /// Since when it no longer signs.
    pub retired_at: Option<String>,
}

impl KeyRow {
    pub fn segment(&self) -> String {
        links::segment(&self.kid)
    }
}
