//! Whole sessions on the mock: what a user of it writes.

use alloc::vec::Vec;

use crate::mock::{Conditions, MockBackend, MockSignaling, Network};
use crate::{Duration, Event, Session, SessionConfig, Target, TransferMode};

type Player = Session<MockBackend, MockSignaling>;

/// Sessions in one lobby, and what each was told.
struct Party {
    network: Network,
    players: Vec<(Player, Vec<Event>)>,
}

impl Party {
    fn new(seed: u64, count: usize) -> Self {
        let network = Network::new(seed);
        let players = (0..count)
            .map(|_| {
                let (backend, signaling) = (network.backend(), network.signaling("demo"));
                (
                    Session::new(backend, signaling, SessionConfig::default()),
                    Vec::new(),
                )
            })
            .collect();
        Self { network, players }
    }

    fn run(&mut self, span: Duration) {
        let target = self.network.now() + span;
        while self.network.now() < target {
            self.network.advance(Duration::from_millis(16));
            for (session, events) in &mut self.players {
                events.extend(session.poll());
            }
        }
    }

    fn count(&self, player: usize, what: fn(&Event) -> bool) -> usize {
        self.players[player].1.iter().filter(|e| what(e)).count()
    }
}

#[test]
fn a_lobby_connects_and_talks() {
    let mut party = Party::new(1, 5);
    party.network.set_conditions(Conditions {
        latency: Duration::from_millis(30),
        jitter: Duration::from_millis(10),
        loss: 0.05,
        ..Conditions::default()
    });
    party.run(Duration::from_secs(10));
    for (session, _) in &mut party.players {
        let sent = session.send(Target::All, TransferMode::Reliable, "hello");
        assert_eq!(sent.unwrap().accepted, 4);
    }
    party.run(Duration::from_secs(10));
    for player in 0..5 {
        assert_eq!(
            party.count(player, |event| matches!(event, Event::PeerConnected(_))),
            4
        );
        assert_eq!(
            party.count(player, |event| matches!(event, Event::Packet(_))),
            4
        );
        assert_eq!(
            party.count(player, |event| matches!(event, Event::PeerFailed { .. })),
            0
        );
    }
}

#[test]
fn signaling_may_be_lost_without_harm() {
    let mut party = Party::new(1, 3);
    party.run(Duration::from_secs(5));
    party.network.stop_signaling();
    party.run(Duration::from_secs(5));
    for player in 0..3 {
        assert_eq!(
            party.count(player, |event| matches!(event, Event::SignalingLost(_))),
            1
        );
        assert_eq!(
            party.count(player, |event| matches!(
                event,
                Event::PeerDisconnected { .. }
            )),
            0
        );
    }
}

#[test]
fn when_everybody_has_gone_nothing_is_left() {
    let mut party = Party::new(1, 4);
    party.run(Duration::from_secs(5));
    party.players.clear();
    party.network.run_until_idle();
    assert_eq!(party.network.usage(), Default::default());
}
