use std::collections::HashSet;

use super::{Check, is_description};
use crate::config::declaration::ApiDeclaration;
use crate::dialect::{Dialect, TokenFormat};
use crate::protocol::{Scope, SigningAlg, is_vschar};

/// Ten years; longer is a typo in a unit.
const LONGEST_LIFETIME: u64 = 10 * 366 * 24 * 3600;

impl Check<'_> {
    pub(super) fn apis(&mut self, apis: &[ApiDeclaration], dialect: &Dialect, algs: &[SigningAlg]) {
        let mut audiences = HashSet::new();
        for api in apis {
            if !audiences.insert(api.audience.get_ref()) {
                let audience = api.audience.get_ref();
                self.add(&api.audience, format!("API `{audience}` is declared twice"));
            }
            self.signing_alg(&api.signing_alg, algs);
            let format = api.token_format.unwrap_or(dialect.access_token.format);
            if format == TokenFormat::Jwt && algs.is_empty() {
                self.add(
                    &api.audience,
                    "its tokens are JWTs, but the issuer has no key; give the issuer signing_algs",
                );
            }
            self.api(api);
        }
        self.users_only_everywhere(apis);
        if dialect.audience.multiple {
            self.scopes_of_one_api(apis);
        }
    }

    fn api(&mut self, api: &ApiDeclaration) {
        let audience = api.audience.get_ref();
        if !is_vschar(audience) || audience.contains(' ') {
            self.add(
                &api.audience,
                "an audience is printable ASCII without spaces, usually a URI",
            );
        }
        self.display_name("an API's name", &api.name);
        if let Some(lifetime) = &api.token_lifetime
            && !(1..=LONGEST_LIFETIME).contains(lifetime.get_ref())
        {
            self.add(
                lifetime,
                format!("expected seconds, from 1 to {LONGEST_LIFETIME}"),
            );
        }
        let mut names = HashSet::new();
        for scope in &api.scopes {
            let name = scope.get_ref().name.as_str();
            if let Err(malformed) = Scope::from_tokens([name]) {
                self.add(scope, malformed.to_string());
            }
            if !names.insert(name) {
                self.add(scope, format!("scope `{name}` is declared twice"));
            }
            let described = &scope.get_ref().description;
            for text in std::iter::once(&described.text).chain(described.translations.values()) {
                self.text(scope, "a scope's description", is_description(text));
            }
        }
    }

    /// Where one token may be for several APIs, a scope's name must say which API it is of: what
    /// a client may do at one would work at the other.
    fn scopes_of_one_api(&mut self, apis: &[ApiDeclaration]) {
        let mut known = HashSet::new();
        for api in apis {
            for scope in &api.scopes {
                let name = scope.get_ref().name.as_str();
                if !known.insert(name) {
                    self.add(
                        scope,
                        format!(
                            "two APIs have a scope `{name}`, and in this dialect one token may be for both; give them different names"
                        ),
                    );
                }
            }
        }
    }

    /// A scope that is for users only at one API and not at another of the same issuer is a
    /// mark somebody forgot, and a way for machines to get what they must not have.
    fn users_only_everywhere(&mut self, apis: &[ApiDeclaration]) {
        let scopes = || {
            apis.iter()
                .flat_map(|api| api.scopes.iter().map(move |scope| (api, scope)))
        };
        for (marked_at, marked) in scopes().filter(|(_, scope)| scope.get_ref().users_only) {
            for (api, scope) in scopes() {
                let name = scope.get_ref().name.as_str();
                if name == marked.get_ref().name && !scope.get_ref().users_only {
                    self.add(
                        scope,
                        format!(
                            "scope `{name}` is for users only at API `{}` but not at `{}`, where machines could get it; mark it users_only here too",
                            marked_at.audience.get_ref(),
                            api.audience.get_ref()
                        ),
                    );
                }
            }
        }
    }
}
