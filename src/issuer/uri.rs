//! What URIs must be like that somebody registers.

use url::Url;

/// Schemes with which a URI is not an address but a program or a document: following it would
/// run or show what somebody wrote into it.
const NO_ADDRESSES: [&str; 5] = ["javascript", "data", "vbscript", "file", "blob"];

/// Where people are sent with what is theirs. An application on a device may have a scheme of its
/// own (RFC 8252 §7.1).
///
/// # Errors
/// What is wrong with it.
pub fn check_redirect_uri(uri: &str) -> Result<(), String> {
    match Url::parse(uri) {
        Ok(parsed) if NO_ADDRESSES.contains(&parsed.scheme()) => Err(format!(
            "nobody can be redirected to a {}: URI",
            parsed.scheme()
        )),
        Ok(parsed) if parsed.fragment().is_none() => Ok(()),
        _ => Err("a redirect URI is absolute and has no fragment (RFC 6749 §3.1.2)".to_owned()),
    }
}

/// What is shown to people as a link, or fetched.
pub fn is_web_uri(uri: &str) -> bool {
    Url::parse(uri).is_ok_and(|uri| ["http", "https"].contains(&uri.scheme()))
}
