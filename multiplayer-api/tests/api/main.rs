//! The multiplayer API as a game sees it: over a network peer of the test, and over the mock network.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "whatever else is told is a fault, or of no concern"
)]

mod auth;
mod backlog;
mod fake;
mod hostile;
mod kit;
mod limits;
mod relay;
mod restarts;
mod signals;
mod sleeping;
mod star;
mod typed;
mod vectors;
