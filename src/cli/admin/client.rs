use std::path::PathBuf;

use clap::builder::PossibleValuesParser;
use clap::{Args, Subcommand};
use serde_json::{Map, Value as Json, json};

use super::table::{card, grants, table, words};
use super::{AtIssuer, Id, flag, grant, is_filtered, read_members, read_secret, text};
use crate::cli::{Failed, misused};
use crate::issuer::ClientKind;

/// Clients of an issuer
#[derive(Args)]
pub struct Client {
    #[command(flatten)]
    at: AtIssuer,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List clients by name
    List {
        /// Part of the name or ID
        #[arg(default_value = "", hide_default_value = true)]
        search: String,
        /// Only those of this kind
        #[arg(long, value_parser = kinds())]
        kind: Option<String>,
        /// Only those that are disabled, or with =false only the others
        #[arg(long, num_args = 0..=1, require_equals = true, default_missing_value = "true")]
        disabled: Option<bool>,
    },
    /// Show a client
    Show { client_id: Id },
    /// Make a client; a confidential one's secret is told now and never again
    Create(Create),
    /// Change a client
    Update {
        client_id: Id,
        #[command(flatten)]
        members: Members,
    },
    /// Give a client another secret, told now and never again
    RotateSecret {
        client_id: Id,
        /// For how many seconds the secret before works on
        #[arg(long, value_name = "SECONDS", default_value_t = 0)]
        overlap: u64,
        /// Take the new secret from a file, or - for standard input, instead of making one up
        #[arg(long, value_name = "FILE")]
        client_secret_file: Option<PathBuf>,
    },
    /// End the secret before the last rotation
    DropPreviousSecret { client_id: Id },
    /// Refuse a client everywhere
    Disable { client_id: Id },
    /// Let a client do again what it did
    Enable { client_id: Id },
    /// Delete a client; what users granted it is worth nothing from then on
    Delete { client_id: Id },
}

#[derive(Args)]
struct Create {
    /// What kind of client; --from may say it instead
    #[arg(long, value_parser = kinds())]
    kind: Option<String>,
    /// Made up when absent
    #[arg(long)]
    client_id: Option<String>,
    /// Take the secret from a file, or - for standard input, instead of making one up
    #[arg(long, value_name = "FILE")]
    client_secret_file: Option<PathBuf>,
    #[command(flatten)]
    members: Members,
}

/// What a client is like. What is not given stays as it is.
#[derive(Args)]
struct Members {
    /// What people know it by
    #[arg(long)]
    name: Option<String>,
    /// Once for each redirect URI; all of them
    #[arg(long, value_name = "URI")]
    redirect_uri: Vec<String>,
    /// Once for each URI people may be sent to after signing out; all of them
    #[arg(long, value_name = "URI")]
    post_logout_redirect_uri: Vec<String>,
    /// Once for each API: AUDIENCE=SCOPE,SCOPE or AUDIENCE=all; all of them
    #[arg(long, value_name = "GRANT", value_parser = grant)]
    grant: Vec<Json>,
    /// client_secret_basic or client_secret_post; the dialect decides when absent
    #[arg(long, value_name = "METHOD")]
    auth_method: Option<String>,
    /// Whether users need not be asked: it is run by the same people as the issuer
    #[arg(long)]
    first_party: Option<bool>,
    /// Any others, from a JSON file, or - for standard input
    #[arg(long, value_name = "FILE")]
    from: Option<PathBuf>,
}

impl Members {
    fn read(&self) -> Result<Map<String, Json>, Failed> {
        let mut members = read_members(self.from.as_deref())?;
        let mut set = |name: &str, value: Option<Json>| {
            if let Some(value) = value {
                members.insert(name.to_owned(), value);
            }
        };
        let list = |items: &Vec<String>| (!items.is_empty()).then(|| json!(items));
        set("client_name", self.name.as_ref().map(|name| json!(name)));
        set("redirect_uris", list(&self.redirect_uri));
        set(
            "post_logout_redirect_uris",
            list(&self.post_logout_redirect_uri),
        );
        set(
            "grants",
            (!self.grant.is_empty()).then(|| json!(self.grant)),
        );
        set(
            "token_endpoint_auth_method",
            self.auth_method.as_ref().map(|method| json!(method)),
        );
        set("first_party", self.first_party.map(Json::from));
        Ok(members)
    }
}

impl Client {
    pub async fn run(self) -> Result<(), Failed> {
        let at = &self.at;
        let connection = at.connect().await?;
        let clients = at.path(&["clients"]);
        let one = |client_id: &str| at.path(&["clients", client_id]);
        let below = |client_id: &str, what: &str| at.path(&["clients", client_id, what]);
        match self.verb {
            Verb::List {
                search,
                kind,
                disabled,
            } => {
                let disabled = flag(disabled);
                let query = [
                    ("search", search.as_str()),
                    ("kind", kind.as_deref().unwrap_or_default()),
                    ("disabled", disabled),
                ];
                let found = connection.list(&clients, &query).await?;
                let empty = if is_filtered(&query) {
                    "No client matches."
                } else {
                    "There are no clients yet. `locum client create` makes one."
                };
                at.target.print(&found, |found| {
                    table(
                        found,
                        &[
                            ("CLIENT ID", |client| words(&client["client_id"])),
                            ("NAME", |client| words(&client["client_name"])),
                            ("KIND", |client| words(&client["kind"])),
                            ("FROM", |client| words(&client["registered_by"])),
                            ("STATE", |client| state(client).to_owned()),
                        ],
                        empty,
                    )
                })
            }
            Verb::Show { client_id } => {
                let client = connection.get(&one(&client_id)).await?;
                at.target.print(&client, show)
            }
            Verb::Create(create) => {
                let mut members = create.members.read()?;
                for (name, value) in [("kind", create.kind), ("client_id", create.client_id)] {
                    if let Some(value) = value {
                        members.insert(name.to_owned(), value.into());
                    }
                }
                if !members.contains_key("kind") {
                    return Err(misused(
                        "which kind? Add --kind machine, web, spa or native",
                    ));
                }
                if let Some(path) = &create.client_secret_file {
                    let secret = read_secret(path)?.expose().to_owned();
                    members.insert("client_secret".to_owned(), secret.into());
                }
                let body = Json::Object(members);
                let client = connection.send("POST", &clients, &body).await?;
                at.target.print(&client, show)
            }
            Verb::Update { client_id, members } => {
                let body = Json::Object(members.read()?);
                let path = one(&client_id);
                let client = connection
                    .change(&path, "PATCH", &path, Some(&body))
                    .await?;
                at.target.print(&client, show)
            }
            Verb::RotateSecret {
                client_id,
                overlap,
                client_secret_file,
            } => {
                let mut body = json!({ "overlap": overlap });
                if let Some(path) = &client_secret_file {
                    body["client_secret"] = read_secret(path)?.expose().into();
                }
                if overlap == 0 {
                    at.target.confirm(&format!(
                        "The secret that {client_id} has works no longer from then on. Rotate it?"
                    ))?;
                }
                let path = below(&client_id, "rotate-secret");
                let read = one(&client_id);
                let client = connection.change(&read, "POST", &path, Some(&body)).await?;
                at.target.print(&client, show)
            }
            Verb::DropPreviousSecret { client_id } => {
                let path = below(&client_id, "previous-secret");
                let read = one(&client_id);
                let client = connection.change(&read, "DELETE", &path, None).await?;
                at.target.print(&client, show)
            }
            Verb::Disable { client_id } => {
                at.target
                    .confirm(&format!("{client_id} is refused everywhere. Disable it?"))?;
                let path = below(&client_id, "disable");
                let read = one(&client_id);
                let client = connection.change(&read, "POST", &path, None).await?;
                at.target.print(&client, show)
            }
            Verb::Enable { client_id } => {
                let path = below(&client_id, "enable");
                let read = one(&client_id);
                let client = connection.change(&read, "POST", &path, None).await?;
                at.target.print(&client, show)
            }
            Verb::Delete { client_id } => {
                let usage = connection.get(&below(&client_id, "usage")).await?;
                at.target.confirm(&format!(
                    "{} users have allowed {client_id} something, {} grants and {} tokens of it live. Delete it?",
                    usage["users"], usage["grants"], usage["tokens"]
                ))?;
                let path = format!("{}?force=true", one(&client_id));
                connection
                    .change(&one(&client_id), "DELETE", &path, None)
                    .await?;
                at.target.done(&format!("{client_id} is deleted."));
                Ok(())
            }
        }
    }
}

fn kinds() -> PossibleValuesParser {
    PossibleValuesParser::new(ClientKind::ALL.map(ClientKind::as_str))
}

fn state(client: &Json) -> &'static str {
    if client["disabled"] == true {
        "disabled"
    } else {
        "enabled"
    }
}

fn show(client: &Json) -> String {
    let mut shown = card(&[
        ("client_id", words(&client["client_id"])),
        ("client_secret", words(&client["client_secret"])),
        ("name", words(&client["client_name"])),
        ("kind", words(&client["kind"])),
        ("state", state(client).to_owned()),
        ("registered by", words(&client["registered_by"])),
        ("auth method", words(&client["token_endpoint_auth_method"])),
        ("grant types", words(&client["grant_types"])),
        ("redirect URIs", words(&client["redirect_uris"])),
        ("granted", grants(&client["grants"])),
        ("made", words(&client["created_at"])),
        ("changed", words(&client["updated_at"])),
        ("secret since", words(&client["secret_created_at"])),
        (
            "previous secret until",
            words(&client["previous_secret_expires_at"]),
        ),
    ]);
    if !text(client, "client_secret").is_empty() {
        shown.push_str("\n\nThe secret is told now and never again.");
    }
    shown
}
