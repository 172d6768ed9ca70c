//! What a dialect file may say about clients that register themselves (RFC 7591, RFC 7592), and
//! about a vendor's own way to administer clients.

use std::collections::HashMap;
use std::fmt;

use serde::de::{Error as _, MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use serde_json::Value as Json;

use super::schema::{BodyEncoding, ErrorEntry, ErrorResponse, Headers, status};
use super::template::{JsonTemplate, Lookup, TextTemplate, Value};
use super::words::{ClientWord, MemberWord, RandomWord};
use crate::issuer::SubjectType;
use crate::protocol::{
    ApplicationType, ClientAuthMethod, FaultKind, GrantType, MemberKind, MetadataMember,
};

#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct RegistrationShape {
    /// How the body may be encoded: `json`, `form`.
    pub body: Vec<BodyEncoding>,
    /// Whether `clientName` is `ClientName`, as Json.NET has it.
    pub ignore_case_of_members: bool,
    /// The members of a request, in the order that documentation names them. Others are ignored
    /// (RFC 7591 §2).
    pub request: RequestTable,
    /// Members that are not for those who register themselves, and how it is answered when one
    /// of them says anything.
    #[serde(default)]
    pub refuses: HashMap<String, ErrorEntry>,
    pub client_id: TextTemplate<RandomWord>,
    pub client_secret: TextTemplate<RandomWord>,
    /// A registration access token (RFC 7592 §3).
    pub access_token: TextTemplate<RandomWord>,
    /// Whether a client may read, change and delete its registration (RFC 7592).
    pub managed: bool,
    /// Whether each change gives it a new registration access token.
    pub rotates_access_token: bool,
    /// Whether a change must name the client it is of (RFC 7592 §2.2).
    pub update_names_client: bool,
    /// Of a client that names none.
    pub default_auth_method: DefaultAuthMethod,
    pub default_grant_types: Vec<GrantType>,
    pub default_scope: DefaultScope,
    pub default_application_type: DefaultApplicationType,
    /// Whether response types and grant types that are not served here are left out, and not
    /// refused (RFC 7591 §2 allows both).
    pub drops_unsupported_types: bool,
    /// Whether a client that signs users in may have no redirect URI, with which it can do nothing
    /// yet.
    pub redirect_uris_optional: bool,
    pub subject_types: Vec<SubjectType>,
    /// Of the answer to a registration.
    #[serde(deserialize_with = "status")]
    pub status: u16,
    pub headers: Headers<ClientWord>,
    /// Besides those, of the answer to a registration.
    pub created_headers: Headers<ClientWord>,
    /// The answer to a registration, members in this order.
    pub created: JsonTemplate<ClientWord>,
    /// The answer to everything else.
    pub read: JsonTemplate<ClientWord>,
    /// Whether a line feed follows the answer.
    pub ends_with_newline: bool,
    /// What stands before a member's name in `{problems}`.
    pub problem_prefix: String,
    /// What is said of a member that is missing.
    pub missing_member: TextTemplate<MemberWord>,
    /// The shape of errors here, where it is another than elsewhere.
    pub error_response: Option<ErrorResponse>,
    /// Errors that are answered otherwise here than elsewhere.
    #[serde(default)]
    pub errors: HashMap<FaultKind, ErrorEntry>,
    /// What can be done to a client in the vendor's own administration, besides reading, changing
    /// and deleting it, by what follows its ID in the path.
    #[serde(default)]
    pub client_actions: HashMap<ClientAction, String>,
    /// Of the help pages about registration.
    pub help: HelpTexts,
}

/// What a vendor's administration may do to a client.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum ClientAction {
    RotateSecret,
    Lifespans,
}

/// What a help page says besides what follows from the rest.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HelpTexts {
    /// "Clients": what the action belongs to.
    pub group: String,
    /// What the action does.
    pub action: String,
    /// What is good to know before.
    pub introduction: String,
}

/// `any`: whichever the dialect accepts, and the client is held to none.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum DefaultAuthMethod {
    Any,
    Only(ClientAuthMethod),
}

impl<'de> Deserialize<'de> for DefaultAuthMethod {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let name = String::deserialize(deserializer)?;
        if name == "any" {
            return Ok(Self::Any);
        }
        ClientAuthMethod::find(&name)
            .map(Self::Only)
            .ok_or_else(|| {
                D::Error::custom("expected `any`, or a client authentication method like `none`")
            })
    }
}

/// What a client is registered for that names no scope.
#[derive(Debug, Clone, PartialEq, Eq, Deserialize)]
#[serde(untagged)]
pub enum DefaultScope {
    Word(OfferedScope),
    Only(Vec<String>),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum OfferedScope {
    /// Everything that this issuer offers to clients which register themselves.
    Offered,
}

/// The `application_type` of a client that names none.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum DefaultApplicationType {
    Web,
    Native,
    /// `native` when a redirect URI has a scheme of its own.
    Inferred,
}

impl DefaultApplicationType {
    pub const fn fixed(self) -> Option<ApplicationType> {
        match self {
            Self::Web => Some(ApplicationType::Web),
            Self::Native => Some(ApplicationType::Native),
            Self::Inferred => None,
        }
    }
}

/// A member of a registration request.
#[derive(Debug, Clone)]
pub struct RequestMember {
    /// As the vendor calls it.
    pub name: String,
    pub means: MetadataMember,
    /// As the vendor sends it.
    pub kind: MemberKind,
    pub is_required: bool,
    /// What the vendor's values mean; every value means itself when there are none.
    pub values: Vec<(String, String)>,
    /// For people.
    pub description: String,
    pub sample: Option<Json>,
}

/// The members of a registration request, in their order.
#[derive(Debug, Clone)]
pub struct RequestTable(Vec<RequestMember>);

impl RequestTable {
    pub fn iter(&self) -> impl Iterator<Item = &RequestMember> {
        self.0.iter()
    }

    pub fn find(&self, name: &str, ignore_case: bool) -> Option<&RequestMember> {
        self.0.iter().find(|member| {
            member.name == name || (ignore_case && member.name.eq_ignore_ascii_case(name))
        })
    }

    /// What the vendor calls a member; its own name when the vendor doesn't have it.
    pub fn name_of(&self, member: MetadataMember) -> &str {
        self.0
            .iter()
            .find(|known| known.means == member)
            .map_or(member.as_str(), |known| known.name.as_str())
    }
}

impl<'de> Deserialize<'de> for RequestTable {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Members;
        impl<'de> Visitor<'de> for Members {
            type Value = RequestTable;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a table of members")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<RequestTable, A::Error> {
                let mut members = Vec::new();
                while let Some((name, entry)) = map.next_entry::<String, MemberEntry>()? {
                    members.push(entry.named(name).map_err(A::Error::custom)?);
                }
                Ok(RequestTable(members))
            }
        }
        deserializer.deserialize_map(Members)
    }
}

/// [`RequestMember`] as the file has it.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct MemberEntry {
    /// When absent, the member of that name.
    means: Option<MetadataMember>,
    /// When absent, what the specification has.
    kind: Option<MemberKind>,
    #[serde(default)]
    required: bool,
    #[serde(default)]
    values: HashMap<String, String>,
    #[serde(default)]
    description: String,
    sample: Option<Json>,
}

impl MemberEntry {
    fn named(self, name: String) -> Result<RequestMember, String> {
        let means = self.means.or_else(|| MetadataMember::find(&name));
        let Some(means) = means else {
            return Err(format!(
                "`{name}` is no member of RFC 7591; expected means = \"…\" to say what it stands for"
            ));
        };
        let kind = self.kind.unwrap_or(means.kind());
        if !can_stand_for(kind, means.kind()) {
            return Err(format!(
                "`{name}` cannot be of this kind: {} is of another",
                means.as_str()
            ));
        }
        let mut values: Vec<(String, String)> = self.values.into_iter().collect();
        values.sort_unstable();
        Ok(RequestMember {
            name,
            means,
            kind,
            is_required: self.required,
            values,
            description: self.description,
            sample: self.sample,
        })
    }
}

/// Whether a vendor's kind of value can be read as the specification's.
fn can_stand_for(sent: MemberKind, meant: MemberKind) -> bool {
    use MemberKind::{List, Text};
    sent == meant || matches!((sent, meant), (List, Text) | (Text, List))
}

impl RegistrationShape {
    /// What is said of a missing member.
    pub fn missing(&self, member: MetadataMember) -> String {
        struct Named<'a>(&'a str);
        impl Lookup<MemberWord> for Named<'_> {
            fn value(&self, word: MemberWord) -> Value<'_> {
                match word {
                    MemberWord::Member => Value::text(self.0),
                }
            }
        }
        self.missing_member
            .render(&Named(self.request.name_of(member)))
    }
}
