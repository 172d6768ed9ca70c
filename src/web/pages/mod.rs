//! The pages people see: what each shows, as plain data. How it looks is in `templates/` and
//! `static/`, what it says in `locales/`, one file per language.

mod brand;
mod browser;
mod check_session;
#[cfg(test)]
mod gallery;
mod language;
mod respond;
mod texts;
mod words;

use askama::Template;

pub use browser::browser_name;
pub use check_session::session_state;
pub use language::Language;
pub use respond::{Policy, respond};
pub use texts::{Filled, FilledHtml, Text, Texts};
pub(in crate::web) use words::initial;

/// What every page has in common.
#[derive(Debug, Clone)]
pub struct Frame<'a> {
    pub language: Language,
    pub brand: &'a Brand,
    /// Where the issuer stands, without a slash at the end: `/clinic`, or nothing at a host name's
    /// root. Links start with it.
    pub base: &'a str,
    /// Whether this is `locum dev`.
    pub is_dev: bool,
}

/// How an issuer presents itself.
#[derive(Debug, Clone)]
pub struct Brand {
    /// "Sunrise Clinic"
    pub name: String,
    /// `#rrggbb`
    pub color: Option<String>,
    /// Whether there is a logo at `{base}/brand/logo`.
    pub has_logo: bool,
    /// Where people get help, as a URL.
    pub help_uri: Option<String>,
}

/// A client, as people are told about it.
#[derive(Debug, Clone)]
pub struct ClientView {
    pub name: String,
    /// Who runs it.
    pub operator: Option<String>,
    pub client_uri: Option<String>,
    pub policy_uri: Option<String>,
    pub tos_uri: Option<String>,
    /// The host it is reached at, or the scheme of an application on a device.
    pub host: String,
}

/// What a form sends back besides what the person fills in.
#[derive(Debug, Clone)]
pub struct Form {
    /// Where it is posted to.
    pub action: String,
    /// Field `csrf`.
    pub csrf: String,
    /// Field `ticket`: where the person is on the way; absent where there is no way.
    pub ticket: Option<String>,
}

/// Fields `username`, `password`, `remember`; button `#sign-in`.
#[derive(Template)]
#[template(path = "sign_in.html")]
pub struct SignInPage<'a> {
    pub frame: Frame<'a>,
    pub form: Form,
    /// `None` on the way to the account page.
    pub client: Option<ClientView>,
    /// What was typed before, or the login hint.
    pub username: String,
    pub remember: bool,
    /// Whether somebody who is signed in already has to prove it again.
    pub is_reauthentication: bool,
    pub problem: Option<SignInProblem>,
    /// Whether they come from choosing the password they are to sign in with.
    pub has_chosen_password: bool,
    /// Buttons of the demo users: each a form of its own with hidden `username` and `password`.
    pub demo_users: Vec<DemoUser>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SignInProblem {
    MissingUsername,
    MissingPassword,
    /// Whether the user exists is not told.
    WrongCredentials,
    /// Too many attempts; seconds to wait.
    Throttled {
        seconds: u64,
    },
    /// Too many people sign in at this moment.
    Busy,
    /// The password was right.
    Blocked,
}

#[derive(Debug, Clone)]
pub struct DemoUser {
    pub username: String,
    pub password: String,
    pub roles: Vec<String>,
}

/// Buttons named `account`, whose value is a session or `other`.
#[derive(Template)]
#[template(path = "choose_account.html")]
pub struct ChooseAccountPage<'a> {
    pub frame: Frame<'a>,
    pub form: Form,
    pub client: Option<ClientView>,
    pub accounts: Vec<AccountChoice>,
}

#[derive(Debug, Clone)]
pub struct AccountChoice {
    pub value: String,
    pub name: String,
    pub username: String,
}

/// One checkbox `scope` for each scope, checkbox `remember`, buttons `#consent-allow` and
/// `#consent-deny`, both named `decision`, with values `allow` and `deny`.
#[derive(Template)]
#[template(path = "consent.html")]
pub struct ConsentPage<'a> {
    pub frame: Frame<'a>,
    pub form: Form,
    pub client: ClientView,
    pub user_name: String,
    pub username: String,
    /// What is known of the person: name, email, …
    pub identity: Vec<ScopeChoice>,
    /// What the client may do elsewhere, for each API.
    pub apis: Vec<ApiChoices>,
    /// Access while the person is away (`offline_access`).
    pub offline: Option<ScopeChoice>,
    pub remember: bool,
    /// Whether the form came back with nothing ticked.
    pub nothing_ticked: bool,
}

#[derive(Debug, Clone)]
pub struct ApiChoices {
    pub name: String,
    pub scopes: Vec<ScopeChoice>,
}

#[derive(Debug, Clone)]
pub struct ScopeChoice {
    /// The scope.
    pub value: String,
    /// Words for it, from the configuration; for an identity scope they are in the locale.
    pub description: Option<String>,
    pub is_checked: bool,
    /// Ticked and locked: the client cannot do without it.
    pub is_required: bool,
    /// Not allowed before, where others of this client were.
    pub is_new: bool,
}

/// Button `#sign-out-confirm`.
#[derive(Template)]
#[template(path = "sign_out.html")]
pub struct SignOutPage<'a> {
    pub frame: Frame<'a>,
    pub form: Form,
    pub client: Option<ClientView>,
    /// Who is signed in.
    pub username: String,
}

#[derive(Template)]
#[template(path = "signed_out.html")]
pub struct SignedOutPage<'a> {
    pub frame: Frame<'a>,
    /// Where to go on, which the page does by itself after a moment.
    pub continue_to: Option<String>,
    pub client: Option<ClientView>,
    /// Pages of clients to load in frames, so that they sign out as well (OIDC Front-Channel
    /// Logout §2).
    pub frontchannel: Vec<String>,
}

/// The OAuth error code is in `#error-code`.
#[derive(Template)]
#[template(path = "error.html")]
pub struct ErrorPage<'a> {
    pub frame: Frame<'a>,
    pub code: String,
    pub kind: ErrorKind,
    /// For the developer of the client.
    pub description: Option<String>,
}

/// What people are told went wrong, which is less than the developer is.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ErrorKind {
    /// The application sent something wrong; nothing the person can do.
    Client,
    /// The page is too old, or was sent twice, or cookies are off: start again from the
    /// application.
    Expired,
    /// This server cannot answer at the moment.
    Unavailable,
}

/// Posts `fields` to the client by itself, or by a button where there is no JavaScript
/// (OAuth 2.0 Form Post Response Mode).
#[derive(Template)]
#[template(path = "form_post.html")]
pub struct FormPostPage<'a> {
    pub frame: Frame<'a>,
    pub action: String,
    pub fields: Vec<(String, String)>,
}

/// Posts a message to the window that opened or embeds it (response mode `web_message`).
#[derive(Template)]
#[template(path = "web_message.html")]
pub struct WebMessagePage<'a> {
    pub frame: Frame<'a>,
    pub target_origin: String,
    /// JSON: `{"type":"authorization_response","response":{…}}`.
    pub message: String,
}

/// Answers a client's questions whether its session is still the same one, from a frame that nobody
/// sees (OIDC Session Management 1.0 §3.2): see [`session_state`].
#[derive(Template)]
#[template(path = "check_session.html")]
pub struct CheckSessionPage<'a> {
    pub frame: Frame<'a>,
    /// The name of the cookie that holds the browser state, which scripts can read.
    pub cookie: String,
}

/// A person's own page: profile, sessions, applications, sign-ins. Each action is a form of its
/// own that posts to `{base}/account/…`.
#[derive(Template)]
#[template(path = "account.html")]
pub struct AccountPage<'a> {
    pub frame: Frame<'a>,
    /// The token for every form of the page.
    pub csrf: String,
    pub user_name: String,
    pub username: String,
    pub email: Option<String>,
    /// Posts `session` to `{base}/account/sessions/end`; all others, to
    /// `{base}/account/sessions/end-others`.
    pub sessions: Vec<SessionView>,
    /// Posts `client_id` to `{base}/account/applications/withdraw`.
    pub applications: Vec<ApplicationView>,
    pub sign_ins: Vec<SignInView>,
    /// Whether it is an administrator's, who has come from the console.
    pub is_administrators: bool,
    pub notice: Option<AccountNotice>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum AccountNotice {
    ProfileSaved,
    PasswordChanged,
    SessionEnded,
    OthersEnded,
    AccessWithdrawn,
}

#[derive(Debug, Clone)]
pub struct SessionView {
    pub value: String,
    pub is_current: bool,
    /// "Firefox on Linux", or what the browser said of itself, shortened.
    pub browser: String,
    pub address: String,
    /// `2026-11-22T09:30:00Z`
    pub started_at: String,
    pub last_seen_at: String,
}

#[derive(Debug, Clone)]
pub struct ApplicationView {
    pub client_id: String,
    pub name: String,
    pub operator: Option<String>,
    /// Words for each scope.
    pub scopes: Vec<String>,
    pub since: String,
}

#[derive(Debug, Clone)]
pub struct SignInView {
    pub at: String,
    pub succeeded: bool,
    pub browser: String,
    pub address: String,
    pub client_name: Option<String>,
}

/// Fields `name`, `given_name`, `family_name`, `email`, `phone_number`, `locale`; posts to
/// `{base}/account/profile`.
#[derive(Template)]
#[template(path = "profile.html")]
pub struct ProfilePage<'a> {
    pub frame: Frame<'a>,
    pub csrf: String,
    pub fields: ProfileFields,
    pub problems: Vec<ProfileProblem>,
}

#[derive(Debug, Clone, Default)]
pub struct ProfileFields {
    pub name: String,
    pub given_name: String,
    pub family_name: String,
    pub email: String,
    pub phone_number: String,
    /// `en`, `es`, or nothing: as the browser asks.
    pub locale: String,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ProfileProblem {
    MissingName,
    /// Longer than 200 characters, or with control characters.
    UnusableName,
    MalformedEmail,
    MalformedPhoneNumber,
}

/// Fields `current_password`, `new_password`, `repeated_password`; posts to
/// `{base}/account/password`.
#[derive(Template)]
#[template(path = "password.html")]
pub struct PasswordPage<'a> {
    pub frame: Frame<'a>,
    pub csrf: String,
    /// For password managers: a hidden field `username`.
    pub username: String,
    pub problem: Option<PasswordProblem>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum PasswordProblem {
    WrongPassword,
    /// Shorter than 12 characters.
    TooShort,
    /// Longer than 1024 bytes.
    TooLong,
    /// The two new ones differ.
    Differ,
    /// The same as before, the username, or one of the most common ones.
    TooEasy,
    Throttled {
        seconds: u64,
    },
    Busy,
}

/// Somebody who has been invited, or has forgotten a password, chooses one by a link that works
/// once. Fields `new_password`, `repeated_password`, and the hidden `link`.
#[derive(Template)]
#[template(path = "set_password.html")]
pub struct SetPasswordPage<'a> {
    pub frame: Frame<'a>,
    pub csrf: String,
    /// Where it is posted to.
    pub action: String,
    /// The secret of the link.
    pub link: String,
    pub username: String,
    /// What to greet with.
    pub user_name: String,
    pub problem: Option<PasswordProblem>,
}

/// The link was used before, or is too old.
#[derive(Template)]
#[template(path = "password_link_expired.html")]
pub struct PasswordLinkExpiredPage<'a> {
    pub frame: Frame<'a>,
}
