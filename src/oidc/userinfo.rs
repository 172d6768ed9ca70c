//! UserInfo (OIDC Core §5.3).

use serde_json::{Map, Value as Json};

use super::id_token::{About, Place};
use crate::keys::{JwtKind, UnusableKey};
use crate::oauth::access_token::Requirement;
use crate::oauth::{Authority, Refusal};
use crate::protocol::{Fault, Scope};

/// Who the user is, in the form the client is registered for.
#[derive(Debug)]
pub enum Userinfo {
    Json(Vec<u8>),
    Jwt(String),
}

impl Authority<'_> {
    /// What the holder of an access token may know of its user.
    ///
    /// # Errors
    /// `MissingAccessToken`, `InvalidAccessToken`, `ExpiredAccessToken`, and `InsufficientScope`
    /// for a token without `openid`.
    pub async fn userinfo(&self, token: Option<&str>) -> Result<Userinfo, Refusal> {
        let scope = Scope::from_tokens(["openid"]).unwrap_or_default();
        let requirement = Requirement {
            scope,
            ..Requirement::default()
        };
        let facts = self.authorize(token, &requirement).await?;
        let signed_in = facts.user.ok_or(Fault::InvalidAccessToken)?;
        let (store, issuer) = (&self.core.store, self.issuer);
        let grant = Box::pin(store.find_grant(issuer.id, signed_in.grant)).await?;
        let user = Box::pin(store.get_user(issuer.id, signed_in.user)).await?;
        let client = store.find_client(issuer.id, &facts.client_id).await?;
        let (Some(grant), Some(user), Some(client)) = (grant, user, client) else {
            return Err(Fault::InvalidAccessToken.into());
        };
        let about = About::new(
            self,
            &client,
            &user,
            &grant,
            &facts.scope,
            Place::Userinfo,
            self.core.clock.now(),
        );
        let json = issuer.dialect.userinfo.claims.render(&about);
        let Some(alg) = client.metadata.userinfo_signed_response_alg else {
            return Ok(Userinfo::Json(json));
        };
        let key = issuer
            .keys
            .find(Some(alg))
            .ok_or(UnusableKey("the issuer has none for the client's UserInfo"))?;
        let unreadable = |_| UnusableKey("the dialect's userinfo.claims are no JSON object");
        let mut claims: Map<String, Json> = serde_json::from_slice(&json).map_err(unreadable)?;
        // OIDC Core §5.3.2: a signed answer says who it is from and for.
        claims.insert("iss".to_owned(), self.identifier.into());
        claims.insert("aud".to_owned(), client.client_id.clone().into());
        let claims = Json::Object(claims).to_string();
        Ok(Userinfo::Jwt(
            key.sign(JwtKind::IdToken, claims.as_bytes())?,
        ))
    }
}
