//! The console's pages: what each shows, as plain data. How it looks is in `templates/console/` and
//! `static/console.css`. They speak English, with the words in the templates and in [`words`].
//!
//! What all of them agree on:
//! - Every form that changes something posts a hidden `csrf`, and, where it edits something that
//!   others may edit too, a hidden `revision`.
//! - A form comes back with what was typed ("fields", all text) and with [`Problems`].
//! - Moments are text: `2026-11-22T09:30:00Z`.
//! - Each page knows where its links and forms lead; a handler only answers there.

mod administrators;
mod answers;
mod apis;
mod audit;
mod chart;
mod clients;
mod dialect;
mod frame;
#[cfg(test)]
mod gallery;
mod inspector;
mod issuers;
mod keys;
pub mod links;
mod problems;
mod registration;
mod roles;
mod sessions;
mod set_up;
mod settings;
mod shared;
mod try_it;
mod users;
mod words;

pub use administrators::{
    AdministratorFields, AdministratorFormPage, AdministratorRow, AdministratorsPage,
};
pub use answers::{ConfirmPage, Difference, Failure, FailurePage, Question, QuestionWords};
pub use apis::{ApiDetails, ApiFields, ApiFormPage, ApiPage, ApiRow, ApisPage, ScopeFields};
pub use audit::{AuditFilter, AuditPage};
pub use chart::{Bar, Chart};
pub use clients::{
    ChooseKindPage, ClientDetails, ClientFields, ClientFilter, ClientFormPage, ClientPage,
    ClientRow, ClientSecretPage, ClientsPage, RotateSecretPage, SecretReason,
};
pub use dialect::{Deviation, DialectPage};
pub use frame::{ConsoleFrame, IssuerName, May, Notice, Section, SignedIn, Standing};
pub use inspector::{Check, CheckResult, Claim, Inspection, InspectorPage};
pub use issuers::{IssuerFields, IssuerRow, IssuersPage, NewIssuerPage, OverviewPage, Range};
pub use keys::{KeyRow, KeysPage};
pub use problems::{Problem, Problems};
pub use registration::{InitialTokenFields, InitialTokenRow, InitialTokensPage};
pub use roles::{RoleDetails, RoleFields, RoleFormPage, RolePage, RoleRow, RolesPage};
pub use sessions::SessionsPage;
pub use set_up::{SetUpFields, SetUpPage};
pub use settings::{SettingsFields, SettingsPage};
pub use shared::{
    Editing, EventView, GrantChoice, GrantView, Named, OneTimeLinkPage, Paging, ScopeChoice,
    SessionRow, Snippet,
};
pub use try_it::{Exchange, Message, NextStep, TryItClient, TryItFields, TryItPage};
pub use users::{
    ConsentRow, UserDetails, UserFields, UserFilter, UserFormPage, UserPage, UserRow, UsersPage,
};
