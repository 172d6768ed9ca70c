use super::desk::{Answer, Desk, problems, revision};
use super::pages::{
    AdministratorFields, AdministratorFormPage, AdministratorRow, AdministratorsPage, ConfirmPage,
    Editing, IssuerName, Notice, OneTimeLinkPage, Problems, Question, Section, Standing, links,
};
use super::users::{editing, id, last_sign_in, named};
use crate::account::{User, UserClaims};
use crate::admin::forms::UserForm;
use crate::admin::rights::{AdminRole, Appointment, Permission};
use crate::admin::system::CONSOLE;
use crate::admin::{AdminFault, AtIssuer, LINK_LIFETIME};
use crate::secret::Secret;
use crate::store::{UserQuery, UserRecord};
use crate::web::visit::Fields;

/// A server has few of them.
const MOST: i64 = 200;
const LIST: &str = "/console/administrators";

pub async fn list(desk: &Desk<'_>) -> Answer {
    let console = desk.admin.at(CONSOLE).await?;
    let found = console
        .list_users(&UserQuery {
            limit: MOST,
            ..UserQuery::default()
        })
        .await?;
    let is_able_owner = |record: &&UserRecord| {
        let user = &record.user;
        !user.is_blocked
            && user.password_hash.is_some()
            && user
                .roles
                .iter()
                .any(|role| role == AdminRole::Owner.as_str())
    };
    let owners = found.iter().filter(is_able_owner).count();
    let own = desk.visit.current().map(|held| held.signed_in.user.id);
    let mut rows = Vec::new();
    for record in &found {
        let user = &record.user;
        rows.push(AdministratorRow {
            id: user.id.0.to_string(),
            username: user.username.clone(),
            name: user.display_name().to_owned(),
            email: user.claims.text("email").unwrap_or_default().to_owned(),
            standings: standings(user),
            last_signed_in_at: last_sign_in(&console, user.id).await?,
            is_invited: user.password_hash.is_none(),
            is_self: Some(user.id) == own,
            is_last_owner: owners == 1 && is_able_owner(&record),
        });
    }
    Ok(desk.show(&AdministratorsPage {
        frame: desk.frame(Section::Administrators),
        administrators: rows,
    }))
}

fn standings(user: &User) -> Vec<(Standing, Option<String>)> {
    let appointments = user
        .roles
        .iter()
        .filter_map(|role| Appointment::parse(role));
    appointments
        .map(|appointment| (appointment.role, appointment.issuer))
        .collect()
}

pub async fn create(desk: &Desk<'_>, form: Option<&Fields>) -> Answer {
    let console = desk.admin.at(CONSOLE).await?;
    console.require(Permission::WriteUsers)?;
    let Some(fields) = form else {
        let fields = AdministratorFields {
            standing: Standing::Manager.as_str().to_owned(),
            ..AdministratorFields::default()
        };
        return Ok(desk.show(&form_page(desk, None, fields)));
    };
    let typed = read_fields(fields);
    let outcome = match roles(&typed) {
        Ok(roles) => {
            let form = user_form(&typed, roles, &UserClaims::default(), false);
            console.create_user(&form, None).await
        }
        Err(fault) => Err(fault),
    };
    match outcome {
        Ok(created) => {
            let token = created.link_token;
            Ok(link_page(desk, &created.record.user, token.as_ref(), true))
        }
        Err(fault) => {
            let problems = problems(fault, FIELDS)?;
            let mut page = form_page(desk, None, typed);
            page.problems = problems;
            Ok(desk.show_again(&page))
        }
    }
}

/// Members whose fields are called otherwise.
const FIELDS: &[(&str, &str)] = &[("roles", "standing"), ("claims", "")];

pub async fn edit(desk: &Desk<'_>, text: &str, form: Option<&Fields>) -> Answer {
    let console = desk.admin.at(CONSOLE).await?;
    console.require(Permission::WriteUsers)?;
    let id = id(text)?;
    let record = console.get_user(id).await?;
    let Some(fields) = form else {
        let fields = shown_fields(&record.user);
        return Ok(desk.show(&form_page(desk, Some(editing(&record)), fields)));
    };
    let typed = read_fields(fields);
    let shown = shown_fields(&record.user);
    // Somebody may be more than the form can say: what it did not change stays.
    let roles = if typed.appoints_as(&shown) {
        Ok(record.user.roles.clone())
    } else {
        roles(&typed)
    };
    let outcome = match roles {
        Ok(roles) => {
            let form = user_form(&typed, roles, &record.user.claims, record.user.is_blocked);
            console.update_user(id, revision(fields), &form).await
        }
        Err(fault) => Err(fault),
    };
    match outcome {
        Ok(_) => desk.done(LIST, Notice::Saved),
        Err(AdminFault::Changed { .. }) => {
            let reload = format!("{LIST}/{}/edit", links::segment(text));
            Ok(desk.conflict(&typed, &shown, reload))
        }
        Err(fault) => {
            let problems = problems(fault, FIELDS)?;
            let mut editing = editing(&record);
            editing.revision = revision(fields);
            let mut page = form_page(desk, Some(editing), typed);
            page.problems = problems;
            Ok(desk.show_again(&page))
        }
    }
}

pub async fn delete(desk: &Desk<'_>, text: &str, form: Option<&Fields>) -> Answer {
    let console = desk.admin.at(CONSOLE).await?;
    console.require(Permission::WriteUsers)?;
    let id = id(text)?;
    let Some(fields) = form else {
        let administrator = editing(&console.get_user(id).await?);
        return Ok(desk.show(&ConfirmPage {
            frame: desk.frame(Section::Administrators),
            question: Question::RemoveAdministrator { administrator },
            obstacle: None,
        }));
    };
    console.delete_user(id, revision(fields)).await?;
    desk.done(LIST, Notice::AdministratorRemoved)
}

pub async fn password_link(desk: &Desk<'_>, text: &str) -> Answer {
    let console: AtIssuer<'_> = desk.admin.at(CONSOLE).await?;
    let id = id(text)?;
    let token = console.make_password_link(id).await?;
    let user = console.get_user(id).await?.user;
    Ok(link_page(desk, &user, Some(&token), false))
}

fn link_page(
    desk: &Desk<'_>,
    user: &User,
    token: Option<&Secret>,
    is_new: bool,
) -> actix_web::HttpResponse {
    let base = desk.visit.address.metadata.base();
    let token = token.map_or("", Secret::expose);
    desk.show(&OneTimeLinkPage {
        frame: desk.frame(Section::Administrators),
        username: user.username.clone(),
        name: user.display_name().to_owned(),
        link: format!("{base}/set-password?token={token}"),
        expires_at: (desk.visit.now + LINK_LIFETIME).rfc3339(),
        is_new,
        next: LIST.to_owned(),
    })
}

fn form_page<'d>(
    desk: &'d Desk<'_>,
    editing: Option<Editing>,
    fields: AdministratorFields,
) -> AdministratorFormPage<'d> {
    let frame = desk.frame(Section::Administrators);
    let issuers: Vec<IssuerName> = frame.issuers.to_vec();
    AdministratorFormPage {
        frame,
        editing,
        fields,
        issuers,
        problems: Problems::default(),
    }
}

fn read_fields(fields: &Fields) -> AdministratorFields {
    let text = |name: &str| fields.text(name).trim().to_owned();
    AdministratorFields {
        username: text("username"),
        name: text("name"),
        email: text("email"),
        standing: text("standing"),
        is_for_some: fields.text("reach") == "some",
        issuers: fields.all("issuer").map(str::to_owned).collect(),
    }
}

fn shown_fields(user: &User) -> AdministratorFields {
    let text = |name: &str| user.claims.text(name).unwrap_or_default().to_owned();
    let standings = standings(user);
    let first = standings.first();
    AdministratorFields {
        username: user.username.clone(),
        name: text("name"),
        email: text("email"),
        standing: first
            .map_or("", |(standing, _)| standing.as_str())
            .to_owned(),
        is_for_some: first.is_some_and(|(_, issuer)| issuer.is_some()),
        issuers: standings
            .into_iter()
            .filter_map(|(_, issuer)| issuer)
            .collect(),
    }
}

/// The roles that stand for what was chosen.
fn roles(fields: &AdministratorFields) -> Result<Vec<String>, AdminFault> {
    let wrong =
        |field, words: &str| AdminFault::Invalid(vec![crate::admin::Problem::new(field, words)]);
    let role = AdminRole::find(&fields.standing)
        .ok_or_else(|| wrong("standing", "choose one of these"))?;
    if !fields.is_for_some {
        return Ok(vec![role.as_str().to_owned()]);
    }
    if fields.issuers.is_empty() {
        return Err(wrong("issuer", "choose at least one issuer"));
    }
    let names = fields.issuers.iter().map(|issuer| {
        let issuer = Some(issuer.clone());
        Appointment { role, issuer }.role_name()
    });
    Ok(names.collect())
}

fn user_form(
    fields: &AdministratorFields,
    roles: Vec<String>,
    known: &UserClaims,
    blocked: bool,
) -> UserForm {
    UserForm {
        username: fields.username.clone(),
        claims: named(known, &fields.name, &fields.email),
        roles,
        blocked,
    }
}
