//! Every route and everybody.

use super::{Cast, Needs, routes_of, routes_of_server};
use crate::support::http::Answer;
use crate::support::user::Person;

async fn ask(person: &mut Person, method: &str, path: &str) -> Answer {
    match method {
        "GET" => person.get(path).await,
        _ => person.submit(path, &[]).await,
    }
}

/// Let in, whatever it then thought of a form with nothing in it.
fn is_let_in(answer: &Answer, method: &str, path: &str) -> bool {
    match (method, answer.status) {
        ("GET", 200) | ("POST", 200 | 303 | 409 | 422) => true,
        (_, 403 | 404) => false,
        _ => panic!("{method} {path}: {answer}"),
    }
}

fn is_sent_to_sign_in(answer: &Answer) -> bool {
    let location = answer.header("location").unwrap_or_default();
    answer.status == 303 && location.starts_with("/console/sign-in")
}

#[tokio::test]
async fn every_route_knows_whom_it_answers() {
    let mut cast = Cast::gather().await;
    let clinic = routes_of(&mut cast.owner, "clinic").await;
    let photon = routes_of(&mut cast.owner, "photon").await;
    let server = routes_of_server(&mut cast.owner).await;
    let before = cast.log().await;

    // Those who may not, first: there is nothing that they have changed.
    let mut let_in = Vec::new();
    for (place, routes) in [
        ("clinic", &clinic),
        ("photon", &photon),
        ("server", &server),
    ] {
        for (path, methods, needs) in routes {
            for method in methods.split(' ') {
                let anonymous = &mut cast.anonymous;
                let answer = match method {
                    "GET" => anonymous.get(path).await,
                    _ => anonymous.submit_with(path, &[], None).await,
                };
                assert!(is_sent_to_sign_in(&answer), "{method} {path}: {answer}");
                for (name, person, may) in [
                    ("nobody", &mut cast.nobody, false),
                    (
                        "maya",
                        &mut cast.of_clinic,
                        place == "clinic" && *needs != Needs::Owner,
                    ),
                    ("auditor", &mut cast.auditor, *needs == Needs::Auditor),
                    ("manager", &mut cast.manager, *needs != Needs::Owner),
                    ("owner", &mut cast.owner, true),
                ] {
                    if may {
                        let_in.push((name, method, path.clone()));
                        continue;
                    }
                    let answer = ask(person, method, path).await;
                    assert!(
                        !is_let_in(&answer, method, path),
                        "{name}: {method} {path}: {answer}"
                    );
                    // That there is such an issuer is not theirs to know.
                    if ["nobody", "maya"].contains(&name) && place == "photon" {
                        assert_eq!(answer.status, 404, "{name}: {method} {path}");
                    }
                    if ["auditor", "manager"].contains(&name) && place == "clinic" {
                        assert_eq!(answer.status, 403, "{name}: {method} {path}");
                    }
                }
            }
        }
    }
    assert_eq!(cast.log().await, before);

    for (name, method, path) in let_in {
        let person = match name {
            "maya" => &mut cast.of_clinic,
            "auditor" => &mut cast.auditor,
            "manager" => &mut cast.manager,
            _ => &mut cast.owner,
        };
        let answer = ask(person, method, &path).await;
        // Somebody else who may has ended or removed it before.
        let is_gone = path.ends_with("/end") || path.contains("/registration/");
        if answer.status == 404 && method == "POST" && is_gone {
            continue;
        }
        assert!(
            is_let_in(&answer, method, &path),
            "{name}: {method} {path}: {answer}"
        );
    }
    // The log can tell.
    assert_ne!(cast.log().await, before);
}

#[tokio::test]
async fn administrators_are_nothing_a_manager_sees() {
    let mut cast = Cast::gather().await;
    for page in ["", "/audit", "/audit.csv", "/audit.json"] {
        let path = &format!("/console/administrators{page}");
        cast.owner.get(path).await.is(200);
        cast.auditor.get(path).await.is(200);
        for person in [&mut cast.manager, &mut cast.of_clinic, &mut cast.nobody] {
            let answer = person.get(path).await;
            assert!([403, 404].contains(&answer.status), "{answer}");
            assert!(!answer.body.contains("Olga"), "{answer}");
        }
    }
}

#[tokio::test]
async fn everybody_sees_the_issuers_that_are_theirs() {
    let mut cast = Cast::gather().await;
    for (person, clinic, photon) in [
        (&mut cast.owner, true, true),
        (&mut cast.manager, true, true),
        (&mut cast.auditor, true, true),
        (&mut cast.of_clinic, true, false),
        (&mut cast.nobody, false, false),
    ] {
        let page = person.get("/console/issuers").await;
        let page = &page.is(200).body;
        assert_eq!(page.contains("/console/issuers/clinic"), clinic);
        assert_eq!(page.contains("/console/issuers/photon"), photon);
        // The console itself is administered elsewhere.
        assert!(!page.contains("/console/issuers/console"));
    }
    for person in [&mut cast.owner, &mut cast.manager] {
        person.get("/console/issuers/console").await.is(404);
        person.get("/console/issuers/console/users").await.is(404);
    }
}

/// Whoever loses a role has lost it at their next click.
#[tokio::test]
async fn a_role_that_is_taken_away_is_gone_at_once() {
    let mut cast = Cast::gather().await;
    cast.manager
        .get("/console/issuers/clinic/new-user")
        .await
        .is(200);
    let list = cast.owner.get("/console/administrators").await;
    let rows: Vec<&str> = list.body.split("<tr>").collect();
    let row = rows.iter().find(|row| row.contains("Mateo")).unwrap();
    let (_, id) = row.split_once("/console/administrators/").unwrap();
    let edit = format!("/console/administrators/{}/edit", &id[..36]);
    let page = cast.owner.get(&edit).await;
    let form = crate::support::html::Form::all(&page.body)
        .into_iter()
        .find(|form| form.action == edit)
        .unwrap();
    let revision = form.field("revision").to_owned();
    let fields = [
        ("revision", revision.as_str()),
        ("username", "manager"),
        ("name", "Mateo Manager"),
        ("standing", "auditor"),
        ("reach", "all"),
    ];
    cast.owner.submit(&edit, &fields).await.is(303);
    cast.manager
        .get("/console/issuers/clinic/new-user")
        .await
        .is(403);
    let new = [("username", "late"), ("name", "Late")];
    cast.manager
        .submit("/console/issuers/clinic/new-user", &new)
        .await
        .is(403);
}
