//! The consent page: what a client asks for, a switch for each.

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};

use super::App;
use super::address::Address;
use super::authorization::{OnTheWay, answer, form_targets, proceed};
use super::pages::{ApiChoices, ConsentPage, Language, Policy, ScopeChoice};
use super::sign_in::client_view;
use super::visit::{Fields, Visit, in_query};
use crate::account::StandardScope;
use crate::issuer::{Api, ApiScope};
use crate::oauth::authorization::{
    AuthorizationRequest, Grantable, Next, Progress, deny, is_required,
};
use crate::signin::ticket::Ticket;

/// `GET` and `POST {issuer}/consent`.
pub async fn consent(
    app: &App,
    address: &Address,
    request: &HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let mut visit = match Visit::of(app, address, request, None).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    let fields = if request.method() == Method::POST {
        match visit.read_form(request, payload).await {
            Ok(fields) => Some(fields),
            Err(response) => return response,
        }
    } else {
        None
    };
    let text = match &fields {
        Some(fields) => fields.text("ticket").to_owned(),
        None => in_query(request, "ticket"),
    };
    let ticket = match visit.read_ticket(&text) {
        Ok(ticket) => ticket,
        Err(response) => return response,
    };
    // Whom the page was shown to may have signed out since: an answer is theirs alone.
    let is_of_somebody_gone = ticket.progress.is_of_somebody_gone(&visit.signed_in());
    visit.speak_as_asked(&ticket);
    let OnTheWay { request, next } = match visit.on_the_way(&ticket).await {
        Ok(on_the_way) => on_the_way,
        Err(response) => return response,
    };
    let Some(fields) = fields else {
        return match next {
            Next::Consent(grantable) => show(&visit, &ticket, &request, &grantable, None).await,
            // Answered already, in this window or another.
            _ => proceed(&visit, ticket).await,
        };
    };
    // Whatever was answered before: "deny" never grants, and "allow" no more than is ticked now.
    let grantable = match next {
        next if fields.text("decision") == "deny" => {
            let denied = match next {
                Next::Consent(asked) | Next::Grant(asked) => {
                    let user = &asked.signed_in.user;
                    visit.authority.deny(&request, user).await
                }
                // Nobody who could be named.
                Next::SignIn { .. } | Next::ChooseAccount => Ok(deny(&request)),
            };
            return match denied {
                Ok(denied) => answer(&visit, denied),
                Err(refusal) => visit.failed(&refusal),
            };
        }
        Next::Consent(grantable) | Next::Grant(grantable) => grantable,
        Next::SignIn { .. } | Next::ChooseAccount => return proceed(&visit, ticket).await,
    };
    if fields.text("decision") != "allow" || is_of_somebody_gone {
        // Sent by something that is not one of the two buttons, or the answer of somebody else:
        // nothing was decided.
        return show(&visit, &ticket, &request, &grantable, None).await;
    }
    let ticked: Vec<String> = fields.all("scope").map(str::to_owned).collect();
    let allowing = visit
        .authority
        .allow(&request, &grantable, &ticked, fields.has("remember"));
    match allowing.await {
        Ok(Some(allowed)) => answer(&visit, allowed),
        Ok(None) => show(&visit, &ticket, &request, &grantable, Some(&fields)).await,
        Err(refusal) => visit.failed(&refusal),
    }
}

async fn show(
    visit: &Visit<'_>,
    ticket: &Ticket,
    request: &AuthorizationRequest,
    question: &Grantable,
    nothing_ticked: Option<&Fields>,
) -> HttpResponse {
    let apis = match visit.authority.apis_meant(request).await {
        Ok(apis) => apis,
        Err(refusal) => return visit.failed(&refusal),
    };
    // The answer is of whoever is asked, though somebody else sign in meanwhile.
    let mut ticket = ticket.clone();
    ticket.progress = Progress {
        chosen: Some(question.signed_in.session.id),
        ..ticket.progress
    };
    if ticket.progress.is_of_somebody_gone(&visit.signed_in()) {
        ticket.progress.authenticated = None;
    }
    let dialect = &visit.address.issuer.dialect;
    let user = &question.signed_in.user;
    let choices = Choices {
        question,
        language: visit.language,
        are_checked: nothing_ticked.is_none(),
    };
    let scope = question.scope.tokens();
    let page = ConsentPage {
        frame: visit.frame(),
        form: visit.form("/consent", Some(&ticket)),
        client: client_view(request),
        user_name: user.display_name().to_owned(),
        username: user.username.clone(),
        identity: scope
            .iter()
            .filter(|scope| {
                StandardScope::find(scope).is_some() && !dialect.is_offline_scope(scope)
            })
            .map(|scope| choices.choice(scope, None))
            .collect(),
        apis: choices.of_apis(&apis),
        offline: scope
            .iter()
            .find(|scope| dialect.is_offline_scope(scope))
            .map(|scope| choices.choice(scope, None)),
        remember: nothing_ticked.is_none_or(|fields| fields.has("remember")),
        nothing_ticked: nothing_ticked.is_some(),
    };
    let policy = Policy::Page {
        form_targets: &form_targets(&request.reply_to.redirect_uri),
        frames: &[],
    };
    let status = if page.nothing_ticked {
        StatusCode::BAD_REQUEST
    } else {
        StatusCode::OK
    };
    visit.show(status, &page, &policy)
}

struct Choices<'a> {
    question: &'a Grantable,
    language: Language,
    /// As the person left them, when the page comes back.
    are_checked: bool,
}

impl Choices<'_> {
    fn choice(&self, scope: &str, words: Option<&ApiScope>) -> ScopeChoice {
        let known = self.question.known.as_ref();
        ScopeChoice {
            value: scope.to_owned(),
            description: words.and_then(|scope| description(scope, self.language)),
            is_checked: self.are_checked,
            is_required: is_required(scope),
            is_new: known.is_some_and(|known| !known.is_empty() && !known.contains(scope)),
        }
    }

    /// The scopes of each API. One that several APIs know stands with the first.
    fn of_apis(&self, apis: &[Api]) -> Vec<ApiChoices> {
        let mut groups: Vec<ApiChoices> = Vec::new();
        let mut seen: Vec<&str> = Vec::new();
        for api in apis {
            let mut scopes = Vec::new();
            for scope in &api.scopes {
                let is_asked = self.question.scope.contains(&scope.name);
                if is_asked && !seen.contains(&scope.name.as_str()) {
                    seen.push(&scope.name);
                    scopes.push(self.choice(&scope.name, Some(scope)));
                }
            }
            if !scopes.is_empty() {
                groups.push(ApiChoices {
                    name: api.name.clone(),
                    scopes,
                });
            }
        }
        groups
    }
}

/// The words for a scope in a language, or in the one there is.
pub fn description(scope: &ApiScope, language: Language) -> Option<String> {
    let words = scope
        .translations
        .get(language.as_str())
        .unwrap_or(&scope.description);
    Some(words.clone()).filter(|words| !words.is_empty())
}
