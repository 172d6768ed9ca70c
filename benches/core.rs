//! The core's hot functions, one by one: `cargo bench --bench core`.
//!
//! What a token exchange is made of, and then a whole exchange without HTTP. Each signature stands
//! beside the bare one of aws-lc-rs, because that is the floor.

use std::collections::{BTreeMap, HashMap};
use std::hint::black_box;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, Ed25519KeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use criterion::{BatchSize, Criterion, criterion_group, criterion_main};
use tokio::runtime::Runtime;

use locum::admin::configuration;
use locum::audit::Actor;
use locum::clock::{Clock, Timestamp};
use locum::config::{ConfigFile, Origin};
use locum::demo;
use locum::dialect::template::{Lookup, Value};
use locum::dialect::{Dialect, TokenWord, load_built_in};
use locum::entropy::Entropy;
use locum::issuer::{Api, ApiScope, Issuer, IssuerId, IssuerSettings};
use locum::keys::{JwtKind, KeyMaterial, KeySet, SigningKey};
use locum::oauth::access_token::TokenUse;
use locum::oauth::{
    Authority, ClientRequest, Core, Metadata, PresentedCredentials, TokenFacts, TokenResponse,
};
use locum::protocol::{ClientAuthMethod, Parameters, Scope, SigningAlg};
use locum::secret::{Secret, SecretHash, SecretVerifier};
use locum::source::Source;
use locum::store::Store;
use locum::web::{Hosting, Place};

const ISSUER: &str = "https://id.clinic.example/clinic";
const AUDIENCE: &str = "https://api.clinic.example";
const CLIENT: &str = "bench-machine";
const SECRET: &str = "bench-machine-secret";

criterion_group!(
    benches,
    parameters,
    claims,
    signatures,
    reading,
    secrets,
    token_response,
    discovery,
    exchanges
);
criterion_main!(benches);

/// The checks on a decoded form (RFC 6749 §3.2).
fn parameters(c: &mut Criterion) {
    c.bench_function("parameters of a form", |b| {
        b.iter_batched(form, Parameters::new, BatchSize::SmallInput);
    });
}

fn claims(c: &mut Criterion) {
    let template = standard().access_token.claims;
    let token = NewToken {
        facts: facts(),
        entropy: Entropy::System,
    };
    c.bench_function("claims of a JWT", |b| {
        b.iter(|| template.render(black_box(&token)));
    });
}

fn signatures(c: &mut Criterion) {
    let dialect = standard();
    let claims = dialect.access_token.claims.render(&facts());
    for alg in SigningAlg::ALL {
        let material = key(alg);
        let key = SigningKey::new(&material, &dialect).expect("a key");
        let kind = JwtKind::AccessToken;
        let token = key.sign(kind, &claims).expect("a token");
        let (input, _) = token.rsplit_once('.').expect("a JWS");

        let mut group = c.benchmark_group(format!("signing {}", alg.as_str()));
        group.bench_function("bare aws-lc-rs", |b| bare_signature(b, &material, input));
        group.bench_function("a JWT", |b| b.iter(|| key.sign(kind, black_box(&claims))));
        group.finish();
    }
}

fn bare_signature(b: &mut criterion::Bencher<'_>, material: &KeyMaterial, input: &str) {
    let der = material.private_key.as_slice();
    let input = input.as_bytes();
    let random = SystemRandom::new();
    match material.alg {
        SigningAlg::RS256 => {
            let pair = RsaKeyPair::from_pkcs8(der).expect("an RSA key");
            let mut signature = vec![0; pair.public_modulus_len()];
            b.iter(|| pair.sign(&RSA_PKCS1_SHA256, &random, black_box(input), &mut signature));
        }
        SigningAlg::ES256 => {
            let pair = EcdsaKeyPair::from_pkcs8(&ECDSA_P256_SHA256_FIXED_SIGNING, der)
                .expect("a P-256 key");
            b.iter(|| pair.sign(&random, black_box(input)));
        }
        SigningAlg::EdDSA => {
            let pair = Ed25519KeyPair::from_pkcs8(der).expect("an Ed25519 key");
            b.iter(|| pair.sign(black_box(input)));
        }
    }
}

/// What introspection and a protected resource do with a JWT first.
fn reading(c: &mut Criterion) {
    let dialect = standard();
    let materials = SigningAlg::ALL.map(key);
    let keys = KeySet::new(&materials, &dialect).expect("keys");
    let claims = dialect.access_token.claims.render(&facts());
    let mut group = c.benchmark_group("reading a JWT back");
    for alg in SigningAlg::ALL {
        let key = keys.find(Some(alg)).expect("a key");
        let token = key.sign(JwtKind::AccessToken, &claims).expect("a token");
        group.bench_function(alg.as_str(), |b| {
            b.iter(|| keys.verify(black_box(&token)).expect("one of ours"));
        });
    }
    group.finish();
}

/// A machine's secret that has been verified before: what is left of Argon2id.
fn secrets(c: &mut Criterion) {
    let runtime = runtime();
    let entropy = Entropy::System;
    let verifier = SecretVerifier::new(&entropy);
    let secret = Secret::new(SECRET);
    let mut group = c.benchmark_group("verified secret");
    for (name, hash) in [
        (
            "chosen by a person",
            SecretHash::argon2id(&secret, &entropy).expect("a hash"),
        ),
        ("generated", SecretHash::sha256(&secret)),
    ] {
        // The first time is the slow one.
        assert!(runtime.block_on(verifier.verify(&hash, &secret)).is_ok());
        group.bench_function(name, |b| {
            on_runtime(b, &runtime, async || {
                verifier.verify(black_box(&hash), black_box(&secret)).await
            });
        });
    }
    group.finish();
}

fn token_response(c: &mut Criterion) {
    let dialect = standard();
    let key = SigningKey::new(&key(SigningAlg::RS256), &dialect);
    let claims = dialect.access_token.claims.render(&facts());
    let token = key
        .expect("a key")
        .sign(JwtKind::AccessToken, &claims)
        .expect("a token");
    let facts = facts();
    let response = TokenResponse {
        issuer: facts.issuer,
        client_id: facts.client_id,
        access_token: Secret::new(token),
        refresh_token: None,
        id_token: None,
        scope: facts.scope,
        audience: facts.audience,
        issued_at: now(),
        lifetime: dialect.access_token.lifetime,
    };
    c.bench_function("token response", |b| {
        b.iter(|| dialect.token_response.members.render(black_box(&response)));
    });
}

/// Rendered once at start; requests are answered with the bytes.
fn discovery(c: &mut Criterion) {
    let dialect = standard();
    let api = Api {
        id: Entropy::System.uuid(),
        audience: AUDIENCE.to_owned(),
        name: AUDIENCE.to_owned(),
        scopes: ["patients:read", "patients:write"]
            .map(|name| ApiScope {
                name: name.to_owned(),
                description: String::new(),
                users_only: false,
                needs_role: false,
                translations: BTreeMap::new(),
            })
            .into(),
        token_lifetime: None,
        token_format: None,
        signing_alg: None,
    };
    let issuer = Issuer {
        id: IssuerId(Entropy::System.uuid()),
        name: "clinic".to_owned(),
        keys: KeySet::new(&[key(SigningAlg::RS256)], &dialect).expect("keys"),
        identifiers: vec![ISSUER.to_owned()],
        settings: IssuerSettings::default(),
        is_demo: false,
        dialect: Arc::new(standard()),
    };
    let metadata = Metadata::new(&issuer, ISSUER, ISSUER, &[api]);
    c.bench_function("discovery document", |b| {
        b.iter(|| dialect.discovery.document.render(black_box(&metadata)));
    });
}

/// Client credentials from parsed parameters to a token response, on SQLite in memory.
fn exchanges(c: &mut Criterion) {
    let runtime = runtime();
    let (core, issuers) = runtime.block_on(server());
    let asked = ClientRequest {
        credentials: Ok(PresentedCredentials::WithSecret {
            client_id: CLIENT.to_owned(),
            client_secret: Secret::new(SECRET),
            method: ClientAuthMethod::ClientSecretBasic,
        }),
        parameters: Parameters::new(form()).expect("parameters"),
    };
    let mut group = c.benchmark_group("exchange without HTTP");
    for issuer in &issuers {
        let name = issuer.name.trim_start_matches("bench-");
        group.bench_function(name, |b| {
            let authority = Authority {
                visitor: Arc::default(),
                core: &core,
                issuer,
                identifier: ISSUER,
                base: ISSUER,
            };
            on_runtime(b, &runtime, async || {
                authority.exchange(&asked).await.expect("a token")
            });
        });
    }
    group.finish();
}

/// The issuers of `bench.toml`, applied to a database and prepared as a server has them.
async fn server() -> (Core, Vec<Arc<Issuer>>) {
    let entropy = Entropy::System;
    let keyring = demo::keyring(demo::secret_key()).expect("a keyring");
    let store = Store::open("sqlite::memory:").await.expect("a database");
    let core = Core::new(store, &keyring.secret_key, Clock::System, entropy, true);
    let file = Source::new("bench.toml", include_str!("bench.toml"));
    let declared = ConfigFile::parse(file, PathBuf::from("."))
        .map_err(|mistake| mistake.to_string())
        .expect("TOML");
    let declared = declared.resolve(Origin::File).expect("declared issuers");
    let (folder, actor) = (PathBuf::from("."), Actor::server());
    configuration::apply(&core, &keyring, &declared, &folder, &actor)
        .await
        .expect("issuers");
    let place = Place {
        public_url: "https://id.clinic.example".parse().expect("a URL"),
        local_host_names: false,
        root_issuer: None,
        demo_users: HashMap::new(),
    };
    let hosting = Hosting::new(core.clone(), keyring, place)
        .await
        .expect("issuers");
    let mut issuers = Vec::new();
    for declared in &declared {
        let address = hosting.find(declared.declaration.name.get_ref()).await;
        issuers.push(address.expect("an issuer that was applied").issuer.clone());
    }
    (core, issuers)
}

/// Entering a runtime costs as much as what is measured, so all iterations happen inside.
fn on_runtime<T>(b: &mut criterion::Bencher<'_>, runtime: &Runtime, measured: impl AsyncFn() -> T) {
    b.iter_custom(|iterations| {
        runtime.block_on(async {
            let started = Instant::now();
            for _ in 0..iterations {
                black_box(measured().await);
            }
            started.elapsed()
        })
    });
}

fn runtime() -> Runtime {
    tokio::runtime::Builder::new_current_thread()
        .enable_all()
        .build()
        .expect("a runtime")
}

fn standard() -> Dialect {
    load_built_in("standard")
        .map_err(|mistake| mistake.to_string())
        .expect("a built-in dialect")
}

fn key(alg: SigningAlg) -> KeyMaterial {
    (demo::keyring(demo::secret_key()).expect("a key").well_known)("clinic", alg)
        .expect("one for each algorithm")
}

fn now() -> Timestamp {
    Timestamp::from_unix(1_764_000_000)
}

fn form() -> [(String, String); 2] {
    [
        ("grant_type", "client_credentials"),
        ("scope", "patients:read patients:write"),
    ]
    .map(|(name, value)| (name.to_owned(), value.to_owned()))
}

fn facts() -> TokenFacts {
    TokenFacts {
        issuer: ISSUER.to_owned(),
        client_id: CLIENT.to_owned(),
        subject: CLIENT.to_owned(),
        audience: vec![AUDIENCE.to_owned()],
        scope: Scope::from_tokens(["patients:read", "patients:write"]).expect("a scope"),
        token_use: TokenUse::Access,
        issued_at: Some(now()),
        expires_at: now() + Duration::from_secs(3600),
        user: None,
    }
}

/// A token being made: what is known of it, and a new `jti`, as minting has it.
struct NewToken {
    facts: TokenFacts,
    entropy: Entropy,
}

impl Lookup<TokenWord> for NewToken {
    fn value(&self, word: TokenWord) -> Value<'_> {
        match word {
            TokenWord::Jti => Value::Text(self.entropy.uuid().to_string().into()),
            other => self.facts.value(other),
        }
    }
}
