//! Who uses what: asked before something is deleted.

use uuid::Uuid;

use super::engine::on_engine;
use super::{Result, Store};
use crate::clock::Timestamp;
use crate::issuer::IssuerId;

/// What a client's end would end.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct ClientUsage {
    /// Users who allowed it something.
    pub users: i64,
    /// Authorizations of users that are neither revoked nor expired.
    pub grants: i64,
    /// Opaque access tokens that live.
    pub tokens: i64,
}

const USERS_OF_CLIENT: &str = "SELECT COUNT(DISTINCT user_id) FROM consents
    WHERE issuer_id = $1 AND client_id = $2";

const GRANTS_OF_CLIENT: &str = "SELECT COUNT(*) FROM grants
    WHERE issuer_id = $1 AND client_id = $2 AND revoked_at IS NULL AND expires_at > $3";

const TOKENS_OF_CLIENT: &str = "SELECT COUNT(*) FROM access_tokens
    WHERE issuer_id = $1 AND client_id = $2 AND revoked_at IS NULL AND expires_at > $3";

const CLIENTS_OF_API: &str = "SELECT client_id FROM client_grants
    WHERE issuer_id = $1 AND api_id = $2 ORDER BY client_id LIMIT 100";

const ROLES_OF_API: &str = "SELECT role FROM role_grants
    WHERE issuer_id = $1 AND api_id = $2 ORDER BY role LIMIT 100";

impl Store {
    pub async fn usage_of_client(
        &self,
        issuer: IssuerId,
        client_id: &str,
        now: Timestamp,
    ) -> Result<ClientUsage> {
        let (users,): (i64,) = on_engine!(read self.engine, |db| {
            sqlx::query_as(USERS_OF_CLIENT)
                .bind(issuer.uuid())
                .bind(client_id)
                .fetch_one(db)
                .await
        })?;
        let count = async |sql| -> Result<i64> {
            let (count,): (i64,) = on_engine!(read self.engine, |db| sqlx::query_as(sql)
                .bind(issuer.uuid())
                .bind(client_id)
                .bind(now.utc())
                .fetch_one(db)
                .await)?;
            Ok(count)
        };
        Ok(ClientUsage {
            users,
            grants: count(GRANTS_OF_CLIENT).await?,
            tokens: count(TOKENS_OF_CLIENT).await?,
        })
    }

    /// The first hundred clients that are granted something at the API.
    pub async fn clients_of_api(&self, issuer: IssuerId, api: Uuid) -> Result<Vec<String>> {
        self.names(CLIENTS_OF_API, issuer, api).await
    }

    /// The first hundred roles that are granted something at the API.
    pub async fn roles_of_api(&self, issuer: IssuerId, api: Uuid) -> Result<Vec<String>> {
        self.names(ROLES_OF_API, issuer, api).await
    }

    async fn names(&self, sql: &'static str, issuer: IssuerId, api: Uuid) -> Result<Vec<String>> {
        let rows: Vec<(String,)> = on_engine!(read self.engine, |db| sqlx::query_as(sql)
            .bind(issuer.uuid())
            .bind(api)
            .fetch_all(db)
            .await)?;
        Ok(rows.into_iter().map(|(name,)| name).collect())
    }
}
