//! For authors of backends: what every [`Backend`](crate::Backend) needs in the same way, on any platform.
//!
//! A game needs nothing of it. A backend keeps the sockets or the browser's objects; the rules that are the same
//! everywhere are here, so that each exists once:
//!
//! - [`inbox`]: how many bytes of received messages a link may hold, and what goes when there is no room.
//! - [`Links`]: the table of a backend's links, and in which order their events come out.
//! - [`CommandGate`], [`RemoteChannels`] and [`Taken`]: how much a link takes of a core and of a far side.
//! - [`control`]: what two backends of ours tell each other on a channel of their own.
//! - [`pulse`]: how two backends of ours notice that the other one does not answer any more, and what they measure.
//! - [`batch`]: how small messages share a packet.
//! - [`PairWatch`]: which pair of candidates a link uses, and how often that was another one.
//! - [`Relay`], [`LinkFault`] and [`check_description`]: why a link cannot be, or must end.

use core::time::Duration;

pub mod batch;
pub mod control;
mod description;
mod fault;
mod gate;
pub mod inbox;
mod links;
mod pair;
pub mod pulse;
mod relay;
mod remote_channels;
mod taken;

pub use description::{MAX_DESCRIPTION, check_description};
pub use fault::LinkFault;
pub use gate::{CommandGate, MAX_REMOTE_CANDIDATES};
pub use inbox::{Inbox, InboxFull};
pub use links::{ChannelInbox, Entry, Item, LinkEnd, Links, Opened, TURN};
pub use pair::{PairEnd, PairWatch, SelectedPair};
pub use relay::Relay;
pub use remote_channels::{
    MAX_REFUSED_CHANNELS, MAX_REMOTE_CHANNELS, RemoteChannels, TRANSFER_STREAM,
};
pub use taken::Taken;

/// How long accepted reliable data may hold up a close: two losses of its last datagram, whose repair takes SCTP one second
/// and then two more, and a long round trip.
pub const LINGER: Duration = Duration::from_secs(5);

/// How long a close waits at most until the far side has heard why: one loss of the datagram that says so, whose repair takes SCTP
/// one second (RFC 9260 section 16, `RTO.Min`), and a long round trip.
pub const GOODBYE: Duration = Duration::from_millis(1500);

/// The largest message that any platform sends or takes, in bytes: 256 KiB. A platform may be set to less.
///
/// Chromium and Firefox announce this or more; both refuse to send more than the far side announced.
pub const MAX_MESSAGE_SIZE: usize = 262_144;
