//! The standard dialect: RFC 7591 and RFC 7592 in full.

use serde_json::{Value, json};

use super::{REDIRECT_URI, register_at_clinic, text, with};
use crate::support::http::{Answer, Peer, Request};
use crate::support::servers::{Fixture, demo};
use crate::support::user::{App, Person, STANDARD};

/// What RFC 7591 §3.1 shows, with what this issuer serves.
const REQUEST: &str = r#"
    POST /clinic/oauth2/register
    Content-Type: application/json
    Accept: application/json

    {"redirect_uris":["https://client.example.org/callback","https://client.example.org/callback2"],"client_name":"My Example Client","client_name#ja-Jpan-JP":"クライアント名","token_endpoint_auth_method":"client_secret_basic","logo_uri":"https://client.example.org/logo.png","jwks_uri":"https://client.example.org/my_public_keys.jwks","example_extension_parameter":"example_value"}
"#;

#[tokio::test]
async fn a_client_registers_as_rfc_7591_shows() {
    let answer = demo().say(REQUEST).await;
    answer.reads(
        r#"
        201
        Content-Type: application/json
        Cache-Control: no-store
        Pragma: no-cache

        {"client_id":"…","client_secret":"…","client_id_issued_at":1767323045,"client_secret_expires_at":0,"registration_access_token":"…","registration_client_uri":"http://localhost:…","client_name":"My Example Client","redirect_uris":["https://client.example.org/callback","https://client.example.org/callback2"],"application_type":"web","token_endpoint_auth_method":"client_secret_basic","grant_types":["authorization_code"],"response_types":["code"],"scope":"openid profile email phone address offline_access patients:read patients:write","logo_uri":"https://client.example.org/logo.png","jwks_uri":"https://client.example.org/my_public_keys.jwks","subject_type":"public"}
        "#,
    );
    assert_eq!(text(&answer, "client_id").len(), 36);
    assert_eq!(text(&answer, "client_secret").len(), 43);
}

#[tokio::test]
async fn everything_that_is_registered_comes_back() {
    let metadata = json!({
        "client_name": "Buchung 📅 حجز",
        "redirect_uris": ["https://booking.example/callback", "http://127.0.0.1/callback"],
        "application_type": "web",
        "token_endpoint_auth_method": "client_secret_post",
        "grant_types": ["authorization_code", "refresh_token"],
        "response_types": ["code"],
        "scope": "patients:read openid",
        "contacts": ["it@booking.example"],
        "client_uri": "https://booking.example/",
        "logo_uri": "https://booking.example/logo.svg",
        "policy_uri": "https://booking.example/privacy",
        "tos_uri": "https://booking.example/terms",
        "jwks": { "keys": [{ "kty": "EC", "crv": "P-256", "kid": "1", "x": "f83OJ3D2xF1Bg8vub9tLe1gHMzV76e8Tus9uPHvRVEU", "y": "x_FEzRu9m36HLN_tue659LNpXW6pCyStikYjKIWI5a0" }] },
        "subject_type": "public",
        "id_token_signed_response_alg": "ES256",
        "userinfo_signed_response_alg": "RS256",
        "default_max_age": 3600,
        "require_auth_time": true,
        "initiate_login_uri": "https://booking.example/start",
        "post_logout_redirect_uris": ["https://booking.example/bye"],
        "frontchannel_logout_uri": "https://booking.example/out",
        "frontchannel_logout_session_required": true,
        "backchannel_logout_uri": "https://booking.example/out",
        "backchannel_logout_session_required": true,
        "software_id": "booking",
        "software_version": "2.1",
    });
    let answer = register_at_clinic(&demo(), metadata.clone()).await;
    let registered = answer.is(201).json();
    for (name, value) in metadata.as_object().unwrap() {
        assert_eq!(registered[name], *value, "{name}");
    }
}

// ------------------------------------------------------------------------- RFC 7592

/// A registration and how it is managed.
struct Managed {
    peer: Peer,
    path: String,
    token: String,
    registered: Value,
}

impl Managed {
    async fn new(peer: Peer, metadata: Value) -> Self {
        let answer = register_at_clinic(&peer, metadata).await;
        let registered = answer.is(201).json();
        let uri = text(&answer, "registration_client_uri");
        let base = format!("http://localhost:{}", peer.port);
        Self {
            peer,
            path: uri.strip_prefix(&base).unwrap().to_owned(),
            token: text(&answer, "registration_access_token"),
            registered,
        }
    }

    async fn send(&self, method: &str, token: &str) -> Answer {
        let request = Request::new(method, &self.path).bearer(token);
        self.peer.send(request).await
    }

    async fn put(&self, metadata: Value) -> Answer {
        let request = Request::new("PUT", &self.path)
            .bearer(&self.token)
            .json(metadata.to_string());
        self.peer.send(request).await
    }

    fn id(&self) -> &Value {
        &self.registered["client_id"]
    }
}

#[tokio::test]
async fn a_client_reads_changes_and_deletes_its_registration() {
    let locum = Fixture::start().await;
    let own = Managed::new(locum.peer(), with(json!({ "client_name": "Booking" }))).await;

    // RFC 7592 §3: all of it, with the token, and the secret nowhere: it is kept as a hash.
    let read = own.send("GET", &own.token).await;
    let read = read.is(200).json();
    let mut expected = own.registered.clone();
    expected.as_object_mut().unwrap().remove("client_secret");
    assert_eq!(read, expected);

    // RFC 7592 §2.2: what is left out is as if it had never been said.
    locum.clock.advance(std::time::Duration::from_secs(60));
    let changed = own
        .put(json!({
            "client_id": own.id(),
            "client_secret": own.registered["client_secret"],
            "redirect_uris": ["https://booking.example/other"],
            "policy_uri": "https://booking.example/privacy",
        }))
        .await;
    let changed = changed.is(200).json();
    assert_eq!(
        changed["redirect_uris"],
        json!(["https://booking.example/other"])
    );
    assert_eq!(changed["policy_uri"], "https://booking.example/privacy");
    assert_eq!(changed.get("client_name"), None);
    assert_eq!(changed["client_id_issued_at"], read["client_id_issued_at"]);
    assert_eq!(changed["registration_access_token"], *own.token);
    assert_eq!(own.send("GET", &own.token).await.json(), changed);

    let deleted = own.send("DELETE", &own.token).await;
    assert_eq!(deleted.is(204).body, "");
    // RFC 7592 §2.3: the token is worth nothing now.
    for method in ["GET", "DELETE"] {
        let gone = own.send(method, &own.token).await;
        gone.refused(401, "invalid_token");
        assert!(gone.header("www-authenticate").is_some());
    }
}

#[tokio::test]
async fn what_a_deleted_client_was_granted_ends_with_it() {
    let peer = demo();
    let metadata = with(json!({ "grant_types": ["authorization_code", "refresh_token"] }));
    let own = Managed::new(peer, metadata).await;
    let app = app(&own.registered, REDIRECT_URI);
    let mut person = Person::new(peer, "doctor");
    let scope = [("scope", "openid offline_access patients:read")];
    let tokens = app.tokens(&mut person, &scope).await;
    assert!(app.is_alive(peer, &tokens.access_token).await);

    own.send("DELETE", &own.token).await.is(204);
    app.userinfo(peer, &tokens.access_token).await.is(401);
    app.refresh(peer, tokens.refresh()).await.is(401);
}

/// A registered client, confidential or not.
fn app(registered: &Value, redirect_uri: &str) -> App {
    let text = |name: &str| registered[name].as_str().map(str::to_owned);
    App {
        secret: text("client_secret"),
        redirect_uri: redirect_uri.to_owned(),
        ..App::new("clinic", &text("client_id").unwrap(), STANDARD)
    }
}

#[tokio::test]
async fn only_its_own_token_manages_a_client() {
    let peer = demo();
    let own = Managed::new(peer, super::least()).await;
    let other = Managed::new(peer, super::least()).await;

    let none = peer.get(&own.path).await;
    assert_eq!(
        none.is(401).header("www-authenticate"),
        Some("Bearer realm=\"clinic\"")
    );
    for token in [
        "nonsense",
        other.token.as_str(),
        own.registered["client_secret"].as_str().unwrap(),
    ] {
        own.send("GET", token).await.refused(401, "invalid_token");
        own.send("DELETE", token)
            .await
            .refused(401, "invalid_token");
    }
    // A client that never was is told apart by nobody.
    let unknown = Request::get("/clinic/oauth2/register/nobody").bearer(&own.token);
    peer.send(unknown).await.refused(401, "invalid_token");
    // Declared ones have no such token, whatever is sent.
    let declared = Request::get("/clinic/oauth2/register/clinic-web").bearer(&own.token);
    peer.send(declared).await.refused(401, "invalid_token");
    own.send("GET", &own.token).await.is(200);
    own.send("POST", &own.token).await.is(405);
}

#[tokio::test]
async fn a_change_names_its_client_and_cannot_choose_its_secret() {
    let own = Managed::new(demo(), super::least()).await;
    for (wrong, said) in [
        (json!({}), "client_id is missing"),
        (
            json!({ "client_id": "clinic-web" }),
            "client_id is not this client's",
        ),
        (
            json!({ "client_id": own.id(), "client_secret": "chosen" }),
            "client_secret is not the one",
        ),
    ] {
        let answer = own.put(with(wrong)).await;
        answer.refused(400, "invalid_client_metadata");
        assert!(
            text(&answer, "error_description").starts_with(said),
            "{answer}"
        );
    }
    // And nothing has changed.
    assert_eq!(
        own.send("GET", &own.token).await.json()["client_name"],
        Value::Null
    );
}

#[tokio::test]
async fn becoming_public_takes_the_secret_and_becoming_confidential_gives_one() {
    let own = Managed::new(demo(), super::least()).await;
    let put = |method: &'static str| {
        own.put(with(
            json!({ "client_id": own.id(), "token_endpoint_auth_method": method }),
        ))
    };
    let public = put("none").await.is(200).json();
    assert_eq!(public.get("client_secret"), None);
    assert_eq!(public.get("client_secret_expires_at"), None);
    let confidential = put("client_secret_basic").await.is(200).json();
    let secret = confidential["client_secret"].as_str().unwrap();
    assert_ne!(own.registered["client_secret"], secret);
    // Once: the next change says nothing of it.
    let again = put("client_secret_basic").await.is(200).json();
    assert_eq!(again.get("client_secret"), None);
}

// ------------------------------------------------------------------------- what works

#[tokio::test]
async fn what_is_registered_signs_people_in_at_once() {
    let peer = demo();
    let mut person = Person::new(peer, "doctor");
    for (metadata, redirect_uri) in [
        (json!({ "redirect_uris": [REDIRECT_URI] }), REDIRECT_URI),
        (
            json!({ "redirect_uris": [REDIRECT_URI], "token_endpoint_auth_method": "none" }),
            REDIRECT_URI,
        ),
        (
            json!({ "redirect_uris": ["com.example.booking:/callback"], "application_type": "native" }),
            "com.example.booking:/callback",
        ),
        // RFC 8252 §7.3: whichever port is free.
        (
            json!({ "redirect_uris": ["http://127.0.0.1/cb"], "application_type": "native" }),
            "http://127.0.0.1:50123/cb",
        ),
    ] {
        let registered = register_at_clinic(&peer, metadata).await.is(201).json();
        let app = app(&registered, redirect_uri);
        let tokens = app
            .tokens(&mut person, &[("scope", "openid patients:read")])
            .await;
        assert_eq!(tokens.scope.as_deref(), Some("openid patients:read"));
        app.userinfo(peer, &tokens.access_token).await.is(200);
        let resource = Request::get("/clinic/api/patients").bearer(&tokens.access_token);
        peer.send(resource).await.is(200);
    }
    // A stranger's client: people are asked.
    assert!(
        person.seen.iter().any(|path| path == "/clinic/consent"),
        "{:?}",
        person.seen
    );
}

#[tokio::test]
async fn a_client_asks_for_what_it_registered_and_no_more() {
    let peer = demo();
    let metadata = with(json!({ "scope": "openid patients:read" }));
    let registered = register_at_clinic(&peer, metadata).await.is(201).json();
    assert_eq!(registered["scope"], "openid patients:read");
    let app = app(&registered, REDIRECT_URI);
    let mut person = Person::new(peer, "doctor");
    for scope in ["openid email", "openid patients:write"] {
        app.callback(&mut person, &[("scope", scope)])
            .await
            .refused("invalid_scope");
    }
    app.code(&mut person, &[("scope", "openid patients:read")])
        .await;
}

#[tokio::test]
async fn discovery_names_the_endpoint_where_it_is_open() {
    let peer = demo();
    let at = |issuer: &'static str| async move {
        let path = format!("/{issuer}/.well-known/openid-configuration");
        let document = peer.get(&path).await.json();
        document["registration_endpoint"]
            .as_str()
            .map(str::to_owned)
    };
    let url = |path: &str| Some(format!("http://localhost:{}{path}", peer.port));
    assert_eq!(at("clinic").await, url("/clinic/oauth2/register"));
    assert_eq!(at("medblocks").await, url("/medblocks/oauth2/register"));
    assert_eq!(at("photon").await, None);
    // IdentityServer3 knows no such member; Net Health's action is its own.
    assert_eq!(at("nethealth").await, None);
}

#[tokio::test]
async fn a_page_in_a_browser_may_register() {
    let preflight = Request::new("OPTIONS", "/clinic/oauth2/register")
        .header("Origin", "https://app.example")
        .header("Access-Control-Request-Method", "POST")
        .header("Access-Control-Request-Headers", "content-type");
    let answer = demo().send(preflight).await;
    assert_eq!(
        answer.is(204).header("access-control-allow-origin"),
        Some("*")
    );
    // Hydra's administration is for no page: nothing but this protects it in `locum dev`.
    let preflight = Request::new("OPTIONS", "/medblocks/admin/clients")
        .header("Origin", "https://app.example")
        .header("Access-Control-Request-Method", "POST");
    let answer = demo().send(preflight).await;
    assert_eq!(answer.header("access-control-allow-origin"), None);
}
