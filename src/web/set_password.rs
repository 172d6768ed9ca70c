//! Somebody chooses a password, by a link that an administrator gave them.

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};

use super::App;
use super::address::Address;
use super::pages::{PasswordLinkExpiredPage, PasswordProblem, SetPasswordPage};
use super::visit::{PLAIN, Visit, in_query};
use crate::account::User;
use crate::oauth::Refusal;
use crate::secret::Secret;
use crate::signin::password::{PasswordFault, check_new_password};

/// What the sign-in page is told afterwards, as `done` in its query.
pub const CHOSEN: &str = "password-chosen";

/// `GET` and `POST {issuer}/set-password?token=…`
pub async fn set_password(
    app: &App,
    address: &Address,
    request: &HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let visit = match Visit::of(app, address, request, None).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    if request.method() != Method::POST {
        let link = Secret::new(in_query(request, "token"));
        return match visit.authority.find_password_link(&link).await {
            Ok(Some(user)) => show(&visit, &link, &user, None),
            Ok(None) => expired(&visit),
            Err(refusal) => visit.failed(&refusal),
        };
    }
    let fields = match visit.read_form(request, payload).await {
        Ok(fields) => fields,
        Err(response) => return response,
    };
    let link = Secret::new(fields.text("link"));
    let user = match visit.authority.find_password_link(&link).await {
        Ok(Some(user)) => user,
        Ok(None) => return expired(&visit),
        Err(refusal) => return visit.failed(&refusal),
    };
    let password = fields.password("new_password");
    let problem = if password.expose() != fields.password("repeated_password").expose() {
        Some(PasswordProblem::Differ)
    } else {
        let nothing = Secret::new("");
        match check_new_password(&user.username, &nothing, &password) {
            Ok(()) => None,
            Err(PasswordFault::TooShort) => Some(PasswordProblem::TooShort),
            Err(PasswordFault::TooLong) => Some(PasswordProblem::TooLong),
            Err(PasswordFault::TooEasy) => Some(PasswordProblem::TooEasy),
        }
    };
    if problem.is_some() {
        return show(&visit, &link, &user, problem);
    }
    match visit
        .authority
        .choose_password(&link, &user, &password)
        .await
    {
        Ok(true) => chosen(&visit),
        Ok(false) => expired(&visit),
        Err(Refusal::Busy(_)) => show(&visit, &link, &user, Some(PasswordProblem::Busy)),
        Err(refusal) => visit.failed(&refusal),
    }
}

fn show(
    visit: &Visit<'_>,
    link: &Secret,
    user: &User,
    problem: Option<PasswordProblem>,
) -> HttpResponse {
    let status = match problem {
        None => StatusCode::OK,
        Some(PasswordProblem::Busy) => StatusCode::TOO_MANY_REQUESTS,
        Some(_) => StatusCode::UNPROCESSABLE_ENTITY,
    };
    let page = SetPasswordPage {
        frame: visit.frame(),
        csrf: visit.csrf(),
        action: visit.path("/set-password"),
        link: link.expose().to_owned(),
        username: user.username.clone(),
        user_name: user.display_name().to_owned(),
        problem,
    };
    visit.show(status, &page, &PLAIN)
}

/// To where the password is tried out.
pub fn chosen(visit: &Visit<'_>) -> HttpResponse {
    visit.redirect(&format!("{}?done={CHOSEN}", visit.path("/sign-in")))
}

fn expired(visit: &Visit<'_>) -> HttpResponse {
    let page = PasswordLinkExpiredPage {
        frame: visit.frame(),
    };
    visit.show(StatusCode::GONE, &page, &PLAIN)
}
