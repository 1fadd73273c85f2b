//! What is larger than a message, between sessions.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "most events say nothing here"
)]

use alloc::vec;
use alloc::vec::Vec;

use crate::mock::{BackendId, Conditions, MockBackend, MockSignaling, Network};
use crate::{
    Duration, Event, MeshConfig, Payload, PeerId, Session, SessionConfig, Target, TransferError,
    TransferEvent, TransferId, TransferMode,
};

pub(super) type Player = Session<MockBackend, MockSignaling>;

const FRAME: Duration = Duration::from_millis(16);

pub(super) struct Duo {
    pub(super) network: Network,
    pub(super) ids: [BackendId; 2],
    pub(super) players: [Player; 2],
    pub(super) peers: [PeerId; 2],
    /// What each was told of transfers.
    pub(super) told: [Vec<(TransferId, TransferEvent)>; 2],
    /// What each was told that is neither that nor a packet.
    pub(super) others: [Vec<Event>; 2],
    packets: [usize; 2],
}

impl Duo {
    fn new(max_transfers: [usize; 2]) -> Self {
        Self::with(max_transfers.map(|max_transfer| MeshConfig {
            max_transfer,
            ..MeshConfig::default()
        }))
    }

    pub(super) fn with(configs: [MeshConfig; 2]) -> Self {
        let network = Network::new(11);
        network.set_conditions(Conditions {
            latency: Duration::from_millis(20),
            jitter: Duration::from_millis(5),
            loss: 0.02,
            ..Conditions::default()
        });
        let mut ids = Vec::new();
        let players = configs.map(|mesh| {
            let (backend, signaling) = (network.backend(), network.signaling("demo"));
            ids.push(backend.id());
            let config = SessionConfig {
                mesh,
                ..SessionConfig::default()
            };
            Session::new(backend, signaling, config)
        });
        let mut duo = Self {
            network,
            ids: [ids[0], ids[1]],
            players,
            peers: [PeerId::SERVER; 2],
            told: Default::default(),
            others: Default::default(),
            packets: [0; 2],
        };
        duo.run(Duration::from_secs(2));
        duo.peers = [0, 1].map(|player| duo.players[1 - player].unique_id().unwrap());
        for others in &mut duo.others {
            others.clear();
        }
        duo
    }

    pub(super) fn run(&mut self, span: Duration) {
        let target = self.network.now() + span;
        while self.network.now() < target {
            self.run_frame(FRAME);
        }
    }

    /// Lets so much time pass, and polls both once.
    fn run_frame(&mut self, frame: Duration) {
        self.network.advance(frame);
        for (player, session) in self.players.iter_mut().enumerate() {
            while let Some(event) = session.poll() {
                match event {
                    Event::Transfer {
                        transfer, event, ..
                    } => self.told[player].push((transfer, event)),
                    Event::Packet(_) => self.packets[player] += 1,
                    other => self.others[player].push(other),
                }
            }
        }
    }

    pub(super) fn send(&mut self, from: usize, name: &str, bytes: Vec<u8>) -> TransferId {
        let peer = self.peers[from];
        self.players[from].send_transfer(peer, name, bytes).unwrap()
    }

    /// What a player has received, by its name.
    pub(super) fn received(&self, player: usize) -> Vec<(&str, &Payload)> {
        let told = &self.told[player];
        let received = told.iter().filter_map(|(id, event)| {
            let TransferEvent::Received(payload) = event else {
                return None;
            };
            let begun = told.iter().find_map(|(of, event)| match event {
                TransferEvent::Begun { name, .. } if of == id => Some(name.as_str()),
                _ => None,
            });
            Some((begun.unwrap(), payload))
        });
        received.collect()
    }
}

pub(super) fn noise(bytes: usize, seed: u32) -> Vec<u8> {
    let mut state = seed | 1;
    let next = |_| {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state.to_be_bytes()[0]
    };
    (0..bytes).map(next).collect()
}

const DEFAULT: [usize; 2] = [16 * 1024 * 1024; 2];

#[test]
fn both_sides_transfer_at_once_and_are_told_how_far_it_is() {
    let mut duo = Duo::new(DEFAULT);
    let (there, back) = (noise(3_000_000, 1), noise(1_000_000, 2));
    let id = duo.send(0, "map", there.clone());
    let empty = duo.send(0, "", Vec::new());
    duo.send(1, "face", back.clone());
    let mut sent = Vec::new();
    for _ in 0..300 {
        duo.run(FRAME);
        let info = duo.players[0].transfers_to(duo.peers[0]).next();
        sent.extend(info.map(|info| (info.bytes_sent, info.bytes)));
    }
    let all = [
        ("map", &Payload::from(there)),
        ("", &Payload::from(Vec::new())),
    ];
    assert_eq!(duo.received(1), all);
    assert_eq!(duo.received(0), [("face", &Payload::from(back))]);
    assert!(sent.is_sorted() && sent.len() > 3, "{sent:?}");
    assert!(duo.told[0].contains(&(id, TransferEvent::Sent)));
    assert!(duo.told[0].contains(&(empty, TransferEvent::Sent)));
    let progress = duo.told[1].iter().filter_map(|(_, event)| match event {
        TransferEvent::Progress { received, bytes } => Some((*received, *bytes)),
        _ => None,
    });
    let progress: Vec<_> = progress.collect();
    assert!(progress.is_sorted() && progress.len() > 1, "{progress:?}");
    assert!(duo.others.iter().all(Vec::is_empty), "{:?}", duo.others);
}

/// Each poll gives the backend what it has room for, and that room is more than a path carries between two polls.
#[test]
fn a_game_that_polls_once_a_frame_transfers_as_fast_as_another() {
    let took = |frame| {
        let mut duo = Duo::new(DEFAULT);
        // 16 MB/s.
        duo.network.set_conditions(Conditions {
            latency: Duration::from_millis(20),
            bandwidth: Some(16_000_000),
            ..Conditions::default()
        });
        duo.send(0, "map", noise(16_000_000, 1));
        let begun = duo.network.now();
        while duo.received(1).is_empty() {
            duo.run_frame(frame);
            assert!(duo.network.now() - begun < Duration::from_secs(10));
        }
        duo.network.now() - begun
    };
    let often = took(Duration::from_millis(1));
    for frame in [16, 33] {
        let seldom = took(Duration::from_millis(frame));
        assert!(seldom * 9 < often * 10, "{seldom:?} and {often:?}");
    }
}

#[test]
fn a_transfer_goes_on_over_another_link() {
    for changing in 0..2 {
        let mut duo = Duo::new(DEFAULT);
        let bytes = noise(8_000_000, 3);
        duo.send(0, "save", bytes.clone());
        duo.send(1, "echo", bytes.clone());
        duo.run(Duration::from_millis(100));
        assert!(duo.received(1).is_empty());
        duo.network.change_address(duo.ids[changing]);
        duo.run(Duration::from_secs(12));
        let bytes = Payload::from(bytes);
        assert_eq!(duo.received(1), [("save", &bytes)]);
        assert_eq!(duo.received(0), [("echo", &bytes)]);
        for player in 0..2 {
            let peer = duo.peers[player];
            let told = [Event::PeerInterrupted(peer), Event::PeerResumed(peer)];
            assert_eq!(duo.others[player], told);
            assert_eq!(duo.players[player].transfers_to(peer).count(), 0);
        }
    }
}

#[test]
fn a_transfer_is_given_up_or_refused_and_the_next_one_comes() {
    let mut duo = Duo::new(DEFAULT);
    let first = duo.send(0, "first", noise(4_000_000, 4));
    let second = duo.send(0, "second", noise(4_000_000, 5));
    let third = duo.send(0, "third", vec![7; 10]);
    let [peer, back] = duo.peers;
    duo.run(Duration::from_millis(60));
    assert!(duo.players[0].cancel_transfer(peer, first));
    assert!(
        !duo.players[0].cancel_transfer(peer, first),
        "it is given up"
    );
    let is_begun = |duo: &Duo, id| {
        let begun =
            |(of, event): &(_, _)| *of == id && matches!(event, TransferEvent::Begun { .. });
        duo.told[1].iter().any(begun)
    };
    while !is_begun(&duo, second) {
        duo.run(FRAME);
    }
    assert!(duo.players[1].refuse_transfer(back, second));
    assert!(
        !duo.players[1].refuse_transfer(back, second),
        "it is refused"
    );
    duo.run(Duration::from_secs(3));
    assert_eq!(duo.received(1), [("third", &Payload::from(vec![7; 10]))]);
    assert!(duo.told[1].contains(&(first, TransferEvent::Cancelled)));
    assert!(duo.told[0].contains(&(second, TransferEvent::Refused)));
    assert!(duo.told[0].contains(&(third, TransferEvent::Sent)));
    let later = duo.told[1].iter().rev().take_while(|(id, _)| *id != second);
    assert!(later.count() >= 2, "nothing more is told of it");
    assert!(duo.others.iter().all(Vec::is_empty), "{:?}", duo.others);
}

#[test]
fn what_cannot_be_transferred_is_refused_at_once() {
    let mut duo = Duo::new([20_000_000, 1000]);
    let [peer, _] = duo.peers;
    let mut send = |peer, name: &str, bytes| {
        let bytes = vec![0; bytes];
        duo.players[0].send_transfer(peer, name, bytes)
    };
    let (size, limit) = (1001, 1000);
    assert_eq!(
        send(peer, "x", 1001),
        Err(TransferError::TooLarge { size, limit })
    );
    let stranger = PeerId::new(99).unwrap();
    let unknown = TransferError::NotConnected { peer: stranger };
    assert_eq!(send(stranger, "x", 1), Err(unknown));
    let size = 1025;
    assert_eq!(
        send(peer, &"x".repeat(size), 1),
        Err(TransferError::NameTooLong { size })
    );
    send(peer, "x", 1000).unwrap();

    let mut duo = Duo::new([20_000_000, 0]);
    for player in 0..2 {
        let peer = duo.peers[player];
        let sent = duo.players[player].send_transfer(peer, "x", vec![1]);
        assert_eq!(sent, Err(TransferError::Unsupported { peer }));
    }
}

#[test]
fn the_messages_of_the_game_do_not_wait_for_a_transfer() {
    let mut duo = Duo::new(DEFAULT);
    duo.send(0, "level", noise(16 * 1024 * 1024, 6));
    for _ in 0..20 {
        let sent = duo.players[0].send(Target::All, TransferMode::Reliable, "here");
        assert!(sent.unwrap().is_complete());
        duo.run(FRAME);
    }
    let before = duo.packets[1];
    assert!(before > 10, "{before}");
}

#[test]
fn a_game_that_does_not_poll_is_not_flooded() {
    let mut duo = Duo::new(DEFAULT);
    for _ in 0..4 {
        duo.send(0, "level", noise(16 * 1024 * 1024, 7));
    }
    // The receiver stands still for longer than all of it takes.
    let until = duo.network.now() + Duration::from_secs(10);
    while duo.network.now() < until {
        duo.network.advance(FRAME);
        while duo.players[0].poll().is_some() {}
    }
    duo.run(Duration::from_secs(20));
    assert_eq!(duo.received(1).len(), 4);
    assert!(duo.others.iter().all(Vec::is_empty), "{:?}", duo.others);
}
