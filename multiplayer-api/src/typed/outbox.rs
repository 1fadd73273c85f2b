//! What a handler sends with.

use core::fmt;

use mesh_core::{ChannelIndex, MultiplayerPeer, PeerId, Sent, Target};

use super::codec;
use crate::{Message, MultiplayerApi, SendMessageError};

/// Sends messages from within a handler of [`Messages`](crate::Messages).
///
/// It sends at once and stores nothing, so a flood of messages cannot make it grow: what a peer's channel does not take is
/// refused as in any other send.
pub struct Outbox<'a, P> {
    pub(super) api: &'a mut MultiplayerApi<P>,
    pub(super) limit: usize,
    /// Who sent the message that is handled.
    pub(super) from: PeerId,
}

impl<P: MultiplayerPeer> Outbox<'_, P> {
    /// Sends a message to the sender of the one that is handled, the way its type says.
    ///
    /// # Errors
    ///
    /// [`SendMessageError`], where the caller is at fault, and if that sender is gone by now.
    pub fn reply<M: Message>(&mut self, message: &M) -> Result<Sent, SendMessageError> {
        self.send(self.from, message)
    }

    /// Sends a message the way its type says.
    ///
    /// # Errors
    ///
    /// [`SendMessageError`], where the caller is at fault: the message cannot be written, is larger than the limit, or its
    /// target does not exist. Nobody gets the message then. A peer that could not take it is in [`Sent::refused`].
    pub fn send<M: Message>(
        &mut self,
        target: impl Into<Target>,
        message: &M,
    ) -> Result<Sent, SendMessageError> {
        self.send_on(target, channel::<M>(), message)
    }

    /// Sends a message on another channel than its type says.
    ///
    /// # Errors
    ///
    /// Those of [`send`](Self::send).
    pub fn send_on<M: Message>(
        &mut self,
        target: impl Into<Target>,
        channel: impl Into<ChannelIndex>,
        message: &M,
    ) -> Result<Sent, SendMessageError> {
        send(self.api, self.limit, target, channel, message)
    }

    /// The API below, to see who is there.
    #[must_use]
    pub const fn api(&self) -> &MultiplayerApi<P> {
        self.api
    }
}

/// The channel that a type of message travels on.
pub(super) const fn channel<M: Message>() -> ChannelIndex {
    ChannelIndex::for_transfer(M::MODE, M::TRANSFER_CHANNEL)
}

/// Sends a message with its id.
pub(super) fn send<M: Message, P: MultiplayerPeer>(
    api: &mut MultiplayerApi<P>,
    limit: usize,
    target: impl Into<Target>,
    channel: impl Into<ChannelIndex>,
    message: &M,
) -> Result<Sent, SendMessageError> {
    api.send_with(target.into(), channel.into(), |packet| {
        codec::write(packet, Some(M::ID), message, limit)
    })
}

impl<P> fmt::Debug for Outbox<'_, P> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outbox")
            .field("from", &self.from)
            .finish_non_exhaustive()
    }
}
