//! Checks presented secrets without letting Argon2 take the machine.

use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use aws_lc_rs::hmac;
use moka::future::Cache;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use super::{HashingMemory, Secret, SecretHash};
use crate::entropy::Entropy;

/// Argon2 runs at once; each takes 19 MiB and a core.
const CONCURRENT_HASHES: usize = 2;
/// How long a caller waits for its turn before it is told to come back later.
const TURN: Duration = Duration::from_secs(5);
/// How many verified secrets are remembered, and for how long after their last use.
const REMEMBERED: u64 = 10_000;
const REMEMBERED_FOR: Duration = Duration::from_secs(600);

/// Verifies secrets; slow hashes off the async threads, a few at a time.
///
/// A machine presents the same secret with every request, and Argon2 allows some fifty checks a
/// second. So a secret that has been verified is remembered, as an HMAC under a key that exists
/// only in this process, over the stored hash and the secret. A rotated secret has another
/// stored hash, so what was remembered of the old one is never found again.
#[derive(Clone)]
pub struct SecretVerifier {
    key: Arc<hmac::Key>,
    verified: Cache<[u8; 32], ()>,
    turns: Arc<Semaphore>,
    /// What the hashes in progress don't have in hand: never more than there are turns.
    memories: Arc<Mutex<Vec<HashingMemory>>>,
}

/// Leave to do one piece of slow work; there are no more of them at once than the machine bears.
pub struct Turn(
    #[expect(dead_code, reason = "held, and given back when dropped")] OwnedSemaphorePermit,
);

/// Too many secrets are being checked at this moment.
#[derive(Debug, thiserror::Error)]
#[error("too many secrets are being verified at once")]
pub struct VerifierBusy;

impl SecretVerifier {
    pub fn new(entropy: &Entropy) -> Self {
        Self {
            key: Arc::new(hmac::Key::new(hmac::HMAC_SHA256, &entropy.bytes::<32>())),
            verified: Cache::builder()
                .max_capacity(REMEMBERED)
                .time_to_idle(REMEMBERED_FOR)
                .build(),
            turns: Arc::new(Semaphore::new(CONCURRENT_HASHES)),
            memories: Arc::default(),
        }
    }

    /// Whether `secret` is the one `hash` was made of.
    ///
    /// # Errors
    /// `VerifierBusy` when no turn came within five seconds.
    pub async fn verify(&self, hash: &SecretHash, secret: &Secret) -> Result<bool, VerifierBusy> {
        let SecretHash::Argon2id(phc) = hash else {
            return Ok(hash.matches(secret, &mut HashingMemory::default()));
        };
        let fingerprint = self.fingerprint(phc, secret);
        if self.verified.get(&fingerprint).await.is_some() {
            return Ok(true);
        }
        let turn = self.turn().await?;
        let (_, matches) = self.verify_password(turn, hash, secret).await;
        if matches {
            self.verified.insert(fingerprint, ()).await;
        }
        Ok(matches)
    }

    /// Waits for one's turn. Whoever has it may do one piece of slow work.
    ///
    /// # Errors
    /// `VerifierBusy` when none came within five seconds.
    pub async fn turn(&self) -> Result<Turn, VerifierBusy> {
        let turn = tokio::time::timeout(TURN, self.turns.clone().acquire_owned());
        match turn.await {
            Ok(Ok(permit)) => Ok(Turn(permit)),
            Ok(Err(_)) | Err(_) => Err(VerifierBusy),
        }
    }

    /// [`Self::verify`] for what a person typed: nothing is remembered, so that right and wrong
    /// take the same time. The turn comes back, for whoever has to note the outcome before the
    /// next one begins.
    pub async fn verify_password(
        &self,
        turn: Turn,
        hash: &SecretHash,
        secret: &Secret,
    ) -> (Option<Turn>, bool) {
        let (hash, secret) = (hash.clone(), secret.clone());
        let matches = self.work(turn, move |memory| hash.matches(&secret, memory));
        match matches.await {
            Some((turn, matches)) => (Some(turn), matches),
            None => (None, false),
        }
    }

    /// Makes the hash of a password.
    ///
    /// # Errors
    /// `VerifierBusy`, also when it could not be made.
    pub async fn hash_password(
        &self,
        password: &Secret,
        entropy: &Entropy,
    ) -> Result<SecretHash, VerifierBusy> {
        let (password, entropy) = (password.clone(), entropy.clone());
        let turn = self.turn().await?;
        let hash = self.work(turn, move |_| SecretHash::argon2id(&password, &entropy));
        let (_, hash) = hash.await.ok_or(VerifierBusy)?;
        hash.map_err(|_| VerifierBusy)
    }

    /// Does slow work off the async threads. `None` when it panicked.
    async fn work<T: Send + 'static>(
        &self,
        turn: Turn,
        work: impl FnOnce(&mut HashingMemory) -> T + Send + 'static,
    ) -> Option<(Turn, T)> {
        let memories = self.memories.clone();
        let outcome = tokio::task::spawn_blocking(move || {
            let lock = || memories.lock().unwrap_or_else(PoisonError::into_inner);
            let mut memory = lock().pop().unwrap_or_default();
            let outcome = work(&mut memory);
            lock().push(memory);
            // Held by the work, not by the caller: a caller that hangs up must not free a turn
            // while its hash is still being computed.
            (turn, outcome)
        });
        outcome.await.ok()
    }

    fn fingerprint(&self, phc: &str, secret: &Secret) -> [u8; 32] {
        let mut context = hmac::Context::with_key(&self.key);
        context.update(phc.as_bytes());
        context.update(&[0]);
        context.update(secret.expose().as_bytes());
        let mut out = [0; 32];
        out.copy_from_slice(context.sign().as_ref());
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_verified_secret_is_remembered_for_its_own_hash_only() {
        let entropy = Entropy::seeded(7);
        let verifier = SecretVerifier::new(&entropy);
        let (first, second) = (Secret::new("first"), Secret::new("second"));
        let hash = SecretHash::argon2id(&first, &entropy).unwrap();
        assert!(verifier.verify(&hash, &first).await.unwrap());
        assert!(verifier.verify(&hash, &first).await.unwrap());
        assert!(!verifier.verify(&hash, &second).await.unwrap());

        let rotated = SecretHash::argon2id(&second, &entropy).unwrap();
        assert!(!verifier.verify(&rotated, &first).await.unwrap());
        assert!(verifier.verify(&rotated, &second).await.unwrap());
    }
}
