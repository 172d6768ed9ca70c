//! The application at the other end: a page of its own, and an ear for what comes back.

use std::collections::HashMap;
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use actix_web::dev::ServerHandle;
use actix_web::{App, HttpRequest, HttpResponse, HttpServer, web};

/// An application at `http://localhost:<port>`. Where there is no file, there is a plain page.
pub struct RelyingParty {
    pub url: String,
    state: Arc<State>,
    handle: ServerHandle,
}

#[derive(Default)]
struct State {
    files: Mutex<HashMap<String, (&'static str, String)>>,
    heard: Mutex<Vec<Heard>>,
}

/// A request that reached the application.
#[derive(Debug, Clone)]
pub struct Heard {
    pub method: String,
    pub path: String,
    /// Of the query and of the form in the body.
    pub parameters: Vec<(String, String)>,
}

impl Heard {
    pub fn find(&self, name: &str) -> Option<&str> {
        let mut found = self.parameters.iter().filter(|(known, _)| known == name);
        let (_, value) = found.next()?;
        assert!(found.next().is_none(), "{name} is there twice: {self:?}");
        Some(value)
    }

    pub fn get(&self, name: &str) -> &str {
        self.find(name)
            .unwrap_or_else(|| panic!("no {name}: {self:?}"))
    }
}

impl RelyingParty {
    pub fn start() -> Self {
        let state = Arc::new(State::default());
        let shared = web::Data::from(Arc::clone(&state));
        let server = HttpServer::new(move || {
            App::new()
                .app_data(shared.clone())
                .default_service(web::to(answer))
        })
        .workers(1)
        .disable_signals()
        .bind(("127.0.0.1", 0))
        .unwrap();
        let port = server.addrs()[0].port();
        let server = server.run();
        let handle = server.handle();
        tokio::spawn(server);
        Self {
            url: format!("http://localhost:{port}"),
            state,
            handle,
        }
    }

    pub fn callback(&self) -> String {
        format!("{}/callback", self.url)
    }

    pub fn serve(&self, path: &str, content_type: &'static str, body: impl Into<String>) {
        let mut files = self.state.files.lock().unwrap();
        files.insert(path.to_owned(), (content_type, body.into()));
    }

    /// How often something came to that path.
    pub fn count(&self, path: &str) -> usize {
        let heard = self.state.heard.lock().unwrap();
        heard.iter().filter(|heard| heard.path == path).count()
    }

    /// The next that comes to the callback, or has come already and was not asked for.
    pub async fn answer(&self) -> Heard {
        self.hears("/callback").await
    }

    pub async fn hears(&self, path: &str) -> Heard {
        let begun = Instant::now();
        loop {
            {
                let mut all = self.state.heard.lock().unwrap();
                if let Some(first) = all.iter().position(|heard| heard.path == path) {
                    return all.remove(first);
                }
                assert!(
                    begun.elapsed() < Duration::from_secs(15),
                    "nothing came to {path}, only {all:?}"
                );
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    }
}

impl Drop for RelyingParty {
    fn drop(&mut self) {
        drop(self.handle.stop(false));
    }
}

async fn answer(request: HttpRequest, state: web::Data<State>, body: String) -> HttpResponse {
    let path = request.path();
    if path == "/favicon.ico" {
        return HttpResponse::NotFound().finish();
    }
    let pairs = |text: &str| {
        url::form_urlencoded::parse(text.as_bytes())
            .into_owned()
            .collect::<Vec<_>>()
    };
    let mut parameters = pairs(request.query_string());
    parameters.extend(pairs(&body));
    state.heard.lock().unwrap().push(Heard {
        method: request.method().to_string(),
        path: path.to_owned(),
        parameters,
    });
    let files = state.files.lock().unwrap();
    let (content_type, body) = files.get(path).cloned().unwrap_or((
        "text/html",
        "<!doctype html><title>Application</title><h1 id=application>Application</h1>".to_owned(),
    ));
    HttpResponse::Ok()
        .content_type(content_type)
        .insert_header(("Cache-Control", "no-store"))
        .body(body)
}
