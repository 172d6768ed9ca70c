use std::time::Duration;

use uuid::Uuid;

use super::engine::{on_engine, row};
use super::{Result, Store, Tx, parse_column};
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

const LIST: &str = "SELECT id, audience, name, token_lifetime, token_format, signing_alg
    FROM apis WHERE issuer_id = $1 ORDER BY position, audience";

const LIST_SCOPES: &str = "SELECT s.api_id, s.name, s.description, s.users_only, s.needs_role,
        s.translations
    FROM scopes s JOIN apis a ON a.id = s.api_id
    WHERE a.issuer_id = $1 ORDER BY s.api_id, s.position";

const UPSERT: &str = "INSERT INTO apis
        (id, issuer_id, audience, name, token_lifetime, token_format, signing_alg, position,
         declared)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, TRUE)
    ON CONFLICT (issuer_id, audience) DO UPDATE SET
        name = excluded.name, token_lifetime = excluded.token_lifetime,
        token_format = excluded.token_format, signing_alg = excluded.signing_alg,
        position = excluded.position, declared = TRUE
    RETURNING id";

const DELETE_SCOPES: &str = "DELETE FROM scopes WHERE api_id = $1";

const INSERT_SCOPE: &str = "INSERT INTO scopes (api_id, name, position, description, users_only,
        needs_role, translations)
    VALUES ($1, $2, $3, $4, $5, $6, $7)";

const LIST_DECLARED: &str = "SELECT id FROM apis WHERE issuer_id = $1 AND declared";

const DELETE: &str = "DELETE FROM apis WHERE id = $1";

impl Store {
    /// Every API of the issuer, in the order of its declaration.
    pub async fn list_apis(&self, issuer: IssuerId) -> Result<Vec<Api>> {
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
            apis.push(Api {
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

impl Tx {
    /// Creates the API or makes it as declared, its scopes included. Returns the ID it has,
    /// which is not `api.id` when it existed.
    pub async fn upsert_api(&mut self, issuer: IssuerId, api: &Api, position: i64) -> Result<Uuid> {
        let lifetime = api
            .token_lifetime
            .map(|lifetime| i64::try_from(lifetime.as_secs()).unwrap_or(i64::MAX));
        let (id,): (Uuid,) = on_engine!(tx self, |db| sqlx::query_as(UPSERT)
            .bind(api.id)
            .bind(issuer.uuid())
            .bind(&api.audience)
            .bind(&api.name)
            .bind(lifetime)
            .bind(api.token_format.map(TokenFormat::as_str))
            .bind(api.signing_alg.map(SigningAlg::as_str))
            .bind(position)
            .fetch_one(db)
            .await)?;
        on_engine!(tx self, |db| sqlx::query(DELETE_SCOPES).bind(id).execute(db).await.map(drop))?;
        for (position, scope) in (0_i64..).zip(&api.scopes) {
            on_engine!(tx self, |db| sqlx::query(INSERT_SCOPE)
                .bind(id)
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
        Ok(id)
    }

    /// Removes the APIs that a configuration declared once and does no longer.
    pub async fn prune_apis(&mut self, issuer: IssuerId, keep: &[Uuid]) -> Result<()> {
        let declared: Vec<(Uuid,)> = on_engine!(tx self, |db| sqlx::query_as(LIST_DECLARED)
            .bind(issuer.uuid())
            .fetch_all(db)
            .await)?;
        for (id,) in declared.into_iter().filter(|(id,)| !keep.contains(id)) {
            on_engine!(tx self, |db| sqlx::query(DELETE).bind(id).execute(db).await.map(drop))?;
        }
        Ok(())
    }
}
