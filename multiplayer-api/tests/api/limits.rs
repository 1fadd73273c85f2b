//! Peers that take only small messages: they keep nothing from the others.

use mesh_core::mock::{MockConfig, Network};
use mesh_core::{
    Duration, Refused, RefusedReason, SendError, Session, SessionConfig, Target, Topology,
    TransferMode,
};
use multiplayer_api::{ApiConfig, ApiEvent, MultiplayerApi, SendBytesError};

use crate::kit::{client_among, id, poll, relay, server_of};

const MODE: TransferMode = TransferMode::Reliable;

fn too_large(peer: u32, limit: usize) -> Refused {
    let reason = RefusedReason::TooLarge { limit };
    Refused {
        peer: id(peer),
        reason,
    }
}

#[test]
fn in_a_broadcast_a_small_limit_refuses_one_peer_alone() {
    let mut api = server_of(3);
    api.peer_mut().limits.insert(id(3), 21);
    let sent = api.send_bytes(Target::All, MODE, &[7; 100]).unwrap();
    assert_eq!(sent.accepted, 2);
    // The limit is one of the data: a byte goes before it.
    assert_eq!(sent.refused, [too_large(3, 20)]);
    let sent = api
        .send_bytes(Target::AllExcept(id(2)), MODE, &[7; 20])
        .unwrap();
    assert_eq!((sent.accepted, sent.is_complete()), (2, true));
    // Of one named target it is the caller's fault.
    let error = SendError::TooLarge {
        size: 100,
        limit: 20,
    };
    assert_eq!(
        api.send_bytes(id(3), MODE, &[7; 100]),
        Err(SendBytesError::Peer(error))
    );
}

#[test]
fn what_would_wait_is_refused_for_its_size_at_once() {
    let mut api = server_of(2);
    api.peer_mut().limits.insert(id(3), 21);
    api.peer_mut().full.insert(id(3));
    api.peer_mut().receive(2, &relay(3, b"\x03x"));
    poll(&mut api);
    let sent = api.send_bytes(Target::All, MODE, &[7; 100]).unwrap();
    assert_eq!((sent.accepted, sent.refused), (1, vec![too_large(3, 20)]));
}

#[test]
fn a_server_with_a_small_limit_is_no_fault_of_a_client_that_sends_to_all() {
    let mut api = client_among(1);
    api.peer_mut().limits.insert(id(1), 27);
    let sent = api.send_bytes(Target::All, MODE, &[7; 100]).unwrap();
    assert_eq!((sent.accepted, sent.refused), (0, vec![too_large(1, 20)]));
}

#[test]
fn what_is_larger_than_this_side_can_send_is_the_callers_fault() {
    let mut api = server_of(2);
    api.peer_mut().limit = 51;
    let error = SendError::TooLarge {
        size: 100,
        limit: 50,
    };
    assert_eq!(
        api.send_bytes(Target::All, MODE, &[7; 100]),
        Err(SendBytesError::Peer(error))
    );
    assert_eq!(api.peer_mut().sent, []);
}

#[test]
fn a_client_with_a_small_limit_does_not_silence_its_server() {
    for seed in 0..8 {
        let network = Network::new(seed);
        let tiny = MockConfig {
            max_message_size: 20,
            ..MockConfig::default()
        };
        let mut players: Vec<_> = [MockConfig::default(), tiny, MockConfig::default()]
            .into_iter()
            .map(|config| {
                let backend = network.backend_with(config);
                let signaling = network.signaling_with("demo", Topology::ClientServer);
                let session = Session::new(backend, signaling, SessionConfig::default());
                (MultiplayerApi::new(session, ApiConfig::default()), 0)
            })
            .collect();
        let run = |players: &mut Vec<(MultiplayerApi<Session<_, _>>, u32)>| {
            for _ in 0..200 {
                network.advance(Duration::from_millis(16));
                for (api, heard) in players.iter_mut() {
                    while let Some(event) = api.poll() {
                        if let ApiEvent::PeerPacket { .. } = event {
                            *heard += 1;
                        }
                    }
                }
            }
        };
        run(&mut players);
        let sent = players[0].0.send_bytes(Target::All, MODE, &[7; 100]);
        run(&mut players);
        assert_eq!(players[2].1, 1, "seed {seed}: {sent:?}");
    }
}
