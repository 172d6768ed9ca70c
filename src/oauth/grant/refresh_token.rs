//! Refresh token (RFC 6749 §6): new tokens without asking the user again.

use crate::dialect::{Dialect, Rotation, ScopeNotGranted};
use crate::issuer::Client;
use crate::oauth::entitlement::{Asked, parse_scope};
use crate::oauth::issuance::Occasion;
use crate::oauth::{Authority, Refusal, TokenResponse};
use crate::protocol::{Fault, GrantType, Parameters, Scope, parameter};
use crate::secret::Secret;

impl Authority<'_> {
    /// Exchanges a refresh token.
    ///
    /// Where tokens rotate, the first use makes a successor. A later use means that two parties
    /// have the token, and nobody can tell which is the thief: the whole family is revoked, and
    /// that is committed before the refusal (RFC 9700 §4.14.2). Only within the dialect's grace
    /// is it taken for a client whose answer was lost, and given another successor.
    ///
    /// # Errors
    /// `InvalidRefreshToken`, `ExpiredRefreshToken`, `SpentRefreshToken`, `UserBlocked`,
    /// `ScopeNotGranted`, `AudienceNotGranted`: except for `SpentRefreshToken`, nothing changed.
    pub(in crate::oauth) async fn refresh_token(
        &self,
        client: &Client,
        parameters: &Parameters,
    ) -> Result<TokenResponse, Refusal> {
        client.check_grant_type(GrantType::RefreshToken)?;
        let presented =
            parameters
                .find(parameter::REFRESH_TOKEN)
                .ok_or(Fault::MissingParameter {
                    parameter: parameter::REFRESH_TOKEN,
                })?;
        let hash = Secret::new(presented).digest();
        let dialect = &*self.issuer.dialect;
        let standing = self.standing().await?;
        let (store, issuer) = (&self.core.store, self.issuer.id);
        let mut tx = store.write().await?;
        let now = self.core.clock.now();

        let token = tx
            .find_refresh_token(issuer, &hash)
            .await?
            .ok_or(Fault::InvalidRefreshToken)?;
        let grant = tx
            .find_grant(issuer, token.grant)
            .await?
            .filter(|grant| !grant.is_revoked && grant.client_id == client.client_id)
            .ok_or(Fault::InvalidRefreshToken)?;
        let user = tx
            .get_user(issuer, grant.user)
            .await?
            .filter(|user| !user.is_blocked)
            .ok_or(Fault::UserBlocked)?;
        let scope = narrowed_scope(dialect, &grant.scope, parameters)?;
        check_audience(&grant.audience, &Asked::parse(dialect, parameters)?)?;

        let policy = &dialect.refresh_token;
        let rotates = match policy.rotation {
            Rotation::Always => true,
            Rotation::Public => client.is_public(),
            Rotation::Never => false,
        };
        if rotates {
            let is_first = tx.spend_refresh_token(issuer, &hash, now).await?.is_some();
            if !is_first {
                // As it is now: another request may have spent it since it was read above.
                let spent_at = tx
                    .find_refresh_token(issuer, &hash)
                    .await?
                    .and_then(|token| token.spent_at)
                    .ok_or(Fault::ExpiredRefreshToken)?;
                let is_within_grace = now < spent_at + policy.grace && now < token.expires_at;
                if !is_within_grace {
                    self.revoke_replayed(&mut tx, "refresh_token", grant.id, client)
                        .await?;
                    tx.commit().await?;
                    return Err(Fault::SpentRefreshToken.into());
                }
            }
        } else {
            let expires_at = self.refresh_token_expiry(&grant, now);
            let is_live = tx
                .prolong_refresh_token(issuer, &hash, now, expires_at)
                .await?;
            if !is_live {
                return Err(Fault::ExpiredRefreshToken.into());
            }
        }
        let occasion = Occasion::Refresh;
        let mut response = self
            .issue_for_user(&mut tx, &standing, client, &user, &grant, &scope, occasion)
            .await?;
        if rotates {
            response.refresh_token = self.issue_refresh_token(&mut tx, client, &grant).await?;
        }
        tx.commit().await?;
        Ok(response)
    }
}

/// RFC 6749 §6: no scope that was not granted before. What is asked for now narrows this access
/// token alone; the next refresh may have it all again.
fn narrowed_scope(
    dialect: &Dialect,
    granted: &Scope,
    parameters: &Parameters,
) -> Result<Scope, Fault> {
    let Some(asked) = parameters.find(parameter::SCOPE) else {
        return Ok(granted.clone());
    };
    let asked = parse_scope(asked)?;
    let surplus = asked.retain(|scope| !granted.contains(scope));
    if surplus.is_empty() || dialect.authorization.scope_not_granted == ScopeNotGranted::Drop {
        Ok(asked.retain(|scope| granted.contains(scope)))
    } else {
        Err(Fault::ScopeNotGranted { scope: surplus })
    }
}

/// RFC 8707 §2.2: a refresh cannot reach another API than the grant does.
fn check_audience(granted: &[String], asked: &Asked) -> Result<(), Fault> {
    match asked.audience.iter().find(|own| !granted.contains(own)) {
        None => Ok(()),
        Some(other) => Err(Fault::AudienceNotGranted {
            audience: other.clone(),
        }),
    }
}
