#![doc = include_str!("../docs/migration.md")]

// What the page names by its short name.
use mesh_core::*;
use multiplayer_api::*;
use signaling::*;
