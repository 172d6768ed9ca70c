//! The consent page: what a client asks for, a switch for each.

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};

use super::address::Address;
use super::authorization::{OnTheWay, answer, form_targets, proceed};
use super::pages::{ApiChoices, ConsentPage, Language, Policy, ScopeChoice};
use super::sign_in::client_view;
use super::visit::{Visit, ticket_in_query, ui_locales};
use super::{App, render};
use crate::account::StandardScope;
use crate::issuer::{Api, ApiScope};
use crate::oauth::authorization::{
    AuthorizationRequest, ConsentQuestion, Next, SignedIn, deny, is_required,
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
        Err(refusal) => return render::refusal(address, None, &refusal),
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
        None => ticket_in_query(request),
    };
    let ticket = match visit.read_ticket(&text) {
        Ok(ticket) => ticket,
        Err(response) => return response,
    };
    if let Some(language) = ui_locales(&ticket).and_then(Language::asked_for) {
        visit.language = language;
    }
    let OnTheWay { request, next } = match visit.on_the_way(&ticket).await {
        Ok(on_the_way) => on_the_way,
        Err(response) => return response,
    };
    // Answered already, in this window or another.
    let Next::Consent(question) = next else {
        return proceed(&visit, ticket).await;
    };
    let Some(fields) = fields else {
        return show(&visit, &ticket, &request, &question).await;
    };
    // Somebody else has signed in since the page was shown: the answer is not theirs.
    if ticket.progress.chosen != Some(question.signed_in.session.id) {
        return show(&visit, &ticket, &request, &question).await;
    }
    match fields.text("decision") {
        "allow" => {
            let ticked: Vec<String> = fields.all("scope").map(str::to_owned).collect();
            let remember = fields.has("remember");
            let allowing = visit
                .authority
                .allow(&request, &question, &ticked, remember);
            match allowing.await {
                Ok(allowed) => answer(&visit, allowed),
                Err(refusal) => render::refusal(address, None, &refusal),
            }
        }
        "deny" => answer(&visit, deny(&request)),
        // Sent by something that is not one of the two buttons: nothing was decided.
        _ => show(&visit, &ticket, &request, &question).await,
    }
}

async fn show(
    visit: &Visit<'_>,
    ticket: &Ticket,
    request: &AuthorizationRequest,
    question: &ConsentQuestion,
) -> HttpResponse {
    let apis = match visit.app.core.store.apis(visit.address.issuer.id).await {
        Ok(apis) => apis,
        Err(error) => return render::refusal(visit.address, None, &error.into()),
    };
    let dialect = &visit.address.issuer.dialect;
    let SignedIn { session, user } = &question.signed_in;
    let mut ticket = ticket.clone();
    ticket.progress.chosen = Some(session.id);
    let choices = Choices {
        question,
        language: visit.language,
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
        remember: true,
        nothing_ticked: false,
    };
    let policy = Policy::Page {
        form_targets: &form_targets(&request.reply_to.redirect_uri),
        frames: &[],
    };
    visit.show(StatusCode::OK, &page, &policy)
}

struct Choices<'a> {
    question: &'a ConsentQuestion,
    language: Language,
}

impl Choices<'_> {
    fn choice(&self, scope: &str, words: Option<&ApiScope>) -> ScopeChoice {
        let known = self.question.known.as_ref();
        ScopeChoice {
            value: scope.to_owned(),
            description: words.and_then(|scope| description(scope, self.language)),
            is_checked: true,
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
