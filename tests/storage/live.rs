//! What another process changes, as a running server has it without a restart.

use std::time::{Duration, Instant};

use locum::issuer::{ClientRecord, IssuerId, PreviousSecret, RegisteredBy};
use locum::store::{Store, StoredIssuer};

use super::people::hash;
use super::{api, api_record, at, client, stored_issuer, write};
use crate::support::database::{Database, on_engines};
use crate::support::http::{Answer, Peer, Request};
use crate::support::servers::Fixture;
use crate::support::user::{App, Person, Tokens};

/// How long a change that is made elsewhere may go unnoticed, and then some for a busy machine.
const SOON: Duration = Duration::from_secs(10);

/// Asks until the answer is as it should be.
async fn becomes(what: &str, mut holds: impl AsyncFnMut() -> bool) {
    let asked = Instant::now();
    while !holds().await {
        assert!(asked.elapsed() < SOON, "{what} after {SOON:?}");
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
}

async fn discovery(peer: Peer, issuer: &str) -> Answer {
    peer.get(&format!("/{issuer}/.well-known/openid-configuration"))
        .await
}

async fn scopes(peer: Peer) -> String {
    discovery(peer, "clinic").await.is(200).json()["scopes_supported"].to_string()
}

async fn clinic_of(store: &Store) -> IssuerId {
    store.find_issuer("clinic").await.unwrap().unwrap().id
}

/// Changes a client as an administrator would.
async fn change(store: &Store, client_id: &str, change: impl FnOnce(&mut ClientRecord)) {
    let clinic = clinic_of(store).await;
    let mut record = store
        .find_client_record(clinic, client_id)
        .await
        .unwrap()
        .unwrap();
    change(&mut record);
    let update = write(store, async |tx| {
        tx.update_client(clinic, &record, at(0)).await.unwrap()
    });
    assert!(update.await.is_some());
}

fn machine(secret: &str) -> Request {
    Request::post("/clinic/oauth2/token")
        .basic("clinic-machine", secret)
        .form("grant_type=client_credentials")
}

on_engines! { persistent:
    async fn an_api_that_another_process_adds_is_served(database: Database) {
        let locum = Fixture::on(&database.url).await;
        assert!(!scopes(locum.peer()).await.contains("prescribe"));

        let elsewhere = database.open().await;
        let clinic = clinic_of(&elsewhere).await;
        write(&elsewhere, async |tx| {
            assert!(tx.insert_api(clinic, &api("https://new.example"), None, false).await.unwrap());
            tx.touch_issuer(clinic).await.unwrap();
        }).await;
        becomes("the scope is in the metadata", async || scopes(locum.peer()).await.contains("prescribe")).await;

        // And it goes again.
        let new = api_record(&elsewhere, clinic, "https://new.example").await;
        write(&elsewhere, async |tx| {
            assert!(tx.delete_api(clinic, new.value.id, new.revision).await.unwrap());
            tx.touch_issuer(clinic).await.unwrap();
        }).await;
        becomes("the scope is gone", async || !scopes(locum.peer()).await.contains("prescribe")).await;
    }

    async fn an_issuer_that_another_process_makes_is_served_until_it_is_deleted(database: Database) {
        let locum = Fixture::on(&database.url).await;
        discovery(locum.peer(), "fresh").await.is(404);
        let elsewhere = database.open().await;
        let fresh = StoredIssuer { dialect: "pattern".to_owned(), ..stored_issuer("fresh") };
        let path = "/fresh/api/auth/token";
        let ask = || Request::post(path).basic("machine", "a-secret").form("grant_type=client_credentials");
        write(&elsewhere, async |tx| {
            assert!(tx.insert_issuer(&fresh, at(0)).await.unwrap());
            let api = api("https://api.example");
            assert!(tx.insert_api(fresh.id, &api, None, false).await.unwrap());
            let client = locum::issuer::Client {
                token_endpoint_auth_method: None,
                ..client("machine", api.id)
            };
            let inserted = tx.insert_client(fresh.id, &client, RegisteredBy::Api, None, at(0));
            assert!(inserted.await.unwrap());
        }).await;
        becomes("the issuer answers", async || locum.send(ask()).await.status == 200).await;
        let served = locum.send(ask()).await;
        assert!(!served.access_token().is_empty());

        let now = elsewhere.find_issuer("fresh").await.unwrap().unwrap();
        write(&elsewhere, async |tx| {
            assert!(tx.delete_issuer(now.id, now.revision).await.unwrap());
        }).await;
        becomes("the issuer is gone", async || locum.send(ask()).await.status == 404).await;
        discovery(locum.peer(), "clinic").await.is(200);
    }

    async fn an_issuer_that_cannot_be_served_is_served_as_it_was(database: Database) {
        let locum = Fixture::on(&database.url).await;
        let elsewhere = database.open().await;
        let clinic = elsewhere.find_issuer("clinic").await.unwrap().unwrap();
        let photon = elsewhere.find_issuer("photon").await.unwrap().unwrap();
        let broken = StoredIssuer {
            dialect: "broken".to_owned(),
            dialect_source: Some("this is no dialect".to_owned()),
            ..clinic
        };
        // One that never could be, too: the others do not suffer from it.
        let never = StoredIssuer { dialect: "nowhere".to_owned(), ..stored_issuer("never") };
        write(&elsewhere, async |tx| {
            assert!(tx.update_issuer(&broken).await.unwrap().is_some());
            assert!(tx.insert_issuer(&never, at(0)).await.unwrap());
            tx.insert_api(photon.id, &api("https://new.example"), None, false).await.unwrap();
            tx.touch_issuer(photon.id).await.unwrap();
        }).await;
        let ask = || Request::post("/photon/oauth/token")
            .basic("photon-m2m", "photon-m2m-secret")
            .form("grant_type=client_credentials&audience=https%3A%2F%2Fnew.example");
        // Known, though this client was not granted it.
        becomes("photon has the API", async || {
            let answer = locum.send(ask()).await;
            answer.status == 403 || answer.body.contains("not authorized")
        }).await;
        discovery(locum.peer(), "clinic").await.is(200);
        locum.send(machine("clinic-machine-secret")).await.is(200);
        discovery(locum.peer(), "never").await.is(404);
    }

    async fn a_client_that_is_disabled_is_refused_everywhere(database: Database) {
        let locum = Fixture::on(&database.url).await;
        let peer = locum.peer();
        let app = App::clinic_web();
        let mut person = Person::new(peer, "doctor");
        let more = [("scope", "openid offline_access patients:read")];
        let tokens = app.tokens(&mut person, &more).await;
        let code = app.code(&mut person, &more).await;
        let machine_token = peer.send(machine("clinic-machine-secret")).await.access_token();
        assert!(app.is_alive(peer, &tokens.access_token).await);
        let inspect = async |token: &str| {
            let request = Request::post("/clinic/oauth2/introspect").basic("clinic-machine", "clinic-machine-secret");
            peer.send(request.form(format!("token={token}"))).await.is(200).json()["active"] == true
        };
        assert!(inspect(&tokens.access_token).await);

        let elsewhere = database.open().await;
        change(&elsewhere, "clinic-web", |record| record.client.is_disabled = true).await;
        becomes("the token is inactive", async || !inspect(&tokens.access_token).await).await;
        // By now it is refused wherever it comes, and so are its tokens.
        app.userinfo(peer, &tokens.access_token).await.is(401);
        app.refresh(peer, tokens.refresh()).await.refused(401, "invalid_client");
        app.redeem(peer, &code).await.refused(401, "invalid_client");
        app.revoke(peer, &tokens.access_token).await.refused(401, "invalid_client");
        let introspect = app.post("/oauth2/introspect", &[("token", &machine_token)]);
        peer.send(introspect).await.refused(401, "invalid_client");
        let forward_auth = Request::get("/clinic/forward-auth").bearer(&tokens.access_token);
        peer.send(forward_auth).await.is(401);
        let resource = Request::get("/clinic/api/patients").bearer(&tokens.access_token);
        peer.send(resource).await.is(401);
        let page = person.get(&app.authorization(&more)).await;
        page.is_error_page("invalid_request");
        assert!(page.body.contains("There is no client clinic-web here."), "{page}");
        // The others go on.
        assert!(inspect(&machine_token).await);

        // Nothing of it was lost.
        change(&elsewhere, "clinic-web", |record| record.client.is_disabled = false).await;
        becomes("the token is active again", async || inspect(&tokens.access_token).await).await;
        let tokens = Tokens::of(&app.refresh(peer, tokens.refresh()).await);
        assert!(app.is_alive(peer, &tokens.access_token).await);
    }

    async fn the_secret_before_a_rotation_works_until_its_moment(database: Database) {
        let locum = Fixture::on(&database.url).await;
        let elsewhere = database.open().await;
        let status = async |secret: &str| locum.send(machine(secret)).await.status;
        assert_eq!(status("clinic-machine-secret").await, 200);
        change(&elsewhere, "clinic-machine", |record| {
            let old = record.client.secret_hash.replace(hash("rotated"));
            record.client.previous_secret = old.map(|hash| PreviousSecret { hash, expires_at: at(3600) });
        }).await;
        becomes("the new secret works", async || status("rotated").await == 200).await;
        assert_eq!(status("clinic-machine-secret").await, 200);
        assert_eq!(status("neither").await, 401);

        locum.clock.advance(Duration::from_secs(3599));
        assert_eq!(status("clinic-machine-secret").await, 200);
        locum.clock.advance(Duration::from_secs(1));
        assert_eq!(status("clinic-machine-secret").await, 401);
        assert_eq!(status("rotated").await, 200);
    }
}
