//! How a link ends: what was accepted goes out first.

use mesh_core::{CloseReason, Duration, Goodbye};
use tokio::time::{Instant, sleep};

use super::Link;
use crate::connection::Connection;

/// How long the driver of a relayed connection may take to send that the channels are closed: a few rounds.
/// docs/upstream.md, "a close is not sent through a relay".
const CLOSES_SENT: Duration = Duration::from_millis(20);

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

    /// Closes it and leaves no task behind. The far side is told why, if there is something to tell. Without a reason the link
    /// has failed in a way after which nothing more is said.
    pub(super) async fn end(&mut self, connection: &Connection, reason: Option<&CloseReason>) {
        for (_, channel) in &self.channels {
            channel.stop_accepting();
        }
        let parting = self.parting.take();
        let goodbye = reason.and_then(|reason| parting.or_else(|| Goodbye::of_fault(reason)));
        if let Some(goodbye) = goodbye.filter(|_| self.has_connected) {
            let sockets = connection.sockets();
            connection.control().say_goodbye(&goodbye, sockets).await;
        }
        if connection.is_relayed().await {
            self.close_channels(connection).await;
        }
        connection.close().await;
        connection.aboard().clear();
        self.channels.clear();
    }

    /// The crate gives up its TURN allocations before it sends what a close has to say, which is then dropped. So the channels
    /// are closed one by one, which the far side hears as well.
    async fn close_channels(&self, connection: &Connection) {
        for (_, channel) in &self.channels {
            channel.close().await;
        }
        connection.sockets().kick();
        sleep(CLOSES_SENT).await;
    }
}
