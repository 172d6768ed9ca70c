//! Reading TOML so that every mistake is told with file, line, and what was expected.

use std::fmt;
use std::ops::Range;

use serde::Deserialize;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// A mistake in a TOML file: where, what, and what would be right.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Mistake {
    pub file: String,
    /// Line and column, both from 1; `None` when the mistake is what is missing from the file.
    pub at: Option<(usize, usize)>,
    pub message: String,
}

impl fmt::Display for Mistake {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.at {
            Some((line, column)) => write!(f, "{}:{line}:{column}: ", self.file)?,
            None => write!(f, "{}: ", self.file)?,
        }
        f.write_str(&self.message)
    }
}

impl std::error::Error for Mistake {}

/// A file's name, for messages, and its text.
#[derive(Debug, Clone)]
pub struct Source {
    pub file: String,
    pub text: String,
}

impl Source {
    pub fn new(file: impl Into<String>, text: impl Into<String>) -> Self {
        Self {
            file: file.into(),
            text: text.into(),
        }
    }

    /// A mistake at byte `offset` of the text.
    pub fn mistake(&self, offset: Option<usize>, message: impl Into<String>) -> Mistake {
        let at = offset.map(|offset| {
            let before = self.text.get(..offset).unwrap_or(&self.text);
            let line_start = before.rfind('\n').map_or(0, |newline| newline + 1);
            let line = before.matches('\n').count() + 1;
            (line, before[line_start..].chars().count() + 1)
        });
        Mistake {
            file: self.file.clone(),
            at,
            message: message.into(),
        }
    }

    fn parse(&self) -> Result<Spanned<DeTable<'_>>, Mistake> {
        DeTable::parse(&self.text)
            .map_err(|error| self.mistake(error.span().map(|span| span.start), error.message()))
    }

    /// Reads the whole text as a `T`.
    pub fn read<T: for<'de> Deserialize<'de>>(&self) -> Result<T, Mistake> {
        Layers::new(std::slice::from_ref(self), &[]).read()
    }
}

/// Several files that make one document: each states what it changes of the next.
pub struct Layers<'a> {
    sources: &'a [Source],
    /// Tables a layer replaces whole instead of member by member, because their order counts.
    /// A path of keys; `*` is any key.
    whole: &'a [&'a [&'a str]],
}

impl<'a> Layers<'a> {
    /// The most special source first.
    pub fn new(sources: &'a [Source], whole: &'a [&'a [&'a str]]) -> Self {
        Self { sources, whole }
    }

    pub fn read<T: for<'de> Deserialize<'de>>(&self) -> Result<T, Mistake> {
        let merged = self.merge()?;
        T::deserialize(toml::de::Deserializer::from(merged)).map_err(|error| self.locate(&error))
    }

    /// The document as one TOML table, without comments.
    pub fn read_table(&self) -> Result<toml::Table, Mistake> {
        self.read()
    }

    fn merge(&self) -> Result<Spanned<DeTable<'a>>, Mistake> {
        let mut merged: Option<Spanned<DeTable<'a>>> = None;
        let mut offset = 0;
        for source in self.sources {
            let layer = shift_table(source.parse()?, offset);
            offset += source.text.len() + 1;
            merged = Some(match merged {
                None => layer,
                Some(over) => self.overlay(layer, over, &mut Vec::new()),
            });
        }
        Ok(merged.unwrap_or_else(|| Spanned::new(0..0, DeTable::new())))
    }

    fn overlay(
        &self,
        mut base: Spanned<DeTable<'a>>,
        over: Spanned<DeTable<'a>>,
        path: &mut Vec<String>,
    ) -> Spanned<DeTable<'a>> {
        let span = over.span();
        let base_members = base.get_mut();
        for (key, value) in over.into_inner() {
            path.push(key.get_ref().to_string());
            let value = match (base_members.remove(key.get_ref().as_ref()), value) {
                (Some(below), above) if !self.is_whole(path) => {
                    let (below_span, above_span) = (below.span(), above.span());
                    match (below.into_inner(), above.into_inner()) {
                        (DeValue::Table(below), DeValue::Table(above)) => {
                            let merged = self.overlay(
                                Spanned::new(below_span, below),
                                Spanned::new(above_span.clone(), above),
                                path,
                            );
                            Spanned::new(above_span, DeValue::Table(merged.into_inner()))
                        }
                        (_, above) => Spanned::new(above_span, above),
                    }
                }
                (_, above) => above,
            };
            base_members.insert(key, value);
            path.pop();
        }
        Spanned::new(span, base.into_inner())
    }

    fn is_whole(&self, path: &[String]) -> bool {
        self.whole.iter().any(|whole| matches(whole, path))
    }

    fn locate(&self, error: &toml::de::Error) -> Mistake {
        let message = for_people(error.message());
        self.at(error.span(), message)
    }

    /// A mistake in what stands at `path`, like `["access_token", "claims"]`, or in the nearest
    /// thing above it that is there.
    pub fn mistake_at(&self, path: &[&str], message: impl Into<String>) -> Mistake {
        let mut span = None;
        if let Ok(merged) = self.merge() {
            let mut table = merged.get_ref();
            for key in path {
                let Some((found, value)) = table.get_key_value(*key) else {
                    break;
                };
                span = Some(found.span());
                match value.get_ref() {
                    DeValue::Table(below) => table = below,
                    _ => break,
                }
            }
        }
        self.at(span, message.into())
    }

    fn at(&self, span: Option<Range<usize>>, message: String) -> Mistake {
        let is_whole = span.as_ref().is_some_and(|span| {
            let first = self.sources.first();
            span.start == 0 && first.is_none_or(|first| span.end >= first.text.len())
        });
        let mut at = span.map(|span| span.start);
        for source in self.sources {
            match at {
                Some(offset) if offset > source.text.len() => {
                    at = Some(offset - source.text.len() - 1);
                }
                // A mistake of the document as a whole: say which file.
                Some(0) if is_whole => return source.mistake(None, message),
                offset => return source.mistake(offset, message),
            }
        }
        Mistake {
            file: String::new(),
            at: None,
            message,
        }
    }
}

/// Whether a pattern of keys, in which `*` is any key, is that of `path`.
pub fn matches(pattern: &[&str], path: &[impl AsRef<str>]) -> bool {
    pattern.len() == path.len()
        && pattern
            .iter()
            .zip(path)
            .all(|(pattern, key)| *pattern == "*" || *pattern == key.as_ref())
}

/// Spans count from the start of their own file; shifted, they tell the layers apart.
fn shift(span: Range<usize>, by: usize) -> Range<usize> {
    span.start + by..span.end + by
}

fn shift_table(table: Spanned<DeTable<'_>>, by: usize) -> Spanned<DeTable<'_>> {
    let span = shift(table.span(), by);
    let shifted = table
        .into_inner()
        .into_iter()
        .map(|(key, value)| {
            let key = Spanned::new(shift(key.span(), by), key.into_inner());
            (key, shift_value(value, by))
        })
        .collect();
    Spanned::new(span, shifted)
}

fn shift_value(value: Spanned<DeValue<'_>>, by: usize) -> Spanned<DeValue<'_>> {
    let span = shift(value.span(), by);
    let shifted = match value.into_inner() {
        DeValue::Table(table) => {
            DeValue::Table(shift_table(Spanned::new(0..0, table), by).into_inner())
        }
        DeValue::Array(items) => DeValue::Array(
            items
                .into_iter()
                .map(|item| shift_value(item, by))
                .collect(),
        ),
        other => other,
    };
    Spanned::new(span, shifted)
}

/// Serde's words are for programmers, and it lists every key it knows; a reader with a typo wants
/// the nearest one first.
fn for_people(message: &str) -> String {
    let mut quoted = message.split('`').skip(1).step_by(2);
    let is_about_a_name =
        message.starts_with("unknown field") || message.starts_with("unknown variant");
    if let Some(name) = quoted.next().filter(|_| is_about_a_name) {
        return format!("unknown name `{name}`; {}", suggest(name, quoted));
    }
    ["u16", "u64", "i64"]
        .iter()
        .fold(message.to_owned(), |message, integer| {
            message.replace(
                &format!("expected {integer}"),
                "expected a whole number, not negative",
            )
        })
}

/// "did you mean `scope`?", or, when nothing is near, the list of what is known.
pub fn suggest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> String {
    let known: Vec<&str> = known.collect();
    let near = known
        .iter()
        .map(|candidate| (strsim::jaro_winkler(name, candidate), candidate))
        .filter(|(likeness, _)| *likeness > 0.8)
        .max_by(|(a, _), (b, _)| a.total_cmp(b));
    match near {
        Some((_, candidate)) => format!("did you mean `{candidate}`?"),
        None if known.is_empty() => "nothing is expected here".to_owned(),
        None => format!("expected one of: {}", known.join(", ")),
    }
}
