//! Requests to the pages and endpoints of signing in that no honest browser or client sends: each
//! gets a clear answer, nothing is granted, and nothing that was sent comes back as markup.

use std::time::Duration;

use futures_util::future::join_all;

use crate::support::html::{self, Form};
use crate::support::http::{Answer, Request};
use crate::support::servers::{Fixture, demo};
use crate::support::user::{App, CALLBACK, CHALLENGE, Callback, Person, Tokens, form};

/// Where each dialect has what browsers are sent to.
const AUTHORIZATION: [(&str, &str, &str, &str); 5] = [
    ("clinic", "/oauth2/authorize", "clinic-web", "doctor"),
    ("photon", "/authorize", "photon-spa", "provider"),
    ("medblocks", "/oauth2/auth", "medblocks-spa", "clinician"),
    (
        "medblocks",
        "/oauth2/authorize",
        "medblocks-spa",
        "clinician",
    ),
    (
        "nethealth",
        "/connect/authorize",
        "nethealth-web",
        "therapist",
    ),
];

const LOGOUT: [&str; 5] = [
    "/clinic/oauth2/logout",
    "/photon/oidc/logout",
    "/photon/v2/logout",
    "/medblocks/oauth2/sessions/logout",
    "/nethealth/connect/endsession",
];

const USERINFO: [&str; 4] = [
    "/clinic/oauth2/userinfo",
    "/photon/userinfo",
    "/medblocks/userinfo",
    "/nethealth/connect/userinfo",
];

/// An issuer's pages, and whether they take GET and POST.
const PAGES: [(&str, bool, bool); 10] = [
    ("/sign-in", true, true),
    ("/choose-account", true, true),
    ("/consent", true, true),
    ("/sign-out", true, true),
    ("/account", true, false),
    ("/account/profile", true, true),
    ("/account/password", true, true),
    ("/account/sessions/end", true, true),
    ("/account/sessions/end-others", true, true),
    ("/account/applications/withdraw", true, true),
];

/// Values as they travel in a query or a form, percent-encoded or not.
fn bad_values() -> Vec<String> {
    [
        "",
        "%00",
        "%0d%0aX-Injected:%20yes%0d%0a%0d%0a%3Cscript%3Ealert(1)%3C/script%3E",
        "%0aX-Injected:%20yes",
        "%3Cscript%3Ealert(1)%3C%2Fscript%3E",
        "%22%3E%3Cimg%20src=x%20onerror=alert(1)%3E",
        "%27%20onmouseover=alert(1)%20x=%27",
        "%7B%7B7*7%7D%7D%24%7B7*7%7D",
        "%ff%fe",
        "%c3%28",
        "%",
        "%zz",
        "%u0041",
        "%E2%80%AE%EF%BF%BF",
        "..%2f..%2f..%2fetc%2fpasswd",
        "%27%3B%20DROP%20TABLE%20users%3B%20--",
        "-1",
        "999999999999999999999999",
        "null",
        "[]",
    ]
    .into_iter()
    .map(str::to_owned)
    .chain(["a".repeat(2_000), "a".repeat(3_000), "%41".repeat(9_000)])
    .collect()
}

/// An answer that is none of the things an answer must not be.
fn is_sound(answer: &Answer, what: &str) {
    assert!(answer.status < 500, "{what}: {answer}");
    assert_eq!(answer.header("x-injected"), None, "{what}: {answer}");
    let is_page = answer
        .header("content-type")
        .is_some_and(|kind| kind.starts_with("text/html"));
    if !is_page {
        assert!(!answer.body.contains("<script"), "{what}: {answer}");
        return;
    }
    let policy = answer.header("content-security-policy").unwrap();
    assert!(!policy.contains("unsafe"), "{what}: {answer}");
    for tag in html::tags(&answer.body) {
        match tag.name.as_str() {
            "script" => {
                let src = tag.get("src").unwrap_or_else(|| panic!("{what}: {answer}"));
                assert!(src.starts_with("/static/"), "{what}: {answer}");
            }
            "img" => assert!(tag.get("src").unwrap().starts_with('/'), "{what}: {answer}"),
            _ => {}
        }
        for handler in ["onerror", "onmouseover", "onload", "onclick"] {
            assert!(!tag.has(handler), "{what}: {answer}");
        }
    }
    if answer.status >= 400 {
        let says_so = answer.body.contains("id=\"error-code\"")
            || answer.body.contains("role=\"alert\"")
            || answer.body.contains("wrong-words");
        assert!(says_so, "{what}: {answer}");
    }
}

/// Neither a code nor a session came of it.
fn grants_nothing(answer: &Answer, what: &str) {
    if let Some(location) = answer.header("location") {
        assert!(!location.contains("code="), "{what}: {answer}");
    }
    for cookie in answer.set_cookies() {
        let is_session = cookie.contains("sessions") && !cookie.contains("Max-Age=0");
        assert!(!is_session, "{what}: {answer}");
    }
}

// ------------------------------------------------------------------------- the authorization endpoint

#[tokio::test]
async fn every_parameter_of_an_authorization_request_may_be_wrong() {
    let locum = Fixture::start().await;
    for (issuer, path, client_id, _) in AUTHORIZATION {
        let right = [
            ("response_type", "code".to_owned()),
            ("client_id", client_id.to_owned()),
            (
                "redirect_uri",
                "http%3A%2F%2Flocalhost%3A3000%2Fcallback".to_owned(),
            ),
            ("scope", "openid".to_owned()),
            ("state", "12345678".to_owned()),
            ("code_challenge", CHALLENGE.to_owned()),
            ("code_challenge_method", "S256".to_owned()),
        ];
        let others = [
            "nonce",
            "prompt",
            "max_age",
            "login_hint",
            "id_token_hint",
            "ui_locales",
            "acr_values",
            "claims",
            "display",
            "audience",
            "resource",
            "response_mode",
            "request",
            "request_uri",
            "registration",
            "claims_locales",
            "unheard_of",
        ];
        let names = right.iter().map(|(name, _)| *name).chain(others);
        let query = |left_out: &str, more: &str| {
            let pairs: Vec<String> = right
                .iter()
                .filter(|(name, _)| *name != left_out)
                .map(|(name, value)| format!("{name}={value}"))
                .collect();
            format!("{}{more}", pairs.join("&"))
        };
        let mut queries = vec![
            String::new(),
            "&&&&".to_owned(),
            "=".to_owned(),
            "%".to_owned(),
        ];
        for name in names {
            queries.push(query(name, ""));
            queries.push(query("", &format!("&{name}=a&{name}=b")));
            queries.push(query("", &format!("&{name}=openid&{name}=openid")));
            for value in bad_values() {
                queries.push(query(name, &format!("&{name}={value}")));
            }
        }
        queries.push(query("", &"&a=b".repeat(100)));
        let many: String = (0..100).map(|number| format!("&a{number}=b")).collect();
        queries.push(query("", &many));
        let path = format!("/{issuer}{path}");
        for some in queries.chunks(24) {
            let sent = some.iter().flat_map(|query| {
                [
                    Request::get(&format!("{path}?{query}")),
                    Request::post(&path).form(query),
                ]
            });
            let answers = sent.map(|request| {
                let peer = locum.peer();
                async move { (request.clone(), peer.send(request).await) }
            });
            for (request, answer) in join_all(answers).await {
                let what = format!("{:.600?}", request);
                is_sound(&answer, &what);
                grants_nothing(&answer, &what);
                if let Some(location) = answer.header("location") {
                    let here = format!("/{issuer}/");
                    let is_known = location.starts_with(&here) || location.starts_with(CALLBACK);
                    assert!(is_known, "{what}: {answer}");
                    assert!(
                        location.bytes().all(|byte| byte.is_ascii_graphic()),
                        "{answer}"
                    );
                }
            }
        }
    }
}

#[tokio::test]
async fn what_a_request_brings_is_shown_as_text_on_every_page_of_the_way() {
    let locum = Fixture::start().await;
    let nasty = "\"><script>alert(1)</script><img src=x onerror=alert(1)>'";
    let app = App::clinic_web();
    let mut person = Person::new(locum.peer(), "doctor");
    let url = app.authorization(&[
        ("scope", "openid profile patients:read"),
        ("state", nasty),
        ("nonce", nasty),
        ("login_hint", nasty),
        ("acr_values", nasty),
        ("ui_locales", nasty),
    ]);
    let page = person.visit(&url).await;
    is_sound(&page, "sign-in");
    let consent = person.sign_in(&page).await;
    is_sound(&consent, "consent");
    let answer = person.go_through(consent).await;
    let callback = Callback::of(&answer);
    assert_eq!(callback.get("state"), nasty);
    let tokens = Tokens::of(&app.redeem(locum.peer(), callback.get("code")).await);
    assert_eq!(tokens.id_claims().claim("nonce"), nasty);
}

#[tokio::test]
async fn an_authorization_request_is_a_query_or_a_form_and_nothing_else() {
    for (issuer, path, client_id, _) in AUTHORIZATION {
        let path = format!("/{issuer}{path}");
        let fields = form(&[
            ("response_type", "code"),
            ("client_id", client_id),
            ("redirect_uri", CALLBACK),
            ("scope", "openid"),
        ]);
        for request in [
            Request::post(&path).json("{}"),
            Request::post(&path).body("text/plain", &fields),
            Request::post(&path).body("multipart/form-data; boundary=x", "--x--"),
            Request::post(&path).body("\u{e9}", &fields),
            Request::post(&path).untyped(&fields),
            Request::post(&path),
            Request::post(&path).form(vec![b'a'; 70_000]),
            Request::post(&path).form(b"\xff=\xfe"),
            Request::new("PUT", &path).form(&fields),
            Request::new("DELETE", &path),
            Request::new("PATCH", &path).form(&fields),
        ] {
            let answer = demo().send(request.clone()).await;
            let what = format!("{request:.300?}");
            assert!(answer.status >= 400, "{what}: {answer}");
            is_sound(&answer, &what);
            grants_nothing(&answer, &what);
        }
    }
}

// ------------------------------------------------------------------------- codes and refresh tokens

#[tokio::test]
async fn every_parameter_of_a_redemption_may_be_wrong() {
    let locum = Fixture::start().await;
    for (app, username) in [
        (App::clinic_web(), "doctor"),
        (App::photon_spa(), "provider"),
        (App::medblocks_spa(), "clinician"),
        (App::nethealth_web(), "therapist"),
    ] {
        let mut person = Person::new(locum.peer(), username);
        let code = app.code(&mut person, &[("scope", "openid")]).await;
        let path = app.path(app.paths.token);
        let mut sent = Vec::new();
        for (grant, names) in [
            (
                "authorization_code",
                [
                    "code",
                    "redirect_uri",
                    "code_verifier",
                    "client_id",
                    "client_secret",
                ]
                .as_slice(),
            ),
            (
                "refresh_token",
                &[
                    "refresh_token",
                    "scope",
                    "audience",
                    "client_id",
                    "client_secret",
                ],
            ),
        ] {
            for name in names {
                for value in bad_values() {
                    sent.push(format!("grant_type={grant}&{name}={value}"));
                }
                sent.push(format!("grant_type={grant}&{name}=a&{name}=a"));
            }
            sent.push(format!("grant_type={grant}"));
        }
        for some in sent.chunks(24) {
            let answers = some.iter().map(|form| {
                let request = Request::post(&path);
                let request = match &app.secret {
                    Some(secret) => request.basic(&app.client_id, secret).form(form),
                    None if form.contains("client_id") => request.form(form),
                    None => request.form(format!("{form}&client_id={}", app.client_id)),
                };
                locum.send(request)
            });
            for (form, answer) in some.iter().zip(join_all(answers).await) {
                let what = format!("{} {form:.200}", app.issuer);
                assert!((400..500).contains(&answer.status), "{what}: {answer}");
                assert!(answer.json()["error"].is_string(), "{what}: {answer}");
                is_sound(&answer, &what);
            }
        }
        // None of it touched the code.
        app.redeem(locum.peer(), &code).await.is(200);
    }
}

// ------------------------------------------------------------------------- UserInfo and logout

#[tokio::test]
async fn userinfo_answers_every_kind_of_token_that_is_none() {
    let long = "x".repeat(20_000);
    for path in USERINFO {
        let machine = match path.split('/').nth(1) {
            Some("clinic") => {
                let request = Request::post("/clinic/oauth2/token")
                    .basic("clinic-machine", "clinic-machine-secret")
                    .form("grant_type=client_credentials");
                demo().send(request).await.access_token()
            }
            _ => "nothing".to_owned(),
        };
        for token in ["", "x", "a.b.c", "....", "\u{e9}", &machine, &long] {
            for request in [
                Request::get(path).bearer(token),
                Request::get(path).header("Authorization", token),
                Request::post(path).form(format!("access_token={token}")),
                Request::post(path).form(format!("access_token={token}&access_token={token}")),
                Request::post(path).json("{}").bearer(token),
            ] {
                let answer = demo().send(request.clone()).await;
                let what = format!("{request:.200?}");
                assert!((400..500).contains(&answer.status), "{what}: {answer}");
                is_sound(&answer, &what);
            }
        }
    }
}

#[tokio::test]
async fn every_parameter_of_a_logout_may_be_wrong() {
    let locum = Fixture::start().await;
    let mut people = Vec::new();
    for (issuer, username) in [
        ("clinic", "doctor"),
        ("photon", "provider"),
        ("medblocks", "clinician"),
        ("nethealth", "therapist"),
    ] {
        let mut person = Person::new(locum.peer(), username);
        person.sign_in_at(issuer).await;
        people.push((issuer, person));
    }
    for path in LOGOUT {
        let issuer = path.split('/').nth(1).unwrap();
        let (_, person) = people.iter().find(|(own, _)| *own == issuer).unwrap();
        for name in [
            "id_token_hint",
            "post_logout_redirect_uri",
            "state",
            "client_id",
            "returnTo",
            "logout_hint",
            "ui_locales",
        ] {
            let mut queries: Vec<String> = bad_values()
                .into_iter()
                .map(|value| format!("{name}={value}"))
                .collect();
            queries.push(format!("{name}=a&{name}=b"));
            let answers = queries.iter().map(|query| {
                let mut person = person.clone();
                async move {
                    let answer = person.get(&format!("{path}?{query}")).await;
                    (query, answer)
                }
            });
            for (query, answer) in join_all(answers).await {
                let what = format!("{path} {query:.200}");
                is_sound(&answer, &what);
                let goes = answer.header("location");
                assert_eq!(goes, None, "{what}: {answer}");
            }
        }
    }
    // A stranger's link has signed nobody out, but for Auth0's own, which is made like that.
    for (issuer, mut person) in people {
        let status = person.get(&format!("/{issuer}/account")).await.status;
        assert_eq!(
            status,
            if issuer == "photon" { 303 } else { 200 },
            "{issuer}"
        );
    }
}

// ------------------------------------------------------------------------- forms and pages

/// Every form of every page, for somebody who is signed in: `(page, form)`.
async fn forms(person: &mut Person) -> Vec<(String, Form)> {
    let app = App::clinic_web();
    let mut found = Vec::new();
    let scope = ("scope", "openid patients:read");
    let login = app.authorization(&[scope, ("prompt", "login")]);
    let choose = app.authorization(&[scope, ("prompt", "select_account")]);
    let consent = app.authorization(&[scope, ("prompt", "consent")]);
    let pages = [
        login.as_str(),
        &choose,
        &consent,
        "/clinic/sign-out",
        "/clinic/account",
        "/clinic/account/profile",
        "/clinic/account/password",
    ];
    for page in pages {
        let answer = person.visit(page).await;
        for form in Form::all(&answer.is(200).body) {
            found.push((page.split('?').next().unwrap().to_owned(), form));
        }
    }
    found
}

/// Everything that pressing a form's first button would send, right as can be.
fn filled(form: &Form) -> Vec<(String, String)> {
    let mut fields = form.fields.clone();
    for (name, value) in &mut fields {
        let right = match name.as_str() {
            "username" => "doctor",
            "password" | "current_password" => "locum",
            "new_password" | "repeated_password" => "a horse of another colour",
            _ => continue,
        };
        right.clone_into(value);
    }
    if let Some(button) = form
        .buttons
        .first()
        .filter(|button| !button.name.is_empty())
    {
        fields.push((button.name.clone(), button.value.clone()));
    }
    fields
}

fn with(fields: &[(String, String)], name: &str, value: &str) -> Vec<(String, String)> {
    let mut fields = fields.to_vec();
    for field in fields.iter_mut().filter(|field| field.0 == name) {
        value.clone_into(&mut field.1);
    }
    fields
}

#[tokio::test]
async fn a_form_is_worth_nothing_without_its_browsers_token() {
    let locum = Fixture::start().await;
    let mut person = Person::new(locum.peer(), "doctor");
    person.sign_in_at("clinic").await;
    App::clinic_web()
        .tokens(&mut person, &[("scope", "openid")])
        .await;
    let all = forms(&mut person).await;
    assert!(all.len() >= 10, "{}", all.len());
    let mut other = Person::new(locum.peer(), "receptionist");
    let page = other.visit("/clinic/sign-in").await;
    let theirs = Form::all(&page.body)[0].field("csrf").to_owned();

    for (page, form_) in &all {
        let fields = filled(form_);
        let own = form_.field("csrf");
        let mut cut = own.to_owned();
        cut.pop();
        let doubled = format!("{own}{own}");
        for csrf in [
            "",
            "forged",
            theirs.as_str(),
            &cut,
            &doubled,
            "\u{e9}",
            "%00",
        ] {
            let answer = person
                .post(&form_.action, &with(&fields, "csrf", csrf))
                .await;
            let what = format!("{page} {} csrf={csrf}", form_.action);
            answer.is(400).is_error_page("invalid_request");
            is_sound(&answer, &what);
            grants_nothing(&answer, &what);
        }
        let mut without = fields.clone();
        without.retain(|(name, _)| name != "csrf");
        person
            .post(&form_.action, &without)
            .await
            .is_error_page("invalid_request");
        // Right, but without the cookie it is bound to, or with another's.
        let mut cookies = person.clone();
        cookies.cookies.remove("locum-browser-clinic");
        let answer = cookies.post(&form_.action, &fields).await;
        answer.is_error_page("invalid_request");
        let mut cookies = person.clone();
        let browser = other.cookies["locum-browser-clinic"].clone();
        cookies
            .cookies
            .insert("locum-browser-clinic".to_owned(), browser);
        let answer = cookies.post(&form_.action, &fields).await;
        answer.is_error_page("invalid_request");
        // Where the browser itself says that another site sends it.
        let request = Request::post(&form_.action)
            .header("Sec-Fetch-Site", "cross-site")
            .form(form(&fields));
        person
            .clone()
            .send(request)
            .await
            .is_error_page("invalid_request");
    }
    // Nothing has happened.
    let answer = person.visit("/clinic/account").await;
    assert!(answer.is(200).body.contains("Dr. Dolores Doctor"));
    let forms = Form::all(&answer.body);
    assert!(forms.iter().any(|form| form.action.ends_with("/withdraw")));
}

#[tokio::test]
async fn a_ticket_is_worth_nothing_when_it_is_old_or_changed() {
    let locum = Fixture::start().await;
    let mut person = Person::new(locum.peer(), "doctor");
    let url = App::clinic_web().authorization(&[("scope", "openid")]);
    let page = person.visit(&url).await;
    let form_ = Form::with_button(&page.body, "sign-in").unwrap();
    let right = form_.field("ticket").to_owned();
    let (body, tag) = right.split_once('.').unwrap();
    let mut changed = body.to_owned();
    changed.replace_range(10..11, if &body[10..11] == "A" { "B" } else { "A" });
    let fields = filled(&form_);
    for ticket in [
        "x".to_owned(),
        ".".to_owned(),
        "..".to_owned(),
        format!("{body}."),
        format!(".{tag}"),
        format!("{changed}.{tag}"),
        format!("{right}x"),
        body.to_owned(),
        form_.field("csrf").to_owned(),
        format!("{body}.{}", form_.field("csrf")),
        "a".repeat(20_000),
        "\u{e9}.\u{e9}".to_owned(),
    ] {
        for page in [
            "/clinic/sign-in",
            "/clinic/choose-account",
            "/clinic/consent",
            "/clinic/sign-out",
        ] {
            let answer = person.post(page, &with(&fields, "ticket", &ticket)).await;
            answer.is_error_page("invalid_request");
            grants_nothing(&answer, page);
        }
        for page in [
            "/clinic/sign-in",
            "/clinic/choose-account",
            "/clinic/consent",
        ] {
            let path = format!("{page}?{}", form(&[("ticket", &ticket)]));
            person.get(&path).await.is_error_page("invalid_request");
        }
    }
    // Good for an hour, and then the page says to start again.
    locum.clock.advance(Duration::from_secs(3600));
    let answer = person.post(&form_.action, &fields).await;
    answer.is_error_page("invalid_request");
    grants_nothing(&answer, "an old ticket");
    let answer = person.visit(&url).await;
    let answer = person.sign_in(&answer).await;
    Callback::of(&person.go_through(answer).await).get("code");
}

#[tokio::test]
async fn every_field_of_every_form_may_be_wrong() {
    let locum = Fixture::start().await;
    let mut person = Person::new(locum.peer(), "doctor");
    person.sign_in_at("clinic").await;
    App::clinic_web()
        .tokens(&mut person, &[("scope", "openid")])
        .await;
    for (page, form_) in forms(&mut person).await {
        let fields = filled(&form_);
        let names: Vec<&str> = fields.iter().map(|(name, _)| name.as_str()).collect();
        // A password costs a hash, and is looked at elsewhere.
        let names = names
            .into_iter()
            .filter(|name| !["password", "csrf", "ticket", "session"].contains(name));
        for name in names.chain(["unheard_of"]) {
            for value in bad_values() {
                let pairs: Vec<String> = fields
                    .iter()
                    .filter(|(known, _)| known != name && known != "password")
                    .map(|pair| form(std::slice::from_ref(pair)))
                    .collect();
                let body = format!("{}&{name}={value}", pairs.join("&"));
                let request = Request::post(&form_.action).form(body);
                // From where they are, so that one that signs out does so alone.
                let answer = person.clone().send(request).await;
                is_sound(
                    &answer,
                    &format!("{page} {} {name}={value:.100}", form_.action),
                );
            }
        }
        // Once more, all of it twice.
        let mut twice = fields.clone();
        twice.retain(|(name, _)| name != "password");
        twice.extend(twice.clone());
        let answer = person.clone().post(&form_.action, &twice).await;
        is_sound(&answer, &format!("{page} {} twice", form_.action));
        if person.get("/clinic/account").await.status != 200 {
            person.cookies.clear();
            person.sign_in_at("clinic").await;
        }
    }
}

#[tokio::test]
async fn pages_take_the_methods_they_say_and_forms_alone() {
    for issuer in ["clinic", "photon", "medblocks", "nethealth"] {
        for (page, takes_get, takes_post) in PAGES {
            let path = format!("/{issuer}{page}");
            let get = demo().get(&path).await;
            let head = demo().send(Request::new("HEAD", &path)).await;
            assert_eq!(get.status, head.status, "{path}");
            assert_eq!(head.body, "", "{path}");
            let post = demo().send(Request::post(&path).form("a=b")).await;
            for (answer, takes) in [(&get, takes_get), (&post, takes_post)] {
                if takes {
                    assert_ne!(answer.status, 405, "{path}: {answer}");
                    is_sound(answer, &path);
                    grants_nothing(answer, &path);
                } else {
                    let allowed = answer.is(405).header("allow").unwrap();
                    assert_eq!(allowed.contains("GET"), takes_get, "{path}");
                    assert_eq!(allowed.contains("POST"), takes_post, "{path}");
                }
            }
            for method in ["PUT", "DELETE", "PATCH", "TRACE"] {
                let answer = demo().send(Request::new(method, &path)).await;
                assert_eq!(answer.status, 405, "{method} {path}: {answer}");
            }
            if !takes_post {
                continue;
            }
            let mut person = Person::new(demo(), "doctor");
            person.visit(&format!("/{issuer}/sign-in")).await;
            for request in [
                Request::post(&path).json("{\"csrf\":\"x\"}"),
                Request::post(&path).body("text/plain", "a=b"),
                Request::post(&path).body("multipart/form-data; boundary=x", "--x--"),
                Request::post(&path).body("application/x-www-form-urlencodedx", "a=b"),
                Request::post(&path).untyped("a=b"),
                Request::post(&path),
                Request::post(&path).form(vec![b'a'; 70_000]),
                Request::post(&path).form(b"\xff=\xfe"),
                Request::post(&path).form("%zz=%"),
            ] {
                let answer = person.send(request.clone()).await;
                let what = format!("{request:.200?}");
                is_sound(&answer, &what);
                grants_nothing(&answer, &what);
                // Who is not signed in is sent to do so before the form is looked at.
                assert!(
                    answer.status >= 400 || page.starts_with("/account"),
                    "{what}: {answer}"
                );
            }
        }
    }
}

#[tokio::test]
async fn the_endpoints_of_browsers_answer_head_and_refuse_what_they_do_not_take() {
    for (path, methods) in [
        ("/clinic/oauth2/authorize", "GET, HEAD, POST"),
        ("/clinic/oauth2/userinfo", "GET, HEAD, POST"),
        ("/clinic/oauth2/logout", "GET, HEAD, POST"),
        ("/clinic/oauth2/check-session", "GET, HEAD"),
        ("/photon/v2/logout", "GET, HEAD"),
        ("/clinic/brand.css", "GET, HEAD"),
    ] {
        let head = demo().send(Request::new("HEAD", path)).await;
        let get = demo().get(path).await;
        assert_eq!(head.status, get.status, "{path}");
        assert_eq!(head.body, "", "{path}");
        let answer = demo().send(Request::new("DELETE", path)).await;
        assert_eq!(answer.is(405).header("allow"), Some(methods), "{path}");
        if !methods.contains("POST") {
            let answer = demo().send(Request::post(path).form("a=b")).await;
            assert_eq!(answer.is(405).header("allow"), Some(methods), "{path}");
        }
    }
}

#[tokio::test]
async fn cookies_that_nobody_was_given_are_nobodys() {
    let mut person = Person::new(demo(), "doctor");
    person.sign_in_at("clinic").await;
    let own = person.cookies["locum-sessions-clinic"].clone();
    let ask = async |cookie: Vec<u8>| {
        let request = Request::get("/clinic/account").header("Cookie", cookie);
        demo().send(request).await
    };
    let name = "locum-sessions-clinic";
    for cookie in [
        format!("{name}="),
        name.to_owned(),
        format!("{name}=x"),
        format!("{name}={own}x"),
        format!("{name}={}", &own[..own.len() - 1]),
        format!("{name}={}", own.to_lowercase()),
        format!("{name}=\"{own}\""),
        format!("{name}={own}%20"),
        // Two of one name: nobody honest sends them, so neither counts.
        format!("{name}={own}; {name}=x"),
        format!("{name}=x; {name}={own}"),
        format!("{}={own}", name.to_uppercase()),
        format!("__Host-{name}={own}"),
        format!("locum-browser-clinic={own}"),
        "a=b; ".repeat(500),
        format!("{name}={}", "x.".repeat(3_000)),
        ";;;=;=;".to_owned(),
    ] {
        let answer = ask(cookie.clone().into_bytes()).await;
        assert!(
            [303, 400, 431].contains(&answer.status),
            "{cookie:.100}: {answer}"
        );
        grants_nothing(&answer, &cookie);
    }
    let answer = ask(b"locum-sessions-clinic=\xff\xfe".to_vec()).await;
    assert!([303, 400].contains(&answer.status), "{answer}");
    // Dead ones before a live one do not hide it.
    let dead = format!("{name}={}.{own}", "x".repeat(43));
    ask(dead.into_bytes()).await.is(200);
}

#[tokio::test]
async fn a_consent_allows_what_was_asked_and_nothing_that_a_form_adds() {
    let locum = Fixture::start().await;
    let app = App::clinic_web();
    let mut person = Person::new(locum.peer(), "doctor");
    let url = app.authorization(&[("scope", "openid patients:read")]);
    let page = person.visit(&url).await;
    let page = person.sign_in(&page).await;
    let form_ = Form::with_button(&page.body, "consent-allow").unwrap();
    let mut sent = form_.pressed("consent-allow");
    for more in [
        "patients:write",
        "prescriptions:write",
        "offline_access",
        "email",
        "admin",
        "",
    ] {
        sent.push(("scope".to_owned(), more.to_owned()));
    }
    let answer = person.post(&form_.action, &sent).await;
    let tokens = Tokens::of(
        &app.redeem(locum.peer(), Callback::of(&answer).get("code"))
            .await,
    );
    assert_eq!(tokens.scope.as_deref(), Some("openid patients:read"));
    // Nor can it decide what is no decision.
    let page = person
        .visit(&app.authorization(&[("scope", "openid"), ("prompt", "consent")]))
        .await;
    let form_ = Form::with_button(&page.body, "consent-allow").unwrap();
    for decision in ["", "maybe", "ALLOW"] {
        let mut sent = form_.pressed("consent-allow");
        sent.retain(|(name, _)| name != "decision");
        sent.push(("decision".to_owned(), decision.to_owned()));
        let answer = person.post(&form_.action, &sent).await;
        assert!(Form::with_button(&answer.is(200).body, "consent-allow").is_some());
    }
    // Nobody who is not signed in can give it.
    let mut nobody = person.clone();
    nobody.cookies.remove("locum-sessions-clinic");
    let answer = nobody
        .post(&form_.action, &form_.pressed("consent-allow"))
        .await;
    grants_nothing(&answer, "a consent of nobody");
    let mut other = Person::new(locum.peer(), "receptionist");
    other.cookies = nobody.cookies.clone();
    other.sign_in_at("clinic").await;
    // Whoever signs in in the same browser is asked for themselves: the page was another's.
    let answer = other
        .post(&form_.action, &form_.pressed("consent-allow"))
        .await;
    assert!(answer.is(200).body.contains("Rae Receptionist"), "{answer}");
    let form_ = Form::with_button(&answer.body, "consent-allow").unwrap();
    let answer = other.press(&form_, "consent-allow").await;
    let code = Callback::of(&answer).get("code").to_owned();
    app.redeem(locum.peer(), &code).await.is(200);
}
