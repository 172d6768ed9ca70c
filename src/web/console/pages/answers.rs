//! What any request may be answered with: a question back, or a reason why not.

use askama::Template;

use super::{ConsentRow, ConsoleFrame, Editing, Named, SessionRow, Standing, links, words};
use crate::protocol::SigningAlg;

/// Asks before something is done that breaks something. Posts back to its own address, with the
/// hidden `revision` of what it is about.
#[derive(Template)]
#[template(path = "console/confirm.html")]
pub struct ConfirmPage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub question: Question,
    /// Why it cannot be done; then there is nothing to press.
    pub obstacle: Option<String>,
}

/// What is asked, with what is needed to say what will break.
#[derive(Debug, Clone)]
pub enum Question {
    DisableClient {
        client: Editing,
    },
    DeleteClient {
        client: Editing,
        /// Users who allowed it something.
        users: usize,
        /// Grants that are alive.
        grants: usize,
    },
    RemovePreviousSecret {
        client: Editing,
        until: String,
    },
    DeleteApi {
        api: Editing,
        clients: Vec<Named>,
        roles: Vec<Named>,
    },
    DeleteRole {
        role: Editing,
        users: usize,
    },
    BlockUser {
        user: Editing,
        sessions: usize,
    },
    DeleteUser {
        user: Editing,
        sessions: usize,
        consents: usize,
    },
    EndSession {
        session: SessionRow,
        /// What the address says of where it was asked.
        from: String,
        /// Where that is.
        back: String,
    },
    EndSessions {
        user: Editing,
        sessions: usize,
    },
    WithdrawConsent {
        user: Editing,
        consent: ConsentRow,
    },
    RemoveInitialAccessToken {
        token: Named,
    },
    RotateKeys {
        alg: SigningAlg,
        kid: String,
    },
    DeleteKey {
        kid: String,
        alg: SigningAlg,
        retired_at: String,
    },
    DeleteIssuer {
        issuer: Editing,
        clients: usize,
        users: usize,
    },
    RemoveAdministrator {
        administrator: Editing,
    },
}

/// A question in words.
pub struct QuestionWords {
    pub title: String,
    /// What it is about, as people know it.
    pub subject: String,
    /// What will happen, sentence by sentence.
    pub consequences: Vec<String>,
    /// Who and what it touches, by what they are.
    pub details: Vec<(&'static str, Vec<String>)>,
    /// How it can be undone, or that it cannot.
    pub undo: &'static str,
    pub submit: &'static str,
    pub is_dangerous: bool,
    pub action: String,
    pub back: String,
    pub revision: Option<i64>,
    pub is_declared: bool,
}

impl ConfirmPage<'_> {
    pub fn words(&self) -> QuestionWords {
        self.question.words(&self.frame)
    }
}

impl Question {
    fn words(&self, frame: &ConsoleFrame<'_>) -> QuestionWords {
        match self {
            Self::DisableClient { client } => QuestionWords {
                consequences: vec![
                    "It gets no more tokens, and nobody can sign in to it.".to_owned(),
                    "Tokens it has stay valid until they expire, where an API checks them by itself."
                        .to_owned(),
                ],
                undo: "You can enable it again at any time. Nothing is lost.",
                ..QuestionWords::about(frame, "Disable this client?", "Disable", client, "clients", "disable")
            },
            Self::DeleteClient {
                client,
                users,
                grants,
            } => QuestionWords {
                consequences: vec![
                    "It gets no more tokens, and nobody can sign in to it.".to_owned(),
                    match users {
                        0 => "No user has allowed it anything.".to_owned(),
                        1 => "1 user has allowed it access. That is forgotten.".to_owned(),
                        _ => format!(
                            "{} users have allowed it access. That is forgotten.",
                            words::thousands(users)
                        ),
                    },
                    match grants {
                        0 => "It holds no living grant.".to_owned(),
                        1 => "1 living grant ends, with all its tokens.".to_owned(),
                        _ => format!(
                            "{} living grants end, with all their tokens.",
                            words::thousands(grants)
                        ),
                    },
                ],
                undo: "This cannot be undone. To stop it only for now, disable it instead.",
                ..QuestionWords::about(frame, "Delete this client?", "Delete", client, "clients", "delete")
            },
            Self::RemovePreviousSecret { client, until } => QuestionWords {
                consequences: vec![
                    format!(
                        "Programs that still use it are refused at once, instead of from {}.",
                        words::moment(until)
                    ),
                    "The newest secret goes on working.".to_owned(),
                ],
                undo: "This cannot be undone.",
                ..QuestionWords::about(
                    frame,
                    "Stop the previous secret now?",
                    "Stop it now",
                    client,
                    "clients",
                    "remove-previous-secret",
                )
            },
            Self::DeleteApi {
                api,
                clients,
                roles,
            } => QuestionWords {
                consequences: vec![
                    "No more tokens are issued for it.".to_owned(),
                    if clients.is_empty() && roles.is_empty() {
                        "No client and no role uses it.".to_owned()
                    } else {
                        "What uses it loses its scopes there:".to_owned()
                    },
                ],
                details: vec![("Clients", names(clients)), ("Roles", names(roles))],
                undo: "This cannot be undone.",
                ..QuestionWords::about(frame, "Delete this API?", "Delete", api, "apis", "delete")
            },
            Self::DeleteRole { role, users } => QuestionWords {
                consequences: vec![match users {
                    0 => "No user has this role.".to_owned(),
                    1 => "1 user has this role and loses what only it allows.".to_owned(),
                    _ => format!(
                        "{} users have this role and lose what only it allows.",
                        words::thousands(users)
                    ),
                }],
                undo: "This cannot be undone: who had the role is forgotten.",
                ..QuestionWords::about(frame, "Delete this role?", "Delete", role, "roles", "delete")
            },
            Self::BlockUser { user, sessions } => QuestionWords {
                consequences: vec![
                    "The person cannot sign in any more.".to_owned(),
                    signed_out(*sessions),
                    "Applications get no new tokens for this person.".to_owned(),
                ],
                undo: "You can unblock the person at any time.",
                ..QuestionWords::about(frame, "Block this user?", "Block", user, "users", "block")
            },
            Self::DeleteUser {
                user,
                sessions,
                consents,
            } => QuestionWords {
                consequences: vec![
                    "The account is gone, with its profile and roles.".to_owned(),
                    format!(
                        "So are {} and access given to {}.",
                        words::count(*sessions, "session", "sessions"),
                        words::count(*consents, "application", "applications"),
                    ),
                    "What the person did stays in the audit log.".to_owned(),
                ],
                undo: "This cannot be undone. To keep somebody out only for now, block them instead.",
                ..QuestionWords::about(frame, "Delete this user?", "Delete", user, "users", "delete")
            },
            Self::EndSession {
                session,
                from,
                back,
            } => QuestionWords {
                title: "End this session?".to_owned(),
                subject: session.user_name.clone(),
                consequences: end_of_sessions(format!(
                    "{} at {} is signed out. It has been signed in since {}.",
                    session.browser_words(),
                    session.address,
                    words::moment(&session.started_at),
                )),
                undo: "This cannot be undone, but the person can sign in again.",
                submit: "End the session",
                action: frame.at(&format!(
                    "sessions/{}/end{}",
                    session.segment(),
                    links::query(&[("from", from)])
                )),
                back: back.clone(),
                ..QuestionWords::default()
            },
            Self::EndSessions { user, sessions } => QuestionWords {
                consequences: end_of_sessions(signed_out(*sessions)),
                undo: "This cannot be undone, but the person can sign in again.",
                // A file declares the user, and not this.
                revision: None,
                is_declared: false,
                ..QuestionWords::about(
                    frame,
                    "Sign out everywhere?",
                    "Sign out everywhere",
                    user,
                    "users",
                    "end-sessions",
                )
            },
            Self::WithdrawConsent { user, consent } => QuestionWords {
                subject: consent.client_name.clone(),
                consequences: vec![
                    "What the person allowed it is forgotten. It has to ask again, unless it is \
                     registered as your own."
                        .to_owned(),
                    "Its refresh tokens for the person end.".to_owned(),
                    UNTIL_EXPIRY.to_owned(),
                ],
                details: vec![
                    ("User", vec![user.name.clone()]),
                    ("Scopes", consent.scopes.clone()),
                ],
                undo: "This cannot be undone here: only the person can allow it again.",
                // A file declares the user, and not this.
                revision: None,
                is_declared: false,
                ..QuestionWords::about(
                    frame,
                    "Withdraw this access?",
                    "Withdraw",
                    user,
                    "users",
                    &format!("withdraw?client_id={}", consent.segment()),
                )
            },
            Self::RemoveInitialAccessToken { token } => QuestionWords {
                title: "Remove this initial access token?".to_owned(),
                subject: token.name.clone(),
                consequences: vec![
                    "Nobody can register a client with it any more.".to_owned(),
                    "Clients that were registered with it stay as they are.".to_owned(),
                ],
                undo: "This cannot be undone, but you can make another one.",
                submit: "Remove",
                action: frame.at(&format!("registration/{}/delete", token.segment())),
                back: frame.at("registration"),
                ..QuestionWords::default()
            },
            Self::RotateKeys { alg, kid } => QuestionWords {
                title: format!("Make a new {} key?", alg.as_str()),
                subject: kid.clone(),
                consequences: vec![
                    "New tokens are signed with a new key from now on.".to_owned(),
                    "The key in use stays published, so that tokens it signed go on working."
                        .to_owned(),
                    "APIs that fetch the keys once and keep them for ever refuse the new tokens. \
                     Most libraries fetch them again by themselves."
                        .to_owned(),
                ],
                undo: "The old key no longer signs. When its last token has expired, you can delete it.",
                submit: "Make a new key",
                is_dangerous: false,
                action: frame.at(&format!("rotate-keys?alg={}", alg.as_str())),
                back: frame.at("keys"),
                ..QuestionWords::default()
            },
            Self::DeleteKey {
                kid,
                alg,
                retired_at,
            } => QuestionWords {
                title: format!("Delete this {} key?", alg.as_str()),
                subject: kid.clone(),
                consequences: vec![
                    format!(
                        "It has signed nothing since {}.",
                        words::moment(retired_at)
                    ),
                    "Every token it signed before is refused from now on, also where it has not \
                     expired."
                        .to_owned(),
                ],
                undo: "This cannot be undone.",
                submit: "Delete",
                action: frame.at(&format!("keys/{}/delete", links::segment(kid))),
                back: frame.at("keys"),
                ..QuestionWords::default()
            },
            Self::DeleteIssuer {
                issuer,
                clients,
                users,
            } => QuestionWords {
                title: "Delete this issuer?".to_owned(),
                subject: issuer.name.clone(),
                consequences: vec![
                    format!(
                        "Everything in it is gone: {}, {}, its APIs, roles, sessions and keys.",
                        words::count(*clients, "client", "clients"),
                        words::count(*users, "user", "users"),
                    ),
                    "Every token it has issued is worthless.".to_owned(),
                    "Its audit log stays, and `locum audit export` still writes it down.".to_owned(),
                ],
                undo: "This cannot be undone.",
                submit: "Delete the issuer",
                action: frame.at("delete"),
                back: frame.at("settings"),
                revision: Some(issuer.revision),
                is_declared: issuer.is_declared,
                ..QuestionWords::default()
            },
            Self::RemoveAdministrator { administrator } => {
                let segment = links::segment(&administrator.id);
                QuestionWords {
                    title: "Remove this administrator?".to_owned(),
                    subject: administrator.name.clone(),
                    consequences: vec![
                        "The person is signed out of the console and cannot come back.".to_owned(),
                        "Accounts the person has at an issuer stay as they are.".to_owned(),
                        "What the person did stays in the audit log.".to_owned(),
                    ],
                    undo: "You can add the person again, with a new password.",
                    submit: "Remove",
                    action: format!("/console/administrators/{segment}/delete"),
                    back: "/console/administrators".to_owned(),
                    revision: Some(administrator.revision),
                    ..QuestionWords::default()
                }
            }
        }
    }
}

const UNTIL_EXPIRY: &str =
    "Access tokens stay valid until they expire, where an API checks them by itself.";

fn signed_out(sessions: usize) -> String {
    match sessions {
        0 => "The person is not signed in anywhere.".to_owned(),
        1 => "The person is signed out of 1 browser.".to_owned(),
        _ => format!(
            "The person is signed out of {} browsers.",
            words::thousands(sessions)
        ),
    }
}

/// What goes with sessions that an administrator ends, after what is signed out.
fn end_of_sessions(signed_out: String) -> Vec<String> {
    vec![
        signed_out,
        "Applications used there are told, where they have a back-channel logout URI.".to_owned(),
        "Refresh tokens granted there end.".to_owned(),
        UNTIL_EXPIRY.to_owned(),
    ]
}

fn names(all: &[Named]) -> Vec<String> {
    all.iter().map(|named| named.name.clone()).collect()
}

impl Default for QuestionWords {
    fn default() -> Self {
        Self {
            title: String::new(),
            subject: String::new(),
            consequences: Vec::new(),
            details: Vec::new(),
            undo: "",
            submit: "",
            is_dangerous: true,
            action: String::new(),
            back: String::new(),
            revision: None,
            is_declared: false,
        }
    }
}

impl QuestionWords {
    /// A question about something that has a page of its own.
    fn about(
        frame: &ConsoleFrame<'_>,
        title: &str,
        submit: &'static str,
        subject: &Editing,
        place: &str,
        action: &str,
    ) -> Self {
        let back = frame.at(&format!("{place}/{}", links::segment(&subject.id)));
        Self {
            title: title.to_owned(),
            subject: subject.name.clone(),
            submit,
            action: format!("{back}/{action}"),
            back,
            revision: Some(subject.revision),
            is_declared: subject.is_declared,
            ..Self::default()
        }
    }
}

/// Why a request is not answered with what it asked for.
#[derive(Template)]
#[template(path = "console/failure.html")]
pub struct FailurePage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub failure: Failure,
}

#[derive(Debug, Clone)]
pub enum Failure {
    /// There is no such page, or what it was about is gone.
    NotFound,
    /// The administrator's role does not allow it.
    Forbidden {
        /// The least that does.
        needs: Standing,
    },
    /// Somebody else changed it since the form was opened.
    Conflict {
        /// What is different now.
        differences: Vec<Difference>,
        /// The form with what holds now.
        reload: String,
    },
    /// A rule of the whole forbids it: the last owner, something in use.
    Refused { words: String, back: String },
    /// This server cannot answer at the moment.
    Unavailable,
}

/// A field in which what was sent and what holds are not the same.
#[derive(Debug, Clone)]
pub struct Difference {
    pub field: String,
    pub yours: String,
    pub theirs: String,
}

impl FailurePage<'_> {
    pub fn title(&self) -> &'static str {
        match self.failure {
            Failure::NotFound => "There is nothing here",
            Failure::Forbidden { .. } => "Your role does not allow this",
            Failure::Conflict { .. } => "Somebody else changed it meanwhile",
            Failure::Refused { .. } => "This is not possible",
            Failure::Unavailable => "This does not work right now",
        }
    }

    pub fn standing_title(&self, standing: &Standing) -> &'static str {
        words::standing(*standing).0
    }
}
