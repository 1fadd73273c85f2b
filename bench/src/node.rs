//! What all sides of the comparison can do, as an application sees it: the measurements are written against this alone.

use std::future::Future;
use std::sync::Arc;

use anyhow::Result;
use bytes::{Bytes, BytesMut};

use crate::settings::Settings;

/// The three channels of every connection, in the order of their stream ids 1, 2, 3.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Channel {
    /// Everything arrives, in order.
    Reliable,
    /// What arrives is in order.
    Ordered,
    /// Neither.
    Unreliable,
}

impl Channel {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Reliable, Self::Ordered, Self::Unreliable];
}

/// A message as the application gets it.
#[derive(Clone)]
pub struct Message {
    /// Index of the node that sent it.
    pub from: usize,
    /// What it sent.
    pub bytes: Bytes,
}

/// What is done with every message.
pub type Each = Arc<dyn Fn(&Message) + Send + Sync>;

/// One peer of a mesh, in the hands of its application.
pub trait Node: Send + 'static {
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

    /// The next message of the only peer on this channel, taken where it arrives if this contestant can. Cancel-safe.
    fn receive_on(&mut self, channel: Channel) -> impl Future<Output = Result<Message>> + Send {
        let _ = channel;
        self.receive()
    }

    /// From now on everything goes to `each` where it arrives, and to nobody else. A contestant whose application is the place
    /// does nothing: then the application calls `each`.
    fn divert(&mut self, each: &Each) {
        let _ = each;
    }

    /// From now on everything on this channel is sent back where it arrives; nothing happens where the application does that.
    fn echo(&mut self, channel: Channel) {
        let _ = channel;
    }

    /// Sends a peer many bytes in one piece, and takes as many of it at the same time; returns once all are at both.
    fn exchange(&mut self, with: usize, bytes: Bytes)
    -> impl Future<Output = Result<Bytes>> + Send;

    /// Everything that is there now, as a game takes it once a frame.
    fn take_all(&mut self, each: impl FnMut(Message)) -> Result<()>;

    /// Closes every connection.
    fn close(self) -> impl Future<Output = ()> + Send;
}

/// One of the contestants.
pub trait Side {
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
    use crate::tuned::Tuned;

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
    async fn all_sides_carry_messages() {
        let deadline = Duration::from_secs(30);
        timeout(deadline, three_nodes_hear_each_other::<Ours>())
            .await
            .expect("ours in time");
        timeout(deadline, three_nodes_hear_each_other::<Bare>())
            .await
            .expect("bare in time");
        timeout(deadline, three_nodes_hear_each_other::<Tuned>())
            .await
            .expect("tuned in time");
    }

    #[tokio::test(flavor = "multi_thread", worker_threads = 2)]
    async fn what_is_diverted_goes_nowhere_else() {
        let settings = Settings::default();
        let nodes = Tuned::mesh(2, &settings).await.expect("a mesh");
        let [mut one, mut other] = <[_; 2]>::try_from(nodes).ok().expect("two nodes");
        let (heard, mut hears) = tokio::sync::mpsc::unbounded_channel();
        let each: Each = Arc::new(move |message: &Message| {
            let _ = heard.send(message.from);
        });
        one.divert(&each);
        other.echo(Channel::Unreliable);
        let sent = one.broadcast(Channel::Unreliable, b"hello").await;
        sent.expect("room for a message");
        let heard = timeout(Duration::from_secs(30), hears.recv()).await;
        assert_eq!(heard.expect("an echo in time"), Some(1));
        one.take_all(|_| panic!("it was diverted"))
            .expect("an open queue");
    }
}
