use time::OffsetDateTime;
use uuid::Uuid;

use super::engine::{on_engine, row};
use super::{
    Result, Store, StoreError, Tx, contains, granted_scope, granted_scope_text, parse_column,
};
use crate::clock::Timestamp;
use crate::issuer::{
    Client, ClientGrant, ClientKind, ClientRecord, IssuerId, PreviousSecret, RegisteredBy,
};
use crate::protocol::{ClientAuthMethod, GrantType};
use crate::secret::{Digest, SecretHash};

row! {
    struct ClientRow {
        client_id: String,
        client_name: String,
        kind: String,
        secret_hash: Option<String>,
        previous_secret_hash: Option<String>,
        previous_secret_expires_at: Option<OffsetDateTime>,
        secret_created_at: Option<OffsetDateTime>,
        token_endpoint_auth_method: Option<String>,
        grant_types: String,
        redirect_uris: String,
        metadata: String,
        disabled_at: Option<OffsetDateTime>,
        declared: bool,
        adopted: bool,
        registered_by: String,
        registration_token_hash: Option<Vec<u8>>,
        revision: i64,
        created_at: OffsetDateTime,
        updated_at: Option<OffsetDateTime>,
    }
}

row! {
    struct GrantRow {
        api_id: Uuid,
        scope: Option<String>,
    }
}

/// Of a query about clients: every column of [`ClientRow`].
macro_rules! select {
    ($rest:literal) => {
        concat!(
            "SELECT client_id, client_name, kind, secret_hash, previous_secret_hash,
                previous_secret_expires_at, secret_created_at, token_endpoint_auth_method,
                grant_types, redirect_uris, metadata, disabled_at, declared, adopted, registered_by,
                registration_token_hash, revision, created_at, updated_at
            FROM clients ",
            $rest
        )
    };
}

const FIND: &str = select!("WHERE issuer_id = $1 AND client_id = $2");

/// `$2` is a pattern, `$3` a kind or nothing, `$4` and `$5` what the last one of the
/// page before was called, and its ID; `$7` whether they are disabled, or null.
const LIST: &str = select!(
    "WHERE issuer_id = $1
        AND (LOWER(client_name) LIKE LOWER($2) ESCAPE '!'
            OR LOWER(client_id) LIKE LOWER($2) ESCAPE '!')
        AND ($3 = '' OR kind = $3)
        AND (client_name > $4 OR client_name = $4 AND client_id > $5)
        AND ($7 IS NULL OR (disabled_at IS NOT NULL) = $7)
    ORDER BY client_name, client_id LIMIT $6"
);

const COUNT: &str = "SELECT COUNT(*) FROM clients WHERE issuer_id = $1";

const LIST_GRANTS: &str = "SELECT api_id, scope FROM client_grants
    WHERE issuer_id = $1 AND client_id = $2 ORDER BY position";

const INSERT: &str = "INSERT INTO clients
        (issuer_id, client_id, client_name, kind, secret_hash, token_endpoint_auth_method,
         grant_types, redirect_uris, metadata, declared, created_at, secret_created_at,
         registered_by, registration_token_hash, disabled_at)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $10, $11, $9, $12, $13, $14, $15)
    ON CONFLICT (issuer_id, client_id) DO NOTHING
    RETURNING revision";

const UPDATE: &str = "UPDATE clients SET
        client_name = $3, kind = $4, secret_hash = $5, token_endpoint_auth_method = $6,
        grant_types = $7, redirect_uris = $8, updated_at = $9, metadata = $10,
        previous_secret_hash = $11, previous_secret_expires_at = $12,
        secret_created_at = CASE WHEN secret_hash IS DISTINCT FROM $5
            THEN $9 ELSE secret_created_at END,
        disabled_at = CASE WHEN $13 THEN COALESCE(disabled_at, $9) END,
        registration_token_hash = $14, adopted = $15 AND (adopted OR NOT declared), declared = $15,
        revision = revision + 1
    WHERE issuer_id = $1 AND client_id = $2 AND revision = $16
    RETURNING revision";

const DELETE_GRANTS: &str = "DELETE FROM client_grants WHERE issuer_id = $1 AND client_id = $2";

const INSERT_GRANT: &str = "INSERT INTO client_grants
        (issuer_id, client_id, api_id, position, scope) VALUES ($1, $2, $3, $4, $5)";

const LIST_DECLARED: &str = "SELECT client_id FROM clients WHERE issuer_id = $1 AND declared";

const DELETE: &str = "DELETE FROM clients
    WHERE issuer_id = $1 AND client_id = $2 AND revision = $3";

/// Which clients are wanted, and how many at once.
#[derive(Debug, Clone, Default)]
pub struct ClientQuery<'a> {
    /// Part of the name or ID, in any case; all when empty.
    pub search: &'a str,
    pub kind: Option<ClientKind>,
    /// Only those who are, or only those who are not.
    pub is_disabled: Option<bool>,
    /// Name and ID of the last one of the page before.
    pub after: Option<(&'a str, &'a str)>,
    pub limit: i64,
}

impl Store {
    /// The client as the database has it now, not from the cache.
    pub async fn find_client_uncached(
        &self,
        issuer: IssuerId,
        client_id: &str,
    ) -> Result<Option<Client>> {
        let record = self.find_client_record(issuer, client_id).await?;
        Ok(record.map(|record| record.client))
    }

    pub async fn find_client_record(
        &self,
        issuer: IssuerId,
        client_id: &str,
    ) -> Result<Option<ClientRecord>> {
        let row: Option<ClientRow> = on_engine!(read self.engine, |db| sqlx::query_as(FIND)
            .bind(issuer.uuid())
            .bind(client_id)
            .fetch_optional(db)
            .await)?;
        match row {
            Some(row) => Ok(Some(self.with_grants(issuer, row).await?)),
            None => Ok(None),
        }
    }

    /// Clients by name.
    pub async fn list_clients(
        &self,
        issuer: IssuerId,
        query: &ClientQuery<'_>,
    ) -> Result<Vec<ClientRecord>> {
        let (after_name, after_id) = query.after.unwrap_or_default();
        let rows: Vec<ClientRow> = on_engine!(read self.engine, |db| sqlx::query_as(LIST)
            .bind(issuer.uuid())
            .bind(contains(query.search))
            .bind(query.kind.map_or("", ClientKind::as_str))
            .bind(after_name)
            .bind(after_id)
            .bind(query.limit)
            .bind(query.is_disabled)
            .fetch_all(db)
            .await)?;
        let mut clients = Vec::new();
        for row in rows {
            clients.push(self.with_grants(issuer, row).await?);
        }
        Ok(clients)
    }

    /// Every client of the issuer, by name.
    pub async fn list_all_clients(&self, issuer: IssuerId) -> Result<Vec<ClientRecord>> {
        const AT_ONCE: i64 = 200;
        let mut clients: Vec<ClientRecord> = Vec::new();
        loop {
            let after = clients.last().map(|last| &last.client);
            let query = ClientQuery {
                after: after.map(|last| (last.client_name.as_str(), last.client_id.as_str())),
                limit: AT_ONCE,
                ..ClientQuery::default()
            };
            let page = self.list_clients(issuer, &query).await?;
            if page.is_empty() {
                return Ok(clients);
            }
            clients.extend(page);
        }
    }

    /// The IDs of the clients that a configuration declares.
    pub async fn list_declared_clients(&self, issuer: IssuerId) -> Result<Vec<String>> {
        let rows: Vec<(String,)> = on_engine!(read self.engine, |db| sqlx::query_as(LIST_DECLARED)
            .bind(issuer.uuid())
            .fetch_all(db)
            .await)?;
        Ok(rows.into_iter().map(|(client_id,)| client_id).collect())
    }

    pub async fn count_clients(&self, issuer: IssuerId) -> Result<i64> {
        let (count,): (i64,) = on_engine!(read self.engine, |db| sqlx::query_as(COUNT)
            .bind(issuer.uuid())
            .fetch_one(db)
            .await)?;
        Ok(count)
    }

    async fn with_grants(&self, issuer: IssuerId, row: ClientRow) -> Result<ClientRecord> {
        let grants: Vec<GrantRow> = on_engine!(read self.engine, |db| sqlx::query_as(LIST_GRANTS)
            .bind(issuer.uuid())
            .bind(&row.client_id)
            .fetch_all(db)
            .await)?;
        row.with(grants)
    }
}

impl ClientRow {
    fn with(self, grants: Vec<GrantRow>) -> Result<ClientRecord> {
        let unreadable = |what: &str| StoreError::Unreadable(what.to_owned());
        let hash = |stored: Option<String>| {
            stored
                .map(|hash| hash.parse::<SecretHash>())
                .transpose()
                .map_err(|_| unreadable("a client's secret_hash"))
        };
        let previous = hash(self.previous_secret_hash)?.zip(self.previous_secret_expires_at);
        let created_at = Timestamp::from(self.created_at);
        Ok(ClientRecord {
            client: Client {
                kind: parse_column("client kind", &self.kind, ClientKind::find)?,
                secret_hash: hash(self.secret_hash)?,
                previous_secret: previous.map(|(hash, expires_at)| PreviousSecret {
                    hash,
                    expires_at: expires_at.into(),
                }),
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
                is_disabled: self.disabled_at.is_some(),
                client_id: self.client_id,
                client_name: self.client_name,
            },
            revision: self.revision,
            registered_by: parse_column("registered_by", &self.registered_by, RegisteredBy::find)?,
            is_declared: self.declared,
            is_adopted: self.adopted,
            created_at,
            updated_at: self.updated_at.map_or(created_at, Timestamp::from),
            secret_created_at: self.secret_created_at.map(Timestamp::from),
            registration_token_hash: self.registration_token_hash,
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

/// The columns that several statements write, as they are bound.
struct Written<'a> {
    client: &'a Client,
    secret_hash: Option<String>,
    auth_method: Option<&'static str>,
    grant_types: String,
    redirect_uris: String,
    metadata: String,
}

impl<'a> Written<'a> {
    fn new(client: &'a Client) -> Result<Self> {
        let grant_types: Vec<&str> = client.grant_types.iter().map(|g| g.as_str()).collect();
        Ok(Self {
            client,
            secret_hash: client.secret_hash.as_ref().map(ToString::to_string),
            auth_method: client
                .token_endpoint_auth_method
                .map(ClientAuthMethod::as_str),
            grant_types: grant_types.join(" "),
            redirect_uris: serde_json::Value::from(client.redirect_uris.clone()).to_string(),
            metadata: serde_json::to_string(&client.metadata)
                .map_err(|_| StoreError::Unreadable("a client's metadata".to_owned()))?,
        })
    }
}

/// Binds what [`Written`] holds, in the order of the statements above: `$1` to `$10`.
macro_rules! written {
    ($sql:expr, $issuer:expr, $written:expr, $now:expr) => {
        sqlx::query_as($sql)
            .bind($issuer.uuid())
            .bind(&$written.client.client_id)
            .bind(&$written.client.client_name)
            .bind($written.client.kind.as_str())
            .bind(&$written.secret_hash)
            .bind($written.auth_method)
            .bind(&$written.grant_types)
            .bind(&$written.redirect_uris)
            .bind($now.utc())
            .bind(&$written.metadata)
    };
}

impl Tx {
    /// Creates a client, its grants included. `false`, and nothing done, when there is one of its
    /// ID.
    pub async fn insert_client(
        &mut self,
        issuer: IssuerId,
        client: &Client,
        registered_by: RegisteredBy,
        registration_token: Option<&Digest>,
        now: Timestamp,
    ) -> Result<bool> {
        let written = Written::new(client)?;
        let inserted: Option<(i64,)> = on_engine!(tx self, |db| {
            written!(INSERT, issuer, written, now)
                .bind(registered_by == RegisteredBy::Configuration)
                .bind(client.secret_hash.is_some().then_some(now.utc()))
                .bind(registered_by.as_str())
                .bind(registration_token.map(|digest| digest.as_bytes().to_vec()))
                .bind(client.is_disabled.then_some(now.utc()))
                .fetch_optional(db)
                .await
        })?;
        if inserted.is_some() {
            self.set_client_grants(issuer, client).await?;
        }
        Ok(inserted.is_some())
    }

    /// Changes a client, its grants included, and gives its new revision; `None`, and nothing
    /// done, when its revision is no longer the one that was read.
    pub async fn update_client(
        &mut self,
        issuer: IssuerId,
        record: &ClientRecord,
        now: Timestamp,
    ) -> Result<Option<i64>> {
        let client = &record.client;
        let written = Written::new(client)?;
        let previous = client.previous_secret.as_ref();
        let updated: Option<(i64,)> = on_engine!(tx self, |db| {
            written!(UPDATE, issuer, written, now)
                .bind(previous.map(|previous| previous.hash.to_string()))
                .bind(previous.map(|previous| previous.expires_at.utc()))
                .bind(client.is_disabled)
                .bind(&record.registration_token_hash)
                .bind(record.is_declared)
                .bind(record.revision)
                .fetch_optional(db)
                .await
        })?;
        if updated.is_some() {
            self.set_client_grants(issuer, client).await?;
        }
        Ok(updated.map(|(revision,)| revision))
    }

    /// Deletes a client; what users granted it is revoked, because a later client of the same ID
    /// may be somebody else's. `false`, and nothing done, when its revision is no longer
    /// `revision`.
    pub async fn delete_client(
        &mut self,
        issuer: IssuerId,
        client_id: &str,
        revision: i64,
        now: Timestamp,
    ) -> Result<bool> {
        let is_deleted = on_engine!(tx self, |db| sqlx::query(DELETE)
            .bind(issuer.uuid())
            .bind(client_id)
            .bind(revision)
            .execute(db)
            .await
            .map(|done| done.rows_affected() > 0))?;
        if is_deleted {
            self.revoke_grants_to(issuer, client_id, now).await?;
        }
        Ok(is_deleted)
    }

    async fn set_client_grants(&mut self, issuer: IssuerId, client: &Client) -> Result<()> {
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
}
