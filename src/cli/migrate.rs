use std::path::PathBuf;

use clap::Args;

use super::{Failed, fail, misused, running};
use crate::config::ConfigFile;
use crate::production;
use crate::store::Store;

#[derive(Args)]
pub struct Migrate {
    /// The configuration file
    #[arg(long, value_name = "FILE", env = "LOCUM_CONFIG")]
    config: Option<PathBuf>,
    /// Say what would be done, and change nothing
    #[arg(long)]
    dry_run: bool,
}

impl Migrate {
    pub(super) fn run(self) -> Result<(), Failed> {
        let file = running::begin(ConfigFile::at(self.config.as_deref())?)?;
        let url = production::database_url(&file).map_err(misused)?;
        running::wait(self.migrate(&url))
    }

    async fn migrate(&self, url: &str) -> Result<(), Failed> {
        let pending = Store::pending_steps(url).await.map_err(fail)?;
        if !self.dry_run {
            // Even when nothing is pending: it compares what was done with what should have been.
            Store::open(url).await.map_err(fail)?.close().await;
        }
        let done = if self.dry_run { "pending" } else { "done" };
        for step in &pending {
            println!("{done}  {:04}  {}", step.version, step.description);
        }
        if pending.is_empty() {
            println!("The tables are up to date.");
        }
        Ok(())
    }
}
