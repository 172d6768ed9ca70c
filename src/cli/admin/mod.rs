//! Administration from the command line: each command is one or two requests to the admin API,
//! which is asked over HTTP at a running server, or in this very process on the database.

mod administrator;
mod api;
mod audit_log;
mod client;
mod connection;
mod consent;
mod issuer;
mod key;
mod registration_token;
mod role;
mod session;
mod table;
mod user;

use std::fmt::{self, Display};
use std::io::{BufRead, IsTerminal, Read, Write};
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::str::FromStr;

use clap::Args;
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::{Failed, fail, misused};
use crate::secret::Secret;

pub use administrator::Administrator;
pub use api::Api;
pub use audit_log::Search;
pub use client::Client;
pub use connection::{Connection, Local, http_client, server_url};
pub use consent::Consent;
pub use issuer::Issuer;
pub use key::Key;
pub use registration_token::RegistrationToken;
pub use role::Role;
pub use session::Session;
pub use table::visible;
pub use user::User;

/// Where to ask, and how to answer.
#[derive(Args)]
pub struct Target {
    /// The configuration file, which says where the database is
    #[arg(long, value_name = "FILE", env = "LOCUM_CONFIG", global = true)]
    pub config: Option<PathBuf>,
    /// Ask a running server instead of the database, like https://id.example
    #[arg(long, value_name = "URL", env = "LOCUM_SERVER", global = true)]
    pub server: Option<String>,
    /// A file with an access token for that server, or - for standard input [env: LOCUM_TOKEN has
    /// the token itself]
    #[arg(long, value_name = "FILE", global = true)]
    pub token_file: Option<PathBuf>,
    /// Answer in JSON
    #[arg(long, global = true)]
    pub json: bool,
    /// Do not ask whether to go on
    #[arg(long, short, global = true)]
    pub yes: bool,
}

/// At which issuer.
#[derive(Args)]
pub struct AtIssuer {
    /// The issuer's name
    #[arg(
        long,
        short,
        value_name = "NAME",
        env = "LOCUM_ISSUER",
        global = true,
        default_value = ""
    )]
    pub issuer: String,
    #[command(flatten)]
    pub target: Target,
}

/// What something is known by. Without any, a path would lead to the list it stands in.
#[derive(Clone, Serialize)]
struct Id(String);

impl FromStr for Id {
    type Err = &'static str;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        if text.is_empty() {
            return Err("it is empty");
        }
        Ok(Self(text.to_owned()))
    }
}

impl Deref for Id {
    type Target = str;

    fn deref(&self) -> &str {
        &self.0
    }
}

impl Display for Id {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl AtIssuer {
    async fn connect(&self) -> Result<Connection, Failed> {
        if self.issuer.is_empty() {
            return Err(misused(
                "which issuer? Add --issuer NAME, or set LOCUM_ISSUER",
            ));
        }
        self.target.connect().await
    }

    /// The path of something of this issuer: `clients`, and a client's ID.
    fn path(&self, segments: &[&str]) -> String {
        let mut path = format!("/issuers/{}", encoded(&self.issuer));
        for segment in segments {
            path.push('/');
            path.push_str(&encoded(segment));
        }
        path
    }
}

impl Target {
    pub async fn connect(&self) -> Result<Connection, Failed> {
        Connection::open(self).await
    }

    /// Prints an answer: as it is, or as `human` puts it.
    fn print(&self, answer: &Json, human: impl FnOnce(&Json) -> String) -> Result<(), Failed> {
        let text = if self.json {
            serde_json::to_string_pretty(answer).map_err(fail)?
        } else {
            human(answer)
        };
        print_line(&text);
        Ok(())
    }

    /// Says what was done, where nothing comes back.
    fn done(&self, words: &str) {
        if !self.json {
            print_line(words);
        }
    }

    /// # Errors
    /// When somebody says no, or nobody is there to be asked.
    fn confirm(&self, question: &str) -> Result<(), Failed> {
        if self.yes {
            return Ok(());
        }
        if !std::io::stdin().is_terminal() {
            return Err(misused(format!(
                "{question} Add --yes to go on without being asked"
            )));
        }
        eprint!("{question} [y/N] ");
        let _ = std::io::stderr().flush();
        let mut line = String::new();
        let _ = std::io::stdin().lock().read_line(&mut line);
        if line.trim().eq_ignore_ascii_case("y") || line.trim().eq_ignore_ascii_case("yes") {
            Ok(())
        } else {
            Err(fail("nothing was done"))
        }
    }
}

/// Whoever reads may have closed the pipe; that is no failure of ours.
fn print_line(text: &str) {
    let mut stdout = std::io::stdout().lock();
    let _ = writeln!(stdout, "{}", text.trim_end()).and_then(|()| stdout.flush());
}

/// A segment of a path (RFC 3986 §2.1).
pub fn encoded(text: &str) -> String {
    let encoded: String = url::form_urlencoded::byte_serialize(text.as_bytes()).collect();
    encoded.replace('+', "%20")
}

/// A path with a query, without what is empty.
fn with_query(path: &str, parameters: &[(&str, &str)]) -> String {
    let mut query = url::form_urlencoded::Serializer::new(String::new());
    for (name, value) in parameters.iter().filter(|(_, value)| !value.is_empty()) {
        query.append_pair(name, value);
    }
    match query.finish().as_str() {
        "" => path.to_owned(),
        query => format!("{path}?{query}"),
    }
}

/// Whether a list is asked for in part.
fn is_filtered(parameters: &[(&str, &str)]) -> bool {
    parameters.iter().any(|(_, value)| !value.is_empty())
}

/// As a query says it; nothing when it is not asked for.
fn flag(value: Option<bool>) -> &'static str {
    match value {
        None => "",
        Some(true) => "true",
        Some(false) => "false",
    }
}

/// The text of a file, or of standard input for `-`.
fn read_text(path: &Path) -> Result<String, Failed> {
    let mut text = String::new();
    if path == Path::new("-") {
        std::io::stdin()
            .lock()
            .take(1024 * 1024)
            .read_to_string(&mut text)
            .map_err(|error| fail(format!("cannot read standard input: {error}")))?;
    } else {
        text = std::fs::read_to_string(path)
            .map_err(|error| fail(format!("cannot read {}: {error}", path.display())))?;
    }
    Ok(text)
}

/// A secret from a file, or from standard input for `-`: never from the command line, which
/// everybody on the machine can read.
pub fn read_secret(path: &Path) -> Result<Secret, Failed> {
    let text = read_text(path)?;
    // Editors and `echo` end a file with a newline that is not part of the secret.
    let secret = text.trim_end_matches(['\r', '\n']);
    if secret.is_empty() {
        return Err(fail(format!("{}: the secret is empty", path.display())));
    }
    Ok(Secret::new(secret))
}

/// Members from a JSON file, where what the options can say is not enough.
fn read_members(path: Option<&Path>) -> Result<Map<String, Json>, Failed> {
    let Some(path) = path else {
        return Ok(Map::new());
    };
    match serde_json::from_str(&read_text(path)?) {
        Ok(Json::Object(members)) => Ok(members),
        Ok(_) => Err(fail(format!("{}: expected a JSON object", path.display()))),
        Err(error) => Err(fail(format!("{}: {error}", path.display()))),
    }
}

/// `https://api.example=read,write`, or `https://api.example=all`.
fn grant(text: &str) -> Result<Json, String> {
    let (audience, scopes) = text
        .rsplit_once('=')
        .ok_or("expected AUDIENCE=SCOPE,SCOPE or AUDIENCE=all")?;
    let scopes = match scopes {
        "all" => Json::from("all"),
        names => names
            .split(',')
            .filter(|name| !name.is_empty())
            .collect::<Vec<_>>()
            .into(),
    };
    Ok(serde_json::json!({ "audience": audience, "scopes": scopes }))
}

/// A member as text, or nothing.
fn text<'a>(value: &'a Json, name: &str) -> &'a str {
    value[name].as_str().unwrap_or_default()
}
