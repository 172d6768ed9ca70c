//! What this server knows of a token, for people who want to know why it fails.

use super::access_token::Status;
use super::{Authority, Refusal, TokenFacts};

/// A token as this issuer sees it.
#[derive(Debug, Clone)]
pub enum Seen {
    Active(Box<TokenFacts>),
    Expired,
    /// Not a token of this issuer, or revoked, or of a client or user that is gone or blocked.
    Unknown,
}

impl Authority<'_> {
    /// Looks a token of any kind up.
    pub async fn look_up(&self, token: &str) -> Result<Seen, Refusal> {
        let found = match self.find_token(token).await? {
            Status::Unknown => self.find_refresh_token(token).await?,
            found => found,
        };
        Ok(match found {
            Status::Active { facts, .. } => Seen::Active(Box::new(facts)),
            Status::Expired => Seen::Expired,
            Status::Unknown => Seen::Unknown,
        })
    }
}
