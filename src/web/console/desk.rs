//! An administrator at the console: who they are, what they may do there, and how they are
//! answered.

use std::sync::Arc;

use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use serde::Serialize;
use serde_json::{Map, Value as Json};

use super::pages::{
    ConsoleFrame, Difference, Failure, FailurePage, IssuerName, May, Notice, Problems, Section,
    SignedIn, Standing,
};
use crate::admin::rights::{Permission, Rights};
use crate::admin::{Admin, AdminFault, AtIssuer, sentence};
use crate::oauth::Refusal;
use crate::store::StoredIssuer;
use crate::web::address::Address;
use crate::web::visit::{Fields, PLAIN, Visit};

pub type Answer = Result<HttpResponse, AdminFault>;

pub struct Desk<'a> {
    pub visit: &'a Visit<'a>,
    pub admin: &'a Admin<'a>,
    pub issuers: Vec<StoredIssuer>,
    names: Vec<IssuerName>,
    /// Of the issuer whose page it is, among those.
    at: Option<usize>,
    signed_in: SignedIn,
    may: May,
    notice: Option<Notice>,
    csrf: String,
}

impl<'a> Desk<'a> {
    /// `at` names the issuer whose page it is; one that is not theirs to see is as good as none.
    pub async fn new(
        visit: &'a Visit<'a>,
        admin: &'a Admin<'a>,
        at: Option<&str>,
        done: &str,
    ) -> Result<Self, AdminFault> {
        let issuers = admin.list_issuers().await?;
        let names = issuers.iter().map(|issuer| IssuerName {
            name: issuer.name.clone(),
            brand: issuer
                .settings
                .brand
                .name
                .clone()
                .unwrap_or_else(|| issuer.name.clone()),
        });
        let found = at.and_then(|at| issuers.iter().position(|issuer| issuer.name == at));
        let place = found.and_then(|index| issuers.get(index));
        let place = place.map(|issuer| issuer.name.as_str());
        let user = visit.current().map(|held| &held.signed_in.user);
        Ok(Self {
            names: names.collect(),
            at: found,
            signed_in: SignedIn {
                username: user.map(|user| user.username.clone()).unwrap_or_default(),
                name: user
                    .map(|user| user.display_name().to_owned())
                    .unwrap_or_default(),
                standing: standing(&admin.rights, place),
            },
            may: may(&admin.rights, place),
            notice: Notice::find(done),
            csrf: visit.csrf(),
            visit,
            admin,
            issuers,
        })
    }

    pub fn frame(&self, section: Section) -> ConsoleFrame<'_> {
        ConsoleFrame {
            signed_in: &self.signed_in,
            issuers: &self.names,
            issuer: self.at.and_then(|index| self.names.get(index)),
            section,
            may: self.may,
            csrf: &self.csrf,
            notice: self.notice,
            is_dev: self.visit.app.welcome.is_some(),
        }
    }

    /// The issuer whose page it is.
    pub async fn issuer(&self) -> Result<AtIssuer<'a>, AdminFault> {
        let issuer = self.at.and_then(|index| self.issuers.get(index));
        let name = issuer.map_or("", |issuer| issuer.name.as_str());
        self.admin.at(name).await
    }

    /// The same as it is served.
    pub async fn address(&self) -> Result<Arc<Address>, AdminFault> {
        let issuer = self.at.and_then(|index| self.issuers.get(index));
        let name = issuer.map_or("", |issuer| issuer.name.as_str());
        let found = self.visit.app.hosting.find(name).await;
        found.ok_or_else(|| AdminFault::not_found("issuer", name))
    }

    pub fn show(&self, page: &impl askama::Template) -> HttpResponse {
        self.visit.show(StatusCode::OK, page, &PLAIN)
    }

    /// A form again, with what is wrong with it.
    pub fn show_again(&self, page: &impl askama::Template) -> HttpResponse {
        self.visit
            .show(StatusCode::UNPROCESSABLE_ENTITY, page, &PLAIN)
    }

    /// After a form: the page at `path`, which says what has been done.
    pub fn done(&self, path: &str, notice: Notice) -> Answer {
        Ok(self
            .visit
            .redirect(&format!("{path}?done={}", notice.as_str())))
    }

    pub fn go(&self, path: &str) -> Answer {
        Ok(self.visit.redirect(path))
    }

    /// The list of issuers, or the only one there is to see.
    pub fn home(&self) -> Answer {
        match self.names.as_slice() {
            [only] if !self.may.see_server => self.go(&super::pages::links::issuer(&only.name)),
            _ => self.go("/console/issuers"),
        }
    }

    pub fn nothing_here(&self) -> Answer {
        Ok(self.fail(StatusCode::NOT_FOUND, Failure::NotFound))
    }

    /// Somebody else changed what was being edited. `yours` is what was sent, `theirs` what holds.
    pub fn conflict(
        &self,
        yours: &impl Serialize,
        theirs: &impl Serialize,
        reload: String,
    ) -> HttpResponse {
        let differences =
            crate::admin::configuration::differences(&members(theirs), &members(yours));
        let differences = differences.into_iter().map(|change| Difference {
            field: change.field,
            yours: words(&change.after),
            theirs: words(&change.before),
        });
        let failure = Failure::Conflict {
            differences: differences.collect(),
            reload,
        };
        self.fail(StatusCode::CONFLICT, failure)
    }

    pub fn refuse(&self, fault: AdminFault) -> HttpResponse {
        let back = match self.at.and_then(|index| self.names.get(index)) {
            Some(issuer) => super::pages::links::issuer(&issuer.name),
            None if matches!(fault, AdminFault::LastOwner) => "/console/administrators".to_owned(),
            None => "/console/issuers".to_owned(),
        };
        match fault {
            AdminFault::NotFound { .. } => self.fail(StatusCode::NOT_FOUND, Failure::NotFound),
            AdminFault::Forbidden { permission, .. } => {
                let needs = if Standing::Manager.holds(permission) {
                    Standing::Manager
                } else {
                    Standing::Owner
                };
                self.fail(StatusCode::FORBIDDEN, Failure::Forbidden { needs })
            }
            AdminFault::Changed { .. } => {
                let failure = Failure::Conflict {
                    differences: Vec::new(),
                    reload: back,
                };
                self.fail(StatusCode::CONFLICT, failure)
            }
            fault @ (AdminFault::Invalid(_)
            | AdminFault::Exists { .. }
            | AdminFault::InUse { .. }
            | AdminFault::LastOwner
            | AdminFault::NotPossible(_)
            | AdminFault::Contended
            | AdminFault::Busy(_)) => {
                let failure = Failure::Refused {
                    words: sentence(&fault.to_string()),
                    back,
                };
                self.fail(StatusCode::CONFLICT, failure)
            }
            fault @ (AdminFault::Store(_)
            | AdminFault::Key(_)
            | AdminFault::Sealed(_)
            | AdminFault::Dialect(_)) => {
                tracing::error!(error = %fault, "the console failed");
                self.fail(StatusCode::SERVICE_UNAVAILABLE, Failure::Unavailable)
            }
        }
    }

    fn fail(&self, status: StatusCode, failure: Failure) -> HttpResponse {
        let section = if self.at.is_some() {
            Section::Overview
        } else {
            Section::Issuers
        };
        let page = FailurePage {
            frame: self.frame(section),
            failure,
        };
        self.visit.show(status, &page, &PLAIN)
    }
}

/// What is wrong with a form, beside its fields; `Err` for what is no form's fault. `names` turns
/// the admin layer's names of members into those of the form's fields.
pub fn problems(fault: AdminFault, names: &[(&str, &str)]) -> Result<Problems, AdminFault> {
    let named = |member: &str| {
        let found = names.iter().find(|(known, _)| *known == member);
        found.map_or(member, |(_, field)| *field).to_owned()
    };
    let mut problems = Problems::default();
    match fault {
        AdminFault::Invalid(all) => {
            for problem in all {
                let field = named(&problem.field);
                let words = told(&field, &problem.message);
                problems.add(field, words);
            }
        }
        AdminFault::Exists { what, .. } => {
            let member = match what {
                "user" => "username",
                "API" => "audience",
                "client" => "client_name",
                _ => "name",
            };
            problems.add(named(member), format!("There is such a {what} already."));
        }
        // What was typed is worth another try.
        contended @ AdminFault::Contended => problems.add("", sentence(&contended.to_string())),
        other => return Err(other),
    }
    Ok(problems)
}

/// What is wrong, as a sentence. The admin layer leaves out what it is wrong with.
fn told(field: &str, message: &str) -> String {
    let is_about_it = ["is ", "has ", "begins ", "stands "]
        .iter()
        .any(|verb| message.starts_with(verb));
    if !is_about_it {
        return sentence(message);
    }
    let subject = match field {
        "name" | "client_name" | "brand_name" | "brand" => "The name",
        "username" => "The username",
        "email" => "The email address",
        "phone_number" => "The phone number",
        "description" => "The description",
        _ => "This",
    };
    sentence(&format!("{subject} {message}"))
}

/// The revision that a form was made from. A form without one was not made by a page of ours, and
/// is as good as too old.
pub fn revision(fields: &Fields) -> i64 {
    fields.text("revision").parse().unwrap_or(-1)
}

/// A failure of the database, for whoever cannot even be shown the frame.
pub fn refusal(fault: AdminFault) -> Refusal {
    match fault {
        AdminFault::Store(error) => error.into(),
        AdminFault::Key(error) => error.into(),
        other => {
            tracing::error!(error = %other, "the console failed");
            Refusal::Store(crate::store::StoreError::Busy)
        }
    }
}

/// Members, those of an object that is itself a member by names of their own.
fn members(form: &impl Serialize) -> Map<String, Json> {
    let mut members = Map::new();
    let form = serde_json::to_value(form).unwrap_or_default();
    for (name, value) in form.as_object().into_iter().flatten() {
        match value {
            Json::Object(inner) => {
                members.extend(inner.iter().map(|(inner, value)| {
                    let name = match name.as_str() {
                        "claims" => inner.clone(),
                        name => format!("{name}.{inner}"),
                    };
                    (name, value.clone())
                }));
            }
            value => {
                members.insert(name.clone(), value.clone());
            }
        }
    }
    members
}

/// A value for people: a list one to a line, and of an object what its members say.
fn words(value: &Json) -> String {
    let joined = |values: &mut dyn Iterator<Item = &Json>, between: &str| {
        let words: Vec<String> = values.map(words).collect();
        let said = words.iter().filter(|words| !words.is_empty());
        said.map(String::as_str).collect::<Vec<_>>().join(between)
    };
    match value {
        Json::Null => String::new(),
        Json::String(text) => text.clone(),
        Json::Array(items) => joined(&mut items.iter(), "\n"),
        Json::Object(members) => joined(&mut members.values(), ", "),
        other => other.to_string(),
    }
}

/// The most that somebody is, there.
fn standing(rights: &Rights, issuer: Option<&str>) -> Option<Standing> {
    let telling = [
        (Permission::WriteSettings, Standing::Owner),
        (Permission::WriteIssuers, Standing::Owner),
        (Permission::WriteClients, Standing::Manager),
        (Permission::ReadAudit, Standing::Auditor),
    ];
    telling
        .into_iter()
        .find(|(permission, _)| rights.hold(*permission, issuer))
        .map(|(_, standing)| standing)
}

fn may(rights: &Rights, issuer: Option<&str>) -> May {
    let here = |permission| issuer.is_some() && rights.hold(permission, issuer);
    May {
        clients: here(Permission::WriteClients),
        apis: here(Permission::WriteApis),
        users: here(Permission::WriteUsers),
        roles: here(Permission::WriteRoles),
        sessions: here(Permission::WriteSessions),
        keys: here(Permission::WriteKeys),
        settings: here(Permission::WriteSettings),
        issuers: rights.hold(Permission::WriteIssuers, None),
        administrators: rights.hold(Permission::WriteAdministrators, None),
        see_server: rights.hold(Permission::ReadAdministrators, None),
    }
}
