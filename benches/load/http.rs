//! The load generator: HTTP/1.1 with one request in flight on each of a few kept connections.
//!
//! It writes bytes made beforehand and reads no more of an answer than its status and length, so
//! that one core of it keeps a server on one core busy.

use std::net::{Ipv4Addr, SocketAddr};
use std::ops::Range;
use std::sync::Arc;
use std::time::{Duration, Instant};

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use hdrhistogram::Histogram;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinSet;
use url::Url;

use crate::Failed;

/// Of latencies, in microseconds; the longest is more than a window lasts.
pub const LONGEST: u64 = 120_000_000;
pub const DIGITS: u8 = 3;

/// How long an answer may take before the server counts as stuck.
const PATIENCE: Duration = Duration::from_secs(10);

/// Where to send what, as often as possible.
#[derive(Clone)]
pub struct Request {
    address: SocketAddr,
    bytes: Arc<[u8]>,
}

/// What came back, as text.
pub struct Answer {
    /// The status line and the headers.
    pub head: String,
    pub body: String,
    /// Bytes of both.
    pub length: usize,
}

/// What a window of load has shown.
pub struct Load {
    pub per_second: f64,
    pub latency: Histogram<u64>,
}

impl Request {
    pub fn get(url: &str) -> Result<Self, Failed> {
        Self::new(url, |path, host| {
            format!("GET {path} HTTP/1.1\r\nHost: {host}\r\n\r\n")
        })
    }

    /// Client credentials (RFC 6749 §4.4.2) with client_secret_basic.
    pub fn client_credentials(
        url: &str,
        client_id: &str,
        client_secret: &str,
        scope: &str,
    ) -> Result<Self, Failed> {
        let basic = BASE64.encode(format!("{client_id}:{client_secret}"));
        let form = url::form_urlencoded::Serializer::new(String::new())
            .append_pair("grant_type", "client_credentials")
            .append_pair("scope", scope)
            .finish();
        Self::new(url, |path, host| {
            format!(
                "POST {path} HTTP/1.1\r\nHost: {host}\r\nAuthorization: Basic {basic}\r\n\
                 Content-Type: application/x-www-form-urlencoded\r\nContent-Length: {}\r\n\r\n{form}",
                form.len()
            )
        })
    }

    fn new(url: &str, write: impl FnOnce(&str, &str) -> String) -> Result<Self, Failed> {
        let url = Url::parse(url)?;
        let port = url.port().ok_or("a server here has a port")?;
        let bytes = write(url.path(), &format!("localhost:{port}"));
        Ok(Self {
            address: (Ipv4Addr::LOCALHOST, port).into(),
            bytes: bytes.into_bytes().into(),
        })
    }

    /// Sends it once.
    pub async fn send(&self) -> Result<Answer, Failed> {
        let exchange = async {
            let mut connection = Connection::open(self).await?;
            let (head, length) = connection.exchange().await?;
            let (head, body) = connection.buffer[..length].split_at(head);
            Ok(Answer {
                head: String::from_utf8_lossy(head).into_owned(),
                body: String::from_utf8_lossy(body).into_owned(),
                length,
            })
        };
        tokio::time::timeout(PATIENCE, exchange).await?
    }

    /// Sends it over and over on each of `connections`, and counts what is answered in `window`.
    ///
    /// # Errors
    /// When a single answer is anything but 200.
    pub async fn repeat(&self, connections: usize, window: Range<Instant>) -> Result<Load, Failed> {
        let mut tasks = JoinSet::new();
        for _ in 0..connections {
            let connection = Connection::open(self).await?;
            tasks.spawn(connection.repeat(window.clone()));
        }
        let mut latency = histogram()?;
        let all = async {
            while let Some(one) = tasks.join_next().await {
                latency.add(one??)?;
            }
            Ok::<_, Failed>(())
        };
        tokio::time::timeout_at((window.end + PATIENCE).into(), all).await??;
        let seconds = (window.end - window.start).as_secs_f64();
        Ok(Load {
            per_second: latency.len() as f64 / seconds,
            latency,
        })
    }
}

pub fn histogram() -> Result<Histogram<u64>, Failed> {
    Ok(Histogram::new_with_bounds(1, LONGEST, DIGITS)?)
}

struct Connection {
    stream: TcpStream,
    request: Arc<[u8]>,
    buffer: Vec<u8>,
}

impl Connection {
    async fn open(request: &Request) -> Result<Self, Failed> {
        let stream = TcpStream::connect(request.address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            request: request.bytes.clone(),
            buffer: vec![0; 16 * 1024],
        })
    }

    async fn repeat(mut self, window: Range<Instant>) -> Result<Histogram<u64>, Failed> {
        let mut latency = histogram()?;
        loop {
            let sent = Instant::now();
            if sent >= window.end {
                return Ok(latency);
            }
            self.exchange().await?;
            let answered = Instant::now();
            if window.contains(&answered) {
                let micros = u64::try_from((answered - sent).as_micros())?;
                latency.saturating_record(micros);
            }
        }
    }

    /// One request and its answer, which is in the buffer then: where its head ends, and where
    /// all of it ends.
    async fn exchange(&mut self) -> Result<(usize, usize), Failed> {
        self.stream.write_all(&self.request).await?;
        let mut read = 0;
        loop {
            match self.stream.read(&mut self.buffer[read..]).await? {
                0 => return Err("the server closed the connection, or sent too much".into()),
                more => read += more,
            }
            let Some(head) = find(&self.buffer[..read], b"\r\n\r\n") else {
                continue;
            };
            let head = head + 4;
            let end = head + content_length(&self.buffer[..head])?;
            if read < end {
                continue;
            }
            let is_ok = self.buffer.starts_with(b"HTTP/1.1 200 ");
            if !is_ok || read > end {
                let answer = String::from_utf8_lossy(&self.buffer[..read]);
                return Err(format!("expected one answer with status 200, got: {answer}").into());
            }
            return Ok((head, end));
        }
    }
}

fn find(bytes: &[u8], wanted: &[u8]) -> Option<usize> {
    bytes
        .windows(wanted.len())
        .position(|window| window == wanted)
}

fn content_length(head: &[u8]) -> Result<usize, Failed> {
    const NAME: &[u8] = b"content-length:";
    let line = head
        .split(|byte| *byte == b'\n')
        .find(|line| {
            line.get(..NAME.len())
                .is_some_and(|name| name.eq_ignore_ascii_case(NAME))
        })
        .ok_or("an answer without Content-Length")?;
    Ok(std::str::from_utf8(&line[NAME.len()..])?.trim().parse()?)
}
