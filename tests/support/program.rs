//! The real program: started, listened to, stopped and killed.

use std::io::{BufRead, BufReader, Read};
use std::process::{Child, ChildStderr, ChildStdout, Command, ExitStatus, Output, Stdio};
use std::sync::{Arc, Mutex};
use std::thread::JoinHandle;

use serde_json::Value;

use super::http::Peer;

/// `locum`, with nothing of this process's `LOCUM_…` variables.
pub fn locum<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_locum"));
    for (name, _) in std::env::vars().filter(|(name, _)| name.starts_with("LOCUM_")) {
        command.env_remove(name);
    }
    command.args(arguments).stdin(Stdio::null());
    command
}

/// Runs a command that ends by itself.
pub fn run<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Finished {
    Finished::from(locum(arguments).output().unwrap())
}

/// How a program ended and what it said.
#[derive(Debug)]
pub struct Finished {
    pub status: ExitStatus,
    pub stdout: String,
    pub stderr: String,
}

impl From<Output> for Finished {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("UTF-8");
        Self {
            status: output.status,
            stdout: text(output.stdout),
            stderr: text(output.stderr),
        }
    }
}

impl Finished {
    /// Asserts the exit code, and gives what was printed where a person looks for it.
    pub fn exited(&self, code: i32) -> &str {
        assert_eq!(self.status.code(), Some(code), "{self:?}");
        if code == 0 {
            &self.stdout
        } else {
            &self.stderr
        }
    }
}

/// A running `locum dev --json`; killed when dropped.
pub struct Program {
    pub ready: Value,
    pub peer: Peer,
    child: Child,
    stdout: Option<BufReader<ChildStdout>>,
    ready_line: String,
    stderr: Option<JoinHandle<()>>,
    said: Arc<Mutex<Vec<u8>>>,
}

impl Program {
    /// `locum dev --json` on a free port, with more arguments.
    pub fn dev<'a>(arguments: impl IntoIterator<Item = &'a str>) -> Self {
        let fixed = ["dev", "--json", "--listen", "127.0.0.1:0"];
        Self::start(locum(fixed.into_iter().chain(arguments)))
    }

    /// Starts a command that is to print a ready line, and reads it.
    pub fn start(mut command: Command) -> Self {
        command.stdout(Stdio::piped()).stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        let stderr = child.stderr.take().unwrap();
        let said = Arc::new(Mutex::new(Vec::new()));
        let hears = said.clone();
        let stderr = std::thread::spawn(move || read(stderr, &hears));
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut ready_line = String::new();
        stdout.read_line(&mut ready_line).unwrap();
        let Ok(ready) = serde_json::from_str::<Value>(&ready_line) else {
            let _ = child.kill();
            stderr.join().unwrap();
            panic!("no ready line: {ready_line:?} {}", text(&said));
        };
        Self {
            peer: Peer::at(ready["url"].as_str().unwrap()),
            ready,
            child,
            stdout: Some(stdout),
            ready_line,
            stderr: Some(stderr),
            said,
        }
    }

    /// What it has said on standard error by now.
    pub fn said_so_far(&self) -> String {
        text(&self.said)
    }

    /// `kill -9`: it has no say in the matter.
    pub fn kill(mut self) -> Finished {
        self.child.kill().unwrap();
        self.wait()
    }

    /// SIGTERM, as a service manager or a test suite stops it.
    pub fn terminate(mut self) -> Finished {
        let kill = format!("kill -TERM {}", self.child.id());
        let sent = Command::new("sh").args(["-c", &kill]).status().unwrap();
        assert!(sent.success());
        self.wait()
    }

    fn wait(&mut self) -> Finished {
        let mut stdout = std::mem::take(&mut self.ready_line);
        let mut rest = self.stdout.take().unwrap();
        rest.read_to_string(&mut stdout).unwrap();
        Finished {
            stdout,
            status: self.child.wait().unwrap(),
            stderr: {
                self.stderr.take().unwrap().join().unwrap();
                text(&self.said)
            },
        }
    }
}

fn read(mut stderr: ChildStderr, said: &Mutex<Vec<u8>>) {
    let mut chunk = [0; 4096];
    while let Ok(length @ 1..) = stderr.read(&mut chunk) {
        said.lock().unwrap().extend_from_slice(&chunk[..length]);
    }
}

fn text(said: &Mutex<Vec<u8>>) -> String {
    String::from_utf8_lossy(&said.lock().unwrap()).into_owned()
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}
