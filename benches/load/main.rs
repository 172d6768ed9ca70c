//! How fast Locum is over HTTP, beside what the same machine does without it in the same run:
//! `cargo bench --bench load`, or only some of the table with `-- rs256 es256 opaque documents`.
//!
//! The server has one core and the load generator another; Postgres runs where it likes. What is
//! compared is measured in turn, in many short rounds: back and forth, and each round gives its own
//! ratio, of which the median counts. A machine that is busy with something else for a moment does
//! not fake one that way.
//!
//! Settings, from the environment:
//!
//! | variable | what | default |
//! | --- | --- | --- |
//! | `LOCUM_BENCH_SECONDS` | how long each row is measured in each round | 1 |
//! | `LOCUM_BENCH_ROUNDS` | rounds | 12 |
//! | `LOCUM_BENCH_CONNECTIONS` | connections with a request in flight | 32 |
//! | `LOCUM_BENCH_CORES` | the server's core, and the load generator's | 0,1 |
//! | `LOCUM_TEST_DATABASE_URL` | Postgres, see `tests/support/postgres.rs` | |

mod bare;
mod http;
mod pgbench;
#[path = "../../tests/support/postgres.rs"]
mod postgres;
mod process;
mod startup;
mod subject;
mod table;

use std::path::Path;
use std::process::ExitCode;
use std::str::FromStr;
use std::time::Duration;

use locum::protocol::SigningAlg;
use tokio::signal::unix::{SignalKind, signal};

use bare::{BareServer, Canned};
use http::{Answer, Request};
use process::{Cores, Database, Locum};
use startup::Startup;
use subject::Subject;
use table::{Group, Target};

/// Why the bench ends early.
pub type Failed = Box<dyn std::error::Error + Send + Sync>;

/// What `bench.toml` declares: the issuers, and the client each of them has.
const RS256: &str = "bench-rs256";
const ES256: &str = "bench-es256";
const OPAQUE: &str = "bench-opaque";
const CLIENT_ID: &str = "bench-machine";
const CLIENT_SECRET: &str = "bench-machine-secret";
const SCOPE: &str = "patients:read patients:write";

pub struct Settings {
    pub window: Duration,
    pub rounds: usize,
    pub connections: usize,
    /// Which groups of the table to measure; all when there are none.
    only: Vec<String>,
}

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let outcome = match bare::run_as_child(&arguments) {
        Some(outcome) => outcome,
        // What `cargo bench` calls every benchmark with, and `cargo test --benches` doesn't.
        None if arguments.iter().any(|argument| argument == "--bench") => run(&arguments),
        None => {
            println!("Not a test; run it with: cargo bench --bench load");
            Ok(())
        }
    };
    match outcome {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            eprintln!("load bench: {error}");
            ExitCode::FAILURE
        }
    }
}

fn run(arguments: &[String]) -> Result<(), Failed> {
    let settings = Settings::read(arguments)?;
    let mut cores = Cores::from_environment()?;
    println!("{}", describe_machine());

    // Not held to a core yet: a user's `locum dev` has all of them, and Postgres shall.
    let (startup, databases) = until_told_to_stop(Duration::from_secs(120), async {
        let startup = Startup::measure(&cores).await?;
        Ok((startup, Databases::start().await?))
    })?;
    table::print_startup(&startup);

    println!();
    match cores.pin() {
        Ok(()) => println!(
            "Server on core {}, load generator on core {}",
            cores.server, cores.load
        ),
        Err(reason) => println!(
            "Nothing is held to a core ({reason}), so the ratios say little:\n\
             a figure may be of one core, and the one beside it of all of them."
        ),
    }
    println!(
        "{} connections, {} rounds of {} s",
        settings.connections,
        settings.rounds,
        settings.window.as_secs()
    );

    let rows = 20 * u32::try_from(settings.rounds)?;
    let limit = (settings.window + subject::WARM_UP) * rows * 2 + Duration::from_secs(180);
    until_told_to_stop(limit, async {
        let groups = measure(&settings, &cores, databases).await?;
        table::print_targets_header();
        for group in &groups {
            group.print_comparisons();
        }
        table::print_startup_targets(&startup);
        Ok(())
    })
}

/// Runs on this thread alone. Whatever ends it drops the work, and with it every process started.
fn until_told_to_stop<T>(
    limit: Duration,
    work: impl Future<Output = Result<T, Failed>>,
) -> Result<T, Failed> {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()?;
    runtime.block_on(async {
        let mut terminate = signal(SignalKind::terminate())?;
        tokio::select! {
            outcome = tokio::time::timeout(limit, work) => outcome?,
            _ = tokio::signal::ctrl_c() => Err("interrupted".into()),
            _ = terminate.recv() => Err("terminated".into()),
        }
    })
}

impl Settings {
    fn read(arguments: &[String]) -> Result<Self, Failed> {
        let only = arguments.iter().filter(|one| !one.starts_with('-'));
        Ok(Self {
            window: Duration::from_secs(setting("LOCUM_BENCH_SECONDS", 1)?),
            rounds: setting("LOCUM_BENCH_ROUNDS", 12)?,
            connections: setting("LOCUM_BENCH_CONNECTIONS", 32)?,
            only: only.cloned().collect(),
        })
    }

    fn wants(&self, group: &str) -> bool {
        self.only.is_empty() || self.only.iter().any(|one| one == group)
    }
}

impl Cores {
    fn from_environment() -> Result<Self, Failed> {
        let cores: String = setting("LOCUM_BENCH_CORES", "0,1".to_owned())?;
        let (server, load) = cores
            .split_once(',')
            .ok_or("LOCUM_BENCH_CORES: expected two cores, like 0,1")?;
        Ok(Self::new(server, load))
    }
}

/// A positive number, or text, from the environment.
fn setting<T: FromStr + Default + PartialEq>(name: &str, default: T) -> Result<T, Failed> {
    let Ok(text) = std::env::var(name) else {
        return Ok(default);
    };
    match text.parse() {
        Ok(value) if value != T::default() => Ok(value),
        _ => Err(format!("{name}: {text:?} cannot be used").into()),
    }
}

fn describe_machine() -> String {
    let read = |path| std::fs::read_to_string(path).unwrap_or_default();
    let cpu = read("/proc/cpuinfo");
    let model = cpu
        .lines()
        .find_map(|line| line.strip_prefix("model name")?.split_once(": "))
        .map_or("unknown processor", |(_, model)| model.trim());
    let cores = std::thread::available_parallelism().map_or(0, usize::from);
    let load = read("/proc/loadavg");
    let load = load.split(' ').next().unwrap_or_default();
    format!(
        "Locum {} on {cores} cores ({model}), load average {load} at the start",
        env!("CARGO_PKG_VERSION")
    )
}

/// Two databases on one Postgres: Locum's, and pgbench's.
struct Databases {
    locum: String,
    pgbench: String,
}

impl Databases {
    /// `None`, with a word about why, where there is no Postgres.
    async fn start() -> Result<Option<Self>, Failed> {
        let locum = match postgres::database_url().await {
            Ok(url) => url,
            Err(reason) => {
                println!("Without Postgres: {reason}");
                return Ok(None);
            }
        };
        println!("{}", pgbench::describe(&locum).await?);
        Ok(Some(Self {
            locum,
            pgbench: postgres::database_url().await?,
        }))
    }
}

/// A server that has answered each of its issuers once.
struct Warm {
    name: &'static str,
    locum: Locum,
    rs256: Exchange,
    es256: Exchange,
    opaque: Exchange,
}

struct Exchange {
    url: String,
    request: Request,
    answer: Answer,
}

impl Warm {
    async fn start(
        name: &'static str,
        cores: &Cores,
        database: Database<'_>,
    ) -> Result<Self, Failed> {
        let config = Path::new(env!("CARGO_MANIFEST_DIR")).join("benches/bench.toml");
        let locum = Locum::start(cores, Some(&config), database).await?;
        Ok(Self {
            name,
            // The first request with a secret is the one that pays for Argon2id.
            rs256: Exchange::try_out(locum.token_endpoint(RS256)?).await?,
            es256: Exchange::try_out(locum.token_endpoint(ES256)?).await?,
            opaque: Exchange::try_out(locum.token_endpoint(OPAQUE)?).await?,
            locum,
        })
    }

    fn requests(&self, exchange: &Exchange) -> Subject {
        Subject::Requests {
            request: exchange.request.clone(),
            server: self.locum.process.usage(),
        }
    }
}

impl Exchange {
    async fn try_out(url: &str) -> Result<Self, Failed> {
        let request = Request::client_credentials(url, CLIENT_ID, CLIENT_SECRET, SCOPE)?;
        Ok(Self {
            url: url.to_owned(),
            answer: request.send().await?,
            request,
        })
    }
}

async fn measure(
    settings: &Settings,
    cores: &Cores,
    databases: Option<Databases>,
) -> Result<Vec<Group>, Failed> {
    // Beside the build, on a disk: the system's folder for temporary files may be in memory.
    let folder = tempfile::tempdir_in(env!("CARGO_TARGET_TMPDIR"))?;
    let file = Database::Folder(folder.path());
    let file = Warm::start("SQLite file", cores, file).await?;
    let memory = Warm::start("SQLite in memory", cores, Database::InMemory).await?;
    let postgres = match &databases {
        Some(databases) => {
            let database = Database::Postgres(&databases.locum);
            Some(Warm::start("Postgres", cores, database).await?)
        }
        None => None,
    };
    let documents = Documents::fetch(&file).await?;
    let bare = BareServer::start(
        cores,
        &[
            Canned::new(&file.rs256.url, &file.rs256.answer, Some(SigningAlg::RS256))?,
            Canned::new(&file.es256.url, &file.es256.answer, Some(SigningAlg::ES256))?,
            Canned::new(&documents.discovery_url, &documents.discovery, None)?,
            Canned::new(&documents.jwks_url, &documents.jwks, None)?,
        ],
    )
    .await?;

    let durable: Vec<&Warm> = [Some(&file), postgres.as_ref()]
        .into_iter()
        .flatten()
        .collect();
    let mut groups = Vec::new();
    if settings.wants("rs256") {
        groups.push(rs256(&durable, &bare).await?);
    }
    if settings.wants("es256") {
        groups.push(es256(&durable, &bare).await?);
    }
    if settings.wants("opaque") {
        let database = databases.as_ref().map(|databases| &databases.pgbench);
        groups.push(opaque(&file, &memory, postgres.as_ref(), database, folder.path()).await?);
    }
    if settings.wants("documents") {
        groups.push(documents.group(&file, &bare).await?);
    }
    for group in &mut groups {
        for round in 1..=settings.rounds {
            group.measure(round, settings, cores).await?;
        }
        group.print()?;
    }
    println!();
    for warm in [Some(&file), Some(&memory), postgres.as_ref()]
        .into_iter()
        .flatten()
    {
        if let Some(resident) = warm.locum.process.usage().resident() {
            let resident = table::mib(resident);
            println!(
                "  {:<42} {resident:>6.1} MiB",
                format!("resident after all of it, {}", warm.name)
            );
        }
    }
    Ok(groups)
}

/// A handler around aws-lc-rs, for what Locum's issuer at this URL answers.
async fn bare_handler(bare: &BareServer, exchange: &Exchange) -> Result<Subject, Failed> {
    let url = bare.url(&exchange.url)?;
    let handler = Exchange::try_out(&url).await?;
    same_length(&exchange.answer, &handler.answer)?;
    Ok(Subject::Requests {
        request: handler.request,
        server: bare.process.usage(),
    })
}

/// A comparison would be worth nothing if one of the two sent less.
fn same_length(locum: &Answer, bare: &Answer) -> Result<(), Failed> {
    if locum.length == bare.length {
        return Ok(());
    }
    Err(format!(
        "the answers to compare differ in length:\n{}{}\n\n{}{}",
        locum.head, locum.body, bare.head, bare.body
    )
    .into())
}

async fn rs256(servers: &[&Warm], bare: &BareServer) -> Result<Group, Failed> {
    let mut group = Group::new("JWT, RS256");
    let body = &servers[0].rs256.answer.body;
    let signatures = group.add(
        "bare signatures, aws-lc-rs",
        Subject::Signatures {
            alg: SigningAlg::RS256,
            signing_input: bare::signing_input(body)?.to_owned(),
        },
    );
    let handler = bare_handler(bare, &servers[0].rs256).await?;
    let handler = group.add("bare actix-web, signs once", handler);
    group.compare(
        "RS256, bare actix-web / bare signatures",
        handler,
        signatures,
        Target::None,
    );
    for server in servers {
        let row = group.add(
            format!("client credentials, {}", server.name),
            server.requests(&server.rs256),
        );
        let name = format!("RS256 on {} / bare signatures", server.name);
        group.compare(name, row, signatures, Target::AtLeast(0.95));
    }
    Ok(group)
}

async fn es256(servers: &[&Warm], bare: &BareServer) -> Result<Group, Failed> {
    let mut group = Group::new("JWT, ES256");
    let body = &servers[0].es256.answer.body;
    group.add(
        "bare signatures, aws-lc-rs",
        Subject::Signatures {
            alg: SigningAlg::ES256,
            signing_input: bare::signing_input(body)?.to_owned(),
        },
    );
    let handler = bare_handler(bare, &servers[0].es256).await?;
    let handler = group.add("bare actix-web, signs once", handler);
    for server in servers {
        let row = group.add(
            format!("client credentials, {}", server.name),
            server.requests(&server.es256),
        );
        let name = format!("ES256 on {} / bare actix-web", server.name);
        group.compare(name, row, handler, Target::AtLeast(0.85));
    }
    Ok(group)
}

async fn opaque(
    file: &Warm,
    memory: &Warm,
    postgres: Option<&Warm>,
    database_url: Option<&String>,
    folder: &Path,
) -> Result<Group, Failed> {
    let mut group = Group::new("Opaque token");
    let name = |server: &Warm| format!("client credentials, {}", server.name);
    if let (Some(server), Some(database_url)) = (postgres, database_url) {
        let pgbench = pgbench::prepare(database_url, folder).await?;
        if pgbench.is_none() {
            println!("Without pgbench: it is neither in PATH nor in /usr/lib/postgresql");
        }
        let pgbench = pgbench.map(|(program, script)| {
            let subject = Subject::Pgbench {
                program,
                script,
                database_url: database_url.clone(),
            };
            group.add("pgbench, single-row inserts on Postgres", subject)
        });
        let row = group.add(name(server), server.requests(&server.opaque));
        if let Some(pgbench) = pgbench {
            group.compare(
                "opaque on Postgres / pgbench inserts",
                row,
                pgbench,
                Target::AtLeast(1.0),
            );
        }
    }
    for server in [file, memory] {
        group.add(name(server), server.requests(&server.opaque));
    }
    Ok(group)
}

/// What every issuer publishes.
struct Documents {
    discovery_url: String,
    discovery: Answer,
    jwks_url: String,
    jwks: Answer,
}

impl Documents {
    async fn fetch(server: &Warm) -> Result<Self, Failed> {
        let discovery_url = server.locum.discovery(RS256)?.to_owned();
        let discovery = Request::get(&discovery_url)?.send().await?;
        let metadata: serde_json::Value = serde_json::from_str(&discovery.body)?;
        let jwks_url = metadata["jwks_uri"].as_str().ok_or("no jwks_uri")?;
        Ok(Self {
            jwks: Request::get(jwks_url)?.send().await?,
            jwks_url: jwks_url.to_owned(),
            discovery_url,
            discovery,
        })
    }

    async fn group(&self, server: &Warm, bare: &BareServer) -> Result<Group, Failed> {
        let mut group = Group::new("Documents");
        for (name, url, answer) in [
            ("discovery", &self.discovery_url, &self.discovery),
            ("JWKS", &self.jwks_url, &self.jwks),
        ] {
            let request = Request::get(&bare.url(url)?)?;
            same_length(answer, &request.send().await?)?;
            let handler = Subject::Requests {
                request,
                server: bare.process.usage(),
            };
            let locum = Subject::Requests {
                request: Request::get(url)?,
                server: server.locum.process.usage(),
            };
            let handler = group.add(format!("bare actix-web, the bytes of {name}"), handler);
            let row = group.add(name, locum);
            group.compare(
                format!("{name} / static answer"),
                row,
                handler,
                Target::About1,
            );
        }
        Ok(group)
    }
}
