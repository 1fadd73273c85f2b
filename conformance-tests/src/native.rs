//! The native column: backend-native in the process of the test, or each participant in a process of its own.

mod column;
mod coordinator;
mod http;
mod platform;
pub mod puppet;
mod puppets;
mod vitals;

pub use column::run;
