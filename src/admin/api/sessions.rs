use super::call::Page;
use super::documents::{ConsentDocument, SessionDocument};
use super::{ApiAnswer, Call};
use crate::account::{SessionId, UserId};
use crate::clock::Timestamp;

type Answer = Result<ApiAnswer, ApiAnswer>;

pub async fn list(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let after: Option<(i64, uuid::Uuid)> = call.after()?;
    let after = after.map(|(seen, id)| (Timestamp::from_unix(seen), SessionId(id)));
    let found = at
        .list_sessions(call.query("search"), after, call.limit()? + 1)
        .await?;
    call.page(
        found,
        |own| SessionDocument::from(own),
        |own| (own.session.last_seen_at.unix(), own.session.id.0),
    )
}

pub async fn list_of_user(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let user = at.current_user(UserId(call.uuid(1, "user")?)).await?.user;
    let found = at.list_sessions_of(user.id).await?;
    let items: Vec<SessionDocument> = found
        .iter()
        .map(|session| SessionDocument::new(session, None))
        .collect();
    Ok(ApiAnswer::json(200, &Page { items, next: None }))
}

pub async fn end(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    at.end_session(SessionId(call.uuid(1, "session")?)).await?;
    Ok(ApiAnswer::no_content())
}

pub async fn consents_of_user(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let user = at.current_user(UserId(call.uuid(1, "user")?)).await?.user;
    let found = at.list_consents_of(user.id).await?;
    let items: Vec<ConsentDocument> = found.iter().map(ConsentDocument::from).collect();
    Ok(ApiAnswer::json(200, &Page { items, next: None }))
}

pub async fn withdraw(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let user = at.current_user(UserId(call.uuid(1, "user")?)).await?.user;
    at.withdraw_consent(user.id, call.argument(2)).await?;
    Ok(ApiAnswer::no_content())
}
