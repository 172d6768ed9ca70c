//! Which scopes a client may be given, and by whom.

use crate::account::StandardScope;
use crate::dialect::{DefaultScope, Dialect};
use crate::issuer::{Api, Client, ClientGrant, GrantedScope};
use crate::protocol::{GrantType, MetadataMember as Member, MetadataProblem, Scope};

/// By whose leave a client comes into being. It decides which scopes of APIs it may have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Leave {
    /// Nobody's: whoever comes may register. What users must allow by themselves is offered, and
    /// to what acts for itself, nothing: with `client_credentials` a stranger would read
    /// everybody's data a second after registering.
    Nobodys,
    /// Of whoever gave it an initial access token.
    TokenHolders,
    /// An administrator's: everything.
    Administrators,
}

/// Those a client has already, besides what is offered.
pub struct Offer<'a> {
    pub leave: Leave,
    pub dialect: &'a Dialect,
    pub apis: &'a [Api],
    /// The client before it is changed.
    pub previous: Option<&'a Client>,
}

impl Offer<'_> {
    /// Whether a scope of an API may be given to a client with these grant types.
    fn allows(&self, api: &Api, scope: &str, grant_types: &[GrantType]) -> bool {
        let Some(known) = api.find_scope(scope) else {
            return false;
        };
        let is_privileged = known.users_only || known.needs_role;
        let acts_for_itself = grant_types.contains(&GrantType::ClientCredentials);
        let is_offered = match self.leave {
            Leave::Nobodys => !is_privileged && !acts_for_itself,
            Leave::TokenHolders => !is_privileged,
            Leave::Administrators => {
                let is_for_users = grant_types.contains(&GrantType::AuthorizationCode);
                !known.users_only || is_for_users
            }
        };
        is_offered || self.has_already(api, scope, acts_for_itself)
    }

    /// What a client has it keeps; but what it has in its users' names, it does not get for
    /// itself by asking for another grant type.
    fn has_already(&self, api: &Api, scope: &str, acts_for_itself: bool) -> bool {
        self.previous.is_some_and(|previous| {
            let acted = previous.grant_types.contains(&GrantType::ClientCredentials);
            let granted = previous.grants.iter().find(|grant| grant.api_id == api.id);
            (acted || !acts_for_itself)
                && granted.is_some_and(|grant| grant.allows_user(api, scope))
        })
    }

    /// The grants, and the registered scope in its order, for what is asked.
    ///
    /// # Errors
    /// What cannot be given, and why.
    pub fn take(
        &self,
        asked: Option<&str>,
        audience: Option<&[String]>,
        grant_types: &[GrantType],
    ) -> Result<(Vec<ClientGrant>, Option<Vec<String>>), MetadataProblem> {
        let problem = |message: String| MetadataProblem::new(Member::Scope, message);
        if let Some(unknown) = audience
            .unwrap_or_default()
            .iter()
            .find(|name| !self.apis.iter().any(|api| api.audience == **name))
        {
            let message = format!("has {}, which is no API here", printable(unknown));
            return Err(MetadataProblem::new(Member::Audience, message));
        }
        let default = match &self.dialect.registration.default_scope {
            DefaultScope::Only(names) => Some(names.join(" ")),
            DefaultScope::Word(_) => None,
        };
        let asked = asked.map(str::to_owned).or(default);
        let Some(asked) = asked else {
            return Ok((self.everything(audience, grant_types), None));
        };
        let asked: Scope = asked
            .parse()
            .map_err(|_| problem("has a character that RFC 6749 §3.3 does not allow".to_owned()))?;
        let mut grants: Vec<ClientGrant> = Vec::new();
        for name in asked.tokens() {
            if self.dialect.is_identity_scope(name) {
                continue;
            }
            let knowing = || self.apis_meant(audience).filter(|api| api.has_scope(name));
            if knowing().next().is_none() {
                return Err(problem(format!(
                    "has {}, which there is not",
                    printable(name)
                )));
            }
            let allowed = knowing().filter(|api| self.allows(api, name, grant_types));
            let mut is_given = false;
            for api in allowed {
                add(&mut grants, api, name);
                is_given = true;
            }
            if !is_given {
                return Err(problem(self.why_not(name, grant_types)));
            }
        }
        Ok((grants, Some(asked.tokens().to_vec())))
    }

    fn why_not(&self, scope: &str, grant_types: &[GrantType]) -> String {
        let acts_for_itself = grant_types.contains(&GrantType::ClientCredentials);
        if acts_for_itself && self.leave == Leave::Nobodys {
            format!(
                "has {scope}, which a client with grant type client_credentials gets from an administrator, or with an initial access token"
            )
        } else {
            format!("has {scope}, which is not offered to clients that register themselves")
        }
    }

    fn apis_meant(&self, audience: Option<&[String]>) -> impl Iterator<Item = &Api> {
        let named = audience.unwrap_or_default();
        self.apis
            .iter()
            .filter(move |api| named.is_empty() || named.contains(&api.audience))
    }

    /// Everything that is offered.
    fn everything(
        &self,
        audience: Option<&[String]>,
        grant_types: &[GrantType],
    ) -> Vec<ClientGrant> {
        let mut grants = Vec::new();
        for api in self.apis_meant(audience) {
            for scope in &api.scopes {
                if self.allows(api, &scope.name, grant_types) {
                    add(&mut grants, api, &scope.name);
                }
            }
        }
        grants
    }
}

fn add(grants: &mut Vec<ClientGrant>, api: &Api, scope: &str) {
    let Ok(scope) = Scope::from_tokens([scope]) else {
        return;
    };
    match grants.iter_mut().find(|grant| grant.api_id == api.id) {
        Some(ClientGrant {
            scope: GrantedScope::Only(only),
            ..
        }) => only.extend(&scope),
        Some(_) => {}
        None => grants.push(ClientGrant {
            api_id: api.id,
            scope: GrantedScope::Only(scope),
        }),
    }
}

/// What somebody sent, for a message.
fn printable(text: &str) -> String {
    const LONGEST: usize = 60;
    text.chars()
        .take(LONGEST)
        .map(|c| if c.is_ascii_graphic() { c } else { '?' })
        .collect()
}

/// What a client may ask for, identity scopes first unless it was registered in another order.
pub fn scope_of(client: &Client, dialect: &Dialect, apis: &[Api]) -> Vec<String> {
    let signs_users_in = client.grant_types.contains(&GrantType::AuthorizationCode);
    let mut held: Vec<String> = Vec::new();
    let mut hold = |name: &str| {
        if !held.iter().any(|known| known == name) {
            held.push(name.to_owned());
        }
    };
    if signs_users_in {
        let offline = dialect.refresh_token.scopes.iter().map(String::as_str);
        let identity = StandardScope::ALL.iter().map(|scope| scope.as_str());
        for name in identity.chain(offline) {
            if client.may_ask_for(name) {
                hold(name);
            }
        }
    }
    for grant in &client.grants {
        if let Some(api) = apis.iter().find(|api| api.id == grant.api_id) {
            let scope = if signs_users_in {
                grant.user_scope(api)
            } else {
                grant.machine_scope(api)
            };
            scope.tokens().iter().for_each(|name| hold(name));
        }
    }
    let Some(registered) = &client.metadata.scope else {
        return held;
    };
    // A client that acts for itself has no use for identity scopes, but was registered with them.
    let is_kept = |name: &String| held.contains(name) || dialect.is_identity_scope(name);
    let mut scope: Vec<String> = registered.iter().filter(|n| is_kept(n)).cloned().collect();
    let added = held.into_iter().filter(|name| !registered.contains(name));
    scope.extend(added.collect::<Vec<_>>());
    scope
}
