//! Nobody is shown a button that they may not use.

use super::Console;
use crate::browser::scene::Scene;
use crate::support::browser::Kind;

/// Pages with something on them that only some may change.
const PAGES: [&str; 14] = [
    "/issuers",
    "/issuers/clinic",
    "/issuers/clinic/clients",
    "/issuers/clinic/clients/clinic-web",
    "/issuers/clinic/registration",
    "/issuers/clinic/apis",
    "/issuers/clinic/roles",
    "/issuers/clinic/roles/doctor",
    "/issuers/clinic/users",
    "/issuers/clinic/sessions",
    "/issuers/clinic/keys",
    "/issuers/clinic/settings",
    "/issuers/clinic/audit",
    "/issuers/clinic/dialect",
];

/// Where the links and forms of a page lead that change something.
async fn ways_to_change(console: &Console<'_>) -> Vec<String> {
    let mut ways = Vec::new();
    for (css, attribute) in [("main a", "href"), ("main form[method=post]", "action")] {
        for element in console.browser.all(css).await {
            let to = element.attr(attribute).await.unwrap().unwrap_or_default();
            let path = to.split('?').next().unwrap_or_default();
            let changes = attribute == "action"
                || path.contains("/new-")
                || path.contains("/rotate-")
                || path.ends_with("/edit")
                || path.ends_with("/delete")
                || path.ends_with("/block")
                || path.ends_with("/disable")
                || path.ends_with("/end")
                || path.ends_with("/end-sessions")
                || path.ends_with("/withdraw");
            let has_button = attribute == "href"
                || !console
                    .browser
                    .all(&format!("form[action='{to}'] button[type=submit]"))
                    .await
                    .is_empty();
            if changes && has_button {
                ways.push(to);
            }
        }
    }
    ways
}

#[tokio::test]
async fn an_auditor_is_shown_no_way_to_change_anything() {
    let scene = Scene::start().await;
    Kind::DESKTOP
        .browse(async |browser| {
            let console = Console::enter(browser, &scene, "auditor").await;
            for page in PAGES
                .iter()
                .chain(&["/administrators", "/administrators/audit", "/audit"])
            {
                console.open(page).await;
                assert!(!browser.has("main > .question").await, "{page}");
                let ways = ways_to_change(&console).await;
                assert!(ways.is_empty(), "{page}: {ways:?}");
            }
            console.open_at("clinic", "/users").await;
            console.follow("Dr. Dolores Doctor").await;
            assert_eq!(ways_to_change(&console).await, [""; 0]);
        })
        .await;
}

/// Whatever a manager is shown, a manager may do.
#[tokio::test]
async fn a_manager_may_follow_every_link() {
    let scene = Scene::start().await;
    Kind::DESKTOP
        .browse(async |browser| {
            let console = Console::enter(browser, &scene, "manager").await;
            let mut followed = 0;
            for page in PAGES {
                console.open(page).await;
                for way in ways_to_change(&console).await {
                    if way.contains("/sign-out") {
                        continue;
                    }
                    browser.open(&format!("{}{way}", scene.locum.url())).await;
                    let refused = console.content().await;
                    assert!(!refused.contains("This needs"), "{way}: {refused}");
                    followed += 1;
                }
            }
            assert!(followed >= 4, "{followed}");
            for page in [
                "/issuers/clinic/apis",
                "/issuers/clinic/keys",
                "/issuers/clinic/roles",
                "/issuers/clinic/settings",
            ] {
                console.open(page).await;
                let ways = ways_to_change(&console).await;
                assert!(ways.is_empty(), "{page}: {ways:?}");
            }
        })
        .await;
}
