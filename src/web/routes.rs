//! Which issuer, and what of it, a request is for.

use std::collections::HashMap;
use std::sync::Arc;

use actix_web::http::header;
use actix_web::{HttpRequest, HttpResponse};

use super::account::AccountAction;
use super::address::{Address, Resource};
use super::document::Document;
use super::{App, health, static_files};
use crate::admin::api::BASE;
use crate::admin::system::CONSOLE;
use crate::dialect::{ClientAction, Endpoint};

/// Every path this server answers.
#[derive(Default)]
pub struct Routes {
    /// `/photon/…`
    by_name: HashMap<String, Arc<Address>>,
    /// `photon.localhost`
    by_host: HashMap<String, Arc<Address>>,
    /// The issuer that is also served at `/`.
    at_root: Option<Arc<Address>>,
}

/// What a path of an issuer leads to.
#[derive(Clone)]
pub enum Target {
    Endpoint(Endpoint),
    /// Where one registered client is read, changed and deleted (RFC 7592 §2).
    ClientConfiguration,
    /// One client in a vendor's administration, or something to be done to it.
    AdministeredClient(Option<ClientAction>),
    /// The help page of the registration action.
    RegistrationHelp,
    /// For reverse proxies.
    ForwardAuth,
    Resource(Arc<Resource>),
    Page(UserPage),
}

/// An issuer's pages for people, and what they are made of.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum UserPage {
    SignIn,
    ChooseAccount,
    Consent,
    SignOut,
    /// By a link of an administrator.
    SetPassword,
    Account(AccountAction),
    Stylesheet,
    Logo,
}

impl UserPage {
    /// Every path that [`Self::find`] knows. The same in every dialect, and in lower case, so
    /// that it is found where case does not count too.
    pub const PATHS: [&'static str; 13] = [
        "/sign-in",
        "/choose-account",
        "/consent",
        "/sign-out",
        "/set-password",
        "/account",
        "/account/profile",
        "/account/password",
        "/account/sessions/end",
        "/account/sessions/end-others",
        "/account/applications/withdraw",
        "/brand.css",
        "/brand/logo",
    ];

    pub fn find(path: &str) -> Option<Self> {
        match path {
            "/sign-in" => Some(Self::SignIn),
            "/choose-account" => Some(Self::ChooseAccount),
            "/consent" => Some(Self::Consent),
            "/sign-out" => Some(Self::SignOut),
            "/set-password" => Some(Self::SetPassword),
            "/brand.css" => Some(Self::Stylesheet),
            "/brand/logo" => Some(Self::Logo),
            path => AccountAction::find(path).map(Self::Account),
        }
    }
}

impl Target {
    pub fn allows(&self, method: &str) -> bool {
        match self {
            Self::Resource(resource) => resource.methods.iter().any(|own| own == method),
            other => other.fixed_methods().contains(&method),
        }
    }

    /// What may be sent there.
    pub fn methods(&self) -> Vec<&str> {
        match self {
            Self::Resource(resource) => resource.methods.iter().map(String::as_str).collect(),
            other => other.fixed_methods().to_vec(),
        }
    }

    /// The same in every dialect; nothing for a resource, which has its own. Whoever may GET may
    /// ask for the headers alone (RFC 9110 §9.3.2).
    fn fixed_methods(&self) -> &'static [&'static str] {
        match self {
            Self::Endpoint(
                Endpoint::Token
                | Endpoint::Introspection
                | Endpoint::Revocation
                | Endpoint::Registration,
            ) => &["POST"],
            Self::Endpoint(Endpoint::ClientsAdmin) => &["GET", "HEAD", "POST"],
            Self::ClientConfiguration => &["GET", "HEAD", "PUT", "DELETE"],
            Self::AdministeredClient(None) => &["GET", "HEAD", "PUT", "PATCH", "DELETE"],
            Self::AdministeredClient(Some(ClientAction::RotateSecret)) => &["POST", "DELETE"],
            Self::AdministeredClient(Some(ClientAction::Lifespans)) => &["PUT"],
            Self::Endpoint(
                Endpoint::Discovery
                | Endpoint::Jwks
                | Endpoint::ReturnToLogout
                | Endpoint::CheckSession
                | Endpoint::RegistrationHelp,
            )
            | Self::RegistrationHelp
            | Self::ForwardAuth
            | Self::Page(UserPage::Stylesheet | UserPage::Logo) => &["GET", "HEAD"],
            Self::Endpoint(Endpoint::Authorization | Endpoint::Userinfo | Endpoint::EndSession)
            | Self::Page(
                UserPage::SignIn
                | UserPage::ChooseAccount
                | UserPage::Consent
                | UserPage::SignOut
                | UserPage::SetPassword,
            ) => &["GET", "HEAD", "POST"],
            Self::Page(UserPage::Account(action)) => action.methods(),
            Self::Resource(_) => &[],
        }
    }
}

impl Target {
    /// The endpoint in whose shape errors are told here, where it has one of its own.
    pub const fn endpoint(&self) -> Option<Endpoint> {
        match self {
            Self::Endpoint(endpoint) => Some(*endpoint),
            Self::ClientConfiguration => Some(Endpoint::Registration),
            Self::AdministeredClient(_) => Some(Endpoint::ClientsAdmin),
            Self::RegistrationHelp => Some(Endpoint::RegistrationHelp),
            Self::ForwardAuth | Self::Resource(_) | Self::Page(_) => None,
        }
    }
}

/// Paths of Locum's own, which belong to no issuer.
#[derive(Clone, Copy)]
pub enum Page {
    Welcome,
    Static(&'static Document),
    Live,
    Ready,
}

impl Page {
    fn find(path: &str) -> Option<Self> {
        match path {
            "/" => Some(Self::Welcome),
            "/healthz" => Some(Self::Live),
            "/readyz" => Some(Self::Ready),
            path => static_files::find(path).map(Self::Static),
        }
    }

    pub async fn answer(self, request: &HttpRequest, app: &App) -> HttpResponse {
        if !["GET", "HEAD"].contains(&request.method().as_str()) {
            return HttpResponse::MethodNotAllowed()
                .insert_header((header::ALLOW, "GET, HEAD"))
                .finish();
        }
        match self {
            Self::Welcome => match &app.welcome {
                Some(welcome) => welcome.answer(),
                None => nothing_here(app),
            },
            Self::Static(document) => document.answer(request),
            Self::Live => health::live(),
            Self::Ready => health::ready(&app.core).await,
        }
    }
}

pub enum Found<'a> {
    Page(Page),
    /// The issuer is known; what is missing, if anything, is the path below it.
    Issuer(&'a Address, Option<&'a Target>),
    Nothing,
}

/// RFC 8414 §3.1 puts the well-known segment before the issuer's path; §5 lets OpenID Connect's
/// name stand there as well.
const INSERTED: [&str; 2] = [
    "/.well-known/oauth-authorization-server/",
    "/.well-known/openid-configuration/",
];

impl Routes {
    /// The issuer answers below `/name`.
    pub fn add_path(&mut self, name: &str, address: Arc<Address>) {
        self.by_name.insert(name.to_owned(), address);
    }

    /// The issuer answers at the root of `host`.
    pub fn add_host(&mut self, host: &str, address: Arc<Address>) {
        self.by_host.insert(host.to_ascii_lowercase(), address);
    }

    /// The issuer answers at the root of every host that is nobody else's.
    pub fn set_root(&mut self, address: Arc<Address>) {
        self.at_root = Some(address);
    }

    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.by_name.keys().map(String::as_str)
    }

    pub fn find(&self, request: &HttpRequest) -> Found<'_> {
        let path = request.path();
        if !self.by_host.is_empty()
            && let Some(address) = self.by_host.get(&host(request))
        {
            return match (address.find(path), Page::find(path)) {
                (None, Some(page @ (Page::Static(_) | Page::Live | Page::Ready))) => {
                    Found::Page(page)
                }
                (target, _) => Found::Issuer(address, target),
            };
        }
        if let Some(page) = Page::find(path) {
            return Found::Page(page);
        }
        if let Some((address, rest)) = self.below_a_name(path) {
            return Found::Issuer(address, address.find(rest));
        }
        for inserted in INSERTED {
            if let Some(name) = path.strip_prefix(inserted)
                && let Some(address) = self.by_name.get(name.trim_end_matches('/'))
            {
                return Found::Issuer(address, address.discovery_target());
            }
        }
        match &self.at_root {
            Some(address) => Found::Issuer(address, address.find(path)),
            None => Found::Nothing,
        }
    }

    fn below_a_name<'a, 'p>(&'a self, path: &'p str) -> Option<(&'a Address, &'p str)> {
        let below = path.strip_prefix('/')?;
        let end = below.find('/').unwrap_or(below.len());
        let (name, rest) = below.split_at(end);
        Some((self.by_name.get(name)?, rest))
    }
}

/// Whether a path is the admin API's, which stands at every host.
pub fn is_admin_api(path: &str) -> bool {
    path.strip_prefix(BASE)
        .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// The host a request names, in lower case and without its port.
fn host(request: &HttpRequest) -> String {
    let host = request
        .uri()
        .host()
        .or_else(|| request.headers().get(header::HOST)?.to_str().ok())
        .unwrap_or_default();
    let name = host.rsplit_once(':').map_or(host, |(name, port)| {
        if port.bytes().all(|byte| byte.is_ascii_digit()) {
            name
        } else {
            host
        }
    });
    name.to_ascii_lowercase()
}

/// 404 for a path that belongs to no issuer, with the names of those there are.
pub fn nothing_here(app: &App) -> HttpResponse {
    let routes = app.hosting.routes();
    let mut names: Vec<&str> = routes.names().filter(|name| *name != CONSOLE).collect();
    names.sort_unstable();
    let description = format!(
        "There is nothing at this path. The issuers here are: {}.",
        names.join(", ")
    );
    HttpResponse::NotFound()
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .json(serde_json::json!({ "error": "not_found", "error_description": description }))
}
