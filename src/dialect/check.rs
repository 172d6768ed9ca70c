use super::schema::Dialect;
use super::words::{HeaderWord, RandomWord, ResponseWord, TokenWord};
use crate::protocol::GrantType;

impl Dialect {
    /// What the types alone cannot say.
    pub(super) fn check(&self) -> Result<(), String> {
        let served = [GrantType::ClientCredentials];
        if let Some(grant) = self
            .token_request
            .grant_types
            .iter()
            .find(|grant| !served.contains(grant))
        {
            return Err(format!(
                "token_request.grant_types has `{}`, which this version does not serve yet; expected client_credentials",
                grant.as_str()
            ));
        }
        if !self
            .token_response
            .members
            .mentions(ResponseWord::AccessToken)
        {
            return Err(
                "token_response.members never has {access_token}, so no client would get its token"
                    .to_owned(),
            );
        }
        // Locum reads its own tokens back, at introspection for one.
        let claims = &self.access_token.claims;
        for (word, name) in [
            (TokenWord::Issuer, "issuer"),
            (TokenWord::ClientId, "client_id"),
            (TokenWord::Scope, "scope"),
            (TokenWord::ExpiresAt, "expires_at"),
        ] {
            if claims.member_for(word).is_none() {
                return Err(format!(
                    "access_token.claims has no member that is {{{name}}}, so Locum could not read its own tokens"
                ));
            }
        }
        if claims.member_for(TokenWord::ExpiresAt) != Some("exp") {
            return Err(
                "in access_token.claims, {expires_at} must be named exp (RFC 7519 §4.1.4)"
                    .to_owned(),
            );
        }
        if !self.access_token.header.mentions(HeaderWord::Kid) {
            return Err(
                "access_token.header never has {kid}, so nobody could tell which key signed"
                    .to_owned(),
            );
        }
        for (name, template) in [
            ("access_token.opaque", &self.access_token.opaque),
            ("refresh_token.opaque", &self.refresh_token.opaque),
        ] {
            if !(template.mentions(RandomWord::Random) || template.mentions(RandomWord::RandomHex))
            {
                return Err(format!(
                    "{name} has no {{random}}, so every token would be the same"
                ));
            }
        }
        Ok(())
    }
}
