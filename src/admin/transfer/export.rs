use std::io::Write;

use uuid::Uuid;

use super::TransferFault;
use super::file::{Header, VERSION, Whose, Writer, fingerprint};
use crate::admin::Admin;
use crate::admin::rights::Permission;
use crate::audit::{Action, Chain, Event, Target, TargetKind};
use crate::store::{Store, TABLES};

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    pub issuers: Vec<String>,
    pub rows: u64,
}

/// Writes every row of an issuer, or of all of them, as the database is at one moment.
///
/// # Errors
/// `NoSuchIssuer`, and failures of the database and the file.
pub async fn export(
    admin: &Admin<'_>,
    issuer: Option<&str>,
    out: impl Write,
) -> Result<Exported, TransferFault> {
    admin.require(Permission::WriteIssuers, None)?;
    let core = admin.core;
    let whose = chosen(&core.store, issuer).await?;
    // Before it is read, so that what is moved says that it was.
    let mut event = Event::new(Action::Exported, Target::new(TargetKind::Server, "", ""));
    event = event.with("issuers", names(&whose));
    core.store
        .append_audit(
            &core.audit,
            Chain::SERVER,
            core.clock.now(),
            &admin.actor,
            event,
        )
        .await?;
    let chains = match issuer {
        Some(_) => Vec::new(),
        None => chains_of_nobody(&core.store, &whose).await?,
    };
    let key = admin.keyring.secret_key.exporting();
    let header = Header {
        locum_export: VERSION,
        locum: env!("CARGO_PKG_VERSION").to_owned(),
        tables: Store::newest_step(),
        created_at: core.clock.now().rfc3339(),
        key: fingerprint(&key),
        issuers: whose,
        chains,
    };
    let mut writer = Writer::new(out, &key, &header)?;
    let owners = header.issuers.iter().map(|issuer| issuer.id);
    let owners: Vec<Uuid> = owners.chain(header.chains.iter().copied()).collect();
    let mut tx = core.store.read_consistently().await?;
    for owner in owners {
        for table in TABLES {
            tx.read_rows(table, owner, |cells| writer.row(table, owner, &cells))
                .await?;
        }
    }
    drop(tx);
    Ok(Exported {
        issuers: names(&header.issuers),
        rows: writer.finish()?,
    })
}

fn names(whose: &[Whose]) -> Vec<String> {
    whose.iter().map(|issuer| issuer.name.clone()).collect()
}

async fn chosen(store: &Store, issuer: Option<&str>) -> Result<Vec<Whose>, TransferFault> {
    let all: Vec<Whose> = store
        .list_issuers()
        .await?
        .into_iter()
        .map(|issuer| Whose {
            id: issuer.id.0,
            name: issuer.name,
        })
        .collect();
    let Some(name) = issuer else {
        return Ok(all);
    };
    let known = names(&all).join(", ");
    let one = all.into_iter().find(|issuer| issuer.name == name);
    one.map(|one| vec![one])
        .ok_or_else(|| TransferFault::NoSuchIssuer {
            name: name.to_owned(),
            known,
        })
}

async fn chains_of_nobody(store: &Store, whose: &[Whose]) -> Result<Vec<Uuid>, TransferFault> {
    let chains = store.list_chains().await?;
    Ok(chains
        .into_iter()
        .map(|chain| chain.chain.0)
        .filter(|chain| !whose.iter().any(|issuer| issuer.id == *chain))
        .collect())
}
