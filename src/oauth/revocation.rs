//! Token revocation (RFC 7009).

use super::access_token::{Found, Status, find};
use super::client_auth::{PresentedCredentials, authenticate};
use super::{Core, Refusal};
use crate::issuer::Issuer;
use crate::protocol::{Fault, Parameters, parameter};
use crate::secret::Digest;

/// Revokes a token of the calling client. A token that is unknown, expired or revoked already is
/// as gone as was asked for, and that is success (RFC 7009 §2.2).
///
/// # Errors
/// `MissingParameter`, `TokenOfAnotherClient`, and those of client authentication.
pub async fn revoke(
    core: &Core,
    issuer: &Issuer,
    identifier: &str,
    credentials: &PresentedCredentials,
    parameters: &Parameters,
) -> Result<(), Refusal> {
    let client = authenticate(core, issuer, credentials).await?;
    let token = parameters
        .find(parameter::TOKEN)
        .ok_or(Fault::MissingParameter {
            parameter: parameter::TOKEN,
        })?;
    let Status::Active(facts, found) = find(core, issuer, identifier, token).await? else {
        return Ok(());
    };
    if facts.client_id != client.client_id {
        return Err(Fault::TokenOfAnotherClient.into());
    }
    match found {
        Found::Opaque => {
            let hash = Digest::of(token.as_bytes());
            let now = core.clock.now();
            core.store
                .revoke_access_token(issuer.id, &hash, &client.client_id, now)
                .await?;
        }
        Found::Jwt { hash } if issuer.dialect.revocation.jwt => {
            core.store
                .revoke_jwt(issuer.id, &hash, facts.expires_at)
                .await?;
        }
        Found::Jwt { .. } => {}
    }
    Ok(())
}
