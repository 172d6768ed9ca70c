//! The chain of audit events: what is appended is found again, and nothing can be altered or taken
//! out unnoticed.

use futures_util::future::join_all;
use locum::audit::{Action, Actor, ActorKind, AuditKey, BEGINNING, Chain};
use locum::audit::{Event, Outcome, Record, Target, TargetKind};
use locum::demo;
use locum::store::{AuditQuery, ChainEnds, Store};
use serde_json::json;
use sqlx::{AssertSqlSafe, Executor};

use super::{at, issuer, write};
use crate::support::database::{Connected, Database, on_engines};

fn key() -> AuditKey {
    let keyring = demo::keyring(demo::secret_key()).unwrap();
    AuditKey::new(keyring.secret_key.auditing())
}

fn olga() -> Actor {
    Actor {
        kind: ActorKind::Administrator,
        id: "olga-id".to_owned(),
        name: "Olga Ångström".to_owned(),
        address: "2001:db8::1".to_owned(),
        user_agent: "Mozilla/5.0 (“quoted”)".to_owned(),
        request_id: "r-1".to_owned(),
    }
}

fn created(client_id: &str, name: &str) -> Event {
    Event::new(
        Action::ClientCreated,
        Target::new(TargetKind::Client, client_id, name),
    )
}

async fn append(store: &Store, chain: Chain, seconds: i64, actor: &Actor, event: Event) {
    let key = key();
    store
        .append_audit(&key, chain, at(seconds), actor, event)
        .await
        .unwrap();
}

async fn all(store: &Store, chain: Chain) -> Vec<Record> {
    store.read_audit(chain, 0, 1000).await.unwrap()
}

/// What is wrong with a chain, by what the database has of it.
fn verify(
    key: &AuditKey,
    chain: Chain,
    ends: &ChainEnds,
    records: &[Record],
) -> Result<(), String> {
    if ends.anchor_mac != key.anchor_mac(chain, ends.pruned, &ends.anchor) {
        return Err("the anchor".to_owned());
    }
    let (mut previous, mut sequence) = (ends.anchor, ends.pruned);
    for record in records {
        sequence += 1;
        if record.sequence != sequence || record.mac != key.mac(record, &previous) {
            return Err(format!("event {sequence}"));
        }
        previous = record.mac;
    }
    if (sequence, previous) != (ends.length, ends.head) {
        return Err("the head".to_owned());
    }
    if ends.head_mac != key.head_mac(chain, ends.length, &ends.head) {
        return Err("the end".to_owned());
    }
    Ok(())
}

async fn verified(store: &Store, chain: Chain) -> Result<(), String> {
    let ends = store.find_chain(chain).await.unwrap().unwrap();
    verify(&key(), chain, &ends, &all(store, chain).await)
}

on_engines! { all:
    async fn an_event_is_read_as_it_was_appended(database: Database) {
        let store = database.open().await;
        let chain = Chain::from(issuer(&store, "clinic").await);
        assert_eq!(store.find_chain(chain).await.unwrap(), None);
        assert_eq!(store.list_chains().await.unwrap(), []);
        let event = created("web", "Zoë's \"client\"; DROP TABLE audit_events")
            .with("fields", json!(["kind", "größe"]))
            .with("by", "configuration")
            .with("count", 3)
            .failed();
        append(&store, chain, 5, &olga(), event.clone()).await;

        let records = all(&store, chain).await;
        let ends = store.find_chain(chain).await.unwrap().unwrap();
        let expected = Record {
            chain,
            sequence: 1,
            at: at(5),
            actor: olga(),
            action: "client.created".to_owned(),
            outcome: Outcome::Failed,
            target_kind: "client".to_owned(),
            target: "web".to_owned(),
            target_name: event.target.name,
            details: event.details,
            mac: ends.head,
        };
        assert_eq!(records, [expected]);
        assert_eq!((ends.length, ends.pruned, ends.anchor), (1, 0, BEGINNING));
        let chains = store.list_chains().await.unwrap();
        assert_eq!(chains.iter().map(|kept| kept.chain).collect::<Vec<_>>(), [chain]);
    }

    async fn the_chains_are_apart_and_each_is_whole(database: Database) {
        let store = database.open().await;
        let clinic = Chain::from(issuer(&store, "clinic").await);
        for (chain, count) in [(clinic, 7), (Chain::SERVER, 3)] {
            for index in 0..count {
                append(&store, chain, index, &Actor::server(), created(&format!("c{index}"), "")).await;
            }
        }
        for (chain, count) in [(clinic, 7), (Chain::SERVER, 3)] {
            assert_eq!(verified(&store, chain).await, Ok(()));
            let sequences: Vec<i64> = all(&store, chain).await.iter().map(|r| r.sequence).collect();
            assert_eq!(sequences, (1..=count).collect::<Vec<_>>());
        }
        // Read in pieces, it is the same.
        let mut pieces = Vec::new();
        loop {
            let after = pieces.last().map_or(0, |record: &Record| record.sequence);
            let piece = store.read_audit(clinic, after, 3).await.unwrap();
            if piece.is_empty() {
                break;
            }
            pieces.extend(piece);
        }
        assert_eq!(pieces, all(&store, clinic).await);
    }

    async fn an_event_is_of_the_transaction_it_came_with(database: Database) {
        let store = database.open().await;
        let chain = Chain::from(issuer(&store, "clinic").await);
        append(&store, chain, 1, &olga(), created("before", "")).await;
        let mut tx = store.write().await.unwrap();
        tx.append_audit(&key(), chain, at(2), &olga(), created("never", "")).await.unwrap();
        drop(tx);
        write(&store, async |tx| {
            for name in ["one", "two"] {
                tx.append_audit(&key(), chain, at(3), &olga(), created(name, "")).await.unwrap();
            }
        }).await;
        let targets: Vec<String> = all(&store, chain).await.into_iter().map(|r| r.target).collect();
        assert_eq!(targets, ["before", "one", "two"]);
        assert_eq!(verified(&store, chain).await, Ok(()));
    }

    async fn events_appended_at_once_are_all_in_the_chain(database: Database) {
        let store = database.open().await;
        let chain = Chain::from(issuer(&store, "clinic").await);
        // The chain itself is begun by whoever comes first.
        let appended = (0..40).map(|index| {
            let store = store.clone();
            tokio::spawn(async move {
                append(&store, chain, index, &olga(), created(&format!("c{index}"), "")).await;
            })
        });
        for outcome in join_all(appended).await {
            outcome.unwrap();
        }
        assert_eq!(all(&store, chain).await.len(), 40);
        assert_eq!(verified(&store, chain).await, Ok(()));
    }

    async fn what_cannot_be_stored_does_not_lose_the_event(database: Database) {
        let store = database.open().await;
        let chain = Chain::from(issuer(&store, "clinic").await);
        let typed = format!("nul\0{}", "é".repeat(10_000));
        let actor = Actor { name: typed.clone(), user_agent: typed.clone(), ..olga() };
        append(&store, chain, 1, &actor, created(&typed, &typed).with("typed", "a\0b")).await;
        let [record] = all(&store, chain).await.try_into().unwrap();
        for text in [&record.actor.name, &record.actor.user_agent, &record.target, &record.target_name] {
            assert!(text.starts_with("nulé") && text.chars().count() == 512, "{text}");
        }
        assert_eq!(record.details["typed"], "a\0b");
        assert_eq!(verified(&store, chain).await, Ok(()));
    }

    async fn a_search_finds_what_fits_the_newest_first(database: Database) {
        let store = database.open().await;
        let clinic = Chain::from(issuer(&store, "clinic").await);
        let client = |id: &str, name: &str| created(id, name);
        let on = |action, kind, id: &str| Event::new(action, Target::new(kind, id, ""));
        append(&store, clinic, 1, &olga(), client("web", "Zoë's 100%")).await;
        append(&store, clinic, 2, &Actor::server(), on(Action::ClientDeleted, TargetKind::Client, "old_app")).await;
        append(&store, clinic, 3, &olga(), on(Action::ClientAuthenticationFailed, TargetKind::Client, "web").failed()).await;
        append(&store, clinic, 4, &olga(), on(Action::UserCreated, TargetKind::User, "u-1").with("note", "Hey!")).await;
        append(&store, Chain::SERVER, 5, &olga(), client("elsewhere", "")).await;

        let search = async |query: AuditQuery<'_>| -> Vec<i64> {
            let found = store.search_audit(clinic, &query).await.unwrap();
            found.iter().map(|record| record.sequence).collect()
        };
        let any = AuditQuery::default;
        for (query, expected) in [
            (any(), &[4, 3, 2, 1][..]),
            (AuditQuery { limit: 2, ..any() }, &[4, 3]),
            (AuditQuery { before: 3, ..any() }, &[2, 1]),
            (AuditQuery { before: 3, limit: 1, ..any() }, &[2]),
            (AuditQuery { action: "client", ..any() }, &[3, 2, 1]),
            (AuditQuery { action: "client.created", ..any() }, &[1]),
            (AuditQuery { action: "clien", ..any() }, &[]),
            (AuditQuery { action: "%", ..any() }, &[]),
            (AuditQuery { action: "c_ient", ..any() }, &[]),
            (AuditQuery { outcome: Some(Outcome::Failed), ..any() }, &[3]),
            (AuditQuery { outcome: Some(Outcome::Succeeded), ..any() }, &[4, 2, 1]),
            (AuditQuery { actor: "olga-id", ..any() }, &[4, 3, 1]),
            (AuditQuery { actor: "olga", ..any() }, &[]),
            (AuditQuery { target: "web", ..any() }, &[3, 1]),
            (AuditQuery { from: at(2), until: at(4), ..any() }, &[3, 2]),
            (AuditQuery { search: "ZOË'S", ..any() }, if LOWER_KNOWS_ALL { &[1] } else { &[] }),
            (AuditQuery { search: "zoë'S", ..any() }, &[1]),
            (AuditQuery { search: "0%", ..any() }, &[1]),
            (AuditQuery { search: "%", ..any() }, &[1]),
            (AuditQuery { search: "old_a", ..any() }, &[2]),
            (AuditQuery { search: "_", ..any() }, &[2]),
            (AuditQuery { search: "hey!", ..any() }, &[4]),
            (AuditQuery { search: "!", ..any() }, &[4]),
            (AuditQuery { search: "olga Ångström", ..any() }, &[4, 3, 1]),
            (AuditQuery { search: "2001:DB8", ..any() }, &[4, 3, 1]),
            (AuditQuery { search: "'; DROP TABLE audit_events; --", ..any() }, &[]),
            (AuditQuery { action: "client", actor: "olga-id", search: "web", before: 3, ..any() }, &[1]),
        ] {
            let asked = format!("{query:?}");
            assert_eq!(search(query).await, expected, "{asked}");
        }
        let long = "x".repeat(100_000);
        assert!(search(AuditQuery { search: &long, ..any() }).await.is_empty());
        assert_eq!(search(AuditQuery { search: "\0", ..any() }).await, [4, 3, 2, 1]);
    }

    async fn pruning_takes_the_oldest_and_leaves_a_whole_chain(database: Database) {
        let store = database.open().await;
        let clinic = Chain::from(issuer(&store, "clinic").await);
        for chain in [clinic, Chain::SERVER] {
            for index in 1..=6 {
                append(&store, chain, index, &olga(), created(&format!("c{index}"), "")).await;
            }
        }
        let prune = async |seconds| write(&store, async |tx| {
            tx.prune_audit(&key(), clinic, at(seconds)).await.unwrap()
        }).await;
        assert_eq!(prune(1).await, 0);
        assert_eq!(verified(&store, clinic).await, Ok(()));
        for (seconds, pruned, first) in [(3, 2, 3), (3, 0, 3), (5, 2, 5)] {
            assert_eq!(prune(seconds).await, pruned);
            assert_eq!(all(&store, clinic).await[0].sequence, first);
            let ends = store.find_chain(clinic).await.unwrap().unwrap();
            assert_eq!((ends.pruned, ends.length), (first - 1, 6));
            assert_eq!(verified(&store, clinic).await, Ok(()));
        }
        // All of it may go, and the next one follows on.
        assert_eq!(prune(100).await, 2);
        assert_eq!(all(&store, clinic).await, []);
        assert_eq!(verified(&store, clinic).await, Ok(()));
        append(&store, clinic, 101, &olga(), created("next", "")).await;
        assert_eq!(all(&store, clinic).await[0].sequence, 7);
        assert_eq!(verified(&store, clinic).await, Ok(()));
        // Another chain's are none of its business.
        assert_eq!(all(&store, Chain::SERVER).await.len(), 6);
    }

    async fn an_issuers_events_stay_when_it_is_gone(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        append(&store, clinic.into(), 1, &olga(), created("web", "")).await;
        assert!(write(&store, async |tx| tx.delete_issuer(clinic, 1).await.unwrap()).await);
        assert_eq!(verified(&store, clinic.into()).await, Ok(()));
        assert_eq!(all(&store, clinic.into()).await.len(), 1);
    }
}

/// Whether `LOWER` knows more letters than those of ASCII: SQLite's does not, and the tests'
/// Postgres has no locale.
const LOWER_KNOWS_ALL: bool = false;

on_engines! { persistent:
    async fn whoever_has_the_database_cannot_alter_it_unnoticed(database: Database) {
        for (sql, found) in [
            ("UPDATE audit_events SET target = 'c9' WHERE sequence = 2", "event 2"),
            ("UPDATE audit_events SET outcome = 'failed' WHERE sequence = 3", "event 3"),
            ("UPDATE audit_events SET details = '{\"by\":\"nobody\"}' WHERE sequence = 1", "event 1"),
            ("UPDATE audit_events SET actor_name = '' WHERE sequence = 4", "event 4"),
            ("DELETE FROM audit_events WHERE sequence = 2", "event 2"),
            ("DELETE FROM audit_events WHERE sequence = 4", "the head"),
            ("UPDATE audit_chains SET pruned = 1", "the anchor"),
            ("UPDATE audit_chains SET length = 3", "the head"),
        ] {
            let store = database.open().await;
            let chain = Chain::from(issuer(&store, sql).await);
            for index in 1..=4 {
                append(&store, chain, index, &olga(), created(&format!("c{index}"), "")).await;
            }
            assert_eq!(verified(&store, chain).await, Ok(()));
            match database.connect().await {
                Connected::Sqlite(mut connection) => {
                    connection.execute(AssertSqlSafe(sql)).await.unwrap();
                }
                Connected::Postgres(mut connection) => {
                    connection.execute(AssertSqlSafe(sql)).await.unwrap();
                }
            }
            assert_eq!(verified(&store, chain).await, Err(found.to_owned()), "{sql}");
            let reset = "DELETE FROM audit_events";
            match database.connect().await {
                Connected::Sqlite(mut connection) => {
                    connection.execute(AssertSqlSafe(reset)).await.unwrap();
                }
                Connected::Postgres(mut connection) => {
                    connection.execute(AssertSqlSafe(reset)).await.unwrap();
                }
            }
        }
    }
}
