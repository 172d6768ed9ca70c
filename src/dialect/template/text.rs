use std::borrow::Cow;

use serde::de::{Deserialize, Deserializer, Error};

use super::placeholder::Placeholder;
use super::{Lookup, Value, Vocabulary};

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

    pub fn render(&self, source: &impl Lookup<W>) -> String {
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

    pub(super) fn sole_placeholder(&self) -> Option<&Placeholder<W>> {
        match self.0.as_slice() {
            [Piece::Placeholder(placeholder)] => Some(placeholder),
            _ => None,
        }
    }
}

fn push_text(value: &Value<'_>, out: &mut String) {
    match value {
        // An object has no place within text.
        Value::Absent | Value::Members(_) | Value::Json(_) => {}
        Value::Text(text) => out.push_str(text),
        Value::Number(number) | Value::Seconds(number) => out.push_str(&number.to_string()),
        Value::Instant(at) => out.push_str(&at.unix().to_string()),
        Value::Words(items) => out.push_str(&items.join(" ")),
        Value::List(items) => out.push_str(&items.join(" ")),
    }
}

impl<'de, W: Vocabulary> Deserialize<'de> for TextTemplate<W> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Cow::<str>::deserialize(deserializer)?;
        Self::parse(&text).map_err(D::Error::custom)
    }
}
