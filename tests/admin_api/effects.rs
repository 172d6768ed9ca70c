//! What a change brings about, at once; and what no answer tells.

use std::time::Duration;

use serde_json::{Value, json};

use super::{Api, clinic};
use crate::support::database::{Database, on_engines};
use crate::support::http::{Peer, Request};
use crate::support::jwt::Jwt;
use crate::support::servers::Fixture;
use crate::support::user::{App, Person, STANDARD};

async fn discovery(peer: Peer, issuer: &str) -> Value {
    let path = format!("/{issuer}/.well-known/openid-configuration");
    peer.get(&path).await.is(200).json()
}

fn client_credentials(issuer: &str, client: &str, secret: &str) -> Request {
    Request::post(&format!("/{issuer}/oauth2/token"))
        .basic(client, secret)
        .form("grant_type=client_credentials&resource=https://labs.example")
}

on_engines! { all:
    /// An issuer from nothing to a token, a key that is rotated, and its end; nobody restarts
    /// anything.
    async fn what_is_changed_is_served_at_once(database: Database) {
        let fixture = Fixture::on(&database.url).await;
        let peer = fixture.peer();
        let server = Api::at_server(peer).await;
        let made = server.post("/issuers", &json!({ "name": "lab", "dialect": "standard" })).await;
        assert_eq!(made.is(201).header("location"), Some("/api/v1/issuers/lab/settings"));
        assert_eq!(server.get("/issuers/lab").await.etag(), made.etag());
        discovery(peer, "lab").await;

        let api = Api::at(peer, "lab").await;
        let labs = json!({ "audience": "https://labs.example", "scopes": [{ "name": "read" }, { "name": "write", "users_only": true }] });
        let made = api.post("/issuers/lab/apis", &labs).await;
        let labs_path = made.is(201).header("location").unwrap().strip_prefix("/api/v1").unwrap().to_owned();
        let scopes = discovery(peer, "lab").await["scopes_supported"].clone();
        assert!(scopes.as_array().unwrap().contains(&json!("read")), "{scopes}");
        let reader = json!({ "client_id": "reader", "kind": "machine", "grants": [{ "audience": "https://labs.example", "scopes": "all" }] });
        let made = api.post("/issuers/lab/clients", &reader).await;
        assert_eq!(made.is(201).header("location"), Some("/api/v1/issuers/lab/clients/reader"));
        let first = made.json()["client_secret"].as_str().unwrap().to_owned();
        let token = peer.send(client_credentials("lab", "reader", &first)).await.access_token();
        assert_eq!(Jwt::parse(&token).claim("scope"), "read");

        // A secret that is rotated works on for as long as was said, and no longer.
        let rotated = api.change("POST", "/issuers/lab/clients/reader/rotate-secret", Some(&json!({ "overlap": 60 }))).await;
        let second = rotated.is(200).json()["client_secret"].as_str().unwrap().to_owned();
        assert_ne!(first, second);
        peer.send(client_credentials("lab", "reader", &first)).await.is(200);
        peer.send(client_credentials("lab", "reader", &second)).await.is(200);
        fixture.clock.advance(Duration::from_secs(61));
        peer.send(client_credentials("lab", "reader", &first)).await.is(401);
        let server = Api::at_server(peer).await;
        let api = Api::at(peer, "lab").await;
        let rotated = api.change("POST", "/issuers/lab/clients/reader/rotate-secret", Some(&json!({ "overlap": 60 }))).await;
        let third = rotated.is(200).json()["client_secret"].as_str().unwrap().to_owned();
        peer.send(client_credentials("lab", "reader", &second)).await.is(200);
        api.delete("/issuers/lab/clients/reader/previous-secret").await.is(200);
        peer.send(client_credentials("lab", "reader", &second)).await.is(401);

        // Keys: the newest signs, even of those that were made in the same second.
        for _ in 0..3 {
            let key = api.post("/issuers/lab/keys", &json!({ "alg": "RS256" })).await;
            let kid = key.is(201).json()["kid"].clone();
            let token = peer.send(client_credentials("lab", "reader", &third)).await.access_token();
            assert_eq!(*Jwt::parse(&token).header("kid"), kid);
            let keys = api.get("/issuers/lab/keys").await.json();
            let signing: Vec<&Value> = keys["items"].as_array().unwrap().iter().filter(|key| key["signs"] == true && key["alg"] == "RS256").collect();
            assert_eq!(signing.len(), 1);
            assert_eq!(signing[0]["kid"], kid);
            let refused = api.send(Request::new("DELETE", &format!("/issuers/lab/keys/{}", kid.as_str().unwrap()))).await;
            refused.problem(409, "not_possible");
        }
        let keys = api.get("/issuers/lab/keys").await.json();
        for key in keys["items"].as_array().unwrap().iter().filter(|key| key["signs"] == false) {
            let path = format!("/issuers/lab/keys/{}", key["kid"].as_str().unwrap());
            api.send(Request::new("DELETE", &path)).await.is(204);
            api.send(Request::new("DELETE", &path)).await.problem(404, "not_found");
        }

        let settings = json!({ "signing_algs": ["ES256"] });
        api.patch("/issuers/lab/settings", &settings).await.is(200);
        let token = peer.send(client_credentials("lab", "reader", &third)).await.access_token();
        assert_eq!(Jwt::parse(&token).header("alg"), "ES256");
        let pinned = api.patch(&labs_path, &json!({ "signing_alg": "RS256" })).await;
        pinned.wrong("#/signing_alg");
        api.patch(&labs_path, &json!({ "signing_alg": "ES256" })).await.is(200);
        let gone = api.patch("/issuers/lab/settings", &json!({ "signing_algs": ["EdDSA"] })).await;
        assert!(gone.wrong("#/signing_algs").contains("https://labs.example"));

        // In use.
        api.delete(&labs_path).await.problem(409, "in_use");
        api.change("POST", "/issuers/lab/clients/reader/disable", None).await.is(200);
        peer.send(client_credentials("lab", "reader", &third)).await.is(401);
        api.change("POST", "/issuers/lab/clients/reader/enable", None).await.is(200);
        peer.send(client_credentials("lab", "reader", &third)).await.is(200);
        api.delete(&format!("{labs_path}?force=true")).await.is(204);
        assert_eq!(api.get("/issuers/lab/clients/reader").await.json()["grants"], json!([]));
        let scopes = discovery(peer, "lab").await["scopes_supported"].clone();
        assert!(!scopes.as_array().unwrap().contains(&json!("read")), "{scopes}");

        server.delete("/issuers/lab").await.problem(409, "in_use");
        server.delete("/issuers/lab?force=true").await.is(204);
        peer.get("/lab/.well-known/openid-configuration").await.is(404);
        api.get("/issuers/lab/clients").await.is(404);
        server.delete("/issuers/lab").await.problem(404, "not_found");
        server.delete("/issuers/console").await.problem(409, "not_possible");
    }

    /// A client that is made anew is another: what the one before had is not its.
    async fn what_a_deleted_client_had_is_nobodys(database: Database) {
        let fixture = Fixture::on(&database.url).await;
        let peer = fixture.peer();
        for (issuer, audience, token_path, introspection) in [
            ("clinic", "https://api.clinic.example", "/clinic/oauth2/token", "/clinic/oauth2/introspect"),
            ("nethealth", "https://api.nethealth.example", "/nethealth/connect/token", "/nethealth/connect/introspect"),
        ] {
            let api = Api::at(peer, issuer).await;
            let clients = format!("/issuers/{issuer}/clients");
            let body = json!({
                "client_id": "leaked", "kind": "machine", "client_secret": "a-secret-of-its-own",
                "token_endpoint_auth_method": "client_secret_basic",
                "grants": [{ "audience": "https://leaked.example", "scopes": "all" }],
            });
            let scopes = json!({ "audience": "https://leaked.example", "scopes": [{ "name": format!("{issuer}:leaked") }] });
            api.post(&format!("/issuers/{issuer}/apis"), &scopes).await.is(201);
            api.post(&clients, &body).await.is(201);
            let scope = format!("grant_type=client_credentials&scope={issuer}%3Aleaked");
            let ask = || Request::post(token_path).basic("leaked", "a-secret-of-its-own").form(&scope);
            let old = peer.send(ask()).await.access_token();
            let is_active = async |token: &str| {
                let body = format!("token={token}");
                let request = Request::post(introspection).basic("leaked", "a-secret-of-its-own").form(&body);
                peer.send(request).await.is(200).json()["active"].clone()
            };
            assert_eq!(is_active(&old).await, true, "{audience}");
            api.delete(&format!("{clients}/leaked?force=true")).await.is(204);
            fixture.clock.advance(Duration::from_secs(1));
            api.post(&clients, &body).await.is(201);
            assert_eq!(is_active(&old).await, false);
            let new = peer.send(ask()).await.access_token();
            assert_eq!(is_active(&new).await, true);
        }
    }

    /// Scopes that an API has no longer are worth nothing, and in nobody's way.
    async fn a_scope_that_goes_goes_from_grants(database: Database) {
        let fixture = Fixture::on(&database.url).await;
        let api = Api::at(fixture.peer(), "clinic").await;
        let made = api.post("/issuers/clinic/apis", &json!({ "audience": "x", "scopes": [{ "name": "a" }, { "name": "b" }] })).await;
        let path = made.is(201).header("location").unwrap().strip_prefix("/api/v1").unwrap().to_owned();
        let grants = json!([{ "audience": "x", "scopes": ["a", "b"] }]);
        api.post("/issuers/clinic/roles", &json!({ "name": "r", "grants": grants })).await.is(201);
        let client = json!({ "client_id": "m", "kind": "machine", "grants": grants });
        api.post("/issuers/clinic/clients", &client).await.is(201);
        api.patch(&path, &json!({ "scopes": [{ "name": "a" }] })).await.is(200);
        for (path, change) in [
            ("/issuers/clinic/roles/r", json!({ "description": "new" })),
            ("/issuers/clinic/clients/m", json!({ "client_name": "new" })),
        ] {
            let left = json!([{ "audience": "x", "scopes": ["a"] }]);
            assert_eq!(api.get(path).await.json()["grants"], left);
            let changed = api.patch(path, &change).await;
            assert_eq!(changed.is(200).json()["grants"], left);
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn deleting_what_is_in_use_says_who_uses_it() {
    let (fixture, api) = clinic().await;
    let reply = api.delete("/issuers/clinic/roles/doctor").await;
    let problem = reply.problem(409, "in_use");
    assert!(
        problem["detail"]
            .as_str()
            .unwrap()
            .contains("1 users have it"),
        "{problem}"
    );
    let mut doctor = Person::new(fixture.peer(), "doctor");
    let app = App::confidential("clinic", "clinic-web", STANDARD);
    let tokens = app
        .tokens(&mut doctor, &[("scope", "openid patients:read")])
        .await;
    let reply = api.delete("/issuers/clinic/clients/clinic-web").await;
    reply.problem(409, "in_use");
    assert!(app.is_alive(fixture.peer(), &tokens.access_token).await);

    let users = "/issuers/clinic/users";
    let id = api.id_of(users, "username", "doctor").await;
    let sessions = api.get(&format!("{users}/{id}/sessions")).await.json();
    assert_eq!(sessions["items"].as_array().unwrap().len(), 1);
    let consents = api.get(&format!("{users}/{id}/consents")).await.json();
    assert_eq!(consents["items"][0]["client_id"], "clinic-web");
    assert!(
        !api.get(&format!("{users}/{id}/sign-ins")).await.json()["items"]
            .as_array()
            .unwrap()
            .is_empty()
    );
    let all = api
        .get("/issuers/clinic/sessions?search=DOCTOR")
        .await
        .json();
    let session = all["items"][0]["id"].as_str().unwrap();
    api.send(Request::new(
        "DELETE",
        &format!("/issuers/clinic/sessions/{session}"),
    ))
    .await
    .is(204);
    assert!(!app.is_alive(fixture.peer(), &tokens.access_token).await);
    api.send(Request::new(
        "DELETE",
        &format!("{users}/{id}/consents/clinic-web"),
    ))
    .await
    .is(204);
    let consents = api.get(&format!("{users}/{id}/consents")).await.json();
    assert_eq!(consents["items"], json!([]));

    api.delete("/issuers/clinic/clients/clinic-web?force=true")
        .await
        .is(204);
    api.delete("/issuers/clinic/roles/doctor?force=true")
        .await
        .is(204);
    let user = api.get(&format!("{users}/{id}")).await.json();
    assert_eq!(user["roles"], json!([]));
    api.delete(&format!("{users}/{id}")).await.is(204);
    api.get(&format!("{users}/{id}"))
        .await
        .problem(404, "not_found");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_password_is_chosen_by_a_link_once() {
    let (fixture, api) = clinic().await;
    let peer = fixture.peer();
    let users = "/issuers/clinic/users";
    let made = api.post(users, &json!({ "username": "nina" })).await;
    let made = made.is(201).json();
    assert_eq!(made["has_password"], false);
    let first = made["link"]["path"].as_str().unwrap().to_owned();
    let id = made["id"].as_str().unwrap().to_owned();
    peer.get(&format!("/clinic{first}")).await.is(200);
    let again = api
        .send(Request::post(&format!("{users}/{id}/password-link")))
        .await;
    let second = again.is(201).json()["path"].as_str().unwrap().to_owned();
    let stale = peer.get(&format!("/clinic{first}")).await;
    assert_ne!(stale.status, 200, "{stale}");
    peer.get(&format!("/clinic{second}")).await.is(200);

    let password = Request::new("PUT", &format!("{users}/{id}/password"));
    let weak = api
        .send(
            password
                .clone()
                .json(json!({ "password": "nina" }).to_string()),
        )
        .await;
    weak.wrong("#/password");
    let good = api
        .send(password.json(json!({ "password": "seven green kettles" }).to_string()))
        .await;
    good.is(204);
    let spent = peer.get(&format!("/clinic{second}")).await;
    assert_ne!(spent.status, 200, "{spent}");
    let mut nina = Person::new(peer, "nina");
    nina.password = "seven green kettles".to_owned();
    nina.sign_in_at("clinic").await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn no_secret_is_told_twice() {
    let (fixture, api) = clinic().await;
    let brought = "brought-along-0123456789";
    let client = json!({ "client_id": "own", "kind": "machine", "client_secret": brought });
    let made = api.post("/issuers/clinic/clients", &client).await;
    assert_eq!(made.is(201).json()["client_secret"], Value::Null);
    let made = api
        .post("/issuers/clinic/clients", &super::machine("made"))
        .await;
    let mut secrets = vec![
        brought.to_owned(),
        made.json()["client_secret"].as_str().unwrap().to_owned(),
    ];
    for client in ["own", "made"] {
        let path = format!("/issuers/clinic/clients/{client}/rotate-secret");
        let rotated = api
            .change("POST", &path, Some(&json!({ "overlap": 600 })))
            .await;
        secrets.push(
            rotated.is(200).json()["client_secret"]
                .as_str()
                .unwrap()
                .to_owned(),
        );
    }
    let users = "/issuers/clinic/users";
    let user = api
        .post(
            users,
            &json!({ "username": "u", "password": "eleven blue kettles" }),
        )
        .await;
    let id = user.is(201).json()["id"].as_str().unwrap().to_owned();
    let link = api
        .send(Request::post(&format!("{users}/{id}/password-link")))
        .await
        .json();
    secrets.push("eleven blue kettles".to_owned());
    secrets.push(
        link["path"]
            .as_str()
            .unwrap()
            .split_once('=')
            .unwrap()
            .1
            .to_owned(),
    );
    let server = Api::at_server(fixture.peer()).await;
    for (api, path) in [
        (&api, "/issuers/clinic/clients?limit=200"),
        (&api, "/issuers/clinic/clients/own"),
        (&api, "/issuers/clinic/users"),
        (&api, "/issuers/clinic/keys"),
        (&api, "/issuers/clinic/settings"),
        (&api, "/issuers/clinic/audit?limit=200"),
        (&server, "/audit?limit=200"),
        (&server, "/issuers/console/audit?limit=200"),
        (&server, "/issuers/console/clients"),
    ] {
        let answer = api.get(path).await;
        answer.is(200);
        for secret in &secrets {
            assert!(!answer.body.contains(secret), "{path}: {}", *answer);
        }
        for telling in ["argon2", "sha256$", "private", "\"sealed"] {
            assert!(
                !answer.body.contains(telling),
                "{path}: {telling}: {}",
                *answer
            );
        }
    }
    // Everything that was done is in the log, with who did it.
    let log = api.get("/issuers/clinic/audit?limit=200").await.json();
    let mut actions: Vec<&str> = log["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|event| event["action"].as_str().unwrap())
        .collect();
    actions.retain(|action| *action != "configuration.applied");
    assert_eq!(
        actions
            .iter()
            .filter(|action| **action == "client.created")
            .count(),
        2
    );
    let event = &log["items"][0];
    assert_eq!(event["actor"]["kind"], "client");
    assert_eq!(event["actor"]["id"], "admin-api");
}
