//! Reads a request's body into parameters, whatever it is encoded as, within bounds.

use std::borrow::Cow;
use std::fmt;
use std::time::Duration;

use actix_web::http::header::CONTENT_TYPE;
use actix_web::{HttpRequest, web};
use futures_util::StreamExt;
use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};

use crate::dialect::{BodyEncoding, TokenRequestPolicy};
use crate::protocol::{Fault, Parameters, parameter};

/// No request to an OAuth endpoint needs more.
const LARGEST: usize = 64 * 1024;
/// What is read, and thrown away, of a body that is too large. Answering while the client still
/// sends makes the kernel reset the connection, and the client never sees why.
const DRAINED: usize = 16 * 1024 * 1024;
const PATIENCE: Duration = Duration::from_secs(10);

/// The parameters in the body.
///
/// # Errors
/// `BodyTooLarge`, `RequestTimeout`, `UnsupportedMediaType`, `MissingMediaType`, `EmptyBody`,
/// `MalformedBody`, `InvalidEncoding`, and those of [`Parameters::new`].
pub async fn parameters(
    request: &HttpRequest,
    payload: web::Payload,
    policy: &TokenRequestPolicy,
) -> Result<Parameters, Fault> {
    let body = bytes(payload).await?;
    let Some(header) = request.headers().get(CONTENT_TYPE) else {
        return Err(if body.is_empty() {
            Fault::EmptyBody
        } else {
            Fault::MissingMediaType
        });
    };
    let media_type = MediaType::parse(header.to_str().unwrap_or_default());
    let pairs = match media_type.encoding(&policy.body)? {
        BodyEncoding::Form => form(&body)?,
        // No bytes are no JSON, but a client that forgot its body is helped more by hearing that.
        BodyEncoding::Json | BodyEncoding::Multipart if body.is_empty() => {
            return Err(Fault::EmptyBody);
        }
        BodyEncoding::Json => json(&body)?,
        BodyEncoding::Multipart => Box::pin(multipart(media_type.full, body)).await?,
    };
    if pairs.is_empty() && policy.refuses_empty_form {
        return Err(Fault::EmptyBody);
    }
    if pairs
        .iter()
        .any(|(name, value)| name.contains('\0') || value.contains('\0'))
    {
        return Err(Fault::InvalidEncoding);
    }
    let aliases = &policy.parameter_aliases;
    Parameters::new(pairs.into_iter().map(|(name, value)| {
        let name = aliases.get(&name).cloned().unwrap_or(name);
        (name, value)
    }))
}

/// The body as it is.
///
/// # Errors
/// `BodyTooLarge`, `RequestTimeout`, `MalformedBody`.
pub async fn bytes(payload: web::Payload) -> Result<Vec<u8>, Fault> {
    tokio::time::timeout(PATIENCE, read(payload))
        .await
        .map_err(|_| Fault::RequestTimeout)?
}

/// A body that is a document and no list of parameters.
pub enum Document {
    Json(serde_json::Value),
    Form(Vec<(String, String)>),
}

/// The document in the body.
///
/// # Errors
/// `BodyTooLarge`, `RequestTimeout`, `UnsupportedMediaType`, `MissingMediaType`, `EmptyBody`,
/// `MalformedBody`, `InvalidEncoding`.
pub async fn document(
    request: &HttpRequest,
    payload: web::Payload,
    accepted: &[BodyEncoding],
) -> Result<Document, Fault> {
    let body = bytes(payload).await?;
    let Some(header) = request.headers().get(CONTENT_TYPE) else {
        return Err(if body.is_empty() {
            Fault::EmptyBody
        } else {
            Fault::MissingMediaType
        });
    };
    let media_type = MediaType::parse(header.to_str().unwrap_or_default());
    let encoding = media_type.encoding(accepted)?;
    if body.is_empty() {
        return Err(Fault::EmptyBody);
    }
    Ok(match encoding {
        BodyEncoding::Form | BodyEncoding::Multipart => Document::Form(form(&body)?),
        BodyEncoding::Json => {
            let document: Unrepeated = serde_json::from_slice(&body).map_err(malformed_json)?;
            Document::Json(document.0)
        }
    })
}

/// The fields of a form that a page sends, or the parameters of an authorization request that is
/// posted (OIDC Core §3.1.2.1).
///
/// # Errors
/// `BodyTooLarge`, `RequestTimeout`, `UnsupportedMediaType`, `MissingMediaType`,
/// `InvalidEncoding`.
pub async fn page_form(
    request: &HttpRequest,
    payload: web::Payload,
) -> Result<Vec<(String, String)>, Fault> {
    let body = bytes(payload).await?;
    let header = request.headers().get(CONTENT_TYPE);
    let header = header.ok_or(Fault::MissingMediaType)?;
    let media_type = MediaType::parse(header.to_str().unwrap_or_default());
    media_type.encoding(&[BodyEncoding::Form])?;
    form(&body)
}

/// A `Content-Type` header.
struct MediaType<'a> {
    full: &'a str,
    /// In lower case, without parameters.
    essence: String,
}

impl<'a> MediaType<'a> {
    fn parse(full: &'a str) -> Self {
        let essence = full.split(';').next().unwrap_or_default().trim();
        Self {
            full,
            essence: essence.to_ascii_lowercase(),
        }
    }

    fn encoding(&self, accepted: &[BodyEncoding]) -> Result<BodyEncoding, Fault> {
        let encoding = match self.essence.as_str() {
            "application/x-www-form-urlencoded" => Some(BodyEncoding::Form),
            // RFC 6902 §6 is JSON as well, and who takes the one takes the other.
            "application/json" | "application/json-patch+json" => Some(BodyEncoding::Json),
            "multipart/form-data" => Some(BodyEncoding::Multipart),
            _ => None,
        };
        encoding
            .filter(|encoding| accepted.contains(encoding))
            .ok_or_else(|| Fault::UnsupportedMediaType {
                media_type: self.for_message(),
            })
    }

    /// Only what has the form of a media type: a body's text that got into the wrong header may
    /// be a secret.
    fn for_message(&self) -> String {
        let is_token = |text: &str| {
            !text.is_empty()
                && text
                    .bytes()
                    .all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte))
        };
        match self.essence.split_once('/') {
            Some((kind, subtype)) if is_token(kind) && is_token(subtype) => self.essence.clone(),
            _ => "(not a media type)".to_owned(),
        }
    }
}

async fn read(mut payload: web::Payload) -> Result<Vec<u8>, Fault> {
    let mut body = Vec::new();
    let mut seen = 0;
    while let Some(chunk) = payload.next().await {
        let chunk = chunk.map_err(|_| Fault::MalformedBody {
            reason: "the connection broke off".into(),
        })?;
        seen += chunk.len();
        if seen > DRAINED {
            break;
        }
        if seen <= LARGEST {
            body.extend_from_slice(&chunk);
        }
    }
    if seen > LARGEST {
        return Err(Fault::BodyTooLarge { limit: LARGEST });
    }
    Ok(body)
}

/// `application/x-www-form-urlencoded`, strictly: broken percent-encoding and text that is not
/// UTF-8 are refused, where a lenient parser would put a replacement character into a password.
pub fn form(body: &[u8]) -> Result<Vec<(String, String)>, Fault> {
    body.split(|byte| *byte == b'&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let mut parts = pair.splitn(2, |byte| *byte == b'=');
            let name = parts.next().unwrap_or_default();
            let value = parts.next().unwrap_or_default();
            Ok((form_decode(name)?, form_decode(value)?))
        })
        .collect()
}

/// Undoes form-urlencoding of one name or value.
pub fn form_decode(text: &[u8]) -> Result<String, Fault> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let mut digit = || {
                    let byte = rest.next().ok_or(Fault::InvalidEncoding)?;
                    let digit = char::from(*byte).to_digit(16);
                    digit
                        .and_then(|digit| u8::try_from(digit).ok())
                        .ok_or(Fault::InvalidEncoding)
                };
                digit()? * 16 + digit()?
            }
            byte => *byte,
        });
    }
    // No text anybody means has a NUL, and Postgres stores none.
    match String::from_utf8(decoded) {
        Ok(text) if !text.contains('\0') => Ok(text),
        _ => Err(Fault::InvalidEncoding),
    }
}

/// The members of a JSON object. `scope`, `audience` and `resource` may be arrays of strings.
fn json(body: &[u8]) -> Result<Vec<(String, String)>, Fault> {
    let object: Object = serde_json::from_slice(body).map_err(malformed_json)?;
    let mut pairs = Vec::new();
    for (name, value) in object.0 {
        let may_be_a_list = matches!(
            name.as_str(),
            parameter::SCOPE | parameter::AUDIENCE | parameter::RESOURCE
        );
        match value {
            serde_json::Value::String(text) => pairs.push((name, text)),
            serde_json::Value::Null => {}
            serde_json::Value::Array(items) if may_be_a_list => {
                let texts: Option<Vec<String>> = items
                    .into_iter()
                    .map(|item| match item {
                        serde_json::Value::String(text) => Some(text),
                        _ => None,
                    })
                    .collect();
                let texts = texts.ok_or_else(|| wrong_type(&name))?;
                if name == parameter::SCOPE {
                    pairs.push((name, texts.join(" ")));
                } else {
                    pairs.extend(texts.into_iter().map(|text| (name.clone(), text)));
                }
            }
            _ if parameter::known(&name).is_some() => return Err(wrong_type(&name)),
            // What nobody reads may be of any type.
            _ => {}
        }
    }
    Ok(pairs)
}

fn malformed_json(error: serde_json::Error) -> Fault {
    Fault::MalformedBody {
        reason: Cow::Owned(format!(
            "invalid JSON at line {}, column {}",
            error.line(),
            error.column()
        )),
    }
}

fn wrong_type(name: &str) -> Fault {
    match parameter::known(name) {
        Some(parameter::SCOPE) | None => Fault::WrongScopeType,
        Some(parameter) => Fault::WrongParameterType { parameter },
    }
}

/// A JSON object with all its members, so that a repeated one is seen: a map would keep the last.
struct Object(Vec<(String, serde_json::Value)>);

impl<'de> Deserialize<'de> for Object {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = Object;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Object, A::Error> {
                let mut members = Vec::new();
                while let Some(member) = map.next_entry()? {
                    members.push(member);
                }
                Ok(Object(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// Any JSON in whose outermost object no member stands twice: two readers of it might believe
/// different ones.
struct Unrepeated(serde_json::Value);

impl<'de> Deserialize<'de> for Unrepeated {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = serde_json::Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                write!(f, "an object or an array")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut members = serde_json::Map::new();
                while let Some((name, value)) = map.next_entry::<String, _>()? {
                    if members.insert(name, value).is_some() {
                        return Err(serde::de::Error::custom("a member stands twice"));
                    }
                }
                Ok(members.into())
            }

            fn visit_seq<A: serde::de::SeqAccess<'de>>(
                self,
                mut seq: A,
            ) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = seq.next_element()? {
                    items.push(item);
                }
                Ok(serde_json::Value::Array(items))
            }
        }
        deserializer.deserialize_any(Any).map(Self)
    }
}

/// The members of a JSON object in their order; `None` when it is none.
pub fn ordered_members(json: &[u8]) -> Option<Vec<(String, serde_json::Value)>> {
    serde_json::from_slice::<Object>(json)
        .ok()
        .map(|object| object.0)
}

async fn multipart(content_type: &str, body: Vec<u8>) -> Result<Vec<(String, String)>, Fault> {
    let malformed = |_| Fault::MalformedBody {
        reason: "invalid multipart/form-data".into(),
    };
    let boundary = multer::parse_boundary(content_type).map_err(malformed)?;
    let stream = futures_util::stream::iter([Ok::<_, std::convert::Infallible>(body)]);
    let mut form = multer::Multipart::new(stream, boundary);
    let mut pairs = Vec::new();
    while let Some(field) = form.next_field().await.map_err(malformed)? {
        let name = field.name().unwrap_or_default().to_owned();
        let value = field.bytes().await.map_err(malformed)?;
        let value = String::from_utf8(value.to_vec()).map_err(|_| Fault::InvalidEncoding)?;
        pairs.push((name, value));
        if pairs.len() > Parameters::MOST {
            break;
        }
    }
    Ok(pairs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_form_is_decoded_strictly() {
        let pairs = form(b"a=1%2B1&b=x+y&c&=d&&e==").unwrap();
        let expected = [("a", "1+1"), ("b", "x y"), ("c", ""), ("", "d"), ("e", "=")];
        assert_eq!(
            pairs,
            expected.map(|(name, value)| (name.to_owned(), value.to_owned()))
        );
        for broken in ["a=%", "a=%4", "a=%zz", "a=%+1", "a=%ff%fe", "%c3=1"] {
            assert_eq!(
                form(broken.as_bytes()),
                Err(Fault::InvalidEncoding),
                "{broken}"
            );
        }
    }

    #[test]
    fn json_members_are_strings_once() {
        let read = |body: &str| json(body.as_bytes()).and_then(Parameters::new);
        let fault = |body: &str| read(body).unwrap_err();
        assert!(matches!(
            fault(r#"{"grant_type":"a","grant_type":"b"}"#),
            Fault::RepeatedParameter { .. }
        ));
        assert!(matches!(fault(r#"{"scope":7}"#), Fault::WrongScopeType));
        assert!(matches!(fault(r#"{"scope":[7]}"#), Fault::WrongScopeType));
        assert!(matches!(
            fault(r#"{"client_id":{}}"#),
            Fault::WrongParameterType { .. }
        ));
        assert!(matches!(fault("[]"), Fault::MalformedBody { .. }));
        assert!(matches!(fault(r#"{"a":"#), Fault::MalformedBody { .. }));
        let parameters = read(r#"{"scope":["a","b"],"other":{"x":1},"client_id":null}"#).unwrap();
        assert_eq!(parameters.find("scope"), Some("a b"));
        assert_eq!(parameters.find("client_id"), None);
    }
}
