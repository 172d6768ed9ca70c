//! What each vendor's server says to a wrong request: status, headers and body, table by table.

use crate::support::http::Request;
use crate::support::servers::{Vendor, demo, every_dialect};

/// A wrong request to a token endpoint, and what comes back.
struct Case {
    what: &'static str,
    request: Sent,
    status: u16,
    body: String,
}

/// What is sent besides the path.
#[derive(Clone, Copy)]
enum Sent {
    /// A form, whose parameters are all there is.
    Form(&'static str),
    /// A form, and a Basic header.
    Basic(&'static str, &'static str, &'static str),
    Json(&'static str),
    /// A body of another media type, or of none.
    Other(Option<&'static str>, &'static str),
}

use Sent::{Basic, Form, Json, Other};

impl Sent {
    fn to(self, path: &str) -> Request {
        let request = Request::post(path);
        match self {
            Form(form) => request.form(form),
            Basic(id, secret, form) => request.basic(id, secret).form(form),
            Json(json) => request.json(json),
            Other(Some(media_type), body) => request.body(media_type, body),
            Other(None, body) => request.untyped(body),
        }
    }
}

fn case(what: &'static str, request: Sent, status: u16, body: impl Into<String>) -> Case {
    Case {
        what,
        request,
        status,
        body: body.into(),
    }
}

/// Goes through a table; `headers` are those of every answer in it.
async fn refuses(path: &str, headers: &str, cases: &[Case]) {
    for Case {
        what,
        request,
        status,
        body,
    } in cases
    {
        let answer = every_dialect().send(request.to(path)).await;
        let expected = format!("{status}\n{}\n\n{body}", headers.trim());
        if let Err(difference) = answer.compare(&expected) {
            panic!("{what}: {difference}");
        }
    }
}

// ------------------------------------------------------------------------- auth0

#[tokio::test]
async fn auth0_refuses_as_auth0_does() {
    let headers = "Content-Type: application/json\nCache-Control: no-store\nWWW-Authenticate:";
    let unauthorized = r#"{"error":"access_denied","error_description":"Unauthorized"}"#;
    refuses(
        "/auth0/oauth/token",
        headers,
        &[
            case(
                "unknown client",
                Form("grant_type=client_credentials&client_id=nobody&client_secret=some-secret&audience=https://api.example"),
                401,
                unauthorized,
            ),
            case(
                "wrong secret",
                Form("grant_type=client_credentials&client_id=machine&client_secret=wrong-secret&audience=https://api.example"),
                401,
                unauthorized,
            ),
            case(
                "wrong secret, in JSON",
                Json(r#"{"grant_type":"client_credentials","client_id":"machine","client_secret":"wrong-secret","audience":"https://api.example"}"#),
                401,
                unauthorized,
            ),
            case(
                "wrong secret, in the header",
                Basic("machine", "wrong-secret", "grant_type=client_credentials&audience=https://api.example"),
                401,
                unauthorized,
            ),
            case(
                "missing secret",
                Form("grant_type=client_credentials&client_id=machine&audience=https://api.example"),
                401,
                unauthorized,
            ),
            case(
                "missing client_id",
                Form("grant_type=client_credentials&audience=https://api.example"),
                401,
                r#"{"error":"invalid_client","error_description":"Missing client_id"}"#,
            ),
            case(
                "missing grant_type",
                Form("client_id=machine&client_secret=machine-secret&audience=https://api.example"),
                400,
                r#"{"error":"invalid_request","error_description":"Missing required parameter: grant_type"}"#,
            ),
            case(
                "unknown grant_type",
                Form("grant_type=please&client_id=machine&client_secret=machine-secret&audience=https://api.example"),
                501,
                r#"{"error":"unsupported_grant_type","error_description":"Unsupported grant type: please"}"#,
            ),
            case(
                "known grant not enabled for the client",
                Form("grant_type=client_credentials&client_id=web&client_secret=web-secret&audience=https://api.example"),
                403,
                r#"{"error":"unauthorized_client","error_description":"Grant type 'client_credentials' not allowed for the client.","error_uri":"https://auth0.com/docs/clients/client-grant-types"}"#,
            ),
            case(
                "missing audience",
                Form("grant_type=client_credentials&client_id=machine&client_secret=machine-secret"),
                403,
                r#"{"error":"access_denied","error_description":"Non-global clients are not allowed access to APIv1"}"#,
            ),
            case(
                "unknown audience",
                Form("grant_type=client_credentials&client_id=machine&client_secret=machine-secret&audience=https://unknown.example"),
                403,
                r#"{"error":"access_denied","error_description":"Service not enabled within domain: https://unknown.example"}"#,
            ),
            case(
                "an API without a client grant",
                Form("grant_type=client_credentials&client_id=machine&client_secret=machine-secret&audience=https://other.example"),
                403,
                r#"{"error":"access_denied","error_description":"Client is not authorized to access \"https://other.example\". You need to create a \"client-grant\" associated to this API. See: https://auth0.com/docs/api/v2#!/Client_Grants/post_client_grants"}"#,
            ),
            case(
                "scopes outside the grant",
                Form("grant_type=client_credentials&client_id=machine&client_secret=machine-secret&audience=https://api.example&scope=read+admin+other"),
                403,
                r#"{"error":"access_denied","error_description":"Client has not been granted scopes: admin other"}"#,
            ),
            case(
                "scope of the wrong JSON type",
                Json(r#"{"grant_type":"client_credentials","client_id":"machine","client_secret":"machine-secret","audience":"https://api.example","scope":7}"#),
                400,
                r#"{"error":"invalid_scope","error_description":"Scope must be an array or a string"}"#,
            ),
            case(
                "malformed JSON",
                Json(r#"{"grant_type":"client_credentials","#),
                400,
                r#"{"error":"invalid_request","error_description":"…"}"#,
            ),
            case(
                "unsupported media type",
                Other(Some("application/xml"), "<grant_type/>"),
                400,
                r#"{"error":"invalid_request","error_description":"…"}"#,
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn auth0_takes_scope_as_an_array_too() {
    let request = Json(
        r#"{"grant_type":"client_credentials","client_id":"machine","client_secret":"machine-secret","audience":"https://api.example","scope":["write","read"]}"#,
    );
    let answer = every_dialect().send(request.to("/auth0/oauth/token")).await;
    assert_eq!(answer.is(200).json()["scope"], "write read");
}

// ------------------------------------------------------------------------- hydra

const IR: &str = "The request is missing a required parameter, includes an invalid parameter value, includes a parameter more than once, or is otherwise malformed.";
const IC: &str = "Client authentication failed (e.g., unknown client, no client authentication included, or unsupported authentication method).";
const IG: &str = "The provided authorization grant (e.g., authorization code, resource owner credentials) or refresh token is invalid, expired, revoked, does not match the redirection URI used in the authorization request, or was issued to another client.";
const UC: &str = "The client is not authorized to request a token using this method.";
const IS: &str = "The requested scope is invalid, unknown, or malformed.";
const DEFAULT_HINT: &str = "Make sure that the various parameters are correct, be aware of case sensitivity and trim your parameters. Make sure that the client you are using has exactly whitelisted the redirect_uri you specified.";

/// Two keys and no third; the hint stands behind the description.
fn hydra_body(error: &str, description: &str, hint: &str) -> String {
    let space = if hint.is_empty() { "" } else { " " };
    format!(r#"{{"error":"{error}","error_description":"{description}{space}{hint}"}}"#)
}

const HYDRA_HEADERS: &str = "Content-Type: application/json;charset=UTF-8\nCache-Control: no-store\nPragma: no-cache\nWWW-Authenticate:";

#[tokio::test]
async fn hydra_refuses_as_fosite_does() {
    let mismatch = |presented: &str| {
        hydra_body(
            "invalid_client",
            IC,
            &format!(
                "The OAuth 2.0 Client supports client authentication method 'client_secret_basic', but method '{presented}' was requested. You must configure the OAuth 2.0 client's 'token_endpoint_auth_method' value to accept '{presented}'."
            ),
        )
    };
    let not_whitelisted = |audience: &str| {
        hydra_body(
            "invalid_request",
            IR,
            &format!(
                "Requested audience '{audience}' has not been whitelisted by the OAuth 2.0 Client."
            ),
        )
    };
    let empty = hydra_body("invalid_request", IR, "The POST body can not be empty.");
    let no_grant_type = hydra_body(
        "invalid_request",
        IR,
        "Request parameter 'grant_type' is missing",
    );
    refuses(
        "/hydra/oauth2/token",
        HYDRA_HEADERS,
        &[
            case(
                "unknown client",
                Basic("nobody", "some-secret", "grant_type=client_credentials"),
                401,
                hydra_body("invalid_client", IC, ""),
            ),
            case(
                "wrong secret",
                Basic("machine", "wrong-secret", "grant_type=client_credentials"),
                401,
                hydra_body("invalid_client", IC, ""),
            ),
            case(
                "the secret in the body, where the client is registered for Basic",
                Form("grant_type=client_credentials&client_id=machine&client_secret=machine-secret"),
                401,
                mismatch("client_secret_post"),
            ),
            case(
                "no secret, where the client is registered for Basic",
                Form("grant_type=client_credentials&client_id=machine"),
                401,
                mismatch("none"),
            ),
            case(
                "no credentials",
                Form("grant_type=client_credentials"),
                400,
                hydra_body(
                    "invalid_request",
                    IR,
                    "Client credentials missing or malformed in both HTTP Authorization header and HTTP POST body.",
                ),
            ),
            case(
                "missing grant_type",
                Basic("machine", "machine-secret", "scope=read"),
                400,
                no_grant_type.clone(),
            ),
            case(
                "missing grant_type, which comes before the client",
                Basic("machine", "wrong-secret", "scope=read"),
                400,
                no_grant_type.clone(),
            ),
            case(
                "unsupported grant_type",
                Basic("machine", "machine-secret", "grant_type=please"),
                400,
                hydra_body("invalid_request", IR, DEFAULT_HINT),
            ),
            case(
                "grant not allowed for the client",
                Basic("web", "web-secret", "grant_type=client_credentials"),
                400,
                hydra_body(
                    "unauthorized_client",
                    UC,
                    "The OAuth 2.0 Client is not allowed to use authorization grant 'client_credentials'.",
                ),
            ),
            case(
                "public client",
                Form("grant_type=client_credentials&client_id=spa"),
                400,
                hydra_body(
                    "invalid_grant",
                    IG,
                    "The OAuth 2.0 Client is marked as public and is thus not allowed to use authorization grant 'client_credentials'.",
                ),
            ),
            case(
                "scope not allowed; the first is named",
                Basic("machine", "machine-secret", "grant_type=client_credentials&scope=read+admin+other"),
                400,
                hydra_body(
                    "invalid_scope",
                    IS,
                    "The OAuth 2.0 Client is not allowed to request scope 'admin'.",
                ),
            ),
            case(
                "unknown audience",
                Basic("machine", "machine-secret", "grant_type=client_credentials&audience=https://unknown.example"),
                400,
                not_whitelisted("https://unknown.example"),
            ),
            case(
                "audience of an API not granted",
                Basic("machine", "machine-secret", "grant_type=client_credentials&audience=https://other.example"),
                400,
                not_whitelisted("https://other.example"),
            ),
            case(
                "audience that only begins like a granted one",
                Basic("machine", "machine-secret", "grant_type=client_credentials&audience=https://api.example.evil"),
                400,
                not_whitelisted("https://api.example.evil"),
            ),
            case(
                "audience that would not fit into forward-auth's header",
                Basic("machine", "machine-secret", "grant_type=client_credentials&audience=https://api.example/%C3%A9"),
                400,
                r#"{"error":"…","error_description":"…"}"#,
            ),
            case(
                "JSON",
                Json(r#"{"grant_type":"client_credentials"}"#),
                400,
                empty.clone(),
            ),
            case("no body", Form(""), 400, empty.clone()),
            case(
                "wrong media type",
                Other(Some("text/plain"), "grant_type=client_credentials"),
                400,
                empty.clone(),
            ),
            case(
                "unparseable form",
                Form("grant_type=%zz"),
                400,
                hydra_body(
                    "invalid_request",
                    IR,
                    "Unable to parse HTTP body, make sure to send a properly formatted form request body.",
                ),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn hydra_looks_for_grant_type_before_it_reads_the_authorization_header() {
    let request = Request::post("/hydra/oauth2/token")
        .header("Authorization", "Basic !!!")
        .form("scope=read");
    let expected = hydra_body(
        "invalid_request",
        IR,
        "Request parameter 'grant_type' is missing",
    );
    let answer = every_dialect().send(request).await;
    answer.reads(&format!("400\n\n{expected}"));
}

#[tokio::test]
async fn hydra_reads_multipart_and_several_audiences() {
    let body = "--line\r\nContent-Disposition: form-data; name=\"grant_type\"\r\n\r\nclient_credentials\r\n--line\r\nContent-Disposition: form-data; name=\"scope\"\r\n\r\nread\r\n--line--\r\n";
    let request = Request::post("/hydra/oauth2/token")
        .basic("machine", "machine-secret")
        .body("multipart/form-data; boundary=line", body);
    let answer = every_dialect().send(request).await;
    assert_eq!(answer.is(200).json()["scope"], "read");

    for audience in [
        "audience=https://api.example&audience=https://api.example/v1",
        "audience=https://api.example+https://api.example/v1",
    ] {
        let request = Basic("machine", "machine-secret", "").to("/hydra/oauth2/token");
        let request = request.form(format!("grant_type=client_credentials&{audience}"));
        let token = every_dialect().send(request).await.access_token();
        let introspect = Request::post("/hydra/oauth2/introspect").form(format!("token={token}"));
        let known = every_dialect().send(introspect).await.json();
        assert_eq!(
            known["aud"],
            serde_json::json!(["https://api.example", "https://api.example/v1"])
        );
    }
}

#[tokio::test]
async fn hydra_refuses_a_revocation_as_fosite_does() {
    refuses(
        "/hydra/oauth2/revoke",
        HYDRA_HEADERS,
        &[
            case(
                "wrong secret",
                Basic("machine", "wrong-secret", "token=x"),
                401,
                hydra_body("invalid_client", IC, ""),
            ),
            case(
                "no token",
                Basic("machine", "machine-secret", "a=b"),
                400,
                hydra_body("invalid_request", IR, DEFAULT_HINT),
            ),
        ],
    )
    .await;
}

// ------------------------------------------------------------------------- pattern

#[tokio::test]
async fn pattern_refuses_as_rfc_6749_would() {
    let headers = "Content-Type: application/json\nCache-Control: no-store\nPragma: no-cache";
    let invalid_client = r#"{"error":"invalid_client","error_description":"…"}"#;
    let invalid_request = r#"{"error":"invalid_request","error_description":"…"}"#;
    let challenge = format!("{headers}\nWWW-Authenticate: Basic realm=\"pattern\"");
    refuses(
        "/pattern/api/auth/token",
        &challenge,
        &[
            case(
                "unknown client",
                Basic("nobody", "some-secret", "grant_type=client_credentials"),
                401,
                invalid_client,
            ),
            case(
                "wrong secret",
                Basic("machine", "wrong-secret", "grant_type=client_credentials"),
                401,
                invalid_client,
            ),
            case(
                "no Basic header",
                Form("grant_type=client_credentials"),
                401,
                invalid_client,
            ),
            case(
                "the secret in the body",
                Form(
                    "grant_type=client_credentials&client_id=machine&client_secret=machine-secret",
                ),
                401,
                invalid_client,
            ),
        ],
    )
    .await;
    refuses(
        "/pattern/api/auth/token",
        headers,
        &[
            case(
                "missing grant_type",
                Basic("machine", "machine-secret", "a=b"),
                400,
                invalid_request,
            ),
            case(
                "other grant_type",
                Basic("machine", "machine-secret", "grant_type=password"),
                400,
                r#"{"error":"unsupported_grant_type","error_description":"…"}"#,
            ),
            case(
                "JSON",
                Json(r#"{"grant_type":"client_credentials"}"#),
                415,
                invalid_request,
            ),
            case(
                "another media type",
                Other(Some("text/plain"), "grant_type=client_credentials"),
                415,
                invalid_request,
            ),
            case(
                "malformed body",
                Basic("machine", "machine-secret", "grant_type=%"),
                400,
                invalid_request,
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn pattern_ignores_scope_and_audience() {
    let request = Basic(
        "machine",
        "machine-secret",
        "grant_type=client_credentials&scope=admin&audience=https://unknown.example",
    );
    let answer = every_dialect()
        .send(request.to("/pattern/api/auth/token"))
        .await;
    assert_eq!(
        answer.is(200).member_names(),
        ["access_token", "expires_in", "token_type"]
    );
}

// ------------------------------------------------------------------------- identityserver

/// A 400 with nothing but the code.
fn code(error: &str) -> String {
    format!(r#"{{"error":"{error}"}}"#)
}

/// What IdentityServer3 and 4 have in common.
fn identityserver_cases() -> Vec<Case> {
    vec![
        case(
            "unknown client",
            Form(
                "grant_type=client_credentials&client_id=nobody&client_secret=some-secret&scope=read",
            ),
            400,
            code("invalid_client"),
        ),
        case(
            "wrong secret",
            Form(
                "grant_type=client_credentials&client_id=machine&client_secret=wrong-secret&scope=read",
            ),
            400,
            code("invalid_client"),
        ),
        case(
            "wrong secret, in the header",
            Basic(
                "machine",
                "wrong-secret",
                "grant_type=client_credentials&scope=read",
            ),
            400,
            code("invalid_client"),
        ),
        case(
            "no client",
            Form("grant_type=client_credentials&scope=read"),
            400,
            code("invalid_client"),
        ),
        case(
            "missing grant_type",
            Basic("machine", "machine-secret", "scope=read"),
            400,
            code("unsupported_grant_type"),
        ),
        case(
            "unknown grant_type",
            Basic("machine", "machine-secret", "grant_type=please&scope=read"),
            400,
            code("unsupported_grant_type"),
        ),
        case(
            "wrong secret and missing grant_type: the client comes first",
            Basic("machine", "wrong-secret", "scope=read"),
            400,
            code("invalid_client"),
        ),
        case(
            "grant not allowed for the client",
            Basic(
                "web",
                "web-secret",
                "grant_type=client_credentials&scope=read",
            ),
            400,
            code("unauthorized_client"),
        ),
        case(
            "unknown scope",
            Basic(
                "machine",
                "machine-secret",
                "grant_type=client_credentials&scope=admin",
            ),
            400,
            code("invalid_scope"),
        ),
        case(
            "scope not allowed",
            Basic(
                "machine",
                "machine-secret",
                "grant_type=client_credentials&scope=other",
            ),
            400,
            code("invalid_scope"),
        ),
        case(
            "openid, which is for users",
            Basic(
                "machine",
                "machine-secret",
                "grant_type=client_credentials&scope=openid",
            ),
            400,
            code("invalid_scope"),
        ),
        case(
            "offline_access, which is for users",
            Basic(
                "machine",
                "machine-secret",
                "grant_type=client_credentials&scope=read+offline_access",
            ),
            400,
            code("invalid_scope"),
        ),
    ]
}

#[tokio::test]
async fn identityserver3_says_400_and_a_code() {
    let headers =
        "Content-Type: application/json; charset=utf-8\nCache-Control:\nPragma:\nWWW-Authenticate:";
    let path = "/identityserver/connect/token";
    refuses(path, headers, &identityserver_cases()).await;
    refuses(
        path,
        headers,
        &[
            case(
                "missing scope",
                Basic("machine", "machine-secret", "grant_type=client_credentials"),
                400,
                code("invalid_scope"),
            ),
            case(
                "JSON",
                Json(r#"{"grant_type":"client_credentials"}"#),
                415,
                r#"{"ErrorMessage":"Unsupported Media Type"}"#,
            ),
            case(
                "malformed JSON",
                Json("{"),
                415,
                r#"{"ErrorMessage":"Unsupported Media Type"}"#,
            ),
            case(
                "no media type",
                Other(None, "grant_type=client_credentials"),
                400,
                code("invalid_client"),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn identityserver4_says_400_a_code_and_no_store() {
    let headers = "Content-Type: application/json; charset=UTF-8\nCache-Control: no-store, no-cache, max-age=0\nPragma: no-cache\nWWW-Authenticate:";
    let path = "/identityserver4/connect/token";
    refuses(path, headers, &identityserver_cases()).await;
    refuses(
        path,
        headers,
        &[
            case(
                "JSON",
                Json(r#"{"grant_type":"client_credentials"}"#),
                400,
                code("invalid_request"),
            ),
            case(
                "no media type",
                Other(None, "grant_type=client_credentials"),
                400,
                code("invalid_request"),
            ),
            case(
                "unknown resource",
                Basic(
                    "machine",
                    "machine-secret",
                    "grant_type=client_credentials&resource=https://unknown.example",
                ),
                400,
                code("invalid_target"),
            ),
            case(
                "resource not allowed",
                Basic(
                    "machine",
                    "machine-secret",
                    "grant_type=client_credentials&resource=https://other.example",
                ),
                400,
                code("invalid_target"),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn identityserver_ignores_audience() {
    for dialect in ["identityserver", "identityserver4"] {
        let form = "grant_type=client_credentials&scope=read&audience=https://unknown.example";
        let request = Basic("machine", "machine-secret", form);
        let path = format!("/{dialect}/connect/token");
        every_dialect().send(request.to(&path)).await.is(200);
    }
}

#[tokio::test]
async fn identityserver_refuses_a_revocation_with_a_code() {
    for dialect in ["identityserver", "identityserver4"] {
        let path = format!("/{dialect}/connect/revocation");
        refuses(
            &path,
            "WWW-Authenticate:",
            &[
                case(
                    "wrong secret",
                    Basic("machine", "wrong-secret", "token=x"),
                    400,
                    code("invalid_client"),
                ),
                case(
                    "no token",
                    Basic("machine", "machine-secret", "a=b"),
                    400,
                    code("invalid_request"),
                ),
            ],
        )
        .await;
        let request = Basic("machine", "machine-secret", "token=unknown");
        every_dialect()
            .send(request.to(&path))
            .await
            .reads("200\n\n");
    }
}

#[tokio::test]
async fn identityserver_refuses_a_token_type_hint_it_does_not_know() {
    let request = Basic(
        "machine",
        "machine-secret",
        "token=x&token_type_hint=password",
    );
    for dialect in ["identityserver", "identityserver4"] {
        let path = format!("/{dialect}/connect/revocation");
        let answer = every_dialect().send(request.to(&path)).await;
        answer.refused(400, "unsupported_token_type");
    }
}

#[tokio::test]
async fn identityserver3_introspection_says_401_to_a_bad_secret() {
    let request = Basic("machine", "wrong-secret", "token=x");
    let answer = every_dialect()
        .send(request.to("/identityserver/connect/introspect"))
        .await;
    answer.is(401);
}

#[tokio::test]
async fn identityserver3_introspection_says_missing_token_in_a_message() {
    let request = Basic("machine", "machine-secret", "a=b");
    let answer = every_dialect()
        .send(request.to("/identityserver/connect/introspect"))
        .await;
    answer.reads("400\n\n{\"Message\":\"missing_token\"}");
}

// ------------------------------------------------------------------------- standard

#[tokio::test]
async fn the_standard_dialect_has_every_error_of_rfc_6749() {
    let headers = "Content-Type: application/json\nCache-Control: no-store\nPragma: no-cache";
    let body = |error: &str| format!(r#"{{"error":"{error}","error_description":"…"}}"#);
    // RFC 6749 §5.2: a client that used the Authorization header gets the matching challenge.
    let challenge = format!("{headers}\nWWW-Authenticate: Basic realm=\"standard\"");
    refuses(
        "/standard/oauth2/token",
        &challenge,
        &[
            case(
                "unknown client",
                Basic("nobody", "some-secret", "grant_type=client_credentials"),
                401,
                body("invalid_client"),
            ),
            case(
                "wrong secret",
                Basic("machine", "wrong-secret", "grant_type=client_credentials"),
                401,
                body("invalid_client"),
            ),
            case(
                "wrong secret, in the body",
                Form("grant_type=client_credentials&client_id=machine&client_secret=wrong-secret"),
                401,
                body("invalid_client"),
            ),
            case(
                "no client",
                Form("grant_type=client_credentials"),
                401,
                body("invalid_client"),
            ),
            case(
                "no secret from a client that has one",
                Form("grant_type=client_credentials&client_id=machine"),
                401,
                body("invalid_client"),
            ),
            case(
                "a secret from a client that has none",
                Basic("spa", "made-up-secret", "grant_type=client_credentials"),
                401,
                body("invalid_client"),
            ),
        ],
    )
    .await;
    refuses(
        "/standard/oauth2/token",
        headers,
        &[
            case(
                "missing grant_type",
                Basic("machine", "machine-secret", "scope=read"),
                400,
                body("invalid_request"),
            ),
            case(
                "unknown grant_type",
                Basic("machine", "machine-secret", "grant_type=please"),
                400,
                body("unsupported_grant_type"),
            ),
            case(
                "grant types are spelled in lower case",
                Basic("machine", "machine-secret", "grant_type=CLIENT_CREDENTIALS"),
                400,
                body("unsupported_grant_type"),
            ),
            case(
                "grant not allowed for the client",
                Basic("web", "web-secret", "grant_type=client_credentials"),
                400,
                body("unauthorized_client"),
            ),
            case(
                "public client (§4.4)",
                Form("grant_type=client_credentials&client_id=spa"),
                400,
                body("unauthorized_client"),
            ),
            case(
                "client without a grant",
                Basic("idle", "idle-secret", "grant_type=client_credentials"),
                400,
                body("unauthorized_client"),
            ),
            case(
                "scope not granted",
                Basic(
                    "machine",
                    "machine-secret",
                    "grant_type=client_credentials&scope=read+other",
                ),
                400,
                body("invalid_scope"),
            ),
            case(
                "scope for users only",
                Basic(
                    "machine",
                    "machine-secret",
                    "grant_type=client_credentials&scope=prescribe",
                ),
                400,
                body("invalid_scope"),
            ),
            case(
                "scope with a character that scopes don't have",
                Basic(
                    "machine",
                    "machine-secret",
                    "grant_type=client_credentials&scope=caf%C3%A9",
                ),
                400,
                body("invalid_scope"),
            ),
            case(
                "unknown resource (RFC 8707 §2)",
                Basic(
                    "machine",
                    "machine-secret",
                    "grant_type=client_credentials&resource=https://unknown.example",
                ),
                400,
                body("invalid_target"),
            ),
            case(
                "credentials twice (§2.3)",
                Basic(
                    "machine",
                    "machine-secret",
                    "grant_type=client_credentials&client_id=machine&client_secret=machine-secret",
                ),
                400,
                body("invalid_request"),
            ),
            case(
                "a parameter twice (§3.2)",
                Basic(
                    "machine",
                    "machine-secret",
                    "grant_type=client_credentials&grant_type=client_credentials",
                ),
                400,
                body("invalid_request"),
            ),
        ],
    )
    .await;
}

#[tokio::test]
async fn an_api_that_exists_and_one_that_does_not_sound_the_same() {
    let ask = async |audience: &str| {
        let request = Request::post("/standard/oauth2/token")
            .basic("machine", "machine-secret")
            .form(format!("grant_type=client_credentials&audience={audience}"));
        every_dialect().send(request).await.body
    };
    let known = ask("https://other.example").await;
    let unknown = ask("https://never.example").await;
    assert_eq!(known.replace("other", "never"), unknown);
}

#[tokio::test]
async fn introspection_and_revocation_want_to_know_who_asks() {
    for (path, client_form, status, error) in [
        ("introspect", Form("token=x"), 401, "invalid_client"),
        ("revoke", Form("token=x"), 401, "invalid_client"),
        (
            "introspect",
            Basic("machine", "wrong-secret", "token=x"),
            401,
            "invalid_client",
        ),
        (
            "revoke",
            Basic("machine", "wrong-secret", "token=x"),
            401,
            "invalid_client",
        ),
        (
            "introspect",
            Basic("machine", "machine-secret", "a=b"),
            400,
            "invalid_request",
        ),
        (
            "revoke",
            Basic("machine", "machine-secret", "a=b"),
            400,
            "invalid_request",
        ),
        (
            "introspect",
            Basic("machine", "machine-secret", "token="),
            400,
            "invalid_request",
        ),
        (
            "revoke",
            Basic("machine", "machine-secret", "token=x&token=y"),
            400,
            "invalid_request",
        ),
    ] {
        let request = client_form.to(&format!("/standard/oauth2/{path}"));
        every_dialect().send(request).await.refused(status, error);
    }
}

#[tokio::test]
async fn a_client_cannot_revoke_the_token_of_another() {
    let locum = every_dialect();
    for (dialect, revoke, status) in [
        ("standard/oauth2", "revoke", 400), // RFC 7009 §2.1
        ("hydra/oauth2", "revoke", 200),    // says so, and does nothing
    ] {
        let token = locum
            .send(
                Basic(
                    "machine",
                    "machine-secret",
                    "grant_type=client_credentials&scope=read",
                )
                .to(&format!("/{dialect}/token")),
            )
            .await
            .access_token();
        let ask = |path: &str, id: &str| {
            Request::post(&format!("/{dialect}/{path}"))
                .basic(id, &format!("{id}-secret"))
                .form(format!("token={token}"))
        };
        locum.send(ask(revoke, "idle")).await.is(status);
        let after = locum.send(ask("introspect", "machine")).await;
        assert_eq!(after.json()["active"], true, "{dialect}");
    }
}

#[tokio::test]
async fn a_public_client_may_ask_only_about_its_own_tokens() {
    let token = Vendor::of("clinic").token(&demo()).await;
    let as_spa = Request::post("/clinic/oauth2/introspect")
        .form(format!("token={token}&client_id=clinic-spa"));
    let answer = demo().send(as_spa).await;
    assert_eq!(answer.is(200).json(), serde_json::json!({"active": false}));
}
