use super::filter::FILTERS;
use super::{Filter, Kind, Lookup, Value, Vocabulary};
use crate::source::suggest;

/// One `{word|filter?}`.
#[derive(Debug, Clone)]
pub(super) struct Placeholder<W> {
    pub(super) word: W,
    pub(super) filter: Option<Filter>,
    pub(super) kind: Kind,
    skip_empty: bool,
}

impl<W: Vocabulary> Placeholder<W> {
    pub(super) fn value<'a>(&self, source: &'a impl Lookup<W>) -> Value<'a> {
        let value = source.value(self.word);
        let value = match self.filter {
            Some(filter) => filter.apply(value, self.kind),
            None => value,
        };
        if self.skip_empty && value.is_empty() {
            return Value::Absent;
        }
        value
    }

    pub(super) fn parse(text: &str) -> Result<Self, String> {
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
                suggest(name, known)
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
            kind: *kind,
            skip_empty,
        })
    }
}
