//! Clients that register themselves: each vendor's way as its documents print it, what must be
//! refused, and that what was registered works.

mod bad_input;
mod clinic;
mod guarded;
mod medblocks;
mod nethealth;
mod photon;
mod relying_party;

use serde_json::{Value, json};

use crate::support::http::{Answer, Peer, Request};

/// Where the tests' clients are called back.
pub const REDIRECT_URI: &str = "https://booking.example/callback";

/// Registers a client by RFC 7591's names.
pub async fn register(peer: &Peer, path: &str, metadata: Value) -> Answer {
    peer.send(Request::post(path).json(metadata.to_string()))
        .await
}

pub async fn register_at_clinic(peer: &Peer, metadata: Value) -> Answer {
    register(peer, "/clinic/oauth2/register", metadata).await
}

/// As little as a client can say.
pub fn least() -> Value {
    json!({ "redirect_uris": [REDIRECT_URI] })
}

/// `least` with something else said.
pub fn with(members: Value) -> Value {
    let mut all = least();
    for (name, value) in members.as_object().unwrap() {
        all[name] = value.clone();
    }
    all
}

pub fn text(answer: &Answer, name: &str) -> String {
    let json = answer.json();
    let text = json[name].as_str();
    text.unwrap_or_else(|| panic!("no {name} in {answer}"))
        .to_owned()
}

/// An issuer of `standard`, or another dialect, on a server that is nobody's stand-in.
pub fn issuer(dialect: &str, registration: &str) -> String {
    format!(
        r#"
        [[issuer]]
        name = "own"
        dialect = "{dialect}"
        registration = "{registration}"

        [[issuer.api]]
        audience = "https://api.own.example"
        scopes = [
            "charts:read",
            {{ name = "charts:sign", users_only = true }},
            {{ name = "charts:audit", needs_role = true }},
        ]

        [[issuer.user]]
        username = "ada"
        password_hash = "{hash}"
        "#,
        hash = crate::support::user::PASSWORD_HASH
    )
}
