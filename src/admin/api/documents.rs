//! What the admin API answers with.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value as Json};
use uuid::Uuid;

use crate::account::{Consent, Role, Session, SignIn};
use crate::admin::KeyView;
use crate::admin::forms::{ApiForm, ClientForm, RoleForm, UserForm};
use crate::audit::Record;
use crate::clock::Timestamp;
use crate::issuer::{Api, ClientRecord, InitialAccessToken, IssuerSettings, RegisteredBy};
use crate::protocol::SigningAlg;
use crate::secret::Secret;
use crate::store::{Recorded, SessionOfUser, StoredIssuer, UserRecord};

/// An issuer.
#[derive(Debug, Serialize, JsonSchema)]
pub struct IssuerDocument {
    pub name: String,
    pub dialect: String,
    /// A host name of its own, besides its path.
    pub host: Option<String>,
    /// Whether a configuration file declares it.
    pub declared: bool,
    pub revision: i64,
}

/// What of an issuer is the server's matter.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct IssuerChange {
    /// A host name of its own; none when null.
    #[serde(default)]
    pub host: Option<String>,
}

/// What makes an issuer.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct NewIssuer {
    /// Its path: up to 63 of a-z, 0-9 and -.
    pub name: String,
    /// A built-in dialect's name.
    pub dialect: String,
    /// What people know it by; its name when null.
    #[serde(default)]
    pub brand: Option<String>,
}

/// An issuer's settings.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SettingsDocument {
    #[serde(flatten)]
    pub settings: IssuerSettings,
    pub revision: i64,
}

/// An API, with what is known of it besides.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ApiDocument {
    pub id: Uuid,
    #[serde(flatten)]
    pub form: ApiForm,
    /// Whether a configuration file declares it.
    pub declared: bool,
    pub revision: i64,
}

/// A role, with what is known of it besides.
#[derive(Debug, Serialize, JsonSchema)]
pub struct RoleDocument {
    #[serde(flatten)]
    pub form: RoleForm,
    /// Whether a configuration file declares it.
    pub declared: bool,
    pub revision: i64,
}

/// A client, with what is known of it besides.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ClientDocument {
    #[serde(flatten)]
    pub form: ClientForm,
    pub disabled: bool,
    pub registered_by: RegisteredBy,
    /// Whether a configuration file declares it.
    pub declared: bool,
    pub revision: i64,
    /// `2026-11-22T09:30:00Z`
    pub created_at: String,
    pub updated_at: String,
    /// When it got the secret it has; null for a public client.
    pub secret_created_at: Option<String>,
    /// Until when the secret before that works; null when it does not.
    pub previous_secret_expires_at: Option<String>,
}

/// A client whose secret is told, now and never again.
#[derive(Serialize, JsonSchema)]
pub struct ClientWithSecret {
    #[serde(flatten)]
    pub client: ClientDocument,
    /// Null for a public client, and for a secret that was brought along.
    pub client_secret: Option<String>,
}

/// What makes a client.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct NewClient {
    #[serde(flatten)]
    pub form: ClientForm,
    /// Made up by the server when absent, which is better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
}

/// How a client's secret is rotated.
#[derive(Default, Serialize, Deserialize, JsonSchema)]
pub struct Rotation {
    /// For how many seconds the secret before works on.
    #[serde(default)]
    pub overlap: u64,
    /// Made up by the server when absent, which is better.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub client_secret: Option<String>,
}

/// What allows somebody to register clients where that is guarded.
#[derive(Serialize, JsonSchema)]
pub struct RegistrationTokenDocument {
    pub id: Uuid,
    pub note: String,
    pub uses_left: i64,
    pub created_at: String,
    pub expires_at: String,
    /// Told once, in the answer to its making; null ever after.
    pub token: Option<String>,
}

/// What makes one.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct NewRegistrationToken {
    /// Whom it is for.
    pub note: String,
    /// How many clients it may register.
    pub uses: i64,
    /// Seconds.
    pub lifetime: u64,
}

/// What would end with a client.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UsageDocument {
    /// Users who allowed it something.
    pub users: i64,
    /// Their authorizations that live.
    pub grants: i64,
    /// Opaque access tokens that live.
    pub tokens: i64,
}

/// A user, with what is known of it besides.
#[derive(Debug, Serialize, JsonSchema)]
pub struct UserDocument {
    pub id: Uuid,
    #[serde(flatten)]
    pub form: UserForm,
    /// Whether they have chosen a password, or been given one.
    pub has_password: bool,
    /// Whether a configuration file declares it.
    pub declared: bool,
    pub revision: i64,
    pub created_at: String,
    pub updated_at: String,
}

/// What makes a user.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct NewUser {
    #[serde(flatten)]
    pub form: UserForm,
    /// Better absent: then the answer has a link with which the person chooses one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub password: Option<String>,
}

/// A user who has just been added.
#[derive(Serialize, JsonSchema)]
pub struct UserWithLink {
    #[serde(flatten)]
    pub user: UserDocument,
    /// Null when a password came along.
    pub link: Option<LinkDocument>,
}

/// A link with which somebody chooses a password, once.
#[derive(Serialize, JsonSchema)]
pub struct LinkDocument {
    /// Below the issuer: `/set-password?token=…`. Told now and never again.
    pub path: String,
    pub expires_at: String,
}

/// A password that an administrator knows.
#[derive(Serialize, Deserialize, JsonSchema)]
pub struct NewPassword {
    pub password: String,
}

/// A browser's login.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SessionDocument {
    pub id: Uuid,
    pub user_id: Uuid,
    /// Null where it is plain whose sessions these are.
    pub username: Option<String>,
    pub address: String,
    pub user_agent: String,
    pub auth_time: String,
    pub created_at: String,
    pub last_seen_at: String,
    pub expires_at: String,
}

/// What a user allowed a client, for one audience.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ConsentDocument {
    pub client_id: String,
    pub audience: Vec<String>,
    pub scope: Vec<String>,
    pub created_at: String,
    pub updated_at: String,
}

/// An attempt to sign in.
#[derive(Debug, Serialize, JsonSchema)]
pub struct SignInDocument {
    pub at: String,
    pub succeeded: bool,
    pub client_id: Option<String>,
    pub address: String,
    pub user_agent: String,
}

/// A signing key; its private part never leaves the server.
#[derive(Debug, Serialize, JsonSchema)]
pub struct KeyDocument {
    pub kid: String,
    pub alg: SigningAlg,
    /// Otherwise it only verifies what it signed before.
    pub signs: bool,
    pub created_at: String,
}

/// For which algorithm a new key is made.
#[derive(Debug, Serialize, Deserialize, JsonSchema)]
pub struct KeyRotation {
    pub alg: SigningAlg,
}

/// Something that happened.
#[derive(Debug, Serialize, JsonSchema)]
pub struct EventDocument {
    /// Counts within the issuer's chain, without gaps.
    pub sequence: i64,
    pub at: String,
    /// `client.created`
    pub action: String,
    /// `succeeded` or `failed`
    pub outcome: String,
    pub actor: ActorDocument,
    pub target: TargetDocument,
    pub details: Map<String, Json>,
    /// What chains it to the one before, in hexadecimal.
    pub mac: String,
}

/// Who did it, and from where.
#[derive(Debug, Serialize, JsonSchema)]
pub struct ActorDocument {
    /// `anonymous`, `user`, `client`, `administrator`, `command_line`, `server`
    pub kind: String,
    pub id: String,
    pub name: String,
    pub address: String,
    pub user_agent: String,
    pub request_id: String,
}

/// What it was done to.
#[derive(Debug, Serialize, JsonSchema)]
pub struct TargetDocument {
    pub kind: String,
    pub id: String,
    pub name: String,
}

impl From<&StoredIssuer> for IssuerDocument {
    fn from(issuer: &StoredIssuer) -> Self {
        Self {
            name: issuer.name.clone(),
            dialect: issuer.dialect.clone(),
            host: issuer.settings.host.clone(),
            declared: issuer.is_declared,
            revision: issuer.revision,
        }
    }
}

impl From<&StoredIssuer> for SettingsDocument {
    fn from(issuer: &StoredIssuer) -> Self {
        Self {
            settings: issuer.settings.clone(),
            revision: issuer.revision,
        }
    }
}

impl From<&Recorded<Api>> for ApiDocument {
    fn from(record: &Recorded<Api>) -> Self {
        Self {
            id: record.value.id,
            form: ApiForm::from(&record.value),
            declared: record.is_declared,
            revision: record.revision,
        }
    }
}

impl RoleDocument {
    pub fn new(record: &Recorded<Role>, apis: &[Api]) -> Self {
        Self {
            form: RoleForm::of(&record.value, apis),
            declared: record.is_declared,
            revision: record.revision,
        }
    }
}

impl ClientDocument {
    pub fn new(record: &ClientRecord, apis: &[Api], now: Timestamp) -> Self {
        let previous = record.client.previous_secret.as_ref();
        Self {
            form: ClientForm::of(&record.client, apis),
            disabled: record.client.is_disabled,
            registered_by: record.registered_by,
            declared: record.is_declared,
            revision: record.revision,
            created_at: record.created_at.rfc3339(),
            updated_at: record.updated_at.rfc3339(),
            secret_created_at: record.secret_created_at.map(Timestamp::rfc3339),
            previous_secret_expires_at: previous
                .filter(|previous| now < previous.expires_at)
                .map(|previous| previous.expires_at.rfc3339()),
        }
    }
}

impl RegistrationTokenDocument {
    pub fn new(token: &InitialAccessToken, secret: Option<&Secret>) -> Self {
        Self {
            id: token.id,
            note: token.note.clone(),
            uses_left: token.uses_left,
            created_at: token.created_at.rfc3339(),
            expires_at: token.expires_at.rfc3339(),
            token: secret.map(|secret| secret.expose().to_owned()),
        }
    }
}

impl From<&UserRecord> for UserDocument {
    fn from(record: &UserRecord) -> Self {
        Self {
            id: record.user.id.0,
            form: UserForm::from(&record.user),
            has_password: record.user.password_hash.is_some(),
            declared: record.is_declared,
            revision: record.revision,
            created_at: record.user.created_at.rfc3339(),
            updated_at: record.user.updated_at.rfc3339(),
        }
    }
}

impl SessionDocument {
    pub fn new(session: &Session, username: Option<&str>) -> Self {
        Self {
            id: session.id.0,
            user_id: session.user.0,
            username: username.map(str::to_owned),
            address: session.address.clone(),
            user_agent: session.user_agent.clone(),
            auth_time: session.auth_time.rfc3339(),
            created_at: session.created_at.rfc3339(),
            last_seen_at: session.last_seen_at.rfc3339(),
            expires_at: session.expires_at.min(session.idle_expires_at).rfc3339(),
        }
    }
}

impl From<&SessionOfUser> for SessionDocument {
    fn from(session: &SessionOfUser) -> Self {
        Self::new(&session.session, Some(&session.username))
    }
}

impl From<&Consent> for ConsentDocument {
    fn from(consent: &Consent) -> Self {
        Self {
            client_id: consent.client_id.clone(),
            audience: consent.audience.clone(),
            scope: consent.scope.tokens().to_vec(),
            created_at: consent.created_at.rfc3339(),
            updated_at: consent.updated_at.rfc3339(),
        }
    }
}

impl From<&SignIn> for SignInDocument {
    fn from(sign_in: &SignIn) -> Self {
        Self {
            at: sign_in.at.rfc3339(),
            succeeded: sign_in.succeeded,
            client_id: sign_in.client_id.clone(),
            address: sign_in.address.clone(),
            user_agent: sign_in.user_agent.clone(),
        }
    }
}

impl From<&KeyView> for KeyDocument {
    fn from(view: &KeyView) -> Self {
        Self {
            kid: view.key.kid.clone(),
            alg: view.key.alg,
            signs: view.signs,
            created_at: view.key.created_at.rfc3339(),
        }
    }
}

impl From<&Record> for EventDocument {
    fn from(record: &Record) -> Self {
        let actor = &record.actor;
        Self {
            sequence: record.sequence,
            at: record.at.rfc3339(),
            action: record.action.clone(),
            outcome: record.outcome.as_str().to_owned(),
            actor: ActorDocument {
                kind: actor.kind.as_str().to_owned(),
                id: actor.id.clone(),
                name: actor.name.clone(),
                address: actor.address.clone(),
                user_agent: actor.user_agent.clone(),
                request_id: actor.request_id.clone(),
            },
            target: TargetDocument {
                kind: record.target_kind.clone(),
                id: record.target.clone(),
                name: record.target_name.clone(),
            },
            details: record.details.clone(),
            mac: record.mac.map(|byte| format!("{byte:02x}")).concat(),
        }
    }
}
