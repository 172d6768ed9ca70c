//! What pages link to: the stylesheet, and the few scripts there are.

use std::sync::LazyLock;

use actix_web::http::header::{self, HeaderName, HeaderValue};

use super::document::Document;

const CSS: &str = "text/css; charset=utf-8";
const JAVASCRIPT: &str = "text/javascript; charset=utf-8";

/// The file served at `path`.
pub fn find(path: &str) -> Option<&'static Document> {
    static STYLESHEET: LazyLock<Document> =
        LazyLock::new(|| file(CSS, include_str!("../../static/locum.css")));
    static CONSOLE_STYLESHEET: LazyLock<Document> =
        LazyLock::new(|| file(CSS, include_str!("../../static/console.css")));
    static CONSOLE: LazyLock<Document> =
        LazyLock::new(|| file(JAVASCRIPT, include_str!("../../static/console.js")));
    static FORM_POST: LazyLock<Document> =
        LazyLock::new(|| file(JAVASCRIPT, include_str!("../../static/form-post.js")));
    static WEB_MESSAGE: LazyLock<Document> =
        LazyLock::new(|| file(JAVASCRIPT, include_str!("../../static/web-message.js")));
    static CHECK_SESSION: LazyLock<Document> =
        LazyLock::new(|| file(JAVASCRIPT, include_str!("../../static/check-session.js")));
    Some(match path {
        "/static/locum.css" => &STYLESHEET,
        "/static/console.css" => &CONSOLE_STYLESHEET,
        "/static/console.js" => &CONSOLE,
        "/static/form-post.js" => &FORM_POST,
        "/static/web-message.js" => &WEB_MESSAGE,
        "/static/check-session.js" => &CHECK_SESSION,
        _ => return None,
    })
}

fn file(content_type: &'static str, text: &str) -> Document {
    let header = |name: HeaderName, value| (name, HeaderValue::from_static(value));
    Document::new(
        text.as_bytes().to_vec(),
        vec![
            header(header::CONTENT_TYPE, content_type),
            header(header::CACHE_CONTROL, "public, max-age=300"),
            header(header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        ],
    )
}

#[cfg(test)]
mod tests {
    use actix_web::http::StatusCode;
    use actix_web::test::TestRequest;

    use super::*;

    #[test]
    fn every_file_says_what_it_is() {
        for (path, content_type) in [
            ("/static/locum.css", CSS),
            ("/static/console.css", CSS),
            ("/static/console.js", JAVASCRIPT),
            ("/static/form-post.js", JAVASCRIPT),
            ("/static/web-message.js", JAVASCRIPT),
            ("/static/check-session.js", JAVASCRIPT),
        ] {
            let response = find(path)
                .unwrap()
                .answer(&TestRequest::get().to_http_request());
            assert_eq!(response.status(), StatusCode::OK);
            let headers = response.headers();
            assert_eq!(headers.get(header::CONTENT_TYPE).unwrap(), content_type);
            assert_eq!(
                headers.get(header::X_CONTENT_TYPE_OPTIONS).unwrap(),
                "nosniff"
            );
            assert!(headers.contains_key(header::ETAG));
        }
        for path in ["/static/", "/static/../locum.css", "/static/LOCUM.CSS", ""] {
            assert!(find(path).is_none());
        }
    }
}
