//! Postgres by itself: what pgbench reaches with single-row inserts, each with its commit.

use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

use sqlx::{Connection, PgConnection};

use crate::process::Running;
use crate::subject::Sample;
use crate::{Failed, Settings};

/// The tables that Locum itself makes, so that a row costs the same.
const TABLES: &str = include_str!("../../migrations/0001_machine_tokens.sql");

/// A row as an opaque token of `bench.toml` has it, but for the colons in its scope, which pgbench
/// would take for variables.
const SCRIPT: &str = r#"\set random random(1, 1000000000000000000)
INSERT INTO access_tokens
    (issuer_id, token_hash, client_id, subject, audience, scope, issued_at, expires_at)
VALUES ('019aa9a6-0c00-7000-8000-000000000000', sha256(int8send(:random)), 'bench-machine',
    'bench-machine', '["https://api.bench.example"]', 'patients.read patients.write',
    date_trunc('second', now()), date_trunc('second', now()) + interval '1 hour');
"#;

/// How Postgres is set where it decides what a commit costs.
pub async fn describe(database_url: &str) -> Result<String, Failed> {
    let mut connection = PgConnection::connect(database_url).await?;
    let (version, fsync, commit): (String, String, String) = sqlx::query_as(
        "SELECT current_setting('server_version'), current_setting('fsync'),
            current_setting('synchronous_commit')",
    )
    .fetch_one(&mut connection)
    .await?;
    connection.close().await?;
    Ok(format!(
        "Postgres {version}, fsync {fsync}, synchronous_commit {commit}, on any core"
    ))
}

/// Makes the table and the script. `None` where there is no pgbench.
pub async fn prepare(
    database_url: &str,
    folder: &Path,
) -> Result<Option<(PathBuf, PathBuf)>, Failed> {
    let Some(program) = find() else {
        return Ok(None);
    };
    let mut connection = PgConnection::connect(database_url).await?;
    sqlx::raw_sql(TABLES).execute(&mut connection).await?;
    connection.close().await?;
    let script = folder.join("insert.sql");
    std::fs::write(&script, SCRIPT)?;
    Ok(Some((program, script)))
}

/// In `PATH`, or where Debian puts it.
fn find() -> Option<PathBuf> {
    let path = std::env::var_os("PATH").unwrap_or_default();
    let debian = std::fs::read_dir("/usr/lib/postgresql");
    let debian = debian.into_iter().flatten().flatten();
    std::env::split_paths(&path)
        .chain(debian.map(|version| version.path().join("bin")))
        .map(|folder| folder.join("pgbench"))
        .find(|program| program.is_file())
}

pub async fn measure(
    program: &Path,
    script: &Path,
    database_url: &str,
    settings: &Settings,
) -> Result<Sample, Failed> {
    let mut command = Command::new(program);
    command
        .args(["-n", "-M", "prepared", "-j", "1"])
        .args(["-c", &settings.connections.to_string()])
        .args(["-T", &settings.window.as_secs().to_string()])
        .arg("-f")
        .arg(script)
        .arg(database_url);
    let output = Running::start(&mut command)?
        .output(settings.window * 2 + Duration::from_secs(30))
        .await?;
    let rate = output
        .lines()
        .find_map(|line| line.strip_prefix("tps = ")?.split(' ').next())
        .ok_or_else(|| format!("pgbench gave no rate:\n{output}"))?;
    Ok(Sample {
        per_second: rate.parse()?,
        latency: None,
        busy: None,
    })
}
