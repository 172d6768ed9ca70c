//! The authorization endpoint (RFC 6749 §4.1.1, OIDC Core §3.1.2): what a client asks of a user,
//! what has to happen before it can be answered, and the answer.

mod answer;
mod decision;
mod request;

pub use answer::{Answer, Outcome, deny, is_required};
pub use decision::{Grantable, Next, Progress, SignedIn};
pub use request::{AuthorizationRequest, Prompt, RefusedRequest, ReplyTo};
