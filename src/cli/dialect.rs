use std::path::Path;

use clap::Subcommand;

use super::{Failed, fail_with};
use crate::dialect::{BUILT_IN, load, load_built_in, resolved, text};

#[derive(Subcommand)]
pub enum Dialect {
    /// Name the built-in dialects
    List,
    /// Print a dialect, as a starting point for one of your own
    Show {
        /// A built-in dialect's name, or a file
        name: String,
        /// With everything it inherits, without comments
        #[arg(long)]
        resolved: bool,
    },
    /// Say what is wrong with a dialect file
    Check {
        /// The file
        file: String,
    },
}

impl Dialect {
    pub(super) fn run(self) -> Result<(), Failed> {
        match self {
            Self::List => list(),
            Self::Show {
                name,
                resolved: true,
            } => {
                let text = resolved(&name, Path::new("."));
                print!("{}", text.map_err(|mistake| fail_with(&[mistake]))?);
                Ok(())
            }
            Self::Show { name, .. } => {
                let text = text(&name, Path::new("."));
                print!("{}", text.map_err(|mistake| fail_with(&[mistake]))?);
                Ok(())
            }
            Self::Check { file } => {
                let dialect =
                    load(&file, Path::new(".")).map_err(|mistake| fail_with(&[mistake]))?;
                println!("{file}: nothing wrong ({})", dialect.title);
                Ok(())
            }
        }
    }
}

fn list() -> Result<(), Failed> {
    for (name, _) in BUILT_IN {
        let dialect = load_built_in(name).map_err(|mistake| fail_with(&[mistake]))?;
        println!("{name:<16} {}", dialect.title);
    }
    Ok(())
}
