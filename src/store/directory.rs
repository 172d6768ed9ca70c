//! Clients, APIs and roles as read a moment ago, so that a token exchange need not ask the database.
//!
//! What does ask it is boxed: a query is a future of several kilobytes, and every request that
//! might make one would carry it along.

use std::sync::Arc;
use std::time::Duration;

use moka::future::Cache;

use super::{Result, Store};
use crate::account::Role;
use crate::clock::Timestamp;
use crate::issuer::{Api, Client, IssuerId};

/// How long a change to a client, API or role may go unnoticed. One second is also what an operator is
/// promised between revoking something here and its being refused on every node.
const FRESH_FOR: Duration = Duration::from_secs(1);
const CLIENTS: u64 = 10_000;
const ISSUERS: u64 = 10_000;

/// A client, and since when its ID is its own.
#[derive(Debug, Clone)]
pub struct DatedClient {
    pub client: Arc<Client>,
    pub since: Timestamp,
}

pub(super) struct Directory {
    clients: Cache<(IssuerId, Arc<str>), DatedClient>,
    apis: Cache<IssuerId, Arc<[Api]>>,
    roles: Cache<IssuerId, Arc<[Role]>>,
}

impl Directory {
    pub(super) fn new() -> Self {
        Self {
            clients: Cache::builder()
                .max_capacity(CLIENTS)
                .time_to_live(FRESH_FOR)
                .build(),
            apis: Cache::builder()
                .max_capacity(ISSUERS)
                .time_to_live(FRESH_FOR)
                .build(),
            roles: Cache::builder()
                .max_capacity(ISSUERS)
                .time_to_live(FRESH_FOR)
                .build(),
        }
    }
}

impl Store {
    /// The client, at most a second old; one that is disabled is as good as none. Clients that do
    /// not exist are not remembered, so that guessing cannot push out those that do.
    pub async fn find_client(
        &self,
        issuer: IssuerId,
        client_id: &str,
    ) -> Result<Option<Arc<Client>>> {
        let known = self.find_known_client(issuer, client_id).await?;
        Ok(known.map(|known| known.client))
    }

    /// The same, with since when it is this client's ID.
    pub async fn find_known_client(
        &self,
        issuer: IssuerId,
        client_id: &str,
    ) -> Result<Option<DatedClient>> {
        let key = (issuer, Arc::from(client_id));
        if let Some(known) = self.directory.clients.get(&key).await {
            return Ok(Some(known));
        }
        let record = Box::pin(self.find_client_record(issuer, client_id)).await?;
        let Some(record) = record.filter(|record| !record.client.is_disabled) else {
            return Ok(None);
        };
        let known = DatedClient {
            client: Arc::new(record.client),
            since: record.created_at,
        };
        self.directory.clients.insert(key, known.clone()).await;
        Ok(Some(known))
    }

    /// The issuer's APIs, at most a second old.
    pub async fn apis(&self, issuer: IssuerId) -> Result<Arc<[Api]>> {
        if let Some(apis) = self.directory.apis.get(&issuer).await {
            return Ok(apis);
        }
        let apis: Arc<[Api]> = Arc::from(Box::pin(self.list_apis(issuer)).await?);
        self.directory.apis.insert(issuer, apis.clone()).await;
        Ok(apis)
    }

    /// The issuer's roles, at most a second old.
    pub async fn roles(&self, issuer: IssuerId) -> Result<Arc<[Role]>> {
        if let Some(roles) = self.directory.roles.get(&issuer).await {
            return Ok(roles);
        }
        let roles: Arc<[Role]> = Arc::from(Box::pin(self.list_roles(issuer)).await?);
        self.directory.roles.insert(issuer, roles.clone()).await;
        Ok(roles)
    }

    /// Forgets everything read, so that a change made by this process counts at once.
    pub fn forget(&self) {
        self.directory.clients.invalidate_all();
        self.directory.apis.invalidate_all();
        self.directory.roles.invalidate_all();
    }
}
