//! The stricter baseline: the bare crate with its own message size and its own timers, without a hand-over.
//!
//! Whoever waits for a message polls its channel. Answers are sent, and messages are counted, in the task that polls. Opening and
//! buffers are tuned as those of [`crate::bare`], with which it shares how connections are made.

use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, bail, ensure};
use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc::{UnboundedSender, unbounded_channel};
use webrtc::data_channel::{DataChannel, DataChannelEvent};

use crate::bare::connection::{Connection, Ear};
use crate::bare::{BareNode, connect_all};
use crate::node::{Channel, Each, Message, Node, Side};
use crate::settings::Settings;

/// The bare crate, used as directly as it can be.
pub struct Tuned;

/// One peer.
pub struct TunedNode {
    bare: BareNode,
    /// Into what `bare` receives from.
    queue: UnboundedSender<Message>,
    /// Whether tasks poll the channels, and it does not any more.
    is_polled: bool,
}

impl Side for Tuned {
    type Node = TunedNode;

    async fn mesh(count: usize, settings: &Settings) -> Result<Vec<TunedNode>> {
        let ears = vec![Ear::Owner; count];
        let connected = connect_all(&own_defaults(settings), ears).await?;
        let nodes = connected.into_iter().map(|connections| {
            let (queue, received) = unbounded_channel();
            TunedNode {
                bare: BareNode::new(connections, received),
                queue,
                is_polled: false,
            }
        });
        Ok(nodes.collect())
    }
}

/// What the crate takes where it is told nothing (`DEFAULT_MESSAGE_SIZE` of rtc, `agent_config` of rtc-ice).
fn own_defaults(settings: &Settings) -> Settings {
    Settings {
        max_message_size: 65536,
        disconnected_timeout: Duration::from_secs(5),
        failed_timeout: Duration::from_secs(25),
        keepalive_interval: Duration::from_secs(2),
        ..settings.clone()
    }
}

impl TunedNode {
    /// The far sides, by their index.
    fn connections(&self) -> impl Iterator<Item = (usize, &Connection)> {
        let all = self.bare.connections.iter().enumerate();
        all.filter_map(|(index, connection)| Some((index, connection.as_ref()?)))
    }

    /// A task a channel, from now on.
    fn poll_all(&self, each: &Each) {
        for (from, connection) in self.connections() {
            for channel in Channel::ALL {
                let channel = Arc::clone(connection.channel(channel));
                let each = Arc::clone(each);
                tokio::spawn(async move {
                    while let Some(bytes) = next(&*channel).await {
                        each(&Message { from, bytes });
                    }
                });
            }
        }
    }

    /// For an application that waits for all channels at once: then there is a hand-over, as there must be.
    fn use_queue(&mut self) {
        let queue = self.queue.clone();
        let each: Each = Arc::new(move |message| {
            // Fails where the node is gone.
            let _ = queue.send(message.clone());
        });
        self.divert(&each);
    }
}

/// The next message, or `None` at the end of the channel.
async fn next(channel: &dyn DataChannel) -> Option<Bytes> {
    loop {
        let event = channel.poll().await?;
        if let DataChannelEvent::OnMessage(message) = event {
            return Some(message.data.freeze());
        }
        if matches!(event, DataChannelEvent::OnClose) {
            return None;
        }
    }
}

impl Node for TunedNode {
    async fn send(&mut self, to: usize, channel: Channel, message: BytesMut) -> Result<()> {
        self.bare.send(to, channel, message).await
    }

    async fn broadcast(&mut self, channel: Channel, message: &[u8]) -> Result<()> {
        self.bare.broadcast(channel, message).await
    }

    async fn receive(&mut self) -> Result<Message> {
        self.use_queue();
        self.bare.receive().await
    }

    async fn receive_on(&mut self, channel: Channel) -> Result<Message> {
        ensure!(!self.is_polled, "a task polls this channel");
        let mut connections = self.connections();
        let (Some((from, connection)), None) = (connections.next(), connections.next()) else {
            bail!("not one peer");
        };
        let bytes = next(&**connection.channel(channel)).await;
        let bytes = bytes.context("the channel ended")?;
        Ok(Message { from, bytes })
    }

    fn divert(&mut self, each: &Each) {
        if !std::mem::replace(&mut self.is_polled, true) {
            self.poll_all(each);
        }
    }

    fn echo(&mut self, channel: Channel) {
        self.is_polled = true;
        for (_, connection) in self.connections() {
            let channel = Arc::clone(connection.channel(channel));
            tokio::spawn(async move {
                while let Some(bytes) = next(&*channel).await {
                    if channel.send(BytesMut::from(bytes)).await.is_err() {
                        return;
                    }
                }
            });
        }
    }

    async fn exchange(&mut self, with: usize, bytes: Bytes) -> Result<Bytes> {
        self.use_queue();
        self.bare.exchange(with, bytes).await
    }

    fn take_all(&mut self, each: impl FnMut(Message)) -> Result<()> {
        self.use_queue();
        self.bare.take_all(each)
    }

    async fn close(self) {
        self.bare.close().await;
    }
}
