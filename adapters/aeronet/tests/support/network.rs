//! The network in memory.

use bevy_app::App;
use bevy_webrtc_multiplayer::prelude::*;
use mesh_core::mock::{BackendId, Network};
use mesh_core::{Duration, SessionConfig};

/// One frame at 60 Hz.
const FRAME: Duration = Duration::from_micros(16_667);

/// As long as any test may take, on the clock of the network.
const DEADLINE: Duration = Duration::from_secs(120);

/// Has an app join the lobby.
pub(crate) fn join(network: &Network, app: &mut App) -> BackendId {
    let backend = network.backend();
    let id = backend.id();
    let signaling = network.signaling("demo");
    let config = SessionConfig::default();
    app.insert_mesh_session(mesh_core::Session::new(backend, signaling, config));
    id
}

/// Draws frames until it is so.
pub(crate) fn until(
    network: &Network,
    apps: &mut [App],
    what: &str,
    is_so: impl Fn(&mut [App]) -> bool,
) {
    let deadline = network.now() + DEADLINE;
    while !is_so(apps) {
        assert!(network.now() < deadline, "not {what} in time");
        apps.iter_mut().for_each(App::update);
        network.advance(FRAME);
    }
}
