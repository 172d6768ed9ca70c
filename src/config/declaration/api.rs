use std::collections::BTreeMap;
use std::fmt;

use serde::de::{Error, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use toml::Spanned;

use crate::dialect::TokenFormat;
use crate::protocol::SigningAlg;

/// `[[issuer.api]]`
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ApiDeclaration {
    pub audience: Spanned<String>,
    pub name: Option<Spanned<String>>,
    #[serde(default)]
    pub scopes: Vec<Spanned<ScopeDeclaration>>,
    /// Seconds.
    pub token_lifetime: Option<Spanned<u64>>,
    pub token_format: Option<TokenFormat>,
    pub signing_alg: Option<Spanned<SigningAlg>>,
}

/// A scope's name, or a table with more about it.
#[derive(Debug, Clone)]
pub struct ScopeDeclaration {
    pub name: String,
    pub description: ScopeDescription,
    pub users_only: bool,
    pub needs_role: bool,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ScopeTable {
    name: String,
    #[serde(default)]
    description: ScopeDescription,
    #[serde(default)]
    users_only: bool,
    #[serde(default)]
    needs_role: bool,
}

impl<'de> Deserialize<'de> for ScopeDeclaration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct NameOrTable;
        impl<'de> Visitor<'de> for NameOrTable {
            type Value = ScopeDeclaration;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str(
                    "a scope's name, or a table with `name`, `description`, `users_only` and `needs_role`",
                )
            }

            fn visit_str<E: Error>(self, name: &str) -> Result<Self::Value, E> {
                Ok(ScopeDeclaration {
                    name: name.to_owned(),
                    description: ScopeDescription::default(),
                    users_only: false,
                    needs_role: false,
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Self::Value, A::Error> {
                let map = serde::de::value::MapAccessDeserializer::new(map);
                let table = ScopeTable::deserialize(map)?;
                Ok(ScopeDeclaration {
                    name: table.name,
                    description: table.description,
                    users_only: table.users_only,
                    needs_role: table.needs_role,
                })
            }
        }
        deserializer.deserialize_any(NameOrTable)
    }
}

/// What a person is told of a scope: in one language or, by their tags, in several.
#[derive(Debug, Clone, Default)]
pub struct ScopeDescription {
    /// In English, or in the language that was named first.
    pub text: String,
    /// In every language that was named.
    pub translations: BTreeMap<String, String>,
}

impl<'de> Deserialize<'de> for ScopeDescription {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct TextOrLanguages;
        impl<'de> Visitor<'de> for TextOrLanguages {
            type Value = ScopeDescription;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text, or a table of texts by language: { en = \"…\", es = \"…\" }")
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Self::Value, E> {
                Ok(ScopeDescription {
                    text: text.to_owned(),
                    translations: BTreeMap::new(),
                })
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut described = ScopeDescription::default();
                while let Some((language, text)) = map.next_entry::<String, String>()? {
                    if !is_language_tag(&language) {
                        return Err(Error::custom(format!(
                            "{language:?} is not a language; expected a tag like en or pt-BR"
                        )));
                    }
                    if described.translations.is_empty() || language == "en" {
                        described.text.clone_from(&text);
                    }
                    described.translations.insert(language, text);
                }
                Ok(described)
            }
        }
        deserializer.deserialize_any(TextOrLanguages)
    }
}

/// Whether `tag` has the form of a BCP 47 language tag: `es`, `pt-BR`.
pub fn is_language_tag(tag: &str) -> bool {
    let is_subtag = |text: &str| {
        (1..=8).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_alphanumeric())
    };
    let primary = tag.split('-').next().unwrap_or_default();
    (2..=3).contains(&primary.len())
        && primary.bytes().all(|byte| byte.is_ascii_lowercase())
        && tag.split('-').all(is_subtag)
}
