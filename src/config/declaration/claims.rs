use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value as Json};
use toml::Spanned;

/// Claims by name, each whatever TOML can say.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(transparent)]
pub struct ClaimsDeclaration(BTreeMap<Spanned<String>, toml::Value>);

impl ClaimsDeclaration {
    /// The claims as JSON. What JSON has no number for is left out; see [`Self::without_json`].
    pub fn json(&self) -> Map<String, Json> {
        self.0
            .iter()
            .filter_map(|(name, value)| Some((name.get_ref().clone(), json(value)?)))
            .collect()
    }

    pub fn names(&self) -> impl Iterator<Item = &Spanned<String>> {
        self.0.keys()
    }

    /// The names of claims that JSON cannot express.
    pub fn without_json(&self) -> impl Iterator<Item = &Spanned<String>> {
        self.0
            .iter()
            .filter(|(_, value)| json(value).is_none())
            .map(|(name, _)| name)
    }
}

/// `None` for a number that is infinite or none. A date becomes text, in the form that OIDC Core
/// §5.1 has for `birthdate`.
fn json(value: &toml::Value) -> Option<Json> {
    Some(match value {
        toml::Value::String(text) => Json::from(text.as_str()),
        toml::Value::Integer(number) => Json::from(*number),
        toml::Value::Float(number) => Json::Number(serde_json::Number::from_f64(*number)?),
        toml::Value::Boolean(is) => Json::from(*is),
        toml::Value::Datetime(at) => Json::from(at.to_string()),
        toml::Value::Array(items) => items.iter().map(json).collect::<Option<_>>()?,
        toml::Value::Table(members) => {
            let members = members
                .iter()
                .map(|(name, value)| Some((name.clone(), json(value)?)));
            Json::Object(members.collect::<Option<_>>()?)
        }
    })
}
