//! APIs and scopes to tick, in the forms of clients and roles.

use super::pages::{GrantChoice, GrantView, ScopeChoice};
use crate::admin::forms::{All, GrantForm, ScopesForm};
use crate::issuer::Api;
use crate::web::visit::Fields;

/// Every API with its scopes; ticked is what is granted.
pub fn choices(apis: &[Api], granted: &[GrantForm]) -> Vec<GrantChoice> {
    apis.iter()
        .map(|api| {
            let grant = granted.iter().find(|grant| grant.audience == api.audience);
            let is_everything = matches!(
                grant,
                Some(GrantForm {
                    scopes: ScopesForm::All(All::All),
                    ..
                })
            );
            let is_checked = |name: &String| match grant.map(|grant| &grant.scopes) {
                Some(ScopesForm::Only(names)) => names.contains(name),
                _ => false,
            };
            GrantChoice {
                api_id: api.id.to_string(),
                name: api.name.clone(),
                audience: api.audience.clone(),
                is_everything,
                is_bare: matches!(
                    grant.map(|grant| &grant.scopes),
                    Some(ScopesForm::Only(names)) if names.is_empty()
                ),
                scopes: api
                    .scopes
                    .iter()
                    .map(|scope| ScopeChoice {
                        is_checked: is_checked(&scope.name),
                        name: scope.name.clone(),
                        description: scope.description.clone(),
                        users_only: scope.users_only,
                        needs_role: scope.needs_role,
                    })
                    .collect(),
            }
        })
        .collect()
}

/// What was ticked, in the order of the APIs.
pub fn read(fields: &Fields, apis: &[Api]) -> Vec<GrantForm> {
    apis.iter()
        .filter_map(|api| {
            let id = api.id.to_string();
            if fields.all("everything").any(|everything| everything == id) {
                return Some(GrantForm {
                    audience: api.audience.clone(),
                    scopes: ScopesForm::All(All::All),
                });
            }
            let names: Vec<String> = fields
                .all("scope")
                .filter_map(|ticked| ticked.split_once(' '))
                .filter(|(api_id, _)| *api_id == id)
                .map(|(_, scope)| scope.to_owned())
                .collect();
            let is_bare = fields.all("bare").any(|bare| bare == id);
            (is_bare || !names.is_empty()).then(|| GrantForm {
                audience: api.audience.clone(),
                scopes: ScopesForm::Only(names),
            })
        })
        .collect()
}

/// What is granted, for reading.
pub fn views(apis: &[Api], granted: &[GrantForm]) -> Vec<GrantView> {
    granted
        .iter()
        .filter_map(|grant| {
            let api = apis.iter().find(|api| api.audience == grant.audience)?;
            let (is_everything, scopes) = match &grant.scopes {
                ScopesForm::All(All::All) => (true, Vec::new()),
                ScopesForm::Only(names) => (false, names.clone()),
            };
            Some(GrantView {
                api_id: api.id.to_string(),
                api_name: api.name.clone(),
                audience: api.audience.clone(),
                is_everything,
                scopes,
            })
        })
        .collect()
}
