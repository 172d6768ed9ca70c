use serde_json::Value as Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::engine::{on_engine, row};
use super::{Result, Store, StoreError, Tx, contains};
use crate::account::{User, UserClaims, UserId};
use crate::clock::Timestamp;
use crate::issuer::IssuerId;
use crate::secret::SecretHash;

row! {
    struct UserRow {
        id: Uuid,
        username: String,
        password_hash: Option<String>,
        claims: String,
        blocked_at: Option<OffsetDateTime>,
        created_at: OffsetDateTime,
        updated_at: OffsetDateTime,
        password_is_own: bool,
        claims_are_own: bool,
        declared: bool,
        adopted: bool,
        revision: i64,
    }
}

/// A user as the database keeps it, with what administrators want to know besides.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UserRecord {
    pub user: User,
    pub revision: i64,
    /// Whether a configuration file declares it.
    pub is_declared: bool,
    /// Whether it was there before a file declared it, so that no file may remove it.
    pub is_adopted: bool,
    /// Whether the person chose the password, so that no configuration may change it.
    pub password_is_own: bool,
    /// Whether the person changed the profile, likewise.
    pub claims_are_own: bool,
}

/// Which users are wanted, and how many at once.
#[derive(Debug, Clone, Default)]
pub struct UserQuery<'a> {
    /// Part of the username or of anything in the profile, in any case; all when empty.
    pub search: &'a str,
    /// A role they must have; any when empty.
    pub role: &'a str,
    /// Only those who are, or only those who are not.
    pub is_blocked: Option<bool>,
    /// The canonical username of the last one of the page before.
    pub after: &'a str,
    pub limit: i64,
}

/// Of a query about users: every column of [`UserRow`].
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT u.id, u.username, u.password_hash, u.claims, u.blocked_at, u.created_at,
                u.updated_at, u.password_is_own, u.claims_are_own, u.declared, u.adopted, u.revision
            FROM users u ",
            $rest
        )
    };
}

const FIND: &str = select!("WHERE u.issuer_id = $1 AND u.canonical_username = $2");

const GET: &str = select!("WHERE u.issuer_id = $1 AND u.id = $2");

const FIND_BY_SUBJECT: &str = select!(
    "JOIN subjects s ON s.user_id = u.id AND s.issuer_id = u.issuer_id
    WHERE s.issuer_id = $1 AND s.subject = $2"
);

const LIST: &str = select!(
    "WHERE u.issuer_id = $1 AND u.canonical_username > $2
        AND (u.canonical_username LIKE $3 ESCAPE '!'
            OR LOWER(u.claims) LIKE LOWER($4) ESCAPE '!')
        AND ($5 = '' OR EXISTS (SELECT 1 FROM user_roles r
            WHERE r.issuer_id = u.issuer_id AND r.user_id = u.id AND r.role = $5))
        AND ($7 IS NULL OR (u.blocked_at IS NOT NULL) = $7)
    ORDER BY u.canonical_username LIMIT $6"
);

const COUNT: &str = "SELECT COUNT(*) FROM users WHERE issuer_id = $1";

const LIST_ROLES: &str = "SELECT r.name
    FROM user_roles u JOIN roles r ON r.issuer_id = u.issuer_id AND r.name = u.role
    WHERE u.issuer_id = $1 AND u.user_id = $2 ORDER BY r.position, r.name";

const SET_PASSWORD: &str = "UPDATE users
    SET password_hash = $3, password_is_own = TRUE, updated_at = $4, revision = revision + 1
    WHERE issuer_id = $1 AND id = $2";

const LOCK: &str = "UPDATE users SET declared = declared WHERE issuer_id = $1 AND id = $2";

const SET_CLAIMS: &str = "UPDATE users
    SET claims = $3, claims_are_own = TRUE, updated_at = $4, revision = revision + 1
    WHERE issuer_id = $1 AND id = $2";

const INSERT: &str = "INSERT INTO users
        (id, issuer_id, username, canonical_username, password_hash, password_is_own, claims,
         claims_are_own, blocked_at, declared, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, FALSE, $6, FALSE, $8, $9, $7, $7)
    ON CONFLICT (issuer_id, canonical_username) DO NOTHING
    RETURNING revision";

/// The roles are not of the profile, so `updated_at` has nothing to do with them.
const UPDATE: &str = "UPDATE users SET
        username = $3, canonical_username = $4, password_hash = $5, claims = $6,
        blocked_at = CASE WHEN $8 THEN COALESCE(blocked_at, $7) END,
        updated_at = CASE WHEN username <> $3 OR claims <> $6
                OR password_hash IS DISTINCT FROM $5 OR (blocked_at IS NOT NULL) <> $8
            THEN $7 ELSE updated_at END,
        password_is_own = $9, claims_are_own = $10, adopted = $11 AND (adopted OR NOT declared), declared = $11,
        revision = revision + 1
    WHERE id = $1 AND issuer_id = $2 AND revision = $12
    RETURNING revision";

const DELETE_ROLES: &str = "DELETE FROM user_roles WHERE issuer_id = $1 AND user_id = $2";

const INSERT_ROLE: &str = "INSERT INTO user_roles (issuer_id, user_id, role) VALUES ($1, $2, $3)
    ON CONFLICT (issuer_id, user_id, role) DO NOTHING";

const LIST_DECLARED: &str = "SELECT canonical_username FROM users
    WHERE issuer_id = $1 AND declared";

const DELETE: &str = "DELETE FROM users WHERE issuer_id = $1 AND id = $2 AND revision = $3";

/// Users who have the role and can sign in.
const COUNT_ABLE: &str = "SELECT COUNT(*) FROM users u
    JOIN user_roles r ON r.user_id = u.id AND r.issuer_id = u.issuer_id
    WHERE u.issuer_id = $1 AND r.role = $2 AND u.blocked_at IS NULL
        AND u.password_hash IS NOT NULL";

impl UserRow {
    fn with(self, roles: Vec<(String,)>) -> Result<UserRecord> {
        let user = User {
            id: UserId(self.id),
            username: self.username,
            password_hash: self
                .password_hash
                .map(|hash| hash.parse::<SecretHash>())
                .transpose()
                .map_err(|_| StoreError::Unreadable("a user's password_hash".to_owned()))?,
            claims: serde_json::from_str(&self.claims)
                .map_err(|_| StoreError::Unreadable("a user's claims".to_owned()))?,
            roles: roles.into_iter().map(|(name,)| name).collect(),
            is_blocked: self.blocked_at.is_some(),
            created_at: self.created_at.into(),
            updated_at: self.updated_at.into(),
        };
        Ok(UserRecord {
            user,
            revision: self.revision,
            is_declared: self.declared,
            is_adopted: self.adopted,
            password_is_own: self.password_is_own,
            claims_are_own: self.claims_are_own,
        })
    }
}

fn text(claims: &UserClaims) -> String {
    Json::Object(claims.0.clone()).to_string()
}

impl Store {
    /// `canonical_username` is what [`User::canonical_username`] makes of what was typed.
    pub async fn find_user(
        &self,
        issuer: IssuerId,
        canonical_username: &str,
    ) -> Result<Option<User>> {
        let record = self.find_user_record(issuer, canonical_username).await?;
        Ok(record.map(|record| record.user))
    }

    pub async fn find_user_record(
        &self,
        issuer: IssuerId,
        canonical_username: &str,
    ) -> Result<Option<UserRecord>> {
        let row: Option<UserRow> = on_engine!(read self.engine, |db| sqlx::query_as(FIND)
            .bind(issuer.uuid())
            .bind(canonical_username)
            .fetch_optional(db)
            .await)?;
        self.with_roles(issuer, row).await
    }

    pub async fn get_user(&self, issuer: IssuerId, user: UserId) -> Result<Option<User>> {
        let record = self.get_user_record(issuer, user).await?;
        Ok(record.map(|record| record.user))
    }

    pub async fn get_user_record(
        &self,
        issuer: IssuerId,
        user: UserId,
    ) -> Result<Option<UserRecord>> {
        let row: Option<UserRow> = on_engine!(read self.engine, |db| sqlx::query_as(GET)
            .bind(issuer.uuid())
            .bind(user.0)
            .fetch_optional(db)
            .await)?;
        self.with_roles(issuer, row).await
    }

    /// The user whom some client, or every one, calls `subject`.
    pub async fn find_user_by_subject(
        &self,
        issuer: IssuerId,
        subject: &str,
    ) -> Result<Option<User>> {
        let row: Option<UserRow> = on_engine!(read self.engine, |db| {
            sqlx::query_as(FIND_BY_SUBJECT)
                .bind(issuer.uuid())
                .bind(subject)
                .fetch_optional(db)
                .await
        })?;
        let record = self.with_roles(issuer, row).await?;
        Ok(record.map(|record| record.user))
    }

    /// Users by username.
    pub async fn list_users(
        &self,
        issuer: IssuerId,
        query: &UserQuery<'_>,
    ) -> Result<Vec<UserRecord>> {
        let rows: Vec<UserRow> = on_engine!(read self.engine, |db| sqlx::query_as(LIST)
            .bind(issuer.uuid())
            .bind(query.after)
            .bind(contains(&User::canonical_username(query.search)))
            .bind(contains(query.search))
            .bind(query.role)
            .bind(query.limit)
            .bind(query.is_blocked)
            .fetch_all(db)
            .await)?;
        let mut users = Vec::new();
        for row in rows {
            users.extend(self.with_roles(issuer, Some(row)).await?);
        }
        Ok(users)
    }

    pub async fn count_users(&self, issuer: IssuerId) -> Result<i64> {
        let (count,): (i64,) = on_engine!(read self.engine, |db| sqlx::query_as(COUNT)
            .bind(issuer.uuid())
            .fetch_one(db)
            .await)?;
        Ok(count)
    }

    /// The canonical usernames of the users that a configuration declares.
    pub async fn list_declared_users(&self, issuer: IssuerId) -> Result<Vec<String>> {
        let rows: Vec<(String,)> = on_engine!(read self.engine, |db| sqlx::query_as(LIST_DECLARED)
            .bind(issuer.uuid())
            .fetch_all(db)
            .await)?;
        Ok(rows.into_iter().map(|(username,)| username).collect())
    }

    async fn with_roles(
        &self,
        issuer: IssuerId,
        row: Option<UserRow>,
    ) -> Result<Option<UserRecord>> {
        let Some(row) = row else { return Ok(None) };
        let roles: Vec<(String,)> = on_engine!(read self.engine, |db| sqlx::query_as(LIST_ROLES)
            .bind(issuer.uuid())
            .bind(row.id)
            .fetch_all(db)
            .await)?;
        row.with(roles).map(Some)
    }

    pub async fn set_claims(
        &self,
        issuer: IssuerId,
        user: UserId,
        claims: &UserClaims,
        now: Timestamp,
    ) -> Result<()> {
        let mut tx = self.write().await?;
        tx.set_claims(issuer, user, claims, now).await?;
        tx.commit().await
    }
}

/// Binds what both statements write: `$1` to `$7`.
macro_rules! written {
    ($sql:expr, $issuer:expr, $user:expr, $now:expr) => {
        sqlx::query_as($sql)
            .bind($user.id.0)
            .bind($issuer.uuid())
            .bind(&$user.username)
            .bind(User::canonical_username(&$user.username))
            .bind($user.password_hash.as_ref().map(ToString::to_string))
            .bind(text(&$user.claims))
            .bind($now.utc())
    };
}

impl Tx {
    /// Sets claims that the person chose: no configuration changes them from now on.
    pub async fn set_claims(
        &mut self,
        issuer: IssuerId,
        user: UserId,
        claims: &UserClaims,
        now: Timestamp,
    ) -> Result<()> {
        Ok(on_engine!(tx self, |db| sqlx::query(SET_CLAIMS)
            .bind(issuer.uuid())
            .bind(user.0)
            .bind(text(claims))
            .bind(now.utc())
            .execute(db)
            .await
            .map(drop))?)
    }

    /// Sets a password that the person chose: no configuration changes it from now on.
    pub async fn set_password(
        &mut self,
        issuer: IssuerId,
        user: UserId,
        hash: &SecretHash,
        now: Timestamp,
    ) -> Result<bool> {
        Ok(on_engine!(tx self, |db| sqlx::query(SET_PASSWORD)
            .bind(issuer.uuid())
            .bind(user.0)
            .bind(hash.to_string())
            .bind(now.utc())
            .execute(db)
            .await
            .map(|done| done.rows_affected() > 0))?)
    }

    /// Has the user's row locked until the transaction ends, so that what is read of the user and
    /// written again is not overwritten by another.
    pub async fn lock_user(&mut self, issuer: IssuerId, user: UserId) -> Result<()> {
        Ok(on_engine!(tx self, |db| sqlx::query(LOCK)
            .bind(issuer.uuid())
            .bind(user.0)
            .execute(db)
            .await
            .map(drop))?)
    }

    pub async fn get_user(&mut self, issuer: IssuerId, user: UserId) -> Result<Option<User>> {
        let row: Option<UserRow> = on_engine!(tx self, |db| sqlx::query_as(GET)
            .bind(issuer.uuid())
            .bind(user.0)
            .fetch_optional(db)
            .await)?;
        let Some(row) = row else { return Ok(None) };
        let roles: Vec<(String,)> = on_engine!(tx self, |db| sqlx::query_as(LIST_ROLES)
            .bind(issuer.uuid())
            .bind(user.0)
            .fetch_all(db)
            .await)?;
        row.with(roles).map(|record| Some(record.user))
    }

    /// How many users have the role and can sign in.
    pub async fn count_able_users_of_role(&mut self, issuer: IssuerId, role: &str) -> Result<i64> {
        let (count,): (i64,) = on_engine!(tx self, |db| sqlx::query_as(COUNT_ABLE)
            .bind(issuer.uuid())
            .bind(role)
            .fetch_one(db)
            .await)?;
        Ok(count)
    }

    /// Creates a user, with its roles. `false`, and nothing done, when there is one of its name.
    pub async fn insert_user(
        &mut self,
        issuer: IssuerId,
        user: &User,
        is_declared: bool,
    ) -> Result<bool> {
        let inserted: Option<(i64,)> = on_engine!(tx self, |db| {
            written!(INSERT, issuer, user, user.created_at)
                .bind(user.is_blocked.then_some(user.created_at.utc()))
                .bind(is_declared)
                .fetch_optional(db)
                .await
        })?;
        if inserted.is_some() {
            self.set_roles(issuer, user).await?;
        }
        Ok(inserted.is_some())
    }

    /// Changes a user, with its roles, and gives the new revision; `None`, and nothing done, when
    /// its revision is no longer the one that was read.
    ///
    /// # Errors
    /// Of the database, also when another user has the name.
    pub async fn update_user(
        &mut self,
        issuer: IssuerId,
        record: &UserRecord,
        now: Timestamp,
    ) -> Result<Option<i64>> {
        let updated: Option<(i64,)> = on_engine!(tx self, |db| {
            written!(UPDATE, issuer, record.user, now)
                .bind(record.user.is_blocked)
                .bind(record.password_is_own)
                .bind(record.claims_are_own)
                .bind(record.is_declared)
                .bind(record.revision)
                .fetch_optional(db)
                .await
        })?;
        if updated.is_some() {
            self.set_roles(issuer, &record.user).await?;
        }
        Ok(updated.map(|(revision,)| revision))
    }

    async fn set_roles(&mut self, issuer: IssuerId, user: &User) -> Result<()> {
        on_engine!(tx self, |db| sqlx::query(DELETE_ROLES)
            .bind(issuer.uuid())
            .bind(user.id.0)
            .execute(db)
            .await
            .map(drop))?;
        for role in &user.roles {
            on_engine!(tx self, |db| sqlx::query(INSERT_ROLE)
                .bind(issuer.uuid())
                .bind(user.id.0)
                .bind(role)
                .execute(db)
                .await
                .map(drop))?;
        }
        Ok(())
    }

    /// Deletes a user with all that came of their signing in. `false`, and nothing done, when the
    /// revision is no longer `revision`.
    pub async fn delete_user(
        &mut self,
        issuer: IssuerId,
        user: UserId,
        revision: i64,
    ) -> Result<bool> {
        // First: afterwards nothing tells which JWTs were theirs. If the user stays, somebody has
        // changed it meanwhile, and the transaction is dropped.
        self.revoke_jwts_of(issuer, user).await?;
        Ok(on_engine!(tx self, |db| sqlx::query(DELETE)
            .bind(issuer.uuid())
            .bind(user.0)
            .bind(revision)
            .execute(db)
            .await
            .map(|done| done.rows_affected() > 0))?)
    }
}
