//! Where things are: the names of an issuer, what it publishes about itself, who may read it, and what
//! is said where nothing is.

use serde_json::Value;

use crate::support::http::Request;
use crate::support::json::{Members, is_subsequence};
use crate::support::servers::{Fixture, VENDORS, Vendor, demo, every_dialect};

// ------------------------------------------------------------------------- names

#[tokio::test]
async fn an_issuer_has_a_host_name_of_its_own() {
    let locum = demo();
    let host = format!("photon.localhost:{}", locum.port);
    let page = locum
        .say(&format!(
            "GET /.well-known/openid-configuration\nHost: {host}"
        ))
        .await;
    let document = page.is(200).json();
    assert_eq!(document["issuer"], format!("http://{host}/"));
    assert_eq!(
        document["token_endpoint"],
        format!("http://{host}/oauth/token")
    );

    let answer = locum
        .say(&format!(
            r#"
            POST /oauth/token
            Host: {host}
            Content-Type: application/json

            {{ "client_id":"photon-m2m", "client_secret":"photon-m2m-secret", "audience":"https://api.neutron.health", "grant_type":"client_credentials" }}
            "#
        ))
        .await;
    let token = answer.access_token();
    // It is the same issuer under another name: its token works at both.
    for (host, path) in [
        (host.as_str(), "/graphql"),
        ("localhost", "/photon/graphql"),
    ] {
        let request = Request::get(path).header("Host", host).bearer(&token);
        locum.send(request).await.is(200);
    }
}

#[tokio::test]
async fn host_names_are_not_case_sensitive_and_may_lack_a_port() {
    for host in [
        "photon.localhost",
        "PHOTON.localhost",
        "Photon.LocalHost:80",
    ] {
        let request = Request::get("/.well-known/jwks.json").header("Host", host);
        demo().send(request).await.is(200);
    }
    let nobody = Request::get("/.well-known/jwks.json").header("Host", "nobody.localhost");
    demo().send(nobody).await.is(404);
}

#[tokio::test]
async fn one_issuer_can_also_be_at_the_root() {
    let locum = Fixture::with(|builder| builder.root_issuer("photon")).await;
    let document = locum.get("/.well-known/openid-configuration").await.json();
    let url = locum.locum.url();
    assert_eq!(document["issuer"], format!("{url}/"));
    assert_eq!(document["token_endpoint"], format!("{url}/oauth/token"));

    let answer = locum
        .say(
            r#"
            POST /oauth/token
            Content-Type: application/json

            { "client_id":"photon-m2m", "client_secret":"photon-m2m-secret", "audience":"https://api.neutron.health", "grant_type":"client_credentials" }
            "#,
        )
        .await;
    let token = answer.access_token();
    for path in ["/graphql", "/photon/graphql"] {
        locum.send(Request::get(path).bearer(&token)).await.is(200);
    }
    // The others stay where they are.
    locum.get("/clinic/.well-known/jwks.json").await.is(200);
}

#[tokio::test]
async fn discovery_answers_in_rfc_8414s_inserted_form() {
    let locum = demo();
    for (name, own) in [
        ("clinic", "/clinic/.well-known/oauth-authorization-server"),
        ("photon", "/photon/.well-known/oauth-authorization-server"),
        (
            "medblocks",
            "/medblocks/.well-known/oauth-authorization-server",
        ),
        ("nethealth", "/nethealth/.well-known/openid-configuration"),
    ] {
        let own = locum.get(own).await;
        for inserted in [
            format!("/.well-known/oauth-authorization-server/{name}"),
            format!("/.well-known/openid-configuration/{name}"),
        ] {
            assert_eq!(locum.get(&inserted).await.is(200).body, own.body);
        }
    }
    locum
        .get("/.well-known/oauth-authorization-server/nobody")
        .await
        .is(404);
}

// ------------------------------------------------------------------------- discovery and JWKS

/// Where each dialect publishes, and its vendor's order of members.
const DISCOVERY: [(&str, &str, &str); 5] = [
    (
        "standard",
        "/.well-known/oauth-authorization-server",
        // Nobody's but ours: RFC 8414 and OIDC Discovery have no order.
        "issuer authorization_endpoint token_endpoint userinfo_endpoint jwks_uri end_session_endpoint check_session_iframe registration_endpoint scopes_supported response_types_supported response_modes_supported grant_types_supported subject_types_supported id_token_signing_alg_values_supported userinfo_signing_alg_values_supported acr_values_supported claims_supported display_values_supported ui_locales_supported claims_parameter_supported request_parameter_supported request_uri_parameter_supported code_challenge_methods_supported authorization_response_iss_parameter_supported frontchannel_logout_supported frontchannel_logout_session_supported backchannel_logout_supported backchannel_logout_session_supported token_endpoint_auth_methods_supported introspection_endpoint introspection_endpoint_auth_methods_supported revocation_endpoint revocation_endpoint_auth_methods_supported",
    ),
    (
        "auth0",
        "/.well-known/openid-configuration",
        "issuer authorization_endpoint token_endpoint device_authorization_endpoint userinfo_endpoint mfa_challenge_endpoint jwks_uri registration_endpoint revocation_endpoint scopes_supported response_types_supported code_challenge_methods_supported response_modes_supported subject_types_supported token_endpoint_auth_methods_supported token_endpoint_auth_signing_alg_values_supported claims_supported request_uri_parameter_supported request_parameter_supported id_token_signing_alg_values_supported backchannel_logout_supported backchannel_logout_session_supported end_session_endpoint",
    ),
    (
        "hydra",
        "/.well-known/openid-configuration",
        "issuer authorization_endpoint device_authorization_endpoint registration_endpoint token_endpoint jwks_uri subject_types_supported response_types_supported claims_supported grant_types_supported response_modes_supported userinfo_endpoint scopes_supported token_endpoint_auth_methods_supported userinfo_signing_alg_values_supported id_token_signing_alg_values_supported id_token_signed_response_alg userinfo_signed_response_alg request_parameter_supported request_uri_parameter_supported require_request_uri_registration claims_parameter_supported revocation_endpoint backchannel_logout_supported backchannel_logout_session_supported frontchannel_logout_supported frontchannel_logout_session_supported end_session_endpoint code_challenge_methods_supported",
    ),
    (
        "identityserver",
        "/.well-known/openid-configuration",
        "issuer jwks_uri authorization_endpoint token_endpoint userinfo_endpoint end_session_endpoint check_session_iframe revocation_endpoint introspection_endpoint frontchannel_logout_supported frontchannel_logout_session_supported scopes_supported claims_supported response_types_supported response_modes_supported grant_types_supported subject_types_supported id_token_signing_alg_values_supported code_challenge_methods_supported token_endpoint_auth_methods_supported",
    ),
    (
        "identityserver4",
        "/.well-known/openid-configuration",
        "issuer jwks_uri authorization_endpoint token_endpoint userinfo_endpoint end_session_endpoint check_session_iframe revocation_endpoint introspection_endpoint device_authorization_endpoint frontchannel_logout_supported frontchannel_logout_session_supported backchannel_logout_supported backchannel_logout_session_supported scopes_supported claims_supported grant_types_supported response_types_supported response_modes_supported token_endpoint_auth_methods_supported id_token_signing_alg_values_supported subject_types_supported code_challenge_methods_supported request_parameter_supported",
    ),
];

#[tokio::test]
async fn discovery_says_things_in_the_vendors_order() {
    for (dialect, path, order) in DISCOVERY {
        let answer = every_dialect().get(&format!("/{dialect}{path}")).await;
        let members = Members::parse(&answer.is(200).body);
        let order: Vec<&str> = order.split(' ').collect();
        assert!(
            is_subsequence(&members.names(), &order),
            "{dialect}: {:?}",
            members.names()
        );
    }
}

#[tokio::test]
async fn discovery_lists_client_authentication_in_the_vendors_order() {
    for (dialect, order) in [
        (
            "auth0",
            [
                "client_secret_basic",
                "client_secret_post",
                "private_key_jwt",
            ]
            .as_slice(),
        ),
        (
            "hydra",
            &[
                "client_secret_post",
                "client_secret_basic",
                "private_key_jwt",
                "none",
            ],
        ),
        (
            "identityserver",
            &["client_secret_post", "client_secret_basic"],
        ),
        (
            "identityserver4",
            &["client_secret_basic", "client_secret_post"],
        ),
    ] {
        let path = format!("/{dialect}/.well-known/openid-configuration");
        let document = every_dialect().get(&path).await.json();
        let listed = strings(&document["token_endpoint_auth_methods_supported"]);
        assert!(is_subsequence(&listed, order), "{dialect}: {listed:?}");
    }
}

#[tokio::test]
async fn only_what_answers_is_advertised() {
    let locum = every_dialect();
    for (dialect, path, _) in DISCOVERY {
        let document = locum.get(&format!("/{dialect}{path}")).await.json();
        let base = format!("http://localhost:{}", locum.port);
        let endpoints = document
            .as_object()
            .unwrap()
            .iter()
            .filter(|(name, _)| name.ends_with("_endpoint") || name.ends_with("_uri"));
        let mut seen = 0;
        for (name, url) in endpoints {
            let path = url.as_str().unwrap().strip_prefix(&base).unwrap();
            if ["jwks_uri", "end_session_endpoint"].contains(&name.as_str()) {
                locum.get(path).await.is(200);
            } else {
                // An answer about the request, not about the path.
                let answer = locum.send(Request::post(path).form("a=b")).await;
                assert!(
                    [400, 401, 403].contains(&answer.status),
                    "{dialect} {name}: {answer}"
                );
            }
            seen += 1;
        }
        assert!(seen >= 3, "{dialect} advertises nothing");

        // Nor what this version has no flow for.
        assert_eq!(
            document["response_types_supported"],
            serde_json::json!(["code"]),
            "{dialect}"
        );
        if let Some(grants) = document.get("grant_types_supported") {
            let mut grants = strings(grants);
            grants.sort_unstable();
            assert_eq!(
                grants,
                ["authorization_code", "client_credentials", "refresh_token"],
                "{dialect}"
            );
        }
    }
}

#[tokio::test]
async fn the_issuer_of_discovery_is_the_one_in_tokens_with_auth0s_slash() {
    for (dialect, path, _) in DISCOVERY {
        let document = every_dialect()
            .get(&format!("/{dialect}{path}"))
            .await
            .json();
        let slash = if dialect == "auth0" { "/" } else { "" };
        let expected = format!("http://localhost:{}/{dialect}{slash}", every_dialect().port);
        assert_eq!(document["issuer"], expected);
    }
}

#[tokio::test]
async fn jwks_keys_have_the_vendors_members() {
    for (dialect, path, members) in [
        ("standard", "/.well-known/jwks.json", "kty use alg kid n e"),
        (
            "auth0",
            "/.well-known/jwks.json",
            "kty use n e kid x5t x5c alg",
        ),
        ("hydra", "/.well-known/jwks.json", "kty use alg kid n e"),
        (
            "identityserver",
            "/.well-known/jwks",
            "kty use kid x5t e n x5c",
        ),
        (
            "identityserver4",
            "/.well-known/openid-configuration/jwks",
            "kty use kid x5t e n x5c alg",
        ),
    ] {
        let answer = every_dialect().get(&format!("/{dialect}{path}")).await;
        let first = answer.is(200).body.strip_prefix(r#"{"keys":["#).unwrap();
        let first = &first[..=first.find('}').unwrap()];
        assert_eq!(
            Members::parse(first).names().join(" "),
            members,
            "{dialect}"
        );
    }
}

#[tokio::test]
async fn a_document_is_sent_once_and_then_confirmed() {
    for path in [
        "/clinic/.well-known/openid-configuration",
        "/clinic/.well-known/jwks.json",
    ] {
        let first = demo().get(path).await;
        let etag = first.is(200).header("etag").unwrap();
        let weak = format!("W/{etag}");
        let several = format!("\"other\", {etag}");
        for known in [etag, &weak, &several, "*"] {
            let again = demo()
                .send(Request::get(path).header("If-None-Match", known))
                .await;
            again.reads(&format!(
                "304\nETag: {etag}\nCache-Control: public, max-age=3600\n\n"
            ));
        }
        let other = Request::get(path).header("If-None-Match", "\"other\"");
        assert_eq!(demo().send(other).await.is(200).body, first.body);

        let head = demo().send(Request::new("HEAD", path)).await;
        assert_eq!(
            (head.is(200).header("etag"), head.body.as_str()),
            (Some(etag), "")
        );
    }
}

// ------------------------------------------------------------------------- browsers

#[tokio::test]
async fn pages_may_read_what_browsers_need_and_nothing_else() {
    let from_a_page = |request: Request| request.header("Origin", "https://app.example");
    let allowed = async |request: Request| {
        let answer = demo().send(from_a_page(request)).await;
        answer
            .header("access-control-allow-origin")
            .map(str::to_owned)
    };
    let open = Some("*".to_owned());
    assert_eq!(
        allowed(Request::get("/clinic/.well-known/openid-configuration")).await,
        open
    );
    assert_eq!(
        allowed(Request::get("/clinic/.well-known/jwks.json")).await,
        open
    );
    // A public client reads why it was refused; one with a secret has no business in a browser.
    let public = Request::post("/clinic/oauth2/token")
        .form("grant_type=client_credentials&client_id=clinic-spa");
    assert_eq!(allowed(public).await, open);
    assert_eq!(allowed(Vendor::of("clinic").token_request()).await, None);
    assert_eq!(
        allowed(Request::post("/clinic/oauth2/introspect").form("token=x")).await,
        None
    );
    assert_eq!(allowed(Request::get("/clinic/forward-auth")).await, None);
}

#[tokio::test]
async fn a_browser_asks_before_it_sends() {
    let answer = demo()
        .say(
            "
            OPTIONS /photon/oauth/token
            Origin: https://app.example
            Access-Control-Request-Method: POST
            Access-Control-Request-Headers: auth0-client,content-type
            ",
        )
        .await;
    answer.reads(
        "
        204
        Access-Control-Allow-Origin: *
        Access-Control-Allow-Methods: POST
        Access-Control-Allow-Headers: authorization, content-type, auth0-client
        Access-Control-Allow-Credentials:

        ",
    );
    let closed = demo()
        .send(Request::new("OPTIONS", "/clinic/oauth2/introspect"))
        .await;
    assert_eq!(closed.is(204).header("access-control-allow-origin"), None);
}

// ------------------------------------------------------------------------- paths and methods

#[tokio::test]
async fn a_wrong_method_is_405_and_says_what_is_allowed() {
    for vendor in &VENDORS {
        let token = vendor.path(vendor.token_path);
        for method in ["GET", "HEAD", "PUT", "PATCH", "DELETE", "TRACE", "BREW"] {
            let answer = demo().send(Request::new(method, &token)).await;
            assert_eq!(
                answer.is(405).header("allow"),
                Some("POST"),
                "{method} {token}"
            );
        }
        let forward_auth = vendor.path("/forward-auth");
        let answer = demo().send(Request::post(&forward_auth)).await;
        assert_eq!(answer.is(405).header("allow"), Some("GET, HEAD"));
    }
    for path in [
        "/clinic/.well-known/jwks.json",
        "/clinic/.well-known/openid-configuration",
    ] {
        let answer = demo().send(Request::post(path).form("a=b")).await;
        assert_eq!(answer.is(405).header("allow"), Some("GET, HEAD"));
    }
    for path in ["/", "/healthz", "/readyz", "/static/locum.css"] {
        let answer = demo().send(Request::post(path).form("a=b")).await;
        assert_eq!(answer.is(405).header("allow"), Some("GET, HEAD"));
    }
}

#[tokio::test]
async fn a_wrong_method_is_told_in_the_vendors_shape() {
    for (path, body) in [
        (
            "/photon/oauth/token",
            r#"{"error":"method_not_allowed","error_description":"…"}"#,
        ),
        (
            "/medblocks/oauth2/token",
            r#"{"error":"method_not_allowed","error_description":"…"}"#,
        ),
        (
            "/nethealth/connect/token",
            r#"{"Message":"The requested resource does not support http method 'GET'."}"#,
        ),
    ] {
        demo()
            .get(path)
            .await
            .reads(&format!("405\nAllow: POST\n\n{body}"));
    }
}

#[tokio::test]
async fn an_unknown_path_is_404_wherever_it_is() {
    for path in [
        "/nobody/oauth2/token",
        "/nobody",
        "/photon",
        "/photon/",
        "/photon/oauth/token/",
        "/photon//oauth/token",
        "/photon/oauth/../oauth/token",
        "/photon/oauth%2Ftoken",
        "/photon/%00",
        "/photon/%zz",
        "/Photon/oauth/token",
        "//photon/oauth/token",
        "/pattern/oauth2/authorize",
        "/pattern/sign-in",
        "/pattern/oauth2/register",
        "/_locum/clock",
        "/.well-known/oauth-authorization-server/nobody",
        "/.env",
    ] {
        for request in [Request::get(path), Request::post(path).form("a=b")] {
            let answer = demo().send(request).await;
            assert_eq!(
                answer.is(404).json()["error"]
                    .as_str()
                    .unwrap_or("not_found"),
                "not_found"
            );
        }
    }
}

#[tokio::test]
async fn an_unknown_issuer_is_told_which_there_are() {
    let answer = demo().get("/nobody/oauth2/token").await;
    let json = answer.is(404).json();
    let description = json["error_description"].as_str().unwrap();
    for name in ["clinic", "medblocks", "nethealth", "pattern", "photon"] {
        assert!(description.contains(name), "{description}");
    }
}

fn strings(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item.as_str().unwrap())
        .collect()
}
