//! What the commands that serve have in common: a runtime, a log, sockets, and an end.

use std::io::Write;
use std::net::{SocketAddr, TcpListener};

use tokio::runtime::Runtime;

use super::{Failed, fail, misused};
use crate::config::{ConfigFile, setting};
use crate::listen::listen;
use crate::server::Server;

pub const DEFAULT_LISTEN: &str = "127.0.0.1:8080";

/// One line for each request, and nothing about the machinery below.
const DEFAULT_LOG: &str = "info,actix_server=warn";

/// So many threads answer requests at most.
const MOST_WORKERS: usize = 8;

/// Lays the environment over the file, begins to log, and says there what is wrong with the
/// environment.
pub fn begin(file: ConfigFile) -> Result<ConfigFile, Failed> {
    let (file, hints) = file.with_environment(std::env::vars());
    log_to_stderr(file.config.log.as_ref().map(|log| log.get_ref().as_str()))?;
    for hint in hints {
        tracing::warn!("{hint}");
    }
    Ok(file)
}

/// The same for a command that does one thing: only what goes wrong is logged.
pub fn quietly(file: ConfigFile) -> Result<ConfigFile, Failed> {
    let (mut file, hints) = file.with_environment(std::env::vars());
    file.config
        .log
        .get_or_insert_with(|| toml::Spanned::new(0..0, "error".to_owned()));
    log_to_stderr(file.config.log.as_ref().map(|log| log.get_ref().as_str()))?;
    for hint in hints {
        tracing::warn!("{hint}");
    }
    Ok(file)
}

fn log_to_stderr(filter: Option<&str>) -> Result<(), Failed> {
    let filter = setting::log(filter.unwrap_or(DEFAULT_LOG)).map_err(misused)?;
    tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .with_ansi(std::io::IsTerminal::is_terminal(&std::io::stderr()))
        .init();
    Ok(())
}

/// What everything beside the HTTP workers runs on.
fn runtime() -> Result<Runtime, Failed> {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .map_err(fail)
}

/// Runs what a command does, to its end.
pub fn wait(asking: impl Future<Output = Result<(), Failed>>) -> Result<(), Failed> {
    runtime()?.block_on(asking)
}

pub fn workers() -> usize {
    std::thread::available_parallelism()
        .map_or(1, usize::from)
        .min(MOST_WORKERS)
}

/// The address to listen on: what the command line says, or else the configuration.
pub fn address(argument: Option<&String>, file: &ConfigFile) -> Result<SocketAddr, Failed> {
    let configured = file.config.listen.as_ref().map(toml::Spanned::get_ref);
    let text = argument
        .or(configured)
        .map_or(DEFAULT_LISTEN, String::as_str);
    setting::listen(text).map_err(misused)
}

pub fn listeners(address: SocketAddr) -> Result<Vec<TcpListener>, Failed> {
    listen(address).map_err(|error| {
        fail(format!(
            "cannot listen on {address}: {error}. Another port, like --listen 127.0.0.1:8081, or 0 for any free one, may do."
        ))
    })
}

/// Says on standard output that the server is there, and serves until the process is asked to end.
pub async fn serve(server: Server, announcement: String) -> Result<(), Failed> {
    // Before the announcement: whoever reads it may send a signal at once.
    let stop = stop_signal().map_err(fail)?;
    let handle = server.handle();
    let counts = server.store_counts();
    tokio::spawn(async move {
        stop.await;
        counts.await;
        handle.stop(true).await;
    });
    let mut stdout = std::io::stdout().lock();
    // Whoever started us may have closed the pipe; that is no reason not to serve.
    let _ = writeln!(stdout, "{announcement}").and_then(|()| stdout.flush());
    drop(stdout);
    server.run().await.map_err(fail)
}

/// Resolves when the process is asked to end. Listens from the moment it is called.
#[cfg(unix)]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    use tokio::signal::unix::{SignalKind, signal};
    let mut terminate = signal(SignalKind::terminate())?;
    let mut interrupt = signal(SignalKind::interrupt())?;
    Ok(async move {
        tokio::select! {
            _ = terminate.recv() => {}
            _ = interrupt.recv() => {}
        }
    })
}

#[cfg(not(unix))]
fn stop_signal() -> std::io::Result<impl Future<Output = ()>> {
    Ok(async {
        let _ = tokio::signal::ctrl_c().await;
    })
}
