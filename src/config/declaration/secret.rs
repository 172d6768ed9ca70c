use std::path::{Path, PathBuf};

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
    /// The secret is in a file; its path is relative to the working directory.
    pub fn in_file(path: &str) -> Self {
        // In a configuration file, paths are relative to that.
        let file = std::path::absolute(path)
            .ok()
            .and_then(|path| path.into_os_string().into_string().ok())
            .unwrap_or_else(|| path.to_owned());
        Self::File(FileReference { file })
    }

    /// The file it is in, if it is in one.
    pub fn file(&self, folder: &Path) -> Option<PathBuf> {
        match self {
            Self::File(FileReference { file }) => Some(folder.join(file)),
            Self::Literal(_) | Self::Env(_) => None,
        }
    }

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
