//! What a participant answers.

use mesh_core::{
    Capabilities, ChannelParameters, ChannelState, ConnectionId, ConnectionState, ConnectionStatus,
    GatheringState, Instant, RefusedReason, Sent, SignalingState, TransferMode,
};
use serde::{Deserialize, Serialize};

use crate::observed::{Handshake, Observed};
use crate::refusal::Refusal;
use crate::stream::Arrival;
use crate::wire;

/// What became of a send.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct SentReport {
    /// How many messages were handed over whole, to every target.
    pub messages: u64,
    /// How many targets took the last one.
    pub accepted: usize,
    /// Whose buffer was full for the last one.
    pub full: Vec<u32>,
    /// The path to whom was broken for the last one.
    pub interrupted: Vec<u32>,
    /// Who takes nothing as large as the last one.
    pub too_large: Vec<u32>,
    /// Who was not connected for the last one.
    pub not_connected: Vec<u32>,
    /// Of a bare backend's channel: the most bytes that were buffered right after one.
    pub most_buffered: usize,
}

impl SentReport {
    /// Takes note of one more message.
    pub(crate) fn note(&mut self, sent: &Sent) {
        self.accepted = sent.accepted;
        for refused in &sent.refused {
            match refused.reason {
                RefusedReason::Interrupted => self.interrupted.push(refused.peer.get()),
                RefusedReason::Full => self.full.push(refused.peer.get()),
                RefusedReason::TooLarge { .. } => self.too_large.push(refused.peer.get()),
                _ => self.not_connected.push(refused.peer.get()),
            }
        }
    }
}

/// A peer, as its mesh describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PeerReport {
    /// Who.
    pub id: u32,
    /// Its connection.
    #[serde(with = "wire::LinkIdDef")]
    pub connection: ConnectionId,
    /// Whether it counts as connected.
    pub connected: bool,
    /// What the platform says.
    #[serde(with = "wire::ConnectionStateDef")]
    pub state: ConnectionState,
    /// The largest message it takes.
    pub max_message_size: usize,
}

/// Where a connection is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct StatesReport {
    /// The connection itself.
    #[serde(with = "wire::ConnectionStateDef")]
    pub connection: ConnectionState,
    /// Its search for addresses.
    #[serde(with = "wire::GatheringStateDef")]
    pub gathering: GatheringState,
    /// Its handshake.
    #[serde(with = "wire::SignalingStateDef")]
    pub signaling: SignalingState,
}

/// A channel, as its mesh describes it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ChannelReport {
    /// How messages travel on it.
    #[serde(with = "wire::TransferModeDef")]
    pub mode: TransferMode,
    /// Its label.
    pub label: String,
    /// What it is.
    #[serde(with = "wire::ChannelParametersDef")]
    pub parameters: ChannelParameters,
    /// Whether both sides made it by agreement.
    pub negotiated: bool,
    /// Where it is in its life.
    #[serde(with = "wire::ChannelStateDef")]
    pub state: ChannelState,
    /// How much it buffers.
    pub buffered_amount: usize,
}

/// What a participant holds of its platform, by name: all must be back where they were once all links are closed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Vitals {
    /// Counted things: tasks, files, links, closures.
    pub counts: Vec<(String, u64)>,
    /// Resident memory in bytes, where it can be told.
    pub resident: Option<u64>,
    /// Whether its page is hidden, if it is one.
    pub hidden: Option<bool>,
    /// Panics in this process, if it is the participant's own.
    pub panics: Option<u64>,
}

/// An answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[expect(missing_docs, reason = "each field is what its request asks for")]
pub enum Reply {
    Done,
    Refused(Refusal),
    Traffic {
        sent: [(u64, u64); 3],
        received: [(u64, u64); 3],
    },
    Handshakes {
        first: u64,
        items: Vec<Handshake>,
    },
    Events {
        first: u64,
        items: Vec<Observed>,
    },
    Now {
        micros: u64,
    },
    Vitals(Vitals),
    Connection(#[serde(with = "wire::LinkIdDef")] ConnectionId),
    Sent(SentReport),
    Amount(usize),
    /// The number of a transfer that has begun.
    Transfer(u32),
    Flag(bool),
    Peers(Vec<PeerReport>),
    Status {
        id: Option<u32>,
        #[serde(with = "wire::ConnectionStatusDef")]
        status: ConnectionStatus,
    },
    Channels(Vec<ChannelReport>),
    /// None of a connection that is closed.
    States(Option<StatesReport>),
    Standing {
        is_server: bool,
        relays: bool,
    },
    Capabilities(#[serde(with = "wire::CapabilitiesDef")] Capabilities),
    Woken(Woken),
    /// When each step of a stream was taken, on the sender's clock, in microseconds.
    Streamed(Vec<u64>),
    Arrivals(Vec<Arrival>),
    Count(u64),
}

/// What was seen of two wakers, the first of them replaced by the second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Woken {
    /// Whether the last one given was woken in time.
    pub last: bool,
    /// When it was, on the participant's clock, in microseconds.
    pub at_micros: u64,
    /// When a timer of the platform for the same moment rang. Not before that moment.
    pub timer_at_micros: u64,
    /// Whether an event was there then, which may be what woke it.
    pub by_event: bool,
}

impl Reply {
    pub(crate) const fn now(now: Instant) -> Self {
        Self::Now {
            micros: now.as_micros(),
        }
    }
}
