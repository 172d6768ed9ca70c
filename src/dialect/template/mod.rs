//! Templates: how a dialect file says what an answer, a header or a token looks like.
//!
//! A template is a TOML value in which strings may hold `{word}` placeholders:
//!
//! - A string that is one placeholder keeps its word's own type: `expires_in = "{expires_in}"`
//!   is a number, `aud = "{audience}"` an array. With other text around it is a string:
//!   `sub = "{client_id}@clients"`.
//! - `{word|filter}` says how a value is written: `{expires_in|milliseconds}`,
//!   `{expires_at|iso8601}`, `{scope|list}`. [`Filter`] has them all.
//! - A member whose value is absent is left out. `{word?}` also leaves it out when it is empty.
//! - `{{` and `}}` stand for the braces themselves.
//! - A member named `...` stands for all members of its word: `"..." = "{user_claims}"`. Members
//!   that the template names itself are not overwritten.
//!
//! Members come out in the order of the file.

mod filter;
mod json;
mod placeholder;
mod text;

use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use crate::clock::Timestamp;

pub use filter::Filter;
pub use json::{BodyTemplate, JsonTemplate};
pub use text::TextTemplate;

/// What a word stands for when a template is rendered.
#[derive(Debug, Clone)]
pub enum Value<'a> {
    Absent,
    Text(Cow<'a, str>),
    Number(i64),
    /// Rendered as text between spaces, the way OAuth writes a scope.
    Words(&'a [String]),
    /// Rendered as an array.
    List(Cow<'a, [String]>),
    /// Rendered as seconds since 1970.
    Instant(Timestamp),
    /// A time span in seconds.
    Seconds(i64),
    /// The members of an object, for a member named `...`.
    Members(Cow<'a, Map<String, Json>>),
    /// Anything else, written as it is.
    Json(Cow<'a, Json>),
}

impl<'a> Value<'a> {
    pub fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    pub fn optional(text: Option<&'a str>) -> Self {
        text.map_or(Self::Absent, Self::text)
    }

    pub fn json(json: impl Into<Json>) -> Self {
        Self::Json(Cow::Owned(json.into()))
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Absent => true,
            Self::Text(text) => text.is_empty(),
            Self::Words(items) => items.is_empty(),
            Self::List(items) => items.is_empty(),
            Self::Members(members) => members.is_empty(),
            Self::Json(json) => match &**json {
                Json::Null => true,
                Json::Array(items) => items.is_empty(),
                Json::Object(members) => members.is_empty(),
                Json::Bool(_) | Json::Number(_) | Json::String(_) => false,
            },
            Self::Number(_) | Self::Instant(_) | Self::Seconds(_) => false,
        }
    }
}

/// The type of a word, so that a filter that makes no sense is refused when the file is read.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    Text,
    Number,
    Words,
    List,
    Instant,
    Seconds,
    Members,
    Json,
}

/// The words one place in a dialect file may use.
pub trait Vocabulary: Copy + PartialEq + Send + Sync + 'static {
    /// Where these words are used, for error messages: "a token claim".
    const PLACE: &'static str;
    const WORDS: &'static [(&'static str, Self, Kind)];
}

/// Gives the words their values.
pub trait Lookup<W> {
    fn value(&self, word: W) -> Value<'_>;
}
