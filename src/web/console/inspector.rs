//! A token, taken apart and checked, with the reason in words when it fails.

use base64::Engine;
use base64::prelude::BASE64_URL_SAFE_NO_PAD as BASE64URL;
use serde_json::{Map, Value as Json};

use super::desk::{Answer, Desk};
use super::pages::{Check, CheckResult, Claim, Inspection, InspectorPage, Section};
use crate::admin::AdminFault;
use crate::admin::rights::Permission;
use crate::clock::Timestamp;
use crate::oauth::{Authority, Refusal, Seen, TokenUse};
use crate::web::visit::Fields;

/// Bytes of a token; longer ones are none of anybody's.
const LONGEST: usize = 16 * 1024;

pub async fn inspect(desk: &Desk<'_>, form: Option<&Fields>) -> Answer {
    let at = desk.issuer().await?;
    at.require(Permission::ReadClients)?;
    let token = form.map_or("", |fields| fields.text("token")).trim();
    let inspection = if token.is_empty() {
        None
    } else {
        let address = desk.address().await?;
        let visitor = desk.visit.authority.visitor.clone();
        let authority = address.authority(desk.admin.core, visitor);
        Some(look(&authority, token, desk.visit.now).await?)
    };
    Ok(desk.show(&InspectorPage {
        frame: desk.frame(Section::Inspector),
        token: token.chars().take(LONGEST).collect(),
        inspection,
    }))
}

async fn look(
    authority: &Authority<'_>,
    token: &str,
    now: Timestamp,
) -> Result<Inspection, AdminFault> {
    let token = token.strip_prefix("Bearer ").unwrap_or(token);
    let seen = authority.look_up(token).await.map_err(fault)?;
    match parts(token) {
        Some((header, claims)) => Ok(jwt(authority, token, header, claims, &seen, now)),
        None => Ok(opaque(token, &seen)),
    }
}

fn fault(refusal: Refusal) -> AdminFault {
    match refusal {
        Refusal::Store(error) => AdminFault::Store(error),
        Refusal::Busy(error) => AdminFault::Busy(error),
        Refusal::Key(error) => AdminFault::Key(error),
        Refusal::Fault(fault) => AdminFault::NotPossible(fault.to_string()),
    }
}

/// Header and claims of a JWT; `None` for what is none.
fn parts(token: &str) -> Option<(Map<String, Json>, Map<String, Json>)> {
    let mut parts = token.split('.');
    let object = |part: Option<&str>| -> Option<Map<String, Json>> {
        serde_json::from_slice(&BASE64URL.decode(part?).ok()?).ok()
    };
    let header = object(parts.next())?;
    let claims = object(parts.next())?;
    parts.next()?;
    (parts.next().is_none() && token.len() <= LONGEST).then_some((header, claims))
}

fn opaque(token: &str, seen: &Seen) -> Inspection {
    let (what, claims) = match seen {
        Seen::Active(facts) => {
            let what = match facts.token_use {
                TokenUse::Access => "An opaque access token",
                TokenUse::Refresh => "A refresh token",
            };
            let mut claims = vec![
                claim("client_id", &facts.client_id, "The client it was issued to"),
                claim("sub", &facts.subject, "Whom it is about"),
                claim("scope", &facts.scope.to_string(), "What it allows"),
                claim("aud", &facts.audience.join(" "), "The APIs it is for"),
                claim("exp", &facts.expires_at.rfc3339(), "When it ends"),
            ];
            if let Some(user) = &facts.user {
                claims.push(claim("username", &user.username, "The user"));
            }
            (what, claims)
        }
        Seen::Expired => ("An opaque token", Vec::new()),
        Seen::Unknown => ("Not a token of any kind known here", Vec::new()),
    };
    let is_good = matches!(seen, Seen::Active(_));
    let words = match seen {
        Seen::Active(_) => "This server issued it, and it has not been revoked.",
        Seen::Expired => "This server issued it, and its time is over.",
        Seen::Unknown if token.matches('.').count() == 2 => {
            "It has three parts like a JWT, but they are not base64url-encoded JSON. Was it copied whole?"
        }
        Seen::Unknown => {
            "This issuer has never issued it, or it has been revoked, or what it came of is gone. Tokens of other issuers are unknown here."
        }
    };
    Inspection {
        what: what.to_owned(),
        is_good,
        verdict: if is_good {
            "It works."
        } else {
            "It does not work."
        }
        .to_owned(),
        checks: vec![Check {
            result: passed(is_good),
            title: "Known to this issuer, and alive".to_owned(),
            words: words.to_owned(),
        }],
        header: Vec::new(),
        claims,
    }
}

fn jwt(
    authority: &Authority<'_>,
    token: &str,
    header: Map<String, Json>,
    claims: Map<String, Json>,
    seen: &Seen,
    now: Timestamp,
) -> Inspection {
    let issuer = authority.issuer;
    let kid = header.get("kid").and_then(Json::as_str).unwrap_or_default();
    let knows_key = issuer
        .keys
        .iter()
        .any(|key| key.kid() == kid || key.x5t() == kid);
    let is_signed = issuer.keys.verify(token).is_ok();
    let iss = claims.get("iss").and_then(Json::as_str).unwrap_or_default();
    let is_own = issuer.identifiers.iter().any(|own| own == iss);
    let instant = |name: &str| {
        claims
            .get(name)
            .and_then(Json::as_i64)
            .map(Timestamp::from_unix)
    };
    let is_id_token = claims.contains_key("nonce")
        || claims.contains_key("at_hash")
        || (!claims.contains_key("scope")
            && !claims.contains_key("client_id")
            && claims.contains_key("sid"));
    let mut checks = vec![
        Check {
            result: passed(knows_key),
            title: "Names a key of this issuer".to_owned(),
            words: if knows_key {
                format!("Key {kid}.")
            } else if kid.is_empty() {
                "Its header names no key (kid).".to_owned()
            } else {
                format!(
                    "This issuer has no key {kid}. It was signed elsewhere, or the key has been deleted."
                )
            },
        },
        Check {
            result: if knows_key {
                passed(is_signed)
            } else {
                CheckResult::Unknown
            },
            title: "Signed with it".to_owned(),
            words: match (knows_key, is_signed) {
                (_, true) => "Nothing of it has been altered.".to_owned(),
                (true, false) => {
                    "The signature does not fit: it has been altered, or was not copied whole."
                        .to_owned()
                }
                (false, false) => "Cannot be told without the key.".to_owned(),
            },
        },
        Check {
            result: passed(is_own),
            title: "Issued by this issuer".to_owned(),
            words: if is_own {
                format!("iss is {iss}.")
            } else if iss.is_empty() {
                "It does not say who issued it (iss).".to_owned()
            } else {
                format!(
                    "iss is {iss}, and this issuer is {}. Clients compare the two letter by letter, a slash at the end included.",
                    authority.identifier
                )
            },
        },
        expiry(instant("exp"), now),
    ];
    if let Some(not_before) = instant("nbf").filter(|not_before| *not_before > now) {
        checks.push(Check {
            result: CheckResult::Failed,
            title: "Valid already".to_owned(),
            words: format!(
                "It becomes valid {} from now. Do the clocks agree?",
                span(not_before.unix() - now.unix())
            ),
        });
    }
    if !is_id_token {
        checks.push(alive(seen));
    }
    let failed = checks
        .iter()
        .find(|check| check.result == CheckResult::Failed);
    let is_good = failed.is_none();
    Inspection {
        what: match header.get("typ").and_then(Json::as_str) {
            Some("at+jwt") => "An access token (JWT, RFC 9068)",
            Some("logout+jwt") => "A logout token",
            _ if is_id_token => "An ID token",
            _ => "An access token (JWT)",
        }
        .to_owned(),
        is_good,
        verdict: match failed {
            None if is_id_token => {
                "It is good. APIs must not accept it all the same: an ID token is for the client alone.".to_owned()
            }
            None => "It works.".to_owned(),
            Some(check) => check.words.clone(),
        },
        checks,
        header: members(&header),
        claims: members(&claims),
    }
}

fn expiry(expires_at: Option<Timestamp>, now: Timestamp) -> Check {
    let title = "Not expired".to_owned();
    match expires_at {
        None => Check {
            result: CheckResult::Failed,
            title,
            words: "It does not say when it ends (exp).".to_owned(),
        },
        Some(expires_at) if expires_at <= now => Check {
            result: CheckResult::Failed,
            title,
            words: format!("It expired {} ago.", span(now.unix() - expires_at.unix())),
        },
        Some(expires_at) => Check {
            result: CheckResult::Passed,
            title,
            words: format!("It ends in {}.", span(expires_at.unix() - now.unix())),
        },
    }
}

fn alive(seen: &Seen) -> Check {
    let title = "Accepted by this server".to_owned();
    match seen {
        Seen::Active(_) => Check {
            result: CheckResult::Passed,
            title,
            words: "It has not been revoked, and its client and user are still there.".to_owned(),
        },
        Seen::Expired => Check {
            result: CheckResult::Unknown,
            title,
            words: "Its time is over.".to_owned(),
        },
        Seen::Unknown => Check {
            result: CheckResult::Failed,
            title,
            words: "It has been revoked, or its client is disabled or gone, or its user is blocked or gone, or it is no access token of this issuer.".to_owned(),
        },
    }
}

const fn passed(is: bool) -> CheckResult {
    if is {
        CheckResult::Passed
    } else {
        CheckResult::Failed
    }
}

fn claim(name: &str, value: &str, meaning: &str) -> Claim {
    Claim {
        name: name.to_owned(),
        value: value.to_owned(),
        meaning: meaning.to_owned(),
    }
}

fn members(object: &Map<String, Json>) -> Vec<Claim> {
    object
        .iter()
        .map(|(name, value)| {
            let text = value
                .as_str()
                .map_or_else(|| value.to_string(), str::to_owned);
            claim(name, &text, &meaning(name, value))
        })
        .collect()
}

/// What a member says, in words; nothing where nobody can tell.
fn meaning(name: &str, value: &Json) -> String {
    if let ("exp" | "iat" | "nbf" | "auth_time" | "rat", Some(at)) = (name, value.as_i64()) {
        let what = match name {
            "exp" => "Ends",
            "iat" => "Issued",
            "nbf" => "Valid from",
            "rat" => "Requested",
            _ => "Signed in",
        };
        return format!("{what} {}", Timestamp::from_unix(at).rfc3339());
    }
    match name {
        "alg" => "How it is signed",
        "kid" | "x5t" => "With which key",
        "typ" => "What it is",
        "iss" => "Who issued it",
        "sub" => "Whom it is about",
        "aud" => "Whom it is for",
        "azp" | "client_id" => "The client it was issued to",
        "scope" | "scp" => "What it allows",
        "permissions" => "What the user may do at the API",
        "jti" => "Its own identity",
        "sid" => "The session it came of",
        "nonce" => "What ties it to the client’s request",
        "at_hash" => "What ties it to an access token",
        "acr" => "How strongly the user proved who they are",
        "amr" => "By which means",
        "gty" => "The grant it came of",
        _ => "",
    }
    .to_owned()
}

/// "3 minutes", "2 days".
fn span(seconds: i64) -> String {
    let (number, unit) = match seconds {
        ..=119 => (seconds, "second"),
        120..=7199 => (seconds / 60, "minute"),
        7200..=172_799 => (seconds / 3600, "hour"),
        _ => (seconds / 86_400, "day"),
    };
    let end = if number == 1 { "" } else { "s" };
    format!("{number} {unit}{end}")
}
