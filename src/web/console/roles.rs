use super::desk::{Answer, Desk, problems, revision};
use super::pages::{
    ConfirmPage, Editing, Notice, Problems, Question, RoleDetails, RoleFields, RoleFormPage,
    RolePage, RoleRow, RolesPage, Section, links,
};
use super::{grants, views};
use crate::account::Role;
use crate::admin::AdminFault;
use crate::admin::forms::{GrantForm, RoleForm};
use crate::admin::rights::Permission;
use crate::issuer::{Api, GrantedScope};
use crate::store::Recorded;
use crate::web::visit::Fields;

pub async fn list(desk: &Desk<'_>) -> Answer {
    let at = desk.issuer().await?;
    let apis = desk.admin.core.store.list_apis(at.issuer.id).await?;
    let mut roles = Vec::new();
    for record in at.list_roles().await? {
        let users = at.count_users_of_role(&record.value.name).await?;
        roles.push(RoleRow {
            users: views::count(users),
            scopes: number_of_scopes(&record.value, &apis),
            name: record.value.name,
            description: record.value.description,
            is_declared: record.is_declared,
        });
    }
    Ok(desk.show(&RolesPage {
        frame: desk.frame(Section::Roles),
        roles,
    }))
}

fn number_of_scopes(role: &Role, apis: &[Api]) -> usize {
    let of = |grant: &crate::account::RoleGrant| match &grant.scope {
        GrantedScope::Only(scope) => scope.tokens().len(),
        GrantedScope::All => apis
            .iter()
            .find(|api| api.id == grant.api_id)
            .map_or(0, |api| api.scopes.len()),
    };
    role.grants.iter().map(of).sum()
}

fn editing(record: &Recorded<Role>) -> Editing {
    Editing {
        id: record.value.name.clone(),
        name: record.value.name.clone(),
        revision: record.revision,
        is_declared: record.is_declared,
    }
}

fn place(desk: &Desk<'_>, name: &str) -> String {
    let segment = links::segment(name);
    desk.frame(Section::Roles).at(&format!("roles/{segment}"))
}

pub async fn show(desk: &Desk<'_>, name: &str) -> Answer {
    let at = desk.issuer().await?;
    let record = at.get_role(name).await?;
    let apis = desk.admin.core.store.list_apis(at.issuer.id).await?;
    let form = RoleForm::of(&record.value, &apis);
    let users = at.count_users_of_role(name).await?;
    Ok(desk.show(&RolePage {
        frame: desk.frame(Section::Roles),
        role: RoleDetails {
            name: form.name,
            description: form.description,
            is_declared: record.is_declared,
            users: views::count(users),
            grants: grants::views(&apis, &form.grants),
        },
    }))
}

pub async fn create(desk: &Desk<'_>, form: Option<&Fields>) -> Answer {
    let at = desk.issuer().await?;
    at.require(Permission::WriteRoles)?;
    let apis = desk.admin.core.store.list_apis(at.issuer.id).await?;
    let Some(fields) = form else {
        let page = form_page(desk, None, RoleFields::default(), &apis, &[]);
        return Ok(desk.show(&page));
    };
    let sent = read(fields, &apis);
    match at.create_role(&sent).await {
        Ok(record) => desk.done(&place(desk, &record.value.name), Notice::Created),
        Err(fault) => {
            let problems = problems(fault, &[("grants", "apis")])?;
            let mut page = form_page(desk, None, shown(&sent), &apis, &sent.grants);
            page.problems = problems;
            Ok(desk.show_again(&page))
        }
    }
}

pub async fn edit(desk: &Desk<'_>, name: &str, form: Option<&Fields>) -> Answer {
    let at = desk.issuer().await?;
    at.require(Permission::WriteRoles)?;
    let record = at.get_role(name).await?;
    let apis = desk.admin.core.store.list_apis(at.issuer.id).await?;
    let current = RoleForm::of(&record.value, &apis);
    let Some(fields) = form else {
        let editing = Some(editing(&record));
        let page = form_page(desk, editing, shown(&current), &apis, &current.grants);
        return Ok(desk.show(&page));
    };
    // A role keeps its name.
    let sent = RoleForm {
        name: name.to_owned(),
        ..read(fields, &apis)
    };
    match at.update_role(name, revision(fields), &sent).await {
        Ok(_) => desk.done(&place(desk, name), Notice::Saved),
        Err(AdminFault::Changed { .. }) => {
            let reload = format!("{}/edit", place(desk, name));
            Ok(desk.conflict(&sent, &current, reload))
        }
        Err(fault) => {
            let problems = problems(fault, &[("grants", "apis")])?;
            let mut editing = editing(&record);
            editing.revision = revision(fields);
            let mut page = form_page(desk, Some(editing), shown(&sent), &apis, &sent.grants);
            page.problems = problems;
            Ok(desk.show_again(&page))
        }
    }
}

pub async fn delete(desk: &Desk<'_>, name: &str, form: Option<&Fields>) -> Answer {
    let at = desk.issuer().await?;
    at.require(Permission::WriteRoles)?;
    let Some(fields) = form else {
        let question = Question::DeleteRole {
            role: editing(&at.get_role(name).await?),
            users: views::count(at.count_users_of_role(name).await?),
        };
        return Ok(desk.show(&ConfirmPage {
            frame: desk.frame(Section::Roles),
            question,
            obstacle: None,
        }));
    };
    at.delete_role(name, revision(fields), true).await?;
    let list = desk.frame(Section::Roles).at("roles");
    desk.done(&list, Notice::Deleted)
}

fn read(fields: &Fields, apis: &[Api]) -> RoleForm {
    RoleForm {
        name: fields.text("name").trim().to_owned(),
        description: fields.text("description").trim().to_owned(),
        grants: grants::read(fields, apis),
    }
}

fn shown(form: &RoleForm) -> RoleFields {
    RoleFields {
        name: form.name.clone(),
        description: form.description.clone(),
    }
}

fn form_page<'d>(
    desk: &'d Desk<'_>,
    editing: Option<Editing>,
    fields: RoleFields,
    apis: &[Api],
    granted: &[GrantForm],
) -> RoleFormPage<'d> {
    RoleFormPage {
        frame: desk.frame(Section::Roles),
        editing,
        fields,
        apis: grants::choices(apis, granted),
        problems: Problems::default(),
    }
}
