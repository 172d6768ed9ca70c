use std::pin::Pin;

use schemars::{JsonSchema, Schema, SchemaGenerator};

use super::call::Page;
use super::documents::*;
use super::{ApiAnswer, Call};
use super::{issuers, keys, log, people, resources, sessions};
use crate::admin::forms::{ApiForm, ClientForm, RoleForm, UserForm};
use crate::admin::rights::Permission;
use crate::issuer::IssuerSettings;

/// A request that is understood, and what comes of it.
pub struct Operation {
    pub method: &'static str,
    /// Below [`super::BASE`]; `{…}` stands for one segment.
    pub path: &'static str,
    pub id: &'static str,
    pub summary: &'static str,
    /// At the issuer that the path names, or else at the server.
    pub permission: Permission,
    pub parameters: &'static [Parameter],
    /// Whether `If-Match` must say which revision it was made from.
    pub needs_revision: bool,
    pub body: Option<SchemaOf>,
    pub status: u16,
    pub answer: Option<SchemaOf>,
    pub run: for<'a> fn(&'a Call<'a>) -> Running<'a>,
}

/// A parameter in the query.
pub struct Parameter {
    pub name: &'static str,
    pub description: &'static str,
}

pub type SchemaOf = fn(&mut SchemaGenerator) -> Schema;
pub type Running<'a> = Pin<Box<dyn Future<Output = Result<ApiAnswer, ApiAnswer>> + Send + 'a>>;

fn of<T: JsonSchema>(generator: &mut SchemaGenerator) -> Schema {
    generator.subschema_for::<T>()
}

const LIMIT: Parameter = parameter("limit", "How many, from 1 to 200; 50 when absent");
const AFTER: Parameter = parameter("after", "What `next` of the page before says");
const SEARCH: Parameter = parameter("search", "Part of a name or ID, in any case");
const FORCE: Parameter = parameter("force", "`true`: although it is in use");

const fn parameter(name: &'static str, description: &'static str) -> Parameter {
    Parameter { name, description }
}

const AUDIT: &[Parameter] = &[
    parameter(
        "action",
        "`client.created`, or `client` for everything about clients",
    ),
    parameter("outcome", "`succeeded` or `failed`"),
    parameter("actor", "The ID of who did it"),
    parameter("target", "The ID of what it was done to"),
    parameter(
        "from",
        "Not before this moment: `2026-11-22T09:30:00Z`, or a date",
    ),
    parameter("until", "Before this moment, likewise"),
    SEARCH,
    LIMIT,
    AFTER,
];

/// One line of the table.
macro_rules! operations {
    ($($method:ident $path:literal $id:ident: $summary:literal, $permission:ident, $status:literal
        $(, query $parameters:expr)? $(, revision $revision:literal)?
        $(, takes $body:ty)? $(, gives $answer:ty)? => $run:path;)+) => {
        /// Everything the admin API does.
        pub const OPERATIONS: &[Operation] = &[$(Operation {
            method: stringify!($method),
            path: $path,
            id: stringify!($id),
            summary: $summary,
            permission: Permission::$permission,
            parameters: operations!(@or &[] $(, $parameters)?),
            needs_revision: operations!(@or false $(, $revision)?),
            body: operations!(@or None $(, Some(of::<$body> as SchemaOf))?),
            status: $status,
            answer: operations!(@or None $(, Some(of::<$answer> as SchemaOf))?),
            run: |call| Box::pin($run(call)),
        },)+];
    };
    (@or $default:expr) => { $default };
    (@or $default:expr, $given:expr) => { $given };
}

operations! {
    GET "/issuers" listIssuers: "The issuers you may do something at", ReadIssuers, 200,
        gives Page<IssuerDocument> => issuers::list;
    POST "/issuers" createIssuer: "Make an issuer of a built-in dialect", WriteIssuers, 201,
        takes NewIssuer, gives IssuerDocument => issuers::create;
    GET "/issuers/{issuer}" getIssuer: "An issuer", ReadIssuers, 200,
        gives IssuerDocument => issuers::get;
    PATCH "/issuers/{issuer}" updateIssuer: "Give an issuer a host name, or take it away", WriteIssuers, 200,
        revision true, takes IssuerChange, gives IssuerDocument => issuers::update;
    DELETE "/issuers/{issuer}" deleteIssuer: "Delete an issuer with everything in it", WriteIssuers, 204,
        query &[FORCE], revision true => issuers::delete;
    GET "/issuers/{issuer}/settings" getSettings: "An issuer's settings", ReadSettings, 200,
        gives SettingsDocument => issuers::settings;
    PATCH "/issuers/{issuer}/settings" updateSettings: "Change settings", WriteSettings, 200,
        revision true, takes IssuerSettings, gives SettingsDocument => issuers::update_settings;

    GET "/issuers/{issuer}/clients" listClients: "Clients by name", ReadClients, 200,
        query &[
            SEARCH,
            parameter("kind", "`machine`, `web`, `spa` or `native`"),
            parameter("disabled", "`true`: only those that are disabled; `false`: only the others"),
            LIMIT,
            AFTER,
        ],
        gives Page<ClientDocument> => resources::list_clients;
    POST "/issuers/{issuer}/clients" createClient: "Make a client", WriteClients, 201,
        takes NewClient, gives ClientWithSecret => resources::create_client;
    GET "/issuers/{issuer}/clients/{client_id}" getClient: "A client", ReadClients, 200,
        gives ClientDocument => resources::get_client;
    PATCH "/issuers/{issuer}/clients/{client_id}" updateClient: "Change a client", WriteClients, 200,
        revision true, takes ClientForm, gives ClientDocument => resources::update_client;
    DELETE "/issuers/{issuer}/clients/{client_id}" deleteClient: "Delete a client", WriteClients, 204,
        query &[FORCE], revision true => resources::delete_client;
    GET "/issuers/{issuer}/clients/{client_id}/usage" getClientUsage: "What would end with a client", ReadClients, 200,
        gives UsageDocument => resources::usage_of_client;
    POST "/issuers/{issuer}/clients/{client_id}/rotate-secret" rotateSecret: "Give a client another secret", WriteClients, 200,
        revision true, takes Rotation, gives ClientWithSecret => resources::rotate_secret;
    DELETE "/issuers/{issuer}/clients/{client_id}/previous-secret" dropPreviousSecret: "End the secret before the last rotation", WriteClients, 200,
        revision true, gives ClientDocument => resources::drop_previous_secret;
    POST "/issuers/{issuer}/clients/{client_id}/disable" disableClient: "Refuse a client everywhere", WriteClients, 200,
        revision true, gives ClientDocument => resources::disable_client;
    POST "/issuers/{issuer}/clients/{client_id}/enable" enableClient: "Let a client do again what it did", WriteClients, 200,
        revision true, gives ClientDocument => resources::enable_client;

    GET "/issuers/{issuer}/registration-tokens" listRegistrationTokens: "What allows somebody to register clients", ReadClients, 200,
        gives Page<RegistrationTokenDocument> => resources::list_registration_tokens;
    POST "/issuers/{issuer}/registration-tokens" makeRegistrationToken: "Allow somebody to register clients", WriteClients, 201,
        takes NewRegistrationToken, gives RegistrationTokenDocument => resources::make_registration_token;
    DELETE "/issuers/{issuer}/registration-tokens/{token_id}" deleteRegistrationToken: "Allow it no longer", WriteClients, 204
        => resources::delete_registration_token;

    GET "/issuers/{issuer}/apis" listApis: "APIs and their scopes", ReadApis, 200,
        gives Page<ApiDocument> => resources::list_apis;
    POST "/issuers/{issuer}/apis" createApi: "Make an API", WriteApis, 201,
        takes ApiForm, gives ApiDocument => resources::create_api;
    GET "/issuers/{issuer}/apis/{api_id}" getApi: "An API", ReadApis, 200,
        gives ApiDocument => resources::get_api;
    PATCH "/issuers/{issuer}/apis/{api_id}" updateApi: "Change an API", WriteApis, 200,
        revision true, takes ApiForm, gives ApiDocument => resources::update_api;
    DELETE "/issuers/{issuer}/apis/{api_id}" deleteApi: "Delete an API", WriteApis, 204,
        query &[FORCE], revision true => resources::delete_api;

    GET "/issuers/{issuer}/roles" listRoles: "Roles", ReadRoles, 200,
        gives Page<RoleDocument> => resources::list_roles;
    POST "/issuers/{issuer}/roles" createRole: "Make a role", WriteRoles, 201,
        takes RoleForm, gives RoleDocument => resources::create_role;
    GET "/issuers/{issuer}/roles/{role}" getRole: "A role", ReadRoles, 200,
        gives RoleDocument => resources::get_role;
    PATCH "/issuers/{issuer}/roles/{role}" updateRole: "Change a role", WriteRoles, 200,
        revision true, takes RoleForm, gives RoleDocument => resources::update_role;
    DELETE "/issuers/{issuer}/roles/{role}" deleteRole: "Delete a role", WriteRoles, 204,
        query &[FORCE], revision true => resources::delete_role;

    GET "/issuers/{issuer}/users" listUsers: "Users by username", ReadUsers, 200,
        query &[
            SEARCH,
            parameter("role", "Only those who have this role"),
            parameter("blocked", "`true`: only those who are blocked; `false`: only the others"),
            LIMIT,
            AFTER,
        ],
        gives Page<UserDocument> => people::list;
    POST "/issuers/{issuer}/users" createUser: "Add a user", WriteUsers, 201,
        takes NewUser, gives UserWithLink => people::create;
    GET "/issuers/{issuer}/users/{user_id}" getUser: "A user", ReadUsers, 200,
        gives UserDocument => people::get;
    PATCH "/issuers/{issuer}/users/{user_id}" updateUser: "Change, block or unblock a user", WriteUsers, 200,
        revision true, takes UserForm, gives UserDocument => people::update;
    DELETE "/issuers/{issuer}/users/{user_id}" deleteUser: "Delete a user", WriteUsers, 204,
        revision true => people::delete;
    POST "/issuers/{issuer}/users/{user_id}/password-link" makePasswordLink: "Make a link to choose a password with", WriteUsers, 201,
        gives LinkDocument => people::make_link;
    PUT "/issuers/{issuer}/users/{user_id}/password" setPassword: "Set a password", WriteUsers, 204,
        takes NewPassword => people::set_password;
    GET "/issuers/{issuer}/users/{user_id}/sign-ins" listSignIns: "Their latest attempts to sign in", ReadUsers, 200,
        query &[LIMIT], gives Page<SignInDocument> => people::sign_ins;
    GET "/issuers/{issuer}/users/{user_id}/sessions" listSessionsOfUser: "Where they are signed in", ReadSessions, 200,
        gives Page<SessionDocument> => sessions::list_of_user;
    GET "/issuers/{issuer}/users/{user_id}/consents" listConsentsOfUser: "What they allowed clients", ReadConsents, 200,
        gives Page<ConsentDocument> => sessions::consents_of_user;
    DELETE "/issuers/{issuer}/users/{user_id}/consents/{client_id}" withdrawConsent: "Withdraw what they allowed a client", WriteConsents, 204 => sessions::withdraw;

    GET "/issuers/{issuer}/sessions" listSessions: "Who is signed in", ReadSessions, 200,
        query &[SEARCH, LIMIT, AFTER], gives Page<SessionDocument> => sessions::list;
    DELETE "/issuers/{issuer}/sessions/{session_id}" endSession: "Sign somebody out", WriteSessions, 204 => sessions::end;

    GET "/issuers/{issuer}/keys" listKeys: "Signing keys", ReadKeys, 200,
        gives Page<KeyDocument> => keys::list;
    POST "/issuers/{issuer}/keys" rotateKey: "Make a new key, which signs from now on", WriteKeys, 201,
        takes KeyRotation, gives KeyDocument => keys::rotate;
    DELETE "/issuers/{issuer}/keys/{kid}" deleteKey: "Delete a key that no longer signs", WriteKeys, 204 => keys::delete;

    GET "/issuers/{issuer}/audit" searchAudit: "What happened at an issuer, the newest first", ReadAudit, 200,
        query AUDIT, gives Page<EventDocument> => log::of_issuer;
    GET "/audit" searchServerAudit: "What happened at no issuer, the newest first", ReadAudit, 200,
        query AUDIT, gives Page<EventDocument> => log::of_server;
}

pub(super) enum Found {
    Operation(&'static Operation, Vec<String>),
    /// The path is understood with these methods.
    OtherMethods(Vec<&'static str>),
    Nothing,
}

pub(super) fn find(method: &str, path: &str) -> Found {
    let mut methods = Vec::new();
    for operation in OPERATIONS {
        let Some(arguments) = arguments(operation.path, path) else {
            continue;
        };
        if operation.method == method {
            return Found::Operation(operation, arguments);
        }
        methods.push(operation.method);
    }
    if methods.is_empty() {
        Found::Nothing
    } else {
        Found::OtherMethods(methods)
    }
}

/// What stands at the places of the pattern, decoded; `None` when the path does not fit it.
fn arguments(pattern: &str, path: &str) -> Option<Vec<String>> {
    let (mut expected, mut segments) = (pattern.split('/'), path.split('/'));
    let mut arguments = Vec::new();
    loop {
        match (expected.next(), segments.next()) {
            (None, None) => return Some(arguments),
            (Some(expected), Some(segment)) if expected.starts_with('{') => {
                arguments.push(decoded(segment)?);
            }
            (Some(expected), Some(segment)) if expected == segment => {}
            _ => return None,
        }
    }
}

fn decoded(segment: &str) -> Option<String> {
    let decoded: Vec<u8> = percent_decode(segment.as_bytes())?;
    String::from_utf8(decoded)
        .ok()
        .filter(|text| !text.is_empty() && !text.contains('\0'))
}

/// RFC 3986 §2.1; `None` when it is broken.
fn percent_decode(text: &[u8]) -> Option<Vec<u8>> {
    let mut decoded = Vec::with_capacity(text.len());
    let mut rest = text.iter();
    while let Some(byte) = rest.next() {
        decoded.push(match byte {
            b'%' => {
                let mut digit = || char::from(*rest.next()?).to_digit(16);
                u8::try_from(digit()? * 16 + digit()?).ok()?
            }
            byte => *byte,
        });
    }
    Some(decoded)
}
