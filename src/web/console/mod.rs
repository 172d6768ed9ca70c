//! The console: where administrators run the server, under `/console`.

pub mod pages;
