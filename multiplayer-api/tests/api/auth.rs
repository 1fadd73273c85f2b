//! Authentication: both sides have to say that they are through.

use mesh_core::{DisconnectReason, Duration, Event, MultiplayerPeer, RefusedReason, TransferMode};
use multiplayer_api::{
    ApiConfig, ApiEvent, AuthError, AuthFailure, Authentication, IgnoredReason, MultiplayerApi,
    SendBytesError,
};

use crate::fake::{Fake, api, connected, id, packet, poll};

fn with(authentication: Authentication) -> MultiplayerApi {
    MultiplayerApi::new(ApiConfig {
        authentication,
        ..ApiConfig::default()
    })
}

fn strict() -> MultiplayerApi {
    with(Authentication::required())
}

/// A peer that is to authenticate.
fn pending(peer: u32) -> (MultiplayerApi, Fake) {
    let (mut api, mut network) = (strict(), Fake::mesh(9));
    network.connect(peer);
    assert_eq!(
        poll(&mut api, &mut network),
        [ApiEvent::PeerAuthenticating(id(peer))]
    );
    (api, network)
}

fn failed(peer: u32, reason: AuthFailure) -> ApiEvent {
    let peer = id(peer);
    ApiEvent::PeerAuthenticationFailed { peer, reason }
}

fn ignored(from: u32, why: IgnoredReason) -> ApiEvent {
    let from = id(from);
    ApiEvent::Ignored { from, why }
}

#[test]
fn a_peer_counts_once_both_sides_are_through() {
    let (mut api, mut network) = pending(5);
    assert_eq!(api.authenticating_peers().collect::<Vec<_>>(), [id(5)]);
    assert!(!api.has_peer(id(5)));
    let sent = api.send_bytes(&mut network, id(5), TransferMode::Reliable, b"x");
    assert_eq!(sent, Err(SendBytesError::UnknownPeer { peer: id(5) }));

    api.send_auth(&mut network, id(5), b"pw").unwrap();
    assert_eq!(network.take_reliable(), [(5, vec![0x07, 0x00, b'p', b'w'])]);
    network.receive(5, &[0x07, 0x00, 0x2a]);
    let data = ApiEvent::AuthData {
        from: id(5),
        data: b"\x2a".as_slice().into(),
    };
    assert_eq!(poll(&mut api, &mut network), [data]);

    api.complete_auth(&mut network, id(5)).unwrap();
    assert_eq!(network.take_reliable(), [(5, vec![0x07, 0x00])]);
    assert_eq!(poll(&mut api, &mut network), []);
    network.receive(5, &[0x07, 0x00]);
    assert_eq!(poll(&mut api, &mut network), [connected(5)]);
    assert_eq!(api.authenticating_peers().count(), 0);
    assert_eq!(api.poll_timeout(), None);
}

#[test]
fn the_far_side_may_be_through_first() {
    let (mut api, mut network) = pending(5);
    network.receive(5, &[0x07, 0x00]);
    assert_eq!(poll(&mut api, &mut network), []);
    assert_eq!(
        api.send_auth(&mut network, id(5), b"pw"),
        Err(AuthError::CompletedByPeer)
    );
    api.complete_auth(&mut network, id(5)).unwrap();
    assert_eq!(poll(&mut api, &mut network), [connected(5)]);
    assert_eq!(network.take_reliable(), [(5, vec![0x07, 0x00])]);
}

#[test]
fn its_first_packet_says_that_the_far_side_is_through() {
    let (mut api, mut network) = pending(5);
    api.complete_auth(&mut network, id(5)).unwrap();
    // Of another channel, it has overtaken the word itself, which is no fault either.
    network.receive_on(5, TransferMode::Unreliable, b"\x03hi");
    network.receive(5, &[0x07, 0x00]);
    let events = poll(&mut api, &mut network);
    assert_eq!(events.first(), Some(&connected(5)));
    assert!(matches!(&events[1..], [ApiEvent::PeerPacket { .. }]));
}

#[test]
fn before_that_nothing_else_is_heard() {
    let (mut api, mut network) = pending(5);
    for packet in [
        b"\x03hi".as_slice(),
        b"",
        b"\x07",
        b"\x07\x01\x01\x00\x00\x00",
        b"\x00scene",
    ] {
        network.receive(5, packet);
        assert_eq!(
            poll(&mut api, &mut network),
            [ignored(5, IgnoredReason::Authenticating)]
        );
    }
}

#[test]
fn who_takes_too_long_is_sent_away() {
    let (mut api, mut network) = pending(5);
    api.complete_auth(&mut network, id(5)).unwrap();
    let deadline = network.now + Duration::from_secs(3);
    assert_eq!(api.poll_timeout(), Some(deadline));
    network.wait(Duration::from_millis(2999));
    assert_eq!(poll(&mut api, &mut network), []);
    network.wait(Duration::from_millis(1));
    assert_eq!(
        poll(&mut api, &mut network),
        [failed(5, AuthFailure::TimedOut)]
    );
    assert_eq!(network.disconnected, [id(5)]);
    // Its end is told once.
    assert_eq!(poll(&mut api, &mut network), []);
    assert_eq!(api.poll_timeout(), None);
}

#[test]
fn a_packet_in_time_counts_before_the_deadline_does() {
    let (mut api, mut network) = pending(5);
    api.complete_auth(&mut network, id(5)).unwrap();
    network.receive(5, &[0x07, 0x00]);
    network.wait(Duration::from_secs(60));
    assert_eq!(poll(&mut api, &mut network), [connected(5)]);
}

#[test]
fn without_a_deadline_a_peer_may_take_for_ever() {
    let mut api = with(Authentication::Required {
        timeout: Duration::ZERO,
    });
    let mut network = Fake::mesh(9);
    network.connect(5);
    poll(&mut api, &mut network);
    assert_eq!(api.poll_timeout(), None);
    network.wait(Duration::from_secs(100_000));
    assert_eq!(poll(&mut api, &mut network), []);
    assert_eq!(api.authenticating_peers().count(), 1);
}

#[test]
fn who_goes_before_it_counts_has_failed() {
    let (mut api, mut network) = pending(5);
    network.lose(5);
    let reason = AuthFailure::Disconnected(DisconnectReason::Lost);
    assert_eq!(poll(&mut api, &mut network), [failed(5, reason)]);
    assert_eq!(
        api.complete_auth(&mut network, id(5)),
        Err(AuthError::NotAuthenticating { peer: id(5) })
    );
}

#[test]
fn a_server_that_goes_before_it_counts_is_lost_all_the_same() {
    let (mut api, mut network) = (strict(), Fake::client(2));
    network.connect(1);
    poll(&mut api, &mut network);
    network.lose(1);
    let reason = AuthFailure::Disconnected(DisconnectReason::Lost);
    assert_eq!(
        poll(&mut api, &mut network),
        [failed(1, reason), ApiEvent::ServerDisconnected]
    );
}

#[test]
fn who_is_turned_down_is_told_of_no_more() {
    let (mut api, mut network) = pending(5);
    network.receive(5, &[0x07, 0x00]);
    assert!(api.disconnect_peer(&mut network, id(5)));
    assert_eq!(poll(&mut api, &mut network), []);
    assert_eq!(api.authenticating_peers().count(), 0);
}

#[test]
fn a_server_introduces_who_has_been_admitted() {
    let (mut api, mut network) = (strict(), Fake::server());
    network.connect(2);
    network.connect(3);
    poll(&mut api, &mut network);
    assert_eq!(network.take_reliable(), []);
    for peer in [2, 3] {
        api.complete_auth(&mut network, id(peer)).unwrap();
        network.receive(peer, &[0x07, 0x00]);
        assert_eq!(poll(&mut api, &mut network), [connected(peer)]);
    }
    assert_eq!(
        network.take_reliable(),
        [
            (2, vec![0x07, 0x00]),
            (3, vec![0x07, 0x00]),
            (2, vec![0x07, 0x01, 3, 0, 0, 0]),
            (3, vec![0x07, 0x01, 2, 0, 0, 0]),
        ]
    );
}

#[test]
fn misuse_is_an_error_and_changes_nothing() {
    let (mut api, mut network) = pending(5);
    assert_eq!(
        api.send_auth(&mut network, id(6), b"pw"),
        Err(AuthError::NotAuthenticating { peer: id(6) })
    );
    assert_eq!(
        api.send_auth(&mut network, id(5), b""),
        Err(AuthError::Empty)
    );
    network.full.insert(id(5));
    let refused = Err(AuthError::Refused(RefusedReason::Full));
    assert_eq!(api.send_auth(&mut network, id(5), b"pw"), refused);
    assert_eq!(api.complete_auth(&mut network, id(5)), refused);
    network.full.clear();
    assert_eq!(api.complete_auth(&mut network, id(5)), Ok(()));
    assert_eq!(
        api.complete_auth(&mut network, id(5)),
        Err(AuthError::Completed)
    );
    assert_eq!(
        api.send_auth(&mut network, id(5), b"pw"),
        Err(AuthError::Completed)
    );
    network.close();
    assert_eq!(
        api.complete_auth(&mut network, id(5)),
        Err(AuthError::NotConnected)
    );
}

#[test]
fn where_none_is_wanted_its_end_is_no_fault_and_its_data_is() {
    let (mut api, mut network) = (api(), Fake::mesh(9));
    network.connect(5);
    network.receive(5, &[0x07, 0x00]);
    network.receive(5, &[0x07, 0x00, 0x2a]);
    network.receive(5, b"\x03hi");
    assert_eq!(
        poll(&mut api, &mut network),
        [
            connected(5),
            ignored(5, IgnoredReason::UnexpectedAuth),
            packet(5, b"hi")
        ]
    );
    assert_eq!(network.take_reliable(), [], "and none is sent");
}

#[test]
fn announcing_lets_us_in_where_it_is_wanted() {
    let (mut api, mut network) = (with(Authentication::Announce), Fake::client(2));
    network.connect(1);
    assert_eq!(
        poll(&mut api, &mut network),
        [ApiEvent::ConnectedToServer, connected(1)]
    );
    assert_eq!(network.take_reliable(), [(1, vec![0x07, 0x00])]);
}

#[test]
fn an_announcement_is_not_lost_to_a_full_channel() {
    let (mut api, mut network) = (with(Authentication::Announce), Fake::mesh(9));
    network.full.insert(id(5));
    network.connect(5);
    poll(&mut api, &mut network);
    assert_eq!(network.take_reliable(), []);
    network.full.clear();
    network.tell(Event::BufferedAmountLow {
        peer: id(5),
        channel: TransferMode::Reliable.channel(),
    });
    poll(&mut api, &mut network);
    assert_eq!(network.take_reliable(), [(5, vec![0x07, 0x00])]);
}
