//! How systems send.

use bevy_ecs::prelude::{Res, ResMut, Resource};
use bevy_ecs::system::SystemParam;
use thiserror::Error;
use webrtc_multiplayer::api::Message;
use webrtc_multiplayer::{ChannelIndex, Payload, Target};

use crate::message::Registry;

/// Sends messages. They go out in [`MeshSystems::Send`](crate::MeshSystems::Send) of the same frame, in order.
///
/// What the mesh does not take comes back as [`SendFailed`](crate::SendFailed).
#[derive(Debug, SystemParam)]
pub struct MeshSender<'w> {
    outgoing: ResMut<'w, Outgoing>,
    registry: Res<'w, Registry>,
}

/// What waits for the next [`MeshSystems::Send`](crate::MeshSystems::Send). Only the game's own systems fill it.
#[derive(Debug, Default, Resource)]
pub(crate) struct Outgoing(pub(crate) Vec<(Target, ChannelIndex, Payload)>);

impl MeshSender<'_> {
    /// Sends a message to a peer or to [`Target::All`], in the mode that its type was
    /// [added](crate::MeshAppExt::add_mesh_message) with. A type that was not added goes in the mode that it asks for,
    /// and one with a custom channel in the mode of that channel.
    ///
    /// # Errors
    ///
    /// [`EncodeError`] if serde cannot write the message.
    pub fn send<M: Message>(
        &mut self,
        target: impl Into<Target>,
        message: &M,
    ) -> Result<(), EncodeError> {
        let channel = self.registry.channel::<M>();
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
