use askama::Template;

use super::{ConsoleFrame, Problems};
use crate::protocol::GrantType;

/// A flow, one request after the other.
///
/// The first form posts `client_id`, `client_secret`, `grant_type`, `scope`, `audience` to
/// `…/try-it`; each next one posts `step` and the hidden `state` there.
#[derive(Template)]
#[template(path = "console/try_it.html")]
pub struct TryItPage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub clients: Vec<TryItClient>,
    pub grant_types: Vec<GrantType>,
    pub fields: TryItFields,
    /// Whether a request can name an audience at all.
    pub takes_audience: bool,
    pub problems: Problems,
    /// What has been asked and answered so far.
    pub exchanges: Vec<Exchange>,
    pub next: Vec<NextStep>,
    /// Where the flow is, sealed.
    pub state: String,
    /// To be registered with the client, for a flow with sign-in.
    pub redirect_uri: String,
}

#[derive(Debug, Clone)]
pub struct TryItClient {
    pub client_id: String,
    pub name: String,
}

#[derive(Debug, Clone, Default)]
pub struct TryItFields {
    pub client_id: String,
    pub grant_type: String,
    pub scope: String,
    pub audience: String,
}

#[derive(Debug, Clone)]
pub struct Exchange {
    /// "Ask for a token"
    pub title: String,
    /// What happens here, and why.
    pub words: String,
    pub request: Message,
    /// `None` for what the browser itself will ask.
    pub response: Option<Message>,
    pub has_failed: bool,
}

/// An HTTP message.
#[derive(Debug, Clone)]
pub struct Message {
    /// `POST https://…/token`, `200 OK`
    pub line: String,
    pub headers: Vec<(String, String)>,
    pub body: String,
}

impl Message {
    /// As a person would write it down.
    pub fn text(&self) -> String {
        let mut text = self.line.clone();
        for (name, value) in &self.headers {
            text.push_str(&format!("\n{name}: {value}"));
        }
        if !self.body.is_empty() {
            text.push_str("\n\n");
            text.push_str(&self.body);
        }
        text
    }
}

/// What can be done next.
#[derive(Debug, Clone)]
pub struct NextStep {
    /// The value of `step`.
    pub value: String,
    /// "Call UserInfo"
    pub title: String,
    pub words: String,
    /// A link for the browser to follow, instead of a form.
    pub href: Option<String>,
}

impl TryItPage<'_> {
    pub fn is_client(&self, client_id: &str) -> bool {
        self.fields.client_id == client_id
    }

    /// Value, words, more words, and whether it is chosen.
    pub fn grant_type_choices(&self) -> Vec<(&'static str, &'static str, &'static str, bool)> {
        let grant_types = self.grant_types.iter().map(|&grant_type| {
            let value = grant_type.as_str();
            let (title, hint) = super::words::grant_type(grant_type);
            (value, title, hint, self.fields.grant_type == value)
        });
        grant_types.collect()
    }
}
