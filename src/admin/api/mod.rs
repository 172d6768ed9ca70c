//! The admin API: JSON over the operations of [`super`], without HTTP. One table says which
//! request is answered by what, and what it takes; it routes, and it is the OpenAPI document.
//!
//! The web answers requests with it, and the command line asks it in the same process.

mod answer;
mod call;
mod documents;
mod issuers;
mod keys;
mod log;
mod openapi;
mod operations;
mod people;
mod resources;
mod sessions;

pub use answer::{ApiAnswer, PROBLEMS, problem};
pub use call::{ApiRequest, Call};
pub use openapi::openapi;
pub use operations::{OPERATIONS, Operation, Parameter};

use std::time::Duration;

use super::Admin;

/// Where it stands on every server.
pub const BASE: &str = "/api/v1";

/// How often a request that lost a race is tried again, and how long it waits the first time.
const TRIES: u32 = 12;
const PAUSE: Duration = Duration::from_millis(5);

/// Answers a request. Whoever asks is `admin`, and what they may do has been found out.
pub async fn answer(admin: &Admin<'_>, request: ApiRequest) -> ApiAnswer {
    let (operation, arguments) = match operations::find(&request.method, &request.path) {
        operations::Found::Operation(operation, arguments) => (operation, arguments),
        operations::Found::OtherMethods(methods) => {
            return ApiAnswer::method_not_allowed(&request.method, &methods);
        }
        operations::Found::Nothing => return ApiAnswer::nothing_here(&request.path),
    };
    let call = match Call::new(admin, operation, arguments, request) {
        Ok(call) => call,
        Err(answer) => return answer,
    };
    let mut tried = 0;
    loop {
        match (operation.run)(&call).await {
            Ok(answer) => return call.conditional(answer),
            Err(refusal) if tried < TRIES && call.may_be_tried_again(&refusal) => {
                tried += 1;
                tokio::time::sleep(PAUSE * tried).await;
            }
            Err(refusal) => return refusal,
        }
    }
}
