//! What Godot's class does, rule by rule, told to a mesh without any network. The sections are those of
//! `reference/godot.md`.
#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "a test looks for what it is about"
)]

mod add_peer;
mod channels;
mod goodbye;
mod in_band;
mod rig;
mod sending;
mod setting_up;
mod status_machine;
