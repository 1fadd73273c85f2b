//! The WebSocket transport against real servers on loopback.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    reason = "the lints' exceptions for tests do not reach the helpers of a test file"
)]

mod carry;
mod connect;
mod dead;
mod draining;
mod end;
mod godot;
mod godot_server;
mod goodbye;
mod member;
mod support;
mod swallow;
mod tls;
