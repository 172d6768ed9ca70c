use serde_json::{Map, Value as Json};
use time::OffsetDateTime;
use uuid::Uuid;

use super::engine::{on_engine, row};
use super::{Result, Store, StoreError, Tx, contains, parse_column};
use crate::audit::{Actor, ActorKind, AuditKey, BEGINNING, Chain, Event, Mac, Outcome, Record};
use crate::clock::Timestamp;

row! {
    struct EventRow {
        sequence: i64,
        at: OffsetDateTime,
        action: String,
        outcome: String,
        actor_kind: String,
        actor: String,
        actor_name: String,
        target_kind: String,
        target: String,
        target_name: String,
        address: String,
        user_agent: String,
        request_id: String,
        details: String,
        mac: Vec<u8>,
    }
}

row! {
    struct KeptChainRow {
        chain: Uuid,
        former_name: Option<String>,
        retention_days: Option<i64>,
    }
}

row! {
    struct ChainRow {
        length: i64,
        head: Vec<u8>,
        head_mac: Vec<u8>,
        pruned: i64,
        anchor: Vec<u8>,
        anchor_mac: Vec<u8>,
    }
}

const BEGIN: &str =
    "INSERT INTO audit_chains (chain, length, head, head_mac, pruned, anchor, anchor_mac)
    VALUES ($1, 0, $2, $3, 0, $2, $4) ON CONFLICT (chain) DO NOTHING";

/// Takes the next number, and holds the chain until the transaction ends.
const TAKE: &str = "UPDATE audit_chains SET length = length + 1 WHERE chain = $1
    RETURNING length, head, head_mac, pruned, anchor, anchor_mac";

const SET_HEAD: &str = "UPDATE audit_chains SET head = $2, head_mac = $3 WHERE chain = $1";

const INSERT: &str = "INSERT INTO audit_events
        (chain, sequence, at, action, outcome, actor_kind, actor, actor_name, target_kind, target,
         target_name, address, user_agent, request_id, details, mac)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16)";

const FIND_CHAIN: &str =
    "SELECT length, head, head_mac, pruned, anchor, anchor_mac FROM audit_chains
    WHERE chain = $1";

const LIST_CHAINS: &str = "SELECT chain, former_name, retention_days FROM audit_chains
    UNION ALL SELECT DISTINCT chain, CAST(NULL AS TEXT), CAST(NULL AS BIGINT) FROM audit_events
        WHERE chain NOT IN (SELECT chain FROM audit_chains)
    ORDER BY chain";

const LEAVE_CHAIN: &str = "UPDATE audit_chains SET former_name = $2, retention_days = $3
    WHERE chain = $1";

/// An event that stands where the chain is not: before its beginning, or after its end.
const OUTSIDE: &str = "SELECT MIN(sequence) FROM audit_events WHERE chain = $1 AND (
    sequence <= COALESCE((SELECT pruned FROM audit_chains WHERE chain = $1), 0)
    OR sequence > COALESCE((SELECT length FROM audit_chains WHERE chain = $1), 0))";

/// Newest first, and nothing that stands outside the chain. Empty texts match everything.
const SEARCH: &str = "SELECT sequence, at, action, outcome, actor_kind, actor, actor_name,
        target_kind, target, target_name, address, user_agent, request_id, details, mac
    FROM audit_events
    WHERE chain = $1 AND sequence < $2
        AND sequence > COALESCE((SELECT pruned FROM audit_chains WHERE chain = $1), 0)
        AND sequence <= COALESCE((SELECT length FROM audit_chains WHERE chain = $1), 0)
        AND ($3 = '' OR action = $3 OR SUBSTR(action, 1, LENGTH($3) + 1) = $3 || '.')
        AND ($4 = '' OR outcome = $4)
        AND ($5 = '' OR actor = $5) AND ($6 = '' OR target = $6)
        AND at >= $7 AND at < $8
        AND ($9 = '%%' OR LOWER(actor_name) LIKE LOWER($9) ESCAPE '!'
            OR LOWER(target_name) LIKE LOWER($9) ESCAPE '!'
            OR LOWER(target) LIKE LOWER($9) ESCAPE '!'
            OR LOWER(address) LIKE LOWER($9) ESCAPE '!'
            OR LOWER(details) LIKE LOWER($9) ESCAPE '!')
    ORDER BY sequence DESC LIMIT $10";

/// Oldest first, for checking the chain.
const READ: &str = "SELECT sequence, at, action, outcome, actor_kind, actor, actor_name,
        target_kind, target, target_name, address, user_agent, request_id, details, mac
    FROM audit_events WHERE chain = $1 AND sequence > $2 ORDER BY sequence LIMIT $3";

/// The last of the oldest events that may go: those before the first that has to stay, and no more
/// than so many.
const OLDEST: &str = "SELECT sequence, mac FROM audit_events
    WHERE chain = $1 AND sequence <= $3 AND sequence < COALESCE(
        (SELECT MIN(sequence) FROM audit_events
            WHERE chain = $1 AND sequence <= $3 AND at >= $2), $3 + 1)
    ORDER BY sequence DESC LIMIT 1";

/// Holds the chain until the transaction ends, without taking a number.
const HOLD: &str = "UPDATE audit_chains SET length = length WHERE chain = $1
    RETURNING length, head, head_mac, pruned, anchor, anchor_mac";

const PRUNE: &str = "DELETE FROM audit_events WHERE chain = $1 AND sequence <= $2";

const SET_ANCHOR: &str = "UPDATE audit_chains SET pruned = $2, anchor = $3, anchor_mac = $4
    WHERE chain = $1";

/// Events that go at a time.
const PRUNED_AT_ONCE: i64 = 1000;

/// Which events are wanted. Empty texts match everything.
#[derive(Debug, Clone)]
pub struct AuditQuery<'a> {
    /// Only those before this number: where the page before ended.
    pub before: i64,
    /// `client.created`, or `client` for all that is about clients.
    pub action: &'a str,
    pub outcome: Option<Outcome>,
    pub actor: &'a str,
    pub target: &'a str,
    /// From this second on, and before that.
    pub from: Timestamp,
    pub until: Timestamp,
    /// Part of a name, an ID, an address or the details, in any case.
    pub search: &'a str,
    pub limit: i64,
}

impl Default for AuditQuery<'_> {
    fn default() -> Self {
        /// 9999-12-31: later than anything both engines can say.
        const LAST: i64 = 253_402_214_400;
        Self {
            before: i64::MAX,
            action: "",
            outcome: None,
            actor: "",
            target: "",
            from: Timestamp::from_unix(0),
            until: Timestamp::from_unix(LAST),
            search: "",
            limit: 50,
        }
    }
}

/// A chain that is there, and what is known of its issuer when that is not.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KeptChain {
    pub chain: Chain,
    pub former_name: Option<String>,
    pub retention_days: Option<u32>,
}

/// Where a chain begins and ends, as the database says.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ChainEnds {
    pub length: i64,
    pub head: Mac,
    pub head_mac: Mac,
    pub pruned: i64,
    pub anchor: Mac,
    pub anchor_mac: Mac,
}

fn mac(column: Vec<u8>) -> Result<Mac> {
    column
        .try_into()
        .map_err(|_| StoreError::Unreadable("the MAC of an audit event".to_owned()))
}

impl TryFrom<ChainRow> for ChainEnds {
    type Error = StoreError;

    fn try_from(row: ChainRow) -> Result<Self> {
        Ok(Self {
            length: row.length,
            head: mac(row.head)?,
            head_mac: mac(row.head_mac)?,
            pruned: row.pruned,
            anchor: mac(row.anchor)?,
            anchor_mac: mac(row.anchor_mac)?,
        })
    }
}

impl EventRow {
    fn read(self, chain: Chain) -> Result<Record> {
        let details: Map<String, Json> = serde_json::from_str(&self.details)
            .map_err(|_| StoreError::Unreadable("the details of an audit event".to_owned()))?;
        Ok(Record {
            chain,
            sequence: self.sequence,
            at: self.at.into(),
            actor: Actor {
                kind: parse_column("actor_kind", &self.actor_kind, ActorKind::find)?,
                id: self.actor,
                name: self.actor_name,
                address: self.address,
                user_agent: self.user_agent,
                request_id: self.request_id,
            },
            action: self.action,
            outcome: parse_column("outcome", &self.outcome, Outcome::find)?,
            target_kind: self.target_kind,
            target: self.target,
            target_name: self.target_name,
            details,
            mac: mac(self.mac)?,
        })
    }
}

impl Tx {
    /// Appends an event. It holds the chain until the transaction ends, so it comes last, right
    /// before the commit; and of several chains, in the order of their IDs.
    pub async fn append_audit(
        &mut self,
        key: &AuditKey,
        chain: Chain,
        at: Timestamp,
        actor: &Actor,
        event: Event,
    ) -> Result<()> {
        let mut taken = self.take_audit(chain).await?;
        if taken.is_none() {
            let head_mac = key.head_mac(chain, 0, &BEGINNING).to_vec();
            let anchor_mac = key.anchor_mac(chain, 0, &BEGINNING).to_vec();
            on_engine!(tx self, |db| sqlx::query(BEGIN)
                .bind(chain.0)
                .bind(BEGINNING.to_vec())
                .bind(head_mac)
                .bind(anchor_mac)
                .execute(db)
                .await
                .map(drop))?;
            taken = self.take_audit(chain).await?;
        }
        let ends = ChainEnds::try_from(
            taken.ok_or_else(|| StoreError::Unreadable("an audit chain".to_owned()))?,
        )?;
        let mut record = Record {
            chain,
            sequence: ends.length,
            at,
            actor: bounded(actor),
            action: event.action.as_str().to_owned(),
            outcome: event.outcome,
            target_kind: event.target.kind.as_str().to_owned(),
            target: bounded_text(&event.target.id),
            target_name: bounded_text(&event.target.name),
            details: event.details,
            mac: BEGINNING,
        };
        record.mac = key.mac(&record, &ends.head);
        on_engine!(tx self, |db| sqlx::query(INSERT)
            .bind(chain.0)
            .bind(record.sequence)
            .bind(record.at.utc())
            .bind(&record.action)
            .bind(record.outcome.as_str())
            .bind(record.actor.kind.as_str())
            .bind(&record.actor.id)
            .bind(&record.actor.name)
            .bind(&record.target_kind)
            .bind(&record.target)
            .bind(&record.target_name)
            .bind(&record.actor.address)
            .bind(&record.actor.user_agent)
            .bind(&record.actor.request_id)
            .bind(Json::Object(record.details.clone()).to_string())
            .bind(record.mac.to_vec())
            .execute(db)
            .await
            .map(drop))?;
        // An end that somebody else has moved is vouched for no more, and no event after it mends that.
        let is_vouched = key.head_mac(chain, ends.length - 1, &ends.head) == ends.head_mac;
        let head_mac = if is_vouched {
            key.head_mac(chain, record.sequence, &record.mac)
        } else {
            tracing::error!(chain = %chain.0, "the end of an audit chain has been moved");
            ends.head_mac
        };
        on_engine!(tx self, |db| sqlx::query(SET_HEAD)
            .bind(chain.0)
            .bind(record.mac.to_vec())
            .bind(head_mac.to_vec())
            .execute(db)
            .await
            .map(drop))?;
        Ok(())
    }

    /// Notes what is kept of an issuer that is deleted.
    pub async fn leave_chain(
        &mut self,
        chain: Chain,
        former_name: &str,
        retention_days: Option<u32>,
    ) -> Result<()> {
        Ok(on_engine!(tx self, |db| sqlx::query(LEAVE_CHAIN)
            .bind(chain.0)
            .bind(former_name)
            .bind(retention_days.map(i64::from))
            .execute(db)
            .await
            .map(drop))?)
    }

    /// Whether the chain has been begun.
    pub async fn has_chain(&mut self, chain: Chain) -> Result<bool> {
        let row: Option<ChainRow> = on_engine!(tx self, |db| sqlx::query_as(FIND_CHAIN)
            .bind(chain.0)
            .fetch_optional(db)
            .await)?;
        Ok(row.is_some())
    }

    async fn take_audit(&mut self, chain: Chain) -> Result<Option<ChainRow>> {
        Ok(on_engine!(tx self, |db| sqlx::query_as(TAKE)
            .bind(chain.0)
            .fetch_optional(db)
            .await)?)
    }

    /// Takes events from before `until` away, a bounded number, and moves the chain's beginning.
    /// Returns how many went. An event never goes before an older one: clocks may differ.
    pub async fn prune_audit(
        &mut self,
        key: &AuditKey,
        chain: Chain,
        until: Timestamp,
    ) -> Result<u64> {
        // Of two that prune at once, the second sees where the first has put the beginning.
        let held: Option<ChainRow> = on_engine!(tx self, |db| sqlx::query_as(HOLD)
            .bind(chain.0)
            .fetch_optional(db)
            .await)?;
        let Some(held) = held else { return Ok(0) };
        let last: Option<(i64, Vec<u8>)> = on_engine!(tx self, |db| sqlx::query_as(OLDEST)
            .bind(chain.0)
            .bind(until.utc())
            .bind(held.pruned + PRUNED_AT_ONCE)
            .fetch_optional(db)
            .await)?;
        let Some((sequence, anchor)) = last else {
            return Ok(0);
        };
        let anchor = mac(anchor)?;
        let pruned = on_engine!(tx self, |db| sqlx::query(PRUNE)
            .bind(chain.0)
            .bind(sequence)
            .execute(db)
            .await
            .map(|done| done.rows_affected()))?;
        let anchor_mac = key.anchor_mac(chain, sequence, &anchor).to_vec();
        on_engine!(tx self, |db| sqlx::query(SET_ANCHOR)
            .bind(chain.0)
            .bind(sequence)
            .bind(anchor.to_vec())
            .bind(anchor_mac)
            .execute(db)
            .await
            .map(drop))?;
        Ok(pruned)
    }
}

/// Characters of one column: names come from people, user agents from anywhere.
const LONGEST: usize = 512;

/// Postgres has no NUL in a text, and an event must not be lost because somebody typed one.
fn bounded_text(text: &str) -> String {
    text.chars().filter(|c| *c != '\0').take(LONGEST).collect()
}

fn bounded(actor: &Actor) -> Actor {
    Actor {
        kind: actor.kind,
        id: bounded_text(&actor.id),
        name: bounded_text(&actor.name),
        address: bounded_text(&actor.address),
        user_agent: bounded_text(&actor.user_agent),
        request_id: bounded_text(&actor.request_id),
    }
}

impl Store {
    /// Appends an event that belongs to no other change.
    pub async fn append_audit(
        &self,
        key: &AuditKey,
        chain: Chain,
        at: Timestamp,
        actor: &Actor,
        event: Event,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        tx.append_audit(key, chain, at, actor, event).await?;
        tx.commit().await
    }

    /// Events, the newest first.
    pub async fn search_audit(&self, chain: Chain, query: &AuditQuery<'_>) -> Result<Vec<Record>> {
        let rows: Vec<EventRow> = on_engine!(read self.engine, |db| sqlx::query_as(SEARCH)
            .bind(chain.0)
            .bind(query.before)
            .bind(query.action)
            .bind(query.outcome.map_or("", Outcome::as_str))
            .bind(query.actor)
            .bind(query.target)
            .bind(query.from.utc())
            .bind(query.until.utc())
            .bind(contains(query.search))
            .bind(query.limit)
            .fetch_all(db)
            .await)?;
        rows.into_iter().map(|row| row.read(chain)).collect()
    }

    /// Events after `sequence`, the oldest first.
    pub async fn read_audit(&self, chain: Chain, sequence: i64, limit: i64) -> Result<Vec<Record>> {
        let rows: Vec<EventRow> = on_engine!(read self.engine, |db| sqlx::query_as(READ)
            .bind(chain.0)
            .bind(sequence)
            .bind(limit)
            .fetch_all(db)
            .await)?;
        rows.into_iter().map(|row| row.read(chain)).collect()
    }

    /// Where the chain begins and ends; `None` when it has no events yet.
    pub async fn find_chain(&self, chain: Chain) -> Result<Option<ChainEnds>> {
        let row: Option<ChainRow> = on_engine!(read self.engine, |db| sqlx::query_as(FIND_CHAIN)
            .bind(chain.0)
            .fetch_optional(db)
            .await)?;
        row.map(ChainEnds::try_from).transpose()
    }

    pub async fn list_chains(&self) -> Result<Vec<KeptChain>> {
        let rows: Vec<KeptChainRow> = on_engine!(read self.engine, |db| {
            sqlx::query_as(LIST_CHAINS).fetch_all(db).await
        })?;
        let kept = |row: KeptChainRow| KeptChain {
            chain: Chain(row.chain),
            former_name: row.former_name,
            retention_days: row.retention_days.and_then(|days| days.try_into().ok()),
        };
        Ok(rows.into_iter().map(kept).collect())
    }

    /// The number of an event that stands before the chain's beginning or after its end, where
    /// nothing that wrote the chain has put one.
    pub async fn find_audit_outside(&self, chain: Chain) -> Result<Option<i64>> {
        let (sequence,): (Option<i64>,) = on_engine!(read self.engine, |db| sqlx::query_as(OUTSIDE)
            .bind(chain.0)
            .fetch_one(db)
            .await)?;
        Ok(sequence)
    }
}
