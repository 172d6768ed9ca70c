//! The console, as administrators use it.

mod clients;
mod people;
mod rights;
mod server;
mod tools;
pub mod tour;

use fantoccini::elements::Element;

use super::scene::Scene;
use crate::support::browser::{Browser, Kind};

/// The console in one browser, with somebody signed in.
pub struct Console<'a> {
    pub browser: &'a Browser,
    scene: &'a Scene,
}

impl<'a> Console<'a> {
    /// Signs in as one of the administrators of `locum dev`.
    pub async fn enter(browser: &'a Browser, scene: &'a Scene, username: &str) -> Self {
        let console = Self { browser, scene };
        console.open("").await;
        browser.signs_in(username, "locum").await;
        browser.find("body.console").await;
        console
    }

    /// A page of the console.
    pub async fn open(&self, path: &str) {
        let url = self.scene.url("console", path);
        self.browser.open(&url).await;
    }

    /// A page of an issuer.
    pub async fn open_at(&self, issuer: &str, path: &str) {
        self.open(&format!("/issuers/{issuer}{path}")).await;
    }

    pub async fn click(&self, css: &str) {
        self.browser.click(css).await;
    }

    /// Clicks what leads to another page.
    pub async fn goes(&self, css: &str) {
        let element = self.browser.find(css).await;
        self.browser.leaves_by(element).await;
    }

    pub async fn fill(&self, css: &str, text: &str) {
        self.browser.fill(css, text).await;
    }

    /// Follows the link of the content that says this.
    pub async fn follow(&self, words: &str) {
        let link = self.named("main a", words).await;
        self.browser.leaves_by(link).await;
    }

    /// Presses the button of the content that says this.
    pub async fn press(&self, words: &str) {
        let button = self.named("main button", words).await;
        self.browser.leaves_by(button).await;
    }

    async fn named(&self, css: &str, words: &str) -> Element {
        self.browser.find(css).await;
        let texts = self.browser.texts(css).await;
        // What only a screen reader says comes on a line of its own.
        let says = |text: &String| text.lines().next().map(str::trim) == Some(words);
        let Some(index) = texts.iter().position(says) else {
            panic!("no {css} says {words:?}, but {texts:?}");
        };
        self.browser.all(css).await.swap_remove(index)
    }

    /// Sends the page's form.
    pub async fn submit(&self) {
        self.goes("form.sheet button[type=submit]").await;
    }

    /// Says yes.
    pub async fn confirm(&self) {
        self.goes("#confirm").await;
    }

    /// What has just been done is said once, where a screen reader hears it.
    pub async fn says(&self, words: &str) {
        let said = self.browser.text(".done[role=status]").await;
        assert!(said.contains(words), "{said}");
    }

    /// The page's heading.
    pub async fn heading(&self) -> String {
        self.browser.text("main h1").await
    }

    /// Everything to be read in the content.
    pub async fn content(&self) -> String {
        self.browser.text("main").await
    }

    pub async fn leave(&self) {
        // The menu is on the page twice, and only one of them is to be seen.
        for form in self
            .browser
            .all("form[action='/console/sign-out'] button")
            .await
        {
            if form.is_displayed().await.unwrap() {
                self.browser.leaves_by(form).await;
                return;
            }
        }
        panic!("no way out");
    }
}

/// A test that holds with scripts and without.
pub async fn with_and_without_scripts(test: impl AsyncFn(&Browser, &Scene)) {
    for kind in Kind::WITH_AND_WITHOUT_SCRIPTS {
        let scene = Scene::start().await;
        kind.browse(async |browser| test(browser, &scene).await)
            .await;
    }
}
