//! A peer whose link is closed at its own side, and that offers another one out of turn.

use alloc::format;

use super::*;
use crate::sdp::Identity;

/// A description of a side that counts what it takes.
fn counting(number: u32, line: &str) -> String {
    format!(
        "v=0\r\no=- {number} 2 IN IP4 127.0.0.1\r\na=webrtc-multiplayer:2\r\n{line}m=application\r\n"
    )
}

/// Peer 9, which has called peer 7 and is connected with it, and the line that names what they have.
fn counted() -> (Player, LinkId, String) {
    let (mut session, link) = calling();
    let (ours, theirs) = (counting(1, ""), counting(2, ""));
    let description = description(SdpType::Offer, &ours);
    happened(&mut session, LinkEvent::Description { link, description });
    signaled(&mut session, answer(&theirs));
    heard(&mut session);
    open(&mut session, link);
    assert_eq!(heard(&mut session), [Event::PeerConnected(id(7))]);
    let line = life(&ours, &theirs);
    (session, link, line)
}

/// The line that names what two have that described themselves so.
fn life(offer: &str, answer: &str) -> String {
    let life = Identity::of(offer).then(Identity::of(answer));
    format!("a=webrtc-multiplayer-life:{:016x}\r\n", life.number())
}

/// The backend has made this description.
fn describing(session: &mut Player, link: LinkId, sdp_type: SdpType, sdp: &str) {
    let description = description(sdp_type, sdp);
    happened(session, LinkEvent::Description { link, description });
    assert_eq!(heard(session), []);
}

/// The path breaks; the link that is to replace the broken one after so long.
fn replaced(session: &mut Player, link: LinkId, peer: u32, after: u64) -> Option<LinkId> {
    let state = ConnectionState::Disconnected;
    happened(session, LinkEvent::State { link, state });
    assert_eq!(heard(session), [Event::PeerInterrupted(id(peer))]);
    pass(session, Duration::from_secs(after));
    assert_eq!(heard(session), []);
    session.multiplayer().mesh().successor(id(peer))
}

/// Peer 7 offers; the link that answers, if one does.
fn answering(session: &mut Player, sdp: &str) -> Option<LinkId> {
    let signal = Signal::Description(description(SdpType::Offer, sdp));
    let from = id(7);
    signaled(session, SignalingEvent::Signal { from, signal });
    assert_eq!(heard(session), []);
    let successor = session.multiplayer().mesh().successor(id(7))?;
    (applied(session, successor) == [sdp]).then_some(successor)
}

#[test]
fn its_latest_offer_is_answered() {
    let (mut session, first, line) = counted();
    pass(&mut session, Duration::from_secs(1));
    let second = answering(&mut session, &counting(3, &line)).unwrap();
    assert_ne!(second, first);
    // It has found no route, which nobody tells us, and offers again.
    pass(&mut session, Duration::from_secs(2));
    let third = answering(&mut session, &counting(4, &line)).unwrap();
    assert_ne!(third, second);
    assert!(session.multiplayer().peer(id(7)).unwrap().connected);
}

#[test]
fn an_offer_that_names_nothing_is_still_out_of_turn() {
    let (mut session, _, line) = counted();
    pass(&mut session, Duration::from_secs(1));
    assert_eq!(answering(&mut session, &counting(3, "")), None);
    let other = line.replace("life:", "life:f");
    assert_eq!(answering(&mut session, &counting(4, &other)), None);
}

#[test]
fn an_offer_of_our_own_goes_before() {
    let (mut session, link, line) = counted();
    let state = ConnectionState::Disconnected;
    happened(&mut session, LinkEvent::State { link, state });
    assert_eq!(heard(&mut session), [Event::PeerInterrupted(id(7))]);
    pass(&mut session, Duration::from_secs(4));
    heard(&mut session);
    let ours = session.multiplayer().mesh().successor(id(7)).unwrap();
    assert_eq!(answering(&mut session, &counting(3, &line)), None);
    assert_eq!(session.multiplayer().mesh().successor(id(7)), Some(ours));
}

#[test]
fn a_newcomer_that_is_refused_does_not_stand_in_its_way() {
    let (mut session, link, _) = counted();
    session.set_refuse_new_connections(true);
    signaled(&mut session, SignalingEvent::PeerJoined(id(3)));
    heard(&mut session);
    let state = ConnectionState::Disconnected;
    happened(&mut session, LinkEvent::State { link, state });
    heard(&mut session);
    pass(&mut session, Duration::from_secs(4));
    heard(&mut session);
    assert!(session.multiplayer().mesh().successor(id(7)).is_some());
    assert!(!session.multiplayer().mesh().has_peer(id(3)));
}

#[test]
fn a_path_that_breaks_is_a_reason_to_doubt_the_signaling() {
    let (mut session, link, _) = counted();
    assert_eq!(session.signaling_mut().doubts, 0);
    for round in 1..3 {
        let state = ConnectionState::Disconnected;
        happened(&mut session, LinkEvent::State { link, state });
        heard(&mut session);
        pass(&mut session, Duration::from_secs(1));
        heard(&mut session);
        assert_eq!(session.signaling_mut().doubts, round, "once");
        let state = ConnectionState::Connected;
        happened(&mut session, LinkEvent::State { link, state });
        heard(&mut session);
    }
}

#[test]
fn who_calls_offers_another_link_a_second_after_the_path_has_broken() {
    let (mut session, link, _) = counted();
    assert!(replaced(&mut session, link, 7, 1).is_some());
}

#[test]
fn one_that_is_called_offers_another_link_a_second_later_and_takes_the_answer() {
    let (mut session, link) = called();
    let (theirs, ours) = (counting(1, ""), counting(2, ""));
    signaled(&mut session, offer(&theirs));
    heard(&mut session);
    describing(&mut session, link, SdpType::Answer, &ours);
    open(&mut session, link);
    assert_eq!(heard(&mut session), [Event::PeerConnected(id(9))]);
    let second = replaced(&mut session, link, 9, 2).unwrap();
    describing(&mut session, second, SdpType::Offer, &counting(3, ""));
    let answer = counting(4, &life(&theirs, &ours));
    let signal = Signal::Description(description(SdpType::Answer, &answer));
    let from = id(9);
    signaled(&mut session, SignalingEvent::Signal { from, signal });
    assert_eq!(heard(&mut session), []);
    assert_eq!(applied(&session, second), [answer]);
}

#[test]
fn a_link_that_finds_no_route_in_time_is_given_up_for_another() {
    for (is_answered, millis) in [(false, 6000), (true, 2500)] {
        let (mut session, link, line) = counted();
        let second = replaced(&mut session, link, 7, 1).unwrap();
        describing(&mut session, second, SdpType::Offer, &counting(3, ""));
        if is_answered {
            signaled(&mut session, answer(&counting(4, &line)));
            heard(&mut session);
        }
        let mut successor = |millis| {
            pass(&mut session, Duration::from_millis(millis));
            assert_eq!(heard(&mut session), []);
            session.multiplayer().mesh().successor(id(7)).unwrap()
        };
        assert_eq!(successor(millis - 1), second);
        assert_ne!(successor(1), second);
    }
}

#[test]
fn a_link_that_waited_for_the_signaling_is_offered_anew() {
    let (mut session, link, _) = counted();
    let second = replaced(&mut session, link, 7, 1).unwrap();
    pass(&mut session, Duration::from_secs(1));
    signaled(&mut session, SignalingEvent::Resumed);
    assert_eq!(heard(&mut session), [Event::SignalingResumed]);
    let third = session.multiplayer().mesh().successor(id(7)).unwrap();
    assert_ne!(third, second);
}

#[test]
fn who_leaves_the_lobby_while_another_link_is_waited_for_is_gone() {
    let (mut session, link, _) = counted();
    assert_eq!(replaced(&mut session, link, 7, 0), None);
    let reason = CloseReason::Remote;
    happened(&mut session, LinkEvent::Closed { link, reason });
    assert_eq!(heard(&mut session), []);
    assert!(session.multiplayer().mesh().has_peer(id(7)));
    signaled(&mut session, SignalingEvent::PeerLeft(id(7)));
    let gone = Event::PeerDisconnected {
        peer: id(7),
        reason: DisconnectReason::Closed,
    };
    assert_eq!(heard(&mut session), [gone]);
}
