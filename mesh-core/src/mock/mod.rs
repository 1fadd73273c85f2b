//! A network in memory: a [`Backend`](crate::Backend) whose links, losses and time are all under a test's control.
//!
//! Made to test games, and production code itself: it keeps the contract of the seam, and the conformance suite runs
//! against it. One [`Network`] holds any number of participants; nothing in it is global, everything is `Send`, and the
//! clock is virtual: an hour of game time passes in the time its messages take to compute. The same seed and the same calls
//! give the same run, byte for byte.
//!
//! ```
//! use std::future::poll_fn;
//!
//! use mesh_core::mock::{Conditions, Network};
//! use mesh_core::{
//!     Backend, ChannelSpec, Command, Duration, LinkConfig, LinkEvent, LinkId, Reliability, SendLimits, TransferMode,
//! };
//!
//! let network = Network::new(42);
//! network.set_conditions(Conditions { latency: Duration::from_millis(40), loss: 0.02, ..Conditions::default() });
//! let mut peers = [network.backend(), network.backend()];
//! let link = LinkId { slot: 0, generation: 0 };
//! let mode = TransferMode::Reliable;
//!
//! // Both sides plan the same channel; the first one offers.
//! for backend in &mut peers {
//!     let spec = ChannelSpec::built_in(mode, Reliability::Reliable, SendLimits::default());
//!     backend.execute(Command::Open { link, config: LinkConfig::default(), inbox_bytes: 1 << 20 });
//!     backend.execute(Command::CreateChannel { link, channel: mode.channel(), spec });
//! }
//! peers[0].execute(Command::CreateOffer { link, restart: false });
//!
//! // A signaling of three lines: what one side says, the other is told.
//! let greeting = network.block_on(poll_fn(|cx| {
//!     loop {
//!         let Some((me, event)) = (0..2).find_map(|me| match peers[me].poll_event(cx) {
//!             std::task::Poll::Ready(event) => Some((me, event)),
//!             std::task::Poll::Pending => None,
//!         }) else {
//!             return std::task::Poll::Pending;
//!         };
//!         let far = &mut peers[1 - me];
//!         match event {
//!             LinkEvent::Description { description, .. } => far.execute(Command::SetRemote { link, description }),
//!             LinkEvent::Candidate { candidate, .. } => far.execute(Command::AddCandidate { link, candidate }),
//!             LinkEvent::ChannelOpened { channel, .. } if me == 0 => {
//!                 peers[0].send(link, channel, "hello".into()).expect("open");
//!             }
//!             LinkEvent::Message { payload, .. } => return std::task::Poll::Ready(payload),
//!             _ => {}
//!         }
//!     }
//! }));
//! assert_eq!(greeting.expect("no deadlock").text(), Some("hello"));
//! ```
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
mod network;
mod path;
mod rng;
mod sdp;
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
