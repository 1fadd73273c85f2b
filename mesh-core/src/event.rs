//! What a mesh tells the game.

use alloc::string::String;

use thiserror::Error;

use crate::{
    ChannelIndex, ConnectFailure, ConnectionId, GivenReason, Goodbye, IceCandidate, LinkStats,
    LobbyEvent, LostReason, PathKind, Payload, PeerId, SessionDescription, Topology, TransferEvent,
    TransferId, TransferMode,
};

/// What happened, in the order the game should see it.
///
/// Within a poll: for each leaver its remaining packets, then its `PeerDisconnected`; then each `PeerConnected`, followed
/// by its early packets; then packets, round robin between peers.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Event {
    /// A peer's message.
    #[doc(alias = "get_packet")]
    Packet(Packet),
    /// A peer is there: its connection stands and all its channels are open (Godot: `peer_connected`).
    #[doc(alias = "peer_connected")]
    PeerConnected(PeerId),
    /// A peer that was connected is gone (Godot: `peer_disconnected`).
    #[doc(alias = "peer_disconnected")]
    PeerDisconnected {
        /// Who.
        peer: PeerId,
        /// Why.
        reason: DisconnectReason,
    },
    /// A peer says that it has kicked another one ([`Session::kick`](crate::Session::kick), [`Mesh::kick`](crate::Mesh::kick)).
    ///
    /// It ends no connection of ours, and anybody can say it: whether `by` may kick is for the game to judge, and a game that
    /// wants the peer gone here, too, kicks it as well. In a star it is how a client hears of the kick of another client. A client's
    /// own kick reaches the server alone, which does not pass it on.
    PeerKicked {
        /// Who was kicked.
        peer: PeerId,
        /// Who says so, and has done it.
        by: PeerId,
        /// Why.
        reason: GivenReason,
    },
    /// A peer never became connected (no counterpart in Godot, which drops it without a word).
    PeerFailed {
        /// Who.
        peer: PeerId,
        /// Why.
        reason: DisconnectReason,
    },
    /// A connected peer does not answer for now; `PeerResumed` follows, or `PeerDisconnected` after
    /// [`MeshConfig::resume_window`](crate::MeshConfig::resume_window). Between two peers of ours it comes within 2.5 s
    /// of the last word of the peer. Where the peer is still heard, and only what we say does not arrive, it comes after 10 s, 3 s
    /// after the path has come back, or when the platform finds out before.
    ///
    /// Until then unreliable messages are refused ([`RefusedReason::Interrupted`](crate::RefusedReason::Interrupted)), so that none
    /// arrives stale. Reliable ones are kept, up to the limit of their channel, and arrive after the interruption.
    ///
    /// A [`Session`](crate::Session) makes another connection when the interruption has lasted for 1 s, if the peer uses this
    /// library, too.
    PeerInterrupted(PeerId),
    /// It answers again, over the same connection or over another one; in a page, it also has what it was sent before, or 10 s have passed. A peer
    /// that says nothing for 4 s on a path that is back counts as busy, and as back. No reliable message is lost or doubled.
    PeerResumed(PeerId),
    /// Messages to and from a connected peer take another kind of path than before, as when a direct path was found beside the
    /// relayed one, or another connection has taken over. It is looked at about once a second. Nothing is lost by it, and nothing
    /// need be done.
    ///
    /// [`LinkStats`](crate::LinkStats) has the pair itself, and counts the changes between pairs of one kind, too.
    PeerPathChanged {
        /// Whose path.
        peer: PeerId,
        /// What it was.
        from: PathKind,
        /// What it is now.
        to: PathKind,
    },
    /// Server compatibility: peer 1 is there (Godot 3.x: `connection_succeeded`).
    #[doc(alias = "connection_succeeded")]
    ConnectionSucceeded,
    /// A client, or server compatibility: peer 1 could not be connected (Godot 3.x declares `connection_failed` and never emits it).
    #[doc(alias = "connection_failed")]
    ConnectionFailed(DisconnectReason),
    /// Server compatibility: peer 1 is gone (Godot 3.x: `server_disconnected`).
    #[doc(alias = "server_disconnected")]
    ServerDisconnected,
    /// Give this to the far side of a connection made by hand (Godot: `session_description_created`).
    #[doc(alias = "session_description_created")]
    #[doc(alias = "set_local_description")]
    Description {
        /// Which connection.
        connection: ConnectionId,
        /// Offer or answer.
        description: SessionDescription,
    },
    /// Give this to the far side of a connection made by hand (Godot: `ice_candidate_created`).
    #[doc(alias = "ice_candidate_created")]
    Candidate {
        /// Which connection.
        connection: ConnectionId,
        /// The candidate.
        candidate: IceCandidate,
    },
    /// There is room again on a reliable channel that was full, or nearly so: what waits has fallen to the low-water mark.
    BufferedAmountLow {
        /// Whose channel.
        peer: PeerId,
        /// Which.
        channel: ChannelIndex,
    },
    /// The far side made a channel of its own, in-band (Godot: `data_channel_received`). Its messages come as packets, and
    /// [`Target::One`](crate::Target::One) reaches it; that it is closed again touches nothing else.
    #[doc(alias = "data_channel_received")]
    ChannelReceived {
        /// Whose channel.
        peer: PeerId,
        /// Its position, above those of the plan.
        channel: ChannelIndex,
    },
    /// Packets of an unreliable channel were dropped, because the game did not take them in time.
    PacketsDropped {
        /// Whose.
        peer: PeerId,
        /// The channel.
        channel: ChannelIndex,
        /// How many.
        packets: u64,
    },
    /// Something has become of a transfer: one of the peer's, or one of ours to it.
    Transfer {
        /// The other side of it.
        peer: PeerId,
        /// Which. Ours and the peer's are numbered apart; what has happened says whose it is.
        transfer: TransferId,
        /// What has happened.
        event: TransferEvent,
    },
    /// The answer to a request for figures.
    Stats {
        /// About whom.
        peer: PeerId,
        /// The figures.
        stats: LinkStats,
    },
    /// The signaling server took us in ([`Session`](crate::Session) only).
    Joined {
        /// Our id.
        id: PeerId,
        /// The lobby's topology.
        topology: Topology,
        /// The lobby's name; ours to tell friends if it was made for us.
        lobby: String,
    },
    /// The lobby takes nobody any more ([`Session`](crate::Session) only).
    Sealed,
    /// Something else that is told of the lobby, such as that we know everybody who was there when we joined
    /// ([`Session`](crate::Session) only).
    Lobby(LobbyEvent),
    /// The signaling server is out of reach for now and is being tried again; `SignalingResumed` or `SignalingLost` follows.
    /// Connected peers stay, and nobody new can join meanwhile ([`Session`](crate::Session) only).
    SignalingInterrupted(LostReason),
    /// The signaling server is back, and we are in the same lobby under the same id. Who has joined meanwhile is being connected
    /// ([`Session`](crate::Session) only).
    SignalingResumed,
    /// The signaling server is out of reach or sent us away; connected peers stay, nobody new can join
    /// ([`Session`](crate::Session) only).
    SignalingLost(LostReason),
}

/// A peer's message, with all that is known of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Packet {
    /// Who sent it.
    #[doc(alias = "get_packet_peer")]
    pub from: PeerId,
    /// How it travelled.
    #[doc(alias = "get_packet_mode")]
    pub mode: TransferMode,
    /// On which channel.
    #[doc(alias = "get_packet_channel")]
    pub channel: ChannelIndex,
    /// What it is.
    pub payload: Payload,
}

/// Why a peer is gone, or never came.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum DisconnectReason {
    /// The far side closed and said nothing: a leave without a reason, a dropped object, or a peer of another make.
    #[error("Closed: the peer closed the connection")]
    Closed,
    /// The far side left and said why.
    #[error("Left: {0}")]
    Left(GivenReason),
    /// The far side does not want this one any more: a kick.
    #[error("Kicked: {0}")]
    Kicked(GivenReason),
    /// The user of the far side closed its page, or left it. The page has no time to make sure that this is heard, so it may be
    /// [`Closed`](Self::Closed) instead.
    #[error("PageLeft: the peer's page was left")]
    PageLeft,
    /// The far side ended the connection, because this side sent more reliable data than it took.
    #[error("PeerInboxFull: this side sent more reliable data than the peer took")]
    PeerInboxFull,
    /// The far side ended the connection, because it says that this side broke a rule of the wire.
    #[error("PeerProtocol: the peer says of this side: {0}")]
    PeerProtocol(String),
    /// It vanished: no answer, no goodbye.
    #[error("Lost: the peer does not answer any more")]
    Lost,
    /// We removed it.
    #[error("Removed: this side removed the peer")]
    Removed,
    /// It never became connected.
    #[error("ConnectFailed: {0}")]
    ConnectFailed(ConnectFailure),
    /// It sent more on a reliable channel than the inbox holds.
    #[error("InboxFull: the peer sent more reliable data than this side took")]
    InboxFull,
    /// It broke a rule of the wire.
    #[error("Protocol: {0}")]
    Protocol(String),
}

impl From<Goodbye> for DisconnectReason {
    /// How the side that hears it calls the end.
    fn from(goodbye: Goodbye) -> Self {
        match goodbye {
            Goodbye::Left(reason) => Self::Left(reason),
            Goodbye::Kicked(reason) => Self::Kicked(reason),
            Goodbye::PageLeft => Self::PageLeft,
            Goodbye::InboxFull => Self::PeerInboxFull,
            Goodbye::Protocol(what) => Self::PeerProtocol(what),
        }
    }
}
