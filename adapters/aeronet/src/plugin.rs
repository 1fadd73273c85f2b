//! The plugin: when its systems run, and on which channel packets travel.

use aeronet_io::packet::IP_MTU;
use aeronet_io::{AeronetIoPlugin, IoSystems};
use bevy_app::{App, Plugin, PostUpdate, PreUpdate};
use bevy_ecs::prelude::{IntoScheduleConfigs, Resource, SystemSet};
use bevy_webrtc_multiplayer::webrtc_multiplayer::{ChannelIndex, TransferMode};
use bevy_webrtc_multiplayer::{MeshAppExt, MeshPlugin, MeshSystems};

use crate::{hosting, parting, session};

/// The size of a packet in bytes that is sent in one piece on every path.
///
/// WebRTC sends packets of up to 1,200 bytes. SCTP and DTLS take 65 of them, and a relay a few more.
pub const MIN_MTU: usize = IP_MTU;

/// Gives each peer of the mesh an aeronet `Session`, on the entity that the peer has anyway.
///
/// It adds [`MeshPlugin`] and [`AeronetIoPlugin`] unless they are there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct MeshIoPlugin {
    /// The channel that packets travel on. Nothing else may use it: neither typed messages nor bytes of the game.
    ///
    /// It should be an unreliable one, as aeronet's transport repeats what is lost. By default it is that of
    /// [`TransferMode::Unreliable`].
    pub channel: ChannelIndex,
}

impl Default for MeshIoPlugin {
    fn default() -> Self {
        let channel = TransferMode::Unreliable.channel();
        Self { channel }
    }
}

/// When the plugin opens sessions, within [`IoSystems::Poll`].
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, SystemSet)]
pub enum MeshIoSystems {
    /// A new peer gets its `SessionEndpoint`, and [`HostSession`](crate::HostSession) or a place below [`MeshServer`](crate::MeshServer) where it is due.
    Announce,
    /// A peer that was announced gets its `Session`. What an observer of the announcement has inserted is there by now.
    Open,
    /// Packets go into the sessions.
    Receive,
}

/// The channel of the plugin.
#[derive(Debug, Resource)]
pub(crate) struct Lane(pub(crate) ChannelIndex);

impl Plugin for MeshIoPlugin {
    fn build(&self, app: &mut App) {
        if !app.is_plugin_added::<MeshPlugin>() {
            app.add_plugins(MeshPlugin);
        }
        if !app.is_plugin_added::<AeronetIoPlugin>() {
            app.add_plugins(AeronetIoPlugin);
        }
        let stages = (
            MeshSystems::Receive,
            MeshIoSystems::Announce,
            MeshIoSystems::Open,
            MeshIoSystems::Receive,
        );
        let within = (
            MeshIoSystems::Announce,
            MeshIoSystems::Open,
            MeshIoSystems::Receive,
        );
        let announce = (hosting::open_server, session::announce).chain();
        app.add_raw_channel(self.channel)
            .insert_resource(Lane(self.channel))
            .init_resource::<parting::LastReason>()
            .configure_sets(PreUpdate, stages.chain())
            .configure_sets(PreUpdate, within.in_set(IoSystems::Poll))
            .configure_sets(PostUpdate, IoSystems::Flush.before(MeshSystems::Send))
            .add_systems(
                PreUpdate,
                (
                    announce.in_set(MeshIoSystems::Announce),
                    session::open.in_set(MeshIoSystems::Open),
                    (session::receive, session::measure).in_set(MeshIoSystems::Receive),
                ),
            )
            .add_systems(PostUpdate, session::send.in_set(IoSystems::Flush))
            .add_observer(parting::tell_session)
            .add_observer(parting::remember)
            .add_observer(parting::tell_mesh);
    }
}
