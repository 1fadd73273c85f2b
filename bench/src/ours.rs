//! Our side: `Multiplayer` over `PlatformBackend`, through the public API alone.

use std::collections::VecDeque;

use anyhow::{Context, Result, bail};
use backend_native::{PlatformBackend, PlatformConfig};
use bytes::{Bytes, BytesMut};
use mesh_core::{
    ConnectionId, Event, IceServer, IceTransportPolicy, LinkConfig, MeshConfig, Multiplayer,
    PeerId, SendLimits, Signal, TransferEvent, TransferMode,
};
use tokio::runtime::Handle;
use tokio::sync::mpsc::{UnboundedReceiver, UnboundedSender, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{Instant, sleep_until};

use crate::node::{Channel, Message, Node, Side};
use crate::settings::Settings;

/// This repository's library.
pub struct Ours;

/// One peer.
pub struct OurNode {
    multiplayer: Multiplayer<PlatformBackend>,
    limits: SendLimits,
    /// Came while a send waited for room.
    early: VecDeque<Message>,
}

/// What a node tells another before they are connected; the first is the index of the sender.
type Signaled = (usize, Signal);

impl Side for Ours {
    type Node = OurNode;

    async fn mesh(count: usize, settings: &Settings) -> Result<Vec<OurNode>> {
        let start = Instant::now();
        let (to, signals): (Vec<_>, Vec<_>) = (0..count).map(|_| unbounded_channel()).unzip();
        let mut connecting = JoinSet::new();
        for (index, signals) in signals.into_iter().enumerate() {
            let node = OurNode::new(index, settings)?;
            let joining = Joining {
                node,
                index,
                link: link(settings),
                begins: begins(settings, count, index, start),
                connections: vec![None; count],
                to: to.clone(),
                signals,
            };
            connecting.spawn(joining.run());
        }
        let mut nodes = Vec::new();
        while let Some(node) = connecting.join_next().await {
            nodes.push(node??);
        }
        nodes.sort_by_key(|(index, _)| *index);
        Ok(nodes.into_iter().map(|(_, node)| node).collect())
    }
}

/// When a node begins to connect to each other one, and the index of that, in this order.
fn begins(
    settings: &Settings,
    count: usize,
    index: usize,
    start: Instant,
) -> VecDeque<(Instant, usize)> {
    settings
        .schedule(count)
        .filter(|(_, left, right)| [*left, *right].contains(&index))
        .map(|(delay, left, right)| (start + delay, left + right - index))
        .collect()
}

/// A node that connects to all others.
struct Joining {
    node: OurNode,
    index: usize,
    link: LinkConfig,
    begins: VecDeque<(Instant, usize)>,
    /// By the index of the far side.
    connections: Vec<Option<ConnectionId>>,
    to: Vec<UnboundedSender<Signaled>>,
    signals: UnboundedReceiver<Signaled>,
}

impl Joining {
    async fn run(mut self) -> Result<(usize, OurNode)> {
        let mut missing = self.to.len() - 1;
        while missing > 0 {
            while let Some((_, other)) = self.begins.pop_front_if(|(due, _)| *due <= Instant::now())
            {
                self.begin(other)?;
            }
            let next = self.begins.front().map(|(due, _)| *due);
            tokio::select! {
                Some((from, signal)) = self.signals.recv() => self.take(from, signal)?,
                event = self.node.multiplayer.next_event() => {
                    missing -= usize::from(matches!(event, Event::PeerConnected(_)));
                    if let Some((connection, signal)) = signal_in(event)? {
                        self.tell(connection, signal)?;
                    }
                }
                () = sleep_until(next.unwrap_or_else(Instant::now)), if next.is_some() => {}
            }
        }
        Ok((self.index, self.node))
    }

    /// Makes the connection to another node, unless it is there; the higher index makes the offer.
    fn begin(&mut self, other: usize) -> Result<ConnectionId> {
        if let Some(connection) = self.connections[other] {
            return Ok(connection);
        }
        let multiplayer = &mut self.node.multiplayer;
        let connection = multiplayer.create_connection(self.link.clone());
        multiplayer.add_peer(connection, peer(other)?, None)?;
        if other < self.index {
            multiplayer.create_offer(connection)?;
        }
        self.connections[other] = Some(connection);
        Ok(connection)
    }

    fn take(&mut self, from: usize, signal: Signal) -> Result<()> {
        let connection = self.begin(from)?;
        let multiplayer = &mut self.node.multiplayer;
        match signal {
            Signal::Description(description) => {
                multiplayer.set_remote_description(connection, description)?;
            }
            Signal::Candidate(candidate) => {
                multiplayer.add_ice_candidate(connection, candidate)?;
            }
        }
        Ok(())
    }

    fn tell(&self, connection: ConnectionId, signal: Signal) -> Result<()> {
        let other = self
            .connections
            .iter()
            .position(|known| *known == Some(connection))
            .context("an event of no connection")?;
        // Fails where the other is connected and does not listen any more.
        let _ = self.to[other].send((self.index, signal));
        Ok(())
    }
}

fn link(settings: &Settings) -> LinkConfig {
    let Some(relay) = &settings.relay else {
        return LinkConfig::default();
    };
    LinkConfig {
        ice_servers: vec![IceServer::turn(
            relay.url.as_str(),
            relay.username.as_str(),
            relay.credential.as_str(),
        )],
        ice_transport_policy: IceTransportPolicy::Relay,
    }
}

fn peer(index: usize) -> Result<PeerId> {
    Ok(PeerId::new(u32::try_from(index + 1)?)?)
}

const fn index(peer: PeerId) -> usize {
    peer.get() as usize - 1
}

const fn mode(channel: Channel) -> TransferMode {
    match channel {
        Channel::Reliable => TransferMode::Reliable,
        Channel::Ordered => TransferMode::UnreliableOrdered,
        Channel::Unreliable => TransferMode::Unreliable,
    }
}

/// What is to be told the far side of a connection; an error if the measurement cannot go on.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "nothing else is to be signaled"
)]
fn signal_in(event: Event) -> Result<Option<(ConnectionId, Signal)>> {
    match event {
        Event::Description {
            connection,
            description,
        } => Ok(Some((connection, Signal::Description(description)))),
        Event::Candidate {
            connection,
            candidate,
        } => Ok(Some((connection, Signal::Candidate(candidate)))),
        other => message_in(other).map(|_| None),
    }
}

/// The message, if it is one; an error if the measurement cannot go on.
#[expect(
    clippy::wildcard_enum_match_arm,
    reason = "nothing else matters to a measurement"
)]
fn message_in(event: Event) -> Result<Option<Message>> {
    match event {
        Event::Packet(packet) => Ok(Some(Message {
            from: index(packet.from),
            bytes: packet.payload.into_bytes(),
        })),
        Event::PeerFailed { peer, reason } | Event::PeerDisconnected { peer, reason } => {
            bail!("peer {peer}: {reason}")
        }
        _ => Ok(None),
    }
}

impl OurNode {
    fn new(own: usize, settings: &Settings) -> Result<Self> {
        let platform = PlatformConfig {
            disconnected_timeout: settings.disconnected_timeout,
            keepalive_interval: settings.keepalive_interval,
            check_interval: settings.check_interval,
            srflx_wait: settings.srflx_wait,
            relay_wait: settings.relay_wait,
            socket_send_buffer: settings.socket_buffer,
            socket_receive_buffer: settings.socket_buffer,
            sctp_receive_buffer: settings.sctp_receive_buffer,
            sctp_send_limit: settings.sctp_send_limit,
            max_message_size: settings.max_message_size.try_into()?,
            ..PlatformConfig::loopback()
        };
        let config = MeshConfig::default();
        let limits = config.send_limits.reliable.backend;
        // The same runtime, with the same threads, as the other side has.
        let backend = PlatformBackend::with_handle(Handle::current(), platform);
        let mut multiplayer = Multiplayer::new(backend, config);
        multiplayer.initialize(peer(own)?, false)?;
        Ok(Self {
            multiplayer,
            limits,
            early: VecDeque::new(),
        })
    }
}

impl Node for OurNode {
    async fn send(&mut self, to: usize, channel: Channel, message: BytesMut) -> Result<()> {
        let (to, mode) = (peer(to)?, mode(channel));
        // An unreliable channel takes everything.
        while mode.is_reliable()
            && !self.limits.admits(
                self.multiplayer.buffered_amount(to, mode.channel()),
                message.len(),
            )
        {
            let event = self.multiplayer.next_event().await;
            self.early.extend(message_in(event)?);
        }
        let sent = self.multiplayer.send(to, mode, message.freeze())?;
        if !sent.is_complete() {
            bail!("a message was refused: {:?}", sent.refused);
        }
        Ok(())
    }

    async fn broadcast(&mut self, channel: Channel, message: &[u8]) -> Result<()> {
        let sent = self
            .multiplayer
            .send(mesh_core::Target::All, mode(channel), message)?;
        if !sent.is_complete() {
            bail!("a message was refused: {:?}", sent.refused);
        }
        Ok(())
    }

    async fn receive(&mut self) -> Result<Message> {
        if let Some(message) = self.early.pop_front() {
            return Ok(message);
        }
        loop {
            if let Some(message) = message_in(self.multiplayer.next_event().await)? {
                return Ok(message);
            }
        }
    }

    async fn exchange(&mut self, with: usize, bytes: Bytes) -> Result<Bytes> {
        self.multiplayer.send_transfer(peer(with)?, "", bytes)?;
        let (mut is_sent, mut received) = (false, None);
        loop {
            let event = self.multiplayer.next_event().await;
            if let Event::Transfer {
                event: TransferEvent::Received(payload),
                ..
            } = event
            {
                received = Some(payload.into_bytes());
            } else {
                let sent = TransferEvent::Sent;
                is_sent |= matches!(&event, Event::Transfer { event, .. } if *event == sent);
                self.early.extend(message_in(event)?);
            }
            if let Some(received) = received.take_if(|_| is_sent) {
                return Ok(received);
            }
        }
    }

    fn take_all(&mut self, mut each: impl FnMut(Message)) -> Result<()> {
        self.early.drain(..).for_each(&mut each);
        while let Some(event) = self.multiplayer.poll() {
            if let Some(message) = message_in(event)? {
                each(message);
            }
        }
        Ok(())
    }

    async fn close(mut self) {
        self.multiplayer.close();
    }
}
