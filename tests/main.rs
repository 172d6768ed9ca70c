//! Locum from outside: conversations with a running server, on both database engines, and with the
//! real program.

mod addresses;
mod admin_api;
mod audit;
mod bad_input;
mod browser;
mod cli_admin;
mod command_line;
mod configuration;
mod console;
mod dialects;
mod errors;
mod invariants;
mod reconciling;
mod registration;
mod resources;
mod serve;
mod sign_in;
mod signatures;
mod storage;
mod support;
mod transcripts;
mod transfer;
