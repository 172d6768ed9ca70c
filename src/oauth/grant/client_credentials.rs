//! Client credentials (RFC 6749 §4.4): a machine gets a token for itself.

use crate::dialect::{
    AudienceMatching, AudienceParameter, AudiencePolicy, Dialect, MissingAudience, MissingScope,
};
use crate::issuer::{Api, Client, ClientGrant};
use crate::oauth::issuance::Issue;
use crate::oauth::{Authority, Refusal, TokenResponse};
use crate::protocol::{Fault, GrantType, MalformedScope, Parameters, Scope, is_vschar, parameter};

/// What the client asks for.
pub struct Request {
    scope: Option<Scope>,
    audience: Vec<String>,
}

/// More audiences in one token than anybody has a use for.
const MOST_AUDIENCES: usize = 8;

/// An API together with what the client may do there.
#[derive(Clone, Copy)]
struct Granted<'a> {
    api: &'a Api,
    grant: &'a ClientGrant,
}

/// The outcome of reading a request against what the client was granted.
struct Resolved<'a> {
    audience: Vec<String>,
    apis: Vec<&'a Api>,
    scope: Scope,
}

impl Request {
    pub fn parse(dialect: &Dialect, parameters: &Parameters) -> Result<Self, Fault> {
        let scope =
            match parameters.find(parameter::SCOPE) {
                Some(scope) if dialect.scope.is_read => {
                    let scope: Scope = scope.parse().map_err(|malformed: MalformedScope| {
                        Fault::MalformedScope { scope: malformed.0 }
                    })?;
                    Some(scope).filter(|scope| !scope.is_empty())
                }
                _ => None,
            };
        Ok(Self {
            scope,
            audience: requested_audience(&dialect.audience, parameters)?,
        })
    }
}

/// The audiences a request names, each once, checked for form and number.
fn requested_audience(
    policy: &AudiencePolicy,
    parameters: &Parameters,
) -> Result<Vec<String>, Fault> {
    let mut audience: Vec<String> = Vec::new();
    for source in &policy.parameters {
        let values: Vec<&str> = match source {
            // Hydra takes several in one value as well; a URI has no space.
            AudienceParameter::Audience if policy.multiple => parameters
                .all(parameter::AUDIENCE)
                .flat_map(str::split_whitespace)
                .collect(),
            AudienceParameter::Audience => parameters.all(parameter::AUDIENCE).collect(),
            AudienceParameter::Resource => parameters.all(parameter::RESOURCE).collect(),
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

impl Authority<'_> {
    /// Checks that the client may have what it asks for, and mints the token.
    pub(in crate::oauth) async fn client_credentials(
        &self,
        client: &Client,
        request: Request,
    ) -> Result<TokenResponse, Refusal> {
        check_client(client)?;
        let apis = self.core.store.apis(self.issuer.id).await?;
        let granted: Vec<Granted<'_>> = client
            .grants
            .iter()
            .filter_map(|grant| {
                let api = apis.iter().find(|api| api.id == grant.api_id)?;
                Some(Granted { api, grant })
            })
            .collect();
        let resolved = resolve(&self.issuer.dialect, &apis, &granted, request)?;
        self.issue(Issue {
            client_id: &client.client_id,
            subject: &client.client_id,
            audience: resolved.audience,
            apis: &resolved.apis,
            scope: resolved.scope,
        })
        .await
    }
}

fn check_client(client: &Client) -> Result<(), Fault> {
    let grant_type = GrantType::ClientCredentials;
    let name = || grant_type.as_str().to_owned();
    // RFC 6749 §4.4: only confidential clients.
    if client.is_public() {
        return Err(Fault::PublicClientNotAllowed { grant_type: name() });
    }
    if !client.grant_types.contains(&grant_type) {
        return Err(Fault::GrantTypeNotAllowed { grant_type: name() });
    }
    Ok(())
}

fn resolve<'a>(
    dialect: &Dialect,
    apis: &[Api],
    granted: &[Granted<'a>],
    request: Request,
) -> Result<Resolved<'a>, Fault> {
    let policy = &dialect.audience;
    let missing_scope = dialect.scope.when_missing;
    if !request.audience.is_empty() {
        let mut pool = Vec::new();
        for audience in &request.audience {
            pool.push(find_granted(policy, apis, granted, audience)?);
        }
        let scope = resolve_scope(missing_scope, &pool, request.scope)?;
        return Ok(Resolved {
            audience: request.audience,
            apis: pool.iter().map(|granted| granted.api).collect(),
            scope,
        });
    }
    match policy.when_missing {
        MissingAudience::Refuse => Err(Fault::MissingAudience),
        MissingAudience::Empty => Ok(Resolved {
            audience: Vec::new(),
            apis: Vec::new(),
            scope: resolve_scope(missing_scope, granted, request.scope)?,
        }),
        MissingAudience::Single => {
            let only = single_api(granted, request.scope.as_ref())?;
            Ok(Resolved {
                audience: vec![only.api.audience.clone()],
                apis: vec![only.api],
                scope: resolve_scope(missing_scope, &[only], request.scope)?,
            })
        }
        MissingAudience::FromScope => {
            let scope = resolve_scope(missing_scope, granted, request.scope)?;
            let apis: Vec<&Api> = granted
                .iter()
                .filter(|granted| {
                    let mut tokens = scope.tokens().iter();
                    tokens.any(|token| granted.allows(token))
                })
                .map(|granted| granted.api)
                .collect();
            Ok(Resolved {
                audience: apis.iter().map(|api| api.audience.clone()).collect(),
                apis,
                scope,
            })
        }
    }
}

impl Granted<'_> {
    fn allows(&self, scope: &str) -> bool {
        self.grant.allows_machine(self.api, scope)
    }
}

/// The granted API an audience means. Of several that match by prefix the longest is meant, so
/// that a grant for `https://api` is none for an API of its own at `https://api/billing`.
fn find_granted<'a>(
    policy: &AudiencePolicy,
    apis: &[Api],
    granted: &[Granted<'a>],
    audience: &str,
) -> Result<Granted<'a>, Fault> {
    let meant = apis
        .iter()
        .filter(|api| match policy.matching {
            AudienceMatching::Exact => api.audience == audience,
            AudienceMatching::Prefix => is_at_or_below(audience, &api.audience),
        })
        .max_by_key(|api| api.audience.len())
        .ok_or_else(|| Fault::UnknownAudience {
            audience: audience.to_owned(),
        })?;
    granted
        .iter()
        .find(|granted| granted.api.id == meant.id)
        .copied()
        .ok_or_else(|| Fault::AudienceNotGranted {
            audience: audience.to_owned(),
        })
}

/// Whether `uri` is `base` or a path below it. Only at a slash: `https://api.example.evil` must
/// not pass for `https://api.example`.
fn is_at_or_below(uri: &str, base: &str) -> bool {
    match uri.strip_prefix(base) {
        Some(rest) => rest.is_empty() || base.ends_with('/') || rest.starts_with('/'),
        None => false,
    }
}

/// The one API a request without audience can only mean.
fn single_api<'a>(granted: &[Granted<'a>], scope: Option<&Scope>) -> Result<Granted<'a>, Fault> {
    match granted {
        [] => return Err(Fault::NoApiGranted),
        [only] => return Ok(*only),
        _ => {}
    }
    let Some(scope) = scope else {
        return Err(Fault::AmbiguousAudience);
    };
    let nowhere = scope.retain(|token| !granted.iter().any(|granted| granted.allows(token)));
    if !nowhere.is_empty() {
        return Err(Fault::ScopeNotGranted { scope: nowhere });
    }
    let mut fitting = granted
        .iter()
        .filter(|granted| scope.tokens().iter().all(|token| granted.allows(token)));
    match (fitting.next(), fitting.next()) {
        (Some(only), None) => Ok(*only),
        _ => Err(Fault::AmbiguousAudience),
    }
}

/// The scope of the token: what was asked for, all of which must be granted by one of these.
fn resolve_scope(
    when_missing: MissingScope,
    pool: &[Granted<'_>],
    requested: Option<Scope>,
) -> Result<Scope, Fault> {
    match requested {
        Some(scope) => {
            check_scope(pool, &scope)?;
            Ok(scope)
        }
        None => match when_missing {
            MissingScope::Refuse => Err(Fault::MissingScope),
            MissingScope::None => Ok(Scope::default()),
            MissingScope::All => {
                let mut all = Scope::default();
                for granted in pool {
                    all.extend(&granted.grant.machine_scope(granted.api));
                }
                Ok(all.retain(|token| is_granted(pool, token)))
            }
        },
    }
}

/// Whether one of the APIs grants this scope, and no other that knows a scope of that name denies
/// it: what a client may do at one API must not work at another because they share a token.
fn is_granted(pool: &[Granted<'_>], scope: &str) -> bool {
    let mut knowing = pool.iter().filter(|granted| granted.api.has_scope(scope));
    pool.iter().any(|granted| granted.allows(scope)) && knowing.all(|granted| granted.allows(scope))
}

fn check_scope(pool: &[Granted<'_>], scope: &Scope) -> Result<(), Fault> {
    let denied = scope.retain(|token| !is_granted(pool, token));
    if denied.is_empty() {
        Ok(())
    } else {
        Err(Fault::ScopeNotGranted { scope: denied })
    }
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
