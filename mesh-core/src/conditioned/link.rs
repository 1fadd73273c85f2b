//! What a disturbed connection knows of each link.

use alloc::collections::{BTreeMap, VecDeque};

use crate::{
    ChannelIndex, ChannelParameters, ConnectionState, Instant, Payload, Reliability, SendLimits,
};

/// How many bytes of one channel may be on their way. It is the window that receivers commonly offer.
const WINDOW: usize = 1024 * 1024;

/// One link.
#[derive(Debug)]
pub(super) struct Link {
    pub(super) inbox_bytes: usize,
    /// What occupies the inbox: messages on their way in.
    pub(super) bytes_in: usize,
    /// When the last event that is delayed arrives.
    pub(super) last_in: Instant,
    /// Its state in the backend inside.
    pub(super) state: ConnectionState,
    /// The state that was reported last.
    pub(super) shown: ConnectionState,
    /// Nothing that still arrives is of interest.
    pub(super) closing: bool,
    pub(super) channels: BTreeMap<ChannelIndex, Channel>,
}

/// One channel of a link.
#[derive(Debug)]
pub(super) struct Channel {
    pub(super) parameters: ChannelParameters,
    pub(super) limits: SendLimits,
    pub(super) is_open: bool,
    /// When the last message that is delayed arrives here.
    pub(super) last_in: Instant,
    /// When the last message that is delayed goes out.
    pub(super) last_out: Instant,
    /// Bytes of messages on their way out or blocked.
    pub(super) bytes_out: usize,
    /// Reliable messages that have been on their way and find no room inside.
    pub(super) blocked: VecDeque<Payload>,
    /// Whether the buffered amount has been above the low-water mark since that was last reported.
    pub(super) is_above_low: bool,
}

impl Link {
    pub(super) const fn new(inbox_bytes: usize) -> Self {
        Self {
            inbox_bytes,
            bytes_in: 0,
            last_in: Instant::from_micros(0),
            state: ConnectionState::New,
            shown: ConnectionState::New,
            closing: false,
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
            parameters,
            limits,
            is_open: false,
            last_in: Instant::from_micros(0),
            last_out: Instant::from_micros(0),
            bytes_out: 0,
            blocked: VecDeque::new(),
            is_above_low: false,
        });
    }
}

impl Channel {
    pub(super) fn is_reliable(&self) -> bool {
        self.parameters.reliability == Reliability::Reliable
    }

    /// What is buffered here: nothing that is on its way, unless a cut holds it up or it is more than the window.
    pub(super) const fn buffered(&self, is_cut: bool) -> usize {
        self.bytes_out
            .saturating_sub(if is_cut { 0 } else { WINDOW })
    }
}

/// When something is due that would be at `earliest`: where there is an order, not before what it must follow.
pub(super) fn follow(ordered: bool, last: &mut Instant, earliest: Instant) -> Instant {
    let due = if ordered {
        earliest.max(*last)
    } else {
        earliest
    };
    *last = due.max(*last);
    due
}
