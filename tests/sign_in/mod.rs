//! A person signs in: the flows of each dialect as its vendor's documents print them, and what
//! must hold in all of them.

mod bad_input;
mod clinic;
mod consent;
mod invariants;
mod logout;
mod medblocks;
mod nethealth;
mod photon;
mod redirects;
mod relying_party;
mod sessions;
mod throttling;
