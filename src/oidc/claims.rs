//! Which claims about a person go where.

use serde_json::{Map, Value as Json};

use crate::account::{ABOUT_TOKENS, StandardScope, User};
use crate::dialect::InstantFormat;
use crate::issuer::Client;
use crate::protocol::Scope;

/// What a scope asks for (OIDC Core §5.4), as far as it is known.
pub fn scope_claims(user: &User, scope: &Scope, updated_at: InstantFormat) -> Map<String, Json> {
    let names = scope
        .tokens()
        .iter()
        .filter_map(|token| StandardScope::find(token))
        .flat_map(StandardScope::claims);
    select(user, names.copied(), updated_at)
}

/// The claims of these names, as far as they are known.
pub fn select<'a>(
    user: &User,
    names: impl Iterator<Item = &'a str>,
    updated_at: InstantFormat,
) -> Map<String, Json> {
    names
        .filter(|name| !ABOUT_TOKENS.contains(name))
        .filter_map(|name| Some((name.to_owned(), claim(user, name, updated_at)?)))
        .collect()
}

fn claim(user: &User, name: &str, updated_at: InstantFormat) -> Option<Json> {
    match (name, updated_at) {
        ("updated_at", InstantFormat::Seconds) => Some(user.updated_at.unix().into()),
        ("updated_at", InstantFormat::Iso8601Milliseconds) => {
            let seconds = user.updated_at.rfc3339();
            Some(format!("{}.000Z", seconds.trim_end_matches('Z')).into())
        }
        _ => match user.claims.get(name) {
            Some(Json::Null) => None,
            Some(known) => Some(known.clone()),
            None if name == "preferred_username" => Some(user.username.clone().into()),
            None => None,
        },
    }
}

/// What the client is registered to get besides. `"{name}"` stands for the user's claim of that
/// name, which is left out when there is none.
pub fn client_claims(client: &Client, user: &User) -> Map<String, Json> {
    client
        .metadata
        .claims
        .iter()
        .filter(|(name, _)| !ABOUT_TOKENS.contains(&name.as_str()))
        .filter_map(|(name, value)| Some((name.clone(), resolve(value, user)?)))
        .collect()
}

fn resolve(value: &Json, user: &User) -> Option<Json> {
    let named = value
        .as_str()
        .and_then(|text| text.strip_prefix('{')?.strip_suffix('}'));
    match named {
        Some("username") => Some(user.username.clone().into()),
        Some("roles") => Some(user.roles.clone().into()),
        Some(name) => user.claims.get(name).cloned(),
        None => Some(value.clone()),
    }
}
