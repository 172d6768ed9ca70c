use std::collections::HashSet;

use super::Check;
use crate::config::declaration::{ApiDeclaration, IssuerDeclaration, ResourceDeclaration};
use crate::dialect::{Dialect, FORWARD_AUTH, is_header_name, is_header_value, page_at};
use crate::protocol::Scope;
use crate::source::suggest;

impl Check<'_> {
    pub(super) fn resources(&mut self, issuer: &IssuerDeclaration, dialect: &Dialect) {
        let mut paths: HashSet<String> = dialect
            .endpoints
            .iter()
            .map(|(_, path)| dialect.path_key(path))
            .collect();
        paths.insert(FORWARD_AUTH.to_owned());
        for resource in &issuer.resources {
            let path = dialect.path_key(resource.path.get_ref());
            if let Some(page) = page_at(&path) {
                self.add(
                    &resource.path,
                    format!("`{page}` is a page of the issuer's users"),
                );
            }
            if !paths.insert(path) {
                self.add(
                    &resource.path,
                    "this path is an endpoint of the issuer, or another resource's",
                );
            }
            self.resource(resource, &issuer.apis);
        }
    }

    fn resource(&mut self, resource: &ResourceDeclaration, apis: &[ApiDeclaration]) {
        let path = resource.path.get_ref();
        let is_plain = |byte: u8| byte.is_ascii_graphic() && !b"?#".contains(&byte);
        if !path.starts_with('/') || !path.bytes().all(is_plain) {
            self.add(&resource.path, "expected a path, like \"/patients\"");
        }
        match resource.scope.get_ref().parse::<Scope>() {
            Err(malformed) => self.add(&resource.scope, malformed.to_string()),
            Ok(scope) => {
                for name in scope.tokens() {
                    let known = || {
                        apis.iter().flat_map(|api| {
                            api.scopes.iter().map(|scope| scope.get_ref().name.as_str())
                        })
                    };
                    if !known().any(|known| known == name) {
                        self.add(
                            &resource.scope,
                            format!(
                                "no API of the issuer has a scope `{name}`; {}",
                                suggest(name, known())
                            ),
                        );
                    }
                }
            }
        }
        let headers = resource.token_headers.iter().chain(&resource.allow_headers);
        for name in headers.filter(|name| !is_header_name(name)) {
            self.add(&resource.path, format!("{name:?} is not a header name"));
        }
        if !is_header_value(&resource.content_type) {
            self.add(&resource.path, "content_type is not printable ASCII");
        }
    }
}
