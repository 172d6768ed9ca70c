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
    /// For an opaque token, and for a client's ID and secret. Each is new at each use.
    RandomWord, "an opaque token", {
        "random" => Random: Text, // 256 random bits as 43 base64url characters
        "random_hex" => RandomHex: Text, // the same as 64 hexadecimal digits
        "random_base64" => RandomBase64: Text, // the same as 44 base64 characters
        "random_64" => Random64: Text, // 384 random bits as 64 base64url characters
        "uuid" => Uuid: Text, // 122 random bits
        "random_hex_32" => RandomHex32: Text, // 128 random bits as 32 hexadecimal digits
        "random_letters_32" => RandomLetters32: Text, // 190 random bits as 32 letters and digits
        "random_letters_26" => RandomLetters26: Text, // 154 random bits as 26 letters and digits
    }
}

impl RandomWord {
    /// Those of which one is as good as a key: with at least 128 random bits.
    pub fn unguessable() -> impl Iterator<Item = Self> {
        let all = Self::WORDS.iter().map(|(_, word, _)| *word);
        all.filter(|word| *word != Self::Uuid)
    }
}

vocabulary! {
    /// For the subject of a user.
    SubjectWord, "a user's subject", {
        "user_id" => UserId: Text, // a UUID that never changes
        "user_id_hex" => UserIdHex: Text, // its 32 hexadecimal digits
    }
}

vocabulary! {
    /// What is known of a token: for the claims of an access token, and for introspection.
    TokenWord, "what is known of a token", {
        "issuer" => Issuer: Text,
        "client_id" => ClientId: Text,
        "subject" => Subject: Text,
        "audience" => Audience: List,
        "scope" => Scope: Words,
        "issued_at" => IssuedAt: Instant,
        "expires_at" => ExpiresAt: Instant,
        "jti" => Jti: Text, // a new UUID
        "token_type" => TokenType: Text, // absent for a refresh token
        "token_use" => TokenUse: Text, // access_token or refresh_token
        // Of a user's token alone:
        "username" => Username: Text,
        "auth_time" => AuthTime: Instant,
        "acr" => Acr: Text,
        "amr" => Amr: List,
        "sid" => Sid: Text,
        "permissions" => Permissions: List, // everything the user's roles hold at the API
        "client_claims" => ClientClaims: Members, // what the client is registered to get besides
    }
}

vocabulary! {
    /// For ID tokens, and for UserInfo.
    IdTokenWord, "an ID token", {
        "issuer" => Issuer: Text,
        "subject" => Subject: Text,
        "client_id" => ClientId: Text,
        "issued_at" => IssuedAt: Instant,
        "expires_at" => ExpiresAt: Instant,
        "auth_time" => AuthTime: Instant,
        "requested_auth_time" => RequestedAuthTime: Instant, // only if the client asked for it
        "nonce" => Nonce: Text,
        "at_hash" => AtHash: Text,
        "refreshed_at_hash" => RefreshedAtHash: Text, // only in answer to a refresh token
        "acr" => Acr: Text,
        "amr" => Amr: List,
        "sid" => Sid: Text,
        "jti" => Jti: Text,
        "scope_claims" => ScopeClaims: Members, // what the scope asks for
        "requested_claims" => RequestedClaims: Members, // what parameter `claims` asks for here
        "client_claims" => ClientClaims: Members,
    }
}

vocabulary! {
    /// For a logout token (OIDC Back-Channel Logout §2.4).
    LogoutWord, "a logout token", {
        "issuer" => Issuer: Text,
        "client_id" => ClientId: Text,
        "subject" => Subject: Text,
        "sid" => Sid: Text,
        "jti" => Jti: Text,
        "issued_at" => IssuedAt: Instant,
        "expires_at" => ExpiresAt: Instant,
    }
}

vocabulary! {
    /// For the answer to an authorization request, good or bad.
    AuthorizationWord, "the authorization response", {
        "code" => Code: Text,
        "state" => State: Text,
        "issuer" => Issuer: Text,
        "scope" => Scope: Words,
        "session_state" => SessionState: Text,
        "error" => Error: Text,
        "error_description" => ErrorDescription: Text,
        "error_uri" => ErrorUri: Text,
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
        "refresh_token" => RefreshToken: Text,
        "id_token" => IdToken: Text,
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
        "redirect_uri" => RedirectUri: Text,
        "expected_redirect_uri" => ExpectedRedirectUri: Text,
        "response_type" => ResponseType: Text,
        "response_mode" => ResponseMode: Text,
        "code_challenge_method" => CodeChallengeMethod: Text,
        "member" => Member: Text, // of a client's metadata, as the request has it
        "problems" => Problems: Members, // what is wrong with a client's metadata, by member
        "retry_after" => RetryAfter: Number, // seconds
    }
}

vocabulary! {
    /// For what is said of a member of a client's metadata.
    MemberWord, "a message about a member", {
        "member" => Member: Text, // as the vendor calls it
    }
}

vocabulary! {
    /// For a client as registration and administration show it.
    ClientWord, "a registered client", {
        "client_id" => ClientId: Text,
        "client_secret" => ClientSecret: Text, // only in answer to what made it
        "client_secret_expires_at" => ClientSecretExpiresAt: Number, // 0: never; absent without a secret
        "registration_access_token" => RegistrationAccessToken: Text, // as the secret
        "registration_client_uri" => RegistrationClientUri: Text,
        "created_at" => CreatedAt: Instant,
        "updated_at" => UpdatedAt: Instant,
        "client_name" => ClientName: Text,
        "redirect_uris" => RedirectUris: List,
        "grant_types" => GrantTypes: List,
        "response_types" => ResponseTypes: List,
        "token_endpoint_auth_method" => TokenEndpointAuthMethod: Text,
        "scope" => Scope: Words,
        "audience" => Audience: List,
        "application_type" => ApplicationType: Text,
        "contacts" => Contacts: List,
        "client_uri" => ClientUri: Text,
        "logo_uri" => LogoUri: Text,
        "policy_uri" => PolicyUri: Text,
        "tos_uri" => TosUri: Text,
        "jwks" => Jwks: Json,
        "jwks_uri" => JwksUri: Text,
        "sector_identifier_uri" => SectorIdentifierUri: Text,
        "subject_type" => SubjectType: Text,
        "id_token_signed_response_alg" => IdTokenSignedResponseAlg: Text,
        "userinfo_signed_response_alg" => UserinfoSignedResponseAlg: Text,
        "default_max_age" => DefaultMaxAge: Number,
        "require_auth_time" => RequireAuthTime: Json,
        "initiate_login_uri" => InitiateLoginUri: Text,
        "post_logout_redirect_uris" => PostLogoutRedirectUris: List,
        "frontchannel_logout_uri" => FrontchannelLogoutUri: Text,
        "frontchannel_logout_session_required" => FrontchannelLogoutSessionRequired: Json,
        "backchannel_logout_uri" => BackchannelLogoutUri: Text,
        "backchannel_logout_session_required" => BackchannelLogoutSessionRequired: Json,
        "software_id" => SoftwareId: Text,
        "software_version" => SoftwareVersion: Text,
        "owner" => Owner: Text,
        "metadata" => Metadata: Json,
        "skip_consent" => SkipConsent: Json,
        "null" => Null: Json,
        "path" => Path: Text, // of the issuer: `/clinic`, or nothing at a host name's root
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
        "authorization_endpoint" => AuthorizationEndpoint: Text,
        "userinfo_endpoint" => UserinfoEndpoint: Text,
        "end_session_endpoint" => EndSessionEndpoint: Text,
        "registration_endpoint" => RegistrationEndpoint: Text, // absent where nobody may register
        "check_session_iframe" => CheckSessionIframe: Text,
        "scopes_supported" => ScopesSupported: List, // of the APIs
        "identity_scopes_supported" => IdentityScopesSupported: List, // of OpenID Connect
        "all_scopes_supported" => AllScopesSupported: List, // both
        "response_modes_supported" => ResponseModesSupported: List,
        "code_challenge_methods_supported" => CodeChallengeMethodsSupported: List,
        "signing_algs" => SigningAlgs: List,
        "acr_values_supported" => AcrValuesSupported: List,
        "claims_supported" => ClaimsSupported: List,
        "grant_types_supported" => GrantTypesSupported: List,
        "token_endpoint_auth_methods_supported" => TokenEndpointAuthMethodsSupported: List,
        "introspection_endpoint_auth_methods_supported" => IntrospectionEndpointAuthMethodsSupported: List,
    }
}
