//! A network in memory, with a [`Backend`](crate::Backend) and a [`Signaling`](crate::Signaling) for each participant.
//!
//! It is made to test games, and it keeps the contracts of both traits: the conformance suite runs against it. One
//! [`Network`] holds any number of participants. Nothing in it is global, and everything is `Send`. The clock is virtual, so
//! an hour of game time takes only as long as its messages take to compute. The same seed and the same calls give the same
//! run, byte for byte.
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
//! Code that awaits runs in [`Network::block_on`]. Whenever everything waits, the clock moves to the next moment at which
//! something is due. A deadlock is reported as an error, so no test hangs.
//!
//! ```
//! use mesh_core::mock::{Network, Stalled};
//! use mesh_core::{Duration, Event, LobbyEvent, Session, SessionConfig};
//!
//! let network = Network::new(7);
//! let mut host = Session::new(network.backend(), network.signaling("demo"), SessionConfig::default());
//! let event = network.block_on(network.timeout(Duration::from_secs(1), host.next_event()))?;
//! assert!(matches!(event, Ok(Event::Joined { id, .. }) if id.is_server()));
//! let event = network.block_on(host.next_event())?;
//! assert_eq!(event, Event::Lobby(LobbyEvent::Complete));
//! // Nobody else is there, and nothing will ever happen.
//! assert!(matches!(network.block_on(host.next_event()), Err(Stalled::Deadlock { .. })));
//! # Ok::<(), Stalled>(())
//! ```
//!
//! To see how a game copes with a bad connection on any other backend, put a [`Conditioned`](crate::Conditioned) in front
//! of it.
//!
//! # What is modelled
//!
//! - **Setting up.** A description names its link, and each link has one candidate. Two links connect when both have the
//!   other's description and candidate, and the path between them carries. Five round trips later the connection is
//!   secured, and its channels open. Where that is impossible, the link is `Failed` after the ICE timeouts.
//! - **Reliable channels** deliver everything in spite of loss and partitions, in order where the channel is ordered. At
//!   most 1 MiB of their messages is on its way on each link.
//! - **Channels that are ordered and not reliable** drop a message that a later one has overtaken. **Unordered ones** deliver
//!   in any order. Retransmissions and lifetimes are honoured. No channel delivers a message twice.
//! - **A narrow path** delays what exceeds its bandwidth, and its queue can be full: see [`Conditions::queue`].
//! - **Silence.** A link whose far side does not answer becomes `Disconnected`, as soon as the pulse of the real backends would
//!   notice it, then `Failed`. No pulses are sent for that: an idle network has nothing to do. A far side that says goodbye
//!   closes the channels and then the link, at once. A reason for the close is repeated for 1.5 s, until it is heard. A close without
//!   a reason is not repeated and may be lost. One that is [suspended](Network::suspend) is stalled and not silent.
//! - **Figures.** [`LinkStats`](crate::LinkStats) has the round trip with the wait at a narrow part of the path, the jitter and the loss.
//!   A pair of candidates is another one when a test [says so](Network::set_relayed).
//! - **Streams.** A message on a stream for which the far side has no channel is dropped there, as real stacks do.
//! - **Nonsense.** A malformed description or candidate ends the link with a reason. A well-formed candidate that is not the
//!   far side's is ignored.
//! - **A lobby service** with the rules of Godot's demo: see [`MockSignaling`].
//!
//! Not modelled: what a relay does to a path, IP addresses, and congestion control beyond a pause when a queue is full.

mod backend;
mod channel;
mod commands;
mod conditions;
mod end;
mod executor;
mod ice;
mod lobby;
mod lobby_control;
mod lobby_entry;
mod network;
mod path;
mod pulse;
mod sdp;
mod signaling;
#[cfg(test)]
pub(crate) mod tests;
mod wire;
mod world;

pub use backend::MockBackend;
pub use conditions::{BackendId, Conditions, MockConfig, Usage};
pub use executor::{Elapsed, Sleep, Stalled};
pub use lobby_entry::MockLobby;
pub use network::Network;
pub use signaling::{MockSignaling, SignalingId};
