use std::time::Duration;

use serde_json::Value as Json;

use super::Asked;
use super::desk::{Answer, Desk, problems, revision};
use super::pages::{
    ChooseKindPage, ClientDetails, ClientFields, ClientFilter, ClientFormPage, ClientPage,
    ClientRow, ClientSecretPage, ClientsPage, ConfirmPage, Editing, Notice, Paging, Problems,
    Question, RotateSecretPage, SecretReason, Section, links,
};
use super::{grants, snippets, views};
use crate::admin::forms::ClientForm;
use crate::admin::{AdminFault, AtIssuer};
use crate::dialect::Endpoint;
use crate::issuer::{
    Api, ClientKind, ClientMetadata, ClientRecord, RegistrationPolicy, SubjectType,
};
use crate::protocol::{ClientAuthMethod, GrantType, SigningAlg};
use crate::store::{AuditQuery, ClientQuery};
use crate::web::visit::Fields;

const PAGE: i64 = 50;
/// Events that a client's page shows.
const EVENTS: i64 = 10;

pub async fn list(desk: &Desk<'_>, asked: &Asked) -> Answer {
    let at = desk.issuer().await?;
    let kind = ClientKind::find(asked.query("kind"));
    let after = asked.query("after").split_once('\n');
    let query = ClientQuery {
        search: asked.query("q"),
        kind,
        is_disabled: None,
        after,
        limit: PAGE + 1,
    };
    let mut found = at.list_clients(&query).await?;
    let has_more = found.len() > views::count(PAGE);
    found.truncate(views::count(PAGE));
    let next = found.last().filter(|_| has_more).map(|last| {
        let client = &last.client;
        format!("{}\n{}", client.client_name, client.client_id)
    });
    Ok(desk.show(&ClientsPage {
        frame: desk.frame(Section::Clients),
        filter: ClientFilter {
            q: asked.query("q").to_owned(),
            kind,
        },
        clients: found.iter().map(row).collect(),
        paging: Paging {
            next,
            is_later: after.is_some(),
        },
        registration: registration(&at),
    }))
}

fn registration(at: &AtIssuer<'_>) -> RegistrationPolicy {
    at.issuer.settings.registration
}

fn row(record: &ClientRecord) -> ClientRow {
    let client = &record.client;
    ClientRow {
        client_id: client.client_id.clone(),
        name: client.client_name.clone(),
        kind: client.kind,
        registered_by: record.registered_by,
        created_at: record.created_at.rfc3339(),
        is_disabled: client.is_disabled,
        is_declared: record.is_declared,
    }
}

fn editing(record: &ClientRecord) -> Editing {
    Editing {
        id: record.client.client_id.clone(),
        name: record.client.client_name.clone(),
        revision: record.revision,
        is_declared: record.is_declared,
    }
}

fn place(desk: &Desk<'_>, client_id: &str) -> String {
    let segment = links::segment(client_id);
    desk.frame(Section::Clients)
        .at(&format!("clients/{segment}"))
}

async fn apis(desk: &Desk<'_>, at: &AtIssuer<'_>) -> Result<Vec<Api>, AdminFault> {
    Ok(desk.admin.core.store.list_apis(at.issuer.id).await?)
}

pub async fn show(desk: &Desk<'_>, client_id: &str) -> Answer {
    let at = desk.issuer().await?;
    let record = at.get_client(client_id).await?;
    let apis = apis(desk, &at).await?;
    let address = desk.address().await?;
    let query = AuditQuery {
        target: client_id,
        limit: EVENTS,
        ..AuditQuery::default()
    };
    let events = at.search_audit(&query).await?;
    let form = ClientForm::of(&record.client, &apis);
    let now = desk.visit.now;
    let client = &record.client;
    let previous = client.previous_secret.as_ref();
    Ok(desk.show(&ClientPage {
        frame: desk.frame(Section::Clients),
        client: ClientDetails {
            client_id: client.client_id.clone(),
            name: client.client_name.clone(),
            kind: client.kind,
            revision: record.revision,
            registered_by: record.registered_by,
            is_declared: record.is_declared,
            is_disabled: client.is_disabled,
            created_at: record.created_at.rfc3339(),
            updated_at: record.updated_at.rfc3339(),
            secret_created_at: record.secret_created_at.map(|at| at.rfc3339()),
            secret_age_days: record
                .secret_created_at
                .map(|at| views::days_since(at, now)),
            previous_secret_until: previous
                .filter(|previous| now < previous.expires_at)
                .map(|previous| previous.expires_at.rfc3339()),
            redirect_uris: client.redirect_uris.clone(),
            any_loopback_uri: client.metadata.any_loopback_uri,
            grants: grants::views(&apis, &form.grants),
            metadata: metadata(&form),
        },
        endpoints: endpoints(&address, client.kind),
        snippets: snippets::of(&address, client, &apis, None),
        events: views::events(&events),
    }))
}

/// Where a client of this kind has to do with the issuer.
fn endpoints(address: &crate::web::Address, kind: ClientKind) -> Vec<(String, String)> {
    let metadata = &address.metadata;
    let wanted: &[(&str, Endpoint)] = &[
        ("Discovery", Endpoint::Discovery),
        ("Authorization endpoint", Endpoint::Authorization),
        ("Token endpoint", Endpoint::Token),
        ("UserInfo endpoint", Endpoint::Userinfo),
        ("JWKS", Endpoint::Jwks),
        ("End session endpoint", Endpoint::EndSession),
    ];
    let is_for_users = |endpoint| {
        !matches!(
            endpoint,
            Endpoint::Token | Endpoint::Jwks | Endpoint::Discovery
        )
    };
    let mut endpoints = vec![("Issuer".to_owned(), address.identifier.clone())];
    endpoints.extend(
        wanted
            .iter()
            .filter(|(_, endpoint)| kind != ClientKind::Machine || !is_for_users(*endpoint))
            .filter_map(|(name, endpoint)| {
                Some(((*name).to_owned(), metadata.url(*endpoint)?.to_owned()))
            }),
    );
    endpoints
}

/// The rest of a registration: what is not as it is when nobody says anything.
fn metadata(form: &ClientForm) -> Vec<(String, String)> {
    let all = serde_json::to_value(form).unwrap_or_default();
    let default = serde_json::to_value(ClientMetadata::default()).unwrap_or_default();
    const SHOWN: [&str; 5] = [
        "client_id",
        "client_name",
        "kind",
        "redirect_uris",
        "grants",
    ];
    let members = all.as_object().into_iter().flatten();
    members
        .filter(|(name, value)| {
            !SHOWN.contains(&name.as_str()) && !value.is_null() && default.get(name) != Some(value)
        })
        .map(|(name, value)| (name.clone(), words(value)))
        .collect()
}

fn words(value: &Json) -> String {
    match value {
        Json::String(text) => text.clone(),
        Json::Array(items) => items.iter().map(words).collect::<Vec<_>>().join(", "),
        other => other.to_string(),
    }
}

/// The first page asks for the kind, the second for the rest.
pub async fn create(desk: &Desk<'_>, asked: &Asked, form: Option<&Fields>) -> Answer {
    let at = desk.issuer().await?;
    at.require(crate::admin::rights::Permission::WriteClients)?;
    let named = form.map_or_else(|| asked.query("kind"), |fields| fields.text("kind"));
    let suits = |kind: &ClientKind| at.dialect.suits(*kind);
    let Some(kind) = ClientKind::find(named).filter(suits) else {
        return Ok(desk.show(&ChooseKindPage {
            frame: desk.frame(Section::Clients),
            kinds: ClientKind::ALL.into_iter().filter(suits).collect(),
        }));
    };
    let apis = apis(desk, &at).await?;
    let Some(fields) = form else {
        let fields = ClientFields {
            grant_types: kind
                .grant_types()
                .iter()
                .map(|g| g.as_str().to_owned())
                .collect(),
            ..ClientFields::default()
        };
        let page = form_page(desk, &at, None, kind, fields, &apis, &[]);
        return Ok(desk.show(&page));
    };
    let typed = read_fields(fields);
    let granted = grants::read(fields, &apis);
    let outcome = match client_form(&typed, kind, granted.clone(), ClientMetadata::default()) {
        Ok(form) => at.create_client(&form, None).await,
        Err(problems) => Err(problems),
    };
    match outcome {
        Ok(created) => {
            let address = desk.address().await?;
            let client = &created.record.client;
            let secret = created.client_secret.as_ref();
            let secret = secret.map(|secret| secret.expose().to_owned());
            Ok(desk.show(&ClientSecretPage {
                frame: desk.frame(Section::Clients),
                client_id: client.client_id.clone(),
                name: client.client_name.clone(),
                kind,
                snippets: snippets::of(&address, client, &apis, secret.as_deref()),
                secret,
                reason: SecretReason::Created,
            }))
        }
        Err(fault) => {
            let problems = problems(fault, FIELDS)?;
            let mut page = form_page(desk, &at, None, kind, typed, &apis, &granted);
            page.problems = problems;
            Ok(desk.show_again(&page))
        }
    }
}

/// Members whose fields are called otherwise.
const FIELDS: &[(&str, &str)] = &[
    ("grant_types", "grant_type"),
    ("grants", "apis"),
    ("kind", ""),
];

pub async fn edit(desk: &Desk<'_>, client_id: &str, form: Option<&Fields>) -> Answer {
    let at = desk.issuer().await?;
    at.require(crate::admin::rights::Permission::WriteClients)?;
    let record = at.get_client(client_id).await?;
    let apis = apis(desk, &at).await?;
    let current = ClientForm::of(&record.client, &apis);
    let kind = record.client.kind;
    let Some(fields) = form else {
        let page = form_page(
            desk,
            &at,
            Some(editing(&record)),
            kind,
            shown_fields(&current),
            &apis,
            &current.grants,
        );
        return Ok(desk.show(&page));
    };
    let typed = read_fields(fields);
    let granted = grants::read(fields, &apis);
    let sent = client_form(
        &typed,
        kind,
        granted.clone(),
        record.client.metadata.clone(),
    );
    let sent = sent.map(|form| ClientForm {
        client_id: client_id.to_owned(),
        // A public client has no secret to show, and its form does not ask how.
        token_endpoint_auth_method: if kind.is_public() {
            current.token_endpoint_auth_method
        } else {
            form.token_endpoint_auth_method
        },
        grant_types: as_before(current.grant_types.as_deref(), form.grant_types),
        ..form
    });
    let outcome = match &sent {
        Ok(form) => at.update_client(client_id, revision(fields), form).await,
        Err(_) => Err(AdminFault::Invalid(Vec::new())),
    };
    match (outcome, sent) {
        (Ok(_), _) => desk.done(&place(desk, client_id), Notice::Saved),
        (Err(AdminFault::Changed { .. }), Ok(form)) => {
            let reload = format!("{}/edit", place(desk, client_id));
            Ok(desk.conflict(&form, &current, reload))
        }
        (Err(_), Err(fault)) | (Err(fault), Ok(_)) => {
            let problems = problems(fault, FIELDS)?;
            let mut editing = editing(&record);
            editing.revision = revision(fields);
            let mut page = form_page(desk, &at, Some(editing), kind, typed, &apis, &granted);
            page.problems = problems;
            Ok(desk.show_again(&page))
        }
    }
}

/// The same grant types as before in the order they had, which a form does not know.
fn as_before(
    before: Option<&[GrantType]>,
    typed: Option<Vec<GrantType>>,
) -> Option<Vec<GrantType>> {
    match (before, &typed) {
        (Some(before), Some(now))
            if before.len() == now.len() && before.iter().all(|grant| now.contains(grant)) =>
        {
            Some(before.to_vec())
        }
        _ => typed,
    }
}

fn form_page<'d>(
    desk: &'d Desk<'_>,
    at: &AtIssuer<'_>,
    editing: Option<Editing>,
    kind: ClientKind,
    fields: ClientFields,
    apis: &[Api],
    granted: &[crate::admin::forms::GrantForm],
) -> ClientFormPage<'d> {
    let policy = &at.dialect.token_request;
    let is_secret = |method: &&ClientAuthMethod| **method != ClientAuthMethod::None;
    ClientFormPage {
        frame: desk.frame(Section::Clients),
        editing,
        kind,
        fields,
        apis: grants::choices(apis, granted),
        auth_methods: policy
            .client_auth_methods
            .iter()
            .filter(is_secret)
            .copied()
            .collect(),
        grant_types: policy
            .grant_types
            .iter()
            .filter(|grant| at.dialect.serves(**grant) && kind.may_use(**grant))
            .copied()
            .collect(),
        signing_algs: at.issuer.settings.algs(&at.dialect).to_vec(),
        problems: Problems::default(),
    }
}

fn read_fields(fields: &Fields) -> ClientFields {
    let text = |name: &str| fields.text(name).to_owned();
    ClientFields {
        client_name: text("client_name"),
        redirect_uris: text("redirect_uris"),
        post_logout_redirect_uris: text("post_logout_redirect_uris"),
        first_party: fields.has("first_party"),
        token_endpoint_auth_method: text("token_endpoint_auth_method"),
        grant_types: fields.all("grant_type").map(str::to_owned).collect(),
        initiate_login_uri: text("initiate_login_uri"),
        frontchannel_logout_uri: text("frontchannel_logout_uri"),
        frontchannel_logout_session_required: fields.has("frontchannel_logout_session_required"),
        backchannel_logout_uri: text("backchannel_logout_uri"),
        backchannel_logout_session_required: fields.has("backchannel_logout_session_required"),
        operator: text("operator"),
        client_uri: text("client_uri"),
        policy_uri: text("policy_uri"),
        tos_uri: text("tos_uri"),
        logo_uri: text("logo_uri"),
        contacts: text("contacts"),
        is_pairwise: fields.text("subject_type") == "pairwise",
        sector_identifier_uri: text("sector_identifier_uri"),
        id_token_signed_response_alg: text("id_token_signed_response_alg"),
        default_max_age: text("default_max_age"),
        jwks_uri: text("jwks_uri"),
    }
}

/// What a form shows of a client that exists.
fn shown_fields(form: &ClientForm) -> ClientFields {
    let metadata = &form.metadata;
    let text = |text: &Option<String>| text.clone().unwrap_or_default();
    ClientFields {
        client_name: form.client_name.clone(),
        redirect_uris: form.redirect_uris.join("\n"),
        post_logout_redirect_uris: metadata.post_logout_redirect_uris.join("\n"),
        first_party: metadata.first_party,
        token_endpoint_auth_method: form
            .token_endpoint_auth_method
            .map_or("", ClientAuthMethod::as_str)
            .to_owned(),
        grant_types: form
            .grant_types
            .iter()
            .flatten()
            .map(|grant| grant.as_str().to_owned())
            .collect(),
        initiate_login_uri: text(&metadata.initiate_login_uri),
        frontchannel_logout_uri: text(&metadata.frontchannel_logout_uri),
        frontchannel_logout_session_required: metadata.frontchannel_logout_session_required,
        backchannel_logout_uri: text(&metadata.backchannel_logout_uri),
        backchannel_logout_session_required: metadata.backchannel_logout_session_required,
        operator: text(&metadata.operator),
        client_uri: text(&metadata.client_uri),
        policy_uri: text(&metadata.policy_uri),
        tos_uri: text(&metadata.tos_uri),
        logo_uri: text(&metadata.logo_uri),
        contacts: metadata.contacts.join("\n"),
        is_pairwise: metadata.subject_type == SubjectType::Pairwise,
        sector_identifier_uri: text(&metadata.sector_identifier_uri),
        id_token_signed_response_alg: metadata
            .id_token_signed_response_alg
            .map_or("", SigningAlg::as_str)
            .to_owned(),
        default_max_age: metadata
            .default_max_age
            .map(|seconds| seconds.to_string())
            .unwrap_or_default(),
        jwks_uri: text(&metadata.jwks_uri),
    }
}

/// What was typed, as the admin layer takes it. What the form has no field for stays as it is in
/// `metadata`.
fn client_form(
    fields: &ClientFields,
    kind: ClientKind,
    granted: Vec<crate::admin::forms::GrantForm>,
    metadata: ClientMetadata,
) -> Result<ClientForm, AdminFault> {
    let mut problems = Vec::new();
    let mut wrong =
        |field: &str, words: &str| problems.push(crate::admin::Problem::new(field, words));
    if fields.client_name.trim().is_empty() {
        wrong("client_name", "is missing");
    }
    let default_max_age = match fields.default_max_age.trim() {
        "" => None,
        text => match text.parse() {
            Ok(seconds) => Some(seconds),
            Err(_) => {
                wrong("default_max_age", "expected a number of seconds");
                None
            }
        },
    };
    let grant_types: Vec<GrantType> = fields
        .grant_types
        .iter()
        .filter_map(|name| GrantType::find(name))
        .collect();
    let form = ClientForm {
        client_id: String::new(),
        client_name: fields.client_name.trim().to_owned(),
        kind,
        token_endpoint_auth_method: ClientAuthMethod::find(&fields.token_endpoint_auth_method),
        grant_types: (!grant_types.is_empty()).then_some(grant_types),
        redirect_uris: views::lines(&fields.redirect_uris),
        grants: granted,
        metadata: ClientMetadata {
            first_party: fields.first_party,
            post_logout_redirect_uris: views::lines(&fields.post_logout_redirect_uris),
            frontchannel_logout_uri: views::typed(&fields.frontchannel_logout_uri),
            frontchannel_logout_session_required: fields.frontchannel_logout_session_required,
            backchannel_logout_uri: views::typed(&fields.backchannel_logout_uri),
            backchannel_logout_session_required: fields.backchannel_logout_session_required,
            subject_type: if fields.is_pairwise {
                SubjectType::Pairwise
            } else {
                SubjectType::Public
            },
            sector_identifier_uri: views::typed(&fields.sector_identifier_uri),
            id_token_signed_response_alg: SigningAlg::find(&fields.id_token_signed_response_alg),
            default_max_age,
            operator: views::typed(&fields.operator),
            client_uri: views::typed(&fields.client_uri),
            policy_uri: views::typed(&fields.policy_uri),
            tos_uri: views::typed(&fields.tos_uri),
            logo_uri: views::typed(&fields.logo_uri),
            contacts: views::lines(&fields.contacts),
            jwks_uri: views::typed(&fields.jwks_uri),
            initiate_login_uri: views::typed(&fields.initiate_login_uri),
            ..metadata
        },
    };
    AdminFault::unless(problems)?;
    Ok(form)
}

pub async fn rotate_secret(desk: &Desk<'_>, client_id: &str, form: Option<&Fields>) -> Answer {
    let at = desk.issuer().await?;
    at.require(crate::admin::rights::Permission::WriteClients)?;
    let record = at.get_client(client_id).await?;
    let page = |overlap: &str, problems| RotateSecretPage {
        frame: desk.frame(Section::Clients),
        client: editing(&record),
        overlap: overlap.to_owned(),
        problems,
    };
    let Some(fields) = form else {
        return Ok(desk.show(&page("86400", Problems::default())));
    };
    let overlap = fields.text("overlap");
    let Ok(seconds) = overlap.parse() else {
        let mut problems = Problems::default();
        problems.add("overlap", "Choose one of these.");
        return Ok(desk.show_again(&page("86400", problems)));
    };
    let overlap = Duration::from_secs(seconds);
    let rotated = at
        .rotate_secret(client_id, revision(fields), overlap, None)
        .await?;
    let address = desk.address().await?;
    let apis = apis(desk, &at).await?;
    let client = &rotated.record.client;
    let secret = rotated.client_secret.expose();
    let previous = client.previous_secret.as_ref();
    Ok(desk.show(&ClientSecretPage {
        frame: desk.frame(Section::Clients),
        client_id: client.client_id.clone(),
        name: client.client_name.clone(),
        kind: client.kind,
        snippets: snippets::of(&address, client, &apis, Some(secret)),
        secret: Some(secret.to_owned()),
        reason: SecretReason::Rotated {
            previous_until: previous.map(|previous| previous.expires_at.rfc3339()),
        },
    }))
}

pub async fn remove_previous_secret(
    desk: &Desk<'_>,
    client_id: &str,
    form: Option<&Fields>,
) -> Answer {
    let at = desk.issuer().await?;
    at.require(crate::admin::rights::Permission::WriteClients)?;
    let Some(fields) = form else {
        let record = at.get_client(client_id).await?;
        let until = record.client.previous_secret.as_ref();
        let until = until.map(|previous| previous.expires_at.rfc3339());
        let question = Question::RemovePreviousSecret {
            client: editing(&record),
            until: until.unwrap_or_default(),
        };
        return Ok(ask(desk, question));
    };
    at.drop_previous_secret(client_id, revision(fields)).await?;
    desk.done(&place(desk, client_id), Notice::PreviousSecretRemoved)
}

pub async fn disable(desk: &Desk<'_>, client_id: &str, form: Option<&Fields>) -> Answer {
    let at = desk.issuer().await?;
    at.require(crate::admin::rights::Permission::WriteClients)?;
    let Some(fields) = form else {
        let record = at.get_client(client_id).await?;
        let client = editing(&record);
        return Ok(ask(desk, Question::DisableClient { client }));
    };
    at.set_client_disabled(client_id, revision(fields), true)
        .await?;
    desk.done(&place(desk, client_id), Notice::Disabled)
}

pub async fn enable(desk: &Desk<'_>, client_id: &str, fields: &Fields) -> Answer {
    let at = desk.issuer().await?;
    at.set_client_disabled(client_id, revision(fields), false)
        .await?;
    desk.done(&place(desk, client_id), Notice::Enabled)
}

pub async fn delete(desk: &Desk<'_>, client_id: &str, form: Option<&Fields>) -> Answer {
    let at = desk.issuer().await?;
    at.require(crate::admin::rights::Permission::WriteClients)?;
    let Some(fields) = form else {
        let record = at.get_client(client_id).await?;
        let usage = at.usage_of_client(client_id).await?;
        let question = Question::DeleteClient {
            client: editing(&record),
            users: views::count(usage.users),
            grants: views::count(usage.grants),
        };
        return Ok(ask(desk, question));
    };
    at.delete_client(client_id, revision(fields), true).await?;
    let list = desk.frame(Section::Clients).at("clients");
    desk.done(&list, Notice::Deleted)
}

fn ask(desk: &Desk<'_>, question: Question) -> actix_web::HttpResponse {
    desk.show(&ConfirmPage {
        frame: desk.frame(Section::Clients),
        question,
        obstacle: None,
    })
}
