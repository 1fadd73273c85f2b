//! A lobby in which everybody is linked with its host alone, and what else a session passes on to its mesh.

use alloc::vec;

use super::*;
use crate::{MultiplayerPeer, Sent, Target};

fn star(own: u32, config: SessionConfig) -> Player {
    let mut session = Session::new(Platform::new(), Post::default(), config);
    let joined = SignalingEvent::Joined {
        id: id(own),
        topology: Topology::ClientServer,
        lobby: String::from("demo"),
    };
    signaled(&mut session, joined);
    assert!(matches!(heard(&mut session)[..], [Event::Joined { .. }]));
    session
}

fn came(session: &mut Player, peers: &[u32]) {
    for &peer in peers {
        signaled(session, SignalingEvent::PeerJoined(id(peer)));
    }
    assert_eq!(heard(session), []);
}

fn known(session: &Player) -> Vec<u32> {
    session.peers().map(|peer| peer.id.get()).collect()
}

#[test]
fn a_guest_is_a_client_and_knows_the_host_alone() {
    let mut session = star(9, SessionConfig::default());
    assert!(
        session.multiplayer().mesh().is_server_relay_supported()
            && !session.multiplayer().mesh().is_server()
    );
    assert_eq!(
        session.multiplayer().connection_status(),
        ConnectionStatus::Connecting
    );
    assert_eq!(session.roster().topology(), Topology::ClientServer);
    // Godot's Node server announces everybody to everybody.
    came(&mut session, &[7, 1, 12]);
    assert_eq!(known(&session), [1]);
    let offer = SessionDescription {
        sdp_type: SdpType::Offer,
        sdp: String::new(),
    };
    let stranger = SignalingEvent::Signal {
        from: id(12),
        signal: Signal::Description(offer),
    };
    signaled(&mut session, stranger);
    assert_eq!(heard(&mut session), []);
    assert_eq!(known(&session), [1]);
    let link = session.multiplayer().peer(id(1)).unwrap().connection;
    open(&mut session, link);
    assert_eq!(heard(&mut session), [Event::PeerConnected(id(1))]);
    assert_eq!(
        session.multiplayer().connection_status(),
        ConnectionStatus::Connected
    );
}

#[test]
fn the_host_is_the_server_of_all() {
    let mut session = star(1, SessionConfig::default());
    assert!(
        session.multiplayer().mesh().is_server_relay_supported()
            && session.multiplayer().mesh().is_server()
    );
    assert_eq!(
        session.multiplayer().connection_status(),
        ConnectionStatus::Connected
    );
    came(&mut session, &[7, 12]);
    assert_eq!(known(&session), [7, 12]);
}

#[test]
fn a_guest_tries_its_host_again() {
    let mut session = star(9, SessionConfig::default());
    came(&mut session, &[1]);
    let link = session.multiplayer().peer(id(1)).unwrap().connection;
    let reason = CloseReason::Failed(ConnectFailure::NoRoute);
    happened(&mut session, LinkEvent::Closed { link, reason });
    let told = heard(&mut session);
    assert!(
        matches!(
            told[..],
            [Event::PeerFailed { .. }, Event::ConnectionFailed(_)]
        ),
        "{told:?}"
    );
    assert_eq!(
        session.multiplayer().connection_status(),
        ConnectionStatus::Connecting,
        "it is called again"
    );
    let sent = session.send(Target::All, TransferMode::Unreliable, "my position");
    assert_eq!(sent, Ok(Sent::default()), "no reason for a game to end");
    pass(&mut session, Duration::from_secs(1));
    assert_eq!(heard(&mut session), []);
    let link = session.multiplayer().peer(id(1)).unwrap().connection;
    open(&mut session, link);
    assert_eq!(heard(&mut session), [Event::PeerConnected(id(1))]);
    assert_eq!(
        session.multiplayer().connection_status(),
        ConnectionStatus::Connected
    );
}

#[test]
fn a_guest_that_calls_once_is_disconnected_without_its_host() {
    let config = SessionConfig {
        retry_after: None,
        ..SessionConfig::default()
    };
    let mut session = star(9, config);
    came(&mut session, &[1]);
    let link = session.multiplayer().peer(id(1)).unwrap().connection;
    fail(&mut session, link);
    heard(&mut session);
    let status = session.multiplayer().connection_status();
    assert_eq!(status, ConnectionStatus::Disconnected);
}

#[test]
fn peers_get_the_custom_channels_of_the_session() {
    let custom_channels = vec![TransferMode::UnreliableOrdered; 300];
    let config = SessionConfig {
        custom_channels,
        ..SessionConfig::default()
    };
    let mut session = star(1, config);
    came(&mut session, &[7]);
    let channels = session.multiplayer().peer(id(7)).unwrap().channels;
    assert_eq!(channels.len(), 3 + 255, "as many as can be named");
}

#[test]
fn who_was_refused_is_called_when_it_may_come() {
    let mut session = star(1, SessionConfig::default());
    session.set_refuse_new_connections(true);
    came(&mut session, &[7]);
    assert_eq!(known(&session), [] as [u32; 0]);
    session.set_refuse_new_connections(false);
    assert_eq!(known(&session), [7]);
    assert!(session.disconnect_peer(id(7), true));
    assert!(!session.disconnect_peer(id(12), true), "no such peer");
    assert_eq!(heard(&mut session), []);
}

#[test]
fn a_message_is_sent_on_a_channel_by_its_index() {
    let (mut session, _) = connected();
    let channel = TransferMode::Reliable.channel();
    let sent = session.send_on(Target::All, channel, Payload::from("hello"));
    assert_eq!(sent.unwrap().accepted, 1);
}

#[test]
fn a_flush_reaches_the_backend() {
    let (mut session, _) = connected();
    let flushes = session.multiplayer().backend().flushes;
    session.flush();
    assert_eq!(session.multiplayer().backend().flushes, flushes + 1);
}

#[test]
fn only_a_leave_is_counted_as_a_close() {
    let mut session = star(1, SessionConfig::default());
    came(&mut session, &[7]);
    assert_eq!(MultiplayerPeer::closes(&session), 0);
    MultiplayerPeer::close(&mut session);
    assert_eq!(MultiplayerPeer::closes(&session), 1);
}
