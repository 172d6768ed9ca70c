//! A relying party that nobody here wrote: the `openidconnect` crate, which knows an issuer's URL,
//! a client ID and a secret, and is told nothing else.

use locum::embedded::Locum;
use openidconnect::core::{
    CoreAuthenticationFlow, CoreClient, CoreGenderClaim, CoreProviderMetadata, CoreResponseType,
    CoreTokenResponse,
};
use openidconnect::{
    AccessTokenHash, AuthorizationCode, ClientId, ClientSecret, CsrfToken, EmptyAdditionalClaims,
    HttpRequest, HttpResponse, IssuerUrl, LogoutRequest, Nonce, OAuth2TokenResponse,
    PkceCodeChallenge, PostLogoutRedirectUrl, ProviderMetadataWithLogout, RedirectUrl, Scope,
    TokenResponse, UserInfoClaims, http,
};

use crate::support::http::{Peer, Request};
use crate::support::user::{CALLBACK, Callback, Person};

/// The crate's requests, sent by the tests' own client.
async fn send(peer: Peer, request: HttpRequest) -> Result<HttpResponse, http::Error> {
    let uri = request.uri();
    assert_eq!(uri.port_u16(), Some(peer.port), "{uri}");
    let path = uri.path_and_query().unwrap().as_str();
    let mut sent = Request::new(request.method().as_str(), path).untyped(request.body());
    for (name, value) in request.headers() {
        sent = sent.header(name.as_str(), value.as_bytes());
    }
    let answer = peer.send(sent).await;
    let mut response = http::Response::builder().status(answer.status);
    for (name, value) in &answer.headers {
        response = response.header(name, value);
    }
    response.body(answer.body.into_bytes())
}

/// What a developer is told of an issuer.
struct Registered {
    /// Below the server's URL.
    issuer: &'static str,
    client_id: &'static str,
    is_public: bool,
    username: &'static str,
    api_scope: &'static str,
}

/// Everything that a relying party does with a person, from discovery to logout.
async fn run(registered: Registered) {
    let Registered {
        issuer,
        client_id,
        is_public,
        username,
        api_scope,
    } = registered;
    let locum = Locum::start().await.unwrap();
    let peer = Peer::at(locum.url());
    let http_client = move |request| send(peer, request);
    let url = IssuerUrl::new(format!("{}/{issuer}", locum.url())).unwrap();

    // Discovery, keys included; the crate compares `issuer` with what it was given.
    let metadata = CoreProviderMetadata::discover_async(url.clone(), &http_client)
        .await
        .unwrap();
    assert!(
        metadata
            .response_types_supported()
            .iter()
            .any(|types| types.contains(&CoreResponseType::Code))
    );
    let client = CoreClient::from_provider_metadata(
        metadata.clone(),
        ClientId::new(client_id.to_owned()),
        (!is_public).then(|| ClientSecret::new(format!("{client_id}-secret"))),
    )
    .set_redirect_uri(RedirectUrl::new(CALLBACK.to_owned()).unwrap());

    // Authorization code with PKCE.
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, state, nonce) = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .add_scope(Scope::new("email".to_owned()))
        .add_scope(Scope::new("profile".to_owned()))
        .add_scope(Scope::new("offline_access".to_owned()))
        .add_scope(Scope::new(api_scope.to_owned()))
        .set_pkce_challenge(challenge)
        .url();
    let mut person = Person::new(peer, username);
    let path = format!("{}?{}", url.path(), url.query().unwrap());
    let callback = Callback::of(&person.authorize(&path).await);
    assert_eq!(callback.get("state"), state.secret());
    let tokens: CoreTokenResponse = client
        .exchange_code(AuthorizationCode::new(callback.get("code").to_owned()))
        .unwrap()
        .set_pkce_verifier(verifier)
        .request_async(&http_client)
        .await
        .unwrap();

    // The ID token, by the published keys.
    let id_token = tokens.id_token().unwrap();
    let checks = client.id_token_verifier();
    let claims = id_token.claims(&checks, &nonce).unwrap();
    assert!(id_token.claims(&checks, &Nonce::new_random()).is_err());
    if let Some(expected) = claims.access_token_hash() {
        let actual = AccessTokenHash::from_token(
            tokens.access_token(),
            id_token.signing_alg().unwrap(),
            id_token.signing_key(&checks).unwrap(),
        );
        assert_eq!(actual.unwrap(), *expected);
    }
    // Auth0 says when it was only to who asks.
    assert_eq!(claims.auth_time().is_some(), issuer != "photon/");

    // UserInfo, whose subject the crate compares with the ID token's.
    let known: UserInfoClaims<EmptyAdditionalClaims, CoreGenderClaim> = client
        .user_info(
            tokens.access_token().clone(),
            Some(claims.subject().clone()),
        )
        .unwrap()
        .request_async(&http_client)
        .await
        .unwrap();
    assert!(known.email().unwrap().contains(username));
    assert_eq!(known.email_verified(), Some(true));
    assert!(known.name().is_some());

    // Refresh: another ID token of the same person, which answers no request and has no nonce.
    let refreshed: CoreTokenResponse = client
        .exchange_refresh_token(tokens.refresh_token().unwrap())
        .unwrap()
        .request_async(&http_client)
        .await
        .unwrap();
    let again = refreshed
        .id_token()
        .unwrap()
        .claims(&checks, |nonce: Option<&Nonce>| match nonce {
            None => Ok(()),
            Some(_) => Err("a nonce".to_owned()),
        })
        .unwrap();
    assert_eq!(again.subject(), claims.subject());
    assert_eq!(again.auth_time(), claims.auth_time());

    // Logout.
    let with_logout = ProviderMetadataWithLogout::discover_async(
        IssuerUrl::new(format!("{}/{issuer}", locum.url())).unwrap(),
        &http_client,
    )
    .await
    .unwrap();
    let endpoint = with_logout.additional_metadata();
    let endpoint = endpoint.end_session_endpoint.clone().unwrap();
    let url = LogoutRequest::from(endpoint)
        .set_id_token_hint(id_token)
        .set_client_id(ClientId::new(client_id.to_owned()))
        .set_post_logout_redirect_uri(
            PostLogoutRedirectUrl::new("http://localhost:3000/bye".to_owned()).unwrap(),
        )
        .set_state(CsrfToken::new("goodbye".to_owned()))
        .http_get_url();
    let path = format!("{}?{}", url.path(), url.query().unwrap());
    let answer = person.visit(&path).await;
    assert_eq!(
        answer.header("location"),
        Some("http://localhost:3000/bye?state=goodbye")
    );
    let answer = person
        .get(&format!("/{}/account", issuer.trim_end_matches('/')))
        .await;
    answer.is(303);
}

#[tokio::test]
async fn the_openidconnect_crate_signs_somebody_in_at_the_clinic() {
    run(Registered {
        issuer: "clinic",
        client_id: "clinic-web",
        is_public: false,
        username: "doctor",
        api_scope: "patients:read",
    })
    .await;
}

#[tokio::test]
async fn the_openidconnect_crate_signs_somebody_in_at_net_health() {
    run(Registered {
        issuer: "nethealth",
        client_id: "nethealth-web",
        is_public: false,
        username: "therapist",
        api_scope: "patients.read",
    })
    .await;
}

#[tokio::test]
async fn the_openidconnect_crate_signs_somebody_in_at_medblocks() {
    run(Registered {
        issuer: "medblocks",
        client_id: "medblocks-spa",
        is_public: true,
        username: "clinician",
        api_scope: "patient/*.read",
    })
    .await;
}

#[tokio::test]
async fn the_openidconnect_crate_signs_somebody_in_at_photon_with_its_slash() {
    run(Registered {
        issuer: "photon/",
        client_id: "photon-spa",
        is_public: true,
        username: "provider",
        api_scope: "read:patient",
    })
    .await;
}
