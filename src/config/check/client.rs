use std::collections::HashSet;

use serde_json::Value as Json;
use toml::Spanned;

use super::{Check, is_description, is_name, is_segment};
use crate::config::declaration::{ClientDeclaration, IssuerDeclaration};
use crate::dialect::Dialect;
use crate::issuer::{ClientKind, SubjectType};
use crate::oauth::registration::check_texts;
use crate::protocol::{
    ClientAuthMethod, GrantType, SigningAlg, check_public_keys, have_one_host, is_vschar,
};

impl Check<'_> {
    pub(super) fn clients(
        &mut self,
        issuer: &IssuerDeclaration,
        dialect: &Dialect,
        algs: &[SigningAlg],
    ) {
        let mut client_ids = HashSet::new();
        for client in &issuer.clients {
            let id = client.client_id.get_ref();
            if !client_ids.insert(id) {
                self.add(
                    &client.client_id,
                    format!("client `{id}` is declared twice"),
                );
            }
            self.client(client, dialect);
            self.client_uris(client);
            self.signing_alg(&client.id_token_signed_response_alg, algs);
            self.signing_alg(&client.userinfo_signed_response_alg, algs);
            self.claims(&client.claims);
            self.grants(
                &format!("client `{id}`"),
                &client.grants,
                &issuer.apis,
                client.kind == ClientKind::Machine,
            );
        }
    }

    fn client(&mut self, client: &ClientDeclaration, dialect: &Dialect) {
        let id = client.client_id.get_ref();
        if !is_vschar(id) || id.len() > 255 {
            self.add(
                &client.client_id,
                "a client_id is 1 to 255 printable ASCII characters (RFC 6749 Appendix A.1)",
            );
        }
        self.text(&client.client_id, "client_id:", is_segment(id));
        self.client_texts(client);
        let kind = client.kind.as_str();
        if client.client_secret.is_some() && client.client_secret_hash.is_some() {
            self.add(
                &client.client_id,
                format!("client `{id}` has a client_secret and a client_secret_hash; expected one of them"),
            );
        }
        let has_secret = client.client_secret.is_some() || client.client_secret_hash.is_some();
        match (has_secret, client.kind.is_public()) {
            (true, true) => self.add(
                &client.client_id,
                format!("client `{id}` has a client_secret, but its kind `{kind}` is public and cannot keep one"),
            ),
            (false, false) => self.add(
                &client.client_id,
                format!("client `{id}` needs a client_secret, because its kind is `{kind}`"),
            ),
            _ => {}
        }
        if client.kind.is_public() && client.grant_types().contains(&GrantType::ClientCredentials) {
            self.add(
                &client.client_id,
                format!("client `{id}` cannot have grant type client_credentials: its kind `{kind}` is public (RFC 6749 §4.4)"),
            );
        }
        if let Some(secret) = &client.client_secret
            && let Err(message) = secret.read(self.folder)
        {
            self.add(&client.client_id, format!("client_secret: {message}"));
        }
        if let Some(method) = &client.token_endpoint_auth_method {
            self.auth_method(client, method, dialect);
        }
    }

    fn client_texts(&mut self, client: &ClientDeclaration) {
        let id = client.client_id.get_ref();
        self.display_name("a client_name", &client.client_name);
        if let Some(operator) = &client.operator {
            self.text(operator, "the operator", is_description(operator.get_ref()));
        }
        // Without a name, it is shown by its ID.
        let name = client.client_name.as_ref().map(Spanned::get_ref);
        let name = name.filter(|name| is_name(name).is_ok());
        let name = name.map_or("-", String::as_str);
        for problem in check_texts(name, &client.metadata()) {
            let (member, message) = (problem.member.as_str(), problem.message);
            self.add(
                &client.client_id,
                format!("{member} of client `{id}` {message}"),
            );
        }
    }

    fn client_uris(&mut self, client: &ClientDeclaration) {
        let uris = client
            .redirect_uris
            .iter()
            .chain(&client.post_logout_redirect_uris);
        for uri in uris {
            self.redirect_uri(uri);
        }
        if client.kind == ClientKind::Machine
            && let Some(uri) = client.redirect_uris.first()
        {
            self.add(
                uri,
                "a machine client acts for itself: nobody is redirected to it",
            );
        }
        for uri in [
            &client.client_uri,
            &client.policy_uri,
            &client.tos_uri,
            &client.logo_uri,
            &client.jwks_uri,
            &client.sector_identifier_uri,
            &client.initiate_login_uri,
            &client.frontchannel_logout_uri,
            &client.backchannel_logout_uri,
        ] {
            self.web_uri(uri);
        }
        if let Some(jwks) = &client.jwks
            && let Err(message) = check_public_keys(&Json::Object(jwks.json()))
        {
            let id = client.client_id.get_ref();
            self.add(&client.client_id, format!("client `{id}`: jwks {message}"));
        }
        self.sector(client);
    }

    /// Whom a pairwise subject is for: without a sector_identifier, the one host of the redirect
    /// URIs (OIDC Core §8.1).
    fn sector(&mut self, client: &ClientDeclaration) {
        if let Some(sector) = &client.sector_identifier
            && sector.get_ref().is_empty()
        {
            // Empty is the sector of public subjects.
            self.add(sector, "the sector_identifier is empty");
        }
        let uris = client
            .redirect_uris
            .iter()
            .map(|uri| uri.get_ref().as_str());
        let has_one_host = have_one_host(uris);
        if client.subject_type == SubjectType::Pairwise
            && client.sector_identifier.is_none()
            && client.sector_identifier_uri.is_none()
            && !has_one_host
        {
            self.add(
                &client.client_id,
                format!(
                    "client `{}` has pairwise subjects, but its redirect URIs do not have exactly one host; give it a sector_identifier (OIDC Core §8.1)",
                    client.client_id.get_ref()
                ),
            );
        }
    }

    fn auth_method(
        &mut self,
        client: &ClientDeclaration,
        method: &Spanned<ClientAuthMethod>,
        dialect: &Dialect,
    ) {
        let name = method.get_ref().as_str();
        if (*method.get_ref() == ClientAuthMethod::None) != client.kind.is_public() {
            let kind = client.kind.as_str();
            self.add(
                method,
                format!("`{name}` does not fit a client of kind `{kind}`"),
            );
        } else if !dialect
            .token_request
            .client_auth_methods
            .contains(method.get_ref())
        {
            self.add(
                method,
                format!("the issuer's dialect does not accept `{name}`"),
            );
        }
    }
}
