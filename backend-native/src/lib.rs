//! Placeholder.

mod runtime;
mod socket;
mod websocket;

pub use websocket::{CertificateError, WebSocketOptions, WebSocketTransport};

/// What the tests of this workspace need of the inside: the runtime under a connection, and its sockets with faults to
/// order. No part of the public API, and without its promises.
///
/// It is not behind a feature, because the tests of other packages (`conformance-tests`, `bench`) use it together with the
/// library as it ships.
#[doc(hidden)]
pub mod testing {
    pub use crate::runtime::LinkRuntime;
    pub use crate::socket::fault::{Chance, Fate, Faults, Judge, TokioSockets};
    pub use crate::socket::{Cures, SocketControl, SocketOptions, SocketSource};
}
