//! This page as a member of a lobby, as a game joins it.

use backend_web::{PlatformBackend, PlatformConfig, WebSocketTransport};
use mesh_core::{MeshConfig, Session, SessionConfig};
use signaling::{Client, JoinRequest};
use wasm_bindgen::JsValue;

use crate::pair::failure;

pub(crate) type Player = Session<PlatformBackend, Client<WebSocketTransport>>;

/// Joins a lobby; every other setting is at its default.
pub(crate) fn join(url: &str, lobby: String, mesh: MeshConfig) -> Result<Player, JsValue> {
    let backend = PlatformBackend::new(PlatformConfig::default());
    let backend = backend.map_err(|error| failure(&error.to_string()))?;
    let transport = backend.websocket(url);
    let transport = transport.map_err(|error| failure(&error.to_string()))?;
    let client = Client::new(transport, JoinRequest::mesh(lobby));
    let config = SessionConfig {
        mesh,
        ..SessionConfig::default()
    };
    Ok(Session::new(backend, client, config))
}
