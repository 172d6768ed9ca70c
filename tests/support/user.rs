//! A person with a browser, and the clients they sign in to.

use std::collections::BTreeMap;

use serde_json::Value;
use url::form_urlencoded;

use super::html::{Form, text_of};
use super::http::{Answer, Peer, Request};
use super::jwt::Jwt;

/// Of every demo user, and of those in the tests' configurations.
pub const PASSWORD: &str = "locum";

/// Of [`PASSWORD`], so that no test has to compute one.
pub const PASSWORD_HASH: &str = "$argon2id$v=19$m=19456,t=2,p=1$X9Q8YZD09N+6rzYNM4dYig$hxBSipd14IySq9JcZ/a/mgSdOV1oRfdLkRZ5IxdsNpQ";

/// RFC 7636, appendix B.
pub const VERIFIER: &str = "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk";
pub const CHALLENGE: &str = "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM";

/// Where every demo client may be called back.
pub const CALLBACK: &str = "http://localhost:3000/callback";

/// `name=value&…`, form-urlencoded.
pub fn form<N: AsRef<str>, V: AsRef<str>>(pairs: &[(N, V)]) -> String {
    let mut out = form_urlencoded::Serializer::new(String::new());
    for (name, value) in pairs {
        out.append_pair(name.as_ref(), value.as_ref());
    }
    out.finish()
}

/// Somebody with a browser of their own: it keeps cookies, and follows redirects as long as they
/// lead to this server.
#[derive(Clone)]
pub struct Person {
    pub peer: Peer,
    pub username: String,
    pub password: String,
    pub remember: bool,
    pub cookies: BTreeMap<String, String>,
    /// The scopes they tick when asked; all of them when `None`.
    pub allows: Option<Vec<String>>,
    /// The pages they were shown, as paths without query.
    pub seen: Vec<String>,
}

impl Person {
    pub fn new(peer: Peer, username: &str) -> Self {
        Self {
            peer,
            username: username.to_owned(),
            password: PASSWORD.to_owned(),
            remember: false,
            cookies: BTreeMap::new(),
            allows: None,
            seen: Vec::new(),
        }
    }

    pub fn allowing(mut self, scopes: &[&str]) -> Self {
        self.allows = Some(scopes.iter().map(|&scope| scope.to_owned()).collect());
        self
    }

    /// The `Cookie` header of the next request.
    pub fn cookie_header(&self) -> String {
        let pairs = self.cookies.iter();
        let pairs: Vec<String> = pairs
            .map(|(name, value)| format!("{name}={value}"))
            .collect();
        pairs.join("; ")
    }

    /// One request with the cookies, and nothing after it.
    pub async fn send(&mut self, mut request: Request) -> Answer {
        if !self.cookies.is_empty() {
            request = request.header("Cookie", self.cookie_header());
        }
        let answer = self.peer.send(request).await;
        for (name, value) in &answer.headers {
            if name == "set-cookie" {
                self.take(value);
            }
        }
        answer
    }

    fn take(&mut self, cookie: &str) {
        let mut parts = cookie.split("; ");
        let (name, value) = parts.next().unwrap().split_once('=').unwrap();
        if parts.any(|part| part == "Max-Age=0") {
            self.cookies.remove(name);
        } else {
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
    }

    pub async fn get(&mut self, path: &str) -> Answer {
        self.send(Request::get(path)).await
    }

    pub async fn post(&mut self, path: &str, fields: &[(String, String)]) -> Answer {
        self.send(Request::post(path).form(form(fields))).await
    }

    /// GETs, and follows redirects within the server; gives the first answer that is something
    /// else.
    pub async fn visit(&mut self, path: &str) -> Answer {
        let answer = self.get(path).await;
        self.seen.push(path.split('?').next().unwrap().to_owned());
        self.follow(answer).await
    }

    pub async fn follow(&mut self, mut answer: Answer) -> Answer {
        for _ in 0..10 {
            let Some(path) = self.local_path(&answer) else {
                return answer;
            };
            self.seen.push(path.split('?').next().unwrap().to_owned());
            answer = self.get(&path).await;
        }
        panic!("redirects without end: {answer}");
    }

    fn local_path(&self, answer: &Answer) -> Option<String> {
        let location = answer.header("location")?;
        let here = format!("http://localhost:{}", self.peer.port);
        match location.strip_prefix(&here) {
            Some(path) => Some(path.to_owned()),
            None => location.starts_with('/').then(|| location.to_owned()),
        }
    }

    /// Presses a button of a page, and follows.
    pub async fn press(&mut self, form: &Form, button: &str) -> Answer {
        assert_eq!(form.method, "post");
        let answer = self.post(&form.action, &form.pressed(button)).await;
        self.follow(answer).await
    }

    /// Fills in the sign-in page and sends it, without following.
    pub async fn submit_sign_in(&mut self, page: &Answer) -> Answer {
        let mut form = Form::with_button(&page.body, "sign-in")
            .unwrap_or_else(|| panic!("no sign-in page: {page}"));
        form.fill("username", &self.username);
        form.fill("password", &self.password);
        form.tick("remember", if self.remember { &["true"] } else { &[] });
        self.post(&form.action, &form.pressed("sign-in")).await
    }

    pub async fn sign_in(&mut self, page: &Answer) -> Answer {
        let answer = self.submit_sign_in(page).await;
        self.follow(answer).await
    }

    /// Signs in at an issuer's account page.
    pub async fn sign_in_at(&mut self, issuer: &str) -> &mut Self {
        let page = self.visit(&format!("/{issuer}/sign-in")).await;
        self.sign_in(&page).await.is(200);
        self
    }

    /// Does whatever the pages ask, until they ask no more.
    pub async fn go_through(&mut self, mut answer: Answer) -> Answer {
        for _ in 0..6 {
            if Form::with_button(&answer.body, "sign-in").is_some() {
                answer = self.sign_in(&answer).await;
                assert_ne!(answer.status, 401, "not signed in: {answer}");
            } else if let Some(mut form) = Form::with_button(&answer.body, "consent-allow") {
                // Asked again, because nothing was ticked: that was meant.
                if answer.status == 400 {
                    answer = self.press(&form, "consent-deny").await;
                    continue;
                }
                if let Some(allows) = &self.allows {
                    let allows: Vec<&str> = allows.iter().map(String::as_str).collect();
                    form.tick("scope", &allows);
                }
                answer = self.press(&form, "consent-allow").await;
            } else {
                return answer;
            }
        }
        panic!("questions without end: {answer}");
    }

    /// Sends the browser to an authorization endpoint and does what the pages ask.
    pub async fn authorize(&mut self, url: &str) -> Answer {
        let answer = self.visit(url).await;
        self.go_through(answer).await
    }
}

/// What a client reads at its redirect URI.
#[derive(Debug, Clone)]
pub struct Callback {
    /// What stands before the parameters.
    pub uri: String,
    pub parameters: Vec<(String, String)>,
}

impl Callback {
    /// Reads a redirect's query.
    pub fn of(answer: &Answer) -> Self {
        Self::split(answer, '?')
    }

    pub fn in_fragment(answer: &Answer) -> Self {
        Self::split(answer, '#')
    }

    fn split(answer: &Answer, separator: char) -> Self {
        let location = answer.header("location");
        let location = location.unwrap_or_else(|| panic!("no redirect: {answer}"));
        let (uri, text) = location
            .split_once(separator)
            .unwrap_or_else(|| panic!("no parameters: {answer}"));
        let parameters = form_urlencoded::parse(text.as_bytes());
        Self {
            uri: uri.to_owned(),
            parameters: parameters.into_owned().collect(),
        }
    }

    /// Reads the form of `form_post`.
    pub fn in_form(answer: &Answer) -> Self {
        let forms = Form::all(&answer.is(200).body);
        let [form] = &forms[..] else {
            panic!("not one form: {answer}");
        };
        Self {
            uri: form.action.clone(),
            parameters: form.fields.clone(),
        }
    }

    /// The parameters' names, in their order.
    pub fn names(&self) -> Vec<&str> {
        let names = self.parameters.iter();
        names.map(|(name, _)| name.as_str()).collect()
    }

    pub fn find(&self, name: &str) -> Option<&str> {
        let found = self.parameters.iter().find(|(known, _)| known == name);
        found.map(|(_, value)| value.as_str())
    }

    pub fn get(&self, name: &str) -> &str {
        self.find(name)
            .unwrap_or_else(|| panic!("no {name} in {self:?}"))
    }

    /// An error for the client, with nothing granted beside it.
    pub fn refused(&self, error: &str) -> &Self {
        assert_eq!(self.get("error"), error, "{self:?}");
        assert_eq!(self.find("code"), None, "{self:?}");
        self
    }
}

/// A client as its developer set it up.
#[derive(Debug, Clone)]
pub struct App {
    pub issuer: String,
    pub client_id: String,
    /// `None` for a public client.
    pub secret: Option<String>,
    pub redirect_uri: String,
    pub paths: Paths,
    /// Whether it uses PKCE.
    pub pkce: bool,
}

/// Where a dialect has what a client needs.
#[derive(Debug, Clone, Copy)]
pub struct Paths {
    pub authorize: &'static str,
    pub token: &'static str,
    pub userinfo: &'static str,
    pub introspect: Option<&'static str>,
    pub revoke: &'static str,
    pub logout: &'static str,
}

pub const STANDARD: Paths = Paths {
    authorize: "/oauth2/authorize",
    token: "/oauth2/token",
    userinfo: "/oauth2/userinfo",
    introspect: Some("/oauth2/introspect"),
    revoke: "/oauth2/revoke",
    logout: "/oauth2/logout",
};

pub const AUTH0: Paths = Paths {
    authorize: "/authorize",
    token: "/oauth/token",
    userinfo: "/userinfo",
    introspect: None,
    revoke: "/oauth/revoke",
    logout: "/oidc/logout",
};

pub const HYDRA: Paths = Paths {
    authorize: "/oauth2/auth",
    token: "/oauth2/token",
    userinfo: "/userinfo",
    introspect: Some("/oauth2/introspect"),
    revoke: "/oauth2/revoke",
    logout: "/oauth2/sessions/logout",
};

pub const IDENTITYSERVER: Paths = Paths {
    authorize: "/connect/authorize",
    token: "/connect/token",
    userinfo: "/connect/userinfo",
    introspect: Some("/connect/introspect"),
    revoke: "/connect/revocation",
    logout: "/connect/endsession",
};

impl App {
    pub fn new(issuer: &str, client_id: &str, paths: Paths) -> Self {
        Self {
            issuer: issuer.to_owned(),
            client_id: client_id.to_owned(),
            secret: None,
            redirect_uri: CALLBACK.to_owned(),
            paths,
            pkce: true,
        }
    }

    /// A confidential client, whose secret is its ID and `-secret`.
    pub fn confidential(issuer: &str, client_id: &str, paths: Paths) -> Self {
        Self {
            secret: Some(format!("{client_id}-secret")),
            ..Self::new(issuer, client_id, paths)
        }
    }

    pub fn clinic_web() -> Self {
        Self::confidential("clinic", "clinic-web", STANDARD)
    }

    pub fn clinic_spa() -> Self {
        Self::new("clinic", "clinic-spa", STANDARD)
    }

    pub fn photon_spa() -> Self {
        Self::new("photon", "photon-spa", AUTH0)
    }

    pub fn medblocks_spa() -> Self {
        Self {
            pkce: false,
            ..Self::new("medblocks", "medblocks-spa", HYDRA)
        }
    }

    pub fn nethealth_web() -> Self {
        Self {
            pkce: false,
            ..Self::confidential("nethealth", "nethealth-web", IDENTITYSERVER)
        }
    }

    pub fn path(&self, path: &str) -> String {
        format!("/{}{path}", self.issuer)
    }

    /// The URL of an authorization request: what every one needs, then `more`, which may say
    /// something else.
    pub fn authorization(&self, more: &[(&str, &str)]) -> String {
        let mut pairs: Vec<(&str, &str)> = vec![
            ("response_type", "code"),
            ("client_id", &self.client_id),
            ("redirect_uri", &self.redirect_uri),
        ];
        if self.pkce {
            pairs.push(("code_challenge", CHALLENGE));
            pairs.push(("code_challenge_method", "S256"));
        }
        pairs.retain(|(name, _)| !more.iter().any(|(other, _)| other == name));
        pairs.extend(more);
        format!("{}?{}", self.path(self.paths.authorize), form(&pairs))
    }

    /// Has the person sign in, and reads the callback.
    pub async fn callback(&self, person: &mut Person, more: &[(&str, &str)]) -> Callback {
        Callback::of(&person.authorize(&self.authorization(more)).await)
    }

    pub async fn code(&self, person: &mut Person, more: &[(&str, &str)]) -> String {
        self.callback(person, more).await.get("code").to_owned()
    }

    /// A request of this client's, with its credentials.
    pub fn post(&self, path: &str, fields: &[(&str, &str)]) -> Request {
        let request = Request::post(&self.path(path));
        match &self.secret {
            Some(secret) => request.basic(&self.client_id, secret).form(form(fields)),
            None => {
                let mut all = vec![("client_id", self.client_id.as_str())];
                all.extend(fields);
                request.form(form(&all))
            }
        }
    }

    pub fn redemption(&self, code: &str) -> Request {
        let mut fields = vec![
            ("grant_type", "authorization_code"),
            ("code", code),
            ("redirect_uri", &self.redirect_uri),
        ];
        if self.pkce {
            fields.push(("code_verifier", VERIFIER));
        }
        self.post(self.paths.token, &fields)
    }

    pub async fn redeem(&self, peer: Peer, code: &str) -> Answer {
        peer.send(self.redemption(code)).await
    }

    /// Has the person sign in, and gets the tokens.
    pub async fn tokens(&self, person: &mut Person, more: &[(&str, &str)]) -> Tokens {
        let code = self.code(person, more).await;
        Tokens::of(&self.redeem(person.peer, &code).await)
    }

    pub fn refreshing(&self, token: &str, more: &[(&str, &str)]) -> Request {
        let mut fields = vec![("grant_type", "refresh_token"), ("refresh_token", token)];
        fields.extend(more);
        self.post(self.paths.token, &fields)
    }

    pub async fn refresh(&self, peer: Peer, token: &str) -> Answer {
        peer.send(self.refreshing(token, &[])).await
    }

    pub async fn revoke(&self, peer: Peer, token: &str) -> Answer {
        let request = self.post(self.paths.revoke, &[("token", token)]);
        peer.send(request).await
    }

    pub async fn userinfo(&self, peer: Peer, access_token: &str) -> Answer {
        let path = self.path(self.paths.userinfo);
        peer.send(Request::get(&path).bearer(access_token)).await
    }

    pub async fn introspect(&self, peer: Peer, token: &str) -> Value {
        let path = self.paths.introspect.expect("an introspection endpoint");
        let answer = peer.send(self.post(path, &[("token", token)])).await;
        answer.is(200).json()
    }

    /// Whether a token still works, by everything that this issuer can be asked.
    pub async fn is_alive(&self, peer: Peer, access_token: &str) -> bool {
        let userinfo = self.userinfo(peer, access_token).await.status == 200;
        if self.paths.introspect.is_some() && self.secret.is_some() {
            let known = self.introspect(peer, access_token).await;
            assert_eq!(known["active"], userinfo, "{known}");
        }
        userinfo
    }
}

/// What the token endpoint gave.
#[derive(Debug, Clone)]
pub struct Tokens {
    pub access_token: String,
    pub refresh_token: Option<String>,
    pub id_token: Option<String>,
    pub scope: Option<String>,
}

impl Tokens {
    pub fn of(answer: &Answer) -> Self {
        let json = answer.is(200).json();
        let text = |name: &str| json[name].as_str().map(str::to_owned);
        Self {
            access_token: text("access_token").expect("an access token"),
            refresh_token: text("refresh_token"),
            id_token: text("id_token"),
            scope: text("scope"),
        }
    }

    pub fn refresh(&self) -> &str {
        self.refresh_token.as_deref().expect("a refresh token")
    }

    pub fn id(&self) -> &str {
        self.id_token.as_deref().expect("an ID token")
    }

    pub fn id_claims(&self) -> Jwt {
        Jwt::parse(self.id())
    }

    pub fn access_claims(&self) -> Jwt {
        Jwt::parse(&self.access_token)
    }
}

impl Answer {
    /// An error page for the person: nobody is sent anywhere.
    pub fn is_error_page(&self, error: &str) -> &Self {
        assert_eq!(self.header("location"), None, "{self}");
        assert!((400..500).contains(&self.status), "{self}");
        let code = text_of(&self.body, "error-code");
        assert_eq!(code.as_deref(), Some(error), "{self}");
        self
    }

    pub fn set_cookies(&self) -> Vec<&str> {
        let all = self.headers.iter();
        all.filter(|(name, _)| name == "set-cookie")
            .map(|(_, value)| value.as_str())
            .collect()
    }
}
