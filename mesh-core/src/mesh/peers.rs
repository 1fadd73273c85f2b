//! Looking at a mesh's peers.

use alloc::borrow::Cow;
use alloc::string::ToString;
use alloc::vec::Vec;

use super::connection::{Channel, Connection, Member};
use super::{ConnectionStatus, Mesh};
use crate::{
    BUILT_IN_CHANNELS, ChannelParameters, ChannelRole, ChannelState, ConnectionId, ConnectionState,
    GatheringState, LinkId, LinkStats, PeerId, PeerStats, SignalingState, TransferMode,
};

/// What a mesh knows of one peer (Godot: the dictionary of `get_peer`).
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct PeerInfo {
    /// Who.
    pub id: PeerId,
    /// Its connection.
    pub connection: ConnectionId,
    /// Whether all its channels are open and none has closed.
    pub connected: bool,
    /// Where its connection is.
    #[doc(alias = "get_connection_state")]
    pub state: ConnectionState,
    /// Whether its connection still looks for addresses of ours.
    #[doc(alias = "get_gathering_state")]
    pub gathering: GatheringState,
    /// Where its handshake is.
    #[doc(alias = "get_signaling_state")]
    pub signaling: SignalingState,
    /// Its channels, by [`ChannelIndex`](crate::ChannelIndex). If the far side made a channel in-band and it is closed, only
    /// its state means anything: it may never have been open.
    pub channels: Vec<ChannelInfo>,
    /// The largest message it takes, in bytes; our own limit until it has described itself.
    pub max_message_size: usize,
}

/// What a mesh knows of one channel (Godot: `WebRTCDataChannel`).
#[doc(alias = "WebRTCDataChannel")]
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct ChannelInfo {
    /// How messages travel on it.
    pub mode: TransferMode,
    /// Its id, order and reliability on this side. The protocol is empty.
    #[doc(alias = "get_id")]
    #[doc(alias = "is_ordered")]
    #[doc(alias = "get_max_packet_life_time")]
    #[doc(alias = "get_max_retransmits")]
    pub parameters: ChannelParameters,
    /// What it is for.
    pub role: ChannelRole,
    /// Whether both sides made it by agreement, without a word on the wire. Not so for one that the far side made in-band.
    #[doc(alias = "is_negotiated")]
    pub negotiated: bool,
    /// Where it is in its life.
    #[doc(alias = "get_ready_state")]
    pub state: ChannelState,
    /// Bytes that it has accepted and not handed to the network yet. A [`Mesh`] alone knows of those that the backend has
    /// not taken.
    #[doc(alias = "get_buffered_amount")]
    pub buffered_amount: usize,
    /// Accepted messages of an unreliable channel that the mesh has dropped since the channel was made, because they waited
    /// too long or too many waited: see [`ChannelLimits`](crate::ChannelLimits). [`LinkStats`](crate::LinkStats) counts what
    /// the backend has dropped as well.
    pub messages_dropped: u64,
}

impl ChannelInfo {
    /// Its label: `reliable`, `ordered`, `unreliable`, for a custom one its id in decimal. The far side does not learn it. A
    /// channel that the far side made in-band has an empty one here.
    #[doc(alias = "get_label")]
    #[must_use]
    pub fn label(&self) -> Cow<'static, str> {
        if !self.negotiated {
            Cow::Borrowed("")
        } else if self.parameters.id <= BUILT_IN_CHANNELS {
            Cow::Borrowed(self.mode.label())
        } else {
            Cow::Owned(self.parameters.id.to_string())
        }
    }

    /// The subprotocol, which is always empty, as Godot's.
    #[doc(alias = "get_protocol")]
    #[must_use]
    pub const fn protocol(&self) -> &'static str {
        ""
    }
}

impl Mesh {
    /// Whether there is such a peer, connected or not (Godot: `has_peer`).
    #[must_use]
    pub fn has_peer(&self, peer: PeerId) -> bool {
        self.peers.contains_key(&peer)
    }

    /// The peers that can be sent to, ascending. Allocates nothing.
    pub fn connected_peers(&self) -> impl Iterator<Item = PeerId> {
        let peers = self.peers.keys().copied();
        peers.filter(|peer| self.is_connected(*peer))
    }

    /// The largest message in bytes that a peer takes: our own limit until it has described itself. `None` for an unknown
    /// peer.
    #[must_use]
    pub fn max_message_size_of(&self, peer: PeerId) -> Option<usize> {
        Some(self.member_of(peer)?.max_message_size)
    }

    /// One peer, connected or not (Godot: `get_peer`).
    #[doc(alias = "get_peer")]
    #[must_use]
    pub fn peer(&self, peer: PeerId) -> Option<PeerInfo> {
        self.connection_of(peer).and_then(info)
    }

    /// All peers, connected or not, ascending (Godot: `get_peers`).
    ///
    /// Each item describes the channels of a peer in a `Vec`. [`connected_peers`](Self::connected_peers) gives only ids and
    /// allocates nothing.
    #[doc(alias = "get_peers")]
    pub fn peers(&self) -> impl Iterator<Item = PeerInfo> {
        let links = self.peers.values();
        links.filter_map(|&link| self.links.get(link).and_then(info))
    }

    /// How many peers there are, connected or not.
    #[must_use]
    pub fn peer_count(&self) -> usize {
        self.peers.len()
    }

    /// A peer's connection; that of a [successor](Self::successor) only once it has taken over.
    #[must_use]
    pub fn connection(&self, peer: PeerId) -> Option<ConnectionId> {
        self.peers.get(&peer).copied()
    }

    /// Whether a peer is there and can be sent to.
    #[must_use]
    pub fn is_connected(&self, peer: PeerId) -> bool {
        self.member_of(peer).is_some_and(Member::is_connected)
    }

    /// Whose connection this is; `None` also for one that belongs to nobody yet.
    #[must_use]
    pub fn peer_of(&self, connection: ConnectionId) -> Option<PeerId> {
        self.member(connection).map(|member| member.peer)
    }

    /// Where a connection is, also one that belongs to nobody yet; `None` for one that is closed (Godot:
    /// `get_connection_state`).
    #[doc(alias = "get_connection_state")]
    #[must_use]
    pub fn connection_state(&self, connection: ConnectionId) -> Option<ConnectionState> {
        self.links.get(connection).map(Connection::state)
    }

    /// Whether a connection still looks for addresses of ours (Godot: `get_gathering_state`).
    #[doc(alias = "get_gathering_state")]
    #[must_use]
    pub fn gathering_state(&self, connection: ConnectionId) -> Option<GatheringState> {
        self.links.get(connection).map(|entry| entry.gathering)
    }

    /// Where a connection's handshake is (Godot: `get_signaling_state`).
    #[doc(alias = "get_signaling_state")]
    #[must_use]
    pub fn signaling_state(&self, connection: ConnectionId) -> Option<SignalingState> {
        self.links.get(connection).map(Connection::signaling_state)
    }

    /// Whether a connection has been neither offered nor answered yet.
    pub(crate) fn is_new(&self, connection: ConnectionId) -> bool {
        let entry = self.links.get(connection);
        entry.is_some_and(|entry| entry.negotiation.is_new())
    }

    /// Whether the far side of a connection has described itself.
    pub(crate) fn is_described(&self, connection: ConnectionId) -> bool {
        let entry = self.links.get(connection);
        entry.is_some_and(|entry| entry.negotiation.is_described())
    }

    /// Whether a peer has ever been connected under its present connection, also if that is ending; `None` for an unknown
    /// peer.
    #[must_use]
    pub fn was_connected(&self, peer: PeerId) -> Option<bool> {
        Some(self.connection_of(peer)?.member.as_ref()?.was_connected())
    }

    /// What was accepted for a peer and what came from it since it was connected, and the latest figures of its link, to
    /// which the mesh adds what it has dropped itself. `None` for an unknown peer.
    #[must_use]
    pub fn stats(&self, peer: PeerId, mut link: LinkStats) -> Option<PeerStats> {
        let member = self.member_of(peer)?;
        link.messages_dropped = link.messages_dropped.saturating_add(member.dropped());
        let mut stats = PeerStats {
            link,
            ..PeerStats::default()
        };
        for channel in &member.channels {
            stats.sent.add(channel.mode, channel.sent);
            stats.received.add(channel.mode, channel.received);
        }
        Some(stats)
    }

    /// Whether the game may be told of a complete peer. Server compatibility: of nobody before it is told of the server.
    pub(super) fn may_announce(&self, peer: PeerId) -> bool {
        let server = || self.member(*self.peers.get(&PeerId::SERVER)?);
        self.status == ConnectionStatus::Connected
            && (!self.mode.needs_server()
                || peer.is_server()
                || server().is_some_and(|server| server.announced))
    }

    pub(super) fn connection_of(&self, peer: PeerId) -> Option<&Connection> {
        self.links.get(*self.peers.get(&peer)?)
    }

    pub(super) fn member_of(&self, peer: PeerId) -> Option<&Member> {
        self.connection_of(peer)?.member.as_ref()
    }

    pub(super) fn member(&self, link: LinkId) -> Option<&Member> {
        self.links.get(link)?.member.as_ref()
    }

    pub(super) fn member_mut(&mut self, link: LinkId) -> Option<&mut Member> {
        self.links.get_mut(link)?.member.as_mut()
    }
}

fn info(connection: &Connection) -> Option<PeerInfo> {
    let member = connection.member.as_ref()?;
    Some(PeerInfo {
        id: member.peer,
        connection: connection.id,
        connected: member.is_connected(),
        state: connection.state(),
        gathering: connection.gathering,
        signaling: connection.signaling_state(),
        channels: member.channels.iter().map(channel_info).collect(),
        max_message_size: member.max_message_size,
    })
}

fn channel_info(channel: &Channel) -> ChannelInfo {
    ChannelInfo {
        mode: channel.mode,
        parameters: channel.spec.parameters,
        role: channel.role,
        negotiated: channel.role.is_planned(),
        state: channel.state,
        buffered_amount: channel.outbox.bytes(),
        messages_dropped: channel.outbox.dropped(),
    }
}

#[cfg(test)]
mod tests {
    use super::super::plan::Plan;
    use super::super::transfers::tests::{connect, events, mesh, now, peer};
    use super::*;
    use crate::{CloseReason, Event, LinkEvent, MeshConfig, Reliability};

    #[test]
    fn only_a_custom_channel_is_called_by_its_number() {
        let plan = Plan::new(&[TransferMode::Reliable]);
        let channels = plan.channels(&MeshConfig::default(), Reliability::Retransmits(0));
        let mut infos = Vec::from_iter(channels.iter().map(channel_info));
        let labels = |infos: &[ChannelInfo]| Vec::from_iter(infos.iter().map(ChannelInfo::label));
        let planned = ["reliable", "ordered", "unreliable", "4"];
        assert_eq!(labels(&infos), planned);
        for info in &mut infos {
            info.negotiated = false;
        }
        assert_eq!(labels(&infos), [""; 4]);
    }

    #[test]
    fn a_peer_takes_what_it_has_said() {
        let mut mesh = mesh(false);
        let link = connect(&mut mesh, 3);
        let own = mesh.max_message_size();
        assert_eq!(mesh.max_message_size_of(peer(3)), Some(own));
        mesh.member_mut(link).unwrap().max_message_size = 1200;
        assert_eq!(mesh.max_message_size_of(peer(3)), Some(1200));
        assert_eq!(mesh.max_message_size_of(peer(4)), None);
    }

    #[test]
    fn who_goes_before_the_game_has_heard_of_the_server_is_not_told() {
        let mut mesh = mesh(true);
        let link = connect(&mut mesh, 3);
        connect(&mut mesh, 1);
        let reason = CloseReason::Remote;
        mesh.handle_event(now(), LinkEvent::Closed { link, reason });
        let server = [Event::PeerConnected(peer(1)), Event::ConnectionSucceeded];
        assert_eq!(events(&mut mesh), server);
    }
}
