//! `sector_identifier_uri` (OIDC Registration §5): a document that vouches for redirect URIs.

use serde_json::Value as Json;

use crate::issuer::Client;
use crate::outgoing::Outgoing;
use crate::protocol::{MetadataMember, MetadataProblem};

/// Whether the document is there and has every redirect URI of the client. Whoever can put it
/// there owns the host whose pairwise subjects the client will see.
pub async fn check_sector(outgoing: &Outgoing, client: &Client) -> Result<(), MetadataProblem> {
    let problem =
        |message: String| MetadataProblem::new(MetadataMember::SectorIdentifierUri, message);
    let Some(uri) = &client.metadata.sector_identifier_uri else {
        return Ok(());
    };
    let body = outgoing.get(uri).await.map_err(|error| {
        tracing::info!(%error, "a sector_identifier_uri cannot be read");
        // Not why: it would tell strangers what this server can reach.
        problem("cannot be fetched".to_owned())
    })?;
    let listed: Vec<Json> = serde_json::from_slice(&body)
        .map_err(|_| problem("leads to something that is no JSON array".to_owned()))?;
    let is_listed = |uri: &String| listed.iter().any(|item| item.as_str() == Some(uri));
    if client.redirect_uris.iter().all(is_listed) {
        return Ok(());
    }
    Err(problem(
        "does not list every one of the redirect_uris".to_owned(),
    ))
}
