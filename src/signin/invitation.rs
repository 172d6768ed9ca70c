//! Choosing a password by a link, which works once.

use crate::account::User;
use crate::audit::{Action, Event, Target};
use crate::oauth::{Authority, Refusal};
use crate::secret::Secret;

impl Authority<'_> {
    /// Whose password the link sets; `None` when it is not good, or no longer.
    pub async fn find_password_link(&self, link: &Secret) -> Result<Option<User>, Refusal> {
        let (store, issuer) = (&self.core.store, self.issuer.id);
        let now = self.core.clock.now();
        let found = store.find_link(issuer, &link.digest(), now).await?;
        match found.flatten() {
            None => Ok(None),
            Some(user) => {
                let user = store.get_user(issuer, user).await?;
                Ok(user.filter(|user| !user.is_blocked))
            }
        }
    }

    /// Sets the password that the link's holder has chosen, and that `check_new_password` has
    /// nothing against. Whoever was signed in with another one is out. `false`, and nothing
    /// done, when somebody else used the link meanwhile.
    pub async fn choose_password(
        &self,
        link: &Secret,
        user: &User,
        password: &Secret,
    ) -> Result<bool, Refusal> {
        let core = self.core;
        let hash = core.secrets.hash_password(password, &core.entropy).await?;
        let (issuer, now) = (self.issuer.id, core.clock.now());
        let mut tx = core.store.write().await?;
        let spent = tx.spend_link(issuer, &link.digest(), now).await?;
        if spent.flatten() != Some(user.id) {
            return Ok(false);
        }
        tx.set_password(issuer, user.id, &hash, now).await?;
        let ended = tx.end_other_sessions(issuer, user.id, None, now).await?;
        tx.revoke_grants_of(issuer, user.id, None, now).await?;
        let event = Event::new(Action::PasswordSet, Target::user(user)).with("by", "link");
        self.record(&mut tx, &self.by_user(user), event).await?;
        tx.commit().await?;
        for session in ended {
            self.tell_clients(session).await?;
        }
        Ok(true)
    }
}
