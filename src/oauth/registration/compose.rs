//! From what somebody sent to a client.

use super::check::check_client;
use super::offer::Offer;
use super::submission::Submission;
use crate::dialect::{DefaultAuthMethod, Dialect};
use crate::issuer::{Client, ClientKind, ClientMetadata, SubjectType};
use crate::protocol::{
    ApplicationType, ClientAuthMethod, GrantType, MetadataCode, MetadataMember as Member,
    MetadataProblem, SigningAlg,
};
use crate::secret::SecretHash;

/// What there is besides what was sent.
pub struct Terms<'a> {
    pub offer: Offer<'a>,
    pub algs: &'a [SigningAlg],
    pub client_id: String,
    /// Of the secret it has or gets, if it is to have one.
    pub secret_hash: SecretHash,
    pub is_administrators: bool,
}

/// A client that keeps every rule, but for what must be fetched.
///
/// # Errors
/// Everything that is wrong with it.
pub fn compose(mut sent: Submission, terms: &Terms<'_>) -> Result<Client, Vec<MetadataProblem>> {
    let dialect = terms.offer.dialect;
    check_unsupported(&mut sent);
    check_software_statement(&mut sent);
    let grant_types = grant_types(&mut sent, dialect);
    let application_type = application_type(&mut sent, dialect);
    let method = auth_method(&mut sent, dialect, application_type);
    let kind = kind(&grant_types, method, application_type);
    let (grants, scope) = match terms.offer.take(
        sent.text(Member::Scope),
        sent.list(Member::Audience),
        &grant_types,
    ) {
        Ok(taken) => taken,
        Err(problem) => {
            sent.problems.push(problem);
            Default::default()
        }
    };
    let mut metadata = metadata(&mut sent, terms);
    metadata.scope = scope;
    let mut redirect_uris = sent.owned_list(Member::RedirectUris);
    if dialect.registration.drops_unsupported_types && kind == ClientKind::Machine {
        redirect_uris.clear();
    }
    let client = Client {
        client_id: terms.client_id.clone(),
        client_name: sent
            .owned_text(Member::ClientName)
            .unwrap_or_else(|| terms.client_id.clone()),
        kind,
        secret_hash: (!kind.is_public()).then(|| terms.secret_hash.clone()),
        previous_secret: None,
        token_endpoint_auth_method: method,
        grant_types,
        redirect_uris,
        grants,
        is_disabled: terms
            .offer
            .previous
            .is_some_and(|client| client.is_disabled),
        metadata,
    };
    let mut problems = sent.problems;
    for problem in check_client(&client, dialect, terms.algs, terms.offer.apis) {
        // What could not be read is not missing.
        if !problems.iter().any(|known| known.member == problem.member) {
            problems.push(problem);
        }
    }
    // The first one's code is the answer's.
    problems.sort_by_key(|problem| match problem.code {
        MetadataCode::InvalidSoftwareStatement | MetadataCode::UnapprovedSoftwareStatement => 0,
        MetadataCode::InvalidRedirectUri => 1,
        MetadataCode::InvalidClientMetadata => 2,
    });
    if problems.is_empty() {
        Ok(client)
    } else {
        Err(problems)
    }
}

fn grant_types(sent: &mut Submission, dialect: &Dialect) -> Vec<GrantType> {
    let shape = &dialect.registration;
    let names = sent.owned_list(Member::GrantTypes);
    let mut grants: Vec<GrantType> = Vec::new();
    for name in &names {
        match GrantType::find(name).filter(|grant| dialect.serves(*grant)) {
            Some(grant) => grants.push(grant),
            None if shape.drops_unsupported_types => {}
            None => sent.add(Member::GrantTypes, "has one that is not supported here"),
        }
    }
    if names.is_empty() {
        grants.clone_from(&shape.default_grant_types);
    }
    check_response_types(sent, &grants, shape.drops_unsupported_types);
    grants
}

/// RFC 7591 §2.1: a response type goes with its grant type.
fn check_response_types(sent: &mut Submission, grants: &[GrantType], is_lenient: bool) {
    let Some(types) = sent.list(Member::ResponseTypes) else {
        return;
    };
    if is_lenient {
        return;
    }
    let has_code = types.iter().any(|name| name == "code");
    let is_unsupported = types.iter().any(|name| name != "code");
    if is_unsupported {
        sent.add(
            Member::ResponseTypes,
            "asks for something that is not supported here",
        );
    } else if has_code != grants.contains(&GrantType::AuthorizationCode) {
        sent.add(
            Member::ResponseTypes,
            "does not fit grant_types: code goes with authorization_code, and only with it",
        );
    }
}

fn application_type(sent: &mut Submission, dialect: &Dialect) -> ApplicationType {
    if let Some(name) = sent.text(Member::ApplicationType) {
        let found = ApplicationType::find(name);
        if found.is_none() {
            sent.add(Member::ApplicationType, "must be web or native");
        }
        return found.unwrap_or(ApplicationType::Web);
    }
    let has_own_scheme = |uri: &String| {
        let scheme = uri.split(':').next().unwrap_or_default();
        !scheme.eq_ignore_ascii_case("https") && !scheme.eq_ignore_ascii_case("http")
    };
    let uris = sent.list(Member::RedirectUris).unwrap_or_default();
    let fixed = dialect.registration.default_application_type.fixed();
    fixed.unwrap_or(if uris.iter().any(has_own_scheme) {
        ApplicationType::Native
    } else {
        ApplicationType::Web
    })
}

/// An application on a device keeps no secret (RFC 8252 §8.5), so it is public unless it says
/// otherwise.
fn auth_method(
    sent: &mut Submission,
    dialect: &Dialect,
    application_type: ApplicationType,
) -> Option<ClientAuthMethod> {
    let default = match dialect.registration.default_auth_method {
        _ if application_type == ApplicationType::Native => Some(ClientAuthMethod::None),
        DefaultAuthMethod::Any => None,
        DefaultAuthMethod::Only(method) => Some(method),
    };
    let Some(name) = sent.text(Member::TokenEndpointAuthMethod) else {
        return default;
    };
    let found = ClientAuthMethod::find(name);
    if found.is_none() {
        sent.add(
            Member::TokenEndpointAuthMethod,
            "is not supported here; there are client_secret_basic, client_secret_post and none",
        );
    } else if application_type == ApplicationType::Native && found != Some(ClientAuthMethod::None) {
        sent.add(
            Member::TokenEndpointAuthMethod,
            "must be none for a native application, which cannot keep a secret (RFC 8252 §8.5)",
        );
    }
    found.or(default)
}

fn kind(
    grant_types: &[GrantType],
    method: Option<ClientAuthMethod>,
    application_type: ApplicationType,
) -> ClientKind {
    if method == Some(ClientAuthMethod::None) {
        return match application_type {
            ApplicationType::Native => ClientKind::Native,
            ApplicationType::Web => ClientKind::Spa,
        };
    }
    let signs_users_in = grant_types.contains(&GrantType::AuthorizationCode);
    if signs_users_in || !grant_types.contains(&GrantType::ClientCredentials) {
        ClientKind::Web
    } else {
        ClientKind::Machine
    }
}

/// Everything that is a value and no rule. What the client cannot say itself it keeps.
fn metadata(sent: &mut Submission, terms: &Terms<'_>) -> ClientMetadata {
    let kept = terms.offer.previous.map(|client| client.metadata.clone());
    let kept = kept.unwrap_or_default();
    let subject_type = subject_type(sent, terms.offer.dialect);
    let id_token_alg = signing_alg(sent, Member::IdTokenSignedResponseAlg);
    let userinfo_alg = signing_alg(sent, Member::UserinfoSignedResponseAlg);
    let sent = &*sent;
    let text = |member| sent.owned_text(member);
    let flag = |member| sent.flag(member).unwrap_or_default();
    let sector_identifier_uri = text(Member::SectorIdentifierUri);
    let (first_party, owner, extra) = if terms.is_administrators {
        (
            sent.flag(Member::SkipConsent).unwrap_or(kept.first_party),
            text(Member::Owner),
            sent.object(Member::Metadata).cloned().unwrap_or_default(),
        )
    } else {
        let owner = text(Member::Owner).or(kept.owner);
        (kept.first_party, owner, kept.extra)
    };
    ClientMetadata {
        first_party,
        any_loopback_uri: kept.any_loopback_uri,
        scope: None,
        post_logout_redirect_uris: sent.owned_list(Member::PostLogoutRedirectUris),
        frontchannel_logout_uri: text(Member::FrontchannelLogoutUri),
        frontchannel_logout_session_required: flag(Member::FrontchannelLogoutSessionRequired),
        backchannel_logout_uri: text(Member::BackchannelLogoutUri),
        backchannel_logout_session_required: flag(Member::BackchannelLogoutSessionRequired),
        subject_type,
        sector_identifier: match &sector_identifier_uri {
            Some(uri) => Some(crate::protocol::host(uri).unwrap_or_default()),
            // One that an administrator gave it.
            None if kept.sector_identifier_uri.is_none() => kept.sector_identifier,
            None => None,
        },
        id_token_signed_response_alg: id_token_alg,
        userinfo_signed_response_alg: userinfo_alg,
        default_max_age: sent.number(Member::DefaultMaxAge),
        require_auth_time: flag(Member::RequireAuthTime),
        operator: kept.operator,
        client_uri: text(Member::ClientUri),
        policy_uri: text(Member::PolicyUri),
        tos_uri: text(Member::TosUri),
        logo_uri: text(Member::LogoUri),
        contacts: sent.owned_list(Member::Contacts),
        jwks: sent.object(Member::Jwks).cloned().map(Into::into),
        jwks_uri: text(Member::JwksUri),
        sector_identifier_uri,
        initiate_login_uri: text(Member::InitiateLoginUri),
        software_id: text(Member::SoftwareId),
        software_version: text(Member::SoftwareVersion),
        owner,
        extra,
        claims: kept.claims,
    }
}

fn subject_type(sent: &mut Submission, dialect: &Dialect) -> SubjectType {
    let Some(name) = sent.text(Member::SubjectType) else {
        return SubjectType::Public;
    };
    let supported = &dialect.registration.subject_types;
    let found = SubjectType::find(name).filter(|found| supported.contains(found));
    if found.is_none() {
        let names: Vec<&str> = supported.iter().map(|known| known.as_str()).collect();
        sent.add(
            Member::SubjectType,
            format!("must be {}", names.join(" or ")),
        );
    }
    found.unwrap_or_default()
}

/// `none` is UserInfo's word for JSON, and for ID tokens none at all: those are always signed.
fn signing_alg(sent: &mut Submission, member: Member) -> Option<SigningAlg> {
    match sent.text(member) {
        None => None,
        Some("none") if member == Member::UserinfoSignedResponseAlg => None,
        Some(name) => {
            let found = SigningAlg::find(name);
            if found.is_none() {
                let known = SigningAlg::ALL.map(SigningAlg::as_str).join(", ");
                sent.add(member, format!("is not supported here; there are {known}"));
            }
            found
        }
    }
}

/// What a client would rely on, and not have.
fn check_unsupported(sent: &mut Submission) {
    for (member, why) in [
        (
            Member::IdTokenEncryptedResponseAlg,
            "is not supported: tokens are not encrypted here",
        ),
        (
            Member::UserinfoEncryptedResponseAlg,
            "is not supported: answers are not encrypted here",
        ),
        (
            Member::RequestObjectSigningAlg,
            "is not supported: request objects are not read here",
        ),
    ] {
        if sent.text(member).is_some_and(|alg| alg != "none") {
            sent.add(member, why);
        }
    }
    for (member, why) in [
        (
            Member::RequireSignedRequestObject,
            "is not supported: request objects are not read here",
        ),
        (
            Member::RequirePushedAuthorizationRequests,
            "is not supported: there are no pushed authorization requests here",
        ),
        (
            Member::TlsClientCertificateBoundAccessTokens,
            "is not supported: access tokens are bearer tokens here",
        ),
        (
            Member::DpopBoundAccessTokens,
            "is not supported: access tokens are bearer tokens here",
        ),
    ] {
        if sent.flag(member) == Some(true) {
            sent.add(member, why);
        }
    }
}

/// RFC 7591 §2.3: nobody's statements are trusted, so a good one says nothing more than a bad one;
/// but it is no JWT, or it is one of a stranger.
fn check_software_statement(sent: &mut Submission) {
    let Some(statement) = sent.text(Member::SoftwareStatement) else {
        return;
    };
    let is_jwt =
        jsonwebtoken::decode_header(statement).is_ok() && statement.split('.').count() == 3;
    let (code, message) = if is_jwt {
        (
            MetadataCode::UnapprovedSoftwareStatement,
            "is signed by nobody who is trusted here: this server trusts no issuer of software statements",
        )
    } else {
        (MetadataCode::InvalidSoftwareStatement, "is no signed JWT")
    };
    let problem = MetadataProblem::new(Member::SoftwareStatement, message).with_code(code);
    sent.problems.push(problem);
}
