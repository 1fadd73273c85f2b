#![doc = include_str!("../docs/troubleshooting.md")]

// What the page names by its short name.
use crate::*;
