use serde::{Deserialize, Serialize};

/// `response_mode`: how the answer to an authorization request travels.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ResponseMode {
    /// In the query of the redirect URI (OAuth 2.0 Multiple Response Types §2.1).
    Query,
    /// In its fragment.
    Fragment,
    /// As a form that the browser posts (OAuth 2.0 Form Post Response Mode).
    FormPost,
    /// As a message to the window that opened or embeds the page, as Auth0's SDKs renew tokens.
    WebMessage,
}

impl ResponseMode {
    pub const ALL: [Self; 4] = [
        Self::Query,
        Self::Fragment,
        Self::FormPost,
        Self::WebMessage,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Query => "query",
            Self::Fragment => "fragment",
            Self::FormPost => "form_post",
            Self::WebMessage => "web_message",
        }
    }

    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|mode| mode.as_str() == name)
    }
}
