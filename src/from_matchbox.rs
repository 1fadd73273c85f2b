#![doc = include_str!("../docs/from-matchbox.md")]

// What the page names by its short name.
use crate::*;
