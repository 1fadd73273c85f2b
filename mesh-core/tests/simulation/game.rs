//! One participant: sends numbered messages, and checks all it hears.

use std::collections::BTreeMap;
use std::fmt::Write;

use mesh_core::mock::{BackendId, MockBackend, MockSignaling, Network};
use mesh_core::{
    DisconnectReason, Duration, Event, LobbyEvent, MeshConfig, Packet, PeerId, Session,
    SessionConfig, Target, TransferMode,
};

/// A game in the simulation.
pub(crate) struct Game {
    pub(crate) session: Session<MockBackend, MockSignaling>,
    pub(crate) backend: BackendId,
    pub(crate) id: Option<PeerId>,
    /// Connected peers as the game was told.
    pub(crate) present: BTreeMap<PeerId, Heard>,
    /// The next number, by peer and mode.
    next: BTreeMap<(PeerId, TransferMode), u64>,
}

/// What was heard from a peer since it connected: the last number of each mode, and all unordered ones.
#[derive(Default)]
pub(crate) struct Heard {
    last: BTreeMap<TransferMode, u64>,
    unordered: std::collections::BTreeSet<u64>,
}

impl Game {
    pub(crate) fn new(network: &Network, lobby: &str) -> Self {
        let backend = network.backend();
        let name = backend.id();
        let signaling = network.signaling(lobby);
        // Short, so that links are lost and made anew.
        let config = SessionConfig {
            mesh: MeshConfig {
                resume_window: Duration::from_secs(2),
                ..MeshConfig::default()
            },
            ..SessionConfig::default()
        };
        Self {
            session: Session::new(backend, signaling, config),
            backend: name,
            id: None,
            present: BTreeMap::new(),
            next: BTreeMap::new(),
        }
    }

    /// Sends a numbered message to every connected peer.
    pub(crate) fn speak(&mut self, mode: TransferMode) {
        for peer in self.present.keys().copied().collect::<Vec<_>>() {
            let next = self.next.entry((peer, mode)).or_default();
            let sent = self
                .session
                .send(Target::One(peer), mode, next.to_le_bytes().as_slice());
            // One that is going refuses; only what was taken has a number.
            if sent.is_ok_and(|sent| sent.is_complete()) {
                *next += 1;
            }
        }
    }

    /// One frame: hears everything, and complains about what must never be heard.
    pub(crate) fn frame(&mut self, trace: &mut String) {
        let name = self.backend.index();
        while let Some(event) = self.session.poll() {
            writeln!(trace, "{name} {event:?}").unwrap();
            match event {
                Event::Joined { id, .. } => self.id = Some(id),
                Event::PeerConnected(peer) => {
                    let again = self.present.insert(peer, Heard::default());
                    assert!(again.is_none(), "{name}: {peer} connected twice");
                }
                Event::PeerDisconnected { peer, reason } => {
                    assert!(
                        self.present.remove(&peer).is_some(),
                        "{name}: a stranger left"
                    );
                    assert_ne!(reason, DisconnectReason::Removed);
                    for mode in TransferMode::ALL {
                        self.next.remove(&(peer, mode));
                    }
                }
                Event::PeerFailed { peer, .. } => {
                    assert!(
                        !self.present.contains_key(&peer),
                        "{name}: {peer} failed while connected"
                    );
                }
                Event::PeerInterrupted(peer) | Event::PeerResumed(peer) => {
                    assert!(
                        self.present.contains_key(&peer),
                        "{name}: news of a stranger"
                    );
                }
                Event::Packet(packet) => {
                    let heard = self
                        .present
                        .get_mut(&packet.from)
                        .unwrap_or_else(|| panic!("{name}: a packet of a stranger"));
                    heard.hear(&packet);
                }
                Event::Lobby(LobbyEvent::Complete) => {}
                other => panic!("{name}: unexpected {other:?}"),
            }
        }
    }
}

impl Heard {
    fn hear(&mut self, packet: &Packet) {
        let bytes = packet.payload.bytes().as_ref().try_into();
        let number = u64::from_le_bytes(bytes.expect("eight bytes"));
        let last = self.last.insert(packet.mode, number);
        match packet.mode {
            // Numbers begin anew with each connection, so that also the first one cannot be missing.
            TransferMode::Reliable => {
                assert_eq!(
                    number,
                    last.map_or(0, |last| last + 1),
                    "a reliable message is missing"
                );
            }
            TransferMode::UnreliableOrdered => {
                assert!(last.is_none_or(|last| last < number), "overtaken")
            }
            TransferMode::Unreliable => assert!(self.unordered.insert(number), "came twice"),
        }
    }
}
