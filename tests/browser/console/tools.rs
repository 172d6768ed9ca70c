//! The audit log, the token inspector, and trying flows.

use std::time::Duration;

use super::{Console, with_and_without_scripts};
use crate::browser::scene::{CLINIC, Scene};
use crate::support::browser::{Browser, Kind};
use crate::support::http::{Answer, Peer, Request};
use crate::support::servers::Vendor;

impl Console<'_> {
    /// What a link leads to that the browser would save.
    async fn download(&self, words: &str) -> Answer {
        let link = self.named("main .actions a", words).await;
        let path = link.attr("href").await.unwrap().unwrap();
        let cookies = self.browser.cookies().await;
        let cookies: Vec<String> = cookies
            .iter()
            .map(|cookie| format!("{}={}", cookie.name(), cookie.value()))
            .collect();
        let request = Request::get(&path).header("Cookie", cookies.join("; "));
        Peer::at(self.scene.locum.url()).send(request).await
    }

    async fn inspects(&self, token: &str) -> String {
        self.browser.sets("#token", token).await;
        self.press("Inspect").await;
        self.browser.find(".verdicts").await;
        self.content().await
    }
}

#[tokio::test]
async fn the_audit_log_is_searched_and_taken_away() {
    with_and_without_scripts(async |browser, scene| {
        browser.open(&scene.url("clinic", "/account")).await;
        browser.signs_in("doctor", "wrong").await;
        browser.find("#problem").await;
        browser.fill("#password", "locum").await;
        browser.click("#sign-in").await;
        browser.is_at("/clinic/account").await;

        let console = Console::enter(browser, scene, "admin").await;
        console.open_at("clinic", "/new-client?kind=machine").await;
        console.fill("#client_name", "=cmd|' /C calc'!A0").await;
        console.submit().await;
        browser.find("#client-secret").await;

        console.open_at("clinic", "/audit").await;
        assert_eq!(browser.all("tbody tr").await.len(), 4);
        browser.click("#outcome option[value=failed]").await;
        console.press("Search").await;
        browser
            .arrives("the failures", |url| {
                url.query().is_some_and(|q| q.contains("outcome=failed"))
            })
            .await;
        let rows = browser.texts("tbody tr").await;
        assert_eq!(rows.len(), 1, "{rows:?}");
        assert!(
            rows[0].contains("doctor") && rows[0].contains("failed"),
            "{rows:?}"
        );
        let csv = console.download("CSV").await;
        assert_eq!(
            csv.is(200).header("content-type"),
            Some("text/csv; charset=utf-8")
        );
        let disposition = csv.header("content-disposition").unwrap();
        assert!(disposition.starts_with("attachment"), "{disposition}");
        assert_eq!(csv.body.trim_end().lines().count(), 2, "{csv}");

        console.follow("Clear").await;
        console.fill("#q", "cmd").await;
        console.press("Search").await;
        browser
            .arrives("what was searched", |url| {
                url.query().is_some_and(|q| q.contains("q=cmd"))
            })
            .await;
        assert_eq!(browser.all("tbody tr").await.len(), 1);
        browser.click("tbody summary").await;
        assert!(browser.text("tbody dl").await.contains("client.created"));
        // A spreadsheet takes it for text.
        let csv = console.download("CSV").await;
        assert!(csv.body.contains("'=cmd"), "{csv}");
        let json = console.download("JSON").await;
        let event: serde_json::Value = json
            .is(200)
            .body
            .lines()
            .next()
            .map(|line| serde_json::from_str(line).unwrap_or_else(|_| json.json()))
            .unwrap();
        assert!(event.to_string().contains("=cmd"), "{event}");

        console.fill("#q", "nothing like it").await;
        console.press("Search").await;
        console.follow("Show everything").await;
        assert_eq!(browser.all("tbody tr").await.len(), 4);
        // And what administrators do with the console itself.
        console.open("/administrators/audit?group=user").await;
        let rows = browser.texts("tbody tr").await;
        assert!(
            rows[0].contains("Sign-in") && rows[0].contains("admin"),
            "{rows:?}"
        );
        let csv = console.download("CSV").await;
        assert!(csv.is(200).body.contains("user.signed_in"), "{csv}");
    })
    .await;
}

#[tokio::test]
async fn the_inspector_says_why_a_token_fails() {
    let (scene, clock) = Scene::with_clock().await;
    Kind::DESKTOP
        .browse(async |browser| {
            let peer = Peer::at(scene.locum.url());
            let good = Vendor::of("clinic").token(&peer).await;
            let console = Console::enter(browser, &scene, "auditor").await;
            console.open_at("clinic", "/inspector").await;

            let words = console.inspects(&good).await;
            assert!(words.contains("It works."), "{words}");
            assert!(words.contains("clinic-machine"), "{words}");
            // As it stands in a header.
            let words = console.inspects(&format!("Bearer {good}")).await;
            assert!(words.contains("It works."), "{words}");

            let mut parts: Vec<String> = good.split('.').map(str::to_owned).collect();
            parts[1] = "eyJpc3MiOiJoZXJlIiwic3ViIjoiPGI-bWU8L2I-In0".to_owned();
            let words = console.inspects(&parts.join(".")).await;
            assert!(words.contains("altered"), "{words}");
            assert!(words.contains("<b>me</b>"), "{words}");

            let foreign = Vendor::of("nethealth").token(&peer).await;
            let words = console.inspects(&foreign).await;
            assert!(words.contains("signed elsewhere"), "{words}");
            assert!(words.contains("/nethealth"), "{words}");

            for garbage in [
                "nonsense",
                "a.b.c",
                "....",
                "🦷",
                "<script>alert(1)</script>",
                "eyJhbGciOiJub25lIn0.e30.",
            ] {
                let words = console.inspects(garbage).await;
                assert!(!words.contains("It works."), "{garbage}: {words}");
                browser.find(".alert[role=status]").await;
            }

            clock.advance(Duration::from_secs(2 * 3600));
            let expired = good;
            let console = Console::enter_again(browser, &scene, "auditor").await;
            console.open_at("clinic", "/inspector").await;
            let words = console.inspects(&expired).await;
            assert!(words.contains("It expired 60 minutes ago."), "{words}");
            assert!(!words.contains("It works."), "{words}");
        })
        .await;
}

#[tokio::test]
async fn the_inspector_knows_tokens_that_say_nothing() {
    let scene = Scene::start().await;
    Kind::DESKTOP
        .browse(async |browser| {
            let scope = "openid offline_access patients:read";
            browser.open(&scene.request(CLINIC, scope, &[])).await;
            browser.signs_in("doctor", "locum").await;
            browser.click("#consent-allow").await;
            let tokens = scene.tokens(CLINIC).await;
            let token = |name: &str| tokens[name].as_str().unwrap().to_owned();
            let console = Console::enter(browser, &scene, "auditor").await;
            console.open_at("clinic", "/inspector").await;
            let words = console.inspects(&token("refresh_token")).await;
            assert!(words.contains("A refresh token"), "{words}");
            assert!(words.contains("It works."), "{words}");
            let words = console.inspects(&token("id_token")).await;
            assert!(words.contains("ID token"), "{words}");
            let words = console.inspects(&token("access_token")).await;
            assert!(words.contains("It works."), "{words}");
            // Another issuer knows nothing of it.
            console.open_at("photon", "/inspector").await;
            let words = console.inspects(&token("refresh_token")).await;
            assert!(words.contains("never issued"), "{words}");
        })
        .await;
}

impl<'a> Console<'a> {
    /// For whoever may have been signed out by the time that has passed.
    async fn enter_again(browser: &'a Browser, scene: &'a Scene, username: &str) -> Self {
        let console = Self { browser, scene };
        console.open("").await;
        browser.find("#username, body.console").await;
        if browser.has("#username").await {
            browser.signs_in(username, "locum").await;
        }
        browser.find("body.console").await;
        console
    }
}

#[tokio::test]
async fn a_machine_is_tried() {
    with_and_without_scripts(async |browser, scene| {
        let console = Console::enter(browser, scene, "auditor").await;
        console.open_at("photon", "/try-it").await;
        browser.click("#client_id option[value=photon-m2m]").await;
        console.submit().await;
        browser.find("#client_secret-problem").await;
        assert_eq!(browser.value("#client_id").await, "photon-m2m");
        console.fill("#client_secret", "wrong").await;
        console
            .fill("#audience", "https://api.neutron.health")
            .await;
        console.submit().await;
        let refused = browser.text(".exchanges").await;
        assert!(refused.contains("access_denied"), "{refused}");
        assert!(!refused.contains("wrong"), "{refused}");
        console.follow("Start again").await;
        browser.click("#client_id option[value=photon-m2m]").await;
        console.fill("#client_secret", "photon-m2m-secret").await;
        console
            .fill("#audience", "https://api.neutron.health")
            .await;
        console.submit().await;
        let page = browser.text(".exchanges").await;
        assert!(
            page.contains("200 OK") && page.contains("access_token"),
            "{page}"
        );
        assert!(!browser.source().await.contains("photon-m2m-secret"));
        console.press("Call the sample API").await;
        browser.find(".exchanges li:nth-child(2)").await;
        assert!(
            browser
                .text(".exchanges li:nth-child(2)")
                .await
                .contains("pat_demo")
        );
    })
    .await;
}

/// As a person: to the end, with UserInfo and fresh tokens.
#[tokio::test]
async fn a_sign_in_is_tried() {
    with_and_without_scripts(async |browser, scene| {
        let console = Console::enter(browser, scene, "manager").await;
        console
            .open_at("clinic", "/try-it?client_id=clinic-web")
            .await;
        assert_eq!(browser.value("#client_id").await, "clinic-web");
        console.fill("#client_secret", "clinic-web-secret").await;
        console.click("#grant_type-authorization_code").await;
        console
            .fill("#scope", "openid profile offline_access patients:read")
            .await;
        console.submit().await;
        console.follow("Go to sign in").await;
        browser.signs_in("doctor", "locum").await;
        browser.click("#consent-allow").await;
        browser.is_at("/try-it").await;
        assert!(console.content().await.contains("The answer comes back"));
        for (step, part) in [
            ("Exchange the code", "id_token"),
            ("Call UserInfo", "Dolores"),
            ("Call the sample API", "Demo Patient"),
            ("Refresh", "refresh_token"),
            ("Call UserInfo", "Dolores"),
        ] {
            let number = browser.all(".exchanges > li").await.len() + 1;
            console.press(step).await;
            let exchange = format!(".exchanges > li:nth-child({number})");
            let words = browser.text(&exchange).await;
            assert!(
                words.contains("200 OK") && words.contains(part),
                "{step}: {words}"
            );
            assert!(
                !browser.source().await.contains("clinic-web-secret"),
                "{step}"
            );
        }
    })
    .await;
}

#[tokio::test]
async fn a_refused_sign_in_is_explained() {
    let scene = Scene::start().await;
    Kind::DESKTOP
        .browse(async |browser| {
            let console = Console::enter(browser, &scene, "admin").await;
            for (issuer, client) in [
                ("nethealth", "nethealth-native"),
                ("medblocks", "medblocks-spa"),
            ] {
                console.open_at(issuer, "/try-it").await;
                browser
                    .click(&format!("#client_id option[value={client}]"))
                    .await;
                console.click("#grant_type-authorization_code").await;
                console.fill("#scope", "openid").await;
                console.submit().await;
                console.follow("Go to sign in").await;
                let user = if issuer == "medblocks" {
                    "clinician"
                } else {
                    "therapist"
                };
                browser.signs_in(user, "locum").await;
                browser.click("#consent-deny").await;
                browser.is_at("/try-it").await;
                let words = console.content().await;
                assert!(words.contains("access_denied"), "{words}");
                assert!(!words.contains("Exchange the code"), "{words}");
            }
            // What was not sealed here is not opened.
            console
                .open_at("clinic", "/try-it?state=AAAA&code=stolen")
                .await;
            assert!(console.content().await.contains("too old"));
        })
        .await;
}
