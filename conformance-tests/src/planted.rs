//! Backends that break their contract on purpose, to show that the list of cases notices.

mod distort;
mod fault;
mod faulty;

pub use fault::Fault;
pub use faulty::Faulty;
