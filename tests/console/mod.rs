//! The console by HTTP alone: who is let where, and what a form has to bring.

use crate::support::html::{Form, text_of};
use crate::support::http::{Answer, Peer};
use crate::support::servers::Fixture;
use crate::support::user::{App, Person};

mod forgery;
mod rights;

const NEW_PASSWORD: &str = "a lantern over four hills";

/// Everybody who may come to the console, signed in.
struct Cast {
    /// Kept, for the server ends with it.
    _fixture: Fixture,
    owner: Person,
    manager: Person,
    auditor: Person,
    /// A manager of one issuer.
    of_clinic: Person,
    /// Whose only issuer has been deleted.
    nobody: Person,
    anonymous: Person,
}

impl Cast {
    async fn gather() -> Self {
        let fixture = Fixture::start().await;
        let peer = fixture.peer();
        let mut owner = enter(peer, "admin").await;
        let manager = enter(peer, "manager").await;
        let auditor = enter(peer, "auditor").await;
        let fleeting = [("name", "fleeting"), ("dialect", "standard")];
        owner.submit("/console/new-issuer", &fleeting).await.is(303);
        let of_clinic = owner.appoint("maya", "clinic").await;
        let nobody = owner.appoint("nobody", "fleeting").await;
        let page = owner.get("/console/issuers/fleeting/delete").await;
        let form = Form::with_button(&page.body, "confirm").unwrap();
        owner.press(&form, "confirm").await.is(200);
        // So that there is something at each issuer to be ended, withdrawn and removed.
        for (app, username) in [
            (App::clinic_web(), "doctor"),
            (App::photon_spa(), "provider"),
        ] {
            // One of them is first-party, and would not ask by itself.
            let asking = [("scope", "openid profile"), ("prompt", "consent")];
            app.tokens(&mut Person::new(peer, username), &asking).await;
            owner.lets_register(&app.issuer).await;
        }
        Self {
            anonymous: Person::new(peer, ""),
            _fixture: fixture,
            owner,
            manager,
            auditor,
            of_clinic,
            nobody,
        }
    }

    /// What is written down of changes, anywhere.
    async fn log(&mut self) -> Vec<String> {
        let mut log = Vec::new();
        for path in ["", "/administrators", "/issuers/clinic", "/issuers/photon"] {
            let answer = self.owner.get(&format!("/console{path}/audit.json")).await;
            log.push(answer.is(200).body.clone());
        }
        log
    }
}

/// Signs in at the console.
async fn enter(peer: Peer, username: &str) -> Person {
    let mut person = Person::new(peer, username);
    let page = person.visit("/console").await;
    person.sign_in(&page).await.is(200);
    person
}

impl Person {
    /// What their browser's forms carry.
    async fn csrf(&mut self) -> String {
        let page = self.get("/console/issuers").await;
        let forms = Form::all(&page.is(200).body);
        forms[0].field("csrf").to_owned()
    }

    /// Sends a form with the token of their browser.
    async fn submit(&mut self, path: &str, fields: &[(&str, &str)]) -> Answer {
        let csrf = self.csrf().await;
        self.submit_with(path, fields, Some(&csrf)).await
    }

    async fn submit_with(
        &mut self,
        path: &str,
        fields: &[(&str, &str)],
        csrf: Option<&str>,
    ) -> Answer {
        let fields = fields.iter().copied();
        let fields = fields.chain(csrf.map(|csrf| ("csrf", csrf)));
        let fields: Vec<(String, String)> = fields
            .map(|(name, value)| (name.to_owned(), value.to_owned()))
            .collect();
        self.post(path, &fields).await
    }

    /// Gives out a token to register a client with.
    async fn lets_register(&mut self, issuer: &str) {
        let at = format!("/console/issuers/{issuer}");
        let settings = format!("{at}/settings");
        let page = self.get(&settings).await;
        let forms = Form::all(&page.is(200).body);
        let form = forms.iter().find(|form| form.action == settings).unwrap();
        let revision = ("revision", form.field("revision"));
        let fields = [revision, ("registration", "guarded")];
        self.submit(&settings, &fields).await.is(303);
        let fields = [("note", "A vendor"), ("uses", "1"), ("lifetime", "3600")];
        let tokens = format!("{at}/registration");
        self.submit(&tokens, &fields).await.is(200);
    }

    /// Makes somebody a manager of an issuer, who then signs in.
    async fn appoint(&mut self, username: &str, issuer: &str) -> Person {
        let fields = [
            ("username", username),
            ("name", username),
            ("standing", "manager"),
            ("reach", "some"),
            ("issuer", issuer),
        ];
        let page = self.submit("/console/new-administrator", &fields).await;
        let link = text_of(&page.is(200).body, "one-time-link").unwrap();
        let mut person = Person::new(self.peer, username);
        person.password = NEW_PASSWORD.to_owned();
        let (_, path) = link.split_once("/console/").unwrap();
        let page = person.visit(&format!("/console/{path}")).await;
        let mut form = Form::with_button(&page.body, "set-password").unwrap();
        form.fill("new_password", NEW_PASSWORD);
        form.fill("repeated_password", NEW_PASSWORD);
        person.press(&form, "set-password").await.is(200);
        person.cookies.clear();
        let page = person.visit("/console").await;
        person.sign_in(&page).await.is(200);
        person
    }

    /// Where the first link of a page leads that begins so and has something after it.
    async fn first_link(&mut self, page: &str, beginning: &str) -> String {
        let answer = self.get(page).await;
        let tags = crate::support::html::tags(&answer.is(200).body);
        let mut links = tags
            .iter()
            .filter_map(|tag| tag.get("href").or(tag.get("action")));
        let found = links.find(|link| {
            link.starts_with(beginning) && !["", "audit"].contains(&&link[beginning.len()..])
        });
        found
            .unwrap_or_else(|| panic!("no {beginning} on {page}"))
            .to_owned()
    }
}

/// Who has to be asked before something is done or shown.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Needs {
    /// Whoever is an administrator there.
    Auditor,
    Manager,
    Owner,
}

/// Everything there is below an issuer: path, whether it answers GET and POST, and who may.
async fn routes_of(owner: &mut Person, issuer: &str) -> Vec<(String, &'static str, Needs)> {
    use Needs::{Auditor, Manager, Owner};
    let at = format!("/console/issuers/{issuer}");
    let mut of = async |list: &str| {
        let beginning = format!("{at}/{list}/");
        let link = owner.first_link(&format!("{at}/{list}"), &beginning).await;
        // Without what may follow the ID: /end, /delete.
        let id = link[beginning.len()..]
            .split('/')
            .next()
            .unwrap()
            .to_owned();
        format!("{beginning}{id}")
    };
    let (client, api, role) = (of("clients").await, of("apis").await, of("roles").await);
    let (session, token) = (of("sessions").await, of("registration").await);
    // Whose session it is has also allowed a client something.
    let users = format!("{at}/users/");
    let user = owner.first_link(&format!("{at}/sessions"), &users).await;
    let withdraw = format!("{user}/withdraw?client_id=");
    let withdraw = owner.first_link(&user, &withdraw).await;
    let keys = owner.get(&format!("{at}/keys")).await;
    let kid = keys.body.split("<code dir=\"ltr\">").nth(1).unwrap();
    let key = format!("{at}/keys/{}", kid.split('<').next().unwrap());
    let mut routes: Vec<(String, &'static str, Needs)> = Vec::new();
    for (path, methods, needs) in [
        ("", "GET", Auditor),
        ("/delete", "GET POST", Owner),
        ("/settings", "GET", Auditor),
        ("/settings", "POST", Owner),
        ("/dialect", "GET", Auditor),
        ("/inspector", "GET POST", Auditor),
        ("/try-it", "GET POST", Auditor),
        ("/clients", "GET", Auditor),
        ("/new-client", "GET POST", Manager),
        ("/new-client?kind=web", "GET", Manager),
        ("/apis", "GET", Auditor),
        ("/new-api", "GET POST", Owner),
        ("/roles", "GET", Auditor),
        ("/new-role", "GET POST", Owner),
        ("/users", "GET", Auditor),
        ("/new-user", "GET POST", Manager),
        ("/sessions", "GET", Auditor),
        ("/keys", "GET", Auditor),
        ("/rotate-keys?alg=RS256", "GET POST", Owner),
        ("/registration", "GET", Auditor),
        ("/registration", "POST", Manager),
        ("/audit", "GET", Auditor),
        ("/audit.csv", "GET", Auditor),
        ("/audit.json", "GET", Auditor),
    ] {
        routes.push((format!("{at}{path}"), methods, needs));
    }
    for (path, methods, needs) in [
        ("", "GET", Auditor),
        ("/edit", "GET POST", Manager),
        ("/rotate-secret", "GET POST", Manager),
        ("/remove-previous-secret", "GET POST", Manager),
        ("/disable", "GET POST", Manager),
        ("/enable", "POST", Manager),
        ("/delete", "GET POST", Manager),
    ] {
        routes.push((format!("{client}{path}"), methods, needs));
    }
    for thing in [&api, &role] {
        for (path, methods, needs) in [
            ("", "GET", Auditor),
            ("/edit", "GET POST", Owner),
            ("/delete", "GET POST", Owner),
        ] {
            routes.push((format!("{thing}{path}"), methods, needs));
        }
    }
    // Before what ends the sessions of its user.
    routes.push((format!("{session}/end"), "GET POST", Manager));
    routes.push((withdraw, "GET POST", Manager));
    routes.push((format!("{token}/delete"), "GET POST", Manager));
    for (path, methods, needs) in [
        ("", "GET", Auditor),
        ("/edit", "GET POST", Manager),
        ("/block", "GET POST", Manager),
        ("/unblock", "POST", Manager),
        ("/delete", "GET POST", Manager),
        ("/password-link", "POST", Manager),
        ("/end-sessions", "GET POST", Manager),
    ] {
        routes.push((format!("{user}{path}"), methods, needs));
    }
    routes.push((format!("{key}/delete"), "GET POST", Owner));
    routes
}

/// What is the server's. Administrators are nothing a manager sees.
async fn routes_of_server(owner: &mut Person) -> Vec<(String, &'static str, Needs)> {
    use Needs::{Auditor, Owner};
    let beginning = "/console/administrators/";
    let link = owner.first_link("/console/administrators", beginning).await;
    let id = link[beginning.len()..].split('/').next().unwrap();
    let mut routes = vec![
        ("/console/new-issuer".to_owned(), "GET POST", Owner),
        ("/console/new-administrator".to_owned(), "GET POST", Owner),
        ("/console/audit".to_owned(), "GET", Auditor),
        ("/console/audit.csv".to_owned(), "GET", Auditor),
        ("/console/audit.json".to_owned(), "GET", Auditor),
    ];
    for (path, methods) in [
        ("edit", "GET POST"),
        ("delete", "GET POST"),
        ("password-link", "POST"),
    ] {
        routes.push((format!("{beginning}{id}/{path}"), methods, Owner));
    }
    routes
}
