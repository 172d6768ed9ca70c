//! An Auth0 tenant: off until somebody switches it on.

use serde_json::json;

use super::{register, text};
use crate::support::http::Request;
use crate::support::servers::{Fixture, demo};
use crate::support::user::{AUTH0, App, Person};

#[tokio::test]
async fn a_tenant_is_closed_until_somebody_opens_it() {
    let body = json!({ "client_name": "x", "redirect_uris": ["https://a.example/"] });
    register(&demo(), "/photon/oidc/register", body)
        .await
        .reads(
            r#"
        404
        Content-Type: application/json

        {"error":"endpoint_disabled","error_description":"The endpoint is disabled."}
        "#,
        );
}

#[tokio::test]
async fn an_open_tenant_registers_as_auth0_documents() {
    let locum = Fixture::configured(&super::issuer("auth0", "open")).await;
    let answer = locum
        .say(
            r#"
            POST /own/oidc/register
            Content-Type: application/json

            {"client_name":"My Dynamic Application","redirect_uris":["https://application.example.com/callback","https://application.example.com/callback2"]}
            "#,
        )
        .await;
    answer.reads(
        r#"
        201
        Content-Type: application/json

        {"client_name":"My Dynamic Application","client_id":"…","client_secret":"…","redirect_uris":["https://application.example.com/callback","https://application.example.com/callback2"],"client_secret_expires_at":0}
        "#,
    );
    let id = text(&answer, "client_id");
    assert!(
        id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_alphanumeric()),
        "{id}"
    );
    assert_eq!(text(&answer, "client_secret").len(), 64);
    // Nothing is managed there.
    let path = format!("/own/oidc/register/{id}");
    locum
        .send(Request::get(&path).bearer("some-token"))
        .await
        .is(404);

    let discovery = locum
        .get("/own/.well-known/openid-configuration")
        .await
        .json();
    let url = format!("{}/own/oidc/register", locum.locum.url());
    assert_eq!(discovery["registration_endpoint"], url);

    let app = App {
        secret: Some(text(&answer, "client_secret")),
        redirect_uri: "https://application.example.com/callback".to_owned(),
        ..App::new("own", &id, AUTH0)
    };
    let mut person = Person::new(locum.peer(), "ada");
    let code = app
        .code(
            &mut person,
            &[
                ("scope", "openid charts:read"),
                ("audience", "https://api.own.example"),
            ],
        )
        .await;
    let in_body = Request::post("/own/oauth/token").form(crate::support::user::form(&[
        ("grant_type", "authorization_code"),
        ("code", &code),
        ("redirect_uri", &app.redirect_uri),
        ("client_id", &id),
        ("client_secret", app.secret.as_deref().unwrap()),
        ("code_verifier", crate::support::user::VERIFIER),
    ]));
    let tokens = locum.send(in_body).await;
    assert_eq!(tokens.is(200).json()["scope"], "openid charts:read");
    // The method it is registered with, and no other.
    let mut person = Person::new(locum.peer(), "ada");
    let code = app.code(&mut person, &[("scope", "openid")]).await;
    app.redeem(locum.peer(), &code)
        .await
        .refused(401, "access_denied");
}
