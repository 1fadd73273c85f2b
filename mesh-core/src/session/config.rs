//! What can be set about a session.

use alloc::vec::Vec;
use core::time::Duration;

use crate::mesh::LINGER;
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
    /// How long [`Session::leave`](crate::Session::leave) lets accepted reliable data hold the close up: 5 s. It takes as long
    /// only where a peer does not answer; over a good path it takes a round trip. The signaling server is waited for apart, for a second.
    pub leave_linger: Duration,
    /// How long after the end of a connection to try again, while the peer is in the lobby and wanted: 1 s, doubled each
    /// time up to 32 s, and 1 s again after a connection that stood for 10 s. `None`: never. The game hears of every end,
    /// and of every new `PeerConnected`.
    pub retry_after: Option<Duration>,
    /// How many peers there are at most, connected or being connected: 128, which is what a lobby of `signaling-server` holds
    /// by default. The game hears nothing of further members.
    ///
    /// When a place becomes free, the member that has waited longest is connected to, if the call is ours; one that has to
    /// call us comes with its next try, within a minute. A peer that calls anew while its connection stands needs no
    /// second place.
    pub max_peers: usize,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self {
            mesh: MeshConfig::default(),
            link: LinkConfig::default(),
            custom_channels: Vec::new(),
            leave_linger: LINGER,
            retry_after: Some(Duration::from_secs(1)),
            max_peers: 128,
        }
    }
}
