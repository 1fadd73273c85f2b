//! A network in memory: a [`Backend`](crate::Backend) and a [`Signaling`](crate::Signaling) under a test's control.
//!
//! Made to test games, and production code itself: it keeps the contracts of both seams, and the conformance suite runs
//! against it. One [`Network`] holds any number of participants; nothing in it is global, everything is `Send`, and the
//! clock is virtual: an hour of game time passes in the time its messages take to compute. The same seed and the same calls
//! give the same run, byte for byte.
//!
//! ```
//! use mesh_core::mock::{Conditions, Network};
//! use mesh_core::{Duration, Event, Session, SessionConfig, Target, TransferMode};
//!
//! let network = Network::new(42);
//! network.set_conditions(Conditions {
//!     latency: Duration::from_millis(40),
//!     jitter: Duration::from_millis(10),
//!     loss: 0.02,
//!     ..Conditions::default()
//! });
//! let player = |_| Session::new(network.backend(), network.signaling("demo"), SessionConfig::default());
//! let mut players: Vec<_> = (0..3).map(player).collect();
//!
//! // The game's loop at 60 Hz, until everybody has met everybody and heard a message of each.
//! let (mut connected, mut packets) = (0, 0);
//! while packets < 6 {
//!     network.advance(Duration::from_micros(16_667));
//!     for player in &mut players {
//!         let events: Vec<Event> = std::iter::from_fn(|| player.poll()).collect();
//!         connected += events.iter().filter(|event| matches!(event, Event::PeerConnected(_))).count();
//!         packets += events.iter().filter(|event| matches!(event, Event::Packet(_))).count();
//!     }
//!     if connected == 6 {
//!         connected = 0;
//!         for player in &mut players {
//!             player.send(Target::All, TransferMode::Reliable, "hello")?;
//!         }
//!     }
//! }
//! # Ok::<(), mesh_core::SendError>(())
//! ```
//!
//! Code that awaits runs in [`Network::block_on`]: whenever everything waits, the clock moves to the next moment at which
//! something is due, and a deadlock is an error rather than a hanging test.
//!
//! ```
//! use mesh_core::mock::{Network, Stalled};
//! use mesh_core::{Duration, Event, Session, SessionConfig};
//!
//! let network = Network::new(7);
//! let mut host = Session::new(network.backend(), network.signaling("demo"), SessionConfig::default());
//! let event = network.block_on(network.timeout(Duration::from_secs(1), host.next_event()))?;
//! assert!(matches!(event, Ok(Event::Joined { id, .. }) if id.is_server()));
//! // Nobody else is there, and nothing will ever happen.
//! assert!(matches!(network.block_on(host.next_event()), Err(Stalled::Deadlock { .. })));
//! # Ok::<(), Stalled>(())
//! ```
//!
//! [`Recorder`] writes down what goes through the seam of any backend.
//!
//! # What is modelled
//!
//! - **Setting up.** Descriptions name their link; candidates are found one by one; a route needs both descriptions, a
//!   candidate of each side, and a path. Securing it takes five round trips, then the channels open. Where that is
//!   impossible, the link is `Failed` after the ICE timeouts.
//! - **Reliable channels** wait out loss and partitions, in order where the channel is ordered, at most 1 MiB on its way.
//! - **Ordered channels that are not reliable** drop what was overtaken. **Unreliable ones** deliver in any order.
//!   Retransmissions and lifetimes are honoured. No channel ever delivers a duplicate.
//! - **Silence.** A far side that does not answer makes a link `Disconnected`, then `Failed`; a goodbye makes it `Closed` at
//!   once, its channels first.
//! - A message on a stream the far side has not claimed is dropped there, as real stacks do.
//! - A malformed description or candidate ends the link with a reason. A candidate that is well-formed but not the far
//!   side's leads nowhere and is ignored.
//! - **A lobby service** with Godot's rules; see [`MockSignaling`].
//!
//! Not modelled: congestion control, IP addresses, ICE restart.

mod arrival;
mod backend;
mod channel;
mod clock;
mod closing;
mod conditions;
mod end;
mod executor;
mod gather;
mod ice;
mod inbox;
mod link;
mod lobby;
mod member;
mod network;
mod path;
mod recorder;
mod rng;
mod sdp;
mod signaling;
mod slab;
mod streams;
#[cfg(test)]
mod tests;
mod transport;
mod world;

pub use backend::MockBackend;
pub use conditions::{BackendId, Conditions, MockConfig, Turn, Usage};
pub use executor::{Elapsed, Sleep, Stalled};
pub use network::Network;
pub use recorder::{Recorder, Trace};
pub use signaling::{MockSignaling, SignalingId};
