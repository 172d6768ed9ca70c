use std::borrow::Cow;

use serde_json::{Map, Value as Json};

use super::{Kind, Value};
use crate::protocol::origin;

/// How a value is written, where that differs from its type's own way.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Filter {
    /// A time span or instant in thousandths of a second.
    Milliseconds,
    /// An instant as `2026-11-22T09:30:00Z`.
    Iso8601,
    /// A scope as an array.
    List,
    /// An array with one member as that member alone, and left out when it has none.
    OneOrList,
    /// The first member of a list or scope.
    First,
    /// A list as text between spaces.
    Joined,
    /// A list or scope as text between commas.
    Commas,
    /// A number as a string.
    Text,
    /// A time span less one second: what a server says that counts the time already passed.
    LessOne,
    /// The scheme, host and port of a URI.
    Origin,
    /// What is absent as empty: `""`, `[]`, `{}`.
    OrEmpty,
    /// What is absent or empty as `null`.
    OrNull,
    /// What is absent as `none`.
    OrNone,
}

pub(super) const FILTERS: &[(&str, Filter, &[Kind])] = &[
    (
        "milliseconds",
        Filter::Milliseconds,
        &[Kind::Instant, Kind::Seconds],
    ),
    ("iso8601", Filter::Iso8601, &[Kind::Instant]),
    ("list", Filter::List, &[Kind::Words, Kind::List]),
    ("one_or_list", Filter::OneOrList, &[Kind::Words, Kind::List]),
    ("first", Filter::First, &[Kind::Words, Kind::List]),
    ("joined", Filter::Joined, &[Kind::Words, Kind::List]),
    ("commas", Filter::Commas, &[Kind::Words, Kind::List]),
    (
        "text",
        Filter::Text,
        &[Kind::Number, Kind::Seconds, Kind::Instant],
    ),
    ("less_one", Filter::LessOne, &[Kind::Seconds]),
    ("origin", Filter::Origin, &[Kind::Text]),
    ("or_empty", Filter::OrEmpty, MAY_BE_EMPTY),
    ("or_null", Filter::OrNull, MAY_BE_EMPTY),
    ("or_none", Filter::OrNone, &[Kind::Text]),
];

const MAY_BE_EMPTY: &[Kind] = &[Kind::Text, Kind::Words, Kind::List, Kind::Json];

impl Filter {
    /// `kind` is that of the word, whose value may be absent.
    pub(super) fn apply<'a>(self, value: Value<'a>, kind: Kind) -> Value<'a> {
        let items = |value: &Value<'a>| -> Option<Cow<'a, [String]>> {
            match value {
                Value::Words(items) => Some(Cow::Borrowed(items)),
                Value::List(items) => Some(items.clone()),
                _ => None,
            }
        };
        match (self, value) {
            (Self::Milliseconds, Value::Seconds(span)) => Value::Number(span.saturating_mul(1000)),
            (Self::Milliseconds, Value::Instant(at)) => {
                Value::Number(at.unix().saturating_mul(1000))
            }
            (Self::Iso8601, Value::Instant(at)) => Value::Text(Cow::Owned(at.rfc3339())),
            (Self::LessOne, Value::Seconds(span)) => Value::Seconds((span - 1).max(0)),
            (Self::List, value) => items(&value).map_or(value, Value::List),
            (Self::Text, Value::Number(number) | Value::Seconds(number)) => {
                Value::Text(Cow::Owned(number.to_string()))
            }
            (Self::Text, Value::Instant(at)) => Value::Text(Cow::Owned(at.unix().to_string())),
            (Self::Commas, value) => match items(&value) {
                Some(items) => Value::Text(Cow::Owned(items.join(","))),
                None => value,
            },
            (Self::Joined, value) => match items(&value) {
                Some(items) => Value::Text(Cow::Owned(items.join(" "))),
                None => value,
            },
            (Self::First, value) => match items(&value) {
                Some(items) => first(items),
                None => value,
            },
            (Self::OneOrList, value) => match items(&value) {
                Some(items) if items.len() <= 1 => first(items),
                Some(items) => Value::List(items),
                None => value,
            },
            (Self::Origin, Value::Text(uri)) => {
                origin(&uri).map_or(Value::Absent, |origin| Value::Text(Cow::Owned(origin)))
            }
            (Self::OrNull, value) if value.is_empty() => Value::json(Json::Null),
            (Self::OrNone, Value::Absent) => Value::text("none"),
            (Self::OrEmpty, Value::Absent) => match kind {
                Kind::List => Value::List(Cow::default()),
                Kind::Json => Value::json(Json::Object(Map::new())),
                _ => Value::text(""),
            },
            (_, value) => value,
        }
    }
}

fn first(items: Cow<'_, [String]>) -> Value<'_> {
    match items {
        Cow::Borrowed(items) => Value::optional(items.first().map(String::as_str)),
        Cow::Owned(items) => items
            .into_iter()
            .next()
            .map_or(Value::Absent, |item| Value::Text(Cow::Owned(item))),
    }
}
