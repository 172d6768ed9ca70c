use toml::Spanned;
use url::Url;

use super::Check;

/// Schemes with which a URI is not an address but a program or a document: following it would
/// run or show what somebody wrote into it.
const NO_ADDRESSES: [&str; 5] = ["javascript", "data", "vbscript", "file", "blob"];

impl Check<'_> {
    /// Where people are sent with what is theirs. An application on a device may have a scheme of
    /// its own (RFC 8252 §7.1).
    pub(super) fn redirect_uri(&mut self, uri: &Spanned<String>) {
        match Url::parse(uri.get_ref()) {
            Ok(parsed) if NO_ADDRESSES.contains(&parsed.scheme()) => self.add(
                uri,
                format!("nobody can be redirected to a {}: URI", parsed.scheme()),
            ),
            Ok(parsed) if parsed.fragment().is_none() => {}
            _ => self.add(
                uri,
                "a redirect URI is absolute and has no fragment (RFC 6749 §3.1.2)",
            ),
        }
    }

    /// What is shown to people as a link, or fetched.
    pub(super) fn web_uri(&mut self, uri: &Option<Spanned<String>>) {
        let Some(uri) = uri else { return };
        let is_web = |parsed: Url| ["http", "https"].contains(&parsed.scheme());
        if !Url::parse(uri.get_ref()).is_ok_and(is_web) {
            self.add(uri, "expected an absolute http or https URI");
        }
    }
}
