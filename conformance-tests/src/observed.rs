//! What a participant tells of what happened to it.

use std::time::Duration;

use mesh_core::{
    ChannelIndex, ChannelParameters, CloseReason, ConnectionState, DisconnectReason, GivenReason,
    IceCandidate, LinkId, LinkStats, LostReason, SessionDescription, TransferMode,
};
use serde::{Deserialize, Serialize};

use crate::{Body, wire};

pub(crate) mod translate;

/// A description or a candidate; kept apart from the other events, so that relaying them takes nothing away from a case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Handshake {
    /// An offer or an answer.
    Description {
        /// Of which connection.
        #[serde(with = "wire::LinkIdDef")]
        link: LinkId,
        /// Itself.
        #[serde(with = "wire::SessionDescriptionDef")]
        description: SessionDescription,
    },
    /// A candidate.
    Candidate {
        /// Of which connection.
        #[serde(with = "wire::LinkIdDef")]
        link: LinkId,
        /// Itself.
        #[serde(with = "wire::IceCandidateDef")]
        candidate: IceCandidate,
    },
}

impl Handshake {
    /// The connection it belongs to.
    #[must_use]
    pub const fn link(&self) -> LinkId {
        match self {
            Self::Description { link, .. } | Self::Candidate { link, .. } => *link,
        }
    }
}

/// What has become of a transfer ([`mesh_core::TransferEvent`]), with what was received as [`Body`].
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Moved {
    Begun { name: String, bytes: usize },
    Progress { received: usize, bytes: usize },
    Received(Body),
    Cancelled,
    Sent,
    Refused,
    Unknown(String),
}

/// An event of a mesh or a session ([`mesh_core::Event`]), with messages as [`Body`] and ids as numbers.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "the fields are those of mesh_core::Event")]
pub enum Seen {
    /// A message.
    Packet {
        from: u32,
        #[serde(with = "wire::TransferModeDef")]
        mode: TransferMode,
        #[serde(with = "wire::ChannelIndexDef")]
        channel: ChannelIndex,
        body: Body,
    },
    /// A peer is there.
    Connected(u32),
    /// A peer is gone.
    Disconnected {
        peer: u32,
        #[serde(with = "wire::DisconnectReasonDef")]
        reason: DisconnectReason,
    },
    /// A peer never came.
    Failed {
        peer: u32,
        #[serde(with = "wire::DisconnectReasonDef")]
        reason: DisconnectReason,
    },
    /// A peer says that it has kicked another one.
    Kicked {
        peer: u32,
        by: u32,
        #[serde(with = "wire::GivenReasonDef")]
        reason: GivenReason,
    },
    /// Something has become of a transfer.
    Transfer {
        peer: u32,
        transfer: u32,
        moved: Moved,
    },
    /// A peer does not answer.
    Interrupted(u32),
    /// It does again.
    Resumed(u32),
    /// Its messages take another path, which goes through a TURN server or does not.
    PathChanged {
        peer: u32,
        was_relayed: bool,
        is_relayed: bool,
    },
    /// There is room again.
    Low {
        peer: u32,
        #[serde(with = "wire::ChannelIndexDef")]
        channel: ChannelIndex,
    },
    /// Messages were dropped.
    Dropped {
        peer: u32,
        #[serde(with = "wire::ChannelIndexDef")]
        channel: ChannelIndex,
        packets: u64,
    },
    /// A peer made a channel of its own.
    ChannelReceived {
        peer: u32,
        #[serde(with = "wire::ChannelIndexDef")]
        channel: ChannelIndex,
    },
    /// Figures.
    Stats { peer: u32, figures: Figures },
    /// Taken in by the signaling.
    Joined { id: u32, lobby: String },
    /// Nobody can join any more.
    Sealed,
    /// The signaling is out of reach for now.
    SignalingInterrupted(#[serde(with = "wire::LostReasonDef")] LostReason),
    /// The signaling is back.
    SignalingResumed,
    /// The signaling is gone.
    SignalingLost(#[serde(with = "wire::LostReasonDef")] LostReason),
    /// Server compatibility: the server is there.
    ServerConnected,
    /// Server compatibility: the server could not be connected.
    ServerFailed(#[serde(with = "wire::DisconnectReasonDef")] DisconnectReason),
    /// Server compatibility: the server is gone.
    ServerDisconnected,
    /// A multiplayer API: a peer has to authenticate.
    Authenticating(u32),
    /// A multiplayer API: what it sent to do so.
    AuthData { from: u32, body: Body },
    /// A multiplayer API: it did not.
    AuthFailed { peer: u32, timed_out: bool },
    /// A multiplayer API: the server tells that a peer is gone.
    Withdrawn(u32),
    /// Something newer than the suite.
    Unknown(String),
}

/// An event of a backend ([`mesh_core::LinkEvent`]), but for descriptions and candidates.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum LinkSeen {
    /// The connection's state.
    State(#[serde(with = "wire::ConnectionStateDef")] ConnectionState),
    /// No more candidates.
    Gathered,
    /// A channel opened.
    Opened {
        /// Which.
        #[serde(with = "wire::ChannelIndexDef")]
        channel: ChannelIndex,
        /// Whether the far side made it.
        remote: bool,
        /// What it is.
        #[serde(with = "wire::ChannelParametersDef")]
        actual: ChannelParameters,
    },
    /// A channel closed.
    ChannelClosed(#[serde(with = "wire::ChannelIndexDef")] ChannelIndex),
    /// There is room again.
    Low(#[serde(with = "wire::ChannelIndexDef")] ChannelIndex),
    /// A message.
    Message {
        /// On which channel.
        #[serde(with = "wire::ChannelIndexDef")]
        channel: ChannelIndex,
        /// What it was.
        body: Body,
    },
    /// Messages were dropped.
    Dropped {
        /// On which channel.
        #[serde(with = "wire::ChannelIndexDef")]
        channel: ChannelIndex,
        /// How many.
        messages: u64,
    },
    /// Figures.
    Stats(Figures),
    /// A pair of candidates was selected.
    PairSelected {
        /// Whether it goes through a TURN server.
        is_relayed: bool,
    },
    /// Whom the far side says that it has kicked.
    Kicked {
        /// Who.
        peer: u32,
        /// Why.
        #[serde(with = "wire::GivenReasonDef")]
        reason: GivenReason,
    },
    /// How many messages of each stream the far side has taken.
    Taken(Vec<(u16, u64)>),
    /// What the far side says of its end, as a mesh calls it.
    Goodbye(#[serde(with = "wire::DisconnectReasonDef")] DisconnectReason),
    /// The link is gone.
    Closed(#[serde(with = "wire::CloseReasonDef")] CloseReason),
}

/// What a bare signaling client sees: no mesh behind it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Rumour {
    /// Taken in.
    Joined {
        /// Its id.
        id: u32,
    },
    /// Somebody is there.
    PeerJoined(u32),
    /// Somebody left.
    PeerLeft(u32),
    /// Somebody's description.
    Description {
        /// Whose.
        from: u32,
        /// Itself.
        #[serde(with = "wire::SessionDescriptionDef")]
        description: SessionDescription,
    },
    /// Somebody's candidate.
    Candidate {
        /// Whose.
        from: u32,
        /// Itself.
        #[serde(with = "wire::IceCandidateDef")]
        candidate: IceCandidate,
    },
    /// Nobody can join any more.
    Sealed,
    /// All who were there have been told.
    Complete,
    /// The signaling is out of reach for now.
    Interrupted(#[serde(with = "wire::LostReasonDef")] LostReason),
    /// The signaling is back.
    Resumed,
    /// The signaling is gone.
    Lost(#[serde(with = "wire::LostReasonDef")] LostReason),
    /// Something that the suite does not know.
    Unknown(String),
}

/// Anything a participant reports but handshakes.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Observed {
    /// Of its mesh or session.
    Mesh(Seen),
    /// Of one link of its bare backend.
    Link(#[serde(with = "wire::LinkIdDef")] LinkId, LinkSeen),
    /// Of its bare signaling client.
    Signaling(Rumour),
    /// Of its bare transport.
    Transport(Heard),
}

/// An event of a transport ([`signaling::TransportEvent`]).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Heard {
    /// The connection stands.
    Opened,
    /// A text.
    Text(String),
    /// It has ended.
    Closed(#[serde(with = "wire::LostReasonDef")] LostReason),
    /// Something newer than the suite.
    Unknown(String),
}

/// Figures of a link; the candidates' types by their debug names.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Figures {
    /// The last round trip in microseconds.
    pub round_trip_us: Option<u64>,
    /// Bytes of messages sent.
    pub bytes_sent: u64,
    /// Bytes of messages received.
    pub bytes_received: u64,
    /// Whether both candidates of the selected pair are known.
    pub has_pair: bool,
    /// This side's candidate of the selected pair.
    pub local: Option<String>,
    /// The far side's.
    pub remote: Option<String>,
    /// What this side sends over, by its debug name.
    pub protocol: Option<String>,
    /// How often another pair was selected.
    pub pair_changes: u32,
    /// The jitter in microseconds.
    pub jitter_us: Option<u64>,
    /// How many percent of small messages to the far side were lost.
    pub loss_sent: Option<u8>,
    /// How many of those from there were.
    pub loss_received: Option<u8>,
    /// Whether the far side says nothing while its path answers.
    pub is_stalled: bool,
}

impl From<LinkStats> for Figures {
    fn from(stats: LinkStats) -> Self {
        Self {
            round_trip_us: stats.round_trip.map(micros),
            bytes_sent: stats.bytes_sent,
            bytes_received: stats.bytes_received,
            has_pair: stats.local.is_some() && stats.remote.is_some(),
            local: stats.local.map(|kind| format!("{kind:?}")),
            remote: stats.remote.map(|kind| format!("{kind:?}")),
            protocol: stats.protocol.map(|protocol| format!("{protocol:?}")),
            pair_changes: stats.pair_changes,
            jitter_us: stats.jitter.map(micros),
            loss_sent: stats.loss_sent,
            loss_received: stats.loss_received,
            is_stalled: stats.stalled,
        }
    }
}

fn micros(span: Duration) -> u64 {
    u64::try_from(span.as_micros()).unwrap_or(u64::MAX)
}
