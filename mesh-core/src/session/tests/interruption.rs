//! A signaling, or a path, that is out of reach for a while.

use super::attempts::candidate_found;
use super::*;

fn interrupted() -> SignalingEvent {
    let reason = LostReason::Closed;
    SignalingEvent::Interrupted { reason }
}

#[test]
fn an_interruption_touches_no_handshake_and_no_connection() {
    let (mut session, link) = calling();
    described(&mut session, link, SdpType::Offer);
    heard(&mut session);
    signaled(&mut session, interrupted());
    let told = Event::SignalingInterrupted(LostReason::Closed);
    assert_eq!(heard(&mut session), [told]);
    assert!(session.roster().is_present(id(7)));
    // What comes up meanwhile is given to the signaling, which keeps it.
    candidate_found(&mut session, link, 1);
    heard(&mut session);
    assert_eq!(session.roster().waiting_signals(), 0);
    signaled(&mut session, SignalingEvent::Resumed);
    assert_eq!(heard(&mut session), [Event::SignalingResumed]);
    signaled(&mut session, answer("yes"));
    heard(&mut session);
    open(&mut session, link);
    assert_eq!(heard(&mut session), [Event::PeerConnected(id(7))]);
}

#[test]
fn nobody_is_called_while_the_signaling_is_out_of_reach_and_everybody_when_it_is_back() {
    let (mut session, link) = calling();
    signaled(&mut session, interrupted());
    heard(&mut session);
    for _ in 0..3 {
        pass(&mut session, Duration::from_secs(16));
        heard(&mut session);
    }
    assert_eq!(session.multiplayer().peer(id(7)), None);
    assert!(session.roster().next_attempt(id(7)).is_some());
    signaled(&mut session, SignalingEvent::Resumed);
    assert_eq!(heard(&mut session), [Event::SignalingResumed]);
    let called = session.multiplayer().peer(id(7)).unwrap().connection;
    assert_ne!(called, link);
}

#[test]
fn who_is_to_call_us_is_still_waited_for_when_the_signaling_is_back() {
    let (mut session, link) = called();
    fail(&mut session, link);
    heard(&mut session);
    pass(&mut session, Duration::from_secs(2));
    signaled(&mut session, interrupted());
    signaled(&mut session, SignalingEvent::Resumed);
    heard(&mut session);
    assert_eq!(session.multiplayer().peer(id(9)), None);
}

#[test]
fn who_leaves_the_lobby_meanwhile_stays_connected_and_who_came_is_called() {
    let (mut session, link) = connected();
    signaled(&mut session, interrupted());
    signaled(&mut session, SignalingEvent::Resumed);
    signaled(&mut session, SignalingEvent::PeerLeft(id(7)));
    signaled(&mut session, SignalingEvent::PeerJoined(id(5)));
    heard(&mut session);
    assert_eq!(session.multiplayer().peer(id(7)).unwrap().connection, link);
    assert!(session.multiplayer().peer(id(7)).unwrap().connected);
    assert!(session.multiplayer().peer(id(5)).is_some());
}

#[test]
fn an_interruption_may_end_in_a_loss_and_a_new_join() {
    let (mut session, _) = calling();
    signaled(&mut session, interrupted());
    let reason = LostReason::HostLeft;
    signaled(&mut session, SignalingEvent::Lost { reason });
    heard(&mut session);
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
fn a_peer_that_is_heard_again_has_the_whole_window_once_more() {
    let (mut session, link) = connected();
    for state in [ConnectionState::Disconnected, ConnectionState::Connecting] {
        happened(&mut session, LinkEvent::State { link, state });
        let told = heard(&mut session);
        let is_news = state == ConnectionState::Disconnected;
        assert_eq!(told.contains(&Event::PeerInterrupted(id(7))), is_news);
        pass(&mut session, Duration::from_secs(20));
        assert_eq!(heard(&mut session), []);
    }
    pass(&mut session, Duration::from_secs(6));
    let lost = Event::PeerDisconnected {
        peer: id(7),
        reason: DisconnectReason::Lost,
    };
    assert!(heard(&mut session).contains(&lost));
}
