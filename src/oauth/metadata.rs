//! What an issuer says of itself (RFC 8414, OIDC Discovery 1.0 §3).

use crate::dialect::template::{Lookup, Value};
use crate::dialect::{Dialect, Endpoint, MetadataWord};
use crate::issuer::Api;
use crate::protocol::{ClientAuthMethod, GrantType};

/// The words of the discovery document, for one address of an issuer.
pub struct Metadata {
    identifier: String,
    /// The issuer's address without a slash at its end; endpoints stand below it.
    base: String,
    endpoints: Vec<(Endpoint, String)>,
    scopes: Vec<String>,
    grant_types: Vec<String>,
    token_auth_methods: Vec<String>,
    introspection_auth_methods: Vec<String>,
}

impl Metadata {
    pub fn new(dialect: &Dialect, identifier: &str, base: &str, apis: &[Api]) -> Self {
        let mut scopes: Vec<String> = Vec::new();
        for scope in apis.iter().flat_map(|api| &api.scopes) {
            if !scopes.contains(&scope.name) {
                scopes.push(scope.name.clone());
            }
        }
        let methods = &dialect.token_request.client_auth_methods;
        let names = |methods: &mut dyn Iterator<Item = &ClientAuthMethod>| -> Vec<String> {
            methods.map(|method| method.as_str().to_owned()).collect()
        };
        let mut endpoints: Vec<(Endpoint, String)> = Vec::new();
        for (endpoint, path) in dialect.endpoints.iter() {
            if !endpoints.iter().any(|(known, _)| *known == endpoint) {
                endpoints.push((endpoint, format!("{base}{path}")));
            }
        }
        Self {
            identifier: identifier.to_owned(),
            base: base.to_owned(),
            endpoints,
            scopes,
            grant_types: dialect
                .token_request
                .grant_types
                .iter()
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
        match word {
            MetadataWord::Issuer => Value::text(&self.identifier),
            MetadataWord::TokenEndpoint => url(Endpoint::Token),
            MetadataWord::JwksUri => url(Endpoint::Jwks),
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
