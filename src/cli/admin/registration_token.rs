use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::table::{card, table, words};
use super::{AtIssuer, Id};
use crate::cli::Failed;

/// Initial access tokens of an issuer: who has one may register clients
#[derive(Args)]
pub struct RegistrationToken {
    #[command(flatten)]
    at: AtIssuer,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List tokens, used up or not, the oldest first
    List,
    /// Make a token, told now and never again
    Make {
        /// Whom it is for
        note: String,
        /// How many clients it may register
        #[arg(long, default_value_t = 1)]
        uses: i64,
        /// For how long it works
        #[arg(long, value_name = "SECONDS", default_value_t = 604_800)]
        lifetime: u64,
    },
    /// Delete a token; what was registered with it stays
    Delete { id: Id },
}

impl RegistrationToken {
    pub async fn run(self) -> Result<(), Failed> {
        let at = &self.at;
        let connection = at.connect().await?;
        let tokens = at.path(&["registration-tokens"]);
        match self.verb {
            Verb::List => {
                let found = connection.list(&tokens, &[]).await?;
                at.target.print(&found, |found| {
                    table(
                        found,
                        &[
                            ("ID", |token| words(&token["id"])),
                            ("FOR", |token| words(&token["note"])),
                            ("USES LEFT", |token| words(&token["uses_left"])),
                            ("SINCE", |token| words(&token["created_at"])),
                            ("UNTIL", |token| words(&token["expires_at"])),
                        ],
                        "There are no registration tokens yet. `locum registration-token make` makes one.",
                    )
                })
            }
            Verb::Make {
                note,
                uses,
                lifetime,
            } => {
                let body = json!({ "note": note, "uses": uses, "lifetime": lifetime });
                let token = connection.send("POST", &tokens, &body).await?;
                at.target.print(&token, show)
            }
            Verb::Delete { id } => {
                at.target.confirm(&format!(
                    "Whoever has {id} can register nothing with it from then on. Delete it?"
                ))?;
                let path = at.path(&["registration-tokens", &id]);
                connection.send("DELETE", &path, &json!({})).await?;
                at.target.done(&format!("{id} is deleted."));
                Ok(())
            }
        }
    }
}

fn show(token: &Json) -> String {
    let shown = card(&[
        ("token", words(&token["token"])),
        ("id", words(&token["id"])),
        ("for", words(&token["note"])),
        ("uses left", words(&token["uses_left"])),
        ("until", words(&token["expires_at"])),
    ]);
    format!("{shown}\n\nThe token is told now and never again.")
}
