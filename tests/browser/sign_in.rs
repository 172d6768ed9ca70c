//! Signing in.

use fantoccini::key::Key;

use super::relying_party::Heard;
use super::scene::{CLINIC, CLINIC_WEB, MEDBLOCKS, NETHEALTH, PHOTON, Scene, claim};
use crate::support::browser::{Browser, Kind};

#[tokio::test]
async fn with_a_password() {
    for kind in Kind::WITH_AND_WITHOUT_SCRIPTS {
        let scene = Scene::start().await;
        kind.browse(async |browser| {
            let request = scene.request(CLINIC_WEB, "openid patients:read", &[]);
            browser.open(&request).await;
            browser.signs_in("doctor", "locum").await;
            browser.click("#consent-allow").await;
            let tokens = scene.tokens(CLINIC_WEB).await;
            assert_eq!(tokens["scope"], "openid patients:read");
            assert_eq!(claim(&tokens, "id_token", "nonce"), "a-nonce-of-its-own");
        })
        .await;
    }
}

#[tokio::test]
async fn with_one_click_in_development() {
    for kind in Kind::WITH_AND_WITHOUT_SCRIPTS {
        let scene = Scene::start().await;
        kind.browse(async |browser| {
            browser
                .open(&scene.request(NETHEALTH, "openid patients.read", &[]))
                .await;
            assert_eq!(browser.text("#demo-title").await, "Development only");
            browser.signs_in_as_demo_user("therapist").await;
            browser.click("#consent-allow").await;
            let tokens = scene.tokens(NETHEALTH).await;
            assert!(tokens["access_token"].is_string());
        })
        .await;
    }
}

/// The clients of vendors whose applications are the issuer's own go straight back.
#[tokio::test]
async fn at_an_issuer_whose_clients_need_not_ask() {
    let scene = Scene::start().await;
    let audience = [("audience", "https://api.neutron.health")];
    for (username, permissions) in [
        ("provider", "write:prescription"),
        ("staff", "read:prescription"),
    ] {
        Kind::DESKTOP
            .browse(async |browser| {
                let scope = "openid read:prescription write:prescription";
                browser.open(&scene.request(PHOTON, scope, &audience)).await;
                browser.signs_in_as_demo_user(username).await;
                let tokens = scene.tokens(PHOTON).await;
                let granted = claim(&tokens, "access_token", "permissions").to_string();
                assert!(granted.contains(permissions), "{granted}");
                let may_prescribe = granted.contains("write:prescription");
                assert_eq!(may_prescribe, username == "provider", "{granted}");
            })
            .await;
    }
}

#[tokio::test]
async fn by_either_of_the_paths_a_guide_names() {
    let scene = Scene::start().await;
    Kind::DESKTOP
        .browse(async |browser| {
            for path in ["/oauth2/auth", "/oauth2/authorize"] {
                let application = MEDBLOCKS.authorizing_at(path);
                browser
                    .open(&scene.request(application, "patient/*.read", &[("prompt", "login")]))
                    .await;
                browser.signs_in("clinician", "locum").await;
                browser.arrives_or_allows(&scene).await;
                let tokens = scene.tokens(application).await;
                assert_eq!(tokens["token_type"], "bearer");
            }
        })
        .await;
}

impl Browser {
    /// Allows, if asked.
    async fn arrives_or_allows(&self, scene: &Scene) {
        let page = self.find("#consent-allow, #application").await;
        if page.attr("id").await.unwrap().as_deref() == Some("consent-allow") {
            page.click().await.unwrap();
        }
        self.has_arrived(scene).await;
    }
}

#[tokio::test]
async fn a_wrong_password_keeps_the_username() {
    for kind in Kind::WITH_AND_WITHOUT_SCRIPTS {
        let scene = Scene::start().await;
        kind.browse(async |browser| {
            browser.open(&scene.request(NETHEALTH, "openid", &[])).await;
            browser.has_focus("#username").await;
            browser.click("#remember").await;
            browser.signs_in("therapist", "wrong").await;

            // A screen reader says it at once, and again at the field, where the focus is.
            let problem = browser.text("[role=alert]#problem").await;
            assert!(problem.contains("don’t match"), "{problem}");
            assert_eq!(browser.value("#username").await, "therapist");
            assert_eq!(browser.value("#password").await, "");
            assert!(browser.is_ticked("#remember").await);
            assert!(
                browser
                    .has("#password[aria-invalid=true][aria-describedby=problem]")
                    .await
            );
            browser.has_focus("#password").await;

            browser.type_in("locum").await;
            browser.press(&[Key::Enter]).await;
            browser.click("#consent-allow").await;
            scene.tokens(NETHEALTH).await;
        })
        .await;
    }
}

#[tokio::test]
async fn nothing_typed_is_said_at_the_field() {
    let scene = Scene::start().await;
    Kind::DESKTOP
        .browse(async |browser| {
            browser.open(&scene.request(NETHEALTH, "openid", &[])).await;
            browser.click("#sign-in").await;
            assert_eq!(browser.text("#problem").await, "Enter your username.");
            browser.has_focus("#username[aria-invalid=true]").await;
            browser.fill("#username", "therapist").await;
            browser.click("#sign-in").await;
            assert_eq!(browser.text("#problem").await, "Enter your password.");
            browser.has_focus("#password[aria-invalid=true]").await;
        })
        .await;
}

#[tokio::test]
async fn who_is_signed_in_is_not_asked_again() {
    let scene = Scene::start().await;
    Kind::DESKTOP
        .browse(async |browser| {
            let request = scene.request(CLINIC, "openid", &[]);
            browser.open(&request).await;
            browser.signs_in("receptionist", "locum").await;
            browser.click("#consent-allow").await;
            let first = scene.tokens(CLINIC).await;
            browser.open(&request).await;
            let second = scene.tokens(CLINIC).await;
            for name in ["sub", "sid", "auth_time"] {
                let [first, second] = [&first, &second].map(|of| claim(of, "id_token", name));
                assert_eq!(first, second, "{name}");
            }
        })
        .await;
}

/// `prompt=login`: the password once more, for the same person.
#[tokio::test]
async fn again_when_the_application_asks() {
    for kind in Kind::WITH_AND_WITHOUT_SCRIPTS {
        let (scene, clock) = Scene::with_clock().await;
        kind.browse(async |browser| {
            browser.open(&scene.request(CLINIC, "openid", &[])).await;
            browser.signs_in("receptionist", "locum").await;
            browser.click("#consent-allow").await;
            let first = scene.tokens(CLINIC).await;

            clock.advance(std::time::Duration::from_secs(100));
            let again = scene.request(CLINIC, "openid", &[("prompt", "login")]);
            browser.open(&again).await;
            assert_eq!(browser.text("h1").await, "Confirm it’s you");
            assert_eq!(browser.value("#username").await, "receptionist");
            browser.has_focus("#password").await;
            browser.fill("#password", "locum").await;
            browser.click("#sign-in").await;
            let second = scene.tokens(CLINIC).await;
            let [first, second] =
                [&first, &second].map(|of| claim(of, "id_token", "auth_time").as_i64().unwrap());
            assert_eq!(first + 100, second);
        })
        .await;
    }
}

#[tokio::test]
async fn as_one_of_two_people() {
    for kind in Kind::WITH_AND_WITHOUT_SCRIPTS {
        let scene = Scene::start().await;
        let choose = scene.request(CLINIC, "openid", &[("prompt", "select_account")]);
        let who = async || {
            let tokens = scene.tokens(CLINIC).await;
            let access_token = tokens["access_token"].as_str().unwrap().to_owned();
            let userinfo = scene.url("clinic", "/oauth2/userinfo");
            let answer = reqwest::Client::new()
                .get(userinfo)
                .bearer_auth(access_token);
            let claims: serde_json::Value = answer.send().await.unwrap().json().await.unwrap();
            claims["sub"].as_str().unwrap().to_owned()
        };
        kind.browse(async |browser| {
            browser.open(&scene.request(CLINIC, "openid", &[])).await;
            browser.signs_in_as_demo_user("receptionist").await;
            browser.click("#consent-allow").await;
            let receptionist = who().await;

            browser.open(&choose).await;
            browser.click("button[name=account][value=other]").await;
            browser.is_at("/clinic/sign-in").await;
            browser.signs_in("doctor", "locum").await;
            browser.click("#consent-allow").await;
            let doctor = who().await;
            assert_ne!(doctor, receptionist);

            for (name, sub) in [("Rae", &receptionist), ("Dolores", &doctor)] {
                browser.open(&choose).await;
                browser.find("button[name=account]").await;
                assert_eq!(browser.all("button[name=account]").await.len(), 3);
                let mut chosen = false;
                for button in browser.all("button[name=account]").await {
                    if button.text().await.unwrap().contains(name) {
                        button.click().await.unwrap();
                        chosen = true;
                        break;
                    }
                }
                assert!(chosen, "{name}");
                assert_eq!(who().await, *sub);
            }
        })
        .await;
    }
}

/// The response is a form that sends itself; without scripts, by a button.
#[tokio::test]
async fn with_an_answer_by_form() {
    for kind in Kind::WITH_AND_WITHOUT_SCRIPTS {
        let scene = Scene::start().await;
        kind.browse(async |browser| {
            let by_form = [("response_mode", "form_post")];
            browser
                .open(&scene.request(CLINIC, "openid", &by_form))
                .await;
            browser.signs_in("receptionist", "locum").await;
            browser.click("#consent-allow").await;
            if !kind.scripts {
                assert_eq!(scene.application.count("/callback"), 0);
                browser.click("#form-post button").await;
            }
            browser.has_arrived(&scene).await;
            let heard: Heard = scene.application.answer().await;
            assert_eq!(heard.method, "POST");
            assert_eq!(heard.get("state"), "a-state-of-its-own");
            scene.redeem(CLINIC, heard.get("code")).await;
        })
        .await;
    }
}

#[tokio::test]
async fn in_spanish() {
    let scene = Scene::start().await;
    let plain = scene.request(NETHEALTH, "openid email", &[]);
    let asked = scene.request(NETHEALTH, "openid email", &[("ui_locales", "es-MX es")]);
    for (kind, request) in [
        (Kind::DESKTOP.speaking("es"), &plain),
        (Kind::DESKTOP, &asked),
    ] {
        kind.browse(async |browser| {
            browser.open(request).await;
            assert!(browser.has("html[lang=es]").await);
            assert_eq!(browser.text("#sign-in").await, "Iniciar sesión");
            browser.signs_in("therapist", "wrong").await;
            browser.find("#problem").await;
            assert!(browser.has("html[lang=es]").await);
        })
        .await;
    }
    // What the application asks for counts for more than the browser's preference, and that for
    // more than what is known of the person.
    Kind::DESKTOP
        .browse(async |browser| {
            browser.open(&asked).await;
            browser.signs_in("therapist", "locum").await;
            browser.find("#consent-allow").await;
            assert!(browser.has("html[lang=es]").await);
            browser.open(&plain).await;
            browser.find("#consent-allow").await;
            assert!(browser.has("html[lang=en]").await);
        })
        .await;
}

#[tokio::test]
async fn once_though_the_button_is_pressed_twice() {
    for kind in Kind::WITH_AND_WITHOUT_SCRIPTS {
        let scene = Scene::start().await;
        kind.browse(async |browser| {
            browser.open(&scene.request(NETHEALTH, "openid", &[])).await;
            browser.fill("#username", "therapist").await;
            browser.fill("#password", "locum").await;
            browser.double_click("#sign-in").await;
            browser.find("#consent-allow").await;
            browser.double_click("#consent-allow").await;
            browser.has_arrived(&scene).await;
            scene.tokens(NETHEALTH).await;
        })
        .await;
    }
}

#[tokio::test]
async fn and_going_back() {
    for kind in Kind::WITH_AND_WITHOUT_SCRIPTS {
        let scene = Scene::start().await;
        kind.browse(async |browser| {
            browser.open(&scene.request(NETHEALTH, "openid", &[])).await;
            browser.signs_in("therapist", "locum").await;
            browser.find("#consent-allow").await;

            // Back to the sign-in page, which is done with: it leads on again.
            browser.back().await;
            browser.find("#consent-allow, #sign-in").await;
            if browser.has("#sign-in").await {
                browser.signs_in("therapist", "locum").await;
            }
            browser.click("#consent-allow").await;
            browser.has_arrived(&scene).await;
            scene.tokens(NETHEALTH).await;

            // Back to the consent page, which is answered: the application hears once more.
            browser.back().await;
            let page = browser.find("#consent-allow, #application").await;
            if page.attr("id").await.unwrap().as_deref() == Some("consent-allow") {
                page.click().await.unwrap();
            }
            browser.has_arrived(&scene).await;
            scene.tokens(NETHEALTH).await;
        })
        .await;
    }
}

#[tokio::test]
async fn on_a_page_that_is_too_old() {
    for kind in Kind::WITH_AND_WITHOUT_SCRIPTS {
        let (scene, clock) = Scene::with_clock().await;
        kind.browse(async |browser| {
            browser.open(&scene.request(NETHEALTH, "openid", &[])).await;
            browser.find("#sign-in").await;
            clock.advance(std::time::Duration::from_secs(24 * 3600));
            browser.signs_in("therapist", "locum").await;
            browser.says_to_start_again().await;

            browser.open(&scene.request(NETHEALTH, "openid", &[])).await;
            browser.signs_in("therapist", "locum").await;
            browser.find("#consent-allow").await;
            clock.advance(std::time::Duration::from_secs(24 * 3600));
            browser.click("#consent-allow").await;
            browser.says_to_start_again().await;
            assert_eq!(scene.application.count("/callback"), 0);
        })
        .await;
    }
}

#[tokio::test]
async fn with_a_ticket_of_another_server_or_issuer() {
    let (scene, other) = (Scene::start().await, Scene::start().await);
    Kind::DESKTOP
        .browse(async |browser| {
            browser.open(&other.request(NETHEALTH, "openid", &[])).await;
            let ticket = browser.value("input[name=ticket]").await;
            let here = scene.url("clinic", &format!("/sign-in?ticket={ticket}"));
            let there = scene.url("nethealth", "/sign-in?ticket=nonsense");
            for url in [here, there] {
                browser.open(&url).await;
                browser.says_to_start_again().await;
            }
        })
        .await;
}

/// A page of one browser is worth nothing in another, nor where cookies have been cleared.
#[tokio::test]
async fn without_the_cookie_that_the_page_came_with() {
    let scene = Scene::start().await;
    Kind::DESKTOP
        .browse(async |browser| {
            browser.open(&scene.request(NETHEALTH, "openid", &[])).await;
            browser.find("#sign-in").await;
            browser.forgets_cookies().await;
            browser.signs_in("therapist", "locum").await;
            browser.says_to_start_again().await;
        })
        .await;
}

impl Browser {
    async fn says_to_start_again(&self) {
        assert_eq!(self.text("#error-code").await, "invalid_request");
        assert_eq!(self.text("h1").await, "This page is too old");
        let advice = self.text(".advice").await;
        assert!(advice.contains("start again"), "{advice}");
    }
}
