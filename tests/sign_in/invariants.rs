//! What must hold whatever happens when people sign in: the invariants of the design by their
//! names, on both engines and under concurrency.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;
use locum::clock::Timestamp;
use locum::store::Store;
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::Value;

use crate::support::database::{Database, on_engines};
use crate::support::html::Form;
use crate::support::http::{Answer, Peer, Request};
use crate::support::jwt::Jwt;
use crate::support::servers::{BEGINNING, Fixture};
use crate::support::user::{
    AUTH0, App, CALLBACK, Callback, HYDRA, IDENTITYSERVER, PASSWORD_HASH, Paths, Person, STANDARD,
    Tokens,
};

/// The demo clients, with what each asks for to get one of every kind of token.
fn demo_apps() -> [(App, &'static str, &'static str); 4] {
    [
        (
            App::clinic_web(),
            "doctor",
            "openid offline_access patients:read",
        ),
        (
            App::photon_spa(),
            "provider",
            "openid offline_access read:patient",
        ),
        (
            App::medblocks_spa(),
            "clinician",
            "openid offline_access patient/*.read",
        ),
        (
            App::nethealth_web(),
            "therapist",
            "openid offline_access patients.read",
        ),
    ]
}

fn wants(app: &App, scope: &'static str) -> Vec<(&'static str, &'static str)> {
    let mut more = vec![("scope", scope)];
    if app.issuer == "photon" {
        more.push(("audience", "https://api.neutron.health"));
    }
    more
}

fn refusal(app: &App) -> u16 {
    if app.paths.authorize == AUTH0.authorize {
        403
    } else {
        400
    }
}

// ------------------------------------------------------------------------- code_is_redeemed_once

on_engines! { all:
    /// RFC 6749 §4.1.2: of many at once one succeeds, and that there were more kills what it got.
    async fn code_is_redeemed_once(database: Database) {
        let locum = Fixture::on(&database.url).await;
        let peer = locum.peer();
        for (app, username, scope) in demo_apps() {
            let mut person = Person::new(peer, username);
            let code = app.code(&mut person, &wants(&app, scope)).await;
            let attempts = if app.issuer == "clinic" { 200 } else { 40 };
            let redemptions = (0..attempts).map(|_| app.redeem(peer, &code));
            let answers = join_all(redemptions).await;

            let (won, lost): (Vec<&Answer>, Vec<&Answer>) =
                answers.iter().partition(|answer| answer.status == 200);
            assert_eq!(won.len(), 1, "{}", app.issuer);
            for answer in lost {
                answer.refused(refusal(&app), "invalid_grant");
            }
            let tokens = Tokens::of(won[0]);
            assert!(!app.is_alive(peer, &tokens.access_token).await, "{}", app.issuer);
            app.refresh(peer, tokens.refresh())
                .await
                .refused(refusal(&app), "invalid_grant");
            if app.secret.is_some() {
                let known = app.introspect(peer, tokens.refresh()).await;
                assert_eq!(known["active"], false, "{known}");
            }
            // The person's session is theirs all the same.
            app.tokens(&mut person, &wants(&app, scope)).await;
        }
    }
}

// ------------------------------------------------------------------------- refresh_rotates_once

on_engines! { all:
    /// RFC 9700 §4.14: of many at once one gets a successor at most, and the reuse ends the family.
    async fn refresh_rotates_once(database: Database) {
        let locum = Fixture::on(&database.url).await;
        let peer = locum.peer();
        for (app, username, scope) in demo_apps() {
            let mut person = Person::new(peer, username);
            let tokens = app.tokens(&mut person, &wants(&app, scope)).await;
            locum.clock.advance(Duration::from_secs(1));
            let uses = (0..50).map(|_| app.refresh(peer, tokens.refresh()));
            let answers = join_all(uses).await;
            let (won, lost): (Vec<&Answer>, Vec<&Answer>) =
                answers.iter().partition(|answer| answer.status == 200);
            assert_eq!(won.len(), 1, "{}", app.issuer);
            for answer in lost {
                answer.refused(refusal(&app), "invalid_grant");
            }
            let successor = Tokens::of(won[0]);
            for token in [successor.refresh(), tokens.refresh()] {
                app.refresh(peer, token).await.refused(refusal(&app), "invalid_grant");
            }
            for tokens in [&successor, &tokens] {
                assert!(!app.is_alive(peer, &tokens.access_token).await, "{}", app.issuer);
            }
        }
    }
}

/// Issuers of the tests' own: the dialect by a name or a file, one API, clients with a callback.
fn issuer_of(name: &str, dialect: &str) -> String {
    format!(
        r#"
        [[issuer]]
        name = "{name}"
        dialect = "{dialect}"
        signing_algs = ["ES256"] # an RSA key takes its time

        [[issuer.api]]
        audience = "https://api.example"
        scopes = ["a", "b", "c", {{ name = "d", needs_role = true }}, {{ name = "e", needs_role = true, users_only = true }}]

        [[issuer.role]]
        name = "some"
        grant = [{{ audience = "https://api.example", scopes = ["d"] }}]

        [[issuer.role]]
        name = "all"
        grant = [{{ audience = "https://api.example", scopes = "all" }}]

        [[issuer.client]]
        client_id = "web"
        client_secret = "web-secret"
        kind = "web"
        redirect_uris = ["{CALLBACK}"]
        grant = [{{ audience = "https://api.example", scopes = "all" }}]

        [[issuer.client]]
        client_id = "less"
        client_secret = "less-secret"
        kind = "web"
        redirect_uris = ["{CALLBACK}"]
        grant = [{{ audience = "https://api.example", scopes = ["b", "d"] }}]

        [[issuer.user]]
        username = "ada"
        password_hash = "{PASSWORD_HASH}"
        roles = ["all"]
        email = "ada@example.org"

        [[issuer.user]]
        username = "bob"
        password_hash = "{PASSWORD_HASH}"
        roles = ["some"]

        [[issuer.user]]
        username = "cyd"
        password_hash = "{PASSWORD_HASH}"
        "#
    )
}

on_engines! { all:
    /// What a dialect says of rotation and grace is what happens.
    async fn refresh_rotates_as_the_dialect_says(database: Database) {
        let folder = tempfile::tempdir().unwrap();
        std::fs::write(
            folder.path().join("patient.toml"),
            "title = \"Patient\"\n[refresh_token]\ngrace = 30\n",
        )
        .unwrap();
        let config = issuer_of("patient", "patient.toml") + &issuer_of("steady", "identityserver4");
        let locum = Fixture::with(|builder| {
            builder.config(config, folder.path()).database_url(&database.url)
        })
        .await;
        let peer = locum.peer();
        let more = [("scope", "openid offline_access a")];

        // Whose answer was lost may ask again for a while …
        let patient = App::confidential("patient", "web", STANDARD);
        let mut person = Person::new(peer, "ada");
        let tokens = patient.tokens(&mut person, &more).await;
        let uses = (0..50).map(|_| patient.refresh(peer, tokens.refresh()));
        let mut successors = BTreeSet::new();
        for answer in join_all(uses).await {
            successors.insert(Tokens::of(&answer).refresh().to_owned());
        }
        assert_eq!(successors.len(), 50, "each is another token");
        locum.clock.advance(Duration::from_secs(29));
        let late = Tokens::of(&patient.refresh(peer, tokens.refresh()).await);
        assert!(patient.is_alive(peer, &late.access_token).await);
        // … and not for longer.
        locum.clock.advance(Duration::from_secs(1));
        patient.refresh(peer, tokens.refresh()).await.refused(400, "invalid_grant");
        assert!(!patient.is_alive(peer, &late.access_token).await);
        patient.refresh(peer, late.refresh()).await.refused(400, "invalid_grant");

        // Where tokens stay the same, all of them are right.
        let steady = App::confidential("steady", "web", IDENTITYSERVER);
        let mut person = Person::new(peer, "ada");
        let tokens = steady.tokens(&mut person, &more).await;
        let uses = (0..50).map(|_| steady.refresh(peer, tokens.refresh()));
        for answer in join_all(uses).await {
            assert_eq!(Tokens::of(&answer).refresh_token, None);
        }
        steady.refresh(peer, tokens.refresh()).await.is(200);
    }
}

// ------------------------------------------------------------------------- scope_never_grows

#[derive(Debug, Clone)]
struct Case {
    client: &'static str,
    username: &'static str,
    requested: Vec<&'static str>,
    ticked: Vec<&'static str>,
    refreshed: Option<Vec<&'static str>>,
}

fn case() -> impl Strategy<Value = Case> {
    let api = ["a", "b", "c", "d", "e"];
    let identity = ["openid", "profile", "email", "offline_access"];
    let all: Vec<&str> = api.into_iter().chain(identity).collect();
    let some = |from: Vec<&'static str>, least: usize| {
        let most = from.len();
        prop::sample::subsequence(from, least..=most)
    };
    // Mostly what may be asked for, now and then what nobody knows.
    let strange: Vec<&str> = all.iter().copied().chain(["z"]).collect();
    let requested = prop_oneof![6 => some(all.clone(), 1), 1 => some(strange, 1)];
    (
        prop::sample::select(vec!["web", "less"]),
        prop::sample::select(vec!["ada", "bob", "cyd"]),
        requested,
        some(all.clone(), 0),
        prop::option::of(some(all, 0)),
    )
        .prop_map(|(client, username, requested, ticked, refreshed)| Case {
            client,
            username,
            requested,
            ticked,
            refreshed,
        })
}

fn set(scopes: &[&str]) -> BTreeSet<String> {
    scopes.iter().map(|&scope| scope.to_owned()).collect()
}

/// What a token says it is worth: by the answer, or else by its own claim.
fn worth(answer: &Answer) -> BTreeSet<String> {
    let tokens = Tokens::of(answer);
    let claim = match (&tokens.scope, tokens.access_token.contains('.')) {
        (Some(scope), _) => Value::from(scope.as_str()),
        (None, true) if !tokens.access_token.starts_with("ory_") => {
            let jwt = Jwt::parse(&tokens.access_token);
            let found = jwt.claims.0.iter().find(|(name, _)| name == "scope");
            found.map_or(Value::Null, |(_, value)| value.clone())
        }
        _ => Value::Null,
    };
    match claim {
        Value::String(text) => text.split_whitespace().map(str::to_owned).collect(),
        Value::Array(items) => items
            .iter()
            .map(|item| item.as_str().unwrap().to_owned())
            .collect(),
        _ => BTreeSet::new(),
    }
}

const SPEAKERS: [(&str, Paths); 5] = [
    ("standard", STANDARD),
    ("auth0", AUTH0),
    ("hydra", HYDRA),
    ("identityserver", IDENTITYSERVER),
    ("identityserver4", IDENTITYSERVER),
];

on_engines! { all:
    /// A token's scope is at most what was asked for, the client may have, the person's roles
    /// hold, and the person allowed; and no refresh has more.
    async fn scope_never_grows(database: Database) {
        let config = SPEAKERS.map(|(dialect, _)| issuer_of(dialect, dialect)).concat();
        let locum = Fixture::with(|builder| {
            builder.config(config, ".").database_url(&database.url)
        })
        .await;
        let mut runner = TestRunner::new(Config { failure_persistence: None, ..Config::default() });
        let cases: Vec<Case> = (0..30)
            .map(|_| case().new_tree(&mut runner).unwrap().current())
            .collect();
        let tried = SPEAKERS.map(|(dialect, paths)| try_cases(locum.peer(), dialect, paths, &cases));
        let counts = join_all(tried).await;
        let total: usize = counts.iter().sum();
        assert!(total > 40, "{counts:?} were granted");
    }
}

async fn try_cases(peer: Peer, dialect: &str, paths: Paths, cases: &[Case]) -> usize {
    let mut people = ["ada", "bob", "cyd"].map(|username| Person::new(peer, username));
    for person in &mut people {
        person.sign_in_at(dialect).await;
    }
    let mut granted = 0;
    for case in cases {
        let person = people.iter_mut();
        let person = person
            .filter(|person| person.username == case.username)
            .last()
            .unwrap();
        let app = App::confidential(dialect, case.client, paths);
        granted += usize::from(try_case(&app, person, case).await);
    }
    granted
}

async fn try_case(app: &App, person: &mut Person, case: &Case) -> bool {
    let scope = case.requested.join(" ");
    let mut more = vec![("scope", scope.as_str()), ("prompt", "consent")];
    if app.issuer == "auth0" {
        more.push(("audience", "https://api.example"));
    }
    person.allows = Some(case.ticked.iter().map(|&scope| scope.to_owned()).collect());
    let answer = person.authorize(&app.authorization(&more)).await;
    if answer.header("location").is_none() {
        answer.is_error_page("unauthorized_client");
        return false;
    }
    let callback = Callback::of(&answer);
    if callback.find("code").is_none() {
        let errors = ["invalid_scope", "access_denied"];
        assert!(
            errors.contains(&callback.get("error")),
            "{case:?} {callback:?}"
        );
        return false;
    }
    let first = app.redeem(person.peer, callback.get("code")).await;

    let identity = ["openid", "profile", "email", "offline_access"];
    let may = |scope: &String| {
        let scope = scope.as_str();
        if identity.contains(&scope) {
            return true;
        }
        let client = case.client == "web" || ["b", "d"].contains(&scope);
        let role = match scope {
            "d" => case.username != "cyd",
            "e" => case.username == "ada",
            _ => true,
        };
        client && role
    };
    let ticked = |scope: &String| scope == "openid" || case.ticked.contains(&scope.as_str());
    let expected: BTreeSet<String> = set(&case.requested)
        .into_iter()
        .filter(|scope| may(scope) && ticked(scope) && scope != "z")
        .collect();
    assert_eq!(worth(&first), expected, "{} {case:?} {first}", app.issuer);

    let Some(token) = Tokens::of(&first).refresh_token else {
        assert!(!expected.contains("offline_access"), "{case:?} {first}");
        return true;
    };
    let mut current = token.clone();
    for asked in [case.refreshed.as_deref(), None] {
        let scope = asked.map(|asked| asked.join(" "));
        let more: Vec<(&str, &str)> = scope
            .iter()
            .map(|scope| ("scope", scope.as_str()))
            .collect();
        let answer = person.peer.send(app.refreshing(&current, &more)).await;
        if answer.status != 200 {
            answer.refused(400, "invalid_scope");
            let surplus = asked.unwrap().iter().any(|own| !expected.contains(*own));
            assert!(surplus, "{case:?} {answer}");
            continue;
        }
        // An empty parameter is an absent one.
        let wanted = asked.filter(|asked| !asked.is_empty());
        let narrowed: BTreeSet<String> = match wanted {
            Some(asked) => set(asked).intersection(&expected).cloned().collect(),
            None => expected.clone(),
        };
        assert_eq!(worth(&answer), narrowed, "{} {case:?} {answer}", app.issuer);
        current = Tokens::of(&answer).refresh_token.unwrap_or(current);
    }
    true
}

on_engines! { all:
    /// A role that is taken away, or a grant of the client, is gone from the next token.
    async fn a_refresh_has_what_the_person_and_the_client_may_have_now(database: Database) {
        let locum = Fixture::with(|builder| {
            builder.config(issuer_of("standard", "standard"), ".").database_url(&database.url)
        })
        .await;
        let store = &locum.locum.store;
        let app = App::confidential("standard", "web", STANDARD);
        let mut person = Person::new(locum.peer(), "ada");
        let more = [("scope", "openid offline_access a d e")];
        let tokens = app.tokens(&mut person, &more).await;
        assert_eq!(tokens.scope.as_deref(), Some("openid offline_access a d e"));
        change_user(store, "standard", "ada", |user| user.roles = vec!["some".to_owned()]).await;
        let tokens = Tokens::of(&app.refresh(locum.peer(), tokens.refresh()).await);
        assert_eq!(tokens.scope.as_deref(), Some("openid offline_access a d"));
        change_user(store, "standard", "ada", |user| user.roles.clear()).await;
        let tokens = Tokens::of(&app.refresh(locum.peer(), tokens.refresh()).await);
        assert_eq!(tokens.scope.as_deref(), Some("openid offline_access a"));
    }
}

/// What an administrator would do.
async fn change_user(
    store: &Store,
    issuer: &str,
    username: &str,
    change: impl FnOnce(&mut locum::account::User),
) {
    let issuer = store.find_issuer(issuer).await.unwrap().unwrap().id;
    let mut record = store
        .find_user_record(issuer, username)
        .await
        .unwrap()
        .unwrap();
    change(&mut record.user);
    let mut tx = store.write().await.unwrap();
    let now = Timestamp::from_unix(BEGINNING);
    assert!(
        tx.update_user(issuer, &record, now)
            .await
            .unwrap()
            .is_some()
    );
    tx.commit().await.unwrap();
}

// ------------------------------------------------------------------------- nothing_crosses_issuers

on_engines! { all:
    /// Each dialect twice, with the same clients, secrets, people and passwords: and yet nothing
    /// of one is worth anything at another.
    async fn nothing_crosses_issuers(database: Database) {
        let sides: Vec<(String, &str, Paths)> = SPEAKERS
            .iter()
            .flat_map(|(dialect, paths)| {
                ["left", "right"].map(|side| (format!("{side}-{dialect}"), *dialect, *paths))
            })
            .collect();
        let config: String = sides
            .iter()
            .map(|(name, dialect, _)| issuer_of(name, dialect))
            .collect();
        let locum = Fixture::with(|builder| {
            builder.config(config, ".").database_url(&database.url)
        })
        .await;
        let mut apps = Vec::new();
        for (name, dialect, paths) in &sides {
            let app = App::confidential(name, "web", *paths);
            let mut person = Person::new(locum.peer(), "ada");
            let mut more = vec![("scope", "openid offline_access a")];
            if *dialect == "auth0" {
                more.push(("audience", "https://api.example"));
            }
            let tokens = app.tokens(&mut person, &more).await;
            apps.push((app, person, tokens, more));
        }
        let pairs = apps.iter().flat_map(|own| {
            let others = apps.iter().filter(|other| other.0.issuer != own.0.issuer);
            others.map(move |other| does_not_cross(own, other))
        });
        join_all(pairs).await;
        // And all of it is as good at home as it was.
        for (app, _, tokens, _) in &apps {
            assert!(app.is_alive(locum.peer(), &tokens.access_token).await, "{}", app.issuer);
            app.refresh(locum.peer(), tokens.refresh()).await.is(200);
        }
    }
}

type Side = (App, Person, Tokens, Vec<(&'static str, &'static str)>);

async fn does_not_cross((own, person, tokens, more): &Side, (there, ..): &Side) {
    let peer = person.peer;
    let names = format!("{} at {}", own.issuer, there.issuer);
    let refused = refusal(there);

    // Tokens and codes, with credentials that are right in both places.
    let userinfo = there.userinfo(peer, &tokens.access_token).await;
    assert_eq!(userinfo.status, 401, "{names}");
    for token in [&tokens.access_token, tokens.refresh()] {
        if there.paths.introspect.is_some() {
            let known = there.introspect(peer, token).await;
            assert_eq!(known, serde_json::json!({ "active": false }), "{names}");
        }
        let revoked = there.revoke(peer, token).await;
        assert_eq!(revoked.status, 200, "{names}");
    }
    let refreshed = there.refresh(peer, tokens.refresh()).await;
    refreshed.refused(refused, "invalid_grant");
    let mut person = person.clone();
    let code = own.code(&mut person, more).await;
    let redeemed = there.redeem(peer, &code).await;
    redeemed.refused(refused, "invalid_grant");
    own.redeem(peer, &code).await.is(200);

    // The session, under the other one's name.
    let mut abroad = Person::new(peer, "ada");
    for (name, value) in &person.cookies {
        let name = name.replace(&own.issuer, &there.issuer);
        abroad.cookies.insert(name, value.clone());
    }
    let silent = there.authorization(&[("scope", "openid"), ("prompt", "none")]);
    let answer = abroad.visit(&silent).await;
    Callback::of(&answer).refused("login_required");
    let account = format!("/{}/account", there.issuer);
    abroad.get(&account).await.is(303);

    // A page's ticket and form token.
    let page = abroad
        .visit(&there.authorization(&[("scope", "openid")]))
        .await;
    let right = Form::with_button(&page.body, "sign-in").unwrap();
    let mut stranger = Person::new(peer, "ada");
    let page = stranger
        .visit(&own.authorization(&[("scope", "openid")]))
        .await;
    let wrong = Form::with_button(&page.body, "sign-in").unwrap();
    let mut mixed: Vec<(Form, &str)> = Vec::new();
    for field in ["csrf", "ticket"] {
        let mut form = right.clone();
        form.fill(field, wrong.field(field));
        mixed.push((form, field));
    }
    for (mut form, field) in mixed {
        form.fill("username", "ada");
        form.fill("password", "locum");
        let answer = abroad.post(&form.action, &form.pressed("sign-in")).await;
        answer.is(400).is_error_page("invalid_request");
        let none = answer
            .set_cookies()
            .iter()
            .all(|cookie| !cookie.contains("sessions"));
        assert!(none, "{names} {field}: {answer}");
    }
    let path = format!("/{}/sign-in?ticket={}", there.issuer, wrong.field("ticket"));
    abroad.get(&path).await.is_error_page("invalid_request");

    // An ID token as a hint: of another issuer it names nobody.
    let hinted = [
        ("scope", "openid"),
        ("prompt", "none"),
        ("id_token_hint", tokens.id()),
    ];
    let answer = abroad.visit(&there.authorization(&hinted)).await;
    Callback::of(&answer).refused("invalid_request");
    let logout = format!(
        "/{}{}?id_token_hint={}&post_logout_redirect_uri=https://app.example/",
        there.issuer,
        there.paths.logout,
        tokens.id()
    );
    let answer = abroad.get(&logout).await;
    assert_eq!(answer.header("location"), None, "{names}: {answer}");
    assert!(
        answer.status == 200 || answer.status == 400,
        "{names}: {answer}"
    );
}

// ------------------------------------------------------------------------- revoked_means_inactive

/// By what a token may be tried: everything agrees that it is dead.
async fn is_dead(app: &App, peer: Peer, tokens: &Tokens) {
    assert!(
        !app.is_alive(peer, &tokens.access_token).await,
        "{}",
        app.issuer
    );
    let path = format!("/{}/forward-auth", app.issuer);
    let answer = peer
        .send(Request::get(&path).bearer(&tokens.access_token))
        .await;
    assert_eq!(answer.status, 401, "{}", app.issuer);
    let answer = app.refresh(peer, tokens.refresh()).await;
    assert!([400, 403].contains(&answer.status), "{answer}");
    if app.paths.introspect.is_some() && app.secret.is_some() {
        let known = app.introspect(peer, tokens.refresh()).await;
        assert_eq!(known["active"], false);
    }
}

on_engines! { all:
    async fn revoked_means_inactive(database: Database) {
        let config = SPEAKERS.map(|(dialect, _)| issuer_of(dialect, dialect)).concat();
        let locum = Fixture::with(|builder| {
            builder.config(config, ".").database_url(&database.url)
        })
        .await;
        for (dialect, paths) in SPEAKERS {
            revoke_in_every_way(&locum, dialect, paths).await;
        }
    }
}

async fn revoke_in_every_way(locum: &Fixture, dialect: &str, paths: Paths) {
    let peer = locum.peer();
    let app = App::confidential(dialect, "web", paths);
    let mut person = Person::new(peer, "ada");
    let mut more = vec![("scope", "openid offline_access a")];
    if dialect == "auth0" {
        more.push(("audience", "https://api.example"));
    }
    // Without `jti`, what is issued in one second is one token.
    let next = |seconds| locum.clock.advance(Duration::from_secs(seconds));

    // The refresh token, with which the family goes (RFC 7009 §2.1).
    let tokens = app.tokens(&mut person, &more).await;
    next(1);
    let refreshed = Tokens::of(&app.refresh(peer, tokens.refresh()).await);
    let newest = refreshed
        .refresh_token
        .as_deref()
        .unwrap_or(tokens.refresh());
    next(1);
    let other = app.tokens(&mut person, &more).await;
    let stranger = App::confidential(dialect, "less", paths);
    let answer = stranger.revoke(peer, newest).await;
    assert!([200, 400].contains(&answer.status), "{answer}");
    assert!(
        app.is_alive(peer, &refreshed.access_token).await,
        "not a stranger's to revoke"
    );
    app.revoke(peer, newest).await.is(200);
    is_dead(&app, peer, &tokens).await;
    let whole = Tokens {
        refresh_token: Some(newest.to_owned()),
        ..refreshed
    };
    is_dead(&app, peer, &whole).await;
    assert!(
        app.is_alive(peer, &other.access_token).await,
        "another grant stands"
    );

    // An access token, alone; where JWTs can be.
    if !["auth0", "identityserver", "identityserver4"].contains(&dialect) {
        app.revoke(peer, &other.access_token).await.is(200);
        assert!(!app.is_alive(peer, &other.access_token).await);
    }
    app.refresh(peer, other.refresh()).await.is(200);
    next(1);

    // A consent that is withdrawn at the account page.
    let tokens = app.tokens(&mut person, &more).await;
    let account = person.visit(&format!("/{dialect}/account")).await;
    let withdraw = Form::all(&account.body);
    let withdraw = withdraw
        .iter()
        .find(|form| form.action.ends_with("/withdraw"))
        .unwrap_or_else(|| panic!("nothing to withdraw: {account}"));
    assert_eq!(withdraw.field("client_id"), "web");
    let answer = person.post(&withdraw.action, &withdraw.fields).await;
    person.follow(answer).await.is(200);
    is_dead(&app, peer, &tokens).await;
    let answer = person.visit(&app.authorization(&more)).await;
    assert!(
        Form::with_button(&answer.body, "consent-allow").is_some(),
        "asked again"
    );
    next(1);

    // A logout: the session is gone; what was granted for when the person is away stays, as OIDC
    // Back-Channel Logout §2.7 has it for `offline_access`.
    let before = person.cookies.clone();
    let page = person.visit(&format!("/{dialect}/sign-out")).await;
    let form = Form::with_button(&page.body, "sign-out-confirm").unwrap();
    person.press(&form, "sign-out-confirm").await.is(200);
    person.cookies = before;
    let silent = app.authorization(&[("scope", "openid"), ("prompt", "none")]);
    Callback::of(&person.visit(&silent).await).refused("login_required");
    next(1);

    // A person who is blocked.
    let mut person = Person::new(peer, "ada");
    let tokens = app.tokens(&mut person, &more).await;
    let code = app.code(&mut person, &more).await;
    let store = &locum.locum.store;
    change_user(store, dialect, "ada", |user| user.is_blocked = true).await;
    is_dead(&app, peer, &tokens).await;
    let answer = app.redeem(peer, &code).await;
    assert!([400, 403].contains(&answer.status), "{answer}");
    Callback::of(&person.visit(&silent).await).refused("login_required");
    let page = person.visit(&app.authorization(&more)).await;
    let answer = person.submit_sign_in(&page).await;
    answer.is(403);
    // And the one who only says so learns nothing.
    person.password = "wrong".to_owned();
    let page = person.visit(&app.authorization(&more)).await;
    person.submit_sign_in(&page).await.is(401);
}
