//! A clinic's own server: the real program, `locum serve`, with a configuration as a clinic might
//! write it.

use std::path::PathBuf;
use std::process::Command;

use tempfile::TempDir;

use super::http::{Peer, Request};
use super::program::{Finished, Program, locum};
use super::user::{App, Person, STANDARD};

/// 32 characters, and no demo's.
pub const SECRET_KEY: &str = "a-clinic's-key-0123456789-secret";
pub const PASSWORD: &str = "correct horse battery staple";

/// What a clinic declares. Secrets end as [`super::http::SECRET`] does.
const ISSUER: &str = r#"
[[issuer]]
name = "sunrise"
dialect = "standard"

[issuer.brand]
name = "Sunrise Clinic"

[[issuer.api]]
audience = "https://api.sunrise.test"
scopes = ["patients:read", "patients:write"]

[[issuer.api]]
audience = "https://opaque.sunrise.test"
token_format = "opaque"
scopes = ["files:read"]

[[issuer.client]]
client_id = "ehr"
client_secret = "opens-the-ehr-secret"
kind = "machine"
grant = [
    { audience = "https://api.sunrise.test", scopes = ["patients:read"] },
    { audience = "https://opaque.sunrise.test", scopes = "all" },
]

[[issuer.client]]
client_id = "portal"
client_name = "Patient Portal"
client_secret = "opens-the-portal-secret"
kind = "web"
redirect_uris = ["http://localhost:3000/callback"]
grant = [{ audience = "https://api.sunrise.test", scopes = "all" }]

[[issuer.role]]
name = "doctor"
description = "Sees patients"
grant = [{ audience = "https://api.sunrise.test", scopes = ["patients:write"] }]

[[issuer.user]]
username = "ada"
roles = ["doctor"]
password = "correct horse battery staple"
name = "Ada Example"
"#;

/// A folder with a configuration, and where the server will listen.
pub struct Clinic {
    pub config: String,
    folder: TempDir,
}

impl Clinic {
    /// On a port of its own, with everything that `locum serve` asks for.
    pub fn on(database_url: &str) -> Self {
        let port = free_port();
        Self::declaring(&format!(
            "public_url = \"http://localhost:{port}\"\nlisten = \"127.0.0.1:{port}\"\n\
             allow_http = true\ndatabase_url = \"{database_url}\"\n\
             secret_key = \"{SECRET_KEY}\"\n"
        ))
    }

    /// With these settings instead.
    pub fn declaring(settings: &str) -> Self {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("locum.toml");
        std::fs::write(&path, format!("{settings}{ISSUER}")).unwrap();
        Self {
            config: path.to_str().unwrap().to_owned(),
            folder,
        }
    }

    /// The same, under the same address and with the same secret key, on another database.
    pub fn at(&self, database_url: &str) -> Self {
        let text = std::fs::read_to_string(&self.config).unwrap();
        let lines = text
            .lines()
            .map(|line| match line.starts_with("database_url") {
                true => format!("database_url = \"{database_url}\"\n"),
                false => format!("{line}\n"),
            });
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("locum.toml");
        std::fs::write(&path, lines.collect::<String>()).unwrap();
        Self {
            config: path.to_str().unwrap().to_owned(),
            folder,
        }
    }

    pub fn path(&self, name: &str) -> PathBuf {
        self.folder.path().join(name)
    }

    /// Writes something else in the place of something in its configuration.
    pub fn rewrite(&self, from: &str, to: &str) {
        let text = std::fs::read_to_string(&self.config).unwrap();
        assert!(text.contains(from), "{from}");
        std::fs::write(&self.config, text.replacen(from, to, 1)).unwrap();
    }

    /// `locum COMMAND --config …`
    pub fn command<'a>(&'a self, command: impl IntoIterator<Item = &'a str>) -> Command {
        locum(command.into_iter().chain(["--config", &self.config]))
    }

    pub fn run<'a>(&'a self, command: impl IntoIterator<Item = &'a str>) -> Finished {
        Finished::from(self.command(command).output().unwrap())
    }

    pub fn serve(&self) -> Program {
        Program::start(self.command(["serve", "--json"]))
    }

    /// `locum serve`, which is not to start.
    pub fn refused(&self, code: i32) -> String {
        let finished = self.run(["serve"]);
        assert_eq!(finished.stdout, "");
        finished.exited(code).to_owned()
    }
}

pub fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

/// A machine's request for a token of one of the two APIs.
pub fn token_request(api: &str) -> Request {
    Request::post("/sunrise/oauth2/token")
        .basic("ehr", "opens-the-ehr-secret")
        .form(format!(
            "grant_type=client_credentials&resource=https://{api}.sunrise.test"
        ))
}

pub fn introspection(token: &str) -> Request {
    Request::post("/sunrise/oauth2/introspect")
        .basic("ehr", "opens-the-ehr-secret")
        .form(format!("token={token}"))
}

pub fn ada(peer: Peer) -> Person {
    Person {
        password: PASSWORD.to_owned(),
        ..Person::new(peer, "ada")
    }
}

pub fn portal() -> App {
    App {
        secret: Some("opens-the-portal-secret".to_owned()),
        ..App::new("sunrise", "portal", STANDARD)
    }
}
