//! The plugin and what it adds to an app.

use bevy_app::{App, Plugin, PostUpdate, PreUpdate};
use bevy_ecs::prelude::{IntoScheduleConfigs, SystemSet};
use webrtc_multiplayer::api::Message as MeshMessage;
use webrtc_multiplayer::{ChannelIndex, TransferMode};

use crate::commands::Requests;
use crate::message::Registry;
use crate::sender::Outgoing;
use crate::session::MeshSession;
use crate::{JoinFailed, Mesh, MeshEvent, MeshPacket, Received, SendFailed, receive, send};

/// Drives one session of the mesh: it is polled at the beginning of each frame, and what the game sends goes out at its end.
///
/// The session is non-send data, because it must stay on its thread in a browser. Everything that a game sees may go anywhere.
#[derive(Clone, Copy, Debug, Default)]
pub struct MeshPlugin;

/// When the plugin works.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, SystemSet)]
pub enum MeshSystems {
    /// In `PreUpdate`: takes in what has happened. Messages, entities and [`Mesh`] are as new after it.
    Receive,
    /// In `PostUpdate`: sends, and does what the commands of the frame ask for.
    Send,
}

impl Plugin for MeshPlugin {
    fn build(&self, app: &mut App) {
        app.init_resource::<Mesh>()
            .init_resource::<Outgoing>()
            .init_resource::<Requests>()
            .init_resource::<Registry>()
            .init_non_send::<receive::Driver>()
            .add_message::<MeshEvent>()
            .add_message::<MeshPacket>()
            .add_message::<SendFailed>()
            .add_message::<JoinFailed>()
            .add_systems(PreUpdate, receive::receive.in_set(MeshSystems::Receive))
            .add_systems(PostUpdate, send::send.in_set(MeshSystems::Send));
    }
}

/// What the plugin adds to an [`App`].
pub trait MeshAppExt {
    /// Has messages of a type sent in this mode, read, and given to the game as [`Received<M>`]. The plugin need not be there yet.
    ///
    /// The mode is that of [`MeshSender::send`](crate::MeshSender::send) in this app; `M::MODE` is the one that the type asks for.
    /// On a custom channel, `M::TRANSFER_CHANNEL`, the mode of that channel counts instead.
    ///
    /// # Panics
    ///
    /// If the number of the type is taken by another type, or the type was added before.
    fn add_mesh_message<M: MeshMessage + Send + Sync + 'static>(
        &mut self,
        mode: TransferMode,
    ) -> &mut Self;

    /// Has every packet of a channel given to the game as a [`MeshPacket`], also one that looks like a message. It is for bytes in a
    /// format of your own, or of another crate. Typed messages that are sent on such a channel are not read.
    fn add_raw_channel(&mut self, channel: impl Into<ChannelIndex>) -> &mut Self;

    /// Drives this session instead of one that is joined by command: one on the network in memory, or one with a signaling of
    /// your own. To be called on the main thread, after the plugin was added.
    fn insert_mesh_session(&mut self, session: impl MeshSession + 'static) -> &mut Self;
}

impl MeshAppExt for App {
    fn add_mesh_message<M: MeshMessage + Send + Sync + 'static>(
        &mut self,
        mode: TransferMode,
    ) -> &mut Self {
        let mut registry = self.world_mut().get_resource_or_init::<Registry>();
        assert!(
            registry.add::<M>(mode),
            "a message with the number {} has been added already",
            M::ID
        );
        self.add_message::<Received<M>>()
    }

    fn add_raw_channel(&mut self, channel: impl Into<ChannelIndex>) -> &mut Self {
        let mut registry = self.world_mut().get_resource_or_init::<Registry>();
        registry.add_raw(channel.into());
        self
    }

    fn insert_mesh_session(&mut self, session: impl MeshSession + 'static) -> &mut Self {
        send::begin(self.world_mut(), Box::new(session));
        self
    }
}
