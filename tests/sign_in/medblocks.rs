//! Medblocks' guide, "Single Page Application": no PKCE, no `state`, either of two paths.

use crate::support::html::Form;
use crate::support::http::{Peer, Request};
use crate::support::json::Members;
use crate::support::jwt::Jwt;
use crate::support::servers::{BEGINNING, Fixture, demo};
use crate::support::user::{
    App, CALLBACK, CHALLENGE, Callback, HYDRA, PASSWORD_HASH, Person, Tokens, VERIFIER, form,
};

fn clinician() -> Person {
    Person::new(demo(), "clinician")
}

/// The exchange of the guide: a public client names itself in the body.
fn exchange(code: &str, more: &str) -> Request {
    Request::post("/medblocks/oauth2/token").form(format!(
        "grant_type=authorization_code&code={code}&client_id=medblocks-spa&redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcallback{more}"
    ))
}

#[tokio::test]
async fn the_guides_single_page_application_signs_somebody_in_at_either_path() {
    for path in ["/medblocks/oauth2/auth", "/medblocks/oauth2/authorize"] {
        let mut person = clinician();
        let answer = person
            .authorize(&format!(
                "{path}?response_type=code&client_id=medblocks-spa&redirect_uri=http://localhost:3000/callback"
            ))
            .await;
        // Without a scope there is nothing to consent to but the sign-in itself.
        assert!(person.seen.contains(&"/medblocks/sign-in".to_owned()));
        answer.is(303);
        let callback = Callback::of(&answer);
        assert_eq!(callback.uri, CALLBACK);
        // Alphabetical, `scope` also when it is empty, no `state` where none was sent.
        assert_eq!(callback.names(), ["code", "scope"]);
        assert_eq!(callback.get("scope"), "");
        let code = callback.get("code");
        assert!(code.starts_with("ory_ac_"), "{code}");

        let answer = demo().send(exchange(code, "")).await;
        answer.reads(
            r#"
            200
            Content-Type: application/json;charset=UTF-8
            Cache-Control: no-store
            Pragma: no-cache

            {"access_token":"ory_at_….…","expires_in":3599,"scope":"","token_type":"bearer"}
            "#,
        );
    }
}

#[tokio::test]
async fn scope_and_state_come_back_in_hydras_order_and_encoding() {
    let locum = Fixture::start().await;
    let mut person = Person::new(locum.peer(), "clinician");
    let url = App::medblocks_spa().authorization(&[
        ("scope", "openid offline patient/*.read"),
        ("state", "a state & more"),
    ]);
    let answer = person.authorize(&url).await;
    let location = answer.is(303).header("location").unwrap();
    let (_, query) = location.split_once('?').unwrap();
    let (code, rest) = query.split_once('&').unwrap();
    assert!(code.starts_with("code=ory_ac_"), "{location}");
    assert_eq!(
        rest,
        "scope=openid+offline+patient%2F%2A.read&state=a+state+%26+more"
    );
    assert!(person.seen.contains(&"/medblocks/consent".to_owned()));
}

#[tokio::test]
async fn a_full_answer_is_alphabetical_and_its_id_token_is_hydras() {
    let app = App::medblocks_spa();
    let mut person = clinician();
    let code = app
        .code(
            &mut person,
            &[
                ("scope", "openid offline_access patient/*.read"),
                ("nonce", "n-0S6_WzA2Mj"),
            ],
        )
        .await;
    let answer = app.redeem(demo(), &code).await;
    assert_eq!(
        answer.is(200).member_names(),
        [
            "access_token",
            "expires_in",
            "id_token",
            "refresh_token",
            "scope",
            "token_type"
        ]
    );
    let tokens = Tokens::of(&answer);
    assert!(tokens.access_token.starts_with("ory_at_"));
    assert!(tokens.refresh().starts_with("ory_rt_"));
    assert_eq!(
        answer.json()["scope"],
        "openid offline_access patient/*.read"
    );

    let id_token = tokens.id_claims();
    assert_eq!(id_token.header.names(), ["alg", "kid", "typ"]);
    assert_eq!(id_token.header("alg"), "RS256");
    let names = id_token.claims.names();
    let expected = [
        "acr",
        "amr",
        "at_hash",
        "aud",
        "auth_time",
        "exp",
        "iat",
        "iss",
        "jti",
        "nonce",
        "rat",
        "sid",
        "sub",
    ];
    assert_eq!(names, expected);
    assert_eq!(*id_token.claim("aud"), serde_json::json!(["medblocks-spa"]));
    assert_eq!(id_token.claim("nonce"), "n-0S6_WzA2Mj");
    assert_eq!(*id_token.claim("auth_time"), BEGINNING);
    assert_eq!(*id_token.claim("exp"), BEGINNING + 3600);

    // UserInfo: the same, less what belongs to the token alone.
    let userinfo = app.userinfo(demo(), &tokens.access_token).await;
    let members = Members::parse(&userinfo.is(200).body);
    for absent in ["nonce", "at_hash", "exp", "sid", "jti"] {
        assert!(!members.names().contains(&absent), "{userinfo}");
    }
    assert_eq!(userinfo.json()["sub"], *id_token.claim("sub"));
    assert_eq!(userinfo.json()["aud"], serde_json::json!(["medblocks-spa"]));
}

#[tokio::test]
async fn pkce_is_not_demanded_and_honoured_when_it_is_used() {
    let mut person = clinician();
    let app = App {
        pkce: true,
        ..App::medblocks_spa()
    };
    let code = app.code(&mut person, &[]).await;
    let ig = "The provided authorization grant (e.g., authorization code, resource owner credentials) or refresh token is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.";
    for (more, hint) in [
        ("", "The PKCE code verifier must be at least 43 characters."),
        (
            "&code_verifier=short",
            "The PKCE code verifier must be at least 43 characters.",
        ),
        (
            "&code_verifier=aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa",
            "The PKCE code challenge did not match the code verifier.",
        ),
    ] {
        let code = app.code(&mut person, &[]).await;
        let answer = demo().send(exchange(&code, more)).await;
        answer.refused(400, "invalid_grant");
        assert_eq!(answer.json()["error_description"], format!("{ig} {hint}"));
    }
    let more = format!("&code_verifier={VERIFIER}");
    demo().send(exchange(&code, &more)).await.is(200);

    let without = App::medblocks_spa().code(&mut person, &[]).await;
    let answer = demo().send(exchange(&without, &more)).await;
    assert_eq!(
        answer.refused(400, "invalid_grant").json()["error_description"],
        format!(
            "{ig} The PKCE code verifier was provided but the code challenge was absent from the authorization request."
        )
    );

    // It advertises `plain`, and refuses it.
    let url = App::medblocks_spa().authorization(&[
        ("code_challenge", CHALLENGE),
        ("code_challenge_method", "plain"),
        ("state", "12345678"),
    ]);
    let answer = person.authorize(&url).await;
    let callback = Callback::of(answer.is(303));
    callback.refused("invalid_request");
    assert_eq!(callback.names(), ["error", "error_description", "state"]);
    assert!(
        callback
            .get("error_description")
            .ends_with("Clients must use code_challenge_method=S256, plain is not allowed.")
    );
}

#[tokio::test]
async fn a_code_is_refused_in_hydras_words() {
    let app = App::medblocks_spa();
    let mut person = clinician();
    let refused = async |request: Request, hint: &str| {
        let answer = demo().send(request).await;
        answer.refused(400, "invalid_grant");
        let text = answer.json()["error_description"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(text.ends_with(hint), "{text}");
    };
    refused(exchange("ory_ac_made.up", ""), "another client.").await;
    let code = app.code(&mut person, &[]).await;
    demo().send(exchange(&code, "")).await.is(200);
    refused(
        exchange(&code, ""),
        "The authorization code has already been used.",
    )
    .await;
    let code = app.code(&mut person, &[]).await;
    let other = form(&[
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("client_id", "medblocks-spa"),
        ("redirect_uri", "http://localhost:3000/elsewhere"),
    ]);
    refused(
        Request::post("/medblocks/oauth2/token").form(other),
        "The 'redirect_uri' from this request does not match the one from the authorize request.",
    )
    .await;
}

#[tokio::test]
async fn hydra_rotates_refresh_tokens_and_says_what_is_wrong_with_one() {
    let app = App::medblocks_spa();
    let peer: Peer = demo();
    let mut person = clinician();
    let first = app.tokens(&mut person, &[("scope", "offline")]).await;
    let second = Tokens::of(&app.refresh(peer, first.refresh()).await);
    assert_ne!(first.refresh(), second.refresh());
    for (token, hint) in [
        (first.refresh(), "The refresh token was already used."),
        (
            "ory_rt_made.up",
            "The refresh token is malformed or not valid.",
        ),
    ] {
        let answer = app.refresh(peer, token).await;
        answer.refused(400, "invalid_grant");
        let text = answer.json()["error_description"]
            .as_str()
            .unwrap()
            .to_owned();
        assert!(text.ends_with(hint), "{text}");
    }
}

#[tokio::test]
async fn an_unknown_client_is_told_to_the_person_alone() {
    let mut person = clinician();
    let url = "/medblocks/oauth2/auth?response_type=code&client_id=nobody&redirect_uri=http://localhost:3000/callback";
    let answer = person.visit(url).await;
    answer.is_error_page("invalid_client");
    assert!(
        answer
            .body
            .contains("The requested OAuth 2.0 Client does not exist."),
        "{answer}"
    );
    let url = "/medblocks/oauth2/auth?response_type=code&client_id=medblocks-spa&redirect_uri=https://evil.example/";
    let answer = person.visit(url).await;
    answer.is_error_page("invalid_request");
    assert!(answer.body.contains(
        "parameter does not match any of the OAuth 2.0 Client&#39;s pre-registered redirect urls."
    ), "{answer}");
}

#[tokio::test]
async fn an_error_comes_back_alphabetically_and_a_denial_is_access_denied() {
    let locum = Fixture::start().await;
    let mut person = Person::new(locum.peer(), "clinician");
    let url = App::medblocks_spa().authorization(&[("scope", "openid"), ("state", "12345678")]);
    let page = person.visit(&url).await;
    let page = person.sign_in(&page).await;
    let consent = Form::with_button(&page.body, "consent-deny").unwrap();
    let answer = person.press(&consent, "consent-deny").await;
    let callback = Callback::of(answer.is(303));
    callback.refused("access_denied");
    assert_eq!(callback.names(), ["error", "error_description", "state"]);
    assert_eq!(
        callback.get("error_description"),
        "The resource owner or authorization server denied the request."
    );

    let url = App::medblocks_spa().authorization(&[("scope", "openid emulate_user")]);
    let callback = Callback::of(&person.visit(&url).await);
    callback.refused("invalid_scope");
    assert!(
        callback
            .get("error_description")
            .ends_with("is not allowed to request scope 'emulate_user'."),
        "{callback:?}"
    );
}

#[tokio::test]
async fn the_redirect_uri_may_be_left_out_where_there_is_just_one() {
    // Where any loopback URI will do, none is meant; see `redirects` for a client with one.
    let url = "/medblocks/oauth2/auth?response_type=code&client_id=medblocks-spa";
    clinician()
        .visit(url)
        .await
        .is_error_page("invalid_request");
}

#[tokio::test]
async fn a_users_jwt_is_hydras_too_where_the_api_wants_one() {
    let config = r#"
        [[issuer]]
        name = "jwt-hydra"
        dialect = "hydra"

        [[issuer.api]]
        audience = "https://api.example"
        token_format = "jwt"
        scopes = ["read"]

        [[issuer.client]]
        client_id = "spa"
        kind = "spa"
        first_party = true
        redirect_uris = ["http://localhost:3000/callback"]
        grant = [{ audience = "https://api.example", scopes = "all" }]

        [[issuer.user]]
        username = "ada"
        password_hash = "HASH"
    "#
    .replace("HASH", PASSWORD_HASH);
    let locum = Fixture::configured(&config).await;
    let app = App {
        pkce: false,
        ..App::new("jwt-hydra", "spa", HYDRA)
    };
    let mut person = Person::new(locum.peer(), "ada");
    let more = [("scope", "read"), ("audience", "https://api.example")];
    let tokens = app.tokens(&mut person, &more).await;
    let jwt = Jwt::parse(&tokens.access_token);
    assert_eq!(
        jwt.claims.names(),
        [
            "aud",
            "client_id",
            "exp",
            "ext",
            "iat",
            "iss",
            "jti",
            "nbf",
            "scp",
            "sub"
        ]
    );
    assert_eq!(*jwt.claim("scp"), serde_json::json!(["read"]));
    assert_ne!(jwt.claim("sub"), "spa");
}
