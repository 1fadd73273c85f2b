//! What only a browser can show: two backends in one page.

#![allow(
    clippy::expect_used,
    clippy::panic,
    clippy::wildcard_enum_match_arm,
    reason = "test code"
)]
#![allow(
    dead_code,
    reason = "on the host these tests compile, so that they are checked, and are not run"
)]

mod closing;
mod connecting;
mod cycles;
mod flow;
mod later_version;
mod messages;
mod names;
mod refusals;
mod stranger;
mod support;
mod timing;
mod websocket;

wasm_bindgen_test::wasm_bindgen_test_configure!(run_in_browser);
