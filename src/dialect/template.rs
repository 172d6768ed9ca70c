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
//!
//! Members come out in the order of the file.

use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use crate::clock::Timestamp;

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
}

impl<'a> Value<'a> {
    pub fn text(text: &'a str) -> Self {
        Self::Text(Cow::Borrowed(text))
    }

    pub fn optional(text: Option<&'a str>) -> Self {
        text.map_or(Self::Absent, Self::text)
    }

    fn is_empty(&self) -> bool {
        match self {
            Self::Absent => true,
            Self::Text(text) => text.is_empty(),
            Self::Words(items) => items.is_empty(),
            Self::List(items) => items.is_empty(),
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
}

/// The words one place in a dialect file may use.
pub trait Vocabulary: Copy + PartialEq + Send + Sync + 'static {
    /// Where these words are used, for error messages: "a token claim".
    const PLACE: &'static str;
    const WORDS: &'static [(&'static str, Self, Kind)];
}

/// Gives the words their values.
pub trait Source<W> {
    fn value(&self, word: W) -> Value<'_>;
}

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
    /// A time span less one second: what a server says that counts the time already passed.
    LessOne,
}

const FILTERS: &[(&str, Filter, &[Kind])] = &[
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
    ("less_one", Filter::LessOne, &[Kind::Seconds]),
];

impl Filter {
    fn apply<'a>(self, value: Value<'a>) -> Value<'a> {
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

/// One `{word|filter?}`.
#[derive(Debug, Clone)]
struct Placeholder<W> {
    word: W,
    filter: Option<Filter>,
    skip_empty: bool,
}

impl<W: Vocabulary> Placeholder<W> {
    fn value<'a>(&self, source: &'a impl Source<W>) -> Value<'a> {
        let value = source.value(self.word);
        let value = match self.filter {
            Some(filter) => filter.apply(value),
            None => value,
        };
        if self.skip_empty && value.is_empty() {
            return Value::Absent;
        }
        value
    }

    fn parse(text: &str) -> Result<Self, String> {
        let (text, skip_empty) = match text.strip_suffix('?') {
            Some(text) => (text, true),
            None => (text, false),
        };
        let (name, filter) = match text.split_once('|') {
            Some((name, filter)) => (name.trim(), Some(filter.trim())),
            None => (text.trim(), None),
        };
        let Some((_, word, kind)) = W::WORDS.iter().find(|(known, ..)| *known == name) else {
            let known = W::WORDS.iter().map(|(name, ..)| *name);
            return Err(format!(
                "{{{name}}} is not a word of {}; {}",
                W::PLACE,
                super::source::suggest(name, known)
            ));
        };
        let filter = match filter {
            None => None,
            Some(filter) => {
                let fitting = FILTERS.iter().filter(|(.., kinds)| kinds.contains(kind));
                let Some((_, found, _)) = fitting.clone().find(|(known, ..)| *known == filter)
                else {
                    let fitting: Vec<_> = fitting.map(|(known, ..)| *known).collect();
                    return Err(if fitting.is_empty() {
                        format!("{{{name}}} takes no filter, so `|{filter}` cannot follow it")
                    } else {
                        format!(
                            "`{filter}` is not a filter for {{{name}}}; expected one of: {}",
                            fitting.join(", ")
                        )
                    });
                };
                Some(*found)
            }
        };
        Ok(Self {
            word: *word,
            filter,
            skip_empty,
        })
    }
}

#[derive(Debug, Clone)]
enum Piece<W> {
    Literal(String),
    Placeholder(Placeholder<W>),
}

/// A template that renders to text: a header, a description, an identifier.
#[derive(Debug, Clone)]
pub struct TextTemplate<W>(Vec<Piece<W>>);

impl<W: Vocabulary> TextTemplate<W> {
    /// # Errors
    /// Says what is wrong and what was expected.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut pieces = Vec::new();
        let mut literal = String::new();
        let mut rest = text;
        while let Some(at) = rest.find(['{', '}']) {
            let (before, from) = rest.split_at(at);
            literal.push_str(before);
            if let Some(after) = from.strip_prefix("{{") {
                literal.push('{');
                rest = after;
            } else if let Some(after) = from.strip_prefix("}}") {
                literal.push('}');
                rest = after;
            } else if let Some((inside, after)) =
                from.strip_prefix('{').and_then(|from| from.split_once('}'))
            {
                if !literal.is_empty() {
                    pieces.push(Piece::Literal(std::mem::take(&mut literal)));
                }
                pieces.push(Piece::Placeholder(Placeholder::parse(inside)?));
                rest = after;
            } else {
                return Err(
                    "a lone brace; expected `{word}`, or `{{` and `}}` for the braces themselves"
                        .to_owned(),
                );
            }
        }
        literal.push_str(rest);
        if !literal.is_empty() || pieces.is_empty() {
            pieces.push(Piece::Literal(literal));
        }
        Ok(Self(pieces))
    }

    pub fn render(&self, source: &impl Source<W>) -> String {
        let mut out = String::new();
        for piece in &self.0 {
            match piece {
                Piece::Literal(text) => out.push_str(text),
                Piece::Placeholder(placeholder) => push_text(&placeholder.value(source), &mut out),
            }
        }
        out
    }

    /// Whether `word` stands anywhere in it.
    pub fn mentions(&self, word: W) -> bool {
        self.0.iter().any(|piece| match piece {
            Piece::Literal(_) => false,
            Piece::Placeholder(placeholder) => placeholder.word == word,
        })
    }

    fn sole_placeholder(&self) -> Option<&Placeholder<W>> {
        match self.0.as_slice() {
            [Piece::Placeholder(placeholder)] => Some(placeholder),
            _ => None,
        }
    }
}

fn push_text(value: &Value<'_>, out: &mut String) {
    match value {
        Value::Absent => {}
        Value::Text(text) => out.push_str(text),
        Value::Number(number) | Value::Seconds(number) => out.push_str(&number.to_string()),
        Value::Instant(at) => out.push_str(&at.unix().to_string()),
        Value::Words(items) => out.push_str(&items.join(" ")),
        Value::List(items) => out.push_str(&items.join(" ")),
    }
}

#[derive(Debug, Clone)]
enum Node<W> {
    /// Already JSON: a number or a boolean of the file.
    Literal(String),
    Text(TextTemplate<W>),
    Array(Vec<Self>),
    Object(Vec<Member<W>>),
}

#[derive(Debug, Clone)]
struct Member<W> {
    name: String,
    /// `"name":`, escaped once when the file is read.
    prefix: Vec<u8>,
    value: Node<W>,
}

impl<W: Vocabulary> Node<W> {
    /// Appends this node as JSON; `false`, and nothing appended, when its value is absent.
    fn render(&self, source: &impl Source<W>, out: &mut Vec<u8>) -> bool {
        match self {
            Self::Literal(json) => out.extend_from_slice(json.as_bytes()),
            Self::Text(text) => match text.sole_placeholder() {
                Some(placeholder) => return push_json(&placeholder.value(source), out),
                None => push_json_string(&text.render(source), out),
            },
            Self::Array(items) => {
                out.push(b'[');
                let mut separator = Separator::default();
                for item in items {
                    separator.around(out, |out| item.render(source, out));
                }
                out.push(b']');
            }
            Self::Object(members) => render_members(members, source, out),
        }
        true
    }

    fn mentions(&self, word: W) -> bool {
        match self {
            Self::Literal(_) => false,
            Self::Text(text) => text.mentions(word),
            Self::Array(items) => items.iter().any(|item| item.mentions(word)),
            Self::Object(members) => members.iter().any(|member| member.value.mentions(word)),
        }
    }
}

fn render_members<W: Vocabulary>(
    members: &[Member<W>],
    source: &impl Source<W>,
    out: &mut Vec<u8>,
) {
    out.push(b'{');
    let mut separator = Separator::default();
    for member in members {
        separator.around(out, |out| {
            out.extend_from_slice(&member.prefix);
            member.value.render(source, out)
        });
    }
    out.push(b'}');
}

/// Puts commas between what was really written, and takes back what turned out absent.
#[derive(Default)]
struct Separator {
    started: bool,
}

impl Separator {
    fn around(&mut self, out: &mut Vec<u8>, write: impl FnOnce(&mut Vec<u8>) -> bool) {
        let before = out.len();
        if self.started {
            out.push(b',');
        }
        if write(out) {
            self.started = true;
        } else {
            out.truncate(before);
        }
    }
}

fn push_json(value: &Value<'_>, out: &mut Vec<u8>) -> bool {
    match value {
        Value::Absent => return false,
        Value::Text(text) => push_json_string(text, out),
        Value::Number(number) | Value::Seconds(number) => {
            out.extend_from_slice(number.to_string().as_bytes());
        }
        Value::Instant(at) => out.extend_from_slice(at.unix().to_string().as_bytes()),
        Value::Words(items) => push_json_string(&items.join(" "), out),
        Value::List(items) => {
            out.push(b'[');
            for (index, item) in items.iter().enumerate() {
                if index > 0 {
                    out.push(b',');
                }
                push_json_string(item, out);
            }
            out.push(b']');
        }
    }
    true
}

fn push_json_string(text: &str, out: &mut Vec<u8>) {
    // Writing a string to a Vec cannot fail.
    let _ = serde_json::to_writer(out, text);
}

/// A template that renders to one JSON object, compact, members in the order of the file.
#[derive(Debug, Clone)]
pub struct JsonTemplate<W>(Vec<Member<W>>);

impl<W: Vocabulary> JsonTemplate<W> {
    pub fn render(&self, source: &impl Source<W>) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        render_members(&self.0, source, &mut out);
        out
    }

    /// The name of the top-level member that is nothing but `word`, whatever its filter.
    pub fn member_for(&self, word: W) -> Option<&str> {
        self.0.iter().find_map(|member| match &member.value {
            Node::Text(text) if text.sole_placeholder()?.word == word => Some(member.name.as_str()),
            _ => None,
        })
    }

    /// Whether `word` stands anywhere in it.
    pub fn mentions(&self, word: W) -> bool {
        self.0.iter().any(|member| member.value.mentions(word))
    }
}

/// A body: a JSON object, or text. `""` is an empty body.
#[derive(Debug, Clone)]
pub enum BodyTemplate<W> {
    Json(JsonTemplate<W>),
    Text(TextTemplate<W>),
}

impl<'de, W: Vocabulary> Deserialize<'de> for BodyTemplate<W> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match Node::deserialize(deserializer)? {
            Node::Object(members) => Ok(Self::Json(JsonTemplate(members))),
            Node::Text(text) => Ok(Self::Text(text)),
            Node::Literal(_) | Node::Array(_) => Err(D::Error::custom(
                "a body is a table (a JSON object) or a string (text)",
            )),
        }
    }
}

impl<'de, W: Vocabulary> Deserialize<'de> for TextTemplate<W> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}

impl<'de, W: Vocabulary> Deserialize<'de> for JsonTemplate<W> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members<W>(PhantomData<W>);
        impl<'de, W: Vocabulary> Visitor<'de> for Members<W> {
            type Value = Vec<Member<W>>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a table of templates")
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                read_members(map)
            }
        }
        deserializer.deserialize_map(Members(PhantomData)).map(Self)
    }
}

fn read_members<'de, W: Vocabulary, A: MapAccess<'de>>(
    mut map: A,
) -> Result<Vec<Member<W>>, A::Error> {
    let mut members = Vec::new();
    while let Some(name) = map.next_key::<String>()? {
        let mut prefix = Vec::new();
        push_json_string(&name, &mut prefix);
        prefix.push(b':');
        members.push(Member {
            name,
            prefix,
            value: map.next_value()?,
        });
    }
    Ok(members)
}

impl<'de, W: Vocabulary> Deserialize<'de> for Node<W> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AnyNode<W>(PhantomData<W>);
        impl<'de, W: Vocabulary> Visitor<'de> for AnyNode<W> {
            type Value = Node<W>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "a string, number, boolean, array or table")
            }

            fn visit_bool<E: Error>(self, value: bool) -> Result<Self::Value, E> {
                Ok(Node::Literal(value.to_string()))
            }

            fn visit_i64<E: Error>(self, value: i64) -> Result<Self::Value, E> {
                Ok(Node::Literal(value.to_string()))
            }

            fn visit_u64<E: Error>(self, value: u64) -> Result<Self::Value, E> {
                Ok(Node::Literal(value.to_string()))
            }

            fn visit_str<E: Error>(self, value: &str) -> Result<Self::Value, E> {
                TextTemplate::parse(value)
                    .map(Node::Text)
                    .map_err(E::custom)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(Node::Array(items))
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                read_members(map).map(Node::Object)
            }
        }
        deserializer.deserialize_any(AnyNode(PhantomData))
    }
}
