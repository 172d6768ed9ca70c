use askama::Template;

use super::{
    ConsoleFrame, Editing, EventView, GrantChoice, GrantView, Paging, Problems, Snippet, links,
    words,
};
use crate::issuer::{ClientKind, RegisteredBy, RegistrationPolicy};
use crate::protocol::{ClientAuthMethod, GrantType, SigningAlg};

/// Searched by `q`, `kind`, `after`.
#[derive(Template)]
#[template(path = "console/clients.html")]
pub struct ClientsPage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub filter: ClientFilter,
    pub clients: Vec<ClientRow>,
    pub paging: Paging,
    pub registration: RegistrationPolicy,
}

#[derive(Debug, Clone, Default)]
pub struct ClientFilter {
    pub q: String,
    pub kind: Option<ClientKind>,
}

#[derive(Debug, Clone)]
pub struct ClientRow {
    pub client_id: String,
    pub name: String,
    pub kind: ClientKind,
    pub registered_by: RegisteredBy,
    pub created_at: String,
    pub is_disabled: bool,
    pub is_declared: bool,
}

impl ClientRow {
    pub fn segment(&self) -> String {
        links::segment(&self.client_id)
    }

    pub fn kind_words(&self) -> &'static str {
        words::kind(self.kind)
    }

    pub fn origin(&self) -> &'static str {
        words::registered_by(self.registered_by)
    }
}

impl ClientsPage<'_> {
    /// The query of the next page.
    pub fn next(&self) -> Option<String> {
        Some(self.query(self.paging.next.as_deref()?))
    }

    pub fn is_searching(&self) -> bool {
        !self.filter.q.is_empty() || self.filter.kind.is_some()
    }

    fn kind_parameter(&self) -> &'static str {
        self.filter.kind.map_or("", ClientKind::as_str)
    }

    pub fn query(&self, after: &str) -> String {
        links::query(&[
            ("q", &self.filter.q),
            ("kind", self.kind_parameter()),
            ("after", after),
        ])
    }

    /// Value, words, and whether it is chosen.
    pub fn kinds(&self) -> Vec<(&'static str, &'static str, bool)> {
        let kinds = ClientKind::ALL.into_iter().map(|kind| {
            let is_chosen = self.filter.kind == Some(kind);
            (kind.as_str(), words::kind(kind), is_chosen)
        });
        kinds.collect()
    }
}

/// What is it going to be? Leads to `…/new-client?kind=…`.
#[derive(Template)]
#[template(path = "console/choose_kind.html")]
pub struct ChooseKindPage<'a> {
    pub frame: ConsoleFrame<'a>,
    /// Those that get anything in the issuer's dialect.
    pub kinds: Vec<ClientKind>,
}

impl ChooseKindPage<'_> {
    pub fn offers(&self, kind: &str) -> bool {
        self.kinds.iter().any(|own| own.as_str() == kind)
    }
}

/// Makes or edits a client. Posts to `…/new-client` with a hidden `kind`, or to
/// `…/clients/ID/edit`.
///
/// Its lists of addresses are text areas, one address to a line. `grant_type` is one checkbox for
/// each; for the APIs see [`GrantChoice`].
#[derive(Template)]
#[template(path = "console/client_form.html")]
pub struct ClientFormPage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub editing: Option<Editing>,
    pub kind: ClientKind,
    pub fields: ClientFields,
    pub apis: Vec<GrantChoice>,
    /// What the dialect understands.
    pub auth_methods: Vec<ClientAuthMethod>,
    pub grant_types: Vec<GrantType>,
    pub signing_algs: Vec<SigningAlg>,
    pub problems: Problems,
}

/// Named after the metadata of RFC 7591 §2 and its relatives.
#[derive(Debug, Clone, Default)]
pub struct ClientFields {
    pub client_name: String,
    pub redirect_uris: String,
    pub post_logout_redirect_uris: String,
    pub first_party: bool,
    /// Empty: as the dialect has it.
    pub token_endpoint_auth_method: String,
    pub grant_types: Vec<String>,
    pub initiate_login_uri: String,
    pub frontchannel_logout_uri: String,
    pub frontchannel_logout_session_required: bool,
    pub backchannel_logout_uri: String,
    pub backchannel_logout_session_required: bool,
    pub operator: String,
    pub client_uri: String,
    pub policy_uri: String,
    pub tos_uri: String,
    pub logo_uri: String,
    pub contacts: String,
    /// Field `subject_type`, value `pairwise`.
    pub is_pairwise: bool,
    pub sector_identifier_uri: String,
    /// Empty: the issuer's first.
    pub id_token_signed_response_alg: String,
    /// Seconds, or nothing.
    pub default_max_age: String,
    pub jwks_uri: String,
}

/// Fields of the folded parts of the form: a part with a problem is open.
const SIGN_OUT: [&str; 3] = [
    "post_logout_redirect_uris",
    "frontchannel_logout_uri",
    "backchannel_logout_uri",
];
const PEOPLE: [&str; 6] = [
    "operator",
    "client_uri",
    "policy_uri",
    "tos_uri",
    "logo_uri",
    "contacts",
];
const PROTOCOL: [&str; 7] = [
    "token_endpoint_auth_method",
    "grant_type",
    "id_token_signed_response_alg",
    "default_max_age",
    "sector_identifier_uri",
    "initiate_login_uri",
    "jwks_uri",
];

impl ClientFormPage<'_> {
    pub fn is_machine(&self) -> bool {
        self.kind == ClientKind::Machine
    }

    pub fn is_public(&self) -> bool {
        self.kind.is_public()
    }

    pub fn kind_words(&self) -> &'static str {
        words::kind(self.kind)
    }

    pub fn heading(&self) -> &'static str {
        match (&self.editing, self.kind) {
            (Some(_), _) => "Edit client",
            (None, ClientKind::Machine) => "New machine client",
            (None, ClientKind::Web) => "New web client",
            (None, ClientKind::Spa) => "New single page client",
            (None, ClientKind::Native) => "New native client",
        }
    }

    pub fn name_example(&self) -> &'static str {
        match self.kind {
            ClientKind::Machine => "For example “Nightly lab import”.",
            ClientKind::Web => "People read it when they sign in. For example “Booking”.",
            ClientKind::Spa => "People read it when they sign in. For example “Patient portal”.",
            ClientKind::Native => {
                "People read it when they sign in. For example “Sunrise at Home”."
            }
        }
    }

    pub fn redirect_example(&self) -> &'static str {
        match self.kind {
            ClientKind::Machine | ClientKind::Web => {
                "For example https://booking.example/callback. Ask the people who write the application."
            }
            ClientKind::Spa => {
                "For example https://portal.example/callback. In development also http://localhost:5173/callback."
            }
            ClientKind::Native => {
                "For example org.example.app:/callback, or http://127.0.0.1/callback, which holds for every port."
            }
        }
    }

    /// Value, words, and whether it is chosen.
    pub fn auth_method_choices(&self) -> Vec<(&'static str, &'static str, bool)> {
        let chosen = &self.fields.token_endpoint_auth_method;
        let methods = self.auth_methods.iter().map(|&method| {
            let value = method.as_str();
            (value, words::auth_method(method), chosen == value)
        });
        methods.collect()
    }

    /// Value, words, more words, and whether it is chosen.
    pub fn grant_type_choices(&self) -> Vec<(&'static str, &'static str, &'static str, bool)> {
        let grant_types = self.grant_types.iter().map(|&grant_type| {
            let value = grant_type.as_str();
            let (title, hint) = words::grant_type(grant_type);
            let is_chosen = self.fields.grant_types.iter().any(|chosen| chosen == value);
            (value, title, hint, is_chosen)
        });
        grant_types.collect()
    }

    pub fn alg_choices(&self) -> Vec<(&'static str, bool)> {
        let chosen = &self.fields.id_token_signed_response_alg;
        let algs = self.signing_algs.iter().map(|alg| alg.as_str());
        algs.map(|alg| (alg, chosen == alg)).collect()
    }

    pub fn opens_sign_out(&self) -> bool {
        self.problems.is_among(&SIGN_OUT)
    }

    pub fn opens_people(&self) -> bool {
        self.problems.is_among(&PEOPLE)
    }

    pub fn opens_protocol(&self) -> bool {
        self.problems.is_among(&PROTOCOL)
    }

    pub fn action(&self) -> String {
        match &self.editing {
            Some(editing) => self
                .frame
                .at(&format!("clients/{}/edit", links::segment(&editing.id))),
            None => self.frame.at("new-client"),
        }
    }

    pub fn back(&self) -> String {
        match &self.editing {
            Some(editing) => self
                .frame
                .at(&format!("clients/{}", links::segment(&editing.id))),
            None => self.frame.at("new-client"),
        }
    }
}

/// A client that has just come into being, or its new secret. Shown once.
#[derive(Template)]
#[template(path = "console/client_secret.html")]
pub struct ClientSecretPage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub client_id: String,
    pub name: String,
    pub kind: ClientKind,
    /// `None` for a public client.
    pub secret: Option<String>,
    pub reason: SecretReason,
    /// What to paste where, the secret included.
    pub snippets: Vec<Snippet>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum SecretReason {
    Created,
    Rotated {
        /// Until when the one before works as well.
        previous_until: Option<String>,
    },
}

impl ClientSecretPage<'_> {
    pub fn segment(&self) -> String {
        links::segment(&self.client_id)
    }

    pub fn is_created(&self) -> bool {
        self.reason == SecretReason::Created
    }

    pub fn kind_words(&self) -> &'static str {
        words::kind(self.kind)
    }
}

/// Everything about a client, except its secret, which nobody knows.
#[derive(Template)]
#[template(path = "console/client.html")]
pub struct ClientPage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub client: ClientDetails,
    /// Name and address of each.
    pub endpoints: Vec<(String, String)>,
    /// What to paste where, with a place for the secret.
    pub snippets: Vec<Snippet>,
    pub events: Vec<EventView>,
}

impl ClientPage<'_> {
    pub fn place(&self) -> String {
        let segment = links::segment(&self.client.client_id);
        self.frame.at(&format!("clients/{segment}"))
    }
}

#[derive(Debug, Clone)]
pub struct ClientDetails {
    pub client_id: String,
    pub name: String,
    pub kind: ClientKind,
    pub revision: i64,
    pub registered_by: RegisteredBy,
    pub is_declared: bool,
    pub is_disabled: bool,
    pub created_at: String,
    pub updated_at: String,
    /// `None` for a public client.
    pub secret_created_at: Option<String>,
    /// How old the secret is, in days.
    pub secret_age_days: Option<u64>,
    pub previous_secret_until: Option<String>,
    pub redirect_uris: Vec<String>,
    /// Whether any address of the person's own machine will do besides.
    pub any_loopback_uri: bool,
    pub grants: Vec<GrantView>,
    /// The rest of its registration: name and value.
    pub metadata: Vec<(String, String)>,
}

impl ClientDetails {
    pub fn kind_words(&self) -> &'static str {
        words::kind(self.kind)
    }

    pub fn origin(&self) -> &'static str {
        words::registered_by(self.registered_by)
    }

    pub fn is_machine(&self) -> bool {
        self.kind == ClientKind::Machine
    }

    pub fn secret_age(&self) -> String {
        match self.secret_age_days {
            None => String::new(),
            Some(0) => "made today".to_owned(),
            Some(1) => "1 day old".to_owned(),
            Some(days) => format!("{} days old", words::thousands(days)),
        }
    }
}

/// Field `overlap`: seconds for which the secret in use goes on working. Posts to
/// `…/clients/ID/rotate-secret`.
#[derive(Template)]
#[template(path = "console/rotate_secret.html")]
pub struct RotateSecretPage<'a> {
    pub frame: ConsoleFrame<'a>,
    pub client: Editing,
    pub overlap: String,
    pub problems: Problems,
}

impl RotateSecretPage<'_> {
    pub const OVERLAPS: [(&'static str, &'static str, &'static str); 5] = [
        (
            "0",
            "Not at all",
            "It stops at once. Choose this when it has leaked.",
        ),
        ("3600", "1 hour", "Enough to deploy one program."),
        ("86400", "1 day", "Enough for most teams."),
        (
            "604800",
            "7 days",
            "Where several parties have to change it.",
        ),
        (
            "2592000",
            "30 days",
            "For partners who need a maintenance window.",
        ),
    ];

    /// Where the client is.
    pub fn place(&self) -> String {
        let segment = links::segment(&self.client.id);
        self.frame.at(&format!("clients/{segment}"))
    }

    pub fn is_overlap(&self, value: &str) -> bool {
        self.overlap == value
    }
}
