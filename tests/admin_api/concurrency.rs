//! Several at once, and nobody's change is lost.

use futures_util::future::join_all;
use locum::admin::api::OPERATIONS;
use serde_json::json;

use super::{Api, clinic, machine};
use crate::support::database::{Database, on_engines};
use crate::support::http::Request;
use crate::support::servers::Fixture;

on_engines! { all:
    /// Of many who change what they have all read, one does.
    async fn one_of_many_wins(database: Database) {
        let fixture = Fixture::on(&database.url).await;
        let api = Api::at(fixture.peer(), "clinic").await;
        let role = "/issuers/clinic/roles/doctor";
        let settings = "/issuers/clinic/settings";
        let client = "/issuers/clinic/clients/clinic-machine";
        let users = "/issuers/clinic/users";
        let user = format!("{users}/{}", api.id_of(users, "username", "doctor").await);
        let apis = api.get("/issuers/clinic/apis").await.json();
        let one_api = format!("/issuers/clinic/apis/{}", apis["items"][0]["id"].as_str().unwrap());
        for path in [role, settings, client, &user, &one_api] {
            let etag = api.get(path).await.etag();
            let body = |index: usize| match path {
                path if path == role => json!({ "description": format!("{index}") }),
                path if path == settings => json!({ "brand": { "name": format!("{index}") } }),
                path if path == client => json!({ "client_name": format!("{index}") }),
                path if path == user => json!({ "claims": { "nickname": format!("{index}") } }),
                _ => json!({ "name": format!("{index}") }),
            };
            let bodies: Vec<_> = (0..50).map(body).collect();
            let replies = join_all(
                bodies.iter().map(|body| api.change_from("PATCH", path, &etag, Some(body))),
            )
            .await;
            let won: Vec<usize> = (0..50).filter(|&index| replies[index].status == 200).collect();
            let [winner] = won[..] else { panic!("{path}: {won:?}") };
            for (index, reply) in replies.iter().enumerate() {
                if index != winner {
                    reply.problem(412, "changed");
                }
            }
            let now = api.get(path).await;
            assert_eq!(now.etag(), replies[winner].etag());
            assert!(now.body.contains(&format!("\"{winner}\"")), "{}", *now);
        }
    }

    /// Two owners who demote each other at the same moment would leave nobody.
    async fn somebody_stays_owner(database: Database) {
        let fixture = Fixture::on(&database.url).await;
        let peer = fixture.peer();
        let server = Api::at_server(peer).await;
        let users = "/issuers/console/users";
        let other = json!({ "username": "other", "password": "quite a long one, truly", "roles": ["owner"] });
        server.post(users, &other).await.is(201);
        for round in 0..6 {
            let ids = [
                server.id_of(users, "username", "admin").await,
                server.id_of(users, "username", "other").await,
            ];
            let paths = ids.map(|id| format!("{users}/{id}"));
            let patch = if round % 2 == 0 { json!({ "roles": ["auditor"] }) } else { json!({ "blocked": true }) };
            let replies = join_all(paths.iter().map(|path| server.patch(path, &patch))).await;
            let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
            statuses.sort_unstable();
            assert_eq!(statuses, [200, 409]);
            let refused = replies.iter().find(|reply| reply.status == 409).unwrap();
            refused.problem(409, "last_owner");
            for path in &paths {
                let back = json!({ "roles": ["owner"], "blocked": false });
                server.patch(path, &back).await.is(200);
            }
        }
        let ids = [
            server.id_of(users, "username", "admin").await,
            server.id_of(users, "username", "other").await,
        ];
        let paths = ids.map(|id| format!("{users}/{id}"));
        let replies = join_all(paths.iter().map(|path| server.delete(path))).await;
        let mut statuses: Vec<u16> = replies.iter().map(|reply| reply.status).collect();
        statuses.sort_unstable();
        assert_eq!(statuses, [204, 409]);
    }

    /// Many issuers made at once all have their place in the console.
    async fn issuers_that_are_made_at_once_are_all_administered(database: Database) {
        let fixture = Fixture::on(&database.url).await;
        let server = Api::at_server(fixture.peer()).await;
        let bodies: Vec<_> = (0..6)
            .map(|index| json!({ "name": format!("branch-{index}"), "dialect": "standard" }))
            .collect();
        let replies = join_all(bodies.iter().map(|body| server.post("/issuers", body))).await;
        for reply in &replies {
            reply.is(201);
        }
        let again = server.post("/issuers", &bodies[0]).await;
        again.problem(409, "exists");
        for index in 0..6 {
            let api = Api::at(fixture.peer(), &format!("branch-{index}")).await;
            api.get(&format!("/issuers/branch-{index}/clients")).await.is(200);
        }
    }

    /// What each may do by itself and all together may not: the rule is checked against what there
    /// is when it is written.
    async fn rules_hold_for_what_is_made_at_once(database: Database) {
        let fixture = Fixture::on(&database.url).await;
        let api = Api::at(fixture.peer(), "clinic").await;
        // One token may be for several APIs there, so that no two may have a scope of one name.
        let nethealth = Api::at(fixture.peer(), "nethealth").await;
        let bodies: Vec<_> = (0..6)
            .map(|index| json!({
                "audience": format!("https://at-once.example/{index}"),
                "scopes": [{ "name": "at.once" }],
            }))
            .collect();
        let path = "/issuers/nethealth/apis";
        let replies = join_all(bodies.iter().map(|body| nethealth.post(path, body))).await;
        let (made, refused): (Vec<_>, Vec<_>) = replies.iter().partition(|reply| reply.status == 201);
        assert_eq!(made.len(), 1);
        for reply in refused {
            reply.wrong("#/scopes");
        }

        // Nobody gets a role that is being deleted, and nothing fails for it.
        for round in 0..5 {
            let role = format!("passing-{round}");
            api.post("/issuers/clinic/roles", &json!({ "name": role })).await.is(201);
            let users: Vec<_> = (0..4)
                .map(|index| json!({ "username": format!("u{round}-{index}"), "roles": [role] }))
                .collect();
            let path = format!("/issuers/clinic/roles/{role}?force=true");
            let making = join_all(users.iter().map(|user| api.post("/issuers/clinic/users", user)));
            let (replies, deleted) = futures_util::join!(making, api.delete(&path));
            deleted.is(204);
            for reply in &replies {
                if reply.status != 201 {
                    reply.wrong("#/roles");
                }
            }
        }

        // Whatever it is by now, each in turn.
        let path = "/issuers/clinic/clients/clinic-machine/rotate-secret";
        let body = json!({ "overlap": 0 });
        let rotating = (0..6).map(|_| api.change("POST", path, Some(&body)));
        for reply in join_all(rotating).await {
            reply.is(200);
        }
    }

    /// Many clients of one ID: there is one.
    async fn one_of_many_is_made(database: Database) {
        let fixture = Fixture::on(&database.url).await;
        let api = Api::at(fixture.peer(), "clinic").await;
        let body = machine("wanted");
        let replies = join_all((0..20).map(|_| api.post("/issuers/clinic/clients", &body))).await;
        let made = replies.iter().filter(|reply| reply.status == 201).count();
        assert_eq!(made, 1);
        for reply in replies.iter().filter(|reply| reply.status != 201) {
            reply.problem(409, "exists");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_change_says_what_it_was_made_from() {
    let (fixture, api) = clinic().await;
    let server = Api::at_server(fixture.peer()).await;
    let client = "/issuers/clinic/clients/clinic-machine";
    let users = "/issuers/clinic/users";
    let user = api.id_of(users, "username", "doctor").await;
    let apis = api.get("/issuers/clinic/apis").await.json();
    for operation in OPERATIONS
        .iter()
        .filter(|operation| operation.needs_revision)
    {
        let is_the_servers = ["updateIssuer", "deleteIssuer"].contains(&operation.id);
        let api = if is_the_servers { &server } else { &api };
        let path = operation
            .path
            .replace("{issuer}", "clinic")
            .replace("{client_id}", "clinic-machine")
            .replace("{api_id}", apis["items"][0]["id"].as_str().unwrap())
            .replace("{role}", "doctor")
            .replace("{user_id}", &user);
        let request = || Request::new(operation.method, &path).json("{}");
        api.send(request()).await.problem(428, "revision_required");
        // A weak tag matches nothing, also where the strong one would (RFC 9110 §13.1.1).
        for stale in [
            "\"99\"",
            "\"98\", \"99\"",
            "\"0\"",
            "W/\"1\"",
            "W/\"1\", W/\"2\"",
        ] {
            let reply = api.send(request().header("If-Match", stale)).await;
            // Taking away what is not there is refused for that.
            let is_usage = reply.status == 409;
            assert!(
                is_usage || reply.status == 412,
                "{}: {}",
                operation.id,
                *reply
            );
        }
        for broken in [
            "7",
            "\"seven\"",
            "",
            "\"7",
            "W/7",
            "W/\"seven\"",
            "w/\"7\"",
            "\"99999999999999999999\"",
        ] {
            let reply = api.send(request().header("If-Match", broken)).await;
            reply.problem(400, "malformed");
        }
    }

    let first = api.get(client).await.etag();
    let known = Request::get(client).header("If-None-Match", &first);
    api.send(known).await.is(304);
    let known = Request::get(client).header("If-None-Match", format!("\"0\", W/{first}"));
    api.send(known).await.is(304);
    let name = json!({ "client_name": "Other" });
    let second = api.change_from("PATCH", client, &first, Some(&name)).await;
    second.is(200);
    assert_ne!(second.etag(), first);
    let reply = api.change_from("PATCH", client, &first, Some(&name)).await;
    reply.problem(412, "changed");
    let either = format!("{first}, {}", second.etag());
    api.change_from("PATCH", client, &either, Some(&name))
        .await
        .is(200);
    api.patch(client, &name).await.is(200);
    let current = api.get(client).await.etag();
    let weak = format!("W/{current}");
    let reply = api.change_from("PATCH", client, &weak, Some(&name)).await;
    reply.problem(412, "changed");
    let both = format!("{weak}, {current}");
    api.change_from("PATCH", client, &both, Some(&name))
        .await
        .is(200);
    let known = Request::get(client).header("If-None-Match", &first);
    api.send(known).await.is(200);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_first_owner_may_take_their_time() {
    // Where nobody is owner yet, others can be appointed and removed all the same.
    let (fixture, _) = clinic().await;
    let server = Api::at_server(fixture.peer()).await;
    let users = "/issuers/console/users";
    let pending = json!({ "username": "pending", "roles": ["owner"] });
    server.post(users, &pending).await.is(201);
    // Somebody without a password cannot sign in, and is nobody to rely on.
    let id = server.id_of(users, "username", "admin").await;
    let reply = server.delete(&format!("{users}/{id}")).await;
    reply.problem(409, "last_owner");
    let reply = server
        .patch(&format!("{users}/{id}"), &json!({ "roles": [] }))
        .await;
    reply.problem(409, "last_owner");
    server
        .patch(
            &format!("{users}/{id}"),
            &json!({ "claims": { "name": "Olga" } }),
        )
        .await
        .is(200);
}
