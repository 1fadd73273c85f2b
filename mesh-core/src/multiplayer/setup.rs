//! Setting up: the id, the topology, the channels.

use super::Multiplayer;
use crate::{Backend, InitializeError, PeerId, TransferMode};

impl<B: Backend> Multiplayer<B> {
    /// Gives the mesh its id and, with `server_compatibility`, a server without which nobody is announced (Godot 3.x:
    /// `initialize`), as [`Mesh::initialize`](crate::Mesh::initialize) describes.
    ///
    /// # Errors
    ///
    /// [`InitializeError::AlreadyInitialized`].
    pub fn initialize(
        &mut self,
        id: PeerId,
        server_compatibility: bool,
    ) -> Result<(), InitializeError> {
        self.mesh.initialize(id, server_compatibility)
    }

    /// Gives the mesh its id: everybody links with everybody (Godot 4.x: `create_mesh`).
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
        self.mesh.create_mesh(id, custom_channels)
    }

    /// Makes this peer 1, the middle of a star (Godot 4.x: `create_server`).
    ///
    /// # Errors
    ///
    /// [`InitializeError`]; nothing has changed then.
    #[doc(alias = "create_data_channel")]
    pub fn create_server(
        &mut self,
        custom_channels: &[TransferMode],
    ) -> Result<(), InitializeError> {
        self.mesh.create_server(custom_channels)
    }

    /// Makes this a client, which links with peer 1 alone (Godot 4.x: `create_client`).
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
        self.mesh.create_client(id, custom_channels)
    }

    /// Sets the custom channels of the peers added from now on (Godot 4.x: `channels_config`), in the order that
    /// [`Mesh::set_custom_channels`](crate::Mesh::set_custom_channels) describes.
    ///
    /// # Errors
    ///
    /// [`InitializeError::TooManyChannels`]; nothing has changed then.
    #[doc(alias = "channels_config")]
    pub fn set_custom_channels(
        &mut self,
        custom_channels: &[TransferMode],
    ) -> Result<(), InitializeError> {
        self.mesh.set_custom_channels(custom_channels)
    }
}
