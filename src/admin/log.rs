//! Reading the audit log.

use super::rights::Permission;
use super::{Admin, AtIssuer, Result};
use crate::audit::{Chain, Record};
use crate::store::AuditQuery;

impl AtIssuer<'_> {
    /// The issuer's events, the newest first.
    pub async fn search_audit(&self, query: &AuditQuery<'_>) -> Result<Vec<Record>> {
        self.require(Permission::ReadAudit)?;
        Ok(self
            .core()
            .store
            .search_audit(self.id().into(), query)
            .await?)
    }
}

impl Admin<'_> {
    /// The events that belong to no issuer, the newest first.
    pub async fn search_server_audit(&self, query: &AuditQuery<'_>) -> Result<Vec<Record>> {
        self.require(Permission::ReadAudit, None)?;
        Ok(self.core.store.search_audit(Chain::SERVER, query).await?)
    }
}
