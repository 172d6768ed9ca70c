//! A relying party that nobody here wrote registers itself by discovery, and signs somebody in.

use openidconnect::core::{
    CoreApplicationType, CoreAuthenticationFlow, CoreClient, CoreClientAuthMethod,
    CoreClientRegistrationRequest, CoreGrantType, CoreProviderMetadata, CoreResponseType,
    CoreTokenResponse,
};
use openidconnect::registration::{
    EmptyAdditionalClientMetadata, EmptyAdditionalClientRegistrationResponse,
};
use openidconnect::{
    AuthorizationCode, ClientContactEmail, ClientName, CsrfToken, HttpRequest, HttpResponse,
    IssuerUrl, LocalizedClaim, Nonce, PkceCodeChallenge, RedirectUrl, ResponseTypes, Scope,
    TokenResponse, http,
};

use super::REDIRECT_URI;
use crate::support::http::{Peer, Request};
use crate::support::servers::Fixture;
use crate::support::user::{Callback, Person};

/// The crate's requests, sent by the tests' own client.
async fn send(peer: Peer, request: HttpRequest) -> Result<HttpResponse, http::Error> {
    let path = request.uri().path_and_query().unwrap().as_str();
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

async fn registers_and_signs_in(issuer: &str, username: &str) {
    let locum = Fixture::start().await;
    let peer = locum.peer();
    let http_client = move |request| send(peer, request);
    let url = IssuerUrl::new(format!("{}/{issuer}", locum.locum.url())).unwrap();
    let metadata = CoreProviderMetadata::discover_async(url, &http_client)
        .await
        .unwrap();
    let endpoint = metadata.registration_endpoint().expect("it is open");

    let redirect_url = RedirectUrl::new(REDIRECT_URI.to_owned()).unwrap();
    let name = ClientName::new("A relying party".to_owned());
    let registered = CoreClientRegistrationRequest::new(
        vec![redirect_url.clone()],
        EmptyAdditionalClientMetadata::default(),
    )
    .set_application_type(Some(CoreApplicationType::Web))
    .set_response_types(Some(vec![ResponseTypes::new(vec![CoreResponseType::Code])]))
    .set_grant_types(Some(vec![
        CoreGrantType::AuthorizationCode,
        CoreGrantType::RefreshToken,
    ]))
    .set_token_endpoint_auth_method(Some(CoreClientAuthMethod::ClientSecretBasic))
    .set_client_name(Some(
        std::iter::once((None, name)).collect::<LocalizedClaim<_>>(),
    ))
    .set_contacts(Some(vec![ClientContactEmail::new(
        "it@rp.example".to_owned(),
    )]))
    .register_async(endpoint, &http_client)
    .await
    .unwrap();
    let _: &EmptyAdditionalClientRegistrationResponse = registered.additional_response();
    assert_eq!(*registered.redirect_uris(), vec![redirect_url.clone()]);
    assert_eq!(registered.client_secret_expires_at(), Some(chrono_epoch()));
    assert!(registered.registration_access_token().is_some());
    assert!(registered.registration_client_uri().is_some());

    let client = CoreClient::from_provider_metadata(
        metadata,
        registered.client_id().clone(),
        registered.client_secret().cloned(),
    )
    .set_redirect_uri(redirect_url);
    let (challenge, verifier) = PkceCodeChallenge::new_random_sha256();
    let (url, _, nonce) = client
        .authorize_url(
            CoreAuthenticationFlow::AuthorizationCode,
            CsrfToken::new_random,
            Nonce::new_random,
        )
        .add_scope(Scope::new("offline_access".to_owned()))
        .set_pkce_challenge(challenge)
        .url();
    let mut person = Person::new(peer, username);
    let path = format!("{}?{}", url.path(), url.query().unwrap());
    let callback = Callback::of(&person.authorize(&path).await);
    let tokens: CoreTokenResponse = client
        .exchange_code(AuthorizationCode::new(callback.get("code").to_owned()))
        .unwrap()
        .set_pkce_verifier(verifier)
        .request_async(&http_client)
        .await
        .unwrap();
    let id_token = tokens.id_token().unwrap();
    id_token
        .claims(&client.id_token_verifier(), &nonce)
        .unwrap();
}

/// 0: it does not expire.
fn chrono_epoch<T: Default>() -> T {
    T::default()
}

#[tokio::test]
async fn at_the_clinic() {
    registers_and_signs_in("clinic", "doctor").await;
}

#[tokio::test]
async fn at_medblocks() {
    registers_and_signs_in("medblocks", "clinician").await;
}
