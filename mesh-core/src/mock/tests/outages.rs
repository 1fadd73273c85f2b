//! Two sessions whose path fails for a while, and who do not agree on whether the other is gone.

use alloc::vec::Vec;
use core::iter;

use crate::mock::{BackendId, Conditions, MockBackend, MockConfig, MockSignaling, Network};
use crate::{DisconnectReason, Duration, Event, MeshConfig, Session, SessionConfig};

type Player = Session<MockBackend, MockSignaling>;

/// A host and a guest who are connected, and what they were told.
struct Pair {
    network: Network,
    ids: [BackendId; 2],
    players: [Player; 2],
    told: [Vec<Event>; 2],
}

impl Pair {
    /// One of the two waits 8 s before it says "disconnected", the other one 2 s.
    fn connected(patient: usize, window: Duration) -> Self {
        let network = Network::new(3);
        network.set_conditions(Conditions {
            latency: Duration::from_millis(100),
            ..Conditions::default()
        });
        let patience = MockConfig {
            ice_disconnected: Duration::from_secs(8),
            ..MockConfig::default()
        };
        let mut configs = [MockConfig::default(), MockConfig::default()];
        configs[patient] = patience;
        let backends = configs.map(|config| network.backend_with(config));
        let config = SessionConfig {
            mesh: MeshConfig {
                resume_window: window,
                ..MeshConfig::default()
            },
            ..SessionConfig::default()
        };
        let ids = [backends[0].id(), backends[1].id()];
        let players = backends
            .map(|backend| Session::new(backend, network.signaling("demo"), config.clone()));
        let mut pair = Self {
            network,
            ids,
            players,
            told: [Vec::new(), Vec::new()],
        };
        pair.run(Duration::from_secs(5), None);
        assert!(pair.are_connected());
        pair.told = [Vec::new(), Vec::new()];
        pair
    }

    /// Lets time pass; one of the two may be stopped.
    fn run(&mut self, span: Duration, stopped: Option<usize>) {
        let target = self.network.now() + span;
        while self.network.now() < target {
            self.network.advance(Duration::from_millis(10));
            for (number, player) in self.players.iter_mut().enumerate() {
                if Some(number) != stopped {
                    self.told[number].extend(iter::from_fn(|| player.poll()));
                }
            }
        }
    }

    fn are_connected(&self) -> bool {
        let has_peer = |player: &Player| player.peers().any(|peer| peer.connected);
        self.players.iter().all(has_peer)
    }
}

#[test]
fn two_that_disagree_on_who_left_meet_again() {
    for outage in [3900, 4200, 8000] {
        for patient in 0..2 {
            for stopped in [None, Some(0), Some(1)] {
                // Shorter than some of the outages.
                let window = Duration::from_secs(2);
                let mut pair = Pair::connected(patient, window);
                pair.network.partition(&pair.ids[..1], &pair.ids[1..]);
                pair.run(Duration::from_millis(outage), stopped);
                pair.network.heal();
                pair.run(Duration::from_secs(60), None);
                assert!(
                    pair.are_connected(),
                    "{outage} ms, patient {patient}, stopped {stopped:?}: {:#?}",
                    pair.told
                );
            }
        }
    }
}

#[test]
fn a_path_that_comes_back_within_the_window_brings_the_same_peer_back() {
    let window = MeshConfig::default().resume_window;
    assert_eq!(window, Duration::from_secs(25));
    // Silence of 2 s comes before the window, and a failed link within it is nothing new.
    for outage in [3, 10, 20, 26] {
        let mut pair = Pair::connected(1, window);
        pair.network.partition(&pair.ids[..1], &pair.ids[1..]);
        pair.run(Duration::from_secs(outage), None);
        pair.network.heal();
        pair.run(Duration::from_secs(60), None);
        let other = pair.players[1].unique_id().unwrap();
        assert_eq!(
            pair.told[0],
            [Event::PeerInterrupted(other), Event::PeerResumed(other)],
            "after {outage} s"
        );
    }
}

#[test]
fn after_the_window_the_peer_is_lost_and_met_anew() {
    let mut pair = Pair::connected(1, MeshConfig::default().resume_window);
    pair.network.partition(&pair.ids[..1], &pair.ids[1..]);
    pair.run(Duration::from_millis(26_900), None);
    let peer = pair.players[1].unique_id().unwrap();
    assert_eq!(pair.told[0], [Event::PeerInterrupted(peer)]);
    pair.run(Duration::from_millis(200), None);
    let reason = DisconnectReason::Lost;
    assert_eq!(
        pair.told[0][1..],
        [Event::PeerDisconnected { peer, reason }]
    );
    pair.network.heal();
    pair.run(Duration::from_secs(60), None);
    assert!(pair.are_connected());
    assert_eq!(pair.told[0].last(), Some(&Event::PeerConnected(peer)));
}
