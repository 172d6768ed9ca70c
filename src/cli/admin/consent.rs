use clap::{Args, Subcommand};
use serde_json::json;

use super::table::{table, words};
use super::{AtIssuer, Id, text, user};
use crate::cli::Failed;

/// What users of an issuer allowed clients
#[derive(Args)]
pub struct Consent {
    #[command(flatten)]
    at: AtIssuer,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List what a user allowed clients
    List { username: Id },
    /// Withdraw everything a user allowed a client; what it holds for them is worth nothing from then on
    Withdraw { username: Id, client_id: Id },
}

impl Consent {
    pub async fn run(self) -> Result<(), Failed> {
        let at = &self.at;
        let connection = at.connect().await?;
        match self.verb {
            Verb::List { username } => {
                let user = user::find(&connection, at, &username).await?;
                let path = at.path(&["users", text(&user, "id"), "consents"]);
                let found = connection.list(&path, &[]).await?;
                let empty = format!("{username} has allowed no client anything.");
                at.target.print(&found, |found| {
                    table(
                        found,
                        &[
                            ("CLIENT ID", |consent| words(&consent["client_id"])),
                            ("AUDIENCE", |consent| words(&consent["audience"])),
                            ("SCOPES", |consent| words(&consent["scope"])),
                            ("SINCE", |consent| words(&consent["created_at"])),
                            ("CHANGED", |consent| words(&consent["updated_at"])),
                        ],
                        &empty,
                    )
                })
            }
            Verb::Withdraw {
                username,
                client_id,
            } => {
                let user = user::find(&connection, at, &username).await?;
                at.target.confirm(&format!(
                    "What {client_id} holds for {username} is worth nothing from then on. Withdraw it?"
                ))?;
                let path = at.path(&["users", text(&user, "id"), "consents", &client_id]);
                connection.send("DELETE", &path, &json!({})).await?;
                at.target.done(&format!(
                    "{username} allows {client_id} nothing any longer."
                ));
                Ok(())
            }
        }
    }
}
