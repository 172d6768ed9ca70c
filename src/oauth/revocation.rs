//! Token revocation (RFC 7009).

use super::access_token::{Found, Status};
use super::{Authority, ClientRequest, Refusal, record};
use crate::audit::{Action, Event, Target, TargetKind};
use crate::dialect::RevocationPolicy;
use crate::protocol::{Fault, Parameters, parameter};

/// What `token_type_hint` may say (RFC 7009 §2.1).
const HINTS: [&str; 2] = ["access_token", "refresh_token"];

impl Authority<'_> {
    /// Revokes a token of the calling client. A token that is unknown, expired or revoked
    /// already is as gone as was asked for, and that is success (RFC 7009 §2.2).
    ///
    /// # Errors
    /// `MissingParameter`, `UnsupportedTokenType`, `TokenOfAnotherClient`, and those of client
    /// authentication.
    pub async fn revoke(&self, asked: &ClientRequest) -> Result<(), Refusal> {
        let policy = &self.issuer.dialect.revocation;
        let client = self.authenticate(&asked.credentials).await?;
        let token = asked
            .parameters
            .find(parameter::TOKEN)
            .ok_or(Fault::MissingParameter {
                parameter: parameter::TOKEN,
            })?;
        check_hint(policy, &asked.parameters)?;
        let mut status = self.find_refresh_token(token).await?;
        if let Status::Unknown = status {
            status = self.find_token(token).await?;
        }
        let Status::Active { facts, found, .. } = status else {
            return Ok(());
        };
        if facts.client_id != client.client_id {
            return if policy.ignores_tokens_of_others {
                Ok(())
            } else {
                Err(Fault::TokenOfAnotherClient.into())
            };
        }
        let (store, issuer) = (&self.core.store, self.issuer.id);
        let target = |id: &str| Target::new(TargetKind::Token, id, &client.client_name);
        let actor = self.by_client(&client);
        let mut tx = store.write().await?;
        match found {
            Found::Opaque { hash } => {
                let now = self.core.clock.now();
                tx.revoke_access_token(issuer, &hash, &client.client_id, now)
                    .await?;
                let event = Event::new(Action::TokenRevoked, target("access_token"));
                self.record(&mut tx, &actor, event).await?;
            }
            Found::Jwt { hash } if policy.jwt => {
                tx.revoke_jwt(issuer, &hash, facts.expires_at).await?;
                let event = Event::new(Action::TokenRevoked, target("access_token"));
                self.record(&mut tx, &actor, event).await?;
            }
            Found::Jwt { .. } => return Ok(()),
            // RFC 7009 §2.1: and the access tokens of the same grant. A token that was exchanged
            // stands for its family as well: its client may have lost the answer.
            Found::Refresh { grant, .. } => {
                let was_live = self.revoke_grant(&mut tx, grant).await?;
                let event = Event::new(Action::TokenRevoked, target("refresh_token"));
                self.record(&mut tx, &actor, event).await?;
                if was_live {
                    let event = record::grant_revoked("client", grant, &client);
                    self.record(&mut tx, &actor, event).await?;
                }
            }
        }
        tx.commit().await?;
        Ok(())
    }
}

/// A server may ignore the hint, and most do: it only says where to look first.
fn check_hint(policy: &RevocationPolicy, parameters: &Parameters) -> Result<(), Fault> {
    match parameters.find(parameter::TOKEN_TYPE_HINT) {
        Some(hint) if policy.refuses_unknown_hints && !HINTS.contains(&hint) => {
            Err(Fault::UnsupportedTokenType)
        }
        _ => Ok(()),
    }
}
