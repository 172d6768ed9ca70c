//! Logout: on a client's request, in the vendors' own ways, and how other clients hear of it.

use std::time::Duration;

use openidconnect::JsonWebKey;
use openidconnect::core::CoreJwsSigningAlgorithm;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::admin_api::Api;
use crate::signatures::{jwks, key_of};
use crate::support::html::{self, Form};
use crate::support::http::{Answer, Peer, Request};
use crate::support::jwt::Jwt;
use crate::support::servers::{BEGINNING, Fixture};
use crate::support::user::{
    App, CALLBACK, Callback, PASSWORD_HASH, Person, STANDARD, Tokens, form,
};

/// A clinic with a client that other clients' logouts are told to.
fn config(more: &str) -> String {
    format!(
        r#"
        [[issuer]]
        name = "clinic"
        dialect = "standard"
        post_logout_redirect_uris = ["https://clinic.example/bye"]

        [[issuer.client]]
        client_id = "web"
        client_name = "The <Web> application"
        client_secret = "web-secret"
        kind = "web"
        first_party = true
        redirect_uris = ["{CALLBACK}"]
        post_logout_redirect_uris = ["https://web.example/bye", "https://web.example/bye?really=1"]

        [[issuer.client]]
        client_id = "other"
        client_secret = "other-secret"
        kind = "web"
        first_party = true
        redirect_uris = ["{CALLBACK}"]
        {more}

        [[issuer.user]]
        username = "ada"
        password_hash = "{PASSWORD_HASH}"

        [[issuer.user]]
        username = "bob"
        password_hash = "{PASSWORD_HASH}"
        "#
    )
}

fn app(client_id: &str) -> App {
    App::confidential("clinic", client_id, STANDARD)
}

fn logout(parameters: &[(&str, &str)]) -> String {
    format!("/clinic/oauth2/logout?{}", form(parameters))
}

async fn is_signed_in(person: &mut Person) -> bool {
    person.get("/clinic/account").await.status == 200
}

async fn signed_in(peer: Peer) -> (Person, Tokens) {
    let mut person = Person::new(peer, "ada");
    let tokens = app("web").tokens(&mut person, &[("scope", "openid")]).await;
    (person, tokens)
}

#[tokio::test]
async fn with_a_hint_nobody_is_asked_and_the_state_comes_back() {
    let locum = Fixture::configured(&config("")).await;
    for (uri, location) in [
        (
            "https://web.example/bye",
            "https://web.example/bye?state=s%20%26%3D",
        ),
        (
            "https://web.example/bye?really=1",
            "https://web.example/bye?really=1&state=s%20%26%3D",
        ),
    ] {
        let (mut person, tokens) = signed_in(locum.peer()).await;
        let before = person.cookies.clone();
        let answer = person
            .get(&logout(&[
                ("id_token_hint", tokens.id()),
                ("post_logout_redirect_uri", uri),
                ("state", "s &="),
            ]))
            .await;
        assert_eq!(answer.is(303).header("location"), Some(location));
        assert!(!is_signed_in(&mut person).await);
        person.cookies = before;
        assert!(
            !is_signed_in(&mut person).await,
            "the session has ended, not just its cookie"
        );
    }
    // A hint may have expired: what counts is that it was issued here.
    let (mut person, tokens) = signed_in(locum.peer()).await;
    locum.clock.advance(Duration::from_secs(3700));
    let answer = person.get(&logout(&[("id_token_hint", tokens.id())])).await;
    assert!(Form::with_button(&answer.is(200).body, "sign-out-confirm").is_none());
    assert!(!is_signed_in(&mut person).await);
    // It may be posted, too.
    let (mut person, tokens) = signed_in(locum.peer()).await;
    let request = Request::post("/clinic/oauth2/logout").form(form(&[
        ("id_token_hint", tokens.id()),
        ("client_id", "web"),
        ("post_logout_redirect_uri", "https://web.example/bye"),
    ]));
    let answer = person.send(request).await;
    assert_eq!(
        answer.is(303).header("location"),
        Some("https://web.example/bye")
    );
}

#[tokio::test]
async fn without_a_hint_the_person_is_asked() {
    let locum = Fixture::configured(&config("")).await;
    let (mut person, _) = signed_in(locum.peer()).await;
    let url = logout(&[
        ("client_id", "web"),
        ("post_logout_redirect_uri", "https://web.example/bye"),
        ("state", "xyz"),
    ]);
    let page = person.get(&url).await;
    assert!(
        page.is(200).body.contains("The &#60;Web&#62; application"),
        "{page}"
    );
    let form = Form::with_button(&page.body, "sign-out-confirm").unwrap();
    assert!(is_signed_in(&mut person).await, "nothing has happened yet");

    // Somebody else's page cannot press the button.
    let mut forged = form.clone();
    forged.fill("csrf", "forged");
    let answer = person.post(&forged.action, &forged.fields).await;
    answer.is_error_page("invalid_request");
    assert!(is_signed_in(&mut person).await);

    let answer = person
        .post(&form.action, &form.pressed("sign-out-confirm"))
        .await;
    assert_eq!(
        answer.is(303).header("location"),
        Some("https://web.example/bye?state=xyz")
    );
    assert!(!is_signed_in(&mut person).await);
    // Pressed again by who is signed out already: the same end.
    let answer = person
        .post(&form.action, &form.pressed("sign-out-confirm"))
        .await;
    answer.is(303);

    // With nothing at all, the page asks and then says that it is done.
    let (mut person, _) = signed_in(locum.peer()).await;
    let page = person.get("/clinic/oauth2/logout").await;
    let form = Form::with_button(&page.body, "sign-out-confirm").unwrap();
    let answer = person
        .post(&form.action, &form.pressed("sign-out-confirm"))
        .await;
    answer.is(200);
    assert!(!is_signed_in(&mut person).await);
}

#[tokio::test]
async fn only_a_registered_uri_is_gone_to() {
    let locum = Fixture::configured(&config("")).await;
    let (mut person, tokens) = signed_in(locum.peer()).await;
    for uri in [
        "https://evil.example/",
        "https://web.example/bye/",
        "https://web.example/bye#f",
        "https://web.example/bye?other=1",
        "https://web.example/bye\r\nSet-Cookie: a=b",
        "https://web.example@evil.example/bye",
        "https://clinic.example/bye",
        "javascript:alert(1)",
        CALLBACK,
    ] {
        for more in [("id_token_hint", tokens.id()), ("client_id", "web")] {
            let url = logout(&[more, ("post_logout_redirect_uri", uri)]);
            let answer = person.get(&url).await;
            answer.is_error_page("invalid_request");
        }
    }
    // One that belongs to nobody in particular is the issuer's to list.
    let url = logout(&[("post_logout_redirect_uri", "https://web.example/bye")]);
    person.get(&url).await.is_error_page("invalid_request");
    assert!(
        is_signed_in(&mut person).await,
        "nothing of this signed anybody out"
    );
    let url = logout(&[("post_logout_redirect_uri", "https://clinic.example/bye")]);
    let page = person.get(&url).await;
    assert!(Form::with_button(&page.body, "sign-out-confirm").is_some());
}

#[tokio::test]
async fn a_hint_that_is_none_is_refused_and_ends_nothing() {
    let locum = Fixture::configured(&config("")).await;
    let (mut person, tokens) = signed_in(locum.peer()).await;
    let mut forged = tokens.id().to_owned();
    forged.replace_range(forged.len() - 8.., "AAAAAAAA");
    for hint in [forged.as_str(), "nonsense", tokens.access_token.as_str()] {
        let url = logout(&[
            ("id_token_hint", hint),
            ("post_logout_redirect_uri", "https://web.example/bye"),
        ]);
        person.get(&url).await.is_error_page("invalid_request");
    }
    // Nor may the client be another one than the hint's.
    let url = logout(&[("id_token_hint", tokens.id()), ("client_id", "other")]);
    person.get(&url).await.is_error_page("invalid_request");
    assert!(is_signed_in(&mut person).await);
    // The hint of somebody else does not end this person's session.
    let mut bob = Person::new(locum.peer(), "bob");
    app("web").tokens(&mut bob, &[("scope", "openid")]).await;
    bob.get(&logout(&[("id_token_hint", tokens.id())]))
        .await
        .is(200);
    assert!(is_signed_in(&mut bob).await);
}

// ------------------------------------------------------------------------- telling clients

/// A client's server, which hears one request at a time.
async fn listen() -> (TcpListener, String) {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let url = format!("http://{}/backchannel", listener.local_addr().unwrap());
    (listener, url)
}

/// The next request, whole; answered with `status`.
async fn hear(listener: &TcpListener, status: &str) -> String {
    let hearing = async {
        let (mut stream, _) = listener.accept().await.unwrap();
        let mut bytes = Vec::new();
        let mut chunk = [0; 4096];
        loop {
            let length = stream.read(&mut chunk).await.unwrap();
            bytes.extend_from_slice(&chunk[..length]);
            let text = String::from_utf8(bytes.clone()).unwrap();
            if let Some((head, body)) = text.split_once("\r\n\r\n") {
                let length = head.lines().find_map(|line| {
                    line.to_lowercase()
                        .strip_prefix("content-length: ")?
                        .parse()
                        .ok()
                });
                if length == Some(body.len()) || length.is_none() {
                    let answer = format!("HTTP/1.1 {status}\r\nContent-Length: 0\r\n\r\n");
                    stream.write_all(answer.as_bytes()).await.unwrap();
                    return text;
                }
            }
        }
    };
    tokio::time::timeout(Duration::from_secs(20), hearing)
        .await
        .expect("the client is told")
}

fn logout_token(request: &str) -> Jwt {
    let (head, body) = request.split_once("\r\n\r\n").unwrap();
    assert!(head.starts_with("POST /backchannel HTTP/1.1"), "{request}");
    let head = head.to_lowercase();
    assert!(head.contains("content-type: application/x-www-form-urlencoded"));
    let token = body.strip_prefix("logout_token=").unwrap();
    Jwt::parse(token)
}

#[tokio::test]
async fn a_client_with_a_backchannel_uri_is_sent_a_logout_token() {
    let (listener, url) = listen().await;
    let more =
        format!("backchannel_logout_uri = \"{url}\"\nbackchannel_logout_session_required = true");
    let locum = Fixture::configured(&config(&more)).await;
    let (mut person, tokens) = signed_in(locum.peer()).await;
    let theirs = app("other")
        .tokens(&mut person, &[("scope", "openid")])
        .await;
    locum.clock.advance(Duration::from_secs(10));

    let answer = person.get(&logout(&[("id_token_hint", tokens.id())])).await;
    answer.is(200);
    let jwt = logout_token(&hear(&listener, "200 OK").await);
    let keys = jwks(locum.peer(), "/clinic/.well-known/jwks.json").await;
    key_of(&keys, &jwt)
        .verify_signature(
            &CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256,
            jwt.signed.as_bytes(),
            &jwt.signature,
        )
        .unwrap();
    // OIDC Back-Channel Logout §2.4
    assert_eq!(jwt.header("typ"), "logout+jwt");
    let id_token = theirs.id_claims();
    for name in ["iss", "sub", "aud", "sid"] {
        assert_eq!(jwt.claim(name), id_token.claim(name), "{name}");
    }
    assert_eq!(jwt.claim("aud"), "other");
    assert_eq!(*jwt.claim("iat"), BEGINNING + 10);
    assert!(jwt.claim("exp").as_i64().unwrap() > BEGINNING + 10);
    assert!(jwt.claim("jti").is_string());
    assert_eq!(
        *jwt.claim("events"),
        json!({ "http://schemas.openid.net/event/backchannel-logout": {} })
    );
    assert!(!jwt.claims.names().contains(&"nonce"));

    // It cannot be used as an ID token, whose key it shares.
    let token = jwt.signed_with(&jwt.signature);
    let hint = [
        ("scope", "openid"),
        ("id_token_hint", token.as_str()),
        ("prompt", "none"),
    ];
    let answer = person.visit(&app("web").authorization(&hint)).await;
    Callback::of(&answer).refused("invalid_request");
}

#[tokio::test]
async fn every_way_to_end_a_session_tells_the_clients() {
    let (listener, url) = listen().await;
    let more = format!("backchannel_logout_uri = \"{url}\"");
    let locum = Fixture::configured(&config(&more)).await;
    let peer = locum.peer();
    let session = async || {
        let mut person = Person::new(peer, "ada");
        app("other")
            .tokens(&mut person, &[("scope", "openid")])
            .await;
        person
    };

    // The button of one's own page.
    let mut person = session().await;
    let page = person.visit("/clinic/sign-out").await;
    let form = Form::with_button(&page.body, "sign-out-confirm").unwrap();
    person.press(&form, "sign-out-confirm").await.is(200);
    logout_token(&hear(&listener, "200 OK").await);

    // The account page, from another browser. A client that fails keeps nobody signed in.
    let mut there = session().await;
    let mut here = Person::new(peer, "ada");
    here.sign_in_at("clinic").await;
    let account = here.visit("/clinic/account").await;
    let others = Form::all(&account.body)
        .into_iter()
        .find(|form| form.action.ends_with("/end-others"))
        .unwrap();
    let answer = here.post(&others.action, &others.fields).await;
    here.follow(answer).await.is(200);
    logout_token(&hear(&listener, "500 Internal Server Error").await);
    assert!(!is_signed_in(&mut there).await);
    assert!(is_signed_in(&mut here).await);

    // An administrator, who deletes the user as well.
    let mut gone = session().await;
    let api = Api::at(peer, "clinic").await;
    let users = "/issuers/clinic/users";
    let path = format!("{users}/{}", api.id_of(users, "username", "ada").await);
    api.delete(&path).await.is(204);
    logout_token(&hear(&listener, "200 OK").await);
    assert!(!is_signed_in(&mut gone).await);
}

#[tokio::test]
async fn a_client_with_a_page_is_told_through_the_browser() {
    let more = "frontchannel_logout_uri = \"https://other.example/out?a=b\"\nfrontchannel_logout_session_required = true";
    let locum = Fixture::configured(&config(more)).await;
    let (mut person, tokens) = signed_in(locum.peer()).await;
    app("other")
        .tokens(&mut person, &[("scope", "openid")])
        .await;
    let sid = tokens.id_claims().claim("sid").as_str().unwrap().to_owned();
    let url = logout(&[
        ("id_token_hint", tokens.id()),
        ("post_logout_redirect_uri", "https://web.example/bye"),
        ("state", "xyz"),
    ]);
    let page: Answer = person.get(&url).await;
    let tags = html::tags(&page.is(200).body);
    let frames: Vec<&str> = tags
        .iter()
        .filter(|tag| tag.name == "iframe")
        .map(|tag| tag.get("src").unwrap())
        .collect();
    let issuer = format!("http://localhost:{}/clinic", locum.peer().port);
    let expected = format!(
        "https://other.example/out?a=b&{}",
        form(&[("iss", issuer.as_str()), ("sid", &sid)])
    );
    assert_eq!(frames, [expected]);
    let policy = page.header("content-security-policy").unwrap();
    assert!(
        policy.contains("frame-src https://other.example"),
        "{policy}"
    );
    // From there the person goes on, by itself or by a link.
    let onward = "https://web.example/bye?state=xyz";
    assert!(
        tags.iter()
            .any(|tag| tag.name == "a" && tag.get("href") == Some(onward))
    );
    let refresh = tags.iter().find(|tag| tag.has("http-equiv")).unwrap();
    assert!(refresh.get("content").unwrap().ends_with(onward));
    assert!(!is_signed_in(&mut person).await);
}

#[tokio::test]
async fn a_client_that_was_not_used_in_the_session_is_not_told() {
    let more = "frontchannel_logout_uri = \"https://other.example/out\"";
    let locum = Fixture::configured(&config(more)).await;
    let (mut person, tokens) = signed_in(locum.peer()).await;
    let mut elsewhere = Person::new(locum.peer(), "bob");
    app("other")
        .tokens(&mut elsewhere, &[("scope", "openid")])
        .await;
    let page = person.get(&logout(&[("id_token_hint", tokens.id())])).await;
    assert!(!page.is(200).body.contains("<iframe"), "{page}");
}

// ------------------------------------------------------------------------- vendors

#[tokio::test]
async fn hydra_wants_a_hint_for_a_redirect() {
    let locum = Fixture::start().await;
    let mut person = Person::new(locum.peer(), "clinician");
    let tokens = App::medblocks_spa()
        .tokens(&mut person, &[("scope", "openid")])
        .await;
    let path = "/medblocks/oauth2/sessions/logout";
    let uri = ("post_logout_redirect_uri", "http://localhost:3000/bye");
    for parameters in [
        vec![uri],
        vec![("state", "x")],
        vec![uri, ("client_id", "medblocks-spa")],
    ] {
        let answer = person.get(&format!("{path}?{}", form(&parameters))).await;
        answer.is_error_page("invalid_request");
        assert!(answer.body.contains(
            "Logout failed because query parameter post_logout_redirect_uri is set but id_token_hint is missing."
        ), "{answer}");
    }
    let hinted = form(&[uri, ("id_token_hint", tokens.id()), ("state", "xyz")]);
    let answer = person.get(&format!("{path}?{hinted}")).await;
    assert_eq!(
        answer.header("location"),
        Some("http://localhost:3000/bye?state=xyz")
    );
    // Nobody is signed in: the page that says so.
    person.get(path).await.is(200);
}

#[tokio::test]
async fn identityserver3_ignores_a_bad_hint_and_asks() {
    let locum = Fixture::start().await;
    let mut person = Person::new(locum.peer(), "therapist");
    let tokens = App::nethealth_web()
        .tokens(&mut person, &[("scope", "openid")])
        .await;
    let path = "/nethealth/connect/endsession";
    let bad = form(&[("id_token_hint", "nonsense"), ("state", "xyz")]);
    let page = person.get(&format!("{path}?{bad}")).await;
    assert!(Form::with_button(&page.is(200).body, "sign-out-confirm").is_some());
    let good = form(&[
        ("id_token_hint", tokens.id()),
        ("post_logout_redirect_uri", "http://localhost:3000/bye"),
        ("state", "xyz"),
    ]);
    let answer = person.get(&format!("{path}?{good}")).await;
    assert_eq!(
        answer.header("location"),
        Some("http://localhost:3000/bye?state=xyz")
    );
}

#[tokio::test]
async fn auth0s_oidc_logout_asks_without_a_hint() {
    let locum = Fixture::start().await;
    let mut person = Person::new(locum.peer(), "provider");
    let tokens = App::photon_spa()
        .tokens(&mut person, &[("scope", "openid")])
        .await;
    let uri = ("post_logout_redirect_uri", "http://localhost:3000/bye");
    let query = form(&[uri, ("client_id", "photon-spa"), ("state", "xyz")]);
    let page = person.get(&format!("/photon/oidc/logout?{query}")).await;
    assert!(Form::with_button(&page.is(200).body, "sign-out-confirm").is_some());
    let query = form(&[uri, ("id_token_hint", tokens.id()), ("state", "xyz")]);
    let answer = person.get(&format!("/photon/oidc/logout?{query}")).await;
    assert_eq!(
        answer.header("location"),
        Some("http://localhost:3000/bye?state=xyz")
    );
}

#[tokio::test]
async fn the_check_session_page_may_be_framed_and_names_its_cookie() {
    let locum = Fixture::start().await;
    let page = locum.get("/clinic/oauth2/check-session").await;
    assert_eq!(page.is(200).header("x-frame-options"), None);
    let policy = page.header("content-security-policy").unwrap();
    assert!(!policy.contains("frame-ancestors"), "{policy}");
    let mut person = Person::new(locum.peer(), "doctor");
    person.sign_in_at("clinic").await;
    let tags = html::tags(&page.body);
    let cookie = tags.iter().find_map(|tag| tag.get("data-cookie")).unwrap();
    assert!(person.cookies.contains_key(cookie), "{cookie}");
}
