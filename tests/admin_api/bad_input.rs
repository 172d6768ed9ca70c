//! What nobody should send: a clear refusal, and everything as it was.

use serde_json::{Value, json};

use super::{Api, Reply, clinic, machine};
use crate::support::database::{Database, on_engines};
use crate::support::http::Request;
use crate::support::servers::Fixture;

const CLIENTS: &str = "/issuers/clinic/clients";
const USERS: &str = "/issuers/clinic/users";
const ROLES: &str = "/issuers/clinic/roles";
const APIS: &str = "/issuers/clinic/apis";
const SETTINGS: &str = "/issuers/clinic/settings";
const ISSUER: &str = "/issuers/clinic";

/// A client with one member that is like this.
fn web(member: &str, value: Value) -> Value {
    let mut client = json!({
        "client_id": "odd",
        "kind": "web",
        "redirect_uris": ["https://a.example/", "https://b.example/"],
    });
    client[member] = value;
    client
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_mistake_is_named_with_its_place() {
    let (_fixture, api) = clinic().await;
    for (list, body, place, hint) in [
        (
            CLIENTS,
            json!({ "kind": "machine", "client_nam": "x" }),
            "#/client_nam",
            "`client_name`",
        ),
        (
            CLIENTS,
            json!({ "kind": "machine", "redirect_uri": [] }),
            "#/redirect_uri",
            "`redirect_uris`",
        ),
        (
            CLIENTS,
            json!({ "kind": "machine", "a.b/c~d[0]": 1 }),
            "#/a.b~1c~0d[0]",
            "unknown",
        ),
        (CLIENTS, json!({}), "#/kind", "missing field"),
        (
            CLIENTS,
            json!({ "kind": "robot" }),
            "#/kind",
            "unknown variant",
        ),
        (CLIENTS, json!({ "kind": 7 }), "#/kind", "invalid type"),
        (
            CLIENTS,
            json!({ "kind": "web", "redirect_uris": "https://a.example" }),
            "#/redirect_uris",
            "expected a sequence",
        ),
        (
            CLIENTS,
            json!({ "kind": "web", "first_party": "yes" }),
            "#/first_party",
            "expected a boolean",
        ),
        (
            CLIENTS,
            json!({ "kind": "web", "default_max_age": -1 }),
            "#/default_max_age",
            "integer",
        ),
        (
            CLIENTS,
            json!({ "kind": "web", "client_secret": 1 }),
            "#/client_secret",
            "expected a string",
        ),
        (
            CLIENTS,
            json!({ "kind": "web", "grants": [{ "audience": "x", "scopes": 5 }] }),
            "#/grants",
            "expected",
        ),
        (
            ROLES,
            json!({ "name": "r", "grants": [{ "audience": "https://api.clinic.example", "scopes": 5 }] }),
            "#/grants/0/scopes",
            "\"all\"",
        ),
        (
            ROLES,
            json!({ "name": "r", "grants": [{ "audience": "https://api.clinic.example", "scope": [] }] }),
            "#/grants/0/scope",
            "scopes",
        ),
        (
            ROLES,
            json!({ "name": "r", "grants": [{ "audience": "nowhere", "scopes": "all" }] }),
            "#/grants",
            "nowhere",
        ),
        (
            APIS,
            json!({ "audience": "x", "scopes": ["read"] }),
            "#/scopes/0",
            "invalid type",
        ),
        (
            APIS,
            json!({ "audience": "x", "token_lifetime": -5 }),
            "#/token_lifetime",
            "invalid value",
        ),
        (
            APIS,
            json!({ "audience": "x", "token_lifetime": 0 }),
            "#/token_lifetime",
            "from 1",
        ),
        (
            APIS,
            json!({ "audience": "x", "token_format": "xml" }),
            "#/token_format",
            "unknown variant",
        ),
        (
            USERS,
            json!({ "username": "x", "role": [] }),
            "#/role",
            "`roles`",
        ),
        (
            USERS,
            json!({ "username": "x", "roles": ["nobody"] }),
            "#/roles",
            "no role",
        ),
        (
            USERS,
            json!({ "username": "x", "roles": "doctor" }),
            "#/roles",
            "expected a sequence",
        ),
        (
            USERS,
            json!({ "username": "x", "claims": { "email": "no address" } }),
            "#/claims/email",
            "address",
        ),
        (
            USERS,
            json!({ "username": "x", "claims": { "email": 5 } }),
            "#/claims/email",
            "a text",
        ),
        (
            USERS,
            json!({ "username": "x", "claims": { "email_verified": "yes" } }),
            "#/claims/email_verified",
            "true or false",
        ),
        (
            USERS,
            json!({ "username": "x", "claims": { "address": { "street_address": 7 } } }),
            "#/claims/address",
            "an object of texts",
        ),
        (
            USERS,
            json!({ "username": "x", "claims": { "seats": [1, null] } }),
            "#/claims/seats",
            "null",
        ),
        (
            USERS,
            json!({ "username": "x", "claims": { "big": u64::MAX } }),
            "#/claims/big",
            "64 bits",
        ),
        (
            CLIENTS,
            json!({ "kind": "web", "default_max_age": u64::MAX }),
            "#/default_max_age",
            "ten years",
        ),
        (
            USERS,
            json!({ "username": "x", "claims": { "sub": "1" } }),
            "#/claims",
            "token",
        ),
        (
            USERS,
            json!({ "username": "x", "password": "short" }),
            "#/password",
            "shorter",
        ),
    ] {
        let reply = api.post(list, &body).await;
        let detail = reply.wrong(place);
        assert!(detail.contains(hint), "{body}: {detail}");
    }
    for (path, body, place) in [
        (
            "/issuers/clinic/clients/clinic-web",
            json!({ "redirect_uris": 7 }),
            "#/redirect_uris",
        ),
        (
            "/issuers/clinic/clients/clinic-web",
            json!({ "first_party": 7 }),
            "#/first_party",
        ),
        (
            "/issuers/clinic/clients/clinic-web",
            json!({ "client_id": "other" }),
            "#/client_id",
        ),
        (
            "/issuers/clinic/clients/clinic-web",
            json!({ "kind": "spa" }),
            "#/kind",
        ),
        (
            "/issuers/clinic/clients/clinic-web",
            json!({ "client_secret": "new-new-new-new-new" }),
            "#/client_secret",
        ),
        (
            "/issuers/clinic/roles/doctor",
            json!({ "name": "nurse" }),
            "#/name",
        ),
        (
            SETTINGS,
            json!({ "brand": { "color": "red" } }),
            "#/brand/color",
        ),
        (SETTINGS, json!({ "brand": { "name": 7 } }), "#/brand/name"),
        (SETTINGS, json!({ "brnd": {} }), "#/brnd"),
        (
            SETTINGS,
            json!({ "audit_retention_days": 0 }),
            "#/audit_retention_days",
        ),
        (
            SETTINGS,
            json!({ "signing_algs": ["ES256", "ES256"] }),
            "#/signing_algs",
        ),
        (
            SETTINGS,
            json!({ "signing_algs": ["none"] }),
            "#/signing_algs/0",
        ),
        (
            SETTINGS,
            json!({ "post_logout_redirect_uris": ["javascript:alert(1)"] }),
            "#/post_logout_redirect_uris",
        ),
    ] {
        let before = api.get(path).await.json();
        api.patch(path, &body).await.wrong(place);
        assert_eq!(api.get(path).await.json(), before);
    }
    // In the query.
    for (path, parameter) in [
        ("/issuers/clinic/clients?serch=x", "serch"),
        ("/issuers/clinic/clients?kind=robot", "kind"),
        ("/issuers/clinic/clients?disabled=yes", "disabled"),
        ("/issuers/clinic/users?blocked=1", "blocked"),
        ("/issuers/clinic/users?disabled=true", "disabled"),
        ("/issuers/clinic/audit?from=yesterday", "from"),
        ("/issuers/clinic/audit?outcome=maybe", "outcome"),
        ("/issuers/clinic/roles?limit=5", "limit"),
    ] {
        api.get(path).await.wrong(parameter);
    }
    let twice = api.get(&format!("{CLIENTS}?search=a&search=b")).await;
    twice.wrong("search");
    for query in ["search=%00", "search=%zz", "search=%ff"] {
        let reply = api.get(&format!("{CLIENTS}?{query}")).await;
        reply.problem(400, "malformed");
    }
    let forced = api
        .delete("/issuers/clinic/clients/clinic-web?force=yes")
        .await;
    forced.wrong("force");
}

/// What is asked of a host reaches the server before it reaches an issuer.
#[tokio::test]
async fn a_host_is_the_servers_to_give() {
    let (fixture, api) = clinic().await;
    let before = api.get(SETTINGS).await.json();
    let own = api.patch(SETTINGS, &json!({ "host": "id.clinic.example" }));
    own.await.problem(403, "forbidden");
    let server = Api::at_server(fixture.peer()).await;
    for host in ["Not A Host", "localhost", "127.0.0.1", "[::1]"] {
        let refused = server.patch(ISSUER, &json!({ "host": host })).await;
        refused.wrong("#/host");
    }
    assert_eq!(api.get(SETTINGS).await.json(), before);
    let given = server.patch(ISSUER, &json!({ "host": "id.clinic.example" }));
    assert_eq!(given.await.is(200).json()["host"], "id.clinic.example");
    let after = api.get(SETTINGS).await.json();
    assert_eq!(after["host"], "id.clinic.example");
    // What is sent back with the rest changes nothing.
    api.patch(SETTINGS, &json!({ "host": "id.clinic.example" }))
        .await
        .is(200);
    let taken = server.patch(ISSUER, &json!({ "host": null })).await;
    assert_eq!(taken.is(200).json()["host"], json!(null));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_makes_no_sense_is_not_made() {
    let (_fixture, api) = clinic().await;
    let long = format!("https://a.example/{}", "x".repeat(2100));
    let many: Vec<String> = (0..600)
        .map(|index| format!("https://a.example/{index}"))
        .collect();
    for (body, place) in [
        (
            web("redirect_uris", json!(["javascript:alert(1)"])),
            "#/redirect_uris",
        ),
        (
            web("redirect_uris", json!(["JaVaScRiPt:alert(1)"])),
            "#/redirect_uris",
        ),
        (
            web("redirect_uris", json!(["data:text/html,x"])),
            "#/redirect_uris",
        ),
        (
            web("redirect_uris", json!(["/callback"])),
            "#/redirect_uris",
        ),
        (
            web("redirect_uris", json!(["https://a.example/#f"])),
            "#/redirect_uris",
        ),
        (
            web(
                "redirect_uris",
                json!(["https://a.example/", "https://a.example/"]),
            ),
            "#/redirect_uris",
        ),
        (web("redirect_uris", json!([long])), "#/redirect_uris"),
        (web("redirect_uris", json!(many)), "#/redirect_uris"),
        (
            web("post_logout_redirect_uris", json!(["file:///etc/passwd"])),
            "#/post_logout_redirect_uris",
        ),
        (
            web("backchannel_logout_uri", json!("ftp://a.example")),
            "#/backchannel_logout_uri",
        ),
        (web("logo_uri", json!("javascript:alert(1)")), "#/logo_uri"),
        (web("jwks", json!([1])), "#/jwks"),
        (
            web("subject_type", json!("pairwise")),
            "#/sector_identifier_uri",
        ),
        (web("sector_identifier", json!("")), "#/sector_identifier"),
        (
            web("token_endpoint_auth_method", json!("none")),
            "#/token_endpoint_auth_method",
        ),
        (
            web("token_endpoint_auth_method", json!("private_key_jwt")),
            "#/token_endpoint_auth_method",
        ),
        (
            web("userinfo_signed_response_alg", json!("HS256")),
            "#/userinfo_signed_response_alg",
        ),
        (
            web("claims", json!({ "iss": "https://evil.example" })),
            "#/claims",
        ),
        (web("operator", json!("\u{7}")), "#/operator"),
        (web("client_secret", json!("short")), "#/client_secret"),
        (
            json!({ "client_id": "m", "kind": "machine", "redirect_uris": ["https://a.example"] }),
            "#/redirect_uris",
        ),
        (
            json!({ "client_id": "m", "kind": "spa", "grant_types": ["client_credentials"] }),
            "#/grant_types",
        ),
        (
            json!({ "client_id": "m", "kind": "spa", "redirect_uris": ["https://a.example/"], "client_secret": "a-long-enough-one" }),
            "#/client_secret",
        ),
        (
            json!({ "client_id": "m", "kind": "machine", "grants": [{ "audience": "https://api.clinic.example", "scopes": ["prescriptions:write"] }] }),
            "#/grants",
        ),
        (
            json!({ "client_id": "m", "kind": "machine", "grants": [{ "audience": "https://api.clinic.example", "scopes": "all" }, { "audience": "https://api.clinic.example", "scopes": "all" }] }),
            "#/grants",
        ),
    ] {
        let reply = api.post(CLIENTS, &body).await;
        reply.wrong(place);
    }
    api.get("/issuers/clinic/clients/odd")
        .await
        .problem(404, "not_found");
    // Only machines are of use where nobody signs in.
    let pattern = Api::at(api.peer, "pattern").await;
    let reply = pattern
        .post("/issuers/pattern/clients", &web("client_name", json!("x")))
        .await;
    reply.wrong("#/kind");
}

/// Everything a name may be: sent as it is, and found as it was sent, by its place in a path too.
const NAMES: [&str; 12] = [
    "a/b",
    "a b",
    "a%2fb",
    "%2e%2e",
    "...",
    "a?b#c",
    "<b>\"&'",
    "=1+1",
    "null",
    "a\\b",
    "~!@$^*()[]{}|;:,.",
    "+",
];

fn in_path(name: &str) -> String {
    name.bytes().map(|byte| format!("%{byte:02X}")).collect()
}

on_engines! { all:
    async fn names_of_every_kind_are_kept_as_they_are(database: Database) {
        let fixture = Fixture::on(&database.url).await;
        let api = Api::at(fixture.peer(), "clinic").await;
        for name in NAMES {
            let made = api.post(CLIENTS, &machine(name)).await;
            made.is(201);
            let location = made.header("location").unwrap().strip_prefix("/api/v1").unwrap();
            assert_eq!(api.get(location).await.is(200).json()["client_id"], name);
            let path = format!("{CLIENTS}/{}", in_path(name));
            assert_eq!(api.get(&path).await.is(200).json()["client_id"], name);
            api.get(&format!("{path}/usage")).await.is(200);
            api.delete(&path).await.is(204);
            api.get(&path).await.problem(404, "not_found");
        }
        for name in NAMES.into_iter().chain(["💊", "名前", "ß", "e\u{301}", "عربي"]) {
            let made = api.post(ROLES, &json!({ "name": name })).await;
            let location = made.is(201).header("location").unwrap().strip_prefix("/api/v1").unwrap();
            assert_eq!(api.get(location).await.is(200).json()["name"], name);
            let user = json!({ "username": name, "roles": [name], "claims": { "name": name, "note": { "of": [name, 1.5] } } });
            let made = api.post(USERS, &user).await;
            let made = made.is(201).json();
            assert_eq!(made["username"], name);
            assert_eq!(made["claims"], user["claims"]);
            let found = api.get(&format!("{USERS}?search={}", in_path(name))).await.json();
            let mut items = found["items"].as_array().unwrap().iter();
            assert!(items.any(|user| user["username"] == name), "{found}");
        }
        for name in ["", ".", "..", " ", "a\u{0}", "é", "a\nb", " a", &"x".repeat(256)] {
            let reply = api.post(CLIENTS, &machine(name)).await;
            match name {
                // Made up by the server.
                "" => { reply.is(201); }
                name if name.contains('\0') => { reply.problem(400, "malformed"); }
                _ => { reply.wrong("#/client_id"); }
            }
        }
        let long = "x".repeat(256);
        let odd = ["", " ", " a", "a\nb", "a\u{202e}b", "\u{200b}", "\u{feff}a", "a\u{7f}", "a\u{85}", long.as_str()];
        for name in odd {
            api.post(ROLES, &json!({ "name": name })).await.wrong("#/name");
            api.post(USERS, &json!({ "username": name })).await.wrong("#/username");
            if !name.is_empty() {
                let client = json!({ "client_name": name, "kind": "machine" });
                api.post(CLIENTS, &client).await.wrong("#/client_name");
            }
        }
        for name in [".", ".."] {
            api.post(ROLES, &json!({ "name": name })).await.wrong("#/name");
        }
        for audience in ["", "a b", "é", "a\"", "<", &"x".repeat(256)] {
            api.post(APIS, &json!({ "audience": audience })).await.wrong("#/audience");
        }
        for scope in ["", "a b", "a\"b", "a\\b", "é", "\u{1}"] {
            let reply = api.post(APIS, &json!({ "audience": "x", "scopes": [{ "name": scope }] })).await;
            reply.wrong("#/scopes");
        }
        for name in ["", "console", "api", "A", "a/b", "..", "a_b", &"x".repeat(64)] {
            let server = Api::at_server(fixture.peer()).await;
            let reply = server.post("/issuers", &json!({ "name": name, "dialect": "standard" })).await;
            reply.wrong("#/name");
        }
    }

    async fn what_cannot_be_read_changes_nothing(database: Database) {
        let fixture = Fixture::on(&database.url).await;
        let api = Api::at(fixture.peer(), "clinic").await;
        let before = api.get(&format!("{CLIENTS}?limit=200")).await.json();
        let deep = |depth: usize| format!("{}1{}", "[".repeat(depth), "]".repeat(depth));
        let nested = format!("{{\"kind\":\"machine\",\"extra\":{{\"a\":{}}}}}", deep(5_000));
        let nul = r#"{"kind":"machine","client_name":"a\u0000b"}"#;
        let nul_inside = r#"{"kind":"machine","extra":{"a":{"b\u0000":1}}}"#;
        for body in ["{", "nonsense", "[]", "null", "1", "\"text\"", "{\"kind\":\"machine\"}{}", "{\"kind\":\"machine\",}", "{'kind':'machine'}", nested.as_str(), nul, nul_inside, "\u{feff}{}", "{\"kind\":\"\\ud800\"}"] {
            let reply = api.send(Request::post(CLIENTS).json(body)).await;
            reply.problem(400, "malformed");
        }
        let reply = api.send(Request::post(CLIENTS).json([0xff, 0xfe, b'{', b'}'])).await;
        reply.problem(400, "malformed");
        let large = json!({ "kind": "machine", "client_name": "x".repeat(2 * 1024 * 1024) }).to_string();
        let reply = api.send(Request::post(CLIENTS).json(large)).await;
        reply.problem(413, "malformed");
        let claims = json!({ "username": "x", "claims": { "a": "x".repeat(40_000) } });
        api.post(USERS, &claims).await.wrong("#/claims");
        let scopes: Vec<Value> = (0..501).map(|index| json!({ "name": format!("s{index}") })).collect();
        api.post(APIS, &json!({ "audience": "x", "scopes": scopes })).await.wrong("#/scopes");
        for media_type in ["text/plain", "application/x-www-form-urlencoded", "application/jsonp", ""] {
            let request = Request::post(CLIENTS).body(media_type, "{\"kind\":\"machine\"}");
            api.send(request).await.problem(415, "malformed");
        }
        let utf8 = Request::post(CLIENTS).body("Application/JSON; charset=utf-8", "{\"client_id\":\"x\",\"kind\":\"machine\"}");
        api.send(utf8).await.is(201);
        api.delete(&format!("{CLIENTS}/x")).await.is(204);
        assert_eq!(api.get(&format!("{CLIENTS}?limit=200")).await.json(), before);
    }
}

on_engines! { persistent:
    /// There were times when a configuration could give such names.
    async fn whoever_has_an_odd_name_can_be_locked_out(database: Database) {
        let fixture = Fixture::on(&database.url).await;
        let api = Api::at(fixture.peer(), "clinic").await;
        let made = api.post(USERS, &json!({ "username": "odd", "claims": { "name": "Odd" } })).await;
        let user = made.is(201).header("location").unwrap().strip_prefix("/api/v1").unwrap().to_owned();
        api.post(CLIENTS, &machine("odd")).await.is(201);
        let mut connection = database.connect().await;
        connection.execute("UPDATE users SET username = 'o\u{202e}dd', claims = '{\"name\":\"\\u0007\"}' WHERE username = 'odd'").await;
        connection.execute("UPDATE clients SET client_name = 'o\u{200b}dd' WHERE client_id = 'odd'").await;

        let blocked = api.patch(&user, &json!({ "blocked": true })).await.is(200).json();
        assert_eq!((&blocked["blocked"], &blocked["username"]), (&json!(true), &json!("o\u{202e}dd")));
        // What is changed is to be right.
        for (change, place) in [
            (json!({ "username": "\u{200b}" }), "#/username"),
            (json!({ "claims": { "email": "odd@odd.example" } }), "#/claims/name"),
            (json!({ "roles": ["nobody"] }), "#/roles"),
        ] {
            api.patch(&user, &change).await.wrong(place);
        }
        api.patch(&user, &json!({ "blocked": false, "username": "even" })).await.is(200);
        let path = format!("{CLIENTS}/odd/disable");
        let disabled = api.change("POST", &path, None).await.is(200).json();
        assert_eq!(disabled["disabled"], true);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_not_there_is_not_found() {
    let (_fixture, api) = clinic().await;
    let problem = |reply: Reply, status, code| reply.problem(status, code);
    for path in [
        "/",
        "/nothing",
        "/issuers/",
        "/issuers//clients",
        "/issuers/clinic",
        "/issuers/clinic/clients/",
        "/issuers/clinic/clients/no-such",
        "/issuers/clinic/clients/..",
        "/issuers/clinic/clients/%2e%2e",
        "/issuers/clinic/clients/%2e%2e%2f%2e%2e",
        "/issuers/clinic/clients/%00",
        "/issuers/clinic/clients/%zz",
        "/issuers/clinic/clients/%ff",
        "/issuers/clinic/clients/%",
        "/issuers/clinic/users/doctor",
        "/issuers/clinic/users/00000000-0000-0000-0000-000000000000",
        "/issuers/clinic/apis/x",
        "/issuers/clinic/roles/x",
        "/issuers/CLINIC/clients",
        "/issuers/nowhere/clients",
        "/issuers/%63linic%2fclients",
    ] {
        if path == "/issuers/clinic" {
            continue;
        }
        problem(api.get(path).await, 404, "not_found");
    }
    let reply = api.send(Request::new("PUT", CLIENTS)).await;
    assert_eq!(reply.header("allow"), Some("GET, POST"));
    problem(reply, 405, "method_not_allowed");
    // A percent-encoded name is the same name.
    api.get("/issuers/%63linic/clients").await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_consoles_own_things_stay() {
    let (fixture, _) = clinic().await;
    let server = Api::at_server(fixture.peer()).await;
    let apis = server.get("/issuers/console/apis").await.json();
    let api = format!(
        "/issuers/console/apis/{}",
        apis["items"][0]["id"].as_str().unwrap()
    );
    server
        .delete(&format!("{api}?force=true"))
        .await
        .problem(409, "not_possible");
    server
        .patch(&api, &json!({ "scopes": [] }))
        .await
        .problem(409, "not_possible");
    let reply = server
        .post("/issuers/console/apis", &json!({ "audience": "urn:x" }))
        .await;
    reply.problem(409, "not_possible");
    let reply = server
        .delete("/issuers/console/roles/owner?force=true")
        .await;
    reply.problem(409, "not_possible");
    let reply = server
        .patch(
            "/issuers/console/settings",
            &json!({ "brand": { "name": "Mine" } }),
        )
        .await;
    reply.problem(409, "not_possible");
    server.get("/issuers/console/settings").await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_was_read_can_be_sent_back() {
    let (_fixture, api) = clinic().await;
    let user = api.id_of(USERS, "username", "doctor").await;
    let apis = api.get(APIS).await.json();
    let one_api = format!("{APIS}/{}", apis["items"][0]["id"].as_str().unwrap());
    for path in [
        format!("{CLIENTS}/clinic-web"),
        format!("{CLIENTS}/clinic-spa"),
        format!("{CLIENTS}/clinic-machine"),
        format!("{USERS}/{user}"),
        format!("{ROLES}/doctor"),
        one_api,
        SETTINGS.to_owned(),
    ] {
        let before = api.get(&path).await.json();
        let mut after = api.patch(&path, &before).await.is(200).json();
        for member in ["revision", "updated_at"] {
            if !before[member].is_null() {
                after[member] = before[member].clone();
            }
        }
        assert_eq!(after, before, "{path}");
    }
    // Null takes a member away.
    let path = format!("{CLIENTS}/clinic-web");
    api.patch(&path, &json!({ "operator": "The clinic" }))
        .await
        .is(200);
    let reply = api
        .patch(&path, &json!({ "operator": null, "extra": null }))
        .await;
    assert_eq!(reply.is(200).json()["operator"], Value::Null);
}
