//! By which channel a packet goes.

use mesh_core::{ChannelIndex, TransferMode};

/// By which channel a packet goes (Godot: `transfer_mode` and `transfer_channel`).
///
/// A [`TransferMode`] is its built-in channel, so that most callers need not name this type.
#[doc(alias = "transfer_channel")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Via(pub(crate) ChannelIndex);

impl Via {
    /// The channel that Godot picks: 0 is the built-in one of the mode; a custom channel, from 1, has a mode of its own.
    #[must_use]
    pub const fn new(mode: TransferMode, transfer_channel: u8) -> Self {
        Self(ChannelIndex::for_transfer(mode, transfer_channel))
    }

    /// The channel.
    #[must_use]
    pub const fn channel(self) -> ChannelIndex {
        self.0
    }
}

impl From<TransferMode> for Via {
    fn from(mode: TransferMode) -> Self {
        Self(mode.channel())
    }
}

impl From<ChannelIndex> for Via {
    fn from(channel: ChannelIndex) -> Self {
        Self(channel)
    }
}
