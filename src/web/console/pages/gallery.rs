//! Every page in every state: rendered, and checked for what all pages have in common. With
//! `LOCUM_CONSOLE_GALLERY=DIR` the pages are also written there, to be looked at.

use std::collections::HashSet;
use std::path::Path;

use askama::Template;

use super::*;
use crate::audit::{Action, ActorKind, Outcome, TargetKind};
use crate::issuer::{ClientKind, RegisteredBy, RegistrationPolicy};
use crate::protocol::{ClientAuthMethod, GrantType, SigningAlg};
use crate::web::markup::{Tag, tags};
use crate::web::pages::{Brand, Frame, Language};

/// What others have typed, and how much of it there is.
struct Sample {
    /// The same words wherever somebody else chooses them.
    words: Option<String>,
    /// Rows of a list.
    rows: usize,
    is_empty: bool,
    standing: Standing,
}

impl Sample {
    fn usual() -> Self {
        Self {
            words: None,
            rows: 7,
            is_empty: false,
            standing: Standing::Owner,
        }
    }

    fn hostile(words: &str) -> Self {
        Self {
            words: Some(words.to_owned()),
            rows: 3,
            ..Self::usual()
        }
    }

    fn text(&self, usual: &str) -> String {
        self.words.as_deref().unwrap_or(usual).to_owned()
    }

    /// As many as the sample has of something.
    fn list<T>(&self, make: impl Fn(usize) -> T) -> Vec<T> {
        let rows = if self.is_empty { 0 } else { self.rows };
        (0..rows).map(make).collect()
    }

    /// One of several, in turn.
    fn one_of(&self, number: usize, usual: &[&str]) -> String {
        self.text(usual[number % usual.len()])
    }

    fn may(&self) -> May {
        match self.standing {
            Standing::Owner => May::ALL,
            Standing::Manager => May {
                clients: true,
                users: true,
                sessions: true,
                ..May::default()
            },
            Standing::Auditor => May {
                see_server: true,
                ..May::default()
            },
        }
    }

    fn signed_in(&self) -> SignedIn {
        SignedIn {
            username: self.text("maria"),
            name: self.text("Maria Santos"),
            standing: Some(self.standing),
        }
    }

    fn issuers(&self) -> Vec<IssuerName> {
        let issuer = |number: usize| IssuerName {
            name: self.one_of(
                number,
                &["clinic", "photon", "medblocks", "pattern", "nethealth"],
            ),
            brand: self.one_of(
                number,
                &[
                    "Sunrise Clinic",
                    "Photon Health",
                    "Medblocks",
                    "Pattern Health",
                    "Net Health",
                ],
            ),
        };
        (0..5).map(issuer).collect()
    }

    fn name(&self, number: usize) -> String {
        self.one_of(
            number,
            &[
                "Booking",
                "Nightly lab import",
                "Patient portal",
                "Sunrise at Home",
                "Electronic health record",
            ],
        )
    }

    fn person(&self, number: usize) -> String {
        self.one_of(
            number,
            &[
                "Ana García",
                "Dr. Samuel Okafor",
                "Yuki Tanaka",
                "Ingrid Lindqvist",
                "Omar Haddad",
            ],
        )
    }

    fn editing(&self, name: &str) -> Editing {
        Editing {
            id: self.text("0198f2b4-7c1e"),
            name: self.text(name),
            revision: 7,
            is_declared: true,
        }
    }

    fn event(&self, number: usize) -> EventView {
        let actions = [
            (
                Action::SignedIn,
                Outcome::Succeeded,
                ActorKind::User,
                TargetKind::User,
            ),
            (
                Action::SignedIn,
                Outcome::Failed,
                ActorKind::Anonymous,
                TargetKind::User,
            ),
            (
                Action::SecretRotated,
                Outcome::Succeeded,
                ActorKind::Administrator,
                TargetKind::Client,
            ),
            (
                Action::Consented,
                Outcome::Succeeded,
                ActorKind::User,
                TargetKind::Consent,
            ),
            (
                Action::ClientAuthenticationFailed,
                Outcome::Failed,
                ActorKind::Client,
                TargetKind::Client,
            ),
            (
                Action::ConfigurationApplied,
                Outcome::Succeeded,
                ActorKind::CommandLine,
                TargetKind::Issuer,
            ),
        ];
        let (action, outcome, actor_kind, target_kind) = actions[number % actions.len()];
        EventView {
            at: format!("2026-11-22T{:02}:{:02}:07Z", 23 - number % 24, number % 60),
            action,
            outcome,
            actor_kind,
            actor_id: self.text("0198f2b4-7c1e-7e52-b1a3-0c6fd9f3a511"),
            actor_name: if actor_kind == ActorKind::CommandLine {
                String::new()
            } else {
                self.person(number)
            },
            target_kind,
            target_id: self.text("0198f2b4-7c1e-7e52-b1a3-0c6fd9f3a511"),
            target_name: if number.is_multiple_of(2) {
                self.person(number)
            } else {
                self.name(number)
            },
            address: self.text("203.0.113.7"),
            browser: self.text("Firefox on Linux"),
            request_id: self.text("req-4f1c9ab2"),
            details: vec![
                (self.text("client_id"), self.text("clinic-web")),
                (self.text("reason"), self.text("wrong password")),
            ],
        }
    }

    fn events(&self) -> Vec<EventView> {
        self.list(|number| self.event(number))
    }

    fn grant_choices(&self) -> Vec<GrantChoice> {
        let scope = |name: &str, description: &str, is_checked| ScopeChoice {
            name: self.text(name),
            description: self.text(description),
            is_checked,
            users_only: name.ends_with("write"),
            needs_role: name.starts_with("prescriptions"),
        };
        let api = |number: usize| GrantChoice {
            api_id: format!("0198f2b4-{number}"),
            name: self.one_of(number, &["Appointments", "Records"]),
            audience: self.one_of(
                number,
                &[
                    "https://api.sunrise.example/appointments",
                    "https://api.sunrise.example/records",
                ],
            ),
            is_everything: number == 1,
            is_bare: number == 0,
            scopes: vec![
                scope("appointments:read", "See when patients come", number == 0),
                scope("appointments:write", "Make and cancel appointments", false),
                scope("prescriptions:write", "Write prescriptions", false),
                scope("system/*.read", "", false),
            ],
        };
        let mut apis = self.list(api);
        apis.truncate(2);
        apis
    }

    fn grants(&self) -> Vec<GrantView> {
        let grant = |number: usize| GrantView {
            api_id: self.text("0198f2b4"),
            api_name: self.one_of(number, &["Appointments", "Records"]),
            audience: self.text("https://api.sunrise.example"),
            is_everything: number == 1,
            scopes: vec![
                self.text("appointments:read"),
                self.text("appointments:write"),
                self.text("prescriptions:write"),
            ],
        };
        let mut grants = self.list(grant);
        grants.truncate(2);
        grants
    }

    fn session(&self, number: usize) -> SessionRow {
        SessionRow {
            id: self.text(&format!("0198f2b4-{number}")),
            user_id: self.text("0198f2b4-7c1e"),
            username: self.one_of(number, &["ana.garcia", "sokafor", "yuki", "ingrid", "omar"]),
            user_name: self.person(number),
            browser: if number == 2 {
                String::new()
            } else {
                self.text("Safari on iOS")
            },
            address: self.text(if number == 1 {
                "2001:db8:85a3:8d3:1319:8a2e:370:7348"
            } else {
                "203.0.113.7"
            }),
            started_at: "2026-11-21T07:15:00Z".to_owned(),
            last_seen_at: "2026-11-22T09:30:00Z".to_owned(),
            is_own: number == 0,
        }
    }

    fn consent(&self, number: usize) -> ConsentRow {
        ConsentRow {
            client_id: self.text("clinic-web"),
            client_name: self.name(number),
            scopes: vec![self.text("openid"), self.text("appointments:read")],
            since: "2026-11-22T09:30:00Z".to_owned(),
        }
    }

    fn snippets(&self) -> Vec<Snippet> {
        let snippet = |title: &str, code: &str| Snippet {
            title: title.to_owned(),
            code: self.text(code),
        };
        vec![
            snippet(
                "curl",
                "curl -X POST https://auth.sunrise.example/clinic/oauth2/token \\\n  -u 'clinic-machine:…' \\\n  -d grant_type=client_credentials \\\n  -d scope=appointments:read",
            ),
            snippet(
                "openid-client (Node.js)",
                "import * as client from 'openid-client'\n\nconst config = await client.discovery(\n  new URL('https://auth.sunrise.example/clinic'),\n  'clinic-machine', '…')",
            ),
            snippet("Authlib (Python)", "OAuth2Session('clinic-machine', '…')"),
            snippet(
                "Spring Security (YAML)",
                "spring:\n  security:\n    oauth2:\n      client: …",
            ),
            snippet("ASP.NET Core", "builder.Services.AddAuthentication()"),
        ]
    }

    fn endpoints(&self) -> Vec<(String, String)> {
        let endpoint = |name: &str, address: &str| (name.to_owned(), self.text(address));
        vec![
            endpoint("Issuer", "https://auth.sunrise.example/clinic"),
            endpoint(
                "Discovery",
                "https://auth.sunrise.example/clinic/.well-known/openid-configuration",
            ),
            endpoint(
                "Authorization",
                "https://auth.sunrise.example/clinic/oauth2/authorize",
            ),
            endpoint("Token", "https://auth.sunrise.example/clinic/oauth2/token"),
        ]
    }

    fn paging(&self) -> Paging {
        Paging {
            next: (!self.is_empty).then(|| self.text("cursor")),
            is_later: self.rows > 100,
        }
    }

    fn problems(&self, fields: &[&str]) -> Problems {
        let mut problems = Problems::default();
        for field in fields {
            problems.add(
                *field,
                self.text("This cannot be used as it is. Please look at it again."),
            );
        }
        problems
    }
}

/// A page by the name of its file.
type Rendered = (String, String);

fn add(pages: &mut Vec<Rendered>, name: &str, page: &impl Template) {
    pages.push((name.to_owned(), page.render().unwrap()));
}

fn gallery(sample: &Sample) -> Vec<Rendered> {
    let signed_in = sample.signed_in();
    let issuers = sample.issuers();
    let frame = |section| ConsoleFrame {
        signed_in: &signed_in,
        issuers: &issuers,
        issuer: Some(&issuers[0]),
        section,
        may: sample.may(),
        csrf: "csrf-value",
        notice: None,
        is_dev: true,
    };
    let server = |section| ConsoleFrame {
        issuer: None,
        ..frame(section)
    };
    let mut pages = Vec::new();
    issuer_pages(sample, &frame, &server, &mut pages);
    client_pages(sample, &frame, &mut pages);
    api_pages(sample, &frame, &mut pages);
    user_pages(sample, &frame, &mut pages);
    role_pages(sample, &frame, &mut pages);
    operation_pages(sample, &frame, &server, &mut pages);
    tool_pages(sample, &frame, &mut pages);
    administrator_pages(sample, &server, &mut pages);
    answer_pages(sample, &frame, &server, &mut pages);
    set_up_pages(sample, &mut pages);
    pages
}

type MakeFrame<'m, 'a> = &'m dyn Fn(Section) -> ConsoleFrame<'a>;

fn issuer_pages(
    sample: &Sample,
    frame: MakeFrame<'_, '_>,
    server: MakeFrame<'_, '_>,
    pages: &mut Vec<Rendered>,
) {
    let row = |number: usize| IssuerRow {
        name: sample.one_of(number, &["clinic", "photon", "medblocks"]),
        brand: sample.one_of(number, &["Sunrise Clinic", "Photon Health", "Medblocks"]),
        dialect: "standard".to_owned(),
        dialect_title: sample.one_of(
            number,
            &["Every standard on", "An Auth0 tenant", "An Ory Hydra"],
        ),
        identifier: sample.text("https://auth.sunrise.example/clinic"),
        clients: number * 7,
        users: number * 1_234,
        is_declared: number == 1,
    };
    add(
        pages,
        "issuers",
        &IssuersPage {
            frame: server(Section::Issuers),
            issuers: sample.list(row),
        },
    );
    add(
        pages,
        "new-issuer",
        &NewIssuerPage {
            frame: server(Section::Issuers),
            fields: IssuerFields {
                name: sample.text("clinic"),
                brand: sample.text("Sunrise Clinic"),
                dialect: "standard".to_owned(),
            },
            dialects: ["standard", "auth0", "hydra", "identityserver", "pattern"]
                .map(|name| (name.to_owned(), sample.text("How it speaks")))
                .to_vec(),
            public_url: sample.text("https://auth.sunrise.example"),
            problems: sample.problems(&["name", "dialect", ""]),
        },
    );
    let chart = |title, id, is_bad, step: u64| Chart {
        title,
        id,
        is_bad,
        href: Some("/console/issuers/clinic/audit?group=user".to_owned()),
        bars: (0..24u64)
            .map(|hour| Bar {
                label: format!("{hour:02}:00"),
                value: if sample.is_empty || step == 0 {
                    0
                } else {
                    (hour * step) % 17 * (hour % 11) * step
                },
            })
            .collect(),
    };
    add(
        pages,
        "overview",
        &OverviewPage {
            frame: ConsoleFrame {
                notice: Some(Notice::Saved),
                ..frame(Section::Overview)
            },
            brand: sample.text("Sunrise Clinic"),
            identifier: sample.text("https://auth.sunrise.example/clinic"),
            dialect_title: sample.text("Every standard on"),
            range: Range::Day,
            charts: vec![
                chart("Sign-ins", "sign-ins", false, 3),
                chart("Failed sign-ins", "failures", true, 1),
                chart("Tokens issued", "tokens", false, 97),
                chart("Errors", "errors", true, 0),
            ],
            events: sample.events(),
            clients: sample.list(|_| ()).len(),
            users: sample.list(|_| ()).len(),
            apis: 1,
        },
    );
}

fn client_pages(sample: &Sample, frame: MakeFrame<'_, '_>, pages: &mut Vec<Rendered>) {
    let row = |number: usize| ClientRow {
        client_id: sample.one_of(
            number,
            &[
                "clinic-web",
                "0Q7vLrW3k2n8Zp5TtYxJbA",
                "clinic-spa",
                "clinic-native",
            ],
        ),
        name: sample.name(number),
        kind: ClientKind::ALL[number % 4],
        registered_by: RegisteredBy::ALL[number % 5],
        created_at: "2026-11-22T09:30:00Z".to_owned(),
        is_disabled: number == 2,
        is_declared: number == 1,
    };
    let clients = || ClientsPage {
        frame: frame(Section::Clients),
        filter: ClientFilter::default(),
        clients: sample.list(row),
        paging: sample.paging(),
        registration: RegistrationPolicy::Guarded,
    };
    add(pages, "clients", &clients());
    add(
        pages,
        "clients-not-found",
        &ClientsPage {
            filter: ClientFilter {
                q: sample.text("zzz"),
                kind: Some(ClientKind::Spa),
            },
            clients: Vec::new(),
            paging: Paging::default(),
            ..clients()
        },
    );
    add(
        pages,
        "choose-kind",
        &ChooseKindPage {
            frame: frame(Section::Clients),
            kinds: ClientKind::ALL.to_vec(),
        },
    );
    for kind in ClientKind::ALL {
        let is_edited = kind == ClientKind::Web;
        add(
            pages,
            &format!("client-form-{}", kind.as_str()),
            &ClientFormPage {
                frame: frame(Section::Clients),
                editing: is_edited.then(|| sample.editing("Booking")),
                kind,
                fields: ClientFields {
                    client_name: sample.text("Booking"),
                    redirect_uris: sample
                        .text("https://booking.example/callback\nhttps://booking.example/silent"),
                    first_party: true,
                    grant_types: vec!["authorization_code".to_owned()],
                    default_max_age: sample.text("3600"),
                    ..ClientFields::default()
                },
                apis: sample.grant_choices(),
                auth_methods: ClientAuthMethod::ALL.to_vec(),
                grant_types: GrantType::ALL.to_vec(),
                signing_algs: SigningAlg::ALL.to_vec(),
                problems: if is_edited {
                    sample.problems(&[
                        "redirect_uris",
                        "backchannel_logout_uri",
                        "default_max_age",
                        "apis",
                        "grant_type",
                    ])
                } else {
                    Problems::default()
                },
            },
        );
    }
    let secret = |secret: Option<&str>, reason| ClientSecretPage {
        frame: frame(Section::Clients),
        client_id: sample.text("0Q7vLrW3k2n8Zp5TtYxJbA"),
        name: sample.text("Nightly lab import"),
        kind: ClientKind::Machine,
        secret: secret.map(|secret| sample.text(secret)),
        reason,
        snippets: sample.snippets(),
    };
    add(
        pages,
        "client-created",
        &secret(
            Some("Gx1vJq0TzK8mW5rY2bN7dF4hL9pS6cA3eU0iO8kM5nQ"),
            SecretReason::Created,
        ),
    );
    add(
        pages,
        "client-created-public",
        &secret(None, SecretReason::Created),
    );
    let rotated = SecretReason::Rotated {
        previous_until: Some("2026-11-29T09:30:00Z".to_owned()),
    };
    add(
        pages,
        "client-rotated",
        &secret(Some("Gx1vJq0TzK8mW5rY2bN7dF4hL9pS6cA3eU0iO8kM5nQ"), rotated),
    );
    for (name, kind, is_disabled) in [
        ("client", ClientKind::Web, false),
        ("client-machine", ClientKind::Machine, false),
        ("client-disabled", ClientKind::Spa, true),
    ] {
        add(
            pages,
            name,
            &ClientPage {
                frame: frame(Section::Clients),
                client: ClientDetails {
                    client_id: sample.text("0Q7vLrW3k2n8Zp5TtYxJbA"),
                    name: sample.text("Booking"),
                    kind,
                    revision: 3,
                    registered_by: RegisteredBy::Registration,
                    is_declared: is_disabled,
                    is_disabled,
                    created_at: "2026-01-22T09:30:00Z".to_owned(),
                    updated_at: "2026-11-22T09:30:00Z".to_owned(),
                    secret_created_at: (!kind.is_public())
                        .then(|| "2026-01-22T09:30:00Z".to_owned()),
                    secret_age_days: Some(304),
                    previous_secret_until: (kind == ClientKind::Web)
                        .then(|| "2026-11-29T09:30:00Z".to_owned()),
                    redirect_uris: sample.list(|number| {
                        sample.text(&format!("https://booking.example/callback/{number}"))
                    }),
                    any_loopback_uri: false,
                    grants: sample.grants(),
                    metadata: vec![
                        (
                            sample.text("grant_types"),
                            sample.text("authorization_code refresh_token"),
                        ),
                        (sample.text("tos_uri"), sample.text("javascript:alert(1)")),
                    ],
                },
                endpoints: sample.endpoints(),
                snippets: sample.snippets(),
                events: sample.events(),
            },
        );
    }
    add(
        pages,
        "rotate-secret",
        &RotateSecretPage {
            frame: frame(Section::Clients),
            client: sample.editing("Booking"),
            overlap: "86400".to_owned(),
            problems: Problems::default(),
        },
    );
    let token = |number: usize| InitialTokenRow {
        id: sample.text("0198f2b4"),
        note: sample.one_of(number, &["Appointments Ltd", "Lab vendor, test system"]),
        uses_left: (number == 0).then_some(1),
        expires_at: (number == 0).then(|| "2026-11-29T09:30:00Z".to_owned()),
        created_at: "2026-11-22T09:30:00Z".to_owned(),
    };
    let registration = || InitialTokensPage {
        frame: frame(Section::Clients),
        policy: RegistrationPolicy::Guarded,
        endpoint: Some(sample.text("https://auth.sunrise.example/clinic/oauth2/register")),
        tokens: sample.list(token),
        fields: InitialTokenFields::default(),
        problems: sample.problems(&["note"]),
        made: None,
    };
    add(pages, "registration", &registration());
    add(
        pages,
        "registration-made",
        &InitialTokensPage {
            problems: Problems::default(),
            made: Some(sample.text("iat_Gx1vJq0TzK8mW5rY2bN7dF4hL9pS6cA3eU0iO8kM5nQ")),
            ..registration()
        },
    );
    add(
        pages,
        "registration-closed",
        &InitialTokensPage {
            policy: RegistrationPolicy::Closed,
            ..registration()
        },
    );
}

fn api_pages(sample: &Sample, frame: MakeFrame<'_, '_>, pages: &mut Vec<Rendered>) {
    let row = |number: usize| ApiRow {
        id: sample.text("0198f2b4"),
        name: sample.one_of(number, &["Appointments", "Records"]),
        audience: sample.text("https://api.sunrise.example/appointments"),
        scopes: number,
        is_declared: number == 0,
    };
    add(
        pages,
        "apis",
        &ApisPage {
            frame: frame(Section::Apis),
            apis: sample.list(row),
        },
    );
    let scope = |number: usize| ScopeFields {
        name: sample.one_of(
            number,
            &[
                "appointments:read",
                "appointments:write",
                "prescriptions:write",
            ],
        ),
        description: sample.one_of(
            number,
            &[
                "See when patients come",
                "Make and cancel appointments",
                "Write prescriptions for patients of the clinic",
            ],
        ),
        users_only: number == 1,
        needs_role: number == 2,
    };
    let named = |number: usize| Named {
        id: sample.text("0198f2b4"),
        name: sample.name(number),
    };
    add(
        pages,
        "api",
        &ApiPage {
            frame: frame(Section::Apis),
            api: ApiDetails {
                id: sample.text("0198f2b4"),
                name: sample.text("Appointments"),
                audience: sample.text("https://api.sunrise.example/appointments"),
                is_declared: false,
                token_lifetime: "1 hour".to_owned(),
                token_format: "JWT, as the dialect has it".to_owned(),
                signing_alg: "RS256".to_owned(),
                scopes: sample.list(scope),
            },
            clients: sample.list(named),
            roles: sample.list(named),
        },
    );
    for (name, editing) in [
        ("api-form", None),
        ("api-form-edit", Some(sample.editing("Appointments"))),
    ] {
        let problems = if editing.is_some() {
            sample.problems(&["audience", "scope-1-name", "token_lifetime", "scopes"])
        } else {
            Problems::default()
        };
        add(
            pages,
            name,
            &ApiFormPage {
                frame: frame(Section::Apis),
                fields: ApiFields {
                    name: sample.text("Appointments"),
                    audience: sample.text("https://api.sunrise.example/appointments"),
                    token_lifetime: sample.text("3600"),
                    scopes: if editing.is_some() {
                        sample.list(scope)
                    } else {
                        Vec::new()
                    },
                    ..ApiFields::default()
                },
                editing,
                token_formats: vec![
                    ("jwt", "A JWT, which APIs check by themselves"),
                    ("opaque", "Opaque, about which APIs ask this server"),
                ],
                signing_algs: SigningAlg::ALL.to_vec(),
                problems,
            },
        );
    }
}

fn user_pages(sample: &Sample, frame: MakeFrame<'_, '_>, pages: &mut Vec<Rendered>) {
    let row = |number: usize| UserRow {
        id: sample.text("0198f2b4"),
        username: sample.one_of(number, &["ana.garcia", "sokafor", "yuki", "ingrid", "omar"]),
        name: sample.person(number),
        email: sample.one_of(
            number,
            &["ana@sunrise.example", "samuel.okafor@sunrise.example", ""],
        ),
        roles: (0..number % 3)
            .map(|role| sample.one_of(role, &["prescriber", "staff"]))
            .collect(),
        is_blocked: number == 3,
        is_invited: number == 2,
        last_signed_in_at: (number != 2).then(|| "2026-11-22T09:30:00Z".to_owned()),
    };
    let users = || UsersPage {
        frame: frame(Section::Users),
        filter: UserFilter::default(),
        roles: sample.list(|number| sample.one_of(number, &["prescriber", "staff"])),
        users: sample.list(row),
        paging: sample.paging(),
    };
    add(pages, "users", &users());
    add(
        pages,
        "users-not-found",
        &UsersPage {
            filter: UserFilter {
                q: sample.text("zzz"),
                role: sample.text("staff"),
                is_blocked: true,
            },
            users: Vec::new(),
            paging: Paging::default(),
            ..users()
        },
    );
    for (name, editing) in [
        ("user-form", None),
        ("user-form-edit", Some(sample.editing("Ana García"))),
    ] {
        let problems = if editing.is_some() {
            sample.problems(&["username", "email"])
        } else {
            Problems::default()
        };
        add(
            pages,
            name,
            &UserFormPage {
                frame: frame(Section::Users),
                fields: UserFields {
                    username: sample.text("ana.garcia"),
                    name: sample.text("Ana García"),
                    email: sample.text("ana@"),
                    roles: vec![sample.text("staff")],
                    ..UserFields::default()
                },
                editing,
                roles: sample.list(|number| {
                    (
                        sample.one_of(number, &["prescriber", "staff", "reception"]),
                        sample.text("Doctors who write prescriptions"),
                    )
                }),
                problems,
            },
        );
    }
    add(pages, "user-link", &OneTimeLinkPage {
        frame: frame(Section::Users),
        username: sample.text("ana.garcia"),
        name: sample.text("Ana García"),
        link: sample.text("https://auth.sunrise.example/clinic/set-password?link=Gx1vJq0TzK8mW5rY2bN7dF4hL9pS6cA3eU0iO8kM5nQ"),
        expires_at: "2026-11-25T09:30:00Z".to_owned(),
        is_new: true,
        next: "/console/issuers/clinic/users/0198f2b4".to_owned(),
    });
    for (name, is_blocked) in [("user", false), ("user-blocked", true)] {
        add(
            pages,
            name,
            &UserPage {
                frame: frame(Section::Users),
                user: UserDetails {
                    id: sample.text("0198f2b4"),
                    username: sample.text("ana.garcia"),
                    name: sample.text("Ana García"),
                    revision: 2,
                    is_blocked,
                    is_invited: false,
                    is_declared: is_blocked,
                    created_at: "2026-01-22T09:30:00Z".to_owned(),
                    last_signed_in_at: Some("2026-11-22T09:30:00Z".to_owned()),
                    profile: vec![
                        ("Email".to_owned(), sample.text("ana@sunrise.example")),
                        ("Phone number".to_owned(), sample.text("+1 555 010 9999")),
                    ],
                    roles: sample.list(|number| sample.one_of(number, &["prescriber", "staff"])),
                },
                sessions: sample.list(|number| sample.session(number)),
                consents: sample.list(|number| sample.consent(number)),
                events: sample.events(),
            },
        );
    }
}

fn role_pages(sample: &Sample, frame: MakeFrame<'_, '_>, pages: &mut Vec<Rendered>) {
    let row = |number: usize| RoleRow {
        name: sample.one_of(number, &["prescriber", "staff", "reception"]),
        description: sample.one_of(
            number,
            &[
                "Doctors who write prescriptions",
                "Everybody who works here",
                "",
            ],
        ),
        users: number,
        scopes: number * 3,
        is_declared: number == 1,
    };
    add(
        pages,
        "roles",
        &RolesPage {
            frame: frame(Section::Roles),
            roles: sample.list(row),
        },
    );
    add(
        pages,
        "role",
        &RolePage {
            frame: frame(Section::Roles),
            role: RoleDetails {
                name: sample.text("prescriber"),
                description: sample.text("Doctors who write prescriptions"),
                is_declared: false,
                users: sample.list(|_| ()).len(),
                grants: sample.grants(),
            },
        },
    );
    for (name, editing) in [
        ("role-form", None),
        ("role-form-edit", Some(sample.editing("prescriber"))),
    ] {
        let problems = if editing.is_some() {
            sample.problems(&["name", "apis"])
        } else {
            Problems::default()
        };
        add(
            pages,
            name,
            &RoleFormPage {
                frame: frame(Section::Roles),
                editing,
                fields: RoleFields {
                    name: sample.text("prescriber"),
                    description: sample.text("Doctors who write prescriptions"),
                },
                apis: sample.grant_choices(),
                problems,
            },
        );
    }
}

fn operation_pages(
    sample: &Sample,
    frame: MakeFrame<'_, '_>,
    server: MakeFrame<'_, '_>,
    pages: &mut Vec<Rendered>,
) {
    let sessions = || SessionsPage {
        frame: frame(Section::Sessions),
        q: String::new(),
        sessions: sample.list(|number| sample.session(number)),
        paging: sample.paging(),
    };
    add(pages, "sessions", &sessions());
    add(
        pages,
        "sessions-not-found",
        &SessionsPage {
            q: sample.text("zzz"),
            sessions: Vec::new(),
            ..sessions()
        },
    );
    let key = |number: usize| KeyRow {
        kid: sample.one_of(
            number,
            &["nzLhH4JqVbTn9K2s", "4cP1wXyG8uE7rM5d", "old-2025"],
        ),
        alg: SigningAlg::ALL[number % 3],
        created_at: "2026-01-22T09:30:00Z".to_owned(),
        is_signing: number < 2,
        retired_at: (number > 1).then(|| "2026-06-22T09:30:00Z".to_owned()),
    };
    add(
        pages,
        "keys",
        &KeysPage {
            frame: frame(Section::Keys),
            keys: sample.list(key),
            jwks_uri: Some(
                sample.text("https://auth.sunrise.example/clinic/.well-known/jwks.json"),
            ),
        },
    );
    let audit = |frame| AuditPage {
        frame,
        filter: AuditFilter::default(),
        events: sample.events(),
        paging: sample.paging(),
        retention: Some("365 days".to_owned()),
    };
    add(pages, "audit", &audit(frame(Section::Audit)));
    add(pages, "audit-server", &audit(server(Section::ServerAudit)));
    let administrators = server(Section::AdministratorsAudit);
    add(pages, "audit-administrators", &audit(administrators));
    add(
        pages,
        "audit-not-found",
        &AuditPage {
            filter: AuditFilter {
                q: sample.text("zzz"),
                group: "user".to_owned(),
                outcome: "failed".to_owned(),
                actor: sample.text("maria"),
                from: "2026-11-01".to_owned(),
                until: "2026-11-22".to_owned(),
            },
            events: Vec::new(),
            retention: None,
            ..audit(frame(Section::Audit))
        },
    );
    add(
        pages,
        "settings",
        &SettingsPage {
            frame: frame(Section::Settings),
            revision: 4,
            is_declared: true,
            fields: SettingsFields {
                brand_name: sample.text("Sunrise Clinic"),
                brand_color: sample.text("#0b6070"),
                help_uri: sample.text("https://sunrise.example/help"),
                registration: "guarded".to_owned(),
                audit_retention_days: sample.text("365"),
                post_logout_redirect_uris: sample.text("https://sunrise.example/"),
                host: sample.text("login.sunrise.example"),
            },
            problems: sample.problems(&["brand_color", "registration"]),
            identifier: sample.text("https://auth.sunrise.example/clinic"),
        },
    );
    let deviation = |number: usize| Deviation {
        policy: sample.one_of(
            number,
            &["PKCE", "Unit of expires_in", "Errors of the token endpoint"],
        ),
        standard: sample.one_of(
            number,
            &[
                "required of every client",
                "seconds",
                "JSON with error and error_description",
            ],
        ),
        here: sample.one_of(number, &["not asked for", "milliseconds", "a text"]),
        reason: sample.one_of(
            number,
            &[
                "The vendor’s own SDK does not send it.",
                "The vendor sends 3600000 for one hour.",
                "Its clients match on the text.",
            ],
        ),
        is_weaker: number == 0,
    };
    add(
        pages,
        "dialect",
        &DialectPage {
            frame: frame(Section::Dialect),
            name: sample.text("auth0"),
            title: sample.text("An Auth0 tenant"),
            extends: vec![sample.text("standard")],
            deviations: sample.list(deviation),
            endpoints: sample.endpoints(),
        },
    );
}

fn tool_pages(sample: &Sample, frame: MakeFrame<'_, '_>, pages: &mut Vec<Rendered>) {
    let claim = |name: &str, value: &str, meaning: &str| Claim {
        name: sample.text(name),
        value: sample.text(value),
        meaning: sample.text(meaning),
    };
    let check = |result, title: &str, words: &str| Check {
        result,
        title: sample.text(title),
        words: sample.text(words),
    };
    add(
        pages,
        "inspector",
        &InspectorPage {
            frame: frame(Section::Inspector),
            token: String::new(),
            inspection: None,
        },
    );
    for (name, is_good) in [("inspector-good", true), ("inspector-bad", false)] {
        let bad = if is_good {
            CheckResult::Passed
        } else {
            CheckResult::Failed
        };
        add(pages, name, &InspectorPage {
            frame: frame(Section::Inspector),
            token: sample.text("eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6Im56TGhINEpxVmJUbjlLMnMifQ.eyJpc3MiOiJodHRwczovL2F1dGguc3VucmlzZS5leGFtcGxlL2NsaW5pYyJ9.c2lnbmF0dXJl"),
            inspection: Some(Inspection {
                what: "An access token".to_owned(),
                is_good,
                verdict: sample.text(if is_good { "It works, for another 57 minutes." } else { "It expired 3 minutes ago." }),
                checks: vec![
                    check(CheckResult::Passed, "It is a JWT", "Three parts, the first two JSON."),
                    check(CheckResult::Passed, "It names this issuer", ""),
                    check(bad, "It is still alive", "It expired 3 minutes ago, on 22 Nov 2026, 09:30. The client should have used its refresh token."),
                    check(if is_good { CheckResult::Passed } else { CheckResult::Unknown }, "It has not been revoked", ""),
                ],
                header: vec![claim("alg", "RS256", "RSA with SHA-256"), claim("kid", "nzLhH4JqVbTn9K2s", "The key that signs now")],
                claims: vec![
                    claim("iss", "https://auth.sunrise.example/clinic", "This issuer"),
                    claim("aud", "[\"https://api.sunrise.example/appointments\"]", "The API “Appointments”"),
                    claim("exp", "1795339800", "22 Nov 2026, 09:30"),
                    claim("scope", "openid appointments:read", ""),
                ],
            }),
        });
    }
    let client = |number: usize| TryItClient {
        client_id: sample.text("clinic-web"),
        name: sample.name(number),
    };
    let message = |line: &str, headers: &[(&str, &str)], body: &str| Message {
        line: sample.text(line),
        headers: headers
            .iter()
            .map(|(name, value)| (sample.text(name), sample.text(value)))
            .collect(),
        body: sample.text(body),
    };
    let try_it = || TryItPage {
        frame: frame(Section::TryIt),
        clients: sample.list(client),
        grant_types: vec![GrantType::ClientCredentials, GrantType::AuthorizationCode],
        fields: TryItFields {
            client_id: sample.text("clinic-web"),
            grant_type: "client_credentials".to_owned(),
            scope: sample.text("openid"),
            audience: String::new(),
        },
        takes_audience: true,
        problems: sample.problems(&["client_id", "client_secret"]),
        exchanges: Vec::new(),
        next: Vec::new(),
        state: sample.text("sealed"),
        redirect_uri: sample
            .text("https://auth.sunrise.example/console/issuers/clinic/try-it/callback"),
    };
    add(pages, "try-it", &try_it());
    let exchange = |has_failed| Exchange {
        title: "Ask for a token".to_owned(),
        words: "The client shows who it is, and the server answers with a token.".to_owned(),
        request: message(
            "POST https://auth.sunrise.example/clinic/oauth2/token",
            &[
                ("authorization", "Basic Y2xpbmljLXdlYjo…"),
                ("content-type", "application/x-www-form-urlencoded"),
            ],
            "grant_type=client_credentials&scope=appointments%3Aread",
        ),
        response: Some(message(
            "200 OK",
            &[
                ("content-type", "application/json"),
                ("cache-control", "no-store"),
            ],
            "{\n  \"access_token\": \"eyJhbGciOiJSUzI1NiIsInR5cCI6ImF0K2p3dCIsImtpZCI6Im56TGhINEpxVmJUbjlLMnMifQ.eyJpc3MiOiJodHRwczovL2F1dGguc3VucmlzZS5leGFtcGxlIn0\",\n  \"expires_in\": 3600\n}",
        )),
        has_failed,
    };
    let step = |title: &str, href: Option<&str>| NextStep {
        value: "userinfo".to_owned(),
        title: title.to_owned(),
        words: "What the token says of the person.".to_owned(),
        href: href.map(str::to_owned),
    };
    add(
        pages,
        "try-it-running",
        &TryItPage {
            problems: Problems::default(),
            clients: vec![client(0)],
            exchanges: vec![exchange(false), exchange(true)],
            next: vec![
                step("Sign in", Some("/clinic/oauth2/authorize?x=y")),
                step("Introspect the token", None),
            ],
            ..try_it()
        },
    );
}

fn administrator_pages(sample: &Sample, server: MakeFrame<'_, '_>, pages: &mut Vec<Rendered>) {
    let row = |number: usize| AdministratorRow {
        id: sample.text("0198f2b4"),
        username: sample.one_of(number, &["maria", "sokafor"]),
        name: sample.one_of(number, &["Maria Santos", "Dr. Samuel Okafor"]),
        email: sample.one_of(number, &["maria@sunrise.example", ""]),
        standings: if number == 0 {
            vec![(Standing::Owner, None)]
        } else {
            vec![
                (Standing::Manager, Some(sample.text("clinic"))),
                (Standing::Auditor, Some(sample.text("photon"))),
            ]
        },
        last_signed_in_at: (number == 0).then(|| "2026-11-22T09:30:00Z".to_owned()),
        is_invited: number == 2,
        is_self: number == 0,
        is_last_owner: number == 0,
    };
    let rows = if sample.is_empty {
        vec![row(0)]
    } else {
        sample.list(row)
    };
    add(
        pages,
        "administrators",
        &AdministratorsPage {
            frame: server(Section::Administrators),
            administrators: rows,
        },
    );
    for (name, editing) in [
        ("administrator-form", None),
        (
            "administrator-form-edit",
            Some(sample.editing("Maria Santos")),
        ),
    ] {
        let problems = if editing.is_some() {
            sample.problems(&["standing", "reach", ""])
        } else {
            Problems::default()
        };
        add(
            pages,
            name,
            &AdministratorFormPage {
                frame: server(Section::Administrators),
                editing,
                fields: AdministratorFields {
                    username: sample.text("maria"),
                    name: sample.text("Maria Santos"),
                    standing: "manager".to_owned(),
                    is_for_some: true,
                    issuers: vec![sample.text("clinic")],
                    ..AdministratorFields::default()
                },
                issuers: sample.issuers(),
                problems,
            },
        );
    }
}

fn answer_pages(
    sample: &Sample,
    frame: MakeFrame<'_, '_>,
    server: MakeFrame<'_, '_>,
    pages: &mut Vec<Rendered>,
) {
    let named = |number: usize| Named {
        id: sample.text("0198f2b4"),
        name: sample.name(number),
    };
    let at = || "2026-11-22T09:30:00Z".to_owned();
    for (name, section, question) in [
        (
            "disable-client",
            Section::Clients,
            Question::DisableClient {
                client: sample.editing("Booking"),
            },
        ),
        (
            "delete-client",
            Section::Clients,
            Question::DeleteClient {
                client: sample.editing("Booking"),
                users: 1_204,
                grants: 1,
            },
        ),
        (
            "remove-previous-secret",
            Section::Clients,
            Question::RemovePreviousSecret {
                client: sample.editing("Booking"),
                until: at(),
            },
        ),
        (
            "delete-api",
            Section::Apis,
            Question::DeleteApi {
                api: sample.editing("Appointments"),
                clients: sample.list(named),
                roles: Vec::new(),
            },
        ),
        (
            "delete-role",
            Section::Roles,
            Question::DeleteRole {
                role: sample.editing("prescriber"),
                users: 0,
            },
        ),
        (
            "block-user",
            Section::Users,
            Question::BlockUser {
                user: sample.editing("Ana García"),
                sessions: 2,
            },
        ),
        (
            "delete-user",
            Section::Users,
            Question::DeleteUser {
                user: sample.editing("Ana García"),
                sessions: 0,
                consents: 3,
            },
        ),
        (
            "end-session",
            Section::Sessions,
            Question::EndSession {
                session: sample.session(2),
                from: sample.text("user"),
                back: "/console/issuers/clinic/users/0198f2b4".to_owned(),
            },
        ),
        (
            "end-sessions",
            Section::Users,
            Question::EndSessions {
                user: sample.editing("Ana García"),
                sessions: 2,
            },
        ),
        (
            "withdraw-consent",
            Section::Users,
            Question::WithdrawConsent {
                user: sample.editing("Ana García"),
                consent: sample.consent(0),
            },
        ),
        (
            "remove-initial-access-token",
            Section::Clients,
            Question::RemoveInitialAccessToken { token: named(0) },
        ),
        (
            "rotate-keys",
            Section::Keys,
            Question::RotateKeys {
                alg: SigningAlg::RS256,
                kid: sample.text("nzLhH4JqVbTn9K2s"),
            },
        ),
        (
            "delete-key",
            Section::Keys,
            Question::DeleteKey {
                kid: sample.text("old-2025"),
                alg: SigningAlg::RS256,
                retired_at: at(),
            },
        ),
        (
            "delete-issuer",
            Section::Settings,
            Question::DeleteIssuer {
                issuer: sample.editing("Sunrise Clinic"),
                clients: 12,
                users: 240,
            },
        ),
    ] {
        add(
            pages,
            name,
            &ConfirmPage {
                frame: frame(section),
                question,
                obstacle: None,
            },
        );
    }
    let question = Question::RemoveAdministrator {
        administrator: sample.editing("Maria Santos"),
    };
    add(
        pages,
        "remove-administrator",
        &ConfirmPage {
            frame: server(Section::Administrators),
            question: question.clone(),
            obstacle: None,
        },
    );
    let obstacle = Some(sample.text("Maria is the last owner. Make somebody else an owner first."));
    add(
        pages,
        "remove-last-owner",
        &ConfirmPage {
            frame: server(Section::Administrators),
            question,
            obstacle,
        },
    );

    let difference = |number: usize| Difference {
        field: sample.one_of(number, &["Name", "Redirect URIs"]),
        yours: sample.one_of(
            number,
            &[
                "Booking",
                "https://booking.example/callback\nhttps://booking.example/silent",
            ],
        ),
        theirs: if number == 0 {
            sample.text("Booking (new)")
        } else {
            String::new()
        },
    };
    for (name, failure) in [
        ("not-found", Failure::NotFound),
        (
            "forbidden",
            Failure::Forbidden {
                needs: Standing::Owner,
            },
        ),
        (
            "conflict",
            Failure::Conflict {
                differences: sample.list(difference),
                reload: "/console/issuers/clinic/clients/x/edit".to_owned(),
            },
        ),
        (
            "refused",
            Failure::Refused {
                words: sample.text("This role is given to 3 users."),
                back: "/console".to_owned(),
            },
        ),
        ("unavailable", Failure::Unavailable),
    ] {
        add(
            pages,
            name,
            &FailurePage {
                frame: frame(Section::Clients),
                failure,
            },
        );
    }
}

fn set_up_pages(sample: &Sample, pages: &mut Vec<Rendered>) {
    let brand = Brand {
        name: "Locum console".to_owned(),
        color: None,
        has_logo: false,
        help_uri: None,
    };
    let page = |problems, is_closed| SetUpPage {
        frame: Frame {
            language: Language::En,
            brand: &brand,
            base: "/console",
            is_dev: false,
        },
        csrf: "csrf-value".to_owned(),
        action: "/console/set-up".to_owned(),
        token: sample.text("token-value"),
        fields: SetUpFields {
            username: sample.text("maria"),
            name: sample.text("Maria Santos"),
            email: String::new(),
        },
        problems,
        is_closed,
    };
    add(pages, "set-up", &page(Problems::default(), false));
    add(
        pages,
        "set-up-wrong",
        &page(sample.problems(&["username", "new_password"]), false),
    );
    add(pages, "set-up-closed", &page(Problems::default(), true));
}

/// What holds for every page, whatever it shows.
fn check(name: &str, page: &str) {
    let tags = tags(page, name);
    let all = |tag: &'static str| tags.iter().filter(move |found| found.name == tag);
    for once in ["html", "title", "main", "h1"] {
        assert_eq!(all(once).count(), 1, "{name}: {once}");
    }
    check_references(name, &tags);
    for tag in &tags {
        if tag.name == "script" {
            assert!(tag.get("src").unwrap().starts_with("/static/"), "{name}");
        }
        for (attribute, value) in &tag.attributes {
            let is_inline = *attribute == "style" || attribute.starts_with("on");
            assert!(!is_inline, "{name}: {attribute}");
            // Every address is a path of this server's, or within the page.
            if matches!(*attribute, "href" | "src" | "action") {
                let is_own = value.starts_with('/') && !value.starts_with("//");
                assert!(
                    is_own || value.starts_with('#'),
                    "{name}: {attribute} {value}"
                );
            }
        }
    }
    let posts = all("form")
        .filter(|form| form.get("method") == Some("post"))
        .count();
    let csrf = all("input").filter(|input| input.get("name") == Some("csrf"));
    assert_eq!(
        csrf.count(),
        posts,
        "{name}: csrf in every form that posts, and in no other"
    );

    let mut level = 0;
    for tag in &tags {
        let heading = tag
            .name
            .strip_prefix('h')
            .and_then(|n| n.parse::<u8>().ok());
        if let Some(next) = heading {
            assert!(next <= level + 1, "{name}: h{next} after h{level}");
            level = next;
        }
    }
}

/// IDs are unique, whatever names one exists, and every control has a label.
fn check_references(name: &str, tags: &[Tag<'_>]) {
    let ids: Vec<_> = tags.iter().filter_map(|tag| tag.get("id")).collect();
    let unique: HashSet<_> = ids.iter().copied().collect();
    assert_eq!(ids.len(), unique.len(), "{name}: {ids:?}");
    let labels: HashSet<_> = tags
        .iter()
        .filter(|tag| tag.name == "label")
        .filter_map(|label| label.get("for"))
        .collect();
    for tag in tags {
        for reference in ["aria-describedby", "aria-labelledby", "for"] {
            for id in tag.get(reference).unwrap_or("").split_whitespace() {
                assert!(unique.contains(id), "{name}: {reference} {id}");
            }
        }
        if let Some(id) = tag.get("href").and_then(|href| href.strip_prefix('#')) {
            assert!(unique.contains(id), "{name}: href #{id}");
        }
        let is_control = matches!(tag.name, "input" | "select" | "textarea");
        if is_control && tag.get("type") != Some("hidden") {
            let id = tag.get("id").unwrap();
            assert!(labels.contains(id), "{name}: no label for {id}");
        }
    }
}

#[test]
fn every_page_keeps_to_the_rules_for_every_administrator() {
    for standing in Standing::ALL {
        for is_empty in [false, true] {
            let sample = Sample {
                standing,
                is_empty,
                ..Sample::usual()
            };
            for (name, page) in gallery(&sample) {
                check(&name, &page);
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
        "</title></textarea></style><script>alert(1)</script>",
        "javascript:alert(1)",
        "//evil.example/",
        "{client} {{ csrf }} {% if %}",
        "\u{202e}drow a\u{202c} كلينيك 👩🏽‍⚕️",
        "\u{0}\r\n",
        "",
        " ",
        "../..",
        "?a=b#c",
        &long,
    ] {
        for (name, page) in gallery(&Sample::hostile(words)) {
            check(&name, &page);
            assert!(!page.contains("<script>"), "{name}");
            assert!(!page.contains("<img src=x"), "{name}");
        }
    }
}

#[test]
fn an_auditor_finds_nothing_to_press() {
    let sample = Sample {
        standing: Standing::Auditor,
        ..Sample::usual()
    };
    // These are answers to what was asked for already, or change nothing.
    let asks = [
        "form",
        "new",
        "choose",
        "conflict",
        "rotate",
        "delete",
        "remove",
        "block-",
        "disable",
        "end-",
        "withdraw",
        "inspector",
        "try-it",
        "created",
        "link",
        "set-up",
    ];
    for (name, page) in gallery(&sample) {
        if asks.iter().any(|part| name.contains(part)) {
            continue;
        }
        let posts = page.matches("method=\"post\"").count();
        // The one to sign out, in both menus, and the settings, which can be read but not sent.
        let expected = if name == "settings" { 3 } else { 2 };
        assert_eq!(posts, expected, "{name}");
        for word in [
            "/edit\"",
            "/delete\"",
            "/new-",
            "/rotate",
            "/disable\"",
            "/block\"",
            "/end\"",
            "/end?",
            "/end-sessions",
            "/withdraw",
        ] {
            assert!(!page.contains(word), "{name}: {word}");
        }
    }
    let (_, settings) = gallery(&sample)
        .into_iter()
        .find(|(name, _)| name == "settings")
        .unwrap();
    assert!(settings.contains("<fieldset class=\"bare\" disabled>"));
    assert!(!settings.contains(">Save<"));
}

#[test]
fn thousands_of_rows_are_rendered() {
    let sample = Sample {
        rows: 1_000,
        ..Sample::usual()
    };
    let pages = gallery(&sample);
    let (_, users) = pages.iter().find(|(name, _)| name == "users").unwrap();
    assert_eq!(users.matches("<th scope=\"row\">").count(), 1_000);
}

/// Writes the pages to the folder that `LOCUM_CONSOLE_GALLERY` names, with what they link to.
#[test]
fn gallery_is_written_where_it_is_asked_for() {
    let Some(folder) = std::env::var_os("LOCUM_CONSOLE_GALLERY") else {
        return;
    };
    let folder = Path::new(&folder);
    let write = |name: &str, text: &str| std::fs::write(folder.join(name), text).unwrap();
    std::fs::create_dir_all(folder).unwrap();
    write("locum.css", include_str!("../../../../static/locum.css"));
    write(
        "console.css",
        include_str!("../../../../static/console.css"),
    );
    write("console.js", include_str!("../../../../static/console.js"));
    write("brand.css", "");
    let long =
        "Krankenhausgesellschaft Nordrhein-Westfalen für Anästhesiologie und Intensivmedizin gGmbH";
    for (suffix, sample) in [
        ("", Sample::usual()),
        (
            "-none",
            Sample {
                is_empty: true,
                ..Sample::usual()
            },
        ),
        (
            "-auditor",
            Sample {
                standing: Standing::Auditor,
                ..Sample::usual()
            },
        ),
        ("-long", Sample::hostile(long)),
        ("-unbroken", Sample::hostile(&"ä".repeat(2_000))),
        (
            "-rtl",
            Sample::hostile("\u{202e}drow a\u{202c} عيادة الشروق 👩🏽‍⚕️"),
        ),
        (
            "-many",
            Sample {
                rows: 300,
                ..Sample::usual()
            },
        ),
    ] {
        for (name, page) in gallery(&sample) {
            let page = page
                .replace("/static/", "")
                .replace("/console/brand.css", "brand.css");
            write(&format!("{name}{suffix}.html"), &page);
        }
    }
}
