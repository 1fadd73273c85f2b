//! From a URL to a mesh.

use mesh_core::{LinkConfig, MeshConfig, SessionConfig, Topology, TransferMode};
use signaling::{Client, JoinRequest, TransportError};
use thiserror::Error;

use crate::platform::StartError;
use crate::{IceServer, IceTransportPolicy, PlatformBackend, PlatformConfig, Session};

#[cfg(test)]
mod tests;

/// Joins a lobby of a signaling server, with every setting at its default.
///
/// Returns at once. [`Session::poll`](mesh_core::Session::poll) then gives [`Event::Joined`](crate::Event::Joined), or
/// [`Event::SignalingLost`](crate::Event::SignalingLost) with a reason. An empty `lobby` asks the server for a new lobby with a
/// name of its choice.
///
/// When the connection with the server breaks, the session comes back to its lobby by itself:
/// [`Event::SignalingInterrupted`](crate::Event::SignalingInterrupted), then
/// [`Event::SignalingResumed`](crate::Event::SignalingResumed), or `SignalingLost` when the server keeps the seat no longer.
///
/// # Errors
///
/// [`JoinError`] if `url` is no WebSocket address, or if WebRTC cannot be started here.
pub fn join(url: &str, lobby: &str) -> Result<Session, JoinError> {
    Lobby::new(url, lobby).join()
}

/// A lobby to join, and with which settings.
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
///
/// The order of the calls does not matter. A setting of its own, such as [`ice_server`](Self::ice_server), goes before the
/// same setting in [`link_config`](Self::link_config) or [`mesh_config`](Self::mesh_config), and these go before the same
/// settings in [`session_config`](Self::session_config). A setting that is given twice has the value given last; ICE servers
/// add up.
///
/// What is done after joining is a method of the [`Session`](mesh_core::Session) that [`join`](Self::join) returns:
/// [`seal`](mesh_core::Session::seal), [`kick`](mesh_core::Session::kick), [`ban`](mesh_core::Session::ban),
/// [`leave`](mesh_core::Session::leave).
#[derive(Clone, Debug)]
#[must_use = "nothing happens before `join`"]
pub struct Lobby {
    url: String,
    name: String,
    topology: Topology,
    max_players: Option<u32>,
    is_listed: bool,
    group_of: Option<u32>,
    host_migration: bool,
    platform: PlatformConfig,
    session: SessionConfig,
    link: Option<LinkConfig>,
    mesh: Option<MeshConfig>,
    ice_servers: Vec<IceServer>,
    ice_transport_policy: Option<IceTransportPolicy>,
    custom_channels: Option<Vec<TransferMode>>,
}

impl Lobby {
    /// A lobby on the server at `url` (`ws://` or `wss://`). An empty name asks the server for a new lobby with a name of its
    /// choice.
    pub fn new(url: impl Into<String>, name: impl Into<String>) -> Self {
        Self {
            url: url.into(),
            name: name.into(),
            topology: Topology::default(),
            max_players: None,
            is_listed: false,
            group_of: None,
            host_migration: false,
            platform: PlatformConfig::default(),
            session: SessionConfig::default(),
            link: None,
            mesh: None,
            ice_servers: Vec::new(),
            ice_transport_policy: None,
            custom_channels: None,
        }
    }

    /// Adds a STUN or TURN server to those of [`link_config`](Self::link_config).
    pub fn ice_server(mut self, server: IceServer) -> Self {
        self.ice_servers.push(server);
        self
    }

    /// Sets which kinds of route are allowed.
    pub const fn ice_transport_policy(mut self, policy: IceTransportPolicy) -> Self {
        self.ice_transport_policy = Some(policy);
        self
    }

    /// Sets who is linked with whom, if this creates the lobby. In a [`Topology::ClientServer`] the creator is the server, and
    /// the others are clients, which reach it alone.
    pub const fn topology(mut self, topology: Topology) -> Self {
        self.topology = topology;
        self
    }

    /// Sets how many members the lobby may have, its creator included, if this creates it. The server takes its own limit where
    /// that is lower; one of Godot's protocol knows no such limit.
    pub const fn max_players(mut self, max_players: u32) -> Self {
        self.max_players = Some(max_players);
        self
    }

    /// Puts the lobby on the server's public list, if this creates it. A list is asked for by HTTP, as
    /// [`LobbyQuery`](signaling::LobbyQuery) says. A server of Godot's protocol has no list.
    pub const fn listed(mut self) -> Self {
        self.is_listed = true;
        self
    }

    /// Has the lobby go on when its host leaves, if this creates it and it is a mesh. The member that has been there longest is the
    /// host then: it may kick, ban, lock, seal and set the lobby's data. [`LobbyEvent::Host`](crate::LobbyEvent::Host) says who
    /// it is, and [`Roster::host`](mesh_core::Roster::host) knows it. Ids do not change: peer 1 is who created the lobby, and
    /// nobody gets that id after it.
    ///
    /// Without this, and with a server of Godot's protocol, the lobby ends with its host.
    pub const fn host_migration(mut self) -> Self {
        self.host_migration = true;
        self
    }

    /// Has the server put us together with others. Who joins with the same name and the same number comes into one lobby, whose
    /// name the server gives ([`Event::Joined`](crate::Event::Joined) has it), until there are so many. Then the lobby seals
    /// itself: [`Event::Sealed`](crate::Event::Sealed) says that the group is complete. The next ones come into another.
    ///
    /// A server of Godot's protocol passes over it, and makes one lobby of that name.
    pub const fn group_of(mut self, players: u32) -> Self {
        self.group_of = Some(players);
        self
    }

    /// Sets the custom channels that every peer gets beside the three built-in ones (Godot: `channels_config`), at most 255.
    /// All members of a lobby have to set the same.
    #[doc(alias = "channels_config")]
    pub fn custom_channels(mut self, modes: impl Into<Vec<TransferMode>>) -> Self {
        self.custom_channels = Some(modes.into());
        self
    }

    /// Sets the settings of every connection.
    pub fn link_config(mut self, config: LinkConfig) -> Self {
        self.link = Some(config);
        self
    }

    /// Sets the settings of the mesh.
    pub fn mesh_config(mut self, config: MeshConfig) -> Self {
        self.mesh = Some(config);
        self
    }

    /// Sets the settings of the session; those of the connections and of the mesh are among them.
    pub fn session_config(mut self, config: SessionConfig) -> Self {
        self.session = config;
        self
    }

    /// Sets the settings that only this platform has.
    pub fn platform_config(mut self, config: PlatformConfig) -> Self {
        self.platform = config;
        self
    }

    /// Joins. Returns at once; [`Session::poll`](mesh_core::Session::poll) gives the rest.
    ///
    /// # Errors
    ///
    /// [`JoinError`] if the URL is no WebSocket address, or if WebRTC cannot be started here.
    pub fn join(self) -> Result<Session, JoinError> {
        let config = self.config();
        let backend = PlatformBackend::new(self.platform)?;
        let transport = backend.websocket(&self.url)?;
        let request = JoinRequest {
            lobby: self.name,
            topology: self.topology,
            max_players: self.max_players,
            is_listed: self.is_listed,
            group_of: self.group_of,
            host_migration: self.host_migration,
        };
        Ok(Session::new(
            backend,
            Client::new(transport, request),
            config,
        ))
    }

    /// All settings of the session, each from where it counts most.
    fn config(&self) -> SessionConfig {
        let mut config = self.session.clone();
        if let Some(link) = &self.link {
            config.link = link.clone();
        }
        if let Some(mesh) = &self.mesh {
            config.mesh = mesh.clone();
        }
        let servers = self.ice_servers.iter().cloned();
        config.link.ice_servers.extend(servers);
        if let Some(policy) = self.ice_transport_policy {
            config.link.ice_transport_policy = policy;
        }
        if let Some(modes) = &self.custom_channels {
            config.custom_channels.clone_from(modes);
        }
        config
    }
}

/// Why joining could not even begin.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum JoinError {
    /// The platform gives no WebRTC.
    #[error(transparent)]
    Start(#[from] StartError),
    /// The URL is no WebSocket address.
    #[error(transparent)]
    Address(#[from] TransportError),
}
