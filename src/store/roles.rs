use uuid::Uuid;

use super::engine::{on_engine, row};
use super::{Result, Store, Tx, granted_scope, granted_scope_text};
use crate::account::{Role, RoleGrant};
use crate::issuer::IssuerId;

row! {
    struct RoleRow {
        name: String,
        description: String,
    }
}

row! {
    struct GrantRow {
        role: String,
        api_id: Uuid,
        scope: Option<String>,
    }
}

const LIST: &str = "SELECT name, description FROM roles
    WHERE issuer_id = $1 ORDER BY position, name";

const LIST_GRANTS: &str = "SELECT role, api_id, scope FROM role_grants
    WHERE issuer_id = $1 ORDER BY role, position";

const UPSERT: &str = "INSERT INTO roles (issuer_id, name, position, description, declared)
    VALUES ($1, $2, $3, $4, TRUE)
    ON CONFLICT (issuer_id, name) DO UPDATE SET
        position = excluded.position, description = excluded.description, declared = TRUE";

const DELETE_GRANTS: &str = "DELETE FROM role_grants WHERE issuer_id = $1 AND role = $2";

const INSERT_GRANT: &str = "INSERT INTO role_grants (issuer_id, role, api_id, position, scope)
    VALUES ($1, $2, $3, $4, $5)";

const LIST_DECLARED: &str = "SELECT name FROM roles WHERE issuer_id = $1 AND declared";

const DELETE: &str = "DELETE FROM roles WHERE issuer_id = $1 AND name = $2";

impl Store {
    /// Every role of the issuer, in the order of its declaration.
    pub async fn list_roles(&self, issuer: IssuerId) -> Result<Vec<Role>> {
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
                Ok(Role {
                    grants: own.map(RoleGrant::try_from).collect::<Result<_>>()?,
                    name: row.name,
                    description: row.description,
                })
            })
            .collect()
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
    /// Creates the role or makes it as declared, its grants included.
    pub async fn upsert_role(
        &mut self,
        issuer: IssuerId,
        role: &Role,
        position: i64,
    ) -> Result<()> {
        on_engine!(tx self, |db| sqlx::query(UPSERT)
            .bind(issuer.uuid())
            .bind(&role.name)
            .bind(position)
            .bind(&role.description)
            .execute(db)
            .await
            .map(drop))?;
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

    /// Removes the roles that a configuration declared once and does no longer, from their users
    /// too.
    pub async fn prune_roles(&mut self, issuer: IssuerId, keep: &[&str]) -> Result<()> {
        let declared: Vec<(String,)> = on_engine!(tx self, |db| sqlx::query_as(LIST_DECLARED)
            .bind(issuer.uuid())
            .fetch_all(db)
            .await)?;
        for (name,) in declared {
            if !keep.contains(&name.as_str()) {
                on_engine!(tx self, |db| sqlx::query(DELETE)
                    .bind(issuer.uuid())
                    .bind(&name)
                    .execute(db)
                    .await
                    .map(drop))?;
            }
        }
        Ok(())
    }
}
