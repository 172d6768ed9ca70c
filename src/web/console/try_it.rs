//! A flow, tried out step by step: each request is sent to this very server, as a client would,
//! and shown with its answer.
//!
//! What is known so far (the client's secret, the code, the tokens) travels from page to page in a
//! field that only this server can open; nothing of it is kept.

use std::time::Duration;

use base64::Engine;
use base64::prelude::{BASE64_STANDARD, BASE64_URL_SAFE_NO_PAD as BASE64URL};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::Asked;
use super::desk::{Answer, Desk};
use super::pages::{
    Exchange, Message, NextStep, Problems, Section, TryItClient, TryItFields, TryItPage,
};
use crate::admin::rights::Permission;
use crate::admin::{AdminFault, AtIssuer};
use crate::dialect::Endpoint;
use crate::issuer::{Client, ClientKind};
use crate::protocol::{ClientAuthMethod, GrantType, parameter};
use crate::secret::{Digest, random_text};
use crate::store::ClientQuery;
use crate::web::Address;
use crate::web::visit::Fields;

/// How long a flow may take, in seconds.
const LIFETIME: i64 = 3600;
/// Clients that are offered; who has more types the ID.
const CLIENTS: i64 = 200;
/// Characters of a body that are shown.
const LONGEST_BODY: usize = 4000;
/// Exchanges that are remembered; more would not fit into a form.
const MOST_EXCHANGES: usize = 8;
const PATIENCE: Duration = Duration::from_secs(10);

/// Where a flow is.
#[derive(Serialize, Deserialize, Default, Clone)]
struct Flow {
    issuer: String,
    started_at: i64,
    client_id: String,
    client_secret: String,
    grant_type: String,
    scope: String,
    audience: String,
    verifier: String,
    code: String,
    access_token: String,
    refresh_token: String,
    exchanges: Vec<Kept>,
}

/// An exchange, as it travels.
#[derive(Serialize, Deserialize, Clone)]
struct Kept {
    title: String,
    words: String,
    request: KeptMessage,
    response: Option<KeptMessage>,
    has_failed: bool,
}

#[derive(Serialize, Deserialize, Clone)]
struct KeptMessage {
    line: String,
    headers: Vec<(String, String)>,
    body: String,
}

struct Trial<'d> {
    desk: &'d Desk<'d>,
    at: &'d AtIssuer<'d>,
    address: &'d Address,
    redirect_uri: String,
}

pub async fn try_it(desk: &Desk<'_>, asked: &Asked, form: Option<&Fields>) -> Answer {
    let at = desk.issuer().await?;
    at.require(Permission::ReadClients)?;
    let address = desk.address().await?;
    let base = desk
        .visit
        .app
        .hosting
        .public_url
        .as_str()
        .trim_end_matches('/');
    let trial = Trial {
        redirect_uri: format!("{base}{}", desk.frame(Section::TryIt).at("try-it")),
        desk,
        at: &at,
        address: &address,
    };
    match form {
        Some(fields) if fields.has("step") => trial.step(fields).await,
        Some(fields) => trial.begin(fields).await,
        None if !asked.query("state").is_empty() => trial.came_back(asked).await,
        None => {
            let fields = TryItFields {
                client_id: asked.query("client_id").to_owned(),
                grant_type: GrantType::ClientCredentials.as_str().to_owned(),
                ..TryItFields::default()
            };
            let page = trial
                .page(fields, Problems::default(), &Flow::default())
                .await?;
            Ok(desk.show(&page))
        }
    }
}

impl Trial<'_> {
    async fn begin(&self, fields: &Fields) -> Answer {
        let text = |name: &str| fields.text(name).trim().to_owned();
        let typed = TryItFields {
            client_id: text("client_id"),
            grant_type: text("grant_type"),
            scope: text("scope"),
            audience: text("audience"),
        };
        let mut problems = Problems::default();
        let client = self.client(&typed.client_id).await?;
        match &client {
            None => problems.add("client_id", "There is no such client, or it is disabled."),
            Some(client) if !client.is_public() && text("client_secret").is_empty() => {
                problems.add(
                    "client_secret",
                    "This client has a secret, which it must show.",
                );
            }
            Some(_) => {}
        }
        let grant_type = GrantType::find(&typed.grant_type);
        let grant_type = grant_type.filter(|grant| *grant != GrantType::RefreshToken);
        if grant_type.is_none() {
            problems.add("grant_type", "Choose one of these.");
        }
        let (Some(client), Some(grant_type)) = (client, grant_type) else {
            let page = self.page(typed, problems, &Flow::default()).await?;
            return Ok(self.desk.show_again(&page));
        };
        if !problems.is_empty() {
            let page = self.page(typed, problems, &Flow::default()).await?;
            return Ok(self.desk.show_again(&page));
        }
        let mut flow = Flow {
            issuer: self.at.issuer.name.clone(),
            started_at: self.desk.visit.now.unix(),
            client_id: typed.client_id.clone(),
            client_secret: text("client_secret"),
            grant_type: typed.grant_type.clone(),
            scope: typed.scope.clone(),
            audience: typed.audience.clone(),
            verifier: random_text(&self.desk.admin.core.entropy),
            ..Flow::default()
        };
        if grant_type == GrantType::ClientCredentials {
            self.token(
                &mut flow,
                &client,
                "Ask for a token",
                "The client shows who it is, and asks for itself.",
                &[("grant_type", "client_credentials")],
            )
            .await;
        } else {
            flow.exchanges.push(Kept {
                title: "Send the person to sign in".to_owned(),
                words: format!(
                    "The browser goes to the authorization endpoint. The client must have {} among its redirect URIs, to which the answer comes.",
                    self.redirect_uri
                ),
                request: KeptMessage {
                    line: format!("GET {}", self.authorization_url(&flow, "…")),
                    headers: Vec::new(),
                    body: String::new(),
                },
                response: None,
                has_failed: false,
            });
        }
        self.show(typed, &flow).await
    }

    /// The browser is back from the authorization endpoint.
    async fn came_back(&self, asked: &Asked) -> Answer {
        let Some(mut flow) = self.open(asked.query("state")) else {
            return self.too_old().await;
        };
        let answer: Vec<(String, String)> = asked
            .query
            .iter()
            .filter(|(name, _)| name != "state")
            .cloned()
            .collect();
        let query: Vec<String> = answer
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        let error = asked.query("error");
        asked.query("code").clone_into(&mut flow.code);
        flow.exchanges.push(Kept {
            title: "The answer comes back".to_owned(),
            words: if error.is_empty() {
                "The person has signed in, and the browser brings a code: worth nothing without the client and its verifier, and only once.".to_owned()
            } else {
                "The request was refused. The error says why.".to_owned()
            },
            request: KeptMessage {
                line: format!("GET {}?{}", self.redirect_uri, query.join("&")),
                headers: Vec::new(),
                body: String::new(),
            },
            response: None,
            has_failed: !error.is_empty(),
        });
        self.show(fields_of(&flow), &flow).await
    }

    async fn step(&self, fields: &Fields) -> Answer {
        let Some(mut flow) = self.open(fields.text("state")) else {
            return self.too_old().await;
        };
        let Some(client) = self.client(&flow.client_id).await? else {
            return self.too_old().await;
        };
        match fields.text("step") {
            "exchange" => {
                let (code, verifier) = (flow.code.clone(), flow.verifier.clone());
                let parameters = [
                    ("grant_type", "authorization_code"),
                    ("code", code.as_str()),
                    ("redirect_uri", self.redirect_uri.as_str()),
                    ("code_verifier", verifier.as_str()),
                ];
                self.token(
                    &mut flow,
                    &client,
                    "Exchange the code",
                    "The client proves that it is the one that asked: with its secret, if it has one, and with the verifier.",
                    &parameters,
                )
                .await;
                flow.code.clear();
            }
            "refresh" => {
                let refresh_token = flow.refresh_token.clone();
                let parameters = [
                    ("grant_type", "refresh_token"),
                    ("refresh_token", refresh_token.as_str()),
                ];
                self.token(
                    &mut flow,
                    &client,
                    "Refresh",
                    "New tokens without the person.",
                    &parameters,
                )
                .await;
            }
            "userinfo" => {
                let url = self.address.metadata.url(Endpoint::Userinfo);
                self.with_token(
                    &mut flow,
                    url,
                    "Ask who it is",
                    "The UserInfo endpoint says what the scopes allow to know of the person.",
                )
                .await;
            }
            "resource" => {
                let resource = self.at.issuer.settings.resources.first();
                let base = self.address.metadata.base();
                let url = resource.map(|resource| format!("{base}{}", resource.path));
                self.with_token(
                    &mut flow,
                    url.as_deref(),
                    "Call the sample API",
                    "An API looks at the token’s audience and scope.",
                )
                .await;
            }
            _ => {}
        }
        self.show(fields_of(&flow), &flow).await
    }

    async fn too_old(&self) -> Answer {
        let mut problems = Problems::default();
        problems.add("", "This flow is too old. Start again.");
        let page = self
            .page(TryItFields::default(), problems, &Flow::default())
            .await?;
        Ok(self.desk.show_again(&page))
    }

    async fn client(&self, client_id: &str) -> Result<Option<std::sync::Arc<Client>>, AdminFault> {
        let store = &self.desk.admin.core.store;
        Ok(store.find_client(self.at.issuer.id, client_id).await?)
    }

    /// Scope and audience, under the names that the dialect has for them.
    fn asked_for<'f>(&self, flow: &'f Flow) -> Vec<(&'static str, &'f str)> {
        let audience = self.address.issuer.dialect.audience.parameters.first();
        let named = [
            (Some(parameter::SCOPE), &flow.scope),
            (audience.map(|known| known.as_str()), &flow.audience),
        ];
        let given = named.into_iter().filter(|(_, value)| !value.is_empty());
        given
            .filter_map(|(name, value)| Some((name?, value.as_str())))
            .collect()
    }

    fn authorization_url(&self, flow: &Flow, state: &str) -> String {
        let endpoint = self.address.metadata.url(Endpoint::Authorization);
        let challenge = Digest::of(flow.verifier.as_bytes());
        let challenge = BASE64URL.encode(challenge.as_bytes());
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        query
            .append_pair("response_type", "code")
            .append_pair("client_id", &flow.client_id)
            .append_pair("redirect_uri", &self.redirect_uri)
            .append_pair("state", state)
            .append_pair("code_challenge", &challenge)
            .append_pair("code_challenge_method", "S256");
        query.extend_pairs(self.asked_for(flow));
        format!("{}?{}", endpoint.unwrap_or_default(), query.finish())
    }

    /// Asks the token endpoint.
    async fn token(
        &self,
        flow: &mut Flow,
        client: &Client,
        title: &str,
        words: &str,
        parameters: &[(&str, &str)],
    ) {
        let policy = &self.address.issuer.dialect.token_request;
        let is_in_header =
            client.usual_auth_method(policy) == Some(ClientAuthMethod::ClientSecretBasic);
        let mut headers = vec![(
            "Content-Type".to_owned(),
            "application/x-www-form-urlencoded".to_owned(),
        )];
        let mut all: Vec<(&str, &str)> = parameters.to_vec();
        if flow.client_secret.is_empty() || !is_in_header {
            all.push(("client_id", &flow.client_id));
        }
        if !flow.client_secret.is_empty() && !is_in_header {
            all.push(("client_secret", &flow.client_secret));
        }
        if parameters.first() == Some(&("grant_type", "client_credentials")) {
            all.extend(self.asked_for(flow));
        }
        let mut body = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in &all {
            body.append_pair(name, value);
        }
        let body = body.finish();
        if !flow.client_secret.is_empty() && is_in_header {
            let pair = policy.basic_pair(&flow.client_id, &flow.client_secret);
            headers.push((
                "Authorization".to_owned(),
                format!("Basic {}", BASE64_STANDARD.encode(pair)),
            ));
        }
        let url = self
            .address
            .metadata
            .url(Endpoint::Token)
            .unwrap_or_default();
        let (response, has_failed) = self.send("POST", url, &headers, &body).await;
        if let Ok(answer) = serde_json::from_str::<Json>(&response.body) {
            for (name, kept) in [
                ("access_token", &mut flow.access_token),
                ("refresh_token", &mut flow.refresh_token),
            ] {
                if let Some(token) = answer[name].as_str() {
                    token.clone_into(kept);
                }
            }
        }
        flow.exchanges.push(Kept {
            title: title.to_owned(),
            words: words.to_owned(),
            request: KeptMessage {
                line: format!("POST {url}"),
                // What is shown on a screen may be seen by others.
                headers: headers.into_iter().map(hidden).collect(),
                body: hide(&body, &flow.client_secret),
            },
            response: Some(response),
            has_failed,
        });
    }

    async fn with_token(&self, flow: &mut Flow, url: Option<&str>, title: &str, words: &str) {
        let Some(url) = url else { return };
        let headers = vec![(
            "Authorization".to_owned(),
            format!("Bearer {}", flow.access_token),
        )];
        let (response, has_failed) = self.send("GET", url, &headers, "").await;
        flow.exchanges.push(Kept {
            title: title.to_owned(),
            words: words.to_owned(),
            request: KeptMessage {
                line: format!("GET {url}"),
                headers,
                body: String::new(),
            },
            response: Some(response),
            has_failed,
        });
    }

    /// Sends a request to this server itself, whatever stands in front of it.
    async fn send(
        &self,
        method: &str,
        url: &str,
        headers: &[(String, String)],
        body: &str,
    ) -> (KeptMessage, bool) {
        match self.exchange(method, url, headers, body).await {
            Ok((message, is_success)) => (message, !is_success),
            Err(error) => {
                tracing::warn!(%error, "this server could not ask itself");
                let message = KeptMessage {
                    line: "No answer".to_owned(),
                    headers: Vec::new(),
                    body: "The server could not reach itself.".to_owned(),
                };
                (message, true)
            }
        }
    }

    async fn exchange(
        &self,
        method: &str,
        url: &str,
        headers: &[(String, String)],
        body: &str,
    ) -> Result<(KeptMessage, bool), Box<dyn std::error::Error>> {
        let public = url::Url::parse(url)?;
        let host = public.host_str().unwrap_or_default();
        let host = match public.port() {
            Some(port) => format!("{host}:{port}"),
            None => host.to_owned(),
        };
        let own = format!(
            "http://{}{}",
            self.desk.visit.app.own_address,
            public.path()
        );
        let client = reqwest::Client::builder()
            .timeout(PATIENCE)
            .redirect(reqwest::redirect::Policy::none())
            .no_proxy()
            .build()?;
        let method = reqwest::Method::from_bytes(method.as_bytes())?;
        let mut request = client.request(method, own).header("Host", host);
        for (name, value) in headers {
            request = request.header(name, value);
        }
        let response = request.body(body.to_owned()).send().await?;
        let status = response.status();
        let headers = response
            .headers()
            .iter()
            .map(|(name, value)| {
                let value = String::from_utf8_lossy(value.as_bytes()).into_owned();
                (name.as_str().to_owned(), value)
            })
            .collect();
        let text = response.text().await?;
        let message = KeptMessage {
            line: status.to_string(),
            headers,
            body: text.chars().take(LONGEST_BODY).collect(),
        };
        Ok((message, status.is_success()))
    }

    async fn show(&self, fields: TryItFields, flow: &Flow) -> Answer {
        let page = self.page(fields, Problems::default(), flow).await?;
        Ok(self.desk.show(&page))
    }

    async fn page(
        &self,
        fields: TryItFields,
        problems: Problems,
        flow: &Flow,
    ) -> Result<TryItPage<'_>, AdminFault> {
        let query = ClientQuery {
            limit: CLIENTS,
            ..ClientQuery::default()
        };
        let clients = self.at.list_clients(&query).await?;
        let is_enabled = |record: &&crate::issuer::ClientRecord| !record.client.is_disabled;
        let dialect = &self.address.issuer.dialect;
        let grant_types = [GrantType::ClientCredentials, GrantType::AuthorizationCode];
        Ok(TryItPage {
            frame: self.desk.frame(Section::TryIt),
            clients: clients
                .iter()
                .filter(is_enabled)
                .map(|record| TryItClient {
                    client_id: record.client.client_id.clone(),
                    name: match record.client.kind {
                        ClientKind::Machine => format!("{} (machine)", record.client.client_name),
                        _ => record.client.client_name.clone(),
                    },
                })
                .collect(),
            takes_audience: !self.address.issuer.dialect.audience.parameters.is_empty(),
            grant_types: grant_types
                .into_iter()
                .filter(|grant| dialect.serves(*grant))
                .collect(),
            fields,
            problems,
            exchanges: flow.exchanges.iter().map(Exchange::from).collect(),
            next: self.next(flow),
            state: self.seal(flow),
            redirect_uri: self.redirect_uri.clone(),
        })
    }

    fn next(&self, flow: &Flow) -> Vec<NextStep> {
        let mut next = Vec::new();
        let mut offer = |value: &str, title: &str, words: &str, href: Option<String>| {
            next.push(NextStep {
                value: value.to_owned(),
                title: title.to_owned(),
                words: words.to_owned(),
                href,
            });
        };
        let has_failed = flow.exchanges.last().is_some_and(|last| last.has_failed);
        if flow.exchanges.len() >= MOST_EXCHANGES {
            return next;
        }
        let is_for_users = flow.grant_type == GrantType::AuthorizationCode.as_str();
        if flow.exchanges.len() == 1 && is_for_users && flow.code.is_empty() {
            let url = self.authorization_url(
                flow,
                &self.seal(&Flow {
                    exchanges: Vec::new(),
                    ..flow.clone()
                }),
            );
            let words = "The browser goes there now, and comes back here.";
            offer("", "Go to sign in", words, Some(url));
        }
        if !flow.code.is_empty() && !has_failed {
            offer(
                "exchange",
                "Exchange the code",
                "A request from server to server.",
                None,
            );
        }
        if !flow.access_token.is_empty() {
            if is_for_users && self.address.metadata.url(Endpoint::Userinfo).is_some() {
                offer("userinfo", "Call UserInfo", "With the access token.", None);
            }
            if !self.at.issuer.settings.resources.is_empty() {
                offer(
                    "resource",
                    "Call the sample API",
                    "With the access token.",
                    None,
                );
            }
        }
        if !flow.refresh_token.is_empty() {
            offer("refresh", "Refresh", "With the refresh token.", None);
        }
        next
    }

    fn seal(&self, flow: &Flow) -> String {
        let plain = serde_json::to_vec(flow).unwrap_or_default();
        let core = &self.desk.admin.core;
        let secret_key = &self.desk.visit.app.hosting.keyring.secret_key;
        secret_key
            .seal(&plain, &self.context(), &core.entropy)
            .map(|sealed| BASE64URL.encode(sealed))
            .unwrap_or_default()
    }

    /// `None` for what was not sealed here, for this administrator, within the hour.
    fn open(&self, text: &str) -> Option<Flow> {
        let sealed = BASE64URL.decode(text).ok()?;
        let secret_key = &self.desk.visit.app.hosting.keyring.secret_key;
        let plain = secret_key.open(&sealed, &self.context()).ok()?;
        let flow: Flow = serde_json::from_slice(&plain).ok()?;
        let age = self.desk.visit.now.unix() - flow.started_at;
        let is_own = flow.issuer == self.at.issuer.name && (0..LIFETIME).contains(&age);
        is_own.then_some(flow)
    }

    /// What a sealed flow is bound to.
    fn context(&self) -> Vec<u8> {
        let user = self
            .desk
            .visit
            .current()
            .map(|held| held.signed_in.user.id.0);
        let user = user.unwrap_or_default();
        [b"try it ".as_slice(), user.as_bytes()].concat()
    }
}

impl From<&Kept> for Exchange {
    fn from(kept: &Kept) -> Self {
        Self {
            title: kept.title.clone(),
            words: kept.words.clone(),
            request: Message::from(&kept.request),
            response: kept.response.as_ref().map(Message::from),
            has_failed: kept.has_failed,
        }
    }
}

impl From<&KeptMessage> for Message {
    fn from(kept: &KeptMessage) -> Self {
        Self {
            line: kept.line.clone(),
            headers: kept.headers.clone(),
            body: kept.body.clone(),
        }
    }
}

fn fields_of(flow: &Flow) -> TryItFields {
    TryItFields {
        client_id: flow.client_id.clone(),
        grant_type: flow.grant_type.clone(),
        scope: flow.scope.clone(),
        audience: flow.audience.clone(),
    }
}

fn hidden((name, value): (String, String)) -> (String, String) {
    if name == "Authorization" {
        let scheme = value.split(' ').next().unwrap_or_default();
        return (name, format!("{scheme} …"));
    }
    (name, value)
}

fn hide(body: &str, secret: &str) -> String {
    if secret.is_empty() {
        return body.to_owned();
    }
    let encoded: String = url::form_urlencoded::byte_serialize(secret.as_bytes()).collect();
    body.replace(&format!("client_secret={encoded}"), "client_secret=…")
}
