use super::Fault;
use super::parameter::{AUDIENCE, RESOURCE};

/// The parameters of a request, whatever its body was encoded as: each name once, except those
/// that may repeat, within bounds.
#[derive(Debug, Clone, Default)]
pub struct Parameters(Vec<(String, String)>);

/// Parameters that may stand more than once: RFC 8707 §2, and Ory Hydra's `audience`.
const REPEATABLE: &[&str] = &[AUDIENCE, RESOURCE];

impl Parameters {
    pub const MOST: usize = 64;
    pub const LONGEST_NAME: usize = 128;
    /// In bytes. A JWT is the longest thing anybody sends.
    pub const LONGEST_VALUE: usize = 8 * 1024;

    /// # Errors
    /// `RepeatedParameter` (RFC 6749 §3.2), `OverlongParameter`, `TooManyParameters`.
    pub fn new(pairs: impl IntoIterator<Item = (String, String)>) -> Result<Self, Fault> {
        let mut parameters: Vec<(String, String)> = Vec::new();
        for (name, value) in pairs {
            if name.len() > Self::LONGEST_NAME {
                return Err(Fault::OverlongParameter {
                    parameter: name,
                    limit: Self::LONGEST_NAME,
                });
            }
            if value.len() > Self::LONGEST_VALUE {
                return Err(Fault::OverlongParameter {
                    parameter: name,
                    limit: Self::LONGEST_VALUE,
                });
            }
            let is_repeated = parameters.iter().any(|(known, _)| *known == name);
            if is_repeated && !REPEATABLE.contains(&name.as_str()) {
                return Err(Fault::RepeatedParameter { parameter: name });
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

    /// Every value of a parameter that may repeat.
    pub fn all(&self, name: &str) -> impl Iterator<Item = &str> {
        self.0
            .iter()
            .filter(move |(known, value)| known == name && !value.is_empty())
            .map(|(_, value)| value.as_str())
    }
}
