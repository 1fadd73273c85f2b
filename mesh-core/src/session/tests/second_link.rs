//! A peer that calls anew while its connection stands, and what becomes of handshakes without a signaling.

use super::*;

/// Peer 5, connected with peer 9, who calls anew: the link that stands and the one that is being made.
fn called_anew() -> (Player, LinkId, LinkId) {
    let (mut session, first) = called();
    signaled(&mut session, offer("first"));
    heard(&mut session);
    open(&mut session, first);
    assert_eq!(heard(&mut session), [Event::PeerConnected(id(9))]);
    pass(&mut session, Duration::from_secs(1));
    signaled(&mut session, offer("second"));
    assert_eq!(heard(&mut session), []);
    assert_eq!(session.multiplayer().peer(id(9)).unwrap().connection, first);
    assert!(session.multiplayer().peer(id(9)).unwrap().connected);
    let second = session.multiplayer().mesh().successor(id(9)).unwrap();
    assert_eq!(applied(&session, second), ["second"]);
    (session, first, second)
}

fn message(link: LinkId, text: &'static str) -> LinkEvent {
    LinkEvent::Message {
        link,
        channel: TransferMode::Reliable.channel(),
        payload: Payload::from(text),
    }
}

fn ended(reason: DisconnectReason) -> Event {
    Event::PeerDisconnected {
        peer: id(9),
        reason,
    }
}

#[test]
fn an_offer_ends_no_healthy_link_before_the_new_one_stands() {
    let (mut session, first, second) = called_anew();
    happened(&mut session, message(first, "the last of the old"));
    open(&mut session, second);
    happened(&mut session, message(second, "the first of the new"));
    let told = heard(&mut session);
    assert_eq!(told.len(), 4, "{told:?}");
    assert!(matches!(told[0], Event::Packet(_)));
    assert_eq!(told[1], ended(DisconnectReason::Lost));
    assert_eq!(told[2], Event::PeerConnected(id(9)));
    assert!(matches!(told[3], Event::Packet(_)));
    assert_eq!(
        session.multiplayer().peer(id(9)).unwrap().connection,
        second
    );
    let commands = &session.multiplayer().backend().commands;
    let lingers = commands.iter().any(|command| {
        matches!(command, Command::Close { link, linger } if *link == first && !linger.is_zero())
    });
    assert!(lingers, "what the old link has accepted is still sent");
}

#[test]
fn a_second_link_that_fails_is_not_missed() {
    let (mut session, first, second) = called_anew();
    fail(&mut session, second);
    assert_eq!(heard(&mut session), []);
    assert_eq!(session.multiplayer().peer(id(9)).unwrap().connection, first);
    pass(&mut session, Duration::from_secs(1));
    signaled(&mut session, offer("third"));
    heard(&mut session);
    pass(&mut session, Duration::from_secs(15));
    assert_eq!(heard(&mut session), [], "its deadline is nobody's business");
    assert!(session.multiplayer().peer(id(9)).unwrap().connected);
}

#[test]
fn the_second_link_is_the_only_one_after_the_end_of_the_first() {
    let (mut session, first, second) = called_anew();
    fail(&mut session, first);
    assert_eq!(heard(&mut session), [ended(DisconnectReason::Lost)]);
    let peer = session.multiplayer().peer(id(9)).unwrap();
    assert_eq!((peer.connection, peer.connected), (second, false));
    open(&mut session, second);
    assert_eq!(heard(&mut session), [Event::PeerConnected(id(9))]);
}

#[test]
fn a_peer_that_is_removed_loses_both_links() {
    let (mut session, _, second) = called_anew();
    session.kick(id(9));
    open(&mut session, second);
    assert_eq!(heard(&mut session), [ended(DisconnectReason::Removed)]);
    assert!(!session.multiplayer().mesh().has_peer(id(9)));
}

#[test]
fn who_leaves_the_lobby_while_connected_stays_connected() {
    let (mut session, link) = connected();
    signaled(&mut session, SignalingEvent::PeerLeft(id(7)));
    pass(&mut session, Duration::from_secs(100));
    assert_eq!(heard(&mut session), []);
    assert_eq!(session.multiplayer().peer(id(7)).unwrap().connection, link);
}

fn lost() -> SignalingEvent {
    let reason = LostReason::Closed;
    SignalingEvent::Lost { reason }
}

#[test]
fn a_handshake_that_needs_the_signaling_ends_with_it() {
    let (mut session, link) = calling();
    described(&mut session, link, SdpType::Offer);
    heard(&mut session);
    signaled(&mut session, lost());
    let told = heard(&mut session);
    let [Event::SignalingLost(_), Event::PeerFailed { reason, .. }] = &told[..] else {
        panic!("{told:?}");
    };
    assert!(matches!(
        reason,
        DisconnectReason::ConnectFailed(ConnectFailure::Signaling(_))
    ));
    pass(&mut session, Duration::from_secs(1));
    signaled(&mut session, joined(id(9)));
    signaled(&mut session, SignalingEvent::PeerJoined(id(7)));
    heard(&mut session);
    assert!(
        session.multiplayer().peer(id(7)).is_some(),
        "called at once"
    );
}

#[test]
fn a_handshake_with_both_descriptions_goes_on_without_the_signaling() {
    let (mut session, link) = calling();
    described(&mut session, link, SdpType::Offer);
    heard(&mut session);
    signaled(&mut session, answer("yes"));
    heard(&mut session);
    signaled(&mut session, lost());
    assert_eq!(heard(&mut session).len(), 1);
    open(&mut session, link);
    assert_eq!(heard(&mut session), [Event::PeerConnected(id(7))]);
}

#[test]
fn a_member_that_rejoins_is_called_at_once() {
    let (mut session, link) = calling();
    described(&mut session, link, SdpType::Offer);
    heard(&mut session);
    signaled(&mut session, answer("yes"));
    signaled(&mut session, lost());
    heard(&mut session);
    pass(&mut session, Duration::from_secs(2));
    signaled(&mut session, joined(id(9)));
    signaled(&mut session, SignalingEvent::PeerJoined(id(7)));
    heard(&mut session);
    let now = session.multiplayer().peer(id(7)).unwrap().connection;
    assert_ne!(now, link, "the old deadline is not waited for");
}

#[test]
fn signals_that_wait_do_not_outlive_the_signaling() {
    let (mut session, link) = calling();
    session.signaling_mut().full = true;
    described(&mut session, link, SdpType::Offer);
    heard(&mut session);
    assert_eq!(session.roster().waiting_signals(), 1);
    signaled(&mut session, lost());
    heard(&mut session);
    assert_eq!(session.roster().waiting_signals(), 0);
}

#[test]
fn the_session_seals_its_lobby() {
    let (mut session, _) = calling();
    assert_eq!(session.seal(), Err(SignalingError::Unsupported));
}
