//! What every bench of this workspace tells its figures with: medians, goals, and the table of two contestants.

pub mod goal;
pub mod row;
pub mod stats;
