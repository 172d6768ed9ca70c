//! What Locum is compared with: signatures and handlers with nothing around them.
//!
//! They run in a process of their own, on the core a server has: the bench starts itself again,
//! with one of the commands below.

use std::io::{BufRead, Read};
use std::net::TcpListener;
use std::sync::Arc;
use std::time::{Duration, Instant};

use actix_web::http::header::{HeaderName, HeaderValue};
use actix_web::web::Bytes;
use actix_web::{App, HttpResponse, HttpResponseBuilder, HttpServer, web};
use aws_lc_rs::rand::SystemRandom;
use aws_lc_rs::signature::{
    ECDSA_P256_SHA256_FIXED_SIGNING, EcdsaKeyPair, RSA_PKCS1_SHA256, RsaKeyPair,
};
use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use locum::protocol::SigningAlg;
use serde::{Deserialize, Serialize};
use url::Url;

use crate::Failed;
use crate::http::Answer;
use crate::process::{Cores, Running, Usage};
use crate::subject::{Sample, WARM_UP};

const SIGN: &str = "bare-signatures";
const SERVE: &str = "bare-server";

/// Does what the bench started this process for. `None` when it was not the bench.
pub fn run_as_child(arguments: &[String]) -> Option<Result<(), Failed>> {
    match arguments.first()?.as_str() {
        SIGN => Some(print_signature_rate(arguments)),
        SERVE => Some(serve()),
        _ => None,
    }
}

/// A parsed key of aws-lc-rs.
enum Pair {
    Rsa(Box<RsaKeyPair>),
    Ec(EcdsaKeyPair),
}

/// Room for a signature of an RSA key with 2048 bits, the longest here.
type Signature = [u8; 256];

impl Pair {
    fn parse(alg: SigningAlg) -> Result<Self, Failed> {
        let key = (locum::demo::keyring(locum::demo::secret_key())?.well_known)("clinic", alg)
            .ok_or("no such key")?;
        let der = key.private_key.as_slice();
        Ok(match alg {
            SigningAlg::RS256 => Self::Rsa(Box::new(RsaKeyPair::from_pkcs8(der)?)),
            SigningAlg::ES256 => Self::Ec(EcdsaKeyPair::from_pkcs8(
                &ECDSA_P256_SHA256_FIXED_SIGNING,
                der,
            )?),
            SigningAlg::EdDSA => return Err("Ed25519 has no row in the table".into()),
        })
    }

    fn sign<'a>(&self, input: &[u8], signature: &'a mut Signature) -> Result<&'a [u8], Failed> {
        let random = SystemRandom::new();
        match self {
            Self::Rsa(pair) => {
                pair.sign(&RSA_PKCS1_SHA256, &random, input, signature)?;
                Ok(signature)
            }
            Self::Ec(pair) => {
                let made = pair.sign(&random, input)?;
                let signature = &mut signature[..made.as_ref().len()];
                signature.copy_from_slice(made.as_ref());
                Ok(signature)
            }
        }
    }
}

/// Signs what a token of this issuer has before its signature, over and over, on the server's core.
pub async fn signatures(
    cores: &Cores,
    alg: SigningAlg,
    signing_input: &str,
    window: Duration,
) -> Result<Sample, Failed> {
    let mut command = cores.on_the_servers(std::env::current_exe()?);
    command.args([SIGN, alg.as_str(), &window.as_secs().to_string()]);
    let mut process = Running::start(&mut command)?;
    process.tell(signing_input)?;
    let output = process.output(window * 2 + Duration::from_secs(10)).await?;
    Ok(serde_json::from_str::<SignatureRate>(&output)?.into())
}

#[derive(Serialize, Deserialize)]
struct SignatureRate {
    per_second: f64,
    busy: Option<f64>,
}

impl From<SignatureRate> for Sample {
    fn from(rate: SignatureRate) -> Self {
        Self {
            per_second: rate.per_second,
            busy: rate.busy,
            latency: None,
        }
    }
}

fn print_signature_rate(arguments: &[String]) -> Result<(), Failed> {
    let [_, alg, seconds] = arguments else {
        return Err("expected algorithm and seconds".into());
    };
    let pair = Pair::parse(SigningAlg::find(alg).ok_or("no such algorithm")?)?;
    let window = Duration::from_secs(seconds.parse()?);
    let input = told()?;
    let mut signature = [0; 256];

    let warm = Instant::now();
    while warm.elapsed() < WARM_UP {
        pair.sign(input.as_bytes(), &mut signature)?;
    }
    let usage = Usage::of_this_process();
    let used = usage.processor_time();
    let started = Instant::now();
    let mut signatures = 0_u32;
    while started.elapsed() < window {
        pair.sign(input.as_bytes(), &mut signature)?;
        signatures += 1;
    }
    let seconds = started.elapsed().as_secs_f64();
    let rate = SignatureRate {
        per_second: f64::from(signatures) / seconds,
        busy: usage.busy_since(used, seconds),
    };
    println!("{}", serde_json::to_string(&rate)?);
    Ok(())
}

/// An answer of Locum's, to be given again by a handler that does nothing else.
#[derive(Clone, Serialize, Deserialize)]
pub struct Canned {
    path: String,
    headers: Vec<(String, String)>,
    body: String,
    /// Of the access token in the body, which is signed anew for each answer.
    alg: Option<SigningAlg>,
}

impl Canned {
    pub fn new(url: &str, answer: &Answer, alg: Option<SigningAlg>) -> Result<Self, Failed> {
        // actix-web writes these two itself.
        let is_written_anyway = |name: &str| ["content-length", "date"].contains(&name);
        let headers = answer.head.lines().filter_map(|line| line.split_once(": "));
        Ok(Self {
            path: Url::parse(url)?.path().to_owned(),
            headers: headers
                .map(|(name, value)| (name.to_ascii_lowercase(), value.to_owned()))
                .filter(|(name, _)| !is_written_anyway(name))
                .collect(),
            body: answer.body.clone(),
            alg,
        })
    }
}

/// What a JWS has before its signature (RFC 7515 §5.1), in the body of a token response.
pub fn signing_input(body: &str) -> Result<&str, Failed> {
    let (_, token) = body
        .split_once(r#""access_token":""#)
        .ok_or("no access_token")?;
    let (token, _) = token.split_once('"').ok_or("no end of the access_token")?;
    let (input, _) = token.rsplit_once('.').ok_or("not a JWS")?;
    Ok(input)
}

/// A bare actix-web server on the server's core, which gives these answers.
pub struct BareServer {
    pub process: Running,
    port: u16,
}

impl BareServer {
    pub async fn start(cores: &Cores, answers: &[Canned]) -> Result<Self, Failed> {
        let mut command = cores.on_the_servers(std::env::current_exe()?);
        let mut process = Running::start(command.arg(SERVE))?;
        process.tell(&serde_json::to_string(answers)?)?;
        let line = process.first_line(Duration::from_secs(10)).await?;
        Ok(Self {
            process,
            port: line.trim().parse()?,
        })
    }

    /// Where it answers what Locum answers at `url`.
    pub fn url(&self, url: &str) -> Result<String, Failed> {
        let mut url = Url::parse(url)?;
        url.set_port(Some(self.port))
            .map_err(|()| "a URL without a host")?;
        Ok(url.into())
    }
}

fn serve() -> Result<(), Failed> {
    let canned: Vec<Canned> = serde_json::from_str(&told()?)?;
    let answers: Vec<Arc<Prepared>> = canned
        .iter()
        .map(|canned| Prepared::new(canned).map(Arc::new))
        .collect::<Result<_, _>>()?;
    std::thread::spawn(|| {
        // The pipe closes when the bench ends, whatever ends it.
        let _ = std::io::stdin().lock().read_to_end(&mut Vec::new());
        std::process::exit(0);
    });
    let listener = TcpListener::bind("127.0.0.1:0")?;
    println!("{}", listener.local_addr()?.port());

    // Runtime, workers and time limits as `locum dev` has them.
    let workers = std::thread::available_parallelism().map_or(1, usize::from);
    let server = HttpServer::new(move || {
        answers.iter().fold(App::new(), |app, answer| {
            let path = answer.path.clone();
            let answer = answer.clone();
            if answer.signing.is_some() {
                let exchange = move |form: web::Form<Form>| {
                    let answer = answer.clone();
                    async move { exchange(&answer, &form) }
                };
                app.route(&path, web::post().to(exchange))
            } else {
                let document = move || {
                    let answer = answer.clone();
                    async move { answer.head().body(answer.before.clone()) }
                };
                app.route(&path, web::get().to(document))
            }
        })
    })
    .workers(workers.min(8))
    .client_request_timeout(Duration::from_secs(10))
    .keep_alive(Duration::from_secs(75))
    .listen(listener)?;
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()?;
    Ok(runtime.block_on(async { server.run().await })?)
}

/// A canned answer, with everything constant about it ready.
struct Prepared {
    path: String,
    headers: Vec<(HeaderName, HeaderValue)>,
    /// The body up to the signature; all of it where nothing is signed.
    before: Bytes,
    after: Bytes,
    signing: Option<(Pair, String)>,
}

#[derive(Deserialize)]
struct Form {
    grant_type: String,
    scope: String,
}

impl Prepared {
    fn new(canned: &Canned) -> Result<Self, Failed> {
        let mut headers = Vec::new();
        for (name, value) in &canned.headers {
            headers.push((name.parse()?, value.parse()?));
        }
        let mut before = canned.body.as_str();
        let mut after = "";
        let mut signing = None;
        if let Some(alg) = canned.alg {
            let input = signing_input(before)?;
            let (first, rest) = before.split_once(input).ok_or("it is in there")?;
            let (_signature, rest) = rest.split_once('"').ok_or("a signature ends")?;
            before = &canned.body[..first.len() + input.len()];
            after = rest;
            signing = Some((Pair::parse(alg)?, input.to_owned()));
        }
        Ok(Self {
            path: canned.path.clone(),
            headers,
            before: Bytes::copy_from_slice(before.as_bytes()),
            after: Bytes::copy_from_slice(after.as_bytes()),
            signing,
        })
    }

    fn head(&self) -> HttpResponseBuilder {
        let mut response = HttpResponse::Ok();
        for header in &self.headers {
            response.insert_header(header.clone());
        }
        response
    }
}

/// As little as a token endpoint can do: parse the form, sign, answer.
fn exchange(answer: &Prepared, form: &Form) -> HttpResponse {
    let mut signature = [0; 256];
    let signature = match &answer.signing {
        Some((pair, input))
            if form.grant_type == "client_credentials" && !form.scope.is_empty() =>
        {
            pair.sign(input.as_bytes(), &mut signature)
        }
        _ => return HttpResponse::BadRequest().finish(),
    };
    let mut encoded = [0; 342];
    let encoded = match signature.map(|made| BASE64URL.encode_slice(made, &mut encoded)) {
        Ok(Ok(length)) => &encoded[..length],
        _ => return HttpResponse::InternalServerError().finish(),
    };
    let body = [&answer.before[..], b".", encoded, b"\"", &answer.after[..]].concat();
    answer.head().body(body)
}

/// The one line that [`Running::tell`] sent.
fn told() -> Result<String, Failed> {
    let mut line = String::new();
    std::io::stdin().lock().read_line(&mut line)?;
    Ok(line.trim_end().to_owned())
}
