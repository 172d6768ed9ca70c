//! The OpenAPI document: whether it is one, and whether answers are as it says.

use std::collections::{BTreeSet, HashMap};
use std::sync::{LazyLock, Mutex};

use boon::{Compiler, Draft, SchemaIndex, Schemas};
use locum::admin::api::{OPERATIONS, Operation, PROBLEMS, openapi};
use serde_json::{Value, json};

use crate::support::http::{Answer, Request};
use crate::support::servers::demo;

const DOCUMENT: &str = "http://localhost/openapi.json";

/// What the document promises.
pub struct Contract {
    schemas: Schemas,
    /// Of each operation that answers with something.
    answers: HashMap<&'static str, SchemaIndex>,
    problem: SchemaIndex,
}

impl Contract {
    pub fn get() -> std::sync::MutexGuard<'static, Self> {
        static CONTRACT: LazyLock<Mutex<Contract>> = LazyLock::new(|| Mutex::new(Contract::new()));
        CONTRACT
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    }

    fn new() -> Self {
        let document = openapi("http://localhost");
        let mut compiler = Compiler::new();
        compiler.set_default_draft(Draft::V2020_12);
        compiler.enable_format_assertions();
        let mut schemas = Schemas::new();
        let mut strict = HashMap::new();
        for operation in OPERATIONS {
            let method = operation.method.to_ascii_lowercase();
            let answer = &document["paths"][operation.path][method]["responses"];
            let content = &answer[operation.status.to_string()]["content"];
            let schema = &content["application/json"]["schema"];
            if !schema.is_null() {
                // Nothing comes that the document does not name.
                let schema = json!({ "allOf": [schema], "unevaluatedProperties": false });
                strict.insert(operation.id, schema);
            }
        }
        let mut whole = document;
        whole["strict"] = json!(strict);
        compiler.add_resource(DOCUMENT, whole).unwrap();
        let mut compile = |pointer: &str| {
            let location = format!("{DOCUMENT}#{pointer}");
            let compiled = compiler.compile(&location, &mut schemas);
            compiled.unwrap_or_else(|error| panic!("{error:#}"))
        };
        let answers = strict
            .keys()
            .map(|id| (*id, compile(&format!("/strict/{id}"))))
            .collect();
        let problem = compile("/components/schemas/Problem");
        Self {
            schemas,
            answers,
            problem,
        }
    }

    /// Panics when an answer is none that the document allows.
    pub fn check(&self, method: &str, path: &str, answer: &Answer) {
        let path = path.split('?').next().unwrap();
        let operation = OPERATIONS
            .iter()
            .find(|operation| operation.method == method && fits(operation.path, path));
        match operation {
            Some(operation) if answer.status == operation.status => {
                self.check_success(operation, answer);
            }
            Some(_) if answer.status == 304 => assert_eq!(answer.body, "", "{answer}"),
            _ if answer.status >= 400 => self.check_problem(answer),
            _ => panic!("{method} {path} is not to be answered so: {answer}"),
        }
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{answer}");
    }

    fn check_success(&self, operation: &Operation, answer: &Answer) {
        let Some(schema) = self.answers.get(operation.id) else {
            assert_eq!(answer.body, "", "{answer}");
            return;
        };
        assert_eq!(answer.header("content-type"), Some("application/json"));
        let json = answer.json();
        if let Err(error) = self.schemas.validate(&json, *schema) {
            panic!("{}: {error:#}\n{json:#}", operation.id);
        }
    }

    fn check_problem(&self, answer: &Answer) {
        let media_type = answer.header("content-type");
        assert_eq!(media_type, Some("application/problem+json"), "{answer}");
        let json = answer.json();
        if let Err(error) = self.schemas.validate(&json, self.problem) {
            panic!("{error:#}\n{json:#}");
        }
        assert_eq!(json["status"], answer.status, "{answer}");
        let kind = json["type"].as_str().unwrap();
        let code = kind.strip_prefix("/api/v1/docs#problem-").unwrap();
        let known = PROBLEMS.iter().find(|(known, ..)| *known == code);
        let (_, status, _) = known.unwrap_or_else(|| panic!("{code} is explained nowhere"));
        let may_differ = code == "malformed" && [400, 408, 413, 415].contains(&answer.status);
        assert!(*status == answer.status || may_differ, "{answer}");
        assert_eq!(
            answer.status == 401,
            answer.header("www-authenticate").is_some()
        );
        assert_eq!(answer.status == 405, answer.header("allow").is_some());
    }
}

fn fits(pattern: &str, path: &str) -> bool {
    let (pattern, path) = (pattern.split('/'), path.split('/'));
    pattern.clone().count() == path.clone().count()
        && pattern
            .zip(path)
            .all(|(expected, segment)| expected.starts_with('{') || expected == segment)
}

async fn served() -> Value {
    let peer = demo();
    // A path in it ends as the secrets of these tests do, so it is not searched for them.
    let request = Request::get("/api/v1/openapi.json").bytes(peer.port);
    let answer = peer.send_bytes(&request).await.unwrap();
    answer.is(200);
    assert_eq!(answer.header("content-type"), Some("application/json"));
    answer.json()
}

fn references<'a>(value: &'a Value, found: &mut Vec<&'a str>) {
    match value {
        Value::Object(members) => {
            if let Some(Value::String(reference)) = members.get("$ref") {
                found.push(reference);
            }
            members.values().for_each(|value| references(value, found));
        }
        Value::Array(items) => items.iter().for_each(|item| references(item, found)),
        _ => {}
    }
}

#[tokio::test]
async fn the_document_is_whole() {
    let document = served().await;
    assert_eq!(document["openapi"], "3.1.0");
    assert_eq!(
        document["servers"][0]["url"],
        format!("http://localhost:{}/api/v1", demo().port)
    );
    let mut all = Vec::new();
    references(&document, &mut all);
    assert!(all.len() > 50);
    for reference in all {
        let pointer = reference.strip_prefix('#').expect("a reference within");
        assert!(document.pointer(pointer).is_some(), "{reference}");
    }
    let mut ids = BTreeSet::new();
    for (path, methods) in document["paths"].as_object().unwrap() {
        for (method, operation) in methods.as_object().unwrap() {
            let id = operation["operationId"].as_str().unwrap();
            assert!(ids.insert(id), "{id} stands twice");
            let parameters = operation["parameters"].as_array().unwrap();
            let in_path: BTreeSet<&str> = parameters
                .iter()
                .filter(|parameter| parameter["in"] == "path")
                .map(|parameter| parameter["name"].as_str().unwrap())
                .collect();
            let expected: BTreeSet<&str> = path
                .split('/')
                .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
                .collect();
            assert_eq!(in_path, expected, "{method} {path}");
            assert_eq!(
                in_path.len()
                    + parameters
                        .iter()
                        .filter(|parameter| parameter["in"] != "path")
                        .count(),
                parameters.len()
            );
            assert!(operation["responses"]["default"].is_object());
            assert_ne!(
                operation["requestBody"].is_object(),
                method == "get" || method == "delete" || operation["requestBody"].is_null()
            );
        }
    }
    assert_eq!(ids.len(), OPERATIONS.len());
}

#[tokio::test]
async fn what_is_served_is_what_answers_are_held_against() {
    let mut document = served().await;
    document["servers"] = openapi("")["servers"].clone();
    assert_eq!(document, openapi(""));
}

#[tokio::test]
async fn the_reference_names_every_operation_and_asks_nobody_else() {
    let peer = demo();
    let request = Request::get("/api/v1/docs").bytes(peer.port);
    let page = peer.send_bytes(&request).await.unwrap();
    page.is(200);
    let policy = page.header("content-security-policy").unwrap();
    assert!(policy.contains("default-src 'none'"), "{policy}");
    for operation in OPERATIONS {
        assert!(page.body.contains(operation.path), "{}", operation.path);
        assert!(
            page.body
                .contains(&operation.summary.replace('\'', "&#39;")),
            "{}",
            operation.id
        );
    }
    for (code, ..) in PROBLEMS {
        assert!(
            page.body.contains(&format!("id=\"problem-{code}\"")),
            "{code}"
        );
    }
    for name in openapi("")["components"]["schemas"]
        .as_object()
        .unwrap()
        .keys()
    {
        assert!(
            page.body.contains(&format!("id=\"{name}\""))
                || name == "Problem"
                || page.body.contains(name.as_str()),
            "{name}"
        );
    }
}
