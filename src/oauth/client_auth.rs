//! Client authentication (RFC 6749 §2.3).

use std::sync::Arc;

use super::{Authority, Refusal};
use crate::audit::{Action, Event, Target, TargetKind};
use crate::dialect::TokenRequestPolicy;
use crate::issuer::Client;
use crate::protocol::{ClientAuthMethod, Fault, is_vschar};
use crate::secret::Secret;
use crate::signin::network_of;

/// Who a request says it comes from, and by what means.
#[derive(Debug, Clone)]
pub enum PresentedCredentials {
    /// The request names no client.
    Nobody,
    /// An ID alone.
    Public { client_id: String },
    /// An ID and a secret, in the header (`client_secret_basic`) or the body
    /// (`client_secret_post`).
    WithSecret {
        client_id: String,
        client_secret: Secret,
        method: ClientAuthMethod,
    },
}

impl PresentedCredentials {
    pub fn client_id(&self) -> Option<&str> {
        match self {
            Self::Nobody => None,
            Self::Public { client_id } | Self::WithSecret { client_id, .. } => Some(client_id),
        }
    }

    const fn method(&self) -> ClientAuthMethod {
        match self {
            Self::Nobody | Self::Public { .. } => ClientAuthMethod::None,
            Self::WithSecret { method, .. } => *method,
        }
    }
}

impl Authority<'_> {
    /// The client these credentials prove.
    ///
    /// An unknown client is refused sooner than one with a wrong secret, which takes a hash:
    /// client IDs are no secret (RFC 6749 §2.2), and a hash for each made-up ID would be work
    /// that strangers can order.
    ///
    /// # Errors
    /// Why the credentials cannot be read; `MissingClientCredentials`, `ClientAuthMethodNotAccepted`, `ClientAuthMethodMismatch`, and
    /// `ClientAuthenticationFailed` for an unknown client and a wrong secret alike.
    pub(super) async fn authenticate(
        &self,
        credentials: &Result<PresentedCredentials, Fault>,
    ) -> Result<Arc<Client>, Refusal> {
        let credentials = credentials.as_ref().map_err(Fault::clone)?;
        let outcome = self.prove(credentials).await;
        if let (Err(Refusal::Fault(fault)), Some(client_id)) = (&outcome, credentials.client_id()) {
            Box::pin(self.record_unproven(client_id, fault)).await?;
        }
        outcome
    }

    /// Strangers can fail as often as they like, so that is remembered seldom: once a minute for
    /// each client and network, and for all that are no clients.
    async fn record_unproven(&self, client_id: &str, fault: &Fault) -> Result<(), Refusal> {
        let because = match fault {
            Fault::ClientAuthenticationFailed { .. } => "wrong_secret",
            Fault::ClientAuthMethodMismatch { .. } | Fault::ClientAuthMethodNotAccepted { .. } => {
                "wrong_method"
            }
            _ => return Ok(()),
        };
        let (store, issuer) = (&self.core.store, self.issuer.id);
        let known = store.find_client(issuer, client_id).await?;
        let known = known.as_deref();
        let network = network_of(&self.visitor);
        let cause = match known {
            Some(client) => ["client", client.client_id.as_str(), network.as_str()],
            None => ["client", "", network.as_str()],
        };
        let event = async || {
            let (target, because) = match known {
                Some(client) => (Target::client(client), because),
                // Not what was sent: it may be a secret in the wrong place.
                None => (Target::new(TargetKind::Client, "", ""), "unknown_client"),
            };
            let event = Event::new(Action::ClientAuthenticationFailed, target);
            Ok(event.failed().with("because", because))
        };
        self.record_seldom(&cause, &self.by_nobody(), event).await
    }

    async fn prove(&self, credentials: &PresentedCredentials) -> Result<Arc<Client>, Refusal> {
        let policy = &self.issuer.dialect.token_request;
        let client_id = credentials
            .client_id()
            .ok_or(Fault::MissingClientCredentials)?;
        check_method_is_accepted(policy, credentials)?;
        let failed = || Fault::ClientAuthenticationFailed {
            client_id: client_id.to_owned(),
        };
        if !is_vschar(client_id) {
            return Err(failed().into());
        }
        let store = &self.core.store;
        let client = store
            .find_client(self.issuer.id, client_id)
            .await?
            .ok_or_else(failed)?;
        check_method_is_registered(policy, &client, credentials)?;
        match (&client.secret_hash, credentials) {
            (Some(hash), PresentedCredentials::WithSecret { client_secret, .. }) => {
                let now = self.core.clock.now();
                let previous = client.previous_secret.as_ref();
                let previous = previous.filter(|previous| now < previous.expires_at);
                // The new secret first: it is what most use.
                for hash in std::iter::once(hash).chain(previous.map(|previous| &previous.hash)) {
                    if self.core.secrets.verify(hash, client_secret).await? {
                        return Ok(client);
                    }
                }
                Err(failed().into())
            }
            (None, PresentedCredentials::Public { .. }) => Ok(client),
            // A secret from a client that has none, or none from one that has: neither proves it.
            _ => Err(failed().into()),
        }
    }
}

fn check_method_is_accepted(
    policy: &TokenRequestPolicy,
    credentials: &PresentedCredentials,
) -> Result<(), Fault> {
    let presented = credentials.method();
    if policy.client_auth_methods.contains(&presented) {
        Ok(())
    } else {
        Err(Fault::ClientAuthMethodNotAccepted { presented })
    }
}

/// A client is held to the method it is registered for, so that nobody can downgrade it.
fn check_method_is_registered(
    policy: &TokenRequestPolicy,
    client: &Client,
    credentials: &PresentedCredentials,
) -> Result<(), Fault> {
    let presented = credentials.method();
    match client.auth_method(policy) {
        Some(registered) if registered != presented => Err(Fault::ClientAuthMethodMismatch {
            registered,
            presented,
        }),
        _ => Ok(()),
    }
}
