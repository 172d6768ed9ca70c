//! What a configuration declares, as the database has it after a start, or after it is applied.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::Duration;

use futures_util::future::join_all;
use locum::account::{Role, Session, SessionId, User, UserClaims};
use locum::admin::configuration::{self, ApplyError, Change, ChangeAction, Plan};
use locum::audit::{Actor, ActorKind};
use locum::clock::{Clock, ManualClock};
use locum::config::{ConfigFile, Origin};
use locum::demo;
use locum::entropy::Entropy;
use locum::issuer::{
    Client, ClientMetadata, GrantedScope, IssuerId, RegisteredBy, RegistrationPolicy, SubjectType,
};
use locum::keys::Keyring;
use locum::oauth::Core;
use locum::protocol::SigningAlg;
use locum::secret::{Digest, HashingMemory, Secret, SecretHash};
use locum::source::Source;
use locum::store::Store;
use serde_json::json;
use uuid::Uuid;

use super::people::{begin, somebody};
use super::{api, at, client, scope, write};
use crate::support::database::{Database, on_engines};
use crate::support::servers::Fixture;

/// An issuer with its roles, users and whatever else.
fn practice(people: &str) -> String {
    format!(
        r#"
        [[issuer]]
        name = "practice"
        dialect = "standard"
        signing_algs = ["ES256"]

        [[issuer.api]]
        audience = "https://api.example"
        scopes = [
            "read",
            {{ name = "write", needs_role = true, description = {{ es = "Escribir", en = "Write", "pt-BR" = "Escrever" }} }},
            {{ name = "prescribe", users_only = true, description = "Prescribe" }},
        ]
        {people}
        "#
    )
}

async fn start(database: &Database, people: &str) -> Fixture {
    Fixture::with(|builder| {
        builder
            .config(practice(people), ".")
            .database_url(&database.url)
    })
    .await
}

async fn practice_of(store: &Store) -> IssuerId {
    store.find_issuer("practice").await.unwrap().unwrap().id
}

async fn find(store: &Store, username: &str) -> Option<User> {
    store
        .find_user(practice_of(store).await, username)
        .await
        .unwrap()
}

fn fits(user: &User, password: &str) -> bool {
    let hash = user.password_hash.as_ref().unwrap();
    hash.matches(&Secret::new(password), &mut HashingMemory::default())
}

const EVERYTHING: &str = r#"
    [[issuer.role]]
    name = "nurse"
    description = "Cares"
    grant = [{ audience = "https://api.example", scopes = ["write", "read"] }]

    [[issuer.role]]
    name = "doctor"
    grant = [{ audience = "https://api.example", scopes = "all" }]

    [[issuer.user]]
    username = "Ada"
    password = "correct horse"
    roles = ["doctor", "nurse"]
    name = "Ada L."
    email = "ada@practice.example"
    claims = { email_verified = true, birthdate = 1980-01-02, height = 1.5, address = { country = "FR" }, tags = ["a", 1] }

    [[issuer.client]]
    client_id = "app"
    kind = "native"
    redirect_uris = ["com.example.app:/callback", "http://127.0.0.1/callback"]
    first_party = true
    any_loopback_uri = true
    post_logout_redirect_uris = ["com.example.app:/bye"]
    frontchannel_logout_uri = "https://app.example/front"
    frontchannel_logout_session_required = true
    backchannel_logout_uri = "https://app.example/back"
    backchannel_logout_session_required = true
    subject_type = "pairwise"
    sector_identifier = "app.example"
    id_token_signed_response_alg = "ES256"
    userinfo_signed_response_alg = "ES256"
    default_max_age = 3600
    require_auth_time = true
    operator = "Example Apps"
    client_uri = "https://app.example"
    policy_uri = "https://app.example/policy"
    tos_uri = "https://app.example/tos"
    claims = { "https://app.example/name" = "{name}", plan = 3 }
"#;

on_engines! { all:
    async fn what_is_declared_of_people_is_there(database: Database) {
        let locum = start(&database, EVERYTHING).await;
        let store = &locum.locum.store;
        let practice = practice_of(store).await;

        let apis = store.list_apis(practice).await.unwrap();
        let write = apis[0].find_scope("write").unwrap();
        assert_eq!((write.needs_role, write.users_only), (true, false));
        // English, though it was not named first.
        assert_eq!(write.description, "Write");
        let translations = [("en", "Write"), ("es", "Escribir"), ("pt-BR", "Escrever")];
        let translations = translations.map(|(tag, text)| (tag.to_owned(), text.to_owned()));
        assert_eq!(write.translations, BTreeMap::from(translations));
        let prescribe = apis[0].find_scope("prescribe").unwrap();
        assert_eq!((prescribe.needs_role, prescribe.description.as_str()), (false, "Prescribe"));

        let roles = store.roles(practice).await.unwrap();
        let names: Vec<&str> = roles.iter().map(|role| role.name.as_str()).collect();
        assert_eq!(names, ["nurse", "doctor"]);
        assert_eq!(roles[0].grants[0].scope, GrantedScope::Only(scope("write read")));
        assert_eq!(roles[1].grants[0].scope, GrantedScope::All);
        assert!(roles[1].holds(apis[0].id, "prescribe") && !roles[0].holds(apis[0].id, "prescribe"));

        let ada = find(store, "ada").await.unwrap();
        assert_eq!((ada.username.as_str(), ada.is_blocked), ("Ada", false));
        assert_eq!(ada.roles, ["nurse", "doctor"]);
        assert_eq!(json!(ada.claims), json!({
            "name": "Ada L.",
            "email": "ada@practice.example",
            "email_verified": true,
            "birthdate": "1980-01-02",
            "height": 1.5,
            "address": { "country": "FR" },
            "tags": ["a", 1],
        }));
        assert!(fits(&ada, "correct horse") && !fits(&ada, "correct horsf"));

        let text = |text: &str| Some(text.to_owned());
        let app = store.find_client(practice, "app").await.unwrap().unwrap();
        assert_eq!(app.metadata, ClientMetadata {
            first_party: true,
            any_loopback_uri: true,
            post_logout_redirect_uris: vec!["com.example.app:/bye".to_owned()],
            frontchannel_logout_uri: text("https://app.example/front"),
            frontchannel_logout_session_required: true,
            backchannel_logout_uri: text("https://app.example/back"),
            backchannel_logout_session_required: true,
            subject_type: SubjectType::Pairwise,
            sector_identifier: text("app.example"),
            id_token_signed_response_alg: Some(SigningAlg::ES256),
            userinfo_signed_response_alg: Some(SigningAlg::ES256),
            default_max_age: Some(3600),
            require_auth_time: true,
            operator: text("Example Apps"),
            client_uri: text("https://app.example"),
            policy_uri: text("https://app.example/policy"),
            tos_uri: text("https://app.example/tos"),
            claims: json!({ "https://app.example/name": "{name}", "plan": 3 }).as_object().unwrap().clone(),
            ..ClientMetadata::default()
        });
    }
}

on_engines! { persistent:
    async fn a_users_own_password_survives_another_start(database: Database) {
        let ada = |password: &str| format!(
            "[[issuer.user]]\nusername = \"ada\"\npassword = \"{password}\""
        );
        let first = start(&database, &ada("given")).await;
        let store = &first.locum.store;
        let before = find(store, "ada").await.unwrap();
        drop(first);

        // As long as it is the given one, a configuration may give another.
        let second = start(&database, &ada("given anew")).await;
        let store = &second.locum.store;
        let given = find(store, "ada").await.unwrap();
        assert_eq!(given.id, before.id);
        assert!(fits(&given, "given anew") && !fits(&given, "given"));
        let own = SecretHash::argon2id(&Secret::new("own"), &Entropy::System).unwrap();
        let practice = practice_of(store).await;
        let mut tx = store.write().await.unwrap();
        tx.set_password(practice, given.id, &own, at(9)).await.unwrap();
        tx.commit().await.unwrap();
        drop(second);

        for password in ["given anew", "yet another"] {
            let later = start(&database, &ada(password)).await;
            let user = find(&later.locum.store, "ada").await.unwrap();
            assert_eq!(user.password_hash, Some(own.clone()));
        }
    }

    async fn a_profile_that_its_owner_changed_survives_another_start(database: Database) {
        let ada = |name: &str| format!(
            "[[issuer.user]]\nusername = \"ada\"\npassword = \"a\"\nname = \"{name}\""
        );
        let first = start(&database, &ada("Ada")).await;
        drop(first);
        let second = start(&database, &ada("Ada Anew")).await;
        let store = &second.locum.store;
        let declared = find(store, "ada").await.unwrap();
        assert_eq!(declared.claims.text("name"), Some("Ada Anew"));
        let own = UserClaims(json!({ "name": "Countess" }).as_object().unwrap().clone());
        store.set_claims(practice_of(store).await, declared.id, &own, at(9)).await.unwrap();
        drop(second);

        let third = start(&database, &ada("Ada Again")).await;
        let user = find(&third.locum.store, "ada").await.unwrap();
        assert_eq!((user.claims, user.updated_at), (own, at(9)));
    }

    async fn a_hash_is_taken_as_it_is(database: Database) {
        let hash = SecretHash::argon2id(&Secret::new("elsewhere"), &Entropy::System).unwrap();
        let declared = format!("[[issuer.user]]\nusername = \"ada\"\npassword_hash = \"{hash}\"");
        let locum = start(&database, &declared).await;
        let ada = find(&locum.locum.store, "ada").await.unwrap();
        assert_eq!(ada.password_hash, Some(hash));
    }

    async fn whoever_is_blocked_or_no_longer_declared_is_out(database: Database) {
        let both = "
            [[issuer.user]]\nusername = \"ada\"\npassword = \"a\"
            [[issuer.user]]\nusername = \"bob\"\npassword = \"b\"";
        let before = start(&database, both).await;
        let store = &before.locum.store;
        let practice = practice_of(store).await;
        for name in ["ada", "bob"] {
            let session = Session {
                id: SessionId(Uuid::new_v4()),
                user: find(store, name).await.unwrap().id,
                auth_time: at(0),
                amr: Vec::new(),
                is_remembered: false,
                created_at: at(0),
                last_seen_at: at(0),
                idle_expires_at: at(3600),
                expires_at: at(3600),
                address: String::new(),
                user_agent: String::new(),
            };
            let token = Digest::of(name.as_bytes());
            store.insert_session(practice, &session, &token).await.unwrap();
            assert!(store.find_session(practice, &token, at(1)).await.unwrap().is_some());
        }
        drop(before);

        let blocked = "[[issuer.user]]\nusername = \"ada\"\npassword = \"a\"\nblocked = true";
        let after = start(&database, blocked).await;
        let store = &after.locum.store;
        assert!(find(store, "ada").await.unwrap().is_blocked);
        assert_eq!(find(store, "bob").await, None);
        for name in ["ada", "bob"] {
            let token = Digest::of(name.as_bytes());
            assert_eq!(store.find_session(practice, &token, at(1)).await.unwrap(), None);
        }
    }
}

// ------------------------------------------------------------------------- applied to a database

/// What applies configurations to a database, without a server.
struct Desk {
    core: Core,
    keyring: Keyring,
    clock: ManualClock,
}

impl Desk {
    async fn at(database: &Database) -> Self {
        let keyring = demo::keyring(demo::secret_key()).unwrap();
        let clock = ManualClock::starting_at(at(0));
        let entropy = Entropy::System;
        let store = database.open().await;
        let clock_of_core = Clock::Manual(clock.clone());
        let core = Core::new(store, &keyring.secret_key, clock_of_core, entropy, true);
        Self {
            core,
            keyring,
            clock,
        }
    }

    async fn try_apply(&self, people: &str) -> Result<Plan, ApplyError> {
        let source = Source::new("the configuration", practice(people));
        let file = ConfigFile::parse(source, ".".into()).unwrap_or_else(|m| panic!("{m}"));
        let declared = file
            .resolve(Origin::File)
            .unwrap_or_else(|m| panic!("{}", m[0]));
        let (keyring, actor) = (&self.keyring, Actor::command_line());
        configuration::apply(&self.core, keyring, &declared, Path::new("."), &actor).await
    }

    /// Applies an issuer, and says what that changed, a second later than the time before.
    async fn apply(&self, people: &str) -> Vec<Change> {
        self.clock.advance(Duration::from_secs(1));
        let plan = self.try_apply(people).await;
        plan.unwrap_or_else(|error| panic!("{error}")).changes
    }
}

/// What changed, in one line each: `update user ada: blocked`.
fn said(changes: &[Change]) -> Vec<String> {
    let say = |change: &Change| {
        let action = match change.action {
            ChangeAction::Create => "create",
            ChangeAction::Adopt => "adopt",
            ChangeAction::Update => "update",
            ChangeAction::Release => "release",
            ChangeAction::Delete => "delete",
        };
        let fields: Vec<&str> = change
            .fields
            .iter()
            .map(|field| field.field.as_str())
            .collect();
        let said = format!(
            "{action} {} {}: {}",
            change.kind.as_str(),
            change.name,
            fields.join(" ")
        );
        said.trim_end_matches([':', ' ']).to_owned()
    };
    changes.iter().map(say).collect()
}

const WEB: &str = r#"
    [[issuer.client]]
    client_id = "web"
    client_secret = "web-secret"
    kind = "web"
"#;

on_engines! { all:
    async fn applying_the_same_again_changes_nothing(database: Database) {
        let desk = Desk::at(&database).await;
        let store = &desk.core.store;
        let everything = format!("{EVERYTHING}{WEB}");
        let created = said(&desk.apply(&everything).await);
        for line in [
            "create issuer practice", "create key ES256", "create api https://api.example",
            "create role nurse", "create role doctor", "create user Ada", "create client app",
            "create client web",
        ] {
            assert!(created.contains(&line.to_owned()), "{line} in {created:?}");
        }
        assert_eq!(created.len(), 8);
        let before = store.find_issuer("practice").await.unwrap();
        let practice = before.as_ref().unwrap().id;
        let chain = store.find_chain(practice.into()).await.unwrap();
        for _ in 0..2 {
            assert_eq!(desk.apply(&everything).await, []);
            assert_eq!(store.find_issuer("practice").await.unwrap(), before);
            assert_eq!(store.find_chain(practice.into()).await.unwrap(), chain);
            let web = store.find_client_record(practice, "web").await.unwrap().unwrap();
            assert_eq!((web.revision, web.updated_at), (1, at(1)));
            let ada = store.find_user_record(practice, "ada").await.unwrap().unwrap();
            assert_eq!((ada.revision, ada.user.updated_at), (1, at(1)));
        }
    }

    async fn what_differs_is_changed_and_nothing_else(database: Database) {
        let desk = Desk::at(&database).await;
        let store = &desk.core.store;
        desk.apply(&format!("{EVERYTHING}{WEB}")).await;
        let practice = practice_of(store).await;
        let ada = store.find_user_record(practice, "ada").await.unwrap().unwrap();
        let apis = store.list_apis(practice).await.unwrap();

        let roleless = EVERYTHING.replace("roles = [\"doctor\", \"nurse\"]", "roles = [\"nurse\"]");
        let renamed = roleless.replace("Ada L.", "Ada K.");
        let recreated = renamed.replace("username = \"Ada\"", "username = \"ADA\"");
        for (config, change, revision, updated_at) in [
            (&roleless, "update user Ada: roles", 2, at(1)),
            (&renamed, "update user Ada: claims", 3, at(3)),
            (&recreated, "update user ADA: username", 4, at(4)),
        ] {
            assert_eq!(said(&desk.apply(&format!("{config}{WEB}")).await), [change]);
            let now = store.find_user_record(practice, "ada").await.unwrap().unwrap();
            assert_eq!((now.user.id, now.user.created_at), (ada.user.id, at(1)));
            assert_eq!((now.revision, now.user.updated_at), (revision, updated_at));
        }
        assert_eq!(find(store, "ada").await.unwrap().roles, ["nurse"]);

        let config = format!("{recreated}{WEB}");
        let reordered = config.replace("[\"write\", \"read\"]", "[\"read\", \"write\"]");
        assert_eq!(said(&desk.apply(&reordered).await), ["update role nurse: grants"]);
        let secret = reordered.replace("web-secret", "another-secret");
        assert_eq!(said(&desk.apply(&secret).await), ["update client web: client_secret"]);
        let web = store.find_client_record(practice, "web").await.unwrap().unwrap();
        assert_eq!(web.secret_created_at, Some(at(6)));
        assert_eq!(store.list_apis(practice).await.unwrap(), apis);
        assert_eq!(desk.apply(&secret).await, []);
    }

    async fn only_what_was_declared_is_taken_back(database: Database) {
        let desk = Desk::at(&database).await;
        let store = &desk.core.store;
        let declared = format!("{EVERYTHING}{WEB}");
        desk.apply(&declared).await;
        let practice = practice_of(store).await;
        // An administrator's own, beside the file's.
        let own_api = api("https://own.example");
        let own_role = Role { name: "own".to_owned(), description: String::new(), grants: Vec::new() };
        let bob = somebody(store, practice, "bob").await;
        write(store, async |tx| {
            assert!(tx.insert_api(practice, &own_api, None, false).await.unwrap());
            assert!(tx.insert_role(practice, &own_role, None, false).await.unwrap());
            let own = client("own", own_api.id);
            assert!(tx.insert_client(practice, &own, RegisteredBy::Console, None, at(0)).await.unwrap());
        }).await;
        begin(store, practice, bob, "of bob", 0).await;
        assert_eq!(desk.apply(&declared).await, []);

        let taken = said(&desk.apply("").await);
        let mut sorted = taken.clone();
        sorted.sort_unstable();
        let expected = [
            "delete client app", "delete client web", "delete role doctor", "delete role nurse",
            "delete user Ada",
        ];
        assert_eq!(sorted, expected);
        assert_eq!(find(store, "ada").await, None);
        assert_eq!(store.find_client_uncached(practice, "web").await.unwrap(), None);
        let own = store.find_client_uncached(practice, "own").await.unwrap();
        assert_eq!(own.unwrap(), client("own", own_api.id));
        assert_eq!(store.list_roles(practice).await.unwrap(), [own_role]);
        assert!(store.list_apis(practice).await.unwrap().contains(&own_api));
        let digest = Digest::of(b"of bob");
        assert!(store.find_session(practice, &digest, at(9)).await.unwrap().is_some());
    }

    async fn what_is_declared_later_is_adopted_with_its_identity(database: Database) {
        let desk = Desk::at(&database).await;
        let store = &desk.core.store;
        desk.apply("").await;
        let practice = practice_of(store).await;
        let ada = somebody(store, practice, "ada").await;
        begin(store, practice, ada, "of ada", 0).await;
        let web = Client { grants: Vec::new(), ..client("web", Uuid::nil()) };
        write(store, async |tx| {
            let inserted = tx.insert_client(practice, &web, RegisteredBy::Registration, None, at(0));
            assert!(inserted.await.unwrap());
        }).await;

        let ada_too = "[[issuer.user]]\nusername = \"ada\"\npassword = \"a\"\n";
        let adopted = said(&desk.apply(&format!("{WEB}{ada_too}")).await);
        assert_eq!(adopted.len(), 2, "{adopted:?}");
        assert!(adopted.iter().all(|line| line.starts_with("adopt ")), "{adopted:?}");
        let record = store.find_client_record(practice, "web").await.unwrap().unwrap();
        assert!(record.is_declared && record.client.metadata == ClientMetadata::default());
        assert_eq!(record.registered_by, RegisteredBy::Registration);
        assert_eq!(find(store, "ada").await.unwrap().id, ada);
        let digest = Digest::of(b"of ada");
        assert!(store.find_session(practice, &digest, at(9)).await.unwrap().is_some());
        assert_eq!(desk.apply(&format!("{WEB}{ada_too}")).await, []);

        // The file made neither of them, and so takes neither away.
        let mut released = said(&desk.apply("").await);
        released.sort();
        assert_eq!(released, ["release client web", "release user ada"]);
        assert_eq!(find(store, "ada").await.unwrap().id, ada);
        let web = store.find_client_record(practice, "web").await.unwrap().unwrap();
        assert!(!web.is_declared && !web.is_adopted);
        assert_eq!(web.client.client_name, record.client.client_name);
        assert!(store.find_session(practice, &digest, at(9)).await.unwrap().is_some());
        assert_eq!(desk.apply("").await, []);

        // Nor when it has declared them once more.
        desk.apply(&format!("{WEB}{ada_too}")).await;
        desk.apply("").await;
        assert_eq!(find(store, "ada").await.unwrap().id, ada);
    }

    async fn what_an_administrator_decided_holds_where_the_file_says_nothing(database: Database) {
        let desk = Desk::at(&database).await;
        let store = &desk.core.store;
        let user = "[[issuer.user]]\nusername = \"ada\"\npassword = \"a\"\n";
        let silent = format!("{user}{WEB}");
        desk.apply(&silent).await;
        let practice = practice_of(store).await;
        let set = async |is_out: bool| {
            let mut ada = store.find_user_record(practice, "ada").await.unwrap().unwrap();
            ada.user.is_blocked = is_out;
            let mut web = store.find_client_record(practice, "web").await.unwrap().unwrap();
            web.client.is_disabled = is_out;
            write(store, async |tx| {
                assert!(tx.update_user(practice, &ada, at(0)).await.unwrap().is_some());
                assert!(tx.update_client(practice, &web, at(0)).await.unwrap().is_some());
            }).await;
        };
        let out = async || (
            find(store, "ada").await.unwrap().is_blocked,
            store.find_client_uncached(practice, "web").await.unwrap().unwrap().is_disabled,
        );
        for is_out in [true, false, true] {
            set(is_out).await;
            assert_eq!(desk.apply(&silent).await, []);
            assert_eq!(out().await, (is_out, is_out));
        }
        // Another change does not undo it either.
        desk.apply(&silent.replace("kind = \"web\"", "kind = \"web\"\noperator = \"us\"")).await;
        assert_eq!(out().await, (true, true));
        for is_out in [false, true] {
            let outspoken = format!("{user}blocked = {is_out}\n{WEB}disabled = {is_out}\n");
            let changes = said(&desk.apply(&outspoken).await);
            assert_eq!(out().await, (is_out, is_out), "{changes:?}");
            set(!is_out).await;
            let changes = said(&desk.apply(&outspoken).await);
            assert_eq!(changes, ["update client web: disabled", "update user ada: blocked"]);
            assert_eq!(out().await, (is_out, is_out));
        }
    }

    async fn no_configuration_changes_what_the_person_chose(database: Database) {
        let desk = Desk::at(&database).await;
        let store = &desk.core.store;
        let ada = |more: &str| format!("[[issuer.user]]\nusername = \"ada\"\n{more}\n");
        desk.apply(&ada("password = \"given\"\nname = \"Given\"")).await;
        let practice = practice_of(store).await;
        let user = find(store, "ada").await.unwrap();
        // Until then, a configuration may.
        desk.apply(&ada("password = \"given anew\"\nname = \"Given\"")).await;
        assert!(fits(&find(store, "ada").await.unwrap(), "given anew"));

        let own = SecretHash::sha256(&Secret::new("own"));
        write(store, async |tx| {
            tx.set_password(practice, user.id, &own, at(5)).await.unwrap();
        }).await;
        let claims = UserClaims(json!({ "name": "Own" }).as_object().unwrap().clone());
        store.set_claims(practice, user.id, &claims, at(6)).await.unwrap();
        for more in ["password = \"given\"\nname = \"Another\"", "has_no_password = true"] {
            assert_eq!(desk.apply(&ada(more)).await, [], "{more}");
            let now = find(store, "ada").await.unwrap();
            assert_eq!((now.password_hash, now.claims), (Some(own.clone()), claims.clone()));
            assert_eq!(now.updated_at, at(6));
        }
    }

    async fn a_secret_that_was_rotated_is_the_files_again_only_when_it_differs(database: Database) {
        let desk = Desk::at(&database).await;
        let store = &desk.core.store;
        desk.apply(WEB).await;
        let practice = practice_of(store).await;
        let mut web = store.find_client_record(practice, "web").await.unwrap().unwrap();
        let declared = web.client.secret_hash.clone();
        web.client.previous_secret = Some(locum::issuer::PreviousSecret {
            hash: SecretHash::sha256(&Secret::new("before")),
            expires_at: at(1000),
        });
        write(store, async |tx| tx.update_client(practice, &web, at(0)).await.unwrap()).await;
        // The file's secret still is the secret: what is there besides stays, even when another
        // member changes.
        desk.apply(&format!("{WEB}operator = \"us\"\n")).await;
        let now = store.find_client_uncached(practice, "web").await.unwrap().unwrap();
        assert_eq!((&now.secret_hash, &now.previous_secret), (&declared, &web.client.previous_secret));

        // With another one in the file, what came before has ended.
        desk.apply(&WEB.replace("web-secret", "leaked-no-more")).await;
        let now = store.find_client_uncached(practice, "web").await.unwrap().unwrap();
        assert_ne!(now.secret_hash, declared);
        assert_eq!(now.previous_secret, None);
    }

    async fn an_api_that_goes_is_not_in_the_way_of_what_was_granted_at_it(database: Database) {
        let desk = Desk::at(&database).await;
        let store = &desk.core.store;
        let other = r#"
            [[issuer.api]]
            audience = "https://other.example"
            scopes = ["read"]
        "#;
        let grant = |audience: &str| format!(
            "{WEB}grant = [{{ audience = \"{audience}\", scopes = [\"read\"] }}]\n"
        );
        desk.apply(&format!("{other}{}", grant("https://other.example"))).await;
        let changes = said(&desk.apply(&grant("https://api.example")).await);
        assert_eq!(changes, ["delete api https://other.example", "update client web: grants"]);
        let practice = practice_of(store).await;
        let apis = store.list_apis(practice).await.unwrap();
        let web = store.find_client_uncached(practice, "web").await.unwrap().unwrap();
        assert_eq!((apis.len(), web.grants.len()), (1, 1));
        assert_eq!(web.grants[0].api_id, apis[0].id);
        // The same name again is another API.
        desk.apply(&format!("{other}{}", grant("https://other.example"))).await;
        assert_eq!(desk.apply(&format!("{other}{}", grant("https://other.example"))).await, []);
    }

    async fn an_issuers_settings_are_applied_and_the_issuer_is_served_anew(database: Database) {
        let desk = Desk::at(&database).await;
        let store = &desk.core.store;
        desk.apply(WEB).await;
        let before = store.find_issuer("practice").await.unwrap().unwrap();
        assert!(before.is_declared && !before.is_demo);
        let brand = "[issuer.brand]\nname = \"The Practice\"\n";
        assert_eq!(said(&desk.apply(&format!("{brand}{WEB}")).await), ["update issuer practice: brand"]);
        let after = store.find_issuer("practice").await.unwrap().unwrap();
        assert_eq!(after.settings.brand.name.as_deref(), Some("The Practice"));
        assert_eq!((after.id, after.revision), (before.id, before.revision + 1));
        assert!(after.generation > before.generation);
        assert_eq!(after.settings.registration, RegistrationPolicy::Closed);
        // A client is nothing that the issuer's addresses are made of, but no harm is done.
        desk.apply(brand).await;
        let later = store.find_issuer("practice").await.unwrap().unwrap();
        assert_eq!(later.revision, after.revision);
    }

    async fn configurations_applied_at_once_make_one_of_each(database: Database) {
        let desk = Desk::at(&database).await;
        let store = &desk.core.store;
        let users = "[[issuer.user]]\nusername = \"ada\"\nhas_no_password = true\n";
        for outcome in join_all((0..4).map(|_| desk.try_apply(users))).await {
            outcome.unwrap_or_else(|error| panic!("{error}"));
        }
        let practice = practice_of(store).await;
        assert_eq!(store.list_signing_keys(practice).await.unwrap().len(), 1);
        assert_eq!(store.list_apis(practice).await.unwrap().len(), 1);
        let ada = store.find_user_record(practice, "ada").await.unwrap().unwrap();
        assert_eq!((ada.revision, ada.is_declared), (1, true));
        // What was done is told once.
        let events = store.read_audit(practice.into(), 0, 100).await.unwrap();
        let created = events.iter().filter(|event| event.action == "user.created").count();
        assert_eq!(created, 1);
    }

    async fn the_audit_log_tells_who_applied_what(database: Database) {
        let desk = Desk::at(&database).await;
        let store = &desk.core.store;
        desk.apply("").await;
        let practice = practice_of(store).await;
        let before = store.read_audit(practice.into(), 0, 100).await.unwrap().len();
        desk.apply(WEB).await;
        desk.apply(&format!("{WEB}disabled = true\n")).await;
        desk.apply("").await;
        let events = store.read_audit(practice.into(), 0, 100).await.unwrap();
        let told: Vec<(&str, &str)> = events[before..].iter()
            .map(|event| (event.action.as_str(), event.target.as_str()))
            .collect();
        assert_eq!(told, [
            ("configuration.applied", "practice"),
            ("client.created", "web"),
            ("configuration.applied", "practice"),
            ("client.changed", "web"),
            ("configuration.applied", "practice"),
            ("client.deleted", "web"),
        ]);
        assert!(events.iter().all(|event| event.actor.kind == ActorKind::CommandLine));
        let json = serde_json::to_string(&events.iter().map(|event| &event.details).collect::<Vec<_>>());
        assert!(!json.unwrap().contains("web-secret"));
    }
}
