//! Finds a dialect and everything it extends, and reads them as one.

use std::path::Path;

use serde::Deserialize;

use super::schema::Dialect;
use crate::source::{Layers, Mistake, Source, matches, suggest};

/// The dialects Locum brings: name and file.
pub const BUILT_IN: &[(&str, &str)] = &[
    ("standard", include_str!("standard.toml")),
    ("auth0", include_str!("auth0.toml")),
    ("hydra", include_str!("hydra.toml")),
    ("pattern", include_str!("pattern.toml")),
    ("identityserver", include_str!("identityserver.toml")),
    ("identityserver4", include_str!("identityserver4.toml")),
];

/// What every dialect extends in the end.
const ROOT: &str = "standard";

/// Longer chains are a mistake, most likely a circle.
const LONGEST_CHAIN: usize = 8;

/// A larger dialect file is not a dialect file.
const LARGEST_FILE: u64 = 1024 * 1024;

/// Tables that a dialect replaces whole, because the order of their members is what it states,
/// and because an endpoint it doesn't name is one it doesn't have.
const WHOLE: &[&[&str]] = &[
    &["endpoints"],
    &["token_response", "members"],
    &["access_token", "header"],
    &["access_token", "claims"],
    &["access_token", "user_claims"],
    &["authorization", "response"],
    &["authorization", "error_response"],
    &["id_token", "header"],
    &["id_token", "claims"],
    &["userinfo", "claims"],
    &["logout", "token_header"],
    &["logout", "token_claims"],
    &["introspection", "active"],
    &["introspection", "user_active"],
    &["discovery", "document"],
    &["jwks", "key"],
    &["registration", "request"],
    &["registration", "created"],
    &["registration", "read"],
    &["registration", "created_headers"],
    &["registration", "error_response", "headers"],
    &["registration", "error_response", "body"],
    &["registration", "errors", "*", "headers"],
    &["registration", "errors", "*", "body"],
    &["error_response", "body"],
    &["resource_error_response", "body"],
    &["errors", "*", "body"],
    &["*", "headers"],
    &["errors", "*", "headers"],
];

pub(super) fn built_in_text(name: &str) -> Option<&'static str> {
    BUILT_IN
        .iter()
        .find(|(known, _)| *known == name)
        .map(|(_, text)| *text)
}

/// Reads a built-in dialect by its name, or a user's own by its path.
///
/// # Errors
/// The first mistake, with file, line and what was expected.
pub fn load(name_or_path: &str, relative_to: &Path) -> Result<Dialect, Mistake> {
    read(&chain(name_or_path, relative_to)?)
}

/// Reads a dialect as a database keeps it: a built-in one by its name, or the text of another,
/// resolved.
pub fn load_stored(name: &str, source: Option<&str>) -> Result<Dialect, Mistake> {
    match source {
        None => load_built_in(name),
        // What it leaves out, because it was written before there was such a word, is as in
        // `standard`.
        Some(text) => {
            let standard = find(ROOT, Path::new("."))
                .map_err(|message| Source::new(ROOT, "").mistake(None, message))?;
            read(&[Source::new(name, text), standard])
        }
    }
}

/// Reads a built-in dialect.
pub fn load_built_in(name: &str) -> Result<Dialect, Mistake> {
    load(name, Path::new("."))
}

/// The text of a dialect as it stands: a built-in one, or a file.
pub fn text(name_or_path: &str, relative_to: &Path) -> Result<String, Mistake> {
    find(name_or_path, relative_to)
        .map(|source| source.text)
        .map_err(|message| Source::new(name_or_path, "").mistake(None, message))
}

/// The dialect with everything it inherits, as one TOML text without comments.
pub fn resolved(name_or_path: &str, relative_to: &Path) -> Result<String, Mistake> {
    let sources = chain(name_or_path, relative_to)?;
    read(&sources)?;
    let mut table = Layers::new(&sources, WHOLE).read_table()?;
    table.remove("extends");
    let mut out = String::new();
    write_table(&mut Vec::new(), &table, &mut out);
    Ok(out)
}

/// Writes a table under its header, with those below it after it. Where the order of members
/// counts, tables stand in their place, on one line: the TOML writer would put them last.
fn write_table<'a>(path: &mut Vec<&'a str>, table: &'a toml::Table, out: &mut String) {
    let is_ordered = WHOLE.iter().any(|whole| matches(whole, path));
    let is_inline = |value: &toml::Value| is_ordered || !value.is_table();
    if !path.is_empty() && (table.is_empty() || table.values().any(is_inline)) {
        let names: Vec<String> = path.iter().map(|name| quoted(name)).collect();
        out.push_str(&format!("\n[{}]\n", names.join(".")));
    }
    for (name, value) in table.iter().filter(|(_, value)| is_inline(value)) {
        out.push_str(&format!("{} = {value}\n", quoted(name)));
    }
    for (name, value) in table {
        if let (false, toml::Value::Table(below)) = (is_ordered, value) {
            path.push(name);
            write_table(path, below, out);
            path.pop();
        }
    }
}

/// A key as TOML wants it.
fn quoted(key: &str) -> String {
    let is_bare = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-' || byte == b'_';
    if !key.is_empty() && key.bytes().all(is_bare) {
        key.to_owned()
    } else {
        toml::Value::from(key).to_string()
    }
}

fn read(sources: &[Source]) -> Result<Dialect, Mistake> {
    let layers = Layers::new(sources, WHOLE);
    let dialect: Dialect = layers.read()?;
    dialect
        .check()
        .map_err(|wrong| layers.mistake_at(wrong.at, wrong.message))?;
    Ok(dialect)
}

/// The dialect's source, then that of the one it extends, and so on down to `standard`.
fn chain(name_or_path: &str, relative_to: &Path) -> Result<Vec<Source>, Mistake> {
    #[derive(Deserialize)]
    struct Head {
        extends: Option<toml::Spanned<String>>,
    }

    let mut sources = vec![
        find(name_or_path, relative_to)
            .map_err(|message| Source::new(name_or_path, "").mistake(None, message))?,
    ];
    let mut name = name_or_path.to_owned();
    let mut folder = folder_of(&name, relative_to);
    while name != ROOT {
        let current = &sources[sources.len() - 1];
        let head: Head = current.read()?;
        let at = head.extends.as_ref().map(|extends| extends.span().start);
        let next = head
            .extends
            .map_or_else(|| ROOT.to_owned(), toml::Spanned::into_inner);
        if sources.len() == LONGEST_CHAIN {
            return Err(current.mistake(
                at,
                format!("more than {LONGEST_CHAIN} dialects extend each other; is it a circle?"),
            ));
        }
        let source = find(&next, &folder).map_err(|message| current.mistake(at, message))?;
        folder = folder_of(&next, &folder);
        sources.push(source);
        name = next;
    }
    Ok(sources)
}

fn folder_of(name: &str, relative_to: &Path) -> std::path::PathBuf {
    let path = relative_to.join(name);
    path.parent().unwrap_or(relative_to).to_owned()
}

fn find(name_or_path: &str, relative_to: &Path) -> Result<Source, String> {
    if let Some(text) = built_in_text(name_or_path) {
        return Ok(Source::new(format!("{name_or_path}.toml"), text));
    }
    let path = relative_to.join(name_or_path);
    let is_a_path = name_or_path.contains(['/', '\\', '.']);
    if !is_a_path && !path.exists() {
        let known = BUILT_IN.iter().map(|(name, _)| *name);
        return Err(format!(
            "there is no built-in dialect `{name_or_path}`; {} A dialect of your own is named by its path.",
            suggest(name_or_path, known)
        ));
    }
    let refuse = |error: &dyn std::fmt::Display| format!("cannot read {}: {error}", path.display());
    let size = std::fs::metadata(&path)
        .map_err(|error| refuse(&error))?
        .len();
    if size > LARGEST_FILE {
        return Err(refuse(&format!("it is larger than {LARGEST_FILE} bytes")));
    }
    let text = std::fs::read_to_string(&path).map_err(|error| refuse(&error))?;
    Ok(Source::new(path.display().to_string(), text))
}
