//! The native backend of webrtc-multiplayer: peer connections on the `webrtc` crate and tokio.
//!
//! [`PlatformBackend`] implements [`mesh_core::Backend`]; [`PlatformConfig`] has what only a native program can choose. The
//! rules of a mesh are in `mesh-core`, this crate makes connections and translates.
//!
//! How it is built: each connection is one task that awaits its commands in order, each channel one task that sends and one
//! that receives. They report through one queue, which [`poll_event`](mesh_core::Backend::poll_event) takes from. What the
//! `webrtc` crate calls things is known to few modules: `connection`, `channel` and `translate`.

mod aboard;
mod backend;
mod channel;
mod clock;
mod config;
mod connection;
mod dial;
mod direct;
mod entropy;
mod executor;
mod inbox;
mod link;
mod mdns;
mod name_source;
mod note;
mod outbox;
mod pipe;
mod preference;
mod relay;
mod runtime;
mod socket;
mod tls;
mod translate;
mod websocket;
#[cfg(test)]
mod wire;

pub use backend::PlatformBackend;
pub use config::PlatformConfig;
pub use entropy::entropy;
pub use executor::StartError;
pub use tls::{CertificateError, RootCertificates};
pub use websocket::WebSocketTransport;

/// What the tests of this workspace need of the inside: the runtime under a connection, and other sockets in the place of
/// the kernel's. No part of the public API, and without its promises.
///
/// It is not behind a feature, because the tests of other packages (`conformance-tests`, `bench`) use it together with the
/// library as it ships.
#[doc(hidden)]
pub mod testing {
    pub use crate::name_source::{Lookup, NameSource};
    pub use crate::runtime::LinkRuntime;
    pub use crate::socket::{Cures, SocketControl, SocketOptions, SocketSource};
}
