use super::call::Page;
use super::documents::{KeyDocument, KeyRotation};
use super::{ApiAnswer, Call};

type Answer = Result<ApiAnswer, ApiAnswer>;

pub async fn list(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let items: Vec<KeyDocument> = at
        .list_keys()
        .await?
        .iter()
        .map(KeyDocument::from)
        .collect();
    Ok(ApiAnswer::json(200, &Page { items, next: None }))
}

pub async fn rotate(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let rotation: KeyRotation = call.body()?;
    let view = at.rotate_key(rotation.alg).await?;
    Ok(ApiAnswer::json(201, &KeyDocument::from(&view)))
}

pub async fn delete(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    at.delete_key(call.argument(1)).await?;
    Ok(ApiAnswer::no_content())
}
