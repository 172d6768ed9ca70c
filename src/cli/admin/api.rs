use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Map, Value as Json, json};

use super::table::{card, table, words};
use super::{AtIssuer, Connection, Id, read_members, text};
use crate::cli::{Failed, fail};

/// APIs of an issuer, and their scopes
#[derive(Args)]
pub struct Api {
    #[command(flatten)]
    at: AtIssuer,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List APIs
    List,
    /// Show an API
    Show { audience: Id },
    /// Make an API
    Create {
        audience: Id,
        #[command(flatten)]
        members: Members,
    },
    /// Change an API
    Update {
        audience: Id,
        #[command(flatten)]
        members: Members,
    },
    /// Delete an API; clients and roles lose what they were granted at it
    Delete { audience: Id },
}

/// What an API is. What is not given stays as it is.
#[derive(Args)]
struct Members {
    #[arg(long)]
    name: Option<String>,
    /// Once for each scope; all of them. More about each with --from
    #[arg(long)]
    scope: Vec<String>,
    /// Of its tokens, in seconds
    #[arg(long, value_name = "SECONDS")]
    token_lifetime: Option<u64>,
    /// Any others, from a JSON file, or - for standard input
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

impl Members {
    fn read(&self) -> Result<Map<String, Json>, Failed> {
        let mut members = read_members(self.from.as_deref())?;
        if let Some(name) = &self.name {
            members.insert("name".to_owned(), json!(name));
        }
        if !self.scope.is_empty() {
            let scopes = self.scope.iter().map(|name| json!({ "name": name }));
            members.insert("scopes".to_owned(), scopes.collect());
        }
        if let Some(seconds) = self.token_lifetime {
            members.insert("token_lifetime".to_owned(), seconds.into());
        }
        Ok(members)
    }
}

impl Api {
    pub async fn run(self) -> Result<(), Failed> {
        let at = &self.at;
        let connection = at.connect().await?;
        let apis = at.path(&["apis"]);
        match self.verb {
            Verb::List => {
                let found = connection.list(&apis, &[]).await?;
                at.target.print(&found, |found| {
                    table(
                        found,
                        &[
                            ("AUDIENCE", |api| words(&api["audience"])),
                            ("NAME", |api| words(&api["name"])),
                            ("SCOPES", scopes),
                        ],
                        "There are no APIs yet. `locum api create` makes one.",
                    )
                })
            }
            Verb::Show { audience } => {
                let api = find(&connection, at, &audience).await?;
                at.target.print(&api, show)
            }
            Verb::Create { audience, members } => {
                let mut body = members.read()?;
                body.insert("audience".to_owned(), json!(audience));
                let api = connection.send("POST", &apis, &Json::Object(body)).await?;
                at.target.print(&api, show)
            }
            Verb::Update { audience, members } => {
                let api = find(&connection, at, &audience).await?;
                let path = at.path(&["apis", text(&api, "id")]);
                let body = Json::Object(members.read()?);
                let api = connection
                    .change(&path, "PATCH", &path, Some(&body))
                    .await?;
                at.target.print(&api, show)
            }
            Verb::Delete { audience } => {
                let api = find(&connection, at, &audience).await?;
                at.target.confirm(&format!(
                    "Clients and roles lose what they were granted at {audience}. Delete it?"
                ))?;
                let path = at.path(&["apis", text(&api, "id")]);
                let forced = format!("{path}?force=true");
                connection.change(&path, "DELETE", &forced, None).await?;
                at.target.done(&format!("{audience} is deleted."));
                Ok(())
            }
        }
    }
}

async fn find(connection: &Connection, at: &AtIssuer, audience: &str) -> Result<Json, Failed> {
    let found = connection.list(&at.path(&["apis"]), &[]).await?;
    let mut apis = found.as_array().into_iter().flatten();
    let api = apis.find(|api| text(api, "audience") == audience);
    api.cloned()
        .ok_or_else(|| fail(format!("there is no API {audience:?}")))
}

fn scopes(api: &Json) -> String {
    let names: Vec<&str> = api["scopes"]
        .as_array()
        .into_iter()
        .flatten()
        .map(|scope| text(scope, "name"))
        .collect();
    names.join(" ")
}

fn show(api: &Json) -> String {
    card(&[
        ("audience", words(&api["audience"])),
        ("name", words(&api["name"])),
        ("scopes", scopes(api)),
        ("token lifetime", words(&api["token_lifetime"])),
        ("token format", words(&api["token_format"])),
        ("signing alg", words(&api["signing_alg"])),
    ])
}
