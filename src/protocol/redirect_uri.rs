//! Redirect URIs: whether one is registered, and how parameters are put onto it.

use std::collections::HashSet;

use serde::Deserialize;
use url::{Host, Url};

/// How a redirect URI is compared with the registered ones. Byte for byte, but for what a dialect
/// says here (RFC 9700 §4.1.3).
#[derive(Debug, Clone, Copy)]
pub struct RedirectMatching {
    /// Whether the query of the requested URI is left out of the comparison.
    pub ignores_query: bool,
    pub loopback_port: LoopbackPort,
}

/// For which `http` URIs of this machine the port may differ (RFC 8252 §7.3): an application on a
/// device listens wherever it finds a free one.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LoopbackPort {
    /// `127.0.0.1` and `[::1]`, as RFC 8252 has it.
    IpLiterals,
    /// `localhost` as well.
    Localhost,
    /// None: the port counts everywhere.
    Never,
}

impl RedirectMatching {
    /// Whether `requested` is one of `registered`.
    pub fn allows(&self, registered: &[String], requested: &str) -> bool {
        registered.iter().any(|known| self.same(known, requested))
    }

    fn same(&self, registered: &str, requested: &str) -> bool {
        if registered == requested {
            return true;
        }
        let requested = match requested.split_once('?') {
            Some((before, query))
                if self.ignores_query && !registered.contains('?') && is_harmless(query) =>
            {
                before
            }
            _ => requested,
        };
        registered == requested || self.same_but_for_port(registered, requested)
    }

    /// Everything is compared as text, so that nothing a URL parser forgives can differ.
    fn same_but_for_port(&self, registered: &str, requested: &str) -> bool {
        let (Some(registered), Some(requested)) =
            (Loopback::split(registered), Loopback::split(requested))
        else {
            return false;
        };
        let may_differ = match self.loopback_port {
            LoopbackPort::IpLiterals => registered.host != "localhost",
            LoopbackPort::Localhost => true,
            LoopbackPort::Never => false,
        };
        may_differ && registered.host == requested.host && registered.rest == requested.rest
    }
}

/// Whether a query that nobody registered cannot be taken for the answer that is put behind it,
/// and hides no fragment.
fn is_harmless(query: &str) -> bool {
    const ANSWERS: [&str; 6] = ["code", "error", "id_token", "iss", "session_state", "state"];
    let mut names = query
        .split('&')
        .map(|pair| pair.split('=').next().unwrap_or(pair));
    // Encoded names are refused as well: they may be any of these.
    !query.contains('#') && names.all(|name| !ANSWERS.contains(&name) && !name.contains('%'))
}

/// `http://` + host + an optional port + whatever follows.
struct Loopback<'a> {
    host: &'a str,
    rest: &'a str,
}

impl<'a> Loopback<'a> {
    fn split(uri: &'a str) -> Option<Self> {
        let after = uri.strip_prefix("http://")?;
        let host = ["127.0.0.1", "[::1]", "localhost"]
            .into_iter()
            .find(|host| after.starts_with(host))?;
        let after = after.get(host.len()..)?;
        let rest = match after.strip_prefix(':') {
            Some(port) => {
                let digits = port.bytes().take_while(u8::is_ascii_digit).count();
                let (number, rest) = port.split_at_checked(digits)?;
                number.parse::<u16>().ok()?;
                rest
            }
            None => after,
        };
        let is_end = rest.is_empty() || rest.starts_with(['/', '?']);
        is_end.then_some(Self { host, rest })
    }
}

/// The host of an absolute URI; `None` where there is none, or an empty one. It is the sector of
/// pairwise subjects (OIDC Core §8.1), so there is one way to find it.
pub fn host(uri: &str) -> Option<String> {
    match Url::parse(uri).ok()?.host()? {
        Host::Domain("") => None,
        host => Some(host.to_string()),
    }
}

/// Whether all of them have the same one.
pub fn have_one_host<'a>(uris: impl IntoIterator<Item = &'a str>) -> bool {
    let hosts: HashSet<Option<String>> = uris.into_iter().map(host).collect();
    hosts.len() == 1 && !hosts.contains(&None)
}

/// Whether this is a plain `http` URI of this machine, without user info and fragment: what demo
/// clients may be redirected to.
pub fn is_loopback_http(uri: &str) -> bool {
    let Ok(url) = Url::parse(uri) else {
        return false;
    };
    let is_loopback = match url.host() {
        Some(Host::Domain(name)) => name == "localhost" || name.ends_with(".localhost"),
        Some(Host::Ipv4(address)) => address.is_loopback(),
        Some(Host::Ipv6(address)) => address.is_loopback(),
        None => false,
    };
    // Text and parsed form must agree on where the host begins and ends, or a browser may see
    // another one: `http:localhost` is a path to it.
    let has_authority = uri
        .strip_prefix("http://")
        .is_some_and(|rest| !rest.starts_with('/'));
    let is_plain = uri
        .bytes()
        .all(|byte| byte.is_ascii_graphic() && byte != b'\\')
        && url.username().is_empty()
        && url.password().is_none()
        && !uri.contains('#')
        && !uri.contains('@');
    has_authority && is_loopback && is_plain
}

/// The origin of a URI; for a scheme of a device's application, that scheme and a colon. This is
/// what a Content-Security-Policy can name.
pub fn origin(uri: &str) -> Option<String> {
    let url = Url::parse(uri).ok()?;
    match url.origin() {
        url::Origin::Opaque(_) => Some(format!("{}:", url.scheme())),
        tuple @ url::Origin::Tuple(..) => Some(tuple.ascii_serialization()),
    }
}

/// `uri` with parameters put behind its query, or into its fragment. The URI itself stays as it
/// was registered, byte for byte.
pub fn with_parameters(
    uri: &str,
    parameters: &[(String, String)],
    separator: char,
    space: &str,
) -> String {
    let mut out = uri.to_owned();
    let mut next = match (separator, uri.contains('?')) {
        ('?', true) if uri.ends_with(['?', '&']) => "",
        ('?', true) => "&",
        ('?', false) => "?",
        _ => "#",
    };
    for (name, value) in parameters {
        out.push_str(next);
        push_encoded(&mut out, name, space);
        out.push('=');
        push_encoded(&mut out, value, space);
        next = "&";
    }
    out
}

/// Percent-encodes everything but unreserved characters (RFC 3986 §2.3).
fn push_encoded(out: &mut String, text: &str, space: &str) {
    for byte in text.bytes() {
        match byte {
            b' ' => out.push_str(space),
            byte if byte.is_ascii_alphanumeric() || b"-._~".contains(&byte) => {
                out.push(char::from(byte));
            }
            byte => out.push_str(&format!("%{byte:02X}")),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STRICT: RedirectMatching = RedirectMatching {
        ignores_query: false,
        loopback_port: LoopbackPort::IpLiterals,
    };

    fn allows(registered: &str, requested: &str) -> bool {
        STRICT.allows(&[registered.to_owned()], requested)
    }

    #[test]
    fn only_the_port_of_a_loopback_literal_may_differ() {
        assert!(allows("http://127.0.0.1/cb", "http://127.0.0.1:50123/cb"));
        assert!(allows("http://[::1]:1/cb", "http://[::1]/cb"));
        assert!(allows("https://app.example/cb", "https://app.example/cb"));
        for (registered, requested) in [
            ("http://localhost/cb", "http://localhost:3000/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:50123/cb/"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:x/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:99999/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1:80@evil.example/cb"),
            ("http://127.0.0.1/cb", "http://127.0.0.1.evil.example/cb"),
            ("http://127.0.0.1/cb", "https://127.0.0.1/cb"),
            ("https://app.example/cb", "https://app.example/cb?x=1"),
            ("https://app.example/cb", "https://app.example:443/cb"),
            ("https://app.example/cb", "https://app.example/cb#"),
            ("https://app.example/cb", "https://app.example/%63b"),
            ("https://app.example/cb", "https://APP.example/cb"),
        ] {
            assert!(!allows(registered, requested), "{registered} {requested}");
        }
    }

    #[test]
    fn a_query_may_be_left_out_of_the_comparison() {
        let lenient = RedirectMatching {
            ignores_query: true,
            ..STRICT
        };
        let registered = ["https://app.example/cb".to_owned()];
        assert!(lenient.allows(&registered, "https://app.example/cb?photon=true"));
        assert!(!lenient.allows(&registered, "https://app.example/cb/?photon=true"));
        for query in ["a=b#c", "code=stolen", "x=1&state=s", "%63ode=stolen"] {
            let uri = format!("https://app.example/cb?{query}");
            assert!(!lenient.allows(&registered, &uri), "{uri}");
        }
    }

    #[test]
    fn loopback_is_this_machine_and_nothing_that_looks_like_it() {
        for uri in [
            "http://localhost:3000/cb",
            "http://127.0.0.1/",
            "http://[::1]:9/x?y=z",
            "http://app.localhost/cb",
        ] {
            assert!(is_loopback_http(uri), "{uri}");
        }
        for uri in [
            "http://localhost@evil.example/",
            "http://localhost.evil.example/",
            "http://evil.example/#@localhost",
            "http://localhost\\@evil.example/",
            "https://localhost/",
            "javascript:alert(1)//localhost",
            "http://user:pass@localhost/",
            "http://local\thost/",
            "http://localhost/#f",
            "http:localhost",
            "http:/localhost/",
            "http:///localhost/",
        ] {
            assert!(!is_loopback_http(uri), "{uri}");
        }
    }

    #[test]
    fn parameters_go_behind_what_is_there() {
        let parameters = [("code".to_owned(), "a b&c".to_owned())];
        let put = |uri: &str, separator| with_parameters(uri, &parameters, separator, "%20");
        assert_eq!(put("https://a/cb", '?'), "https://a/cb?code=a%20b%26c");
        assert_eq!(
            put("https://a/cb?x=1", '?'),
            "https://a/cb?x=1&code=a%20b%26c"
        );
        assert_eq!(
            put("https://a/cb?x=1", '#'),
            "https://a/cb?x=1#code=a%20b%26c"
        );
    }
}
