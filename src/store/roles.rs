use uuid::Uuid;

use super::engine::{on_engine, row};
use super::{Recorded, Result, Store, Tx, granted_scope, granted_scope_text};
use crate::account::{Role, RoleGrant};
use crate::issuer::IssuerId;

row! {
    struct RoleRow {
        name: String,
        description: String,
        position: i64,
        declared: bool,
        adopted: bool,
        revision: i64,
    }
}

row! {
    struct GrantRow {
        role: String,
        api_id: Uuid,
        scope: Option<String>,
    }
}

const LIST: &str = "SELECT name, description, position, declared, adopted, revision FROM roles
    WHERE issuer_id = $1 ORDER BY position, name";

const LIST_GRANTS: &str = "SELECT role, api_id, scope FROM role_grants
    WHERE issuer_id = $1 ORDER BY role, position";

const INSERT: &str = "INSERT INTO roles (issuer_id, name, description, position, declared)
    VALUES ($1, $2, $3, COALESCE($4,
        (SELECT COALESCE(MAX(position), -1) + 1 FROM roles WHERE issuer_id = $1)), $5)
    ON CONFLICT (issuer_id, name) DO NOTHING
    RETURNING revision";

const UPDATE: &str = "UPDATE roles SET
        description = $3, position = COALESCE($4, position), adopted = $5 AND (adopted OR NOT declared), declared = $5,
        revision = revision + 1
    WHERE issuer_id = $1 AND name = $2 AND revision = $6
    RETURNING revision";

const DELETE_GRANTS: &str = "DELETE FROM role_grants WHERE issuer_id = $1 AND role = $2";

const INSERT_GRANT: &str = "INSERT INTO role_grants (issuer_id, role, api_id, position, scope)
    VALUES ($1, $2, $3, $4, $5)";

const COUNT_USERS: &str = "SELECT COUNT(*) FROM user_roles WHERE issuer_id = $1 AND role = $2";

const DELETE: &str = "DELETE FROM roles WHERE issuer_id = $1 AND name = $2 AND revision = $3";

impl Store {
    /// Every role of the issuer, in the order they were given.
    pub async fn list_roles(&self, issuer: IssuerId) -> Result<Vec<Role>> {
        let records = self.list_role_records(issuer).await?;
        Ok(records.into_iter().map(|record| record.value).collect())
    }

    pub async fn list_role_records(&self, issuer: IssuerId) -> Result<Vec<Recorded<Role>>> {
        let rows: Vec<RoleRow> = on_engine!(read self.engine, |db| sqlx::query_as(LIST)
            .bind(issuer.uuid())
            .fetch_all(db)
            .await)?;
        let grants: Vec<GrantRow> = on_engine!(read self.engine, |db| sqlx::query_as(LIST_GRANTS)
            .bind(issuer.uuid())
            .fetch_all(db)
            .await)?;
        rows.into_iter()
            .map(|row| {
                let own = grants.iter().filter(|grant| grant.role == row.name);
                let role = Role {
                    grants: own.map(RoleGrant::try_from).collect::<Result<_>>()?,
                    name: row.name,
                    description: row.description,
                };
                Ok(Recorded {
                    value: role,
                    revision: row.revision,
                    is_declared: row.declared,
                    is_adopted: row.adopted,
                    position: row.position,
                })
            })
            .collect()
    }

    /// How many users have the role.
    pub async fn count_users_of_role(&self, issuer: IssuerId, role: &str) -> Result<i64> {
        let (count,): (i64,) = on_engine!(read self.engine, |db| sqlx::query_as(COUNT_USERS)
            .bind(issuer.uuid())
            .bind(role)
            .fetch_one(db)
            .await)?;
        Ok(count)
    }
}

impl TryFrom<&GrantRow> for RoleGrant {
    type Error = super::StoreError;

    fn try_from(row: &GrantRow) -> Result<Self> {
        Ok(Self {
            api_id: row.api_id,
            scope: granted_scope(row.scope.as_deref())?,
        })
    }
}

impl Tx {
    /// Creates a role, its grants included; last in the order when it has no `position`. `false`,
    /// and nothing done, when there is one of its name.
    pub async fn insert_role(
        &mut self,
        issuer: IssuerId,
        role: &Role,
        position: Option<i64>,
        is_declared: bool,
    ) -> Result<bool> {
        let inserted: Option<(i64,)> = on_engine!(tx self, |db| sqlx::query_as(INSERT)
            .bind(issuer.uuid())
            .bind(&role.name)
            .bind(&role.description)
            .bind(position)
            .bind(is_declared)
            .fetch_optional(db)
            .await)?;
        if inserted.is_some() {
            self.set_role_grants(issuer, role).await?;
        }
        Ok(inserted.is_some())
    }

    /// Changes a role, its grants included, and gives its new revision; `None`, and nothing done,
    /// when its revision is no longer `revision`.
    pub async fn update_role(
        &mut self,
        issuer: IssuerId,
        role: &Role,
        position: Option<i64>,
        is_declared: bool,
        revision: i64,
    ) -> Result<Option<i64>> {
        let updated: Option<(i64,)> = on_engine!(tx self, |db| sqlx::query_as(UPDATE)
            .bind(issuer.uuid())
            .bind(&role.name)
            .bind(&role.description)
            .bind(position)
            .bind(is_declared)
            .bind(revision)
            .fetch_optional(db)
            .await)?;
        if updated.is_some() {
            self.set_role_grants(issuer, role).await?;
        }
        Ok(updated.map(|(revision,)| revision))
    }

    async fn set_role_grants(&mut self, issuer: IssuerId, role: &Role) -> Result<()> {
        on_engine!(tx self, |db| sqlx::query(DELETE_GRANTS)
            .bind(issuer.uuid())
            .bind(&role.name)
            .execute(db)
            .await
            .map(drop))?;
        for (position, grant) in (0_i64..).zip(&role.grants) {
            on_engine!(tx self, |db| sqlx::query(INSERT_GRANT)
                .bind(issuer.uuid())
                .bind(&role.name)
                .bind(grant.api_id)
                .bind(position)
                .bind(granted_scope_text(&grant.scope))
                .execute(db)
                .await
                .map(drop))?;
        }
        Ok(())
    }

    /// Deletes a role, also from its users. `false` when its revision is no longer `revision`.
    pub async fn delete_role(
        &mut self,
        issuer: IssuerId,
        name: &str,
        revision: i64,
    ) -> Result<bool> {
        Ok(on_engine!(tx self, |db| sqlx::query(DELETE)
            .bind(issuer.uuid())
            .bind(name)
            .bind(revision)
            .execute(db)
            .await
            .map(|done| done.rows_affected() > 0))?)
    }
}
