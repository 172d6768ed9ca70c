//! Servers to talk to: the issuers of `locum dev`, and one issuer of every dialect with clients
//! that may do less.

use std::ops::Deref;
use std::sync::{LazyLock, mpsc};

use locum::clock::{Clock, ManualClock, Timestamp};
use locum::embedded::{Builder, Locum};

use super::http::{Peer, Request};

/// 2026-01-02T03:04:05Z: when every test begins.
pub const BEGINNING: i64 = 1_767_323_045;

/// A server of this test's own, whose clock it moves.
pub struct Fixture {
    pub locum: Locum,
    pub clock: ManualClock,
    peer: Peer,
}

impl Fixture {
    /// The issuers of `locum dev`.
    pub async fn start() -> Self {
        Self::with(|builder| builder).await
    }

    /// Those, and what a configuration declares.
    pub async fn configured(config: &str) -> Self {
        Self::with(|builder| builder.config(config, ".")).await
    }

    pub async fn on(database_url: &str) -> Self {
        Self::with(|builder| builder.database_url(database_url)).await
    }

    pub async fn with(settings: impl FnOnce(Builder) -> Builder) -> Self {
        let clock = ManualClock::starting_at(Timestamp::from_unix(BEGINNING));
        let builder = Locum::builder().clock(Clock::Manual(clock.clone()));
        let locum = settings(builder)
            .start()
            .await
            .unwrap_or_else(|error| panic!("{error}"));
        Self {
            peer: Peer::at(locum.url()),
            locum,
            clock,
        }
    }

    pub fn peer(&self) -> Peer {
        self.peer
    }
}

impl Deref for Fixture {
    type Target = Peer;

    fn deref(&self) -> &Peer {
        &self.peer
    }
}

/// The issuers of `locum dev`, on a server that all tests share; its clock stands still.
pub fn demo() -> Peer {
    static DEMO: LazyLock<Peer> = LazyLock::new(|| shared(String::new()));
    *DEMO
}

/// One issuer of each dialect, on a server that all tests share. Each is named after its dialect.
pub fn every_dialect() -> Peer {
    static ALL: LazyLock<Peer> =
        LazyLock::new(|| shared(DIALECTS.map(|dialect| issuer_of(dialect, dialect)).concat()));
    *ALL
}

pub const DIALECTS: [&str; 6] = [
    "standard",
    "auth0",
    "hydra",
    "pattern",
    "identityserver",
    "identityserver4",
];

/// An issuer with one client for each thing that a client may lack.
pub fn issuer_of(name: &str, dialect: &str) -> String {
    format!(
        r#"
        [[issuer]]
        name = "{name}"
        dialect = "{dialect}"

        [[issuer.api]]
        audience = "https://api.example"
        scopes = ["read", "write", {{ name = "prescribe", users_only = true }}]

        [[issuer.api]]
        audience = "https://other.example"
        scopes = ["other"]

        [[issuer.client]]
        client_id = "machine"
        client_secret = "machine-secret"
        kind = "machine"

        [[issuer.client.grant]]
        audience = "https://api.example"
        scopes = ["read", "write"]

        [[issuer.client]] # was granted nothing
        client_id = "idle"
        client_secret = "idle-secret"
        kind = "machine"

        [[issuer.client]] # for users to sign in with
        client_id = "web"
        client_secret = "web-secret"
        kind = "web"

        [[issuer.client.grant]]
        audience = "https://api.example"
        scopes = ["read", "prescribe"]

        [[issuer.client]] # has no secret
        client_id = "spa"
        kind = "spa"
        "#
    )
}

/// A server that all of one module's tests share; its clock stands still.
pub fn shared_by(config: &str) -> Peer {
    shared(config.to_owned())
}

/// A server on a thread of its own, because each test's runtime ends with the test.
fn shared(config: String) -> Peer {
    let (started, peer) = mpsc::channel();
    std::thread::spawn(move || {
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .unwrap();
        runtime.block_on(async {
            let fixture = Fixture::configured(&config).await;
            started.send(fixture.peer()).unwrap();
            std::future::pending::<()>().await;
        });
    });
    peer.recv().expect("the shared server starts")
}

/// How each demo issuer's own client gets a token, in the form its vendor's guide shows.
pub struct Vendor {
    pub issuer: &'static str,
    pub token_path: &'static str,
    pub client_id: &'static str,
    pub parameters: &'static str,
    /// A sample resource that the token is good for.
    pub resource: &'static str,
}

pub const VENDORS: [Vendor; 5] = [
    Vendor {
        issuer: "photon",
        token_path: "/oauth/token",
        client_id: "photon-m2m",
        parameters: "&audience=https%3A%2F%2Fapi.neutron.health",
        resource: "/graphql",
    },
    Vendor {
        issuer: "medblocks",
        token_path: "/oauth2/token",
        client_id: "admin",
        parameters: "",
        resource: "/fhir/Patient",
    },
    Vendor {
        issuer: "pattern",
        token_path: "/api/auth/token",
        client_id: "pattern-backend",
        parameters: "",
        resource: "/api/patients",
    },
    Vendor {
        issuer: "nethealth",
        token_path: "/connect/token",
        client_id: "nethealth-web",
        parameters: "&scope=patients.read",
        resource: "/api/Patients",
    },
    Vendor {
        issuer: "clinic",
        token_path: "/oauth2/token",
        client_id: "clinic-machine",
        parameters: "",
        resource: "/api/patients",
    },
];

impl Vendor {
    pub fn of(issuer: &str) -> &'static Self {
        VENDORS
            .iter()
            .find(|vendor| vendor.issuer == issuer)
            .expect("a demo issuer")
    }

    pub fn path(&self, path: &str) -> String {
        format!("/{}{path}", self.issuer)
    }

    pub fn client_secret(&self) -> String {
        format!("{}-secret", self.client_id)
    }

    pub fn token_request(&self) -> Request {
        Request::post(&self.path(self.token_path))
            .basic(self.client_id, &self.client_secret())
            .form(format!("grant_type=client_credentials{}", self.parameters))
    }

    pub fn resource_request(&self, token: &str) -> Request {
        Request::get(&self.path(self.resource)).bearer(token)
    }

    /// What a proxy in front of an application asks.
    pub fn forward_auth(&self, token: &str) -> Request {
        Request::get(&self.path("/forward-auth")).bearer(token)
    }

    pub async fn token(&self, peer: &Peer) -> String {
        peer.send(self.token_request()).await.access_token()
    }
}
