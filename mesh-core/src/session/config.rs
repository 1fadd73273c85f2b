//! What can be set about a session.

use alloc::vec::Vec;
use core::time::Duration;

use crate::{LinkConfig, MeshConfig, TransferMode};

/// Settings of a session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct SessionConfig {
    /// The mesh's.
    pub mesh: MeshConfig,
    /// Every connection's.
    pub link: LinkConfig,
    /// The custom channels that every peer gets beside the three built-in ones: none. All members of a lobby have to set
    /// the same. See [`Mesh::set_custom_channels`](crate::Mesh::set_custom_channels); what is beyond
    /// [`MAX_CUSTOM_CHANNELS`](crate::MAX_CUSTOM_CHANNELS) is left out.
    pub custom_channels: Vec<TransferMode>,
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
            custom_channels: Vec::new(),
            leave_linger: Duration::from_millis(200),
            retry_after: Some(Duration::from_secs(1)),
        }
    }
}
