use actix_web::HttpResponse;
use actix_web::http::StatusCode;
use actix_web::http::header;
use askama::Template;
use url::Url;

/// Where a page may be shown, and what a browser may do with it.
#[derive(Debug, Clone, Copy)]
pub enum Policy<'a> {
    /// A page people look at, never inside another one.
    Page {
        /// Where its forms lead in the end, besides this server: the client's redirect URI, or
        /// just its origin or scheme (`https:`).
        ///
        /// Chrome holds every redirect after a form post against `form-action`, so sign-in and
        /// consent must name the client. It does so also when the client redirects in its turn:
        /// one whose callback leads to yet another origin needs that one named as well.
        form_targets: &'a [String],
        /// What it loads in frames.
        frames: &'a [String],
    },
    /// A page without words, made for a client's frame or window: the answer of `web_message`,
    /// the check-session page.
    Embeddable,
}

/// A page as a response that no cache keeps and no other site can use.
pub fn respond(status: StatusCode, page: &impl Template, policy: &Policy<'_>) -> HttpResponse {
    let body = match page.render() {
        Ok(body) => body,
        Err(error) => {
            tracing::error!(%error, "a page could not be rendered");
            return HttpResponse::ServiceUnavailable()
                .insert_header((header::CACHE_CONTROL, "no-store"))
                .finish();
        }
    };
    // What a page shows of others is escaped, so that such an element is the template's own; and
    // if it weren't, only our scripts could run.
    let has_script = body.contains("<script");
    let mut response = HttpResponse::build(status);
    response
        .insert_header((header::CONTENT_TYPE, "text/html; charset=utf-8"))
        .insert_header((header::CACHE_CONTROL, "no-store"))
        .insert_header((header::PRAGMA, "no-cache"))
        .insert_header((header::X_CONTENT_TYPE_OPTIONS, "nosniff"))
        // Not `no-referrer`, and not `same-origin`: with them browsers say `Origin: null` with a
        // `form_post`, and a client may check that. Neither path nor query are ever told.
        .insert_header((header::REFERRER_POLICY, "strict-origin"))
        .insert_header((
            header::PERMISSIONS_POLICY,
            "camera=(), geolocation=(), microphone=(), payment=(), usb=()",
        ))
        .insert_header((
            header::CONTENT_SECURITY_POLICY,
            content_security_policy(policy, has_script),
        ));
    if let Policy::Page { form_targets, .. } = policy {
        response.insert_header((header::X_FRAME_OPTIONS, "DENY"));
        // Clients open sign-in in a window of their own and wait for its answer; this header
        // would cut the two apart for good, even when the next page doesn't have it.
        if form_targets.is_empty() {
            response.insert_header((header::CROSS_ORIGIN_OPENER_POLICY, "same-origin"));
        }
    }
    response.body(body)
}

fn content_security_policy(policy: &Policy<'_>, has_script: bool) -> String {
    let mut directives =
        String::from("default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'");
    if has_script {
        directives.push_str("; script-src 'self'");
    }
    match policy {
        Policy::Page {
            form_targets,
            frames,
        } => {
            directives.push_str("; frame-ancestors 'none'; form-action 'self'");
            append_sources(&mut directives, form_targets);
            if !frames.is_empty() {
                directives.push_str("; frame-src");
                append_sources(&mut directives, frames);
            }
        }
        Policy::Embeddable => directives.push_str("; form-action 'none'"),
    }
    directives
}

fn append_sources(directives: &mut String, addresses: &[String]) {
    let mut known: Vec<String> = Vec::new();
    for source in addresses.iter().filter_map(|address| source(address)) {
        if !known.contains(&source) {
            directives.push(' ');
            directives.push_str(&source);
            known.push(source);
        }
    }
}

/// The source expression (CSP §2.3.1) for where an address is: its origin, or the scheme of an
/// application on a device. Whatever else it holds, it cannot add a directive.
fn source(address: &str) -> Option<String> {
    if ["http:", "https:"].contains(&address) {
        return Some(address.to_owned());
    }
    let url = Url::parse(address)
        .or_else(|_| Url::parse(&format!("{address}:")))
        .ok()?;
    let host = match url.scheme() {
        "http" | "https" => url.host()?,
        "javascript" | "data" | "blob" | "filesystem" => return None,
        scheme => return Some(format!("{scheme}:")),
    };
    let is_expressible = match host {
        // An IPv6 address is no source expression, so its scheme has to do.
        url::Host::Ipv6(_) => false,
        url::Host::Ipv4(_) => true,
        url::Host::Domain(domain) => domain
            .bytes()
            .all(|byte| byte.is_ascii_alphanumeric() || b"-._".contains(&byte)),
    };
    Some(if is_expressible {
        url.origin().ascii_serialization()
    } else {
        format!("{}:", url.scheme())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn policy_for(targets: &[&str]) -> String {
        let form_targets: Vec<String> = targets.iter().map(|&target| target.to_owned()).collect();
        let policy = Policy::Page {
            form_targets: &form_targets,
            frames: &[],
        };
        content_security_policy(&policy, false)
    }

    #[test]
    fn forms_lead_here_and_to_the_client() {
        for (target, source) in [
            ("https://app.example/callback?a=b", "https://app.example"),
            ("http://127.0.0.1:4711", "http://127.0.0.1:4711"),
            ("http://[::1]:4711/", "http:"),
            ("com.example.app:/callback", "com.example.app:"),
            ("com.example.app", "com.example.app:"),
            ("https:", "https:"),
        ] {
            let policy = policy_for(&[target, target]);
            assert!(
                policy.ends_with(&format!("form-action 'self' {source}")),
                "{policy}"
            );
        }
    }

    #[test]
    fn an_address_cannot_add_a_directive() {
        for target in [
            "https://app.example; script-src *",
            "x; script-src *",
            "javascript:alert(1)",
            "*",
            "",
            "https://*",
            "https://a,b/",
        ] {
            let policy = policy_for(&[target]);
            assert!(!policy.contains("script-src"), "{policy}");
            assert!(!policy.contains('*') && !policy.contains(','), "{policy}");
        }
    }

    #[derive(Template)]
    #[template(source = "<p>{{ words }}</p>", ext = "html")]
    struct Plain {
        words: &'static str,
    }

    #[derive(Template)]
    #[template(
        source = "<script src=\"/static/form-post.js\"></script>",
        ext = "html"
    )]
    struct Scripted;

    struct Unprintable;

    impl std::fmt::Display for Unprintable {
        fn fmt(&self, _: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
            Err(std::fmt::Error)
        }
    }

    #[derive(Template)]
    #[template(source = "{{ words }}", ext = "txt")]
    struct Broken {
        words: Unprintable,
    }

    fn header<'a>(response: &'a HttpResponse, name: &str) -> Option<&'a str> {
        response.headers().get(name)?.to_str().ok()
    }

    const HERE: Policy<'_> = Policy::Page {
        form_targets: &[],
        frames: &[],
    };

    #[test]
    fn a_page_is_kept_by_nobody_and_framed_by_nobody() {
        let page = Plain { words: "<script>" };
        let response = respond(StatusCode::BAD_REQUEST, &page, &HERE);
        assert_eq!(response.status(), StatusCode::BAD_REQUEST);
        for (name, value) in [
            ("content-type", "text/html; charset=utf-8"),
            ("cache-control", "no-store"),
            ("pragma", "no-cache"),
            ("x-content-type-options", "nosniff"),
            ("x-frame-options", "DENY"),
            ("referrer-policy", "strict-origin"),
            ("cross-origin-opener-policy", "same-origin"),
            (
                "content-security-policy",
                "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; \
                 frame-ancestors 'none'; form-action 'self'",
            ),
        ] {
            assert_eq!(header(&response, name), Some(value));
        }
    }

    #[test]
    fn a_page_on_the_way_to_a_client_keeps_its_opener() {
        let targets = ["https://app.example/callback".to_owned()];
        let frames = ["https://other.example/out?sid=1".to_owned()];
        let policy = Policy::Page {
            form_targets: &targets,
            frames: &frames,
        };
        let response = respond(StatusCode::OK, &Scripted, &policy);
        assert_eq!(header(&response, "cross-origin-opener-policy"), None);
        assert_eq!(
            header(&response, "content-security-policy"),
            Some(
                "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; \
                 script-src 'self'; frame-ancestors 'none'; \
                 form-action 'self' https://app.example; frame-src https://other.example"
            )
        );
    }

    #[test]
    fn only_an_embeddable_page_may_be_framed() {
        let response = respond(StatusCode::OK, &Scripted, &Policy::Embeddable);
        for name in ["x-frame-options", "cross-origin-opener-policy"] {
            assert_eq!(header(&response, name), None);
        }
        assert_eq!(
            header(&response, "content-security-policy"),
            Some(
                "default-src 'none'; style-src 'self'; img-src 'self'; base-uri 'none'; \
                 script-src 'self'; form-action 'none'"
            )
        );
    }

    #[test]
    fn a_page_that_fails_is_an_answer() {
        let page = Broken { words: Unprintable };
        let response = respond(StatusCode::OK, &page, &HERE);
        assert_eq!(response.status(), StatusCode::SERVICE_UNAVAILABLE);
    }
}
