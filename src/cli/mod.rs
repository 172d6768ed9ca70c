//! The program `locum`: one file per command. Commands parse arguments and call the library.

mod admin;
mod audit;
mod check;
mod dev;
mod dialect;
mod migrate;
mod plan;
mod running;
mod serve;
mod token;
mod transfer;

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
    /// Say what is wrong with a configuration file
    Check(check::Check),
    /// Say what a configuration would change in the database
    Plan(plan::Configuration),
    /// Make the database say what a configuration declares; running servers notice
    Apply(plan::Configuration),
    /// Write the database's side down as a configuration, or, with --full, everything there is
    Export(plan::Export),
    /// Move what `locum export --full` has written into this database
    Import(transfer::Import),
    /// Administer issuers
    Issuer(admin::Issuer),
    /// Administer clients
    Client(admin::Client),
    /// Administer what allows somebody to register clients
    RegistrationToken(admin::RegistrationToken),
    /// Administer users
    User(admin::User),
    /// See what users allowed clients, and withdraw it
    Consent(admin::Consent),
    /// Administer roles
    Role(admin::Role),
    /// Administer APIs and scopes
    Api(admin::Api),
    /// Administer signing keys
    Key(admin::Key),
    /// See who is signed in, and sign them out
    Session(admin::Session),
    /// Appoint administrators
    Administrator(admin::Administrator),
    /// Read the audit log, check it, or write it down
    #[command(subcommand)]
    Audit(Audit),
    /// Get an access token for the admin API
    Token(token::Token),
    /// Show the built-in dialects, or check one of your own
    #[command(subcommand)]
    Dialect(dialect::Dialect),
    /// Print a completion script for your shell
    Completions { shell: clap_complete::Shell },
}

#[derive(Subcommand)]
enum Audit {
    /// Look for events, the newest first
    Search(admin::Search),
    /// Find events that have been altered or removed
    ///
    /// Prints where each chain of events ends, as N:HEX. Noted where nobody who has the database can
    /// change it, and given to --head later, it shows when events have been taken off the end.
    Verify(audit::Verify),
    /// Write events down, the newest first
    Export(audit::Export),
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
        Command::Check(check) => check.run(),
        Command::Plan(configuration) => configuration.plan(),
        Command::Apply(configuration) => configuration.apply(),
        Command::Export(export) => running::wait(export.configuration()),
        Command::Import(import) => import.run(),
        Command::Issuer(issuer) => running::wait(issuer.run()),
        Command::Client(client) => running::wait(client.run()),
        Command::RegistrationToken(token) => running::wait(token.run()),
        Command::User(user) => running::wait(user.run()),
        Command::Consent(consent) => running::wait(consent.run()),
        Command::Role(role) => running::wait(role.run()),
        Command::Api(api) => running::wait(api.run()),
        Command::Key(key) => running::wait(key.run()),
        Command::Session(session) => running::wait(session.run()),
        Command::Administrator(administrator) => running::wait(administrator.run()),
        Command::Audit(Audit::Search(search)) => running::wait(search.run()),
        Command::Audit(Audit::Verify(verify)) => verify.run(),
        Command::Audit(Audit::Export(export)) => export.run(),
        Command::Token(token) => running::wait(token.run()),
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
