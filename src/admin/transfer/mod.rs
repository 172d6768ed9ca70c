//! Moving whole issuers from one database to another, of either engine, with nothing lost: tokens,
//! sessions, keys, the audit log.
//!
//! What is moved is a file of lines of JSON. The first says what it is; then each row of each table
//! is a line; the last but one says how many there are, and the last is a MAC (HMAC-SHA-256 under a
//! key derived from `LOCUM_SECRET_KEY`) over everything before it. It holds password hashes and
//! sealed keys, which are worth nothing without the secret key, and it is worth nothing to another
//! server, which could not open them.

mod export;
mod file;
mod import;

use std::io;

use crate::admin::AdminFault;
use crate::store::StoreError;

pub use export::{Exported, export};
pub use import::{Imported, Wanted, import};

/// Why something cannot be moved. The database is as it was.
#[derive(Debug, thiserror::Error)]
pub enum TransferFault {
    #[error(transparent)]
    Store(#[from] StoreError),
    #[error(transparent)]
    Admin(#[from] AdminFault),
    #[error("cannot be read or written: {0}")]
    Io(#[from] io::Error),
    #[error("there is no issuer {name:?}; there are: {known}")]
    NoSuchIssuer { name: String, known: String },
    #[error("this is not an export of Locum's: `locum export --full` makes one")]
    NotAnExport,
    #[error(
        "the file was made by a newer version of Locum ({by}); this one does not know what it means: import it with that version"
    )]
    Newer { by: String },
    #[error(
        "the file was made by an older version of Locum ({by}), whose tables were others: start this version on the database it came from, and export it again"
    )]
    Older { by: String },
    #[error(
        "the file was made under another secret key, which its private keys are sealed with: use the LOCUM_SECRET_KEY of the server it came from"
    )]
    OtherSecretKey,
    #[error("the file is not whole: it breaks off after line {line}")]
    Truncated { line: usize },
    #[error("the file is not as it was written: it has been altered or damaged")]
    Tampered,
    #[error("line {line} of the file is not understood")]
    Malformed { line: usize },
    #[error("the file has changed while it was being read")]
    Moving,
    #[error(
        "there is already {0} in this database. With --replace it is deleted, with everything in it, and replaced by what is in the file"
    )]
    Exists(String),
    #[error(
        "issuer {0} is one of `locum dev`, whose secrets everybody knows, and is not taken over"
    )]
    Demo(String),
    #[error("something in the file is in this database already, under another issuer: {0}")]
    Conflict(String),
}
