//! Plan, apply and export over random configurations, and over what administrators did meanwhile.

use std::path::Path;

use futures_util::future::join_all;
use locum::admin::Admin;
use locum::admin::configuration::{self, ApplyError, Change, ChangeAction, Plan};
use locum::admin::forms::{ApiForm, ClientForm, RoleForm, UserForm};
use locum::admin::rights::Rights;
use locum::audit::Actor;
use locum::clock::Clock;
use locum::config::{ConfigFile, Declared, Origin};
use locum::entropy::Entropy;
use locum::issuer::RegisteredBy;
use locum::keys::{Keyring, SecretKey};
use locum::oauth::Core;
use locum::secret::{Secret, SecretHash};
use locum::source::Source;
use locum::store::UserQuery;
use proptest::collection::{btree_map, btree_set, vec};
use proptest::option;
use proptest::prelude::*;
use proptest::sample::{select, subsequence};
use proptest::strategy::ValueTree;
use proptest::test_runner::{Config, TestRunner};
use serde_json::{Value as Json, json};
use toml::{Table, Value};

use crate::support::database::{Database, on_engines};
use crate::support::user::PASSWORD_HASH;

/// Somebody with the database.
struct Desk {
    core: Core,
    keyring: Keyring,
}

impl Desk {
    async fn at(database: &Database) -> Self {
        let secret = Secret::new("a secret key of these tests alone");
        let secret_key = SecretKey::derive(&secret).unwrap();
        let store = database.open().await;
        Self {
            core: Core::new(store, &secret_key, Clock::System, Entropy::System, false),
            keyring: Keyring::new(secret_key),
        }
    }

    fn admin(&self) -> Admin<'_> {
        let actor = Actor::command_line();
        let by = RegisteredBy::CommandLine;
        Admin::new(&self.core, &self.keyring, actor, Rights::Everything, by)
    }

    async fn plan(&self, text: &str) -> Plan {
        let plan = configuration::plan(&self.core, &declared(text), Path::new(".")).await;
        plan.unwrap_or_else(|error| panic!("{error}"))
    }

    async fn try_apply(&self, text: &str) -> Result<Plan, ApplyError> {
        let (declared, actor) = (declared(text), Actor::command_line());
        configuration::apply(&self.core, &self.keyring, &declared, Path::new("."), &actor).await
    }

    async fn apply(&self, text: &str) -> Vec<Change> {
        let plan = self.try_apply(text).await;
        plan.unwrap_or_else(|error| panic!("{error}")).changes
    }

    async fn export(&self, with_users: bool) -> String {
        let exported = configuration::export(&self.core, None, with_users).await;
        exported.unwrap_or_else(|error| panic!("{error}")).text
    }
}

fn declared(text: &str) -> Vec<Declared> {
    let source = Source::new("locum.toml", text);
    let file = ConfigFile::parse(source, ".".into());
    let file = file.unwrap_or_else(|mistake| panic!("{mistake}\n{text}"));
    file.resolve(Origin::File).unwrap_or_else(|mistakes| {
        let mistakes: Vec<String> = mistakes.iter().map(ToString::to_string).collect();
        panic!("{}\n{text}", mistakes.join("\n"))
    })
}

// ------------------------------------------------------------------------------- what may be said

const AUDIENCES: [&str; 4] = [
    "https://a.example",
    "urn:b",
    "c",
    "https://d.example/?x=1&y=%20",
];
/// The last one is for users only, wherever it is.
const SCOPES: [&str; 5] = ["read", "write", "a/b:c", "~!", "prescribe"];
const ROLES: [&str; 5] = ["nurse", "Dr. Ö", "名前", "a/b", "=1+1"];
const CLIENTS: [&str; 6] = ["web", "a b", "x/y", "%2e", "machine", "\"q\""];
const USERS: [&str; 5] = ["Ada", "bob@x.example", "ß", "💊", "o'neil"];
const LANGUAGES: [&str; 4] = ["en", "es", "pt-BR", "fr"];

/// Texts that formats stumble over.
fn text() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-zA-Z ]{1,12}",
        select(vec![
            "\"", "'''", "a\nb", "\\u0041", "#", "💊 é", "= 1", "[x]", "{y}", "true"
        ])
        .prop_map(str::to_owned),
    ]
}

/// One that may be a name: it has no space around it, and no line ends in it.
fn name() -> impl Strategy<Value = String> {
    text().prop_map(|text| format!("n{}n", text.replace('\n', " ")))
}

fn uri() -> impl Strategy<Value = String> {
    "https://[a-c]\\.example/[a-z]{0,4}"
}

fn json_value() -> impl Strategy<Value = Json> {
    let leaf = prop_oneof![
        any::<bool>().prop_map(Json::from),
        any::<i64>().prop_map(Json::from),
        (-1e6..1e6f64).prop_map(Json::from),
        text().prop_map(Json::from),
    ];
    leaf.prop_recursive(2, 8, 3, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..3).prop_map(Json::from),
            btree_map("[a-z. ]{1,4}", inner, 0..3).prop_map(|members| json!(members)),
        ]
    })
}

fn claims() -> impl Strategy<Value = Json> {
    btree_map(
        select(vec!["plan", "https://x.example/y", "floor", "a b"]),
        json_value(),
        0..3,
    )
    .prop_map(|claims| json!(claims))
}

fn scope() -> impl Strategy<Value = Json> {
    (
        select(SCOPES.to_vec()),
        option::of(text()),
        btree_map(select(LANGUAGES.to_vec()), text(), 0..3),
        any::<bool>(),
    )
        .prop_map(|(name, description, translations, needs_role)| {
            json!({
                "name": name,
                "description": description.unwrap_or_default(),
                "translations": translations,
                "needs_role": needs_role,
                "users_only": name == "prescribe",
            })
        })
}

/// As the admin API takes it.
fn api() -> impl Strategy<Value = Json> {
    (
        select(AUDIENCES.to_vec()),
        option::of(name()),
        vec(scope(), 0..4),
        option::of(1..100_000u64),
        option::of(select(vec!["jwt", "opaque"])),
        option::of(select(vec!["ES256", "EdDSA"])),
    )
        .prop_map(|(audience, name, mut scopes, lifetime, format, alg)| {
            let mut known = Vec::new();
            scopes.retain(|scope| {
                let name = scope["name"].clone();
                let is_new = !known.contains(&name);
                known.push(name);
                is_new
            });
            json!({
                "audience": audience, "name": name.unwrap_or_default(), "scopes": scopes,
                "token_lifetime": lifetime, "token_format": format, "signing_alg": alg,
            })
        })
}

/// Which of the APIs that there are, and which of their scopes: filled in when they are known.
type Wanted = Vec<(usize, Option<u8>)>;

fn wanted() -> impl Strategy<Value = Wanted> {
    vec((0..AUDIENCES.len(), option::of(any::<u8>())), 0..3)
}

fn grants(wanted: &Wanted, apis: &[Json], is_machine: bool) -> Json {
    let mut grants: Vec<Json> = Vec::new();
    for (index, mask) in wanted {
        let Some(api) = apis.get(*index) else {
            continue;
        };
        if grants
            .iter()
            .any(|grant| grant["audience"] == api["audience"])
        {
            continue;
        }
        let scopes = match mask {
            None => json!("all"),
            Some(mask) => {
                let names = api["scopes"].as_array().unwrap().iter().enumerate();
                names
                    .filter(|(index, scope)| {
                        mask & (1 << index) != 0 && !(is_machine && scope["users_only"] == true)
                    })
                    .map(|(_, scope)| scope["name"].clone())
                    .collect()
            }
        };
        grants.push(json!({ "audience": api["audience"], "scopes": scopes }));
    }
    json!(grants)
}

fn role() -> impl Strategy<Value = (Json, Wanted)> {
    (select(ROLES.to_vec()), text(), wanted()).prop_map(|(name, description, wanted)| {
        (json!({ "name": name, "description": description }), wanted)
    })
}

fn client() -> impl Strategy<Value = (Json, Wanted)> {
    let texts = (
        option::of(name()),
        option::of(name()),
        option::of(name()),
        option::of(name()),
    );
    let uris = (
        vec(uri(), 1..3),
        vec(uri(), 0..2),
        option::of(uri()),
        option::of(uri()),
    );
    let flags = (
        any::<bool>(),
        any::<bool>(),
        any::<bool>(),
        option::of(0..9_999_999u64),
    );
    (
        (select(CLIENTS.to_vec()), select(vec!["machine", "web", "spa", "native"])),
        texts,
        uris,
        flags,
        (claims(), claims(), option::of(select(vec!["ES256", "EdDSA"]))),
        (any::<bool>(), any::<bool>(), wanted()),
    )
        .prop_map(|((id, kind), texts, uris, flags, (claims, extra, alg), (refreshes, pairwise, wanted))| {
            let mut redirect_uris = uris.0;
            redirect_uris.dedup();
            redirect_uris.sort();
            redirect_uris.dedup();
            let mut client = json!({
                "client_id": id, "kind": kind, "claims": claims, "extra": extra,
                "first_party": flags.0, "require_auth_time": flags.1,
                "backchannel_logout_session_required": flags.2,
                "post_logout_redirect_uris": uris.1.into_iter().collect::<std::collections::BTreeSet<_>>(),
            });
            for (member, value) in [
                ("client_name", texts.0.map(Json::from)),
                ("operator", texts.1.map(Json::from)),
                ("software_id", texts.2.clone().map(Json::from)),
                ("contacts", texts.3.map(|text| json!([text]))),
                ("client_uri", uris.2.map(Json::from)),
                ("backchannel_logout_uri", uris.3.map(Json::from)),
                ("default_max_age", flags.3.map(Json::from)),
                ("userinfo_signed_response_alg", alg.map(Json::from)),
                ("jwks", texts.2.map(|text| json!({ "keys": [{ "kty": "EC", "crv": "P-256", "x": text, "y": "y" }] }))),
            ] {
                if let Some(value) = value {
                    client[member] = value;
                }
            }
            if kind != "machine" {
                client["redirect_uris"] = json!(redirect_uris);
                if refreshes {
                    client["grant_types"] = json!(["authorization_code"]);
                }
                if pairwise {
                    client["subject_type"] = json!("pairwise");
                    client["sector_identifier"] = json!("x.example");
                }
            }
            (client, wanted)
        })
}

fn user() -> impl Strategy<Value = (Json, Vec<&'static str>)> {
    (
        (select(USERS.to_vec()), option::of(name()), claims()),
        (
            any::<bool>(),
            any::<bool>(),
            subsequence(ROLES.to_vec(), 0..3),
        ),
    )
        .prop_map(
            |((username, name, mut claims), (blocked, has_password, roles))| {
                if let Some(name) = name {
                    claims["name"] = name.into();
                }
                let user = json!({
                    "username": username, "claims": claims, "blocked": blocked,
                    "has_password": has_password,
                });
                (user, roles)
            },
        )
}

/// Everything at one issuer. Of several of one name the first counts.
#[derive(Debug, Clone)]
struct Whole {
    apis: Vec<Json>,
    roles: Vec<Json>,
    clients: Vec<Json>,
    users: Vec<Json>,
    settings: Json,
}

fn settings() -> impl Strategy<Value = Json> {
    (
        option::of(name()),
        option::of("#[0-9a-f]{6}"),
        option::of(uri()),
        btree_set(uri(), 0..3),
        option::of(1..36_500u32),
    )
        .prop_map(|(name, color, help_uri, uris, days)| {
            let mut brand = json!({});
            for (member, value) in [("name", name), ("color", color), ("help_uri", help_uri)] {
                if let Some(value) = value {
                    brand[member] = value.into();
                }
            }
            let mut settings = json!({
                "brand": brand, "post_logout_redirect_uris": uris, "signing_algs": ["ES256", "EdDSA"],
            });
            if let Some(days) = days {
                settings["audit_retention_days"] = days.into();
            }
            settings
        })
}

fn first_of<T>(mut all: Vec<T>, name: impl Fn(&T) -> String) -> Vec<T> {
    let mut known = Vec::new();
    all.retain(|one| {
        let name = name(one);
        let is_new = !known.contains(&name);
        known.push(name);
        is_new
    });
    all
}

fn whole() -> impl Strategy<Value = Whole> {
    (
        vec(api(), 0..4),
        vec(role(), 0..4),
        vec(client(), 0..5),
        vec(user(), 0..4),
        settings(),
    )
        .prop_map(|(apis, roles, clients, users, settings)| {
            let apis = first_of(apis, |api| api["audience"].to_string());
            let roles = first_of(roles, |(role, _)| role["name"].to_string());
            let clients = first_of(clients, |(client, _)| client["client_id"].to_string());
            let users = first_of(users, |(user, _)| user["username"].to_string());
            let roles: Vec<Json> = roles
                .into_iter()
                .map(|(mut role, wanted)| {
                    role["grants"] = grants(&wanted, &apis, false);
                    role
                })
                .collect();
            let clients = clients
                .into_iter()
                .map(|(mut client, wanted)| {
                    client["grants"] = grants(&wanted, &apis, client["kind"] == "machine");
                    client
                })
                .collect();
            let users = users
                .into_iter()
                .map(|(mut user, mut wanted)| {
                    wanted.retain(|wanted| roles.iter().any(|role| role["name"] == *wanted));
                    user["roles"] = json!(wanted);
                    user
                })
                .collect();
            Whole {
                apis,
                roles,
                clients,
                users,
                settings,
            }
        })
}

/// JSON as TOML; what is null is left out.
fn toml_of(json: &Json) -> Option<Value> {
    Some(match json {
        Json::Null => return None,
        Json::Bool(is) => (*is).into(),
        Json::Number(number) => match number.as_i64() {
            Some(number) => number.into(),
            None => number.as_f64()?.into(),
        },
        Json::String(text) => text.as_str().into(),
        Json::Array(items) => items.iter().filter_map(toml_of).collect::<Vec<_>>().into(),
        Json::Object(members) => Value::Table(
            members
                .iter()
                .filter_map(|(name, value)| Some((name.clone(), toml_of(value)?)))
                .collect(),
        ),
    })
}

impl Whole {
    /// As a configuration declares it.
    fn text(&self, issuer: &str) -> String {
        let mut table = json!({ "name": issuer, "dialect": "standard" });
        for (member, value) in self.settings.as_object().unwrap() {
            table[member] = value.clone();
        }
        let renamed = |things: &[Json], old: &str, new: &str| -> Vec<Json> {
            let mut things = things.to_vec();
            for thing in &mut things {
                let value = thing.as_object_mut().unwrap().remove(old);
                thing[new] = value.unwrap_or_default();
            }
            things
        };
        let mut apis = self.apis.clone();
        for scope in apis
            .iter_mut()
            .flat_map(|api| api["scopes"].as_array_mut().unwrap())
        {
            let translations = scope
                .as_object_mut()
                .unwrap()
                .remove("translations")
                .unwrap();
            if translations.as_object().is_some_and(|all| !all.is_empty()) {
                scope["description"] = translations;
            }
        }
        for api in &mut apis {
            if api["name"] == "" {
                api.as_object_mut().unwrap().remove("name");
            }
        }
        let mut clients = renamed(&self.clients, "grants", "grant");
        for client in clients
            .iter_mut()
            .filter(|client| ["machine", "web"].contains(&client["kind"].as_str().unwrap()))
        {
            let id = client["client_id"].as_str().unwrap();
            let hash = SecretHash::sha256(&Secret::new(format!("secret of {id}")));
            client["client_secret_hash"] = hash.to_string().into();
        }
        let mut users = self.users.clone();
        for user in &mut users {
            let has_password = user.as_object_mut().unwrap().remove("has_password");
            if has_password == Some(json!(true)) {
                user["password_hash"] = PASSWORD_HASH.into();
            } else {
                user["has_no_password"] = true.into();
            }
        }
        table["api"] = json!(apis);
        table["role"] = json!(renamed(&self.roles, "grants", "grant"));
        table["client"] = json!(clients);
        table["user"] = json!(users);
        let mut file = Table::new();
        file.insert("issuer".to_owned(), vec![toml_of(&table).unwrap()].into());
        file.to_string()
    }

    /// As administrators make it: whatever is not there already.
    async fn make(&self, desk: &Desk, issuer: &str) {
        let admin = desk.admin();
        // As it is by then: each change is checked against the issuer as it was read.
        let at = async || admin.at(issuer).await.unwrap();
        let known = |error| match error {
            locum::admin::AdminFault::Exists { .. } => {}
            // Of what was there before, some may be called the same, and be something else.
            locum::admin::AdminFault::Invalid(problems)
                if problems.iter().all(|problem| {
                    ["grants", "roles", "scopes"].contains(&problem.field.as_str())
                }) => {}
            other => panic!("{other}"),
        };
        for api in &self.apis {
            let form: ApiForm = serde_json::from_value(api.clone()).unwrap();
            let made = at().await.create_api(&form).await;
            made.map(drop).unwrap_or_else(known);
        }
        for role in &self.roles {
            let form: RoleForm = serde_json::from_value(role.clone()).unwrap();
            let made = at().await.create_role(&form).await;
            made.map(drop).unwrap_or_else(known);
        }
        for client in &self.clients {
            let form: ClientForm = serde_json::from_value(client.clone()).unwrap();
            let made = at().await.create_client(&form, None).await;
            made.map(drop).unwrap_or_else(known);
        }
        for user in &self.users {
            let mut user = user.clone();
            user.as_object_mut().unwrap().remove("has_password");
            let form: UserForm = serde_json::from_value(user).unwrap();
            let made = at().await.create_user(&form, None).await;
            made.map(drop).unwrap_or_else(known);
        }
    }
}

fn fields(changes: &[Change]) -> Vec<String> {
    changes
        .iter()
        .map(|change| {
            let names = change
                .fields
                .iter()
                .map(|field| format!("{} {} -> {}", field.field, field.before, field.after));
            let names: Vec<String> = names.collect();
            format!(
                "{:?} {} {}: {}",
                change.action,
                change.kind.as_str(),
                change.name,
                names.join("; ")
            )
        })
        .collect()
}

// --------------------------------------------------------------------------------------- properties

/// `user ada`: the names of what an issuer has; what is declared only `with_declared`.
async fn there(desk: &Desk, issuer: &str, with_declared: bool) -> Vec<String> {
    let store = &desk.core.store;
    let id = store.find_issuer(issuer).await.unwrap().unwrap().id;
    let query = UserQuery {
        limit: 1000,
        ..UserQuery::default()
    };
    let apis = store.list_api_records(id).await.unwrap();
    let roles = store.list_role_records(id).await.unwrap();
    let clients = store.list_all_clients(id).await.unwrap();
    let users = store.list_users(id, &query).await.unwrap();
    let apis = apis
        .into_iter()
        .map(|api| (api.is_declared, format!("api {}", api.value.audience)));
    let roles = roles
        .into_iter()
        .map(|role| (role.is_declared, format!("role {}", role.value.name)));
    let clients = clients.into_iter().map(|client| {
        (
            client.is_declared,
            format!("client {}", client.client.client_id),
        )
    });
    let users = users.into_iter().map(|user| {
        let canonical = locum::account::User::canonical_username(&user.user.username);
        (user.is_declared, format!("user {canonical}"))
    });
    apis.chain(roles)
        .chain(clients)
        .chain(users)
        .filter(|(is_declared, _)| with_declared || !is_declared)
        .map(|(_, name)| name)
        .collect()
}

/// What must hold of configurations that are applied one after the other, and of what
/// administrators make between the first and the second.
async fn hold(database: &Database, configurations: &[Whole], by_hand: &Whole) {
    let desk = Desk::at(database).await;
    let mut made = Vec::new();
    for (index, whole) in configurations.iter().enumerate() {
        let text = whole.text("practice");
        desk.apply(&text).await;
        assert_eq!(fields(&desk.plan(&text).await.changes), [""; 0], "{text}");
        let mut connection = database.connect().await;
        let before = connection.dump().await;
        assert_eq!(desk.apply(&text).await, []);
        assert_eq!(
            connection.dump().await,
            before,
            "applying twice is not the same"
        );
        if index == 0 {
            by_hand.make(&desk, "practice").await;
            made = there(&desk, "practice", false).await;
        }
    }
    // What administrators made stays, whatever files declared and declare no longer.
    let left = there(&desk, "practice", true).await;
    for name in &made {
        assert!(left.contains(name), "{name} has gone");
    }

    // The export says what is there, and applying it takes it over and changes nothing else.
    let exported = desk.export(true).await;
    for change in &desk.plan(&exported).await.changes {
        assert_eq!(
            change.action,
            ChangeAction::Adopt,
            "{:?}\n{exported}",
            fields(std::slice::from_ref(change))
        );
        assert!(
            change.fields.is_empty(),
            "{:?}\n{exported}",
            fields(std::slice::from_ref(change))
        );
    }
    desk.apply(&exported).await;
    assert_eq!(
        fields(&desk.plan(&exported).await.changes),
        [""; 0],
        "{exported}"
    );
    assert_eq!(desk.export(true).await, exported);

    // And elsewhere it makes the same.
    let elsewhere = Database::sqlite_in_memory();
    let other = Desk::at(&elsewhere).await;
    other.apply(&exported).await;
    assert_eq!(other.export(true).await, exported);
    desk.core.store.close().await;
}

async fn try_many(cases: u32, database: impl AsyncFn() -> Database) {
    let mut runner = TestRunner::new(Config {
        cases,
        failure_persistence: None,
        ..Config::default()
    });
    let strategy = (vec(whole(), 1..4), whole());
    for _ in 0..cases {
        let tree = strategy.new_tree(&mut runner).unwrap();
        let (configurations, by_hand) = tree.current();
        hold(&database().await, &configurations, &by_hand).await;
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_applied_is_there_on_sqlite() {
    try_many(24, async || Database::sqlite_file()).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_applied_is_there_on_postgres() {
    try_many(6, async || Database::postgres().await).await;
}

// ----------------------------------------------------------------------------------------- examples

fn two(first: &str, second: &str, description: &str) -> String {
    [first, second]
        .map(|issuer| {
            format!(
                "[[issuer]]\nname = \"{issuer}\"\ndialect = \"standard\"\nsigning_algs = [\"ES256\"]\n\
                 [[issuer.api]]\naudience = \"x\"\nscopes = [{{ name = \"s\", description = \"{description}\" }}]\n\
                 [[issuer.role]]\nname = \"r\"\ndescription = \"{description}\"\n\
                 [[issuer.client]]\nclient_id = \"spa\"\nkind = \"spa\"\nredirect_uris = [\"https://spa.example/\"]\noperator = \"{description}\"\n\
                 [[issuer.user]]\nusername = \"u\"\nhas_no_password = true\nname = \"{description}\"\n"
            )
        })
        .concat()
}

on_engines! { persistent:
    /// Several that are applied at the same moment, to the same issuers in different orders: each
    /// happens whole or not at all.
    async fn one_of_racing_configurations_is_there(database: Database) {
        let desk = Desk::at(&database).await;
        let other = Desk::at(&database).await;
        for round in 0..4 {
            let names = [format!("a{round}"), format!("b{round}")];
            let texts = [two(&names[0], &names[1], "first"), two(&names[1], &names[0], "second")];
            for _ in 0..2 {
                let applying = (0..6).map(|index| {
                    let desk = if index % 3 == 0 { &other } else { &desk };
                    desk.try_apply(&texts[index % 2])
                });
                for outcome in join_all(applying).await {
                    if let Err(error) = outcome {
                        assert!(matches!(error, ApplyError::Contended), "{error}");
                    }
                }
                let mut there = 0;
                for text in &texts {
                    there += usize::from(desk.plan(text).await.is_empty());
                }
                assert_eq!(there, 1);
            }
        }
    }

    async fn what_others_change_shows_as_a_difference(database: Database) {
        let desk = Desk::at(&database).await;
        let text = two("a", "b", "declared");
        desk.apply(&text).await;
        let admin = desk.admin();
        let at = admin.at("a").await.unwrap();
        let (role, revision) = {
            let role = at.get_role("r").await.unwrap();
            let mut form = RoleForm::of(&role.value, &[]);
            form.description = "changed".to_owned();
            (form, role.revision)
        };
        at.update_role("r", revision, &role).await.unwrap();
        let client = at.get_client("spa").await.unwrap();
        at.set_client_disabled("spa", client.revision, true).await.unwrap();
        let client = at.get_client("spa").await.unwrap();
        let mut form = ClientForm::of(&client.client, &[]);
        form.metadata.operator = None;
        at.update_client("spa", client.revision, &form).await.unwrap();
        let mut settings = at.issuer.settings.clone();
        settings.brand.name = Some("Other".to_owned());
        at.update_settings(at.issuer.revision, settings).await.unwrap();
        let user = at.find_user("u").await.unwrap();
        let mut form = UserForm::from(&user.user);
        form.claims.insert("name".to_owned(), "Their own".into());
        form.blocked = true;
        at.update_user(user.user.id, user.revision, &form).await.unwrap();
        let guest: UserForm = serde_json::from_value(json!({ "username": "guest", "roles": ["r"] })).unwrap();
        at.create_user(&guest, None).await.unwrap();

        // Whether somebody is let in, and what people say of themselves, no configuration says.
        let plan = desk.plan(&text).await;
        let said: Vec<String> = fields(&plan.changes);
        assert_eq!(
            said,
            [
                "Update issuer a: brand {\"color\":null,\"help_uri\":null,\"logo\":null,\"name\":\"Other\"} -> {\"color\":null,\"help_uri\":null,\"logo\":null,\"name\":null}",
                "Update role r: description \"changed\" -> \"declared\"",
                "Update client spa: operator null -> \"declared\"",
            ]
        );
        desk.apply(&text).await;
        assert!(desk.plan(&text).await.is_empty());
        let client = at.get_client("spa").await.unwrap();
        assert!(client.client.is_disabled);
        let user = at.find_user("u").await.unwrap();
        assert!(user.user.is_blocked);
        assert_eq!(user.user.claims.text("name"), Some("Their own"));

        // An issuer that is no longer declared stays, and is named; within one, what was declared
        // goes, and what was not stays.
        let alone = "[[issuer]]\nname = \"a\"\ndialect = \"standard\"\nsigning_algs = [\"ES256\"]\n";
        let plan = desk.plan(alone).await;
        assert_eq!(plan.left, ["b"]);
        desk.apply(alone).await;
        assert!(admin.at("b").await.unwrap().get_client("spa").await.is_ok());
        assert!(at.get_client("spa").await.is_err());
        assert!(at.find_user("u").await.is_err());
        let guest = at.find_user("guest").await.unwrap();
        assert_eq!(guest.user.roles, Vec::<String>::new());
    }
}
