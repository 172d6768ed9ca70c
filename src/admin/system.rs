//! The console is an issuer like any other: administrators are its users, their roles are its
//! roles, and its APIs are Locum's own, one for the server and one for each issuer. So signing in,
//! sessions, throttling and tokens are there already.
//!
//! Locum itself declares it, and applies that as a configuration is applied.

use std::fmt::Write;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::configuration::{self, ApplyError};
use super::rights::{AdminRole, Permission};
use crate::audit::Actor;
use crate::config::{ConfigFile, Declared, Origin};
use crate::demo;
use crate::dialect;
use crate::keys::Keyring;
use crate::oauth::Core;
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

/// How often it is declared again, because issuers came or went meanwhile.
const TRIES: u32 = 30;
/// More of it before each try.
const PAUSE: Duration = Duration::from_millis(10);

/// Gives the console an API and roles for every issuer there is.
pub async fn declare(core: &Core, keyring: &Keyring, actor: &Actor) -> Result<(), ApplyError> {
    for tried in 0..TRIES {
        tokio::time::sleep(PAUSE * tried).await;
        let names = issuer_names(core).await?;
        let console = core.store.find_issuer(CONSOLE).await?;
        let is_demo = console.is_some_and(|console| console.is_demo);
        match declare_for(core, keyring, actor, &names, is_demo).await {
            Err(ApplyError::Contended) => continue,
            outcome => outcome?,
        }
        // Somebody may have made one while this was being written, and one that is not known here
        // would have lost its API.
        if issuer_names(core).await? == names {
            return Ok(());
        }
    }
    Err(ApplyError::Contended)
}

/// The same at the start of a server, which knows whether it is `locum dev`.
pub async fn declare_at_start(
    core: &Core,
    keyring: &Keyring,
    is_dev: bool,
) -> Result<(), ApplyError> {
    let names = issuer_names(core).await?;
    declare_for(core, keyring, &Actor::server(), &names, is_dev).await?;
    if issuer_names(core).await? == names {
        return Ok(());
    }
    declare(core, keyring, &Actor::server()).await
}

async fn declare_for(
    core: &Core,
    keyring: &Keyring,
    actor: &Actor,
    names: &[String],
    is_demo: bool,
) -> Result<(), ApplyError> {
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let declared = if is_demo {
        demo::console(&names)?
    } else {
        declared(&names, "", Origin::File)?
    };
    let folder = Path::new(".");
    configuration::apply(core, keyring, &[declared], folder, actor).await?;
    Ok(())
}

async fn issuer_names(core: &Core) -> Result<Vec<String>, ApplyError> {
    let issuers = core.store.list_issuers().await?;
    let names = issuers.into_iter().map(|issuer| issuer.name);
    Ok(names.filter(|name| name != CONSOLE).collect())
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
