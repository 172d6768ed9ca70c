use serde::Serialize;
use serde_json::{Value as Json, json};

use crate::admin::{AdminFault, Problem, ended, sentence};

/// What the admin API says.
#[derive(Debug, Clone)]
pub struct ApiAnswer {
    pub status: u16,
    /// `None` where there is nothing to say.
    pub body: Option<Json>,
    /// Whether the body is a problem (RFC 9457), and not what was asked for.
    pub is_problem: bool,
    /// `"7"`: what `If-Match` is compared with.
    pub etag: Option<String>,
    /// Whether nothing was done because somebody else was quicker, so that it may go well next time.
    pub lost_a_race: bool,
    /// Further headers: `Location`, `Link`, `Allow`, `Retry-After`.
    pub headers: Vec<(&'static str, String)>,
}

impl ApiAnswer {
    pub fn json(status: u16, body: &impl Serialize) -> Self {
        Self {
            status,
            // Documents are made of what JSON has.
            body: Some(serde_json::to_value(body).unwrap_or_default()),
            is_problem: false,
            etag: None,
            lost_a_race: false,
            headers: Vec::new(),
        }
    }

    pub fn no_content() -> Self {
        Self {
            status: 204,
            body: None,
            is_problem: false,
            etag: None,
            lost_a_race: false,
            headers: Vec::new(),
        }
    }

    pub fn with_revision(mut self, revision: i64) -> Self {
        self.etag = Some(etag(revision));
        self
    }

    pub fn with_header(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.headers.push((name, value.into()));
        self
    }

    pub(super) fn nothing_here(path: &str) -> Self {
        let detail =
            format!("There is nothing at {path}. What there is stands in /api/v1/openapi.json.");
        problem(404, "not_found", "Nothing here", &detail)
    }

    pub(super) fn method_not_allowed(method: &str, allowed: &[&str]) -> Self {
        let allowed = allowed.join(", ");
        let detail = format!("{method} is not understood here; expected {allowed}.");
        problem(405, "method_not_allowed", "Method not allowed", &detail)
            .with_header("Allow", allowed)
    }
}

pub(super) fn etag(revision: i64) -> String {
    format!("\"{revision}\"")
}

/// A problem (RFC 9457). `code` is the end of its type, which the reference explains.
pub fn problem(status: u16, code: &str, title: &str, detail: &str) -> ApiAnswer {
    ApiAnswer {
        is_problem: true,
        ..ApiAnswer::json(
            status,
            &json!({
                "type": format!("/api/v1/docs#problem-{code}"),
                "title": title,
                "status": status,
                "detail": detail,
            }),
        )
    }
}

/// The codes of problems, and what each means: for the reference.
pub const PROBLEMS: [(&str, u16, &str); 15] = [
    (
        "not_found",
        404,
        "There is no such thing, or you may do nothing with it.",
    ),
    (
        "method_not_allowed",
        405,
        "The path is right, the method is not.",
    ),
    (
        "unauthorized",
        401,
        "There is no access token, or it is not good.",
    ),
    (
        "forbidden",
        403,
        "The token lacks the permission that `permission` names.",
    ),
    (
        "invalid",
        422,
        "Something in the body or query is wrong; `errors` says what, and where.",
    ),
    (
        "malformed",
        400,
        "The body is not the JSON that is expected.",
    ),
    ("exists", 409, "Something has this name already."),
    (
        "changed",
        412,
        "It has changed since you read it: read it again, and decide again.",
    ),
    (
        "revision_required",
        428,
        "Send the ETag you read in `If-Match`, so that you overwrite nobody's change.",
    ),
    (
        "in_use",
        409,
        "It is in use; `?force=true` does it all the same.",
    ),
    ("last_owner", 409, "Somebody has to be owner."),
    (
        "not_possible",
        409,
        "It makes no sense for this one; `detail` says why.",
    ),
    (
        "contended",
        409,
        "Others are changing the same at this moment; try again.",
    ),
    ("busy", 429, "Too much at once; try again in a moment."),
    (
        "unavailable",
        503,
        "The server cannot answer at the moment; its log says why.",
    ),
];

impl From<AdminFault> for ApiAnswer {
    fn from(fault: AdminFault) -> Self {
        let detail = sentence(&fault.to_string());
        match fault {
            AdminFault::Forbidden { permission, .. } => {
                let mut answer = problem(403, "forbidden", "Not allowed", &detail);
                add(&mut answer, "permission", permission.as_str().into());
                answer
            }
            AdminFault::NotFound { .. } => problem(404, "not_found", "Not found", &detail),
            AdminFault::Exists { .. } => problem(409, "exists", "Exists already", &detail),
            AdminFault::Changed { .. } => ApiAnswer {
                lost_a_race: true,
                ..problem(412, "changed", "Changed meanwhile", &detail)
            },
            AdminFault::Contended => ApiAnswer {
                lost_a_race: true,
                ..problem(409, "contended", "Contended", &detail)
            },
            AdminFault::Invalid(problems) => invalid(&problems),
            AdminFault::InUse { .. } => problem(
                409,
                "in_use",
                "In use",
                &format!("{detail} ?force=true does it all the same."),
            ),
            AdminFault::LastOwner => problem(409, "last_owner", "The last owner", &detail),
            AdminFault::NotPossible(_) => problem(409, "not_possible", "Not possible", &detail),
            AdminFault::Busy(_) => {
                problem(429, "busy", "Busy", &detail).with_header("Retry-After", "1")
            }
            fault @ (AdminFault::Store(_)
            | AdminFault::Key(_)
            | AdminFault::Sealed(_)
            | AdminFault::Dialect(_)) => {
                // What went wrong inside stays in the log.
                tracing::error!(error = %fault, "the admin API failed");
                problem(
                    503,
                    "unavailable",
                    "Unavailable",
                    "The server cannot answer at the moment.",
                )
            }
        }
    }
}

/// What is wrong with members of what was sent, each with its place (RFC 6901).
pub fn invalid(problems: &[Problem]) -> ApiAnswer {
    wrong(
        problems,
        |problem| json!({ "pointer": pointer(&problem.field) }),
    )
}

/// What is wrong with members that are called as they are: dots and brackets are of the name.
pub(super) fn invalid_members(problems: &[Problem]) -> ApiAnswer {
    wrong(
        problems,
        |problem| json!({ "pointer": format!("#/{}", escaped(&problem.field)) }),
    )
}

/// What is wrong with parameters of the query.
pub(super) fn invalid_parameters(problems: &[Problem]) -> ApiAnswer {
    wrong(problems, |problem| json!({ "parameter": problem.field }))
}

fn wrong(problems: &[Problem], place: impl Fn(&Problem) -> Json) -> ApiAnswer {
    let errors: Vec<Json> = problems
        .iter()
        .map(|problem| {
            let mut error = place(problem);
            error["detail"] = problem.message.as_str().into();
            error
        })
        .collect();
    let detail = match problems {
        [only] if only.field.is_empty() => sentence(&only.message),
        // A name is spelt as it is.
        [only] => format!("`{}`: {}", only.field, ended(&only.message)),
        several => format!("{} things are wrong.", several.len()),
    };
    let mut answer = problem(422, "invalid", "Invalid", &detail);
    add(&mut answer, "errors", errors.into());
    answer
}

/// `grants[0].scopes` as a URI fragment with a JSON pointer: `#/grants/0/scopes`.
fn pointer(field: &str) -> String {
    let mut pointer = "#".to_owned();
    for step in field.split(['.', '[']).filter(|step| !step.is_empty()) {
        pointer.push('/');
        pointer.push_str(&escaped(step.trim_end_matches(']')));
    }
    pointer
}

/// RFC 6901 §3.
fn escaped(step: &str) -> String {
    step.replace('~', "~0").replace('/', "~1")
}

fn add(answer: &mut ApiAnswer, name: &str, value: Json) {
    if let Some(Json::Object(members)) = &mut answer.body {
        members.insert(name.to_owned(), value);
    }
}
