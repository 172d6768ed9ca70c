//! A registration as documentation shows it: composed by the same rules as every other, and
//! nobody's.

use serde_json::{Map, Value as Json};

use super::answer::RegisteredClient;
use super::compose::{Terms, compose};
use super::offer::{Leave, Offer};
use super::submission::{Sender, Submission};
use crate::clock::Timestamp;
use crate::entropy::Entropy;
use crate::oauth::{Authority, Refusal};
use crate::secret::{Secret, SecretHash};

/// 2026-01-01T00:00:00Z
const AT: i64 = 1_767_225_600;

/// A request with its members in the order of the table, and its answer.
pub type Sample = (Vec<(String, Json)>, Option<RegisteredClient>);

impl Authority<'_> {
    /// The request that the dialect's table has samples for, and its answer; no answer where a
    /// sample is not good for this issuer.
    pub async fn sample_registration(&self) -> Result<Sample, Refusal> {
        let dialect = &*self.issuer.dialect;
        let shape = &dialect.registration;
        let samples = shape.request.iter().filter_map(|member| {
            let sample = member.sample.clone()?;
            Some((member.name.clone(), sample))
        });
        let request: Vec<(String, Json)> = samples.collect();
        let body: Map<String, Json> = request.iter().cloned().collect();
        let apis = self.core.store.apis(self.issuer.id).await?;
        let at = Timestamp::from_unix(AT);
        // Always the same, and never anybody's.
        let entropy = Entropy::seeded(0);
        let secret = Secret::new(shape.client_secret.render(&entropy));
        let terms = Terms {
            offer: Offer {
                leave: Leave::Nobodys,
                dialect,
                apis: &apis,
                previous: None,
            },
            algs: &self.signing_algs(),
            client_id: shape.client_id.render(&entropy),
            secret_hash: SecretHash::sha256(&secret),
            is_administrators: false,
        };
        let composed = Submission::read(shape, &body, Sender::Client)
            .ok()
            .and_then(|sent| compose(sent, &terms).ok());
        let answer = composed.map(|client| {
            let has_secret = !client.is_public();
            let mut answer = RegisteredClient::new(self, client, &apis, (at, at));
            answer.secret = has_secret.then_some(secret);
            answer.access_token = shape
                .managed
                .then(|| Secret::new(shape.access_token.render(&entropy)));
            answer
        });
        Ok((request, answer))
    }
}
