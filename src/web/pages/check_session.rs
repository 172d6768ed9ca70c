use std::fmt::Write;

use crate::secret::Digest;

/// What a client compares to see whether the session at this server is still the one it knows
/// (OIDC Session Management 1.0 §3.2). `static/check-session.js` computes the same.
///
/// `origin` is the client's, as browsers serialise it; `browser_state` the value of the cookie
/// that page reads; `salt` has no dot and no space.
pub fn session_state(client_id: &str, origin: &str, browser_state: &str, salt: &str) -> String {
    let digest = Digest::of(format!("{client_id} {origin} {browser_state} {salt}").as_bytes());
    let mut state = String::with_capacity(65 + salt.len());
    for byte in digest.as_bytes() {
        // Writing to a string cannot fail.
        let _ = write!(state, "{byte:02x}");
    }
    state + "." + salt
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_a_hash_and_its_salt() {
        // printf 'clinic-spa https://app.example state salt' | sha256sum
        assert_eq!(
            session_state("clinic-spa", "https://app.example", "state", "salt"),
            "2e92ca5fcf832b5b431a6285bd0fe6d0dbc1ba157a8bfca9d1f59943c2fba908.salt"
        );
    }
}
