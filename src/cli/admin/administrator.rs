use clap::{Args, Subcommand};
use serde_json::json;

use super::{AtIssuer, Id, Target, text, user};
use crate::admin::rights::{AdminRole, Appointment};
use crate::admin::system::CONSOLE;
use crate::cli::{Failed, fail, misused};

/// Who administers, in the console and by the admin API
#[derive(Args)]
pub struct Administrator {
    #[command(flatten)]
    target: Target,
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Subcommand)]
enum Verb {
    /// List administrators
    List,
    /// Add one, who chooses a password by a link that is told now and never again
    Add {
        username: Id,
        #[command(flatten)]
        appointment: Appointed,
        #[arg(long)]
        name: Option<String>,
        #[arg(long)]
        email: Option<String>,
    },
    /// Make one something else
    Appoint {
        username: Id,
        #[command(flatten)]
        appointment: Appointed,
    },
    /// Remove one
    Remove { username: Id },
    /// Make a new link that makes the first owner, while there is none
    SetUpLink,
}

#[derive(Args)]
struct Appointed {
    /// owner, manager (users and clients) or auditor (reads only)
    #[arg(long)]
    role: String,
    /// Of one issuer alone; of everything when absent
    #[arg(long = "for", value_name = "ISSUER")]
    issuer: Option<String>,
}

impl Appointed {
    fn role_name(&self) -> Result<String, Failed> {
        let role = AdminRole::find(&self.role)
            .ok_or_else(|| misused("--role: expected owner, manager or auditor"))?;
        let issuer = self.issuer.clone();
        Ok(Appointment { role, issuer }.role_name())
    }
}

impl Administrator {
    pub async fn run(self) -> Result<(), Failed> {
        let at = AtIssuer {
            issuer: CONSOLE.to_owned(),
            target: self.target,
        };
        let connection = at.connect().await?;
        let users = at.path(&["users"]);
        match self.verb {
            Verb::List => {
                let found = connection.list(&users, &[]).await?;
                let empty = "There are no administrators yet. `locum administrator add` adds one.";
                at.target.print(&found, |found| user::list(found, empty))
            }
            Verb::Add {
                username,
                appointment,
                name,
                email,
            } => {
                let mut body = json!({
                    "username": username,
                    "roles": [appointment.role_name()?],
                    "claims": {},
                });
                for (claim, value) in [("name", name), ("email", email)] {
                    if let Some(value) = value {
                        body["claims"][claim] = value.into();
                    }
                }
                let added = connection.send("POST", &users, &body).await?;
                at.target.print(&added, user::show)
            }
            Verb::Appoint {
                username,
                appointment,
            } => {
                let found = user::find(&connection, &at, &username).await?;
                let path = at.path(&["users", text(&found, "id")]);
                let body = json!({ "roles": [appointment.role_name()?] });
                let changed = connection
                    .change(&path, "PATCH", &path, Some(&body))
                    .await?;
                at.target.print(&changed, user::show)
            }
            Verb::Remove { username } => {
                let found = user::find(&connection, &at, &username).await?;
                at.target.confirm(&format!(
                    "{username} administers nothing from then on. Remove them?"
                ))?;
                let path = at.path(&["users", text(&found, "id")]);
                connection.change(&path, "DELETE", &path, None).await?;
                at.target.done(&format!("{username} is removed."));
                Ok(())
            }
            Verb::SetUpLink => {
                let super::Connection::Database(local) = &connection else {
                    return Err(misused(
                        "a set-up link is made on the database, without --server",
                    ));
                };
                let link = local.admin().make_set_up_link().await.map_err(fail)?;
                let Some(token) = link else {
                    return Err(fail("there is an owner who can sign in already"));
                };
                let path = format!("/{CONSOLE}/set-up?token={}", token.expose());
                at.target.print(&json!({ "path": path }), |_| {
                    format!("Below the server's address, once, within seven days:\n{path}")
                })
            }
        }
    }
}
