//! Every page in every state, in every language: rendered, and checked for what all pages have in
//! common. With `LOCUM_GALLERY=DIR` the pages are also written there, to be looked at.

use std::collections::HashSet;
use std::path::Path;

use super::*;
use crate::web::markup::tags;

/// The words of others on a page.
struct Sample {
    /// A short name of a person, a client, an API.
    name: String,
    /// A longer text.
    text: String,
    web: String,
}

impl Sample {
    fn usual() -> Self {
        Self {
            name: String::new(),
            text: String::new(),
            web: String::new(),
        }
    }

    /// The same words wherever somebody else chooses them.
    fn hostile(words: &str) -> Self {
        Self {
            name: words.to_owned(),
            text: words.to_owned(),
            web: words.to_owned(),
        }
    }

    fn or<'a>(own: &'a str, usual: &'a str) -> String {
        if own.is_empty() { usual } else { own }.to_owned()
    }

    fn name(&self, usual: &str) -> String {
        Self::or(&self.name, usual)
    }

    fn text(&self, usual: &str) -> String {
        Self::or(&self.text, usual)
    }

    fn web(&self, usual: &str) -> String {
        Self::or(&self.web, usual)
    }

    fn brand(&self) -> Brand {
        Brand {
            name: self.name("Sunrise Clinic"),
            color: None,
            has_logo: false,
            help_uri: Some(self.web("https://sunrise.example/help")),
        }
    }

    fn client(&self) -> ClientView {
        ClientView {
            name: self.name("Booking"),
            operator: Some(self.name("Appointments Ltd")),
            client_uri: Some(self.web("https://booking.example/")),
            policy_uri: Some(self.web("https://booking.example/privacy")),
            tos_uri: Some(self.web("https://booking.example/terms")),
            host: self.web("booking.example"),
        }
    }

    fn bare_client(&self) -> ClientView {
        ClientView {
            name: self.name("Sunrise at Home"),
            operator: None,
            client_uri: None,
            policy_uri: None,
            tos_uri: None,
            host: self.web("org.sunrise.home"),
        }
    }

    fn form(&self) -> Form {
        Form {
            action: self.web("/clinic/oauth2/authorize"),
            csrf: self.text("csrf-value"),
            ticket: Some(self.text("ticket-value")),
        }
    }

    fn scope(&self, value: &str, description: Option<&str>) -> ScopeChoice {
        ScopeChoice {
            value: self.text(value),
            description: description.map(|words| self.text(words)),
            is_checked: true,
            is_required: false,
            is_new: false,
        }
    }

    fn demo_users(&self) -> Vec<DemoUser> {
        let user = |username: &str, roles: &[&str]| DemoUser {
            username: self.name(username),
            password: self.text("locum"),
            roles: roles.iter().map(|role| self.name(role)).collect(),
        };
        vec![
            user("provider", &["prescriber", "staff"]),
            user("staff", &["staff"]),
            user("visitor", &[]),
        ]
    }
}

/// A page by the name of its file.
type Rendered = (String, String);

fn gallery(sample: &Sample, language: Language, brand: &Brand, is_dev: bool) -> Vec<Rendered> {
    let frame = Frame {
        language,
        brand,
        base: "/clinic",
        is_dev,
    };
    let mut pages = Vec::new();
    sign_in(sample, &frame, &mut pages);
    consent(sample, &frame, &mut pages);
    sign_out(sample, &frame, &mut pages);
    errors(sample, &frame, &mut pages);
    responses(sample, &frame, &mut pages);
    account(sample, &frame, &mut pages);
    profile(sample, &frame, &mut pages);
    password(sample, &frame, &mut pages);
    pages
}

fn add(pages: &mut Vec<Rendered>, name: &str, page: &impl Template) {
    pages.push((name.to_owned(), page.render().unwrap()));
}

fn sign_in(sample: &Sample, frame: &Frame<'_>, pages: &mut Vec<Rendered>) {
    let page = || SignInPage {
        frame: frame.clone(),
        form: sample.form(),
        client: Some(sample.client()),
        username: String::new(),
        remember: false,
        is_reauthentication: false,
        problem: None,
        has_chosen_password: false,
        demo_users: Vec::new(),
    };
    add(pages, "sign-in", &page());
    let demo = SignInPage {
        demo_users: sample.demo_users(),
        ..page()
    };
    add(pages, "sign-in-demo", &demo);
    let account = SignInPage {
        client: None,
        form: Form {
            ticket: None,
            ..sample.form()
        },
        ..page()
    };
    add(pages, "sign-in-account", &account);
    let chosen = SignInPage {
        has_chosen_password: true,
        ..account
    };
    add(pages, "sign-in-password-chosen", &chosen);
    let again = SignInPage {
        username: sample.name("ana.garcia"),
        is_reauthentication: true,
        remember: true,
        ..page()
    };
    add(pages, "sign-in-again", &again);
    for (name, problem) in [
        ("missing-username", SignInProblem::MissingUsername),
        ("missing-password", SignInProblem::MissingPassword),
        ("wrong", SignInProblem::WrongCredentials),
        ("throttled", SignInProblem::Throttled { seconds: 95 }),
        ("busy", SignInProblem::Busy),
        ("blocked", SignInProblem::Blocked),
    ] {
        let page = SignInPage {
            username: match problem {
                SignInProblem::MissingUsername => String::new(),
                _ => sample.name("ana.garcia"),
            },
            problem: Some(problem),
            ..page()
        };
        add(pages, &format!("sign-in-{name}"), &page);
    }
    let choice = |value: &str, name: &str, username: &str| AccountChoice {
        value: sample.text(value),
        name: sample.name(name),
        username: sample.name(username),
    };
    let choose = ChooseAccountPage {
        frame: frame.clone(),
        form: sample.form(),
        client: Some(sample.client()),
        accounts: vec![
            choice("1", "Ana García", "ana.garcia"),
            choice("2", "Front desk", "reception"),
        ],
    };
    add(pages, "choose-account", &choose);
}

fn consent(sample: &Sample, frame: &Frame<'_>, pages: &mut Vec<Rendered>) {
    let page = || ConsentPage {
        frame: frame.clone(),
        form: sample.form(),
        client: sample.client(),
        user_name: sample.name("Ana García"),
        username: sample.name("ana.garcia"),
        identity: vec![
            ScopeChoice {
                is_required: true,
                ..sample.scope("openid", None)
            },
            sample.scope("profile", None),
            ScopeChoice {
                is_new: true,
                is_checked: false,
                ..sample.scope("email", None)
            },
        ],
        apis: vec![ApiChoices {
            name: sample.name("Patient records"),
            scopes: vec![
                sample.scope("patients:read", Some("See patients")),
                ScopeChoice {
                    is_new: true,
                    ..sample.scope("prescriptions:write", Some("Prescribe"))
                },
            ],
        }],
        offline: Some(sample.scope("offline_access", None)),
        remember: true,
        nothing_ticked: false,
    };
    add(pages, "consent", &page());
    let nothing = ConsentPage {
        client: sample.bare_client(),
        nothing_ticked: true,
        identity: Vec::new(),
        offline: None,
        remember: false,
        apis: page()
            .apis
            .into_iter()
            .map(|mut api| {
                api.scopes
                    .iter_mut()
                    .for_each(|scope| scope.is_checked = false);
                api
            })
            .collect(),
        ..page()
    };
    add(pages, "consent-nothing", &nothing);
    let long = ConsentPage {
        identity: ["openid", "profile", "email", "phone", "address"]
            .map(|scope| sample.scope(scope, None))
            .into(),
        apis: (1..=4)
            .map(|number| ApiChoices {
                name: sample.name("Interoperability gateway of the northern regional hospitals"),
                scopes: (1..=6)
                    .map(|scope| {
                        sample.scope(
                            &format!("system/MedicationAdministration{number}.{scope}.read-and-search"),
                            Some("See which medicines were given, by whom and when, in all departments"),
                        )
                    })
                    .collect(),
            })
            .collect(),
        ..page()
    };
    add(pages, "consent-long", &long);
}

fn sign_out(sample: &Sample, frame: &Frame<'_>, pages: &mut Vec<Rendered>) {
    for (name, client) in [("", None), ("-client", Some(sample.client()))] {
        let page = SignOutPage {
            frame: frame.clone(),
            form: sample.form(),
            client,
            username: sample.name("ana.garcia"),
        };
        add(pages, &format!("sign-out{name}"), &page);
    }
    let signed_out = |continue_to: Option<&str>, frames: &[&str]| SignedOutPage {
        frame: frame.clone(),
        continue_to: continue_to.map(|address| sample.web(address)),
        client: continue_to.map(|_| sample.client()),
        frontchannel: frames.iter().map(|address| sample.web(address)).collect(),
    };
    add(pages, "signed-out", &signed_out(None, &[]));
    let next = Some("https://booking.example/");
    add(pages, "signed-out-continue", &signed_out(next, &[]));
    let frames = ["https://booking.example/out", "https://other.example/out"];
    add(pages, "signed-out-frames", &signed_out(next, &frames));
}

fn errors(sample: &Sample, frame: &Frame<'_>, pages: &mut Vec<Rendered>) {
    let descriptions = [
        (
            ErrorKind::Client,
            "client",
            "invalid_request",
            Some(
                "`redirect_uri` is not registered for `clinic-web`: https://booking.example/callback",
            ),
        ),
        (ErrorKind::Expired, "expired", "invalid_request", None),
        (
            ErrorKind::Unavailable,
            "unavailable",
            "temporarily_unavailable",
            None,
        ),
    ];
    for (kind, name, code, description) in descriptions {
        let page = ErrorPage {
            frame: frame.clone(),
            code: sample.text(code),
            kind,
            description: description.map(|words| sample.text(words)),
        };
        add(pages, &format!("error-{name}"), &page);
    }
}

fn responses(sample: &Sample, frame: &Frame<'_>, pages: &mut Vec<Rendered>) {
    let form_post = FormPostPage {
        frame: frame.clone(),
        action: sample.web("https://booking.example/callback"),
        fields: vec![
            (sample.text("code"), sample.text("code-value")),
            (sample.text("state"), sample.text("state-value")),
        ],
    };
    add(pages, "form-post", &form_post);
    let web_message = WebMessagePage {
        frame: frame.clone(),
        target_origin: sample.web("https://booking.example"),
        message: sample.text(r#"{"type":"authorization_response","response":{"code":"a"}}"#),
    };
    add(pages, "web-message", &web_message);
    let check_session = CheckSessionPage {
        frame: frame.clone(),
        cookie: sample.text("locum-browser-state"),
    };
    add(pages, "check-session", &check_session);
}

fn account(sample: &Sample, frame: &Frame<'_>, pages: &mut Vec<Rendered>) {
    let session = |value: &str, browser: &str, is_current| SessionView {
        value: sample.text(value),
        is_current,
        browser: sample.text(browser),
        address: sample.text("203.0.113.7"),
        started_at: sample.text("2026-11-20T08:15:00Z"),
        last_seen_at: sample.text("2026-11-22T09:30:00Z"),
    };
    let application = |name: &str, scopes: &[&str]| ApplicationView {
        client_id: sample.text(name),
        name: sample.name(name),
        operator: Some(sample.name("Appointments Ltd")),
        scopes: scopes.iter().map(|words| sample.text(words)).collect(),
        since: sample.text("2026-03-01T10:00:00Z"),
    };
    let sign_in = |succeeded, client: Option<&str>| SignInView {
        at: sample.text("2026-11-22T09:30:00Z"),
        succeeded,
        browser: sample.text("Firefox on Linux"),
        address: sample.text("2001:db8:85a3::8a2e:370:7334"),
        client_name: client.map(|name| sample.name(name)),
    };
    let page = || AccountPage {
        frame: frame.clone(),
        csrf: sample.text("csrf-value"),
        user_name: sample.name("Ana García"),
        username: sample.name("ana.garcia"),
        email: Some(sample.text("ana.garcia@sunrise.example")),
        sessions: vec![
            session("1", "Firefox on Linux", true),
            session("2", "Safari on iOS", false),
            session("3", "curl/8.14.1", false),
        ],
        applications: vec![
            application(
                "Booking",
                &["Your name and profile", "See patients", "Prescribe"],
            ),
            application("Sunrise at Home", &[]),
        ],
        sign_ins: vec![
            sign_in(true, Some("Booking")),
            sign_in(false, None),
            sign_in(true, None),
        ],
        is_administrators: false,
        notice: None,
    };
    add(pages, "account", &page());
    for (name, notice) in [
        ("profile-saved", AccountNotice::ProfileSaved),
        ("password-changed", AccountNotice::PasswordChanged),
        ("session-ended", AccountNotice::SessionEnded),
        ("others-ended", AccountNotice::OthersEnded),
        ("access-withdrawn", AccountNotice::AccessWithdrawn),
    ] {
        let page = AccountPage {
            notice: Some(notice),
            ..page()
        };
        add(pages, &format!("account-{name}"), &page);
    }
    let administrators = AccountPage {
        is_administrators: true,
        ..page()
    };
    add(pages, "account-administrators", &administrators);
    let empty = AccountPage {
        email: None,
        sessions: vec![session("1", "Firefox on Linux", true)],
        applications: Vec::new(),
        sign_ins: Vec::new(),
        ..page()
    };
    add(pages, "account-empty", &empty);
}

fn profile(sample: &Sample, frame: &Frame<'_>, pages: &mut Vec<Rendered>) {
    let page = |problems| ProfilePage {
        frame: frame.clone(),
        csrf: sample.text("csrf-value"),
        fields: ProfileFields {
            name: sample.name("Ana García"),
            given_name: sample.name("Ana"),
            family_name: sample.name("García"),
            email: sample.text("ana.garcia@sunrise.example"),
            phone_number: sample.text("+1 555 010 9999"),
            locale: sample.text("es"),
        },
        problems,
    };
    add(pages, "profile", &page(Vec::new()));
    let problems = vec![
        ProfileProblem::MissingName,
        ProfileProblem::MalformedEmail,
        ProfileProblem::MalformedPhoneNumber,
    ];
    add(pages, "profile-problems", &page(problems));
    add(
        pages,
        "profile-name",
        &page(vec![ProfileProblem::UnusableName]),
    );
}

fn password(sample: &Sample, frame: &Frame<'_>, pages: &mut Vec<Rendered>) {
    for (name, problem) in [
        ("", None),
        ("-wrong", Some(PasswordProblem::WrongPassword)),
        ("-short", Some(PasswordProblem::TooShort)),
        ("-long", Some(PasswordProblem::TooLong)),
        ("-differ", Some(PasswordProblem::Differ)),
        ("-easy", Some(PasswordProblem::TooEasy)),
        (
            "-throttled",
            Some(PasswordProblem::Throttled { seconds: 20 }),
        ),
        ("-busy", Some(PasswordProblem::Busy)),
    ] {
        let page = PasswordPage {
            frame: frame.clone(),
            csrf: sample.text("csrf-value"),
            username: sample.name("ana.garcia"),
            problem,
        };
        add(pages, &format!("password{name}"), &page);
    }
    for (name, problem) in [
        ("", None),
        ("-short", Some(PasswordProblem::TooShort)),
        ("-differ", Some(PasswordProblem::Differ)),
    ] {
        let page = SetPasswordPage {
            frame: frame.clone(),
            csrf: sample.text("csrf-value"),
            action: sample.web("/clinic/set-password"),
            link: sample.text("link-value"),
            username: sample.name("ana.garcia"),
            user_name: sample.name("Ana García"),
            problem,
        };
        add(pages, &format!("set-password{name}"), &page);
    }
    let expired = PasswordLinkExpiredPage {
        frame: frame.clone(),
    };
    add(pages, "password-link-expired", &expired);
}

/// What holds for every page, whatever it shows.
fn check(name: &str, page: &str, language: Language) {
    let tags = tags(page, name);
    let all = |tag: &'static str| tags.iter().filter(move |found| found.name == tag);
    for once in ["html", "title", "main", "h1"] {
        assert_eq!(all(once).count(), 1, "{name}: {once}");
    }
    assert_eq!(
        all("html").next().unwrap().get("lang"),
        Some(language.as_str())
    );

    let ids: Vec<_> = tags.iter().filter_map(|tag| tag.get("id")).collect();
    let unique: HashSet<_> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "{name}: {ids:?}");
    let labels: HashSet<_> = all("label").filter_map(|label| label.get("for")).collect();
    for tag in &tags {
        for reference in ["aria-describedby", "aria-labelledby", "for"] {
            for id in tag.get(reference).unwrap_or("").split_whitespace() {
                assert!(unique.contains(id), "{name}: {reference} {id}");
            }
        }
        let is_control = matches!(tag.name, "input" | "select");
        if is_control && tag.get("type") != Some("hidden") {
            let id = tag.get("id").unwrap();
            assert!(labels.contains(id), "{name}: no label for {id}");
        }
        if tag.name == "iframe" {
            assert!(
                tag.get("title").is_some(),
                "{name}: a frame without a title"
            );
        }
        if tag.name == "script" {
            assert!(tag.get("src").unwrap().starts_with("/static/"), "{name}");
        }
        for (attribute, value) in &tag.attributes {
            let is_inline = *attribute == "style" || attribute.starts_with("on");
            assert!(!is_inline, "{name}: {attribute}");
            if matches!(*attribute, "href" | "src") {
                let scheme = value.split(':').next().unwrap_or("").to_ascii_lowercase();
                let is_script = matches!(scheme.trim(), "javascript" | "data" | "vbscript");
                assert!(!is_script, "{name}: {attribute} {value}");
            }
        }
    }
    let posts = all("form")
        .filter(|form| form.get("method") == Some("post"))
        .count();
    assert_eq!(all("form").count(), posts, "{name}: every form posts");
    let csrf = all("input").filter(|input| input.get("name") == Some("csrf"));
    if name != "form-post" {
        assert_eq!(csrf.count(), posts, "{name}: csrf in every form");
    }

    let mut level = 0;
    for tag in &tags {
        if let Some(next) = tag
            .name
            .strip_prefix('h')
            .and_then(|n| n.parse::<u8>().ok())
        {
            assert!(next <= level + 1, "{name}: h{next} after h{level}");
            level = next;
        }
    }
}

#[test]
fn every_page_keeps_to_the_rules_in_every_language() {
    let sample = Sample::usual();
    for language in Language::ALL {
        for (brand, is_dev) in [
            (sample.brand(), true),
            (
                Brand {
                    has_logo: true,
                    help_uri: None,
                    ..sample.brand()
                },
                false,
            ),
        ] {
            for (name, page) in gallery(&sample, language, &brand, is_dev) {
                check(&name, &page, language);
                let words = page.replace("{&#34;", "").replace("}}", "");
                assert!(!words.contains('{'), "{name}: a place was left empty");
            }
        }
    }
}

#[test]
fn words_of_others_stay_words() {
    let long = "ä".repeat(2_000);
    for words in [
        "\"><script>alert(1)</script>",
        "'><img src=x onerror=alert(1)>",
        "</title></style><script>alert(1)</script>",
        "javascript:alert(1)",
        "{client} {{ csrf }} {% if %}",
        "\u{202e}drow a\u{202c} كلينيك",
        "\u{0}\r\n",
        " ",
        &long,
    ] {
        let sample = Sample::hostile(words);
        for (name, page) in gallery(&sample, Language::En, &sample.brand(), true) {
            check(&name, &page, Language::En);
            assert!(!page.contains("<script>"), "{name}");
            assert!(!page.contains("<img src=x"), "{name}");
        }
    }
}

#[test]
fn the_names_that_automation_knows_are_there() {
    let sample = Sample::usual();
    let pages = gallery(&sample, Language::En, &sample.brand(), true);
    let has = |name: &str, wanted: &str| {
        let (_, page) = pages.iter().find(|(known, _)| known == name).unwrap();
        assert!(page.contains(wanted), "{name}: {wanted}");
    };
    for field in ["username", "password", "remember", "csrf", "ticket"] {
        has("sign-in", &format!("name=\"{field}\""));
    }
    has("sign-in", "id=\"sign-in\"");
    has("sign-in-wrong", "value=\"ana.garcia\"");
    has("choose-account", "name=\"account\" value=\"other\"");
    has("consent", "name=\"scope\" value=\"prescriptions:write\"");
    has(
        "consent",
        "id=\"consent-allow\" class=\"even\" name=\"decision\" value=\"allow\"",
    );
    has(
        "consent",
        "id=\"consent-deny\" class=\"even\" name=\"decision\" value=\"deny\"",
    );
    has(
        "consent",
        "<input type=\"hidden\" name=\"scope\" value=\"openid\">",
    );
    has("sign-out", "id=\"sign-out-confirm\"");
    has(
        "error-client",
        "id=\"error-code\" dir=\"ltr\">invalid_request<",
    );
}

/// Writes the pages to the folder that `LOCUM_GALLERY` names, with what they link to.
#[test]
fn gallery_is_written_where_it_is_asked_for() {
    let Some(folder) = std::env::var_os("LOCUM_GALLERY") else {
        return;
    };
    let folder = Path::new(&folder);
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    std::fs::create_dir_all(folder).unwrap();
    write("locum.css", include_str!("../../../static/locum.css"));
    let usual = Sample::usual();
    let long = Sample::hostile("Krankenhausgesellschaft Nordrhein-Westfalen für Anästhesiologie");
    for (suffix, sample, color) in [
        ("", &usual, None),
        ("-yellow", &usual, Some("#ffff00")),
        ("-pink", &usual, Some("#ff69b4")),
        ("-long", &long, Some("#5b2a86")),
    ] {
        let brand = Brand {
            color: color.map(str::to_owned),
            ..sample.brand()
        };
        let stylesheet = format!("brand{suffix}.css");
        write(&stylesheet, &brand.stylesheet());
        for language in Language::ALL {
            for (name, page) in gallery(sample, language, &brand, true) {
                let page = page
                    .replace("/static/locum.css", "locum.css")
                    .replace("/clinic/brand.css", &stylesheet);
                let name = format!("{}{suffix}.{}.html", name, language.as_str());
                write(&name, &page);
            }
        }
    }
}
