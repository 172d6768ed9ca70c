//! Dialects as data: a vendor nobody here has heard of, from a file alone, and what a person is
//! told whose file is wrong.

use std::fs;
use std::path::Path;

use locum::dialect::{BUILT_IN, Dialect, load, load_built_in, resolved};
use locum::source::Mistake;
use tempfile::TempDir;

use crate::support::http::{Answer, Request};
use crate::support::program::{Program, run};
use crate::support::servers::Fixture;

// ------------------------------------------------------------------------- the sixth dialect

/// Other paths, a body of another shape both ways, errors in an envelope, an expiry as a date, and
/// tokens one can tell from everybody else's.
const LABORATORY: &str = r#"
title = "A laboratory's session service"

[endpoints]
token = "/v2/sessions/open"
introspection = "/v2/sessions/look"
revocation = "/v2/sessions/close"

[token_request]
body = ["json"]
client_auth_methods = ["client_secret_post"]

[audience]
parameters = []
when_missing = "from_scope"

[token_response]
headers = { Content-Type = "application/vnd.lab+json", X-Lab-Client = "{client_id}" }

[token_response.members]
ok = true
session = { token = "{access_token}", opened = "{issued_at|iso8601}", expires = "{expires_at|iso8601}" }
may = "{scope|list}"

[access_token]
format = "opaque"
opaque = "lab_live_{random}"
lifetime = 1800

[error_response]
headers = { Content-Type = "application/vnd.lab+json" }

[error_response.body]
ok = false
fault = { code = "{error}", help = [{ status = "{status}", text = "{error_description}" }] }

[errors.client_authentication_failed]
status = 403
error = "LAB-7"
error_description = "We do not know {client_id}."
headers = {}
"#;

const LABORATORY_ISSUER: &str = r#"
[[issuer]]
name = "lab"
dialect = "dialects/laboratory.toml"

[[issuer.api]]
audience = "https://lab.example"
scopes = ["results:read", "orders:write"]

[[issuer.client]]
client_id = "clinic"
client_secret = "clinic-secret"
kind = "machine"
grant = [{ audience = "https://lab.example", scopes = "all" }]

[[issuer.resource]]
path = "/v2/results"
scope = "results:read"
body = '{"results":[]}'
"#;

/// A folder with the dialect and a configuration that names it.
fn laboratory() -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("dialects")).unwrap();
    fs::write(folder.path().join("dialects/laboratory.toml"), LABORATORY).unwrap();
    fs::write(folder.path().join("locum.toml"), LABORATORY_ISSUER).unwrap();
    folder
}

const OPEN: &str = r#"
    POST /lab/v2/sessions/open
    Content-Type: application/json

    {"grant_type":"client_credentials","client_id":"clinic","client_secret":"clinic-secret"}
"#;

fn session_of(answer: &Answer) -> String {
    answer.is(200).json()["session"]["token"]
        .as_str()
        .unwrap()
        .to_owned()
}

#[tokio::test]
async fn a_sixth_vendor_needs_a_file_and_no_rust() {
    let folder = laboratory();
    let locum = Fixture::with(|builder| builder.config(LABORATORY_ISSUER, folder.path())).await;

    let opened = locum.say(OPEN).await;
    opened.reads(
        r#"
        200
        Content-Type: application/vnd.lab+json
        X-Lab-Client: clinic

        {"ok":true,"session":{"token":"lab_live_…","opened":"2026-01-02T03:04:05Z","expires":"2026-01-02T03:34:05Z"},"may":["results:read","orders:write"]}
        "#,
    );

    let session = session_of(&opened);
    let used = Request::get("/lab/v2/results").bearer(&session);
    locum
        .send(used.clone())
        .await
        .reads("200\n\n{\"results\":[]}");
    // The expiry in the answer is the one that counts.
    locum.clock.advance(std::time::Duration::from_secs(1800));
    locum.send(used).await.is(401);
}

#[tokio::test]
async fn a_sixth_vendor_refuses_in_its_own_words() {
    let folder = laboratory();
    let locum = Fixture::with(|builder| builder.config(LABORATORY_ISSUER, folder.path())).await;

    locum
        .say(&OPEN.replace("clinic-secret", "wrong-secret"))
        .await
        .reads(
            r#"
            403
            Content-Type: application/vnd.lab+json
            WWW-Authenticate:

            {"ok":false,"fault":{"code":"LAB-7","help":[{"status":403,"text":"We do not know clinic."}]}}
            "#,
        );
    // What it does not say itself, it says as the standard does, in its own shape.
    let form = Request::post("/lab/v2/sessions/open").form("grant_type=client_credentials");
    locum.send(form).await.reads(
        r#"
        415

        {"ok":false,"fault":{"code":"invalid_request","help":[{"status":415,"text":"…"}]}}
        "#,
    );
    // It has neither discovery nor JWKS, because it names neither.
    locum
        .get("/lab/.well-known/openid-configuration")
        .await
        .is(404);
    locum.get("/lab/.well-known/jwks.json").await.is(404);
}

#[tokio::test]
async fn a_sixth_vendor_introspects_and_revokes() {
    let folder = laboratory();
    let locum = Fixture::with(|builder| builder.config(LABORATORY_ISSUER, folder.path())).await;
    let session = session_of(&locum.say(OPEN).await);
    let ask = |path: &str| {
        Request::post(&format!("/lab/v2/sessions/{path}")).json(format!(
            r#"{{"client_id":"clinic","client_secret":"clinic-secret","token":"{session}"}}"#
        ))
    };
    assert_eq!(locum.send(ask("look")).await.json()["active"], true);
    locum.send(ask("close")).await.is(200);
    assert_eq!(locum.send(ask("look")).await.json()["active"], false);
}

#[tokio::test]
async fn the_program_serves_a_sixth_vendor_too() {
    let folder = laboratory();
    let config = folder.path().join("locum.toml");
    let check = run([
        "dialect",
        "check",
        &path(&folder, "dialects/laboratory.toml"),
    ]);
    assert!(check.exited(0).contains("A laboratory's session service"));
    let check = run(["check", "--config", config.to_str().unwrap()]);
    assert!(check.exited(0).contains("issuer lab"));

    let program = Program::dev(["--config", config.to_str().unwrap()]);
    let session = session_of(&program.peer.say(OPEN).await);
    assert!(session.starts_with("lab_live_"));
    let issuers = program.ready["issuers"].as_array().unwrap();
    assert!(
        issuers
            .iter()
            .any(|issuer| issuer["name"] == "lab" && issuer["discovery"].is_null())
    );
}

// ------------------------------------------------------------------------- wrong files

/// A wrong dialect file, the line the mistake is on, and what the message has to say.
struct Wrong {
    text: &'static str,
    line: usize,
    says: &'static [&'static str],
}

const WRONG: [Wrong; 25] = [
    Wrong {
        text: "title = ",
        line: 1,
        says: &["string"],
    },
    Wrong {
        text: "title = \"a\"\ntitle = \"b\"",
        line: 2,
        says: &["duplicate key"],
    },
    Wrong {
        text: "[endpoints]\ntoken = \"/token\"\n\n[token_respons]\nheaders = {}",
        line: 4,
        says: &["`token_respons`", "did you mean `token_response`?"],
    },
    Wrong {
        text: "[token_request]\nbody = [\"form\"]\nbasic_is_urlencoded = true",
        line: 3,
        says: &["did you mean `basic_is_form_urlencoded`?"],
    },
    Wrong {
        text: "ignore_case_of_paths = \"yes\"",
        line: 1,
        says: &["expected a boolean"],
    },
    Wrong {
        text: "[token_request]\nbody = [\"form\", \"xml\"]",
        line: 2,
        says: &["`xml`", "form, json, multipart"],
    },
    Wrong {
        text: "[scope]\nwhen_missing = \"alll\"",
        line: 2,
        says: &["did you mean `all`?"],
    },
    Wrong {
        text: "[signing]\nalgs = [\"RS512\"]",
        line: 2,
        says: &["`RS512`", "expected one of: RS256, ES256, EdDSA"],
    },
    Wrong {
        text: "[token_response.members]\naccess_token = \"{acess_token}\"",
        line: 2,
        says: &[
            "{acess_token}",
            "the token response",
            "did you mean `access_token`?",
        ],
    },
    Wrong {
        text: "[token_response.members]\naccess_token = \"{access_token|iso8601}\"",
        line: 2,
        says: &["`iso8601` is not a filter for {access_token}"],
    },
    Wrong {
        text: "[token_response.members]\naccess_token = \"{access_token}\"\nexpires = \"{expires_at|iso}\"",
        line: 3,
        says: &["`iso` is not a filter", "milliseconds, iso8601"],
    },
    Wrong {
        text: "[token_response.members]\naccess_token = \"{access_token\"",
        line: 2,
        says: &["brace", "expected `{word}`"],
    },
    Wrong {
        text: "[access_token]\nlifetime = \"an hour\"",
        line: 2,
        says: &["an hour", "expected a whole number"],
    },
    Wrong {
        text: "[access_token]\nlifetime = 3600000000",
        line: 2,
        says: &["more than ten years", "in seconds"],
    },
    Wrong {
        text: "[endpoints]\ntoken = \"oauth/token\"",
        line: 2,
        says: &["oauth/token", "is not a path", "expected something like"],
    },
    Wrong {
        text: "[endpoints]\njwks = \"/keys\"",
        line: 1,
        says: &["`token` is missing", "expected the path"],
    },
    Wrong {
        text: "[endpoints]\ntoken = \"/token\"\nauthorise = \"/authorize\"",
        line: 3,
        says: &["`authorise`", "did you mean `authorization`?"],
    },
    Wrong {
        text: "[endpoints]\ntoken = \"/token\"\nxyz = \"/authorize\"",
        line: 3,
        says: &["`xyz`", "expected one of:", "token"],
    },
    Wrong {
        text: "[errors.malformed_scop]\nstatus = 400",
        line: 1,
        says: &["did you mean `malformed_scope`?"],
    },
    Wrong {
        text: "[errors.malformed_scope]\nstatus = 42",
        line: 2,
        says: &["42 is not a status", "expected 200 to 599"],
    },
    Wrong {
        text: "[errors.malformed_scope]\nheaders = { \"Bad Name\" = \"x\" }",
        line: 2,
        says: &["\"Bad Name\" is not a header name"],
    },
    Wrong {
        text: "[error_response]\nheaders = { X = \"a\\nb\" }",
        line: 2,
        says: &["header X", "printable ASCII"],
    },
    Wrong {
        text: "[error_response]\nbody = 7",
        line: 2,
        says: &["a body is a table", "or a string"],
    },
    Wrong {
        text: "title = \"x\"\nextends = \"aut0\"",
        line: 2,
        says: &["no built-in dialect `aut0`", "did you mean `auth0`?"],
    },
    Wrong {
        text: "title = \"x\"\nextends = \"./elsewhere.toml\"",
        line: 2,
        says: &["cannot read", "elsewhere.toml"],
    },
];

fn mistake_in(text: &str) -> Mistake {
    let folder = tempfile::tempdir().unwrap();
    fs::write(folder.path().join("wrong.toml"), text).unwrap();
    load("wrong.toml", folder.path()).expect_err(text)
}

#[test]
fn a_wrong_file_gets_its_name_the_line_and_what_was_expected() {
    let mut unclear = Vec::new();
    for Wrong { text, line, says } in &WRONG {
        let mistake = mistake_in(text);
        let is_clear = mistake.file.ends_with("wrong.toml")
            && mistake.at.is_some_and(|(own, _)| own == *line)
            && says.iter().all(|part| mistake.message.contains(part));
        if !is_clear {
            unclear.push(format!(
                "---\n{text}\n---\n{mistake}\nexpected line {line} and {says:?}\n"
            ));
        }
    }
    assert!(unclear.is_empty(), "\n{}", unclear.join("\n"));
}

#[test]
fn a_dialect_that_could_not_work_is_told_where() {
    let mut unclear = Vec::new();
    for (text, says) in [
        (
            "title = \"x\"\n[token_response.members]\nexpires_in = \"{expires_in}\"",
            "no client would get its token",
        ),
        (
            "title = \"x\"\n[access_token]\nopaque = \"always-the-same\"",
            "nothing in it is random enough",
        ),
        (
            "title = \"x\"\n[access_token.claims]\niss = \"{issuer}\"\nexp = \"{expires_at}\"\nscope = \"{scope}\"",
            "{client_id}",
        ),
        (
            "title = \"x\"\n[access_token.claims]\niss = \"{issuer}\"\nclient_id = \"{client_id}\"\nscope = \"{scope}\"\nexpires = \"{expires_at}\"",
            "exp = ",
        ),
        (
            "title = \"x\"\n[access_token.header]\nalg = \"{alg}\"",
            "{kid}",
        ),
        (
            "title = \"x\"\n[token_request]\ngrant_types = [\"implicit\"]",
            "expected one of: client_credentials",
        ),
    ] {
        let mistake = mistake_in(text);
        if mistake.at.is_none() || !mistake.message.contains(says) {
            unclear.push(format!("---\n{text}\n---\n{mistake}\n"));
        }
    }
    assert!(unclear.is_empty(), "\n{}", unclear.join("\n"));
}

#[test]
fn a_file_that_cannot_be_read_is_said_to_be() {
    let folder = tempfile::tempdir().unwrap();
    fs::create_dir(folder.path().join("folder.toml")).unwrap();
    fs::write(folder.path().join("bytes.toml"), b"title = \"\xff\"").unwrap();
    fs::write(folder.path().join("large.toml"), "# x\n".repeat(400_000)).unwrap();
    for name in ["absent.toml", "folder.toml", "bytes.toml", "large.toml"] {
        let mistake = load(name, folder.path()).unwrap_err();
        assert!(mistake.to_string().contains(name), "{mistake}");
        assert!(mistake.message.contains("cannot read"), "{mistake}");
    }
    let mistake = load("hydrra", folder.path()).unwrap_err();
    assert!(
        mistake.message.contains("did you mean `hydra`?"),
        "{mistake}"
    );
}

// ------------------------------------------------------------------------- extends

fn folder_with(files: &[(&str, &str)]) -> TempDir {
    let folder = tempfile::tempdir().unwrap();
    for (name, text) in files {
        let path = folder.path().join(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }
    folder
}

fn path(folder: &TempDir, name: &str) -> String {
    folder.path().join(name).to_str().unwrap().to_owned()
}

#[test]
fn a_dialect_states_only_what_differs_from_the_one_it_extends() {
    let folder = folder_with(&[
        (
            "tenant.toml",
            "extends = \"shared/base.toml\"\ntitle = \"tenant\"",
        ),
        // Found beside the file that names it, not where the program stands.
        (
            "shared/base.toml",
            "extends = \"middle.toml\"\n[access_token]\nlifetime = 60",
        ),
        (
            "shared/middle.toml",
            "extends = \"auth0\"\n[access_token]\nlifetime = 30\nformat = \"opaque\"",
        ),
    ]);
    let text = resolved("tenant.toml", folder.path()).unwrap();
    let table: toml::Table = text.parse().unwrap();
    assert_eq!(table["title"].as_str(), Some("tenant"));
    let access_token = table["access_token"].as_table().unwrap();
    assert_eq!(access_token["lifetime"].as_integer(), Some(60));
    assert_eq!(access_token["format"].as_str(), Some("opaque"));
    // From auth0, and from the standard below it.
    assert_eq!(table["endpoints"]["token"].as_str(), Some("/oauth/token"));
    assert_eq!(access_token["opaque"].as_str(), Some("{random}"));
}

#[test]
fn ordered_tables_are_replaced_whole_and_others_member_by_member() {
    let folder = folder_with(&[(
        "own.toml",
        "extends = \"auth0\"\n[token_response.members]\ntoken = \"{access_token}\"\n[errors.missing_audience]\nstatus = 400",
    )]);
    let table: toml::Table = resolved("own.toml", folder.path())
        .unwrap()
        .parse()
        .unwrap();
    let members = table["token_response"]["members"].as_table().unwrap();
    assert_eq!(members.keys().collect::<Vec<_>>(), ["token"]);
    let error = table["errors"]["missing_audience"].as_table().unwrap();
    assert_eq!(error["status"].as_integer(), Some(400));
    assert_eq!(error["error"].as_str(), Some("access_denied"));
}

#[test]
fn a_mistake_below_is_told_with_the_file_it_is_in() {
    let folder = folder_with(&[
        ("top.toml", "extends = \"below.toml\"\ntitle = \"top\""),
        (
            "below.toml",
            "title = \"below\"\n\n[scope]\nwhen_missing = \"nonne\"",
        ),
    ]);
    let mistake = load("top.toml", folder.path()).unwrap_err();
    assert!(mistake.file.ends_with("below.toml"), "{mistake}");
    assert_eq!(mistake.at.map(|(line, _)| line), Some(4), "{mistake}");
    assert!(
        mistake.message.contains("did you mean `none`?"),
        "{mistake}"
    );
}

#[test]
fn a_circle_of_dialects_is_seen() {
    let folder = folder_with(&[
        ("self.toml", "title = \"x\"\nextends = \"self.toml\""),
        ("a.toml", "extends = \"b.toml\""),
        ("b.toml", "extends = \"c.toml\""),
        ("c.toml", "extends = \"a.toml\""),
    ]);
    for name in ["self.toml", "a.toml", "b.toml"] {
        let mistake = load(name, folder.path()).unwrap_err();
        assert!(mistake.message.contains("is it a circle?"), "{mistake}");
        assert!(mistake.at.is_some(), "{mistake}");
    }
}

// ------------------------------------------------------------------------- the built-in ones

#[test]
fn every_built_in_dialect_loads() {
    let names: Vec<&str> = BUILT_IN.iter().map(|(name, _)| *name).collect();
    assert_eq!(
        names,
        [
            "standard",
            "auth0",
            "hydra",
            "pattern",
            "identityserver",
            "identityserver4"
        ]
    );
    for name in names {
        let dialect = load_built_in(name).unwrap_or_else(|mistake| panic!("{mistake}"));
        assert!(!dialect.title.is_empty());
    }
}

#[test]
fn the_program_lists_and_shows_them() {
    let list = run(["dialect", "list"]);
    for (name, text) in BUILT_IN {
        assert!(
            list.exited(0).lines().any(|line| line.starts_with(name)),
            "{list:?}"
        );
        assert_eq!(run(["dialect", "show", name]).exited(0), *text);
    }
    let unknown = run(["dialect", "show", "hydar"]);
    assert!(
        unknown.exited(1).contains("did you mean `hydra`?"),
        "{unknown:?}"
    );
}

#[test]
fn what_show_prints_is_a_dialect_to_start_from() {
    for (name, _) in BUILT_IN {
        let folder = tempfile::tempdir().unwrap();
        let own = path(&folder, "own.toml");
        for arguments in [
            ["dialect", "show", name].as_slice(),
            &["dialect", "show", name, "--resolved"],
        ] {
            fs::write(&own, run(arguments.iter().copied()).exited(0)).unwrap();
            let check = run(["dialect", "check", &own]);
            assert!(check.exited(0).contains("nothing wrong"), "{check:?}");
        }
    }
}

#[test]
fn what_show_resolved_prints_is_the_same_dialect() {
    for (name, _) in BUILT_IN {
        let folder = tempfile::tempdir().unwrap();
        let own = path(&folder, "own.toml");
        let shown = run(["dialect", "show", name, "--resolved"]);
        fs::write(&own, shown.exited(0)).unwrap();
        let (own, built_in) = (load(&own, Path::new(".")), load_built_in(name));
        let (own, built_in) = (lines(&own.unwrap()), lines(&built_in.unwrap()));
        let different = own
            .iter()
            .zip(&built_in)
            .find(|(own, built_in)| own != built_in);
        assert_eq!(different, None, "{name}");
    }
}

/// A dialect as sorted lines, because a map inside it has no order; without what it `extends`,
/// which is used up when it has been read.
fn lines(dialect: &Dialect) -> Vec<String> {
    let text = format!("{dialect:#?}");
    let (before, extends) = text.split_once("_extends: ").unwrap();
    let (_, after) = extends.split_once("\n    issuer: ").unwrap();
    let mut lines: Vec<String> = before
        .lines()
        .chain(after.lines())
        .map(str::to_owned)
        .collect();
    lines.sort();
    lines
}

#[test]
fn the_program_names_file_line_and_column() {
    let folder = folder_with(&[("wrong.toml", "title = \"x\"\n\n  [token_respons]\n")]);
    let wrong = path(&folder, "wrong.toml");
    let check = run(["dialect", "check", &wrong]);
    let expected =
        format!("{wrong}:3:4: unknown name `token_respons`; did you mean `token_response`?");
    assert!(check.exited(1).contains(&expected), "{check:?}");
    assert_eq!(check.stdout, "");

    // And so does a server that is told to use it.
    let config = path(&folder, "locum.toml");
    fs::write(
        &config,
        "[[issuer]]\nname = \"x\"\ndialect = \"wrong.toml\"",
    )
    .unwrap();
    for command in [["check", "--config", &config], ["dev", "--config", &config]] {
        assert!(run(command).exited(1).contains(&expected));
    }
}
