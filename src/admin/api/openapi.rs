use schemars::generate::SchemaSettings;
use serde_json::{Map, Value as Json, json};

use super::{BASE, OPERATIONS, Operation};

/// The OpenAPI 3.1 document of the admin API, made from the table that routes it and the types it
/// reads and writes.
///
/// `url` is where the server is reached, without a slash at the end.
pub fn openapi(url: &str) -> Json {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.definitions_path = "/components/schemas".into();
        settings.meta_schema = None;
    });
    let mut generator = settings.into_generator();
    let mut paths: Map<String, Json> = Map::new();
    for operation in OPERATIONS {
        let described = describe(operation, &mut generator);
        let path = paths
            .entry(operation.path.to_owned())
            .or_insert_with(|| json!({}));
        if let Json::Object(methods) = path {
            methods.insert(operation.method.to_ascii_lowercase(), described);
        }
    }
    let mut schemas = generator.take_definitions(true);
    schemas.insert("Problem".to_owned(), problem());
    json!({
        "openapi": "3.1.0",
        "info": {
            "title": "Locum admin API",
            "version": env!("CARGO_PKG_VERSION"),
            "description": "Everything an administrator can do. Guarded by Locum's own access tokens: a client of the issuer `console` gets one for the audience `urn:locum:issuer:NAME` (or `urn:locum:server`), with the scopes each operation names.",
        },
        "servers": [{ "url": format!("{url}{BASE}") }],
        "security": [{ "token": [] }],
        "paths": paths,
        "components": {
            "schemas": schemas,
            "securitySchemes": {
                "token": { "type": "http", "scheme": "bearer" },
            },
        },
    })
}

fn describe(operation: &Operation, generator: &mut schemars::SchemaGenerator) -> Json {
    let mut parameters: Vec<Json> = path_parameters(operation.path)
        .map(|name| {
            json!({ "name": name, "in": "path", "required": true, "schema": { "type": "string" } })
        })
        .collect();
    parameters.extend(operation.parameters.iter().map(|parameter| {
        json!({
            "name": parameter.name,
            "in": "query",
            "description": parameter.description,
            "schema": { "type": "string" },
        })
    }));
    if operation.needs_revision {
        parameters.push(json!({
            "name": "If-Match",
            "in": "header",
            "required": true,
            "description": "The ETag of what the change was made from, or *",
            "schema": { "type": "string" },
        }));
    }
    let mut answer = json!({ "description": operation.summary });
    if let Some(schema) = operation.answer {
        answer["content"] =
            json!({ "application/json": { "schema": schema(generator).to_value() } });
    }
    let mut described = json!({
        "operationId": operation.id,
        "summary": operation.summary,
        "description": format!("Needs the scope `{}`.", operation.permission.as_str()),
        "tags": [tag(operation.path)],
        "parameters": parameters,
        "responses": {
            operation.status.to_string(): answer,
            "default": {
                "description": "A problem (RFC 9457)",
                "content": {
                    "application/problem+json": {
                        "schema": { "$ref": "#/components/schemas/Problem" },
                    },
                },
            },
        },
    });
    if let Some(schema) = operation.body {
        let media_type = if operation.method == "PATCH" {
            "application/merge-patch+json"
        } else {
            "application/json"
        };
        let mut schema = schema(generator).to_value();
        if operation.method == "PATCH" {
            // Any of its members, and none has to be there.
            schema = json!({
                "type": "object",
                "description": "What changes (RFC 7396); members as in the schema it refers to",
                "x-patches": schema,
            });
        }
        described["requestBody"] = json!({ "required": operation.method != "POST" || operation.status != 200, "content": { media_type: { "schema": schema } } });
    }
    described
}

fn path_parameters(path: &str) -> impl Iterator<Item = &str> {
    path.split('/')
        .filter_map(|segment| segment.strip_prefix('{')?.strip_suffix('}'))
}

/// `/issuers/{issuer}/clients/…` is about clients.
fn tag(path: &str) -> &str {
    path.split('/')
        .filter(|segment| !segment.is_empty() && !segment.starts_with('{'))
        .nth(usize::from(path.starts_with("/issuers/{issuer}/")))
        .unwrap_or("issuers")
}

fn problem() -> Json {
    json!({
        "type": "object",
        "description": "A problem (RFC 9457)",
        "required": ["type", "title", "status", "detail"],
        "properties": {
            "type": { "type": "string" },
            "title": { "type": "string" },
            "status": { "type": "integer" },
            "detail": { "type": "string" },
            "permission": { "type": "string", "description": "Of a 403: what is lacking" },
            "errors": {
                "type": "array",
                "description": "Of a 422: each thing that is wrong",
                "items": {
                    "type": "object",
                    "required": ["detail"],
                    "properties": {
                        "pointer": { "type": "string", "description": "Where in the body (RFC 6901)" },
                        "parameter": { "type": "string", "description": "Or which parameter of the query" },
                        "detail": { "type": "string" },
                    },
                },
            },
        },
    })
}
