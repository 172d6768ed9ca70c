//! JWTs as somebody else reads them: the signatures are checked with the `openidconnect` crate,
//! which shares no code with what made them, and everything else by hand.

use std::collections::HashMap;

use aws_lc_rs::digest::{SHA1_FOR_LEGACY_USE_ONLY, SHA256, digest};
use base64::Engine;
use base64::prelude::{BASE64_STANDARD as BASE64, BASE64_URL_SAFE_NO_PAD as BASE64URL};
use openidconnect::core::{CoreJsonWebKeySet, CoreJwsSigningAlgorithm};
use openidconnect::{JsonWebKey, JsonWebKeyId};
use serde_json::{Value, json};

use crate::support::http::{Peer, Request, contains};
use crate::support::jwt::{Jwt, decode};
use crate::support::servers::{BEGINNING, Fixture, every_dialect};

/// An issuer that signs with every algorithm, an API for each, and a Hydra that signs at all.
const SIGNING: &str = r#"
    [[issuer]]
    name = "signing"
    dialect = "standard"

    [[issuer.api]]
    audience = "https://rs256.example"
    signing_alg = "RS256"
    scopes = ["read"]

    [[issuer.api]]
    audience = "https://es256.example"
    signing_alg = "ES256"
    scopes = ["read"]

    [[issuer.api]]
    audience = "https://eddsa.example"
    signing_alg = "EdDSA"
    scopes = ["read"]

    [[issuer.client]]
    client_id = "machine"
    client_secret = "machine-secret"
    kind = "machine"
    grant = [
        { audience = "https://rs256.example", scopes = "all" },
        { audience = "https://es256.example", scopes = "all" },
        { audience = "https://eddsa.example", scopes = "all" },
    ]

    [[issuer]]
    name = "jwt-hydra"
    dialect = "hydra"

    [[issuer.api]]
    audience = "https://api.example"
    token_format = "jwt"
    scopes = ["read", "write"]

    [[issuer.client]]
    client_id = "machine"
    client_secret = "machine-secret"
    kind = "machine"
    grant = [{ audience = "https://api.example", scopes = "all" }]
"#;

#[tokio::test]
async fn every_algorithm_verifies_with_another_library() {
    let locum = Fixture::configured(SIGNING).await;
    let keys = jwks(locum.peer(), "/signing/.well-known/jwks.json").await;
    for (alg, name) in [
        (CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256, "RS256"),
        (CoreJwsSigningAlgorithm::EcdsaP256Sha256, "ES256"),
        (CoreJwsSigningAlgorithm::EdDsa, "EdDSA"),
    ] {
        let resource = format!("https://{}.example", name.to_lowercase());
        let jwt = token(
            locum.peer(),
            "/signing/oauth2/token",
            &format!("&resource={resource}"),
        )
        .await;
        assert_eq!(jwt.header("alg"), name);

        let key = key_of(&keys, &jwt);
        let verifies = |message: &str, signature: &[u8]| {
            key.verify_signature(&alg, message.as_bytes(), signature)
                .is_ok()
        };
        assert!(verifies(&jwt.signed, &jwt.signature), "{name}");
        // And that was not because it verifies everything.
        assert!(
            !verifies(&format!("{}x", jwt.signed), &jwt.signature),
            "{name}"
        );
        let mut other = jwt.signature.clone();
        other[7] ^= 1;
        assert!(!verifies(&jwt.signed, &other), "{name}");
    }
}

#[tokio::test]
async fn every_dialects_jwt_verifies_with_its_published_key() {
    let locum = every_dialect();
    for shape in &SHAPES {
        let jwt = token(
            locum,
            &format!("/{}{}", shape.dialect, shape.token),
            shape.parameters,
        )
        .await;
        let keys = jwks(locum, &format!("/{}{}", shape.dialect, shape.jwks)).await;
        let key = key_of(&keys, &jwt);
        let alg = CoreJwsSigningAlgorithm::RsaSsaPkcs1V15Sha256;
        key.verify_signature(&alg, jwt.signed.as_bytes(), &jwt.signature)
            .unwrap_or_else(|error| panic!("{}: {error}", shape.dialect));
    }
}

/// What a machine's token looks like: header and claims in the vendor's order.
struct Shape {
    dialect: &'static str,
    token: &'static str,
    jwks: &'static str,
    parameters: &'static str,
    header: &'static str,
    claims: &'static str,
}

const SHAPES: [Shape; 4] = [
    Shape {
        dialect: "standard",
        token: "/oauth2/token",
        jwks: "/.well-known/jwks.json",
        parameters: "",
        header: r#"{"typ":"at+jwt","alg":"RS256","kid":KID}"#, // RFC 9068 §2.1
        claims: r#"{"iss":"BASE/standard","sub":"machine","aud":"https://api.example","exp":1767326645,"iat":1767323045,"jti":JTI,"client_id":"machine","scope":"read write"}"#,
    },
    Shape {
        dialect: "auth0",
        token: "/oauth/token",
        jwks: "/.well-known/jwks.json",
        parameters: "&audience=https%3A%2F%2Fapi.example",
        header: r#"{"alg":"RS256","typ":"JWT","kid":KID}"#,
        claims: r#"{"iss":"BASE/auth0/","sub":"machine@clients","aud":"https://api.example","iat":1767323045,"exp":1767409445,"scope":"read write","gty":"client-credentials","azp":"machine"}"#,
    },
    Shape {
        dialect: "identityserver",
        token: "/connect/token",
        jwks: "/.well-known/jwks",
        parameters: "&scope=read+write",
        header: r#"{"typ":"JWT","alg":"RS256","x5t":X5T,"kid":KID}"#,
        claims: r#"{"iss":"BASE/identityserver","aud":"BASE/identityserver/resources","exp":1767326645,"nbf":1767323045,"client_id":"machine","scope":["read","write"]}"#,
    },
    Shape {
        dialect: "identityserver4",
        token: "/connect/token",
        jwks: "/.well-known/openid-configuration/jwks",
        parameters: "",
        header: r#"{"alg":"RS256","kid":KID,"x5t":X5T,"typ":"at+jwt"}"#,
        claims: r#"{"iss":"BASE/identityserver4","nbf":1767323045,"iat":1767323045,"exp":1767326645,"aud":"https://api.example","scope":["read","write"],"client_id":"machine","jti":JTI}"#,
    },
];

#[tokio::test]
async fn header_and_claims_are_the_vendors_in_the_vendors_order() {
    let locum = every_dialect();
    for shape in &SHAPES {
        let path = format!("/{}{}", shape.dialect, shape.token);
        let jwt = token(locum, &path, shape.parameters).await;
        let filled = |template: &str| {
            let mut text = template.replace("BASE", &format!("http://localhost:{}", locum.port));
            for (word, members, name) in [
                ("KID", &jwt.header, "kid"),
                ("X5T", &jwt.header, "x5t"),
                ("JTI", &jwt.claims, "jti"),
            ] {
                if let Some((_, value)) = members.0.iter().find(|(own, _)| own == name) {
                    text = text.replace(word, &value.to_string());
                }
            }
            text
        };
        let sent: Vec<String> = jwt.signed.split('.').map(decoded).collect();
        assert_eq!(sent, [filled(shape.header), filled(shape.claims)]);
    }
}

#[tokio::test]
async fn a_hydra_that_signs_has_hydras_claims() {
    let locum = Fixture::configured(SIGNING).await;
    let path = "/jwt-hydra/oauth2/token";
    let jwt = token(
        locum.peer(),
        path,
        "&audience=https%3A%2F%2Fapi.example&scope=read+write",
    )
    .await;
    assert_eq!(jwt.header.names(), ["alg", "kid", "typ"]);
    assert_eq!(
        jwt.claims.names(),
        [
            "aud",
            "client_id",
            "exp",
            "ext",
            "iat",
            "iss",
            "jti",
            "nbf",
            "scp",
            "sub"
        ]
    );
    assert_eq!(*jwt.claim("aud"), json!(["https://api.example"]));
    assert_eq!(*jwt.claim("ext"), json!({}));
    assert_eq!(*jwt.claim("scp"), json!(["read", "write"]));
    assert_eq!(jwt.claim("sub"), "machine");

    // Without scope there is an empty array, not nothing.
    let none = token(locum.peer(), path, "&audience=https%3A%2F%2Fapi.example").await;
    assert_eq!(*none.claim("scp"), json!([]));
}

#[tokio::test]
async fn one_scope_is_a_string_and_several_are_an_array_at_identityserver3() {
    let jwt = token(
        every_dialect(),
        "/identityserver/connect/token",
        "&scope=read",
    )
    .await;
    assert_eq!(*jwt.claim("scope"), json!("read"));
    // IdentityServer4 always has an array.
    let jwt = token(
        every_dialect(),
        "/identityserver4/connect/token",
        "&scope=read",
    )
    .await;
    assert_eq!(*jwt.claim("scope"), json!(["read"]));
}

#[tokio::test]
async fn a_token_without_scope_has_no_scope_claim_at_auth0() {
    let locum = Fixture::configured(
        r#"
        [[issuer]]
        name = "tenant"
        dialect = "auth0"

        [[issuer.api]]
        audience = "urn:nothing"

        [[issuer.client]]
        client_id = "machine"
        client_secret = "machine-secret"
        kind = "machine"
        grant = [{ audience = "urn:nothing", scopes = [] }]
        "#,
    )
    .await;
    let request = Request::post("/tenant/oauth/token").basic("machine", "machine-secret");
    let answer = locum
        .send(request.form("grant_type=client_credentials&audience=urn%3Anothing"))
        .await;
    assert_eq!(
        answer.is(200).member_names(),
        ["access_token", "expires_in", "token_type"]
    );
    let jwt = Jwt::parse(&answer.access_token());
    assert!(!jwt.claims.names().contains(&"scope"));
}

#[tokio::test]
async fn every_jti_is_new() {
    let mut seen = std::collections::HashSet::new();
    for _ in 0..20 {
        let jwt = token(every_dialect(), "/standard/oauth2/token", "").await;
        assert!(seen.insert(jwt.claim("jti").to_string()));
    }
}

#[tokio::test]
async fn a_kid_is_the_rfc_7638_thumbprint() {
    let mut kinds = Vec::new();
    for jwk in all_jwks().await {
        let required: &[&str] = match jwk["kty"].as_str().unwrap() {
            "RSA" => &["e", "kty", "n"],
            "EC" => &["crv", "kty", "x", "y"],
            "OKP" => &["crv", "kty", "x"],
            other => panic!("{other}"),
        };
        // RFC 7638 §3: the required members alone, in the order of their names, no white space.
        let members: Vec<String> = required
            .iter()
            .map(|name| format!("\"{name}\":{}", jwk[name]))
            .collect();
        let canonical = format!("{{{}}}", members.join(","));
        let thumbprint = BASE64URL.encode(digest(&SHA256, canonical.as_bytes()));
        // Or, where a vendor has it so, that of the certificate.
        assert!(
            jwk["kid"] == thumbprint || jwk["kid"] == jwk["x5t"],
            "{jwk}"
        );
        kinds.push(jwk["kty"].clone());
    }
    for kind in ["RSA", "EC", "OKP"] {
        assert!(
            kinds.iter().any(|own| own == kind),
            "no {kind} key to look at"
        );
    }
}

#[tokio::test]
async fn a_key_says_what_it_is_for_and_nothing_private() {
    for jwk in all_jwks().await {
        let members: Vec<&str> = jwk
            .as_object()
            .unwrap()
            .keys()
            .map(String::as_str)
            .collect();
        for private in ["d", "p", "q", "dp", "dq", "qi", "oth", "k"] {
            assert!(!members.contains(&private), "{private} in {jwk}");
        }
        assert_eq!(jwk["use"], "sig");
    }
}

#[tokio::test]
async fn x5t_is_the_sha1_of_the_certificate_in_x5c() {
    for path in [
        "/auth0/.well-known/jwks.json",
        "/identityserver/.well-known/jwks",
        "/identityserver4/.well-known/openid-configuration/jwks",
    ] {
        let set = every_dialect().get(path).await.json();
        for jwk in set["keys"].as_array().unwrap() {
            let certificate = BASE64.decode(jwk["x5c"][0].as_str().unwrap()).unwrap();
            let x5t = BASE64URL.encode(digest(&SHA1_FOR_LEGACY_USE_ONLY, &certificate));
            assert_eq!(jwk["x5t"], x5t, "{path}");
            // The certificate is for this key and not another one.
            let modulus = decode(jwk["n"].as_str().unwrap());
            assert!(contains(&certificate, &modulus), "{path}");
        }
    }
}

#[tokio::test]
async fn no_two_issuers_share_a_key() {
    let mut owners: HashMap<String, usize> = HashMap::new();
    for jwk in all_jwks().await {
        *owners
            .entry(jwk["kid"].as_str().unwrap().to_owned())
            .or_default() += 1;
    }
    // Three of the clinic, three of `signing`, one for each of the other four.
    assert_eq!(owners.len(), 10, "{owners:?}");
    assert!(owners.values().all(|count| *count == 1), "{owners:?}");
}

#[tokio::test]
async fn a_jwks_has_every_key_and_the_preferred_one_first() {
    let locum = Fixture::configured(SIGNING).await;
    let set = locum.get("/signing/.well-known/jwks.json").await.json();
    let algs: Vec<&str> = set["keys"]
        .as_array()
        .unwrap()
        .iter()
        .map(|jwk| jwk["alg"].as_str().unwrap())
        .collect();
    assert_eq!(algs, ["RS256", "ES256", "EdDSA"]);
}

#[tokio::test]
async fn the_clock_of_the_server_is_the_clock_of_the_token() {
    let locum = Fixture::configured(SIGNING).await;
    let day = 24 * 3600;
    locum.clock.advance(std::time::Duration::from_secs(day));
    let jwt = token(
        locum.peer(),
        "/signing/oauth2/token",
        "&resource=https://es256.example",
    )
    .await;
    let day = i64::try_from(day).unwrap();
    assert_eq!(*jwt.claim("iat"), json!(BEGINNING + day));
    assert_eq!(*jwt.claim("exp"), json!(BEGINNING + day + 3600));
}

async fn token(locum: Peer, path: &str, parameters: &str) -> Jwt {
    let request = Request::post(path)
        .basic("machine", "machine-secret")
        .form(format!("grant_type=client_credentials{parameters}"));
    Jwt::parse(&locum.send(request).await.access_token())
}

pub async fn jwks(locum: Peer, path: &str) -> CoreJsonWebKeySet {
    serde_json::from_str(&locum.get(path).await.is(200).body).unwrap()
}

pub fn key_of<'a>(
    keys: &'a CoreJsonWebKeySet,
    jwt: &Jwt,
) -> &'a openidconnect::core::CoreJsonWebKey {
    let kid = JsonWebKeyId::new(jwt.header("kid").as_str().unwrap().to_owned());
    let mut found = keys.keys().iter().filter(|key| key.key_id() == Some(&kid));
    let key = found.next().expect("the key is published");
    assert!(found.next().is_none(), "two keys of one kid");
    key
}

/// The keys of the demo issuers, and of a configured one.
async fn all_jwks() -> Vec<Value> {
    let locum = Fixture::configured(SIGNING).await;
    let mut keys = Vec::new();
    for path in [
        "/photon/.well-known/jwks.json",
        "/medblocks/.well-known/jwks.json",
        "/nethealth/.well-known/jwks",
        "/clinic/.well-known/jwks.json",
        "/signing/.well-known/jwks.json",
        "/jwt-hydra/.well-known/jwks.json",
    ] {
        let set = locum.get(path).await.json();
        keys.extend(set["keys"].as_array().unwrap().iter().cloned());
    }
    keys
}

fn decoded(part: &str) -> String {
    String::from_utf8(decode(part)).unwrap()
}
