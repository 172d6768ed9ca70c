//! Checks what a configuration declares. Finds every mistake, each with its line.

mod api;
mod brand;
mod claims;
mod client;
mod grant;
mod person;
mod resource;
mod text;
mod uri;

pub use brand::is_color;
pub use person::profile_problems;
pub use text::{is_description, is_name, is_segment, is_username};

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;

use super::declaration::IssuerDeclaration;
use super::{Config, Declared, Origin, setting};
use crate::dialect::{self, Dialect, Endpoint, page_at};
use crate::issuer::RegistrationPolicy;
use crate::protocol::SigningAlg;
use crate::source::{Mistake, Source};

/// First path segments that are not an issuer's.
const RESERVED: &[&str] = &["console", "healthz", "readyz", "metrics", "static", "api"];

/// Whether an issuer can have this name.
///
/// # Errors
/// Why not.
pub fn is_issuer_name(name: &str) -> Result<(), String> {
    let is_segment = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
    if name.is_empty() || name.len() > 63 || !name.bytes().all(is_segment) {
        return Err(format!(
            "{name:?} cannot be an issuer's name; expected up to 63 of a-z, 0-9 and -, because it becomes a path and a host name"
        ));
    }
    if RESERVED.contains(&name) || page_at(&format!("/{name}")).is_some() {
        return Err(format!("`{name}` is a path of Locum's own"));
    }
    Ok(())
}

/// Whether an issuer can have this host to itself.
///
/// # Errors
/// Why not.
pub fn is_host_name(name: &str) -> Result<(), &'static str> {
    let is_plain = |byte: u8| {
        byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.'
    };
    let is_domain = matches!(url::Host::parse(name), Ok(url::Host::Domain(_)));
    if name.len() > 253 || !name.bytes().all(is_plain) || !is_domain {
        return Err("is not a host name; expected one in lower case, without port");
    }
    if name == "localhost" || name.ends_with(".localhost") {
        return Err("is this machine, and every issuer has its own name below it in development");
    }
    Ok(())
}

/// The longest that audit events may be asked to be kept, in days.
const LONGEST_RETENTION: u32 = 36_500;

/// Whether audit events can be kept for so many days.
///
/// # Errors
/// What was expected.
pub fn is_retention(days: u32) -> Result<(), String> {
    if (1..=LONGEST_RETENTION).contains(&days) {
        return Ok(());
    }
    Err(format!(
        "expected 1 to {LONGEST_RETENTION}, or nothing for ever"
    ))
}

/// Checks the settings at the top of the file.
pub(super) fn settings(config: &Config, source: &Source, folder: &Path) -> Vec<Mistake> {
    let mut check = Check::new(source, folder, Origin::File);
    check.setting(&config.database_url, setting::database_url);
    check.setting(&config.public_url, setting::public_url);
    check.setting(&config.listen, setting::listen);
    check.setting(&config.log, setting::log);
    if let Some(networks) = &config.trusted_proxies
        && let Err(message) = setting::trusted_proxies(networks.get_ref())
    {
        check.add(networks, message);
    }
    check.mistakes
}

pub(super) fn resolve(
    issuers: &[IssuerDeclaration],
    source: &Source,
    folder: &Path,
    origin: Origin,
) -> Result<Vec<Declared>, Vec<Mistake>> {
    let mut check = Check::new(source, folder, origin);
    let mut declared = Vec::new();
    let mut names = HashSet::new();
    let mut hosts = HashSet::new();
    for issuer in issuers {
        check.issuer_name(issuer, &mut names);
        check.host(issuer, &mut hosts);
        match dialect::load(issuer.dialect.get_ref(), folder) {
            Ok(dialect) => {
                check.issuer(issuer, &dialect);
                declared.push(Declared {
                    declaration: issuer.clone(),
                    dialect: Arc::new(dialect),
                    origin,
                });
            }
            Err(mistake) if mistake.at.is_some() => check.mistakes.push(mistake),
            Err(mistake) => check.add(&issuer.dialect, mistake.message),
        }
    }
    if check.mistakes.is_empty() {
        Ok(declared)
    } else {
        Err(check.mistakes)
    }
}

struct Check<'a> {
    source: &'a Source,
    folder: &'a Path,
    origin: Origin,
    mistakes: Vec<Mistake>,
}

impl<'a> Check<'a> {
    fn new(source: &'a Source, folder: &'a Path, origin: Origin) -> Self {
        Self {
            source,
            folder,
            origin,
            mistakes: Vec::new(),
        }
    }
}

impl Check<'_> {
    fn add<T>(&mut self, at: &Spanned<T>, message: impl Into<String>) {
        // What the environment says stands in no line.
        let start = Some(at.span().start).filter(|_| at.span() != (0..0));
        let mistake = self.source.mistake(start, message);
        self.mistakes.push(mistake);
    }

    fn setting<T>(&mut self, value: &Option<Spanned<String>>, read: fn(&str) -> Result<T, String>) {
        if let Some(value) = value
            && let Err(message) = read(value.get_ref())
        {
            self.add(value, message);
        }
    }

    fn issuer_name<'a>(&mut self, issuer: &'a IssuerDeclaration, known: &mut HashSet<&'a str>) {
        let name = issuer.name.get_ref().as_str();
        if let Err(message) = is_issuer_name(name) {
            self.add(&issuer.name, message);
        }
        if !known.insert(name) {
            self.add(&issuer.name, format!("issuer `{name}` is declared twice"));
        }
    }

    fn host<'a>(&mut self, issuer: &'a IssuerDeclaration, known: &mut HashSet<&'a str>) {
        let Some(host) = &issuer.host else { return };
        let name = host.get_ref().as_str();
        if let Err(message) = is_host_name(name) {
            self.add(host, format!("{name:?} {message}"));
        }
        if !known.insert(name) {
            self.add(host, format!("host `{name}` is given to two issuers"));
        }
    }

    fn issuer(&mut self, issuer: &IssuerDeclaration, dialect: &Dialect) {
        let algs = issuer
            .signing_algs
            .as_ref()
            .map_or(dialect.signing.algs.as_slice(), |algs| algs.get_ref());
        self.brand(&issuer.brand);
        for uri in &issuer.post_logout_redirect_uris {
            self.redirect_uri(uri);
        }
        if let Some(days) = &issuer.audit_retention_days
            && let Err(message) = is_retention(*days.get_ref())
        {
            self.add(days, message);
        }
        if issuer.registration != RegistrationPolicy::Closed
            && dialect.endpoints.find(Endpoint::Registration).is_none()
        {
            self.add(
                &issuer.dialect,
                "registration is not closed, but this dialect has no registration endpoint, so nobody can register there",
            );
        }
        self.apis(&issuer.apis, dialect, algs);
        self.roles(&issuer.roles, &issuer.apis);
        self.clients(issuer, dialect, algs);
        self.users(issuer);
        self.resources(issuer, dialect);
    }

    /// What is signed for a client or API must be signed with a key the issuer has.
    fn signing_alg(&mut self, alg: &Option<Spanned<SigningAlg>>, algs: &[SigningAlg]) {
        if let Some(alg) = alg
            && !algs.contains(alg.get_ref())
        {
            let name = alg.get_ref().as_str();
            self.add(
                alg,
                format!("the issuer has no {name} key; add {name} to its signing_algs"),
            );
        }
    }
}
