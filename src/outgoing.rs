//! The one way out: everything this server asks of others goes through here.

use std::net::{IpAddr, SocketAddr};
use std::sync::{Arc, OnceLock};
use std::time::Duration;

use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use tokio::sync::Semaphore;
use url::{Host, Url};

/// How long another server may take, from first to last.
const PATIENCE: Duration = Duration::from_secs(5);

/// In bytes: what is read of an answer. Nothing that is fetched has a reason to be larger.
const LARGEST_ANSWER: usize = 64 * 1024;

/// So many requests may be on their way; the others wait.
const AT_ONCE: usize = 16;

/// So many fetches may be on their way; more are refused. Strangers ask for them, and may not keep
/// others waiting.
const FETCHES_AT_ONCE: usize = 4;

/// Sends requests to other servers: HTTPS, bounded in time, no redirects, and no address that
/// leads into a private network, where a URL that somebody registered could reach what only this
/// server can (server-side request forgery).
#[derive(Clone)]
pub struct Outgoing {
    /// Made when it is first needed: reading the certificate authorities takes longer than the
    /// rest of a start. `None` when it cannot be made.
    client: Arc<OnceLock<Option<reqwest::Client>>>,
    turns: Arc<Semaphore>,
    fetches: Arc<Semaphore>,
    allows_loopback: bool,
}

#[derive(Debug, thiserror::Error)]
pub enum OutgoingError {
    #[error("{0} is not a URL that may be asked: it must be https, and lead to no private address")]
    Forbidden(String),
    #[error("{host} did not answer: {reason}")]
    Failed { host: String, reason: String },
    #[error("{host} answered {status}")]
    Refused { host: String, status: u16 },
}

impl Outgoing {
    /// `allows_loopback` is for `locum dev`: servers of this machine, also over plain HTTP.
    pub fn new(allows_loopback: bool) -> Self {
        Self {
            client: Arc::default(),
            turns: Arc::new(Semaphore::new(AT_ONCE)),
            fetches: Arc::new(Semaphore::new(FETCHES_AT_ONCE)),
            allows_loopback,
        }
    }

    fn client(&self) -> Option<&reqwest::Client> {
        let allows_loopback = self.allows_loopback;
        let make = || {
            reqwest::Client::builder()
                .timeout(PATIENCE)
                .redirect(reqwest::redirect::Policy::none())
                .no_proxy()
                .user_agent(concat!("Locum/", env!("CARGO_PKG_VERSION")))
                .dns_resolver(Arc::new(PublicAddresses { allows_loopback }))
                .build()
                .inspect_err(|error| tracing::error!(%error, "nothing can be asked of others"))
                .ok()
        };
        self.client.get_or_init(make).as_ref()
    }

    /// Posts a form; what is answered besides its status is not read.
    pub async fn post_form(&self, url: &str, body: String) -> Result<(), OutgoingError> {
        let parsed = self.check(url)?;
        let host = parsed.host_str().unwrap_or_default().to_owned();
        let Some(client) = self.client() else {
            return Err(OutgoingError::Failed {
                host,
                reason: "this server has no client to ask with".to_owned(),
            });
        };
        // Never closed.
        let _turn = self.turns.acquire().await;
        let sending = client
            .post(parsed)
            .header("content-type", "application/x-www-form-urlencoded")
            .body(body)
            .send();
        match sending.await {
            Ok(answer) if answer.status().is_success() => Ok(()),
            Ok(answer) => Err(OutgoingError::Refused {
                host,
                status: answer.status().as_u16(),
            }),
            Err(error) => Err(OutgoingError::Failed {
                host,
                reason: error.without_url().to_string(),
            }),
        }
    }

    /// Fetches a document of at most 64 KiB.
    pub async fn get(&self, url: &str) -> Result<Vec<u8>, OutgoingError> {
        let parsed = self.check(url)?;
        let host = parsed.host_str().unwrap_or_default().to_owned();
        let failed = |reason: String| OutgoingError::Failed {
            host: host.clone(),
            reason,
        };
        let client = self
            .client()
            .ok_or_else(|| failed("this server has no client to ask with".to_owned()))?;
        let _turn = self
            .fetches
            .try_acquire()
            .map_err(|_| failed("too many others are being asked".to_owned()))?;
        let answer = client
            .get(parsed)
            .header("accept", "application/json")
            .send();
        let mut answer = answer
            .await
            .map_err(|error| failed(error.without_url().to_string()))?;
        if !answer.status().is_success() {
            return Err(OutgoingError::Refused {
                status: answer.status().as_u16(),
                host,
            });
        }
        let mut body = Vec::new();
        while let Some(chunk) = answer
            .chunk()
            .await
            .map_err(|error| failed(error.without_url().to_string()))?
        {
            body.extend_from_slice(&chunk);
            if body.len() > LARGEST_ANSWER {
                return Err(failed(format!("more than {LARGEST_ANSWER} bytes")));
            }
        }
        Ok(body)
    }

    fn check(&self, url: &str) -> Result<Url, OutgoingError> {
        let forbidden = || OutgoingError::Forbidden(url.chars().take(200).collect());
        let parsed = Url::parse(url).map_err(|_| forbidden())?;
        let is_loopback_name = matches!(parsed.host(), Some(Host::Domain(name))
            if name == "localhost" || name.ends_with(".localhost"));
        // A literal address is never looked up, so the resolver below does not see it.
        let literal = match parsed.host() {
            Some(Host::Ipv4(address)) => Some(IpAddr::V4(address)),
            Some(Host::Ipv6(address)) => Some(IpAddr::V6(address)),
            Some(Host::Domain(_)) => None,
            None => return Err(forbidden()),
        };
        let is_loopback = is_loopback_name || literal.is_some_and(|address| address.is_loopback());
        let is_allowed = match literal {
            Some(address) => is_public(address) || (self.allows_loopback && is_loopback),
            None => true,
        };
        let is_safe = parsed.scheme() == "https"
            || (parsed.scheme() == "http" && self.allows_loopback && is_loopback);
        if is_allowed && is_safe {
            Ok(parsed)
        } else {
            Err(forbidden())
        }
    }
}

/// Looks names up, and forgets the addresses that nobody else could reach.
struct PublicAddresses {
    allows_loopback: bool,
}

impl Resolve for PublicAddresses {
    fn resolve(&self, name: Name) -> Resolving {
        let allows_loopback = self.allows_loopback;
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let allowed: Vec<SocketAddr> = found
                .filter(|address| {
                    let ip = address.ip();
                    is_public(ip) || (allows_loopback && ip.is_loopback())
                })
                .collect();
            if allowed.is_empty() {
                return Err("its name leads to no public address".into());
            }
            Ok(Box::new(allowed.into_iter()) as Addrs)
        })
    }
}

/// Whether an address is out on the internet, as far as its registration tells.
fn is_public(address: IpAddr) -> bool {
    match address {
        IpAddr::V4(v4) => {
            let [first, second, third, _] = v4.octets();
            let is_shared = first == 100 && (64..128).contains(&second); // RFC 6598
            let is_protocol = first == 192 && second == 0 && third == 0; // RFC 6890
            let is_benchmark = first == 198 && (18..20).contains(&second); // RFC 2544
            !(v4.is_private()
                || v4.is_loopback()
                || v4.is_link_local()
                || v4.is_broadcast()
                || v4.is_documentation()
                || v4.is_multicast()
                || first == 0
                || first >= 240
                || is_shared
                || is_protocol
                || is_benchmark)
        }
        IpAddr::V6(v6) => {
            let embedded = v6.to_ipv4_mapped().or_else(|| nat64(v6));
            match embedded {
                Some(v4) => is_public(IpAddr::V4(v4)),
                None => {
                    let [first, second, ..] = v6.segments();
                    // 2000::/3 is all that is given out, less documentation, and less 6to4 and
                    // Teredo, which lead to an IPv4 address of anybody's choice.
                    let is_special =
                        first == 0x2002 || (first == 0x2001 && (second == 0x0db8 || second == 0));
                    (first & 0xe000) == 0x2000 && !is_special
                }
            }
        }
    }
}

/// The IPv4 address in one of `64:ff9b::/96` (RFC 6052).
fn nat64(address: std::net::Ipv6Addr) -> Option<std::net::Ipv4Addr> {
    let segments = address.segments();
    let [0x64, 0xff9b, 0, 0, 0, 0, high, low] = segments else {
        return None;
    };
    let ([a, b], [c, d]) = (high.to_be_bytes(), low.to_be_bytes());
    Some(std::net::Ipv4Addr::new(a, b, c, d))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn private_addresses_are_out_of_bounds() {
        for address in [
            "10.0.0.1",
            "127.0.0.1",
            "169.254.169.254",
            "192.168.1.1",
            "100.64.0.1",
            "0.0.0.0",
            "::1",
            "fd00::1",
            "fe80::1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:a00:1::1",
            "2001:0:4136:e378::1",
        ] {
            assert!(!is_public(address.parse().unwrap()), "{address}");
        }
        for address in ["93.184.216.34", "2606:2800:220:1::1"] {
            assert!(is_public(address.parse().unwrap()), "{address}");
        }
    }

    #[test]
    fn only_https_leaves_but_to_this_machine_in_development() {
        let strict = Outgoing::new(false);
        let dev = Outgoing::new(true);
        assert!(strict.check("https://app.example/logout").is_ok());
        for url in [
            "http://app.example/logout",
            "https://127.0.0.1/",
            "http://localhost:8080/",
            "https://[::1]/",
            "file:///etc/passwd",
            "https://10.1.2.3/",
        ] {
            assert!(strict.check(url).is_err(), "{url}");
        }
        assert!(dev.check("http://localhost:3000/logout").is_ok());
        assert!(dev.check("http://127.0.0.1:3000/logout").is_ok());
        assert!(dev.check("http://app.example/logout").is_err());
        assert!(dev.check("https://10.1.2.3/").is_err());
    }
}
