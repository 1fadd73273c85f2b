//! Attempts to connect: who calls whom again, how often, and which signals belong to which attempt.

use super::*;
use crate::IceCandidate;

#[test]
fn a_peer_whose_next_attempt_came_due_while_nobody_might_come_is_called_when_it_may() {
    let (mut session, link) = connected();
    fail(&mut session, link);
    assert_eq!(heard(&mut session).len(), 1);
    let next = session.roster().next_attempt(id(7));
    assert!(next.is_some());
    assert_eq!(session.multiplayer().backend().alarm, next);
    session.set_refuse_new_connections(true);
    pass(&mut session, Duration::from_secs(1));
    assert_eq!(next, Some(session.multiplayer().backend().now));
    assert_eq!(heard(&mut session), []);
    assert_eq!(session.multiplayer().peer(id(7)), None);
    let alarm = session.multiplayer().backend().alarm;
    assert_eq!(
        alarm, None,
        "nothing is to be done before somebody may come"
    );
    session.set_refuse_new_connections(false);
    assert!(session.multiplayer().peer(id(7)).is_some());
}

#[test]
fn a_connection_is_tried_again_however_it_ended() {
    for reason in [
        CloseReason::Remote,
        CloseReason::Failed(ConnectFailure::NoRoute),
        CloseReason::InboxFull,
        CloseReason::Protocol(String::from("nonsense")),
    ] {
        let (mut session, link) = connected();
        happened(&mut session, LinkEvent::Closed { link, reason });
        let told = heard(&mut session);
        assert!(
            matches!(told[..], [Event::PeerDisconnected { .. }]),
            "{told:?}"
        );
        assert_eq!(session.multiplayer().peer(id(7)), None);
        pass(&mut session, Duration::from_secs(1));
        assert_eq!(heard(&mut session), []);
        assert!(session.multiplayer().peer(id(7)).is_some(), "{told:?}");
    }
}

#[test]
fn who_comes_back_under_its_id_before_its_goodbye_is_called_after_it() {
    let (mut session, link) = connected();
    signaled(&mut session, SignalingEvent::PeerLeft(id(7)));
    signaled(&mut session, SignalingEvent::PeerJoined(id(7)));
    assert_eq!(heard(&mut session), []);
    let reason = CloseReason::Remote;
    happened(&mut session, LinkEvent::Closed { link, reason });
    assert_eq!(heard(&mut session).len(), 1);
    pass(&mut session, Duration::from_secs(1));
    heard(&mut session);
    assert!(session.multiplayer().peer(id(7)).is_some());
}

#[test]
fn who_leaves_and_comes_back_at_once_is_called_a_second_after_the_last_call() {
    let (mut session, _) = calling();
    signaled(&mut session, SignalingEvent::PeerLeft(id(7)));
    signaled(&mut session, SignalingEvent::PeerJoined(id(7)));
    heard(&mut session);
    assert_eq!(opened(&session), 1);
    pass(&mut session, Duration::from_secs(1));
    heard(&mut session);
    assert_eq!(opened(&session), 2);
}

#[test]
fn an_answer_to_no_offer_is_ignored() {
    let (mut session, link) = called();
    let signal = Signal::Description(description(SdpType::Answer, "to nothing"));
    let from = id(9);
    signaled(&mut session, SignalingEvent::Signal { from, signal });
    assert_eq!(heard(&mut session), []);
    assert_eq!(session.multiplayer().peer(id(9)).unwrap().connection, link);
}

#[test]
fn pauses_grow_until_a_connection_has_stood_for_a_while() {
    let (mut session, mut link) = connected();
    let mut pauses = Vec::new();
    for stood in [1, 1, 1, 20, 1] {
        pass(&mut session, Duration::from_secs(stood));
        heard(&mut session);
        fail(&mut session, link);
        heard(&mut session);
        let now = session.multiplayer().backend().now;
        let next = session.roster().next_attempt(id(7)).unwrap();
        pauses.push((next - now).as_secs());
        pass(&mut session, next - now);
        heard(&mut session);
        link = session.multiplayer().peer(id(7)).unwrap().connection;
        open(&mut session, link);
        assert_eq!(heard(&mut session), [Event::PeerConnected(id(7))]);
    }
    assert_eq!(pauses, [1, 2, 4, 1, 2]);
}

#[test]
fn all_signals_of_a_poll_go_out() {
    let (mut session, link) = calling();
    for number in 0..1500 {
        candidate_found(&mut session, link, number);
    }
    heard(&mut session);
    assert_eq!(session.signaling_mut().sent.len(), 1500);
}

#[test]
fn an_attempt_ends_whose_signals_find_no_room_and_is_made_again() {
    let (mut session, link) = calling();
    session.signaling_mut().full = true;
    for number in 0..1500 {
        candidate_found(&mut session, link, number);
    }
    let told = heard(&mut session);
    let [Event::PeerFailed { reason, .. }] = &told[..] else {
        panic!("{told:?}");
    };
    assert!(matches!(
        reason,
        DisconnectReason::ConnectFailed(ConnectFailure::Signaling(_))
    ));
    assert_eq!(session.roster().waiting_signals(), 0);
    session.signaling_mut().full = false;
    pass(&mut session, Duration::from_secs(1));
    heard(&mut session);
    let link = session.multiplayer().peer(id(7)).unwrap().connection;
    candidate_found(&mut session, link, 0);
    heard(&mut session);
    assert_eq!(session.signaling_mut().sent.len(), 1);
}

#[test]
fn so_many_signals_wait_for_room_and_no_more() {
    let (mut session, link) = calling();
    session.signaling_mut().full = true;
    for number in 0..1024 {
        candidate_found(&mut session, link, number);
    }
    assert_eq!(heard(&mut session), []);
    assert_eq!(session.roster().waiting_signals(), 1024);
    candidate_found(&mut session, link, 1024);
    let told = heard(&mut session);
    assert!(matches!(told[..], [Event::PeerFailed { .. }]), "{told:?}");
}

/// Peer 9, whose first offer to peer 7 was not answered in time and whose second one is under way.
fn calling_again() -> (Player, LinkId) {
    let (mut session, link) = calling();
    described(&mut session, link, SdpType::Offer);
    heard(&mut session);
    pass(&mut session, Duration::from_secs(15));
    assert!(matches!(
        heard(&mut session)[..],
        [Event::PeerFailed { .. }]
    ));
    pass(&mut session, Duration::from_secs(1));
    assert_eq!(heard(&mut session), []);
    let link = session.multiplayer().peer(id(7)).unwrap().connection;
    described(&mut session, link, SdpType::Offer);
    heard(&mut session);
    (session, link)
}

#[test]
fn a_late_answer_to_the_former_offer_is_not_applied() {
    let (mut session, link) = calling_again();
    signaled(&mut session, answer("to the first offer"));
    signaled(&mut session, answer("to the second offer"));
    heard(&mut session);
    assert_eq!(applied(&session, link), ["to the second offer"]);
}

#[test]
fn an_answer_that_may_be_to_a_former_offer_waits_for_the_next_one() {
    let (mut session, link) = calling_again();
    signaled(&mut session, answer("to the first offer"));
    heard(&mut session);
    assert_eq!(applied(&session, link), [] as [&str; 0]);
    pass(&mut session, Duration::from_millis(200));
    signaled(&mut session, answer("to the second offer"));
    heard(&mut session);
    assert_eq!(applied(&session, link), ["to the second offer"]);
}

#[test]
fn the_only_answer_to_two_offers_is_applied_soon() {
    let (mut session, link) = calling_again();
    signaled(&mut session, answer("to the second offer"));
    heard(&mut session);
    pass(&mut session, Duration::from_millis(250));
    heard(&mut session);
    assert_eq!(applied(&session, link), ["to the second offer"]);
}

#[test]
fn an_answer_after_the_one_that_was_applied_begins_a_new_attempt_at_once() {
    let (mut session, link) = calling_again();
    signaled(&mut session, answer("to the first offer"));
    heard(&mut session);
    pass(&mut session, Duration::from_secs(1));
    heard(&mut session);
    assert_eq!(applied(&session, link), ["to the first offer"]);
    signaled(&mut session, answer("to the first offer"));
    assert_eq!(heard(&mut session), []);
    assert_eq!(
        session.multiplayer().peer(id(7)).unwrap().connection,
        link,
        "a double"
    );
    signaled(&mut session, answer("to the second offer"));
    assert_eq!(heard(&mut session), []);
    assert_ne!(session.multiplayer().peer(id(7)).unwrap().connection, link);
}

#[test]
fn candidates_of_a_former_attempt_are_not_applied() {
    let (mut session, link) = calling();
    described(&mut session, link, SdpType::Offer);
    heard(&mut session);
    signaled(&mut session, candidate(7, "former"));
    signaled(&mut session, answer("a=ice-ufrag:now"));
    signaled(&mut session, candidate(7, "former"));
    signaled(&mut session, candidate(7, "now"));
    heard(&mut session);
    let commands = &session.multiplayer().backend().commands;
    let added: Vec<_> = commands
        .iter()
        .filter_map(|command| {
            let Command::AddCandidate { candidate, .. } = command else {
                return None;
            };
            Some(&candidate.candidate)
        })
        .collect();
    assert!(added.len() == 1 && added[0].ends_with("now"), "{added:?}");
}

#[test]
fn no_more_peers_than_there_are_places() {
    let (mut session, link) = calling();
    for peer in 100..20_100 {
        signaled(&mut session, SignalingEvent::PeerJoined(id(peer)));
        if peer % 200 == 0 {
            heard(&mut session);
        }
    }
    heard(&mut session);
    assert_eq!(opened(&session), 128);
    assert!(session.roster().member_count() < 5000);
    let reason = CloseReason::Failed(ConnectFailure::NoRoute);
    happened(&mut session, LinkEvent::Closed { link, reason });
    heard(&mut session);
    assert_eq!(opened(&session), 129, "a place has become free");
}

#[test]
fn offers_in_a_row_open_one_connection_a_second() {
    let (mut session, _) = called();
    for number in 0..200 {
        signaled(&mut session, offer(&alloc::format!("offer {number}")));
    }
    heard(&mut session);
    assert_eq!(opened(&session), 1);
    pass(&mut session, Duration::from_secs(1));
    heard(&mut session);
    assert_eq!(opened(&session), 2);
    let link = session.multiplayer().peer(id(9)).unwrap().connection;
    assert_eq!(applied(&session, link), ["offer 199"]);
}

#[test]
fn an_offer_that_waits_keeps_its_candidates() {
    let (mut session, _) = called();
    signaled(&mut session, offer("a=ice-ufrag:first"));
    signaled(&mut session, offer("a=ice-ufrag:second"));
    signaled(&mut session, candidate(9, "second"));
    signaled(&mut session, candidate(9, "first"));
    heard(&mut session);
    pass(&mut session, Duration::from_secs(1));
    heard(&mut session);
    let link = session.multiplayer().peer(id(9)).unwrap().connection;
    let commands = &session.multiplayer().backend().commands;
    let added: Vec<_> = commands
        .iter()
        .filter_map(|command| {
            let Command::AddCandidate {
                link: of,
                candidate,
            } = command
            else {
                return None;
            };
            candidate
                .candidate
                .rsplit(' ')
                .next()
                .filter(|_| *of == link)
        })
        .collect();
    assert_eq!(added, ["second"]);
}

#[test]
fn an_offer_that_comes_twice_is_answered_once() {
    let (mut session, link) = called();
    signaled(&mut session, offer("the offer"));
    heard(&mut session);
    pass(&mut session, Duration::from_secs(5));
    signaled(&mut session, offer("the offer"));
    heard(&mut session);
    pass(&mut session, Duration::from_secs(5));
    assert_eq!(heard(&mut session), []);
    assert_eq!(session.multiplayer().peer(id(9)).unwrap().connection, link);
    assert_eq!(opened(&session), 1);
}

pub(super) fn candidate_found(session: &mut Player, link: LinkId, number: u32) {
    let candidate = IceCandidate {
        sdp_mid: String::from("0"),
        sdp_m_line_index: 0,
        candidate: alloc::format!("candidate:{number}"),
    };
    happened(session, LinkEvent::Candidate { link, candidate });
}

fn candidate(from: u32, ufrag: &str) -> SignalingEvent {
    SignalingEvent::Signal {
        from: id(from),
        signal: Signal::Candidate(IceCandidate {
            sdp_mid: String::from("0"),
            sdp_m_line_index: 0,
            candidate: alloc::format!("candidate:1 1 udp 1 192.0.2.1 9 typ host ufrag {ufrag}"),
        }),
    }
}
