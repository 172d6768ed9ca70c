//! The token endpoint (RFC 6749 §3.2): which grant is asked for, and by whom.

use std::time::Duration;

use super::grant::client_credentials;
use super::{Authority, ClientRequest, Refusal};
use crate::clock::Timestamp;
use crate::dialect::template::{Lookup, Value};
use crate::dialect::{Dialect, ResponseWord};
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

impl Authority<'_> {
    /// Exchanges a grant for tokens.
    ///
    /// A request with two faults gets the answer for the first: that `grant_type` is missing,
    /// then the client, then everything else. In a dialect with `client_first` nothing comes
    /// before the client.
    pub async fn exchange(&self, asked: &ClientRequest) -> Result<TokenResponse, Refusal> {
        let dialect = &self.issuer.dialect;
        let grant_type = asked
            .parameters
            .find(parameter::GRANT_TYPE)
            .ok_or(Fault::MissingGrantType);
        if !dialect.token_request.client_first {
            grant_type.clone()?;
        }
        let client = self.authenticate(&asked.credentials).await?;
        match TokenRequest::parse(dialect, grant_type?, &asked.parameters)? {
            TokenRequest::ClientCredentials(request) => {
                self.client_credentials(&client, request).await
            }
        }
    }
}

impl TokenRequest {
    fn parse(dialect: &Dialect, grant_type: &str, parameters: &Parameters) -> Result<Self, Fault> {
        let supported = &dialect.token_request.grant_types;
        match GrantType::find(grant_type).filter(|grant| supported.contains(grant)) {
            Some(GrantType::ClientCredentials) => Ok(Self::ClientCredentials(
                client_credentials::Request::parse(dialect, parameters)?,
            )),
            Some(GrantType::AuthorizationCode | GrantType::RefreshToken) | None => {
                Err(Fault::UnsupportedGrantType {
                    grant_type: grant_type.to_owned(),
                })
            }
        }
    }
}

impl Lookup<ResponseWord> for TokenResponse {
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
