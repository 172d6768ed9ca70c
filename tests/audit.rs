//! The audit log: what the flows leave in it, and what shows when somebody has been at it.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;

use locum::admin::audit::{self, ChainFault, Format, Head, Verification};
use locum::audit::{
    Action, Activity, Actor, AuditKey, Chain, Counted, Event, Record, Target, TargetKind, hour,
};
use locum::clock::{Clock, ManualClock, Timestamp};
use locum::demo;
use locum::entropy::Entropy;
use locum::issuer::{IssuerId, IssuerSettings};
use locum::keys::Keyring;
use locum::oauth::Core;
use locum::store::{AuditQuery, Store, StoredIssuer};

use crate::support::clinic::{Clinic, ada, portal, token_request};
use crate::support::database::{Database, on_engines};
use crate::support::html::Form;
use crate::support::http::Request;
use crate::support::servers::{BEGINNING, Fixture};
use crate::support::user::{App, Person, Tokens, form};

// ------------------------------------------------------------------------- what is left by flows

/// An issuer's events, the oldest first.
async fn events(store: &Store, issuer: &str) -> Vec<Record> {
    let issuer = store.find_issuer(issuer).await.unwrap().unwrap();
    let query = AuditQuery {
        limit: 1000,
        ..AuditQuery::default()
    };
    let mut found = store.search_audit(issuer.id.into(), &query).await.unwrap();
    found.reverse();
    found
}

/// Everything since `seen`, in words: what, of whom, by whom, and why it failed.
async fn news(store: &Store, issuer: &str, seen: &mut usize) -> Vec<String> {
    let all = events(store, issuer).await;
    let news = all
        .iter()
        .skip(*seen)
        .map(|record| {
            let because = record
                .details
                .get("because")
                .and_then(|because| because.as_str());
            let actor = if record.actor.name.is_empty() {
                record.actor.kind.as_str()
            } else {
                &record.actor.name
            };
            let target = if record.target_name.is_empty() {
                &record.target
            } else {
                &record.target_name
            };
            let failed = if record.outcome.as_str() == "failed" {
                " failed"
            } else {
                ""
            };
            let because = because
                .map(|because| format!(" ({because})"))
                .unwrap_or_default();
            format!("{}{failed} {target} by {actor}{because}", record.action)
        })
        .collect();
    *seen = all.len();
    news
}

async fn guess(person: &mut Person, username: &str, password: &str) -> u16 {
    let page = person.visit("/clinic/sign-in").await;
    let mut sign_in = Form::with_button(&page.body, "sign-in").unwrap();
    sign_in.fill("username", username);
    sign_in.fill("password", password);
    person
        .post(&sign_in.action, &sign_in.pressed("sign-in"))
        .await
        .status
}

async fn submit(person: &mut Person, path: &str, button: Option<&str>, fields: &[(&str, &str)]) {
    let page = person.get(path).await;
    let forms = Form::all(&page.is(200).body);
    let mut own = match button {
        Some(button) => Form::with_button(&page.body, button).unwrap(),
        None => forms
            .into_iter()
            .find(|form| {
                fields
                    .iter()
                    .all(|(name, _)| form.fields.iter().any(|(own, _)| own == name))
            })
            .unwrap(),
    };
    for (name, value) in fields {
        own.fill(name, value);
    }
    let answer = person.post(&own.action, &own.fields).await;
    assert!(answer.status < 400, "{answer}");
}

on_engines! { all:
    /// Each thing that a person or client does, in order, with who did it and from where.
    async fn every_flow_leaves_its_trace(database: Database) {
        let locum = Fixture::on(&database.url).await;
        let (store, peer) = (&locum.locum.store, locum.peer());
        let app = App::clinic_web();
        let mut seen = 0;
        news(store, "clinic", &mut seen).await;

        let mut doctor = Person::new(peer, "doctor");
        assert_eq!(guess(&mut doctor, "doctor", "wrong").await, 401);
        assert_eq!(guess(&mut doctor, "hunter2-my-password", "x").await, 401);
        assert_eq!(news(store, "clinic", &mut seen).await, [
            "user.signed_in failed doctor by anonymous (wrong_password)",
            "user.signed_in failed  by anonymous (unknown_user)",
        ]);

        let code = app.code(&mut doctor, &[("scope", "openid offline_access")]).await;
        let tokens = Tokens::of(&app.redeem(peer, &code).await);
        assert_eq!(news(store, "clinic", &mut seen).await, [
            "user.signed_in doctor by doctor",
            "consent.given doctor by doctor",
            "grant.created Clinic web app by doctor",
        ].map(|line| line.replace("Clinic web app", &client_name())));
        app.redeem(peer, &code).await.is(400);
        app.redeem(peer, &code).await.is(400);
        assert_eq!(news(store, "clinic", &mut seen).await, [
            format!("grant.replayed failed {0} by {0}", client_name()),
            format!("grant.revoked {0} by {0} (replay)", client_name()),
        ]);
        app.refresh(peer, tokens.refresh()).await.is(400);
        assert_eq!(news(store, "clinic", &mut seen).await, [] as [&str; 0]);

        // Refresh tokens that rotate: the old one once more, after the grace.
        let spa = App::clinic_spa();
        let tokens = spa.tokens(&mut doctor, &[("scope", "openid offline_access")]).await;
        spa.refresh(peer, tokens.refresh()).await.is(200);
        locum.clock.advance(Duration::from_secs(600));
        news(store, "clinic", &mut seen).await;
        spa.refresh(peer, tokens.refresh()).await.is(400);
        let replayed = news(store, "clinic", &mut seen).await;
        assert!(replayed[0].starts_with("grant.replayed failed") && replayed[1].ends_with("(replay)"), "{replayed:?}");

        // Consent that is refused; given again, tokens revoked, and consent withdrawn.
        let page = doctor.visit(&app.authorization(&[("scope", "openid"), ("prompt", "consent")])).await;
        let consent = Form::with_button(&page.body, "consent-deny").unwrap();
        doctor.press(&consent, "consent-deny").await;
        assert_eq!(news(store, "clinic", &mut seen).await, ["consent.denied doctor by doctor"]);
        let tokens = app.tokens(&mut doctor, &[("scope", "openid offline_access")]).await;
        news(store, "clinic", &mut seen).await;
        app.revoke(peer, &tokens.access_token).await.is(200);
        app.revoke(peer, &tokens.access_token).await.is(200);
        app.revoke(peer, tokens.refresh()).await.is(200);
        assert_eq!(news(store, "clinic", &mut seen).await, [
            format!("token.revoked {0} by {0}", client_name()),
            format!("token.revoked {0} by {0}", client_name()),
            format!("grant.revoked {0} by {0} (client)", client_name()),
        ]);
        app.tokens(&mut doctor, &[("scope", "openid")]).await;
        news(store, "clinic", &mut seen).await;
        submit(&mut doctor, "/clinic/account", None, &[("client_id", "clinic-web")]).await;
        assert_eq!(news(store, "clinic", &mut seen).await, ["consent.withdrawn doctor by doctor"]);

        // Their own account, from two browsers.
        let mut elsewhere = Person::new(peer, "doctor");
        elsewhere.sign_in_at("clinic").await;
        news(store, "clinic", &mut seen).await;
        submit(&mut doctor, "/clinic/account/profile", None, &[("name", "Doris Doctor"), ("email", "doris@clinic.test")]).await;
        assert_eq!(guess_password_change(&mut doctor, "wrong", "a much longer password").await, 403);
        assert_eq!(guess_password_change(&mut doctor, "locum", "a much longer password").await, 303);
        assert_eq!(news(store, "clinic", &mut seen).await, [
            "user.profile_changed doctor by doctor",
            "user.password_changed failed doctor by anonymous (wrong_password)",
            "user.password_changed doctor by doctor",
        ]);
        let profile = &events(store, "clinic").await[seen - 3];
        assert_eq!(profile.details["changed"], serde_json::json!(["email", "email_verified", "locale", "name"]));
        assert!(!profile.details.values().any(|value| value.to_string().contains("Doris")));
        assert_eq!(events(store, "clinic").await[seen - 1].details["sessions_ended"], 1);

        elsewhere.password = "a much longer password".to_owned();
        elsewhere.cookies.clear();
        elsewhere.sign_in_at("clinic").await;
        news(store, "clinic", &mut seen).await;
        let path = "/clinic/account/sessions/end-others";
        let csrf = csrf(&mut doctor).await;
        doctor.send(Request::post(path).form(form(&[("csrf", &csrf)]))).await.is(303);
        assert_eq!(news(store, "clinic", &mut seen).await, ["session.ended doctor by doctor"]);

        let page = doctor.visit("/clinic/sign-out").await;
        let confirm = Form::with_button(&page.body, "sign-out-confirm").unwrap();
        doctor.press(&confirm, "sign-out-confirm").await;
        assert_eq!(news(store, "clinic", &mut seen).await, ["user.signed_out doctor by doctor"]);

        // Nothing that anybody typed or was given is in it, and it is a whole chain.
        let all = events(store, "clinic").await;
        let text = format!("{all:?}");
        for secret in ["hunter2", "wrong\"", "a much longer", &tokens.access_token, tokens.refresh(), &code] {
            assert!(!text.contains(secret), "{secret}");
        }
        for record in all.iter().filter(|record| record.actor.kind.as_str() != "server") {
            assert_eq!(record.actor.address, "127.0.0.1", "{record:?}");
            assert!(record.actor.request_id.parse::<uuid::Uuid>().is_ok(), "{record:?}");
        }
        assert_eq!(check(store, "clinic").await.fault, None);
    }

    /// A flood of failures leaves one event a minute for each client and address, and says how
    /// many there were.
    async fn strangers_cannot_flood_the_log(database: Database) {
        let locum = Fixture::on(&database.url).await;
        let (store, peer) = (&locum.locum.store, locum.peer());
        let mut seen = 0;
        news(store, "clinic", &mut seen).await;
        let ask = |id: &str| {
            let request = Request::post("/clinic/oauth2/token").basic(id, "guessed");
            request.form("grant_type=client_credentials")
        };
        for _ in 0..5 {
            peer.send(ask("clinic-machine")).await.is(401);
            peer.send(ask("clinic-web")).await.is(401);
        }
        for made_up in 0..20 {
            peer.send(ask(&format!("made-up-{made_up}"))).await.is(401);
        }
        let found = news(store, "clinic", &mut seen).await;
        assert_eq!(found.len(), 3, "{found:?}");
        assert!(found[2].contains("unknown_client") && !found[2].contains("made-up"), "{found:?}");
        locum.clock.advance(Duration::from_secs(60));
        peer.send(ask("made-up")).await.is(401);
        assert_eq!(news(store, "clinic", &mut seen).await.len(), 1);
        assert_eq!(events(store, "clinic").await.last().unwrap().details["left_out"], 19);

        // Nor by passwords: what is not even looked at is remembered once a minute.
        let mut stranger = Person::new(peer, "doctor");
        let mut statuses = Vec::new();
        for _ in 0..12 {
            statuses.push(guess(&mut stranger, "doctor", "wrong").await);
        }
        let found = news(store, "clinic", &mut seen).await;
        assert_eq!(statuses.iter().filter(|status| **status == 429).count(), 7, "{statuses:?}");
        assert_eq!(found.iter().filter(|line| line.ends_with("(throttled)")).count(), 1, "{found:?}");
        assert_eq!(found.len(), 6, "{found:?}");
    }
}

fn client_name() -> String {
    static NAME: std::sync::LazyLock<String> = std::sync::LazyLock::new(|| {
        let text = include_str!("../src/demo/demo.toml");
        let (_, after) = text
            .split_once("client_id = \"clinic-web\"\nclient_name = \"")
            .unwrap();
        after.split_once('"').unwrap().0.to_owned()
    });
    NAME.clone()
}

async fn csrf(person: &mut Person) -> String {
    let page = person.get("/clinic/account").await;
    let forms = Form::all(&page.body);
    let token = forms
        .iter()
        .flat_map(|form| &form.fields)
        .find(|(name, _)| name == "csrf");
    token.unwrap().1.clone()
}

async fn guess_password_change(person: &mut Person, old: &str, new: &str) -> u16 {
    let csrf = csrf(person).await;
    let fields = [
        ("csrf", csrf.as_str()),
        ("current_password", old),
        ("new_password", new),
        ("repeated_password", new),
    ];
    let answer = person
        .send(Request::post("/clinic/account/password").form(form(&fields)))
        .await;
    answer.status
}

// ------------------------------------------------------------------------- the chain

/// What everybody has who knows the secret key of `locum dev`.
fn core(store: &Store, clock: &ManualClock) -> Core {
    let keyring: Keyring = demo::keyring(demo::secret_key()).unwrap();
    let clock = Clock::Manual(clock.clone());
    Core::new(
        store.clone(),
        &keyring.secret_key,
        clock,
        Entropy::System,
        true,
    )
}

fn clock() -> ManualClock {
    ManualClock::starting_at(Timestamp::from_unix(BEGINNING))
}

async fn check(store: &Store, issuer: &str) -> Verification {
    let issuer = store.find_issuer(issuer).await.unwrap().unwrap();
    audit::verify(&core(store, &clock()), issuer.id.into(), None)
        .await
        .unwrap()
}

fn event(number: usize) -> Event {
    let target = Target::new(TargetKind::User, number.to_string(), "somebody");
    Event::new(Action::UserChanged, target).with("number", number)
}

async fn append(core: &Core, chain: Chain, number: usize) {
    let now = core.clock.now();
    core.store
        .append_audit(
            &core.audit,
            chain,
            now,
            &Actor::command_line(),
            event(number),
        )
        .await
        .unwrap();
}

/// A chain of ten, and another beside it.
async fn ten(database: &Database) -> (Core, Chain, Chain) {
    let core = core(&database.open().await, &clock());
    let (chain, other) = (
        Chain(uuid::Uuid::from_u128(1)),
        Chain(uuid::Uuid::from_u128(2)),
    );
    for number in 1..=10 {
        append(&core, chain, number).await;
        append(&core, other, number).await;
    }
    (core, chain, other)
}

on_engines! { persistent:
    /// Whatever somebody with the database does to one row shows, and shows where.
    async fn the_first_row_that_was_touched_is_named(database: Database) {
        let (core, chain, other) = ten(&database).await;
        let whole = audit::verify(&core, chain, None).await.unwrap();
        assert_eq!((whole.verified, whole.pruned, whole.head.sequence, &whole.fault), (10, 0, 10, &None));
        let mut connection = database.connect().await;
        let backup = ["audit_events", "audit_chains"];
        for table in backup {
            connection.execute(&format!("CREATE TABLE kept_{table} AS SELECT * FROM {table}")).await;
        }
        let altered = |sequence| move |fault: &ChainFault| matches!(fault, ChainFault::Altered { sequence: own, .. } if *own == sequence);
        let missing = |sequence| move |fault: &ChainFault| *fault == ChainFault::Missing { sequence };
        let id = match database.is_postgres() {
            true => "'00000000-0000-0000-0000-000000000001'",
            false => "x'00000000000000000000000000000001'",
        };
        let outside = |sequence: i64| format!("INSERT INTO audit_events SELECT chain, {sequence}, at, action, outcome, actor_kind, actor, actor_name, target_kind, target,
                    target_name, address, user_agent, request_id, details, mac FROM audit_events WHERE chain = {id} AND sequence = 10");
        type Expected<'a> = Box<dyn Fn(&ChainFault) -> bool + 'a>;
        let cases: Vec<(&str, Vec<String>, Expected<'_>)> = vec![
            ("an altered actor", vec![format!("UPDATE audit_events SET actor_name = 'nobody' WHERE chain = {id} AND sequence = 4")], Box::new(altered(4))),
            ("an altered outcome", vec![format!("UPDATE audit_events SET outcome = 'failed' WHERE chain = {id} AND sequence = 1")], Box::new(altered(1))),
            ("altered details", vec![format!("UPDATE audit_events SET details = '{{}}' WHERE chain = {id} AND sequence = 10")], Box::new(altered(10))),
            ("an altered time", vec![format!("UPDATE audit_events SET at = (SELECT at FROM audit_events WHERE chain = {id} AND sequence = 1), sequence = sequence WHERE chain = {id} AND sequence = 5"),
                format!("UPDATE audit_events SET address = '192.0.2.1' WHERE chain = {id} AND sequence = 5")], Box::new(altered(5))),
            ("a removed row", vec![format!("DELETE FROM audit_events WHERE chain = {id} AND sequence = 7")], Box::new(missing(7))),
            ("the first removed", vec![format!("DELETE FROM audit_events WHERE chain = {id} AND sequence = 1")], Box::new(missing(1))),
            ("the middle removed", vec![format!("DELETE FROM audit_events WHERE chain = {id} AND sequence BETWEEN 3 AND 8")], Box::new(missing(3))),
            ("a gap closed again", vec![
                format!("DELETE FROM audit_events WHERE chain = {id} AND sequence = 3"),
                format!("UPDATE audit_events SET sequence = 3 WHERE chain = {id} AND sequence = 4"),
                format!("UPDATE audit_events SET sequence = 4 WHERE chain = {id} AND sequence = 5"),
            ], Box::new(altered(3))),
            ("swapped rows", vec![
                format!("UPDATE audit_events SET sequence = 99 WHERE chain = {id} AND sequence = 2"),
                format!("UPDATE audit_events SET sequence = 2 WHERE chain = {id} AND sequence = 6"),
                format!("UPDATE audit_events SET sequence = 6 WHERE chain = {id} AND sequence = 99"),
            ], Box::new(altered(2))),
            ("a row of another chain", vec![
                format!("DELETE FROM audit_events WHERE chain = {id} AND sequence = 5"),
                format!("UPDATE audit_events SET chain = {id} WHERE chain <> {id} AND sequence = 5"),
            ], Box::new(altered(5))),
            ("the tail removed", vec![format!("DELETE FROM audit_events WHERE chain = {id} AND sequence > 8")], Box::new(missing(9))),
            ("the tail removed, and the end moved", vec![
                format!("DELETE FROM audit_events WHERE chain = {id} AND sequence > 8"),
                format!("UPDATE audit_chains SET length = 8 WHERE chain = {id}"),
            ], Box::new(|fault| *fault == ChainFault::WrongEnd { sequence: 8 })),
            ("the beginning cut off by hand", vec![
                format!("DELETE FROM audit_events WHERE chain = {id} AND sequence <= 4"),
                format!("UPDATE audit_chains SET pruned = 4, anchor = (SELECT mac FROM kept_audit_events WHERE chain = {id} AND sequence = 4) WHERE chain = {id}"),
            ], Box::new(|fault| *fault == ChainFault::Unvouched { pruned: 4 })),
            ("a row that no version writes", vec![format!("UPDATE audit_events SET actor_kind = 'god' WHERE chain = {id} AND sequence = 6")],
                Box::new(|fault| matches!(fault, ChainFault::Unreadable { sequence: 6, .. }))),
            ("a new row at the end", vec![
                format!("UPDATE audit_chains SET length = 11 WHERE chain = {id}"),
                format!("INSERT INTO audit_events SELECT chain, 11, at, action, outcome, actor_kind, actor, actor_name, target_kind, target,
                    target_name, address, user_agent, request_id, details, mac FROM audit_events WHERE chain = {id} AND sequence = 10"),
            ], Box::new(altered(11))),
            ("a row after the end", vec![outside(11)], Box::new(|fault| *fault == ChainFault::Outside { sequence: 11 })),
            ("a row before the beginning", vec![outside(0)], Box::new(|fault| *fault == ChainFault::Outside { sequence: 0 })),
        ];
        for (what, statements, is_expected) in cases {
            for statement in &statements {
                connection.execute(statement).await;
            }
            let fault = audit::verify(&core, chain, None).await.unwrap().fault;
            assert!(fault.as_ref().is_some_and(&is_expected), "{what}: {fault:?}");
            if what != "a row of another chain" {
                assert_eq!(audit::verify(&core, other, None).await.unwrap().fault, None, "{what}");
            }
            for table in backup {
                connection.execute(&format!("DELETE FROM {table}")).await;
                connection.execute(&format!("INSERT INTO {table} SELECT * FROM kept_{table}")).await;
            }
            assert_eq!(audit::verify(&core, chain, None).await.unwrap().fault, None);
        }

        // Whoever moves the end as well cannot vouch for it, and what comes after does not either.
        let head = whole.head;
        for statement in [
            format!("DELETE FROM audit_events WHERE chain = {id} AND sequence > 8"),
            format!("UPDATE audit_chains SET length = 8, head = (SELECT mac FROM audit_events WHERE chain = {id} AND sequence = 8) WHERE chain = {id}"),
        ] {
            connection.execute(&statement).await;
        }
        let moved = audit::verify(&core, chain, None).await.unwrap();
        assert_eq!(moved.fault, Some(ChainFault::EndMoved { sequence: 8 }));
        let noted = audit::verify(&core, chain, Some(head)).await.unwrap();
        assert_eq!(noted.fault, Some(ChainFault::Truncated { noted: 10, now: 8 }));
        // Others in their place are not the same.
        for number in [19, 20, 21] {
            append(&core, chain, number).await;
        }
        let moved = audit::verify(&core, chain, None).await.unwrap();
        assert_eq!(moved.fault, Some(ChainFault::EndMoved { sequence: 11 }));
        let noted = audit::verify(&core, chain, Some(head)).await.unwrap();
        assert_eq!(noted.fault, Some(ChainFault::Replaced { sequence: 10 }));
        // Another key sees nothing but forgeries.
        let stranger = Core { audit: AuditKey::new(locum::keys::SecretKey::derive(&locum::secret::Secret::new("x")).unwrap().auditing()), ..core.clone() };
        assert!(audit::verify(&stranger, chain, None).await.unwrap().fault.is_some());
    }
}

on_engines! { all:
    async fn appends_at_the_same_time_make_one_chain(database: Database) {
        let core = core(&database.open().await, &clock());
        let chain = Chain(uuid::Uuid::from_u128(7));
        let tasks = (0..100).map(|number| {
            let core = core.clone();
            tokio::spawn(async move {
                // As many connections as there are wait their turn; a task may have to ask again.
                loop {
                    let now = core.clock.now();
                    let actor = Actor::server();
                    let appending = core.store.append_audit(&core.audit, chain, now, &actor, event(number));
                    if appending.await.is_ok() {
                        break;
                    }
                }
            })
        });
        for task in join_all(tasks).await {
            task.unwrap();
        }
        let found = audit::verify(&core, chain, None).await.unwrap();
        assert_eq!((found.verified, found.head.sequence, found.fault), (100, 100, None));
        let query = AuditQuery { limit: 1000, ..AuditQuery::default() };
        let numbers: BTreeSet<String> = core.store.search_audit(chain, &query).await.unwrap().into_iter().map(|record| record.target).collect();
        assert_eq!(numbers.len(), 100);
    }

    /// A failed transaction leaves nothing, and takes no number.
    async fn what_is_rolled_back_was_never_in_it(database: Database) {
        let (core, chain, _) = ten(&database).await;
        let mut tx = core.store.write().await.unwrap();
        let now = core.clock.now();
        tx.append_audit(&core.audit, chain, now, &Actor::server(), event(11)).await.unwrap();
        drop(tx);
        append(&core, chain, 12).await;
        let found = audit::verify(&core, chain, None).await.unwrap();
        assert_eq!((found.verified, found.fault), (11, None));
    }

    async fn retention_keeps_the_chain_whole(database: Database) {
        let clock = clock();
        let core = core(&database.open().await, &clock);
        let issuer = StoredIssuer {
            id: IssuerId(uuid::Uuid::from_u128(9)),
            name: "kept".to_owned(),
            dialect: "standard".to_owned(),
            dialect_source: None,
            settings: IssuerSettings { audit_retention_days: Some(2), ..IssuerSettings::default() },
            is_declared: false,
            is_demo: false,
            revision: 1,
            generation: 1,
        };
        let mut tx = core.store.write().await.unwrap();
        assert!(tx.insert_issuer(&issuer, core.clock.now()).await.unwrap());
        tx.commit().await.unwrap();
        let chain = Chain::from(issuer.id);
        let day = Duration::from_secs(24 * 3600);
        let mut heads = Vec::new();
        for number in 0..5 {
            for _ in 0..3 {
                append(&core, chain, number).await;
            }
            append(&core, Chain::SERVER, number).await;
            heads.push(audit::verify(&core, chain, None).await.unwrap().head);
            clock.advance(day);
        }
        // Two whole days stay, and the one that has begun: those of the third and fourth.
        assert_eq!(audit::enforce_retention(&core).await.unwrap(), 9);
        assert_eq!(audit::enforce_retention(&core).await.unwrap(), 0);
        let found = audit::verify(&core, chain, None).await.unwrap();
        assert_eq!((found.pruned, found.verified, &found.fault), (9, 7, &None));
        let query = AuditQuery { limit: 1000, ..AuditQuery::default() };
        let newest = &core.store.search_audit(chain, &query).await.unwrap()[0];
        assert_eq!((newest.action.as_str(), &newest.details["events"]), ("audit.pruned", &serde_json::json!(9)));
        // What was noted and is still there, or is the very one before, is compared; the rest is not.
        for (index, head) in heads.iter().enumerate() {
            let fault = audit::verify(&core, chain, Some(*head)).await.unwrap().fault;
            assert_eq!(fault, None, "{index}");
        }
        let forged = Head { mac: [1; 32], ..heads[2] };
        let fault = audit::verify(&core, chain, Some(forged)).await.unwrap().fault;
        assert_eq!(fault, Some(ChainFault::Replaced { sequence: 9 }));
        // The server's own stays, and an hour later nothing more is said.
        let server = audit::verify(&core, Chain::SERVER, None).await.unwrap();
        assert_eq!((server.verified, server.fault), (5, None));
        clock.advance(Duration::from_secs(3600));
        assert_eq!(audit::enforce_retention(&core).await.unwrap(), 0);

        // When the issuer is gone, its events are kept as long, and known by its name.
        let mut tx = core.store.write().await.unwrap();
        tx.leave_chain(chain, "kept", Some(2)).await.unwrap();
        assert!(tx.delete_issuer(issuer.id, 1).await.unwrap());
        tx.commit().await.unwrap();
        assert!(audit::find_chain(&core, "(was kept)").await.unwrap().is_some());
        clock.advance(day * 9);
        assert_eq!(audit::enforce_retention(&core).await.unwrap(), 7);
        let left = audit::verify(&core, chain, None).await.unwrap();
        assert_eq!((left.verified, left.fault), (1, None));
    }

    /// More than goes at once, some at the same time.
    async fn pruning_goes_by_bounded_steps_and_several_may_do_it(database: Database) {
        let clock = clock();
        let core = core(&database.open().await, &clock);
        let chain = Chain(uuid::Uuid::from_u128(3));
        let now = core.clock.now();
        let mut tx = core.store.write().await.unwrap();
        for number in 0..2500 {
            tx.append_audit(&core.audit, chain, now, &Actor::server(), event(number)).await.unwrap();
        }
        tx.commit().await.unwrap();
        let until = now + Duration::from_secs(1);
        let prunings = (0..4).map(|_| async {
            let mut tx = core.store.write().await.unwrap();
            let pruned = tx.prune_audit(&core.audit, chain, until).await.unwrap();
            tx.commit().await.unwrap();
            pruned
        });
        let mut pruned = join_all(prunings).await;
        pruned.sort_unstable();
        assert_eq!(pruned, [0, 500, 1000, 1000]);
        let found = audit::verify(&core, chain, None).await.unwrap();
        assert_eq!((found.pruned, found.verified, found.fault), (2500, 0, None));
        append(&core, chain, 1).await;
        assert_eq!(audit::verify(&core, chain, None).await.unwrap().fault, None);
    }

    async fn counts_add_up_by_the_hour(database: Database) {
        let store = database.open().await;
        let (one, other) = (IssuerId(uuid::Uuid::from_u128(1)), IssuerId(uuid::Uuid::from_u128(2)));
        let activity = Activity::default();
        let at = Timestamp::from_unix(BEGINNING);
        let later = at + Duration::from_secs(3600);
        for _ in 0..3 {
            activity.count(one, Counted::Tokens, at);
            activity.count(one, Counted::Tokens, later);
            activity.count(other, Counted::Errors, at);
            store.add_activity(&activity.take()).await.unwrap();
        }
        activity.count(one, Counted::SignIns, later);
        store.add_activity(&activity.take()).await.unwrap();
        assert_eq!(activity.take(), []);
        let listed: Vec<(Timestamp, Counted, i64)> = store.list_activity(one, hour(at)).await.unwrap()
            .into_iter().map(|tally| (tally.hour, tally.what, tally.count)).collect();
        assert_eq!(listed, [(hour(at), Counted::Tokens, 3), (hour(later), Counted::SignIns, 1), (hour(later), Counted::Tokens, 3)]);
        assert_eq!(store.list_activity(one, hour(later)).await.unwrap().len(), 2);
        assert_eq!(store.list_activity(other, hour(at)).await.unwrap().len(), 1);
    }

    async fn exports_are_whole_and_no_formulas(database: Database) {
        let (core, chain, _) = ten(&database).await;
        let name = "=HYPERLINK(\"https://evil.test\",\"click, please\")\r\nnext";
        let actor = Actor { name: name.to_owned(), user_agent: "@cmd".to_owned(), ..Actor::server() };
        core.store.append_audit(&core.audit, chain, core.clock.now(), &actor, event(11)).await.unwrap();
        let named = audit::NamedChain { chain, name: "sunrise".to_owned() };
        let export = async |format, query: AuditQuery<'_>| {
            let mut out = Vec::new();
            audit::write_head(format, &mut out).unwrap();
            let count = audit::export(&core, &named, &query, format, &mut out).await.unwrap();
            (count, String::from_utf8(out).unwrap())
        };
        let (count, csv) = export(Format::Csv, AuditQuery { limit: 3, ..AuditQuery::default() }).await;
        assert_eq!(count, 11);
        let mut lines = csv.split("\r\n");
        assert!(lines.next().unwrap().starts_with("chain,sequence,at,action,"), "{csv}");
        let quoted = "\"'=HYPERLINK(\"\"https://evil.test\"\",\"\"click, please\"\")\r\nnext\"";
        assert!(csv.contains(quoted) && csv.contains(",\"'@cmd\","), "{csv}");
        assert!(csv.ends_with("\r\n") && csv.contains("sunrise,1,2026-01-02T03:04:05Z,user.changed,succeeded,command_line"), "{csv}");

        let (count, json) = export(Format::Json, AuditQuery { target: "4", ..AuditQuery::default() }).await;
        assert_eq!((count, json.lines().count()), (1, 1));
        let (_, json) = export(Format::Json, AuditQuery::default()).await;
        let first: serde_json::Value = serde_json::from_str(json.lines().next().unwrap()).unwrap();
        assert_eq!((&first["actor_name"], &first["details"]["number"]), (&name.into(), &11.into()));
    }
}

// ------------------------------------------------------------------------- the program

on_engines! { persistent:
    async fn the_command_line_verifies_and_exports(database: Database) {
        let clinic = Clinic::on(&database.url);
        let program = clinic.serve();
        let mut person = ada(program.peer);
        portal().tokens(&mut person, &[("scope", "openid")]).await;
        for _ in 0..3 {
            program.peer.send(token_request("api")).await.is(200);
        }
        program.peer.send(Request::post("/sunrise/oauth2/token").basic("ehr", "wrong").form("grant_type=client_credentials")).await;
        let ended = program.terminate();
        ended.exited(0);

        let verified = clinic.run(["audit", "verify"]);
        let said = verified.exited(0);
        for chain in ["(server)", "console", "sunrise"] {
            assert!(said.lines().any(|line| line.starts_with(chain)), "{said}");
        }
        let head = said.lines().find(|line| line.starts_with("sunrise")).unwrap().split_whitespace().nth(1).unwrap().to_owned();
        let noted = clinic.run(["audit", "verify", "--issuer", "sunrise", "--head", &head]);
        noted.exited(0);
        for (arguments, says) in [
            (vec!["audit", "verify", "--head", &head], "--issuer"),
            (vec!["audit", "verify", "--issuer", "sunrise", "--head", "12:zz"], "64 hex digits"),
            (vec!["audit", "verify", "--issuer", "sunset"], "sunrise"),
            (vec!["audit", "export", "--outcome", "maybe"], "succeeded"),
            (vec!["audit", "export", "--from", "yesterday"], "2026-11-22"),
        ] {
            let misused = clinic.run(arguments.iter().copied());
            assert!(misused.exited(2).contains(says), "{misused:?}");
        }

        let exported = clinic.run(["audit", "export", "--issuer", "sunrise", "--format", "json"]);
        let actions: Vec<String> = exported.exited(0).lines()
            .map(|line| serde_json::from_str::<serde_json::Value>(line).unwrap()["action"].as_str().unwrap().to_owned()).collect();
        for action in ["user.signed_in", "consent.given", "grant.created", "client.authentication_failed"] {
            assert!(actions.iter().any(|own| own == action), "{actions:?}");
        }
        let exported = clinic.run(["audit", "export", "--issuer", "sunrise", "--action", "user", "--search", "ADA"]);
        let lines: Vec<&str> = exported.exited(0).split_terminator("\r\n").collect();
        assert!(lines.len() >= 2 && lines[1..].iter().all(|line| line.contains(",user.")), "{lines:?}");

        // What was counted has been stored before the end.
        let store = database.open().await;
        let issuer = store.find_issuer("sunrise").await.unwrap().unwrap();
        let counts = store.list_activity(issuer.id, Timestamp::from_unix(0)).await.unwrap();
        let total = |what| counts.iter().filter(|tally| tally.what == what).map(|tally| tally.count).sum::<i64>();
        assert_eq!((total(Counted::Tokens), total(Counted::SignIns), total(Counted::Errors)), (4, 1, 1), "{counts:?} {ended:?}");
        store.close().await;

        let mut connection = database.connect().await;
        connection.execute("DELETE FROM audit_events WHERE action = 'consent.given'").await;
        let verified = clinic.run(["audit", "verify", "--issuer", "sunrise"]);
        assert!(verified.exited(1).contains("has been removed"), "{verified:?}");
    }
}
