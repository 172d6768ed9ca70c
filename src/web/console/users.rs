use serde_json::{Map, Value as Json};
use uuid::Uuid;

use super::desk::{Answer, Desk, problems, revision};
use super::pages::{
    ConfirmPage, ConsentRow, Editing, Notice, OneTimeLinkPage, Paging, Problems, Question, Section,
    UserDetails, UserFields, UserFilter, UserFormPage, UserPage, UserRow, UsersPage, links,
};
use super::{Asked, views};
use crate::account::{Profile, Session, User, UserClaims, UserId};
use crate::admin::forms::UserForm;
use crate::admin::rights::Permission;
use crate::admin::{AdminFault, AtIssuer, LINK_LIFETIME};
use crate::secret::Secret;
use crate::store::{AuditQuery, UserQuery, UserRecord};
use crate::web::visit::Fields;

const PAGE: i64 = 50;
/// Events that a user's page shows.
const EVENTS: i64 = 20;

pub async fn list(desk: &Desk<'_>, asked: &Asked) -> Answer {
    let at = desk.issuer().await?;
    let is_blocked = asked.query("state") == "blocked";
    let mut found = at
        .list_users(&UserQuery {
            search: asked.query("q"),
            role: asked.query("role"),
            is_blocked: is_blocked.then_some(true),
            after: asked.query("after"),
            limit: PAGE + 1,
        })
        .await?;
    let has_more = found.len() > views::count(PAGE);
    found.truncate(views::count(PAGE));
    let next = found.last().filter(|_| has_more);
    let next = next.map(|last| User::canonical_username(&last.user.username));
    let mut users = Vec::new();
    for record in &found {
        users.push(row(&at, record).await?);
    }
    let roles = at.list_roles().await?;
    Ok(desk.show(&UsersPage {
        frame: desk.frame(Section::Users),
        filter: UserFilter {
            q: asked.query("q").to_owned(),
            role: asked.query("role").to_owned(),
            is_blocked,
        },
        roles: roles.into_iter().map(|role| role.value.name).collect(),
        users,
        paging: Paging {
            next,
            is_later: !asked.query("after").is_empty(),
        },
    }))
}

async fn row(at: &AtIssuer<'_>, record: &UserRecord) -> Result<UserRow, AdminFault> {
    let user = &record.user;
    Ok(UserRow {
        id: user.id.0.to_string(),
        username: user.username.clone(),
        name: user.display_name().to_owned(),
        email: user.claims.text("email").unwrap_or_default().to_owned(),
        roles: user.roles.clone(),
        is_blocked: user.is_blocked,
        is_invited: user.password_hash.is_none(),
        last_signed_in_at: last_sign_in(at, user.id).await?,
    })
}

pub async fn last_sign_in(at: &AtIssuer<'_>, id: UserId) -> Result<Option<String>, AdminFault> {
    Ok(at.find_last_sign_in(id).await?.map(|at| at.rfc3339()))
}

pub fn id(text: &str) -> Result<UserId, AdminFault> {
    let id: Result<Uuid, _> = text.parse();
    id.map(UserId)
        .map_err(|_| AdminFault::not_found("user", text))
}

pub fn editing(record: &UserRecord) -> Editing {
    Editing {
        id: record.user.id.0.to_string(),
        name: record.user.display_name().to_owned(),
        revision: record.revision,
        is_declared: record.is_declared,
    }
}

pub fn place(desk: &Desk<'_>, id: &str) -> String {
    let segment = links::segment(id);
    desk.frame(Section::Users).at(&format!("users/{segment}"))
}

/// The session of the browser that this page is shown in.
pub fn own_session(desk: &Desk<'_>) -> Option<Session> {
    let current = desk.visit.current()?;
    Some(current.signed_in.session.clone())
}

pub async fn show(desk: &Desk<'_>, text: &str) -> Answer {
    let at = desk.issuer().await?;
    let id = id(text)?;
    let record = at.get_user(id).await?;
    let user = &record.user;
    let sessions = at.list_sessions_of(id).await?;
    let consents = consents(desk, &at, id).await?;
    let by = AuditQuery {
        actor: text,
        limit: EVENTS,
        ..AuditQuery::default()
    };
    let about = AuditQuery {
        target: text,
        actor: "",
        ..by.clone()
    };
    let mut events = at.search_audit(&by).await?;
    events.extend(at.search_audit(&about).await?);
    events.sort_by_key(|event| std::cmp::Reverse(event.sequence));
    events.dedup_by_key(|event| event.sequence);
    events.truncate(views::count(EVENTS));
    let name = user.display_name();
    Ok(desk.show(&UserPage {
        frame: desk.frame(Section::Users),
        user: UserDetails {
            id: text.to_owned(),
            username: user.username.clone(),
            name: name.to_owned(),
            revision: record.revision,
            is_blocked: user.is_blocked,
            is_invited: user.password_hash.is_none(),
            is_declared: record.is_declared,
            created_at: user.created_at.rfc3339(),
            last_signed_in_at: last_sign_in(&at, id).await?,
            profile: profile(&user.claims.0),
            roles: user.roles.clone(),
        },
        sessions: sessions
            .iter()
            .map(|session| views::session(session, &user.username, name, own_session(desk)))
            .collect(),
        consents,
        events: views::events(&events),
    }))
}

fn profile(claims: &Map<String, Json>) -> Vec<(String, String)> {
    claims
        .iter()
        .map(|(name, value)| {
            let value = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            (name.clone(), value)
        })
        .collect()
}

async fn consents(
    desk: &Desk<'_>,
    at: &AtIssuer<'_>,
    id: UserId,
) -> Result<Vec<ConsentRow>, AdminFault> {
    let mut rows: Vec<ConsentRow> = Vec::new();
    for consent in at.list_consents_of(id).await? {
        let scopes = consent.scope.tokens().to_vec();
        if let Some(row) = rows
            .iter_mut()
            .find(|row| row.client_id == consent.client_id)
        {
            row.scopes.extend(scopes);
            continue;
        }
        let store = &desk.admin.core.store;
        let client = store.find_client(at.issuer.id, &consent.client_id).await?;
        rows.push(ConsentRow {
            client_name: client.map_or_else(
                || consent.client_id.clone(),
                |client| client.client_name.clone(),
            ),
            client_id: consent.client_id,
            scopes,
            since: consent.created_at.rfc3339(),
        });
    }
    Ok(rows)
}

pub async fn create(desk: &Desk<'_>, form: Option<&Fields>) -> Answer {
    let at = desk.issuer().await?;
    at.require(Permission::WriteUsers)?;
    let Some(fields) = form else {
        let page = form_page(desk, &at, None, UserFields::default()).await?;
        return Ok(desk.show(&page));
    };
    let typed = read_fields(fields);
    let form = user_form(&typed, &UserClaims::default(), false);
    match at.create_user(&form, None).await {
        Ok(created) => {
            let user = &created.record.user;
            link_page(desk, user, created.link_token.as_ref(), true).await
        }
        Err(fault) => {
            let problems = problems(fault, FIELDS)?;
            let mut page = form_page(desk, &at, None, typed).await?;
            page.problems = problems;
            Ok(desk.show_again(&page))
        }
    }
}

/// Members whose fields are called otherwise.
const FIELDS: &[(&str, &str)] = &[("roles", "role"), ("claims", "")];

/// The link with which somebody chooses a password: shown once.
async fn link_page(desk: &Desk<'_>, user: &User, token: Option<&Secret>, is_new: bool) -> Answer {
    let address = desk.address().await?;
    let place = place(desk, &user.id.0.to_string());
    let Some(token) = token else {
        return desk.done(&place, Notice::Created);
    };
    Ok(desk.show(&OneTimeLinkPage {
        frame: desk.frame(Section::Users),
        username: user.username.clone(),
        name: user.display_name().to_owned(),
        link: format!(
            "{}/set-password?token={}",
            address.metadata.base(),
            token.expose()
        ),
        expires_at: (desk.visit.now + LINK_LIFETIME).rfc3339(),
        is_new,
        next: place,
    }))
}

pub async fn edit(desk: &Desk<'_>, text: &str, form: Option<&Fields>) -> Answer {
    let at = desk.issuer().await?;
    at.require(Permission::WriteUsers)?;
    let id = id(text)?;
    let record = at.get_user(id).await?;
    let Some(fields) = form else {
        let fields = shown_fields(&record.user);
        let page = form_page(desk, &at, Some(editing(&record)), fields).await?;
        return Ok(desk.show(&page));
    };
    let typed = read_fields(fields);
    let sent = user_form(&typed, &record.user.claims, record.user.is_blocked);
    match at.update_user(id, revision(fields), &sent).await {
        Ok(_) => desk.done(&place(desk, text), Notice::Saved),
        Err(AdminFault::Changed { .. }) => {
            let reload = format!("{}/edit", place(desk, text));
            Ok(desk.conflict(&sent, &UserForm::from(&record.user), reload))
        }
        Err(fault) => {
            let problems = problems(fault, FIELDS)?;
            let mut editing = editing(&record);
            editing.revision = revision(fields);
            let mut page = form_page(desk, &at, Some(editing), typed).await?;
            page.problems = problems;
            Ok(desk.show_again(&page))
        }
    }
}

async fn form_page<'d>(
    desk: &'d Desk<'_>,
    at: &AtIssuer<'_>,
    editing: Option<Editing>,
    fields: UserFields,
) -> Result<UserFormPage<'d>, AdminFault> {
    let roles = at.list_roles().await?;
    Ok(UserFormPage {
        frame: desk.frame(Section::Users),
        editing,
        fields,
        roles: roles
            .into_iter()
            .map(|role| (role.value.name, role.value.description))
            .collect(),
        problems: Problems::default(),
    })
}

fn read_fields(fields: &Fields) -> UserFields {
    let text = |name: &str| fields.text(name).trim().to_owned();
    UserFields {
        username: text("username"),
        name: text("name"),
        given_name: text("given_name"),
        family_name: text("family_name"),
        email: text("email"),
        phone_number: text("phone_number"),
        roles: fields.all("role").map(str::to_owned).collect(),
    }
}

fn shown_fields(user: &User) -> UserFields {
    let text = |name: &str| user.claims.text(name).unwrap_or_default().to_owned();
    UserFields {
        username: user.username.clone(),
        name: text("name"),
        given_name: text("given_name"),
        family_name: text("family_name"),
        email: text("email"),
        phone_number: text("phone_number"),
        roles: user.roles.clone(),
    }
}

/// What was typed, over what is known.
fn user_form(fields: &UserFields, known: &UserClaims, blocked: bool) -> UserForm {
    let profile = Profile {
        name: fields.name.clone(),
        given_name: fields.given_name.clone(),
        family_name: fields.family_name.clone(),
        email: fields.email.clone(),
        phone_number: fields.phone_number.clone(),
        ..Profile::of(known)
    };
    UserForm {
        username: fields.username.clone(),
        claims: profile.applied_to(known).0,
        roles: fields.roles.clone(),
        blocked,
    }
}

/// The claims of an administrator, of whom no more is asked.
pub fn named(known: &UserClaims, name: &str, email: &str) -> Map<String, Json> {
    let profile = Profile {
        name: name.to_owned(),
        email: email.to_owned(),
        ..Profile::of(known)
    };
    profile.applied_to(known).0
}

pub async fn block(desk: &Desk<'_>, text: &str, form: Option<&Fields>) -> Answer {
    let at = desk.issuer().await?;
    at.require(Permission::WriteUsers)?;
    let id = id(text)?;
    let record = at.get_user(id).await?;
    let Some(fields) = form else {
        let sessions = at.list_sessions_of(id).await?.len();
        let user = editing(&record);
        return Ok(ask(desk, Question::BlockUser { user, sessions }));
    };
    let mut form = UserForm::from(&record.user);
    form.blocked = true;
    at.update_user(id, revision(fields), &form).await?;
    desk.done(&place(desk, text), Notice::Blocked)
}

pub async fn unblock(desk: &Desk<'_>, text: &str, fields: &Fields) -> Answer {
    let at = desk.issuer().await?;
    at.require(Permission::WriteUsers)?;
    let id = id(text)?;
    let mut form = UserForm::from(&at.get_user(id).await?.user);
    form.blocked = false;
    at.update_user(id, revision(fields), &form).await?;
    desk.done(&place(desk, text), Notice::Unblocked)
}

pub async fn delete(desk: &Desk<'_>, text: &str, form: Option<&Fields>) -> Answer {
    let at = desk.issuer().await?;
    at.require(Permission::WriteUsers)?;
    let id = id(text)?;
    let Some(fields) = form else {
        let question = Question::DeleteUser {
            user: editing(&at.get_user(id).await?),
            sessions: at.list_sessions_of(id).await?.len(),
            consents: consents(desk, &at, id).await?.len(),
        };
        return Ok(ask(desk, question));
    };
    at.delete_user(id, revision(fields)).await?;
    let list = desk.frame(Section::Users).at("users");
    desk.done(&list, Notice::Deleted)
}

pub async fn password_link(desk: &Desk<'_>, text: &str) -> Answer {
    let at = desk.issuer().await?;
    let id = id(text)?;
    let token = at.make_password_link(id).await?;
    let user = at.get_user(id).await?.user;
    link_page(desk, &user, Some(&token), false).await
}

pub async fn end_sessions(desk: &Desk<'_>, text: &str, form: Option<&Fields>) -> Answer {
    let at = desk.issuer().await?;
    at.require(Permission::WriteSessions)?;
    let id = id(text)?;
    if form.is_none() {
        let question = Question::EndSessions {
            user: editing(&at.get_user(id).await?),
            sessions: at.list_sessions_of(id).await?.len(),
        };
        return Ok(ask(desk, question));
    }
    at.end_sessions_of(id).await?;
    desk.done(&place(desk, text), Notice::SessionsEnded)
}

pub async fn withdraw(desk: &Desk<'_>, text: &str, asked: &Asked, form: Option<&Fields>) -> Answer {
    let at = desk.issuer().await?;
    at.require(Permission::WriteConsents)?;
    let id = id(text)?;
    let client_id = asked.query("client_id");
    if form.is_none() {
        let consents = consents(desk, &at, id).await?;
        let consent = consents.into_iter().find(|row| row.client_id == client_id);
        let question = Question::WithdrawConsent {
            user: editing(&at.get_user(id).await?),
            consent: consent.ok_or_else(|| AdminFault::not_found("consent", client_id))?,
        };
        return Ok(ask(desk, question));
    }
    at.withdraw_consent(id, client_id).await?;
    desk.done(&place(desk, text), Notice::ConsentWithdrawn)
}

fn ask(desk: &Desk<'_>, question: Question) -> actix_web::HttpResponse {
    desk.show(&ConfirmPage {
        frame: desk.frame(Section::Users),
        question,
        obstacle: None,
    })
}
