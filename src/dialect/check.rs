//! What the types of the schema alone cannot say.

use std::collections::HashSet;

use super::schema::Dialect;
use super::words::{HeaderWord, RandomWord, ResponseWord, TokenWord};
use super::{FORWARD_AUTH, is_header_name};
use crate::protocol::GrantType;

/// What is wrong, and the path of the key it is about.
pub(super) struct Wrong {
    pub at: &'static [&'static str],
    pub message: String,
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
        self.check_claims()
    }

    fn check_endpoints(&self) -> Result<(), Wrong> {
        let mut known = HashSet::from([FORWARD_AUTH.to_owned()]);
        for (_, path) in self.endpoints.iter() {
            if !known.insert(self.path_key(path)) {
                let message = format!("{path} stands for two endpoints, or is one of Locum's own");
                return wrong(&["endpoints"], message);
            }
        }
        Ok(())
    }

    fn check_request(&self) -> Result<(), Wrong> {
        let served = [GrantType::ClientCredentials];
        let grants = &self.token_request.grant_types;
        if let Some(grant) = grants.iter().find(|grant| !served.contains(grant)) {
            return wrong(
                &["token_request", "grant_types"],
                format!(
                    "`{}` is not served by this version; expected client_credentials",
                    grant.as_str()
                ),
            );
        }
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
        if !self.access_token.header.mentions(HeaderWord::Kid) {
            return wrong(
                &["access_token", "header"],
                "{kid} is nowhere, so nobody could tell which key signed",
            );
        }
        let is_random = |template: &super::template::TextTemplate<RandomWord>| {
            template.mentions(RandomWord::Random) || template.mentions(RandomWord::RandomHex)
        };
        let why = "{random} is nowhere, so every token would be the same";
        if !is_random(&self.access_token.opaque) {
            return wrong(&["access_token", "opaque"], why);
        }
        if !is_random(&self.refresh_token.opaque) {
            return wrong(&["refresh_token", "opaque"], why);
        }
        Ok(())
    }

    /// Locum reads its own tokens back, at introspection for one.
    fn check_claims(&self) -> Result<(), Wrong> {
        const AT: &[&str] = &["access_token", "claims"];
        let claims = &self.access_token.claims;
        for (word, name) in [
            (TokenWord::Issuer, "issuer"),
            (TokenWord::ClientId, "client_id"),
            (TokenWord::Scope, "scope"),
        ] {
            if claims.member_for(word).is_none() {
                return wrong(
                    AT,
                    format!("no member is just {{{name}}}, so Locum could not read its own tokens"),
                );
            }
        }
        if claims.plain_member_for(TokenWord::ExpiresAt) != Some("exp") {
            return wrong(
                AT,
                "expected exp = \"{expires_at}\", in seconds (RFC 7519 §4.1.4)",
            );
        }
        if self.revocation.jwt && !claims.mentions(TokenWord::Jti) {
            return wrong(
                AT,
                "{jti} is nowhere, so two tokens of one second are the same, and revoking one would revoke the other; add it, or set revocation.jwt = false",
            );
        }
        Ok(())
    }
}
