#![doc = include_str!("../README.md")]

mod hosting;
mod parting;
mod plugin;
mod session;

pub use aeronet_io;
pub use bevy_webrtc_multiplayer;
pub use hosting::{HostSession, MeshServer};
pub use parting::PeerGone;
pub use plugin::{MIN_MTU, MeshIoPlugin, MeshIoSystems};
