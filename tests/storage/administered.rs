//! What administrators ask the store for: lists in pages, searches, and changes that do nothing
//! when somebody else was quicker.

use futures_util::future::join_all;
use locum::account::{Role, User, UserClaims, UserId};
use locum::issuer::{
    Client, ClientKind, ClientRecord, IssuerId, IssuerSettings, PreviousSecret, RegisteredBy,
    RegistrationPolicy,
};
use locum::protocol::SigningAlg;
use locum::secret::Digest;
use locum::store::{ClientQuery, Store, StoredIssuer, Tx, UserQuery, UserRecord};
use serde_json::json;
use uuid::Uuid;

use super::people::hash;
use super::{api_record, at, client, insert_client, issuer, populate, stored_issuer, write};
use crate::support::database::{Database, on_engines};

async fn insert_clients(store: &Store, issuer: IssuerId, clients: &[(&str, &str, ClientKind)]) {
    write(store, async |tx| {
        for (client_id, name, kind) in clients {
            let client = Client {
                client_name: (*name).to_owned(),
                kind: *kind,
                grants: Vec::new(),
                ..client(client_id, Uuid::nil())
            };
            assert!(insert_client(tx, issuer, &client).await);
        }
    })
    .await;
}

async fn client_ids(store: &Store, issuer: IssuerId, query: ClientQuery<'_>) -> Vec<String> {
    let found = store.list_clients(issuer, &query).await.unwrap();
    found
        .into_iter()
        .map(|record| record.client.client_id)
        .collect()
}

async fn usernames(store: &Store, issuer: IssuerId, query: UserQuery<'_>) -> Vec<String> {
    let found = store.list_users(issuer, &query).await.unwrap();
    found
        .into_iter()
        .map(|record| record.user.username)
        .collect()
}

fn user(username: &str, claims: serde_json::Value, roles: &[&str]) -> User {
    User {
        id: UserId(Uuid::new_v4()),
        username: username.to_owned(),
        password_hash: None,
        claims: UserClaims(claims.as_object().unwrap().clone()),
        roles: roles.iter().map(|role| (*role).to_owned()).collect(),
        is_blocked: false,
        created_at: at(0),
        updated_at: at(0),
    }
}

async fn record_of(store: &Store, issuer: IssuerId, client_id: &str) -> ClientRecord {
    store
        .find_client_record(issuer, client_id)
        .await
        .unwrap()
        .unwrap()
}

async fn update(
    store: &Store,
    issuer: IssuerId,
    record: &ClientRecord,
    seconds: i64,
) -> Option<i64> {
    write(store, async |tx| {
        tx.update_client(issuer, record, at(seconds)).await.unwrap()
    })
    .await
}

// ------------------------------------------------------------------------- lists

on_engines! { all:
    async fn clients_are_found_by_part_of_their_name_or_id(database: Database) {
        let store = database.open().await;
        let (clinic, other) = (issuer(&store, "clinic").await, issuer(&store, "other").await);
        use ClientKind::{Machine, Native, Web};
        insert_clients(&store, clinic, &[
            ("Front-Desk", "Zoë's 100% app", Web),
            ("front_door", "Ångström", Native),
            ("nightly!", "Reports", Machine),
        ]).await;
        insert_clients(&store, other, &[("front-elsewhere", "Elsewhere", Web)]).await;

        let nightly = record_of(&store, clinic, "nightly!").await;
        let disabled = Client { is_disabled: true, ..nightly.client.clone() };
        update(&store, clinic, &ClientRecord { client: disabled, ..nightly }, 1).await.unwrap();

        let any = || ClientQuery { limit: 50, ..ClientQuery::default() };
        for (query, expected) in [
            (any(), &["nightly!", "Front-Desk", "front_door"][..]),
            (ClientQuery { limit: 2, ..any() }, &["nightly!", "Front-Desk"]),
            (ClientQuery { search: "FRONT", ..any() }, &["Front-Desk", "front_door"]),
            (ClientQuery { search: "front-d", ..any() }, &["Front-Desk"]),
            (ClientQuery { search: "100%", ..any() }, &["Front-Desk"]),
            (ClientQuery { search: "%", ..any() }, &["Front-Desk"]),
            (ClientQuery { search: "_", ..any() }, &["front_door"]),
            (ClientQuery { search: "!", ..any() }, &["nightly!"]),
            (ClientQuery { search: "%%", ..any() }, &[]),
            (ClientQuery { search: "\\", ..any() }, &[]),
            // As it is written, whatever letters the engine knows.
            (ClientQuery { search: "Ångström", ..any() }, &["front_door"]),
            (ClientQuery { search: "ÅngSTRöM", ..any() }, &["front_door"]),
            (ClientQuery { search: "zoë's", ..any() }, &["Front-Desk"]),
            (ClientQuery { search: "nobody", ..any() }, &[]),
            (ClientQuery { search: "\0", ..any() }, &["nightly!", "Front-Desk", "front_door"]),
            (ClientQuery { kind: Some(Native), ..any() }, &["front_door"]),
            (ClientQuery { kind: Some(Native), search: "desk", ..any() }, &[]),
            (ClientQuery { search: "' OR 1=1 --", ..any() }, &[]),
            (ClientQuery { is_disabled: Some(true), ..any() }, &["nightly!"]),
            (ClientQuery { is_disabled: Some(true), kind: Some(Web), ..any() }, &[]),
            (ClientQuery { is_disabled: Some(false), ..any() }, &["Front-Desk", "front_door"]),
        ] {
            let asked = format!("{query:?}");
            assert_eq!(client_ids(&store, clinic, query).await, expected, "{asked}");
        }
        let long = "x".repeat(100_000);
        assert!(client_ids(&store, clinic, ClientQuery { search: &long, ..any() }).await.is_empty());
        assert_eq!(store.count_clients(clinic).await.unwrap(), 3);
        assert_eq!(store.count_clients(other).await.unwrap(), 1);
    }

    async fn clients_come_in_pages_that_miss_none_and_repeat_none(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        // Several of one name, on both sides of a page's end, and one that has none.
        let names = ["same", "same", "same", "Same", "b", "", "a", "é", "same", "ß"];
        let ids: Vec<String> = (0..names.len()).map(|index| format!("c{index}")).collect();
        let clients: Vec<_> = ids.iter().zip(names)
            .map(|(id, name)| (id.as_str(), name, ClientKind::Web))
            .collect();
        insert_clients(&store, clinic, &clients).await;
        let all = client_ids(&store, clinic, ClientQuery { limit: 100, ..ClientQuery::default() }).await;
        assert_eq!(all.len(), names.len());
        for limit in [1, 2, 3, 7] {
            let mut paged: Vec<ClientRecord> = Vec::new();
            loop {
                let last = paged.last().map(|last| (last.client.client_name.clone(), last.client.client_id.clone()));
                let after = last.as_ref().map(|(name, id)| (name.as_str(), id.as_str()));
                let page = ClientQuery { after, limit, ..ClientQuery::default() };
                let page = store.list_clients(clinic, &page).await.unwrap();
                if page.is_empty() {
                    break;
                }
                paged.extend(page);
            }
            let paged: Vec<String> = paged.into_iter().map(|record| record.client.client_id).collect();
            assert_eq!(paged, all, "{limit} at once");
        }
    }

    async fn a_listed_client_is_whole(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let (_, client) = populate(&store, clinic).await;
        let listed = store.list_clients(clinic, &ClientQuery { limit: 9, ..ClientQuery::default() }).await.unwrap();
        let expected = ClientRecord {
            client,
            revision: 1,
            registered_by: RegisteredBy::Api,
            is_declared: false,
            is_adopted: false,
            created_at: at(0),
            updated_at: at(0),
            secret_created_at: Some(at(0)),
            registration_token_hash: None,
        };
        assert_eq!(listed, [expected]);
    }

    async fn users_are_found_by_name_profile_and_role(database: Database) {
        let store = database.open().await;
        let (clinic, other) = (issuer(&store, "clinic").await, issuer(&store, "other").await);
        let role = Role { name: "doctor".to_owned(), description: String::new(), grants: Vec::new() };
        for issuer in [clinic, other] {
            write(&store, async |tx| {
                assert!(tx.insert_role(issuer, &role, None, false).await.unwrap());
            }).await;
        }
        write(&store, async |tx| {
            for (issuer, user) in [
                (clinic, user("Ada_1", json!({ "name": "Ada Lovelace", "note": "100%" }), &["doctor"])),
                (clinic, user("Ångström", json!({ "email": "Anders@Clinic.example" }), &[])),
                (clinic, User { is_blocked: true, ..user("bob", json!({ "name": "Zoë Bob!" }), &["doctor"]) }),
                (other, user("carol", json!({ "name": "Carol" }), &["doctor"])),
            ] {
                assert!(tx.insert_user(issuer, &user, false).await.unwrap());
            }
        }).await;

        let any = || UserQuery { limit: 50, ..UserQuery::default() };
        for (query, expected) in [
            (any(), &["Ada_1", "bob", "Ångström"][..]),
            (UserQuery { limit: 1, ..any() }, &["Ada_1"]),
            (UserQuery { after: "ada_1", ..any() }, &["bob", "Ångström"]),
            (UserQuery { after: "bob", limit: 1, ..any() }, &["Ångström"]),
            (UserQuery { after: "ångström", ..any() }, &[]),
            (UserQuery { search: "ADA", ..any() }, &["Ada_1"]),
            (UserQuery { search: "lovelace", ..any() }, &["Ada_1"]),
            (UserQuery { search: "anders@CLINIC", ..any() }, &["Ångström"]),
            // A username is compared as at the sign-in: in any case, whatever its letters.
            (UserQuery { search: "ÅNGSTRÖM", ..any() }, &["Ångström"]),
            (UserQuery { search: "Zoë", ..any() }, &["bob"]),
            (UserQuery { search: "_", ..any() }, &["Ada_1"]),
            (UserQuery { search: "%", ..any() }, &["Ada_1"]),
            (UserQuery { search: "!", ..any() }, &["bob"]),
            (UserQuery { search: "nobody", ..any() }, &[]),
            (UserQuery { role: "doctor", ..any() }, &["Ada_1", "bob"]),
            (UserQuery { role: "doctor", after: "ada_1", ..any() }, &["bob"]),
            (UserQuery { role: "doctor", search: "anders", ..any() }, &[]),
            (UserQuery { role: "Doctor", ..any() }, &[]),
            (UserQuery { is_blocked: Some(true), ..any() }, &["bob"]),
            (UserQuery { is_blocked: Some(true), search: "ada", ..any() }, &[]),
            (UserQuery { is_blocked: Some(false), ..any() }, &["Ada_1", "Ångström"]),
        ] {
            let asked = format!("{query:?}");
            assert_eq!(usernames(&store, clinic, query).await, expected, "{asked}");
        }
        assert_eq!(store.count_users(clinic).await.unwrap(), 3);
        assert_eq!(store.count_users_of_role(clinic, "doctor").await.unwrap(), 2);
        let listed = store.list_users(clinic, &UserQuery { limit: 1, ..any() }).await.unwrap();
        assert_eq!(listed[0].user.roles, ["doctor"]);
    }
}

// ------------------------------------------------------------------------- revisions

on_engines! { all:
    async fn a_client_is_changed_only_by_who_saw_it_last(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        populate(&store, clinic).await;
        let seen = record_of(&store, clinic, "machine").await;
        let renamed = |name: &str, seen: &ClientRecord| {
            let client = Client { client_name: name.to_owned(), ..seen.client.clone() };
            ClientRecord { client, ..seen.clone() }
        };
        assert_eq!(update(&store, clinic, &renamed("first", &seen), 1).await, Some(2));
        let late = renamed("second", &seen);
        let late = ClientRecord { client: Client { grants: Vec::new(), ..late.client.clone() }, ..late };
        assert_eq!(update(&store, clinic, &late, 2).await, None);
        let now = record_of(&store, clinic, "machine").await;
        assert_eq!((now.client.client_name.as_str(), now.revision), ("first", 2));
        assert_eq!(now.client.grants, seen.client.grants);
        assert_eq!((now.created_at, now.updated_at), (at(0), at(1)));

        // So with deleting, and what users granted it stays as long as it does.
        let delete = async |revision| write(&store, async |tx| {
            tx.delete_client(clinic, "machine", revision, at(3)).await.unwrap()
        }).await;
        for stale in [1, 3, 0, -1] {
            assert!(!delete(stale).await);
        }
        assert_eq!(record_of(&store, clinic, "machine").await, now);
        assert!(delete(2).await);
        assert!(!delete(2).await);
    }

    async fn of_changes_made_at_once_one_counts(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        populate(&store, clinic).await;
        let seen = record_of(&store, clinic, "machine").await;
        let changes = (0..8).map(|index| {
            let (store, seen) = (store.clone(), seen.clone());
            tokio::spawn(async move {
                let client = Client { client_name: format!("{index}"), ..seen.client.clone() };
                update(&store, clinic, &ClientRecord { client, ..seen }, 1).await
            })
        });
        let done: Vec<_> = join_all(changes).await.into_iter().map(Result::unwrap).collect();
        assert_eq!(done.iter().flatten().collect::<Vec<_>>(), [&2], "{done:?}");
    }

    async fn apis_roles_and_users_are_changed_only_by_who_saw_them_last(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let (api, _) = populate(&store, clinic).await;
        let role = Role { name: "doctor".to_owned(), description: "before".to_owned(), grants: Vec::new() };
        let ada = user("ada", json!({ "name": "before" }), &["doctor"]);
        write(&store, async |tx| {
            assert!(tx.insert_role(clinic, &role, None, false).await.unwrap());
            assert!(tx.insert_user(clinic, &ada, false).await.unwrap());
        }).await;
        let ada = store.get_user_record(clinic, ada.id).await.unwrap().unwrap();

        let bare = locum::issuer::Api { scopes: Vec::new(), ..api.clone() };
        let after = Role { description: "after".to_owned(), ..role.clone() };
        let roleless = UserRecord { user: User { roles: Vec::new(), ..ada.user.clone() }, ..ada.clone() };
        for stale in [0, 2] {
            write(&store, async |tx| {
                assert_eq!(tx.update_api(clinic, &bare, Some(5), true, stale).await.unwrap(), None);
                assert_eq!(tx.update_role(clinic, &after, Some(5), true, stale).await.unwrap(), None);
                let user = UserRecord { revision: stale, ..roleless.clone() };
                assert_eq!(tx.update_user(clinic, &user, at(1)).await.unwrap(), None);
                assert!(!tx.delete_api(clinic, api.id, stale).await.unwrap());
                assert!(!tx.delete_role(clinic, "doctor", stale).await.unwrap());
            }).await;
            // Its transaction is dropped, because deleting somebody begins with their tokens.
            let mut tx = store.write().await.unwrap();
            assert!(!tx.delete_user(clinic, ada.user.id, stale).await.unwrap());
            drop(tx);
        }
        let kept = api_record(&store, clinic, &api.audience).await;
        assert_eq!((&kept.value, kept.revision, kept.is_declared, kept.position), (&api, 1, false, 0));
        let kept = store.list_role_records(clinic).await.unwrap();
        assert_eq!((&kept[0].value, kept[0].revision, kept[0].is_declared), (&role, 1, false));
        assert_eq!(store.get_user_record(clinic, ada.user.id).await.unwrap(), Some(ada.clone()));

        write(&store, async |tx| {
            assert_eq!(tx.update_api(clinic, &bare, Some(5), true, 1).await.unwrap(), Some(2));
            assert_eq!(tx.update_role(clinic, &after, Some(5), true, 1).await.unwrap(), Some(2));
            assert_eq!(tx.update_user(clinic, &roleless, at(1)).await.unwrap(), Some(2));
        }).await;
        let changed = api_record(&store, clinic, &api.audience).await;
        assert_eq!((&changed.value, changed.revision, changed.is_declared, changed.position), (&bare, 2, true, 5));
        let changed = store.list_role_records(clinic).await.unwrap();
        assert_eq!((&changed[0].value, changed[0].revision, changed[0].is_declared), (&after, 2, true));
        let changed = store.get_user_record(clinic, ada.user.id).await.unwrap().unwrap();
        assert_eq!(changed, UserRecord { revision: 2, ..roleless });

        write(&store, async |tx| {
            assert!(tx.delete_api(clinic, api.id, 2).await.unwrap());
            assert!(tx.delete_role(clinic, "doctor", 2).await.unwrap());
            assert!(tx.delete_user(clinic, ada.user.id, 2).await.unwrap());
        }).await;
        assert_eq!(store.list_apis(clinic).await.unwrap(), []);
        assert_eq!(store.list_roles(clinic).await.unwrap(), []);
        assert_eq!(store.get_user(clinic, ada.user.id).await.unwrap(), None);
    }

    async fn what_one_issuer_has_another_cannot_change(database: Database) {
        let store = database.open().await;
        let (clinic, other) = (issuer(&store, "clinic").await, issuer(&store, "other").await);
        let (api, _) = populate(&store, clinic).await;
        let client = record_of(&store, clinic, "machine").await;
        write(&store, async |tx| {
            assert_eq!(tx.update_api(other, &api, None, true, 1).await.unwrap(), None);
            assert!(!tx.delete_api(other, api.id, 1).await.unwrap());
            assert_eq!(tx.update_client(other, &client, at(1)).await.unwrap(), None);
            assert!(!tx.delete_client(other, "machine", 1, at(1)).await.unwrap());
        }).await;
        assert_eq!(store.list_apis(clinic).await.unwrap(), [api]);
        assert_eq!(record_of(&store, clinic, "machine").await, client);
    }
}

// ------------------------------------------------------------------------- a client's history

on_engines! { all:
    async fn a_client_remembers_where_it_came_from_and_when_its_secret_changed(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let (api, _) = populate(&store, clinic).await;
        let token = Digest::of(b"registration-access-token");
        let public = Client { secret_hash: None, ..client("spa", api.id) };
        write(&store, async |tx| {
            for (by, client) in [
                (RegisteredBy::Registration, &client("registered", api.id)),
                (RegisteredBy::Configuration, &public),
            ] {
                let token = (by == RegisteredBy::Registration).then_some(&token);
                assert!(tx.insert_client(clinic, client, by, token, at(5)).await.unwrap());
            }
        }).await;
        let spa = record_of(&store, clinic, "spa").await;
        assert_eq!((spa.is_declared, spa.registered_by), (true, RegisteredBy::Configuration));
        assert_eq!((spa.secret_created_at, spa.registration_token_hash), (None, None));

        let mut record = record_of(&store, clinic, "registered").await;
        assert_eq!((record.is_declared, record.registered_by), (false, RegisteredBy::Registration));
        assert_eq!(record.secret_created_at, Some(at(5)));
        assert_eq!(record.registration_token_hash.as_deref(), Some(token.as_bytes().as_slice()));

        // Another name is no other secret.
        record.client.client_name = "Another".to_owned();
        record.is_declared = true;
        assert_eq!(update(&store, clinic, &record, 6).await, Some(2));
        let renamed = record_of(&store, clinic, "registered").await;
        assert_eq!((renamed.secret_created_at, renamed.updated_at), (Some(at(5)), at(6)));
        assert_eq!((renamed.is_declared, renamed.registered_by), (true, RegisteredBy::Registration));

        let mut rotated = renamed;
        rotated.client.previous_secret = rotated.client.secret_hash.replace(hash("new"))
            .map(|hash| PreviousSecret { hash, expires_at: at(100) });
        rotated.registration_token_hash = None;
        assert_eq!(update(&store, clinic, &rotated, 7).await, Some(3));
        let read = record_of(&store, clinic, "registered").await;
        assert_eq!(read.client, rotated.client);
        assert_eq!((read.secret_created_at, &read.registration_token_hash), (Some(at(7)), &None));

        let mut without = read;
        without.client.previous_secret = None;
        assert_eq!(update(&store, clinic, &without, 8).await, Some(4));
        assert_eq!(record_of(&store, clinic, "registered").await.client.previous_secret, None);
    }

    async fn a_client_that_is_disabled_is_kept_and_not_found(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let (api, _) = populate(&store, clinic).await;
        let set = async |is_disabled| {
            let mut record = record_of(&store, clinic, "machine").await;
            record.client.is_disabled = is_disabled;
            assert!(update(&store, clinic, &record, 1).await.is_some());
            store.forget();
        };
        for _ in 0..2 {
            assert!(store.find_client(clinic, "machine").await.unwrap().is_some());
            set(true).await;
            assert_eq!(store.find_client(clinic, "machine").await.unwrap(), None);
            assert!(record_of(&store, clinic, "machine").await.client.is_disabled);
            assert_eq!(client_ids(&store, clinic, ClientQuery { limit: 9, ..ClientQuery::default() }).await, ["machine"]);
            set(true).await;
            assert!(record_of(&store, clinic, "machine").await.client.is_disabled);
            set(false).await;
        }
        // One may be made so.
        let new = Client { is_disabled: true, ..client("new", api.id) };
        assert!(write(&store, async |tx| insert_client(tx, clinic, &new).await).await);
        assert_eq!(record_of(&store, clinic, "new").await.client, new);
        assert_eq!(store.find_client(clinic, "new").await.unwrap(), None);
    }
}

// ------------------------------------------------------------------------- issuers

on_engines! { all:
    async fn an_issuers_settings_are_changed_only_by_who_saw_them_last(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        issuer(&store, "another").await;
        let seen = store.find_issuer("clinic").await.unwrap().unwrap();
        let change = StoredIssuer {
            dialect: "of-our-own".to_owned(),
            dialect_source: Some("name = \"of-our-own\" # “quoted”".to_owned()),
            settings: IssuerSettings {
                host: Some("id.clinic.example".to_owned()),
                signing_algs: vec![SigningAlg::EdDSA, SigningAlg::RS256],
                registration: RegistrationPolicy::Guarded,
                audit_retention_days: Some(30),
                ..IssuerSettings::default()
            },
            is_declared: true,
            is_demo: true,
            ..seen.clone()
        };
        let update = async |issuer: &StoredIssuer| write(&store, async |tx| {
            tx.update_issuer(issuer).await.unwrap()
        }).await;
        assert_eq!(update(&change).await, Some(2));
        let now = store.find_issuer("clinic").await.unwrap().unwrap();
        assert_eq!(now, StoredIssuer { revision: 2, generation: 2, ..change });
        assert_eq!(update(&seen).await, None);
        assert_eq!(store.find_issuer("clinic").await.unwrap(), Some(now.clone()));
        assert_eq!(now.id, clinic);
        let names: Vec<String> = store.list_issuers().await.unwrap().into_iter().map(|i| i.name).collect();
        assert_eq!(names, ["another", "clinic"]);
    }

    async fn a_touched_issuer_has_another_generation_and_the_same_revision(database: Database) {
        let store = database.open().await;
        let (clinic, other) = (issuer(&store, "clinic").await, issuer(&store, "other").await);
        let generations = async || {
            let mut all = store.list_generations().await.unwrap();
            all.sort_by_key(|(id, _)| *id != clinic);
            all
        };
        assert_eq!(generations().await, [(clinic, 1), (other, 1)]);
        write(&store, async |tx| tx.touch_issuer(clinic).await.unwrap()).await;
        assert_eq!(generations().await, [(clinic, 2), (other, 1)]);
        // Who is locked is not changed.
        write(&store, async |tx| tx.lock_issuer(clinic).await.unwrap()).await;
        assert_eq!(generations().await, [(clinic, 2), (other, 1)]);
        assert_eq!(store.find_issuer("clinic").await.unwrap().unwrap().revision, 1);
    }

    async fn an_issuer_goes_with_all_it_had(database: Database) {
        let store = database.open().await;
        let (clinic, other) = (issuer(&store, "clinic").await, issuer(&store, "other").await);
        for issuer in [clinic, other] {
            populate(&store, issuer).await;
        }
        let delete = async |revision| write(&store, async |tx| {
            tx.delete_issuer(clinic, revision).await.unwrap()
        }).await;
        assert!(!delete(2).await);
        assert!(store.find_issuer("clinic").await.unwrap().is_some());
        assert!(delete(1).await);
        assert_eq!(store.find_issuer("clinic").await.unwrap(), None);
        assert_eq!(store.list_apis(clinic).await.unwrap(), []);
        assert_eq!(store.find_client_uncached(clinic, "machine").await.unwrap(), None);
        assert!(store.find_client_uncached(other, "machine").await.unwrap().is_some());
        // The name is free again.
        let again = write(&store, async |tx: &mut Tx| {
            tx.insert_issuer(&stored_issuer("clinic"), at(1)).await.unwrap()
        }).await;
        assert!(again);
    }
}
