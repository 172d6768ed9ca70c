//! A person's own page: profile, password, sessions, applications, recent sign-ins.

use actix_web::http::{Method, StatusCode};
use actix_web::{HttpRequest, HttpResponse, web};

use super::address::Address;
use super::consent::description;
use super::pages::{
    AccountNotice, AccountPage, ApplicationView, Language, PasswordPage, PasswordProblem,
    ProfileFields, ProfilePage, ProfileProblem, SessionView, SignInView, browser_name,
};
use super::visit::{Fields, PLAIN, Visit, in_query, to_page};
use super::{App, cookies, logout};
use crate::account::{Profile, ProfileFault, User};
use crate::issuer::Api;
use crate::oauth::Refusal;
use crate::secret::Secret;
use crate::signin::own_account::Application;
use crate::signin::password::{Attempt, NotSignedIn, Occasion, PasswordFault, check_new_password};
use crate::signin::session::HeldSession;

/// How many sign-ins are shown.
const SIGN_INS: i64 = 20;

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
        return visit.redirect(&visit.page_with("/sign-in", &to_page("/account", visit.now)));
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
    let done = in_query(request, "done");
    let (_, notice) = NOTICES.iter().find(|(name, _)| *name == done)?;
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
            is_administrators: visit.is_console(),
            notice,
        };
        Ok(visit.show(StatusCode::OK, &page, &PLAIN))
    }

    async fn applications(&self) -> Result<Vec<ApplicationView>, Refusal> {
        let visit = self.visit;
        let apis = visit.app.core.store.apis(visit.address.issuer.id).await?;
        let applications = visit.authority.applications(self.user()).await?;
        let view = |application: Application| ApplicationView {
            client_id: application.client.client_id.clone(),
            name: application.client.client_name.clone(),
            operator: application.client.metadata.operator.clone(),
            scopes: application
                .scope
                .tokens()
                .iter()
                .map(|scope| self.words(&apis, scope))
                .collect(),
            since: application.since.rfc3339(),
        };
        Ok(applications.into_iter().map(view).collect())
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
        let wanted = fields.text("session");
        if wanted == self.current.signed_in.session.id.0.to_string() {
            return Ok(logout::leave(visit).await);
        }
        visit.authority.end_own_session(self.user(), wanted).await?;
        Ok(self.done(AccountNotice::SessionEnded))
    }

    async fn end_other_sessions(&self) -> Result<HttpResponse, Refusal> {
        let current = &self.current.signed_in;
        self.visit.authority.end_other_sessions(current).await?;
        Ok(self.done(AccountNotice::OthersEnded))
    }

    async fn withdraw(&self, fields: &Fields) -> Result<HttpResponse, Refusal> {
        let client_id = fields.text("client_id");
        self.visit
            .authority
            .withdraw(self.user(), client_id)
            .await?;
        Ok(self.done(AccountNotice::AccessWithdrawn))
    }

    fn profile(&self) -> HttpResponse {
        self.show_profile(StatusCode::OK, Profile::of(&self.user().claims), &[])
    }

    fn show_profile(
        &self,
        status: StatusCode,
        profile: Profile,
        faults: &[ProfileFault],
    ) -> HttpResponse {
        let page = ProfilePage {
            frame: self.visit.frame(),
            csrf: self.visit.csrf(),
            fields: ProfileFields {
                name: profile.name,
                given_name: profile.given_name,
                family_name: profile.family_name,
                email: profile.email,
                phone_number: profile.phone_number,
                // The page offers languages, not their regions.
                locale: Language::find(&profile.locale)
                    .map(|language| language.as_str().to_owned())
                    .unwrap_or_default(),
            },
            problems: faults
                .iter()
                .map(|fault| match fault {
                    ProfileFault::MissingName => ProfileProblem::MissingName,
                    ProfileFault::UnusableName => ProfileProblem::UnusableName,
                    ProfileFault::MalformedEmail => ProfileProblem::MalformedEmail,
                    ProfileFault::MalformedPhoneNumber => ProfileProblem::MalformedPhoneNumber,
                })
                .collect(),
        };
        self.visit.show(status, &page, &PLAIN)
    }

    async fn save_profile(&self, fields: &Fields) -> Result<HttpResponse, Refusal> {
        let user = self.user();
        let typed = |name| fields.text(name).trim().to_owned();
        let chosen = Language::find(&typed("locale"));
        let before = Profile::of(&user.claims).locale;
        let profile = Profile {
            name: typed("name"),
            given_name: typed("given_name"),
            family_name: typed("family_name"),
            email: typed("email"),
            phone_number: typed("phone_number"),
            // `es-MX` stays so, when what was chosen is Spanish.
            locale: match chosen {
                chosen if chosen == Language::find(&before) => before,
                Some(language) => language.as_str().to_owned(),
                None => String::new(),
            },
        };
        let faults = profile.faults();
        if !faults.is_empty() {
            return Ok(self.show_profile(StatusCode::BAD_REQUEST, profile, &faults));
        }
        let claims = profile.applied_to(&user.claims);
        if claims != user.claims {
            let visit = self.visit;
            visit.authority.set_own_claims(user, &claims).await?;
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

    async fn change_password(&self, fields: &Fields) -> Result<HttpResponse, Refusal> {
        let visit = self.visit;
        let user = self.user();
        let again = |status, problem| Ok(self.password(status, Some(problem)));
        let old = fields.password("current_password");
        let new: Secret = fields.password("new_password");
        if fields.password("repeated_password").expose() != new.expose() {
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
        let session = &self.current.signed_in.session;
        visit.authority.set_password(user, session, &new).await?;
        // Under a new token, so that whoever holds the old one is signed out as well.
        let opened = visit
            .authority
            .open_session(user, session.is_remembered, &visit.held)
            .await?;
        let mut held = visit.held.clone();
        if let Some(current) = held.first_mut() {
            *current = opened;
        }
        let mut response = self.done(AccountNotice::PasswordChanged);
        cookies::set_sessions(visit.address, &mut response, &held);
        Ok(response)
    }
}
