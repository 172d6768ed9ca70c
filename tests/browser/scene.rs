//! What a browser test plays in: a server of its own with the demo issuers, and an application.

use locum::clock::{Clock, ManualClock, Timestamp};
use locum::embedded::{Builder, Locum};
use serde_json::Value;

use super::relying_party::{Heard, RelyingParty};
use crate::support::browser::Browser;
use crate::support::jwt::Jwt;
use crate::support::servers::BEGINNING;

/// RFC 7636 appendix B.
const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

pub struct Scene {
    pub locum: Locum,
    pub application: RelyingParty,
}

/// A client of `locum dev`, and where its issuer's endpoints are.
#[derive(Debug, Clone, Copy)]
pub struct Application {
    pub issuer: &'static str,
    client_id: &'static str,
    client_secret: Option<&'static str>,
    authorization: &'static str,
    token: &'static str,
}

pub const NETHEALTH: Application = Application {
    issuer: "nethealth",
    client_id: "nethealth-web",
    client_secret: Some("nethealth-web-secret"),
    authorization: "/connect/authorize",
    token: "/connect/token",
};

pub const PHOTON: Application = Application {
    issuer: "photon",
    client_id: "photon-spa",
    client_secret: None,
    authorization: "/authorize",
    token: "/oauth/token",
};

pub const MEDBLOCKS: Application = Application {
    issuer: "medblocks",
    client_id: "medblocks-spa",
    client_secret: None,
    authorization: "/oauth2/auth",
    token: "/oauth2/token",
};

pub const CLINIC: Application = Application {
    issuer: "clinic",
    client_id: "clinic-spa",
    client_secret: None,
    authorization: "/oauth2/authorize",
    token: "/oauth2/token",
};

pub const CLINIC_WEB: Application = Application {
    client_id: "clinic-web",
    client_secret: Some("clinic-web-secret"),
    ..CLINIC
};

impl Application {
    /// The same as another client, which a test has registered.
    pub fn as_client(self, client_id: &str, client_secret: Option<&str>) -> Self {
        let kept = |text: &str| -> &'static str { text.to_owned().leak() };
        Self {
            client_id: kept(client_id),
            client_secret: client_secret.map(kept),
            ..self
        }
    }

    pub const fn authorizing_at(self, authorization: &'static str) -> Self {
        Self {
            authorization,
            ..self
        }
    }
}

impl Scene {
    pub async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    /// An issuer is at the root path as well.
    pub async fn with_root_issuer(name: &str) -> Self {
        Self::with(|builder| builder.root_issuer(name)).await
    }

    /// With what a configuration declares besides.
    pub async fn configured(config: &str) -> Self {
        Self::with(|builder| builder.config(config, ".")).await
    }

    /// With a clock that stands still until the test moves it.
    pub async fn with_clock() -> (Self, ManualClock) {
        let clock = ManualClock::starting_at(Timestamp::from_unix(BEGINNING));
        let own = Clock::Manual(clock.clone());
        (Self::with(|builder| builder.clock(own)).await, clock)
    }

    async fn with(settings: impl FnOnce(Builder) -> Builder) -> Self {
        Self {
            locum: settings(Locum::builder()).start().await.unwrap(),
            application: RelyingParty::start(),
        }
    }

    /// An address of an issuer.
    pub fn url(&self, issuer: &str, path: &str) -> String {
        format!("{}/{issuer}{path}", self.locum.url())
    }

    /// Where an application sends the browser.
    pub fn request(&self, application: Application, scope: &str, more: &[(&str, &str)]) -> String {
        let mut url =
            url::Url::parse(&self.url(application.issuer, application.authorization)).unwrap();
        url.query_pairs_mut()
            .append_pair("response_type", "code")
            .append_pair("client_id", application.client_id)
            .append_pair("redirect_uri", &self.application.callback())
            .append_pair("scope", scope)
            .append_pair("state", "a-state-of-its-own")
            .append_pair("nonce", "a-nonce-of-its-own")
            .append_pair("code_challenge", CHALLENGE)
            .append_pair("code_challenge_method", "S256")
            .extend_pairs(more);
        url.into()
    }

    /// The callback that has been or will be called, with a code.
    pub async fn code(&self) -> String {
        let heard = self.application.answer().await;
        assert_eq!(heard.get("state"), "a-state-of-its-own");
        heard.get("code").to_owned()
    }

    /// The callback, with an error.
    pub async fn error(&self) -> Heard {
        let heard = self.application.answer().await;
        assert_eq!(heard.get("state"), "a-state-of-its-own");
        assert_eq!(heard.find("code"), None);
        heard
    }

    /// What the application gets for the code that comes, or has come, to its callback.
    pub async fn tokens(&self, application: Application) -> Value {
        let code = self.code().await;
        self.redeem(application, &code).await
    }

    pub async fn redeem(&self, application: Application, code: &str) -> Value {
        let callback = self.application.callback();
        let (status, tokens) = self
            .token_request(
                application,
                &[
                    ("grant_type", "authorization_code"),
                    ("code", code),
                    ("redirect_uri", &callback),
                    ("code_verifier", VERIFIER),
                ],
            )
            .await;
        assert_eq!(status, 200, "{tokens}");
        tokens
    }

    pub async fn token_request(
        &self,
        application: Application,
        parameters: &[(&str, &str)],
    ) -> (u16, Value) {
        let mut form = parameters.to_vec();
        form.push(("client_id", application.client_id));
        form.extend(
            application
                .client_secret
                .map(|secret| ("client_secret", secret)),
        );
        let answer = reqwest::Client::new()
            .post(self.url(application.issuer, application.token))
            .form(&form)
            .send()
            .await
            .unwrap();
        (answer.status().as_u16(), answer.json().await.unwrap())
    }
}

/// A claim of one of the tokens in a token response.
pub fn claim(tokens: &Value, token: &str, name: &str) -> Value {
    let token = tokens[token].as_str().unwrap();
    Jwt::parse(token).claim(name).clone()
}

/// What a person does on the pages.
impl Browser {
    pub async fn signs_in(&self, username: &str, password: &str) {
        self.fill("#username", username).await;
        self.fill("#password", password).await;
        self.click("#sign-in").await;
    }

    /// By the button that `locum dev` has for each of its users.
    pub async fn signs_in_as_demo_user(&self, username: &str) {
        self.click(&format!(
            ".demo form:has(input[name=username][value={username}]) button"
        ))
        .await;
    }

    pub async fn has_arrived(&self, scene: &Scene) {
        let application = url::Url::parse(&scene.application.url).unwrap();
        self.arrives("the application", |url| {
            url.origin() == application.origin()
        })
        .await;
    }
}
