//! One of the honest two.

use std::sync::Arc;
use std::sync::atomic::AtomicBool;
use std::time::{Duration, Instant};

use backend_native::testing::{Cures, SocketOptions};
use backend_native::{PlatformBackend, PlatformConfig};
use mesh_core::{
    ConnectionId, Event, LinkConfig, MeshConfig, Multiplayer, Payload, PeerId, SdpType,
    SessionDescription, TransferMode,
};

use super::Plan;
use super::figures::Figures;
use super::seat::Seat;

/// The ids of the honest two are 1 and 2.
const HONEST: u32 = 2;

pub(super) struct Honest {
    mesh: Multiplayer<PlatformBackend>,
    friend: PeerId,
    friendship: ConnectionId,
    seats: Vec<Seat>,
    next_peer: u32,
    next_attack: u64,
    is_connected: bool,
    asked: u64,
    received: u64,
    /// The question that was not answered yet: when it was sent, and whether anybody was hostile then.
    waits: Option<(Instant, bool)>,
    last_asked: Instant,
}

fn id(number: u32) -> PeerId {
    PeerId::new(number).expect("an id")
}

impl Honest {
    pub(super) fn new(own: u32, plan: &Plan, over: &Arc<AtomicBool>) -> Self {
        let mut backend = PlatformBackend::new(PlatformConfig::loopback()).expect("threads");
        backend.use_sockets(SocketOptions {
            cures: Cures {
                far_leaps: !plan.without_cure,
                ..Cures::default()
            },
            ..SocketOptions::default()
        });
        let mut mesh = Multiplayer::new(backend, MeshConfig::default());
        mesh.create_mesh(id(own), &[]).expect("a mesh");
        let friend = id(HONEST + 1 - own);
        let friendship = mesh.create_connection(LinkConfig::default());
        mesh.add_peer(friendship, friend, None).expect("a friend");
        Self {
            mesh,
            friend,
            friendship,
            seats: (0..plan.hostile).map(|_| Seat::new(plan, over)).collect(),
            next_peer: 100,
            next_attack: u64::from(own) * 7,
            is_connected: false,
            asked: 0,
            received: 0,
            waits: None,
            last_asked: Instant::now(),
        }
    }

    pub(super) fn begin(&mut self) {
        self.mesh.create_offer(self.friendship).expect("an offer");
    }

    pub(super) const fn is_connected(&self) -> bool {
        self.is_connected
    }

    pub(super) const fn is_waiting(&self) -> bool {
        self.waits.is_some()
    }

    pub(super) const fn asked(&self) -> u64 {
        self.asked
    }

    pub(super) const fn received(&self) -> u64 {
        self.received
    }

    /// Lets a hostile member in where a seat is free.
    pub(super) fn fill_seats(&mut self, figures: &mut Figures) {
        for seat in &mut self.seats {
            figures.bursts += seat.take_bursts();
            if seat.connection.is_none() {
                let connection = self.mesh.create_connection(LinkConfig::default());
                let peer = id(self.next_peer);
                self.next_peer += 1;
                self.mesh.add_peer(connection, peer, None).expect("a peer");
                self.mesh.create_offer(connection).expect("an offer");
                seat.connection = Some(connection);
            }
            if let (Ok(sdp), Some(connection)) = (seat.answers.try_recv(), seat.connection) {
                let sdp_type = SdpType::Answer;
                let description = SessionDescription { sdp_type, sdp };
                // It may have ended by now.
                let _ = self.mesh.set_remote_description(connection, description);
            }
        }
    }

    /// Takes everything that has happened, and returns what the friend must be told.
    pub(super) fn poll(&mut self, figures: &mut Figures) -> Vec<Event> {
        let mut to_friend = Vec::new();
        while let Some(event) = self.mesh.poll() {
            match event {
                Event::Packet(packet) if packet.from == self.friend => {
                    self.take(&packet.payload, figures);
                }
                Event::Description { connection, .. } | Event::Candidate { connection, .. }
                    if connection == self.friendship =>
                {
                    to_friend.push(event);
                }
                Event::Description {
                    connection,
                    description,
                } => self.offer(connection, description.sdp),
                Event::PeerConnected(peer) if peer == self.friend => self.is_connected = true,
                Event::PeerConnected(_) => figures.members += 1,
                Event::PeerInterrupted(peer) if peer == self.friend => figures.interruptions += 1,
                Event::PeerDisconnected { peer, reason } | Event::PeerFailed { peer, reason } => {
                    if peer == self.friend {
                        figures.parted.get_or_insert_with(|| format!("{reason:?}"));
                    } else {
                        *figures.ends.entry(format!("{reason:?}")).or_default() += 1;
                    }
                }
                _ => {}
            }
        }
        let mesh = &self.mesh;
        for seat in &mut self.seats {
            let is_there =
                |connection: &ConnectionId| mesh.peers().any(|peer| peer.connection == *connection);
            seat.connection = seat.connection.filter(is_there);
        }
        to_friend
    }

    /// Gives an offer to the member whose seat it is.
    fn offer(&mut self, connection: ConnectionId, sdp: String) {
        let mut seats = self.seats.iter();
        if let Some(seat) = seats.find(|seat| seat.connection == Some(connection)) {
            let _ = seat.offers.send((self.next_attack, sdp));
            self.next_attack += 1;
        }
    }

    /// Takes what the friend signals.
    pub(super) fn hear(&mut self, event: Event) {
        let (mesh, connection) = (&mut self.mesh, self.friendship);
        match event {
            Event::Description { description, .. } => mesh
                .set_remote_description(connection, description)
                .expect("taken"),
            Event::Candidate { candidate, .. } => {
                let _ = mesh.add_ice_candidate(connection, candidate);
            }
            _ => {}
        }
    }

    /// Asks the friend the next question, if the last one was answered and `pause` has passed since.
    pub(super) fn ask(&mut self, pause: Duration, is_besieged: bool) {
        if !self.is_connected || self.waits.is_some() || self.last_asked.elapsed() < pause {
            return;
        }
        self.last_asked = Instant::now();
        let question = [&b"?"[..], &self.asked.to_be_bytes()].concat();
        if self.tell(question) {
            self.waits = Some((self.last_asked, is_besieged));
            self.asked += 1;
        }
    }

    /// Answers a question; an answer ends its round trip.
    fn take(&mut self, payload: &Payload, figures: &mut Figures) {
        let bytes = payload.bytes();
        let number = u64::from_be_bytes(bytes[1..9].try_into().expect("nine bytes"));
        if bytes[0] == b'?' {
            assert_eq!(number, self.received, "a message was lost, or came twice");
            self.received += 1;
            // It fails where the two are parted, which is counted.
            let _ = self.tell([&b"!"[..], &bytes[1..]].concat());
        } else {
            assert_eq!(number + 1, self.asked, "the answer to another question");
            let (sent, is_besieged) = self.waits.take().expect("a question");
            if is_besieged {
                figures.besieged.push(sent.elapsed());
            } else {
                figures.quiet.push(sent.elapsed());
            }
        }
    }

    /// Whether the friend could be told.
    fn tell(&mut self, bytes: Vec<u8>) -> bool {
        let sent = self.mesh.send(self.friend, TransferMode::Reliable, bytes);
        sent.is_ok_and(|sent| sent.is_complete())
    }
}
