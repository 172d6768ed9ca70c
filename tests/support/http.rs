//! A plain HTTP/1.1 client that sends exactly the bytes it is given, one connection a request: bad
//! requests are half of what these tests send, and a well-behaved client would refuse to.

use std::fmt;
use std::time::Duration;

use base64::Engine;
use base64::prelude::BASE64_STANDARD as BASE64;
use serde_json::Value;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use super::json::Members;

/// Longer than this is a hang.
const PATIENCE: Duration = Duration::from_secs(30);

/// Every client secret in these tests ends like this, so that each answer can be searched for it.
pub const SECRET: &str = "-secret";

/// A server on this machine, and how to talk to it.
#[derive(Debug, Clone, Copy)]
pub struct Peer {
    pub port: u16,
}

impl Peer {
    /// The server at `http://localhost:<port>`.
    pub fn at(url: &str) -> Self {
        let url = url::Url::parse(url).unwrap();
        Self {
            port: url.port_or_known_default().unwrap(),
        }
    }

    /// Sends a request written as in a vendor's guide: the request line without version, headers,
    /// an empty line, the body. `Host` and `Content-Length` are added, indentation is taken away.
    pub async fn say(&self, request: &str) -> Answer {
        let text = dedent(request);
        let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let (method, path) = lines.next().unwrap().split_once(' ').unwrap();
        let mut request = Request::new(method, path);
        for line in lines {
            let (name, value) = line.split_once(": ").unwrap();
            request = request.header(name, value);
        }
        request.body = body.trim_end_matches('\n').into();
        self.send(request).await
    }

    pub async fn get(&self, path: &str) -> Answer {
        self.send(Request::get(path)).await
    }

    /// Sends a request; no answer to anything may hold a secret, so this looks.
    pub async fn send(&self, request: Request) -> Answer {
        let answer = self
            .send_bytes(&request.bytes(self.port))
            .await
            .unwrap_or_else(|error| panic!("{} {}: {error}", request.method, request.path));
        let mut raw = answer.raw.clone();
        if request.path.starts_with("/console/") {
            // Words of the console's own, in addresses and IDs.
            for word in ["rotate-secret", "previous-secret", "client-secret"] {
                raw = raw.replace(word, "");
            }
        }
        for secret in request.secrets() {
            let found = contains(raw.as_bytes(), secret.as_bytes());
            assert!(!found, "a secret came back: {answer}");
        }
        answer
    }

    /// Sends bytes, all of them before it listens, and reads until the server hangs up.
    ///
    /// # Errors
    /// When the connection is lost, nothing comes in time, or it is not HTTP.
    pub async fn send_bytes(&self, bytes: &[u8]) -> Result<Answer, String> {
        let mut stream = self.connect().await?;
        stream
            .write_all(bytes)
            .await
            .map_err(|error| format!("while sending: {error}"))?;
        read(&mut stream).await
    }

    /// Sends bytes and then end-of-file, as a client that breaks off does.
    pub async fn send_and_hang_up(&self, bytes: &[u8]) -> Result<Answer, String> {
        let mut stream = self.connect().await?;
        let sent = async {
            stream.write_all(bytes).await?;
            stream.shutdown().await
        };
        sent.await
            .map_err(|error| format!("while sending: {error}"))?;
        read(&mut stream).await
    }

    pub async fn connect(&self) -> Result<TcpStream, String> {
        TcpStream::connect(("127.0.0.1", self.port))
            .await
            .map_err(|error| format!("while connecting: {error}"))
    }
}

/// Reads one answer, whether or not the connection stays open after it.
pub async fn read(stream: &mut TcpStream) -> Result<Answer, String> {
    let mut bytes = Vec::new();
    let reading = async {
        let mut chunk = [0; 16 * 1024];
        loop {
            let outcome = stream.read(&mut chunk).await;
            match outcome {
                Ok(0) => return Answer::parse(&bytes),
                Ok(length) => {
                    bytes.extend_from_slice(&chunk[..length]);
                    if let Some(answer) = whole(&bytes) {
                        return Ok(answer);
                    }
                }
                // What has arrived whole has arrived, even where the server then hangs up on a
                // client that had more to say.
                Err(error) => {
                    return Answer::parse(&bytes).map_err(|_| format!("while reading: {error}"));
                }
            }
        }
    };
    match tokio::time::timeout(PATIENCE, reading).await {
        Ok(answer) => answer,
        Err(_) => Err(format!("no answer in {PATIENCE:?}")),
    }
}

/// The answer, when all of the body it announces is there; `None` where only the end of the
/// connection can tell.
fn whole(bytes: &[u8]) -> Option<Answer> {
    let answer = Answer::parse(bytes).ok()?;
    let length: usize = answer.header("content-length")?.parse().ok()?;
    (answer.body.len() == length).then_some(answer)
}

/// A request under construction.
#[derive(Clone)]
pub struct Request {
    pub method: String,
    pub path: String,
    headers: Vec<(String, Vec<u8>)>,
    body: Vec<u8>,
}

impl Request {
    pub fn new(method: &str, path: &str) -> Self {
        Self {
            method: method.to_owned(),
            path: path.to_owned(),
            headers: Vec::new(),
            body: Vec::new(),
        }
    }

    pub fn get(path: &str) -> Self {
        Self::new("GET", path)
    }

    pub fn post(path: &str) -> Self {
        Self::new("POST", path)
    }

    pub fn header(mut self, name: &str, value: impl AsRef<[u8]>) -> Self {
        self.headers
            .push((name.to_owned(), value.as_ref().to_vec()));
        self
    }

    pub fn basic(self, id: &str, secret: &str) -> Self {
        self.header("Authorization", basic(id, secret))
    }

    pub fn bearer(self, token: &str) -> Self {
        self.header("Authorization", format!("Bearer {token}"))
    }

    pub fn body(self, content_type: &str, body: impl AsRef<[u8]>) -> Self {
        self.untyped(body).header("Content-Type", content_type)
    }

    /// A body that nobody says the media type of.
    pub fn untyped(mut self, body: impl AsRef<[u8]>) -> Self {
        self.body = body.as_ref().to_vec();
        self
    }

    pub fn form(self, body: impl AsRef<[u8]>) -> Self {
        self.body("application/x-www-form-urlencoded", body)
    }

    pub fn json(self, body: impl AsRef<[u8]>) -> Self {
        self.body("application/json", body)
    }

    pub fn bytes(&self, port: u16) -> Vec<u8> {
        let mut bytes = format!("{} {} HTTP/1.1\r\n", self.method, self.path).into_bytes();
        let has = |wanted: &str| {
            self.headers
                .iter()
                .any(|(name, _)| name.eq_ignore_ascii_case(wanted))
        };
        if !has("host") {
            bytes.extend_from_slice(format!("Host: localhost:{port}\r\n").as_bytes());
        }
        if !has("connection") {
            bytes.extend_from_slice(b"Connection: close\r\n");
        }
        let has_length = has("content-length") || has("transfer-encoding");
        if !has_length && (!self.body.is_empty() || self.method == "POST") {
            let length = self.body.len();
            bytes.extend_from_slice(format!("Content-Length: {length}\r\n").as_bytes());
        }
        for (name, value) in &self.headers {
            bytes.extend_from_slice(name.as_bytes());
            bytes.extend_from_slice(b": ");
            bytes.extend_from_slice(value);
            bytes.extend_from_slice(b"\r\n");
        }
        bytes.extend_from_slice(b"\r\n");
        bytes.extend_from_slice(&self.body);
        bytes
    }

    /// RFC 7592 §3: what a client reads of its registration has the token that it read it with.
    fn repeats_its_token(&self) -> bool {
        self.path.contains("/register/")
    }

    /// What must not come back: the credential of an `Authorization` header, and whatever ends
    /// like the secrets of these tests, unless the page at `/` was asked for, which shows them.
    fn secrets(&self) -> Vec<String> {
        let credentials = self.headers.iter().filter_map(|(name, value)| {
            let value = std::str::from_utf8(value).ok()?;
            let (_, credential) = value.split_once(' ')?;
            let is_one = name.eq_ignore_ascii_case("authorization")
                && credential.len() > 8
                && !self.repeats_its_token();
            is_one.then(|| credential.trim().to_owned())
        });
        let is_welcome = self.path == "/" || self.path.starts_with("/?");
        let any = (!is_welcome).then(|| SECRET.to_owned());
        credentials.chain(any).collect()
    }
}

impl fmt::Debug for Request {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.bytes(0).escape_ascii())
    }
}

/// The value of an `Authorization` header (RFC 7617).
pub fn basic(id: &str, secret: &str) -> String {
    format!("Basic {}", BASE64.encode(format!("{id}:{secret}")))
}

/// What a server said.
#[derive(Debug, Clone)]
pub struct Answer {
    pub status: u16,
    /// Names in lower case.
    pub headers: Vec<(String, String)>,
    pub body: String,
    raw: String,
}

impl Answer {
    /// # Errors
    /// When it is not one whole HTTP/1 response.
    fn parse(bytes: &[u8]) -> Result<Self, String> {
        let raw = String::from_utf8_lossy(bytes).into_owned();
        let broken = |what: &str| format!("{what} in {raw:?}");
        let (head, body) = raw.split_once("\r\n\r\n").ok_or(broken("no head"))?;
        let mut lines = head.split("\r\n");
        let status_line = lines.next().unwrap_or_default();
        let status: u16 = status_line
            .strip_prefix("HTTP/1.")
            .and_then(|rest| rest.get(2..5)?.parse().ok())
            .ok_or(broken("no status line"))?;
        if status == 100 {
            return Self::parse(body.as_bytes());
        }
        let headers: Vec<(String, String)> = lines
            .map(|line| {
                let (name, value) = line.split_once(':')?;
                Some((name.to_ascii_lowercase(), value.trim().to_owned()))
            })
            .collect::<Option<_>>()
            .ok_or(broken("a line that is no header"))?;
        let answer = Self {
            status,
            headers,
            body: body.to_owned(),
            raw: raw.clone(),
        };
        match answer.header("content-length").map(str::parse::<usize>) {
            Some(Ok(length)) if !body.is_empty() && length != body.len() => {
                Err(broken("a body of another length"))
            }
            Some(Err(_)) => Err(broken("no length")),
            _ => Ok(answer),
        }
    }

    /// The header's value; several of the same name are an error, unless they may repeat.
    pub fn header(&self, name: &str) -> Option<&str> {
        let mut values = self.headers.iter().filter(|(own, _)| own == name);
        let value = values.next()?;
        assert!(values.next().is_none(), "{name} stands twice: {self}");
        Some(value.1.as_str())
    }

    pub fn is(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "{self}");
        self
    }

    /// A refusal as RFC 6749 §5.2 has it, whatever the dialect adds.
    pub fn refused(&self, status: u16, error: &str) -> &Self {
        self.is(status);
        assert_eq!(self.json()["error"], error, "{self}");
        self
    }

    pub fn json(&self) -> Value {
        serde_json::from_str(&self.body).unwrap_or_else(|error| panic!("{error}: {self}"))
    }

    /// The names of the body's members, in order.
    pub fn member_names(&self) -> Vec<String> {
        let members = Members::parse(&self.body);
        members.0.into_iter().map(|(name, _)| name).collect()
    }

    pub fn access_token(&self) -> String {
        let json = self.is(200).json();
        json["access_token"].as_str().expect("a token").to_owned()
    }

    /// Compares the answer with one as a vendor's guide prints it: the status, headers, an empty
    /// line, the body. A header that is not named may be there or not; one that is named with no
    /// value must not. `…` stands for any text without quotes.
    pub fn reads(&self, expected: &str) -> &Self {
        self.compare(expected)
            .unwrap_or_else(|difference| panic!("{difference}"));
        self
    }

    /// # Errors
    /// How the answer differs from what [`Self::reads`] would accept.
    pub fn compare(&self, expected: &str) -> Result<(), String> {
        let text = dedent(expected);
        let (head, body) = text.split_once("\n\n").unwrap_or((&text, ""));
        let mut lines = head.lines();
        let status: u16 = lines.next().unwrap().parse().unwrap();
        if self.status != status {
            return Err(format!("expected {status}, got {self}"));
        }
        for line in lines {
            let (name, value) = line.split_once(':').unwrap();
            let actual = self.header(&name.to_ascii_lowercase());
            let is_right = match (value.trim(), actual) {
                ("", actual) => actual.is_none(),
                (value, Some(actual)) => matches(value, actual),
                (_, None) => false,
            };
            if !is_right {
                return Err(format!("expected {line:?}, got {self}"));
            }
        }
        let body = body.trim_end_matches('\n');
        if !matches(body, &self.body) {
            return Err(format!("expected the body\n{body}\ngot {self}"));
        }
        Ok(())
    }
}

impl fmt::Display for Answer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n{}", self.raw)
    }
}

/// Whether `text` is `pattern`, in which `…` is a run of one or more characters that are no quotes.
fn matches(pattern: &str, text: &str) -> bool {
    let Some((before, after)) = pattern.split_once('…') else {
        return pattern == text;
    };
    let Some(rest) = text.strip_prefix(before) else {
        return false;
    };
    let wild = rest.find('"').unwrap_or(rest.len());
    rest.char_indices()
        .map(|(index, c)| index + c.len_utf8())
        .take_while(|end| *end <= wild)
        .any(|end| matches(after, &rest[end..]))
}

pub fn contains(haystack: &[u8], needle: &[u8]) -> bool {
    haystack
        .windows(needle.len())
        .any(|window| window == needle)
}

/// Takes away the indentation that all lines share, and empty lines at both ends.
pub fn dedent(text: &str) -> String {
    let text = text.trim_start_matches('\n').trim_end_matches([' ', '\n']);
    let indentation = text
        .lines()
        .filter(|line| !line.trim().is_empty())
        .map(|line| line.len() - line.trim_start().len())
        .min()
        .unwrap_or(0);
    let lines: Vec<&str> = text
        .lines()
        .map(|line| line.get(indentation..).unwrap_or_default())
        .collect();
    lines.join("\n")
}
