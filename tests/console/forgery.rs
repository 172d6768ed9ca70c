//! Forms that no page of the console made for this browser change nothing.

use super::{Cast, routes_of, routes_of_server};
use crate::support::http::Request;
use crate::support::user::form;

#[tokio::test]
async fn a_form_of_another_browser_changes_nothing() {
    let mut cast = Cast::gather().await;
    let mut routes = routes_of(&mut cast.owner, "clinic").await;
    routes.extend(routes_of_server(&mut cast.owner).await);
    let own = cast.owner.csrf().await;
    let others = cast.manager.csrf().await;
    let before = cast.log().await;
    let mut posts = 0;
    for (path, methods, _) in &routes {
        if !methods.ends_with("POST") {
            continue;
        }
        posts += 1;
        for csrf in [None, Some(""), Some("x"), Some(others.as_str())] {
            let answer = cast.owner.submit_with(path, &[], csrf).await;
            assert_eq!(answer.status, 400, "{path} with {csrf:?}: {answer}");
        }
        // One that the browser itself says is another site's.
        let request = Request::post(path)
            .header("Sec-Fetch-Site", "cross-site")
            .form(form(&[("csrf", own.as_str())]));
        assert_eq!(cast.owner.send(request).await.status, 400, "{path}");
    }
    assert!(posts > 25, "{posts}");
    let answer = cast.owner.submit_with("/console/sign-out", &[], None).await;
    assert_eq!(answer.status, 400, "{answer}");
    assert_eq!(cast.log().await, before);

    // With the right one the same request does something.
    let path = "/console/issuers/clinic/rotate-keys?alg=RS256";
    cast.owner.submit_with(path, &[], Some(&own)).await.is(303);
    assert_ne!(cast.log().await, before);
}

#[tokio::test]
async fn other_methods_do_nothing() {
    let mut cast = Cast::gather().await;
    let before = cast.log().await;
    for method in ["PUT", "DELETE", "PATCH", "OPTIONS"] {
        for path in ["/console/issuers", "/console/issuers/clinic/delete"] {
            let answer = cast.owner.send(Request::new(method, path)).await;
            assert!([404, 405].contains(&answer.status), "{method}: {answer}");
        }
    }
    // Asking is not doing.
    let routes = routes_of(&mut cast.owner, "clinic").await;
    let asks = routes
        .iter()
        .filter(|(_, methods, _)| *methods == "GET POST");
    for (path, ..) in asks {
        cast.owner.get(path).await.is(200);
        cast.owner.send(Request::new("HEAD", path)).await.is(200);
    }
    assert_eq!(cast.log().await, before);
}

/// A page with a secret, or with somebody's data, is not for keeping.
#[tokio::test]
async fn pages_are_kept_nowhere_and_framed_nowhere() {
    let mut cast = Cast::gather().await;
    for path in [
        "/console/issuers",
        "/console/issuers/clinic/clients",
        "/console/issuers/clinic/audit.csv",
        "/console/issuers/clinic/audit.json",
        "/console/nowhere",
    ] {
        let answer = cast.owner.get(path).await;
        assert_eq!(answer.header("cache-control"), Some("no-store"), "{path}");
        assert_eq!(
            answer.header("x-content-type-options"),
            Some("nosniff"),
            "{path}"
        );
        if !path.contains("audit.") {
            let policy = answer.header("content-security-policy").unwrap();
            assert!(policy.contains("frame-ancestors 'none'"), "{policy}");
            assert!(policy.contains("form-action 'self'"), "{policy}");
            assert!(!policy.contains("unsafe"), "{policy}");
        }
    }
}
