//! A relying party that nobody here wrote registers itself by discovery, and signs somebody in.

use locum::embedded::Locum;
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

/// What a developer decides about an application.
struct Application {
    kind: CoreApplicationType,
    redirect_uri: &'static str,
    method: CoreClientAuthMethod,
}

async fn registers_and_signs_in(application: Application) {
    let is_public = application.method == CoreClientAuthMethod::None;
    // By the clock on the wall: the crate has no other.
    let locum = Locum::start().await.unwrap();
    let peer = Peer::at(locum.url());
    let http_client = move |request| send(peer, request);
    let url = IssuerUrl::new(format!("{}/clinic", locum.url())).unwrap();
    let metadata = CoreProviderMetadata::discover_async(url, &http_client)
        .await
        .unwrap();
    let endpoint = metadata.registration_endpoint().expect("it is open");

    let redirect_url = RedirectUrl::new(application.redirect_uri.to_owned()).unwrap();
    let name = ClientName::new("A relying party".to_owned());
    let registered = CoreClientRegistrationRequest::new(
        vec![redirect_url.clone()],
        EmptyAdditionalClientMetadata::default(),
    )
    .set_application_type(Some(application.kind))
    .set_response_types(Some(vec![ResponseTypes::new(vec![CoreResponseType::Code])]))
    .set_grant_types(Some(vec![
        CoreGrantType::AuthorizationCode,
        CoreGrantType::RefreshToken,
    ]))
    .set_token_endpoint_auth_method(Some(application.method))
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
    assert_eq!(registered.client_secret().is_none(), is_public);
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
    let mut person = Person::new(peer, "doctor");
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

// Not at Medblocks: Hydra says `""` of URIs it was not told, which this crate takes for URLs.

#[tokio::test]
async fn a_web_application() {
    registers_and_signs_in(Application {
        kind: CoreApplicationType::Web,
        redirect_uri: REDIRECT_URI,
        method: CoreClientAuthMethod::ClientSecretBasic,
    })
    .await;
}

#[tokio::test]
async fn a_native_application() {
    registers_and_signs_in(Application {
        kind: CoreApplicationType::Native,
        redirect_uri: "com.example.rp:/callback",
        method: CoreClientAuthMethod::None,
    })
    .await;
}
