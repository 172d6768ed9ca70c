//! Ory Hydra: dynamic registration, its management, and the administration of clients.

use serde_json::{Value, json};

use super::text;
use crate::support::http::{Answer, Peer, Request};
use crate::support::servers::{Fixture, demo};
use crate::support::user::{App, CALLBACK, HYDRA, Person};

const REGISTER: &str = "/medblocks/oauth2/register";
const CLIENTS: &str = "/medblocks/admin/clients";

async fn register(peer: &Peer, body: Value) -> Answer {
    super::register(peer, REGISTER, body).await
}

async fn send(peer: &Peer, method: &str, path: &str, body: Value) -> Answer {
    peer.send(Request::new(method, path).json(body.to_string()))
        .await
}

/// Hydra's members, those that are always there, in their order.
const MEMBERS: [&str; 21] = [
    "client_id",
    "client_name",
    "client_secret",
    "redirect_uris",
    "grant_types",
    "response_types",
    "scope",
    "audience",
    "owner",
    "policy_uri",
    "allowed_cors_origins",
    "tos_uri",
    "client_uri",
    "logo_uri",
    "contacts",
    "client_secret_expires_at",
    "subject_type",
    "jwks",
    "token_endpoint_auth_method",
    "userinfo_signed_response_alg",
    "created_at",
];

#[tokio::test]
async fn a_client_registers_as_hydras_snapshots_show() {
    let answer = register(
        &demo(),
        json!({ "redirect_uris": ["http://localhost:3000/cb"] }),
    )
    .await;
    // Go's JSON encoder ends a line.
    let mut line = answer.clone();
    assert_eq!(line.body.pop(), Some('\n'));
    line.reads(
        r#"
        201
        Content-Type: application/json; charset=utf-8
        Location: /medblocks/admin/clients/…

        {"client_id":"…","client_name":"","client_secret":"…","redirect_uris":["http://localhost:3000/cb"],"grant_types":["authorization_code"],"response_types":["code"],"scope":"offline_access offline openid","audience":[],"owner":"","policy_uri":"","allowed_cors_origins":[],"tos_uri":"","client_uri":"","logo_uri":"","contacts":null,"client_secret_expires_at":0,"subject_type":"public","jwks":{},"token_endpoint_auth_method":"client_secret_basic","userinfo_signed_response_alg":"none","created_at":"2026-01-02T03:04:05Z","updated_at":"2026-01-02T03:04:05Z","metadata":{},"registration_access_token":"ory_at_….…","registration_client_uri":"http://localhost:…/medblocks/oauth2/register/…","skip_consent":false,"skip_logout_consent":null,"authorization_code_grant_access_token_lifespan":null,"authorization_code_grant_id_token_lifespan":null,"authorization_code_grant_refresh_token_lifespan":null,"client_credentials_grant_access_token_lifespan":null,"implicit_grant_access_token_lifespan":null,"implicit_grant_id_token_lifespan":null,"jwt_bearer_grant_access_token_lifespan":null,"refresh_token_grant_id_token_lifespan":null,"refresh_token_grant_access_token_lifespan":null,"refresh_token_grant_refresh_token_lifespan":null}
        "#,
    );
    assert_eq!(answer.member_names()[..21], MEMBERS);
    assert_eq!(text(&answer, "client_secret").len(), 26);
    let location = format!("{CLIENTS}/{}", text(&answer, "client_id"));
    assert_eq!(answer.header("location"), Some(location.as_str()));
}

#[tokio::test]
async fn what_is_not_for_those_who_register_themselves_is_refused() {
    let peer = demo();
    let with =
        |name: &str, value: Value| json!({ "redirect_uris": ["https://a.example/"], name: value });
    register(&peer, with("client_secret", json!("averylongsecret"))).await.reads(
        r#"
        400
        Content-Type: application/json; charset=utf-8

        {"error":"The request was malformed or contained invalid parameters","error_description":"It is not allowed to choose your own OAuth2 Client secret."}
        "#,
    );
    register(&peer, with("access_token_strategy", json!("jwt"))).await.reads(
        r#"
        400

        {"error":"The request was malformed or contained invalid parameters","error_description":"It is not allowed to choose your own access token strategy."}
        "#,
    );
    register(&peer, with("skip_consent", json!(true))).await.reads(
        r#"
        400

        {"error":"invalid_request","error_description":"'skip_consent' cannot be set for dynamic client registration"}
        "#,
    );
    let answer = register(&peer, with("metadata", json!({ "anything": 1 }))).await;
    answer.refused(400, "invalid_client_metadata");
    assert!(
        text(&answer, "error_description")
            .ends_with("'metadata' cannot be set for dynamic client registration")
    );
    // Written out, and saying nothing.
    for (name, value) in [
        ("metadata", json!({})),
        ("skip_consent", json!(false)),
        ("client_secret", json!("")),
    ] {
        register(&peer, with(name, value)).await.is(201);
    }
}

#[tokio::test]
async fn hydras_own_examples_work() {
    // `hydra create client` asks for what this server does not have besides what it has.
    let answer = register(
        &demo(),
        json!({
            "client_name": "Example",
            "grant_types": ["authorization_code", "refresh_token", "implicit"],
            "response_types": ["code", "id_token"],
            "redirect_uris": ["http://127.0.0.1:5555/callback"],
            "scope": "openid offline",
        }),
    )
    .await;
    let registered = answer.is(201).json();
    assert_eq!(
        registered["grant_types"],
        json!(["authorization_code", "refresh_token"])
    );
    assert_eq!(registered["response_types"], json!(["code"]));
    assert_eq!(registered["scope"], "openid offline");
}

#[tokio::test]
async fn registration_is_off_by_default() {
    let locum = Fixture::configured(&super::issuer("hydra", "closed")).await;
    for request in [
        Request::post("/own/oauth2/register").json("{}"),
        Request::get("/own/oauth2/register/some-id"),
    ] {
        locum.send(request).await.reads(
            r#"
            404
            Content-Type: application/json; charset=utf-8

            {"error":"Unable to locate the resource","error_description":"Dynamic registration is not enabled."}
            "#,
        );
    }
}

#[tokio::test]
async fn a_client_manages_itself_with_a_token_that_changes() {
    let peer = demo();
    let answer = register(
        &peer,
        json!({ "client_name": "a", "redirect_uris": [CALLBACK] }),
    )
    .await;
    let path = format!("{REGISTER}/{}", text(&answer, "client_id"));
    let first = text(&answer, "registration_access_token");

    let read = peer.send(Request::get(&path).bearer(&first)).await;
    let read = read.is(200).json();
    assert_eq!(read["contacts"], json!([]));
    assert_eq!(read.get("client_secret"), None);
    assert_eq!(read.get("registration_access_token"), None);

    let put = |token: String| {
        let body = json!({ "client_name": "b", "redirect_uris": [CALLBACK] });
        Request::new("PUT", &path)
            .bearer(&token)
            .json(body.to_string())
    };
    let changed = peer.send(put(first.clone())).await;
    assert_eq!(changed.is(200).json()["client_name"], "b");
    let second = text(&changed, "registration_access_token");

    let wrong = r#"
        401
        Content-Type: application/json; charset=utf-8

        {"error":"The request could not be authorized","error_description":"The requested OAuth 2.0 client does not exist or you provided incorrect credentials."}
    "#;
    peer.send(put(first)).await.reads(wrong);
    peer.get(&path).await.reads(wrong);
    peer.get(&format!("{REGISTER}/nobody")).await.reads(wrong);

    let chosen = json!({ "client_secret": "averylongsecret", "redirect_uris": [CALLBACK] });
    let request = Request::new("PUT", &path)
        .bearer(&second)
        .json(chosen.to_string());
    peer.send(request).await.is(400);

    peer.send(Request::new("DELETE", &path).bearer(&second))
        .await
        .is(204);
    peer.send(Request::get(&path).bearer(&second))
        .await
        .reads(wrong);
}

#[tokio::test]
async fn what_is_registered_works_with_its_method_only() {
    let peer = demo();
    let metadata = json!({
        "redirect_uris": [CALLBACK],
        "grant_types": ["authorization_code", "refresh_token"],
        "scope": "openid offline patient/*.read",
        "token_endpoint_auth_method": "none",
    });
    let spa = register(&peer, metadata).await;
    assert_eq!(spa.is(201).json().get("client_secret"), None);
    let app = App {
        pkce: false,
        ..App::new("medblocks", &text(&spa, "client_id"), HYDRA)
    };
    let mut person = Person::new(peer, "clinician");
    let tokens = app
        .tokens(&mut person, &[("scope", "openid offline patient/*.read")])
        .await;
    assert!(tokens.refresh_token.is_some());
    let resource = Request::get("/medblocks/fhir/Patient").bearer(&tokens.access_token);
    peer.send(resource).await.is(200);
}

// ------------------------------------------------------------------------- administration

#[tokio::test]
async fn an_administrator_makes_changes_and_deletes_a_client() {
    let locum = Fixture::start().await;
    let peer = locum.peer();
    let body = json!({
        "client_name": "Backend",
        "client_secret": "a-chosen-one-of-mine",
        "grant_types": ["client_credentials"],
        "scope": "patient/*.read",
        "owner": "ops",
        "metadata": { "ticket": 7 },
    });
    let made = send(&peer, "POST", CLIENTS, body).await;
    let client = made.is(201).json();
    let id = text(&made, "client_id");
    assert_eq!(client["metadata"], json!({ "ticket": 7 }));
    assert_eq!(client["owner"], "ops");
    let path = format!("{CLIENTS}/{id}");
    assert_eq!(made.header("location"), Some(path.as_str()));

    let token = |secret: &str| {
        let request = Request::post("/medblocks/oauth2/token").basic(&id, secret);
        let sending = peer.send(request.form("grant_type=client_credentials&scope=patient/*.read"));
        async move { sending.await.status }
    };
    assert_eq!(token("a-chosen-one-of-mine").await, 200);

    // PUT replaces; the secret stays.
    let body = json!({ "client_name": "Renamed", "grant_types": ["client_credentials"], "scope": "patient/*.read" });
    let replaced = send(&peer, "PUT", &path, body).await;
    let replaced = replaced.is(200).json();
    assert_eq!(
        (&replaced["client_name"], &replaced["owner"]),
        (&json!("Renamed"), &json!(""))
    );
    assert_eq!(replaced.get("client_secret"), None);
    assert_eq!(token("a-chosen-one-of-mine").await, 200);

    // PATCH changes one thing.
    let patch = json!([
        { "op": "test", "path": "/client_name", "value": "Renamed" },
        { "op": "replace", "path": "/client_name", "value": "Patched" },
        { "op": "add", "path": "/contacts/-", "value": "it@clinic.example" },
    ]);
    let patched = send(&peer, "PATCH", &path, patch).await;
    let patched = patched.is(200).json();
    assert_eq!(
        (&patched["client_name"], &patched["contacts"]),
        (&json!("Patched"), &json!(["it@clinic.example"]))
    );
    assert_eq!(patched["scope"], "patient/*.read");

    // A new secret, and the old one until it is dropped.
    let rotate = format!("{path}/secrets/rotate");
    let rotated = peer.send(Request::post(&rotate)).await;
    let secret = text(rotated.is(200), "client_secret");
    assert_eq!(token(&secret).await, 200);
    assert_eq!(token("a-chosen-one-of-mine").await, 200);
    peer.send(Request::new("DELETE", &rotate)).await.is(200);
    assert_eq!(token(&secret).await, 200);
    assert_eq!(token("a-chosen-one-of-mine").await, 401);

    send(&peer, "PUT", &format!("{path}/lifespans"), json!({}))
        .await
        .is(501);

    assert_eq!(
        peer.send(Request::new("DELETE", &path)).await.is(204).body,
        ""
    );
    peer.get(&path).await.reads(
        r#"
        404
        Content-Type: application/json; charset=utf-8

        {"error":"Unable to locate the resource","error_description":""}
        "#,
    );
    assert_eq!(token(&secret).await, 401);
}

#[tokio::test]
async fn a_patch_that_cannot_be_applied_changes_nothing() {
    let locum = Fixture::start().await;
    let peer = locum.peer();
    let path = format!("{CLIENTS}/medblocks-spa");
    let before = peer.get(&path).await.json();
    let doubling: Vec<Value> =
        std::iter::once(json!({ "op": "add", "path": "/metadata/a", "value": vec!["x"; 100] }))
            .chain(
                (0..40)
                    .map(|_| json!({ "op": "copy", "from": "/metadata", "path": "/metadata/a/0" })),
            )
            .collect();
    for patch in [
        json!({}),
        json!([{ "op": "replace", "path": "/nowhere/at/all", "value": 1 }]),
        json!([{ "op": "test", "path": "/client_name", "value": "somebody else" }]),
        json!([{ "op": "replace", "path": "/client_id", "value": "other" }]),
        json!([{ "op": "replace", "path": "", "value": [] }]),
        json!([{ "op": "replace", "path": "/redirect_uris", "value": ["javascript:alert(1)"] }]),
        json!([{ "op": "frobnicate", "path": "/client_name" }]),
        json!(doubling),
    ] {
        let answer = send(&peer, "PATCH", &path, patch.clone()).await;
        assert_eq!(answer.status, 400, "{patch}: {answer}");
        assert!(answer.json()["error"].is_string());
    }
    assert_eq!(peer.get(&path).await.json(), before);
}

#[tokio::test]
async fn clients_come_in_pages() {
    let locum = Fixture::start().await;
    let peer = locum.peer();
    for number in 0..5 {
        let body = json!({ "client_name": format!("page {number}"), "owner": "pages", "redirect_uris": [CALLBACK] });
        send(&peer, "POST", CLIENTS, body).await.is(201);
    }
    let mut path = format!("{CLIENTS}?owner=pages&page_size=2");
    let mut names: Vec<String> = Vec::new();
    for _ in 0..3 {
        let page = peer.get(&path).await;
        let clients = page.is(200).json();
        let clients = clients.as_array().unwrap();
        names.extend(
            clients
                .iter()
                .map(|client| client["client_name"].as_str().unwrap().to_owned()),
        );
        assert!(
            clients
                .iter()
                .all(|client| client.get("client_secret").is_none())
        );
        let links = page.header("link").unwrap().to_owned();
        assert!(links.contains("rel=\"first\""));
        let next = links
            .split(',')
            .find(|link| link.ends_with("; rel=\"next\""));
        match next {
            Some(next) => path = next.split(['<', '>']).nth(1).unwrap().to_owned(),
            None => break,
        }
    }
    assert_eq!(names, ["page 0", "page 1", "page 2", "page 3", "page 4"]);

    let named = peer
        .get(&format!("{CLIENTS}?client_name=Admin"))
        .await
        .json();
    assert_eq!(named.as_array().unwrap().len(), 1);
    assert_eq!(named[0]["client_id"], "admin");
    for bad in ["page_token=nonsense", "page_size=many"] {
        peer.get(&format!("{CLIENTS}?{bad}")).await.is(400);
    }
}

#[tokio::test]
async fn what_a_client_was_granted_whole_it_keeps_when_it_is_renamed() {
    let locum = Fixture::start().await;
    let peer = locum.peer();
    let path = format!("{CLIENTS}/admin");
    let patch = json!([{ "op": "replace", "path": "/client_name", "value": "Administrator" }]);
    send(&peer, "PATCH", &path, patch).await.is(200);
    // Every permission, of which the vendor's guide asks for none by name.
    let token = Request::post("/medblocks/oauth2/token")
        .basic("admin", "admin-secret")
        .form("grant_type=client_credentials");
    let token = peer.send(token).await.access_token();
    peer.send(Request::get("/medblocks/fhir/Patient").bearer(&token))
        .await
        .is(200);
}

#[tokio::test]
async fn nobody_administers_an_issuer_that_is_no_stand_in() {
    let locum = Fixture::configured(&super::issuer("hydra", "open")).await;
    for (method, path) in [
        ("GET", "/own/admin/clients"),
        ("POST", "/own/admin/clients"),
        ("GET", "/own/admin/clients/some-id"),
        ("DELETE", "/own/admin/clients/some-id"),
        ("POST", "/own/admin/clients/some-id/secrets/rotate"),
        ("OPTIONS", "/own/admin/clients"),
    ] {
        let answer = locum.send(Request::new(method, path)).await;
        assert_eq!(answer.status, 404, "{method} {path}: {answer}");
    }
}
