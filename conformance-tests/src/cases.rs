//! The cases, a file a topic. Each says what it shows; how it is staffed is in the list.

pub mod api;
pub mod connect;
pub mod contract;
pub mod delivery;
pub mod edges;
pub mod endings;
pub mod endurance;
pub mod first_and_last;
pub mod flow;
pub mod godot_channels;
pub mod godot_identity;
pub mod godot_packets;
pub mod godot_peers;
pub mod godot_setup;
pub mod godot_signals;
pub mod godot_wire;
pub mod goodbye;
pub mod healing;
pub mod health;
pub mod hostile;
pub mod interruption;
pub mod last_words;
pub mod lobby;
pub mod loss;
pub mod messages;
pub mod page;
mod steps;
