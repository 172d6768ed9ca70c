//! `locum plan` and `locum apply`: what a configuration would change in the database, and doing
//! it. Running servers notice within a second.

use std::io::Write;
use std::path::PathBuf;

use clap::Args;
use serde_json::{Value as Json, json};

use super::admin::{Connection, Local, visible};
use super::{Failed, fail, fail_with, running};
use crate::admin::configuration::{self, Change, ChangeAction, FieldChange, Plan};
use crate::config::{ConfigFile, Declared, Origin};
use crate::private;

/// Which configuration.
#[derive(Args)]
pub struct Configuration {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "LOCUM_CONFIG")]
    config: PathBuf,
    /// Answer in JSON
    #[arg(long)]
    json: bool,
}

impl Configuration {
    fn read(&self) -> Result<(ConfigFile, Vec<Declared>), Failed> {
        let file = ConfigFile::read(&self.config).map_err(|mistake| fail_with(&[mistake]))?;
        let file = running::quietly(file)?;
        let declared = file
            .resolve(Origin::File)
            .map_err(|mistakes| fail_with(&mistakes))?;
        Ok((file, declared))
    }

    pub fn plan(self) -> Result<(), Failed> {
        running::wait(async {
            let (file, declared) = self.read()?;
            let local = Local::open(&file).await?;
            let plan = configuration::plan(&local.core, &declared, file.folder()).await;
            self.print(&plan.map_err(fail)?, "would change")
        })
    }

    pub fn apply(self) -> Result<(), Failed> {
        running::wait(async {
            let (file, declared) = self.read()?;
            let local = Local::open_or_make(&file).await?;
            let admin = local.admin();
            let (core, keyring) = (&local.core, &local.keyring);
            let applied =
                configuration::apply(core, keyring, &declared, file.folder(), &admin.actor).await;
            let plan = applied.map_err(fail)?;
            // Even when nothing changed: an earlier one may have come no further.
            admin.declare_console().await.map_err(fail)?;
            self.print(&plan, "changed")
        })
    }

    fn print(&self, plan: &Plan, verb: &str) -> Result<(), Failed> {
        let text = if self.json {
            let json = json!({
                "changes": plan.changes,
                "losses": plan.losses,
                "left": plan.left,
            });
            serde_json::to_string_pretty(&json).map_err(fail)?
        } else {
            words(plan, verb)
        };
        println!("{text}");
        Ok(())
    }
}

fn words(plan: &Plan, verb: &str) -> String {
    let mut lines = Vec::new();
    for change in &plan.changes {
        lines.push(line(change));
        for field in &change.fields {
            lines.extend(difference(field));
        }
    }
    for loss in &plan.losses {
        let (issuer, kind, name) = (&loss.issuer, loss.kind, loss.name.escape_debug());
        let scopes = loss.scopes.join(" ");
        lines.push(format!(
            "  ! {issuer}: {kind} {name}, which the configuration does not declare, loses {scopes}"
        ));
    }
    for name in &plan.left {
        lines.push(format!(
            "  . issuer {name} was declared once and is no longer: it stays. `locum issuer delete {name}` deletes it"
        ));
    }
    lines.push(match plan.changes.len() {
        0 => "The database is as the configuration says.".to_owned(),
        1 => format!("1 thing {verb}."),
        count => format!("{count} things {verb}."),
    });
    lines.join("\n")
}

fn line(change: &Change) -> String {
    let (mark, verb) = match change.action {
        ChangeAction::Create => ("+", ""),
        ChangeAction::Adopt => ("~", " (belongs to the configuration from now on)"),
        ChangeAction::Update => ("~", ""),
        ChangeAction::Release => ("~", " (is let go: it was there before a file declared it)"),
        ChangeAction::Delete => ("-", ""),
    };
    let (issuer, kind, name) = (&change.issuer, change.kind.as_str(), &change.name);
    format!("  {mark} {issuer}: {kind} {}{verb}", name.escape_debug())
}

/// Of lists, what comes and goes; of everything else, what it was and is.
fn difference(change: &FieldChange) -> Vec<String> {
    let name = &change.field;
    let (Json::Array(before), Json::Array(after)) = (&change.before, &change.after) else {
        let (before, after) = (short(&change.before), short(&change.after));
        return vec![format!("      {name}: {before} -> {after}")];
    };
    let only_in = |items: &[Json], others: &[Json], mark: char| -> Vec<String> {
        let items = items.iter().filter(|item| !others.contains(item));
        items
            .map(|item| format!("      {name}: {mark} {}", short(item)))
            .collect()
    };
    let gone = only_in(before, after, '-');
    let lines: Vec<String> = gone
        .into_iter()
        .chain(only_in(after, before, '+'))
        .collect();
    if lines.is_empty() {
        return vec![format!("      {name}: in another order")];
    }
    lines
}

/// Enough to recognise it.
fn short(value: &Json) -> String {
    const LONGEST: usize = 80;
    let text = visible(&value.to_string());
    if text.chars().count() <= LONGEST {
        return text;
    }
    let start: String = text.chars().take(LONGEST).collect();
    format!("{start}…")
}

/// `locum export`: the database's side as a configuration file, or all of it.
#[derive(Args)]
pub struct Export {
    #[command(flatten)]
    target: super::admin::Target,
    /// Only this issuer
    #[arg(long, short, value_name = "NAME")]
    issuer: Option<String>,
    /// Users that no configuration declares, too
    #[arg(long)]
    users: bool,
    /// Everything, for `locum import` into another database: users, keys, tokens, sessions, the
    /// audit log
    #[arg(long, conflicts_with = "users")]
    full: bool,
    /// Write to this file, and dialects that are not built in beside it
    #[arg(long, short, value_name = "FILE")]
    output: Option<PathBuf>,
}

impl Export {
    pub async fn configuration(self) -> Result<(), Failed> {
        let Connection::Database(local) = self.target.connect().await? else {
            return Err(super::misused(
                "export reads the database: run it without --server",
            ));
        };
        let issuer = self.issuer.as_deref();
        if self.full {
            let output = self.output.as_deref();
            let outcome = super::transfer::export_whole(&local, issuer, output).await;
            local.core.store.close().await;
            return outcome;
        }
        let exported = configuration::export(&local.core, issuer, self.users).await;
        let exported = exported.map_err(fail)?;
        let Some(output) = &self.output else {
            if let Some((name, _)) = exported.dialects.first() {
                return Err(super::misused(format!(
                    "{name} would have to be written beside it: name a file with --output"
                )));
            }
            print!("{}", exported.text);
            return Ok(());
        };
        let folder = output.parent().unwrap_or_else(|| std::path::Path::new("."));
        let files = exported.dialects.iter();
        let files = files.map(|(name, text)| (folder.join(name), text));
        for (path, text) in files.chain([(output.clone(), &exported.text)]) {
            private::replace(&path)
                .and_then(|mut file| file.write_all(text.as_bytes()))
                .map_err(|error| fail(format!("cannot write {}: {error}", path.display())))?;
        }
        Ok(())
    }
}
