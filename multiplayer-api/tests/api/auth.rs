//! Authentication: both sides have to say that they are through.

use mesh_core::{DisconnectReason, Duration, Event, MultiplayerPeer, RefusedReason, TransferMode};
use multiplayer_api::{
    ApiConfig, ApiEvent, AuthError, AuthFailure, Authentication, IgnoredReason, MultiplayerApi,
    SendBytesError,
};

use crate::kit::{Fake, api, connected, id, packet, poll};

fn with(network: Fake, authentication: Authentication) -> MultiplayerApi<Fake> {
    let config = ApiConfig {
        authentication,
        ..ApiConfig::default()
    };
    MultiplayerApi::new(network, config)
}

fn strict(network: Fake) -> MultiplayerApi<Fake> {
    with(network, Authentication::required())
}

/// A peer that is to authenticate.
fn pending(peer: u32) -> MultiplayerApi<Fake> {
    let mut api = strict(Fake::mesh(9));
    api.peer_mut().connect(peer);
    assert_eq!(poll(&mut api), [ApiEvent::PeerAuthenticating(id(peer))]);
    api
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
    let mut api = pending(5);
    assert_eq!(api.authenticating_peers().collect::<Vec<_>>(), [id(5)]);
    assert!(!api.has_peer(id(5)));
    let sent = api.send_bytes(id(5), TransferMode::Reliable, b"x");
    assert_eq!(sent, Err(SendBytesError::UnknownPeer { peer: id(5) }));

    api.send_auth(id(5), b"pw").unwrap();
    assert_eq!(
        api.peer_mut().take_reliable(),
        [(5, vec![0x07, 0x00, b'p', b'w'])]
    );
    api.peer_mut().receive(5, &[0x07, 0x00, 0x2a]);
    let data = ApiEvent::AuthData {
        from: id(5),
        data: b"\x2a".as_slice().into(),
    };
    assert_eq!(poll(&mut api), [data]);

    api.complete_auth(id(5)).unwrap();
    assert_eq!(api.peer_mut().take_reliable(), [(5, vec![0x07, 0x00])]);
    assert_eq!(poll(&mut api), []);
    api.peer_mut().receive(5, &[0x07, 0x00]);
    assert_eq!(poll(&mut api), [connected(5)]);
    assert_eq!(api.authenticating_peers().count(), 0);
    assert_eq!(api.peer().alarm, None);
}

#[test]
fn the_far_side_may_be_through_first() {
    let mut api = pending(5);
    api.peer_mut().receive(5, &[0x07, 0x00]);
    assert_eq!(poll(&mut api), []);
    assert_eq!(api.send_auth(id(5), b"pw"), Err(AuthError::CompletedByPeer));
    api.complete_auth(id(5)).unwrap();
    assert_eq!(poll(&mut api), [connected(5)]);
    assert_eq!(api.peer_mut().take_reliable(), [(5, vec![0x07, 0x00])]);
}

#[test]
fn its_first_packet_says_that_the_far_side_is_through() {
    let mut api = pending(5);
    api.complete_auth(id(5)).unwrap();
    // Of another channel, it has overtaken the word itself, which is no fault either.
    api.peer_mut()
        .receive_on(5, TransferMode::Unreliable, b"\x03hi");
    api.peer_mut().receive(5, &[0x07, 0x00]);
    let events = poll(&mut api);
    assert_eq!(events.first(), Some(&connected(5)));
    assert!(matches!(&events[1..], [ApiEvent::PeerPacket { .. }]));
}

#[test]
fn before_that_nothing_else_is_heard() {
    let mut api = pending(5);
    for packet in [
        b"\x03hi".as_slice(),
        b"",
        b"\x07",
        b"\x07\x01\x01\x00\x00\x00",
        b"\x00scene",
    ] {
        api.peer_mut().receive(5, packet);
        assert_eq!(poll(&mut api), [ignored(5, IgnoredReason::Authenticating)]);
    }
}

#[test]
fn who_takes_too_long_is_sent_away() {
    let mut api = pending(5);
    api.complete_auth(id(5)).unwrap();
    let deadline = api.peer_mut().now + Duration::from_secs(3);
    assert_eq!(api.peer().alarm, Some(deadline));
    api.peer_mut().wait(Duration::from_millis(2999));
    assert_eq!(poll(&mut api), []);
    api.peer_mut().wait(Duration::from_millis(1));
    assert_eq!(poll(&mut api), [failed(5, AuthFailure::TimedOut)]);
    assert_eq!(api.peer_mut().disconnected, [id(5)]);
    // Its end is told once.
    assert_eq!(poll(&mut api), []);
    assert_eq!(api.peer().alarm, None);
}

#[test]
fn a_packet_in_time_counts_before_the_deadline_does() {
    let mut api = pending(5);
    api.complete_auth(id(5)).unwrap();
    api.peer_mut().receive(5, &[0x07, 0x00]);
    api.peer_mut().wait(Duration::from_secs(60));
    assert_eq!(poll(&mut api), [connected(5)]);
}

#[test]
fn without_a_deadline_a_peer_may_take_for_ever() {
    let forever = Authentication::Required {
        timeout: Duration::ZERO,
    };
    let mut api = with(Fake::mesh(9), forever);
    api.peer_mut().connect(5);
    poll(&mut api);
    assert_eq!(api.peer().alarm, None);
    api.peer_mut().wait(Duration::from_secs(100_000));
    assert_eq!(poll(&mut api), []);
    assert_eq!(api.authenticating_peers().count(), 1);
}

#[test]
fn who_goes_before_it_counts_has_failed() {
    let mut api = pending(5);
    api.peer_mut().lose(5);
    let reason = AuthFailure::Disconnected(DisconnectReason::Lost);
    assert_eq!(poll(&mut api), [failed(5, reason)]);
    assert_eq!(
        api.complete_auth(id(5)),
        Err(AuthError::NotAuthenticating { peer: id(5) })
    );
}

#[test]
fn a_server_that_goes_before_it_counts_is_lost_all_the_same() {
    let mut api = strict(Fake::client(2));
    api.peer_mut().connect(1);
    poll(&mut api);
    api.peer_mut().lose(1);
    let reason = AuthFailure::Disconnected(DisconnectReason::Lost);
    assert_eq!(
        poll(&mut api),
        [failed(1, reason), ApiEvent::ServerDisconnected]
    );
}

#[test]
fn who_is_turned_down_is_told_of_no_more() {
    let mut api = pending(5);
    api.peer_mut().receive(5, &[0x07, 0x00]);
    assert!(api.disconnect_peer(id(5)));
    assert_eq!(poll(&mut api), []);
    assert_eq!(api.authenticating_peers().count(), 0);
}

#[test]
fn a_server_introduces_who_has_been_admitted() {
    let mut api = strict(Fake::server());
    api.peer_mut().connect(2);
    api.peer_mut().connect(3);
    poll(&mut api);
    assert_eq!(api.peer_mut().take_reliable(), []);
    for peer in [2, 3] {
        api.complete_auth(id(peer)).unwrap();
        api.peer_mut().receive(peer, &[0x07, 0x00]);
        assert_eq!(poll(&mut api), [connected(peer)]);
    }
    assert_eq!(
        api.peer_mut().take_reliable(),
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
    let mut api = pending(5);
    assert_eq!(
        api.send_auth(id(6), b"pw"),
        Err(AuthError::NotAuthenticating { peer: id(6) })
    );
    assert_eq!(api.send_auth(id(5), b""), Err(AuthError::Empty));
    api.peer_mut().full.insert(id(5));
    let refused = Err(AuthError::Refused(RefusedReason::Full));
    assert_eq!(api.send_auth(id(5), b"pw"), refused);
    assert_eq!(api.complete_auth(id(5)), refused);
    api.peer_mut().full.clear();
    assert_eq!(api.complete_auth(id(5)), Ok(()));
    assert_eq!(api.complete_auth(id(5)), Err(AuthError::Completed));
    assert_eq!(api.send_auth(id(5), b"pw"), Err(AuthError::Completed));
    api.peer_mut().close();
    assert_eq!(api.complete_auth(id(5)), Err(AuthError::NotConnected));
}

#[test]
fn where_none_is_wanted_its_end_is_no_fault_and_its_data_is() {
    let mut api = api(Fake::mesh(9));
    api.peer_mut().connect(5);
    api.peer_mut().receive(5, &[0x07, 0x00]);
    api.peer_mut().receive(5, &[0x07, 0x00, 0x2a]);
    api.peer_mut().receive(5, b"\x03hi");
    assert_eq!(
        poll(&mut api),
        [
            connected(5),
            ignored(5, IgnoredReason::UnexpectedAuth),
            packet(5, b"hi")
        ]
    );
    assert_eq!(api.peer_mut().take_reliable(), [], "and none is sent");
}

#[test]
fn announcing_lets_us_in_where_it_is_wanted() {
    let mut api = with(Fake::client(2), Authentication::Announce);
    api.peer_mut().connect(1);
    assert_eq!(poll(&mut api), [ApiEvent::ConnectedToServer, connected(1)]);
    assert_eq!(api.peer_mut().take_reliable(), [(1, vec![0x07, 0x00])]);
}

#[test]
fn an_announcement_is_not_lost_to_a_full_channel() {
    let mut api = with(Fake::mesh(9), Authentication::Announce);
    api.peer_mut().full.insert(id(5));
    api.peer_mut().connect(5);
    poll(&mut api);
    assert_eq!(api.peer_mut().take_reliable(), []);
    api.peer_mut().full.clear();
    api.peer_mut().tell(Event::BufferedAmountLow {
        peer: id(5),
        channel: TransferMode::Reliable.channel(),
    });
    poll(&mut api);
    assert_eq!(api.peer_mut().take_reliable(), [(5, vec![0x07, 0x00])]);
}
