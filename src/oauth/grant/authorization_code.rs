//! Authorization code (RFC 6749 §4.1.3): a client exchanges what a user granted it for tokens.

use crate::account::{AuthorizationCode, CodeChallenge};
use crate::issuer::Client;
use crate::oauth::issuance::Occasion;
use crate::oauth::pkce;
use crate::oauth::{Authority, Refusal, TokenResponse};
use crate::protocol::{Fault, GrantType, Parameters, parameter};
use crate::secret::Secret;

impl Authority<'_> {
    /// Redeems a code, once.
    ///
    /// The code is spent first and whatever comes of the checks: whoever has it and cannot show
    /// that they are its client has stolen it. A second use revokes everything that the first
    /// produced, and that is committed before the refusal (RFC 6749 §4.1.2).
    ///
    /// # Errors
    /// `InvalidCode`, `SpentCode`, `CodeOfAnotherClient`, `RedirectUriMissing`,
    /// `RedirectUriDiffers`, those of PKCE, `UserBlocked`: nothing was issued.
    pub(in crate::oauth) async fn authorization_code(
        &self,
        client: &Client,
        parameters: &Parameters,
    ) -> Result<TokenResponse, Refusal> {
        client.check_grant_type(GrantType::AuthorizationCode)?;
        let code = parameters.find(parameter::CODE).ok_or(Fault::MissingCode)?;
        let hash = Secret::new(code).digest();
        let standing = self.standing().await?;
        let (store, issuer) = (&self.core.store, self.issuer.id);
        let mut tx = store.write().await?;
        let now = self.core.clock.now();
        let Some(code) = tx.spend_code(issuer, &hash, now).await? else {
            let Some((code, Some(_))) = tx.find_code(issuer, &hash).await? else {
                return Err(Fault::InvalidCode.into());
            };
            self.revoke_replayed(&mut tx, "authorization_code", code.grant, client)
                .await?;
            tx.commit().await?;
            return Err(Fault::SpentCode.into());
        };
        let grant = tx.find_grant(issuer, code.grant).await?;
        let Some(grant) = grant.filter(|grant| !grant.is_revoked) else {
            tx.commit().await?;
            return Err(Fault::InvalidCode.into());
        };
        let user = tx.get_user(issuer, grant.user).await?;
        let checked = if grant.client_id == client.client_id {
            check_redirect_uri(&code, parameters)
                .and_then(|()| check_verifier(code.code_challenge.as_ref(), parameters))
                .and_then(|()| {
                    // Blocked, or gone, since the sign-in.
                    user.filter(|user| !user.is_blocked)
                        .ok_or(Fault::UserBlocked)
                })
        } else {
            Err(Fault::CodeOfAnotherClient)
        };
        let user = match checked {
            Ok(user) => user,
            Err(fault) => {
                tx.commit().await?;
                return Err(fault.into());
            }
        };
        let (scope, occasion) = (&grant.scope, Occasion::Code);
        let mut response = self
            .issue_for_user(&mut tx, &standing, client, &user, &grant, scope, occasion)
            .await?;
        response.refresh_token = self.issue_refresh_token(&mut tx, client, &grant).await?;
        tx.commit().await?;
        Ok(response)
    }
}

/// RFC 6749 §4.1.3: required if it was in the authorization request, and identical.
fn check_redirect_uri(code: &AuthorizationCode, parameters: &Parameters) -> Result<(), Fault> {
    let Some(expected) = &code.redirect_uri else {
        return Ok(());
    };
    match parameters.find(parameter::REDIRECT_URI) {
        Some(sent) if sent == expected => Ok(()),
        Some(sent) => Err(Fault::RedirectUriDiffers {
            redirect_uri: sent.to_owned(),
            expected: expected.clone(),
        }),
        None => Err(Fault::RedirectUriMissing {
            expected: expected.clone(),
        }),
    }
}

/// RFC 7636 §4.6, and RFC 9700 §2.1.1 against a downgrade: a verifier without a challenge is
/// refused as well.
fn check_verifier(challenge: Option<&CodeChallenge>, parameters: &Parameters) -> Result<(), Fault> {
    match (challenge, parameters.find(parameter::CODE_VERIFIER)) {
        (None, None) => Ok(()),
        (None, Some(_)) => Err(Fault::UnexpectedCodeVerifier),
        (Some(_), None) => Err(Fault::MissingCodeVerifier),
        (Some(challenge), Some(verifier)) => pkce::verify(challenge, verifier),
    }
}
