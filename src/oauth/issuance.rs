//! The single place where tokens are minted, whatever the grant.

use std::time::Duration;

use super::access_token::TokenFacts;
use super::{Authority, Refusal, TokenResponse};
use crate::dialect::template::{Lookup, Value};
use crate::dialect::{RandomWord, TokenFormat, TokenWord};
use crate::entropy::Entropy;
use crate::issuer::Api;
use crate::keys::UnusableKey;
use crate::protocol::Scope;
use crate::secret::{Secret, random_text};
use crate::store::StoredToken;

/// A decision that has been made: who gets a token, for what.
pub(super) struct Issue<'a> {
    pub client_id: &'a str,
    pub subject: &'a str,
    pub audience: Vec<String>,
    /// The APIs behind the audience; they may have wishes about lifetime, format and algorithm.
    pub apis: &'a [&'a Api],
    pub scope: Scope,
}

impl Authority<'_> {
    /// Mints an access token, and stores it if it is opaque.
    pub(super) async fn issue(&self, issue: Issue<'_>) -> Result<TokenResponse, Refusal> {
        let Self {
            core,
            issuer,
            identifier,
        } = *self;
        let policy = &issuer.dialect.access_token;
        let issued_at = core.clock.now();
        let lifetime = lifetime(issue.apis, policy.lifetime);
        let expires_at = issued_at + lifetime;
        let access_token = match format(issue.apis, policy.format) {
            TokenFormat::Jwt => {
                let facts = TokenFacts {
                    issuer: identifier.to_owned(),
                    client_id: issue.client_id.to_owned(),
                    subject: issue.subject.to_owned(),
                    audience: issue.audience.clone(),
                    scope: issue.scope.clone(),
                    issued_at: Some(issued_at),
                    expires_at,
                };
                let alg = issue.apis.iter().find_map(|api| api.signing_alg);
                let key = issuer
                    .keys
                    .find(alg)
                    .ok_or(UnusableKey("the issuer has none for the API's signing_alg"))?;
                let claims = policy.claims.render(&NewToken {
                    facts: &facts,
                    entropy: &core.entropy,
                });
                Secret::new(key.sign(&claims)?)
            }
            TokenFormat::Opaque => {
                let token = Secret::new(policy.opaque.render(&core.entropy));
                let stored = StoredToken {
                    issuer: issuer.id,
                    hash: token.digest(),
                    client_id: issue.client_id.to_owned(),
                    subject: issue.subject.to_owned(),
                    audience: issue.audience.clone(),
                    scope: issue.scope.clone(),
                    grant: None,
                    issued_at,
                    expires_at,
                    is_revoked: false,
                };
                core.store.insert_access_token(stored).await?;
                token
            }
        };
        Ok(TokenResponse {
            issuer: identifier.to_owned(),
            client_id: issue.client_id.to_owned(),
            access_token,
            scope: issue.scope,
            audience: issue.audience,
            issued_at,
            lifetime,
        })
    }
}

/// The shortest that any of the APIs wants, or the dialect's.
fn lifetime(apis: &[&Api], default: Duration) -> Duration {
    apis.iter()
        .map(|api| api.token_lifetime.unwrap_or(default))
        .min()
        .unwrap_or(default)
}

/// What the APIs agree on, or the dialect's.
fn format(apis: &[&Api], default: TokenFormat) -> TokenFormat {
    let mut wishes = apis.iter().map(|api| api.token_format.unwrap_or(default));
    match wishes.next() {
        Some(first) if wishes.all(|other| other == first) => first,
        _ => default,
    }
}

impl Lookup<RandomWord> for Entropy {
    fn value(&self, word: RandomWord) -> Value<'_> {
        match word {
            RandomWord::Random => Value::Text(random_text(self).into()),
            RandomWord::RandomHex => {
                let digits = self.bytes::<32>().map(|byte| format!("{byte:02x}"));
                Value::Text(digits.concat().into())
            }
        }
    }
}

/// A token being made: what is known of it, and a new `jti` for whoever asks.
struct NewToken<'a> {
    facts: &'a TokenFacts,
    entropy: &'a Entropy,
}

impl Lookup<TokenWord> for NewToken<'_> {
    fn value(&self, word: TokenWord) -> Value<'_> {
        match word {
            TokenWord::Jti => Value::Text(self.entropy.uuid().to_string().into()),
            other => self.facts.value(other),
        }
    }
}
