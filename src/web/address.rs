//! One way to reach an issuer, with everything about it that never changes prepared.

use std::borrow::Cow;
use std::collections::HashMap;
use std::sync::Arc;

use super::document::Document;
use super::registration;
use super::render;
use super::routes::{Target, UserPage};
use actix_web::http::header::{self, HeaderName, HeaderValue};

use super::pages::{Brand, DemoUser};
use crate::audit::Visitor;
use crate::dialect::{Endpoint, FORWARD_AUTH};
use crate::issuer::{Api, Issuer, Logo};
use crate::oauth::access_token::Requirement;
use crate::oauth::{Authority, Core, Metadata};

/// An issuer at one URL: by path, by host name, or at the root.
pub struct Address {
    pub issuer: Arc<Issuer>,
    /// `iss`, as this address's discovery document has it.
    pub identifier: String,
    pub metadata: Metadata,
    pub discovery: Document,
    pub jwks: Document,
    pub appearance: Arc<Appearance>,
    /// The path of `base`, without a slash at the end: what links on pages begin with.
    pub path: String,
    targets: HashMap<String, Target>,
    /// What stands below other paths, with an ID between.
    below: Vec<Below>,
}

/// `{prefix}/{id}{suffix}`
struct Below {
    prefix: String,
    suffix: String,
    target: Target,
}

impl Below {
    fn has(&self, path: &str) -> bool {
        let id = path
            .strip_prefix(self.prefix.as_str())
            .and_then(|rest| rest.strip_prefix('/'))
            .and_then(|rest| rest.strip_suffix(self.suffix.as_str()));
        id.is_some_and(|id| !id.is_empty() && !id.contains('/'))
    }
}

/// What stands below an issuer's registration and administration of clients.
fn below(issuer: &Issuer) -> Vec<Below> {
    let dialect = &issuer.dialect;
    let paths = |endpoint: Endpoint| {
        let own = dialect.endpoints.iter();
        own.filter(move |(known, _)| *known == endpoint)
            .map(|(_, path)| dialect.path_key(path))
    };
    let mut below = Vec::new();
    if dialect.registration.managed {
        below.extend(paths(Endpoint::Registration).map(|prefix| Below {
            prefix,
            suffix: String::new(),
            target: Target::ClientConfiguration,
        }));
    }
    for prefix in paths(Endpoint::ClientsAdmin) {
        let itself = (None, "");
        let actions = dialect.registration.client_actions.iter();
        let actions = actions.map(|(action, suffix)| (Some(*action), suffix.as_str()));
        below.extend(actions.chain([itself]).map(|(action, suffix)| Below {
            prefix: prefix.clone(),
            suffix: dialect.path_key(suffix),
            target: Target::AdministeredClient(action),
        }));
    }
    below
}

/// How an issuer's pages look.
pub struct Appearance {
    pub brand: Brand,
    pub stylesheet: Document,
    pub logo: Option<Document>,
    /// Whom one may sign in as with one click, in `locum dev`.
    pub demo_users: Vec<DemoUser>,
}

impl Appearance {
    pub fn new(brand: Brand, logo: Option<&Logo>, demo_users: Vec<DemoUser>) -> Self {
        let header = |name: HeaderName, value| (name, HeaderValue::from_static(value));
        let common = || {
            vec![
                header(header::CACHE_CONTROL, "public, max-age=300"),
                header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
                // A picture may be an SVG, which may hold scripts.
                header(
                    header::CONTENT_SECURITY_POLICY,
                    "default-src 'none'; style-src 'unsafe-inline'; sandbox",
                ),
            ]
        };
        let mut headers = common();
        headers.push(header(header::CONTENT_TYPE, "text/css; charset=utf-8"));
        Self {
            stylesheet: Document::new(brand.stylesheet().into_bytes(), headers),
            logo: logo.map(|logo| {
                let mut headers = common();
                if let Ok(media_type) = HeaderValue::from_str(&logo.media_type) {
                    headers.push((header::CONTENT_TYPE, media_type));
                }
                Document::new(logo.bytes.clone(), headers)
            }),
            brand,
            demo_users,
        }
    }
}

/// A sample protected resource: something a token can be tried on.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Below the issuer's own path.
    pub path: String,
    pub methods: Vec<String>,
    pub requirement: Requirement,
    /// Whether `Authorization: <token>` without `Bearer` is understood.
    pub accepts_bare_token: bool,
    /// Headers that may carry the bare token instead.
    pub token_headers: Vec<String>,
    /// Headers a page may send besides.
    pub allow_headers: Vec<String>,
    pub content_type: String,
    pub body: String,
}

impl Address {
    /// `base` is where the issuer stands, without a slash at the end.
    pub fn new(
        issuer: Arc<Issuer>,
        base: &str,
        apis: &[Api],
        resources: &[Arc<Resource>],
        appearance: Arc<Appearance>,
    ) -> Self {
        let dialect = &issuer.dialect;
        let identifier = dialect.identifier(base);
        let metadata = Metadata::new(&issuer, &identifier, base, apis);
        // Checked when they were read: no path stands for two things.
        let mut targets = HashMap::new();
        for (endpoint, path) in dialect.endpoints.iter() {
            targets.insert(dialect.path_key(path), Target::Endpoint(endpoint));
        }
        for resource in resources {
            let target = Target::Resource(resource.clone());
            targets.insert(dialect.path_key(&resource.path), target);
        }
        targets.insert(FORWARD_AUTH.to_owned(), Target::ForwardAuth);
        if let Some(path) = registration::help_path(dialect) {
            targets.insert(dialect.path_key(&path), Target::RegistrationHelp);
        }
        if dialect.has_users() {
            for path in UserPage::PATHS {
                if let Some(page) = UserPage::find(path) {
                    targets.insert(path.to_owned(), Target::Page(page));
                }
            }
        }
        Self {
            discovery: Document::new(
                dialect.discovery.document.render(&metadata),
                render::rendered(&dialect.discovery.headers, &metadata),
            ),
            jwks: Document::new(
                issuer.keys.jwks().to_vec(),
                render::rendered(&dialect.jwks.headers, &metadata),
            ),
            path: url::Url::parse(base)
                .map(|url| url.path().trim_end_matches('/').to_owned())
                .unwrap_or_default(),
            appearance,
            identifier,
            metadata,
            targets,
            below: below(&issuer),
            issuer,
        }
    }

    /// The issuer here, ready to answer.
    pub fn authority<'a>(&'a self, core: &'a Core, visitor: Arc<Visitor>) -> Authority<'a> {
        Authority {
            core,
            issuer: &self.issuer,
            identifier: &self.identifier,
            base: self.metadata.base(),
            visitor,
        }
    }

    /// What stands at `path`, which is below this address.
    pub fn find(&self, path: &str) -> Option<&Target> {
        // Borrowed where it can be: this is asked for every request.
        let key = if self.issuer.dialect.ignore_case_of_paths {
            Cow::Owned(self.issuer.dialect.path_key(path))
        } else {
            Cow::Borrowed(path)
        };
        self.targets.get(&*key).or_else(|| {
            let below = self.below.iter().find(|below| below.has(&key));
            below.map(|below| &below.target)
        })
    }

    /// Whether browsers reach it over HTTPS.
    pub fn is_https(&self) -> bool {
        self.metadata.base().starts_with("https:")
    }

    /// Whether this issuer has a discovery document at all.
    pub fn discovery_target(&self) -> Option<&Target> {
        let path = self.issuer.dialect.endpoints.find(Endpoint::Discovery)?;
        self.find(path)
    }
}
