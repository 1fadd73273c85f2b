//! What the benches share: the works and the contestants on the native path; medians, goals, and the table of two contestants.

pub mod bare;
pub mod goal;
pub mod heap;
pub mod measure;
pub mod node;
pub mod ours;
pub mod row;
pub mod settings;
pub mod stats;
pub mod tuned;
pub mod usage;
