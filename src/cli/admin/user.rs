use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Map, Value as Json, json};

use super::table::{card, table, words};
use super::{AtIssuer, Connection, Id, flag, is_filtered, read_members, read_secret, text};
use crate::cli::{Failed, fail};

/// Users of an issuer
#[derive(Args)]
pub struct User {
    #[command(flatten)]
    at: AtIssuer,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List users by username
    List {
        /// Part of the username or profile
        #[arg(default_value = "", hide_default_value = true)]
        search: String,
        /// Only those who have this role
        #[arg(long, default_value = "", hide_default_value = true)]
        role: String,
        /// Only those who are blocked, or with =false only the others
        #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        blocked: Option<bool>,
    },
    /// Show a user
    Show { username: Id },
    /// Add a user, who chooses a password by a link that is told now and never again
    Create {
        username: Id,
        /// Take the password from a file, or - for standard input, instead of making a link
        #[arg(long, value_name = "FILE")]
        password_file: Option<PathBuf>,
        #[command(flatten)]
        members: Members,
    },
    /// Change a user
    Update {
        username: Id,
        #[command(flatten)]
        members: Members,
    },
    /// Sign a user out everywhere, and do not let them in again
    Block { username: Id },
    /// Let a user in again
    Unblock { username: Id },
    /// Make a link to choose a password with, told now and never again
    PasswordLink { username: Id },
    /// Set a password from a file, or - for standard input
    SetPassword { username: Id, file: PathBuf },
    /// Show where a user is signed in
    Sessions { username: Id },
    /// Delete a user with all that came of their signing in
    Delete { username: Id },
}

/// What a user is like. What is not given stays as it is.
#[derive(Args)]
struct Members {
    #[arg(long)]
    name: Option<String>,
    #[arg(long)]
    email: Option<String>,
    #[arg(long)]
    phone_number: Option<String>,
    /// Once for each role; all of them
    #[arg(long)]
    role: Vec<String>,
    /// No roles at all
    #[arg(long, conflicts_with = "role")]
    no_roles: bool,
    /// Any others, from a JSON file, or - for standard input
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

impl Members {
    fn read(&self) -> Result<Map<String, Json>, Failed> {
        let mut members = read_members(self.from.as_deref())?;
        let mut claims = Map::new();
        for (name, value) in [
            ("name", &self.name),
            ("email", &self.email),
            ("phone_number", &self.phone_number),
        ] {
            if let Some(value) = value {
                claims.insert(name.to_owned(), json!(value));
            }
        }
        if !claims.is_empty() {
            let all = members.entry("claims").or_insert_with(|| json!({}));
            if let Json::Object(all) = all {
                all.extend(claims);
            }
        }
        if self.no_roles || !self.role.is_empty() {
            members.insert("roles".to_owned(), json!(self.role));
        }
        Ok(members)
    }
}

impl User {
    pub async fn run(self) -> Result<(), Failed> {
        let at = &self.at;
        let connection = at.connect().await?;
        let users = at.path(&["users"]);
        match self.verb {
            Verb::List {
                search,
                role,
                blocked,
            } => {
                let blocked = flag(blocked);
                let query = [
                    ("search", search.as_str()),
                    ("role", role.as_str()),
                    ("blocked", blocked),
                ];
                let found = connection.list(&users, &query).await?;
                let empty = if is_filtered(&query) {
                    "No user matches."
                } else {
                    "There are no users yet. `locum user create` adds one."
                };
                at.target.print(&found, |found| list(found, empty))
            }
            Verb::Show { username } => {
                let user = find(&connection, at, &username).await?;
                at.target.print(&user, show)
            }
            Verb::Create {
                username,
                password_file,
                members,
            } => {
                let mut body = members.read()?;
                body.insert("username".to_owned(), json!(username));
                if let Some(path) = &password_file {
                    let password = read_secret(path)?.expose().to_owned();
                    body.insert("password".to_owned(), password.into());
                }
                let user = connection.send("POST", &users, &Json::Object(body)).await?;
                at.target.print(&user, show)
            }
            Verb::Update { username, members } => {
                let body = Json::Object(members.read()?);
                let user = change(&connection, at, &username, &body).await?;
                at.target.print(&user, show)
            }
            Verb::Block { username } => {
                at.target
                    .confirm(&format!("{username} is signed out everywhere. Block them?"))?;
                let body = json!({ "blocked": true });
                let user = change(&connection, at, &username, &body).await?;
                at.target.print(&user, show)
            }
            Verb::Unblock { username } => {
                let body = json!({ "blocked": false });
                let user = change(&connection, at, &username, &body).await?;
                at.target.print(&user, show)
            }
            Verb::PasswordLink { username } => {
                let user = find(&connection, at, &username).await?;
                let path = at.path(&["users", text(&user, "id"), "password-link"]);
                let link = connection.send("POST", &path, &json!({})).await?;
                at.target.print(&link, link_words)
            }
            Verb::SetPassword { username, file } => {
                let user = find(&connection, at, &username).await?;
                let path = at.path(&["users", text(&user, "id"), "password"]);
                let body = json!({ "password": read_secret(&file)?.expose() });
                connection.send("PUT", &path, &body).await?;
                at.target
                    .done("The password is set, and every session of theirs has ended.");
                Ok(())
            }
            Verb::Sessions { username } => {
                let user = find(&connection, at, &username).await?;
                let path = at.path(&["users", text(&user, "id"), "sessions"]);
                let found = connection.list(&path, &[]).await?;
                let empty = format!("{username} is signed in nowhere.");
                at.target
                    .print(&found, |found| super::session::list(found, &empty))
            }
            Verb::Delete { username } => {
                let user = find(&connection, at, &username).await?;
                at.target.confirm(&format!(
                    "Everything that came of {username}'s signing in goes with them. Delete them?"
                ))?;
                let path = at.path(&["users", text(&user, "id")]);
                connection.change(&path, "DELETE", &path, None).await?;
                at.target.done(&format!("{username} is deleted."));
                Ok(())
            }
        }
    }
}

/// The user of exactly this name; upper and lower case are the same.
pub(super) async fn find(
    connection: &Connection,
    at: &AtIssuer,
    username: &str,
) -> Result<Json, Failed> {
    let query = [("search", username)];
    let found = connection.list(&at.path(&["users"]), &query).await?;
    let wanted = crate::account::User::canonical_username(username);
    let is_wanted =
        |user: &&Json| crate::account::User::canonical_username(text(user, "username")) == wanted;
    let user = found.as_array().into_iter().flatten().find(is_wanted);
    user.cloned()
        .ok_or_else(|| fail(format!("there is no user {username:?}")))
}

async fn change(
    connection: &Connection,
    at: &AtIssuer,
    username: &str,
    body: &Json,
) -> Result<Json, Failed> {
    let user = find(connection, at, username).await?;
    let path = at.path(&["users", text(&user, "id")]);
    connection.change(&path, "PATCH", &path, Some(body)).await
}

pub(super) fn list(found: &Json, empty: &str) -> String {
    table(
        found,
        &[
            ("USERNAME", |user| words(&user["username"])),
            ("NAME", |user| words(&user["claims"]["name"])),
            ("EMAIL", |user| words(&user["claims"]["email"])),
            ("ROLES", |user| words(&user["roles"])),
            ("STATE", |user| state(user).to_owned()),
        ],
        empty,
    )
}

fn state(user: &Json) -> &'static str {
    if user["blocked"] == true {
        "blocked"
    } else if user["has_password"] == false {
        "has no password yet"
    } else {
        "active"
    }
}

pub(super) fn show(user: &Json) -> String {
    let mut shown = card(&[
        ("username", words(&user["username"])),
        ("id", words(&user["id"])),
        ("name", words(&user["claims"]["name"])),
        ("email", words(&user["claims"]["email"])),
        ("phone number", words(&user["claims"]["phone_number"])),
        ("roles", words(&user["roles"])),
        ("state", state(user).to_owned()),
        ("made", words(&user["created_at"])),
        ("changed", words(&user["updated_at"])),
    ]);
    if user["link"].is_object() {
        shown.push_str("\n\n");
        shown.push_str(&link_words(&user["link"]));
    }
    shown
}

fn link_words(link: &Json) -> String {
    format!(
        "To choose a password, below the issuer's address (https://HOST/NAME, of administrators https://HOST/console); told now and never again, good until {}:\n{}",
        text(link, "expires_at"),
        text(link, "path")
    )
}
