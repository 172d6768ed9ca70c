//! The exchanges of the vendors' own documentation, and the token then used: each test reads like
//! the guide it follows.

use std::time::Duration;

use serde_json::Value;

use crate::support::http::{Answer, Peer, Request, basic};
use crate::support::servers::{Fixture, Vendor, demo, every_dialect};

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
    // OIDC Core §5.1
    let claims = "name family_name given_name middle_name nickname preferred_username profile picture website gender birthdate zoneinfo locale updated_at email email_verified phone_number phone_number_verified address";
    let claims: Vec<String> = claims
        .split(' ')
        .map(|claim| format!("{claim:?}"))
        .collect();
    let claims = claims.join(",");
    page.reads(&format!(
        r#"
        200
        Content-Type: application/json; charset=utf-8
        ETag: "…"

        {{"issuer":"{base}","jwks_uri":"{base}/.well-known/jwks","authorization_endpoint":"{base}/connect/authorize","token_endpoint":"{base}/connect/token","userinfo_endpoint":"{base}/connect/userinfo","end_session_endpoint":"{base}/connect/endsession","check_session_iframe":"{base}/connect/checksession","revocation_endpoint":"{base}/connect/revocation","introspection_endpoint":"{base}/connect/introspect","frontchannel_logout_supported":true,"frontchannel_logout_session_supported":true,"scopes_supported":["openid","profile","email","phone","address","offline_access","patients.read","patients.write"],"claims_supported":["sub",{claims}],"response_types_supported":["code"],"response_modes_supported":["form_post","query"],"grant_types_supported":["authorization_code","client_credentials","refresh_token"],"subject_types_supported":["public"],"id_token_signing_alg_values_supported":["RS256"],"code_challenge_methods_supported":["plain","S256"],"token_endpoint_auth_methods_supported":["client_secret_post","client_secret_basic"]}}
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
