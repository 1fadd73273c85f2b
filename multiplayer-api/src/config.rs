//! What a user can set.

use core::time::Duration;

/// Settings of a multiplayer API. The defaults are Godot 4's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiConfig {
    /// Which generation of Godot it speaks with. Default: 4.x.
    pub generation: Generation,
    /// What a peer must do before it is admitted. Default: nothing. Without effect with 3.x, which has no authentication.
    pub authentication: Authentication,
    /// Whether a server passes packets on between its clients, and a client sends them that way (Godot: `server_relay`).
    /// Default: yes. Without effect in a mesh and with 3.x. All sides must set the same.
    pub server_relay: bool,
    /// How many peers a server may announce to this client. Default: 4096. Those above are ignored.
    pub max_relayed_peers: usize,
    /// How many bytes of reliable packets may wait at a server for one client whose channels are full. Default: 1 MiB.
    ///
    /// Beyond that, the sender that has most waiting for that client loses its newest packets, so that a flood hurts neither
    /// its receiver nor other senders. All that this sender sends reliably to that client on that channel is then lost until
    /// its packets before have been sent: its stream is cut once. Neither the sender nor the receiver is told. The server's
    /// application gets an [`IgnoredReason::BacklogFull`](crate::IgnoredReason::BacklogFull) for each packet, which names
    /// both, and may disconnect the sender.
    ///
    /// The server's own packets are never discarded: announcements of peers, and data of at most 60000 bytes a packet that
    /// together with announcements takes at most half of the room. Data of the server beyond that is refused
    /// ([`RefusedReason::Full`](mesh_core::RefusedReason::Full)). A client for whose announcements there is no room is
    /// disconnected, as by [`MultiplayerApi::disconnect_peer`](crate::MultiplayerApi::disconnect_peer).
    pub backlog_bytes: usize,
}

impl Default for ApiConfig {
    fn default() -> Self {
        Self {
            generation: Generation::default(),
            authentication: Authentication::default(),
            server_relay: true,
            max_relayed_peers: 4096,
            backlog_bytes: 1024 * 1024,
        }
    }
}

/// A generation of Godot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Generation {
    /// `MultiplayerAPI` of 3.x: a byte of 4 before the data, no authentication, no relay.
    Godot3,
    /// `SceneMultiplayer` of 4.x: a byte of 3 before the data, and system commands.
    #[default]
    Godot4,
}

/// What a peer must do before it is admitted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Authentication {
    /// Nothing, and it is sent nothing (Godot: no `auth_callback`).
    #[default]
    None,
    /// Nothing, but the far side is told that we have completed our part. A Godot peer with an `auth_callback` that asks for
    /// no more than that admits us; a Godot peer without one ignores it.
    ///
    /// The far side is admitted here at once. It may drop what we send before it has admitted us.
    Announce,
    /// Both sides exchange data with [`send_auth`](crate::MultiplayerApi::send_auth), and each accepts the other with
    /// [`complete_auth`](crate::MultiplayerApi::complete_auth) (Godot: `auth_callback` is set).
    #[doc(alias = "auth_callback")]
    Required {
        /// How long a peer may take before it is disconnected (Godot: `auth_timeout`). Zero: for ever.
        #[doc(alias = "auth_timeout")]
        timeout: Duration,
    },
}

impl Authentication {
    /// Required, within Godot's 3 s.
    #[must_use]
    pub const fn required() -> Self {
        Self::Required {
            timeout: Duration::from_secs(3),
        }
    }
}
