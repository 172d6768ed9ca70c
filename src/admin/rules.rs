//! What names, scopes and grants must be like, whoever sends them.

use std::collections::HashSet;

use serde_json::{Map, Value as Json};

use super::Problem;
use super::forms::{ApiForm, ClientForm, GrantForm, RoleForm, ScopesForm, UserForm};
use crate::account::{ABOUT_TOKENS, UserClaims};
use crate::config::{
    is_description, is_language_tag, is_name, is_segment, is_username, profile_problems,
};
use crate::dialect::{Dialect, TokenFormat};
use crate::issuer::{Api, check_redirect_uri};
use crate::oauth::registration::check_client;
use crate::protocol::{MetadataMember, Scope, SigningAlg};
use crate::secret::{Secret, SecretHash};

/// Characters of a name.
const LONGEST_NAME: usize = 255;
/// Scopes of an API, grants of a client, roles of a user.
const MOST: usize = 500;
/// Bytes of a user's claims, and of whatever else is JSON of somebody's own.
const LONGEST_CLAIMS: usize = 32 * 1024;
/// Bytes of a URI.
const LONGEST_URI: usize = 2000;

/// The problem of a field, unless what was checked is as it should be.
pub fn problem(field: &str, checked: Result<(), String>) -> Option<Problem> {
    let message = checked.err()?;
    Some(Problem::new(field, message))
}

/// `None` when it is one: one line that people can tell from others.
pub fn name(field: &str, text: &str) -> Option<Problem> {
    problem(field, is_name(text))
}

/// `None` when it is one: any text, lines included.
pub fn description(field: &str, text: &str) -> Option<Problem> {
    problem(field, is_description(text))
}

/// What has to fit the issuer: its dialect, what it signs with, and its APIs.
pub struct Surroundings<'a> {
    pub dialect: &'a Dialect,
    pub algs: &'a [SigningAlg],
    pub apis: &'a [Api],
}

/// `others` are the issuer's APIs without this one.
pub fn api(form: &ApiForm, around: &Surroundings<'_>, others: &[&Api]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let audience = &form.audience;
    let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"\"\\<>".contains(&byte);
    if audience.is_empty() || audience.len() > LONGEST_NAME || !audience.bytes().all(is_plain) {
        problems.push(Problem::new(
            "audience",
            format!("expected 1 to {LONGEST_NAME} printable ASCII characters without spaces, most often a URI"),
        ));
    }
    if !form.name.is_empty() {
        problems.extend(name("name", &form.name));
    }
    if form.scopes.len() > MOST {
        problems.push(Problem::new("scopes", format!("more than {MOST}")));
    }
    let mut known = HashSet::new();
    for scope in &form.scopes {
        if !is_scope(&scope.name) {
            problems.push(Problem::new(
                "scopes",
                format!("{:?} cannot be a scope: expected printable ASCII without spaces, quotes and backslashes (RFC 6749 §3.3)", scope.name),
            ));
        }
        if !known.insert(&scope.name) {
            problems.push(Problem::new(
                "scopes",
                format!("{:?} stands twice", scope.name),
            ));
        }
        problems.extend(description("scopes", &scope.description));
        for (language, text) in &scope.translations {
            if !is_language_tag(language) {
                problems.push(Problem::new(
                    "scopes",
                    format!("{language:?} is not a language; expected a tag like en or pt-BR"),
                ));
            }
            problems.extend(description("scopes", text));
        }
    }
    problems.extend(scopes_beside(form, around.dialect, others));
    let format = form
        .token_format
        .unwrap_or(around.dialect.access_token.format);
    if format == TokenFormat::Jwt && around.algs.is_empty() {
        problems.push(Problem::new(
            "token_format",
            "its tokens would be JWTs, and the issuer has no key",
        ));
    }
    const TEN_YEARS: u64 = 10 * 366 * 24 * 3600;
    if form
        .token_lifetime
        .is_some_and(|seconds| seconds == 0 || seconds > TEN_YEARS)
    {
        problems.push(Problem::new(
            "token_lifetime",
            "expected seconds, from 1 to ten years",
        ));
    }
    problems.extend(alg("signing_alg", form.signing_alg, around.algs));
    problems
}

/// A scope's name must say enough where a token may be for several APIs, and what no machine may
/// have at one API it must not get at another.
fn scopes_beside(form: &ApiForm, dialect: &Dialect, others: &[&Api]) -> Vec<Problem> {
    let mut problems = Vec::new();
    let names = others
        .iter()
        .flat_map(|api| api.scopes.iter().map(move |scope| (api, scope)));
    for (api, other) in names {
        let Some(own) = form.scopes.iter().find(|own| own.name == other.name) else {
            continue;
        };
        let (name, audience) = (&own.name, &api.audience);
        if dialect.audience.multiple {
            problems.push(Problem::new(
                "scopes",
                format!("API {audience:?} has a scope {name:?}, and one token may be for both: give it another name"),
            ));
        } else if other.users_only && !own.users_only {
            // The other way round is how one comes to mark both.
            problems.push(Problem::new(
                "scopes",
                format!("{name:?} is for users only at API {audience:?}, and machines could get it here: mark it here too"),
            ));
        }
    }
    problems
}

fn alg(field: &str, alg: Option<SigningAlg>, algs: &[SigningAlg]) -> Option<Problem> {
    let alg = alg.filter(|alg| !algs.contains(alg))?;
    let message = format!("the issuer has no {} key", alg.as_str());
    Some(Problem::new(field, message))
}

/// Everything about a client but its secret: what it can be asked for here besides the rules that
/// hold for every client, however it came into being.
pub fn client(form: &ClientForm, around: &Surroundings<'_>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let id = &form.client_id;
    if id.trim() != id {
        problems.push(Problem::new("client_id", "begins or ends with a space"));
    }
    problems.extend(problem("client_id", is_segment(id)));
    if !form.client_name.is_empty() {
        problems.extend(name("client_name", &form.client_name));
    }
    if !around.dialect.suits(form.kind) {
        let message = if around.dialect.has_users() {
            "the issuer's dialect has no grant for a client of this kind"
        } else {
            "nobody signs in at an issuer of this dialect: only machine clients are of use"
        };
        problems.push(Problem::new("kind", message));
    }
    problems.extend(redirect_uris("redirect_uris", &form.redirect_uris));
    let leaving = &form.metadata.post_logout_redirect_uris;
    problems.extend(redirect_uris("post_logout_redirect_uris", leaving));
    problems.extend(texts(form));
    problems.extend(grants(&form.grants, around.apis));
    // What has been said already need not be said twice.
    let said: Vec<String> = problems
        .iter()
        .map(|problem| problem.field.clone())
        .collect();
    let mut client = form.to_client(around.apis);
    // Which it gets is another matter; that it gets one is certain.
    let secret = SecretHash::sha256(&Secret::new(""));
    client.secret_hash = (!client.kind.is_public()).then_some(secret);
    let metadata = &form.metadata;
    let has_sector =
        metadata.sector_identifier.is_some() && metadata.sector_identifier_uri.is_none();
    let rules = check_client(&client, around.dialect, around.algs, around.apis);
    problems.extend(rules.into_iter().filter_map(|problem| {
        let field = match problem.member {
            MetadataMember::Audience | MetadataMember::Scope => "grants",
            MetadataMember::SectorIdentifierUri if has_sector => "sector_identifier",
            member => member.as_str(),
        };
        let is_new = !said.iter().any(|said| said == field);
        is_new.then(|| Problem::new(field, problem.message))
    }));
    problems
}

/// Where people may be sent to.
pub fn redirect_uris(field: &str, uris: &[String]) -> Vec<Problem> {
    let mut problems = Vec::new();
    if uris.len() > MOST {
        problems.push(Problem::new(field, format!("more than {MOST}")));
    }
    let mut known = HashSet::new();
    for uri in uris {
        if let Err(message) = check_redirect_uri(uri) {
            problems.push(Problem::new(field, format!("{uri:?}: {message}")));
        } else if uri.len() > LONGEST_URI || uri.chars().any(char::is_control) {
            let message = format!("longer than {LONGEST_URI} bytes, or has control characters");
            problems.push(Problem::new(field, message));
        }
        if !known.insert(uri) {
            problems.push(Problem::new(field, format!("{uri:?} stands twice")));
        }
    }
    problems
}

fn texts(form: &ClientForm) -> Vec<Problem> {
    let mut problems = Vec::new();
    let metadata = &form.metadata;
    for (field, text) in [
        ("operator", &metadata.operator),
        ("sector_identifier", &metadata.sector_identifier),
    ] {
        if let Some(text) = text {
            problems.extend(description(field, text));
        }
    }
    if metadata.sector_identifier.as_deref() == Some("") {
        // Empty is the sector of public subjects.
        problems.push(Problem::new("sector_identifier", "is empty"));
    }
    let jwks = metadata.jwks.as_ref().and_then(Json::as_object);
    for (field, members) in [
        ("jwks", jwks),
        ("extra", Some(&metadata.extra)),
        ("claims", Some(&metadata.claims)),
    ] {
        problems.extend(members.and_then(|members| too_long(field, members)));
    }
    // When a profile changed is known, not declared.
    let is_own = |name: &str| ABOUT_TOKENS.contains(&name) || name == "updated_at";
    for name in metadata.claims.keys().filter(|name| is_own(name)) {
        let message = format!("{name:?} is set by Locum alone");
        problems.push(Problem::new("claims", message));
    }
    problems
}

fn too_long(field: &str, members: &Map<String, Json>) -> Option<Problem> {
    let is_short = serde_json::to_string(members).is_ok_and(|text| text.len() <= LONGEST_CLAIMS);
    (!is_short).then(|| Problem::new(field, format!("more than {LONGEST_CLAIMS} bytes")))
}

fn is_scope(name: &str) -> bool {
    name.len() <= LONGEST_NAME && Scope::from_tokens([name]).is_ok_and(|scope| !scope.is_empty())
}

/// Grants name APIs and scopes that exist, each API once.
pub fn grants(grants: &[GrantForm], apis: &[Api]) -> Vec<Problem> {
    let mut problems = Vec::new();
    if grants.len() > MOST {
        problems.push(Problem::new("grants", format!("more than {MOST}")));
    }
    let mut known = HashSet::new();
    for grant in grants {
        let audience = &grant.audience;
        let Some(api) = apis.iter().find(|api| api.audience == *audience) else {
            problems.push(Problem::new(
                "grants",
                format!("there is no API {audience:?}"),
            ));
            continue;
        };
        if !known.insert(audience) {
            problems.push(Problem::new(
                "grants",
                format!("API {audience:?} stands twice"),
            ));
        }
        if let ScopesForm::Only(names) = &grant.scopes {
            for name in names.iter().filter(|name| !api.has_scope(name)) {
                problems.push(Problem::new(
                    "grants",
                    format!("API {audience:?} has no scope {name:?}"),
                ));
            }
        }
    }
    problems
}

pub fn role(form: &RoleForm, apis: &[Api]) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(name("name", &form.name));
    problems.extend(problem("name", is_segment(&form.name)));
    problems.extend(description("description", &form.description));
    problems.extend(grants(&form.grants, apis));
    problems
}

/// `known_roles` are names.
pub fn user(form: &UserForm, known_roles: &[&str]) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(problem("username", is_username(&form.username)));
    if form.roles.len() > MOST {
        problems.push(Problem::new("roles", format!("more than {MOST}")));
    }
    let mut known = HashSet::new();
    for role in &form.roles {
        if !known_roles.contains(&role.as_str()) {
            problems.push(Problem::new("roles", format!("there is no role {role:?}")));
        }
        if !known.insert(role) {
            problems.push(Problem::new("roles", format!("{role:?} stands twice")));
        }
    }
    problems.extend(claims(&form.claims));
    problems
}

/// Whether the problem is one of what is being changed. What stays as it is is not held against the
/// rest: somebody can be blocked whatever they are called.
pub fn is_of_change(problem: &Problem, before: &UserForm, form: &UserForm) -> bool {
    match problem.field.as_str() {
        "username" => before.username != form.username,
        "roles" => before.roles != form.roles,
        _ => before.claims != form.claims,
    }
}

/// Whether TOML has it, which is what a configuration is exported as.
fn can_be_written_down(value: &Json) -> bool {
    match value {
        Json::Null => false,
        Json::Number(number) => !number.is_u64() || number.is_i64(),
        Json::Array(items) => items.iter().all(can_be_written_down),
        Json::Object(members) => members.values().all(can_be_written_down),
        Json::Bool(_) | Json::String(_) => true,
    }
}

fn claims(claims: &Map<String, Json>) -> Vec<Problem> {
    let mut problems = Vec::new();
    let is_own = |name: &str| ABOUT_TOKENS.contains(&name) || name == "updated_at";
    for name in claims.keys().filter(|name| is_own(name)) {
        problems.push(Problem::new(
            "claims",
            format!("{name:?} says something about a token, not about a person"),
        ));
    }
    problems.extend(too_long("claims", claims));
    let unspeakable = claims
        .iter()
        .filter(|(_, value)| !can_be_written_down(value));
    problems.extend(unspeakable.map(|(name, _)| {
        Problem::new(
            format!("claims.{name}"),
            "has null in it, or a number of more than 64 bits: a configuration cannot say that",
        )
    }));
    let claims = UserClaims(claims.clone());
    problems.extend(claims.misshapen().map(|(name, kind)| {
        Problem::new(
            format!("claims.{name}"),
            format!("expected {}", kind.words()),
        )
    }));
    let profile = profile_problems(&claims);
    let profile = profile.into_iter();
    problems.extend(profile.map(|(field, message)| Problem::new(field, message)));
    problems
}
