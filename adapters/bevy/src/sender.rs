//! How systems send.

use bevy_ecs::prelude::{ResMut, Resource};
use bevy_ecs::system::SystemParam;
use thiserror::Error;
use webrtc_multiplayer::api::Message;
use webrtc_multiplayer::{ChannelIndex, Payload, Target};

/// Sends messages. They go out in [`MeshSystems::Send`](crate::MeshSystems::Send) of the same frame, in order.
///
/// What the mesh does not take comes back as [`SendFailed`](crate::SendFailed).
#[derive(Debug, SystemParam)]
pub struct MeshSender<'w> {
    outgoing: ResMut<'w, Outgoing>,
}

/// What waits for the next [`MeshSystems::Send`](crate::MeshSystems::Send). Only the game's own systems fill it.
#[derive(Debug, Default, Resource)]
pub(crate) struct Outgoing(pub(crate) Vec<(Target, ChannelIndex, Payload)>);

impl MeshSender<'_> {
    /// Sends a message to a peer or to [`Target::All`], the way its type says.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] if serde cannot write the message.
    pub fn send<M: Message>(
        &mut self,
        target: impl Into<Target>,
        message: &M,
    ) -> Result<(), EncodeError> {
        let channel = ChannelIndex::for_transfer(M::MODE, M::TRANSFER_CHANNEL);
        let packet = crate::message::write(message).map_err(|_| EncodeError)?;
        self.send_bytes(target, channel, packet);
        Ok(())
    }

    /// Sends bytes or a text as they are, on the built-in channel of a mode or on any other channel. They arrive as
    /// [`MeshPacket`](crate::MeshPacket).
    ///
    /// Do not mix them with typed messages on one channel: a packet that looks like a message is taken for one, unless the channel is
    /// [raw](crate::MeshAppExt::add_raw_channel).
    pub fn send_bytes(
        &mut self,
        target: impl Into<Target>,
        channel: impl Into<ChannelIndex>,
        payload: impl Into<Payload>,
    ) {
        let packet = (target.into(), channel.into(), payload.into());
        self.outgoing.0.push(packet);
    }
}

/// A message that serde cannot write.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
#[error("the message cannot be written")]
pub struct EncodeError;
