//! What the console calls things.

use crate::audit::{Action, ActorKind, TargetKind};
use crate::issuer::{ClientKind, RegisteredBy, RegistrationPolicy};
use crate::protocol::{ClientAuthMethod, GrantType};

use super::Standing;

const MONTHS: [&str; 12] = [
    "Jan", "Feb", "Mar", "Apr", "May", "Jun", "Jul", "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// `2026-11-22T09:30:00Z` as people read it in a table; anything else as it is.
pub fn moment(at: &str) -> String {
    parse_moment(at).unwrap_or_else(|| at.to_owned())
}

fn parse_moment(at: &str) -> Option<String> {
    let (date, time) = at.strip_suffix('Z')?.split_once('T')?;
    let mut date = date.splitn(3, '-');
    let (year, month, day) = (date.next()?, date.next()?, date.next()?);
    let month = MONTHS.get(month.parse::<usize>().ok()?.checked_sub(1)?)?;
    let day: u8 = day.parse().ok()?;
    Some(format!("{day} {month} {year}, {}", time.get(..5)?))
}

/// A number with the word for what is counted.
pub fn count(number: usize, one: &str, many: &str) -> String {
    match number {
        0 => format!("no {many}"),
        1 => format!("1 {one}"),
        _ => format!("{} {many}", thousands(number)),
    }
}

/// `12345` as `12,345`.
pub fn thousands(number: impl ToString) -> String {
    let digits = number.to_string();
    let mut text = String::new();
    for (index, digit) in digits.chars().enumerate() {
        if index > 0 && (digits.len() - index).is_multiple_of(3) {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

pub const fn kind(kind: ClientKind) -> &'static str {
    match kind {
        ClientKind::Machine => "Machine",
        ClientKind::Web => "Web",
        ClientKind::Spa => "Single page",
        ClientKind::Native => "Native",
    }
}

pub const fn registered_by(by: RegisteredBy) -> &'static str {
    match by {
        RegisteredBy::Configuration => "Configuration",
        RegisteredBy::Console => "Console",
        RegisteredBy::Api => "Admin API",
        RegisteredBy::CommandLine => "Command line",
        RegisteredBy::Registration => "Itself",
    }
}

pub const fn grant_type(grant_type: GrantType) -> (&'static str, &'static str) {
    match grant_type {
        GrantType::ClientCredentials => ("Act for itself", "No person is involved."),
        GrantType::AuthorizationCode => ("Sign people in", "In a browser, on the sign-in page."),
        GrantType::RefreshToken => (
            "Keep access while the person is away",
            "New tokens without a new sign-in.",
        ),
    }
}

pub const fn auth_method(method: ClientAuthMethod) -> &'static str {
    match method {
        ClientAuthMethod::ClientSecretBasic => "ID and secret in the Authorization header",
        ClientAuthMethod::ClientSecretPost => "ID and secret in the request body",
        ClientAuthMethod::None => "No secret: a public client",
    }
}

pub const fn registration(policy: RegistrationPolicy) -> (&'static str, &'static str) {
    match policy {
        RegistrationPolicy::Closed => (
            "Closed",
            "Only administrators register clients. The registration endpoint is not there.",
        ),
        RegistrationPolicy::Guarded => (
            "With a token",
            "A program registers itself if you gave it an initial access token.",
        ),
        RegistrationPolicy::Open => (
            "Open",
            "Any program that can reach this server registers itself. People still decide what it \
             gets when they sign in.",
        ),
    }
}

pub const fn standing(standing: Standing) -> (&'static str, &'static str) {
    match standing {
        Standing::Owner => ("Owner", "May do everything, and decides who else may."),
        Standing::Manager => (
            "Manager",
            "Looks after users and clients. Cannot change keys, settings or administrators.",
        ),
        Standing::Auditor => ("Auditor", "Sees everything, changes nothing."),
    }
}

pub const fn actor_kind(kind: ActorKind) -> &'static str {
    match kind {
        ActorKind::Anonymous => "Somebody unknown",
        ActorKind::User => "User",
        ActorKind::Client => "Client",
        ActorKind::Administrator => "Administrator",
        ActorKind::CommandLine => "Command line",
        ActorKind::Server => "The server itself",
    }
}

pub const fn target_kind(kind: TargetKind) -> &'static str {
    match kind {
        TargetKind::Client => "Client",
        TargetKind::Api => "API",
        TargetKind::User => "User",
        TargetKind::Role => "Role",
        TargetKind::Session => "Session",
        TargetKind::Consent => "Consent",
        TargetKind::Grant => "Grant",
        TargetKind::Token => "Token",
        TargetKind::Key => "Key",
        TargetKind::Issuer => "Issuer",
        TargetKind::Server => "Server",
    }
}

/// The part of an action before the dot, as a group to filter by.
pub fn action_groups() -> Vec<(&'static str, String)> {
    let mut groups: Vec<(&'static str, String)> = Vec::new();
    for action in Action::ALL {
        let group = action.as_str().split('.').next().unwrap_or_default();
        if groups.iter().all(|(known, _)| *known != group) {
            groups.push((group, group_words(group)));
        }
    }
    groups
}

fn group_words(group: &str) -> String {
    match group {
        "user" => "Sign-ins and users".to_owned(),
        "consent" => "Consents".to_owned(),
        "grant" => "Grants".to_owned(),
        "token" => "Tokens".to_owned(),
        "session" => "Sessions".to_owned(),
        "client" => "Clients".to_owned(),
        "registration" => "Registration".to_owned(),
        "api" => "APIs".to_owned(),
        "role" => "Roles".to_owned(),
        "key" => "Keys".to_owned(),
        "issuer" => "Issuer and settings".to_owned(),
        "configuration" => "Configuration".to_owned(),
        "audit" => "The log itself".to_owned(),
        "server" => "Server".to_owned(),
        other => other.to_owned(),
    }
}

pub const fn action(action: Action) -> &'static str {
    match action {
        Action::SignedIn => "Sign-in",
        Action::SignedOut => "Sign-out",
        Action::PasswordChanged => "Password changed",
        Action::PasswordSet => "Password chosen",
        Action::ProfileChanged => "Profile changed",
        Action::UserCreated => "User added",
        Action::UserChanged => "User changed",
        Action::UserBlocked => "User blocked",
        Action::UserUnblocked => "User unblocked",
        Action::UserDeleted => "User deleted",
        Action::PasswordLinkMade => "Password link made",
        Action::RolesChanged => "Roles changed",
        Action::Consented => "Access allowed",
        Action::ConsentDenied => "Access refused",
        Action::ConsentWithdrawn => "Access withdrawn",
        Action::Granted => "Grant made",
        Action::GrantRevoked => "Grant revoked",
        Action::ReplayDetected => "Code or token used twice",
        Action::TokenRevoked => "Token revoked",
        Action::SessionEnded => "Session ended",
        Action::ClientAuthenticationFailed => "Client authentication",
        Action::ClientCreated => "Client registered",
        Action::ClientChanged => "Client changed",
        Action::ClientDisabled => "Client disabled",
        Action::ClientEnabled => "Client enabled",
        Action::ClientDeleted => "Client deleted",
        Action::SecretRotated => "Secret rotated",
        Action::PreviousSecretRemoved => "Previous secret removed",
        Action::InitialAccessTokenMade => "Registration token made",
        Action::InitialAccessTokenRemoved => "Registration token removed",
        Action::ApiCreated => "API added",
        Action::ApiChanged => "API changed",
        Action::ApiDeleted => "API deleted",
        Action::RoleCreated => "Role added",
        Action::RoleChanged => "Role changed",
        Action::RoleDeleted => "Role deleted",
        Action::KeyRotated => "Key rotated",
        Action::KeyDeleted => "Key deleted",
        Action::IssuerCreated => "Issuer made",
        Action::SettingsChanged => "Settings changed",
        Action::IssuerDeleted => "Issuer deleted",
        Action::ConfigurationApplied => "Configuration applied",
        Action::Imported => "Imported",
        Action::Exported => "Exported",
        Action::EventsPruned => "Old events removed",
        Action::SetUp => "Server set up",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn moments_and_numbers_are_told_as_people_read_them() {
        assert_eq!(moment("2026-11-02T09:30:59Z"), "2 Nov 2026, 09:30");
        for odd in [
            "",
            "T",
            "2026-13-01T00:00:00Z",
            "2026-00-01T00:00:00Z",
            "ä-ä-äTäZ",
        ] {
            assert_eq!(moment(odd), odd);
        }
        assert_eq!(thousands(0), "0");
        assert_eq!(thousands(999), "999");
        assert_eq!(thousands(1_234_567), "1,234,567");
        assert_eq!(count(0, "user", "users"), "no users");
        assert_eq!(count(1, "user", "users"), "1 user");
    }
}
