//! The words each place in a dialect file may use.

use super::template::{Kind, Vocabulary};

macro_rules! vocabulary {
    ($(#[$doc:meta])* $name:ident, $place:literal, { $($word:literal => $variant:ident: $kind:ident,)+ }) => {
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq)]
        pub enum $name { $($variant,)+ }

        impl Vocabulary for $name {
            const PLACE: &'static str = $place;
            const WORDS: &'static [(&'static str, Self, Kind)] =
                &[$(($word, Self::$variant, Kind::$kind),)+];
        }
    };
}

vocabulary! {
    /// For the issuer identifier.
    AddressWord, "the issuer identifier", {
        "base" => Base: Text, // scheme, host and path of the issuer, no slash at the end
    }
}

vocabulary! {
    /// For an opaque token.
    RandomWord, "an opaque token", {
        "random" => Random: Text, // 256 random bits as 43 base64url characters, new at each use
        "random_hex" => RandomHex: Text, // the same as 64 hexadecimal digits
    }
}

vocabulary! {
    /// What is known of an access token: for its claims and for introspection.
    TokenWord, "what is known of a token", {
        "issuer" => Issuer: Text,
        "client_id" => ClientId: Text,
        "subject" => Subject: Text,
        "audience" => Audience: List,
        "scope" => Scope: Words,
        "issued_at" => IssuedAt: Instant,
        "expires_at" => ExpiresAt: Instant,
        "jti" => Jti: Text, // a new UUID
    }
}

vocabulary! {
    /// For the header of a JWT.
    HeaderWord, "a JWT header", {
        "alg" => Alg: Text,
        "kid" => Kid: Text,
        "x5t" => X5t: Text,
    }
}

vocabulary! {
    /// For a key in the JWKS.
    KeyWord, "a JWKS key", {
        "kty" => Kty: Text,
        "alg" => Alg: Text,
        "kid" => Kid: Text,
        "n" => N: Text,
        "e" => E: Text,
        "crv" => Crv: Text,
        "x" => X: Text,
        "y" => Y: Text,
        "x5t" => X5t: Text,
        "x5c" => X5c: List,
    }
}

vocabulary! {
    /// For the answer of the token endpoint.
    ResponseWord, "the token response", {
        "access_token" => AccessToken: Text,
        "scope" => Scope: Words,
        "audience" => Audience: List,
        "client_id" => ClientId: Text,
        "issuer" => Issuer: Text,
        "expires_in" => ExpiresIn: Seconds,
        "expires_at" => ExpiresAt: Instant,
        "issued_at" => IssuedAt: Instant,
    }
}

vocabulary! {
    /// For errors: their descriptions, headers and bodies.
    FaultWord, "an error", {
        "error" => Error: Text,
        "error_description" => ErrorDescription: Text,
        "error_uri" => ErrorUri: Text,
        "code_description" => CodeDescription: Text, // see `error_code_descriptions`
        "status" => Status: Number,
        "issuer" => Issuer: Text,
        "issuer_name" => IssuerName: Text,
        "parameter" => Parameter: Text,
        "limit" => Limit: Number,
        "reason" => Reason: Text,
        "http_method" => HttpMethod: Text,
        "media_type" => MediaType: Text,
        "client_id" => ClientId: Text,
        "grant_type" => GrantType: Text,
        "registered_method" => RegisteredMethod: Text,
        "presented_method" => PresentedMethod: Text,
        "audience" => Audience: Text,
        "scope" => Scope: Words,
    }
}

vocabulary! {
    /// For the discovery document. An endpoint the dialect does not serve is absent.
    MetadataWord, "the discovery document", {
        "issuer" => Issuer: Text,
        "token_endpoint" => TokenEndpoint: Text,
        "jwks_uri" => JwksUri: Text,
        "introspection_endpoint" => IntrospectionEndpoint: Text,
        "revocation_endpoint" => RevocationEndpoint: Text,
        "scopes_supported" => ScopesSupported: List,
        "grant_types_supported" => GrantTypesSupported: List,
        "token_endpoint_auth_methods_supported" => TokenEndpointAuthMethodsSupported: List,
        "introspection_endpoint_auth_methods_supported" => IntrospectionEndpointAuthMethodsSupported: List,
    }
}
