//! How a person proves who they are, and how a browser is remembered for it.

pub mod invitation;
pub mod own_account;
pub mod password;
pub mod session;
pub mod throttle;
pub mod ticket;

pub(crate) use password::network_of;
