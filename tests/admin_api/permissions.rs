//! Every operation, asked by everybody there is.

use locum::admin::api::{OPERATIONS, Operation};
use locum::admin::rights::{AdminRole, Permission};
use locum::admin::system::{SERVER_AUDIENCE, issuer_audience};
use serde_json::json;

use super::{Api, Reply, token_request};
use crate::support::http::Request;
use crate::support::servers::{Fixture, Vendor};
use crate::support::user::{App, Person, STANDARD};

/// Things that are there, for the places in paths.
struct Things {
    api: String,
    user: String,
}

impl Things {
    async fn of(api: &Api, issuer: &str) -> Self {
        let (list, member, value) = match issuer {
            "console" => ("users", "username", "auditor"),
            _ => ("users", "username", "doctor"),
        };
        let user = api
            .id_of(&format!("/issuers/{issuer}/{list}"), member, value)
            .await;
        let apis = api.get(&format!("/issuers/{issuer}/apis")).await.json();
        Self {
            api: apis["items"][0]["id"].as_str().unwrap().to_owned(),
            user,
        }
    }

    /// A request that changes nothing: whoever may make it is told that something is missing.
    fn request(&self, operation: &Operation, issuer: &str) -> Request {
        let path = operation
            .path
            .replace("{issuer}", issuer)
            .replace("{client_id}", "clinic-machine")
            .replace("{api_id}", &self.api)
            .replace("{role}", "doctor")
            .replace("{user_id}", &self.user)
            .replace("{session_id}", "00000000-0000-0000-0000-000000000000")
            .replace("{token_id}", "00000000-0000-0000-0000-000000000000")
            .replace("{kid}", "no-such-key");
        assert!(!path.contains('{'), "{path}");
        let request = Request::new(operation.method, &path);
        if operation.body.is_some() {
            request.json("{}")
        } else {
            request
        }
    }
}

/// Refused for who asks, not for what: a 404 is about the issuer itself then.
fn is_refused(reply: &Reply, issuer: &str) -> bool {
    match reply.status {
        401 | 403 => true,
        404 => reply.json()["detail"]
            .as_str()
            .unwrap()
            .contains(&format!("no issuer \"{issuer}\"")),
        _ => false,
    }
}

/// Whether it is about the server and not about one issuer.
fn is_of_the_server(operation: &Operation) -> bool {
    !operation.path.starts_with("/issuers/{issuer}/")
}

/// What somebody with these permissions, at one issuer or at the server, may do at an issuer.
fn may(operation: &Operation, at: Option<&str>, permissions: &[Permission], issuer: &str) -> bool {
    let has = |permission| permissions.contains(&permission);
    let reaches = at == Some(issuer) && !permissions.is_empty();
    match operation.id {
        // Whoever may do something at an issuer may know of it; others see an empty list.
        "listIssuers" => true,
        "getIssuer" => reaches || at.is_none() && has(Permission::ReadIssuers),
        _ if is_of_the_server(operation) => at.is_none() && has(operation.permission),
        _ if issuer == "console" => {
            let wanted = if operation.permission.as_str().ends_with(":read") {
                Permission::ReadAdministrators
            } else {
                Permission::WriteAdministrators
            };
            at.is_none() && has(wanted)
        }
        _ => reaches && has(operation.permission),
    }
}

async fn hold_against(
    who: &str,
    api: &Api,
    things: &Things,
    issuer: &str,
    may: impl Fn(&Operation) -> bool,
) {
    for operation in OPERATIONS {
        let reply = api.send(things.request(operation, issuer)).await;
        assert_eq!(
            !is_refused(&reply, issuer),
            may(operation),
            "{who}: {} at {issuer}: {}",
            operation.id,
            *reply
        );
        assert_ne!(reply.status, 503, "{who}: {}: {}", operation.id, *reply);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn nobody_gets_in_without_a_token_of_the_console() {
    let fixture = Fixture::start().await;
    let peer = fixture.peer();
    let things = Things::of(&Api::at(peer, "clinic").await, "clinic").await;
    let clinics = Vendor::of("clinic").token(&peer).await;
    let mut tampered = Api::at(peer, "clinic").await.token.unwrap();
    let last = tampered.pop().unwrap();
    tampered.push(if last == 'A' { 'B' } else { 'A' });
    for (who, api) in [
        ("no token", Api::anonymous(peer)),
        ("garbage", Api::with_token(peer, "garbage")),
        ("clinic's own", Api::with_token(peer, &clinics)),
        ("a broken one", Api::with_token(peer, &tampered)),
    ] {
        for operation in OPERATIONS {
            let reply = api.send(things.request(operation, "clinic")).await;
            assert_eq!(reply.status, 401, "{who}: {}: {}", operation.id, *reply);
        }
    }
    // What is not there is nobody's business either.
    Api::anonymous(peer).get("/nothing").await.is(401);
    let api = Api::at(peer, "clinic").await;
    fixture
        .clock
        .advance(std::time::Duration::from_secs(7 * 24 * 3600));
    let reply = api.get("/issuers").await;
    reply.problem(401, "unauthorized");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_does_what_its_scopes_say_where_it_is_for() {
    let fixture = Fixture::start().await;
    let peer = fixture.peer();
    let things = Things::of(&Api::at(peer, "clinic").await, "clinic").await;
    let audience = issuer_audience("clinic");
    let readers: Vec<Permission> = Permission::OF_AN_ISSUER
        .into_iter()
        .filter(|permission| permission.as_str().ends_with(":read"))
        .collect();
    let mut sets = vec![readers, Permission::OF_AN_ISSUER.to_vec()];
    sets.extend(Permission::OF_AN_ISSUER.map(|permission| vec![permission]));
    for permissions in sets {
        let names: Vec<&str> = permissions.iter().map(|one| one.as_str()).collect();
        let api = Api::narrow(peer, &audience, Some(&names.join(" "))).await;
        let who = names.join(" ");
        hold_against(&who, &api, &things, "clinic", |operation| {
            may(operation, Some("clinic"), &permissions, "clinic")
        })
        .await;
    }
    // Worthless at another issuer, and at the console.
    let api = Api::at(peer, "photon").await;
    for issuer in ["clinic", "console"] {
        hold_against("photon's", &api, &things, issuer, |operation| {
            operation.id == "listIssuers"
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_token_for_the_server_is_for_no_issuer() {
    let fixture = Fixture::start().await;
    let peer = fixture.peer();
    let clinic = Things::of(&Api::at(peer, "clinic").await, "clinic").await;
    let console = Things::of(&Api::at_server(peer).await, "console").await;
    let mut sets = vec![Permission::OF_THE_SERVER.to_vec()];
    sets.extend(Permission::OF_THE_SERVER.map(|permission| vec![permission]));
    for permissions in sets {
        let names: Vec<&str> = permissions.iter().map(|one| one.as_str()).collect();
        let who = names.join(" ");
        let api = Api::narrow(peer, SERVER_AUDIENCE, Some(&who)).await;
        for (issuer, things) in [("clinic", &clinic), ("console", &console)] {
            hold_against(&who, &api, things, issuer, |operation| {
                // The console is no issuer that is listed.
                let is_console = operation.id == "getIssuer" && issuer == "console";
                !is_console && may(operation, None, &permissions, issuer)
            })
            .await;
        }
    }
}

#[tokio::test]
async fn no_token_is_for_two_audiences() {
    let fixture = Fixture::start().await;
    let both = format!(
        "grant_type=client_credentials&resource={}&resource={SERVER_AUDIENCE}",
        issuer_audience("clinic")
    );
    let request = Request::post("/console/oauth2/token")
        .basic("admin-api", "admin-api-secret")
        .form(both);
    fixture.send(request).await.refused(400, "invalid_target");
}

/// An application with which administrators use the admin API.
async fn application(fixture: &Fixture) -> App {
    let server = Api::at_server(fixture.peer()).await;
    let grants: Vec<_> = [
        SERVER_AUDIENCE.to_owned(),
        issuer_audience("clinic"),
        issuer_audience("photon"),
    ]
    .iter()
    .map(|audience| json!({ "audience": audience, "scopes": "all" }))
    .collect();
    let client = json!({
        "client_id": "desk", "kind": "web", "client_secret": "desk-holds-this-secret",
        "redirect_uris": ["http://localhost:3000/callback"], "first_party": true, "grants": grants,
    });
    server
        .post("/issuers/console/clients", &client)
        .await
        .is(201);
    App {
        secret: Some("desk-holds-this-secret".to_owned()),
        ..App::new("console", "desk", STANDARD)
    }
}

async fn token_of(app: &App, fixture: &Fixture, username: &str, audience: &str) -> Api {
    let mut person = Person::new(fixture.peer(), username);
    let permissions = if audience == SERVER_AUDIENCE {
        Permission::OF_THE_SERVER.as_slice()
    } else {
        Permission::OF_AN_ISSUER.as_slice()
    };
    let scope: Vec<&str> = permissions.iter().map(|one| one.as_str()).collect();
    let scope = scope.join(" ");
    let more = [("scope", scope.as_str()), ("resource", audience)];
    let tokens = app.tokens(&mut person, &more).await;
    Api::with_token(fixture.peer(), &tokens.access_token)
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn an_administrator_may_do_what_their_role_holds() {
    let fixture = Fixture::start().await;
    let peer = fixture.peer();
    let app = application(&fixture).await;
    let server = Api::at_server(peer).await;
    let local = json!({ "username": "local", "password": "quite a long one, truly", "roles": ["manager:clinic"] });
    server.post("/issuers/console/users", &local).await.is(201);
    let things = Things::of(&Api::at(peer, "clinic").await, "clinic").await;
    for (username, role) in [
        ("admin", AdminRole::Owner),
        ("manager", AdminRole::Manager),
        ("auditor", AdminRole::Auditor),
    ] {
        let held: Vec<Permission> = Permission::OF_AN_ISSUER
            .into_iter()
            .filter(|permission| role.holds(*permission))
            .collect();
        let api = token_of(&app, &fixture, username, &issuer_audience("clinic")).await;
        hold_against(username, &api, &things, "clinic", |operation| {
            may(operation, Some("clinic"), &held, "clinic")
        })
        .await;
        let held: Vec<Permission> = Permission::OF_THE_SERVER
            .into_iter()
            .filter(|permission| role.holds(*permission))
            .collect();
        let api = token_of(&app, &fixture, username, SERVER_AUDIENCE).await;
        for issuer in ["clinic", "console"] {
            hold_against(username, &api, &things, issuer, |operation| {
                let is_console = operation.id == "getIssuer" && issuer == "console";
                !is_console && may(operation, None, &held, issuer)
            })
            .await;
        }
    }
    let mut local = Person::new(peer, "local");
    local.password = "quite a long one, truly".to_owned();
    let scope = "clients:read clients:write keys:write";
    for (issuer, status) in [("clinic", 200), ("photon", 404)] {
        let audience = issuer_audience(issuer);
        let more = [("scope", scope), ("resource", audience.as_str())];
        let callback = app.callback(&mut local, &more).await;
        let Some(code) = callback.find("code") else {
            // Nothing at all is theirs there.
            assert_eq!(issuer, "photon");
            continue;
        };
        let token = app.redeem(peer, code).await.access_token();
        let api = Api::with_token(peer, &token);
        api.get(&format!("/issuers/{issuer}/clients"))
            .await
            .is(status);
        let keys = format!("/issuers/{issuer}/keys");
        let reply = api.post(&keys, &json!({ "alg": "ES256" })).await;
        assert!([403, 404].contains(&reply.status), "{}", *reply);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn whoever_loses_a_role_loses_what_their_tokens_were_good_for() {
    let fixture = Fixture::start().await;
    let peer = fixture.peer();
    let app = application(&fixture).await;
    let server = Api::at_server(peer).await;
    let api = token_of(&app, &fixture, "manager", &issuer_audience("clinic")).await;
    api.get("/issuers/clinic/clients").await.is(200);
    let id = server
        .id_of("/issuers/console/users", "username", "manager")
        .await;
    let path = format!("/issuers/console/users/{id}");

    server
        .patch(&path, &json!({ "roles": ["auditor"] }))
        .await
        .is(200);
    api.get("/issuers/clinic/clients").await.is(200);
    let reply = api.post("/issuers/clinic/clients", &json!({})).await;
    assert_eq!(
        reply.problem(403, "forbidden")["permission"],
        "clients:write"
    );

    server.patch(&path, &json!({ "roles": [] })).await.is(200);
    api.get("/issuers/clinic/clients")
        .await
        .problem(404, "not_found");
    assert_eq!(api.get("/issuers").await.json()["items"], json!([]));

    server
        .patch(&path, &json!({ "roles": ["manager"] }))
        .await
        .is(200);
    api.get("/issuers/clinic/clients").await.is(200);
    server
        .patch(&path, &json!({ "blocked": true }))
        .await
        .is(200);
    api.get("/issuers/clinic/clients").await.is(401);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_loses_what_its_grant_loses() {
    let fixture = Fixture::start().await;
    let peer = fixture.peer();
    let server = Api::at_server(peer).await;
    let audience = issuer_audience("clinic");
    let client = json!({
        "client_id": "robot", "kind": "machine", "client_secret": "a-robot-has-this-secret",
        "grants": [{ "audience": audience, "scopes": ["clients:read", "users:read"] }],
    });
    server
        .post("/issuers/console/clients", &client)
        .await
        .is(201);
    let request = || token_request("robot", "a-robot-has-this-secret", &audience, None);
    let token = peer.send(request()).await.access_token();
    let robot = Api::with_token(peer, &token);
    robot.get("/issuers/clinic/users").await.is(200);

    let path = "/issuers/console/clients/robot";
    let grants = json!({ "grants": [{ "audience": audience, "scopes": ["clients:read"] }] });
    server.patch(path, &grants).await.is(200);
    robot
        .get("/issuers/clinic/users")
        .await
        .problem(403, "forbidden");
    robot.get("/issuers/clinic/clients").await.is(200);

    server
        .change("POST", &format!("{path}/disable"), None)
        .await
        .is(200);
    robot.get("/issuers/clinic/clients").await.is(401);
    server
        .change("POST", &format!("{path}/enable"), None)
        .await
        .is(200);
    robot.get("/issuers/clinic/clients").await.is(200);
    server.delete(&format!("{path}?force=true")).await.is(204);
    robot.get("/issuers/clinic/clients").await.is(401);
}
