use super::call::Page;
use super::documents::{IssuerChange, IssuerDocument, NewIssuer, SettingsDocument};
use super::{ApiAnswer, Call};

type Answer = Result<ApiAnswer, ApiAnswer>;

/// Whoever may do something at an issuer may know that it is there.
pub async fn list(call: &Call<'_>) -> Answer {
    let issuers = call.admin.list_issuers().await?;
    let items: Vec<IssuerDocument> = issuers.iter().map(IssuerDocument::from).collect();
    Ok(ApiAnswer::json(200, &Page { items, next: None }))
}

pub async fn create(call: &Call<'_>) -> Answer {
    let admin = call.at_server()?;
    let new: NewIssuer = call.body()?;
    let issuer = admin
        .create_issuer(&new.name, &new.dialect, new.brand)
        .await?;
    let location = format!("{}/issuers/{}/settings", super::BASE, issuer.name);
    Ok(ApiAnswer::json(201, &IssuerDocument::from(&issuer))
        .with_revision(issuer.revision)
        .with_header("Location", location))
}

/// Likewise.
pub async fn get(call: &Call<'_>) -> Answer {
    let issuer = call.admin.get_issuer(call.argument(0)).await?;
    Ok(ApiAnswer::json(200, &IssuerDocument::from(&issuer)).with_revision(issuer.revision))
}

pub async fn update(call: &Call<'_>) -> Answer {
    let admin = call.at_server()?;
    let issuer = admin.current_issuer(call.argument(0)).await?;
    let current = IssuerChange {
        host: issuer.settings.host.clone(),
    };
    let change = call.patched(&current, &IssuerDocument::from(&issuer))?;
    let revision = call.revision(issuer.revision)?;
    let issuer = admin.set_host(&issuer.name, revision, change.host).await?;
    Ok(ApiAnswer::json(200, &IssuerDocument::from(&issuer)).with_revision(issuer.revision))
}

pub async fn delete(call: &Call<'_>) -> Answer {
    let admin = call.at_server()?;
    let name = call.argument(0);
    let current = admin.current_issuer(name).await?.revision;
    admin
        .delete_issuer(name, call.revision(current)?, call.is_forced()?)
        .await?;
    Ok(ApiAnswer::no_content())
}

pub async fn settings(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let issuer = at.settings()?;
    Ok(ApiAnswer::json(200, &SettingsDocument::from(issuer)).with_revision(issuer.revision))
}

pub async fn update_settings(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let document = SettingsDocument::from(&at.issuer);
    let settings = call.patched(&at.issuer.settings, &document)?;
    let revision = call.revision(at.issuer.revision)?;
    let issuer = at.update_settings(revision, settings).await?;
    Ok(ApiAnswer::json(200, &SettingsDocument::from(&issuer)).with_revision(issuer.revision))
}
