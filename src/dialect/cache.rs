use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

use super::{BUILT_IN, Dialect, load_stored};
use crate::source::Mistake;

/// Dialects that have been read, so that each page about an issuer need not read its own again.
#[derive(Clone, Default)]
pub struct Dialects(Arc<Mutex<HashMap<Key, Arc<Dialect>>>>);

type Key = (String, Option<String>);

/// More than anybody has; when there are more all the same, they are read again.
const MOST: usize = 64;

impl Dialects {
    /// A built-in one that has been read already; others are known by their text.
    pub fn know(&self, name: &str, dialect: &Arc<Dialect>) {
        if BUILT_IN.iter().any(|(known, _)| *known == name) {
            let key = (name.to_owned(), None);
            let mut known = self.0.lock().unwrap_or_else(PoisonError::into_inner);
            known.insert(key, dialect.clone());
        }
    }

    /// A dialect as the database keeps it: see [`load_stored`].
    pub fn get(&self, name: &str, source: Option<&str>) -> Result<Arc<Dialect>, Mistake> {
        let key = (name.to_owned(), source.map(str::to_owned));
        let known = || self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(dialect) = known().get(&key) {
            return Ok(dialect.clone());
        }
        let dialect = Arc::new(load_stored(name, source)?);
        let mut known = known();
        if known.len() >= MOST {
            known.clear();
        }
        known.insert(key, dialect.clone());
        Ok(dialect)
    }
}
