//! Requests that no client should send, and some that no client could by accident: each gets an
//! answer that blames the request, in its dialect's shape, and says nothing that was secret.

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use proptest::prelude::*;
use proptest::test_runner::{Config, TestRunner};
use tokio::io::AsyncWriteExt;

use crate::support::http::{Answer, Peer, Request, SECRET, basic, read};
use crate::support::servers::{VENDORS, demo, every_dialect};

/// Every endpoint that reads a body, with a dialect's way to say that a request is wrong.
struct Endpoint {
    path: &'static str,
    /// What the dialect answers when the client is not proven.
    unproven: u16,
    takes_json: bool,
}

const fn endpoint(path: &'static str, unproven: u16, takes_json: bool) -> Endpoint {
    Endpoint {
        path,
        unproven,
        takes_json,
    }
}

const ENDPOINTS: [Endpoint; 15] = [
    endpoint("/standard/oauth2/token", 401, false),
    endpoint("/standard/oauth2/introspect", 401, false),
    endpoint("/standard/oauth2/revoke", 401, false),
    endpoint("/auth0/oauth/token", 401, true),
    endpoint("/auth0/oauth/revoke", 401, true),
    endpoint("/hydra/oauth2/token", 400, false),
    endpoint("/hydra/oauth2/introspect", 400, false),
    endpoint("/hydra/oauth2/revoke", 400, false),
    endpoint("/pattern/api/auth/token", 401, false),
    endpoint("/identityserver/connect/token", 400, false),
    endpoint("/identityserver/connect/introspect", 400, false),
    endpoint("/identityserver/connect/revocation", 400, false),
    endpoint("/identityserver4/connect/token", 400, false),
    endpoint("/identityserver4/connect/introspect", 400, false),
    endpoint("/identityserver4/connect/revocation", 400, false),
];

/// The client is at fault, and the answer is JSON that says so.
fn blames_the_request(answer: &Answer, what: &str) {
    assert!((400..500).contains(&answer.status), "{what}: {answer}");
    // IdentityServer3's introspection says 401 and no more.
    if answer.status == 401 && answer.body.is_empty() {
        assert!(what.ends_with("/connect/introspect"), "{what}: {answer}");
        return;
    }
    let json = answer.json();
    let names = ["error", "Message", "ErrorMessage"];
    let says_so = names.iter().any(|name| json[name].is_string());
    assert!(says_so, "{what}: {answer}");
}

async fn each_endpoint_refuses(what: &str, form: impl AsRef<[u8]>) {
    for endpoint in &ENDPOINTS {
        let request = Request::post(endpoint.path)
            .basic("machine", "machine-secret")
            .form(&form);
        let answer = every_dialect().send(request).await;
        blames_the_request(&answer, &format!("{what} at {}", endpoint.path));
    }
}

// ------------------------------------------------------------------------- parameters

/// Complete enough for every endpoint.
const GOOD: &str = "grant_type=client_credentials&scope=read&token=x";

#[tokio::test]
async fn a_repeated_parameter_is_refused() {
    for name in ["grant_type", "scope", "token", "client_id", "unknown"] {
        each_endpoint_refuses(name, format!("{GOOD}&{name}=1&{name}=1")).await;
    }
}

#[tokio::test]
async fn a_missing_or_empty_parameter_is_the_same() {
    for path in [
        "/standard/oauth2/token",
        "/auth0/oauth/token",
        "/hydra/oauth2/token",
    ] {
        let ask = |form: &'static str| {
            Request::post(path)
                .basic("machine", "machine-secret")
                .form(form)
        };
        let missing = every_dialect().send(ask("scope=read")).await;
        let empty = every_dialect().send(ask("scope=read&grant_type=")).await;
        blames_the_request(&missing, path);
        assert_eq!((missing.status, missing.body), (empty.status, empty.body));
    }
    // RFC 6749 §3.2: as if it were not there, so this asks for the default.
    let request = Request::post("/standard/oauth2/token")
        .basic("machine", "machine-secret")
        .form("grant_type=client_credentials&scope=&resource=&audience=");
    let answer = every_dialect().send(request).await;
    assert_eq!(answer.is(200).json()["scope"], "read write");
}

#[tokio::test]
async fn an_overlong_parameter_is_refused() {
    let long = "x".repeat(9_000);
    for name in [
        "grant_type",
        "scope",
        "token",
        "client_id",
        "client_secret",
        "unknown",
    ] {
        each_endpoint_refuses(name, format!("a=b&{name}={long}")).await;
    }
    each_endpoint_refuses("name", format!("{GOOD}&{long}=1")).await;
    let many: String = (0..200).map(|index| format!("&p{index}=1")).collect();
    each_endpoint_refuses("many", format!("{GOOD}{many}")).await;
}

#[tokio::test]
async fn broken_percent_encoding_is_refused() {
    for broken in ["%", "%4", "%zz", "%u0041", "%-1", "a%"] {
        each_endpoint_refuses(broken, format!("{GOOD}&x={broken}")).await;
        each_endpoint_refuses(broken, format!("{GOOD}&{broken}=x")).await;
    }
}

#[tokio::test]
async fn text_that_is_not_utf_8_is_refused() {
    for bytes in [
        b"&x=\xff\xfe".as_slice(),
        b"&x=\xc3",
        b"&\x80=1",
        b"&x=%ff",
        b"&x=%C3%28",
        b"&x=\xed\xa0\x80",
    ] {
        each_endpoint_refuses("bytes", [GOOD.as_bytes(), bytes].concat()).await;
    }
}

#[tokio::test]
async fn control_characters_in_a_parameter_are_harmless() {
    for text in [
        "%00",
        "%0d%0aSet-Cookie:+a=b",
        "%1b%5b31m",
        "%E2%80%AE",
        "%7f",
        "%22%5c",
    ] {
        for endpoint in ENDPOINTS
            .iter()
            .filter(|endpoint| endpoint.path.ends_with("token"))
        {
            for form in [
                format!("grant_type={text}&scope=read"),
                format!("grant_type=client_credentials&scope={text}"),
                format!("grant_type=client_credentials&scope=read&audience={text}&resource={text}"),
            ] {
                let request = Request::post(endpoint.path).basic("machine", "machine-secret");
                let answer = every_dialect().send(request.form(&form)).await;
                assert!(
                    answer.status < 500 || answer.status == 501,
                    "{form}: {answer}"
                );
                assert_eq!(answer.header("set-cookie"), None);
                let is_printable = |c: char| c == '\n' || c == '\r' || (' '..='~').contains(&c);
                assert!(answer.to_string().chars().all(is_printable), "{answer}");
            }
        }
    }
}

// ------------------------------------------------------------------------- credentials

#[tokio::test]
async fn a_malformed_authorization_header_proves_nobody() {
    let base64 = |text: &[u8]| BASE64.encode(text);
    let mut headers: Vec<Vec<u8>> = vec![
        b"Basic".to_vec(),
        b"Basic ".to_vec(),
        b"Basic !!!".to_vec(),
        b"Basic =".to_vec(),
        b"Basic a".to_vec(),
        b"Basic\xff".to_vec(),
        b"Basic \xff\xfe".to_vec(),
        b"BasicbWFjaGluZTptYWNoaW5lLXNlY3JldA==".to_vec(),
        b"Basic\tbWFjaGluZTptYWNoaW5lLXNlY3JldA==".to_vec(),
        b"Basic bWFjaGluZTptYWNoaW5lLXNlY3JldA==, Basic x".to_vec(),
        b"Basic bWFjaGluZTptYWNoaW5lLXNlY3JldA== x".to_vec(),
        b"Bearer bWFjaGluZTptYWNoaW5lLXNlY3JldA==".to_vec(),
        b"Digest username=\"machine\"".to_vec(),
        b"Negotiate YII=".to_vec(),
        b"machine:machine".to_vec(),
        b",".to_vec(),
    ];
    for inside in [
        b"no colon".as_slice(),
        b"",
        b":",
        b":machine-secret",
        b"machine",
        b"machine\xff:machine-secret",
        b"\xc3\x28:x",
        b"machine\0:machine-secret",
        b"nobody:",
        b"machine:",
    ] {
        headers.push(format!("Basic {}", base64(inside)).into_bytes());
    }
    headers.push(format!("Basic {}", base64(&vec![b'x'; 40_000])).into_bytes());
    for endpoint in &ENDPOINTS {
        for header in &headers {
            let request = Request::post(endpoint.path)
                .header("Authorization", header)
                .form(GOOD);
            let answer = every_dialect().send(request).await;
            let shown = String::from_utf8_lossy(header);
            blames_the_request(&answer, &format!("{shown:.80} at {}", endpoint.path));
            let expected = [endpoint.unproven, 401];
            assert!(
                expected.contains(&answer.status),
                "{shown:.80} at {}: {answer}",
                endpoint.path
            );
        }
    }
}

#[tokio::test]
async fn broken_form_encoding_inside_basic_proves_nobody() {
    // RFC 6749 §2.3.1: id and secret are form-urlencoded before base64.
    for credentials in ["%zz:x", "machine:%", "machine%ff:machine-secret"] {
        let header = format!("Basic {}", BASE64.encode(credentials));
        for path in [
            "/standard/oauth2/token",
            "/hydra/oauth2/token",
            "/auth0/oauth/token",
        ] {
            let request = Request::post(path)
                .header("Authorization", &header)
                .form(GOOD);
            blames_the_request(&every_dialect().send(request).await, credentials);
        }
    }
}

#[tokio::test]
async fn basic_is_named_in_any_case_and_needs_no_padding() {
    let encoded = BASE64.encode("machine:machine-secret");
    let unpadded = encoded.trim_end_matches('=');
    for header in [
        format!("basic {encoded}"),
        format!("BASIC {encoded}"),
        format!("Basic {unpadded}"),
        format!("Basic  {encoded} "),
    ] {
        let request = Request::post("/standard/oauth2/token")
            .header("authorization", header)
            .form("grant_type=client_credentials");
        every_dialect().send(request).await.is(200);
    }
}

#[tokio::test]
async fn two_ways_to_authenticate_at_once_are_refused() {
    let twice = format!("{GOOD}&client_id=machine&client_secret=machine-secret");
    each_endpoint_refuses("header and body", &twice).await;
    each_endpoint_refuses("another client", format!("{GOOD}&client_id=idle")).await;
    for endpoint in &ENDPOINTS {
        let two_headers = Request::post(endpoint.path)
            .basic("machine", "machine-secret")
            .basic("machine", "machine-secret")
            .form(GOOD);
        blames_the_request(&every_dialect().send(two_headers).await, endpoint.path);
    }
}

#[tokio::test]
async fn a_secret_without_an_id_proves_nobody() {
    for endpoint in &ENDPOINTS {
        let request = Request::post(endpoint.path).form(format!("{GOOD}&client_secret=a-secret"));
        let answer = every_dialect().send(request).await;
        blames_the_request(&answer, endpoint.path);
    }
}

// ------------------------------------------------------------------------- bodies

#[tokio::test]
async fn json_that_is_not_right_is_refused() {
    let members = r#""client_id":"machine","client_secret":"machine-secret","audience":"https://api.example","token":"x""#;
    let grant = r#""grant_type":"client_credentials""#;
    let mut bodies: Vec<Vec<u8>> = [
        "",
        " ",
        "{",
        "}",
        "[]",
        "null",
        "true",
        "7",
        "\"text\"",
        "{]",
        "{\"a\"}",
        "{'grant_type':'client_credentials'}",
        "{grant_type:1}",
        "\u{feff}{}",
        "NaN",
    ]
    .map(|text| text.as_bytes().to_vec())
    .to_vec();
    for wrong in [
        format!("{{{members},{grant}"),
        format!("{{{members},{grant}}} trailing"),
        format!("{{{members},{grant},}}"),
        format!("{{{members},{grant},{grant}}}"),
        format!(r#"{{{members},{grant},"client_secret":"other-secret"}}"#),
        format!(r#"{{{members},"grant_type":["client_credentials"]}}"#),
        format!(r#"{{{members},"grant_type":7}}"#),
        format!(r#"{{{members},"grant_type":{{}}}}"#),
        format!(r#"{{{members},"grant_type":true}}"#),
        format!(r#"{{{members},"grant_type":null}}"#),
        format!(r#"{{{grant},"client_id":7,"client_secret":"machine-secret","token":"x"}}"#),
        format!(
            r#"{{{grant},"client_id":"machine","client_secret":["machine-secret"],"token":"x"}}"#
        ),
        format!(r#"{{{members},{grant},"x":"\ud800"}}"#),
        format!(r#"{{{members},{grant},"x":"\x"}}"#),
        format!("{{{members},{grant},\"x\":\"\u{1}\"}}"),
        format!("{{\"x\":{}", "[".repeat(10_000)),
        format!("{{\"x\":{}1{}}}", "[".repeat(10_000), "]".repeat(10_000)),
    ] {
        bodies.push(wrong.into_bytes());
    }
    bodies.push(b"{\"grant_type\":\"\xff\"}".to_vec());
    for endpoint in ENDPOINTS.iter().filter(|endpoint| endpoint.takes_json) {
        for body in &bodies {
            // Without a grant_type, revocation has nothing to complain about.
            let shown = String::from_utf8_lossy(body);
            let is_about_the_grant = shown.contains(r#""grant_type":"#) && !shown.contains(grant);
            if is_about_the_grant && endpoint.path.ends_with("revoke") && shown.contains("null") {
                continue;
            }
            let answer = every_dialect()
                .send(Request::post(endpoint.path).json(body))
                .await;
            blames_the_request(&answer, &format!("{shown:.120} at {}", endpoint.path));
        }
    }
}

#[tokio::test]
async fn a_wrong_media_type_is_refused() {
    for media_type in [
        "text/plain",
        "application/xml",
        "application/x-www-form-urlencodedd",
        "application",
        "/",
        ";",
        "",
        "application/x-www-form-urlencoded, text/plain",
        "multipart/form-data",
        "multipart/form-data; boundary=",
        "multipart/form-data; boundary=line",
        "application/octet-stream\u{e9}",
    ] {
        for endpoint in &ENDPOINTS {
            let request = Request::post(endpoint.path)
                .basic("machine", "machine-secret")
                .body(media_type, GOOD);
            blames_the_request(&every_dialect().send(request).await, media_type);
        }
    }
}

#[tokio::test]
async fn no_media_type_and_no_body_are_refused() {
    for endpoint in &ENDPOINTS {
        let proven = || Request::post(endpoint.path).basic("machine", "machine-secret");
        for (what, request) in [
            ("no media type", proven().untyped(GOOD)),
            ("no body", proven().form("")),
            ("neither", proven()),
            ("neither, and nobody", Request::post(endpoint.path)),
            ("only separators", proven().form("&&&")),
            ("only names", proven().form("grant_type&token")),
        ] {
            blames_the_request(&every_dialect().send(request).await, what);
        }
    }
}

#[tokio::test]
async fn the_media_types_parameters_and_case_do_not_matter() {
    for media_type in [
        "application/x-www-form-urlencoded; charset=utf-8",
        "Application/X-WWW-Form-URLencoded",
        "application/x-www-form-urlencoded ; charset=\"UTF-8\"",
    ] {
        let request = Request::post("/standard/oauth2/token")
            .basic("machine", "machine-secret")
            .body(media_type, "grant_type=client_credentials");
        every_dialect().send(request).await.is(200);
    }
}

#[tokio::test]
async fn multipart_that_is_broken_is_refused() {
    for body in [
        "",
        "x",
        "--line",
        "--line--",
        "--line\r\n\r\n",
        "--line\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n\r\nclient_cred",
        "--line\r\nContent-Disposition: form-data\r\n\r\nclient_credentials\r\n--line--",
        "--line\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--line\r\nContent-Disposition: form-data; name=\"a\"\r\n\r\n1\r\n--line--",
    ] {
        let request = Request::post("/hydra/oauth2/token")
            .basic("machine", "machine-secret")
            .body("multipart/form-data; boundary=line", body);
        blames_the_request(&every_dialect().send(request).await, body);
    }
}

// ------------------------------------------------------------------------- size

const TEN_MEGABYTES: usize = 10 * 1024 * 1024;

#[tokio::test]
async fn ten_megabytes_get_an_answer_everywhere_and_not_a_reset() {
    let body = vec![b'a'; TEN_MEGABYTES];
    for endpoint in &ENDPOINTS {
        for media_type in [
            "application/x-www-form-urlencoded",
            "application/json",
            "multipart/form-data; boundary=a",
        ] {
            let request = Request::post(endpoint.path)
                .basic("machine", "machine-secret")
                .body(media_type, &body);
            let answer = every_dialect().send(request).await;
            blames_the_request(&answer, endpoint.path);
        }
    }
}

#[tokio::test]
async fn ten_megabytes_get_an_answer_where_nobody_wants_them() {
    let body = vec![b'a'; TEN_MEGABYTES];
    let asked = [
        ("POST", "/nowhere", 404),
        ("POST", "/photon/nowhere", 404),
        ("PUT", "/photon/oauth/token", 405),
        ("POST", "/photon/.well-known/jwks.json", 405),
        ("GET", "/photon/.well-known/jwks.json", 200),
        ("GET", "/clinic/forward-auth", 401),
        ("POST", "/photon/graphql", 401),
        ("POST", "/healthz", 405),
        ("OPTIONS", "/photon/oauth/token", 204),
    ];
    let answers = asked.map(|(method, path, status)| {
        let request = Request::new(method, path).form(&body);
        async move {
            demo().send(request).await.is(status);
        }
    });
    // Each lingers a while on what it does not read.
    futures_util::future::join_all(answers).await;
}

#[tokio::test]
async fn ten_megabytes_in_chunks_are_no_different() {
    let mut body = Vec::new();
    for _ in 0..160 {
        body.extend_from_slice(b"10000\r\n");
        body.extend_from_slice(&[b'a'; 0x10000]);
        body.extend_from_slice(b"\r\n");
    }
    body.extend_from_slice(b"0\r\n\r\n");
    let request = Request::post("/standard/oauth2/token")
        .header("Transfer-Encoding", "chunked")
        .form(body);
    every_dialect()
        .send(request)
        .await
        .refused(413, "invalid_request");
}

#[tokio::test]
async fn a_client_that_asks_before_it_sends_is_told_to_go_on() {
    // curl does, from a megabyte on.
    for (path, body, status) in [
        ("/standard/oauth2/token", GOOD.as_bytes().to_vec(), 200),
        ("/standard/oauth2/token", vec![b'a'; 2 * 1024 * 1024], 413),
    ] {
        let request = Request::post(path)
            .basic("machine", "machine-secret")
            .header("Expect", "100-continue")
            .form(&body);
        let bytes = request.bytes(every_dialect().port);
        let (head, body) = bytes.split_at(bytes.len() - body.len());
        let mut stream = every_dialect().connect().await.unwrap();
        stream.write_all(head).await.unwrap();
        let mut interim = [0; 25];
        tokio::io::AsyncReadExt::read_exact(&mut stream, &mut interim)
            .await
            .unwrap();
        assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
        stream.write_all(body).await.unwrap();
        read(&mut stream).await.unwrap().is(status);
    }
}

#[tokio::test]
async fn a_refused_request_does_not_spoil_the_connection_for_the_next() {
    let peer = every_dialect();
    let mut stream = peer.connect().await.unwrap();
    let token = "/standard/oauth2/token";
    for (request, status) in [
        (Request::post(token).form(vec![b'a'; 200_000]), 413),
        (Request::post(token).form("grant_type=%"), 400),
        (
            Request::post(token)
                .basic("machine", "wrong-secret")
                .form(GOOD),
            401,
        ),
        (Request::get("/nowhere"), 404),
        (Request::new("PUT", token), 405),
        (
            Request::post(token)
                .basic("machine", "machine-secret")
                .form(GOOD),
            200,
        ),
        // Nobody reads this body, so the connection ends, and the answer says so.
        (Request::post("/nowhere").form("a=b"), 404),
    ] {
        let request = request.header("Connection", "keep-alive");
        stream.write_all(&request.bytes(peer.port)).await.unwrap();
        let answer = read(&mut stream).await.unwrap();
        let closes = answer.is(status).header("connection") == Some("close");
        assert_eq!(
            closes,
            request.path == "/nowhere" && request.method == "POST"
        );
    }
}

// ------------------------------------------------------------------------- HTTP itself

#[tokio::test]
async fn what_is_not_http_gets_a_400() {
    for bytes in [
        b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03".as_slice(), // a TLS client
        b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n",                        // an HTTP/2 client
        b"hello\r\n\r\n",
        b"GET /healthz\r\n\r\n",
        b"GET /healthz HTTP/9.9\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost localhost\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nBad Name: b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nX: a\0b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\n: b\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\n\r\n",
        b"GET /healthz HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n",
        b"G(T /healthz HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\xff\xfe HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET /\x01 HTTP/1.1\r\nHost: a\r\n\r\n",
        b"GET  HTTP/1.1\r\nHost: a\r\n\r\n",
        b"POST /photon/oauth/token HTTP/1.1\r\nHost: a\r\nContent-Length: x\r\n\r\n",
        b"POST /photon/oauth/token HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n",
        b"POST /photon/oauth/token HTTP/1.1\r\nHost: a\r\nContent-Length: +1\r\n\r\na",
        b"POST /photon/oauth/token HTTP/1.1\r\nHost: a\r\nContent-Length: 99999999999999999999\r\n\r\n",
        b"POST /photon/oauth/token HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nab",
        b"POST /photon/oauth/token HTTP/1.1\r\nHost: a\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
        b"POST /photon/oauth/token HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: bogus\r\n\r\n",
        b"POST /photon/oauth/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\nZZ\r\nabc\r\n",
    ] {
        let answer = demo().send_bytes(bytes).await;
        let shown = String::from_utf8_lossy(bytes).into_owned();
        let answer = answer.unwrap_or_else(|error| panic!("{shown:?}: {error}"));
        assert_eq!(answer.status, 400, "{shown:?}: {answer}");
    }
}

#[tokio::test]
async fn odd_but_legal_http_is_understood() {
    for (bytes, status) in [
        (b"GET /healthz HTTP/1.0\r\n\r\n".as_slice(), 200),
        (b"GET /healthz HTTP/1.1\nHost: a\n\n", 200),
        (
            b"GET http://photon.localhost/.well-known/jwks.json HTTP/1.1\r\nHost: a\r\n\r\n",
            200,
        ),
        (b"get /healthz HTTP/1.1\r\nHost: a\r\n\r\n", 405),
        (b"OPTIONS * HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"CONNECT localhost:443 HTTP/1.1\r\nHost: a\r\n\r\n", 404),
        (b"GET /healthz?%ff%zz HTTP/1.1\r\nHost: a\r\n\r\n", 200),
        (
            b"GET /healthz HTTP/1.1\r\nHost: a\r\nX-\xc3\xa9: b\r\n\r\n",
            400,
        ),
        (b"GET /healthz HTTP/1.1\r\nHost: \xff\r\n\r\n", 200),
    ] {
        let answer = demo().send_bytes(bytes).await;
        let shown = String::from_utf8_lossy(bytes).into_owned();
        let answer = answer.unwrap_or_else(|error| panic!("{shown:?}: {error}"));
        assert_eq!(answer.status, status, "{shown:?}: {answer}");
    }
}

#[tokio::test]
async fn a_client_that_offers_http_2_gets_its_token_over_http_1() {
    // Java's HttpClient sends this with every request to a plain URL.
    let request = Request::post("/standard/oauth2/token")
        .basic("machine", "machine-secret")
        .header("Connection", "Upgrade, HTTP2-Settings")
        .header("Upgrade", "h2c")
        .header("HTTP2-Settings", "AAEAAEAAAAIAAAABAAMAAABkAAQBAAAAAAUAAEAA")
        .form(GOOD);
    every_dialect().send(request).await.is(200);
}

#[tokio::test]
async fn headers_that_are_too_large_or_too_many_are_answered() {
    let long = "a".repeat(200_000);
    for (request, status) in [
        (Request::get("/healthz").header("X", &long), 431),
        (Request::get(&format!("/{long}")), 431),
        (Request::get(&format!("/{}", "a".repeat(70_000))), 400),
        (
            (0..500).fold(Request::get("/healthz"), |request, _| {
                request.header("X", "a")
            }),
            431,
        ),
    ] {
        demo().send(request).await.is(status);
    }
}

#[tokio::test]
async fn a_client_that_breaks_off_in_the_middle_is_told_so() {
    for bytes in [
        b"POST /photon/oauth/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"grant".as_slice(),
        b"POST /photon/oauth/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n{",
    ] {
        let answer = demo().send_and_hang_up(bytes).await.unwrap();
        answer.refused(400, "invalid_request");
    }
}

#[tokio::test]
async fn a_client_that_stops_in_the_middle_is_not_waited_for_for_ever() {
    let waits = [
        b"POST /photon/oauth/tok".as_slice(),
        b"POST /photon/oauth/token HTTP/1.1\r\nHost: a\r\n",
        b"POST /photon/oauth/token HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{",
        b"POST /medblocks/oauth2/token HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\n\r\n",
    ]
    .map(|bytes| async { demo().send_bytes(bytes).await });
    for answer in futures_util::future::join_all(waits).await {
        answer.unwrap().is(408);
    }
}

#[tokio::test]
async fn queries_of_forward_auth_are_read_as_strictly_as_bodies() {
    for query in [
        "scope=%zz",
        "scope=%ff",
        "scope=a&scope=b",
        "scope=caf%C3%A9",
        "scope=%22",
    ] {
        for vendor in &VENDORS {
            let token = vendor.token(&demo()).await;
            let path = vendor.path(&format!("/forward-auth?{query}"));
            let answer = demo().send(Request::get(&path).bearer(&token)).await;
            blames_the_request(&answer, query);
        }
    }
}

#[tokio::test]
async fn a_malformed_bearer_header_is_401() {
    for vendor in &VENDORS {
        for header in [
            b"Bearer".as_slice(),
            b"Bearer ",
            b"Bearer a b",
            b"Bearer \xff",
            b"Bearer a,b",
            b"Basic eDp5",
            b"Bearer eyJhbGciOiJub25lIn0.eyJpc3MiOiJ4In0.",
            b"Bearer ..",
            b"Bearer ....",
        ] {
            for path in [vendor.path(vendor.resource), vendor.path("/forward-auth")] {
                let request = Request::get(&path).header("Authorization", header);
                let answer = demo().send(request).await;
                assert!(
                    answer.is(401).header("www-authenticate").is_some(),
                    "{answer}"
                );
            }
        }
        let long = "x".repeat(20_000);
        demo().send(vendor.resource_request(&long)).await.is(401);
    }
}

// ------------------------------------------------------------------------- anything at all

/// Requests of which some parts are right, so that they get past the first check.
fn any_request() -> impl Strategy<Value = Request> {
    let path = prop_oneof![
        8 => prop::sample::select(ENDPOINTS.map(|endpoint| endpoint.path).to_vec()).prop_map(str::to_owned),
        2 => prop::sample::select(vec![
            "/standard/forward-auth", "/hydra/forward-auth", "/auth0/.well-known/jwks.json",
            "/standard/.well-known/openid-configuration", "/photon/graphql",
            "/medblocks/fhir/Patient", "/healthz", "/readyz",
        ]).prop_map(str::to_owned),
        1 => "/[!-~]{0,40}",
    ];
    let query = prop_oneof![3 => Just(String::new()), 1 => "\\?[!-~]{0,60}"];
    let method = prop_oneof![6 => Just("POST"), 2 => Just("GET"), 1 => prop::sample::select(vec!["HEAD", "PUT", "OPTIONS", "DELETE", "X"])];
    let headers = prop::collection::vec(any_header(), 0..4);
    (method, path, query, headers, any_body()).prop_map(
        |(method, path, query, headers, (media_type, body))| {
            // An HTTP library would not send a fragment, and a server need not read one.
            let target = format!("{path}{query}").replace('#', "");
            let mut request = Request::new(method, &target).untyped(body);
            for (name, value) in headers.into_iter().chain(media_type) {
                request = request.header(&name, value);
            }
            request
        },
    )
}

fn any_header() -> impl Strategy<Value = (String, Vec<u8>)> {
    let name = prop_oneof![
        3 => Just("Authorization".to_owned()),
        1 => prop::sample::select(vec!["Accept", "If-None-Match", "Origin", "Cookie", "x-photon-auth-token", "X-Forwarded-Host"]).prop_map(str::to_owned),
        1 => "[A-Za-z][A-Za-z-]{0,12}x",
    ];
    // Any byte a header may have (RFC 9110 §5.5), and any credentials.
    let bytes = prop::collection::vec(prop_oneof![0x20..=0x7e_u8, 0x80..=0xff_u8], 0..80);
    let value = prop_oneof![
        2 => bytes.clone(),
        1 => Just(basic("machine", "machine-secret").into_bytes()),
        1 => bytes.clone().prop_map(|bytes| format!("Basic {}", BASE64.encode(bytes)).into_bytes()),
        1 => bytes.prop_map(|bytes| [b"Bearer ".as_slice(), &bytes].concat()),
    ];
    (name, value)
}

type MediaType = Option<(String, Vec<u8>)>;

fn any_body() -> impl Strategy<Value = (MediaType, Vec<u8>)> {
    let name = prop_oneof![
        4 => prop::sample::select(vec!["grant_type", "client_id", "scope", "audience", "resource", "token_type_hint"]).prop_map(str::to_owned),
        1 => "\\PC{0,10}",
    ];
    let value = prop_oneof![
        2 => Just("client_credentials".to_owned()),
        2 => prop::sample::select(vec!["machine", "spa", "read write", "https://api.example"]).prop_map(str::to_owned),
        2 => ".{0,40}",
        1 => "\\PC{0,200}",
    ];
    // A secret stands where secrets do; what is sent as something else may come back as that.
    let secret = prop::sample::select(vec!["client_secret", "token"])
        .prop_map(|name| (name.to_owned(), "machine-secret".to_owned()));
    let pairs = prop::collection::vec(prop_oneof![4 => (name, value), 1 => secret], 0..8);
    let form = pairs.clone().prop_map(|pairs| {
        url::form_urlencoded::Serializer::new(String::new())
            .extend_pairs(pairs)
            .finish()
            .into_bytes()
    });
    let json = pairs.prop_map(|pairs| {
        let members: Vec<String> = pairs
            .iter()
            .map(|(name, value)| {
                format!("{}:{}", serde_json::json!(name), serde_json::json!(value))
            })
            .collect();
        format!("{{{}}}", members.join(",")).into_bytes()
    });
    let media_type =
        |name: &'static str| Just(Some(("Content-Type".to_owned(), name.as_bytes().to_vec())));
    prop_oneof![
        4 => (media_type("application/x-www-form-urlencoded"), form),
        2 => (media_type("application/json"), json),
        1 => (media_type("application/json"), prop::collection::vec(any::<u8>(), 0..200)),
        1 => (media_type("application/x-www-form-urlencoded"), prop::collection::vec(any::<u8>(), 0..200)),
        1 => (media_type("multipart/form-data; boundary=line"), "(--line|\r\n|name=\"[a-z]{3}\"|[ -~]){0,20}".prop_map(String::into_bytes)),
        1 => (Just(None), prop::collection::vec(any::<u8>(), 0..100)),
    ]
}

#[test]
fn whatever_is_sent_gets_an_answer() {
    let runtime = tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .unwrap();
    let config = Config {
        cases: 1000,
        failure_persistence: None,
        ..Config::default()
    };
    TestRunner::new(config)
        .run(&any_request(), |request| {
            // `send` fails where no answer comes, and where a secret comes back.
            let answer = runtime.block_on(whoever_has(&request.path).send(request.clone()));
            let is_ours = answer.status == 501 && answer.body.contains("unsupported_grant_type");
            prop_assert!(answer.status < 500 || is_ours, "{answer}");
            prop_assert!(!answer.body.contains("panicked"), "{answer}");
            Ok(())
        })
        .unwrap_or_else(|error| panic!("{error}"));
}

fn whoever_has(path: &str) -> Peer {
    let is_demo = path.starts_with("/photon") || path.starts_with("/medblocks");
    if is_demo { demo() } else { every_dialect() }
}

#[tokio::test]
async fn an_id_and_a_secret_that_changed_places_do_not_come_back() {
    for endpoint in &ENDPOINTS {
        let in_header = Request::post(endpoint.path).basic("machine-secret", "machine");
        let in_body = format!("{GOOD}&client_id=machine-secret&client_secret=machine");
        for request in [
            in_header.form(GOOD),
            Request::post(endpoint.path).form(in_body),
        ] {
            let answer = every_dialect().send(request).await;
            blames_the_request(&answer, endpoint.path);
        }
    }
}

#[tokio::test]
async fn the_secrets_these_tests_look_for_are_the_ones_they_send() {
    // Otherwise every search above would find nothing, whatever came back.
    for vendor in &VENDORS {
        assert!(vendor.client_secret().ends_with(SECRET));
    }
    let page = demo().get("/").await;
    assert!(
        page.is(200).body.contains(SECRET),
        "the page at / shows them"
    );
}
