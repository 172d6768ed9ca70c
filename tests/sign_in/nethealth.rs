//! Net Health: an OpenID Connect relying party that knows the discovery page alone, and a person
//! who grants or denies each scope by itself.

use std::time::Duration;

use serde_json::json;

use crate::support::html::Form;
use crate::support::http::{Answer, Peer, Request};
use crate::support::jwt::Jwt;
use crate::support::servers::{BEGINNING, Fixture};
use crate::support::user::{App, CALLBACK, Callback, Person, Tokens, form};

fn therapist(peer: Peer) -> Person {
    Person::new(peer, "therapist")
}

/// The consent page for these scopes, after signing in.
async fn consent_page(person: &mut Person, scope: &str) -> Answer {
    let url = App::nethealth_web().authorization(&[("scope", scope), ("state", "af0ifjsldkj")]);
    let page = person.visit(&url).await;
    if Form::with_button(&page.body, "sign-in").is_some() {
        person.sign_in(&page).await
    } else {
        page
    }
}

#[tokio::test]
async fn a_relying_party_needs_the_discovery_page_and_nothing_else() {
    let locum = Fixture::start().await;
    let page = locum
        .get("/nethealth/.well-known/openid-configuration")
        .await
        .json();
    let base = format!("http://localhost:{}", locum.peer().port);
    let path = |name: &str| {
        let url = page[name].as_str().unwrap();
        url.strip_prefix(&base).unwrap().to_owned()
    };

    let mut person = therapist(locum.peer());
    let query = form(&[
        ("client_id", "nethealth-web"),
        ("response_type", "code"),
        ("redirect_uri", CALLBACK),
        ("scope", "openid profile offline_access patients.read"),
        ("state", "af0ifjsldkj"),
        ("nonce", "n-0S6_WzA2Mj"),
    ]);
    let url = format!("{}?{query}", path("authorization_endpoint"));
    let answer = person.authorize(&url).await;
    let callback = Callback::of(answer.is(302));
    assert_eq!(callback.names(), ["code", "state", "session_state"]);
    assert_eq!(callback.get("state"), "af0ifjsldkj");

    let answer = locum
        .send(Request::post(&path("token_endpoint")).form(form(&[
            ("grant_type", "authorization_code"),
            ("code", callback.get("code")),
            ("redirect_uri", CALLBACK),
            ("client_id", "nethealth-web"),
            ("client_secret", "nethealth-web-secret"),
        ])))
        .await;
    answer.reads(
        r#"
        200
        Content-Type: application/json; charset=utf-8
        Cache-Control: no-store, no-cache, max-age=0, private
        Pragma: no-cache

        {"id_token":"…","access_token":"…","expires_in":3600,"token_type":"Bearer","refresh_token":"…"}
        "#,
    );
    let tokens = Tokens::of(&answer);

    let id_token = tokens.id_claims();
    assert_eq!(id_token.header.names(), ["typ", "alg", "x5t", "kid"]);
    // No `at_hash` in answer to a code; who it is, is at UserInfo.
    assert_eq!(
        id_token.claims.names(),
        [
            "iss",
            "aud",
            "exp",
            "nbf",
            "nonce",
            "iat",
            "sid",
            "sub",
            "auth_time",
            "idp",
            "amr"
        ]
    );
    assert_eq!(*id_token.claim("iss"), page["issuer"]);
    assert_eq!(id_token.claim("aud"), "nethealth-web");
    assert_eq!(*id_token.claim("exp"), BEGINNING + 300);
    assert_eq!(*id_token.claim("auth_time"), BEGINNING);
    assert_eq!(*id_token.claim("amr"), json!(["password"]));

    let access = tokens.access_claims();
    assert_eq!(
        access.claims.names(),
        [
            "iss",
            "aud",
            "exp",
            "nbf",
            "client_id",
            "scope",
            "sub",
            "auth_time",
            "idp",
            "amr"
        ]
    );
    let resources = format!("{}/resources", page["issuer"].as_str().unwrap());
    assert_eq!(*access.claim("aud"), json!(resources));
    assert_eq!(
        *access.claim("scope"),
        json!(["openid", "profile", "offline_access", "patients.read"])
    );

    let userinfo = locum
        .send(Request::get(&path("userinfo_endpoint")).bearer(&tokens.access_token))
        .await;
    let userinfo = userinfo.is(200).json();
    assert_eq!(userinfo["sub"], *id_token.claim("sub"));
    assert_eq!(userinfo["name"], "Theo Therapist");
    assert_eq!(userinfo.get("email"), None);

    let resource = Request::get("/nethealth/api/Patients").bearer(&tokens.access_token);
    locum.send(resource).await.is(200);
}

#[tokio::test]
async fn each_scope_is_shown_and_granted_or_denied_by_itself() {
    let locum = Fixture::start().await;
    let mut person = therapist(locum.peer());
    let all = "openid profile email patients.read patients.write offline_access";
    let page = consent_page(&mut person, all).await;
    let mut consent = Form::with_button(&page.body, "consent-allow").unwrap();
    assert_eq!(
        consent.choices("scope"),
        all.split(' ').collect::<Vec<_>>(),
        "one box for each"
    );
    let locked = consent.boxes.iter().filter(|one| one.is_disabled);
    let locked: Vec<&str> = locked.map(|one| one.value.as_str()).collect();
    assert_eq!(locked, ["openid"], "there is no sign-in without it");
    assert!(page.body.contains("See patients and their details"));

    consent.tick("scope", &["email", "patients.read"]);
    let callback = Callback::of(&person.press(&consent, "consent-allow").await);
    let app = App::nethealth_web();
    let tokens = Tokens::of(&app.redeem(locum.peer(), callback.get("code")).await);
    assert_eq!(tokens.refresh_token, None, "offline_access was denied");
    assert_eq!(
        *tokens.access_claims().claim("scope"),
        json!(["openid", "email", "patients.read"])
    );
    let userinfo = app
        .userinfo(locum.peer(), &tokens.access_token)
        .await
        .json();
    assert_eq!(userinfo["email"], "theo.therapist@nethealth.example");
    assert_eq!(userinfo.get("name"), None, "profile was denied");
    let write = Request::get("/nethealth/api/Patients").bearer(&tokens.access_token);
    locum.send(write).await.is(200);
}

#[tokio::test]
async fn one_scope_is_a_string_and_several_are_an_array() {
    let locum = Fixture::start().await;
    let mut person = therapist(locum.peer()).allowing(&["patients.read"]);
    let app = App::nethealth_web();
    let more = [("scope", "patients.read patients.write")];
    let callback = app.callback(&mut person, &more).await;
    // Without openid there is nobody to check a session of.
    assert_eq!(callback.names(), ["code"]);
    let answer = app.redeem(locum.peer(), callback.get("code")).await;
    assert_eq!(
        answer.is(200).member_names(),
        ["access_token", "expires_in", "token_type"]
    );
    let jwt = Jwt::parse(&answer.access_token());
    assert_eq!(jwt.claim("scope"), "patients.read");
}

#[tokio::test]
async fn denying_everything_is_access_denied_by_either_button() {
    let locum = Fixture::start().await;
    let mut person = therapist(locum.peer());
    let scope = "openid profile patients.read offline_access";
    for button in ["consent-deny", "consent-allow"] {
        let page = consent_page(&mut person, scope).await;
        let mut consent = Form::with_button(&page.body, button).unwrap();
        consent.tick("scope", &[]);
        let answer = person.press(&consent, button).await;
        let callback = Callback::of(answer.is(302));
        assert_eq!(
            callback.refused("access_denied").names(),
            ["error", "state"]
        );
        assert_eq!(callback.get("state"), "af0ifjsldkj");
    }
    // And nothing of it is remembered as a consent.
    let page = consent_page(&mut person, scope).await;
    assert!(Form::with_button(&page.body, "consent-allow").is_some());
}

#[tokio::test]
async fn consent_is_remembered_but_for_offline_access_which_is_asked_every_time() {
    let locum = Fixture::start().await;
    let mut person = therapist(locum.peer());
    let app = App::nethealth_web();
    let consents = |person: &Person| {
        let seen = person.seen.iter();
        seen.filter(|path| path.ends_with("/consent")).count()
    };
    app.code(&mut person, &[("scope", "openid patients.read")])
        .await;
    assert_eq!(consents(&person), 1);
    app.code(&mut person, &[("scope", "openid patients.read")])
        .await;
    app.code(&mut person, &[("scope", "openid")]).await;
    assert_eq!(consents(&person), 1);
    for _ in 0..2 {
        let before = consents(&person);
        app.code(&mut person, &[("scope", "openid offline_access")])
            .await;
        assert_eq!(consents(&person), before + 1);
    }
    // Silently, that is IdentityServer3's word for it.
    let silent = [
        ("scope", "openid offline_access"),
        ("prompt", "none"),
        ("state", "x"),
    ];
    let callback = app.callback(&mut person, &silent).await;
    assert_eq!(
        callback.refused("interaction_required").names(),
        ["error", "state"]
    );
    let mut nobody = therapist(locum.peer());
    let callback = app.callback(&mut nobody, &silent).await;
    callback.refused("login_required");
}

#[tokio::test]
async fn the_refresh_token_lives_much_longer_than_the_access_token() {
    let locum = Fixture::start().await;
    let app = App::nethealth_web();
    let mut person = therapist(locum.peer());
    let more = [("scope", "openid offline_access patients.read")];
    let tokens = app.tokens(&mut person, &more).await;
    let resource = |token: &str| Request::get("/nethealth/api/Patients").bearer(token);

    locum.clock.advance(Duration::from_secs(3600));
    locum.send(resource(&tokens.access_token)).await.is(401);
    let expired = app.userinfo(locum.peer(), &tokens.access_token).await;
    assert_eq!(
        expired.is(401).header("www-authenticate"),
        Some("Bearer error=\"expired_token\"")
    );
    assert_eq!(expired.body, "");

    let answer = app.refresh(locum.peer(), tokens.refresh()).await;
    answer.reads(
        r#"
        200
        Cache-Control: no-store, no-cache, max-age=0, private

        {"id_token":"…","access_token":"…","expires_in":3600,"token_type":"Bearer","refresh_token":"…"}
        "#,
    );
    let second = Tokens::of(&answer);
    locum.send(resource(&second.access_token)).await.is(200);
    // In answer to a refresh token there is an `at_hash`, and the sign-in is as old as it is.
    let names = second.id_claims();
    assert!(names.claims.names().contains(&"at_hash"));
    assert_eq!(*names.claim("auth_time"), BEGINNING);

    // It is used once …
    app.refresh(locum.peer(), tokens.refresh())
        .await
        .reads("400\nCache-Control:\n\n{\"error\":\"invalid_grant\"}");
    // … and its family lives for thirty days from the sign-in.
    let mut person = therapist(locum.peer());
    let mut tokens = app.tokens(&mut person, &more).await;
    for _ in 0..29 {
        locum.clock.advance(Duration::from_secs(86_400));
        tokens = Tokens::of(&app.refresh(locum.peer(), tokens.refresh()).await);
    }
    locum.clock.advance(Duration::from_secs(86_400));
    app.refresh(locum.peer(), tokens.refresh())
        .await
        .refused(400, "invalid_grant");
}

#[tokio::test]
async fn what_identityserver3_shows_the_person_instead_of_telling_the_client() {
    let locum = Fixture::start().await;
    let mut person = therapist(locum.peer());
    let app = App::nethealth_web();
    for (more, error, words) in [
        (
            [("client_id", "nobody"), ("scope", "openid")],
            "unauthorized_client",
            "The client application is not known or is not authorized.",
        ),
        (
            [
                ("redirect_uri", "https://evil.example/"),
                ("scope", "openid"),
            ],
            "unauthorized_client",
            "The client application is not known or is not authorized.",
        ),
        (
            [("response_type", "nonsense"), ("scope", "openid")],
            "unsupported_response_type",
            "The authorization server does not support the requested response type.",
        ),
        (
            [("response_mode", "fragment"), ("scope", "openid")],
            "unsupported_response_type",
            "The authorization server does not support the requested response type.",
        ),
    ] {
        let answer = person.visit(&app.authorization(&more)).await;
        answer.is_error_page(error);
        assert!(answer.body.contains(words), "{answer}");
    }
    // A missing scope is the client's to hear of.
    let answer = person.visit(&app.authorization(&[("state", "x")])).await;
    let callback = Callback::of(answer.is(302));
    assert_eq!(
        callback.refused("invalid_request").names(),
        ["error", "state"]
    );
}

#[tokio::test]
async fn every_refusal_of_a_code_or_refresh_token_is_a_400_without_words() {
    let locum = Fixture::start().await;
    let mut person = therapist(locum.peer());
    let app = App::nethealth_web();
    let more = [("scope", "openid offline_access")];
    let spent = app.code(&mut person, &more).await;
    app.redeem(locum.peer(), &spent).await.is(200);
    let post = |fields: &[(&str, &str)]| app.post("/connect/token", fields);
    let code = app.code(&mut person, &more).await;
    let elsewhere = app.code(&mut person, &more).await;
    let nowhere = app.code(&mut person, &more).await;
    let verified = app.code(&mut person, &more).await;
    let grant = ("grant_type", "authorization_code");
    let here = ("redirect_uri", CALLBACK);
    for (request, error) in [
        (post(&[grant, ("code", &spent), here]), "invalid_grant"),
        (post(&[grant, ("code", "made-up"), here]), "invalid_grant"),
        (
            post(&[
                grant,
                ("code", &elsewhere),
                ("redirect_uri", "http://localhost:3000/other"),
            ]),
            "unauthorized_client",
        ),
        (post(&[grant, ("code", &nowhere)]), "unauthorized_client"),
        (
            post(&[
                grant,
                ("code", &verified),
                here,
                ("code_verifier", crate::support::user::VERIFIER),
            ]),
            "invalid_grant",
        ),
        (
            post(&[
                ("grant_type", "refresh_token"),
                ("refresh_token", "made-up"),
            ]),
            "invalid_grant",
        ),
        (post(&[("grant_type", "refresh_token")]), "invalid_request"),
        (
            App::new("nethealth", "nethealth-native", app.paths).redemption(&code),
            "invalid_grant",
        ),
        (post(&[grant, here]), "invalid_grant"),
    ] {
        let answer = locum.send(request.clone()).await;
        assert_eq!(
            (answer.status, answer.body.as_str()),
            (400, format!("{{\"error\":\"{error}\"}}").as_str()),
            "{request:?}"
        );
    }
}

#[tokio::test]
async fn userinfo_refuses_in_a_header_and_no_body() {
    let locum = Fixture::start().await;
    let app = App::nethealth_web();
    let mut person = therapist(locum.peer());
    let tokens = app.tokens(&mut person, &[("scope", "patients.read")]).await;
    let path = "/nethealth/connect/userinfo";
    for (request, status, header) in [
        (Request::get(path), 401, "Bearer error=\"invalid_token\""),
        (
            Request::get(path).bearer("made-up"),
            401,
            "Bearer error=\"invalid_token\"",
        ),
        (
            Request::get(path).bearer(&tokens.access_token),
            403,
            "Bearer error=\"insufficient_scope\"",
        ),
    ] {
        let answer = locum.send(request).await;
        assert_eq!(answer.is(status).header("www-authenticate"), Some(header));
        assert_eq!(answer.body, "");
    }
}

#[tokio::test]
async fn identityserver4_adds_iss_and_scope_to_the_callback_and_needs_pkce() {
    let config = r#"
        [[issuer]]
        name = "is4"
        dialect = "identityserver4"

        [[issuer.api]]
        audience = "patients"
        scopes = ["patients.read"]

        [[issuer.client]]
        client_id = "web"
        client_secret = "web-secret"
        kind = "web"
        redirect_uris = ["http://localhost:3000/callback"]
        grant = [{ audience = "patients", scopes = "all" }]

        [[issuer.user]]
        username = "ada"
        password_hash = "HASH"
    "#
    .replace("HASH", crate::support::user::PASSWORD_HASH);
    let locum = Fixture::configured(&config).await;
    let mut person = Person::new(locum.peer(), "ada");
    let app = App::confidential("is4", "web", crate::support::user::IDENTITYSERVER);
    let more = [
        ("scope", "openid patients.read offline_access"),
        ("state", "xyz"),
    ];
    let callback = app.callback(&mut person, &more).await;
    assert_eq!(
        callback.names(),
        ["code", "scope", "state", "session_state", "iss"]
    );
    let issuer = format!("http://localhost:{}/is4", locum.peer().port);
    assert_eq!(callback.get("iss"), issuer);

    let answer = app.redeem(locum.peer(), callback.get("code")).await;
    answer.reads(
        r#"
        200
        Content-Type: application/json; charset=UTF-8
        Cache-Control: no-store, no-cache, max-age=0

        {"id_token":"…","access_token":"…","expires_in":3600,"token_type":"Bearer","refresh_token":"…","scope":"openid patients.read offline_access"}
        "#,
    );
    let tokens = Tokens::of(&answer);
    let access = tokens.access_claims();
    assert_eq!(
        access.claims.names(),
        [
            "iss",
            "nbf",
            "iat",
            "exp",
            "aud",
            "scope",
            "amr",
            "client_id",
            "sub",
            "auth_time",
            "idp",
            "jti"
        ]
    );
    assert_eq!(access.claim("aud"), "patients");
    assert_eq!(
        *access.claim("scope"),
        json!(["openid", "patients.read", "offline_access"])
    );
    // Re-use of a refresh token is what a current one defaults to.
    for _ in 0..2 {
        let again = app.refresh(locum.peer(), tokens.refresh()).await;
        assert_eq!(Tokens::of(&again).refresh_token, None);
    }

    let silent = [("scope", "openid offline_access"), ("prompt", "none")];
    let callback = app.callback(&mut person, &silent).await;
    callback.refused("consent_required");
    assert_eq!(callback.get("iss"), issuer);
    let without = App { pkce: false, ..app };
    let callback = without.callback(&mut person, &more).await;
    callback.refused("invalid_request");
}
