//! Users, what their roles let them, their sessions, and administrators.

use super::{Console, with_and_without_scripts};
use crate::browser::scene::{CLINIC, PHOTON, Scene, claim};
use crate::support::browser::{Browser, Kind};
use crate::support::http::Peer;
use crate::support::user::Person;

const PASSWORD: &str = "a lantern over four hills";

impl Console<'_> {
    /// The box of a role, in the form of a user.
    async fn ticks(&self, role: &str) {
        self.click(&format!("input[name=role][value='{role}']"))
            .await;
    }

    /// Chooses the password that a link is for.
    async fn follows_the_link(&self) {
        let link = self.browser.text("#one-time-link").await;
        self.browser.open(&link).await;
        self.browser.fill("#new_password", PASSWORD).await;
        self.browser.fill("#repeated_password", PASSWORD).await;
        self.goes("#set-password").await;
        self.browser
            .arrives("the page after it", |url| {
                !url.path().ends_with("/set-password")
            })
            .await;
        // Whoever opens it later comes too late.
        self.browser.open(&link).await;
        assert!(!self.browser.has("#new_password").await);
    }
}

/// What somebody's next token for Photon's API allows.
async fn permissions(browser: &Browser, scene: &Scene) -> Vec<String> {
    let audience = [
        ("audience", "https://api.neutron.health"),
        ("prompt", "login"),
    ];
    let scope = "openid read:prescription write:prescription";
    browser.open(&scene.request(PHOTON, scope, &audience)).await;
    browser.signs_in("provider", "locum").await;
    browser.has_arrived(scene).await;
    let tokens = scene.tokens(PHOTON).await;
    let permissions = claim(&tokens, "access_token", "permissions");
    let permissions = permissions.as_array().cloned().unwrap_or_default();
    permissions
        .iter()
        .map(|permission| permission.as_str().unwrap().to_owned())
        .collect()
}

#[tokio::test]
async fn roles_decide_who_prescribes() {
    let scene = Scene::start().await;
    Kind::DESKTOP
        .browse(async |browser| {
            let prescribe = "write:prescription".to_owned();
            let before = permissions(browser, &scene).await;
            assert!(before.contains(&prescribe), "{before:?}");

            let console = Console::enter(browser, &scene, "manager").await;
            console.open_at("photon", "/users").await;
            console.follow("Dr. Petra Provider").await;
            console.follow("Edit").await;
            assert!(browser.is_ticked("input[name=role][value=provider]").await);
            console.ticks("provider").await;
            console.ticks("staff").await;
            console.submit().await;
            console.says("Saved").await;
            let after = permissions(browser, &scene).await;
            assert!(!after.contains(&prescribe), "{after:?}");
            assert!(after.contains(&"read:prescription".to_owned()), "{after:?}");

            // And back again, by giving it to the role they have.
            console.open("").await;
            console.leave().await;
            let console = Console::enter(browser, &scene, "admin").await;
            console.open_at("photon", "/roles/staff/edit").await;
            for scope in browser
                .all("input[name=scope][value$='write:prescription']")
                .await
            {
                scope.click().await.unwrap();
            }
            console.submit().await;
            console.says("Saved").await;
            let again = permissions(browser, &scene).await;
            assert!(again.contains(&prescribe), "{again:?}");
        })
        .await;
}

#[tokio::test]
async fn somebody_is_added_and_chooses_a_password() {
    with_and_without_scripts(async |browser, scene| {
        let console = Console::enter(browser, scene, "manager").await;
        console.open_at("clinic", "/users").await;
        console.follow("Add a user").await;
        console.fill("#username", "doctor").await;
        console.fill("#name", "Nadia Nurse").await;
        console.fill("#email", "nadia@").await;
        console.ticks("receptionist").await;
        console.submit().await;
        browser.find("#email[aria-invalid=true]").await;
        assert_eq!(browser.value("#name").await, "Nadia Nurse");
        assert!(
            browser
                .is_ticked("input[name=role][value=receptionist]")
                .await
        );
        console.fill("#email", "nadia@clinic.example").await;
        console.submit().await;
        let taken = browser.text("#username-problem").await;
        assert!(taken.contains("already"), "{taken}");
        console.fill("#username", "nadia").await;
        console.submit().await;

        console.follows_the_link().await;
        browser.open(&scene.url("clinic", "/sign-out")).await;
        if browser.has("#sign-out-confirm").await {
            browser.click("#sign-out-confirm").await;
        }
        browser.open(&scene.url("clinic", "/account")).await;
        browser.signs_in("nadia", PASSWORD).await;
        browser.is_at("/clinic/account").await;
        assert!(browser.text("main").await.contains("Nadia Nurse"));

        console.open_at("clinic", "/users?q=nadia").await;
        let row = browser.text("tbody tr").await;
        assert!(
            row.contains("receptionist") && !row.contains("no password"),
            "{row}"
        );
    })
    .await;
}

#[tokio::test]
async fn whoever_is_blocked_is_signed_out() {
    with_and_without_scripts(async |browser, scene| {
        browser
            .open(&scene.request(CLINIC, "openid offline_access patients:read", &[]))
            .await;
        browser.signs_in("doctor", "locum").await;
        browser.click("#consent-allow").await;
        let tokens = scene.tokens(CLINIC).await;
        let refresh = tokens["refresh_token"].as_str().unwrap();

        let console = Console::enter(browser, scene, "manager").await;
        console.open_at("clinic", "/users").await;
        console.follow("Dr. Dolores Doctor").await;
        console.follow("Block…").await;
        console.confirm().await;
        console.says("blocked").await;
        browser.open(&scene.url("clinic", "/account")).await;
        browser.signs_in("doctor", "locum").await;
        browser.find("#problem").await;
        let request = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
        let (status, refused) = scene.token_request(CLINIC, &request).await;
        assert_eq!((status, &refused["error"]), (400, &"invalid_grant".into()));

        console.open_at("clinic", "/users?state=blocked").await;
        console.follow("Dr. Dolores Doctor").await;
        console.press("Unblock").await;
        console.says("sign in again").await;
        browser.open(&scene.url("clinic", "/account")).await;
        browser.signs_in("doctor", "locum").await;
        browser.is_at("/clinic/account").await;
    })
    .await;
}

#[tokio::test]
async fn somebody_is_deleted() {
    with_and_without_scripts(async |browser, scene| {
        let console = Console::enter(browser, scene, "manager").await;
        console.open_at("clinic", "/users").await;
        console.follow("Rae Receptionist").await;
        console.follow("Delete…").await;
        console.follow("Cancel").await;
        assert_eq!(console.heading().await, "Rae Receptionist");
        console.follow("Delete…").await;
        console.confirm().await;
        console.says("Deleted").await;
        assert_eq!(browser.texts("tbody th a").await, ["Dr. Dolores Doctor"]);
        browser.open(&scene.url("clinic", "/account")).await;
        browser.signs_in("receptionist", "locum").await;
        browser.find("#problem").await;
    })
    .await;
}

#[tokio::test]
async fn a_session_is_ended_and_an_application_loses_its_access() {
    with_and_without_scripts(async |browser, scene| {
        browser
            .open(&scene.request(CLINIC, "openid offline_access patients:read", &[]))
            .await;
        browser.signs_in("doctor", "locum").await;
        browser.click("#consent-allow").await;
        let tokens = scene.tokens(CLINIC).await;
        let refresh = tokens["refresh_token"].as_str().unwrap();

        let console = Console::enter(browser, scene, "manager").await;
        console.open_at("clinic", "/sessions?q=doctor").await;
        console.follow("End…").await;
        let question = console.content().await;
        for part in ["Dr. Dolores Doctor", "signed in since", "Refresh tokens"] {
            assert!(question.contains(part), "{question}");
        }
        console.follow("Cancel").await;
        console.follow("End…").await;
        console.confirm().await;
        console.says("signed out").await;
        let request = [("grant_type", "refresh_token"), ("refresh_token", refresh)];
        let (status, refused) = scene.token_request(CLINIC, &request).await;
        assert_eq!((status, &refused["error"]), (400, &"invalid_grant".into()));
        assert!(console.content().await.contains("Nobody is signed in"));
        browser.open(&scene.url("clinic", "/account")).await;
        browser.find("#sign-in").await;

        console.open_at("clinic", "/users").await;
        console.follow("Dr. Dolores Doctor").await;
        assert!(
            console
                .content()
                .await
                .contains("Clinic single page application")
        );
        console.follow("Withdraw…").await;
        let question = console.content().await;
        for part in ["Dr. Dolores Doctor", "patients:read", "ask again"] {
            assert!(question.contains(part), "{question}");
        }
        console.follow("Cancel").await;
        assert_eq!(console.heading().await, "Dr. Dolores Doctor");
        console.follow("Withdraw…").await;
        console.confirm().await;
        console.says("lost its access").await;
        assert!(!browser.has("a[href*='/withdraw']").await);
        browser
            .open(&scene.request(CLINIC, "openid patients:read", &[]))
            .await;
        browser.signs_in("doctor", "locum").await;
        browser.find("#consent-allow").await;
    })
    .await;
}

#[tokio::test]
async fn somebody_is_signed_out_of_one_browser_and_of_all() {
    with_and_without_scripts(async |browser, scene| {
        let peer = Peer::at(scene.locum.url());
        for _ in 0..3 {
            Person::new(peer, "doctor").sign_in_at("clinic").await;
        }
        let console = Console::enter(browser, scene, "manager").await;
        console.open_at("clinic", "/users").await;
        console.follow("Dr. Dolores Doctor").await;
        console.follow("End…").await;
        console.follow("Cancel").await;
        assert_eq!(console.heading().await, "Dr. Dolores Doctor");
        console.follow("End…").await;
        console.confirm().await;
        console.says("That browser").await;
        let sessions = "section[aria-labelledby=sessions] li";
        assert_eq!(browser.all(sessions).await.len(), 2);

        console.follow("Sign out everywhere…").await;
        let question = console.content().await;
        assert!(question.contains("2 browsers"), "{question}");
        console.follow("Cancel").await;
        assert_eq!(browser.all(sessions).await.len(), 2);
        console.follow("Sign out everywhere…").await;
        console.confirm().await;
        console.says("everywhere").await;
        assert_eq!(browser.all(sessions).await.len(), 0);
    })
    .await;
}

#[tokio::test]
async fn edits_of_somebody_that_conflict_lose_nothing() {
    let scene = Scene::start().await;
    Kind::DESKTOP
        .browse(async |browser| {
            let console = Console::enter(browser, &scene, "manager").await;
            console.open_at("clinic", "/users").await;
            console.follow("Dr. Dolores Doctor").await;
            console.follow("Edit").await;
            let edit = browser.is_at("/edit").await;
            browser
                .in_another_tab(async || {
                    browser.open(edit.as_str()).await;
                    console.fill("#email", "dolores@theirs.example").await;
                    console.submit().await;
                    console.says("Saved").await;
                })
                .await;
            console.fill("#name", "Dr. D. Mine").await;
            console.submit().await;
            let page = console.content().await;
            for part in [
                "dolores@theirs.example",
                "Dr. D. Mine",
                "Dr. Dolores Doctor",
            ] {
                assert!(page.contains(part), "{page}");
            }
            browser.open(edit.as_str()).await;
            assert_eq!(browser.value("#email").await, "dolores@theirs.example");
            assert_eq!(browser.value("#name").await, "Dr. Dolores Doctor");
        })
        .await;
}

#[tokio::test]
async fn the_last_owner_stays() {
    with_and_without_scripts(async |browser, scene| {
        let console = Console::enter(browser, scene, "admin").await;
        console.open("/administrators").await;
        let own = browser.text("tbody tr:has(.badge:not(.quiet))").await;
        assert!(own.contains("the last owner stays"), "{own}");
        browser
            .click("tbody tr:has(.badge:not(.quiet)) a[href$='/edit']")
            .await;
        let edit = browser.is_at("/edit").await;
        console.click("#standing-auditor").await;
        console.submit().await;
        let refused = console.content().await;
        assert!(refused.contains("last"), "{refused}");
        // Nor by an address that no page leads to.
        browser
            .open(&edit.as_str().replace("/edit", "/delete"))
            .await;
        console.confirm().await;
        let refused = console.content().await;
        assert!(refused.contains("last"), "{refused}");
        console.goes(".question a.primary").await;
        browser.is_at("/console/administrators").await;

        // A second owner, once they can sign in, changes that.
        console.follow("Add an administrator").await;
        console.fill("#username", "second").await;
        console.fill("#name", "Second Owner").await;
        console.click("#standing-owner").await;
        console.submit().await;
        browser.find("#one-time-link").await;
        let page = browser.source().await;
        assert!(page.contains("/console/set-password"), "{page}");
        let link = browser.text("#one-time-link").await;
        browser
            .open(&edit.as_str().replace("/edit", "/delete"))
            .await;
        console.confirm().await;
        assert!(console.content().await.contains("last"));
        browser.open(&link).await;
        browser.fill("#new_password", PASSWORD).await;
        browser.fill("#repeated_password", PASSWORD).await;
        console.goes("#set-password").await;
        browser
            .arrives("the page after it", |url| {
                !url.path().ends_with("/set-password")
            })
            .await;
        console.open("/administrators").await;
        if browser.has("#username").await {
            browser.signs_in("second", PASSWORD).await;
        }
        browser.find("body.console").await;
        browser.open(edit.as_str()).await;
        console.click("#standing-auditor").await;
        console.submit().await;
        console.says("Saved").await;
    })
    .await;
}

/// An administrator of one issuer sees that one, and nothing of the server.
#[tokio::test]
async fn an_administrator_of_one_issuer() {
    with_and_without_scripts(async |browser, scene| {
        let console = Console::enter(browser, scene, "admin").await;
        console.open("/new-administrator").await;
        console.fill("#username", "maya").await;
        console.fill("#name", "Maya Manager").await;
        console.click("#standing-manager").await;
        console.click("#reach-some").await;
        console.submit().await;
        assert!(console.content().await.contains("at least one issuer"));
        console.click("input[name=issuer][value=clinic]").await;
        console.submit().await;
        console.follows_the_link().await;
        console.open("").await;
        if !browser.has("#username").await {
            console.leave().await;
            console.open("").await;
        }
        browser.signs_in("maya", PASSWORD).await;
        // There is only one place for them.
        browser.is_at("/console/issuers/clinic").await;
        for (place, is_there) in [
            ("/issuers/clinic/new-client?kind=machine", true),
            ("/issuers/clinic/settings", true),
            ("/issuers/photon", false),
            ("/issuers/photon/clients/photon-m2m", false),
            ("/administrators", false),
            ("/audit", false),
        ] {
            console.open(place).await;
            let has_it = !browser.has("main > .question").await;
            assert_eq!(has_it, is_there, "{place}");
        }
        console.open("/issuers").await;
        assert_eq!(browser.texts(".tiles h2").await, ["Sunrise Clinic (demo)"]);
    })
    .await;
}
