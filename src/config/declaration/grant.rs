use serde::{Deserialize, Deserializer};
use toml::Spanned;

/// `[[issuer.client.grant]]`: what a client may ask for at one API; `[[issuer.role.grant]]`: what
/// a role is worth there.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct GrantDeclaration {
    pub audience: Spanned<String>,
    pub scopes: ScopesDeclaration,
}

/// `"all"`, or the names.
#[derive(Debug, Clone)]
pub enum ScopesDeclaration {
    All,
    Only(Vec<Spanned<String>>),
}

impl ScopesDeclaration {
    /// One of the names, for an example.
    pub fn first_name(&self) -> Option<&str> {
        match self {
            Self::All => None,
            Self::Only(names) => names.first().map(|name| name.get_ref().as_str()),
        }
    }
}

impl<'de> Deserialize<'de> for ScopesDeclaration {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct AllOrNames;
        impl<'de> serde::de::Visitor<'de> for AllOrNames {
            type Value = ScopesDeclaration;

            fn expecting(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
                f.write_str("\"all\" or an array of scope names")
            }

            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Self::Value, E> {
                if text == "all" {
                    return Ok(ScopesDeclaration::All);
                }
                Err(E::invalid_value(serde::de::Unexpected::Str(text), &self))
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut seq: A,
            ) -> Result<Self::Value, A::Error> {
                let mut names = Vec::new();
                while let Some(name) = seq.next_element()? {
                    names.push(name);
                }
                Ok(ScopesDeclaration::Only(names))
            }
        }
        deserializer.deserialize_any(AllOrNames)
    }
}
