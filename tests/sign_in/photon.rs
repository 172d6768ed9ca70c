//! Photon: a browser application built on Auth0's SDK.

use std::time::Duration;

use serde_json::{Value, json};

use crate::support::html::{self, text_of};
use crate::support::http::{Answer, Peer, Request};
use crate::support::jwt::Jwt;
use crate::support::servers::{BEGINNING, Fixture, demo};
use crate::support::user::{
    AUTH0, App, CALLBACK, CHALLENGE, Callback, PASSWORD_HASH, Person, Tokens, VERIFIER, form,
};

const API: &str = "https://api.neutron.health";
const EVERYTHING: &str = "openid profile email offline_access read:patient write:patient read:prescription write:prescription read:order write:order";

/// What Auth0's SPA SDK sends, with an API and everything it has.
async fn sign_in(username: &str, scope: &str) -> (Person, Tokens) {
    let mut person = Person::new(demo(), username);
    let more = [("scope", scope), ("audience", API)];
    let tokens = App::photon_spa().tokens(&mut person, &more).await;
    (person, tokens)
}

fn issuer(peer: Peer) -> String {
    format!("http://localhost:{}/photon/", peer.port)
}

#[tokio::test]
async fn the_spa_sdks_own_requests_work() {
    let mut person = Person::new(demo(), "provider");
    let url = format!(
        "/photon/authorize?client_id=photon-spa&scope=openid%20profile%20email%20offline_access%20read%3Apatient&audience=https%3A%2F%2Fapi.neutron.health&redirect_uri=http%3A%2F%2Flocalhost%3A3000%2Fcallback&response_type=code&response_mode=query&state=d0NXZ1Q%3D&nonce=bm9uY2U%3D&code_challenge={CHALLENGE}&code_challenge_method=S256&auth0Client=eyJuYW1lIjoiYXV0aDAtc3BhLWpzIn0%3D"
    );
    let answer = person.authorize(&url).await;
    let callback = Callback::of(answer.is(302));
    assert_eq!(callback.names(), ["code", "state"]);
    assert_eq!(callback.get("state"), "d0NXZ1Q=");
    // One of the issuer's own applications: nobody is asked.
    assert!(!person.seen.contains(&"/photon/consent".to_owned()));

    let answer = demo()
        .send(
            Request::post("/photon/oauth/token")
                .header("Origin", "http://localhost:3000")
                .header("Auth0-Client", "eyJuYW1lIjoiYXV0aDAtc3BhLWpzIn0=")
                .form(form(&[
                    ("client_id", "photon-spa"),
                    ("code_verifier", VERIFIER),
                    ("grant_type", "authorization_code"),
                    ("code", callback.get("code")),
                    ("redirect_uri", CALLBACK),
                ])),
        )
        .await;
    answer.reads(
        r#"
        200
        Content-Type: application/json
        Cache-Control: no-store
        Access-Control-Allow-Origin: *

        {"access_token":"…","refresh_token":"…","id_token":"…","scope":"openid profile email offline_access read:patient","expires_in":86400,"token_type":"Bearer"}
        "#,
    );
    let tokens = Tokens::of(&answer);
    assert!(!tokens.refresh().contains('.'), "opaque");

    let id_token = tokens.id_claims();
    assert_eq!(id_token.header.names(), ["alg", "typ", "kid"]);
    let names = id_token.claims.names();
    assert!(
        names.ends_with(&["iss", "aud", "iat", "exp", "sub", "sid", "nonce"]),
        "{names:?}"
    );
    assert_eq!(*id_token.claim("iss"), json!(issuer(demo())));
    assert_eq!(id_token.claim("aud"), "photon-spa");
    assert_eq!(id_token.claim("nonce"), "bm9uY2U=");
    assert_eq!(*id_token.claim("exp"), BEGINNING + 36_000);
    assert_eq!(id_token.claim("name"), "Dr. Petra Provider");
    assert_eq!(id_token.claim("email"), "petra.provider@photon.example");
    assert_eq!(*id_token.claim("email_verified"), true);
    let updated_at = id_token.claim("updated_at").as_str().unwrap();
    assert!(updated_at.ends_with(".000Z"), "{updated_at}");
    let sub = id_token.claim("sub").as_str().unwrap();
    assert!(sub.starts_with("auth0|"), "{sub}");

    let userinfo = demo()
        .send(Request::get("/photon/userinfo").bearer(&tokens.access_token))
        .await;
    assert_eq!(
        userinfo.is(200).header("content-type"),
        Some("application/json; charset=utf-8")
    );
    assert_eq!(userinfo.json()["sub"], sub);
    assert_eq!(userinfo.json()["email"], "petra.provider@photon.example");
}

#[tokio::test]
async fn a_users_token_is_auth0s_with_two_audiences_and_the_permissions() {
    let (_, tokens) = sign_in("provider", EVERYTHING).await;
    let access = tokens.access_claims();
    assert_eq!(access.header.names(), ["alg", "typ", "kid"]);
    assert_eq!(access.header("typ"), "JWT");
    assert_eq!(
        access.claims.names(),
        [
            "iss",
            "sub",
            "aud",
            "iat",
            "exp",
            "scope",
            "azp",
            "permissions"
        ]
    );
    let userinfo = format!("{}userinfo", issuer(demo()));
    assert_eq!(*access.claim("aud"), json!([API, userinfo]));
    assert_eq!(access.claim("azp"), "photon-spa");

    // Without openid there is no UserInfo for it, and the audience is a string.
    let (_, tokens) = sign_in("provider", "read:patient").await;
    assert_eq!(tokens.access_claims().claim("aud"), API);
    assert_eq!(tokens.id_token, None);
}

#[tokio::test]
async fn a_provider_may_get_write_prescription_and_staff_may_not_whatever_is_asked() {
    let (_, tokens) = sign_in("provider", EVERYTHING).await;
    assert_eq!(tokens.scope.as_deref(), Some(EVERYTHING));
    let held = |tokens: &Tokens| tokens.access_claims().claim("permissions").clone();
    let all = [
        "read:patient",
        "write:patient",
        "read:prescription",
        "write:prescription",
        "read:order",
        "write:order",
    ];
    assert_eq!(held(&tokens), json!(all));

    let less: Vec<&str> = all
        .into_iter()
        .filter(|scope| *scope != "write:prescription")
        .collect();
    let without = EVERYTHING.replace(" write:prescription", "");
    let (_, tokens) = sign_in("staff", EVERYTHING).await;
    assert_eq!(tokens.scope.as_deref(), Some(without.as_str()));
    assert_eq!(held(&tokens), json!(less));
    let (_, alone) = sign_in("staff", "write:prescription").await;
    assert_eq!(alone.scope, None);
    // All that the person holds, whatever was asked for.
    assert_eq!(held(&alone), json!(less));

    // Nor at a refresh.
    let app = App::photon_spa();
    let more = [("scope", "read:patient write:prescription")];
    let answer = demo().send(app.refreshing(tokens.refresh(), &more)).await;
    assert_eq!(Tokens::of(&answer).scope.as_deref(), Some("read:patient"));
}

#[tokio::test]
async fn without_an_audience_the_token_is_opaque_and_good_for_userinfo_alone() {
    let mut person = Person::new(demo(), "provider");
    let app = App::photon_spa();
    let more = [("scope", "openid profile read:patient")];
    let tokens = app.tokens(&mut person, &more).await;
    assert!(!tokens.access_token.contains('.'), "{tokens:?}");
    app.userinfo(demo(), &tokens.access_token).await.is(200);
    let graphql = Request::get("/photon/graphql").bearer(&tokens.access_token);
    let status = demo().send(graphql).await.status;
    assert!([401, 403].contains(&status), "{status}");
}

#[tokio::test]
async fn scopes_that_nobody_granted_are_dropped_without_a_word() {
    let (_, tokens) = sign_in("provider", "openid read:patient delete:everything").await;
    assert_eq!(tokens.scope.as_deref(), Some("openid read:patient"));
}

#[tokio::test]
async fn a_spas_refresh_tokens_rotate_and_a_stolen_one_ends_the_family() {
    // Of its own: without `jti`, two tokens of one second are the same token.
    let locum = Fixture::start().await;
    let app = App::photon_spa();
    let mut person = Person::new(locum.peer(), "provider");
    let more = [("scope", EVERYTHING), ("audience", API)];
    let first = app.tokens(&mut person, &more).await;
    locum.clock.advance(Duration::from_secs(1));
    let answer = app.refresh(locum.peer(), first.refresh()).await;
    assert_eq!(
        answer.is(200).member_names(),
        [
            "access_token",
            "refresh_token",
            "id_token",
            "scope",
            "expires_in",
            "token_type"
        ]
    );
    let second = Tokens::of(&answer);
    assert!(!second.id_claims().claims.names().contains(&"nonce"));
    let refused = async |token: &str| {
        app.refresh(locum.peer(), token).await.reads(
            r#"
            403
            Content-Type: application/json

            {"error":"invalid_grant","error_description":"Unknown or invalid refresh token."}
            "#,
        );
    };
    refused(first.refresh()).await;
    refused(second.refresh()).await;
    refused("made-up").await;
    for tokens in [&first, &second] {
        app.userinfo(locum.peer(), &tokens.access_token)
            .await
            .is(401);
    }
}

#[tokio::test]
async fn refresh_tokens_live_for_15_days_unused_and_30_in_all() {
    let locum = Fixture::start().await;
    let app = App::photon_spa();
    let more = [("scope", "openid offline_access")];
    let mut person = Person::new(locum.peer(), "provider");
    let day = Duration::from_secs(86_400);

    let idle = app.tokens(&mut person, &more).await;
    let mut used = app.tokens(&mut person, &more).await;
    locum.clock.advance(day * 15 - Duration::from_secs(1));
    used = Tokens::of(&app.refresh(locum.peer(), used.refresh()).await);
    locum.clock.advance(Duration::from_secs(1));
    app.refresh(locum.peer(), idle.refresh())
        .await
        .refused(403, "invalid_grant");
    locum.clock.advance(day * 14);
    used = Tokens::of(&app.refresh(locum.peer(), used.refresh()).await);
    locum.clock.advance(day);
    app.refresh(locum.peer(), used.refresh())
        .await
        .refused(403, "invalid_grant");
}

// ------------------------------------------------------------------------- silent renewal

/// The message that a page of `web_message` sends, and to whom.
fn message(answer: &Answer) -> (String, Value) {
    let tags = html::tags(&answer.is(200).body);
    let sender = tags
        .iter()
        .find(|tag| tag.get("id") == Some("web-message"))
        .unwrap_or_else(|| panic!("no message: {answer}"));
    let message = sender.get("data-message").unwrap();
    (
        sender.get("data-target-origin").unwrap().to_owned(),
        serde_json::from_str(message).unwrap(),
    )
}

#[tokio::test]
async fn silent_renewal_posts_the_code_to_the_applications_own_origin() {
    let mut person = Person::new(demo(), "provider");
    let silent = App::photon_spa().authorization(&[
        ("scope", "openid read:patient"),
        ("audience", API),
        ("prompt", "none"),
        ("response_mode", "web_message"),
        ("state", "s</script>\"'"),
    ]);
    // Nobody is signed in: an error, in the words the SDK looks for.
    let answer = person.visit(&silent).await;
    let (origin, said) = message(&answer);
    assert_eq!(origin, "http://localhost:3000");
    assert_eq!(
        said,
        json!({
            "type": "authorization_response",
            "response": {
                "error": "login_required",
                "error_description": "Login required",
                "state": "s</script>\"'",
            }
        })
    );

    person.sign_in_at("photon").await;
    let answer = person.visit(&silent).await;
    let (origin, said) = message(&answer);
    assert_eq!(origin, "http://localhost:3000");
    assert_eq!(said["type"], "authorization_response");
    let response = &said["response"];
    assert_eq!(response["state"], "s</script>\"'");
    let code = response["code"].as_str().unwrap();
    App::photon_spa().redeem(demo(), code).await.is(200);

    // It may stand in a frame, and runs no script but ours.
    assert_eq!(answer.header("x-frame-options"), None);
    let policy = answer.header("content-security-policy").unwrap();
    assert!(!policy.contains("frame-ancestors"), "{policy}");
    assert!(policy.contains("script-src 'self'"), "{policy}");
    assert!(!policy.contains("unsafe"), "{policy}");
    let scripts: Vec<_> = html::tags(&answer.body)
        .into_iter()
        .filter(|tag| tag.name == "script")
        .collect();
    assert_eq!(scripts.len(), 1);
    assert_eq!(scripts[0].get("src"), Some("/static/web-message.js"));
    let script = demo().get("/static/web-message.js").await;
    assert!(script.is(200).body.contains("postMessage"));
}

#[tokio::test]
async fn prompt_none_says_which_question_would_have_to_be_asked() {
    let config = application(
        r#"
        [[issuer.client]]
        client_id = "third-party"
        kind = "spa"
        redirect_uris = ["https://app.example/callback"]
        grant = [{ audience = "https://api.example", scopes = "all" }]
        "#,
    );
    let locum = Fixture::configured(&config).await;
    let mut person = Person::new(locum.peer(), "ada");
    person.sign_in_at("tenant").await;
    let app = App {
        redirect_uri: "https://app.example/callback".to_owned(),
        ..App::new("tenant", "third-party", AUTH0)
    };
    let url = app.authorization(&[("scope", "openid"), ("prompt", "none"), ("state", "s")]);
    assert_eq!(
        person.visit(&url).await.is(302).header("location"),
        Some(
            "https://app.example/callback?error=consent_required&error_description=Consent%20required&state=s"
        )
    );
    assert_eq!(
        Person::new(locum.peer(), "ada")
            .visit(&url)
            .await
            .is(302)
            .header("location"),
        Some(
            "https://app.example/callback?error=login_required&error_description=Login%20required&state=s"
        )
    );
}

/// A tenant with an API and one user, and these clients.
fn application(clients: &str) -> String {
    format!(
        r#"
        [[issuer]]
        name = "tenant"
        dialect = "auth0"
        post_logout_redirect_uris = ["https://tenant.example/bye"]

        [[issuer.api]]
        audience = "https://api.example"
        scopes = ["read"]
        {clients}

        [[issuer.user]]
        username = "ada"
        password_hash = "{PASSWORD_HASH}"
        "#
    )
}

// ------------------------------------------------------------------------- refusals

#[tokio::test]
async fn an_unknown_client_or_callback_is_a_page_with_auth0s_words() {
    let mut person = Person::new(demo(), "provider");
    for (more, words) in [
        (("client_id", "nobody"), "Unknown client: nobody"),
        (
            ("redirect_uri", "https://evil.example/"),
            "Callback URL mismatch.",
        ),
    ] {
        let url = App::photon_spa().authorization(&[more, ("scope", "openid")]);
        let answer = person.visit(&url).await;
        answer.is(403).is_error_page("unauthorized_client");
        assert!(answer.body.contains(words), "{answer}");
    }
}

#[tokio::test]
async fn an_unknown_audience_is_told_to_the_client_with_spaces_as_percent_20() {
    let mut person = Person::new(demo(), "provider");
    let url = App::photon_spa().authorization(&[
        ("scope", "openid"),
        ("audience", "https://nowhere.example"),
        ("state", "xyz"),
    ]);
    assert_eq!(
        person.visit(&url).await.is(302).header("location"),
        Some(
            "http://localhost:3000/callback?error=access_denied&error_description=Service%20not%20found%3A%20https%3A%2F%2Fnowhere.example&state=xyz"
        )
    );
}

#[tokio::test]
async fn a_public_client_needs_pkce_and_may_use_plain() {
    let mut person = Person::new(demo(), "provider");
    let without = App {
        pkce: false,
        ..App::photon_spa()
    };
    let callback = without.callback(&mut person, &[("scope", "openid")]).await;
    callback.refused("invalid_request");
    let plain = [
        ("scope", "openid"),
        ("code_challenge", VERIFIER),
        ("code_challenge_method", "plain"),
    ];
    App::photon_spa().tokens(&mut person, &plain).await;
}

#[tokio::test]
async fn a_code_is_refused_with_403_in_auth0s_words() {
    let app = App::photon_spa();
    let (mut person, _) = sign_in("provider", "openid").await;
    let spent = app.code(&mut person, &[("scope", "openid")]).await;
    app.redeem(demo(), &spent).await.is(200);
    let code = async |person: &mut Person| app.code(person, &[("scope", "openid")]).await;
    let request = |code: &str, verifier: &str, redirect_uri: &str| {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("code_verifier", verifier),
            ("redirect_uri", redirect_uri),
        ];
        let given = fields.into_iter().filter(|(_, value)| !value.is_empty());
        app.post("/oauth/token", &given.collect::<Vec<_>>())
    };
    let wrong = "a".repeat(43);
    let (invalid, verifier) = (
        "Invalid authorization code",
        "Failed to verify code verifier",
    );
    for (request, error, description) in [
        (
            request("made-up", VERIFIER, CALLBACK),
            "invalid_grant",
            invalid,
        ),
        (
            request(&spent, VERIFIER, CALLBACK),
            "invalid_grant",
            invalid,
        ),
        (
            request(&code(&mut person).await, &wrong, CALLBACK),
            "invalid_grant",
            verifier,
        ),
        (
            request(&code(&mut person).await, "", CALLBACK),
            "invalid_grant",
            verifier,
        ),
        (
            request(
                &code(&mut person).await,
                VERIFIER,
                "http://localhost:4000/other",
            ),
            "unauthorized_client",
            "The redirect URI is wrong. You sent http://localhost:4000, and we expected http://localhost:3000",
        ),
    ] {
        let answer = demo().send(request).await;
        answer.refused(403, error);
        assert_eq!(answer.json()["error_description"], description);
    }
    let missing = demo()
        .send(app.post("/oauth/token", &[("grant_type", "authorization_code")]))
        .await;
    assert_eq!(
        missing.refused(400, "invalid_request").json()["error_description"],
        "Missing required parameter: code"
    );
    let userinfo = demo().get("/photon/userinfo").await;
    userinfo.reads("401\nContent-Type: text/plain; charset=utf-8\nWWW-Authenticate: Bearer realm=\"Users\"\n\nUnauthorized");
}

#[tokio::test]
async fn a_callbacks_query_is_not_compared_and_kept() {
    let config = application(
        r#"
        [[issuer.client]]
        client_id = "elements"
        kind = "spa"
        first_party = true
        redirect_uris = ["https://app.example/callback"]
        grant = [{ audience = "https://api.example", scopes = "all" }]
        "#,
    );
    let locum = Fixture::configured(&config).await;
    let mut person = Person::new(locum.peer(), "ada");
    let app = App {
        redirect_uri: "https://app.example/callback?photon=true".to_owned(),
        ..App::new("tenant", "elements", AUTH0)
    };
    let answer = person
        .authorize(&app.authorization(&[("scope", "openid")]))
        .await;
    let location = answer.is(302).header("location").unwrap();
    let code = location
        .strip_prefix("https://app.example/callback?photon=true&code=")
        .unwrap_or_else(|| panic!("{location}"));
    app.redeem(locum.peer(), code).await.is(200);
}

// ------------------------------------------------------------------------- /v2/logout

#[tokio::test]
async fn v2_logout_ends_the_session_and_goes_where_it_may() {
    let locum = Fixture::configured(&application(
        r#"
        [[issuer.client]]
        client_id = "spa"
        kind = "spa"
        first_party = true
        any_loopback_uri = true
        post_logout_redirect_uris = ["https://app.example/", "https://app.example/other"]
        grant = [{ audience = "https://api.example", scopes = "all" }]

        [[issuer.client]]
        client_id = "homeless"
        kind = "spa"
        "#,
    ))
    .await;
    let signed_in = async || {
        let mut person = Person::new(locum.peer(), "ada");
        person.sign_in_at("tenant").await;
        person
    };
    let is_in = async |person: &mut Person| person.get("/tenant/account").await.status == 200;
    for (query, location) in [
        // On the client's list; a query does not count.
        (
            "client_id=spa&returnTo=https%3A%2F%2Fapp.example%2Fother",
            Some("https://app.example/other"),
        ),
        (
            "client_id=spa&returnTo=https%3A%2F%2Fapp.example%2F%3Ffrom%3Dhere",
            Some("https://app.example/?from=here"),
        ),
        // The first, where the client does not say.
        ("client_id=spa", Some("https://app.example/")),
        // On the tenant's list, where there is no client.
        (
            "returnTo=https%3A%2F%2Ftenant.example%2Fbye",
            Some("https://tenant.example/bye"),
        ),
        ("federated&client_id=spa", Some("https://app.example/")),
        ("", None),
        ("client_id=homeless", None),
    ] {
        let mut person = signed_in().await;
        assert!(is_in(&mut person).await);
        let cookies = person.cookies.clone();
        let answer = person.get(&format!("/tenant/v2/logout?{query}")).await;
        match location {
            Some(_) => assert_eq!(answer.is(302).header("location"), location, "{query}"),
            None => assert_eq!(answer.is(200).body, "OK", "{query}"),
        }
        assert!(!is_in(&mut person).await, "{query}");
        person.cookies = cookies;
        assert!(!is_in(&mut person).await, "the session itself has ended");
    }
    let mut person = signed_in().await;
    for (query, uri) in [
        (
            "client_id=spa&returnTo=https%3A%2F%2Fevil.example%2F",
            "https://evil.example/",
        ),
        // On the other list.
        (
            "client_id=spa&returnTo=https%3A%2F%2Ftenant.example%2Fbye",
            "https://tenant.example/bye",
        ),
        (
            "returnTo=https%3A%2F%2Fapp.example%2F",
            "https://app.example/",
        ),
    ] {
        let answer = person.get(&format!("/tenant/v2/logout?{query}")).await;
        answer.is(400).is_error_page("invalid_request");
        let words = format!(
            "The \"returnTo\" querystring parameter \"{uri}\" is not defined as a valid URL in \"Allowed Logout URLs\"."
        );
        let (_, shown) = answer.body.split_once("<dd dir=\"auto\">").unwrap();
        assert_eq!(html::unescape(shown.split('<').next().unwrap()), words);
    }
    let answer = person.get("/tenant/v2/logout?client_id=nobody").await;
    assert!(text_of(&answer.body, "error-code").is_some(), "{answer}");
    assert!(is_in(&mut person).await, "nothing happened");
}

#[tokio::test]
async fn the_demo_application_may_return_to_wherever_it_listens() {
    let (mut person, _) = sign_in("provider", "openid").await;
    let answer = person
        .get("/photon/v2/logout?client_id=photon-spa&returnTo=http%3A%2F%2Flocalhost%3A3000")
        .await;
    assert_eq!(
        answer.is(302).header("location"),
        Some("http://localhost:3000")
    );
}

#[tokio::test]
async fn a_confidential_client_keeps_its_refresh_token() {
    let locum = Fixture::configured(&application(
        r#"
        [[issuer.client]]
        client_id = "web"
        client_secret = "web-secret"
        kind = "web"
        first_party = true
        redirect_uris = ["http://localhost:3000/callback"]
        grant = [{ audience = "https://api.example", scopes = "all" }]
        "#,
    ))
    .await;
    let app = App {
        pkce: false,
        ..App::confidential("tenant", "web", AUTH0)
    };
    let mut person = Person::new(locum.peer(), "ada");
    let more = [
        ("scope", "openid read offline_access"),
        ("audience", "https://api.example"),
        ("max_age", "3600"),
    ];
    let tokens = app.tokens(&mut person, &more).await;
    // `auth_time` where `max_age` was sent.
    assert_eq!(*tokens.id_claims().claim("auth_time"), BEGINNING);
    for _ in 0..3 {
        let answer = app.refresh(locum.peer(), tokens.refresh()).await;
        assert_eq!(
            answer.is(200).member_names(),
            [
                "access_token",
                "id_token",
                "scope",
                "expires_in",
                "token_type"
            ]
        );
        let claims = Jwt::parse(&answer.access_token());
        // No `gty`, neither for a code nor for a refresh token.
        assert!(!claims.claims.names().contains(&"gty"));
    }
}
