//! The program `locum`: one file per command. Commands parse arguments and call the library.

mod audit;
mod check;
mod database;
mod dev;
mod dialect;
mod migrate;
mod running;
mod serve;

use std::fmt::Display;
use std::path::Path;
use std::process::ExitCode;

use clap::{CommandFactory, Parser, Subcommand};

use crate::config::ConfigFile;

/// An OAuth 2.0 authorization server that answers as healthcare vendors' servers do.
#[derive(Parser)]
#[command(name = "locum", version, propagate_version = true)]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(Subcommand)]
enum Command {
    /// Run the stand-in: five vendors' issuers with demo clients, nothing to set up
    Dev(dev::Dev),
    /// Run the real thing, on a database that lasts
    Serve(serve::Serve),
    /// Bring a database's tables up to date
    Migrate(migrate::Migrate),
    /// Check the audit log, or write it down
    Audit(audit::Audit),
    /// Say what is wrong with a configuration file
    Check(check::Check),
    /// Show the built-in dialects, or check one of your own
    #[command(subcommand)]
    Dialect(dialect::Dialect),
    /// Print a completion script for your shell
    Completions { shell: clap_complete::Shell },
}

/// A command did not do what was asked; what went wrong has been printed.
enum Failed {
    /// It was asked for something that cannot be: exit code 2, as for unknown arguments.
    Misused,
    /// It tried: exit code 1.
    Tried,
}

pub fn run() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Dev(dev) => dev.run(),
        Command::Serve(serve) => serve.run(),
        Command::Migrate(migrate) => migrate.run(),
        Command::Audit(audit) => audit.run(),
        Command::Check(check) => check.run(),
        Command::Dialect(dialect) => dialect.run(),
        Command::Completions { shell } => {
            clap_complete::generate(shell, &mut Cli::command(), "locum", &mut std::io::stdout());
            Ok(())
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(Failed::Misused) => ExitCode::from(2),
        Err(Failed::Tried) => ExitCode::FAILURE,
    }
}

/// Prints what went wrong and fails.
fn fail(message: impl Display) -> Failed {
    eprintln!("locum: {message}");
    Failed::Tried
}

/// Prints what is wrong with the arguments and fails.
fn misused(message: impl Display) -> Failed {
    eprintln!("locum: {message}");
    Failed::Misused
}

/// Prints everything that is wrong with the settings and fails.
fn all_misused(messages: &[String]) -> Failed {
    for message in messages {
        eprintln!("locum: {message}");
    }
    Failed::Misused
}

/// Prints every mistake and fails.
fn fail_with(mistakes: &[impl Display]) -> Failed {
    for mistake in mistakes {
        eprintln!("{mistake}");
    }
    Failed::Tried
}

impl ConfigFile {
    /// The file, or none at all.
    fn at(path: Option<&Path>) -> Result<Self, Failed> {
        match path {
            Some(path) => Self::read(path).map_err(|mistake| fail_with(&[mistake])),
            None => Ok(Self::empty()),
        }
    }
}
