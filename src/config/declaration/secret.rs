use std::path::Path;

use serde::{Deserialize, Deserializer};

use crate::secret::Secret;

/// A secret: itself, or where to find it.
#[derive(Debug, Clone, Deserialize)]
#[serde(
    untagged,
    expecting = "expected a string, { env = \"NAME\" } or { file = \"path\" }"
)]
pub enum SecretDeclaration {
    #[serde(deserialize_with = "literal")]
    Literal(Secret),
    Env(EnvReference),
    File(FileReference),
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct EnvReference {
    env: String,
}

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct FileReference {
    file: String,
}

fn literal<'de, D: Deserializer<'de>>(deserializer: D) -> Result<Secret, D::Error> {
    String::deserialize(deserializer).map(Secret::new)
}

impl SecretDeclaration {
    /// # Errors
    /// Says which variable or file could not be read.
    pub fn read(&self, folder: &Path) -> Result<Secret, String> {
        let secret = match self {
            Self::Literal(secret) => secret.clone(),
            Self::Env(EnvReference { env }) => Secret::new(
                std::env::var(env).map_err(|_| format!("environment variable {env} is not set"))?,
            ),
            Self::File(FileReference { file }) => {
                let text = std::fs::read_to_string(folder.join(file))
                    .map_err(|error| format!("cannot read {file}: {error}"))?;
                // Editors and `echo` end a file with a newline that is not part of the secret.
                Secret::new(text.trim_end_matches(['\r', '\n']))
            }
        };
        if secret.expose().is_empty() {
            return Err("the secret is empty".to_owned());
        }
        Ok(secret)
    }
}
