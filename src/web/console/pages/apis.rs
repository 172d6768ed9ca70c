use askama::Template;

use super::{ConsoleFrame, Editing, Named, Problems, links};
use crate::protocol::SigningAlg;

#[derive(Template)]
#[template(path = "console/apis.html")]
pub struct ApisPage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub apis: Vec<ApiRow>,
}

#[derive(Debug, Clone)]
pub struct ApiRow {
    pub id: String,
    pub name: String,
    pub audience: String,
    pub scopes: usize,
    pub is_declared: bool,
}

impl ApiRow {
    pub fn segment(&self) -> String {
        links::segment(&self.id)
    }

    pub fn scope_count(&self) -> String {
        super::words::count(self.scopes, "scope", "scopes")
    }
}

#[derive(Template)]
#[template(path = "console/api.html")]
pub struct ApiPage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub api: ApiDetails,
    pub clients: Vec<Named>,
    pub roles: Vec<Named>,
}

#[derive(Debug, Clone)]
pub struct ApiDetails {
    pub id: String,
    pub name: String,
    pub audience: String,
    pub is_declared: bool,
    /// In words: "1 hour", "the dialect’s: 24 hours".
    pub token_lifetime: String,
    pub token_format: String,
    pub signing_alg: String,
    pub scopes: Vec<ScopeFields>,
}

impl ApiPage<'_> {
    pub fn place(&self) -> String {
        let segment = links::segment(&self.api.id);
        self.frame.at(&format!("apis/{segment}"))
    }
}

/// Makes or edits an API; posts to `…/new-api` or `…/apis/ID/edit`.
///
/// Scopes are rows of fields `scope-N-name`, `scope-N-description`, `scope-N-users_only`,
/// `scope-N-needs_role`, N from 0. A row without a name is none.
#[derive(Template)]
#[template(path = "console/api_form.html")]
pub struct ApiFormPage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub editing: Option<Editing>,
    pub fields: ApiFields,
    /// Value and words of each.
    pub token_formats: Vec<(&'static str, &'static str)>,
    pub signing_algs: Vec<SigningAlg>,
    pub problems: Problems,
}

#[derive(Debug, Clone, Default)]
pub struct ApiFields {
    pub name: String,
    pub audience: String,
    /// Seconds; the dialect's when empty.
    pub token_lifetime: String,
    /// The dialect's when empty.
    pub token_format: String,
    /// The issuer's first when empty.
    pub signing_alg: String,
    pub scopes: Vec<ScopeFields>,
}

#[derive(Debug, Clone, Default)]
pub struct ScopeFields {
    pub name: String,
    pub description: String,
    pub users_only: bool,
    pub needs_role: bool,
}

/// Rows for scopes that do not exist yet.
const SPARE: usize = 5;

impl ApiFormPage<'_> {
    /// The scopes there are, and empty rows for more.
    pub fn rows(&self) -> Vec<ScopeFields> {
        let spare = std::iter::repeat_with(ScopeFields::default).take(SPARE);
        self.fields.scopes.iter().cloned().chain(spare).collect()
    }

    pub fn format_choices(&self) -> Vec<(&'static str, &'static str, bool)> {
        let formats = self.token_formats.iter();
        formats
            .map(|&(value, words)| (value, words, self.fields.token_format == value))
            .collect()
    }

    pub fn alg_choices(&self) -> Vec<(&'static str, bool)> {
        let algs = self.signing_algs.iter().map(|alg| alg.as_str());
        algs.map(|alg| (alg, self.fields.signing_alg == alg))
            .collect()
    }

    pub fn opens_tokens(&self) -> bool {
        self.problems
            .is_among(&["token_lifetime", "token_format", "signing_alg"])
    }

    pub fn back(&self) -> String {
        match &self.editing {
            Some(editing) => self
                .frame
                .at(&format!("apis/{}", links::segment(&editing.id))),
            None => self.frame.at("apis"),
        }
    }

    pub fn action(&self) -> String {
        match &self.editing {
            Some(editing) => self
                .frame
                .at(&format!("apis/{}/edit", links::segment(&editing.id))),
            None => self.frame.at("new-api"),
        }
    }
}
