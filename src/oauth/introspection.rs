//! Token introspection (RFC 7662).

use super::access_token::{Status, TokenFacts, find};
use super::client_auth::{PresentedCredentials, authenticate};
use super::{Core, Refusal};
use crate::issuer::Issuer;
use crate::protocol::{Fault, Parameters, parameter};

/// What this issuer knows of the token; `None` when it is not active, whatever the reason.
///
/// A confidential client may ask about any token of its issuer, as resource servers must; a
/// public one, which anybody can claim to be, only about its own.
pub async fn introspect(
    core: &Core,
    issuer: &Issuer,
    identifier: &str,
    credentials: &PresentedCredentials,
    parameters: &Parameters,
) -> Result<Option<TokenFacts>, Refusal> {
    let is_anonymous = matches!(credentials, PresentedCredentials::Nobody);
    let client = if is_anonymous && !issuer.dialect.introspection.authenticated {
        None
    } else {
        Some(authenticate(core, issuer, credentials).await?)
    };
    let token = parameters
        .find(parameter::TOKEN)
        .ok_or(Fault::MissingParameter {
            parameter: parameter::TOKEN,
        })?;
    let Status::Active(facts, _) = find(core, issuer, identifier, token).await? else {
        return Ok(None);
    };
    let may_see =
        client.is_none_or(|client| !client.is_public() || client.client_id == facts.client_id);
    Ok(may_see.then_some(facts))
}
