//! `locum export --full` and `locum import`.

use std::io::{BufWriter, IsTerminal, Write};
use std::path::{Path, PathBuf};

use clap::Args;

use super::admin::Local;
use super::{Failed, fail, misused, running};
use crate::admin::transfer::{self, Exported, TransferFault, Wanted};
use crate::config::ConfigFile;
use crate::private;

/// Writes whole issuers to a file, or to standard output.
pub async fn export_whole(
    local: &Local,
    issuer: Option<&str>,
    output: Option<&Path>,
) -> Result<(), Failed> {
    let Some(output) = output else {
        let stdout = std::io::stdout();
        if stdout.is_terminal() {
            return Err(misused(
                "a whole export holds password hashes and sealed keys, and is nothing to look at: name a file with --output",
            ));
        }
        let exported = transfer::export(&local.admin(), issuer, stdout.lock()).await;
        report(exported.map_err(failed)?);
        return Ok(());
    };
    if output.exists() {
        return Err(misused(format!(
            "{} exists already, and is not overwritten",
            output.display()
        )));
    }
    // Under another name until it is whole.
    let mut unfinished = output.as_os_str().to_owned();
    unfinished.push(".unfinished");
    let unfinished = PathBuf::from(unfinished);
    let outcome = write(local, issuer, output, &unfinished).await;
    if outcome.is_err() {
        let _ = std::fs::remove_file(&unfinished);
    }
    report(outcome?);
    Ok(())
}

async fn write(
    local: &Local,
    issuer: Option<&str>,
    output: &Path,
    unfinished: &Path,
) -> Result<Exported, Failed> {
    let cannot =
        |error: std::io::Error| fail(format!("cannot write {}: {error}", output.display()));
    let mut file = BufWriter::new(private::create(unfinished).map_err(cannot)?);
    let exported = transfer::export(&local.admin(), issuer, &mut file).await;
    let exported = exported.map_err(failed)?;
    file.flush().map_err(cannot)?;
    file.get_ref().sync_all().map_err(cannot)?;
    std::fs::rename(unfinished, output).map_err(cannot)?;
    Ok(exported)
}

/// On standard error: standard output may be the file.
fn report(exported: Exported) {
    eprintln!(
        "Exported {}: {} rows. They are worth something only together with the secret key.",
        exported.issuers.join(", "),
        exported.rows
    );
}

fn failed(fault: TransferFault) -> Failed {
    match fault {
        TransferFault::NoSuchIssuer { .. } => misused(fault),
        other => fail(other),
    }
}

/// `locum import`
#[derive(Args)]
pub struct Import {
    /// What `locum export --full` has written
    file: PathBuf,
    /// The configuration file, which says where the database is
    #[arg(long, value_name = "FILE", env = "LOCUM_CONFIG")]
    config: Option<PathBuf>,
    /// Only this issuer
    #[arg(long, short, value_name = "NAME")]
    issuer: Option<String>,
    /// Delete what is there already, with everything in it
    #[arg(long)]
    replace: bool,
}

impl Import {
    pub fn run(self) -> Result<(), Failed> {
        let file = running::quietly(ConfigFile::at(self.config.as_deref())?)?;
        running::wait(async {
            let local = Local::open_or_make(&file).await?;
            let wanted = Wanted {
                issuer: self.issuer.as_deref(),
                replace: self.replace,
            };
            let imported = transfer::import(&local.admin(), &self.file, wanted).await;
            local.core.store.close().await;
            let imported = imported.map_err(|fault| match fault {
                TransferFault::Io(error) => fail(format!("{}: {error}", self.file.display())),
                other => failed(other),
            })?;
            println!(
                "Imported {}: {} rows.",
                imported.issuers.join(", "),
                imported.rows
            );
            if !imported.replaced.is_empty() {
                println!("Replaced {}.", imported.replaced.join(", "));
            }
            Ok(())
        })
    }
}
