use std::collections::HashSet;

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use schemars::{JsonSchema, SchemaGenerator};
use serde::de::DeserializeOwned;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

use super::answer::{invalid, invalid_members, invalid_parameters, problem};
use super::{ApiAnswer, Operation};
use crate::admin::{Admin, AtIssuer, Problem};
use crate::source::suggest;

/// What somebody asks of the admin API.
#[derive(Clone, Default)]
pub struct ApiRequest {
    pub method: String,
    /// Below [`super::BASE`], percent-encoded as it came: `/issuers/clinic/clients`.
    pub path: String,
    pub query: Vec<(String, String)>,
    pub if_match: Option<String>,
    pub if_none_match: Option<String>,
    pub body: Vec<u8>,
}

/// A request that has found its operation.
pub struct Call<'a> {
    pub admin: &'a Admin<'a>,
    operation: &'static Operation,
    /// What stands in the path, decoded, in its order.
    arguments: Vec<String>,
    request: ApiRequest,
}

/// Things on one page, at most.
const LARGEST_PAGE: i64 = 200;
const PAGE: i64 = 50;
/// Revisions are counted from 1, so nothing is ever at this one.
const NO_REVISION: i64 = 0;

impl<'a> Call<'a> {
    pub(super) fn new(
        admin: &'a Admin<'a>,
        operation: &'static Operation,
        arguments: Vec<String>,
        request: ApiRequest,
    ) -> Result<Self, ApiAnswer> {
        let mut problems = Vec::new();
        let mut names = HashSet::new();
        for (name, value) in &request.query {
            if value.contains('\0') {
                // No text has one, and Postgres looks for none.
                problems.push(Problem::new(name, "has a NUL character"));
            }
            let known = operation.parameters.iter().map(|parameter| parameter.name);
            if !known.clone().any(|known| known == name) {
                let hint = suggest(name, known);
                problems.push(Problem::new(name, format!("is unknown; {hint}")));
            }
            if !names.insert(name) {
                problems.push(Problem::new(name, "stands more than once"));
            }
        }
        if !problems.is_empty() {
            return Err(invalid_parameters(&problems));
        }
        Ok(Self {
            admin,
            operation,
            arguments,
            request,
        })
    }

    /// The issuer that the path begins with.
    pub async fn issuer(&self) -> Result<AtIssuer<'a>, ApiAnswer> {
        let issuer = self.admin.at(self.argument(0)).await?;
        // Before anything is read, so that what is wrong with a request is told only to those who
        // might make it.
        issuer.require(self.operation.permission)?;
        Ok(issuer)
    }

    /// # Errors
    /// Without the operation's permission at the server.
    pub fn at_server(&self) -> Result<&'a Admin<'a>, ApiAnswer> {
        self.admin.require(self.operation.permission, None)?;
        Ok(self.admin)
    }

    /// What stands at a place in the path; the table and the handlers agree on how many there are.
    pub fn argument(&self, index: usize) -> &str {
        self.arguments.get(index).map_or("", String::as_str)
    }

    /// The same where it is a UUID.
    pub fn uuid(&self, index: usize, what: &'static str) -> Result<uuid::Uuid, ApiAnswer> {
        let text = self.argument(index);
        text.parse()
            .map_err(|_| crate::admin::AdminFault::not_found(what, text).into())
    }

    pub fn query(&self, name: &str) -> &str {
        let found = self.request.query.iter().find(|(known, _)| known == name);
        found.map_or("", |(_, value)| value)
    }

    /// A parameter that is `true` or `false`; `None` when it is absent.
    pub fn flag(&self, name: &str) -> Result<Option<bool>, ApiAnswer> {
        match self.query(name) {
            "" => Ok(None),
            "true" => Ok(Some(true)),
            "false" => Ok(Some(false)),
            _ => Err(invalid_parameters(&[Problem::new(
                name,
                "expected true or false",
            )])),
        }
    }

    pub fn is_forced(&self) -> Result<bool, ApiAnswer> {
        Ok(self.flag("force")?.unwrap_or(false))
    }

    pub fn limit(&self) -> Result<i64, ApiAnswer> {
        match self.query("limit") {
            "" => Ok(PAGE),
            text => text
                .parse()
                .ok()
                .filter(|limit| (1..=LARGEST_PAGE).contains(limit))
                .ok_or_else(|| {
                    let message = format!("expected a number from 1 to {LARGEST_PAGE}");
                    invalid_parameters(&[Problem::new("limit", message)])
                }),
        }
    }

    /// Where the page before ended, as [`Self::page`] wrote it.
    pub fn after<T: DeserializeOwned>(&self) -> Result<Option<T>, ApiAnswer> {
        match self.query("after") {
            "" => Ok(None),
            text => BASE64URL
                .decode(text)
                .ok()
                .and_then(|json| serde_json::from_slice::<Json>(&json).ok())
                .filter(|cursor| !has_nul(cursor))
                .and_then(|cursor| serde_json::from_value(cursor).ok())
                .map(Some)
                .ok_or_else(|| {
                    invalid_parameters(&[Problem::new(
                        "after",
                        "expected what the page before says in `next`",
                    )])
                }),
        }
    }

    /// A page of a list. `found` has one more than asked for when there are more; `cursor` says
    /// where an item stands.
    pub fn page<T, D: Serialize, C: Serialize>(
        &self,
        mut found: Vec<T>,
        document: impl Fn(&T) -> D,
        cursor: impl Fn(&T) -> C,
    ) -> Result<ApiAnswer, ApiAnswer> {
        let limit = usize::try_from(self.limit()?).unwrap_or(usize::MAX);
        let has_more = found.len() > limit;
        found.truncate(limit);
        let next = found
            .last()
            .filter(|_| has_more)
            .map(|last| BASE64URL.encode(serde_json::to_vec(&cursor(last)).unwrap_or_default()));
        let items: Vec<D> = found.iter().map(document).collect();
        let answer = ApiAnswer::json(
            200,
            &Page {
                items,
                next: next.clone(),
            },
        );
        Ok(match next {
            None => answer,
            Some(next) => answer.with_header("Link", self.link_to(&next)),
        })
    }

    /// RFC 8288.
    fn link_to(&self, next: &str) -> String {
        let others = self
            .request
            .query
            .iter()
            .filter(|(name, _)| name != "after");
        let mut query = url::form_urlencoded::Serializer::new(String::new());
        for (name, value) in others {
            query.append_pair(name, value);
        }
        query.append_pair("after", next);
        let (base, path) = (super::BASE, &self.request.path);
        format!("<{base}{path}?{}>; rel=\"next\"", query.finish())
    }

    /// Whether it was refused only for what others did meanwhile. Who named a revision has said
    /// that no other will do.
    pub(super) fn may_be_tried_again(&self, refusal: &ApiAnswer) -> bool {
        let tags = self.request.if_match.as_deref();
        let is_of_any_revision = tags.is_none_or(|tags| tags.trim() == "*");
        refusal.lost_a_race && (is_of_any_revision || refusal.status != 412)
    }

    /// The revision that a change was made from (RFC 9110 §13.1.1). `current` is what `*` stands
    /// for.
    ///
    /// # Errors
    /// 428 when the request does not say.
    pub fn revision(&self, current: i64) -> Result<i64, ApiAnswer> {
        let Some(text) = self.request.if_match.as_deref() else {
            return Err(problem(
                428,
                "revision_required",
                "Revision required",
                "Send the ETag of what you read in If-Match, so that nobody's change is overwritten.",
            ));
        };
        if text.trim() == "*" {
            return Ok(current);
        }
        let mut last = None;
        for tag in text.split(',').map(str::trim) {
            let strong = tag.strip_prefix("W/").unwrap_or(tag);
            let number = strong
                .strip_prefix('"')
                .and_then(|rest| rest.strip_suffix('"'))
                .and_then(|number| number.parse().ok());
            let Some(number) = number else {
                return Err(problem(
                    400,
                    "malformed",
                    "Malformed",
                    "If-Match is not one of this API's ETags, which are like \"7\".",
                ));
            };
            // The comparison is the strong one: a weak tag matches nothing, whatever its number.
            let number = if tag == strong { number } else { NO_REVISION };
            if number == current {
                return Ok(current);
            }
            last = Some(number);
        }
        // None of them is current, and the change will be refused for that.
        Ok(last.unwrap_or(current))
    }

    /// The body as a `T`.
    pub fn body<T: DeserializeOwned + JsonSchema>(&self) -> Result<T, ApiAnswer> {
        read(Json::Object(self.members()?), &Map::new())
    }

    /// `current` as the body changes it (RFC 7396). What is read-only may be sent back, and is
    /// left as it is.
    pub fn patched<T, D>(&self, current: &T, document: &D) -> Result<T, ApiAnswer>
    where
        T: Serialize + DeserializeOwned + JsonSchema,
        D: Serialize,
    {
        let patch = Json::Object(self.members()?);
        let mut patched = serde_json::to_value(current).unwrap_or_default();
        merge(&mut patched, &patch);
        let document = match serde_json::to_value(document) {
            Ok(Json::Object(members)) => members,
            _ => Map::new(),
        };
        read(patched, &document)
    }

    fn members(&self) -> Result<Map<String, Json>, ApiAnswer> {
        let malformed = |detail: &str| problem(400, "malformed", "Malformed", detail);
        if self.request.body.is_empty() {
            return Ok(Map::new());
        }
        match serde_json::from_slice(&self.request.body) {
            Ok(Json::Object(members)) => Ok(members),
            Ok(_) => Err(malformed("Expected a JSON object.")),
            Err(error) => Err(malformed(&format!(
                "This is no JSON, at line {}, column {}.",
                error.line(),
                error.column()
            ))),
        }
    }

    /// 304 for what the caller has already (RFC 9110 §13.1.2).
    pub(super) fn conditional(&self, answer: ApiAnswer) -> ApiAnswer {
        let known = self.request.if_none_match.as_deref().unwrap_or_default();
        // Compared weakly: whatever packs answers on their way marks their tags so.
        let mut tags = known
            .split(',')
            .map(|tag| tag.trim().trim_start_matches("W/"));
        let has_it = tags.any(|tag| tag == "*" || Some(tag) == answer.etag.as_deref());
        if self.request.method == "GET" && answer.etag.is_some() && has_it {
            return ApiAnswer {
                status: 304,
                body: None,
                ..answer
            };
        }
        answer
    }
}

/// A page of a list.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct Page<T> {
    pub items: Vec<T>,
    /// For `after`, to get the next page; null on the last one.
    pub next: Option<String>,
}

/// JSON Merge Patch (RFC 7396).
fn merge(target: &mut Json, patch: &Json) {
    let Json::Object(patch) = patch else {
        target.clone_from(patch);
        return;
    };
    if !target.is_object() {
        *target = Json::Object(Map::new());
    }
    let Json::Object(target) = target else { return };
    for (name, value) in patch {
        if value.is_null() {
            target.remove(name);
        } else {
            merge(target.entry(name.clone()).or_insert(Json::Null), value);
        }
    }
}

/// Reads what was sent. Unknown members are mistakes that name the nearest known one, but for those
/// of `read_only`, which are ignored.
fn read<T: DeserializeOwned + JsonSchema>(
    value: Json,
    read_only: &Map<String, Json>,
) -> Result<T, ApiAnswer> {
    let Json::Object(mut members) = value else {
        return Err(problem(
            400,
            "malformed",
            "Malformed",
            "Expected a JSON object.",
        ));
    };
    let schema = SchemaGenerator::default().into_root_schema_for::<T>();
    let known: Vec<&str> = schema
        .get("properties")
        .and_then(Json::as_object)
        .map(|properties| properties.keys().map(String::as_str).collect())
        .unwrap_or_default();
    members.retain(|name, _| known.contains(&name.as_str()) || !read_only.contains_key(name));
    let unknown: Vec<Problem> = members
        .keys()
        .filter(|name| !known.contains(&name.as_str()))
        .map(|name| {
            let hint = suggest(name, known.iter().copied());
            Problem::new(name, format!("is unknown; {hint}"))
        })
        .collect();
    if !unknown.is_empty() {
        return Err(invalid_members(&unknown));
    }
    let has_nul = members.values().any(has_nul);
    if has_nul {
        // No text anybody means has one, and Postgres stores none.
        return Err(problem(
            400,
            "malformed",
            "Malformed",
            "A text has a NUL character in it.",
        ));
    }
    let whole = Json::Object(members.clone());
    serde_path_to_error::deserialize(whole).map_err(|error| {
        let field = error.path().to_string();
        let mut field = field.trim_matches('.').to_owned();
        let message = error.inner().to_string();
        if field.is_empty() {
            field = culprit::<T>(members, &message).unwrap_or_default();
        }
        invalid(&[Problem::new(field, message)])
    })
}

/// The member that a mistake is in, where the reader cannot say: it reads members of flattened
/// types after it has read everything. It is the one without which there is another mistake, or
/// none.
fn culprit<T: DeserializeOwned>(members: Map<String, Json>, message: &str) -> Option<String> {
    if let Some(rest) = message.strip_prefix("missing field `") {
        return rest.split('`').next().map(str::to_owned);
    }
    let mut rest = members.clone();
    let mut needed = None;
    for (name, value) in members {
        rest.remove(&name);
        match serde_json::from_value::<T>(Json::Object(rest.clone())) {
            Err(error) if error.to_string() == message => {}
            // It has to be there, so this says nothing yet.
            Err(error) if error.to_string().starts_with("missing field") => {
                rest.insert(name.clone(), value);
                needed = needed.or(Some(name));
            }
            _ => return Some(name),
        }
    }
    needed
}

fn has_nul(value: &Json) -> bool {
    match value {
        Json::String(text) => text.contains('\0'),
        Json::Array(items) => items.iter().any(has_nul),
        Json::Object(members) => members
            .iter()
            .any(|(name, value)| name.contains('\0') || has_nul(value)),
        _ => false,
    }
}
