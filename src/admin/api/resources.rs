//! Clients, APIs and roles.

use std::time::Duration;

use super::call::Page;
use super::documents::{
    ApiDocument, ClientDocument, ClientWithSecret, NewClient, NewRegistrationToken,
    RegistrationTokenDocument, RoleDocument, Rotation, UsageDocument,
};
use super::{ApiAnswer, Call, answer};
use crate::admin::forms::{ApiForm, ClientForm, RoleForm};
use crate::admin::{AtIssuer, Problem};
use crate::issuer::{Api, ClientKind, ClientRecord};
use crate::secret::Secret;
use crate::store::ClientQuery;

type Answer = Result<ApiAnswer, ApiAnswer>;

/// What names the APIs of grants.
async fn apis(at: &AtIssuer<'_>, call: &Call<'_>) -> Result<Vec<Api>, ApiAnswer> {
    let apis = call.admin.core.store.list_apis(at.issuer.id).await;
    apis.map_err(|error| crate::admin::AdminFault::from(error).into())
}

async fn client_document(
    at: &AtIssuer<'_>,
    call: &Call<'_>,
    record: &ClientRecord,
) -> Result<ClientDocument, ApiAnswer> {
    let now = call.admin.core.clock.now();
    Ok(ClientDocument::new(record, &apis(at, call).await?, now))
}

async fn client_answer(at: &AtIssuer<'_>, call: &Call<'_>, record: &ClientRecord) -> Answer {
    let document = client_document(at, call, record).await?;
    Ok(ApiAnswer::json(200, &document).with_revision(record.revision))
}

pub async fn list_clients(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let kind = match call.query("kind") {
        "" => None,
        name => Some(ClientKind::find(name).ok_or_else(|| {
            answer::invalid_parameters(&[Problem::new(
                "kind",
                "expected machine, web, spa or native",
            )])
        })?),
    };
    let after: Option<(String, String)> = call.after()?;
    let query = ClientQuery {
        search: call.query("search"),
        kind,
        is_disabled: call.flag("disabled")?,
        after: after
            .as_ref()
            .map(|(name, id)| (name.as_str(), id.as_str())),
        limit: call.limit()? + 1,
    };
    let found = at.list_clients(&query).await?;
    let (apis, now) = (apis(&at, call).await?, call.admin.core.clock.now());
    call.page(
        found,
        |record| ClientDocument::new(record, &apis, now),
        |record| {
            (
                record.client.client_name.clone(),
                record.client.client_id.clone(),
            )
        },
    )
}

pub async fn create_client(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let new: NewClient = call.body()?;
    let secret = new.client_secret.map(Secret::new);
    let created = at.create_client(&new.form, secret).await?;
    let document = ClientWithSecret {
        client: client_document(&at, call, &created.record).await?,
        client_secret: created
            .client_secret
            .map(|secret| secret.expose().to_owned()),
    };
    let location = location(&at, "clients", &created.record.client.client_id);
    Ok(ApiAnswer::json(201, &document)
        .with_revision(created.record.revision)
        .with_header("Location", location))
}

pub async fn get_client(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let record = at.get_client(call.argument(1)).await?;
    client_answer(&at, call, &record).await
}

pub async fn update_client(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let record = current_client(&at, call).await?;
    let document = client_document(&at, call, &record).await?;
    let form: ClientForm = call.patched(&document.form, &document)?;
    if form.client_id != record.client.client_id {
        return Err(answer::invalid(&[Problem::new(
            "client_id",
            "a client keeps its ID",
        )]));
    }
    let revision = call.revision(record.revision)?;
    let record = at.update_client(call.argument(1), revision, &form).await?;
    client_answer(&at, call, &record).await
}

pub async fn delete_client(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let record = current_client(&at, call).await?;
    let revision = call.revision(record.revision)?;
    at.delete_client(call.argument(1), revision, call.is_forced()?)
        .await?;
    Ok(ApiAnswer::no_content())
}

pub async fn usage_of_client(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let record = at.get_client(call.argument(1)).await?;
    let usage = at.usage_of_client(&record.client.client_id).await?;
    let document = UsageDocument {
        users: usage.users,
        grants: usage.grants,
        tokens: usage.tokens,
    };
    Ok(ApiAnswer::json(200, &document))
}

pub async fn rotate_secret(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let record = current_client(&at, call).await?;
    let rotation: Rotation = call.body()?;
    let revision = call.revision(record.revision)?;
    let secret = rotation.client_secret.map(Secret::new);
    let is_own = secret.is_some();
    let overlap = Duration::from_secs(rotation.overlap);
    let rotated = at
        .rotate_secret(call.argument(1), revision, overlap, secret)
        .await?;
    let document = ClientWithSecret {
        client: client_document(&at, call, &rotated.record).await?,
        client_secret: (!is_own).then(|| rotated.client_secret.expose().to_owned()),
    };
    Ok(ApiAnswer::json(200, &document).with_revision(rotated.record.revision))
}

pub async fn drop_previous_secret(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let record = current_client(&at, call).await?;
    let revision = call.revision(record.revision)?;
    let record = at.drop_previous_secret(call.argument(1), revision).await?;
    client_answer(&at, call, &record).await
}

pub async fn disable_client(call: &Call<'_>) -> Answer {
    set_disabled(call, true).await
}

pub async fn enable_client(call: &Call<'_>) -> Answer {
    set_disabled(call, false).await
}

async fn set_disabled(call: &Call<'_>, is_disabled: bool) -> Answer {
    let at = call.issuer().await?;
    let record = current_client(&at, call).await?;
    let revision = call.revision(record.revision)?;
    let record = at
        .set_client_disabled(call.argument(1), revision, is_disabled)
        .await?;
    client_answer(&at, call, &record).await
}

/// What is to be changed, for somebody who may change it and perhaps not read the rest.
async fn current_client(at: &AtIssuer<'_>, call: &Call<'_>) -> Result<ClientRecord, ApiAnswer> {
    let client_id = call.argument(1);
    let store = &call.admin.core.store;
    let found = store.find_client_record(at.issuer.id, client_id).await;
    found
        .map_err(crate::admin::AdminFault::from)?
        .ok_or_else(|| crate::admin::AdminFault::not_found("client", client_id).into())
}

pub async fn list_registration_tokens(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let tokens = at.list_initial_access_tokens().await?;
    let items: Vec<RegistrationTokenDocument> = tokens
        .iter()
        .map(|token| RegistrationTokenDocument::new(token, None))
        .collect();
    Ok(ApiAnswer::json(200, &Page { items, next: None }))
}

pub async fn make_registration_token(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let new: NewRegistrationToken = call.body()?;
    let lifetime = Duration::from_secs(new.lifetime);
    let (token, secret) = at
        .make_initial_access_token(&new.note, new.uses, lifetime)
        .await?;
    let document = RegistrationTokenDocument::new(&token, Some(&secret));
    Ok(ApiAnswer::json(201, &document))
}

pub async fn delete_registration_token(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    at.delete_initial_access_token(call.uuid(1, "token")?)
        .await?;
    Ok(ApiAnswer::no_content())
}

pub async fn list_apis(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let items: Vec<ApiDocument> = at
        .list_apis()
        .await?
        .iter()
        .map(ApiDocument::from)
        .collect();
    Ok(ApiAnswer::json(200, &Page { items, next: None }))
}

pub async fn create_api(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let form: ApiForm = call.body()?;
    let record = at.create_api(&form).await?;
    let location = location(&at, "apis", &record.value.id.to_string());
    Ok(ApiAnswer::json(201, &ApiDocument::from(&record))
        .with_revision(record.revision)
        .with_header("Location", location))
}

pub async fn get_api(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let record = at.get_api(call.uuid(1, "API")?).await?;
    Ok(ApiAnswer::json(200, &ApiDocument::from(&record)).with_revision(record.revision))
}

pub async fn update_api(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let id = call.uuid(1, "API")?;
    let record = at.current_api(id).await?;
    let document = ApiDocument::from(&record);
    let form: ApiForm = call.patched(&document.form, &document)?;
    let record = at
        .update_api(id, call.revision(record.revision)?, &form)
        .await?;
    Ok(ApiAnswer::json(200, &ApiDocument::from(&record)).with_revision(record.revision))
}

pub async fn delete_api(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let id = call.uuid(1, "API")?;
    let record = at.current_api(id).await?;
    at.delete_api(id, call.revision(record.revision)?, call.is_forced()?)
        .await?;
    Ok(ApiAnswer::no_content())
}

pub async fn list_roles(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let roles = at.list_roles().await?;
    let apis = apis(&at, call).await?;
    let items: Vec<RoleDocument> = roles
        .iter()
        .map(|record| RoleDocument::new(record, &apis))
        .collect();
    Ok(ApiAnswer::json(200, &Page { items, next: None }))
}

pub async fn create_role(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let form: RoleForm = call.body()?;
    let record = at.create_role(&form).await?;
    let document = RoleDocument::new(&record, &apis(&at, call).await?);
    Ok(ApiAnswer::json(201, &document)
        .with_revision(record.revision)
        .with_header("Location", location(&at, "roles", &record.value.name)))
}

pub async fn get_role(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let record = at.get_role(call.argument(1)).await?;
    let document = RoleDocument::new(&record, &apis(&at, call).await?);
    Ok(ApiAnswer::json(200, &document).with_revision(record.revision))
}

pub async fn update_role(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let apis = apis(&at, call).await?;
    let record = at.current_role(call.argument(1)).await?;
    let document = RoleDocument::new(&record, &apis);
    let form: RoleForm = call.patched(&document.form, &document)?;
    let record = at
        .update_role(call.argument(1), call.revision(record.revision)?, &form)
        .await?;
    let document = RoleDocument::new(&record, &apis);
    Ok(ApiAnswer::json(200, &document).with_revision(record.revision))
}

pub async fn delete_role(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let record = at.current_role(call.argument(1)).await?;
    at.delete_role(
        call.argument(1),
        call.revision(record.revision)?,
        call.is_forced()?,
    )
    .await?;
    Ok(ApiAnswer::no_content())
}

fn location(at: &AtIssuer<'_>, kind: &str, id: &str) -> String {
    let id: String = url::form_urlencoded::byte_serialize(id.as_bytes()).collect();
    // Form encoding and a path's differ in how a space is written.
    let id = id.replace('+', "%20");
    format!("{}/issuers/{}/{kind}/{id}", super::BASE, at.issuer.name)
}
