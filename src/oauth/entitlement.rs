//! What a request may be granted: which APIs it means, and which scopes of them.

use super::Refusal;
use crate::account::{Role, StandardScope};
use crate::dialect::{
    AudienceMatching, AudienceParameter, AudiencePolicy, Dialect, MissingAudience, MissingScope,
    ScopeNotGranted,
};
use crate::issuer::{Api, Client, ClientGrant};
use crate::protocol::{Fault, MalformedScope, Parameters, Scope, is_vschar, parameter};

/// Who the token will speak for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Actor {
    /// The client itself.
    Machine,
    /// Some user, whose roles come later.
    User,
}

/// What a request asks for, as far as it says.
pub struct Asked {
    /// `None` when the request names none.
    pub scope: Option<Scope>,
    pub audience: Vec<String>,
}

/// More audiences in one token than anybody has a use for.
const MOST_AUDIENCES: usize = 8;

impl Asked {
    /// # Errors
    /// `MalformedScope`, `MalformedAudience`, `TooManyAudiences`.
    pub fn parse(dialect: &Dialect, parameters: &Parameters) -> Result<Self, Fault> {
        let scope = match parameters.find(parameter::SCOPE) {
            Some(scope) if dialect.scope.is_read => Some(parse_scope(scope)?),
            _ => None,
        };
        Ok(Self {
            scope: scope.filter(|scope| !scope.is_empty()),
            audience: requested_audience(&dialect.audience, parameters)?,
        })
    }
}

pub fn parse_scope(scope: &str) -> Result<Scope, Fault> {
    scope
        .parse()
        .map_err(|malformed: MalformedScope| Fault::MalformedScope { scope: malformed.0 })
}

/// The audiences a request names, each once, checked for form and number.
fn requested_audience(
    policy: &AudiencePolicy,
    parameters: &Parameters,
) -> Result<Vec<String>, Fault> {
    let mut audience: Vec<String> = Vec::new();
    for source in &policy.parameters {
        let given = parameters.all(source.as_str());
        let values: Vec<&str> = match source {
            // Hydra takes several in one value as well; a URI has no space.
            AudienceParameter::Audience if policy.multiple => {
                given.flat_map(str::split_whitespace).collect()
            }
            _ => given.collect(),
        };
        for value in values {
            let is_uri = !policy.must_be_uri || is_absolute_uri_without_fragment(value);
            // Whatever else an audience may be, it must fit into a header for forward-auth.
            if !is_uri || !is_vschar(value) || value.contains(' ') {
                return Err(Fault::MalformedAudience {
                    audience: value.to_owned(),
                });
            }
            if !audience.iter().any(|known| known == value) {
                audience.push(value.to_owned());
            }
        }
    }
    let most = if policy.multiple { MOST_AUDIENCES } else { 1 };
    if audience.len() > most {
        return Err(Fault::TooManyAudiences);
    }
    Ok(audience)
}

/// RFC 8707 §2.
fn is_absolute_uri_without_fragment(text: &str) -> bool {
    url::Url::parse(text).is_ok_and(|uri| uri.fragment().is_none())
}

/// An API together with what the client may do there.
#[derive(Clone, Copy)]
struct Granted<'a> {
    api: &'a Api,
    grant: &'a ClientGrant,
    actor: Actor,
}

/// The APIs a client was granted, and on whose behalf it asks.
pub struct Entitlement<'a> {
    policy: &'a AudiencePolicy,
    apis: &'a [Api],
    client: &'a Client,
    granted: Vec<Granted<'a>>,
}

/// The outcome of reading a request against what the client was granted.
pub struct Resolved<'a> {
    pub audience: Vec<String>,
    pub apis: Vec<&'a Api>,
    pub scope: Scope,
}

impl Granted<'_> {
    fn allows(&self, scope: &str) -> bool {
        match self.actor {
            Actor::Machine => self.grant.allows_machine(self.api, scope),
            Actor::User => self.grant.allows_user(self.api, scope),
        }
    }

    fn everything(&self) -> Scope {
        match self.actor {
            Actor::Machine => self.grant.machine_scope(self.api),
            Actor::User => self.grant.user_scope(self.api),
        }
    }
}

impl<'a> Entitlement<'a> {
    pub fn new(dialect: &'a Dialect, apis: &'a [Api], client: &'a Client, actor: Actor) -> Self {
        let granted = client.grants.iter().filter_map(|grant| {
            let api = apis.iter().find(|api| api.id == grant.api_id)?;
            Some(Granted { api, grant, actor })
        });
        Self {
            policy: &dialect.audience,
            apis,
            client,
            granted: granted.collect(),
        }
    }

    /// Whether a scope is of no API, and the client may ask for it.
    fn is_identity(&self, dialect: &Dialect, scope: &str) -> bool {
        dialect.is_identity_scope(scope) && self.client.may_ask_for(scope)
    }

    /// Which APIs are meant, and with which scope. All of the scope must be granted.
    pub fn resolve(
        &self,
        asked: Asked,
        when_scope_missing: MissingScope,
    ) -> Result<Resolved<'a>, Fault> {
        if !asked.audience.is_empty() {
            let pool = self.find_all(&asked.audience)?;
            let scope = self.resolve_scope(when_scope_missing, &pool, asked.scope)?;
            return Ok(Resolved {
                audience: asked.audience,
                apis: pool.iter().map(|granted| granted.api).collect(),
                scope,
            });
        }
        match self.policy.when_missing {
            MissingAudience::Refuse => Err(Fault::MissingAudience),
            MissingAudience::Empty => Ok(Resolved {
                audience: Vec::new(),
                apis: Vec::new(),
                scope: self.resolve_scope(when_scope_missing, &self.granted, asked.scope)?,
            }),
            MissingAudience::Single => {
                let only = self.single_api(asked.scope.as_ref())?;
                Ok(Resolved {
                    audience: vec![only.api.audience.clone()],
                    apis: vec![only.api],
                    scope: self.resolve_scope(when_scope_missing, &[only], asked.scope)?,
                })
            }
            MissingAudience::FromScope => {
                let scope = self.resolve_scope(when_scope_missing, &self.granted, asked.scope)?;
                let apis = self.apis_of(&scope);
                Ok(Resolved {
                    audience: apis.iter().map(|api| api.audience.clone()).collect(),
                    apis,
                    scope,
                })
            }
        }
    }

    /// The same for a user's token: an API need not be meant at all, and identity scopes, which
    /// are of none, come first.
    pub fn resolve_for_user(&self, dialect: &Dialect, asked: Asked) -> Result<Resolved<'a>, Fault> {
        let policy = &dialect.authorization;
        let Some(requested) = asked.scope else {
            let means_an_api = !asked.audience.is_empty()
                || (policy.when_scope_missing == MissingScope::All && !self.granted.is_empty());
            if policy.when_scope_missing == MissingScope::Refuse {
                return Err(Fault::MissingScope);
            }
            return if means_an_api {
                self.resolve(asked, policy.when_scope_missing)
            } else {
                Ok(Resolved::nothing())
            };
        };
        let mut of_apis = requested.retain(|scope| !self.is_identity(dialect, scope));
        if policy.scope_not_granted == ScopeNotGranted::Drop {
            let known = self.find_all(&asked.audience)?;
            of_apis = of_apis.retain(|scope| is_granted(&known, scope));
        }
        let has_audience = !asked.audience.is_empty();
        let mut resolved = if of_apis.is_empty() && !has_audience {
            Resolved::nothing()
        } else {
            let asked = Asked {
                scope: Some(of_apis).filter(|scope| !scope.is_empty()),
                audience: asked.audience,
            };
            self.resolve(asked, MissingScope::None)?
        };
        let allowed = resolved.scope;
        resolved.scope =
            requested.retain(|scope| self.is_identity(dialect, scope) || allowed.contains(scope));
        Ok(resolved)
    }

    /// The APIs a token is for that is about to be made: those it names, or what the dialect
    /// makes of its scope.
    pub fn apis_for(&self, audience: &[String], scope: &Scope) -> Result<Vec<&'a Api>, Refusal> {
        if !audience.is_empty() {
            let found = self.find_all(audience)?;
            return Ok(found.iter().map(|granted| granted.api).collect());
        }
        Ok(match self.policy.when_missing {
            MissingAudience::FromScope => self.apis_of(scope),
            MissingAudience::Refuse | MissingAudience::Empty | MissingAudience::Single => {
                Vec::new()
            }
        })
    }

    /// What is left of `scope` for a user with these roles: what the client may have, and where
    /// the API wants a role for it, one of the roles holds. Without an audience, scopes of any
    /// API that the client was granted count.
    pub fn permitted(
        &self,
        dialect: &Dialect,
        audience: &[String],
        scope: &Scope,
        roles: &[&Role],
    ) -> Scope {
        let pool = if audience.is_empty() {
            self.granted.clone()
        } else {
            self.find_all(audience).unwrap_or_default()
        };
        scope.retain(|scope| {
            self.is_identity(dialect, scope)
                || (is_granted(&pool, scope)
                    && pool
                        .iter()
                        .filter(|granted| granted.api.has_scope(scope))
                        .all(|granted| holds(granted.api, scope, roles)))
        })
    }

    /// The APIs of an audience, or, without one, every API that the client was granted.
    pub fn apis_meant(&self, audience: &[String]) -> Result<Vec<&'a Api>, Refusal> {
        let pool = if audience.is_empty() {
            self.granted.clone()
        } else {
            self.find_all(audience)?
        };
        Ok(pool.iter().map(|granted| granted.api).collect())
    }

    fn apis_of(&self, scope: &Scope) -> Vec<&'a Api> {
        self.granted
            .iter()
            .filter(|granted| scope.tokens().iter().any(|token| granted.allows(token)))
            .map(|granted| granted.api)
            .collect()
    }

    fn find_all(&self, audience: &[String]) -> Result<Vec<Granted<'a>>, Fault> {
        audience
            .iter()
            .map(|audience| self.find(audience))
            .collect()
    }

    /// The granted API an audience means. Of several that match by prefix the longest is meant,
    /// so that a grant for `https://api` is none for an API of its own at `https://api/billing`.
    fn find(&self, audience: &str) -> Result<Granted<'a>, Fault> {
        let meant = self
            .apis
            .iter()
            .filter(|api| match self.policy.matching {
                AudienceMatching::Exact => api.audience == audience,
                AudienceMatching::Prefix => is_at_or_below(audience, &api.audience),
            })
            .max_by_key(|api| api.audience.len())
            .ok_or_else(|| Fault::UnknownAudience {
                audience: audience.to_owned(),
            })?;
        self.granted
            .iter()
            .find(|granted| granted.api.id == meant.id)
            .copied()
            .ok_or_else(|| Fault::AudienceNotGranted {
                audience: audience.to_owned(),
            })
    }

    /// The one API a request without audience can only mean.
    fn single_api(&self, scope: Option<&Scope>) -> Result<Granted<'a>, Fault> {
        match self.granted.as_slice() {
            [] => return Err(Fault::NoApiGranted),
            [only] => return Ok(*only),
            _ => {}
        }
        let Some(scope) = scope else {
            return Err(Fault::AmbiguousAudience);
        };
        let nowhere = scope.retain(|token| !self.granted.iter().any(|own| own.allows(token)));
        if !nowhere.is_empty() {
            return Err(self.refusal(nowhere));
        }
        let mut fitting = self
            .granted
            .iter()
            .filter(|granted| scope.tokens().iter().all(|token| granted.allows(token)));
        match (fitting.next(), fitting.next()) {
            (Some(only), None) => Ok(*only),
            _ => Err(Fault::AmbiguousAudience),
        }
    }

    /// The scope of the token: what was asked for, all of which must be granted by one of these.
    fn resolve_scope(
        &self,
        when_missing: MissingScope,
        pool: &[Granted<'_>],
        requested: Option<Scope>,
    ) -> Result<Scope, Fault> {
        match requested {
            Some(scope) => {
                let denied = scope.retain(|token| !is_granted(pool, token));
                if denied.is_empty() {
                    Ok(scope)
                } else {
                    Err(self.refusal(denied))
                }
            }
            None => match when_missing {
                MissingScope::Refuse => Err(Fault::MissingScope),
                MissingScope::None => Ok(Scope::default()),
                MissingScope::All => {
                    let mut all = Scope::default();
                    for granted in pool {
                        all.extend(&granted.everything());
                    }
                    Ok(all.retain(|token| is_granted(pool, token)))
                }
            },
        }
    }

    /// Why a scope cannot be had: no API knows some of it, or the client was not granted it.
    fn refusal(&self, denied: Scope) -> Fault {
        let unknown = denied.retain(|scope| !self.apis.iter().any(|api| api.has_scope(scope)));
        if unknown.is_empty() {
            Fault::ScopeNotGranted { scope: denied }
        } else {
            Fault::UnknownScope { scope: denied }
        }
    }
}

impl Resolved<'_> {
    fn nothing() -> Self {
        Self {
            audience: Vec::new(),
            apis: Vec::new(),
            scope: Scope::default(),
        }
    }
}

/// Whether a user with these roles may have a scope of the API.
fn holds(api: &Api, scope: &str, roles: &[&Role]) -> bool {
    let needs_role = api.find_scope(scope).is_some_and(|scope| scope.needs_role);
    !needs_role || roles.iter().any(|role| role.holds(api.id, scope))
}

/// Everything that roles hold at these APIs, whatever was asked for.
pub fn permissions(apis: &[&Api], roles: &[&Role]) -> Vec<String> {
    apis.iter()
        .flat_map(|api| api.scopes.iter().map(move |scope| (api, scope)))
        .filter(|(api, scope)| roles.iter().any(|role| role.holds(api.id, &scope.name)))
        .map(|(_, scope)| scope.name.clone())
        .collect()
}

impl Dialect {
    /// Whether a scope is OpenID Connect's, or stands for a refresh token: of no API.
    pub fn is_identity_scope(&self, scope: &str) -> bool {
        StandardScope::find(scope).is_some() || self.is_offline_scope(scope)
    }

    /// Whether a scope asks for a refresh token.
    pub fn is_offline_scope(&self, scope: &str) -> bool {
        self.refresh_token.scopes.iter().any(|own| own == scope)
    }
}

/// Whether `uri` is `base` or a path below it. Only at a slash: `https://api.example.evil` must
/// not pass for `https://api.example`.
fn is_at_or_below(uri: &str, base: &str) -> bool {
    match uri.strip_prefix(base) {
        Some(rest) => rest.is_empty() || base.ends_with('/') || rest.starts_with('/'),
        None => false,
    }
}

/// Whether one of the APIs grants this scope, and no other that knows a scope of that name denies
/// it: what a client may do at one API must not work at another because they share a token.
fn is_granted(pool: &[Granted<'_>], scope: &str) -> bool {
    let mut knowing = pool.iter().filter(|granted| granted.api.has_scope(scope));
    pool.iter().any(|granted| granted.allows(scope)) && knowing.all(|granted| granted.allows(scope))
}

#[cfg(test)]
mod tests {
    use super::is_at_or_below;

    #[test]
    fn a_prefix_ends_at_a_slash() {
        assert!(is_at_or_below("https://api.example", "https://api.example"));
        assert!(is_at_or_below(
            "https://api.example/v1",
            "https://api.example"
        ));
        assert!(is_at_or_below(
            "https://api.example/v1",
            "https://api.example/"
        ));
        assert!(!is_at_or_below(
            "https://api.example.evil",
            "https://api.example"
        ));
        assert!(!is_at_or_below("https://api", "https://api.example"));
    }
}
