//! Reading an authorization request: the list of its checks, in order.

use std::sync::Arc;

use crate::account::CodeChallenge;
use crate::dialect::{AuthorizationPolicy, Dialect};
use crate::issuer::Client;
use crate::oauth::entitlement::{Actor, Asked, Entitlement};
use crate::oauth::{Authority, Refusal, pkce};
use crate::oidc::claims_request::ClaimsRequest;
use crate::oidc::id_token::IdTokenHint;
use crate::protocol::{
    Fault, GrantType, Parameters, RedirectMatching, ResponseMode, Scope, is_loopback_http,
    is_vschar, parameter,
};

/// An authorization request that may be answered.
pub struct AuthorizationRequest {
    pub client: Arc<Client>,
    pub reply_to: ReplyTo,
    /// Whether it named its redirect URI, which then has to come again with the code.
    pub named_redirect_uri: bool,
    /// What is asked for, as far as the client may ask for it. The user's roles and consent
    /// come later.
    pub scope: Scope,
    pub audience: Vec<String>,
    pub nonce: Option<String>,
    pub code_challenge: Option<CodeChallenge>,
    pub prompt: Prompt,
    /// Seconds.
    pub max_age: Option<u64>,
    /// Whether the client wants to know when the user signed in.
    pub wants_auth_time: bool,
    pub login_hint: Option<String>,
    pub id_token_hint: Option<IdTokenHint>,
    pub claims: ClaimsRequest,
}

/// Where an answer goes, once client and redirect URI are proven.
#[derive(Debug, Clone)]
pub struct ReplyTo {
    pub redirect_uri: String,
    pub response_mode: ResponseMode,
    pub state: Option<String>,
}

/// `prompt` (OIDC Core §3.1.2.1).
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Prompt {
    pub none: bool,
    pub login: bool,
    pub consent: bool,
    pub select_account: bool,
}

/// Why a request is refused, and who is told.
#[derive(Debug)]
pub enum RefusedRequest {
    /// The user, on a page: nobody has proven to be a client, or where it is.
    Page(Refusal),
    /// The client, unless its dialect has it told to the user as well.
    Client(Refusal, ReplyTo),
}

impl Authority<'_> {
    /// Reads a request. Until client and redirect URI are proven, errors are for the user alone:
    /// whoever made the link must not be able to send anybody anywhere (RFC 6749 §4.1.2.1).
    pub async fn authorization_request(
        &self,
        parameters: &Parameters,
    ) -> Result<AuthorizationRequest, RefusedRequest> {
        let client = self
            .client_of(parameters)
            .await
            .map_err(RefusedRequest::Page)?;
        let dialect = &*self.issuer.dialect;
        let policy = &dialect.authorization;
        let redirect_uri = redirect_uri(policy, &client, parameters)
            .map_err(|fault| RefusedRequest::Page(fault.into()))?;
        let mode = response_mode(policy, &redirect_uri, parameters);
        let reply_to = ReplyTo {
            redirect_uri,
            response_mode: mode.clone().unwrap_or(ResponseMode::Query),
            state: parameters.find(parameter::STATE).map(str::to_owned),
        };
        let refused = |refusal: Refusal| RefusedRequest::Client(refusal, reply_to.clone());
        mode.map_err(|fault| refused(fault.into()))?;
        self.read(client, reply_to.clone(), parameters)
            .await
            .map_err(refused)
    }

    async fn client_of(&self, parameters: &Parameters) -> Result<Arc<Client>, Refusal> {
        let client_id = parameters
            .find(parameter::CLIENT_ID)
            .ok_or(Fault::MissingParameter {
                parameter: parameter::CLIENT_ID,
            })?;
        self.find_client(client_id).await
    }

    /// The client that a browser was sent by.
    ///
    /// # Errors
    /// `UnknownClient`.
    pub async fn find_client(&self, client_id: &str) -> Result<Arc<Client>, Refusal> {
        let unknown = || Fault::UnknownClient {
            client_id: client_id.to_owned(),
        };
        if !is_vschar(client_id) {
            return Err(unknown().into());
        }
        let store = &self.core.store;
        let found = store.find_client(self.issuer.id, client_id).await?;
        Ok(found.ok_or_else(unknown)?)
    }

    /// Everything after client and redirect URI.
    async fn read(
        &self,
        client: Arc<Client>,
        reply_to: ReplyTo,
        parameters: &Parameters,
    ) -> Result<AuthorizationRequest, Refusal> {
        let dialect = &*self.issuer.dialect;
        let policy = &dialect.authorization;
        check_response_type(parameters)?;
        client.check_grant_type(GrantType::AuthorizationCode)?;
        check_unsupported(parameters)?;
        check_state(policy, reply_to.state.as_deref())?;
        let code_challenge = pkce::challenge(&dialect.pkce, &client, parameters)?;
        let prompt = prompt(parameters)?;
        check_display(parameters)?;
        let max_age = match max_age(parameters)? {
            None => client.metadata.default_max_age,
            asked => asked,
        };
        let claims = match parameters.find(parameter::CLAIMS) {
            Some(text) if policy.reads_claims => ClaimsRequest::parse(text)?,
            _ => ClaimsRequest::default(),
        };
        if !claims.is_satisfied_by_acr(&policy.acr) {
            return Err(Fault::UnmetAuthenticationRequirements.into());
        }
        let id_token_hint = match parameters.find(parameter::ID_TOKEN_HINT) {
            None => None,
            Some(hint) => Some(
                self.read_id_token_hint(hint)
                    .ok_or(Fault::InvalidIdTokenHint)?,
            ),
        };
        let (scope, audience) = self.asked(&client, parameters).await?;
        Ok(AuthorizationRequest {
            named_redirect_uri: parameters.find(parameter::REDIRECT_URI).is_some(),
            scope,
            audience,
            nonce: parameters.find(parameter::NONCE).map(str::to_owned),
            code_challenge,
            prompt,
            wants_auth_time: max_age.is_some()
                || client.metadata.require_auth_time
                || claims.wants_auth_time(),
            max_age,
            login_hint: parameters.find(parameter::LOGIN_HINT).map(str::to_owned),
            id_token_hint,
            claims,
            client,
            reply_to,
        })
    }

    /// What may be asked for, of what is.
    async fn asked(
        &self,
        client: &Client,
        parameters: &Parameters,
    ) -> Result<(Scope, Vec<String>), Refusal> {
        let dialect = &*self.issuer.dialect;
        let asked = Asked::parse(dialect, parameters)?;
        let apis = self.core.store.apis(self.issuer.id).await?;
        let entitlement = Entitlement::new(dialect, &apis, client, Actor::User);
        let resolved = entitlement.resolve_for_user(dialect, asked)?;
        // Access while the user is away is for clients that can make use of it.
        let may_refresh = dialect.serves(GrantType::RefreshToken)
            && client.grant_types.contains(&GrantType::RefreshToken);
        let scope = resolved
            .scope
            .retain(|scope| may_refresh || !dialect.is_offline_scope(scope));
        Ok((scope, resolved.audience))
    }
}

/// Where the answer goes, which must be registered (RFC 9700 §4.1.3).
fn redirect_uri(
    policy: &AuthorizationPolicy,
    client: &Client,
    parameters: &Parameters,
) -> Result<String, Fault> {
    let Some(requested) = parameters.find(parameter::REDIRECT_URI) else {
        let is_openid = parameters
            .find(parameter::SCOPE)
            .is_some_and(|scope| scope.split(' ').any(|token| token == "openid"));
        return match client.redirect_uris.as_slice() {
            [only] if policy.redirect_uri_optional && !is_openid => Ok(only.clone()),
            _ => Err(Fault::MissingRedirectUri),
        };
    };
    let matching = RedirectMatching {
        ignores_query: policy.ignores_query_of_redirect_uri,
        loopback_port: policy.loopback_port,
    };
    let is_registered = matching.allows(&client.redirect_uris, requested);
    // Control characters would split the header that carries it, and nobody registers any.
    let is_clean = requested.bytes().all(|byte| byte.is_ascii_graphic());
    let is_allowed =
        is_registered || (client.metadata.any_loopback_uri && is_loopback_http(requested));
    if is_allowed && is_clean {
        Ok(requested.to_owned())
    } else {
        Err(Fault::RedirectUriNotRegistered {
            redirect_uri: requested.to_owned(),
        })
    }
}

fn response_mode(
    policy: &AuthorizationPolicy,
    redirect_uri: &str,
    parameters: &Parameters,
) -> Result<ResponseMode, Fault> {
    let Some(name) = parameters.find(parameter::RESPONSE_MODE) else {
        return Ok(ResponseMode::Query);
    };
    ResponseMode::find(name)
        .filter(|mode| policy.response_modes.contains(mode))
        // A message goes to an origin, which a scheme of a device's application is not.
        .filter(|mode| *mode != ResponseMode::WebMessage || redirect_uri.starts_with("http"))
        .ok_or_else(|| Fault::UnsupportedResponseMode {
            response_mode: name.to_owned(),
        })
}

fn check_response_type(parameters: &Parameters) -> Result<(), Fault> {
    match parameters.find(parameter::RESPONSE_TYPE) {
        Some("code") => Ok(()),
        Some(other) => Err(Fault::UnsupportedResponseType {
            response_type: other.to_owned(),
        }),
        None => Err(Fault::MissingParameter {
            parameter: parameter::RESPONSE_TYPE,
        }),
    }
}

/// OIDC Core §6, §7.2.1: what is not supported is refused, not ignored, because what it would
/// have changed may be what the client relies on.
fn check_unsupported(parameters: &Parameters) -> Result<(), Fault> {
    for (name, fault) in [
        (parameter::REQUEST, Fault::RequestNotSupported),
        (parameter::REQUEST_URI, Fault::RequestUriNotSupported),
        (parameter::REGISTRATION, Fault::RegistrationNotSupported),
    ] {
        if parameters.find(name).is_some() {
            return Err(fault);
        }
    }
    Ok(())
}

fn check_state(policy: &AuthorizationPolicy, state: Option<&str>) -> Result<(), Fault> {
    let shortest = policy.shortest_state;
    if state.map_or(0, str::len) < shortest {
        return Err(Fault::WeakState { shortest });
    }
    Ok(())
}

fn prompt(parameters: &Parameters) -> Result<Prompt, Fault> {
    let malformed = |reason| Fault::MalformedParameter {
        parameter: parameter::PROMPT,
        reason,
    };
    let mut prompt = Prompt::default();
    let text = parameters.find(parameter::PROMPT).unwrap_or_default();
    for word in text.split_whitespace() {
        match word {
            "none" => prompt.none = true,
            "login" => prompt.login = true,
            "consent" => prompt.consent = true,
            "select_account" => prompt.select_account = true,
            _ => {
                return Err(malformed("expected none, login, consent or select_account"));
            }
        }
    }
    if prompt.none && (prompt.login || prompt.consent || prompt.select_account) {
        return Err(malformed("none cannot stand with another value"));
    }
    Ok(prompt)
}

/// How large a page may be is the browser's to know; a value nobody defined is a mistake.
fn check_display(parameters: &Parameters) -> Result<(), Fault> {
    match parameters.find(parameter::DISPLAY) {
        None | Some("page" | "popup" | "touch" | "wap") => Ok(()),
        Some(_) => Err(Fault::MalformedParameter {
            parameter: parameter::DISPLAY,
            reason: "expected page, popup, touch or wap",
        }),
    }
}

fn max_age(parameters: &Parameters) -> Result<Option<u64>, Fault> {
    let Some(text) = parameters.find(parameter::MAX_AGE) else {
        return Ok(None);
    };
    match text.parse() {
        Ok(seconds) if text.bytes().all(|byte| byte.is_ascii_digit()) => Ok(Some(seconds)),
        _ => Err(Fault::MalformedParameter {
            parameter: parameter::MAX_AGE,
            reason: "expected a number of seconds",
        }),
    }
}

impl Dialect {
    /// The `acr` a sign-in here has.
    pub fn acr(&self) -> &str {
        &self.authorization.acr
    }
}
