//! What must hold whatever happens: the invariants of the design that apply to machine tokens, by
//! their names, on both engines and under concurrency.

use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use futures_util::future::{BoxFuture, join_all};
use futures_util::{FutureExt, StreamExt, stream};
use locum::clock::Timestamp;
use locum::issuer::{
    Api, Client, ClientGrant, ClientKind, ClientMetadata, GrantedScope, IssuerId, RegisteredBy,
};
use locum::protocol::{GrantType, Scope};
use locum::secret::{Secret, SecretHash};
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};

use crate::support::database::{Database, on_engines};
use crate::support::html::Form;
use crate::support::http::{Answer, Peer, Request};
use crate::support::jwt::Jwt;
use crate::support::program::{Program, locum};
use crate::support::servers::{BEGINNING, DIALECTS, Fixture, VENDORS, Vendor, issuer_of};
use crate::support::user::{App, Callback, Person, STANDARD, Tokens, form};

/// Where a dialect's endpoints are, and what its machine says to get a token.
struct Paths {
    dialect: &'static str,
    token: &'static str,
    introspect: Option<&'static str>,
    revoke: Option<&'static str>,
    parameters: &'static str,
}

const PATHS: [Paths; 6] = [
    Paths {
        dialect: "standard",
        token: "/oauth2/token",
        introspect: Some("/oauth2/introspect"),
        revoke: Some("/oauth2/revoke"),
        parameters: "&scope=read",
    },
    Paths {
        dialect: "auth0",
        token: "/oauth/token",
        introspect: None,
        revoke: Some("/oauth/revoke"),
        parameters: "&scope=read&audience=https://api.example",
    },
    Paths {
        dialect: "hydra",
        token: "/oauth2/token",
        introspect: Some("/oauth2/introspect"),
        revoke: Some("/oauth2/revoke"),
        parameters: "&scope=read",
    },
    Paths {
        dialect: "pattern",
        token: "/api/auth/token",
        introspect: None,
        revoke: None,
        parameters: "",
    },
    Paths {
        dialect: "identityserver",
        token: "/connect/token",
        introspect: Some("/connect/introspect"),
        revoke: Some("/connect/revocation"),
        parameters: "&scope=read",
    },
    Paths {
        dialect: "identityserver4",
        token: "/connect/token",
        introspect: Some("/connect/introspect"),
        revoke: Some("/connect/revocation"),
        parameters: "&scope=read",
    },
];

fn post(issuer: &str, path: &str, secret: &str, form: String) -> Request {
    Request::post(&format!("/{issuer}{path}"))
        .basic("machine", secret)
        .form(form)
}

fn forward_auth(issuer: &str, token: &str) -> Request {
    Request::get(&format!("/{issuer}/forward-auth")).bearer(token)
}

async fn is_active(peer: Peer, issuer: &str, path: &str, secret: &str, token: &str) -> bool {
    let request = post(issuer, path, secret, format!("token={token}"));
    let answer = peer.send(request).await;
    answer.is(200).json()["active"].as_bool().unwrap()
}

// ------------------------------------------------------------------------- nothing_crosses_issuers

on_engines! { all:
    /// Each dialect twice: the same client ID, the same APIs, another secret.
    async fn nothing_crosses_issuers(database: Database) {
        let config: String = PATHS.iter().map(|paths| {
            let dialect = paths.dialect;
            let right = issuer_of(&format!("right-{dialect}"), dialect)
                .replace("\"machine-secret\"", "\"right-machine-secret\"");
            issuer_of(&format!("left-{dialect}"), dialect) + &right
        }).collect();
        let locum = Fixture::with(|builder| {
            builder.config(config, ".").database_url(&database.url)
        }).await;
        let peer = locum.peer();

        let issuers: Vec<(String, &str, &Paths)> = PATHS.iter().flat_map(|paths| [
            (format!("left-{}", paths.dialect), "machine-secret", paths),
            (format!("right-{}", paths.dialect), "right-machine-secret", paths),
        ]).collect();
        let mut pairs: Vec<BoxFuture<'_, ()>> = Vec::new();
        for own in &issuers {
            for other in issuers.iter().filter(|other| other.0 != own.0) {
                pairs.push(does_not_cross(peer, own, other).boxed());
            }
        }
        // A few at once: more secrets to check than that, and the server asks for patience.
        stream::iter(pairs).buffer_unordered(8).collect::<Vec<()>>().await;
    }
}

type Side<'a> = (String, &'a str, &'a Paths);

async fn does_not_cross(peer: Peer, own: &Side<'_>, other: &Side<'_>) {
    let (name, secret, paths) = own;
    let (there, secret_there, paths_there) = other;
    let form = format!("grant_type=client_credentials{}", paths.parameters);
    let token = peer
        .send(post(name, paths.token, secret, form))
        .await
        .access_token();
    peer.send(forward_auth(name, &token)).await.is(200);

    // The token is worthless at the other one, and cannot be revoked there.
    peer.send(forward_auth(there, &token)).await.is(401);
    if let Some(introspect) = paths_there.introspect {
        assert!(!is_active(peer, there, introspect, secret_there, &token).await);
    }
    if let Some(revoke) = paths_there.revoke {
        let request = post(there, revoke, secret_there, format!("token={token}"));
        peer.send(request).await.is(200);
        peer.send(forward_auth(name, &token)).await.is(200);
    }
    // So is the client, where its secret is another.
    if secret != secret_there {
        let form = format!("grant_type=client_credentials{}", paths_there.parameters);
        let answer = peer
            .send(post(there, paths_there.token, secret, form))
            .await;
        assert!(
            [400, 401].contains(&answer.status),
            "{name} at {there}: {answer}"
        );
    }
}

// ------------------------------------------------------------------------- scope_never_grows

/// What a client was granted and what it asks for.
#[derive(Debug, Clone)]
struct Case {
    kind: ClientKind,
    at_api: Option<Vec<&'static str>>,
    at_other: Option<Vec<&'static str>>,
    /// A grant of everything, instead of those names.
    is_all: bool,
    requested: Vec<&'static str>,
    audience: Option<&'static str>,
}

fn case() -> impl Strategy<Value = Case> {
    let kind = prop::sample::select(vec![ClientKind::Machine, ClientKind::Web]);
    // A store can hold what `locum check` would refuse, so this does too.
    let at_api = prop::sample::subsequence(vec!["read", "write", "prescribe", "ghost"], 0..=4);
    let at_other = prop::sample::subsequence(vec!["other", "read"], 0..=2);
    let names = vec!["read", "write", "prescribe", "other", "ghost", "admin"];
    let requested = prop_oneof![
        1 => Just(Vec::new()),
        3 => prop::sample::subsequence(names, 1..=3),
    ];
    let audience = prop::option::of(prop::sample::select(vec![
        "https://api.example",
        "https://other.example",
        "https://api.example/below",
    ]));
    let granted = (
        prop::option::weighted(0.9, at_api),
        prop::option::of(at_other),
        prop::bool::weighted(0.2),
    );
    (kind, granted, requested, audience).prop_map(
        |(kind, (at_api, at_other, is_all), requested, audience)| Case {
            kind,
            at_api,
            at_other,
            is_all,
            requested,
            audience,
        },
    )
}

on_engines! { all:
    async fn scope_never_grows(database: Database) {
        let config = DIALECTS.map(|dialect| issuer_of(dialect, dialect)).concat();
        let locum = Fixture::with(|builder| {
            builder.config(config, ".").database_url(&database.url)
        }).await;
        let mut issuers = Vec::new();
        for paths in &PATHS {
            let issuer = locum.locum.store.find_issuer(paths.dialect).await.unwrap().unwrap();
            let id = issuer.id;
            let apis = locum.locum.store.list_apis(id).await.unwrap();
            issuers.push((paths, id, apis));
        }
        let counts = Mutex::new((0, 0));
        let handle = tokio::runtime::Handle::current();
        let config = Config { cases: 40, failure_persistence: None, ..Config::default() };
        tokio::task::block_in_place(|| {
            TestRunner::new(config).run(&case(), |case| {
                let tried = issuers.iter().map(|(paths, id, apis)| {
                    try_case(&locum, paths, *id, apis, &case)
                });
                for outcome in handle.block_on(join_all(tried)) {
                    let mut counts = counts.lock().unwrap();
                    match outcome? {
                        true => counts.0 += 1,
                        false => counts.1 += 1,
                    }
                }
                Ok(())
            })
        })
        .unwrap_or_else(|error| panic!("{error}"));
        let (granted, refused) = *counts.lock().unwrap();
        assert!(granted > 40 && refused > 40, "{granted} granted, {refused} refused");
    }
}

/// Makes the client of the case at one issuer, asks, and looks at what the token may do. Whether
/// there was a token.
async fn try_case(
    locum: &Fixture,
    paths: &Paths,
    issuer: IssuerId,
    apis: &[Api],
    case: &Case,
) -> Result<bool, TestCaseError> {
    let client = client_of(case, apis);
    let mut tx = locum.locum.store.write().await.unwrap();
    let now = Timestamp::from_unix(BEGINNING);
    let inserted = tx.insert_client(issuer, &client, RegisteredBy::Api, None, now);
    assert!(inserted.await.unwrap());
    tx.commit().await.unwrap();

    let mut form = "grant_type=client_credentials".to_owned();
    if !case.requested.is_empty() {
        form.push_str(&format!("&scope={}", case.requested.join("+")));
    }
    if let Some(audience) = case.audience {
        form.push_str(&format!("&audience={audience}"));
    }
    let request = Request::post(&format!("/{}{}", paths.dialect, paths.token))
        .basic(&client.client_id, "a-secret")
        .form(form);
    let answer = locum.send(request).await;
    prop_assert!(answer.status < 500, "{answer}");
    if answer.status != 200 {
        return Ok(false);
    }

    // Not from the answer but from what the token is worth.
    let token = answer.access_token();
    let worth = locum.send(forward_auth(paths.dialect, &token)).await;
    let of_token = words(worth.is(200).header("x-auth-scope").unwrap());
    if let Some(told) = answer.json()["scope"].as_str() {
        prop_assert_eq!(words(told), of_token.clone(), "the answer tells the truth");
    }
    let requested: BTreeSet<String> = case.requested.iter().map(|s| (*s).to_owned()).collect();
    if !requested.is_empty() && paths.dialect != "pattern" {
        prop_assert!(of_token.is_subset(&requested), "{of_token:?} of {case:?}");
    }
    let audience = words(worth.header("x-auth-audience").unwrap());
    let meant = |api: &&Api| {
        let below = |own: &String| own.starts_with(&api.audience) || own.ends_with("/resources");
        audience.is_empty() || audience.iter().any(below)
    };
    let allowed: BTreeSet<String> = apis
        .iter()
        .filter(meant)
        .flat_map(|api| allowed(case, api))
        .collect();
    prop_assert!(
        of_token.is_subset(&allowed),
        "{of_token:?} of {allowed:?}: {case:?}"
    );
    Ok(true)
}

fn words(text: &str) -> BTreeSet<String> {
    text.split_whitespace().map(str::to_owned).collect()
}

fn names_at<'a>(case: &'a Case, api: &Api) -> Option<&'a Vec<&'static str>> {
    if api.audience == "https://api.example" {
        case.at_api.as_ref()
    } else {
        case.at_other.as_ref()
    }
}

fn client_of(case: &Case, apis: &[Api]) -> Client {
    let grants = apis.iter().filter_map(|api| {
        let names = names_at(case, api)?;
        let only = || GrantedScope::Only(Scope::from_tokens(names.iter().copied()).unwrap());
        Some(ClientGrant {
            api_id: api.id,
            scope: if case.is_all {
                GrantedScope::All
            } else {
                only()
            },
        })
    });
    Client {
        client_id: uuid::Uuid::new_v4().to_string(),
        client_name: "of one case".to_owned(),
        kind: case.kind,
        secret_hash: Some(SecretHash::sha256(&Secret::new("a-secret"))),
        previous_secret: None,
        is_disabled: false,
        token_endpoint_auth_method: None,
        grant_types: vec![GrantType::ClientCredentials],
        redirect_uris: Vec::new(),
        grants: grants.collect(),
        metadata: ClientMetadata::default(),
    }
}

/// What a machine may have at an API: the grant, of what the API has, for anybody but users.
fn allowed(case: &Case, api: &Api) -> Vec<String> {
    let Some(names) = names_at(case, api) else {
        return Vec::new();
    };
    api.scopes
        .iter()
        .filter(|scope| !scope.users_only)
        .filter(|scope| case.is_all || names.contains(&scope.name.as_str()))
        .map(|scope| scope.name.clone())
        .collect()
}

// ------------------------------------------------------------------------- revoked_means_inactive

/// Issuers whose tokens are kept, signed with RSA, and signed with ECDSA.
const REVOCABLE: &str = r#"
    [[issuer]]
    name = "revocable"
    dialect = "standard"

    [[issuer.api]]
    audience = "https://rs256.example"
    scopes = ["read"]

    [[issuer.api]]
    audience = "https://es256.example"
    signing_alg = "ES256"
    scopes = ["read"]

    [[issuer.api]]
    audience = "https://opaque.example"
    token_format = "opaque"
    scopes = ["read"]

    [[issuer.client]]
    client_id = "machine"
    client_secret = "machine-secret"
    kind = "machine"
    grant = [
        { audience = "https://rs256.example", scopes = "all" },
        { audience = "https://es256.example", scopes = "all" },
        { audience = "https://opaque.example", scopes = "all" },
    ]

    [[issuer.resource]]
    path = "/resource"
    scope = "read"
    body = "{}"
"#;

/// Whether introspection, forward-auth and the resource let the token in; they must agree.
async fn is_alive(peer: Peer, token: &str) -> bool {
    let resource = Request::get("/revocable/resource").bearer(token);
    let (introspection, forward_auth, resource) = futures_util::join!(
        is_active(
            peer,
            "revocable",
            "/oauth2/introspect",
            "machine-secret",
            token
        ),
        peer.send(forward_auth("revocable", token)),
        peer.send(resource),
    );
    let outcomes = [
        introspection,
        forward_auth.status == 200,
        resource.status == 200,
    ];
    assert!(
        outcomes == [true; 3] || outcomes == [false; 3],
        "they do not agree: {outcomes:?}"
    );
    outcomes[0]
}

async fn revocable_token(peer: Peer, kind: &str) -> String {
    let form = format!("grant_type=client_credentials&resource=https://{kind}.example");
    let request = post("revocable", "/oauth2/token", "machine-secret", form);
    peer.send(request).await.access_token()
}

async fn revoke(peer: Peer, token: &str) -> Answer {
    let form = format!("token={token}");
    let request = post("revocable", "/oauth2/revoke", "machine-secret", form);
    peer.send(request).await
}

on_engines! { all:
    async fn revoked_means_inactive(database: Database) {
        let locum = Fixture::with(|builder| {
            builder.config(REVOCABLE, ".").database_url(&database.url)
        }).await;
        let peer = locum.peer();
        for kind in ["rs256", "es256", "opaque"] {
            let (token, kept) = (
                revocable_token(peer, kind).await,
                revocable_token(peer, kind).await,
            );
            assert!(is_alive(peer, &token).await && is_alive(peer, &kept).await);

            // Many ask while it is being revoked, several times at once.
            let asking = (0..10).map(|_| forwarded(peer, &token).boxed());
            let revoking = (0..5).map(|_| revoked(peer, &token).boxed());
            join_all(asking.chain(revoking)).await;
            assert!(!is_alive(peer, &token).await, "{kind}");
            assert!(is_alive(peer, &kept).await, "{kind}");
        }
    }

    /// An ECDSA signature (r, s) has a twin (r, n - s) that verifies as well.
    async fn revoked_means_inactive_under_another_signature(database: Database) {
        let locum = Fixture::with(|builder| {
            builder.config(REVOCABLE, ".").database_url(&database.url)
        }).await;
        let token = revocable_token(locum.peer(), "es256").await;
        let jwt = Jwt::parse(&token);
        let (r, s) = jwt.signature.split_at(32);
        let twin = jwt.signed_with(&[r, &order_less(s)].concat());
        assert_ne!(twin, token);
        assert!(is_alive(locum.peer(), &twin).await, "a twin is a signature");

        revoke(locum.peer(), &token).await.is(200);
        assert!(!is_alive(locum.peer(), &token).await);
        assert!(!is_alive(locum.peer(), &twin).await);
    }
}

async fn forwarded(peer: Peer, token: &str) {
    let answer = peer.send(forward_auth("revocable", token)).await;
    assert!([200, 401].contains(&answer.status), "{answer}");
}

async fn revoked(peer: Peer, token: &str) {
    revoke(peer, token).await.is(200);
    assert!(!is_alive(peer, token).await, "it was acknowledged");
}

/// `n - s`, where `n` is the order of P-256 (SEC 2 §2.4.2), in big-endian bytes.
fn order_less(s: &[u8]) -> Vec<u8> {
    const ORDER: [u8; 32] = [
        0xff, 0xff, 0xff, 0xff, 0x00, 0x00, 0x00, 0x00, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff,
        0xff, 0xbc, 0xe6, 0xfa, 0xad, 0xa7, 0x17, 0x9e, 0x84, 0xf3, 0xb9, 0xca, 0xc2, 0xfc, 0x63,
        0x25, 0x51,
    ];
    let mut borrow = 0;
    let mut difference: Vec<u8> = ORDER
        .iter()
        .zip(s)
        .rev()
        .map(|(n, s)| {
            let digit = i16::from(*n) - i16::from(*s) - borrow;
            borrow = i16::from(digit < 0);
            u8::try_from(digit + 256 * borrow).unwrap()
        })
        .collect();
    difference.reverse();
    difference
}

on_engines! { persistent:
    /// Two programs behind one name, as behind a balancer.
    async fn revoked_means_inactive_on_every_node(database: Database) {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("locum.toml");
        std::fs::write(&config, REVOCABLE).unwrap();
        let nodes: Vec<(Program, Peer)> = (0..2).map(|_| {
            let port = free_port();
            let mut command = locum(["dev", "--json", "--public-url", "https://id.example"]);
            command.args(["--listen", &format!("127.0.0.1:{port}")]);
            command.arg("--config").arg(&config).env("LOCUM_DATABASE_URL", &database.url);
            (Program::start(command), Peer { port })
        }).collect();
        let (one, two) = (nodes[0].1, nodes[1].1);
        for kind in ["rs256", "es256", "opaque"] {
            let token = revocable_token(one, kind).await;
            assert!(is_alive(two, &token).await, "{kind}");
            revoke(two, &token).await.is(200);
            assert!(!is_alive(one, &token).await, "{kind}");
        }
    }
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

// ------------------------------------------------------------------------- secrets_do_not_leak

on_engines! { persistent:
    /// The real program, saying all it has to say, is given every kind of secret in every way.
    async fn secrets_do_not_leak(database: Database) {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("locum.toml");
        let issuers = [issuer_of("own", "standard"), issuer_of("own-hydra", "hydra"), PEOPLE.to_owned()];
        std::fs::write(&config, issuers.concat()).unwrap();
        // The private cluster of the tests trusts everybody, so any password will do.
        let url = database.url.replace("locum@", "locum:database-password-secret@");
        let mut command = locum(["dev", "--json", "--listen", "127.0.0.1:0"]);
        command
            .arg("--config").arg(&config)
            .env("LOCUM_DATABASE_URL", url)
            .env("LOCUM_SECRET_KEY", "sealing-key-secret")
            .env("LOCUM_LOG", "trace");
        let program = Program::start(command);
        let mut secrets = vec![
            "machine-secret".to_owned(),
            "web-secret".to_owned(),
            "wrong-secret".to_owned(),
            "misplaced-secret".to_owned(),
            "sealing-key-secret".to_owned(),
            "database-password-secret".to_owned(),
            "a-persons-secret".to_owned(),
            "a-mistyped-secret".to_owned(),
            "a-new-persons-secret".to_owned(),
        ];
        secrets.extend(VENDORS.iter().map(Vendor::client_secret));
        secrets.extend(tokens_of_a_busy_day(program.peer).await);
        secrets.extend(secrets_of_signing_in(program.peer).await);

        let demo_secrets: Vec<String> = program.ready["issuers"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|issuer| issuer["clients"].as_array().unwrap())
            .filter_map(|client| client["client_secret"].as_str().map(str::to_owned))
            .collect();
        let said = program.terminate();
        for path in ["/oauth2/token", "/people/sign-in", "/people/account/password"] {
            assert!(said.stderr.contains(path), "it logs at all: {said:?}");
        }
        for secret in &secrets {
            assert_is_not_in(&said.stderr, secret);
        }
        // The ready line has the demo secrets, which are none, and no others.
        let mut ready_line = said.stdout.clone();
        for demo in demo_secrets {
            ready_line = ready_line.replace(&demo, "");
        }
        for secret in &secrets {
            assert_is_not_in(&ready_line, secret);
        }
    }
}

/// Uses every endpoint rightly and wrongly; gives the tokens that came of it.
async fn tokens_of_a_busy_day(peer: Peer) -> Vec<String> {
    let mut tokens = Vec::new();
    for vendor in &VENDORS {
        let token = vendor.token(&peer).await;
        peer.send(vendor.resource_request(&token)).await.is(200);
        peer.send(vendor.forward_auth(&token)).await.is(200);
        tokens.push(token);
    }
    for (issuer, form) in [
        ("own", "grant_type=client_credentials"),
        ("own-hydra", "grant_type=client_credentials&scope=read"),
    ] {
        let at = |path: &str| format!("/{issuer}/oauth2/{path}");
        let right = Request::post(&at("token")).basic("machine", "machine-secret");
        let token = peer.send(right.form(form)).await.access_token();
        for (id, secret) in [
            ("machine", "machine-secret"),
            ("machine", "wrong-secret"),
            ("web", "web-secret"),
            ("nobody", "wrong-secret"),
        ] {
            for path in ["token", "introspect", "revoke"] {
                let asked = format!("{form}&token={token}");
                let header = Request::post(&at(path)).basic(id, secret).form(&asked);
                let body = format!("{asked}&client_id={id}&client_secret={secret}");
                let both = header.clone();
                peer.send(header).await;
                peer.send(Request::post(&at(path)).form(&body)).await;
                peer.send(both.header("X-Secret", "misplaced-secret")).await;
                // Cut off, repeated, and of a type that nobody reads.
                peer.send(Request::post(&at(path)).form(format!("{body}&client_secret={secret}")))
                    .await;
                peer.send(Request::post(&at(path)).form(format!("{body}%")))
                    .await;
                peer.send(
                    Request::post(&at(path)).json(format!("{{\"client_secret\":\"{secret}\",")),
                )
                .await;
            }
        }
        // In the address, where a browser's history or a proxy's log would have them too.
        let query = format!("?access_token={token}&client_secret=misplaced-secret");
        for path in ["token", "introspect", "nowhere"] {
            peer.send(Request::get(&format!("{}{query}", at(path))))
                .await;
            peer.send(Request::post(&format!("{}{query}", at(path))).form("a=b"))
                .await;
        }
        peer.send(Request::get("/own/forward-auth").basic("machine", "machine-secret"))
            .await;
        peer.send(Request::get(&format!("/{issuer}/forward-auth{query}")))
            .await;
        tokens.push(token);
    }
    tokens
}

/// Somebody with a password of their own, and a client for them.
const PEOPLE: &str = r#"
    [[issuer]]
    name = "people"
    dialect = "standard"
    signing_algs = ["ES256"]

    [[issuer.client]]
    client_id = "web"
    client_secret = "web-secret"
    kind = "web"
    redirect_uris = ["http://localhost:3000/callback"]
    backchannel_logout_uri = "http://127.0.0.1:9/nobody-listens"

    [[issuer.user]]
    username = "ada"
    password = "a-persons-secret"
"#;

/// Signs somebody in, rightly and wrongly; gives every code, token, cookie and ticket of it.
async fn secrets_of_signing_in(peer: Peer) -> Vec<String> {
    let app = App::confidential("people", "web", STANDARD);
    let mut person = Person::new(peer, "ada");
    let mut secrets = Vec::new();
    let url = app.authorization(&[("scope", "openid offline_access"), ("nonce", "n")]);
    let page = person.visit(&url).await;
    let hidden = |page: &Answer, secrets: &mut Vec<String>| {
        for form in Form::all(&page.body) {
            for name in ["csrf", "ticket"] {
                let found = form.fields.iter().find(|(known, _)| known == name);
                secrets.extend(found.map(|(_, value)| value.clone()));
            }
        }
    };
    hidden(&page, &mut secrets);
    person.password = "a-mistyped-secret".to_owned();
    person.submit_sign_in(&page).await.is(401);
    person.password = "a-persons-secret".to_owned();
    let page = person.sign_in(&page).await;
    hidden(&page, &mut secrets);
    let answer = person.go_through(page).await;
    let code = Callback::of(&answer).get("code").to_owned();
    let answer = app.redeem(peer, &code).await;
    let tokens = Tokens::of(&answer);
    let refreshed = Tokens::of(&app.refresh(peer, tokens.refresh()).await);
    app.userinfo(peer, &tokens.access_token).await.is(200);
    app.introspect(peer, refreshed.refresh()).await;
    let cookies = |person: &Person| {
        let held = person.cookies.iter();
        let held = held.filter(|(name, _)| !name.contains("state"));
        held.map(|(_, value)| value.clone()).collect::<Vec<_>>()
    };
    secrets.extend(cookies(&person));

    // Used again, used wrongly, and where they have no business.
    app.redeem(peer, &code).await.is(400);
    app.refresh(peer, tokens.refresh()).await.is(400);
    app.revoke(peer, refreshed.refresh()).await;
    for secret in [&code, tokens.refresh(), tokens.id(), &tokens.access_token] {
        for path in ["authorize", "userinfo", "logout", "token"] {
            let query = form(&[
                ("id_token_hint", secret),
                ("code", secret),
                ("state", secret),
            ]);
            person.get(&format!("/people/oauth2/{path}?{query}")).await;
        }
        person
            .get(&format!("/people/sign-in?ticket={secret}"))
            .await;
        app.userinfo(peer, secret).await;
    }
    // One of them was a good hint to sign out with.
    person.sign_in_at("people").await;
    secrets.extend(cookies(&person));
    let page = person.visit("/people/account/password").await;
    hidden(&page, &mut secrets);
    let mut change = Form::all(&page.body)[0].clone();
    for (field, value) in [
        ("current_password", "a-mistyped-secret"),
        ("new_password", "a-new-persons-secret"),
        ("repeated_password", "a-new-persons-secret"),
    ] {
        change.fill(field, value);
    }
    person.post(&change.action, &change.fields).await.is(403);
    change.fill("current_password", "a-persons-secret");
    person.post(&change.action, &change.fields).await.is(303);
    let page = person.visit("/people/sign-out").await;
    let confirm = Form::with_button(&page.body, "sign-out-confirm").unwrap();
    person.press(&confirm, "sign-out-confirm").await.is(200);

    secrets.push(code);
    for tokens in [tokens, refreshed] {
        secrets.extend(tokens.refresh_token.clone());
        secrets.extend(tokens.id_token.clone());
        secrets.push(tokens.access_token);
    }
    secrets
}

fn assert_is_not_in(text: &str, secret: &str) {
    // Also as it travels in a Basic header, whose three alignments share no text.
    let padded = ["", "m", "ma"].map(|before| {
        let encoded = BASE64.encode(format!("{before}{secret}"));
        encoded[4..encoded.len() - 4].to_owned()
    });
    let forms = padded.iter().map(String::as_str).chain([secret]);
    for form in forms {
        if let Some(line) = text.lines().find(|line| line.contains(form)) {
            panic!("{secret} is in {line:.400}");
        }
    }
}

// ------------------------------------------------------------------------- acknowledged_means_durable

on_engines! { persistent:
    /// Killed in the middle of its work, the program has kept all that it acknowledged.
    async fn acknowledged_means_durable(database: Database) {
        let start = || {
            let mut command = locum(["dev", "--json", "--listen", "127.0.0.1:0"]);
            command.env("LOCUM_DATABASE_URL", &database.url);
            Program::start(command)
        };
        let program = start();
        let acknowledged = Arc::new(Mutex::new(Acknowledged::default()));
        let clients: Vec<_> = (0..8).map(|_| {
            tokio::spawn(work_until_it_dies(program.peer, acknowledged.clone()))
        }).collect();
        while acknowledged.lock().unwrap().tokens.len() < 400 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
        program.kill();
        for client in clients {
            client.await.unwrap();
        }

        let program = start();
        let acknowledged = acknowledged.lock().unwrap().clone();
        assert!(acknowledged.revoked.len() > 20);
        let peer = program.peer;
        for (tokens, is_active) in [(&acknowledged.tokens, true), (&acknowledged.revoked, false)] {
            for some in tokens.chunks(32) {
                let looked_up = some.iter().map(|token| introspect_at_medblocks(peer, token));
                assert_eq!(join_all(looked_up).await, vec![is_active; some.len()]);
            }
        }
    }
}

/// What the clients were told.
#[derive(Default, Clone)]
struct Acknowledged {
    tokens: Vec<String>,
    revoked: Vec<String>,
}

/// Gets tokens, and revokes every fourth, until there is nobody to ask.
async fn work_until_it_dies(peer: Peer, acknowledged: Arc<Mutex<Acknowledged>>) {
    let ask = async |request: Request| peer.send_bytes(&request.bytes(peer.port)).await;
    for turn in 1.. {
        let Ok(answer) = ask(Vendor::of("medblocks").token_request()).await else {
            return;
        };
        let token = answer.access_token();
        if turn % 4 != 0 {
            acknowledged.lock().unwrap().tokens.push(token);
            continue;
        }
        let revoke = Request::post("/medblocks/oauth2/revoke")
            .basic("admin", "admin-secret")
            .form(format!("token={token}"));
        let Ok(answer) = ask(revoke).await else {
            return;
        };
        answer.is(200);
        acknowledged.lock().unwrap().revoked.push(token);
    }
}

async fn introspect_at_medblocks(peer: Peer, token: &str) -> bool {
    let request = Request::post("/medblocks/oauth2/introspect").form(format!("token={token}"));
    let answer = peer.send(request).await;
    answer.is(200).json()["active"].as_bool().unwrap()
}

// ------------------------------------------------------------------------- bad_input_is_an_answer

on_engines! { all:
    /// A crowd of clients that are wrong in every way does not stop those that are right.
    async fn bad_input_is_an_answer(database: Database) {
        let locum = Fixture::on(&database.url).await;
        let peer = locum.peer();
        let mut crowd: Vec<BoxFuture<'_, ()>> = Vec::new();
        for _ in 0..3 {
            for vendor in &VENDORS {
                crowd.push(async { vendor.token(&peer).await; }.boxed());
                for request in wrong(vendor) {
                    crowd.push(async move {
                        let answer = peer.send(request.clone()).await;
                        let is_refused = (400..500).contains(&answer.status) || answer.status == 501;
                        assert!(is_refused, "{request:?}: {answer}");
                    }.boxed());
                }
            }
        }
        join_all(crowd).await;
        for vendor in &VENDORS {
            vendor.token(&peer).await;
        }
    }
}

fn wrong(vendor: &'static Vendor) -> Vec<Request> {
    let post = || Request::post(&vendor.path(vendor.token_path));
    let proven = || post().basic(vendor.client_id, &vendor.client_secret());
    vec![
        post(),
        post().form(""),
        post().form("grant_type=client_credentials"),
        post()
            .header("Authorization", "Basic")
            .form("grant_type=client_credentials"),
        post()
            .basic(vendor.client_id, "wrong-secret")
            .form("grant_type=client_credentials"),
        proven().form("grant_type=please"),
        proven().form(b"grant_type=\xff"),
        proven().form("grant_type=%"),
        proven().form("a=1&a=1"),
        proven().form(vec![b'a'; 100_000]),
        proven().json("{"),
        proven().json("[".repeat(5_000)),
        proven().body("multipart/form-data; boundary=x", "--x\r\n"),
        proven().body("\u{e9}", "a"),
        Request::new("DELETE", &vendor.path(vendor.token_path)),
        Request::get(&vendor.path("/nowhere")),
        Request::get(&vendor.path(vendor.resource)),
        vendor.forward_auth("x"),
        vendor.forward_auth(&"x".repeat(10_000)),
    ]
}
