//! Moving everything from one database to another, and what is refused on the way.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use locum::store::{Kind, TABLES};

use crate::support::clinic::{
    Clinic, PASSWORD, SECRET_KEY, ada, introspection, portal, token_request,
};
use crate::support::database::{Column, Database};
use crate::support::html::Form;
use crate::support::http::Request;
use crate::support::user::{Person, Tokens};

type Dump = BTreeMap<String, Vec<String>>;

#[tokio::test]
async fn the_description_of_the_tables_is_what_the_migrations_make() {
    for database in [Database::sqlite_file(), Database::postgres().await] {
        database.open().await.close().await;
        let mut connection = database.connect().await;
        let described: BTreeSet<&str> = TABLES.iter().map(|table| table.name).collect();
        let made = connection.tables().await;
        assert_eq!(described, made.iter().map(String::as_str).collect());
        assert_eq!(TABLES.len(), made.len());
        for table in TABLES {
            let columns = table.columns.iter().map(|column| {
                let kind = match column.kind {
                    Kind::Uuid => "UUID",
                    Kind::Text => "TEXT",
                    Kind::Bigint => "BIGINT",
                    Kind::Boolean => "BOOLEAN",
                    Kind::Bytes => "BYTEA",
                    Kind::Instant => "TIMESTAMPTZ",
                };
                (column.name.to_owned(), kind.to_owned(), column.is_nullable)
            });
            let real = connection.columns(table.name).await;
            let real = real.into_iter().map(
                |Column {
                     name,
                     kind,
                     is_nullable,
                     ..
                 }| (name, kind, is_nullable),
            );
            assert_eq!(
                columns.collect::<Vec<_>>(),
                real.collect::<Vec<_>>(),
                "{}",
                table.name
            );
        }
    }
}

/// A clinic at work: something in every table.
struct AtWork {
    tokens: Tokens,
    opaque: String,
    revoked: String,
    person: Person,
}

async fn work(clinic: &Clinic, database: &Database) -> AtWork {
    let program = clinic.serve();
    let peer = program.peer;
    let mut person = ada(peer);
    let page = person.visit("/sunrise/sign-in").await;
    let mut wrong = Form::with_button(&page.body, "sign-in").unwrap();
    wrong.fill("username", "grace");
    wrong.fill("password", "wrong");
    person
        .post(&wrong.action, &wrong.pressed("sign-in"))
        .await
        .is(401);

    let app = portal();
    let tokens = app
        .tokens(
            &mut person,
            &[("scope", "openid offline_access patients:read")],
        )
        .await;
    let revoked = app
        .tokens(&mut person, &[("scope", "openid")])
        .await
        .access_token;
    app.revoke(peer, &revoked).await.is(200);
    let opaque = peer.send(token_request("opaque")).await.access_token();
    person.get("/sunrise/account").await.is(200);
    program.terminate().exited(0);
    let mut connection = database.connect().await;
    connection.execute("INSERT INTO initial_access_tokens (id, issuer_id, token_hash, note, created_at, expires_at, uses_left)
        SELECT id, id, (SELECT mac FROM audit_events LIMIT 1), 'n\u{e9}\u{1f600} ''quoted'' \"twice\"', created_at, created_at, 9007199254740993
        FROM issuers WHERE name = 'sunrise'").await;
    let empty: Vec<String> = connection
        .dump()
        .await
        .into_iter()
        .filter(|(_, rows)| rows.is_empty())
        .map(|(table, _)| table)
        .collect();
    assert_eq!(empty, [] as [&str; 0], "nothing in these tables");
    AtWork {
        tokens,
        opaque,
        revoked,
        person,
    }
}

async fn dump(database: &Database) -> Dump {
    database.connect().await.dump().await
}

/// Without the chain of the server, in which exports and imports are themselves remembered.
fn without_the_servers_log(dump: &Dump) -> Dump {
    let mut rest = dump.clone();
    for table in ["audit_chains", "audit_events"] {
        let of_server = |row: &String| {
            row.starts_with("X'00000000000000000000000000000000'")
                || row.contains("00000000-0000-0000-0000-000000000000")
        };
        rest.get_mut(table).unwrap().retain(|row| !of_server(row));
    }
    rest
}

fn export(clinic: &Clinic, path: &Path) -> String {
    let path = path.to_str().unwrap();
    let exported = clinic.run(["export", "--full", "--output", path]);
    exported.exited(0);
    for secret in [PASSWORD, SECRET_KEY, "opens-the-ehr-secret"] {
        assert!(!format!("{exported:?}").contains(secret));
    }
    fs::read_to_string(path).unwrap()
}

/// The lines of an export that hold the clinic's rows, and nothing of when and by whom.
fn rows(file: &str) -> Vec<&str> {
    let nobody = "\"of\":\"00000000-0000-0000-0000-000000000000\"";
    let lines = file.lines().filter(|line| line.starts_with("{\"table\":"));
    lines.filter(|line| !line.contains(nobody)).collect()
}

#[tokio::test]
async fn everything_moves_from_sqlite_to_postgres_and_back() {
    let (first, second, third) = (
        Database::sqlite_file(),
        Database::postgres().await,
        Database::sqlite_file(),
    );
    let clinic = Clinic::on(&first.url);
    let AtWork {
        tokens,
        opaque,
        revoked,
        mut person,
    } = work(&clinic, &first).await;
    let there = clinic.at(&second.url);
    let back = clinic.at(&third.url);

    let path = clinic.path("first.locum");
    let written = export(&clinic, &path);
    assert_eq!(
        fs::metadata(&path).unwrap().permissions().mode() & 0o777,
        0o600
    );
    for secret in [
        PASSWORD,
        SECRET_KEY,
        &tokens.access_token,
        tokens.refresh(),
        &opaque,
    ] {
        assert!(!written.contains(secret), "{secret}");
    }
    there.run(["import", path.to_str().unwrap()]).exited(0);
    let again = clinic.path("second.locum");
    let written_again = export(&there, &again);
    assert_eq!(rows(&written), rows(&written_again));
    back.run(["import", again.to_str().unwrap()]).exited(0);

    // Every column of every row is what it was.
    let (before, after) = (dump(&first).await, dump(&third).await);
    let (ours, theirs) = (
        without_the_servers_log(&before),
        without_the_servers_log(&after),
    );
    for (table, rows) in &ours {
        assert_eq!(rows, &theirs[table], "{table}");
    }
    // The server's log has what happened on the way at its end, and is whole.
    assert_eq!(
        after["audit_events"].len(),
        before["audit_events"].len() + 3
    );
    for clinic in [&clinic, &there, &back] {
        clinic.run(["audit", "verify"]).exited(0);
    }

    // And everything that was acknowledged still works, on either engine.
    for (round, place) in [&there, &back].into_iter().enumerate() {
        let program = place.serve();
        let peer = program.peer;
        let app = portal();
        assert!(app.is_alive(peer, &tokens.access_token).await);
        assert!(!app.is_alive(peer, &revoked).await);
        let known = peer.send(introspection(&opaque)).await.json();
        assert_eq!(known["active"], true);
        person.get("/sunrise/account").await.is(200);
        app.refresh(peer, tokens.refresh()).await.is(200);
        ada(peer).sign_in_at("sunrise").await;
        peer.send(token_request("api")).await.is(200);
        program.terminate().exited(0);
        place.run(["audit", "verify"]).exited(0);
        // Nothing changes where nothing is declared anew.
        let planned = place.run(["plan"]);
        assert!(
            planned.exited(0).contains("as the configuration says"),
            "{round}: {planned:?}"
        );
    }
}

/// With a MAC as the server itself would write it.
fn signed(file: &str) -> String {
    use aws_lc_rs::hmac;
    let secret = locum::secret::Secret::new(SECRET_KEY);
    let key = locum::keys::SecretKey::derive(&secret).unwrap().exporting();
    let (rest, _) = file.trim_end().rsplit_once('\n').unwrap();
    let tag = hmac::sign(&key, format!("{rest}\n").as_bytes());
    let mac: String = tag
        .as_ref()
        .iter()
        .map(|byte| format!("{byte:02x}"))
        .collect();
    format!("{rest}\n{{\"mac\":\"{mac}\"}}\n")
}

#[tokio::test]
async fn what_is_not_as_it_was_written_is_refused_and_changes_nothing() {
    for target in [Database::sqlite_file(), Database::postgres().await] {
        let source = Database::sqlite_file();
        let clinic = Clinic::on(&source.url);
        work(&clinic, &source).await;
        let path = clinic.path("whole.locum");
        let written = export(&clinic, &path);
        let there = clinic.at(&target.url);
        there.run(["migrate"]).exited(0);
        let before = dump(&target).await;

        let lines: Vec<&str> = written.split_inclusive('\n').collect();
        let broken = clinic.path("broken.locum");
        let refused = |text: &[u8], says: &[&str]| {
            fs::write(&broken, text).unwrap();
            let refused = there.run(["import", broken.to_str().unwrap()]);
            let said = refused.exited(1);
            assert!(
                says.iter().any(|says| said.contains(says)),
                "{says:?}: {said}"
            );
            assert!(!said.contains("$argon2"), "{said}");
        };
        // Cut off: between lines and within, at the beginning and the end.
        for kept in [1, 2, 3, lines.len() / 2, lines.len() - 2, lines.len() - 1] {
            refused(lines[..kept].concat().as_bytes(), &["not whole"]);
        }
        for cut in [written.len() - 1, written.len() - 10, written.len() / 3] {
            refused(&written.as_bytes()[..cut], &["not whole"]);
        }
        refused(b"", &["not an export"]);
        refused(b"issuer = 1\n", &["not an export"]);
        refused(b"{\"name\":\"package\"}\n", &["not an export"]);
        refused(&written.as_bytes()[..5], &["not whole", "not an export"]);

        // Altered, in a row, a count, a MAC, by a row more or less or in another place.
        let with = |index: usize, line: String| {
            let mut lines: Vec<String> = lines.iter().map(|&line| line.to_owned()).collect();
            lines[index] = line;
            lines.concat()
        };
        let user = lines
            .iter()
            .position(|line| line.contains("\"canonical_username\":\"ada\""))
            .unwrap();
        let altered = lines[user].replace(
            "\"canonical_username\":\"ada\"",
            "\"canonical_username\":\"bob\"",
        );
        refused(with(user, altered).as_bytes(), &["altered"]);
        refused(with(user, String::new()).as_bytes(), &["altered"]);
        refused(with(user, lines[user].repeat(2)).as_bytes(), &["altered"]);
        refused(with(user, "nonsense\n".to_owned()).as_bytes(), &["altered"]);
        refused(
            with(
                user,
                lines[user].replace("\"table\":\"users\"", "\"table\":\"people\""),
            )
            .as_bytes(),
            &["altered"],
        );
        let mut swapped = lines.clone();
        swapped.swap(user, user - 1);
        refused(swapped.concat().as_bytes(), &["altered"]);
        let mac = lines.len() - 1;
        let other_mac = format!("{{\"mac\":\"{}\"}}\n", "0".repeat(64));
        refused(with(mac, other_mac).as_bytes(), &["altered"]);
        refused(
            with(mac, "{\"mac\":\"\"}\n".to_owned()).as_bytes(),
            &["altered"],
        );
        refused(format!("{written}{{}}\n").as_bytes(), &["altered"]);
        refused(
            with(mac - 1, "{\"rows\":{}}\n".to_owned()).as_bytes(),
            &["altered"],
        );
        let mut bytes = written.clone().into_bytes();
        for at in [written.len() / 4, written.len() / 2, written.len() - 200] {
            bytes[at] ^= 1;
            refused(&bytes, &["altered", "not whole"]);
            bytes[at] ^= 1;
        }

        // Of another version, or under another key.
        let header = |from: &str, to: &str| {
            assert!(lines[0].contains(from), "{from}: {}", lines[0]);
            with(0, lines[0].replacen(from, to, 1))
        };
        refused(
            header("\"locum_export\":1", "\"locum_export\":2").as_bytes(),
            &["newer version"],
        );
        let step = locum::store::Store::newest_step();
        let (ours, tomorrows) = (format!("\"tables\":{step}"), "\"tables\":999");
        refused(header(&ours, tomorrows).as_bytes(), &["altered"]);
        refused(
            signed(&header(&ours, tomorrows)).as_bytes(),
            &["newer version"],
        );
        refused(
            signed(&header(&ours, "\"tables\":1")).as_bytes(),
            &["older version"],
        );
        // Written like that, by something that knows the key and not the tables.
        let people = lines[user].replace("\"table\":\"users\"", "\"table\":\"people\"");
        refused(
            signed(&with(user, people)).as_bytes(),
            &[&format!("line {}", user + 1)],
        );
        refused(signed(&with(user, String::new())).as_bytes(), &["altered"]);
        assert_eq!(dump(&target).await, before);

        there.rewrite(SECRET_KEY, "another-key-of-32-characters-xxx");
        let other = there.run(["import", path.to_str().unwrap()]);
        assert!(other.exited(1).contains("another secret key"), "{other:?}");
        assert_eq!(dump(&target).await, before);
    }
}

#[tokio::test]
async fn what_is_there_is_replaced_only_when_that_is_asked_for() {
    for database in [Database::sqlite_file(), Database::postgres().await] {
        let clinic = Clinic::on(&database.url);
        let program = clinic.serve();
        let token = program
            .peer
            .send(token_request("opaque"))
            .await
            .access_token();
        program.terminate().exited(0);
        let path = clinic.path("whole.locum");
        export(&clinic, &path);
        let file = path.to_str().unwrap();
        // It is not overwritten either.
        let twice = clinic.run(["export", "--full", "--output", file]);
        assert!(twice.exited(2).contains("exists already"), "{twice:?}");

        let before = dump(&database).await;
        for arguments in [
            vec!["import", file],
            vec!["import", file, "--issuer", "sunrise"],
        ] {
            let refused = clinic.run(arguments.iter().copied());
            assert!(
                refused.exited(1).contains("sunrise") && refused.stderr.contains("--replace"),
                "{refused:?}"
            );
        }
        let unknown = clinic.run(["import", file, "--issuer", "sunset", "--replace"]);
        assert!(unknown.exited(2).contains("sunrise"), "{unknown:?}");
        assert_eq!(dump(&database).await, before);

        // What came after the export goes, in that issuer alone, also on a server that is running.
        let program = clinic.serve();
        let later = program
            .peer
            .send(token_request("opaque"))
            .await
            .access_token();
        let console = |dump: &Dump| dump["users"].len() + dump["roles"].len();
        let had = console(&dump(&database).await);
        clinic
            .run(["import", file, "--issuer", "sunrise", "--replace"])
            .exited(0);
        let peer = program.peer;
        assert_eq!(
            peer.send(introspection(&token)).await.json()["active"],
            true
        );
        assert_eq!(
            peer.send(introspection(&later)).await.json()["active"],
            false
        );
        assert_eq!(console(&dump(&database).await), had);
        let generation = dump(&database).await["issuers"].clone();
        assert_ne!(
            generation, before["issuers"],
            "a running server has to notice"
        );
        peer.send(token_request("api")).await.is(200);
        program.terminate().exited(0);
        clinic.run(["audit", "verify"]).exited(0);
        let events = clinic.run(["audit", "export", "--of-server", "--format", "json"]);
        for action in ["issuer.exported", "issuer.imported"] {
            assert!(events.exited(0).contains(action), "{events:?}");
        }

        // All of it.
        clinic.run(["import", file, "--replace"]).exited(0);
        clinic.run(["audit", "verify"]).exited(0);
        let after = dump(&database).await;
        for (table, rows) in without_the_servers_log(&before) {
            if table != "issuers" && table != "activity" {
                assert_eq!(rows, without_the_servers_log(&after)[&table], "{table}");
            }
        }
        clinic.serve().terminate().exited(0);
    }
}

#[tokio::test]
async fn one_issuer_moves_to_a_server_that_has_others() {
    let (first, second) = (Database::sqlite_file(), Database::postgres().await);
    let clinic = Clinic::on(&first.url);
    let program = clinic.serve();
    let token = program
        .peer
        .send(token_request("opaque"))
        .await
        .access_token();
    program.terminate().exited(0);
    let path = clinic.path("one.locum");
    let file = path.to_str().unwrap();
    clinic
        .run(["export", "--full", "--issuer", "sunrise", "--output", file])
        .exited(0);
    let nowhere = clinic.path("none.locum");
    let missing = clinic.run([
        "export",
        "--full",
        "--issuer",
        "sunset",
        "--output",
        nowhere.to_str().unwrap(),
    ]);
    assert!(missing.exited(2).contains("sunrise"), "{missing:?}");
    assert!(!nowhere.exists());

    let there = clinic.at(&second.url);
    there.rewrite("name = \"sunrise\"", "name = \"moonrise\"");
    there.serve().terminate().exited(0);
    there.run(["import", file]).exited(0);
    let program = there.serve();
    let peer = program.peer;
    assert_eq!(
        peer.send(introspection(&token)).await.json()["active"],
        true
    );
    let other = Request::post("/moonrise/oauth2/introspect").basic("ehr", "opens-the-ehr-secret");
    let known = peer.send(other.form(format!("token={token}"))).await.json();
    assert_eq!(known["active"], false);
    program.terminate().exited(0);
    // The console knows of it: it has an API and roles for it.
    let mut connection = second.connect().await;
    let dump = connection.dump().await;
    assert!(
        dump["apis"]
            .iter()
            .any(|api| api.contains("urn:locum:issuer:sunrise")),
        "{:?}",
        dump["apis"]
    );
    there.run(["audit", "verify"]).exited(0);
}

#[tokio::test]
async fn issuers_of_locum_dev_are_not_taken_over() {
    let database = Database::sqlite_file();
    let clinic = Clinic::on(&database.url);
    clinic.serve().terminate().exited(0);
    let mut connection = database.connect().await;
    connection
        .execute("UPDATE issuers SET is_demo = TRUE WHERE name = 'sunrise'")
        .await;
    drop(connection);
    let path = clinic.path("demo.locum");
    export(&clinic, &path);
    let target = Database::sqlite_file();
    let refused = clinic
        .at(&target.url)
        .run(["import", path.to_str().unwrap()]);
    assert!(refused.exited(1).contains("locum dev"), "{refused:?}");
}
