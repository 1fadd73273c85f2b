//! Who collects the most coins: a 2D game for as many as like to, natively and in the browser.
//!
//! `cargo run -p bevy-arena --features window -- URL LOBBY` opens a window; the arrow keys move. Without the feature a bot plays, and
//! the terminal shows the score.

#[cfg(not(feature = "window"))]
mod bot;
mod game;
mod trouble;
#[cfg(feature = "window")]
mod window;

#[cfg(not(target_arch = "wasm32"))]
mod native;
#[cfg(target_arch = "wasm32")]
mod page;

use bevy::prelude::*;
use bevy_webrtc_multiplayer::prelude::*;

#[cfg(not(feature = "window"))]
use crate::bot::FrontPlugin;
use crate::game::GamePlugin;
#[cfg(not(target_arch = "wasm32"))]
use crate::native::words;
#[cfg(target_arch = "wasm32")]
use crate::page::words;
#[cfg(feature = "window")]
use crate::window::FrontPlugin;

fn main() -> AppExit {
    App::new()
        .add_plugins((FrontPlugin, GamePlugin))
        .add_systems(Startup, join)
        .run()
}

/// Joins. The lobby goes on when its host leaves.
fn join(mut commands: Commands) {
    let [url, lobby] = words();
    let url = url.unwrap_or_else(|| "ws://127.0.0.1:9080".to_owned());
    let lobby = lobby.unwrap_or_else(|| "arena".to_owned());
    commands.join_lobby(Lobby::new(url, lobby).host_migration());
}
