//! What a case can ask of a participant.

mod transport;

use std::time::Duration;

use mesh_core::{
    ChannelIndex, ChannelLimits, ChannelParameters, Command, ConnectionId, GivenReason,
    IceCandidate, LinkConfig, LinkId, MeshConfig, ModeLimits, SendLimits, SessionConfig,
    SessionDescription, Target, TransferMode,
};
use serde::{Deserialize, Serialize};

use crate::planted::Fault;
use crate::refusal::Refusal;
use crate::stream::{StreamRequest, Weather};
use crate::{Content, wire};

pub use self::transport::TransportRequest;

/// Where sessions of one case meet.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Meeting {
    /// The signaling server; empty where there is no socket.
    pub url: String,
    /// The lobby.
    pub lobby: String,
}

/// What a case may set of a [`MeshConfig`] and a [`SessionConfig`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Settings {
    /// Bytes at which a reliable channel refuses more, those that wait in the mesh included.
    pub reliable_bytes: usize,
    /// Bytes at which the backend of a reliable channel takes no more.
    pub high_water: usize,
    /// Bytes at which it says that there is room.
    pub low_water: usize,
    /// Bytes of messages a link holds for its application.
    pub inbox_bytes: usize,
    /// How long a handshake may take.
    pub connect_deadline: Duration,
    /// How long a path may be broken before the peer is lost.
    pub resume_window: Duration,
}

impl Default for Settings {
    fn default() -> Self {
        let mesh = MeshConfig::default();
        Self {
            reliable_bytes: mesh.send_limits.reliable.bytes,
            high_water: mesh.send_limits.reliable.backend.high_water,
            low_water: mesh.send_limits.reliable.backend.low_water,
            inbox_bytes: mesh.inbox_bytes,
            connect_deadline: mesh.connect_deadline,
            resume_window: mesh.resume_window,
        }
    }
}

impl From<Settings> for SessionConfig {
    fn from(settings: Settings) -> Self {
        Self {
            mesh: settings.into(),
            ..Self::default()
        }
    }
}

impl From<Settings> for MeshConfig {
    fn from(settings: Settings) -> Self {
        Self {
            send_limits: ModeLimits {
                reliable: ChannelLimits {
                    bytes: settings.reliable_bytes,
                    backend: SendLimits {
                        high_water: settings.high_water,
                        low_water: settings.low_water,
                        ..SendLimits::default()
                    },
                    ..ChannelLimits::RELIABLE
                },
                ..ModeLimits::default()
            },
            inbox_bytes: settings.inbox_bytes,
            connect_deadline: settings.connect_deadline,
            resume_window: settings.resume_window,
            ..Self::default()
        }
    }
}

/// What a participant is to be from now on; whatever it was is dropped first.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Start {
    /// A bare backend, for the clauses of its contract.
    Backend,
    /// A [`mesh_core::Multiplayer`], initialized with this id unless it is 0.
    Mesh {
        /// Its id.
        id: u32,
        /// Godot 3.x's server compatibility.
        server_compatibility: bool,
        /// Its settings.
        settings: Settings,
    },
    /// A [`mesh_core::Session`].
    Session {
        /// Where it meets the others.
        meeting: Meeting,
        /// Its settings.
        settings: Settings,
    },
    /// A [`multiplayer_api::MultiplayerApi`] over a [`mesh_core::Multiplayer`].
    Api(ApiStart),
    /// A signaling client and nothing behind it: a peer that says what the case wants.
    Lurker {
        /// Where it meets the others.
        meeting: Meeting,
    },
    /// A [`signaling::Transport`] and nothing behind it, for the clauses of its contract.
    Transport {
        /// The server.
        url: String,
        /// The longest text to take, in bytes.
        max_message_size: usize,
    },
}

/// How a participant takes its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Pace {
    /// As they come, woken for each; what tools and servers do.
    Events,
    /// Once a frame, without being woken; what games do.
    Frames(Duration),
    /// Not at all: an application that hangs.
    Never,
}

/// Which of a participant's logs.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Log {
    /// Descriptions and candidates.
    Handshakes,
    /// All others.
    Events,
}

/// To whom a message goes; [`Target`] with ids as numbers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum To {
    /// Everybody.
    All,
    /// One.
    One(u32),
    /// Everybody but one.
    AllExcept(u32),
}

impl To {
    pub(crate) fn target(self) -> Result<Target, Refusal> {
        Ok(match self {
            Self::All => Target::All,
            Self::One(id) => Target::One(crate::refusal::peer_id(id)?),
            Self::AllExcept(id) => Target::AllExcept(crate::refusal::peer_id(id)?),
        })
    }
}

/// A request to any participant.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Request {
    /// Become this.
    Start(Start),
    /// Drop everything, without a word.
    Drop,
    /// Give the log from this position on, as soon as there is something or the wait is over.
    Observe {
        /// Which.
        log: Log,
        /// First entry not seen yet; earlier ones are forgotten.
        from: u64,
        /// How long to wait at most.
        wait: Duration,
    },
    /// Take events like this from now on.
    Pace(Pace),
    /// Send this on each mode's channel as soon as a peer is there (a bare backend: as soon as the channel is open).
    Greet(Vec<Content>),
    /// Answer after so long.
    Sleep(Duration),
    /// From the next start on its backends break their contract like this.
    Plant(Fault),
    /// Keep the thread busy for so long, so that nothing else happens on it, then answer.
    Block(Duration),
    /// The time on its clock.
    Now,
    /// What it holds of its platform.
    Vitals,
    /// Make the path to all others as bad as this; answered with whether that is in its power.
    Weather(Weather),
    /// Answered with how many messages of so many bytes the weather can have spoilt so far.
    Spoilt {
        /// Bytes of a message.
        len: usize,
    },
    /// Send a stream, or note one.
    Stream(StreamRequest),
    /// To a bare backend.
    Seam(SeamRequest),
    /// To a mesh or a session.
    Mesh(MeshRequest),
    /// To a multiplayer API.
    Api(ApiRequest),
    /// To a lurker.
    Lurker(LurkerRequest),
    /// To a bare transport.
    Transport(TransportRequest),
}

/// A request to a bare backend.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the fields are those of mesh_core::Backend's methods"
)]
pub enum SeamRequest {
    /// Carry a command out.
    Execute(#[serde(with = "wire::CommandDef")] Command),
    /// Send `count` messages, the first as given, numbered ones counting up; stops at the first refusal.
    SendOn {
        #[serde(with = "wire::LinkIdDef")]
        link: LinkId,
        #[serde(with = "wire::ChannelIndexDef")]
        channel: ChannelIndex,
        content: Content,
        count: u64,
    },
    /// How much is buffered.
    BufferedOn {
        #[serde(with = "wire::LinkIdDef")]
        link: LinkId,
        #[serde(with = "wire::ChannelIndexDef")]
        channel: ChannelIndex,
    },
    /// Make a channel in-band, as a peer that is not ours may do; its stream is not chosen.
    CreateInBand {
        #[serde(with = "wire::LinkIdDef")]
        link: LinkId,
        #[serde(with = "wire::ChannelIndexDef")]
        channel: ChannelIndex,
        #[serde(with = "wire::ChannelParametersDef")]
        parameters: ChannelParameters,
    },
    /// What the platform can do.
    Capabilities,
    /// Poll with one waker, then with another, and tell which is woken by the next event, or by an alarm so far ahead.
    Wake {
        alarm: Option<Duration>,
        wait: Duration,
    },
}

/// The ways to set a mesh up.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Setup {
    /// Godot 3.x, with server compatibility.
    Compatible(u32),
    /// Godot 4.x, everybody with everybody.
    Mesh(u32),
    /// Godot 4.x, with peer 1 alone.
    Client(u32),
    /// Godot 4.x, peer 1.
    Server,
}

/// A request to a mesh or a session.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the fields are those of mesh_core::Multiplayer's methods"
)]
pub enum MeshRequest {
    /// Take an id.
    Initialize { id: u32 },
    // Godot's class.
    /// Take an id and a place in a topology, with these custom channels.
    SetUp {
        setup: Setup,
        #[serde(with = "wire::modes")]
        custom_channels: Vec<TransferMode>,
    },
    /// End a peer, by force or not.
    DisconnectPeer { peer: u32, force: bool },
    /// Send one message on a channel.
    SendOnChannel {
        to: To,
        #[serde(with = "wire::ChannelIndexDef")]
        channel: ChannelIndex,
        content: Content,
    },
    /// Close one channel of a peer.
    CloseChannel {
        peer: u32,
        #[serde(with = "wire::ChannelIndexDef")]
        channel: ChannelIndex,
    },
    /// A peer's channels.
    Channels(u32),
    /// What was sent to a peer and has come from it.
    Traffic(u32),
    /// How many bytes of messages have come from a peer, whether the application has taken them or not.
    Arrived(u32),
    /// Where a connection is.
    States(#[serde(with = "wire::LinkIdDef")] ConnectionId),
    /// What it is to the others.
    Standing,
    // The class's connections.
    /// Make a connection.
    CreateConnection(#[serde(with = "wire::LinkConfigDef")] LinkConfig),
    /// Make it a peer's.
    AddPeer {
        #[serde(with = "wire::LinkIdDef")]
        connection: ConnectionId,
        peer: u32,
        unreliable_lifetime: Option<u16>,
    },
    /// Make an offer.
    CreateOffer(#[serde(with = "wire::LinkIdDef")] ConnectionId),
    /// Apply the far side's description.
    SetRemote {
        #[serde(with = "wire::LinkIdDef")]
        connection: ConnectionId,
        #[serde(with = "wire::SessionDescriptionDef")]
        description: SessionDescription,
    },
    /// Apply the far side's candidate.
    AddCandidate {
        #[serde(with = "wire::LinkIdDef")]
        connection: ConnectionId,
        #[serde(with = "wire::IceCandidateDef")]
        candidate: IceCandidate,
    },
    /// Close a connection.
    CloseConnection(#[serde(with = "wire::LinkIdDef")] ConnectionId),
    /// Remove a peer.
    RemovePeer(u32),
    /// Send `count` messages, the first as given, numbered ones counting up; stops once one is refused.
    Send {
        to: To,
        #[serde(with = "wire::TransferModeDef")]
        mode: TransferMode,
        content: Content,
        count: u64,
    },
    /// Ask for figures.
    RequestStats(u32),
    /// How much is buffered.
    Buffered {
        peer: u32,
        #[serde(with = "wire::TransferModeDef")]
        mode: TransferMode,
    },
    /// Who is there.
    Peers,
    /// Its id and status.
    Status,
    /// Refuse new peers, or take them again.
    RefuseNew(bool),
    /// Close at once ([`mesh_core::Multiplayer::close`]).
    CloseMesh,
    /// Leave and wait for it ([`mesh_core::Session::leave`]), then drop.
    Leave,
    /// The same with a reason ([`mesh_core::Session::leave_with_reason`]).
    LeaveWith(#[serde(with = "wire::GivenReasonDef")] GivenReason),
    /// Kick a peer, as a session or as a mesh.
    Kick {
        peer: u32,
        #[serde(with = "wire::GivenReasonDef")]
        reason: GivenReason,
    },
    /// Seal the lobby.
    Seal,
    /// Transfer this to a peer.
    SendTransfer {
        peer: u32,
        name: String,
        content: Content,
    },
    /// Give one up.
    CancelTransfer { peer: u32, transfer: u32 },
    /// Not want one of a peer.
    RefuseTransfer { peer: u32, transfer: u32 },
}

/// A request to a lurker.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the fields are those of mesh_core::Signaling::send"
)]
pub enum LurkerRequest {
    /// Send a description to a member.
    Describe {
        to: u32,
        #[serde(with = "wire::SessionDescriptionDef")]
        description: SessionDescription,
    },
    /// Send a candidate to a member.
    Trickle {
        to: u32,
        #[serde(with = "wire::IceCandidateDef")]
        candidate: IceCandidate,
    },
}

/// What a multiplayer API is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ApiStart {
    /// The id of its network peer; of a star it is the server with 1, and else a client.
    pub id: u32,
    /// Whether it is one of a star, and not of a mesh.
    pub star: bool,
    /// Whether it speaks Godot 3.x.
    pub godot_3: bool,
    /// How long peers may take to authenticate; `None`: they need not.
    pub authentication: Option<Duration>,
}

/// A request to a multiplayer API.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(
    missing_docs,
    reason = "the fields are those of multiplayer_api::MultiplayerApi's methods"
)]
pub enum ApiRequest {
    /// Send data, which must be taken.
    SendBytes {
        to: To,
        #[serde(with = "wire::TransferModeDef")]
        mode: TransferMode,
        content: Content,
    },
    /// Take a step of an authentication.
    SendAuth { peer: u32, data: Vec<u8> },
    /// Be through with it.
    CompleteAuth(u32),
    /// Send a peer away.
    DisconnectPeer(u32),
    /// Close the network peer.
    CloseApi,
}
