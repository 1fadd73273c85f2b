//! Whole matches on the network in memory.
#![expect(
    clippy::unwrap_used,
    clippy::panic,
    reason = "a test fails by panicking"
)]

#[path = "../examples/duel/bot.rs"]
mod bot;
#[path = "../examples/duel/game.rs"]
mod game;
mod support;

use ggrs::{Frame, SessionBuilder};
use ggrs_webrtc_multiplayer::{Bridge, Dropped, Seats, SeatsError};
use mesh_core::mock::{Conditions, MockBackend, MockSignaling, Network};
use mesh_core::{
    ChannelIndex, Duration, Event, Session, SessionConfig, Target, Topology, TransferMode,
};

use crate::game::{Duel, Game};
use crate::support::{Player, SETTLED, assert_same, until};

type MockPlayer = Player<MockBackend, MockSignaling>;

/// One frame at 60 Hz.
const FRAME: Duration = Duration::from_micros(16_667);

/// A round trip of 60 ms and more, and 5 % of all datagrams lost each way.
const BAD: Conditions = Conditions {
    latency: Duration::from_millis(30),
    jitter: Duration::from_millis(10),
    loss: 0.05,
    reorder: 0.02,
    bandwidth: None,
    queue: Duration::from_millis(100),
};

/// So many members of a lobby that is sealed when all are there.
fn lobby(network: &Network, members: usize, players: usize) -> Vec<MockPlayer> {
    let session = |_| {
        let signaling = network.signaling("duel");
        Session::new(network.backend(), signaling, SessionConfig::default())
    };
    let mut all: Vec<_> = (0..members)
        .map(session)
        .map(|session| Player::new(session, players))
        .collect();
    let is_full = |all: &[MockPlayer]| {
        let mut met = all.iter().map(|one| one.session.roster().present().count());
        met.all(|others| others + 1 == members)
    };
    until(&mut all, "all there", || network.advance(FRAME), is_full);
    let first = all.first().unwrap();
    assert_eq!(
        first.bridge.seats(&first.session, players),
        Err(SeatsError::NotSealed)
    );
    all.iter_mut()
        .find(|one| one.session.unique_id().is_some_and(|id| id.is_server()))
        .unwrap()
        .session
        .seal()
        .unwrap();
    all
}

fn play(network: &Network, players: &mut [MockPlayer], frames: Frame) {
    let is_played = |players: &[MockPlayer]| {
        let mut all = players.iter();
        all.all(|player| player.confirmed() >= frames + SETTLED)
    };
    until(players, "played", || network.advance(FRAME), is_played);
}

#[test]
fn three_thousand_frames_on_a_lossy_path_without_a_desync() {
    let network = Network::new(16);
    network.set_conditions(BAD);
    let mut players = lobby(&network, 2, 2);
    play(&network, &mut players, 3_000);

    let [one, other] = players.as_slice() else {
        panic!("two players")
    };
    assert_same(one, other, 3_000);
    for player in &players {
        assert_eq!(player.desyncs, [], "rolled back {}", player.game.rollbacks);
        assert!(player.given_up.is_empty());
        let Dropped {
            undecodable,
            overflowed,
            ..
        } = player.bridge.dropped();
        assert_eq!((undecodable, overflowed), (0, 0));
    }
    // Most are on the side that is ahead. Without any the path was too good for the test to mean something.
    let rollbacks: u32 = players.iter().map(|player| player.game.rollbacks).sum();
    assert!(rollbacks > 100, "{rollbacks}");
}

#[test]
fn a_game_that_is_not_the_same_for_both_is_noticed() {
    let network = Network::new(17);
    let mut players = lobby(&network, 2, 2);
    play(&network, &mut players, 60);
    let ship = players[0].game.state.ships.first_mut().unwrap();
    ship.hits += 1;
    let is_noticed = |players: &[MockPlayer]| {
        let mut all = players.iter();
        all.all(|player| !player.desyncs.is_empty())
    };
    let pass = || network.advance(FRAME);
    until(&mut players, "noticed", pass, is_noticed);
}

#[test]
fn the_duel_is_deterministic_by_itself() {
    let mut session = SessionBuilder::<Duel>::new()
        .with_check_distance(7)
        .start_synctest_session()
        .unwrap();
    let mut game = Game::new(2);
    for frame in 0..3_000 {
        for player in 0..2 {
            session
                .add_local_input(player, bot::buttons(player, frame))
                .unwrap();
        }
        game.handle(session.advance_frame().unwrap());
    }
    let hits: u32 = game.state.ships.iter().map(|ship| ship.hits).sum();
    assert!(hits > 0, "the players never met");
}

#[test]
fn three_play_and_one_watches() {
    let network = Network::new(18);
    network.set_conditions(Conditions {
        latency: Duration::from_millis(20),
        loss: 0.01,
        ..Conditions::default()
    });
    let mut members = lobby(&network, 4, 3);
    play(&network, &mut members, 300);
    let seats: Vec<Seats> = members.iter().filter_map(|one| one.seats.clone()).collect();
    assert!(
        seats
            .iter()
            .all(|them| them.players() == seats[0].players())
    );
    let watches = |member: &&MockPlayer| {
        let seats = member.seats.as_ref().unwrap();
        seats.own_handle().is_none()
    };
    assert_eq!(members.iter().filter(watches).count(), 1);
    let spectator = members.iter().find(watches).unwrap();
    let players: Vec<_> = members.iter().filter(|it| !watches(it)).collect();
    let [one, two, three] = players.as_slice() else {
        panic!("three players")
    };
    assert_same(one, two, 300);
    assert_same(two, three, 300);
    // It saves no frame, so what it has seen is judged by where it stands.
    let stands = spectator.game.state.checksum();
    let mut frames = one.game.checksums.range(300..);
    assert!(frames.any(|(_, checksum)| *checksum == stands));
    assert!(members.iter().all(|member| member.desyncs.is_empty()));
}

#[test]
fn a_game_goes_on_when_a_player_leaves() {
    let network = Network::new(19);
    let mut players = lobby(&network, 3, 3);
    play(&network, &mut players, 100);
    let mut leaver = players.pop().unwrap();
    let _leaving = leaver.session.leave();
    // The clock of GGRS is the real one, and would have it wait for two minutes here.
    play(&network, &mut players, 400);
    let [one, other] = players.as_slice() else {
        panic!("two players")
    };
    assert_same(one, other, 400);
    assert!(players.iter().all(|player| player.desyncs.is_empty()));
}

#[test]
fn other_messages_go_past_ggrs_and_nonsense_is_counted() {
    let network = Network::new(20);
    let begin = network.now();
    let mut sessions: Vec<_> = (0..2)
        .map(|_| {
            let signaling = network.signaling("chat");
            Session::new(network.backend(), signaling, SessionConfig::default())
        })
        .collect();
    let mut bridges = [Bridge::new(), Bridge::new()];
    let mut heard = Vec::new();
    let mut met = 0;
    let mut is_said = false;
    while heard.is_empty() || bridges[1].dropped().undecodable == 0 {
        network.advance(FRAME);
        for (session, bridge) in sessions.iter_mut().zip(&mut bridges) {
            while let Some(event) = bridge.poll(session) {
                if let Event::Packet(packet) = event {
                    heard.push(packet.payload);
                } else if matches!(event, Event::PeerConnected(_)) {
                    met += 1;
                }
            }
        }
        if met == 2 && !is_said {
            is_said = true;
            let session = sessions.first_mut().unwrap();
            session
                .send(Target::All, TransferMode::Reliable, "hello")
                .unwrap();
            session
                .send(Target::All, TransferMode::Unreliable, b"no GGRS")
                .unwrap();
        }
        let is_soon = network.now() - begin < Duration::from_secs(60);
        assert!(is_soon, "{met} met, heard {heard:?}, {bridges:?}");
    }
    assert_eq!(heard.len(), 1);
    assert_eq!(heard[0].text(), Some("hello"));
}

#[test]
fn a_bridge_that_was_made_after_the_seal_knows_the_seats() {
    let network = Network::new(22);
    let mut players = lobby(&network, 2, 2);
    let is_ready = |players: &[MockPlayer]| players.iter().all(|player| player.seats.is_some());
    let pass = || network.advance(FRAME);
    until(&mut players, "ready", pass, is_ready);
    for player in players {
        // For a second match in the same lobby, for example.
        let seats = Bridge::new().seats(&player.session, 2);
        assert_eq!(seats.ok(), player.seats);
    }
}

#[test]
fn a_star_is_no_place_for_a_rollback_game() {
    let network = Network::new(21);
    let signaling = network.signaling_with("star", Topology::ClientServer);
    let mut session = Session::new(network.backend(), signaling, SessionConfig::default());
    let mut bridge = Bridge::with_channel(ChannelIndex(2));
    assert_eq!(bridge.seats(&session, 1), Err(SeatsError::NotJoined));
    for _ in 0..10 {
        network.advance(FRAME);
        while bridge.poll(&mut session).is_some() {}
    }
    assert_eq!(bridge.seats(&session, 1), Err(SeatsError::NoMesh));
}
