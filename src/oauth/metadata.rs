//! What an issuer says of itself (RFC 8414, OIDC Discovery 1.0 §3).

use crate::account::StandardScope;
use crate::dialect::template::{Lookup, Value};
use crate::dialect::{Endpoint, MetadataWord};
use crate::issuer::{Api, Issuer, RegistrationPolicy};
use crate::protocol::{ClientAuthMethod, GrantType};

/// The words of the discovery document, for one address of an issuer.
pub struct Metadata {
    identifier: String,
    /// The issuer's address without a slash at its end; endpoints stand below it.
    base: String,
    endpoints: Vec<(Endpoint, String)>,
    scopes: Vec<String>,
    identity_scopes: Vec<String>,
    all_scopes: Vec<String>,
    response_modes: Vec<String>,
    code_challenge_methods: Vec<String>,
    signing_algs: Vec<String>,
    acr_values: Vec<String>,
    claims: Vec<String>,
    grant_types: Vec<String>,
    token_auth_methods: Vec<String>,
    introspection_auth_methods: Vec<String>,
}

impl Metadata {
    pub fn new(issuer: &Issuer, identifier: &str, base: &str, apis: &[Api]) -> Self {
        let dialect = &*issuer.dialect;
        let mut scopes: Vec<String> = Vec::new();
        for scope in apis.iter().flat_map(|api| &api.scopes) {
            if !scopes.contains(&scope.name) {
                scopes.push(scope.name.clone());
            }
        }
        let identity_scopes: Vec<String> = StandardScope::ALL
            .iter()
            .map(|scope| scope.as_str().to_owned())
            .collect();
        let mut signing_algs: Vec<String> = Vec::new();
        for key in issuer.keys.iter() {
            let alg = key.alg().as_str().to_owned();
            if !signing_algs.contains(&alg) {
                signing_algs.push(alg);
            }
        }
        let of_scopes = StandardScope::ALL
            .into_iter()
            .flat_map(StandardScope::claims);
        let claims = std::iter::once("sub")
            .chain(of_scopes.copied())
            .map(str::to_owned)
            .collect();
        let methods = &dialect.token_request.client_auth_methods;
        let names = |methods: &mut dyn Iterator<Item = &ClientAuthMethod>| -> Vec<String> {
            methods.map(|method| method.as_str().to_owned()).collect()
        };
        let mut endpoints: Vec<(Endpoint, String)> = Vec::new();
        for (endpoint, path) in dialect.endpoints.iter() {
            // What nobody may use is not advertised.
            let is_closed = endpoint == Endpoint::Registration
                && issuer.settings.registration == RegistrationPolicy::Closed;
            if !is_closed && !endpoints.iter().any(|(known, _)| *known == endpoint) {
                endpoints.push((endpoint, format!("{base}{path}")));
            }
        }
        Self {
            identifier: identifier.to_owned(),
            base: base.to_owned(),
            endpoints,
            all_scopes: identity_scopes.iter().chain(&scopes).cloned().collect(),
            identity_scopes,
            scopes,
            response_modes: dialect
                .authorization
                .response_modes
                .iter()
                .map(|mode| mode.as_str().to_owned())
                .collect(),
            code_challenge_methods: dialect
                .pkce
                .methods
                .iter()
                .map(|method| method.as_str().to_owned())
                .collect(),
            signing_algs,
            acr_values: vec![dialect.acr().to_owned()],
            claims,
            grant_types: dialect
                .token_request
                .grant_types
                .iter()
                .filter(|grant| dialect.serves(**grant))
                .map(|grant: &GrantType| grant.as_str().to_owned())
                .collect(),
            token_auth_methods: names(&mut methods.iter()),
            introspection_auth_methods: names(
                &mut methods
                    .iter()
                    .filter(|method| **method != ClientAuthMethod::None),
            ),
        }
    }

    /// The advertised URL of an endpoint.
    pub fn url(&self, endpoint: Endpoint) -> Option<&str> {
        self.endpoints
            .iter()
            .find(|(known, _)| *known == endpoint)
            .map(|(_, url)| url.as_str())
    }

    pub fn identifier(&self) -> &str {
        &self.identifier
    }

    pub fn base(&self) -> &str {
        &self.base
    }
}

impl Lookup<MetadataWord> for Metadata {
    fn value(&self, word: MetadataWord) -> Value<'_> {
        let url = |endpoint| Value::optional(self.url(endpoint));
        let list = |items: &'_ Vec<String>| Value::List(items.clone().into());
        match word {
            MetadataWord::Issuer => Value::text(&self.identifier),
            MetadataWord::TokenEndpoint => url(Endpoint::Token),
            MetadataWord::AuthorizationEndpoint => url(Endpoint::Authorization),
            MetadataWord::UserinfoEndpoint => url(Endpoint::Userinfo),
            MetadataWord::EndSessionEndpoint => url(Endpoint::EndSession),
            MetadataWord::CheckSessionIframe => url(Endpoint::CheckSession),
            MetadataWord::IdentityScopesSupported => list(&self.identity_scopes),
            MetadataWord::AllScopesSupported => list(&self.all_scopes),
            MetadataWord::ResponseModesSupported => list(&self.response_modes),
            MetadataWord::CodeChallengeMethodsSupported => list(&self.code_challenge_methods),
            MetadataWord::SigningAlgs => list(&self.signing_algs),
            MetadataWord::AcrValuesSupported => list(&self.acr_values),
            MetadataWord::ClaimsSupported => list(&self.claims),
            MetadataWord::JwksUri => url(Endpoint::Jwks),
            MetadataWord::RegistrationEndpoint => url(Endpoint::Registration),
            MetadataWord::IntrospectionEndpoint => url(Endpoint::Introspection),
            MetadataWord::RevocationEndpoint => url(Endpoint::Revocation),
            MetadataWord::ScopesSupported => Value::List(self.scopes.as_slice().into()),
            MetadataWord::GrantTypesSupported => Value::List(self.grant_types.as_slice().into()),
            MetadataWord::TokenEndpointAuthMethodsSupported => {
                Value::List(self.token_auth_methods.as_slice().into())
            }
            MetadataWord::IntrospectionEndpointAuthMethodsSupported => {
                Value::List(self.introspection_auth_methods.as_slice().into())
            }
        }
    }
}
