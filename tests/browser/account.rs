//! A person's own page.

use super::scene::{NETHEALTH, Scene};
use crate::support::browser::{Browser, Kind};

const NEW_PASSWORD: &str = "a lantern over four hills";

impl Browser {
    async fn opens_account(&self, scene: &Scene, password: &str) {
        self.open(&scene.url("nethealth", "/account")).await;
        self.signs_in("therapist", password).await;
        self.is_at("/nethealth/account").await;
    }

    /// What has just been done is said once, where a screen reader hears it.
    async fn says(&self, words: &str) {
        let said = self.text("[role=status]").await;
        assert!(said.contains(words), "{said}");
    }
}

#[tokio::test]
async fn the_profile_is_changed() {
    for kind in Kind::WITH_AND_WITHOUT_SCRIPTS {
        let scene = Scene::start().await;
        kind.browse(async |browser| {
            browser.opens_account(&scene, "locum").await;
            browser.click("a[href$='/account/profile']").await;
            assert_eq!(browser.value("#name").await, "Theo Therapist");
            browser.fill("#name", "Theodora Therapist").await;
            browser.fill("#email", "not an address").await;
            browser.click("form .primary").await;

            // What was typed is still there, and the problem leads to its field.
            browser.find("#email[aria-invalid=true]").await;
            assert_eq!(browser.value("#name").await, "Theodora Therapist");
            assert_eq!(browser.value("#email").await, "not an address");
            browser.click("[role=alert] a[href='#email']").await;
            browser.fill("#email", "theodora@nethealth.example").await;
            browser.click("form .primary").await;

            browser.says("saved").await;
            let profile = browser.text("section[aria-labelledby=profile]").await;
            assert!(profile.contains("Theodora Therapist"), "{profile}");
            assert!(profile.contains("theodora@nethealth.example"), "{profile}");
        })
        .await;
    }
}

#[tokio::test]
async fn the_language_applications_are_told_is_chosen() {
    let scene = Scene::start().await;
    Kind::DESKTOP
        .browse(async |browser| {
            browser.opens_account(&scene, "locum").await;
            assert!(browser.has("html[lang=en]").await);
            browser.click("a[href$='/account/profile']").await;
            browser.click("#locale option[value=es]").await;
            browser.click("form .primary").await;
            browser.is_at("/nethealth/account").await;
            // The pages go on in what the browser asks for.
            assert!(browser.has("html[lang=en]").await);
            browser.click("a[href$='/account/profile']").await;
            browser.find("#locale option[value=es][selected]").await;
        })
        .await;
}

#[tokio::test]
async fn the_password_is_changed() {
    for kind in Kind::WITH_AND_WITHOUT_SCRIPTS {
        let scene = Scene::start().await;
        kind.browse(async |browser| {
            browser.opens_account(&scene, "locum").await;
            browser.click("a[href$='/account/password']").await;
            let change = async |old: &str, new: &str, repeated: &str| {
                browser.fill("#current_password", old).await;
                browser.fill("#new_password", new).await;
                browser.fill("#repeated_password", repeated).await;
                browser.click("form .primary").await;
            };
            change("wrong", NEW_PASSWORD, NEW_PASSWORD).await;
            browser.find("#current_password[aria-invalid=true]").await;
            change("locum", NEW_PASSWORD, "another").await;
            browser.find("#repeated_password[aria-invalid=true]").await;
            change("locum", "short", "short").await;
            browser.find("#new_password[aria-invalid=true]").await;
            change("locum", NEW_PASSWORD, NEW_PASSWORD).await;
            browser.says("changed").await;

            browser.forgets_cookies().await;
            browser.open(&scene.url("nethealth", "/account")).await;
            browser.signs_in("therapist", "locum").await;
            browser.find("#problem").await;
            browser.fill("#password", NEW_PASSWORD).await;
            browser.click("#sign-in").await;
            browser.is_at("/nethealth/account").await;
        })
        .await;
    }
}

#[tokio::test]
async fn another_session_is_ended() {
    for kind in Kind::WITH_AND_WITHOUT_SCRIPTS {
        let scene = Scene::start().await;
        kind.browse(async |browser| {
            browser.opens_account(&scene, "locum").await;
            let first = browser.cookies().await;
            browser.forgets_cookies().await;
            browser.opens_account(&scene, "locum").await;
            let second = browser.cookies().await;
            let sessions = "section[aria-labelledby=sessions] li";
            assert_eq!(browser.all(sessions).await.len(), 2);
            browser
                .click("section[aria-labelledby=sessions] li button")
                .await;
            browser.says("has been signed out").await;
            assert_eq!(browser.all(sessions).await.len(), 1);

            for (cookies, page) in [(&first, "/sign-in"), (&second, "/account")] {
                browser.forgets_cookies().await;
                browser.takes_cookies(cookies).await;
                browser.open(&scene.url("nethealth", "/account")).await;
                browser.is_at(page).await;
            }
        })
        .await;
    }
}

#[tokio::test]
async fn all_other_sessions_are_ended() {
    let scene = Scene::start().await;
    Kind::DESKTOP
        .browse(async |browser| {
            for _ in 0..3 {
                browser.forgets_cookies().await;
                browser.opens_account(&scene, "locum").await;
            }
            let sessions = "section[aria-labelledby=sessions] li";
            assert_eq!(browser.all(sessions).await.len(), 3);
            browser.click("form[action$='/end-others'] button").await;
            browser.says("have been signed out").await;
            assert_eq!(browser.all(sessions).await.len(), 1);
        })
        .await;
}

#[tokio::test]
async fn access_is_withdrawn() {
    for kind in Kind::WITH_AND_WITHOUT_SCRIPTS {
        let scene = Scene::start().await;
        kind.browse(async |browser| {
            let request = scene.request(NETHEALTH, "openid patients.read offline_access", &[]);
            browser.open(&request).await;
            browser.signs_in("therapist", "locum").await;
            browser.click("#consent-allow").await;
            let tokens = scene.tokens(NETHEALTH).await;
            let refresh = async |tokens: &serde_json::Value| {
                let refresh_token = tokens["refresh_token"].as_str().unwrap();
                let parameters = [
                    ("grant_type", "refresh_token"),
                    ("refresh_token", refresh_token),
                ];
                scene.token_request(NETHEALTH, &parameters).await
            };
            let (status, tokens) = refresh(&tokens).await;
            assert_eq!(status, 200, "{tokens}");

            browser.open(&scene.url("nethealth", "/account")).await;
            let applications = browser.text("section[aria-labelledby=applications]").await;
            assert!(applications.contains("Web application"), "{applications}");
            assert!(
                applications.contains("Example Wound Care"),
                "{applications}"
            );
            browser
                .click("form[action$='/applications/withdraw'] button")
                .await;
            browser.says("no longer").await;
            assert!(!browser.has("form[action$='/applications/withdraw']").await);

            let (status, answer) = refresh(&tokens).await;
            assert_eq!((status, &answer["error"]), (400, &"invalid_grant".into()));
            browser.open(&request).await;
            browser.find("#consent-allow").await;
        })
        .await;
    }
}

#[tokio::test]
async fn signing_out_there() {
    for kind in Kind::WITH_AND_WITHOUT_SCRIPTS {
        let scene = Scene::start().await;
        kind.browse(async |browser| {
            browser.opens_account(&scene, "locum").await;
            browser.click(".title-row button").await;
            browser.is_at("/nethealth/account/sessions/end").await;
            assert_eq!(browser.text("h1").await, "You are signed out");
            browser.open(&scene.url("nethealth", "/account")).await;
            browser.is_at("/nethealth/sign-in").await;
        })
        .await;
    }
}
