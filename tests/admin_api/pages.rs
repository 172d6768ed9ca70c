//! Lists that come in pages.

use std::collections::BTreeSet;

use serde_json::{Value, json};

use super::{Api, machine};
use crate::support::database::{Database, on_engines};
use crate::support::servers::Fixture;

/// Walks a list in small pages, has `between` happen between them, and gives what each item is
/// called.
async fn walk(
    api: &Api,
    list: &str,
    name: fn(&Value) -> String,
    between: impl AsyncFn(usize),
) -> Vec<String> {
    let mut names = Vec::new();
    let mut next = format!("{list}limit=37");
    for page in 0.. {
        let reply = api.get(&next).await;
        let body = reply.is(200).json();
        names.extend(body["items"].as_array().unwrap().iter().map(name));
        let Some(after) = body["next"].as_str() else {
            assert_eq!(reply.header("link"), None);
            return names;
        };
        let link = reply.header("link").unwrap();
        let path = link.strip_prefix("</api/v1").unwrap();
        let (path, rest) = path.split_once('>').unwrap();
        assert_eq!(rest, "; rel=\"next\"");
        assert!(path.contains(after), "{path}");
        next = path.to_owned();
        between(page).await;
    }
    unreachable!()
}

/// What was there from the beginning is there, once, in order.
fn assert_whole(found: &[String], expected: impl Iterator<Item = String>) {
    let once: BTreeSet<&String> = found.iter().collect();
    assert_eq!(once.len(), found.len(), "something stands twice");
    for name in expected {
        assert!(once.contains(&name), "{name} is missing");
    }
}

on_engines! { all:
    async fn a_list_is_whole_although_others_write(database: Database) {
        let fixture = Fixture::on(&database.url).await;
        let api = Api::at(fixture.peer(), "clinic").await;
        let (clients, users) = ("/issuers/clinic/clients", "/issuers/clinic/users");
        for index in 0..300 {
            let mut client = machine(&format!("c{index:03}"));
            // Names that many have, that sort differently by language, and that look alike.
            let names = ["Same", "same", "Ähnlich", "Zebra", "zebra", "éclair", "💊", "%_!"];
            client["client_name"] = names[index % names.len()].into();
            api.post(clients, &client).await.is(201);
        }
        for index in 0..300 {
            let names = ["ada", "Bob", "ß", "Ö", "名", "z_%"];
            let user = json!({ "username": format!("{}{index:03}", names[index % names.len()]) });
            api.post(users, &user).await.is(201);
        }

        let found = walk(&api, &format!("{clients}?"), |client| client["client_id"].as_str().unwrap().to_owned(), async |page| {
            let mut client = machine(&format!("new-{page}"));
            client["client_name"] = "Same".into();
            api.post(clients, &client).await.is(201);
        })
        .await;
        assert_whole(&found, (0..300).map(|index| format!("c{index:03}")));

        let found = walk(&api, &format!("{users}?"), |user| user["username"].as_str().unwrap().to_owned(), async |page| {
            let user = json!({ "username": format!("new-{page}") });
            api.post(users, &user).await.is(201);
        })
        .await;
        let names = ["ada", "Bob", "ß", "Ö", "名", "z_%"];
        assert_whole(&found, (0..300).map(|index| format!("{}{index:03}", names[index % names.len()])));

        let found = walk(&api, "/issuers/clinic/audit?action=user&", |event| event["sequence"].to_string(), async |page| {
            let user = json!({ "username": format!("even-newer-{page}") });
            api.post(users, &user).await.is(201);
        })
        .await;
        let numbers: Vec<i64> = found.iter().map(|number| number.parse().unwrap()).collect();
        assert!(numbers.is_sorted_by(|before, after| before > after));
        assert!(numbers.len() >= 300);

        // A search is for what was typed, also where it means something to a database.
        let some = walk(&api, &format!("{clients}?search=%25_&"), |client| client["client_name"].as_str().unwrap().to_owned(), async |_| {}).await;
        assert!(some.len() >= 37 && some.iter().all(|name| name == "%_!"), "{some:?}");
        let machines = walk(&api, &format!("{clients}?kind=machine&search=ZEBRA&"), |client| client["client_name"].as_str().unwrap().to_owned(), async |_| {}).await;
        assert_eq!(machines.len(), 75);
    }
}

#[tokio::test]
async fn who_is_blocked_and_what_is_disabled_are_lists_of_their_own() {
    let (_fixture, api) = super::clinic().await;
    let (clients, users) = ("/issuers/clinic/clients", "/issuers/clinic/users");
    let id = api.id_of(users, "username", "doctor").await;
    api.patch(&format!("{users}/{id}"), &json!({ "blocked": true }))
        .await
        .is(200);
    api.change("POST", &format!("{clients}/clinic-spa/disable"), None)
        .await
        .is(200);
    for (list, filter, name, found) in [
        (users, "blocked", "username", "doctor"),
        (clients, "disabled", "client_id", "clinic-spa"),
    ] {
        let names = async |query: &str| {
            let page = api.get(&format!("{list}?{query}")).await.is(200).json();
            let items = page["items"].as_array().unwrap().iter();
            let mut names: Vec<String> = items
                .map(|item| item[name].as_str().unwrap().to_owned())
                .collect();
            names.sort();
            names
        };
        let (all, those) = (names("").await, names(&format!("{filter}=true")).await);
        assert_eq!(those, [found]);
        let mut others = names(&format!("{filter}=false")).await;
        let none = names(&format!("{filter}=true&search=nobody")).await;
        assert!(none.is_empty(), "{none:?}");
        others.extend(those);
        others.sort();
        assert_eq!(others, all);
    }
}

#[tokio::test]
async fn only_a_pages_own_words_lead_on() {
    let (_fixture, api) = super::clinic().await;
    let cursors = [
        "x",
        "bnVsbA",                           // null
        "WyJcdTAwMDAiLCJ4Il0",              // ["\u0000","x"]
        "WyJhIl0",                          // ["a"]
        "OTk5OTk5OTk5OTk5OTk5OTk5OTk5OTk5", // 99999999999999999999999999
        "Ii4uLi4i",                         // "...."
    ];
    for list in ["clients", "users", "sessions", "audit"] {
        for cursor in cursors {
            let path = format!("/issuers/clinic/{list}?after={cursor}");
            let reply = api.get(&path).await;
            // Any name may be where a page of users ended.
            let is_a_name = list == "users" && cursor == "Ii4uLi4i";
            // Nothing is null in JSON's sense: the first page.
            let is_nothing = cursor == "bnVsbA";
            if is_a_name || is_nothing && reply.status == 200 {
                reply.is(200);
            } else {
                reply.wrong("after");
            }
        }
        for limit in ["0", "201", "-1", "many", "1e2", "%20"] {
            let path = format!("/issuers/clinic/{list}?limit={limit}");
            api.get(&path).await.wrong("limit");
        }
        api.get(&format!("/issuers/clinic/{list}?limit=200"))
            .await
            .is(200);
    }
    let far = "WzkyMjMzNzIwMzY4NTQ3NzU4MDcsIjAwMDAwMDAwLTAwMDAtMDAwMC0wMDAwLTAwMDAwMDAwMDAwMCJd";
    api.get(&format!("/issuers/clinic/sessions?after={far}"))
        .await
        .is(200);
}
