use std::path::PathBuf;

use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::table::{card, table, words};
use super::{Id, Target, encoded, read_members};
use crate::cli::Failed;

/// Issuers of a server
#[derive(Args)]
pub struct Issuer {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List issuers
    List,
    /// Make an issuer of a built-in dialect
    Create {
        name: Id,
        /// See `locum dialect list`
        #[arg(long, default_value = "standard")]
        dialect: String,
    },
    /// Show an issuer's settings
    Settings { name: Id },
    /// Change settings, as a JSON file says, or - for standard input
    Set { name: Id, file: PathBuf },
    /// Give an issuer a host name of its own, or without one take it away
    Host { name: Id, host: Option<String> },
    /// Delete an issuer with everything in it but its audit log
    Delete { name: Id },
}

impl Issuer {
    pub async fn run(self) -> Result<(), Failed> {
        let target = &self.target;
        let connection = target.connect().await?;
        let settings = |name: &str| format!("/issuers/{}/settings", encoded(name));
        match self.verb {
            Verb::List => {
                let found = connection.list("/issuers", &[]).await?;
                target.print(&found, |found| {
                    table(
                        found,
                        &[
                            ("ISSUER", |issuer| words(&issuer["name"])),
                            ("DIALECT", |issuer| words(&issuer["dialect"])),
                            ("HOST", |issuer| words(&issuer["host"])),
                        ],
                        "There are no issuers yet. `locum issuer create NAME` makes one.",
                    )
                })
            }
            Verb::Create { name, dialect } => {
                let body = json!({ "name": name, "dialect": dialect });
                let issuer = connection.send("POST", "/issuers", &body).await?;
                target.print(&issuer, |issuer| {
                    card(&[
                        ("issuer", words(&issuer["name"])),
                        ("dialect", words(&issuer["dialect"])),
                    ])
                })
            }
            Verb::Settings { name } => {
                let found = connection.get(&settings(&name)).await?;
                target.print(&found, show)
            }
            Verb::Set { name, file } => {
                let body = Json::Object(read_members(Some(&file))?);
                let path = settings(&name);
                let found = connection
                    .change(&path, "PATCH", &path, Some(&body))
                    .await?;
                target.print(&found, show)
            }
            Verb::Host { name, host } => {
                let path = format!("/issuers/{}", encoded(&name));
                let body = json!({ "host": host });
                let issuer = connection
                    .change(&path, "PATCH", &path, Some(&body))
                    .await?;
                target.print(&issuer, |issuer| {
                    card(&[
                        ("issuer", words(&issuer["name"])),
                        ("host", words(&issuer["host"])),
                    ])
                })
            }
            Verb::Delete { name } => {
                target.confirm(&format!(
                    "Every client, user, key and token of {name} goes with it. Delete it?"
                ))?;
                let path = format!("/issuers/{}", encoded(&name));
                let forced = format!("{path}?force=true");
                connection.change(&path, "DELETE", &forced, None).await?;
                target.done(&format!("{name} is deleted."));
                Ok(())
            }
        }
    }
}

fn show(settings: &Json) -> String {
    let lines: Vec<(&str, String)> = settings
        .as_object()
        .into_iter()
        .flatten()
        .map(|(name, value)| (name.as_str(), words(value)))
        .collect();
    card(&lines)
}
