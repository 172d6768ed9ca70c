//! Locum from outside: conversations with a running server, on both database engines, and with the
//! real program.

mod bad_input;
mod command_line;
mod dialects;
mod errors;
mod invariants;
mod signatures;
mod storage;
mod support;
mod transcripts;
