//! Answering an authorization request: a code, or a denial.

use crate::account::{AuthorizationCode, Consent, Grant, GrantId};
use crate::oauth::authorization::{AuthorizationRequest, ConsentQuestion, ReplyTo, SignedIn};
use crate::oauth::{Authority, Refusal};
use crate::protocol::{Fault, Scope};
use crate::secret::Secret;

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
    /// Makes a grant of `scope`, and a code for it.
    pub async fn grant(
        &self,
        request: &AuthorizationRequest,
        signed_in: &SignedIn,
        scope: Scope,
        remembered: Option<Scope>,
    ) -> Result<Answer, Refusal> {
        let (core, issuer) = (self.core, self.issuer);
        let dialect = &*issuer.dialect;
        let policy = &dialect.authorization;
        let now = core.clock.now();
        let code = Secret::new(policy.code.render(&core.entropy));
        let client = &request.client;
        let user = &signed_in.user;

        let mut tx = core.store.write().await?;
        if let Some(scope) = remembered {
            let consent = Consent {
                user: user.id,
                client_id: client.client_id.clone(),
                scope,
                created_at: now,
                updated_at: now,
            };
            tx.save_consent(issuer.id, &consent).await?;
        }
        let grant = Grant {
            id: GrantId(core.entropy.uuid_at(now)),
            client_id: client.client_id.clone(),
            user: user.id,
            session: signed_in.session.id,
            subject: self.subject(&mut tx, client, user).await?,
            scope,
            audience: request.audience.clone(),
            nonce: request.nonce.clone(),
            auth_time: signed_in.session.auth_time,
            amr: signed_in.session.amr.clone(),
            acr: Some(dialect.acr().to_owned()),
            wants_auth_time: request.wants_auth_time,
            claims_request: request.claims_text.clone(),
            created_at: now,
            is_revoked: false,
        };
        let expires_at = now + policy.code_lifetime;
        // Not before the session ends: its clients have to be told of that.
        let kept_until = signed_in.session.expires_at.max(expires_at);
        tx.insert_grant(issuer.id, &grant, kept_until).await?;
        let rests = AuthorizationCode {
            grant: grant.id,
            redirect_uri: request
                .named_redirect_uri
                .then(|| request.reply_to.redirect_uri.clone()),
            code_challenge: request.code_challenge.clone(),
            expires_at,
        };
        tx.insert_code(issuer.id, &code.digest(), &rests).await?;
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

    /// What comes of the user's answer to a question: `ticked` is what they allowed of it. `None`
    /// when that is nothing, and nothing says whether that was meant.
    pub async fn allow(
        &self,
        request: &AuthorizationRequest,
        question: &ConsentQuestion,
        ticked: &[String],
        is_remembered: bool,
    ) -> Result<Option<Answer>, Refusal> {
        let allowed = question
            .scope
            .retain(|scope| is_required(scope) || ticked.iter().any(|own| own == scope));
        let has_choice = question
            .scope
            .tokens()
            .iter()
            .any(|scope| !is_required(scope));
        let refused_all = has_choice && allowed.tokens().iter().all(|scope| is_required(scope));
        let denies = self.issuer.dialect.authorization.refusing_all_denies;
        if refused_all && denies {
            return Ok(Some(deny(request)));
        }
        if allowed.is_empty() && !question.scope.is_empty() {
            return Ok(None);
        }
        let remembered = is_remembered.then(|| {
            // What was allowed before and is not in question now stays so.
            let known = question.known.clone().unwrap_or_default();
            let mut all = known.retain(|scope| !question.scope.contains(scope));
            all.extend(&allowed);
            all
        });
        self.grant(request, &question.signed_in, allowed, remembered)
            .await
            .map(Some)
    }
}

/// The user said no.
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
