use serde::Deserialize;
use toml::Spanned;

/// `[[issuer.resource]]`: a sample protected resource, so that a token can be tried out.
#[derive(Debug, Clone, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct ResourceDeclaration {
    /// Below the issuer's own path.
    pub path: Spanned<String>,
    #[serde(default = "get")]
    pub methods: Vec<ResourceMethod>,
    /// What a token needs, all of it.
    pub scope: Spanned<String>,
    /// Which audiences a token may be for; any when empty.
    #[serde(default)]
    pub audience: Vec<String>,
    /// See `oauth::access_token::Requirement`.
    #[serde(default)]
    pub unscoped_means_every_permission: bool,
    /// Whether `Authorization: <token>`, without `Bearer`, is understood as well.
    #[serde(default)]
    pub accepts_bare_token: bool,
    /// Headers that may carry the bare token instead of `Authorization`.
    #[serde(default)]
    pub token_headers: Vec<String>,
    /// Headers a page may send besides.
    #[serde(default)]
    pub allow_headers: Vec<String>,
    #[serde(default = "json")]
    pub content_type: String,
    pub body: String,
}

/// How a sample resource may be asked for.
#[derive(Debug, Clone, Copy, Deserialize)]
#[serde(rename_all = "UPPERCASE")]
pub enum ResourceMethod {
    Get,
    Post,
}

impl ResourceMethod {
    /// The HTTP methods that are meant.
    pub const fn names(self) -> &'static [&'static str] {
        match self {
            Self::Get => &["GET", "HEAD"],
            Self::Post => &["POST"],
        }
    }
}

fn get() -> Vec<ResourceMethod> {
    vec![ResourceMethod::Get]
}

fn json() -> String {
    "application/json".to_owned()
}
