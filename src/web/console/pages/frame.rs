use super::links;
pub use crate::admin::rights::AdminRole as Standing;

/// What every page of the console has around it.
#[derive(Debug, Clone)]
pub struct ConsoleFrame<'a> {
    pub signed_in: &'a SignedIn,
    /// Those the administrator may see, in the order of their names.
    pub issuers: &'a [IssuerName],
    /// Whose page it is; `None` for what is the whole server's.
    pub issuer: Option<&'a IssuerName>,
    pub section: Section,
    pub may: May,
    /// The token of every form of the page.
    pub csrf: &'a str,
    /// What has just been done.
    pub notice: Option<Notice>,
    /// Whether this is `locum dev`.
    pub is_dev: bool,
}

/// The administrator who looks at the page.
#[derive(Debug, Clone)]
pub struct SignedIn {
    pub username: String,
    pub name: String,
    /// At the issuer of the page, or at the server.
    /// `None` for somebody who is nothing there.
    pub standing: Option<Standing>,
}

/// An issuer, for the switcher.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct IssuerName {
    /// The segment of its path.
    pub name: String,
    /// What its users know it by.
    pub brand: String,
}

impl IssuerName {
    pub fn initial(&self) -> String {
        crate::web::pages::initial(&self.brand)
    }
}

/// What the administrator may change. There is no button for the rest.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct May {
    pub clients: bool,
    pub apis: bool,
    pub users: bool,
    pub roles: bool,
    pub sessions: bool,
    pub keys: bool,
    pub settings: bool,
    /// Make issuers and delete them.
    pub issuers: bool,
    pub administrators: bool,
    /// See administrators and the server's own audit log.
    pub see_server: bool,
}

impl May {
    pub const ALL: Self = Self {
        clients: true,
        apis: true,
        users: true,
        roles: true,
        sessions: true,
        keys: true,
        settings: true,
        issuers: true,
        administrators: true,
        see_server: true,
    };
}

/// The places of the navigation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Section {
    Overview,
    Clients,
    Apis,
    Users,
    Roles,
    Sessions,
    Keys,
    Audit,
    Settings,
    Dialect,
    Inspector,
    TryIt,
    Issuers,
    Administrators,
    /// Of administrators: their signing in, and what they are.
    AdministratorsAudit,
    ServerAudit,
}

impl Section {
    pub const OF_ISSUER: [Self; 12] = [
        Self::Overview,
        Self::Clients,
        Self::Apis,
        Self::Users,
        Self::Roles,
        Self::Sessions,
        Self::Keys,
        Self::Audit,
        Self::Settings,
        Self::Dialect,
        Self::Inspector,
        Self::TryIt,
    ];
    pub const OF_SERVER: [Self; 4] = [
        Self::Issuers,
        Self::Administrators,
        Self::AdministratorsAudit,
        Self::ServerAudit,
    ];

    pub const fn title(self) -> &'static str {
        match self {
            Self::Overview => "Overview",
            Self::Clients => "Clients",
            Self::Apis => "APIs",
            Self::Users => "Users",
            Self::Roles => "Roles",
            Self::Sessions => "Sessions",
            Self::Keys => "Keys",
            Self::Audit => "Audit log",
            Self::Settings => "Settings",
            Self::Dialect => "Dialect",
            Self::Inspector => "Token inspector",
            Self::TryIt => "Try it",
            Self::Issuers => "Issuers",
            Self::Administrators => "Administrators",
            Self::AdministratorsAudit => "Administrators’ audit",
            Self::ServerAudit => "Server audit",
        }
    }

    /// The segment after the issuer's, or after `/console` for what is the server's.
    pub const fn segment(self) -> &'static str {
        match self {
            Self::Overview => "",
            Self::Clients => "clients",
            Self::Apis => "apis",
            Self::Users => "users",
            Self::Roles => "roles",
            Self::Sessions => "sessions",
            Self::Keys => "keys",
            Self::Audit | Self::ServerAudit => "audit",
            Self::Settings => "settings",
            Self::Dialect => "dialect",
            Self::Inspector => "inspector",
            Self::TryIt => "try-it",
            Self::Issuers => "issuers",
            Self::Administrators => "administrators",
            Self::AdministratorsAudit => "administrators/audit",
        }
    }

    const fn is_of_server(self) -> bool {
        matches!(
            self,
            Self::Issuers | Self::Administrators | Self::AdministratorsAudit | Self::ServerAudit
        )
    }

    /// Lines on a square of 20 by 20.
    pub const fn icon(self) -> &'static str {
        match self {
            Self::Overview => "M4 16V9m6 7V4m6 12v-5",
            Self::Clients => "M3 4.5h14v11H3zM3 8h14M5.5 6.2h.1m2 0h.1",
            Self::Apis => {
                "M7 4C5 4 5.5 7 5 8.5 4.7 9.5 4 10 3 10c1 0 1.7.5 2 1.5.5 1.5 0 4.5 2 4.5M13 4c2 0 1.5 3 2 4.5.3 1 1 1.5 2 1.5-1 0-1.7.5-2 1.5-.5 1.5 0 4.5-2 4.5"
            }
            Self::Users => {
                "M8 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2.5 16.5c0-3 2.5-4.5 5.5-4.5s5.5 1.5 5.5 4.5M13 4a3 3 0 0 1 0 5.3M15 12.3c1.5.6 2.5 2 2.5 4.2"
            }
            Self::Roles => "M10 3l6 2.2V10c0 4-3 6-6 7-3-1-6-3-6-7V5.2zM7.5 10l2 2 3.5-4",
            Self::Sessions => "M3 4h14v9H3zM7 16.5h6M10 13v3.5",
            Self::Keys => "M7 10.5a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM9.5 9.5l7 7M13 13l2-2",
            Self::Audit | Self::AdministratorsAudit | Self::ServerAudit => {
                "M4 5h.1M8 5h8M4 10h.1M8 10h8M4 15h.1M8 15h8"
            }
            Self::Settings => {
                "M3 6h6m4 0h4M3 14h2m4 0h8M11 8a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM7 16a2 2 0 1 0 0-4 2 2 0 0 0 0 4z"
            }
            Self::Dialect => "M3 4h14v9.5H9.5L6 16.5v-3H3zM6.5 7.5h7m-7 2.5h4",
            Self::Inspector => "M8.5 14a5.5 5.5 0 1 0 0-11 5.5 5.5 0 0 0 0 11zM12.5 12.5L17 17",
            Self::TryIt => "M6 4l10 6-10 6z",
            Self::Issuers => "M4 17V3.5h8V17M12 8h4v9M2.5 17h15M7 7h2m-2 3h2m-2 3h2",
            Self::Administrators => {
                "M8 9.5a3 3 0 1 0 0-6 3 3 0 0 0 0 6zM2.5 16.5c0-3 2.5-4.5 5.5-4.5M14 10l3.5 1.3v2.2c0 2-1.5 3-3.5 3.8-2-.8-3.5-1.8-3.5-3.8v-2.2z"
            }
        }
    }
}

impl ConsoleFrame<'_> {
    /// Where a place of the navigation is.
    pub fn place(&self, section: &Section) -> String {
        let segment = section.segment();
        if section.is_of_server() {
            format!("/console/{segment}")
        } else {
            self.at(segment)
        }
    }

    /// Where something of the page's issuer is, or of the server.
    pub fn at(&self, rest: &str) -> String {
        match (self.issuer, rest) {
            (Some(issuer), "") => links::issuer(&issuer.name),
            (Some(issuer), rest) => format!("{}/{rest}", links::issuer(&issuer.name)),
            (None, "") => "/console".to_owned(),
            (None, rest) => format!("/console/{rest}"),
        }
    }

    pub fn is_at(&self, section: &Section) -> bool {
        self.section == *section
    }

    /// Places the whole server has, as far as the administrator may see them.
    pub fn places_of_server(&self) -> &'static [Section] {
        if self.may.see_server {
            &Section::OF_SERVER
        } else {
            &Section::OF_SERVER[..1]
        }
    }

    /// The other issuers, as many as a menu can hold.
    pub fn other_issuers(&self) -> Vec<&IssuerName> {
        const MOST: usize = 8;
        let is_other = |issuer: &&IssuerName| Some(*issuer) != self.issuer;
        self.issuers.iter().filter(is_other).take(MOST).collect()
    }

    /// What the administrator is, for people.
    pub fn standing(&self) -> &'static str {
        let standing = self.signed_in.standing;
        standing.map_or("No role", |standing| super::words::standing(standing).0)
    }

    pub fn moment(&self, at: &str) -> String {
        super::words::moment(at)
    }
}

/// What has just been done, as the address after a form says it: `?done=saved`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Notice {
    Saved,
    Created,
    Deleted,
    Disabled,
    Enabled,
    PreviousSecretRemoved,
    TokenRemoved,
    Blocked,
    Unblocked,
    SessionEnded,
    SessionsEnded,
    ConsentWithdrawn,
    KeysRotated,
    AdministratorRemoved,
}

impl Notice {
    pub const ALL: [Self; 14] = [
        Self::Saved,
        Self::Created,
        Self::Deleted,
        Self::Disabled,
        Self::Enabled,
        Self::PreviousSecretRemoved,
        Self::TokenRemoved,
        Self::Blocked,
        Self::Unblocked,
        Self::SessionEnded,
        Self::SessionsEnded,
        Self::ConsentWithdrawn,
        Self::KeysRotated,
        Self::AdministratorRemoved,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Saved => "saved",
            Self::Created => "created",
            Self::Deleted => "deleted",
            Self::Disabled => "disabled",
            Self::Enabled => "enabled",
            Self::PreviousSecretRemoved => "previous-secret-removed",
            Self::TokenRemoved => "token-removed",
            Self::Blocked => "blocked",
            Self::Unblocked => "unblocked",
            Self::SessionEnded => "session-ended",
            Self::SessionsEnded => "sessions-ended",
            Self::ConsentWithdrawn => "consent-withdrawn",
            Self::KeysRotated => "keys-rotated",
            Self::AdministratorRemoved => "administrator-removed",
        }
    }

    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|notice| notice.as_str() == name)
    }

    pub const fn words(self) -> &'static str {
        match self {
            Self::Saved => "Saved. It holds from now on.",
            Self::Created => "Created.",
            Self::Deleted => "Deleted.",
            Self::Disabled => "The client is disabled. Nothing it sends is accepted any more.",
            Self::Enabled => "The client is enabled again.",
            Self::PreviousSecretRemoved => "The previous secret no longer works.",
            Self::TokenRemoved => "The token no longer works.",
            Self::Blocked => "The user is blocked, and signed out everywhere.",
            Self::Unblocked => "The user can sign in again.",
            Self::SessionEnded => "That browser has been signed out.",
            Self::SessionsEnded => "The user has been signed out everywhere.",
            Self::ConsentWithdrawn => "The application has lost its access.",
            Self::KeysRotated => {
                "New tokens are signed with a new key. The old one still verifies."
            }
            Self::AdministratorRemoved => "This person is no longer an administrator.",
        }
    }
}
