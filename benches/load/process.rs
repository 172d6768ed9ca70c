//! Programs started for the bench: where they run, what they use, and that they end.

use std::ffi::OsStr;
use std::io::{BufRead, BufReader, Write};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;

use crate::Failed;

/// One core for the server or whatever it is compared with, another for what makes the load.
pub struct Cores {
    pub server: String,
    pub load: String,
    /// What a command for the server's core begins with. Nothing before this process is pinned.
    prefix: Vec<String>,
}

impl Cores {
    pub fn new(server: &str, load: &str) -> Self {
        Self {
            server: server.to_owned(),
            load: load.to_owned(),
            prefix: Vec::new(),
        }
    }

    /// Holds this process, all its threads and what it starts from now on to the load generator's
    /// core.
    ///
    /// # Errors
    /// Why processes stay where they like.
    pub fn pin(&mut self) -> Result<(), Failed> {
        let this = std::process::id().to_string();
        // The server's core first, which has to be there later.
        succeed("taskset", &["-c", &self.server, "true"])?;
        succeed("taskset", &["-acp", &self.load, &this])?;
        self.prefix = ["taskset", "-c", &self.server].map(str::to_owned).into();
        // A server that outlived a bench that was killed would spoil the next one.
        let end_with_us = ["setpriv", "--pdeathsig", "KILL"];
        if succeed(end_with_us[0], &["--pdeathsig", "KILL", "true"]).is_ok() {
            self.prefix.extend(end_with_us.map(str::to_owned));
        }
        Ok(())
    }

    /// A command that will run on the server's core.
    pub fn on_the_servers(&self, program: impl AsRef<OsStr>) -> Command {
        match self.prefix.as_slice() {
            [] => Command::new(program),
            [first, others @ ..] => {
                let mut command = Command::new(first);
                command.args(others).arg(program);
                command
            }
        }
    }
}

fn succeed(program: &str, arguments: &[&str]) -> Result<(), Failed> {
    let output = Command::new(program).args(arguments).output();
    let output = output.map_err(|error| format!("{program}: {error}"))?;
    if output.status.success() {
        return Ok(());
    }
    Err(String::from_utf8_lossy(&output.stderr).trim().into())
}

/// A program that ends with this value. Its standard input is a pipe.
pub struct Running(Child);

impl Running {
    pub fn start(command: &mut Command) -> Result<Self, Failed> {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let program = command.get_program().to_string_lossy();
        Ok(Self(child.map_err(|error| format!("{program}: {error}"))?))
    }

    /// Sends one line to its standard input, and leaves that open.
    pub fn tell(&mut self, line: &str) -> Result<(), Failed> {
        let input = self.0.stdin.as_mut().ok_or("standard input is a pipe")?;
        writeln!(input, "{line}")?;
        Ok(input.flush()?)
    }

    /// The first line of its standard output.
    pub async fn first_line(&mut self, within: Duration) -> Result<String, Failed> {
        let output = self.0.stdout.take().ok_or("it has been read before")?;
        // When this gives up, dropping the program ends the thread.
        let line = tokio::task::spawn_blocking(move || {
            let mut line = String::new();
            BufReader::new(output).read_line(&mut line).map(|_| line)
        });
        let line = tokio::time::timeout(within, line)
            .await
            .map_err(|_| "a program said nothing in time")???;
        if line.is_empty() {
            return Err("a program ended before it said anything".into());
        }
        Ok(line)
    }

    /// Waits for its end without holding up what else this thread does. Its output has to fit
    /// into a pipe.
    pub async fn output(mut self, within: Duration) -> Result<String, Failed> {
        let end = async {
            while self.0.try_wait()?.is_none() {
                tokio::time::sleep(Duration::from_millis(10)).await;
            }
            Ok::<_, Failed>(())
        };
        tokio::time::timeout(within, end)
            .await
            .map_err(|_| "a program took too long")??;
        let mut output = self.0.stdout.take().ok_or("standard output is a pipe")?;
        let text = std::io::read_to_string(&mut output)?;
        if !self.0.wait()?.success() {
            return Err("a program failed; see above".into());
        }
        Ok(text)
    }

    pub fn usage(&self) -> Usage {
        Usage { id: self.0.id() }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        // It may have ended already.
        let _ = self.0.kill();
        let _ = self.0.wait();
    }
}

/// What a running process uses, from `/proc`; `None` on systems without.
#[derive(Clone, Copy)]
pub struct Usage {
    id: u32,
}

impl Usage {
    pub fn of_this_process() -> Self {
        Self {
            id: std::process::id(),
        }
    }

    /// Processor time of all its threads so far.
    pub fn processor_time(self) -> Option<Duration> {
        /// What Linux tells every program, whatever it counts in.
        const TICKS_PER_SECOND: u64 = 100;
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.id)).ok()?;
        // The name in parentheses may hold spaces; `utime` and `stime` are fields 14 and 15.
        let (_, after_name) = stat.rsplit_once(") ")?;
        let mut times = after_name.split(' ').skip(11).map(str::parse::<u64>);
        let ticks = times.next()?.ok()? + times.next()?.ok()?;
        Some(Duration::from_millis(ticks * 1000 / TICKS_PER_SECOND))
    }

    /// How much of one core it used in the `seconds` since `before` was taken.
    pub fn busy_since(self, before: Option<Duration>, seconds: f64) -> Option<f64> {
        let used = self.processor_time()?.checked_sub(before?)?;
        Some(used.as_secs_f64() / seconds)
    }

    /// Resident memory, in KiB.
    pub fn resident(self) -> Option<u64> {
        let status = std::fs::read_to_string(format!("/proc/{}/status", self.id)).ok()?;
        let line = status
            .lines()
            .find_map(|line| line.strip_prefix("VmRSS:"))?;
        line.trim().strip_suffix(" kB")?.parse().ok()
    }
}

/// `locum dev`.
pub struct Locum {
    pub process: Running,
    issuers: Vec<ReadyIssuer>,
}

#[derive(Deserialize)]
struct Ready {
    issuers: Vec<ReadyIssuer>,
}

#[derive(Deserialize)]
struct ReadyIssuer {
    name: String,
    discovery: Option<String>,
    token_endpoint: String,
}

/// Where a server keeps what it has to.
pub enum Database<'a> {
    InMemory,
    Folder(&'a Path),
    Postgres(&'a str),
}

impl Locum {
    /// Starts the binary of this build with the demo issuers and those of `config`.
    pub async fn start(
        cores: &Cores,
        config: Option<&Path>,
        database: Database<'_>,
    ) -> Result<Self, Failed> {
        let mut command = cores.on_the_servers(env!("CARGO_BIN_EXE_locum"));
        for (name, _) in std::env::vars_os() {
            // The settings of the bench are none of the server's.
            if name.to_string_lossy().starts_with("LOCUM_") {
                command.env_remove(name);
            }
        }
        command
            .args(["dev", "--json", "--listen", "127.0.0.1:0"])
            .env("LOCUM_LOG", "warn");
        if let Some(config) = config {
            command.arg("--config").arg(config);
        }
        match database {
            Database::InMemory => {}
            Database::Folder(folder) => {
                command.arg("--data").arg(folder);
            }
            Database::Postgres(url) => {
                command.env("LOCUM_DATABASE_URL", url);
            }
        }
        let mut process = Running::start(&mut command)?;
        let line = process.first_line(Duration::from_secs(60)).await?;
        let ready: Ready = serde_json::from_str(&line)?;
        Ok(Self {
            process,
            issuers: ready.issuers,
        })
    }

    pub fn token_endpoint(&self, issuer: &str) -> Result<&str, Failed> {
        Ok(&self.issuer(issuer)?.token_endpoint)
    }

    pub fn discovery(&self, issuer: &str) -> Result<&str, Failed> {
        let discovery = self.issuer(issuer)?.discovery.as_deref();
        discovery.ok_or_else(|| format!("issuer {issuer} has no discovery document").into())
    }

    fn issuer(&self, name: &str) -> Result<&ReadyIssuer, Failed> {
        let found = self.issuers.iter().find(|issuer| issuer.name == name);
        found.ok_or_else(|| format!("the server has no issuer {name}").into())
    }
}
