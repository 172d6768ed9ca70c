//! What has to happen before an authorization request can be answered (OIDC Core §3.1.2.3).

use crate::account::{Consent, Session, SessionId, User};
use crate::issuer::Api;
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
    Consent(Box<Grantable>),
    /// Nothing: it can be granted.
    Grant(Box<Grantable>),
}

/// What can be granted to whom.
pub struct Grantable {
    pub signed_in: SignedIn,
    /// What can be granted at most: what is asked for, by scope or by claim, and the user may
    /// have.
    pub scope: Scope,
    /// What the user allowed this client before, at the same APIs; `None` when they were never
    /// asked, or did not want it to be remembered.
    pub known: Option<Scope>,
}

/// Seconds for which somebody who has just signed in for a request need not do so again. A ticket
/// stays in the browser's history for longer.
const FRESH_FOR: i64 = 600;

impl Progress {
    /// Whether somebody was meant who is no longer signed in: their session has ended meanwhile.
    pub fn is_of_somebody_gone(&self, sessions: &[SignedIn]) -> bool {
        let is_here = |id: SessionId| sessions.iter().any(|own| own.session.id == id);
        let meant = [self.authenticated, self.chosen];
        meant.into_iter().flatten().any(|id| !is_here(id))
    }

    /// The session that the person has chosen, or shown to be theirs.
    fn meant(&self) -> Option<SessionId> {
        self.authenticated.or(self.chosen)
    }
}

impl Authority<'_> {
    /// Decides what comes next. `sessions` are those of the browser, the current one first.
    ///
    /// # Errors
    /// With `prompt=none`, what would have to be asked: `LoginRequired`,
    /// `AccountSelectionRequired`, `ConsentRequired`. And `LoginRequired` when somebody else has
    /// signed in, or was chosen, than the client wants.
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
        // Whoever has gone begins anew.
        let progress = if progress.is_of_somebody_gone(sessions) {
            Progress::default()
        } else {
            progress
        };
        let candidate = self.candidate(request, progress, sessions).await?;
        let Some(signed_in) = candidate else {
            // Somebody else than the client wants: asking once more would be asking for ever.
            if progress.meant().is_some() {
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
        if self.is_to_sign_in_again(request, progress, session) {
            let next = Next::SignIn {
                is_reauthentication: true,
                username: Some(signed_in.user.username.clone()),
            };
            return ask(next, Fault::LoginRequired);
        }
        let mut scope = self.permitted_scope(request, &signed_in.user).await?;
        scope.extend(&request.claims.scope());
        let consents = self.consents(request, &signed_in.user).await?;
        let grantable = Box::new(Grantable {
            signed_in: signed_in.clone(),
            scope,
            known: self.known(request, &consents),
        });
        if self.needs_consent(request, &grantable) {
            return ask(Next::Consent(grantable), Fault::ConsentRequired);
        }
        Ok(Next::Grant(grantable))
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
        let of_request = match progress.meant() {
            Some(id) => sessions.iter().find(|signed_in| signed_in.session.id == id),
            None => sessions.first(),
        };
        // OIDC Core §3.1.2.1, §5.5.1: if the client says whom it wants, nobody else will do.
        let wanted = request
            .id_token_hint
            .as_ref()
            .map(|hint| hint.subject.as_str())
            .or(request.claims.subject());
        let Some(wanted) = wanted else {
            return Ok(of_request);
        };
        let store = &self.core.store;
        let user = store.find_user_by_subject(self.issuer.id, wanted).await?;
        let is_wanted = |signed_in: &&SignedIn| {
            user.as_ref()
                .is_some_and(|user| user.id == signed_in.user.id)
        };
        Ok(match progress.meant() {
            Some(_) => of_request.filter(is_wanted),
            None => sessions.iter().find(is_wanted),
        })
    }

    fn is_to_sign_in_again(
        &self,
        request: &AuthorizationRequest,
        progress: Progress,
        session: &Session,
    ) -> bool {
        let age = self.core.clock.now().unix() - session.auth_time.unix();
        let is_fresh = progress.authenticated == Some(session.id) && age < FRESH_FOR;
        let is_too_old = match request.max_age {
            None => false,
            // A sign-in of this very second is too old as well: it is `prompt=login`.
            Some(0) => !is_fresh,
            Some(max_age) => u64::try_from(age).is_ok_and(|age| age > max_age),
        };
        is_too_old || (request.prompt.login && !is_fresh)
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

    /// The APIs that a request may mean, for people to see.
    pub async fn apis_meant(&self, request: &AuthorizationRequest) -> Result<Vec<Api>, Refusal> {
        let dialect = &*self.issuer.dialect;
        let standing = self.standing().await?;
        let entitlement = Entitlement::new(dialect, &standing.apis, &request.client, Actor::User);
        let meant = entitlement.apis_meant(&request.audience)?;
        Ok(meant.into_iter().cloned().collect())
    }

    async fn consents(
        &self,
        request: &AuthorizationRequest,
        user: &User,
    ) -> Result<Vec<Consent>, Refusal> {
        let client_id = &request.client.client_id;
        let store = &self.core.store;
        Ok(store
            .find_consents(self.issuer.id, user.id, client_id)
            .await?)
    }

    /// What the user allowed before, of what this request may mean: what is of no API, whatever
    /// the request was for; what is of an API, at that one.
    pub(super) fn known(
        &self,
        request: &AuthorizationRequest,
        consents: &[Consent],
    ) -> Option<Scope> {
        let dialect = &*self.issuer.dialect;
        let audience = request.consent_audience();
        let mut known: Option<Scope> = None;
        for consent in consents {
            let counts = if consent.audience == audience {
                consent.scope.clone()
            } else if consent.audience.is_empty() {
                let of_no_api = |scope: &str| dialect.is_identity_scope(scope);
                match consent.scope.retain(of_no_api) {
                    scope if scope.is_empty() => continue,
                    scope => scope,
                }
            } else {
                continue;
            };
            known.get_or_insert_default().extend(&counts);
        }
        known
    }

    fn needs_consent(&self, request: &AuthorizationRequest, grantable: &Grantable) -> bool {
        let policy = &self.issuer.dialect.authorization;
        let Grantable { scope, known, .. } = grantable;
        let mut tokens = scope.tokens().iter();
        let is_covered = known
            .as_ref()
            .is_some_and(|known| tokens.all(|token| known.contains(token)));
        let asks_offline = scope
            .tokens()
            .iter()
            .any(|token| self.issuer.dialect.is_offline_scope(token));
        let is_asked_again = policy.reasks_for_offline_access && asks_offline;
        let is_first_party = request.client.metadata.first_party;
        let is_exposed = policy.silent_needs_https
            && request.prompt.none
            && request.client.is_public()
            && !request.reply_to.redirect_uri.starts_with("https:");
        request.prompt.consent || is_exposed || (!is_first_party && (!is_covered || is_asked_again))
    }
}

impl AuthorizationRequest {
    /// What consent for it is kept under: its audience, in no particular order.
    pub(super) fn consent_audience(&self) -> Vec<String> {
        let mut audience = self.audience.clone();
        audience.sort_unstable();
        audience
    }
}
