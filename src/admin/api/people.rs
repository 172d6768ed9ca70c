use super::call::Page;
use super::documents::{
    LinkDocument, NewPassword, NewUser, SignInDocument, UserDocument, UserWithLink,
};
use super::{ApiAnswer, Call};
use crate::account::{User, UserId};
use crate::admin::forms::UserForm;
use crate::admin::{AdminFault, LINK_LIFETIME};
use crate::secret::Secret;
use crate::store::UserQuery;

type Answer = Result<ApiAnswer, ApiAnswer>;

fn id(call: &Call<'_>) -> Result<UserId, ApiAnswer> {
    call.uuid(1, "user").map(UserId)
}

/// Where in a user's document what is wrong stands: the profile's members are claims.
fn placed(fault: AdminFault) -> AdminFault {
    const CLAIMS: [&str; 3] = ["name", "email", "phone_number"];
    let AdminFault::Invalid(mut problems) = fault else {
        return fault;
    };
    for problem in &mut problems {
        if CLAIMS.contains(&problem.field.as_str()) {
            problem.field.insert_str(0, "claims.");
        }
    }
    AdminFault::Invalid(problems)
}

fn link(call: &Call<'_>, token: &Secret) -> LinkDocument {
    let now = call.admin.core.clock.now();
    LinkDocument {
        path: format!("/set-password?token={}", token.expose()),
        expires_at: (now + LINK_LIFETIME).rfc3339(),
    }
}

pub async fn list(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let after: Option<String> = call.after()?;
    let query = UserQuery {
        search: call.query("search"),
        role: call.query("role"),
        is_blocked: call.flag("blocked")?,
        after: after.as_deref().unwrap_or_default(),
        limit: call.limit()? + 1,
    };
    let found = at.list_users(&query).await?;
    call.page(
        found,
        |record| UserDocument::from(record),
        |record| User::canonical_username(&record.user.username),
    )
}

pub async fn create(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let new: NewUser = call.body()?;
    let password = new.password.as_deref().map(Secret::typed);
    let created = at.create_user(&new.form, password.as_ref()).await;
    let created = created.map_err(placed)?;
    let document = UserWithLink {
        user: UserDocument::from(&created.record),
        link: created.link_token.as_ref().map(|token| link(call, token)),
    };
    let (issuer, id) = (&at.issuer.name, created.record.user.id.0);
    let location = format!("{}/issuers/{issuer}/users/{id}", super::BASE);
    Ok(ApiAnswer::json(201, &document)
        .with_revision(created.record.revision)
        .with_header("Location", location))
}

pub async fn get(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let record = at.get_user(id(call)?).await?;
    Ok(ApiAnswer::json(200, &UserDocument::from(&record)).with_revision(record.revision))
}

pub async fn update(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let record = at.current_user(id(call)?).await?;
    let document = UserDocument::from(&record);
    let form: UserForm = call.patched(&document.form, &document)?;
    let revision = call.revision(record.revision)?;
    let record = at.update_user(record.user.id, revision, &form).await;
    let record = record.map_err(placed)?;
    Ok(ApiAnswer::json(200, &UserDocument::from(&record)).with_revision(record.revision))
}

pub async fn delete(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let record = at.current_user(id(call)?).await?;
    at.delete_user(record.user.id, call.revision(record.revision)?)
        .await?;
    Ok(ApiAnswer::no_content())
}

pub async fn make_link(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let token = at.make_password_link(id(call)?).await?;
    Ok(ApiAnswer::json(201, &link(call, &token)))
}

pub async fn set_password(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let new: NewPassword = call.body()?;
    at.set_user_password(id(call)?, &Secret::typed(&new.password))
        .await?;
    Ok(ApiAnswer::no_content())
}

pub async fn sign_ins(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let user = at.get_user(id(call)?).await?.user;
    let found = at.list_sign_ins(user.id, call.limit()?).await?;
    let items: Vec<SignInDocument> = found.iter().map(SignInDocument::from).collect();
    Ok(ApiAnswer::json(200, &Page { items, next: None }))
}
