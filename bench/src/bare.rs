//! The baseline: the bare `webrtc` crate, tuned as far as its own settings go, used as its documentation says.
//!
//! One task a data channel polls it, freezes each message and sends it into the one queue of its node's application task, as
//! any user of the crate must. Sending is a plain `DataChannel::send` in the application task. Shares no code with
//! backend-native.

pub(crate) mod connection;
mod runtime;

use std::sync::Arc;

use anyhow::{Context, Result, bail};
use bytes::{Bytes, BytesMut};
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::sleep;

use crate::bare::connection::{Connection, Ear, Note};
use crate::node::{Channel, Message, Node, Side};
use crate::settings::Settings;

/// The bare crate.
pub struct Bare;

/// What its application cuts into messages is cut into so many bytes, as our transfers are.
const PART: usize = 16 * 1024;

/// One peer: its connections by the index of the far side, and the queue of its application.
pub struct BareNode {
    pub(crate) connections: Vec<Option<Connection>>,
    received: UnboundedReceiver<Message>,
}

impl Side for Bare {
    type Node = BareNode;

    async fn mesh(count: usize, settings: &Settings) -> Result<Vec<BareNode>> {
        let (queues, received): (Vec<_>, Vec<_>) = (0..count).map(|_| unbounded_channel()).unzip();
        let ears = queues.into_iter().map(Ear::Queue).collect();
        let connected = connect_all(settings, ears).await?;
        let nodes = connected.into_iter().zip(received);
        Ok(nodes
            .map(|(connections, received)| BareNode::new(connections, received))
            .collect())
    }
}

/// Makes a full mesh of as many nodes as there are ears: the connections of each, by the index of the far side.
pub(crate) async fn connect_all(
    settings: &Settings,
    ears: Vec<Ear>,
) -> Result<Vec<Vec<Option<Connection>>>> {
    let count = ears.len();
    let settings = Arc::new(settings.clone());
    let mut pairs = JoinSet::new();
    for (delay, left, right) in settings.schedule(count) {
        let (of_left, of_right) = (ears[left].clone(), ears[right].clone());
        let settings = Arc::clone(&settings);
        pairs.spawn(async move {
            if !delay.is_zero() {
                sleep(delay).await;
            }
            let pair = connect(&settings, (left, of_left), (right, of_right)).await?;
            anyhow::Ok((left, right, pair))
        });
    }
    let mut nodes: Vec<Vec<_>> = (0..count)
        .map(|_| (0..count).map(|_| None).collect())
        .collect();
    while let Some(pair) = pairs.join_next().await {
        let (left, right, (of_left, of_right)) = pair??;
        nodes[left][right] = Some(of_left);
        nodes[right][left] = Some(of_right);
    }
    Ok(nodes)
}

/// Connects two nodes, each given by its index and who takes what it hears.
async fn connect(
    settings: &Settings,
    left: (usize, Ear),
    right: (usize, Ear),
) -> Result<(Connection, Connection)> {
    let (to_right, mut of_left) = unbounded_channel();
    let (to_left, mut of_right) = unbounded_channel();
    let (offering, answering) = tokio::try_join!(
        Connection::open(settings, right.0, left.1, to_right),
        Connection::open(settings, left.0, right.1, to_left),
    )?;
    let offer = offering.offer().await?;
    let answer = answering.answer(offer).await?;
    offering.accept(answer).await?;
    let mut open = 0;
    while open < 2 * Channel::ALL.len() {
        let (note, from, to) = tokio::select! {
            note = of_left.recv() => (note, &offering, &answering),
            note = of_right.recv() => (note, &answering, &offering),
        };
        match note.context("a connection ended before its channels were open")? {
            Note::Candidate(candidate) => to.add_candidate(candidate).await?,
            Note::Connected => from.kick().await?,
            Note::Failed => bail!("no connection"),
            Note::Open => open += 1,
        }
    }
    Ok((offering, answering))
}

impl BareNode {
    pub(crate) const fn new(
        connections: Vec<Option<Connection>>,
        received: UnboundedReceiver<Message>,
    ) -> Self {
        Self {
            connections,
            received,
        }
    }

    fn connection(&self, to: usize) -> Result<&Connection> {
        self.connections
            .get(to)
            .and_then(Option::as_ref)
            .with_context(|| format!("no connection to {to}"))
    }
}

impl Node for BareNode {
    async fn send(&mut self, to: usize, channel: Channel, message: BytesMut) -> Result<()> {
        self.connection(to)?.send(channel, message).await
    }

    async fn broadcast(&mut self, channel: Channel, message: &[u8]) -> Result<()> {
        for connection in self.connections.iter().flatten() {
            connection.send(channel, BytesMut::from(message)).await?;
        }
        Ok(())
    }

    async fn receive(&mut self) -> Result<Message> {
        self.received.recv().await.context("all channels ended")
    }

    async fn exchange(&mut self, with: usize, bytes: Bytes) -> Result<Bytes> {
        let Self {
            connections,
            received,
        } = self;
        let connection = connections.get(with).and_then(Option::as_ref);
        let connection = connection.with_context(|| format!("no connection to {with}"))?;
        let size = bytes.len();
        let sending = async {
            for part in bytes.chunks(PART) {
                let part = BytesMut::from(part);
                connection.send(Channel::Reliable, part).await?;
            }
            anyhow::Ok(())
        };
        let receiving = async {
            let mut whole = Vec::with_capacity(size);
            while whole.len() < size {
                let message = received.recv().await.context("all channels ended")?;
                whole.extend_from_slice(&message.bytes);
            }
            anyhow::Ok(Bytes::from(whole))
        };
        let ((), whole) = tokio::try_join!(sending, receiving)?;
        Ok(whole)
    }

    #[expect(
        clippy::disallowed_methods,
        reason = "called by a thread of its own, outside of every task"
    )]
    fn take_all(&mut self, mut each: impl FnMut(Message)) -> Result<()> {
        while let Ok(message) = self.received.try_recv() {
            each(message);
        }
        Ok(())
    }

    async fn close(self) {
        for connection in self.connections.into_iter().flatten() {
            connection.close().await;
        }
    }
}
