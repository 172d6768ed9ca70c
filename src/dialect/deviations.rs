//! In what a dialect is not as the standard has it, and why: policies, not shapes. The reasons are
//! the comments of its own file.

use toml::{Table, Value};

use super::load::{built_in_text, resolved};
use crate::source::Mistake;

/// A policy that is not the standard's.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deviation {
    /// `pkce.required`
    pub key: String,
    pub standard: String,
    pub here: String,
    /// Empty where the file does not say.
    pub reason: String,
    /// Whether it makes attacks easier, and not only looks different.
    pub is_weaker: bool,
}

/// What says how something looks and not what is allowed.
const SHAPES: [&str; 41] = [
    "access_token.claims",
    "access_token.header",
    "access_token.opaque",
    "access_token.user_claims",
    "authorization.code",
    "authorization.error_response",
    "authorization.errors",
    "authorization.response",
    "discovery",
    "endpoints",
    "error_code_descriptions",
    "error_response",
    "errors",
    "extends",
    "id_token.claims",
    "id_token.header",
    "introspection.active",
    "introspection.ends_with_newline",
    "introspection.user_active",
    "issuer",
    "jwks",
    "refresh_token.opaque",
    "registration.access_token",
    "registration.client_actions",
    "registration.client_id",
    "registration.client_secret",
    "registration.created",
    "registration.created_headers",
    "registration.ends_with_newline",
    "registration.error_response",
    "registration.help",
    "registration.missing_member",
    "registration.problem_prefix",
    "registration.read",
    "registration.refuses",
    "registration.request",
    "registration.status",
    "resource_error_response",
    "subject",
    "title",
    "userinfo.claims",
];

/// Policies in which another value than the standard's lets more through.
const PROTECTING: [&str; 9] = [
    "authorization.ignores_query_of_redirect_uri",
    "authorization.loopback_port",
    "authorization.redirect_uri_optional",
    "introspection.authenticated",
    "pkce.methods",
    "pkce.required",
    "refresh_token.grace",
    "refresh_token.rotation",
    "session.same_site",
];

/// The built-in dialect's deviations, in the order of their keys; for one that is not built in,
/// `source` is its text.
pub fn deviations(name: &str, source: Option<&str>) -> Result<Vec<Deviation>, Mistake> {
    let here = match source {
        Some(text) => text.to_owned(),
        None => resolved(name, std::path::Path::new("."))?,
    };
    let standard = resolved("standard", std::path::Path::new("."))?;
    let (here, standard) = (leaves(&here), leaves(&standard));
    let reasons: Vec<(String, String)> = lineage(name)
        .iter()
        .filter_map(|name| built_in_text(name))
        .flat_map(reasons)
        .collect();
    Ok(here
        .into_iter()
        .filter(|(key, _)| !is_shape(key))
        .filter_map(|(key, value)| {
            let usual = standard.iter().find(|(known, _)| *known == key);
            let usual = usual.map(|(_, value)| value.as_str()).unwrap_or_default();
            (usual != value).then(|| Deviation {
                is_weaker: PROTECTING.contains(&key.as_str()),
                reason: reasons
                    .iter()
                    .find(|(known, _)| *known == key)
                    .map(|(_, reason)| reason.clone())
                    .unwrap_or_default(),
                standard: usual.to_owned(),
                here: value,
                key,
            })
        })
        .collect())
}

/// The built-in dialects a built-in one is made of, itself first.
pub fn lineage(name: &str) -> Vec<String> {
    let mut names = Vec::new();
    let mut next = Some(name.to_owned());
    while let Some(name) = next.filter(|name| !names.contains(name)) {
        let Some(text) = built_in_text(&name) else {
            break;
        };
        let extends = text.parse::<Table>().ok().and_then(|table| {
            table
                .get("extends")
                .and_then(Value::as_str)
                .map(str::to_owned)
        });
        next = extends.or_else(|| (name != "standard").then(|| "standard".to_owned()));
        names.push(name);
    }
    names
}

fn is_shape(key: &str) -> bool {
    let is_at_or_below = |shape: &&str| {
        key.strip_prefix(*shape)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('.'))
    };
    SHAPES.iter().any(is_at_or_below)
        || key.contains(".errors.")
        || key.ends_with(".headers")
        || key.contains(".headers.")
        || key.starts_with("token_response.members")
}

/// Every value of a document that is no table, with its path.
fn leaves(text: &str) -> Vec<(String, String)> {
    let mut found = Vec::new();
    if let Ok(table) = text.parse::<Table>() {
        walk("", &table, &mut found);
    }
    found.sort();
    found
}

fn walk(path: &str, table: &Table, found: &mut Vec<(String, String)>) {
    for (name, value) in table {
        let path = if path.is_empty() {
            name.clone()
        } else {
            format!("{path}.{name}")
        };
        match value {
            Value::Table(below) => walk(&path, below, found),
            Value::String(text) => found.push((path, text.clone())),
            Value::Array(items) => {
                let items: Vec<String> = items
                    .iter()
                    .map(|item| {
                        item.as_str()
                            .map_or_else(|| item.to_string(), str::to_owned)
                    })
                    .collect();
                found.push((path, items.join(", ")));
            }
            other => found.push((path, other.to_string())),
        }
    }
}

/// The comments behind keys: `required = "never" # the vendor's guide has none`.
fn reasons(text: &str) -> Vec<(String, String)> {
    let mut table = String::new();
    let mut found = Vec::new();
    for line in text.lines() {
        let line = line.trim();
        if let Some(header) = line.strip_prefix('[') {
            table = header.split(']').next().unwrap_or_default().to_owned();
        } else if let (Some((key, _)), Some(comment)) = (line.split_once('='), comment(line)) {
            let key = key.trim();
            let path = if table.is_empty() {
                key.to_owned()
            } else {
                format!("{table}.{key}")
            };
            found.push((path, comment.to_owned()));
        }
    }
    found
}

/// What follows a `#` that stands in no string.
fn comment(line: &str) -> Option<&str> {
    let mut is_quoted = false;
    for (at, c) in line.char_indices() {
        match c {
            '"' => is_quoted = !is_quoted,
            '#' if !is_quoted => return line.get(at + 1..).map(str::trim),
            _ => {}
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_dialect_says_what_it_does_otherwise() {
        assert!(deviations("standard", None).unwrap().is_empty());
        let found = deviations("identityserver4", None).unwrap();
        let find = |key: &str| found.iter().find(|deviation| deviation.key == key);
        let cases = find("ignore_case_of_paths").unwrap();
        assert_eq!(
            (cases.standard.as_str(), cases.here.as_str()),
            ("false", "true")
        );
        assert_eq!(cases.reason, "ASP.NET routing");
        assert!(!cases.is_weaker);
        assert!(
            found
                .iter()
                .all(|deviation| !deviation.key.starts_with("errors"))
        );
        for (name, _) in super::super::BUILT_IN {
            for deviation in deviations(name, None).unwrap() {
                assert!(!deviation.reason.is_empty(), "{name}: {}", deviation.key);
            }
        }
        let auth0 = deviations("auth0", None).unwrap();
        assert!(auth0.iter().any(|deviation| deviation.is_weaker));
    }

    #[test]
    fn a_dialect_knows_what_it_is_made_of() {
        assert_eq!(
            lineage("identityserver4"),
            ["identityserver4", "identityserver", "standard"]
        );
        assert_eq!(lineage("./own.toml"), [""; 0]);
    }
}
