//! Consent: a switch for each scope, and what comes of it.

use super::scene::{CLINIC, NETHEALTH, Scene, claim};
use crate::support::browser::{Browser, Kind};

const SCOPE: &str = "openid profile patients.read patients.write offline_access";

impl Browser {
    async fn reaches_consent(&self, scene: &Scene, scope: &str) {
        self.open(&scene.request(NETHEALTH, scope, &[])).await;
        self.signs_in("therapist", "locum").await;
        self.find("#consent-allow").await;
    }
}

fn switch(scope: &str) -> String {
    format!("input[type=checkbox][name=scope][value=\"{scope}\"]")
}

#[tokio::test]
async fn what_is_unticked_is_not_granted() {
    for kind in Kind::WITH_AND_WITHOUT_SCRIPTS {
        let scene = Scene::start().await;
        kind.browse(async |browser| {
            browser.reaches_consent(&scene, SCOPE).await;
            for scope in SCOPE.split(' ') {
                assert!(browser.is_ticked(&switch(scope)).await, "{scope}");
            }
            browser.click(&switch("patients.write")).await;
            browser.click("#consent-allow").await;
            let tokens = scene.tokens(NETHEALTH).await;
            let scope = claim(&tokens, "access_token", "scope").to_string();
            assert!(scope.contains("patients.read"), "{scope}");
            assert!(!scope.contains("patients.write"), "{scope}");
            assert!(tokens["refresh_token"].is_string());
        })
        .await;
    }
}

#[tokio::test]
async fn without_access_while_away_there_is_no_refresh_token() {
    let scene = Scene::start().await;
    Kind::DESKTOP
        .browse(async |browser| {
            browser.reaches_consent(&scene, SCOPE).await;
            browser.click(&switch("offline_access")).await;
            browser.click("#consent-allow").await;
            let tokens = scene.tokens(NETHEALTH).await;
            assert!(tokens["refresh_token"].is_null(), "{tokens}");
        })
        .await;
}

#[tokio::test]
async fn denied() {
    for kind in Kind::WITH_AND_WITHOUT_SCRIPTS {
        let scene = Scene::start().await;
        kind.browse(async |browser| {
            browser.reaches_consent(&scene, SCOPE).await;
            browser.click("#consent-deny").await;
            browser.has_arrived(&scene).await;
            assert_eq!(scene.error().await.get("error"), "access_denied");
        })
        .await;
    }
}

#[tokio::test]
async fn with_everything_unticked_it_is_denied() {
    for kind in Kind::WITH_AND_WITHOUT_SCRIPTS {
        let scene = Scene::start().await;
        kind.browse(async |browser| {
            let scope = "patients.read patients.write";
            browser.reaches_consent(&scene, scope).await;
            for scope in scope.split(' ') {
                browser.click(&switch(scope)).await;
            }
            browser.click("#consent-allow").await;
            browser.has_arrived(&scene).await;
            assert_eq!(scene.error().await.get("error"), "access_denied");
        })
        .await;
    }
}

#[tokio::test]
async fn is_remembered_and_asked_again_for_what_is_new() {
    for kind in Kind::WITH_AND_WITHOUT_SCRIPTS {
        let scene = Scene::start().await;
        kind.browse(async |browser| {
            browser
                .reaches_consent(&scene, "openid patients.read")
                .await;
            browser.click("#consent-allow").await;
            scene.tokens(NETHEALTH).await;

            browser
                .open(&scene.request(NETHEALTH, "openid patients.read", &[]))
                .await;
            browser.has_arrived(&scene).await;
            scene.tokens(NETHEALTH).await;

            let more = "openid patients.read patients.write";
            browser.open(&scene.request(NETHEALTH, more, &[])).await;
            browser.find("#consent-allow").await;
            let marked = browser.texts(".scope:has(.badge) code").await;
            assert_eq!(marked, ["patients.write"]);
            browser.click("#consent-allow").await;
            scene.tokens(NETHEALTH).await;
        })
        .await;
    }
}

#[tokio::test]
async fn not_remembered_is_asked_again() {
    let scene = Scene::start().await;
    Kind::DESKTOP
        .browse(async |browser| {
            browser
                .reaches_consent(&scene, "openid patients.read")
                .await;
            browser.click("#remember").await;
            browser.click("#consent-allow").await;
            scene.tokens(NETHEALTH).await;
            browser
                .open(&scene.request(NETHEALTH, "openid patients.read", &[]))
                .await;
            browser.find("#consent-allow").await;
            assert!(!browser.has(".scope .badge").await);
        })
        .await;
}

/// What a role does not allow is not asked for.
#[tokio::test]
async fn asks_for_no_more_than_a_person_may_give() {
    let scene = Scene::start().await;
    Kind::DESKTOP
        .browse(async |browser| {
            let scope = "openid patients:read prescriptions:write";
            browser.open(&scene.request(CLINIC, scope, &[])).await;
            browser.signs_in("receptionist", "locum").await;
            browser.find("#consent-allow").await;
            let asked = browser.texts(".scope code").await;
            assert_eq!(asked, ["openid", "patients:read"]);
        })
        .await;
}
