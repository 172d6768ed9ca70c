use super::documents::EventDocument;
use super::{ApiAnswer, Call, answer};
use crate::admin::Problem;
use crate::audit::Outcome;
use crate::clock::Timestamp;
use crate::store::AuditQuery;

type Answer = Result<ApiAnswer, ApiAnswer>;

pub async fn of_issuer(call: &Call<'_>) -> Answer {
    let at = call.issuer().await?;
    let found = at.search_audit(&query(call)?).await?;
    call.page(
        found,
        |record| EventDocument::from(record),
        |record| record.sequence,
    )
}

pub async fn of_server(call: &Call<'_>) -> Answer {
    let admin = call.at_server()?;
    let found = admin.search_server_audit(&query(call)?).await?;
    call.page(
        found,
        |record| EventDocument::from(record),
        |record| record.sequence,
    )
}

fn query<'c>(call: &'c Call<'_>) -> Result<AuditQuery<'c>, ApiAnswer> {
    let all = AuditQuery::default();
    let outcome = match call.query("outcome") {
        "" => None,
        name => Some(Outcome::find(name).ok_or_else(|| {
            answer::invalid_parameters(&[Problem::new("outcome", "expected succeeded or failed")])
        })?),
    };
    Ok(AuditQuery {
        before: call.after()?.unwrap_or(all.before),
        action: call.query("action"),
        outcome,
        actor: call.query("actor"),
        target: call.query("target"),
        from: moment(call, "from")?.unwrap_or(all.from),
        until: moment(call, "until")?.unwrap_or(all.until),
        search: call.query("search"),
        limit: call.limit()? + 1,
    })
}

fn moment(call: &Call<'_>, name: &str) -> Result<Option<Timestamp>, ApiAnswer> {
    let text = call.query(name);
    if text.is_empty() {
        return Ok(None);
    }
    Timestamp::parse(text).map(Some).ok_or_else(|| {
        let message = "expected a moment like 2026-11-22T09:30:00Z, or a date like 2026-11-22";
        answer::invalid_parameters(&[Problem::new(name, message)])
    })
}
