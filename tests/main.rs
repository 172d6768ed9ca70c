//! Locum from outside: conversations with a running server, on both database engines, and with the
//! real program.

mod addresses;
mod audit;
mod bad_input;
mod browser;
mod command_line;
mod configuration;
mod console;
mod dialects;
mod errors;
mod invariants;
mod registration;
mod resources;
mod serve;
mod sign_in;
mod signatures;
mod storage;
mod support;
mod transcripts;
mod transfer;
