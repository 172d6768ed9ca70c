//! Signing in with a password, and changing it.

use std::sync::LazyLock;
use std::time::Duration;

use super::throttle::{ACCOUNT, ADDRESS, FORGOTTEN_AFTER};
use crate::account::{SignIn, User};
use crate::clock::Timestamp;
use crate::oauth::{Authority, Refusal};
use crate::secret::{Digest, Secret, SecretHash};

/// Somebody who says who they are.
pub struct Attempt<'a> {
    /// As typed.
    pub username: &'a str,
    pub password: &'a Secret,
    /// Where it comes from, as far as a server can tell.
    pub address: &'a str,
    pub user_agent: &'a str,
    /// The client that sent them; `None` when they came by themselves.
    pub client_id: Option<&'a str>,
}

/// Why somebody is not let in. Whether there is such a user is told to nobody.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum NotSignedIn {
    WrongCredentials,
    Throttled {
        wait: Duration,
    },
    /// Only whoever knows the password gets to know this.
    Blocked,
}

/// The longest password that is looked at, in bytes. A hash takes as long as its input.
pub const LONGEST_PASSWORD: usize = 1024;
/// In characters: NIST SP 800-63B asks for 8 at least where it is all there is; longer is better,
/// and costs a manager nothing.
pub const SHORTEST_PASSWORD: usize = 12;
/// The longest username that anybody has, in bytes.
const LONGEST_USERNAME: usize = 256;

/// What is checked where there is no password to check, so that an unknown user takes as long as
/// a wrong password: an Argon2id hash with the parameters of every other. No password fits it.
static NOBODY: LazyLock<SecretHash> = LazyLock::new(|| {
    SecretHash::Argon2id(
        "$argon2id$v=19$m=19456,t=2,p=1$bm9ib2R5bm9ib2R5MTIzNA$\
         AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA"
            .to_owned(),
    )
});

impl Authority<'_> {
    /// Checks a password.
    ///
    /// # Errors
    /// `VerifierBusy` when too many are being checked, and failures of the database.
    pub async fn check_password(
        &self,
        attempt: &Attempt<'_>,
    ) -> Result<Result<User, NotSignedIn>, Refusal> {
        let (core, issuer) = (self.core, self.issuer.id);
        let store = &core.store;
        let now = core.clock.now();
        let canonical = User::canonical_username(attempt.username);
        let account = Digest::of(format!("account:{canonical}").as_bytes());
        let address = Digest::of(format!("address:{}", attempt.address).as_bytes());
        let mut seen = 0;
        for (throttle, against) in [(ADDRESS, &address), (ACCOUNT, &account)] {
            let (failures, last_at) = self.failures(against, now).await?;
            if let Some(wait) = throttle.wait(failures, last_at, now) {
                return Ok(Err(NotSignedIn::Throttled { wait }));
            }
            seen = failures;
        }
        // Counted before the password is checked, and taken back if it is right: many attempts
        // at once must not all be the first. Whoever was counted between the look and now came
        // before this one.
        let forget_before = forget_before(now);
        let counted = store
            .record_attempt(issuer, &account, now, forget_before)
            .await?;
        let before = counted.saturating_sub(1);
        if before > seen
            && let Some(wait) = ACCOUNT.wait(before, now, now)
        {
            return Ok(Err(NotSignedIn::Throttled { wait }));
        }
        let is_plausible = canonical.len() <= LONGEST_USERNAME
            && attempt.password.expose().len() <= LONGEST_PASSWORD;
        let user = match is_plausible {
            true => store.find_user(issuer, &canonical).await?,
            false => None,
        };
        let hash = user.as_ref().and_then(|user| user.password_hash.as_ref());
        let is_right = core
            .secrets
            .verify_password(hash.unwrap_or(&NOBODY), attempt.password)
            .await?;
        let outcome = match user.clone().filter(|_| is_right) {
            Some(user) if user.is_blocked => Err(NotSignedIn::Blocked),
            Some(user) => Ok(user),
            None => Err(NotSignedIn::WrongCredentials),
        };
        if is_right {
            store.clear_attempts(issuer, &account).await?;
        } else {
            store
                .record_attempt(issuer, &address, now, forget_before)
                .await?;
        }
        if let Some(user) = user {
            self.note(attempt, &user, outcome.is_ok(), now);
        }
        Ok(outcome)
    }

    /// How many attempts have failed, and when the last was.
    async fn failures(
        &self,
        against: &Digest,
        now: Timestamp,
    ) -> Result<(u64, Timestamp), Refusal> {
        let store = &self.core.store;
        let found = store
            .find_attempts(self.issuer.id, against, forget_before(now))
            .await?;
        Ok(found.unwrap_or((0, now)))
    }

    /// Notes the attempt for the account's owner to see. Not waited for: the time it takes would
    /// tell whether there is such a user.
    fn note(&self, attempt: &Attempt<'_>, user: &User, succeeded: bool, now: Timestamp) {
        let sign_in = SignIn {
            user: user.id,
            at: now,
            succeeded,
            client_id: attempt.client_id.map(str::to_owned),
            address: attempt.address.to_owned(),
            user_agent: attempt.user_agent.to_owned(),
        };
        let (core, issuer) = (self.core.clone(), self.issuer.id);
        tokio::spawn(async move {
            let noting = core.store.insert_sign_in(issuer, &sign_in, &core.entropy);
            if let Err(error) = noting.await {
                tracing::error!(%error, "a sign-in could not be noted");
            }
        });
    }

    /// Sets a password that its owner has chosen, and that [`check_new_password`] has nothing
    /// against.
    pub async fn set_password(&self, user: &User, password: &Secret) -> Result<(), Refusal> {
        let core = self.core;
        let hash = core.secrets.hash_password(password, &core.entropy).await?;
        core.store
            .set_password(self.issuer.id, user.id, &hash, core.clock.now())
            .await?;
        Ok(())
    }
}

fn forget_before(now: Timestamp) -> Timestamp {
    let window = i64::try_from(FORGOTTEN_AFTER.as_secs()).unwrap_or(0);
    Timestamp::from_unix(now.unix() - window)
}

/// Why a password may not be chosen.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordFault {
    TooShort,
    TooLong,
    TooEasy,
}

/// NIST SP 800-63B §5.1.1.2: length counts, not the kinds of characters; what everybody tries
/// first is refused.
pub fn check_new_password(username: &str, old: &Secret, new: &Secret) -> Result<(), PasswordFault> {
    let (old, new) = (old.expose(), new.expose());
    if new.len() > LONGEST_PASSWORD {
        return Err(PasswordFault::TooLong);
    }
    if new.chars().count() < SHORTEST_PASSWORD {
        return Err(PasswordFault::TooShort);
    }
    let lower = new.to_lowercase();
    let mut distinct: Vec<char> = lower.chars().collect();
    distinct.sort_unstable();
    distinct.dedup();
    let is_common = [
        "password",
        "123456789",
        "qwertyuiop",
        "letmein",
        "contraseña",
    ]
    .iter()
    .any(|common| lower.starts_with(common) && lower.len() < common.len() + 8);
    let is_username = lower == username.to_lowercase();
    if distinct.len() < 5 || is_common || is_username || new == old {
        return Err(PasswordFault::TooEasy);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secret::HashingMemory;

    #[test]
    fn nobodys_hash_can_be_computed_and_fits_nothing() {
        let stored: SecretHash = NOBODY.to_string().parse().unwrap();
        let mut memory = HashingMemory::default();
        assert!(!stored.matches(&Secret::new("locum"), &mut memory));
    }

    #[test]
    fn length_counts() {
        let check = |new: &str| check_new_password("ada", &Secret::new("old"), &Secret::new(new));
        assert_eq!(check("correct horse battery"), Ok(()));
        assert_eq!(check("short"), Err(PasswordFault::TooShort));
        assert_eq!(check("aaaaaaaaaaaaaaaa"), Err(PasswordFault::TooEasy));
        assert_eq!(check("Password1234"), Err(PasswordFault::TooEasy));
        assert_eq!(check(&"x1y2z".repeat(300)), Err(PasswordFault::TooLong));
        let same = Secret::new("correct horse battery");
        assert_eq!(
            check_new_password("ada", &same, &same),
            Err(PasswordFault::TooEasy)
        );
    }
}
