//! One of the two peers: its mesh, and what its game has sent and heard.

use std::collections::{BTreeSet, VecDeque};

use mesh_core::{
    Capabilities, Command, Event, Instant, LinkConfig, LinkEvent, LinkId, Mesh, MeshConfig,
    PathKind, Payload, PeerId, SessionDescription, Signal, Target, TransferEvent, TransferMode,
    Transmit,
};

use crate::link::{CHANNELS, UNRELIABLE, path};

pub(crate) struct Side {
    pub(crate) mesh: Mesh,
    pub(crate) peer: PeerId,
    /// What its links are called here, by the position of the link.
    pub(crate) names: Vec<Option<LinkId>>,
    pub(crate) described: VecDeque<(LinkId, SessionDescription)>,
    /// How many messages were accepted on each channel.
    pub(crate) sent: [u32; 2],
    /// Whose numbers were heard on each channel.
    pub(crate) heard: [u32; 2],
    /// The numbers of the transfers that were sent and not given up, and of those that were received.
    pub(crate) transferred: Vec<u32>,
    pub(crate) received: Vec<u32>,
    /// How many unreliable messages were sent, and whose numbers were heard.
    pub(crate) sent_unreliably: u32,
    pub(crate) heard_unreliably: BTreeSet<u32>,
    pub(crate) interrupted: bool,
    /// Which way its messages take, as far as the game was told.
    pub(crate) path: PathKind,
    connected: bool,
}

impl Side {
    pub(crate) fn new(own: u32, peer: u32) -> Self {
        let mut mesh = Mesh::new(MeshConfig::default(), Capabilities::default());
        mesh.set_replacements(true);
        mesh.create_mesh(PeerId::new(own).unwrap(), &[TransferMode::Reliable])
            .unwrap();
        Self {
            mesh,
            peer: PeerId::new(peer).unwrap(),
            names: Vec::new(),
            described: VecDeque::new(),
            sent: [0; 2],
            heard: [0; 2],
            transferred: Vec::new(),
            received: Vec::new(),
            sent_unreliably: 0,
            heard_unreliably: BTreeSet::new(),
            interrupted: false,
            path: path(0),
            connected: false,
        }
    }

    /// Makes a connection for the link at a position: the first, or one that replaces another.
    pub(crate) fn open(&mut self, now: Instant, position: usize, replaces: bool) -> LinkId {
        let link = self.mesh.create_connection(LinkConfig::default());
        if replaces {
            self.mesh
                .add_replacement(now, link, self.peer, None)
                .unwrap();
        } else {
            self.mesh.add_peer(now, link, self.peer, None).unwrap();
        }
        self.name(position, link);
        link
    }

    pub(crate) fn name(&mut self, position: usize, link: LinkId) {
        if self.names.len() <= position {
            self.names.resize(position + 1, None);
        }
        self.names[position] = Some(link);
    }

    pub(crate) fn position(&self, link: LinkId) -> Option<usize> {
        self.names.iter().position(|name| *name == Some(link))
    }

    pub(crate) fn send(&mut self, now: Instant, channel: usize, bytes: usize) -> bool {
        let mut payload = vec![0; bytes.max(4)];
        payload[..4].copy_from_slice(&self.sent[channel].to_be_bytes());
        let target = Target::One(self.peer);
        let sent = self
            .mesh
            .send(now, target, CHANNELS[channel], Payload::from(payload));
        sent.is_ok_and(|sent| sent.accepted == 1)
    }

    /// Sends a message that says by which link it is to go.
    pub(crate) fn send_unreliably(&mut self, now: Instant) {
        let number = self.sent_unreliably;
        self.sent_unreliably += 1;
        let words = [number, self.present()].map(u32::to_be_bytes);
        let (target, payload) = (Target::One(self.peer), Payload::from(words.concat()));
        // Refused while the path is broken.
        let _ = self.mesh.send(now, target, CHANNELS[UNRELIABLE], payload);
    }

    /// The position of the link that carries the peer.
    fn present(&self) -> u32 {
        let link = self.mesh.connection(self.peer);
        let position = self.names.iter().position(|name| *name == link);
        u32::try_from(position.unwrap()).unwrap()
    }

    /// An unreliable message came, or leaves: it belongs to the link that carries the peer now.
    pub(crate) fn check_link(&self, payload: &Payload) -> u32 {
        let (number, link) = payload.bytes().split_first_chunk().unwrap();
        let link = u32::from_be_bytes(*link.first_chunk().unwrap());
        assert_eq!(link, self.present(), "sent over another link");
        u32::from_be_bytes(*number)
    }

    pub(crate) fn transfer(&mut self, now: Instant, bytes: usize) {
        let number = self.transferred.last().map_or(0, |last| last + 1);
        let mut content = vec![0; bytes.max(4)];
        content[..4].copy_from_slice(&number.to_be_bytes());
        let name = number.to_string();
        let begun = self.mesh.send_transfer(now, self.peer, name, content);
        if begun.is_ok() {
            self.transferred.push(number);
        }
    }

    /// Gives the oldest transfer up that can be.
    pub(crate) fn cancel(&mut self, now: Instant) {
        let Some(info) = self.mesh.transfers_to(self.peer).next() else {
            return;
        };
        let number = info.name.parse().unwrap();
        // The number of the newest one is used again otherwise.
        if self.transferred.last() != Some(&number)
            && self.mesh.cancel_transfer(now, self.peer, info.id)
        {
            self.transferred.retain(|other| *other != number);
        }
    }

    pub(crate) fn handle(&mut self, now: Instant, event: LinkEvent) {
        self.mesh.handle_event(now, event);
    }

    pub(crate) fn command(&mut self) -> Option<Command> {
        self.mesh.poll_command()
    }

    pub(crate) fn transmit(&mut self, now: Instant) -> Option<Transmit> {
        self.mesh.poll_transmit(now)
    }

    /// Hears what the mesh tells the game.
    pub(crate) fn hear(&mut self) {
        while let Some((link, signal)) = self.mesh.poll_signal() {
            if let Signal::Description(description) = signal {
                self.described.push_back((link, description));
            }
        }
        while let Some(event) = self.mesh.poll_event() {
            match event {
                Event::PeerConnected(_) => {
                    assert!(!self.connected, "announced again");
                    self.connected = true;
                }
                Event::Packet(packet) if packet.channel == CHANNELS[UNRELIABLE] => {
                    let number = self.check_link(&packet.payload);
                    assert!(self.heard_unreliably.insert(number), "doubled");
                }
                Event::Packet(packet) => {
                    let channel = CHANNELS.iter().position(|index| *index == packet.channel);
                    let heard = &mut self.heard[channel.unwrap()];
                    let number = packet.payload.bytes().first_chunk().unwrap();
                    assert_eq!(
                        u32::from_be_bytes(*number),
                        *heard,
                        "lost, doubled or out of order"
                    );
                    *heard += 1;
                }
                Event::PeerInterrupted(_) => {
                    assert!(!core::mem::replace(&mut self.interrupted, true));
                }
                Event::PeerResumed(_) => {
                    assert!(core::mem::replace(&mut self.interrupted, false));
                }
                Event::PeerPathChanged { from, to, .. } => {
                    assert_eq!(core::mem::replace(&mut self.path, to), from);
                }
                Event::Transfer {
                    event: TransferEvent::Received(payload),
                    ..
                } => {
                    let number = payload.bytes().first_chunk().unwrap();
                    self.received.push(u32::from_be_bytes(*number));
                }
                Event::Transfer { .. } | Event::BufferedAmountLow { .. } => {}
                other => panic!("{other:?}"),
            }
        }
    }
}
