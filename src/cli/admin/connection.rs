use std::time::Duration;

use reqwest::header::{AUTHORIZATION, CONTENT_TYPE, ETAG, IF_MATCH};
use serde_json::Value as Json;
use url::Url;

use super::{Target, read_secret};
use crate::admin::api::{self, ApiRequest, BASE};
use crate::admin::rights::Rights;
use crate::admin::system::CONSOLE;
use crate::admin::{Admin, signing_keys};
use crate::audit::Actor;
use crate::cli::{Failed, fail, misused, running};
use crate::clock::Clock;
use crate::config::ConfigFile;
use crate::entropy::Entropy;
use crate::issuer::RegisteredBy;
use crate::keys::{Keyring, SecretKey};
use crate::oauth::Core;
use crate::production;
use crate::protocol::is_loopback_http;
use crate::secret::Secret;
use crate::store::{Store, StoreError};

/// Who answers.
pub enum Connection {
    /// The database, in this process.
    Database(Box<Local>),
    /// A running server.
    Server(Remote),
}

pub struct Local {
    pub core: Core,
    pub keyring: Keyring,
}

pub struct Remote {
    client: reqwest::Client,
    base: Url,
    token: Secret,
}

/// What came back.
struct Reply {
    status: u16,
    etag: Option<String>,
    body: Json,
}

/// No answer takes longer, unless the server is gone.
const PATIENCE: Duration = Duration::from_secs(30);

impl Connection {
    pub async fn open(target: &Target) -> Result<Self, Failed> {
        match &target.server {
            Some(server) => remote(server, target).map(Self::Server),
            None => {
                let file = running::quietly(ConfigFile::at(target.config.as_deref())?)?;
                let local = Local::open(&file).await?;
                Ok(Self::Database(Box::new(local)))
            }
        }
    }

    pub async fn get(&self, path: &str) -> Result<Json, Failed> {
        Ok(self.ask("GET", path, None, None).await?.body)
    }

    /// Every item of a list, page by page.
    pub async fn list(&self, path: &str, parameters: &[(&str, &str)]) -> Result<Json, Failed> {
        let mut items = Vec::new();
        let mut after = String::new();
        loop {
            let mut all = parameters.to_vec();
            all.push(("after", &after));
            let mut page = self.get(&super::with_query(path, &all)).await?;
            if let Some(Json::Array(more)) = page.get_mut("items").map(Json::take) {
                items.extend(more);
            }
            match page["next"].as_str() {
                None => return Ok(Json::Array(items)),
                Some(next) => after = next.to_owned(),
            }
        }
    }

    pub async fn send(&self, method: &str, path: &str, body: &Json) -> Result<Json, Failed> {
        Ok(self.ask(method, path, None, Some(body)).await?.body)
    }

    /// Changes something as it is now: reads at `read`, and sends to `path` with the revision that
    /// was read, so that nobody's change in between is overwritten.
    pub async fn change(
        &self,
        read: &str,
        method: &str,
        path: &str,
        body: Option<&Json>,
    ) -> Result<Json, Failed> {
        let current = self.ask("GET", read, None, None).await?;
        let etag = current.etag.unwrap_or_else(|| "*".to_owned());
        Ok(self.ask(method, path, Some(etag), body).await?.body)
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        if_match: Option<String>,
        body: Option<&Json>,
    ) -> Result<Reply, Failed> {
        let reply = match self {
            Self::Database(local) => local.ask(method, path, if_match, body).await?,
            Self::Server(remote) => remote.ask(method, path, if_match, body).await?,
        };
        if (200..300).contains(&reply.status) {
            return Ok(reply);
        }
        Err(fail(problem(&reply)))
    }
}

/// A problem (RFC 9457) in words.
fn problem(reply: &Reply) -> String {
    let errors = reply.body["errors"].as_array().into_iter().flatten();
    let lines: Vec<String> = errors
        .map(|error| {
            let pointer = super::text(error, "pointer").trim_start_matches("#/");
            let place = [pointer, super::text(error, "parameter")].concat();
            format!("{place}: {}", super::text(error, "detail"))
        })
        .collect();
    match (&lines[..], reply.body["detail"].as_str()) {
        ([only], _) => only.clone(),
        ([], None) => format!(
            "the server answered {}: is --server the address of a Locum?",
            reply.status
        ),
        (_, detail) => {
            let mut text = detail.unwrap_or_default().to_owned();
            for line in lines {
                text.push_str("\n  ");
                text.push_str(&line);
            }
            text
        }
    }
}

impl Local {
    /// Opens the database that the configuration names, which has to be there: who reads from one
    /// that was made a moment ago is told that all is well with nothing.
    pub async fn open(file: &ConfigFile) -> Result<Self, Failed> {
        Self::with(file, Store::open_existing).await
    }

    /// Opens it, and makes it if there is none.
    pub async fn open_or_make(file: &ConfigFile) -> Result<Self, Failed> {
        Self::with(file, Store::open).await
    }

    async fn with(
        file: &ConfigFile,
        open: impl AsyncFnOnce(&str) -> Result<Store, StoreError>,
    ) -> Result<Self, Failed> {
        let url = production::database_url(file).map_err(misused)?;
        let secret = production::secret_key(file).map_err(misused)?;
        let secret_key = SecretKey::derive(&secret).map_err(fail)?;
        let store = open(&url).await.map_err(fail)?;
        check_secret_key(&store, &secret_key).await?;
        let (clock, entropy) = (Clock::System, Entropy::System);
        Ok(Self {
            core: Core::new(store, &secret_key, clock, entropy, false),
            keyring: Keyring::new(secret_key),
        })
    }

    /// Whoever has the database may do everything.
    pub fn admin(&self) -> Admin<'_> {
        Admin::new(
            &self.core,
            &self.keyring,
            Actor {
                // Who it says it is; who could lie about it could also write to the database.
                name: std::env::var("USER").unwrap_or_default(),
                ..Actor::command_line()
            },
            Rights::Everything,
            RegisteredBy::CommandLine,
        )
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        if_match: Option<String>,
        body: Option<&Json>,
    ) -> Result<Reply, Failed> {
        let (path, query) = path.split_once('?').unwrap_or((path, ""));
        let query = url::form_urlencoded::parse(query.as_bytes());
        let request = ApiRequest {
            method: method.to_owned(),
            path: path.to_owned(),
            query: query.into_owned().collect(),
            if_match,
            if_none_match: None,
            body: body
                .map(|body| body.to_string().into_bytes())
                .unwrap_or_default(),
        };
        let answer = api::answer(&self.admin(), request).await;
        Ok(Reply {
            status: answer.status,
            etag: answer.etag,
            body: answer.body.unwrap_or_default(),
        })
    }
}

/// Where a server is, to which secrets may be sent.
pub fn server_url(server: &str) -> Result<Url, Failed> {
    let url =
        Url::parse(server).map_err(|error| misused(format!("--server {server:?}: {error}")))?;
    match url.scheme() {
        "https" => Ok(url),
        "http" if is_loopback_http(server) => Ok(url),
        _ => Err(misused(
            "--server: over http everybody on the way could read secrets; expected an https:// URL",
        )),
    }
}

/// What asks a server: it follows no redirects, which would take secrets elsewhere.
pub fn http_client() -> Result<reqwest::Client, Failed> {
    reqwest::Client::builder()
        .timeout(PATIENCE)
        .redirect(reqwest::redirect::Policy::none())
        .build()
        .map_err(fail)
}

/// Under another secret key, what is written here would be worth nothing to the server: it could
/// not open the keys, and would take the audit log for altered.
async fn check_secret_key(store: &Store, secret_key: &SecretKey) -> Result<(), Failed> {
    let Some(console) = store.find_issuer(CONSOLE).await.map_err(fail)? else {
        return Ok(());
    };
    for key in store.list_signing_keys(console.id).await.map_err(fail)? {
        if signing_keys::open(secret_key, console.id, &key).is_err() {
            return Err(fail(
                "secret_key is not the one that this database's keys are sealed under: use the one its server has",
            ));
        }
    }
    Ok(())
}

fn remote(server: &str, target: &Target) -> Result<Remote, Failed> {
    let base = server_url(server)?;
    let token = match (&target.token_file, std::env::var("LOCUM_TOKEN")) {
        (Some(path), _) => read_secret(path)?,
        (None, Ok(token)) => Secret::new(token),
        (None, Err(_)) => {
            return Err(misused(
                "--server needs an access token: name a file in --token-file, or set LOCUM_TOKEN; `locum token` gets one",
            ));
        }
    };
    Ok(Remote {
        client: http_client()?,
        base,
        token,
    })
}

impl Remote {
    fn stranger(&self) -> String {
        format!(
            "{} answers, but not as an admin API: --server takes a Locum's own address, like https://id.example, without the path of an issuer",
            self.base
        )
    }

    async fn ask(
        &self,
        method: &str,
        path: &str,
        if_match: Option<String>,
        body: Option<&Json>,
    ) -> Result<Reply, Failed> {
        let url = format!("{}{BASE}{path}", self.base.as_str().trim_end_matches('/'));
        let method = reqwest::Method::from_bytes(method.as_bytes()).map_err(fail)?;
        let mut request = self
            .client
            .request(method, url)
            .header(AUTHORIZATION, format!("Bearer {}", self.token.expose()));
        if let Some(etag) = if_match {
            request = request.header(IF_MATCH, etag);
        }
        if let Some(body) = body {
            request = request
                .header(CONTENT_TYPE, "application/json")
                .body(body.to_string());
        }
        let unreachable =
            |error: reqwest::Error| fail(format!("{} does not answer: {error}", self.base));
        let response = request.send().await.map_err(unreachable)?;
        let etag = response.headers().get(ETAG);
        let etag = etag.and_then(|etag| etag.to_str().ok()).map(str::to_owned);
        let status = response.status().as_u16();
        let text = response.text().await.map_err(unreachable)?;
        let is_success = (200..300).contains(&status);
        let body = match serde_json::from_str(&text) {
            Ok(body @ Json::Object(_)) => body,
            _ if text.is_empty() || !is_success => Json::Null,
            _ => return Err(fail(self.stranger())),
        };
        Ok(Reply { status, etag, body })
    }
}
