//! Locum: an OAuth 2.0 authorization server that answers as healthcare vendors' servers do.
//!
//! From the ground up; each module uses only those above it in this list:
//!
//! - [`clock`], [`entropy`], [`secret`]: time, randomness and secrets as arguments
//! - `private`: files that their owner alone can read
//! - [`protocol`]: the RFCs' vocabulary as types, and every way a request can be wrong
//! - [`dialect`]: how a vendor speaks OAuth, as TOML files and the schema that reads them
//! - [`keys`]: signing keys, signing, JWKS
//! - [`issuer`]: an authorization server identity, its clients and APIs
//! - [`account`]: users, roles, sessions, consents, grants
//! - [`audit`]: what happened, in a chain that shows tampering
//! - [`store`]: the database, SQLite or Postgres
//! - [`outgoing`]: the one way out; [`proxy`]: whose word about a client's address is taken
//! - [`oauth`]: the flows: authorization, token, introspection, revocation, metadata
//! - [`oidc`]: what OpenID Connect adds: ID tokens, claims, UserInfo, logout
//! - [`signin`]: passwords, throttling, browser sessions
//! - [`config`], [`demo`]: what exists, declared in a file or built into `locum dev`
//! - [`admin`]: operations on what is administered, applying a configuration, the console's roles
//! - [`production`]: what `locum serve` asks before it starts
//! - [`web`]: HTTP: routes, bodies, credentials, one file per endpoint, rendering
//! - [`server`], [`listen`], [`ready`]: puts the parts together and says what is there
//! - [`cli`]: the program `locum`; [`embedded`]: the same server inside a test suite

#![forbid(unsafe_code)]

pub mod account;
pub mod admin;
pub mod audit;
pub mod cli;
pub mod clock;
pub mod config;
pub mod demo;
pub mod dialect;
pub mod embedded;
pub mod entropy;
pub mod issuer;
pub mod keys;
pub mod listen;
pub mod oauth;
pub mod oidc;
pub mod outgoing;
mod private;
pub mod production;
pub mod protocol;
pub mod proxy;
pub mod ready;
pub mod secret;
pub mod server;
pub mod signin;
pub mod source;
pub mod store;
pub mod web;
