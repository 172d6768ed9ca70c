//! Checks what a configuration declares. Finds every mistake, each with its line.

use std::collections::HashSet;
use std::path::Path;
use std::sync::Arc;

use toml::Spanned;

use super::declaration::{
    ApiDeclaration, ClientDeclaration, GrantDeclaration, IssuerDeclaration, ResourceDeclaration,
    ScopesDeclaration,
};
use super::{Config, Declared, Origin, setting};
use crate::dialect::{self, Dialect, FORWARD_AUTH, TokenFormat, is_header_name, is_header_value};
use crate::issuer::ClientKind;
use crate::protocol::{ClientAuthMethod, GrantType, Scope, is_vschar};
use crate::source::{Mistake, Source, suggest};

/// First path segments that are not an issuer's.
const RESERVED: &[&str] = &["console", "healthz", "readyz", "metrics", "static", "api"];

/// Ten years; longer is a typo in a unit.
const LONGEST_LIFETIME: u64 = 10 * 366 * 24 * 3600;

/// Checks the settings at the top of the file.
pub(super) fn settings(config: &Config, source: &Source, folder: &Path) -> Vec<Mistake> {
    let mut check = Check {
        source,
        folder,
        mistakes: Vec::new(),
    };
    check.setting(&config.database_url, setting::database_url);
    check.setting(&config.public_url, setting::public_url);
    check.setting(&config.listen, setting::listen);
    check.setting(&config.log, setting::log);
    check.mistakes
}

pub(super) fn resolve(
    issuers: &[IssuerDeclaration],
    source: &Source,
    folder: &Path,
    origin: Origin,
) -> Result<Vec<Declared>, Vec<Mistake>> {
    let mut check = Check {
        source,
        folder,
        mistakes: Vec::new(),
    };
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
    mistakes: Vec<Mistake>,
}

impl Check<'_> {
    fn add<T>(&mut self, at: &Spanned<T>, message: impl Into<String>) {
        let mistake = self.source.mistake(Some(at.span().start), message);
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
        let is_segment =
            |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-';
        if name.is_empty() || name.len() > 63 || !name.bytes().all(is_segment) {
            self.add(
                &issuer.name,
                format!(
                    "{name:?} cannot be an issuer's name; expected up to 63 of a-z, 0-9 and -, because it becomes a path and a host name"
                ),
            );
        } else if RESERVED.contains(&name) {
            self.add(&issuer.name, format!("`{name}` is a path of Locum's own"));
        }
        if !known.insert(name) {
            self.add(&issuer.name, format!("issuer `{name}` is declared twice"));
        }
    }

    fn host<'a>(&mut self, issuer: &'a IssuerDeclaration, known: &mut HashSet<&'a str>) {
        let Some(host) = &issuer.host else { return };
        let name = host.get_ref().as_str();
        let is_host = |byte: u8| {
            byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-' || byte == b'.'
        };
        if name.is_empty() || !name.bytes().all(is_host) {
            self.add(
                host,
                format!("{name:?} is not a host name; expected one in lower case, without port"),
            );
        }
        if !known.insert(name) {
            self.add(host, format!("host `{name}` is given to two issuers"));
        }
    }

    fn issuer(&mut self, issuer: &IssuerDeclaration, dialect: &Dialect) {
        let algs = issuer
            .signing_algs
            .as_ref()
            .map_or(&dialect.signing.algs, Spanned::get_ref);
        let mut audiences = HashSet::new();
        for api in &issuer.apis {
            if !audiences.insert(api.audience.get_ref()) {
                let audience = api.audience.get_ref();
                self.add(&api.audience, format!("API `{audience}` is declared twice"));
            }
            if let Some(alg) = api
                .signing_alg
                .as_ref()
                .filter(|alg| !algs.contains(alg.get_ref()))
            {
                let name = alg.get_ref().as_str();
                self.add(
                    alg,
                    format!("the issuer has no {name} key; add {name} to its signing_algs"),
                );
            }
            let format = api.token_format.unwrap_or(dialect.access_token.format);
            if format == TokenFormat::Jwt && algs.is_empty() {
                self.add(
                    &api.audience,
                    "its tokens are JWTs, but the issuer has no key; give the issuer signing_algs",
                );
            }
            self.api(api);
        }
        self.users_only_everywhere(&issuer.apis);
        if dialect.audience.multiple {
            self.scopes_of_one_api(&issuer.apis);
        }
        let mut client_ids = HashSet::new();
        for client in &issuer.clients {
            if !client_ids.insert(client.client_id.get_ref()) {
                let id = client.client_id.get_ref();
                self.add(
                    &client.client_id,
                    format!("client `{id}` is declared twice"),
                );
            }
            self.client(client, issuer, dialect);
        }
        let mut paths: HashSet<String> = dialect
            .endpoints
            .iter()
            .map(|(_, path)| dialect.path_key(path))
            .collect();
        paths.insert(FORWARD_AUTH.to_owned());
        for resource in &issuer.resources {
            if !paths.insert(dialect.path_key(resource.path.get_ref())) {
                self.add(
                    &resource.path,
                    "this path is an endpoint of the issuer, or another resource's",
                );
            }
            self.resource(resource, &issuer.apis);
        }
    }

    fn api(&mut self, api: &ApiDeclaration) {
        let audience = api.audience.get_ref();
        if !is_vschar(audience) || audience.contains(' ') {
            self.add(
                &api.audience,
                "an audience is printable ASCII without spaces, usually a URI",
            );
        }
        if let Some(lifetime) = &api.token_lifetime
            && !(1..=LONGEST_LIFETIME).contains(lifetime.get_ref())
        {
            self.add(
                lifetime,
                format!("expected seconds, from 1 to {LONGEST_LIFETIME}"),
            );
        }
        let mut names = HashSet::new();
        for scope in &api.scopes {
            let name = scope.get_ref().name();
            if let Err(malformed) = Scope::from_tokens([name]) {
                self.add(scope, malformed.to_string());
            }
            if !names.insert(name) {
                self.add(scope, format!("scope `{name}` is declared twice"));
            }
        }
    }

    /// Where one token may be for several APIs, a scope's name must say which API it is of: what
    /// a client may do at one would work at the other.
    fn scopes_of_one_api(&mut self, apis: &[ApiDeclaration]) {
        let mut known = HashSet::new();
        for api in apis {
            for scope in &api.scopes {
                let name = scope.get_ref().name();
                if !known.insert(name) {
                    self.add(
                        scope,
                        format!(
                            "two APIs have a scope `{name}`, and in this dialect one token may be for both; give them different names"
                        ),
                    );
                }
            }
        }
    }

    /// A scope that is for users only at one API and not at another of the same issuer is a
    /// mark somebody forgot, and a way for machines to get what they must not have.
    fn users_only_everywhere(&mut self, apis: &[ApiDeclaration]) {
        let scopes = || {
            apis.iter()
                .flat_map(|api| api.scopes.iter().map(move |scope| (api, scope)))
        };
        for (marked_at, marked) in scopes().filter(|(_, scope)| scope.get_ref().users_only()) {
            for (api, scope) in scopes() {
                let name = scope.get_ref().name();
                if name == marked.get_ref().name() && !scope.get_ref().users_only() {
                    self.add(
                        scope,
                        format!(
                            "scope `{name}` is for users only at API `{}` but not at `{}`, where machines could get it; mark it users_only here too",
                            marked_at.audience.get_ref(),
                            api.audience.get_ref()
                        ),
                    );
                }
            }
        }
    }

    fn client(
        &mut self,
        client: &ClientDeclaration,
        issuer: &IssuerDeclaration,
        dialect: &Dialect,
    ) {
        let id = client.client_id.get_ref();
        if !is_vschar(id) || id.len() > 255 {
            self.add(
                &client.client_id,
                "a client_id is 1 to 255 printable ASCII characters (RFC 6749 Appendix A.1)",
            );
        }
        let kind = client.kind.as_str();
        match (&client.client_secret, client.kind.is_public()) {
            (Some(_), true) => self.add(
                &client.client_id,
                format!("client `{id}` has a client_secret, but its kind `{kind}` is public and cannot keep one"),
            ),
            (None, false) => self.add(
                &client.client_id,
                format!("client `{id}` needs a client_secret, because its kind is `{kind}`"),
            ),
            _ => {}
        }
        if client.kind.is_public() && client.grant_types().contains(&GrantType::ClientCredentials) {
            self.add(
                &client.client_id,
                format!("client `{id}` cannot have grant type client_credentials: its kind `{kind}` is public (RFC 6749 §4.4)"),
            );
        }
        if let Some(secret) = &client.client_secret
            && let Err(message) = secret.read(self.folder)
        {
            self.add(&client.client_id, format!("client_secret: {message}"));
        }
        if let Some(method) = &client.token_endpoint_auth_method {
            self.auth_method(client, method, dialect);
        }
        for uri in &client.redirect_uris {
            if !url::Url::parse(uri.get_ref()).is_ok_and(|parsed| parsed.fragment().is_none()) {
                self.add(
                    uri,
                    "a redirect URI is absolute and has no fragment (RFC 6749 §3.1.2)",
                );
            }
        }
        let mut audiences = HashSet::new();
        for grant in &client.grants {
            if !audiences.insert(grant.audience.get_ref()) {
                let audience = grant.audience.get_ref();
                self.add(
                    &grant.audience,
                    format!("client `{id}` has two grants for `{audience}`"),
                );
            }
            self.grant(client, grant, issuer);
        }
    }

    fn auth_method(
        &mut self,
        client: &ClientDeclaration,
        method: &Spanned<ClientAuthMethod>,
        dialect: &Dialect,
    ) {
        let name = method.get_ref().as_str();
        if (*method.get_ref() == ClientAuthMethod::None) != client.kind.is_public() {
            let kind = client.kind.as_str();
            self.add(
                method,
                format!("`{name}` does not fit a client of kind `{kind}`"),
            );
        } else if !dialect
            .token_request
            .client_auth_methods
            .contains(method.get_ref())
        {
            self.add(
                method,
                format!("the issuer's dialect does not accept `{name}`"),
            );
        }
    }

    fn grant(
        &mut self,
        client: &ClientDeclaration,
        grant: &GrantDeclaration,
        issuer: &IssuerDeclaration,
    ) {
        let audience = grant.audience.get_ref();
        let Some(api) = issuer
            .apis
            .iter()
            .find(|api| api.audience.get_ref() == audience)
        else {
            let known = issuer
                .apis
                .iter()
                .map(|api| api.audience.get_ref().as_str());
            self.add(
                &grant.audience,
                format!(
                    "the issuer has no API `{audience}`; {}",
                    suggest(audience, known)
                ),
            );
            return;
        };
        let ScopesDeclaration::Only(names) = &grant.scopes else {
            return;
        };
        for name in names {
            let scope = api
                .scopes
                .iter()
                .find(|scope| scope.get_ref().name() == name.get_ref());
            match scope {
                None => {
                    let known = api.scopes.iter().map(|scope| scope.get_ref().name());
                    self.add(
                        name,
                        format!(
                            "API `{audience}` has no scope `{}`; {}",
                            name.get_ref(),
                            suggest(name.get_ref(), known)
                        ),
                    );
                }
                Some(scope)
                    if scope.get_ref().users_only() && client.kind == ClientKind::Machine =>
                {
                    self.add(
                        name,
                        format!(
                            "machine client `{}` is granted `{}`, which is for users only: no machine may have it. Remove it from the grant.",
                            client.client_id.get_ref(),
                            name.get_ref()
                        ),
                    );
                }
                Some(_) => {}
            }
        }
    }

    fn resource(&mut self, resource: &ResourceDeclaration, apis: &[ApiDeclaration]) {
        let path = resource.path.get_ref();
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"?#".contains(&byte);
        if !path.starts_with('/') || !path.bytes().all(is_plain) {
            self.add(&resource.path, "expected a path, like \"/patients\"");
        }
        match resource.scope.get_ref().parse::<Scope>() {
            Err(malformed) => self.add(&resource.scope, malformed.to_string()),
            Ok(scope) => {
                for name in scope.tokens() {
                    let known = || {
                        apis.iter()
                            .flat_map(|api| api.scopes.iter().map(|scope| scope.get_ref().name()))
                    };
                    if !known().any(|known| known == name) {
                        self.add(
                            &resource.scope,
                            format!(
                                "no API of the issuer has a scope `{name}`; {}",
                                suggest(name, known())
                            ),
                        );
                    }
                }
            }
        }
        let headers = resource.token_headers.iter().chain(&resource.allow_headers);
        for name in headers.filter(|name| !is_header_name(name)) {
            self.add(&resource.path, format!("{name:?} is not a header name"));
        }
        if !is_header_value(&resource.content_type) {
            self.add(&resource.path, "content_type is not printable ASCII");
        }
    }
}
