//! The state of one side of a peer connection.

use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;

use super::channel::Channel;
use super::inbox::Inbox;
use super::key::Key;
use crate::{ChannelIndex, ConnectionState, Instant, LinkConfig, LinkId};

/// How far the exchange of descriptions is (W3C: `RTCSignalingState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Negotiation {
    New,
    Offered,
    Done,
}

/// How far the transport is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Progress {
    /// A description is missing.
    Idle,
    /// Looking for a route.
    Checking,
    /// A route was found and is being secured.
    Securing,
    /// DTLS is complete (W3C: "connected").
    Secured,
    /// SCTP is complete, too, and channels are open.
    Associated,
}

/// One side of a peer connection.
#[derive(Debug)]
pub(super) struct Endpoint {
    pub(super) host: u32,
    pub(super) link: LinkId,
    pub(super) config: LinkConfig,
    pub(super) negotiation: Negotiation,
    /// The far side, as its description names it.
    pub(super) far: Option<Key>,
    pub(super) offerer: bool,
    /// The candidates of this side that were found so far.
    pub(super) found: Vec<String>,
    /// How many are still to be found.
    pub(super) to_find: u16,
    /// Whether a candidate of the far side was added.
    pub(super) has_far_candidate: bool,
    pub(super) state: ConnectionState,
    pub(super) progress: Progress,
    /// Counts how often the route appeared or vanished. An action of an earlier count has no effect.
    pub(super) epoch: u32,
    /// Whether the far side answers.
    pub(super) reachable: bool,
    pub(super) associated_at: Instant,
    pub(super) channels: Vec<Channel>,
    /// The channel to be served next.
    pub(super) turn: usize,
    pub(super) transmit_scheduled: bool,
    /// When the narrowest part of the path has carried all that waits there.
    pub(super) path_free_at: Instant,
    /// Until when the sender holds back, because the narrowest part of the path had no room.
    pub(super) paused_until: Instant,
    /// Bytes of reliable messages on their way.
    pub(super) in_flight: usize,
    /// The number of the last message on each stream that has no channel here.
    pub(super) unclaimed: BTreeMap<u16, u64>,
    /// Reliable messages that wait for the route to answer again.
    pub(super) held: Vec<Key>,
    pub(super) inbox: Inbox,
    pub(super) is_ready: bool,
    pub(super) closing: bool,
    pub(super) gone: bool,
    pub(super) bytes_sent: u64,
    pub(super) bytes_received: u64,
}

impl Endpoint {
    pub(super) fn new(
        host: u32,
        link: LinkId,
        config: LinkConfig,
        inbox_bytes: usize,
        now: Instant,
    ) -> Self {
        Self {
            host,
            link,
            config,
            negotiation: Negotiation::New,
            far: None,
            offerer: false,
            found: Vec::new(),
            to_find: 0,
            has_far_candidate: false,
            state: ConnectionState::New,
            progress: Progress::Idle,
            epoch: 0,
            reachable: false,
            associated_at: now,
            channels: Vec::new(),
            turn: 0,
            transmit_scheduled: false,
            path_free_at: now,
            paused_until: now,
            in_flight: 0,
            unclaimed: BTreeMap::new(),
            held: Vec::new(),
            inbox: Inbox::new(link, inbox_bytes),
            is_ready: false,
            closing: false,
            gone: false,
            bytes_sent: 0,
            bytes_received: 0,
        }
    }

    pub(super) const fn is_gone(&self) -> bool {
        self.gone
    }

    pub(super) fn is_secured(&self) -> bool {
        self.progress >= Progress::Secured
    }

    pub(super) fn is_associated(&self) -> bool {
        self.progress == Progress::Associated
    }

    pub(super) fn channel(&self, index: ChannelIndex) -> Option<&Channel> {
        self.channels.iter().find(|channel| channel.index == index)
    }

    pub(super) fn channel_mut(&mut self, index: ChannelIndex) -> Option<&mut Channel> {
        self.channels
            .iter_mut()
            .find(|channel| channel.index == index)
    }

    pub(super) fn stream_mut(&mut self, stream: u16) -> Option<&mut Channel> {
        self.channels
            .iter_mut()
            .find(|channel| channel.stream() == stream)
    }
}
