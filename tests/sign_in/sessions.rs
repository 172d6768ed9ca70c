//! What a browser holds for a person: cookies, and the sessions behind them.

use std::net::TcpListener;
use std::time::Duration;

use crate::support::html::Form;
use crate::support::http::{Answer, Peer, Request};
use crate::support::program::{Program, locum};
use crate::support::servers::Fixture;
use crate::support::user::{App, Callback, PASSWORD_HASH, Person, STANDARD, form};

const HOUR: Duration = Duration::from_secs(3600);

async fn is_signed_in(person: &mut Person) -> bool {
    person.get("/clinic/account").await.status == 200
}

fn cookie<'a>(answer: &'a Answer, name: &str) -> &'a str {
    let cookies = answer.set_cookies();
    let found = cookies
        .iter()
        .find(|cookie| cookie.starts_with(&format!("{name}=")));
    found.unwrap_or_else(|| panic!("no {name}: {answer}"))
}

/// A cookie's value and its attributes.
fn parts(cookie: &str) -> (&str, &str) {
    let (pair, attributes) = cookie.split_once("; ").unwrap();
    (pair.split_once('=').unwrap().1, attributes)
}

#[tokio::test]
async fn cookies_are_for_the_server_alone_and_this_site() {
    let locum = Fixture::start().await;
    let mut person = Person::new(locum.peer(), "doctor");
    let page = person.visit("/clinic/sign-in").await;
    let (value, attributes) = parts(cookie(&page, "locum-browser-clinic"));
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Lax");
    assert!(value.len() >= 43, "{value}");
    let answer = person.submit_sign_in(&page).await;
    let (value, attributes) = parts(cookie(answer.is(303), "locum-sessions-clinic"));
    assert!(value.len() >= 43, "{value}");
    assert_eq!(attributes, "Path=/; HttpOnly; SameSite=Lax");
    // For the check-session page's script, and worth nothing else.
    let (state, attributes) = parts(cookie(&answer, "locum-state-clinic"));
    assert_eq!(attributes, "Path=/; SameSite=Lax");
    assert!(!value.contains(state));

    // Who wants to be remembered is, longer than the browser is open.
    let mut person = Person::new(locum.peer(), "doctor");
    person.remember = true;
    let page = person.visit("/clinic/sign-in").await;
    let answer = person.submit_sign_in(&page).await;
    let (_, attributes) = parts(cookie(&answer, "locum-remembered-clinic"));
    assert_eq!(
        attributes,
        "Path=/; Max-Age=2592000; HttpOnly; SameSite=Lax"
    );
}

/// A person's browser in front of a proxy that speaks HTTPS.
async fn https(peer: Peer, issuer: &str, username: &str) -> (Answer, Answer) {
    let request = Request::get(&format!("/{issuer}/sign-in")).header("Host", "id.example");
    let page = peer.send(request).await;
    let mut form_ = Form::with_button(&page.is(200).body, "sign-in").unwrap();
    form_.fill("username", username);
    form_.fill("password", "locum");
    let held: Vec<&str> = page
        .set_cookies()
        .into_iter()
        .map(|cookie| cookie.split(';').next().unwrap())
        .collect();
    let request = Request::post(&form_.action)
        .header("Host", "id.example")
        .header("Cookie", held.join("; "))
        .form(form(&form_.pressed("sign-in")));
    let answer = peer.send(request).await;
    (page, answer)
}

#[tokio::test]
async fn over_https_cookies_are_this_hosts_and_secure() {
    let port = {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        listener.local_addr().unwrap().port()
    };
    let listen = format!("127.0.0.1:{port}");
    let arguments = [
        "dev",
        "--json",
        "--listen",
        &listen,
        "--public-url",
        "https://id.example",
    ];
    let _program = Program::start(locum(arguments));
    let peer = Peer { port };

    let (page, answer) = https(peer, "clinic", "doctor").await;
    let (_, attributes) = parts(cookie(&page, "__Host-locum-browser-clinic"));
    assert_eq!(attributes, "Path=/; HttpOnly; Secure; SameSite=Lax");
    let (_, attributes) = parts(cookie(answer.is(303), "__Host-locum-sessions-clinic"));
    assert_eq!(attributes, "Path=/; HttpOnly; Secure; SameSite=Lax");

    // Auth0's SDK renews tokens in a frame of the application's page.
    let (page, answer) = https(peer, "photon", "provider").await;
    let (_, attributes) = parts(cookie(&page, "__Host-locum-browser-photon"));
    assert_eq!(attributes, "Path=/; HttpOnly; Secure; SameSite=Lax");
    let (_, attributes) = parts(cookie(answer.is(303), "__Host-locum-sessions-photon"));
    assert_eq!(attributes, "Path=/; HttpOnly; Secure; SameSite=None");
}

#[tokio::test]
async fn signing_in_again_makes_the_old_cookie_worthless() {
    let locum = Fixture::start().await;
    let mut person = Person::new(locum.peer(), "doctor");
    let name = "locum-sessions-clinic";
    // A value that somebody else put there is not taken over (session fixation).
    person.cookies.insert(name.to_owned(), "a".repeat(43));
    person.sign_in_at("clinic").await;
    let first = person.cookies.clone();
    assert_ne!(first[name], "a".repeat(43));

    let url = App::clinic_spa().authorization(&[("scope", "openid"), ("prompt", "login")]);
    let page = person.visit(&url).await;
    let form = Form::with_button(&page.body, "sign-in").unwrap();
    assert_eq!(form.field("username"), "doctor");
    person.submit_sign_in(&page).await.is(303);
    assert_ne!(person.cookies[name], first[name]);
    assert!(is_signed_in(&mut person).await);
    let mut thief = Person::new(locum.peer(), "doctor");
    thief.cookies = first;
    assert!(!is_signed_in(&mut thief).await);
}

#[tokio::test]
async fn a_session_ends_when_it_is_not_used_and_when_the_day_is_over() {
    let locum = Fixture::start().await;
    let second = Duration::from_secs(1);
    let mut idle = Person::new(locum.peer(), "doctor");
    idle.sign_in_at("clinic").await;
    let mut busy = idle.clone();
    busy.cookies.clear();
    busy.sign_in_at("clinic").await;
    let mut late = busy.clone();
    late.cookies.clear();
    late.sign_in_at("clinic").await;

    locum.clock.advance(HOUR * 8 - second);
    assert!(is_signed_in(&mut busy).await);
    assert!(is_signed_in(&mut late).await);
    locum.clock.advance(second);
    assert!(!is_signed_in(&mut idle).await, "eight hours unused");
    assert!(is_signed_in(&mut busy).await);
    locum.clock.advance(HOUR * 4 - second);
    assert!(is_signed_in(&mut busy).await);
    locum.clock.advance(second);
    assert!(!is_signed_in(&mut busy).await, "twelve hours in all");
    assert!(!is_signed_in(&mut late).await);
}

#[tokio::test]
async fn who_is_remembered_is_so_for_thirty_days() {
    let locum = Fixture::start().await;
    let mut person = Person::new(locum.peer(), "doctor");
    person.remember = true;
    person.sign_in_at("clinic").await;
    locum.clock.advance(HOUR * 24 * 30 - Duration::from_secs(1));
    assert!(is_signed_in(&mut person).await);
    locum.clock.advance(Duration::from_secs(1));
    assert!(!is_signed_in(&mut person).await);
    // `max_age` counts from the sign-in all the same.
    person.sign_in_at("clinic").await;
    locum.clock.advance(HOUR * 24);
    let more = [("scope", "openid"), ("max_age", "3600"), ("prompt", "none")];
    let answer = person.visit(&App::clinic_spa().authorization(&more)).await;
    Callback::of(&answer).refused("login_required");
}

#[tokio::test]
async fn a_browser_holds_five_people_at_most_the_last_first() {
    let users: String = (1..=7)
        .map(|number| {
            format!(
                "[[issuer.user]]\nusername = \"user{number}\"\nname = \"Number {number}\"\npassword_hash = \"{PASSWORD_HASH}\"\n"
            )
        })
        .collect();
    let config = format!(
        r#"
        [[issuer]]
        name = "clinic"
        dialect = "standard"

        [[issuer.client]]
        client_id = "spa"
        kind = "spa"
        first_party = true
        redirect_uris = ["http://localhost:3000/callback"]

        {users}
        "#
    );
    let locum = Fixture::configured(&config).await;
    let app = App::new("clinic", "spa", STANDARD);
    let mut person = Person::new(locum.peer(), "user1");
    let login = app.authorization(&[("scope", "openid"), ("prompt", "login")]);
    for number in 1..=7 {
        person.username = format!("user{number}");
        person.authorize(&login).await.is(303);
        let held = person.cookies["locum-sessions-clinic"].split('.').count();
        assert_eq!(held, number.min(5));
    }
    let choose = app.authorization(&[("scope", "openid"), ("prompt", "select_account")]);
    let page = person.visit(&choose).await;
    let names: Vec<usize> = (1..=7)
        .filter(|number| page.body.contains(&format!("Number {number}<")))
        .collect();
    assert_eq!(names, [3, 4, 5, 6, 7]);
    assert_eq!(Form::all(&page.body)[0].buttons.len(), 6);
    // More than that in a cookie is not looked at, and each costs a look-up.
    let mut many = person.clone();
    let tokens = ["x".repeat(43).as_str(); 200].join(".");
    many.cookies
        .insert("locum-sessions-clinic".to_owned(), tokens);
    assert!(!is_signed_in(&mut many).await);
}

#[tokio::test]
async fn a_session_that_was_ended_is_dead_wherever_it_is_held() {
    let locum = Fixture::start().await;
    let mut here = Person::new(locum.peer(), "doctor");
    here.sign_in_at("clinic").await;
    let mut there = Person::new(locum.peer(), "doctor");
    there.sign_in_at("clinic").await;
    let mut third = Person::new(locum.peer(), "doctor");
    third.sign_in_at("clinic").await;
    let mut other = Person::new(locum.peer(), "receptionist");
    other.sign_in_at("clinic").await;

    // One by one …
    let account = here.visit("/clinic/account").await;
    let ends = |account: &Answer, action: &str| {
        let forms = Form::all(&account.body);
        let found = forms
            .into_iter()
            .filter(|form| form.action.ends_with(action));
        found.collect::<Vec<_>>()
    };
    let forms = ends(&account, "/sessions/end");
    assert_eq!(forms.len(), 3, "its own and two others: {account}");
    // … but nobody else's.
    let answer = other.visit("/clinic/account").await;
    let own = &ends(&answer, "/sessions/end")[0];
    let mut forged = own.clone();
    forged.fill("session", forms[1].field("session"));
    let answer = other.post(&forged.action, &forged.fields).await;
    answer.is(303);
    assert!(is_signed_in(&mut here).await);
    assert!(is_signed_in(&mut there).await);
    assert!(is_signed_in(&mut third).await);

    let answer = here.post(&forms[1].action, &forms[1].fields).await;
    here.follow(answer).await.is(200);
    let alive = [
        is_signed_in(&mut there).await,
        is_signed_in(&mut third).await,
    ];
    assert_eq!(alive.iter().filter(|alive| **alive).count(), 1);

    // … or all others at once.
    let form = &ends(&account, "/sessions/end-others")[0];
    let answer = here.post(&form.action, &form.fields).await;
    here.follow(answer).await.is(200);
    assert!(!is_signed_in(&mut there).await);
    assert!(!is_signed_in(&mut third).await);
    assert!(is_signed_in(&mut here).await);
    assert!(is_signed_in(&mut other).await);

    // And one's own.
    let answer = here.post(&forms[0].action, &forms[0].fields).await;
    here.follow(answer).await;
    assert!(!is_signed_in(&mut here).await);
}

#[tokio::test]
async fn a_new_password_ends_every_other_session_and_is_the_only_one_from_then_on() {
    let locum = Fixture::start().await;
    let mut here = Person::new(locum.peer(), "doctor");
    here.sign_in_at("clinic").await;
    let mut there = Person::new(locum.peer(), "doctor");
    there.sign_in_at("clinic").await;
    let page = here.visit("/clinic/account/password").await;
    let change = async |person: &mut Person, old: &str, new: &str, again: &str| {
        let form = &Form::all(&page.body)[0];
        let mut form = form.clone();
        form.fill("current_password", old);
        form.fill("new_password", new);
        form.fill("repeated_password", again);
        person.post(&form.action, &form.fields).await
    };
    let new = "a horse of another colour";
    for (old, chosen, again, status) in [
        ("wrong", new, new, 403),
        ("locum", new, "a horse of one colour", 400),
        ("locum", "short", "short", 400),
        ("locum", "password1234", "password1234", 400),
        ("locum", "aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", 400),
        ("locum", "", "", 400),
    ] {
        let answer = change(&mut here, old, chosen, again).await;
        answer.is(status);
        assert!(answer.body.contains("role=\"alert\"") || answer.body.contains("wrong-words"));
        for typed in [chosen, old] {
            let shown = format!("value=\"{typed}\"");
            assert!(
                typed.is_empty() || !answer.body.contains(&shown),
                "{answer}"
            );
        }
    }
    assert!(is_signed_in(&mut there).await);
    change(&mut here, "locum", new, new).await.is(303);
    assert!(is_signed_in(&mut here).await);
    assert!(!is_signed_in(&mut there).await);
    let mut old = Person::new(locum.peer(), "doctor");
    let page = old.visit("/clinic/sign-in").await;
    old.submit_sign_in(&page).await.is(401);
    old.password = new.to_owned();
    old.submit_sign_in(&page).await.is(303);
}

#[tokio::test]
async fn a_profile_is_the_persons_to_change_and_userinfo_says_so() {
    let locum = Fixture::start().await;
    let app = App::clinic_web();
    let mut person = Person::new(locum.peer(), "doctor");
    let tokens = app
        .tokens(&mut person, &[("scope", "openid profile email")])
        .await;
    locum.clock.advance(Duration::from_secs(100));
    let page = person.visit("/clinic/account/profile").await;
    let mut form = Form::all(&page.body)[0].clone();
    form.fill("name", "Dr. <D> \"Doctor\"");
    form.fill("email", "d@clinic.example");
    let answer = person.post(&form.action, &form.fields).await;
    let page = person.follow(answer).await;
    assert!(page.is(200).body.contains("Dr. &#60;D&#62;"), "{page}");
    let known = app
        .userinfo(locum.peer(), &tokens.access_token)
        .await
        .json();
    assert_eq!(known["name"], "Dr. <D> \"Doctor\"");
    assert_eq!(known["email"], "d@clinic.example");
    // Nobody has verified the new one, and that is said: some take silence for a yes.
    assert_eq!(known["email_verified"], false);
    for (field, wrong) in [
        ("name", ""),
        ("email", "nonsense"),
        ("email", "a b@c.d"),
        ("phone_number", "call me"),
    ] {
        let mut form = form.clone();
        form.fill(field, wrong);
        let answer = person.post(&form.action, &form.fields).await;
        answer.is(400);
    }
}
