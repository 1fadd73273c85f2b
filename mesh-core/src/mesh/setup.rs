//! Setting a mesh up: its id, who links with whom, and which channels peers get.

use super::plan::Plan;
use super::{ConnectionStatus, Mesh};
use crate::{InitializeError, MAX_CUSTOM_CHANNELS, PeerId, TransferMode};

/// Who links with whom, and whether the mesh stands or falls with peer 1.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Mode {
    /// Everybody with everybody.
    #[default]
    Mesh,
    /// The same, but peer 1 comes before the others and takes them with it (Godot 3.x: `server_compatibility`).
    Compatible,
    /// With peer 1 alone.
    Client,
    /// Peer 1, with its clients.
    Server,
}

impl Mode {
    /// Whether there is no mesh without peer 1.
    pub(super) const fn needs_server(self) -> bool {
        matches!(self, Self::Compatible | Self::Client)
    }
}

impl Mesh {
    /// Gives the mesh its id (Godot 3.x: `initialize`).
    ///
    /// With `server_compatibility`, and unless we are peer 1 ourselves, nobody is announced before peer 1 is connected,
    /// and losing peer 1 ends the mesh.
    ///
    /// # Errors
    ///
    /// [`InitializeError::AlreadyInitialized`]; Godot would rename us under our peers' feet.
    pub fn initialize(
        &mut self,
        id: PeerId,
        server_compatibility: bool,
    ) -> Result<(), InitializeError> {
        let mode = if server_compatibility && !id.is_server() {
            Mode::Compatible
        } else {
            Mode::Mesh
        };
        self.set_up(id, mode, &[])
    }

    /// Gives the mesh its id: everybody links with everybody (Godot 4.x: `create_mesh`). `custom_channels` is as in
    /// [`set_custom_channels`](Self::set_custom_channels).
    ///
    /// # Errors
    ///
    /// [`InitializeError`]; nothing has changed then.
    #[doc(alias = "create_data_channel")]
    pub fn create_mesh(
        &mut self,
        id: PeerId,
        custom_channels: &[TransferMode],
    ) -> Result<(), InitializeError> {
        self.set_up(id, Mode::Mesh, custom_channels)
    }

    /// Makes this peer 1, the middle of a star (Godot 4.x: `create_server`). `custom_channels` is as in
    /// [`set_custom_channels`](Self::set_custom_channels).
    ///
    /// # Errors
    ///
    /// [`InitializeError`]; nothing has changed then.
    #[doc(alias = "create_data_channel")]
    pub fn create_server(
        &mut self,
        custom_channels: &[TransferMode],
    ) -> Result<(), InitializeError> {
        self.set_up(PeerId::SERVER, Mode::Server, custom_channels)
    }

    /// Makes this a client, which links with peer 1 alone (Godot 4.x: `create_client`). `custom_channels` is as in
    /// [`set_custom_channels`](Self::set_custom_channels).
    ///
    /// The status is `Connecting` until peer 1 is connected, and `Disconnected` when it is lost or could not be
    /// connected. Other clients are reached through the server, by a layer above.
    ///
    /// # Errors
    ///
    /// [`InitializeError`]; nothing has changed then.
    #[doc(alias = "create_data_channel")]
    pub fn create_client(
        &mut self,
        id: PeerId,
        custom_channels: &[TransferMode],
    ) -> Result<(), InitializeError> {
        if id.is_server() {
            return Err(InitializeError::ServerId);
        }
        self.set_up(id, Mode::Client, custom_channels)
    }

    /// Sets the custom channels of the peers added from now on (Godot 4.x: `channels_config`). Those already added keep
    /// what they were added with.
    ///
    /// The `i`-th one is at position 3 + `i` with the SCTP stream id 4 + `i`; Godot calls it transfer channel `i` + 1. Both
    /// sides of a link have to set the same.
    ///
    /// # Errors
    ///
    /// [`InitializeError::TooManyChannels`]; nothing has changed then.
    #[doc(alias = "channels_config")]
    pub fn set_custom_channels(
        &mut self,
        custom_channels: &[TransferMode],
    ) -> Result<(), InitializeError> {
        if custom_channels.len() > usize::from(MAX_CUSTOM_CHANNELS) {
            return Err(InitializeError::TooManyChannels {
                given: custom_channels.len(),
            });
        }
        self.plan = Plan::new(custom_channels);
        Ok(())
    }

    fn set_up(
        &mut self,
        id: PeerId,
        mode: Mode,
        custom_channels: &[TransferMode],
    ) -> Result<(), InitializeError> {
        if let Some(id) = self.unique_id {
            return Err(InitializeError::AlreadyInitialized { id });
        }
        self.set_custom_channels(custom_channels)?;
        self.unique_id = Some(id);
        self.mode = mode;
        self.status = if mode.needs_server() {
            ConnectionStatus::Connecting
        } else {
            ConnectionStatus::Connected
        };
        Ok(())
    }

    /// The server that was lost is called again: the mesh is not over.
    pub(crate) fn await_server(&mut self) {
        if self.mode.needs_server() && self.status == ConnectionStatus::Disconnected {
            self.status = ConnectionStatus::Connecting;
        }
    }

    /// Whether we are peer 1 (Godot: `is_server`). `false` without an id.
    #[must_use]
    pub fn is_server(&self) -> bool {
        self.unique_id.is_some_and(PeerId::is_server)
    }

    /// Whether only the server reaches everybody, so that a layer above has to relay: as client and as server, not in a
    /// mesh (Godot 4.x: `is_server_relay_supported`).
    #[must_use]
    pub const fn is_server_relay_supported(&self) -> bool {
        self.unique_id.is_some() && matches!(self.mode, Mode::Client | Mode::Server)
    }

    /// The modes of the channels that new peers get, by [`ChannelIndex`](crate::ChannelIndex): the three built-in ones,
    /// then the custom ones.
    #[must_use]
    pub fn channel_modes(&self) -> &[TransferMode] {
        self.plan.modes()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Capabilities, MeshConfig};

    #[test]
    fn only_a_mesh_that_is_over_without_its_server_awaits_it() {
        let [mesh, server, client] = [Mode::Mesh, Mode::Server, Mode::Client];
        let (over, awaits) = (ConnectionStatus::Disconnected, ConnectionStatus::Connecting);
        let connected = ConnectionStatus::Connected;
        for (mode, before, after) in [
            (mesh, over, over),
            (server, over, over),
            (client, over, awaits),
            (client, connected, connected),
        ] {
            let mut mesh = Mesh::new(MeshConfig::default(), Capabilities::default());
            (mesh.mode, mesh.status) = (mode, before);
            mesh.await_server();
            assert_eq!(mesh.status, after, "{mode:?}");
        }
    }
}
