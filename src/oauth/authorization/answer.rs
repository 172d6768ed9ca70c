//! Answering an authorization request: a code, or a denial.

use crate::account::{AuthorizationCode, Consent, Grant, GrantId, User};
use crate::audit::{Action, Event, Target};
use crate::oauth::authorization::{AuthorizationRequest, Grantable, ReplyTo};
use crate::oauth::{Authority, Refusal};
use crate::protocol::{Fault, Scope};
use crate::secret::Secret;
use crate::store::Tx;

/// What a client is told, and where.
pub struct Answer {
    pub reply_to: ReplyTo,
    pub outcome: Outcome,
}

pub enum Outcome {
    Granted {
        code: Secret,
        scope: Scope,
        client_id: String,
    },
    Refused(Refusal),
}

impl Authority<'_> {
    /// Grants all that can be granted, without a question.
    pub async fn grant_all(
        &self,
        request: &AuthorizationRequest,
        grantable: &Grantable,
    ) -> Result<Answer, Refusal> {
        self.grant(request, grantable, &grantable.scope, None).await
    }

    /// What comes of the user's answer to a question: `ticked` is what they allowed of it. `None`
    /// when that is nothing, and nothing says whether that was meant.
    pub async fn allow(
        &self,
        request: &AuthorizationRequest,
        grantable: &Grantable,
        ticked: &[String],
        is_remembered: bool,
    ) -> Result<Option<Answer>, Refusal> {
        let dialect = &*self.issuer.dialect;
        // Scopes that ask for a refresh token are one question, whatever their names.
        let allows_offline = ticked.iter().any(|scope| dialect.is_offline_scope(scope));
        let allowed = grantable.scope.retain(|scope| {
            is_required(scope)
                || ticked.iter().any(|own| own == scope)
                || (allows_offline && dialect.is_offline_scope(scope))
        });
        let asked = grantable.scope.tokens();
        let has_choice = asked.iter().any(|scope| !is_required(scope));
        let refused_all = has_choice && allowed.tokens().iter().all(|scope| is_required(scope));
        if refused_all && dialect.authorization.refusing_all_denies {
            let user = &grantable.signed_in.user;
            return self.deny(request, user).await.map(Some);
        }
        if allowed.is_empty() && !asked.is_empty() {
            return Ok(None);
        }
        self.grant(request, grantable, &allowed, Some(is_remembered))
            .await
            .map(Some)
    }

    /// The user said no, which is remembered.
    pub async fn deny(
        &self,
        request: &AuthorizationRequest,
        user: &User,
    ) -> Result<Answer, Refusal> {
        let target = Target::consent(&request.client, user);
        let event =
            Event::new(Action::ConsentDenied, target).with("scope", request.scope.to_string());
        let mut tx = self.core.store.write().await?;
        self.record(&mut tx, &self.by_user(user), event).await?;
        tx.commit().await?;
        Ok(deny(request))
    }

    /// Makes a grant of what was allowed, and a code for it. `is_remembered` is whether the user
    /// wants an answer to be remembered; `None` when there was no question.
    async fn grant(
        &self,
        request: &AuthorizationRequest,
        grantable: &Grantable,
        allowed: &Scope,
        is_remembered: Option<bool>,
    ) -> Result<Answer, Refusal> {
        let (core, issuer) = (self.core, self.issuer);
        let dialect = &*issuer.dialect;
        let policy = &dialect.authorization;
        let now = core.clock.now();
        let code = Secret::new(policy.code.render(&core.entropy));
        let client = &request.client;
        let (user, session) = (&grantable.signed_in.user, &grantable.signed_in.session);

        let mut tx = core.store.write().await?;
        if let Some(is_wanted) = is_remembered {
            self.remember(&mut tx, request, grantable, allowed, is_wanted)
                .await?;
        }
        let grant = Grant {
            id: GrantId(core.entropy.uuid_at(now)),
            client_id: client.client_id.clone(),
            user: user.id,
            session: session.id,
            subject: self.subject(&mut tx, client, user).await?,
            // What was allowed because a claim asked for it is no scope of the token.
            scope: allowed.retain(|scope| request.scope.contains(scope)),
            audience: request.audience.clone(),
            nonce: request.nonce.clone(),
            auth_time: session.auth_time,
            amr: session.amr.clone(),
            acr: Some(dialect.acr().to_owned()),
            wants_auth_time: request.wants_auth_time,
            claims_request: request.claims.within(allowed).to_text(),
            created_at: now,
            is_revoked: false,
        };
        let expires_at = now + policy.code_lifetime;
        tx.insert_grant(issuer.id, &grant, expires_at).await?;
        let rests = AuthorizationCode {
            grant: grant.id,
            redirect_uri: request
                .named_redirect_uri
                .then(|| request.reply_to.redirect_uri.clone()),
            code_challenge: request.code_challenge.clone(),
            expires_at,
        };
        tx.insert_code(issuer.id, &code.digest(), &rests).await?;
        tx.note_client_of_session(issuer.id, session.id, &grant.client_id, &grant.subject)
            .await?;
        let actor = self.by_user(user);
        if let Some(is_wanted) = is_remembered {
            let event = Event::new(Action::Consented, Target::consent(client, user))
                .with("scope", allowed.to_string())
                .with("is_remembered", is_wanted);
            self.record(&mut tx, &actor, event).await?;
        }
        let event = Event::new(Action::Granted, Target::grant(grant.id, client))
            .with("client_id", grant.client_id.as_str())
            .with("scope", grant.scope.to_string());
        self.record(&mut tx, &actor, event).await?;
        tx.commit().await?;
        Ok(Answer {
            reply_to: request.reply_to.clone(),
            outcome: Outcome::Granted {
                code,
                scope: grant.scope,
                client_id: grant.client_id,
            },
        })
    }

    /// Keeps what the user allowed: what is of no API by itself, the rest for the APIs it was
    /// allowed at. What was allowed before and is not in question stays, what is refused now goes,
    /// and what is new comes only if the user wants it to be remembered.
    async fn remember(
        &self,
        tx: &mut Tx,
        request: &AuthorizationRequest,
        grantable: &Grantable,
        allowed: &Scope,
        is_wanted: bool,
    ) -> Result<(), Refusal> {
        let issuer = self.issuer.id;
        let dialect = &*self.issuer.dialect;
        let user = grantable.signed_in.user.id;
        let client_id = &request.client.client_id;
        // As it is now: another window may have answered, or the access been withdrawn.
        tx.lock_user(issuer, user).await?;
        let consents = tx.find_consents(issuer, user, client_id).await?;
        let known = self.known(request, &consents);
        let mut all = known
            .clone()
            .unwrap_or_default()
            .retain(|scope| !grantable.scope.contains(scope) || allowed.contains(scope));
        if is_wanted {
            all.extend(allowed);
        } else if known.is_none_or(|known| known == all) {
            return Ok(());
        }
        let audience = request.consent_audience();
        let mut kept = vec![(audience.clone(), all.clone())];
        if !audience.is_empty() {
            let is_of_no_api = |scope: &str| dialect.is_identity_scope(scope);
            let general = consents.iter().find(|consent| consent.audience.is_empty());
            // What was allowed where requests name no API stays.
            let mut of_no_api = general
                .map(|consent| consent.scope.retain(|scope| !is_of_no_api(scope)))
                .unwrap_or_default();
            of_no_api.extend(&all.retain(is_of_no_api));
            kept = vec![
                (audience, all.retain(|scope| !is_of_no_api(scope))),
                (Vec::new(), of_no_api),
            ];
        }
        let now = self.core.clock.now();
        for (audience, scope) in kept {
            let consent = Consent {
                user,
                client_id: client_id.clone(),
                audience,
                scope,
                created_at: now,
                updated_at: now,
            };
            tx.save_consent(issuer, &consent).await?;
        }
        Ok(())
    }
}

/// Somebody said no.
pub fn deny(request: &AuthorizationRequest) -> Answer {
    Answer {
        reply_to: request.reply_to.clone(),
        outcome: Outcome::Refused(Fault::AccessDenied.into()),
    }
}

/// Whether a client cannot do without a scope that was asked for: without `openid` there is no
/// sign-in to speak of.
pub fn is_required(scope: &str) -> bool {
    scope == "openid"
}
