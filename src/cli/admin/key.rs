use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use serde_json::json;

use super::table::{card, table, words};
use super::{AtIssuer, Id};
use crate::cli::Failed;
use crate::protocol::SigningAlg;

/// Signing keys of an issuer
#[derive(Args)]
pub struct Key {
    #[command(flatten)]
    at: AtIssuer,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List keys, those that sign first
    List,
    /// Make a new key, which signs from now on; the one before goes on verifying
    Rotate {
        /// What it signs with
        #[arg(value_parser = PossibleValuesParser::new(SigningAlg::ALL.map(SigningAlg::as_str)))]
        alg: String,
    },
    /// Delete a key that no longer signs; what it signed is worth nothing from then on
    Delete {
        /// The key’s ID; it may begin with -
        #[arg(allow_hyphen_values = true)]
        kid: Id,
    },
}

impl Key {
    pub async fn run(self) -> Result<(), Failed> {
        let at = &self.at;
        let connection = at.connect().await?;
        let keys = at.path(&["keys"]);
        match self.verb {
            Verb::List => {
                let found = connection.list(&keys, &[]).await?;
                at.target.print(&found, |found| {
                    table(
                        found,
                        &[
                            ("KID", |key| words(&key["kid"])),
                            ("ALG", |key| words(&key["alg"])),
                            ("DOES", |key| {
                                let signs = key["signs"] == true;
                                if signs { "signs" } else { "only verifies" }.to_owned()
                            }),
                            ("SINCE", |key| words(&key["created_at"])),
                        ],
                        "There are no keys.",
                    )
                })
            }
            Verb::Rotate { alg } => {
                at.target.confirm(&format!(
                    "Whoever keeps this issuer's keys must read them again. Make a new {alg} key?"
                ))?;
                let key = connection
                    .send("POST", &keys, &json!({ "alg": alg }))
                    .await?;
                at.target.print(&key, |key| {
                    card(&[
                        ("kid", words(&key["kid"])),
                        ("alg", words(&key["alg"])),
                        ("since", words(&key["created_at"])),
                    ])
                })
            }
            Verb::Delete { kid } => {
                at.target.confirm(&format!(
                    "What {kid} signed is worth nothing from then on. Delete it?"
                ))?;
                let path = at.path(&["keys", &kid]);
                connection.send("DELETE", &path, &json!({})).await?;
                at.target.done(&format!("{kid} is deleted."));
                Ok(())
            }
        }
    }
}
