//! Locum: an OAuth 2.0 authorization server that answers as healthcare vendors' servers do.
#![forbid(unsafe_code)]
pub mod clock;
pub mod config;
pub mod demo;
pub mod dialect;
pub mod entropy;
pub mod issuer;
pub mod keys;
pub mod oauth;
pub mod protocol;
pub mod secret;
pub mod store;
pub mod web;
