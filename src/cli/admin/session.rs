use clap::{Args, Subcommand};
use serde_json::{Value as Json, json};

use super::table::{table, words};
use super::{AtIssuer, Id};
use crate::cli::Failed;

/// Who is signed in at an issuer
#[derive(Args)]
pub struct Session {
    #[command(flatten)]
    at: AtIssuer,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List sessions, the one last used first
    List,
    /// Sign somebody out in one browser
    End { id: Id },
}

impl Session {
    pub async fn run(self) -> Result<(), Failed> {
        let at = &self.at;
        let connection = at.connect().await?;
        match self.verb {
            Verb::List => {
                let found = connection.list(&at.path(&["sessions"]), &[]).await?;
                at.target
                    .print(&found, |found| list(found, "Nobody is signed in."))
            }
            Verb::End { id } => {
                let path = at.path(&["sessions", &id]);
                connection.send("DELETE", &path, &json!({})).await?;
                at.target.done("The session has ended.");
                Ok(())
            }
        }
    }
}

pub(super) fn list(found: &Json, empty: &str) -> String {
    table(
        found,
        &[
            ("ID", |session| words(&session["id"])),
            ("USERNAME", |session| words(&session["username"])),
            ("FROM", |session| words(&session["address"])),
            ("SINCE", |session| words(&session["created_at"])),
            ("LAST SEEN", |session| words(&session["last_seen_at"])),
        ],
        empty,
    )
}
