//! The mock, tried through the seam alone.

mod duo;
mod life;
mod silence;
mod wakes;
mod weather;
