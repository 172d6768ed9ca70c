//! The exchanges of the vendors' own documentation, and the token then used: each test reads like
//! the guide it follows.

use std::time::Duration;

use serde_json::Value;

use crate::support::http::{Answer, Peer, Request, basic};
use crate::support::json::{Members, is_subsequence};
use crate::support::servers::{Fixture, VENDORS, Vendor, demo, every_dialect};

// ------------------------------------------------------------------------- Photon Health

#[tokio::test]
async fn photon_gives_a_token_to_the_guides_own_request() {
    let answer = demo()
        .say(
            r#"
            POST /photon/oauth/token
            content-type: application/json

            { "client_id":"photon-m2m", "client_secret":"photon-m2m-secret", "audience":"https://api.neutron.health", "grant_type":"client_credentials" }
            "#,
        )
        .await;
    answer.reads(
        r#"
        200
        Content-Type: application/json
        Cache-Control: no-store
        Pragma: no-cache

        {"access_token":"…","scope":"read:patient write:patient read:prescription read:order write:order","expires_in":86400,"token_type":"Bearer"}
        "#,
    );
}

#[tokio::test]
async fn photon_takes_a_form_as_the_sdks_send_it() {
    // SDKs add parameters of their own, and a header; unknown ones are ignored.
    let answer = demo()
        .say(
            "
            POST /photon/oauth/token
            Content-Type: application/x-www-form-urlencoded
            Auth0-Client: eyJuYW1lIjoiYXV0aDAtc3BhLWpzIn0=

            grant_type=client_credentials&client_id=photon-m2m&client_secret=photon-m2m-secret&audience=https%3A%2F%2Fapi.neutron.health&organization=org_1&scope=read%3Apatient
            ",
        )
        .await;
    answer.reads(
        r#"
        200
        Content-Type: application/json

        {"access_token":"…","scope":"read:patient","expires_in":86400,"token_type":"Bearer"}
        "#,
    );
}

#[tokio::test]
async fn photon_has_a_sandbox_and_a_production_api() {
    for audience in ["https://api.neutron.health", "https://api.photon.health"] {
        let answer = photon_token(demo(), audience, "").await;
        let token = answer.access_token();
        let used = demo()
            .say(&format!(
                "
                GET /photon/graphql
                Authorization: Bearer {token}
                "
            ))
            .await;
        used.reads(
            r#"
            200
            Content-Type: application/json

            {"data":{"patients":[{"id":"pat_demo","name":{"full":"Demo Patient"},"dateOfBirth":"1980-01-01"}]}}
            "#,
        );
    }
}

#[tokio::test]
async fn photons_api_takes_the_token_as_its_sdk_sends_it() {
    let token = Vendor::of("photon").token(&demo()).await;
    let as_graphql = Request::post("/photon/graphql").header("authorization", &token);
    let as_clinical = Request::get("/photon/graphql")
        .header("x-photon-auth-token", &token)
        .header("x-photon-auth-token-type", "auth0");
    for request in [as_graphql, as_clinical] {
        demo().send(request).await.is(200);
    }
}

#[tokio::test]
async fn no_machine_gets_write_prescription() {
    let sandbox = "https://api.neutron.health";
    let by_default = photon_token(demo(), sandbox, "").await;
    assert!(
        !by_default.json()["scope"]
            .as_str()
            .unwrap()
            .contains("write:prescription")
    );

    for scope in ["write:prescription", "read:patient write:prescription"] {
        photon_token(demo(), sandbox, &format!(r#", "scope":"{scope}""#))
            .await
            .reads(
                r#"
                403

                {"error":"access_denied","error_description":"Client has not been granted scopes: write:prescription"}
                "#,
            );
    }
}

#[tokio::test]
async fn no_machine_gets_write_prescription_through_a_grant_of_everything() {
    let locum = Fixture::configured(
        r#"
        [[issuer]]
        name = "photon"
        dialect = "auth0"

        [[issuer.api]]
        audience = "https://api.neutron.health"
        scopes = ["read:patient", { name = "write:prescription", users_only = true }]

        [[issuer.client]]
        client_id = "photon-m2m"
        client_secret = "photon-m2m-secret"
        kind = "machine"

        [[issuer.client.grant]]
        audience = "https://api.neutron.health"
        scopes = "all"
        "#,
    )
    .await;

    let answer = photon_token(locum.peer(), "https://api.neutron.health", "").await;
    assert_eq!(answer.is(200).json()["scope"], "read:patient");
    photon_token(
        locum.peer(),
        "https://api.neutron.health",
        r#", "scope":"write:prescription""#,
    )
    .await
    .refused(403, "access_denied");
}

async fn photon_token(locum: Peer, audience: &str, more: &str) -> Answer {
    locum
        .say(&format!(
            r#"
            POST /photon/oauth/token
            content-type: application/json

            {{ "client_id":"photon-m2m", "client_secret":"photon-m2m-secret", "audience":"{audience}", "grant_type":"client_credentials"{more} }}
            "#
        ))
        .await
}

// ------------------------------------------------------------------------- Medblocks

#[tokio::test]
async fn medblocks_gives_a_token_without_scope_and_it_reads_the_fhir_api() {
    let answer = medblocks_token("admin", "").await;
    answer.reads(
        r#"
        200
        Content-Type: application/json;charset=UTF-8
        Cache-Control: no-store
        Pragma: no-cache

        {"access_token":"ory_at_….…","expires_in":3599,"scope":"","token_type":"bearer"}
        "#,
    );

    // The client named "Admin" has every permission, so no scope is no obstacle.
    let used = demo()
        .say(&format!(
            "
            GET /medblocks/fhir/Patient
            Authorization: Bearer {}
            ",
            answer.access_token()
        ))
        .await;
    assert_eq!(
        used.is(200).header("content-type"),
        Some("application/fhir+json")
    );
    let bundle = used.json();
    assert_eq!(bundle["resourceType"], "Bundle");
    assert_eq!(bundle["type"], "searchset");
    assert_eq!(bundle["entry"][0]["resource"]["resourceType"], "Patient");
}

#[tokio::test]
async fn a_medblocks_backend_needs_the_scope_where_admin_does_not() {
    let without = medblocks_token("medblocks-backend", "")
        .await
        .access_token();
    fhir(&without).await.reads(
        r#"
        403
        Content-Type: application/fhir+json
        WWW-Authenticate: Bearer realm="medblocks", error="insufficient_scope", error_description="…", scope="patient/*.read"

        {"resourceType":"OperationOutcome","issue":[{"severity":"error","code":"forbidden","diagnostics":"…"}]}
        "#,
    );

    let with = medblocks_token("medblocks-backend", "&scope=patient%2F*.read").await;
    assert_eq!(with.json()["scope"], "patient/*.read");
    fhir(&with.access_token()).await.is(200);
}

#[tokio::test]
async fn medblocks_admin_may_ask_for_any_scope_and_a_backend_for_its_own() {
    let all = "&scope=patient%2F*.read+launch%2Fpatient+emulate_user";
    let answer = medblocks_token("admin", all).await;
    assert_eq!(
        answer.is(200).json()["scope"],
        "patient/*.read launch/patient emulate_user"
    );
    medblocks_token("medblocks-backend", all)
        .await
        .refused(400, "invalid_scope");
}

async fn medblocks_token(client_id: &str, more: &str) -> Answer {
    let authorization = basic(client_id, &format!("{client_id}-secret"));
    demo()
        .say(&format!(
            "
            POST /medblocks/oauth2/token
            Authorization: {authorization}
            Content-Type: application/x-www-form-urlencoded

            grant_type=client_credentials{more}
            "
        ))
        .await
}

async fn fhir(token: &str) -> Answer {
    let request = Request::get("/medblocks/fhir/Patient").bearer(token);
    demo().send(request).await
}

// ------------------------------------------------------------------------- Pattern Health

#[tokio::test]
async fn pattern_counts_in_milliseconds() {
    let authorization = basic("pattern-backend", "pattern-backend-secret");
    let answer = demo()
        .say(&format!(
            "
            POST /pattern/api/auth/token
            Accept: application/json
            Authorization: {authorization}
            Content-Type: application/x-www-form-urlencoded

            grant_type=client_credentials
            "
        ))
        .await;
    answer.reads(
        r#"
        200
        Content-Type: application/json
        Cache-Control: no-store
        Pragma: no-cache

        {"access_token":"…","expires_in":3600000,"token_type":"bearer"}
        "#,
    );
    let token = answer.access_token();
    let is_url_safe = |byte: u8| byte.is_ascii_alphanumeric() || b"-_".contains(&byte);
    assert!(
        token.len() >= 40 && token.bytes().all(is_url_safe),
        "{token}"
    );

    let used = demo()
        .send(Vendor::of("pattern").resource_request(&token))
        .await;
    used.reads("200\nContent-Type: application/json\n\n{\"patients\":[{\"id\":\"demo\",\"name\":\"Demo Patient\"}]}");
}

#[tokio::test]
async fn patterns_milliseconds_are_in_the_answer_alone() {
    let locum = Fixture::start().await;
    let vendor = Vendor::of("pattern");
    let token = vendor.token(&locum).await;

    locum.clock.advance(Duration::from_secs(3599));
    locum.send(vendor.resource_request(&token)).await.is(200);
    locum.clock.advance(Duration::from_secs(1));
    locum.send(vendor.resource_request(&token)).await.is(401);
}

#[tokio::test]
async fn pattern_serves_what_it_documents_and_nothing_else() {
    for path in [
        "/.well-known/openid-configuration",
        "/.well-known/oauth-authorization-server",
        "/.well-known/jwks.json",
        "/oauth2/token",
        "/oauth2/introspect",
        "/oauth2/revoke",
        "/oauth2/authorize",
        "/userinfo",
    ] {
        demo().get(&format!("/pattern{path}")).await.is(404);
        demo()
            .send(Request::post(&format!("/pattern{path}")).form("a=b"))
            .await
            .is(404);
    }
    demo()
        .get("/.well-known/oauth-authorization-server/pattern")
        .await
        .is(404);
}

// ------------------------------------------------------------------------- Net Health

#[tokio::test]
async fn net_health_is_found_through_its_discovery_page() {
    let locum = demo();
    let page = locum
        .say("GET /nethealth/.well-known/openid-configuration")
        .await;
    let base = format!("http://localhost:{}/nethealth", locum.port);
    page.reads(&format!(
        r#"
        200
        Content-Type: application/json; charset=utf-8
        ETag: "…"

        {{"issuer":"{base}","jwks_uri":"{base}/.well-known/jwks","token_endpoint":"{base}/connect/token","revocation_endpoint":"{base}/connect/revocation","introspection_endpoint":"{base}/connect/introspect","scopes_supported":["patients.read","patients.write"],"response_types_supported":[],"grant_types_supported":["client_credentials"],"subject_types_supported":["public"],"id_token_signing_alg_values_supported":["RS256"],"token_endpoint_auth_methods_supported":["client_secret_post","client_secret_basic"]}}
        "#
    ));

    let answer = locum
        .say(
            "
            POST /nethealth/connect/token
            Content-Type: application/x-www-form-urlencoded

            grant_type=client_credentials&client_id=nethealth-web&client_secret=nethealth-web-secret&scope=patients.read
            ",
        )
        .await;
    answer.reads(
        r#"
        200
        Content-Type: application/json; charset=utf-8
        Cache-Control: no-store, no-cache, max-age=0, private
        Pragma: no-cache

        {"access_token":"…","expires_in":3600,"token_type":"Bearer"}
        "#,
    );
    locum
        .say(&format!(
            "
            GET /nethealth/api/Patients
            Authorization: Bearer {}
            ",
            answer.access_token()
        ))
        .await
        .reads("200\nContent-Type: application/json; charset=utf-8\n\n[{\"Id\":\"demo\",\"Name\":\"Demo Patient\"}]");
}

#[tokio::test]
async fn asp_net_does_not_tell_upper_case_from_lower() {
    let request = Request::post("/nethealth/Connect/TOKEN")
        .basic("nethealth-web", "nethealth-web-secret")
        .form("grant_type=client_credentials&scope=patients.read");
    demo().send(request).await.is(200);
    demo().get("/nethealth/.well-known/JWKS").await.is(200);
    // The others do.
    demo().get("/clinic/.well-known/JWKS.json").await.is(404);
}

#[tokio::test]
async fn identityserver4_is_a_dialect_one_can_configure() {
    let answer = every_dialect()
        .say(
            "
            POST /identityserver4/connect/token
            Content-Type: application/x-www-form-urlencoded

            grant_type=client_credentials&client_id=machine&client_secret=machine-secret
            ",
        )
        .await;
    // Without scope: everything allowed, and the answer says what that is.
    answer.reads(
        r#"
        200
        Content-Type: application/json; charset=UTF-8
        Cache-Control: no-store, no-cache, max-age=0
        Pragma: no-cache

        {"access_token":"…","expires_in":3600,"token_type":"Bearer","scope":"read write"}
        "#,
    );
    let jwks = every_dialect()
        .get("/identityserver4/.well-known/openid-configuration/jwks")
        .await;
    jwks.is(200);
}

// ------------------------------------------------------------------------- a clinic of one's own

#[tokio::test]
async fn the_clinic_speaks_rfc_6749() {
    let authorization = basic("clinic-machine", "clinic-machine-secret");
    let answer = demo()
        .say(&format!(
            "
            POST /clinic/oauth2/token
            Authorization: {authorization}
            Content-Type: application/x-www-form-urlencoded

            grant_type=client_credentials&scope=patients%3Aread
            "
        ))
        .await;
    answer.reads(
        r#"
        200
        Content-Type: application/json
        Cache-Control: no-store
        Pragma: no-cache

        {"access_token":"…","token_type":"Bearer","expires_in":3600,"scope":"patients:read"}
        "#,
    );
    let token = answer.access_token();
    demo()
        .send(Vendor::of("clinic").resource_request(&token))
        .await
        .is(200);
}

#[tokio::test]
async fn rfc_8707_names_the_api_as_resource() {
    let ask = |resource: &str| {
        Request::post("/clinic/oauth2/token")
            .basic("clinic-machine", "clinic-machine-secret")
            .form(format!("grant_type=client_credentials&resource={resource}"))
    };
    demo()
        .send(ask("https%3A%2F%2Fapi.clinic.example"))
        .await
        .is(200);
    for wrong in [
        "https%3A%2F%2Fapi.elsewhere.example",
        "api.clinic.example",
        "https%3A%2F%2Fapi.clinic.example%23fragment",
        "https%3A%2F%2Fapi.clinic.example&resource=https%3A%2F%2Fapi.elsewhere.example",
    ] {
        demo().send(ask(wrong)).await.refused(400, "invalid_target");
    }
}

#[tokio::test]
async fn introspection_reads_as_in_rfc_7662_and_revocation_as_in_rfc_7009() {
    let locum = demo();
    let authorization = basic("clinic-machine", "clinic-machine-secret");
    let say = async |path: &str, token: &str| {
        locum
            .say(&format!(
                "
                POST /clinic/oauth2/{path}
                Authorization: {authorization}
                Content-Type: application/x-www-form-urlencoded

                token={token}&token_type_hint=access_token
                "
            ))
            .await
    };
    let token = Vendor::of("clinic").token(&locum).await;
    let iss = format!("http://localhost:{}/clinic", locum.port);

    say("introspect", &token).await.reads(&format!(
        r#"
        200
        Content-Type: application/json
        Cache-Control: no-store

        {{"active":true,"scope":"patients:read patients:write","client_id":"clinic-machine","token_type":"Bearer","exp":1767326645,"iat":1767323045,"sub":"clinic-machine","aud":"https://api.clinic.example","iss":"{iss}"}}
        "#
    ));
    say("revoke", &token)
        .await
        .reads("200\nCache-Control: no-store\n\n");
    say("introspect", &token).await.reads(
        r#"
        200
        Content-Type: application/json
        Cache-Control: no-store

        {"active":false}
        "#,
    );
    // RFC 7009 §2.2: a token that is not there is as gone as was asked for.
    say("revoke", &token).await.is(200);
    say("revoke", "never-was-one").await.is(200);
}

#[tokio::test]
async fn hydra_introspects_and_revokes_as_hydra_does() {
    let locum = demo();
    let token = Vendor::of("medblocks").token(&locum).await;
    let introspect = |path: &str| Request::post(path).form(format!("token={token}"));
    for path in [
        "/medblocks/admin/oauth2/introspect",
        "/medblocks/oauth2/introspect",
    ] {
        let answer = locum.send(introspect(path)).await;
        assert_eq!(
            answer.is(200).member_names(),
            [
                "active",
                "scope",
                "client_id",
                "sub",
                "exp",
                "iat",
                "nbf",
                "aud",
                "iss",
                "token_type",
                "token_use"
            ]
        );
        assert_eq!(answer.json()["aud"], Value::Array(vec![]));
    }
    let revoke = Request::post("/medblocks/oauth2/revoke")
        .basic("admin", "admin-secret")
        .form(format!("token={token}"));
    locum.send(revoke).await.reads("200\nWWW-Authenticate:\n\n");
    let after = locum.send(introspect("/medblocks/oauth2/introspect")).await;
    assert_eq!(after.json(), serde_json::json!({"active": false}));
}

#[tokio::test]
async fn hydra_ends_an_introspection_with_a_newline() {
    let introspect = |token: &str| {
        Request::post("/medblocks/admin/oauth2/introspect").form(format!("token={token}"))
    };
    let token = Vendor::of("medblocks").token(&demo()).await;
    for token in [token.as_str(), "unknown"] {
        let answer = demo().send(introspect(token)).await;
        assert!(answer.is(200).body.ends_with("}\n"), "{answer}");
    }
}

#[tokio::test]
async fn auth0_revokes_with_the_clients_credentials_in_json() {
    let answer = demo()
        .say(
            r#"
            POST /photon/oauth/revoke
            Content-Type: application/json

            {"client_id":"photon-m2m","client_secret":"photon-m2m-secret","token":"unknown"}
            "#,
        )
        .await;
    answer.reads("200\nContent-Type: application/json\n\n");
}

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

// ------------------------------------------------------------------------- addresses

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
        // RFC 8414 §2
        "issuer authorization_endpoint token_endpoint jwks_uri registration_endpoint scopes_supported response_types_supported response_modes_supported grant_types_supported token_endpoint_auth_methods_supported introspection_endpoint introspection_endpoint_auth_methods_supported revocation_endpoint revocation_endpoint_auth_methods_supported",
    ),
    (
        "auth0",
        "/.well-known/openid-configuration",
        "issuer authorization_endpoint token_endpoint device_authorization_endpoint userinfo_endpoint mfa_challenge_endpoint jwks_uri registration_endpoint revocation_endpoint scopes_supported response_types_supported code_challenge_methods_supported response_modes_supported subject_types_supported token_endpoint_auth_methods_supported token_endpoint_auth_signing_alg_values_supported claims_supported request_uri_parameter_supported request_parameter_supported id_token_signing_alg_values_supported",
    ),
    (
        "hydra",
        "/.well-known/openid-configuration",
        "issuer authorization_endpoint device_authorization_endpoint registration_endpoint token_endpoint jwks_uri subject_types_supported response_types_supported claims_supported grant_types_supported response_modes_supported userinfo_endpoint scopes_supported token_endpoint_auth_methods_supported userinfo_signing_alg_values_supported id_token_signing_alg_values_supported id_token_signed_response_alg userinfo_signed_response_alg request_parameter_supported request_uri_parameter_supported require_request_uri_registration claims_parameter_supported revocation_endpoint end_session_endpoint code_challenge_methods_supported",
    ),
    (
        "identityserver",
        "/.well-known/openid-configuration",
        "issuer jwks_uri authorization_endpoint token_endpoint userinfo_endpoint end_session_endpoint check_session_iframe revocation_endpoint introspection_endpoint scopes_supported claims_supported response_types_supported response_modes_supported grant_types_supported subject_types_supported id_token_signing_alg_values_supported code_challenge_methods_supported token_endpoint_auth_methods_supported",
    ),
    (
        "identityserver4",
        "/.well-known/openid-configuration",
        "issuer jwks_uri authorization_endpoint token_endpoint userinfo_endpoint end_session_endpoint check_session_iframe revocation_endpoint introspection_endpoint device_authorization_endpoint scopes_supported claims_supported grant_types_supported response_types_supported response_modes_supported token_endpoint_auth_methods_supported id_token_signing_alg_values_supported subject_types_supported code_challenge_methods_supported request_parameter_supported",
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
            if name == "jwks_uri" {
                locum.get(path).await.is(200);
            } else {
                // An answer about the request, not about the path.
                let answer = locum.send(Request::post(path).form("a=b")).await;
                assert!(
                    [400, 401].contains(&answer.status),
                    "{dialect} {name}: {answer}"
                );
            }
            seen += 1;
        }
        assert!(seen >= 3, "{dialect} advertises nothing");

        // Nor what this version has no flow for.
        assert_eq!(
            document["response_types_supported"],
            serde_json::json!([]),
            "{dialect}"
        );
        if let Some(grants) = document.get("grant_types_supported") {
            assert_eq!(
                *grants,
                serde_json::json!(["client_credentials"]),
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

fn strings(value: &Value) -> Vec<&str> {
    value
        .as_array()
        .unwrap()
        .iter()
        .map(|item| item.as_str().unwrap())
        .collect()
}
