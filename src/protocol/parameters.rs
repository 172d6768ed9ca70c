use std::fmt;

use zeroize::Zeroizing;

use super::Fault;
use super::parameter::{
    ACCESS_TOKEN, AUDIENCE, CLAIMS, ID_TOKEN_HINT, REQUEST, RESOURCE, STATE, TOKEN, for_message,
};

/// The parameters of a request, whatever its body was encoded as: each name once, except those
/// that may repeat, within bounds. Values may be secrets, so they are never printed.
#[derive(Clone, Default)]
pub struct Parameters(Vec<(String, Zeroizing<String>)>);

/// Parameters that may stand more than once: RFC 8707 §2, and Ory Hydra's `audience`.
const REPEATABLE: &[&str] = &[AUDIENCE, RESOURCE];

/// Parameters that are JSON, a token that may be a JWT, or what a client wants back and some put
/// all they know of a request into.
const LONG: &[&str] = &[ACCESS_TOKEN, CLAIMS, ID_TOKEN_HINT, REQUEST, STATE, TOKEN];

impl Parameters {
    pub const MOST: usize = 64;
    /// In bytes.
    pub const LONGEST_NAME: usize = 128;
    /// In bytes. What is granted of `scope` and `audience` comes back in headers, which proxies
    /// bound.
    pub const LONGEST_VALUE: usize = 2 * 1024;
    /// In bytes: a token, which may be a JWT, or JSON.
    pub const LONGEST_TOKEN: usize = 8 * 1024;

    /// # Errors
    /// `RepeatedParameter` (RFC 6749 §3.2), `OverlongParameter`, `TooManyParameters`.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, Fault> {
        let mut parameters: Vec<(String, Zeroizing<String>)> = Vec::new();
        for (name, value) in pairs {
            let value = Zeroizing::new(value);
            let longest = if LONG.contains(&name.as_str()) {
                Self::LONGEST_TOKEN
            } else {
                Self::LONGEST_VALUE
            };
            for (length, limit) in [(name.len(), Self::LONGEST_NAME), (value.len(), longest)] {
                if length > limit {
                    return Err(Fault::OverlongParameter {
                        parameter: for_message(&name),
                        limit,
                    });
                }
            }
            let is_repeated = parameters.iter().any(|(known, _)| *known == name);
            if is_repeated && !REPEATABLE.contains(&name.as_str()) {
                return Err(Fault::RepeatedParameter {
                    parameter: for_message(&name),
                });
            }
            if parameters.len() == Self::MOST {
                return Err(Fault::TooManyParameters { limit: Self::MOST });
            }
            parameters.push((name, value));
        }
        Ok(Self(parameters))
    }

    /// The parameter's value. One without a value counts as absent (RFC 6749 §3.2).
    pub fn find(&self, name: &str) -> Option<&str> {
        self.all(name).next()
    }

    /// Every parameter as it was sent.
    pub fn iter(&self) -> impl Iterator<Item = (&str, &str)> {
        self.0
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()))
    }

    /// Every value of a parameter that may repeat.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }
}

impl fmt::Debug for Parameters {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Parameters({})", self.0.len())
    }
}
