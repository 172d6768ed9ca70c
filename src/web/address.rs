//! One way to reach an issuer, with everything about it that never changes prepared.

use std::collections::HashMap;
use std::sync::Arc;

use super::document::Document;
use super::render;
use super::routes::Target;
use crate::dialect::{Endpoint, FORWARD_AUTH};
use crate::issuer::{Api, Issuer};
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
    targets: HashMap<String, Target>,
}

/// A sample protected resource: something a token can be tried on.
#[derive(Debug, Clone)]
pub struct Resource {
    /// Below the issuer's own path.
    pub path: String,
    pub methods: Vec<&'static str>,
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
    pub fn new(issuer: Arc<Issuer>, base: &str, apis: &[Api], resources: &[Arc<Resource>]) -> Self {
        let dialect = &issuer.dialect;
        let identifier = dialect.identifier(base);
        let metadata = Metadata::new(dialect, &identifier, base, apis);
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
        Self {
            discovery: Document::new(
                dialect.discovery.document.render(&metadata),
                render::rendered(&dialect.discovery.headers, &metadata),
            ),
            jwks: Document::new(
                issuer.keys.jwks().to_vec(),
                render::rendered(&dialect.jwks.headers, &metadata),
            ),
            identifier,
            metadata,
            targets,
            issuer,
        }
    }

    /// The issuer here, ready to answer.
    pub fn authority<'a>(&'a self, core: &'a Core) -> Authority<'a> {
        Authority {
            core,
            issuer: &self.issuer,
            identifier: &self.identifier,
        }
    }

    /// What stands at `path`, which is below this address.
    pub fn find(&self, path: &str) -> Option<&Target> {
        // Borrowed where it can be: this is asked for every request.
        if self.issuer.dialect.ignore_case_of_paths {
            self.targets.get(&self.issuer.dialect.path_key(path))
        } else {
            self.targets.get(path)
        }
    }

    /// Whether this issuer has a discovery document at all.
    pub fn discovery_target(&self) -> Option<&Target> {
        let path = self.issuer.dialect.endpoints.find(Endpoint::Discovery)?;
        self.find(path)
    }
}
