//! Clients: registered, changed, given new secrets, and deleted.

use std::time::Duration;

use fantoccini::key::Key;
use serde_json::Value;

use super::{Console, with_and_without_scripts};
use crate::browser::scene::{MEDBLOCKS, Scene};
use crate::support::browser::{Browser, Kind};
use crate::support::http::{Peer, Request};
use crate::support::servers::Vendor;

impl Console<'_> {
    /// The client ID and the secret that a page shows this once.
    async fn credentials(&self) -> (String, String) {
        self.browser.find("#client-secret").await;
        let values = self.browser.texts("section.once code").await;
        let [client_id, secret] = &values[..] else {
            panic!("not an ID and a secret: {values:?}");
        };
        (client_id.clone(), secret.clone())
    }

    /// The first of what is ready to paste.
    async fn snippet(&self) -> String {
        self.browser.text("details[open] pre code").await
    }

    /// A secret is on no page of the client's from now on; its ID is.
    async fn shows_only_the_id(&self, issuer: &str, client_id: &str, secret: &str) {
        for page in ["", "/edit", "/rotate-secret", "/delete"] {
            self.open_at(issuer, &format!("/clients/{client_id}{page}"))
                .await;
            let source = self.browser.source().await;
            assert!(!source.contains(secret), "{page} has the secret");
        }
        self.open_at(issuer, &format!("/clients/{client_id}")).await;
        assert_eq!(self.browser.text("#client-id").await, client_id);
        for page in ["/clients", "/audit", "/audit.json", "/audit.csv"] {
            self.open_at(issuer, page).await;
            let source = self.browser.source().await;
            assert!(!source.contains(secret), "{page} has the secret");
        }
    }
}

/// Does what somebody does who pastes a command into a terminal.
async fn run(command: String) -> Value {
    let mut shell = tokio::process::Command::new("sh");
    let output = shell.args(["-c", &format!("{command} --silent --show-error")]);
    let output = output.output().await.unwrap();
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{command}\n{said}");
    serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {:?}", output.stdout))
}

/// What an issuer's sample API says to a token.
async fn is_good_at(scene: &Scene, issuer: &str, tokens: &Value) {
    let token = tokens["access_token"].as_str();
    let token = token.unwrap_or_else(|| panic!("no token: {tokens}"));
    let peer = Peer::at(scene.locum.url());
    peer.send(Vendor::of(issuer).resource_request(token))
        .await
        .is(200);
}

/// Whether a secret of a client gets a token.
async fn works(scene: &Scene, issuer: &str, client_id: &str, secret: &str) -> bool {
    let vendor = Vendor::of(issuer);
    let request = Request::post(&vendor.path(vendor.token_path))
        .basic(client_id, secret)
        .form(format!(
            "grant_type=client_credentials{}",
            vendor.parameters
        ));
    let answer = Peer::at(scene.locum.url()).send(request).await;
    match answer.status {
        200 => true,
        400 | 401 => false,
        _ => panic!("{answer}"),
    }
}

#[tokio::test]
async fn a_backend_client_is_registered() {
    with_and_without_scripts(async |browser, scene| {
        let console = Console::enter(browser, scene, "admin").await;
        console.open_at("medblocks", "/clients").await;
        console.follow("Register a client").await;
        console.follow("Machine").await;
        console.submit().await;
        let problem = browser.text("#client_name-problem").await;
        assert_eq!(problem, "The name is missing.");
        console.fill("#client_name", "Backend client").await;
        console
            .click("input[name=scope][value$='patient/*.read']")
            .await;
        console.submit().await;

        let (client_id, secret) = console.credentials().await;
        let command = console.snippet().await;
        assert!(command.contains(&secret), "{command}");
        is_good_at(scene, "medblocks", &run(command).await).await;

        console.follow("I have copied it").await;
        assert_eq!(console.heading().await, "Backend client");
        console
            .shows_only_the_id("medblocks", &client_id, &secret)
            .await;
    })
    .await;
}

#[tokio::test]
async fn a_single_page_client_is_registered() {
    with_and_without_scripts(async |browser, scene| {
        let console = Console::enter(browser, scene, "admin").await;
        console.open_at("medblocks", "/new-client").await;
        console.follow("Single page").await;
        console.fill("#client_name", "Portal").await;
        console
            .fill("#redirect_uris", &scene.application.callback())
            .await;
        console
            .click("input[name=scope][value$='patient/*.read']")
            .await;
        console.submit().await;
        let values = browser
            .texts("section[aria-labelledby=credentials] code")
            .await;
        let [client_id] = &values[..] else {
            panic!("not an ID alone: {values:?}");
        };
        let portal = MEDBLOCKS.as_client(client_id, None);
        // Nothing of its own is said of how it shows a secret it does not have.
        console.follow("To the client").await;
        console.follow("Edit").await;
        console.submit().await;
        console.says("Saved").await;

        browser
            .open(&scene.request(portal, "openid patient/*.read", &[]))
            .await;
        browser.signs_in("clinician", "locum").await;
        assert!(browser.text("main").await.contains("Portal"));
        browser.click("#consent-allow").await;
        let tokens = scene.tokens(portal).await;
        is_good_at(scene, "medblocks", &tokens).await;
    })
    .await;
}

/// A client that its dialect would otherwise ask for a secret stays as it was registered.
#[tokio::test]
async fn saving_a_client_unchanged_changes_nothing() {
    let scene = Scene::start().await;
    Kind::DESKTOP
        .browse(async |browser| {
            let console = Console::enter(browser, &scene, "admin").await;
            for (issuer, client_id) in [
                ("medblocks", "medblocks-spa"),
                ("medblocks", "admin"),
                ("nethealth", "nethealth-web"),
                ("nethealth", "nethealth-native"),
                ("photon", "photon-m2m"),
                ("photon", "photon-spa"),
                ("pattern", "pattern-backend"),
                ("clinic", "clinic-web"),
            ] {
                let everything = async || {
                    console
                        .open_at(issuer, &format!("/clients/{client_id}"))
                        .await;
                    let mut all = Vec::new();
                    for part in ["#registration", "#redirects", "#apis"] {
                        for section in browser.all(&format!("section:has({part})")).await {
                            all.push(section.html(false).await.unwrap());
                        }
                    }
                    assert!(all.len() >= 2, "{all:?}");
                    all.retain(|part| !part.contains("Last changed"));
                    let list = browser.all("section:has(#registration) details dl").await;
                    for list in list {
                        all.push(list.html(false).await.unwrap());
                    }
                    all
                };
                let before = everything().await;
                console.follow("Edit").await;
                console.submit().await;
                console.says("Saved").await;
                assert_eq!(everything().await, before, "{client_id}");
            }
        })
        .await;
}

#[tokio::test]
async fn photons_machine_client_has_its_command_ready() {
    with_and_without_scripts(async |browser, scene| {
        let console = Console::enter(browser, scene, "admin").await;
        console.open_at("photon", "/clients?kind=machine").await;
        console.follow("Machine to machine").await;
        assert_eq!(browser.text("#client-id").await, "photon-m2m");
        let command = console.snippet().await;
        assert!(command.contains("YOUR_SECRET"), "{command}");
        assert!(command.contains("https://api.neutron.health"), "{command}");
        let command = command.replace("YOUR_SECRET", "photon-m2m-secret");
        is_good_at(scene, "photon", &run(command).await).await;

        console.follow("New secret").await;
        console.submit().await;
        let (_, secret) = console.credentials().await;
        is_good_at(scene, "photon", &run(console.snippet().await).await).await;
        assert!(works(scene, "photon", "photon-m2m", "photon-m2m-secret").await);
        console
            .shows_only_the_id("photon", "photon-m2m", &secret)
            .await;
    })
    .await;
}

/// What everybody's curl command does works with what the page says, at every issuer.
#[tokio::test]
async fn every_machines_command_works() {
    let scene = Scene::start().await;
    Kind::DESKTOP
        .browse(async |browser| {
            let console = Console::enter(browser, &scene, "admin").await;
            for (issuer, client_id) in [
                ("medblocks", "admin"),
                ("medblocks", "medblocks-backend"),
                ("pattern", "pattern-backend"),
                ("nethealth", "nethealth-web"),
                ("clinic", "clinic-machine"),
            ] {
                console
                    .open_at(issuer, &format!("/clients/{client_id}"))
                    .await;
                let command = console.snippet().await;
                let secret = format!("{client_id}-secret");
                let tokens = run(command.replace("YOUR_SECRET", &secret)).await;
                is_good_at(&scene, issuer, &tokens).await;
            }
        })
        .await;
}

#[tokio::test]
async fn a_secret_is_rotated_with_an_overlap() {
    for kind in Kind::WITH_AND_WITHOUT_SCRIPTS {
        let (scene, clock) = Scene::with_clock().await;
        kind.browse(async |browser| {
            let console = Console::enter(browser, &scene, "manager").await;
            let (id, old) = ("pattern-backend", "pattern-backend-secret");
            console.open_at("pattern", &format!("/clients/{id}")).await;
            console.follow("New secret").await;
            console.click("#overlap-3600").await;
            console.submit().await;
            let (client_id, new) = console.credentials().await;
            assert_eq!(client_id, id);
            assert!(works(&scene, "pattern", id, old).await);
            assert!(works(&scene, "pattern", id, &new).await);
            console.shows_only_the_id("pattern", id, &new).await;
            console.open_at("pattern", &format!("/clients/{id}")).await;
            assert!(console.content().await.contains("Previous secret"));

            clock.advance(Duration::from_secs(3601));
            assert!(!works(&scene, "pattern", id, old).await);
            assert!(works(&scene, "pattern", id, &new).await);
        })
        .await;
    }
}

#[tokio::test]
async fn the_secret_before_is_stopped_at_once() {
    let scene = Scene::start().await;
    Kind::DESKTOP
        .browse(async |browser| {
            let console = Console::enter(browser, &scene, "manager").await;
            let (id, old) = ("pattern-backend", "pattern-backend-secret");
            console
                .open_at("pattern", &format!("/clients/{id}/rotate-secret"))
                .await;
            console.submit().await;
            let (_, new) = console.credentials().await;
            console.follow("I have copied it").await;
            console.follow("Stop it now").await;
            console.confirm().await;
            console.says("previous secret").await;
            assert!(!console.content().await.contains("Stop it now"));
            assert!(!works(&scene, "pattern", id, old).await);
            assert!(works(&scene, "pattern", id, &new).await);
        })
        .await;
}

#[tokio::test]
async fn a_client_is_disabled_enabled_and_deleted() {
    with_and_without_scripts(async |browser, scene| {
        let console = Console::enter(browser, scene, "manager").await;
        let id = "clinic-machine";
        let works = async || works(scene, "clinic", id, "clinic-machine-secret").await;
        console.open_at("clinic", "/clients/clinic-machine").await;
        console.follow("Disable…").await;
        console.follow("Cancel").await;
        assert!(works().await);
        console.follow("Disable…").await;
        console.confirm().await;
        console.says("disabled").await;
        assert!(!works().await);
        console.press("Enable").await;
        console.says("enabled again").await;
        assert!(works().await);
        console.follow("Delete…").await;
        assert!(works().await);
        console.confirm().await;
        console.says("Deleted").await;
        assert!(!works().await);
        assert!(
            !browser
                .texts("tbody th")
                .await
                .contains(&"Clinic integration".to_owned())
        );
    })
    .await;
}

/// Two people edit the same client: the second is told what the first did, and undoes nothing.
#[tokio::test]
async fn edits_that_conflict_lose_nothing() {
    with_and_without_scripts(async |browser, scene| {
        let console = Console::enter(browser, scene, "admin").await;
        console.open_at("clinic", "/clients/clinic-web/edit").await;
        browser
            .in_another_tab(async || {
                console.open_at("clinic", "/clients/clinic-web/edit").await;
                console.fill("#client_name", "Theirs").await;
                console.submit().await;
                console.says("Saved").await;
            })
            .await;
        console.fill("#client_name", "Mine").await;
        console.submit().await;
        let row = browser.text("tbody tr").await;
        assert!(row.contains("Mine") && row.contains("Theirs"), "{row}");
        assert_eq!(browser.all("tbody tr").await.len(), 1);
        console.goes(".question a.primary").await;
        assert_eq!(browser.value("#client_name").await, "Theirs");
        console.fill("#client_name", "Ours").await;
        console.submit().await;
        assert_eq!(console.heading().await, "Ours");
    })
    .await;
}

#[tokio::test]
async fn a_stale_confirmation_deletes_nothing() {
    let scene = Scene::start().await;
    Kind::DESKTOP
        .browse(async |browser| {
            let console = Console::enter(browser, &scene, "admin").await;
            console
                .open_at("clinic", "/clients/clinic-web/delete")
                .await;
            browser
                .in_another_tab(async || {
                    console.open_at("clinic", "/clients/clinic-web/edit").await;
                    console.fill("#client_name", "Still wanted").await;
                    console.submit().await;
                    console.says("Saved").await;
                })
                .await;
            console.confirm().await;
            assert!(console.content().await.contains("somebody else"));
            console.open_at("clinic", "/clients/clinic-web").await;
            assert_eq!(console.heading().await, "Still wanted");
        })
        .await;
}

#[tokio::test]
async fn a_client_is_registered_by_keyboard_alone() {
    for kind in [Kind::DESKTOP, Kind::PHONE.dark()] {
        let scene = Scene::start().await;
        kind.browse(async |browser| {
            browser
                .open(&scene.url("console", "/issuers/clinic/clients"))
                .await;
            browser.has_focus("#username").await;
            browser.type_in("manager").await;
            browser.press(&[Key::Tab]).await;
            browser.type_in("locum").await;
            browser.press(&[Key::Enter]).await;
            let console = Console {
                browser,
                scene: &scene,
            };

            browser.find("body.console").await;
            browser.press(&[Key::Tab]).await;
            browser.tabs_to(".skip").await;
            browser.press(&[Key::Enter, Key::Tab]).await;
            browser.tabs_to("main a[href$='/new-client']").await;
            browser.press(&[Key::Enter]).await;
            for step in ["main a[href$='kind=machine']"] {
                browser.find(step).await;
                browser.press(&[Key::Tab, Key::Enter, Key::Tab]).await;
                browser.tabs_to(step).await;
                browser.press(&[Key::Enter]).await;
            }
            browser.find("#client_name").await;
            browser.press(&[Key::Tab, Key::Enter, Key::Tab]).await;
            browser.tabs_to("#client_name").await;
            browser.type_in("By keyboard").await;
            browser
                .tabs_to("input[name=scope][value$='patients:read']")
                .await;
            browser.type_in(" ").await;
            browser.tabs_to("form.sheet button[type=submit]").await;
            browser.press(&[Key::Enter]).await;
            let (client_id, secret) = console.credentials().await;
            assert!(works(&scene, "clinic", &client_id, &secret).await);
        })
        .await;
    }
}

/// Names that would be something else if they were not text.
const NAMES: [&str; 5] = [
    "<img src=x onerror=document.title='broken'>",
    "'\"&amp;</title><script>document.title='broken'</script>",
    "לקוח של המרפאה",
    "عميل 🩺🏥 العيادة",
    "=HYPERLINK(\"http://evil.example\")",
];

#[tokio::test]
async fn names_are_only_ever_text() {
    let scene = Scene::start().await;
    Kind::DESKTOP
        .browse(async |browser| {
            let console = Console::enter(browser, &scene, "admin").await;
            for name in NAMES {
                console.open_at("clinic", "/new-client?kind=spa").await;
                browser.sets("#client_name", name).await;
                console
                    .fill("#redirect_uris", "https://app.example/callback")
                    .await;
                console.submit().await;
                console.follow("To the client").await;
                assert_eq!(console.heading().await, name);
                for page in ["Edit", "Cancel", "Delete…"] {
                    console.follow(page).await;
                    let title = browser.script("return document.title", Vec::new()).await;
                    assert_ne!(title, "broken", "{name}");
                    let images = browser.all("main img, main script").await;
                    assert!(images.is_empty(), "{name}");
                }
                assert!(console.content().await.contains(name), "{name}");
            }
            console.open_at("clinic", "/clients").await;
            let names = browser.texts("tbody th a").await;
            for name in NAMES {
                assert!(names.iter().any(|known| known == name), "{name}: {names:?}");
            }
            for bad in ["tab\there", "\u{202e}gnorw", "   "] {
                console.open_at("clinic", "/new-client?kind=spa").await;
                browser.sets("#client_name", bad).await;
                console
                    .fill("#redirect_uris", "https://app.example/callback")
                    .await;
                console.submit().await;
                browser.find("#client_name[aria-invalid=true]").await;
            }
        })
        .await;
}

impl Browser {
    /// Puts text into a field that no keyboard could type.
    pub async fn sets(&self, css: &str, text: &str) {
        self.find(css).await;
        let script = "document.querySelector(arguments[0]).value = arguments[1]";
        self.script(script, vec![css.into(), text.into()]).await;
    }
}

#[tokio::test]
async fn three_hundred_clients_are_on_pages() {
    let mut config = String::from("[[issuer]]\nname = \"crowd\"\ndialect = \"standard\"\n");
    for number in 0..300 {
        // Names that are all the same, too: the order must not depend on them alone.
        let name = if number % 2 == 0 {
            "Twin".to_owned()
        } else {
            format!("Client {number:03}")
        };
        config.push_str(&format!(
            "[[issuer.client]]\nclient_id = \"crowd-{number}\"\nclient_name = \"{name}\"\nkind = \"spa\"\n"
        ));
    }
    for kind in Kind::WITH_AND_WITHOUT_SCRIPTS {
        let scene = Scene::configured(&config).await;
        kind.browse(async |browser| {
            let console = Console::enter(browser, &scene, "auditor").await;
            console.open_at("crowd", "/clients").await;
            let mut seen = Vec::new();
            for page in 1.. {
                assert!(page <= 6, "no end of pages");
                let ids = browser.texts("tbody td[data-label='Client ID']").await;
                assert_eq!(ids.len(), 50);
                seen.extend(ids);
                if !browser.has("nav.paging a[rel=next]").await {
                    break;
                }
                console.follow("Next").await;
            }
            seen.sort();
            seen.dedup();
            assert_eq!(seen.len(), 300);
            console.follow("To the beginning").await;
            console.fill("#q", "crowd-77").await;
            console.press("Search").await;
            browser
                .arrives("what was searched", |url| {
                    url.query().is_some_and(|q| q.contains("crowd-77"))
                })
                .await;
            assert_eq!(browser.texts("tbody th").await, ["Client 077"]);
        })
        .await;
    }
}

/// A token of the console lets somebody register a client, as often as it says.
#[tokio::test]
async fn others_register_clients_with_a_token() {
    with_and_without_scripts(async |browser, scene| {
        let console = Console::enter(browser, scene, "admin").await;
        console.open_at("clinic", "/settings").await;
        console.click("#registration-guarded").await;
        console.submit().await;
        console.open_at("clinic", "/clients").await;
        console.follow("Self-registration").await;
        console.press("Make a token").await;
        browser.find("#note[aria-invalid=true]").await;
        console.fill("#note", "Example <b>Scheduling</b>").await;
        console.press("Make a token").await;
        let token = browser.text("#initial-access-token").await;
        let endpoint = browser.text("section[aria-labelledby=policy] code").await;
        let register = async || {
            let metadata = serde_json::json!({
                "client_name": "Scheduling",
                "redirect_uris": ["https://scheduling.example/callback"],
            });
            let request = reqwest::Client::new().post(&endpoint).bearer_auth(&token);
            request
                .json(&metadata)
                .send()
                .await
                .unwrap()
                .status()
                .as_u16()
        };
        assert_eq!(register().await, 201);
        assert_eq!(register().await, 401);
        console.open_at("clinic", "/clients?q=Scheduling").await;
        assert!(
            browser
                .texts("tbody th")
                .await
                .contains(&"Scheduling".to_owned())
        );

        console.open_at("clinic", "/registration").await;
        assert!(!browser.source().await.contains(&token));
        console.fill("#note", "Another").await;
        console.press("Make a token").await;
        let rows = browser.texts("tbody tr").await;
        let another = rows.iter().position(|row| row.contains("Another"));
        let remove = format!("tbody tr:nth-child({}) a", another.unwrap() + 1);
        let rows = rows.len();
        console.goes(&remove).await;
        let question = console.content().await;
        assert!(question.contains("Another"), "{question}");
        console.follow("Cancel").await;
        assert_eq!(browser.all("tbody tr").await.len(), rows);
        console.goes(&remove).await;
        console.confirm().await;
        console.says("no longer works").await;
        assert_eq!(browser.all("tbody tr").await.len(), rows - 1);
    })
    .await;
}

/// What cannot work, or is a trap, is not registered.
#[tokio::test]
async fn addresses_that_are_no_good_are_refused() {
    let scene = Scene::start().await;
    Kind::DESKTOP
        .browse(async |browser| {
            let console = Console::enter(browser, &scene, "admin").await;
            console.open_at("clinic", "/new-client?kind=web").await;
            for bad in [
                "",
                "javascript:alert(1)",
                "/callback",
                "https://app.example/callback#fragment",
                "http://app.example/callback",
            ] {
                console.fill("#client_name", "Careless").await;
                console.fill("#redirect_uris", bad).await;
                console.submit().await;
                assert!(
                    browser.has("#redirect_uris[aria-invalid=true]").await,
                    "{bad:?}"
                );
                assert_eq!(browser.value("#redirect_uris").await, bad);
            }
        })
        .await;
}
