//! Every page there is, one after the other: for axe-core to examine, and for the screenshots.

use std::path::{Path, PathBuf};

use super::console::tour as console;
use super::scene::{CLINIC, NETHEALTH, Scene};
use crate::support::browser::{Browser, Kind};

/// What each page is looked at as.
const KINDS: [(&str, Kind); 4] = [
    ("desktop-light", Kind::DESKTOP),
    ("desktop-dark", Kind::DESKTOP.dark()),
    ("phone-light", Kind::PHONE),
    ("phone-dark", Kind::PHONE.dark()),
];

const SCOPE: &str = "openid profile email patients.read patients.write offline_access";

/// From an application to consent, as far as most people ever get. Calls `look` at each page.
async fn on_the_way(
    browser: &Browser,
    scene: &Scene,
    language: &[(&str, &str)],
    look: &mut impl AsyncFnMut(&str),
) {
    let request = |scope: &str| scene.request(NETHEALTH, scope, language);
    browser.open(&request(SCOPE)).await;
    browser.find("#sign-in").await;
    look("sign-in").await;
    browser.signs_in("therapist", "wrong").await;
    browser.find("#problem").await;
    look("sign-in-wrong").await;
    browser.fill("#password", "locum").await;
    browser.click("#sign-in").await;
    browser.find("#consent-allow").await;
    look("consent").await;
    browser.open(&request("openid patients.read")).await;
    browser.click("#consent-allow").await;
    browser.has_arrived(scene).await;
    browser.open(&request("openid patients.read email")).await;
    browser.find(".scope .badge").await;
    look("consent-more").await;
}

async fn everywhere_else(browser: &Browser, scene: &Scene, look: &mut impl AsyncFnMut(&str)) {
    let clinic = |path: &str| scene.url("clinic", path);

    browser.open(scene.locum.url()).await;
    browser.find("main").await;
    look("welcome").await;

    browser.open(&clinic("/account")).await;
    browser.find("#sign-in").await;
    look("sign-in-account").await;
    browser.click("#sign-in").await;
    browser.find("#problem").await;
    look("sign-in-empty").await;

    let request = |more: &[(&str, &str)]| scene.request(CLINIC, "openid profile", more);
    let choose = [("prompt", "select_account")];
    browser.open(&request(&[])).await;
    browser.signs_in("doctor", "locum").await;
    browser.find("#consent-allow").await;
    browser.open(&request(&choose)).await;
    browser.click("button[name=account][value=other]").await;
    browser.signs_in("receptionist", "locum").await;
    browser.find("#consent-allow").await;
    browser.open(&request(&choose)).await;
    browser.find("button[name=account]").await;
    look("choose-account").await;
    browser.open(&request(&[("prompt", "login")])).await;
    browser.find("#sign-in").await;
    look("sign-in-again").await;

    browser.blocks(&["*/static/form-post.js"]).await;
    browser
        .open(&request(&[("response_mode", "form_post")]))
        .await;
    browser.click("#consent-allow").await;
    browser.find("#form-post button").await;
    look("form-post").await;
    browser.blocks(&[]).await;

    browser
        .open(&request(&[("response_mode", "web_message")]))
        .await;
    browser.find("main").await;
    look("web-message").await;

    browser.open(&clinic("/account")).await;
    browser.find("#sessions").await;
    look("account").await;
    browser.click("form[action$='/withdraw'] button").await;
    browser.find("[role=status]").await;
    look("account-done").await;
    browser.open(&clinic("/account/profile")).await;
    browser.find("#name").await;
    look("profile").await;
    browser.fill("#name", "").await;
    browser.fill("#email", "nobody").await;
    browser.click("form .primary").await;
    browser.find("#problem, [role=alert]").await;
    look("profile-wrong").await;
    browser.open(&clinic("/account/password")).await;
    browser.find("#current_password").await;
    look("password").await;
    browser.click("form .primary").await;
    browser.find("#problem").await;
    look("password-wrong").await;

    browser.open(&clinic("/sign-out")).await;
    browser.find("#sign-out-confirm").await;
    look("sign-out").await;
    browser.click("#sign-out-confirm").await;
    browser.find("main a.button[href$='/account']").await;
    look("signed-out").await;

    browser
        .open(&clinic("/oauth2/authorize?client_id=nobody"))
        .await;
    browser.find("#error-code").await;
    look("error").await;
    browser.open(&clinic("/sign-in?ticket=old")).await;
    browser.find("#error-code").await;
    look("error-too-old").await;
}

/// A file of a package that `npm ci` puts into `tests/browser/node_modules`.
pub fn package_file(path: &str) -> String {
    let file = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/browser/node_modules")
        .join(path);
    std::fs::read_to_string(&file).unwrap_or_else(|error| {
        panic!(
            "{}: {error}.\nFetch what the browser tests load: npm ci --prefix tests/browser",
            file.display()
        )
    })
}

/// Each width and each scheme, and each of the two once.
const AUDITED: [(&str, Kind); 2] = [KINDS[0], KINDS[3]];

/// What axe-core has against a page, and how much it has nothing against.
const AUDIT: &str = r#"
const done = arguments[arguments.length - 1];
const tags = ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"];
axe.run({ runOnly: { type: "tag", values: tags } }).then(
    (results) => done({
        passes: results.passes.length,
        violations: results.violations
            .filter((one) => ["serious", "critical"].includes(one.impact))
            .map((one) => one.id + ": " + one.help + "\n" + one.nodes
                .map((node) => node.html + "\n" + node.failureSummary).join("\n")),
    }),
    (error) => done({ passes: 0, violations: [String(error)] }),
);
"#;

/// How much of the page is beyond the window's right edge.
const OVERFLOW: &str =
    "return document.documentElement.scrollWidth - document.documentElement.clientWidth";

impl Browser {
    async fn audit(&self, axe: &str) -> Vec<String> {
        self.script(axe, Vec::new()).await;
        let mut problems = Vec::new();
        for (name, kind) in AUDITED {
            self.dress(kind).await;
            let is_dark = "return matchMedia('(prefers-color-scheme: dark)').matches";
            assert_eq!(self.script(is_dark, Vec::new()).await, kind.dark);
            let found = self.script_async(AUDIT, Vec::new()).await;
            assert!(found["passes"].as_u64() > Some(5), "{found}");
            for violation in found["violations"].as_array().unwrap() {
                problems.push(format!("{name}: {}", violation.as_str().unwrap()));
            }
        }
        // WCAG 1.4.10: nothing to scroll sideways for, on the narrowest of phones.
        let narrow = Kind {
            width: 320,
            ..Kind::PHONE
        };
        self.dress(narrow).await;
        let overflow = self.script(OVERFLOW, Vec::new()).await;
        if overflow != 0 {
            problems.push(format!("320 px: {overflow} too wide"));
        }
        self.dress(Kind::DESKTOP).await;
        problems
    }
}

async fn audit(tour: impl AsyncFnOnce(&Browser, &Scene, &mut dyn FnMut(&str, Vec<String>))) {
    let scene = Scene::start().await;
    let mut problems = Vec::new();
    let (mut pages, noted) = (0, &mut problems);
    Kind::DESKTOP
        .browse(async |browser| {
            tour(browser, &scene, &mut |page, found| {
                pages += 1;
                noted.extend(
                    found
                        .into_iter()
                        .map(|problem| format!("{page}, {problem}")),
                );
            })
            .await;
        })
        .await;
    assert!(pages > 0);
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

#[tokio::test]
async fn axe_has_nothing_serious_against_the_way_to_an_application() {
    let axe = package_file("axe-core/axe.min.js");
    audit(async |browser, scene, note| {
        let mut look = async |page: &str| note(page, browser.audit(&axe).await);
        on_the_way(browser, scene, &[], &mut look).await;
    })
    .await;
}

#[tokio::test]
async fn axe_has_nothing_serious_against_any_other_page() {
    let axe = package_file("axe-core/axe.min.js");
    audit(async |browser, scene, note| {
        let mut look = async |page: &str| note(page, browser.audit(&axe).await);
        everywhere_else(browser, scene, &mut look).await;
    })
    .await;
}

#[tokio::test]
async fn axe_has_nothing_serious_against_the_consoles_registers() {
    let axe = package_file("axe-core/axe.min.js");
    audit(async |browser, scene, note| {
        let mut look = async |page: &str| note(page, browser.audit(&axe).await);
        console::registers(browser, scene, &mut look).await;
    })
    .await;
}

#[tokio::test]
async fn axe_has_nothing_serious_against_the_rest_of_the_console() {
    let axe = package_file("axe-core/axe.min.js");
    audit(async |browser, scene, note| {
        let mut look = async |page: &str| note(page, browser.audit(&axe).await);
        console::everywhere_else(browser, scene, &mut look).await;
    })
    .await;
}

/// Takes the pictures.
struct Camera<'a> {
    browser: &'a Browser,
    folder: PathBuf,
}

impl<'a> Camera<'a> {
    fn new(browser: &'a Browser) -> Self {
        let folder = std::env::var_os("LOCUM_SCREENSHOTS");
        let folder = PathBuf::from(folder.expect("LOCUM_SCREENSHOTS is the folder"));
        std::fs::create_dir_all(&folder).unwrap();
        Self { browser, folder }
    }

    /// One of the page as it is, of each kind.
    async fn shoot(&self, page: &str) {
        for (name, kind) in KINDS {
            self.browser.dress(kind).await;
            let shot = self.browser.screenshot().await;
            std::fs::write(self.folder.join(format!("{page}-{name}.png")), shot).unwrap();
        }
        self.browser.dress(Kind::DESKTOP).await;
    }
}

/// `scripts/screenshots` runs this, and the next.
#[tokio::test]
#[ignore = "makes pictures for people to look at"]
async fn screenshots() {
    Kind::DESKTOP
        .browse(async |browser| {
            let camera = Camera::new(browser);
            let scene = Scene::start().await;
            let mut look = async |page: &str| camera.shoot(page).await;
            on_the_way(browser, &scene, &[], &mut look).await;
            everywhere_else(browser, &scene, &mut look).await;
            let scene = Scene::start().await;
            let mut look = async |page: &str| camera.shoot(&format!("{page}-es")).await;
            on_the_way(browser, &scene, &[("ui_locales", "es")], &mut look).await;
        })
        .await;
}

#[tokio::test]
#[ignore = "makes pictures for people to look at"]
async fn screenshots_of_the_console() {
    Kind::DESKTOP
        .browse(async |browser| {
            let camera = Camera::new(browser);
            let mut look = async |page: &str| camera.shoot(page).await;
            console::registers(browser, &Scene::start().await, &mut look).await;
            browser.forgets_cookies().await;
            console::everywhere_else(browser, &Scene::start().await, &mut look).await;
        })
        .await;
}
