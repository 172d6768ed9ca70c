use serde_json::{Map, Value as Json};

use super::Visitor;

/// Who did something, and from where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Actor {
    pub kind: ActorKind,
    /// A user's or client's ID; empty when nobody knows.
    pub id: String,
    /// What people know it by: a username, a client's name.
    pub name: String,
    /// As far as a server can tell; empty for what does not come over the network.
    pub address: String,
    pub user_agent: String,
    /// The request it came with, as the log has it.
    pub request_id: String,
}

impl Actor {
    /// The server by itself: at its start, or by the clock.
    pub fn server() -> Self {
        Self::of(ActorKind::Server)
    }

    /// Somebody with the database, at the command line.
    pub fn command_line() -> Self {
        Self::of(ActorKind::CommandLine)
    }

    /// Who comes over the network.
    pub fn from_afar(kind: ActorKind, id: &str, name: &str, visitor: &Visitor) -> Self {
        Self {
            kind,
            id: id.to_owned(),
            name: name.to_owned(),
            address: visitor.address.clone(),
            user_agent: visitor.user_agent.clone(),
            request_id: visitor.request_id.clone(),
        }
    }

    fn of(kind: ActorKind) -> Self {
        Self {
            kind,
            id: String::new(),
            name: String::new(),
            address: String::new(),
            user_agent: String::new(),
            request_id: String::new(),
        }
    }
}

macro_rules! words {
    ($(#[$doc:meta])* $name:ident { $($(#[$variant_doc:meta])* $variant:ident => $word:literal,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
        pub enum $name { $($(#[$variant_doc])* $variant,)+ }

        impl $name {
            pub const ALL: &'static [Self] = &[$(Self::$variant,)+];

            pub const fn as_str(self) -> &'static str {
                match self { $(Self::$variant => $word,)+ }
            }

            pub fn find(name: &str) -> Option<Self> {
                Self::ALL.iter().copied().find(|known| known.as_str() == name)
            }
        }
    };
}

words! {
    ActorKind {
        /// Somebody who has not shown who they are.
        Anonymous => "anonymous",
        User => "user",
        Client => "client",
        /// A user of the console.
        Administrator => "administrator",
        /// The program, run by somebody who has the database.
        CommandLine => "command_line",
        /// The server by itself.
        Server => "server",
    }
}

words! {
    Outcome {
        Succeeded => "succeeded",
        Failed => "failed",
    }
}

words! {
    TargetKind {
        Client => "client",
        Api => "api",
        User => "user",
        Role => "role",
        Session => "session",
        Consent => "consent",
        Grant => "grant",
        Token => "token",
        Key => "key",
        Issuer => "issuer",
        Server => "server",
    }
}

words! {
    /// What is done to it.
    Action {
        SignedIn => "user.signed_in",
        SignedOut => "user.signed_out",
        PasswordChanged => "user.password_changed",
        PasswordSet => "user.password_set",
        ProfileChanged => "user.profile_changed",
        UserCreated => "user.created",
        UserChanged => "user.changed",
        UserBlocked => "user.blocked",
        UserUnblocked => "user.unblocked",
        UserDeleted => "user.deleted",
        PasswordLinkMade => "user.password_link_made",
        RolesChanged => "user.roles_changed",
        Consented => "consent.given",
        ConsentDenied => "consent.denied",
        ConsentWithdrawn => "consent.withdrawn",
        Granted => "grant.created",
        GrantRevoked => "grant.revoked",
        /// A code or refresh token was used twice.
        ReplayDetected => "grant.replayed",
        TokenRevoked => "token.revoked",
        SessionEnded => "session.ended",
        ClientAuthenticationFailed => "client.authentication_failed",
        ClientCreated => "client.created",
        ClientChanged => "client.changed",
        ClientDisabled => "client.disabled",
        ClientEnabled => "client.enabled",
        ClientDeleted => "client.deleted",
        SecretRotated => "client.secret_rotated",
        PreviousSecretRemoved => "client.previous_secret_removed",
        InitialAccessTokenMade => "registration.token_made",
        InitialAccessTokenRemoved => "registration.token_removed",
        ApiCreated => "api.created",
        ApiChanged => "api.changed",
        ApiDeleted => "api.deleted",
        RoleCreated => "role.created",
        RoleChanged => "role.changed",
        RoleDeleted => "role.deleted",
        KeyRotated => "key.rotated",
        KeyDeleted => "key.deleted",
        IssuerCreated => "issuer.created",
        SettingsChanged => "issuer.settings_changed",
        IssuerDeleted => "issuer.deleted",
        ConfigurationApplied => "configuration.applied",
        Imported => "issuer.imported",
        Exported => "issuer.exported",
        EventsPruned => "audit.pruned",
        SetUp => "server.set_up",
    }
}

/// What an event is about.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Target {
    pub kind: TargetKind,
    pub id: String,
    /// What people know it by; empty when it has no such name.
    pub name: String,
}

impl Target {
    pub fn new(kind: TargetKind, id: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            kind,
            id: id.into(),
            name: name.into(),
        }
    }
}

/// Something that happened and is to be remembered. Nothing secret is in it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Event {
    pub action: Action,
    pub outcome: Outcome,
    pub target: Target,
    pub details: Map<String, Json>,
}

impl Event {
    pub fn new(action: Action, target: Target) -> Self {
        Self {
            action,
            outcome: Outcome::Succeeded,
            target,
            details: Map::new(),
        }
    }

    pub fn failed(mut self) -> Self {
        self.outcome = Outcome::Failed;
        self
    }

    pub fn with(mut self, name: &str, value: impl Into<Json>) -> Self {
        self.details.insert(name.to_owned(), value.into());
        self
    }
}
