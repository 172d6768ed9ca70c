//! Which endpoints a dialect serves, and where.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Error as _, SeqAccess, Visitor};
use serde::{Deserialize, Deserializer};

/// The endpoints a dialect can serve.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Endpoint {
    /// RFC 6749 §3.2
    Token,
    /// RFC 7662
    Introspection,
    /// RFC 7009
    Revocation,
    /// OIDC Discovery 1.0 §4, RFC 8414 §3
    Discovery,
    /// RFC 7517 §5
    Jwks,
    /// RFC 6749 §3.1
    Authorization,
    /// OIDC Core §5.3
    Userinfo,
    /// OIDC RP-Initiated Logout §2
    EndSession,
    /// Auth0's own way out: `returnTo`
    ReturnToLogout,
    /// OIDC Session Management §3.3
    CheckSession,
    /// RFC 7591 §3; the client configuration endpoints of RFC 7592 are below it.
    Registration,
    /// Ory Hydra's administration of clients, each below it.
    ClientsAdmin,
    /// Pages that document registration, as ASP.NET has them.
    RegistrationHelp,
}

impl Endpoint {
    /// What it is, for people.
    pub const fn title(self) -> &'static str {
        match self {
            Self::Token => "Token endpoint",
            Self::Introspection => "Introspection endpoint",
            Self::Revocation => "Revocation endpoint",
            Self::Discovery => "Discovery",
            Self::Jwks => "JWKS",
            Self::Authorization => "Authorization endpoint",
            Self::Userinfo => "UserInfo endpoint",
            Self::EndSession => "End session endpoint",
            Self::ReturnToLogout => "Logout with returnTo",
            Self::CheckSession => "Session check frame",
            Self::Registration => "Registration endpoint",
            Self::ClientsAdmin => "Clients administration",
            Self::RegistrationHelp => "Help pages",
        }
    }
}

/// Each endpoint's paths: the first is advertised, the others answer as well.
#[derive(Debug, Clone)]
pub struct Endpoints(Vec<(Endpoint, Vec<String>)>);

impl Endpoints {
    pub fn iter(&self) -> impl Iterator<Item = (Endpoint, &str)> {
        self.0
            .iter()
            .flat_map(|(endpoint, paths)| paths.iter().map(|path| (*endpoint, path.as_str())))
    }

    /// The advertised path; `None` when the dialect does not serve this endpoint.
    pub fn find(&self, endpoint: Endpoint) -> Option<&str> {
        self.iter()
            .find(|(known, _)| *known == endpoint)
            .map(|(_, path)| path)
    }
}

impl<'de> Deserialize<'de> for Endpoints {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let table = HashMap::<Endpoint, Paths>::deserialize(deserializer)?;
        let mut endpoints: Vec<(Endpoint, Vec<String>)> = table
            .into_iter()
            .map(|(endpoint, paths)| (endpoint, paths.0))
            .collect();
        endpoints.sort_by_key(|(endpoint, _)| *endpoint as u8);
        let endpoints = Self(endpoints);
        if endpoints.find(Endpoint::Token).is_none() {
            return Err(D::Error::custom(
                "`token` is missing; expected the path of the token endpoint",
            ));
        }
        Ok(endpoints)
    }
}

/// One path or several, each checked where it stands, so that a mistake has its place.
struct Paths(Vec<String>);

impl<'de> Deserialize<'de> for Paths {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct OneOrMany;
        impl<'de> Visitor<'de> for OneOrMany {
            type Value = Paths;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a path or an array of paths")
            }

            fn visit_str<E: serde::de::Error>(self, path: &str) -> Result<Paths, E> {
                let is_plain =
                    |byte: u8| byte.is_ascii_graphic() && !b"?#\\\"<>%{}".contains(&byte);
                if path.starts_with('/') && path.bytes().all(is_plain) {
                    return Ok(Paths(vec![path.to_owned()]));
                }
                Err(E::custom(format!(
                    "{path:?} is not a path; expected something like \"/oauth2/token\""
                )))
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Paths, A::Error> {
                let mut paths = Vec::new();
                while let Some(Paths(path)) = seq.next_element()? {
                    paths.extend(path);
                }
                Ok(Paths(paths))
            }
        }
        deserializer.deserialize_any(OneOrMany)
    }
}

/// Where a reverse proxy asks, below every issuer's path in every dialect.
pub const FORWARD_AUTH: &str = "/forward-auth";

/// Locum's own pages, and all below them, at every issuer that has an authorization endpoint.
pub const PAGES: [&str; 8] = [
    "/sign-in",
    "/choose-account",
    "/consent",
    "/sign-out",
    "/set-password",
    "/account",
    "/brand.css",
    "/brand",
];

/// The page of Locum's own that a path is at, or below.
pub fn page_at(path: &str) -> Option<&'static str> {
    PAGES.into_iter().find(|page| {
        path.strip_prefix(page)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
    })
}
