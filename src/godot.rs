#![doc = include_str!("../docs/godot.md")]

// What the page names by its short name.
use mesh_core::*;
use multiplayer_api::*;

use crate::{PlatformBackend, PlatformConfig, generate_unique_id};
