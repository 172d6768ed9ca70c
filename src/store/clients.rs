use uuid::Uuid;

use super::engine::{on_engine, row};
use super::{Result, Store, StoreError, Tx, granted_scope, granted_scope_text, parse_column};
use crate::clock::Timestamp;
use crate::issuer::{Client, ClientGrant, ClientKind, IssuerId};
use crate::protocol::{ClientAuthMethod, GrantType};
use crate::secret::SecretHash;

row! {
    struct ClientRow {
        client_id: String,
        client_name: String,
        kind: String,
        secret_hash: Option<String>,
        token_endpoint_auth_method: Option<String>,
        grant_types: String,
        redirect_uris: String,
        metadata: String,
    }
}

row! {
    struct GrantRow {
        api_id: Uuid,
        scope: Option<String>,
    }
}

const FIND: &str = "SELECT client_id, client_name, kind, secret_hash, token_endpoint_auth_method,
        grant_types, redirect_uris, metadata
    FROM clients WHERE issuer_id = $1 AND client_id = $2";

const LIST_GRANTS: &str = "SELECT api_id, scope FROM client_grants
    WHERE issuer_id = $1 AND client_id = $2 ORDER BY position";

const UPSERT: &str = "INSERT INTO clients
        (issuer_id, client_id, client_name, kind, secret_hash, token_endpoint_auth_method,
         grant_types, redirect_uris, metadata, declared, created_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $10, TRUE, $9)
    ON CONFLICT (issuer_id, client_id) DO UPDATE SET
        client_name = excluded.client_name, kind = excluded.kind,
        secret_hash = excluded.secret_hash,
        token_endpoint_auth_method = excluded.token_endpoint_auth_method,
        grant_types = excluded.grant_types, redirect_uris = excluded.redirect_uris,
        metadata = excluded.metadata, declared = TRUE";

const DELETE_GRANTS: &str = "DELETE FROM client_grants WHERE issuer_id = $1 AND client_id = $2";

const INSERT_GRANT: &str = "INSERT INTO client_grants
        (issuer_id, client_id, api_id, position, scope) VALUES ($1, $2, $3, $4, $5)";

const LIST_DECLARED: &str = "SELECT client_id FROM clients WHERE issuer_id = $1 AND declared";

const DELETE: &str = "DELETE FROM clients WHERE issuer_id = $1 AND client_id = $2";

impl Store {
    /// The client as the database has it now, not from the cache.
    pub async fn find_client_uncached(
        &self,
        issuer: IssuerId,
        client_id: &str,
    ) -> Result<Option<Client>> {
        let row: Option<ClientRow> = on_engine!(read self.engine, |db| sqlx::query_as(FIND)
            .bind(issuer.uuid())
            .bind(client_id)
            .fetch_optional(db)
            .await)?;
        let Some(row) = row else { return Ok(None) };
        let grants: Vec<GrantRow> = on_engine!(read self.engine, |db| sqlx::query_as(LIST_GRANTS)
            .bind(issuer.uuid())
            .bind(client_id)
            .fetch_all(db)
            .await)?;
        row.with(grants).map(Some)
    }
}

impl ClientRow {
    fn with(self, grants: Vec<GrantRow>) -> Result<Client> {
        let unreadable = |what: &str| StoreError::Unreadable(what.to_owned());
        Ok(Client {
            kind: parse_column("client kind", &self.kind, ClientKind::find)?,
            secret_hash: self
                .secret_hash
                .map(|hash| hash.parse::<SecretHash>())
                .transpose()
                .map_err(|_| unreadable("a client's secret_hash"))?,
            token_endpoint_auth_method: self
                .token_endpoint_auth_method
                .map(|method| {
                    parse_column(
                        "token_endpoint_auth_method",
                        &method,
                        ClientAuthMethod::find,
                    )
                })
                .transpose()?,
            grant_types: self
                .grant_types
                .split_whitespace()
                .map(|grant| parse_column("grant type", grant, GrantType::find))
                .collect::<Result<_>>()?,
            redirect_uris: serde_json::from_str(&self.redirect_uris)
                .map_err(|_| unreadable("a client's redirect_uris"))?,
            metadata: serde_json::from_str(&self.metadata)
                .map_err(|_| unreadable("a client's metadata"))?,
            grants: grants
                .into_iter()
                .map(ClientGrant::try_from)
                .collect::<Result<_>>()?,
            client_id: self.client_id,
            client_name: self.client_name,
        })
    }
}

impl TryFrom<GrantRow> for ClientGrant {
    type Error = StoreError;

    fn try_from(row: GrantRow) -> Result<Self> {
        Ok(Self {
            api_id: row.api_id,
            scope: granted_scope(row.scope.as_deref())?,
        })
    }
}

impl Tx {
    /// Creates the client or makes it as declared, its grants included.
    pub async fn upsert_client(
        &mut self,
        issuer: IssuerId,
        client: &Client,
        now: Timestamp,
    ) -> Result<()> {
        let grant_types: Vec<&str> = client.grant_types.iter().map(|g| g.as_str()).collect();
        let redirect_uris = serde_json::Value::from(client.redirect_uris.clone()).to_string();
        let metadata = serde_json::to_string(&client.metadata)
            .map_err(|_| StoreError::Unreadable("a client's metadata".to_owned()))?;
        on_engine!(tx self, |db| sqlx::query(UPSERT)
            .bind(issuer.uuid())
            .bind(&client.client_id)
            .bind(&client.client_name)
            .bind(client.kind.as_str())
            .bind(client.secret_hash.as_ref().map(ToString::to_string))
            .bind(client.token_endpoint_auth_method.map(ClientAuthMethod::as_str))
            .bind(grant_types.join(" "))
            .bind(redirect_uris)
            .bind(now.utc())
            .bind(&metadata)
            .execute(db)
            .await
            .map(drop))?;
        on_engine!(tx self, |db| sqlx::query(DELETE_GRANTS)
            .bind(issuer.uuid())
            .bind(&client.client_id)
            .execute(db)
            .await
            .map(drop))?;
        for (position, grant) in (0_i64..).zip(&client.grants) {
            on_engine!(tx self, |db| sqlx::query(INSERT_GRANT)
                .bind(issuer.uuid())
                .bind(&client.client_id)
                .bind(grant.api_id)
                .bind(position)
                .bind(granted_scope_text(&grant.scope))
                .execute(db)
                .await
                .map(drop))?;
        }
        Ok(())
    }

    /// Removes the clients that a configuration declared once and does no longer. What users
    /// granted them is revoked: a later client of the same ID may be somebody else's.
    pub async fn prune_clients(
        &mut self,
        issuer: IssuerId,
        keep: &[&str],
        now: Timestamp,
    ) -> Result<()> {
        let declared: Vec<(String,)> = on_engine!(tx self, |db| sqlx::query_as(LIST_DECLARED)
            .bind(issuer.uuid())
            .fetch_all(db)
            .await)?;
        for (client_id,) in declared {
            if !keep.contains(&client_id.as_str()) {
                self.revoke_grants_to(issuer, &client_id, now).await?;
                on_engine!(tx self, |db| sqlx::query(DELETE)
                    .bind(issuer.uuid())
                    .bind(&client_id)
                    .execute(db)
                    .await
                    .map(drop))?;
            }
        }
        Ok(())
    }
}
