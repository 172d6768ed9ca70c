//! Browser sessions: what a browser holds for each person who is signed in there.

use std::time::Duration;

use crate::account::{Amr, Session, SessionId, User};
use crate::clock::Timestamp;
use crate::oauth::authorization::SignedIn;
use crate::oauth::{Authority, Refusal};
use crate::secret::Secret;

/// So many people may be signed in in one browser.
pub const MOST_SESSIONS: usize = 5;

/// How often the use of a session is noted.
const NOTED_EVERY: Duration = Duration::from_secs(60);

/// A session and what the browser holds for it.
#[derive(Debug, Clone)]
pub struct HeldSession {
    pub token: Secret,
    pub signed_in: SignedIn,
}

impl Authority<'_> {
    /// The live sessions among what a browser holds, in its order.
    pub async fn sessions(&self, tokens: &[Secret]) -> Result<Vec<HeldSession>, Refusal> {
        let (store, issuer) = (&self.core.store, self.issuer.id);
        let now = self.core.clock.now();
        let mut held: Vec<HeldSession> = Vec::new();
        for token in tokens.iter().take(MOST_SESSIONS) {
            let found = store.find_session(issuer, &token.digest(), now).await?;
            let Some(session) = found else { continue };
            let user = store.get_user(issuer, session.user).await?;
            let Some(user) = user.filter(|user| !user.is_blocked) else {
                continue;
            };
            if now >= session.last_seen_at + NOTED_EVERY {
                let idle_expires_at = self.idle_expiry(&session, now);
                store
                    .touch_session(issuer, session.id, now, idle_expires_at)
                    .await?;
            }
            held.push(HeldSession {
                token: token.clone(),
                signed_in: SignedIn { session, user },
            });
        }
        Ok(held)
    }

    /// Opens a session for somebody who has just shown who they are. If they have one in this
    /// browser already, it goes on under a new token (so that nobody who knew the old one is
    /// signed in with it) and keeps its identity, which clients know as `sid`.
    pub async fn open_session(
        &self,
        user: &User,
        is_remembered: bool,
        held: &[HeldSession],
    ) -> Result<HeldSession, Refusal> {
        let (core, issuer) = (self.core, self.issuer);
        let policy = &issuer.dialect.session;
        let now = core.clock.now();
        let token = Secret::generate(&core.entropy);
        let own = held.iter().find(|held| held.signed_in.user.id == user.id);
        let lifetime = if is_remembered {
            policy.remembered_lifetime
        } else {
            policy.absolute_lifetime
        };
        let mut session = Session {
            id: own.map_or(SessionId(core.entropy.uuid_at(now)), |own| {
                own.signed_in.session.id
            }),
            user: user.id,
            auth_time: now,
            amr: vec![Amr::Password],
            is_remembered,
            created_at: now,
            last_seen_at: now,
            idle_expires_at: now,
            expires_at: now + lifetime,
            address: self.visitor.address.clone(),
            user_agent: self.visitor.user_agent.clone(),
        };
        session.idle_expires_at = self.idle_expiry(&session, now);
        let is_renewed = match own {
            None => false,
            Some(_) => {
                core.store
                    .renew_session(issuer.id, session.id, &token.digest(), &session)
                    .await?
            }
        };
        if !is_renewed {
            session.id = SessionId(core.entropy.uuid_at(now));
            core.store
                .insert_session(issuer.id, &session, &token.digest())
                .await?;
        }
        Ok(HeldSession {
            token,
            signed_in: SignedIn {
                session,
                user: user.clone(),
            },
        })
    }

    fn idle_expiry(&self, session: &Session, now: Timestamp) -> Timestamp {
        let idle = now + self.issuer.dialect.session.idle_lifetime;
        if session.is_remembered {
            session.expires_at
        } else {
            idle.min(session.expires_at)
        }
    }
}
