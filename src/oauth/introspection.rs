//! Token introspection (RFC 7662).

use super::access_token::{Found, Status, TokenFacts};
use super::client_auth::PresentedCredentials;
use super::{Authority, ClientRequest, Refusal};
use crate::issuer::Client;
use crate::protocol::{Fault, parameter};

impl Authority<'_> {
    /// What this issuer knows of a token; `None` when it is not active, whatever the reason.
    ///
    /// A confidential client may ask about any access token of its issuer, as resource servers
    /// must; a public one, which anybody can claim to be, only about its own. Refresh tokens are
    /// their client's alone.
    ///
    /// # Errors
    /// `MissingParameter`, and those of client authentication.
    pub async fn introspect(&self, asked: &ClientRequest) -> Result<Option<TokenFacts>, Refusal> {
        let is_anonymous = matches!(asked.credentials, Ok(PresentedCredentials::Nobody));
        let caller = if is_anonymous && !self.issuer.dialect.introspection.authenticated {
            None
        } else {
            Some(self.authenticate(&asked.credentials).await?)
        };
        let token = asked
            .parameters
            .find(parameter::TOKEN)
            .ok_or(Fault::MissingParameter {
                parameter: parameter::TOKEN,
            })?;
        let mut status = self.find_token(token).await?;
        if let Status::Unknown = status {
            status = self.find_refresh_token(token).await?;
        }
        let Status::Active { facts, found, .. } = status else {
            return Ok(None);
        };
        let is_own = |caller: &Client| caller.client_id == facts.client_id;
        let may_see = match found {
            Found::Refresh { is_spent: true, .. } => false,
            // A resource server must not take one for an access token.
            Found::Refresh { .. } => caller.is_none_or(|caller| is_own(&caller)),
            Found::Jwt { .. } | Found::Opaque { .. } => {
                caller.is_none_or(|caller| !caller.is_public() || is_own(&caller))
            }
        };
        Ok(may_see.then_some(facts))
    }
}
