//! Who may register, how often, and what is remembered of it.

use std::time::Duration;

use futures_util::future::join_all;
use locum::audit::ActorKind;
use locum::clock::Timestamp;
use locum::issuer::{InitialAccessToken, IssuerId};
use locum::secret::Secret;
use locum::store::AuditQuery;
use serde_json::{Value, json};
use uuid::Uuid;

use super::{issuer, least, text, with};
use crate::support::database::{Database, on_engines};
use crate::support::http::{Answer, Request};
use crate::support::servers::{BEGINNING, Fixture};

const PATH: &str = "/own/oauth2/register";
const TOKEN: &str = "an-initial-access-token";

impl Fixture {
    async fn own_issuer(&self) -> IssuerId {
        let store = &self.locum.store;
        store.find_issuer("own").await.unwrap().unwrap().id
    }

    /// Puts an initial access token into the database, as an administrator does.
    async fn allow(&self, token: &str, uses_left: i64, seconds: i64) {
        let issuer = self.own_issuer().await;
        let mut tx = self.locum.store.write().await.unwrap();
        let row = InitialAccessToken {
            id: Uuid::now_v7(),
            note: "for the tests".to_owned(),
            created_at: Timestamp::from_unix(BEGINNING),
            expires_at: Timestamp::from_unix(BEGINNING + seconds),
            uses_left,
        };
        let hash = Secret::new(token).digest();
        tx.insert_initial_access_token(issuer, &row, &hash)
            .await
            .unwrap();
        tx.commit().await.unwrap();
    }

    async fn register_with(&self, token: &str, metadata: Value) -> Answer {
        let request = Request::post(PATH).bearer(token).json(metadata.to_string());
        self.send(request).await
    }

    async fn clients(&self) -> i64 {
        let issuer = self.own_issuer().await;
        self.locum.store.count_clients(issuer).await.unwrap()
    }
}

async fn guarded(database: &Database) -> Fixture {
    let config = issuer("standard", "guarded");
    Fixture::with(|builder| builder.config(config, ".").database_url(&database.url)).await
}

on_engines! { all:
    /// The guard is in the UPDATE: of fifty at once, no more register than were allowed.
    async fn an_initial_access_token_is_good_for_so_many_clients(database: Database) {
        let locum = guarded(&database).await;
        locum.allow(TOKEN, 10, 3600).await;
        let all = join_all((0..50).map(|_| locum.register_with(TOKEN, least()))).await;
        let made = all.iter().filter(|answer| answer.status == 201).count();
        let refused = all.iter().filter(|answer| answer.status == 401).count();
        assert_eq!((made, refused), (10, 40));
        assert_eq!(locum.clients().await, 10);

        // One event for each, and the chain unbroken.
        let own = locum.own_issuer().await;
        let query = AuditQuery { action: "client.created", limit: 100, ..AuditQuery::default() };
        let events = locum.locum.store.search_audit(own.into(), &query).await.unwrap();
        assert_eq!(events.len(), 10);
        let event = &events[0];
        assert_eq!(event.actor.kind, ActorKind::Anonymous);
        assert_eq!(event.actor.address, "127.0.0.1");
        assert!(event.details["initial_access_token"].is_string());
    }

    /// Of changes made at once each is made whole, or told that another came first.
    async fn changes_at_once_do_not_mix(database: Database) {
        let locum = guarded(&database).await;
        locum.allow(TOKEN, 1, 3600).await;
        let made = locum.register_with(TOKEN, least()).await;
        let (id, token) = (text(&made, "client_id"), text(&made, "registration_access_token"));
        let path = format!("{PATH}/{id}");
        let put = |number: usize| {
            let body = with(json!({
                "client_id": id,
                "client_name": format!("Name {number}"),
                "client_uri": format!("https://booking.example/{number}"),
            }));
            locum.send(Request::new("PUT", &path).bearer(&token).json(body.to_string()))
        };
        let all = join_all((0..12).map(put)).await;
        assert!(all.iter().any(|answer| answer.status == 200));
        assert!(all.iter().all(|answer| [200, 409].contains(&answer.status)), "{all:?}");
        let now = locum.send(Request::get(&path).bearer(&token)).await.json();
        let number = now["client_name"].as_str().unwrap().strip_prefix("Name ").unwrap();
        assert_eq!(now["client_uri"], format!("https://booking.example/{number}"));
    }

    /// So many an hour from one network, whichever came at once; nothing is stored of the others.
    async fn registrations_are_limited_by_network(database: Database) {
        let config = issuer("standard", "open");
        let locum = Fixture::with(|builder| {
            builder.config(config, ".").database_url(&database.url)
        })
        .await;
        let register = || locum.send(Request::post(PATH).json(least().to_string()));
        let mut statuses = Vec::new();
        for _ in 0..6 {
            let batch = join_all((0..20).map(|_| register())).await;
            statuses.extend(batch.iter().map(|answer| answer.status));
        }
        let made = statuses.iter().filter(|status| **status == 201).count();
        let limited = statuses.iter().filter(|status| **status == 429).count();
        assert_eq!((made, limited), (100, 20));
        assert_eq!(locum.clients().await, 100);

        let refused = register().await;
        refused.refused(429, "temporarily_unavailable");
        let wait: u64 = refused.header("retry-after").unwrap().parse().unwrap();
        locum.clock.advance(Duration::from_secs(wait - 1));
        register().await.is(429);
        locum.clock.advance(Duration::from_secs(1));
        register().await.is(201);
        register().await.is(429);

        // Whoever was let in by an administrator is not counted.
        locum.allow(TOKEN, 1, 36_000).await;
        locum.register_with(TOKEN, least()).await.is(201);
    }
}

#[tokio::test]
async fn a_guarded_issuer_wants_a_token_that_is_good() {
    let locum = guarded(&Database::sqlite_in_memory()).await;
    locum.allow("a-token-of-one-use", 1, 3600).await;
    locum.allow("a-token-of-one-hour", 9, 3600).await;

    let none = locum
        .send(Request::post(PATH).json(least().to_string()))
        .await;
    none.refused(401, "invalid_token");
    assert_eq!(
        none.header("www-authenticate"),
        Some("Bearer realm=\"own\"")
    );
    for token in ["unknown-token", "a token", "a-token-of-one-use,"] {
        let answer = locum.register_with(token, least()).await;
        answer.refused(401, "invalid_token");
    }
    // What is refused for something else does not use it up.
    let bad = locum.register_with("a-token-of-one-use", json!({})).await;
    bad.is(400);
    locum
        .register_with("a-token-of-one-use", least())
        .await
        .is(201);
    let again = locum.register_with("a-token-of-one-use", least()).await;
    again.refused(401, "invalid_token");

    locum.clock.advance(Duration::from_secs(3599));
    locum
        .register_with("a-token-of-one-hour", least())
        .await
        .is(201);
    locum.clock.advance(Duration::from_secs(1));
    let late = locum.register_with("a-token-of-one-hour", least()).await;
    late.refused(401, "invalid_token");
}

#[tokio::test]
async fn a_closed_issuer_answers_as_if_nothing_were_there() {
    let locum = Fixture::configured(&issuer("standard", "closed")).await;
    let nothing = locum.get("/own/oauth2/nothing").await;
    for request in [
        Request::post(PATH).json(least().to_string()),
        Request::get(PATH),
        Request::new("DELETE", &format!("{PATH}/some-id")).bearer("some-token"),
    ] {
        let answer = locum.send(request).await;
        assert_eq!((answer.status, &answer.body), (404, &nothing.body));
    }
    assert_eq!(locum.clients().await, 0);
}

// ------------------------------------------------------------------------- what it gets

#[tokio::test]
async fn strangers_get_what_users_must_allow_and_nothing_that_is_privileged() {
    let locum = Fixture::configured(&issuer("standard", "open")).await;
    let register =
        |metadata: Value| locum.send(Request::post(PATH).json(with(metadata).to_string()));
    let scope = |answer: Answer| text(answer.is(201), "scope");
    let all = "openid profile email phone address offline_access charts:read";
    assert_eq!(scope(register(json!({})).await), all);
    for privileged in [
        "charts:sign",
        "charts:audit",
        "charts:burn",
        "openid charts:audit",
    ] {
        let answer = register(json!({ "scope": privileged })).await;
        answer.refused(400, "invalid_client_metadata");
        assert!(
            text(&answer, "error_description").starts_with("scope has "),
            "{answer}"
        );
    }
}

#[tokio::test]
async fn a_stranger_that_acts_for_itself_gets_nothing_of_any_api() {
    let locum = Fixture::configured(&issuer("standard", "open")).await;
    let register = |metadata: Value| locum.send(Request::post(PATH).json(metadata.to_string()));
    let machine = json!({ "grant_types": ["client_credentials"] });
    let registered = register(machine).await;
    assert_eq!(registered.is(201).json().get("scope"), None);
    let token = Request::post("/own/oauth2/token")
        .basic(
            &text(&registered, "client_id"),
            &text(&registered, "client_secret"),
        )
        .form("grant_type=client_credentials");
    locum.send(token).await.refused(400, "unauthorized_client");

    for metadata in [
        json!({ "grant_types": ["client_credentials"], "scope": "charts:read" }),
        with(
            json!({ "grant_types": ["authorization_code", "client_credentials"], "scope": "charts:read" }),
        ),
    ] {
        register(metadata)
            .await
            .refused(400, "invalid_client_metadata");
    }

    // Nor by a change: what it may do for its users it may not do for itself.
    let made = register(with(json!({ "scope": "openid charts:read" }))).await;
    let path = format!("{PATH}/{}", text(&made, "client_id"));
    let change = with(json!({
        "client_id": text(&made, "client_id"),
        "scope": "openid charts:read",
        "grant_types": ["authorization_code", "client_credentials"],
    }));
    let request = Request::new("PUT", &path)
        .bearer(&text(&made, "registration_access_token"))
        .json(change.to_string());
    locum
        .send(request)
        .await
        .refused(400, "invalid_client_metadata");
}

#[tokio::test]
async fn an_initial_access_token_lets_a_machine_have_what_is_not_privileged() {
    let locum = Fixture::configured(&issuer("standard", "open")).await;
    locum.allow(TOKEN, 9, 3600).await;
    let machine = |scope: &str| json!({ "grant_types": ["client_credentials"], "scope": scope });
    let made = locum.register_with(TOKEN, machine("charts:read")).await;
    let token = Request::post("/own/oauth2/token")
        .basic(&text(&made, "client_id"), &text(&made, "client_secret"))
        .form("grant_type=client_credentials");
    assert_eq!(
        locum.send(token).await.is(200).json()["scope"],
        "charts:read"
    );
    for privileged in ["charts:sign", "charts:audit"] {
        let answer = locum.register_with(TOKEN, machine(privileged)).await;
        answer.refused(400, "invalid_client_metadata");
    }
    // It keeps what it has when it changes something else.
    let path = format!("{PATH}/{}", text(&made, "client_id"));
    let mut change = machine("charts:read");
    change["client_id"] = json!(text(&made, "client_id"));
    change["client_name"] = json!("Renamed");
    let request = Request::new("PUT", &path)
        .bearer(&text(&made, "registration_access_token"))
        .json(change.to_string());
    assert_eq!(
        locum.send(request).await.is(200).json()["scope"],
        "charts:read"
    );
}

#[tokio::test]
async fn every_change_is_remembered_with_who_and_from_where() {
    let locum = Fixture::configured(&issuer("standard", "open")).await;
    let request = Request::post(PATH)
        .header("User-Agent", "booking/2.1")
        .json(with(json!({ "client_name": "Booking" })).to_string());
    let made = locum.send(request).await;
    let (id, token) = (
        text(&made, "client_id"),
        text(&made, "registration_access_token"),
    );
    let path = format!("{PATH}/{id}");
    let body = with(json!({ "client_id": id, "client_name": "Renamed" }));
    let put = Request::new("PUT", &path)
        .bearer(&token)
        .json(body.to_string());
    locum.send(put).await.is(200);
    locum
        .send(Request::new("DELETE", &path).bearer(&token))
        .await
        .is(204);

    let own = locum.own_issuer().await;
    let query = AuditQuery {
        target: &id,
        ..AuditQuery::default()
    };
    let events = locum
        .locum
        .store
        .search_audit(own.into(), &query)
        .await
        .unwrap();
    let told: Vec<_> = events
        .iter()
        .map(|event| {
            (
                event.action.as_str(),
                event.actor.kind,
                event.target_name.as_str(),
            )
        })
        .collect();
    assert_eq!(
        told,
        [
            ("client.deleted", ActorKind::Client, "Renamed"),
            ("client.changed", ActorKind::Client, "Renamed"),
            ("client.created", ActorKind::Anonymous, "Booking"),
        ]
    );
    assert_eq!(events[2].actor.user_agent, "booking/2.1");
    assert!(
        events
            .iter()
            .all(|event| event.actor.address == "127.0.0.1")
    );
    // And no secret in any of it.
    let secrets = [token, text(&made, "client_secret")];
    let all = format!("{events:?}");
    assert!(secrets.iter().all(|secret| !all.contains(secret)));
}
