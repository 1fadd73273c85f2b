//! The faults of the `webrtc` crate, each shown on the bare crate with its cure switched off, and gone with it.
//!
//! Most run on a network in memory under tokio's paused clock, which moves only when nothing can happen without it. So
//! "200 ms" is counted in timers of the crate and not measured on this machine.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the lints' exceptions for tests do not reach the helpers of a test file"
)]

#[path = "../support/mod.rs"]
mod backends;
mod buffers;
mod bulk;
mod burst;
mod connect;
mod cut_short;
mod early;
mod ends;
mod failover;
mod handle;
mod leak;
mod lost;
mod names;
mod outages;
mod pulse;
mod route;
mod support;
mod unread;
