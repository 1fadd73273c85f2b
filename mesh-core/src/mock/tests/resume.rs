//! Peers that go on over another link when their own is gone for good.
#![expect(
    clippy::wildcard_enum_match_arm,
    reason = "most events say nothing here"
)]

use alloc::vec::Vec;
use core::iter;

use crate::mock::{BackendId, Conditions, MockBackend, MockSignaling, Network};
use crate::{
    DisconnectReason, Duration, Event, MeshConfig, Session, SessionConfig, Target, TransferMode,
};

type Player = Session<MockBackend, MockSignaling>;

const FRAME: Duration = Duration::from_millis(16);

/// Some sessions in one lobby that number what they say.
struct Party {
    network: Network,
    ids: Vec<BackendId>,
    players: Vec<Player>,
    /// What each was told that is no packet.
    told: Vec<Vec<Event>>,
    /// What each heard on the reliable channel.
    heard: Vec<Vec<u32>>,
    /// How many unreliable messages each heard since it was told something last.
    fresh: Vec<u32>,
    said: u32,
}

impl Party {
    fn new(seed: u64, count: usize, config: &SessionConfig) -> Self {
        let network = Network::new(seed);
        network.set_conditions(Conditions {
            latency: Duration::from_millis(30),
            jitter: Duration::from_millis(10),
            loss: 0.05,
            ..Conditions::default()
        });
        let mut ids = Vec::new();
        let players = (0..count).map(|_| {
            let (backend, signaling) = (network.backend(), network.signaling("demo"));
            ids.push(backend.id());
            Session::new(backend, signaling, config.clone())
        });
        let players = players.collect();
        let mut party = Self {
            network,
            ids,
            players,
            told: iter::repeat_with(Vec::new).take(count).collect(),
            heard: iter::repeat_with(Vec::new).take(count).collect(),
            fresh: iter::repeat_n(0, count).collect(),
            said: 0,
        };
        party.run(Duration::from_secs(3), false);
        for told in &mut party.told {
            let connected = |event: &&Event| matches!(event, Event::PeerConnected(_));
            assert_eq!(told.iter().filter(connected).count(), count - 1);
            told.clear();
        }
        party
    }

    /// Lets time pass, while everybody says a number in each frame or not.
    fn run(&mut self, span: Duration, speaking: bool) {
        let target = self.network.now() + span;
        while self.network.now() < target {
            for session in self.players.iter_mut().filter(|_| speaking) {
                let number = self.said.to_be_bytes().to_vec();
                let sent = session
                    .send(Target::All, TransferMode::Reliable, number)
                    .unwrap();
                assert!(sent.refused.is_empty());
                let stale = session.send(Target::All, TransferMode::Unreliable, "where I am");
                stale.unwrap();
            }
            self.said += u32::from(speaking);
            self.network.advance(FRAME);
            for (player, session) in self.players.iter_mut().enumerate() {
                while let Some(event) = session.poll() {
                    match event {
                        Event::Packet(packet) if packet.mode.is_reliable() => {
                            let number = packet.payload.bytes().first_chunk().unwrap();
                            self.heard[player].push(u32::from_be_bytes(*number));
                        }
                        Event::Packet(_) => self.fresh[player] += 1,
                        event => {
                            self.fresh[player] = 0;
                            self.told[player].push(event);
                        }
                    }
                }
            }
        }
    }

    /// What each player heard must be all that one other said, in order.
    fn expect_all(&self) {
        let all: Vec<u32> = (0..self.said).collect();
        for heard in &self.heard {
            assert_eq!(*heard, all);
        }
    }

    fn told_resumed(&self, player: usize, other: usize) {
        let peer = self.players[other].unique_id().unwrap();
        let expected = [Event::PeerInterrupted(peer), Event::PeerResumed(peer)];
        assert_eq!(self.told[player], expected);
    }
}

#[test]
fn a_new_address_is_an_interruption() {
    for changing in 0..2 {
        let mut party = Party::new(7, 2, &SessionConfig::default());
        party.run(Duration::from_secs(2), true);
        let first = party.players[0].multiplayer().peers().next().unwrap();
        party.network.change_address(party.ids[changing]);
        party.run(Duration::from_secs(10), true);
        party.run(Duration::from_secs(2), false);
        party.expect_all();
        for player in 0..2 {
            party.told_resumed(player, 1 - player);
            // The unreliable channels go on, too.
            assert!(party.fresh[player] > 50, "{}", party.fresh[player]);
        }
        let second = party.players[0].multiplayer().peers().next().unwrap();
        assert_eq!(first.id, second.id);
        assert_ne!(first.connection, second.connection);
        assert_eq!(party.network.usage().links, 2, "the first one is closed");
    }
}

#[test]
fn what_was_said_last_arrives_though_nobody_says_more() {
    for late in [false, true] {
        let mut party = Party::new(13, 2, &SessionConfig::default());
        if late {
            party.network.change_address(party.ids[0]);
            party.run(Duration::from_millis(100), false);
            party.run(FRAME, true);
        } else {
            party.run(FRAME, true);
            party.network.change_address(party.ids[0]);
        }
        party.run(Duration::from_secs(10), false);
        party.expect_all();
    }
}

#[test]
fn who_leaves_while_the_path_is_broken_is_gone_with_the_path() {
    let mut party = Party::new(14, 2, &SessionConfig::default());
    let gone = party.players[1].unique_id().unwrap();
    party.network.change_address(party.ids[0]);
    party.run(Duration::from_secs(3), false);
    {
        // It closes at the call; nobody waits until that has gone out.
        let _leaving = party.players[1].leave();
    }
    party.run(Duration::from_secs(30), false);
    let reason = DisconnectReason::Lost;
    let expected = [
        Event::PeerInterrupted(gone),
        Event::PeerDisconnected { peer: gone, reason },
    ];
    assert_eq!(party.told[0], expected);
}

#[test]
fn it_may_change_again_and_again() {
    let mut party = Party::new(8, 2, &SessionConfig::default());
    for change in 0..6 {
        party.network.change_address(party.ids[change % 2]);
        // Long enough for the handshake to have begun, and not always to be done.
        party.run(Duration::from_millis(5000 + 97 * change as u64), true);
    }
    party.run(Duration::from_secs(12), true);
    party.run(Duration::from_secs(2), false);
    party.expect_all();
    for told in &party.told {
        let is_end = |event: &Event| matches!(event, Event::PeerDisconnected { .. });
        assert!(!told.iter().any(is_end), "{told:?}");
        assert!(
            matches!(told.last(), Some(Event::PeerResumed(_))),
            "{told:?}"
        );
    }
}

#[test]
fn with_the_signaling_down_it_waits_for_that() {
    let mut party = Party::new(9, 2, &SessionConfig::default());
    party.network.interrupt_signaling();
    party.run(Duration::from_secs(1), true);
    party.network.change_address(party.ids[0]);
    party.run(Duration::from_secs(12), true);
    let resumed = |told: &Vec<Event>| told.iter().any(|e| matches!(e, Event::PeerResumed(_)));
    assert!(!party.told.iter().any(resumed));
    party.network.start_signaling();
    party.run(Duration::from_secs(5), true);
    party.run(Duration::from_secs(1), false);
    party.expect_all();
    for told in &party.told {
        assert!(resumed(told), "{told:?}");
        let is_end = |event: &Event| matches!(event, Event::PeerDisconnected { .. });
        assert!(!told.iter().any(is_end), "{told:?}");
    }
}

#[test]
fn who_keeps_nothing_is_lost_and_meets_anew() {
    let config = SessionConfig {
        mesh: MeshConfig {
            resume_bytes: 0,
            resume_window: Duration::from_secs(6),
            ..MeshConfig::default()
        },
        ..SessionConfig::default()
    };
    let mut party = Party::new(10, 2, &config);
    party.network.change_address(party.ids[0]);
    party.run(Duration::from_secs(15), false);
    for player in 0..2 {
        let peer = party.players[1 - player].unique_id().unwrap();
        let expected = [
            Event::PeerInterrupted(peer),
            Event::PeerDisconnected {
                peer,
                reason: DisconnectReason::Lost,
            },
            Event::PeerConnected(peer),
        ];
        assert_eq!(party.told[player], expected);
    }
}

#[test]
fn a_far_side_that_is_gone_is_lost_after_the_window() {
    let mut party = Party::new(11, 2, &SessionConfig::default());
    party.network.kill(party.ids[1]);
    party.run(Duration::from_secs(40), false);
    let peer = party.players[1].unique_id().unwrap();
    let told: Vec<_> = party.told[0].iter().take(2).collect();
    let reason = DisconnectReason::Lost;
    let expected = [
        &Event::PeerInterrupted(peer),
        &Event::PeerDisconnected { peer, reason },
    ];
    assert_eq!(told, expected);
    assert_eq!(party.network.usage().links, 0);
}

#[test]
fn others_do_not_notice() {
    let mut party = Party::new(12, 4, &SessionConfig::default());
    party.network.change_address(party.ids[2]);
    party.run(Duration::from_secs(10), false);
    for (player, told) in party.told.iter().enumerate() {
        let expected = if player == 2 { 6 } else { 2 };
        assert_eq!(told.len(), expected, "{told:?}");
        let mine = party.players[2].unique_id().unwrap();
        let other = |event: &Event| match event {
            Event::PeerInterrupted(peer) | Event::PeerResumed(peer) => player != 2 && *peer != mine,
            _ => true,
        };
        assert!(!told.iter().any(other), "{told:?}");
    }
}
