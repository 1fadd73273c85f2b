//! Native participants: backend-native in the process of the test, or each participant in a process of its own.

pub(crate) mod faults;
mod http;
mod platform;
mod process;
pub mod puppet;
mod vitals;

pub(crate) use platform::{Native, Threads};
pub(crate) use process::Puppet;
