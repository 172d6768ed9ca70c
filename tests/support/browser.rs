//! A real browser for the pages: headless Chromium, driven through `chromedriver`. Where Chromium's
//! headless shell is installed it is taken, which needs a third of the time for a page.
//!
//! The driver starts once per process and ends with it, whatever ends it: a shell waits for
//! end-of-file on a pipe whose other end only this process holds, then ends the driver and every
//! browser of its. Each test has a browser to itself, a few of them at a time. One that a test has
//! done with is wiped clean and handed to another, because starting one takes longer than most tests.

use std::io::{BufRead, BufReader};
use std::os::unix::process::CommandExt;
use std::panic::AssertUnwindSafe;
use std::path::PathBuf;
use std::process::{Child, ChildStdout, Command, Stdio};
use std::sync::{LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use fantoccini::actions::{
    InputSource, KeyAction, KeyActions, MOUSE_BUTTON_LEFT, MouseActions, PointerAction,
};
use fantoccini::cookies::Cookie;
use fantoccini::elements::Element;
use fantoccini::error::CmdError;
use fantoccini::key::Key;
use fantoccini::wd::WebDriverCompatibleCommand;
use fantoccini::{Client, ClientBuilder, Locator};
use futures_util::FutureExt;
use hyper_util::client::legacy::connect::HttpConnector;
use serde_json::{Value, json};
use tokio::runtime::Runtime;
use tokio::sync::Semaphore;
use url::Url;

/// What takes longer than this does not happen at all.
const PATIENCE: Duration = Duration::from_secs(15);
const PAUSE: Duration = Duration::from_millis(25);

/// A browser needs a processor of its own, more or less.
static BROWSERS: Semaphore = Semaphore::const_new(2);

static DRIVER: OnceLock<Result<Driver, String>> = OnceLock::new();

/// Browsers that wait for their next test.
static IDLE: Mutex<Vec<Client>> = Mutex::new(Vec::new());

/// What keeps in touch with the browsers. A runtime of a test ends with it.
static RUNTIME: LazyLock<Runtime> = LazyLock::new(|| {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(1)
        .enable_all()
        .build()
        .unwrap()
});

const HEADLESS_SHELL: &str = "chromium-headless-shell";

struct Driver {
    url: String,
    /// Its standard input is the pipe.
    _guard: Child,
    /// Held, so that nobody who writes to it is ended by that.
    _output: BufReader<ChildStdout>,
}

/// Prints what the driver prints. The browsers are of this process group, of which this shell is the
/// leader, and have their profiles in the folder.
const GUARD: &str = r#"
folder=$(mktemp -d "${TMPDIR:-/tmp}/locum-browser-XXXXXX") || exit
cd "$folder" || exit # where downloads go
HOME=$folder TMPDIR=$folder chromedriver --port=0 </dev/null 2>/dev/null &
cat >/dev/null
trap '' TERM
kill -TERM 0
sleep 0.2
rm -rf "$folder"
kill -KILL 0
"#;

impl Driver {
    fn start() -> Result<Self, String> {
        let mut guard = Command::new("sh")
            .args(["-c", GUARD])
            .process_group(0)
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .map_err(|error| format!("sh: {error}"))?;
        let mut output = BufReader::new(guard.stdout.take().ok_or("no pipe")?);
        let mut line = String::new();
        let mut read = |output: &mut BufReader<ChildStdout>| {
            line.clear();
            match output.read_line(&mut line) {
                Ok(0) | Err(_) => Err("it ended".to_owned()),
                Ok(_) => Ok(line.trim().to_owned()),
            }
        };
        if find_program("chromedriver").is_none() {
            return Err("there is no chromedriver in PATH".to_owned());
        }
        loop {
            let said = read(&mut output)?;
            if let Some((_, port)) = said.split_once("started successfully on port ") {
                return Ok(Self {
                    url: format!("http://127.0.0.1:{}", port.trim_end_matches('.')),
                    _guard: guard,
                    _output: output,
                });
            }
        }
    }
}

fn find_program(name: &str) -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    std::env::split_paths(&path)
        .map(|folder| folder.join(name))
        .find(|file| file.is_file())
}

/// The kind of browser a person has.
#[derive(Debug, Clone, Copy)]
pub struct Kind {
    pub scripts: bool,
    pub dark: bool,
    pub width: u32,
    pub height: u32,
    pub language: &'static str,
}

impl Kind {
    /// A desktop, in the light, in English.
    pub const DESKTOP: Self = Self {
        scripts: true,
        dark: false,
        width: 1280,
        height: 900,
        language: "en-US",
    };

    pub const PHONE: Self = Self {
        width: 390,
        height: 844,
        ..Self::DESKTOP
    };

    /// With JavaScript, and without.
    pub const WITH_AND_WITHOUT_SCRIPTS: [Self; 2] = [
        Self::DESKTOP,
        Self {
            scripts: false,
            ..Self::DESKTOP
        },
    ];

    pub const fn dark(self) -> Self {
        Self { dark: true, ..self }
    }

    pub const fn speaking(self, language: &'static str) -> Self {
        Self { language, ..self }
    }

    /// Opens a browser of this kind, hands it to `test`, and closes it, however that ends.
    pub async fn browse(self, test: impl AsyncFnOnce(&Browser)) {
        let _permit = BROWSERS.acquire().await.unwrap();
        let driver = tokio::task::spawn_blocking(|| DRIVER.get_or_init(Driver::start))
            .await
            .unwrap();
        let driver = driver.as_ref().unwrap_or_else(|error| {
            panic!(
                "no browser for the tests: {error}.\n\
                 Install Chromium and its driver (Debian: apt-get install chromium chromium-driver)."
            )
        });
        let waiting = idle().pop();
        let client = match waiting {
            Some(client) => client,
            None => RUNTIME.spawn(connect(driver)).await.unwrap(),
        };
        let browser = Browser { client, kind: self };
        let outcome = AssertUnwindSafe(async {
            browser.dress(self).await;
            test(&browser).await;
        })
        .catch_unwind()
        .await;
        if let Err(panic) = outcome {
            eprintln!("{self:?}\n{}", browser.describe().await);
            let _ = tokio::time::timeout(PATIENCE, browser.client.close()).await;
            std::panic::resume_unwind(panic);
        }
        match tokio::time::timeout(PATIENCE, browser.wipe()).await {
            Ok(Ok(())) => idle().push(browser.client),
            _ => drop(tokio::time::timeout(PATIENCE, browser.client.close()).await),
        }
    }
}

fn idle() -> MutexGuard<'static, Vec<Client>> {
    IDLE.lock().unwrap_or_else(PoisonError::into_inner)
}

/// A browser on a busy machine may need more than one go to start.
async fn connect(driver: &Driver) -> Client {
    let mut builder = ClientBuilder::new(HttpConnector::new());
    builder.capabilities(capabilities());
    let mut failure = None;
    for _ in 0..3 {
        match builder.connect(&driver.url).await {
            Ok(client) => return client,
            Err(error) => failure = Some(error),
        }
    }
    panic!("no browser: {failure:?}");
}

fn capabilities() -> fantoccini::wd::Capabilities {
    let mut options = json!({
        "args": [
            "--headless",
            "--no-sandbox", // which Chromium has none of for root
            "--disable-gpu",
            "--disable-quic",
            "--disable-dev-shm-usage",
            "--disable-background-networking",
            "--disable-component-update",
            "--disable-crash-reporter",
            "--disable-breakpad",
            "--disable-default-apps",
            "--disable-extensions",
            "--disable-search-engine-choice-screen",
            "--disable-sync",
            "--hide-scrollbars",
            "--no-first-run",
            "--no-default-browser-check",
            "--password-store=basic",
        ],
    });
    if let Some(program) = find_program(HEADLESS_SHELL) {
        options["binary"] = json!(program);
    } else {
        // What has a profile to keep them in.
        options["prefs"] = json!({
            "profile.cookie_controls_mode": 0,
            "profile.block_third_party_cookies": false,
            "credentials_enable_service": false,
            "profile.password_manager_leak_detection": false,
        });
    }
    let capabilities = json!({
        "browserName": "chrome",
        "timeouts": { "pageLoad": 20_000, "script": 20_000, "implicit": 0 },
        "goog:chromeOptions": options,
    });
    let Value::Object(capabilities) = capabilities else {
        unreachable!()
    };
    capabilities
}

/// What the driver has beside the standard's commands: the DevTools protocol.
#[derive(Debug)]
struct DevTools(&'static str, Value);

impl WebDriverCompatibleCommand for DevTools {
    fn endpoint(&self, base: &Url, session: Option<&str>) -> Result<Url, url::ParseError> {
        let session = session.unwrap_or_default();
        base.join(&format!("session/{session}/goog/cdp/execute"))
    }

    fn method_and_body(&self, _: &Url) -> (http::Method, Option<String>) {
        let body = json!({ "cmd": self.0, "params": self.1 });
        (http::Method::POST, Some(body.to_string()))
    }
}

/// A browser with one page open. Whatever is looked for may still be on its way: it waits.
pub struct Browser {
    client: Client,
    kind: Kind,
}

impl Browser {
    /// Makes the tab that is open one of a browser of this kind.
    pub async fn dress(&self, kind: Kind) {
        let version = self.dev_tools("Browser.getVersion", json!({})).await;
        self.dev_tools(
            "Emulation.setUserAgentOverride",
            json!({ "userAgent": version["userAgent"], "acceptLanguage": kind.language }),
        )
        .await;
        self.dev_tools(
            "Emulation.setScriptExecutionDisabled",
            json!({ "value": !kind.scripts }),
        )
        .await;
        let scheme = if kind.dark { "dark" } else { "light" };
        self.dev_tools(
            "Emulation.setEmulatedMedia",
            json!({ "features": [
                { "name": "prefers-color-scheme", "value": scheme },
                { "name": "prefers-reduced-motion", "value": "reduce" },
            ] }),
        )
        .await;
        self.dev_tools(
            "Emulation.setDeviceMetricsOverride",
            json!({
                "width": kind.width, "height": kind.height,
                "deviceScaleFactor": 1, "mobile": false,
            }),
        )
        .await;
    }

    pub async fn dev_tools(&self, command: &'static str, parameters: Value) -> Value {
        let command = DevTools(command, parameters);
        self.client.issue_cmd(command).await.unwrap()
    }

    pub async fn open(&self, url: &str) {
        self.client.goto(url).await.unwrap();
    }

    pub async fn back(&self) {
        self.client.back().await.unwrap();
    }

    /// Does something in a tab of its own, and comes back to this one.
    pub async fn in_another_tab(&self, something: impl AsyncFnOnce()) {
        let here = self.client.window().await.unwrap();
        let there = self.client.new_window(true).await.unwrap();
        self.client.switch_to_window(there.handle).await.unwrap();
        self.dress(self.kind).await;
        something().await;
        self.client.close_window().await.unwrap();
        self.client.switch_to_window(here).await.unwrap();
    }

    /// The path of the page, once that is what `is_right` asks for.
    pub async fn arrives(&self, what: &str, is_right: impl Fn(&Url) -> bool) -> Url {
        let begun = Instant::now();
        loop {
            let url = self.client.current_url().await;
            match url {
                Ok(url) if is_right(&url) => return url,
                _ if begun.elapsed() > PATIENCE => panic!("not at {what} but at {url:?}"),
                _ => tokio::time::sleep(PAUSE).await,
            }
        }
    }

    /// Waits until the page's path ends like this.
    pub async fn is_at(&self, path: &str) -> Url {
        self.arrives(path, |url| url.path().ends_with(path)).await
    }

    /// The first element that matches, once there is one.
    pub async fn find(&self, css: &str) -> Element {
        let waiting = self.client.wait().at_most(PATIENCE).every(PAUSE);
        match waiting.for_element(Locator::Css(css)).await {
            Ok(element) => element,
            Err(error) => panic!("{css}: {error}"),
        }
    }

    pub async fn has(&self, css: &str) -> bool {
        !self.all(css).await.is_empty()
    }

    /// What matches on the page as it is now.
    pub async fn all(&self, css: &str) -> Vec<Element> {
        self.client.find_all(Locator::Css(css)).await.unwrap()
    }

    /// What is written in the first element that matches. One that a page before this one had may
    /// be found, and be gone when it is read.
    pub async fn text(&self, css: &str) -> String {
        let begun = Instant::now();
        loop {
            match self.find(css).await.text().await {
                Ok(text) => return text,
                Err(error) if error.is_stale_element_reference() => {
                    assert!(begun.elapsed() < PATIENCE, "{css}: {error}");
                }
                Err(error) => panic!("{css}: {error}"),
            }
        }
    }

    /// What is written in each element that matches, by one question to the browser.
    pub async fn texts(&self, css: &str) -> Vec<String> {
        const TEXTS: &str = "return Array.from(document.querySelectorAll(arguments[0]), \
            element => element.innerText.trim())";
        let texts = self.script(TEXTS, vec![json!(css)]).await;
        serde_json::from_value(texts).unwrap()
    }

    pub async fn value(&self, css: &str) -> String {
        let value = self.find(css).await.prop("value").await.unwrap();
        value.unwrap_or_default()
    }

    pub async fn is_ticked(&self, css: &str) -> bool {
        self.find(css).await.is_selected().await.unwrap()
    }

    pub async fn click(&self, css: &str) {
        self.find(css).await.click().await.unwrap();
    }

    /// Clicks what leads to another page, and waits until this one is gone.
    pub async fn leaves_by(&self, element: Element) {
        let page = self.find("html").await;
        element.click().await.unwrap();
        let begun = Instant::now();
        while page.tag_name().await.is_ok() {
            assert!(begun.elapsed() < PATIENCE, "it leads nowhere");
            tokio::time::sleep(PAUSE).await;
        }
    }

    /// As somebody does who takes every button for one of a desktop.
    pub async fn double_click(&self, css: &str) {
        let element = self.find(css).await;
        let to_it = PointerAction::MoveToElement {
            element,
            duration: None,
            x: 0.0,
            y: 0.0,
        };
        let (down, up) = (
            PointerAction::Down {
                button: MOUSE_BUTTON_LEFT,
            },
            PointerAction::Up {
                button: MOUSE_BUTTON_LEFT,
            },
        );
        let mouse = MouseActions::new("mouse".to_owned())
            .then(to_it)
            .then(down.clone())
            .then(up.clone())
            .then(down)
            .then(up);
        self.client.perform_actions(mouse).await.unwrap();
    }

    /// The focus is where this matches.
    pub async fn has_focus(&self, css: &str) {
        self.find(&format!("{css}:focus")).await;
    }

    /// The page's HTML, as the browser has it now.
    pub async fn source(&self) -> String {
        self.client.source().await.unwrap()
    }

    pub async fn forgets_cookies(&self) {
        self.client.delete_all_cookies().await.unwrap();
    }

    pub async fn cookies(&self) -> Vec<Cookie<'static>> {
        self.client.get_all_cookies().await.unwrap()
    }

    /// Cookies of the host whose page is open.
    pub async fn takes_cookies(&self, cookies: &[Cookie<'static>]) {
        for cookie in cookies {
            self.client.add_cookie(cookie.clone()).await.unwrap();
        }
    }

    /// Replaces what a field holds.
    pub async fn fill(&self, css: &str, text: &str) {
        let field = self.find(css).await;
        field.clear().await.unwrap();
        field.send_keys(text).await.unwrap();
    }

    /// Presses keys, wherever the focus is.
    pub async fn press(&self, keys: &[Key]) {
        let codes: Vec<char> = keys.iter().map(|key| char::from(*key)).collect();
        self.press_codes(&codes).await;
    }

    pub async fn type_in(&self, text: &str) {
        let codes: Vec<char> = text.chars().collect();
        self.press_codes(&codes).await;
    }

    async fn press_codes(&self, codes: &[char]) {
        let keys = codes
            .iter()
            .fold(KeyActions::new("keyboard".to_owned()), |keys, &value| {
                keys.then(KeyAction::Down { value })
                    .then(KeyAction::Up { value })
            });
        self.client.perform_actions(keys).await.unwrap();
    }

    /// Runs JavaScript as the driver may, whatever the page's policy says of scripts.
    pub async fn script(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client.execute(script, arguments).await.unwrap()
    }

    /// JavaScript that calls its last argument when it has the answer.
    pub async fn script_async(&self, script: &str, arguments: Vec<Value>) -> Value {
        self.client.execute_async(script, arguments).await.unwrap()
    }

    /// The whole page as PNG, however long it is.
    pub async fn screenshot(&self) -> Vec<u8> {
        let metrics = self.dev_tools("Page.getLayoutMetrics", json!({})).await;
        let size = &metrics["cssContentSize"];
        let clip = json!({
            "x": 0, "y": 0, "width": size["width"], "height": size["height"], "scale": 1,
        });
        let whole = json!({ "captureBeyondViewport": true, "clip": clip });
        let shot = self.dev_tools("Page.captureScreenshot", whole).await;
        BASE64.decode(shot["data"].as_str().unwrap()).unwrap()
    }

    /// Keeps the browser from fetching these addresses, `*` standing for anything.
    pub async fn blocks(&self, urls: &[&str]) {
        self.dev_tools("Network.enable", json!({})).await;
        self.dev_tools("Network.setBlockedURLs", json!({ "urls": urls }))
            .await;
    }

    /// As good as new: a tab without a past, and nothing kept from what was open before.
    async fn wipe(&self) -> Result<(), CmdError> {
        let old = self.client.windows().await?;
        let new = self.client.new_window(true).await?;
        for window in old {
            self.client.switch_to_window(window).await?;
            self.client.close_window().await?;
        }
        self.client.switch_to_window(new.handle).await?;
        for (command, parameters) in [
            ("Network.clearBrowserCookies", json!({})),
            ("Network.clearBrowserCache", json!({})),
            (
                "Storage.clearDataForOrigin",
                json!({ "origin": "*", "storageTypes": "all" }),
            ),
        ] {
            let command = DevTools(command, parameters);
            self.client.issue_cmd(command).await?;
        }
        Ok(())
    }

    /// Where a test stopped.
    async fn describe(&self) -> String {
        let page = async {
            let url = self.client.current_url().await?;
            let body = self.client.find(Locator::Css("body")).await?;
            Ok::<_, CmdError>(format!("at {url}\n{}", body.text().await?))
        };
        match tokio::time::timeout(PATIENCE, page).await {
            Ok(Ok(page)) => page,
            Ok(Err(error)) => error.to_string(),
            Err(_) => "the browser does not answer".to_owned(),
        }
    }
}
