//! Administration from the command line: on the database, and against a running server.

use std::io::Write;
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};

use serde_json::{Value, json};

use crate::support::clinic::{Clinic, ada, portal};
use crate::support::database::{Database, on_engines};
use crate::support::program::{Finished, Program};

const ROBOT: &str = "the-robot-holds-this-secret";

/// Where the commands go.
struct Line<'a> {
    clinic: &'a Clinic,
    server: Option<String>,
}

impl Line<'_> {
    fn command(&self, arguments: &[&str]) -> Command {
        let Some(server) = &self.server else {
            return self.clinic.command(arguments.iter().copied());
        };
        let mut command = crate::support::program::locum(arguments.iter().copied());
        command.args(["--server", server]);
        // `administrator` and `issuer` are about the server, the rest about one issuer.
        let is_about_all = ["administrator", "issuer"].contains(&arguments[0])
            && arguments[1] != "settings"
            && arguments[1] != "set";
        let file = if is_about_all {
            "server.token"
        } else {
            "sunrise.token"
        };
        command.arg("--token-file").arg(self.clinic.path(file));
        command
    }

    fn run(&self, arguments: &[&str]) -> Finished {
        Finished::from(self.command(arguments).output().unwrap())
    }

    fn does(&self, arguments: &[&str]) -> String {
        self.run(arguments).exited(0).to_owned()
    }

    fn json(&self, arguments: &[&str]) -> Value {
        let mut arguments = arguments.to_vec();
        arguments.push("--json");
        let text = self.does(&arguments);
        serde_json::from_str(&text).unwrap_or_else(|error| panic!("{error}: {text}"))
    }

    fn fed(&self, arguments: &[&str], input: &str) -> Finished {
        let mut command = self.command(arguments);
        command
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped());
        let mut child = command.spawn().unwrap();
        child
            .stdin
            .take()
            .unwrap()
            .write_all(input.as_bytes())
            .unwrap();
        Finished::from(child.wait_with_output().unwrap())
    }
}

/// A running server, a client of its console, and its tokens in files.
fn running(clinic: &Clinic) -> Program {
    let line = Line {
        clinic,
        server: None,
    };
    std::fs::write(clinic.path("robot.secret"), format!("{ROBOT}\n")).unwrap();
    let file = clinic.path("robot.secret");
    let program = clinic.serve();
    let secret = file.to_str().unwrap();
    line.does(&[
        "client",
        "create",
        "-i",
        "console",
        "--kind",
        "machine",
        "--client-id",
        "robot",
        "--client-secret-file",
        secret,
        "--grant",
        "urn:locum:server=all",
        "--grant",
        "urn:locum:issuer:sunrise=all",
    ]);
    let url = program.ready["url"].as_str().unwrap();
    for (name, issuer) in [("server.token", None), ("sunrise.token", Some("sunrise"))] {
        let mut arguments = vec![
            "token",
            "--server",
            url,
            "--client-id",
            "robot",
            "--client-secret-file",
            secret,
        ];
        arguments.extend(issuer.into_iter().flat_map(|issuer| ["-i", issuer]));
        let token = crate::support::program::run(arguments).exited(0).to_owned();
        std::fs::write(clinic.path(name), token).unwrap();
    }
    program
}

/// Everything once, wherever it is done.
fn tour(line: &Line<'_>, clinic: &Clinic) {
    let at = |arguments: &[&'static str]| -> Vec<&str> {
        let mut all = arguments.to_vec();
        all.extend(["-i", "sunrise"]);
        all
    };
    // Clients.
    let made = line.json(&at(&[
        "client",
        "create",
        "--kind",
        "web",
        "--client-id",
        "lab/1",
        "--name",
        "The lab",
        "--redirect-uri",
        "https://lab.example/callback",
        "--grant",
        "https://api.sunrise.test=patients:read",
    ]));
    assert_eq!(
        made["grants"],
        json!([{ "audience": "https://api.sunrise.test", "scopes": ["patients:read"] }])
    );
    let secret = made["client_secret"].as_str().unwrap();
    let shown = line.does(&at(&["client", "show", "lab/1"]));
    assert!(
        shown.contains("https://lab.example/callback") && !shown.contains(secret),
        "{shown}"
    );
    let listed = line.does(&at(&["client", "list", "LAB"]));
    assert!(
        listed.starts_with("CLIENT ID") && listed.contains("lab/1") && !listed.contains("portal"),
        "{listed}"
    );
    let listed = line.json(&at(&["client", "list", "--kind", "machine"]));
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let changed = line.json(&at(&["client", "update", "lab/1", "--first-party", "true"]));
    assert_eq!(changed["first_party"], true);
    assert_eq!(changed["client_name"], "The lab");
    let rotated = line.does(&at(&[
        "client",
        "rotate-secret",
        "lab/1",
        "--overlap",
        "3600",
    ]));
    assert!(
        rotated.contains("told now and never again") && rotated.contains("previous secret until"),
        "{rotated}"
    );
    let own = line.fed(
        &at(&[
            "client",
            "rotate-secret",
            "lab/1",
            "--yes",
            "--client-secret-file",
            "-",
        ]),
        "brought-along-0123456789\n",
    );
    assert!(!own.exited(0).contains("brought-along"), "{own:?}");
    line.does(&at(&["client", "drop-previous-secret", "lab/1"]));
    let disabled = line.json(&at(&["client", "disable", "lab/1", "--yes"]));
    assert_eq!(disabled["disabled"], true);
    let listed = line.json(&at(&["client", "list", "--disabled", "LAB"]));
    assert_eq!(listed[0]["client_id"], "lab/1");
    let listed = line.does(&at(&["client", "list", "--disabled=false", "LAB"]));
    assert_eq!(listed.trim(), "No client matches.");
    line.does(&at(&["client", "enable", "lab/1"]));
    line.does(&at(&["client", "delete", "lab/1", "--yes"]));
    let gone = line.run(&at(&["client", "show", "lab/1"]));
    assert!(gone.exited(1).contains("no client"), "{gone:?}");

    // What allows somebody to register clients.
    let list = at(&["registration-token", "list"]);
    let listed = line.does(&list);
    assert!(listed.contains("registration-token make"), "{listed}");
    let made = line.does(&at(&["registration-token", "make", "The lab"]));
    assert!(made.contains("told now and never again"), "{made}");
    let made = line.json(&at(&[
        "registration-token",
        "make",
        "The archive",
        "--uses",
        "3",
        "--lifetime",
        "60",
    ]));
    assert_eq!(made["uses_left"], 3);
    let token = made["token"].as_str().unwrap();
    let listed = line.does(&list);
    assert!(
        listed.starts_with("ID") && listed.contains("The archive") && !listed.contains(token),
        "{listed}"
    );
    for made in line.json(&list).as_array().unwrap() {
        assert_eq!(made["token"], json!(null));
        let id = made["id"].as_str().unwrap();
        line.does(&["registration-token", "delete", id, "--yes", "-i", "sunrise"]);
    }
    assert_eq!(line.json(&list), json!([]));

    // APIs and roles.
    let made = line.json(&at(&[
        "api",
        "create",
        "urn:labs",
        "--name",
        "Labs",
        "--scope",
        "labs:read",
        "--scope",
        "labs:order",
        "--token-lifetime",
        "60",
    ]));
    assert_eq!(made["token_lifetime"], 60);
    let changed = line.json(&at(&["api", "update", "urn:labs", "--scope", "labs:read"]));
    assert_eq!(changed["scopes"].as_array().unwrap().len(), 1);
    let role = line.json(&at(&[
        "role",
        "create",
        "lab worker",
        "--description",
        "Looks at samples",
        "--grant",
        "urn:labs=labs:read",
    ]));
    assert_eq!(role["grants"][0]["scopes"], json!(["labs:read"]));
    line.does(&at(&[
        "role",
        "update",
        "lab worker",
        "--description",
        "Looks",
    ]));
    assert!(
        line.does(&at(&["role", "show", "lab worker"]))
            .contains("urn:labs=labs:read")
    );
    let listed = line.does(&at(&["api", "list"]));
    assert!(
        listed.contains("urn:labs") && listed.contains("labs:read"),
        "{listed}"
    );

    // Users.
    let made = line.does(&at(&[
        "user",
        "create",
        "lea@lab.example",
        "--name",
        "Lea Lab",
        "--role",
        "lab worker",
    ]));
    assert!(made.contains("/set-password?token="), "{made}");
    let made = line.fed(
        &at(&["user", "create", "max", "--password-file", "-"]),
        "seven green kettles\n",
    );
    assert!(!made.exited(0).contains("kettles"), "{made:?}");
    let shown = line.json(&at(&["user", "show", "LEA@lab.example"]));
    assert_eq!(shown["roles"], json!(["lab worker"]));
    let changed = line.json(&at(&[
        "user",
        "update",
        "max",
        "--email",
        "max@lab.example",
        "--role",
        "lab worker",
    ]));
    assert_eq!(changed["claims"]["email"], "max@lab.example");
    assert_eq!(
        line.json(&at(&["user", "list", "--role", "lab worker"]))
            .as_array()
            .unwrap()
            .len(),
        2
    );
    assert_eq!(
        line.json(&at(&["user", "update", "max", "--no-roles"]))["roles"],
        json!([])
    );
    assert!(
        line.does(&at(&["user", "password-link", "max"]))
            .contains("/set-password?token=")
    );
    std::fs::write(clinic.path("password"), "eight green kettles").unwrap();
    let file = clinic.path("password");
    let file = file.to_str().unwrap();
    line.does(&["user", "set-password", "max", file, "-i", "sunrise"]);
    assert_eq!(
        line.json(&at(&["user", "block", "max", "--yes"]))["blocked"],
        true
    );
    let listed = line.json(&at(&["user", "list", "--blocked"]));
    assert_eq!(listed[0]["username"], "max");
    assert_eq!(listed.as_array().unwrap().len(), 1);
    let listed = line.does(&at(&["user", "list", "max", "--blocked=false"]));
    assert_eq!(listed.trim(), "No user matches.");
    assert_eq!(
        line.json(&at(&["user", "unblock", "max"]))["blocked"],
        false
    );
    assert_eq!(
        line.does(&at(&["user", "sessions", "max"])).trim(),
        "max is signed in nowhere."
    );
    assert_eq!(
        line.does(&at(&["consent", "list", "max"])).trim(),
        "max has allowed no client anything."
    );
    assert_eq!(
        line.does(&at(&["session", "list"])).trim(),
        "Nobody is signed in."
    );
    let nobody = line.run(&at(&[
        "session",
        "end",
        "00000000-0000-0000-0000-000000000000",
    ]));
    nobody.exited(1);
    line.does(&at(&["user", "delete", "max", "--yes"]));
    line.does(&at(&["user", "delete", "lea@lab.example", "--yes"]));
    line.does(&at(&["role", "delete", "lab worker", "--yes"]));
    line.does(&at(&["api", "delete", "urn:labs", "--yes"]));

    // Keys.
    let before = line.json(&at(&["key", "list"]));
    let alg = before[0]["alg"].as_str().unwrap().to_owned();
    let made = line.json(&["key", "rotate", &alg, "--yes", "-i", "sunrise"]);
    let after = line.json(&at(&["key", "list"]));
    assert_eq!(
        after.as_array().unwrap().len(),
        before.as_array().unwrap().len() + 1
    );
    assert_eq!(after[0]["kid"], made["kid"]);
    let kid = before[0]["kid"].as_str().unwrap();
    line.does(&["key", "delete", kid, "--yes", "-i", "sunrise"]);
    let refused = line.run(&[
        "key",
        "delete",
        made["kid"].as_str().unwrap(),
        "--yes",
        "-i",
        "sunrise",
    ]);
    assert!(
        refused.exited(1).contains("this key signs") || refused.stderr.contains("This key signs"),
        "{refused:?}"
    );

    // Settings.
    let changed = line.fed(
        &["issuer", "set", "sunrise", "-", "--json"],
        r#"{"audit_retention_days": 365}"#,
    );
    assert!(changed.exited(0).contains("365"), "{changed:?}");
    assert!(
        line.does(&["issuer", "settings", "sunrise"])
            .contains("365")
    );

    // The log.
    let log = line.does(&at(&["audit", "search", "--action", "client.created"]));
    assert!(log.contains("The lab"), "{log}");

    // Issuers and administrators.
    line.does(&["issuer", "create", "branch", "--dialect", "auth0"]);
    assert!(line.does(&["issuer", "list"]).contains("branch"));
    let again = line.run(&["issuer", "create", "branch"]);
    assert!(again.exited(1).contains("already"), "{again:?}");
    let added = line.does(&[
        "administrator",
        "add",
        "olga",
        "--role",
        "manager",
        "--for",
        "branch",
        "--name",
        "Olga",
    ]);
    assert!(
        added.contains("manager:branch") && added.contains("/set-password?token="),
        "{added}"
    );
    line.does(&["administrator", "appoint", "olga", "--role", "auditor"]);
    assert!(line.does(&["administrator", "list"]).contains("auditor"));
    line.does(&["administrator", "remove", "olga", "--yes"]);
    line.does(&["issuer", "delete", "branch", "--yes"]);
    assert!(!line.does(&["issuer", "list"]).contains("branch"));
}

/// What Ada allows the portal is seen, and withdrawn.
fn consents(line: &Line<'_>, program: &Program) {
    tokio::runtime::Handle::current().block_on(async {
        let (mut ada, portal) = (ada(program.peer), portal());
        let scope = ("scope", "openid patients:read");
        let tokens = portal.tokens(&mut ada, &[scope]).await;
        let is_alive = async || portal.is_alive(program.peer, &tokens.access_token).await;
        assert!(is_alive().await);
        let listed = line.does(&["consent", "list", "ADA", "-i", "sunrise"]);
        assert!(
            listed.starts_with("CLIENT ID") && listed.contains("portal  "),
            "{listed}"
        );
        let withdraw = ["consent", "withdraw", "ada", "portal", "-i", "sunrise"];
        assert!(line.run(&withdraw).exited(2).contains("--yes"));
        assert!(is_alive().await);
        let withdrawn = line.does(&[&withdraw[..], &["--yes"]].concat());
        assert_eq!(withdrawn.trim(), "ada allows portal nothing any longer.");
        assert!(!is_alive().await);
        let listed = line.json(&["consent", "list", "ada", "-i", "sunrise"]);
        assert_eq!(listed, json!([]));
    });
}

on_engines! { persistent:
    async fn everything_is_done_on_the_database_and_at_a_server(database: Database) {
        tokio::task::spawn_blocking(move || {
            let clinic = Clinic::on(&database.url);
            let line = Line { clinic: &clinic, server: None };
            line.does(&["apply"]);
            tour(&line, &clinic);
            let program = running(&clinic);
            let url = program.ready["url"].as_str().unwrap().to_owned();
            let remote = Line { clinic: &clinic, server: Some(url) };
            tour(&remote, &clinic);
            consents(&line, &program);
            consents(&remote, &program);
            line.does(&["audit", "verify"]);
            let log = program.terminate();
            for secret in [ROBOT, "kettles", "brought-along"] {
                assert!(!log.stderr.contains(secret), "{secret} in the log");
            }
        })
        .await
        .unwrap();
    }
}

fn place() -> (Database, Clinic) {
    let database = Database::sqlite_file();
    let clinic = Clinic::on(&database.url);
    clinic.run(["apply"]).exited(0);
    (database, clinic)
}

#[test]
fn nothing_is_destroyed_unasked() {
    let (_database, clinic) = place();
    let line = Line {
        clinic: &clinic,
        server: None,
    };
    for arguments in [
        &["client", "delete", "ehr", "-i", "sunrise"][..],
        &["client", "disable", "ehr", "-i", "sunrise"],
        &["client", "rotate-secret", "ehr", "-i", "sunrise"],
        &["registration-token", "delete", "x", "-i", "sunrise"],
        &["consent", "withdraw", "ada", "portal", "-i", "sunrise"],
        &["user", "delete", "ada", "-i", "sunrise"],
        &["user", "block", "ada", "-i", "sunrise"],
        &["api", "delete", "https://api.sunrise.test", "-i", "sunrise"],
        &["key", "rotate", "RS256", "-i", "sunrise"],
        &["key", "delete", "x", "-i", "sunrise"],
        &["issuer", "delete", "sunrise"],
    ] {
        // Standard input is no terminal here, so nobody can be asked.
        let refused = line.run(arguments);
        assert!(refused.exited(2).contains("--yes"), "{refused:?}");
        assert_eq!(refused.stdout, "");
    }
    let said_yes = line.fed(&["client", "delete", "ehr", "-i", "sunrise"], "y\n");
    said_yes.exited(2);
    assert_eq!(
        line.json(&["client", "show", "ehr", "-i", "sunrise"])["disabled"],
        false
    );
}

#[test]
fn misuse_is_told_apart_from_failure() {
    let (_database, clinic) = place();
    let line = Line {
        clinic: &clinic,
        server: None,
    };
    for (arguments, code, words) in [
        (&["client", "list"][..], 2, "which issuer?"),
        (
            &["client", "frob", "-i", "sunrise"],
            2,
            "unrecognized subcommand",
        ),
        (
            &[
                "client",
                "create",
                "-i",
                "sunrise",
                "--kind",
                "web",
                "--client-secret",
                "x",
            ],
            2,
            "unexpected argument",
        ),
        (
            &["user", "create", "x", "-i", "sunrise", "--password", "x"],
            2,
            "unexpected argument",
        ),
        (
            &[
                "client", "create", "-i", "sunrise", "--kind", "web", "--grant", "nothing",
            ],
            2,
            "AUDIENCE=SCOPE",
        ),
        (
            &["administrator", "add", "x", "--role", "boss"],
            2,
            "owner, manager or auditor",
        ),
        (
            &["issuer", "list", "--server", "http://id.example"],
            2,
            "https://",
        ),
        (&["issuer", "list", "--server", "nonsense"], 2, "--server"),
        (
            &["issuer", "list", "--server", "https://id.example"],
            2,
            "access token",
        ),
        (&["export", "--server", "https://id.example"], 2, "--server"),
        (
            &[
                "token",
                "--server",
                "http://id.example",
                "--client-id",
                "x",
                "--client-secret-file",
                "/dev/null",
            ],
            2,
            "https://",
        ),
        (&["client", "list", "-i", "nowhere"], 1, "no issuer"),
        (
            &["client", "show", "nobody", "-i", "sunrise"],
            1,
            "no client",
        ),
        (
            &["client", "create", "-i", "sunrise", "--kind", "robot"],
            2,
            "machine, web, spa, native",
        ),
        (&["client", "create", "-i", "sunrise"], 2, "--kind"),
        (
            &["client", "list", "-i", "sunrise", "--kind", "robot"],
            2,
            "machine, web, spa, native",
        ),
        // Before anybody is asked.
        (
            &["key", "rotate", "RS1", "-i", "sunrise"],
            2,
            "RS256, ES256, EdDSA",
        ),
        (&["client", "show", "", "-i", "sunrise"], 2, "<CLIENT_ID>"),
        (&["user", "block", "", "-i", "sunrise"], 2, "<USERNAME>"),
        (&["role", "delete", "", "-i", "sunrise"], 2, "<NAME>"),
        (&["issuer", "settings", ""], 2, "<NAME>"),
        (
            &[
                "client",
                "create",
                "-i",
                "sunrise",
                "--kind",
                "web",
                "--redirect-uri",
                "javascript:1",
            ],
            1,
            "redirect_uris",
        ),
        (
            &[
                "client",
                "create",
                "-i",
                "sunrise",
                "--kind",
                "machine",
                "--client-id",
                "..",
            ],
            1,
            "client_id",
        ),
        (
            &[
                "client",
                "create",
                "-i",
                "sunrise",
                "--kind",
                "web",
                "--client-secret-file",
                "/nonexistent",
            ],
            1,
            "cannot read",
        ),
        (
            &[
                "client",
                "create",
                "-i",
                "sunrise",
                "--kind",
                "web",
                "--client-secret-file",
                "/dev/null",
            ],
            1,
            "empty",
        ),
        (
            &[
                "client",
                "create",
                "-i",
                "sunrise",
                "--kind",
                "web",
                "--from",
                "/dev/null",
            ],
            1,
            "/dev/null",
        ),
        (
            &[
                "client",
                "update",
                "ehr",
                "-i",
                "sunrise",
                "--redirect-uri",
                "https://a.example",
            ],
            1,
            "redirect_uris",
        ),
        (&["role", "show", "nobody", "-i", "sunrise"], 1, "no role"),
        (
            &["consent", "list", "nobody", "-i", "sunrise"],
            1,
            "no user",
        ),
        (
            &[
                "registration-token",
                "make",
                "Lab",
                "--uses",
                "0",
                "-i",
                "sunrise",
            ],
            1,
            "uses",
        ),
        (
            &["user", "list", "--blocked=maybe", "-i", "sunrise"],
            2,
            "--blocked",
        ),
        (
            &["audit", "search", "-i", "sunrise", "--from", "yesterday"],
            1,
            "from",
        ),
        (&["issuer", "delete", "console", "--yes"], 1, "console"),
        (
            &[
                "issuer",
                "list",
                "--server",
                "http://localhost:1",
                "--token-file",
                "/etc/hostname",
            ],
            1,
            "does not answer",
        ),
    ] {
        let finished = if arguments[0] == "token" {
            crate::support::program::run(arguments.iter().copied())
        } else {
            line.run(arguments)
        };
        let said = finished.exited(code);
        assert!(said.contains(words), "{arguments:?}: {said}");
        assert_eq!(finished.stdout, "", "{arguments:?}");
        assert!(!said.contains("panicked"), "{said}");
    }
    let mut command = clinic.command(["client", "list", "-i", "sunrise"]);
    command.env("LOCUM_SECRET_KEY", "another key of 32 characters, or more");
    let finished = Finished::from(command.output().unwrap());
    assert!(finished.exited(1).contains("secret_key"), "{finished:?}");
}

#[test]
fn what_only_reads_makes_no_database() {
    let database = Database::sqlite_file();
    let clinic = Clinic::on(&database.url);
    let file = database.url.trim_start_matches("sqlite://");
    let whole = clinic.path("whole");
    for arguments in [
        &["plan"][..],
        &["export"],
        &["export", "--full", "--output", whole.to_str().unwrap()],
        &["audit", "verify"],
        &["audit", "export"],
        &["audit", "search"],
        &["user", "list", "-i", "sunrise"],
        &["issuer", "create", "sunset"],
        &["administrator", "set-up-link"],
    ] {
        let refused = clinic.run(arguments.iter().copied());
        let expected = format!("there is no database at {file}");
        assert!(refused.exited(1).contains(&expected), "{refused:?}");
        assert_eq!(refused.stdout, "");
        assert!(!std::path::Path::new(file).exists(), "{arguments:?}");
    }
    assert!(!whole.exists());
    clinic.run(["migrate"]).exited(0);
    clinic.run(["audit", "verify"]).exited(0);
}

#[test]
fn an_empty_list_says_what_fills_it() {
    let (_database, clinic) = place();
    let line = Line {
        clinic: &clinic,
        server: None,
    };
    line.does(&["issuer", "create", "branch"]);
    for (arguments, words) in [
        (&["client", "list"][..], "`locum client create` makes one"),
        (&["client", "list", "x"], "No client matches."),
        (&["client", "list", "--kind", "spa"], "No client matches."),
        (&["client", "list", "--disabled"], "No client matches."),
        (&["user", "list"], "`locum user create` adds one"),
        (&["user", "list", "x"], "No user matches."),
        (&["user", "list", "--role", "x"], "No user matches."),
        (&["user", "list", "--blocked=false"], "No user matches."),
        (&["role", "list"], "`locum role create` makes one"),
        (&["api", "list"], "`locum api create` makes one"),
        (
            &["registration-token", "list"],
            "`locum registration-token make` makes one",
        ),
        (&["session", "list"], "Nobody is signed in."),
    ] {
        let said = line.does(&[arguments, &["-i", "branch"]].concat());
        assert!(said.contains(words), "{arguments:?}: {said}");
    }
    let said = line.does(&["administrator", "list"]);
    assert!(
        said.contains("`locum administrator add` adds one"),
        "{said}"
    );
}

#[test]
fn tables_line_up_whatever_stands_in_them() {
    let (_database, clinic) = place();
    let line = Line {
        clinic: &clinic,
        server: None,
    };
    let long = "x".repeat(200);
    for (id, name) in [
        ("a", "日本語の名前"),
        ("b", "💊💊"),
        ("c", "e\u{301}te\u{301}"),
        ("d", "plain"),
        ("e", &long),
    ] {
        line.does(&[
            "client",
            "create",
            "-i",
            "sunrise",
            "--kind",
            "machine",
            "--client-id",
            id,
            "--name",
            name,
        ]);
    }
    let table = line.does(&["client", "list", "-i", "sunrise"]);
    let columns: Vec<usize> = table
        .lines()
        .map(|line| {
            let at = line
                .find("machine")
                .or(line.find("KIND"))
                .or(line.find("web"));
            unicode_width::UnicodeWidthStr::width(&line[..at.unwrap()])
        })
        .collect();
    assert!(
        columns.iter().all(|column| *column == columns[0]),
        "{table}"
    );
    assert!(
        table
            .lines()
            .all(|line| unicode_width::UnicodeWidthStr::width(line) < 120),
        "{table}"
    );
    assert!(table.contains('…'));
    assert!(
        line.json(&["client", "list", "-i", "sunrise"])
            .to_string()
            .contains(&long)
    );
}

#[test]
fn a_configuration_is_planned_applied_and_written_down() {
    let (_database, clinic) = place();
    let line = Line {
        clinic: &clinic,
        server: None,
    };
    assert_eq!(
        line.does(&["plan"]).trim(),
        "The database is as the configuration says."
    );
    let program = running(&clinic);
    clinic.rewrite(
        "client_name = \"Patient Portal\"",
        "client_name = \"Portal\"\noperator = \"Us\"\nclaims = { note = \"\\u001b[31m\" }",
    );
    clinic.rewrite("name = \"Sunrise Clinic\"", "name = \"Sunset Clinic\"");
    clinic.rewrite(
        "client_secret = \"opens-the-portal-secret\"",
        "client_secret = \"opens-the-new-portal-secret\"",
    );
    let planned = line.does(&["plan"]);
    for words in [
        "~ sunrise: client portal",
        "client_name: \"Patient Portal\" -> \"Portal",
        "operator: null -> \"Us\"",
        "client_secret: \"(a secret)\"",
        "Sunset",
        "2 things would change",
    ] {
        assert!(planned.contains(words), "{words}: {planned}");
    }
    assert!(
        !planned.contains("opens-the") && !planned.contains('\u{1b}'),
        "{planned}"
    );
    let json = line.json(&["plan"]);
    let changes = json["changes"].as_array().unwrap();
    assert_eq!(changes.len(), 2);
    assert_eq!(changes[0]["kind"], "issuer");
    assert_eq!(changes[0]["action"], "update");
    assert_eq!(changes[1]["name"], "portal");
    assert!(!json.to_string().contains("opens-the"));
    assert!(line.does(&["apply"]).contains("2 things changed"));
    assert!(line.does(&["apply"]).contains("as the configuration says"));

    // The running server notices by itself.
    let runtime = tokio::runtime::Runtime::new().unwrap();
    runtime.block_on(async {
        let begun = std::time::Instant::now();
        loop {
            let page = program.peer.get("/sunrise/sign-in").await;
            if page.body.contains("Sunset Clinic") {
                break;
            }
            assert!(begun.elapsed().as_secs() < 5, "{page}");
            tokio::time::sleep(std::time::Duration::from_millis(100)).await;
        }
    });

    // What somebody changed elsewhere shows.
    line.does(&[
        "client", "update", "portal", "-i", "sunrise", "--name", "By hand",
    ]);
    assert!(line.does(&["plan"]).contains("client_name: \"By hand\""));
    line.does(&["apply"]);

    let file = clinic.path("exported.toml");
    let file = file.to_str().unwrap();
    // Whoever could read what was there before is not to read hashes now.
    std::fs::write(file, "longer than what is exported\n".repeat(1000)).unwrap();
    for file in [file, clinic.path("new.toml").to_str().unwrap()] {
        line.does(&["export", "--output", file]);
        let mode = std::fs::metadata(file).unwrap().permissions().mode();
        assert_eq!(mode & 0o777, 0o600, "{file}");
    }
    let exported = std::fs::read_to_string(file).unwrap();
    assert!(
        !exported.contains("opens-the") && exported.contains("client_secret_hash"),
        "{exported}"
    );
    let with_settings: String = std::fs::read_to_string(&clinic.config)
        .unwrap()
        .split("[[issuer]]")
        .next()
        .unwrap()
        .to_owned();
    std::fs::write(file, format!("{with_settings}{exported}")).unwrap();
    let planned = crate::support::program::run(["plan", "--config", file]);
    assert_eq!(
        planned.exited(0).trim(),
        "The database is as the configuration says."
    );

    std::fs::write(
        file,
        "[[issuer]]\nname = \"sunrise\"\ndialec = \"standard\"\n",
    )
    .unwrap();
    let refused = crate::support::program::run(["apply", "--config", file]);
    assert!(refused.exited(1).contains("dialect"), "{refused:?}");
    assert!(line.does(&["plan"]).contains("as the configuration says"));
}
