//! One suite for every engine: SQLite in memory, SQLite in a file, and a real Postgres.

mod administered;
mod audit;
mod declared;
mod grants;
mod live;

mod people;

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use futures_util::FutureExt;
use futures_util::future::join_all;
use locum::clock::Timestamp;
use locum::dialect::TokenFormat;
use locum::issuer::{
    Api, ApiScope, Client, ClientGrant, ClientKind, ClientMetadata, ClientRecord, GrantedScope,
    IssuerId, IssuerSettings, RegisteredBy,
};
use locum::protocol::{ClientAuthMethod, GrantType, Scope, SigningAlg};
use locum::secret::{Digest, Secret, SecretHash};
use locum::store::{Recorded, Store, StoredIssuer, StoredKey, StoredToken, Tx};
use sqlx::{AssertSqlSafe, Connection, Executor, PgConnection, SqlSafeStr};
use uuid::Uuid;

use crate::support::database::{Connected, Database, on_engines};
use crate::support::http::Request;
use crate::support::jwt::Jwt;
use crate::support::program::{Program, locum};
use crate::support::servers::{BEGINNING, Fixture, VENDORS, Vendor};

// ------------------------------------------------------------------------- what rows are made of

fn at(seconds: i64) -> Timestamp {
    Timestamp::from_unix(BEGINNING + seconds)
}

fn stored_issuer(name: &str) -> StoredIssuer {
    StoredIssuer {
        id: IssuerId(Uuid::new_v4()),
        name: name.to_owned(),
        dialect: "standard".to_owned(),
        dialect_source: None,
        settings: IssuerSettings::default(),
        is_declared: false,
        is_demo: false,
        revision: 1,
        generation: 1,
    }
}

async fn issuer(store: &Store, name: &str) -> IssuerId {
    let new = stored_issuer(name);
    assert!(
        write(store, async |tx| tx
            .insert_issuer(&new, at(0))
            .await
            .unwrap())
        .await
    );
    new.id
}

/// Writes in a transaction of its own.
async fn write<T>(store: &Store, work: impl AsyncFnOnce(&mut Tx) -> T) -> T {
    let mut tx = store.write().await.unwrap();
    let outcome = work(&mut tx).await;
    tx.commit().await.unwrap();
    outcome
}

async fn api_record(store: &Store, issuer: IssuerId, audience: &str) -> Recorded<Api> {
    let records = store.list_api_records(issuer).await.unwrap();
    let fits = |record: &Recorded<Api>| record.value.audience == audience;
    records.into_iter().find(fits).unwrap()
}

async fn insert_client(tx: &mut Tx, issuer: IssuerId, client: &Client) -> bool {
    tx.insert_client(issuer, client, RegisteredBy::Api, None, at(0))
        .await
        .unwrap()
}

async fn delete_client(store: &Store, issuer: IssuerId, client_id: &str) {
    let record = store
        .find_client_record(issuer, client_id)
        .await
        .unwrap()
        .unwrap();
    let delete = async |tx: &mut Tx| {
        tx.delete_client(issuer, client_id, record.revision, at(1))
            .await
            .unwrap()
    };
    assert!(write(store, delete).await);
}

fn scope(text: &str) -> Scope {
    text.parse().unwrap()
}

fn api(audience: &str) -> Api {
    let scope = |name: &str, users_only| ApiScope {
        name: name.to_owned(),
        description: format!("May {name}, “really”"),
        users_only,
        needs_role: users_only,
        translations: BTreeMap::from([("es".to_owned(), format!("Puede {name}"))]),
    };
    Api {
        id: Uuid::new_v4(),
        audience: audience.to_owned(),
        name: "An API’s name".to_owned(),
        scopes: vec![
            scope("write", false),
            scope("read", false),
            scope("prescribe", true),
        ],
        token_lifetime: Some(Duration::from_secs(900)),
        token_format: Some(TokenFormat::Opaque),
        signing_alg: Some(SigningAlg::ES256),
    }
}

fn client(client_id: &str, api: Uuid) -> Client {
    Client {
        client_id: client_id.to_owned(),
        client_name: "Zoë's \"client\"; DROP TABLE clients".to_owned(),
        kind: ClientKind::Web,
        secret_hash: Some(SecretHash::sha256(&Secret::new("a-secret"))),
        previous_secret: None,
        is_disabled: false,
        token_endpoint_auth_method: Some(ClientAuthMethod::ClientSecretPost),
        grant_types: vec![GrantType::ClientCredentials, GrantType::RefreshToken],
        redirect_uris: vec!["https://app.example/?a=b&c=%20".to_owned()],
        grants: vec![ClientGrant {
            api_id: api,
            scope: GrantedScope::Only(scope("write read")),
        }],
        metadata: ClientMetadata {
            first_party: true,
            operator: Some("Zoë’s".to_owned()),
            default_max_age: Some(3600),
            ..ClientMetadata::default()
        },
    }
}

fn token(issuer: IssuerId, text: &str, expires_at: Timestamp) -> StoredToken {
    StoredToken {
        issuer,
        hash: Digest::of(text.as_bytes()),
        client_id: "machine".to_owned(),
        subject: "machine".to_owned(),
        audience: vec!["https://a.example".to_owned(), "b".to_owned()],
        scope: scope("read write"),
        grant: None,
        issued_at: at(0),
        expires_at,
        is_revoked: false,
    }
}

async fn find(store: &Store, issuer: IssuerId, text: &str) -> Option<StoredToken> {
    let hash = Digest::of(text.as_bytes());
    store.find_access_token(issuer, &hash).await.unwrap()
}

/// Stores an API and a client of it.
async fn populate(store: &Store, issuer: IssuerId) -> (Api, Client) {
    let api = api("https://api.example");
    let client = client("machine", api.id);
    write(store, async |tx| {
        assert!(tx.insert_api(issuer, &api, None, false).await.unwrap());
        assert!(insert_client(tx, issuer, &client).await);
    })
    .await;
    (api, client)
}

// ------------------------------------------------------------------------- rows

on_engines! { all:
    async fn what_is_written_is_what_is_read(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let (api, client) = populate(&store, clinic).await;

        let found = store.find_issuer("clinic").await.unwrap();
        assert_eq!(found, Some(StoredIssuer { id: clinic, ..stored_issuer("clinic") }));
        assert_eq!(store.find_issuer("nobody").await.unwrap(), None);
        assert_eq!(store.list_apis(clinic).await.unwrap(), [api]);
        let found = store.find_client_uncached(clinic, "machine").await.unwrap();
        assert_eq!(found, Some(client));
        assert_eq!(store.find_client_uncached(clinic, "MACHINE").await.unwrap(), None);
    }

    async fn what_is_optional_may_be_absent(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let mut tx = store.write().await.unwrap();
        let bare = Api {
            scopes: Vec::new(),
            token_lifetime: None,
            token_format: None,
            signing_alg: None,
            ..api("urn:bare")
        };
        assert!(tx.insert_api(clinic, &bare, None, false).await.unwrap());
        let public = Client {
            secret_hash: None,
            token_endpoint_auth_method: None,
            grant_types: Vec::new(),
            redirect_uris: Vec::new(),
            grants: vec![ClientGrant { api_id: bare.id, scope: GrantedScope::All }],
            ..client("spa", bare.id)
        };
        assert!(insert_client(&mut tx, clinic, &public).await);
        tx.commit().await.unwrap();

        assert_eq!(store.list_apis(clinic).await.unwrap(), [bare]);
        let found = store.find_client_uncached(clinic, "spa").await.unwrap();
        assert_eq!(found, Some(public));
    }

    async fn what_is_there_is_not_made_again(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let (api, client) = populate(&store, clinic).await;
        let other = Api { id: Uuid::new_v4(), name: "other".to_owned(), scopes: Vec::new(), ..api.clone() };
        let renamed = Client { client_name: "other".to_owned(), grants: Vec::new(), ..client.clone() };
        write(&store, async |tx| {
            assert!(!tx.insert_issuer(&stored_issuer("clinic"), at(9)).await.unwrap());
            assert!(!tx.insert_api(clinic, &other, Some(7), true).await.unwrap());
            assert!(!insert_client(tx, clinic, &renamed).await);
        }).await;

        assert_eq!(store.find_issuer("clinic").await.unwrap().unwrap().id, clinic);
        assert_eq!(store.list_apis(clinic).await.unwrap(), [api]);
        let found = store.find_client_uncached(clinic, "machine").await.unwrap();
        assert_eq!(found, Some(client));
    }

    async fn a_change_replaces_all_of_it(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let (api, client) = populate(&store, clinic).await;
        let changed = Api { name: "new".to_owned(), scopes: Vec::new(), token_lifetime: None, ..api };
        let renamed = Client { client_name: "new".to_owned(), grants: Vec::new(), ..client };
        let record = store.find_client_record(clinic, "machine").await.unwrap().unwrap();
        let record = ClientRecord { client: renamed.clone(), ..record };
        write(&store, async |tx| {
            let api = tx.update_api(clinic, &changed, None, false, 1).await.unwrap();
            assert_eq!(api, Some(2));
            assert_eq!(tx.update_client(clinic, &record, at(9)).await.unwrap(), Some(2));
        }).await;

        assert_eq!(store.list_apis(clinic).await.unwrap(), [changed]);
        let found = store.find_client_uncached(clinic, "machine").await.unwrap();
        assert_eq!(found, Some(renamed));
    }

    async fn what_is_deleted_goes_with_all_it_had(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let other = issuer(&store, "other").await;
        let (gone, _) = populate(&store, clinic).await;
        let (kept, _) = populate(&store, other).await;

        write(&store, async |tx| {
            // Another issuer's are none of its business.
            assert!(!tx.delete_api(clinic, kept.id, 1).await.unwrap());
            assert!(tx.delete_api(clinic, gone.id, 1).await.unwrap());
        }).await;
        assert_eq!(store.list_apis(clinic).await.unwrap(), []);
        let client = store.find_client_uncached(clinic, "machine").await.unwrap();
        assert_eq!(client.unwrap().grants, []);

        delete_client(&store, clinic, "machine").await;
        assert_eq!(store.find_client_uncached(clinic, "machine").await.unwrap(), None);
        assert_eq!(store.list_apis(other).await.unwrap(), [kept]);
        assert!(store.find_client_uncached(other, "machine").await.unwrap().is_some());
    }

    async fn a_transaction_that_is_dropped_never_was(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let mut tx = store.write().await.unwrap();
        tx.insert_api(clinic, &api("https://api.example"), None, false).await.unwrap();
        drop(tx);
        assert_eq!(store.list_apis(clinic).await.unwrap(), []);
        populate(&store, clinic).await;
    }

    async fn apis_come_in_the_order_they_were_given(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let order = async || -> Vec<String> {
            let apis = store.list_apis(clinic).await.unwrap();
            apis.into_iter().map(|api| api.audience).collect()
        };
        // Without a place, the last one.
        for audience in ["c", "a", "b"] {
            let insert = async |tx: &mut Tx| {
                tx.insert_api(clinic, &api(audience), None, false).await.unwrap()
            };
            assert!(write(&store, insert).await);
        }
        assert_eq!(order().await, ["c", "a", "b"]);
        for (position, audience) in (0..).zip(["b", "c", "a"]) {
            let Recorded { value, revision, .. } = api_record(&store, clinic, audience).await;
            let move_it = async |tx: &mut Tx| {
                tx.update_api(clinic, &value, Some(position), false, revision).await.unwrap()
            };
            assert_eq!(write(&store, move_it).await, Some(2));
        }
        assert_eq!(order().await, ["b", "c", "a"]);
        // Without a place, where it was.
        let Recorded { value, revision, .. } = api_record(&store, clinic, "c").await;
        let stay = async |tx: &mut Tx| {
            tx.update_api(clinic, &value, None, false, revision).await.unwrap()
        };
        assert_eq!(write(&store, stay).await, Some(3));
        assert_eq!(order().await, ["b", "c", "a"]);
    }

    async fn keys_come_oldest_first_and_once(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        for (kid, seconds) in [("second", 2), ("first", 1), ("second", 9)] {
            let key = StoredKey {
                kid: kid.to_owned(),
                alg: SigningAlg::EdDSA,
                sealed_private_key: vec![0, 255, 1],
                certificate: vec![1, 2, 0],
                well_known: kid == "first",
                created_at: at(seconds),
            };
            let mut tx = store.write().await.unwrap();
            tx.insert_signing_key(clinic, &key).await.unwrap();
            tx.commit().await.unwrap();
        }
        let keys = store.list_signing_keys(clinic).await.unwrap();
        let kids: Vec<&str> = keys.iter().map(|key| key.kid.as_str()).collect();
        assert_eq!(kids, ["first", "second"]);
        assert_eq!((keys[0].alg, keys[0].well_known), (SigningAlg::EdDSA, true));
        assert_eq!(keys[1].sealed_private_key, [0, 255, 1]);
        assert_eq!(keys[1].certificate, [1, 2, 0]);
    }
}

// ------------------------------------------------------------------------- tokens

on_engines! { all:
    async fn a_token_is_found_by_its_hash_at_its_issuer(database: Database) {
        let store = database.open().await;
        let (clinic, other) = (issuer(&store, "clinic").await, issuer(&store, "other").await);
        let stored = token(clinic, "token", at(3600));
        store.insert_access_token(stored.clone()).await.unwrap();

        assert_eq!(find(&store, clinic, "token").await, Some(stored));
        assert_eq!(find(&store, other, "token").await, None);
        assert_eq!(find(&store, clinic, "Token").await, None);
    }

    async fn a_token_is_revoked_once_and_by_its_own_client(database: Database) {
        let store = database.open().await;
        let (clinic, other) = (issuer(&store, "clinic").await, issuer(&store, "other").await);
        store.insert_access_token(token(clinic, "token", at(3600))).await.unwrap();
        let hash = Digest::of(b"token");

        for (issuer, client, is_revoked) in [
            (clinic, "somebody-else", false),
            (other, "machine", false),
            (clinic, "machine", true),
            (clinic, "machine", true),
        ] {
            store.revoke_access_token(issuer, &hash, client, at(1)).await.unwrap();
            assert_eq!(find(&store, clinic, "token").await.unwrap().is_revoked, is_revoked);
        }
    }

    async fn a_jwt_is_revoked_at_its_own_issuer_and_once(database: Database) {
        let store = database.open().await;
        let (clinic, other) = (issuer(&store, "clinic").await, issuer(&store, "other").await);
        let hash = Digest::of(b"header.claims");
        assert!(!store.is_jwt_revoked(clinic, &hash).await.unwrap());
        for _ in 0..2 {
            store.revoke_jwt(clinic, &hash, at(3600)).await.unwrap();
            assert!(store.is_jwt_revoked(clinic, &hash).await.unwrap());
        }
        assert!(!store.is_jwt_revoked(other, &hash).await.unwrap());
    }

    async fn tokens_stored_at_the_same_time_are_all_there(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let inserts = (0..1000).map(|index| {
            let store = store.clone();
            tokio::spawn(async move {
                let stored = token(clinic, &format!("token {index}"), at(3600 + index));
                store.insert_access_token(stored.clone()).await.unwrap();
                // Not later: once it is acknowledged it is there.
                let found = find(&store, clinic, &format!("token {index}")).await;
                assert_eq!(found, Some(stored));
            })
        });
        for insert in join_all(inserts).await {
            insert.unwrap();
        }
    }

    async fn what_has_expired_is_deleted_a_batch_at_a_time(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let insert = |index: i64| {
            // 2500 that are dead at second 100, and 50 that live a second longer.
            let expires_at = at(if index < 2500 { 100 } else { 101 });
            store.insert_access_token(token(clinic, &format!("{index}"), expires_at))
        };
        for outcome in join_all((0..2550).map(insert)).await {
            outcome.unwrap();
        }
        assert_eq!(store.delete_expired(at(99)).await.unwrap(), 0);
        let mut batches = Vec::new();
        loop {
            match store.delete_expired(at(100)).await.unwrap() {
                0 => break,
                rows => batches.push(rows),
            }
        }
        assert_eq!(batches.iter().sum::<u64>(), 2500);
        assert!(batches.iter().all(|rows| *rows <= 1000), "{batches:?}");
        assert_eq!(find(&store, clinic, "0").await, None);
        assert!(find(&store, clinic, "2549").await.is_some());
    }

    async fn revocations_of_jwts_are_forgotten_when_the_jwt_has_expired(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        for (text, expires_at) in [("dead", at(100)), ("alive", at(101))] {
            let hash = Digest::of(text.as_bytes());
            store.revoke_jwt(clinic, &hash, expires_at).await.unwrap();
        }
        assert_eq!(store.delete_expired(at(100)).await.unwrap(), 1);
        assert!(!store.is_jwt_revoked(clinic, &Digest::of(b"dead")).await.unwrap());
        assert!(store.is_jwt_revoked(clinic, &Digest::of(b"alive")).await.unwrap());
    }

    async fn readers_do_not_wait_for_a_writer(database: Database) {
        let store = Arc::new(database.open().await);
        let clinic = issuer(&store, "clinic").await;
        store.insert_access_token(token(clinic, "token", at(3600))).await.unwrap();
        if database.url.contains(":memory:") {
            return; // one connection, and so one after the other
        }
        let mut tx = store.write().await.unwrap();
        tx.insert_api(clinic, &api("https://api.example"), None, false).await.unwrap();
        assert!(find(&store, clinic, "token").await.is_some());
        assert_eq!(store.list_apis(clinic).await.unwrap(), []);
        tx.commit().await.unwrap();
        assert_eq!(store.list_apis(clinic).await.unwrap().len(), 1);
    }
}

// ------------------------------------------------------------------------- over a restart

on_engines! { persistent:
    async fn everything_is_there_after_reopening(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let (api, client) = populate(&store, clinic).await;
        let stored = token(clinic, "token", at(3600));
        store.insert_access_token(stored.clone()).await.unwrap();
        store.insert_access_token(token(clinic, "revoked", at(3600))).await.unwrap();
        store.revoke_access_token(clinic, &Digest::of(b"revoked"), "machine", at(1)).await.unwrap();
        store.revoke_jwt(clinic, &Digest::of(b"jwt"), at(3600)).await.unwrap();
        store.close().await;
        drop(store);

        let store = database.open().await;
        assert_eq!(store.find_issuer("clinic").await.unwrap().unwrap().id, clinic);
        assert_eq!(store.list_apis(clinic).await.unwrap(), [api]);
        let found = store.find_client_uncached(clinic, "machine").await.unwrap();
        assert_eq!(found, Some(client));
        assert_eq!(find(&store, clinic, "token").await, Some(stored));
        assert!(find(&store, clinic, "revoked").await.unwrap().is_revoked);
        assert!(store.is_jwt_revoked(clinic, &Digest::of(b"jwt")).await.unwrap());
    }

    async fn a_restarted_server_knows_the_tokens_of_the_one_before(database: Database) {
        let before = Fixture::on(&database.url).await;
        let mut tokens = Vec::new();
        for vendor in &VENDORS {
            tokens.push(vendor.token(&before).await);
        }
        let jwks = before.get("/clinic/.well-known/jwks.json").await.body;
        drop(before);

        let after = Fixture::on(&database.url).await;
        assert_eq!(after.get("/clinic/.well-known/jwks.json").await.body, jwks);
        for (vendor, token) in VENDORS.iter().zip(&tokens) {
            // A JWT names its issuer, and this server has another port: it is not the same one.
            let answer = after.send(vendor.forward_auth(token)).await;
            let is_jwt = token.contains("ey") && token.matches('.').count() == 2;
            answer.is(if is_jwt { 401 } else { 200 });
        }
    }

    async fn keys_that_were_made_are_kept(database: Database) {
        let start = async || Fixture::with(|builder| {
            builder.config(MADE_KEYS, ".").database_url(&database.url)
        }).await;
        let jwks = start().await.get("/made/.well-known/jwks.json").await.is(200).body.clone();
        assert_eq!(jwks.matches("\"kid\"").count(), 3);
        let again = start().await;
        assert_eq!(again.get("/made/.well-known/jwks.json").await.body, jwks);

        // And they still sign.
        let request = Request::post("/made/oauth2/token").basic("machine", "machine-secret");
        let token = again.send(request.form("grant_type=client_credentials")).await.access_token();
        let kid = Jwt::parse(&token).header("kid").to_string();
        assert!(jwks.contains(&kid));
    }

    async fn starting_again_changes_not_one_row(database: Database) {
        let start = async |hours: u64| {
            let fixture = Fixture::with(|builder| {
                builder.config(MADE_KEYS, ".").database_url(&database.url)
            }).await;
            fixture.clock.advance(Duration::from_secs(3600 * hours));
            fixture
        };
        let first = start(0).await;
        for vendor in &VENDORS {
            vendor.token(&first).await;
        }
        let before = database.connect().await.dump().await;
        assert_eq!(before["issuers"].len(), 7, "five of the demo, this one, and the console");
        for table in [
            "apis", "scopes", "clients", "client_grants", "signing_keys", "access_tokens", "roles",
            "role_grants", "users", "user_roles",
        ] {
            assert!(!before[table].is_empty(), "{table}");
        }
        for hours in 1..3 {
            start(hours).await;
            assert_eq!(database.connect().await.dump().await, before);
        }
    }

    async fn a_later_configuration_takes_back_what_it_no_longer_declares(database: Database) {
        let start = async |config: &str| Fixture::with(|builder| {
            builder.config(config, ".").database_url(&database.url)
        }).await;
        let ask = |form: &str| Request::post("/taken/oauth2/token").basic("first", "first-secret").form(form);
        let full = start(&taken("\"read\", \"write\"", FIRST_AND_SECOND)).await;
        let opaque = full.send(ask("grant_type=client_credentials")).await.access_token();
        drop(full);

        // A scope and another client are gone: what was issued before is not touched.
        let less = start(&taken("\"read\"", FIRST)).await;
        let forward_auth = |token: &str| Request::get("/taken/forward-auth").bearer(token);
        less.send(forward_auth(&opaque)).await.is(200);
        less.send(ask("grant_type=client_credentials&scope=write")).await.refused(400, "invalid_scope");
        let second = Request::post("/taken/oauth2/token").basic("second", "second-secret");
        less.send(second.form("grant_type=client_credentials")).await.refused(401, "invalid_client");
        drop(less);

        // The client is gone, and its tokens with it.
        let none = start(&taken("\"read\"", "")).await;
        none.send(forward_auth(&opaque)).await.is(401);
        none.send(ask("grant_type=client_credentials")).await.refused(401, "invalid_client");
    }

    async fn servers_that_start_at_once_make_one_set_of_keys(database: Database) {
        let starts = (0..4).map(|_| Fixture::with(|builder| {
            builder.config(MADE_KEYS, ".").database_url(&database.url)
        }));
        let servers = join_all(starts).await;
        let mut seen = HashSet::new();
        for server in &servers {
            for path in ["/made/.well-known/jwks.json", "/clinic/.well-known/jwks.json"] {
                seen.insert(server.get(path).await.is(200).body.clone());
            }
        }
        assert_eq!(seen.len(), 2, "every server publishes the same two sets");
        let dump = database.connect().await.dump().await;
        // Three for `made`, three for `clinic`, one each for three of the demo issuers, and the
        // console's.
        assert_eq!(dump["signing_keys"].len(), 10);

        // A token of one is a token of all.
        let opaque = Vendor::of("pattern").token(&servers[0]).await;
        for server in &servers {
            server.send(Vendor::of("pattern").forward_auth(&opaque)).await.is(200);
        }
    }

    async fn programs_that_start_at_once_make_one_set_of_keys(database: Database) {
        let folder = tempfile::tempdir().unwrap();
        let config = folder.path().join("locum.toml");
        std::fs::write(&config, MADE_KEYS).unwrap();
        let starts: Vec<_> = (0..4).map(|_| {
            let mut command = locum(["dev", "--json", "--listen", "127.0.0.1:0"]);
            command.arg("--config").arg(&config).env("LOCUM_DATABASE_URL", &database.url);
            std::thread::spawn(|| Program::start(command))
        }).collect();
        let mut seen = HashSet::new();
        for start in starts {
            let program = start.join().expect("every one of them starts");
            seen.insert(program.peer.get("/made/.well-known/jwks.json").await.is(200).body.clone());
        }
        assert_eq!(seen.len(), 1);
        assert_eq!(database.connect().await.dump().await["signing_keys"].len(), 10);
    }

    async fn a_database_of_a_later_version_is_not_touched(database: Database) {
        database.open().await.close().await;
        let later = "INSERT INTO _sqlx_migrations
            (version, description, installed_on, success, checksum, execution_time)
            VALUES (9999, 'from the future', CURRENT_TIMESTAMP, TRUE, CHECKSUM, 0)";
        match database.connect().await {
            Connected::Sqlite(mut connection) => {
                let sql = later.replace("CHECKSUM", "x'00'");
                connection.execute(AssertSqlSafe(sql)).await.unwrap();
            }
            Connected::Postgres(mut connection) => {
                let sql = later.replace("CHECKSUM", "'\\x00'::bytea");
                connection.execute(AssertSqlSafe(sql)).await.unwrap();
            }
        }
        let Err(error) = Store::open(&database.url).await else {
            panic!("an old version opened a newer database");
        };
        assert!(error.to_string().contains("9999"), "{error}");
    }
}

/// An issuer whose keys are not built in, and whose secrets are hashed with Argon2id.
const MADE_KEYS: &str = r#"
    [[issuer]]
    name = "made"
    dialect = "standard"

    [[issuer.api]]
    audience = "https://api.example"
    scopes = ["read", "write", { name = "prescribe", users_only = true }]

    [[issuer.api]]
    audience = "https://other.example"
    token_format = "opaque"
    token_lifetime = 60

    [[issuer.client]]
    client_id = "machine"
    client_secret = "machine-secret"
    kind = "machine"
    grant = [{ audience = "https://api.example", scopes = "all" }]

    [[issuer.client]]
    client_id = "web"
    client_secret = "web-secret"
    kind = "web"
    redirect_uris = ["https://app.example/callback"]
    grant = [
        { audience = "https://other.example", scopes = [] },
        { audience = "https://api.example", scopes = ["prescribe", "read"] },
    ]
    subject_type = "pairwise"
    claims = { plan = "trial" }

    [[issuer.role]]
    name = "prescriber"
    description = "Prescribes"
    grant = [
        { audience = "https://other.example", scopes = "all" },
        { audience = "https://api.example", scopes = ["prescribe"] },
    ]

    [[issuer.role]]
    name = "reader"
    grant = [{ audience = "https://api.example", scopes = ["read"] }]

    [[issuer.user]]
    username = "Ada"
    password = "correct horse"
    roles = ["reader", "prescriber"]
    name = "Ada"
    claims = { zoneinfo = "Europe/Paris", birthdate = 1980-01-02, address = { country = "FR" } }

    [[issuer.user]]
    username = "bob"
    password = "battery staple"
    blocked = true
"#;

const FIRST: &str = r#"
    [[issuer.client]]
    client_id = "first"
    client_secret = "first-secret"
    kind = "machine"
    grant = [{ audience = "https://api.example", scopes = "all" }]
"#;

const FIRST_AND_SECOND: &str = r#"
    [[issuer.client]]
    client_id = "first"
    client_secret = "first-secret"
    kind = "machine"
    grant = [{ audience = "https://api.example", scopes = "all" }]

    [[issuer.client]]
    client_id = "second"
    client_secret = "second-secret"
    kind = "machine"
    grant = [{ audience = "https://api.example", scopes = "all" }]
"#;

fn taken(scopes: &str, clients: &str) -> String {
    format!(
        r#"
        [[issuer]]
        name = "taken"
        dialect = "standard"
        signing_algs = []

        [[issuer.api]]
        audience = "https://api.example"
        token_format = "opaque"
        scopes = [{scopes}]
        {clients}
        "#
    )
}

// ------------------------------------------------------------------------- both engines alike

#[tokio::test]
async fn both_engines_have_the_same_tables_columns_and_indexes() {
    let (sqlite, postgres) = (Database::sqlite_file(), Database::postgres().await);
    sqlite.open().await.close().await;
    postgres.open().await.close().await;
    let (mut sqlite, mut postgres) = (sqlite.connect().await, postgres.connect().await);

    let tables = sqlite.tables().await;
    assert_eq!(tables, postgres.tables().await);
    assert!(tables.len() >= 8, "{tables:?}");
    for table in &tables {
        let columns = sqlite.columns(table).await;
        assert!(!columns.is_empty());
        assert_eq!(columns, postgres.columns(table).await, "{table}");
    }
    assert_eq!(sqlite.indexes().await, postgres.indexes().await);
}

/// Every constant in `src/store` that holds SQL: its name and text.
fn statements() -> Vec<(String, String)> {
    let folder = concat!(env!("CARGO_MANIFEST_DIR"), "/src/store");
    let mut statements = Vec::new();
    for entry in std::fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        let source = std::fs::read_to_string(&path).unwrap();
        let mut rest = source.as_str();
        while let Some((_, after)) = rest.split_once("\nconst ") {
            rest = after;
            let Some((name, value)) = after.split_once(": &str = \"") else {
                continue;
            };
            if name.contains(|c: char| !c.is_ascii_uppercase() && c != '_') {
                continue;
            }
            let (text, _) = value.split_once("\";").unwrap();
            let file = path.file_name().unwrap().to_str().unwrap();
            // A line that ends in a backslash goes on where the next one begins.
            let text: Vec<&str> = text.split("\\\n").map(str::trim_start).collect();
            statements.push((format!("{file} {name}"), text.concat()));
        }
    }
    let is_sql = |(_, text): &(String, String)| {
        ["SELECT", "INSERT", "UPDATE", "DELETE"]
            .iter()
            .any(|verb| text.starts_with(verb))
    };
    statements.retain(is_sql);
    statements
}

#[tokio::test]
async fn every_statement_is_understood_by_both_engines() {
    let (sqlite, postgres) = (Database::sqlite_file(), Database::postgres().await);
    sqlite.open().await.close().await;
    postgres.open().await.close().await;
    let statements = statements();
    assert!(statements.len() >= 20, "{statements:?}");
    for (name, text) in statements {
        let sql = || AssertSqlSafe(text.clone()).into_sql_str();
        if let Connected::Postgres(mut connection) = postgres.connect().await {
            let prepared = connection.prepare(sql()).await;
            assert!(prepared.is_ok(), "{name} on Postgres: {prepared:?}");
        }
        if name.ends_with("_POSTGRES") {
            continue;
        }
        if let Connected::Sqlite(mut connection) = sqlite.connect().await {
            let prepared = connection.prepare(sql()).await;
            assert!(prepared.is_ok(), "{name} on SQLite: {prepared:?}");
        }
    }
}

#[tokio::test]
async fn a_database_that_cannot_be_is_refused_without_its_password() {
    for url in [
        "mysql://locum:hunter2-secret@localhost/locum",
        "postgres://locum:hunter2-secret@127.0.0.1:1/locum",
        "postgres://locum:hunter2-secret@[bad/locum",
        "sqlite:///nowhere/at/all/locum.db",
        "",
    ] {
        let Err(error) = Store::open(url).await else {
            panic!("{url:?} was opened");
        };
        assert!(
            !format!("{error} {error:?}").contains("hunter2"),
            "{error:?}"
        );
    }
}

#[tokio::test]
async fn a_database_that_goes_away_is_503_and_not_a_hang() {
    let database = Database::postgres().await;
    let locum = Fixture::on(&database.url).await;
    let token = Vendor::of("pattern").token(&locum).await;

    let (server, name) = database.url.rsplit_once('/').unwrap();
    let mut admin = PgConnection::connect(&format!("{server}/postgres"))
        .await
        .unwrap();
    let drop = format!("DROP DATABASE {name} WITH (FORCE)");
    admin.execute(AssertSqlSafe(drop)).await.unwrap();

    let vendor = Vendor::of("pattern");
    let opaque = locum.send(vendor.token_request());
    let known = locum.send(vendor.forward_auth(&token));
    let ready = locum.get("/readyz");
    for answer in join_all([opaque.boxed(), known.boxed(), ready.boxed()]).await {
        answer.is(503);
    }
    locum.get("/healthz").await.is(200);
    // What needs no database goes on: this is answered from memory.
    locum.get("/clinic/.well-known/jwks.json").await.is(200);
}
