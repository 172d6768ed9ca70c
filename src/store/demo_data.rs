//! What `locum dev` leaves in a database, and `locum serve` must not find there.

use super::engine::{on_engine, row};
use super::{Result, Store, StoreError};
use crate::secret::SecretHash;

const DEMO_ISSUERS: &str = "SELECT name FROM issuers WHERE is_demo ORDER BY name LIMIT 20";

const WELL_KNOWN_KEYS: &str = "SELECT DISTINCT issuers.name FROM issuers
    JOIN signing_keys ON signing_keys.issuer_id = issuers.id
    WHERE signing_keys.well_known ORDER BY issuers.name LIMIT 20";

const CLIENTS: &str = "SELECT issuers.name, clients.client_id,
        clients.secret_hash, clients.previous_secret_hash
    FROM clients JOIN issuers ON issuers.id = clients.issuer_id
    WHERE clients.client_id = $1 ORDER BY issuers.name LIMIT 50";

const USERS: &str = "SELECT issuers.name, users.username
    FROM users JOIN issuers ON issuers.id = users.issuer_id
    WHERE users.password_hash = $1 ORDER BY issuers.name, users.username LIMIT 20";

row! {
    struct ClientRow {
        name: String,
        client_id: String,
        secret_hash: Option<String>,
        previous_secret_hash: Option<String>,
    }
}

/// A client that has the ID of a demo client, with every secret that is accepted of it.
pub struct KnownClient {
    pub issuer: String,
    pub client_id: String,
    pub secrets: Vec<SecretHash>,
}

impl Store {
    /// The names of issuers that `locum dev` made.
    pub async fn demo_issuers(&self) -> Result<Vec<String>> {
        let rows: Vec<(String,)> = on_engine!(read self.engine, |db| sqlx::query_as(DEMO_ISSUERS)
            .fetch_all(db)
            .await)?;
        Ok(rows.into_iter().map(|(name,)| name).collect())
    }

    /// The names of issuers with a key whose private part is public knowledge.
    pub async fn issuers_with_well_known_keys(&self) -> Result<Vec<String>> {
        let rows: Vec<(String,)> = on_engine!(read self.engine, |db| sqlx::query_as(WELL_KNOWN_KEYS)
            .fetch_all(db)
            .await)?;
        Ok(rows.into_iter().map(|(name,)| name).collect())
    }

    /// The clients with this ID, of every issuer.
    pub async fn clients_called(&self, client_id: &str) -> Result<Vec<KnownClient>> {
        let rows: Vec<ClientRow> = on_engine!(read self.engine, |db| sqlx::query_as(CLIENTS)
            .bind(client_id)
            .fetch_all(db)
            .await)?;
        let known = |row: ClientRow| {
            let secrets = [row.secret_hash, row.previous_secret_hash];
            let secrets = secrets.into_iter().flatten().map(|hash| {
                hash.parse()
                    .map_err(|_| StoreError::Unreadable("a client's secret".to_owned()))
            });
            Ok(KnownClient {
                issuer: row.name,
                client_id: row.client_id,
                secrets: secrets.collect::<Result<_>>()?,
            })
        };
        rows.into_iter().map(known).collect()
    }

    /// Users with exactly this stored password: issuer and username.
    pub async fn users_with_password(&self, hash: &SecretHash) -> Result<Vec<(String, String)>> {
        Ok(on_engine!(read self.engine, |db| sqlx::query_as(USERS)
            .bind(hash.to_string())
            .fetch_all(db)
            .await)?)
    }
}
