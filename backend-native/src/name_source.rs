//! Who knows the addresses of servers' names.

use core::fmt;
use core::pin::Pin;
use std::io;
use std::net::SocketAddr;

/// What [`NameSource::lookup`] returns.
pub type Lookup = Pin<Box<dyn Future<Output = io::Result<Vec<SocketAddr>>> + Send>>;

/// Knows the addresses of names. The seam for tests.
pub trait NameSource: Send + Sync + fmt::Debug {
    /// The addresses of a host, with this port.
    fn lookup(&self, host: &str, port: u16) -> Lookup;
}
