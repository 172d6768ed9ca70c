//! The token endpoint (RFC 6749 §3.2): which grant is asked for, and by whom.

use std::time::Duration;

use super::{Authority, ClientRequest, Refusal};
use crate::audit::Counted;
use crate::clock::Timestamp;
use crate::dialect::ResponseWord;
use crate::dialect::template::{Lookup, Value};
use crate::protocol::{Fault, GrantType, Scope, parameter};
use crate::secret::Secret;

/// What the token endpoint answers (RFC 6749 §5.1), before the dialect gives it a shape.
#[derive(Debug, Clone)]
pub struct TokenResponse {
    pub issuer: String,
    pub client_id: String,
    pub access_token: Secret,
    pub refresh_token: Option<Secret>,
    pub id_token: Option<Secret>,
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
        let response = self.exchange_uncounted(asked).await?;
        self.count(Counted::Tokens);
        Ok(response)
    }

    async fn exchange_uncounted(&self, asked: &ClientRequest) -> Result<TokenResponse, Refusal> {
        let dialect = &self.issuer.dialect;
        let grant_type = asked
            .parameters
            .find(parameter::GRANT_TYPE)
            .ok_or(Fault::MissingGrantType);
        if !dialect.token_request.client_first {
            grant_type.clone()?;
        }
        let client = self.authenticate(&asked.credentials).await?;
        let grant_type = grant_type?;
        let parameters = &asked.parameters;
        match GrantType::find(grant_type).filter(|grant| dialect.serves(*grant)) {
            Some(GrantType::ClientCredentials) => {
                self.client_credentials(&client, parameters).await
            }
            // Boxed: these are large, and machines ask far more often.
            Some(GrantType::AuthorizationCode) => {
                Box::pin(self.authorization_code(&client, parameters)).await
            }
            Some(GrantType::RefreshToken) => {
                Box::pin(self.refresh_token(&client, parameters)).await
            }
            None => Err(Fault::UnsupportedGrantType {
                grant_type: grant_type.to_owned(),
            }
            .into()),
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
            ResponseWord::RefreshToken => {
                Value::optional(self.refresh_token.as_ref().map(Secret::expose))
            }
            ResponseWord::IdToken => Value::optional(self.id_token.as_ref().map(Secret::expose)),
        }
    }
}
