//! APIs, keys, settings, and issuers that come and go.

use serde_json::Value;

use super::{Console, with_and_without_scripts};
use crate::browser::scene::{CLINIC, Scene, claim};
use crate::support::browser::Kind;
use crate::support::http::{Peer, Request};
use crate::support::servers::Vendor;

async fn peer(scene: &Scene) -> Peer {
    Peer::at(scene.locum.url())
}

#[tokio::test]
async fn an_api_is_made_changed_and_deleted() {
    with_and_without_scripts(async |browser, scene| {
        let console = Console::enter(browser, scene, "admin").await;
        console.open_at("clinic", "/apis").await;
        console.follow("Add an API").await;
        console.fill("#name", "Appointments").await;
        console
            .fill("#audience", "https://api.clinic.example")
            .await;
        console.fill("#scope-0-name", "appointments read").await;
        console.submit().await;
        let wrong = browser.text(".alert").await;
        assert!(wrong.contains("cannot be a scope"), "{wrong}");
        console.fill("#scope-0-name", "appointments:read").await;
        console
            .fill("#scope-0-description", "See appointments")
            .await;
        console.fill("#scope-1-name", "appointments:sign").await;
        console.click("#scope-1-users_only").await;
        console.submit().await;
        let taken = browser.text("#audience-problem").await;
        assert!(taken.contains("already"), "{taken}");
        console.fill("#audience", "urn:appointments").await;
        console.submit().await;
        assert_eq!(console.heading().await, "Appointments");
        assert!(browser.text("tbody").await.contains("users only"));

        // A client gets it at once.
        console
            .open_at("clinic", "/clients/clinic-machine/edit")
            .await;
        // Its part is folded away, as the client has nothing of it.
        browser
            .click("details:has(input[value$=' appointments:read']):not([open]) > summary")
            .await;
        console.click("input[value$=' appointments:read']").await;
        assert!(!browser.has("input[value$=' appointments:sign']").await);
        console.submit().await;
        console.says("Saved").await;
        let token = async |audience: &str| {
            let request = Request::post("/clinic/oauth2/token")
                .basic("clinic-machine", "clinic-machine-secret")
                .form(format!("grant_type=client_credentials&resource={audience}"));
            peer(scene).await.send(request).await
        };
        assert_eq!(
            token("urn:appointments").await.is(200).json()["scope"],
            "appointments:read"
        );

        console.open_at("clinic", "/apis").await;
        console.follow("Appointments").await;
        console.follow("Edit").await;
        console.fill("#scope-0-name", "appointments:list").await;
        console.fill("#scope-1-name", "").await;
        console.submit().await;
        let scopes = browser.texts("tbody th").await;
        assert_eq!(scopes, ["appointments:list"]);
        console.follow("Delete…").await;
        assert!(console.content().await.contains("clinic-machine"));
        console.confirm().await;
        console.says("Deleted").await;
        assert_eq!(token("urn:appointments").await.status, 400);
        console.open_at("clinic", "/clients/clinic-machine").await;
        assert!(!console.content().await.contains("Appointments"));
    })
    .await;
}

#[tokio::test]
async fn keys_are_rotated_and_old_tokens_still_hold() {
    with_and_without_scripts(async |browser, scene| {
        let clinic = Vendor::of("clinic");
        let peer = peer(scene).await;
        let kids = async || -> Vec<String> {
            let jwks = peer.get("/clinic/.well-known/jwks.json").await.json();
            let keys = jwks["keys"].as_array().unwrap();
            let rs256 = keys.iter().filter(|key| key["alg"] == "RS256");
            rs256
                .map(|key| key["kid"].as_str().unwrap().to_owned())
                .collect()
        };
        let before = kids().await;
        assert_eq!(before.len(), 1);
        let old = clinic.token(&peer).await;

        let console = Console::enter(browser, scene, "admin").await;
        console.open_at("clinic", "/keys").await;
        console.goes("main a[href$='alg=RS256']").await;
        console.confirm().await;
        console.says("new key").await;
        let after = kids().await;
        assert_eq!(after.len(), 2);
        assert!(after.contains(&before[0]));
        let new = clinic.token(&peer).await;
        assert_ne!(kid(&old), kid(&new));
        for token in [&old, &new] {
            peer.send(clinic.resource_request(token)).await.is(200);
        }

        console.goes("main td a.danger").await;
        console.confirm().await;
        console.says("Deleted").await;
        assert_eq!(kids().await.len(), 1);
        peer.send(clinic.resource_request(&old)).await.is(401);
        peer.send(clinic.resource_request(&new)).await.is(200);
        // One that signs cannot go.
        console
            .open_at("clinic", &format!("/keys/{}/delete", kid(&new)))
            .await;
        assert!(!browser.has("#confirm").await);
    })
    .await;
}

fn kid(token: &str) -> String {
    let jwt = crate::support::jwt::Jwt::parse(token);
    jwt.header("kid").as_str().unwrap().to_owned()
}

#[tokio::test]
async fn settings_hold_at_once() {
    with_and_without_scripts(async |browser, scene| {
        let console = Console::enter(browser, scene, "admin").await;
        console.open_at("clinic", "/settings").await;
        console.fill("#brand_name", "Sunset & <Sons>").await;
        console.fill("#brand_color", "greenish").await;
        console.submit().await;
        browser.find("#brand_color[aria-invalid=true]").await;
        console.fill("#brand_color", "#7a1fa2").await;
        console
            .fill("#help_uri", "https://help.clinic.example/")
            .await;
        console.fill("#audit_retention_days", "400").await;
        console
            .fill("#post_logout_redirect_uris", "https://clinic.example/bye")
            .await;
        console.submit().await;
        console.says("Saved").await;
        assert_eq!(browser.value("#brand_name").await, "Sunset & <Sons>");
        console.open_at("clinic", "/audit").await;
        assert!(console.content().await.contains("Kept for 400 days"));

        browser.open(&scene.url("clinic", "/account")).await;
        let page = browser.text("body").await;
        assert!(page.contains("Sunset & <Sons>"), "{page}");
    })
    .await;
}

#[tokio::test]
async fn settings_that_conflict_lose_nothing() {
    let scene = Scene::start().await;
    Kind::DESKTOP
        .browse(async |browser| {
            let console = Console::enter(browser, &scene, "admin").await;
            console.open_at("clinic", "/settings").await;
            browser
                .in_another_tab(async || {
                    console.open_at("clinic", "/settings").await;
                    console.fill("#brand_name", "Theirs").await;
                    console.submit().await;
                    console.says("Saved").await;
                })
                .await;
            console.fill("#brand_name", "Mine").await;
            console.submit().await;
            let page = console.content().await;
            assert!(page.contains("Theirs") && page.contains("Mine"), "{page}");
            console.open_at("clinic", "/settings").await;
            assert_eq!(browser.value("#brand_name").await, "Theirs");
        })
        .await;
}

/// From nothing to a token, with no restart; and gone again.
#[tokio::test]
async fn an_issuer_comes_and_goes() {
    with_and_without_scripts(async |browser, scene| {
        let console = Console::enter(browser, scene, "admin").await;
        console.open("/issuers").await;
        console.follow("New issuer").await;
        console.fill("#name", "clinic").await;
        console.fill("#brand", "Harbour Dental 🦷").await;
        console.click("input[name=dialect][value=auth0]").await;
        console.submit().await;
        let taken = browser.text("#name-problem").await;
        assert!(taken.contains("already"), "{taken}");
        assert!(browser.is_ticked("input[name=dialect][value=auth0]").await);
        console.fill("#name", "harbour").await;
        console.submit().await;
        assert_eq!(console.heading().await, "Harbour Dental 🦷");
        let peer = peer(scene).await;
        let metadata = "/harbour/.well-known/openid-configuration";
        let found: Value = peer.get(metadata).await.is(200).json();
        assert_eq!(found["issuer"], format!("{}/harbour/", scene.locum.url()));

        console.open_at("harbour", "/new-api").await;
        console.fill("#name", "Chairs").await;
        console.fill("#audience", "https://chairs.example").await;
        console.fill("#scope-0-name", "chairs:read").await;
        console.submit().await;
        console.open_at("harbour", "/new-client?kind=machine").await;
        console.fill("#client_name", "Night job").await;
        console.click("input[name=everything]").await;
        console.submit().await;
        let values = browser.texts("section.once code").await;
        let request = Request::post("/harbour/oauth/token")
            .basic(&values[0], &values[1])
            .form("grant_type=client_credentials&audience=https%3A%2F%2Fchairs.example");
        peer.send(request).await.is(200);

        console.open_at("harbour", "/settings").await;
        console.follow("Delete…").await;
        console.confirm().await;
        console.says("Deleted").await;
        peer.get(metadata).await.is(404);
        assert!(!console.content().await.contains("Harbour"));
    })
    .await;
}

#[tokio::test]
async fn a_role_is_made_given_and_deleted() {
    with_and_without_scripts(async |browser, scene| {
        let console = Console::enter(browser, scene, "admin").await;
        console.open_at("clinic", "/roles").await;
        console.follow("New role").await;
        console.fill("#name", "doctor").await;
        console.submit().await;
        assert!(browser.text("#name-problem").await.contains("already"));
        console.fill("#name", "night / shift?").await;
        console.click("input[value$=' prescriptions:write']").await;
        console.submit().await;
        assert_eq!(console.heading().await, "night / shift?");
        console.open_at("clinic", "/users").await;
        console.follow("Rae Receptionist").await;
        console.follow("Edit").await;
        console
            .click("input[name=role][value='night / shift?']")
            .await;
        console.submit().await;
        console.says("Saved").await;
        let prescribes = async || {
            let scope = "openid prescriptions:write";
            browser
                .open(&scene.request(CLINIC, scope, &[("prompt", "login consent")]))
                .await;
            browser.signs_in("receptionist", "locum").await;
            browser.click("#consent-allow").await;
            let tokens = scene.tokens(CLINIC).await;
            let granted = claim(&tokens, "access_token", "scope").to_string();
            granted.contains("prescriptions:write")
        };
        assert!(prescribes().await);
        console.open_at("clinic", "/roles").await;
        console.follow("night / shift?").await;
        console.follow("1 user").await;
        assert_eq!(browser.texts("tbody th a").await, ["Rae Receptionist"]);
        console.browser.back().await;
        console.follow("Delete…").await;
        console.confirm().await;
        console.says("Deleted").await;
        assert!(!prescribes().await);
    })
    .await;
}
