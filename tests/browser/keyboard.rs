//! By keyboard alone, with the focus to be seen at every step.

use fantoccini::key::Key;
use serde_json::Value;

use super::scene::{NETHEALTH, Scene, claim};
use crate::support::browser::{Browser, Kind};

/// Where the focus is, and whether one sees that it is there.
const FOCUS: &str = r#"
const element = document.activeElement;
if (!element || element === document.body) {
    return { there: false };
}
// A link that covers its tile has the tile outlined.
const style = getComputedStyle(element.closest(".tile") ?? element);
const box = element.getBoundingClientRect();
return {
    there: true,
    what: element.outerHTML.slice(0, 120),
    matches: element.matches(arguments[0]),
    outlined: style.outlineStyle !== "none" && parseFloat(style.outlineWidth) >= 2,
    inside: box.top >= 0 && box.left >= 0 && box.bottom <= innerHeight && box.right <= innerWidth,
};
"#;

impl Browser {
    async fn focus(&self, css: &str) -> Value {
        let focus = self.script(FOCUS, vec![css.into()]).await;
        assert_eq!(focus["there"], true, "the focus is nowhere");
        assert_eq!(focus["outlined"], true, "one does not see it: {focus}");
        assert_eq!(focus["inside"], true, "it is out of sight: {focus}");
        focus
    }

    /// Presses Tab until the focus is on what matches.
    pub async fn tabs_to(&self, css: &str) {
        for _ in 0..40 {
            if self.focus(css).await["matches"] == true {
                return;
            }
            self.press(&[Key::Tab]).await;
        }
        panic!("Tab does not lead to {css}");
    }
}

#[tokio::test]
async fn sign_in_and_consent() {
    for kind in [Kind::DESKTOP, Kind::PHONE.dark()] {
        let scene = Scene::start().await;
        kind.browse(async |browser| {
            let scope = "openid profile patients.read patients.write offline_access";
            browser.open(&scene.request(NETHEALTH, scope, &[])).await;
            browser.has_focus("#username").await;
            browser.type_in("therapist").await;
            browser.press(&[Key::Tab]).await;
            browser.has_focus("#password").await;
            browser.type_in("wrong").await;
            browser.press(&[Key::Enter]).await;
            browser.find("#problem").await;
            browser.has_focus("#password").await;
            browser.type_in("locum").await;
            browser.tabs_to("#remember").await;
            browser.type_in(" ").await;
            assert!(browser.is_ticked("#remember").await);
            browser.tabs_to("#sign-in").await;
            browser.press(&[Key::Enter]).await;

            browser.find("#consent-allow").await;
            browser.press(&[Key::Tab]).await;
            browser.tabs_to("input[value='patients.write']").await;
            browser.type_in(" ").await;
            assert!(!browser.is_ticked("input[value='patients.write']").await);
            browser.tabs_to("#consent-allow").await;
            browser.type_in(" ").await;
            browser.has_arrived(&scene).await;
            let tokens = scene.tokens(NETHEALTH).await;
            let scope = claim(&tokens, "access_token", "scope").to_string();
            assert!(!scope.contains("patients.write"), "{scope}");
        })
        .await;
    }
}

/// Every page by Tab from end to end.
#[tokio::test]
async fn every_stop_is_to_be_seen() {
    let scene = Scene::start().await;
    Kind::PHONE
        .browse(async |browser| {
            browser.open(&scene.url("clinic", "/account")).await;
            browser.signs_in("receptionist", "locum").await;
            browser.is_at("/clinic/account").await;
            for page in [
                "/account",
                "/account/profile",
                "/account/password",
                "/sign-out",
            ] {
                browser.open(&scene.url("clinic", page)).await;
                browser.press(&[Key::Tab]).await;
                let last = browser
                    .script(
                        r#"
                        const all = document.querySelectorAll("main :is(a, button, input, select)");
                        const stops = Array.from(all).filter((one) => one.type !== "hidden");
                        stops.at(-1).id = "last-stop";
                        return stops.length;
                        "#,
                        Vec::new(),
                    )
                    .await;
                assert!(last.as_u64().unwrap() >= 2, "{page} has {last} stops");
                browser.tabs_to("#last-stop").await;
            }
        })
        .await;
}
