use std::collections::BTreeSet;

use askama::Template;

use super::{ConsoleFrame, Editing, IssuerName, Problems, Standing, links, words};

#[derive(Template)]
#[template(path = "console/administrators.html")]
pub struct AdministratorsPage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub administrators: Vec<AdministratorRow>,
}

#[derive(Debug, Clone)]
pub struct AdministratorRow {
    pub id: String,
    pub username: String,
    pub name: String,
    pub email: String,
    /// What the person is, and at which issuer: at all when `None`.
    pub standings: Vec<(Standing, Option<String>)>,
    pub last_signed_in_at: Option<String>,
    pub is_invited: bool,
    /// Whether it is the one who looks at the page.
    pub is_self: bool,
    /// Whether nobody else is an owner of everything.
    pub is_last_owner: bool,
}

impl AdministratorRow {
    pub fn segment(&self) -> String {
        links::segment(&self.id)
    }

    pub fn initial(&self) -> String {
        crate::web::pages::initial(&self.name)
    }

    /// What the person is, and where: an issuer's name, or nothing for all.
    pub fn standing_words(&self) -> Vec<(&'static str, &str)> {
        let standings = self.standings.iter();
        standings
            .map(|(standing, issuer)| {
                let (title, _) = words::standing(*standing);
                (title, issuer.as_deref().unwrap_or_default())
            })
            .collect()
    }
}

/// Fields `username`, `name`, `email`, `standing`, `reach` (`all`, or `some` with checkboxes
/// `issuer`). Posts to `/console/new-administrator` or `/console/administrators/ID/edit`.
#[derive(Template)]
#[template(path = "console/administrator_form.html")]
pub struct AdministratorFormPage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub editing: Option<Editing>,
    pub fields: AdministratorFields,
    /// Those there are.
    pub issuers: Vec<IssuerName>,
    pub problems: Problems,
}

#[derive(Debug, Clone, Default, serde::Serialize)]
pub struct AdministratorFields {
    pub username: String,
    pub name: String,
    pub email: String,
    pub standing: String,
    pub is_for_some: bool,
    pub issuers: Vec<String>,
}

impl AdministratorFields {
    /// Whether both make the same of somebody, whoever it is.
    pub fn appoints_as(&self, other: &Self) -> bool {
        let places = |fields: &Self| fields.issuers.iter().cloned().collect::<BTreeSet<_>>();
        (&self.standing, self.is_for_some) == (&other.standing, other.is_for_some)
            && (!self.is_for_some || places(self) == places(other))
    }
}

impl AdministratorFormPage<'_> {
    /// Value, title, words, and whether it is chosen.
    pub fn standings(&self) -> Vec<(&'static str, &'static str, &'static str, bool)> {
        let standings = Standing::ALL.into_iter().map(|standing| {
            let (title, hint) = words::standing(standing);
            let is_chosen = self.fields.standing == standing.as_str();
            (standing.as_str(), title, hint, is_chosen)
        });
        standings.collect()
    }

    pub fn has_issuer(&self, name: &str) -> bool {
        self.fields.issuers.iter().any(|chosen| chosen == name)
    }

    pub fn action(&self) -> String {
        match &self.editing {
            Some(editing) => {
                let segment = links::segment(&editing.id);
                format!("/console/administrators/{segment}/edit")
            }
            None => "/console/new-administrator".to_owned(),
        }
    }
}
