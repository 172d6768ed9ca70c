//! What administrators may do: permissions, which are scopes of Locum's own APIs, and the roles
//! that hold them.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

use super::system::CONSOLE;

/// A permission; its name is a scope. Those of an issuer are scopes of that issuer's own admin
/// API, so that a token for one is worthless at another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Permission {
    ReadClients,
    WriteClients,
    ReadApis,
    WriteApis,
    ReadUsers,
    WriteUsers,
    ReadRoles,
    WriteRoles,
    ReadSessions,
    WriteSessions,
    ReadConsents,
    WriteConsents,
    ReadKeys,
    WriteKeys,
    ReadSettings,
    WriteSettings,
    ReadAudit,
    /// Of the server: which issuers there are, and making new ones.
    ReadIssuers,
    WriteIssuers,
    /// Of the server: who administers what.
    ReadAdministrators,
    WriteAdministrators,
}

impl Permission {
    /// Those that are about one issuer.
    pub const OF_AN_ISSUER: [Self; 17] = [
        Self::ReadClients,
        Self::WriteClients,
        Self::ReadApis,
        Self::WriteApis,
        Self::ReadUsers,
        Self::WriteUsers,
        Self::ReadRoles,
        Self::WriteRoles,
        Self::ReadSessions,
        Self::WriteSessions,
        Self::ReadConsents,
        Self::WriteConsents,
        Self::ReadKeys,
        Self::WriteKeys,
        Self::ReadSettings,
        Self::WriteSettings,
        Self::ReadAudit,
    ];

    /// Those that are about the server.
    pub const OF_THE_SERVER: [Self; 5] = [
        Self::ReadIssuers,
        Self::WriteIssuers,
        Self::ReadAdministrators,
        Self::WriteAdministrators,
        Self::ReadAudit,
    ];

    pub fn find(name: &str) -> Option<Self> {
        Self::OF_AN_ISSUER
            .into_iter()
            .chain(Self::OF_THE_SERVER)
            .find(|permission| permission.as_str() == name)
    }

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::ReadClients => "clients:read",
            Self::WriteClients => "clients:write",
            Self::ReadApis => "apis:read",
            Self::WriteApis => "apis:write",
            Self::ReadUsers => "users:read",
            Self::WriteUsers => "users:write",
            Self::ReadRoles => "roles:read",
            Self::WriteRoles => "roles:write",
            Self::ReadSessions => "sessions:read",
            Self::WriteSessions => "sessions:write",
            Self::ReadConsents => "consents:read",
            Self::WriteConsents => "consents:write",
            Self::ReadKeys => "keys:read",
            Self::WriteKeys => "keys:write",
            Self::ReadSettings => "settings:read",
            Self::WriteSettings => "settings:write",
            Self::ReadAudit => "audit:read",
            Self::ReadIssuers => "issuers:read",
            Self::WriteIssuers => "issuers:write",
            Self::ReadAdministrators => "administrators:read",
            Self::WriteAdministrators => "administrators:write",
        }
    }

    /// In words, for consent and for the console.
    pub const fn description(self) -> &'static str {
        match self {
            Self::ReadClients => "See clients",
            Self::WriteClients => "Register, change and delete clients",
            Self::ReadApis => "See APIs and scopes",
            Self::WriteApis => "Change APIs and scopes",
            Self::ReadUsers => "See users",
            Self::WriteUsers => "Add, change and block users",
            Self::ReadRoles => "See roles",
            Self::WriteRoles => "Change roles",
            Self::ReadSessions => "See who is signed in",
            Self::WriteSessions => "Sign people out",
            Self::ReadConsents => "See what people allowed",
            Self::WriteConsents => "Withdraw what people allowed",
            Self::ReadKeys => "See signing keys",
            Self::WriteKeys => "Rotate and delete signing keys",
            Self::ReadSettings => "See settings",
            Self::WriteSettings => "Change settings",
            Self::ReadAudit => "Read the audit log",
            Self::ReadIssuers => "See which issuers there are",
            Self::WriteIssuers => "Make and delete issuers",
            Self::ReadAdministrators => "See who administers what",
            Self::WriteAdministrators => "Add and remove administrators",
        }
    }

    const fn is_read(self) -> bool {
        matches!(
            self,
            Self::ReadClients
                | Self::ReadApis
                | Self::ReadUsers
                | Self::ReadRoles
                | Self::ReadSessions
                | Self::ReadConsents
                | Self::ReadKeys
                | Self::ReadSettings
                | Self::ReadAudit
                | Self::ReadIssuers
                | Self::ReadAdministrators
        )
    }
}

/// What an administrator is.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "snake_case")]
pub enum AdminRole {
    /// Everything.
    Owner,
    /// Users and clients, and what they hold.
    Manager,
    /// Reads, and changes nothing.
    Auditor,
}

impl AdminRole {
    pub const ALL: [Self; 3] = [Self::Owner, Self::Manager, Self::Auditor];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::Owner => "owner",
            Self::Manager => "manager",
            Self::Auditor => "auditor",
        }
    }

    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|role| role.as_str() == name)
    }

    pub const fn holds(self, permission: Permission) -> bool {
        match self {
            Self::Owner => true,
            Self::Auditor => permission.is_read(),
            Self::Manager => {
                matches!(
                    permission,
                    Permission::WriteClients
                        | Permission::WriteUsers
                        | Permission::WriteSessions
                        | Permission::WriteConsents
                ) || permission.is_read() && !matches!(permission, Permission::ReadAdministrators)
            }
        }
    }
}

/// An administrator's role: at every issuer and the server itself, or at one issuer.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Appointment {
    pub role: AdminRole,
    /// `None` for every issuer.
    pub issuer: Option<String>,
}

impl Appointment {
    /// The name of the role of the console that stands for it: `manager`, `manager:clinic`.
    pub fn role_name(&self) -> String {
        match &self.issuer {
            None => self.role.as_str().to_owned(),
            Some(issuer) => format!("{}:{issuer}", self.role.as_str()),
        }
    }

    pub fn parse(role_name: &str) -> Option<Self> {
        let (role, issuer) = match role_name.split_once(':') {
            Some((role, issuer)) => (role, Some(issuer.to_owned())),
            None => (role_name, None),
        };
        Some(Self {
            role: AdminRole::find(role)?,
            issuer,
        })
    }
}

/// What somebody may do, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Rights {
    /// Everything: who has the database, or the server itself.
    Everything,
    /// An administrator's.
    Appointments(Vec<Appointment>),
    /// A token's: permissions, each at one issuer or, with `None`, at the server.
    Granted(Vec<(Option<String>, String)>),
}

impl Rights {
    /// Whether they hold `permission` at the issuer, or, with `None`, at the server. The console
    /// itself is the server's: its users and clients administer, and who can change them can
    /// become anybody.
    pub fn hold(&self, permission: Permission, issuer: Option<&str>) -> bool {
        let (permission, issuer) = match issuer {
            Some(CONSOLE) if permission.is_read() => (Permission::ReadAdministrators, None),
            Some(CONSOLE) => (Permission::WriteAdministrators, None),
            issuer => (permission, issuer),
        };
        match self {
            Self::Everything => true,
            Self::Appointments(appointments) => appointments.iter().any(|own| {
                let reaches = match (&own.issuer, issuer) {
                    (None, _) => true,
                    (Some(own), Some(issuer)) => own == issuer,
                    (Some(_), None) => false,
                };
                reaches && own.role.holds(permission)
            }),
            Self::Granted(permissions) => permissions
                .iter()
                .any(|(at, name)| at.as_deref() == issuer && name == permission.as_str()),
        }
    }

    /// Whether they are worth anything at the issuer at all.
    pub fn reach(&self, issuer: &str) -> bool {
        Permission::OF_AN_ISSUER
            .iter()
            .any(|permission| self.hold(*permission, Some(issuer)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn appointed(name: &str) -> Rights {
        Rights::Appointments(vec![Appointment::parse(name).unwrap()])
    }

    #[test]
    fn an_appointment_reaches_as_far_as_it_says() {
        let everywhere = appointed("manager");
        let here = appointed("manager:clinic");
        assert!(everywhere.hold(Permission::WriteClients, Some("clinic")));
        assert!(here.hold(Permission::WriteClients, Some("clinic")));
        assert!(!here.hold(Permission::WriteClients, Some("photon")));
        assert!(!here.hold(Permission::ReadIssuers, None));
        assert!(!everywhere.hold(Permission::WriteKeys, Some("clinic")));
        assert!(appointed("owner").hold(Permission::WriteAdministrators, None));
        assert!(!appointed("owner:clinic").hold(Permission::WriteAdministrators, None));
    }

    #[test]
    fn the_console_is_no_managers() {
        let console = Some(super::super::system::CONSOLE);
        assert!(appointed("owner").hold(Permission::WriteUsers, console));
        assert!(appointed("auditor").hold(Permission::ReadUsers, console));
        assert!(!appointed("manager").hold(Permission::WriteUsers, console));
        assert!(!appointed("manager").hold(Permission::ReadUsers, console));
    }

    #[test]
    fn an_auditor_changes_nothing() {
        let all = Permission::OF_AN_ISSUER
            .iter()
            .chain(&Permission::OF_THE_SERVER);
        for permission in all {
            let is_read = permission.as_str().ends_with(":read");
            assert_eq!(AdminRole::Auditor.holds(*permission), is_read);
        }
    }
}
