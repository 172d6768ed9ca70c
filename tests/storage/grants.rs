//! Grants, and the codes and tokens that come of them.

use futures_util::future::join_all;
use locum::account::{
    Amr, AuthorizationCode, CodeChallenge, Grant, GrantId, RefreshToken, SessionId, UserId,
};
use locum::clock::Timestamp;
use locum::issuer::IssuerId;
use locum::protocol::PkceMethod;
use locum::secret::Digest;
use locum::store::{Store, StoredToken};
use uuid::Uuid;

use super::people::{begin, somebody};
use super::{at, delete_client, find, insert_client, issuer, populate, scope, token, write};
use crate::support::database::{Database, on_engines};

fn grant(user: UserId) -> Grant {
    Grant {
        id: GrantId(Uuid::new_v4()),
        client_id: "machine".to_owned(),
        user,
        session: SessionId(Uuid::new_v4()),
        subject: "auth0|ada".to_owned(),
        scope: scope("openid read"),
        audience: vec!["https://api.example".to_owned()],
        nonce: Some("n-0S6_WzA2Mj".to_owned()),
        auth_time: at(-60),
        amr: vec![Amr::Password],
        acr: Some("1".to_owned()),
        wants_auth_time: true,
        claims_request: Some(r#"{"userinfo":{"name":null}}"#.to_owned()),
        created_at: at(0),
        is_revoked: false,
    }
}

fn code(grant: &Grant, expires_at: Timestamp) -> AuthorizationCode {
    AuthorizationCode {
        grant: grant.id,
        redirect_uri: Some("https://app.example/?a=b&c=%20".to_owned()),
        code_challenge: Some(CodeChallenge {
            challenge: "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM".to_owned(),
            method: PkceMethod::S256,
        }),
        expires_at,
    }
}

fn refresh_token(grant: &Grant, expires_at: Timestamp) -> RefreshToken {
    RefreshToken {
        grant: grant.id,
        issued_at: at(0),
        expires_at,
        spent_at: None,
    }
}

fn digest(text: &str) -> Digest {
    Digest::of(text.as_bytes())
}

/// A grant that is kept for an hour, with a code, a refresh token, an opaque access token and a
/// JWT, each named after what it is and `name`.
async fn granted(store: &Store, issuer: IssuerId, user: UserId, name: &str) -> Grant {
    let grant = grant(user);
    write(store, async |tx| {
        tx.insert_grant(issuer, &grant, at(3600)).await.unwrap();
        let code = code(&grant, at(60));
        tx.insert_code(issuer, &digest(&format!("code {name}")), &code)
            .await
            .unwrap();
        let refresh = refresh_token(&grant, at(3600));
        tx.insert_refresh_token(issuer, &digest(&format!("refresh {name}")), &refresh)
            .await
            .unwrap();
        let access = StoredToken {
            grant: Some(grant.id),
            ..token(issuer, &format!("access {name}"), at(3600))
        };
        tx.insert_access_token(&access).await.unwrap();
        tx.insert_issued_jwt(issuer, &digest(&format!("jwt {name}")), grant.id, at(3600))
            .await
            .unwrap();
    })
    .await;
    grant
}

/// Which of what [`granted`] stores is there and alive.
async fn alive(store: &Store, issuer: IssuerId, name: &str) -> [bool; 3] {
    let refresh = store
        .find_refresh_token(issuer, &digest(&format!("refresh {name}")))
        .await
        .unwrap();
    let access = find(store, issuer, &format!("access {name}")).await;
    let jwt = store
        .find_issued_jwt(issuer, &digest(&format!("jwt {name}")))
        .await
        .unwrap();
    [
        refresh.is_some_and(|(_, grant)| !grant.is_revoked),
        access.is_some_and(|token| !token.is_revoked),
        jwt.is_some_and(|grant| !grant.is_revoked),
    ]
}

async fn spend_code(
    store: &Store,
    issuer: IssuerId,
    text: &str,
    seconds: i64,
) -> Option<AuthorizationCode> {
    write(store, async |tx| {
        tx.spend_code(issuer, &digest(text), at(seconds))
            .await
            .unwrap()
    })
    .await
}

async fn spend_refresh(
    store: &Store,
    issuer: IssuerId,
    text: &str,
    seconds: i64,
) -> Option<RefreshToken> {
    write(store, async |tx| {
        tx.spend_refresh_token(issuer, &digest(text), at(seconds))
            .await
            .unwrap()
    })
    .await
}

// ------------------------------------------------------------------------- grants

on_engines! { all:
    async fn a_grant_is_read_as_it_was_written(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let ada = somebody(&store, clinic, "ada").await;
        let full = grant(ada);
        let bare = Grant {
            scope: scope(""),
            audience: Vec::new(),
            nonce: None,
            amr: Vec::new(),
            acr: None,
            wants_auth_time: false,
            claims_request: None,
            ..grant(ada)
        };
        for grant in [full, bare] {
            let found = write(&store, async |tx| {
                tx.insert_grant(clinic, &grant, at(60)).await.unwrap();
                tx.find_grant(clinic, grant.id).await.unwrap()
            });
            assert_eq!(found.await, Some(grant));
        }
    }

    async fn a_grant_is_revoked_once_and_with_all_that_came_of_it(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let ada = somebody(&store, clinic, "ada").await;
        let grant = granted(&store, clinic, ada, "first").await;
        granted(&store, clinic, ada, "second").await;
        assert_eq!(alive(&store, clinic, "first").await, [true; 3]);

        for is_first in [true, false] {
            let revoked = write(&store, async |tx| {
                tx.revoke_grant(clinic, grant.id, at(1)).await.unwrap()
            });
            assert_eq!(revoked.await, is_first);
        }
        assert_eq!(alive(&store, clinic, "first").await, [false; 3]);
        assert_eq!(spend_refresh(&store, clinic, "refresh first", 2).await, None);
        assert_eq!(alive(&store, clinic, "second").await, [true; 3]);
    }

    async fn grants_are_revoked_by_user_and_client(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let (ada, bob) = (somebody(&store, clinic, "ada").await, somebody(&store, clinic, "bob").await);
        granted(&store, clinic, bob, "of bob").await;
        granted(&store, clinic, ada, "of ada").await;
        let web = Grant { client_id: "web".to_owned(), created_at: at(5), ..grant(ada) };
        write(&store, async |tx| tx.insert_grant(clinic, &web, at(3600)).await.unwrap()).await;
        let clients = async |seconds| -> Vec<String> {
            let grants = store.list_grants(clinic, ada, at(seconds)).await.unwrap();
            grants.into_iter().map(|grant| grant.client_id).collect()
        };
        // The newest first, until the last second.
        assert_eq!(clients(3599).await, ["web", "machine"]);
        assert_eq!(clients(3600).await, [""; 0]);

        let revoke = async |client_id| write(&store, async |tx| {
            tx.revoke_grants_of(clinic, ada, client_id, at(6)).await.unwrap()
        }).await;
        assert_eq!(revoke(Some("nobody")).await, 0);
        assert_eq!(revoke(Some("machine")).await, 1);
        assert_eq!(clients(7).await, ["web"]);
        assert_eq!(revoke(None).await, 1);
        assert_eq!(revoke(None).await, 0);
        assert_eq!(clients(7).await, [""; 0]);
        assert_eq!(alive(&store, clinic, "of ada").await, [false; 3]);
        assert_eq!(alive(&store, clinic, "of bob").await, [true; 3]);
    }

    async fn the_clients_of_a_session_are_each_named_once(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let ada = somebody(&store, clinic, "ada").await;
        let session = begin(&store, clinic, ada, "token", 0).await.id;
        let other = begin(&store, clinic, ada, "another", 0).await.id;
        write(&store, async |tx| {
            for (session, client_id, subject) in [
                (session, "web", "ada"),
                (session, "spa", "pairwise"),
                (session, "web", "ada"),
                (other, "native", "ada"),
            ] {
                tx.note_client_of_session(clinic, session, client_id, subject).await.unwrap();
            }
        }).await;
        let expected = [("spa", "pairwise"), ("web", "ada")];
        let clients = store.list_clients_of_session(clinic, session).await.unwrap();
        assert_eq!(clients, expected.map(|(client, subject)| (client.to_owned(), subject.to_owned())));
    }

    async fn what_users_granted_a_client_ends_with_the_client(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let (api, client) = populate(&store, clinic).await;
        let ada = somebody(&store, clinic, "ada").await;
        granted(&store, clinic, ada, "before").await;
        delete_client(&store, clinic, "machine").await;
        // Somebody else's, under the same ID.
        assert!(write(&store, async |tx| insert_client(tx, clinic, &client).await).await);
        assert_eq!(store.list_apis(clinic).await.unwrap(), [api]);
        assert_eq!(alive(&store, clinic, "before").await, [false; 3]);
    }

    async fn what_a_user_granted_ends_with_the_user(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let (ada, bob) = (somebody(&store, clinic, "ada").await, somebody(&store, clinic, "bob").await);
        granted(&store, clinic, ada, "of ada").await;
        granted(&store, clinic, bob, "of bob").await;
        // Where JWTs have no `jti`, two grants of one second share one.
        let twin = grant(ada);
        write(&store, async |tx| {
            tx.insert_grant(clinic, &twin, at(3600)).await.unwrap();
            tx.insert_issued_jwt(clinic, &digest("jwt of ada"), twin.id, at(3600)).await.unwrap();
            assert!(tx.delete_user(clinic, ada, 1).await.unwrap());
        }).await;
        assert_eq!(alive(&store, clinic, "of ada").await, [false; 3]);
        assert_eq!(alive(&store, clinic, "of bob").await, [true; 3]);
        // A JWT without a grant would pass for a machine's.
        assert!(store.is_jwt_revoked(clinic, &digest("jwt of ada")).await.unwrap());
        assert!(!store.is_jwt_revoked(clinic, &digest("jwt of bob")).await.unwrap());
    }
}

// ------------------------------------------------------------------------- codes

on_engines! { all:
    async fn a_code_is_spent_once_and_remembered(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let ada = somebody(&store, clinic, "ada").await;
        let grant = granted(&store, clinic, ada, "full").await;
        let bare = AuthorizationCode { redirect_uri: None, code_challenge: None, ..code(&grant, at(60)) };
        write(&store, async |tx| {
            tx.insert_code(clinic, &digest("code bare"), &bare).await.unwrap();
        }).await;

        for (name, expected) in [("code full", code(&grant, at(60))), ("code bare", bare)] {
            let find = async || write(&store, async |tx| {
                tx.find_code(clinic, &digest(name)).await.unwrap()
            }).await;
            assert_eq!(find().await, Some((expected.clone(), None)));
            // Dead at the second of its expiry already.
            assert_eq!(spend_code(&store, clinic, name, 60).await, None);
            assert_eq!(spend_code(&store, clinic, name, 59).await, Some(expected.clone()));
            assert_eq!(spend_code(&store, clinic, name, 59).await, None);
            assert_eq!(find().await, Some((expected, Some(at(59)))));
        }
        assert_eq!(spend_code(&store, clinic, "code of nobody", 1).await, None);
    }

    async fn of_two_hundred_who_spend_a_code_one_gets_it(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let ada = somebody(&store, clinic, "ada").await;
        granted(&store, clinic, ada, "once").await;
        let spends = (0..200).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { spend_code(&store, clinic, "code once", 1).await })
        });
        let spent = join_all(spends).await.into_iter().filter_map(Result::unwrap);
        assert_eq!(spent.count(), 1);
    }

    async fn a_code_whose_redemption_is_rolled_back_is_not_spent(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let ada = somebody(&store, clinic, "ada").await;
        granted(&store, clinic, ada, "back").await;
        let mut tx = store.write().await.unwrap();
        assert!(tx.spend_code(clinic, &digest("code back"), at(1)).await.unwrap().is_some());
        drop(tx);
        assert!(spend_code(&store, clinic, "code back", 2).await.is_some());
    }
}

// ------------------------------------------------------------------------- refresh tokens

on_engines! { all:
    async fn a_refresh_token_is_spent_once_and_remembered(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let ada = somebody(&store, clinic, "ada").await;
        let grant = granted(&store, clinic, ada, "it").await;
        let expected = refresh_token(&grant, at(3600));
        let found = store.find_refresh_token(clinic, &digest("refresh it")).await.unwrap();
        assert_eq!(found, Some((expected.clone(), grant.clone())));

        assert_eq!(spend_refresh(&store, clinic, "refresh it", 3600).await, None);
        let spent = RefreshToken { spent_at: Some(at(9)), ..expected };
        assert_eq!(spend_refresh(&store, clinic, "refresh it", 9).await, Some(spent.clone()));
        assert_eq!(spend_refresh(&store, clinic, "refresh it", 9).await, None);
        let found = store.find_refresh_token(clinic, &digest("refresh it")).await.unwrap();
        assert_eq!(found, Some((spent.clone(), grant)));
        let found = write(&store, async |tx| {
            tx.find_refresh_token(clinic, &digest("refresh it")).await.unwrap()
        });
        assert_eq!(found.await, Some(spent));
    }

    async fn of_fifty_who_spend_a_refresh_token_one_gets_it(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let ada = somebody(&store, clinic, "ada").await;
        granted(&store, clinic, ada, "once").await;
        let spends = (0..50).map(|_| {
            let store = store.clone();
            tokio::spawn(async move { spend_refresh(&store, clinic, "refresh once", 1).await })
        });
        let spent = join_all(spends).await.into_iter().filter_map(Result::unwrap);
        assert_eq!(spent.count(), 1);
    }

    async fn a_refresh_token_that_stays_the_same_lives_longer_with_each_use(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let ada = somebody(&store, clinic, "ada").await;
        let grant = granted(&store, clinic, ada, "it").await;
        let prolong = async |now, expires_at| write(&store, async |tx| {
            tx.prolong_refresh_token(clinic, &digest("refresh it"), at(now), at(expires_at)).await.unwrap()
        }).await;
        assert!(!prolong(3600, 7200).await);
        assert!(prolong(3599, 7199).await);
        assert!(prolong(7198, 9999).await);
        write(&store, async |tx| tx.revoke_grant(clinic, grant.id, at(7200)).await.unwrap()).await;
        assert!(!prolong(7201, 9999).await);
        let other = granted(&store, clinic, ada, "spent").await;
        spend_refresh(&store, clinic, "refresh spent", 1).await;
        let prolonged = write(&store, async |tx| {
            let hash = digest("refresh spent");
            tx.prolong_refresh_token(clinic, &hash, at(2), at(9999)).await.unwrap()
        });
        assert!(!prolonged.await, "{other:?}");
    }
}

// ------------------------------------------------------------------------- JWTs

on_engines! { all:
    async fn a_jwt_of_several_grants_lives_while_one_of_them_does(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let ada = somebody(&store, clinic, "ada").await;
        let first = granted(&store, clinic, ada, "shared").await;
        let second = Grant { created_at: at(1), ..grant(ada) };
        write(&store, async |tx| {
            tx.insert_grant(clinic, &second, at(3600)).await.unwrap();
            for _ in 0..2 {
                tx.insert_issued_jwt(clinic, &digest("jwt shared"), second.id, at(3600)).await.unwrap();
            }
        }).await;
        let find = async || store.find_issued_jwt(clinic, &digest("jwt shared")).await.unwrap().unwrap();
        for (revoke, left, is_revoked) in [(second.id, first.id, false), (first.id, second.id, true)] {
            write(&store, async |tx| tx.revoke_grant(clinic, revoke, at(2)).await.unwrap()).await;
            let found = find().await;
            assert_eq!((found.id, found.is_revoked), (left, is_revoked));
        }
        assert_eq!(store.find_issued_jwt(clinic, &digest("a machine's")).await.unwrap(), None);
    }
}

// ------------------------------------------------------------------------- isolation

on_engines! { all:
    async fn grants_are_worth_nothing_at_another_issuer(database: Database) {
        let store = database.open().await;
        let (clinic, other) = (issuer(&store, "clinic").await, issuer(&store, "other").await);
        let ada = somebody(&store, clinic, "ada").await;
        let grant = granted(&store, clinic, ada, "it").await;

        assert_eq!(alive(&store, other, "it").await, [false; 3]);
        assert_eq!(spend_code(&store, other, "code it", 1).await, None);
        assert_eq!(spend_refresh(&store, other, "refresh it", 1).await, None);
        assert_eq!(store.list_grants(other, ada, at(1)).await.unwrap(), []);
        assert_eq!(store.list_clients_of_session(other, grant.session).await.unwrap(), []);
        write(&store, async |tx| {
            assert_eq!(tx.find_grant(other, grant.id).await.unwrap(), None);
            assert_eq!(tx.find_code(other, &digest("code it")).await.unwrap(), None);
            assert_eq!(tx.find_refresh_token(other, &digest("refresh it")).await.unwrap(), None);
            let hash = digest("refresh it");
            assert!(!tx.prolong_refresh_token(other, &hash, at(1), at(9999)).await.unwrap());
            assert!(!tx.revoke_grant(other, grant.id, at(1)).await.unwrap());
            assert_eq!(tx.revoke_grants_of(other, ada, None, at(1)).await.unwrap(), 0);
            tx.extend_grant(other, grant.id, at(9999)).await.unwrap();
        }).await;

        assert_eq!(alive(&store, clinic, "it").await, [true; 3]);
        assert_eq!(store.list_grants(clinic, ada, at(3600)).await.unwrap(), []);
        assert!(spend_code(&store, clinic, "code it", 1).await.is_some());
        assert!(spend_refresh(&store, clinic, "refresh it", 1).await.is_some());
    }
}

// ------------------------------------------------------------------------- what is kept how long

on_engines! { all:
    async fn a_grant_is_kept_until_the_last_of_its_tokens_has_expired(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let ada = somebody(&store, clinic, "ada").await;
        let grant = granted(&store, clinic, ada, "it").await;
        let successor = refresh_token(&grant, at(7200));
        write(&store, async |tx| {
            tx.spend_refresh_token(clinic, &digest("refresh it"), at(1)).await.unwrap();
            tx.insert_refresh_token(clinic, &digest("successor"), &successor).await.unwrap();
            for seconds in [7200, 60] { // never shorter
                tx.extend_grant(clinic, grant.id, at(seconds)).await.unwrap();
            }
        }).await;
        let is_kept = async || write(&store, async |tx| {
            let code = tx.find_code(clinic, &digest("code it")).await.unwrap();
            let successor = tx.find_refresh_token(clinic, &digest("successor")).await.unwrap();
            (code.is_some(), successor.is_some())
        }).await;

        assert_eq!(store.delete_expired(at(3599)).await.unwrap(), 0);
        // The access token and the JWT. The first refresh token is spent: it stays, so that a
        // second use of it is noticed as long as its family lives.
        assert_eq!(store.delete_expired(at(3600)).await.unwrap(), 2);
        assert_eq!(store.delete_expired(at(7199)).await.unwrap(), 0);
        // Whoever comes with the code again is still found out.
        assert_eq!(is_kept().await, (true, true));
        assert_eq!(store.delete_expired(at(7200)).await.unwrap(), 2);
        assert_eq!(is_kept().await, (false, false));
        assert_eq!(store.delete_expired(at(99_999)).await.unwrap(), 0);
    }

    async fn a_token_whose_grant_is_gone_is_dead(database: Database) {
        let store = database.open().await;
        let clinic = issuer(&store, "clinic").await;
        let ada = somebody(&store, clinic, "ada").await;
        let gone = grant(ada);
        let orphan = StoredToken { grant: Some(gone.id), ..token(clinic, "orphan", at(3600)) };
        store.insert_access_token(orphan).await.unwrap();
        assert!(find(&store, clinic, "orphan").await.unwrap().is_revoked);
        // In one commit with others, as at the token endpoint.
        write(&store, async |tx| tx.insert_grant(clinic, &gone, at(3600)).await.unwrap()).await;
        let inserts = (0..20).map(|index| {
            let grant = (index % 2 == 0).then_some(gone.id);
            store.insert_access_token(StoredToken { grant, ..token(clinic, &index.to_string(), at(3600)) })
        });
        for outcome in join_all(inserts).await {
            outcome.unwrap();
        }
        for index in 0..20 {
            let found = find(&store, clinic, &index.to_string()).await.unwrap();
            assert_eq!(found.grant, (index % 2 == 0).then_some(gone.id));
            assert!(!found.is_revoked);
        }
    }
}
