//! The channels that a far side makes in-band: where they are put, and how many there may be.

use super::LinkFault;
use crate::ChannelIndex;

/// How many channels of the far side a link may have at a time.
pub const MAX_REMOTE_CHANNELS: u16 = 16;

/// How many channels in a row a link refuses because there are as many as may be. The next one ends the link.
pub const MAX_REFUSED_CHANNELS: u16 = 64;

/// The SCTP stream of the channel on which two peers of ours [transfer](crate::Mesh::send_transfer) what is larger than a
/// message. The core makes it, like the channels of its plan.
pub const TRANSFER_STREAM: u16 = 1002;

/// Gives the far side's channels their positions, which are above those of all planned ones.
#[derive(Debug, Default)]
pub struct RemoteChannels {
    planned: u16,
    refused: u16,
}

impl RemoteChannels {
    /// A channel is made at this position, on this SCTP stream. That of transfers has its position above those of the far side.
    pub fn plan(&mut self, channel: ChannelIndex, stream: u16) {
        if stream != TRANSFER_STREAM {
            self.planned = self.planned.max(channel.0.saturating_add(1));
        }
    }

    /// How many channels are planned.
    #[must_use]
    pub const fn planned(&self) -> u16 {
        self.planned
    }

    /// The position of one more channel of the far side. `None`: it is to be closed again.
    ///
    /// `is_taken` says whether a position has a channel, or one that is closed and has not reported that yet. The position of a
    /// channel that is gone is given again, so nothing grows with the number of channels that there ever were.
    ///
    /// # Errors
    ///
    /// [`LinkFault::TooManyChannels`] after [`MAX_REFUSED_CHANNELS`] that were refused in a row.
    pub fn admit(
        &mut self,
        is_taken: impl Fn(ChannelIndex) -> bool,
    ) -> Result<Option<ChannelIndex>, LinkFault> {
        let end = self.planned.saturating_add(MAX_REMOTE_CHANNELS);
        let mut positions = (self.planned..end).map(ChannelIndex);
        let free = positions.find(|position| !is_taken(*position));
        if free.is_some() {
            self.refused = 0;
        } else if self.refused >= MAX_REFUSED_CHANNELS {
            return Err(LinkFault::TooManyChannels);
        } else {
            self.refused += 1;
        }
        Ok(free)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_position_is_above_the_planned_ones_and_given_to_one_channel_at_a_time() {
        let mut channels = RemoteChannels::default();
        channels.plan(ChannelIndex(2), 3);
        channels.plan(ChannelIndex(0), 1);
        channels.plan(ChannelIndex(19), TRANSFER_STREAM);
        assert_eq!(channels.planned(), 3);
        assert_eq!(channels.admit(|_| false), Ok(Some(ChannelIndex(3))));
        let first_is_taken = |position| position == ChannelIndex(3);
        assert_eq!(channels.admit(first_is_taken), Ok(Some(ChannelIndex(4))));
        let all_but_one = |position: ChannelIndex| position.0 != 18;
        assert_eq!(channels.admit(all_but_one), Ok(Some(ChannelIndex(18))));
        assert_eq!(channels.admit(|position| position.0 < 19), Ok(None));
    }

    #[test]
    fn channels_that_are_closed_do_not_count() {
        let mut channels = RemoteChannels::default();
        for _ in 0..100_000 {
            assert_eq!(channels.admit(|_| false), Ok(Some(ChannelIndex(0))));
        }
    }

    #[test]
    fn a_far_side_that_never_stops_is_at_fault() {
        let mut channels = RemoteChannels::default();
        for _ in 0..2 {
            for _ in 0..MAX_REFUSED_CHANNELS {
                assert_eq!(channels.admit(|_| true), Ok(None));
            }
            assert_eq!(channels.admit(|_| true), Err(LinkFault::TooManyChannels));
            assert!(
                channels
                    .admit(|_| false)
                    .is_ok_and(|position| position.is_some())
            );
        }
    }
}
