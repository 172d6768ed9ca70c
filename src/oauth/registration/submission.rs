//! What somebody sends to register a client, read by the dialect's table of members.

use std::collections::BTreeMap;

use serde_json::{Map, Value as Json};

use crate::dialect::{RegistrationShape, RequestMember};
use crate::protocol::{Fault, MemberKind, MetadataMember as Member, MetadataProblem};

/// The members of a request by their meaning, each of its right type.
#[derive(Debug, Default)]
pub struct Submission {
    members: BTreeMap<Member, Typed>,
    /// Of what could not be read, and what is missing.
    pub problems: Vec<MetadataProblem>,
}

#[derive(Debug)]
enum Typed {
    Text(String),
    List(Vec<String>),
    Flag(bool),
    Number(u64),
    Object(Map<String, Json>),
}

/// Who sends it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Sender {
    /// The client itself: some members are not for it.
    Client,
    Administrator,
}

impl Submission {
    /// Members nobody reads are ignored, `null` is as good as nothing (RFC 7592 §2.2).
    ///
    /// # Errors
    /// `MemberRefused`.
    pub fn read(
        shape: &RegistrationShape,
        body: &Map<String, Json>,
        sender: Sender,
    ) -> Result<Self, Fault> {
        if sender == Sender::Client
            && let Some((name, _)) = body
                .iter()
                .find(|(name, value)| says_something(value) && shape.refuses.contains_key(*name))
        {
            return Err(Fault::MemberRefused {
                member: name.clone(),
            });
        }
        let mut submission = Self::default();
        for (name, value) in body.iter().filter(|(_, value)| !value.is_null()) {
            // `client_name#es` and its like are the same in another language (RFC 7591 §2.2), of
            // which only one is kept.
            let known = shape.request.find(name, shape.ignore_case_of_members);
            let Some(known) = known else { continue };
            match typed(known, value) {
                Ok(value) => {
                    submission.members.insert(known.means, value);
                }
                Err(message) => submission.add(known.means, message),
            }
        }
        for required in shape.request.iter().filter(|member| member.is_required) {
            let means = required.means;
            if submission.is_empty(means) && !submission.problems.iter().any(|p| p.member == means)
            {
                submission.problems.push(MetadataProblem::missing(means));
            }
        }
        Ok(submission)
    }

    pub fn add(&mut self, member: Member, message: impl Into<String>) {
        self.problems.push(MetadataProblem::new(member, message));
    }

    /// Whether the member says nothing: absent, or empty.
    fn is_empty(&self, member: Member) -> bool {
        match self.members.get(&member) {
            None => true,
            Some(Typed::Text(text)) => text.is_empty(),
            Some(Typed::List(items)) => items.is_empty(),
            Some(Typed::Flag(_) | Typed::Number(_) | Typed::Object(_)) => false,
        }
    }

    /// The text; `None` when it is absent or empty.
    pub fn text(&self, member: Member) -> Option<&str> {
        match self.members.get(&member) {
            Some(Typed::Text(text)) => Some(text.as_str()).filter(|text| !text.is_empty()),
            _ => None,
        }
    }

    pub fn owned_text(&self, member: Member) -> Option<String> {
        self.text(member).map(str::to_owned)
    }

    pub fn list(&self, member: Member) -> Option<&[String]> {
        match self.members.get(&member) {
            Some(Typed::List(items)) => Some(items),
            _ => None,
        }
    }

    /// The list, each item once.
    pub fn owned_list(&self, member: Member) -> Vec<String> {
        let mut items: Vec<String> = Vec::new();
        for item in self.list(member).unwrap_or_default() {
            if !items.contains(item) {
                items.push(item.clone());
            }
        }
        items
    }

    pub fn flag(&self, member: Member) -> Option<bool> {
        match self.members.get(&member) {
            Some(Typed::Flag(flag)) => Some(*flag),
            _ => None,
        }
    }

    pub fn number(&self, member: Member) -> Option<u64> {
        match self.members.get(&member) {
            Some(Typed::Number(number)) => Some(*number),
            _ => None,
        }
    }

    /// The object; `None` when it is absent or empty.
    pub fn object(&self, member: Member) -> Option<&Map<String, Json>> {
        match self.members.get(&member) {
            Some(Typed::Object(object)) => Some(object).filter(|object| !object.is_empty()),
            _ => None,
        }
    }
}

/// Whether it is more than a default written out.
fn says_something(value: &Json) -> bool {
    match value {
        Json::Null | Json::Bool(false) => false,
        Json::String(text) => !text.is_empty(),
        Json::Array(items) => !items.is_empty(),
        Json::Object(members) => !members.is_empty(),
        Json::Bool(true) | Json::Number(_) => true,
    }
}

/// The value as its vendor sends it, made into what the specification has.
fn typed(known: &RequestMember, value: &Json) -> Result<Typed, String> {
    let value = match (known.kind, value) {
        (MemberKind::Text, Json::String(text)) => Typed::Text(meant(known, text)?),
        (MemberKind::Text, _) => return Err("must be a string".to_owned()),
        (MemberKind::List, Json::Array(items)) => {
            let texts = items.iter().map(|item| match item {
                Json::String(text) => meant(known, text),
                _ => Err("must be an array of strings".to_owned()),
            });
            Typed::List(texts.collect::<Result<_, _>>()?)
        }
        (MemberKind::List, _) => return Err("must be an array of strings".to_owned()),
        (MemberKind::Flag, Json::Bool(flag)) => Typed::Flag(*flag),
        // A form has no other way to say it.
        (MemberKind::Flag, Json::String(text)) if text == "true" => Typed::Flag(true),
        (MemberKind::Flag, Json::String(text)) if text == "false" => Typed::Flag(false),
        (MemberKind::Flag, _) => return Err("must be true or false".to_owned()),
        (MemberKind::Number, Json::Number(number)) => match number.as_u64() {
            Some(number) if i64::try_from(number).is_ok() => Typed::Number(number),
            _ => return Err("must be a whole number, zero or more".to_owned()),
        },
        (MemberKind::Number, _) => return Err("must be a whole number, zero or more".to_owned()),
        (MemberKind::Object, Json::Object(object)) => Typed::Object(object.clone()),
        (MemberKind::Object, _) => return Err("must be an object".to_owned()),
    };
    Ok(match (value, known.means.kind()) {
        (Typed::List(items), MemberKind::Text) => Typed::Text(items.join(" ")),
        (Typed::Text(text), MemberKind::List) if text.is_empty() => Typed::List(Vec::new()),
        (Typed::Text(text), MemberKind::List) => Typed::List(vec![text]),
        (value, _) => value,
    })
}

/// What one of the vendor's words stands for.
fn meant(known: &RequestMember, text: &str) -> Result<String, String> {
    if known.values.is_empty() || text.is_empty() {
        return Ok(text.to_owned());
    }
    let found = known
        .values
        .iter()
        .find(|(name, _)| name.eq_ignore_ascii_case(text));
    found.map(|(_, meant)| meant.clone()).ok_or_else(|| {
        let names: Vec<&str> = known.values.iter().map(|(name, _)| name.as_str()).collect();
        format!("must be one of {}", names.join(", "))
    })
}
