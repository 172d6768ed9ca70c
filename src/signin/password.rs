//! Signing in with a password, and changing it.

use std::sync::LazyLock;
use std::time::Duration;

use tracing::Instrument;

use super::throttle::{ACCOUNT, ADDRESS, Throttle, network};
use crate::account::{Session, SignIn, User};
use crate::audit::{Action, Counted, Event, Target, Visitor};
use crate::clock::Timestamp;
use crate::oauth::{Authority, Refusal};
use crate::secret::{Digest, Secret, SecretHash};

/// Somebody who says who they are.
pub struct Attempt<'a> {
    /// As typed.
    pub username: &'a str,
    pub password: &'a Secret,
    pub occasion: Occasion<'a>,
}

/// What a password is checked for.
#[derive(Debug, Clone, Copy)]
pub enum Occasion<'a> {
    SignIn {
        /// The client that sent them; `None` when they came by themselves.
        client_id: Option<&'a str>,
    },
    /// Somebody who is signed in has to show that it is still them.
    Confirmation,
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

/// The longest password that is looked at, in bytes.
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
        let address = Digest::of(format!("address:{}", network_of(&self.visitor)).as_bytes());
        let against = [(ACCOUNT, &account), (ADDRESS, &address)];
        // Before the queue, so that a flood of guesses does not fill it; and once more when it is
        // this one's turn, because there are only a few turns: of many attempts at once, all but
        // the first few see those before them.
        if let Some(wait) = self.wait(&against, now).await? {
            self.record_throttled(attempt, &canonical).await?;
            return Ok(Err(NotSignedIn::Throttled { wait }));
        }
        let turn = core.secrets.turn().await?;
        if let Some(wait) = self.wait(&against, now).await? {
            self.record_throttled(attempt, &canonical).await?;
            return Ok(Err(NotSignedIn::Throttled { wait }));
        }
        let is_plausible = canonical.len() <= LONGEST_USERNAME
            && attempt.password.expose().len() <= LONGEST_PASSWORD;
        let user = if is_plausible {
            store.find_user(issuer, &canonical).await?
        } else {
            None
        };
        let hash = user.as_ref().and_then(|user| user.password_hash.as_ref());
        let (turn, is_right) = core
            .secrets
            .verify_password(turn, hash.unwrap_or(&NOBODY), attempt.password)
            .await;
        let outcome = match user.clone().filter(|_| is_right) {
            Some(user) if user.is_blocked => Err(NotSignedIn::Blocked),
            Some(user) => Ok(user),
            None => Err(NotSignedIn::WrongCredentials),
        };
        let event = event_of(attempt, user.as_ref(), &outcome);
        self.settle(&against, is_right, user.as_ref(), event, now)
            .await?;
        drop(turn); // whoever comes next sees this attempt
        if let Occasion::SignIn { client_id } = attempt.occasion {
            self.count(match outcome {
                Ok(_) => Counted::SignIns,
                Err(_) => Counted::SignInFailures,
            });
            if let Some(user) = user {
                self.note(&user, client_id, outcome.is_ok(), now);
            }
        }
        Ok(outcome)
    }

    /// An attempt that was not looked at, because too many have failed before. Whoever keeps
    /// trying may do so for ever, so it is remembered seldom.
    async fn record_throttled(
        &self,
        attempt: &Attempt<'_>,
        canonical: &str,
    ) -> Result<(), Refusal> {
        let cause = ["throttled", canonical, &network_of(&self.visitor)];
        let event = async || {
            let user = self.core.store.find_user(self.issuer.id, canonical).await?;
            Ok(failed(attempt, user.as_ref(), "throttled"))
        };
        self.record_seldom(&cause, &self.by_nobody(), event).await
    }

    /// How long to wait because of attempts that failed, `None` when this one may be made.
    async fn wait(
        &self,
        against: &[(Throttle, &Digest)],
        now: Timestamp,
    ) -> Result<Option<Duration>, Refusal> {
        for (throttle, against) in against {
            let found = self
                .core
                .store
                .find_attempts(self.issuer.id, against)
                .await?;
            if let Some(wait) =
                found.and_then(|(failures, last_at)| throttle.wait(failures, last_at, now))
            {
                return Ok(Some(wait));
            }
        }
        Ok(None)
    }

    /// Counts an attempt that failed. One that succeeded has those against its account forgotten.
    /// Either is remembered, and takes the same time whether or not there is such a user.
    async fn settle(
        &self,
        against: &[(Throttle, &Digest); 2],
        is_right: bool,
        user: Option<&User>,
        event: Option<Event>,
        now: Timestamp,
    ) -> Result<(), Refusal> {
        let issuer = self.issuer.id;
        let mut tx = self.core.store.write().await?;
        if is_right {
            let [(_, account), _] = against;
            tx.clear_attempts(issuer, account).await?;
        } else {
            for (throttle, against) in against {
                let (failures, last_at) = tx.lock_attempts(issuer, against, now).await?;
                let failures = throttle.remembered(failures, last_at, now) + 1;
                tx.set_attempts(issuer, against, failures, now).await?;
            }
        }
        if let Some(event) = event {
            let actor = match user.filter(|_| is_right) {
                Some(user) => self.by_user(user),
                None => self.by_nobody(),
            };
            self.record(&mut tx, &actor, event).await?;
        }
        tx.commit().await?;
        Ok(())
    }

    /// Notes the attempt for the account's owner to see. Not waited for: the time it takes would
    /// tell whether there is such a user.
    fn note(&self, user: &User, client_id: Option<&str>, succeeded: bool, now: Timestamp) {
        let sign_in = SignIn {
            user: user.id,
            at: now,
            succeeded,
            client_id: client_id.map(str::to_owned),
            address: self.visitor.address.clone(),
            user_agent: self.visitor.user_agent.clone(),
        };
        let (core, issuer) = (self.core.clone(), self.issuer.id);
        let noting = async move {
            let noting = core.store.insert_sign_in(issuer, &sign_in, &core.entropy);
            if let Err(error) = noting.await {
                tracing::error!(%error, "a sign-in could not be noted");
            }
        };
        tokio::spawn(noting.in_current_span());
    }

    /// Sets a password that its owner has chosen, and that [`check_new_password`] has nothing
    /// against. Every session but this one ends, and so does what was granted in them: whoever
    /// else is signed in may be the reason for the change.
    pub async fn set_password(
        &self,
        user: &User,
        session: &Session,
        password: &Secret,
    ) -> Result<(), Refusal> {
        let core = self.core;
        let hash = core.secrets.hash_password(password, &core.entropy).await?;
        let (issuer, now) = (self.issuer.id, core.clock.now());
        let mut tx = core.store.write().await?;
        tx.set_password(issuer, user.id, &hash, now).await?;
        tx.revoke_grants_of_other_sessions(issuer, user.id, session.id, now)
            .await?;
        let ended = tx
            .end_other_sessions(issuer, user.id, Some(session.id), now)
            .await?;
        let event = Event::new(Action::PasswordChanged, Target::user(user))
            .with("sessions_ended", ended.len());
        self.record(&mut tx, &self.by_user(user), event).await?;
        tx.commit().await?;
        for session in ended {
            self.tell_clients(session).await?;
        }
        Ok(())
    }
}

/// What is remembered of an attempt: nothing of a confirmation that succeeded, for it shows in
/// what it was for.
fn event_of(
    attempt: &Attempt<'_>,
    user: Option<&User>,
    outcome: &Result<User, NotSignedIn>,
) -> Option<Event> {
    let because = match (outcome, user) {
        (Ok(user), _) => {
            let Occasion::SignIn { client_id } = attempt.occasion else {
                return None;
            };
            let event = Event::new(Action::SignedIn, Target::user(user));
            return Some(match client_id {
                Some(client_id) => event.with("client_id", client_id),
                None => event,
            });
        }
        (Err(NotSignedIn::Blocked), _) => "blocked",
        (Err(_), Some(_)) => "wrong_password",
        (Err(_), None) => "unknown_user",
    };
    Some(failed(attempt, user, because))
}

fn failed(attempt: &Attempt<'_>, user: Option<&User>, because: &str) -> Event {
    let target = user.map_or_else(Target::unknown_user, Target::user);
    let (action, client_id) = match attempt.occasion {
        Occasion::SignIn { client_id } => (Action::SignedIn, client_id),
        Occasion::Confirmation => (Action::PasswordChanged, None),
    };
    let event = Event::new(action, target).failed().with("because", because);
    match client_id {
        Some(client_id) => event.with("client_id", client_id),
        None => event,
    }
}

/// The network that attempts are counted against.
pub(crate) fn network_of(visitor: &Visitor) -> String {
    let address = &visitor.address;
    address.parse().map_or_else(|_| address.clone(), network)
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
