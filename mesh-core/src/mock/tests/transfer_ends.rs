//! How transfers end that do not arrive, and what of them another link goes on with.

use alloc::vec::Vec;

use super::transfers::{Duo, noise};
use crate::mock::Conditions;
use crate::platform::MAX_REMOTE_CHANNELS;
use crate::{
    ChannelIndex, Command, DisconnectReason, Duration, Event, GivenReason, MeshConfig, Payload,
};

#[test]
fn a_transfer_leaves_room_for_another_link_to_go_on() {
    let config = MeshConfig {
        resume_bytes: 256 * 1024,
        ..MeshConfig::default()
    };
    let mut duo = Duo::with([config.clone(), config]);
    let bytes = noise(8_000_000, 9);
    duo.send(0, "save", bytes.clone());
    // Long enough for the window to have become larger than what is kept.
    duo.run(Duration::from_millis(700));
    assert!(duo.received(1).is_empty());
    duo.network.change_address(duo.ids[0]);
    duo.run(Duration::from_secs(60));
    assert_eq!(duo.received(1), [("save", &Payload::from(bytes))]);
    let peer = duo.peers[0];
    let told = [Event::PeerInterrupted(peer), Event::PeerResumed(peer)];
    assert_eq!(duo.others[0], told);
}

#[test]
fn the_least_that_is_kept_still_lets_a_transfer_arrive() {
    let config = MeshConfig {
        resume_bytes: 1,
        ..MeshConfig::default()
    };
    let mut duo = Duo::with([config.clone(), config]);
    let bytes = noise(500_000, 10);
    duo.send(0, "save", bytes.clone());
    duo.run(Duration::from_secs(10));
    assert_eq!(duo.received(1), [("save", &Payload::from(bytes))]);
    assert!(duo.others.iter().all(Vec::is_empty), "{:?}", duo.others);
}

#[test]
fn who_closes_the_channel_of_transfers_is_gone() {
    let mut duo = Duo::with([MeshConfig::default(), MeshConfig::default()]);
    duo.send(0, "map", noise(16_000_000, 11));
    duo.run(Duration::from_millis(100));
    let link = duo.players[1].multiplayer().peers().next().unwrap();
    let link = link.connection;
    let channel = ChannelIndex(3 + MAX_REMOTE_CHANNELS);
    let host = u32::try_from(duo.ids[1].index()).unwrap();
    let close = Command::CloseChannel { link, channel };
    duo.network.with(|world| world.execute(host, close));
    duo.run(Duration::from_millis(500));
    let gone = Event::PeerDisconnected {
        peer: duo.peers[0],
        reason: DisconnectReason::Closed,
    };
    assert_eq!(duo.others[0].first(), Some(&gone));
}

#[test]
fn a_goodbye_does_not_wait_behind_a_transfer() {
    let mut duo = Duo::with([MeshConfig::default(), MeshConfig::default()]);
    duo.network.set_conditions(Conditions {
        latency: Duration::from_millis(20),
        bandwidth: Some(100_000),
        ..Conditions::default()
    });
    duo.send(0, "map", noise(16_000_000, 12));
    duo.run(Duration::from_secs(2));
    let reason = GivenReason::new(7, "idle");
    let peer = duo.peers[0];
    assert!(duo.players[0].kick_with_reason(peer, reason.clone()));
    duo.run(Duration::from_millis(700));
    let gone = Event::PeerDisconnected {
        peer: duo.peers[1],
        reason: DisconnectReason::Kicked(reason),
    };
    assert_eq!(duo.others[1].first(), Some(&gone));
}
