//! Locum from outside: conversations with a running server, on both database engines, and with the
//! real program.

mod signatures;
mod support;
mod transcripts;
