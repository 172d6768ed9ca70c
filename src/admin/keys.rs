use std::time::Duration;

use super::rights::Permission;
use super::{AdminFault, AtIssuer, Result, signing_keys};
use crate::audit::{Action, Event, Target, TargetKind};
use crate::clock::Timestamp;
use crate::protocol::SigningAlg;
use crate::store::StoredKey;

const SECOND: Duration = Duration::from_secs(1);

/// A key, and whether it signs.
pub struct KeyView {
    pub key: StoredKey,
    /// Otherwise it only verifies what it signed before.
    pub signs: bool,
    /// Since when it does not sign: when the next one of its algorithm was made.
    pub retired_at: Option<Timestamp>,
}

impl AtIssuer<'_> {
    /// Those that sign first, in the order they are preferred.
    pub async fn list_keys(&self) -> Result<Vec<KeyView>> {
        self.require(Permission::ReadKeys)?;
        self.keys().await
    }

    /// Makes a new key for the algorithm, which signs from now on. The one before goes on verifying
    /// what it signed, until it is deleted.
    pub async fn rotate_key(&self, alg: SigningAlg) -> Result<KeyView> {
        self.require(Permission::WriteKeys)?;
        if !self.issuer.settings.algs(&self.dialect).contains(&alg) {
            return Err(AdminFault::NotPossible(format!(
                "the issuer does not sign with {}",
                alg.as_str()
            )));
        }
        let core = self.core();
        let material = signing_keys::generate(alg, &self.issuer.name).await?;
        let keyring = self.admin.keyring;
        let (entropy, now) = (&core.entropy, self.admin.now());
        let mut tx = self.write_and_prepare().await?;
        // The newest signs, so it must be newer, even if the last one was made this very second.
        let known = tx.list_signing_keys(self.id()).await?;
        let last = known
            .iter()
            .filter(|key| key.alg == alg)
            .map(|key| key.created_at);
        let made = last.max().map_or(now, |last| now.max(last + SECOND));
        let key = signing_keys::seal(keyring, entropy, self.id(), &self.dialect, &material, made)?;
        tx.insert_signing_key(self.id(), &key).await?;
        let event = Event::new(Action::KeyRotated, target(&key.kid)).with("alg", alg.as_str());
        self.finish(tx, event).await?;
        Ok(KeyView {
            key,
            signs: true,
            retired_at: None,
        })
    }

    /// Deletes a key that no longer signs. What it signed is worth nothing from now on.
    ///
    /// # Errors
    /// `NotPossible` for a key that signs.
    pub async fn delete_key(&self, kid: &str) -> Result<()> {
        self.require(Permission::WriteKeys)?;
        let keys = self.keys().await?;
        let known = keys.iter().find(|view| view.key.kid == kid);
        let known = known.ok_or_else(|| AdminFault::not_found("key", kid))?;
        if known.signs {
            return Err(AdminFault::NotPossible(
                "this key signs; rotate it first, and delete it when what it signed has expired"
                    .to_owned(),
            ));
        }
        // Somebody may have begun to sign with its algorithm again meanwhile.
        let mut tx = self.write_and_prepare().await?;
        tx.delete_signing_key(self.id(), kid).await?;
        let event = Event::new(Action::KeyDeleted, target(kid));
        self.finish(tx, event).await
    }

    async fn keys(&self) -> Result<Vec<KeyView>> {
        let algs = self.issuer.settings.algs(&self.dialect);
        let stored = self.core().store.list_signing_keys(self.id()).await?;
        let ordered = signing_keys::in_order(stored, algs);
        let next = |key: &StoredKey| {
            let later = ordered
                .iter()
                .filter(|other| other.alg == key.alg && other.created_at > key.created_at);
            later.map(|other| other.created_at).min()
        };
        let views = ordered.iter().enumerate().map(|(index, key)| {
            let signs = index < algs.len();
            KeyView {
                signs,
                retired_at: next(key).filter(|_| !signs),
                key: key.clone(),
            }
        });
        Ok(views.collect())
    }
}

fn target(kid: &str) -> Target {
    Target::new(TargetKind::Key, kid, "")
}
