//! The native backend of webrtc-multiplayer: peer connections on the `webrtc` crate and tokio.
//!
//! [`PlatformBackend`] implements [`mesh_core::Backend`]; [`PlatformConfig`] has what only a native program can choose. The
//! rules of a mesh are in `mesh-core`, this crate makes connections and translates.
//!
//! How it is built: each connection is one task that awaits its commands in order, each channel one task that sends and one
//! that receives. They report through one queue, which [`poll_event`](mesh_core::Backend::poll_event) takes from. What the
//! `webrtc` crate calls things is known to few modules: `connection`, `channel` and `translate`.
//!
//! # Panics of what this crate stands on
//!
//! There are packets at which the `webrtc` family panics, and any member of a mesh can send them (docs/upstream.md lists
//! those that are known). This crate catches such a panic: the link to that member ends with
//! [`CloseReason::Protocol`](mesh_core::CloseReason::Protocol), and nothing else happens. The program's panic hook is left as it is, so the
//! panic's message is printed like any other. In a program that is built with `panic = "abort"` nothing can be caught, and a hostile
//! member can end the program; do not build a game that meets strangers in that way.

mod aboard;
mod backend;
mod carried;
mod channel;
mod clock;
mod config;
mod connection;
mod control;
mod dial;
mod direct;
mod entropy;
mod executor;
mod fuzz;
mod guard;
mod inbox;
mod link;
mod mdns;
mod name_source;
mod note;
mod outbox;
mod pipe;
mod preference;
mod pulse;
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
    /// What the fuzz targets give to the parsers in here.
    pub mod fuzz {
        pub use crate::fuzz::{
            candidates, checks, datagrams, description, hidden_names, stun, tunnel,
        };
    }

    pub use crate::name_source::{Lookup, NameSource};
    pub use crate::runtime::LinkRuntime;
    pub use crate::socket::{AddressSource, Cures, SocketControl, SocketOptions, SocketSource};
}
