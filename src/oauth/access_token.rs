//! An access token presented to this server: whether it is one of its own, and what it says.

use std::sync::Arc;

use serde_json::{Map, Value as Json};

use super::{Authority, Refusal};
use crate::account::{Amr, Grant, GrantId, SessionId, User, UserId};
use crate::clock::Timestamp;
use crate::dialect::TokenWord;
use crate::dialect::template::{Lookup, Value};
use crate::issuer::{Client, Issuer};
use crate::protocol::{Fault, Scope};
use crate::secret::Digest;
use crate::store::{DatedClient, StoredToken};

/// What is known of a token, whatever it looks like.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct TokenFacts {
    pub issuer: String,
    pub client_id: String,
    pub subject: String,
    pub audience: Vec<String>,
    pub scope: Scope,
    pub token_use: TokenUse,
    /// `None` where the dialect's JWTs don't say.
    pub issued_at: Option<Timestamp>,
    pub expires_at: Timestamp,
    /// `None` for a machine's token.
    pub user: Option<UserFacts>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum TokenUse {
    Access,
    Refresh,
}

/// The sign-in behind a user's token.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserFacts {
    pub user: UserId,
    pub grant: GrantId,
    pub session: SessionId,
    pub username: String,
    pub auth_time: Timestamp,
    pub amr: Vec<String>,
    pub acr: Option<String>,
    sid: String,
}

impl UserFacts {
    pub fn new(grant: &Grant, user: &User) -> Self {
        Self {
            user: grant.user,
            grant: grant.id,
            session: grant.session,
            username: user.username.clone(),
            auth_time: grant.auth_time,
            amr: amr_names(&grant.amr),
            acr: grant.acr.clone(),
            sid: grant.session.0.to_string(),
        }
    }
}

/// Ways to sign in, as RFC 8176 names them.
pub fn amr_names(amr: &[Amr]) -> Vec<String> {
    amr.iter()
        .map(|method| method.as_str().to_owned())
        .collect()
}

/// What a resource asks of a token.
#[derive(Debug, Clone, Default)]
pub struct Requirement {
    /// The token must have all of it.
    pub scope: Scope,
    /// The token must name one of these; any audience will do when there are none.
    pub audience: Vec<String>,
    /// Whether a token without scope, of a client that was granted everything, stands for what
    /// that client may do. Medblocks' guide calls its FHIR API with such a token.
    pub unscoped_means_every_permission: bool,
}

/// How a token is kept, and so how it is revoked.
pub(super) enum Found {
    Opaque { hash: Digest },
    Jwt { hash: Digest },
    Refresh { grant: GrantId, is_spent: bool },
}

/// What this issuer says of a token it made: alive, or why not.
#[expect(
    clippy::large_enum_variant,
    reason = "active is what most are, and no more than one is around at a time"
)]
pub(super) enum Status {
    /// Not a token of this issuer, or revoked, or of a client or user that is gone or blocked, or of one
    /// before that had the client's ID.
    Unknown,
    Expired,
    Active {
        facts: TokenFacts,
        found: Found,
        client: Arc<Client>,
    },
}

impl Authority<'_> {
    /// Looks an access token up, as JWT or as opaque token.
    pub(super) async fn find_token(&self, token: &str) -> Result<Status, Refusal> {
        let Self { core, issuer, .. } = *self;
        let store = &core.store;
        let (facts, found, grant) = match read_jwt(issuer, token) {
            Some(facts) => {
                let hash = jwt_digest(token);
                if Box::pin(store.is_jwt_revoked(issuer.id, &hash)).await? {
                    return Ok(Status::Unknown);
                }
                let grant = Box::pin(store.find_issued_jwt(issuer.id, &hash)).await?;
                (facts, Found::Jwt { hash }, grant)
            }
            None => {
                let hash = Digest::of(token.as_bytes());
                let stored = Box::pin(store.find_access_token(issuer.id, &hash)).await?;
                let Some(stored) = stored.filter(|stored| !stored.is_revoked) else {
                    return Ok(Status::Unknown);
                };
                let grant = match stored.grant {
                    None => None,
                    Some(grant) => match Box::pin(store.find_grant(issuer.id, grant)).await? {
                        None => return Ok(Status::Unknown),
                        found => found,
                    },
                };
                (self.facts_of(stored), Found::Opaque { hash }, grant)
            }
        };
        self.status(facts, found, grant).await
    }

    /// Looks a refresh token up, spent or not.
    pub(super) async fn find_refresh_token(&self, token: &str) -> Result<Status, Refusal> {
        let store = &self.core.store;
        let hash = Digest::of(token.as_bytes());
        let found = Box::pin(store.find_refresh_token(self.issuer.id, &hash)).await?;
        let Some((token, grant)) = found else {
            return Ok(Status::Unknown);
        };
        let is_spent = token.spent_at.is_some();
        let facts = TokenFacts {
            issuer: self.identifier.to_owned(),
            client_id: grant.client_id.clone(),
            subject: grant.subject.clone(),
            audience: grant.audience.clone(),
            scope: grant.scope.clone(),
            token_use: TokenUse::Refresh,
            issued_at: Some(token.issued_at),
            expires_at: token.expires_at,
            user: None,
        };
        let found = Found::Refresh {
            grant: grant.id,
            is_spent,
        };
        self.status(facts, found, Some(grant)).await
    }

    /// A token dies with its grant, its client and its user.
    async fn status(
        &self,
        mut facts: TokenFacts,
        found: Found,
        grant: Option<Grant>,
    ) -> Result<Status, Refusal> {
        let Self { core, issuer, .. } = *self;
        if let Some(grant) = grant {
            let user = Box::pin(core.store.get_user(issuer.id, grant.user)).await?;
            match user.filter(|user| !user.is_blocked && !grant.is_revoked) {
                Some(user) => facts.user = Some(UserFacts::new(&grant, &user)),
                None => return Ok(Status::Unknown),
            }
        }
        let store = &core.store;
        let known = store.find_known_client(issuer.id, &facts.client_id).await?;
        // What was issued before was issued to another client, which had its ID.
        let known = known.filter(|known| facts.issued_at.is_none_or(|at| known.since <= at));
        let Some(DatedClient { client, .. }) = known else {
            return Ok(Status::Unknown);
        };
        let now = core.clock.now();
        if facts.expires_at <= now {
            return Ok(Status::Expired);
        }
        Ok(Status::Active {
            facts,
            found,
            client,
        })
    }

    fn facts_of(&self, stored: StoredToken) -> TokenFacts {
        TokenFacts {
            issuer: self.identifier.to_owned(),
            client_id: stored.client_id,
            subject: stored.subject,
            audience: stored.audience,
            scope: stored.scope,
            token_use: TokenUse::Access,
            issued_at: Some(stored.issued_at),
            expires_at: stored.expires_at,
            user: None,
        }
    }

    /// Whether a request with this token may pass, and what the token says (RFC 6750 §3.1).
    ///
    /// # Errors
    /// `MissingAccessToken`, `InvalidAccessToken`, `ExpiredAccessToken`, `InsufficientScope`.
    pub async fn authorize(
        &self,
        token: Option<&str>,
        requirement: &Requirement,
    ) -> Result<TokenFacts, Refusal> {
        let token = token.ok_or(Fault::MissingAccessToken)?;
        let (facts, client) = match self.find_token(token).await? {
            Status::Active { facts, client, .. } => (facts, client),
            Status::Expired => return Err(Fault::ExpiredAccessToken.into()),
            Status::Unknown => return Err(Fault::InvalidAccessToken.into()),
        };
        let audience = &requirement.audience;
        if !audience.is_empty() && !facts.audience.iter().any(|own| audience.contains(own)) {
            return Err(Fault::InvalidAccessToken.into());
        }
        // What a user did not grant, no client may do in their name.
        let is_unscoped = requirement.unscoped_means_every_permission
            && facts.scope.is_empty()
            && facts.user.is_none();
        let lacks = if is_unscoped && client.has_every_permission() {
            let apis = self.core.store.apis(self.issuer.id).await?;
            let permissions = client.machine_permissions(&apis);
            requirement
                .scope
                .retain(|needed| !permissions.contains(needed))
        } else {
            requirement
                .scope
                .retain(|needed| !facts.scope.contains(needed))
        };
        if !lacks.is_empty() {
            return Err(Fault::InsufficientScope {
                scope: requirement.scope.clone(),
            }
            .into());
        }
        Ok(facts)
    }
}

/// What identifies a JWT for revocation: everything its signature covers, and not the signature,
/// because an ECDSA signature has a twin that verifies as well.
pub(super) fn jwt_digest(token: &str) -> Digest {
    let signed = token.rsplit_once('.').map_or(token, |(signed, _)| signed);
    Digest::of(signed.as_bytes())
}

/// The facts in a JWT that this issuer signed as an access token. The dialect's own claims
/// template says under which name each is found.
fn read_jwt(issuer: &Issuer, token: &str) -> Option<TokenFacts> {
    let claims = issuer.keys.verify(token).ok()?;
    let template = &issuer.dialect.access_token.claims;
    let named = |word: TokenWord| {
        let name = template.member_for(word)?;
        claims.get(name)
    };
    let iss = named(TokenWord::Issuer)?.as_str()?;
    if !issuer.identifiers.iter().any(|own| own == iss) {
        return None;
    }
    let client_id = named(TokenWord::ClientId)?.as_str()?.to_owned();
    Some(TokenFacts {
        issuer: iss.to_owned(),
        subject: text(&claims, "sub").unwrap_or(&client_id).to_owned(),
        audience: claims.get("aud").map(strings).unwrap_or_default(),
        scope: named(TokenWord::Scope).and_then(scope).unwrap_or_default(),
        token_use: TokenUse::Access,
        user: None,
        issued_at: named(TokenWord::IssuedAt)
            .and_then(Json::as_i64)
            .map(Timestamp::from_unix),
        expires_at: Timestamp::from_unix(named(TokenWord::ExpiresAt)?.as_i64()?),
        client_id,
    })
}

fn text<'a>(claims: &'a Map<String, Json>, name: &str) -> Option<&'a str> {
    claims.get(name)?.as_str()
}

/// A string, or an array of strings.
fn strings(value: &Json) -> Vec<String> {
    match value {
        Json::String(one) => vec![one.clone()],
        Json::Array(many) => many
            .iter()
            .filter_map(|item| item.as_str().map(str::to_owned))
            .collect(),
        _ => Vec::new(),
    }
}

fn scope(value: &Json) -> Option<Scope> {
    match value {
        Json::String(text) => text.parse().ok(),
        other => Scope::from_tokens(strings(other)).ok(),
    }
}

impl Lookup<TokenWord> for TokenFacts {
    fn value(&self, word: TokenWord) -> Value<'_> {
        match word {
            TokenWord::Issuer => Value::text(&self.issuer),
            TokenWord::ClientId => Value::text(&self.client_id),
            TokenWord::Subject => Value::text(&self.subject),
            TokenWord::Audience => Value::List(self.audience.as_slice().into()),
            TokenWord::Scope => Value::Words(self.scope.tokens()),
            TokenWord::IssuedAt => self.issued_at.map_or(Value::Absent, Value::Instant),
            TokenWord::ExpiresAt => Value::Instant(self.expires_at),
            TokenWord::TokenType => match self.token_use {
                TokenUse::Access => Value::text("Bearer"),
                TokenUse::Refresh => Value::Absent,
            },
            TokenWord::TokenUse => Value::text(match self.token_use {
                TokenUse::Access => "access_token",
                TokenUse::Refresh => "refresh_token",
            }),
            TokenWord::Username => self
                .user
                .as_ref()
                .map_or(Value::Absent, |user| Value::text(&user.username)),
            TokenWord::AuthTime => self
                .user
                .as_ref()
                .map_or(Value::Absent, |user| Value::Instant(user.auth_time)),
            TokenWord::Acr => Value::optional(self.user.as_ref().and_then(|u| u.acr.as_deref())),
            TokenWord::Amr => self.user.as_ref().map_or(Value::Absent, |user| {
                Value::List(user.amr.as_slice().into())
            }),
            TokenWord::Sid => self
                .user
                .as_ref()
                .map_or(Value::Absent, |user| Value::text(&user.sid)),
            // Only a token being made has them to give.
            TokenWord::Jti | TokenWord::Permissions | TokenWord::ClientClaims => Value::Absent,
        }
    }
}
