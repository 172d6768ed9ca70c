//! The `claims` parameter (OIDC Core §5.5).

use serde_json::{Map, Value as Json};

use crate::account::StandardScope;
use crate::protocol::{Fault, Scope, is_vschar, parameter};

/// Claims about the sign-in, not about the person.
const ABOUT_SIGN_IN: [&str; 3] = ["acr", "auth_time", "sub"];

/// More than any client asks for.
const MOST: usize = 64;

/// Which claims a client asks for by name, and where.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ClaimsRequest {
    id_token: Map<String, Json>,
    userinfo: Map<String, Json>,
}

impl ClaimsRequest {
    /// # Errors
    /// `MalformedParameter` when it is not an object of objects as OIDC Core §5.5 has them.
    pub fn parse(text: &str) -> Result<Self, Fault> {
        let malformed = |reason| Fault::MalformedParameter {
            parameter: parameter::CLAIMS,
            reason,
        };
        let Ok(Json::Object(mut object)) = serde_json::from_str(text) else {
            return Err(malformed("it is not a JSON object"));
        };
        let mut member = |name: &str| match object.remove(name) {
            None | Some(Json::Null) => Ok(Map::new()),
            Some(Json::Object(claims)) if claims.len() > MOST => {
                Err(malformed("it names more than 64 claims"))
            }
            Some(Json::Object(claims)) => {
                if claims
                    .values()
                    .all(|value| value.is_null() || value.is_object())
                {
                    Ok(claims)
                } else {
                    Err(malformed("a claim's value is neither null nor an object"))
                }
            }
            Some(_) => Err(malformed("id_token and userinfo must be JSON objects")),
        };
        let request = Self {
            id_token: member("id_token")?,
            userinfo: member("userinfo")?,
        };
        if request.subject().is_some_and(|subject| !is_vschar(subject)) {
            return Err(malformed("no subject has the value it names"));
        }
        Ok(request)
    }

    /// The names asked for in the ID token.
    pub fn id_token(&self) -> impl Iterator<Item = &str> {
        self.id_token.keys().map(String::as_str)
    }

    /// The names asked for at UserInfo.
    pub fn userinfo(&self) -> impl Iterator<Item = &str> {
        self.userinfo.keys().map(String::as_str)
    }

    /// As JSON, to be kept.
    pub fn to_text(&self) -> Option<String> {
        let is_empty = self.id_token.is_empty() && self.userinfo.is_empty();
        let json = serde_json::json!({ "id_token": self.id_token, "userinfo": self.userinfo });
        (!is_empty).then(|| json.to_string())
    }

    /// The scopes that the claims belong to. Asking for a claim by name asks for no less than its
    /// scope does, so the user is asked for that.
    pub fn scope(&self) -> Scope {
        let names = || self.id_token().chain(self.userinfo());
        let scopes = StandardScope::ALL
            .into_iter()
            .filter(|scope| names().any(|name| scope.claims().contains(&name)));
        Scope::from_tokens(scopes.map(StandardScope::as_str)).unwrap_or_default()
    }

    /// What is left of it for a user who allowed `scope`. Claims of no scope are nobody's to ask
    /// for: a client is registered for them, or does without.
    pub fn within(&self, scope: &Scope) -> Self {
        let is_allowed = |name: &str| {
            ABOUT_SIGN_IN.contains(&name)
                || StandardScope::ALL
                    .into_iter()
                    .any(|own| own.claims().contains(&name) && scope.contains(own.as_str()))
        };
        let keep = |claims: &Map<String, Json>| {
            claims
                .iter()
                .filter(|(name, _)| is_allowed(name))
                .map(|(name, value)| (name.clone(), value.clone()))
                .collect()
        };
        Self {
            id_token: keep(&self.id_token),
            userinfo: keep(&self.userinfo),
        }
    }

    /// The subject that must be the one who signs in (OIDC Core §5.5.1).
    pub fn subject(&self) -> Option<&str> {
        self.id_token.get("sub")?.get("value")?.as_str()
    }

    /// Whether `auth_time` is asked for.
    pub fn wants_auth_time(&self) -> bool {
        self.id_token.contains_key("auth_time")
    }

    /// Whether a sign-in of this class will do: it must be one of those named, if the client
    /// calls that essential (OIDC Core §5.5.1.1).
    pub fn is_satisfied_by_acr(&self, acr: &str) -> bool {
        let Some(asked) = self.id_token.get("acr") else {
            return true;
        };
        let is_essential = asked.get("essential").and_then(Json::as_bool) == Some(true);
        let named: Vec<&str> = asked
            .get("value")
            .into_iter()
            .chain(
                asked
                    .get("values")
                    .and_then(Json::as_array)
                    .into_iter()
                    .flatten(),
            )
            .filter_map(Json::as_str)
            .collect();
        !is_essential || named.is_empty() || named.contains(&acr)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_claims_for_each_place() {
        let request = ClaimsRequest::parse(
            r#"{"userinfo":{"email":{"essential":true}},"id_token":{"auth_time":{"essential":true},"acr":{"essential":true,"values":["2"]},"sub":{"value":"ada"}},"other":1}"#,
        )
        .unwrap();
        assert_eq!(request.userinfo().collect::<Vec<_>>(), ["email"]);
        assert!(request.wants_auth_time());
        assert_eq!(request.subject(), Some("ada"));
        assert!(request.is_satisfied_by_acr("2"));
        assert!(!request.is_satisfied_by_acr("1"));
        assert_eq!(request.scope().to_string(), "email");
        let nothing = request.within(&Scope::default());
        assert_eq!(nothing.userinfo().count(), 0);
        assert!(nothing.wants_auth_time());
    }

    #[test]
    fn refuses_what_it_cannot_be() {
        for text in [
            "",
            "[]",
            "7",
            "{",
            r#"{"userinfo":7}"#,
            r#"{"id_token":{"a":"b"}}"#,
        ] {
            assert!(ClaimsRequest::parse(text).is_err(), "{text}");
        }
    }
}
