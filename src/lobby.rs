//! From a URL to a mesh.

use mesh_core::{LinkConfig, MeshConfig, SessionConfig, Topology, TransferMode};
use signaling::{Client, JoinRequest, TransportError};
use thiserror::Error;

use crate::platform::StartError;
use crate::{IceServer, IceTransportPolicy, PlatformBackend, PlatformConfig, Session};

/// Joins a lobby of a signaling server, with every setting at its default.
///
/// Returns at once; [`Event::Joined`](crate::Event::Joined), or
/// [`Event::SignalingLost`](crate::Event::SignalingLost) with a reason, follows in
/// [`poll`](mesh_core::Session::poll). An empty name asks the server for a lobby of its own naming.
///
/// # Errors
///
/// [`JoinError`], for what cannot even begin.
pub fn join(url: &str, lobby: &str) -> Result<Session, JoinError> {
    Lobby::new(url, lobby).join()
}

/// A lobby to join, and how.
///
/// ```no_run
/// use webrtc_multiplayer::{IceServer, Lobby};
///
/// # fn main() -> Result<(), webrtc_multiplayer::JoinError> {
/// let session = Lobby::new("wss://signaling.example.org", "demo")
///     .ice_server(IceServer::stun("stun:stun.example.org:3478"))
///     .ice_server(IceServer::turn("turn:turn.example.org:3478", "user", "secret"))
///     .join()?;
/// # Ok(())
/// # }
/// ```
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `join`"]
pub struct Lobby {
    url: String,
    name: String,
    topology: Topology,
    session: SessionConfig,
    platform: PlatformConfig,
}

impl Lobby {
    /// A lobby on the server at `url` (`ws://` or `wss://`).
    pub fn new(url: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            name: name.into(),
            topology: Topology::default(),
            session: SessionConfig::default(),
            platform: PlatformConfig::default(),
        }
    }

    /// Adds a STUN or TURN server.
    pub fn ice_server(mut self, server: IceServer) -> Self {
        self.session.link.ice_servers.push(server);
        self
    }

    /// Which kinds of route are allowed.
    pub const fn ice_transport_policy(mut self, policy: IceTransportPolicy) -> Self {
        self.session.link.ice_transport_policy = policy;
        self
    }

    /// Who is linked with whom, if this creates the lobby: in a [`Topology::ClientServer`] the creator is the server, and
    /// the others are clients, which reach it alone.
    pub const fn topology(mut self, topology: Topology) -> Self {
        self.topology = topology;
        self
    }

    /// The custom channels that every peer gets beside the three built-in ones (Godot: `channels_config`). All members of a
    /// lobby have to set the same; see [`SessionConfig::custom_channels`].
    #[doc(alias = "channels_config")]
    pub fn custom_channels(mut self, modes: impl Into<Vec<TransferMode>>) -> Self {
        self.session.custom_channels = modes.into();
        self
    }

    /// Replaces every setting of the connections.
    pub fn link_config(mut self, config: LinkConfig) -> Self {
        self.session.link = config;
        self
    }

    /// Replaces every setting of the session, those of the connections and of the mesh included.
    pub fn session_config(mut self, config: SessionConfig) -> Self {
        self.session = config;
        self
    }

    /// Replaces every setting of the mesh.
    pub fn mesh_config(mut self, config: MeshConfig) -> Self {
        self.session.mesh = config;
        self
    }

    /// Replaces every setting that only this platform has.
    pub fn platform_config(mut self, config: PlatformConfig) -> Self {
        self.platform = config;
        self
    }

    /// Joins; see [`join`].
    ///
    /// # Errors
    ///
    /// [`JoinError`], for what cannot even begin.
    pub fn join(self) -> Result<Session, JoinError> {
        let backend = PlatformBackend::new(self.platform)?;
        let transport = backend.websocket(&self.url)?;
        let request = JoinRequest {
            lobby: self.name,
            topology: self.topology,
        };
        Ok(Session::new(
            backend,
            Client::new(transport, request),
            self.session,
        ))
    }
}

/// Why joining could not even begin.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The platform gives no WebRTC.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The address is none.
    #[error(transparent)]
    Address(#[from] TransportError),
}
