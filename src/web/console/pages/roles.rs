use askama::Template;

use super::{ConsoleFrame, Editing, GrantChoice, GrantView, Problems, links};

#[derive(Template)]
#[template(path = "console/roles.html")]
pub struct RolesPage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub roles: Vec<RoleRow>,
}

#[derive(Debug, Clone)]
pub struct RoleRow {
    pub name: String,
    pub description: String,
    pub users: usize,
    pub scopes: usize,
    pub is_declared: bool,
}

impl RoleRow {
    pub fn segment(&self) -> String {
        links::segment(&self.name)
    }

    pub fn user_count(&self) -> String {
        super::words::count(self.users, "user", "users")
    }

    pub fn scope_count(&self) -> String {
        super::words::count(self.scopes, "scope", "scopes")
    }
}

#[derive(Template)]
#[template(path = "console/role.html")]
pub struct RolePage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub role: RoleDetails,
}

#[derive(Debug, Clone)]
pub struct RoleDetails {
    pub name: String,
    pub description: String,
    pub is_declared: bool,
    pub users: usize,
    pub grants: Vec<GrantView>,
}

impl RolePage<'_> {
    pub fn place(&self) -> String {
        let segment = links::segment(&self.role.name);
        self.frame.at(&format!("roles/{segment}"))
    }
}

impl RoleDetails {
    pub fn user_count(&self) -> String {
        super::words::count(self.users, "user", "users")
    }

    /// Those who have it, in the list of users.
    pub fn users_query(&self) -> String {
        links::query(&[("role", &self.name)])
    }
}

/// Makes or edits a role; posts to `…/new-role` or `…/roles/NAME/edit`. For the APIs see
/// [`GrantChoice`].
#[derive(Template)]
#[template(path = "console/role_form.html")]
pub struct RoleFormPage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub editing: Option<Editing>,
    pub fields: RoleFields,
    pub apis: Vec<GrantChoice>,
    pub problems: Problems,
}

#[derive(Debug, Clone, Default)]
pub struct RoleFields {
    pub name: String,
    pub description: String,
}

impl RoleFormPage<'_> {
    pub fn back(&self) -> String {
        match &self.editing {
            Some(editing) => self
                .frame
                .at(&format!("roles/{}", links::segment(&editing.id))),
            None => self.frame.at("roles"),
        }
    }

    pub fn action(&self) -> String {
        match &self.editing {
            Some(editing) => self
                .frame
                .at(&format!("roles/{}/edit", links::segment(&editing.id))),
            None => self.frame.at("new-role"),
        }
    }
}
