use std::io::{BufWriter, Write};
use std::path::PathBuf;

use clap::{Args, ValueEnum};

use super::admin::Local;
use super::{Failed, fail, misused, running};
use crate::admin::audit::{self, Format, Head, NamedChain, SERVER};
use crate::audit::Outcome;
use crate::clock::Timestamp;
use crate::config::ConfigFile;
use crate::oauth::Core;
use crate::store::AuditQuery;

/// `locum audit verify`
#[derive(Args)]
pub struct Verify {
    #[command(flatten)]
    which: Which,
    /// Where the chain ended once
    #[arg(long, value_name = "N:HEX")]
    head: Option<Head>,
}

/// `locum audit export`
#[derive(Args)]
pub struct Export {
    #[command(flatten)]
    which: Which,
    #[arg(long, value_enum, default_value_t = ExportFormat::Csv)]
    format: ExportFormat,
    /// Like client.created, or client for everything about clients
    #[arg(long, default_value = "")]
    action: String,
    /// succeeded or failed
    #[arg(long)]
    outcome: Option<String>,
    /// The ID of who did it
    #[arg(long, default_value = "")]
    actor: String,
    /// The ID of what it was done to
    #[arg(long, default_value = "")]
    target: String,
    /// A date or moment, like 2026-11-22 or 2026-11-22T09:30:00Z
    #[arg(long)]
    from: Option<String>,
    /// The first date or moment that is too late
    #[arg(long)]
    until: Option<String>,
    /// Part of a name, an ID, an address or the details
    #[arg(long, default_value = "")]
    search: String,
}

#[derive(Args)]
struct Which {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "LOCUM_CONFIG")]
    config: Option<PathBuf>,
    /// One issuer's chain; all of them when absent
    #[arg(long, short, value_name = "NAME")]
    issuer: Option<String>,
    /// The chain of what belongs to no issuer
    #[arg(long, conflicts_with = "issuer")]
    of_server: bool,
}

#[derive(Clone, Copy, ValueEnum)]
enum ExportFormat {
    Csv,
    /// One object on each line
    Json,
}

impl Verify {
    pub(super) fn run(self) -> Result<(), Failed> {
        if self.head.is_some() && self.which.name().is_none() {
            return Err(misused(
                "--head is where one chain ended: say which with --issuer or --of-server",
            ));
        }
        running::wait(async {
            let local = self.which.open().await?;
            let outcome = verify(&local.core, &self.which, self.head).await;
            local.core.store.close().await;
            outcome
        })
    }
}

impl Export {
    pub(super) fn run(self) -> Result<(), Failed> {
        let all = AuditQuery::default();
        let query = AuditQuery {
            action: &self.action,
            outcome: self.outcome.as_deref().map(read_outcome).transpose()?,
            actor: &self.actor,
            target: &self.target,
            from: moment(self.from.as_deref(), all.from)?,
            until: moment(self.until.as_deref(), all.until)?,
            search: &self.search,
            ..all
        };
        let format = match self.format {
            ExportFormat::Csv => Format::Csv,
            ExportFormat::Json => Format::Json,
        };
        running::wait(async {
            let local = self.which.open().await?;
            let outcome = export(&local.core, &self.which, &query, format).await;
            local.core.store.close().await;
            outcome
        })
    }
}

fn read_outcome(name: &str) -> Result<Outcome, Failed> {
    Outcome::find(name)
        .ok_or_else(|| misused(format!("--outcome {name:?}: expected succeeded or failed")))
}

fn moment(text: Option<&str>, otherwise: Timestamp) -> Result<Timestamp, Failed> {
    let Some(text) = text else {
        return Ok(otherwise);
    };
    Timestamp::parse(text).ok_or_else(|| {
        misused(format!(
            "{text:?} is no moment; expected 2026-11-22 or 2026-11-22T09:30:00Z"
        ))
    })
}

impl Which {
    async fn open(&self) -> Result<Local, Failed> {
        let file = running::begin(ConfigFile::at(self.config.as_deref())?)?;
        Local::open(&file).await
    }

    fn name(&self) -> Option<&str> {
        self.issuer.as_deref().or(self.of_server.then_some(SERVER))
    }

    /// The chains that are meant: one, or all.
    async fn chains(&self, core: &Core) -> Result<Vec<NamedChain>, Failed> {
        let chains = audit::chains(core).await.map_err(fail)?;
        let Some(name) = self.name() else {
            return Ok(chains);
        };
        let known: Vec<String> = chains.iter().map(|chain| chain.name.clone()).collect();
        match chains.into_iter().find(|chain| chain.name == name) {
            Some(chain) => Ok(vec![chain]),
            None => Err(misused(format!(
                "there is no issuer {name:?}; there are: {}",
                known.join(", ")
            ))),
        }
    }
}

async fn verify(core: &Core, which: &Which, head: Option<Head>) -> Result<(), Failed> {
    let mut is_whole = true;
    for chain in which.chains(core).await? {
        let found = audit::verify(core, chain.chain, head).await.map_err(fail)?;
        println!(
            "{:<16}  {}  {} events verified{}",
            chain.name,
            found.head,
            found.verified,
            match found.pruned {
                0 => String::new(),
                pruned => format!(", {pruned} taken away by retention"),
            }
        );
        if let Some(fault) = found.fault {
            is_whole = false;
            eprintln!("locum: {}: {fault}", chain.name);
        }
    }
    if is_whole { Ok(()) } else { Err(Failed::Tried) }
}

async fn export(
    core: &Core,
    which: &Which,
    query: &AuditQuery<'_>,
    format: Format,
) -> Result<(), Failed> {
    let mut out = BufWriter::new(std::io::stdout().lock());
    audit::write_head(format, &mut out).map_err(fail)?;
    for chain in which.chains(core).await? {
        audit::export(core, &chain, query, format, &mut out)
            .await
            .map_err(fail)?;
    }
    out.flush().map_err(fail)
}
