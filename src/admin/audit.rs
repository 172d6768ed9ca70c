//! The audit log as a whole: checking its chains, writing it down for others, and taking old events
//! away. Whoever calls this has seen to it that somebody may read it.

use std::io::{self, Write};

use serde_json::json;

use crate::audit::{Action, Actor, BEGINNING, Chain, Event, Mac, Record, Target, TargetKind};
use crate::clock::Timestamp;
use crate::oauth::Core;
use crate::store::{AuditQuery, ChainEnds, Result, StoreError};

/// Events that are read at a time.
const PAGE: i64 = 500;

// ------------------------------------------------------------------------- chains

/// A chain, and what people call it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NamedChain {
    pub chain: Chain,
    pub name: String,
}

/// What the server's own chain is called: no issuer can be.
pub const SERVER: &str = "(server)";

/// Every chain there is or should be: the server's, the issuers', and those of issuers that are
/// gone.
pub async fn chains(core: &Core) -> Result<Vec<NamedChain>> {
    let mut chains = vec![NamedChain {
        chain: Chain::SERVER,
        name: SERVER.to_owned(),
    }];
    for issuer in core.store.list_issuers().await? {
        chains.push(NamedChain {
            chain: issuer.id.into(),
            name: issuer.name,
        });
    }
    for kept in core.store.list_chains().await? {
        if !chains.iter().any(|known| known.chain == kept.chain) {
            let chain = kept.chain;
            let former = kept.former_name.unwrap_or_else(|| chain.0.to_string());
            chains.push(NamedChain {
                chain,
                name: format!("(was {former})"),
            });
        }
    }
    Ok(chains)
}

/// Where a chain ends: the number and MAC of its newest event. Noted elsewhere, it shows when
/// events have been taken off the end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Head {
    pub sequence: i64,
    pub mac: Mac,
}

impl std::fmt::Display for Head {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:", self.sequence)?;
        self.mac.iter().try_for_each(|byte| write!(f, "{byte:02x}"))
    }
}

#[derive(Debug, thiserror::Error)]
#[error("expected a head as `locum audit verify` prints it: a number, a colon and 64 hex digits")]
pub struct NoHead;

impl std::str::FromStr for Head {
    type Err = NoHead;

    fn from_str(text: &str) -> std::result::Result<Self, NoHead> {
        let (sequence, hex) = text.trim().split_once(':').ok_or(NoHead)?;
        let sequence = sequence.parse().map_err(|_| NoHead)?;
        if hex.len() != 64 || !hex.bytes().all(|byte| byte.is_ascii_hexdigit()) {
            return Err(NoHead);
        }
        let mut mac = BEGINNING;
        for (byte, digits) in mac.iter_mut().zip(hex.as_bytes().chunks(2)) {
            let digits = std::str::from_utf8(digits).map_err(|_| NoHead)?;
            *byte = u8::from_str_radix(digits, 16).map_err(|_| NoHead)?;
        }
        Ok(Self { sequence, mac })
    }
}

/// What was found out about a chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Verification {
    /// Events that were read and found to be as they were written.
    pub verified: i64,
    /// Events that retention has taken away.
    pub pruned: i64,
    pub head: Head,
    /// The first thing that is wrong.
    pub fault: Option<ChainFault>,
}

/// What is wrong with a chain.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum ChainFault {
    /// It says something else than was written, stands in another's place, or was never written by
    /// this server.
    #[error("event {sequence} of {at} has been altered or forged, or put in another's place")]
    Altered { sequence: i64, at: String },
    #[error("event {sequence} has been removed")]
    Missing { sequence: i64 },
    /// Where retention has cut the chain is vouched for, and this is not it.
    #[error("the events up to {pruned} have not been taken away by retention")]
    Unvouched { pruned: i64 },
    #[error("events have been removed from the end: it was {noted} once, and is {now} now")]
    Truncated { noted: i64, now: i64 },
    /// Both have the number, and their MACs differ.
    #[error("event {sequence} is not the one that was noted: the events from there on are others")]
    Replaced { sequence: i64 },
    /// Nobody has written it who wrote the chain.
    #[error(
        "event {sequence} stands outside the chain: it was forged, or put back after it was taken away"
    )]
    Outside { sequence: i64 },
    #[error("the chain's end does not say what its newest event, {sequence}, says")]
    WrongEnd { sequence: i64 },
    /// Where a chain ends is vouched for, and this is not it.
    #[error("the chain was never left to end with event {sequence}: later ones have been removed")]
    EndMoved { sequence: i64 },
    #[error("the whole chain has been removed")]
    Gone,
    #[error("event {sequence} cannot be read: {why}")]
    Unreadable { sequence: i64, why: String },
}

/// Walks a chain from its beginning to the end it has now, and, when a head was noted once, sees
/// whether that is still part of it.
pub async fn verify(core: &Core, chain: Chain, noted: Option<Head>) -> Result<Verification> {
    loop {
        let ends = core.store.find_chain(chain).await?;
        let found = walk(core, chain, ends.as_ref(), noted).await?;
        // Retention may have cut the chain meanwhile.
        let has_moved = core.store.find_chain(chain).await?.map(|ends| ends.pruned)
            != ends.map(|ends| ends.pruned);
        if found.fault.is_none() || !has_moved {
            return Ok(found);
        }
    }
}

async fn walk(
    core: &Core,
    chain: Chain,
    ends: Option<&ChainEnds>,
    noted: Option<Head>,
) -> Result<Verification> {
    let none = ChainEnds {
        length: 0,
        head: BEGINNING,
        head_mac: core.audit.head_mac(chain, 0, &BEGINNING),
        pruned: 0,
        anchor: BEGINNING,
        anchor_mac: core.audit.anchor_mac(chain, 0, &BEGINNING),
    };
    // Whatever makes an issuer is written down; of the server itself there may be nothing yet.
    let is_gone = ends.is_none() && chain != Chain::SERVER;
    let ends = ends.unwrap_or(&none);
    let mut walk = Walk {
        core,
        ends,
        noted,
        previous: ends.anchor,
        sequence: ends.pruned,
    };
    let mut fault = walk.run(chain).await?;
    if is_gone {
        fault = fault.or(Some(ChainFault::Gone));
    }
    Ok(Verification {
        verified: walk.sequence - ends.pruned,
        pruned: ends.pruned,
        head: Head {
            sequence: ends.length,
            mac: ends.head,
        },
        fault,
    })
}

struct Walk<'a> {
    core: &'a Core,
    ends: &'a ChainEnds,
    noted: Option<Head>,
    /// The MAC and number of the event that was found good last.
    previous: Mac,
    sequence: i64,
}

impl Walk<'_> {
    async fn run(&mut self, chain: Chain) -> Result<Option<ChainFault>> {
        let ends = self.ends;
        let anchor_mac = self.core.audit.anchor_mac(chain, ends.pruned, &ends.anchor);
        if anchor_mac != ends.anchor_mac {
            return Ok(Some(ChainFault::Unvouched {
                pruned: ends.pruned,
            }));
        }
        if let Some(noted) = self.noted
            && noted.sequence > ends.length
        {
            return Ok(Some(ChainFault::Truncated {
                noted: noted.sequence,
                now: ends.length,
            }));
        }
        if let Some(fault) = self.compare_noted() {
            return Ok(Some(fault));
        }
        while self.sequence < ends.length {
            let wanted = PAGE.min(ends.length - self.sequence);
            let page = self
                .core
                .store
                .read_audit(chain, self.sequence, wanted)
                .await;
            let page = match page {
                Ok(page) => page,
                Err(StoreError::Unreadable(why)) => return self.first_unreadable(chain, why).await,
                Err(other) => return Err(other),
            };
            if page.is_empty() {
                let sequence = self.sequence + 1;
                return Ok(Some(ChainFault::Missing { sequence }));
            }
            for record in page {
                if let Some(fault) = self.step(&record) {
                    return Ok(Some(fault));
                }
            }
        }
        if self.previous != ends.head {
            return Ok(Some(ChainFault::WrongEnd {
                sequence: self.sequence,
            }));
        }
        let core = self.core;
        if core.audit.head_mac(chain, ends.length, &ends.head) != ends.head_mac {
            return Ok(Some(ChainFault::EndMoved {
                sequence: self.sequence,
            }));
        }
        let outside = core.store.find_audit_outside(chain).await?;
        Ok(outside.map(|sequence| ChainFault::Outside { sequence }))
    }

    fn step(&mut self, record: &Record) -> Option<ChainFault> {
        if record.sequence != self.sequence + 1 {
            let sequence = self.sequence + 1;
            return Some(ChainFault::Missing { sequence });
        }
        if self.core.audit.mac(record, &self.previous) != record.mac {
            return Some(ChainFault::Altered {
                sequence: record.sequence,
                at: record.at.rfc3339(),
            });
        }
        self.previous = record.mac;
        self.sequence = record.sequence;
        self.compare_noted()
    }

    /// What was noted of the event that was found good last.
    fn compare_noted(&self) -> Option<ChainFault> {
        let noted = self.noted?;
        let is_another = noted.sequence == self.sequence && noted.mac != self.previous;
        is_another.then_some(ChainFault::Replaced {
            sequence: self.sequence,
        })
    }

    /// Somebody has written something into a row that no version writes. Which row, one by one.
    async fn first_unreadable(&mut self, chain: Chain, why: String) -> Result<Option<ChainFault>> {
        loop {
            let sequence = self.sequence + 1;
            match self.core.store.read_audit(chain, self.sequence, 1).await {
                Ok(page) => {
                    let Some(record) = page.first() else {
                        return Ok(Some(ChainFault::Missing { sequence }));
                    };
                    if let Some(fault) = self.step(record) {
                        return Ok(Some(fault));
                    }
                }
                Err(StoreError::Unreadable(_)) => {
                    return Ok(Some(ChainFault::Unreadable { sequence, why }));
                }
                Err(other) => return Err(other),
            }
        }
    }
}

// ------------------------------------------------------------------------- export

/// How events are written down.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Format {
    /// RFC 4180, for spreadsheets.
    Csv,
    /// One JSON object on each line.
    Json,
}

impl Format {
    pub const fn media_type(self) -> &'static str {
        match self {
            Self::Csv => "text/csv; charset=utf-8",
            Self::Json => "application/jsonl",
        }
    }
}

#[derive(Debug, thiserror::Error)]
pub enum ExportFault {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error("cannot be written: {0}")]
    Io(#[from] io::Error),
}

/// What a line of CSV has, in this order.
const COLUMNS: [&str; 15] = [
    "chain",
    "sequence",
    "at",
    "action",
    "outcome",
    "actor_kind",
    "actor",
    "actor_name",
    "target_kind",
    "target",
    "target_name",
    "address",
    "user_agent",
    "request_id",
    "details",
];

/// Writes the line that says what the columns are, where the format has one.
pub fn write_head(format: Format, out: &mut impl Write) -> io::Result<()> {
    match format {
        Format::Csv => write!(out, "{}\r\n", COLUMNS.join(",")),
        Format::Json => Ok(()),
    }
}

/// Writes the events of a chain that a query wants, the newest first and without its limit.
/// Returns how many.
pub async fn export(
    core: &Core,
    chain: &NamedChain,
    query: &AuditQuery<'_>,
    format: Format,
    out: &mut impl Write,
) -> std::result::Result<u64, ExportFault> {
    let mut query = AuditQuery {
        limit: PAGE,
        ..query.clone()
    };
    let mut written = 0;
    loop {
        let page = core.store.search_audit(chain.chain, &query).await?;
        let Some(last) = page.last() else {
            return Ok(written);
        };
        query.before = last.sequence;
        for record in &page {
            write_record(&chain.name, record, format, out)?;
            written += 1;
        }
    }
}

/// Writes one event.
pub fn write_record(
    chain: &str,
    record: &Record,
    format: Format,
    out: &mut impl Write,
) -> io::Result<()> {
    let Record { actor, details, .. } = record;
    if format == Format::Json {
        let line = json!({
            "chain": chain,
            "sequence": record.sequence,
            "at": record.at.rfc3339(),
            "action": record.action,
            "outcome": record.outcome.as_str(),
            "actor_kind": actor.kind.as_str(),
            "actor": actor.id,
            "actor_name": actor.name,
            "target_kind": record.target_kind,
            "target": record.target,
            "target_name": record.target_name,
            "address": actor.address,
            "user_agent": actor.user_agent,
            "request_id": actor.request_id,
            "details": details,
        });
        return writeln!(out, "{line}");
    }
    let details = serde_json::Value::Object(details.clone()).to_string();
    let cells = [
        chain,
        &record.sequence.to_string(),
        &record.at.rfc3339(),
        &record.action,
        record.outcome.as_str(),
        actor.kind.as_str(),
        &actor.id,
        &actor.name,
        &record.target_kind,
        &record.target,
        &record.target_name,
        &actor.address,
        &actor.user_agent,
        &actor.request_id,
        &details,
    ];
    let cells = cells.map(cell);
    write!(out, "{}\r\n", cells.join(","))
}

/// A cell as RFC 4180 has it. One that a spreadsheet would take for a formula begins with an
/// apostrophe: names and user agents come from anybody.
pub fn cell(text: &str) -> String {
    let is_formula = text.starts_with(['=', '+', '-', '@', '\t', '\r', '\n']);
    let defused = if is_formula {
        format!("'{text}")
    } else {
        text.to_owned()
    };
    if defused.contains(['"', ',', '\r', '\n', '\t']) || defused != text {
        format!("\"{}\"", defused.replace('"', "\"\""))
    } else {
        defused
    }
}

// ------------------------------------------------------------------------- retention

const DAY: i64 = 24 * 3600;

/// Takes away what issuers do not want to be kept any longer, a bounded number of events of each
/// at a time. Returns how many went: while any do, there may be more.
pub async fn enforce_retention(core: &Core) -> Result<u64> {
    let now = core.clock.now();
    let mut pruned = 0;
    for issuer in core.store.list_issuers().await? {
        if let Some(days) = issuer.settings.audit_retention_days {
            let chain = Chain::from(issuer.id);
            pruned += prune(core, chain, &issuer.name, days, now).await?;
        }
    }
    // Of issuers that are gone, as they wanted it.
    for kept in core.store.list_chains().await? {
        if let (Some(name), Some(days)) = (&kept.former_name, kept.retention_days) {
            pruned += prune(core, kept.chain, name, days, now).await?;
        }
    }
    Ok(pruned)
}

/// Whole days go, so that a busy issuer's log does not fill with what was taken out of it.
async fn prune(core: &Core, chain: Chain, name: &str, days: u32, now: Timestamp) -> Result<u64> {
    let midnight = now.unix() - now.unix().rem_euclid(DAY);
    let until = Timestamp::from_unix(midnight.saturating_sub(i64::from(days) * DAY));
    let mut tx = core.store.write().await?;
    let pruned = tx.prune_audit(&core.audit, chain, until).await?;
    if pruned == 0 {
        return Ok(0);
    }
    let target = Target::new(TargetKind::Issuer, chain.0.to_string(), name);
    let event = Event::new(Action::EventsPruned, target)
        .with("events", pruned)
        .with("before", until.rfc3339());
    tx.append_audit(&core.audit, chain, now, &Actor::server(), event)
        .await?;
    tx.commit().await?;
    Ok(pruned)
}

/// The chain of an issuer, or, for [`SERVER`], the server's.
pub async fn find_chain(core: &Core, name: &str) -> Result<Option<NamedChain>> {
    let chains = chains(core).await?;
    Ok(chains.into_iter().find(|chain| chain.name == name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_cell_is_no_formula_and_no_two_cells() {
        for (text, expected) in [
            ("ada", "ada"),
            ("", ""),
            ("a,b", "\"a,b\""),
            ("say \"hi\"", "\"say \"\"hi\"\"\""),
            ("two\r\nlines", "\"two\r\nlines\""),
            ("=1+1", "\"'=1+1\""),
            ("+1", "\"'+1\""),
            ("-1", "\"'-1\""),
            ("@SUM(A1)", "\"'@SUM(A1)\""),
            ("\t=1", "\"'\t=1\""),
            ("\r=1", "\"'\r=1\""),
            ("a=1", "a=1"),
        ] {
            assert_eq!(cell(text), expected);
        }
    }

    #[test]
    fn a_head_is_read_as_it_is_written() {
        let mut head = Head {
            sequence: 12,
            mac: [0xa5; 32],
        };
        head.mac[0] = 1;
        assert_eq!(head.to_string().parse::<Head>().unwrap(), head);
        for wrong in [
            "",
            "12",
            "12:",
            "x:00",
            "12:a5",
            &format!("12:{}", "é".repeat(32)),
        ] {
            assert!(wrong.parse::<Head>().is_err(), "{wrong}");
        }
    }
}
