use std::fs::File;
use std::io::BufReader;
use std::path::Path;

use aws_lc_rs::hmac;
use uuid::Uuid;

use super::TransferFault;
use super::file::{Header, ReadRow, Reader, Whose};
use crate::admin::Admin;
use crate::admin::rights::Permission;
use crate::audit::{Action, Chain, Event, Target, TargetKind};
use crate::store::{Cell, Store, StoreError, TABLES, Table, Tx};

/// What is wanted of a file.
#[derive(Debug, Clone, Copy, Default)]
pub struct Wanted<'a> {
    /// One of its issuers; all of it when absent.
    pub issuer: Option<&'a str>,
    /// Whether what is there already is deleted.
    pub replace: bool,
}

/// What was written.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Imported {
    pub issuers: Vec<String>,
    pub replaced: Vec<String>,
    pub rows: u64,
}

/// Writes what is in a file into the database: all of it, or nothing.
///
/// # Errors
/// Everything in [`TransferFault`]; the database is as it was.
pub async fn import(
    admin: &Admin<'_>,
    path: &Path,
    wanted: Wanted<'_>,
) -> Result<Imported, TransferFault> {
    admin.require(Permission::WriteIssuers, None)?;
    let (core, key) = (admin.core, admin.keyring.secret_key.exporting());
    let header = inspect(path, &key)?;
    let chosen = chosen(&header, wanted.issuer)?;
    let mut tx = core.store.write().await?;
    tx.take_your_time().await?;
    let replaced = make_room(&mut tx, &chosen, wanted.replace).await?;
    let rows = write(&mut tx, path, &key, &header, &chosen).await?;
    for issuer in &chosen.issuers {
        if let Some(old) = replaced.iter().find(|old| old.id == issuer.id) {
            // A running server compares the two, and might find them the same.
            tx.raise_generation(issuer.id, old.generation).await?;
        }
    }
    let names = |whose: &[Whose]| -> Vec<String> {
        whose.iter().map(|issuer| issuer.name.clone()).collect()
    };
    let imported = Imported {
        issuers: names(&chosen.issuers),
        replaced: replaced.iter().map(|old| old.name.clone()).collect(),
        rows,
    };
    let target = Target::new(TargetKind::Server, "", "");
    let event = Event::new(Action::Imported, target)
        .with("issuers", imported.issuers.clone())
        .with("replaced", imported.replaced.clone())
        .with("exported_at", header.created_at.as_str());
    let (chain, now) = (Chain::SERVER, core.clock.now());
    tx.append_audit(&core.audit, chain, now, &admin.actor, event)
        .await?;
    tx.commit().await?;
    core.store.forget();
    // The console has an API and roles for every issuer there is.
    admin.declare_console_or_warn().await;
    Ok(imported)
}

/// Reads the file to its end before anything is changed.
fn inspect(path: &Path, key: &hmac::Key) -> Result<Header, TransferFault> {
    let mut reader = Reader::new(BufReader::new(File::open(path)?), key)?;
    let mut demo = None;
    // Rows of other tables than this version's are not understood, and the header says why.
    let mut outcome = Ok(());
    loop {
        match reader.next_row() {
            Ok(None) => break,
            Ok(Some(row)) if is_demo(&row) => demo = Some(row.of),
            Ok(Some(_)) => {}
            Err(fault) => {
                outcome = Err(fault);
                break;
            }
        }
    }
    let header = reader.header;
    let by = header.locum.clone();
    match outcome {
        Err(fault @ (TransferFault::Tampered | TransferFault::Truncated { .. })) => {
            return Err(fault);
        }
        _ if header.tables > Store::newest_step() => return Err(TransferFault::Newer { by }),
        _ if header.tables < Store::newest_step() => return Err(TransferFault::Older { by }),
        outcome => outcome?,
    }
    if let Some(id) = demo {
        let issuer = header.issuers.iter().find(|issuer| issuer.id == id);
        let name = issuer.map_or_else(|| id.to_string(), |issuer| issuer.name.clone());
        return Err(TransferFault::Demo(name));
    }
    Ok(header)
}

/// Whether it is of an issuer of `locum dev`, or a key that everybody has.
fn is_demo(row: &ReadRow) -> bool {
    let column = match row.table.name {
        "issuers" => "is_demo",
        "signing_keys" => "well_known",
        _ => return false,
    };
    let cell = row.table.column(column).and_then(|at| row.cells.get(at));
    cell == Some(&Cell::Boolean(Some(true)))
}

/// What of the file is to be written.
struct Chosen {
    issuers: Vec<Whose>,
    chains: Vec<Uuid>,
}

impl Chosen {
    fn has(&self, owner: Uuid) -> bool {
        self.issuers.iter().any(|issuer| issuer.id == owner) || self.chains.contains(&owner)
    }
}

fn chosen(header: &Header, issuer: Option<&str>) -> Result<Chosen, TransferFault> {
    let Some(name) = issuer else {
        return Ok(Chosen {
            issuers: header.issuers.clone(),
            chains: header.chains.clone(),
        });
    };
    let one = header.issuers.iter().find(|issuer| issuer.name == name);
    let known = header.issuers.iter().map(|issuer| issuer.name.as_str());
    let one = one.ok_or_else(|| TransferFault::NoSuchIssuer {
        name: name.to_owned(),
        known: known.collect::<Vec<_>>().join(", "),
    })?;
    Ok(Chosen {
        issuers: vec![one.clone()],
        chains: Vec::new(),
    })
}

/// An issuer that was there.
struct Old {
    id: Uuid,
    name: String,
    generation: i64,
}

/// Deletes what is in the way, if that is wanted. Of an issuer that comes under another ID, the old
/// one's events stay, as when it is deleted.
async fn make_room(tx: &mut Tx, chosen: &Chosen, replace: bool) -> Result<Vec<Old>, TransferFault> {
    let mut old = Vec::new();
    for issuer in &chosen.issuers {
        for (id, name, generation) in tx.issuers_in_the_way(issuer.id, &issuer.name).await? {
            old.push(Old {
                id,
                name,
                generation,
            });
        }
    }
    let mut chains = Vec::new();
    let issuers = chosen.issuers.iter().map(|issuer| issuer.id);
    for chain in issuers.chain(chosen.chains.iter().copied()) {
        if tx.has_chain(Chain(chain)).await? {
            chains.push(chain);
        }
    }
    if !replace {
        let issuers = old.iter().map(|old| format!("an issuer {:?}", old.name));
        let chains = chains.iter().map(|chain| {
            if *chain == Chain::SERVER.0 {
                "an audit log of this server's own".to_owned()
            } else {
                format!("an audit log of {chain}")
            }
        });
        let in_the_way: Vec<String> = issuers.chain(chains).collect();
        return if in_the_way.is_empty() {
            Ok(old)
        } else {
            Err(TransferFault::Exists(in_the_way.join(", ")))
        };
    }
    for owner in &old {
        for table in TABLES.iter().rev().filter(|table| !table.is_of_the_log()) {
            tx.delete_rows(table, owner.id).await?;
        }
    }
    for chain in chains {
        for table in TABLES.iter().rev().filter(|table| table.is_of_the_log()) {
            tx.delete_rows(table, chain).await?;
        }
    }
    Ok(old)
}

/// Reads the file a second time, and writes what is chosen. Returns how many rows.
async fn write(
    tx: &mut Tx,
    path: &Path,
    key: &hmac::Key,
    header: &Header,
    chosen: &Chosen,
) -> Result<u64, TransferFault> {
    let mut reader = Reader::new(BufReader::new(File::open(path)?), key)?;
    if reader.header != *header {
        return Err(TransferFault::Moving);
    }
    let mut rows = 0;
    while let Some(row) = reader.next_row()? {
        if chosen.has(row.of) {
            let table = row.table;
            tx.insert_row(table, row.cells)
                .await
                .map_err(|error| conflict(table, error))?;
            rows += 1;
        }
    }
    Ok(rows)
}

fn conflict(table: &Table, error: StoreError) -> TransferFault {
    if error.is_taken() {
        TransferFault::Conflict(format!("a row of {}", table.name))
    } else {
        error.into()
    }
}
