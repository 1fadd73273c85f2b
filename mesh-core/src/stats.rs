//! What is known of a peer's link at any time, without asking for it.

use core::time::Duration;

use crate::TransferMode;

/// Figures of one link. Each has the same meaning on every platform; what a platform does not say is `None`.
///
/// Where a link is replaced by another one, as after a change of address, the figures begin anew with that link. What was
/// carried for the peer altogether is in [`PeerStats`](crate::PeerStats).
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct LinkStats {
    /// The round trip, if one was measured. Between two peers of ours it is that of a small message, smoothed over about
    /// eight of them, on every platform. With a peer of another make it is the last one of ICE on the selected pair.
    pub round_trip: Option<Duration>,
    /// How evenly small messages of the far side come: the interarrival jitter of RFC 3550, section 6.4.1. `None` with a peer
    /// of another make.
    pub jitter: Option<Duration>,
    /// How many percent of the last 64 small messages that this side sent on an unreliable channel did not arrive, as the far
    /// side says. `None` until there are enough of them, and with a peer of another make.
    pub loss_sent: Option<u8>,
    /// The same of what the far side sent.
    pub loss_received: Option<u8>,
    /// The far side says nothing, but its end of the path answers: its page is busy or suspended.
    pub stalled: bool,
    /// Bytes of the messages that this side has given to the network since the link was made, on all channels of the game and
    /// for [transfers](crate::Mesh::send_transfer).
    ///
    /// They are counted as they go over the wire: messages that [share a packet](crate::MeshConfig::coalesce) with what the
    /// packet adds, and none that waited too long and were dropped before. What the library says for itself (pulses, words of the
    /// control channel), the headers of the protocols below and what they send again do not count.
    pub bytes_sent: u64,
    /// Bytes of the messages that have come over the link, counted in the same way, whether the game has taken them or not.
    pub bytes_received: u64,
    /// Accepted messages of the unreliable channels that were dropped before they were sent, since the link was made. A
    /// backend says how many it has given up itself, and the mesh adds its own.
    pub messages_dropped: u64,
    /// This side's candidate of the selected pair. `None` while no pair is selected.
    pub local: Option<CandidateType>,
    /// The far side's candidate of the selected pair.
    pub remote: Option<CandidateType>,
    /// What this side sends over on the selected pair: to the far side, or to its own TURN server where
    /// [`local`](Self::local) is a relay. `None` while no pair is selected, and where the platform does not say it.
    pub protocol: Option<TransportProtocol>,
    /// How often another pair was selected than before, since the link was made. The first pair is no change, nor is a pair whose
    /// candidate is only called by another type. It is looked at about once a second, so several changes between two looks
    /// count as one. Between two kinds of path it is an [`Event::PeerPathChanged`](crate::Event::PeerPathChanged), too.
    pub pair_changes: u32,
}

impl LinkStats {
    /// Whether the selected pair goes through a TURN server: this side's, the far side's or both.
    ///
    /// False while no pair is selected. A platform takes the far side's relay for a
    /// [peer-reflexive](CandidateType::PeerReflexive) address when a check from the relay arrives before the candidate that names
    /// it; the backends mend that as soon as the candidate has come.
    ///
    /// ```
    /// use mesh_core::{CandidateType, LinkStats};
    ///
    /// let mut stats = LinkStats::default();
    /// assert!(!stats.is_relayed());
    /// stats.local = Some(CandidateType::Host);
    /// stats.remote = Some(CandidateType::Relay);
    /// assert!(stats.is_relayed());
    /// ```
    #[must_use]
    pub const fn is_relayed(&self) -> bool {
        matches!(self.local, Some(CandidateType::Relay))
            || matches!(self.remote, Some(CandidateType::Relay))
    }

    /// Which way the selected pair takes. `None` while no pair is selected.
    ///
    /// ```
    /// use mesh_core::{CandidateType, LinkStats, PathKind};
    ///
    /// let mut stats = LinkStats::default();
    /// assert_eq!(stats.path(), None);
    /// stats.local = Some(CandidateType::Host);
    /// assert_eq!(stats.path(), Some(PathKind::Direct));
    /// ```
    #[must_use]
    pub const fn path(&self) -> Option<PathKind> {
        match (self.local, self.remote) {
            (None, None) => None,
            _ if self.is_relayed() => Some(PathKind::Relayed),
            _ => Some(PathKind::Direct),
        }
    }
}

/// Which way the messages of a link take.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum PathKind {
    /// From peer to peer.
    Direct,
    /// Through a TURN server, of either side.
    Relayed,
}

/// What a link's datagrams travel in (W3C: `RTCIceProtocol`, and `RTCIceServerTransportProtocol` for a relay).
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum TransportProtocol {
    /// Datagrams.
    Udp,
    /// A stream: to a TURN server as a rule, because few peers can be reached so.
    Tcp,
    /// An encrypted stream to a TURN server.
    Tls,
}

/// W3C: `RTCIceCandidateType`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum CandidateType {
    /// The peer's own address.
    Host,
    /// The address a STUN server saw.
    ServerReflexive,
    /// The address the other peer saw.
    PeerReflexive,
    /// An address at a TURN server.
    Relay,
}

/// The latest figures of a peer.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerStats {
    /// How the link is. It is measured all the time and is about a second old at most.
    pub link: LinkStats,
    /// Messages that were accepted for the peer. Of an unreliable channel, those that were dropped before they were sent count,
    /// too: see [`LinkStats::messages_dropped`].
    pub sent: ModeTraffic,
    /// Messages that came from the peer, taken by the game or not.
    pub received: ModeTraffic,
}

/// Messages by their mode, on the built-in channel of the mode and all custom ones together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct ModeTraffic {
    /// In reliable mode.
    pub reliable: Traffic,
    /// In unreliable ordered mode.
    pub unreliable_ordered: Traffic,
    /// In unreliable mode.
    pub unreliable: Traffic,
}

impl ModeTraffic {
    /// Those of one mode.
    #[must_use]
    pub const fn of(&self, mode: TransferMode) -> Traffic {
        match mode {
            TransferMode::Reliable => self.reliable,
            TransferMode::UnreliableOrdered => self.unreliable_ordered,
            TransferMode::Unreliable => self.unreliable,
        }
    }

    pub(crate) const fn add(&mut self, mode: TransferMode, other: Traffic) {
        let traffic = match mode {
            TransferMode::Reliable => &mut self.reliable,
            TransferMode::UnreliableOrdered => &mut self.unreliable_ordered,
            TransferMode::Unreliable => &mut self.unreliable,
        };
        traffic.add(other);
    }
}

/// How many messages, and how many bytes were in them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Traffic {
    /// Messages.
    pub packets: u64,
    /// Their bytes, without what the protocols below add.
    pub bytes: u64,
}

impl Traffic {
    pub(crate) const fn count(&mut self, bytes: usize) {
        self.packets = self.packets.saturating_add(1);
        self.bytes = self.bytes.saturating_add(bytes as u64);
    }

    /// Adds what another channel, or another link of the same peer, has carried.
    pub(crate) const fn add(&mut self, other: Self) {
        self.packets = self.packets.saturating_add(other.packets);
        self.bytes = self.bytes.saturating_add(other.bytes);
    }

    /// Takes back one that was counted and refused after all.
    pub(crate) const fn take_back(&mut self, bytes: usize) {
        self.packets = self.packets.saturating_sub(1);
        self.bytes = self.bytes.saturating_sub(bytes as u64);
    }
}
