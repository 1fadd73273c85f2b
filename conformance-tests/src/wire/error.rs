//! Doubles of the errors and reasons.

use mesh_core::{
    AddPeerError, BackendSendError, CloseReason, ConnectFailure, ConnectionError, DisconnectReason,
    GivenReason, InitializeError, LostReason, Missing, PeerId, SendError,
};
use serde::{Deserialize, Serialize};
use signaling::TransportError;

#[derive(Serialize, Deserialize)]
#[serde(remote = "Missing")]
pub(crate) enum MissingDef {
    Description,
    Route,
    Channels,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ConnectFailure")]
#[non_exhaustive]
pub(crate) enum ConnectFailureDef {
    Deadline {
        #[serde(with = "MissingDef")]
        missing: Missing,
    },
    NoRoute,
    NoRelay {
        cause: String,
    },
    Closed,
    Left,
    Config(String),
    Description(String),
    Candidate(String),
    Channel(String),
    Unsupported(String),
    Platform(String),
    Signaling(String),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "GivenReason")]
pub(crate) struct GivenReasonDef {
    #[serde(getter = "GivenReason::code")]
    code: u16,
    #[serde(getter = "text")]
    text: String,
}

fn text(reason: &GivenReason) -> String {
    reason.text().to_owned()
}

impl From<GivenReasonDef> for GivenReason {
    fn from(GivenReasonDef { code, text }: GivenReasonDef) -> Self {
        Self::new(code, &text)
    }
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "DisconnectReason")]
#[non_exhaustive]
pub(crate) enum DisconnectReasonDef {
    Closed,
    Left(#[serde(with = "GivenReasonDef")] GivenReason),
    Kicked(#[serde(with = "GivenReasonDef")] GivenReason),
    PageLeft,
    PeerInboxFull,
    PeerProtocol(String),
    Lost,
    Removed,
    ConnectFailed(#[serde(with = "ConnectFailureDef")] ConnectFailure),
    InboxFull,
    Protocol(String),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "CloseReason")]
#[non_exhaustive]
pub(crate) enum CloseReasonDef {
    Local,
    Remote,
    Failed(#[serde(with = "ConnectFailureDef")] ConnectFailure),
    InboxFull,
    Protocol(String),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "LostReason")]
#[non_exhaustive]
pub(crate) enum LostReasonDef {
    Unreachable(String),
    Refused { code: u16, reason: String },
    Closed,
    SealComplete,
    HostLeft,
    Removed { is_banned: bool, reason: String },
    PageLeft,
    Protocol(String),
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "TransportError")]
#[non_exhaustive]
pub(crate) enum TransportErrorDef {
    InvalidUrl { url: String, why: String },
    NotOpen,
    Full,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "InitializeError")]
#[non_exhaustive]
pub(crate) enum InitializeErrorDef {
    AlreadyInitialized {
        #[serde(with = "super::peer_id")]
        id: PeerId,
    },
    ServerId,
    TooManyChannels {
        given: usize,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "AddPeerError")]
#[non_exhaustive]
pub(crate) enum AddPeerErrorDef {
    NotInitialized,
    NotTheServer {
        #[serde(with = "super::peer_id")]
        id: PeerId,
    },
    OwnId {
        #[serde(with = "super::peer_id")]
        id: PeerId,
    },
    Refused,
    UnknownConnection,
    NotNew,
    Duplicate {
        #[serde(with = "super::peer_id")]
        id: PeerId,
    },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "ConnectionError")]
#[non_exhaustive]
pub(crate) enum ConnectionErrorDef {
    UnknownConnection,
    NotAdded,
    AlreadyNegotiated,
    UnexpectedAnswer,
    TooManyCandidates { limit: usize },
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "SendError")]
#[non_exhaustive]
pub(crate) enum SendErrorDef {
    NotInitialized,
    UnknownPeer {
        #[serde(with = "super::peer_id")]
        peer: PeerId,
    },
    UnknownChannel {
        channel: u16,
    },
    TooLarge {
        size: usize,
        limit: usize,
    },
    InvalidText,
}

#[derive(Serialize, Deserialize)]
#[serde(remote = "BackendSendError")]
pub(crate) enum BackendSendErrorDef {
    Full,
    NotOpen,
}
