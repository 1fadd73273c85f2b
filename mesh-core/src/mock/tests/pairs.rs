//! What a game is told when messages take another path.

use alloc::vec::Vec;

use crate::mock::{BackendId, MockBackend, MockSignaling, Network};
use crate::{
    CandidateType, Duration, Event, LinkStats, PathKind, Session, SessionConfig, TransportProtocol,
};

type Player = Session<MockBackend, MockSignaling>;

/// Two who have met, and what they were told since.
struct Two {
    network: Network,
    ids: [BackendId; 2],
    players: [Player; 2],
}

impl Two {
    fn new() -> Self {
        let network = Network::new(1);
        let backends = [network.backend(), network.backend()];
        let ids = [backends[0].id(), backends[1].id()];
        let players = backends.map(|backend| {
            let signaling = network.signaling("demo");
            Session::new(backend, signaling, SessionConfig::default())
        });
        let mut two = Self {
            network,
            ids,
            players,
        };
        for told in two.run(Duration::from_secs(3)) {
            let connected = |event: &Event| matches!(event, Event::PeerConnected(_));
            assert!(told.iter().any(connected));
            assert_eq!(changes(&told), [], "the first pair is no change");
        }
        two
    }

    fn run(&mut self, span: Duration) -> [Vec<Event>; 2] {
        let mut told = [Vec::new(), Vec::new()];
        let end = self.network.now() + span;
        while self.network.now() < end {
            self.network.advance(Duration::from_millis(16));
            for (told, player) in told.iter_mut().zip(&mut self.players) {
                while let Some(event) = player.poll() {
                    told.push(event);
                }
            }
        }
        told
    }

    /// What the first one knows of its link to the second.
    fn link(&self) -> LinkStats {
        let peer = self.players[1].unique_id().unwrap();
        self.players[0].stats(peer).unwrap().link
    }
}

fn changes(told: &[Event]) -> Vec<(PathKind, PathKind)> {
    let changes = told.iter().filter_map(|event| {
        let Event::PeerPathChanged { from, to, .. } = event else {
            return None;
        };
        Some((*from, *to))
    });
    changes.collect()
}

#[test]
fn another_pair_is_told_and_counted_on_both_sides() {
    let mut two = Two::new();
    let (direct, relayed) = (PathKind::Direct, PathKind::Relayed);
    let before = two.link();
    assert_eq!(before.path(), Some(direct));
    assert_eq!(before.protocol, Some(TransportProtocol::Udp));
    assert_eq!(before.pair_changes, 0);

    two.network.set_relayed(two.ids[1], true);
    two.network.set_relayed(two.ids[1], true);
    for told in two.run(Duration::from_secs(1)) {
        assert_eq!(changes(&told), [(direct, relayed)]);
    }
    let after = two.link();
    assert_eq!(after.local, Some(CandidateType::Host));
    assert_eq!(after.remote, Some(CandidateType::Relay));
    assert_eq!(after.pair_changes, 1);

    // The other side has a relay, too: another pair of the same kind.
    two.network.set_relayed(two.ids[0], true);
    for told in two.run(Duration::from_secs(1)) {
        assert_eq!(changes(&told), []);
    }
    assert_eq!(two.link().pair_changes, 2);
}

#[test]
fn another_connection_begins_to_count_anew_and_a_path_of_the_same_kind_is_no_news() {
    let mut two = Two::new();
    two.network.set_relayed(two.ids[1], true);
    two.run(Duration::from_secs(1));
    assert_eq!(two.link().pair_changes, 1);
    two.network.change_address(two.ids[0]);
    for told in two.run(Duration::from_secs(10)) {
        let is_resumed = |event: &Event| matches!(event, Event::PeerResumed(_));
        assert!(told.iter().any(is_resumed));
        assert_eq!(changes(&told), []);
    }
    let link = two.link();
    assert_eq!(
        (link.path(), link.pair_changes),
        (Some(PathKind::Relayed), 0)
    );
}
