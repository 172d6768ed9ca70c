//! Signing out, at an application's request.

use super::scene::{CLINIC, NETHEALTH, Scene};
use crate::support::browser::{Browser, Kind};

impl Browser {
    async fn signs_in_at_clinic(&self, scene: &Scene) -> String {
        self.open(&scene.request(CLINIC, "openid", &[])).await;
        self.signs_in("receptionist", "locum").await;
        self.click("#consent-allow").await;
        let tokens = scene.tokens(CLINIC).await;
        tokens["id_token"].as_str().unwrap().to_owned()
    }

    async fn is_signed_out_of_clinic(&self, scene: &Scene) {
        self.open(&scene.url("clinic", "/account")).await;
        self.is_at("/clinic/sign-in").await;
    }
}

fn request(scene: &Scene, more: &[(&str, &str)]) -> String {
    let mut url = url::Url::parse(&scene.url("clinic", "/oauth2/logout")).unwrap();
    let goodbye = format!("{}/goodbye", scene.application.url);
    url.query_pairs_mut()
        .append_pair("post_logout_redirect_uri", &goodbye)
        .append_pair("state", "parting")
        .extend_pairs(more);
    url.into()
}

#[tokio::test]
async fn is_confirmed_where_anybody_may_have_asked() {
    for kind in Kind::WITH_AND_WITHOUT_SCRIPTS {
        let scene = Scene::start().await;
        kind.browse(async |browser| {
            browser.signs_in_at_clinic(&scene).await;
            let request = request(&scene, &[("client_id", "clinic-spa")]);
            browser.open(&request).await;
            let text = browser.text("main").await;
            assert!(text.contains("Clinic single page application"), "{text}");

            // Thought better of it.
            browser.click("main a[href$='/account']").await;
            browser.is_at("/clinic/account").await;

            browser.open(&request).await;
            browser.click("#sign-out-confirm").await;
            browser.has_arrived(&scene).await;
            let heard = scene.application.hears("/goodbye").await;
            assert_eq!(heard.get("state"), "parting");
            browser.is_signed_out_of_clinic(&scene).await;
        })
        .await;
    }
}

#[tokio::test]
async fn is_done_at_once_with_the_id_token() {
    let scene = Scene::start().await;
    Kind::DESKTOP
        .browse(async |browser| {
            let id_token = browser.signs_in_at_clinic(&scene).await;
            browser
                .open(&request(&scene, &[("id_token_hint", &id_token)]))
                .await;
            browser.has_arrived(&scene).await;
            scene.application.hears("/goodbye").await;
            browser.is_signed_out_of_clinic(&scene).await;
        })
        .await;
}

#[tokio::test]
async fn with_nowhere_to_go_on_to() {
    for kind in Kind::WITH_AND_WITHOUT_SCRIPTS {
        let scene = Scene::start().await;
        kind.browse(async |browser| {
            browser.open(&scene.request(NETHEALTH, "openid", &[])).await;
            browser.signs_in("therapist", "locum").await;
            browser.find("#consent-allow").await;
            browser
                .open(&scene.url("nethealth", "/connect/endsession"))
                .await;
            browser.click("#sign-out-confirm").await;
            browser.find("a[href='/nethealth/account']").await;
            assert_eq!(browser.text("h1").await, "You are signed out");

            // Back, and the same button once more: signed out is signed out.
            browser.back().await;
            browser.find("#sign-out-confirm, h1").await;
            if browser.has("#sign-out-confirm").await {
                browser.click("#sign-out-confirm").await;
            }
            browser.find("a[href='/nethealth/account']").await;
        })
        .await;
    }
}
