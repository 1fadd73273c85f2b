//! What a disturbed connection knows of each link.

use alloc::collections::{BTreeMap, VecDeque};

use crate::{
    ChannelIndex, ChannelParameters, ConnectionState, Instant, LinkEvent, Payload, Reliability,
    SendLimits,
};

/// What a message occupies besides its bytes, so that a flood of empty ones is bounded, too.
const OVERHEAD: usize = 64;

/// One link.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) inbox_bytes: usize,
    /// Its state in the backend inside.
    pub(super) state: ConnectionState,
    /// The state that was reported last.
    pub(super) shown: ConnectionState,
    /// Nothing that still arrives is of interest.
    pub(super) closing: bool,
    /// What occupies the inbox: received messages that are delayed or held.
    pub(super) bytes_in: usize,
    /// What occupies the window: messages to send that are on their way or blocked.
    pub(super) bytes_out: usize,
    /// The channel whose message left last.
    pub(super) turn: ChannelIndex,
    /// When the last event that is delayed arrives.
    pub(super) last_in: Instant,
    /// What a cut keeps from arriving.
    pub(super) held: VecDeque<LinkEvent>,
    pub(super) channels: BTreeMap<ChannelIndex, Channel>,
}

/// One channel of a link.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) ordered: bool,
    pub(super) reliability: Reliability,
    pub(super) limits: SendLimits,
    pub(super) is_open: bool,
    /// When the last message that is delayed arrives here.
    pub(super) last_in: Instant,
    /// When the last message that is delayed goes out.
    pub(super) last_out: Instant,
    /// Messages that wait for room in the window, or for the end of a cut.
    pub(super) waiting: VecDeque<Payload>,
    /// Reliable messages that have been on their way and find no room inside, or a cut.
    pub(super) blocked: VecDeque<Payload>,
    /// Bytes that wait or are blocked.
    pub(super) buffered: usize,
    /// Whether the buffered amount has been above the low-water mark since that was last reported.
    pub(super) is_above_low: bool,
}

impl Link {
    pub(super) const fn new(inbox_bytes: usize) -> Self {
        Self {
            inbox_bytes,
            state: ConnectionState::New,
            shown: ConnectionState::New,
            closing: false,
            bytes_in: 0,
            bytes_out: 0,
            turn: ChannelIndex(0),
            last_in: Instant::from_micros(0),
            held: VecDeque::new(),
            channels: BTreeMap::new(),
        }
    }

    pub(super) fn add_channel(
        &mut self,
        index: ChannelIndex,
        parameters: ChannelParameters,
        limits: SendLimits,
    ) {
        self.channels.entry(index).or_insert_with(|| Channel {
            ordered: parameters.ordered,
            reliability: parameters.reliability,
            limits,
            is_open: false,
            last_in: Instant::from_micros(0),
            last_out: Instant::from_micros(0),
            waiting: VecDeque::new(),
            blocked: VecDeque::new(),
            buffered: 0,
            is_above_low: false,
        });
    }

    /// Forgets what has not arrived yet.
    pub(super) fn close(&mut self) {
        self.closing = true;
        self.held = VecDeque::new();
    }
}

impl Channel {
    /// Whether nothing is buffered here.
    pub(super) fn is_idle(&self) -> bool {
        self.waiting.is_empty() && self.blocked.is_empty()
    }

    pub(super) const fn low_water(&self) -> usize {
        self.limits.low_mark()
    }

    pub(super) fn is_reliable(&self) -> bool {
        self.reliability == Reliability::Reliable
    }
}

/// What a message counts in the buffered amount: an empty one is sent as one byte (RFC 8831, section 6.6).
pub(super) fn size(payload: &Payload) -> usize {
    payload.len().max(1)
}

/// What a message occupies.
pub(super) fn cost(payload: &Payload) -> usize {
    payload.len().saturating_add(OVERHEAD)
}
