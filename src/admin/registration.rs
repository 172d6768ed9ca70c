//! What allows somebody to register a client where that is guarded (RFC 7591 §3).

use std::time::Duration;

use uuid::Uuid;

use super::rights::Permission;
use super::{AdminFault, AtIssuer, Problem, Result, rules};
use crate::audit::{Action, Event, Target, TargetKind};
use crate::issuer::InitialAccessToken;
use crate::secret::Secret;

/// Clients that one token may register.
const MOST_USES: i64 = 1_000_000;
const LONGEST_LIFETIME: Duration = Duration::from_secs(366 * 24 * 3600);

impl AtIssuer<'_> {
    /// Every initial access token, used up or not, the oldest first.
    pub async fn list_initial_access_tokens(&self) -> Result<Vec<InitialAccessToken>> {
        self.require(Permission::ReadClients)?;
        Ok(self
            .core()
            .store
            .list_initial_access_tokens(self.id())
            .await?)
    }

    /// Makes one, good for `uses` registrations within `lifetime`. The token itself is told now
    /// and never again.
    pub async fn make_initial_access_token(
        &self,
        note: &str,
        uses: i64,
        lifetime: Duration,
    ) -> Result<(InitialAccessToken, Secret)> {
        self.require(Permission::WriteClients)?;
        let mut problems = Vec::new();
        problems.extend(rules::name("note", note));
        if !(1..=MOST_USES).contains(&uses) {
            problems.push(Problem::new("uses", format!("expected 1 to {MOST_USES}")));
        }
        if lifetime.is_zero() || lifetime > LONGEST_LIFETIME {
            problems.push(Problem::new("lifetime", "expected seconds, up to a year"));
        }
        AdminFault::unless(problems)?;
        let (core, now) = (self.core(), self.admin.now());
        let secret = Secret::generate(&core.entropy);
        let token = InitialAccessToken {
            id: core.entropy.uuid_at(now),
            note: note.to_owned(),
            created_at: now,
            expires_at: now + lifetime,
            uses_left: uses,
        };
        let mut tx = core.store.write().await?;
        tx.insert_initial_access_token(self.id(), &token, &secret.digest())
            .await?;
        let event = Event::new(Action::InitialAccessTokenMade, target(token.id, note));
        self.finish(tx, event.with("uses", uses)).await?;
        Ok((token, secret))
    }

    /// What was registered with it stays.
    pub async fn delete_initial_access_token(&self, id: Uuid) -> Result<()> {
        self.require(Permission::WriteClients)?;
        let mut tx = self.core().store.write().await?;
        if !tx.delete_initial_access_token(self.id(), id).await? {
            return Err(AdminFault::not_found("token", id.to_string()));
        }
        let event = Event::new(Action::InitialAccessTokenRemoved, target(id, ""));
        self.finish(tx, event).await
    }
}

fn target(id: Uuid, note: &str) -> Target {
    Target::new(TargetKind::Token, id.to_string(), note)
}
