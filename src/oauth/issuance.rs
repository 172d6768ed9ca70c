//! The single place where tokens are minted, whatever the grant.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Map, Value as Json};

use super::access_token::{TokenFacts, TokenUse, UserFacts, jwt_digest};
use super::entitlement::{Actor, Entitlement, permissions};
use super::{Authority, Refusal, TokenResponse, record};
use crate::account::{Grant, GrantId, RefreshToken, Role, User};
use crate::clock::Timestamp;
use crate::dialect::template::{Lookup, Value};
use crate::dialect::{Endpoint, MissingAudience, TokenFormat, TokenWord, WithoutApi};
use crate::entropy::Entropy;
use crate::issuer::{Api, Client};
use crate::keys::{JwtKind, UnusableKey};
use crate::oidc::claims::client_claims;
use crate::oidc::id_token::NewIdToken;
use crate::protocol::{GrantType, Scope};
use crate::secret::{Digest, Secret};
use crate::store::{StoredToken, Tx};

/// A decision that has been made: who gets an access token, for what.
pub(super) struct Issue<'a> {
    pub client_id: &'a str,
    pub subject: &'a str,
    pub audience: Vec<String>,
    /// The APIs behind the audience; they may have wishes about lifetime, format and algorithm.
    pub apis: &'a [&'a Api],
    pub scope: Scope,
    /// Of a user's token.
    pub user: Option<NewUserToken<'a>>,
}

pub(super) struct NewUserToken<'a> {
    pub facts: UserFacts,
    pub permissions: Vec<String>,
    pub client_claims: &'a Map<String, Json>,
}

/// A token that has been made and not yet been stored.
pub(super) struct Minted {
    pub response: TokenResponse,
    pub resting: Resting,
    pub expires_at: Timestamp,
}

/// What is kept of a token.
pub(super) enum Resting {
    Opaque(StoredToken),
    /// A JWT stands for itself. One that came of a grant is kept track of, by this hash.
    Jwt(Digest),
}

/// What users may be granted here, read before a transaction begins: within one, an in-memory
/// database has no connection to spare.
pub(in crate::oauth) struct Standing {
    pub apis: Arc<[Api]>,
    pub roles: Arc<[Role]>,
}

/// What a token request is answered for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Occasion {
    Code,
    Refresh,
}

impl Authority<'_> {
    pub(in crate::oauth) async fn standing(&self) -> Result<Standing, Refusal> {
        let store = &self.core.store;
        Ok(Standing {
            apis: store.apis(self.issuer.id).await?,
            roles: store.roles(self.issuer.id).await?,
        })
    }

    /// Makes an access token.
    pub(super) fn mint(&self, issue: Issue<'_>) -> Result<Minted, Refusal> {
        let Self { core, issuer, .. } = *self;
        let policy = &issuer.dialect.access_token;
        let issued_at = core.clock.now();
        let lifetime = lifetime(issue.apis, policy.lifetime);
        let expires_at = issued_at + lifetime;
        let grant = issue.user.as_ref().map(|user| user.facts.grant);
        let is_for_no_api = grant.is_some() && issue.apis.is_empty();
        let format =
            if is_for_no_api && issuer.dialect.authorization.without_api == WithoutApi::Opaque {
                TokenFormat::Opaque
            } else {
                format(issue.apis, policy.format)
            };
        let (access_token, resting) = match format {
            TokenFormat::Jwt => {
                let claims = match &issue.user {
                    None => &policy.claims,
                    Some(_) => &policy.user_claims,
                };
                let new = NewToken {
                    facts: TokenFacts {
                        issuer: self.identifier.to_owned(),
                        client_id: issue.client_id.to_owned(),
                        subject: issue.subject.to_owned(),
                        audience: issue.audience.clone(),
                        scope: issue.scope.clone(),
                        token_use: TokenUse::Access,
                        issued_at: Some(issued_at),
                        expires_at,
                        user: issue.user.as_ref().map(|user| user.facts.clone()),
                    },
                    user: issue.user.as_ref(),
                    entropy: &core.entropy,
                };
                let alg = issue.apis.iter().find_map(|api| api.signing_alg);
                let key = issuer
                    .keys
                    .find(alg)
                    .ok_or(UnusableKey("the issuer has none for the API's signing_alg"))?;
                let token = Secret::new(key.sign(JwtKind::AccessToken, &claims.render(&new))?);
                let hash = jwt_digest(token.expose());
                (token, Resting::Jwt(hash))
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
                    grant,
                    issued_at,
                    expires_at,
                    is_revoked: false,
                };
                (token, Resting::Opaque(stored))
            }
        };
        Ok(Minted {
            response: TokenResponse {
                issuer: self.identifier.to_owned(),
                client_id: issue.client_id.to_owned(),
                access_token,
                refresh_token: None,
                id_token: None,
                scope: issue.scope,
                audience: issue.audience,
                issued_at,
                lifetime,
            },
            resting,
            expires_at,
        })
    }

    /// What a grant is worth now, as tokens: its scope, or the narrower one that a refresh asks
    /// for, less what the client or the user may no longer have. Everything is stored in `tx`.
    #[expect(
        clippy::too_many_arguments,
        reason = "each is another thing, and none is optional"
    )]
    pub(super) async fn issue_for_user(
        &self,
        tx: &mut Tx,
        standing: &Standing,
        client: &Client,
        user: &User,
        grant: &Grant,
        scope: &Scope,
        occasion: Occasion,
    ) -> Result<TokenResponse, Refusal> {
        let issuer = self.issuer;
        let dialect = &*issuer.dialect;
        let roles = user.roles_among(&standing.roles);
        let entitlement = Entitlement::new(dialect, &standing.apis, client, Actor::User);
        let scope = entitlement.permitted(dialect, &grant.audience, scope, &roles);
        let apis = entitlement.apis_for(&grant.audience, &scope)?;
        let client_claims = client_claims(client, user);
        let minted = self.mint(Issue {
            client_id: &client.client_id,
            subject: &grant.subject,
            audience: self.user_audience(grant, &apis, &scope),
            apis: &apis,
            scope,
            user: Some(NewUserToken {
                facts: UserFacts::new(grant, user),
                permissions: permissions(&apis, &roles),
                client_claims: &client_claims,
            }),
        })?;
        match &minted.resting {
            Resting::Opaque(token) => tx.insert_access_token(token).await?,
            Resting::Jwt(hash) => {
                tx.insert_issued_jwt(issuer.id, hash, grant.id, minted.expires_at)
                    .await?;
            }
        }
        tx.extend_grant(issuer.id, grant.id, minted.expires_at)
            .await?;
        let mut response = minted.response;
        if response.scope.contains("openid") {
            let token = NewIdToken {
                authority: self,
                client,
                user,
                grant,
                scope: &response.scope,
                client_claims: &client_claims,
                occasion,
                access_token: &response.access_token,
            };
            response.id_token = Some(token.sign()?);
        }
        Ok(response)
    }

    /// What stands in `aud` of a user's token.
    fn user_audience(&self, grant: &Grant, apis: &[&Api], scope: &Scope) -> Vec<String> {
        let dialect = &*self.issuer.dialect;
        let mut audience = grant.audience.clone();
        if audience.is_empty() && dialect.audience.when_missing == MissingAudience::FromScope {
            audience.extend(apis.iter().map(|api| api.audience.clone()));
        }
        let userinfo = dialect.endpoints.find(Endpoint::Userinfo);
        if audience.is_empty() {
            match dialect.authorization.without_api {
                WithoutApi::Issuer => audience.push(self.identifier.to_owned()),
                WithoutApi::Nobody | WithoutApi::Opaque => {}
            }
        } else if dialect.userinfo.is_in_audience
            && scope.contains("openid")
            && let Some(path) = userinfo
        {
            audience.push(format!("{}{path}", self.base));
        }
        audience
    }

    /// Makes and stores a refresh token, if the dialect, the client and the scope have one.
    pub(super) async fn issue_refresh_token(
        &self,
        tx: &mut Tx,
        client: &Client,
        grant: &Grant,
    ) -> Result<Option<Secret>, Refusal> {
        let Self { core, issuer, .. } = *self;
        let dialect = &*issuer.dialect;
        let asks = |scope: &String| dialect.is_offline_scope(scope);
        let may = dialect.serves(GrantType::RefreshToken)
            && client.grant_types.contains(&GrantType::RefreshToken)
            && grant.scope.tokens().iter().any(asks);
        if !may {
            return Ok(None);
        }
        let now = core.clock.now();
        let token = Secret::new(dialect.refresh_token.opaque.render(&core.entropy));
        let rests = RefreshToken {
            grant: grant.id,
            issued_at: now,
            expires_at: self.refresh_token_expiry(grant, now),
            spent_at: None,
        };
        tx.insert_refresh_token(issuer.id, &token.digest(), &rests)
            .await?;
        // Until then a replay of it has to be noticed.
        let family_ends = grant.created_at + dialect.refresh_token.absolute_lifetime;
        tx.extend_grant(issuer.id, grant.id, family_ends).await?;
        Ok(Some(token))
    }

    /// When a refresh token that is used now, or made now, dies.
    pub(super) fn refresh_token_expiry(&self, grant: &Grant, now: Timestamp) -> Timestamp {
        let policy = &self.issuer.dialect.refresh_token;
        let family_ends = grant.created_at + policy.absolute_lifetime;
        if policy.idle_lifetime.is_zero() {
            family_ends
        } else {
            family_ends.min(now + policy.idle_lifetime)
        }
    }

    /// Everything that came of a grant is worth nothing from now on. Returns whether it was not
    /// before.
    pub(in crate::oauth) async fn revoke_grant(
        &self,
        tx: &mut Tx,
        grant: GrantId,
    ) -> Result<bool, Refusal> {
        let now = self.core.clock.now();
        Ok(tx.revoke_grant(self.issuer.id, grant, now).await?)
    }

    /// Somebody used a code or refresh token again. Revokes its grant and remembers both, the last
    /// thing before the commit.
    pub(in crate::oauth) async fn revoke_replayed(
        &self,
        tx: &mut Tx,
        token: &str,
        grant: GrantId,
        client: &Client,
    ) -> Result<(), Refusal> {
        let was_live = self.revoke_grant(tx, grant).await?;
        let actor = self.by_client(client);
        // Whoever has a token that is spent can show it for ever.
        let (core, id) = (self.core, grant.0.to_string());
        let left_out = core.seldom.admit(&["replay", &id], core.clock.now());
        if was_live || left_out.is_some() {
            self.record(tx, &actor, record::replay(token, grant, client))
                .await?;
        }
        if was_live {
            let event = record::grant_revoked("replay", grant, client);
            self.record(tx, &actor, event).await?;
        }
        Ok(())
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

/// A token being made: what is known of it, and what only a new one has.
struct NewToken<'a> {
    facts: TokenFacts,
    user: Option<&'a NewUserToken<'a>>,
    entropy: &'a Entropy,
}

impl Lookup<TokenWord> for NewToken<'_> {
    fn value(&self, word: TokenWord) -> Value<'_> {
        match (word, self.user) {
            (TokenWord::Jti, _) => Value::Text(self.entropy.uuid().to_string().into()),
            (TokenWord::Permissions, Some(user)) => Value::List(user.permissions.as_slice().into()),
            (TokenWord::ClientClaims, Some(user)) => {
                Value::Members(std::borrow::Cow::Borrowed(user.client_claims))
            }
            (other, _) => self.facts.value(other),
        }
    }
}
