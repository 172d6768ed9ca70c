//! Logout: on a client's request (OIDC RP-Initiated Logout), in Auth0's own way, and telling other
//! clients of it (OIDC Front-Channel Logout, OIDC Back-Channel Logout).

use std::sync::Arc;
use std::time::Duration;

use tracing::Instrument;
use url::Url;
use url::form_urlencoded;

use super::id_token::IdTokenHint;
use crate::account::SessionId;
use crate::audit::{Action, Actor, Event, Target};
use crate::clock::Timestamp;
use crate::dialect::LogoutWord;
use crate::dialect::template::{Lookup, Value};
use crate::issuer::Client;
use crate::keys::{JwtKind, UnusableKey};
use crate::oauth::authorization::SignedIn;
use crate::oauth::{Authority, Core, Refusal};
use crate::protocol::{
    Fault, Parameters, RedirectMatching, is_loopback_http, parameter, with_parameters,
};
use crate::signin::session::HeldSession;

/// How long a logout token is good for: a client gets it at once or not at all.
const LOGOUT_TOKEN_LIFETIME: Duration = Duration::from_secs(120);

/// A request to sign somebody out.
pub struct EndSessionRequest {
    pub hint: Option<IdTokenHint>,
    /// The session that is named, by the hint or by `logout_hint`.
    pub sid: Option<String>,
    pub client: Option<Arc<Client>>,
    /// Where to go afterwards, `state` included.
    pub return_to: Option<String>,
    /// Whether the person must be asked first: nobody has shown that they are the one meant, so
    /// it may be a stranger's link.
    pub needs_confirmation: bool,
}

impl EndSessionRequest {
    /// The same, when whoever is signed in has said that they mean it: whatever it names, it is
    /// they who leave.
    pub fn confirmed(self) -> Self {
        Self {
            hint: None,
            sid: None,
            needs_confirmation: false,
            ..self
        }
    }
}

impl Authority<'_> {
    /// Reads an OIDC logout request.
    ///
    /// # Errors
    /// `InvalidIdTokenHint`, `MissingIdTokenHint`, `UnknownClient`,
    /// `PostLogoutUriNotRegistered`: for a page, because nobody is known to be a client.
    pub async fn end_session_request(
        &self,
        parameters: &Parameters,
    ) -> Result<EndSessionRequest, Refusal> {
        let policy = &self.issuer.dialect.logout;
        let presented = parameters.find(parameter::ID_TOKEN_HINT);
        let hint = presented.and_then(|token| self.read_id_token_hint(token));
        let is_bad = presented.is_some() && hint.is_none();
        if is_bad && !policy.ignores_bad_hint {
            return Err(Fault::InvalidIdTokenHint.into());
        }
        let named = parameters.find(parameter::CLIENT_ID);
        // OIDC RP-Initiated Logout §2: the two must not contradict each other.
        if let (Some(hint), Some(named)) = (&hint, named)
            && hint.client_id != named
        {
            return Err(Fault::InvalidIdTokenHint.into());
        }
        let client_id = hint.as_ref().map(|hint| hint.client_id.as_str()).or(named);
        let client = match client_id {
            None => None,
            Some(client_id) => Some(self.find_client(client_id).await?),
        };
        // With a hint that is ignored goes what it should have proven.
        let requested = parameters
            .find(parameter::POST_LOGOUT_REDIRECT_URI)
            .filter(|_| !is_bad);
        let state = parameters.find(parameter::STATE);
        if policy.return_needs_hint && hint.is_none() && (requested.is_some() || state.is_some()) {
            return Err(Fault::MissingIdTokenHint.into());
        }
        let return_to = match requested {
            None => None,
            Some(uri) => {
                self.check_return(client.as_deref(), uri)?;
                let state = state.map(|state| (parameter::STATE.to_owned(), state.to_owned()));
                let state: Vec<_> = state.into_iter().collect();
                Some(with_parameters(uri, &state, '?', "%20"))
            }
        };
        Ok(EndSessionRequest {
            needs_confirmation: hint.is_none(),
            sid: hint
                .as_ref()
                .and_then(|hint| hint.sid.as_deref())
                .or(parameters.find(parameter::LOGOUT_HINT))
                .map(str::to_owned),
            hint,
            client,
            return_to,
        })
    }

    /// Reads a logout request in Auth0's way: `returnTo`, which must be on the client's list, or,
    /// without a client, on the issuer's.
    ///
    /// # Errors
    /// `UnknownClient`, `PostLogoutUriNotRegistered`.
    pub async fn return_to_logout_request(
        &self,
        parameters: &Parameters,
    ) -> Result<EndSessionRequest, Refusal> {
        let client = match parameters.find(parameter::CLIENT_ID) {
            None => None,
            Some(client_id) => Some(self.find_client(client_id).await?),
        };
        let return_to = match parameters.find(parameter::RETURN_TO) {
            Some(uri) => {
                self.check_return(client.as_deref(), uri)?;
                Some(uri.to_owned())
            }
            None => client
                .as_ref()
                .and_then(|client| client.metadata.post_logout_redirect_uris.first().cloned()),
        };
        Ok(EndSessionRequest {
            hint: None,
            sid: None,
            client,
            return_to,
            needs_confirmation: false,
        })
    }

    fn check_return(&self, client: Option<&Client>, uri: &str) -> Result<(), Fault> {
        let policy = &self.issuer.dialect.authorization;
        let matching = RedirectMatching {
            ignores_query: policy.ignores_query_of_redirect_uri,
            loopback_port: policy.loopback_port,
        };
        let (registered, any_loopback) = match client {
            Some(client) => (
                &client.metadata.post_logout_redirect_uris,
                client.metadata.any_loopback_uri,
            ),
            None => (
                &self.issuer.settings.post_logout_redirect_uris,
                self.issuer.is_demo,
            ),
        };
        let is_clean = uri.bytes().all(|byte| byte.is_ascii_graphic());
        let is_registered =
            matching.allows(registered, uri) || (any_loopback && is_loopback_http(uri));
        if is_clean && is_registered {
            Ok(())
        } else {
            Err(Fault::PostLogoutUriNotRegistered {
                uri: uri.to_owned(),
            })
        }
    }

    /// Which of a browser's sessions a request means: the one it names, the hint's user's, or all.
    pub async fn sessions_meant<'s>(
        &self,
        request: &EndSessionRequest,
        held: &'s [HeldSession],
    ) -> Result<Vec<&'s HeldSession>, Refusal> {
        let is_named = |held: &&HeldSession| {
            request.sid.as_deref() == Some(&held.signed_in.session.id.0.to_string())
        };
        let Some(hint) = &request.hint else {
            let named: Vec<&HeldSession> = held.iter().filter(is_named).collect();
            return Ok(if named.is_empty() {
                held.iter().collect()
            } else {
                named
            });
        };
        let store = &self.core.store;
        let user = store
            .find_user_by_subject(self.issuer.id, &hint.subject)
            .await?;
        let is_meant = |held: &&HeldSession| {
            let session = &held.signed_in.session;
            is_named(held) || user.as_ref().is_some_and(|user| user.id == session.user)
        };
        Ok(held.iter().filter(is_meant).collect())
    }

    /// Ends a session and tells the clients that were used in it. Returns the pages of clients
    /// that want to be told by the browser.
    pub async fn end_session(&self, signed_in: &SignedIn) -> Result<Vec<String>, Refusal> {
        let SignedIn { session, user } = signed_in;
        let event = Event::new(Action::SignedOut, Target::user(user))
            .with("session", session.id.0.to_string());
        self.end(signed_in, &self.by_user(user), event).await
    }

    /// Ends a session for which there is no more room in its browser. Returns what
    /// [`Self::end_session`] does.
    pub async fn crowd_out(&self, signed_in: &SignedIn) -> Result<Vec<String>, Refusal> {
        let SignedIn { session, user } = signed_in;
        let event = Event::new(Action::SessionEnded, Target::session(session.id, user))
            .with("because", "too_many_in_one_browser");
        self.end(signed_in, &self.by_nobody(), event).await
    }

    async fn end(
        &self,
        signed_in: &SignedIn,
        actor: &Actor,
        event: Event,
    ) -> Result<Vec<String>, Refusal> {
        let session = signed_in.session.id;
        let mut tx = self.core.store.write().await?;
        let now = self.core.clock.now();
        if tx.end_session(self.issuer.id, session, now).await? {
            self.record(&mut tx, actor, event).await?;
        }
        tx.commit().await?;
        self.tell_clients(session).await
    }

    /// Ends every other session of the user, and tells their clients as far as that can be done
    /// without a browser.
    pub async fn end_other_sessions(&self, signed_in: &SignedIn) -> Result<(), Refusal> {
        let SignedIn { session, user } = signed_in;
        let now = self.core.clock.now();
        let mut tx = self.core.store.write().await?;
        let ended = tx
            .end_other_sessions(self.issuer.id, user.id, Some(session.id), now)
            .await?;
        for other in &ended {
            let event = Event::new(Action::SessionEnded, Target::session(*other, user));
            self.record(&mut tx, &self.by_user(user), event).await?;
        }
        tx.commit().await?;
        for session in ended {
            self.tell_clients(session).await?;
        }
        Ok(())
    }

    /// Tells the clients of a session that it has ended: by a logout token from here, without
    /// waiting for it, and by their pages, which are returned.
    pub async fn tell_clients(&self, session: SessionId) -> Result<Vec<String>, Refusal> {
        let store = &self.core.store;
        let clients = store
            .list_clients_of_session(self.issuer.id, session)
            .await?;
        self.tell_these(session, &clients).await
    }

    /// The same of a session that is not there any more: its clients, and what they call the user.
    pub async fn tell_these(
        &self,
        session: SessionId,
        clients: &[(String, String)],
    ) -> Result<Vec<String>, Refusal> {
        let mut pages = Vec::new();
        for (client_id, subject) in clients {
            let store = &self.core.store;
            let found = store.find_client(self.issuer.id, client_id).await?;
            let Some(client) = found else { continue };
            if let Some(uri) = &client.metadata.backchannel_logout_uri {
                let token = self.logout_token(&client, subject, session)?;
                tell(self.core.clone(), client_id.clone(), uri.clone(), token);
            }
            if let Some(uri) = &client.metadata.frontchannel_logout_uri {
                pages.push(self.frontchannel_page(&client, uri, session));
            }
        }
        Ok(pages)
    }

    /// OIDC Front-Channel Logout §3.
    fn frontchannel_page(&self, client: &Client, uri: &str, session: SessionId) -> String {
        if !client.metadata.frontchannel_logout_session_required {
            return uri.to_owned();
        }
        let Ok(mut url) = Url::parse(uri) else {
            return uri.to_owned();
        };
        url.query_pairs_mut()
            .append_pair("iss", self.identifier)
            .append_pair("sid", &session.0.to_string());
        url.into()
    }

    /// OIDC Back-Channel Logout §2.4.
    fn logout_token(
        &self,
        client: &Client,
        subject: &str,
        session: SessionId,
    ) -> Result<String, Refusal> {
        let issuer = self.issuer;
        let alg = client.metadata.id_token_signed_response_alg;
        let key = issuer
            .keys
            .find(alg)
            .ok_or(UnusableKey("the issuer has none for the client's tokens"))?;
        let issued_at = self.core.clock.now();
        let claims = issuer.dialect.logout.token_claims.render(&LogoutToken {
            issuer: self.identifier,
            client_id: &client.client_id,
            subject,
            sid: session.0.to_string(),
            jti: self.core.entropy.uuid().to_string(),
            issued_at,
        });
        Ok(key.sign(JwtKind::LogoutToken, &claims)?)
    }
}

/// Sends a logout token. A client that cannot be reached is no reason to keep anybody waiting,
/// nor signed in.
fn tell(core: Core, client_id: String, uri: String, token: String) {
    let telling = async move {
        let body = form_urlencoded::Serializer::new(String::new())
            .append_pair("logout_token", &token)
            .finish();
        if let Err(error) = core.outgoing.post_form(&uri, body).await {
            tracing::warn!(%client_id, %error, "a client could not be told of a logout");
        }
    };
    tokio::spawn(telling.in_current_span());
}

struct LogoutToken<'a> {
    issuer: &'a str,
    client_id: &'a str,
    subject: &'a str,
    sid: String,
    jti: String,
    issued_at: Timestamp,
}

impl Lookup<LogoutWord> for LogoutToken<'_> {
    fn value(&self, word: LogoutWord) -> Value<'_> {
        match word {
            LogoutWord::Issuer => Value::text(self.issuer),
            LogoutWord::ClientId => Value::text(self.client_id),
            LogoutWord::Subject => Value::text(self.subject),
            LogoutWord::Sid => Value::text(&self.sid),
            LogoutWord::Jti => Value::text(&self.jti),
            LogoutWord::IssuedAt => Value::Instant(self.issued_at),
            LogoutWord::ExpiresAt => Value::Instant(self.issued_at + LOGOUT_TOKEN_LIFETIME),
        }
    }
}
