//! Users and roles, what clients call them, their sessions, consents and attempts to sign in.

use futures_util::future::join_all;
use locum::account::{
    Amr, Consent, Role, RoleGrant, Session, SessionId, SignIn, User, UserClaims, UserId,
};
use locum::clock::Timestamp;
use locum::entropy::Entropy;
use locum::issuer::{GrantedScope, IssuerId};
use locum::secret::{Digest, Secret, SecretHash};
use locum::store::{Store, Tx, UserRecord};
use serde_json::json;
use uuid::Uuid;

use super::{at, issuer, populate, scope, write};
use crate::support::database::{Database, on_engines};

pub(super) fn hash(text: &str) -> SecretHash {
    SecretHash::sha256(&Secret::new(text))
}

fn claims(json: serde_json::Value) -> UserClaims {
    serde_json::from_value(json).unwrap()
}

fn user(username: &str) -> User {
    User {
        id: UserId(Uuid::new_v4()),
        username: username.to_owned(),
        password_hash: Some(hash("declared")),
        claims: claims(json!({
            "name": "Zoë \"Z\" O’Hara'; DROP TABLE users",
            "email_verified": true,
            "address": { "country": "IE" },
        })),
        roles: Vec::new(),
        is_blocked: false,
        created_at: at(0),
        updated_at: at(0),
    }
}

/// Stores somebody, and gives them as they are read.
async fn insert(store: &Store, issuer: IssuerId, user: &User) -> User {
    assert!(
        write(store, async |tx| tx
            .insert_user(issuer, user, false)
            .await
            .unwrap())
        .await
    );
    store.get_user(issuer, user.id).await.unwrap().unwrap()
}

/// Makes a user who is there what `user` says, and gives them as they are read.
async fn change(store: &Store, issuer: IssuerId, user: &User, now: Timestamp) -> User {
    let record = store
        .get_user_record(issuer, user.id)
        .await
        .unwrap()
        .unwrap();
    let (revision, user) = (record.revision, user.clone());
    let record = UserRecord { user, ..record };
    let update = async |tx: &mut Tx| tx.update_user(issuer, &record, now).await.unwrap();
    assert_eq!(write(store, update).await, Some(revision + 1));
    store
        .get_user(issuer, record.user.id)
        .await
        .unwrap()
        .unwrap()
}

/// Somebody who exists, to whom other rows can belong.
pub(super) async fn somebody(store: &Store, issuer: IssuerId, username: &str) -> UserId {
    insert(store, issuer, &user(username)).await.id
}

fn role(name: &str, grants: Vec<RoleGrant>) -> Role {
    Role {
        name: name.to_owned(),
        description: format!("Is {name}, “really”"),
        grants,
    }
}

/// Makes these roles what there is, in this order.
async fn put_roles(store: &Store, issuer: IssuerId, roles: &[Role]) {
    let known = store.list_role_records(issuer).await.unwrap();
    write(store, async |tx| {
        for (position, role) in (0..).zip(roles) {
            let known = known.iter().find(|known| known.value.name == role.name);
            let is_done = match known {
                None => tx
                    .insert_role(issuer, role, Some(position), false)
                    .await
                    .unwrap(),
                Some(known) => {
                    let update =
                        tx.update_role(issuer, role, Some(position), false, known.revision);
                    update.await.unwrap() == Some(known.revision + 1)
                }
            };
            assert!(is_done);
        }
    })
    .await;
}

/// Idle for an hour it is dead, and after ten in any case.
fn session(user: UserId, seconds: i64) -> Session {
    Session {
        id: SessionId(Uuid::new_v4()),
        user,
        auth_time: at(seconds),
        amr: vec![Amr::Password],
        is_remembered: true,
        created_at: at(seconds),
        last_seen_at: at(seconds),
        idle_expires_at: at(seconds + 3600),
        expires_at: at(seconds + 36_000),
        address: "2001:db8::1".to_owned(),
        user_agent: "Mozilla/5.0 (“quoted”)".to_owned(),
    }
}

pub(super) async fn begin(
    store: &Store,
    issuer: IssuerId,
    user: UserId,
    token: &str,
    seconds: i64,
) -> Session {
    let session = session(user, seconds);
    let digest = Digest::of(token.as_bytes());
    store
        .insert_session(issuer, &session, &digest)
        .await
        .unwrap();
    session
}

async fn found(store: &Store, issuer: IssuerId, token: &str, seconds: i64) -> Option<Session> {
    let digest = Digest::of(token.as_bytes());
    store
        .find_session(issuer, &digest, at(seconds))
        .await
        .unwrap()
}

// ------------------------------------------------------------------------- users and roles

on_engines! { all:
    async fn a_user_is_read_as_it_was_written(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        put_roles(&store, clinic, &[role("second", vec![]), role("first", vec![])]).await;
        // In the order in which the roles are declared.
        let roles = vec!["second".to_owned(), "first".to_owned()];
        let ada = User { roles, ..user("Ada Ångström") };
        assert_eq!(insert(&store, clinic, &ada).await, ada);
        let nameless = User { password_hash: None, claims: UserClaims::default(), ..user("bob") };
        assert_eq!(insert(&store, clinic, &nameless).await, nameless);

        let canonical = User::canonical_username(" ADA ÅNGSTRÖM ");
        let found = store.find_user(clinic, &canonical).await.unwrap();
        assert_eq!(found, Some(ada));
        assert_eq!(store.find_user(clinic, "Ada Ångström").await.unwrap(), None);
    }

    async fn a_name_is_one_persons_in_any_case(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let ada = insert(&store, clinic, &user("ada")).await;
        let bob = insert(&store, clinic, &user("bob")).await;
        let again = User { claims: UserClaims::default(), ..user(" ADA") };
        let insert = async |tx: &mut Tx| tx.insert_user(clinic, &again, true).await.unwrap();
        assert!(!write(&store, insert).await);
        assert_eq!(store.find_user(clinic, "ada").await.unwrap(), Some(ada));

        let record = store.get_user_record(clinic, bob.id).await.unwrap().unwrap();
        let renamed = User { username: "Ada".to_owned(), ..bob.clone() };
        let record = UserRecord { user: renamed, ..record };
        let mut tx = store.write().await.unwrap();
        assert!(tx.update_user(clinic, &record, at(1)).await.is_err());
        drop(tx);
        assert_eq!(store.get_user(clinic, bob.id).await.unwrap(), Some(bob));
    }

    async fn a_change_of_the_profile_has_its_time(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        put_roles(&store, clinic, &[role("doctor", vec![])]).await;
        let ada = insert(&store, clinic, &user("ada")).await;
        assert_eq!(change(&store, clinic, &ada, at(1)).await, ada);

        for (seconds, changed) in [
            (2, User { username: "Ada".to_owned(), ..ada.clone() }),
            (3, User { claims: claims(json!({ "name": "Ada" })), ..ada.clone() }),
            (4, User { password_hash: Some(hash("another")), ..ada.clone() }),
            (5, User { password_hash: None, ..ada.clone() }),
            (6, User { is_blocked: true, ..ada.clone() }),
        ] {
            for later in [0, 100] {
                let is_now = change(&store, clinic, &changed, at(seconds + later)).await;
                assert_eq!(is_now, User { updated_at: at(seconds), ..changed.clone() });
            }
            let back = change(&store, clinic, &ada, at(0)).await;
            assert_eq!(back, ada);
        }
        // A role is not of the profile.
        let doctor = User { roles: vec!["doctor".to_owned()], ..ada.clone() };
        assert_eq!(change(&store, clinic, &doctor, at(9)).await, doctor);
        assert_eq!(change(&store, clinic, &ada, at(9)).await, ada);
    }

    async fn what_a_person_changes_is_known_to_be_theirs(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let ada = insert(&store, clinic, &user("ada")).await;
        let owned = async || {
            let record = store.get_user_record(clinic, ada.id).await.unwrap().unwrap();
            (record.password_is_own, record.claims_are_own, record.revision)
        };
        assert_eq!(owned().await, (false, false, 1));
        let set = async |tx: &mut Tx| {
            tx.set_password(clinic, ada.id, &hash("own"), at(1)).await.unwrap();
        };
        write(&store, set).await;
        assert_eq!(owned().await, (true, false, 2));
        store.set_claims(clinic, ada.id, &UserClaims::default(), at(2)).await.unwrap();
        // An editor's copy is of an older revision now.
        assert_eq!(owned().await, (true, true, 3));
        change(&store, clinic, &ada, at(3)).await;
        assert_eq!(owned().await, (true, true, 4));
    }

    async fn claims_are_replaced(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let ada = insert(&store, clinic, &user("ada")).await;
        let new = claims(json!({ "locale": "es" }));
        store.set_claims(clinic, ada.id, &new, at(5)).await.unwrap();
        let found = store.get_user(clinic, ada.id).await.unwrap();
        assert_eq!(found, Some(User { claims: new, updated_at: at(5), ..ada }));
    }

    async fn roles_come_in_the_order_they_were_given_with_what_they_hold(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let (api, _) = populate(&store, clinic).await;
        let holds = |scope| vec![RoleGrant { api_id: api.id, scope }];
        let doctor = role("doctor", holds(GrantedScope::All));
        let clerk = role("clerk", holds(GrantedScope::Only(scope("write read"))));
        let nobody = role("nobody", vec![]);
        for roles in [
            [doctor.clone(), clerk.clone(), nobody.clone()],
            [nobody.clone(), role("doctor", vec![]), clerk.clone()],
        ] {
            put_roles(&store, clinic, &roles).await;
            assert_eq!(store.list_roles(clinic).await.unwrap(), roles);
        }
    }

    async fn roles_are_remembered_until_they_are_to_be_forgotten(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        put_roles(&store, clinic, &[role("doctor", vec![])]).await;
        store.roles(clinic).await.unwrap();
        put_roles(&store, clinic, &[role("doctor", vec![]), role("clerk", vec![])]).await;
        store.forget();
        assert_eq!(store.roles(clinic).await.unwrap().len(), 2);
    }

    async fn a_role_that_is_deleted_is_nobodys(database: Database) {
        let store = database.open().await;
        let (clinic, other) = (issuer(&store, "clinic").await, issuer(&store, "other").await);
        let both = ["doctor".to_owned(), "clerk".to_owned()];
        for issuer in [clinic, other] {
            put_roles(&store, issuer, &[role("doctor", vec![]), role("clerk", vec![])]).await;
            let ada = User { roles: both.to_vec(), ..user("ada") };
            insert(&store, issuer, &ada).await;
        }
        let count = async |issuer| store.count_users_of_role(issuer, "doctor").await.unwrap();
        assert_eq!(count(clinic).await, 1);
        let delete = async |tx: &mut Tx| tx.delete_role(clinic, "doctor", 1).await.unwrap();
        assert!(write(&store, delete).await);
        assert_eq!((count(clinic).await, count(other).await), (0, 1));

        let roles = async |issuer| store.find_user(issuer, "ada").await.unwrap().unwrap().roles;
        assert_eq!(roles(clinic).await, ["clerk"]);
        assert_eq!(roles(other).await, both);
        assert_eq!(store.list_roles(clinic).await.unwrap(), [role("clerk", vec![])]);
        assert_eq!(store.list_roles(other).await.unwrap().len(), 2);
    }

    async fn a_user_who_is_deleted_goes_with_all_there_was(database: Database) {
        let store = database.open().await;
        let (clinic, other) = (issuer(&store, "clinic").await, issuer(&store, "other").await);
        populate(&store, clinic).await;
        let (ada, bob) = (somebody(&store, clinic, "ada").await, somebody(&store, clinic, "bob").await);
        let elsewhere = somebody(&store, other, "ada").await;
        begin(&store, clinic, ada, "of ada", 0).await;
        begin(&store, clinic, bob, "of bob", 0).await;
        let mut tx = store.write().await.unwrap();
        tx.subject(clinic, ada, "", "sub-of-ada").await.unwrap();
        tx.save_consent(clinic, &consent(ada, "read", 0)).await.unwrap();
        assert!(tx.delete_user(clinic, ada, 1).await.unwrap());
        tx.commit().await.unwrap();

        assert_eq!(store.get_user(clinic, ada).await.unwrap(), None);
        assert_eq!(store.find_user_by_subject(clinic, "sub-of-ada").await.unwrap(), None);
        assert_eq!(store.find_consents(clinic, ada, "machine").await.unwrap(), []);
        assert_eq!(found(&store, clinic, "of ada", 1).await, None);
        assert!(found(&store, clinic, "of bob", 1).await.is_some());
        assert!(store.get_user(other, elsewhere).await.unwrap().is_some());
    }
}

// ------------------------------------------------------------------------- subjects

async fn subject(
    store: &Store,
    issuer: IssuerId,
    user: UserId,
    sector: &str,
    candidate: &str,
) -> String {
    let mut tx = store.write().await.unwrap();
    let subject = tx.subject(issuer, user, sector, candidate).await.unwrap();
    tx.commit().await.unwrap();
    subject
}

on_engines! { all:
    async fn a_sector_always_calls_a_user_the_same(database: Database) {
        let store = database.open().await;
        let (clinic, other) = (issuer(&store, "clinic").await, issuer(&store, "other").await);
        let (ada, bob) = (somebody(&store, clinic, "ada").await, somebody(&store, clinic, "bob").await);
        for (user, sector, candidate, expected) in [
            (ada, "", "1", "1"),
            (ada, "", "2", "1"),
            (ada, "app.example", "3", "3"),
            (ada, "app.example", "4", "3"),
            (bob, "app.example", "5", "5"),
            (ada, "", "6", "1"),
        ] {
            assert_eq!(subject(&store, clinic, user, sector, candidate).await, expected);
        }
        for (subject, user) in [("1", ada), ("3", ada), ("5", bob)] {
            let found = store.find_user_by_subject(clinic, subject).await.unwrap();
            assert_eq!(found.unwrap().id, user);
        }
        assert_eq!(store.find_user_by_subject(clinic, "2").await.unwrap(), None);
        assert_eq!(store.find_user_by_subject(other, "1").await.unwrap(), None);

        // Nobody is ever taken for somebody else.
        let mut tx = store.write().await.unwrap();
        assert!(tx.subject(clinic, bob, "", "1").await.is_err());
        drop(tx);
        let elsewhere = somebody(&store, other, "ada").await;
        assert_eq!(subject(&store, other, elsewhere, "", "1").await, "1");
    }

    async fn clients_that_ask_at_once_are_told_one_subject(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let ada = somebody(&store, clinic, "ada").await;
        // With candidates that are random, and with one that is made of the user.
        for (sector, is_random) in [("random.example", true), ("fixed.example", false)] {
            let asked = (0..50).map(|index| {
                let store = store.clone();
                let candidate = if is_random { format!("sub-{index}") } else { "sub".to_owned() };
                tokio::spawn(async move { subject(&store, clinic, ada, sector, &candidate).await })
            });
            let told: Vec<String> = join_all(asked).await.into_iter().map(Result::unwrap).collect();
            assert!(told.iter().all(|subject| *subject == told[0]), "{told:?}");
        }
    }
}

// ------------------------------------------------------------------------- sessions

on_engines! { all:
    async fn a_session_is_found_while_it_lives(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let ada = somebody(&store, clinic, "ada").await;
        let session = begin(&store, clinic, ada, "token", 0).await;

        assert_eq!(found(&store, clinic, "token", 3599).await, Some(session.clone()));
        assert_eq!(found(&store, clinic, "Token", 0).await, None);
        // Dead at the second of its idle expiry already.
        assert_eq!(found(&store, clinic, "token", 3600).await, None);
        assert_eq!(store.list_sessions(clinic, ada, at(3600)).await.unwrap(), []);

        // However much it is used, some day it is over.
        store.touch_session(clinic, session.id, at(3599), at(99_999)).await.unwrap();
        let touched = Session { last_seen_at: at(3599), idle_expires_at: at(99_999), ..session.clone() };
        assert_eq!(found(&store, clinic, "token", 35_999).await, Some(touched));
        assert_eq!(found(&store, clinic, "token", 36_000).await, None);
        // And nothing brings it back.
        store.touch_session(clinic, session.id, at(36_000), at(99_999)).await.unwrap();
        assert!(!store.end_session(clinic, session.id, at(36_000)).await.unwrap());
        let renewed = Session { last_seen_at: at(36_000), expires_at: at(99_999), ..session.clone() };
        let digest = Digest::of(b"new");
        assert!(!store.renew_session(clinic, session.id, &digest, &renewed).await.unwrap());
        assert_eq!(found(&store, clinic, "new", 36_000).await, None);
    }

    async fn a_session_that_is_renewed_has_another_token(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let (ada, bob) = (somebody(&store, clinic, "ada").await, somebody(&store, clinic, "bob").await);
        let session = begin(&store, clinic, ada, "old", 0).await;
        let renewed = Session {
            auth_time: at(60),
            amr: vec![Amr::Password],
            is_remembered: false,
            last_seen_at: at(60),
            idle_expires_at: at(90),
            expires_at: at(120),
            ..session.clone()
        };
        // Nobody takes over a session by signing in as somebody else.
        let of_bob = Session { user: bob, ..renewed.clone() };
        let digest = Digest::of(b"new");
        assert!(!store.renew_session(clinic, session.id, &digest, &of_bob).await.unwrap());
        assert!(store.renew_session(clinic, session.id, &digest, &renewed).await.unwrap());
        assert_eq!(found(&store, clinic, "old", 60).await, None);
        assert_eq!(found(&store, clinic, "new", 60).await, Some(renewed));
    }

    async fn a_session_ends_once(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let ada = somebody(&store, clinic, "ada").await;
        let session = begin(&store, clinic, ada, "token", 0).await;
        assert!(store.end_session(clinic, session.id, at(1)).await.unwrap());
        assert!(!store.end_session(clinic, session.id, at(2)).await.unwrap());
        assert_eq!(found(&store, clinic, "token", 2).await, None);
    }

    async fn a_users_other_sessions_are_listed_and_ended(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let (ada, bob) = (somebody(&store, clinic, "ada").await, somebody(&store, clinic, "bob").await);
        let mut sessions = Vec::new();
        for (index, name) in (0..).zip(["a", "b", "c"]) {
            sessions.push(begin(&store, clinic, ada, name, index).await.id);
        }
        begin(&store, clinic, bob, "of bob", 0).await;
        // The one last used first.
        store.touch_session(clinic, sessions[0], at(10), at(3610)).await.unwrap();
        let listed = async |seconds| -> Vec<SessionId> {
            let list = store.list_sessions(clinic, ada, at(seconds)).await.unwrap();
            list.into_iter().map(|session| session.id).collect()
        };
        assert_eq!(listed(11).await, [sessions[0], sessions[2], sessions[1]]);

        let mut ended = store.end_other_sessions(clinic, ada, Some(sessions[2]), at(11)).await.unwrap();
        ended.sort_by_key(|id| sessions.iter().position(|known| known == id));
        assert_eq!(ended, [sessions[0], sessions[1]]);
        assert_eq!(listed(12).await, [sessions[2]]);
        let ended = store.end_other_sessions(clinic, ada, None, at(12)).await.unwrap();
        assert_eq!(ended, [sessions[2]]);
        assert_eq!(store.end_other_sessions(clinic, ada, None, at(13)).await.unwrap(), []);
        assert!(found(&store, clinic, "of bob", 13).await.is_some());
    }
}

// ------------------------------------------------------------------------- consents

fn consent(user: UserId, text: &str, seconds: i64) -> Consent {
    Consent {
        user,
        client_id: "machine".to_owned(),
        audience: Vec::new(),
        scope: scope(text),
        created_at: at(seconds),
        updated_at: at(seconds),
    }
}

async fn allow(store: &Store, issuer: IssuerId, consent: &Consent) {
    let mut tx = store.write().await.unwrap();
    tx.save_consent(issuer, consent).await.unwrap();
    tx.commit().await.unwrap();
}

on_engines! { all:
    async fn a_consent_is_replaced_and_remembers_when_it_was_first_given(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        populate(&store, clinic).await;
        let ada = somebody(&store, clinic, "ada").await;
        assert_eq!(store.find_consents(clinic, ada, "machine").await.unwrap(), []);
        allow(&store, clinic, &consent(ada, "write read", 0)).await;
        allow(&store, clinic, &consent(ada, "read", 9)).await;
        let expected = Consent { created_at: at(0), ..consent(ada, "read", 9) };
        assert_eq!(store.find_consents(clinic, ada, "machine").await.unwrap(), std::slice::from_ref(&expected));
        assert_eq!(store.list_consents(clinic, ada).await.unwrap(), std::slice::from_ref(&expected));

        // What is allowed at one API is another thing.
        let at_an_api = Consent {
            audience: vec!["https://a.example".to_owned(), "https://b.example".to_owned()],
            ..consent(ada, "write", 10)
        };
        allow(&store, clinic, &at_an_api).await;
        assert_eq!(store.list_consents(clinic, ada).await.unwrap(), [at_an_api, expected]);

        let mut tx = store.write().await.unwrap();
        tx.delete_consents(clinic, ada, "machine").await.unwrap();
        tx.commit().await.unwrap();
        assert_eq!(store.list_consents(clinic, ada).await.unwrap(), []);
    }
}

// ------------------------------------------------------------------------- attempts to sign in

on_engines! { all:
    async fn sign_ins_are_listed_the_newest_first(database: Database) {
        let store = database.open().await;
        let (clinic, other) = (issuer(&store, "clinic").await, issuer(&store, "other").await);
        let ada = somebody(&store, clinic, "ada").await;
        let sign_in = |seconds| SignIn {
            user: ada,
            at: at(seconds),
            succeeded: seconds % 2 == 0,
            client_id: (seconds > 2).then(|| "spa".to_owned()),
            address: "192.0.2.1".to_owned(),
            user_agent: String::new(),
        };
        for seconds in [3, 1, 2, 4] {
            store.insert_sign_in(clinic, &sign_in(seconds), &Entropy::System).await.unwrap();
        }
        let listed = store.list_sign_ins(clinic, ada, 3).await.unwrap();
        assert_eq!(listed, [sign_in(4), sign_in(3), sign_in(2)]);
        store.insert_sign_in(clinic, &sign_in(5), &Entropy::System).await.unwrap();
        let last = store.find_last_sign_in(clinic, ada).await.unwrap();
        assert_eq!(last, Some(at(4)), "the last that succeeded");
        assert_eq!(store.find_last_sign_in(other, ada).await.unwrap(), None);
        assert_eq!(store.list_sign_ins(other, ada, 3).await.unwrap(), []);
    }

    async fn attempts_are_counted_for_each_thing_by_itself(database: Database) {
        let store = database.open().await;
        let (clinic, other) = (issuer(&store, "clinic").await, issuer(&store, "other").await);
        let (ada, bob) = (Digest::of(b"account:ada"), Digest::of(b"account:bob"));
        assert_eq!(counted(&store, clinic, &ada, 10).await, 0);
        assert_eq!(counted(&store, clinic, &ada, 20).await, 1);
        assert_eq!(counted(&store, clinic, &bob, 20).await, 0);
        assert_eq!(counted(&store, other, &ada, 20).await, 0);

        let mut tx = store.write().await.unwrap();
        assert_eq!(tx.lock_attempts(clinic, &ada, at(30)).await.unwrap(), (2, at(20)));
        tx.clear_attempts(clinic, &ada).await.unwrap();
        assert_eq!(tx.lock_attempts(clinic, &ada, at(30)).await.unwrap(), (0, at(30)));
        assert_eq!(tx.lock_attempts(other, &ada, at(30)).await.unwrap(), (1, at(20)));
    }

    async fn attempts_made_at_once_each_see_those_before(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let attempts = (0..100).map(|_| {
            let store = store.clone();
            tokio::spawn(async move {
                counted(&store, clinic, &Digest::of(b"account:ada"), 10).await
            })
        });
        let mut counts: Vec<u64> = join_all(attempts).await.into_iter().map(Result::unwrap).collect();
        counts.sort_unstable();
        assert_eq!(counts, (0..100).collect::<Vec<_>>());
    }
}

/// Counts one more failure, and returns how many there were before.
async fn counted(store: &Store, issuer: IssuerId, against: &Digest, seconds: i64) -> u64 {
    let mut tx = store.write().await.unwrap();
    let (failures, _) = tx
        .lock_attempts(issuer, against, at(seconds))
        .await
        .unwrap();
    tx.set_attempts(issuer, against, failures + 1, at(seconds))
        .await
        .unwrap();
    tx.commit().await.unwrap();
    failures
}

// ------------------------------------------------------------------------- isolation

on_engines! { all:
    async fn people_are_strangers_at_another_issuer(database: Database) {
        let store = database.open().await;
        let (clinic, other) = (issuer(&store, "clinic").await, issuer(&store, "other").await);
        for issuer in [clinic, other] {
            populate(&store, issuer).await;
        }
        let ada = insert(&store, clinic, &user("ada")).await;
        let session = begin(&store, clinic, ada.id, "token", 0).await;
        let given = consent(ada.id, "read", 0);
        allow(&store, clinic, &given).await;

        // Nothing is found …
        assert_eq!(store.find_user(other, "ada").await.unwrap(), None);
        assert_eq!(store.get_user(other, ada.id).await.unwrap(), None);
        assert_eq!(found(&store, other, "token", 1).await, None);
        assert_eq!(store.list_sessions(other, ada.id, at(1)).await.unwrap(), []);
        assert_eq!(store.find_consents(other, ada.id, "machine").await.unwrap(), []);
        assert_eq!(store.list_consents(other, ada.id).await.unwrap(), []);

        // … and nothing is changed.
        let mut tx = store.write().await.unwrap();
        tx.set_password(other, ada.id, &hash("theirs"), at(1)).await.unwrap();
        tx.commit().await.unwrap();
        store.set_claims(other, ada.id, &UserClaims::default(), at(1)).await.unwrap();
        store.touch_session(other, session.id, at(1), at(2)).await.unwrap();
        let digest = Digest::of(b"new");
        let record = store.get_user_record(clinic, ada.id).await.unwrap().unwrap();
        assert!(!store.renew_session(other, session.id, &digest, &session).await.unwrap());
        assert!(!store.end_session(other, session.id, at(1)).await.unwrap());
        assert_eq!(store.end_other_sessions(other, ada.id, None, at(1)).await.unwrap(), []);
        let mut tx = store.write().await.unwrap();
        tx.delete_consents(other, ada.id, "machine").await.unwrap();
        assert_eq!(tx.update_user(other, &record, at(1)).await.unwrap(), None);
        assert!(!tx.delete_user(other, ada.id, 1).await.unwrap());
        tx.commit().await.unwrap();
        assert_eq!(store.get_user(clinic, ada.id).await.unwrap(), Some(ada.clone()));
        assert_eq!(found(&store, clinic, "token", 1).await, Some(session));
        assert_eq!(store.list_consents(clinic, ada.id).await.unwrap(), [given]);

        // The same name is another person's.
        let namesake = insert(&store, other, &user("ada")).await;
        assert_ne!(namesake.id, ada.id);
    }
}

// ------------------------------------------------------------------------- what is kept how long

const DAY: i64 = 24 * 3600;

on_engines! { all:
    async fn what_is_long_over_is_forgotten(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let ada = somebody(&store, clinic, "ada").await;
        // One that idled away, one that ended, and one that lives.
        begin(&store, clinic, ada, "idle", 0).await;
        let ended = begin(&store, clinic, ada, "ended", 0).await;
        store.end_session(clinic, ended.id, at(100)).await.unwrap();
        let live = begin(&store, clinic, ada, "live", 0).await;
        store.touch_session(clinic, live.id, at(1), at(36_000)).await.unwrap();
        assert_eq!(store.delete_expired(at(DAY + 99)).await.unwrap(), 0);
        assert_eq!(store.delete_expired(at(DAY + 100)).await.unwrap(), 1);
        assert_eq!(store.delete_expired(at(DAY + 3599)).await.unwrap(), 0);
        assert_eq!(store.delete_expired(at(DAY + 3600)).await.unwrap(), 1);
        assert!(found(&store, clinic, "live", 2).await.is_some());
        assert_eq!(store.delete_expired(at(DAY + 36_000)).await.unwrap(), 1);

        let sign_in = SignIn {
            user: ada,
            at: at(0),
            succeeded: true,
            client_id: None,
            address: String::new(),
            user_agent: String::new(),
        };
        store.insert_sign_in(clinic, &sign_in, &Entropy::System).await.unwrap();
        assert_eq!(store.delete_expired(at(90 * DAY - 1)).await.unwrap(), 0);
        assert_eq!(store.delete_expired(at(90 * DAY)).await.unwrap(), 1);

        counted(&store, clinic, &Digest::of(b"account:ada"), 0).await;
        assert_eq!(store.delete_expired(at(DAY - 1)).await.unwrap(), 0);
        assert_eq!(store.delete_expired(at(DAY)).await.unwrap(), 1);
    }
}
