use clap::Args;
use serde_json::Value as Json;

use super::table::{table, words};
use super::{Target, encoded};
use crate::cli::Failed;

/// Look for events in the audit log, the newest first
#[derive(Args)]
pub struct Search {
    #[command(flatten)]
    target: Target,
    /// Part of a name, an ID, an address or the details
    #[arg(default_value = "", hide_default_value = true)]
    search: String,
    /// The issuer; what belongs to none when absent
    #[arg(
        long,
        short,
        value_name = "NAME",
        default_value = "",
        hide_default_value = true
    )]
    issuer: String,
    /// `client.created`, or `client` for everything about clients
    #[arg(long, default_value = "", hide_default_value = true)]
    action: String,
    /// succeeded or failed
    #[arg(long, default_value = "", hide_default_value = true)]
    outcome: String,
    /// Not before this moment or date
    #[arg(long, default_value = "", hide_default_value = true)]
    from: String,
    /// Before this moment or date
    #[arg(long, default_value = "", hide_default_value = true)]
    until: String,
    /// How many
    #[arg(long, default_value = "50")]
    limit: String,
}

impl Search {
    pub async fn run(self) -> Result<(), Failed> {
        let connection = self.target.connect().await?;
        let path = if self.issuer.is_empty() {
            "/audit".to_owned()
        } else {
            format!("/issuers/{}/audit", encoded(&self.issuer))
        };
        let query = [
            ("search", self.search.as_str()),
            ("action", &self.action),
            ("outcome", &self.outcome),
            ("from", &self.from),
            ("until", &self.until),
            ("limit", &self.limit),
        ];
        let mut page = connection.get(&super::with_query(&path, &query)).await?;
        let found = page.get_mut("items").map(Json::take).unwrap_or_default();
        self.target.print(&found, |found| {
            table(
                found,
                &[
                    ("WHEN", |event| words(&event["at"])),
                    ("WHAT", |event| words(&event["action"])),
                    ("OUTCOME", |event| words(&event["outcome"])),
                    ("WHO", |event| {
                        let name = words(&event["actor"]["name"]);
                        let id = words(&event["actor"]["id"]);
                        let kind = words(&event["actor"]["kind"]);
                        [name, id, kind]
                            .into_iter()
                            .find(|text| !text.is_empty())
                            .unwrap_or_default()
                    }),
                    ("TO WHAT", |event| {
                        let name = words(&event["target"]["name"]);
                        if name.is_empty() {
                            words(&event["target"]["id"])
                        } else {
                            name
                        }
                    }),
                    ("FROM", |event| words(&event["actor"]["address"])),
                ],
                "Nothing of that kind has happened.",
            )
        })
    }
}
