use askama::Template;

use super::{Chart, ConsoleFrame, EventView, Problems, Section, links};

#[derive(Template)]
#[template(path = "console/issuers.html")]
pub struct IssuersPage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub issuers: Vec<IssuerRow>,
}

#[derive(Debug, Clone)]
pub struct IssuerRow {
    pub name: String,
    pub brand: String,
    pub dialect: String,
    pub dialect_title: String,
    /// The issuer identifier.
    pub identifier: String,
    pub clients: usize,
    pub users: usize,
    pub is_declared: bool,
}

impl IssuerRow {
    pub fn href(&self) -> String {
        links::issuer(&self.name)
    }

    pub fn initial(&self) -> String {
        crate::web::pages::initial(&self.brand)
    }

    pub fn counts(&self) -> String {
        let clients = super::words::count(self.clients, "client", "clients");
        let users = super::words::count(self.users, "user", "users");
        format!("{clients}, {users}")
    }
}

/// Fields `name`, `brand`, `dialect`; posts to `/console/new-issuer`.
#[derive(Template)]
#[template(path = "console/new_issuer.html")]
pub struct NewIssuerPage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub fields: IssuerFields,
    /// Name and title of each.
    pub dialects: Vec<(String, String)>,
    /// What issuers are named after: `https://auth.clinic.example`.
    pub public_url: String,
    pub problems: Problems,
}

impl NewIssuerPage<'_> {
    pub fn is_dialect(&self, name: &str) -> bool {
        self.fields.dialect == name
    }
}

#[derive(Debug, Clone, Default)]
pub struct IssuerFields {
    pub name: String,
    pub brand: String,
    pub dialect: String,
}

/// How much of the past the charts show: `?range=week`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Range {
    Day,
    Week,
}

impl Range {
    pub const ALL: [Self; 2] = [Self::Day, Self::Week];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Day => "day",
            Self::Week => "week",
        }
    }

    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|range| range.as_str() == name)
    }

    pub const fn words(self) -> &'static str {
        match self {
            Self::Day => "24 hours",
            Self::Week => "7 days",
        }
    }
}

/// An issuer at a glance.
#[derive(Template)]
#[template(path = "console/overview.html")]
pub struct OverviewPage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub brand: String,
    pub identifier: String,
    pub dialect_title: String,
    pub range: Range,
    pub charts: Vec<Chart>,
    /// The newest first.
    pub events: Vec<EventView>,
    pub clients: usize,
    pub users: usize,
    pub apis: usize,
}

impl OverviewPage<'_> {
    /// What there is to do first.
    pub fn has_first_steps(&self) -> bool {
        self.clients == 0 || self.users == 0 || self.apis == 0
    }

    pub fn is_range(&self, range: &Range) -> bool {
        self.range == *range
    }

    pub fn counts(&self) -> Vec<(Section, String)> {
        let count = super::words::count;
        vec![
            (Section::Clients, count(self.clients, "client", "clients")),
            (Section::Users, count(self.users, "user", "users")),
            (Section::Apis, count(self.apis, "API", "APIs")),
        ]
    }
}
