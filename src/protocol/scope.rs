use std::fmt;
use std::str::FromStr;

/// A set of scope tokens (RFC 6749 §3.3), in the order they were named, without repeats.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Scope(Vec<String>);

/// The first scope token with a character outside `%x21 / %x23-5B / %x5D-7E`.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error(
    "{0:?} is not a scope token: it must be printable ASCII without space, quote or backslash (RFC 6749 §3.3)"
)]
pub struct MalformedScope(pub String);

impl Scope {
    /// # Errors
    /// When a token is empty or has a character RFC 6749 §3.3 doesn't allow.
    pub fn from_tokens<T: Into<String>>(
        tokens: impl IntoIterator<Item = T>,
    ) -> Result<Self, MalformedScope> {
        let mut scope = Self::default();
        for token in tokens {
            let token = token.into();
            if token.is_empty() || !token.bytes().all(is_scope_char) {
                return Err(MalformedScope(token));
            }
            scope.insert(token);
        }
        Ok(scope)
    }

    fn insert(&mut self, token: String) {
        if !self.0.contains(&token) {
            self.0.push(token);
        }
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn tokens(&self) -> &[String] {
        &self.0
    }

    pub fn contains(&self, token: &str) -> bool {
        self.0.iter().any(|own| own == token)
    }

    /// Adds what `other` has and this hasn't.
    pub fn extend(&mut self, other: &Self) {
        for token in &other.0 {
            self.insert(token.clone());
        }
    }

    /// The tokens of this scope for which `keep` holds.
    pub fn retain(&self, keep: impl Fn(&str) -> bool) -> Self {
        Self(self.0.iter().filter(|token| keep(token)).cloned().collect())
    }
}

/// NQCHAR of RFC 6749 Appendix A.4.
fn is_scope_char(byte: u8) -> bool {
    matches!(byte, 0x21 | 0x23..=0x5B | 0x5D..=0x7E)
}

impl FromStr for Scope {
    type Err = MalformedScope;

    /// Tokens between single spaces; surplus spaces are forgiven, as every server does.
    fn from_str(text: &str) -> Result<Self, MalformedScope> {
        Self::from_tokens(text.split(' ').filter(|token| !token.is_empty()))
    }
}

impl fmt::Display for Scope {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.join(" "))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_order_and_drops_repeats() {
        let scope: Scope = "write:patient  read:patient write:patient".parse().unwrap();
        assert_eq!(scope.to_string(), "write:patient read:patient");
    }

    #[test]
    fn refuses_what_the_grammar_does_not_have() {
        for text in ["a\tb", "caf\u{e9}", "say\"hi\"", "back\\slash", "nul\0"] {
            assert!(text.parse::<Scope>().is_err(), "{text:?}");
        }
        assert!("patient/*.read launch/patient".parse::<Scope>().is_ok());
    }
}
