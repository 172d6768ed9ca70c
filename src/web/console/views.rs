//! What the admin layer says, as pages show it.

use super::pages::{EventView, SessionRow};
use crate::account::Session;
use crate::audit::{Action, Record, TargetKind};
use crate::clock::Timestamp;
use crate::web::pages::browser_name;

/// Events, but for those of a later version, whose words are not known here.
pub fn events(records: &[Record]) -> Vec<EventView> {
    records.iter().filter_map(event).collect()
}

fn event(record: &Record) -> Option<EventView> {
    let actor = &record.actor;
    Some(EventView {
        at: record.at.rfc3339(),
        action: Action::find(&record.action)?,
        outcome: record.outcome,
        actor_kind: actor.kind,
        actor_id: actor.id.clone(),
        actor_name: actor.name.clone(),
        target_kind: TargetKind::find(&record.target_kind)?,
        target_id: record.target.clone(),
        target_name: record.target_name.clone(),
        address: actor.address.clone(),
        browser: browser_name(&actor.user_agent),
        request_id: actor.request_id.clone(),
        details: record
            .details
            .iter()
            .map(|(name, value)| {
                let value = value
                    .as_str()
                    .map_or_else(|| value.to_string(), str::to_owned);
                (name.clone(), value)
            })
            .collect(),
    })
}

pub fn session(session: &Session, username: &str, name: &str, own: Option<Session>) -> SessionRow {
    SessionRow {
        id: session.id.0.to_string(),
        user_id: session.user.0.to_string(),
        username: username.to_owned(),
        user_name: name.to_owned(),
        browser: browser_name(&session.user_agent),
        address: session.address.clone(),
        started_at: session.created_at.rfc3339(),
        last_seen_at: session.last_seen_at.rfc3339(),
        is_own: own.is_some_and(|own| own.id == session.id),
    }
}

/// Lines of a text area that are not empty.
pub fn lines(text: &str) -> Vec<String> {
    text.lines()
        .map(str::trim)
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect()
}

/// What was typed, or nothing.
pub fn typed(text: &str) -> Option<String> {
    Some(text.trim())
        .filter(|text| !text.is_empty())
        .map(str::to_owned)
}

/// Whole days since then.
pub fn days_since(at: Timestamp, now: Timestamp) -> u64 {
    u64::try_from(now.unix() - at.unix()).unwrap_or(0) / (24 * 3600)
}

pub fn count(number: i64) -> usize {
    usize::try_from(number).unwrap_or(0)
}
