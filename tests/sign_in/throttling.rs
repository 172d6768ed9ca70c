//! Guessing passwords: slower and slower, and nothing to be learnt from the answers.

use std::collections::BTreeSet;
use std::time::Duration;

use futures_util::future::join_all;

use crate::support::html::Form;
use crate::support::http::Answer;
use crate::support::servers::Fixture;
use crate::support::user::Person;

/// The answer to a username and a password, and nothing done about it.
async fn attempt(person: &mut Person, page: &Answer, username: &str, password: &str) -> Answer {
    let mut form = Form::with_button(&page.body, "sign-in").unwrap();
    form.fill("username", username);
    form.fill("password", password);
    person.post(&form.action, &form.pressed("sign-in")).await
}

fn retry_after(answer: &Answer) -> u64 {
    answer
        .is(429)
        .header("retry-after")
        .unwrap()
        .parse()
        .unwrap()
}

#[tokio::test]
async fn each_failure_makes_the_next_attempt_wait_longer() {
    let locum = Fixture::start().await;
    let mut person = Person::new(locum.peer(), "doctor");
    let page = person.visit("/clinic/sign-in").await;
    for _ in 0..5 {
        attempt(&mut person, &page, "doctor", "wrong").await.is(401);
    }
    for delay in [1, 2, 4, 8, 16, 32, 60, 60] {
        // The right password does not help, nor does another way to write the name.
        for (username, password) in [("doctor", "locum"), (" DOCTOR ", "wrong")] {
            let answer = attempt(&mut person, &page, username, password).await;
            assert_eq!(retry_after(&answer), delay);
            assert!(answer.body.contains("role=\"alert\""));
            assert!(
                !answer
                    .set_cookies()
                    .iter()
                    .any(|cookie| cookie.contains("sessions"))
            );
        }
        // Attempts that were not looked at do not prolong it.
        locum.clock.advance(Duration::from_secs(delay - 1));
        if delay > 1 {
            let answer = attempt(&mut person, &page, "doctor", "locum").await;
            assert_eq!(retry_after(&answer), 1);
        }
        locum.clock.advance(Duration::from_secs(1));
        attempt(&mut person, &page, "doctor", "wrong").await.is(401);
    }
    // Another account is another matter.
    let mut other = Person::new(locum.peer(), "receptionist");
    let theirs = other.visit("/clinic/sign-in").await;
    attempt(&mut other, &theirs, "receptionist", "locum")
        .await
        .is(303);

    // Success clears it.
    locum.clock.advance(Duration::from_secs(60));
    attempt(&mut person, &page, "doctor", "locum").await.is(303);
    for _ in 0..5 {
        attempt(&mut person, &page, "doctor", "wrong").await.is(401);
    }
    retry_after(&attempt(&mut person, &page, "doctor", "wrong").await);
    // And so does an hour.
    locum.clock.advance(Duration::from_secs(3600));
    let mut fresh = Person::new(locum.peer(), "doctor");
    let page = fresh.visit("/clinic/sign-in").await;
    for _ in 0..5 {
        attempt(&mut fresh, &page, "doctor", "wrong").await.is(401);
    }
    retry_after(&attempt(&mut fresh, &page, "doctor", "locum").await);
}

#[tokio::test]
async fn an_unknown_person_is_throttled_like_a_known_one() {
    let locum = Fixture::start().await;
    for username in ["doctor", "nobody-of-this-name"] {
        let mut person = Person::new(locum.peer(), username);
        let page = person.visit("/clinic/sign-in").await;
        let mut statuses = Vec::new();
        for _ in 0..7 {
            statuses.push(attempt(&mut person, &page, username, "wrong").await.status);
        }
        assert_eq!(statuses, [401, 401, 401, 401, 401, 429, 429], "{username}");
    }
}

#[tokio::test]
async fn an_address_that_tries_many_accounts_has_to_wait_too() {
    let locum = Fixture::start().await;
    let mut person = Person::new(locum.peer(), "doctor");
    let page = person.visit("/clinic/sign-in").await;
    for number in 0..30 {
        let username = format!("guess-{number}");
        attempt(&mut person, &page, &username, "wrong")
            .await
            .is(401);
    }
    let answer = attempt(&mut person, &page, "receptionist", "locum").await;
    let first = retry_after(&answer);
    locum.clock.advance(Duration::from_secs(first));
    attempt(&mut person, &page, "guess-30", "wrong")
        .await
        .is(401);
    let answer = attempt(&mut person, &page, "guess-31", "wrong").await;
    assert!(retry_after(&answer) > first, "it grows: {answer}");
    // At one issuer: what happens at another is that one's.
    let mut elsewhere = Person::new(locum.peer(), "provider");
    let theirs = elsewhere.visit("/photon/sign-in").await;
    attempt(&mut elsewhere, &theirs, "provider", "locum")
        .await
        .is(303);
}

#[tokio::test]
async fn many_guesses_at_once_are_not_all_the_first() {
    let locum = Fixture::start().await;
    let mut person = Person::new(locum.peer(), "doctor");
    let page = person.visit("/clinic/sign-in").await;
    let guesses = (0..60).map(|number| {
        let (mut person, page) = (person.clone(), &page);
        async move { attempt(&mut person, page, "doctor", &format!("guess {number}")).await }
    });
    let statuses: Vec<u16> = join_all(guesses)
        .await
        .iter()
        .map(|answer| answer.status)
        .collect();
    let kinds: BTreeSet<u16> = statuses.iter().copied().collect();
    assert!(
        kinds.is_subset(&BTreeSet::from([401, 429, 503])),
        "{kinds:?}"
    );
    let looked_at = statuses.iter().filter(|status| **status == 401).count();
    assert!(looked_at <= 10, "{looked_at} of 60 guesses were looked at");
}

/// The page without what is new on each: the tokens, and what was typed.
fn shape(answer: &Answer, username: &str) -> String {
    let mut body = answer.body.clone();
    for form in Form::all(&answer.body) {
        for field in ["csrf", "ticket"] {
            body = body.replace(form.field(field), field);
        }
    }
    let headers: Vec<String> = answer
        .headers
        .iter()
        .filter(|(name, _)| !["date", "content-length", "x-request-id"].contains(&name.as_str()))
        .map(|(name, value)| format!("{name}: {value}"))
        .collect::<BTreeSet<_>>()
        .into_iter()
        .collect();
    let field = "name=\"username\" value=\"";
    let typed = format!("{field}{username}\" autocomplete");
    let body = body.replace(&typed, &format!("{field}typed\" autocomplete"));
    format!("{} {headers:?} {body}", answer.status)
}

#[tokio::test]
async fn nobody_learns_whether_there_is_such_a_person() {
    let locum = Fixture::start().await;
    let mut person = Person::new(locum.peer(), "doctor");
    let page = person.visit("/clinic/sign-in").await;
    let mut shapes = BTreeSet::new();
    let long_name = "n".repeat(300);
    let long_password = "p".repeat(2_000);
    for (username, password) in [
        ("receptionist", "wrong"),
        ("nobody", "wrong"),
        ("nobody", "locum"),
        (long_name.as_str(), "wrong"),
        ("someone", long_password.as_str()),
        ("provider", "locum"), // of another issuer
    ] {
        let answer = attempt(&mut person, &page, username, password).await;
        answer.is(401);
        let shape = shape(&answer, username);
        assert!(!shape.contains(password) || password == "wrong" || password == "locum");
        shapes.insert(shape);
    }
    assert_eq!(shapes.len(), 1, "{shapes:#?}");
}

#[tokio::test]
async fn what_was_typed_is_kept_but_for_the_password() {
    let locum = Fixture::start().await;
    let mut person = Person::new(locum.peer(), "doctor");
    let page = person.visit("/clinic/sign-in").await;
    let mut form = Form::with_button(&page.body, "sign-in").unwrap();
    form.fill("username", "doctr");
    form.fill("password", "a mistyped passphrase");
    form.tick("remember", &["true"]);
    let answer = person.post(&form.action, &form.pressed("sign-in")).await;
    let again = Form::with_button(&answer.is(401).body, "sign-in").unwrap();
    assert_eq!(again.field("username"), "doctr");
    assert_eq!(again.field("password"), "");
    assert!(again.boxes[0].is_checked);
    assert!(!answer.body.contains("a mistyped passphrase"));
    for (username, password) in [("", "x"), ("  ", "x"), ("doctor", "")] {
        let answer = attempt(&mut person, &page, username, password).await;
        answer.is(400);
        assert!(answer.body.contains("role=\"alert\""), "{answer}");
    }
    // In any case, and with space around it, it is the same name.
    attempt(&mut person, &page, " Doctor ", "locum")
        .await
        .is(303);
}

#[tokio::test]
async fn the_right_password_is_right_however_many_come_with_it_at_once() {
    let locum = Fixture::start().await;
    let mut person = Person::new(locum.peer(), "receptionist");
    let page = person.visit("/clinic/sign-in").await;
    let attempts = (0..20).map(|_| {
        let (mut person, page) = (person.clone(), page.clone());
        async move {
            attempt(&mut person, &page, "receptionist", "locum")
                .await
                .status
        }
    });
    assert_eq!(join_all(attempts).await, [303; 20]);
}
