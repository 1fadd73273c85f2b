//! The channels that a far side makes in-band: where they are put, and how many there may be.

use super::LinkFault;
use crate::ChannelIndex;

/// How many channels of the far side a link may have at a time.
pub const MAX_REMOTE_CHANNELS: usize = 16;

/// How many channels a far side may make in the life of a link: a platform remembers each of them until the link's end.
pub const MAX_REMOTE_CHANNELS_EVER: u16 = 64;

/// Gives the far side's channels their positions, which are above those of all planned ones.
#[derive(Debug, Default)]
pub struct RemoteChannels {
    planned: u16,
    ever: u16,
}

impl RemoteChannels {
    /// A planned channel is made at this position.
    pub fn plan(&mut self, channel: ChannelIndex) {
        self.planned = self.planned.max(channel.0.saturating_add(1));
    }

    /// How many channels are planned.
    #[must_use]
    pub const fn planned(&self) -> u16 {
        self.planned
    }

    /// The position of one more channel of the far side, of which `alive` are there. `None`: it is to be closed again.
    ///
    /// # Errors
    ///
    /// [`LinkFault::TooManyChannels`] beyond [`MAX_REMOTE_CHANNELS_EVER`].
    pub const fn admit(&mut self, alive: usize) -> Result<Option<ChannelIndex>, LinkFault> {
        if self.ever >= MAX_REMOTE_CHANNELS_EVER {
            return Err(LinkFault::TooManyChannels);
        }
        let position = self.planned.saturating_add(self.ever);
        self.ever += 1;
        if alive >= MAX_REMOTE_CHANNELS {
            return Ok(None);
        }
        Ok(Some(ChannelIndex(position)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn positions_are_above_the_planned_ones_and_never_given_twice() {
        let mut channels = RemoteChannels::default();
        channels.plan(ChannelIndex(2));
        channels.plan(ChannelIndex(0));
        assert_eq!(channels.planned(), 3);
        assert_eq!(channels.admit(0), Ok(Some(ChannelIndex(3))));
        assert_eq!(channels.admit(MAX_REMOTE_CHANNELS), Ok(None));
        assert_eq!(channels.admit(1), Ok(Some(ChannelIndex(5))));
    }

    #[test]
    fn a_far_side_that_never_stops_is_at_fault() {
        let mut channels = RemoteChannels::default();
        for _ in 0..MAX_REMOTE_CHANNELS_EVER {
            assert!(channels.admit(0).is_ok());
        }
        assert_eq!(channels.admit(0), Err(LinkFault::TooManyChannels));
    }
}
