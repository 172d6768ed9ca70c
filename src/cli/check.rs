use std::path::PathBuf;

use clap::Args;

use super::{Failed, fail_with};
use crate::config::{ConfigFile, Declared, Origin};
use crate::production;

#[derive(Args)]
pub struct Check {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "LOCUM_CONFIG")]
    config: PathBuf,
}

impl Check {
    /// Prints every mistake with its line; otherwise what the file declares, and what
    /// `locum serve` would say to it in this environment.
    pub(super) fn run(self) -> Result<(), Failed> {
        let file = ConfigFile::read(&self.config).map_err(|mistake| fail_with(&[mistake]))?;
        let declared = file
            .resolve(Origin::File)
            .map_err(|mistakes| fail_with(&mistakes))?;
        println!("{}: nothing wrong", self.config.display());
        for issuer in &declared {
            let declaration = &issuer.declaration;
            println!(
                "  issuer {} ({}): {} APIs, {} clients",
                declaration.name.get_ref(),
                issuer.dialect.title,
                declaration.apis.len(),
                declaration.clients.len()
            );
        }
        let (file, hints) = file.with_environment(std::env::vars());
        for hint in hints {
            eprintln!("warning: {hint}");
        }
        print_what_serve_would_do(&file, &declared);
        Ok(())
    }
}

/// A file for `locum dev` alone has nothing wrong with it, so this is no failure.
fn print_what_serve_would_do(file: &ConfigFile, declared: &[Declared]) {
    let settings = production::settings(file, false);
    let mut refused = settings.err().unwrap_or_default();
    refused.extend(production::known_secrets(file, declared));
    if refused.is_empty() {
        println!("`locum serve` accepts it");
    } else {
        println!("`locum serve` would refuse it:");
    }
    for sentence in refused {
        println!("  - {sentence}");
    }
    for warning in production::warnings(file, declared) {
        println!("  warning: {warning}");
    }
}
