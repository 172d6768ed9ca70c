//! A person's own page: profile, password, sessions, applications, recent sign-ins.

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};

use super::address::Address;
use super::consent::description;
use super::pages::{
    AccountNotice, AccountPage, ApplicationView, PasswordPage, PasswordProblem, ProfileFields,
    ProfilePage, ProfileProblem, SessionView, SignInView, browser_name,
};
use super::visit::{Fields, PLAIN, Visit, to_account};
use super::{App, body, cookies};
use crate::account::{SessionId, User, UserClaims};
use crate::issuer::Api;
use crate::oauth::Refusal;
use crate::secret::Secret;
use crate::signin::password::{Attempt, NotSignedIn, Occasion, PasswordFault, check_new_password};
use crate::signin::session::HeldSession;

/// How many sign-ins are shown.
const SIGN_INS: i64 = 20;
/// Characters of a name.
const LONGEST_NAME: usize = 200;

/// What of the account is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountAction {
    Overview,
    Profile,
    Password,
    EndSession,
    EndOtherSessions,
    Withdraw,
}

impl AccountAction {
    pub fn find(path: &str) -> Option<Self> {
        match path {
            "/account" => Some(Self::Overview),
            "/account/profile" => Some(Self::Profile),
            "/account/password" => Some(Self::Password),
            "/account/sessions/end" => Some(Self::EndSession),
            "/account/sessions/end-others" => Some(Self::EndOtherSessions),
            "/account/applications/withdraw" => Some(Self::Withdraw),
            _ => None,
        }
    }

    pub const fn methods(self) -> &'static [&'static str] {
        match self {
            Self::Overview => &["GET", "HEAD"],
            Self::Profile
            | Self::Password
            | Self::EndSession
            | Self::EndOtherSessions
            | Self::Withdraw => &["GET", "HEAD", "POST"],
        }
    }
}

/// Anything below `{issuer}/account`.
pub async fn account(
    app: &App,
    address: &Address,
    action: AccountAction,
    request: &HttpRequest,
    payload: web::Payload,
) -> HttpResponse {
    let visit = match Visit::of(app, address, request, None).await {
        Ok(visit) => visit,
        Err(response) => return response,
    };
    let Some(current) = visit.current() else {
        return visit.redirect(&visit.page_with("/sign-in", &to_account(visit.now)));
    };
    let fields = if request.method() == Method::POST {
        match visit.read_form(request, payload).await {
            Ok(fields) => Some(fields),
            Err(response) => return response,
        }
    } else {
        None
    };
    let own = Own {
        visit: &visit,
        current,
    };
    let outcome = match (action, fields) {
        (AccountAction::Profile, None) => Ok(own.profile()),
        (AccountAction::Profile, Some(fields)) => own.save_profile(&fields).await,
        (AccountAction::Password, None) => Ok(own.password(StatusCode::OK, None)),
        (AccountAction::Password, Some(fields)) => own.change_password(&fields).await,
        (AccountAction::EndSession, Some(fields)) => own.end_session(&fields).await,
        (AccountAction::EndOtherSessions, Some(_)) => own.end_other_sessions().await,
        (AccountAction::Withdraw, Some(fields)) => own.withdraw(&fields).await,
        (AccountAction::Overview, _) => own.overview(notice(request)).await,
        // Where a form was sent to and the browser has come back.
        (
            AccountAction::EndSession | AccountAction::EndOtherSessions | AccountAction::Withdraw,
            None,
        ) => Ok(visit.redirect(&visit.path("/account"))),
    };
    outcome.unwrap_or_else(|refusal| visit.failed(&refusal))
}

/// What has just been done, which the page says once.
const NOTICES: [(&str, AccountNotice); 5] = [
    ("profile-saved", AccountNotice::ProfileSaved),
    ("password-changed", AccountNotice::PasswordChanged),
    ("session-ended", AccountNotice::SessionEnded),
    ("others-ended", AccountNotice::OthersEnded),
    ("access-withdrawn", AccountNotice::AccessWithdrawn),
];

fn notice(request: &HttpRequest) -> Option<AccountNotice> {
    let pairs = body::form(request.query_string().as_bytes()).ok()?;
    let (_, done) = pairs.iter().find(|(name, _)| name == "done")?;
    let (_, notice) = NOTICES.iter().find(|(name, _)| name == done)?;
    Some(*notice)
}

/// Somebody's own account.
struct Own<'v> {
    visit: &'v Visit<'v>,
    current: &'v HeldSession,
}

impl Own<'_> {
    fn user(&self) -> &User {
        &self.current.signed_in.user
    }

    fn done(&self, notice: AccountNotice) -> HttpResponse {
        let name = NOTICES
            .iter()
            .find(|(_, known)| *known == notice)
            .map_or("", |(name, _)| name);
        self.visit
            .redirect(&self.visit.path(&format!("/account?done={name}")))
    }

    async fn overview(&self, notice: Option<AccountNotice>) -> Result<HttpResponse, Refusal> {
        let visit = self.visit;
        let (store, issuer) = (&visit.app.core.store, visit.address.issuer.id);
        let user = self.user();
        let sessions = store.list_sessions(issuer, user.id, visit.now).await?;
        let sign_ins = store.list_sign_ins(issuer, user.id, SIGN_INS).await?;
        let mut shown = Vec::new();
        for sign_in in sign_ins {
            let client_name = match &sign_in.client_id {
                None => None,
                Some(id) => Some(
                    store
                        .find_client(issuer, id)
                        .await?
                        .map_or_else(|| id.clone(), |client| client.client_name.clone()),
                ),
            };
            shown.push(SignInView {
                at: sign_in.at.rfc3339(),
                succeeded: sign_in.succeeded,
                browser: browser_name(&sign_in.user_agent),
                address: sign_in.address,
                client_name,
            });
        }
        let page = AccountPage {
            frame: visit.frame(),
            csrf: visit.csrf(),
            user_name: user.display_name().to_owned(),
            username: user.username.clone(),
            email: user.claims.text("email").map(str::to_owned),
            sessions: sessions
                .into_iter()
                .map(|session| SessionView {
                    is_current: session.id == self.current.signed_in.session.id,
                    value: session.id.0.to_string(),
                    browser: browser_name(&session.user_agent),
                    address: session.address,
                    started_at: session.created_at.rfc3339(),
                    last_seen_at: session.last_seen_at.rfc3339(),
                })
                .collect(),
            applications: self.applications().await?,
            sign_ins: shown,
            notice,
        };
        Ok(visit.show(StatusCode::OK, &page, &PLAIN))
    }

    /// The applications that have access: those that were allowed it, and those of the issuer's
    /// own that never had to ask.
    async fn applications(&self) -> Result<Vec<ApplicationView>, Refusal> {
        let visit = self.visit;
        let (store, issuer) = (&visit.app.core.store, visit.address.issuer.id);
        let user = self.user().id;
        let apis = store.apis(issuer).await?;
        let mut known: Vec<(String, crate::protocol::Scope, crate::clock::Timestamp)> = store
            .list_consents(issuer, user)
            .await?
            .into_iter()
            .map(|consent| (consent.client_id, consent.scope, consent.created_at))
            .collect();
        for grant in store.list_grants(issuer, user, visit.now).await? {
            match known.iter_mut().find(|(id, ..)| *id == grant.client_id) {
                Some((_, scope, since)) => {
                    scope.extend(&grant.scope);
                    *since = (*since).min(grant.created_at);
                }
                None => known.push((grant.client_id, grant.scope, grant.created_at)),
            }
        }
        let mut applications = Vec::new();
        for (client_id, scope, since) in known {
            let Some(client) = store.find_client(issuer, &client_id).await? else {
                continue;
            };
            applications.push(ApplicationView {
                name: client.client_name.clone(),
                operator: client.metadata.operator.clone(),
                scopes: scope
                    .tokens()
                    .iter()
                    .map(|scope| self.words(&apis, scope))
                    .collect(),
                since: since.rfc3339(),
                client_id,
            });
        }
        Ok(applications)
    }

    fn words(&self, apis: &[Api], scope: &str) -> String {
        let language = self.visit.language;
        if let Some(words) = language.texts().scope(scope) {
            return words.title.to_string();
        }
        apis.iter()
            .find_map(|api| description(api.find_scope(scope)?, language))
            .unwrap_or_else(|| scope.to_owned())
    }

    async fn end_session(&self, fields: &Fields) -> Result<HttpResponse, Refusal> {
        let visit = self.visit;
        let (store, issuer) = (&visit.app.core.store, visit.address.issuer.id);
        let wanted = fields.text("session");
        let sessions = store
            .list_sessions(issuer, self.user().id, visit.now)
            .await?;
        let found = sessions
            .into_iter()
            .find(|session| session.id.0.to_string() == wanted);
        let Some(session) = found else {
            // Ended already, by another form or by time.
            return Ok(self.done(AccountNotice::SessionEnded));
        };
        let SessionId(id) = session.id;
        store.end_session(issuer, session.id, visit.now).await?;
        visit.authority.tell_clients(session.id).await?;
        if id != self.current.signed_in.session.id.0 {
            return Ok(self.done(AccountNotice::SessionEnded));
        }
        let rest: Vec<HeldSession> = visit.held.iter().skip(1).cloned().collect();
        let mut response = visit.redirect(&visit.path("/sign-out"));
        if !rest.is_empty() {
            response = visit.redirect(&visit.path("/account"));
        }
        cookies::set_sessions(visit.address, &mut response, &rest);
        Ok(response)
    }

    async fn end_other_sessions(&self) -> Result<HttpResponse, Refusal> {
        let session = &self.current.signed_in.session;
        self.visit.authority.end_other_sessions(session).await?;
        Ok(self.done(AccountNotice::OthersEnded))
    }

    /// Everything the client was granted is worth nothing from now on, and it has to ask again.
    async fn withdraw(&self, fields: &Fields) -> Result<HttpResponse, Refusal> {
        let visit = self.visit;
        let (store, issuer) = (&visit.app.core.store, visit.address.issuer.id);
        let (user, client_id) = (self.user().id, fields.text("client_id"));
        let mut tx = store.write().await?;
        tx.delete_consent(issuer, user, client_id).await?;
        tx.revoke_grants_of(issuer, user, Some(client_id), visit.now)
            .await?;
        tx.commit().await?;
        Ok(self.done(AccountNotice::AccessWithdrawn))
    }

    fn profile(&self) -> HttpResponse {
        let claims = &self.user().claims;
        let text = |name| claims.text(name).unwrap_or_default().to_owned();
        let fields = ProfileFields {
            name: text("name"),
            given_name: text("given_name"),
            family_name: text("family_name"),
            email: text("email"),
            phone_number: text("phone_number"),
            locale: text("locale"),
        };
        self.show_profile(StatusCode::OK, fields, Vec::new())
    }

    fn show_profile(
        &self,
        status: StatusCode,
        fields: ProfileFields,
        problems: Vec<ProfileProblem>,
    ) -> HttpResponse {
        let page = ProfilePage {
            frame: self.visit.frame(),
            csrf: self.visit.csrf(),
            fields,
            problems,
        };
        self.visit.show(status, &page, &PLAIN)
    }

    async fn save_profile(&self, fields: &Fields) -> Result<HttpResponse, Refusal> {
        let typed = |name| fields.text(name).trim().to_owned();
        let fields = ProfileFields {
            name: typed("name"),
            given_name: typed("given_name"),
            family_name: typed("family_name"),
            email: typed("email"),
            phone_number: typed("phone_number"),
            locale: typed("locale"),
        };
        let problems = problems(&fields);
        if !problems.is_empty() {
            return Ok(self.show_profile(StatusCode::BAD_REQUEST, fields, problems));
        }
        let user = self.user();
        let claims = changed(&user.claims, &fields);
        if claims != user.claims {
            let visit = self.visit;
            let (store, issuer) = (&visit.app.core.store, visit.address.issuer.id);
            store
                .set_claims(issuer, user.id, &claims, visit.now)
                .await?;
        }
        Ok(self.done(AccountNotice::ProfileSaved))
    }

    fn password(&self, status: StatusCode, problem: Option<PasswordProblem>) -> HttpResponse {
        let page = PasswordPage {
            frame: self.visit.frame(),
            csrf: self.visit.csrf(),
            username: self.user().username.clone(),
            problem,
        };
        self.visit.show(status, &page, &PLAIN)
    }

    /// Changes the password and ends every other session: whoever else is signed in may be the
    /// reason for the change.
    async fn change_password(&self, fields: &Fields) -> Result<HttpResponse, Refusal> {
        let visit = self.visit;
        let user = self.user();
        let again = |status, problem| Ok(self.password(status, Some(problem)));
        let old = fields.secret("current_password");
        let new: Secret = fields.secret("new_password");
        if fields.text("repeated_password") != new.expose() {
            return again(StatusCode::BAD_REQUEST, PasswordProblem::Differ);
        }
        if let Err(fault) = check_new_password(&user.username, &old, &new) {
            let problem = match fault {
                PasswordFault::TooShort => PasswordProblem::TooShort,
                PasswordFault::TooLong => PasswordProblem::TooLong,
                PasswordFault::TooEasy => PasswordProblem::TooEasy,
            };
            return again(StatusCode::BAD_REQUEST, problem);
        }
        let attempt = Attempt {
            username: &user.username,
            password: &old,
            address: &visit.ip,
            user_agent: &visit.user_agent,
            occasion: Occasion::Confirmation,
        };
        match visit.authority.check_password(&attempt).await {
            Ok(Ok(_)) => {}
            Ok(Err(NotSignedIn::Throttled { wait })) => {
                let seconds = wait.as_secs();
                return again(
                    StatusCode::TOO_MANY_REQUESTS,
                    PasswordProblem::Throttled { seconds },
                );
            }
            Ok(Err(NotSignedIn::WrongCredentials | NotSignedIn::Blocked)) => {
                return again(StatusCode::FORBIDDEN, PasswordProblem::WrongPassword);
            }
            Err(Refusal::Busy(_)) => {
                return again(StatusCode::SERVICE_UNAVAILABLE, PasswordProblem::Busy);
            }
            Err(refusal) => return Err(refusal),
        }
        visit.authority.set_password(user, &new).await?;
        let session = &self.current.signed_in.session;
        visit.authority.end_other_sessions(session).await?;
        Ok(self.done(AccountNotice::PasswordChanged))
    }
}

/// What is wrong with a profile, all of it.
fn problems(fields: &ProfileFields) -> Vec<ProfileProblem> {
    let is_usable =
        |text: &str| text.chars().count() <= LONGEST_NAME && !text.chars().any(char::is_control);
    let mut problems = Vec::new();
    if fields.name.is_empty() {
        problems.push(ProfileProblem::MissingName);
    }
    let names = [&fields.name, &fields.given_name, &fields.family_name];
    if !names.iter().all(|name| is_usable(name)) {
        problems.push(ProfileProblem::UnusableName);
    }
    if !fields.email.is_empty() && !is_email(&fields.email) {
        problems.push(ProfileProblem::MalformedEmail);
    }
    if !fields.phone_number.is_empty() && !is_phone_number(&fields.phone_number) {
        problems.push(ProfileProblem::MalformedPhoneNumber);
    }
    problems
}

/// Enough to catch a slip: whether an address exists only a message to it can tell.
fn is_email(text: &str) -> bool {
    let is_plain = |c: char| !c.is_control() && !c.is_whitespace();
    match text.rsplit_once('@') {
        Some((local, domain)) => {
            !local.is_empty()
                && text.len() <= 254
                && text.chars().all(is_plain)
                && domain.contains('.')
                && !domain.starts_with('.')
                && !domain.ends_with('.')
        }
        None => false,
    }
}

/// OIDC Core §5.1 recommends E.164; people also write spaces, brackets and an extension.
fn is_phone_number(text: &str) -> bool {
    let digits = text.chars().filter(char::is_ascii_digit).count();
    let is_allowed = |c: char| c.is_ascii_digit() || " +-()./;=ext".contains(c);
    (5..=20).contains(&digits) && text.len() <= 40 && text.chars().all(is_allowed)
}

/// The claims with what was typed. What is emptied is gone, and an address or number that is
/// another one has not been verified.
fn changed(claims: &UserClaims, fields: &ProfileFields) -> UserClaims {
    let mut claims = claims.clone();
    for (name, typed, verified) in [
        ("name", &fields.name, None),
        ("given_name", &fields.given_name, None),
        ("family_name", &fields.family_name, None),
        ("email", &fields.email, Some("email_verified")),
        (
            "phone_number",
            &fields.phone_number,
            Some("phone_number_verified"),
        ),
    ] {
        if claims.text(name).unwrap_or_default() == typed {
            continue;
        }
        if typed.is_empty() {
            claims.0.remove(name);
        } else {
            claims.0.insert(name.to_owned(), typed.clone().into());
        }
        if let Some(verified) = verified {
            claims.0.remove(verified);
        }
    }
    match super::pages::Language::find(&fields.locale) {
        // `es-MX` stays so, when what was chosen is Spanish.
        Some(language)
            if claims.text("locale").and_then(super::pages::Language::find) == Some(language) => {}
        Some(language) => {
            claims
                .0
                .insert("locale".to_owned(), language.as_str().into());
        }
        None => {
            claims.0.remove("locale");
        }
    }
    claims
}
