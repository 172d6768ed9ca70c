use serde_json::Value as Json;
use time::OffsetDateTime;
use uuid::Uuid;

use super::engine::{on_engine, row};
use super::{Result, Store, StoreError, Tx};
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
    }
}

const FIND: &str = "SELECT id, username, password_hash, claims, blocked_at, created_at, updated_at
    FROM users WHERE issuer_id = $1 AND canonical_username = $2";

const GET: &str = "SELECT id, username, password_hash, claims, blocked_at, created_at, updated_at
    FROM users WHERE issuer_id = $1 AND id = $2";

const FIND_BY_SUBJECT: &str = "SELECT u.id, u.username, u.password_hash, u.claims, u.blocked_at,
        u.created_at, u.updated_at
    FROM subjects s JOIN users u ON u.id = s.user_id AND u.issuer_id = s.issuer_id
    WHERE s.issuer_id = $1 AND s.subject = $2";

const LIST_ROLES: &str = "SELECT r.name
    FROM user_roles u JOIN roles r ON r.issuer_id = u.issuer_id AND r.name = u.role
    WHERE u.issuer_id = $1 AND u.user_id = $2 ORDER BY r.position, r.name";

const SET_PASSWORD: &str = "UPDATE users
    SET password_hash = $3, password_is_own = TRUE, updated_at = $4
    WHERE issuer_id = $1 AND id = $2";

const LOCK: &str = "UPDATE users SET declared = declared WHERE issuer_id = $1 AND id = $2";

const SET_CLAIMS: &str = "UPDATE users
    SET claims = $3, claims_are_own = TRUE, updated_at = $4
    WHERE issuer_id = $1 AND id = $2";

const UPSERT: &str = "INSERT INTO users
        (id, issuer_id, username, canonical_username, password_hash, password_is_own, claims,
         claims_are_own, blocked_at, declared, created_at, updated_at)
    VALUES ($1, $2, $3, $4, $5, FALSE, $6, FALSE, $7, TRUE, $8, $8)
    ON CONFLICT (issuer_id, canonical_username) DO UPDATE SET
        username = excluded.username, declared = TRUE,
        claims = CASE WHEN users.claims_are_own THEN users.claims ELSE excluded.claims END,
        password_hash = CASE WHEN users.password_is_own
            THEN users.password_hash ELSE excluded.password_hash END,
        blocked_at = CASE WHEN excluded.blocked_at IS NOT NULL
            THEN COALESCE(users.blocked_at, excluded.blocked_at) END,
        updated_at = CASE WHEN users.username <> excluded.username
                OR users.claims <> excluded.claims AND NOT users.claims_are_own
                OR users.password_hash IS DISTINCT FROM excluded.password_hash
                    AND NOT users.password_is_own
                OR (users.blocked_at IS NULL) <> (excluded.blocked_at IS NULL)
            THEN excluded.updated_at ELSE users.updated_at END
    RETURNING id";

const DELETE_ROLES: &str = "DELETE FROM user_roles WHERE issuer_id = $1 AND user_id = $2";

const INSERT_ROLE: &str = "INSERT INTO user_roles (issuer_id, user_id, role) VALUES ($1, $2, $3)
    ON CONFLICT (issuer_id, user_id, role) DO NOTHING";

const LIST_DECLARED: &str = "SELECT id FROM users WHERE issuer_id = $1 AND declared";

const DELETE: &str = "DELETE FROM users WHERE issuer_id = $1 AND id = $2";

impl UserRow {
    fn with(self, roles: Vec<(String,)>) -> Result<User> {
        Ok(User {
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
        let row: Option<UserRow> = on_engine!(read self.engine, |db| sqlx::query_as(FIND)
            .bind(issuer.uuid())
            .bind(canonical_username)
            .fetch_optional(db)
            .await)?;
        self.with_roles(issuer, row).await
    }

    pub async fn get_user(&self, issuer: IssuerId, user: UserId) -> Result<Option<User>> {
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
        self.with_roles(issuer, row).await
    }

    async fn with_roles(&self, issuer: IssuerId, row: Option<UserRow>) -> Result<Option<User>> {
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
        on_engine!(tx &mut tx, |db| sqlx::query(SET_CLAIMS)
            .bind(issuer.uuid())
            .bind(user.0)
            .bind(text(claims))
            .bind(now.utc())
            .execute(db)
            .await
            .map(drop))?;
        tx.commit().await
    }
}

impl Tx {
    /// Sets a password that the person chose: no configuration changes it from now on.
    pub async fn set_password(
        &mut self,
        issuer: IssuerId,
        user: UserId,
        hash: &SecretHash,
        now: Timestamp,
    ) -> Result<()> {
        Ok(on_engine!(tx self, |db| sqlx::query(SET_PASSWORD)
            .bind(issuer.uuid())
            .bind(user.0)
            .bind(hash.to_string())
            .bind(now.utc())
            .execute(db)
            .await
            .map(drop))?)
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
        row.with(roles).map(Some)
    }

    /// Creates the user or makes it as declared, its roles included; a password that the person
    /// chose stays. Returns the ID it has, which is not `user.id` when it existed.
    pub async fn upsert_user(
        &mut self,
        issuer: IssuerId,
        user: &User,
        now: Timestamp,
    ) -> Result<UserId> {
        let (id,): (Uuid,) = on_engine!(tx self, |db| sqlx::query_as(UPSERT)
            .bind(user.id.0)
            .bind(issuer.uuid())
            .bind(&user.username)
            .bind(User::canonical_username(&user.username))
            .bind(user.password_hash.as_ref().map(ToString::to_string))
            .bind(text(&user.claims))
            .bind(user.is_blocked.then_some(now.utc()))
            .bind(now.utc())
            .fetch_one(db)
            .await)?;
        on_engine!(tx self, |db| sqlx::query(DELETE_ROLES)
            .bind(issuer.uuid())
            .bind(id)
            .execute(db)
            .await
            .map(drop))?;
        for role in &user.roles {
            on_engine!(tx self, |db| sqlx::query(INSERT_ROLE)
                .bind(issuer.uuid())
                .bind(id)
                .bind(role)
                .execute(db)
                .await
                .map(drop))?;
        }
        Ok(UserId(id))
    }

    /// Removes the users that a configuration declared once and does no longer, with all that
    /// came of their signing in.
    pub async fn prune_users(&mut self, issuer: IssuerId, keep: &[UserId]) -> Result<()> {
        let declared: Vec<(Uuid,)> = on_engine!(tx self, |db| sqlx::query_as(LIST_DECLARED)
            .bind(issuer.uuid())
            .fetch_all(db)
            .await)?;
        for (id,) in declared {
            if keep.contains(&UserId(id)) {
                continue;
            }
            self.revoke_jwts_of(issuer, UserId(id)).await?;
            on_engine!(tx self, |db| sqlx::query(DELETE)
                .bind(issuer.uuid())
                .bind(id)
                .execute(db)
                .await
                .map(drop))?;
        }
        Ok(())
    }
}
