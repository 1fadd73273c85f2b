#![doc = include_str!("../README.md")]

mod commands;
mod conditions;
mod mesh;
mod message;
mod peer;
mod plugin;
mod receive;
mod send;
mod sender;
mod session;

pub use commands::MeshCommands;
pub use conditions::{has_peers, in_lobby, is_host};
pub use mesh::{Mesh, MeshEvent, MeshStatus};
pub use message::{MeshPacket, Received};
pub use peer::{Interrupted, Peer, PeerFigures, PeerJoined, PeerLeft};
pub use plugin::{MeshAppExt, MeshPlugin, MeshSystems};
pub use send::{JoinFailed, SendFailed, SendFailure};
pub use sender::{EncodeError, MeshSender};
pub use session::MeshSession;
pub use webrtc_multiplayer;
pub use webrtc_multiplayer::api::Message as MeshMessage;

/// What nearly every game imports. [`Mesh`] is not among it, because `bevy::prelude` has another one: import it by its name.
pub mod prelude {
    pub use webrtc_multiplayer::{Lobby, PeerId, Target, TransferMode};

    pub use crate::{
        MeshAppExt, MeshCommands, MeshEvent, MeshMessage, MeshPlugin, MeshSender, MeshStatus,
        MeshSystems, Peer, PeerJoined, PeerLeft, Received, has_peers, in_lobby, is_host,
    };
}
