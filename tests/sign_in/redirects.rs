//! `redirect_is_exact`: nobody is sent to a URI that is not registered, whatever it looks like.

use std::sync::LazyLock;

use crate::support::http::{Answer, Peer};
use crate::support::servers::{demo, shared_by};
use crate::support::user::{
    AUTH0, App, Callback, HYDRA, IDENTITYSERVER, PASSWORD_HASH, Paths, Person, STANDARD,
};

const SPEAKERS: [(&str, Paths); 4] = [
    ("standard", STANDARD),
    ("auth0", AUTH0),
    ("hydra", HYDRA),
    ("identityserver", IDENTITYSERVER),
];

fn registered() -> Peer {
    static PEER: LazyLock<Peer> = LazyLock::new(|| {
        let issuers = SPEAKERS.map(|(dialect, _)| {
            format!(
                r#"
                [[issuer]]
                name = "{dialect}"
                dialect = "{dialect}"
                signing_algs = ["ES256"]

                [[issuer.client]]
                client_id = "app"
                kind = "native"
                first_party = true
                redirect_uris = [
                    "https://app.example/callback",
                    "https://app.example/with?query=1",
                    "http://127.0.0.1/callback",
                    "http://[::1]:9000/callback",
                    "http://localhost:3000/callback",
                    "com.example.app:/callback",
                ]

                [[issuer.client]]
                client_id = "one"
                kind = "spa"
                first_party = true
                redirect_uris = ["https://one.example/callback"]

                [[issuer.client]]
                client_id = "none"
                kind = "spa"

                [[issuer.user]]
                username = "ada"
                password_hash = "{PASSWORD_HASH}"
                "#
            )
        });
        shared_by(&issuers.concat())
    });
    *PEER
}

/// What the server says to a request for a redirect to `uri`, from somebody who is signed in, so
/// that nothing stands between them and the client.
async fn answer(person: &mut Person, (dialect, paths): (&str, Paths), uri: &str) -> Answer {
    let app = App {
        redirect_uri: uri.to_owned(),
        ..App::new(dialect, "app", paths)
    };
    let more = [("scope", "openid"), ("state", "12345678")];
    person.visit(&app.authorization(&more)).await
}

async fn signed_in(dialect: &str) -> Person {
    let mut person = Person::new(registered(), "ada");
    person.sign_in_at(dialect).await;
    person
}

#[tokio::test]
async fn redirect_is_exact() {
    let long = format!("https://app.example/callback{}", "a".repeat(1_900));
    let longest = format!("https://app.example/callback?{}", "a".repeat(10_000));
    let near = [
        // Who is in front of the @ is not the host.
        "https://app.example@evil.example/callback",
        "https://user@app.example/callback",
        "https://user:password@app.example/callback",
        "https://app.example:443@evil.example/callback",
        "https://app.example%40evil.example/callback",
        // Fragments.
        "https://app.example/callback#",
        "https://app.example/callback#fragment",
        "https://app.example/callback%23fragment",
        // Paths that a lenient server would clean up.
        "https://app.example/./callback",
        "https://app.example/x/../callback",
        "https://app.example/%2e%2e/callback",
        "https://app.example/callback/..",
        "https://app.example/callback/%2e%2e/elsewhere",
        "https://app.example//callback",
        "https://app.example/callback/",
        "https://app.example/%63allback",
        "https://app.example/Callback",
        "https://app.example\\callback",
        "https://app.example/callback\\..\\x",
        // Another port, scheme, or case.
        "https://app.example:443/callback",
        "https://app.example:8443/callback",
        "http://app.example/callback",
        "HTTPS://app.example/callback",
        "https://APP.example/callback",
        "https://app.example./callback",
        "//app.example/callback",
        "/callback",
        "callback",
        // Longer and shorter.
        "https://app.example/callbackx",
        "https://app.example/callback/more",
        "https://app.example/callbac",
        "https://app.example/",
        "https://app.example",
        "https://app.example.evil.example/callback",
        "https://evilapp.example/callback",
        "https://evil.example/https://app.example/callback",
        "https://evil.example/?x=https://app.example/callback",
        "xhttps://app.example/callback",
        " https://app.example/callback",
        "https://app.example/callback ",
        "https://app.example/callback https://evil.example/",
        "https://app.example/callback,https://evil.example/",
        // Other letters that look like it, or disappear.
        "https://app.ex\u{430}mple/callback",
        "https://app.example/callback\u{200b}",
        "https://app.example\u{3002}evil.example/callback",
        // What would split a header.
        "https://app.example/callback\r\nSet-Cookie: a=b",
        "https://app.example/callback\n",
        "https://app.example/callback\t",
        "https://app.example/callback\0",
        "https://app.example/callback\u{7f}",
        "https://app.example/callback%0d%0aSet-Cookie:%20a=b",
        // No place at all.
        "javascript:alert(1)",
        "javascript://app.example/callback%0aalert(1)",
        "data:text/html,<script>alert(1)</script>",
        "file:///etc/passwd",
        "urn:ietf:wg:oauth:2.0:oob",
        "https://evil.example/\"><script>alert(1)</script>",
        "com.example.app:/callback/",
        "com.example.app://callback",
        "com.example.appx:/callback",
        "https:///app.example/callback",
        "https:app.example/callback",
        // This machine, but not as registered.
        "http://127.0.0.1:1234/other",
        "http://127.0.0.2/callback",
        "http://127.1/callback",
        "http://2130706433/callback",
        "http://0.0.0.0/callback",
        "https://127.0.0.1/callback",
        "http://127.0.0.1:99999/callback",
        "http://127.0.0.1:-1/callback",
        "http://127.0.0.1:80@evil.example/callback",
        "http://127.0.0.1.evil.example/callback",
        "http://user@127.0.0.1/callback",
        "http://[::1]:9000/callback/x",
        "http://[0:0:0:0:0:0:0:1]:9000/callback",
        "http://[::ffff:127.0.0.1]:9000/callback",
        "http://localhost/callback",
        "http://localhost:3001/callback",
        "http://localhost:30000/callback",
        "http://LOCALHOST:3000/callback",
        long.as_str(),
        longest.as_str(),
    ];
    for speaker in SPEAKERS {
        let mut person = signed_in(speaker.0).await;
        for uri in near {
            let answer = answer(&mut person, speaker, uri).await;
            is_page(&answer, uri);
        }
        // Auth0 does not look at a query; the others do.
        for uri in [
            "https://app.example/callback?added=1",
            "https://app.example/callback?",
            "https://app.example/with?query=2",
            "https://app.example/with?query=1&more=2",
            "https://app.example/with",
            "http://127.0.0.1:1234/callback?added=1",
        ] {
            let answer = answer(&mut person, speaker, uri).await;
            // Of one that was registered with a query, that query is a part.
            if speaker.0 == "auth0" && !uri.contains("/with") {
                Callback::of(answer.is(302)).get("code");
            } else {
                is_page(&answer, uri);
            }
        }
    }
}

/// Nobody is sent anywhere, and the page is a page.
fn is_page(answer: &Answer, uri: &str) {
    assert_eq!(answer.header("location"), None, "{uri:?}: {answer}");
    assert!((400..500).contains(&answer.status), "{uri:?}: {answer}");
    assert!(
        answer.body.contains("id=\"error-code\""),
        "{uri:?}: {answer}"
    );
    assert!(!answer.body.contains("<script"), "{uri:?}: {answer}");
    assert!(!answer.body.contains("href=\"javascript"), "{uri:?}");
    assert!(!answer.body.contains("http-equiv"), "{uri:?}");
    let cookies = answer.set_cookies();
    assert!(cookies.iter().all(|cookie| !cookie.starts_with("a=b")));
}

#[tokio::test]
async fn what_is_registered_is_where_people_are_sent() {
    for speaker in SPEAKERS {
        let mut person = signed_in(speaker.0).await;
        for uri in [
            "https://app.example/callback",
            "https://app.example/with?query=1",
            "http://localhost:3000/callback",
            "com.example.app:/callback",
            // RFC 8252 §7.3: an application on a device listens where it finds a free port.
            "http://127.0.0.1/callback",
            "http://127.0.0.1:50123/callback",
            "http://[::1]:9000/callback",
            "http://[::1]:1/callback",
            "http://[::1]/callback",
        ] {
            let answer = answer(&mut person, speaker, uri).await;
            let location = answer.header("location");
            let location = location.unwrap_or_else(|| panic!("{uri}: {answer}"));
            let separator = if uri.contains('?') { '&' } else { '?' };
            let sent = location
                .strip_prefix(uri)
                .unwrap_or_else(|| panic!("{location}"));
            assert!(sent.starts_with(&format!("{separator}code=")), "{location}");
        }
    }
}

#[tokio::test]
async fn a_client_without_a_registered_uri_gets_nobody_sent() {
    for (dialect, paths) in SPEAKERS {
        let mut person = signed_in(dialect).await;
        for uri in [
            "https://app.example/callback",
            "http://localhost:3000/callback",
            "",
        ] {
            let app = App {
                redirect_uri: uri.to_owned(),
                ..App::new(dialect, "none", paths)
            };
            let answer = person
                .visit(&app.authorization(&[("scope", "openid")]))
                .await;
            is_page(&answer, uri);
        }
    }
}

#[tokio::test]
async fn the_redirect_uri_may_be_left_out_at_hydra_alone() {
    for (dialect, paths) in SPEAKERS {
        let mut person = signed_in(dialect).await;
        let app = App::new(dialect, "one", paths);
        let without = [("scope", "offline"), ("redirect_uri", "")];
        let answer = person.visit(&app.authorization(&without)).await;
        if dialect == "hydra" {
            assert_eq!(
                Callback::of(answer.is(303)).uri,
                "https://one.example/callback"
            );
            // Not with OpenID Connect, and not where there are several.
            let openid = [("scope", "openid"), ("redirect_uri", "")];
            is_page(&person.visit(&app.authorization(&openid)).await, "openid");
            let several = App::new(dialect, "app", paths);
            is_page(&person.visit(&several.authorization(&without)).await, "");
        } else {
            is_page(&answer, "");
        }
    }
}

#[tokio::test]
async fn a_demo_client_is_called_back_on_this_machine_and_nowhere_else() {
    let mut person = Person::new(demo(), "provider");
    person.sign_in_at("photon").await;
    let visit = async |person: &mut Person, uri: &str| {
        let app = App {
            redirect_uri: uri.to_owned(),
            ..App::photon_spa()
        };
        person
            .visit(&app.authorization(&[("scope", "openid")]))
            .await
    };
    for uri in [
        "http://localhost",
        "http://localhost:3000/callback?x=y",
        "http://127.0.0.1:50123/",
        "http://[::1]:8080/a/b",
        "http://app.localhost:3000/",
    ] {
        let answer = visit(&mut person, uri).await;
        let location = answer.is(302).header("location").unwrap();
        assert!(location.starts_with(uri), "{location}");
    }
    for uri in [
        "https://localhost/",
        "http://localhost.evil.example/",
        "http://evil.example/#localhost",
        "http://localhost:3000@evil.example/",
        "http://evil.example\\@localhost/",
        "http://localhost\\@evil.example/",
        "http://user:password@localhost/",
        "http://localhost/#fragment",
        "http://local\thost/",
        "http://127.0.0.1.evil.example/",
        "http://128.0.0.1/",
        "http://192.168.0.1/",
        "http://10.0.0.1/",
        "http://[::2]/",
        "http://evil.example/",
        "javascript:alert(1)",
        "ftp://localhost/",
        "localhost:3000",
        "http:localhost",
        "http:/localhost/",
        "http:///localhost/",
    ] {
        is_page(&visit(&mut person, uri).await, uri);
    }
}

#[tokio::test]
async fn errors_before_client_and_uri_are_proven_are_pages() {
    // Each of these is wrong in a way that a client would be told of; but there is no client.
    for (dialect, paths) in SPEAKERS {
        let mut person = signed_in(dialect).await;
        for more in [
            vec![("client_id", "nobody")],
            vec![("client_id", "")],
            vec![("client_id", "nobody"), ("response_type", "nonsense")],
            vec![("client_id", "app\r\nX: y")],
            vec![
                ("redirect_uri", "https://evil.example/"),
                ("prompt", "none"),
            ],
            vec![
                ("redirect_uri", "https://evil.example/"),
                ("response_mode", "form_post"),
            ],
            vec![
                ("redirect_uri", "https://evil.example/"),
                ("response_mode", "web_message"),
            ],
            vec![
                ("redirect_uri", "https://evil.example/"),
                ("response_mode", "fragment"),
            ],
        ] {
            let app = App {
                redirect_uri: "https://app.example/callback".to_owned(),
                ..App::new(dialect, "app", paths)
            };
            let answer = person.visit(&app.authorization(&more)).await;
            is_page(&answer, &format!("{dialect} {more:?}"));
            let says = answer.body.contains("evil.example/\"");
            assert!(!says, "no link to it: {answer}");
        }
    }
}
