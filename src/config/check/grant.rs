use std::collections::HashSet;

use super::Check;
use crate::config::declaration::{ApiDeclaration, GrantDeclaration, ScopesDeclaration};
use crate::source::suggest;

impl Check<'_> {
    /// The grants of a client or role, which `of` names.
    pub(super) fn grants(
        &mut self,
        of: &str,
        grants: &[GrantDeclaration],
        apis: &[ApiDeclaration],
        is_machine: bool,
    ) {
        let mut audiences = HashSet::new();
        for grant in grants {
            if !audiences.insert(grant.audience.get_ref()) {
                let audience = grant.audience.get_ref();
                self.add(
                    &grant.audience,
                    format!("{of} has two grants for `{audience}`"),
                );
            }
            self.grant(of, grant, apis, is_machine);
        }
    }

    fn grant(
        &mut self,
        of: &str,
        grant: &GrantDeclaration,
        apis: &[ApiDeclaration],
        is_machine: bool,
    ) {
        let audience = grant.audience.get_ref();
        let Some(api) = apis.iter().find(|api| api.audience.get_ref() == audience) else {
            let known = apis.iter().map(|api| api.audience.get_ref().as_str());
            self.add(
                &grant.audience,
                format!(
                    "the issuer has no API `{audience}`; {}",
                    suggest(audience, known)
                ),
            );
            return;
        };
        let ScopesDeclaration::Only(names) = &grant.scopes else {
            return;
        };
        for name in names {
            let scopes = || api.scopes.iter().map(|scope| scope.get_ref());
            match scopes().find(|scope| scope.name == *name.get_ref()) {
                None => {
                    let known = scopes().map(|scope| scope.name.as_str());
                    self.add(
                        name,
                        format!(
                            "API `{audience}` has no scope `{}`; {}",
                            name.get_ref(),
                            suggest(name.get_ref(), known)
                        ),
                    );
                }
                Some(scope) if scope.users_only && is_machine => {
                    self.add(
                        name,
                        format!(
                            "machine {of} is granted `{}`, which is for users only: no machine may have it. Remove it from the grant.",
                            name.get_ref()
                        ),
                    );
                }
                Some(_) => {}
            }
        }
    }
}
