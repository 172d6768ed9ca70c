//! `locum serve`: the real program as a clinic runs it.

use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::time::Duration;

use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection};

use crate::support::clinic::{
    Clinic, PASSWORD, SECRET_KEY, ada, free_port, introspection, portal, token_request,
};
use crate::support::database::{Database, on_engines};
use crate::support::html::Form;
use crate::support::http::{Answer, Request};
use crate::support::program::{Finished, Program, locum};
use crate::support::servers::{Fixture, VENDORS};
use crate::support::user::Person;

use locum::proxy::TrustedProxies;

// ------------------------------------------------------------------------- dev is not in it

on_engines! { persistent:
    /// Control API, demo data and well-known keys; and a database that holds them is refused.
    async fn dev_is_not_in_serve(database: Database) {
        let clinic = Clinic::on(&database.url);
        let program = clinic.serve();
        let names: Vec<&str> = program.ready["issuers"].as_array().unwrap().iter()
            .map(|issuer| issuer["name"].as_str().unwrap()).collect();
        assert!(names.contains(&"sunrise"), "{names:?}");
        for vendor in &VENDORS {
            assert!(!names.contains(&vendor.issuer), "{names:?}");
            program.peer.send(vendor.token_request()).await.is(404);
            program.peer.get(&vendor.path("/.well-known/openid-configuration")).await.is(404);
        }
        for path in ["/", "/_locum", "/_locum/", "/_locum/clock", "/_locum/journal", "/_locum/faults"] {
            for method in ["GET", "POST", "PUT", "DELETE"] {
                let answer = program.peer.send(Request::new(method, path)).await;
                assert!([404, 405].contains(&answer.status), "{method} {path}: {answer}");
                assert!(method != "GET" || answer.status == 404, "{method} {path}: {answer}");
            }
        }
        // Nobody is offered to sign in with one click.
        let page = program.peer.get("/sunrise/sign-in").await;
        assert!(Form::with_button(&page.is(200).body, "sign-in").is_some());
        let page = page.body.to_lowercase();
        for hint in ["demo", "one click", PASSWORD, "ada", "development"] {
            assert!(!page.contains(hint), "{hint}: {page}");
        }
        // Nor reached by a name that only this machine has.
        let by_host = Request::get("/sign-in").header("Host", format!("sunrise.localhost:{}", program.peer.port));
        program.peer.send(by_host).await.is(404);
        program.terminate().exited(0);

        // Nor does `locum dev` get into a database of this one.
        let dev = |url: &str| {
            let mut dev = locum(["dev", "--json", "--listen", "127.0.0.1:0"]);
            dev.env("LOCUM_DATABASE_URL", url);
            dev
        };
        let refused = Finished::from(dev(&database.url).output().unwrap());
        assert!(refused.exited(1).contains("locum serve"), "{refused:?}");
        clinic.serve().terminate().exited(0);

        // What it leaves in its own is refused.
        let filled = match database.is_postgres() {
            true => Database::postgres().await,
            false => Database::sqlite_file(),
        };
        Program::start(dev(&filled.url)).terminate().exited(0);
        let said = Clinic::on(&filled.url).refused(1);
        for hint in [
            "locum dev", "photon", "clinic", "console", "clinic-machine", "admin-api", "doctor", "empty database",
        ] {
            assert!(said.contains(hint), "{hint}: {said}");
        }
    }

    /// One thing at a time: each alone is enough.
    async fn each_thing_that_everybody_knows_is_refused(database: Database) {
        let clinic = Clinic::on(&database.url);
        clinic.serve().terminate().exited(0);
        let hash = locum::demo::password_hash().to_string();
        let secret = locum::secret::SecretHash::sha256(&locum::secret::Secret::new("admin-secret"));
        for (change, back, hint) in [
            ("UPDATE issuers SET is_demo = TRUE WHERE name = 'sunrise'".to_owned(),
             "UPDATE issuers SET is_demo = FALSE WHERE name = 'sunrise'".to_owned(), "demo issuers sunrise"),
            ("UPDATE signing_keys SET well_known = TRUE".to_owned(),
             "UPDATE signing_keys SET well_known = FALSE".to_owned(), "signing keys"),
            (format!("INSERT INTO clients (issuer_id, client_id, client_name, kind, secret_hash, grant_types,
                redirect_uris, declared, created_at) SELECT id, 'admin', 'Admin', 'machine', '{secret}', '', '[]',
                FALSE, created_at FROM issuers WHERE name = 'sunrise'"),
             "DELETE FROM clients WHERE client_id = 'admin'".to_owned(), "client admin of sunrise"),
            (format!("INSERT INTO users (id, issuer_id, username, canonical_username, password_hash, password_is_own,
                claims, claims_are_own, declared, created_at, updated_at) SELECT id, id, 'doctor', 'doctor', '{hash}',
                TRUE, '{{}}', FALSE, FALSE, created_at, created_at FROM issuers WHERE name = 'sunrise'"),
             "DELETE FROM users WHERE username = 'doctor'".to_owned(), "user doctor of sunrise"),
        ] {
            let mut connection = database.connect().await;
            connection.execute(&change).await;
            let said = clinic.refused(1);
            assert!(said.contains(hint), "{hint}: {said}");
            connection.execute(&back).await;
            drop(connection);
        }
        clinic.serve().terminate().exited(0);
    }
}

// ------------------------------------------------------------------------- what is refused

#[test]
fn what_is_missing_or_unsafe_is_refused_with_what_would_be_right() {
    let good = "public_url = \"https://id.sunrise.test\"\n\
                database_url = \"sqlite:///nowhere/locum.db\"\n\
                secret_key = \"0123456789abcdef0123456789abcdef\"\n";
    let demo = locum::demo::secret_key();
    for (right, wrong, hints) in [
        (
            "database_url = \"sqlite:///nowhere/locum.db\"\n",
            "",
            vec!["database_url", "LOCUM_DATABASE_URL", "postgres://"],
        ),
        (
            "sqlite:///nowhere/locum.db",
            "sqlite::memory:",
            vec!["memory", "postgres://", "sqlite:///"],
        ),
        ("sqlite:///nowhere/locum.db", "sqlite://", vec!["memory"]),
        (
            "sqlite:///nowhere/locum.db",
            "sqlite:file:x?mode=memory",
            vec!["memory"],
        ),
        (
            "secret_key = \"0123456789abcdef0123456789abcdef\"\n",
            "",
            vec!["secret_key", "LOCUM_SECRET_KEY", "openssl rand"],
        ),
        (
            "0123456789abcdef0123456789abcdef",
            "0123456789abcdef0123456789abcde",
            vec!["31 bytes", "32"],
        ),
        (
            "0123456789abcdef0123456789abcdef",
            demo.expose(),
            vec!["locum dev", "one of your own"],
        ),
        (
            "\"0123456789abcdef0123456789abcdef\"",
            "{ file = \"none.key\" }",
            vec!["none.key", "--create-secret-key"],
        ),
        (
            "\"0123456789abcdef0123456789abcdef\"",
            "{ env = \"NOT_SET\" }",
            vec!["NOT_SET"],
        ),
        (
            "public_url = \"https://id.sunrise.test\"\n",
            "",
            vec!["public_url", "LOCUM_PUBLIC_URL", "https://id.example"],
        ),
        (
            "https://id.sunrise.test",
            "http://id.sunrise.test",
            vec!["http://id.sunrise.test", "allow_http", "--allow-http"],
        ),
        (
            "https://id.sunrise.test",
            "http://localhost:8080",
            vec!["allow_http"],
        ),
    ] {
        let clinic = Clinic::declaring(good);
        clinic.rewrite(right, wrong);
        let said = clinic.refused(2);
        assert_eq!(said.lines().count(), 1, "{said}");
        for hint in &hints {
            assert!(said.contains(hint), "{hint}: {said}");
        }
        assert!(!said.contains("0123456789abcde"), "{said}");
        // And `locum check` says the same of it.
        let checked = clinic.run(["check"]);
        let sentence = said.trim().trim_start_matches("locum: ");
        assert!(checked.exited(0).contains("would refuse it"), "{checked:?}");
        assert!(checked.stdout.contains(sentence), "{sentence}: {checked:?}");
    }
    let clinic = Clinic::declaring(good);
    let checked = clinic.run(["check"]);
    assert!(checked.exited(0).contains("accepts it"), "{checked:?}");
    assert!(checked.stdout.contains("trusted_proxies"), "{checked:?}");
}

#[test]
fn everything_that_is_missing_is_said_at_once() {
    let clinic = Clinic::declaring("");
    let said = clinic.refused(2);
    for name in ["database_url", "public_url", "secret_key"] {
        assert!(said.contains(name), "{said}");
    }
    assert_eq!(said.lines().count(), 3, "{said}");
}

#[test]
fn mistakes_in_the_file_are_named_with_their_line() {
    let clinic = Clinic::on("sqlite:///nowhere/locum.db");
    clinic.rewrite("name = \"sunrise\"", "name = \"Sunrise\"");
    let said = clinic.refused(1);
    assert!(said.starts_with(&format!("{}:8:", clinic.config)), "{said}");
    for (wrong, hint) in [
        ("trusted_proxies = [\"localhost\"]", "10.0.0.0/8"),
        ("trusted_proxies = \"10.0.0.1\"", "expected a sequence"),
        ("allow_http = \"yes\"", "expected a boolean"),
        ("alow_http = true", "did you mean `allow_http`?"),
    ] {
        let clinic = Clinic::declaring(&format!("{wrong}\n"));
        let said = clinic.refused(1);
        assert!(said.contains(hint), "{hint}: {said}");
    }
}

#[test]
fn secrets_that_everybody_knows_cannot_be_declared() {
    let clinic = Clinic::on("sqlite:///nowhere/locum.db");
    clinic.rewrite("client_id = \"ehr\"", "client_id = \"clinic-machine\"");
    clinic.rewrite("opens-the-ehr-secret", "clinic-machine-secret");
    clinic.rewrite(PASSWORD, "locum");
    let said = clinic.refused(2);
    assert!(
        said.contains("`clinic-machine`") && said.contains("`ada`"),
        "{said}"
    );
    let checked = clinic.run(["check"]);
    assert!(
        checked.exited(0).contains("`clinic-machine`"),
        "{checked:?}"
    );
}

#[tokio::test]
async fn a_client_for_development_is_warned_about() {
    let database = Database::sqlite_file();
    let clinic = Clinic::on(&database.url);
    clinic.rewrite("kind = \"web\"", "kind = \"web\"\nany_loopback_uri = true");
    let said = clinic.serve().terminate();
    assert!(
        said.stderr.contains("`portal`") && said.stderr.contains("any_loopback_uri"),
        "{said:?}"
    );
    let checked = clinic.run(["check"]);
    assert!(
        checked.exited(0).contains("any_loopback_uri"),
        "{checked:?}"
    );
}

#[tokio::test]
async fn settings_may_all_come_from_the_environment() {
    let database = Database::sqlite_file();
    let port = free_port();
    let start = |allow_http: &str| {
        let mut command = locum(["serve", "--json"]);
        command
            .env("LOCUM_DATABASE_URL", &database.url)
            .env("LOCUM_PUBLIC_URL", format!("http://localhost:{port}"))
            .env("LOCUM_LISTEN", format!("127.0.0.1:{port}"))
            .env("LOCUM_SECRET_KEY", SECRET_KEY)
            .env("LOCUM_TRUSTED_PROXIES", "127.0.0.1, ::1")
            .env("LOCUM_ALLOW_HTTP", allow_http);
        command
    };
    Program::start(start("true")).terminate().exited(0);
    for other in ["false", "yes", ""] {
        let refused = Finished::from(start(other).output().unwrap());
        assert!(refused.exited(2).contains("allow_http"), "{refused:?}");
    }
    let mut with_flag = start("false");
    with_flag.arg("--allow-http");
    Program::start(with_flag).terminate().exited(0);
}

// ------------------------------------------------------------------------- the first start

/// As the README has it: the example, one SQLite file, and a secret key that is made.
#[tokio::test]
async fn a_clinic_starts_with_the_example_and_sets_itself_up() {
    let folder = tempfile::tempdir().unwrap();
    let port = free_port();
    let url = format!("http://localhost:{port}");
    let example = concat!(env!("CARGO_MANIFEST_DIR"), "/examples/clinic.toml");
    let start = || {
        let mut command = locum([
            "serve",
            "--json",
            "--config",
            example,
            "--create-secret-key",
        ]);
        command
            .current_dir(folder.path())
            .env(
                "LOCUM_DATABASE_URL",
                format!("sqlite://{}/locum.db", folder.path().display()),
            )
            .env("LOCUM_SECRET_KEY_FILE", "secret.key")
            .env("LOCUM_PUBLIC_URL", &url)
            .env("LOCUM_LISTEN", format!("127.0.0.1:{port}"));
        Program::start(command)
    };
    let link = |said: &str| {
        let before = format!("{url}/console/set-up?token=");
        let line = said.lines().find(|line| line.starts_with(&before));
        line.map(|line| line[url.len()..].to_owned())
    };
    let program = start();
    program
        .peer
        .get("/clinic/.well-known/openid-configuration")
        .await
        .is(200);
    let said = program.terminate();
    let first = link(&said.stderr).unwrap_or_else(|| panic!("{said:?}"));
    // Not on standard output, which is for machines.
    assert!(!said.stdout.contains("token="), "{said:?}");

    // Whoever lost it starts again: the older one is worth nothing.
    let program = start();
    let peer = program.peer;
    peer.get(&first).await.is(410);
    let link = link(&program.said_so_far()).unwrap();
    let mut owner = Person {
        password: "a passphrase for the clinic".to_owned(),
        ..Person::new(peer, "olga")
    };
    let page = owner.get(&link).await;
    let mut form = Form::all(&page.is(200).body)
        .into_iter()
        .find(|form| form.fields.iter().any(|(name, _)| name == "new_password"))
        .unwrap();
    for (name, value) in [
        ("username", "olga"),
        ("name", "Olga Owner"),
        ("new_password", &owner.password.clone()),
        ("repeated_password", &owner.password.clone()),
    ] {
        form.fill(name, value);
    }
    owner.post(&form.action, &form.fields).await.is(303);
    owner.get(&link).await.is(410);
    owner.sign_in_at("console").await;
    owner.visit("/console").await.is(200);
    program.terminate().exited(0);

    // There is an owner: nobody else is made one.
    let said = start().terminate();
    assert!(!said.stderr.contains("set-up"), "{said:?}");
}

// ------------------------------------------------------------------------- the secret key

#[tokio::test]
async fn the_secret_key_is_made_once_and_never_replaced() {
    let database = Database::sqlite_file();
    let clinic = Clinic::on(&database.url);
    clinic.rewrite(&format!("\"{SECRET_KEY}\""), "{ file = \"secret.key\" }");
    let said = clinic.refused(2);
    assert!(said.contains("--create-secret-key"), "{said}");
    assert!(!clinic.path("secret.key").exists());

    let start = || Program::start(clinic.command(["serve", "--json", "--create-secret-key"]));
    let program = start();
    let token = program
        .peer
        .send(token_request("opaque"))
        .await
        .access_token();
    let said = program.terminate();
    let secret = fs::read_to_string(clinic.path("secret.key")).unwrap();
    assert_eq!(secret.len(), 43);
    assert!(said.stderr.contains("keep a copy"), "{said:?}");
    assert!(!format!("{said:?}").contains(&secret), "{said:?}");
    let mode = fs::metadata(clinic.path("secret.key"))
        .unwrap()
        .permissions()
        .mode();
    assert_eq!(mode & 0o077, 0, "{mode:o}");

    let program = start();
    let known = program.peer.send(introspection(&token)).await.json();
    assert_eq!(known["active"], true);
    program.terminate().exited(0);
    assert_eq!(
        fs::read_to_string(clinic.path("secret.key")).unwrap(),
        secret
    );

    // Lost: a new one would not open the keys, so none is made.
    fs::rename(clinic.path("secret.key"), clinic.path("backup.key")).unwrap();
    let refused = clinic.run(["serve", "--create-secret-key"]);
    assert!(refused.exited(1).contains("backup"), "{refused:?}");
    assert!(!clinic.path("secret.key").exists());
    fs::rename(clinic.path("backup.key"), clinic.path("secret.key")).unwrap();
    start().terminate().exited(0);

    // Another's does not open them either, and that is said.
    fs::write(
        clinic.path("secret.key"),
        "another-secret-key-0123456789abcdef",
    )
    .unwrap();
    let said = clinic.refused(1);
    assert!(
        said.contains("LOCUM_SECRET_KEY") && !said.contains("another"),
        "{said}"
    );
}

#[test]
fn a_secret_key_is_only_made_in_a_file() {
    let clinic = Clinic::on("sqlite:///nowhere/locum.db");
    let refused = clinic.run(["serve", "--create-secret-key"]);
    assert!(
        refused.exited(2).contains("LOCUM_SECRET_KEY_FILE"),
        "{refused:?}"
    );
}

#[tokio::test]
async fn the_environment_may_name_the_secret_keys_file() {
    let database = Database::sqlite_file();
    let clinic = Clinic::on(&database.url);
    clinic.rewrite(&format!("secret_key = \"{SECRET_KEY}\"\n"), "");
    let mut command = clinic.command(["serve", "--json", "--create-secret-key"]);
    // Relative to where the command is run, not to the configuration.
    let elsewhere = tempfile::tempdir().unwrap();
    command
        .current_dir(elsewhere.path())
        .env("LOCUM_SECRET_KEY_FILE", "my.key");
    Program::start(command).terminate().exited(0);
    assert!(elsewhere.path().join("my.key").exists());
    assert!(!clinic.path("my.key").exists());
}

// ------------------------------------------------------------------------- migrate

on_engines! { persistent:
    async fn migrate_brings_the_tables_up_to_date_and_says_so(database: Database) {
        let clinic = Clinic::on(&database.url);
        let dry = clinic.run(["migrate", "--dry-run"]);
        let steps: Vec<&str> = dry.exited(0).lines().collect();
        assert!(steps.len() >= 3 && steps.iter().all(|line| line.starts_with("pending")), "{dry:?}");
        if !database.is_postgres() {
            assert!(!std::path::Path::new(database.url.trim_start_matches("sqlite://")).exists());
        }
        let done = clinic.run(["migrate"]);
        assert_eq!(done.exited(0), dry.stdout.replace("pending", "done"));
        for again in [&["migrate"][..], &["migrate", "--dry-run"]] {
            let again = clinic.run(again.iter().copied());
            assert_eq!(again.exited(0).trim(), "The tables are up to date.");
        }
        // A database that a newer version has changed is left alone.
        let mut connection = database.connect().await;
        connection.execute("INSERT INTO _sqlx_migrations (version, description, installed_on, success, checksum,
            execution_time) SELECT 9999, 'of tomorrow', installed_on, success, checksum, execution_time
            FROM _sqlx_migrations WHERE version = 1").await;
        for command in [&["migrate"][..], &["migrate", "--dry-run"], &["serve"]] {
            let refused = clinic.run(command.iter().copied());
            assert!(refused.exited(1).contains("newer version"), "{refused:?}");
        }
    }
}

// ------------------------------------------------------------------------- running and stopping

on_engines! { persistent:
    async fn what_was_acknowledged_outlives_a_restart(database: Database) {
        let clinic = Clinic::on(&database.url);
        let program = clinic.serve();
        program.peer.get("/healthz").await.is(200);
        program.peer.get("/readyz").await.is(200);
        let mut person = ada(program.peer);
        let tokens = portal().tokens(&mut person, &[("scope", "openid offline_access patients:read")]).await;
        let opaque = program.peer.send(token_request("opaque")).await.access_token();
        let ready = program.ready.to_string();
        program.kill();

        let program = clinic.serve();
        assert!(portal().is_alive(program.peer, &tokens.access_token).await);
        portal().refresh(program.peer, tokens.refresh()).await.is(200);
        let known = program.peer.send(introspection(&opaque)).await.json();
        assert_eq!(known["active"], true);
        person.get("/sunrise/account").await.is(200);
        program.terminate().exited(0);
        // The ready line is for machines, and holds nothing that anybody could use.
        for hint in ["ada", "ehr", "portal", "secret"] {
            assert!(!ready.contains(hint), "{ready}");
        }
    }

    async fn sigterm_lets_a_request_finish(database: Database) {
        let clinic = Clinic::on(&database.url);
        let program = clinic.serve();
        let request = token_request("opaque").bytes(program.peer.port);
        let (head, rest) = request.split_at(request.len() - 5);
        let mut stream = program.peer.connect().await.unwrap();
        tokio::io::AsyncWriteExt::write_all(&mut stream, head).await.unwrap();
        program.peer.get("/healthz").await.is(200);
        let stopping = tokio::task::spawn_blocking(|| program.terminate());
        tokio::time::sleep(Duration::from_millis(200)).await;
        tokio::io::AsyncWriteExt::write_all(&mut stream, rest).await.unwrap();
        let token = crate::support::http::read(&mut stream).await.unwrap().access_token();
        stopping.await.unwrap().exited(0);

        let program = clinic.serve();
        let known = program.peer.send(introspection(&token)).await.json();
        assert_eq!(known["active"], true);
    }
}

#[tokio::test]
async fn the_database_may_go_away_and_come_back() {
    let database = Database::postgres().await;
    let clinic = Clinic::on(&database.url);
    let program = clinic.serve();
    let mut person = ada(program.peer);
    person.sign_in_at("sunrise").await;
    let token = program
        .peer
        .send(token_request("opaque"))
        .await
        .access_token();

    let (server, name) = database.url.rsplit_once('/').unwrap();
    let mut admin = PgConnection::connect(&format!("{server}/postgres"))
        .await
        .unwrap();
    let allow = |allow: bool| format!("ALTER DATABASE {name} ALLOW_CONNECTIONS {allow}");
    admin.execute(AssertSqlSafe(allow(false))).await.unwrap();
    let end =
        format!("SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE datname = '{name}'");
    admin.execute(AssertSqlSafe(end)).await.unwrap();

    program.peer.get("/readyz").await.is(503);
    program.peer.get("/healthz").await.is(200);
    program.peer.send(token_request("opaque")).await.is(503);
    person.get("/sunrise/account").await.is(503);
    // What needs no database goes on.
    program
        .peer
        .get("/sunrise/.well-known/jwks.json")
        .await
        .is(200);

    admin.execute(AssertSqlSafe(allow(true))).await.unwrap();
    let mut ready = program.peer.get("/readyz").await;
    for _ in 0..50 {
        if ready.status == 200 {
            break;
        }
        tokio::time::sleep(Duration::from_millis(100)).await;
        ready = program.peer.get("/readyz").await;
    }
    ready.is(200);
    let known = program.peer.send(introspection(&token)).await.json();
    assert_eq!(known["active"], true);
    person.get("/sunrise/account").await.is(200);
    program.peer.send(token_request("opaque")).await.is(200);
    program.terminate().exited(0);
}

// ------------------------------------------------------------------------- logs

fn request_id(answer: &Answer) -> String {
    answer
        .header("x-request-id")
        .expect("a request ID")
        .to_owned()
}

/// The lines of a log that name a request.
fn lines_of<'a>(log: &'a str, id: &str) -> Vec<&'a str> {
    log.lines().filter(|line| line.contains(id)).collect()
}

#[tokio::test]
async fn every_answer_has_an_id_that_its_lines_in_the_log_have() {
    let database = Database::sqlite_file();
    let clinic = Clinic::on(&database.url);
    let program = clinic.serve();
    let mut ids = Vec::new();
    for request in [
        Request::get("/healthz"),
        Request::get("/static/locum.css"),
        Request::get("/nowhere"),
        Request::get("/sunrise/nowhere"),
        Request::new("OPTIONS", "/sunrise/oauth2/token"),
        Request::new("BREW", "/sunrise/oauth2/token"),
        Request::get("/sunrise/sign-in"),
        token_request("api"),
        token_request("api").basic("ehr", "wrong"),
        // Nobody that is trusted: its ID is not taken over.
        Request::get("/healthz").header("X-Request-Id", "mine"),
    ] {
        ids.push(request_id(&program.peer.send(request).await));
    }
    for id in &ids {
        let uuid: uuid::Uuid = id.parse().unwrap();
        assert_eq!(uuid.get_version_num(), 7, "{id}");
    }
    let log = program.terminate().stderr;
    for id in &ids {
        assert_eq!(lines_of(&log, id).len(), 1, "{id}: {log}");
    }
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), 10);
    assert!(!log.contains("mine"), "{log}");
}

#[tokio::test]
async fn the_id_of_a_trusted_proxy_is_taken_over_if_it_is_harmless() {
    let database = Database::sqlite_file();
    let clinic = Clinic::on(&database.url);
    clinic.rewrite(
        "allow_http",
        "trusted_proxies = [\"127.0.0.1\"]\nallow_http",
    );
    let program = clinic.serve();
    let long = "x".repeat(129);
    for (sent, is_taken) in [
        ("0198c5ab-7c5e-7000-8000-0123456789ab", true),
        ("Root=1-67891233-abcdef", false),
        ("a_b.C-9", true),
        ("", false),
        ("two words", false),
        ("id<b>", false),
        (long.as_str(), false),
    ] {
        let answer = program
            .peer
            .send(Request::get("/healthz").header("X-Request-Id", sent))
            .await;
        assert_eq!(request_id(&answer) == sent, is_taken, "{sent:?}: {answer}");
    }
    let log = program.terminate().stderr;
    assert!(
        log.contains("a_b.C-9") && !log.contains("two words") && !log.contains("<b>"),
        "{log}"
    );
}

#[tokio::test]
async fn secrets_do_not_leak_into_the_log_of_serve() {
    let database = Database::sqlite_file();
    let clinic = Clinic::on(&database.url);
    let mut command = clinic.command(["serve", "--json"]);
    command.env("LOCUM_LOG", "trace,locum=trace");
    let program = Program::start(command);
    let peer = program.peer;
    let app = portal();
    let mut secrets: Vec<String> = [
        SECRET_KEY,
        PASSWORD,
        "opens-the-ehr-secret",
        "opens-the-portal-secret",
    ]
    .map(str::to_owned)
    .into();

    let mut person = ada(peer);
    let code = app
        .code(
            &mut person,
            &[("scope", "openid offline_access patients:read")],
        )
        .await;
    let tokens = crate::support::user::Tokens::of(&app.redeem(peer, &code).await);
    app.redeem(peer, &code).await.refused(400, "invalid_grant");
    let tokens_again = app
        .tokens(&mut person, &[("scope", "openid offline_access")])
        .await;
    app.refresh(peer, tokens_again.refresh()).await.is(200);
    app.refresh(peer, tokens_again.refresh()).await.is(400);
    app.userinfo(peer, &tokens.access_token).await;
    app.revoke(peer, &tokens.access_token).await.is(200);
    let machine = peer.send(token_request("api")).await.access_token();
    let opaque = peer.send(token_request("opaque")).await.access_token();
    peer.send(introspection(&opaque)).await.is(200);
    secrets.extend([
        code,
        tokens.access_token.clone(),
        tokens.id().to_owned(),
        machine,
        opaque,
    ]);
    for tokens in [&tokens, &tokens_again] {
        secrets.extend([tokens.access_token.clone(), tokens.refresh().to_owned()]);
    }
    secrets.extend(person.cookies.values().cloned());

    // What people type where it does not belong, and secrets in the wrong place.
    let wrong = "my-own-wrong-password";
    for (username, password) in [("ada", wrong), (wrong, "something")] {
        let mut stranger = Person {
            username: username.to_owned(),
            password: password.to_owned(),
            ..Person::new(peer, username)
        };
        let page = stranger.visit("/sunrise/sign-in").await;
        stranger.submit_sign_in(&page).await.is(401);
    }
    let guess = "a-guessed-client-credential";
    peer.send(token_request("api").basic("ehr", guess)).await;
    for body in [
        format!("grant_type=client_credentials&client_id=ehr&client_secret={guess}"),
        format!(
            "grant_type=client_credentials&client_secret={guess}&client_id=ehr&client_secret={guess}"
        ),
        format!("grant_type=password&username=ada&password={wrong}"),
        format!("grant_type=authorization_code&code={guess}&client_id=ehr&client_secret={guess}"),
    ] {
        peer.send(Request::post("/sunrise/oauth2/token").form(body))
            .await;
    }
    peer.send(
        Request::post("/sunrise/oauth2/token").json(format!("{{\"client_secret\":\"{guess}\"")),
    )
    .await;
    peer.send(Request::get(&format!(
        "/sunrise/oauth2/userinfo?access_token={guess}"
    )))
    .await;
    peer.send(Request::get("/sunrise/oauth2/userinfo").bearer(guess))
        .await;
    peer.send(
        Request::post("/sunrise/oauth2/register")
            .bearer(guess)
            .json(format!("{{\"client_secret\":\"{guess}\"}}")),
    )
    .await;
    secrets.extend([wrong.to_owned(), guess.to_owned()]);

    let finished = program.terminate();
    let log = format!("{}{}", finished.stdout, finished.stderr);
    assert!(
        log.contains("TRACE") && log.contains("/sunrise/oauth2/token"),
        "{log}"
    );
    for secret in secrets {
        assert!(secret.len() > 8, "{secret}");
        let line = log.lines().find(|line| line.contains(&secret));
        assert_eq!(line, None, "{secret}");
    }
}

// ------------------------------------------------------------------------- behind a proxy

/// The address that the account page says the person's own session comes from.
async fn seen_from(proxies: &[&str], headers: &[(&str, &str)]) -> String {
    let proxies = TrustedProxies::parse(proxies.iter().copied()).unwrap();
    let locum = Fixture::with(|builder| builder.trusted_proxies(proxies)).await;
    let mut person = Person::new(locum.peer(), "doctor");
    let page = person.visit("/clinic/sign-in").await;
    let mut form = Form::with_button(&page.body, "sign-in").unwrap();
    form.fill("username", "doctor");
    form.fill("password", "locum");
    let mut request =
        Request::post(&form.action).form(crate::support::user::form(&form.pressed("sign-in")));
    for (name, value) in headers {
        request = request.header(name, value);
    }
    person.send(request).await.is(303);
    let issuer = locum
        .locum
        .store
        .find_issuer("clinic")
        .await
        .unwrap()
        .unwrap()
        .id;
    let user = locum
        .locum
        .store
        .find_user(issuer, "doctor")
        .await
        .unwrap()
        .unwrap();
    let now = locum::clock::Timestamp::from_unix(crate::support::servers::BEGINNING);
    let sessions = locum
        .locum
        .store
        .list_sessions(issuer, user.id, now)
        .await
        .unwrap();
    let [session] = &sessions[..] else {
        panic!("{} sessions", sessions.len());
    };
    session.address.clone()
}

#[tokio::test]
async fn a_session_comes_from_whom_a_trusted_proxy_names() {
    let spoofed = [
        ("X-Forwarded-For", "198.51.100.7"),
        ("Forwarded", "for=198.51.100.7"),
    ];
    for header in spoofed {
        assert_eq!(seen_from(&[], &[header]).await, "127.0.0.1");
        assert_eq!(seen_from(&["10.0.0.0/8"], &[header]).await, "127.0.0.1");
        assert_eq!(seen_from(&["127.0.0.0/8"], &[header]).await, "198.51.100.7");
    }
    let proxies = ["127.0.0.1", "10.0.0.0/8"];
    // The client's own header line comes first, the proxy's after it.
    let lines = [
        ("X-Forwarded-For", "8.8.8.8"),
        ("X-Forwarded-For", "198.51.100.7, 10.0.0.2"),
    ];
    assert_eq!(seen_from(&proxies, &lines).await, "198.51.100.7");
    // The proxy appends to one of them, and passes on the other.
    let both = [
        ("Forwarded", "for=8.8.8.8"),
        ("X-Forwarded-For", "198.51.100.7"),
    ];
    assert_eq!(seen_from(&proxies, &both).await, "127.0.0.1");
}

#[tokio::test]
async fn guesses_are_counted_against_the_address_that_counts() {
    // Without a trusted proxy, other names for oneself do not help.
    for (proxies, is_throttled) in [(vec![], true), (vec!["127.0.0.1"], false)] {
        let proxies = TrustedProxies::parse(proxies).unwrap();
        let locum = Fixture::with(|builder| builder.trusted_proxies(proxies)).await;
        let mut person = Person::new(locum.peer(), "doctor");
        let page = person.visit("/clinic/sign-in").await;
        let mut last = 0;
        for guess in 0..40 {
            let mut form = Form::with_button(&page.body, "sign-in").unwrap();
            form.fill("username", &format!("somebody-{guess}"));
            form.fill("password", "wrong");
            let request = Request::post(&form.action)
                .form(crate::support::user::form(&form.pressed("sign-in")))
                .header("X-Forwarded-For", format!("8.8.8.8, 198.51.100.{guess}"));
            last = person.send(request).await.status;
        }
        assert_eq!(last, if is_throttled { 429 } else { 401 });
    }
}
