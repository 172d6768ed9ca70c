//! Clients that register themselves (RFC 7591, OIDC Registration), manage what they registered
//! (RFC 7592), or are administered a vendor's way.

mod answer;
mod check;
mod compose;
mod flow;
mod limit;
mod management;
mod offer;
mod sample;
mod sector;
mod submission;
pub mod vendor_admin;

pub use answer::RegisteredClient;
pub use check::{check_client, check_texts};
pub use sector::check_sector;
