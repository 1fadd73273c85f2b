//! Whether a link is relayed, which is asked again and again.

use mesh_core::{CandidateType, Duration};
use tokio::time::Instant;

use super::Link;
use crate::connection::Connection;

/// How often a link that could be relayed is asked whether it is: its route may change.
const RELAY_CHECK: Duration = Duration::from_secs(2);

impl Link {
    pub(super) fn are_channels_open(&self) -> bool {
        self.opened_channels >= usize::from(self.remote_channels.planned())
    }

    /// Whether the route is relayed: then the sockets see to more, and a better one is looked for.
    pub(super) async fn check_route(&mut self, connection: &Connection) {
        let (local, remote) = connection.selected_pair().await.unwrap_or_default();
        let relay = Some(CandidateType::Relay);
        connection.sockets().relaying(local == relay);
        let is_relayed = local == relay || remote == relay;
        connection
            .direct()
            .search(is_relayed && self.has_connected && self.are_channels_open());
        if self.relay.is_possible() {
            self.timers.relay_check = Some(Instant::now() + RELAY_CHECK);
        }
    }
}
