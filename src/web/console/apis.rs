use uuid::Uuid;

use super::desk::{Answer, Desk, problems, revision};
use super::pages::{
    ApiDetails, ApiFields, ApiFormPage, ApiPage, ApiRow, ApisPage, ConfirmPage, Editing, Named,
    Notice, Problems, Question, ScopeFields, Section, links,
};
use super::views;
use crate::admin::forms::{ApiForm, ScopeForm};
use crate::admin::rights::Permission;
use crate::admin::{AdminFault, AtIssuer, Problem};
use crate::dialect::TokenFormat;
use crate::issuer::{Api, ApiScope};
use crate::protocol::SigningAlg;
use crate::store::Recorded;
use crate::web::visit::Fields;

/// Rows of scopes that a form may have.
const MOST_ROWS: usize = 500;

pub async fn list(desk: &Desk<'_>) -> Answer {
    let at = desk.issuer().await?;
    let apis = at.list_apis().await?;
    Ok(desk.show(&ApisPage {
        frame: desk.frame(Section::Apis),
        apis: apis
            .into_iter()
            .map(|record| ApiRow {
                id: record.value.id.to_string(),
                name: record.value.name,
                audience: record.value.audience,
                scopes: record.value.scopes.len(),
                is_declared: record.is_declared,
            })
            .collect(),
    }))
}

fn id(text: &str) -> Result<Uuid, AdminFault> {
    text.parse().map_err(|_| AdminFault::not_found("API", text))
}

fn editing(record: &Recorded<Api>) -> Editing {
    Editing {
        id: record.value.id.to_string(),
        name: record.value.name.clone(),
        revision: record.revision,
        is_declared: record.is_declared,
    }
}

fn place(desk: &Desk<'_>, id: &str) -> String {
    let segment = links::segment(id);
    desk.frame(Section::Apis).at(&format!("apis/{segment}"))
}

pub async fn show(desk: &Desk<'_>, text: &str) -> Answer {
    let at = desk.issuer().await?;
    let record = at.get_api(id(text)?).await?;
    let (clients, roles) = at.users_of_api(record.value.id).await?;
    let (api, policy) = (&record.value, &at.dialect.access_token);
    let algs = at.issuer.settings.algs(&at.dialect);
    let own_or = |own: Option<String>, default: String| match own {
        Some(own) => own,
        None => format!("the issuer’s: {default}"),
    };
    Ok(desk.show(&ApiPage {
        frame: desk.frame(Section::Apis),
        api: ApiDetails {
            id: text.to_owned(),
            name: api.name.clone(),
            audience: api.audience.clone(),
            is_declared: record.is_declared,
            token_lifetime: own_or(
                api.token_lifetime.map(|own| span(own.as_secs())),
                span(policy.lifetime.as_secs()),
            ),
            token_format: own_or(
                api.token_format.map(format_words).map(str::to_owned),
                format_words(policy.format).to_owned(),
            ),
            signing_alg: own_or(
                api.signing_alg.map(|alg| alg.as_str().to_owned()),
                algs.first().map_or("", |alg| alg.as_str()).to_owned(),
            ),
            scopes: api.scopes.iter().map(scope_fields).collect(),
        },
        clients: named(&clients),
        roles: named(&roles),
    }))
}

fn named(names: &[String]) -> Vec<Named> {
    let named = |name: &String| Named {
        id: name.clone(),
        name: name.clone(),
    };
    names.iter().map(named).collect()
}

/// A time span in the largest unit that it is a whole number of.
fn span(seconds: u64) -> String {
    for (unit, one, many) in [
        (86_400, "day", "days"),
        (3600, "hour", "hours"),
        (60, "minute", "minutes"),
    ] {
        if seconds != 0 && seconds.is_multiple_of(unit) {
            let number = seconds / unit;
            return format!("{number} {}", if number == 1 { one } else { many });
        }
    }
    format!("{seconds} seconds")
}

const fn format_words(format: TokenFormat) -> &'static str {
    match format {
        TokenFormat::Jwt => "JWT",
        TokenFormat::Opaque => "opaque",
    }
}

fn scope_fields(scope: &ApiScope) -> ScopeFields {
    ScopeFields {
        name: scope.name.clone(),
        description: scope.description.clone(),
        users_only: scope.users_only,
        needs_role: scope.needs_role,
    }
}

pub async fn create(desk: &Desk<'_>, form: Option<&Fields>) -> Answer {
    let at = desk.issuer().await?;
    at.require(Permission::WriteApis)?;
    let Some(fields) = form else {
        let page = form_page(desk, &at, None, ApiFields::default());
        return Ok(desk.show(&page));
    };
    let typed = read_fields(fields);
    let outcome = match api_form(&typed, None) {
        Ok(form) => at.create_api(&form).await,
        Err(fault) => Err(fault),
    };
    match outcome {
        Ok(record) => {
            let place = place(desk, &record.value.id.to_string());
            desk.done(&place, Notice::Created)
        }
        Err(fault) => {
            let problems = problems(fault, &[])?;
            let mut page = form_page(desk, &at, None, typed);
            page.problems = problems;
            Ok(desk.show_again(&page))
        }
    }
}

pub async fn edit(desk: &Desk<'_>, text: &str, form: Option<&Fields>) -> Answer {
    let at = desk.issuer().await?;
    at.require(Permission::WriteApis)?;
    let record = at.get_api(id(text)?).await?;
    let Some(fields) = form else {
        let page = form_page(
            desk,
            &at,
            Some(editing(&record)),
            shown_fields(&record.value),
        );
        return Ok(desk.show(&page));
    };
    let typed = read_fields(fields);
    let sent = api_form(&typed, Some(&record.value));
    let outcome = match &sent {
        Ok(form) => at.update_api(record.value.id, revision(fields), form).await,
        Err(_) => Err(AdminFault::Invalid(Vec::new())),
    };
    match (outcome, sent) {
        (Ok(_), _) => desk.done(&place(desk, text), Notice::Saved),
        (Err(AdminFault::Changed { .. }), Ok(form)) => {
            let reload = format!("{}/edit", place(desk, text));
            Ok(desk.conflict(&form, &ApiForm::from(&record.value), reload))
        }
        (Err(_), Err(fault)) | (Err(fault), Ok(_)) => {
            let problems = problems(fault, &[])?;
            let mut editing = editing(&record);
            editing.revision = revision(fields);
            let mut page = form_page(desk, &at, Some(editing), typed);
            page.problems = problems;
            Ok(desk.show_again(&page))
        }
    }
}

pub async fn delete(desk: &Desk<'_>, text: &str, form: Option<&Fields>) -> Answer {
    let at = desk.issuer().await?;
    at.require(Permission::WriteApis)?;
    let record = at.get_api(id(text)?).await?;
    let Some(fields) = form else {
        let (clients, roles) = at.users_of_api(record.value.id).await?;
        return Ok(desk.show(&ConfirmPage {
            frame: desk.frame(Section::Apis),
            question: Question::DeleteApi {
                api: editing(&record),
                clients: named(&clients),
                roles: named(&roles),
            },
            obstacle: None,
        }));
    };
    at.delete_api(record.value.id, revision(fields), true)
        .await?;
    let list = desk.frame(Section::Apis).at("apis");
    desk.done(&list, Notice::Deleted)
}

fn form_page<'d>(
    desk: &'d Desk<'_>,
    at: &AtIssuer<'_>,
    editing: Option<Editing>,
    fields: ApiFields,
) -> ApiFormPage<'d> {
    ApiFormPage {
        frame: desk.frame(Section::Apis),
        editing,
        fields,
        token_formats: vec![
            (
                TokenFormat::Jwt.as_str(),
                "JWT: APIs can check it by themselves",
            ),
            (
                TokenFormat::Opaque.as_str(),
                "Opaque: APIs ask here, and revoking it counts at once",
            ),
        ],
        signing_algs: at.issuer.settings.algs(&at.dialect).to_vec(),
        problems: Problems::default(),
    }
}

fn read_fields(fields: &Fields) -> ApiFields {
    let text = |name: &str| fields.text(name).trim().to_owned();
    let row = |number: usize, what: &str| format!("scope-{number}-{what}");
    let rows = (0..MOST_ROWS).take_while(|number| fields.has(&row(*number, "name")));
    ApiFields {
        name: text("name"),
        audience: text("audience"),
        token_lifetime: text("token_lifetime"),
        token_format: text("token_format"),
        signing_alg: text("signing_alg"),
        scopes: rows
            .map(|number| ScopeFields {
                name: text(&row(number, "name")),
                description: text(&row(number, "description")),
                users_only: fields.has(&row(number, "users_only")),
                needs_role: fields.has(&row(number, "needs_role")),
            })
            .filter(|scope| !scope.name.is_empty())
            .collect(),
    }
}

fn shown_fields(api: &Api) -> ApiFields {
    ApiFields {
        name: api.name.clone(),
        audience: api.audience.clone(),
        token_lifetime: api
            .token_lifetime
            .map(|lifetime| lifetime.as_secs().to_string())
            .unwrap_or_default(),
        token_format: api.token_format.map_or("", TokenFormat::as_str).to_owned(),
        signing_alg: api.signing_alg.map_or("", SigningAlg::as_str).to_owned(),
        scopes: api.scopes.iter().map(scope_fields).collect(),
    }
}

/// What was typed. Words in other languages, which the form has no fields for, stay with a scope
/// whose words have not changed.
fn api_form(fields: &ApiFields, known: Option<&Api>) -> Result<ApiForm, AdminFault> {
    let mut problems = Vec::new();
    let token_lifetime = match fields.token_lifetime.as_str() {
        "" => None,
        text => match text.parse() {
            Ok(seconds) => Some(seconds),
            Err(_) => {
                problems.push(Problem::new(
                    "token_lifetime",
                    "expected a number of seconds",
                ));
                None
            }
        },
    };
    AdminFault::unless(problems)?;
    let scopes = fields.scopes.iter().map(|scope| {
        let before = known
            .and_then(|api| api.find_scope(&scope.name))
            .filter(|before| before.description == scope.description);
        ScopeForm {
            name: scope.name.clone(),
            description: scope.description.clone(),
            translations: before
                .map(|before| before.translations.clone())
                .unwrap_or_default(),
            users_only: scope.users_only,
            needs_role: scope.needs_role,
        }
    });
    Ok(ApiForm {
        audience: fields.audience.clone(),
        name: fields.name.clone(),
        scopes: scopes.collect(),
        token_lifetime,
        token_format: views::typed(&fields.token_format).and_then(|name| TokenFormat::find(&name)),
        signing_alg: SigningAlg::find(&fields.signing_alg),
    })
}
