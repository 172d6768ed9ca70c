//! Client credentials (RFC 6749 §4.4): a machine gets a token for itself.

use crate::issuer::Client;
use crate::oauth::entitlement::{Actor, Asked, Entitlement};
use crate::oauth::issuance::{Issue, Resting};
use crate::oauth::{Authority, Refusal, TokenResponse};
use crate::protocol::{Fault, GrantType, Parameters};

impl Authority<'_> {
    /// Checks that the client may have what it asks for, and mints the token.
    pub(in crate::oauth) async fn client_credentials(
        &self,
        client: &Client,
        parameters: &Parameters,
    ) -> Result<TokenResponse, Refusal> {
        let dialect = &*self.issuer.dialect;
        let asked = Asked::parse(dialect, parameters)?;
        check_client(client)?;
        let apis = self.core.store.apis(self.issuer.id).await?;
        let entitlement = Entitlement::new(dialect, &apis, client, Actor::Machine);
        let resolved = entitlement.resolve(asked, dialect.scope.when_missing)?;
        let minted = self.mint(Issue {
            client_id: &client.client_id,
            subject: &client.client_id,
            audience: resolved.audience,
            apis: &resolved.apis,
            scope: resolved.scope,
            user: None,
        })?;
        if let Resting::Opaque(token) = minted.resting {
            self.core.store.insert_access_token(token).await?;
        }
        Ok(minted.response)
    }
}

fn check_client(client: &Client) -> Result<(), Fault> {
    let grant_type = GrantType::ClientCredentials;
    // RFC 6749 §4.4: only confidential clients.
    if client.is_public() {
        return Err(Fault::PublicClientNotAllowed {
            grant_type: grant_type.as_str().to_owned(),
        });
    }
    client.check_grant_type(grant_type)
}
