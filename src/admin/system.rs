//! The console is an issuer like any other: administrators are its users, their roles are its
//! roles, and its APIs are Locum's own, one for the server and one for each issuer. So signing in,
//! sessions, throttling and tokens are there already.
//!
//! Locum itself declares it, and applies that as a configuration is applied.

use std::fmt::Write;
use std::path::PathBuf;
use std::sync::Arc;

use super::rights::{AdminRole, Permission};
use crate::config::{ConfigFile, Declared, Origin};
use crate::dialect;
use crate::source::{Mistake, Source};

/// Its name, and the first segment of its path.
pub const CONSOLE: &str = "console";

/// Of the API whose scopes are the permissions at the server.
pub const SERVER_AUDIENCE: &str = "urn:locum:server";

/// Of the API whose scopes are the permissions at one issuer. It does not depend on where the
/// server is reached, so that tokens and grants survive a move.
pub fn issuer_audience(issuer: &str) -> String {
    format!("urn:locum:issuer:{issuer}")
}

/// The issuer that [`issuer_audience`] was made of.
pub fn issuer_of_audience(audience: &str) -> Option<&str> {
    audience.strip_prefix("urn:locum:issuer:")
}

/// The console as it should be where there are these issuers, and with what else it has, as TOML:
/// `locum dev` adds administrators and a client everybody knows.
///
/// # Errors
/// When its own dialect cannot be read, which a test would have noticed.
pub fn declared(issuers: &[&str], more: &str, origin: Origin) -> Result<Declared, Mistake> {
    let text = text(issuers, more);
    let file = ConfigFile::parse(Source::new("the console", text), PathBuf::from("."))?;
    let declaration = file.config.issuers.into_iter().next();
    let missing = || Source::new("the console", "").mistake(None, "there is no issuer in it");
    Ok(Declared {
        declaration: declaration.ok_or_else(missing)?,
        dialect: Arc::new(dialect::load_built_in("standard")?),
        origin,
    })
}

/// Names of issuers are of `a-z`, `0-9` and `-`, so they need no quoting.
fn text(issuers: &[&str], more: &str) -> String {
    let mut text = format!(
        "[[issuer]]\nname = \"{CONSOLE}\"\ndialect = \"standard\"\nsigning_algs = [\"ES256\"]\n\
         brand = {{ name = \"Locum console\" }}\n"
    );
    api(
        &mut text,
        "This server",
        SERVER_AUDIENCE,
        &Permission::OF_THE_SERVER,
    );
    for issuer in issuers {
        let audience = issuer_audience(issuer);
        api(&mut text, issuer, &audience, &Permission::OF_AN_ISSUER);
    }
    for admin_role in AdminRole::ALL {
        role(&mut text, admin_role.as_str(), "everywhere");
        grant(
            &mut text,
            SERVER_AUDIENCE,
            &Permission::OF_THE_SERVER,
            admin_role,
        );
        for issuer in issuers {
            let audience = issuer_audience(issuer);
            grant(&mut text, &audience, &Permission::OF_AN_ISSUER, admin_role);
        }
    }
    for issuer in issuers {
        for admin_role in AdminRole::ALL {
            role(
                &mut text,
                &format!("{}:{issuer}", admin_role.as_str()),
                issuer,
            );
            let audience = issuer_audience(issuer);
            grant(&mut text, &audience, &Permission::OF_AN_ISSUER, admin_role);
        }
    }
    text.push_str(more);
    text
}

// Writing to a String cannot fail.

fn api(text: &mut String, name: &str, audience: &str, permissions: &[Permission]) {
    let _ = write!(
        text,
        "[[issuer.api]]\nname = \"{name}\"\naudience = \"{audience}\"\nscopes = [\n"
    );
    for permission in permissions {
        let (scope, words) = (permission.as_str(), permission.description());
        let _ = writeln!(
            text,
            "    {{ name = \"{scope}\", needs_role = true, description = \"{words}\" }},"
        );
    }
    text.push_str("]\n");
}

fn role(text: &mut String, name: &str, place: &str) {
    let _ = write!(
        text,
        "[[issuer.role]]\nname = \"{name}\"\ndescription = \"An administrator of Locum: {place}\"\n"
    );
}

fn grant(text: &mut String, audience: &str, permissions: &[Permission], role: AdminRole) {
    let scopes: Vec<String> = permissions
        .iter()
        .filter(|permission| role.holds(**permission))
        .map(|permission| format!("\"{}\"", permission.as_str()))
        .collect();
    let _ = write!(
        text,
        "[[issuer.role.grant]]\naudience = \"{audience}\"\nscopes = [{}]\n",
        scopes.join(", ")
    );
}
