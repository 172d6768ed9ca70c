use time::OffsetDateTime;
use uuid::Uuid;

use super::engine::{on_engine, row};
use super::{DAY, Result, Store, Tx, amr, amr_text, contains, earlier};
use crate::account::{Session, SessionId, User, UserId};
use crate::clock::Timestamp;
use crate::issuer::IssuerId;
use crate::secret::Digest;

row! {
    struct SessionRow {
        id: Uuid,
        user_id: Uuid,
        auth_time: OffsetDateTime,
        amr: String,
        is_remembered: bool,
        created_at: OffsetDateTime,
        last_seen_at: OffsetDateTime,
        idle_expires_at: OffsetDateTime,
        expires_at: OffsetDateTime,
        address: String,
        user_agent: String,
    }
}

struct SessionOfUserRow {
    session: SessionRow,
    username: String,
}

impl<'r, R: sqlx::Row> sqlx::FromRow<'r, R> for SessionOfUserRow
where
    SessionRow: sqlx::FromRow<'r, R>,
    &'static str: sqlx::ColumnIndex<R>,
    String: sqlx::Decode<'r, R::Database> + sqlx::Type<R::Database>,
{
    fn from_row(row: &'r R) -> sqlx::Result<Self> {
        Ok(Self {
            session: SessionRow::from_row(row)?,
            username: row.try_get("username")?,
        })
    }
}

/// A session, and whose it is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SessionOfUser {
    pub session: Session,
    pub username: String,
}

const INSERT: &str = "INSERT INTO sessions
        (id, issuer_id, token_hash, user_id, auth_time, amr, is_remembered, created_at,
         last_seen_at, idle_expires_at, expires_at, address, user_agent)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)";

const FIND: &str = "SELECT id, user_id, auth_time, amr, is_remembered, created_at, last_seen_at,
        idle_expires_at, expires_at, address, user_agent
    FROM sessions WHERE issuer_id = $1 AND token_hash = $2
        AND ended_at IS NULL AND idle_expires_at > $3 AND expires_at > $3";

const LIST: &str = "SELECT id, user_id, auth_time, amr, is_remembered, created_at, last_seen_at,
        idle_expires_at, expires_at, address, user_agent
    FROM sessions WHERE issuer_id = $1 AND user_id = $2
        AND ended_at IS NULL AND idle_expires_at > $3 AND expires_at > $3
    ORDER BY last_seen_at DESC, created_at DESC, id";

/// `$2` and `$3` are the last use and the ID of the last one of the page before.
const LIST_ALL: &str = "SELECT s.id, s.user_id, s.auth_time, s.amr, s.is_remembered, s.created_at,
        s.last_seen_at, s.idle_expires_at, s.expires_at, s.address, s.user_agent, u.username
    FROM sessions s JOIN users u ON u.id = s.user_id
    WHERE s.issuer_id = $1 AND s.ended_at IS NULL AND s.idle_expires_at > $4 AND s.expires_at > $4
        AND (u.canonical_username LIKE $6 ESCAPE '!' OR s.address LIKE $6 ESCAPE '!')
        AND (s.last_seen_at < $2 OR s.last_seen_at = $2 AND s.id > $3)
    ORDER BY s.last_seen_at DESC, s.id LIMIT $5";

const GET: &str = "SELECT id, user_id, auth_time, amr, is_remembered, created_at, last_seen_at,
        idle_expires_at, expires_at, address, user_agent
    FROM sessions WHERE issuer_id = $1 AND id = $2
        AND ended_at IS NULL AND idle_expires_at > $3 AND expires_at > $3";

const TOUCH: &str = "UPDATE sessions SET last_seen_at = $3, idle_expires_at = $4
    WHERE issuer_id = $1 AND id = $2
        AND ended_at IS NULL AND idle_expires_at > $3 AND expires_at > $3";

const RENEW: &str = "UPDATE sessions SET token_hash = $4, auth_time = $5, amr = $6,
        is_remembered = $7, last_seen_at = $8, idle_expires_at = $9, expires_at = $10
    WHERE issuer_id = $1 AND id = $2 AND user_id = $3
        AND ended_at IS NULL AND idle_expires_at > $8 AND expires_at > $8";

const END: &str = "UPDATE sessions SET ended_at = $3
    WHERE issuer_id = $1 AND id = $2
        AND ended_at IS NULL AND idle_expires_at > $3 AND expires_at > $3";

const END_OTHERS: &str = "UPDATE sessions SET ended_at = $3
    WHERE issuer_id = $1 AND user_id = $2 AND id <> $4
        AND ended_at IS NULL AND idle_expires_at > $3 AND expires_at > $3
    RETURNING id";

const DELETE_OLD: &str = "DELETE FROM sessions WHERE id IN (
        SELECT id FROM sessions
        WHERE expires_at <= $1 OR idle_expires_at <= $1 OR ended_at <= $1 LIMIT 1000)";

impl TryFrom<SessionRow> for Session {
    type Error = super::StoreError;

    fn try_from(row: SessionRow) -> Result<Self> {
        Ok(Self {
            id: SessionId(row.id),
            user: UserId(row.user_id),
            auth_time: row.auth_time.into(),
            amr: amr(&row.amr)?,
            is_remembered: row.is_remembered,
            created_at: row.created_at.into(),
            last_seen_at: row.last_seen_at.into(),
            idle_expires_at: row.idle_expires_at.into(),
            expires_at: row.expires_at.into(),
            address: row.address,
            user_agent: row.user_agent,
        })
    }
}

/// Sessions are found and changed only while they live: not ended, and neither of their two
/// instants reached.
impl Store {
    /// `token` is the digest of what the browser holds.
    pub async fn insert_session(
        &self,
        issuer: IssuerId,
        session: &Session,
        token: &Digest,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        on_engine!(tx &mut tx, |db| sqlx::query(INSERT)
            .bind(session.id.0)
            .bind(issuer.uuid())
            .bind(token.as_bytes().as_slice())
            .bind(session.user.0)
            .bind(session.auth_time.utc())
            .bind(amr_text(&session.amr))
            .bind(session.is_remembered)
            .bind(session.created_at.utc())
            .bind(session.last_seen_at.utc())
            .bind(session.idle_expires_at.utc())
            .bind(session.expires_at.utc())
            .bind(&session.address)
            .bind(&session.user_agent)
            .execute(db)
            .await
            .map(drop))?;
        tx.commit().await
    }

    pub async fn find_session(
        &self,
        issuer: IssuerId,
        token: &Digest,
        now: Timestamp,
    ) -> Result<Option<Session>> {
        let row: Option<SessionRow> = on_engine!(read self.engine, |db| sqlx::query_as(FIND)
            .bind(issuer.uuid())
            .bind(token.as_bytes().as_slice())
            .bind(now.utc())
            .fetch_optional(db)
            .await)?;
        row.map(Session::try_from).transpose()
    }

    /// A live session by its identity.
    pub async fn get_session(
        &self,
        issuer: IssuerId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<Option<Session>> {
        let row: Option<SessionRow> = on_engine!(read self.engine, |db| sqlx::query_as(GET)
            .bind(issuer.uuid())
            .bind(session.0)
            .bind(now.utc())
            .fetch_optional(db)
            .await)?;
        row.map(Session::try_from).transpose()
    }

    /// Everybody's sessions, the one last used first. `search` is part of a username or an address;
    /// `after` the last one of the page before.
    pub async fn list_all_sessions(
        &self,
        issuer: IssuerId,
        search: &str,
        after: Option<(Timestamp, SessionId)>,
        limit: i64,
        now: Timestamp,
    ) -> Result<Vec<SessionOfUser>> {
        let (last_seen_at, id) = match after {
            Some((last_seen_at, id)) => (last_seen_at, id.0),
            None => (Timestamp::from_unix(i64::MAX), Uuid::nil()),
        };
        let rows: Vec<SessionOfUserRow> = on_engine!(read self.engine, |db| {
            sqlx::query_as(LIST_ALL)
                .bind(issuer.uuid())
                .bind(last_seen_at.utc())
                .bind(id)
                .bind(now.utc())
                .bind(limit)
                .bind(contains(&User::canonical_username(search)))
                .fetch_all(db)
                .await
        })?;
        rows.into_iter()
            .map(|row| {
                Ok(SessionOfUser {
                    username: row.username,
                    session: row.session.try_into()?,
                })
            })
            .collect()
    }

    /// The user's sessions, the one last used first.
    pub async fn list_sessions(
        &self,
        issuer: IssuerId,
        user: UserId,
        now: Timestamp,
    ) -> Result<Vec<Session>> {
        let rows: Vec<SessionRow> = on_engine!(read self.engine, |db| sqlx::query_as(LIST)
            .bind(issuer.uuid())
            .bind(user.0)
            .bind(now.utc())
            .fetch_all(db)
            .await)?;
        rows.into_iter().map(Session::try_from).collect()
    }

    /// Notes that the session is used.
    pub async fn touch_session(
        &self,
        issuer: IssuerId,
        session: SessionId,
        now: Timestamp,
        idle_expires_at: Timestamp,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        on_engine!(tx &mut tx, |db| sqlx::query(TOUCH)
            .bind(issuer.uuid())
            .bind(session.0)
            .bind(now.utc())
            .bind(idle_expires_at.utc())
            .execute(db)
            .await
            .map(drop))?;
        tx.commit().await
    }

    /// The person has proved again who they are: the session goes on under a new token, so that
    /// whoever had the old one is out. `renewed.last_seen_at` is now. Returns whether it was live,
    /// and its user the same.
    pub async fn renew_session(
        &self,
        issuer: IssuerId,
        session: SessionId,
        token: &Digest,
        renewed: &Session,
    ) -> Result<bool> {
        let mut tx = self.write().await?;
        let rows = on_engine!(tx &mut tx, |db| sqlx::query(RENEW)
            .bind(issuer.uuid())
            .bind(session.0)
            .bind(renewed.user.0)
            .bind(token.as_bytes().as_slice())
            .bind(renewed.auth_time.utc())
            .bind(amr_text(&renewed.amr))
            .bind(renewed.is_remembered)
            .bind(renewed.last_seen_at.utc())
            .bind(renewed.idle_expires_at.utc())
            .bind(renewed.expires_at.utc())
            .execute(db)
            .await
            .map(|done| done.rows_affected()))?;
        tx.commit().await?;
        Ok(rows > 0)
    }

    /// Returns whether it was live.
    pub async fn end_session(
        &self,
        issuer: IssuerId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<bool> {
        let mut tx = self.write().await?;
        let was_live = tx.end_session(issuer, session, now).await?;
        tx.commit().await?;
        Ok(was_live)
    }

    /// Ends the user's sessions, all but `keep`. Returns those it ended.
    pub async fn end_other_sessions(
        &self,
        issuer: IssuerId,
        user: UserId,
        keep: Option<SessionId>,
        now: Timestamp,
    ) -> Result<Vec<SessionId>> {
        let mut tx = self.write().await?;
        let ended = tx.end_other_sessions(issuer, user, keep, now).await?;
        tx.commit().await?;
        Ok(ended)
    }
}

impl Tx {
    /// Returns whether it was live.
    pub async fn end_session(
        &mut self,
        issuer: IssuerId,
        session: SessionId,
        now: Timestamp,
    ) -> Result<bool> {
        Ok(on_engine!(tx self, |db| sqlx::query(END)
            .bind(issuer.uuid())
            .bind(session.0)
            .bind(now.utc())
            .execute(db)
            .await
            .map(|done| done.rows_affected() > 0))?)
    }

    /// See [`Store::end_other_sessions`].
    pub async fn end_other_sessions(
        &mut self,
        issuer: IssuerId,
        user: UserId,
        keep: Option<SessionId>,
        now: Timestamp,
    ) -> Result<Vec<SessionId>> {
        let ended: Vec<(Uuid,)> = on_engine!(tx self, |db| sqlx::query_as(END_OTHERS)
            .bind(issuer.uuid())
            .bind(user.0)
            .bind(now.utc())
            // No session has the nil UUID, so every one is another.
            .bind(keep.map_or(Uuid::nil(), |keep| keep.0))
            .fetch_all(db)
            .await)?;
        Ok(ended.into_iter().map(|(id,)| SessionId(id)).collect())
    }

    /// Sessions that have been dead for a day.
    pub(super) async fn delete_old_sessions(&mut self, now: Timestamp) -> Result<u64> {
        Ok(on_engine!(tx self, |db| sqlx::query(DELETE_OLD)
            .bind(earlier(now, DAY).utc())
            .execute(db)
            .await
            .map(|done| done.rows_affected()))?)
    }
}
