//! What a consent is good for: the person who gave it, the API it was given for, and no more.

use crate::support::html::Form;
use crate::support::http::{Peer, Request};
use crate::support::servers::Fixture;
use crate::support::user::{App, Callback, PASSWORD_HASH, Person, STANDARD, Tokens};

/// An issuer with two APIs that call a scope alike.
fn two_apis() -> String {
    format!(
        r#"
        [[issuer]]
        name = "practice"
        dialect = "standard"

        [[issuer.api]]
        name = "Sandbox API"
        audience = "https://sandbox.example"
        scopes = ["read"]

        [[issuer.api]]
        name = "Production API"
        audience = "https://production.example"
        scopes = ["read"]

        [[issuer.client]]
        client_id = "web"
        client_secret = "web-secret"
        kind = "web"
        any_loopback_uri = true

        [[issuer.client.grant]]
        audience = "https://sandbox.example"
        scopes = "all"

        [[issuer.client.grant]]
        audience = "https://production.example"
        scopes = "all"

        [[issuer.user]]
        username = "ada"
        password_hash = "{PASSWORD_HASH}"
        "#
    )
}

async fn tokens(app: &App, peer: Peer, callback: &Callback) -> Tokens {
    Tokens::of(&app.redeem(peer, callback.get("code")).await)
}

#[tokio::test]
async fn what_is_allowed_at_one_api_is_not_at_another() {
    let locum = Fixture::configured(&two_apis()).await;
    let app = App::confidential("practice", "web", STANDARD);
    let mut ada = Person::new(locum.peer(), "ada");
    let at = |resource, prompt| {
        app.authorization(&[
            ("scope", "openid read"),
            ("resource", resource),
            ("prompt", prompt),
        ])
    };
    let (sandbox, production) = ("https://sandbox.example", "https://production.example");
    Callback::of(&ada.authorize(&at(sandbox, "consent")).await).get("code");
    Callback::of(&ada.authorize(&at(sandbox, "none")).await).get("code");

    let silent = Callback::of(&ada.authorize(&at(production, "none")).await);
    assert_eq!(silent.get("error"), "consent_required");
    // The page says which API it is, and what of it is new.
    let url = app.authorization(&[("scope", "openid read"), ("resource", production)]);
    let page = ada.visit(&url).await;
    assert!(page.is(200).body.contains("Production API"), "{page}");
    assert!(!page.body.contains("Sandbox API"), "{page}");
    Callback::of(&ada.go_through(page).await).get("code");
    for resource in [sandbox, production] {
        Callback::of(&ada.authorize(&at(resource, "none")).await).get("code");
    }
}

#[tokio::test]
async fn a_claim_asked_for_by_name_is_asked_of_the_person() {
    let locum = Fixture::start().await;
    let app = App::clinic_web();
    let claims = r#"{"userinfo":{"email":null,"birthdate":null},"id_token":{"email":null}}"#;
    let asked = [("scope", "openid"), ("claims", claims)];
    let mut doctor = Person::new(locum.peer(), "doctor").allowing(&["openid", "email"]);
    let page = doctor.visit(&app.authorization(&asked)).await;
    let page = doctor.sign_in(&page).await;
    let form = Form::with_button(&page.body, "consent-allow").unwrap();
    let mut choices = form.choices("scope");
    choices.retain(|scope| *scope != "openid"); // locked, and so sent another way
    assert_eq!(choices, ["profile", "email"]);

    let callback = Callback::of(&doctor.go_through(page).await);
    let tokens = tokens(&app, locum.peer(), &callback).await;
    // It is no scope of the token for that.
    assert_eq!(tokens.scope.as_deref(), Some("openid"));
    assert_eq!(
        tokens.id_claims().claim("email"),
        "dolores.doctor@clinic.example"
    );
    let known = app
        .userinfo(locum.peer(), &tokens.access_token)
        .await
        .json();
    assert_eq!(known["email"], "dolores.doctor@clinic.example");
    assert_eq!(known.get("birthdate"), None);

    // Nor is what was allowed once allowed for other claims.
    let more = r#"{"userinfo":{"birthdate":null}}"#;
    let url = app.authorization(&[("scope", "openid"), ("claims", more), ("prompt", "none")]);
    let silent = Callback::of(&doctor.authorize(&url).await);
    assert_eq!(silent.get("error"), "consent_required");
}

#[tokio::test]
async fn a_page_gone_back_to_still_denies_and_allows_no_more_than_is_ticked() {
    let locum = Fixture::start().await;
    let app = App::clinic_web();
    let mut doctor = Person::new(locum.peer(), "doctor");
    let url = app.authorization(&[("scope", "openid profile email patients:read")]);
    let page = doctor.visit(&url).await;
    let page = doctor.sign_in(&page).await;
    let mut form = Form::with_button(&page.body, "consent-allow").unwrap();
    Callback::of(&doctor.press(&form, "consent-allow").await).get("code");

    let denied = Callback::of(&doctor.press(&form, "consent-deny").await);
    assert_eq!(denied.get("error"), "access_denied");
    form.tick("scope", &["openid"]);
    let answer = doctor.press(&form, "consent-allow").await;
    let tokens = tokens(&app, locum.peer(), &Callback::of(&answer)).await;
    assert_eq!(tokens.scope.as_deref(), Some("openid"));
    // What was unticked is asked for again.
    let page = doctor.visit(&url).await;
    assert!(Form::with_button(&page.body, "consent-allow").is_some());
}

#[tokio::test]
async fn a_page_whose_person_has_gone_begins_anew() {
    let locum = Fixture::start().await;
    let app = App::clinic_web();
    let mut doctor = Person::new(locum.peer(), "doctor");
    let page = doctor
        .visit(&app.authorization(&[("scope", "openid")]))
        .await;
    let mut form = Form::with_button(&page.body, "sign-in").unwrap();
    form.fill("username", "doctor");
    form.fill("password", "locum");
    let signed_in = doctor.post(&form.action, &form.pressed("sign-in")).await;
    let next = signed_in.header("location").unwrap().to_owned();
    let page = doctor.visit(&next).await;
    assert!(Form::with_button(&page.body, "consent-allow").is_some());

    // Signed out in another window, and the page loaded again.
    let account = doctor.visit("/clinic/sign-out").await;
    let form = Form::with_button(&account.body, "sign-out-confirm").unwrap();
    doctor.press(&form, "sign-out-confirm").await.is(200);
    let page = doctor.visit(&next).await;
    assert!(Form::with_button(&page.is(200).body, "sign-in").is_some());
    Callback::of(&doctor.go_through(page).await).get("code");
}

#[tokio::test]
async fn somebody_else_than_the_client_wants_is_told_to_it() {
    let locum = Fixture::start().await;
    let app = App::clinic_web();
    let mut person = Person::new(locum.peer(), "doctor");
    let callback = app.callback(&mut person, &[("scope", "openid")]).await;
    let hint = tokens(&app, locum.peer(), &callback)
        .await
        .id_token
        .unwrap();
    person.username = "receptionist".to_owned();
    for prompt in ["login", "select_account"] {
        let url = app.authorization(&[
            ("scope", "openid"),
            ("id_token_hint", &hint),
            ("prompt", prompt),
        ]);
        let mut page = person.visit(&url).await;
        if let Some(form) = page.body.contains("name=\"account\"").then(|| {
            let forms = Form::all(&page.body);
            forms
                .into_iter()
                .find(|form| form.action.ends_with("/choose-account"))
                .unwrap()
        }) {
            let mut fields = form.fields.clone();
            fields.push(("account".to_owned(), "other".to_owned()));
            let answer = person.post(&form.action, &fields).await;
            page = person.follow(answer).await;
        }
        let answer = person.sign_in(&page).await;
        assert_eq!(Callback::of(&answer).get("error"), "login_required");
    }
}

#[tokio::test]
async fn the_headers_alone_change_nothing() {
    let locum = Fixture::start().await;
    let app = App::clinic_web();
    let mut doctor = Person::new(locum.peer(), "doctor");
    app.callback(&mut doctor, &[("scope", "openid")]).await;
    let url = app.authorization(&[("scope", "openid")]);
    let head = doctor.send(Request::new("HEAD", &url)).await;
    assert_eq!(head.is(200).header("location"), None);

    let mut provider = Person::new(locum.peer(), "provider");
    provider.sign_in_at("photon").await;
    provider
        .send(Request::new("HEAD", "/photon/v2/logout"))
        .await
        .is(200);
    provider.visit("/photon/account").await.is(200);
    assert!(provider.seen.last().unwrap().ends_with("/account"));
}
