//! What the types of the schema alone cannot say.

use std::collections::HashSet;

use super::schema::Dialect;
use super::template::{JsonTemplate, TextTemplate, Vocabulary};
use super::words::{
    AuthorizationWord, ClientWord, HeaderWord, IdTokenWord, RandomWord, ResponseWord, TokenWord,
};
use super::{BodyEncoding, Endpoint, FORWARD_AUTH, is_header_name, page_at};

/// What is wrong, and the path of the key it is about.
pub(super) struct Wrong {
    pub at: &'static [&'static str],
    pub message: String,
}

const GUESSABLE: &str = "nothing in it is random enough, so others could guess it; {random} is";

fn is_unguessable(template: &TextTemplate<RandomWord>) -> bool {
    RandomWord::unguessable().any(|word| template.mentions(word))
}

fn wrong(at: &'static [&'static str], message: impl Into<String>) -> Result<(), Wrong> {
    Err(Wrong {
        at,
        message: message.into(),
    })
}

impl Dialect {
    pub(super) fn check(&self) -> Result<(), Wrong> {
        self.check_endpoints()?;
        self.check_request()?;
        self.check_tokens()?;
        self.check_sign_in()?;
        self.check_registration()?;
        self.check_claims(&["access_token", "claims"], &self.access_token.claims)?;
        self.check_claims(
            &["access_token", "user_claims"],
            &self.access_token.user_claims,
        )
    }

    fn check_endpoints(&self) -> Result<(), Wrong> {
        let mut known = HashSet::from([FORWARD_AUTH.to_owned()]);
        for (_, path) in self.endpoints.iter() {
            let is_page = self.has_users() && page_at(path).is_some();
            if !known.insert(self.path_key(path)) || is_page {
                let message = format!("{path} stands for two endpoints, or is one of Locum's own");
                return wrong(&["endpoints"], message);
            }
        }
        Ok(())
    }

    fn check_request(&self) -> Result<(), Wrong> {
        let headers = &self.cors.allow_headers;
        if let Some(name) = headers.iter().find(|name| !is_header_name(name)) {
            return wrong(
                &["cors", "allow_headers"],
                format!("{name:?} is not a header name"),
            );
        }
        Ok(())
    }

    fn check_tokens(&self) -> Result<(), Wrong> {
        let members = &self.token_response.members;
        if !members.mentions(ResponseWord::AccessToken) {
            return wrong(
                &["token_response", "members"],
                "{access_token} is nowhere, so no client would get its token",
            );
        }
        if self.access_token.lifetime.is_zero() {
            return wrong(
                &["access_token", "lifetime"],
                "expected at least one second",
            );
        }
        let header = &self.access_token.header;
        if !header.is_plain("kid", HeaderWord::Kid) && !header.is_plain("kid", HeaderWord::X5t) {
            return wrong(
                &["access_token", "header"],
                "kid is neither {kid} nor {x5t}, so nobody could tell which key signed",
            );
        }
        if !is_unguessable(&self.access_token.opaque) {
            return wrong(&["access_token", "opaque"], GUESSABLE);
        }
        if !is_unguessable(&self.refresh_token.opaque) {
            return wrong(&["refresh_token", "opaque"], GUESSABLE);
        }
        if !is_unguessable(&self.authorization.code) {
            return wrong(&["authorization", "code"], GUESSABLE);
        }
        Ok(())
    }

    fn check_registration(&self) -> Result<(), Wrong> {
        let shape = &self.registration;
        if !RandomWord::WORDS
            .iter()
            .any(|(_, word, _)| shape.client_id.mentions(*word))
        {
            return wrong(
                &["registration", "client_id"],
                "nothing in it is random, so every client would have the same",
            );
        }
        for (at, template) in [
            (&["registration", "client_secret"], &shape.client_secret),
            (&["registration", "access_token"], &shape.access_token),
        ] {
            if !is_unguessable(template) {
                return wrong(at, GUESSABLE);
            }
        }
        for (at, template) in [
            (&["registration", "created"], &shape.created),
            (&["registration", "read"], &shape.read),
        ] {
            if !template.mentions(ClientWord::ClientId) {
                return wrong(at, "{client_id} is nowhere, so no client would get its ID");
            }
        }
        if !shape.created.mentions(ClientWord::ClientSecret) {
            return wrong(
                &["registration", "created"],
                "{client_secret} is nowhere, so no client would get its secret",
            );
        }
        if shape.body.contains(&BodyEncoding::Multipart) || shape.body.is_empty() {
            return wrong(&["registration", "body"], "expected json, form or both");
        }
        Ok(())
    }

    fn check_sign_in(&self) -> Result<(), Wrong> {
        if !self
            .authorization
            .response
            .mentions(AuthorizationWord::Code)
        {
            return wrong(
                &["authorization", "response"],
                "{code} is nowhere, so no client would get its code",
            );
        }
        if !self
            .authorization
            .error_response
            .mentions(AuthorizationWord::Error)
        {
            return wrong(
                &["authorization", "error_response"],
                "{error} is nowhere, so no client would know what happened",
            );
        }
        let shortest = self.authorization.code_lifetime;
        if shortest.is_zero() || shortest > std::time::Duration::from_secs(600) {
            return wrong(
                &["authorization", "code_lifetime"],
                "expected 1 to 600 seconds (RFC 6749 §4.1.2)",
            );
        }
        let claims = &self.id_token.claims;
        for (word, name) in [
            (IdTokenWord::Issuer, "iss"),
            (IdTokenWord::Subject, "sub"),
            (IdTokenWord::ExpiresAt, "exp"),
            (IdTokenWord::IssuedAt, "iat"),
        ] {
            if !claims.is_plain(name, word) {
                return wrong(
                    &["id_token", "claims"],
                    format!("expected a member {name} as OIDC Core §2 has it"),
                );
            }
        }
        if self.endpoints.find(Endpoint::CheckSession).is_some()
            && !self
                .authorization
                .response
                .mentions(AuthorizationWord::SessionState)
        {
            return wrong(
                &["authorization", "response"],
                "{session_state} is nowhere, so the check_session endpoint is of no use",
            );
        }
        // An ID token must never pass for an access token, which is known by the claim that names
        // its client.
        let names_client = self.access_token.claims.member_for(TokenWord::ClientId);
        if let Some(name) = names_client.filter(|name| claims.has_member(name)) {
            return wrong(
                &["id_token", "claims"],
                format!(
                    "`{name}` is how access tokens are told from ID tokens, so an ID token cannot have it"
                ),
            );
        }
        Ok(())
    }

    /// Locum reads its own tokens back, at introspection for one.
    fn check_claims(
        &self,
        at: &'static [&'static str],
        claims: &JsonTemplate<TokenWord>,
    ) -> Result<(), Wrong> {
        for (word, name) in [
            (TokenWord::Issuer, "issuer"),
            (TokenWord::ClientId, "client_id"),
            (TokenWord::Scope, "scope"),
        ] {
            // Both kinds of token are read alike.
            let same = self.access_token.claims.member_for(word);
            if claims.member_for(word).is_none() || claims.member_for(word) != same {
                return wrong(
                    at,
                    format!("no member is just {{{name}}}, so Locum could not read its own tokens"),
                );
            }
        }
        if !claims.is_plain("exp", TokenWord::ExpiresAt) {
            return wrong(
                at,
                "expected exp = \"{expires_at}\", in seconds (RFC 7519 §4.1.4)",
            );
        }
        if self.revocation.jwt && !claims.mentions(TokenWord::Jti) {
            return wrong(
                at,
                "{jti} is nowhere, so two tokens of one second are the same, and revoking one would revoke the other; add it, or set revocation.jwt = false",
            );
        }
        Ok(())
    }
}
