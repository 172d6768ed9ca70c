//! Reverse proxies, and whom they say they pass a request on for.

use std::net::{IpAddr, SocketAddr};

use ipnet::IpNet;

/// Proxies whose word about a client's address is taken. Nobody's, unless somebody says so:
/// whoever is believed may name any address.
#[derive(Debug, Clone, Default)]
pub struct TrustedProxies(Vec<IpNet>);

impl TrustedProxies {
    /// Reads networks, `10.0.0.0/8`, and single addresses.
    ///
    /// # Errors
    /// Names the first that is neither.
    pub fn parse<'a>(texts: impl IntoIterator<Item = &'a str>) -> Result<Self, String> {
        let networks = texts.into_iter().map(|text| {
            let text = text.trim();
            let network = text.parse::<IpNet>();
            network
                .or_else(|_| text.parse::<IpAddr>().map(IpNet::from))
                .map_err(|_| {
                    format!(
                        "{text:?} is not a network; expected an address like 10.0.0.7 or ::1, or a range like 10.0.0.0/8"
                    )
                })
        });
        networks.collect::<Result<_, _>>().map(Self)
    }

    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub fn contains(&self, address: IpAddr) -> bool {
        let address = address.to_canonical();
        self.0.iter().any(|network| network.contains(&address))
    }

    /// Who a request comes from: the peer, or, when that is a trusted proxy, whom its headers
    /// name: the rightmost address that is no trusted proxy's. What stands left of it anybody can
    /// have written.
    ///
    /// A proxy knows `Forwarded` (RFC 7239) or `X-Forwarded-For`, and passes the other one on as
    /// the client sent it. So where the two disagree neither counts, and the request comes from
    /// the proxy.
    pub fn client(
        &self,
        peer: IpAddr,
        forwarded: Option<&str>,
        x_forwarded_for: Option<&str>,
    ) -> IpAddr {
        let peer = peer.to_canonical();
        let forwarded = forwarded.map(|text| self.walk(peer, forwarded_hops(text)));
        let x_forwarded_for =
            x_forwarded_for.map(|text| self.walk(peer, text.split(',').map(node).collect()));
        match (forwarded, x_forwarded_for) {
            (Some(one), Some(other)) if one != other => peer,
            (Some(client), _) | (None, Some(client)) => client,
            (None, None) => peer,
        }
    }

    /// From the peer towards the client, as far as there is trust.
    fn walk(&self, peer: IpAddr, hops: Vec<Option<IpAddr>>) -> IpAddr {
        let mut client = peer;
        for hop in hops.into_iter().rev() {
            match hop {
                Some(address) if self.contains(client) => client = address,
                // Untrusted, or somebody of whom a trusted proxy will not say who it is.
                _ => break,
            }
        }
        client
    }
}

/// The `for` of each element of a `Forwarded` header; `None` where there is no address in it. A
/// header that cannot be taken apart says nothing at all.
fn forwarded_hops(text: &str) -> Vec<Option<IpAddr>> {
    let Some(elements) = split(text, ',') else {
        return Vec::new();
    };
    let hop = |element: &str| {
        split(element, ';')?.into_iter().find_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            let is_for = name.trim().eq_ignore_ascii_case("for");
            is_for.then(|| node(value.trim().trim_matches('"')))?
        })
    };
    elements.into_iter().map(hop).collect()
}

/// Splits outside of quoted strings; `None` when one does not end.
fn split(text: &str, separator: char) -> Option<Vec<&str>> {
    let mut parts = Vec::new();
    let (mut start, mut is_quoted, mut is_escaped) = (0, false, false);
    for (at, c) in text.char_indices() {
        match c {
            _ if is_escaped => is_escaped = false,
            '\\' if is_quoted => is_escaped = true,
            '"' => is_quoted = !is_quoted,
            c if c == separator && !is_quoted => {
                parts.push(text.get(start..at)?);
                start = at + separator.len_utf8();
            }
            _ => {}
        }
    }
    parts.push(text.get(start..)?);
    (!is_quoted).then_some(parts)
}

/// An address, perhaps with a port or in brackets. `unknown` and made-up names are none.
fn node(text: &str) -> Option<IpAddr> {
    let text = text.trim();
    let bare = text
        .strip_prefix('[')
        .and_then(|text| text.strip_suffix(']'))
        .unwrap_or(text);
    let address = bare.parse().ok();
    address
        .or_else(|| Some(text.parse::<SocketAddr>().ok()?.ip()))
        .map(|address| address.to_canonical())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn client(peer: &str, forwarded: Option<&str>, x_forwarded_for: Option<&str>) -> String {
        let trusted = TrustedProxies::parse(["10.0.0.0/8", "::1", "192.0.2.1"]).unwrap();
        trusted
            .client(peer.parse().unwrap(), forwarded, x_forwarded_for)
            .to_string()
    }

    #[test]
    fn only_a_trusted_proxy_is_believed() {
        assert_eq!(
            client("203.0.113.9", None, Some("198.51.100.1")),
            "203.0.113.9"
        );
        assert_eq!(
            client("203.0.113.9", Some("for=198.51.100.1"), None),
            "203.0.113.9"
        );
        assert_eq!(client("10.0.0.1", None, None), "10.0.0.1");
        for peer in ["10.0.0.1", "::1", "192.0.2.1", "::ffff:10.1.2.3"] {
            assert_eq!(client(peer, None, Some("198.51.100.1")), "198.51.100.1");
            assert_eq!(client(peer, Some("for=198.51.100.1"), None), "198.51.100.1");
        }
        let nobody = TrustedProxies::default();
        let peer = "127.0.0.1".parse().unwrap();
        assert_eq!(nobody.client(peer, None, Some("198.51.100.1")), peer);
    }

    #[test]
    fn the_rightmost_that_is_no_proxy_counts_and_nothing_left_of_it() {
        for (header, expected) in [
            ("198.51.100.1", "198.51.100.1"),
            ("127.0.0.1, 198.51.100.1", "198.51.100.1"),
            ("203.0.113.7, 198.51.100.1, 10.0.0.2", "198.51.100.1"),
            ("10.9.9.9,10.0.0.2", "10.9.9.9"),
            ("198.51.100.1, unknown", "10.0.0.1"),
            ("198.51.100.1, unknown, 10.0.0.2", "10.0.0.2"),
            ("198.51.100.1:4711", "198.51.100.1"),
            ("[2001:db8::1]:4711", "2001:db8::1"),
            ("2001:db8::1", "2001:db8::1"),
            ("::ffff:198.51.100.1", "198.51.100.1"),
            ("", "10.0.0.1"),
            (",,,", "10.0.0.1"),
        ] {
            assert_eq!(client("10.0.0.1", None, Some(header)), expected, "{header}");
        }
    }

    #[test]
    fn forwarded_is_read_as_rfc_7239_writes_it() {
        for (header, expected) in [
            (
                "for=198.51.100.1;proto=https;by=203.0.113.43",
                "198.51.100.1",
            ),
            ("For=\"[2001:db8:cafe::17]:4711\"", "2001:db8:cafe::17"),
            ("proto=http; for=198.51.100.1", "198.51.100.1"),
            ("for=203.0.113.7, for=198.51.100.1", "198.51.100.1"),
            ("for=198.51.100.1, for=10.0.0.2", "198.51.100.1"),
            ("for=_hidden", "10.0.0.1"),
            ("proto=https", "10.0.0.1"),
            // What a client may send, for the proxy to append to.
            ("for=\"203.0.113.7, for=198.51.100.1", "10.0.0.1"),
            (
                "x=\"\\\", for=203.0.113.7;\", for=198.51.100.1",
                "198.51.100.1",
            ),
        ] {
            assert_eq!(client("10.0.0.1", Some(header), None), expected, "{header}");
        }
    }

    #[test]
    fn where_two_headers_disagree_neither_counts() {
        let made_up = Some("for=203.0.113.7");
        let agreeing = Some("for=198.51.100.1");
        assert_eq!(
            client("10.0.0.1", made_up, Some("198.51.100.1")),
            "10.0.0.1"
        );
        assert_eq!(
            client("10.0.0.1", agreeing, Some("198.51.100.1")),
            "198.51.100.1"
        );
    }

    #[test]
    fn what_is_no_network_is_named() {
        for wrong in ["localhost", "10.0.0.0/33", "10.0.0", ""] {
            let error = TrustedProxies::parse([wrong]).unwrap_err();
            assert!(error.contains("10.0.0.0/8"), "{error}");
        }
    }
}
