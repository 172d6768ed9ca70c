//! The first administrator's account, by the link that the first start prints.

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};

use super::desk;
use super::pages::{Problems, SetUpFields, SetUpPage};
use super::users::named;
use crate::account::UserClaims;
use crate::admin::forms::UserForm;
use crate::admin::{AdminFault, set_up as make_owner};
use crate::audit::{Actor, ActorKind};
use crate::secret::Secret;
use crate::web::set_password::chosen;
use crate::web::visit::{PLAIN, Visit, in_query};

/// Members whose fields are called otherwise.
const FIELDS: &[(&str, &str)] = &[("password", "new_password"), ("claims", "")];

/// `GET` and `POST /console/set-up?token=…`
pub async fn set_up(
    visit: &Visit<'_>,
    request: &HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    if request.method() != Method::POST {
        let token = in_query(request, "token");
        let digest = Secret::new(token.as_str()).digest();
        let store = &visit.app.core.store;
        let found = store.find_link(visit.address.issuer.id, &digest, visit.now);
        return match found.await {
            Ok(found) => {
                let is_closed = found != Some(None);
                let page = page(visit, token, SetUpFields::default(), is_closed);
                let status = if is_closed {
                    StatusCode::GONE
                } else {
                    StatusCode::OK
                };
                visit.show(status, &page, &PLAIN)
            }
            Err(error) => visit.failed(&error.into()),
        };
    }
    let fields = match visit.read_form(request, payload).await {
        Ok(fields) => fields,
        Err(response) => return response,
    };
    let text = |name: &str| fields.text(name).trim().to_owned();
    let typed = SetUpFields {
        username: text("username"),
        name: text("name"),
        email: text("email"),
    };
    let token = fields.text("token");
    let password = fields.password("new_password");
    let mut problems = Problems::default();
    if password.expose() != fields.password("repeated_password").expose() {
        problems.add("repeated_password", "The two passwords differ.");
    }
    if problems.is_empty() {
        let actor = Actor::from_afar(ActorKind::Anonymous, "", "", &visit.authority.visitor);
        let form = user_form(&typed);
        match make_owner(
            &visit.app.core,
            &Secret::new(token),
            &form,
            &password,
            &actor,
        )
        .await
        {
            Ok(_) => return chosen(visit),
            Err(AdminFault::NotFound { .. }) => {
                let page = page(visit, String::new(), typed, true);
                return visit.show(StatusCode::GONE, &page, &PLAIN);
            }
            Err(fault) => match desk::problems(fault, FIELDS) {
                Ok(found) => problems = found,
                Err(other) => return visit.failed(&desk::refusal(other)),
            },
        }
    }
    let mut page = page(visit, token.to_owned(), typed, false);
    page.problems = problems;
    visit.show(StatusCode::UNPROCESSABLE_ENTITY, &page, &PLAIN)
}

fn page<'v>(
    visit: &'v Visit<'_>,
    token: String,
    fields: SetUpFields,
    is_closed: bool,
) -> SetUpPage<'v> {
    SetUpPage {
        frame: visit.frame(),
        csrf: visit.csrf(),
        action: visit.path("/set-up"),
        token,
        fields,
        problems: Problems::default(),
        is_closed,
    }
}

fn user_form(fields: &SetUpFields) -> UserForm {
    UserForm {
        username: fields.username.clone(),
        claims: named(&UserClaims::default(), &fields.name, &fields.email),
        roles: Vec::new(),
        blocked: false,
    }
}
