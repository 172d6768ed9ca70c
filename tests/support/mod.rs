//! What the tests share: a way to talk to a server, servers to talk to, databases under them, and
//! the parts of a token.

pub mod browser;
pub mod clinic;
pub mod database;
pub mod html;
pub mod http;
pub mod json;
pub mod jwt;
pub mod postgres;
pub mod program;
pub mod servers;
pub mod user;
