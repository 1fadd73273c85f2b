//! A mesh and somebody who tells it what happens.

use std::collections::BTreeMap;
use std::time::Duration;

use mesh_core::{
    AddPeerError, Capabilities, ChannelIndex, CloseReason, Command, ConnectFailure,
    ConnectionState, Event, InitializeError, Instant, LinkConfig, LinkEvent, LinkId, Mesh,
    MeshConfig, Payload, PeerId, SendError, Target, TransferMode,
};

pub(crate) struct Rig {
    pub(crate) mesh: Mesh,
    pub(crate) now: Instant,
    pub(crate) links: BTreeMap<u32, LinkId>,
}

/// The ways to set a mesh up; the number is our id.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Setup {
    /// Godot 3.x, `server_compatibility` off.
    Plain(u32),
    /// Godot 3.x, `server_compatibility` on.
    Compatible(u32),
    Mesh(u32),
    Client(u32),
    Server,
}

impl Rig {
    pub(crate) fn new() -> Self {
        Self {
            mesh: Mesh::new(MeshConfig::default(), Capabilities::default()),
            now: Instant::from_micros(7),
            links: BTreeMap::new(),
        }
    }

    pub(crate) fn set_up(setup: Setup) -> Self {
        let mut rig = Self::new();
        rig.start(setup).unwrap();
        rig
    }

    pub(crate) fn start(&mut self, setup: Setup) -> Result<(), InitializeError> {
        match setup {
            Setup::Plain(id) => self.mesh.initialize(peer(id), false),
            Setup::Compatible(id) => self.mesh.initialize(peer(id), true),
            Setup::Mesh(id) => self.mesh.create_mesh(peer(id), &[]),
            Setup::Client(id) => self.mesh.create_client(peer(id), &[]),
            Setup::Server => self.mesh.create_server(&[]),
        }
    }

    pub(crate) fn try_add(&mut self, id: u32) -> Result<LinkId, AddPeerError> {
        let link = self.mesh.create_connection(LinkConfig::default());
        self.mesh.add_peer(self.now, link, peer(id), None)?;
        self.links.insert(id, link);
        Ok(link)
    }

    pub(crate) fn add(&mut self, id: u32) -> LinkId {
        self.try_add(id).unwrap()
    }

    /// All that makes a peer complete.
    pub(crate) fn open(&mut self, id: u32) {
        let link = self.links[&id];
        let state = ConnectionState::Connected;
        self.happens(LinkEvent::State { link, state });
        let channels = self.mesh.peer(peer(id)).unwrap().channels;
        for (index, channel) in (0..).map(ChannelIndex).zip(channels) {
            self.happens(LinkEvent::ChannelOpened {
                link,
                channel: index,
                remote: false,
                actual: channel.parameters,
            });
        }
    }

    pub(crate) fn connect(&mut self, id: u32) -> LinkId {
        let link = self.add(id);
        self.open(id);
        link
    }

    /// The far side goes.
    pub(crate) fn goes(&mut self, id: u32) {
        self.closes(id, CloseReason::Remote);
    }

    /// The link cannot be made, or breaks.
    pub(crate) fn fails(&mut self, id: u32) {
        self.closes(id, CloseReason::Failed(ConnectFailure::NoRoute));
    }

    fn closes(&mut self, id: u32, reason: CloseReason) {
        let link = self.links[&id];
        self.happens(LinkEvent::Closed { link, reason });
    }

    pub(crate) fn says(&mut self, id: u32, channel: u16, payload: impl Into<Payload>) {
        let link = self.links[&id];
        self.happens(LinkEvent::Message {
            link,
            channel: ChannelIndex(channel),
            payload: payload.into(),
        });
    }

    pub(crate) fn happens(&mut self, event: LinkEvent) {
        self.mesh.handle_event(self.now, event);
    }

    pub(crate) fn passes(&mut self, span: Duration) {
        self.now += span;
        self.mesh.handle_timeout(self.now);
    }

    /// Who gets a message, by what is handed to the backend.
    pub(crate) fn reached(
        &mut self,
        target: Target,
        channel: ChannelIndex,
    ) -> Result<Vec<u32>, SendError> {
        let sent = self.mesh.send(self.now, target, channel, "hello".into())?;
        let transmits = std::iter::from_fn(|| self.mesh.poll_transmit(self.now));
        let links: Vec<LinkId> = transmits.map(|transmit| transmit.link).collect();
        let peers = links.into_iter().map(|link| self.mesh.peer_of(link));
        let peers: Vec<u32> = peers.map(|peer| peer.unwrap().get()).collect();
        assert_eq!(peers.len(), sent.accepted);
        Ok(peers)
    }

    pub(crate) fn events(&mut self) -> Vec<Event> {
        std::iter::from_fn(|| self.mesh.poll_event()).collect()
    }

    pub(crate) fn commands(&mut self) -> Vec<Command> {
        std::iter::from_fn(|| self.mesh.poll_command()).collect()
    }

    /// The events since the last call, in short: `+3` and `-3` for a peer that came and went, `!3` for one that failed.
    pub(crate) fn told(&mut self) -> String {
        let words: Vec<String> = self.events().iter().map(word).collect();
        words.join(" ")
    }
}

fn word(event: &Event) -> String {
    match event {
        Event::PeerConnected(peer) => format!("+{peer}"),
        Event::PeerDisconnected { peer, .. } => format!("-{peer}"),
        Event::PeerFailed { peer, .. } => format!("!{peer}"),
        Event::ConnectionSucceeded => String::from("succeeded"),
        Event::ConnectionFailed(_) => String::from("failed"),
        Event::ServerDisconnected => String::from("server-gone"),
        Event::Packet(packet) => {
            let mode = match packet.mode {
                TransferMode::Reliable => 'r',
                TransferMode::UnreliableOrdered => 'o',
                TransferMode::Unreliable => 'u',
            };
            let text = String::from_utf8_lossy(packet.payload.bytes());
            format!(
                "{}{mode}{}:{text}",
                packet.from,
                packet.channel.transfer_channel()
            )
        }
        other => format!("{other:?}"),
    }
}

pub(crate) fn peer(id: u32) -> PeerId {
    PeerId::new(id).unwrap()
}
