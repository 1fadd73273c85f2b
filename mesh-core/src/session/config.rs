//! What can be set about a session.

use core::time::Duration;

use crate::{LinkConfig, MeshConfig};

/// Settings of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionConfig {
    /// The mesh's.
    pub mesh: MeshConfig,
    /// Every connection's.
    pub link: LinkConfig,
    /// How long [`Session::leave`](crate::Session::leave) lets accepted reliable data hold the close up: 200 ms.
    pub leave_linger: Duration,
    /// How long after a failed or lost connection to try again, while the peer is in the lobby: 1 s, doubled each time up to
    /// 32 s. `None`: never. The game hears of every end, and of every new `PeerConnected`.
    pub retry_after: Option<Duration>,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            mesh: MeshConfig::default(),
            link: LinkConfig::default(),
            leave_linger: Duration::from_millis(200),
            retry_after: Some(Duration::from_secs(1)),
        }
    }
}
