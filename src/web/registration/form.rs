//! A registration that comes as a form, which has no types: the dialect's table says what each
//! member is.

use serde_json::{Map, Value as Json};

use crate::dialect::RegistrationShape;
use crate::protocol::MemberKind;

/// The members. Lists are written as ASP.NET reads them: `a=1&a=2`, `a[]=1`, `a[0]=1`.
pub fn members(shape: &RegistrationShape, pairs: Vec<(String, String)>) -> Map<String, Json> {
    let mut members = Map::new();
    for (name, value) in pairs {
        let name = name.split('[').next().unwrap_or_default();
        let known = shape.request.find(name, shape.ignore_case_of_members);
        let is_list = known.is_some_and(|known| known.kind == MemberKind::List);
        match members.get_mut(name) {
            Some(Json::Array(items)) => items.push(Json::String(value)),
            // A text that stands twice has two readings: it is of the wrong type.
            Some(other) => *other = Json::Array(vec![other.clone(), Json::String(value)]),
            None if is_list => {
                members.insert(name.to_owned(), Json::Array(vec![Json::String(value)]));
            }
            None => {
                members.insert(name.to_owned(), Json::String(value));
            }
        }
    }
    members
}
