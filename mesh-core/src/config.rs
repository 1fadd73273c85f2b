//! What a user can set, as far as every platform has it.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use crate::{ChannelIndex, Reliability, TransferMode};

/// Settings of one peer connection (W3C: `RTCConfiguration`).
///
/// Only what both platforms have; native-only settings are in `PlatformConfig`.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LinkConfig {
    /// STUN and TURN servers, tried side by side. Empty: the peers must reach each other's own addresses.
    #[doc(alias = "iceServers")]
    pub ice_servers: Vec<IceServer>,
    /// Which kinds of candidate may be used.
    #[doc(alias = "iceTransportPolicy")]
    pub ice_transport_policy: IceTransportPolicy,
}

impl LinkConfig {
    /// A configuration with one STUN server, such as `stun:stun.example.org:3478`.
    #[must_use]
    pub fn with_stun(url: impl Into<String>) -> Self {
        Self {
            ice_servers: alloc::vec![IceServer::stun(url)],
            ..Self::default()
        }
    }
}

/// A STUN or TURN server (W3C: `RTCIceServer`).
#[derive(Clone, Default, PartialEq, Eq)]
pub struct IceServer {
    /// `stun:host:port`, `turn:host:port` or `turns:host:port`, the last two with `?transport=udp|tcp`.
    pub urls: Vec<String>,
    /// For TURN.
    pub username: String,
    /// For TURN. Never printed.
    pub credential: String,
}

impl IceServer {
    /// A STUN server.
    #[must_use]
    pub fn stun(url: impl Into<String>) -> Self {
        Self {
            urls: alloc::vec![url.into()],
            ..Self::default()
        }
    }

    /// A TURN server with its credentials.
    #[must_use]
    pub fn turn(
        url: impl Into<String>,
        username: impl Into<String>,
        credential: impl Into<String>,
    ) -> Self {
        Self {
            urls: alloc::vec![url.into()],
            username: username.into(),
            credential: credential.into(),
        }
    }
}

impl core::fmt::Debug for IceServer {
    fn fmt(&self, f: &mut core::fmt::Formatter<'_>) -> core::fmt::Result {
        f.debug_struct("IceServer")
            .field("urls", &self.urls)
            .field("username", &self.username)
            .finish_non_exhaustive()
    }
}

/// Which candidates ICE may use (W3C: `RTCIceTransportPolicy`).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum IceTransportPolicy {
    /// Any.
    #[default]
    All,
    /// Only those of a TURN server: the peers never learn each other's addresses.
    Relay,
}

/// How much of what is to be sent a backend holds for one channel. In bytes.
///
/// A message is taken if it fits below the high-water mark, or if the buffered amount is at the low-water mark or below it:
/// so one message that is larger than the mark can pass, and a refusal is always followed by a `BufferedAmountLow`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SendLimits {
    /// The largest buffered amount.
    pub high_water: usize,
    /// Falling to this from above gives a `BufferedAmountLow` (W3C: `bufferedAmountLowThreshold`). A backend takes the
    /// high-water mark less one where this is not below it.
    pub low_water: usize,
    /// How long a message of an unreliable channel may wait in the backend before it is given up and counted in
    /// [`LinkStats::messages_dropped`](crate::LinkStats::messages_dropped). A browser cannot take back what it holds, so
    /// there only [`high_water`](Self::high_water) bounds it. A reliable message waits as long as it takes.
    pub age: Duration,
}

impl SendLimits {
    /// What a backend holds of an unreliable channel by default: 8 KiB for 150 ms, and 4 KiB for the low-water mark.
    pub const SHORT: Self = Self {
        high_water: 8 * 1024,
        low_water: 4 * 1024,
        age: Duration::from_millis(150),
    };

    /// Whether a message of this cost is taken beside what is buffered. Every backend asks this.
    #[must_use]
    pub const fn admits(self, buffered: usize, cost: usize) -> bool {
        buffered <= self.low_mark() || buffered.saturating_add(cost) <= self.high_water
    }

    /// The low-water mark as a backend has to take it: below the high-water mark in any case.
    #[must_use]
    pub const fn low_mark(self) -> usize {
        if self.low_water < self.high_water {
            self.low_water
        } else {
            self.high_water.saturating_sub(1)
        }
    }

    /// The defaults of a channel that tries this hard.
    #[must_use]
    pub const fn of(reliability: Reliability) -> Self {
        match reliability {
            Reliability::Reliable => Self::LONG,
            Reliability::Lifetime(_) | Reliability::Retransmits(_) => Self::SHORT,
        }
    }

    const LONG: Self = Self {
        high_water: 1024 * 1024,
        low_water: 256 * 1024,
        age: Duration::MAX,
    };
}

impl Default for SendLimits {
    /// Those of a reliable channel: 1 MiB and 256 KiB.
    fn default() -> Self {
        Self::LONG
    }
}

/// How much may wait on one channel until it can be sent, in the mesh and in the backend together.
///
/// A reliable channel that holds this much refuses more, as [`RefusedReason::Full`](crate::RefusedReason::Full). An
/// unreliable one drops the oldest that waits in the mesh, and counts it in
/// [`ChannelInfo::messages_dropped`](crate::ChannelInfo::messages_dropped): of positions, the newest are wanted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelLimits {
    /// Bytes that may wait. A message that waits in the mesh counts 64 bytes more than it has.
    ///
    /// What a reliable channel holds beyond the high-water mark of the backend waits in the mesh, and is lost if this side
    /// closes the link meanwhile. By default there is no such rest.
    pub bytes: usize,
    /// How old a message of an unreliable channel may be when it is sent. It is dropped before it is handed to the backend,
    /// so the time that the backend takes is reckoned by what it took last. A reliable message is never too old.
    pub age: Duration,
    /// How much of it may wait in the backend, and how long. The newer message does not drop the older one there.
    pub backend: SendLimits,
    /// Whether the channel gives way to the others, for what is large and in no hurry. The backend gives the platform only so
    /// much of it at a time as the path takes, so that messages of other channels do not wait behind it. Its own messages should
    /// be small, 16 KiB or so: the platform sends each as a whole. [Transfers](crate::Mesh::send_transfer) do so by themselves.
    ///
    /// It means nothing for an unreliable channel, of which a backend never gives the platform more than that.
    pub bulk: bool,
}

impl ChannelLimits {
    /// The defaults of a reliable channel: 1 MiB, all of which may wait in the backend, so that throughput does not depend
    /// on how often a game polls.
    pub const RELIABLE: Self = Self {
        bytes: SendLimits::LONG.high_water,
        age: Duration::MAX,
        backend: SendLimits::LONG,
        bulk: false,
    };

    /// The defaults of an unreliable channel, ordered or not: 64 KiB and 150 ms, with 8 KiB in the backend.
    pub const UNRELIABLE: Self = Self {
        bytes: 64 * 1024,
        age: SendLimits::SHORT.age,
        backend: SendLimits::SHORT,
        bulk: false,
    };
}

/// The limits of channels by their mode.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ModeLimits {
    /// Of reliable channels: [`ChannelLimits::RELIABLE`].
    pub reliable: ChannelLimits,
    /// Of unreliable ordered channels: [`ChannelLimits::UNRELIABLE`].
    pub unreliable_ordered: ChannelLimits,
    /// Of unreliable channels: [`ChannelLimits::UNRELIABLE`].
    pub unreliable: ChannelLimits,
}

impl ModeLimits {
    /// The limits of the channels of a mode.
    #[must_use]
    pub const fn of(&self, mode: TransferMode) -> ChannelLimits {
        match mode {
            TransferMode::Reliable => self.reliable,
            TransferMode::UnreliableOrdered => self.unreliable_ordered,
            TransferMode::Unreliable => self.unreliable,
        }
    }
}

impl Default for ModeLimits {
    fn default() -> Self {
        Self {
            reliable: ChannelLimits::RELIABLE,
            unreliable_ordered: ChannelLimits::UNRELIABLE,
            unreliable: ChannelLimits::UNRELIABLE,
        }
    }
}

/// Settings of a mesh; every field has a default that suits a game.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct MeshConfig {
    /// How much may wait to be sent on a channel, by its mode.
    pub send_limits: ModeLimits,
    /// The same for single channels, such as a custom one for large transfers; none by default.
    pub channel_limits: BTreeMap<ChannelIndex, ChannelLimits>,
    /// Bytes of received messages a link may hold until the application takes them: 16 MiB.
    ///
    /// Held twice at most: what the platform has and the mesh has not fetched yet, and what the mesh has and the
    /// application has not taken. Over it the oldest messages of the unreliable channels are dropped, and counted; a
    /// reliable one that finds no room even so ends the link with
    /// [`DisconnectReason::InboxFull`](crate::DisconnectReason::InboxFull).
    #[doc(alias = "max_channel_in_buffer_kb")]
    pub inbox_bytes: usize,
    /// How long a peer may take from `add_peer` until all its channels are open: 15 s.
    pub connect_deadline: Duration,
    /// How long the path to a connected peer may be broken before the peer counts as lost: 25 s.
    ///
    /// It begins when the peer is [interrupted](crate::Event::PeerInterrupted). Between two peers of ours that is, on every platform
    /// (the [pulse](crate::platform::pulse)), within 2.5 s of the last that was heard of a peer that has vanished. A peer that is
    /// still heard, and to which only what we say does not arrive, is interrupted after 10 s without an answer, after 3 s
    /// where the path has just come back, or when the platform finds out before. A game that does not poll, a page whose thread is busy and a tab that is hidden still
    /// answer. With a peer of another make it begins when the platform says that the link is disconnected: after 2 s of silence
    /// natively, after 5 s or more in a browser, whose timings cannot be set. Until it ends the peer is
    /// [interrupted](crate::Event::PeerInterrupted), also if the platform says meanwhile that the link has failed, and if the
    /// path comes back, it goes on as the same peer. A native link goes on after any time in which nothing came; where only one
    /// way was broken, after a minute at most. Chromium's goes on after any time as a rule; Firefox gives a link up after half a
    /// minute or less. A [`Session`](crate::Session) does not rely on that: after 1 s it makes another connection.
    #[doc(alias = "disconnected_grace")]
    pub resume_window: Duration,
    /// Bytes of reliable messages that are kept for each peer until it says that it has taken them, so that none is lost when
    /// another connection goes on where one broke. A peer that leaves more than this untaken is lost with its connection; 0
    /// keeps nothing, for any. Transfers use half of it at most, or 32 KiB. Peers that do not use this library take no part in it, and without a [`Session`](crate::Session) nothing is
    /// kept.
    ///
    /// 16 MiB by default.
    pub resume_bytes: usize,
    /// The largest transfer that is taken of a peer, in bytes; 0 for none, in either direction. It is put together in memory.
    ///
    /// 16 MiB by default. See [`Mesh::send_transfer`](crate::Mesh::send_transfer).
    pub max_transfer: usize,
    /// Whether small messages that a game sends in one go on one channel share a packet, where the platform gains by it and the peer
    /// uses this library: yes by default. [`Multiplayer::flush`](crate::Multiplayer::flush) says when they leave. In a browser, messages of a
    /// channel with [`ChannelLimits::bulk`] leave alone.
    pub coalesce: bool,
    /// How hard the ordered and unreliable channels try, where `add_peer` is given no lifetime: sent once.
    ///
    /// A game with players on bad paths wants a lifetime of 100 to 200 ms. Sent once at 20 % loss, the ordered messages of a
    /// browser stand still for seconds: its SCTP says at most five times a second that something is given up, and a receiver
    /// waits for that. With 150 ms at the same loss nearly all come, within it.
    pub unreliable: Reliability,
    /// How many events one `poll` takes from the backend at most: 65536, and at least 1. What is left waits for the
    /// next.
    pub events_per_poll: usize,
}

impl MeshConfig {
    /// The limits of the channel at a position, which has this mode.
    #[must_use]
    pub fn limits_of(&self, channel: ChannelIndex, mode: TransferMode) -> ChannelLimits {
        let own = self.channel_limits.get(&channel).copied();
        own.unwrap_or_else(|| self.send_limits.of(mode))
    }
}

impl Default for MeshConfig {
    fn default() -> Self {
        Self {
            send_limits: ModeLimits::default(),
            channel_limits: BTreeMap::new(),
            inbox_bytes: 16 * 1024 * 1024,
            connect_deadline: Duration::from_secs(15),
            resume_window: Duration::from_secs(25),
            resume_bytes: 16 * 1024 * 1024,
            max_transfer: 16 * 1024 * 1024,
            coalesce: true,
            unreliable: Reliability::Retransmits(0),
            events_per_poll: 65536,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::format;
    use std::string::String;

    use super::*;

    #[test]
    fn a_server_has_the_address_it_is_given() {
        let stun = IceServer::stun("stun:a.example");
        assert_eq!(stun.urls, ["stun:a.example"]);
        assert_eq!(
            (stun.username, stun.credential),
            <(String, String)>::default()
        );
    }

    #[test]
    fn a_credential_is_not_printed() {
        let turn = IceServer::turn("turn:a.example", "user", "secret");
        let printed = format!("{turn:?}");
        assert!(printed.contains("turn:a.example") && printed.contains("user"));
        assert!(!printed.contains("secret"));
    }

    #[test]
    fn the_defaults_are_those_of_the_documentation() {
        let (short, long) = (SendLimits::SHORT, SendLimits::default());
        assert_eq!((short.high_water, short.low_water), (8_192, 4_096));
        assert_eq!((long.high_water, long.low_water), (1_048_576, 262_144));
        assert_eq!(ChannelLimits::RELIABLE.bytes, 1_048_576);
        assert_eq!(ChannelLimits::UNRELIABLE.bytes, 65_536);
    }

    #[test]
    fn the_low_mark_is_below_the_high_one() {
        let low_mark = |high_water, low_water| {
            let limits = SendLimits {
                high_water,
                low_water,
                age: Duration::MAX,
            };
            limits.low_mark()
        };
        assert_eq!(low_mark(10, 9), 9);
        assert_eq!(low_mark(10, 10), 9);
        assert_eq!(low_mark(10, 11), 9);
        assert_eq!(low_mark(0, 0), 0);
    }

    #[test]
    fn a_channel_that_gives_messages_up_holds_less() {
        assert_eq!(SendLimits::of(Reliability::Reliable), SendLimits::LONG);
        for gives_up in [Reliability::Lifetime(100), Reliability::Retransmits(0)] {
            assert_eq!(SendLimits::of(gives_up), SendLimits::SHORT);
        }
    }
}
