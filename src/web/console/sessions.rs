use uuid::Uuid;

use super::desk::{Answer, Desk};
use super::pages::{Notice, Paging, Section, SessionsPage, links};
use super::{Asked, users, views};
use crate::account::SessionId;
use crate::admin::AdminFault;
use crate::clock::Timestamp;
use crate::web::visit::Fields;

const PAGE: i64 = 50;

pub async fn list(desk: &Desk<'_>, asked: &Asked) -> Answer {
    let at = desk.issuer().await?;
    let after = asked.query("after").split_once('.').and_then(|(seen, id)| {
        let seen = Timestamp::from_unix(seen.parse().ok()?);
        Some((seen, SessionId(id.parse().ok()?)))
    });
    let mut found = at.list_sessions(asked.query("q"), after, PAGE + 1).await?;
    let has_more = found.len() > views::count(PAGE);
    found.truncate(views::count(PAGE));
    let next = found.last().filter(|_| has_more).map(|last| {
        let session = &last.session;
        format!("{}.{}", session.last_seen_at.unix(), session.id.0)
    });
    let sessions = found.iter().map(|own| {
        let session = users::own_session(desk);
        views::session(&own.session, &own.username, &own.username, session)
    });
    Ok(desk.show(&SessionsPage {
        frame: desk.frame(Section::Sessions),
        q: asked.query("q").to_owned(),
        sessions: sessions.collect(),
        paging: Paging {
            next,
            is_later: after.is_some(),
        },
    }))
}

pub async fn end(desk: &Desk<'_>, text: &str, fields: &Fields) -> Answer {
    let at = desk.issuer().await?;
    let id: Result<Uuid, _> = text.parse();
    let id = id.map_err(|_| AdminFault::not_found("session", text))?;
    let frame = desk.frame(Section::Sessions);
    // Whose it was is known only as long as it lives.
    let found = desk
        .admin
        .core
        .store
        .get_session(at.issuer.id, SessionId(id), desk.visit.now);
    let back = match found.await? {
        Some(session) if fields.text("from") == "user" => {
            let segment = links::segment(&session.user.0.to_string());
            frame.at(&format!("users/{segment}"))
        }
        _ => frame.at("sessions"),
    };
    at.end_session(SessionId(id)).await?;
    desk.done(&back, Notice::SessionEnded)
}
