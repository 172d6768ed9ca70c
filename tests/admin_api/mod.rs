//! The admin API over HTTP: every answer is held against the OpenAPI document.

mod bad_input;
mod concurrency;
mod document;
mod effects;
mod pages;
mod permissions;

use std::ops::Deref;
use std::pin::Pin;

use locum::admin::api::BASE;
use locum::admin::system::{SERVER_AUDIENCE, issuer_audience};
use serde_json::{Value, json};

use crate::support::http::{Answer, Peer, Request};
use crate::support::servers::Fixture;
use crate::support::user::form;
use document::Contract;

/// Somebody with an access token.
#[derive(Clone)]
pub struct Api {
    pub peer: Peer,
    pub token: Option<String>,
}

/// What was answered; it is as the OpenAPI document says.
pub struct Reply {
    answer: Answer,
}

type Replying<'a> = Pin<Box<dyn Future<Output = Reply> + Send + 'a>>;

impl Deref for Reply {
    type Target = Answer;

    fn deref(&self) -> &Answer {
        &self.answer
    }
}

impl Reply {
    pub fn etag(&self) -> String {
        self.header("etag").expect("an ETag").to_owned()
    }

    /// A problem whose type ends like this.
    pub fn problem(&self, status: u16, code: &str) -> Value {
        self.is(status);
        let problem = self.json();
        assert_eq!(
            problem["type"],
            format!("/api/v1/docs#problem-{code}"),
            "{problem}"
        );
        problem
    }

    /// A 422 about one place.
    pub fn wrong(&self, place: &str) -> String {
        let problem = self.problem(422, "invalid");
        let errors = problem["errors"].as_array().unwrap();
        let found = errors
            .iter()
            .find(|error| error["pointer"] == place || error["parameter"] == place);
        let found = found.unwrap_or_else(|| panic!("nothing about {place} in {problem}"));
        found["detail"].as_str().unwrap().to_owned()
    }
}

/// How a client of the console asks for a token.
pub fn token_request(client: &str, secret: &str, audience: &str, scope: Option<&str>) -> Request {
    let mut fields = vec![("grant_type", "client_credentials"), ("resource", audience)];
    if let Some(scope) = scope {
        fields.push(("scope", scope));
    }
    Request::post("/console/oauth2/token")
        .basic(client, secret)
        .form(form(&fields))
}

impl Api {
    pub fn anonymous(peer: Peer) -> Self {
        Self { peer, token: None }
    }

    pub fn with_token(peer: Peer, token: &str) -> Self {
        let token = Some(token.to_owned());
        Self { peer, token }
    }

    /// Everything that can be done at an issuer.
    pub async fn at(peer: Peer, issuer: &str) -> Self {
        Self::narrow(peer, &issuer_audience(issuer), None).await
    }

    /// Everything that can be done at the server.
    pub async fn at_server(peer: Peer) -> Self {
        Self::narrow(peer, SERVER_AUDIENCE, None).await
    }

    /// Some of what the demo client for this may do.
    pub async fn narrow(peer: Peer, audience: &str, scope: Option<&str>) -> Self {
        let request = token_request("admin-api", "admin-api-secret", audience, scope);
        let token = peer.send(request).await.access_token();
        Self::with_token(peer, &token)
    }

    /// `path` is below `/api/v1`.
    pub fn send(&self, mut request: Request) -> Replying<'_> {
        let (method, path) = (request.method.clone(), request.path.clone());
        request.path = format!("{BASE}{path}");
        if let Some(token) = &self.token {
            request = request.header("Authorization", format!("Bearer {token}"));
        }
        let bytes = request.bytes(self.peer.port);
        // Tests are long, and so would their futures be on the stack.
        Box::pin(async move {
            let answer = self.peer.send_bytes(&bytes).await;
            let answer = answer.unwrap_or_else(|error| panic!("{method} {path}: {error}"));
            if let Some(token) = &self.token {
                assert!(!answer.body.contains(token), "the token came back");
            }
            Contract::get().check(&method, &path, &answer);
            Reply { answer }
        })
    }

    pub fn get(&self, path: &str) -> Replying<'_> {
        self.send(Request::get(path))
    }

    pub fn post(&self, path: &str, body: &Value) -> Replying<'_> {
        self.send(Request::post(path).json(body.to_string()))
    }

    /// A change to whatever it is now.
    pub fn change(&self, method: &str, path: &str, body: Option<&Value>) -> Replying<'_> {
        self.change_from(method, path, "*", body)
    }

    pub fn change_from(
        &self,
        method: &str,
        path: &str,
        etag: &str,
        body: Option<&Value>,
    ) -> Replying<'_> {
        let mut request = Request::new(method, path).header("If-Match", etag);
        if let Some(body) = body {
            request = request.json(body.to_string());
        }
        self.send(request)
    }

    pub fn patch(&self, path: &str, body: &Value) -> Replying<'_> {
        self.change("PATCH", path, Some(body))
    }

    pub fn delete(&self, path: &str) -> Replying<'_> {
        self.change("DELETE", path, None)
    }

    /// The ID of the thing in a list that has this member.
    pub async fn id_of(&self, list: &str, member: &str, value: &str) -> String {
        let items = self.get(&format!("{list}?")).await.is(200).json();
        let mut items = items["items"].as_array().unwrap().iter();
        let found = items.find(|item| item[member] == value);
        let found = found.unwrap_or_else(|| panic!("no {value} in {list}"));
        found["id"].as_str().unwrap().to_owned()
    }
}

/// A server, and somebody who may do everything at its demo clinic.
pub async fn clinic() -> (Fixture, Api) {
    let fixture = Fixture::start().await;
    let api = Api::at(fixture.peer(), "clinic").await;
    (fixture, api)
}

pub fn machine(client_id: &str) -> Value {
    json!({ "client_id": client_id, "kind": "machine" })
}
