//! What is wrong with a configuration is said with its line, and what would be right.

use std::path::Path;

use locum::config::{ConfigFile, Origin};
use locum::source::{Mistake, Source};
use serde_json::json;

use crate::support::servers::Fixture;

/// Line 1 is the first after the quotes.
const PRACTICE: &str = r##"[[issuer]]
name = "practice"
dialect = "standard"
signing_algs = ["ES256"]
post_logout_redirect_uris = ["https://practice.example/bye"]

[issuer.brand]
name = "The Practice"
color = "#1F6feb"
logo = "logo.svg"
help_uri = "https://practice.example/help"

[[issuer.api]]
audience = "https://api.example"
scopes = [
    "read",
    { name = "write", needs_role = true, description = { en = "Write", es = "Escribir" } },
]

[[issuer.role]]
name = "nurse"

[[issuer.role.grant]]
audience = "https://api.example"
scopes = ["read", "write"]

[[issuer.client]]
client_id = "web"
client_secret = "hunter2"
kind = "web"
redirect_uris = ["https://app.example/callback"]
subject_type = "pairwise"
id_token_signed_response_alg = "ES256"
backchannel_logout_uri = "https://app.example/back"
claims = { plan = "trial" }

[[issuer.client]]
client_id = "native"
kind = "native"
redirect_uris = ["com.example.app:/callback", "http://127.0.0.1/callback"]

[[issuer.client]]
client_id = "machine"
client_secret = "hunter2"
kind = "machine"

[[issuer.user]]
username = "Ada"
password = "hunter2"
roles = ["nurse"]
name = "Ada L."

[issuer.user.claims]
zoneinfo = "Europe/Paris"

[[issuer.user]]
username = "bob"
password = "hunter2"

[[issuer.resource]]
path = "/api/patients"
scope = "read"
body = "{}"
"##;

fn check_in(folder: &Path, text: &str) -> Result<(), Vec<Mistake>> {
    let source = Source::new("locum.toml", text);
    ConfigFile::parse(source, folder.to_owned())
        .map_err(|mistake| vec![mistake])?
        .resolve(Origin::File)
        .map(drop)
}

fn folder_with_logos() -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let write = |name: &str, bytes: &[u8]| std::fs::write(folder.path().join(name), bytes).unwrap();
    write("logo.svg", b"<svg xmlns='http://www.w3.org/2000/svg'/>");
    write("logo.PNG", &vec![0; 256 * 1024]);
    write("large.png", &vec![0; 256 * 1024 + 1]);
    write("empty.webp", b"");
    write("logo.gif", b"GIF89a");
    folder
}

/// What is put in place of something in [`PRACTICE`], the line, and what is said of it.
const MISTAKES: &[(&str, &str, usize, &str)] = &[
    (
        "name = \"practice\"",
        "name = \"sign-in\"",
        2,
        "Locum's own",
    ),
    ("name = \"practice\"", "name = \"brand\"", 2, "Locum's own"),
    ("https://practice.example/bye", "/bye", 5, "absolute"),
    (
        "[\"ES256\"]\n",
        "[\"ES256\"]\naudit_retention_days = 36501\n",
        5,
        "expected 1 to 36500",
    ),
    (
        "[\"ES256\"]\n",
        "[\"ES256\"]\naudit_retention_days = 0\n",
        5,
        "expected 1 to 36500",
    ),
    // The brand.
    ("\"The Practice\"", "\" \"", 8, "is missing"),
    (
        "The Practice",
        "The \\u202ePractice",
        8,
        "characters that nobody can see",
    ),
    ("#1F6feb", "#1F6fe", 9, "a color like"),
    ("#1F6feb", "red", 9, "a color like"),
    ("logo.svg", "none.svg", 10, "cannot read none.svg"),
    ("logo.svg", "logo.gif", 10, ".png, .svg, .jpg or .webp"),
    ("logo.svg", "large.png", 10, "at most 256 KiB"),
    ("logo.svg", "empty.webp", 10, "not empty"),
    (
        "https://practice.example/help",
        "mailto:help@practice.example",
        11,
        "http or https",
    ),
    ("help_uri", "help_url", 11, "did you mean `help_uri`?"),
    // APIs and scopes.
    (
        "scopes = [\n",
        "name = \"A\\u0007\"\nscopes = [\n",
        15,
        "an API's name has characters that nobody can see",
    ),
    ("Escribir", "Escribir\\u0000", 17, "control characters"),
    (
        "{ en = \"Write\", es = \"Escribir\" }",
        "\"Write\\u009b\"",
        17,
        "control characters",
    ),
    ("needs_role", "need_role", 17, "did you mean `needs_role`?"),
    (
        "es = \"Escribir\"",
        "Spanish = \"Escribir\"",
        17,
        "a tag like en or pt-BR",
    ),
    ("\"Escribir\"", "7", 17, "expected a string"),
    // Roles.
    ("name = \"nurse\"", "name = \"\"", 21, "is missing"),
    (
        "name = \"nurse\"",
        "name = \"nur\\u200bse\"",
        21,
        "characters that nobody can see",
    ),
    ("name = \"nurse\"", "name = \"..\"", 21, "another place"),
    (
        "name = \"nurse\"",
        "name = \"nurse\"\ndescription = \"a\\u0000b\"",
        22,
        "control characters",
    ),
    (
        "name = \"nurse\"",
        "name = \"nurse\"\n[[issuer.role]]\nname = \"nurse\"",
        23,
        "twice",
    ),
    (
        "[\"read\", \"write\"]",
        "[\"read\", \"wirte\"]",
        25,
        "did you mean `write`?",
    ),
    (
        "scopes = [\"read\", \"write\"]",
        "scopes = \"all\"\n[[issuer.role.grant]]\naudience = \"https://api.example\"\nscopes = []",
        27,
        "role `nurse` has two grants",
    ),
    // Clients.
    (
        "client_id = \"native\"",
        "client_id = \".\"",
        38,
        "another place",
    ),
    (
        "kind = \"native\"",
        "kind = \"native\"\nclient_name = \"a\\u200bb\"",
        40,
        "a client_name has characters that nobody can see",
    ),
    (
        "kind = \"native\"",
        "kind = \"native\"\nsoftware_id = \"\\u001b[31m\"",
        38,
        "software_id of client `native` has a control character",
    ),
    (
        "kind = \"native\"",
        "kind = \"native\"\noperator = \"a\\u0000b\"",
        40,
        "control characters",
    ),
    (
        "\"https://app.example/callback\"",
        "\"javascript:alert(1)\"",
        31,
        "javascript: URI",
    ),
    (
        "\"https://app.example/callback\"",
        "\"DATA:text/html,x\"",
        31,
        "data: URI",
    ),
    (
        "\"https://app.example/callback\"",
        "\"vbscript:x\"",
        31,
        "vbscript: URI",
    ),
    (
        "\"https://app.example/callback\"",
        "\"file:///etc/passwd\"",
        31,
        "file: URI",
    ),
    (
        "\"https://app.example/callback\"",
        "\"blob:https://app.example/x\"",
        31,
        "blob: URI",
    ),
    (
        "\"https://app.example/callback\"",
        "\"https://app.example/#x\"",
        31,
        "fragment",
    ),
    (
        "\"https://app.example/callback\"",
        "\"https://app.example/callback\", \"https://other.example/callback\"",
        28,
        "sector_identifier (OIDC Core §8.1)",
    ),
    (
        "redirect_uris = [\"https://app.example/callback\"]",
        "",
        28,
        "sector_identifier",
    ),
    (
        "\"pairwise\"",
        "\"pairwise\"\nsector_identifier = \"\"",
        33,
        "empty",
    ),
    (
        "\"pairwise\"",
        "\"parwise\"",
        32,
        "did you mean `pairwise`?",
    ),
    ("alg = \"ES256\"", "alg = \"EdDSA\"", 33, "no EdDSA key"),
    (
        "alg = \"ES256\"",
        "alg = \"ES256\"\nuserinfo_signed_response_alg = \"RS256\"",
        34,
        "no RS256 key",
    ),
    (
        "https://app.example/back",
        "com.example.app:/back",
        34,
        "http or https",
    ),
    ("https://app.example/back", "/back", 34, "http or https"),
    (
        "backchannel_logout_uri",
        "backchannel_logout_url",
        34,
        "did you mean `backchannel_logout_uri`?",
    ),
    (
        "plan = \"trial\"",
        "sub = \"eve\"",
        35,
        "`sub` is set by Locum alone",
    ),
    (
        "plan = \"trial\"",
        "plan = inf",
        35,
        "a number that JSON does not have",
    ),
    (
        "kind = \"native\"",
        "kind = \"native\"\npolicy_uri = \"policy\"",
        40,
        "http or https",
    ),
    (
        "kind = \"machine\"",
        "kind = \"machine\"\nredirect_uris = [\"https://app.example/\"]",
        46,
        "acts for itself",
    ),
    // Users.
    (
        "username = \"Ada\"",
        "username = \" Ada\"",
        48,
        "begins or ends with a space",
    ),
    (
        "username = \"Ada\"",
        "username = \"A\\u0000\"",
        48,
        "a username has characters that nobody can see",
    ),
    (
        "username = \"Ada\"",
        "username = \"A\\u202eda\"",
        48,
        "characters that nobody can see",
    ),
    (
        "name = \"Ada L.\"",
        "name = \"Ada\\u0007\"",
        51,
        "name of user `Ada`",
    ),
    (
        "name = \"Ada L.\"",
        "email = \"ada\"",
        51,
        "is not an address",
    ),
    (
        "zoneinfo = \"Europe/Paris\"",
        "phone_number = \"call me\"",
        54,
        "is not a number",
    ),
    (
        "zoneinfo = \"Europe/Paris\"",
        "zoneinfo = 5",
        54,
        "expected a text",
    ),
    (
        "zoneinfo = \"Europe/Paris\"",
        "email_verified = \"yes\"",
        54,
        "expected true or false",
    ),
    (
        "username = \"bob\"",
        "username = \"ADA\"",
        57,
        "upper and lower case are the same",
    ),
    (
        "username = \"bob\"\npassword = \"hunter2\"",
        "username = \"bob\"",
        57,
        "needs a password",
    ),
    (
        "username = \"bob\"\npassword = \"hunter2\"",
        "username = \"bob\"\npassword = \"\"",
        57,
        "empty",
    ),
    (
        "username = \"bob\"\npassword",
        "username = \"bob\"\npassword_hash = \"$argon2id$v=19$m=19456,t=2,p=1$c29tZXNhbHRzb21lc2FsdA$aGFzaGhhc2hoYXNoaGFzaGhhc2hoYXNoaGFzaGhhc2g\"\npassword",
        57,
        "expected one of them",
    ),
    (
        "password = \"hunter2\"\nroles",
        "password_hash = \"hunter2\"\nroles",
        49,
        "$argon2id$",
    ),
    (
        "roles = [\"nurse\"]",
        "roles = [\"nures\"]",
        50,
        "did you mean `nurse`?",
    ),
    (
        "name = \"Ada L.\"",
        "given_nmae = \"Ada\"",
        51,
        "did you mean `given_name`?",
    ),
    ("zoneinfo", "name", 54, "a key of user `Ada` already"),
    ("zoneinfo", "updated_at", 54, "set by Locum alone"),
    // Pages are not resources.
    (
        "/api/patients",
        "/account",
        61,
        "a page of the issuer's users",
    ),
    ("/api/patients", "/brand/logo", 61, "`/brand` is a page"),
];

#[test]
fn check_finds_what_is_wrong_with_people_and_brands() {
    let folder = folder_with_logos();
    let mut unclear = Vec::new();
    for (right, wrong, line, says) in MISTAKES {
        let text = PRACTICE.replacen(right, wrong, 1);
        assert_ne!(text, PRACTICE, "{right}");
        let mistakes = check_in(folder.path(), &text).err().unwrap_or_default();
        let said: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        let at_line = format!("locum.toml:{line}:");
        let is_clear = said
            .iter()
            .any(|said| said.starts_with(&at_line) && said.contains(says));
        if !is_clear || said.iter().any(|said| said.contains("hunter2")) {
            unclear.push(format!(
                "{wrong}\nexpected line {line} and {says:?}\n{said:#?}"
            ));
        }
    }
    assert!(unclear.is_empty(), "\n{}", unclear.join("\n"));
}

#[test]
fn check_has_nothing_against_what_is_right() {
    let folder = folder_with_logos();
    for (one, other) in [
        ("", ""),
        ("logo.svg", "logo.PNG"),
        // Several hosts, but one sector.
        (
            "redirect_uris = [\"https://app.example/callback\"]",
            "redirect_uris = [\"https://a.example/\", \"https://b.example/\"]\nsector_identifier = \"example\"",
        ),
        // A path that only begins as a page's does.
        ("/api/patients", "/accounts"),
    ] {
        let checked = check_in(folder.path(), &PRACTICE.replacen(one, other, 1));
        assert_eq!(checked, Ok(()), "{other}");
    }
}

#[test]
fn a_logo_is_read_with_what_it_is() {
    let folder = folder_with_logos();
    let config = ConfigFile::parse(
        Source::new("locum.toml", PRACTICE),
        folder.path().to_owned(),
    );
    let mut brand = config.unwrap().config.issuers[0].brand.clone();
    let logo = brand.read_logo(folder.path()).unwrap().unwrap();
    assert_eq!(logo.media_type, "image/svg+xml");
    assert!(logo.bytes.starts_with(b"<svg"));
    brand.logo = None;
    assert!(brand.read_logo(folder.path()).unwrap().is_none());
}

#[tokio::test]
async fn the_ready_line_has_the_passwords_of_demo_users_alone() {
    let folder = folder_with_logos();
    let locum = Fixture::with(|builder| builder.config(PRACTICE, folder.path())).await;
    let users = |issuer: &str| {
        let mut issuers = locum.locum.ready.issuers.iter();
        let issuer = issuers.find(|known| known.name == issuer).unwrap();
        serde_json::to_value(&issuer.users).unwrap()
    };
    assert_eq!(
        users("photon"),
        json!([
            { "username": "provider", "password": "locum", "roles": ["provider"] },
            { "username": "staff", "password": "locum", "roles": ["staff"] },
        ])
    );
    assert_eq!(
        users("medblocks"),
        json!([{ "username": "clinician", "password": "locum", "roles": [] }])
    );
    assert_eq!(
        users("practice"),
        json!([
            { "username": "Ada", "password": null, "roles": ["nurse"] },
            { "username": "bob", "password": null, "roles": [] },
        ])
    );
}
