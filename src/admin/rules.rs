//! What names, scopes and grants must be like, whoever sends them.

use std::collections::HashSet;

use super::Problem;
use super::forms::{ApiForm, GrantForm, RoleForm, ScopesForm, UserForm};
use crate::account::{ABOUT_TOKENS, Profile, ProfileFault, User, UserClaims};
use crate::issuer::Api;
use crate::protocol::{Scope, SigningAlg};

/// Characters of a name.
const LONGEST_NAME: usize = 255;
/// Characters of what is told about something.
const LONGEST_TEXT: usize = 2000;
/// Scopes of an API, grants of a client, roles of a user.
const MOST: usize = 500;
/// Bytes of a user's claims.
const LONGEST_CLAIMS: usize = 32 * 1024;

/// `None` when it is one: one line that people can tell from others.
pub fn name(field: &str, text: &str) -> Option<Problem> {
    let is_odd = |c: char| c.is_control() || INVISIBLE.contains(&c);
    let message = if text.trim().is_empty() {
        "is missing".to_owned()
    } else if text.trim() != text {
        "begins or ends with a space".to_owned()
    } else if text.chars().count() > LONGEST_NAME {
        format!("is longer than {LONGEST_NAME} characters")
    } else if text.chars().any(is_odd) {
        "has characters that nobody can see".to_owned()
    } else {
        return None;
    };
    Some(Problem::new(field, message))
}

/// Marks that change in which direction a text is read, and what has no width: with them two names
/// look the same.
const INVISIBLE: [char; 14] = [
    '\u{200b}', '\u{200e}', '\u{200f}', '\u{202a}', '\u{202b}', '\u{202c}', '\u{202d}', '\u{202e}',
    '\u{2060}', '\u{2066}', '\u{2067}', '\u{2068}', '\u{2069}', '\u{feff}',
];

/// `None` when it is one: any text, lines included.
pub fn description(field: &str, text: &str) -> Option<Problem> {
    if text.chars().count() > LONGEST_TEXT {
        return Some(Problem::new(
            field,
            format!("is longer than {LONGEST_TEXT} characters"),
        ));
    }
    let is_odd = |c: char| c.is_control() && !matches!(c, '\n' | '\r' | '\t');
    text.chars()
        .any(is_odd)
        .then(|| Problem::new(field, "has control characters"))
}

pub fn api(form: &ApiForm, algs: &[SigningAlg]) -> Vec<Problem> {
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
        for text in scope.translations.values() {
            problems.extend(description("scopes", text));
        }
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
    if let Some(alg) = form.signing_alg
        && !algs.contains(&alg)
    {
        problems.push(Problem::new(
            "signing_alg",
            format!("the issuer has no {} key", alg.as_str()),
        ));
    }
    problems
}

fn is_scope(name: &str) -> bool {
    name.len() <= LONGEST_NAME && Scope::from_tokens([name]).is_ok_and(|scope| !scope.is_empty())
}

/// Grants name APIs and scopes that exist, each API once.
pub fn grants(grants: &[GrantForm], apis: &[Api]) -> Vec<Problem> {
    let mut problems = Vec::new();
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
    problems.extend(description("description", &form.description));
    problems.extend(grants(&form.grants, apis));
    problems
}

/// `known_roles` are names.
pub fn user(form: &UserForm, known_roles: &[&str]) -> Vec<Problem> {
    let mut problems = Vec::new();
    problems.extend(name("username", &form.username));
    if User::canonical_username(&form.username).len() > 256 {
        problems.push(Problem::new("username", "is longer than 256 bytes"));
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

fn claims(claims: &serde_json::Map<String, serde_json::Value>) -> Vec<Problem> {
    let mut problems = Vec::new();
    for name in claims
        .keys()
        .filter(|name| ABOUT_TOKENS.contains(&name.as_str()))
    {
        problems.push(Problem::new(
            "claims",
            format!("{name:?} says something about a token, not about a person"),
        ));
    }
    if serde_json::to_string(claims).map_or(true, |text| text.len() > LONGEST_CLAIMS) {
        problems.push(Problem::new(
            "claims",
            format!("more than {LONGEST_CLAIMS} bytes"),
        ));
    }
    let claims = UserClaims(claims.clone());
    let text = |name: &str| claims.text(name).unwrap_or_default().to_owned();
    let profile = Profile {
        // Not everybody has one: what is shown instead is the username.
        name: claims.text("name").unwrap_or("-").to_owned(),
        given_name: text("given_name"),
        family_name: text("family_name"),
        email: text("email"),
        phone_number: text("phone_number"),
        locale: text("locale"),
    };
    problems.extend(profile.faults().into_iter().map(|fault| match fault {
        ProfileFault::MissingName => Problem::new("name", "is missing"),
        ProfileFault::UnusableName => Problem::new(
            "name",
            "is longer than 200 characters, or has control characters",
        ),
        ProfileFault::MalformedEmail => Problem::new("email", "is not an address"),
        ProfileFault::MalformedPhoneNumber => Problem::new("phone_number", "is not a number"),
    }));
    problems
}
