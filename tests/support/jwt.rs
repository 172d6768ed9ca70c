//! A JWT taken apart, without a JOSE library.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use serde_json::Value;

use super::json::Members;

pub struct Jwt {
    /// Members in the order of the token.
    pub header: Members,
    pub claims: Members,
    /// What the signature covers.
    pub signed: String,
    pub signature: Vec<u8>,
}

impl Jwt {
    pub fn parse(token: &str) -> Self {
        let parts: Vec<&str> = token.split('.').collect();
        let [header, claims, signature] = parts[..] else {
            panic!("not a JWT: {token}");
        };
        let text = |part: &str| String::from_utf8(decode(part)).unwrap();
        Self {
            header: Members::parse(&text(header)),
            claims: Members::parse(&text(claims)),
            signed: format!("{header}.{claims}"),
            signature: decode(signature),
        }
    }

    pub fn header(&self, name: &str) -> &Value {
        find(&self.header, name)
    }

    pub fn claim(&self, name: &str) -> &Value {
        find(&self.claims, name)
    }

    /// The same token under another signature.
    pub fn signed_with(&self, signature: &[u8]) -> String {
        format!("{}.{}", self.signed, BASE64URL.encode(signature))
    }
}

fn find<'a>(members: &'a Members, name: &str) -> &'a Value {
    let found = members.0.iter().find(|(own, _)| own == name);
    &found.unwrap_or_else(|| panic!("no {name}")).1
}

pub fn decode(base64url: &str) -> Vec<u8> {
    BASE64URL.decode(base64url).unwrap()
}
