//! What both sides of the comparison can do, as an application sees it: the measurements are written against this alone.

use std::future::Future;

use anyhow::Result;
use bytes::{Bytes, BytesMut};

use crate::settings::Settings;

/// The three channels of every connection, in the order of their stream ids 1, 2, 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Channel {
    Reliable,
    Ordered,
    Unreliable,
}

impl Channel {
    pub(crate) const ALL: [Self; 3] = [Self::Reliable, Self::Ordered, Self::Unreliable];
}

/// A message as the application task gets it.
pub(crate) struct Message {
    /// Index of the node that sent it.
    pub(crate) from: usize,
    pub(crate) bytes: Bytes,
}

/// One peer of a mesh, in the hands of its application.
pub(crate) trait Node: Send + 'static {
    /// Hands a message over; waits while the channel is full.
    fn send(
        &mut self,
        to: usize,
        channel: Channel,
        message: BytesMut,
    ) -> impl Future<Output = Result<()>> + Send;

    /// Hands the same message to every peer.
    fn broadcast(
        &mut self,
        channel: Channel,
        message: &[u8],
    ) -> impl Future<Output = Result<()>> + Send;

    /// The next message of any peer. Cancel-safe.
    fn receive(&mut self) -> impl Future<Output = Result<Message>> + Send;

    /// Sends a peer many bytes in one piece, and takes as many of it at the same time; returns once all are at both.
    fn exchange(&mut self, with: usize, bytes: Bytes)
    -> impl Future<Output = Result<Bytes>> + Send;

    /// Everything that is there now, as a game takes it once a frame.
    fn take_all(&mut self, each: impl FnMut(Message)) -> Result<()>;

    /// Closes every connection.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// One of the two contestants.
pub(crate) trait Side {
    /// Its peer.
    type Node: Node;

    /// Makes a full mesh of `count` nodes; returns once all channels of all ends are open.
    fn mesh(
        count: usize,
        settings: &Settings,
    ) -> impl Future<Output = Result<Vec<Self::Node>>> + Send;
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use tokio::time::timeout;

    use super::*;
    use crate::bare::Bare;
    use crate::ours::Ours;

    /// What every measurement relies on.
    async fn three_nodes_hear_each_other<S: Side>() {
        let settings = Settings::default();
        let mut nodes = S::mesh(3, &settings).await.expect("a mesh");
        for node in &mut nodes {
            let sent = node.broadcast(Channel::Reliable, b"hello").await;
            sent.expect("room for a message");
        }
        for (index, node) in nodes.iter_mut().enumerate() {
            let mut heard = Vec::new();
            for _ in 0..2 {
                let message = node.receive().await.expect("a message");
                assert_eq!(&message.bytes[..], b"hello");
                heard.push(message.from);
            }
            heard.push(index);
            heard.sort_unstable();
            assert_eq!(heard, [0, 1, 2]);
        }
        for node in nodes {
            node.close().await;
        }
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn both_sides_carry_messages() {
        let deadline = Duration::from_secs(30);
        timeout(deadline, three_nodes_hear_each_other::<Ours>())
            .await
            .expect("ours in time");
        timeout(deadline, three_nodes_hear_each_other::<Bare>())
            .await
            .expect("bare in time");
    }
}
