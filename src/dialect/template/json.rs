use std::borrow::Cow;
use std::fmt;
use std::marker::PhantomData;

use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value as Json};

use super::{Kind, Lookup, TextTemplate, Value, Vocabulary};

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
    fn render(&self, source: &impl Lookup<W>, out: &mut Vec<u8>) -> bool {
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
    source: &impl Lookup<W>,
    out: &mut Vec<u8>,
) {
    out.push(b'{');
    let mut separator = Separator::default();
    for member in members {
        if member.name == ALL_MEMBERS {
            for (name, value) in all_members(member, source).iter() {
                if members.iter().any(|own| own.name == *name) {
                    continue;
                }
                separator.around(out, |out| {
                    push_json_string(name, out);
                    out.push(b':');
                    // Writing JSON to a Vec cannot fail.
                    serde_json::to_writer(out, value).is_ok()
                });
            }
            continue;
        }
        separator.around(out, |out| {
            out.extend_from_slice(&member.prefix);
            member.value.render(source, out)
        });
    }
    out.push(b'}');
}

/// The name of a member that stands for all members of its word.
const ALL_MEMBERS: &str = "...";

fn all_members<'a, W: Vocabulary>(
    member: &Member<W>,
    source: &'a impl Lookup<W>,
) -> Cow<'a, Map<String, Json>> {
    match &member.value {
        Node::Text(text) => match text.sole_placeholder().map(|sole| sole.value(source)) {
            Some(Value::Members(members)) => members,
            _ => Cow::default(),
        },
        _ => Cow::default(),
    }
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
        Value::Absent | Value::Members(_) => return false,
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
        // Writing JSON to a Vec cannot fail.
        Value::Json(json) => return serde_json::to_writer(out, &**json).is_ok(),
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
    pub fn render(&self, source: &impl Lookup<W>) -> Vec<u8> {
        let mut out = Vec::with_capacity(512);
        render_members(&self.0, source, &mut out);
        out
    }

    /// The top-level members as names and texts, in order, for a query or a form. What is no text
    /// has none, and is left out.
    pub fn pairs(&self, source: &impl Lookup<W>) -> Vec<(String, String)> {
        let pair = |member: &Member<W>| match &member.value {
            Node::Text(text) => {
                if let Some(sole) = text.sole_placeholder()
                    && matches!(sole.value(source), Value::Absent)
                {
                    return None;
                }
                Some((member.name.clone(), text.render(source)))
            }
            Node::Literal(json) => Some((member.name.clone(), json.clone())),
            Node::Array(_) | Node::Object(_) => None,
        };
        self.0.iter().filter_map(pair).collect()
    }

    /// Whether there is a top-level member of that name.
    pub fn has_member(&self, name: &str) -> bool {
        self.0.iter().any(|member| member.name == name)
    }

    /// The name of the top-level member that is nothing but `word`, whatever its filter.
    pub fn member_for(&self, word: W) -> Option<&str> {
        self.0.iter().find_map(|member| match &member.value {
            Node::Text(text) if text.sole_placeholder()?.word == word => Some(member.name.as_str()),
            _ => None,
        })
    }

    /// Whether the top-level member `name` is nothing but `word`, and no filter changes it.
    pub fn is_plain(&self, name: &str, word: W) -> bool {
        self.0.iter().any(|member| match &member.value {
            Node::Text(text) => text.sole_placeholder().is_some_and(|sole| {
                sole.word == word && sole.filter.is_none() && member.name == name
            }),
            _ => false,
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

fn is_all_members<W: Vocabulary>(value: &Node<W>) -> bool {
    match value {
        Node::Text(text) => text
            .sole_placeholder()
            .is_some_and(|sole| sole.kind == Kind::Members),
        Node::Literal(_) | Node::Array(_) | Node::Object(_) => false,
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
        let value: Node<W> = map.next_value()?;
        if (name == ALL_MEMBERS) != is_all_members(&value) {
            return Err(A::Error::custom(
                "a member named `...` stands for all members of a word that has members, and such a word can stand nowhere else",
            ));
        }
        members.push(Member {
            name,
            prefix,
            value,
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
