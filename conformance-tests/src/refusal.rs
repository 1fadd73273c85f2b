//! A request that a participant could not carry out: the library's own error, or the suite's.

use std::fmt;

use mesh_core::{
    AddPeerError, BackendSendError, ConnectionError, InitializeError, PeerId, SendError,
};
use serde::{Deserialize, Serialize};
use signaling::TransportError;

use crate::wire;

/// Why a request was refused.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum Refusal {
    /// [`mesh_core::Multiplayer::initialize`].
    Initialize(#[serde(with = "wire::InitializeErrorDef")] InitializeError),
    /// [`mesh_core::Multiplayer::add_peer`].
    AddPeer(#[serde(with = "wire::AddPeerErrorDef")] AddPeerError),
    /// Any of the handshake's steps.
    Connection(#[serde(with = "wire::ConnectionErrorDef")] ConnectionError),
    /// [`mesh_core::Multiplayer::send`].
    Send(#[serde(with = "wire::SendErrorDef")] SendError),
    /// [`mesh_core::Backend::send`].
    BackendSend(#[serde(with = "wire::BackendSendErrorDef")] BackendSendError),
    /// [`signaling::Transport`].
    Transport(#[serde(with = "wire::TransportErrorDef")] TransportError),
    /// The request makes no sense for what the participant is, or the suite's own machinery failed.
    Suite(String),
}

impl fmt::Display for Refusal {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Initialize(error) => error.fmt(f),
            Self::AddPeer(error) => error.fmt(f),
            Self::Connection(error) => error.fmt(f),
            Self::Send(error) => error.fmt(f),
            Self::BackendSend(error) => error.fmt(f),
            Self::Transport(error) => error.fmt(f),
            Self::Suite(what) => f.write_str(what),
        }
    }
}

macro_rules! from {
    ($($error:ty => $variant:ident),+) => {
        $(impl From<$error> for Refusal {
            fn from(error: $error) -> Self {
                Self::$variant(error)
            }
        })+
    };
}

from!(
    InitializeError => Initialize,
    AddPeerError => AddPeer,
    ConnectionError => Connection,
    SendError => Send,
    BackendSendError => BackendSend,
    TransportError => Transport,
    String => Suite
);

pub(crate) fn peer_id(id: u32) -> Result<PeerId, Refusal> {
    PeerId::new(id).map_err(|error| Refusal::Suite(error.to_string()))
}
