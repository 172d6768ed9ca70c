use toml::Spanned;

use super::Check;
use crate::issuer::{check_redirect_uri, is_web_uri};

impl Check<'_> {
    pub(super) fn redirect_uri(&mut self, uri: &Spanned<String>) {
        if let Err(message) = check_redirect_uri(uri.get_ref()) {
            self.add(uri, message);
        }
    }

    pub(super) fn web_uri(&mut self, uri: &Option<Spanned<String>>) {
        if let Some(uri) = uri
            && !is_web_uri(uri.get_ref())
        {
            self.add(uri, "expected an absolute http or https URI");
        }
    }
}
