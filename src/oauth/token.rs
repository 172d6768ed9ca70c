//! The token endpoint (RFC 6749 §3.2): which grant is asked for, and by whom.

use std::time::Duration;

use super::client_auth::{PresentedCredentials, authenticate};
use super::grant::client_credentials;
use super::{Core, Refusal};
use crate::clock::Timestamp;
use crate::dialect::ResponseWord;
use crate::dialect::template::{Source, Value};
use crate::issuer::Issuer;
use crate::protocol::{Fault, GrantType, Parameters, Scope, parameter};
use crate::secret::Secret;

/// A request to the token endpoint; each grant owns its parameters.
enum TokenRequest {
    ClientCredentials(client_credentials::Request),
}

/// What the token endpoint answers (RFC 6749 §5.1), before the dialect gives it a shape.
#[derive(Debug, Clone)]
pub struct TokenResponse {
    pub issuer: String,
    pub client_id: String,
    pub access_token: Secret,
    pub scope: Scope,
    pub audience: Vec<String>,
    pub issued_at: Timestamp,
    pub lifetime: Duration,
}

/// Exchanges a grant for tokens. `identifier` is the issuer identifier of the address the request
/// came to: it becomes `iss`.
pub async fn exchange(
    core: &Core,
    issuer: &Issuer,
    identifier: &str,
    credentials: &PresentedCredentials,
    parameters: &Parameters,
) -> Result<TokenResponse, Refusal> {
    let client;
    let request;
    if issuer.dialect.token_request.client_first {
        client = authenticate(core, issuer, credentials).await?;
        request = TokenRequest::parse(issuer, parameters)?;
    } else {
        request = TokenRequest::parse(issuer, parameters)?;
        client = authenticate(core, issuer, credentials).await?;
    }
    match request {
        TokenRequest::ClientCredentials(request) => {
            client_credentials::grant(core, issuer, identifier, &client, request).await
        }
    }
}

impl TokenRequest {
    fn parse(issuer: &Issuer, parameters: &Parameters) -> Result<Self, Fault> {
        let name = parameters
            .find(parameter::GRANT_TYPE)
            .ok_or(Fault::MissingGrantType)?;
        let supported = &issuer.dialect.token_request.grant_types;
        match GrantType::find(name).filter(|grant| supported.contains(grant)) {
            Some(GrantType::ClientCredentials) => Ok(Self::ClientCredentials(
                client_credentials::Request::parse(&issuer.dialect, parameters)?,
            )),
            Some(GrantType::AuthorizationCode | GrantType::RefreshToken) | None => {
                Err(Fault::UnsupportedGrantType {
                    grant_type: name.to_owned(),
                })
            }
        }
    }
}

impl Source<ResponseWord> for TokenResponse {
    fn value(&self, word: ResponseWord) -> Value<'_> {
        match word {
            ResponseWord::AccessToken => Value::text(self.access_token.expose()),
            ResponseWord::Scope => Value::Words(self.scope.tokens()),
            ResponseWord::Audience => Value::List(self.audience.as_slice().into()),
            ResponseWord::ClientId => Value::text(&self.client_id),
            ResponseWord::Issuer => Value::text(&self.issuer),
            ResponseWord::ExpiresIn => {
                Value::Seconds(i64::try_from(self.lifetime.as_secs()).unwrap_or(i64::MAX))
            }
            ResponseWord::ExpiresAt => Value::Instant(self.issued_at + self.lifetime),
            ResponseWord::IssuedAt => Value::Instant(self.issued_at),
        }
    }
}
