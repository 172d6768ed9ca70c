//! The other end of the vendors' guides: a token used on an API, or refused there in the vendor's own
//! shape, and what a reverse proxy is told.

use std::time::Duration;

use crate::support::http::Request;
use crate::support::servers::{Fixture, VENDORS, Vendor, demo};

// ------------------------------------------------------------------------- tokens that don't do

/// For each vendor, what its API says: without a token, with one that is no good, without scope.
struct Denial {
    issuer: &'static str,
    no_token: &'static str,
    bad_token: &'static str,
    no_scope: &'static str,
    /// A request for a token that lacks the sample resource's scope.
    client: &'static str,
    lesser: &'static str,
}

const DENIALS: [Denial; 5] = [
    Denial {
        issuer: "photon",
        no_token: r#"
            401
            WWW-Authenticate: Bearer realm="api"
            Content-Type: application/json

            {"error":"unauthorized","error_description":"…"}"#,
        bad_token: r#"
            401
            WWW-Authenticate: Bearer error="invalid_token", error_description="…"
            Content-Type: application/json

            {"error":"invalid_token","error_description":"…"}"#,
        no_scope: r#"
            403
            WWW-Authenticate: Bearer error="insufficient_scope", scope="read:patient"
            Content-Type: application/json

            {"error":"insufficient_scope","error_description":"…"}"#,
        client: "photon-m2m",
        lesser: "&audience=https%3A%2F%2Fapi.neutron.health&scope=read%3Aorder",
    },
    Denial {
        issuer: "medblocks",
        no_token: r#"
            401
            WWW-Authenticate: Bearer
            Content-Type: application/fhir+json

            {"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"login","diagnostics":"…"}]}"#,
        bad_token: r#"
            401
            WWW-Authenticate: Bearer realm="medblocks", error="invalid_token", error_description="…"
            Content-Type: application/fhir+json

            {"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"login","diagnostics":"…"}]}"#,
        no_scope: r#"
            403
            WWW-Authenticate: Bearer realm="medblocks", error="insufficient_scope", error_description="…", scope="patient/*.read"
            Content-Type: application/fhir+json

            {"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"forbidden","diagnostics":"…"}]}"#,
        client: "admin",
        lesser: "&scope=emulate_user",
    },
    Denial {
        issuer: "pattern",
        no_token: r#"
            401
            WWW-Authenticate: Bearer realm="pattern"
            Content-Type: application/json

            {"error":"unauthorized","error_description":"Unauthorized"}"#,
        bad_token: r#"
            401
            WWW-Authenticate: Bearer realm="pattern", error="invalid_token", error_description="…"
            Content-Type: application/json

            {"error":"invalid_token","error_description":"…"}"#,
        no_scope: "",
        client: "",
        lesser: "",
    },
    Denial {
        issuer: "nethealth",
        no_token: r#"
            401
            WWW-Authenticate: Bearer
            Content-Type: application/json; charset=utf-8

            {"Message":"Authorization has been denied for this request."}"#,
        bad_token: r#"
            401
            WWW-Authenticate: Bearer error="invalid_token"
            Content-Type: application/json; charset=utf-8

            {"Message":"Authorization has been denied for this request."}"#,
        no_scope: r#"
            403
            WWW-Authenticate: Bearer error="insufficient_scope"
            Content-Type: application/json; charset=utf-8

            {"Message":"Authorization has been denied for this request."}"#,
        client: "nethealth-web",
        lesser: "&scope=patients.write",
    },
    Denial {
        issuer: "clinic",
        no_token: r#"
            401
            WWW-Authenticate: Bearer realm="clinic"
            Content-Type: application/json

            {"error":"invalid_token","error_description":"…"}"#,
        bad_token: r#"
            401
            WWW-Authenticate: Bearer realm="clinic", error="invalid_token", error_description="…"
            Content-Type: application/json

            {"error":"invalid_token","error_description":"…"}"#,
        no_scope: r#"
            403
            WWW-Authenticate: Bearer realm="clinic", error="insufficient_scope", error_description="…", scope="patients:read"
            Content-Type: application/json

            {"error":"insufficient_scope","error_description":"…"}"#,
        client: "clinic-machine",
        lesser: "&scope=patients%3Awrite",
    },
];

#[tokio::test]
async fn a_resource_without_a_token_says_401_in_its_vendors_shape() {
    for denial in &DENIALS {
        let vendor = Vendor::of(denial.issuer);
        let answer = demo().get(&vendor.path(vendor.resource)).await;
        answer.reads(denial.no_token);
    }
}

#[tokio::test]
async fn a_resource_refuses_a_foreign_or_made_up_token() {
    for denial in &DENIALS {
        let vendor = Vendor::of(denial.issuer);
        for other in VENDORS.iter().filter(|other| other.issuer != vendor.issuer) {
            let foreign = other.token(&demo()).await;
            let answer = demo().send(vendor.resource_request(&foreign)).await;
            answer.reads(denial.bad_token);
        }
        for made_up in ["x", "a.b.c", "eyJhbGciOiJub25lIn0.e30.", "ory_at_x.y"] {
            let answer = demo().send(vendor.resource_request(made_up)).await;
            answer.reads(denial.bad_token);
        }
    }
}

#[tokio::test]
async fn a_resource_refuses_a_token_from_the_second_it_expires() {
    let locum = Fixture::start().await;
    let mut tokens = Vec::new();
    for denial in &DENIALS {
        tokens.push(Vendor::of(denial.issuer).token(&locum).await);
    }
    locum.clock.advance(Duration::from_secs(3599));
    for (denial, token) in DENIALS.iter().zip(&tokens) {
        let vendor = Vendor::of(denial.issuer);
        locum.send(vendor.resource_request(token)).await.is(200);
    }
    // Photon's tokens last a day, the others an hour.
    locum.clock.advance(Duration::from_secs(86400 - 3599));
    for (denial, token) in DENIALS.iter().zip(&tokens) {
        let vendor = Vendor::of(denial.issuer);
        locum
            .send(vendor.resource_request(token))
            .await
            .reads(denial.bad_token);
    }
}

#[tokio::test]
async fn a_resource_answers_a_token_without_its_scope_with_403() {
    for denial in DENIALS.iter().filter(|denial| !denial.no_scope.is_empty()) {
        let vendor = Vendor::of(denial.issuer);
        let request = Request::post(&vendor.path(vendor.token_path))
            .basic(denial.client, &format!("{}-secret", denial.client))
            .form(format!("grant_type=client_credentials{}", denial.lesser));
        let token = demo().send(request).await.access_token();
        demo()
            .send(vendor.resource_request(&token))
            .await
            .reads(denial.no_scope);
    }
}

#[tokio::test]
async fn a_pattern_client_without_permission_is_told_403() {
    let locum = Fixture::configured(
        r#"
        [[issuer]]
        name = "pattern"
        dialect = "pattern"

        [[issuer.api]]
        audience = "pattern"
        scopes = ["patients:read", "visits:read"]

        [[issuer.client]]
        client_id = "visits"
        client_secret = "visits-secret"
        kind = "machine"

        [[issuer.client.grant]]
        audience = "pattern"
        scopes = ["visits:read"]

        [[issuer.resource]]
        path = "/api/patients"
        scope = "patients:read"
        body = "{}"
        "#,
    )
    .await;
    let request = Request::post("/pattern/api/auth/token")
        .basic("visits", "visits-secret")
        .form("grant_type=client_credentials");
    let token = locum.send(request).await.access_token();
    let used = Request::get("/pattern/api/patients").bearer(&token);
    locum.send(used).await.reads(
        r#"
        403
        WWW-Authenticate: Bearer realm="pattern", error="insufficient_scope", error_description="…", scope="patients:read"

        {"error":"insufficient_scope","error_description":"The client has insufficient permissions: patients:read."}
        "#,
    );
}

// ------------------------------------------------------------------------- reverse proxies

#[tokio::test]
async fn a_reverse_proxy_learns_who_it_is_from_headers() {
    let locum = demo();
    let token = Vendor::of("clinic").token(&locum).await;
    let ask = async |query: &str| {
        locum
            .say(&format!(
                "
                GET /clinic/forward-auth{query}
                Authorization: Bearer {token}
                "
            ))
            .await
    };
    for query in [
        "",
        "?scope=patients:read",
        "?scope=patients%3Aread+patients%3Awrite",
        "?scope=patients:read&audience=https://api.clinic.example",
    ] {
        ask(query).await.reads(&format!(
            "
            200
            Remote-User: clinic-machine
            X-Auth-Subject: clinic-machine
            X-Auth-Client-Id: clinic-machine
            X-Auth-Scope: patients:read patients:write
            X-Auth-Audience: https://api.clinic.example
            X-Auth-Issuer: http://localhost:{}/clinic
            X-Auth-Expires-At: 1767326645
            Cache-Control: no-store

            ",
            locum.port
        ));
    }
    ask("?scope=prescriptions:write")
        .await
        .refused(403, "insufficient_scope");
    ask("?audience=https://api.elsewhere.example")
        .await
        .refused(401, "invalid_token");
    locum.get("/clinic/forward-auth").await.reads(
        r#"
        401
        WWW-Authenticate: Bearer realm="clinic"

        {"error":"invalid_token","error_description":"…"}
        "#,
    );
}

#[tokio::test]
async fn forward_auth_answers_in_every_dialect_and_says_every_header() {
    for vendor in &VENDORS {
        let token = vendor.token(&demo()).await;
        let answer = demo().send(vendor.forward_auth(&token)).await;
        for header in [
            "remote-user",
            "x-auth-subject",
            "x-auth-client-id",
            "x-auth-scope",
            "x-auth-audience",
            "x-auth-issuer",
            "x-auth-expires-at",
        ] {
            assert!(
                answer.is(200).header(header).is_some(),
                "{header}: {answer}"
            );
        }
        assert_eq!(answer.header("x-auth-client-id"), Some(vendor.client_id));
    }
}
