use std::path::PathBuf;

use clap::Args;

use super::{Failed, fail_with};
use crate::config::{ConfigFile, Origin};

#[derive(Args)]
pub struct Check {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "LOCUM_CONFIG")]
    config: PathBuf,
}

impl Check {
    /// Prints every mistake with its line; otherwise what the file declares.
    pub(super) fn run(self) -> Result<(), Failed> {
        let file = ConfigFile::read(&self.config).map_err(|mistake| fail_with(&[mistake]))?;
        let declared = file
            .resolve(Origin::File)
            .map_err(|mistakes| fail_with(&mistakes))?;
        println!("{}: nothing wrong", self.config.display());
        for issuer in declared {
            let declaration = &issuer.declaration;
            println!(
                "  issuer {} ({}): {} APIs, {} clients",
                declaration.name.get_ref(),
                issuer.dialect.title,
                declaration.apis.len(),
                declaration.clients.len()
            );
        }
        Ok(())
    }
}
