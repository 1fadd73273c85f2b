//! The browser backend of webrtc-multiplayer: peer connections on `web-sys`.
//!
//! [`PlatformBackend`] implements [`mesh_core::Backend`]; [`PlatformConfig`] has what only a page can choose. The rules of a
//! mesh are in `mesh-core`, this crate makes connections and translates.
//!
//! How it is built: each connection is one task that awaits its commands in order. What the browser calls back goes through one
//! queue, which [`poll_event`](mesh_core::Backend::poll_event) takes from; messages take the short way, from the channel's
//! callback into that queue. Every callback is a field of the object it belongs to and is taken off it before that object is
//! closed. What the browser calls things is known to few modules: `connection`, `channel`, `translate` and `websocket`.
//!
//! Only a page can make connections: workers have no `RTCPeerConnection`, which [`PlatformBackend::new`] says as a
//! [`StartError`]. The crate compiles on every target, so that it is checked with the others, and runs in browsers.

mod backend;
mod burst;
mod carried;
mod channel;
mod clock;
mod config;
mod connection;
mod control;
mod count;
mod ending;
mod entropy;
mod events;
mod far_names;
mod far_relays;
mod flight;
mod inbox;
mod js;
mod link;
mod names;
mod note;
mod outbox;
mod pacer;
mod page;
mod pulse;
mod relay;
mod role;
mod start;
mod stats;
mod timer;
mod translate;
mod websocket;

pub use backend::PlatformBackend;
pub use config::PlatformConfig;
pub use entropy::entropy;
pub use start::StartError;
pub use websocket::WebSocketTransport;

/// What the tests of this workspace need of the inside: how much of the browser is held. No part of the public API, and
/// without its promises.
///
/// It is not behind a feature, because the tests of other packages (`conformance-tests`) use it together with the library as
/// it ships.
#[doc(hidden)]
pub mod testing {
    pub use crate::count::{Held, held};
}
