//! Setting up: the id, the topology, the channels.

use super::Multiplayer;
use crate::{Backend, InitializeError, PeerId, TransferMode};

impl<B: Backend> Multiplayer<B> {
    /// See [`Mesh::initialize`](crate::Mesh::initialize).
    ///
    /// # Errors
    ///
    /// As there.
    pub fn initialize(
        &mut self,
        id: PeerId,
        server_compatibility: bool,
    ) -> Result<(), InitializeError> {
        self.mesh.initialize(id, server_compatibility)
    }

    /// See [`Mesh::create_mesh`](crate::Mesh::create_mesh).
    ///
    /// # Errors
    ///
    /// As there.
    #[doc(alias = "create_data_channel")]
    pub fn create_mesh(
        &mut self,
        id: PeerId,
        custom_channels: &[TransferMode],
    ) -> Result<(), InitializeError> {
        self.mesh.create_mesh(id, custom_channels)
    }

    /// See [`Mesh::create_server`](crate::Mesh::create_server).
    ///
    /// # Errors
    ///
    /// As there.
    #[doc(alias = "create_data_channel")]
    pub fn create_server(
        &mut self,
        custom_channels: &[TransferMode],
    ) -> Result<(), InitializeError> {
        self.mesh.create_server(custom_channels)
    }

    /// See [`Mesh::create_client`](crate::Mesh::create_client).
    ///
    /// # Errors
    ///
    /// As there.
    #[doc(alias = "create_data_channel")]
    pub fn create_client(
        &mut self,
        id: PeerId,
        custom_channels: &[TransferMode],
    ) -> Result<(), InitializeError> {
        self.mesh.create_client(id, custom_channels)
    }

    /// See [`Mesh::set_custom_channels`](crate::Mesh::set_custom_channels).
    ///
    /// # Errors
    ///
    /// As there.
    #[doc(alias = "channels_config")]
    pub fn set_custom_channels(
        &mut self,
        custom_channels: &[TransferMode],
    ) -> Result<(), InitializeError> {
        self.mesh.set_custom_channels(custom_channels)
    }
}
