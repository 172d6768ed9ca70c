//! Dialects: how a vendor speaks OAuth, as data.
//!
//! A dialect is one TOML file. The built-in ones stand beside this module; a user's own is named
//! by its path. A file `extends` another (`standard` unless it says so) and states only what
//! differs. [`Dialect`] is the schema; `docs/dialects.md` explains it to whoever writes one.

mod cache;
mod check;
mod deviations;
mod endpoints;
mod load;
mod random;
mod registration;
mod schema;
mod sign_in;
pub mod template;
mod words;

pub use cache::Dialects;
pub use deviations::{Deviation, deviations, lineage};
pub use endpoints::*;
pub use load::{BUILT_IN, load, load_built_in, load_stored, resolved, text};
pub use registration::*;
pub use schema::*;
pub use sign_in::*;
pub use words::*;
