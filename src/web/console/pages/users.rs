use askama::Template;

use super::{ConsoleFrame, Editing, EventView, Paging, Problems, SessionRow, links};

/// Searched by `q`, `role`, `state` (`blocked`), `after`.
#[derive(Template)]
#[template(path = "console/users.html")]
pub struct UsersPage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub filter: UserFilter,
    /// Names of the roles there are, to filter by.
    pub roles: Vec<String>,
    pub users: Vec<UserRow>,
    pub paging: Paging,
}

#[derive(Debug, Clone, Default)]
pub struct UserFilter {
    pub q: String,
    pub role: String,
    /// Whether only blocked users are shown.
    pub is_blocked: bool,
}

#[derive(Debug, Clone)]
pub struct UserRow {
    pub id: String,
    pub username: String,
    pub name: String,
    pub email: String,
    pub roles: Vec<String>,
    pub is_blocked: bool,
    /// Whether the person has not chosen a password yet.
    pub is_invited: bool,
    pub last_signed_in_at: Option<String>,
}

impl UserRow {
    pub fn segment(&self) -> String {
        links::segment(&self.id)
    }

    pub fn initial(&self) -> String {
        crate::web::pages::initial(&self.name)
    }
}

impl UsersPage<'_> {
    /// The query of the next page.
    pub fn next(&self) -> Option<String> {
        Some(self.query(self.paging.next.as_deref()?))
    }

    pub fn is_searching(&self) -> bool {
        !self.filter.q.is_empty() || !self.filter.role.is_empty() || self.filter.is_blocked
    }

    pub fn query(&self, after: &str) -> String {
        links::query(&[
            ("q", &self.filter.q),
            ("role", &self.filter.role),
            (
                "state",
                if self.filter.is_blocked {
                    "blocked"
                } else {
                    ""
                },
            ),
            ("after", after),
        ])
    }

    pub fn is_role(&self, role: &str) -> bool {
        self.filter.role == role
    }
}

/// Makes or edits a user; posts to `…/new-user` or `…/users/ID/edit`. Roles are checkboxes `role`.
#[derive(Template)]
#[template(path = "console/user_form.html")]
pub struct UserFormPage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub editing: Option<Editing>,
    pub fields: UserFields,
    /// Name and description of each role there is.
    pub roles: Vec<(String, String)>,
    pub problems: Problems,
}

#[derive(Debug, Clone, Default)]
pub struct UserFields {
    pub username: String,
    pub name: String,
    pub given_name: String,
    pub family_name: String,
    pub email: String,
    pub phone_number: String,
    pub roles: Vec<String>,
}

impl UserFormPage<'_> {
    pub fn has_role(&self, role: &str) -> bool {
        self.fields.roles.iter().any(|own| own == role)
    }

    pub fn back(&self) -> String {
        match &self.editing {
            Some(editing) => self
                .frame
                .at(&format!("users/{}", links::segment(&editing.id))),
            None => self.frame.at("users"),
        }
    }

    pub fn action(&self) -> String {
        match &self.editing {
            Some(editing) => self
                .frame
                .at(&format!("users/{}/edit", links::segment(&editing.id))),
            None => self.frame.at("new-user"),
        }
    }
}

/// Everything about a user. Its forms post to `…/users/ID/unblock` and `…/password-link`.
#[derive(Template)]
#[template(path = "console/user.html")]
pub struct UserPage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub user: UserDetails,
    pub sessions: Vec<SessionRow>,
    pub consents: Vec<ConsentRow>,
    /// What concerns the person, the newest first.
    pub events: Vec<EventView>,
}

#[derive(Debug, Clone)]
pub struct UserDetails {
    pub id: String,
    pub username: String,
    pub name: String,
    pub revision: i64,
    pub is_blocked: bool,
    pub is_invited: bool,
    pub is_declared: bool,
    pub created_at: String,
    pub last_signed_in_at: Option<String>,
    /// What is known of the person: words and value.
    pub profile: Vec<(String, String)>,
    pub roles: Vec<String>,
}

impl UserPage<'_> {
    pub fn place(&self) -> String {
        let segment = links::segment(&self.user.id);
        self.frame.at(&format!("users/{segment}"))
    }
}

impl UserDetails {
    pub fn initial(&self) -> String {
        crate::web::pages::initial(&self.name)
    }

    pub fn role_links(&self) -> Vec<(&str, String)> {
        let roles = self.roles.iter();
        roles
            .map(|role| (role.as_str(), links::segment(role)))
            .collect()
    }
}

/// What a person allowed a client.
#[derive(Debug, Clone)]
pub struct ConsentRow {
    pub client_id: String,
    pub client_name: String,
    pub scopes: Vec<String>,
    pub since: String,
}

impl ConsentRow {
    pub fn segment(&self) -> String {
        links::segment(&self.client_id)
    }
}
