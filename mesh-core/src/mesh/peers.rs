//! Looking at a mesh's peers.

use super::connection::{Connection, Member};
use super::{ConnectionStatus, Mesh};
use crate::{ChannelIndex, ChannelState, ConnectionId, ConnectionState, LinkId, PeerId};

/// What a mesh knows of one peer (Godot: the dictionary of `get_peer`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PeerInfo {
    /// Who.
    pub id: PeerId,
    /// Its connection.
    pub connection: ConnectionId,
    /// Whether all its channels are open and none has closed.
    pub connected: bool,
    /// What the platform says of the connection.
    pub state: ConnectionState,
    /// How many channels are open.
    pub open_channels: usize,
    /// The largest message it takes, in bytes; our own limit until it has described itself.
    pub max_message_size: usize,
}

impl Mesh {
    /// Whether there is such a peer, connected or not (Godot: `has_peer`).
    #[must_use]
    pub fn has_peer(&self, peer: PeerId) -> bool {
        self.peers.contains_key(&peer)
    }

    /// One peer, connected or not (Godot: `get_peer`).
    #[doc(alias = "get_peer")]
    #[must_use]
    pub fn peer(&self, peer: PeerId) -> Option<PeerInfo> {
        self.connection_of(peer).and_then(info)
    }

    /// All peers, connected or not, ascending (Godot: `get_peers`).
    #[doc(alias = "get_peers")]
    pub fn peers(&self) -> impl Iterator<Item = PeerInfo> {
        self.peers
            .values()
            .filter_map(|&link| self.links.get(link).and_then(info))
    }

    /// Whose connection this is; `None` also for one that belongs to nobody yet.
    #[must_use]
    pub fn peer_of(&self, connection: ConnectionId) -> Option<PeerId> {
        self.member(connection).map(|member| member.peer)
    }

    /// What the platform says of a connection, also of one that belongs to nobody yet.
    #[must_use]
    pub fn connection_state(&self, connection: ConnectionId) -> Option<ConnectionState> {
        self.links
            .get(connection)
            .map(|connection| connection.state)
    }

    /// Whether a peer's connection has been neither offered nor answered yet; `None` for an unknown peer.
    #[must_use]
    pub fn is_new(&self, peer: PeerId) -> Option<bool> {
        Some(self.connection_of(peer)?.negotiation.is_new())
    }

    /// Whether a peer has ever been connected under its present connection, also if that is ending; `None` for an unknown
    /// peer.
    #[must_use]
    pub fn was_connected(&self, peer: PeerId) -> Option<bool> {
        Some(self.connection_of(peer)?.member.as_ref()?.was_connected())
    }

    /// The link and the position of a peer's channel, for questions to the backend.
    #[must_use]
    pub fn channel(&self, peer: PeerId, channel: ChannelIndex) -> Option<(LinkId, ChannelIndex)> {
        let connection = self.connection_of(peer)?;
        connection.member.as_ref()?.channel(channel)?;
        Some((connection.id, channel))
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
        state: connection.state,
        open_channels: member
            .channels
            .iter()
            .filter(|channel| channel.state == ChannelState::Open)
            .count(),
        max_message_size: member.max_message_size,
    })
}
