//! A native player, as a game makes it.

use anyhow::Result;
use backend_native::{PlatformBackend, PlatformConfig, WebSocketTransport};
use mesh_core::{MeshConfig, Session, SessionConfig};
use signaling::{Client, JoinRequest};

pub(crate) type Player = Session<PlatformBackend, Client<WebSocketTransport>>;

/// Joins a lobby; every other setting is at its default.
pub(crate) fn join(url: &str, lobby: &str, mesh: MeshConfig) -> Result<Player> {
    let backend = PlatformBackend::new(PlatformConfig::default())?;
    let transport = backend.websocket(url)?;
    let client = Client::new(transport, JoinRequest::mesh(lobby));
    let config = SessionConfig {
        mesh,
        ..SessionConfig::default()
    };
    Ok(Session::new(backend, client, config))
}
