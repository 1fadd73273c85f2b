//! Whole sessions on the mock: what a user of it writes.

use alloc::format;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::iter;

use crate::mock::{BackendId, Conditions, MockBackend, MockSignaling, Network};
use crate::{
    Backend, Command, DisconnectReason, Duration, Event, Session, SessionConfig, Target,
    TransferMode,
};

type Player = Session<MockBackend, MockSignaling>;

/// Sessions in one lobby, and what each was told.
struct Party {
    network: Network,
    ids: Vec<BackendId>,
    players: Vec<(Player, Vec<Event>)>,
}

impl Party {
    fn new(seed: u64, count: usize) -> Self {
        let network = Network::new(seed);
        let mut ids = Vec::new();
        let players = (0..count)
            .map(|_| {
                let (backend, signaling) = (network.backend(), network.signaling("demo"));
                ids.push(backend.id());
                let session = Session::new(backend, signaling, SessionConfig::default());
                (session, Vec::new())
            })
            .collect();
        Self {
            network,
            ids,
            players,
        }
    }

    fn run(&mut self, span: Duration) {
        let target = self.network.now() + span;
        while self.network.now() < target {
            self.network.advance(Duration::from_millis(16));
            for (session, events) in &mut self.players {
                events.extend(iter::from_fn(|| session.poll()));
            }
        }
    }

    fn count(&self, player: usize, what: fn(&Event) -> bool) -> usize {
        self.players[player].1.iter().filter(|e| what(e)).count()
    }
}

#[test]
fn figures_are_there_without_asking_and_count_by_mode() {
    let mut party = Party::new(3, 2);
    party.network.set_conditions(Conditions {
        latency: Duration::from_millis(30),
        ..Conditions::default()
    });
    party.run(Duration::from_secs(3));
    let ids = [0, 1].map(|player: usize| party.players[player].0.unique_id().unwrap());
    let far = Target::One(ids[1]);
    let near = &mut party.players[0].0;
    for word in ["one", "three"] {
        near.send(far, TransferMode::Reliable, word).unwrap();
    }
    near.send(far, TransferMode::Unreliable, "more").unwrap();
    let too_large = vec![0; 1 << 20];
    near.send(far, TransferMode::Unreliable, too_large)
        .unwrap_err();
    party.run(Duration::from_secs(1));
    let [sent, received] = [0, 1].map(|player: usize| {
        let stats = party.players[player].0.stats(ids[1 - player]).unwrap();
        assert_eq!(stats.link.round_trip, Some(Duration::from_millis(60)));
        if player == 0 {
            stats.sent
        } else {
            stats.received
        }
    });
    assert_eq!(sent, received);
    let counts = |mode| (sent.of(mode).packets, sent.of(mode).bytes);
    assert_eq!(counts(TransferMode::Reliable), (2, 8));
    assert_eq!(counts(TransferMode::Unreliable), (1, 4));
    assert_eq!(counts(TransferMode::UnreliableOrdered), (0, 0));
    assert_eq!(party.players[0].0.stats(ids[0]), None, "of oneself");
    // What the channel refuses does not count.
    let near = &mut party.players[0].0;
    let mut taken = 0;
    while near
        .send(far, TransferMode::Reliable, vec![0; 10_000])
        .is_ok_and(|sent| sent.is_complete())
    {
        taken += 1;
    }
    let stats = near.stats(ids[1]).unwrap();
    assert_eq!(stats.sent.reliable.packets, 2 + taken);
    assert_eq!(stats.sent.reliable.bytes, 8 + taken * 10_000);
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

/// A leave reaches the others by two ways. What its signaling says in between must not make a failure of it.
#[test]
fn leaving_is_closed_though_the_signaling_hears_of_it_first() {
    let mut party = Party::new(1, 2);
    party.run(Duration::from_secs(5));
    let (leaver, _) = &mut party.players[1];
    let link = leaver.peers().next().unwrap().connection;
    let channel = TransferMode::Reliable.channel();
    let backend = leaver.multiplayer_mut().backend_mut();
    backend.execute(Command::CloseChannel { link, channel });
    party.run(Duration::from_millis(32));
    let id = party.players[1].0.signaling_mut().id();
    party.network.lose_signaling(id);
    party.run(Duration::from_secs(1));
    let ended = |event: &&Event| matches!(event, Event::PeerDisconnected { .. });
    let Some(Event::PeerDisconnected { reason, .. }) = party.players[0].1.iter().find(ended) else {
        panic!("nobody left");
    };
    assert_eq!(*reason, DisconnectReason::Closed);
}

#[test]
fn when_everybody_has_gone_nothing_is_left() {
    let mut party = Party::new(1, 4);
    party.run(Duration::from_secs(5));
    party.players.clear();
    party.network.run_until_idle();
    assert_eq!(party.network.usage(), Default::default());
}

/// A bad evening: loss, a partition, a killed player, no signaling for a while.
fn evening(seed: u64) -> String {
    let mut party = Party::new(seed, 5);
    party.network.set_conditions(Conditions {
        latency: Duration::from_millis(30),
        jitter: Duration::from_millis(30),
        loss: 0.1,
        reorder: 0.1,
        ..Conditions::default()
    });
    party.run(Duration::from_secs(3));
    party.network.partition(&party.ids[..2], &party.ids[2..]);
    party.network.stop_signaling();
    for (session, _) in &mut party.players {
        for mode in TransferMode::ALL {
            // Who is connected by now differs from seed to seed.
            let _ = session.send(Target::All, mode, "hello");
        }
    }
    party.run(Duration::from_secs(3));
    party.network.heal();
    party.network.start_signaling();
    party.network.kill(party.ids[4]);
    party.run(Duration::from_secs(20));
    let events: Vec<_> = party.players.iter().map(|(_, events)| events).collect();
    format!("{events:?}")
}

#[test]
fn a_bad_evening_is_the_same_every_time() {
    assert_eq!(evening(1), evening(1));
    assert_ne!(evening(1), evening(2));
}
