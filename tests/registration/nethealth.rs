//! Net Health: register first, as its guide says, and what is registered works at once.

use serde_json::json;

use super::text;
use crate::support::html::{tags, unescape};
use crate::support::http::{Answer, Peer, Request};
use crate::support::servers::{Fixture, demo};
use crate::support::user::{App, IDENTITYSERVER, Person};

const PATH: &str = "/nethealth/api/Clients/Register";

async fn post(peer: &Peer, body: &str) -> Answer {
    peer.send(Request::post(PATH).json(body)).await
}

#[tokio::test]
async fn an_application_is_given_client_id_and_secret() {
    demo()
        .say(
            r#"
            POST /nethealth/api/Clients/Register
            Content-Type: application/json

            {"ClientName":"Example Wound Care","RedirectUris":["https://woundcare.example/signin-oidc"],"Scopes":["openid","profile","offline_access","patients.read"]}
            "#,
        )
        .await
        .reads(
            r#"
            200
            Content-Type: application/json; charset=utf-8
            Cache-Control: no-cache
            Pragma: no-cache

            {"ClientId":"…","ClientSecret":"…","ClientName":"Example Wound Care","RedirectUris":["https://woundcare.example/signin-oidc"],"Scopes":["openid","profile","offline_access","patients.read"]}
            "#,
        );
    let answer = post(
        &demo(),
        r#"{"clientName":"x","redirectUris":["https://a.example/"]}"#,
    )
    .await;
    let (id, secret) = (text(&answer, "ClientId"), text(&answer, "ClientSecret"));
    assert!(
        id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit()),
        "{id}"
    );
    assert_eq!(secret.len(), 44);
    assert_eq!(
        answer.json()["Scopes"],
        json!([
            "openid",
            "profile",
            "email",
            "phone",
            "address",
            "offline_access",
            "patients.read",
            "patients.write"
        ])
    );
}

#[tokio::test]
async fn members_and_path_are_found_in_any_case_and_in_a_form() {
    let peer = demo();
    let answer = peer
        .say(
            r#"
            POST /nethealth/API/clients/register
            Content-Type: application/x-www-form-urlencoded

            clientname=A+form&RedirectUris=https://a.example/1&RedirectUris[]=https://a.example/2&RedirectUris[2]=https://a.example/3&Scopes=openid&Flow=authorizationcode
            "#,
        )
        .await;
    let registered = answer.is(200).json();
    assert_eq!(registered["ClientName"], "A form");
    assert_eq!(registered["Scopes"], json!(["openid"]));
    let uris = [
        "https://a.example/1",
        "https://a.example/2",
        "https://a.example/3",
    ];
    assert_eq!(registered["RedirectUris"], json!(uris));
}

#[tokio::test]
async fn what_is_wrong_is_told_as_web_api_2_does() {
    let peer = demo();
    let missing = post(&peer, r#"{"ClientName":"x"}"#).await;
    missing.reads(
        r#"
        400
        Content-Type: application/json; charset=utf-8

        {"Message":"The request is invalid.","ModelState":{"model.RedirectUris":["The RedirectUris field is required."]}}
        "#,
    );
    let state = |answer: &Answer| answer.is(400).json()["ModelState"].clone();
    let both = post(&peer, "{}").await;
    assert_eq!(
        state(&both),
        json!({
            "model.ClientName": ["The ClientName field is required."],
            "model.RedirectUris": ["The RedirectUris field is required."],
        })
    );
    let types = post(
        &peer,
        r#"{"ClientName":7,"RedirectUris":"https://a.example/","Scopes":[1]}"#,
    )
    .await;
    assert_eq!(
        state(&types),
        json!({
            "model.ClientName": ["ClientName must be a string."],
            "model.RedirectUris": ["RedirectUris must be an array of strings."],
            "model.Scopes": ["Scopes must be an array of strings."],
        })
    );
    for flow in ["Hybrid", "Implicit", "ResourceOwner"] {
        let body =
            json!({ "ClientName": "x", "RedirectUris": ["https://a.example/"], "Flow": flow });
        let answer = post(&peer, &body.to_string()).await;
        assert!(state(&answer)["model.Flow"].is_array(), "{answer}");
    }

    peer.get(PATH).await.reads(
        r#"
        405
        Allow: POST

        {"Message":"The requested resource does not support http method 'GET'."}
        "#,
    );
    let text = Request::post(PATH).body("text/plain", "ClientName=x");
    peer.send(text).await.reads(
        r#"
        415
        Content-Type: application/json; charset=utf-8

        {"Message":"The request entity's media type 'text/plain' is not supported for this resource."}
        "#,
    );
    let broken = post(&peer, r#"{"ClientName":"#).await;
    assert!(state(&broken)["model"].is_array(), "{broken}");
}

#[tokio::test]
async fn a_guarded_issuer_denies_as_web_api_2_does() {
    let locum = Fixture::configured(&super::issuer("identityserver", "guarded")).await;
    let request = Request::post("/own/api/Clients/Register")
        .json(r#"{"ClientName":"x","RedirectUris":["https://a.example/"]}"#);
    locum.send(request).await.reads(
        r#"
        401
        Content-Type: application/json; charset=utf-8
        WWW-Authenticate: Bearer

        {"Message":"Authorization has been denied for this request."}
        "#,
    );
}

#[tokio::test]
async fn what_is_registered_works_in_sign_in_and_consent() {
    let peer = demo();
    let redirect_uri = "https://woundcare.example/signin-oidc";
    let body = json!({ "ClientName": "Example Wound Care", "RedirectUris": [redirect_uri] });
    let answer = post(&peer, &body.to_string()).await;
    let app = App {
        secret: Some(text(&answer, "ClientSecret")),
        redirect_uri: redirect_uri.to_owned(),
        pkce: false,
        ..App::new("nethealth", &text(&answer, "ClientId"), IDENTITYSERVER)
    };

    // Each scope by itself: one is denied.
    let mut person =
        Person::new(peer, "therapist").allowing(&["openid", "offline_access", "patients.read"]);
    let scope = "openid offline_access patients.read patients.write";
    let tokens = app.tokens(&mut person, &[("scope", scope)]).await;
    assert!(person.seen.iter().any(|path| path == "/nethealth/consent"));
    assert_eq!(
        *tokens.access_claims().claim("scope"),
        json!(["openid", "offline_access", "patients.read"])
    );
    let resource = Request::get("/nethealth/api/Patients").bearer(&tokens.access_token);
    peer.send(resource).await.is(200);
    app.refresh(peer, tokens.refresh()).await.is(200);

    // In the body as well: IdentityServer3 takes either.
    let mut person = Person::new(peer, "therapist");
    let code = app.code(&mut person, &[("scope", "openid")]).await;
    let in_body = Request::post("/nethealth/connect/token").form(crate::support::user::form(&[
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", redirect_uri),
        ("client_id", &app.client_id),
        ("client_secret", app.secret.as_deref().unwrap()),
    ]));
    peer.send(in_body).await.is(200);
}

#[tokio::test]
async fn a_native_application_gets_no_secret_to_lose() {
    let body = json!({ "ClientName": "Phone", "RedirectUris": ["com.example.phone:/cb"] });
    let answer = post(&demo(), &body.to_string()).await;
    assert_eq!(
        answer.is(200).member_names(),
        ["ClientId", "ClientName", "RedirectUris", "Scopes"]
    );
}

// ------------------------------------------------------------------------- the Help pages

#[tokio::test]
async fn the_help_pages_document_the_action_that_is_served() {
    let peer = demo();
    for path in ["/nethealth/Help", "/nethealth/help"] {
        let index = peer.get(path).await;
        assert_eq!(
            index.is(200).header("content-type"),
            Some("text/html; charset=utf-8")
        );
        let links = tags(&index.body);
        let link = links
            .iter()
            .find(|tag| tag.name == "a")
            .and_then(|tag| tag.get("href"));
        assert_eq!(link, Some("/nethealth/Help/Api/POST-api-Clients-Register"));
        assert!(index.body.contains("POST api/Clients/Register"));
    }

    let page = peer
        .get("/nethealth/Help/Api/POST-api-Clients-Register")
        .await;
    let page = page.is(200);
    for name in [
        "ClientName",
        "RedirectUris",
        "PostLogoutRedirectUris",
        "ClientUri",
        "LogoUri",
        "Scopes",
        "Flow",
        "ContactEmail",
    ] {
        assert!(
            page.body.contains(&format!("<code>{name}</code>")),
            "{name}"
        );
    }
    assert!(!page.body.contains("<script"));

    // What the page shows can be sent as it stands, in either encoding, and what comes back has
    // the members it says.
    let sample = |id: &str| {
        let (_, after) = page.body.split_once(&format!("<pre id=\"{id}\"")).unwrap();
        let (_, after) = after.split_once("<code>").unwrap();
        unescape(after.split("</code>").next().unwrap())
    };
    let shown: serde_json::Value = serde_json::from_str(&sample("response-json")).unwrap();
    let members: Vec<&String> = shown.as_object().unwrap().keys().collect();
    for request in [
        Request::post(PATH).json(sample("request-json")),
        Request::post(PATH).form(sample("request-form")),
    ] {
        let answer = peer.send(request).await;
        let answered = answer.is(200).json();
        assert_eq!(
            answered.as_object().unwrap().keys().collect::<Vec<_>>(),
            members
        );
        assert_ne!(answered["ClientSecret"], shown["ClientSecret"]);
        assert_ne!(answered["ClientId"], shown["ClientId"]);
    }
}

#[tokio::test]
async fn where_nobody_may_register_there_is_no_help_either() {
    let locum = Fixture::configured(&super::issuer("identityserver", "closed")).await;
    for path in [
        "/own/Help",
        "/own/Help/Api/POST-api-Clients-Register",
        "/own/api/Clients/Register",
    ] {
        locum.get(path).await.reads(
            r#"
            404

            {"Message":"No HTTP resource was found that matches the request URI."}
            "#,
        );
    }
}
