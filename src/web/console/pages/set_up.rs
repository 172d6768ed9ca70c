use askama::Template;

use super::Problems;
use crate::web::pages::Frame;

/// The first administrator makes an account, by the link that the first start prints. Fields
/// `username`, `name`, `email`, `new_password`, `repeated_password`, and the hidden `token`.
#[derive(Template)]
#[template(path = "set_up.html")]
pub struct SetUpPage<'a> {
    pub frame: Frame<'a>,
    pub csrf: String,
    /// Where it is posted to.
    pub action: String,
    pub token: String,
    pub fields: SetUpFields,
    pub problems: Problems,
    /// Whether the link is not, or no longer, good: then there is no form.
    pub is_closed: bool,
}

#[derive(Debug, Clone, Default)]
pub struct SetUpFields {
    pub username: String,
    pub name: String,
    pub email: String,
}
