//! What has to happen before an authorization request can be answered (OIDC Core §3.1.2.3).

use crate::account::{Session, SessionId, User};
use crate::oauth::authorization::AuthorizationRequest;
use crate::oauth::entitlement::{Actor, Entitlement};
use crate::oauth::{Authority, Refusal};
use crate::protocol::{Fault, Scope};

/// Somebody who is signed in in the browser that asks.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub session: Session,
    pub user: User,
}

/// How far the person has come with this request.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Progress {
    /// The session whose owner has shown who they are for this very request.
    pub authenticated: Option<SessionId>,
    /// The session that was chosen for this request.
    pub chosen: Option<SessionId>,
    /// Whether the person wants to sign in as somebody else than who is signed in.
    pub wants_other: bool,
}

/// The next thing to happen.
pub enum Next {
    SignIn {
        /// Whether the person is signed in already and has to prove it again.
        is_reauthentication: bool,
        /// Who, as far as anybody knows.
        username: Option<String>,
    },
    ChooseAccount,
    Consent(Box<ConsentQuestion>),
    /// Nothing: it can be granted.
    Grant {
        signed_in: Box<SignedIn>,
        scope: Scope,
    },
}

/// What the user is asked to allow.
pub struct ConsentQuestion {
    pub signed_in: SignedIn,
    /// What can be granted at most.
    pub scope: Scope,
    /// What the user allowed this client before; `None` when they were never asked, or did not
    /// want it to be remembered.
    pub known: Option<Scope>,
}

impl Authority<'_> {
    /// Decides what comes next. `sessions` are those of the browser, the current one first.
    ///
    /// # Errors
    /// With `prompt=none`, what would have to be asked: `LoginRequired`,
    /// `AccountSelectionRequired`, `ConsentRequired`.
    pub async fn decide(
        &self,
        request: &AuthorizationRequest,
        progress: Progress,
        sessions: &[SignedIn],
    ) -> Result<Next, Refusal> {
        let ask = |next: Next, otherwise: Fault| {
            if request.prompt.none {
                Err(Refusal::from(otherwise))
            } else {
                Ok(next)
            }
        };
        let candidate = self.candidate(request, progress, sessions).await?;
        let Some(signed_in) = candidate else {
            // Somebody else than the client wants: asking once more would be asking for ever.
            if progress.authenticated.is_some() {
                return Err(Fault::LoginRequired.into());
            }
            let next = Next::SignIn {
                is_reauthentication: false,
                username: request.login_hint.clone(),
            };
            return ask(next, Fault::LoginRequired);
        };
        let session = &signed_in.session;
        if request.prompt.select_account
            && progress.chosen != Some(session.id)
            && progress.authenticated != Some(session.id)
        {
            return ask(Next::ChooseAccount, Fault::AccountSelectionRequired);
        }
        let is_fresh = progress.authenticated == Some(session.id);
        if !is_fresh && (request.prompt.login || self.is_too_old(request, session)) {
            let next = Next::SignIn {
                is_reauthentication: true,
                username: Some(signed_in.user.username.clone()),
            };
            return ask(next, Fault::LoginRequired);
        }
        let scope = self.permitted_scope(request, &signed_in.user).await?;
        let known = self.known_consent(request, &signed_in.user).await?;
        if self.needs_consent(request, &scope, known.as_ref()) {
            let question = ConsentQuestion {
                signed_in: signed_in.clone(),
                scope,
                known,
            };
            return ask(Next::Consent(Box::new(question)), Fault::ConsentRequired);
        }
        Ok(Next::Grant {
            signed_in: Box::new(signed_in.clone()),
            scope,
        })
    }

    /// The session that is meant: the chosen one, the one the client names by a hint, or else the
    /// current one.
    async fn candidate<'s>(
        &self,
        request: &AuthorizationRequest,
        progress: Progress,
        sessions: &'s [SignedIn],
    ) -> Result<Option<&'s SignedIn>, Refusal> {
        if progress.wants_other && progress.authenticated.is_none() {
            return Ok(None);
        }
        let meant = [progress.authenticated, progress.chosen];
        let chosen = meant
            .into_iter()
            .flatten()
            .find_map(|id| sessions.iter().find(|signed_in| signed_in.session.id == id));
        // OIDC Core §3.1.2.1, §5.5.1: if the client says whom it wants, nobody else will do.
        let wanted = request
            .id_token_hint
            .as_ref()
            .map(|hint| hint.subject.as_str())
            .or(request.claims.subject());
        let Some(wanted) = wanted else {
            return Ok(chosen.or(sessions.first()));
        };
        let store = &self.core.store;
        let user = store.find_user_by_subject(self.issuer.id, wanted).await?;
        Ok(user.and_then(|user| {
            sessions
                .iter()
                .find(|signed_in| signed_in.user.id == user.id)
        }))
    }

    fn is_too_old(&self, request: &AuthorizationRequest, session: &Session) -> bool {
        let Some(max_age) = request.max_age else {
            return false;
        };
        let age = self.core.clock.now().unix() - session.auth_time.unix();
        // With 0, a sign-in of this very second is too old as well: it is `prompt=login`.
        max_age == 0 || u64::try_from(age).is_ok_and(|age| age > max_age)
    }

    /// What this user may be granted, of what is asked for.
    pub async fn permitted_scope(
        &self,
        request: &AuthorizationRequest,
        user: &User,
    ) -> Result<Scope, Refusal> {
        let dialect = &*self.issuer.dialect;
        let standing = self.standing().await?;
        let roles = user.roles_among(&standing.roles);
        let entitlement = Entitlement::new(dialect, &standing.apis, &request.client, Actor::User);
        Ok(entitlement.permitted(dialect, &request.audience, &request.scope, &roles))
    }

    async fn known_consent(
        &self,
        request: &AuthorizationRequest,
        user: &User,
    ) -> Result<Option<Scope>, Refusal> {
        let store = &self.core.store;
        let client_id = &request.client.client_id;
        let consent = store
            .find_consent(self.issuer.id, user.id, client_id)
            .await?;
        Ok(consent.map(|consent| consent.scope))
    }

    fn needs_consent(
        &self,
        request: &AuthorizationRequest,
        scope: &Scope,
        known: Option<&Scope>,
    ) -> bool {
        let dialect = &*self.issuer.dialect;
        let is_covered =
            known.is_some_and(|known| scope.tokens().iter().all(|token| known.contains(token)));
        let is_asked_again = dialect.authorization.reasks_for_offline_access
            && scope
                .tokens()
                .iter()
                .any(|token| dialect.is_offline_scope(token));
        request.prompt.consent
            || (!request.client.metadata.first_party && (!is_covered || is_asked_again))
    }
}
