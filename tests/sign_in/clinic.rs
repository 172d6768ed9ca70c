//! A clinic's own identity provider: OpenID Connect with everything on, and strict.

use std::sync::LazyLock;
use std::time::Duration;

use aws_lc_rs::digest::{SHA256, SHA512, digest};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use openidconnect::JsonWebKey;
use openidconnect::core::CoreJwsSigningAlgorithm;
use serde_json::{Value, json};

use crate::signatures::{jwks, key_of};
use crate::support::html::{self, Form};
use crate::support::http::{Answer, Peer, Request};
use crate::support::jwt::Jwt;
use crate::support::servers::{BEGINNING, Fixture, shared_by};
use crate::support::user::{
    App, CALLBACK, CHALLENGE, Callback, PASSWORD_HASH, Person, STANDARD, Tokens, VERIFIER, form,
};

/// A clinic in place of the demo's, whose keys it keeps: with clients for everything that a
/// client can be registered for.
pub fn config() -> String {
    let client = |id: &str, more: &str| {
        format!(
            r#"
            [[issuer.client]]
            client_id = "{id}"
            client_secret = "{id}-secret"
            kind = "web"
            redirect_uris = ["{CALLBACK}", "https://{id}.example/callback?of={id}"]
            grant = [{{ audience = "https://api.example", scopes = "all" }}]
            {more}
            "#
        )
    };
    let own = "first_party = true";
    let pairwise = |sector: &str| {
        format!("{own}\nsubject_type = \"pairwise\"\nsector_identifier = \"{sector}\"")
    };
    [
        r#"
        [[issuer]]
        name = "clinic"
        dialect = "standard"

        [[issuer.api]]
        audience = "https://api.example"
        scopes = ["read", "write", { name = "prescribe", needs_role = true, users_only = true }]

        [[issuer.role]]
        name = "doctor"
        grant = [{ audience = "https://api.example", scopes = "all" }]
        "#,
        &client("web", own),
        &client("stranger", ""),
        &client("es256", &format!("{own}\nid_token_signed_response_alg = \"ES256\"")),
        &client("eddsa", &format!("{own}\nid_token_signed_response_alg = \"EdDSA\"")),
        &client("signed", &format!("{own}\nuserinfo_signed_response_alg = \"ES256\"")),
        &client("one", &pairwise("sector.example")),
        &client("two", &pairwise("sector.example")),
        &client("three", &pairwise("other.example")),
        &client(
            "claims",
            &format!(
                "{own}\nclaims = {{ organization = \"Sunrise\", mail = \"{{email}}\", login = \"{{username}}\", duties = \"{{roles}}\", level = 3, gone = \"{{nothing}}\" }}"
            ),
        ),
        &client("aged", &format!("{own}\ndefault_max_age = 60")),
        &client("timed", &format!("{own}\nrequire_auth_time = true")),
        &format!(
            r#"
            [[issuer.user]]
            username = "ada"
            password_hash = "{PASSWORD_HASH}"
            roles = ["doctor"]
            name = "Ada Lovelace"
            given_name = "Ada"
            family_name = "Lovelace"
            email = "ada@clinic.example"
            phone_number = "+12025550199"
            claims = {{ email_verified = true, birthdate = 1815-12-10, address = {{ locality = "London", country = "GB" }}, zoneinfo = "Europe/London" }}

            [[issuer.user]]
            username = "bob"
            password_hash = "{PASSWORD_HASH}"
            name = "Bob"
            "#
        ),
    ]
    .concat()
}

fn clinic() -> Peer {
    static CLINIC: LazyLock<Peer> = LazyLock::new(|| shared_by(&config()));
    *CLINIC
}

async fn clinic_of_its_own() -> Fixture {
    Fixture::configured(&config()).await
}

fn app(client_id: &str) -> App {
    App::confidential("clinic", client_id, STANDARD)
}

fn ada() -> Person {
    Person::new(clinic(), "ada")
}

fn issuer(peer: Peer) -> String {
    format!("http://localhost:{}/clinic", peer.port)
}

// ------------------------------------------------------------------------- the answer

#[tokio::test]
async fn the_callback_says_which_issuer_answers() {
    // RFC 9207 §2, on success and on error.
    let more = [("scope", "openid read"), ("state", "af0ifjsldkj")];
    let answer = ada().authorize(&app("web").authorization(&more)).await;
    let callback = Callback::of(answer.is(303));
    assert_eq!(callback.uri, CALLBACK);
    assert_eq!(callback.names(), ["code", "state", "iss", "session_state"]);
    assert_eq!(callback.get("iss"), issuer(clinic()));
    assert_eq!(callback.get("state"), "af0ifjsldkj");

    let more = [("scope", "openid nonsense"), ("state", "af0ifjsldkj")];
    let answer = ada().visit(&app("web").authorization(&more)).await;
    let callback = Callback::of(answer.is(303));
    callback.refused("invalid_scope");
    assert_eq!(
        callback.names(),
        ["error", "error_description", "state", "iss"]
    );
    assert_eq!(callback.get("iss"), issuer(clinic()));
}

#[tokio::test]
async fn the_answer_is_rfc_6749s_with_what_openid_adds() {
    let more = [("scope", "openid read offline_access")];
    let code = app("web").code(&mut ada(), &more).await;
    app("web").redeem(clinic(), &code).await.reads(
        r#"
        200
        Content-Type: application/json
        Cache-Control: no-store
        Pragma: no-cache

        {"access_token":"…","token_type":"Bearer","expires_in":3600,"refresh_token":"…","id_token":"…","scope":"openid read offline_access"}
        "#,
    );
}

#[tokio::test]
async fn a_request_may_be_posted() {
    let url = app("web").authorization(&[("scope", "openid")]);
    let (path, query) = url.split_once('?').unwrap();
    let mut person = ada();
    let page = person.send(Request::post(path).form(query)).await;
    let page = person.follow(page).await;
    let answer = person.go_through(page).await;
    let code = Callback::of(&answer).get("code").to_owned();
    app("web").redeem(clinic(), &code).await.is(200);
}

/// The same request in each response mode: `(success, error)`.
async fn in_mode(mode: &str, state: &str) -> (Answer, Answer) {
    let mut person = ada();
    let more = [
        ("scope", "openid"),
        ("state", state),
        ("response_mode", mode),
    ];
    let good = person.authorize(&app("web").authorization(&more)).await;
    let more = [
        ("scope", "nonsense"),
        ("state", state),
        ("response_mode", mode),
    ];
    let bad = person.authorize(&app("web").authorization(&more)).await;
    (good, bad)
}

#[tokio::test]
async fn each_response_mode_carries_success_and_error() {
    let state = "\"><script>&'\u{e9} ";
    let check = |good: &Callback, bad: &Callback| {
        assert_eq!(good.uri, CALLBACK);
        assert_eq!(bad.uri, CALLBACK);
        bad.refused("invalid_scope");
        for callback in [good, bad] {
            assert_eq!(callback.get("state"), state);
            assert_eq!(callback.get("iss"), issuer(clinic()));
        }
        good.get("code").to_owned()
    };
    let mut codes = Vec::new();
    let (good, bad) = in_mode("query", state).await;
    codes.push(check(&Callback::of(&good), &Callback::of(&bad)));
    let (good, bad) = in_mode("fragment", state).await;
    codes.push(check(
        &Callback::in_fragment(&good),
        &Callback::in_fragment(&bad),
    ));

    let (good, bad) = in_mode("form_post", state).await;
    for page in [&good, &bad] {
        let policy = page.header("content-security-policy").unwrap();
        assert!(policy.contains("form-action 'self' http:"), "{policy}");
        assert!(!page.body.contains("<script>"), "{page}");
        assert_eq!(page.header("cache-control"), Some("no-store"));
    }
    codes.push(check(&Callback::in_form(&good), &Callback::in_form(&bad)));

    let (good, bad) = in_mode("web_message", state).await;
    let message = |page: &Answer| {
        assert!(!page.body.contains("<script>"), "{page}");
        let tags = html::tags(&page.is(200).body);
        let tag = tags.iter().find(|tag| tag.has("data-message")).unwrap();
        assert_eq!(tag.get("data-target-origin"), Some("http://localhost:3000"));
        let message: Value = serde_json::from_str(tag.get("data-message").unwrap()).unwrap();
        let members = message["response"].as_object().unwrap();
        Callback {
            uri: CALLBACK.to_owned(),
            parameters: members
                .iter()
                .map(|(name, value)| (name.clone(), value.as_str().unwrap().to_owned()))
                .collect(),
        }
    };
    codes.push(check(&message(&good), &message(&bad)));
    for code in codes {
        app("web").redeem(clinic(), &code).await.is(200);
    }

    let more = [("scope", "openid"), ("response_mode", "smoke_signals")];
    let callback = app("web").callback(&mut ada(), &more).await;
    callback.refused("invalid_request");
}

#[tokio::test]
async fn a_redirect_uri_keeps_its_query() {
    let app = App {
        redirect_uri: "https://web.example/callback?of=web".to_owned(),
        ..app("web")
    };
    let answer = ada()
        .authorize(&app.authorization(&[("scope", "openid")]))
        .await;
    let location = answer.header("location").unwrap();
    let (_, rest) = location
        .split_once("https://web.example/callback?of=web&code=")
        .unwrap();
    let (code, _) = rest.split_once('&').unwrap();
    app.redeem(clinic(), code).await.is(200);
}

// ------------------------------------------------------------------------- ID tokens

/// A token's signature, checked with code that did not make it.
async fn verify(peer: Peer, jwt: &Jwt, alg: &CoreJwsSigningAlgorithm) {
    let keys = jwks(peer, "/clinic/.well-known/jwks.json").await;
    key_of(&keys, jwt)
        .verify_signature(alg, jwt.signed.as_bytes(), &jwt.signature)
        .unwrap();
}

#[tokio::test]
async fn an_id_token_says_who_signed_in_when_how_and_for_whom() {
    let more = [
        ("scope", "openid profile email read"),
        ("nonce", "n-0S6_WzA2Mj"),
    ];
    let tokens = app("web").tokens(&mut ada(), &more).await;
    let jwt = tokens.id_claims();
    verify(
        clinic(),
        &jwt,
        &CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
    )
    .await;
    assert_eq!(jwt.header.names(), ["typ", "alg", "kid"]);
    assert_eq!(
        jwt.claims.names(),
        [
            "iss",
            "sub",
            "aud",
            "exp",
            "iat",
            "auth_time",
            "nonce",
            "acr",
            "amr",
            "azp",
            "at_hash",
            "sid"
        ]
    );
    let hash = digest(&SHA256, tokens.access_token.as_bytes());
    for (name, value) in [
        ("iss", json!(issuer(clinic()))),
        ("aud", json!("web")),
        ("azp", json!("web")),
        ("exp", json!(BEGINNING + 3600)),
        ("iat", json!(BEGINNING)),
        ("auth_time", json!(BEGINNING)),
        ("nonce", json!("n-0S6_WzA2Mj")),
        ("acr", json!("1")),
        ("amr", json!(["pwd"])),
        ("at_hash", json!(BASE64URL.encode(&hash.as_ref()[..16]))),
        ("sub", tokens.access_claims().claim("sub").clone()),
    ] {
        assert_eq!(*jwt.claim(name), value, "{name}");
    }
    // The session is the same for every client, and no secret.
    assert!(uuid::Uuid::parse_str(jwt.claim("sid").as_str().unwrap()).is_ok());
}

#[tokio::test]
async fn a_sid_names_the_browsers_session() {
    let mut person = ada();
    let openid = [("scope", "openid")];
    let sid = |tokens: &Tokens| tokens.id_claims().claim("sid").clone();
    let first = app("web").tokens(&mut person, &openid).await;
    let second = app("timed").tokens(&mut person, &openid).await;
    assert_eq!(sid(&first), sid(&second));
    let elsewhere = app("web").tokens(&mut ada(), &openid).await;
    assert_ne!(sid(&first), sid(&elsewhere));
}

#[tokio::test]
async fn a_client_gets_id_tokens_by_the_algorithm_it_registered() {
    for (client, name, alg) in [
        ("es256", "ES256", CoreJwsSigningAlgorithm::EcdsaP256Sha256),
        ("eddsa", "EdDSA", CoreJwsSigningAlgorithm::EdDsa),
    ] {
        let more = [("scope", "openid offline_access")];
        let tokens = app(client).tokens(&mut ada(), &more).await;
        let refreshed = Tokens::of(&app(client).refresh(clinic(), tokens.refresh()).await);
        for tokens in [tokens, refreshed] {
            let jwt = tokens.id_claims();
            assert_eq!(jwt.header("alg"), name);
            verify(clinic(), &jwt, &alg).await;
            // The hash has the algorithm's size (OIDC Core §3.1.3.6); that of Ed25519 is SHA-512.
            let hash = match name {
                "EdDSA" => digest(&SHA512, tokens.access_token.as_bytes()),
                _ => digest(&SHA256, tokens.access_token.as_bytes()),
            };
            let half = &hash.as_ref()[..hash.as_ref().len() / 2];
            assert_eq!(*jwt.claim("at_hash"), json!(BASE64URL.encode(half)));
            // The access token is the API's business.
            assert_eq!(tokens.access_claims().header("alg"), "RS256");
        }
    }
}

#[tokio::test]
async fn a_refreshed_id_token_is_of_the_same_sign_in_and_has_no_nonce() {
    let locum = clinic_of_its_own().await;
    let mut person = Person::new(locum.peer(), "ada");
    let more = [("scope", "openid offline_access"), ("nonce", "once")];
    let first = app("web").tokens(&mut person, &more).await;
    locum.clock.advance(Duration::from_secs(500));
    let second = Tokens::of(&app("web").refresh(locum.peer(), first.refresh()).await);
    let (before, after) = (first.id_claims(), second.id_claims());
    for name in ["iss", "sub", "aud", "auth_time", "azp", "sid"] {
        assert_eq!(before.claim(name), after.claim(name), "{name}");
    }
    assert_eq!(*after.claim("iat"), BEGINNING + 500);
    assert!(!after.claims.names().contains(&"nonce"));
}

// ------------------------------------------------------------------------- UserInfo and claims

#[tokio::test]
async fn userinfo_answers_get_and_post_and_a_token_in_the_body() {
    let tokens = app("web")
        .tokens(&mut ada(), &[("scope", "openid email")])
        .await;
    let token = &tokens.access_token;
    let path = "/clinic/oauth2/userinfo";
    let mut bodies = Vec::new();
    for request in [
        Request::get(path).bearer(token),
        Request::post(path).bearer(token),
        Request::post(path).form(format!("access_token={token}")),
    ] {
        let answer = clinic().send(request).await;
        assert_eq!(
            answer.is(200).header("content-type"),
            Some("application/json")
        );
        assert_eq!(answer.header("cache-control"), Some("no-store"));
        bodies.push(answer.body);
    }
    assert!(bodies.iter().all(|body| *body == bodies[0]), "{bodies:?}");
    let sub = tokens.id_claims().claim("sub").as_str().unwrap().to_owned();
    assert_eq!(
        bodies[0],
        format!(r#"{{"sub":"{sub}","email":"ada@clinic.example","email_verified":true}}"#)
    );
    // RFC 6750 §2: in one way, and not in the address.
    let both = Request::post(path)
        .bearer(token)
        .form(format!("access_token={token}"));
    // RFC 6750 §3.1: a request that is wrong, not a token.
    clinic().send(both).await.is(400);
    let in_query = Request::get(&format!("{path}?access_token={token}"));
    clinic().send(in_query).await.is(401);
}

#[tokio::test]
async fn each_scope_has_its_claims() {
    for (scope, expected) in [
        ("openid", json!({})),
        (
            "openid profile",
            json!({
                "name": "Ada Lovelace", "family_name": "Lovelace", "given_name": "Ada",
                "preferred_username": "ada", "birthdate": "1815-12-10",
                "zoneinfo": "Europe/London", "updated_at": BEGINNING,
            }),
        ),
        (
            "openid email",
            json!({ "email": "ada@clinic.example", "email_verified": true }),
        ),
        ("openid phone", json!({ "phone_number": "+12025550199" })),
        (
            "openid address",
            json!({ "address": { "locality": "London", "country": "GB" } }),
        ),
    ] {
        let tokens = app("web").tokens(&mut ada(), &[("scope", scope)]).await;
        let answer = app("web").userinfo(clinic(), &tokens.access_token).await;
        let mut known = answer.is(200).json();
        known.as_object_mut().unwrap().remove("sub").unwrap();
        assert_eq!(known, expected, "{scope}");
        // Nothing of it is in the ID token, where there is an access token to ask with.
        let names = tokens.id_claims();
        assert!(!names.claims.names().contains(&"email"));
    }
    // Without openid there is no UserInfo.
    let tokens = app("web").tokens(&mut ada(), &[("scope", "read")]).await;
    let answer = app("web").userinfo(clinic(), &tokens.access_token).await;
    answer.refused(403, "insufficient_scope");
}

#[tokio::test]
async fn userinfo_is_a_signed_jwt_for_a_client_that_registered_so() {
    let tokens = app("signed")
        .tokens(&mut ada(), &[("scope", "openid email")])
        .await;
    let answer = app("signed").userinfo(clinic(), &tokens.access_token).await;
    assert_eq!(
        answer.is(200).header("content-type"),
        Some("application/jwt")
    );
    let jwt = Jwt::parse(&answer.body);
    verify(clinic(), &jwt, &CoreJwsSigningAlgorithm::EcdsaP256Sha256).await;
    // OIDC Core §5.3.2
    assert_eq!(*jwt.claim("iss"), json!(issuer(clinic())));
    assert_eq!(jwt.claim("aud"), "signed");
    assert_eq!(jwt.claim("sub"), tokens.id_claims().claim("sub"));
    assert_eq!(jwt.claim("email"), "ada@clinic.example");
}

#[tokio::test]
async fn claims_are_asked_for_by_name_and_place() {
    let asked = json!({
        "id_token": { "given_name": null, "email": { "essential": true }, "shoe_size": null, "sub": null },
        "userinfo": { "phone_number": null, "address": { "essential": true } },
    })
    .to_string();
    let more = [("scope", "openid"), ("claims", &asked)];
    let tokens = app("web").tokens(&mut ada(), &more).await;
    let jwt = tokens.id_claims();
    assert_eq!(jwt.claim("given_name"), "Ada");
    assert_eq!(jwt.claim("email"), "ada@clinic.example");
    let names = jwt.claims.names();
    assert!(!names.contains(&"phone_number") && !names.contains(&"shoe_size"));
    let known = app("web")
        .userinfo(clinic(), &tokens.access_token)
        .await
        .json();
    assert_eq!(known["phone_number"], "+12025550199");
    assert_eq!(known["address"]["locality"], "London");
    assert_eq!(known.get("given_name"), None);

    for malformed in ["", "[]", "{", "7", r#"{"id_token":{"email":1}}"#, "\"x\""] {
        let more = [
            ("scope", "openid"),
            ("claims", malformed),
            ("prompt", "none"),
        ];
        let callback = app("web").callback(&mut ada(), &more).await;
        // An empty parameter is an absent one (RFC 6749 §3.1).
        let expected = if malformed.is_empty() {
            "login_required"
        } else {
            "invalid_request"
        };
        callback.refused(expected);
    }
}

#[tokio::test]
async fn an_essential_acr_that_nobody_can_have_is_refused() {
    let asked = r#"{"id_token":{"acr":{"essential":true,"values":["2","3"]}}}"#;
    let more = [("scope", "openid"), ("claims", asked)];
    let callback = app("web").callback(&mut ada(), &more).await;
    callback.refused("unmet_authentication_requirements");
    // A wish is no demand.
    for asked in [
        r#"{"id_token":{"acr":{"values":["2"]}}}"#,
        r#"{"id_token":{"acr":{"essential":true,"values":["1","2"]}}}"#,
    ] {
        let more = [("scope", "openid"), ("claims", asked), ("acr_values", "2")];
        let tokens = app("web").tokens(&mut ada(), &more).await;
        assert_eq!(tokens.id_claims().claim("acr"), "1");
    }
}

#[tokio::test]
async fn a_clients_own_claims_are_in_every_token() {
    let tokens = app("claims")
        .tokens(&mut ada(), &[("scope", "openid read")])
        .await;
    let id_token = tokens.id_claims();
    let access = tokens.access_claims();
    for jwt in [&id_token, &access] {
        for (name, value) in [
            ("organization", json!("Sunrise")),
            ("mail", json!("ada@clinic.example")),
            ("login", json!("ada")),
            ("duties", json!(["doctor"])),
            ("level", json!(3)),
        ] {
            assert_eq!(*jwt.claim(name), value, "{name}");
        }
        assert!(!jwt.claims.names().contains(&"gone"));
    }
    let known = app("claims")
        .userinfo(clinic(), &tokens.access_token)
        .await
        .json();
    assert_eq!(known["organization"], "Sunrise");
}

#[tokio::test]
async fn pairwise_subjects_are_one_for_each_sector_and_person() {
    let mut subjects = Vec::new();
    let openid = [("scope", "openid read offline_access")];
    for client in ["one", "two", "three", "web"] {
        let tokens = app(client).tokens(&mut ada(), &openid).await;
        let sub = tokens.id_claims().claim("sub").clone();
        let again = app(client).tokens(&mut ada(), &openid).await;
        assert_eq!(*again.id_claims().claim("sub"), sub, "the same each time");
        let refreshed = Tokens::of(&app(client).refresh(clinic(), tokens.refresh()).await);
        for known in [
            tokens.access_claims().claim("sub").clone(),
            refreshed.id_claims().claim("sub").clone(),
            app(client)
                .userinfo(clinic(), &tokens.access_token)
                .await
                .json()["sub"]
                .clone(),
            app(client).introspect(clinic(), &tokens.access_token).await["sub"].clone(),
            app(client).introspect(clinic(), refreshed.refresh()).await["sub"].clone(),
        ] {
            assert_eq!(known, sub, "{client}");
        }
        subjects.push(sub);
    }
    let [one, two, three, public] = &subjects[..] else {
        unreachable!()
    };
    assert_eq!(one, two, "one sector");
    assert!(one != three && one != public && three != public);
    let bob = app("one")
        .tokens(&mut Person::new(clinic(), "bob"), &openid)
        .await;
    assert_ne!(bob.id_claims().claim("sub"), one);
}

#[tokio::test]
async fn a_pairwise_hint_finds_its_person() {
    let mut person = ada();
    let tokens = app("one").tokens(&mut person, &[("scope", "openid")]).await;
    let more = [
        ("scope", "openid"),
        ("prompt", "none"),
        ("id_token_hint", tokens.id()),
    ];
    app("one").tokens(&mut person, &more).await;
    let mut bob = Person::new(clinic(), "bob");
    bob.sign_in_at("clinic").await;
    app("one")
        .callback(&mut bob, &more)
        .await
        .refused("login_required");
}

// ------------------------------------------------------------------------- prompt, max_age, hints

#[tokio::test]
async fn prompt_none_shows_nothing_and_says_what_it_would_have_to() {
    let silent = |client: &str, more: &[(&'static str, &'static str)]| {
        let mut all = vec![("scope", "openid"), ("prompt", "none")];
        all.extend(more);
        app(client).authorization(&all)
    };
    let mut person = ada();
    let refused = async |person: &mut Person, url: &str, error: &str| {
        let before = person.seen.len();
        let answer = person.visit(url).await;
        Callback::of(answer.is(303)).refused(error);
        assert_eq!(person.seen.len(), before + 1, "no page was shown");
    };
    refused(&mut person, &silent("web", &[]), "login_required").await;
    person.sign_in_at("clinic").await;
    refused(&mut person, &silent("stranger", &[]), "consent_required").await;
    refused(
        &mut person,
        &silent("web", &[("max_age", "0")]),
        "login_required",
    )
    .await;
    for other in ["login", "consent", "select_account"] {
        let prompt = format!("none {other}");
        let url = app("web").authorization(&[("scope", "openid"), ("prompt", &prompt)]);
        refused(&mut person, &url, "invalid_request").await;
    }
    let url = app("web").authorization(&[("scope", "openid"), ("prompt", "nonsense")]);
    refused(&mut person, &url, "invalid_request").await;
    let answer = person.visit(&silent("web", &[])).await;
    let code = Callback::of(&answer).get("code").to_owned();
    app("web").redeem(clinic(), &code).await.is(200);
}

/// Which of an issuer's pages an answer is.
fn page(answer: &Answer) -> &'static str {
    for (button, page) in [
        ("sign-in", "sign-in"),
        ("consent-allow", "consent"),
        ("sign-out-confirm", "sign-out"),
    ] {
        if Form::with_button(&answer.body, button).is_some() {
            return page;
        }
    }
    if answer.body.contains("name=\"account\"") {
        "choose-account"
    } else {
        "none"
    }
}

#[tokio::test]
async fn prompt_login_asks_again_and_the_sign_in_is_new() {
    let locum = clinic_of_its_own().await;
    let mut person = Person::new(locum.peer(), "ada");
    let openid = [("scope", "openid")];
    let first = app("web").tokens(&mut person, &openid).await;
    locum.clock.advance(Duration::from_secs(100));
    // Without it nobody is asked, and the sign-in is the old one.
    let answer = person.visit(&app("web").authorization(&openid)).await;
    assert_eq!(page(&answer), "none");

    let url = app("web").authorization(&[("scope", "openid"), ("prompt", "login")]);
    let asked = person.visit(&url).await;
    assert_eq!(page(&asked), "sign-in");
    let form = Form::with_button(&asked.body, "sign-in").unwrap();
    assert_eq!(form.field("username"), "ada", "it is known who is meant");
    let answer = person.sign_in(&asked).await;
    let code = Callback::of(&answer).get("code").to_owned();
    let second = Tokens::of(&app("web").redeem(locum.peer(), &code).await);
    assert_eq!(*second.id_claims().claim("auth_time"), BEGINNING + 100);
    assert_eq!(
        first.id_claims().claim("sid"),
        second.id_claims().claim("sid"),
        "the session goes on"
    );
    // A reload of the page that was answered does not ask, nor grant, for a second time by itself.
    let asked = person.visit(&url).await;
    assert_eq!(page(&asked), "sign-in");
}

#[tokio::test]
async fn prompt_consent_asks_even_for_what_is_allowed() {
    let locum = clinic_of_its_own().await;
    let mut person = Person::new(locum.peer(), "ada");
    app("stranger")
        .tokens(&mut person, &[("scope", "openid read")])
        .await;
    let answer = person
        .visit(&app("stranger").authorization(&[("scope", "openid read")]))
        .await;
    assert_eq!(page(&answer), "none");
    for client in ["stranger", "web"] {
        let more = [("scope", "openid read"), ("prompt", "consent")];
        let answer = person.visit(&app(client).authorization(&more)).await;
        assert_eq!(page(&answer), "consent");
    }
    // Both at once, one after the other.
    let more = [("scope", "openid"), ("prompt", "login consent")];
    let answer = person.visit(&app("web").authorization(&more)).await;
    assert_eq!(page(&answer), "sign-in");
    let answer = person.sign_in(&answer).await;
    assert_eq!(page(&answer), "consent");
    let code = Callback::of(&person.go_through(answer).await)
        .get("code")
        .to_owned();
    app("web").redeem(locum.peer(), &code).await.is(200);
}

#[tokio::test]
async fn consent_is_asked_only_for_what_is_new() {
    let locum = clinic_of_its_own().await;
    let mut person = Person::new(locum.peer(), "ada");
    app("stranger")
        .tokens(&mut person, &[("scope", "openid read")])
        .await;
    let url = app("stranger").authorization(&[("scope", "openid read write")]);
    let answer = person.visit(&url).await;
    assert_eq!(page(&answer), "consent");
    assert_eq!(
        answer.body.matches("class=\"badge\"").count(),
        1,
        "{answer}"
    );
    person.go_through(answer).await;
    // Now both are known, and of each any part.
    for scope in ["openid read write", "write", "openid"] {
        let url = app("stranger").authorization(&[("scope", scope)]);
        assert_eq!(page(&person.visit(&url).await), "none");
    }
    // Not remembered when the person does not want it to be.
    let mut bob = Person::new(locum.peer(), "bob");
    let url = app("stranger").authorization(&[("scope", "openid read")]);
    for _ in 0..2 {
        let answer = bob.visit(&url).await;
        let answer = if page(&answer) == "sign-in" {
            bob.sign_in(&answer).await
        } else {
            answer
        };
        let mut form = Form::with_button(&answer.body, "consent-allow").unwrap();
        form.tick("remember", &[]);
        Callback::of(&bob.press(&form, "consent-allow").await).get("code");
    }
}

#[tokio::test]
async fn max_age_is_how_old_a_sign_in_may_be() {
    let locum = clinic_of_its_own().await;
    let mut person = Person::new(locum.peer(), "ada");
    app("web").tokens(&mut person, &[("scope", "openid")]).await;
    let with = |age: &str, prompt: &str| {
        app("web").authorization(&[("scope", "openid"), ("max_age", age), ("prompt", prompt)])
    };
    locum.clock.advance(Duration::from_secs(60));
    assert_eq!(page(&person.visit(&with("60", "")).await), "none");
    assert_eq!(page(&person.visit(&with("59", "")).await), "sign-in");
    assert_eq!(page(&person.visit(&with("0", "")).await), "sign-in");
    Callback::of(&person.visit(&with("59", "none")).await).refused("login_required");
    Callback::of(&person.visit(&with("60", "none")).await).get("code");
    for wrong in ["-1", "soon", "1.5", "99999999999999999999999", "%2B1", "+1"] {
        Callback::of(&person.visit(&with(wrong, "")).await).refused("invalid_request");
    }
    let more = [("scope", "openid"), ("max_age", "59")];
    let tokens = app("web").tokens(&mut person, &more).await;
    assert_eq!(*tokens.id_claims().claim("auth_time"), BEGINNING + 60);
    // A client may have registered one.
    locum.clock.advance(Duration::from_secs(61));
    let url = app("aged").authorization(&[("scope", "openid")]);
    assert_eq!(page(&person.visit(&url).await), "sign-in");
    let url = app("aged").authorization(&[("scope", "openid"), ("max_age", "3600")]);
    assert_eq!(page(&person.visit(&url).await), "none");
}

#[tokio::test]
async fn select_account_lets_the_person_choose_or_sign_in_as_somebody_else() {
    let locum = clinic_of_its_own().await;
    let mut person = Person::new(locum.peer(), "ada");
    let url = app("web").authorization(&[("scope", "openid"), ("prompt", "select_account")]);
    let openid = [("scope", "openid")];
    let ada = app("web").tokens(&mut person, &openid).await;
    let ada = ada.id_claims().claim("sub").clone();

    // Somebody else, in the same browser.
    let answer = person.visit(&url).await;
    assert_eq!(page(&answer), "choose-account");
    let form = &Form::all(&answer.body)[0];
    assert_eq!(form.buttons.len(), 2);
    let choose = |form: &Form, value: &str| {
        let mut fields = form.fields.clone();
        fields.push(("account".to_owned(), value.to_owned()));
        fields
    };
    let answer = person.post(&form.action, &choose(form, "other")).await;
    let answer = person.follow(answer).await;
    assert_eq!(page(&answer), "sign-in");
    person.username = "bob".to_owned();
    let answer = person.sign_in(&answer).await;
    let code = Callback::of(&answer).get("code").to_owned();
    let bob = Tokens::of(&app("web").redeem(locum.peer(), &code).await);
    assert_ne!(*bob.id_claims().claim("sub"), ada);

    // Now there are two, and whoever is chosen is signed in from then on.
    let answer = person.visit(&url).await;
    let form = &Form::all(&answer.body)[0];
    assert_eq!(form.buttons.len(), 3);
    assert!(answer.body.contains("Ada Lovelace"));
    let value = form.buttons[1].value.clone();
    let answer = person.post(&form.action, &choose(form, &value)).await;
    let answer = person.follow(answer).await;
    let code = Callback::of(&answer).get("code").to_owned();
    let chosen = Tokens::of(&app("web").redeem(locum.peer(), &code).await);
    assert_eq!(*chosen.id_claims().claim("sub"), ada);
    let silent = [("scope", "openid"), ("prompt", "none")];
    let current = app("web").tokens(&mut person, &silent).await;
    assert_eq!(*current.id_claims().claim("sub"), ada);
}

#[tokio::test]
async fn a_login_hint_is_filled_in_and_escaped() {
    let hint = "ada\"><script>alert(1)</script>";
    let more = [("scope", "openid"), ("login_hint", hint)];
    let answer = ada().visit(&app("web").authorization(&more)).await;
    let form = Form::with_button(&answer.body, "sign-in").unwrap();
    assert_eq!(form.field("username"), hint);
    assert!(!answer.body.contains("<script"), "{answer}");
}

#[tokio::test]
async fn an_id_token_hint_names_who_must_be_signed_in() {
    let mut person = ada();
    let own = app("web").tokens(&mut person, &[("scope", "openid")]).await;
    let mut bob = Person::new(clinic(), "bob");
    let theirs = app("web").tokens(&mut bob, &[("scope", "openid")]).await;
    let with = |hint: &str, prompt: &str| {
        app("web").authorization(&[
            ("scope", "openid"),
            ("id_token_hint", hint),
            ("prompt", prompt),
        ])
    };
    Callback::of(&person.visit(&with(own.id(), "none")).await).get("code");
    Callback::of(&person.visit(&with(theirs.id(), "none")).await).refused("login_required");
    // Asked, and then somebody else signs in: nobody else will do (OIDC Core §3.1.2.1).
    let answer = person.visit(&with(theirs.id(), "")).await;
    assert_eq!(page(&answer), "sign-in");
    let answer = person.sign_in(&answer).await;
    Callback::of(&answer).refused("login_required");
    let answer = person.visit(&with(theirs.id(), "")).await;
    person.username = "bob".to_owned();
    let answer = person.sign_in(&answer).await;
    let code = Callback::of(&answer).get("code").to_owned();
    let tokens = Tokens::of(&app("web").redeem(clinic(), &code).await);
    assert_eq!(
        tokens.id_claims().claim("sub"),
        theirs.id_claims().claim("sub")
    );
    // The same wish by parameter `claims` (OIDC Core §5.5.1).
    let sub = own.id_claims().claim("sub").clone();
    let asked = json!({ "id_token": { "sub": { "value": sub } } }).to_string();
    let more = [("scope", "openid"), ("claims", &asked), ("prompt", "none")];
    app("web").tokens(&mut ada_signed_in().await, &more).await;
    let mut bob = Person::new(clinic(), "bob");
    bob.sign_in_at("clinic").await;
    app("web")
        .callback(&mut bob, &more)
        .await
        .refused("login_required");
    // What is no ID token of this issuer is no hint.
    for hint in ["nonsense", own.access_token.as_str(), "a.b.c"] {
        let answer = ada().visit(&with(hint, "none")).await;
        Callback::of(&answer).refused("invalid_request");
    }
}

async fn ada_signed_in() -> Person {
    let mut person = ada();
    person.sign_in_at("clinic").await;
    person
}

// ------------------------------------------------------------------------- strictness

#[tokio::test]
async fn pkce_is_needed_of_everybody_and_plain_is_refused() {
    let without = App {
        pkce: false,
        ..app("web")
    };
    let openid = ("scope", "openid");
    for more in [
        vec![openid],
        vec![openid, ("code_challenge_method", "S256")],
        vec![openid, ("code_challenge", VERIFIER)],
        vec![
            openid,
            ("code_challenge", VERIFIER),
            ("code_challenge_method", "plain"),
        ],
        vec![
            openid,
            ("code_challenge", "short"),
            ("code_challenge_method", "S256"),
        ],
        vec![
            openid,
            ("code_challenge", CHALLENGE),
            ("code_challenge_method", "S512"),
        ],
    ] {
        let callback = without.callback(&mut ada(), &more).await;
        callback.refused("invalid_request");
    }
}

#[tokio::test]
async fn what_is_not_supported_is_refused_and_not_ignored() {
    for (name, value, error) in [
        ("request", "a.b.c", "request_not_supported"),
        (
            "request_uri",
            "https://app.example/r",
            "request_uri_not_supported",
        ),
        ("registration", "{}", "registration_not_supported"),
        ("response_type", "token", "unsupported_response_type"),
        (
            "response_type",
            "code id_token",
            "unsupported_response_type",
        ),
        ("response_type", "", "invalid_request"),
        ("display", "hologram", "invalid_request"),
        ("scope", "openid admin", "invalid_scope"),
        ("resource", "https://elsewhere.example", "invalid_target"),
        ("resource", "no-uri", "invalid_target"),
    ] {
        let mut more = vec![(name, value)];
        if name != "scope" {
            more.push(("scope", "openid"));
        }
        let callback = app("web").callback(&mut ada(), &more).await;
        callback.refused(error);
    }
}

#[tokio::test]
async fn a_code_lives_for_a_minute_and_for_one_client_uri_and_verifier() {
    let locum = clinic_of_its_own().await;
    let mut person = Person::new(locum.peer(), "ada");
    let openid = [("scope", "openid")];
    let code = app("web").code(&mut person, &openid).await;
    locum.clock.advance(Duration::from_secs(59));
    app("web").redeem(locum.peer(), &code).await.is(200);
    let code = app("web").code(&mut person, &openid).await;
    locum.clock.advance(Duration::from_secs(60));
    app("web")
        .redeem(locum.peer(), &code)
        .await
        .refused(400, "invalid_grant");

    let post = |code: &str, redirect_uri: &str, verifier: &str| {
        let fields = [
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", redirect_uri),
            ("code_verifier", verifier),
        ];
        let given = fields.into_iter().filter(|(_, value)| !value.is_empty());
        app("web").post("/oauth2/token", &given.collect::<Vec<_>>())
    };
    let other = "https://web.example/callback?of=web";
    let wrong = "x".repeat(43);
    for (uri, verifier) in [
        ("", VERIFIER),
        (other, VERIFIER),
        (CALLBACK, ""),
        (CALLBACK, "short"),
        (CALLBACK, wrong.as_str()),
        (CALLBACK, CHALLENGE),
    ] {
        let code = app("web").code(&mut person, &openid).await;
        let answer = locum.send(post(&code, uri, verifier)).await;
        answer.refused(400, "invalid_grant");
        // Whoever has it and cannot show that it is theirs has stolen it: it is worth nothing now.
        let answer = locum.send(post(&code, CALLBACK, VERIFIER)).await;
        answer.refused(400, "invalid_grant");
    }
    let code = app("web").code(&mut person, &openid).await;
    app("stranger")
        .redeem(locum.peer(), &code)
        .await
        .refused(400, "invalid_grant");
}

#[tokio::test]
async fn roles_decide_what_a_person_may_grant() {
    let scope = [("scope", "openid read prescribe")];
    let doctor = app("web").tokens(&mut ada(), &scope).await;
    assert_eq!(doctor.scope.as_deref(), Some("openid read prescribe"));
    let mut bob = Person::new(clinic(), "bob");
    let nobody = app("web").tokens(&mut bob, &scope).await;
    assert_eq!(nobody.scope.as_deref(), Some("openid read"));
}

#[tokio::test]
async fn pages_speak_the_language_that_is_asked_for() {
    let spanish = async |locales: &str, accept: &str| {
        let more = [("scope", "openid"), ("ui_locales", locales)];
        let request =
            Request::get(&app("web").authorization(&more)).header("Accept-Language", accept);
        let mut person = ada();
        let answer = person.send(request).await;
        let path = answer.header("location").unwrap().to_owned();
        let page = person
            .send(Request::get(&path).header("Accept-Language", accept))
            .await;
        page.body.contains("<html lang=\"es\">")
    };
    assert!(spanish("es", "en").await);
    assert!(spanish("fr es-MX en", "en").await);
    assert!(!spanish("en", "es").await);
    assert!(spanish("", "es-ES,es;q=0.9").await);
    // What nobody here speaks is as good as nothing said.
    assert!(spanish("fr", "es").await);
    assert!(!spanish("", "de").await);
}

#[tokio::test]
async fn a_form_that_is_sent_twice_grants_once_for_each_and_loses_nothing() {
    let locum = clinic_of_its_own().await;
    let mut person = Person::new(locum.peer(), "ada");
    let url = app("stranger").authorization(&[("scope", "openid read"), ("state", "s")]);
    let sign_in = person.visit(&url).await;
    let consent = person.sign_in(&sign_in).await;
    // Back, and sent again.
    let consent_again = person.sign_in(&sign_in).await;
    for page in [&consent, &consent_again, &consent] {
        let form = Form::with_button(&page.body, "consent-allow").unwrap();
        let callback = Callback::of(&person.press(&form, "consent-allow").await);
        assert_eq!(callback.get("state"), "s");
        app("stranger")
            .redeem(locum.peer(), callback.get("code"))
            .await
            .is(200);
    }
    // The sign-in page of a request that needs none any more leads on.
    let path = form(&[(
        "ticket",
        Form::with_button(&sign_in.body, "sign-in")
            .unwrap()
            .field("ticket"),
    )]);
    let answer = person.visit(&format!("/clinic/sign-in?{path}")).await;
    Callback::of(&answer).get("code");
}
