//! One side of a data channel: its parameters and what waits to be sent.

use alloc::collections::{BTreeMap, VecDeque};

use crate::{
    BackendSendError, ChannelIndex, ChannelParameters, Instant, Payload, Rejected, Reliability,
    SendLimits,
};

/// Where a channel is in its life (W3C: `RTCDataChannelState`).
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum ChannelState {
    Connecting,
    Open,
    /// Accepts nothing more; what it accepted is still on its way.
    Closing,
    /// All it accepted has arrived, and the far side was told of the close.
    Resetting,
}

/// A message that was accepted and is not on the wire yet.
#[derive(Debug)]
pub(super) struct Queued {
    pub(super) payload: Payload,
    pub(super) accepted: Instant,
}

#[derive(Debug)]
pub(super) struct Channel {
    pub(super) index: ChannelIndex,
    pub(super) parameters: ChannelParameters,
    pub(super) state: ChannelState,
    /// Whether one of the sides made it in-band, so that it opens when the far side has agreed.
    pub(super) in_band: bool,
    /// Reliable messages on their way.
    pub(super) in_flight: usize,
    /// Number of the last message sent.
    pub(super) sent: u64,
    /// Number that the far side gave to the last message delivered.
    pub(super) delivered: u64,
    /// Messages that arrived before the ones they must follow.
    pub(super) early: BTreeMap<u64, Payload>,
    pub(super) limits: SendLimits,
    queue: VecDeque<Queued>,
    buffered: usize,
    low_reported: bool,
}

/// Whether the application is to be told that there is room again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Room {
    Unchanged,
    FellToLowWater,
}

impl Channel {
    pub(super) fn new(
        index: ChannelIndex,
        parameters: ChannelParameters,
        limits: SendLimits,
        in_band: bool,
    ) -> Self {
        Self {
            index,
            parameters,
            state: ChannelState::Connecting,
            in_band,
            in_flight: 0,
            sent: 0,
            delivered: 0,
            early: BTreeMap::new(),
            limits,
            queue: VecDeque::new(),
            buffered: 0,
            low_reported: false,
        }
    }

    pub(super) const fn stream(&self) -> u16 {
        self.parameters.id
    }

    pub(super) fn is_reliable(&self) -> bool {
        self.parameters.reliability == Reliability::Reliable
    }

    /// Whether a message that is lost may be sent again.
    pub(super) fn sends_again(&self) -> bool {
        self.parameters.reliability != Reliability::Retransmits(0)
    }

    pub(super) fn is_open(&self) -> bool {
        self.state == ChannelState::Open
    }

    /// Whether messages of the far side are still taken.
    pub(super) const fn is_receiving(&self) -> bool {
        matches!(
            self.state,
            ChannelState::Open | ChannelState::Closing | ChannelState::Resetting
        )
    }

    pub(super) const fn buffered(&self) -> usize {
        self.buffered
    }

    pub(super) fn has_queued(&self) -> bool {
        !self.queue.is_empty()
    }

    /// Whether everything accepted that may not be lost has arrived.
    pub(super) fn is_drained(&self) -> bool {
        !self.is_reliable() || (self.queue.is_empty() && self.in_flight == 0)
    }

    pub(super) fn accept(&mut self, payload: Payload, now: Instant) -> Result<(), Rejected> {
        if !self.is_open() {
            return Err(rejected(payload, BackendSendError::NotOpen));
        }
        if !self.limits.admits(self.buffered, cost(&payload)) {
            return Err(rejected(payload, BackendSendError::Full));
        }
        self.buffered += cost(&payload);
        self.queue.push_back(Queued {
            payload,
            accepted: now,
        });
        Ok(())
    }

    /// Takes the next message to put on the wire.
    pub(super) fn take(&mut self) -> Option<(Queued, Room)> {
        let queued = self.queue.pop_front()?;
        let low = self.limits.low_mark();
        let before = self.buffered;
        self.buffered -= cost(&queued.payload);
        if before <= low || self.buffered > low || self.low_reported {
            return Some((queued, Room::Unchanged));
        }
        self.low_reported = true;
        Some((queued, Room::FellToLowWater))
    }

    /// The application has taken the report, so the next fall may be reported again.
    pub(super) const fn low_taken(&mut self) {
        self.low_reported = false;
    }
}

/// A message that is given back.
pub(super) const fn rejected(payload: Payload, reason: BackendSendError) -> Rejected {
    Rejected { payload, reason }
}

/// How many bytes a message occupies. An empty one is sent as one byte (RFC 8831, section 6.6).
fn cost(payload: &Payload) -> usize {
    payload.len().max(1)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{ChannelSpec, TransferMode};

    fn open(limits: SendLimits) -> Channel {
        let spec = ChannelSpec::built_in(TransferMode::Reliable, Reliability::Reliable, limits);
        let mut channel = Channel::new(ChannelIndex(0), spec.parameters, limits, false);
        channel.state = ChannelState::Open;
        channel
    }

    fn fill(channel: &mut Channel) -> usize {
        let mut accepted = 0;
        while channel
            .accept(Payload::from(&[0; 10]), Instant::from_micros(1))
            .is_ok()
        {
            accepted += 1;
        }
        accepted
    }

    #[test]
    fn admits_what_fits_below_high_water_and_reports_the_fall_once() {
        let mut channel = open(SendLimits {
            high_water: 35,
            low_water: 20,
        });
        assert_eq!(fill(&mut channel), 3, "30 and 10 are more than 35");
        let rooms: alloc::vec::Vec<_> = core::iter::from_fn(|| channel.take())
            .map(|(_, room)| room)
            .collect();
        assert_eq!(
            rooms,
            [Room::FellToLowWater, Room::Unchanged, Room::Unchanged]
        );
    }

    #[test]
    fn low_water_follows_full_even_with_odd_limits() {
        for (high_water, low_water) in [(0, 0), (10, 20), (1, 1)] {
            let mut channel = open(SendLimits {
                high_water,
                low_water,
            });
            assert_eq!(fill(&mut channel), 1);
            assert_eq!(
                channel.take().map(|(_, room)| room),
                Some(Room::FellToLowWater)
            );
        }
    }
}
