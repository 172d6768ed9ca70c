use serde::Serialize;
use serde_json::{Map, Value as Json};
use toml::Table;

use super::ApplyError;
use crate::admin::forms::{ApiForm, ClientForm, RoleForm};
use crate::admin::system::CONSOLE;
use crate::dialect::BUILT_IN;
use crate::issuer::{Api, ClientKind, ClientMetadata, ClientRecord, IssuerSettings};
use crate::oauth::Core;
use crate::store::{StoredIssuer, UserQuery, UserRecord};

/// The database's side as a configuration file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exported {
    /// TOML. It holds hashes of secrets, and no secrets.
    pub text: String,
    /// Dialects that are not built in: the file name that `text` has for each, and its text.
    pub dialects: Vec<(String, String)>,
}

/// Rows that are read at once.
const PAGE: i64 = 200;

const HEADER: &str = "# Exported by Locum. Applying this file to the database it came from changes nothing but whose\n\
     # word counts: what stands here belongs to the configuration from then on.\n\
     # Secrets are here as hashes only; all the same, keep the file as you keep those.\n";

/// Writes issuers down as a configuration declares them: one, or all. Users come along when they
/// are declared, or, `with_users`, all.
pub async fn export(
    core: &Core,
    issuer: Option<&str>,
    with_users: bool,
) -> Result<Exported, ApplyError> {
    let mut exported = Exported {
        text: HEADER.to_owned(),
        dialects: Vec::new(),
    };
    for stored in core.store.list_issuers().await? {
        let is_wanted = issuer.is_none_or(|name| name == stored.name);
        if stored.name == CONSOLE || !is_wanted {
            continue;
        }
        let mut dialect = stored.dialect.clone();
        if let Some(source) = &stored.dialect_source {
            dialect = format!("{}.dialect.toml", stored.name);
            exported.dialects.push((dialect.clone(), source.clone()));
        } else if !BUILT_IN.iter().any(|(name, _)| *name == dialect) {
            // Written by a later version, which had more of them.
            tracing::warn!(dialect, "is not a dialect of this version");
        }
        let table = one(core, &stored, &dialect, with_users).await?;
        let mut file = Table::new();
        file.insert("issuer".to_owned(), vec![toml::Value::Table(table)].into());
        exported.text.push('\n');
        exported.text.push_str(&file.to_string());
    }
    Ok(exported)
}

async fn one(
    core: &Core,
    stored: &StoredIssuer,
    dialect: &str,
    with_users: bool,
) -> Result<Table, ApplyError> {
    let store = &core.store;
    let apis = store.list_apis(stored.id).await?;
    let mut issuer = Table::new();
    issuer.insert("name".to_owned(), stored.name.as_str().into());
    issuer.insert("dialect".to_owned(), dialect.into());
    issuer.extend(settings(&stored.settings));

    put(&mut issuer, "api", apis.iter().map(api).collect());
    let roles = store.list_roles(stored.id).await?;
    put(
        &mut issuer,
        "role",
        roles
            .iter()
            .map(|role| grants(members(&RoleForm::of(role, &apis), &Map::new())))
            .collect(),
    );

    let clients = store.list_all_clients(stored.id).await?;
    put(
        &mut issuer,
        "client",
        clients.iter().map(|record| client(record, &apis)).collect(),
    );

    let mut users = Vec::new();
    let mut after = String::new();
    loop {
        let query = UserQuery {
            after: &after,
            limit: PAGE,
            ..UserQuery::default()
        };
        let page = store.list_users(stored.id, &query).await?;
        let Some(last) = page.last() else { break };
        after = crate::account::User::canonical_username(&last.user.username);
        let wanted = page
            .iter()
            .filter(|record| with_users || record.is_declared);
        users.extend(wanted.map(user));
    }
    put(&mut issuer, "user", users);

    let resources = stored.settings.resources.iter();
    put(
        &mut issuer,
        "resource",
        resources
            .map(|resource| {
                let mut table = members(resource, &Map::new());
                // GET stands for HEAD as well.
                let methods = resource.methods.iter().filter(|method| *method != "HEAD");
                let methods: Vec<toml::Value> =
                    methods.map(|method| method.as_str().into()).collect();
                table.insert("methods".to_owned(), methods.into());
                table
            })
            .collect(),
    );
    Ok(issuer)
}

/// An array of tables; nothing when it is empty.
fn put(issuer: &mut Table, name: &str, tables: Vec<Table>) {
    if !tables.is_empty() {
        let tables: Vec<toml::Value> = tables.into_iter().map(toml::Value::Table).collect();
        issuer.insert(name.to_owned(), tables.into());
    }
}

fn settings(settings: &IssuerSettings) -> Table {
    let default = object(&IssuerSettings::default());
    let mut table = members(settings, &default);
    table.remove("resources");
    if let Some(toml::Value::Table(brand)) = table.get_mut("brand") {
        brand.remove("logo");
        if let Some(logo) = &settings.brand.logo {
            brand.insert("logo".to_owned(), logo.data_url().into());
        }
    }
    table
}

fn api(api: &Api) -> Table {
    let mut table = members(&ApiForm::from(api), &Map::new());
    let scopes = api.scopes.iter().map(|scope| {
        let mut scope_table = Table::new();
        scope_table.insert("name".to_owned(), scope.name.as_str().into());
        let mut words = Table::new();
        // The one that stands first is what is said where no language fits.
        let is_first = |(_, text): &(&String, &String)| **text == scope.description;
        let first = scope.translations.iter().filter(is_first);
        let others = scope.translations.iter().filter(|own| !is_first(own));
        for (language, text) in first.chain(others) {
            words.insert(language.clone(), text.as_str().into());
        }
        if !words.is_empty() {
            scope_table.insert("description".to_owned(), words.into());
        } else if !scope.description.is_empty() {
            scope_table.insert("description".to_owned(), scope.description.as_str().into());
        }
        for (name, is) in [
            ("users_only", scope.users_only),
            ("needs_role", scope.needs_role),
        ] {
            if is {
                scope_table.insert(name.to_owned(), is.into());
            }
        }
        toml::Value::Table(scope_table)
    });
    table.insert("scopes".to_owned(), scopes.collect::<Vec<_>>().into());
    table
}

fn client(record: &ClientRecord, apis: &[Api]) -> Table {
    let client = &record.client;
    let default = ClientForm {
        client_id: String::new(),
        client_name: String::new(),
        kind: ClientKind::Machine,
        token_endpoint_auth_method: None,
        grant_types: Some(client.kind.grant_types().to_vec()),
        redirect_uris: Vec::new(),
        grants: Vec::new(),
        metadata: ClientMetadata::default(),
    };
    let mut default = object(&default);
    // There is always one.
    default.remove("kind");
    let mut table = grants(members(&ClientForm::of(client, apis), &default));
    if let Some(hash) = &client.secret_hash {
        table.insert("client_secret_hash".to_owned(), hash.to_string().into());
    }
    if client.is_disabled {
        table.insert("disabled".to_owned(), true.into());
    }
    table
}

fn user(record: &UserRecord) -> Table {
    let user = &record.user;
    let mut table = Table::new();
    table.insert("username".to_owned(), user.username.as_str().into());
    match &user.password_hash {
        Some(hash) => table.insert("password_hash".to_owned(), hash.to_string().into()),
        None => table.insert("has_no_password".to_owned(), true.into()),
    };
    if !user.roles.is_empty() {
        let roles: Vec<toml::Value> = user.roles.iter().map(|role| role.as_str().into()).collect();
        table.insert("roles".to_owned(), roles.into());
    }
    if user.is_blocked {
        table.insert("blocked".to_owned(), true.into());
    }
    if let Some(claims) = value(&Json::Object(user.claims.0.clone()))
        && !user.claims.0.is_empty()
    {
        table.insert("claims".to_owned(), claims);
    }
    table
}

/// The file calls them `grant`, one table for each.
fn grants(mut table: Table) -> Table {
    if let Some(grants) = table.remove("grants")
        && grants.as_array().is_some_and(|grants| !grants.is_empty())
    {
        table.insert("grant".to_owned(), grants);
    }
    table
}

/// The members of a form, but for those that are as in `default`.
fn members(form: &impl Serialize, default: &Map<String, Json>) -> Table {
    object(form)
        .into_iter()
        .filter(|(name, value)| default.get(name) != Some(value))
        .filter_map(|(name, member)| Some((name, value(&member)?)))
        .collect()
}

fn object(form: &impl Serialize) -> Map<String, Json> {
    match serde_json::to_value(form) {
        Ok(Json::Object(members)) => members,
        _ => Map::new(),
    }
}

/// `None` for what TOML has no word for: nothing.
fn value(json: &Json) -> Option<toml::Value> {
    Some(match json {
        Json::Null => return None,
        Json::Bool(is) => (*is).into(),
        Json::Number(number) => match number.as_i64() {
            Some(integer) => integer.into(),
            None => number.as_f64()?.into(),
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(items) => {
            let items: Vec<toml::Value> = items.iter().filter_map(value).collect();
            items.into()
        }
        Json::Object(members) => {
            let members = members
                .iter()
                .filter_map(|(name, member)| Some((name.clone(), value(member)?)));
            toml::Value::Table(members.collect())
        }
    })
}
