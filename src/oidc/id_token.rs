//! ID tokens (OIDC Core §2): making them, and reading one that comes back as a hint.

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use super::claims::{scope_claims, select};
use super::claims_request::ClaimsRequest;
use crate::account::{Grant, User};
use crate::clock::Timestamp;
use crate::dialect::IdTokenWord;
use crate::dialect::template::{Lookup, Value};
use crate::issuer::Client;
use crate::keys::{JwtKind, UnusableKey};
use crate::oauth::access_token::amr_names;
use crate::oauth::issuance::Occasion;
use crate::oauth::{Authority, Refusal};
use crate::protocol::Scope;
use crate::secret::Secret;

/// An ID token about to be made.
pub struct NewIdToken<'a> {
    pub authority: &'a Authority<'a>,
    pub client: &'a Client,
    pub user: &'a User,
    pub grant: &'a Grant,
    pub scope: &'a Scope,
    pub client_claims: &'a Map<String, Json>,
    pub occasion: Occasion,
    pub access_token: &'a Secret,
}

impl NewIdToken<'_> {
    pub fn sign(&self) -> Result<Secret, Refusal> {
        let issuer = self.authority.issuer;
        let policy = &issuer.dialect.id_token;
        let alg = self.client.metadata.id_token_signed_response_alg;
        let key = issuer.keys.find(alg).ok_or(UnusableKey(
            "the issuer has none for the client's ID tokens",
        ))?;
        let issued_at = self.authority.core.clock.now();
        let about = About {
            at_hash: Some(key.half_hash(self.access_token.expose())),
            occasion: Some(self.occasion),
            // A nonce ties the token to one authorization request; a refresh answers none.
            nonce: self
                .grant
                .nonce
                .as_deref()
                .filter(|_| self.occasion == Occasion::Code),
            ..About::new(
                self.authority,
                self.client,
                self.user,
                self.grant,
                self.scope,
                Place::IdToken,
                issued_at,
            )
        };
        let claims = policy.claims.render(&about);
        Ok(Secret::new(key.sign(JwtKind::IdToken, &claims)?))
    }
}

/// Where claims go, for parameter `claims` names them for each place.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Place {
    IdToken,
    Userinfo,
}

/// Everything an ID token or UserInfo may say.
pub(super) struct About<'a> {
    issuer: &'a str,
    subject: &'a str,
    client_id: &'a str,
    issued_at: Timestamp,
    expires_at: Timestamp,
    grant: &'a Grant,
    amr: Vec<String>,
    sid: String,
    jti: String,
    scope_claims: Map<String, Json>,
    requested_claims: Map<String, Json>,
    client_claims: Map<String, Json>,
    nonce: Option<&'a str>,
    at_hash: Option<String>,
    occasion: Option<Occasion>,
}

impl<'a> About<'a> {
    pub(super) fn new(
        authority: &Authority<'a>,
        client: &'a Client,
        user: &'a User,
        grant: &'a Grant,
        scope: &Scope,
        place: Place,
        issued_at: Timestamp,
    ) -> Self {
        let dialect = &*authority.issuer.dialect;
        let updated_at = dialect.userinfo.updated_at;
        // It was checked when it came in.
        let asked = grant
            .claims_request
            .as_deref()
            .and_then(|text| ClaimsRequest::parse(text).ok())
            .unwrap_or_default();
        let client_claims = super::claims::client_claims(client, user);
        let mut requested_claims = match place {
            Place::IdToken => select(user, asked.id_token(), updated_at),
            Place::Userinfo => select(user, asked.userinfo(), updated_at),
        };
        requested_claims.extend(client_claims.clone());
        let mut scope_claims = scope_claims(user, scope, updated_at);
        scope_claims.extend(requested_claims.clone());
        Self {
            issuer: authority.identifier,
            subject: &grant.subject,
            client_id: &client.client_id,
            issued_at,
            expires_at: issued_at + dialect.id_token.lifetime,
            grant,
            amr: amr_names(&grant.amr),
            sid: grant.session.0.to_string(),
            jti: authority.core.entropy.uuid().to_string(),
            scope_claims,
            requested_claims,
            client_claims,
            nonce: None,
            at_hash: None,
            occasion: None,
        }
    }
}

impl Lookup<IdTokenWord> for About<'_> {
    fn value(&self, word: IdTokenWord) -> Value<'_> {
        let at_hash = || Value::optional(self.at_hash.as_deref());
        match word {
            IdTokenWord::Issuer => Value::text(self.issuer),
            IdTokenWord::Subject => Value::text(self.subject),
            IdTokenWord::ClientId => Value::text(self.client_id),
            IdTokenWord::IssuedAt => Value::Instant(self.issued_at),
            IdTokenWord::ExpiresAt => Value::Instant(self.expires_at),
            IdTokenWord::AuthTime => Value::Instant(self.grant.auth_time),
            IdTokenWord::RequestedAuthTime if self.grant.wants_auth_time => {
                Value::Instant(self.grant.auth_time)
            }
            IdTokenWord::RequestedAuthTime => Value::Absent,
            IdTokenWord::Nonce => Value::optional(self.nonce),
            IdTokenWord::AtHash => at_hash(),
            IdTokenWord::RefreshedAtHash if self.occasion == Some(Occasion::Refresh) => at_hash(),
            IdTokenWord::RefreshedAtHash => Value::Absent,
            IdTokenWord::Acr => Value::optional(self.grant.acr.as_deref()),
            IdTokenWord::Amr => Value::List(self.amr.as_slice().into()),
            IdTokenWord::Sid => Value::text(&self.sid),
            IdTokenWord::Jti => Value::text(&self.jti),
            IdTokenWord::ScopeClaims => Value::Members(Cow::Borrowed(&self.scope_claims)),
            IdTokenWord::RequestedClaims => Value::Members(Cow::Borrowed(&self.requested_claims)),
            IdTokenWord::ClientClaims => Value::Members(Cow::Borrowed(&self.client_claims)),
        }
    }
}

/// What an ID token that comes back says of who it was for. It may have expired: what counts is
/// that it was issued here (OIDC RP-Initiated Logout §2).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IdTokenHint {
    pub subject: String,
    pub client_id: String,
    pub sid: Option<String>,
}

impl Authority<'_> {
    /// Reads an `id_token_hint`; `None` when it is no ID token of this issuer.
    pub fn read_id_token_hint(&self, token: &str) -> Option<IdTokenHint> {
        let issuer = self.issuer;
        let claims = issuer.keys.verify(token).ok()?;
        let text = |name: &str| claims.get(name).and_then(Json::as_str);
        let iss = text("iss")?;
        if !issuer.identifiers.iter().any(|own| own == iss) {
            return None;
        }
        // An access token is no hint, though the same key signed it: it names its client by
        // another claim, which ID tokens do not have.
        let access = &issuer.dialect.access_token.claims;
        let names_client = access.member_for(crate::dialect::TokenWord::ClientId)?;
        if claims.contains_key(names_client) || claims.contains_key("events") {
            return None;
        }
        // Nor is UserInfo as a JWT, which says neither of these.
        if !claims.contains_key("exp") || !claims.contains_key("iat") {
            return None;
        }
        let client_id = match claims.get("aud")? {
            Json::String(one) => one.clone(),
            Json::Array(many) => many.first()?.as_str()?.to_owned(),
            _ => return None,
        };
        Some(IdTokenHint {
            subject: text("sub")?.to_owned(),
            client_id,
            sid: text("sid").map(str::to_owned),
        })
    }
}
