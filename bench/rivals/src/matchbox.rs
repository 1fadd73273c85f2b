//! matchbox_socket: every peer joins a room of a matchbox_signaling server in the same process.

use std::future::poll_fn;
use std::pin::Pin;
use std::task::Poll;

use anyhow::{Context, Result, bail};
use bench::node::{Channel, Message, Node, Side};
use bench::settings::Settings;
use bytes::{Bytes, BytesMut};
use futures_channel::mpsc::{UnboundedReceiver, UnboundedSender};
use futures_util::{FutureExt, Stream, StreamExt};
use matchbox_signaling::SignalingServer;
use matchbox_socket::{
    ChannelConfig, Packet, PeerId, PeerState, RtcIceServerConfig, WebRtcSocket, WebRtcSocketBuilder,
};
use tokio::task::JoinSet;
use tokio::time::sleep;

/// Its sockets and its server.
pub(crate) struct Matchbox;

/// One peer.
pub(crate) struct MatchboxNode {
    own: usize,
    /// By index; itself, too.
    peers: Vec<PeerId>,
    senders: [UnboundedSender<(PeerId, Packet)>; 3],
    receivers: [UnboundedReceiver<(PeerId, Packet)>; 3],
    /// Keeps the connections.
    _socket: WebRtcSocket,
}

impl Side for Matchbox {
    type Node = MatchboxNode;

    async fn mesh(count: usize, settings: &Settings) -> Result<Vec<MatchboxNode>> {
        let mut server = SignalingServer::full_mesh_builder(([127, 0, 0, 1], 0)).build();
        let address = server.bind()?;
        tokio::spawn(server.serve());
        let mut joining = JoinSet::new();
        for index in 0..count {
            // As many connections lie between two joins as the new one makes, so that they begin as far apart as those of others.
            let before = u32::try_from(index * index.saturating_sub(1) / 2)?;
            let delay = settings.stagger * before;
            joining.spawn(async move {
                if !delay.is_zero() {
                    sleep(delay).await;
                }
                let socket = join(&format!("ws://{address}/bench"), count - 1).await?;
                anyhow::Ok((index, socket))
            });
        }
        let mut sockets: Vec<_> = (0..count).map(|_| None).collect();
        while let Some(joined) = joining.join_next().await {
            let (index, socket) = joined??;
            sockets[index] = Some(socket);
        }
        let sockets = sockets.into_iter().collect::<Option<Vec<_>>>();
        let mut sockets = sockets.context("somebody has not joined")?;
        let ids = sockets.iter_mut().map(WebRtcSocket::id);
        let peers = ids.collect::<Option<Vec<_>>>().context("no id")?;
        let nodes = sockets.into_iter().enumerate();
        nodes
            .map(|(own, socket)| MatchboxNode::new(own, socket, peers.clone()))
            .collect()
    }
}

/// Joins the room, and waits until so many peers are connected.
async fn join(room: &str, others: usize) -> Result<WebRtcSocket> {
    let unreliable = ChannelConfig::unreliable();
    let ordered = ChannelConfig {
        ordered: true,
        ..unreliable
    };
    let (mut socket, run) = WebRtcSocketBuilder::new(room)
        .ice_server(RtcIceServerConfig {
            urls: Vec::new(),
            username: None,
            credential: None,
        })
        .add_channel(ChannelConfig::reliable())
        .add_channel(ordered)
        .add_channel(unreliable)
        .build();
    tokio::spawn(run);
    let mut missing = others;
    while missing > 0 {
        let (peer, state) = socket.next().await.context("the socket ended")?;
        if state == PeerState::Disconnected {
            bail!("{peer} has gone");
        }
        missing -= 1;
    }
    Ok(socket)
}

impl MatchboxNode {
    fn new(own: usize, mut socket: WebRtcSocket, peers: Vec<PeerId>) -> Result<Self> {
        let mut split = |at| anyhow::Ok(socket.take_channel(at)?.split());
        let channels = [split(0)?, split(1)?, split(2)?];
        let [(reliable, hears), (ordered, also), (unreliable, too)] = channels;
        Ok(Self {
            own,
            peers,
            senders: [reliable, ordered, unreliable],
            receivers: [hears, also, too],
            _socket: socket,
        })
    }

    fn sender(&self, channel: Channel) -> &UnboundedSender<(PeerId, Packet)> {
        let [reliable, ordered, unreliable] = &self.senders;
        match channel {
            Channel::Reliable => reliable,
            Channel::Ordered => ordered,
            Channel::Unreliable => unreliable,
        }
    }

    /// What comes first on any channel.
    async fn next(&mut self) -> Result<(PeerId, Packet)> {
        poll_fn(|context| {
            for receiver in &mut self.receivers {
                if let Poll::Ready(packet) = Pin::new(receiver).poll_next(context) {
                    return Poll::Ready(packet.context("the socket ended"));
                }
            }
            Poll::Pending
        })
        .await
    }
}

impl Node for MatchboxNode {
    async fn send(&mut self, to: usize, channel: Channel, message: BytesMut) -> Result<()> {
        let peer = *self.peers.get(to).context("no such peer")?;
        self.sender(channel)
            .unbounded_send((peer, message.freeze()))?;
        Ok(())
    }

    async fn broadcast(&mut self, channel: Channel, message: &[u8]) -> Result<()> {
        let message = Bytes::copy_from_slice(message);
        let sender = self.sender(channel);
        let others = self.peers.iter().enumerate();
        for (_, peer) in others.filter(|(index, _)| *index != self.own) {
            sender.unbounded_send((*peer, message.clone()))?;
        }
        Ok(())
    }

    async fn receive(&mut self) -> Result<Message> {
        let (from, bytes) = self.next().await?;
        let from = self.peers.iter().position(|peer| *peer == from);
        Ok(Message {
            from: from.context("a stranger")?,
            bytes,
        })
    }

    async fn exchange(&mut self, _: usize, _: Bytes) -> Result<Bytes> {
        bail!("not one of the works")
    }

    fn take_all(&mut self, mut each: impl FnMut(Message)) -> Result<()> {
        while let Some(message) = self.receive().now_or_never() {
            each(message?);
        }
        Ok(())
    }

    async fn close(self) {}
}
