//! SDKs that single-page applications use, unchanged, in a page of the application's own.

use locum::embedded::Locum;
use serde_json::{Value, json};

use super::relying_party::RelyingParty;
use super::scene::Scene;
use super::tour::package_file;
use crate::support::browser::{Browser, Kind};
use crate::support::jwt::Jwt;

const AUTH0: &str = "@auth0/auth0-spa-js/dist/auth0-spa-js.production.js";
const OIDC_CLIENT: &str = "oidc-client-ts/dist/browser/oidc-client-ts.min.js";

impl RelyingParty {
    /// Every page of the application loads the SDK.
    fn uses(&self, sdk: &str) {
        self.serve("/sdk.js", "text/javascript", package_file(sdk));
        let page = "<!doctype html><title>Application</title>\
                    <h1 id=application>Application</h1><script src=/sdk.js></script>";
        for path in ["/", "/callback"] {
            self.serve(path, "text/html", page);
        }
        let silent = "<!doctype html><script src=/sdk.js></script><script>\
                      new oidc.UserManager({ authority: 'x', client_id: 'x', redirect_uri: 'x' })\
                      .signinCallback()</script>";
        self.serve("/silent", "text/html", silent);
    }
}

impl Browser {
    /// Runs the body of an `async` function that gets `argument`, in the page.
    async fn asks(&self, body: &str, argument: Value) -> Result<Value, String> {
        let script = format!(
            "const done = arguments[arguments.length - 1];
             (async (argument) => {{ {body} }})(arguments[0]).then(
                 (value) => done({{ value: value === undefined ? null : value }}),
                 (error) => done({{ error: error.name + ': ' + error.message
                     + (error.error ? ' (' + error.error + ')' : '') }}),
             );"
        );
        let answer = self.script_async(&script, vec![argument]).await;
        match answer.get("error") {
            None => Ok(answer["value"].clone()),
            Some(error) => Err(error.as_str().unwrap().to_owned()),
        }
    }

    /// Runs what ends with the page that it runs in.
    async fn leaves(&self, body: &str, argument: Value) {
        let script = format!("const argument = arguments[0]; void {body}");
        self.script(&script, vec![argument]).await;
    }

    async fn does(&self, body: &str, argument: Value) -> Value {
        match self.asks(body, argument).await {
            Ok(value) => value,
            Err(error) => panic!("{body}\n{error}"),
        }
    }
}

// ------------------------------------------------------------------ Auth0's SDK

/// A Photon application, with the domain that it is given.
struct Photon<'a> {
    browser: &'a Browser,
    application: &'a RelyingParty,
    domain: String,
    uses_refresh_tokens: bool,
}

const PHOTON_SCOPE: &str = "openid profile email read:patient read:prescription write:prescription";

impl Photon<'_> {
    async fn opens(&self, path: &str) {
        self.browser
            .open(&format!("{}{path}", self.application.url))
            .await;
        self.starts().await;
    }

    async fn starts(&self) {
        let offline = if self.uses_refresh_tokens {
            " offline_access"
        } else {
            ""
        };
        self.browser
            .does(
                "window.client = new auth0.Auth0Client(argument);",
                json!({
                    "domain": self.domain,
                    "clientId": "photon-spa",
                    "useRefreshTokens": self.uses_refresh_tokens,
                    "authorizeTimeoutInSeconds": 5,
                    "authorizationParams": {
                        "redirect_uri": self.application.callback(),
                        "audience": "https://api.neutron.health",
                        "scope": format!("{PHOTON_SCOPE}{offline}"),
                    },
                }),
            )
            .await;
    }

    async fn logs_in_as(&self, username: &str) {
        self.opens("/").await;
        self.browser
            .leaves(
                "client.loginWithRedirect({ appState: { at: 'the patients' } });",
                Value::Null,
            )
            .await;
        self.browser.signs_in_as_demo_user(username).await;
        self.browser.is_at("/callback").await;
        self.browser.find("#application").await;
        self.starts().await;
        let back = self
            .browser
            .does("return client.handleRedirectCallback();", Value::Null)
            .await;
        assert_eq!(back["appState"]["at"], "the patients");
    }

    /// What the access token says that the user may do.
    async fn permissions(&self) -> Vec<String> {
        let token = self
            .browser
            .does("return client.getTokenSilently();", Value::Null)
            .await;
        permissions_of(&token)
    }

    async fn renewed(&self) -> Result<Value, String> {
        self.browser
            .asks(
                "return client.getTokenSilently({ cacheMode: 'off', detailedResponse: true });",
                Value::Null,
            )
            .await
    }

    async fn logs_out(&self) {
        let goodbye = format!("{}/goodbye", self.application.url);
        self.browser
            .leaves(
                "client.logout({ logoutParams: { returnTo: argument } });",
                goodbye.into(),
            )
            .await;
        self.browser.is_at("/goodbye").await;
    }
}

fn permissions_of(token: &Value) -> Vec<String> {
    let token = Jwt::parse(token.as_str().unwrap());
    let permissions = token.claim("permissions").as_array().unwrap().clone();
    permissions
        .iter()
        .map(|permission| permission.as_str().unwrap().to_owned())
        .collect()
}

/// The domains that lead to one issuer: by a host of its own, at the root, with a path.
fn photon_domains(locum: &Locum) -> [String; 3] {
    let url = locum.url();
    [
        url.replace("//localhost", "//photon.localhost"),
        url.to_owned(),
        format!("{url}/photon"),
    ]
}

async fn photon_scene() -> Scene {
    let scene = Scene::with_root_issuer("photon").await;
    scene.application.uses(AUTH0);
    scene
}

#[tokio::test]
async fn auth0_spa_js_with_refresh_tokens() {
    let scene = photon_scene().await;
    // Not with a path: the SDK's worker sends nothing to any other path than `/oauth/token`.
    let [own_host, root, _] = photon_domains(&scene.locum);
    for domain in [own_host, root] {
        Kind::DESKTOP
            .browse(async |browser| {
                let photon = Photon {
                    browser,
                    application: &scene.application,
                    domain,
                    uses_refresh_tokens: true,
                };
                photon.logs_in_as("provider").await;
                let user = browser.does("return client.getUser();", Value::Null).await;
                assert_eq!(user["name"], "Dr. Petra Provider");
                assert_eq!(user["email"], "petra.provider@photon.example");
                assert!(user["sub"].as_str().unwrap().starts_with("auth0|"));
                let permissions = photon.permissions().await;
                assert!(permissions.contains(&"write:prescription".to_owned()));

                // Twice: the refresh token rotates.
                for _ in 0..2 {
                    let renewed = photon.renewed().await.unwrap();
                    let permissions = permissions_of(&renewed["access_token"]);
                    assert!(permissions.contains(&"write:prescription".to_owned()));
                }
                photon.logs_out().await;
            })
            .await;
    }
}

#[tokio::test]
async fn auth0_spa_js_with_a_frame() {
    let scene = photon_scene().await;
    // A host of its own is another site than `localhost` for browsers.
    for domain in photon_domains(&scene.locum) {
        Kind::DESKTOP
            .browse(async |browser| {
                let photon = Photon {
                    browser,
                    application: &scene.application,
                    domain,
                    uses_refresh_tokens: false,
                };
                photon.logs_in_as("staff").await;
                let permissions = photon.permissions().await;
                assert!(permissions.contains(&"read:prescription".to_owned()));
                assert!(!permissions.contains(&"write:prescription".to_owned()));
                let renewed = photon.renewed().await;
                let renewed = renewed.unwrap_or_else(|error| panic!("{}: {error}", photon.domain));
                assert!(renewed["id_token"].is_string());

                // A page that is loaded anew has nothing but the cookie.
                photon.opens("/").await;
                let again = browser
                    .does(
                        "await client.checkSession(); return client.isAuthenticated();",
                        Value::Null,
                    )
                    .await;
                assert_eq!(again, true);

                photon.logs_out().await;
                photon.opens("/").await;
                let error = photon.renewed().await.unwrap_err();
                assert!(error.contains("login_required"), "{error}");
            })
            .await;
    }
}

// --------------------------------------------------------------- oidc-client-ts

/// An application that knows its authority, and nothing else of it.
struct OidcClient<'a> {
    browser: &'a Browser,
    application: &'a RelyingParty,
    authority: String,
    client_id: &'static str,
    scope: &'static str,
}

impl OidcClient<'_> {
    async fn opens(&self, path: &str) {
        self.browser
            .open(&format!("{}{path}", self.application.url))
            .await;
        self.starts().await;
    }

    async fn starts(&self) {
        let at = |path: &str| format!("{}{path}", self.application.url);
        self.browser
            .does(
                "window.manager = new oidc.UserManager({
                     ...argument,
                     userStore: new oidc.WebStorageStateStore({ store: localStorage }),
                 });
                 window.heard = [];
                 manager.events.addUserSignedOut(() => heard.push('signed out'));
                 manager.events.addUserSessionChanged(() => heard.push('changed'));",
                json!({
                    "authority": self.authority,
                    "client_id": self.client_id,
                    "redirect_uri": at("/callback"),
                    "silent_redirect_uri": at("/silent"),
                    "post_logout_redirect_uri": at("/goodbye"),
                    "scope": self.scope,
                    "loadUserInfo": true,
                    "monitorSession": true,
                    "checkSessionIntervalInSeconds": 1,
                    "silentRequestTimeoutInSeconds": 5,
                    "automaticSilentRenew": false,
                }),
            )
            .await;
    }

    async fn signs_in(&self, username: &str) -> Value {
        self.opens("/").await;
        self.browser
            .leaves(
                "manager.signinRedirect({ state: 'the patients' });",
                Value::Null,
            )
            .await;
        self.browser.signs_in_as_demo_user(username).await;
        self.browser.click("#consent-allow").await;
        self.browser.is_at("/callback").await;
        self.browser.find("#application").await;
        self.starts().await;
        let user = self.user("manager.signinCallback()").await;
        assert_eq!(user["state"], "the patients");
        user
    }

    async fn user(&self, from: &str) -> Value {
        let body = format!(
            "const user = await {from};
             return {{
                 state: user.state, profile: user.profile, scopes: user.scopes, expired: user.expired,
                 session_state: user.session_state,
                 access_token: user.access_token, refresh_token: user.refresh_token,
             }};"
        );
        self.browser.does(&body, Value::Null).await
    }
}

async fn oidc_client(
    authority: &str,
    client_id: &'static str,
    username: &str,
    scope: &'static str,
) {
    let scene = Scene::start().await;
    scene.application.uses(OIDC_CLIENT);
    let authority = scene.url(authority, "");
    Kind::DESKTOP
        .browse(async |browser| {
            let client = OidcClient {
                browser,
                application: &scene.application,
                authority,
                client_id,
                scope,
            };
            let user = client.signs_in(username).await;
            // From UserInfo, since it is not in the ID token.
            assert!(user["profile"]["name"].is_string(), "{user}");
            assert!(user["session_state"].is_string(), "{user}");
            assert_eq!(user["expired"], false);
            let scopes: Vec<&str> = scope.split(' ').collect();
            assert_eq!(user["scopes"], json!(scopes));

            let renewed = client.user("manager.signinSilent()").await;
            assert_eq!(renewed["profile"]["sub"], user["profile"]["sub"]);
            let renews_by_token = scope.contains("offline_access");
            assert_eq!(renewed["refresh_token"].is_string(), renews_by_token);

            browser
                .leaves("manager.signoutRedirect();", Value::Null)
                .await;
            browser.is_at("/goodbye").await;
        })
        .await;
}

#[tokio::test]
async fn oidc_client_ts_at_nethealth_with_a_refresh_token() {
    let scope = "openid profile email patients.read offline_access";
    oidc_client("nethealth", "nethealth-native", "therapist", scope).await;
}

#[tokio::test]
async fn oidc_client_ts_at_nethealth_with_a_frame() {
    let scope = "openid profile patients.read";
    oidc_client("nethealth", "nethealth-native", "therapist", scope).await;
}

#[tokio::test]
async fn oidc_client_ts_at_clinic_with_a_refresh_token() {
    let scope = "openid profile patients:read offline_access";
    oidc_client("clinic", "clinic-spa", "receptionist", scope).await;
}

#[tokio::test]
async fn oidc_client_ts_at_clinic_with_a_frame() {
    let scope = "openid profile patients:read";
    oidc_client("clinic", "clinic-spa", "receptionist", scope).await;
}

/// OIDC Session Management: an application learns that the person has signed out elsewhere.
#[tokio::test]
async fn oidc_client_ts_watches_the_session() {
    let scene = Scene::start().await;
    scene.application.uses(OIDC_CLIENT);
    Kind::DESKTOP
        .browse(async |browser| {
            let client = OidcClient {
                browser,
                application: &scene.application,
                authority: scene.url("clinic", ""),
                client_id: "clinic-spa",
                scope: "openid profile",
            };
            client.signs_in("receptionist").await;
            tokio::time::sleep(std::time::Duration::from_millis(2500)).await;
            let heard = browser.does("return heard;", Value::Null).await;
            assert_eq!(heard, json!([]), "before anything has changed");

            let in_new_tab = async || {
                browser.open(&scene.url("clinic", "/sign-out")).await;
                browser.click("#sign-out-confirm").await;
                browser.find("main a.button").await;
            };
            browser.in_another_tab(in_new_tab).await;
            let body = "const end = Date.now() + 10_000;
                        while (!heard.length && Date.now() < end) {
                            await new Promise((resolve) => setTimeout(resolve, 100));
                        }
                        return heard;";
            let heard = browser.does(body, Value::Null).await;
            assert_eq!(heard, json!(["signed out"]));
        })
        .await;
}
