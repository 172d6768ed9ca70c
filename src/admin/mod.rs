//! Operations on what is administered. The one layer that the console, the admin API and the
//! command line share.

pub mod configuration;
pub mod forms;
pub mod rights;
pub mod signing_keys;
pub mod system;
