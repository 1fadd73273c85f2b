//! How a link ends: what was accepted goes out first.

use mesh_core::Duration;
use tokio::time::{Instant, sleep};

use super::Link;
use crate::connection::Connection;

/// How long the driver of a relayed connection may take to send that the channels are closed: a few rounds.
/// docs/upstream.md, "a close is not sent through a relay".
const GOODBYE: Duration = Duration::from_millis(20);

impl Link {
    /// Takes nothing more and waits until the reliable channels have delivered what they accepted.
    pub(super) async fn drain(&self, linger: Duration) {
        for (_, channel) in &self.channels {
            channel.stop_accepting();
        }
        let deadline = Instant::now() + linger;
        for (_, channel) in &self.channels {
            channel.drain(deadline).await;
        }
    }

    /// Closes it and leaves no task behind.
    pub(super) async fn end(&mut self, connection: &Connection) {
        for (_, channel) in &self.channels {
            channel.stop_accepting();
        }
        if connection.is_relayed().await {
            self.say_goodbye(connection).await;
        }
        connection.close().await;
        connection.aboard().clear();
        self.channels.clear();
    }

    /// The crate gives up its TURN allocations before it sends what a close has to say, which is then dropped. So the channels
    /// are closed one by one, which the far side hears as well.
    async fn say_goodbye(&self, connection: &Connection) {
        for (_, channel) in &self.channels {
            channel.close().await;
        }
        connection.sockets().kick();
        sleep(GOODBYE).await;
    }
}
