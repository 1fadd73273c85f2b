#![doc = include_str!("../docs/by-example.md")]

// What the page names by its short name.
use crate::*;
