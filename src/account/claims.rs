use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};

/// Claims that say something about a token and not about a person. Nobody's profile and no
/// client's registration can set them.
pub const ABOUT_TOKENS: &[&str] = &[
    "acr",
    "amr",
    "at_hash",
    "aud",
    "auth_time",
    "azp",
    "c_hash",
    "client_id",
    "cnf",
    "events",
    "exp",
    "gty",
    "iat",
    "idp",
    "iss",
    "jti",
    "nbf",
    "nonce",
    "permissions",
    "rat",
    "scope",
    "scp",
    "sid",
    "sub",
];

/// What a standard claim is (OIDC Core §5.1).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum ClaimKind {
    Text,
    Flag,
    /// `address` (OIDC Core §5.1.1)
    Address,
}

impl ClaimKind {
    /// `None` for a claim that no standard knows, which may be anything.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "email_verified" | "phone_number_verified" => Some(Self::Flag),
            "address" => Some(Self::Address),
            _ => StandardScope::ALL
                .iter()
                .any(|scope| scope.claims().contains(&name))
                .then_some(Self::Text),
        }
    }

    pub fn fits(self, value: &Json) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Flag => value.is_boolean(),
            Self::Address => value
                .as_object()
                .is_some_and(|members| members.values().all(Json::is_string)),
        }
    }

    /// What was expected.
    pub const fn words(self) -> &'static str {
        match self {
            Self::Text => "a text",
            Self::Flag => "true or false",
            Self::Address => "an object of texts",
        }
    }
}

/// Claims about a person (OIDC Core §5.1) and any others, by name.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct UserClaims(pub Map<String, Json>);

impl UserClaims {
    /// The claim as text; `None` when it is absent or something else.
    pub fn text(&self, name: &str) -> Option<&str> {
        self.0.get(name)?.as_str()
    }

    pub fn get(&self, name: &str) -> Option<&Json> {
        self.0.get(name)
    }

    /// Standard claims that are something else than the standard says, and what they should be.
    pub fn misshapen(&self) -> impl Iterator<Item = (&str, ClaimKind)> {
        self.0.iter().filter_map(|(name, value)| {
            let kind = ClaimKind::of(name).filter(|kind| !kind.fits(value))?;
            Some((name.as_str(), kind))
        })
    }

    /// The names of those that differ.
    pub fn names_of_changes(&self, other: &Self) -> Vec<String> {
        let names = self.0.keys().chain(other.0.keys());
        let changed = names.filter(|name| self.0.get(*name) != other.0.get(*name));
        let mut changed: Vec<String> = changed.cloned().collect();
        changed.sort_unstable();
        changed.dedup();
        changed
    }
}

/// The scopes that OpenID Connect itself defines (OIDC Core §3.1.2.1, §5.4, §11).
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum StandardScope {
    OpenId,
    Profile,
    Email,
    Phone,
    Address,
    OfflineAccess,
}

impl StandardScope {
    pub const ALL: [Self; 6] = [
        Self::OpenId,
        Self::Profile,
        Self::Email,
        Self::Phone,
        Self::Address,
        Self::OfflineAccess,
    ];

    pub const fn as_str(self) -> &'static str {
        match self {
            Self::OpenId => "openid",
            Self::Profile => "profile",
            Self::Email => "email",
            Self::Phone => "phone",
            Self::Address => "address",
            Self::OfflineAccess => "offline_access",
        }
    }

    pub fn find(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|scope| scope.as_str() == name)
    }

    /// The claims it asks for (OIDC Core §5.4), besides `sub`.
    pub const fn claims(self) -> &'static [&'static str] {
        match self {
            Self::OpenId | Self::OfflineAccess => &[],
            Self::Profile => &[
                "name",
                "family_name",
                "given_name",
                "middle_name",
                "nickname",
                "preferred_username",
                "profile",
                "picture",
                "website",
                "gender",
                "birthdate",
                "zoneinfo",
                "locale",
                "updated_at",
            ],
            Self::Email => &["email", "email_verified"],
            Self::Phone => &["phone_number", "phone_number_verified"],
            Self::Address => &["address"],
        }
    }
}
