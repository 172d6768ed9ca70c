use std::time::Duration;

use uuid::Uuid;

use super::engine::{on_engine, row};
use super::{Recorded, Result, Store, Tx, parse_column};
use crate::dialect::TokenFormat;
use crate::issuer::{Api, ApiScope, IssuerId};
use crate::protocol::SigningAlg;

row! {
    struct ApiRow {
        id: Uuid,
        audience: String,
        name: String,
        token_lifetime: Option<i64>,
        token_format: Option<String>,
        signing_alg: Option<String>,
        position: i64,
        declared: bool,
        adopted: bool,
        revision: i64,
    }
}

row! {
    struct ScopeRow {
        api_id: Uuid,
        name: String,
        description: String,
        users_only: bool,
        needs_role: bool,
        translations: String,
    }
}

const LIST: &str = "SELECT id, audience, name, token_lifetime, token_format, signing_alg, position,
        declared, adopted, revision
    FROM apis WHERE issuer_id = $1 ORDER BY position, audience";

const LIST_SCOPES: &str = "SELECT s.api_id, s.name, s.description, s.users_only, s.needs_role,
        s.translations
    FROM scopes s JOIN apis a ON a.id = s.api_id
    WHERE a.issuer_id = $1 ORDER BY s.api_id, s.position";

const INSERT: &str = "INSERT INTO apis
        (id, issuer_id, audience, name, token_lifetime, token_format, signing_alg, position,
         declared)
    VALUES ($1, $2, $3, $4, $5, $6, $7, COALESCE($8,
        (SELECT COALESCE(MAX(position), -1) + 1 FROM apis WHERE issuer_id = $2)), $9)
    ON CONFLICT (issuer_id, audience) DO NOTHING
    RETURNING revision";

const UPDATE: &str = "UPDATE apis SET
        audience = $3, name = $4, token_lifetime = $5, token_format = $6, signing_alg = $7,
        position = COALESCE($8, position), adopted = $9 AND (adopted OR NOT declared), declared = $9,
        revision = revision + 1
    WHERE id = $1 AND issuer_id = $2 AND revision = $10
    RETURNING revision";

const DELETE_SCOPES: &str = "DELETE FROM scopes WHERE api_id = $1";

const INSERT_SCOPE: &str = "INSERT INTO scopes (api_id, name, position, description, users_only,
        needs_role, translations)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

const DELETE: &str = "DELETE FROM apis WHERE issuer_id = $1 AND id = $2 AND revision = $3";

impl Store {
    /// Every API of the issuer, in the order they were given.
    pub async fn list_apis(&self, issuer: IssuerId) -> Result<Vec<Api>> {
        let records = self.list_api_records(issuer).await?;
        Ok(records.into_iter().map(|record| record.value).collect())
    }

    pub async fn list_api_records(&self, issuer: IssuerId) -> Result<Vec<Recorded<Api>>> {
        let rows: Vec<ApiRow> = on_engine!(read self.engine, |db| sqlx::query_as(LIST)
            .bind(issuer.uuid())
            .fetch_all(db)
            .await)?;
        let scopes: Vec<ScopeRow> = on_engine!(read self.engine, |db| sqlx::query_as(LIST_SCOPES)
            .bind(issuer.uuid())
            .fetch_all(db)
            .await)?;
        let mut apis = Vec::with_capacity(rows.len());
        for row in rows {
            let own = scopes.iter().filter(|scope| scope.api_id == row.id);
            let api = Api {
                scopes: own.map(ApiScope::from).collect(),
                id: row.id,
                audience: row.audience,
                name: row.name,
                token_lifetime: row
                    .token_lifetime
                    .map(|seconds| Duration::from_secs(u64::try_from(seconds).unwrap_or(0))),
                token_format: row
                    .token_format
                    .map(|format| parse_column("token_format", &format, TokenFormat::find))
                    .transpose()?,
                signing_alg: row
                    .signing_alg
                    .map(|alg| parse_column("signing_alg", &alg, SigningAlg::find))
                    .transpose()?,
            };
            apis.push(Recorded {
                value: api,
                revision: row.revision,
                is_declared: row.declared,
                is_adopted: row.adopted,
                position: row.position,
            });
        }
        Ok(apis)
    }
}

impl From<&ScopeRow> for ApiScope {
    fn from(row: &ScopeRow) -> Self {
        Self {
            name: row.name.clone(),
            description: row.description.clone(),
            users_only: row.users_only,
            needs_role: row.needs_role,
            translations: serde_json::from_str(&row.translations).unwrap_or_default(),
        }
    }
}

fn translations(scope: &ApiScope) -> String {
    serde_json::to_string(&scope.translations).unwrap_or_else(|_| "{}".to_owned())
}

/// Binds what both statements write: `$1` to `$9`.
macro_rules! written {
    ($sql:expr, $issuer:expr, $api:expr, $position:expr, $declared:expr) => {
        sqlx::query_as($sql)
            .bind($api.id)
            .bind($issuer.uuid())
            .bind(&$api.audience)
            .bind(&$api.name)
            .bind(
                $api.token_lifetime
                    .map(|lifetime| i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX)),
            )
            .bind($api.token_format.map(TokenFormat::as_str))
            .bind($api.signing_alg.map(SigningAlg::as_str))
            .bind($position)
            .bind($declared)
    };
}

impl Tx {
    /// Creates an API, its scopes included; last in the order when it has no `position`. `false`,
    /// and nothing done, when there is one of its audience.
    pub async fn insert_api(
        &mut self,
        issuer: IssuerId,
        api: &Api,
        position: Option<i64>,
        is_declared: bool,
    ) -> Result<bool> {
        let inserted: Option<(i64,)> = on_engine!(tx self, |db| {
            written!(INSERT, issuer, api, position, is_declared).fetch_optional(db).await
        })?;
        if inserted.is_some() {
            self.set_scopes(api).await?;
        }
        Ok(inserted.is_some())
    }

    /// Changes an API, its scopes included, and gives its new revision; `None`, and nothing done,
    /// when its revision is no longer `revision`.
    pub async fn update_api(
        &mut self,
        issuer: IssuerId,
        api: &Api,
        position: Option<i64>,
        is_declared: bool,
        revision: i64,
    ) -> Result<Option<i64>> {
        let updated: Option<(i64,)> = on_engine!(tx self, |db| {
            written!(UPDATE, issuer, api, position, is_declared)
                .bind(revision)
                .fetch_optional(db)
                .await
        })?;
        if updated.is_some() {
            self.set_scopes(api).await?;
        }
        Ok(updated.map(|(revision,)| revision))
    }

    async fn set_scopes(&mut self, api: &Api) -> Result<()> {
        on_engine!(tx self, |db| sqlx::query(DELETE_SCOPES)
            .bind(api.id)
            .execute(db)
            .await
            .map(drop))?;
        for (position, scope) in (0_i64..).zip(&api.scopes) {
            on_engine!(tx self, |db| sqlx::query(INSERT_SCOPE)
                .bind(api.id)
                .bind(&scope.name)
                .bind(position)
                .bind(&scope.description)
                .bind(scope.users_only)
                .bind(scope.needs_role)
                .bind(translations(scope))
                .execute(db)
                .await
                .map(drop))?;
        }
        Ok(())
    }

    /// Deletes an API, and what clients and roles were granted at it. `false` when its revision is
    /// no longer `revision`.
    pub async fn delete_api(&mut self, issuer: IssuerId, api: Uuid, revision: i64) -> Result<bool> {
        Ok(on_engine!(tx self, |db| sqlx::query(DELETE)
            .bind(issuer.uuid())
            .bind(api)
            .bind(revision)
            .execute(db)
            .await
            .map(|done| done.rows_affected() > 0))?)
    }
}
