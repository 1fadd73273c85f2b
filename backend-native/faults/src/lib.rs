//! Sockets with faults, for tests: they lose, delay, reorder and hold datagrams, by chance or by a rule of the test.
//!
//! They go under the connections of `backend-native` through its [`SocketSource`], the one place where a test reaches into
//! that crate. No program is built with this one.
//!
//! - [`Faults`] wraps the sockets of any source; a [`Judge`] or a seeded [`Chance`] decides the [`Fate`] of each datagram.
//! - [`Weather`] is a chance that a test changes while its connections stand.
//! - [`Script`] is a socket that receives what a test tells it to.

mod chance;
mod fate;
mod fault;
mod script;
mod weather;

pub use backend_native::testing::SocketSource;
pub use chance::Chance;
pub use fate::{Fate, Judge};
pub use fault::{Faults, TokioSockets};
pub use script::Script;
pub use weather::Weather;
