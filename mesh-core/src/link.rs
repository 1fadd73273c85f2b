//! The words of the seam: what a core tells a backend, and what it is told.

use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

use thiserror::Error;

use crate::{
    ChannelIndex, ChannelParameters, ChannelSpec, GivenReason, Goodbye, IceCandidate, LinkConfig,
    LinkId, LinkStats, PathKind, Payload, PeerId, SessionDescription,
};

/// What a backend is to do. Exhaustive on purpose: a new command must break every backend.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Command {
    /// Make a peer connection.
    Open {
        /// Its name from now on.
        link: LinkId,
        /// Its settings.
        config: LinkConfig,
        /// Bytes of received messages to hold until [`Backend::poll_event`](crate::Backend::poll_event) takes them; over
        /// it, what [`MeshConfig::inbox_bytes`](crate::MeshConfig::inbox_bytes) says happens.
        inbox_bytes: usize,
    },
    /// Make a negotiated channel. Always before the first description of the link.
    CreateChannel {
        /// The connection.
        link: LinkId,
        /// Its position in the link's list.
        channel: ChannelIndex,
        /// What it is to be.
        spec: ChannelSpec,
    },
    /// Take a message of a reliable channel that was accepted and had to wait in the mesh, whatever the high-water mark: the
    /// close of the channel or of the link comes next. Ignored where the channel is not open. A browser holds 16 MiB; what is beyond
    /// that is lost.
    SendLast {
        /// The connection.
        link: LinkId,
        /// Which of its channels.
        channel: ChannelIndex,
        /// What it is.
        payload: Payload,
    },
    /// Take nothing more to send on a channel, and forget what it has accepted and the platform has not got: its peer is removed, so
    /// that [`Close`](Self::Close) comes next, which need not wait for it. Nothing is reported of it.
    Abandon {
        /// The connection.
        link: LinkId,
        /// Which of its channels.
        channel: ChannelIndex,
    },
    /// Take nothing more to send on a channel, send what it has accepted in reliable mode, then close it on both sides.
    CloseChannel {
        /// The connection.
        link: LinkId,
        /// Which of its channels.
        channel: ChannelIndex,
    },
    /// Make an offer, apply it as the local description and report it.
    CreateOffer {
        /// The connection.
        link: LinkId,
    },
    /// Apply the far side's description. An offer is answered by the backend itself, as in Godot: it makes the answer,
    /// applies and reports it.
    SetRemote {
        /// The connection.
        link: LinkId,
        /// What the far side sent.
        description: SessionDescription,
    },
    /// Apply the far side's candidate. Never before the remote description: the core holds it back.
    AddCandidate {
        /// The connection.
        link: LinkId,
        /// What the far side sent.
        candidate: IceCandidate,
    },
    /// Report [`LinkEvent::Stats`] once.
    RequestStats {
        /// The connection.
        link: LinkId,
    },
    /// From now on small messages that are sent in one go may leave together, as a [batch](crate::platform::batch): the far side takes
    /// batches apart. Comes before anything is sent, and only to a backend that [coalesces](Capabilities::coalesces), which has to wrap
    /// what [looks like](crate::platform::batch::whole) a batch from now on.
    Coalesce {
        /// The connection.
        link: LinkId,
    },
    /// Tell the far side that we have kicked another peer, after what was told it before. It reports [`LinkEvent::Kicked`].
    /// Ignored where the far side does not [announce](crate::platform::control) that it listens.
    TellKick {
        /// The connection.
        link: LinkId,
        /// Who was kicked.
        peer: PeerId,
        /// Why.
        reason: GivenReason,
    },
    /// Tell the far side how many messages of each reliable stream the core has taken, of this link and those before it. The
    /// far side reports [`LinkEvent::Taken`]. If the link has just opened, the channel for it may open a moment later: it is told
    /// then. Ignored where the far side does not [announce](crate::platform::control) that it listens.
    TellTaken {
        /// The connection.
        link: LinkId,
        /// The SCTP stream and the number of messages.
        counts: Vec<(u16, u64)>,
    },
    /// Tell the far side why the link ends, after what reliable channels have accepted and before it is closed:
    /// [`Close`](Self::Close) comes next. The far side reports [`LinkEvent::Goodbye`]. Ignored where the far side does not
    /// [announce](crate::platform::control) that it listens.
    Goodbye {
        /// The connection.
        link: LinkId,
        /// Why it ends.
        goodbye: Goodbye,
    },
    /// Take nothing more to send, send what reliable channels have accepted for at most `linger`, then close.
    Close {
        /// The connection.
        link: LinkId,
        /// How long accepted reliable data may hold the close up.
        linger: Duration,
    },
}

impl Command {
    /// The connection it is about.
    #[must_use]
    pub const fn link(&self) -> LinkId {
        match self {
            Self::Open { link, .. }
            | Self::CreateChannel { link, .. }
            | Self::SendLast { link, .. }
            | Self::Abandon { link, .. }
            | Self::CloseChannel { link, .. }
            | Self::CreateOffer { link, .. }
            | Self::SetRemote { link, .. }
            | Self::AddCandidate { link, .. }
            | Self::RequestStats { link }
            | Self::Coalesce { link }
            | Self::TellKick { link, .. }
            | Self::TellTaken { link, .. }
            | Self::Goodbye { link, .. }
            | Self::Close { link, .. } => *link,
        }
    }
}

/// What happened on a link.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkEvent {
    /// The connection's state changed (W3C: `connectionState`).
    State {
        /// The connection.
        link: LinkId,
        /// Its state now.
        state: ConnectionState,
    },
    /// A local description was made and applied; give it to the far side.
    Description {
        /// The connection.
        link: LinkId,
        /// Offer or answer.
        description: SessionDescription,
    },
    /// A local candidate was found; give it to the far side, after the description.
    Candidate {
        /// The connection.
        link: LinkId,
        /// The candidate; never the empty one that means "end of candidates".
        candidate: IceCandidate,
    },
    /// No more local candidates will come.
    Gathered {
        /// The connection.
        link: LinkId,
        /// Why no TURN server gave a relay, or why there are no addresses at all, in words for a player. Empty where nothing
        /// stood in the way.
        ///
        /// Where no route is found either, this is the [cause](ConnectFailure::NoRelay) the player is told.
        trouble: String,
    },
    /// A channel opened.
    ChannelOpened {
        /// The connection.
        link: LinkId,
        /// Its position: as planned, or above all planned ones if `remote`, where those that never open may leave gaps.
        channel: ChannelIndex,
        /// Whether the far side made it in-band (Godot: `data_channel_received`).
        remote: bool,
        /// What the platform says it is.
        actual: ChannelParameters,
    },
    /// A channel closed, whoever closed it. All its messages were reported before.
    ChannelClosed {
        /// The connection.
        link: LinkId,
        /// Which of its channels.
        channel: ChannelIndex,
    },
    /// The buffered amount fell to the low-water mark from above: what was refused may be tried again.
    BufferedAmountLow {
        /// The connection.
        link: LinkId,
        /// Which of its channels.
        channel: ChannelIndex,
    },
    /// A message arrived.
    Message {
        /// The connection.
        link: LinkId,
        /// On which channel.
        channel: ChannelIndex,
        /// What it is.
        payload: Payload,
    },
    /// Messages of an unreliable channel were dropped, because nobody took them.
    InboxDropped {
        /// The connection.
        link: LinkId,
        /// On which channel.
        channel: ChannelIndex,
        /// How many since the last such event.
        messages: u64,
    },
    /// The answer to [`Command::RequestStats`].
    Stats {
        /// The connection.
        link: LinkId,
        /// The figures.
        stats: LinkStats,
    },
    /// The link uses this pair of candidates: its first one, or another one than before. A backend looks about once a second, so
    /// what is changed back in between is not reported.
    PairSelected {
        /// The connection.
        link: LinkId,
        /// Whether the pair goes through a TURN server.
        path: PathKind,
    },
    /// The far side says that it has kicked another peer. At most [`MAX_KICKS`](crate::platform::control::MAX_KICKS) times a
    /// link.
    Kicked {
        /// The connection.
        link: LinkId,
        /// Who was kicked.
        peer: PeerId,
        /// Why.
        reason: GivenReason,
    },
    /// The far side says how many messages of each reliable stream its core has taken. Of what it says before this is taken,
    /// the first and the last word are reported.
    Taken {
        /// The connection.
        link: LinkId,
        /// The SCTP stream and the number of messages.
        counts: Vec<(u16, u64)>,
    },
    /// The far side says why it ends the link, which it does next. At most once a link.
    Goodbye {
        /// The connection.
        link: LinkId,
        /// Why it ends.
        goodbye: Goodbye,
    },
    /// The link is gone; nothing of it follows.
    Closed {
        /// The connection.
        link: LinkId,
        /// Why.
        reason: CloseReason,
    },
}

impl LinkEvent {
    /// The connection it is about.
    #[must_use]
    pub const fn link(&self) -> LinkId {
        match self {
            Self::State { link, .. }
            | Self::Description { link, .. }
            | Self::Candidate { link, .. }
            | Self::Gathered { link, .. }
            | Self::ChannelOpened { link, .. }
            | Self::ChannelClosed { link, .. }
            | Self::BufferedAmountLow { link, .. }
            | Self::Message { link, .. }
            | Self::InboxDropped { link, .. }
            | Self::Stats { link, .. }
            | Self::PairSelected { link, .. }
            | Self::Kicked { link, .. }
            | Self::Taken { link, .. }
            | Self::Goodbye { link, .. }
            | Self::Closed { link, .. } => *link,
        }
    }
}

/// W3C: `RTCPeerConnectionState`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ConnectionState {
    /// Nothing negotiated yet.
    #[default]
    #[doc(alias = "STATE_NEW")]
    New,
    /// Looking for a route, or securing it.
    #[doc(alias = "STATE_CONNECTING")]
    Connecting,
    /// A secured route stands.
    #[doc(alias = "STATE_CONNECTED")]
    Connected,
    /// The route does not answer; it may come back.
    #[doc(alias = "STATE_DISCONNECTED")]
    Disconnected,
    /// No route, or none any more.
    #[doc(alias = "STATE_FAILED")]
    Failed,
    /// Closed by this side.
    #[doc(alias = "STATE_CLOSED")]
    Closed,
}

/// W3C: `RTCIceGatheringState`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum GatheringState {
    /// Not begun.
    #[default]
    #[doc(alias = "GATHERING_STATE_NEW")]
    New,
    /// Looking for addresses of ours.
    #[doc(alias = "GATHERING_STATE_GATHERING")]
    Gathering,
    /// No more will be found.
    #[doc(alias = "GATHERING_STATE_COMPLETE")]
    Complete,
}

/// W3C: `RTCSignalingState`, without provisional answers, which are not used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum SignalingState {
    /// Nothing negotiated yet, or both descriptions are there.
    #[default]
    #[doc(alias = "SIGNALING_STATE_STABLE")]
    Stable,
    /// Our offer waits for an answer.
    #[doc(alias = "SIGNALING_STATE_HAVE_LOCAL_OFFER")]
    HaveLocalOffer,
    /// The far side's offer is being answered.
    #[doc(alias = "SIGNALING_STATE_HAVE_REMOTE_OFFER")]
    HaveRemoteOffer,
    /// The connection is over.
    #[doc(alias = "SIGNALING_STATE_CLOSED")]
    Closed,
}

/// Why a backend gave a link up.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum CloseReason {
    /// [`Command::Close`] was carried out.
    Local,
    /// The far side closed.
    Remote,
    /// It could not be connected, or a command could not be carried out.
    Failed(ConnectFailure),
    /// A reliable channel got more than the inbox holds.
    InboxFull,
    /// The far side broke a rule of the wire.
    Protocol(String),
}

/// Why a peer could not be connected, in words a player can be shown.
#[derive(Clone, Debug, PartialEq, Eq, Error)]
#[non_exhaustive]
pub enum ConnectFailure {
    /// The deadline passed.
    #[error("timed out: {missing}")]
    Deadline {
        /// What was still missing.
        missing: Missing,
    },
    /// ICE tried every pair of candidates.
    #[error("no route: the peers found no common candidate; a TURN server is needed")]
    NoRoute,
    /// No direct route was found or allowed, and no TURN server gave a relay.
    #[error("no route: {cause}")]
    NoRelay {
        /// What each server said or did not say, or what is missing on this machine.
        cause: String,
    },
    /// The far side closed before the channels were open.
    #[error("the peer closed the connection before it was complete")]
    Closed,
    /// The signaling server says that the peer left during the handshake.
    #[error("the peer left during the handshake")]
    Left,
    /// The signaling could not carry the handshake: it was lost, it has no room, or it cannot send this signal.
    #[error("the signaling failed during the handshake: {0}")]
    Signaling(String),
    /// The configuration cannot be used.
    #[error("unusable configuration: {0}")]
    Config(String),
    /// The far side's description cannot be used.
    #[error("unusable description from the peer: {0}")]
    Description(String),
    /// The far side's candidate cannot be used.
    #[error("unusable candidate from the peer: {0}")]
    Candidate(String),
    /// A channel could not be made, or is not what was asked for.
    #[error("no usable channel: {0}")]
    Channel(String),
    /// This platform has no WebRTC, or not here.
    #[error("WebRTC is not available here: {0}")]
    Unsupported(String),
    /// The platform failed for a reason of its own.
    #[error("the platform failed: {0}")]
    Platform(String),
}

/// What a handshake still waited for when its deadline passed.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Error)]
pub enum Missing {
    /// The far side's offer or answer.
    #[error("the peer never answered")]
    Description,
    /// A route between the peers.
    #[error("no route was found in time; a TURN server may be needed")]
    Route,
    /// The channels.
    #[error(
        "a route was found but the channels did not open; the path may lose packets of more than 1200 bytes (a VPN or a tunnel)"
    )]
    Channels,
}

impl Default for Capabilities {
    /// The least that every platform can: 64 KiB, nothing else.
    fn default() -> Self {
        Self {
            max_message_size: 65536,
            configurable_timeouts: false,
            coalesces: false,
        }
    }
}

/// What a platform can do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Capabilities {
    /// The largest message this side sends and takes, in bytes.
    pub max_message_size: usize,
    /// Whether the user can set how fast a vanished peer is noticed.
    pub configurable_timeouts: bool,
    /// Whether the backend joins small messages where [`Command::Coalesce`] allows it.
    pub coalesces: bool,
}
