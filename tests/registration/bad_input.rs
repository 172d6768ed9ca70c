//! Registrations that must be refused, each with a word about why; and odd ones that must not.

use std::sync::Arc;

use futures_util::future::join_all;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use super::{REDIRECT_URI, register_at_clinic, text, with};
use crate::support::http::{Answer, Request};
use crate::support::servers::{Fixture, demo, shared_by};

async fn refused(metadata: Value, error: &str, says: &str) {
    let answer = register_at_clinic(&demo(), metadata.clone()).await;
    assert_eq!(answer.status, 400, "{metadata}: {answer}");
    answer.refused(400, error);
    let description = text(&answer, "error_description");
    assert!(description.contains(says), "{metadata}: {answer}");
    // RFC 6749 §5.2: no other characters.
    assert!(
        description
            .bytes()
            .all(|byte| (0x20..0x7F).contains(&byte) && byte != b'"' && byte != b'\\'),
        "{answer}"
    );
}

async fn refused_uri(uri: &str) {
    for application_type in ["web", "native"] {
        let metadata = json!({ "redirect_uris": [uri], "application_type": application_type });
        refused(metadata, "invalid_redirect_uri", "redirect_uris").await;
    }
}

#[tokio::test]
async fn redirect_uris_that_nobody_can_be_sent_to_safely() {
    for uri in [
        "",
        "relative/callback",
        "/callback",
        "//booking.example/callback",
        "https://booking.example/callback#fragment",
        "https://booking.example/callback#",
        "https://*.booking.example/callback",
        "https://booking.example/*",
        "http://booking.example/callback",
        "http://localhost.booking.example/callback",
        "http://localhost@booking.example/callback",
        "https://user:password@booking.example/callback",
        "https://user@booking.example/callback",
        "https:booking.example",
        "https:/booking.example",
        "https:///booking.example",
        "https://",
        "https://booking.example\\@evil.example/",
        "https://booking.example/call back",
        "https://booking.example/\u{e9}",
        "https://b\u{fc}cher.example/",
        "https://booking.example/\u{202e}gpj",
        "https://booking.example/\n",
        "https://booking.example/\0",
        " https://booking.example/callback",
        "javascript:alert(1)",
        "JaVaScRiPt:alert(1)",
        "javascript://booking.example/%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "vbscript:msgbox(1)",
        "file:///etc/passwd",
        "blob:https://booking.example/1",
        "intent://booking.example/#Intent;end",
        "about:blank",
        "urn:ietf:wg:oauth:2.0:oob",
        "myapp:/callback", // no dot: anybody's
        "myapp://callback",
        ".com:/callback",
    ] {
        refused_uri(uri).await;
    }
    let long = format!("https://booking.example/{}", "x".repeat(2048));
    refused_uri(&long).await;
}

#[tokio::test]
async fn redirect_uris_by_application_type() {
    let register = |application_type: &'static str, uri: &'static str| async move {
        let metadata = json!({ "redirect_uris": [uri], "application_type": application_type });
        register_at_clinic(&demo(), metadata).await.status
    };
    for uri in [
        "https://booking.example/callback?tenant=7",
        "http://localhost:3000/callback",
        "http://127.0.0.1/callback",
        "http://[::1]:8080/callback",
    ] {
        assert_eq!(register("web", uri).await, 201, "{uri}");
        assert_eq!(register("native", uri).await, 201, "{uri}");
    }
    for uri in [
        "com.example.app:/callback",
        "com.example.app://callback",
        "com.example.app:callback",
    ] {
        assert_eq!(register("native", uri).await, 201, "{uri}");
        assert_eq!(register("web", uri).await, 400, "{uri}");
    }
    refused(
        with(json!({ "application_type": "desktop" })),
        "invalid_client_metadata",
        "application_type",
    )
    .await;
    let confidential = with(
        json!({ "application_type": "native", "token_endpoint_auth_method": "client_secret_basic" }),
    );
    refused(
        confidential,
        "invalid_client_metadata",
        "token_endpoint_auth_method must be none",
    )
    .await;
}

#[tokio::test]
async fn too_many_and_too_long() {
    let uris = |count: usize| -> Vec<String> {
        (0..count)
            .map(|number| format!("https://booking.example/{number}"))
            .collect()
    };
    refused(
        json!({ "redirect_uris": uris(51) }),
        "invalid_redirect_uri",
        "more than 50",
    )
    .await;
    let answer = register_at_clinic(&demo(), json!({ "redirect_uris": uris(50) })).await;
    answer.is(201);
    let twice = json!({ "redirect_uris": vec![REDIRECT_URI; 60] });
    let answer = register_at_clinic(&demo(), twice).await;
    assert_eq!(
        answer.is(201).json()["redirect_uris"],
        json!([REDIRECT_URI])
    );
    for (metadata, says) in [
        (
            json!({ "post_logout_redirect_uris": uris(51) }),
            "more than 50",
        ),
        (json!({ "client_name": "x".repeat(201) }), "longer than 200"),
        (json!({ "software_id": "x".repeat(201) }), "longer than 200"),
        (
            json!({ "client_uri": format!("https://booking.example/{}", "x".repeat(3000)) }),
            "client_uri",
        ),
        (
            json!({ "jwks": { "keys": vec![json!({ "kty": "OKP", "crv": "Ed25519", "x": "11qYAYKxCrfVS_7TyWQHOg7hcvPapiMlrwIaaPcHURo" }); 17] } }),
            "1 to 16 keys",
        ),
    ] {
        refused(with(metadata), "invalid_client_metadata", says).await;
    }
    let contacts: Vec<String> = (0..11)
        .map(|number| format!("{number}@booking.example"))
        .collect();
    refused(
        with(json!({ "contacts": contacts })),
        "invalid_client_metadata",
        "more than 10",
    )
    .await;

    let large = with(json!({ "unknown": "x".repeat(70_000) }));
    register_at_clinic(&demo(), large).await.is(413);
}

#[tokio::test]
async fn names_of_every_kind() {
    for name in [
        "<script>alert(1)</script>",
        "\"><img src=x onerror=alert(1)>",
        "עברית و العربية",
        "👩‍⚕️🏥 Ünïcödé 日本語",
        "'; DROP TABLE clients; --",
        "=1+1",
        "a",
    ] {
        let answer = register_at_clinic(&demo(), with(json!({ "client_name": name }))).await;
        assert_eq!(answer.is(201).json()["client_name"], name);
        // And on the consent page it is text.
        let path = format!(
            "/clinic/oauth2/authorize?response_type=code&client_id={}&redirect_uri={REDIRECT_URI}&scope=openid&code_challenge={}&code_challenge_method=S256",
            text(&answer, "client_id"),
            crate::support::user::CHALLENGE
        );
        let mut person = crate::support::user::Person::new(demo(), "doctor");
        let page = person.visit(&path).await;
        assert!(
            !page.body.contains("<script>alert") && !page.body.contains("<img src=x"),
            "{page}"
        );
    }
    for name in [
        "nul\0",
        "line\nfeed",
        "bell\u{7}",
        "del\u{7f}",
        "next\u{85}line",
        "turned\u{202e}around",
        "isolated\u{2066}",
        "zero\u{200b}width",
        "   ",
    ] {
        refused(
            with(json!({ "client_name": name })),
            "invalid_client_metadata",
            "client_name",
        )
        .await;
    }
}

#[tokio::test]
async fn wrong_types_are_told_and_not_guessed() {
    for (member, values) in [
        (
            "redirect_uris",
            vec![
                json!("https://booking.example/"),
                json!({}),
                json!([1]),
                json!([["a"]]),
                json!([null]),
                json!(7),
                json!(true),
            ],
        ),
        (
            "grant_types",
            vec![json!("authorization_code"), json!({ "a": 1 })],
        ),
        ("response_types", vec![json!("code"), json!([7])]),
        ("client_name", vec![json!(7), json!(["a"]), json!({})]),
        ("scope", vec![json!(["openid"]), json!(1)]),
        ("contacts", vec![json!("a@b.example"), json!([{}])]),
        ("jwks", vec![json!("keys"), json!([]), json!(1)]),
        (
            "default_max_age",
            vec![
                json!("3600"),
                json!(-1),
                json!(1.5),
                json!(1e300),
                json!(u64::MAX),
            ],
        ),
        ("require_auth_time", vec![json!("yes"), json!(1)]),
        (
            "token_endpoint_auth_method",
            vec![json!(["none"]), json!(0)],
        ),
    ] {
        for value in values {
            let error = if member == "redirect_uris" {
                "invalid_redirect_uri"
            } else {
                "invalid_client_metadata"
            };
            refused(with(json!({ member: value })), error, member).await;
        }
    }
    // Null is nothing (RFC 7592 §2.2), and what nobody reads may be anything.
    let answer = register_at_clinic(
        &demo(),
        with(json!({ "client_name": null, "x": { "y": [1, null] }, "client_name#de": 7 })),
    )
    .await;
    answer.is(201);
}

#[tokio::test]
async fn bodies_that_are_no_registration() {
    let send = |content_type: &'static str, body: &'static [u8]| {
        demo_send(Request::post("/clinic/oauth2/register").body(content_type, body))
    };
    for body in [
        b"".as_slice(),
        b"[]",
        b"null",
        b"7",
        b"\"text\"",
        b"{",
        b"{]",
        b"{\"a\":}",
        b"\xff\xfe",
        b"{\"client_name\":\"a\",\"client_name\":\"b\"}",
        b"{\"client_name\":\"\xff\"}",
        b"{\"a\":\"\\ud800\"}",
    ] {
        let answer = send("application/json", body).await;
        assert_eq!(answer.status, 400, "{}: {answer}", body.escape_ascii());
        assert!(answer.json()["error"].is_string());
    }
    let deep = format!("{}{}", "[".repeat(30_000), "]".repeat(30_000));
    let request = Request::post("/clinic/oauth2/register").json(format!("{{\"a\":{deep}}}"));
    demo_send(request).await.is(400);
    for content_type in [
        "text/plain",
        "application/x-www-form-urlencoded",
        "multipart/form-data; boundary=x",
        "",
    ] {
        let answer = send(content_type, b"{}").await;
        assert_eq!(answer.status, 415, "{content_type}: {answer}");
    }
    demo_send(Request::post("/clinic/oauth2/register").untyped("{}"))
        .await
        .is(400);
}

async fn demo_send(request: Request) -> Answer {
    demo().send(request).await
}

#[tokio::test]
async fn what_does_not_go_together() {
    for (metadata, says) in [
        (json!({ "grant_types": ["implicit"] }), "grant_types"),
        (json!({ "grant_types": ["password"] }), "grant_types"),
        (
            json!({ "grant_types": ["urn:ietf:params:oauth:grant-type:device_code"] }),
            "grant_types",
        ),
        (
            json!({ "grant_types": ["refresh_token"] }),
            "refresh_token without authorization_code",
        ),
        (
            json!({ "grant_types": ["client_credentials"], "response_types": ["code"], "redirect_uris": [] }),
            "response_types",
        ),
        (
            json!({ "grant_types": ["authorization_code"], "response_types": [] }),
            "response_types",
        ),
        (json!({ "response_types": ["token"] }), "response_types"),
        (
            json!({ "response_types": ["code id_token"] }),
            "response_types",
        ),
        (
            json!({ "response_types": ["code", "id_token"] }),
            "response_types",
        ),
        (
            json!({ "grant_types": ["authorization_code", "client_credentials"], "token_endpoint_auth_method": "none" }),
            "client_credentials",
        ),
        (
            json!({ "token_endpoint_auth_method": "private_key_jwt" }),
            "token_endpoint_auth_method",
        ),
        (
            json!({ "token_endpoint_auth_method": "tls_client_auth" }),
            "token_endpoint_auth_method",
        ),
        (
            json!({ "id_token_signed_response_alg": "none" }),
            "id_token_signed_response_alg",
        ),
        (
            json!({ "id_token_signed_response_alg": "HS256" }),
            "id_token_signed_response_alg",
        ),
        (
            json!({ "userinfo_signed_response_alg": "PS256" }),
            "userinfo_signed_response_alg",
        ),
        (
            json!({ "id_token_encrypted_response_alg": "RSA-OAEP" }),
            "not encrypted",
        ),
        (
            json!({ "require_signed_request_object": true }),
            "request objects",
        ),
        (json!({ "dpop_bound_access_tokens": true }), "bearer tokens"),
        (json!({ "subject_type": "private" }), "subject_type"),
        (
            json!({ "frontchannel_logout_uri": "https://elsewhere.example/out" }),
            "frontchannel_logout_uri",
        ),
        (
            json!({ "backchannel_logout_uri": "http://booking.example/out" }),
            "backchannel_logout_uri",
        ),
        (json!({ "logo_uri": "javascript:alert(1)" }), "logo_uri"),
        (
            json!({ "client_uri": "ftp://booking.example/" }),
            "client_uri",
        ),
        (json!({ "policy_uri": "booking.example" }), "policy_uri"),
        (
            json!({ "jwks_uri": "http://booking.example/keys" }),
            "jwks_uri",
        ),
        (
            json!({ "initiate_login_uri": "http://booking.example/start" }),
            "initiate_login_uri",
        ),
        (
            json!({ "post_logout_redirect_uris": ["javascript:alert(1)"] }),
            "post_logout_redirect_uris",
        ),
        (json!({ "scope": "openid \"quoted\"" }), "scope"),
        (json!({ "scope": "no:such:scope" }), "scope"),
    ] {
        refused(with(metadata), "invalid_client_metadata", says).await;
    }
    refused(
        json!({}),
        "invalid_redirect_uri",
        "redirect_uris is missing",
    )
    .await;
    let machine = json!({ "grant_types": ["client_credentials"], "redirect_uris": [REDIRECT_URI] });
    refused(machine, "invalid_redirect_uri", "machine").await;
}

#[tokio::test]
async fn keys_are_public_ones() {
    let rsa = json!({ "kty": "RSA", "n": "AQAB", "e": "AQAB" });
    let with_member = |name: &str| {
        let mut key = rsa.clone();
        key[name] = json!("AQAB");
        json!({ "keys": [key] })
    };
    for name in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
        refused(
            with(json!({ "jwks": with_member(name) })),
            "invalid_client_metadata",
            "private",
        )
        .await;
    }
    for keys in [
        json!({ "keys": [{ "kty": "oct", "k": "c2VjcmV0" }] }),
        json!({ "keys": [{ "kty": "oct" }] }),
        json!({ "keys": [{ "kty": "RSA", "n": "AQAB" }] }),
        json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": 7, "y": "a" }] }),
        json!({ "keys": [{}] }),
        json!({ "keys": [7] }),
        json!({ "keys": [] }),
        json!({ "keys": "none" }),
        json!({ "key": [] }),
    ] {
        refused(
            with(json!({ "jwks": keys })),
            "invalid_client_metadata",
            "jwks",
        )
        .await;
    }
    let both = json!({ "jwks": { "keys": [rsa] }, "jwks_uri": "https://booking.example/keys" });
    refused(with(both), "invalid_client_metadata", "exclude each other").await;
}

#[tokio::test]
async fn software_statements_are_nobodys_here() {
    // RFC 7591 §2.3.
    let jwt = "eyJhbGciOiJSUzI1NiJ9.eyJzb2Z0d2FyZV9pZCI6IjROUkIxLTBYWkFCWkk5RTYtNVNNM1IiLCJjbGllbnRfbmFtZSI6IkV4YW1wbGUifQ.GHfL4QNIrQwL18BSRdE595T9jbzqa06R9BT8w409x9oIcKaZo_mt15riEXHazdISUvDIZhtiyNrSHQ8K4TvqWxH6uJgcmoodZdPwmWRIEYbQDLqPNxREtYn05X3AR7ia4FRjQ2ojZjk5fJqJdQ-JcfxyhK-P8BAWBd6I2LLA77IG32xtbhxYfHX7VhuU5ProJO8uvu3Ayv4XRhLZJY4yKfmyjiiKiPNe-Ia4SMy_d_QSWxskU5XIQl5Sa2YRPMbDRXttm2TfnZM1xx70DoYi8g6czz-CPGRi4SW_S2RKHIJfIjoI3zTJ0Y2oe0_EJAiXbL6OyF9S5tKxDXV8JIndSA";
    refused(
        with(json!({ "software_statement": jwt })),
        "unapproved_software_statement",
        "trusts no issuer",
    )
    .await;
    for bad in ["not a statement", "a.b.c", "eyJhbGciOiJSUzI1NiJ9.x"] {
        refused(
            with(json!({ "software_statement": bad })),
            "invalid_software_statement",
            "no signed JWT",
        )
        .await;
    }
}

// ------------------------------------------------------------------------- sector_identifier_uri

/// A server of this machine that always says the same.
async fn says(answer: String) -> String {
    let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
    let url = format!(
        "http://localhost:{}/sector.json",
        listener.local_addr().unwrap().port()
    );
    let answer = Arc::new(answer);
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut read = [0; 4096];
                let _ = stream.read(&mut read).await;
                let _ = stream.write_all(answer.as_bytes()).await;
            });
        }
    });
    url
}

fn document(body: &str) -> String {
    format!(
        "HTTP/1.1 200 OK\r\nContent-Length: {}\r\nConnection: close\r\n\r\n{body}",
        body.len()
    )
}

#[tokio::test]
async fn a_sector_vouches_for_every_redirect_uri() {
    let locum = Fixture::start().await;
    let uris = ["https://one.example/cb", "https://two.example/cb"];
    let pairwise = |sector: Option<&str>| {
        let mut metadata = json!({ "redirect_uris": uris, "subject_type": "pairwise" });
        if let Some(sector) = sector {
            metadata["sector_identifier_uri"] = json!(sector);
        }
        metadata
    };
    let register = |metadata: Value| {
        locum.send(Request::post("/clinic/oauth2/register").json(metadata.to_string()))
    };
    let good = says(document(&json!(uris).to_string())).await;
    let answer = register(pairwise(Some(&good))).await;
    let registered = answer.is(201).json();
    assert_eq!(
        (
            &registered["subject_type"],
            &registered["sector_identifier_uri"]
        ),
        (&json!("pairwise"), &json!(good))
    );

    // OIDC Core §8.1: several hosts need one.
    register(pairwise(None))
        .await
        .refused(400, "invalid_client_metadata");
    for bad in [
        document(&json!([uris[0]]).to_string()),
        document("{}"),
        document("not JSON"),
        document(&format!("[\"{}\"]", "x".repeat(100_000))),
        "HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n".to_owned(),
        "HTTP/1.1 302 Found\r\nLocation: https://elsewhere.example/\r\nContent-Length: 0\r\n\r\n"
            .to_owned(),
        "nonsense".to_owned(),
    ] {
        let url = says(bad).await;
        let answer = register(pairwise(Some(&url))).await;
        answer.refused(400, "invalid_client_metadata");
        assert!(
            text(&answer, "error_description").starts_with("sector_identifier_uri"),
            "{answer}"
        );
    }
    for private in [
        "https://10.0.0.1/",
        "https://169.254.169.254/latest",
        "http://booking.example/",
        "file:///etc/passwd",
    ] {
        register(pairwise(Some(private)))
            .await
            .refused(400, "invalid_client_metadata");
    }
}

// ------------------------------------------------------------------------- anything at all

#[test]
fn no_registration_whatever_it_says_breaks_the_server() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let scalar = prop_oneof![
        Just(Value::Null),
        any::<bool>().prop_map(Value::from),
        any::<i64>().prop_map(Value::from),
        any::<f64>()
            .prop_filter("JSON has no others", |n| n.is_finite())
            .prop_map(Value::from),
        "\\PC{0,12}".prop_map(Value::from),
        "[\\x00-\\x7f]{0,12}".prop_map(Value::from),
        "(https?|com\\.x|javascript):(//)?[a-z.@:#*/\\\\]{0,12}".prop_map(Value::from),
        prop_oneof![
            Just("code"),
            Just("none"),
            Just("native"),
            Just("openid"),
            Just("pairwise"),
            Just("client_credentials"),
            Just("RS256")
        ]
        .prop_map(Value::from),
    ];
    let value = scalar.prop_recursive(2, 12, 4, |inner| {
        prop_oneof![
            prop::collection::vec(inner.clone(), 0..4).prop_map(Value::from),
            prop::collection::hash_map("(keys|kty|d|n|e|[a-z]{1,3})", inner, 0..4)
                .prop_map(|map| Value::Object(map.into_iter().collect())),
        ]
    });
    let names: Vec<&'static str> = locum::protocol::MetadataMember::ALL
        .iter()
        .map(|member| member.as_str())
        .collect();
    // None that is fetched: that would wait for servers there are not.
    let names: Vec<&'static str> = names
        .into_iter()
        .filter(|name| *name != "sector_identifier_uri")
        .collect();
    let members = prop::collection::vec((prop::sample::select(names), value), 0..6);
    // Its own: what it registers counts against the limit of its network.
    let peer = shared_by("");
    let mut runner = TestRunner::new(Config {
        cases: 200,
        failure_persistence: None,
        ..Config::default()
    });
    let paths = [
        "/clinic/oauth2/register",
        "/medblocks/oauth2/register",
        "/nethealth/api/Clients/Register",
        "/medblocks/admin/clients",
    ];
    let outcome = runner.run(&members, |members| {
        let body: serde_json::Map<String, Value> = members
            .into_iter()
            .map(|(name, value)| (name.to_owned(), value))
            .collect();
        let body = Value::Object(body).to_string();
        let answers = runtime.block_on(join_all(paths.map(|path| {
            let request = Request::post(path).json(body.clone());
            async move { (path, peer.send(request).await) }
        })));
        for (path, answer) in answers {
            prop_assert!(
                [200, 201, 400, 409, 429].contains(&answer.status),
                "{path} {body}: {answer}"
            );
            let _: Value = answer.json();
        }
        Ok(())
    });
    outcome.unwrap();
}
