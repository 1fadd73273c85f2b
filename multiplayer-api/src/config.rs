//! What a user can set.

use core::time::Duration;

/// Settings of a multiplayer API; the defaults are Godot 4's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ApiConfig {
    /// Whose packets are spoken: 4.x.
    pub generation: Generation,
    /// What a peer must do before it counts: nothing. Without effect on 3.x, which has no such thing.
    pub authentication: Authentication,
    /// Whether a server passes packets on between its clients, and a client sends them that way: yes (Godot:
    /// `server_relay`). Without effect in a mesh and on 3.x. All sides must agree.
    pub server_relay: bool,
    /// How many peers a server may announce to a client: 4096. Those above are ignored.
    pub max_relayed_peers: usize,
    /// Bytes of reliable packets and announcements that may wait at a server for one client whose channels are full: 1 MiB.
    /// Beyond that, whoever has most waiting there loses his newest packets for that client, so that a flood hurts its sender
    /// and neither its receiver nor the others. From then on all that he sends reliably to that client on that channel is lost,
    /// until what he still has waiting there has gone: his stream is cut once. Neither he nor the receiver knows; the server's
    /// application is told ([`IgnoredReason::BacklogFull`](crate::IgnoredReason::BacklogFull) names both, for each packet), and
    /// may send him away.
    ///
    /// What is the server's own does not go: data of at most 60000 bytes a packet, and of half of the room together with
    /// announcements; and announcements, without room for which a client is disconnected. The server's data beyond that is
    /// refused ([`RefusedReason::Full`](mesh_core::RefusedReason::Full)).
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

/// Which Godot is spoken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Generation {
    /// `MultiplayerAPI` of 3.x: a byte of 4 before the data, no authentication, no relay.
    Godot3,
    /// `SceneMultiplayer` of 4.x: a byte of 3 before the data, and system commands.
    #[default]
    Godot4,
}

/// What a peer must do before it counts as connected.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Authentication {
    /// Nothing, and nothing is said to it (Godot: no `auth_callback`).
    #[default]
    None,
    /// Nothing here, but the far side is told that we are through. So a Godot peer that has an `auth_callback` and needs
    /// no more than that lets us in; one that has none ignores it.
    ///
    /// We hold the far side for connected at once, and it may drop what we send before it has let us in.
    Announce,
    /// Both sides exchange what they like with [`send_auth`](crate::MultiplayerApi::send_auth) and each says
    /// [`complete_auth`](crate::MultiplayerApi::complete_auth) (Godot: `auth_callback` is set).
    #[doc(alias = "auth_callback")]
    Required {
        /// How long a peer may take, before it is disconnected (Godot: `auth_timeout`). Zero: for ever.
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
