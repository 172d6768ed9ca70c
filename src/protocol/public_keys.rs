//! A client's own keys (RFC 7517).

use serde_json::Value as Json;

const MOST_KEYS: usize = 16;

/// Members of a private or symmetric key (RFC 7518 §6.2.2, §6.3.2, §6.4; RFC 8037 §2).
const PRIVATE: [&str; 8] = ["d", "p", "q", "dp", "dq", "qi", "oth", "k"];

/// Whether it is a JWK Set of public keys. Whoever sends a private key has given it away; it is
/// better refused than kept.
pub fn check_public_keys(jwks: &Json) -> Result<(), String> {
    let keys = jwks.get("keys").and_then(Json::as_array);
    let keys = keys.ok_or("is no JWK Set: it has no array `keys` (RFC 7517 §5)")?;
    if keys.is_empty() || keys.len() > MOST_KEYS {
        return Err(format!("must have 1 to {MOST_KEYS} keys"));
    }
    keys.iter().try_for_each(public_key)
}

fn public_key(key: &Json) -> Result<(), String> {
    let key = key.as_object().ok_or("has a key that is no object")?;
    let kty = key.get("kty").and_then(Json::as_str);
    if PRIVATE.iter().any(|member| key.contains_key(*member)) || kty == Some("oct") {
        return Err(
            "has a private or symmetric key, which nobody else may know: register the public one"
                .to_owned(),
        );
    }
    let needs: &[&str] = match kty {
        Some("RSA") => &["n", "e"],
        Some("EC") => &["crv", "x", "y"],
        Some("OKP") => &["crv", "x"],
        _ => return Err("has a key whose kty is none of RSA, EC and OKP".to_owned()),
    };
    let has = |name: &&str| key.get(*name).is_some_and(Json::is_string);
    match needs.iter().find(|name| !has(name)) {
        None => Ok(()),
        Some(name) => Err(format!("has a key without {name}")),
    }
}
