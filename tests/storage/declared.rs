//! What a configuration declares of people, as the database has it after a start.

use std::collections::BTreeMap;

use locum::account::{Session, SessionId, User, UserClaims};
use locum::entropy::Entropy;
use locum::issuer::{ClientMetadata, GrantedScope, IssuerId, SubjectType};
use locum::protocol::SigningAlg;
use locum::secret::{Digest, HashingMemory, Secret, SecretHash};
use locum::store::Store;
use serde_json::json;
use uuid::Uuid;

use super::{at, scope};
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
