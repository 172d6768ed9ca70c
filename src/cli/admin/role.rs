use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::table::{card, grants, table, words};
use super::{AtIssuer, Id, grant};
use crate::cli::Failed;

/// Roles of an issuer's users
#[derive(Args)]
pub struct Role {
    #[command(flatten)]
    at: AtIssuer,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List roles
    List,
    /// Show a role
    Show { name: Id },
    /// Make a role
    Create {
        name: Id,
        #[command(flatten)]
        members: Members,
    },
    /// Change a role
    Update {
        name: Id,
        #[command(flatten)]
        members: Members,
    },
    /// Delete a role, also from its users
    Delete { name: Id },
}

/// What a role is. What is not given stays as it is.
#[derive(Args)]
struct Members {
    #[arg(long)]
    description: Option<String>,
    /// Once for each API: AUDIENCE=SCOPE,SCOPE or AUDIENCE=all; all of them
    #[arg(long, value_name = "GRANT", value_parser = grant)]
    grant: Vec<Json>,
}

impl Members {
    fn json(&self) -> Json {
        let mut members = json!({});
        if let Some(description) = &self.description {
            members["description"] = json!(description);
        }
        if !self.grant.is_empty() {
            members["grants"] = json!(self.grant);
        }
        members
    }
}

impl Role {
    pub async fn run(self) -> Result<(), Failed> {
        let at = &self.at;
        let connection = at.connect().await?;
        let roles = at.path(&["roles"]);
        match self.verb {
            Verb::List => {
                let found = connection.list(&roles, &[]).await?;
                at.target.print(&found, |found| {
                    table(
                        found,
                        &[
                            ("ROLE", |role| words(&role["name"])),
                            ("WHAT IT IS", |role| words(&role["description"])),
                            ("GRANTED", |role| grants(&role["grants"])),
                        ],
                        "There are no roles yet. `locum role create` makes one.",
                    )
                })
            }
            Verb::Show { name } => {
                let role = connection.get(&at.path(&["roles", &name])).await?;
                at.target.print(&role, show)
            }
            Verb::Create { name, members } => {
                let mut body = members.json();
                body["name"] = json!(name);
                let role = connection.send("POST", &roles, &body).await?;
                at.target.print(&role, show)
            }
            Verb::Update { name, members } => {
                let path = at.path(&["roles", &name]);
                let body = members.json();
                let role = connection
                    .change(&path, "PATCH", &path, Some(&body))
                    .await?;
                at.target.print(&role, show)
            }
            Verb::Delete { name } => {
                at.target
                    .confirm(&format!("Users who have {name} lose it. Delete it?"))?;
                let path = at.path(&["roles", &name]);
                let forced = format!("{path}?force=true");
                connection.change(&path, "DELETE", &forced, None).await?;
                at.target.done(&format!("{name} is deleted."));
                Ok(())
            }
        }
    }
}

fn show(role: &Json) -> String {
    card(&[
        ("name", words(&role["name"])),
        ("description", words(&role["description"])),
        ("granted", grants(&role["grants"])),
    ])
}
