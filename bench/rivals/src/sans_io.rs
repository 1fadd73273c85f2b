//! str0m: it does no I/O, so each peer is a socket and a loop around it, in the task of whoever waits for a message.

use std::collections::VecDeque;
use std::io::ErrorKind;
use std::net::{Ipv4Addr, SocketAddr};
use std::sync::Arc;
use std::time::Instant;

use anyhow::{Context, Result, bail};
use bench::node::{Channel, Message, Node, Side};
use bench::settings::Settings;
use bytes::{Bytes, BytesMut};
use futures_util::FutureExt;
use str0m::channel::{ChannelConfig, ChannelId, Reliability};
use str0m::crypto::{CryptoProvider, from_feature_flags};
use str0m::net::{Protocol, Receive};
use str0m::{Candidate, Event, IceConnectionState, Input, Output, Rtc, RtcConfig};
use tokio::net::UdpSocket;
use tokio::sync::mpsc::{UnboundedReceiver, unbounded_channel};
use tokio::task::JoinSet;
use tokio::time::{sleep, sleep_until};

/// The crate with a loop of ours.
pub(crate) struct SansIo;

/// One peer.
pub(crate) struct SansIoNode {
    socket: UdpSocket,
    local: SocketAddr,
    links: Vec<Link>,
    /// Came and was not taken.
    ready: VecDeque<Message>,
    buffer: Vec<u8>,
}

/// One end of a connection.
struct Link {
    peer: usize,
    remote: SocketAddr,
    rtc: Rtc,
    channels: [ChannelId; 3],
    open: usize,
    /// When it wants to be called again.
    due: Instant,
}

impl Side for SansIo {
    type Node = SansIoNode;

    async fn mesh(count: usize, settings: &Settings) -> Result<Vec<SansIoNode>> {
        let crypto = Arc::new(from_feature_flags());
        let mut nodes = Vec::new();
        for _ in 0..count {
            nodes.push(SansIoNode::bind().await?);
        }
        let addresses: Vec<_> = nodes.iter().map(|node| node.local).collect();
        let (to, links): (Vec<_>, Vec<_>) = (0..count).map(|_| unbounded_channel()).unzip();
        let mut pairs = JoinSet::new();
        for (delay, left, right) in settings.schedule(count) {
            let crypto = Arc::clone(&crypto);
            let ends = [(left, addresses[left]), (right, addresses[right])];
            let (to_left, to_right) = (to[left].clone(), to[right].clone());
            pairs.spawn(async move {
                if !delay.is_zero() {
                    sleep(delay).await;
                }
                let [of_left, of_right] = pair(&crypto, ends)?;
                to_left.send(of_left).ok().context("nobody waits")?;
                to_right.send(of_right).ok().context("nobody waits")
            });
        }
        let mut joining = JoinSet::new();
        for (index, (mut node, links)) in nodes.into_iter().zip(links).enumerate() {
            joining.spawn(async move {
                node.join(links, count - 1).await?;
                anyhow::Ok((index, node))
            });
        }
        let mut nodes = Vec::new();
        while let Some(joined) = joining.join_next().await {
            nodes.push(joined??);
        }
        while let Some(made) = pairs.join_next().await {
            made??;
        }
        nodes.sort_by_key(|(index, _)| *index);
        Ok(nodes.into_iter().map(|(_, node)| node).collect())
    }
}

/// Both ends of a connection; what they must know of each other is handed over here.
fn pair(crypto: &Arc<CryptoProvider>, ends: [(usize, SocketAddr); 2]) -> Result<[Link; 2]> {
    let now = Instant::now();
    let [(left, at_left), (right, at_right)] = ends;
    let make = || {
        let config = RtcConfig::new().set_crypto_provider(Arc::clone(crypto));
        config.build(now)
    };
    let (mut one, mut other) = (make(), make());
    let [host_left, host_right] = [
        Candidate::host(at_left, "udp")?,
        Candidate::host(at_right, "udp")?,
    ];
    one.add_local_candidate(host_left.clone());
    one.add_remote_candidate(host_right.clone());
    other.add_local_candidate(host_right);
    other.add_remote_candidate(host_left);
    let prints =
        [&mut one, &mut other].map(|rtc| rtc.direct_api().local_dtls_fingerprint().clone());
    let secrets = [&mut one, &mut other].map(|rtc| rtc.direct_api().local_ice_credentials());
    let [print_left, print_right] = prints;
    let [secret_left, secret_right] = secrets;
    let start = |rtc: &mut Rtc, print, secret, first| -> Result<[ChannelId; 3]> {
        let mut api = rtc.direct_api();
        api.set_remote_fingerprint(print);
        api.set_remote_ice_credentials(secret);
        api.set_ice_controlling(first);
        api.start_dtls(first)?;
        api.start_sctp(first);
        Ok(Channel::ALL.map(|which| api.create_data_channel(config(which))))
    };
    let of_left = start(&mut one, print_right, secret_right, true)?;
    let of_right = start(&mut other, print_left, secret_left, false)?;
    let link = |peer, remote, rtc, channels| Link {
        peer,
        remote,
        rtc,
        channels,
        open: 0,
        due: now,
    };
    Ok([
        link(right, at_right, one, of_left),
        link(left, at_left, other, of_right),
    ])
}

/// The same three as those of the others.
fn config(which: Channel) -> ChannelConfig {
    let never = Reliability::MaxRetransmits { retransmits: 0 };
    let (label, id, ordered, reliability) = match which {
        Channel::Reliable => ("reliable", 1, true, Reliability::Reliable),
        Channel::Ordered => ("ordered", 2, true, never),
        Channel::Unreliable => ("unreliable", 3, false, never),
    };
    ChannelConfig {
        label: label.to_owned(),
        ordered,
        reliability,
        negotiated: Some(id),
        protocol: String::new(),
    }
}

impl Link {
    /// Sends what is to be sent, and takes what has happened.
    fn flush(&mut self, socket: &UdpSocket, ready: &mut VecDeque<Message>) -> Result<()> {
        loop {
            match self.rtc.poll_output()? {
                Output::Transmit(packet) => {
                    match socket.try_send_to(&packet.contents, packet.destination) {
                        // A datagram may be lost.
                        Err(error) if error.kind() != ErrorKind::WouldBlock => {
                            return Err(error.into());
                        }
                        _ => {}
                    }
                }
                Output::Timeout(due) => {
                    self.due = due;
                    return Ok(());
                }
                Output::Event(event) => self.take(event, ready)?,
            }
        }
    }

    #[expect(
        clippy::wildcard_enum_match_arm,
        reason = "nothing else matters to a measurement"
    )]
    fn take(&mut self, event: Event, ready: &mut VecDeque<Message>) -> Result<()> {
        match event {
            Event::ChannelOpen(..) => self.open += 1,
            Event::ChannelData(data) => ready.push_back(Message {
                from: self.peer,
                bytes: data.data.into(),
            }),
            Event::IceConnectionStateChange(IceConnectionState::Disconnected) => {
                bail!("peer {} has gone", self.peer)
            }
            _ => {}
        }
        Ok(())
    }
}

impl SansIoNode {
    async fn bind() -> Result<Self> {
        let socket = UdpSocket::bind((Ipv4Addr::LOCALHOST, 0)).await?;
        Ok(Self {
            local: socket.local_addr()?,
            socket,
            links: Vec::new(),
            ready: VecDeque::new(),
            buffer: vec![0; 2048],
        })
    }

    /// Takes so many links, and returns once all their channels are open.
    async fn join(&mut self, mut links: UnboundedReceiver<Link>, count: usize) -> Result<()> {
        let is_open = |link: &Link| link.open == Channel::ALL.len();
        while self.links.len() < count || !self.links.iter().all(is_open) {
            tokio::select! {
                Some(mut link) = links.recv() => {
                    link.flush(&self.socket, &mut self.ready)?;
                    self.links.push(link);
                }
                done = self.step() => done?,
            }
        }
        Ok(())
    }

    /// Handles a datagram or what is due; waits for one of them. Cancel-safe.
    async fn step(&mut self) -> Result<()> {
        match self.socket.try_recv_from(&mut self.buffer) {
            Ok((size, source)) => return self.handle(size, source),
            Err(error) if error.kind() == ErrorKind::WouldBlock => {}
            Err(error) => return Err(error.into()),
        }
        let now = Instant::now();
        let due = self.links.iter().map(|link| link.due).min();
        if due.is_none_or(|due| due > now) {
            let due = due.unwrap_or_else(|| now + std::time::Duration::from_secs(1));
            tokio::select! {
                readable = self.socket.readable() => readable?,
                () = sleep_until(due.into()) => {}
            }
            return Ok(());
        }
        for link in self.links.iter_mut().filter(|link| link.due <= now) {
            link.rtc.handle_input(Input::Timeout(now))?;
            link.flush(&self.socket, &mut self.ready)?;
        }
        Ok(())
    }

    fn handle(&mut self, size: usize, source: SocketAddr) -> Result<()> {
        // Before the far side's half of a pair is here its first check is lost; it is repeated.
        let Some(link) = self.links.iter_mut().find(|link| link.remote == source) else {
            return Ok(());
        };
        let Some(Ok(contents)) = self.buffer.get(..size).map(TryInto::try_into) else {
            return Ok(());
        };
        let datagram = Receive {
            proto: Protocol::Udp,
            source,
            destination: self.local,
            contents,
        };
        link.rtc
            .handle_input(Input::Receive(Instant::now(), datagram))?;
        link.flush(&self.socket, &mut self.ready)
    }

    /// Whether there was room.
    fn write(&mut self, at: usize, channel: Channel, message: &[u8]) -> Result<bool> {
        let link = self.links.get_mut(at).context("no such link")?;
        let [reliable, ordered, unreliable] = link.channels;
        let id = match channel {
            Channel::Reliable => reliable,
            Channel::Ordered => ordered,
            Channel::Unreliable => unreliable,
        };
        // Its clock is what it was told last.
        link.rtc.handle_input(Input::Timeout(Instant::now()))?;
        let mut channel = link.rtc.channel(id).context("no such channel")?;
        let has_room = channel.write(true, message)?;
        link.flush(&self.socket, &mut self.ready)?;
        Ok(has_room)
    }
}

impl Node for SansIoNode {
    async fn send(&mut self, to: usize, channel: Channel, message: BytesMut) -> Result<()> {
        let at = self.links.iter().position(|link| link.peer == to);
        let at = at.context("no connection")?;
        while !self.write(at, channel, &message)? {
            self.step().await?;
        }
        Ok(())
    }

    async fn broadcast(&mut self, channel: Channel, message: &[u8]) -> Result<()> {
        for at in 0..self.links.len() {
            while !self.write(at, channel, message)? {
                self.step().await?;
            }
        }
        Ok(())
    }

    async fn receive(&mut self) -> Result<Message> {
        loop {
            if let Some(message) = self.ready.pop_front() {
                return Ok(message);
            }
            self.step().await?;
        }
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
