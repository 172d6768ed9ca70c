//! What templates ask of a page: the words for what it says.

use std::fmt::Display;

use url::Url;

use super::texts::ErrorWords;
use super::{
    AccountChoice, AccountNotice, AccountPage, Brand, ClientView, ErrorKind, ErrorPage, Frame,
    PasswordPage, PasswordProblem, ProfilePage, ProfileProblem, ScopeChoice, SetPasswordPage,
    SignInPage, SignInProblem, Text, Texts,
};

impl Frame<'_> {
    pub fn texts(&self) -> &'static Texts {
        self.language.texts()
    }
}

impl Brand {
    /// What stands for the logo where there is none.
    pub fn initial(&self) -> String {
        initial(&self.name)
    }

    /// Where people get help, as a link may lead there.
    pub fn help_link(&self) -> Option<&str> {
        link(&self.help_uri)
    }
}

impl ClientView {
    /// Pages about the client: address and words.
    pub fn links<'a>(&'a self, texts: &'a Texts) -> Vec<(&'a str, &'a Text)> {
        let texts = &texts.client;
        [
            (&self.client_uri, &texts.website),
            (&self.policy_uri, &texts.policy),
            (&self.tos_uri, &texts.tos),
        ]
        .into_iter()
        .filter_map(|(address, words)| Some((link(address)?, words)))
        .collect()
    }
}

impl AccountChoice {
    pub fn initial(&self) -> String {
        initial(&self.name)
    }
}

/// The first letter or digit of a name, as a capital.
pub fn initial(name: &str) -> String {
    name.chars()
        .find(|c| c.is_alphanumeric())
        .map(|c| c.to_uppercase().collect())
        .unwrap_or_default()
}

/// The host of an address, or its scheme: who is at the other end, as people can check it.
pub fn host(address: &str) -> String {
    match Url::parse(address) {
        Ok(url) => url.host_str().unwrap_or(url.scheme()).to_owned(),
        Err(_) => address.to_owned(),
    }
}

/// An address that a link may lead to. Clients register addresses that nobody reads, and a link
/// such as `javascript:…` would run on our page.
pub fn link(address: &Option<String>) -> Option<&str> {
    address.as_deref().filter(|address| is_followable(address))
}

pub fn is_followable(address: &str) -> bool {
    match Url::parse(address) {
        Ok(url) => !matches!(
            url.scheme(),
            "javascript" | "data" | "vbscript" | "blob" | "filesystem" | "about"
        ),
        Err(_) => address.starts_with('/'),
    }
}

impl SignInPage<'_> {
    pub(super) fn heading(&self) -> &'static Text {
        let texts = &self.frame.texts().sign_in;
        if self.is_reauthentication {
            &texts.title_again
        } else {
            &texts.title
        }
    }

    pub(super) fn problem_words(&self) -> Option<String> {
        let all = self.frame.texts();
        let texts = &all.sign_in;
        Some(match self.problem.as_ref()? {
            SignInProblem::MissingUsername => texts.missing_username.to_string(),
            SignInProblem::MissingPassword => texts.missing_password.to_string(),
            SignInProblem::WrongCredentials => texts.wrong_credentials.to_string(),
            SignInProblem::Throttled { seconds } => {
                let text = texts.throttled.fill("wait", all.wait(*seconds));
                text.to_string()
            }
            SignInProblem::Busy => texts.busy.to_string(),
            SignInProblem::Blocked => {
                let text = texts.blocked.fill("issuer", &self.frame.brand.name);
                text.to_string()
            }
        })
    }

    pub(super) fn is_username_wrong(&self) -> bool {
        matches!(
            self.problem,
            Some(SignInProblem::MissingUsername | SignInProblem::WrongCredentials)
        )
    }

    pub(super) fn is_password_wrong(&self) -> bool {
        matches!(
            self.problem,
            Some(SignInProblem::MissingPassword | SignInProblem::WrongCredentials)
        )
    }
}

impl ScopeChoice {
    /// What the scope means: as configured, else as the locale has it, else the scope itself.
    pub fn title(&self, texts: &Texts) -> String {
        match (&self.description, texts.scope(&self.value)) {
            (Some(description), _) => description.clone(),
            (None, Some(words)) => words.title.to_string(),
            (None, None) => self.value.clone(),
        }
    }

    /// More of what it means, where the title is the locale's.
    pub fn detail<'t>(&self, texts: &'t Texts) -> Option<&'t Text> {
        match self.description {
            Some(_) => None,
            None => texts.scope(&self.value).map(|words| &words.description),
        }
    }
}

impl ErrorPage<'_> {
    pub(super) fn words(&self) -> &'static ErrorWords {
        let texts = &self.frame.texts().error;
        match self.kind {
            ErrorKind::Client => &texts.client,
            ErrorKind::Expired => &texts.expired,
            ErrorKind::Unavailable => &texts.unavailable,
        }
    }
}

impl AccountPage<'_> {
    pub(super) fn notice_words(&self) -> Option<&'static Text> {
        let texts = &self.frame.texts().account;
        Some(match self.notice? {
            AccountNotice::ProfileSaved => &texts.profile_saved,
            AccountNotice::PasswordChanged => &texts.password_changed,
            AccountNotice::SessionEnded => &texts.session_ended,
            AccountNotice::OthersEnded => &texts.others_ended,
            AccountNotice::AccessWithdrawn => &texts.access_withdrawn,
        })
    }

    pub(super) fn has_other_sessions(&self) -> bool {
        self.sessions.iter().any(|session| !session.is_current)
    }
}

impl ProfilePage<'_> {
    pub(super) fn problem_of(&self, field: &str) -> Option<&'static Text> {
        let problem = self
            .problems
            .iter()
            .find(|problem| problem.field() == field);
        problem.map(|problem| problem.words(self.frame.texts()))
    }
}

impl ProfileProblem {
    /// The field to correct.
    pub const fn field(self) -> &'static str {
        match self {
            Self::MissingName | Self::UnusableName => "name",
            Self::MalformedEmail => "email",
            Self::MalformedPhoneNumber => "phone_number",
        }
    }

    pub fn words(self, texts: &Texts) -> &Text {
        let texts = &texts.profile;
        match self {
            Self::MissingName => &texts.missing_name,
            Self::UnusableName => &texts.unusable_name,
            Self::MalformedEmail => &texts.malformed_email,
            Self::MalformedPhoneNumber => &texts.malformed_phone_number,
        }
    }
}

impl PasswordPage<'_> {
    pub(super) fn problem_words(&self) -> Option<String> {
        Some(self.problem?.words(self.frame.texts()))
    }

    pub(super) fn is_current_wrong(&self) -> bool {
        matches!(self.problem, Some(PasswordProblem::WrongPassword))
    }

    pub(super) fn is_new_wrong(&self) -> bool {
        self.problem.is_some_and(PasswordProblem::is_of_new)
    }

    pub(super) fn is_repeated_wrong(&self) -> bool {
        self.problem == Some(PasswordProblem::Differ)
    }
}

impl SetPasswordPage<'_> {
    pub(super) fn problem_words(&self) -> Option<String> {
        Some(self.problem?.words(self.frame.texts()))
    }

    pub(super) fn is_new_wrong(&self) -> bool {
        self.problem.is_some_and(PasswordProblem::is_of_new)
    }

    pub(super) fn is_repeated_wrong(&self) -> bool {
        self.problem == Some(PasswordProblem::Differ)
    }
}

impl PasswordProblem {
    pub fn words(self, all: &Texts) -> String {
        let texts = &all.password;
        let words: &dyn Display = match self {
            Self::WrongPassword => &texts.wrong_password,
            Self::TooShort => &texts.too_short,
            Self::TooLong => &texts.too_long,
            Self::Differ => &texts.differ,
            Self::TooEasy => &texts.too_easy,
            Self::Throttled { seconds } => &texts.throttled.fill("wait", all.wait(seconds)),
            Self::Busy => &texts.busy,
        };
        words.to_string()
    }

    /// Whether the new password is at fault, by itself.
    const fn is_of_new(self) -> bool {
        matches!(self, Self::TooShort | Self::TooLong | Self::TooEasy)
    }
}
