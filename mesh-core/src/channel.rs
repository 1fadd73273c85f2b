//! The channels of a link: which there are, and what each promises.

use alloc::string::{String, ToString};
use core::time::Duration;

use crate::SendLimits;

/// How a packet travels (Godot: `TransferMode`).
#[doc(alias = "transfer_mode")]
#[doc(alias = "set_transfer_mode")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TransferMode {
    /// Everything arrives, in order.
    #[doc(alias = "TRANSFER_MODE_RELIABLE")]
    Reliable,
    /// What arrives is in order; what would come late does not come (Godot: unreliable-ordered).
    #[doc(alias = "TRANSFER_MODE_UNRELIABLE_ORDERED")]
    UnreliableOrdered,
    /// Anything may be lost or overtaken.
    #[doc(alias = "TRANSFER_MODE_UNRELIABLE")]
    Unreliable,
}

impl TransferMode {
    /// The three modes, in the order of their built-in channels.
    pub const ALL: [Self; 3] = [Self::Reliable, Self::UnreliableOrdered, Self::Unreliable];

    /// The built-in channel that serves this mode.
    #[must_use]
    pub const fn channel(self) -> ChannelIndex {
        match self {
            Self::Reliable => ChannelIndex(0),
            Self::UnreliableOrdered => ChannelIndex(1),
            Self::Unreliable => ChannelIndex(2),
        }
    }

    /// Whether messages keep their order within a channel of this mode.
    #[must_use]
    pub const fn is_ordered(self) -> bool {
        matches!(self, Self::Reliable | Self::UnreliableOrdered)
    }

    /// Whether nothing is lost on a channel of this mode while the link lives.
    #[must_use]
    pub const fn is_reliable(self) -> bool {
        matches!(self, Self::Reliable)
    }

    /// The SCTP stream id of the built-in channel of this mode (reference: Godot's channel table).
    #[must_use]
    pub const fn stream_id(self) -> u16 {
        match self {
            Self::Reliable => 1,
            Self::UnreliableOrdered => 2,
            Self::Unreliable => 3,
        }
    }

    /// The label Godot gives the built-in channel of this mode.
    #[must_use]
    pub const fn label(self) -> &'static str {
        match self {
            Self::Reliable => "reliable",
            Self::UnreliableOrdered => "ordered",
            Self::Unreliable => "unreliable",
        }
    }
}

/// How many channels every link has: one for each [`TransferMode`].
pub const BUILT_IN_CHANNELS: u16 = 3;

/// How many custom channels a link may have: as many as Godot's transfer channels 1..=255 can name.
pub const MAX_CUSTOM_CHANNELS: u8 = u8::MAX;

/// Position of a channel in a link's list: 0 reliable, 1 ordered, 2 unreliable, custom ones from 3.
///
/// Not the SCTP stream id, which [`ChannelParameters::id`] tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ChannelIndex(pub u16);

impl From<TransferMode> for ChannelIndex {
    fn from(mode: TransferMode) -> Self {
        mode.channel()
    }
}

impl ChannelIndex {
    /// The channel that Godot picks for a transfer mode and a transfer channel: 0 is the built-in one of the mode; above
    /// it the mode does not count, because a custom channel has its own.
    #[doc(alias = "set_transfer_channel")]
    #[doc(alias = "transfer_channel")]
    #[must_use]
    pub const fn for_transfer(mode: TransferMode, transfer_channel: u8) -> Self {
        match transfer_channel {
            0 => mode.channel(),
            custom => Self(custom as u16 + BUILT_IN_CHANNELS - 1),
        }
    }

    /// Godot's transfer channel at this position: 0 for the three built-in ones, then 1 and up.
    #[doc(alias = "get_packet_channel")]
    #[must_use]
    pub const fn transfer_channel(self) -> u8 {
        match self.0.saturating_sub(BUILT_IN_CHANNELS - 1) {
            custom if custom <= u8::MAX as u16 => custom as u8,
            _ => u8::MAX,
        }
    }
}

/// How hard the sender tries. Binds only the sending side, so each side chooses its own.
///
/// A type, not a string key: Godot's key is misspelt and does nothing.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Reliability {
    /// Retransmit until it arrives or the link ends.
    Reliable,
    /// Give a message up so many milliseconds after it was sent (W3C: `maxPacketLifeTime`).
    ///
    /// Firefox (seen in 153) takes the lifetime and does not keep to it: what it sends on such a channel is reliable. A channel
    /// with [`Retransmits`](Self::Retransmits) behaves the same in every browser.
    Lifetime(u16),
    /// Give a message up after so many retransmissions (W3C: `maxRetransmits`); 0 sends once.
    Retransmits(u16),
}

impl Reliability {
    /// What Godot's `unreliable_lifetime` (milliseconds) means here: up to 1 is "sent once", more is a lifetime.
    ///
    /// A real lifetime of 1 ms would lose 1–5 % on an idle loopback, because it counts from the call of `send`.
    #[must_use]
    pub const fn from_unreliable_lifetime(milliseconds: u16) -> Self {
        match milliseconds {
            0 | 1 => Self::Retransmits(0),
            more => Self::Lifetime(more),
        }
    }

    /// The lifetime as a span, if it is one.
    #[must_use]
    pub const fn lifetime(self) -> Option<Duration> {
        match self {
            Self::Lifetime(ms) => Some(Duration::from_millis(ms as u64)),
            Self::Reliable | Self::Retransmits(_) => None,
        }
    }
}

/// A channel to make: always negotiated (no DCEP), with an empty protocol, before the offer or answer.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ChannelSpec {
    /// Local only: a negotiated channel does not tell the far side its label.
    pub label: String,
    /// What the far side must agree on, and what each side chooses.
    pub parameters: ChannelParameters,
    /// How much of what is to be sent the backend holds.
    pub limits: SendLimits,
    /// Whether it gives way to the others: see [`ChannelLimits::bulk`](crate::ChannelLimits::bulk).
    pub bulk: bool,
}

/// What a platform says a channel really is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ChannelParameters {
    /// SCTP stream id.
    pub id: u16,
    /// Whether messages are delivered in the order sent.
    pub ordered: bool,
    /// How hard this side tries.
    pub reliability: Reliability,
}

impl ChannelParameters {
    /// The mode that promises no more than such a channel keeps.
    #[must_use]
    pub const fn mode(&self) -> TransferMode {
        match (self.ordered, self.reliability) {
            (true, Reliability::Reliable) => TransferMode::Reliable,
            (true, Reliability::Lifetime(_) | Reliability::Retransmits(_)) => {
                TransferMode::UnreliableOrdered
            }
            (false, _) => TransferMode::Unreliable,
        }
    }
}

impl ChannelSpec {
    /// One of the three channels that every link has, labelled by its mode.
    #[must_use]
    pub fn built_in(mode: TransferMode, unreliable: Reliability, limits: SendLimits) -> Self {
        let label = String::from(mode.label());
        Self::new(label, mode.stream_id(), mode, unreliable, limits)
    }

    /// A custom channel on this SCTP stream, which is also its label, as in Godot.
    #[must_use]
    pub fn custom(
        stream_id: u16,
        mode: TransferMode,
        unreliable: Reliability,
        limits: SendLimits,
    ) -> Self {
        Self::new(stream_id.to_string(), stream_id, mode, unreliable, limits)
    }

    fn new(
        label: String,
        id: u16,
        mode: TransferMode,
        unreliable: Reliability,
        limits: SendLimits,
    ) -> Self {
        let reliability = match mode {
            TransferMode::Reliable => Reliability::Reliable,
            TransferMode::UnreliableOrdered | TransferMode::Unreliable => unreliable,
        };
        Self {
            label,
            parameters: ChannelParameters {
                id,
                ordered: mode.is_ordered(),
                reliability,
            },
            limits,
            bulk: false,
        }
    }
}

/// What a channel is for, and so who made it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum ChannelRole {
    /// One of the three that every link has. The peer counts as connected only while it is open.
    BuiltIn,
    /// One that this game added to the plan of the mesh. The peer counts as connected only while it is open.
    Custom,
    /// The far side made it in-band, and no plan knows it. It comes and goes without effect on the peer.
    Remote,
}

impl ChannelRole {
    /// Whether both sides made it by agreement, so that the peer is incomplete without it.
    #[must_use]
    pub const fn is_planned(self) -> bool {
        matches!(self, Self::BuiltIn | Self::Custom)
    }
}

/// W3C: `RTCDataChannelState`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum ChannelState {
    /// Not open yet.
    #[default]
    #[doc(alias = "STATE_CONNECTING")]
    Connecting,
    /// Messages pass.
    #[doc(alias = "STATE_OPEN")]
    Open,
    /// This side closes it.
    #[doc(alias = "STATE_CLOSING")]
    Closing,
    /// It is over, whoever closed it.
    #[doc(alias = "STATE_CLOSED")]
    Closed,
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn transfer_channels_are_godots() {
        for mode in TransferMode::ALL {
            assert_eq!(ChannelIndex::for_transfer(mode, 0), mode.channel());
            assert_eq!(ChannelIndex::for_transfer(mode, 1), ChannelIndex(3));
            assert_eq!(mode.channel().transfer_channel(), 0);
        }
        for transfer_channel in 1..=u8::MAX {
            let index = ChannelIndex::for_transfer(TransferMode::Reliable, transfer_channel);
            assert_eq!(index.transfer_channel(), transfer_channel);
        }
    }

    #[test]
    fn a_position_that_godot_cannot_name_is_its_last_one() {
        assert_eq!(ChannelIndex(257).transfer_channel(), u8::MAX);
        assert_eq!(ChannelIndex(1000).transfer_channel(), u8::MAX);
    }

    #[test]
    fn the_far_sides_own_channels_are_not_planned() {
        let planned = [
            ChannelRole::BuiltIn,
            ChannelRole::Custom,
            ChannelRole::Remote,
        ];
        assert_eq!(planned.map(ChannelRole::is_planned), [true, true, false]);
    }
}
