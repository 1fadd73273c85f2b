//! Backends and transports that break their contract on purpose, to show that the list of cases notices.

mod distort;
mod dressed;
mod fault;
mod faulty;
#[cfg(not(target_arch = "wasm32"))]
mod hunt;
#[cfg(not(target_arch = "wasm32"))]
mod table;
mod transport;

pub use dressed::Dressed;
pub use fault::Fault;
pub use faulty::Faulty;
#[cfg(not(target_arch = "wasm32"))]
pub(crate) use hunt::{WANTED, hunt};
pub(crate) use transport::FaultyTransport;
