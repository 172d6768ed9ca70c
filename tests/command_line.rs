//! The program as a shell, a test suite or a service manager sees it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::Stdio;

use tempfile::TempDir;

use crate::support::database::Database;
use crate::support::http::{Peer, Request};
use crate::support::json::Members;
use crate::support::program::{Finished, Program, locum, run};
use crate::support::servers::{VENDORS, Vendor};

fn folder_with(name: &str, text: &str) -> (TempDir, String) {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join(name);
    fs::write(&path, text).unwrap();
    let path = path.to_str().unwrap().to_owned();
    (folder, path)
}

fn free_port() -> u16 {
    let listener = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    listener.local_addr().unwrap().port()
}

// ------------------------------------------------------------------------- dev --json

#[tokio::test]
async fn dev_json_prints_one_line_and_answers_from_then_on() {
    let program = Program::dev([]);
    // At once: the line is the promise.
    for vendor in &VENDORS {
        let token = vendor.token(&program.peer).await;
        program
            .peer
            .send(vendor.resource_request(&token))
            .await
            .is(200);
    }
    let said = program.terminate();
    assert_eq!(said.stdout.matches('\n').count(), 1, "{said:?}");
    assert!(said.stdout.ends_with("}\n"));
}

#[tokio::test]
async fn the_ready_line_has_the_members_it_promises() {
    let program = Program::dev([]);
    let ready = program.ready.clone();
    let line = program.terminate().stdout;
    assert_eq!(
        Members::parse(&line).names(),
        ["version", "url", "console", "issuers"]
    );
    let first_issuer = line.split_once("\"issuers\":[").unwrap().1;
    let order = [
        "name",
        "dialect",
        "issuer",
        "discovery",
        "authorization_endpoint",
        "token_endpoint",
        "clients",
        "users",
    ];
    let positions = order.map(|name| first_issuer.find(&format!("\"{name}\":")).unwrap());
    assert!(positions.is_sorted(), "{line}");

    let url = ready["url"].as_str().unwrap();
    let issuers = ready["issuers"].as_array().unwrap();
    let names: Vec<&str> = issuers
        .iter()
        .map(|i| i["name"].as_str().unwrap())
        .collect();
    assert_eq!(
        names,
        ["photon", "medblocks", "pattern", "nethealth", "clinic"]
    );
    for (issuer, dialect) in
        issuers
            .iter()
            .zip(["auth0", "hydra", "pattern", "identityserver", "standard"])
    {
        let name = issuer["name"].as_str().unwrap();
        assert_eq!(issuer["dialect"], dialect);
        let vendor = Vendor::of(name);
        assert_eq!(
            issuer["token_endpoint"],
            format!("{url}{}", vendor.path(vendor.token_path))
        );
        for client in issuer["clients"].as_array().unwrap() {
            let id = client["client_id"].as_str().unwrap();
            match client["kind"].as_str().unwrap() {
                "spa" | "native" => assert!(client["client_secret"].is_null(), "{client}"),
                _ => assert_eq!(client["client_secret"], format!("{id}-secret")),
            }
        }
    }
    let clients = |index: usize| {
        let clients = issuers[index]["clients"].as_array().unwrap().iter();
        clients
            .map(|client| client["client_id"].as_str().unwrap().to_owned())
            .collect::<Vec<_>>()
    };
    assert_eq!(clients(0), ["photon-m2m", "photon-spa"]);
    assert_eq!(clients(1), ["admin", "medblocks-backend", "medblocks-spa"]);
    assert_eq!(clients(2), ["pattern-backend"]);
    assert_eq!(clients(3), ["nethealth-web", "nethealth-native"]);
    assert_eq!(clients(4), ["clinic-web", "clinic-spa", "clinic-machine"]);
}

#[tokio::test]
async fn without_json_a_person_reads_what_to_paste_where() {
    let mut command = locum(["dev", "--listen", "127.0.0.1:0"]);
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    let mut lines = std::io::BufRead::lines(std::io::BufReader::new(child.stdout.take().unwrap()));
    let table: Vec<String> = lines
        .by_ref()
        .map(Result::unwrap)
        .take_while(|line| !line.starts_with("Stop"))
        .collect();
    child.kill().unwrap();
    child.wait().unwrap();
    let table = table.join("\n");
    for expected in [
        "photon-m2m-secret",
        "/photon/oauth/token",
        "admin-secret",
        "public knowledge",
    ] {
        assert!(table.contains(expected), "{table}");
    }
}

#[tokio::test]
async fn port_0_is_a_free_one_each_time() {
    let programs = [Program::dev([]), Program::dev([]), Program::dev([])];
    for program in &programs {
        program.peer.get("/healthz").await.is(200);
        program.peer.get("/readyz").await.is(200);
    }
}

#[tokio::test]
async fn a_port_in_use_is_said_to_be() {
    let program = Program::dev([]);
    let address = format!("127.0.0.1:{}", program.peer.port);
    let second = run(["dev", "--listen", &address]);
    let said = second.exited(1);
    assert!(
        said.contains(&address) && said.contains("--listen"),
        "{said}"
    );
}

#[tokio::test]
async fn localhost_is_served_over_ipv6_where_there_is_any() {
    let program = Program::dev([]);
    if std::net::TcpListener::bind("[::1]:0").is_err() {
        return;
    }
    std::net::TcpStream::connect(("::1", program.peer.port)).unwrap();
}

// ------------------------------------------------------------------------- issuers and names

#[tokio::test]
async fn issuer_serves_that_one_at_the_root_too() {
    let program = Program::dev(["--issuer", "photon"]);
    let url = program.ready["url"].as_str().unwrap();
    let document = program
        .peer
        .get("/.well-known/openid-configuration")
        .await
        .json();
    assert_eq!(document["issuer"], format!("{url}/"));
    assert_eq!(document["token_endpoint"], format!("{url}/oauth/token"));
    program
        .peer
        .get("/medblocks/.well-known/jwks.json")
        .await
        .is(200);

    let unknown = run(["dev", "--listen", "127.0.0.1:0", "--issuer", "foton"]);
    let said = unknown.exited(2);
    assert!(said.contains("foton") && said.contains("photon"), "{said}");
}

#[tokio::test]
async fn public_url_is_what_issuers_are_named_after() {
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let mut command = locum(["dev", "--json", "--listen", &listen]);
    command.args(["--public-url", "https://id.example:8443"]);
    let program = Program::start(command);
    assert_eq!(program.ready["url"], "https://id.example:8443");
    let peer = Peer { port };
    let document = peer
        .get("/clinic/.well-known/openid-configuration")
        .await
        .json();
    assert_eq!(document["issuer"], "https://id.example:8443/clinic");
    assert_eq!(
        document["jwks_uri"],
        "https://id.example:8443/clinic/.well-known/jwks.json"
    );

    let token = Vendor::of("clinic").token(&peer).await;
    let answer = peer.send(Vendor::of("clinic").forward_auth(&token)).await;
    assert_eq!(
        answer.header("x-auth-issuer"),
        Some("https://id.example:8443/clinic")
    );
}

// ------------------------------------------------------------------------- data

/// An issuer whose keys are not built in.
const OWN: &str = r#"
[[issuer]]
name = "own"
dialect = "standard"

[[issuer.api]]
audience = "https://jwt.example"
scopes = ["read"]

[[issuer.api]]
audience = "https://opaque.example"
token_format = "opaque"
scopes = ["read"]

[[issuer.client]]
client_id = "machine"
client_secret = "machine-secret"
kind = "machine"
grant = [
    { audience = "https://jwt.example", scopes = "all" },
    { audience = "https://opaque.example", scopes = "all" },
]
"#;

fn own_token(resource: &str) -> Request {
    Request::post("/own/oauth2/token")
        .basic("machine", "machine-secret")
        .form(format!(
            "grant_type=client_credentials&resource=https://{resource}.example"
        ))
}

fn own_request(action: &str, token: &str) -> Request {
    Request::post(&format!("/own/oauth2/{action}"))
        .basic("machine", "machine-secret")
        .form(format!("token={token}"))
}

#[tokio::test]
async fn data_keeps_keys_tokens_and_revocations_over_a_restart() {
    let (folder, config) = folder_with("locum.toml", OWN);
    // Does not exist yet, and has a space in it.
    let data = folder.path().join("kept here").join("data");
    let port = free_port();
    let start = || {
        let mut command = locum(["dev", "--json", "--config", &config]);
        command.args(["--listen", &format!("127.0.0.1:{port}")]);
        command.arg("--data").arg(&data);
        Program::start(command)
    };
    let before = start();
    let mut kept = Vec::new();
    let mut revoked = Vec::new();
    for resource in ["jwt", "opaque"] {
        kept.push(before.peer.send(own_token(resource)).await.access_token());
        let token = before.peer.send(own_token(resource)).await.access_token();
        before
            .peer
            .send(own_request("revoke", &token))
            .await
            .is(200);
        revoked.push(token);
    }
    let jwks = before.peer.get("/own/.well-known/jwks.json").await.body;
    before.terminate().exited(0);

    let after = start();
    assert_eq!(
        after.peer.get("/own/.well-known/jwks.json").await.body,
        jwks
    );
    for (tokens, is_active) in [(kept, true), (revoked, false)] {
        for token in tokens {
            let answer = after.peer.send(own_request("introspect", &token)).await;
            assert_eq!(answer.is(200).json()["active"], is_active, "{token}");
        }
    }
    // Nobody but its owner reads the database.
    let mode = fs::metadata(data.join("locum.db"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");
}

#[tokio::test]
async fn without_data_nothing_is_kept() {
    let (_folder, config) = folder_with("locum.toml", OWN);
    let jwks = async || {
        let program = Program::dev(["--config", &config]);
        program
            .peer
            .get("/own/.well-known/jwks.json")
            .await
            .is(200)
            .body
            .clone()
    };
    assert_ne!(jwks().await, jwks().await);
}

#[tokio::test]
async fn the_database_can_be_named_by_the_environment() {
    for database in [Database::sqlite_file(), Database::postgres().await] {
        let start = || {
            let mut command = locum(["dev", "--json", "--listen", "127.0.0.1:0"]);
            command.env("LOCUM_DATABASE_URL", &database.url);
            Program::start(command)
        };
        let before = start();
        let token = Vendor::of("pattern").token(&before.peer).await;
        before.kill();
        let after = start();
        after
            .peer
            .send(Vendor::of("pattern").forward_auth(&token))
            .await
            .is(200);
    }
}

#[tokio::test]
async fn keys_sealed_under_another_secret_stop_the_start() {
    let (folder, config) = folder_with("locum.toml", OWN);
    let data = folder.path().to_str().unwrap();
    let start = |secret: &str| {
        let mut command = locum(["dev", "--json", "--listen", "127.0.0.1:0"]);
        command.args(["--config", &config, "--data", data]);
        command.env("LOCUM_SECRET_KEY", secret);
        command
    };
    let run_once = async || {
        let program = Program::start(start("one-secret"));
        program.peer.get("/own/.well-known/jwks.json").await.is(200);
        program.terminate().exited(0);
    };
    run_once().await;
    let other = Finished::from(start("another-secret").output().unwrap());
    let said = other.exited(1);
    assert!(said.contains("LOCUM_SECRET_KEY"), "{said}");
    assert!(!said.contains("another-secret"), "{said}");
    run_once().await;
}

// ------------------------------------------------------------------------- settings

#[tokio::test]
async fn every_setting_is_an_environment_variable_and_the_environment_wins() {
    let port = free_port();
    let settings = format!(
        "listen = \"127.0.0.1:1\"\npublic_url = \"http://file.example\"\nlog = \"error\"\n{OWN}"
    );
    let (_folder, config) = folder_with("locum.toml", &settings);
    let mut command = locum(["dev", "--json"]);
    command
        .env("LOCUM_CONFIG", &config)
        .env("LOCUM_LISTEN", format!("127.0.0.1:{port}"))
        .env("LOCUM_PUBLIC_URL", "http://environment.example")
        .env("LOCUM_LOG", "info");
    let program = Program::start(command);
    assert_eq!(program.ready["url"], "http://environment.example");
    Peer { port }
        .get("/own/.well-known/jwks.json")
        .await
        .is(200);
    assert!(
        program
            .terminate()
            .stderr
            .contains("/own/.well-known/jwks.json")
    );
}

#[tokio::test]
async fn the_command_line_wins_over_the_environment() {
    let port = free_port();
    let listen = format!("127.0.0.1:{port}");
    let mut command = locum(["dev", "--json", "--listen", &listen]);
    command.args(["--public-url", "http://argument.example"]);
    command.env("LOCUM_LISTEN", "127.0.0.1:1");
    command.env("LOCUM_PUBLIC_URL", "http://environment.example");
    let program = Program::start(command);
    assert_eq!(program.ready["url"], "http://argument.example");
    Peer { port }.get("/healthz").await.is(200);
}

#[test]
fn an_unknown_variable_is_warned_about_with_the_nearest_known_one() {
    let mut command = locum(["dev", "--json", "--listen", "127.0.0.1:0"]);
    command.env("LOCUM_DATABASE_ULR", "sqlite::memory:");
    let said = Program::start(command).terminate();
    let expected = "LOCUM_DATABASE_ULR is unknown; did you mean `LOCUM_DATABASE_URL`?";
    assert!(said.stderr.contains(expected), "{said:?}");
}

/// Who administers another server has these set for every command.
#[test]
fn the_command_lines_own_variables_are_known() {
    let (_folder, config) = folder_with("locum.toml", OWN);
    let mut command = locum(["check", "--config", &config]);
    for name in ["LOCUM_SERVER", "LOCUM_ISSUER", "LOCUM_TOKEN"] {
        command.env(name, "https://id.example");
    }
    let checked = Finished::from(command.output().unwrap());
    checked.exited(0);
    assert!(!checked.stderr.contains("unknown"), "{checked:?}");
}

#[tokio::test]
async fn a_client_secret_may_stand_in_a_variable_or_a_file() {
    let declared = OWN.replace("\"machine-secret\"", "{ file = \"machine.secret\" }");
    let (folder, config) = folder_with("locum.toml", &declared);
    fs::write(folder.path().join("machine.secret"), "machine-secret\n").unwrap();
    let program = Program::dev(["--config", &config]);
    program.peer.send(own_token("jwt")).await.is(200);

    let declared = OWN.replace("\"machine-secret\"", "{ env = \"OF_THE_MACHINE\" }");
    fs::write(&config, declared).unwrap();
    let mut command = locum([
        "dev",
        "--json",
        "--listen",
        "127.0.0.1:0",
        "--config",
        &config,
    ]);
    command.env("OF_THE_MACHINE", "machine-secret");
    let program = Program::start(command);
    program.peer.send(own_token("jwt")).await.is(200);

    let missing = run(["dev", "--listen", "127.0.0.1:0", "--config", &config]);
    assert!(missing.exited(1).contains("OF_THE_MACHINE"), "{missing:?}");
}

// ------------------------------------------------------------------------- misuse

#[tokio::test]
async fn other_machines_are_kept_out_unless_allowed_in() {
    for address in ["0.0.0.0:0", "[::]:0"] {
        let refused = run(["dev", "--listen", address]);
        assert!(refused.exited(2).contains("--allow-remote"), "{refused:?}");
    }
    let command = locum(["dev", "--json", "--allow-remote", "--listen", "0.0.0.0:0"]);
    let program = Program::start(command);
    program.peer.get("/healthz").await.is(200);
}

#[test]
fn misuse_exits_with_2_and_says_what_was_expected() {
    let (_folder, file) = folder_with("locum.toml", "");
    for (arguments, says) in [
        (vec![], "Usage"),
        (vec!["serv"], "dev"),
        (vec!["dev", "--jsn"], "--json"),
        (vec!["dev", "--listen"], "--listen"),
        (vec!["dev", "extra"], "extra"),
        (vec!["check"], "--config"),
        (vec!["dialect"], "list"),
        (vec!["dialect", "show"], "NAME"),
        (vec!["completions", "tcl"], "bash"),
        (vec!["dev", "--listen", "nonsense"], "ADDRESS:PORT"),
        (vec!["dev", "--listen", "127.0.0.1:99999"], "ADDRESS:PORT"),
        (
            vec!["dev", "--public-url", "id.example"],
            "https://id.example",
        ),
        (
            vec!["dev", "--public-url", "ftp://id.example"],
            "not an HTTP URL",
        ),
        (
            vec!["dev", "--public-url", "http://id.example/path"],
            "path",
        ),
    ] {
        let misused = run(arguments.iter().copied());
        assert!(
            misused.exited(2).contains(says),
            "{arguments:?}: {misused:?}"
        );
        assert_eq!(misused.stdout, "", "{arguments:?}");
    }
    let mut twice = locum([
        "dev",
        "--listen",
        "127.0.0.1:0",
        "--data",
        "/tmp",
        "--config",
        &file,
    ]);
    twice.env("LOCUM_DATABASE_URL", "sqlite::memory:");
    let twice = Finished::from(twice.output().unwrap());
    assert!(twice.exited(2).contains("use one of them"), "{twice:?}");
}

#[test]
fn help_is_enough_to_work_from() {
    let help = run(["--help"]);
    for command in ["dev", "check", "dialect", "completions"] {
        assert!(help.exited(0).contains(command));
    }
    let help = run(["dev", "--help"]);
    for option in [
        "--listen",
        "--issuer",
        "--config",
        "--data",
        "--public-url",
        "--json",
        "--allow-remote",
    ] {
        assert!(help.exited(0).contains(option));
    }
    assert!(
        run(["--version"])
            .exited(0)
            .contains(env!("CARGO_PKG_VERSION"))
    );
    for shell in ["bash", "zsh", "fish"] {
        assert!(run(["completions", shell]).exited(0).contains("locum"));
    }
}

// ------------------------------------------------------------------------- check

#[test]
fn check_names_the_machine_that_was_granted_what_is_for_users() {
    let (_folder, config) = folder_with(
        "locum.toml",
        r#"[[issuer]]
name = "photon"
dialect = "auth0"

[[issuer.api]]
audience = "https://api.neutron.health"
scopes = ["read:patient", { name = "write:prescription", users_only = true }]

[[issuer.client]]
client_id = "front-desk"
client_secret = "front-desk-secret"
kind = "machine"

[[issuer.client.grant]]
audience = "https://api.neutron.health"
scopes = [
    "read:patient",
    "write:prescription",
]
"#,
    );
    let checked = run(["check", "--config", &config]);
    let said = checked.exited(1);
    assert!(said.starts_with(&format!("{config}:18:5: ")), "{said}");
    assert!(
        said.contains("`front-desk`") && said.contains("`write:prescription`"),
        "{said}"
    );
    assert!(!said.contains("front-desk-secret"), "{said}");
    // And nothing starts with it.
    assert_eq!(run(["dev", "--config", &config]).exited(1), said);
}

#[test]
fn check_says_what_there_would_be() {
    let (_folder, config) = folder_with("locum.toml", OWN);
    let checked = run(["check", "--config", &config]);
    assert!(checked.exited(0).contains("issuer own"), "{checked:?}");
    assert!(checked.stdout.contains("2 APIs, 1 clients"), "{checked:?}");
}

/// What is put in place of something in [`OWN`], and what is said of it.
#[test]
fn check_finds_what_is_wrong_and_where() {
    let mut unclear = Vec::new();
    for (right, wrong, line, says) in [
        (
            "name = \"own\"",
            "name = \"Own\"",
            3,
            "cannot be an issuer's name",
        ),
        ("name = \"own\"", "name = \"console\"", 3, "Locum's own"),
        (
            "name = \"own\"",
            "nmae = \"own\"",
            3,
            "did you mean `name`?",
        ),
        (
            "\"standard\"",
            "\"standart\"",
            4,
            "did you mean `standard`?",
        ),
        ("\"standard\"", "\"./none.toml\"", 4, "none.toml"),
        (
            "\"https://jwt.example\"\nscopes",
            "\"no space\"\nscopes",
            7,
            "without spaces",
        ),
        (
            "scopes = [\"read\"]",
            "scopes = [\"re\\\"ad\"]",
            8,
            "is not a scope token",
        ),
        (
            "scopes = [\"read\"]",
            "scopes = [\"read\", \"read\"]",
            8,
            "twice",
        ),
        (
            "token_format = \"opaque\"",
            "token_format = \"jwe\"",
            12,
            "did you mean `jwt`?",
        ),
        (
            "token_format = \"opaque\"",
            "token_lifetime = 0",
            12,
            "expected seconds",
        ),
        (
            "token_format = \"opaque\"",
            "signing_alg = \"HS256\"",
            12,
            "`HS256`",
        ),
        (
            "\"https://opaque.example\"\n",
            "\"https://jwt.example\"\n",
            11,
            "declared twice",
        ),
        (
            "client_id = \"machine\"",
            "client_id = \"\"",
            16,
            "1 to 255",
        ),
        (
            "client_secret = \"machine-secret\"",
            "client_secret = \"\"",
            16,
            "empty",
        ),
        (
            "client_secret = \"machine-secret\"\n",
            "",
            16,
            "needs a client_secret",
        ),
        ("kind = \"machine\"", "kind = \"spa\"", 16, "public"),
        (
            "kind = \"machine\"",
            "kind = \"robot\"",
            18,
            "machine, web, spa, native",
        ),
        (
            "kind = \"machine\"",
            "kind = \"machine\"\ntoken_endpoint_auth_method = \"none\"",
            19,
            "does not fit",
        ),
        (
            "kind = \"machine\"",
            "kind = \"machine\"\nredirect_uris = [\"/callback\"]",
            19,
            "absolute",
        ),
        (
            "\"https://jwt.example\", scopes",
            "\"https://jwd.example\", scopes",
            20,
            "did you mean `https://jwt.example`?",
        ),
        (
            "jwt.example\", scopes = \"all\"",
            "jwt.example\", scopes = \"every\"",
            20,
            "\"all\" or an array",
        ),
        (
            "jwt.example\", scopes = \"all\"",
            "jwt.example\", scopes = [\"reed\"]",
            20,
            "did you mean `read`?",
        ),
    ] {
        let text = OWN.replacen(right, wrong, 1);
        assert_ne!(text, OWN, "{right}");
        let (_folder, config) = folder_with("locum.toml", &text);
        let checked = run(["check", "--config", &config]);
        let said = checked.exited(1);
        let is_clear = said.starts_with(&format!("{config}:{line}:")) && said.contains(says);
        if !is_clear {
            unclear.push(format!(
                "{wrong}\nexpected line {line} and {says:?}\n{said}"
            ));
        }
        assert!(!said.contains("machine-secret"), "{said}");
    }
    assert!(unclear.is_empty(), "\n{}", unclear.join("\n"));
}

#[test]
fn check_finds_every_mistake_at_once() {
    let text = OWN
        .replace("name = \"own\"", "name = \"OWN\"")
        .replace("client_id = \"machine\"", "client_id = \"\"")
        .replace(
            "\"https://jwt.example\", scopes",
            "\"https://x.example\", scopes",
        );
    let (_folder, config) = folder_with("locum.toml", &text);
    let checked = run(["check", "--config", &config]);
    assert_eq!(checked.exited(1).lines().count(), 3, "{checked:?}");
    assert!(!Path::new(&config).with_file_name("locum.db").exists());
}

// ------------------------------------------------------------------------- stopping

#[tokio::test]
async fn sigterm_stops_it_with_0() {
    let program = Program::dev([]);
    Vendor::of("medblocks").token(&program.peer).await;
    let peer = program.peer;
    let stopped = program.terminate();
    assert_eq!(stopped.status.code(), Some(0), "{stopped:?}");
    assert!(!stopped.stderr.contains("ERROR"), "{stopped:?}");
    assert!(peer.connect().await.is_err());
}

#[test]
fn sigterm_stops_it_with_0_from_the_ready_line_on() {
    for _ in 0..10 {
        let stopped = Program::dev([]).terminate();
        assert_eq!(stopped.status.code(), Some(0), "{}", stopped.status);
    }
}

#[tokio::test]
async fn sigterm_lets_a_running_request_finish() {
    let program = Program::dev([]);
    let request = Vendor::of("clinic")
        .token_request()
        .bytes(program.peer.port);
    let (head, rest) = request.split_at(request.len() - 5);
    let mut stream = program.peer.connect().await.unwrap();
    tokio::io::AsyncWriteExt::write_all(&mut stream, head)
        .await
        .unwrap();
    // It has been read, and waits for its last bytes.
    program.peer.get("/healthz").await.is(200);
    let stopping = tokio::task::spawn_blocking(|| program.terminate());
    tokio::time::sleep(std::time::Duration::from_millis(200)).await;
    tokio::io::AsyncWriteExt::write_all(&mut stream, rest)
        .await
        .unwrap();
    crate::support::http::read(&mut stream)
        .await
        .unwrap()
        .access_token();
    stopping.await.unwrap().exited(0);
}
