use super::rights::Permission;
use crate::keys::{CannotOpen, UnusableKey};
use crate::secret::VerifierBusy;
use crate::source::Mistake;
use crate::store::StoreError;

/// Why something administered was not done. Nothing has changed.
#[derive(Debug, thiserror::Error)]
pub enum AdminFault {
    #[error("this needs the permission {}{}", permission.as_str(), at(issuer))]
    Forbidden {
        permission: Permission,
        issuer: Option<String>,
    },
    #[error("there is no {what} {name:?}")]
    NotFound { what: &'static str, name: String },
    #[error("{what} {name:?} is there already")]
    Exists { what: &'static str, name: String },
    /// Somebody else was quicker.
    #[error("{what} {name:?} has changed meanwhile; look at it as it is now, and decide again")]
    Changed { what: &'static str, name: String },
    /// One for each member that is wrong.
    #[error("{}", problems(.0))]
    Invalid(Vec<Problem>),
    #[error("{what} {name:?} is in use: {by}")]
    InUse {
        what: &'static str,
        name: String,
        by: String,
    },
    #[error("somebody has to be owner: this one is the last who is, and can sign in")]
    LastOwner,
    #[error("{0}")]
    NotPossible(String),
    #[error("too much at once; try again in a moment")]
    Busy(#[from] VerifierBusy),
    /// What was checked may not hold any more when it is written. Trying again checks anew.
    #[error("others are changing the same at this moment; try again")]
    Contended,
    #[error(transparent)]
    Store(StoreError),
    #[error(transparent)]
    Key(#[from] UnusableKey),
    #[error(transparent)]
    Sealed(#[from] CannotOpen),
    #[error("the issuer's dialect cannot be read: {0}")]
    Dialect(#[from] Mistake),
}

/// What is wrong with one member of what was sent.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// The member's name; `redirect_uris`, `scopes`.
    pub field: String,
    pub message: String,
}

pub type Result<T, E = AdminFault> = std::result::Result<T, E>;

impl Problem {
    pub fn new(field: impl Into<String>, message: impl Into<String>) -> Self {
        Self {
            field: field.into(),
            message: message.into(),
        }
    }
}

impl From<StoreError> for AdminFault {
    fn from(error: StoreError) -> Self {
        // It was there when it was looked for.
        if error.is_about_something_gone() {
            Self::Contended
        } else {
            Self::Store(error)
        }
    }
}

impl AdminFault {
    pub fn not_found(what: &'static str, name: impl Into<String>) -> Self {
        Self::NotFound {
            what,
            name: name.into(),
        }
    }

    pub fn exists(what: &'static str, name: impl Into<String>) -> Self {
        Self::Exists {
            what,
            name: name.into(),
        }
    }

    pub fn changed(what: &'static str, name: impl Into<String>) -> Self {
        Self::Changed {
            what,
            name: name.into(),
        }
    }

    /// `Ok` when there are no problems.
    pub fn unless(problems: Vec<Problem>) -> Result<()> {
        if problems.is_empty() {
            Ok(())
        } else {
            Err(Self::Invalid(problems))
        }
    }
}

fn at(issuer: &Option<String>) -> String {
    match issuer {
        Some(issuer) => format!(" at issuer {issuer}"),
        None => " at the server".to_owned(),
    }
}

fn problems(problems: &[Problem]) -> String {
    let lines: Vec<String> = problems
        .iter()
        .map(|problem| format!("{}: {}", problem.field, problem.message))
        .collect();
    lines.join("; ")
}

/// What a fault or problem says, to stand by itself.
pub fn sentence(text: &str) -> String {
    let mut chars = text.chars();
    let first = chars.next().map(|c| c.to_uppercase().to_string());
    ended(&format!("{}{}", first.unwrap_or_default(), chars.as_str()))
}

/// The same where it begins with a name, which is spelt as it is.
pub fn ended(text: &str) -> String {
    let end = if text.ends_with(['.', '!', '?']) {
        ""
    } else {
        "."
    };
    format!("{text}{end}")
}
