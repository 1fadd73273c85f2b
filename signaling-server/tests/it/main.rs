//! The server over real sockets.

#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "clippy knows the helpers of an integration test as no test code"
)]

mod abuse;
mod addresses;
mod admission;
#[cfg(unix)]
mod broker;
#[cfg(unix)]
mod cluster;
#[cfg(unix)]
mod cluster_broker;
#[cfg(unix)]
mod cluster_drain;
#[cfg(unix)]
mod cluster_faults;
mod control;
mod draining;
#[cfg(unix)]
mod forwarding;
mod godot3;
mod groups;
mod handshakes;
mod lifecycle;
mod limits;
mod listing;
mod misuse;
mod peer;
#[cfg(unix)]
mod program;
mod protocol;
mod resume;
#[cfg(unix)]
mod secrets;
mod simultaneous;
mod strict;
mod tls;
mod tries;
