//! The help pages of registration, as ASP.NET has them, made of what the handler itself reads:
//! the dialect's table of members, and a sample that its rules compose.

use actix_web::http::StatusCode;
use actix_web::{HttpRequest, HttpResponse};
use askama::Template;
use serde_json::Value as Json;

use super::super::address::Address;
use super::super::body;
use super::super::pages::{Brand, Policy, respond};
use super::super::{App, render, visitor};
use crate::dialect::{BodyEncoding, Dialect, Endpoint, RequestMember};
use crate::protocol::MemberKind;

/// Where the registration action is documented; `None` in a dialect without help pages.
pub fn help_path(dialect: &Dialect) -> Option<String> {
    let index = dialect.endpoints.find(Endpoint::RegistrationHelp)?;
    let action = dialect.endpoints.find(Endpoint::Registration)?;
    let name = action.trim_matches('/').replace('/', "-");
    Some(format!("{index}/Api/POST-{name}"))
}

/// What both pages have in common.
struct Help<'a> {
    brand: &'a Brand,
    /// Where the issuer stands, without a slash at the end.
    base: &'a str,
    index: String,
    /// `POST api/Clients/Register`
    action: String,
    action_path: String,
    title: &'a str,
    group: &'a str,
    what: &'a str,
    introduction: &'a str,
}

#[derive(Template)]
#[template(path = "help.html")]
struct HelpPage<'a> {
    help: Help<'a>,
}

#[derive(Template)]
#[template(path = "help_action.html")]
struct ActionPage<'a> {
    help: Help<'a>,
    url: String,
    members: Vec<MemberRow<'a>>,
    requests: Vec<Sample>,
    answer: Vec<AnswerRow>,
    answers: Vec<Sample>,
    status: u16,
}

struct MemberRow<'a> {
    name: &'a str,
    description: &'a str,
    kind: &'static str,
    is_required: bool,
}

struct AnswerRow {
    name: String,
    kind: &'static str,
}

/// A media type and what is sent as it.
struct Sample {
    id: &'static str,
    media_type: &'static str,
    text: String,
}

const PAGE: Policy<'_> = Policy::Page {
    form_targets: &[],
    frames: &[],
};

/// The index.
pub fn help(address: &Address) -> HttpResponse {
    match common(address) {
        Some(help) => respond(StatusCode::OK, &HelpPage { help }, &PAGE),
        None => render::not_found(address),
    }
}

/// The page of the registration action.
pub async fn action_help(app: &App, address: &Address, request: &HttpRequest) -> HttpResponse {
    let Some(help) = common(address) else {
        return render::not_found(address);
    };
    let sample = address
        .authority(&app.core, visitor::of(request))
        .sample_registration()
        .await;
    let (request, answer) = match sample {
        Ok(sample) => sample,
        Err(refusal) => {
            return render::refusal(address, Some(Endpoint::RegistrationHelp), &refusal);
        }
    };
    let shape = &address.issuer.dialect.registration;
    let answer = answer
        .and_then(|answer| body::ordered_members(&shape.created.render(&answer)))
        .unwrap_or_default();
    let url = address.metadata.url(Endpoint::Registration);
    let page = ActionPage {
        url: url.unwrap_or_default().to_owned(),
        members: shape.request.iter().map(MemberRow::from).collect(),
        requests: shape
            .body
            .iter()
            .map(|encoding| sample_of(*encoding, &request))
            .collect(),
        answers: vec![sample_of(BodyEncoding::Json, &answer)],
        answer: answer.iter().map(AnswerRow::from).collect(),
        status: shape.status,
        help,
    };
    respond(StatusCode::OK, &page, &PAGE)
}

fn common(address: &Address) -> Option<Help<'_>> {
    let dialect = &address.issuer.dialect;
    let texts = &dialect.registration.help;
    let index = dialect.endpoints.find(Endpoint::RegistrationHelp)?;
    let action = dialect.endpoints.find(Endpoint::Registration)?;
    Some(Help {
        brand: &address.appearance.brand,
        base: &address.path,
        index: format!("{}{index}", address.path),
        action: format!("POST {}", action.trim_start_matches('/')),
        action_path: format!("{}{}", address.path, help_path(dialect)?),
        title: &address.appearance.brand.name,
        group: &texts.group,
        what: &texts.action,
        introduction: &texts.introduction,
    })
}

impl<'a> From<&'a RequestMember> for MemberRow<'a> {
    fn from(member: &'a RequestMember) -> Self {
        Self {
            name: &member.name,
            description: &member.description,
            kind: kind_name(member.kind),
            is_required: member.is_required,
        }
    }
}

impl From<&(String, Json)> for AnswerRow {
    fn from((name, value): &(String, Json)) -> Self {
        let kind = match value {
            Json::Array(_) => MemberKind::List,
            Json::Bool(_) => MemberKind::Flag,
            Json::Number(_) => MemberKind::Number,
            Json::Object(_) => MemberKind::Object,
            Json::Null | Json::String(_) => MemberKind::Text,
        };
        Self {
            name: name.clone(),
            kind: kind_name(kind),
        }
    }
}

/// As such pages call a type.
const fn kind_name(kind: MemberKind) -> &'static str {
    match kind {
        MemberKind::Text => "string",
        MemberKind::List => "Collection of string",
        MemberKind::Flag => "boolean",
        MemberKind::Number => "integer",
        MemberKind::Object => "object",
    }
}

fn sample_of(encoding: BodyEncoding, members: &[(String, Json)]) -> Sample {
    match encoding {
        BodyEncoding::Json => Sample {
            id: "json",
            media_type: "application/json",
            text: pretty(members),
        },
        BodyEncoding::Form | BodyEncoding::Multipart => {
            let mut form = url::form_urlencoded::Serializer::new(String::new());
            for (name, value) in members {
                match value {
                    Json::Array(items) => items.iter().filter_map(Json::as_str).for_each(|item| {
                        form.append_pair(name, item);
                    }),
                    Json::String(text) => {
                        form.append_pair(name, text);
                    }
                    other => {
                        form.append_pair(name, &other.to_string());
                    }
                }
            }
            Sample {
                id: "form",
                media_type: "application/x-www-form-urlencoded",
                text: form.finish(),
            }
        }
    }
}

/// A JSON object as people write it, members in their order.
fn pretty(members: &[(String, Json)]) -> String {
    let lines: Vec<String> = members
        .iter()
        .map(|(name, value)| {
            let value = serde_json::to_string_pretty(value).unwrap_or_default();
            format!(
                "  {}: {}",
                Json::from(name.as_str()),
                value.replace('\n', "\n  ")
            )
        })
        .collect();
    format!("{{\n{}\n}}", lines.join(",\n"))
}
