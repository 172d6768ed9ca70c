//! The rules a client must keep, however it comes into being. Pure.

mod text;
mod uri;

use std::collections::HashSet;

use crate::dialect::Dialect;
use crate::issuer::{Api, Client, ClientKind, ClientMetadata, GrantedScope, SubjectType};
use crate::protocol::{
    ClientAuthMethod, GrantType, MetadataMember as Member, MetadataProblem, SigningAlg,
    check_public_keys, have_one_host, is_vschar,
};

/// In bytes (RFC 6749 Appendix A.1 sets no limit).
const LONGEST_CLIENT_ID: usize = 255;

/// Seconds: nobody means more.
const LONGEST_MAX_AGE: u64 = 10 * 366 * 24 * 3600;

/// Everything that is wrong with a client at an issuer of this dialect, which has keys for these
/// algorithms and these APIs.
pub fn check_client(
    client: &Client,
    dialect: &Dialect,
    algs: &[SigningAlg],
    apis: &[Api],
) -> Vec<MetadataProblem> {
    let mut check = Check {
        client,
        dialect,
        problems: Vec::new(),
    };
    check.identity();
    check.auth_method();
    check.grant_types();
    check.redirect_uris();
    check.other_uris();
    check.max_age();
    check
        .problems
        .extend(check_texts(&client.client_name, &client.metadata));
    check.keys();
    check.algs(algs);
    check.subjects();
    check.grants(apis);
    check.problems
}

/// What is wrong with the texts that a client brings along, for people and for statistics.
pub fn check_texts(client_name: &str, metadata: &ClientMetadata) -> Vec<MetadataProblem> {
    let mut checked = vec![
        (Member::ClientName, text::name(client_name)),
        (Member::Contacts, text::contacts(&metadata.contacts)),
    ];
    for (member, value) in [
        (Member::SoftwareId, &metadata.software_id),
        (Member::SoftwareVersion, &metadata.software_version),
        (Member::Owner, &metadata.owner),
    ] {
        checked.extend(value.iter().map(|value| (member, text::short(value))));
    }
    let wrong = checked
        .into_iter()
        .filter_map(|(member, checked)| Some(MetadataProblem::new(member, checked.err()?)));
    wrong.collect()
}

struct Check<'a> {
    client: &'a Client,
    dialect: &'a Dialect,
    problems: Vec<MetadataProblem>,
}

impl Check<'_> {
    fn add(&mut self, member: Member, message: impl Into<String>) {
        self.problems.push(MetadataProblem::new(member, message));
    }

    fn identity(&mut self) {
        let id = &self.client.client_id;
        if !is_vschar(id) || id.len() > LONGEST_CLIENT_ID {
            self.add(
                Member::ClientId,
                format!(
                    "must be 1 to {LONGEST_CLIENT_ID} printable ASCII characters (RFC 6749 Appendix A.1)"
                ),
            );
        }
        let kind = self.client.kind;
        match (self.client.secret_hash.is_some(), kind.is_public()) {
            (true, true) => self.add(
                Member::ClientSecret,
                format!(
                    "is not for a client of kind {}, which cannot keep one",
                    kind.as_str()
                ),
            ),
            (false, false) => self.add(
                Member::ClientSecret,
                format!("is needed by a client of kind {}", kind.as_str()),
            ),
            _ => {}
        }
    }

    fn max_age(&mut self) {
        if self.client.metadata.default_max_age > Some(LONGEST_MAX_AGE) {
            self.add(Member::DefaultMaxAge, "is more than ten years");
        }
    }

    fn auth_method(&mut self) {
        let Some(method) = self.client.token_endpoint_auth_method else {
            return;
        };
        let (name, kind) = (method.as_str(), self.client.kind);
        if (method == ClientAuthMethod::None) != kind.is_public() {
            self.add(
                Member::TokenEndpointAuthMethod,
                format!("{name} does not fit a client of kind {}", kind.as_str()),
            );
        } else if !self
            .dialect
            .token_request
            .client_auth_methods
            .contains(&method)
        {
            self.add(
                Member::TokenEndpointAuthMethod,
                format!("{name} is not accepted here"),
            );
        }
    }

    fn grant_types(&mut self) {
        let grants = &self.client.grant_types;
        for grant in grants {
            if !self.dialect.serves(*grant) {
                self.add(
                    Member::GrantTypes,
                    format!("has {}, which is not served here", grant.as_str()),
                );
            }
        }
        if grants.is_empty() {
            self.add(Member::GrantTypes, "has nothing in it");
        }
        let has = |grant| grants.contains(&grant);
        if has(GrantType::RefreshToken) && !has(GrantType::AuthorizationCode) {
            self.add(
                Member::GrantTypes,
                "has refresh_token without authorization_code, of which refresh tokens come",
            );
        }
        let cannot_use = |grant| has(grant) && !self.client.kind.may_use(grant);
        if cannot_use(GrantType::ClientCredentials) {
            self.add(
                Member::GrantTypes,
                "has client_credentials, which a client without a secret cannot use (RFC 6749 §4.4)",
            );
        }
        if cannot_use(GrantType::AuthorizationCode) {
            self.add(
                Member::GrantTypes,
                "has authorization_code, and the client is a machine",
            );
        }
    }

    fn redirect_uris(&mut self) {
        let client = self.client;
        let uris = &client.redirect_uris;
        let signs_users_in = client.grant_types.contains(&GrantType::AuthorizationCode);
        let may_have_none =
            self.dialect.registration.redirect_uris_optional || client.metadata.any_loopback_uri;
        if uris.is_empty() && signs_users_in && !may_have_none {
            self.problems
                .push(MetadataProblem::missing(Member::RedirectUris));
        }
        if !uris.is_empty() && client.kind == ClientKind::Machine {
            self.add(
                Member::RedirectUris,
                "are not for a machine: nobody is redirected to it",
            );
        }
        for (member, uris) in [
            (Member::RedirectUris, uris),
            (
                Member::PostLogoutRedirectUris,
                &client.metadata.post_logout_redirect_uris,
            ),
        ] {
            if let Err(message) = uri::redirect_uris(uris, client.kind) {
                self.add(member, message);
            }
        }
    }

    fn other_uris(&mut self) {
        let metadata = &self.client.metadata;
        for (member, uri) in [
            (Member::ClientUri, &metadata.client_uri),
            (Member::LogoUri, &metadata.logo_uri),
            (Member::PolicyUri, &metadata.policy_uri),
            (Member::TosUri, &metadata.tos_uri),
        ] {
            if let Some(uri) = uri
                && let Err(message) = uri::web(uri)
            {
                self.add(member, message);
            }
        }
        for (member, uri) in [
            (Member::JwksUri, &metadata.jwks_uri),
            (Member::SectorIdentifierUri, &metadata.sector_identifier_uri),
            (Member::InitiateLoginUri, &metadata.initiate_login_uri),
            (
                Member::FrontchannelLogoutUri,
                &metadata.frontchannel_logout_uri,
            ),
            (
                Member::BackchannelLogoutUri,
                &metadata.backchannel_logout_uri,
            ),
        ] {
            if let Some(uri) = uri
                && let Err(message) = uri::secure(uri)
            {
                self.add(member, message);
            }
        }
        // OIDC Front-Channel Logout §2: it is loaded in a frame of this server's page.
        if let Some(uri) = &metadata.frontchannel_logout_uri
            && !metadata.any_loopback_uri
            && !uri::shares_origin(uri, &self.client.redirect_uris)
        {
            self.add(
                Member::FrontchannelLogoutUri,
                "must have scheme, host and port of one of the redirect_uris",
            );
        }
    }

    fn keys(&mut self) {
        let metadata = &self.client.metadata;
        if let Some(jwks) = &metadata.jwks {
            if metadata.jwks_uri.is_some() {
                self.add(Member::Jwks, "and jwks_uri exclude each other");
            }
            if let Err(message) = check_public_keys(jwks) {
                self.add(Member::Jwks, message);
            }
        }
    }

    /// What is signed for a client must be signed with a key the issuer has.
    fn algs(&mut self, algs: &[SigningAlg]) {
        let metadata = &self.client.metadata;
        for (member, alg) in [
            (
                Member::IdTokenSignedResponseAlg,
                metadata.id_token_signed_response_alg,
            ),
            (
                Member::UserinfoSignedResponseAlg,
                metadata.userinfo_signed_response_alg,
            ),
        ] {
            if let Some(alg) = alg
                && !algs.contains(&alg)
            {
                self.add(
                    member,
                    format!("is {}, for which the issuer has no key", alg.as_str()),
                );
            }
        }
    }

    /// Whom a pairwise subject is for: without a sector identifier, the one host of the redirect
    /// URIs (OIDC Core §8.1).
    fn subjects(&mut self) {
        let metadata = &self.client.metadata;
        if metadata.subject_type == SubjectType::Public {
            return;
        }
        match &metadata.sector_identifier {
            // Empty is the sector of public subjects.
            Some(sector) if sector.is_empty() => {
                self.add(Member::SectorIdentifierUri, "leads to no host");
            }
            Some(_) => {}
            None if have_one_host(self.client.redirect_uris.iter().map(String::as_str)) => {}
            None => self.add(
                Member::SectorIdentifierUri,
                "is needed: subjects are pairwise, and the redirect_uris do not have exactly one host (OIDC Core §8.1)",
            ),
        }
    }

    fn grants(&mut self, apis: &[Api]) {
        let is_machine = self.client.kind == ClientKind::Machine;
        let mut known = HashSet::new();
        for grant in &self.client.grants {
            let api = apis.iter().find(|api| api.id == grant.api_id);
            let Some(api) = api.filter(|_| known.insert(grant.api_id)) else {
                self.add(Member::Audience, "names an API twice, or one there is not");
                continue;
            };
            let GrantedScope::Only(scope) = &grant.scope else {
                continue;
            };
            for name in scope.tokens() {
                match api.find_scope(name) {
                    None => self.add(
                        Member::Scope,
                        format!("has {name}, which API {} does not", api.audience),
                    ),
                    Some(scope) if scope.users_only && is_machine => self.add(
                        Member::Scope,
                        format!("has {name}, which is for users only: no machine may have it"),
                    ),
                    Some(_) => {}
                }
            }
        }
    }
}
