//! A fresh, empty database on a real Postgres, for the storage tests and the load bench.
//!
//! The server is, in this order: the one `LOCUM_TEST_DATABASE_URL` names; a container, where a Docker
//! engine runs; a private cluster made with this machine's PostgreSQL binaries. The last two start
//! once per process and end with it, whatever ends it: a shell waits for end-of-file on a pipe whose
//! other end only this process holds, then clears up.
//!
//! Both are durable (`fsync` on), so what the bench measures is a commit that would survive. The
//! cluster's files lie under `TMPDIR`, or `/tmp`: point that at a disk where it is memory.

use std::env;
use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream, ToSocketAddrs};
use std::os::unix::net::UnixStream;
use std::os::unix::process::CommandExt;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::OnceLock;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, SystemTime};

use sqlx::postgres::PgConnection;
use sqlx::{AssertSqlSafe, Connection, Executor};
use testcontainers_modules::postgres::Postgres;
use testcontainers_modules::testcontainers::ImageExt;
use testcontainers_modules::testcontainers::runners::AsyncRunner;

/// One for the whole process. Each `#[tokio::test]` has a runtime of its own, so nothing in here
/// belongs to one.
static SERVER: OnceLock<Result<Server, String>> = OnceLock::new();

/// Many tests side by side, each with a pool: Postgres' own default of 100 is soon used up.
const MAX_CONNECTIONS: u16 = 400;

struct Server {
    /// Leads to a database of a role that may create others.
    url: String,
    /// Its standard input is the pipe. `None` where the server is not ours.
    guard: Option<Child>,
}

/// The URL of a new database, `locum_test_` and 16 hex digits, on the process's Postgres.
///
/// # Errors
/// What to install or set, when there is no Postgres to be had.
pub async fn database_url() -> Result<String, String> {
    // Starting a server takes a second or more, and a test may be running others on this thread.
    let server = tokio::task::spawn_blocking(|| SERVER.get_or_init(Server::find))
        .await
        .map_err(|error| error.to_string())?
        .as_ref()
        .map_err(Clone::clone)?;
    let failed = |error: sqlx::Error| format!("the tests' Postgres: {error}");

    let mut connection = PgConnection::connect(&server.url).await.map_err(failed)?;
    if server.guard.is_none() {
        drop_old_databases(&mut connection).await.map_err(failed)?;
    }
    // Beginning with the time, so that a later run can tell which ones are left over.
    let name = format!(
        "locum_test_{:08x}{:08x}",
        unix_time(),
        rand::random::<u32>()
    );
    let create = format!("CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'");
    connection
        .execute(AssertSqlSafe(create))
        .await
        .map_err(failed)?;
    connection.close().await.map_err(failed)?;

    let mut url = url::Url::parse(&server.url).map_err(|error| error.to_string())?;
    url.set_path(&name);
    Ok(url.into())
}

/// Drops what runs of a day ago or older left on a server that outlives them, once per process.
async fn drop_old_databases(connection: &mut PgConnection) -> Result<(), sqlx::Error> {
    static DONE: AtomicBool = AtomicBool::new(false);
    if DONE.swap(true, Ordering::Relaxed) {
        return Ok(());
    }
    let old: Vec<String> = sqlx::query_scalar(
        "SELECT datname::text FROM pg_database
         WHERE datname ~ '^locum_test_[0-9a-f]{16}$' AND datname::text COLLATE \"C\" < $1",
    )
    .bind(format!("locum_test_{:08x}", unix_time() - 24 * 60 * 60))
    .fetch_all(&mut *connection)
    .await?;
    for name in old {
        // Refused where it is in use, or another process was quicker: both are fine.
        let _ = connection
            .execute(AssertSqlSafe(format!("DROP DATABASE {name}")))
            .await;
    }
    Ok(())
}

fn unix_time() -> u64 {
    SystemTime::UNIX_EPOCH
        .elapsed()
        .map_or(0, |elapsed| elapsed.as_secs())
}

impl Server {
    fn find() -> Result<Self, String> {
        if let Ok(url) = env::var("LOCUM_TEST_DATABASE_URL") {
            return Ok(Self { url, guard: None });
        }
        Self::in_docker().or_else(|docker| {
            Self::from_binaries().map_err(|binaries| {
                format!(
                    "no Postgres for the tests.\n  Docker: {docker}\n  This machine: {binaries}\n\
                     Install PostgreSQL's server (Debian: apt-get install postgresql), or start Docker, or \
                     set LOCUM_TEST_DATABASE_URL to the URL of a server and a role that may create databases."
                )
            })
        })
    }

    fn in_docker() -> Result<Self, String> {
        if !docker_engine_answers() {
            return Err("no engine answers".to_owned());
        }
        // The guard comes first and knows the name, so that no moment is left unguarded.
        let name = format!("locum-test-{:016x}", rand::random::<u64>());
        let guard = spawn_guard(Command::new("sh").args(["-c", CONTAINER_GUARD, "sh", &name]))?;
        let container = Postgres::default()
            .with_tag("17-alpine")
            .with_container_name(&name)
            .with_cmd([
                "-c".to_owned(),
                format!("max_connections={MAX_CONNECTIONS}"),
            ]);
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|error| error.to_string())?;
        let url = runtime.block_on(async {
            let container = container.start().await?;
            let host = container.get_host().await?;
            let port = container.get_host_port_ipv4(5432).await?;
            std::mem::forget(container); // dropping it would end it
            Ok(format!(
                "postgres://postgres:postgres@{host}:{port}/postgres"
            ))
        });
        let url = url.map_err(
            |error: testcontainers_modules::testcontainers::TestcontainersError| error.to_string(),
        )?;
        Ok(Self {
            url,
            guard: Some(guard),
        })
    }

    fn from_binaries() -> Result<Self, String> {
        let binaries = server_binaries()
            .ok_or("initdb and pg_ctl are neither in PATH nor in /usr/lib/postgresql")?;
        let mut shell = Command::new("sh");
        shell.args(["-c", CLUSTER_GUARD, "sh"]).arg(binaries);
        shell.arg(MAX_CONNECTIONS.to_string());
        shell.args(free_ports().map_err(|error| error.to_string())?);
        // Postgres refuses to run as root.
        if id(&["-u"]) == Some(0) {
            let (user, group) = ["postgres", "nobody"]
                .into_iter()
                .find_map(|user| Some((id(&["-u", user])?, id(&["-g", user])?)))
                .ok_or(
                    "Postgres does not run as root, and there is no user `postgres` or `nobody`",
                )?;
            shell.uid(user).gid(group);
        }
        let mut guard = spawn_guard(&mut shell)?;

        let mut answer = String::new();
        let mut output = BufReader::new(guard.stdout.take().ok_or("no pipe")?);
        output
            .read_line(&mut answer)
            .map_err(|error| error.to_string())?;
        if let Some(port) = answer.strip_prefix("ready ") {
            let url = format!("postgres://locum@127.0.0.1:{}/postgres", port.trim());
            return Ok(Self {
                url,
                guard: Some(guard),
            });
        }
        output
            .read_to_string(&mut answer)
            .map_err(|error| error.to_string())?;
        Err(format!("the cluster did not start: {answer}"))
    }
}

/// `$1` is the container's name. With neither `docker` nor `curl` there, the container stays.
const CONTAINER_GUARD: &str = r#"
trap '' HUP INT PIPE TERM
cat
docker rm --force --volumes "$1" ||
    curl -X DELETE --unix-socket /var/run/docker.sock "http://docker/containers/$1?force=true&v=true"
"#;

/// `$1` is the folder of the binaries, `$2` the connections to allow, the others are ports to try.
/// Says `ready PORT`, or what went wrong. One shell does it all in order, so that a process that dies
/// while its cluster starts leaves no more behind than one that dies later.
const CLUSTER_GUARD: &str = r#"
trap '' HUP INT PIPE TERM
folder=$(mktemp -d "${TMPDIR:-/tmp}/locum-postgres-XXXXXX" 2>&1) || { echo "$folder"; exit; }
cd "$folder" || exit
bin=$1 connections=$2
shift 2
start() {
    # No sync of the empty cluster: it is the server's commits that have to last.
    "$bin/initdb" -D data -U locum -A trust -E UTF8 --no-locale --no-sync || return
    cat >>data/postgresql.conf <<END
listen_addresses = '127.0.0.1'
unix_socket_directories = ''
max_connections = $connections
END
    for port; do
        "$bin/pg_ctl" start -D data -w -l server.log -o "-p $port" && return
    done
    cat server.log
    return 1
}
if start "$@" >log 2>&1; then echo "ready $port"; else cat log; fi
exec >/dev/null
cat
"$bin/pg_ctl" stop -D data -m immediate
cd / && rm -rf "$folder"
"#;

/// Starts a shell that outlives this process, to see to what has to end with it. It is in a process
/// group of its own, which a Ctrl-C does not reach.
fn spawn_guard(shell: &mut Command) -> Result<Child, String> {
    shell
        .current_dir("/")
        .process_group(0)
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .map_err(|error| format!("sh: {error}"))
}

/// Whether somebody listens where testcontainers will look for an engine. A Docker client that is
/// installed says nothing about that.
fn docker_engine_answers() -> bool {
    let Ok(host) = env::var("DOCKER_HOST") else {
        let home = env::var("HOME").unwrap_or_default();
        let runtime = env::var("XDG_RUNTIME_DIR").unwrap_or_default();
        return [
            "/var/run/docker.sock".to_owned(),
            format!("{runtime}/.docker/run/docker.sock"),
            format!("{home}/.docker/run/docker.sock"),
            format!("{home}/.docker/desktop/docker.sock"),
        ]
        .iter()
        .any(|socket| UnixStream::connect(socket).is_ok());
    };
    match host.split_once("://") {
        Some(("unix", socket)) => UnixStream::connect(socket).is_ok(),
        Some(("tcp" | "http" | "https", address)) => address
            .trim_end_matches('/')
            .to_socket_addrs()
            .is_ok_and(|mut all| {
                all.any(|one| TcpStream::connect_timeout(&one, Duration::from_secs(2)).is_ok())
            }),
        _ => false,
    }
}

/// The folder that `initdb` and `pg_ctl` are in. Debian keeps them out of `PATH`, one folder a version.
fn server_binaries() -> Option<PathBuf> {
    let path = env::var_os("PATH").unwrap_or_default();
    let mut versions: Vec<(u32, PathBuf)> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|entry| {
            Some((
                entry.file_name().to_str()?.parse().ok()?,
                entry.path().join("bin"),
            ))
        })
        .collect();
    versions.sort_by(|a, b| b.cmp(a));
    env::split_paths(&path)
        .chain(versions.into_iter().map(|(_, folder)| folder))
        .find(|folder| folder.join("initdb").is_file() && folder.join("pg_ctl").is_file())
}

/// A few, since another program may take one before Postgres does.
fn free_ports() -> std::io::Result<Vec<String>> {
    let listeners = (0..5)
        .map(|_| TcpListener::bind("127.0.0.1:0"))
        .collect::<Result<Vec<_>, _>>()?;
    listeners
        .iter()
        .map(|listener| Ok(listener.local_addr()?.port().to_string()))
        .collect()
}

/// What the `id` command answers: the standard library has no `geteuid`.
fn id(arguments: &[&str]) -> Option<u32> {
    let output = Command::new("id").args(arguments).output().ok()?;
    String::from_utf8(output.stdout).ok()?.trim().parse().ok()
}
