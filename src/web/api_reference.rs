//! The admin API's reference as a page: the table of its operations, for people.

use askama::Template;
use serde_json::Value as Json;

use super::App;
use crate::admin::api::{self, OPERATIONS, PROBLEMS};

#[derive(Template)]
#[template(path = "api_reference.html")]
pub struct Reference {
    pub base: String,
    pub groups: Vec<Group>,
    pub schemas: Vec<SchemaView>,
    pub problems: Vec<(&'static str, u16, &'static str)>,
}

/// Operations about the same.
pub struct Group {
    pub name: String,
    pub operations: Vec<OperationView>,
}

pub struct OperationView {
    pub id: &'static str,
    pub method: &'static str,
    pub path: &'static str,
    pub summary: &'static str,
    pub permission: &'static str,
    pub parameters: Vec<(&'static str, &'static str)>,
    pub needs_revision: bool,
    /// Names of schemas.
    pub takes: Option<String>,
    pub gives: Option<String>,
    pub status: u16,
}

pub struct SchemaView {
    pub name: String,
    pub description: String,
    pub members: Vec<MemberView>,
}

pub struct MemberView {
    pub name: String,
    pub kind: String,
    pub is_required: bool,
    pub description: String,
}

impl Reference {
    pub fn new(app: &App) -> Self {
        let url = app.hosting.public_url.as_str().trim_end_matches('/');
        let document = api::openapi(url);
        let mut groups: Vec<Group> = Vec::new();
        for operation in OPERATIONS {
            let described =
                &document["paths"][operation.path][operation.method.to_ascii_lowercase().as_str()];
            let name = described["tags"][0].as_str().unwrap_or_default();
            let takes = &described["requestBody"]["content"];
            let gives = &described["responses"][operation.status.to_string().as_str()]["content"];
            let view = OperationView {
                id: operation.id,
                method: operation.method,
                path: operation.path,
                summary: operation.summary,
                permission: operation.permission.as_str(),
                parameters: operation
                    .parameters
                    .iter()
                    .map(|parameter| (parameter.name, parameter.description))
                    .collect(),
                needs_revision: operation.needs_revision,
                takes: schema_name(takes),
                gives: schema_name(gives),
                status: operation.status,
            };
            match groups.iter_mut().find(|group| group.name == name) {
                Some(group) => group.operations.push(view),
                None => groups.push(Group {
                    name: name.to_owned(),
                    operations: vec![view],
                }),
            }
        }
        let schemas = document["components"]["schemas"].as_object();
        Self {
            base: format!("{url}{}", api::BASE),
            groups,
            schemas: schemas
                .into_iter()
                .flatten()
                .map(|(name, schema)| schema_view(name, schema))
                .collect(),
            problems: PROBLEMS.to_vec(),
        }
    }
}

/// The name of the one schema that a body's `content` refers to.
fn schema_name(content: &Json) -> Option<String> {
    let media = content.as_object()?.values().next()?;
    reference(&media["schema"])
}

fn reference(schema: &Json) -> Option<String> {
    let direct = schema["$ref"].as_str();
    let found = direct.or_else(|| schema["x-patches"]["$ref"].as_str());
    found?.rsplit('/').next().map(str::to_owned)
}

fn schema_view(name: &str, schema: &Json) -> SchemaView {
    let required: Vec<&str> = schema["required"]
        .as_array()
        .into_iter()
        .flatten()
        .filter_map(Json::as_str)
        .collect();
    let members = schema["properties"].as_object();
    SchemaView {
        name: name.to_owned(),
        description: words(schema),
        members: members
            .into_iter()
            .flatten()
            .map(|(member, schema)| MemberView {
                name: member.clone(),
                kind: kind(schema),
                is_required: required.contains(&member.as_str()),
                description: words(schema),
            })
            .collect(),
    }
}

fn words(schema: &Json) -> String {
    schema["description"]
        .as_str()
        .unwrap_or_default()
        .to_owned()
}

/// A type in a few words: `string`, `list of ScopeForm`, `integer or null`.
fn kind(schema: &Json) -> String {
    if let Some(name) = reference(schema) {
        return name;
    }
    for several in ["anyOf", "oneOf", "allOf"] {
        if let Some(options) = schema[several].as_array() {
            let kinds: Vec<String> = options.iter().map(kind).collect();
            return kinds.join(" or ");
        }
    }
    if schema["type"] == "array" {
        return format!("list of {}", kind(&schema["items"]));
    }
    match &schema["type"] {
        Json::String(name) => name.clone(),
        Json::Array(names) => {
            let names: Vec<&str> = names.iter().filter_map(Json::as_str).collect();
            names.join(" or ")
        }
        _ => schema["const"]
            .as_str()
            .map_or_else(|| "anything".to_owned(), |word| format!("\"{word}\"")),
    }
}
