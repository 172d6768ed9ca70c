use uuid::Uuid;

use super::desk::{Answer, Desk};
use super::pages::{ConfirmPage, Notice, Paging, Question, Section, SessionsPage};
use super::{Asked, users, views};
use crate::account::SessionId;
use crate::admin::AdminFault;
use crate::admin::rights::Permission;
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

/// With `from=user` it is asked on the user's page, and the way back is there.
pub async fn end(desk: &Desk<'_>, text: &str, asked: &Asked, form: Option<&Fields>) -> Answer {
    let at = desk.issuer().await?;
    at.require(Permission::WriteSessions)?;
    let id: Result<Uuid, _> = text.parse();
    let id = id.map_err(|_| AdminFault::not_found("session", text))?;
    let session = at.get_session(SessionId(id)).await?;
    let frame = desk.frame(Section::Sessions);
    let from = asked.query("from");
    let back = match from {
        "user" => users::place(desk, &session.user.0.to_string()),
        _ => frame.at("sessions"),
    };
    if form.is_none() {
        let user = at.get_user(session.user).await?.user;
        let own = users::own_session(desk);
        return Ok(desk.show(&ConfirmPage {
            frame,
            question: Question::EndSession {
                session: views::session(&session, &user.username, user.display_name(), own),
                from: from.to_owned(),
                back,
            },
            obstacle: None,
        }));
    }
    at.end_session(session.id).await?;
    desk.done(&back, Notice::SessionEnded)
}
